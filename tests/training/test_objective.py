"""What is drawn and what is made small."""

import numpy as np
import pytest
import torch

from lt_helpers import Categorical, Fixed, LinearTransformer, RegressionTask, Uniform, adjusted_loss
from lt_helpers.training.arrays import padded
from lt_helpers.training.gradient import forward
from lt_helpers.training.objective import capped, count_capped, draw
from lt_helpers.training.parameters import Diag
from lt_helpers.training.plans import LIMIT, STRETCHES, Stretch
from lt_helpers.training.search import weighed


def test_the_oracle_is_ridge_that_is_told_sigma(rng):
    task = RegressionTask(3, 9, Fixed(0.7))
    sequences = draw(task, 5, rng)
    factor = np.linalg.cholesky(sequences.S[:, :4, :4])  # d + 1 pseudo-tokens, mean = sum / 9
    tokens = 3 * factor.mT
    np.testing.assert_allclose(sequences.oracle, ridge_by_hand(tokens, 0.7), atol=1e-10)


def ridge_by_hand(tokens, sigma):
    x, y = tokens[..., :-1], tokens[..., -1:]
    return np.linalg.solve(x.mT @ x + sigma**2 * np.eye(x.shape[-1]), x.mT @ y)[..., 0]


def test_short_contexts_have_an_oracle_too(rng):
    sequences = draw(RegressionTask(5, 3, Fixed(0.0)), 4, rng)
    assert np.isfinite(sequences.oracle).all()


@pytest.mark.parametrize(
    "noise", [Uniform(2), Categorical((0, 1)), Fixed(1e-12)], ids=lambda noise: noise.key
)
@pytest.mark.parametrize(
    "stretches", [STRETCHES, (Stretch(0.3, noise=1.4),), (*STRETCHES, Stretch(0.2, 1.3, 0.9, 1.4))]
)
def test_stretched_sequences_weigh_what_they_must(stretches, noise, rng):
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    sequences = draw(RegressionTask(2, 6, noise, covariance), 200_000, rng, stretches)
    plain = draw(RegressionTask(2, 6, noise, covariance), 200_000, rng, stretches=())
    assert (plain.weight == 1).all()
    assert sequences.weight.max() <= 1 / (1 - sum(stretch.share for stretch in stretches)) + 1e-12
    for moment in (
        lambda s: s.S[:, 2, 2],
        lambda s: s.S[:, 2, 2] ** 2,
        lambda s: s.S[:, 0, 1],
        lambda s: s.oracle[:, 0] ** 2,
        lambda s: np.ones(len(s.S)),
    ):
        weighted, unweighted = moment(sequences) * sequences.weight, moment(plain)
        error = np.hypot(weighted.std(), unweighted.std()) / np.sqrt(200_000)
        assert abs(weighted.mean() - unweighted.mean()) <= 5 * error


def test_the_loss_is_the_packages_adjusted_loss(rng):
    task = RegressionTask(3, 8, Uniform(1), np.diag([1.0, 2.0, 0.5]))
    model = LinearTransformer.random("diag", 3, 2, 1, rng)
    family = Diag(2, 3)
    here, error, _, diverged = weighed(family, family.read(model), task, 40_000, rng)
    there, error_there = adjusted_loss(model, task, 40_000, rng)
    assert abs(here - there) < 5 * np.hypot(error, error_there) and diverged == 0


def test_one_explosion_cannot_rule_a_mean():
    losses = np.array([1.0, 1e300, np.inf, np.nan])
    for kind in (np.asarray, torch.from_numpy):
        bounded = np.asarray(capped(kind(losses)))
        assert (bounded <= LIMIT).all() and bounded[0] == 1 / (1 + 1 / LIMIT)


def test_what_a_capped_mean_does_not_show_is_counted():
    losses = np.array([[1.0, 1e300, np.inf, np.nan], [0.0, 1.0, 2.0, 9_999.0]])
    for kind in (np.asarray, torch.from_numpy):
        assert count_capped(kind(losses)).tolist() == [3, 0]


def test_padding_changes_nothing(rng):
    S = draw(RegressionTask(10, 20, Uniform(1)), 3, rng).S[:, :11, :11]
    assert padded(S).shape == (3, 12, 12)
    family = Diag(2, 10)
    theta = family.start(rng, Uniform(1))
    model = family.model(theta, 20)
    np.testing.assert_allclose(forward(family, theta, padded(S)).w, model.implicit_weight(S), atol=1e-12)
