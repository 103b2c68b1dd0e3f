"""What holds for every lab that the package offers."""

import ast
import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from extremes import LABS

from lt_helpers.labs import Choice, Lab, Opinion, Prediction, Seed, Slider
from lt_helpers.noise import parse_noise
from lt_helpers.view.panel import Curve, Heat, Ticks
from lt_helpers.view.roles import ROLES


@cache
def opened(lab):
    return lab()


def shown_controls(lab):
    """The controls that the page shows, but for opinions, which no picture shows -> {name: Control}"""
    controls = lab.CONTROLS.items()
    return {
        name: control for name, control in controls if not control.hidden and not isinstance(control, Opinion)
    }


def extremes(lab):
    """Each control at each of its ends, the others where they stand; and all of them at one end together."""
    yield {}
    for name, control in shown_controls(lab).items():
        widget = opened(lab).controls[name]
        if isinstance(control, Choice):
            ends = [value for _, value in widget.options]
        elif isinstance(control, (Slider, Prediction)):
            ends = [control.low, control.high]
        else:
            ends = [0, 9999] if isinstance(control, Seed) else [False, True]
        for end in ends:
            yield {name: end}
    numbers = {name: control for name, control in lab.CONTROLS.items() if isinstance(control, Slider)}
    yield {name: control.low for name, control in numbers.items()}
    yield {name: control.high for name, control in numbers.items()}


# With which panels a sentence is said: with those that show what it tells. All others are said whatever is shown.
SAID_WITH = {
    "attention.sizes": "map state",
    **dict.fromkeys(("attention.reads_most", "attention.reads_alike"), "query"),
    **dict.fromkeys(("attention.counted", "attention.measured"), "cost"),
    "gradient.walk": "bowl",
    "gradient.best": "step",
    **dict.fromkeys(("gradient.errors", "gradient.errors_of_both"), "step layer"),
    "implicit.way": "weight distance",
    **dict.fromkeys(("implicit.equal", "implicit.nearly_equal"), "answer"),
    "noise.reading": "weight meter",
    **dict.fromkeys(("noise.keeps", "noise.no_shares"), "kept"),
    "noise.steps": "step",
    "pilot.errors": "error",
    "pilot.alarms": "share layers contexts",
    **dict.fromkeys(("points.lines", "points.explodes"), "scatter slope"),
    "points.reads": "read",
    "points.behind": "many",
    **dict.fromkeys(
        ("preconditioning.condition", "preconditioning.round", "preconditioning.dead"),
        "shape condition map eigenvalues",
    ),
    "preconditioning.errors": "error",
    "profile.model": "depth",
    "profile.here": "noise spread nearer",
    "profile.explode": "noise spread exploded",
    "profile.outside": "noise spread nearer exploded",
    "rescaling.bare": "labels",
    "rescaling.left": "labels",
    "rescaling.shrinks": "shrink",
    "rescaling.tells": "reads told",
    **dict.fromkeys(("rescaling.made_for", "rescaling.wrong_sign"), "scale distance weight"),
    "rescaling.trained": "trained",
    "ridge.errors": "risk",
    **dict.fromkeys(("ridge.best", "ridge.no_noise"), "best"),
    "ridge.distances": "weight",
    "ridge.keeps": "kept",
    **dict.fromkeys(("sizes.length", "sizes.explodes_length"), "length"),
    **dict.fromkeys(("sizes.acts", "sizes.acts_blank"), "acts"),
    **dict.fromkeys(("sizes.features", "sizes.features_blank", "sizes.explodes_features"), "features"),
    **dict.fromkeys(("sizes.inputs", "sizes.explodes_inputs"), "inputs"),
    **dict.fromkeys(("softmax.made", "softmax.here"), "profile"),
    "softmax.bent": "bent",
    "softmax.line": "line",
    "softmax.reads": "meter",
    "softmax.outside": "bent profile meter",
    **dict.fromkeys(("table.compared", "table.tiny", "table.unsteady", "table.copied"), "apart column row"),
    "table.bayes": "column row",
    **dict.fromkeys(("table.falls", "table.never_falls", "table.rises_again"), "layers"),
    "tiny.goes": "tokens",
    "tiny.reads": "read",
    "weights.left": "P Q P_low Q_low left",
    "weights.losses": "loss",
    "weights.blank": "P P_low",
}


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.__name__)
@pytest.mark.slow
def test_every_extreme_is_computed_drawn_and_said(lab):
    live = lab()
    axes = fixed_axes(live.drawing)
    for values in extremes(lab):
        live.reset()
        for name, value in values.items():
            live.controls[name].value = value
        assert live.error is None, (values, live.error)
        figure = live.figure  # raises if plotly does not know a property or its value
        assert off_axis(live.drawing) == [], values
        assert fixed_axes(live.drawing) == axes, values
        for message in live.messages:
            assert list(message.panels) == SAID_WITH.get(message.id, "").split(), message.id
        assert live.words_now.strip() and "nan" not in live.words_now and "inf" not in live.words_now, (
            values,
            live.words_now,
        )
        assert any(
            np.isfinite(np.asarray(trace.y, float)).any()
            for trace in figure.data
            if trace.y is not None and trace.name
        ), values


