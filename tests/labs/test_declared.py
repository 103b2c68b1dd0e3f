"""What each lab declares, written a second time by hand: where its controls go and stand, what each beat shows and lets one move.

Sliders have their table in test_all_labs.py. A lab without an entry here fails: write it from what the notebook says of the lab. (The
entries of the labs of 14 and 15 were printed from them, and then read beside the notebooks.)
"""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from all_labs import all_labs

from lt_helpers.labs import Choice, Opinion, Prediction, Seed, Slider, Toggle
from lt_helpers.labs.controls import Spots
from lt_helpers.view.panel import Band, Guess, Guide, Heat, Ring

NOISES = [*(f"uniform-{top}" for top in range(1, 8)), "fixed-0", "categorical-1-3", "categorical-1-3-5"]
BY_RANGE = ["fixed-0", *(noise for noise in NOISES if noise != "fixed-0")]
KINDS = ["diag", "full", "gd++"]
SEVEN = list(range(1, 8))
TABLE_DEPTHS = [*range(1, 9), 10, 12]

# A choice: its values, and which of them it opens with.    An opinion: its options, in their order.    A prediction: its ends, and a step.
# A seed, a toggle: its value.    Points to drag: the corners of their place, a step, and how many there are.
CONTROLS = {
    "algorithm": {
        "noise": (NOISES, "categorical-1-3-5"),
        "layers": (SEVEN[1:], 4),
        "guess": (0.05, 10, 0.05),
        "layer_guess": [2, 3, 4],
        "where_guess": ["quiet", "loud", "nowhere"],
        "seed": 1,
    },
    "attention": {
        "attention": (["softmax", "linear"], "softmax"),
        "cost": (["counted", "measured"], "counted"),
        "map_guess": [1, 2, 4],
        "state_guess": [1, 2, 4],
        "guess": (2, 64, 1),
        "alone_guess": ["softmax", "linear", "both"],
        "seed": 3,
    },
    "gradient": {
        "layers": (TABLE_DEPTHS, 4),
        "trained": True,
        "truth": ((-3, -3), (3, 3), 0.1, 1),
        "guess": (0.05, 2.5, 0.05),
        "moves_guess": ["weights", "bowl", "nothing"],
        "layer_guess": [1, 4, 7],
        "walker_guess": ["built", "trained", "alike"],
        "seed": 6,
    },
    "implicit": {
        "model": ([*KINDS, "random"], "diag"),
        "heads": ([1, 2], 1),
        "layers": (SEVEN, 4),
        "guess": (0, 6, 0.25),
        "way_guess": ["always", "sometimes"],
        "line_guess": ["on line", "off line"],
        "label_guess": ["moves", "rests"],
        "seed": 1,
    },
    "noise": {
        "kind": (KINDS, "diag"),
        "noise": (NOISES, "uniform-5"),
        "layers": (TABLE_DEPTHS, 4),
        "kept_guess": (0, 1, 0.05),
        "implied_guess": (0, 6, 0.25),
        "gd_guess": ["rises", "stays", "falls"],
        "direction_guess": ["weakest", "strongest"],
        "layer_guess": [1, 2, 3, 4],
        "beyond_guess": ["five", "between", "eight"],
        "seed": 4,
    },
    "pilot": {
        "mismatch": (
            ["correlated", "outlying", "heavy-tailed", "outliers", "uneven", "curved"],
            "correlated",
        ),
        "model": (["diag-4", "diag-7", "full-4", "full-7"], "diag-4"),
        "scale": ([0.25, 0.5, 1, 2, 4], 1),
        "guess": (0, 1, 0.2),
        "found_guess": ["most", "half", "hardly"],
        "ring_guess": ["many", "few", "none"],
        "seed": 1,
    },
    "points": {
        "kind": (["diag", "gd++"], "diag"),
        "moved": ((-3, -10), (3, 13), 0.5, 19),
        "lifted": ((0, -10), (0, 12), 0.5, 1),
        "pull_guess": ["steeper", "flatter", "same"],
        "slope_guess": (0, 3, 0.05),
        "truth_guess": [2, 1.5, 1],
        "other_guess": ["steeper", "flatter", "same"],
        "seed": 11,
    },
    "preconditioning": {
        "kappa": ([2, 5, 10, 20, 50, 100, 200, 500, 1000], 20),
        "follow": True,
        "expected": (1, 12, 1),
        "bolder_guess": ["rounder", "equal", "flatter"],
        "race_guess": ["momentum", "newton", "model"],
    },
    "profile": {
        "kind": (KINDS, "diag"),
        "noise": ([noise for noise in NOISES if noise != "fixed-0"], "uniform-5"),
        "layers": (SEVEN, 1),
        "sigma": ([*(half / 2 for half in range(11)), 6, 7, 8, 9, 10], 5),
        "layers_guess": (1, 7, 1),
        "sigma_guess": (5, 10, 0.5),
        "exploded_guess": ["few", "half", "most"],
    },
    "rescaling": {
        "reads": (["left", "labels"], "left"),
        "context": ([20, 50, 100, 1000, 10_000], 1000),
        "noisier_guess": ["a", "b", "alike"],
        "right_guess": (50, 100, 1),
        "guess": (0, 6, 0.1),
        "when_guess": ["sooner", "there", "later"],
        "seed": 1,
    },
    "ridge": {
        "context": ([5, 10, 15, 20, 40, 80, 160], 20),
        "strength": (
            [0, 0.01, 0.04, 0.09, 0.25, 0.49, 1, 1.96, 4, 6.25, 9, 12.25, 16, 25, 36, 64, 100],
            0.01,
        ),
        "pull_guess": ["nearer", "farther", "turns"],
        "direction_guess": ["weakest", "strongest"],
        "guess": (0.5, 20, 0.5),
        "context_guess": [40, 20, 10, 5],
        "seed": 3,
    },
    "sizes": {
        "n": ([15, 20, 25, 30, 40, 60, 80, 120], 20),
        "d": ([2, 3, 5, 8, 10, 12, 15], 10),
        "model": (["diag-7", "full-7", "diag-7-lengths", "diag-7-correlated", "full-7-correlated"], "diag-7"),
        "reads": (["means", "sums", "scaled"], "means"),
        "longer_guess": ["falls", "stays", "rises"],
        "guess": (0.0, 8.0, 0.5),
        "reads_guess": ["means", "sums", "scaled"],
        "nearer_guess": ["model", "evidence"],
        "alike_guess": (0.0, 0.9, 0.1),
    },
    "softmax": {
        "kind": (["alone", "mlp"], "mlp"),
        "noise": (["uniform-5", "categorical-1-3"], "uniform-5"),
        "layers": ([2, 4], 4),
        "sigma": ([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0], 1.0),
        "far_guess": ["straight", "short", "beyond"],
        "bent_guess": ["hundredth", "tenth", "more"],
        "best_guess": ["softmax", "linear"],
        "implied_guess": (0.0, 8.0, 0.25),
        "seed": 1,
    },
    "table": {
        "kind": (KINDS, "diag"),
        "noise": (BY_RANGE, "uniform-5"),
        "layers": (SEVEN, 4),
        "guess": (-10, 10, 0.5),
        "low_guess": ["lower", "luck", "higher"],
        "high_guess": ["lower", "luck", "higher"],
        "layer_guess": [2, 4, 7],
    },
    "tiny": {
        "example": (["A", "A'", "B"], "A"),
        "two": False,
        "query": ((-3, 0), (3, 0), 0.5, 1),
        "end_guess": (-8, 4, 0.5),
        "block_guess": ["sigma", "alpha", "v"],
        "two_guess": ["same", "higher", "lower"],
    },
    "training": {
        "shape": (["U(0, σ_max)", "{⅓, 1} · σ_max", "{⅕, ⅗, 1} · σ_max"], "U(0, σ_max)"),
        "kind": (KINDS, "diag"),
        "layers": (SEVEN[:5], 3),
        "learning_rate": ([0.01, 0.02, 0.04, 0.06, 0.1], 0.06),
        "guess": (-12, 0, 0.5),
        "way_guess": ["towards", "stays", "away"],
        "ratio_guess": ["nearer", "same", "further"],
        "seed": 1,
    },
    "weights": {
        "kind": (KINDS, "full"),
        "noise": (NOISES, "categorical-1-3"),
        "layers": (SEVEN, 4),
        "layer": ([1, 2, 3, 4], 3),
        "guess": (0, 10, 1),
        "way_guess": ["lower", "same", "higher"],
        "kind_guess": ["full", "diag"],
    },
}

