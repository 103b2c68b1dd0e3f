"""The controls that a lab declares: frozen descriptions, each of which checks values and makes its widget."""

import inspect
from collections.abc import Hashable
from dataclasses import dataclass
from numbers import Integral, Real

import ipywidgets

WIDE, NARROW = "290px", "max-content"


@dataclass(frozen=True)
class Control:
    label: str

    def check(self, name, value, others):
        """`value`, if the control can take it; else a ValueError or TypeError. `others`: the values of the controls declared before it."""
        return value

    def widget(self, value, others):
        """An ipywidget whose `value` trait stands at `value`."""
        raise NotImplementedError

    def read(self, shown):
        """The value that the widget's `value` stands for; `write` is the way back."""
        return shown

    def write(self, value):
        return value

    def stands(self, shown, value):
        """Does a widget that shows this stand where it should?"""
        return shown == self.write(value)


@dataclass(frozen=True)
class Slider(Control):
    """A number from one end to the other in steps, in `unit`. A whole number where ends and step are ints."""

    low: float
    high: float
    step: float
    value: float
    unit: str = ""

    @property
    def whole(self):
        return all(isinstance(number, int) for number in (self.low, self.high, self.step))

    def check(self, name, value, others):
        number, kind = ("whole number", Integral) if self.whole else ("number", Real)
        if isinstance(value, bool) or not isinstance(value, kind):
            raise TypeError(
                f"{name} is {value!r}: {name} must be a {number} from {self.low:g} to {self.high:g}."
            )
        if not self.low <= value <= self.high:
            raise ValueError(f"{name} is {value!r}: {name} must be from {self.low:g} to {self.high:g}.")
        if not self.stands(value, self.nearest(value)):
            raise ValueError(
                f"{name} is {value!r}: {name} must be from {self.low:g} to {self.high:g} in steps of {self.step:g}."
            )
        return self.nearest(value)

    def nearest(self, value):
        """The step that is nearest to a number."""
        step = self.low + self.step * round((value - self.low) / self.step)
        return step if self.whole else round(float(step), max(decimals(self.low), decimals(self.step)))

    def read(self, shown):
        return self.nearest(shown)  # what is typed beside the handle may lie between two steps

    def stands(self, shown, value):
        return abs(shown - value) < 1e-6 * self.step

    def widget(self, value, others):
        kind, readout = (
            (ipywidgets.IntSlider, "d")
            if self.whole
            else (ipywidgets.FloatSlider, f".{decimals(self.step)}f")
        )
        return dressed(
            kind, self, WIDE, min=self.low, max=self.high, step=self.step, value=value, readout_format=readout
        )


@dataclass(frozen=True)
class Choice(Control):
    """One of a few values. `options` maps what is shown to the value, or is a tuple of values, or a function of other controls that
    returns either: `options=lambda kind: depths(kind)` is asked again whenever `kind` moves, and the value moves to the nearest one left.

    A slider over the values where `slide` is set, else a list.
    """

    options: object
    value: object
    slide: bool = False

    def choices(self, others):
        """-> {what is shown: value}"""
        options = self.options
        if callable(options):
            options = options(**{name: others[name] for name in inspect.signature(options).parameters})
        return dict(options) if isinstance(options, dict) else {str(value): value for value in options}

    def nearest(self, value, others):
        values = list(self.choices(others).values())
        if value in values:
            return value
        return (
            min(values, key=lambda other: abs(other - value))
            if isinstance(value, (int, float))
            else values[0]
        )

    def check(self, name, value, others):
        values = list(self.choices(others).values())
        if not isinstance(value, Hashable) or (type(value) is bool, value) not in [
            (type(other) is bool, other) for other in values
        ]:
            allowed = ", ".join(map(repr, values))
            given = "".join(f" with {key}={others[key]!r}" for key in self.depends())
            raise ValueError(f"{name} is {value!r}{given}: {name} must be one of {allowed}.")
        return values[values.index(value)]

    def widget(self, value, others):
        options = list(self.choices(others).items())
        if self.slide:
            return dressed(ipywidgets.SelectionSlider, self, WIDE, options=options, value=value)
        return dressed(ipywidgets.Dropdown, self, NARROW, options=options, value=value)

    def depends(self):
        """The controls that decide which values there are."""
        return list(inspect.signature(self.options).parameters) if callable(self.options) else []


@dataclass(frozen=True)
class Toggle(Control):
    """On or off."""

    value: bool = False

    def check(self, name, value, others):
        if not isinstance(value, bool):
            raise TypeError(f"{name} is {value!r}: {name} must be True or False.")
        return value

    def widget(self, value, others):
        return dressed(ipywidgets.Checkbox, self, NARROW, value=value, indent=False)


@dataclass(frozen=True)
class Seed(Control):
    """The number of the random sequence that is shown; the lab adds a button that moves on to the next."""

    label: str = "Sequence"
    value: int = 1
    renew: str = "New sequence"
    tooltip: str = "Draw another random sequence"

    def check(self, name, value, others):
        if isinstance(value, bool) or not isinstance(value, Integral) or not 0 <= value <= 9999:
            raise ValueError(f"{name} is {value!r}: {name} must be a whole number from 0 to 9999.")
        return int(value)

    def widget(self, value, others):
        return dressed(ipywidgets.BoundedIntText, self, "150px", min=0, max=9999, value=value)


@dataclass(frozen=True)
class Prediction(Control):
    """A guess that the learner marks before looking: None until the slider is moved, then a number that `draw` marks."""

    low: float
    high: float
    step: float
    value: float = None

    UNSET = "not set"

    def check(self, name, value, others):
        if value is None:
            return None
        return Slider(self.label, float(self.low), float(self.high), float(self.step), value).check(
            name, value, others
        )

    def widget(self, value, others):
        shown = decimals(self.step)
        marks = [
            round(self.low + index * self.step, shown)
            for index in range(round((self.high - self.low) / self.step) + 1)
        ]
        options = [(self.UNSET, self.UNSET), *((f"{mark:.{shown}f}", mark) for mark in marks)]
        return dressed(ipywidgets.SelectionSlider, self, WIDE, options=options, value=self.write(value))

    def read(self, shown):
        return None if shown == self.UNSET else shown

    def write(self, value):
        return self.UNSET if value is None else value


def decimals(step):
    """How many digits after the point a multiple of `step` needs."""
    return len(f"{step:.9f}".rstrip("0").partition(".")[2])


def dressed(kind, control, width, **more):
    """A widget of a kind with the control's label, and its unit if it has one."""
    unit = getattr(control, "unit", "")
    described = dict(
        description=f"{control.label} ({unit})" if unit else control.label,
        style=dict(description_width="initial"),
    )
    return kind(**described, layout=ipywidgets.Layout(width=width, margin="2px 12px 2px 2px"), **more)