SEEDED = [lab for lab in LABS if any(isinstance(control, Seed) for control in lab.CONTROLS.values())]


@pytest.mark.parametrize("lab", SEEDED, ids=lambda lab: lab.__name__)
def test_nothing_is_drawn_beyond_its_axes_whatever_the_sequence(lab):
    (seed,) = (name for name, control in lab.CONTROLS.items() if isinstance(control, Seed))
    live = lab()
    for value in range(60):
        drawing, _ = live.at(**{seed: value})
        assert off_axis(drawing) == [], value


def off_axis(drawing):
    """The named traces with a point outside of their axes, which nobody sees -> their names. (Shades and contours go on beyond.)"""
    layout, out = drawing["layout"], []
    for trace in drawing["data"]:
        if not trace.get("name") or trace.get("mode", "none") == "none":
            continue
        for letter in "xy":
            axis = layout[f"{letter}axis{trace[f'{letter}axis'][1:]}"]
            low, high = sorted(
                10.0 ** np.array(axis["range"]) if axis.get("type") == "log" else axis["range"]
            )
            points = np.asarray(trace[letter], float)
            if (points < low - 1e-6 * abs(high)).any() or (points > high + 1e-6 * abs(high)).any():
                out.append(f"{trace.get('name')}: {letter}")
    return out


