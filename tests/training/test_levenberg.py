"""Levenberg-Marquardt on a fixed set: its equations against differences, and where it ends against a closed form."""

import numpy as np
import pytest
import torch

from lt_helpers import RegressionTask, Uniform
from lt_helpers.training import levenberg
from lt_helpers.training.gradient import forward
from lt_helpers.training.levenberg import Descents, descend, normal_equations
from lt_helpers.training.objective import draw
from lt_helpers.training.parameters import family

TASK = RegressionTask(3, 8, Uniform(2), np.array([[2.0, 0.5, 0], [0.5, 1.0, 0], [0, 0, 0.5]]))


@pytest.fixture
def sequences(rng):
    """Some of them stretched, so that they weigh differently."""
    return draw(TASK, 40, rng).of(torch.from_numpy)


def misfits(parameters, theta, sequences):
    """r (B, d) with half |r|^2 the loss of a sequence, as an array."""
    w = forward(parameters, torch.from_numpy(theta), sequences.S).w
    return np.asarray((w - sequences.oracle) @ sequences.root)


@pytest.mark.parametrize("kind", ["diag", "full"])
def test_the_equations_are_those_of_the_weighted_squares(kind, sequences, rng):
    """The Jacobian by differences, one parameter after the other."""
    parameters = family(kind, 2, 3)
    theta, weight = parameters.start(rng, TASK.noise), np.asarray(sequences.weight)
    columns = []
    for place in np.ndindex(theta.shape):
        step = np.zeros_like(theta)
        step[place] = 1e-6
        ahead, behind = (misfits(parameters, theta + sign * step, sequences) for sign in (1, -1))
        columns.append((ahead - behind) / 2e-6)
    J, r = np.stack(columns, axis=-1), misfits(parameters, theta, sequences)  # (B, d, L K), (B, d)
    run = forward(parameters, torch.from_numpy(theta), sequences.S)
    gradient, curvature = normal_equations(parameters, run, sequences)
    assert weight.std() > 0.1
    np.testing.assert_allclose(gradient, np.einsum("b,bd,bdk->k", weight, r, J) / 40, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(curvature, np.einsum("b,bdk,bdl->kl", weight, J, J) / 40, rtol=1e-5, atol=1e-7)


def test_a_descent_ends_at_the_best_single_step(sequences, rng):
    """w = c alpha: c by least squares over these very sequences, each with its weight."""
    parameters, seen = family("gd++", 1, 3), []
    start = torch.from_numpy(parameters.start(rng, TASK.noise))
    theta, loss, taken = descend(
        parameters, start, sequences, 30, lambda step, loss: seen.append((step, loss))
    )
    S, oracle, weight = (np.asarray(each) for each in (sequences.S, sequences.oracle, sequences.weight))
    alpha = S[:, :3, 3]
    turned = alpha @ TASK.covariance
    c = (weight * (turned * oracle).sum(axis=1)).sum() / (weight * (turned * alpha).sum(axis=1)).sum()
    np.testing.assert_allclose(-parameters.omegas(theta)[0, 2], c, rtol=1e-6)
    missed = c * alpha - oracle
    np.testing.assert_allclose(
        loss, (weight * np.einsum("bi,ij,bj->b", missed, TASK.covariance, missed)).mean() / 2
    )
    assert [step for step, _ in seen] == list(range(1, taken + 1)) and taken < 30
    assert (np.diff([loss for _, loss in seen]) < 0).all()


def test_a_start_is_tried_as_it_came_and_with_shares_of_noise():
    parameters = family("diag", 2, 3)
    theta = torch.arange(1.0, 9.0, dtype=torch.float64).reshape(2, 4)
    starts = Descents(parameters, TASK, 0, {"given": theta}, None).starts
    assert list(starts) == ["given", "given, 1% of noise", "given, 10% of noise"]
    moved = [((starts[name] - theta) / theta).numpy() for name in starts]
    assert (moved[0] == 0).all()
    assert 0.003 < moved[1].std() < 0.03 < moved[2].std() < 0.3


def test_full_descends_from_what_it_is_given_alone_and_for_fewer_steps():
    """Its hundreds of numbers cost much a step, and add next to nothing to GD++."""
    few, many = family("diag", 3, 4).descent(), family("full", 3, 4).descent()
    assert many.steps <= few.steps / 10 and many.jitter == () and len(few.jitter) == 2


def test_steps_are_counted_beforehand_and_along_the_way(monkeypatch):
    """As many for each start as for the best of them, which goes on; a start that ends sooner leaves a gap in the count."""
    for name in ("TRIAL", "FINAL", "CHOICE"):
        monkeypatch.setattr(levenberg, name, 200)
    parameters, seen = family("gd++", 1, 3), []
    starts = {
        name: parameters.start(np.random.default_rng(seed), TASK.noise) for seed, name in enumerate("ab")
    }
    found = levenberg.solve(parameters, TASK, 0, starts, seen.append)
    jittered = [f"{name}, {share} of noise" for name in "ab" for share in ("1%", "10%")]
    names = ["a", "b", *jittered]
    assert {report.total for report in seen} == {40 * (6 + 1)}
    for report in seen:
        parts = [40 * place for place, name in enumerate(names) if name == report.start] + [40 * 6]
        assert any(part < report.done <= part + 40 for part in parts)
    assert found.steps == len(seen) and found.start in names
    np.testing.assert_array_equal(
        [report.best for report in seen], np.minimum.accumulate([report.loss for report in seen])
    )


def test_near_the_bottom_the_damping_vanishes_and_steps_are_newtons(sequences):
    """The loss of a single layer of GD++ is a parabola, and each step that is damped by lambda leaves lambda / (1 + lambda) of the way."""
    parameters, losses = family("gd++", 1, 3), []
    start = torch.from_numpy(parameters.start(np.random.default_rng(3), TASK.noise))
    descend(parameters, start, sequences, 3, lambda step, loss: losses.append(loss))
    bottom = descend(parameters, start, sequences, 30)[1]
    before = levenberg.look(parameters, start, sequences)[1]
    left = np.sqrt((np.array([before, *losses]) - bottom) / (before - bottom))
    np.testing.assert_allclose(left[1:3] / left[:2], [0.01 / 1.01, 0.002 / 1.002], rtol=0.05)


def test_where_a_step_leads_up_shorter_ones_are_tried(sequences):
    """From this start the first step, hardly damped, raises the loss."""
    parameters = family("diag", 2, 3)
    theta = torch.from_numpy(parameters.start(np.random.default_rng(1), TASK.noise))
    run, before = levenberg.look(parameters, theta, sequences)
    gradient, H = (np.asarray(each) for each in normal_equations(parameters, run, sequences))
    damping = 0.01 * (np.diag(H) + 1e-9 * np.trace(H) / len(H))
    step = np.linalg.solve(H + np.diag(damping), gradient).reshape(theta.shape)
    assert levenberg.look(parameters, theta - torch.from_numpy(step), sequences)[1] > 100 * before
    _, after, taken = descend(parameters, theta, sequences, 5)
    assert taken == 5 and after < before / 5


def test_the_best_of_the_tries_goes_on(monkeypatch):
    """On more sequences, from where it came to, and nothing else does."""
    for name, count in (("TRIAL", 30), ("FINAL", 60), ("CHOICE", 100)):
        monkeypatch.setattr(levenberg, name, count)
    parameters, seen = family("gd++", 1, 3), []

    def descended(family, theta, sequences, steps, report):
        seen.append((len(sequences.S), float(theta[0, 2])))
        return theta - 1, abs(float(theta[0, 2]) + 3.0), 1

    monkeypatch.setattr(levenberg, "descend", descended)
    starts = {
        name: torch.full((1, 4), at, dtype=torch.float64) for name, at in zip("abc", (-1.0, -2.9, -9.0))
    }
    descents = Descents(parameters, TASK, 0, starts, None)
    descents.starts = starts
    descents.run()
    assert seen == [(30, -1.0), (30, -2.9), (30, -9.0), (60, pytest.approx(-3.9))]
