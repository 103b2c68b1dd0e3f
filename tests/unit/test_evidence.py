"""Evidence ridge: the most probable sigma, by brute force and by what it must not depend on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lt_helpers import Categorical, Fixed, RegressionTask, Uniform, baselines, risk
from lt_helpers.evaluate import evaluate
from lt_helpers.spectrum import Spectrum


def density(x, y, sigma):
    """log N(y; 0, X X^T + sigma^2 I) of one context, but for a constant, by the covariance of its labels."""
    C = x @ x.T + sigma**2 * np.eye(len(y))
    return -(np.linalg.slogdet(C)[1] + y @ np.linalg.solve(C, y)) / 2


def contexts(seed, B, n, d):
    """Inputs and truths of very different sizes, and noise from next to none to a hundred times as much."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(B, n, d)) * 10 ** rng.uniform(-1.5, 1.5, size=(B, 1, d))
    w = rng.normal(size=(B, d)) * 10 ** rng.uniform(-1.5, 1.5, size=(B, d))
    sigma = 10 ** rng.uniform(-2, 2, size=(B, 1))
    return x, (x @ w[..., None])[..., 0] + sigma * rng.normal(size=(B, n))


@pytest.mark.parametrize("n, d", [(20, 10), (9, 2), (11, 3), (6, 6), (3, 6), (1, 1)])
def test_no_sigma_of_a_dense_grid_makes_the_labels_more_probable(n, d):
    x, y = contexts(n, 20, n, d)
    found = Spectrum.from_tokens(x, y).noise_by_evidence()
    for x_b, y_b, sigma in zip(x, y, found):
        grid = np.geomspace(1e-3, 2, 300) * np.linalg.norm(y_b)
        best = max(density(x_b, y_b, other) for other in grid)
        assert density(x_b, y_b, max(sigma, 1e-3 * np.linalg.norm(y_b))) > best - 1e-6


@pytest.mark.parametrize("n, d", [(20, 10), (40, 3)])
def test_the_weight_is_the_ridge_solution_of_the_most_probable_sigma(n, d, rng):
    batch = RegressionTask(d, n, Uniform(3.0)).sample(5, rng)
    for x, y, w in zip(batch.x, batch.y, baselines.evidence_ridge(batch.x, batch.y)):
        grid = np.linspace(0.01, 6, 3000)
        sigma = grid[np.argmax([density(x, y, one) for one in grid])]
        by_hand = np.linalg.solve(x.T @ x + sigma**2 * np.eye(d), x.T @ y)
        np.testing.assert_allclose(w, by_hand, atol=2e-3)


def test_of_two_peaks_the_higher_one_is_found():
    """The same labels are a faint direction with little noise, or nothing but noise; a dense grid says which is more probable."""
    x, y = contexts(5, 3000, 9, 2)
    spectrum = Spectrum.from_tokens(x, y)
    grid = np.geomspace(1e-4, 2, 1500) * np.linalg.norm(y, axis=1)[:, None]  # (B, K)
    scores = np.concatenate([spectrum.log_likelihood(part) for part in np.split(grid, 30, axis=1)], axis=1)
    rises = np.diff(scores, axis=1) > 0
    assert ((rises[:, 1:] & ~rises[:, :-1]).sum(axis=1) > 0).sum() > 20  # a valley: there are two peaks
    found = spectrum.log_likelihood(spectrum.noise_by_evidence()[:, None])[:, 0]
    assert (found > scores.max(axis=1) - 1e-9).all()


@pytest.mark.parametrize("n, d", [(20, 10), (6, 3)])
def test_labels_without_noise_get_least_squares(n, d, rng):
    batch = RegressionTask(d, n, Fixed(0)).sample(50, rng)
    assert (Spectrum.from_tokens(batch.x, batch.y).noise_by_evidence() == 0).all()
    np.testing.assert_allclose(baselines.evidence_ridge(batch.x, batch.y), batch.w, atol=1e-9)


def test_labels_that_are_all_zero_get_no_noise_and_no_weight(rng):
    x = rng.normal(size=(2, 5, 3))
    assert (Spectrum.from_tokens(x, np.zeros((2, 5))).noise_by_evidence() == 0).all()
    assert (baselines.evidence_ridge(x, np.zeros((2, 5))) == 0).all()


def test_with_many_examples_the_most_probable_sigma_is_the_true_one(rng):
    batch = RegressionTask(10, 20_000, Uniform(5.0)).sample(20, rng)
    found = Spectrum.from_tokens(batch.x, batch.y).noise_by_evidence()
    assert (abs(found / batch.sigma - 1) < 4 / np.sqrt(2 * 20_000)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 1000), st.integers(-40, 40))
def test_it_turns_with_the_inputs_and_keeps_its_weight_in_other_units(n, d, seed, exponent):
    """w ~ N(0, I) knows no direction; c x and c y have the same w, for c sigma."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(3, n, d)), rng.normal(size=(3, n))
    w = baselines.evidence_ridge(x, y)
    features, examples = (np.linalg.qr(rng.normal(size=(size, size)))[0] for size in (d, n))
    c = 10.0**exponent
    size = 1e-4 * abs(w).max()  # where the likelihood is flat, rounding moves its peak
    np.testing.assert_allclose(baselines.evidence_ridge(x @ features, y), w @ features, atol=size)
    np.testing.assert_allclose(baselines.evidence_ridge(examples @ x, y @ examples.T), w, atol=size)
    np.testing.assert_allclose(baselines.evidence_ridge(c * x, c * y), w, atol=size)
    np.testing.assert_allclose(baselines.evidence_ridge(x, -y), -w, atol=size)


@pytest.mark.parametrize(
    "noise, expected",
    [(Uniform(5.0), 0.053), (Categorical((1, 3)), 0.0435), (Categorical((1, 3, 5)), 0.059)],
    ids=["u5", "c13", "c135"],
)
def test_its_excess_lies_between_adarrs_and_the_best_possible(noise, expected, rng):
    task = RegressionTask(10, 20, noise)
    found = risk(baselines.evidence_ridge, task, 8_000, rng)
    assert abs(found.excess - expected) < 3 * found.excess_error + 5e-4  # .053 stands for .0525 to .0535
    losses = baselines.stored_losses()[noise.key]
    assert losses["Bayes-optimal"][0] < found.excess - 4 * found.excess_error
    assert found.excess + 4 * found.excess_error < losses["AdaRR"][0]


def test_it_joins_the_ladder_on_demand_and_leaves_the_papers_as_it_is(rng):
    noise = Uniform(5.0)
    papers = ["ConstRR", "AdaRR", "TunedRR", "Bayes-optimal"]
    assert list(baselines.on_spectrum(noise)) == papers
    ladder = baselines.on_spectrum(noise, evidence=True)
    assert list(ladder) == [*papers[:2], "EvidenceRR", *papers[2:]]
    batch = RegressionTask(10, 20, noise).sample(20, rng)
    w = ladder["EvidenceRR"](Spectrum.from_tokens(batch.x, batch.y))
    np.testing.assert_array_equal(w, baselines.evidence_ridge(batch.x, batch.y))
    losses = [one.loss for one in evaluate(ladder, RegressionTask(10, 20, noise), 4_000, rng).values()]
    assert losses == sorted(losses, reverse=True)
