"""The poster of the whole idea, and the worksheet: drawings of the running example for a wall and for a desk.

tools/handouts.py writes them to docs/handouts.
"""

import numpy as np
from drawing import NOISE, PALE, line, paragraph, rectangle, svg, text
from example import STEP, blocks, bowl, by_layer, scatter, sequences

from lt_helpers.view.roles import BLUE, GREY, RED

WIDTH, HEIGHT = 1587, 1123  # A3 across, at 96 pixels an inch
LEFT, WIDE, GAP = (
    205,
    300,
    48,
)  # where the first column of panels begins, how wide one is, and what lies between two
TOP, ROW, TALL = 178, 262, 150  # of the first row of panels, from row to row, and of a panel
HEADS = (
    "1  Four points",
    "2  All that a layer reads: S",
    "3  What each slope leaves",
    "4  A trained model, frozen",
)
ROWS = {"A": "A, quiet", "A′": "A′, noisy", "B": "B, the twin"}


def poster():
    """Rows A, A' and B; columns points, S, bowl, and slope by layer -> str, SVG"""
    a, noisy, twin = sequences()
    found = captions(a, noisy, twin)
    parts = [rectangle(0, 0, WIDTH, HEIGHT)]
    parts.append(text(40, 58, "How can frozen weights sense noise?", 40, weight="bold"))
    lead, _ = paragraph(
        40,
        92,
        "A linear transformer reads its examples only as one small matrix S: the means of x², xy and y². It is never told "
        "how noisy they are. This trained one first fits, then looks at what is left over, and shrinks its answer by that. "
        "Its weights are the same 16 numbers in all three rows.",
        WIDTH - 80,
        19,
    )
    parts += lead
    for column, head in enumerate(HEADS):
        parts.append(text(across(column), TOP - 30, head, 18, weight="bold"))
    for row, one in enumerate((a, noisy, twin)):
        top = TOP + row * ROW
        parts.append(text(40, top + 26, ROWS[one.name], 26, weight="bold"))
        labels = ", ".join(map(signed, one.y))
        parts += [text(40, top + 54, "y =", 16, GREY), text(40, top + 76, labels, 16, GREY)]
        parts += scatter(one, across(0) + 20, top, WIDE - 40, TALL)
        parts += blocks(one, across(1) + 60, top, TALL + 10)
        parts += bowl(one, across(2) + 20, top, WIDE - 40, TALL)
        parts += by_layer(one, across(3) + 20, top, WIDE - 40, TALL)
        for column, words in enumerate(found[one.name]):
            lines, _ = paragraph(across(column), top + TALL + 54, words, WIDE + 20, 15)
            parts += lines
    parts += legend(TOP + 3 * ROW + 14)
    parts += findings(a, noisy, twin, TOP + 3 * ROW + 52)
    return svg(WIDTH, HEIGHT, parts, "A poster: how a frozen linear transformer senses noise", "420mm")


def across(column):
    """Where a column begins."""
    return LEFT + column * (WIDE + GAP)


def signed(value):
    """A number as text, with a minus that is one."""
    return f"{value:.4g}".replace("-", "−")


def captions(a, noisy, twin):
    """What is found in each panel -> dict of four sentences by name"""
    read = {one.name: f"{one.read[2]:.2f}" for one in (a, noisy, twin)}
    ends = {
        one.name: f"Ends at {one.path[-1]:.2f}: keeps {one.kept:.0%} of the fitted slope."
        for one in (a, noisy, twin)
    }
    return {
        "A": (
            f"The best line has slope {a.slope:g}. Orange: what it leaves.",
            "Means of x², xy and y²: nothing else of the points counts.",
            f"Lowest at w = {a.slope:g}. The floor is at {a.noise:g}: the noise.",
            f"{ends['A']} Layer 3 reads v = {read['A']}.",
        ),
        "A′": (
            f"The same best line, slope {noisy.slope:g}. More is left.",
            f"One number differs from A: v, {a.S[1, 1]:g} → {noisy.S[1, 1]:g}.",
            f"Lowest at w = {noisy.slope:g}, as for A. The floor is at {noisy.noise:g}.",
            f"{ends['A′']} Layer 3 reads v = {read['A′']}.",
        ),
        "B": (
            f"The labels of A, in another order: slope {twin.slope:g}.",
            f"v = {twin.S[1, 1]:g}, as for A: v alone does not tell the noise.",
            f"Lowest at w = {twin.slope:g}. The floor is at {twin.noise:g}, as for A′.",
            f"{ends['B']} Layer 3 reads v = {read['B']}.",
        ),
    }


def legend(y):
    """What the colours stand for -> list of elements"""
    entries = (
        (NOISE, None, "noise: what is left over, v, the height of the floor"),
        (RED, "7 5", "least squares: the line that fits best"),
        (BLUE, None, "the model: a DIAG of 4 layers, trained beforehand on other points"),
    )
    parts, x = [], 40
    for colour, dash, words in entries:
        parts += [line(x, y, x + 40, y, colour, 5, dash), text(x + 50, y + 5, words, 15)]
        x += 500
    return parts