def fixed_axes(drawing):
    """The range of every axis, all of them given."""
    axes = {name: axis["range"] for name, axis in drawing["layout"].items() if name[:5] in ("xaxis", "yaxis")}
    assert axes and all(limits is not None for limits in axes.values())
    return {name: tuple(limits) for name, limits in axes.items()}


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.__name__)
def test_the_copied_view_opens_the_same_state(lab):
    live = lab()
    for name, control in lab.CONTROLS.items():
        if isinstance(control, (Slider, Prediction)):
            live.controls[name].value = control.high
    if lab.GHOST:
        live.hold_ghost()
    else:
        with pytest.raises(TypeError, match="holds no ghost"):
            live.hold_ghost()
    for name, control in lab.CONTROLS.items():
        if isinstance(control, Seed):
            live.controls[name].value = 7
    call = ast.parse(live.view().split("; ")[1]).body[0].value
    again = lab(**{keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords})
    assert again.values == live.values and again.ghost == live.ghost
    assert again.figure == live.figure and again.words_now == live.words_now


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.__name__)
def test_a_link_opens_the_same_state(lab):
    live = lab()
    for name, control in lab.CONTROLS.items():
        if isinstance(control, (Slider, Prediction)):
            live.controls[name].value = control.low
    if lab.GHOST:
        live.hold_ghost()
    live.show(live.panels_now[-1].name, live.panels_now[0].name)
    again = Lab.from_state(live.link())
    assert type(again) is lab and again.values == live.values and again.ghost == live.ghost
    assert again.drawing["layout"] == live.drawing["layout"] and again.words_now == live.words_now
    assert json.loads(json.dumps(live.state())) == live.state()


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.__name__)
def test_any_panel_can_be_shown_alone(lab):
    live = lab()
    whole = len(live.drawing["data"])
    rows = -(-len(live.panels_now) // lab.COLUMNS)
    assert live.drawing["layout"]["height"] == lab.ROW * rows
    shown = 0
    for panel in list(live.panels_now):
        live.show(panel.name)
        assert [one.name for one in live.panels_now] == [panel.name]
        assert len(live.drawing["layout"]["annotations"]) == 1
        assert live.drawing["layout"]["height"] == lab.ROW  # as high as it was
        shown += len(live.drawing["data"])
        live.show()
    assert shown == whole == len(live.drawing["data"])


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.__name__)
def test_no_state_can_be_written_into(lab):
    """Else what one lab does to its numbers would be in every later one."""
    arrays = list(arrays_in(lab().arrays))
    assert arrays
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def arrays_in(value):
    """All arrays of a state, those in its parts as well."""
    if isinstance(value, np.ndarray):
        yield value
    elif is_dataclass(value):
        yield from arrays_in(vars(value))
    elif isinstance(value, (Mapping, tuple, list)):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from arrays_in(part)


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.__name__)
def test_the_marks_of_a_panel_differ_in_more_than_colour(lab):
    """For who cannot tell the colours: by symbol, by dash, or by kind."""
    live = lab()
    if lab.GHOST:
        live.hold_ghost()
    for panel in live.panels_now:
        signs = {}
        for mark in panel.marks:
            if mark.keyed:
                style = ROLES[mark.role]
                sign = (type(mark), style.dash if type(mark) is Curve else style.symbol)
                name = live.names.mark(panel, mark)
                if type(mark) is not Ticks:
                    assert signs.setdefault(sign, name) == name, (panel.name, sign)


RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
CALLED_BY_PLACE = {("table", "row"), ("training", "P"), ("training", "Q")}  # their own tests hold these


def number_of(label):
    """The number that is written at a tick, 0.1 or 10⁻⁶; None for words."""
    try:
        return float(label)
    except ValueError:
        return 10.0 ** int(label[2:].translate(RAISED)) if label.startswith("10") else None


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.__name__)
def test_each_tick_stands_at_the_number_that_is_written_there(lab):
    """Of steps ago, which are counted backwards, without their sign."""
    live = opened(lab)
    for panel in live.panels_now:
        for axis in (panel.x, panel.y):
            ticks = np.array(axis.ticks or ())
            assert (np.diff(ticks) > 0).all() or (np.diff(ticks) < 0).all(), panel.name
            if not axis.log:  # a decade too many is not drawn
                assert ((min(axis.low, axis.high) <= ticks) & (ticks <= max(axis.low, axis.high))).all(), (
                    panel.name
                )
            if axis.labels is None or (live.NAME, panel.name) in CALLED_BY_PLACE:
                continue
            for tick, label in zip(ticks, map(live.names.text, axis.labels), strict=True):
                number = number_of(label)
                if number is not None:
                    assert number == pytest.approx(abs(tick) if axis.name == "ago" else tick), panel.name


