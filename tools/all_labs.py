"""The labs that the package offers, and notebooks that open one."""

import ast
import re

import nbformat

from lt_helpers import labs
from lt_helpers.labs.live import LiveLab

HOW_TO_RUN = (  # the first thing that a notebook asks for; a page without a kernel does not
    "Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell."
)
FINGERPRINT = "lt_fingerprint"  # in the metadata of an output: of which drawing a stored picture is
LIVE = "Live once its cell has run: Shift+Enter."  # what an executed notebook shows in place of a widget


def all_labs():
    """-> {"noise-lab": NoiseLab, ...}"""
    names = [name for name in labs.__all__ if name.endswith("Lab") and name != "Lab"]
    return {re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower(): getattr(labs, name) for name in names}


def placed(stem, sources):
    """The labs that the cells of a notebook show, with the names of their places on its page.

    One that trains is nothing that can be computed beforehand: it has a name of its own, and the others are counted without it.

    Parameters
    ----------
    stem : str.  The notebook's name.
    sources : list of str.  Of its cells; empty for those that are no code.

    Returns
    -------
    dict
        {index of the cell: (name, class, values)}
    """
    found, counts = {}, {True: 0, False: 0}
    for index, source in enumerate(sources):
        lab = lab_of(source)
        if lab is None:
            continue
        trains = issubclass(lab[0], LiveLab)
        counts[trains] += 1
        name = f"{stem}-live" if trains else f"{stem}-{counts[False]}"
        if counts[True] > 1 and trains:
            name += f"-{counts[True]}"
        found[index] = (name, *lab)
    return found


def lab_of(source):
    """The lab that a cell shows, as a call can be repeated.

    Returns
    -------
    (class, dict) or None
        The lab and the literal values of its call; None where the cell shows no lab, or one whose values are computed.
    """
    kind, call = lab_call(source) or (None, None)
    if kind is None or call.args:
        return None
    try:
        return kind, {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    except ValueError:
        return None


def lab_call(source):
    """The call of the lab that a cell shows: it is the cell's last line, or has made what the last line names.

    Returns
    -------
    (class, ast.Call) or None
    """
    try:
        body = ast.parse(re.sub(r"(?m)^(\s*)%.*", r"\1pass", source)).body  # a magic is no Python
    except SyntaxError:
        return None
    if not body or not isinstance(body[-1], ast.Expr):
        return None
    call = body[-1].value
    if isinstance(call, ast.Name):
        made = [one.value for one in body[:-1] if isinstance(one, ast.Assign) and call.id in names_of(one)]
        call = made[-1] if made else None
    kind = getattr(labs, getattr(getattr(call, "func", None), "id", ""), None)
    is_lab = isinstance(kind, type) and issubclass(kind, labs.Lab)
    return (kind, call) if is_lab else None


def names_of(assignment):
    """The names that an assignment gives."""
    return [target.id for target in assignment.targets if isinstance(target, ast.Name)]


def write_notebook(path, cells):
    """An unexecuted notebook of code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, path)
