"""A table of a learner's own in a lab: the control that keeps it, and the part of the page where it is dropped and its columns are chosen.

A table stays where it is: it stands in no document and in no link, and of the file the page keeps nothing. What is shown of it, names of
columns and cells that are no numbers, is text.
"""

import html
from dataclasses import dataclass

import ipywidgets

from ..checks import shown
from ..language import Message, Refusal, RefusedType, RefusedValue
from ..table_of_tasks import BYTES, TableOfTasks, read_sheet, read_table, too_large
from ..view.drop import FileDrop
from .controls import NARROW, Hidden, Placed, dress

WHOLE = ipywidgets.Layout(width="100%")
ROW = ipywidgets.Layout(display="flex", flex_flow="row wrap", align_items="flex-start", width="100%")


@dataclass(frozen=True)
class OwnTable(Hidden):
    """The control `table`, None for none."""

    a_file = False
    no_beats = "refused.table_beat"

    def check(self, name, value, others):
        if value is None or isinstance(value, TableOfTasks):
            return value
        raise RefusedType(Message("refused.table", name=name, value=shown(value)))

    def widget(self, value, others, label, say):
        return Placed(value=value)

    def to_json(self, value):
        return True

    def from_json(self, value):
        return None, Message("state.table")


class TableDesk:
    """Where a table is dropped, its columns are chosen, and what was left out is said.

    Parameters
    ----------
    lab : Lab, with a control `table`.
    take : callable(TableOfTasks or None).  Shows a table in the lab, or puts it away.
    """

    def __init__(self, lab, take):
        self.lab, self.take, self._resting = lab, take, False
        self.sheet = self._read = None  # what was dropped, and the table that was made of it
        say = lab.names.say
        self.place = FileDrop(say(Message("csv.drop")), BYTES, self._dropped)
        self.said = ipywidgets.HTML(tooltip="", layout=WHOLE)
        self.said.add_class("lt-noted")
        self.task = dress(ipywidgets.Dropdown, say(Message("csv.task")), NARROW)
        self.label = dress(ipywidgets.Dropdown, say(Message("csv.label")), NARROW)
        self.features = dress(ipywidgets.SelectMultiple, say(Message("csv.features")), NARROW, rows=5)
        for widget in (self.task, self.label, self.features):
            widget.observe(self._chosen, "value")
        self.away = lab._button("put_away", lambda _: take(None))
        self.columns = ipywidgets.HBox([self.task, self.label, self.features, self.away], layout=ROW)
        self.widget = ipywidgets.VBox([self.place, self.said], layout=WHOLE)
        lab.controls["table"].observe(lambda change: self.follow(change.new), "value")
        self.follow(lab.values["table"])

    def follow(self, table):
        """The lab shows this table, or none."""
        if table is not self._read:  # it was put away, or another one came by a call
            self.sheet = None
        self._say([] if table is None else table.left_out)
        chosen = [self.columns] if self.sheet else [] if table is None else [self.away]
        self.widget.children = [self.place, *chosen, self.said]

    def _dropped(self, message, content):
        """A file has come."""
        try:
            sheet = read_sheet(content_of(message, content))
            table = read_table(sheet)
        except Refusal as refusal:
            self._refuse(refusal)
        else:
            self._offer(sheet, table.task, table.label, table.asked)
            self._show(table)

    def _chosen(self, change):
        """Another column was chosen. One that names the task, or is the label, is no feature."""
        if self._resting:
            return
        known = None if self.label.value == self.task.value else self.label.value
        task, label, others = self.sheet.guess(self.task.value, known)
        features = self.features.value if change.owner is self.features else ()
        try:
            table = read_table(self.sheet, task, label, list(features) or others)
        except Refusal as refusal:
            self._offer(self.sheet, task, label, list(features) or others)
            self._refuse(refusal)
        else:
            self._offer(self.sheet, table.task, table.label, table.asked)
            self._show(table)

    def _offer(self, sheet, task, label, features):
        """Let the learner choose among the columns of a sheet."""
        self.sheet, self._resting = sheet, True
        numeric = [name for name in sheet.numeric if name != task]
        try:
            offer(self.task, sheet.names, task)
            offer(self.label, numeric, label)
            offer(self.features, [name for name in numeric if name != label], tuple(features))
        finally:
            self._resting = False

    def _show(self, table):
        self._read = table
        self.take(table)

    def _refuse(self, refusal):
        """Say what is wrong; the picture stays as it is."""
        self._say([refusal.message], "lt-error")
        if self.sheet:
            self.widget.children = [self.place, self.columns, self.said]

    def _say(self, messages, style=""):
        """Messages, a line each, as text."""
        lines = [html.escape(self.lab.names.say(message)) for message in messages]
        self.said.value = "".join(f'<div class="{style}">{line}</div>' for line in lines)


def content_of(message, content):
    """What is in a file of which the page tells -> bytes. Refused where the page could not send it, or should not have."""
    if content is not None:
        return content
    if "several" in message:
        raise RefusedValue(Message("csv.several", count=message["several"]))
    if "size" in message:
        raise too_large(message["size"])
    raise RefusedValue(Message("csv.unreadable"))


def offer(widget, options, value):
    """Let a list have these options, and stand at one of them, or at some."""
    if list(widget.options) != list(options):
        widget.options = list(options)
    widget.value = value
