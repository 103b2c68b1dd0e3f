"""Runs the engine's own side (tools/website/engine) in CPython, in place of a page's worker, and prints what came of it as JSON."""

import json
import re
import sys
import types
from pathlib import Path

ENGINE = Path(__file__).parents[2] / "tools" / "website" / "engine"


class Sent:
    """Bytes as a page hands them over."""

    def __init__(self, content):
        self.content = content

    def to_py(self):
        return memoryview(self.content)


def start():
    """-> the module, and the list of what it posts"""
    sys.path.insert(0, str(ENGINE))
    sys.modules["pyodide"] = types.ModuleType("pyodide")
    sys.modules["pyodide.ffi"] = types.ModuleType("pyodide.ffi")
    sys.modules["pyodide.ffi"].to_js = list
    posted = []
    sys.modules["page"] = types.ModuleType("page")
    sys.modules["page"].post = lambda message, buffers: posted.append((json.loads(message), buffers))
    import engine

    return engine, posted


engine, posted = start()


def opened(kind, values="{}", link="", moved="null", place="here"):
    answer = json.loads(engine.open_lab(place, kind, values, link, moved))
    return engine.OPEN[place], answer


def a_lab_opens():
    lab, answer = opened("NoiseLab")
    opens = [message["content"] for message, _ in posted if message["header"]["msg_type"] == "comm_open"]
    made = {content["comm_id"]: content["data"]["state"] for content in opens}
    chart = next(state for state in made.values() if state["_model_name"] == "AnyModel")
    return [answer["model"] in made, answer["refused"], chart["state"]["words"] == lab.words_now]


def all_that_is_named_was_sent():
    """A widget names others only after they have been sent."""
    opened("NoiseLab")
    known, missing = set(), []
    for message, _ in posted:
        content = message["content"]
        if message["header"]["msg_type"] == "comm_open":
            known.add(content["comm_id"])
        missing += set(re.findall(r"IPY_MODEL_(\w+)", json.dumps(content))) - known
    return missing


def a_control_moves():
    lab, _ = opened("NoiseLab")
    posted.clear()
    content = {
        "comm_id": lab.controls["sigma"].model_id,
        "data": {"method": "update", "state": {"value": 3.0}},
    }
    engine.receive(json.dumps({"content": content}), [Sent(b"")])
    paths = [
        change["path"] for message, _ in posted for change in message["content"]["data"]["content"]["changes"]
    ]
    return [lab.values["sigma"], ["words"] in paths]


def a_link_opens_it_so():
    lab, _ = opened("NoiseLab")
    lab.controls["sigma"].value = 2.5
    again, answer = opened("NoiseLab", link=json.loads(engine.links())["here"])
    return [again is not lab, again.values["sigma"], again.beat == lab.beat, answer["refused"]]


def a_damaged_link_is_refused():
    lab, answer = opened("NoiseLab", values='{"sigma": 2.0}', link="damaged")
    other, wrong = opened("NoiseLab", link=opened("TinyLab")[0].link())
    return [lab.values["sigma"], answer["refused"], wrong["refused"]]


def it_goes_on_where_the_drawing_stood():
    moved = {
        "beat": "meter",
        "values": {"sigma": 5.0},
        "guess": {"name": "implied_guess", "value": 2.0, "locked": True},
    }
    lab, _ = opened("NoiseLab", moved=json.dumps(moved))
    return [lab.beat, lab.values["sigma"], lab.answers["implied_guess"].guess]


def everything_stays_everything():
    lab, _ = opened("NoiseLab", moved=json.dumps({"beat": None, "values": {"layers": 2}, "guess": None}))
    return [lab.beat, lab.values["layers"]]


def one_of_two_stops_training():
    first, _ = opened("TrainingLab")
    second, _ = opened("TrainingLab")
    return [first._closed, second._closed]


CELLS = json.dumps(["import numpy as np\nimport no_such_module\nfrom lt_helpers.exercises import gradient"])
RIGHT = """def descend(Sigma, alpha, eta, steps):
    w = 0 * alpha
    for _ in range(steps):
        w = w + eta * (alpha - Sigma @ w)
    return w"""


def exercises_are_checked():
    check = "gradient.descent.check(descend)"
    attempts = [
        RIGHT,
        RIGHT.replace("alpha -", "alpha +"),
        "def descend(:",
        "x = 1\nprint(x)\n1 / 0",
        "import os\nraise SystemExit",
    ]
    return [engine.check(CELLS, attempt, check) for attempt in attempts]


def there_is_no_ipython():
    import IPython
    from IPython.display import display

    try:
        display("x")
    except RuntimeError as error:
        return [Path(IPython.__file__).is_relative_to(ENGINE), IPython.get_ipython(), str(error)]


QUESTIONS = (
    all_that_is_named_was_sent,  # first: some widgets are shared, and sent once
    a_lab_opens,
    a_control_moves,
    a_link_opens_it_so,
    a_damaged_link_is_refused,
    it_goes_on_where_the_drawing_stood,
    everything_stays_everything,
    one_of_two_stops_training,
    exercises_are_checked,
    there_is_no_ipython,
)

if __name__ == "__main__":
    print(json.dumps({question.__name__: question() for question in QUESTIONS}))
