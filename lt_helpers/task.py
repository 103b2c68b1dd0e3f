"""Noisy linear regression in context (paper, section 2.2), as tokens or as second moments.

    w ~ N(0, I_d)     x_i ~ N(0, C)     y_i = <w, x_i> + xi_i     xi_i ~ N(0, sigma^2)

One w and one sigma per sequence; w may have another scale. The target of the query is <w, x_t>, without noise. A linear transformer
reads a context only through its second moments S = mean of e e^T with e = (x, y): they can be drawn directly, at a cost that does not
grow with n.
"""

import copy
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from . import checks
from .noise import Noise, check_noise


class Setting(NamedTuple):
    """The sizes of a task: d features and n examples."""

    dim: int
    context: int


PAPER = Setting(dim=10, context=20)  # Table 1, and so every stored model
DRAWS = ("sample_w", "sample_inputs", "sample_noise", "sample")  # what a task of one's own may override
TRIED = 4096  # inputs of one's own, against the covariance that is said of them


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

    A task of your own is a subclass that overrides one or more of three methods: `sample_inputs`, `sample_noise` and `sample_w`.

        class Signs(RegressionTask):
            def sample_inputs(self, shape, rng):
                return rng.choice([-1.0, 1.0], (*shape, self.dim))

    (One with parameters is a `dataclass(frozen=True, eq=False)`.)

    With inputs of your own, ridge regression that is told sigma stays the best answer given sigma, and `baselines.bayes` the best
    without: both hold for any X. With noise or weights of your own they do not, and what needs them says so (`no_oracle`).

    Parameters
    ----------
    dim : int
        d, the number of features.
    context : int
        n, the number of examples.
    noise : Noise
        How sigma is distributed.
    covariance : (d, d) array, optional
        C, the covariance of x, symmetric and positive definite; the identity by default. Of inputs of your own it must be E[x x^T].
    w_scale : float
        The standard deviation of each component of w.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """

    dim: int
    context: int
    noise: Noise
    covariance: np.ndarray | None = None
    w_scale: float = 1.0

    def __post_init__(self):
        checks.count(self.dim, "dim")
        checks.count(self.context, "context")
        check_noise(self.noise)
        if self.covariance is not None:
            object.__setattr__(self, "covariance", read_covariance(self.covariance, self.dim))
        scale = checks.number(self.w_scale, "w_scale", checks.SMALLEST, checks.LARGEST)
        object.__setattr__(self, "w_scale", scale)
        if "sample_inputs" in self.own:
            check_inputs(self)

    def __eq__(self, other):
        return isinstance(other, RegressionTask) and self._parts == other._parts

    def __hash__(self):
        return hash(self._parts)

    @property
    def _parts(self):
        """All that the task is made of, as what can be compared: of arrays only their numbers can."""
        return type(self), *(comparable(getattr(self, field.name)) for field in fields(self))

    @property
    def own(self):
        """What a subclass draws in its own way: the names of these methods, none in a task of this class."""
        return tuple(name for name in DRAWS if getattr(type(self), name) is not getattr(RegressionTask, name))

    @property
    def no_oracle(self):
        """Why ridge regression that is told sigma is not the best answer given sigma, in words; "" where it is."""
        culprits = [name for name in self.own if name != "sample_inputs"]
        if not culprits:
            return ""
        return (
            f"{type(self).__name__} has a {' and a '.join(culprits)} of its own, and so ridge regression that is told sigma is not the "
            "best answer given sigma"
        )

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
        w = self.sample_w(batch, rng)  # (B, d)
        sigma = self.noise.sample(batch, rng)  # (B,)
        x = self.sample_inputs((batch, self.context), rng)  # (B, n, d)
        x_query = self.sample_queries(batch, rng)  # (B, d)
        xi = self.sample_noise(x, sigma, rng)  # (B, n)
        y = (x @ w[..., None])[..., 0] + xi
        return Batch(x, y, w, sigma, x_query, (x_query * w).sum(axis=1))

    def sample_moments(self, batch, rng):
        """Draw sequences as second moments, at a cost that does not grow with n.

        n S of the white tokens (x, xi) is a Wishart matrix; Bartlett's decomposition draws its Cholesky factor: chi variables with
        n, n-1, ... degrees of freedom on the diagonal, normal ones below. It needs n > d; shorter contexts are drawn as tokens, and so
        are inputs or noise of one's own.

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
        if self.context <= self.dim or set(self.own) - {"sample_w"}:
            tokens = self.sample(batch, rng)
            return Moments(second_moments(tokens.x, tokens.y), tokens.w, tokens.sigma, self.context)
        checks.count(batch, "batch", least=0)
        checks.generator(rng)
        w = self.sample_w(batch, rng)  # (B, d)
        sigma = self.noise.sample(batch, rng)  # (B,)

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
        return self.sample_inputs((batch,), rng)

    def sample_w(self, batch, rng):
        """Draw true weights.

        Parameters
        ----------
        batch : int
            B, how many.
        rng : numpy.random.Generator
            What draws them.

        Returns
        -------
        (B, d) array
            Of mean square `w_scale`^2.
        """
        return self.w_scale * rng.normal(size=(batch, self.dim))

    def sample_inputs(self, shape, rng):
        """Draw inputs, of contexts and of queries.

        Parameters
        ----------
        shape : tuple of int
            How many: (B, n) of contexts, (B,) of queries.
        rng : numpy.random.Generator
            What draws them.

        Returns
        -------
        (*shape, d) array
            With E[x x^T] = `covariance`.
        """
        white = rng.normal(size=(*shape, self.dim))
        return white if self.covariance is None else white @ np.linalg.cholesky(self.covariance).T

    def sample_noise(self, x, sigma, rng):
        """Draw what is added to each label of the contexts.

        Parameters
        ----------
        x : (B, n, d) array
            The inputs, on which it may depend.
        sigma : (B,) array
            The noise levels of the sequences.
        rng : numpy.random.Generator
            What draws them.

        Returns
        -------
        (B, n) array
        """
        return sigma[:, None] * rng.normal(size=x.shape[:2])


