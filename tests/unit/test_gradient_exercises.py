"""The exercises of notebook 03: whose P and Q are right, and that the best step is right."""

import re

import numpy as np
import pytest

from lt_helpers import Fixed, RegressionTask, Uniform, load_pretrained
from lt_helpers.exercises.gradient import best_step, descent, one_step


@pytest.mark.parametrize("scale", [-2.0, 0.1, 7.0])
def test_any_gauge_is_right(scale):
    def answer(dim, step):
        P, Q = one_step.solution(dim, step)
        return scale * P, Q / scale

    assert one_step.verdict(answer).startswith("Correct")


@pytest.mark.parametrize(
    "answer, words",
    [
        (1.0, "two arrays"),
        ((np.eye(3), np.eye(2)), r"P has shape \(3, 3\) and Q \(2, 2\): both must be \(3, 3\)"),
        ((np.eye(3), [[1, 2], [3]]), "two arrays"),
        ((np.full((3, 3), np.nan), np.eye(3)), "NaN"),
        ((np.ones((3, 3)), np.ones((3, 3))), "moves x"),
        ((np.diag([0, 0, 1]), np.diag([-0.3, -0.3, 3.0])), "rescales y"),
        ((np.diag([0, 0, 1]), np.zeros((3, 3))), "adds nothing"),
        (
            (np.diag([0, 0, 1]), np.diag([-0.5, 0, 0])),
            r"(?s:.*)a P S Q with the last row \[-4.0, 0.0, 0.0\] .*expected \[-2.4, -0.9, 0.0\]",
        ),
        ((np.outer([0, 0, 1], [1, 1, 1]), np.diag([-0.3, -0.3, 0])), "rows of Σ"),
    ],
)
def test_other_answers_are_refused_in_words(answer, words):
    assert re.match(f"Not yet.*{words}", one_step.verdict(lambda dim, step: answer))


@pytest.mark.parametrize("n, d, sigma", [(20, 10, 2.0), (8, 3, 0.0)])
def test_the_best_step_is_best_on_sequences(n, d, sigma, rng):
    moments = RegressionTask(d, n, Fixed(sigma)).sample_moments(200_000, rng)
    alpha = moments.S[:, :-1, -1]
    measured = (alpha * moments.w).sum() / (alpha**2).sum()
    np.testing.assert_allclose(best_step.solution(n, d, sigma**2), measured, rtol=0.01)


def test_training_finds_the_best_step():
    model = load_pretrained("diag", 1, Uniform(5.0))
    np.testing.assert_allclose(
        -model.omega[0, 1, 0], best_step.solution(20, 10, Uniform(5.0).mean_square), rtol=0.01
    )


def test_the_running_example_walks_as_by_hand():
    Sigma, alpha = np.array([[1.0]]), np.array([2.0])
    walk = [descent.solution(Sigma, alpha, 0.5, steps)[0] for steps in range(4)]
    assert walk == [0, 1, 1.5, 1.75]


def test_descent_keeps_of_each_direction_what_the_closed_form_says(rng):
    x = rng.normal(size=(30, 4))
    Sigma, alpha = x.T @ x / 30, rng.normal(size=4)
    s, V = np.linalg.eigh(Sigma)
    found = (1 - (1 - 0.4 * s) ** 5) * (V.T @ alpha) / s
    np.testing.assert_allclose(V.T @ descent.solution(Sigma, alpha, 0.4, 5), found, atol=1e-12)


def from_a_number(Sigma, alpha, eta, steps):
    w = 0
    for _ in range(steps):
        w = w + eta * (alpha - Sigma @ w)
    return w


def entries_from_a_number(Sigma, alpha, eta, steps):
    w = 0
    for _ in range(steps):
        w = w + eta * (alpha - Sigma * w)
    return w


@pytest.mark.parametrize(
    "attempt, words",
    [
        (from_a_number, "One side of your @ is a single number"),
        (entries_from_a_number, "Your w has become a matrix"),
        (lambda Sigma, alpha, eta, steps: descent.solution(Sigma, alpha, eta / 2, steps), "deviation"),
        (lambda Sigma, alpha, eta, steps: descent.solution(Sigma / 2, alpha, eta, steps), "deviation"),
    ],
)
def test_a_walk_is_called_what_it_is(attempt, words):
    assert re.match(f"Not yet.*{words}", descent.verdict(attempt))


def diagonal(entry):
    """P and Q with `entry`, a function of d and the step, along the diagonal of Q's first block."""
    return lambda dim, step: (np.diag([0.0] * dim + [1]), np.diag([entry(dim, step)] * dim + [0.0]))


@pytest.mark.parametrize(
    "attempt, words",
    [
        (diagonal(lambda dim, step: -step / dim), "only half as long"),
        (diagonal(lambda dim, step: -step / 2), "only half as long"),
        (diagonal(lambda dim, step: -step * dim), "2 times the right one"),
        (diagonal(lambda dim, step: -step / 20), "0.05 times the right one"),
        (diagonal(lambda dim, step: -(step**2)), "stands in both"),
        (diagonal(lambda dim, step: 1.0), "1 whatever .* uphill"),
    ],
)
def test_a_step_of_another_length_is_called_what_it_is(attempt, words):
    assert re.match(f"Not yet.*{words}", one_step.verdict(attempt))


@pytest.mark.parametrize(
    "attempt, words",
    [
        (lambda n, d, noise: d / (d * (1 + (d + 1) / n) + d * noise**2 / n), "squared once more"),
        (lambda n, d, noise: 1 / (1 + (d + 1) / n + d * noise / n), "counts d times"),
        (lambda n, d, noise: d / d * (1 + (d + 1) / n + noise / n), "upside down, or brackets are missing"),
        (lambda n, d, noise: 1 / 1 + (d + 1) / n + noise / n, "upside down, or brackets are missing"),
    ],
)
def test_a_best_step_is_called_what_it_is(attempt, words):
    assert re.match(f"Not yet.*{words}", best_step.verdict(attempt))