# The panels of each beat, the new one last; the controls on its page, the large one first; the points that a hand can drag meanwhile.
BEATS = {
    "algorithm": {
        "rescaling": ("noise", "rescale guess"),
        "layer": ("noise layers", "rescale layer_guess"),
        "neither": ("noise", "adapt rescale where_guess"),
    },
    "attention": {
        "map": ("map", "n map_guess"),
        "state": ("map state", "n state_guess"),
        "cost": ("cost", "d guess"),
        "sharp": ("query", "sharpness alone_guess"),
    },
    "gradient": {
        "land": ("bowl", "step"),
        "leave": ("bowl step", "step guess"),
        "drag": ("bowl", "moves_guess", "truth"),
        "stop": ("bowl layer", "sigma layer_guess"),
        "rival": ("bowl layer", "sigma walker_guess"),
    },
    "implicit": {
        "rows": ("weight", "layers way_guess"),
        "noise": ("weight distance", "sigma guess"),
        "random": ("distance answer", "model line_guess"),
        "label": ("distance parts", "model label_guess"),
    },
    "noise": {
        "meter": ("meter", "sigma implied_guess"),
        "gdpp": ("meter", "sigma gd_guess"),
        "shares": ("meter kept", "sigma direction_guess"),
        "steps": ("kept step", "sigma layer_guess"),
        "beyond": ("meter", "sigma beyond_guess"),
    },
    "pilot": {
        "correlated": ("share", "strength guess"),
        "outliers": ("share contexts", "strength found_guess"),
        "curved": ("share error", "strength ring_guess"),
    },
    "points": {
        "drag": ("scatter", "", "moved"),
        "pull": ("scatter read", "pull_guess", "lifted"),
        "noise": ("scatter slope", "sigma slope_guess"),
        "wise": ("many", "sigma truth_guess"),
        "gdpp": ("scatter slope", "sigma other_guess"),
    },
    "preconditioning": {
        "circle": ("shape", "layers"),
        "depth": ("shape condition", "layers expected"),
        "bolder": ("shape map", "gamma bolder_guess"),
        "race": ("shape error", "layers race_guess"),
    },
    "profile": {
        "depth": ("depth", "layers layers_guess"),
        "range": ("noise", "sigma sigma_guess"),
        "explode": ("noise spread", "sigma exploded_guess"),
    },
    "rescaling": {
        "labels": ("labels", "fit noisier_guess"),
        "shrink": ("labels shrink", "omega_yy reads"),
        "reads": ("reads told", "layer right_guess"),
        "breaks": ("scale", "sigma guess"),
        "trained": ("trained", "sigma when_guess"),
    },
    "ridge": {
        "pull": ("weight", "strength pull_guess"),
        "share": ("kept", "strength direction_guess"),
        "valley": ("kept risk", "strength"),
        "noise": ("best", "sigma guess"),
        "fewer": ("risk", "context context_guess"),
    },
    "sizes": {
        "longer": ("length", "n longer_guess"),
        "acts": ("length acts", "n guess"),
        "reads": ("length", "reads reads_guess"),
        "features": ("features", "d nearer_guess"),
        "inputs": ("inputs", "correlation alike_guess"),
    },
    "softmax": {
        "far": ("line", "length far_guess"),
        "bent": ("line bent", "sigma bent_guess"),
        "best": ("profile", "sigma best_guess"),
        "meter": ("meter", "sigma implied_guess"),
    },
    "table": {
        "lower": ("apart", "noise low_guess"),
        "bound": ("apart column", "noise high_guess"),
        "layers": ("layers", "kind layers layer_guess"),
    },
    "tiny": {
        "shear": ("tokens", "step end_guess"),
        "copy": ("tokens read", "example block_guess"),
        "two": ("read tokens", "two example two_guess"),
    },
    "training": {
        "start": ("loss", ""),
        "shorter": ("yx", "sigma_max way_guess"),
        "back": ("yx", "sigma_max guess"),
        "again": ("xy loss", "sigma_max ratio_guess"),
    },
    "weights": {
        "rank": ("left", "rank guess"),
        "worse": ("left loss", "rank way_guess"),
        "outside": ("loss", "sigma kind kind_guess"),
    },
}
# Panel by panel the kind and the name of each mark, as the lab opens; whether it is in the key where others of its kind are not, or is
# not where they are; what becomes of it beyond the axes; what the mouse reads; what a hand moves; what its name counts; what its points
# belong to.
LOOKS = (Path(__file__).parent / "looks.txt").read_text()
EVERY = pytest.mark.parametrize("kind", all_labs().values(), ids=lambda kind: kind.__name__)


