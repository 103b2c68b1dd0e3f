"""The controls that a lab declares: frozen descriptions, each of which checks values and makes its widget.

A control has no words of its own: its label is the catalogue's entry for its name, `noise.control.sigma` or else `control.sigma`, unless it
is given one, as a lab of your own would.
"""

import inspect
import operator
from collections.abc import Hashable
from dataclasses import dataclass, field
from numbers import Integral, Real

import ipywidgets
import traitlets

from ..checks import shown
from ..language import Message, RefusedType, RefusedValue

WIDE, NARROW = "290px", "max-content"


@dataclass(frozen=True)
class Control:
    """What all controls have in common.

    Parameters
    ----------
    label : str, optional.  What stands beside the control, instead of the catalogue's entry.
    """

    label: str | None = field(default=None, kw_only=True)

    hidden = False  # is it a value that the page does not show?
    a_file = False  # is it what is in a file, or said of it?
    no_beats = None  # the entry that says why a lab with a value here leads nowhere: what its beats tell holds for another problem
    slides = False  # can it be dragged?

    def depends(self):
        """The controls that decide which values there are."""
        return []

    def check(self, name, value, others):
        """`value`, if the control can take it; else a ValueError or TypeError. `others`: the values of the controls declared before it."""
        return value

    def default(self, others):
        """Where the control stands by itself."""
        return self.value

    def keep(self, value, others):
        """A value that was allowed, or the nearest that the others allow now."""
        return value

    def widget(self, value, others, label, say):
        """An ipywidget whose `value` trait stands at `value`.    label : str.    say : function, Message or str -> str."""
        raise NotImplementedError

    def read(self, shown):
        """The value that the widget's `value` stands for; `write` is the way back."""
        return shown

    def write(self, value):
        return value

    def stands(self, shown, value):
        """Does a widget that shows this stand where it should?"""
        return shown == self.write(value)

    def to_json(self, value):
        """The value in a document (document.py)."""
        return value

    def from_json(self, value):
        """The value that a document means, not yet checked, and a message if it cannot be what it was."""
        return value, None


@dataclass(frozen=True)
class Slider(Control):
    """A number from one end to the other in steps. A whole number where ends and step are ints."""

    low: float
    high: float
    step: float
    value: float

    slides = True

    @property
    def whole(self):
        return all(isinstance(number, int) for number in (self.low, self.high, self.step))

    def check(self, name, value, others):
        number, kind = ("number.whole", Integral) if self.whole else ("number.any", Real)
        ends = dict(name=name, value=shown(value), low=self.low, high=self.high)
        if isinstance(value, bool) or not isinstance(value, kind):
            raise RefusedType(Message("refused.number", number=Message(number), **ends))
        if not self.low <= value <= self.high:
            raise RefusedValue(Message("refused.range", **ends))
        if not self.stands(value, self.nearest(value)):
            raise RefusedValue(Message("refused.step", step=self.step, **ends))
        return self.nearest(value)

    def nearest(self, value):
        """The step that is nearest to a number."""
        step = self.low + self.step * round((value - self.low) / self.step)
        return step if self.whole else round(float(step), self.digits)

    @property
    def digits(self):
        """How many digits after the point its numbers have."""
        return max(decimals(self.low), decimals(self.step))

    def read(self, shown):
        return self.nearest(shown)  # what is typed beside the handle may lie between two steps

    def stands(self, shown, value):
        return abs(shown - value) < 1e-6 * self.step

    def widget(self, value, others, label, say):
        kind, readout = (
            (ipywidgets.IntSlider, "d") if self.whole else (ipywidgets.FloatSlider, f".{self.digits}f")
        )
        ends = dict(min=self.low, max=self.high, step=self.step)
        return dress(kind, label, WIDE, **ends, value=value, readout_format=readout)


