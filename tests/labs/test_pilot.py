import warnings

import numpy as np
import pytest

from lt_helpers import load_pretrained
from lt_helpers.labs import PilotLab
from lt_helpers.labs.pilot_state import (
    CONTEXTS,
    FAILED,
    MISMATCHES,
    STRENGTHS,
    TRAINED_ON,
    contexts,
    error,
    pilot,
)
from lt_helpers.practice import ridge_cv

NAMES = [name for name, _ in MISMATCHES.values()]
OPENED = dict(mismatch="correlated", strength=0.8, model="diag-4", sigma=2.0, scale=1.0, seed=1)


def at(**values):
    return pilot(**OPENED | values)


def trace(lab, name, panel):
    axis = "y" if panel == 1 else f"y{panel}"
    return next(trace for trace in lab.figure.data if trace.name == name and trace.yaxis == axis)


@pytest.mark.parametrize("name", NAMES)
def test_at_strength_0_every_mismatch_is_the_training_task(name):
    x, y, w, covariance = contexts(name, 0.0, 2.0, 1.0, 3)
    same = contexts("correlated", 0.0, 2.0, 1.0, 3)
    for ours, theirs in zip((x, y, w, covariance), same):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    residual = y - (x @ w[..., None])[..., 0]
    np.testing.assert_allclose([x.std(), residual.std(), w.std()], [1, 2, 1], rtol=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_a_mismatch_keeps_truths_and_grows_with_its_strength(name):
    mild, strong = (contexts(name, t, 2.0, 1.0, 3) for t in (0.2, 1.0))
    plain = contexts(name, 0.0, 2.0, 1.0, 3)
    np.testing.assert_array_equal(mild[2], strong[2])
    changed = [abs(some[1] - plain[1]).mean() for some in (mild, strong)]
    assert 0 < changed[0] < changed[1]


def test_correlated_inputs_have_the_covariance_that_is_said():
    x, _, _, covariance = contexts("correlated", 1.0, 2.0, 1.0, 0)
    np.testing.assert_allclose(covariance[np.triu_indices(10, 1)], 0.9)
    np.testing.assert_allclose(np.cov(x.reshape(-1, 10).T), covariance, atol=0.1)


@pytest.mark.parametrize("name, index", [("outlying", 0), ("heavy-tailed", 1), ("uneven", 1)])
def test_the_mean_square_of_what_is_made_uneven_stays(name, index):
    """Over many seeds; heavy tails make such a mean converge slowly, so at a mild strength."""
    squares = []
    for seed in range(20):
        x, y, w, _ = contexts(name, 0.4, 2.0, 1.0, seed)
        squares.append((np.square(x).mean(), np.square(y - (x @ w[..., None])[..., 0]).mean())[index])
    np.testing.assert_allclose(np.mean(squares), (1, 4)[index], rtol=0.06)


def test_outliers_are_a_fifth_of_the_labels_at_most_and_ten_times_as_noisy():
    (x, y, w, _), (_, plain, _, _) = (
        contexts("outliers", 1.0, 2.0, 1.0, 0),
        contexts("outliers", 0.0, 2.0, 1.0, 0),
    )
    signal = (x @ w[..., None])[..., 0]
    ratio = (y - signal) / (plain - signal)
    np.testing.assert_allclose(np.unique(np.round(ratio, 6)), [1, 10])
    np.testing.assert_allclose((ratio > 5).mean(), 0.2, atol=0.03)


@pytest.mark.parametrize("name", ["correlated", "curved"])
def test_the_error_is_that_of_answers_to_new_inputs(name):
    _, _, truth, covariance = contexts(name, 0.6, 2.0, 2.0, 5)
    rng = np.random.default_rng(0)
    w = truth + rng.normal(size=truth.shape)
    x = rng.multivariate_normal(np.zeros(10), covariance, size=40_000)
    bend = 0.6 if name == "curved" else 0.0
    curve = 2.0 * bend * np.sqrt(5) * (x[:, 0] ** 2 - 1)
    target = truth[:5] @ x.T + curve
    unit = 2.0**2 * (10 + 10 * bend**2)  # the target's mean square, averaged over truths
    by_hand = ((w[:5] @ x.T - target) ** 2).mean(axis=1) / unit
    np.testing.assert_allclose(error(w, truth, covariance, bend, 2.0)[:5], by_hand, rtol=0.05)


def test_the_model_is_the_stored_one_and_the_guard_falls_back_on_ridge():
    shown = at()
    x, y, truth, covariance = contexts("correlated", 0.8, 2.0, 1.0, 1)
    model = load_pretrained("diag", 4, TRAINED_ON)
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # it may diverge on some
        w = np.stack(
            [model(x, y, np.tile(unit, (CONTEXTS, 1)), form="tokens") for unit in np.eye(10)], axis=1
        )
    fitted = ((y - (x @ w[..., None])[..., 0]) ** 2).mean(axis=1) / (y**2).mean(axis=1)
    calm = fitted < 0.9
    np.testing.assert_allclose(shown.misfit[calm, -1], fitted[calm], rtol=1e-6)
    np.testing.assert_allclose(shown.model[calm], error(w, truth, covariance, 0.0, 1.0)[calm], rtol=1e-6)
    rings = shown.rings
    assert 0 < rings.sum() < CONTEXTS
    np.testing.assert_allclose(
        shown.guarded[rings], error(ridge_cv(x, y)[0], truth, covariance, 0.0, 1.0)[rings]
    )
    np.testing.assert_array_equal(shown.guarded[~rings], shown.model[~rings])


def test_before_the_first_layer_every_misfit_is_1():
    np.testing.assert_allclose(at().misfit[:, 0], 1)


def test_the_scale_of_the_target_moves_the_model_and_not_ridge():
    one, four = at(strength=0.0), at(strength=0.0, scale=4.0)
    np.testing.assert_allclose(one.ridge, four.ridge)
    assert four.model.mean() > 1.5 * one.model.mean()


def test_curves_are_drawn_as_far_as_the_strength_has_been_slid():
    lab = PilotLab(strength=0.4)
    for name, panel in (("model", 1), ("ridge CV", 1), ("alarm", 2)):
        np.testing.assert_array_equal(np.isfinite(trace(lab, name, panel).y), STRENGTHS <= 0.4)


def test_every_context_stands_in_one_group():
    lab = PilotLab(strength=1.0)
    groups = [trace for trace in lab.figure.data if trace.yaxis == "y4" and trace.mode == "markers"]
    counts = [int(np.isfinite(np.asarray(group.y, float)).sum()) for group in groups]
    assert sum(counts) == CONTEXTS
    assert [group.name for group in groups] == [
        f"{name} {count}" for name, count in zip(("fine", "hit", "false alarm", "missed"), counts)
    ]


def test_the_words_count_failures_and_alarms():
    lab = PilotLab(strength=0.8, mismatch="correlated")
    now = lab.arrays.now
    assert lab.words_now.startswith(
        "Correlated inputs, strength 0.8, σ = 2.0, target times 1. Mean error of the model above 200 ("
    )
    assert (
        f"Of 100 contexts {(now.model > FAILED).sum()} failed; the alarm rang for {(now.misfit[:, -1] > 1).sum()}"
        in lab.words_now
    )
    assert lab.words_now.endswith("What lies beyond an axis is drawn at its edge.")
    lab.controls["strength"].value = 0.0
    assert (
        "edge" not in lab.words_now
        and f"Mean error of the model {lab.arrays.now.model.mean():.2f}, with" in lab.words_now
    )


def test_an_unknown_mismatch_is_answered_with_those_that_are_there():
    with pytest.raises(
        ValueError, match="mismatch is 'fog': mismatch must be one of 'correlated', 'outlying'"
    ):
        PilotLab(mismatch="fog")
