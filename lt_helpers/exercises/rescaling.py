"""Notebook 06: what a fit leaves over, an answer that is shrunk by it, the two weights of Theorem 5.2, and where they break."""

import numpy as np

from .base import Exercise


def sequences():
    """Inputs and labels of single sequences with one feature: three points, the running example's A and B, and a random one."""
    yield np.array([-1.0, 0.0, 1.0]), np.array([-2.0, 3.0, 2.0])  # slope 2, residuals 0, 3, 0
    x = np.array([-1.0, -1.0, 1.0, 1.0])
    yield x, np.array([-1.0, -3.0, 3.0, 1.0])
    yield x, np.array([1.0, -3.0, 3.0, -1.0])
    rng = np.random.default_rng(0)
    x = 2 * rng.normal(size=9)
    yield x, 1.5 * x + rng.normal(size=9)


def fitted(x, y):
    """The slope of least squares."""
    return (y @ x) / (x @ x)


def mean_left(x, y):
    """The mean square of what least squares leaves of the labels."""
    residuals = y - fitted(x, y) * x
    return (residuals**2).mean()


left_over = Exercise(
    name="rescaling.left_over",
    solution=mean_left,
    cases=sequences,
    mistakes={
        "labels_not_residuals": lambda x, y: (y**2).mean(),
        "alpha_is_no_slope": lambda x, y: ((y - (y * x).mean() * x) ** 2).mean(),
        "summed_squares": lambda x, y: len(y) * mean_left(x, y),
        "each_residual": lambda x, y: y - fitted(x, y) * x,
        "each_square": lambda x, y: (y - fitted(x, y) * x) ** 2,
        "absolute_residuals": lambda x, y: abs(y - fitted(x, y) * x).mean(),
        "root_of_the_mean": lambda x, y: np.sqrt(mean_left(x, y)),
        "slope_alone": fitted,
    },
)


def with_factor(factor):
    """A slope that is multiplied by `factor`, a function of x, y and omega_yy."""
    return lambda x, y, omega_yy: fitted(x, y) * factor(x, y, omega_yy)


shrink = Exercise(
    name="rescaling.shrink",
    solution=with_factor(lambda x, y, omega_yy: 1 + omega_yy * mean_left(x, y)),
    cases=lambda: [
        (x, y, omega_yy) for (x, y), omega_yy in zip(sequences(), (-0.125, -0.125, -0.125, -0.3), strict=True)
    ],
    mistakes={
        "looked_at_labels": with_factor(lambda x, y, omega_yy: 1 + omega_yy * (y**2).mean()),
        "forgot_the_one": with_factor(lambda x, y, omega_yy: omega_yy * mean_left(x, y)),
        "sign_of_the_weight": with_factor(lambda x, y, omega_yy: 1 - omega_yy * mean_left(x, y)),
        "factor_alone": lambda x, y, omega_yy: 1 + omega_yy * mean_left(x, y),
        "not_shrunk": with_factor(lambda x, y, omega_yy: 1),
        "summed_the_squares": with_factor(lambda x, y, omega_yy: 1 + omega_yy * len(y) * mean_left(x, y)),
        "took_away": lambda x, y, omega_yy: fitted(x, y) + omega_yy * mean_left(x, y),
    },
)


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


def of_the_first_layer(omega):
    """The first layer has no omega_yy: nothing, or NaN, comes of it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(-1 / omega[0, 1, 1])


breaking_point = Exercise(
    name="rescaling.breaking_point",
    solution=lambda omega: np.sqrt(-1 / omega[1, 1, 1]),
    cases=models,
    mistakes={
        "sigma_2_breaking": lambda omega: -1 / omega[1, 1, 1],
        "turned_fraction_over": lambda omega: np.sqrt(-omega[1, 1, 1]),
        "gradient_step_omega_yx": (lambda omega: np.sqrt(-1 / omega[0, 1, 0])),
        "wrong_layer": of_the_first_layer,
        "forgot_the_minus": lambda omega: 1 / omega[1, 1, 1],
        "weight_itself": lambda omega: omega[1, 1, 1],
    },
)
