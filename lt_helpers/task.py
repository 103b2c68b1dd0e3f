"""Noisy linear regression in context (paper, section 2.2), as tokens or as second moments.

    w ~ N(0, I_d)     x_i ~ N(0, C)     y_i = <w, x_i> + xi_i     xi_i ~ N(0, sigma^2)

One w and one sigma per sequence. The target of the query is <w, x_t>, without noise. A linear transformer reads a context only
through its second moments S = mean of e e^T with e = (x, y): they can be drawn directly, at a cost that does not grow with n.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from . import checks
from .noise import Noise, check_noise


class Setting(NamedTuple):
    """The sizes of a task: d features and n examples."""

    dim: int
    context: int


PAPER = Setting(dim=10, context=20)  # Table 1, and so every stored model


@dataclass(frozen=True)
class Batch:
    """B sequences as tokens.

    Attributes
    ----------
    x : (B, n, d) array
        Inputs of the context.
    y : (B, n) array
        Labels of the context, with noise.
    w : (B, d) array
        The true weights.
    sigma : (B,) array
        The standard deviation of the noise.
    x_query : (B, d) array
        The query's input.
    y_query : (B,) array
        The target <w, x_query>, without noise.
    """

    x: np.ndarray
    y: np.ndarray
    w: np.ndarray
    sigma: np.ndarray
    x_query: np.ndarray
    y_query: np.ndarray


@dataclass(frozen=True)
class Moments:
    """B sequences as second moments.

    Attributes
    ----------
    S : (B, D, D) array, D = d + 1
        Means of e e^T over the tokens e = (x, y).
    w : (B, d) array
        The true weights.
    sigma : (B,) array
        The standard deviation of the noise.
    context : int
        n, the number of tokens that S is a mean over.
    """

    S: np.ndarray
    w: np.ndarray
    sigma: np.ndarray
    context: int


def second_moments(x, y):
    """Second moments of contexts, S = (1/n) sum e_i e_i^T with e_i = (x_i, y_i).

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.

    Returns
    -------
    (B, d+1, d+1) array
    """
    e = np.concatenate([x, y[..., None]], axis=-1)  # (B, n, D)
    return e.mT @ e / x.shape[1]


@dataclass(frozen=True, eq=False)
class RegressionTask:
    """A distribution of sequences. Two tasks are equal when all that they are made of is.

    Parameters
    ----------
    dim : int
        d, the number of features.
    context : int
        n, the number of examples.
    noise : Noise
        How sigma is distributed.
    covariance : (d, d) array, optional
        C, the covariance of x, symmetric and positive definite; the identity by default.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """

    dim: int
    context: int
    noise: Noise
    covariance: np.ndarray | None = None

    def __post_init__(self):
        checks.count(self.dim, "dim")
        checks.count(self.context, "context")
        check_noise(self.noise)
        if self.covariance is not None:
            object.__setattr__(self, "covariance", read_covariance(self.covariance, self.dim))

    def __eq__(self, other):
        return isinstance(other, RegressionTask) and self._parts == other._parts

    def __hash__(self):
        return hash(self._parts)

    @property
    def _parts(self):
        """All that the task is made of, as what can be compared: of arrays only their numbers can."""
        numbers = None if self.covariance is None else tuple(self.covariance.ravel().tolist())
        return self.dim, self.context, self.noise, numbers

    def sample(self, batch, rng):
        """Draw sequences as tokens.

        Parameters
        ----------
        batch : int
            B, how many sequences.
        rng : numpy.random.Generator
            What draws them.

        Returns
        -------
        Batch

        Raises
        ------
        TypeError, ValueError
            If the batch is no count, or the generator none.
        """
        checks.count(batch, "batch", least=0)
        checks.generator(rng)
        w, sigma = self._sample_w_and_sigma(batch, rng)  # (B, d), (B,)
        x = self._shape_inputs(rng.normal(size=(batch, self.context, self.dim)))  # (B, n, d)
        x_query = self.sample_queries(batch, rng)  # (B, d)
        xi = sigma[:, None] * rng.normal(size=(batch, self.context))  # (B, n)
        y = (x @ w[..., None])[..., 0] + xi
        return Batch(x, y, w, sigma, x_query, (x_query * w).sum(axis=1))

    def sample_moments(self, batch, rng):
        """Draw sequences as second moments, at a cost that does not grow with n.

        n S of the white tokens (x, xi) is a Wishart matrix; Bartlett's decomposition draws its Cholesky factor: chi variables with
        n, n-1, ... degrees of freedom on the diagonal, normal ones below. It needs n > d; shorter contexts are drawn as tokens.

        Parameters
        ----------
        batch : int
            B, how many sequences.
        rng : numpy.random.Generator
            What draws them.

        Returns
        -------
        Moments

        Raises
        ------
        TypeError, ValueError
            If the batch is no count, or the generator none.
        """
        if self.context <= self.dim:
            tokens = self.sample(batch, rng)
            return Moments(second_moments(tokens.x, tokens.y), tokens.w, tokens.sigma, self.context)
        checks.count(batch, "batch", least=0)
        checks.generator(rng)
        w, sigma = self._sample_w_and_sigma(batch, rng)  # (B, d), (B,)

        # The Cholesky factor of n S for white tokens.
        D = self.dim + 1
        factor = np.tril(rng.normal(size=(batch, D, D)), -1)  # (B, D, D): below the diagonal
        freedom = self.context - np.arange(D)  # (D,): n, n-1, ...
        factor[:, range(D), range(D)] = np.sqrt(rng.chisquare(freedom, size=(batch, D)))

        # The tokens are (x, y) = A (white x, white xi), with A = [[R, 0], [w^T R, sigma]] and R R^T = C.
        R = np.eye(self.dim) if self.covariance is None else np.linalg.cholesky(self.covariance)
        A = np.zeros((batch, D, D))
        A[:, :-1, :-1] = R
        A[:, -1, :-1] = (w[:, None] @ A[:, :-1, :-1])[:, 0]
        A[:, -1, -1] = sigma
        factor = A @ factor  # (B, D, D)
        return Moments(factor @ factor.mT / self.context, w, sigma, self.context)

    def sample_queries(self, batch, rng):
        """Draw the inputs of `batch` queries with the Generator `rng` -> (B, d)."""
        return self._shape_inputs(rng.normal(size=(batch, self.dim)))

    def _sample_w_and_sigma(self, batch, rng):
        w = rng.normal(size=(batch, self.dim))
        return w, self.noise.sample(batch, rng)

    def _shape_inputs(self, white):
        """White inputs (..., d) -> inputs with the task's covariance."""
        return white if self.covariance is None else white @ np.linalg.cholesky(self.covariance).T


def read_covariance(covariance, dim):
    """A covariance as an array (d, d), or one sentence on why it is none. It is judged at its own scale."""
    covariance = checks.array(covariance, "covariance", (dim, dim))
    eigenvalues = np.linalg.eigvalsh(covariance)  # ascending
    symmetric = np.allclose(covariance, covariance.T, atol=1e-8 * abs(covariance).max())
    if not symmetric or eigenvalues[0] <= 1e-14 * eigenvalues[-1]:
        raise ValueError("covariance is not a covariance: it must be symmetric with eigenvalues above zero.")
    return covariance
