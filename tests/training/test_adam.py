"""Adam: it finds what is known, restarts do not disturb each other, and what explodes is skipped, counted and pruned."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lt_helpers import RegressionTask, Uniform
from lt_helpers.exercises.gradient import best_step
from lt_helpers.training.adam import Adam, anneal, prune, random_starts
from lt_helpers.training.gradient import forward
from lt_helpers.training.objective import draw
from lt_helpers.training.parameters import family
from lt_helpers.training.plans import AdamSettings, Round, Stage
from lt_helpers.training.search import weighed

TASK = RegressionTask(10, 20, Uniform(2))
QUICK = AdamSettings(batch=64, held_out=500)


def starts(parameters, count, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([parameters.start(rng, TASK.noise) for _ in range(count)])


@pytest.mark.parametrize("kind", ["gd++", "diag"])
def test_adam_finds_the_best_single_layer(kind, rng):
    parameters = family(kind, 1, 10)
    run = Adam(parameters, parameters.start(rng, TASK.noise), TASK, rng)
    for _ in range(400):
        run.step()
    exact = best_step.solution(20, 10, TASK.noise.mean_square)
    np.testing.assert_allclose(-parameters.omegas(run.best)[0, 2], exact, rtol=0.03)


@pytest.mark.parametrize("kind", ["gd++", "diag", "full"])
def test_restarts_side_by_side_are_each_what_it_is_alone(kind):
    parameters = family(kind, 2, 10)
    together = starts(parameters, 3)
    runs = [Adam(parameters, theta, TASK, np.random.default_rng(1), QUICK) for theta in (together, *together)]
    for run in runs:
        for _ in range(30):
            run.step()
    for restart, alone in enumerate(runs[1:]):
        np.testing.assert_allclose(runs[0].theta[restart], alone.theta, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(runs[0].best_loss[restart], alone.best_loss, rtol=1e-3, atol=1e-5)


def test_a_restart_that_explodes_is_counted_and_the_others_go_on(rng):
    parameters = family("diag", 5, 10)
    theta = starts(parameters, 2)
    run = Adam(parameters, theta, TASK, rng, QUICK)
    run.theta[0] = 1e6  # from its first step on
    progress = run.step()
    assert progress.skipped == 1 and np.array_equal(run.theta[0], theta[0])
    assert np.isfinite(progress.loss) and not np.array_equal(run.theta[1], theta[1])
    for _ in range(50):
        progress = run.step()
    assert np.isfinite(run.theta).all() and progress.best < 1
    assert abs(run.theta[0] - theta[0]).max() > 0.01  # it goes on as well


@pytest.mark.parametrize("kind, heads", [("gd++", 1), ("diag", 1), ("diag", 2), ("full", 1)])
def test_numpy_and_torch_take_the_same_way(kind, heads):
    parameters = family(kind, 3, 10, heads)
    theta = starts(parameters, 1)[0]
    settings = AdamSettings(batch=64, learning_rate=0.02, check=10, held_out=500, single=False)
    here, there = (
        Adam(parameters, start, TASK, np.random.default_rng(1), settings)
        for start in (theta, torch.tensor(theta))
    )
    for _ in range(50):
        steps = here.step(), there.step()
        np.testing.assert_allclose(here.theta, there.theta, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(*([step.loss, step.best] for step in steps), rtol=1e-8)
    assert isinstance(here.theta, np.ndarray) and isinstance(there.theta, torch.Tensor)
    assert abs(here.theta - theta).max() > 0.05


def test_without_clipping_it_is_the_adam_of_torch(rng):
    """The same gradients, by torch's own optimiser: its betas are momentum and memory, its eps stands beside the root as here."""
    parameters = family("diag", 2, 10)
    theta = parameters.start(rng, TASK.noise)
    run = Adam(parameters, theta, TASK, rng, replace(QUICK, learning_rate=0.03, clip=np.inf))
    weights = torch.tensor(theta, requires_grad=True)
    theirs = torch.optim.Adam([weights], lr=0.03, betas=(0.9, 0.99), eps=1e-12)
    for _ in range(20):
        gradient = rng.normal(size=theta.shape)
        run.steps += 1
        run.advance(gradient, np.ones(4))
        weights.grad = torch.tensor(gradient)
        theirs.step()
        np.testing.assert_allclose(run.theta, weights.detach(), rtol=1e-10)


