"""What stands beside a model in use: cross-validated ridge, the alarm, and the guard."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge, RidgeCV

from lt_helpers import LinearTransformer, RegressionTask, Uniform, load_pretrained
from lt_helpers.practice import PENALTIES, alarm, guarded, leave_one_out, misfit, ridge_cv
from lt_helpers.task import second_moments


def contexts(rng, batch=5, n=20, d=10, sigma=2.0):
    x = rng.normal(size=(batch, n, d))
    return x, (x @ rng.normal(size=(batch, d, 1)))[..., 0] + sigma * rng.normal(size=(batch, n))


@pytest.mark.parametrize("n, d", [(20, 10), (8, 10)])
def test_the_cross_validated_ridge_is_scikit_learns(n, d, rng):
    x, y = contexts(rng, n=n, d=d)
    w, penalty = ridge_cv(x, y)
    for one, (inputs, labels) in enumerate(zip(x, y)):
        theirs = RidgeCV(PENALTIES, fit_intercept=False).fit(inputs, labels)
        np.testing.assert_allclose(w[one], theirs.coef_, atol=1e-9)
        assert penalty[one] == theirs.alpha_


def test_leaving_one_out_is_fitting_again_without_it(rng):
    (x, *_), (y, *_) = contexts(rng, batch=1, n=12, d=3)
    errors, _ = leave_one_out(x[None], y[None], np.array([0.5, 4.0]))
    for column, penalty in enumerate((0.5, 4.0)):
        fits = [
            Ridge(penalty, fit_intercept=False).fit(np.delete(x, i, 0), np.delete(y, i)) for i in range(12)
        ]
        missed = [y[i] - fit.predict(x[i : i + 1])[0] for i, fit in enumerate(fits)]
        np.testing.assert_allclose(errors[0, column], np.mean(np.square(missed)))


@pytest.mark.parametrize("n, d", [(5, 10), (10, 10), (12, 10), (1, 3)])
@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e6])
def test_leaving_one_out_is_exact_in_any_unit_and_with_few_examples(n, d, unit, rng):
    x, y = contexts(rng, batch=1, n=n, d=d)
    errors, _ = leave_one_out(unit * x, y, np.array([0.1, 30.0]))
    for column, penalty in enumerate((0.1, 30.0)):
        missed = []
        for i in range(n):
            others, labels = unit * np.delete(x[0], i, 0), np.delete(y[0], i)
            few = n - 1 < d  # then by the matrix of the examples: that of the features is near to singular
            w = np.linalg.solve(others.T @ others + penalty * np.eye(d), others.T @ labels)
            w = others.T @ np.linalg.solve(others @ others.T + penalty * np.eye(n - 1), labels) if few else w
            missed.append(y[0, i] - unit * x[0, i] @ w)
        np.testing.assert_allclose(errors[0, column], np.mean(np.square(missed)), rtol=1e-6)


def test_what_is_no_model_is_not_guarded(rng):
    with pytest.raises(TypeError, match="model is None"):
        guarded(None, *contexts(rng))


def test_the_misfit_is_that_of_the_examples(rng):
    x, y = contexts(rng)
    w = rng.normal(size=(5, 3, 10))  # after each of three layers
    by_hand = [
        [np.mean((y[b] - x[b] @ w[b, k]) ** 2) / np.mean(y[b] ** 2) for k in range(3)] for b in range(5)
    ]
    np.testing.assert_allclose(misfit(w, second_moments(x, y)), by_hand)
    np.testing.assert_allclose(misfit(w[:, 1], second_moments(x, y)), np.array(by_hand)[:, 1])


def test_the_misfit_is_1_for_nothing_and_0_for_the_truth(rng):
    x = rng.normal(size=(4, 20, 10))
    w = rng.normal(size=(4, 10))
    S = second_moments(x, (x @ w[..., None])[..., 0])
    np.testing.assert_allclose(misfit(np.zeros((4, 10)), S), 1)
    np.testing.assert_allclose(misfit(w, S), 0, atol=1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_what_is_not_finite_rings(value, rng):
    S = second_moments(*contexts(rng))
    w = np.zeros((5, 10))
    w[2, 4] = value
    np.testing.assert_array_equal(alarm(w, S), [False, False, True, False, False])


@given(st.integers(0, 1000), st.floats(0.1, 5.0))
def test_what_passes_the_alarm_answers_at_most_twice_the_labels(seed, size):
    rng = np.random.default_rng(seed)
    x, y = contexts(rng, batch=20)
    w = size * rng.normal(size=(20, 10))
    passes = ~alarm(w, second_moments(x, y))
    answers = (x @ w[..., None])[..., 0]
    assert ((answers**2).mean(axis=1) <= 4 * (y**2).mean(axis=1) + 1e-9)[passes].all()


def test_no_sequence_of_the_training_task_rings():
    model = load_pretrained("diag", 7, Uniform(5.0))
    S = RegressionTask(10, 20, Uniform(5.0)).sample_moments(2000, np.random.default_rng(9)).S
    assert not alarm(model.implicit_weight(S), S).any()


def test_the_guard_changes_what_rings_and_nothing_else(rng):
    """A model of one long gradient step: it overshoots on loud inputs, and not on faint ones."""
    omega = np.zeros((1, 2, 2))
    omega[0, 1, 0] = -0.5
    model = LinearTransformer.from_diagonals(np.broadcast_to(np.eye(2), (1, 2, 2)), omega, 10)
    x, y = contexts(rng)
    x[:2] *= 10
    w, rings = guarded(model, x, y)
    np.testing.assert_array_equal(rings, [True, True, False, False, False])
    np.testing.assert_allclose(w[2:], model.implicit_weight(second_moments(x, y))[2:])
    np.testing.assert_allclose(w[:2], ridge_cv(x, y)[0][:2])


@pytest.mark.parametrize("penalties", [[], [1.0, 0.0], [-1.0]])
def test_penalties_must_be_above_zero(penalties, rng):
    with pytest.raises(ValueError, match="penalties must be one or more numbers above zero"):
        ridge_cv(*contexts(rng), penalties=np.array(penalties))
