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


def test_after_a_hard_drag_the_last_drawn_state_is_the_sliders(open_notebook):
    notebook = open_notebook("two_labs.ipynb")
    notebook.run_all()
    lab = notebook.labs()[0]
    lab.drag("Noise σ", [(37 * move) % 130 - 20 for move in range(200)] + [33])
    lab.shows_what_python_computes()
    assert float(lab.readout("Noise σ")) == lab.expected().values["sigma"] != 1.0


def test_an_arrow_key_moves_the_noise_by_one_step(open_notebook):
    notebook = open_notebook("two_labs.ipynb")
    notebook.run_all()
    lab = notebook.labs()[0]
    lab.press("Noise σ", "ArrowRight", times=25)
    lab.shows_what_python_computes()
    assert lab.readout("Noise σ") == "3.5" and lab.expected().values["sigma"] == 3.5


def test_buttons_hold_predict_renew_and_reset(open_notebook):
    notebook = open_notebook("two_labs.ipynb")
    notebook.run_all()
    lab = notebook.labs()[0]
    opened = lab.words()
    lab.button("Hold ghost").click()
    lab.button("New sequence").click()
    lab.press("Predict: σ read", "ArrowRight", times=3)
    lab.shows_what_python_computes()
    assert lab.expected().ghost == {**lab.expected().values, "seed": 4, "implied_guess": None} and lab.expected().values["seed"] == 5
    lab.button("Reset").click()
    lab.shows_what_python_computes()
    assert lab.words() == opened and lab.expected().ghost is None


def test_running_the_cell_again_shows_a_lab_that_moves(open_notebook):
    notebook = open_notebook("two_labs.ipynb")
    notebook.run_all()
    notebook.run_all()
    assert len(notebook.labs()) == 2
    for lab in notebook.labs():
        lab.step("Noise σ")
        lab.shows_what_python_computes()


def test_two_notebooks_in_one_page_each_draw(open_notebook):
    notebook = open_notebook("two_labs.ipynb")
    notebook.run_all()
    notebook.command("docmanager:clone")
    assert len(notebook.labs()) == 4
    notebook.labs()[0].step("Noise σ")
    for lab in notebook.labs()[:1] + notebook.labs()[2:3]:
        lab.shows_what_python_computes()


def test_colours_follow_the_theme_while_the_lab_is_open(open_notebook):
    notebook = open_notebook("two_labs.ipynb")
    notebook.run_all()
    lab = notebook.labs()[0]
    assert lab.ink() < 128
    notebook.command("apputils:change-theme", theme="JupyterLab Dark")
    notebook.page.wait_for_timeout(1000)
    assert lab.ink() > 128
    lab.shows_what_python_computes()


def test_an_error_shows_in_red_and_the_next_move_recovers(open_notebook):
    notebook = open_notebook("fragile_lab.ipynb")
    notebook.run_all()
    lab = notebook.labs()[0]
    drawn = lab.drawn()
    lab.press("Noise σ", "ArrowRight")
    error = lab.root.locator(".lt-error")
    error.wait_for()
    assert "this lab cannot bear it" in error.inner_text() and "Reset" in error.inner_text()
    red, green, blue = lab.colour(error, "color")
    assert red > 2 * max(green, blue)
    assert [trace["shapes"] for trace in lab.drawn()] == [trace["shapes"] for trace in drawn]
    lab.press("Noise σ", "ArrowRight")
    error.wait_for(state="detached")
    assert "σ = 1.2" in lab.words()


@pytest.mark.parametrize("width", [1920, 1366, 1000, 700])
def test_nothing_overlaps_or_is_cut_off_at_any_width(open_notebook, width):
    notebook = open_notebook("two_labs.ipynb", width=width)
    notebook.run_all()
    lab = notebook.labs()[1]
    lab.step("Predict: σ read")
    lab.step("Predict: smallest share")
    lab.shows_what_python_computes()
    assert lab.layout_faults() == []


def test_a_screen_reader_finds_names(open_notebook):
    notebook = open_notebook("two_labs.ipynb")
    notebook.run_all()
    lab = notebook.labs()[0]
    assert lab.root.locator('.lt-figure[role="img"]').get_attribute("aria-label") == lab.words()
    for label in lab.sliders():
        assert lab.root.get_by_role("slider", name=label, exact=True).count() == 1
    assert lab.root.locator(".lt-words").get_attribute("aria-live") == "polite"
