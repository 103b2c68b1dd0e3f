"""The algorithm inside a DIAG model, given by its constants: four numbers a layer (paper, eq. 10).

    x <- x + omega_xx Sigma x + omega_xy y alpha         y <- y + omega_yx <alpha, x> + omega_yy lambda y

Sigma, alpha and lambda are the means of x x^T, y x and y^2 over the context, as it stands in that layer. On second moments a layer is
T = I + Omega * S, elementwise, with omega_xx over all of Sigma, omega_xy and omega_yx beside alpha, omega_yy over lambda.

A layer of one head can only hold constants with omega_xx omega_yy = omega_xy omega_yx; the algorithm takes any.
"""

import numpy as np

from . import checks
from .model import LinearTransformer

BLOCK = 500  # sequences at a time: their matrices stay in the processor's cache, which halves the time


def answer(constants, S):
    """The weight that the algorithm ends at.

    Parameters
    ----------
    constants : (L, 2, 2) array
        [[omega_xx, omega_xy], [omega_yx, omega_yy]] of every layer, for means.
    S : (B, D, D) array, D = d + 1
        Second moments of the context.

    Returns
    -------
    (B, d) array
        Weights; not finite where it diverges.

    Raises
    ------
    TypeError, ValueError
        If the constants are no such array, or of no layer.
    """
    w = np.empty_like(S[:, -1, :-1])  # (B, d)
    for start in range(0, len(S), BLOCK):
        block = slice(start, start + BLOCK)
        with np.errstate(over="ignore", invalid="ignore"):
            *before, last = maps(constants, S[block])

            # Minus the last row of T_L ... T_1 (Theorem 4.1), multiplied from the left: a row times a matrix, layer by layer.
            row = last[:, -1:]  # (BLOCK, 1, D)
            for T in reversed(before):
                row = row @ T
        w[block] = -row[:, 0, :-1]
    return w


def path(constants, S):
    """The weight before the first and after each layer.

    Parameters
    ----------
    constants, S : arrays
        As in `answer`.

    Returns
    -------
    (B, L+1, d) array
        Not finite from where it diverges.

    Raises
    ------
    TypeError, ValueError
        As `answer` does.
    """
    product = np.eye(S.shape[-1])
    weights = [np.zeros_like(S[:, -1, :-1])]
    with np.errstate(over="ignore", invalid="ignore"):
        for T in maps(constants, S):
            product = T @ product  # (B, D, D)
            weights.append(-product[:, -1, :-1])
    return np.stack(weights, axis=1)


def as_model(constants, dim):
    """The linear transformer that computes it: DIAG with two heads, one that writes x and one that writes y.

    Parameters
    ----------
    constants : (L, 2, 2) array
        As in `answer`.
    dim : int
        d, the number of features.

    Returns
    -------
    LinearTransformer

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """
    constants = read_constants(constants)
    return LinearTransformer.from_diagonals(np.broadcast_to(np.eye(2), constants.shape), constants, dim)


def maps(constants, S):
    """The matrix of each layer, T with e' = T e for every token e -> L arrays (B, D, D), one after the other."""
    D = S.shape[-1]
    width = [D - 1, 1]
    rows = np.repeat(read_constants(constants), width, axis=1)  # (L, D, 2)
    spread = np.repeat(rows, width, axis=2)  # (L, D, D): Omega of every layer
    T = None
    for Omega in spread:
        S = S if T is None else T @ S @ T.mT
        T = np.eye(D) + Omega * S
        yield T


def read_constants(constants):
    """`constants` as an array (L, 2, 2) of at least one layer."""
    constants = checks.array(constants, "constants", ("layers", 2, 2))
    if not len(constants):
        raise ValueError("constants holds no layer: constants must be (layers, 2, 2) with at least one.")
    return constants
