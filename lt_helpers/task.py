"""Noisy linear regression in context (paper, section 2.2), as tokens or as second moments.

    w ~ N(0, I_d)     x_i ~ N(0, C)     y_i = <w, x_i> + xi_i     xi_i ~ N(0, sigma^2)

One w and one sigma per sequence. The target of the query is <w, x_t>, without noise. A linear transformer reads a context only
through its second moments S = mean of e e^T with e = (x, y): they can be drawn directly, at a cost that does not grow with n.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from . import checks
from .noise import Noise, known


class Setting(NamedTuple):
    """The sizes of a task: d features and n examples."""

    dim: int
    context: int


PAPER = Setting(dim=10, context=20)  # Table 1, and so every stored model


@dataclass(frozen=True)
class Batch:
    """B sequences as tokens: x (B, n, d), y (B, n), w (B, d), sigma (B,), x_query (B, d), y_query (B,)."""

    x: np.ndarray
    y: np.ndarray
    w: np.ndarray
    sigma: np.ndarray
    x_query: np.ndarray
    y_query: np.ndarray


@dataclass(frozen=True)
class Moments:
    """B sequences as second moments: S (B, d+1, d+1), w (B, d), sigma (B,), and the context length n that S is a mean over."""

    S: np.ndarray
    w: np.ndarray
    sigma: np.ndarray
    context: int


def second_moments(x, y):
    """S = (1/n) sum e_i e_i^T with e_i = (x_i, y_i):  x (B, n, d), y (B, n) -> (B, d+1, d+1)."""
    e = np.concatenate([x, y[..., None]], axis=-1)  # (B, n, d+1)
    return e.mT @ e / x.shape[1]


@dataclass(frozen=True)
class RegressionTask:
    """A distribution of sequences.

    Parameters
    ----------
    dim : int.  d, the number of features.
    context : int.  n, the number of examples.
    noise : Noise.  How sigma is distributed.
    covariance : (d, d) array, optional.  C, the covariance of x; the identity by default. Symmetric, positive definite.
    """

    dim: int
    context: int
    noise: Noise
    covariance: np.ndarray | None = None

    def __post_init__(self):
        checks.count(self.dim, "dim")
        checks.count(self.context, "context")
        known(self.noise)
        if self.covariance is not None:
            covariance = checks.array(self.covariance, "covariance", (self.dim, self.dim))
            eigenvalues, size = np.linalg.eigvalsh(covariance), abs(covariance).max()
            if (
                not np.allclose(covariance, covariance.T, atol=1e-8 * size)
                or eigenvalues[0] <= 1e-14 * eigenvalues[-1]
            ):
                raise ValueError(
                    "covariance is not a covariance: it must be symmetric with eigenvalues above zero."
                )
            object.__setattr__(self, "covariance", covariance)

    def sample(self, batch, rng):
        """Draw `batch` sequences with the Generator `rng` -> Batch."""
        checks.count(batch, "batch", least=0)
        checks.generator(rng)
        w, sigma = self._draw_w_and_sigma(batch, rng)
        x = self._shape_inputs(rng.normal(size=(batch, self.context, self.dim)))
        x_query = self.sample_queries(batch, rng)
        y = (x @ w[..., None])[..., 0] + sigma[:, None] * rng.normal(size=(batch, self.context))
        return Batch(x, y, w, sigma, x_query, (x_query * w).sum(axis=1))

    def sample_moments(self, batch, rng):
        """Draw the second moments of `batch` sequences with the Generator `rng` -> Moments.

        n S of the white tokens (x, xi) is a Wishart matrix; Bartlett's decomposition draws its Cholesky factor: chi variables with
        n, n-1, ... degrees of freedom on the diagonal, normal ones below. It needs n > d; shorter contexts are drawn as tokens.
        """
        if self.context <= self.dim:
            drawn = self.sample(batch, rng)
            return Moments(second_moments(drawn.x, drawn.y), drawn.w, drawn.sigma, self.context)
        checks.count(batch, "batch", least=0)
        checks.generator(rng)
        w, sigma = self._draw_w_and_sigma(batch, rng)
        D = self.dim + 1
        factor = np.tril(rng.normal(size=(batch, D, D)), -1)  # (B, D, D): lower triangle
        factor[:, range(D), range(D)] = np.sqrt(rng.chisquare(self.context - np.arange(D), size=(batch, D)))
        to_tokens = np.zeros((batch, D, D))  # (x, y) = to_tokens (white x, white xi)
        to_tokens[:, :-1, :-1] = (
            np.eye(self.dim) if self.covariance is None else np.linalg.cholesky(self.covariance)
        )
        to_tokens[:, -1, :-1] = (w[:, None] @ to_tokens[:, :-1, :-1])[:, 0]
        to_tokens[:, -1, -1] = sigma
        factor = to_tokens @ factor
        return Moments(factor @ factor.mT / self.context, w, sigma, self.context)

    def sample_queries(self, batch, rng):
        """Draw the inputs of `batch` queries -> (B, d)."""
        return self._shape_inputs(rng.normal(size=(batch, self.dim)))

    def _draw_w_and_sigma(self, batch, rng):
        return rng.normal(size=(batch, self.dim)), self.noise.sample(batch, rng)

    def _shape_inputs(self, white):
        """White inputs (..., d) -> inputs with the task's covariance."""
        return white if self.covariance is None else white @ np.linalg.cholesky(self.covariance).T
