"""A batch of contexts, seen along the principal directions of its inputs: where ridge regression is a factor per direction.

With Sigma = mean x x^T = sum_j s_j v_j v_j^T and alpha = mean y x, ridge regression that knows sigma keeps s / (s + sigma^2/n) of
direction j: w_j = alpha_j / (s_j + sigma^2/n). How probable a sigma is, given the data, is a function of the same few numbers.
"""

from dataclasses import dataclass

import numpy as np

from .task import second_moments

BLOCK = 4  # nodes of a mesh between which it is cut
NUMBERS = 10_000_000  # of a (B, K, d) array at a time: 80 MB


@dataclass(frozen=True)
class Spectrum:
    """B contexts along the principal directions of their inputs.

    Attributes
    ----------
    S : (B, D, D) array, D = d + 1
        Second moments of the tokens e = (x, y): the mean of e e^T.
    s : (B, d) array
        Eigenvalues of Sigma, ascending; 0 for a direction that the inputs never take.
    V : (B, d, d) array
        Eigenvectors of Sigma, in columns.
    alpha : (B, d) array
        Components of mean y x along them; 0 where s is 0.
    context : int
        n, the number of examples that the means are over.
    """

    S: np.ndarray
    s: np.ndarray
    V: np.ndarray
    alpha: np.ndarray
    context: int

    @classmethod
    def from_moments(cls, S, context):
        """The spectrum of contexts that are given by their second moments.

        Parameters
        ----------
        S : (B, D, D) array
            Second moments.
        context : int
            n, the number of examples that they are means over.

        Returns
        -------
        Spectrum
        """
        s, V = np.linalg.eigh(S[:, :-1, :-1])  # (B, d), (B, d, d)
        alpha = (V.mT @ S[:, :-1, -1:])[..., 0]  # (B, d)

        # The inputs vary in min(n, d) directions, as a rule. What is left of the others is rounding.
        seen = s > 1e-12 * s[:, -1:]
        return cls(S, np.where(seen, s, 0), V, np.where(seen, alpha, 0), context)

    @classmethod
    def from_tokens(cls, x, y):
        """The spectrum of contexts that are given by their examples.

        It goes by the singular values of X: small ones are lost to rounding when they are squared.

        Parameters
        ----------
        x : (B, n, d) array
            Inputs.
        y : (B, n) array
            Labels.

        Returns
        -------
        Spectrum
        """
        B, n, d = x.shape
        r = min(n, d)
        left, singular, right = np.linalg.svd(x, full_matrices=n < d)  # (B, n, r or n), (B, r), (B, d, d)
        singular = np.where(singular > 1e-13 * singular[:, :1], singular, 0)  # the rest is rounding
        along = (left[..., :r].mT @ y[..., None])[..., 0]  # (B, r): y along the left singular vectors

        # They come with the largest first. The d - r directions that n < d examples cannot show stay at 0.
        s = np.zeros((B, d))
        alpha = np.zeros((B, d))
        s[:, d - r :] = (singular**2)[:, ::-1] / n
        alpha[:, d - r :] = (singular * along)[:, ::-1] / n
        V = right[:, ::-1].mT  # (B, d, d)
        return cls(second_moments(x, y), s, V, alpha, n)

    def with_inputs_times(self, factor):
        """The spectrum of the same contexts with all inputs multiplied by a factor.

        So w ~ N(0, w_scale^2 I) becomes what all here is made for: y = <w, x> = <w / w_scale, w_scale x>, where w / w_scale ~ N(0, I).

        Parameters
        ----------
        factor : float
            Above zero.

        Returns
        -------
        Spectrum
        """
        sizes = np.append(np.full(self.s.shape[-1], factor), 1.0)  # (D,)
        S = sizes[:, None] * self.S * sizes
        return Spectrum(S, factor**2 * self.s, self.V, factor * self.alpha, self.context)

    def components(self, w):
        """Weights along the principal directions, V^T w.

        Parameters
        ----------
        w : (B, d) array

        Returns
        -------
        (B, d) array
        """
        return (self.V.mT @ w[..., None])[..., 0]

    def ridge(self, sigma):
        """Ridge regression, w = (Sigma + sigma^2/n I)^-1 alpha: the oracle, if sigma is the true one.

        Without noise it is ordinary least squares, the shortest solution where there are many.

        Parameters
        ----------
        sigma : (B,) array
            The noise of each context.

        Returns
        -------
        (B, d) array
            Weights.
        """
        strength = np.asarray(sigma)[:, None] ** 2 / self.context  # (B, 1)
        w = divide(self.alpha, self.s + strength)  # (B, d), along the principal directions
        return (self.V @ w[..., None])[..., 0]

    @property
    def energy(self):
        """The square of y along each left singular vector of X, n alpha^2 / s -> (B, d)."""
        return self.context * divide(self.alpha, self.s) * self.alpha

    @property
    def residual(self):
        """The mean square of what no w can explain, |y - X w_ols|^2 / n -> (B,)."""
        explained = (divide(self.alpha, self.s) * self.alpha).sum(axis=-1)
        return np.maximum(self.S[:, -1, -1] - explained, 0)

    @property
    def least_variance(self):
        """The least sigma^2 that can be told from the rounding of y, (1e-6)^2 of its mean square -> (B,)."""
        return 1e-12 * self.S[:, -1, -1] + np.finfo(float).tiny

    def noise_estimate(self):
        """The unbiased estimate of the noise from the residuals of least squares, sqrt(|y - X w_ols|^2 / (n - d)) -> (B,). Needs n > d."""
        n, d = self.context, self.s.shape[-1]
        return np.sqrt(self.residual * n / (n - d))

    def noise_by_evidence(self):
        """The sigma under which the labels are most probable, w ~ N(0, I) integrated out: type-II maximum likelihood.

        It needs no prior on the noise, and serves any n and d.

        Returns
        -------
        (B,) array
            The sigma with the largest `log_likelihood`; 0 where no noise is best.
        """
        # A grid of log sigma^2, up to the whole of y: more noise than that is less probable, whatever X is.
        low = np.log(self.least_variance)  # (B,)
        high = np.log(self.context * self.S[:, -1, -1] + self.least_variance)
        grid = np.linspace(low, high, 64, axis=1)  # (B, 64)
        scores = self.log_likelihood(np.exp(grid / 2))

        # There may be two peaks of nearly one height, one that takes y for noise and one that does not: both are climbed.
        beside = np.pad(scores, ((0, 0), (1, 1)), constant_values=-np.inf)
        peaks = (scores >= beside[:, :-2]) & (scores >= beside[:, 2:])
        best = np.argsort(np.where(peaks, scores, -np.inf), axis=1)[:, -2:]  # (B, 2)
        low, high = neighbours(grid, best)  # (B, 2)

        # Each finer grid lies between the neighbours of the best point so far.
        for _ in range(12):
            grid = np.linspace(low, high, 9, axis=-1)  # (B, 2, 9)
            flat = np.exp(grid / 2).reshape(len(grid), 18)
            scores = self.log_likelihood(flat).reshape(grid.shape)
            best = scores.argmax(axis=-1)[..., None]  # (B, 2, 1)
            low, high = (edge[..., 0] for edge in neighbours(grid, best))  # (B, 2)

        highest = scores.max(axis=-1).argmax(axis=-1)[:, None]  # (B, 1): which of the two peaks
        variance = np.exp(np.take_along_axis((low + high) / 2, highest, axis=1))[:, 0]
        return np.where(variance > 1.01 * self.least_variance, np.sqrt(variance), 0)

    def log_likelihood(self, sigmas):
        """log p(y | X, sigma) with w ~ N(0, I) integrated out, up to a constant.

        y ~ N(0, X X^T + sigma^2 I): n s_j + sigma^2 is its variance along the j-th left singular vector of X, sigma^2 along the others.
        Below a millionth of the size of y, sigma cannot be told from rounding, and counts as that.

        Parameters
        ----------
        sigmas : (K,) or (B, K) array
            Noise levels, the same for all contexts or some for each.

        Returns
        -------
        (B, K) array
        """
        n = self.context
        variance = np.maximum(sigmas**2, self.least_variance[:, None])  # (B, K)

        # Along the directions that the inputs take.
        seen = self.s > 0  # (B, d)
        along = n * self.s[:, None] + variance[..., None]  # (B, K, d)
        terms = np.log(along)
        terms += self.energy[:, None] / along
        inside = np.where(seen[:, None], terms, 0).sum(axis=-1)  # (B, K)

        # Along the others there is noise alone.
        others = np.maximum(n - seen.sum(axis=-1), 0)[:, None]  # (B, 1)
        outside = others * np.log(variance) + n * self.residual[:, None] / variance  # (B, K)
        return -(inside + outside) / 2

    def posterior(self, noise, count=64):
        """How probable each sigma is, given the context and how sigma is distributed: p(sigma | x, y) as weights of a quadrature.

        The more examples, the narrower it is. Where one node would hold more than a third of it, the nodes around get a finer mesh.

        Parameters
        ----------
        noise : Noise
            The distribution of sigma.
        count : int
            How many nodes an interval gets, before it is cut, and each of its pieces thereafter.

        Returns
        -------
        sigmas : (K,) array
            The nodes, the same for all contexts.
        probabilities : (B, K) array
            They sum to 1: E[f(sigma) | x, y] = sum probabilities f(sigmas).
        """
        cuts = np.array([])
        while True:
            sigmas, weights = noise.nodes(count, cuts)  # (K,), (K,)
            probabilities = self.weigh(sigmas, weights)  # (B, K)
            crowded = find_crowded(probabilities)  # (B,)
            if not (noise.continuous and crowded.any()):
                return sigmas, probabilities
            finer = np.union1d(cuts, around(sigmas, probabilities[crowded].argmax(axis=1)))
            if len(finer) == len(cuts):  # there are no numbers in between
                return sigmas, probabilities
            cuts = finer

    def bayes(self, noise, count=64):
        """The posterior mean of w when sigma is unknown but its distribution is known.

        It averages the ridge solutions over the posterior of sigma. No predictor has a smaller expected squared error.

        Parameters
        ----------
        noise : Noise
            The distribution of sigma.
        count : int
            As in `posterior`.

        Returns
        -------
        (B, d) array
            Weights.
        """
        sigmas, weights = noise.nodes(count)  # (K,), (K,)
        probabilities = self.weigh(sigmas, weights)  # (B, K)
        average = self.average_ridge(sigmas, probabilities)  # (B, d)

        # Some contexts need a finer mesh. Those of like noise share one: a mesh for all would be fine everywhere.
        if noise.continuous:
            crowded = find_crowded(probabilities)  # (B,)
            best = probabilities.argmax(axis=1)  # (B,)
            for node in np.unique(best[crowded]):
                alike = np.flatnonzero(crowded & (best == node))
                few = self.select(alike)
                average[alike] = few.average_ridge(*few.posterior(noise, count))
        return (self.V @ average[..., None])[..., 0]

    def weigh(self, sigmas, weights):
        """The probabilities of some noise levels, given the context.

        Parameters
        ----------
        sigmas, weights : (K,) arrays
            The noise levels, and their probabilities beforehand.

        Returns
        -------
        (B, K) array
            They sum to 1.
        """
        # So many at a time that what is computed for each direction fits into the memory.
        most = max(1, NUMBERS // max(1, self.s.size))
        parts = [self.log_likelihood(sigmas[start : start + most]) for start in range(0, len(sigmas), most)]
        with np.errstate(divide="ignore"):
            beforehand = np.log(weights)  # (K,): -inf where a density is zero
        scores = np.concatenate(parts, axis=1) + beforehand  # (B, K)
        probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        return probabilities

    def average_ridge(self, sigmas, probabilities):
        """The mean of the ridge solutions for several noise levels, along the principal directions.

        Parameters
        ----------
        sigmas : (K,) array
            The noise levels.
        probabilities : (B, K) array
            The weight of each.

        Returns
        -------
        (B, d) array
            Components of the mean.
        """
        strength = sigmas[:, None] ** 2 / self.context  # (K, 1)
        w = divide(self.alpha[:, None], self.s[:, None] + strength)  # (B, K, d)
        return (probabilities[:, None] @ w)[:, 0]

    def select(self, rows):
        """Some of the contexts.

        Parameters
        ----------
        rows : (C,) array of int
            Which of them.

        Returns
        -------
        Spectrum
        """
        return Spectrum(self.S[rows], self.s[rows], self.V[rows], self.alpha[rows], self.context)


def find_crowded(probabilities):
    """Where a mesh is too coarse for a posterior: one node holds more than a third of it.

    Nodes that resolve a bell lie at most its standard deviation apart, and then none holds more than 0.4 of it.

    Parameters
    ----------
    probabilities : (B, K) array

    Returns
    -------
    (B,) array of bool
    """
    return probabilities.max(axis=1) > 1 / 3


def around(sigmas, best):
    """Where to cut a mesh for more nodes around some of its own: at every BLOCK-th node at most, so that posteriors alike share cuts.

    Parameters
    ----------
    sigmas : (K,) array
        The nodes, ascending.
    best : (C,) array of int
        Which of them are to lie within a piece of their own.

    Returns
    -------
    (2 C,) array at most
        The cuts.
    """
    before = (best - 1) // BLOCK * BLOCK
    after = (best + BLOCK) // BLOCK * BLOCK
    ends = np.concatenate([before, after])
    return sigmas[
        ends[(ends > 0) & (ends < len(sigmas))]
    ]  # beyond the first and the last node the interval ends


def neighbours(grid, best):
    """The points before and after some points of a grid, or its ends where there are none.

    Parameters
    ----------
    grid : (..., K) array
    best : (..., J) array of int
        Where on the last axis of the grid.

    Returns
    -------
    before, after : (..., J) arrays
    """
    before = np.maximum(best - 1, 0)
    after = np.minimum(best + 1, grid.shape[-1] - 1)
    return np.take_along_axis(grid, before, axis=-1), np.take_along_axis(grid, after, axis=-1)


def divide(numerator, denominator):
    """numerator / denominator, and 0 where the denominator is 0: a direction that the inputs never take.

    Parameters
    ----------
    numerator, denominator : arrays
        They broadcast; no denominator is negative.

    Returns
    -------
    array
    """
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    return np.divide(numerator, denominator, out=np.zeros(shape), where=denominator > 0)
