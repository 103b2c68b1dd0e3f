"""What NumPy arrays and torch tensors call by different names, so that all else here is written once for both.

A page trains in NumPy, for torch is not installed there; a search trains thousands of sequences a step in torch, whose sums and products
over so many are quicker. What comes out is of the kind of what goes in. Nothing in this file imports torch: whoever has a tensor has it.
"""

import sys

import numpy as np


def library(array):
    """The module that an array belongs to: numpy, or torch. In both, `where`, `stack`, `concat`, `zeros`, `eye` mean the same."""
    return np if isinstance(array, (np.ndarray, np.generic)) else sys.modules["torch"]


def like(array, values):
    """`values`, a NumPy array, as an array of the kind and the precision of `array`."""
    if library(array) is np:
        return values.astype(array.dtype, copy=False)
    return library(array).from_numpy(np.ascontiguousarray(values)).to(array.dtype)


def single(array):
    """The same in single precision, for steps that are small anyway."""
    return array.astype(np.float32) if library(array) is np else array.float()


def double(array):
    """The same in double precision."""
    return array.astype(np.float64) if library(array) is np else array.double()


def times(A, B):
    """A @ B for many small matrices (..., B, W, W), at which NumPy is quicker than torch. What explodes is for the caller to see."""
    with np.errstate(over="ignore", invalid="ignore"):
        if library(A) is np:
            return np.matmul(A, B)
        return library(A).from_numpy(np.matmul(A.numpy(), B.numpy()))


def times_one(A, M):
    """A @ M with one M (..., 1, W, W) for all matrices A (..., B, W, W): one large product in place of many small ones."""
    *leading, B, W, _ = A.shape
    rows = A.reshape(*leading, B * W, W)  # (..., B W, W)
    product = times(rows, M[..., 0, :, :])  # (..., B W, W): of the leading axes of both
    return product.reshape(*product.shape[:-2], B, W, W)


def padded(matrices):
    """Square matrices with zeros around, to the next multiple of 4: products of 12 x 12 run faster than of 11 x 11.

    Parameters
    ----------
    matrices : (..., D, D) array or tensor.

    Returns
    -------
    (..., W, W) array or tensor, W = `width(D)`. A layer never mixes the zeros in.
    """
    D = matrices.shape[-1]
    W = width(D)
    result = library(matrices).zeros((*matrices.shape[:-2], W, W), dtype=matrices.dtype)
    result[..., :D, :D] = matrices
    return result


def width(D):
    """D, rounded up to a multiple of 4."""
    return -(-D // 4) * 4


def blend(old, new, share):
    """The running average `old`, moved by its `share` towards `new`."""
    if library(old) is np:
        return old + share * (new - old)
    return library(old).lerp(old, new, share)


def solver(matrix):
    """How to solve `matrix` x = b for several b.

    Parameters
    ----------
    matrix : (K, K) array or tensor, symmetric.

    Returns
    -------
    A function, b (K,) -> x (K,); None if the matrix is not positive definite, or not finite.
    """
    if library(matrix) is not np:
        torch = library(matrix)
        factor, failed = torch.linalg.cholesky_ex(matrix)
        if failed or not torch.isfinite(factor).all():
            return None
        return lambda b: torch.cholesky_solve(b[:, None], factor)[:, 0]

    try:
        factor = np.linalg.cholesky(matrix)
        inverse = np.linalg.inv(factor)  # NumPy has no solver for triangles, and the inverse serves every b
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(inverse).all():
        return None
    return lambda b: inverse.T @ (inverse @ b)
