"""The labs of the site: what a lab shows at every point of a grid of its controls, computed beforehand and packed into one script.

What is the same at all points stands once. What differs stands in a pool, each value once, and a point is a list of places in the pool.
site/lab.js unpacks it and draws it with the charts' own draw.js.
"""

import base64
import gzip
import itertools
import json
import re
from functools import cache

import numpy as np

from lt_helpers.labs import Choice, Opinion, Prediction, Slider, Toggle
from lt_helpers.labs.beats import Answer
from lt_helpers.labs.story import tell_story
from lt_helpers.language import Message, read_entries
from lt_helpers.view.chart import encode_figure

# The controls of a lab that slide on the site, and in how many steps at most. The others stand where the notebook opens the lab.
STEPS = {
    "AttentionLab": dict(n=11, d=7, sharpness=3),
    "GradientLab": dict(step=26, sigma=6, layers=4),
    "ImplicitLab": dict(layers=8, sigma=11, model=3),
    "NoiseLab": dict(sigma=21, layers=12),
    "PointsLab": dict(sigma=51, kind=2),
    "PreconditioningLab": dict(kappa=9, gamma=13, layers=6),
    "RescalingLab": dict(sigma=31, s1=5, s2=5),
    "RidgeLab": dict(sigma=11, context=3, strength=17),
    "TinyLab": dict(step=31, example=3),
}
NOTHING = {"type": "scatter", "x": [], "y": []}  # a trace of which nothing is seen
BUTTONS = ("back", "next", "everything", "lead", "lock")  # of a lab on the site
OTHERS = 15  # the steps of a lab that is not named here, for two controls
LARGE, SMALL = 41, 5  # the steps of a beat's large control, and of the others beside it


def site_lab(lab, opened):
    """What the script of a lab holds: its beats, the place at which it opens, what it shows without them, and the words of its buttons.

    Parameters
    ----------
    lab : Lab, open at no beat.
    opened : str or None.  The beat at which the notebook opens it, None: at none.

    Returns
    -------
    dict
    """
    beats = {}
    if not lab.state()["panels"]:  # a lab that shows chosen panels does not lead
        beats = {beat.name: site_beat(lab, beat) for beat in lab.BEATS}
        lab.reset()
        lab.go_to(None)
    start = start_among(beats, opened)
    beats = [packed for packed in beats.values() if packed]
    names = {name: lab.names.find("button", name) for name in BUTTONS}
    phases = {phase: lab.names.say(Message(f"story.{phase}")) for phase in ("ask", "do", "told")}
    everything = part(lab, grid(lab))
    return {"beats": beats, "start": start, "everything": everything, "names": names | phases}


def start_among(beats, opened):
    """The place, among the beats that are there, of the one at which a lab opens, or of the next; None where it shows everything.

    Parameters
    ----------
    beats : dict.  All beats by name, in order; nothing for those that need a kernel.
    opened : str or None.

    Returns
    -------
    int or None
    """
    if opened is None or not beats:
        return None
    names = list(beats)
    before = [name for name in names[: names.index(opened)] if beats[name]]
    return len(before) if len(before) < sum(map(bool, beats.values())) else None


def part(lab, axes):
    """What a lab shows at all points of a grid of its controls, as it is: {"controls": [...], and what `pack` makes of the figures}."""
    frames = []
    for point in itertools.product(*axes.values()):
        figure, words = lab.at(**{name: value for name, (_, value) in zip(axes, point)})
        frames.append({"words": words, "error": "", **encode_figure(figure)})

    # Some marks are not there everywhere: with as many traces in each figure, figures differ in the traces alone that differ.
    most = max(len(frame["data"]) for frame in frames)
    for frame in frames:
        frame["data"] += [NOTHING] * (most - len(frame["data"]))
    controls = [
        {
            "name": name,
            "label": lab.controls[name].description,
            "shown": [shown for shown, _ in options],
            "values": [lab.CONTROLS[name].to_json(value) for _, value in options],
            "start": [value for _, value in options].index(lab.values[name]),
        }
        for name, options in axes.items()
    ]
    return {"controls": controls, **pack(frames)}


