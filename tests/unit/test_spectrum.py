"""The posterior of sigma, and what is averaged over it, against brute force; the spectrum from moments and from tokens."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lt_helpers import Categorical, Fixed, RegressionTask, Uniform, baselines, spectrum
from lt_helpers.spectrum import Spectrum

CONTEXTS = [20, 200, 20_000]


def log_densities(x, y, sigmas):
    """log N(y; 0, X X^T + sigma^2 I) of one context for each sigma, but for a constant; where n is large by the features' matrix."""
    n, d = x.shape
    if n <= 200:
        variances, axes = np.linalg.eigh(x @ x.T)
        along = np.maximum(variances, 0) + sigmas[:, None] ** 2  # (K, n)
        return -(np.log(along) + (y @ axes) ** 2 / along).sum(axis=1) / 2
    A = x.T @ x + sigmas[:, None, None] ** 2 * np.eye(d)  # (K, d, d)
    alpha = x.T @ y
    fitted = np.linalg.solve(A, np.broadcast_to(alpha, (len(sigmas), d))[..., None])[..., 0] @ alpha
    size = np.linalg.slogdet(A)[1] + (n - d) * np.log(sigmas**2)
    return -(size + (y @ y - fitted) / sigmas**2) / 2


def posterior_by_hand(x, y, noise):
    """A dense mesh over what matters -> sigmas (K,), probabilities (K,)."""
    if not isinstance(noise, Uniform):
        sigmas = np.unique([noise.sigma_max, *getattr(noise, "values", [])])
    else:
        residual = y - x @ np.linalg.lstsq(x, y)[0]
        guess = np.sqrt(residual @ residual / (len(y) - x.shape[1]))
        spread = 12 * guess / np.sqrt(2 * (len(y) - x.shape[1]))
        low, high = max(guess - spread, 0), min(guess + spread, noise.sigma_max)
        sigmas = low + (high - low) * (np.arange(2_000) + 0.5) / 2_000
    scores = log_densities(x, y, sigmas)
    probabilities = np.exp(scores - scores.max())
    return sigmas, probabilities / probabilities.sum()


@pytest.mark.parametrize("n", CONTEXTS)
@pytest.mark.parametrize(
    "noise", [Uniform(5.0), Categorical((1.0, 1.02, 3.0)), Fixed(1.5)], ids=lambda noise: noise.key
)
def test_the_posterior_and_the_bayes_optimal_weight_are_those_of_brute_force(n, noise, rng):
    batch = RegressionTask(4, n, noise).sample(3, rng)
    whole = Spectrum.from_tokens(batch.x, batch.y)
    sigmas, probabilities = whole.posterior(noise)
    weights = whole.bayes(noise)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    for x, y, ours, w in zip(batch.x, batch.y, probabilities, weights):
        dense, by_hand = posterior_by_hand(x, y, noise)
        mean = by_hand @ dense
        spread = np.sqrt(by_hand @ (dense - mean) ** 2)
        assert ours @ sigmas == pytest.approx(mean, abs=1e-3 * spread + 1e-9)
        assert np.sqrt(ours @ (sigmas - ours @ sigmas) ** 2) == pytest.approx(spread, rel=2e-3, abs=1e-7)
        ridges = [np.linalg.solve(x.T @ x + s**2 * np.eye(4), x.T @ y) for s in dense]
        np.testing.assert_allclose(w, by_hand @ ridges, rtol=1e-4, atol=1e-7)


def test_contexts_that_share_a_mesh_are_weighed_as_if_alone(rng):
    """Some with next to no noise, whose posteriors are narrow, beside noisy ones."""
    batches = [RegressionTask(5, 200, Fixed(sigma)).sample(4, rng) for sigma in (0.001, 0.1, 1, 4.9)]
    x, y = (np.concatenate([getattr(batch, name) for batch in batches]) for name in ("x", "y"))
    sigmas, probabilities = Spectrum.from_tokens(x, y).posterior(Uniform(5.0))
    assert (np.diff(sigmas) > 0).all()
    for b in range(16):
        alone, its = Spectrum.from_tokens(x[b : b + 1], y[b : b + 1]).posterior(Uniform(5.0))
        assert probabilities[b] @ sigmas == pytest.approx(its[0] @ alone, rel=1e-5)
        assert probabilities[b] @ sigmas**2 == pytest.approx(its[0] @ alone**2, rel=1e-5)
    together = baselines.bayes(x, y, Uniform(5.0))
    one_by_one = [baselines.bayes(x[b : b + 1], y[b : b + 1], Uniform(5.0))[0] for b in range(16)]
    np.testing.assert_allclose(together, one_by_one, atol=1e-9)


