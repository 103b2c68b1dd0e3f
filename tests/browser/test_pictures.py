"""The page on which pictures of labs are drawn."""

import pictures
from chart_page import chart_page, picture_of

from lt_helpers.labs import NoiseLab, TinyLab


def test_a_picture_does_not_depend_on_the_one_before(browser):
    page = chart_page(browser, 860, 600)
    tiny = TinyLab(beat=None)
    first, noise, again = (picture_of(page, lab) for lab in (tiny, NoiseLab(beat=None), tiny))
    page.close()
    assert first == again != noise


def test_in_a_picture_of_a_lab_no_prediction_waits_for_a_hand(browser):
    """The tiny lab's star, which nobody has set, is on a page that draws the lab for a notebook, and not in docs/pictures."""
    seen = []
    for style in ("", pictures.STYLE):
        page = chart_page(browser, pictures.WIDTH, pictures.HEIGHT, style=style)
        picture_of(page, TinyLab(beat=None))
        seen.append(page.locator(".lt-unset").first.is_visible())
        page.close()
    assert seen == [True, False]
