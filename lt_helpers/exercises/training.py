"""Notebook 10: where the training of one layer must end."""

import numpy as np

from .base import Exercise


def answer(dim, context, mean_square):
    """The best omega_yx of a single layer, for x ~ N(0, I_d) and w ~ N(0, I_d)."""
    return -1 / (1 + (dim + 1) / context + mean_square / context)


fixed_point = Exercise(
    name="training.fixed_point",
    solution=answer,
    cases=lambda: [(10, 20, 0.0), (10, 20, 25 / 3), (4, 50, 5.0)],
    mistakes={
        "sign_flipped_answer": (lambda dim, context, mean_square: -answer(dim, context, mean_square)),
        "1_c_right": (lambda dim, context, mean_square: 1 / answer(dim, context, mean_square)),
        "left_out_noise": lambda dim, context, mean_square: answer(dim, context, 0.0),
        "left_out_spread": (lambda dim, context, mean_square: -1 / (1 + mean_square / context)),
        "noise_averaged_over": (
            lambda dim, context, mean_square: -1 / (1 + (dim + 1) / context + mean_square)
        ),
        "sigma_where_e": (lambda dim, context, mean_square: answer(dim, context, np.sqrt(mean_square))),
    },
)
