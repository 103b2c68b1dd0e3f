"""The package's side of a page with live labs: it runs in the worker (worker.js), and the page (engine.js) is its front end.

A lab here is the lab of a notebook, a tree of widgets. What a widget sends goes to the page as the messages that Jupyter has for it, and
what the page sends comes to `receive`.
"""

import ast
import io
import json
from contextlib import redirect_stdout, suppress

import channel  # before the labs: they bring widgets that they share

# isort: split
from lt_helpers import labs
from lt_helpers.labs.live import LiveLab
from lt_helpers.view import chart

# The page has plotly.js already, of the same release, and draws with that (engine.js).
chart.library = chart.functools.cache(chart.Library)

OPEN = {}  # the labs of this page, by the names of their places


def receive(message, buffers):
    """A message of a widget's other end."""
    message = {**json.loads(message), "buffers": [memoryview(buffer.to_py()) for buffer in buffers]}
    channel.hand_over(message)


def open_lab(place, kind, values, link, moved):
    """Open a lab, in place of the one that was open there.

    Parameters
    ----------
    place : str.  The name of its place.
    kind : str.  Its class.
    values : str.  JSON: what the notebook's call gives it.
    link : str.  Its state in the letters of a link; empty: as the notebook opens it.
    moved : str.  JSON: what was done with the drawing without an engine (lab.js, ltState); null: nothing.

    Returns
    -------
    str : JSON, {"model": the name of its widget, "refused": what is wrong with the link, in a sentence, or ""}
    """
    kind, refused, lab = getattr(labs, kind), "", None
    if link:
        try:
            lab = kind.from_state(link)
        except (TypeError, ValueError) as error:
            refused = str(error)
    if lab is None:
        lab = kind(**json.loads(values))
        catch_up(lab, json.loads(moved))
    before, OPEN[place] = OPEN.get(place), lab
    if isinstance(before, LiveLab):
        before.close()
    return json.dumps({"model": lab.widget.model_id, "refused": refused})


def catch_up(lab, moved):
    """Do what was done before the lab was there: first the prediction, and then the move that may answer it."""
    if moved is None:
        return
    lab.go_to(moved["beat"])
    guess = moved["guess"]
    if guess is not None:
        put(lab, guess["name"], guess["value"])
        if guess["locked"]:
            lab.lock()
    for name, value in moved["values"].items():
        put(lab, name, value)


def put(lab, name, value):
    """Bring a control to a value that JSON holds."""
    control = lab.CONTROLS[name]
    value, _ = control.from_json(value)
    lab.controls[name].value = control.write(control.check(name, value, lab.values))


def links():
    """The states of all labs of the page, as the letters of a link -> JSON, {place: letters}"""
    return json.dumps({place: lab.link() for place, lab in OPEN.items()})


def check(cells, attempt, verdict):
    """Run the cells that an exercise needs, what the learner has written, and the cell that checks it.

    Parameters
    ----------
    cells : str.  A JSON list of the sources of cells.
    attempt, verdict : str.  Sources.

    Returns
    -------
    str : what is printed from the attempt on; where the attempt stops, what Python says.
    """
    names = {"__name__": "__main__"}
    for source in json.loads(cells):
        prepare(source, names)
    with redirect_stdout(io.StringIO()) as page:
        try:
            exec(compile(attempt, "<your code>", "exec"), names)
            exec(compile(verdict, "<check>", "exec"), names)
        except (Exception, SystemExit) as error:  # the learner's own: it is shown, as a notebook shows it
            return page.getvalue() + said_by_python(error)
    return page.getvalue()


def prepare(source, names):
    """Run a cell but for the modules that it imports and that a page does not have: no exercise needs them."""
    for statement in ast.parse(source).body:
        with redirect_stdout(io.StringIO()), suppress(ModuleNotFoundError):
            exec(compile(ast.Module([statement], []), "<cell>", "exec"), names)


def said_by_python(error):
    """An error as Python says it, with the line of the attempt in which it arose."""
    lines = [error.lineno] if isinstance(error, SyntaxError) else []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<your code>":
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    said = f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"
    return f"Line {lines[-1]}. {said}" if lines else said
