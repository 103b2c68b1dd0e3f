"""The renderer: roles become colours, names the reader's, numbers stay on their axes, and what does not is reported."""

import json

import numpy as np
import pytest

from lt_helpers.view.chart import encode_figure
from lt_helpers.view.ends import NAME_HEIGHT, apart
from lt_helpers.view.panel import (
    Axis,
    Band,
    Bars,
    Curve,
    EachPoint,
    Guess,
    Guide,
    Heat,
    Panel,
    Path,
    Points,
    Ring,
    Shape,
    Ticks,
)
from lt_helpers.view.render import FAINT, key_sign, render
from lt_helpers.view.roles import BLUE, RED, ROLES

X, Y = Axis("x", 0, 10), Axis("y", -1, 1)


class Names:
    """Calls everything by its own name."""

    def panel(self, panel):
        return f"panel {panel.name}"

    def axis(self, axis):
        return f"axis {axis.name}"

    def mark(self, panel, mark):
        return f"{panel.name}'s {mark.name}"

    def hover(self, mark):
        return f"hover {mark.hover}"

    def beyond(self, number):
        return f"truly {number:g}"

    def text(self, label):
        return str(label)


def drawn(*marks, x=X, y=Y):
    """The traces of marks, and what lay beyond."""
    drawing = render([Panel("p", x, y, marks)], Names())
    return drawing.figure["data"][: len(marks)], drawing.beyond


def beside(*marks, x=X, y=Y, **more):
    """What is written beside the traces of marks, where it shows anything."""
    traces = render([Panel("p", x, y, marks, **more)], Names()).figure["data"][len(marks) :]
    return [trace for trace in traces if np.isfinite(trace["x"]).any()]


def counts(beyond):
    return {each.mark.name: each.count for each in beyond}


def test_a_mark_on_its_axes_is_drawn_as_it_is():
    (trace,), beyond = drawn(Points("model", [1, 2], [0.5, -0.5]))
    assert trace["x"].tolist() == [1, 2] and trace["y"].tolist() == [0.5, -0.5] and beyond == ()
    assert trace["marker"]["color"] == ROLES["model"].colour and trace["mode"] == "markers"
    assert trace["name"] == "p's model" and trace["hovertemplate"] == "hover value<extra></extra>"


def test_what_lies_beyond_is_drawn_at_the_edge_and_counted():
    (trace,), beyond = drawn(Path("model", [-1, 5, 11], [0, 3, np.inf]))
    assert trace["x"].tolist() == [0, 5, 10] and trace["y"].tolist() == [0, 1, 1]
    assert counts(beyond) == {"model": 3} and beyond[0].panel.name == "p"


@pytest.mark.parametrize(
    "place, at, arrow",
    [
        ((5, 3), (5, 1), "up"),
        ((5, -np.inf), (5, -1), "down"),
        ((-2, 0), (0, 0), "left"),
        ((11, 0.5), (10, 0.5), "right"),
    ],
)
def test_a_point_that_is_drawn_at_the_edge_wears_an_arrow_to_where_it_lies(place, at, arrow):
    (trace,) = beside(Points("adarr", [1, place[0]], [0, place[1]]))
    assert (trace["x"].tolist(), trace["y"].tolist()) == ([at[0]], [at[1]])
    assert trace["marker"]["symbol"] == [f"triangle-{arrow}"] and trace["marker"]["color"] == [RED]
    assert (trace["xaxis"], trace["yaxis"], trace["hoverinfo"]) == ("x", "y", "skip")


def test_an_arrow_points_downwards_where_the_axis_does():
    (trace,) = beside(Points("model", [1], [12]), y=Axis("row", 11.5, 0.5))
    assert trace["marker"]["symbol"] == ["triangle-down"]


def test_a_point_at_the_edge_is_on_its_axis_in_the_32_bits_of_the_page_too():
    for low, high in ((-0.8, 1.1), (0.1, 4.7), (-1 / 3, 2 / 3)):
        figure = render(
            [Panel("p", X, Axis("y", low, high), [Points("model", [1, 2], [-9, 9])])], Names()
        ).figure
        shown = np.float32(figure["data"][0]["y"]).astype(float)
        first, last = figure["layout"]["yaxis"]["range"]
        assert first <= shown[0] and shown[1] <= last and abs(first - low) < 1e-6


