"""A table of tasks from a file: CSV, a row an example; one column names its task, some are features x, one is the label y.

    table = read_table(content, task="patient", label="score")
    print(table.report())
    parts = table.cut(seed=1)

Nothing in a file is evaluated. What cannot be used is left out, and said: row by row, with the lines of the file.
"""

import codecs
import csv
import io
import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .checks import LARGEST, count, shown
from .language import Message, RefusedType, RefusedValue, catalogue
from .preparation import STILL
from .task import PAPER

BYTES, ROWS, COLUMNS, FEATURES = 2_000_000, 20_000, 100, 30  # of a file, at most
FEWEST_ROWS = 4  # of a task: two to read, two to hold back
FEWEST_TASKS = 4  # two to prepare, two to judge
READ = PAPER.context + 1  # rows of a new task that are read, at most: one of them goes into its intercept
PREPARES = 500  # rows of an earlier task that prepare, at most: to take its intercept away costs their square in memory
NAMED = 5  # lines, or tasks, that are named; of more there is the number
SEPARATORS = (",", ";", "\t")
LABELS = ("y", "label", "target")  # what a label's column may be called
MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "-", "?"))
POINT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?")
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
NO_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f]")  # what no table has in it, and most other files have


@dataclass(frozen=True, eq=False)
class Sheet:
    """A file as cells, before it is said what its columns are.

    Attributes
    ----------
    names : tuple of str
        Of the columns.
    rows : tuple of tuples of str
        All of them have a cell for each column.
    lines : (R,) array of int
        Where each row begins in the file.
    numbers : (R, C) array
        The cells as numbers, NaN where one is none.
    decimal : str
        "." or ",".
    left_out : tuple of Message
        Of rows with too many or too few cells.
    """

    names: tuple
    rows: tuple
    lines: np.ndarray
    numbers: np.ndarray
    decimal: str
    left_out: tuple

    def column(self, name):
        """The cells of one column -> list of str"""
        place = self.names.index(name)
        return [row[place] for row in self.rows]

    @property
    def numeric(self):
        """The columns in which more than half of the cells are numbers -> list of str"""
        share = np.isfinite(self.numbers).mean(axis=0)  # (C,)
        return [name for name, part in zip(self.names, share, strict=True) if part > 0.5]

    def guess(self, task=None, label=None, features=()):
        """What the columns are, as far as it can be told.

        Parameters
        ----------
        task, label : str, optional
        features : list of str
            The columns that are known.

        Returns
        -------
        task, label : str
        features : list of str
            FEATURES of them at most.
        """
        if task is None:
            others = [name for name in self.names if name != label and name not in features]
            task = next(filter(self.names_tasks, others), self.names[0])
        numeric = [name for name in self.numeric if name != task and name not in features]
        if label is None:
            called = [name for name in numeric if name.casefold() in LABELS]
            label = (called or numeric or [None])[-1]
        others = [name for name in numeric if name != label]
        return task, label, list(features) or others[:FEATURES]

    def names_tasks(self, name):
        """Could a column name tasks? Its values come again, are not all alike, and are no broken numbers."""
        values = self.column(name)
        different = len(set(values))
        numbers = self.numbers[:, self.names.index(name)]
        broken = np.isfinite(numbers) & (numbers != np.round(numbers))
        return 1 < different <= len(values) / 2 and not broken.any()


