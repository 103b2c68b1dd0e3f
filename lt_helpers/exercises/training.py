"""Notebook 10: where the training of one layer must end."""

import numpy as np

from .base import Exercise


def answer(dim, context, mean_square):
    """The best omega_yx of a single layer, for x ~ N(0, I_d) and w ~ N(0, I_d)."""
    return -1 / (1 + (dim + 1) / context + mean_square / context)


fixed_point = Exercise(
    solution=answer,
    cases=lambda: [(10, 20, 0.0), (10, 20, 25 / 3), (4, 50, 5.0)],
    mistakes={
        "The sign is flipped: the answer is minus the last coordinate, so a step along alpha has omega_yx below zero.": (
            lambda dim, context, mean_square: -answer(dim, context, mean_square)
        ),
        "That is 1 / c with the right sign, the ratio turned over: E <alpha, w> goes on top.": (
            lambda dim, context, mean_square: 1 / answer(dim, context, mean_square)
        ),
        "You left out the noise: E |alpha|^2 also holds d E sigma^2 / n.": lambda dim, context, mean_square: (
            answer(dim, context, 0.0)
        ),
        "You left out the spread of Sigma: E |Sigma w|^2 is not d but d (1 + (d + 1) / n).": (
            lambda dim, context, mean_square: -1 / (1 + mean_square / context)
        ),
        "Your noise is not averaged over the context: alpha is a mean of n terms, so the noise in it has variance E sigma^2 / n.": (
            lambda dim, context, mean_square: -1 / (1 + (dim + 1) / context + mean_square)
        ),
        "You took sigma where E sigma^2 belongs.": (
            lambda dim, context, mean_square: answer(dim, context, np.sqrt(mean_square))
        ),
    },
    well_done="One number, known before training starts. Now let the lab find it.",
)
