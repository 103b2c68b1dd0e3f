"""How fast and how light the labs are in a real JupyterLab, beside the two usual ways to show the same figure.

A move is one press of an arrow key on a slider; it ends with the frame after the last change of the drawing. The variants run one after
the other in one JupyterLab and one Chromium: compare them with each other, not with another machine's.
"""

import tempfile
from pathlib import Path
from time import perf_counter, sleep

import numpy as np

from tools.all_labs import write_notebook
from tools.browsing import chromium, jupyterlab
from tools.notebook_page import NotebookPage

MOVES = 60
SETTLED = 0.3  # seconds without a change of the drawing
LAB = "from lt_helpers.labs import NoiseLab"
FIGURE = """
import ipywidgets, plotly.graph_objects as go
slider = ipywidgets.FloatSlider(description="Noise σ", min=0, max=8, step=0.1, value=1.0)
values = NoiseLab().values
def figure(sigma):
    return NoiseLab.draw(NoiseLab.compute(**{**values, "sigma": sigma}))
"""
WIDGET = """
shown = go.FigureWidget(figure(1.0))
def move(change):
    with shown.batch_update():
        for old, new in zip(shown.data, figure(change.new).data):
            old.x, old.y = new.x, new.y
slider.observe(move, "value")
ipywidgets.VBox([slider, shown])
"""
NAIVE = """
def show(sigma):
    display(figure(sigma))
ipywidgets.interactive(show, sigma=slider)
"""
VARIANTS = {
    "noise lab": [LAB, "NoiseLab()"],
    "FigureWidget": [LAB + FIGURE, WIDGET],
    "interact": [LAB + FIGURE, NAIVE],
}
WATCH = """() => {
  window.watched = {pressed: 0, drawn: 0};
  document.addEventListener("keydown", () => (watched.pressed = performance.now()), true);
  const drawing = (node) => node.closest?.("svg") ?? node.querySelector?.("svg");
  new MutationObserver((changes) => {
    if (changes.some(({target, addedNodes}) => drawing(target) || [...addedNodes].some(drawing)))
      requestAnimationFrame(() => (watched.drawn = performance.now()));
  }).observe(document.querySelector(".jp-Notebook"), {subtree: true, childList: true, attributes: true});
}"""


class Wire:
    """Counts the bytes that a page receives and sends over its websockets."""

    def __init__(self, page):
        self.down = self.up = 0
        page.on("websocket", self._count)

    def _count(self, socket):
        socket.on("framereceived", lambda frame: setattr(self, "down", self.down + len(frame)))
        socket.on("framesent", lambda frame: setattr(self, "up", self.up + len(frame)))


def measure(browser, address, moves=MOVES):
    """Open a notebook, run it, move its first slider -> dict of seconds and bytes."""
    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
    wire = Wire(page)
    notebook = NotebookPage(page, address)
    before, start = wire.down, perf_counter()
    notebook.run_all()
    page.locator("svg.main-svg").first.wait_for(state="attached")
    opened = perf_counter() - start
    sleep(1)
    first = wire.down - before
    page.evaluate(WATCH)
    handle = page.locator(".widget-hslider .noUi-handle").first
    handle.focus()
    down, up, times = wire.down, wire.up, []
    for _ in range(moves):
        page.keyboard.press("ArrowRight")
        sleep(SETTLED)
        pressed, drawn = page.evaluate("() => [watched.pressed, watched.drawn]")
        times.append(drawn - pressed if drawn > pressed else np.inf)
    result = dict(
        first_bytes=first, first_seconds=opened, down=(wire.down - down) / moves, up=(wire.up - up) / moves, times=np.array(times)
    )
    notebook.close()
    return result


def second_lab(browser, address):
    """The bytes that a second lab in the same notebook adds."""
    page = browser.new_page()
    wire = Wire(page)
    notebook = NotebookPage(page, address)
    sizes = []
    for _ in range(3):  # the import, the first lab, the second
        before = wire.down
        notebook.command("notebook:run-cell-and-select-next")
        notebook.wait_until_ready()
        sleep(2)
        sizes.append(wire.down - before)
    notebook.close()
    return sizes[-1]


def report():
    """The variants as a Markdown table."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for name, cells in VARIANTS.items():
            write_notebook(Path(folder) / f"{name}.ipynb", cells)
        write_notebook(Path(folder) / "second.ipynb", [*VARIANTS["noise lab"], "NoiseLab(sigma=2.0)"])
        with jupyterlab(folder) as address_of:
            results = {name: measure(browser, address_of(f"{name}.ipynb")) for name in VARIANTS}
            second = second_lab(browser, address_of("second.ipynb"))
    lines = [
        "| | key to drawn p50, ms | p95, ms | down a move, KB | up a move, KB | first lab, MB | first lab, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, result in results.items():
        p50, p95 = np.percentile(result["times"], [50, 95])
        lines.append(
            f"| {name} | {p50:.0f} | {p95:.0f} | {result['down'] / 1e3:.1f} | {result['up'] / 1e3:.2f} | {result['first_bytes'] / 1e6:.2f} "
            f"| {result['first_seconds']:.1f} |"
        )
    ratios = [f"{np.median(result['times']) / np.median(results['noise lab']['times']):.1f} ({name})" for name, result in results.items()]
    lines += ["", f"p50 over the noise lab's: {', '.join(ratios)}. A second lab in the same notebook adds {second / 1e3:.0f} KB."]
    return "\n".join(lines)
