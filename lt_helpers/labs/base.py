"""What every lab is: declared controls, `compute`, `draw` and `words`. This class makes the live widget of them.

A lab is a pure function of its controls. It declares them, and writes three functions and no update code:

    class WaveLab(Lab):
        CONTROLS = dict(frequency=Slider("Frequency", 0.5, 5.0, 0.1, value=1.0, unit="Hz"))

        @staticmethod
        def compute(frequency): ...       # -> a small frozen dataclass of arrays
        @staticmethod
        def draw(wave): ...               # -> a complete figure with fixed axes (figures.py)
        @staticmethod
        def words(wave): ...              # -> one or two sentences: what the figure shows now

A lab whose `draw` and `words` also take `ghost` gets a button "Hold ghost": the arrays of the state held are passed along (else None).
"""

import functools
import html
import inspect
import threading

import ipywidgets

from ..view.chart import Chart
from .controls import Choice, Prediction, Seed

ROW = ipywidgets.Layout(display="flex", flex_flow="row wrap", align_items="center", width="100%")
FITTING = ipywidgets.Layout(width="auto")


def in_turn(method):
    """Methods of a lab that change it wait for each other: a kernel may receive the messages of a page, or of two, on several threads."""

    @functools.wraps(method)
    def waiting(lab, *args, **kwargs):
        with lab._turn:
            return method(lab, *args, **kwargs)

    return waiting


