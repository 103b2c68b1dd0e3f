"""Notebook 11: from P and Q to the omegas, and a matrix split into a diagonal and a low-rank part."""

import numpy as np

from ..lowrank import best_of_rank, diagonal, diagonal_plus_low_rank
from ..model import LinearTransformer
from .base import Exercise


def corners(P, Q):
    """(p_x, p_y) and (q_x, q_y) of every head.    P, Q (H, D, D)  ->  p, q (H, 2)"""
    return P[:, [0, -1], [0, -1]], Q[:, [0, -1], [0, -1]]


def omegas(P, Q):
    """[[omega_xx, omega_xy], [omega_yx, omega_yy]] of a DIAG layer (eq. 10), heads added up."""
    p, q = corners(P, Q)
    return p.T @ q


def layers():
    """P and Q of DIAG layers: one head, the same in another gauge, and two heads."""
    for heads, gauge in ((1, 1.0), (1, 3.0), (2, 0.5)):
        model = LinearTransformer.random(
            "diag", dim=10, layers=1, heads=heads, rng=np.random.default_rng(heads), scale=1.0
        )
        yield model.P[0] * gauge, model.Q[0] / gauge


def first_head(P, Q):
    return omegas(P[:1], Q[:1])


def heads_first(P, Q):
    p, q = corners(P, Q)
    return np.outer(p.sum(axis=0), q.sum(axis=0))


def matrix_product(P, Q):
    return diagonal((P @ Q).sum(axis=0))[np.ix_([0, -1], [0, -1])]


from_matrices = Exercise(
    solution=omegas,
    cases=lambda: list(layers()),
    mistakes={
        "You swapped omega_xy and omega_yx: the first letter is P's, the second Q's.": lambda P, Q: (
            omegas(P, Q).T
        ),
        "You took the first head alone: the heads of a layer add up.": first_head,
        "You added the heads before you multiplied: each head has a product of its own, and the products add up.": heads_first,
        "That is P Q, in which the p_x meet only the q_x. S stands between P and Q, and mixes x with y: all four products count.": (
            matrix_product
        ),
        "These are the entries of P and Q themselves: an omega is a product of one of P and one of Q.": (
            lambda P, Q: np.stack([values.sum(axis=0) for values in corners(P, Q)])
        ),
    },
    well_done="The second case was the first in another gauge: other matrices, the same omegas.",
)


def low_rank_part(A, rank):
    """L of A = D + L."""
    return diagonal_plus_low_rank(A, rank, rounds=200)[1]


def sums():
    """Sums of a diagonal matrix and one of rank 1 or 2, with the rank."""
    rng = np.random.default_rng(11)
    for rank in (1, 2, 1):
        yield (
            np.diag(3 * rng.normal(size=11)) + rng.normal(size=(11, rank)) @ rng.normal(size=(rank, 11)),
            rank,
        )


def with_factors(A, rank, factors):
    """The alternation with another step for L: `factors` takes U, s, Vt and the rank."""
    L = np.zeros_like(A)
    for _ in range(200):
        L = factors(*np.linalg.svd(A - diagonal(A - L)), rank)
    return L


split = Exercise(
    solution=low_rank_part,
    cases=lambda: list(sums()),
    mistakes={
        "That is one round: L was found with the diagonal of A, and D with that L fits better. Repeat both steps, 100 times.": (
            lambda A, rank: best_of_rank(A - diagonal(A), rank)
        ),
        "You returned the best low-rank matrix for A itself: take D off first.": best_of_rank,
        "You forgot the singular values: each direction counts as much as its s.": (
            lambda A, rank: with_factors(A, rank, lambda U, s, Vt, r: U[:, :r] @ Vt[:r])
        ),
        "You took the smallest singular values: np.linalg.svd returns the largest first.": (
            lambda A, rank: with_factors(A, rank, lambda U, s, Vt, r: (U[:, -r:] * s[-r:]) @ Vt[-r:])
        ),
        "You transposed Vt again: its rows are already the directions.": (
            lambda A, rank: with_factors(A, rank, lambda U, s, Vt, r: (U[:, :r] * s[:r]) @ Vt[:, :r].T)
        ),
        "That is D: return L.": lambda A, rank: diagonal(A - low_rank_part(A, rank)),
        "That is D + L, the whole: return L.": lambda A, rank: A,
    },
    well_done="A was such a sum, and you have found its two parts: neither was given.",
    tolerance=1e-4,
)
