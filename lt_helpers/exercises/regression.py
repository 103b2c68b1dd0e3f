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
    solution=right,
    cases=cases,
    mistakes={
        "That is least squares: add the penalty to the diagonal of Σ.": lambda x, y, sigma: np.linalg.lstsq(
            x, y
        )[0],
        "Your penalty is n times too strong: Σ is a mean over n examples, so it takes σ²/n.": lambda x, y, sigma: (
            solved(x, y, sigma**2)
        ),
        "Your penalty is n times too weak: with sums over the examples it is σ², with means σ²/n.": (
            lambda x, y, sigma: solved(x, y, sigma**2 / len(y) ** 2)
        ),
        "Your penalty grows with σ: it must grow with the variance, σ².": lambda x, y, sigma: solved(
            x, y, sigma / len(y)
        ),
        "Your penalty has the wrong sign: it must make Σ larger, and w smaller.": lambda x, y, sigma: solved(
            x, y, -(sigma**2) / len(y)
        ),
        "You added the penalty to every entry of Σ: it belongs on the diagonal, times np.eye(d).": penalty_everywhere,
        "Your w is n times too small: take means on both sides, or sums on both.": lambda x, y, sigma: (
            right(x, y, sigma) / len(y)
        ),
        "Your w is n times too large: take means on both sides, or sums on both.": lambda x, y, sigma: (
            right(x, y, sigma) * len(y)
        ),
    },
    well_done="This is the oracle of the series: it is told σ. A transformer is not.",
)