def test_without_noise_the_posterior_goes_down_to_rounding_and_bayes_to_least_squares(rng):
    batch = RegressionTask(4, 30, Fixed(0.0)).sample(5, rng)
    sigmas, probabilities = Spectrum.from_tokens(batch.x, batch.y).posterior(Uniform(5.0))
    size = np.sqrt((batch.y**2).mean(axis=1))
    assert (probabilities @ sigmas < 1e-5 * size).all()
    np.testing.assert_allclose(baselines.bayes(batch.x, batch.y, Uniform(5.0)), batch.w, atol=1e-9)


def test_a_broad_posterior_is_not_given_more_nodes_than_asked_for(rng):
    batch = RegressionTask(10, 20, Fixed(2.5)).sample(50, rng)
    whole = Spectrum.from_tokens(batch.x, batch.y)
    for count in (64, 32):
        assert len(whole.posterior(Uniform(5.0), count)[0]) == count


@pytest.mark.parametrize("sigma_max", [1e-30, 1e30])
def test_a_range_far_from_the_labels_ends_where_it_must(sigma_max, rng):
    """All of the range far below the noise gives least squares; far above it, the posterior is that of a wide range."""
    batch = RegressionTask(3, 12, Fixed(1.0)).sample(4, rng)
    expected = (
        baselines.ols(batch.x, batch.y) if sigma_max < 1 else baselines.bayes(batch.x, batch.y, Uniform(1e3))
    )
    np.testing.assert_allclose(baselines.bayes(batch.x, batch.y, Uniform(sigma_max)), expected, rtol=1e-3)


def test_what_is_weighed_in_parts_is_weighed_alike(monkeypatch, rng):
    batch = RegressionTask(4, 20, Uniform(5.0)).sample(6, rng)
    whole = Spectrum.from_tokens(batch.x, batch.y)
    _, at_once = whole.posterior(Uniform(5.0))
    monkeypatch.setattr(spectrum, "NUMBERS", 5 * 6 * 4)
    np.testing.assert_array_equal(whole.posterior(Uniform(5.0))[1], at_once)


def test_a_selection_holds_its_contexts_in_their_order(rng):
    batch = RegressionTask(3, 8, Uniform(2.0)).sample(6, rng)
    whole = Spectrum.from_tokens(batch.x, batch.y)
    some = whole.select(np.array([4, 1]))
    np.testing.assert_allclose(some.ridge(np.ones(2)), whole.ridge(np.ones(6))[[4, 1]], rtol=1e-12)
    np.testing.assert_array_equal(some.residual, whole.residual[[4, 1]])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 1000), st.floats(0.01, 10))
def test_moments_and_tokens_have_one_spectrum(n, d, seed, sigma):
    batch = RegressionTask(d, n, Fixed(sigma)).sample(3, np.random.default_rng(seed))
    tokens = Spectrum.from_tokens(batch.x, batch.y)
    moments = Spectrum.from_moments(tokens.S, n)
    size = 1e-7 * tokens.s.max()
    np.testing.assert_allclose(moments.s, tokens.s, atol=size)
    np.testing.assert_allclose(tokens.s, np.linalg.eigvalsh(batch.x.mT @ batch.x / n), atol=size)
    np.testing.assert_allclose(
        tokens.V @ (tokens.s[..., None] * tokens.V.mT), batch.x.mT @ batch.x / n, atol=size
    )
    strong = np.full(3, 2 * sigma)
    np.testing.assert_allclose(moments.ridge(strong), tokens.ridge(strong), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 1000), st.integers(-40, 40))
def test_the_bayes_optimal_weight_keeps_in_other_units_of_labels_inputs_and_noise(n, d, seed, exponent):
    batch = RegressionTask(d, n, Uniform(3.0)).sample(3, np.random.default_rng(seed))
    c = 10.0**exponent
    w = baselines.bayes(batch.x, batch.y, Uniform(3.0))
    scaled = baselines.bayes(c * batch.x, c * batch.y, Uniform(c * 3.0))
    np.testing.assert_allclose(scaled, w, atol=1e-6 * abs(w).max())
