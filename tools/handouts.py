"""What a room gets on paper and on the wall, and what the teacher's guide repeats: `make handouts`, or python tools/handouts.py.

docs/handouts: the poster and the worksheet as SVG and PDF, the slides as one page. docs/instructor-guide.md: the answer to every
prediction, which takes half a minute, since the training lab trains for it. docs/pictures: the lab under a hand at the top of the README.
"""

import hashlib

import answers
import hand
from browsing import chromium
from poster import poster, worksheet
from series import ROOT
from slides import slides

FOLDER = ROOT / "docs" / "handouts"
PAPER = {"poster": ("420mm", "297mm"), "worksheet": ("210mm", "297mm")}  # width and height
PAGE = """<!doctype html><meta charset="utf-8"><title>{title}</title>
<style>@page {{ margin: 0 }} body {{ margin: 0 }} svg {{ display: block }}</style>{svg}"""


def compose():
    """The files of docs/handouts that are text -> {name: text}"""
    return {"poster.svg": poster(), "worksheet.svg": worksheet(), "slides.html": slides()}


def title_of(name, svg):
    """The title of a PDF: it names the drawing that was printed, so that a test sees whether it is the present one."""
    return f"{name} {hashlib.sha256(svg.encode()).hexdigest()[:12]}"


def print_pages(browser, drawings):
    """The drawings as PDF, one page each, where they are not printed yet.    drawings : {"poster.svg": text, ...}"""
    page = browser.new_page()
    for name, (width, height) in PAPER.items():
        svg, path = drawings[f"{name}.svg"], FOLDER / f"{name}.pdf"
        title = title_of(name, svg)
        if path.exists() and title.encode() in path.read_bytes():
            continue
        page.set_content(PAGE.format(title=title, svg=svg))
        page.pdf(path=path, width=width, height=height, print_background=True, page_ranges="1")


def main():
    FOLDER.mkdir(exist_ok=True)
    texts = compose()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    answers.main()
    with chromium() as browser:
        print_pages(browser, texts)
        hand.draw(browser)


if __name__ == "__main__":
    main()
