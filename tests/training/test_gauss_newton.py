"""Gauss-Newton, step by step: the equation that it solves, when it takes a step, and what it makes of one that fails."""

from dataclasses import replace

import numpy as np
import pytest

from lt_helpers import RegressionTask, Uniform
from lt_helpers.training.gauss_newton import NORMAL, GaussNewton
from lt_helpers.training.gradient import forward
from lt_helpers.training.objective import draw
from lt_helpers.training.parameters import family
from lt_helpers.training.plans import NewtonSettings

TASK = RegressionTask(4, 12, Uniform(2))
SETTINGS = NewtonSettings(
    batch=256, thin=2, damping=1.5, least_damping=0.01, most_damping=30.0, refresh=1, held_out=500
)


@pytest.fixture
def run(rng):
    parameters = family("diag", 2, 4, heads=2)
    return GaussNewton(parameters, parameters.start(rng, TASK.noise), TASK, rng, SETTINGS)


def observed(run, rng):
    """Let a run see a batch, and no more -> what it then advances with"""
    sequences = draw(TASK, 256, rng)
    done = forward(run.family, run.theta, sequences.S)
    losses = sequences.losses(done.w)
    run.observe(done, sequences, losses)
    return sequences, losses, (sequences.weight * losses).mean()


def test_a_step_solves_the_damped_equation(run, rng):
    run.damping = 20.0
    before, batch = run.theta.copy(), observed(run, rng)
    H, g = run.curvature.copy(), run.gradient.copy()
    run.advance(*batch)
    damped = H + 20 * np.diag(np.diag(H) + 1e-3 * np.trace(H) / len(H))
    np.testing.assert_allclose((run.theta - before).ravel(), -np.linalg.solve(damped, g), rtol=1e-9)
    assert run.skipped == 0


