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


def sums_of_entries(P, Q):
    p, q = corners(P, Q)
    return (p[:, :, None] + q[:, None, :]).sum(axis=0)


def matrix_product(P, Q):
    return diagonal((P @ Q).sum(axis=0))[np.ix_([0, -1], [0, -1])]


from_matrices = Exercise(
    name="weights.from_matrices",
    solution=omegas,
    cases=lambda: list(layers()),
    mistakes={
        "swapped_omega_xy_omega_yx": lambda P, Q: omegas(P, Q).T,
        "first_head_alone": first_head,
        "added_heads_before": heads_first,
        "p_q_p_x": (matrix_product),
        "entries_p_q": (lambda P, Q: np.stack([values.sum(axis=0) for values in corners(P, Q)])),
        "sums_of_entries": sums_of_entries,
        "last_head_alone": lambda P, Q: omegas(P[-1:], Q[-1:]),
        "labels_first": lambda P, Q: omegas(P, Q)[::-1, ::-1],
        "traces": lambda P, Q: omegas(P, Q) * [[100, 10], [10, 1]],
    },
)


def low_rank_part(A, rank):
    """R of A = D + R."""
    return diagonal_plus_low_rank(A, rank, rounds=200)[1]


def sums():
    """Sums of a diagonal matrix and one of rank 1 or 2, with the rank."""
    rng = np.random.default_rng(11)
    for rank in (1, 2, 1):
        yield (
            np.diag(3 * rng.normal(size=11)) + rng.normal(size=(11, rank)) @ rng.normal(size=(rank, 11)),
            rank,
        )


def kept(U, s, Vt, columns):
    return (U[:, columns] * s[columns]) @ Vt[columns]


def with_factors(A, rank, factors, rounds=100, taken_off=diagonal):
    """The alternation with another step for R: `factors` takes U, s, Vt and the rank."""
    R = np.zeros_like(A)
    for _ in range(rounds):
        R = factors(*np.linalg.svd(A - taken_off(A - R)), rank)
    return R


def taken_off_twice(A, rank, rounds=100):
    """What is kept of A - D - R, where R is the last one."""
    R = np.zeros_like(A)
    for _ in range(rounds):
        R = best_of_rank(A - diagonal(A - R) - R, rank)
    return R


split = Exercise(
    name="weights.split",
    solution=low_rank_part,
    cases=lambda: list(sums()),
    mistakes={
        "one_round_l": (lambda A, rank: best_of_rank(A - diagonal(A), rank)),
        "returned_best_low": best_of_rank,
        "forgot_singular_values": (
            lambda A, rank: with_factors(A, rank, lambda U, s, Vt, r: U[:, :r] @ Vt[:r])
        ),
        "smallest_singular_values": (
            lambda A, rank: with_factors(A, rank, lambda U, s, Vt, r: (U[:, -r:] * s[-r:]) @ Vt[-r:])
        ),
        "transposed_vt_again": (
            lambda A, rank: with_factors(A, rank, lambda U, s, Vt, r: (U[:, :r] * s[:r]) @ Vt[:, :r].T)
        ),
        "d_return_l": lambda A, rank: diagonal(A - low_rank_part(A, rank)),
        "d_l_whole": lambda A, rank: A,
        "diagonal_taken_off": lambda A, rank: A - diagonal(A),
        "diagonal_as_vector": (
            lambda A, rank: with_factors(
                A, rank, lambda U, s, Vt, r: kept(U, s, Vt, slice(r)), taken_off=np.diag
            )
        ),
        "few_rounds": (
            lambda A, rank: with_factors(A, rank, lambda U, s, Vt, r: kept(U, s, Vt, slice(r)), rounds=10)
        ),
        "last_r_taken_off": taken_off_twice,
        "one_too_many": (
            lambda A, rank: with_factors(A, rank, lambda U, s, Vt, r: kept(U, s, Vt, slice(r + 1)))
        ),
        "first_alone": (lambda A, rank: with_factors(A, rank, lambda U, s, Vt, r: kept(U, s, Vt, slice(1)))),
        "last_kept_alone": (
            lambda A, rank: with_factors(A, rank, lambda U, s, Vt, r: kept(U, s, Vt, slice(r - 1, r)))
        ),
    },
    tolerance=1e-4,
)