ROUND = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)  # how a number may begin at which a logarithmic axis has a tick
THE_SIZES_THEMSELVES = {("sizes", "features")}  # a tick at each d that was measured


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.__name__)
def test_ticks_stand_where_a_reader_expects_them(lab):
    """At multiples of a step and at the 1 one counts from; on a logarithmic axis at round numbers, or each so many times the last."""
    live = opened(lab)
    for panel in live.panels_now:
        for axis in (panel.x, panel.y):
            labels = axis.labels or axis.ticks or ()
            written = [number_of(live.names.text(label)) for label in labels]
            if not axis.ticks or axis.name == "ago" or (live.NAME, panel.name) in THE_SIZES_THEMSELVES:
                continue
            ticks = np.sort(
                [tick for tick, number in zip(axis.ticks, written, strict=True) if number is not None]
            )
            if axis.log:
                digits = ticks / 10.0 ** np.floor(np.log10(ticks) + 1e-9)
                are_round = np.isclose(digits[:, None], ROUND).any(axis=1).all()
                assert are_round or np.allclose(np.diff(np.log(ticks)), np.log(ticks[1] / ticks[0])), (
                    panel.name
                )
                continue
            counted = ticks[1:] if len(ticks) > 2 and ticks[0] == 1 != ticks[1] - ticks[0] else ticks
            assert np.allclose(np.diff(counted), np.diff(counted[-2:])), panel.name


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.__name__)
def test_the_axes_of_a_heat_map_end_with_its_cells(lab):
    """No row or column is cut, and none is missing."""
    for panel in opened(lab).panels_now:
        for heat in (mark for mark in panel.marks if isinstance(mark, Heat)):
            for axis, places, count in ((panel.x, heat.x, heat.z.shape[1]), (panel.y, heat.y, len(heat.z))):
                assert len(places) == count, panel.name
                low, high = sorted((axis.low, axis.high))
                assert low <= places.min() - 0.5, panel.name
                assert places.max() + 0.5 <= high, panel.name


