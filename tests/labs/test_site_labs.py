"""The labs of the site: what is packed for a page is what the lab shows."""

import base64
import itertools

import numpy as np
import pytest
import site_labs
from all_labs import all_labs
from site_labs import (
    NOTHING,
    STEPS,
    first_two,
    guesses_of,
    options_of,
    pack,
    part,
    shortened,
    site_beat,
    site_lab,
    start_among,
    thinned,
)

from lt_helpers import labs
from lt_helpers.view.chart import encode_figure


def unpacked(packed, point):
    """A frame, put together as the page does it."""
    frame = packed["shared"]
    for varying in packed["varying"]:
        *parents, last = varying["path"]
        place = frame
        for key in parents:
            place = place[key]
        place[last] = packed["pool"][varying["frames"][point]]
    return frame


def test_a_packed_frame_is_what_the_lab_shows(lab):
    points = list(itertools.product(("sine", "square"), (0.5, 2.0), (1, 3)))
    shown = [lab.at(shape=shape, frequency=frequency, cycles=cycles) for shape, frequency, cycles in points]
    packed = pack([{"words": words, **encode_figure(figure)} for figure, words in shown])
    for index, (figure, words) in enumerate(shown):
        frame = unpacked(packed, index)
        assert frame["words"] == words
        assert frame["layout"] == encode_figure(figure)["layout"]
        array = frame["data"][0]["y"]
        numbers = np.frombuffer(base64.b64decode(array["bdata"]), {"f2": "<f2", "f4": "<f4"}[array["dtype"]])
        np.testing.assert_allclose(numbers, figure["data"][0]["y"], rtol=1e-3, atol=1e-12)


def test_what_is_the_same_everywhere_stands_once(lab):
    frames = [encode_figure(lab.at(frequency=frequency)[0]) for frequency in (0.5, 1.0, 0.5)]
    packed = pack(frames)
    assert [varying["path"] for varying in packed["varying"]] == [["data", 0, "y"]]
    assert packed["varying"][0]["frames"] == [0, 1, 0] and len(packed["pool"]) == 2


def test_an_arrow_that_comes_makes_no_other_trace_stand_twice():
    """At sigma = 8 the mean of seven layers lies beyond its axis; at 7 it does not."""
    lab = labs.ProfileLab(layers=7, sigma=7.0)
    sigmas = [("7", 7.0), ("8", 8.0)]
    packed = part(lab, {"sigma": sigmas})
    assert {tuple(varying["path"][:1]) for varying in packed["varying"]} <= {
        ("data",),
        ("layout",),
        ("words",),
    }
    assert not any(varying["path"] == ["data"] for varying in packed["varying"])
    figures = [lab.at(sigma=sigma)[0] for _, sigma in sigmas]
    panels = len(figures[0]["layout"]["annotations"])
    arrows = [sum(np.isfinite(trace["y"]).sum() for trace in figure["data"][-panels:]) for figure in figures]
    assert arrows[0] < arrows[1]


def test_a_mark_that_is_not_there_everywhere_makes_no_other_trace_stand_twice():
    """A step of 1.5 overshoots, which the gradient lab marks; one of 1 does not."""
    lab = labs.GradientLab(beat=None, step=1.0)
    steps = [("1", 1.0), ("1.5", 1.5)]
    lengths = [len(lab.at(step=step)[0]["data"]) for _, step in steps]
    assert lengths[0] < lengths[1]
    packed = part(lab, {"step": steps})
    assert not any(varying["path"] == ["data"] for varying in packed["varying"])
    quiet = unpacked(packed, 0)["data"]
    assert len(quiet) == lengths[1] and quiet[-1] == NOTHING


def test_what_is_told_of_a_hand_goes_on_with_the_hand():
    """The first beat of the gradient lab has no single answer: each step size that ends on the ring is told as it is."""
    lab = labs.GradientLab()
    beat = lab.BEATS[0]
    packed = site_beat(lab, beat)
    lab.go_to(beat.name)
    start = packed["controls"][0]["start"]
    assert isinstance(packed["told"], list) and not packed["reached"][start] and packed["told"][start] is None
    there = [place for place, reached in enumerate(packed["reached"]) if reached]
    for place in (there[0], there[-1]):
        lab.go_to(beat.name)
        lab.controls[beat.control].value = float(packed["controls"][0]["shown"][place])
        assert packed["told"][place] == lab.names.say(lab.story().found)
    assert packed["told"][there[0]] != packed["told"][there[-1]]


def test_a_lab_opens_at_the_beat_at_which_its_notebook_opens_it(monkeypatch):
    monkeypatch.setitem(STEPS, "RidgeLab", dict(sigma=2, context=2))
    names = [beat.name for beat in labs.RidgeLab.BEATS]
    for opened in (names[1], names[0], None):
        packed = site_lab(labs.RidgeLab(beat=None), opened)
        assert len(packed["beats"]) == len(names)
        assert packed["start"] == (None if opened is None else names.index(opened))
        if opened is not None:
            shown = packed["beats"][packed["start"]]
            lab = labs.RidgeLab(beat=opened)
            assert shown["task"] == lab.names.say(lab.story().task)


