"""The small acts of notebooks 06 to 08: answers found by other routes are right, and nonsense is refused in words."""

import re

import numpy as np
import pytest

from lt_helpers import LinearTransformer, implicit_regression
from lt_helpers.exercises.ladder import variance
from lt_helpers.exercises.rescaling import left_over, shrink
from lt_helpers.exercises.step_sizes import betrayed_noise, shorter_step

HEADS = np.broadcast_to(np.eye(2), (2, 2, 2))  # two heads, (1, 0) and (0, 1), so that q is omega


def slope_of(omega, x, y):
    """What two layers of these omegas answer at x = 1."""
    model = LinearTransformer.from_diagonals(HEADS, np.array(omega, float), dim=1)
    return implicit_regression(model, x[None, :, None], y[None]).w[0, -1, 0]


def left_by_variances(x, y):
    """v - alpha^2 / Sigma"""
    return (y**2).mean() - (x * y).mean() ** 2 / (x**2).mean()


def shrunk_by_two_layers(x, y, omega_yy):
    """The first layer's step is 1 / Sigma, which lands on least squares."""
    return slope_of([[[0, 0], [-1 / (x**2).mean(), 0]], [[0, 0], [0, omega_yy]]], x, y)


def step_of_two_layers(y, omega_xy, omega_yx):
    """The slope of a sequence whose inputs are its labels is the step times the mean of their products."""
    slope = slope_of([[[0, omega_xy], [0, 0]], [[0, 0], [omega_yx, 0]]], y, y)
    return slope / (y**2).mean()


def noise_by_search(share, s, n):
    """By bisection: the more noise, the less ridge regression keeps."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if s / (s + middle**2 / n) > share else (low, middle)
    return low


def variance_by_projection(x, y):
    """The labels across the inputs, direction by direction."""
    across = np.linalg.svd(x)[0][:, x.shape[1] :]  # (n, n - d)
    return ((across.T @ y) ** 2).mean()


ROUTES = {
    "left over": (left_over, left_by_variances),
    "shrink": (shrink, shrunk_by_two_layers),
    "shorter step": (shorter_step, step_of_two_layers),
    "betrayed noise": (betrayed_noise, noise_by_search),
    "variance": (variance, variance_by_projection),
}


@pytest.mark.parametrize("exercise, route", ROUTES.values(), ids=ROUTES)
@pytest.mark.filterwarnings("ignore:the model leaves its range")
def test_another_route_is_right(exercise, route):
    assert exercise.verdict(route).startswith("Correct")


@pytest.mark.parametrize("exercise", [exercise for exercise, _ in ROUTES.values()], ids=ROUTES)
@pytest.mark.parametrize(
    "answer, words",
    [
        ("a lot", "of type str"),
        (np.zeros(3), r"shape \(3,\)"),
        (np.nan, "NaN"),
        (1j, "of type complex"),
        (1e6, "deviation"),
    ],
)
def test_nonsense_is_refused_in_words(exercise, answer, words):
    assert re.match(f"Not yet.*{words}", exercise.verdict(lambda *arguments: answer))


@pytest.mark.parametrize("exercise", [exercise for exercise, _ in ROUTES.values()], ids=ROUTES)
def test_code_that_stops_is_quoted(exercise):
    assert "ZeroDivisionError" in exercise.verdict(lambda *arguments: 1 / 0)
