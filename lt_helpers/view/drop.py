"""A widget that takes a file: chosen, or dropped. drop.js is its front end.

ipywidgets has a FileUpload. It keeps what is in the file in its state, which a notebook stores with its widgets, and nothing can be dropped
on it. Here the content comes in a message, once, and is nowhere in the state.
"""

import anywidget
import traitlets

from .chart import FILES


class FileDrop(anywidget.AnyWidget):
    """A place where a file can be dropped.

    Parameters
    ----------
    label : str.  What stands there.
    most : int.  Bytes: of a larger file the page sends the size alone.
    dropped : callable(message, content).  Hears of a file: its content as bytes, None where there is none; then `message` says why, by
        `size`, `several` or `unreadable`. It raises nothing.
    """

    _esm = (FILES / "drop.js").read_text()
    _css = (FILES / "drop.css").read_text()
    label = traitlets.Unicode().tag(sync=True)
    most = traitlets.Int().tag(sync=True)

    def __init__(self, label, most, dropped):
        super().__init__(label=label, most=most)
        self.on_msg(lambda _, message, buffers: dropped(message, bytes(buffers[0]) if buffers else None))
