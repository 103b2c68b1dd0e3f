"""Notebook 00: the number by which the whole series judges a predictor."""

import numpy as np

from .base import Exercise


def cases():
    """Answers of a model, answers of the oracle, and the truth, for a few hundred queries."""
    rng = np.random.default_rng(0)
    for size in (200, 500):
        y = rng.normal(size=size)
        yield y + rng.normal(size=size), y + 0.5 * rng.normal(size=size), y


def excess(y_hat, y_oracle, y):
    return ((y_hat - y) ** 2 - (y_oracle - y) ** 2).mean() / 2


excess_risk = Exercise(
    solution=excess,
    cases=cases,
    mistakes={
        "That is twice the right number: the series takes half the squared error, as the paper's Table 1 does.": (
            lambda y_hat, y_oracle, y: 2 * excess(y_hat, y_oracle, y)
        ),
        "That is the sum over the queries: take the mean.": lambda y_hat, y_oracle, y: (
            len(y) * excess(y_hat, y_oracle, y)
        ),
        "The sign is flipped: a model that is worse than the oracle has an excess above zero.": (
            lambda y_hat, y_oracle, y: -excess(y_hat, y_oracle, y)
        ),
        "That is the model's own error: subtract the oracle's.": lambda y_hat, y_oracle, y: (
            ((y_hat - y) ** 2).mean() / 2
        ),
        "That is how far the two answers lie apart: take the error of each against the truth y, then the difference.": (
            lambda y_hat, y_oracle, y: ((y_hat - y_oracle) ** 2).mean() / 2
        ),
        "That is the absolute error: square the deviations instead.": (
            lambda y_hat, y_oracle, y: (abs(y_hat - y) - abs(y_oracle - y)).mean() / 2
        ),
    },
    well_done="The paper calls it the adjusted loss: 0 is as good as ridge regression that is told the noise.",
)
