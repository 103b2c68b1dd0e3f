"""What training makes small: the adjusted loss, the excess risk over ridge regression that is told sigma.

Three facts make it cheap. A model reads a context only through its second moments S, which can be drawn directly. The loss over all
queries is a distance of weights, so no query is drawn. And the best answer, given the data and sigma, is the ridge weight, so

    loss = 1/2 E (w^L - w_ridge)^T C (w^L - w_ridge),   C the covariance of x

has the same minimum as the squared error, with far less noise in its gradient. Where ridge is not the best answer (a task with noise or
weights of its own), the truth stands in its place.

A rare context makes w^L, a polynomial of degree 3^L - 1 in its tokens, explode: one in 100,000 can double the mean, and no batch would
ever show it. It has a large w, as a rule, or much noise. So some sequences are drawn with w, x or the noise stretched (three in ten, with
w and x, if a plan says nothing else), and all are weighted to make up for it.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..spectrum import Spectrum
from . import arrays
from .plans import LIMIT, RARE, STRETCHES

ROUNDING = 1e-15  # of second moments


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


def draw(task, batch, rng, stretches=STRETCHES):
    """Draw sequences of a task.

    Parameters
    ----------
    task : RegressionTask
    batch : int.  How many.
    rng : numpy.random.Generator
    stretches : sequence of Stretch.  Which of them are drawn stretched.

    Returns
    -------
    Sequences, of NumPy arrays in double precision.
    """
    moments, weight = task.sample_moments(batch, rng), np.ones(batch)
    if stretches and not task.own:  # else the density is not known
        moments, weight = stretched(moments, task, stretches)
    oracle = moments.w if task.no_oracle else ridge(moments, task.w_scale)
    root = np.eye(task.dim) if task.covariance is None else np.linalg.cholesky(task.covariance)
    return Sequences(arrays.padded(moments.S), oracle, root, weight)


def stretched(moments, task, stretches):
    """Stretch shares of the sequences, and weigh all to make up for it.

    x' = k_x x, w' = k_w w and noise k_e times as large make y' = k_e y + (k_x k_w - k_e) <w, x>, so S' = A S A^T with
    A = [[k_x I, 0], [(k_x k_w - k_e) w^T, k_e]].

    Parameters
    ----------
    moments : Moments of B sequences.
    task : RegressionTask that they are drawn from.
    stretches : sequence of Stretch.

    Returns
    -------
    moments : Moments, stretched.
    weight : (B,) array.  The density of the task over that of the mixture.
    """
    B, d = moments.w.shape
    n = moments.context
    S, w = moments.S.copy(), moments.w.copy()
    counts = [int(each.share * B) for each in stretches]

    first = 0
    for count, k in zip(counts, stretches, strict=True):
        chosen = slice(first, first + count)
        A = np.zeros((count, d + 1, d + 1))
        A[:, :d, :d] = k.x * np.eye(d)
        A[:, d, :d] = (k.x * k.w - k.noise) * w[chosen]
        A[:, d, d] = k.noise
        S[chosen] = A @ S[chosen] @ A.mT
        w[chosen] *= k.w
        first += count

    # Each density over the task's: all are Gaussian, in w, in the n inputs and in the noise of their labels.
    whitening = np.eye(d) if task.covariance is None else np.linalg.inv(task.covariance)
    size_w = (w**2).sum(1) / task.w_scale**2  # (B,)
    size_x = n * np.einsum("bij,ij->b", S[:, :d, :d], whitening)  # (B,)
    noisy = size_noise = 0  # which takes as long as all the rest, and no other stretch asks for it
    if any(k.noise != 1 for k in stretches):
        noisy, size_noise = noise_size(S, w, moments.sigma, n)  # (B,), (B,)

    shares = [count / B if B else 0 for count in counts]
    density = np.full(B, 1 - sum(shares))
    for share, k in zip(shares, stretches, strict=True):
        log_ratio = -d * np.log(k.w) - n * d * np.log(k.x)
        log_ratio = log_ratio + size_w * (1 - k.w**-2) / 2 + size_x * (1 - k.x**-2) / 2
        log_ratio = log_ratio + noisy * (size_noise * (1 - k.noise**-2) / 2 - n * np.log(k.noise))
        density = density + share * np.exp(log_ratio)
    return replace(moments, S=S, w=w), 1 / density


def noise_size(S, w, sigma, n):
    """The noise of n labels, in units of sigma.

    Parameters
    ----------
    S : (B, D, D) array.  Second moments.
    w : (B, d) array.  The true weights.
    sigma : (B,) array
    n : int

    Returns
    -------
    noisy : (B,) array of bool.  Is there noise that rounding does not drown?
    size : (B,) array.  Its sum of squares over sigma^2; 0 where there is none.
    """
    d = w.shape[1]
    Sw = (S[:, :d, :d] @ w[:, :, None])[..., 0]  # (B, d)
    mean = S[:, d, d] - 2 * (S[:, :d, d] * w).sum(1) + (Sw * w).sum(1)  # (B,)
    noisy = sigma**2 > ROUNDING * S[:, d, d]
    return noisy, n * np.divide(mean, sigma**2, out=np.zeros_like(mean), where=noisy)


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