@dataclass(frozen=True)
class Choice(Control):
    """One of a few values. `options` maps what is shown, a str or a Message, to the value, or is a tuple of values, or a function of other
    controls that returns either: `options=lambda kind: depths(kind)` is asked again whenever `kind` moves, and the value moves to the
    nearest one left. `value`, where it stands by itself, may be such a function too.

    A slider over the values where `slide` is set, else a list.
    """

    options: object
    value: object
    slide: bool = False

    @property
    def slides(self):
        return self.slide

    def choices(self, others):
        """-> {what is shown: value}"""
        options = ask(self.options, others)
        return dict(options) if isinstance(options, dict) else {str(value): value for value in options}

    def default(self, others):
        return self.nearest(ask(self.value, others), others)

    def nearest(self, value, others):
        """The allowed value that is nearest to one: for what has no order, the first."""
        values = list(self.choices(others).values())
        if value in values:
            return value
        numbers = [other for other in values if isinstance(other, (int, float))]
        if numbers and isinstance(value, (int, float)):
            return min(numbers, key=lambda number: abs(number - value))
        return values[0]

    def keep(self, value, others):
        return self.nearest(value, others)

    def check(self, name, value, others):
        values = list(self.choices(others).values())
        known = [(type(other) is bool, other) for other in values]
        if not isinstance(value, Hashable) or (type(value) is bool, value) not in known:
            given = [
                Message("refused.given", name=key, value=shown(others[key]))
                for key in self.depends()
                if others[key] is not None
            ]
            refused = dict(name=name, value=shown(value), allowed=[repr(other) for other in values])
            if given:
                raise RefusedValue(Message("refused.choice_given", given=given, **refused))
            raise RefusedValue(Message("refused.choice", **refused))
        return values[values.index(value)]

    def entries(self, others, say):
        """-> list of (what is shown, value), in the reader's language"""
        return [(say(label), value) for label, value in self.choices(others).items()]

    def widget(self, value, others, label, say):
        options = self.entries(others, say)
        if self.slide:
            return dress(ipywidgets.SelectionSlider, label, WIDE, options=options, value=value)
        return dress(ipywidgets.Dropdown, label, NARROW, options=options, value=value)

    def depends(self):
        return list(inspect.signature(self.options).parameters) if callable(self.options) else []


@dataclass(frozen=True)
class Toggle(Control):
    """On or off."""

    value: bool = False

    def check(self, name, value, others):
        if not isinstance(value, bool):
            raise RefusedType(Message("refused.toggle", name=name, value=shown(value)))
        return value

    def widget(self, value, others, label, say):
        return dress(ipywidgets.Checkbox, label, NARROW, value=value, indent=False)


@dataclass(frozen=True)
class Seed(Control):
    """The number of the random sequence that is shown; the lab adds a button that moves on to the next.

    renew : str.  The catalogue's entry for that button, and with "_tip" for its tooltip.
    """

    value: int = 1
    renew: str = "new_sequence"

    most = 9999

    def check(self, name, value, others):
        if isinstance(value, bool) or not isinstance(value, Integral) or not 0 <= value <= self.most:
            raise RefusedValue(Message("refused.seed", name=name, value=shown(value), most=self.most))
        return int(value)

    def widget(self, value, others, label, say):
        return dress(ipywidgets.BoundedIntText, label, "150px", min=0, max=self.most, value=value)


@dataclass(frozen=True)
class Prediction(Control):
    """A guess that the learner marks before looking: None until the slider is moved, then a number that a panel marks with a star."""

    low: float
    high: float
    step: float
    value: float = None

    UNSET = "unset"
    slides = True

    def known(self, answer):
        """An answer that can be given here; None: the question has none."""
        return answer

    def grabbed(self, value, index, x, y):
        """The prediction once its star was dragged to a number -> the nearest step"""
        number = y if x is None else x
        return self.scale.nearest(min(max(number, self.low), self.last))

    @property
    def last(self):
        """The highest step; it may end before `high`."""
        return self.low + self.step * int((self.high - self.low) / self.step + 1e-9)

    @property
    def scale(self):
        """The slider with the same numbers."""
        return Slider(float(self.low), float(self.high), float(self.step), None)

    def check(self, name, value, others):
        return None if value is None else self.scale.check(name, value, others)

    def widget(self, value, others, label, say):
        scale = self.scale
        count = int((self.high - self.low) / self.step + 1e-9) + 1  # the last step may end before `high`
        marks = [scale.nearest(self.low + index * self.step) for index in range(count)]
        unset = (say(Message("control.unset")), self.UNSET)
        options = [unset, *((f"{mark:.{scale.digits}f}", mark) for mark in marks)]
        return dress(ipywidgets.SelectionSlider, label, WIDE, options=options, value=self.write(value))

    def read(self, shown):
        return None if shown == self.UNSET else shown

    def write(self, value):
        return self.UNSET if value is None else value