def test_a_beat_that_needs_a_kernel_gives_its_place_to_the_next_one():
    beats = {"first": {"task": ""}, "drag": None, "last": {"task": ""}}
    assert [start_among(beats, name) for name in ("first", "drag", "last", None)] == [0, 1, 1, None]
    assert start_among({"first": {"task": ""}, "drag": None}, "drag") is None
    assert start_among({}, "first") is None


def walks():
    """All beats that a slider or a list ends -> list of (lab, name of the beat); a run in training has no grid"""
    kinds = [kind for kind in all_labs().values() if kind is not labs.TrainingLab]
    return [(kind, beat.name) for kind in kinds for beat in kind.BEATS if beat.control is not None]


@pytest.mark.parametrize("kind, name", walks(), ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.leads
def test_a_beat_of_the_site_is_what_a_learner_goes_through(kind, name, monkeypatch):
    """A learner locks the last prediction that is offered, and goes to the first point of the site's grid where the beat is done."""
    beat = next(beat for beat in kind.BEATS if beat.name == name)
    monkeypatch.setattr(
        site_labs, "LARGE", 2 if beat.when is None else site_labs.LARGE
    )  # where it begins, and its end
    monkeypatch.setattr(site_labs, "SMALL", 2)
    packed, lab = site_beat(kind(), beat), kind()
    lab.go_to(name)
    assert packed["task"] == lab.names.say(lab.story().task)

    moved = [name for name in (beat.control, *beat.others) if len(options_of(lab, name)) > 1]
    grids = [grid["shown"] for grid in packed["controls"]]
    points = list(itertools.product(*(range(len(grid)) for grid in grids)))
    start = points.index(tuple(grid["start"] for grid in packed["controls"]))
    assert_alike(unpacked(packed, start), lab)
    done = packed["reached"].index(True)
    assert not packed["reached"][start]

    if beat.ask is not None:
        shown, value = guesses_of(lab, beat.ask)[-1]
        assert packed["ask"]["shown"][-1] == shown
        assert packed["ask"].get("numbers", [value])[-1] == value
        lab.controls[beat.ask].value = value
        lab.lock()
        assert packed["go"] == lab.names.say(lab.story().task)
    for control, shown, place in zip(moved, grids, points[done], strict=True):
        lab.controls[control].value = dict(options_of(lab, control))[shown[place]]
    assert lab.story().phase == "told"
    assert_alike(unpacked(packed, done), lab)
    told = packed["told"] if beat.ask is None else packed["ask"]["said"][-1]
    assert (told[done] if isinstance(told, list) else told) == lab.names.say(lab.story().found)


def assert_alike(frame, lab):
    """A frame of the site has the words, the axes and the curves of the lab; its page draws stars, and gaps to what is true, by itself."""
    assert frame["words"] == lab.words_now
    figure = encode_figure(lab.drawing)
    assert frame["layout"]["xaxis"] == figure["layout"]["xaxis"]
    assert frame["layout"]["height"] == figure["layout"]["height"]
    curves = [
        {trace["name"]: heights(trace) for trace in data if trace.get("name") and trace["name"] not in OWN}
        for data in (frame["data"], figure["data"])
    ]
    assert curves[0].keys() == curves[1].keys()
    for name, wanted in curves[1].items():
        np.testing.assert_allclose(curves[0][name], wanted, rtol=2e-3, atol=1e-4, err_msg=name)


OWN = ("prediction", "you", "gap")


def heights(trace):
    """The y of a trace as it is packed, NaN where there is a gap -> array"""
    if not isinstance(trace["y"], dict):
        return np.array(trace["y"], float)
    precision = {"f2": "<f2", "f4": "<f4"}[trace["y"]["dtype"]]
    return np.frombuffer(base64.b64decode(trace["y"]["bdata"]), precision).astype(float)


def test_looking_at_another_state_moves_nothing(lab):
    before, drawing = lab.values, lab.drawing
    seen, words = lab.at(frequency=3.0)
    assert lab.values == before and lab.drawing is drawing
    assert (
        encode_figure(seen) == encode_figure(type(lab)(frequency=3.0).drawing)
        and words == "3 waves a second."
    )


def test_what_half_precision_cannot_hold_stays_as_it_is():
    for numbers in ([1e-7, 1.0], [1e6, 1.0]):
        array = {"dtype": "f4", "bdata": base64.b64encode(np.array(numbers, "f4")).decode()}
        assert shortened(array) == array
    assert (
        shortened({"dtype": "f4", "bdata": base64.b64encode(np.array([0.25, np.nan], "f4")).decode()})[
            "dtype"
        ]
        == "f2"
    )


def test_a_thinned_slider_keeps_its_end_and_where_it_stands():
    options = [(str(value), value) for value in range(31)]
    assert [value for _, value in thinned(options, 4, 7)] == [0, 7, 10, 20, 30]
    assert thinned(options, 40, 0) == options


def test_a_lab_that_is_not_declared_slides_by_its_first_two_sliders(lab):
    assert first_two(lab) == ["frequency", "cycles"]


def test_what_is_declared_is_there():
    for name, steps in STEPS.items():
        assert len(steps) in (2, 3) and steps.keys() <= getattr(labs, name).CONTROLS.keys()