def test_a_gradient_that_is_much_longer_than_usual_is_cut(rng):
    parameters = family("diag", 2, 10)
    run = Adam(parameters, parameters.start(rng, TASK.noise), TASK, rng, QUICK)
    for _ in range(30):
        run.steps += 1
        run.advance(np.full((2, 4), 0.1), np.ones(4))
    usual, before = run.usual.item(), run.gradient.copy()
    run.steps += 1
    run.advance(np.full((2, 4), 1e6), np.ones(4))
    cut = (run.gradient - 0.9 * before) / 0.1
    assert np.linalg.norm(cut) == pytest.approx(QUICK.clip * 2 * usual)  # usual may double, and no more


def test_what_is_usual_follows_by_a_twentieth_a_step(rng):
    parameters = family("diag", 2, 10)
    run = Adam(parameters, parameters.start(rng, TASK.noise), TASK, rng, QUICK)
    for length in (1.0, 1.0, 1.4):
        run.steps += 1
        run.advance(np.full((2, 4), length / np.sqrt(8)), np.ones(4))
    assert run.usual.item() == pytest.approx(1 + 0.4 / 20)


def test_the_average_is_of_the_last_steps(rng):
    """The plain mean at first, then one in which each step fades by what `averaging` says."""
    parameters = family("diag", 2, 10)
    run = Adam(parameters, parameters.start(rng, TASK.noise), TASK, rng, replace(QUICK, averaging=4))
    thetas = []
    for _ in range(4):
        run.step()
        thetas.append(run.theta)
    mean = np.mean(thetas, axis=0)
    np.testing.assert_allclose(run.average, mean, rtol=1e-12)
    run.step()
    np.testing.assert_allclose(run.average, 0.75 * mean + 0.25 * run.theta, rtol=1e-12)


def test_a_task_can_be_changed_between_steps(rng):
    parameters = family("diag", 1, 10)
    run = Adam(parameters, parameters.start(rng, TASK.noise), TASK, rng)
    for _ in range(200):
        run.step()
    run.task = RegressionTask(10, 20, Uniform(7))
    for _ in range(200):
        run.step()
    exact = best_step.solution(20, 10, run.task.noise.mean_square)
    np.testing.assert_allclose(-parameters.omegas(run.best)[0, 2], exact, rtol=0.04)


def test_pruning_keeps_a_good_start():
    """The best of sixteen, pruned, is as good on fresh sequences as the median of eight starts that all went the whole way, or better."""
    parameters, rounds = family("diag", 3, 10), (Round(60, 64, 0.02, 4), Round(100, 128, 0.01, 1))
    run = random_starts(parameters, TASK, np.random.default_rng(0), 16)
    prune(run, rounds)
    assert run.best.shape == (1, 3, 4)
    whole = Adam(
        parameters,
        starts(parameters, 8),
        TASK,
        np.random.default_rng(0),
        AdamSettings(batch=64, learning_rate=0.02),
    )
    for _ in range(160):
        whole.step()
    losses = [
        weighed(parameters, theta, TASK, 5_000, np.random.default_rng(2))[0]
        for theta in (run.best[0], *whole.best)
    ]
    assert losses[0] <= np.median(losses[1:])


def test_annealing_comes_closer_to_the_best_single_layer_than_a_steady_rate(rng):
    parameters = family("full", 1, 10)
    sequences = draw(TASK, 20_000, rng, stretches=())
    c = best_step.solution(20, 10, TASK.noise.mean_square)
    exact = sequences.losses(c * sequences.S[:, :10, 10]).mean()

    def excess(theta):
        return sequences.losses(forward(parameters, theta, sequences.S).w).mean() / exact - 1

    run = Adam(
        parameters,
        starts(parameters, 2),
        TASK,
        np.random.default_rng(0),
        AdamSettings(batch=64, learning_rate=0.02),
    )
    for _ in range(400):
        run.step()
    steady = min(excess(theta) for theta in run.theta)
    run.settings = replace(run.settings, averaging=200)
    run.hold_out(draw(TASK, 20_000, rng), run.average)
    anneal(run, Stage(2, 400, 64, 0.02))
    assert excess(run.best[run.best_loss.argmin()]) < 0.01 < steady


def test_the_same_seed_gives_the_same_starts():
    def pruned(seed):
        run = random_starts(family("full", 2, 10), TASK, np.random.default_rng(seed), 4)
        prune(run, (Round(5, 16, 0.01, 2),))
        return run.best

    assert np.array_equal(pruned(3), pruned(3)) and not np.array_equal(pruned(3), pruned(4))