@dataclass(frozen=True)
class Opinion(Choice):
    """A guess among a few words, "steeper", "flatter", "same": None until the learner has chosen one."""

    value: object = None

    def default(self, others):
        return None

    def keep(self, value, others):
        return value

    def check(self, name, value, others):
        return None if value is None else super().check(name, value, others)

    def known(self, answer):
        """An answer that is one of the options; None: the question has none."""
        return answer if answer in self.choices({}).values() else None

    def widget(self, value, others, label, say):
        options = self.entries(others, say)
        return dress(ipywidgets.ToggleButtons, label, "max-content", options=options, value=value)


@dataclass(frozen=True)
class Spots(Control):
    """Points that a hand has dragged from where the lab put them: an (index, x, y) for each of them, none at first.

    Parameters
    ----------
    low, high : pairs of numbers.  The corners of the place that a point can be dragged to.
    step : number.  Of an arrow key.
    count : int.  How many points there are.
    """

    low: tuple
    high: tuple
    step: float
    count: int = 1
    value: tuple = ()

    hidden = True

    def check(self, name, value, others):
        """`value` as a sorted tuple of (index, x, y), one for each point that was dragged."""
        wrong = RefusedValue(Message("refused.spots", name=name, value=shown(value), count=self.count))
        try:
            given = [(index, float(x), float(y)) for index, x, y in value]
            spots = {operator.index(index): (x, y) for index, x, y in given}
        except (TypeError, ValueError, OverflowError):
            raise wrong from None
        if len(spots) != len(given) or not set(spots) <= set(range(self.count)):
            raise wrong
        if not all(
            low <= number <= high
            for spot in spots.values()
            for low, number, high in zip(self.low, spot, self.high, strict=True)
        ):
            low, high = (", ".join(f"{number:g}" for number in corner) for corner in (self.low, self.high))
            raise RefusedValue(Message("refused.spot", name=name, value=shown(value), low=low, high=high))
        return tuple((index, *spots[index]) for index in sorted(spots))

    def grabbed(self, value, index, x, y):
        """The value once point `index` was dragged to x, y, or as near as it can go -> tuple"""
        spot = (
            min(max(number, low), high) for low, number, high in zip(self.low, (x, y), self.high, strict=True)
        )
        others = [one for one in value if one[0] != index]
        return tuple(sorted([*others, (index, *(round(float(number), 6) for number in spot))]))

    def widget(self, value, others, label, say):
        return Placed(value=value)

    def to_json(self, value):
        return [list(spot) for spot in value]

    def from_json(self, value):
        return value, None


class Placed(traitlets.HasTraits):
    """Keeps a value that no widget shows, and that handles in the picture move."""

    value = traitlets.Any()


class Kept(traitlets.HasTraits):
    """Keeps a value that no widget shows, and that nobody can move."""

    value = traitlets.Any(read_only=True)

    def __init__(self, value):
        super().__init__()
        self.set_trait("value", value)


@dataclass(frozen=True)
class Hidden(Control):
    """A value that the call names and the page does not show. `verify` makes of what was given what the lab works with, or refuses it.

    travels : bool.  Does it stand in a document? A path to a file does not.
    verify : function (name, value, others) -> value, which takes its own results as well.
    """

    value: object = None
    verify: object = None
    travels: bool = True

    hidden = True
    a_file = True

    def check(self, name, value, others):
        return value if value is None or self.verify is None else self.verify(name, value, others)

    def default(self, others):
        return ask(self.value, others)

    def widget(self, value, others, label, say):
        return Kept(value=value)

    def to_json(self, value):
        return value if self.travels else True

    def from_json(self, value):
        if self.travels:
            return value, None
        return None, Message("state.file") if value is True else Message("state.path")


def ask(value, others):
    """A value, or what a function of other controls says it is."""
    if not callable(value):
        return value
    return value(**{name: others[name] for name in inspect.signature(value).parameters})


def decimals(step):
    """How many digits after the point a multiple of `step` needs."""
    return len(f"{step:.9f}".rstrip("0").partition(".")[2])


def dress(kind, label, width, **more):
    """A widget of a kind, with its label, which is its tooltip too: a label may be cut, and without one the page says "null"."""
    layout = ipywidgets.Layout(width=width, margin="2px 12px 2px 2px")
    return kind(
        description=label, tooltip=label, style=dict(description_width="initial"), layout=layout, **more
    )