def site_beat(lab, beat):
    """A beat -> what `part` says of it, its task, where it is done, and what is told for each prediction; None where it needs a kernel."""
    axes, points, reached = along(lab, beat)
    if not any(reached):
        return None

    start, kind, say = lab.values, type(lab), lab.names.say
    first = points[reached.index(True)]
    found = lab.state_at({**first, **beat.at})
    answer = beat.ask and beat.answer(found, lab._begun)

    def told(guess):
        answers = {beat.ask: Answer(beat.name, guess, answer)}
        return say(tell_story(kind, beat, first, found, lab._begun, {beat.ask}, answers).found)

    ask = None
    if beat.ask is not None:
        shown, values = zip(*guesses_of(lab, beat.ask))
        said = [told(value) for value in values]
        ask = {
            "name": beat.ask,
            "label": lab.names.control(beat.ask, lab.CONTROLS[beat.ask]),
            "shown": shown,
            "values": values,
            "said": said,
        }
        if isinstance(lab.CONTROLS[beat.ask], Prediction):
            ask["numbers"] = values
    return {
        **part(lab, axes),
        "name": beat.name,
        "task": say(tell_story(kind, beat, start, False, lab._begun, set(), {}).task),
        "go": say(tell_story(kind, beat, start, False, lab._begun, {beat.ask}, {}).task),
        "ask": ask,
        "reached": reached,
        "told": told_along(lab, beat, points, reached) or told(None),
    }


def along(lab, beat):
    """Go to a beat -> its controls that slide (as in `grid`), the points of their grid, and at which of these the beat is done."""
    lab.go_to(beat.name)
    start = lab.values
    axes = {}
    for name, most in ((beat.control, LARGE), *((name, SMALL) for name in beat.others)):
        options = [] if name is None else options_of(lab, name)
        if len(options) > 1:
            axes[name] = thinned(options, most, start[name], beat.at.get(name))
    points = [
        {**start, **{name: value for name, (_, value) in zip(axes, point)}}
        for point in itertools.product(*axes.values())
    ]
    return axes, points, [beat.is_reached(point, lab.state_at(point), start) for point in points]


def needs_kernel(lab, beat):
    """Whether no slider ends a beat, so that a page without a kernel leaves it out."""
    _, _, reached = along(lab, beat)
    return not any(reached)


def told_along(lab, beat, points, reached):
    """What is told at each point of the grid, where that goes on with the hand -> list of str; None where it is told once and for all"""
    if not beat.goes_on:
        return None
    kind, say = type(lab), lab.names.say
    states = [lab.state_at(point) if there else None for point, there in zip(points, reached)]
    return [
        state and say(tell_story(kind, beat, point, state, lab._begun, set(), {}).found)
        for point, state in zip(points, states)
    ]


def names_here(lab):
    """What a reader of the site finds at a lab by its name: controls, the values of lists, and buttons -> set of str"""
    led = [{beat.control, beat.ask, *beat.others} for beat in lab.BEATS if beat.control is not None]
    shown = set(grid(lab)).union(*led) - {None}
    controls = {name: lab.controls[name] for name in shown}
    values = {str(shown) for one in controls.values() for shown, _ in getattr(one, "options", ())}
    buttons = {lab.names.find("button", name) for name in BUTTONS}
    return {one.description for one in controls.values()} | values | buttons


def names_live(lab):
    """What a reader finds at the same lab once it is live: controls, values of lists and buttons, with all beats -> set of str"""
    names = set()
    for beat in (*(beat.name for beat in lab.BEATS), None):
        lab.go_to(beat)
        shown = [lab.widget]
        while shown:
            one = shown.pop()
            shown += getattr(one, "children", ())
            names |= {one.description} if hasattr(one, "description") else set()
            names |= {str(option) for option, _ in getattr(one, "options", ())}
    return names


@cache
def names_anywhere():
    """The names of all controls, values of lists and buttons of all labs -> set of str"""
    named = re.compile(r"(\w+\.)?(control|choice|button)\.(?!\w+_tip$)\w+")
    return {
        text for id, text in read_entries("en").items() if named.fullmatch(id) and isinstance(text, str)
    } - {""}