class Listed:
    """A run that takes no step, and keeps what it was told for each."""

    def __init__(self):
        self.settings, self.told, self.average = AdamSettings(), [], "average"

    def step(self):
        self.told.append((self.settings.batch, self.settings.learning_rate))
        return len(self.told)

    def weigh(self, theta):
        self.told.append(f"weighs {theta}")

    def keep(self, count):
        self.told.append(f"keeps {count}")


def test_a_rate_falls_to_nothing_as_half_a_cosine():
    """Flat at first, steepest half-way, flat at the end: (1 + cos) / 2 of 0, 45, 90 and 135 degrees."""
    run, seen = Listed(), []
    anneal(run, Stage(1, 4, 32, 0.02), seen.append)
    root = 1 / np.sqrt(2)
    rates = 0.02 * np.array([1, (1 + root) / 2, 1 / 2, (1 - root) / 2])
    np.testing.assert_allclose([rate for _, rate in run.told[:4]], rates)
    assert {batch for batch, _ in run.told[:4]} == {32} and run.told[4:] == ["weighs average"]
    assert seen == [1, 2, 3, 4]


def test_a_round_has_its_own_batch_and_rate_and_is_weighed_before_some_are_left():
    run, seen = Listed(), []
    prune(run, (Round(2, 64, 0.02, 5), Round(1, 128, 0.01, 3)), seen.append)
    first, second = (64, 0.02), (128, 0.01)
    assert run.told == [first, first, "weighs average", "keeps 5", second, "weighs average", "keeps 3"]
    assert seen == [1, 2, 5]


def test_all_that_is_known_of_a_restart_stays_with_it(rng):
    parameters = family("diag", 2, 10)
    run = Adam(parameters, starts(parameters, 4), TASK, rng, QUICK)
    for _ in range(3):
        run.step()
    run.best_loss = np.array([3.0, 1.0, 4.0, 2.0])
    names = ("theta", "average", "best", "best_loss", "gradient", "square", "usual")
    before = {name: getattr(run, name) for name in names}
    run.keep(3)
    for name in names:
        np.testing.assert_array_equal(getattr(run, name), before[name][[1, 3, 0]], err_msg=name)


def test_what_is_weighed_now_and_then_is_the_average(rng):
    """On the held-out sequences, by the mean of their weighted losses; the plain last step is another."""
    parameters = family("diag", 2, 10)
    run = Adam(parameters, starts(parameters, 1)[0], TASK, rng, replace(QUICK, check=4, single=False))
    run.hold_out(draw(TASK, 500, rng), run.average)
    for _ in range(3):
        run.step()
    first = run.best.copy()
    run.step()
    held = run.held_out

    def loss(theta):
        losses = held.losses(forward(parameters, theta, held.S).w)
        return (held.weight * losses / (1 + losses / run.settings.rare)).mean()

    better = run.average if loss(run.average) < loss(first) else first
    np.testing.assert_array_equal(run.best, better)
    assert run.best_loss == pytest.approx(loss(better)) and loss(run.theta) != pytest.approx(
        loss(run.average)
    )


def test_the_gradient_is_of_a_loss_that_counts_an_explosion_by_its_logarithm(rng, monkeypatch):
    """The weighted mean of pull log(1 + loss / pull), by differences; a step gets it in units."""
    parameters = family("diag", 2, 10)
    theta = starts(parameters, 1)[0]
    settings = replace(QUICK, pull=0.5, single=False)
    run = Adam(parameters, theta, TASK, np.random.default_rng(1), settings)
    state = run.rng.bit_generator.state
    told = []
    monkeypatch.setattr(run, "advance", lambda gradient, units: told.append((gradient, units)))
    run.step()
    run.rng.bit_generator.state = state
    sequences = draw(TASK, settings.batch, run.rng)

    def loss(theta):
        losses = sequences.losses(forward(parameters, theta, sequences.S).w)
        return (sequences.weight * 0.5 * np.log(1 + losses / 0.5)).mean()

    ((gradient, units),) = told
    for place in np.ndindex(theta.shape):
        step = np.zeros_like(theta)
        step[place] = 1e-6
        by_differences = (loss(theta + step) - loss(theta - step)) / 2e-6
        assert gradient[place] == pytest.approx(by_differences * units[place[1]], rel=1e-5, abs=1e-8)
