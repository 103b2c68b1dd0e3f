"""Hours of use in a few seconds: kernel and page hold no more memory than at first (in a long run they answer no later, either), and what
is drawn last is true.

LT_MOVES=2000 LT_MINUTES=30 pytest -s tests/browser/test_endurance.py takes as many moves and minutes as a long day has.
"""

import os
import time

import numpy as np
import pytest
from browsing import wait_until
from notebook_page import said, steps

MOVES = int(os.environ.get("LT_MOVES", 60))
MINUTES = float(os.environ.get("LT_MINUTES", 0.15))
THERE = 40  # moves to one side before the slider turns back: it must not come to its end
ENOUGH = 200  # answers, below which other work on the machine can make the last of them slower
GROWS = 10, 4  # megabytes that kernel and page may hold more after all of it than after a third

pytestmark = pytest.mark.timeout(120 + MOVES + 120 * MINUTES)

# Milliseconds from each key to the drawing that answers it.
WATCH = """figure => {
  let pressed = 0;
  window.answers = [];
  document.addEventListener("keydown", () => (pressed = performance.now()), true);
  for (const drawn of ["plotly_afterplot", "plotly_transitioned"])  // all of it; its traces
    figure.on(drawn, () => {
      if (pressed) answers.push(performance.now() - pressed);
      pressed = 0;
    });
}"""


def assert_no_growth(name, memory, answers):
    """`memory` (readings, 2): megabytes of kernel and page after a third and at the end; `answers`: how long each answer took, in order."""
    first, last = (np.median(part) for part in (answers[: len(answers) // 3], answers[-len(answers) // 3 :]))
    (kernel, page), (kernel_then, page_then) = memory
    print(
        f"{name}: kernel {kernel:.1f} MB after a third, {kernel_then:.1f} MB at the end; page {page:.1f} and {page_then:.1f} MB; "
        f"answers of the last third took {last / first:.2f} times those of the first (medians, of {len(answers)})."
    )
    assert (np.subtract(memory[1], memory[0]) < GROWS).all()
    assert len(answers) < ENOUGH or last < 2 * first


def test_moves_of_a_slider_leave_nothing_behind(open_notebook):
    notebook = open_notebook("two_labs.ipynb")
    notebook.run_all()
    lab, page = notebook.labs()[0], notebook.page
    lab.root.locator(".lt-figure").evaluate(WATCH)
    lab.handle("Noise σ").focus()
    memory = []
    for move in range(MOVES):
        page.keyboard.press("ArrowLeft" if move // THERE % 2 else "ArrowRight")
        page.wait_for_function("count => answers.length === count", arg=move + 1)
        if move + 1 in (MOVES // 3, MOVES):
            memory.append(notebook.memory())
    lab.shows_what_python_computes()
    assert (
        lab.readout("Noise σ")
        == f"{1 + 0.1 * sum(-1 if move // THERE % 2 else 1 for move in range(MOVES)):.1f}"
    )
    assert_no_growth(f"{MOVES:,} moves", memory, page.evaluate("answers"))
    assert notebook.errors() == notebook.failures == []


def test_training_that_goes_on_and_on_leaves_nothing_behind(open_notebook):
    notebook = open_notebook("training.ipynb")
    notebook.run_all()
    lab = notebook.labs()[0]
    lab.button("Start").click()
    wait_until(lambda: steps(lab) > 60)
    begin, memory, answers = time.monotonic(), [], []
    while time.monotonic() < begin + 60 * MINUTES:
        asked, key = time.monotonic(), "ArrowLeft" if len(answers) // 6 % 2 else "ArrowRight"
        lab.press("Noise σ_max", key)
        wait_until(lambda: said(lab).endswith(f"U(0, {float(lab.readout('Noise σ_max')):g})"))
        answers.append(time.monotonic() - asked)
        time.sleep(1)
        if not memory and time.monotonic() > begin + 20 * MINUTES:
            memory.append(notebook.memory())
    memory.append(notebook.memory())
    lab.button("Pause").click()
    wait_until(lambda: "paused" in said(lab))
    wait_until(lambda: f"U(0, {float(lab.readout('Noise σ_max')):g}), step {steps(lab):,}: " in lab.words())
    ends = [trace["y"][-1] for trace in lab.drawn() if trace["shapes"]]
    assert any(
        f"loss {end:.3g};" in lab.words() for end in ends
    )  # the line of the loss ends where the words say
    assert_no_growth(f"{MINUTES:g} minutes of training, {steps(lab):,} steps", memory, answers)
    assert notebook.errors() == notebook.failures == []
