"""The slides in a browser: keys turn the page, and each fits on the screens of projectors."""

import handouts
import pytest

SHOWN = "[...document.querySelectorAll('section')].flatMap((slide, place) => slide.offsetHeight ? [place + 1] : [])"
TALL = "document.documentElement.scrollHeight - innerHeight"


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto((handouts.FOLDER / "slides.html").as_uri())
    yield page
    page.close()


def test_keys_turn_the_page(page):
    for key, after in [
        ("ArrowRight", 2),
        ("PageDown", 3),
        ("ArrowLeft", 2),
        ("End", 8),
        ("ArrowRight", 8),
        ("Home", 1),
    ]:
        page.keyboard.press(key)
        assert page.evaluate(SHOWN) == [after]
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == f"Slide {after} of 8"
    page.keyboard.press("ArrowRight")
    page.reload()
    assert page.evaluate(SHOWN) == [2]  # its place stands in the address


def test_a_tap_turns_the_page(page):
    page.keyboard.press("Home")
    for x, after in [(1200, 2), (700, 3), (100, 2)]:
        page.mouse.click(x, 600)
        assert page.evaluate(SHOWN) == [after]


@pytest.mark.parametrize("width, height", [(1366, 768), (1024, 768), (1920, 1080)])
def test_each_slide_fits_on_the_screen(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    page.keyboard.press("Home")
    for place in range(8):
        assert page.evaluate(TALL) <= 0, f"slide {place + 1}"
        page.keyboard.press("ArrowRight")


def test_printed_all_slides_are_there(page):
    page.emulate_media(media="print")
    assert page.evaluate(SHOWN) == list(range(1, 9))
    page.emulate_media(media="screen")
