"""What every layer of a linear transformer holds and does (paper, section 4).

Theorem 4.1: after l layers, whatever the weights, the tokens are

    x_i^l = M x_i + y_i u        y_i^l = a y_i - <w, x_i>        query: x_t^l = M x_t,  y_t^l = -<w, x_t>

so the layer keeps a linear regression model, the *implicit weight* w. (M, u, a, w) are the blocks of one matrix, the product of the
layers' maps:  Phi = (I + U_l) ... (I + U_1) = [[M, u], [-w^T, a]].
"""

from dataclasses import dataclass

import numpy as np

from . import checks
from .model import layer_updates, linear_transformer, warn_if_diverged
from .spectrum import Spectrum, divide
from .task import second_moments


@dataclass(frozen=True)
class ImplicitRegression:
    """The state of B sequences before the first and after each of L layers.

    Attributes
    ----------
    w : (B, L+1, d) array.  The implicit weights.
    M : (B, L+1, d, d) array.
    u : (B, L+1, d) array.
    a : (B, L+1) array.  They start at w = 0, M = I, u = 0, a = 1 (Lemma 4.3).
    U : (B, L, D, D) array.  What each layer adds to every token: [[A, b], [c^T, r]] of Lemma 4.3.
    S : (B, D, D) array.  Second moments of the original context.
    """

    w: np.ndarray
    M: np.ndarray
    u: np.ndarray
    a: np.ndarray
    U: np.ndarray
    S: np.ndarray

    @property
    def rescaling(self):
        """The factor by which layer l scales w before it adds to it, rho_l = 1 + r_l: a (B, L) array. Gradient descent: 1."""
        return 1 + self.U[..., -1, -1]

    @property
    def push(self):
        """What layer l adds to w, p_l = w^{l+1} - rho_l w^l = -M^T c: a (B, L, d) array."""
        M = self.M[:, :-1]  # (B, L, d, d): before each layer
        c = self.U[..., -1, :-1]  # (B, L, d)
        return -(M.mT @ c[..., None])[..., 0]

    @property
    def gradient(self):
        """Minus the gradient at w^l of half the mean squared error of (a y, x), g_l = a alpha - Sigma w: a (B, L, d) array."""
        Sigma = self.S[:, None, :-1, :-1]  # (B, 1, d, d)
        alpha = self.S[:, None, :-1, -1]  # (B, 1, d)
        a = self.a[:, :-1, None]  # (B, L, 1): before each layer
        w = self.w[:, :-1]  # (B, L, d)
        return a * alpha - (Sigma @ w[..., None])[..., 0]


def implicit_regression(model, x, y):
    """The implicit regression model of every layer, on a batch of contexts (Theorem 4.1).

    Parameters
    ----------
    model : LinearTransformer.
    x : (B, n, d) array.
    y : (B, n) array.

    Returns
    -------
    state : ImplicitRegression
        A sequence on which the model diverges is not finite from there on, with a RuntimeWarning that counts them.

    Raises
    ------
    ValueError, TypeError
        In one sentence, where an argument cannot be read.
    """
    x, y = linear_transformer(model).read_contexts(x, y)
    model.warn_if_unfamiliar(x, y)
    state = implicit_from_moments(model, second_moments(x, y))
    warn_if_diverged(state.w[:, -1], "the model")
    return state


def implicit_from_moments(model, S):
    """The implicit regression model of every layer, for contexts given by their second moments. Nothing is checked.

    Parameters
    ----------
    model : LinearTransformer.
    S : (B, D, D) array.

    Returns
    -------
    state : ImplicitRegression.
    """
    Phi = np.broadcast_to(np.eye(S.shape[-1]), S.shape)  # (B, D, D)
    products = [Phi]
    with np.errstate(over="ignore", invalid="ignore"):
        updates = layer_updates(model.P, model.Q, S)
        for U in updates:
            Phi = Phi + U @ Phi  # (I + U) Phi
            products.append(Phi)
    Phi = np.stack(products, axis=1)  # (B, L+1, D, D)
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

    Parameters
    ----------
    state : ImplicitRegression.
    pooled : bool.  One step size for all sequences (sums over them) instead of one each.

    Returns
    -------
    eta, cosine : (B, L) arrays, or (L,) if pooled
        The step, and the cosine of g and p. Gradient descent: exactly its step, and 1. NaN where the gradient has vanished,
        |g|^2 < 1e-8 |alpha|^2: nothing is left to step along.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        g = state.gradient  # (B, L, d)
        p = state.push  # (B, L, d)
        alpha = state.S[:, None, :-1, -1]  # (B, 1, d)
        gp = np.sum(g * p, axis=-1)  # (B, L)
        gg = np.sum(g * g, axis=-1)  # (B, L)
        pp = np.sum(p * p, axis=-1)  # (B, L)
        size = np.sum(alpha * alpha, axis=-1)  # (B, 1)
        if pooled:
            gp = gp.sum(axis=0)  # (L,)
            gg = gg.sum(axis=0)  # (L,)
            pp = pp.sum(axis=0)  # (L,)
            size = size.sum(axis=0)  # (1,)
        is_left = gg >= 1e-8 * size
        eta = np.where(is_left, gp / gg, np.nan)
        cosine = np.where(is_left, gp / (np.sqrt(gg) * np.sqrt(pp)), np.nan)
    return eta, cosine


