"""What training makes small: the adjusted loss, the excess risk over ridge regression that is told sigma.

Three facts make it cheap. A model reads a context only through its second moments S, which can be drawn directly. The loss over all
queries is a distance of weights, so no query is drawn. And the best answer, given the data and sigma, is the ridge weight, so

    loss = 1/2 E (w^L - w_ridge)^T C (w^L - w_ridge),   C the covariance of x

has the same minimum as the squared error, with far less noise in its gradient. Where ridge is not the best answer (a task with noise or
weights of its own), the truth stands in its place.

A rare context makes w^L, a polynomial of degree 3^L - 1 in its tokens, explode: one in 100,000 can double the mean, and no batch would
ever show it. It has a large w, as a rule. So three in ten sequences are drawn with w and x stretched, and all are weighted to make up
for it.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..spectrum import Spectrum
from . import arrays
from .plans import LIMIT, RARE

STRETCHED = 0.3  # the share of sequences that are drawn with
STRETCH_W, STRETCH_X = 1.8, 1.1  # ... so much larger w and x


@dataclass(frozen=True)
class Sequences:
    """Sequences to train on, as NumPy arrays or torch tensors.

    Parameters
    ----------
    S : (B, W, W).  Second moments, zero beyond d + 1 (see `arrays.padded`).
    oracle : (B, d).  Ridge weights, told sigma; the true weights of a task that has no oracle.
    root : (d, d).  root root^T = C.
    weight : (B,), with mean 1.  Weighted means over the sequences are means over the task.
    """

    S: object
    oracle: object
    root: object
    weight: object

    def of(self, change):
        """The same with `change`, a function of an array, made to each."""
        return Sequences(change(self.S), change(self.oracle), change(self.root), change(self.weight))

    def misfit(self, w):
        """root^T (w - oracle): half its squared length is the adjusted loss.    w : (..., B, d)  ->  (..., B, d)"""
        return (w - self.oracle) @ self.root

    def losses(self, w):
        """Adjusted loss of each sequence, not finite where the model explodes.    w : (..., B, d)  ->  (..., B)"""
        with np.errstate(over="ignore", invalid="ignore"):
            return (self.misfit(w) ** 2).sum(-1) / 2


def draw(task, batch, rng, share=STRETCHED):
    """Draw sequences of a task.

    Parameters
    ----------
    task : RegressionTask
    batch : int.  How many.
    rng : numpy.random.Generator
    share : float.  The share of them that is drawn stretched.

    Returns
    -------
    Sequences, of NumPy arrays in double precision.
    """
    moments, weight = task.sample_moments(batch, rng), np.ones(batch)
    if not task.own:  # else the density is not known
        moments, weight = stretched(moments, task, int(share * batch))
    oracle = moments.w if task.no_oracle else ridge(moments, task.w_scale)
    root = np.eye(task.dim) if task.covariance is None else np.linalg.cholesky(task.covariance)
    return Sequences(arrays.padded(moments.S), oracle, root, weight)


def stretched(moments, task, count):
    """Stretch w and x of the first `count` sequences, and weigh all to make up for it.

    x' = k_x x and w' = k_w w make y' = y + (k_x k_w - 1) <w, x>, so S' = A S A^T with A = [[k_x I, 0], [(k_x k_w - 1) w^T, 1]].

    Parameters
    ----------
    moments : Moments of B sequences.
    task : RegressionTask that they are drawn from.
    count : int, at most B.

    Returns
    -------
    moments : Moments, stretched.
    weight : (B,) array.  The density of the task over that of the mixture.
    """
    B, d = moments.w.shape
    n = moments.context

    A = np.zeros((count, d + 1, d + 1))
    A[:, :d, :d] = STRETCH_X * np.eye(d)
    A[:, d, :d] = (STRETCH_X * STRETCH_W - 1) * moments.w[:count]
    A[:, d, d] = 1
    S, w = moments.S.copy(), moments.w.copy()
    S[:count] = A @ S[:count] @ A.mT
    w[:count] *= STRETCH_W

    # The logarithm of the stretched density over the task's: both are Gaussian, in w and in the n inputs.
    whitening = np.eye(d) if task.covariance is None else np.linalg.inv(task.covariance)
    size_w = (w**2).sum(1) / task.w_scale**2  # (B,)
    size_x = n * np.einsum("bij,ij->b", S[:, :d, :d], whitening)  # (B,)
    log_ratio = -d * np.log(STRETCH_W) - n * d * np.log(STRETCH_X)
    log_ratio = log_ratio + size_w * (1 - STRETCH_W**-2) / 2 + size_x * (1 - STRETCH_X**-2) / 2

    share = count / B if B else 0
    return replace(moments, S=S, w=w), 1 / (1 - share + share * np.exp(log_ratio))


def ridge(moments, w_scale=1.0):
    """The oracle's weights (B, d), for w of that scale. Where no matrix is singular, solving is ten times as fast as diagonalising."""
    S, n, d = moments.S, moments.context, moments.w.shape[1]
    if n <= d:
        return Spectrum.from_moments(S, n).ridge(moments.sigma / w_scale)
    strength = (moments.sigma / w_scale)[:, None, None] ** 2 / n * np.eye(d)
    return np.linalg.solve(S[:, :d, :d] + strength, S[:, :d, d:])[..., 0]


def capped(losses, limit=LIMIT):
    """Losses with an upper bound, of the same shape: what one exploding sequence can do to a mean is bounded."""
    with np.errstate(over="ignore", invalid="ignore"):
        xp = arrays.library(losses)
        return xp.where(xp.isfinite(losses), losses / (1 + losses / limit), limit)


def held_out_loss(losses, weight, limit=RARE):
    """What chooses among models: the weighted mean of all losses (..., B), exploding ones included, up to the limit -> (...,)"""
    return (weight * capped(losses, limit)).mean(-1)


def count_capped(losses, limit=RARE):
    """How many losses (..., B) a mean of capped ones does not show: those above the limit, or not finite -> (...,) of int."""
    return (~(losses <= limit)).sum(-1)
