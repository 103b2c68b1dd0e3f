"""GD++: the integral over one eigenvalue against whole models on whole contexts."""

import numpy as np
import pytest

from lt_helpers.noise import Categorical, Fixed, Uniform
from lt_helpers.spectrum import Spectrum
from lt_helpers.task import RegressionTask
from lt_helpers.training import eigenvalues as eigenvalues_module
from lt_helpers.training.eigenvalues import Grid, eigenvalues, residual_share, solve
from lt_helpers.training.gradient import forward
from lt_helpers.training.objective import draw
from lt_helpers.training.parameters import family
from lt_helpers.training.search import weighed

pytestmark = pytest.mark.slow

TASK = RegressionTask(10, 20, Fixed(0))
OMEGA = np.array([[-0.25, -0.4], [-1.2, -1.6], [0.0, -6.0]])


@pytest.fixture(scope="module")
def grid():
    return eigenvalues(TASK, np.random.default_rng(0))


@pytest.fixture
def fewer_draws(monkeypatch):
    """A coarser grid, where the search is the subject and not the grid: the law of the eigenvalues is tested with all draws."""
    monkeypatch.setattr(eigenvalues_module, "DRAWS", 50_000)


def test_the_integral_is_the_loss_of_the_model(grid):
    s, probability = grid
    integral = TASK.dim / 2 * probability @ residual_share(OMEGA, s)[0] ** 2
    theta = np.zeros((3, 4))
    theta[:, [0, 2]] = OMEGA
    sequences = draw(TASK, 100_000, np.random.default_rng(1), stretches=())
    losses = sequences.losses(forward(family("gd++", 3, 10), theta, sequences.S).w)
    assert probability.sum() == pytest.approx(1)
    assert integral == pytest.approx(losses.mean(), abs=4 * losses.std() / np.sqrt(len(losses)))


def test_with_noise_the_integral_is_the_loss_of_a_model_that_is_far_from_its_best(grid):
    """An excess over ConstRR that is weighed as the components of alpha scatter, and what ConstRR itself loses."""
    task = RegressionTask(10, 20, Uniform(5))
    over = Grid(*grid, task, 3)
    theta = np.zeros((3, 4))
    theta[:, [0, 2]] = [[-0.1, -0.2], [-0.1, -0.2], [0.0, 0.4]]
    sequences = draw(task, 20_000, np.random.default_rng(1), stretches=())
    losses = sequences.losses(forward(family("gd++", 3, 10), theta, sequences.S).w)
    loss = (over.misfit(theta[:, [0, 2]].ravel()) ** 2).sum() + over.const_rr()
    assert loss == pytest.approx(losses.mean(), abs=4 * losses.std() / np.sqrt(len(losses)))
    assert loss > 3 * over.const_rr()


@pytest.mark.usefixtures("fewer_draws")
@pytest.mark.parametrize("noise", [Uniform(5), Categorical((1, 3))])
def test_with_noise_it_comes_near_to_ridge_regression_with_one_penalty_and_knows_its_loss(noise):
    task, gd = RegressionTask(10, 20, noise), family("gd++", 4, 10)
    found = solve(gd, task, 0, {"weak": np.array([[-0.1, 0, -0.3, 0]] * 4)})
    loss, error, *_ = weighed(gd, found.theta, task, 50_000, np.random.default_rng(1))
    assert found.loss == pytest.approx(loss, abs=4 * error)
    moments = task.sample_moments(50_000, np.random.default_rng(2))
    spectrum, penalty = Spectrum.from_moments(moments.S, 20), np.full(50_000, np.sqrt(noise.mean_square))
    const_rr = ((spectrum.ridge(penalty) - spectrum.ridge(moments.sigma)) ** 2).sum(1).mean() / 2
    assert const_rr * 0.98 < found.loss < const_rr * 1.03


def test_small_eigenvalues_are_as_rare_as_in_many_contexts(grid):
    s, probability = grid
    rng, edge = np.random.default_rng(1), 0.02
    drawn = np.concatenate(
        [np.linalg.eigvalsh(TASK.sample_moments(200_000, rng).S[:, :10, :10])[:, 0] for _ in range(2)]
    )
    count = (drawn < edge).sum()
    assert count > 15 and probability[s < edge].sum() * 10 * len(drawn) == pytest.approx(
        count, abs=4 * np.sqrt(count)
    )


def test_derivatives_are_those_of_differences():
    s = np.linspace(0.05, 4, 50)
    for i in range(OMEGA.size):
        step = np.zeros(OMEGA.size)
        step[i] = 1e-6
        there, back = (residual_share(OMEGA + sign * step.reshape(OMEGA.shape), s)[0] for sign in (1, -1))
        np.testing.assert_allclose(
            residual_share(OMEGA, s)[1][i], (there - back) / 2e-6, rtol=1e-4, atol=1e-4
        )


@pytest.mark.usefixtures("fewer_draws")
def test_no_start_is_lost_and_the_best_is_kept():
    warm = {"by hand": np.array([[-0.41, 0, -0.43, 0], [0, 0, -3.5, 0]])}
    found = solve(family("gd++", 2, 10), TASK, 0, warm)
    assert 0.26 < found.loss < 0.27 and found.theta.shape == (2, 4) and not found.interrupted
    np.testing.assert_array_equal(found.theta[:, [1, 3]], 0)


@pytest.mark.usefixtures("fewer_draws")
def test_an_interrupt_keeps_the_best_so_far():
    def interrupt(report):
        if report.done == 2:
            raise KeyboardInterrupt

    found = solve(family("gd++", 2, 10), TASK, 0, {}, interrupt)
    assert found.interrupted and np.isfinite(found.loss)
