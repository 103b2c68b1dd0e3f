"""A batch of contexts, seen along the principal directions of its inputs: where ridge regression is a factor per direction.

With Sigma = mean x x^T = sum_j s_j v_j v_j^T and alpha = mean y x, ridge regression that knows sigma keeps s / (s + sigma^2/n) of
direction j: w_j = alpha_j / (s_j + sigma^2/n). How probable a sigma is, given the data, is a function of the same few numbers.
"""

from dataclasses import dataclass

import numpy as np

from .task import second_moments


@dataclass(frozen=True)
class Spectrum:
    """S : (B, D, D) second moments.  s : (B, d) eigenvalues of Sigma, ascending.  V : (B, d, d) eigenvectors in columns.
    alpha : (B, d) components of mean y x along them.  context : n."""

    S: np.ndarray
    s: np.ndarray
    V: np.ndarray
    alpha: np.ndarray
    context: int

    @classmethod
    def from_moments(cls, S, context):
        """From second moments S (B, D, D) that are means over `context` examples."""
        s, V = np.linalg.eigh(S[:, :-1, :-1])
        alpha = (V.mT @ S[:, :-1, -1:])[..., 0]
        seen = s > 1e-12 * s[:, -1:]  # directions in which the inputs vary: min(n, d) of them, as a rule
        return cls(S, np.where(seen, s, 0), V, np.where(seen, alpha, 0), context)

    @classmethod
    def from_tokens(cls, x, y):
        """From the examples x (B, n, d), y (B, n), by the singular values of X: small ones are lost to rounding when they are squared."""
        n, d = x.shape[1:]
        left, singular, right = np.linalg.svd(
            x, full_matrices=n < d
        )  # (B, n, r), (B, r), (B, d, d), r = min(n, d), largest first
        singular = np.where(singular > 1e-13 * singular[:, :1], singular, 0)
        along = (left[..., : singular.shape[1]].mT @ y[..., None])[..., 0]  # (B, r)
        unseen = np.zeros((len(x), d - singular.shape[1]))
        s, alpha = (
            np.concatenate([unseen, part[:, ::-1]], axis=1) / n for part in (singular**2, singular * along)
        )
        return cls(second_moments(x, y), s, right[:, ::-1].mT, alpha, n)

    def components(self, w):
        """Weights (B, d) -> their components along the principal directions (B, d)."""
        return (self.V.mT @ w[..., None])[..., 0]

    def ridge(self, sigma):
        """Ridge regression, w = (Sigma + sigma^2/n I)^-1 alpha: the oracle, if sigma is the true one.   sigma : (B,)  ->  (B, d)

        Without noise it is ordinary least squares, the shortest solution where there are many.
        """
        strength = np.asarray(sigma)[:, None] ** 2 / self.context
        return (self.V @ divide(self.alpha, self.s + strength)[..., None])[..., 0]

    @property
    def residual(self):
        """Mean square of what no w can explain, |y - X w_ols|^2 / n -> (B,)."""
        explained = (divide(self.alpha, self.s) * self.alpha).sum(axis=-1)
        return np.maximum(self.S[:, -1, -1] - explained, 0)

    def noise_estimate(self):
        """The unbiased estimate of the noise from the residuals of least squares, sqrt(|y - X w_ols|^2 / (n - d)) -> (B,). Needs n > d."""
        n, d = self.context, self.s.shape[-1]
        return np.sqrt(self.residual * n / (n - d))

    def log_likelihood(self, sigmas):
        """log p(y | X, sigma) with w ~ N(0, I) integrated out, up to a constant.    sigmas : (K,)  ->  (B, K)

        y ~ N(0, X X^T + sigma^2 I): n s_j + sigma^2 is its variance along the j-th left singular vector of X, sigma^2 along the others.
        Below a millionth of the size of y, sigma cannot be told from rounding, and counts as that.
        """
        n = self.context
        rounding = 1e-12 * self.S[:, -1, -1] + np.finfo(float).tiny  # (B,)
        variance = np.maximum(sigmas[:, None] ** 2, rounding[:, None, None])  # (B, K, 1)
        seen = (self.s > 0)[:, None]  # (B, 1, d)
        energy = (n * divide(self.alpha, self.s) * self.alpha)[:, None]  # (B, 1, d)
        along = n * self.s[:, None] + variance  # (B, K, d)
        inside = np.where(seen, np.log(along) + energy / along, 0).sum(axis=-1)
        unexplained = (
            np.maximum(n - seen.sum(axis=-1), 0) * np.log(variance[..., 0])
            + n * self.residual[:, None] / variance[..., 0]
        )
        return -(inside + unexplained) / 2

    def posterior(self, noise, count=64):
        """p(sigma | context) on the quadrature nodes of a noise distribution -> sigmas (K,), probabilities (B, K) that sum to 1."""
        sigmas, weights = noise.nodes(count)
        scores = self.log_likelihood(sigmas) + np.log(weights)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return sigmas, scores / scores.sum(axis=1, keepdims=True)

    def bayes(self, noise, count=64):
        """The posterior mean of w when sigma is unknown but its distribution is known: ridge solutions averaged over the posterior of
        sigma -> (B, d). No predictor has a smaller expected squared error."""
        sigmas, probabilities = self.posterior(noise, count)
        shrunk = divide(
            self.alpha[:, None], self.s[:, None] + sigmas[:, None] ** 2 / self.context
        )  # (B, K, d)
        average = (probabilities[..., None] * shrunk).sum(axis=1)
        return (self.V @ average[..., None])[..., 0]


def divide(numerator, denominator):
    """numerator / denominator, and 0 where the denominator is 0: a direction that the inputs never take."""
    return np.divide(
        numerator,
        denominator,
        out=np.zeros(np.broadcast_shapes(numerator.shape, denominator.shape)),
        where=denominator > 0,
    )