def filter_factors(model, x, sigma, draws, rng):
    """How much of each principal direction of one context's inputs the model keeps, as ridge keeps s / (s + sigma^2/n).

    The slope of s_j w_j on alpha_j (components along eigenvector j of Sigma) over redraws of the truth and the noise at fixed x.

    Parameters
    ----------
    model : LinearTransformer.
    x : (n, d) array.
    sigma : float.  The noise of the redraws.
    draws : int.  How many.
    rng : numpy.random.Generator.

    Returns
    -------
    s : (d,) array.  The eigenvalues of Sigma, ascending.
    G : (d,) array.  What is kept; NaN for a direction that the inputs never take.
    r_squared : (d,) array.  R^2 of the fit: is the model a filter at all? NaN likewise.

    Raises
    ------
    ValueError, TypeError
        In one sentence, where an argument cannot be read.
    """
    x = checks.array(x, "x", ("context", linear_transformer(model).dim))
    n, d = x.shape
    checks.context(x[None], np.zeros((1, n)))
    sigma = checks.sigma(sigma, 1)
    checks.count(draws, "draws")
    checks.generator(rng)

    truths = rng.normal(size=(draws, d))  # (K, d)
    noises = rng.normal(size=(draws, n))  # (K, n)
    y = truths @ x.T + sigma * noises  # (K, n)
    S = second_moments(np.broadcast_to(x, (draws, n, d)), y)  # (K, D, D)

    # All draws have the same inputs, and so the same principal directions.
    shared = Spectrum.from_moments(S[:1], n)
    alpha = np.where(shared.s > 0, shared.components(S[:, :-1, -1]), 0)  # (K, d)

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        w = shared.components(model.implicit_weight(S))  # (K, d)
        answer = shared.s * w  # (K, d)
        slope = (answer * alpha).sum(axis=0) / (alpha**2).sum(axis=0)  # (d,)
        missed = ((answer - slope * alpha) ** 2).sum(axis=0)  # (d,)
        r_squared = 1 - missed / (answer**2).sum(axis=0)  # (d,)
    return shared.s[0], slope, r_squared


def filter_curve(model, S, eigenvalues):
    """A GD++ or DIAG model's filter factor at any eigenvalue: what it keeps of one more, faint direction beside the context's own.

    The model's weights do not depend on d, so it can be given a context with one more feature, uncorrelated with the others, of mean
    square s and of a covariance with y so small that nothing else changes.

    Parameters
    ----------
    model : LinearTransformer.
    S : (D, D) array.  Second moments of one context.
    eigenvalues : (J,) array.  Where to look.

    Returns
    -------
    G : (J,) array.
    """
    d = S.shape[-1] - 1
    Sigma = S[:-1, :-1]  # (d, d)
    alpha = S[:-1, -1]  # (d,)

    # Faint beside alpha; where that is 0, beside what it could be.
    size = np.linalg.norm(alpha) or np.sqrt(S[-1, -1] * np.trace(Sigma)) or 1.0
    faint = 1e-5 * size

    # The new feature comes between the others and the label.
    old = np.append(np.arange(d), d + 1)  # (D,): where the old rows and columns go
    wider = np.zeros((len(eigenvalues), d + 2, d + 2))  # (J, D+1, D+1)
    wider[:, old[:, None], old] = S
    wider[:, d, d] = eigenvalues
    wider[:, d, -1] = faint
    wider[:, -1, d] = faint
    w = model.with_dim(d + 1).implicit_weight(wider)  # (J, d+1)
    return eigenvalues * w[:, d] / faint


def implied_noise(w, spectrum, largest=30.0, count=601):
    """The noise that a weight acts as if it had seen: the sigma whose ridge weight is nearest, argmin |w - w_ridge(sigma)|.

    Parameters
    ----------
    w : (B, d) array.
    spectrum : Spectrum of the B contexts.
    largest : float.  The largest sigma that is tried.
    count : int.  How many are tried.

    Returns
    -------
    sigma : (B,) array
        Between 0 and `largest`, to about 1e-3. NaN where w is not finite, and where none is nearer than the others: w has exploded,
        or the labels are all 0.
    """
    roots = np.linspace(
        0, np.sqrt(largest), count
    )  # (K,): their squares are the sigmas tried, fine where sigma is small
    strength = roots**4 / spectrum.context  # (K,): sigma^2 / n

    w = spectrum.components(w)  # (B, d)
    distance = np.zeros((len(w), count))  # (B, K): |w - w_ridge(sigma)|^2
    with np.errstate(over="ignore", invalid="ignore"):
        for j in range(w.shape[1]):  # all directions at once would take hundreds of megabytes
            ridge = divide(spectrum.alpha[:, j, None], spectrum.s[:, j, None] + strength)  # (B, K)
            distance += (ridge - w[:, j, None]) ** 2

    # The lowest point of the parabola through the nearest point of the grid and its two neighbours.
    nearest = distance.argmin(axis=1)  # (B,)
    middle = np.clip(nearest, 1, count - 2)  # (B,): one that has two neighbours
    row = np.arange(len(w))
    before = distance[row, middle - 1]  # (B,)
    here = distance[row, middle]  # (B,)
    after = distance[row, middle + 1]  # (B,)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        bend = before - 2 * here + after  # (B,): above 0 where the parabola has a lowest point
        offset = np.clip((before - after) / (2 * bend), -1, 1)  # (B,), in steps of the grid
        offset = np.where(bend > 0, offset, nearest - middle)
    root = roots[middle] + offset * roots[1]  # (B,)

    is_finite = np.isfinite(w).all(axis=-1)
    one_is_nearer = distance.max(axis=1) > (1 + 1e-12) * distance.min(axis=1)
    return np.where(is_finite & one_is_nearer, root**2, np.nan)
