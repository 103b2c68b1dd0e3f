"""Notebook 02: ridge regression in one line."""

import numpy as np

from .base import Exercise


def cases():
    """Inputs, labels and the noise level: more examples than features, and fewer."""
    rng = np.random.default_rng(0)
    for n, d, sigma in ((20, 10, 2.0), (6, 8, 0.5)):
        x = rng.normal(size=(n, d))
        yield x, x @ rng.normal(size=d) + sigma * rng.normal(size=n), sigma


def solved(x, y, penalty):
    """(Sigma + penalty I)^-1 alpha"""
    n, d = x.shape
    return np.linalg.solve(x.T @ x / n + penalty * np.eye(d), x.T @ y / n)


def right(x, y, sigma):
    return solved(x, y, sigma**2 / len(y))


def penalty_everywhere(x, y, sigma):
    n = len(y)
    return np.linalg.solve(x.T @ x / n + sigma**2 / n, x.T @ y / n)


ridge = Exercise(
    name="regression.ridge",
    solution=right,
    cases=cases,
    mistakes={
        "least_squares_add": lambda x, y, sigma: np.linalg.lstsq(x, y)[0],
        "penalty_n_times": lambda x, y, sigma: solved(x, y, sigma**2),
        "penalty_n_times_too": (lambda x, y, sigma: solved(x, y, sigma**2 / len(y) ** 2)),
        "penalty_grows_grow": lambda x, y, sigma: solved(x, y, sigma / len(y)),
        "penalty_wrong_sign": lambda x, y, sigma: solved(x, y, -(sigma**2) / len(y)),
        "added_penalty_every": penalty_everywhere,
        "w_n_times": lambda x, y, sigma: right(x, y, sigma) / len(y),
        "w_n_times_too": lambda x, y, sigma: right(x, y, sigma) * len(y),
    },
)