def test_a_line_wears_an_arrow_wherever_it_leaves():
    (trace,) = beside(Path("model", range(6), [0, 2, 3, 0, -9, -9]))
    assert trace["x"].tolist() == [1, 4] and trace["marker"]["symbol"] == ["triangle-up", "triangle-down"]
    assert beside(Curve("model", [1, 2], [0, 5], beyond="gap")) == beside(Points("model", [1], [1])) == []


def test_arrows_of_all_marks_of_a_panel_are_one_trace_which_is_there_without_any_as_well():
    inside = render([Panel("p", X, Y, [Points("model", [1], [0]), Points("adarr", [2], [0])])], Names())
    beyond = render([Panel("p", X, Y, [Points("model", [1], [9]), Points("adarr", [2], [-9])])], Names())
    assert [trace["mode"] for trace in inside.figure["data"]] == ["markers"] * 3
    assert [sorted(trace) for trace in inside.figure["data"]][-1] == sorted(beyond.figure["data"][-1])
    marker = beyond.figure["data"][-1]["marker"]
    assert marker["symbol"] == ["triangle-up", "triangle-down"]
    assert marker["color"] == marker["line"]["color"] == [ROLES["model"].colour, RED]
    assert np.isnan(inside.figure["data"][-1]["y"]).all() and not inside.beyond


def test_lines_have_their_names_at_their_ends_and_points_in_the_key():
    marks = [
        Curve("oracle", [0, 4, 6], [0, 0.5, np.nan]),
        Path("model", [0, 8], [0, -0.5]),
        Points("truth", [1], [1]),
        Curve("ghost", [0, 1], [0, 0], keyed=False),
        Curve("bayes", [0], [np.nan]),
    ]
    (trace,) = beside(*marks, ends=True)
    assert [text.strip() for text in trace["text"]] == ["p's oracle", "p's model"]
    assert trace["x"].tolist() == [4, 8] and trace["textposition"] == ["middle right"] * 2
    np.testing.assert_allclose(trace["y"], [0.5, -0.5])
    assert trace["textfont"]["color"] == [ROLES["oracle"].colour, BLUE]
    heading = render([Panel("p", X, Y, marks, ends=True)], Names()).figure["layout"]["annotations"][0]["text"]
    assert "truth" in heading and "oracle" not in heading and "model" not in heading
    assert beside(*marks) == []


def test_the_names_of_the_second_panel_stand_there_and_are_as_faint_as_it():
    panels = [Panel(name, X, Y, [Curve("model", [0, 1], [0, 0])], ends=True) for name in ("p", "q")]
    data = render(panels, Names(), faint=("q",)).figure["data"]
    assert [trace.get("name") for trace in data] == ["p's model", "q's model", *4 * [None]]
    assert [trace["mode"] for trace in data] == ["lines", "lines", "text", "text", "markers", "markers"]
    assert [trace["xaxis"] for trace in data] == 3 * ["x", "x2"]
    assert [trace.get("opacity") for trace in data] == 3 * [None, FAINT]


def test_the_name_of_a_line_that_ends_at_the_edge_stands_before_its_end():
    (trace,) = beside(Curve("model", [0, 10], [0, 0]), Curve("oracle", [0, 6], [0, 0.9]), ends=True)
    assert trace["textposition"] == ["middle left", "middle right"]


@pytest.mark.parametrize("log", [False, True])
def test_the_names_of_lines_that_end_together_stand_apart(log):
    axis = Axis("y", 0.01, 100, log=True) if log else Y
    ends = [1.0, 1.0, 1.01] if log else [0.1, 0.1, 0.101]
    (trace,) = beside(
        *(Curve("model", [0, 1], [0.5, end], name=f"{end} {i}") for i, end in enumerate(ends)),
        y=axis,
        ends=True,
    )
    place = np.log10(trace["y"]) / 4 if log else trace["y"] / 2
    gaps = np.diff(place) * (480 - 84)  # the height of the panel in pixels
    np.testing.assert_allclose(gaps, NAME_HEIGHT, rtol=1e-6)
    middle = np.log10(np.mean(ends)) / 4 if log else np.mean(ends) / 2
    np.testing.assert_allclose(place.mean(), middle, atol=1e-3)