def findings(a, noisy, twin, y):
    """What the three rows say together -> list of elements"""
    sentences = (
        (
            "Where the floor lies is the answer. How high it lies is the noise.",
            f"A and A′: one best slope, {a.slope:g}; the floors are {a.noise:g} and {noisy.noise:g}.",
        ),
        (
            "Large labels do not tell the noise.",
            f"A and B have the same v, {a.S[1, 1]:g}, and floors {a.noise:g} and {twin.noise:g}. Fit first, then look.",
        ),
        (
            "What is left decides how much is kept.",
            f"Left {a.noise:g}: keeps {a.kept:.0%}. Left {noisy.noise:g}: keeps {noisy.kept:.0%} (A′) and {twin.kept:.0%} (B).",
        ),
    )
    parts = []
    for place, (claim, numbers) in enumerate(sentences):
        x = 40 + place * 505
        parts.append(rectangle(x, y, 485, 84, PALE + "66", corner=6.0))
        parts.append(text(x + 14, y + 33, claim, 15.5, weight="bold"))
        parts.append(text(x + 14, y + 62, numbers, 14))
    return parts


SHEET = (794, 1123)  # A4 upright


def worksheet():
    """One page with A, A' and B, to be filled in by hand -> str, SVG"""
    every = sequences()
    parts = [rectangle(0, 0, *SHEET), text(40, 52, "Four points by hand", 26, weight="bold")]
    parts.append(text(SHEET[0] - 40, 52, "name ________________", 14, GREY, "end"))
    lead, _ = paragraph(
        40,
        78,
        "Each sequence has four points, x = −1, −1, 1, 1, so a mean divides by 4. The query is a fifth point, x = 2, whose y "
        "you are to answer. Fill in one task for A, A′ and B, and compare the three before you go on.",
        SHEET[0] - 80,
        14,
    )
    parts += lead
    wide = 230
    for column, one in enumerate(every):
        left = 40 + column * (wide + 12)
        labels = ", ".join(map(signed, one.y))
        parts.append(text(left, 134, f"{ROWS[one.name]}:  y = {labels}", 14, weight="bold"))
        parts += scatter(one, left + 24, 150, wide - 40, 150, 11, lines=False)
    y = 362
    for number, (task, small) in enumerate(questions(), 1):
        parts.append(line(40, y - 22, SHEET[0] - 40, y - 22, PALE, 1))
        parts.append(text(40, y, f"{number}", 15, BLUE, weight="bold"))
        lines, below = paragraph(62, y, task, 316, 13.5)
        parts += lines
        for column, one in enumerate(every):
            x = 400 + column * 120
            parts.append(text(x, y, one.name, 13, GREY, weight="bold"))
            parts.append(rectangle(x + 24, y - 18, 84, 40, edge=GREY, thick=1.0, corner=4.0))
            if small:
                parts.append(text(x + 104, y + 19, small, 9, GREY, "end"))
        y = max(below, y + 40) + 25
    closing, _ = paragraph(
        40,
        y + 4,
        "Say in one sentence each: which number tells A from A′? Which number, read before any fit, cannot tell A from B? "
        "What does a layer have to do before it looks?",
        SHEET[0] - 80,
        14,
        weight="bold",
    )
    parts += closing
    for place in range(3):
        parts.append(line(40, y + 78 + 30 * place, SHEET[0] - 40, y + 78 + 30 * place, PALE, 1))
    return svg(*SHEET, parts, "A worksheet: the running example by hand", "210mm")


def questions():
    """The tasks of the worksheet, and the unit or form of their answers -> list of (task, small print)"""
    return [
        ("S: the means of x², of x·y, and of y².", "x², xy, y²"),
        ("Draw the line through (0, 0) that fits best. Its slope is mean xy / mean x².", "slope"),
        ("What the line leaves of each label: r = y − slope · x.", "four numbers"),
        ("The mean of r².  Check: it is mean y² − slope².", "mean r²"),
        (
            f"Gradient descent from w = 0 with η = {STEP:g}: w + η (mean xy − w mean x²). Two steps.",
            "w after 1, 2",
        ),
        ("A layer that looks at what is left: multiply the slope by 1 − (mean r²) / 8.", "slope"),
        ("The same layer, looking at the labels instead: multiply the slope by 1 − (mean y²) / 8.", "slope"),
        ("The answer to the query x = 2, with the slope of task 6.", "answer"),
    ]


def solutions():
    """What stands in the boxes of the worksheet -> list of tuples of str, a task each: for A, A' and B"""
    every = sequences()

    return [
        tuple(", ".join(map(signed, one.S[np.triu_indices(2)])) for one in every),
        tuple(signed(one.slope) for one in every),
        tuple(", ".join(map(signed, one.left)) for one in every),
        tuple(signed(one.noise) for one in every),
        tuple(", ".join(map(signed, one.walk[1:3])) for one in every),
        tuple(signed(one.shrunk) for one in every),
        tuple(signed((1 - one.S[1, 1] / 8) * one.slope) for one in every),
        tuple(signed(2 * one.shrunk) for one in every),
    ]
