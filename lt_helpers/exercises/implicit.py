"""Notebook 04: one step of the recursion of Lemma 4.3."""

import numpy as np

from .base import Exercise


def cases():
    """A state (M, u, a, w) and what the layer adds to every token, U, with d = 3 and d = 1."""
    rng = np.random.default_rng(0)
    for d in (3, 1):
        yield (
            rng.normal(size=(d, d)),
            rng.normal(size=d),
            0.7,
            rng.normal(size=d),
            rng.normal(size=(d + 1, d + 1)),
        )


def weight_after(M, u, a, w, U):
    c, r = U[-1, :-1], U[-1, -1]
    return (1 + r) * w - M.T @ c


def without_rescaling(M, u, a, w, U):
    return w - M.T @ U[-1, :-1]


def only_r(M, u, a, w, U):
    return U[-1, -1] * w - M.T @ U[-1, :-1]


def plus(M, u, a, w, U):
    return (1 + U[-1, -1]) * w + M.T @ U[-1, :-1]


def without_M(M, u, a, w, U):
    return (1 + U[-1, -1]) * w - U[-1, :-1]


def not_transposed(M, u, a, w, U):
    return (1 + U[-1, -1]) * w - M @ U[-1, :-1]


def column_instead_of_row(M, u, a, w, U):
    return (1 + U[-1, -1]) * w - M.T @ U[:-1, -1]


recursion = Exercise(
    name="implicit.recursion",
    solution=weight_after,
    cases=cases,
    mistakes={
        "old_weight_scaled": without_rescaling,
        "scaled_old_weight": only_r,
        "sign_new_part": plus,
        "left_m_out": without_M,
        "used_m_where": not_transposed,
        "last_column_u": column_instead_of_row,
    },
)
