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
    solution=weight_after,
    cases=cases,
    mistakes={
        "The old weight is scaled by 1 + r, not by 1: the layer also changes the y that stands for w.": without_rescaling,
        "You scaled the old weight by r: the layer adds to the token, so the factor is 1 + r.": only_r,
        "The sign of the new part is flipped: the y of the query is minus the prediction.": plus,
        "You left M out: c reads the x of this layer, which is M x, so what it adds to w is M^T c.": without_M,
        "You used M where M^T is meant: <c, M x> = <M^T c, x>. (For one feature the two agree.)": not_transposed,
        "You took the last column of U for c: what is added to y stands in the last row.": column_instead_of_row,
    },
    well_done="Four such lines, for M, u, a and w, are the whole of what a linear transformer does to a sequence.",
)