@cache
def opened(kind):
    return kind()


def entry(table, kind):
    assert kind.NAME in table, f"{kind.__name__} has no entry in this file: write it by hand"
    return table[kind.NAME]


def looks():
    """LOOKS by lab -> {lab: {panel: [its name and how it lies, its marks ...]}}"""
    found = {}
    for line in LOOKS.strip().splitlines():
        if not line.startswith(" "):
            name, panel = line.split(",")[0].split()
            marks = found.setdefault(name, {})[panel] = [line.partition(" ")[2]]
        else:
            marks.append(line.strip())
    return found


def look_of(panel):
    """A panel as the table has it -> list of str"""
    return [
        ", ".join([panel.name, *["square"] * panel.square, *["ends"] * panel.ends]),
        *map(look, panel.marks),
    ]


def look(mark):
    """A mark as the table has it -> str"""
    kind, more = type(mark), []
    if mark.keyed != (kind not in (Guide, Guess, Heat, Ring)):
        more.append("keyed" if mark.keyed else "unkeyed")
    if mark.beyond != ("free" if kind in (Guide, Band) else "edge"):
        more.append(mark.beyond)
    usual = "" if kind in (Guide, Band, Ring) else "cell" if kind is Heat else "value"
    if mark.hover != usual:
        more.append(f"reads {mark.hover or 'nothing'}")
    if mark.grab:
        more.append(f"moves {mark.grab} along {mark.along}")
    more += [f"with {name}" for name in mark.values] + [f"by {name}" for name in mark.keys]
    return ", ".join([f"{kind.__name__} {mark.name}", *more])


