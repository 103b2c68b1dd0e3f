"""What docs/instructor-guide.md repeats from elsewhere: plans that add up, votes, an exit ticket, misconceptions, rescues.

The words come from docs/teaching.toml (teaching.py reads it), what they leave open in braces is computed here; the minutes of notebooks
come from the series, what a check says from the catalogue. `make readme` writes it; only the answers to predictions, which the labs
themselves give (answers.py), take half a minute, and wait for `make handouts`.
"""

import importlib
import pkgutil
import re
from functools import cache

import numpy as np
from all_labs import all_labs
from build_notebooks import texts
from example import SHRINK, sequences
from minutes import BEAT
from poster import questions, signed, solutions
from series import ROOT, half_day, series
from site_labs import needs_kernel
from tables import table
from teaching import LETTERS, filled, one_of, teaching

import lt_helpers as lt
from lt_helpers import exercises, labs
from lt_helpers.evaluate import adjusted_loss
from lt_helpers.labs import NoiseLab, PointsLab, running_example
from lt_helpers.labs.material import sequence
from lt_helpers.language import catalogue

GUIDE = ROOT / "docs" / "instructor-guide.md"
SAMPLES = 20_000  # sequences behind a mean
ON_THE_SITE = ("half_day", "one_hour", "remote")  # plans that do without JupyterLab
HELP = "Read the check's sentence aloud; then the hint under the cell, and the solution."


def clock(minutes):
    """Minutes since the beginning as hours and minutes."""
    return f"{minutes // 60}:{minutes % 60:02}"


def minutes_of(clock):
    """Hours and minutes, as "1:05", in minutes."""
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def plan(name):
    """The rows of a plan, with their starts.

    Parameters
    ----------
    name : str.  "half_day", "one_hour", "remote" or "full_day".

    Returns
    -------
    list of dict
        As in the file, each with `start` and `minutes`; a notebook without minutes has those that the series states.
    """
    stated = {notebook["name"]: notebook["minutes"] for notebook in series()}
    rows, start = [], 0
    for row in teaching()[name]:
        minutes = row["minutes"] if "minutes" in row else stated[row["notebook"]]
        rows.append({**row, "start": start, "minutes": minutes})
        start += minutes
    return rows


@cache
def missing_on_the_site():
    """The beats of plans that the site leaves out, as they need a kernel -> {"PointsLab": [1, 2], ...}"""
    rows = [row for name in ON_THE_SITE for row in plan(name) if "beats" in row]
    found = {}
    for name in dict.fromkeys(row["lab"] for row in rows):
        lab = getattr(labs, name)()
        planned = {beat for row in rows if row["lab"] == name for beat in row["beats"]}
        places = [
            place
            for place, beat in enumerate(lab.BEATS, 1)
            if beat.name in planned and needs_kernel(lab, beat)
        ]
        if places:
            found[name] = places
    return found


def with_a_kernel():
    """Which beats of the plans the site leaves out, in sentences."""
    missing = missing_on_the_site()
    parts = [
        f"{'beats' if len(places) > 1 else 'beat'} {' and '.join(map(str, places))} of {name}"
        for name, places in missing.items()
    ]
    return (
        "A few beats of these plans need a kernel, and are not on the site, where no hand moves a point: "
        f"{', and '.join(parts)}. Show them from one machine with JupyterLab, and let the room predict. "
        "The site numbers the beats that it has, this guide those of the notebook."
    )


def labelled(row):
    """What a row of a plan is about: a link to its notebook, or what it says."""
    if "notebook" not in row:
        return row["what"]
    titles = {notebook["name"]: notebook["title"] for notebook in series()}
    return f"[{row['notebook'][:2]} {titles[row['notebook']]}](../notebooks/{row['notebook']}.ipynb)"


