"""Every lab of every notebook in a real JupyterLab: drawn, moved by key and by mouse, and again after the page is loaded anew."""

from pathlib import Path

import pytest

NOTEBOOKS = sorted(path.name for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", [*NOTEBOOKS, "two_labs.ipynb"])
def test_every_lab_draws_and_moves(open_notebook, name):
    notebook = open_notebook(name)
    notebook.run_all()
    assert notebook.errors() == []
    for lab in notebook.labs():
        lab.shows_what_python_computes()
        for label in lab.sliders():
            lab.step(label)
        lab.shows_what_python_computes()
        lab.drag(lab.sliders()[0], [20, 40])
        lab.shows_what_python_computes()
        assert lab.layout_faults() == []

    said = [lab.words() for lab in notebook.labs()]
    notebook.reload()
    assert [lab.words() for lab in notebook.labs(len(said))] == said
    for lab in notebook.labs(len(said)):
        lab.step(lab.sliders()[0])
        lab.shows_what_python_computes()
    assert notebook.failures == []
