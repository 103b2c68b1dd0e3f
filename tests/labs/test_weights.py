"""The weights lab against the stored model by other routes: tokens, plain sums, and models that need no low-rank part."""

from dataclasses import replace

import numpy as np
import pytest

from lt_helpers import Categorical, Fixed, LinearTransformer, RegressionTask, load_pretrained
from lt_helpers.labs import WeightsLab
from lt_helpers.labs.weights_state import SIGMAS, matrices, parts

MODEL = "full", "categorical-1-3", 4


def trace(lab, name, panel):
    return next(trace for trace in lab.figure.data if trace.name == name and trace.yaxis == f"y{panel}")


def around_the_median(answer, sigma):
    """The 35% and 65% quantiles of half the squared distance to ridge regression that is told sigma, over 4000 other sequences.

    Of 75 pairs of sequences, the median lies between them (by 2.6 standard errors).    answer : function, x, y -> w (B, d)
    """
    batch = RegressionTask(10, 20, Fixed(sigma)).sample(4000, np.random.default_rng(7))
    oracle = np.linalg.solve(batch.x.mT @ batch.x + sigma**2 * np.eye(10), batch.x.mT @ batch.y[..., None])[
        ..., 0
    ]
    return np.quantile(((answer(batch.x, batch.y) - oracle) ** 2).sum(axis=1) / 2, [0.35, 0.65])


def test_the_matrices_are_those_of_the_stored_model():
    """Not the entries but what they compute: P S Q of each layer, and the answers."""
    model, (P, Q) = load_pretrained("full", 4, Categorical((1, 3))), matrices(*MODEL)
    S = np.cov(np.random.default_rng(0).normal(size=(11, 40)))
    np.testing.assert_allclose(P[:-1] @ S @ Q[:-1], model.P[:-1, 0] @ S @ model.Q[:-1, 0], atol=1e-10)
    np.testing.assert_allclose(P[-1, -1] @ S @ Q[-1], model.P[-1, 0, -1] @ S @ model.Q[-1, 0], atol=1e-10)
    np.testing.assert_allclose(np.linalg.norm(P, axis=(1, 2)), np.linalg.norm(Q, axis=(1, 2)))


def test_the_rows_that_never_train_are_blank_in_the_last_layer_alone():
    last, third = (WeightsLab(layer=layer, rank=1).arrays for layer in (4, 3))
    for matrix in (last.P, last.P_low):
        assert np.isnan(matrix[:-1]).all() and np.isfinite(matrix[-1]).all()
    assert np.isfinite([third.P, third.P_low, third.Q, last.Q]).all()


@pytest.mark.parametrize("rank", [None, 2, 6])
@pytest.mark.parametrize("sigma", [1, 3])
def test_the_losses_are_those_of_tokens(rank, sigma):
    """Against other sequences, read by attention over their tokens."""
    P, Q = matrices(*MODEL) if rank is None else np.add(*parts(*MODEL, rank))
    model = LinearTransformer(P[:, None], Q[:, None])

    def by_tokens(x, y):
        return np.stack(
            [model(x, y, np.tile(unit, (len(x), 1)), form="tokens") for unit in np.eye(10)], axis=1
        )

    shown = WeightsLab(rank=rank or 0).arrays
    low, high = around_the_median(by_tokens, sigma)
    assert low < (shown.whole if rank is None else shown.kept)[sigma] < high


@pytest.mark.parametrize("sigma", [1, 4, 8])
def test_the_answer_0_is_as_far_from_the_oracle_as_the_oracle_from_0(sigma):
    low, high = around_the_median(lambda x, y: np.zeros((len(x), 10)), sigma)
    assert low < WeightsLab().arrays.nothing[sigma] < high


def test_at_every_rank_no_more_is_left_out_and_at_the_last_the_model_is_whole():
    lab = WeightsLab(rank=10)
    assert (np.diff(lab.arrays.left, axis=1) <= 1e-12).all() and lab.arrays.left[:, -1].max() < 1e-3
    np.testing.assert_allclose(lab.arrays.kept[:4], lab.arrays.whole[:4], rtol=0.1)


def test_diag_needs_no_low_rank_part():
    for kind in ("diag", "gd++"):
        shown = WeightsLab(kind=kind, rank=0).arrays
        np.testing.assert_array_equal(shown.left, 0)
        np.testing.assert_allclose(shown.kept, shown.whole)
        assert not np.nan_to_num([shown.P_low, shown.Q_low]).any()


def test_the_colours_mean_the_same_in_every_layer_and_no_entry_lies_beyond_them():
    lab = WeightsLab(rank=3)
    for layer in (1, 2, 3, 4):
        lab.controls["layer"].value = layer
        maps = [trace for trace in lab.figure.data if trace.type == "heatmap"]
        assert {(trace.zmin, trace.zmax) for trace in maps} == {(-lab.arrays.limit, lab.arrays.limit)}
        assert max(np.nanmax(abs(np.asarray(trace.z))) for trace in maps[:2]) <= lab.arrays.limit


def test_curves_are_drawn_as_far_as_noise_and_rank_have_come():
    lab = WeightsLab(rank=2, sigma=3)
    for name in ("whole", "kept", "answer 0"):
        np.testing.assert_array_equal(np.isfinite(trace(lab, name, 6).y), SIGMAS <= 3)
    assert list(trace(lab, "P", 3).x) == [0, 1, 2]


def test_the_words_say_the_numbers():
    lab = WeightsLab(kind="diag", noise="uniform-5", rank=0, sigma=2, layer=1)
    shown = lab.arrays
    assert lab.words_now.startswith(
        "DIAG with 4 layers, trained on U(0, 5). In layer 1 the diagonal and rank 0 leave out 0% of P and 0% "
    )
    assert (
        f"At σ = 2 (σ² = 4) the whole model has a loss of {shown.whole[2]:.2g}" in lab.words_now
        and "never train" not in lab.words_now
    )
    lab.controls["layer"].value = 4
    assert "The rows of the last P that never train are left blank." in lab.words_now


def test_a_loss_beyond_the_axis_is_drawn_at_its_edge_and_said():
    shown = replace(WeightsLab(sigma=8).arrays, kept=np.full(9, np.inf))
    figure, words = WeightsLab.draw(shown), WeightsLab.words(shown)
    np.testing.assert_array_equal(
        next(trace for trace in figure["data"] if trace.get("name") == "kept")["y"], 1000
    )
    assert "and more than 1000 if only" in words and words.endswith(
        "What lies beyond an axis is drawn at its edge."
    )


def test_a_layer_that_the_model_lacks_is_refused():
    with pytest.raises(ValueError, match="layer is 5 with layers=4: layer must be one of 1, 2, 3, 4"):
        WeightsLab(layer=5)