@pytest.mark.parametrize("seed", range(10))
def test_names_are_moved_apart_in_order_inside_the_panel_and_no_further_than_needed(seed):
    rng = np.random.default_rng(seed)
    heights, least = rng.uniform(400, 480, size=6), 15
    found, order = apart(heights, least, 1000), heights.argsort()
    assert (np.diff(found[order]) >= least - 1e-9).all()

    # Nothing that is far enough apart is nearer, not even a little on the way to it: the distance is convex.
    for _ in range(300):
        other = rng.uniform(300, 450) + np.cumsum(least + rng.exponential(8, size=6))
        nearer = found[order] + 0.01 * (other - found[order])
        assert ((nearer - heights[order]) ** 2).sum() >= ((found - heights) ** 2).sum() - 1e-9

    crowded = apart(np.full(5, seed * 10.0), least, 90)
    assert np.allclose(np.diff(crowded), least) and crowded.min() >= 0 and crowded.max() <= 90


def test_at_a_point_that_is_drawn_at_the_edge_the_mouse_reads_where_it_lies_in_truth():
    (trace,), _ = drawn(Points("model", [1, 12, 3], [0.5, 0.2, 7.0]))
    assert trace["text"] == ["", "<br>truly 12", "<br>truly 7"]
    assert trace["hovertemplate"] == "hover value%{text}<extra></extra>"
    (trace,), _ = drawn(Points("model", [1], [0.5]))
    assert "text" not in trace


def test_what_is_not_seen_is_not_in_the_key():
    low = Axis("y", 0.1, 10, log=True, below="gap")
    panel = Panel(
        "p", X, low, [Points("model", [1], [0.01]), Curve("oracle", [1], [np.nan]), Points("truth", [1], [1])]
    )
    heading = render([panel], Names()).figure["layout"]["annotations"][0]["text"]
    assert "truth" in heading and "model" not in heading and "oracle" not in heading


def test_a_gap_in_the_numbers_is_no_point_beyond():
    (trace,), beyond = drawn(Curve("model", [1, 2, 99], [np.nan, 0, np.nan]))
    assert np.isnan(trace["y"]).tolist() == [True, False, True] and beyond == ()


@pytest.mark.parametrize("below, shown, count", [("edge", 0.1, 1), ("floor", 0.1, 0), ("gap", np.nan, 0)])
def test_what_lies_below_an_axis_is_treated_as_the_axis_says(below, shown, count):
    (trace,), beyond = drawn(
        Points("model", [1, 2], [0.01, 5.0]), y=Axis("y", 0.1, 10, log=True, below=below)
    )
    np.testing.assert_array_equal(trace["y"], [shown, 5.0])
    assert counts(beyond) == ({"model": count} if count else {})


def test_a_line_that_leaves_the_picture_can_do_so_unsaid():
    (trace,), beyond = drawn(Curve("model", [1, 2, 3], [0, 5, 0.5], beyond="gap"))
    np.testing.assert_array_equal(trace["y"], [0, np.nan, 0.5])
    assert beyond == ()


def test_an_axis_can_run_from_above_to_below():
    (trace,), beyond = drawn(Points("model", [1, 1], [0.6, 12]), y=Axis("row", 11.5, 0.5))
    assert trace["y"].tolist() == [0.6, 11.5] and counts(beyond) == {"model": 1}
    layout = render([Panel("p", X, Axis("row", 11.5, 0.5), [])], Names()).figure["layout"]
    assert layout["yaxis"]["range"] == [11.5, 0.5]


def test_guides_bands_and_contours_are_never_reported():
    _, beyond = drawn(
        Guide("zero", [-5, 50], [9, 9]),
        Band("range", [(2, 30)]),
        Curve("contour", [0, 20], [0, 7], beyond="free"),
    )
    assert beyond == ()


def test_a_band_reaches_from_the_bottom_to_the_top():
    (trace,), _ = drawn(Band("range", [(1, 2), (4, 5)]))
    np.testing.assert_array_equal(trace["x"], [1, 2, 2, 1, np.nan, 4, 5, 5, 4, np.nan])
    np.testing.assert_array_equal(trace["y"], [-1, -1, 1, 1, np.nan] * 2)
    assert (trace["mode"], trace["fill"], trace["fillcolor"]) == ("none", "toself", ROLES["range"].fill)


def test_a_band_between_two_heights_ends_there():
    (trace,), _ = drawn(Band("range", [(-5, 20)], -0.25, 0.5))
    np.testing.assert_array_equal(trace["x"], [-5, 20, 20, -5, np.nan])
    np.testing.assert_array_equal(trace["y"], [-0.25, -0.25, 0.5, 0.5, np.nan])