def test_gradient_and_curvature_are_averages_of_what_was_seen(run, rng):
    """The first batches count alike; later ones at least as much as the settings say: 1 - momentum, 1 - memory."""
    run.settings = replace(SETTINGS, momentum=0.5)
    gradients, curvatures = [], []
    for seed in range(4):
        alone = GaussNewton(run.family, run.theta, TASK, rng, SETTINGS)
        for each in (run, alone):
            each.rng = np.random.default_rng(seed)  # of the directions across
            observed(each, np.random.default_rng(100 + seed))
        gradients.append(alone.gradient)
        curvatures.append(alone.curvature)
    assert np.std(gradients, axis=0).max() > 0.01
    after_two = (gradients[0] + gradients[1]) / 2
    np.testing.assert_allclose(
        run.gradient, after_two / 4 + gradients[2] / 4 + gradients[3] / 2, rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(run.curvature, np.mean(curvatures, axis=0), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("d", [2, 3, 10])
def test_directions_along_and_across_make_up_the_identity(run, d):
    """Across are d - 1 directions, of which one is drawn: so long that its square stands for all of them."""
    run.rng = np.random.default_rng(0)
    along = np.tile(np.eye(d)[0], (60_000, 1))
    across = run.random_directions(along)
    np.testing.assert_allclose((across * along).sum(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose((across**2).sum(axis=1), d - 1)
    mean = along.T @ along / len(along) + across.T @ across / len(across)
    np.testing.assert_allclose(mean, np.eye(d), atol=0.06)


def test_of_a_thinned_batch_each_sequence_counts_by_its_own_weight(run, rng):
    """One in two gives curvature: what the others weigh is of no account."""
    sequences = draw(TASK, 256, rng)
    done = forward(run.family, run.theta, sequences.S)
    curvatures = []
    for others in (1.0, 1e6):
        each = GaussNewton(run.family, run.theta, TASK, np.random.default_rng(3), SETTINGS)
        weight = np.where(np.arange(256) % 2, others, 1.0)
        each.observe(done, replace(sequences, weight=weight), sequences.losses(done.w))
        curvatures.append(each.curvature)
    np.testing.assert_allclose(curvatures[0], curvatures[1])


def test_the_last_ten_losses_are_remembered(run):
    losses = [run.step().loss for _ in range(13)]
    assert run.recent == losses[-10:]


def test_a_step_that_raises_the_loss_is_not_taken_and_the_next_is_shorter(run, rng):
    before, batch = run.theta.copy(), observed(run, rng)
    run.gradient = -100 * run.gradient  # up, and far
    run.advance(*batch)
    np.testing.assert_array_equal(run.theta, before)
    assert run.skipped == 1 and run.damping == 6.0 and run.solve is None


def test_the_damping_falls_where_the_model_holds_and_keeps_within_its_bounds(rng):
    """The loss of a single layer of GD++ is a parabola."""
    parameters = family("gd++", 1, 4)
    run = GaussNewton(parameters, parameters.start(rng, TASK.noise), TASK, rng, SETTINGS)
    run.step()
    assert run.damping == 1.5 / 1.2 and run.skipped == 0
    assert run.solve is not None
    run.damp(1.1)
    assert run.solve is None  # what was factorised had less damping
    run.damp(1e-9)
    assert run.damping == 0.01
    run.damp(1e9)
    assert run.damping == 30.0


@pytest.mark.parametrize(
    "gain, error, factor",
    [
        (1.0, 0.05, 1 / 1.2),  # as foretold
        (0.6, 0.05, 1 / 1.2),
        (0.4, 0.05, 1.0),
        (0.1, 0.05, 1.5),  # hardly anything
        (0.1, 0.5, 1.0),  # which may be chance
        (-0.2, 0.05, 4.0),  # up: the step is not taken
        (-0.2, 0.5, 1.0),
    ],
)
def test_the_damping_follows_what_a_step_gains_of_what_was_foretold(run, rng, gain, error, factor):
    """Both in units of what the quadratic model foretells, for a step so small that the losses of the batch are what we say they are."""
    sequences, _, _ = observed(run, rng)
    run.gradient = 1e-4 * run.gradient
    H, g = run.curvature, run.gradient
    damped = H + 1.5 * np.diag(np.diag(H) + 1e-3 * np.trace(H) / len(H))
    move = -np.linalg.solve(damped, g)
    foretold = -(g @ move) - move @ H @ move / 2
    there = sequences.losses(forward(run.family, run.theta + move.reshape(run.theta.shape), sequences.S).w)

    # Half of the batch gains more by so much, and half less: by what the mean is uncertain.
    signs = np.resize([1, -1], 256)
    gains = foretold * (gain + error * np.sqrt(255) * signs)
    bounded = there / (1 + there / 10) + gains / sequences.weight
    before = bounded / (1 - bounded / 10)
    run.advance(sequences, before, 0.0)
    assert run.damping == pytest.approx(1.5 * factor)
    assert run.skipped == (factor == 4)


def test_a_batch_that_loses_half_again_what_the_last_ones_did_is_an_accident_until_it_is_the_rule(run):
    run.recent = [1.0] * 9
    assert not run.has_exploded(50.0)  # too few to compare with
    run.recent = [1.0] * 10
    assert not run.has_exploded(1.4) and run.has_exploded(1.6)
    assert not run.has_exploded(1.0)
    assert [run.has_exploded(1.6) for _ in range(NORMAL)] == [True] * (NORMAL - 1) + [False]


def test_late_steps_weigh_most_in_the_average(run):
    """Step i weighs i (i + 1) (i + 2) (i + 3), as in polynomial averaging (Shamir and Zhang 2013)."""
    thetas = []
    while len(thetas) < 8:
        skipped = run.skipped
        run.step()
        if run.skipped == skipped:
            thetas.append(run.theta.copy())
    weights = np.array([i * (i + 1) * (i + 2) * (i + 3) for i in range(1, 9)], float)
    np.testing.assert_allclose(run.average, np.tensordot(weights / weights.sum(), thetas, 1), rtol=1e-9)
