"""What every layer of a linear transformer holds and does (paper, section 4).

Theorem 4.1: after l layers, whatever the weights, the tokens are

    x_i^l = M x_i + y_i u        y_i^l = a y_i - <w, x_i>        query: x_t^l = M x_t,  y_t^l = -<w, x_t>

so the layer keeps a linear regression model, the *implicit weight* w. (M, u, a, w) are the blocks of one matrix, the product of the
layers' maps:  Phi = (I + U_l) ... (I + U_1) = [[M, u], [-w^T, a]].
"""

from dataclasses import dataclass

import numpy as np

from . import checks
from .model import layer_updates, linear_transformer, said_if_diverged
from .spectrum import Spectrum, divide
from .task import second_moments


@dataclass(frozen=True)
class ImplicitRegression:
    """The state of B sequences before the first and after each of L layers.

    w : (B, L+1, d).  M : (B, L+1, d, d).  u : (B, L+1, d).  a : (B, L+1).  They start at w = 0, M = I, u = 0, a = 1 (Lemma 4.3).
    U : (B, L, D, D).  What each layer adds to every token: [[A, b], [c^T, r]] of Lemma 4.3.
    S : (B, D, D).  Second moments of the original context.
    """

    w: np.ndarray
    M: np.ndarray
    u: np.ndarray
    a: np.ndarray
    U: np.ndarray
    S: np.ndarray

    @property
    def rescaling(self):
        """rho_l = 1 + r_l, the factor by which layer l scales w before it adds to it -> (B, L). Gradient descent: 1."""
        return 1 + self.U[..., -1, -1]

    @property
    def push(self):
        """p_l = w^{l+1} - rho_l w^l = -M^T c, what layer l adds to w -> (B, L, d)."""
        c = self.U[..., -1, :-1]  # (B, L, d)
        return -(self.M[:, :-1].mT @ c[..., None])[..., 0]

    @property
    def gradient(self):
        """g_l = a alpha - Sigma w: minus the gradient of half the mean squared error of (a y, x) at w^l -> (B, L, d)."""
        Sigma, alpha = self.S[:, None, :-1, :-1], self.S[:, None, :-1, -1]  # (B, 1, d, d), (B, 1, d)
        return self.a[:, :-1, None] * alpha - (Sigma @ self.w[:, :-1, :, None])[..., 0]


def implicit_regression(model, x, y):
    """The implicit regression model of every layer of `model` on the contexts x (B, n, d), y (B, n) -> ImplicitRegression.

    A sequence on which the model diverges is not finite from there on, with a RuntimeWarning that counts them.
    """
    x, y = checks.context(x, y, linear_transformer(model).dim)
    state = implicit_from_moments(model, second_moments(x, y))
    said_if_diverged(state.w[:, -1], "the model")
    return state


def implicit_from_moments(model, S):
    """The same, for contexts given by their second moments S (B, d+1, d+1)."""
    with np.errstate(over="ignore", invalid="ignore"):
        updates = layer_updates(model.P, model.Q, S)
        Phi = [np.broadcast_to(np.eye(S.shape[-1]), S.shape)]
        for U in updates:
            Phi.append(Phi[-1] + U @ Phi[-1])
    Phi = np.stack(Phi, axis=1)  # (B, L+1, D, D)
    return ImplicitRegression(
        w=-Phi[..., -1, :-1],
        M=Phi[..., :-1, :-1],
        u=Phi[..., :-1, -1],
        a=Phi[..., -1, -1],
        U=np.stack(updates, axis=1),
        S=S,
    )