def in_the_room(row):
    """What is done in a row of a plan."""
    parts = []
    if "beats" in row:
        numbered = beat_numbers()
        beats = [numbered[f"{getattr(labs, row['lab']).NAME}_{beat}"] for beat in row["beats"]]
        in_a_row = beats == list(range(beats[0], beats[-1] + 1)) and len(beats) > 1
        numbers = f"{beats[0]} to {beats[-1]}" if in_a_row else ", ".join(map(str, beats))
        parts.append(
            f"{row['lab']}, {'beats' if len(beats) > 1 else 'beat'} {numbers} ({BEAT * len(beats)} minutes)"
        )
    if row.get("room"):
        minutes = f" ({row['acts']} minutes)" if "acts" in row else ""
        where = f"{row.get('notebook') or row['what']}, room"
        parts.append(filled(row["room"], beat_numbers(), where) + minutes)
    return "; ".join(parts)


def timetable(name):
    """A plan as a table."""
    heading = ("at", "minutes", "what", "in the room")
    return table(
        heading,
        [(clock(row["start"]), row["minutes"], labelled(row), in_the_room(row)) for row in plan(name)],
    )


def what_goes():
    """How the half day differs from the notebooks read alone, in numbers."""
    stated = {notebook["name"]: notebook["minutes"] for notebook in series()}
    alone = sum(stated[name] for name in half_day())
    rows = [row for row in plan("half_day") if "notebook" in row]
    inside = sum(row["minutes"] for row in rows)
    each = ", ".join(f"{row['notebook'][:2]} {row['minutes']} of {stated[row['notebook']]}" for row in rows)
    return (
        f"Read alone, with all their acts, these notebooks take {alone} minutes; in the room they have {inside} ({each}). "
        "What goes is the reading, which you do aloud from the pictures, and most of the code. Say so at the start: the notebooks "
        "are for afterwards."
    )


def checkpoints():
    """What to leave out when."""
    heading = ("at", "if", "then", "minutes from then on")
    rows = [
        (
            one["at"],
            one["late"],
            filled(one["go"], beat_numbers(), f"checkpoint {number}, go"),
            from_then_on(one),
        )
        for number, one in enumerate(teaching()["checkpoint"], 1)
    ]
    return table(heading, rows)


def from_then_on(checkpoint):
    """How many minutes a checkpoint leaves to the parts that it names, beside those of the plan."""
    planned = {row.get("notebook"): row for row in plan("half_day")}
    left = []
    for part in checkpoint.get("parts", ()):
        row = planned[part["notebook"]]
        is_over = row["start"] + row["minutes"] <= minutes_of(checkpoint["at"])
        beside = "more" if is_over else f"of {row['minutes']}"
        left.append(f"{part['notebook'][:2]}: {part['minutes']} {beside}")
    return ", ".join(left)


def length_of(name):
    """How long a plan is, in a sentence."""
    rows = plan(name)
    return f"From the first minute to the last it takes {clock(rows[-1]['start'] + rows[-1]['minutes'])}, pauses included."


@cache
def facts():
    """The numbers that docs/teaching.toml leaves open -> dict"""
    a, _, b = sequences()
    pulled = PointsLab.compute(sigma=1.0, kind="diag", moved=(), lifted=((0, 0.0, 12.0),), seed=11)
    beats = {sigma: NoiseLab(beat=None, seed=66, sigma=sigma).arrays for sigma in (0.0, 1.0, 4.0, 5.0, 8.0)}
    other = {sigma: NoiseLab(beat=None, seed=4, sigma=sigma).arrays for sigma in (1.0, 4.0)}
    return {
        "a_square": a.S[1, 1],
        "a_left": a.noise,
        "b_left": b.noise,
        "low": pulled.at_rest[2],
        "high": pulled.read[2],
        "beyond": beats[8.0].implied,
        "beyond_estimate": beats[8.0].estimate,
        "implied_0": beats[0.0].implied,
        "implied_5": beats[5.0].implied,
        "steps_before": listed(beats[1.0].step),
        "steps_after": listed(beats[4.0].step),
        "ls_1": from_truth(least_squares(4, 1.0), other[1.0]),
        "model_1": from_truth(other[1.0].path[-1], other[1.0]),
        "ls_4": from_truth(least_squares(66, 4.0), beats[4.0]),
        "model_4": from_truth(beats[4.0].path[-1], beats[4.0]),
        **away_from_zero(other[1.0].path[-1], other[4.0].path[-1]),
        "shallow": excess(3),
        "deep": excess(7),
        **beat_numbers(),
        **ticket(),
        **attention(),
    }


