"""What training makes small: the adjusted loss, the excess risk over ridge regression that is told sigma.

Three facts make it cheap. A model reads a context only through its second moments S, which can be drawn directly. The loss over all
queries is a distance of weights, so no query is drawn. And the best answer, given the data and sigma, is the ridge weight, so

    loss = 1/2 E (w^L - w_ridge)^T C (w^L - w_ridge),   C the covariance of x

has the same minimum as the squared error, with far less noise in its gradient.

A rare context makes w^L, a polynomial of degree 3^L - 1 in its tokens, explode: one in 100,000 can double the mean, and no batch would
ever show it. It has a large w, as a rule. So three in ten sequences are drawn with w and x stretched, and all are weighted to make up
for it.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..spectrum import Spectrum

# What an exploding sequence of loss l counts for. In the gradient PULL log(1 + l / PULL): it still pulls, but not alone. Where two steps
# or two models are compared l / (1 + l / limit), with a low limit on a small batch, and a high one where a rare explosion must count.
PULL, LIMIT, RARE = 300.0, 10.0, 10_000.0

STRETCHED = 0.3  # the share of sequences that are drawn with
STRETCH_W, STRETCH_X = 1.8, 1.1  # ... so much larger w and x


@dataclass(frozen=True)
class Sequences:
    """S : (B, W, W) second moments, zero beyond d+1 (see `padded`).  oracle : (B, d) ridge weights.  root : (d, d), root root^T = C.
    weight : (B,), with mean 1: weighted means over the sequences are means over the task."""

    S: torch.Tensor
    oracle: torch.Tensor
    root: torch.Tensor
    weight: torch.Tensor

    def float(self):
        """The same in single precision, for steps that are small anyway."""
        return Sequences(self.S.float(), self.oracle.float(), self.root.float(), self.weight.float())

    def misfit(self, w):
        """root^T (w - oracle): half its squared length is the adjusted loss.    w : (..., B, d)  ->  (..., B, d)"""
        return (w - self.oracle) @ self.root

    def losses(self, w):
        """Adjusted loss of each sequence.    w : (..., B, d)  ->  (..., B)"""
        return (self.misfit(w) ** 2).sum(-1) / 2


def held_out_loss(losses, weight, limit=RARE):
    """What chooses among models: the weighted mean of all losses (..., B), exploding ones included, up to the limit -> (...,)"""
    return (weight * capped(losses, limit)).mean(-1)


def draw(task, batch, rng, share=STRETCHED):
    """Draw `batch` sequences of a RegressionTask with the NumPy Generator `rng`, a `share` of them stretched -> Sequences, float64."""
    moments, weight = stretched(task.sample_moments(batch, rng), task, int(share * batch))
    root = torch.eye(task.dim, dtype=torch.float64)
    if task.covariance is not None:
        root = torch.linalg.cholesky(torch.from_numpy(task.covariance))
    return Sequences(
        padded(torch.from_numpy(moments.S)), torch.from_numpy(ridge(moments)), root, torch.from_numpy(weight)
    )


def stretched(moments, task, count):
    """Stretch w and x of the first `count` sequences -> Moments, weights (B,): the density of the task over that of the mixture.

    x' = k_x x and w' = k_w w make y' = y + (k_x k_w - 1) <w, x>, so S' = A S A^T with A = [[k_x I, 0], [(k_x k_w - 1) w^T, 1]].
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
    whitening = np.eye(d) if task.covariance is None else np.linalg.inv(task.covariance)
    size_w, size_x = (w**2).sum(1), n * np.einsum("bij,ij->b", S[:, :d, :d], whitening)
    log_ratio = -d * np.log(STRETCH_W) - n * d * np.log(STRETCH_X)  # of the stretched density to the task's
    log_ratio = log_ratio + size_w * (1 - STRETCH_W**-2) / 2 + size_x * (1 - STRETCH_X**-2) / 2
    share = count / B if B else 0
    return replace(moments, S=S, w=w), 1 / (1 - share + share * np.exp(log_ratio))


def ridge(moments):
    """The oracle's weights (B, d). Where no matrix is singular, solving is ten times as fast as diagonalising."""
    S, n, d = moments.S, moments.context, moments.w.shape[1]
    if n <= d:
        return Spectrum.from_moments(S, n).ridge(moments.sigma)
    strength = moments.sigma[:, None, None] ** 2 / n * np.eye(d)
    return np.linalg.solve(S[:, :d, :d] + strength, S[:, :d, d:])[..., 0]


def padded(matrices):
    """Square matrices (..., D, D) with zeros around, to the next multiple of 4: (..., W, W). Products of 12x12 run twice as fast as of
    11x11, and a layer never mixes the zeros in."""
    D = matrices.shape[-1]
    result = matrices.new_zeros(*matrices.shape[:-2], width(D), width(D))
    result[..., :D, :D] = matrices
    return result


def width(D):
    """D, rounded up to a multiple of 4."""
    return -(-D // 4) * 4


def capped(losses, limit=LIMIT):
    """Losses with an upper bound: what one exploding sequence can do to a mean is bounded."""
    return torch.where(torch.isfinite(losses), losses / (1 + losses / limit), limit)
