import numpy as np
import pytest
from sklearn.linear_model import Ridge

from lt_helpers.labs import RidgeLab
from lt_helpers.labs.regression import CONTEXTS, GRID, STRENGTHS, sequence

OPENED = dict(sigma=1.0, context=20, strength=1.0, guess=None, seed=3)


def state(**values):
    return RidgeLab.compute(**OPENED | values)


def examples(sigma, context, seed):
    x, truth, direction = sequence(seed)
    return x[:context], x[:context] @ truth + sigma * direction[:context]


@pytest.mark.parametrize("context", [5, 20, 160])
@pytest.mark.parametrize("strength", [0.01, 4.0, 100.0])
def test_the_drawn_weights_are_scikit_learns(context, strength):
    lab = RidgeLab(sigma=2.0, context=context, strength=strength)
    x, y = examples(2.0, context, seed=3)
    w = (
        Ridge(alpha=strength, fit_intercept=False).fit(x, y).coef_
    )  # it sums over the examples, so alpha is lambda
    np.testing.assert_allclose(lab.arrays.ridge, w, rtol=1e-8)
    drawn = next(trace for trace in lab.figure.data if trace.name == "ridge λ")
    np.testing.assert_allclose(drawn.y, np.clip(w, -3.5, 3.5), rtol=1e-8)


@pytest.mark.parametrize("context", [5, 20])
@pytest.mark.parametrize("strength", [0.25, 9.0])
def test_bias_and_variance_are_those_of_many_truths_and_noises(context, strength, rng):
    shown = state(sigma=2.0, context=context, strength=strength)
    x = sequence(3)[0][:context]
    truths, noises = rng.normal(size=(100_000, 10)), 2.0 * rng.normal(size=(100_000, context))
    solve = np.linalg.solve(x.T @ x + strength * np.eye(10), x.T)  # (d, n)
    bias = ((truths @ x.T @ solve.T - truths) ** 2).sum(axis=1).mean() / 2
    variance = ((noises @ solve.T) ** 2).sum(axis=1).mean() / 2
    np.testing.assert_allclose((shown.bias, shown.variance), (bias, variance), rtol=0.02)


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("seed", [0, 3])
def test_the_best_strength_is_sigma_squared_at_any_number_of_examples(context, seed):
    trail = state(sigma=5.0, context=context, seed=seed).trail
    assert len(trail) == 50
    grid_step = GRID[1] / GRID[0]
    assert (abs(np.log(trail[:, 1] / trail[:, 0])) < np.log(grid_step)).all()


def test_the_best_for_this_one_is_nearest_to_its_truth():
    shown = state(sigma=2.0)
    x, y = examples(2.0, 20, seed=3)
    apart = [
        np.linalg.norm(np.linalg.solve(x.T @ x + strength * np.eye(10), x.T @ y) - shown.truth)
        for strength in GRID
    ]
    assert shown.best_here == GRID[np.argmin(apart)]


def test_sliding_the_noise_moves_neither_truth_nor_inputs_nor_bias():
    quiet, noisy = state(sigma=0.5), state(sigma=4.0)
    for name in ("truth", "eigenvalues", "kept", "bias", "bias_curve"):
        np.testing.assert_array_equal(getattr(quiet, name), getattr(noisy, name))
    np.testing.assert_allclose(noisy.variance, 64 * quiet.variance)


def test_without_noise_least_squares_finds_the_truth():
    shown = state(sigma=0.0, strength=0.0)
    np.testing.assert_allclose(shown.ols, shown.truth)
    np.testing.assert_allclose(shown.ridge, shown.truth)
    assert "Without noise the best λ is 0" in RidgeLab.words(shown)


def test_the_words_say_what_is_drawn_at_the_edge_and_what_no_strength_can_find():
    assert "at its edge" not in RidgeLab(sigma=1.0).words_now
    assert "at its edge" in RidgeLab(sigma=5.0, context=10, strength=0.01).words_now
    assert "5 of 10 directions never occur" in RidgeLab(context=5).words_now
    assert "directions never occur" not in RidgeLab(context=10).words_now


def test_the_strengths_hold_the_squares_that_the_notebook_asks_for():
    assert {1.0, 4.0, 9.0, 16.0, 25.0} <= set(STRENGTHS)


def test_the_prediction_is_a_star_at_the_noise_of_the_moment():
    lab = RidgeLab(sigma=4.0)
    lab.controls["guess"].value = 12.0
    star = next(trace for trace in lab.figure.data if trace.name == "prediction")
    assert (list(star.x), list(star.y)) == ([16.0], [12.0])
