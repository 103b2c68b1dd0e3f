"""Every lab of every notebook, with the cells that it needs, in a real JupyterLab: drawn, and moved by key and by mouse."""

from pathlib import Path

import pytest

NOTEBOOKS = sorted(path.name for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_lab_draws_and_moves(open_notebook, name):
    notebook = open_notebook(f"labs_of_{name}")
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
    assert notebook.failures == []


def test_after_a_reload_every_lab_is_as_it_was_and_moves(open_notebook):
    notebook = open_notebook("two_labs.ipynb")
    notebook.run_all()
    for lab in notebook.labs():
        lab.step(lab.sliders()[0])
        lab.shows_what_python_computes()
    said = [lab.words() for lab in notebook.labs()]
    notebook.reload()
    assert [lab.words() for lab in notebook.labs(len(said))] == said
    for lab in notebook.labs(len(said)):
        lab.step(lab.sliders()[0])
        lab.shows_what_python_computes()
    assert notebook.failures == []
