"""Notebook 00: the number by which the whole series judges a predictor."""

import numpy as np

from .base import Exercise


def cases():
    """Answers of a model, of the oracle, and the truth: for four queries, where no two mistakes give one number, and for a few hundred."""
    yield np.array([1.0, 3.0, -3.0, -1.0]), np.array([0.0, 2.0, 1.0, 0.0]), np.array([1.0, 2.0, 0.0, -1.0])
    rng = np.random.default_rng(0)
    for size, spread in ((200, 1.0), (20, 0.25)):  # the second model is better than its oracle: below zero
        y = rng.normal(size=size)
        yield y + spread * rng.normal(size=size), y + 0.5 * rng.normal(size=size), y


def excess(y_hat, y_oracle, y):
    return ((y_hat - y) ** 2 - (y_oracle - y) ** 2).mean() / 2


def root(y_hat, y):
    """The root of the mean squared error -> number"""
    return np.sqrt(((y_hat - y) ** 2).mean())


excess_risk = Exercise(
    name="start.excess_risk",
    solution=excess,
    cases=cases,
    mistakes={
        "twice_right_number": (lambda y_hat, y_oracle, y: 2 * excess(y_hat, y_oracle, y)),
        "half_of_the_oracle": lambda y_hat, y_oracle, y: ((y_hat - y) ** 2 - (y_oracle - y) ** 2 / 2).mean(),
        "half_of_the_model": lambda y_hat, y_oracle, y: ((y_hat - y) ** 2 / 2 - (y_oracle - y) ** 2).mean(),
        "each_query": lambda y_hat, y_oracle, y: ((y_hat - y) ** 2 - (y_oracle - y) ** 2) / 2,
        "sum_over_queries": lambda y_hat, y_oracle, y: len(y) * excess(y_hat, y_oracle, y),
        # Where the model beats the oracle, this is what a flipped sign gives as well; that one is found where it does not.
        "size_of_the_excess": lambda y_hat, y_oracle, y: abs(excess(y_hat, y_oracle, y)),
        "sign_flipped_model": (lambda y_hat, y_oracle, y: -excess(y_hat, y_oracle, y)),
        "model_own_error": lambda y_hat, y_oracle, y: ((y_hat - y) ** 2).mean() / 2,
        "oracle_own_error": lambda y_hat, y_oracle, y: ((y_oracle - y) ** 2).mean() / 2,
        "model_alone_averaged": lambda y_hat, y_oracle, y: (
            ((y_hat - y) ** 2).mean() / 2 - (y_oracle - y) ** 2 / 2
        ),
        "oracle_alone_averaged": lambda y_hat, y_oracle, y: (
            (y_hat - y) ** 2 / 2 - ((y_oracle - y) ** 2).mean() / 2
        ),
        "errors_added": lambda y_hat, y_oracle, y: ((y_hat - y) ** 2 + (y_oracle - y) ** 2).mean() / 2,
        "errors_divided": lambda y_hat, y_oracle, y: ((y_hat - y) ** 2).mean() / ((y_oracle - y) ** 2).mean(),
        "how_far_two": (lambda y_hat, y_oracle, y: ((y_hat - y_oracle) ** 2).mean() / 2),
        "not_squared": lambda y_hat, y_oracle, y: ((y_hat - y) - (y_oracle - y)).mean() / 2,
        "root_taken": lambda y_hat, y_oracle, y: (root(y_hat, y) - root(y_oracle, y)) / 2,
        "square_of_the_mean": (
            lambda y_hat, y_oracle, y: ((y_hat - y).mean() ** 2 - (y_oracle - y).mean() ** 2) / 2
        ),
        "absolute_error_square": (lambda y_hat, y_oracle, y: (abs(y_hat - y) - abs(y_oracle - y)).mean() / 2),
    },
)
