"""Eight slides for a room, as one page that needs nothing else: one idea a slide, in pictures that the package computes.

Arrow keys, Page Up and Page Down go through them, and so does a tap; printed, each is a page. Without JavaScript they stand one under
the other.
tools/handouts.py writes them to docs/handouts.
"""

from html import escape

import numpy as np
from drawing import NOISE, PALE, Plane, dot, line, minus, rectangle, svg, text
from example import STEP, blocks, bowl, by_layer, scatter, sequences
from guide import ticket as asked
from poster import ROWS, signed
from teaching import LETTERS, filled, teaching

from lt_helpers.labs.points import SIGMAS, TOP, PointsLab, line_model
from lt_helpers.view.roles import BLUE, GREY, ORANGE, RED

WIDTH, HEIGHT = 1100, 470
TWINS = 1  # the vote that has a slide of its own
PULLED = dict(sigma=1.0, kind="diag", moved=(), seed=11)  # as the points lab begins its beats

STYLE = """
:root { color-scheme: light }
body { margin: 0; background: #fff; color: #1a1a1a; font: 26px/1.35 Helvetica, Arial, sans-serif }
section { box-sizing: border-box; width: 100vw; min-height: 100vh; padding: 4vh 5vw; display: flex; flex-direction: column; gap: 2vh }
h2 { margin: 0; font-size: 44px; line-height: 1.15 }
p, ol { margin: 0; max-width: 60em } p { white-space: pre-wrap }
li { margin: 0 0 .5em } span + span { margin-left: 1.2em; color: #0072B2; white-space: nowrap }
svg { width: 100%; max-height: 62vh; flex: 1 }
footer { margin-top: auto; color: #6b6b6b; font-size: 18px }
body.one section { display: none }
body.one section.now { display: flex }
section:focus { outline: none }
@page { size: 297mm 167mm; margin: 0 }
@media print {
  body.one section, section { display: flex; width: 297mm; height: 166mm; min-height: 0; break-after: page; padding: 8mm 12mm; gap: 3mm }
  body { font-size: 16px } h2 { font-size: 28px } footer { font-size: 11px } svg { max-height: 92mm }
}
"""
SCRIPT = """
const slides = [...document.querySelectorAll("section")];
let now = Math.min(Math.max(parseInt(location.hash.slice(1)) || 1, 1), slides.length) - 1;
function show(place) {
  now = Math.min(Math.max(place, 0), slides.length - 1);
  slides.forEach((slide, each) => slide.classList.toggle("now", each === now));
  history.replaceState(null, "", "#" + (now + 1));
  slides[now].focus();
}
document.body.classList.add("one");
document.addEventListener("keydown", event => {
  const step = { ArrowRight: 1, PageDown: 1, " ": 1, ArrowLeft: -1, PageUp: -1 }[event.key];
  const end = { Home: 0, End: slides.length - 1 }[event.key];
  if (step === undefined && end === undefined) return;
  event.preventDefault();
  show(end === undefined ? now + step : end);
});
document.addEventListener("click", event => show(now + (event.clientX < innerWidth / 3 ? -1 : 1)));
show(now);
"""


def pull():
    """Twenty points, one of which is pulled up, and the model's line before and after -> str, SVG"""
    before = PointsLab.compute(lifted=(), **PULLED)
    after = PointsLab.compute(lifted=((0, 0.0, TOP),), **PULLED)
    plane = Plane(60, 30, 620, 400, (-3.0, 3.0), (-8.0, 13.0))
    parts = plane.frame((-2, 0, 2), (-5, 0, 5, 10), "x", "y", 16)
    parts.append(plane.line(before.fitted, RED, "8 6"))
    parts.append(plane.line(before.slope, BLUE, "2 5"))
    parts.append(plane.line(after.slope, BLUE, thick=4))
    others = np.delete(np.arange(len(before.x)), before.middle)
    parts += plane.points(before.x[others], before.y[others])
    low, high = plane.at(0, before.y[before.middle]), plane.at(0, TOP)
    parts += [line(*low, *high, ORANGE, 3, "4 4"), dot(*low, 7, PALE), dot(*high, 10, ORANGE)]
    rows = (
        (RED, "least squares", before.fitted, after.fitted),
        (BLUE, "the model's line", before.slope, after.slope),
        (NOISE, "mean of y²", before.read[2], after.read[2]),
    )
    for place, (colour, name, old, new) in enumerate(rows):
        y = 110 + 110 * place
        parts.append(rectangle(740, y - 42, 8, 76, colour))
        parts.append(text(765, y - 15, name, 24))
        parts.append(text(765, y + 25, f"{old:.2f} → {new:.2f}", 34, weight="bold"))
    return svg(
        WIDTH, HEIGHT, parts, "Twenty points, one pulled up: the model's line sinks, least squares stays"
    )


def frozen():
    """The sixteen numbers of the model, which stay, and the slope that it works out, which moves -> str, SVG"""
    omega = line_model("diag").omega.reshape(-1, 4)  # (4, 4): xx, xy, yx, yy of each layer
    parts = [text(60, 40, "P and Q: 16 numbers, frozen", 26, weight="bold")]
    names = ("ω_xx", "ω_xy", "ω_yx", "ω_yy")
    parts += [text(205 + 120 * place, 72, name, 18, GREY, "middle") for place, name in enumerate(names)]
    for layer, row in enumerate(omega):
        parts.append(text(60, 118 + 80 * layer, f"layer {layer + 1}", 20, GREY))
        for place, value in enumerate(row):
            x, y = 150 + 120 * place, 85 + 80 * layer
            parts.append(rectangle(x, y, 110, 54, PALE + "66", GREY, corner=4.0))
            parts.append(text(x + 55, y + 35, minus(round(value, 2) + 0.0), 22, anchor="middle"))
    parts.append(text(700, 40, "w: worked out anew each time", 26, weight="bold"))
    plane = Plane(740, 85, 330, 310, (0.0, 5.0), (0.0, 2.2))
    trail = PointsLab.compute(lifted=(), **PULLED).trail
    parts += plane.frame(
        range(6), (0, 1, 2), "noise σ of the twenty points", "slope w of the model's line", 16
    )
    parts.append(plane.curve(SIGMAS, trail, BLUE, thick=4))
    return svg(
        WIDTH,
        HEIGHT,
        parts,
        "The model's 16 weights stay; the slope that it answers with falls as the noise grows",
    )


