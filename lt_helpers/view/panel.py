"""What a lab shows, as data: panels with two axes, and marks that stand on them.

    Panel("kept", x=Axis("eigenvalue", 0, 4.5), y=Axis("share", -0.1, 1.2), marks=[
        Curve("ridge", eigenvalues, share),
        Points("model", eigenvalues, kept),
    ])

A mark has a role, "truth" or "model", and no colour: the renderer (render.py) knows how a role looks, and the reader's language how it is
called. Its numbers are what was computed: the renderer clips them to the axes, and reports what lay beyond.
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Axis:
    """One direction of a panel, from `low` to `high`, which never move; `low` may be the larger one (rows of a matrix, from the top).

    Parameters
    ----------
    name : str.  Of its label in the catalogue; "" for an axis without one.
    low, high : numbers.  Its ends, in the data's units, also where `log` is set.
    log : bool.  A logarithmic scale.
    ticks : tuple of numbers, optional.  Where to put ticks, if not by itself.
    labels : tuple of str or Message, optional.  What to write at the ticks, if not the number.
    below : str.  What becomes of numbers below `low`: "edge": they are drawn at the edge, and reported; "floor": drawn at the edge, where
        nearly nothing and nothing are all one; "gap": not drawn, for the same reason.
    """

    name: str
    low: float
    high: float
    log: bool = False
    ticks: tuple = None
    labels: tuple = None
    below: str = "edge"


@dataclass(frozen=True)
class Mark:
    """Something drawn at x, y.

    Parameters
    ----------
    role : str.  What it stands for, which decides how it looks: "truth", "model", "oracle", ...
    x, y : (K,) arrays.  NaN is a gap.
    name : str, optional.  By which the catalogue and the tests find it, where a panel has several marks of one role; else its role.
    keyed : bool.  Does it stand in the panel's key?
    beyond : str.  "edge": what lies beyond the axes is drawn at their edge, and reported. "gap": it is not drawn.
    hover : str.  The entry of the catalogue that says what the mouse reads; "" for nothing.
    data : array, optional.  More numbers for that entry, (K,).
    values : dict, optional.  What its name says beside its words, such as a count.
    keys : dict, optional.  What each point belongs to, {"layer": (K,) whole numbers}: points of one layer, component or direction light up
        together, in all panels, and *Play* draws layer after layer.
    grab : str, optional.  The control that a hand moves where it drags a point of this mark, `along` "x", "y" or "xy".
    """

    role: str
    x: np.ndarray
    y: np.ndarray
    name: str = None
    keyed: bool = True
    beyond: str = "edge"
    hover: str = "value"
    data: np.ndarray = None
    values: dict = field(default_factory=dict)
    keys: dict = field(default_factory=dict, kw_only=True)
    grab: str = field(default=None, kw_only=True)
    along: str = field(default="y", kw_only=True)

    def __post_init__(self):
        object.__setattr__(self, "name", self.name or self.role)
        object.__setattr__(self, "x", np.atleast_1d(np.asarray(self.x, float)))
        object.__setattr__(self, "y", np.atleast_1d(np.asarray(self.y, float)))


class Curve(Mark):
    """A line."""


class Path(Mark):
    """A line with a point at each step: layer by layer, say."""


class Points(Mark):
    """Single points."""


@dataclass(frozen=True)
class EachPoint(Mark):
    """Points of which each has a role of its own; `hollow` ones for where they will be."""

    roles: tuple = field(kw_only=True)
    hollow: bool = field(default=False, kw_only=True)


class Ticks(Mark):
    """Short level lines, one at each x."""


@dataclass(frozen=True)
class Bars(Mark):
    """Points with a bar from `low` to `high`, (K,) arrays, such as two standard errors to either side; a line where they are `joined`."""

    low: np.ndarray = field(kw_only=True)
    high: np.ndarray = field(kw_only=True)
    joined: bool = field(default=False, kw_only=True)


class Ring(Mark):
    """Around the point that is chosen."""

    def __init__(self, x, y):
        super().__init__("ring", x, y, keyed=False, hover="")


class Guide(Mark):
    """A thin line to read by: zero, a diagonal, where the slider stands. It goes on beyond the axes, and nobody needs to be told."""

    def __init__(self, name, x, y, keyed=False):
        super().__init__("guide", x, y, name=name, keyed=keyed, beyond="free", hover="")


class Guess(Mark):
    """The learner's prediction, a star; nothing where there is none yet.

    Parameters
    ----------
    x, y : numbers, or None for the one that is not predicted yet.
    grab, along : as for every mark; a star that is not set yet can be dragged as well.
    """

    def __init__(self, x, y, name="prediction", grab=None, along="y"):
        there = x is not None and y is not None
        object.__setattr__(self, "place", (x, y))
        x, y = (x, y) if there else (np.nan, np.nan)
        super().__init__("prediction", x, y, name=name, keyed=there, hover="value", grab=grab, along=along)


class Band(Mark):
    """Shaded over each (left, right) of `spans`, from the bottom of the panel to its top; or between the heights `low` and `high`."""

    def __init__(self, role, spans, low=-np.inf, high=np.inf, name=None, keyed=True):
        x = np.concatenate([[left, right, right, left, np.nan] for left, right in spans])
        y = np.tile([low, low, high, high, np.nan], len(spans))
        super().__init__(role, x, y, name=name, keyed=keyed, beyond="free", hover="")


class Shape(Mark):
    """An outline that is filled, such as the density of a distribution."""


@dataclass(frozen=True)
class Heat(Mark):
    """A matrix `z` (rows, columns) of signed values as colours, rows at y and columns at x.

    limit : number.  The colours' ends stand for -limit and limit; what lies beyond has the last colour.
    """

    z: np.ndarray = field(kw_only=True)
    limit: float = field(kw_only=True)
    keyed: bool = field(default=False, kw_only=True)
    hover: str = field(default="cell", kw_only=True)


@dataclass(frozen=True)
class Panel:
    """One plot.

    Parameters
    ----------
    name : str.  By which the catalogue has its title, and a lab is asked to show it.
    x, y : Axis.
    marks : sequence of Mark, in the order in which they are drawn.
    values : dict, optional.  What the title says beside its words.
    square : bool.  Both axes at one scale: what is perpendicular looks so.
    ends : bool.  Lines have their names at their ends, and not in the key; the x axis goes on far enough for them.
    """

    name: str
    x: Axis
    y: Axis
    marks: tuple
    values: dict = field(default_factory=dict)
    square: bool = False
    ends: bool = False

    def mark(self, name):
        """The mark of this name."""
        (found,) = (mark for mark in self.marks if mark.name == name)
        return found
