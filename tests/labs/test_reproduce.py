from dataclasses import replace

import numpy as np
import pytest

from lt_helpers import Fixed, RegressionTask, Uniform, implicit_regression, load_pretrained
from lt_helpers.baselines import ridge
from lt_helpers.labs import TableLab
from lt_helpers.labs.reproduce import LOSS
from lt_helpers.labs.reproduce_state import layer_errors, one_query_error, paper_error, sequences
from lt_helpers.pretrained import record
from lt_helpers.table1 import column

OPENED = dict(kind="diag", noise="uniform-5", layers=4, sigma=2.0, guess=None)


def state(**values):
    return TableLab.compute(**OPENED | values)


def trace(lab, name, panel):
    axis = "y" if panel == 1 else f"y{panel}"
    return next(trace for trace in lab.figure.data if trace.name == name and trace.yaxis == axis)


def test_a_column_is_printed_table_and_records_side_by_side():
    shown = state(kind="gd++")
    np.testing.assert_array_equal(shown.paper, [0.907, 0.366, 0.344, 0.344, 0.344, 0.344, 0.344])
    records = [record("gd++", layers, Uniform(5)) for layers in range(1, 8)]
    np.testing.assert_array_equal(shown.ours, [entry["loss"] for entry in records])
    np.testing.assert_array_equal(shown.ours_error, [entry["standard_error"] for entry in records])


def test_a_row_is_the_same_depth_at_all_ten_noises():
    shown = state(layers=2)
    np.testing.assert_array_equal(
        shown.row_paper, [0.265, 0.214, 0.173, 0.188, 0.219, 0.242, 0.254, 0.259, 0.201, 0.246]
    )
    assert shown.row_ours[5] == shown.ours[1] and (shown.row_bayes <= shown.row_ours).all()


def test_the_error_of_the_papers_way_is_the_scatter_of_single_queries(rng):
    """Against queries that are drawn, on other sequences."""
    batch = RegressionTask(10, 20, Uniform(5)).sample(20_000, rng)
    oracle, w = ridge(batch.x, batch.y, batch.sigma), ridge(batch.x, batch.y, 2.0)
    miss, oracle_miss = (((answer - batch.w) * batch.x_query).sum(axis=1) for answer in (w, oracle))
    scatter = ((miss**2 - oracle_miss**2) / 2).std() / np.sqrt(100_000)
    np.testing.assert_allclose(one_query_error(w, oracle, batch.w), scatter, rtol=0.05)


@pytest.mark.parametrize("kind, layers", [("diag", 4), ("AdaRR", None)])
def test_few_sequences_give_the_papers_error_bar_well_enough(kind, layers):
    cell = next(
        cell
        for cell in column(Uniform(5), samples=4000)
        if (cell.kind, cell.layers, cell.heads) == (kind, layers, 1)
    )
    np.testing.assert_allclose(paper_error(kind, layers, Uniform(5)), cell.paper_standard_error, rtol=0.3)


def test_what_differs_between_noise_levels_is_the_noise_alone():
    (quiet, _, _), (loud, _, _) = sequences(Fixed(1.0), 50), sequences(Fixed(3.0), 50)
    np.testing.assert_array_equal(quiet.w, loud.w)
    np.testing.assert_array_equal(quiet.S[:, :-1, :-1], loud.S[:, :-1, :-1])
    without = (quiet.S[:, :-1, :-1] @ quiet.w[..., None])[..., 0]  # mean y x, had there been no noise
    np.testing.assert_allclose(loud.S[:, :-1, -1] - without, 3 * (quiet.S[:, :-1, -1] - without), atol=1e-12)


@pytest.mark.parametrize("sigma", [0.0, 3.0])
def test_the_error_after_each_layer_is_that_of_plain_tokens(sigma, rng):
    """Against other sequences, drawn as tokens."""
    model = load_pretrained("diag", 4, Uniform(5))
    batch = RegressionTask(10, 20, Fixed(sigma)).sample(4000, rng)
    distance = implicit_regression(model, batch.x, batch.y).w - ridge(batch.x, batch.y, sigma)[:, None]
    expected = (distance**2).sum(axis=2).mean(axis=0) / 2
    np.testing.assert_allclose(layer_errors("diag", 4, Uniform(5), (sigma,))[0], expected, rtol=0.3)