def reads():
    """S of A and of A', which differ in one number -> str, SVG"""
    quiet, noisy, _ = sequences()
    parts = []
    for place, one in enumerate((quiet, noisy)):
        left = 40 + 540 * place
        parts.append(text(left, 40, ROWS[one.name], 28, weight="bold"))
        parts += scatter(one, left + 20, 75, 220, 320, 16, lines=False)
        parts += blocks(one, left + 290, 110, 220, 30)
    return svg(WIDTH, HEIGHT, parts, "Four points, quiet and noisy: of the numbers in S one differs, v")


def descends():
    """Three gradient steps down the bowl of A -> str, SVG"""
    quiet, _, _ = sequences()
    parts = bowl(quiet, 80, 40, 620, 370, 18, quiet.walk)
    parts.append(text(760, 90, f"η = {STEP:g}, from w = 0", 24, GREY))
    for layer, slope in enumerate(quiet.walk):
        parts.append(text(760, 150 + 60 * layer, f"after layer {layer}", 24))
        parts.append(text(980, 150 + 60 * layer, f"w = {slope:g}", 28, BLUE, weight="bold"))
    return svg(WIDTH, HEIGHT, parts, "The slope walks down the bowl, a step a layer")


def twins():
    """A and B, whose labels are the same four numbers -> str, SVG"""
    quiet, _, twin = sequences()
    parts = []
    for place, one in enumerate((quiet, twin)):
        left = 90 + 520 * place
        parts.append(text(left, 40, f"{one.name}:  y = {', '.join(map(signed, one.y))}", 26, weight="bold"))
        parts += scatter(one, left, 75, 420, 320, 16, lines=False)
    return svg(WIDTH, HEIGHT, parts, "The points of A and of B")


def looks():
    """What a fit leaves of A and of B, and what the trained model then keeps -> str, SVG"""
    quiet, _, twin = sequences()
    parts = []
    for place, one in enumerate((quiet, twin)):
        left = 40 + 540 * place
        words = f"{one.name}:  left over {one.noise:g}, keeps {one.kept:.0%}"
        parts.append(text(left, 40, words, 26, weight="bold"))
        parts += scatter(one, left + 20, 75, 220, 320, 16)
        parts += by_layer(one, left + 290, 75, 210, 320, 16)
    return svg(WIDTH, HEIGHT, parts, "What is left of A and of B after a fit, and the model's slope by layer")


def lettered(options):
    """Options with their letters -> list of str"""
    return [f"({letter}) {option}" for letter, option in zip(LETTERS, options)]


def listing(items):
    """Numbered lines, each of parts that stand apart.    items : list of lists of str  ->  HTML"""
    lines = ["".join(f"<span>{escape(part, quote=False)}</span> " for part in parts) for parts in items]
    return "<ol>" + "".join(f"<li>{line}</li>" for line in lines) + "</ol>"


def quizzes():
    """The votes, with letters -> HTML"""
    return listing([vote["question"], *lettered(vote["options"])] for vote in teaching()["vote"])


def ticket():
    """The exit ticket, without answers -> HTML"""
    return listing(
        [filled(task["question"], asked(), f"ticket {place}, question")]
        for place, task in enumerate(teaching()["ticket"], 1)
    )


def slides():
    """The whole page -> str, HTML"""
    shown = [
        (
            "Pull one point",
            pull(),
            "You moved one of twenty points. The line that fits best stays. The model's line sinks. Which number told it?",
        ),
        (
            "The weights stay. The answer moves.",
            frozen(),
            "In-context learning: a frozen model works out its answer from examples that it reads.",
        ),
        (
            "All that it reads is one small matrix",
            reads(),
            "The means of x², of x·y, of y². Two sets of points, one number between them: v.",
        ),
        (
            "One layer is one gradient step",
            descends(),
            "Where the floor lies is the answer. How high it lies is the noise.",
        ),
        (
            "Vote: by the size of the labels alone, which looks noisier?",
            twins(),
            "   ".join(lettered(teaching()["vote"][TWINS]["options"])),
        ),
        (
            "Fit first, then look at what is left",
            looks(),
            "One model, one set of weights: it keeps less where more is left over.",
        ),
        ("Five votes", quizzes(), ""),
        ("Exit ticket", ticket(), "On paper, alone, pages closed, handed in."),
    ]
    sections = [
        f'<section tabindex="-1" aria-label="Slide {place} of {len(shown)}">\n<h2>{escape(title, quote=False)}</h2>\n{picture}\n'
        f"<p>{escape(words, quote=False)}</p>\n<footer>{place} / {len(shown)}</footer>\n</section>"
        for place, (title, picture, words) in enumerate(shown, 1)
    ]
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Linear transformers, taken apart: eight slides</title>',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{STYLE}</style></head><body>",
            *sections,
            f"<script>{SCRIPT}</script></body></html>\n",
        ]
    )
