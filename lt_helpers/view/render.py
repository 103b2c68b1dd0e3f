"""Panels -> a figure: the one place that knows how plotly draws, where the axes end and what stands in a key.

drawing = render(panels, names)      # names: how the reader's language calls panels, axes and marks (labs/names.py)
drawing.figure                       # {"data": [...], "layout": {...}}, as plotly.js draws it
drawing.beyond                       # what lay beyond an axis and is drawn at its edge, with an arrow: the lab says so by itself
"""

from dataclasses import dataclass

import numpy as np

from .ends import arrows, name_lines
from .panel import (
    Band,
    Bars,
    Curve,
    EachPoint,
    Guess,
    Guide,
    Heat,
    Mark,
    Panel,
    Path,
    Points,
    Ring,
    Shape,
    Ticks,
)
from .roles import BLUE, GREY, RED, ROLES

AXIS = dict(
    fixedrange=True,
    zeroline=False,
    showline=True,
    ticks="outside",
    ticklen=4,
    title=dict(standoff=6, font=dict(size=13)),
)
THEME = dict(
    layout=dict(
        font=dict(
            size=13, family="system-ui, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
        ),
        xaxis=AXIS,
        yaxis=AXIS,
        hovermode="closest",
        dragmode=False,
        showlegend=False,
        margin=dict(l=54, r=10, t=42, b=42),
    )
)
MARGINS = (
    THEME["layout"]["margin"]["t"] + THEME["layout"]["margin"]["b"]
)  # above and below all panels, in pixels
SYMBOLS = {
    "circle": "●",
    "circle-open": "○",
    "diamond": "◆",
    "diamond-open": "◇",
    "square-open": "□",
    "triangle-up": "▲",
    "triangle-up-open": "△",
    "star": "★",
    "x": "✕",
    "line-ew": "━",
}
DASHES = {"solid": "━", "dash": "╍", "dot": "┉", "dashdot": "━·", "longdash": "━ ━"}
FILLED = "■"
LEVEL = "line-ew"  # a tick: a short level line
LIFT = 4  # of a key above its panel, in pixels: points at the upper edge do not touch it
THIN = 1.5  # the line between points, in pixels
LARGEST = 1e30  # number in a heat map: the page has 32 bits for it
FAINT = 0.4  # the opacity of marks that stand back
GAP = 0.08  # between panels side by side, as a share of the figure's width


@dataclass(frozen=True)
class Beyond:
    """`count` points of a mark lie beyond the axes of its panel, and are drawn at the edge."""

    panel: Panel
    mark: Mark
    count: int


@dataclass(frozen=True)
class Drawing:
    """figure : dict with data and layout, for plotly.js.  beyond : tuple of Beyond."""

    figure: dict
    beyond: tuple


def render(panels, names, columns=2, height=480, faint=()):
    """Draw panels, row by row.

    Parameters
    ----------
    panels : list of Panel.
    names : has `panel(panel)`, `axis(axis)`, `mark(panel, mark)`, `hover(mark)`, `beyond(number)` and `text(label)`, which return a str.
    columns : int.  Panels side by side.
    height : number.  Of the figure, in pixels; its width is the page's.
    faint : tuple of str.  The panels that stand back behind the others, by name.

    Returns
    -------
    Drawing
    """
    layout = dict(template=THEME, height=height, annotations=[], meta=dict(columns=columns))
    data, named, pointed, beyond = [], [], [], []
    for index, panel in enumerate(panels):
        number = str(index + 1) if index else ""
        left, right, bottom, top = place(index, len(panels), columns, height)

        layout["xaxis" + number] = dict(
            axis_layout(panel.x, names), domain=[left, right], anchor="y" + number
        )
        layout["yaxis" + number] = dict(
            axis_layout(panel.y, names), domain=[bottom, top], anchor="x" + number
        )
        if panel.square:
            layout["xaxis" + number].update(constrain="domain", constraintoward="left")
            layout["yaxis" + number].update(
                constrain="domain", constraintoward="top", scaleanchor="x" + number
            )
        here = dict(xaxis="x" + number, yaxis="y" + number)
        here.update(dict(opacity=FAINT) if panel.name in faint else {})
        seen, lines, clipped = [], [], []
        for mark in panel.marks:
            trace, outside = draw(mark, panel, names)
            data.append({**trace, **here})
            if outside.any():
                beyond.append(Beyond(panel, mark, int(outside.sum())))
                clipped.append((mark, trace["x"], trace["y"], outside, is_line(mark)))
            if mark.keyed and is_seen(trace):
                (lines if panel.ends and is_line(mark) else seen).append((mark, trace))
        if lines:
            pixels = (top - bottom) * (height - MARGINS)
            named.append({**name_lines(lines, panel, names, pixels), **here})
        pointed.append({**arrows(clipped, panel), **here})
        layout["annotations"].append(heading(panel, [mark for mark, _ in seen], names, left, top))
    return Drawing({"data": [*data, *named, *pointed], "layout": layout}, tuple(beyond))


