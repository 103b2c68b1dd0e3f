"""Notebook 06: the two weights of Theorem 5.2, and where they break."""

import numpy as np

from .base import Exercise


def answer(s1, s2, n):
    """omega_yx of the first layer and omega_yy of the second, for means over n examples."""
    total = 1 + s1**2 + s2**2
    return np.array([-n * total / ((1 + s1**2) * (1 + s2**2)), -1 / total])


def product(s1, s2, n):
    omega_yx, omega_yy = answer(s1, s2, n)
    return np.array([omega_yx, -omega_yx / n * omega_yy])


two_weights = Exercise(
    solution=answer,
    cases=lambda: [(1.0, 3.0, 100), (0.5, 2.0, 1000), (2.0, 1.0, 50)],
    mistakes={
        "The sign of omega_yx is flipped: the answer is minus the last coordinate, so a step along alpha has omega_yx below zero.": (
            lambda s1, s2, n: answer(s1, s2, n) * [-1, 1]
        ),
        "These weights act on sums, as in the paper. Ours act on means: omega_yx = -n c, and the mean of y^2 is sigma^2 itself.": (
            lambda s1, s2, n: answer(s1, s2, n) / n
        ),
        "You returned c = -omega_yx / n: give omega_yx itself.": lambda s1, s2, n: (
            answer(s1, s2, n) * [-1 / n, 1]
        ),
        "Your second number is c omega_yy, the slope of the line: divide it by c.": product,
        "You used sigma where sigma^2 belongs: ridge keeps 1 / (1 + sigma^2), and the mean of y^2 is sigma^2.": (
            lambda s1, s2, n: answer(s1**0.5, s2**0.5, n)
        ),
        "The sign of omega_yy is flipped: more noise must shrink the answer, so it is below zero.": (
            lambda s1, s2, n: answer(s1, s2, n) * [1, -1]
        ),
    },
    well_done="Two numbers, right at both noise levels: and the second alone says where they break.",
)


def models():
    """The omegas of models as in Theorem 5.2: only omega_yx in the first layer, only omega_yy in the second."""
    rng = np.random.default_rng(0)
    for omega_yy in (-1 / 11, -0.3, -0.05):
        omega = np.zeros((2, 2, 2))
        omega[0, 1, 0], omega[1, 1, 1] = -rng.uniform(5, 50), omega_yy
        yield (omega,)


breaking_point = Exercise(
    solution=lambda omega: np.sqrt(-1 / omega[1, 1, 1]),
    cases=models,
    mistakes={
        "That is sigma^2 at the breaking point: take the root.": lambda omega: -1 / omega[1, 1, 1],
        "You turned the fraction over: 1 + omega_yy sigma^2 = 0.": lambda omega: np.sqrt(-omega[1, 1, 1]),
        "The gradient step omega_yx sets the size of the answer, not where it is zero: look at the factor 1 + omega_yy sigma^2.": (
            lambda omega: np.sqrt(-1 / omega[0, 1, 0])
        ),
    },
    well_done="For {1, 3} it is the root of 11: read off one weight, without running the model.",
)
