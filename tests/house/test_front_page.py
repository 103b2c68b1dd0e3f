"""The site's front page, as it is written: what it takes from the README, and where its pictures lie. No browser is needed."""

import re

from build_site import DOCUMENTS, HEADING, front_page, plain, rendered
from series import ROOT

PICTURE = """<picture>
<source media="(prefers-reduced-motion: reduce)" srcset="docs/pictures/hand-still.png">
<img src="docs/pictures/hand.png" alt="A hand">
</picture>"""


def test_the_front_page_has_the_first_words_of_the_readme_and_no_more_of_it():
    page = front_page()
    headings = [(found[1], plain(found[3])) for found in HEADING.finditer(page)]
    assert headings == [
        ("1", "Linear transformers, taken apart"),
        ("2", "The series"),
        ("2", "Beside the notebooks"),
    ]
    words = plain(page.partition("</h1>")[2].partition('<div class="lab">')[0])
    assert words.startswith("You pull one point up.")
    assert words.endswith("The small package behind them is called lt_helpers .")


def test_the_front_page_links_every_document():
    links = re.findall(r'href="(\w[\w-]*\.html)"', front_page())
    assert {f"{path.stem.lower()}.html" for path in DOCUMENTS} | {"api.html"} <= set(links)


def test_both_pictures_of_a_pair_lie_on_the_site():
    found = re.findall(r'(srcset|src)="([^"]+)"', rendered(PICTURE, ROOT))
    assert found == [("srcset", "pictures/hand-still.png"), ("src", "pictures/hand.png")]
