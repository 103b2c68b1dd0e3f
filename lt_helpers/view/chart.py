"""A widget that shows a plotly figure with its words: draw.js draws it, widget.js receives what changed, this file sends it.

plotly's FigureWidget sends 5 MB for every figure. Here the plotting library is a widget of its own, sent once a kernel, and a move of
a slider sends only the arrays that it changed.
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


class Library(ipywidgets.Widget):
    """plotly.js, compressed: the widget that every chart of this kernel refers to."""

    version = traitlets.Unicode(VENDORED["version"]).tag(sync=True)
    bundle = traitlets.Bytes().tag(sync=True)


@functools.cache
def library():
    return Library(bundle=gzip.compress((FILES / "plotly.min.js").read_bytes(), mtime=0))


class Chart(anywidget.AnyWidget):
    """Shows one figure at a time.

    `show` and `fail` are all that a lab calls. `await drawn()` returns once the browser has drawn what was last shown.
    """

    _esm = (FILES / "draw.js").read_text() + (FILES / "widget.js").read_text()
    _css = (FILES / "chart.css").read_text()
    name = traitlets.Unicode().tag(sync=True)  # by which the page finds this widget's model
    library = traitlets.Instance(Library).tag(sync=True, **ipywidgets.widget_serialization)
    state = traitlets.Any().tag(
        sync=True, to_json=lambda _, chart: chart._shown
    )  # as it is now, whenever a page asks

    def __init__(self, figure, words):
        self._shown = {"version": 0, "error": "", "words": words, "quiet": False, **encode_figure(figure)}
        self._drawn = threading.Event()
        name = uuid.uuid4().hex
        super().__init__(library=library(), name=name, model_id=name)
        self.on_msg(self._receive)

    def show(self, figure, words, acknowledge=False):
        """Draw `figure` (a dict with data and layout) with `words` under it. With `acknowledge`, the browser answers (see `drawn`), and
        no screen reader reads the words out: nobody has asked for them."""
        self._move_to(
            {"error": "", "words": words, "quiet": acknowledge, **encode_figure(figure)}, acknowledge
        )

    def fail(self, error):
        """Keep the last figure, faded, and say in red what went wrong."""
        self._move_to({**self._shown, "quiet": False, "error": error})

    async def drawn(self, timeout=2.0):
        """Wait until the browser has drawn the last `show(..., acknowledge=True)`. -> False if it did not answer in `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while (
            not self._drawn.is_set() and time.monotonic() < deadline
        ):  # the answer may come on another thread than this loop's
            await asyncio.sleep(0.01)
        return self._drawn.is_set()

    def _move_to(self, state, acknowledge=False):
        before, version = self._shown, self._shown["version"]
        self._shown = {**state, "version": version + 1}
        self._drawn.clear()
        changes = [
            {"path": path, "value": value}
            for path, value in changed(before, self._shown)
            if path != ["version"]
        ]
        self.send({"from": version, "version": version + 1, "changes": changes, "acknowledge": acknowledge})

    def _receive(self, _, message, buffers):
        shown = self._shown  # read once: another thread may be showing the next figure
        version = shown["version"]
        if message.get("missed", version) != version:
            self.send({"from": None, "version": version, "changes": [{"path": [], "value": shown}]})
        if message.get("drawn") == version:
            self._drawn.set()


def encode_figure(figure):
    """A figure, a dict with data and layout, as plain JSON, its arrays as plotly.js reads them (base64 of float32)."""
    return {"data": encode(figure["data"]), "layout": encode(figure["layout"])}


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
