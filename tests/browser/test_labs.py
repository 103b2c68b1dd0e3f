"""What every lab does, tried on a notebook with two of them in a real JupyterLab."""

import pytest


@pytest.fixture(scope="module")
def shared(visit):
    """A notebook with two labs, open for all tests that leave it as they found it. Tests that open another one come after those."""
    notebook = visit("shared.ipynb")
    notebook.run_all()
    return notebook


@pytest.fixture
def two_labs(shared):
    """The labs of that notebook, as they open."""
    yield shared.labs()
    for lab in shared.labs():
        lab.reset()
        lab.shows_what_python_computes()


def test_after_a_hard_drag_the_last_drawn_state_is_the_sliders(two_labs):
    lab = two_labs[0]
    lab.drag("Noise σ", [(37 * move) % 130 - 20 for move in range(100)] + [33])
    lab.shows_what_python_computes()
    assert float(lab.readout("Noise σ")) == lab.expected().values["sigma"] != 1.0


def test_an_arrow_key_moves_the_noise_by_one_step(two_labs):
    lab = two_labs[0]
    lab.press("Noise σ", "ArrowRight", times=25)
    lab.shows_what_python_computes()
    assert lab.readout("Noise σ") == "3.5" and lab.expected().values["sigma"] == 3.5


def test_a_move_leaves_the_axes_alone_and_draws_what_drawing_all_would(shared, two_labs):
    lab = two_labs[0]
    lab.root.evaluate(
        """root => {
          window.axes_drawn = 0;
          const observer = new MutationObserver((changes) => (window.axes_drawn += changes.length));
          for (const axis of root.querySelectorAll(".xaxislayer-above, .yaxislayer-above"))
            observer.observe(axis, {childList: true, subtree: true, attributes: true});
        }"""
    )
    lab.press("Noise σ", "ArrowRight", times=3)
    lab.shows_what_python_computes()
    moved = lab.marks()
    assert len(moved) > 10 and shared.page.evaluate("window.axes_drawn") == 0
    for dark in (True, False):  # each draws all anew
        shared.change_theme(dark)
        assert lab.wears(dark)
    assert shared.page.evaluate("window.axes_drawn") > 0
    assert lab.marks() == moved


def test_buttons_hold_predict_renew_and_reset(two_labs):
    lab = two_labs[0]
    opened = lab.words()
    lab.button("Hold ghost").click()
    lab.button("New sequence").click()
    lab.press("Predict: σ read where σ is 4", "ArrowRight", times=3)
    lab.shows_what_python_computes()
    assert (
        lab.expected().ghost == {**lab.expected().values, "seed": 66, "implied_guess": None}
        and lab.expected().values["seed"] == 67
    )
    lab.reset()
    lab.shows_what_python_computes()
    assert lab.words() == opened and lab.expected().ghost is None


def test_colours_follow_the_theme_while_the_lab_is_open(shared, two_labs):
    lab = two_labs[0]
    for dark in (False, True, False):
        shared.change_theme(dark)
        assert lab.wears(dark)
        lab.shows_what_python_computes()


@pytest.mark.parametrize("width", [1920, 700, 1000, 1366])
def test_nothing_overlaps_or_is_cut_off_at_any_width(two_labs, width):
    lab = two_labs[1]
    lab.page.set_viewport_size({"width": width, "height": 768})
    lab.step("Predict: σ read where σ is 4")
    lab.step("Predict: smallest share")
    lab.shows_what_python_computes()
    assert lab.layout_faults() == []


def test_a_screen_reader_finds_names(two_labs):
    lab = two_labs[0]
    assert lab.root.locator('.lt-figure[role="img"]').get_attribute("aria-label") == lab.words()
    for label in lab.sliders():
        assert lab.root.get_by_role("slider", name=label, exact=True).count() == 1
    assert lab.root.locator(".lt-words").get_attribute("aria-live") == "polite"


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
