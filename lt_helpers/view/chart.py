"""A widget that shows a plotly figure with its words, and sends only what changed.

draw.js draws it, hands.js is for what a hand does with it, widget.js receives what changed, compat.js makes up for what the notebook's own
parts get wrong, and this file is the kernel's side. plotly's FigureWidget sends 5 MB for every figure. Here the plotting library is a
widget of its own, sent once a kernel, and a move of a slider sends only the arrays that it changed.
"""

import asyncio
import base64
import functools
import gzip
import json
import math
import threading
import time
import uuid
from importlib.resources import files

import anywidget
import ipywidgets
import numpy as np
import traitlets

FILES = files(__package__)
VENDORED = json.loads((FILES / "plotly.json").read_text())
SCRIPTS = ("hands.js", "draw.js", "compat.js", "widget.js")  # in the order in which they run


class Library(ipywidgets.Widget):
    """plotly.js, compressed: the widget that every chart of this kernel refers to."""

    version = traitlets.Unicode(VENDORED["version"]).tag(sync=True)
    bundle = traitlets.Bytes().tag(sync=True)


@functools.cache
def library():
    return Library(bundle=gzip.compress((FILES / "plotly.min.js").read_bytes(), mtime=0))


class Chart(anywidget.AnyWidget):
    """Shows one figure at a time.

    A lab calls `show` and `fail`; where a hand drags its sliders it hears of it by `follow`, and its text for other cells leaves by `copy`.

    Parameters
    ----------
    figure : dict with data and layout, as plotly.js takes it, its arrays as NumPy arrays; and `handles`, a list of what a hand can drag
        (labs/handles.py), if there is anything.
    words : str, said under the figure, and by screen readers in its place.
    """

    _esm = "\n".join((FILES / name).read_text() for name in SCRIPTS)
    _css = (FILES / "chart.css").read_text()
    name = traitlets.Unicode().tag(sync=True)  # by which the page finds this widget's model
    library = traitlets.Instance(Library).tag(sync=True, **ipywidgets.widget_serialization)
    controls = traitlets.Dict().tag(sync=True, **ipywidgets.widget_serialization)
    # The figure as it is now, whenever a page asks.
    state = traitlets.Any().tag(sync=True, to_json=lambda _, chart: chart._shown)

    def __init__(self, figure, words):
        self._shown = {"version": 0, "error": "", "words": words, "quiet": False, **encode_figure(figure)}
        self._drawn = threading.Event()
        self._moved = self._opened = self._grabbed = self._copied = None
        self._moving = (
            threading.local()
        )  # `number`: of the move that this thread answers with its next figure
        name = uuid.uuid4().hex
        super().__init__(library=library(), name=name, model_id=name)
        self.on_msg(self._receive)

    def show(self, figure, words, acknowledge=False):
        """Draw a figure with words under it.

        Parameters
        ----------
        figure, words : as for the chart itself.
        acknowledge : bool.  Ask the page to answer (see `drawn`); no screen reader reads the words out then: nobody has asked for them.
        """
        self._move_to(
            {"error": "", "words": words, "quiet": acknowledge, **encode_figure(figure)}, acknowledge
        )

    def fail(self, error):
        """Keep the last figure, faded, and say what went wrong, in the colour of errors."""
        self._move_to({**self._shown, "quiet": False, "error": error})

    async def drawn(self, timeout=2.0):
        """Wait until the browser has drawn the last `show(..., acknowledge=True)`.

        Returns
        -------
        bool.  False if it did not answer in `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        # The answer may come on another thread than this loop's.
        while not self._drawn.is_set() and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        return self._drawn.is_set()

    def follow(self, controls, moved, opened=None, grabbed=None):
        """Hear of the newest value of a control while it is dragged, ahead of the control itself.

        ipywidgets keeps one message on its way, and sends the next value only when the kernel has said that it is idle again. A page
        that follows sends the newest value as soon as an earlier one is answered, whether or not the widget has heard of it. The widget
        itself hears of it a little later, in the usual way; a lab that finds everything as it is then has nothing to draw.

        Parameters
        ----------
        controls : dict of ipywidgets by name.  No other control's options may depend on their values.
        moved : callable(name, value).  Shows the figure for this value of the control; the widgets stay as they are, lest they pull against
            the hand. It is called on the thread on which the message came, and raises nothing.
        opened : callable(), optional.  A page has come up. If another went in the middle of a drag, the figure may show a value of which
            no widget will ever hear: this shows what they say. It raises nothing.
        grabbed : callable(name, index, x, y), optional.  A handle of the figure was dragged to x, y; None for an axis along which it does
            not move. It raises nothing.
        """
        self._moved, self._opened, self._grabbed = moved, opened, grabbed
        self.controls = {
            name: {"control": control, "trait": "index" if control.has_trait("index") else "value"}
            for name, control in controls.items()
        }

    def copy(self, text, copied):
        """Put a text on the clipboard of the page in which a button was just pressed.

        A page that has no clipboard, such as one over plain http, selects the text instead where the lab shows it once `copied` has
        returned, in an element of class `lt-copied`, for the keys that copy.

        Parameters
        ----------
        text : str.
        copied : callable(bool).  Called once the page has answered: is the text on the clipboard? Never called where no page is open.
        """
        self._copied = text, copied
        self.send({"copy": text})

    def _move_to(self, state, acknowledge=False):
        before, version = self._shown, self._shown["version"]
        self._shown = {**state, "version": version + 1}
        self._drawn.clear()
        changes = [
            {"path": path, "value": value}
            for path, value in changed(before, self._shown)
            if path != ["version"]
        ]
        message = {"from": version, "version": version + 1, "changes": changes, "acknowledge": acknowledge}
        self.send({**message, **self._answer()})

    def _receive(self, _, message, buffers):
        if message.get("opened") and self._opened is not None:
            self._opened()
        shown = self._shown  # read once: another thread may be showing the next figure
        version = shown["version"]
        if message.get("missed", version) != version:
            self.send({"from": None, "version": version, "changes": [{"path": [], "value": shown}]})
        if message.get("drawn") == version:
            self._drawn.set()
        if "move" in message:
            move = message["move"]
            self._answer_move(move["number"], self._move, move["name"], move["value"])
        if "grab" in message:
            grab = message["grab"]
            self._answer_move(
                grab["number"], self._grabbed, *(grab[key] for key in ("control", "index", "x", "y"))
            )
        if "copied" in message and self._copied is not None:
            (text, copied), self._copied = self._copied, None
            copied(message["copied"])
            if not message["copied"]:
                self.send({"select": text})

    def _move(self, name, value):
        self._moved(name, value_sent(self.controls[name]["control"], value))

    def _answer_move(self, number, follow, *what):
        self._moving.number = number
        try:
            follow(*what)
        finally:  # else the page would keep all further moves to itself
            if answer := self._answer():
                self.send(answer)

    def _answer(self):
        """What a message holds to answer the move that is not answered yet."""
        number, self._moving.number = getattr(self._moving, "number", None), None
        return {} if number is None else {"answer": number}


def value_sent(control, sent):
    """The value of a control that a page means: it sends the place of an option, and a number as JSON has it, 3 for 3.0."""
    if not control.has_trait("index"):
        return type(control.value)(sent)
    option = control.options[sent]
    return option[1] if isinstance(option, tuple) else option


def encode_figure(figure):
    """A figure, a dict with data and layout, as plain JSON, its arrays as plotly.js reads them (base64 of float32)."""
    return {
        "data": encode(figure["data"]),
        "layout": encode(figure["layout"]),
        "handles": encode(figure.get("handles", [])),
    }


def encode(value):
    if isinstance(value, np.ndarray):
        return encode_array(value) if value.dtype.kind in "iuf" else encode(value.tolist())
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, np.generic):
        return encode(value.item())
    return None if isinstance(value, float) and math.isnan(value) else value


def encode_array(array):
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(array, np.float32)
    if np.isinf(array).any():
        raise ValueError("The figure holds infinite values: clip them, and say so.")
    encoded = {"dtype": "f4", "bdata": base64.b64encode(array).decode()}
    return encoded if array.ndim == 1 else {**encoded, "shape": ", ".join(map(str, array.shape))}


def changed(before, after, path=()):
    """Where two encoded figures differ -> pairs of a path and the value there now."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        for key in after:
            yield from changed(before[key], after[key], [*path, key])
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after, strict=True)):
            yield from changed(*pair, [*path, index])
    elif before != after:
        yield list(path), after