class Lab:
    """A live figure with its controls. As the last line of a cell it shows itself.

    Parameters
    ----------
    ghost : dict, optional.  Values of controls whose state is drawn behind the present one.
    **values : where the controls stand at first; the others stand where the lab declares them.

    Attributes
    ----------
    controls : dict of widgets by name; `lab.controls["sigma"].value = 3.0` moves one.
    values, ghost : what the controls say now, and the values that are held (or None).
    arrays, drawing, words_now : what was last computed, drawn and said.
    figure : the drawing as a plotly.graph_objects.Figure, to show or export elsewhere.
    error : the exception of the last move, None if it went well.
    """

    CONTROLS = {}

    def __init__(self, *, ghost=None, **values):
        self._turn = threading.RLock()
        if not (ghost is None or isinstance(ghost, dict) and self._ghosted()):
            allowed = (
                "None or a dictionary of controls"
                if self._ghosted()
                else f"None: {type(self).__name__} holds no ghost"
            )
            raise TypeError(f"ghost is {ghost!r}: ghost must be {allowed}.")
        self._opened = self._computed = self._checked(values)
        self._opened_ghost = self.ghost = (
            None if ghost is None else self._held(self._checked({**self._opened, **ghost}))
        )
        self._resting = False
        self.error = None
        self._compute(self._opened)
        self.chart = Chart(self.drawing, self.words_now)
        self.controls = {
            name: control.widget(self._opened[name], self._opened) for name, control in self.CONTROLS.items()
        }
        for widget in self.controls.values():
            widget.observe(self._moved, "value")
        self.widget = ipywidgets.VBox([self._panel(), self.chart], layout=ipywidgets.Layout(width="100%"))

    @property
    def values(self):
        return {name: control.read(self.controls[name].value) for name, control in self.CONTROLS.items()}

    @property
    def figure(self):
        import plotly.graph_objects as go  # here alone: the page draws without it, and it takes time and memory

        return go.Figure(self.drawing)

    def view(self):
        """The line of code that opens the lab in its present state."""
        return f"from {__package__} import {type(self).__name__}; {self!r}"

    @in_turn
    def reset(self):
        """Back to where the lab was opened."""
        self._set(self._opened, self._opened_ghost)

    @in_turn
    def hold_ghost(self, hold=True):
        """Keep what is drawn behind the next states, or let go of it."""
        if hold and not self._ghosted():
            raise TypeError(f"{type(self).__name__} holds no ghost.")
        self._set(None, self._held(self._computed) if hold else None)

    def at(self, **values):
        """What the lab would show with these values and the other controls as they stand -> drawing, words. Nothing moves.

        The pages without a kernel are made of it. A choice that the values rule out goes to the nearest that they allow.
        """
        values = {**self.values, **values}
        for name, control in self.CONTROLS.items():
            if isinstance(control, Choice):
                values[name] = control.nearest(values[name], values)
        return self._shown(self._checked(values))[1:]

    def __repr__(self):
        values = self.values
        said = {name: value for name, value in values.items() if value != self.CONTROLS[name].value}
        if self.ghost is not None:
            said["ghost"] = {
                name: value for name, value in self.ghost.items() if value != self._held(values)[name]
            }
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in said.items())})"

    def _repr_mimebundle_(self, **kwargs):
        return self.widget._repr_mimebundle_(**kwargs)

    def _held(self, values):
        """What a ghost keeps: all but the predictions, which stay marked once."""
        return {
            name: None if isinstance(self.CONTROLS[name], Prediction) else value
            for name, value in values.items()
        }

    def _ghosted(self):
        """Can it draw a state behind the present one?"""
        return "ghost" in inspect.signature(self.draw).parameters

    def _checked(self, values):
        """A value for every control, each one allowed."""
        unknown = [name for name in values if name not in self.CONTROLS]
        if unknown:
            raise TypeError(
                f"{type(self).__name__} has no control {unknown[0]!r}: its controls are {', '.join(self.CONTROLS)}."
            )
        checked = {}
        for name, control in self.CONTROLS.items():
            value = values.get(name, control.value)
            if isinstance(control, Choice) and name not in values:
                value = control.nearest(value, checked)
            checked[name] = control.check(name, value, checked)
        return checked

    def _shown(self, values):
        """What the lab shows with a value for every control -> arrays, drawing, words."""
        more = dict(ghost=self.ghost and self.compute(**self.ghost)) if self._ghosted() else {}
        arrays = self.compute(**values)
        return arrays, self.draw(arrays, **more), self.words(arrays, **more)

    def _compute(self, values):
        self.arrays, self.drawing, self.words_now = self._shown(values)

    @in_turn
    def _moved(self, change):
        if not self._resting:
            self._set(None, self.ghost)

    def _set(self, values, ghost):
        """Bring all controls to `values` (None: as they stand) and draw once."""
        try:
            values = self._brought(values, ghost)
            self._answer(values)
            self._computed, self.error = values, None
        except Exception as error:  # a lab says what went wrong; it stays usable
            self._fail(error)
        except KeyboardInterrupt:
            self._interrupted()

    def _brought(self, values, ghost):
        """Bring all controls to `values` -> the values, with choices that the others rule out at the nearest that they allow.

        What stands where it should is not touched: another thread may just have moved it, and waits for its turn to draw.
        """
        shown = {name: self.controls[name].value for name in self.CONTROLS}
        values = (
            {name: control.read(shown[name]) for name, control in self.CONTROLS.items()}
            if values is None
            else values
        )
        self._resting = True
        try:
            for name, control in self.CONTROLS.items():
                widget = self.controls[name]
                if isinstance(control, Choice) and callable(control.options):
                    values = {**values, name: control.nearest(values[name], values)}
                    options = tuple(control.choices(values).items())
                    if tuple(widget.options) != options:
                        widget.options = options
                        shown[name] = widget.value
                if not control.stands(shown[name], values[name]):
                    widget.value = control.write(values[name])
        finally:
            self._resting = False
        self.ghost = ghost
        self._hold.value = ghost is not None
        return values

    def _answer(self, values):
        self._compute(values)
        self.chart.show(self.drawing, self.words_now)

    def _interrupted(self):
        self._fail(InterruptedError("the kernel was interrupted before this was computed."))

    @in_turn
    def _fail(self, error):
        self.error = error
        self.chart.fail(f"{type(error).__name__}: {error} Move a control, or press Reset.")

    def _panel(self):
        """The controls, and under them the buttons."""
        rows = [[], []]
        for name, control in self.CONTROLS.items():
            row = rows[isinstance(control, (Prediction, Seed))]
            row.append(self.controls[name])
            if isinstance(control, Seed):
                row.append(
                    self._button(
                        control.renew, lambda _, seed=self.controls[name]: self._next(seed), control.tooltip
                    )
                )
        hint = "Keep the present state, in grey, behind the next ones"
        self._hold = ipywidgets.ToggleButton(
            value=self.ghost is not None, description="Hold ghost", tooltip=hint, layout=FITTING
        )
        self._hold.observe(
            lambda change: change.new != (self.ghost is not None) and self.hold_ghost(change.new), "value"
        )
        if self._ghosted():
            rows[1].append(self._hold)
        self._copied = ipywidgets.HTML()
        copy = self._button(
            "Copy this view", lambda _: self._copy(), "Show the line of code that opens the lab in this state"
        )
        rows[1] += [
            copy,
            self._button("Reset", lambda _: self.reset(), "Back to where the lab was opened"),
            self._copied,
        ]
        return ipywidgets.VBox([ipywidgets.HBox(row, layout=ROW) for row in rows if row])

    @in_turn
    def _next(self, seed):
        seed.value = (seed.value + 1) % 10_000

    @in_turn
    def _copy(self):
        self._copied.value = f'<code style="user-select: all">{html.escape(self.view())}</code>'

    @staticmethod
    def _button(label, press, tooltip):
        button = ipywidgets.Button(description=label, tooltip=tooltip, layout=FITTING)
        button.on_click(press)
        return button
