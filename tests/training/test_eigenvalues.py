"""GD++ without noise: the integral over one eigenvalue against whole models on whole contexts."""

import numpy as np
import pytest
import torch

from lt_helpers.noise import Fixed
from lt_helpers.task import RegressionTask
from lt_helpers.training.eigenvalues import eigenvalues, solve, unexplained
from lt_helpers.training.gradient import forward
from lt_helpers.training.objective import draw
from lt_helpers.training.parameters import family

TASK = RegressionTask(10, 20, Fixed(0))
OMEGA = np.array([[-0.25, -0.4], [-1.2, -1.6], [0.0, -6.0]])


@pytest.fixture(scope="module")
def grid():
    return eigenvalues(TASK, np.random.default_rng(0))


def test_the_integral_is_the_loss_of_the_model(grid):
    s, probability = grid
    integral = TASK.dim / 2 * probability @ unexplained(OMEGA, s)[0] ** 2
    theta = torch.zeros(3, 4, dtype=torch.float64)
    theta[:, [0, 2]] = torch.from_numpy(OMEGA)
    sequences = draw(TASK, 100_000, np.random.default_rng(1), share=0)
    losses = sequences.losses(forward(family("gd++", 3, 10), theta, sequences.S).w)
    assert probability.sum() == pytest.approx(1)
    assert integral == pytest.approx(losses.mean().item(), abs=4 * losses.std().item() / np.sqrt(len(losses)))


def test_small_eigenvalues_are_as_rare_as_in_many_contexts(grid):
    s, probability = grid
    rng, edge = np.random.default_rng(1), 0.02
    drawn = np.concatenate([np.linalg.eigvalsh(TASK.sample_moments(200_000, rng).S[:, :10, :10])[:, 0] for _ in range(2)])
    count = (drawn < edge).sum()
    assert count > 15 and probability[s < edge].sum() * 10 * len(drawn) == pytest.approx(count, abs=4 * np.sqrt(count))


def test_derivatives_are_those_of_differences():
    s = np.linspace(0.05, 4, 50)
    for i in range(OMEGA.size):
        step = np.zeros(OMEGA.size)
        step[i] = 1e-6
        there, back = (unexplained(OMEGA + sign * step.reshape(OMEGA.shape), s)[0] for sign in (1, -1))
        np.testing.assert_allclose(unexplained(OMEGA, s)[1][i], (there - back) / 2e-6, rtol=1e-4, atol=1e-4)


def test_no_start_is_lost_and_the_best_is_kept():
    warm = {"by hand": torch.tensor([[-0.41, 0, -0.43, 0], [0, 0, -3.5, 0]], dtype=torch.float64)}
    found = solve(family("gd++", 2, 10), TASK, 0, warm)
    assert 0.26 < found.loss < 0.27 and found.theta.shape == (2, 4) and not found.interrupted
    np.testing.assert_array_equal(found.theta[:, [1, 3]], 0)


def test_an_interrupt_keeps_the_best_so_far():
    def interrupt(report):
        if report.done == 2:
            raise KeyboardInterrupt

    found = solve(family("gd++", 2, 10), TASK, 0, {}, interrupt)
    assert found.interrupted and np.isfinite(found.loss)