def listed(numbers):
    """Numbers with two digits, in a row; no minus before nothing."""
    return ", ".join(f"{value:.2f}" for value in np.round(numbers, 2) + 0.0)


def least_squares(seed, sigma):
    """The least-squares weights of a sequence of the noise lab -> (d,)"""
    return sequence(seed).spectrum(sigma).ridge([0.0])[0]


def from_truth(w, state):
    """How far a weight vector is from the truth."""
    return np.linalg.norm(w - state.truth)


def away_from_zero(before, after):
    """The components that grow, of a weight vector that is said to shrink -> dict with their number, in words, and their names"""
    grown = np.flatnonzero(abs(after) > abs(before)) + 1
    return {"further": ("none", "one", "two", "three")[len(grown)], "which": ", ".join(map(str, grown))}


def excess(layers, sigma=2.0):
    """Excess risk of the stored DIAG on U(0, 5) at one noise."""
    task = lt.RegressionTask(10, 20, lt.Fixed(sigma))
    model = lt.load_pretrained("diag", layers, lt.Uniform(5.0))
    return adjusted_loss(model, task, SAMPLES, np.random.default_rng(0))[0]


def attention(query=2.0):
    """What attention answers for A, with the softmax and without, where P passes on y and Q compares x -> dict"""
    y = running_example.LABELS[0]
    scores = query * running_example.X  # (4,)
    weights = np.exp(scores) / np.exp(scores).sum()
    return {"softmax": weights @ y, "linear": (scores * y).mean()}


def ticket():
    """The numbers of the exit ticket, those that it gives and its answers -> dict"""
    xx, xy, yy = 1.0, -2.0, 6.0
    slope = xy / xx
    left = yy - slope**2 * xx
    feature = np.array([1.0, -1.0, 1.0, -1.0])
    both = np.stack([running_example.X, feature], axis=1)  # (4, 2)
    noisy = running_example.LABELS[1]  # of A'
    weights, *_ = np.linalg.lstsq(both, noisy)
    unexplained = ((noisy - both @ weights) ** 2).mean()
    count, features = both.shape
    return {
        "ticket_xx": signed(xx),
        "ticket_xy": signed(xy),
        "ticket_yy": signed(yy),
        "ticket_feature": ", ".join(map(signed, feature)),
        "ticket_slope": signed(slope),
        "ticket_left": signed(left),
        "ticket_shrunk": signed((1 + SHRINK * left) * slope),
        "ticket_two": signed(round(unexplained, 9)),
        "ticket_second": signed(round(weights[1], 9)),
        "ticket_count": count,
        "ticket_free": count - features,
    }


def breaking():
    """The factor 1 + omega_yy sigma^2 of a layer with SHRINK, where sigma^2, taken for sigma, is put in, and where sigma is -> dict"""
    square = -1 / SHRINK
    return {
        "into_eight": signed(1 + SHRINK * square**2),
        "into_root": signed(1 + SHRINK * square),
    }


def votes():
    """Questions to vote on, with the right letter and why."""
    blocks = []
    for place, vote in enumerate(teaching()["vote"], 1):
        options = "  ".join(f"({letter}) {option}" for letter, option in zip(LETTERS, vote["options"]))
        letter = LETTERS[vote["options"].index(vote["right"])]
        why = filled(vote["why"], facts(), f"vote {place}, why")
        blocks.append(f"{place}. {vote['question']}  \n   {options}  \n   **{letter}.** {why}")
    return "\n".join(blocks)


def tickets():
    """The exit ticket, with its answers."""
    tasks = []
    for place, task in enumerate(teaching()["ticket"], 1):
        question, answer = (
            filled(task[key], facts(), f"ticket {place}, {key}") for key in ("question", "answer")
        )
        tasks.append(f"{place}. {question}  \n   *{answer}*")
    return "\n".join(tasks)