def declared(control, widget, value):
    """A control as the table has it."""
    if isinstance(control, Opinion):
        return [value for _, value in widget.options]
    if isinstance(control, Choice):
        return [option for _, option in widget.options], value
    if isinstance(control, Prediction):
        return control.low, control.high, control.step
    if isinstance(control, Spots):
        return control.low, control.high, control.step, control.count
    assert isinstance(control, (Seed, Toggle))
    return value


@EVERY
def test_each_control_offers_what_it_should_and_stands_where_it_should(kind):
    lab, wanted = opened(kind), entry(CONTROLS, kind)
    named = {
        name: control
        for name, control in kind.CONTROLS.items()
        if not isinstance(control, Slider) and (not control.hidden or isinstance(control, Spots))
    }
    assert list(named) == list(wanted)
    for name, control in named.items():
        assert declared(control, lab.controls[name], lab.values[name]) == wanted[name], name
        if isinstance(control, (Opinion, Prediction)):
            assert lab.values[name] is None, name  # nobody has predicted yet
        if isinstance(control, Spots):
            assert lab.values[name] == (), name


@EVERY
def test_each_beat_shows_and_lets_one_move_what_it_should(kind):
    wanted = entry(BEATS, kind)
    assert [beat.name for beat in kind.BEATS] == list(wanted)
    for beat in kind.BEATS:
        panels, controls, *hands = wanted[beat.name]
        there = [beat.control, *beat.others, beat.ask]
        assert list(beat.panels) == panels.split(), beat.name
        assert [name for name in there if name is not None] == controls.split(), beat.name
        assert list(beat.hands) == hands, beat.name


@EVERY
def test_each_mark_is_of_the_kind_and_in_the_place_that_it_should_be(kind):
    wanted, lab = entry(looks(), kind), opened(kind)
    assert {panel.name: look_of(panel) for panel in lab.panels_now} == wanted
    assert [panel.name for panel in lab.panels_now] == list(wanted)  # and in this order


@EVERY
def test_a_point_above_a_layer_or_a_component_belongs_to_it(kind):
    """Points of one layer light up together: along the axis of layers each belongs to where it stands, or next to it."""
    axes = {"layer": ("layer", "depth"), "component": ("component",)}
    for panel in opened(kind).panels_now:
        for mark in panel.marks:
            for name, numbers in mark.keys.items():
                numbers = np.broadcast_to(np.asarray(numbers, float), mark.x.shape)
                if panel.x.name in axes.get(name, ()):
                    assert (abs(mark.x - numbers)[np.isfinite(mark.x)] < 0.5).all(), (panel.name, mark.name)
