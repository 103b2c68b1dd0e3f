"""A square matrix as the sum of a diagonal matrix and one of low rank (paper, Fig. 4: trained weights look like this).

Either part alone is easy to find when the other is known: the diagonal of what is left, and the largest singular values of what is
left. So find them in turn.
"""

import numpy as np

from . import checks


def diagonal_plus_low_rank(A, rank, start=None, rounds=30):
    """Split A into D + L, D diagonal and L of a given rank, with little left out: D = diag(A - L) and L = best of A - D, in turn.

    Parameters
    ----------
    A : (..., D, D) array.
    rank : int, 0 to D.
    start : (..., D, D) array, optional
        The L to start from; 0 by default. Started from the L of a lower rank, it leaves out no more than that.
    rounds : int.

    Returns
    -------
    D, L : (..., D, D) arrays.

    Raises
    ------
    ValueError, TypeError
        If `rank` is no whole number from 0 to D.
    """
    rows = A.shape[-1]
    if checks.count(rank, "rank", least=0) > rows:
        raise ValueError(f"rank is {rank}: A has {rows} rows, and rank must be from 0 to {rows}.")
    L = np.zeros_like(A) if start is None else start
    for _ in range(rounds):
        D = diagonal(A - L)
        L = best_of_rank(A - D, rank)
    return diagonal(A - L), L


def diagonal(A):
    """The diagonal of A, as a matrix of the same shape."""
    return A * np.eye(A.shape[-1])


def best_of_rank(A, rank):
    """The matrix of a given rank that is nearest to A: its largest singular values (Eckart and Young).

    Parameters
    ----------
    A : (..., D, D) array.
    rank : int.

    Returns
    -------
    L : (..., D, D) array.
    """
    left, singular, right = np.linalg.svd(A)  # (..., D, D), (..., D) from the largest on, (..., D, D)
    scaled = left[..., :rank] * singular[..., None, :rank]  # (..., D, rank)
    return scaled @ right[..., :rank, :]


def share_left(A, kept):
    """The share of A's squared entries that `kept` leaves out, |A - kept|^2 / |A|^2; of nothing, none.

    Parameters
    ----------
    A, kept : (..., D, D) arrays.

    Returns
    -------
    share : (...) array.
    """
    left = ((A - kept) ** 2).sum(axis=(-2, -1))
    whole = (A**2).sum(axis=(-2, -1))
    return left / np.where(whole > 0, whole, 1)