def is_line(mark):
    """Is it drawn as a line?"""
    return isinstance(mark, (Curve, Path)) or (isinstance(mark, Bars) and mark.joined)


def place(index, count, columns, height):
    """Where a panel stands -> left, right, bottom, top, as shares of the figure inside its margins."""
    columns = min(columns, count)
    rows = -(-count // columns)
    gap = MARGINS / (height - MARGINS)
    wide = (1 - GAP * (columns - 1)) / columns
    high = (1 - gap * (rows - 1)) / rows
    row, column = divmod(index, columns)
    left = column * (wide + GAP)
    top = 1 - row * (high + gap)
    return left, left + wide, max(top - high, 0), top


def axis_layout(axis, names):
    """An axis as plotly describes it; the ends of a logarithmic one are exponents there.

    The page has its points in 32 bits. Its ends are rounded alike: else a point at the edge may lie beyond it, and plotly leaves it out.
    """
    ends = [float(np.float32(end)) for end in (axis.low, axis.high)]
    layout = dict(title=dict(text=names.axis(axis)), range=ends)
    if axis.log:
        layout.update(type="log", range=np.log10(ends).tolist())
    if axis.ticks is not None:
        layout["tickvals"] = list(axis.ticks)
    if axis.labels is not None:
        layout["ticktext"] = [names.text(label) for label in axis.labels]
    return layout


def is_seen(trace):
    """Is there anything of a mark on the axes?"""
    return bool(np.isfinite(trace["y"]).any())


def heading(panel, seen, names, left, top):
    """The title of a panel, and under it the key to the marks that are seen."""
    text = f'<b>{names.panel(panel)}</b><br><span style="font-size:12px">{key(panel, seen, names)}</span>'
    place = dict(x=left, y=top, xref="paper", yref="paper", xanchor="left", yanchor="bottom", align="left")
    return dict(text=text, showarrow=False, yshift=LIFT, **place)


def key(panel, marks, names):
    """What the marks are, each name after its mark in its colour; a name stands once."""
    entries = {}
    for mark in marks:
        name = names.mark(panel, mark)
        entries.setdefault(name, f'<span style="color:{key_colour(mark)}">{key_sign(mark)}</span> {name}')
    return "   ".join(entries.values())


def key_sign(mark):
    """The character that stands for a mark."""
    style = ROLES[mark.role]
    if isinstance(mark, (Band, Shape, Heat)):
        return FILLED
    if isinstance(mark, (Curve, Guide)):
        return DASHES[style.dash]
    if isinstance(mark, EachPoint) and mark.hollow:
        return SYMBOLS[style.symbol + "-open"]
    return SYMBOLS[LEVEL if isinstance(mark, Ticks) else style.symbol]


def key_colour(mark):
    return GREY if isinstance(mark, Band) else ROLES[mark.role].colour


def draw(mark, panel, names):
    """A mark as a trace of plotly's, clipped to its panel -> trace, which of its points lay beyond, (K,)."""
    if isinstance(mark, Heat):
        return heat_map(mark, names), np.zeros(0, bool)
    x, y, outside = clip(mark, panel)
    trace = dict(type="scatter", x=x, y=y, **look(mark), **hover(mark, names))
    if outside.any() and mark.hover:
        trace.update(say_true_numbers(mark, x, y, names))
    if mark.keyed:
        trace["name"] = names.mark(panel, mark)
    if mark.keys:
        trace["meta"] = {"keys": {name: whole_or_none(of) for name, of in mark.keys.items()}}
    if isinstance(mark, Bars):
        edge = edge_of(panel.y)
        trace["error_y"] = dict(
            type="data",
            symmetric=False,
            array=np.clip(mark.high, *edge) - y,
            arrayminus=y - np.clip(mark.low, *edge),
            thickness=1.5,
            width=3,
        )
    return trace, outside


def whole_or_none(numbers):
    """What points belong to, as the page takes it: whole numbers, None at a gap -> list"""
    return [None if np.isnan(number) else int(number) for number in np.asarray(numbers, float)]


def look(mark):
    """What kind of trace a mark is, with its colours."""
    style = ROLES[mark.role]
    line = dict(color=style.colour, dash=style.dash, width=style.width)
    marker = dict(
        color=style.colour, symbol=style.symbol, size=style.size, line=dict(color=style.colour, width=2)
    )
    if isinstance(mark, Band):
        return dict(mode="none", fill="toself", fillcolor=style.fill)
    if isinstance(mark, Shape):
        return dict(mode="lines", line=line, fill="toself", fillcolor=style.fill)
    if isinstance(mark, (Curve, Guide)):
        return dict(mode="lines", line=line)
    if isinstance(mark, Path) or (isinstance(mark, Bars) and mark.joined):
        return dict(mode="lines+markers", line={**line, "width": THIN}, marker=marker, cliponaxis=False)
    if isinstance(mark, EachPoint):
        colours = [ROLES[role].colour for role in mark.roles]
        symbols = [ROLES[role].symbol + "-open" * mark.hollow for role in mark.roles]
        own = dict(color=colours, symbol=symbols, line=dict(color=colours, width=2))
        return dict(mode="markers", marker={**marker, **own}, cliponaxis=False)
    if isinstance(mark, Ticks):
        return dict(mode="markers", marker={**marker, "symbol": LEVEL, "size": style.tick}, cliponaxis=False)
    if isinstance(mark, (Points, Bars, Guess, Ring)):
        return dict(mode="markers", marker=marker, cliponaxis=False)
    raise TypeError(f"mark is {type(mark).__name__}: the renderer draws the marks of panel.py.")


def hover(mark, names):
    """What the mouse reads at a point."""
    if not mark.hover:
        return dict(hoverinfo="skip")
    more = {} if mark.data is None else dict(customdata=mark.data)
    return dict(hovertemplate=f"{names.hover(mark)}<extra></extra>", **more)


def say_true_numbers(mark, x, y, names):
    """What the mouse reads as well at a point that is drawn at the edge: where it lies in truth."""
    true = np.where(y != mark.y, mark.y, mark.x)
    moved = np.isfinite(y) & ((x != mark.x) | (y != mark.y))
    text = [f"<br>{names.beyond(value)}" if away else "" for value, away in zip(true, moved)]
    return dict(text=text, hovertemplate=f"{names.hover(mark)}%{{text}}<extra></extra>")


def heat_map(mark, names):
    """Signed values: blue below zero, orange above, white at zero (dark on a dark page: draw.js)."""
    scale = [[0, BLUE], [0.5, "#F7F7F7"], [1, RED]]
    ends = dict(zmin=-mark.limit, zmax=mark.limit, colorscale=scale, showscale=False)
    z = np.clip(mark.z, -LARGEST, LARGEST)
    return dict(type="heatmap", x=mark.x, y=mark.y, z=z, xgap=1, ygap=1, **ends, **hover(mark, names))


def edge_of(axis):
    """The ends of an axis, the smaller one first."""
    return min(axis.low, axis.high), max(axis.low, axis.high)


def clip(mark, panel):
    """The numbers of a mark on the axes of its panel -> x, y, which points lay beyond and are drawn at the edge.

    What is no number stays a gap. A guide, a contour or a band goes on beyond the axes, where nobody sees it; its infinite ends are theirs.
    """
    if mark.beyond == "free":
        return to_edges(mark.x, panel.x), to_edges(mark.y, panel.y), np.zeros(mark.x.shape, bool)
    x, y, outside = mark.x, mark.y, np.zeros(mark.x.shape, bool)
    for values, axis in ((x, panel.x), (y, panel.y)):
        low, high = edge_of(axis)
        below, above = values < low, values > high
        if mark.beyond == "gap":
            hidden = below | above
        elif axis.below == "gap":
            hidden = below
        else:
            hidden = np.zeros(values.shape, bool)
        reported = above | (below if axis.below == "edge" else False)
        outside = np.where(hidden, False, outside | reported)
        x, y = np.where(hidden, np.nan, x), np.where(hidden, np.nan, y)
    x, y = np.clip(x, *edge_of(panel.x)), np.clip(y, *edge_of(panel.y))
    seen = np.isfinite(x) & np.isfinite(y)
    silent = mark.beyond == "gap" or isinstance(mark, Ring)  # a ring's point is reported
    return x, y, outside & seen & (not silent)


def to_edges(values, axis):
    """`values` with the ends of the axis in place of infinite ones."""
    return np.where(np.isinf(values), np.clip(values, *edge_of(axis)), values)
