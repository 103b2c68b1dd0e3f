"""draw.js by itself: figures that come faster than the page has frames, as in a tab in the background."""

from itertools import pairwise

import numpy as np
import pytest
from notebook_page import MARKS

from lt_helpers.labs import NoiseLab
from lt_helpers.view.chart import FILES, changed

PAGE = "<div id='fast' style='width: 900px'></div><div id='alone' style='width: 900px'></div>"

# The first figure is drawn; the others follow, each with the paths of what it changes and once its promises are kept, all before the next
# frame. -> the marks, and those of the last figure drawn alone.
SHOW = """async ({figures, paths}) => {
  const [fast, alone] = ["fast", "alone"].map((name) => document.getElementById(name));
  const frames = async (count) => { while (count--) await new Promise(requestAnimationFrame); };
  const chart = ltChart(Plotly, fast);
  chart.show(figures[0]);
  await frames(5);
  for (const [move, figure] of figures.slice(1).entries()) {
    chart.show(figure, paths[move]);
    for (let turn = 0; turn < 100; turn++) await null;
  }
  ltChart(Plotly, alone).show(figures.at(-1));
  await frames(10);
  return [fast, alone].map((element) => (MARKS)(element.querySelector(".lt-figure")));
}""".replace("MARKS", MARKS)


@pytest.fixture
def marks(browser):
    """marks(labs) -> the marks after the labs' figures were shown before a frame, those of the last one alone, and the page's errors."""
    page, failures = browser.new_page(), []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.set_content(PAGE)
    for name in ("plotly.min.js", "hands.js", "draw.js"):
        page.add_script_tag(content=(FILES / name).read_text())

    def marks(labs):
        figures = [lab.chart.get_state("state")["state"] for lab in labs]
        paths = [[path for path, _ in changed(*pair)] for pair in pairwise(figures)]
        fast, alone = page.evaluate(SHOW, {"figures": figures, "paths": paths})
        return fast, alone, failures

    yield marks
    page.close()


def test_moves_that_overtake_each_other_end_at_the_last(marks):
    fast, alone, failures = marks([NoiseLab(beat=None, sigma=sigma) for sigma in (1.0, 1.5, 2.0, 2.5, 3.0)])
    assert fast == alone and len(alone) > 10 and failures == []


def test_a_move_that_waits_does_no_harm_where_the_next_figure_has_fewer_traces(marks):
    moving = [NoiseLab(beat=None, sigma=sigma, ghost={"sigma": 1.0}) for sigma in (1.0, 1.5, 2.0)]
    fast, alone, failures = marks([*moving, NoiseLab(beat=None, sigma=3.0)])
    assert fast == alone and len(alone) > 10 and failures == []


@pytest.mark.parametrize("sigmas", [(0.8, 0.9), (0.9, 0.8), (0.9, 0.8, 0.9)])
def test_an_arrow_comes_and_goes_with_a_move_of_points_alone(marks, sigmas):
    """Between these a point of the picture crosses the end of its axis."""
    labs = [NoiseLab(beat=None, seed=66, sigma=sigma) for sigma in sigmas]
    arrows = [
        [trace["x"].size for trace in lab.drawing["data"][-4:] if np.isfinite(trace["x"]).any()]
        for lab in labs
    ]
    assert arrows[0] != arrows[1]
    fast, alone, failures = marks(labs)
    assert fast == alone and len(alone) > 10 and failures == []
