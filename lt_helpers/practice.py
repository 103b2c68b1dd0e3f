"""A frozen model in use: what to hold against it, an alarm for contexts on which it explodes, and a fallback.

A layer is cubic in its tokens, so the implicit weight w^L is a polynomial of high degree in the context (Theorem 4.1). Far from what
the model was trained on it can explode. Its weight shows that before any query is answered: it no longer fits the very examples that it
was made from.
"""

import numpy as np

from . import checks
from .model import linear_transformer
from .task import second_moments

PENALTIES = np.geomspace(0.1, 1000, 25)


def leave_one_out(x, y, penalties):
    """Mean squared error of ridge regression on each example, fitted on the others, for every penalty.

    x : (B, n, d).    y : (B, n).    penalties : (K,), above zero.
    -> errors (B, K), weights (B, K, d).  w = (X'X + penalty I)^-1 X'y, with no intercept. One singular value decomposition serves the n
    fits of a context: the residual on a left-out example is r_i / (1 - h_i), h the diagonal of the hat matrix.
    """
    left, singular, right = np.linalg.svd(x, full_matrices=False)  # (B, n, r), (B, r), (B, r, d)
    seen = (left * y[..., None]).sum(axis=1)[:, None]  # (B, 1, r)
    squares = singular[:, None] ** 2  # (B, 1, r)
    gone = penalties[:, None] / (
        squares + penalties[:, None]
    )  # (B, K, r): what ridge leaves of each direction of y
    beyond = x.shape[1] > x.shape[2]  # has y a part that no w explains? Else what is left there is rounding
    residual = beyond * (y[:, None] - seen @ left.mT) + (gone * seen) @ left.mT  # (B, K, n)
    leverage = left**2  # (B, n, r)
    free = beyond * (1 - leverage.sum(axis=-1))[:, None] + gone @ leverage.mT  # (B, K, n): 1 - h
    errors = ((residual / free) ** 2).mean(axis=-1)
    return errors, (seen * singular[:, None] / (squares + penalties[:, None])) @ right


def ridge_cv(x, y, penalties=PENALTIES):
    """Ridge regression whose penalty is chosen on each context by leave-one-out cross-validation: the plain alternative to a model.

    x : (B, n, d).    y : (B, n).    penalties : those to choose from, each sigma^2 in (Sigma + sigma^2/n I)^-1 alpha.
    -> w (B, d), the penalty of each context (B,).
    """
    x, y = checks.context(x, y)
    penalties = checks.array(penalties, "penalties", ("penalties",))
    if not len(penalties) or (penalties <= 0).any():
        raise ValueError("penalties must be one or more numbers above zero.")
    errors, weights = leave_one_out(x, y, penalties)
    best = errors.argmin(axis=1)
    return weights[np.arange(len(x)), best], penalties[best]


def misfit(w, S):
    """How badly a weight fits its own context: mean (y - <w, x>)^2 over mean y^2. Zero for a perfect fit, 1 for w = 0.

    w : (B, d), or (B, L+1, d) for the weight after each layer.    S : (B, D, D), second moments of the context.
    -> (B,), or (B, L+1); infinite where w is not finite.
    """
    layers = w[:, None] if w.ndim == 2 else w  # (B, K, d)
    Sigma, alpha, square = S[:, :-1, :-1], S[:, None, :-1, -1], S[:, None, -1, -1]
    with np.errstate(over="ignore", invalid="ignore"):
        left = square - 2 * (layers * alpha).sum(axis=-1) + ((layers @ Sigma) * layers).sum(axis=-1)
        ratio = np.where(np.isfinite(left), np.maximum(left, 0), np.inf) / np.maximum(
            square, np.finfo(float).tiny
        )
    return ratio[:, 0] if w.ndim == 2 else ratio


def alarm(w, S):
    """True where w fits its own context worse than answering 0 would: misfit above 1.    w : (B, d), S : (B, D, D)  ->  (B,)

    What passes cannot have exploded on the context: the mean of <w, x>^2 over it is at most 4 times the mean of y^2.
    """
    return misfit(w, S) > 1


def guarded(model, x, y, penalties=PENALTIES):
    """The model's weight, or that of `ridge_cv` where the alarm rings.

    model : LinearTransformer.    x : (B, n, d).    y : (B, n).    -> w (B, d), the alarm (B,).
    """
    x, y = checks.context(x, y, linear_transformer(model).dim)
    S = second_moments(x, y)
    w = model.implicit_weight(S)
    rings = alarm(w, S)
    if rings.any():
        w = w.copy()
        w[rings], _ = ridge_cv(x[rings], y[rings], penalties)
    return w, rings