def effective_step_size(state, pooled=False):
    """The step along the gradient that comes closest to what each layer adds to w:  eta_l = <g, p> / <g, g>.

    state : ImplicitRegression.    pooled : one step size for all sequences (sums over them) instead of one each.
    -> eta, cosine of g and p : (B, L) arrays, or (L,) if pooled. Gradient descent: exactly its step, cosine 1. NaN where the gradient
    has vanished, |g|^2 < 1e-8 |alpha|^2: nothing is left to step along.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        g, p, alpha = state.gradient, state.push, state.S[:, None, :-1, -1]
        gp, gg, pp, scale = (
            np.sum(a * b, axis=-1) for a, b in ((g, p), (g, g), (p, p), (alpha, alpha))
        )  # (B, L)
        if pooled:
            gp, gg, pp, scale = (value.sum(axis=0) for value in (gp, gg, pp, scale))
        left = gg >= 1e-8 * scale
        return np.where(left, gp / gg, np.nan), np.where(left, gp / (np.sqrt(gg) * np.sqrt(pp)), np.nan)


def filter_factors(model, x, sigma, draws, rng):
    """How much of each principal direction of one context's inputs the model keeps, as ridge keeps s / (s + sigma^2/n).

    The slope of s_j w_j on alpha_j (components along eigenvector j of Sigma) over `draws` redraws of the truth and the noise at fixed x.

    x : (n, d).    sigma : number.    draws : int.    rng : numpy.random.Generator.
    -> s (d,), G (d,) and R^2 (d,) of the fit: is the model a filter at all? NaN, both, for a direction that the inputs never take.
    """
    x = checks.array(x, "x", ("context", linear_transformer(model).dim))
    checks.context(x[None], np.zeros((1, len(x))))
    checks.count(draws, "draws"), checks.generator(rng)
    n, d = x.shape
    truths, noises = rng.normal(size=(draws, d)), rng.normal(size=(draws, n))
    y = truths @ x.T + checks.sigma(sigma, 1) * noises  # (K, n)
    S = second_moments(np.broadcast_to(x, (draws, n, d)), y)
    shared = Spectrum.from_moments(
        S[:1], n
    )  # all draws have the same inputs, and so the same principal directions
    alpha = np.where(shared.s > 0, shared.components(S[:, :-1, -1]), 0)  # (K, d)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        answer = shared.s * shared.components(model.implicit_weight(S))  # (K, d)
        slope = (answer * alpha).sum(axis=0) / (alpha**2).sum(axis=0)
        missed = ((answer - slope * alpha) ** 2).sum(axis=0)
        r_squared = 1 - missed / (answer**2).sum(axis=0)
    return shared.s[0], slope, r_squared


def filter_curve(model, S, eigenvalues):
    """A GD++ or DIAG model's filter factor at any eigenvalue: what it keeps of one more, faint direction beside the context's own.

    The model's weights do not depend on d, so it can be given a context with one more feature, uncorrelated with the others, of mean
    square s and of a covariance with y so small that nothing else changes.

    S : (d+1, d+1).  One context.    eigenvalues : (J,).    ->    G (J,)
    """
    d = S.shape[-1] - 1
    size = (
        np.linalg.norm(S[:-1, -1]) or np.sqrt(S[-1, -1] * np.trace(S[:-1, :-1])) or 1.0
    )  # of alpha; where it is 0, of what it could be
    faint = 1e-5 * size
    wider = np.zeros((len(eigenvalues), d + 2, d + 2))
    old = np.r_[:d, d + 1]
    wider[:, old[:, None], old] = S
    wider[:, d, d] = eigenvalues
    wider[:, d, -1] = wider[:, -1, d] = faint
    return eigenvalues * model.with_dim(d + 1).implicit_weight(wider)[:, d] / faint


def implied_noise(w, spectrum, largest=30.0, count=601):
    """The noise that w acts as if it had seen: the sigma whose ridge weight is nearest, argmin |w - w_ridge(sigma)|.

    w : (B, d).    spectrum : Spectrum of the B contexts.
    -> sigma (B,), between 0 and `largest`, to about 1e-3; NaN where w is not finite, and where none is nearer than the others: w has
    exploded, or the labels are all 0.
    """
    w = spectrum.components(w)  # (B, d)
    roots = np.linspace(0, np.sqrt(largest), count)  # fine where sigma is small
    sigmas = roots**2
    distance = np.zeros((len(w), count))  # (B, K)
    with np.errstate(over="ignore", invalid="ignore"):
        for s_j, alpha_j, w_j in zip(
            spectrum.s.T, spectrum.alpha.T, w.T
        ):  # all directions at once would take hundreds of megabytes
            distance += (
                divide(alpha_j[:, None], s_j[:, None] + sigmas**2 / spectrum.context) - w_j[:, None]
            ) ** 2
    best = np.clip(distance.argmin(axis=1), 1, count - 2)
    left, middle, right = (
        np.take_along_axis(distance, (best + k)[:, None], axis=1)[:, 0] for k in (-1, 0, 1)
    )
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        bent = left - 2 * middle + right  # above 0 where a parabola through the three points has a lowest one
        offset = np.where(
            bent > 0, np.clip((left - right) / (2 * bent), -1, 1), distance.argmin(axis=1) - best
        )
    root = roots[best] + offset * roots[1]
    told = np.isfinite(w).all(axis=-1) & (distance.max(axis=1) > (1 + 1e-12) * distance.min(axis=1))
    return np.where(told, root**2, np.nan)
