"""Notebook 10: what training makes small, and where the training of one layer must end."""

import numpy as np

from .base import Exercise


def several_weights():
    rng = np.random.default_rng(0)
    for B, d in ((3, 2), (5, 4)):
        yield rng.normal(size=(B, d)), rng.normal(size=(B, d))


def mean_loss(w, oracle):
    """Half the squared distance of each row to the oracle's, averaged."""
    return ((w - oracle) ** 2).sum(axis=1).mean() / 2


loss = Exercise(
    name="training.loss",
    solution=mean_loss,
    cases=several_weights,
    mistakes={
        "half_is_missing": lambda w, oracle: 2 * mean_loss(w, oracle),
        "mean_over_components": lambda w, oracle: ((w - oracle) ** 2).mean() / 2,
        "mean_over_all": lambda w, oracle: ((w - oracle) ** 2).mean(),
        "sum_over_sequences": lambda w, oracle: ((w - oracle) ** 2).sum() / 2,
        "length_not_squared": lambda w, oracle: np.linalg.norm(w - oracle, axis=1).mean() / 2,
        "one_a_sequence": lambda w, oracle: ((w - oracle) ** 2).sum(axis=1) / 2,
        "difference_of_lengths": lambda w, oracle: ((w**2).sum(axis=1) - (oracle**2).sum(axis=1)).mean() / 2,
    },
)


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
        "squared_again": (lambda dim, context, mean_square: answer(dim, context, mean_square**2)),
        "kept_d": (lambda dim, context, mean_square: dim * answer(dim, context, mean_square)),
        "sigma_where_e": (lambda dim, context, mean_square: answer(dim, context, np.sqrt(mean_square))),
    },
)
