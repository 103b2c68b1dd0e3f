"""The training lab: how fast it trains while it draws, how soon it answers meanwhile, and whether the weights follow the noise.

The first table comes from a real JupyterLab in headless Chromium, the second from starts trained side by side, with the lab's own
settings, against the stored model, which Gauss-Newton from many starts has found.
"""

import os
import re
import tempfile
from pathlib import Path
from time import perf_counter, sleep

import numpy as np

from lt_helpers import RegressionTask, Uniform, load_pretrained
from lt_helpers.training.adam import Adam
from lt_helpers.training.gradient import forward
from lt_helpers.training.live import BATCH, CONTEXT, DIM, NEVER
from lt_helpers.training.objective import capped, draw
from lt_helpers.training.parameters import family
from lt_helpers.training.plans import RARE, AdamSettings
from tools.all_labs import write_notebook
from tools.browsing import chromium, jupyterlab
from tools.notebook_page import NotebookPage

from .browser import NOTEBOOK
from .browser import WATCH as WATCH_DRAWINGS

CELLS = [
    "from lt_helpers.labs import TrainingLab\nlab = TrainingLab()\nlab",
    "import time; print('said', lab.process.steps, time.process_time(), time.perf_counter())",
]
WATCH = """() => {
  window.watched = {asked: 0, answered: 0, goal: null};
  const texts = () => [...document.querySelectorAll(".widget-html-content")].map((node) => node.textContent);
  const said = () => texts().find((text) => text.startsWith("step "));
  for (const name of ["keydown", "mousedown"]) document.addEventListener(name, () => (watched.asked = performance.now()), true);
  new MutationObserver(() => {
    if (watched.goal && !watched.answered && watched.asked && said()?.includes(watched.goal)) watched.answered = performance.now();
  }).observe(document.querySelector(".jp-Notebook"), {subtree: true, childList: true, characterData: true});
}"""
PRESSES, SECONDS = 40, 20
SEEDS, QUIET, NOISY, RATE = (
    20,
    1000,
    1600,
    0.06,
)  # starts; steps at sigma_max 1 and 5 (20 s at 80 a second); the lab's learning rate


def answered(page, goal, ask):
    """Milliseconds from the key or the press that `ask` makes to the words `goal` in the lab's line."""
    page.evaluate("goal => Object.assign(watched, {asked: 0, answered: 0, goal})", goal)
    ask()
    page.wait_for_function("() => watched.answered", timeout=20_000)
    return page.evaluate("() => watched.answered - watched.asked")


def in_the_browser():
    """-> steps a second, and a second of the kernel's own time; drawings a second; milliseconds of slider, pause and another cell; steps
    after a pause."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        write_notebook(Path(folder) / "live.ipynb", CELLS)
        with jupyterlab(folder) as address_of:
            page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
            notebook = NotebookPage(page, address_of("live.ipynb"))
            notebook.run_all()
            lab = notebook.labs()[0]

            def ask_kernel():
                """Run the second cell -> steps, seconds of its process, seconds; and how long the answer took."""
                output, begin = page.locator(".jp-OutputArea-output pre").last, perf_counter()
                before = output.inner_text()
                notebook.run_last_cell()
                while (text := output.inner_text()) == before or not text.startswith("said"):
                    sleep(0.01)
                return [float(number) for number in re.findall(r"[\d.]+", text)], 1e3 * (
                    perf_counter() - begin
                )

            lab.button("Start").click()
            sleep(2)
            page.evaluate(WATCH_DRAWINGS, NOTEBOOK)
            first, _ = ask_kernel()
            sleep(SECONDS)
            drawings = page.evaluate("() => watched.frames")
            last, cell = ask_kernel()
            steps, cpu, wall = np.subtract(last, first)
            page.evaluate(WATCH)
            slider, goals = [], [f"U(0, {sigma:g})" for sigma in np.arange(1, 7.1, 0.5)]
            keys = [*range(1, len(goals)), *range(len(goals) - 2, -1, -1)]
            place = 0
            for press in range(PRESSES):
                there = keys[press % len(keys)]
                key = "ArrowRight" if there > place else "ArrowLeft"
                lab.handle("Noise σ_max").focus()
                slider.append(
                    answered(
                        page, goals[there] if there else "U(0, 1)", lambda key=key: page.keyboard.press(key)
                    )
                )
                place = there
                sleep(0.2)
            pause = answered(page, "paused", lambda: lab.button("Pause").click())
            (stopped, *_), _ = ask_kernel()
            sleep(1)
            (later, *_), _ = ask_kernel()
            notebook.close()
    return steps / wall, steps / cpu, drawings / wall, np.array(slider), pause, cell, later - stopped


def following(seeds=SEEDS, groups=4, seed=0):
    """Starts that train at U(0, 1), then at U(0, 5) -> losses (seeds,) at the end, over the stored model's, on 20,000 sequences."""
    parameters = family("diag", 3, DIM, heads=2)
    quiet, noisy = (RegressionTask(DIM, CONTEXT, Uniform(top)) for top in (1, 5))
    test = draw(noisy, 20_000, np.random.default_rng(seed), stretches=())

    def weighed(w):
        return capped(test.losses(w), RARE).mean(-1)

    S = test.S[:, : DIM + 1, : DIM + 1]
    stored = weighed(load_pretrained("diag", 3, Uniform(5)).implicit_weight(S))
    ratios = []
    for group in range(groups):
        rng = np.random.default_rng([seed, group])
        theta = np.stack([parameters.start(rng, quiet.noise) for _ in range(seeds // groups)])
        settings = AdamSettings(batch=BATCH, learning_rate=RATE, check=NEVER, held_out=1, single=False)
        run = Adam(parameters, theta, quiet, rng, settings)
        for _ in range(QUIET):
            run.step()
        run.theta = run.average.copy()
        run.task = noisy
        for _ in range(NOISY):
            run.step()
        ratios += [weighed(forward(parameters, theta, test.S).w) / stored for theta in run.average]
    return np.array(ratios)


def report():
    """The measurements as Markdown tables."""
    rate, own, drawings, slider, pause, cell, after = in_the_browser()
    p50, p95 = np.percentile(slider, [50, 95])
    ratios = np.sort(following())
    load = os.getloadavg()[0]
    return "\n".join(
        [
            f"DIAG, 3 layers, in training and drawn (load of the machine {load:.0f} on {os.cpu_count()} cores):",
            "",
            "| steps a second | a second of the kernel's own time | drawings a second | slider answered p50, ms | p95, ms | paused, ms "
            "| another cell, ms |",
            "|---|---|---|---|---|---|---|",
            f"| {rate:.0f} | {own:.0f} | {drawings:.1f} | {p50:.0f} | {p95:.0f} | {pause:.0f} | {cell:.0f} |",
            "",
            f"Steps after a pause: {after:.0f}. From U(0, 1) to U(0, 5), {NOISY} steps later: {(ratios < 1.1).sum()} of {len(ratios)} "
            f"starts within 10% of the stored model's loss (ratios {', '.join(f'{ratio:.2f}' for ratio in ratios)}).",
        ]
    )
