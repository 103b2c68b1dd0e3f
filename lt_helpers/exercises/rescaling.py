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
    name="rescaling.two_weights",
    solution=answer,
    cases=lambda: [(1.0, 3.0, 100), (0.5, 2.0, 1000), (2.0, 1.0, 50)],
    mistakes={
        "sign_omega_yx_flipped": (lambda s1, s2, n: answer(s1, s2, n) * [-1, 1]),
        "weights_act_sums": (lambda s1, s2, n: answer(s1, s2, n) / n),
        "returned_c_omega_yx": lambda s1, s2, n: answer(s1, s2, n) * [-1 / n, 1],
        "second_number_c": product,
        "used_sigma_where": (lambda s1, s2, n: answer(s1**0.5, s2**0.5, n)),
        "sign_omega_yy_flipped": (lambda s1, s2, n: answer(s1, s2, n) * [1, -1]),
    },
)


def models():
    """The omegas of models as in Theorem 5.2: only omega_yx in the first layer, only omega_yy in the second."""
    rng = np.random.default_rng(0)
    for omega_yy in (-1 / 11, -0.3, -0.05):
        omega = np.zeros((2, 2, 2))
        omega[0, 1, 0], omega[1, 1, 1] = -rng.uniform(5, 50), omega_yy
        yield (omega,)


breaking_point = Exercise(
    name="rescaling.breaking_point",
    solution=lambda omega: np.sqrt(-1 / omega[1, 1, 1]),
    cases=models,
    mistakes={
        "sigma_2_breaking": lambda omega: -1 / omega[1, 1, 1],
        "turned_fraction_over": lambda omega: np.sqrt(-omega[1, 1, 1]),
        "gradient_step_omega_yx": (lambda omega: np.sqrt(-1 / omega[0, 1, 0])),
    },
)