@pytest.mark.parametrize("lab", [lab for lab in LABS if lab.BEATS], ids=lambda lab: lab.__name__)
def test_a_row_of_panels_is_no_higher_beside_others_than_alone(lab):
    live = opened(lab)
    for beat in live.BEATS:
        scene = SimpleNamespace(beat=beat)
        heights = {count: lab._arranged(live.panels_now[:1] * count, scene)[1] for count in range(1, 7)}
        columns = {count: lab._arranged(live.panels_now[:1] * count, scene)[0] for count in heights}
        rows = {count: -(-count // columns[count]) for count in heights}
        assert len(set(rows.values())) > 1
        assert all(150 < heights[count] / rows[count] <= heights[1] for count in heights)


CALLED = {
    "DIAG": "diag",
    "FULL": "full",
    "GD++": "gd++",
    "trained DIAG": "diag",
    "trained FULL": "full",
    "trained GD++": "gd++",
    "random FULL": "random",
    "softmax alone": "alone",
    "softmax, MLP": "mlp",
    "softmax": "softmax",
    "linear": "linear",
    "counted": "counted",
    "measured here": "measured",
    "DIAG, 4 layers": "diag-4",
    "DIAG, 7 layers": "diag-7",
    "FULL, 4 layers": "full-4",
    "FULL, 7 layers": "full-7",
    "correlated inputs": "correlated",
    "outlying rows": "outlying",
    "heavy-tailed noise": "heavy-tailed",
    "outliers among y": "outliers",
    "noise that grows with x": "uneven",
    "curved target": "curved",
    "DIAG, made for n = 20": "diag-7",
    "FULL, made for n = 20": "full-7",
    "DIAG, six lengths": "diag-7-lengths",
    "DIAG, correlation 0.9": "diag-7-correlated",
    "FULL, correlation 0.9": "full-7-correlated",
    "scaled labels": "scaled",
    "what is left": "left",
    "the labels": "labels",
}


# Where each slider begins and ends, its step, and where it stands when the lab opens with all it has.
SLIDERS = {
    "algorithm": {
        **dict.fromkeys(("precondition", "adapt", "step", "rescale"), (0, 2, 0.1, 1)),
        "sigma": (0, 8, 0.1, 1),
    },
    "attention": {"n": (2, 32, 1, 16), "d": (1, 31, 1, 5), "sharpness": (0, 8, 0.25, 2)},
    "gradient": {"step": (0, 2.5, 0.05, 0.5), "sigma": (0, 5, 0.1, 1)},
    "implicit": {"sigma": (0, 5, 0.1, 0.5)},
    "noise": {"sigma": (0, 8, 0.1, 1)},
    "pilot": {"strength": (0, 1, 0.2, 0), "sigma": (0, 8, 0.5, 2)},
    "points": {"sigma": (0, 5, 0.1, 1)},
    "preconditioning": {"gamma": (0, 1.2, 0.01, 0.33), "layers": (1, 12, 1, 4)},
    "profile": {},
    "rescaling": {
        "fit": (0, 1, 0.05, 0),
        "omega_yy": (-0.25, 0, 0.025, -0.05),
        "layer": (1, 4, 1, 1),
        "s1": (0, 4, 0.1, 1),
        "s2": (0, 4, 0.1, 3),
        "sigma": (0, 12, 0.1, 1),
    },
    "ridge": {"sigma": (0, 5, 0.1, 1)},
    "sizes": {"correlation": (0, 0.9, 0.1, 0)},
    "softmax": {"length": (1, 10, 0.5, 3)},
    "table": {"sigma": (0, 7, 0.1, 2)},
    "tiny": {"step": (0, 1.5, 0.05, 0)},
    "training": {"sigma_max": (0, 7, 0.5, 1)},
    "weights": {"rank": (0, 10, 1, 0), "sigma": (0, 8, 1, 1)},
}


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.__name__)
def test_each_slider_goes_from_where_to_where_it_should(lab):
    sliders = {name: control for name, control in lab.CONTROLS.items() if isinstance(control, Slider)}
    found = {
        name: (control.low, control.high, control.step, opened(lab).values[name])
        for name, control in sliders.items()
    }
    assert found == {
        name: tuple(pytest.approx(number) for number in numbers)
        for name, numbers in SLIDERS[lab.NAME].items()
    }


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.__name__)
def test_numbers_rise_along_a_slider(lab):
    for name, control in shown_controls(lab).items():
        if isinstance(control, Choice) and control.slide:
            values = [value for _, value in opened(lab).controls[name].options]
            assert name == "noise" or values == sorted(set(values)), name


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.__name__)
def test_each_choice_is_called_by_what_it_chooses(lab):
    """A number by itself, a noise by its label, everything else as the table says. An opinion is answered in its own words (test_beats)."""
    for name, control in shown_controls(lab).items():
        if isinstance(control, Opinion):
            continue
        for label, value in opened(lab).controls[name].options if isinstance(control, Choice) else []:
            if isinstance(value, (int, float)):
                assert float(label) == value, (name, label)
            elif name == "noise":
                noise = parse_noise(value)
                assert label in (noise.label, "U(0, 0)") and (label != "U(0, 0)" or noise.sigma_max == 0)
            elif label != value:
                assert CALLED[label] == value, (name, label)


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.__name__)
def test_every_control_moves_something(lab):
    """A control that changes neither the picture nor the words is broken; an opinion moves the story alone (test_beats)."""
    for name, control in shown_controls(lab).items():
        if isinstance(control, Opinion):
            continue
        live = lab()
        before = (live.figure.to_json(), live.words_now)
        options = list(live.controls[name].options) if isinstance(control, Choice) else None
        if options is not None and len(options) == 1:
            continue
        now = live.values[name]
        others = [value for _, value in options if value != now] if options else []
        live.controls[name].value = (
            others[0]
            if others
            else (not now)
            if isinstance(now, bool)
            else control.high
            if isinstance(control, (Slider, Prediction))
            else now + 1
        )
        assert (live.figure.to_json(), live.words_now) != before, name
