"""The front page of the site: a picture that follows the hand, and a card for each notebook. Its words: site/front.md, and the README.

The picture is drawn here, with its point pulled up: so it stands where there is no JavaScript. Where there is, site/static/pull.js takes
hold of it, and computes what a hand asks for, with the very weights.
"""

import html
import json
import re
from pathlib import Path

import numpy as np
from series import acts, series

from lt_helpers.labs.points import SLOPE, TOP, X, Y, line_model, slopes, twenty
from lt_helpers.task import second_moments

ROOT = Path(__file__).parents[1]
SEED, SIGMA = 11, 1.0  # the points of the lab's beat "pull"
LINES = {"model": "diag", "other": "gd++"}  # the models whose lines are drawn, by kind
WIDTH, HEIGHT = 480, 330  # of the picture, in its own units
FACTS = (("fit", "least squares"), ("other", "GD++"), ("model", "the model"))


def front_page():
    """The page as Markdown, with links that go from the project's root."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = series()[0]
    return (
        (ROOT / "site" / "front.md")
        .read_text(encoding="utf-8")
        .format(
            pull=pull(),
            words=re.search(r"(?s)</picture>\n+(.*?)\n+<!-- try -->", readme)[1],
            first=f"{first['name']}.html",
            minutes=first["minutes"],
            cards=cards(),
        )
    )


def cards():
    """A card for each notebook, by act: the picture of its lab, its title, and what it answers -> HTML"""
    parts = []
    for act in acts():
        parts.append(f'<p class="act">{html.escape(act["title"])}</p>\n<div class="cards">')
        parts += map(card, act["notebook"])
        parts.append("</div>")
    return "\n".join(parts)


def card(notebook):
    name = notebook["name"]
    words = html.escape(re.sub(r"\$([^$]*)\$", r"\1", notebook["question"]))
    return (
        f'<a class="card" href="{name}.html"><img src="pictures/{picture_of(name)}" alt="" width="320" height="200">'
        f"<b>{name[:2]}  {html.escape(notebook['title'])}</b><span>{words}</span><small>{notebook['minutes']} minutes</small></a>"
    )


def picture_of(name):
    """The first picture of a lab in a notebook's text -> its file's name"""
    text = (ROOT / "notebooks" / ".text" / f"{name}.py").read_text(encoding="utf-8")
    return re.search(r"docs/pictures/([a-z-]+-lab\.png)", text)[1]


# Pull one point


def points(height):
    """The twenty points, with the one at x = 0 pulled to `height` -> x, y (20,) and its place"""
    x, noise, middle = twenty(SEED)
    y = SLOPE * x + SIGMA * noise  # (20,)
    y[middle] = height
    return x, y, middle


def state(height):
    """What is seen with the point at `height` -> the means of x^2, x y and y^2, and the slopes of the lines by name"""
    x, y, _ = points(height)
    S = second_moments(x[None, :, None], y[None])  # (1, 2, 2)
    means = {"xx": S[0, 0, 0], "xy": S[0, 0, 1], "yy": S[0, 1, 1]}
    lines = {name: slopes(line_model(kind), S)[0] for name, kind in LINES.items()}
    return means, {"fit": means["xy"] / means["xx"], **lines}


def across(x):
    return (x - X.low) / (X.high - X.low) * WIDTH


def down(y):
    return (Y.high - y) / (Y.high - Y.low) * HEIGHT


def weights():
    """The weights of the models by name, P and Q of each layer -> lists that JavaScript reads"""
    models = {name: line_model(kind) for name, kind in LINES.items()}
    return {
        name: {"P": model.P[:, 0].tolist(), "Q": model.Q[:, 0].tolist()} for name, model in models.items()
    }


def pull():
    """The picture with its numbers -> HTML on lines of its own"""
    x, y, middle = points(TOP)
    means, slopes_up = state(TOP)
    _, slopes_down = state(0.0)
    about = {
        "x": x.tolist(), "y": y.tolist(), "middle": middle, "models": weights(), "top": TOP,
        "axes": {"x": [X.low, X.high], "y": [Y.low, Y.high], "width": WIDTH, "height": HEIGHT},
    }  # fmt: skip
    lines = "".join(line(name, slope) for name, slope in slopes_up.items())
    dots = "".join(
        f'<circle class="dot" cx="{across(one):.1f}" cy="{down(other):.1f}" r="5"/>'
        for place, (one, other) in enumerate(zip(x, y))
        if place != middle
    )
    before = f'<path class="model before" d="{path(slopes_down["model"])}"/>'
    numbers = "".join(
        f'<dt class="{name}">{words}</dt><dd id="pull-{name}">{slopes_up[name]:.2f}</dd>'
        for name, words in FACTS
    )
    model = line_model(LINES["model"])
    frozen = "".join(
        "<tr>" + "".join(f"<td>{value:z.2f}</td>" for value in row) + "</tr>"
        for matrix in (model.P, model.Q)
        for row in np.diagonal(matrix[:, 0], axis1=1, axis2=2).T  # (2, 4): of x, of y, layer by layer
    )
    return f"""<div class="pull" data-pull="{html.escape(json.dumps(about))}">
<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="group" aria-label="Twenty points and three lines through the origin">
<path class="axis" d="M0 {down(0):.1f}H{WIDTH}M{across(0):.1f} 0V{HEIGHT}"/>
{before}{lines}{dots}
<g id="pull-hand" transform="translate({across(0):.1f} {down(TOP):.1f})"><circle class="glow" r="17"/><path d="M0 -9 9 7 -9 7Z"/></g>
<text id="pull-me" x="{across(0) + 22:.1f}" y="{down(TOP) + 5:.1f}">pulled up</text>
</svg>
<div class="read">
<table class="S"><caption>What the model reads of the points</caption>
<tr><td>mean x² <b id="pull-xx">{means["xx"]:.1f}</b></td><td>mean xy <b id="pull-xy">{means["xy"]:.1f}</b></td></tr>
<tr><td>mean xy <b id="pull-yx">{means["xy"]:.1f}</b></td><td class="lit">mean y² <b id="pull-yy">{means["yy"]:.1f}</b></td></tr></table>
<table class="frozen"><caption>Its 16 weights, frozen</caption>{frozen}</table>
<dl><dt class="head">slope of</dt><dd></dd>{numbers}</dl>
</div>
</div>
<script defer src="_static/pull.js"></script>"""


def path(slope):
    return f"M0 {down(slope * X.low):.1f}L{WIDTH} {down(slope * X.high):.1f}"


def line(name, slope):
    return f'<path class="{name}" id="pull-line-{name}" d="{path(slope)}"/>'