@dataclass(frozen=True, eq=False)
class TableOfTasks:
    """Tasks from a table.

    Attributes
    ----------
    x : tuple of (n_b, d) arrays
        The features of each task, in the order of the file. Nobody can write into them.
    y : tuple of (n_b,) arrays
        The labels.
    names : tuple of str
        What the tasks are called.
    task, label : str
        The columns that name the task, and the label.
    features : tuple of str
        The columns of x.
    asked : tuple of str
        The columns that were asked for as features: those that vary in no task are not in x.
    left_out : tuple of Message
        What was not used, and why.
    """

    x: tuple
    y: tuple
    names: tuple
    task: str
    label: str
    features: tuple
    asked: tuple
    left_out: tuple

    def __repr__(self):
        columns = f"task={self.task!r}, label={self.label!r}, features={list(self.asked)!r}"
        return f'read_table(open("table.csv", "rb").read(), {columns})'

    @property
    def dim(self):
        """d, the number of features."""
        return len(self.features)

    def report(self):
        """What is there, and what was left out: a line each.

        Returns
        -------
        str
        """
        say = catalogue("en").say
        there = Message("csv.read", tasks=len(self.x), rows=sum(map(len, self.y)), features=self.dim)
        return "\n".join(map(say, [there, *self.left_out]))

    def cut(self, seed=0):
        """Half of the tasks to prepare with, half to judge by; of each of these the first rows to read, and the rest held back.

        Of a task with n rows n/2 are read, READ at most; of one that prepares all are taken, PREPARES at most. Which tasks prepare is drawn
        by lot; rows stay in the order of the file.

        Parameters
        ----------
        seed : int
            Of the lot.

        Returns
        -------
        Parts
        """
        order = np.random.default_rng(count(seed, "seed", least=0)).permutation(len(self.x))
        earlier, new = np.split(order, [len(order) // 2])
        ends = [min(READ, len(self.y[place]) // 2) for place in new]
        return Parts(
            x_earlier=[self.x[place][:PREPARES] for place in earlier],
            y_earlier=[self.y[place][:PREPARES] for place in earlier],
            x=[self.x[place][:end] for place, end in zip(new, ends, strict=True)],
            y=[self.y[place][:end] for place, end in zip(new, ends, strict=True)],
            x_held=[self.x[place][end:] for place, end in zip(new, ends, strict=True)],
            y_held=[self.y[place][end:] for place, end in zip(new, ends, strict=True)],
        )


@dataclass(frozen=True)
class Parts:
    """A table that was cut, as `Preparation.learn` and `pilot` take it: lists, an array a task.

    Attributes
    ----------
    x_earlier, y_earlier : lists of (n_b, d) and (n_b,) arrays
        The tasks that prepare.
    x, y : lists of (n_b, d) and (n_b,) arrays
        The rows of new tasks that are read.
    x_held, y_held : lists of (m_b, d) and (m_b,) arrays
        Their other rows.
    """

    x_earlier: list
    y_earlier: list
    x: list
    y: list
    x_held: list
    y_held: list


def read_table(content, task=None, label=None, features=None):
    """Tasks from a CSV file: a row an example, a column that names its task, features, and a label.

    Parameters
    ----------
    content : str or bytes
        What is in the file, 2 MB and 20,000 rows at most. Its first line names the columns. Separators are commas, semicolons or tabs,
        letters UTF-8, UTF-16 or Latin-1; the decimal sign is a point, or a comma where none is the separator and no number has a point.
    task : str, optional
        The column that names the task; by default the first one in which values come again.
    label : str, optional
        The column of the label; by default one called y, label or target, or the last column of numbers.
    features : list of str, optional
        Columns of numbers; by default all others, 30 at most.

    Returns
    -------
    TableOfTasks

    Raises
    ------
    TypeError, ValueError
        In one sentence: it is no such file, or has no such columns, or too little is left of it.
    """
    sheet = content if isinstance(content, Sheet) else read_sheet(content)
    task, label, features = named_columns(sheet, task, label, features)
    used = [label, *features]
    numbers = sheet.numbers[:, [sheet.names.index(name) for name in used]]  # (R, 1 + d)
    tasks = sheet.column(task)
    fits, left_out = whole_rows(sheet, task, tasks, used, numbers)

    places = {}  # the rows of each task
    for place in np.flatnonzero(fits):
        places.setdefault(tasks[place], []).append(place)
    short = [name for name, rows in places.items() if len(rows) < FEWEST_ROWS]
    if short:
        left_out.append(
            Message("csv.short_tasks", count=len(short), least=FEWEST_ROWS, names=some(map(shown, short)))
        )
    kept = {name: rows for name, rows in places.items() if len(rows) >= FEWEST_ROWS}
    if len(kept) < FEWEST_TASKS:
        enough = dict(count=len(kept), least=FEWEST_ROWS, most=FEWEST_TASKS)
        why = max(left_out, key=lambda message: message.values.get("count", 0), default="")
        raise RefusedValue(Message("csv.few_tasks", column=shown(task), why=why, **enough))

    blocks = [numbers[rows] for rows in kept.values()]
    varies = np.any([varying(block) for block in blocks], axis=0)  # (1 + d,)
    still = [shown(name) for name, moves in zip(used, varies, strict=True) if not moves]
    if not varies[0]:
        raise RefusedValue(Message("csv.flat", column=shown(label)))
    if still:
        left_out.append(Message("csv.still", count=len(still), columns=some(still)))
    if not varies[1:].any():
        raise RefusedValue(Message("csv.no_features"))
    return TableOfTasks(
        x=tuple(read_only(block[:, 1:][:, varies[1:]]) for block in blocks),
        y=tuple(read_only(block[:, 0]) for block in blocks),
        names=tuple(kept),
        task=task,
        label=label,
        features=tuple(name for name, moves in zip(features, varies[1:], strict=True) if moves),
        asked=tuple(features),
        left_out=tuple(left_out),
    )


def read_sheet(content):
    """What is in a file, as cells.

    Parameters
    ----------
    content : str or bytes

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError, ValueError
        In one sentence, if it is too large, is no text, or is no table.
    """
    if not isinstance(content, (str, bytes)):
        raise RefusedType(Message("csv.kind", value=shown(content)))
    if len(content) > BYTES:
        raise too_large(len(content))
    text = content.removeprefix("\ufeff") if isinstance(content, str) else decode(content)
    if NO_TEXT.search(text):
        raise RefusedValue(Message("csv.binary"))
    head = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(SEPARATORS, key=re.sub('"[^"]*"', "", head).count)
    records = split(text, separator)
    if not records:
        raise RefusedValue(Message("csv.empty"))
    (_, header), *records = records
    names = read_header(header)
    if not records:
        raise RefusedValue(Message("csv.no_rows"))

    ragged = [line for line, cells in records if len(cells) != len(names)]
    left_out = []
    if ragged:
        left_out.append(Message("csv.ragged", count=len(ragged), width=len(names), lines=some(ragged)))
    whole = [(line, cells) for line, cells in records if len(cells) == len(names)]
    if not whole:
        raise RefusedValue(Message("csv.all_ragged", width=len(names), count=len(records[0][1])))

    # In "3,5" a comma is a decimal sign, unless it separates the columns or some number has a point.
    rows = tuple(cells for _, cells in whole)
    cells = [cell for row in rows for cell in row]
    has_commas = separator != "," and any(map(COMMA.fullmatch, cells))
    has_points = any("." in cell and POINT.fullmatch(cell) for cell in cells)
    decimal = "," if has_commas and not has_points else "."
    numbers = np.array([number(cell, decimal) for cell in cells]).reshape(len(rows), len(names))
    if decimal == ",":
        left_out.append(Message("csv.commas"))
    return Sheet(names, rows, np.array([line for line, _ in whole]), numbers, decimal, tuple(left_out))


def too_large(size):
    """The error for a file of so many bytes."""
    return RefusedValue(Message("csv.size", size=size / 1e6, most=BYTES / 1e6))


def decode(content):
    """The letters of a file -> str"""
    if content.startswith(b"PK\x03\x04"):
        raise RefusedValue(Message("csv.workbook"))
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise RefusedValue(Message("csv.binary")) from None
        return content.decode("latin-1")


def split(text, separator):
    """The records of a text, without those that are blank -> list of (line, tuple of str)"""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    records, begin = [], 1
    try:
        for record in reader:
            cells = tuple(cell.strip() for cell in record)
            if any(cells):
                records.append((begin, cells))
            begin = reader.line_num + 1
            if len(records) > ROWS + 1:
                raise RefusedValue(Message("csv.rows", most=ROWS))
    except csv.Error:
        raise RefusedValue(Message("csv.quotes", line=begin)) from None
    return records


def read_header(cells):
    """The names of the columns; one without a name is called by its place -> tuple of str"""
    if len(cells) < 3:
        raise RefusedValue(Message("csv.columns", count=len(cells)))
    if len(cells) > COLUMNS:
        raise RefusedValue(Message("csv.many_columns", count=len(cells), most=COLUMNS))
    numbers = list(filter(POINT.fullmatch, cells))
    if len(numbers) == len(cells) or any("." in cell for cell in numbers):  # a column may be called 7
        raise RefusedValue(Message("csv.no_header", value=shown(numbers[0])))
    names = tuple(cell or f"column {place}" for place, cell in enumerate(cells, start=1))
    for name, following in pairwise(sorted(names)):
        if name == following:
            raise RefusedValue(Message("csv.same_names", name=shown(name)))
    return names


def number(cell, decimal):
    """What a cell says as a number; NaN where it says none, or one with whose square nothing can be computed -> float"""
    pattern = COMMA if decimal == "," and "," in cell else POINT
    if not pattern.fullmatch(cell):
        return np.nan
    value = float(cell.replace(",", "."))
    return value if abs(value) <= LARGEST else np.nan


def named_columns(sheet, task, label, features):
    """The columns of a call, or those that are guessed -> task, label, features"""
    if features is not None and (isinstance(features, str) or not isinstance(features, (list, tuple))):
        raise RefusedType(Message("csv.features_kind", value=shown(features)))
    for name in (*(one for one in (task, label) if one is not None), *(features or ())):
        if name not in sheet.names:
            raise RefusedValue(
                Message("csv.no_column", name=shown(name), columns=some(map(shown, sheet.names)))
            )
    task, label, features = sheet.guess(task, label, features or ())
    if label is None or not features:
        raise RefusedValue(Message("csv.no_features"))
    if len(features) > FEATURES:
        raise RefusedValue(Message("csv.many_features", count=len(features), most=FEATURES))
    for name, following in pairwise(sorted([task, label, *features])):
        if name == following:
            raise RefusedValue(Message("csv.twice", name=shown(name)))
    return task, label, features


def whole_rows(sheet, task, tasks, used, numbers):
    """The rows that have a task and all numbers.

    Parameters
    ----------
    sheet : Sheet
    task : str
    tasks : list of str
        The task of each row.
    used : list of str
        The columns of numbers.
    numbers : (R, 1 + d) array

    Returns
    -------
    fits : (R,) array of bool
    left_out : list of Message
        What was said of the file, and of the rows that do not fit: each is said once, for the first of its cells.
    """
    named = np.array([bool(name) for name in tasks])  # (R,)
    there = np.isfinite(numbers)  # (R, 1 + d)
    first = there.argmin(axis=1)  # (R,): the first cell that is no number, where there is one
    fits = named & there.all(axis=1)
    left_out = list(sheet.left_out)
    if not named.all():
        lines = sheet.lines[~named]
        left_out.append(Message("csv.no_task", count=len(lines), column=shown(task), lines=some(lines)))
    for place, name in enumerate(used):
        bad = np.flatnonzero(named & ~there.all(axis=1) & (first == place))
        cells = sheet.column(name)
        absent = [row for row in bad if cells[row].casefold() in MISSING]
        wrong = [row for row in bad if cells[row].casefold() not in MISSING]
        if absent:
            said = dict(count=len(absent), column=shown(name), lines=some(sheet.lines[absent]))
            left_out.append(Message("csv.missing", **said))
        if wrong:
            said = dict(count=len(wrong), column=shown(name), lines=some(sheet.lines[wrong]))
            left_out.append(Message("csv.no_number", cell=shown(cells[wrong[0]]), **said))
    return fits, left_out


def varying(block):
    """Which columns vary within a task.    block : (n, C)  ->  (C,) array of bool"""
    spread = np.ptp(block, axis=0)  # (C,)
    return spread > STILL * abs(block).max(axis=0)


def some(values):
    """The first few, and how many more there are -> list of str and Message"""
    values = [str(value) for value in values]
    more = [Message("csv.more", count=len(values) - NAMED)] if len(values) > NAMED else []
    return [*values[:NAMED], *more]


def read_only(array):
    """A copy that nobody can write into."""
    copy = np.array(array)
    copy.flags.writeable = False
    return copy