def worksheet():
    """What stands in the boxes of the worksheet."""
    rows = [
        (place, task, *answer)
        for place, ((task, _), answer) in enumerate(zip(questions(), solutions(), strict=True), 1)
    ]
    ridge = ", ".join(f"{signed(one.ridge)} for {one.name}" for one in sequences())
    told = ", ".join(
        f"{signed(sigma)} for {name}" for name, sigma in zip(running_example.NAMES, running_example.SIGMA)
    )
    beside = f"Ridge regression that is told the noise (σ = {told}) has the slopes {ridge}: compare them with task 6, and with task 7."
    return f"{table(('', 'task', *running_example.NAMES), rows)}\n\n{beside}"


def misconceptions():
    """What one hears, and what to say."""
    rows = [
        (f"“{one['hears']}”", filled(one["say"], facts(), f"misconception {number}, say"))
        for number, one in enumerate(teaching()["misconception"], 1)
    ]
    return table(("One hears", "Say"), rows)


def all_exercises():
    """All exercises of the notebooks, by name -> {"start.excess_risk": Exercise}"""
    modules = [
        importlib.import_module(f"{exercises.__name__}.{one.name}")
        for one in pkgutil.iter_modules(exercises.__path__)
    ]
    found = [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, exercises.Exercise)
    ]
    return {one.name: one for one in found if one.name}


def notebook_of(exercise):
    """The notebook in which an exercise stands, by its name -> two digits"""
    module = exercise.split(".")[0]
    asking = re.compile(rf"(?m)^from lt_helpers\.exercises import .*\b{module}\b")
    return next(text.stem[:2] for text in texts() if asking.search(text.read_text(encoding="utf-8")))


def rescues():
    """For each exercise its likely wrong answer, as the check names it, and a way out of two minutes."""
    helps, rows = checked_rescues(), []
    for name, exercise in all_exercises().items():
        given = helps.get(name, {})
        mistake = given.get("mistake", next(iter(exercise.mistakes)))
        said = catalogue("en").entries[f"exercises.{name}.{mistake}"].replace("{{", "{").replace("}}", "}")
        way_out = filled(given.get("help", HELP), breaking(), f"the rescue of {name}, help")
        rows.append((notebook_of(name), name.split(".")[1].replace("_", " "), said, way_out))
    return table(
        ("", "exercise", "likely: the check says", "two minutes"), sorted(rows, key=lambda row: row[0])
    )


def checked_rescues():
    """The rescues, by the names of their exercises -> dict; each exercise is there, and has the mistake."""
    there = all_exercises()
    for number, one in enumerate(teaching()["rescue"], 1):
        one_of(one["exercise"], there, f"rescue {number}, exercise")
        one_of(one["mistake"], there[one["exercise"]].mistakes, f"rescue {number}, mistake")
    return {one["exercise"]: one for one in teaching()["rescue"]}


def beat_numbers():
    """Where each beat stands in its lab -> {"noise_meter": 1, ...}"""
    return {
        f"{kind.NAME}_{beat.name}": place
        for kind in all_labs().values()
        for place, beat in enumerate(kind.BEATS, 1)
    }


def say():
    """What to say in each notebook."""
    titles = {notebook["name"]: notebook["title"] for notebook in series()}
    parts = []
    for one in teaching()["say"]:
        where = f"what to say in {one['notebook']}, points"
        points = "\n".join(f"- {filled(point, facts(), where)}" for point in one["points"])
        parts.append(f"### {one['notebook'][:2]} {titles[one['notebook']]}\n{points}")
    return "\n\n".join(parts)


BLOCKS = {
    "kernel": with_a_kernel,
    "half-day": lambda: timetable("half_day"),
    "what-goes": what_goes,
    "checkpoints": checkpoints,
    "one-hour": lambda: timetable("one_hour"),
    "remote": lambda: timetable("remote"),
    "full-day": lambda: timetable("full_day"),
    "full-day-length": lambda: length_of("full_day"),
    "say": say,
    "votes": votes,
    "ticket": tickets,
    "worksheet": worksheet,
    "misconceptions": misconceptions,
    "rescues": rescues,
}


def blocks():
    """All that the guide repeats, but for the answers to predictions -> {name: text}"""
    return {name: block() for name, block in BLOCKS.items()}
