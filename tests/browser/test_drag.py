"""A slider in a hand: the figure follows while it is held, and ends at its last value; and a chart without its workarounds.

How often it is drawn meanwhile is a matter of the machine, and is measured: `python -m benchmarks browser`.
"""

import math
import re

import pytest
from browsing import wait_until

MOVES = 100  # of the mouse, as fast as the page takes them


@pytest.fixture
def lab(open_notebook):
    """A lab whose chart follows its slider; its words say what is drawn, where the slider is, and how many values came ahead of it."""
    notebook = open_notebook("following.ipynb")
    notebook.run_all()
    yield notebook.labs()[0]
    assert notebook.errors() == notebook.failures == []


def wait_until_drawn(lab):
    """Until the figure and the slider in the kernel are where the slider on the page is -> the value, and how many came ahead of it."""
    level = lab.readout("Level")
    wait_until(lambda: lab.words().startswith(f"drawn {level}, the slider's {level}, "))
    assert lab.drawn()[0]["y"][-1] == pytest.approx(float(level), rel=1e-6)
    return level, int(re.search(r"(\d+) ahead", lab.words())[1])


def test_a_drag_is_drawn_while_it_lasts_and_ends_at_its_last_value(lab):
    page, box = lab.page, lab.handle("Level").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for move in range(MOVES):
        page.mouse.move(x + 40 * math.sin(move / 8), y)
    held, ahead = wait_until_drawn(lab)  # the hand is still there
    assert 0 < ahead < MOVES
    page.mouse.move(x + 10, y)
    page.mouse.up()
    assert wait_until_drawn(lab)[0] != held


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