def at_noise(task, noise):
    """The same task with another noise -> of the same class. It is copied as it is: a class of a learner's own may be made in any way."""
    changed = copy.copy(task)
    object.__setattr__(changed, "noise", noise)
    return changed


def comparable(value):
    """A value, or the numbers of an array."""
    return tuple(value.ravel().tolist()) if isinstance(value, np.ndarray) else value


def check_inputs(task):
    """A ValueError, unless inputs of a learner's own have the shape and the second moments that the task says."""
    name = f"{type(task).__name__}.sample_inputs"
    x = task.sample_inputs((TRIED,), np.random.default_rng(0))
    x = checks.array(x, f"{name}(({TRIED},), rng)", (TRIED, task.dim))
    C = np.eye(task.dim) if task.covariance is None else task.covariance
    products = x[:, :, None] * x[:, None]  # (TRIED, d, d)
    found = products.mean(axis=0)  # (d, d)
    error = products.std(axis=0) / np.sqrt(TRIED) + 1e-9 * abs(C).max()
    off = abs(found - C) / error  # (d, d), in standard errors
    if off.max() > 8:
        i, j = np.unravel_index(off.argmax(), off.shape)
        raise ValueError(
            f"{name} draws inputs whose mean of x_{i} x_{j} is {found[i, j]:.3g}, but the covariance says {C[i, j]:.3g}: "
            "covariance must be E[x x^T] of the inputs."
        )


def read_covariance(covariance, dim):
    """A covariance as an array (d, d), or one sentence on why it is none. It is judged at its own scale."""
    covariance = checks.array(covariance, "covariance", (dim, dim))
    eigenvalues = np.linalg.eigvalsh(covariance)  # ascending
    symmetric = np.allclose(covariance, covariance.T, atol=1e-8 * abs(covariance).max())
    if not symmetric or eigenvalues[0] <= 1e-14 * eigenvalues[-1]:
        raise ValueError("covariance is not a covariance: it must be symmetric with eigenvalues above zero.")
    return covariance
