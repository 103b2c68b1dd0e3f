"""A slider in a hand: how often the figure is drawn meanwhile, that the last value is shown, and a chart without its workarounds."""

import math
import time

import pytest
from browsing import wait_until

SECONDS, PACE = 2, 1 / 46  # of a drag; seconds between two moves of the mouse
ENOUGH = 20  # drawings a second,
SHARE = 0.6  # or this many of the moves, where other work on the machine holds up the mouse as well
TRIES = 5

WATCH = """figure => {
  window.drawn = 0;
  for (const event of ["plotly_afterplot", "plotly_transitioned"]) figure.on(event, () => window.drawn++);  // all of it; its traces
}"""


@pytest.fixture
def lab(open_notebook):
    """A lab whose chart follows its slider; its words say which value is drawn, and which one the slider itself has brought."""
    notebook = open_notebook("following.ipynb")
    notebook.run_all()
    yield notebook.labs()[0]
    assert notebook.errors() == notebook.failures == []


def drag(lab):
    """Move the slider's handle to and fro with the mouse, and let go of it elsewhere -> drawings and moves a second."""
    page, box = lab.page, lab.handle("Level").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    before, begin, moves = page.evaluate("drawn"), time.monotonic(), 0
    while time.monotonic() < begin + SECONDS:
        moves += 1
        page.mouse.move(x + 40 * math.sin(moves / 8), y)
        time.sleep(max(0, begin + moves * PACE - time.monotonic()))
    counts = page.evaluate("drawn") - before, moves
    rates = [count / (time.monotonic() - begin) for count in counts]
    page.mouse.move(x + 10, y)
    page.mouse.up()
    return rates


def test_a_drag_is_drawn_twenty_times_a_second_and_ends_at_its_last_value(lab):
    lab.root.locator(".lt-figure").evaluate(WATCH)
    tried, enough = [], False
    while len(tried) < TRIES and not enough:
        drawings, moves = drag(lab)
        tried.append(f"{drawings:.0f} drawings of {moves:.0f} moves a second")
        enough = drawings >= min(ENOUGH, SHARE * moves)
        level = lab.readout("Level")
        wait_until(lambda level=level: lab.words() == f"drawn {level}, the slider's {level}")
        assert lab.drawn()[0]["y"][-1] == pytest.approx(float(level), rel=1e-6)
    assert enough, "; ".join(tried)


def test_a_chart_without_its_workarounds_is_drawn_and_moves(open_notebook):
    notebook = open_notebook("unaided.ipynb")
    notebook.run_all()
    lab = notebook.labs(2)[0]
    lab.press("Noise σ", "ArrowRight", times=3)
    lab.shows_what_python_computes()
    notebook.reload()
    lab = notebook.labs(2)[0]
    lab.drag("Noise σ", range(3, 60, 3))
    lab.shows_what_python_computes()
    assert notebook.errors() == notebook.failures == []