def test_what_the_mouse_reads_beside_a_point_is_its_data():
    (trace, plain, silent), _ = drawn(
        Points("model", [1, 2], [0.1, 0.2], hover="step", data=np.array([7.0, 8.0])),
        Points("oracle", [1], [0]),
        Curve("truth", [1], [0], hover=""),
    )
    assert trace["customdata"].tolist() == [7, 8] and trace["hovertemplate"] == "hover step<extra></extra>"
    assert "customdata" not in plain and silent["hoverinfo"] == "skip" and "hovertemplate" not in silent


def test_lines_points_and_ticks_look_as_their_role_does():
    marks = [kind("adarr", [1], [0], name=kind.__name__) for kind in (Curve, Path, Points, Ticks, Shape)]
    (curve, path, points, ticks, shape), _ = drawn(*marks)
    style = ROLES["adarr"]
    assert [trace["mode"] for trace in (curve, path, points, ticks, shape)] == [
        "lines",
        "lines+markers",
        "markers",
        "markers",
        "lines",
    ]
    assert curve["line"] == dict(color=style.colour, dash=style.dash, width=style.width)
    assert path["line"]["color"] == points["marker"]["color"] == ticks["marker"]["color"] == style.colour
    assert points["marker"]["symbol"] == path["marker"]["symbol"] == style.symbol
    assert ticks["marker"]["symbol"] == "line-ew" and shape["fillcolor"] == style.fill
    assert "marker" not in curve and "fill" not in curve


@pytest.mark.parametrize("x, y", [(3, None), (None, 0.5)])
def test_a_prediction_that_is_not_set_has_no_name_and_no_place(x, y):
    (trace,), _ = drawn(Guess(x, y))
    assert "name" not in trace and np.isnan(trace["x"]).all() and np.isnan(trace["y"]).all()
    (trace,), _ = drawn(Guess(3, 0.5))
    assert trace["name"] == "p's prediction" and trace["y"].tolist() == [0.5]
    assert trace["marker"]["symbol"] == "star"


def test_bars_reach_from_low_to_high_and_end_at_the_edge():
    (trace,), beyond = drawn(Bars("model", [1, 2], [0.0, 0.5], low=[-0.5, 0.0], high=[0.2, 9.0]))
    np.testing.assert_allclose(trace["error_y"]["array"], [0.2, 0.5])
    np.testing.assert_allclose(trace["error_y"]["arrayminus"], [0.5, 0.5])
    assert trace["error_y"]["symmetric"] is False and trace["error_y"]["type"] == "data"
    assert beyond == ()  # the points themselves are on the axis


def test_a_bar_whose_point_is_beyond_is_reported_and_a_ring_around_it_is_not():
    _, beyond = drawn(Bars("model", [1], [3.0], low=[2.0], high=[4.0]), Ring(1, 3.0))
    assert counts(beyond) == {"model": 1}


def test_a_heat_map_has_its_rows_at_y_and_its_columns_at_x():
    z = np.arange(6.0).reshape(2, 3)
    (trace,), _ = drawn(Heat("weights", [1, 2, 3], [1, 2], z=z, limit=4.0))
    np.testing.assert_array_equal(trace["z"], z)
    assert (trace["zmin"], trace["zmax"]) == (-4, 4)
    lowest, zero, highest = trace["colorscale"]
    assert (lowest[1], highest[1]) == (BLUE, RED) and zero[0] == 0.5  # blue below zero
    assert trace["x"].tolist() == [1, 2, 3] and trace["y"].tolist() == [1, 2]


def test_each_point_can_have_a_role_of_its_own():
    roles = ("first", "second")
    (trace,), _ = drawn(EachPoint("first", [0, 1], [0, 0], roles=roles, hollow=True))
    assert trace["marker"]["color"] == [ROLES[role].colour for role in roles]
    assert trace["marker"]["symbol"] == ["circle-open", "diamond-open"]


def test_the_sign_of_what_is_hollow_is_hollow():
    mark = EachPoint("second", [0], [0], roles=("second",), hollow=True)
    assert key_sign(mark) == "◇" and key_sign(Points("second", [0], [0])) == "◆"


