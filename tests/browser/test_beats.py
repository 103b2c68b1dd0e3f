"""How a lab leads in a real JupyterLab: by mouse and by key, on one screen, for screen readers too."""

import numpy as np
import pytest
from all_labs import all_labs
from notebook_page import NotebookPage, access_faults

from lt_helpers import labs
from lt_helpers.labs import NoiseLab

SIZES = {"a laptop": {"width": 1366, "height": 768}, "a small screen": {"width": 1024, "height": 768}}
CONTROLS = ".widget-hslider, .widget-dropdown, .widget-checkbox, .widget-text, .widget-toggle-buttons"


@pytest.fixture(scope="module")
def opened(browser, address_of):
    """A notebook with a noise lab that leads."""
    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
    notebook = NotebookPage(page, address_of("notebooks/leading.ipynb"))
    yield notebook
    notebook.close()


@pytest.fixture
def root(opened):
    """The lab, as it opens."""
    opened.run_all()
    root = opened.page.locator(".jp-OutputArea-output:has(.lt-chart)").last
    root.locator(".lt-figure .main-svg").first.wait_for(state="attached", timeout=60_000)
    root.locator(".lt-task").wait_for()
    return root


def said(root, words):
    root.locator(".lt-told", has_text=words).wait_for(timeout=20_000)


def height_of(root, number):
    """Where a number stands on the upright axis of the first panel, in pixels of the page."""
    return root.locator(".lt-figure").evaluate(
        """(figure, number) => {
          const {top} = figure.getBoundingClientRect(), axis = figure._fullLayout.yaxis;
          return top + axis._offset + axis.l2p(number);
        }""",
        number,
    )


def reads(root, number):
    """The star has come to this number: what the kernel made of the hand's last move, and not of one before it."""
    root.locator(f'.lt-star[aria-valuetext="{number}"]').wait_for(timeout=20_000)


def test_a_prediction_is_dragged_locked_and_answered(opened, root):
    page, star = opened.page, root.locator(".lt-star")
    assert star.get_attribute("role") == "slider" and star.get_attribute("aria-valuetext") == "not set"
    box, height = star.bounding_box(), height_of(root, 3.25)
    page.mouse.move(box["x"] + 15, box["y"] + 15)
    page.mouse.down()
    page.mouse.move(box["x"] + 15, height, steps=6)
    page.mouse.up()
    reads(root, "3.25")
    star.press("ArrowUp")
    reads(root, "3.5")

    root.get_by_role("button", name="Lock").click()
    root.locator(".lt-task", has_text="Slide the noise").wait_for()
    assert root.locator(".lt-star").count() == 0
    handle = root.locator(".lt-large .noUi-handle")
    handle.focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    said(root, "You said 3.5; it is 3.78")


def test_a_number_is_typed_instead(root):
    root.get_by_label("Predict: σ read where σ is 4").fill("3.8")
    root.get_by_label("Predict: σ read where σ is 4").press("Enter")
    root.get_by_role("button", name="Lock").click()
    assert root.get_by_label("Predict: σ read where σ is 4").input_value() == "3.75"


def test_axe_finds_no_serious_fault_in_any_beat(opened, root):
    for place in range(len(NoiseLab.BEATS)):
        root.locator(".lt-steps", has_text=f"{place + 1} of 5").wait_for()
        root.locator(".lt-large .noUi-handle[aria-label][data-lm-suppress-shortcuts]").wait_for()
        assert access_faults(opened.page) == []
        root.get_by_role("button", name="Next").click()


def test_keys_alone_lead_through_all_beats(opened, root):
    page, names = opened.page, NoiseLab().names
    for beat in NoiseLab.BEATS[1:]:
        root.get_by_role("button", name="Next").press("Enter")
        root.locator(".lt-steps", has_text=f"{NoiseLab.BEATS.index(beat) + 1} of 5").wait_for()
        asked = NoiseLab.CONTROLS[beat.ask]
        opinion = root.locator(
            ".lt-opinion", has_text=names.control(beat.ask, asked)
        )  # not the row of the beat before
        opinion.locator("button").first.press("Enter")
        opinion.get_by_role("button", name="Lock", disabled=False).press("Enter")
        root.locator(".lt-phase", has_text="Do.").wait_for()
        handle = root.locator(".lt-large .noUi-handle")
        handle.focus()
        for _ in range(30):
            page.keyboard.press("ArrowRight")
        said(root, "You said")
    root.get_by_role("button", name="Next").press("Enter")
    root.get_by_role("button", name="Lead me").wait_for()


@pytest.mark.parametrize("name", [kind.__name__ for kind in all_labs().values()])
def test_every_beat_fits_on_one_screen(open_notebook, name):
    """From the row of buttons to the last line of the words, once the answer is told, with JupyterLab's own bars and its file browser."""
    notebook = open_notebook(f"beats_of_{name}.ipynb")
    notebook.run_all()
    assert notebook.errors() == []
    for size in SIZES.values():
        notebook.page.set_viewport_size(size)
        room = notebook.page.locator(".jp-WindowedPanel-outer").first.bounding_box()["height"]
        for place, beat in enumerate(getattr(labs, name).BEATS):
            root = notebook.output(place + 1)
            first, last = (root.locator(part).bounding_box() for part in (".lt-steps", ".lt-words"))
            assert last["y"] + last["height"] - first["y"] <= room, f"{beat.name}, {size}"
            assert root.locator(CONTROLS).locator("visible=true").count() <= 3


def test_a_dragged_star_is_answered_while_the_hand_moves(opened, root):
    """Moves that come faster than they are drawn are not queued: the last one is drawn, and nothing after it."""
    page, star = opened.page, root.locator(".lt-star")
    box, height = star.bounding_box(), height_of(root, 2.5)
    page.mouse.move(box["x"] + 15, box["y"] + 15)
    page.mouse.down()
    for move in range(60):
        page.mouse.move(box["x"] + 15, height - 60 * np.sin(move / 6))
    page.mouse.move(box["x"] + 15, height)
    page.mouse.up()
    reads(root, "2.5")
    page.wait_for_timeout(500)
    end = star.bounding_box()
    assert abs(end["y"] + end["height"] / 2 - height) < 4  # a quarter of sigma is 7 pixels
    assert star.get_attribute("aria-valuetext") == "2.5"
    assert root.get_by_label("Predict: σ read where σ is 4").input_value() == "2.5"


@pytest.mark.parametrize("width, height", [(683, 384), (390, 700)], ids=["enlarged twice", "a phone"])
def test_the_large_control_stays_in_sight_while_panels_scroll(opened, root, width, height):
    page = opened.page
    root.get_by_role("button", name="Everything").wait_for()
    root.locator(".lt-steps", has_text="1 of 5").wait_for()
    if width < 500:
        opened.command("application:toggle-left-area")  # the file browser
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(500)
    scroller = page.locator(".jp-WindowedPanel-outer").first
    words = root.locator(".lt-words")
    words.evaluate("words => words.scrollIntoView({block: 'end'})")
    page.wait_for_timeout(300)
    control, view = root.locator(".lt-large").bounding_box(), scroller.bounding_box()
    assert view["y"] - 1 <= control["y"] and control["y"] + control["height"] <= view["y"] + view["height"]
    assert words.bounding_box()["y"] > control["y"]
    page.set_viewport_size({"width": 1366, "height": 768})