def test_the_bars_reach_two_standard_errors_each_way():
    lab = TableLab(kind="full", layers=7)
    bars = [
        trace
        for trace in lab.figure.data
        if trace.yaxis == "y" and trace.mode == "lines" and len(trace.y) == 21
    ]
    low, high, _ = np.array(bars[0].y).reshape(7, 3).T
    shown = lab.arrays
    np.testing.assert_allclose(low, shown.paper - 2 * shown.paper_error)
    np.testing.assert_allclose(high - low, 4 * shown.paper_error)


def test_the_words_weigh_the_difference_against_luck():
    shown = state(layers=7)
    cell = np.arange(7) == 6
    lower = replace(
        shown,
        ours=np.where(cell, 0.04, shown.ours),
        apart=np.where(cell, -3.3, shown.apart),
        ours_error=np.full(7, 2e-4),
    )
    assert "ours 0.0400 ± 0.0002, the paper's 0.047" in TableLab.words(lower)
    assert "ours is 3.3 standard errors below it (luck alone seldom does that)" in TableLab.words(lower)
    alike = replace(lower, apart=np.where(cell, 0.4, shown.apart))
    assert "ours is 0.4 standard errors above it (luck suffices)" in TableLab.words(alike)
    equal = replace(lower, apart=np.where(cell, -0.01, shown.apart))
    assert "ours is within 0.1 standard errors of it (luck suffices)" in TableLab.words(equal)


def test_the_words_do_not_compare_what_a_few_sequences_make_up():
    shown = state(layers=7)
    shaky = TableLab.words(replace(shown, ours_error=np.full(7, 0.02)))
    assert "nearly explodes: the two cannot be compared" in shaky and "luck" not in shaky
    tiny = TableLab.words(state(noise="fixed-0", layers=6))
    assert (
        "U(0, 0): ours" in tiny
        and "the paper's 2.57e-10: so small that a few hard sequences make it up" in tiny
    )


def test_the_words_name_a_layer_that_was_nearer_than_the_last():
    shown = replace(state(), errors=np.array([3.0, 0.5, 0.04, 0.2, 0.08]))
    assert "goes from 3.00 to 0.0800 through the layers; after layer 2 it is less, 0.0400." in TableLab.words(
        shown
    )
    falling = replace(shown, errors=np.array([3.0, 0.5, 0.4, 0.2, 0.08]))
    assert "goes from 3.00 to 0.0800 through the layers." in TableLab.words(falling)


def test_what_explodes_is_drawn_at_the_edge_and_said():
    shown = replace(state(), errors=np.array([3.0, 2.0, 1.0, 1e4, 1e9]))
    assert "to more than 1000 through the layers" in TableLab.words(shown)
    assert TableLab.words(shown).endswith("What lies beyond an axis is drawn at its edge.")
    drawn = next(trace for trace in TableLab.draw(shown)["data"] if trace.get("name") == "σ = 2.0")
    np.testing.assert_array_equal(drawn["y"][-2:], [100, 100])


def test_what_is_too_small_for_the_axis_is_left_out_or_at_its_edge():
    lab = TableLab(noise="fixed-0", kind="gd++", layers=7)
    assert trace(lab, "ours", 1).y[-1] == LOSS[0]
    assert np.isnan(np.asarray(trace(lab, "Bayes-optimal", 1).y, float)).all()


def test_the_prediction_stands_at_the_chosen_depth():
    lab = TableLab(layers=7, guess=-2.0)
    star = trace(lab, "prediction", 2)
    assert (list(star.x), list(star.y)) == ([7], [-2.0])


def test_only_the_papers_depths_are_offered():
    with pytest.raises(
        ValueError,
        match="layers is 8 with kind='diag' with noise='uniform-5': layers must be one of 1, 2, 3, 4, 5, 6, 7",
    ):
        TableLab(layers=8)