def test_the_key_names_each_thing_once_with_its_sign_in_its_colour():
    marks = [
        Curve("oracle", [0], [0]),
        Points("model", [0], [0]),
        Points("model", [1], [0]),
        Ticks("truth", [0], [0]),
        Band("range", [(0, 1)]),
        Guide("zero", [0], [0]),
        Points("adarr", [0], [0], keyed=False),
    ]
    heading = render([Panel("p", X, Y, marks)], Names()).figure["layout"]["annotations"][0]["text"]
    title, key = heading.split("<br>")
    assert title == "<b>panel p</b>"
    assert key.count("p's model") == 1 and "zero" not in key and "adarr" not in key
    assert (
        f'<span style="color:{ROLES["oracle"].colour}">━ ━</span> p\'s oracle' in key
    )  # a line of long dashes
    assert f'<span style="color:{ROLES["model"].colour}">●</span> p\'s model' in key
    assert '<span style="color:black">━</span> p\'s truth' in key
    assert '<span style="color:#8C8C8C">■</span> p\'s range' in key


def test_panels_stand_row_by_row_from_the_top_and_do_not_overlap():
    panels = [Panel(name, X, Y, [Points("model", [index], [0])]) for index, name in enumerate("abcde")]
    figure = render(panels, Names(), columns=3, height=520).figure
    layout = figure["layout"]
    boxes = [(layout[f"xaxis{n}"]["domain"], layout[f"yaxis{n}"]["domain"]) for n in ("", 2, 3, 4, 5)]
    assert [box[0][0] for box in boxes[:3]] == sorted(box[0][0] for box in boxes[:3])
    assert boxes[0][1][1] == boxes[2][1][1] == 1 and boxes[3][1][1] < boxes[0][1][0]
    for index, (x, y) in enumerate(boxes):
        assert 0 <= x[0] < x[1] <= 1 + 1e-9 and 0 <= y[0] < y[1] <= 1
        for other_x, other_y in boxes[:index]:
            assert x[0] >= other_x[1] or y[1] <= other_y[0]
    axes = ["x", "x2", "x3", "x4", "x5"]
    assert [trace["xaxis"] for trace in figure["data"]] == [*axes, *axes]  # marks, and arrows
    for note, (x, y) in zip(layout["annotations"], boxes, strict=True):  # above its panel, from the left
        assert (note["x"], note["y"], note["xref"], note["yref"]) == (x[0], y[1], "paper", "paper")
        assert (note["xanchor"], note["yanchor"]) == ("left", "bottom") and note["yshift"] > 0
    assert [note["text"].split("</b>")[0] for note in layout["annotations"]] == [
        f"<b>panel {name}" for name in "abcde"
    ]


def test_ticks_and_scale_are_the_axis_own():
    panel = Panel("p", Axis("n", 0.01, 100, log=True, ticks=(0.1, 10), labels=("a", "b")), Y, [])
    axis = render([panel], Names()).figure["layout"]["xaxis"]
    assert (
        axis["type"] == "log"
        and axis["range"] == pytest.approx([-2, 2], abs=1e-7)
        and axis["title"]["text"] == "axis n"
    )
    assert axis["tickvals"] == [0.1, 10] and axis["ticktext"] == ["a", "b"]


def test_one_scale_for_both_directions_where_the_panel_is_square():
    layout = render([Panel("p", X, Y, []), Panel("q", X, Y, [], square=True)], Names()).figure["layout"]
    assert layout["yaxis2"]["scaleanchor"] == "x2" and "scaleanchor" not in layout["yaxis"]


def test_a_figure_of_every_kind_of_mark_is_one_that_plotly_takes():
    import plotly.graph_objects as go

    one, two = [1.0], [0.5]
    marks = [kind("model", one, two, name=kind.__name__) for kind in (Curve, Path, Points, Ticks, Shape)]
    marks += [
        Bars("model", one, two, low=[0.1], high=[0.7]),
        Ring(1, 0.5),
        Guide("g", one, two),
        Guess(1, 0.2),
    ]
    marks += [Band("range", [(0, 1)]), Heat("weights", one, one, z=np.eye(1), limit=1.0)]
    marks += [EachPoint("first", one, two, roles=("first",))]
    figure = render([Panel("p", X, Y, marks)], Names()).figure
    assert len(go.Figure(figure).data) == len(marks) + 1  # and the arrows
    json.dumps(encode_figure(figure), allow_nan=False)


def test_what_the_renderer_does_not_know_is_refused():
    class Cloud(Points):
        pass

    drawn(Cloud("model", [0], [0]))  # a kind of points
    with pytest.raises(KeyError):
        drawn(Points("pony", [0], [0]))
