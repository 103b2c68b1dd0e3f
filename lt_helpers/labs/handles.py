"""Where a hand can take hold of a picture: data that the page turns into handles over the chart (view/draw.js), for mouse, touch and keys.

A mark with `grab` names the control that its points move. The page tells the kernel where a handle was dragged to, and the control says
what that makes of its value (`grabbed`).
"""

import numpy as np

from ..language import Message
from ..view.panel import Guess
from .controls import Prediction
from .names import strip_tags


def handles_of(panels, controls, values, names, scene):
    """The handles of what is shown.

    Parameters
    ----------
    panels : list of Panel, as they are drawn.
    controls : dict.  The lab's CONTROLS.
    values : dict.  Of all controls.
    names : Names.
    scene : Scene.  A prediction that is locked or answered has no handle.

    Returns
    -------
    list of dict
        control, index : what a drag moves.  panel : its number in the figure, from 1.  x, y : where it stands.  along : "x", "y" or "xy".
        low, high, step : (2,) lists, of x and y.  name : what screen readers call it.  says : its value in words.
    """
    found = []
    for number, panel in enumerate(panels, 1):
        for mark in panel.marks:
            if mark.grab is None or not is_free(mark, scene):
                continue
            control = controls[mark.grab]
            places = [mark.place] if isinstance(mark, Guess) else list(zip(mark.x, mark.y, strict=True))
            for index, place in enumerate(places):
                found.append(handle(mark, index, place, number, panel, control, names))
    return found


def is_free(mark, scene):
    """Can the learner still move it? Among the panels' stars are those alone that are asked for now."""
    if isinstance(mark, Guess):
        return mark.grab not in scene.locked and mark.grab not in scene.answers
    return scene.beat is None or mark.grab in scene.beat.hands


def handle(mark, index, place, number, panel, control, names):
    """One handle -> dict"""
    low, high, step = reach(mark, panel, control)
    unset = None in place
    middle = [
        middle_of(axis, one) for axis, one in ((panel.x, (low[0], high[0])), (panel.y, (low[1], high[1])))
    ]
    x, y = (
        float(np.clip(rest if at is None else at, *sorted((axis.low, axis.high))))
        for at, rest, axis in zip(place, middle, (panel.x, panel.y), strict=True)
    )
    name = strip_tags(names.mark(panel, mark))
    count = len(mark.x)
    says = Message(
        "handle.unset" if unset else f"handle.{mark.along}",
        x=x,
        y=y,
    )
    return dict(
        control=mark.grab,
        index=index,
        panel=number,
        x=x,
        y=y,
        along=mark.along,
        low=low,
        high=high,
        step=step,
        star=isinstance(mark, Guess),
        unset=unset,
        name=name
        if count == 1
        else names.say(Message("handle.one_of", name=name, number=index + 1, count=count)),
        says=names.say(says),
    )


def reach(mark, panel, control):
    """How far a handle can go, and how far an arrow key takes it -> low, high, step, lists of x and y"""
    if isinstance(control, Prediction):
        return [control.low] * 2, [control.last] * 2, [control.step] * 2
    edges = [sorted((axis.low, axis.high)) for axis in (panel.x, panel.y)]
    low = [max(one, edge[0]) for one, edge in zip(control.low, edges, strict=True)]
    high = [min(one, edge[1]) for one, edge in zip(control.high, edges, strict=True)]
    return low, high, [control.step] * 2


def middle_of(axis, ends):
    """The middle of what can be predicted, as far as the axis shows it."""
    low, high = max(ends[0], min(axis.low, axis.high)), min(ends[1], max(axis.low, axis.high))
    return float(np.sqrt(low * high)) if axis.log and low > 0 else (low + high) / 2
