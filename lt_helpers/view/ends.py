"""What is written beside the marks of a panel: the names of lines at their ends, and arrows where something leaves the panel."""

import numpy as np

from .roles import GREY, ROLES

NAME_HEIGHT = 15  # of a line's name, in pixels
NEAR_EDGE = 0.9  # further to the right, as a share of the panel's width, a name stands before the line's end
NAME_SIZE = 12  # of its letters
NAME_GAP = "\u2003"  # between a line's end and its name
ARROW = 12  # its size, in pixels


def name_lines(lines, panel, names, pixels):
    """The names of lines, each beside the last point of its line, none upon another.

    Parameters
    ----------
    lines : list of (Mark, trace), those that are seen.
    panel : Panel.
    names : as `render` takes them.
    pixels : number.  The height of the panel.

    Returns
    -------
    trace : dict, for plotly.js.
    """
    last = [np.flatnonzero(np.isfinite(trace["x"]) & np.isfinite(trace["y"]))[-1] for _, trace in lines]
    x = np.array([trace["x"][index] for (_, trace), index in zip(lines, last, strict=True)])
    y = np.array([trace["y"][index] for (_, trace), index in zip(lines, last, strict=True)])
    half = NAME_HEIGHT / 2
    heights = half + apart(share_of(panel.y, y) * pixels - half, NAME_HEIGHT, pixels - NAME_HEIGHT)
    at_the_edge = share_of(panel.x, x) > NEAR_EDGE
    return dict(
        type="scatter",
        mode="text",
        x=x,
        y=at_share(panel.y, heights / pixels),
        text=[f"{NAME_GAP}{names.mark(panel, mark)}{NAME_GAP}" for mark, _ in lines],
        textposition=[f"middle {'left' if left else 'right'}" for left in at_the_edge],
        textfont=dict(color=[ROLES[mark.role].colour for mark, _ in lines], size=NAME_SIZE),
        hoverinfo="skip",
        cliponaxis=False,
    )


def share_of(axis, numbers):
    """How far along an axis numbers lie, 0 at its low end and 1 at its high one."""
    low, high = axis.low, axis.high
    if axis.log:
        low, high, numbers = np.log10(low), np.log10(high), np.log10(numbers)
    return (numbers - low) / (high - low)


def at_share(axis, shares):
    """The numbers so far along an axis; the way back."""
    if axis.log:
        return axis.low * (axis.high / axis.low) ** shares
    return axis.low + (axis.high - axis.low) * shares


def apart(heights, least, top):
    """Heights near the given ones, in the same order, each at least so far from the next, and from 0 to `top` if there is room.

    Of all heights that are far enough apart these have the least squared distance from the given ones.

    Parameters
    ----------
    heights : (K,) array.
    least, top : numbers.

    Returns
    -------
    (K,) array
    """
    order = heights.argsort(kind="stable")
    rank = np.arange(len(heights))

    # Less `least` for each one below, they only have to ascend: neighbours that do not are taken together, at their mean.
    groups = []
    for height in heights[order] - least * rank:
        groups.append([height])
        while len(groups) > 1 and np.mean(groups[-2]) > np.mean(groups[-1]):
            above = groups.pop()
            groups[-1] += above
    ascending = np.concatenate([np.full(len(group), np.mean(group)) for group in groups]) + least * rank

    # Into the panel: from the top, then from the bottom.
    inside = np.minimum(ascending, top - least * rank[::-1])
    inside = np.maximum(inside, least * rank)
    found = np.empty(len(heights))
    found[order] = inside
    return found


def arrows(clipped, panel):
    """Arrows at the points of marks that lie beyond the panel; of a line, where it leaves.

    Where all points lie inside, the trace is there as well and shows nothing: a figure keeps its traces while its marks come and go.

    Parameters
    ----------
    clipped : list of (Mark, x, y, outside, is_line).  Where the points of marks are drawn, and which of them lie outside: (K,) arrays.
    panel : Panel.

    Returns
    -------
    trace : dict, for plotly.js.
    """
    x, y, symbols, colours = [], [], [], []
    for mark, at_x, at_y, outside, is_line in clipped:
        if is_line:
            outside = outside & ~np.append(False, outside[:-1])
        at = np.flatnonzero(outside)
        right = (mark.x - at_x)[at] * np.sign(panel.x.high - panel.x.low)
        up = (mark.y - at_y)[at] * np.sign(panel.y.high - panel.y.low)
        symbols += [direction(*way) for way in zip(right, up, strict=True)]
        colours += [ROLES[mark.role].colour] * len(at)
        x, y = [*x, *at_x[at]], [*y, *at_y[at]]
    if not symbols:
        x, y, symbols, colours = [np.nan], [np.nan], ["triangle-up"], [GREY]
    marker = dict(symbol=symbols, size=ARROW, color=colours, line=dict(color=colours, width=1))
    return dict(
        type="scatter",
        mode="markers",
        x=np.array(x),
        y=np.array(y),
        marker=marker,
        hoverinfo="skip",
        cliponaxis=False,
    )


def direction(right, up):
    """The arrow that points from where a point is drawn to where it lies."""
    if up:
        return "triangle-up" if up > 0 else "triangle-down"
    return "triangle-right" if right > 0 else "triangle-left"
