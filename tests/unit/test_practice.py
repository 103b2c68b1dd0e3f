"""What stands beside a model in use: cross-validated ridge, a prior fitted on earlier tasks, the gate, the alarm, and the guard."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.linear_model import Ridge, RidgeCV

from lt_helpers import (
    Categorical,
    Fixed,
    LinearTransformer,
    RegressionTask,
    Uniform,
    baselines,
    load_pretrained,
    risk,
)
from lt_helpers.practice import (
    PENALTIES,
    alarm,
    fit_noise,
    fit_prior,
    gate,
    guarded,
    leave_one_out,
    misfit,
    ridge_cv,
)
from lt_helpers.spectrum import Spectrum
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
    S = second_moments(x, y)
    alone, fallback = model.implicit_weight(S), ridge_cv(x, y)[0]
    w, rings = guarded(alone, S, fallback)
    np.testing.assert_array_equal(rings, [True, True, False, False, False])
    np.testing.assert_array_equal(w[2:], alone[2:])
    np.testing.assert_array_equal(w[:2], fallback[:2])


@pytest.mark.parametrize("penalties", [[], [1.0, 0.0], [-1.0]])
def test_penalties_must_be_above_zero(penalties, rng):
    with pytest.raises(ValueError, match="penalties must be one or more numbers above zero"):
        ridge_cv(*contexts(rng), penalties=np.array(penalties))


def density(x, y, size, sigma):
    """log p(y | X) of one context with w ~ N(0, size^2 I) and this sigma, from the covariance of the labels."""
    K = size**2 * x @ x.T + sigma**2 * np.eye(len(y))
    return multivariate_normal(np.zeros(len(y)), K).logpdf(y)


def test_the_score_of_a_fitted_noise_is_the_probability_of_the_labels(rng):
    x, y = contexts(rng, batch=6)
    found = []
    for size in (0.5, 2.0):
        noise, score = fit_noise([Spectrum.from_tokens(x, y)], size)
        chances = [
            noise.weights @ np.exp([density(inputs, labels, size, size * sigma) for sigma in noise.values])
            for inputs, labels in zip(x, y)
        ]
        found.append((score, np.log(chances).sum()))
    (one, by_hand), (other, other_by_hand) = found
    np.testing.assert_allclose(one - other, by_hand - other_by_hand, rtol=1e-6)  # up to a constant


def test_no_other_probabilities_of_the_levels_make_the_labels_more_probable():
    """At the maximum, the mean over contexts of p(y | sigma) / p(y) is 1 where a level has a share, and below elsewhere (Lindsay 1983)."""
    batch = RegressionTask(4, 12, Categorical((1, 3))).sample(80, np.random.default_rng(1))
    noise, _ = fit_noise([Spectrum.from_tokens(batch.x, batch.y)], 1.0)
    logs = np.array([[density(x, y, 1.0, sigma) for sigma in noise.values] for x, y in zip(batch.x, batch.y)])
    likelihood = np.exp(logs - logs.max(axis=1, keepdims=True))
    gain = (likelihood / (likelihood @ noise.weights)[:, None]).mean(axis=0)
    assert gain.max() < 1.02
    np.testing.assert_allclose(noise.weights @ gain, 1)
    np.testing.assert_allclose(gain[np.array(noise.weights) > 0.05], 1, atol=0.02)


@pytest.mark.parametrize("noise", [Uniform(5.0), Categorical((1, 3))])
def test_a_prior_fitted_on_earlier_tasks_serves_nearly_as_well_as_the_true_one(noise):
    task = RegressionTask(10, 20, noise)
    earlier = task.sample(500, np.random.default_rng(7))
    prior = fit_prior(earlier.x, earlier.y)
    fitted, best, ada = (
        risk(predictor, task, 2000, np.random.default_rng(0)).excess
        for predictor in (prior.bayes, lambda x, y: baselines.bayes(x, y, noise), baselines.ada_rr)
    )
    assert best < fitted < best + 0.004 < ada
    assert abs(prior.size - 1) < 0.04
    np.testing.assert_allclose(prior.noise.mean_square, noise.mean_square, rtol=0.1)


@pytest.mark.parametrize("sigma, slack", [(0.1, 0.03), (20.0, 0.15)])
def test_the_size_is_found_where_noise_is_nothing_and_where_it_is_nearly_all(sigma, slack):
    """At sigma = 20 the labels are six times as large as without noise."""
    batch = RegressionTask(10, 20, Fixed(sigma)).sample(2000, np.random.default_rng(2))
    assert abs(fit_prior(batch.x, 5 * batch.y).size / 5 - 1) < slack


def test_levels_without_a_share_are_left_out(rng):
    """A prior of two levels far apart: nothing is left between them, and its posterior is computed without a warning."""
    batch = RegressionTask(3, 60, Categorical((0.1, 30.0))).sample(200, rng)
    prior = fit_prior(batch.x, batch.y)
    assert min(prior.noise.weights) > 0 and abs(sum(prior.noise.weights) - 1) < 1e-9
    assert np.isfinite(prior.bayes(batch.x, batch.y)).all()


def test_a_prior_follows_the_unit_of_the_labels(rng):
    x, y = contexts(rng, batch=40)
    prior, larger = fit_prior(x, y), fit_prior(x, 1000 * y)
    np.testing.assert_allclose(larger.size, 1000 * prior.size)
    np.testing.assert_allclose(larger.bayes(x, 1000 * y), 1000 * prior.bayes(x, y), rtol=1e-5, atol=1e-3)


def test_the_fitted_bayes_is_ridge_where_all_earlier_noise_is_alike(rng):
    """Without noise every context finds the same level, 0: then it is least squares."""
    x, y = contexts(rng, batch=20, sigma=0.0)
    prior = fit_prior(x, y)
    assert len(prior.noise.values) == 1
    np.testing.assert_allclose(prior.bayes(x, y), baselines.ols(x, y), atol=1e-8)


def test_a_prior_needs_labels_and_inputs(rng):
    x, y = contexts(rng)
    for inputs, labels in ((x, 0 * y), (0 * x, y)):
        with pytest.raises(ValueError, match="x and y must not be zero throughout"):
            fit_prior(inputs, labels)


def test_the_gate_counts_a_lead_in_standard_errors():
    """Ten contexts: the opponent is worse by 0, 1, .., 9; mean 4.5, variance 55/6."""
    model = np.linspace(1.0, 2.0, 10)
    lead = gate(model, {"ridge": model + np.arange(10)})["ridge"]
    np.testing.assert_allclose((lead.mean, lead.standard_error), (4.5, np.sqrt(55 / 6 / 10)))
    assert lead.beaten


@pytest.mark.parametrize("behind, beaten", [(1.99, False), (2.01, True), (-5.0, False)])
def test_a_model_passes_the_gate_by_more_than_two_standard_errors(behind, beaten):
    spread = np.tile([-1.0, 1.0], 50)  # a mean of 100 such has the standard error 1 / sqrt(99)
    lead = gate(np.full(100, 3.0), {"AdaRR": 3.0 + spread + behind / np.sqrt(99)})["AdaRR"]
    assert lead.beaten == beaten


@pytest.mark.parametrize(
    "errors, opponents, words",
    [
        ([1.0], {"ridge": [1.0]}, "errors has 1 numbers"),
        ([1.0, 2.0], {"ridge": [1.0, 2.0, 3.0]}, r"opponents\['ridge'\] has shape \(3,\)"),
        ([1.0, np.inf], {"ridge": [1.0, 2.0]}, "errors"),
    ],
)
def test_the_gate_says_what_it_cannot_compare(errors, opponents, words):
    with pytest.raises(ValueError, match=words):
        gate(errors, opponents)