def guesses_of(lab, name):
    """What can be predicted -> list of (what is shown, value)"""
    options = list(lab.controls[name].options)
    return options if isinstance(lab.CONTROLS[name], Opinion) else options[1:]  # the first one is "not set"


def grid(lab):
    """The controls that slide -> {name: [(what is shown, value), ...]}, with the value at which the lab is open among them."""
    steps = STEPS.get(type(lab).__name__) or dict.fromkeys(first_two(lab), OTHERS)
    return {name: thinned(options_of(lab, name), most, lab.values[name]) for name, most in steps.items()}


def first_two(lab):
    """The first two controls that can slide by themselves: sliders before lists, and no choice whose values depend on the other control."""
    able = [name for name in lab.CONTROLS if len(options_of(lab, name)) > 1]
    able.sort(key=lambda name: not getattr(lab.CONTROLS[name], "slide", True))
    first = able[0]
    return [
        first,
        *[name for name in able[1:] if first not in getattr(lab.CONTROLS[name], "depends", list)()][:1],
    ]


def options_of(lab, name):
    """All values of a slider or a choice, each with what is shown for it; nothing for other controls."""
    control, widget = lab.CONTROLS[name], lab.controls[name]
    if isinstance(control, Opinion):
        return []
    if isinstance(control, Choice):
        return list(widget.options)
    if isinstance(control, Toggle):
        return [("○", False), ("●", True)]
    if not isinstance(control, Slider):
        return []
    count = round((control.high - control.low) / control.step) + 1
    values = [round(control.low + index * control.step, 9) for index in range(count)]
    return [(format(value, widget.readout_format), control.check(name, value, {})) for value in values]


def thinned(options, most, *wanted):
    """At most `most` of the options, evenly, with the last one and those that are wanted among them."""
    stride = -(-(len(options) - 1) // max(most - 1, 1)) or 1
    kept = options[::-stride][::-1]
    return [option for option in options if option in kept or option[1] in wanted]


def pack(frames):
    """Figures of the same kind as one: {"shared": what they have in common, "varying": [{"path", "frames"}], "pool": [...]}."""
    pool, varying = {}, []

    def merged(values, path):
        first = values[0]
        if all(one == first for one in values):
            return first
        if (
            isinstance(first, dict)
            and "bdata" not in first
            and all(isinstance(one, dict) and one.keys() == first.keys() for one in values)
        ):
            return {key: merged([one[key] for one in values], [*path, key]) for key in first}
        if isinstance(first, list) and all(
            isinstance(one, list) and len(one) == len(first) for one in values
        ):
            return [merged([one[index] for one in values], [*path, index]) for index in range(len(first))]
        varying.append(
            {
                "path": path,
                "frames": [pool.setdefault(json.dumps(shortened(one)), len(pool)) for one in values],
            }
        )
        return None

    return {"shared": merged(frames, []), "varying": varying, "pool": [json.loads(text) for text in pool]}


def shortened(value):
    """Numbers with as many digits as a screen shows: arrays as float16 where that is close enough, else as they are."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, list):
        return [shortened(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "bdata" not in value:
        return {key: shortened(item) for key, item in value.items()}
    exact = np.frombuffer(base64.b64decode(value["bdata"]), "<f4")
    with np.errstate(over="ignore"):
        half = exact.astype("<f2")
    small = 1e-4 if "shape" in value else 0  # next to nothing in a heat map, but not on a logarithmic axis
    if np.allclose(half.astype("f4"), exact, rtol=1e-3, atol=small, equal_nan=True):
        return {**value, "dtype": "f2", "bdata": base64.b64encode(half).decode()}
    return value


def script(name, content):
    """A plain script that hands `content` to the page: a page that is opened as a file can fetch nothing."""
    packed = gzip.compress(json.dumps(content, separators=(",", ":")).encode(), mtime=0)
    return f'ltLab("{name}", "{base64.b64encode(packed).decode()}");\n'
