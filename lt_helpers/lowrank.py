"""A square matrix as the sum of a diagonal matrix and one of low rank (paper, Fig. 4: trained weights look like this).

Either part alone is easy to find when the other is known: the diagonal of what is left, and the largest singular values of what is
left. So find them in turn.
"""

import numpy as np

from . import checks


def diagonal_plus_low_rank(A, rank, start=None, rounds=30):
    """Split A into D + L, D diagonal and L of a given rank, with little left out: D = diag(A - L) and L = best of A - D, in turn.

    A : (..., D, D).    rank : int, 0 to D.    start : (..., D, D), optional.  The L to start from; 0 by default. Started from the L
    of a lower rank, it leaves out no more than that.    rounds : int.
    -> D, L : (..., D, D) both.
    """
    if checks.count(rank, "rank", least=0) > A.shape[-1]:
        raise ValueError(
            f"rank is {rank}: A has {A.shape[-1]} rows, and rank must be from 0 to {A.shape[-1]}."
        )
    L = np.zeros_like(A) if start is None else start
    for _ in range(rounds):
        L = best_of_rank(A - diagonal(A - L), rank)
    return diagonal(A - L), L


def diagonal(A):
    """The diagonal of A, as a matrix of the same shape."""
    return A * np.eye(A.shape[-1])


def best_of_rank(A, rank):
    """The matrix of this rank that is nearest to A: its largest singular values (Eckart and Young)."""
    U, s, Vt = np.linalg.svd(A)
    return (U[..., :rank] * s[..., None, :rank]) @ Vt[..., :rank, :]


def share_left(A, kept):
    """The share of A's squared entries that `kept` leaves out, |A - kept|^2 / |A|^2; of nothing, none.    (..., D, D)  ->  (...)"""
    left, whole = ((matrix**2).sum(axis=(-2, -1)) for matrix in (A - kept, A))
    return left / np.where(whole > 0, whole, 1)
