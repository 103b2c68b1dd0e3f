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
    """How well ridge regression predicts each example when it is fitted on the others, for every penalty.

    w = (X'X + penalty I)^-1 X'y, with no intercept. One singular value decomposition serves the n fits of a context: the residual on a
    left-out example is r_i / (1 - h_i), h the diagonal of the hat matrix.

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.
    penalties : (K,) array
        Above zero.

    Returns
    -------
    errors : (B, K) array
        Mean squared error on the examples that were left out.
    weights : (B, K, d) array
        Fitted on all of them.
    """
    n, d = x.shape[1:]
    left, singular, right = np.linalg.svd(x, full_matrices=False)  # (B, n, r), (B, r), (B, r, d)
    along = (left * y[..., None]).sum(axis=1)[:, None]  # (B, 1, r): y along the left singular vectors
    damped = singular[:, None] ** 2 + penalties[:, None]  # (B, K, r)
    lost = penalties[:, None] / damped  # (B, K, r): the share of each direction of y that ridge does not fit

    # With n > d examples y has a part that no w explains. Else what is left there is rounding.
    unexplained = y[:, None] - along @ left.mT if n > d else 0.0  # (B, 1, n)
    residual = unexplained + (lost * along) @ left.mT  # (B, K, n)
    leverage = left**2  # (B, n, r)
    unfitted = 1 - leverage.sum(axis=-1)[:, None] if n > d else 0.0  # (B, 1, n)
    free = unfitted + lost @ leverage.mT  # (B, K, n): 1 - h

    errors = ((residual / free) ** 2).mean(axis=-1)  # (B, K)
    weights = (along * singular[:, None] / damped) @ right  # (B, K, d)
    return errors, weights


def ridge_cv(x, y, penalties=PENALTIES):
    """Ridge regression whose penalty is chosen on each context by leave-one-out cross-validation: the plain alternative to a model.

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.
    penalties : (K,) array
        Those to choose from, each sigma^2 in (Sigma + sigma^2/n I)^-1 alpha.

    Returns
    -------
    w : (B, d) array
        Weights.
    penalty : (B,) array
        The one that was chosen.

    Raises
    ------
    TypeError, ValueError
        If an argument is no such array, or a penalty is not above zero.
    """
    x, y = checks.context(x, y)
    penalties = checks.array(penalties, "penalties", ("penalties",))
    if not len(penalties) or (penalties <= 0).any():
        raise ValueError("penalties must be one or more numbers above zero.")
    errors, weights = leave_one_out(x, y, penalties)
    best = errors.argmin(axis=1)  # (B,)
    return weights[np.arange(len(x)), best], penalties[best]


def misfit(w, S):
    """How badly a weight fits its own context: mean (y - <w, x>)^2 over mean y^2. 0 for a perfect fit, 1 for w = 0.

    Parameters
    ----------
    w : (B, d) or (B, L+1, d) array
        A weight, or the weight after each layer.
    S : (B, D, D) array, D = d + 1
        Second moments of the context.

    Returns
    -------
    (B,) or (B, L+1) array
        Infinite where w is not finite.
    """
    layers = w[:, None] if w.ndim == 2 else w  # (B, K, d)
    Sigma = S[:, :-1, :-1]  # (B, d, d)
    alpha = S[:, None, :-1, -1]  # (B, 1, d)
    square = S[:, None, -1, -1]  # (B, 1): mean y^2

    # mean (y - <w, x>)^2 = mean y^2 - 2 <w, alpha> + <w, Sigma w>
    with np.errstate(over="ignore", invalid="ignore"):
        linear = (layers * alpha).sum(axis=-1)  # (B, K)
        quadratic = ((layers @ Sigma) * layers).sum(axis=-1)  # (B, K)
        error = square - 2 * linear + quadratic
        error = np.where(np.isfinite(error), np.maximum(error, 0), np.inf)
        ratio = error / np.maximum(square, np.finfo(float).tiny)
    return ratio[:, 0] if w.ndim == 2 else ratio


def alarm(w, S):
    """Whether w fits its own context worse than the answer 0 would: misfit above 1.

    What passes cannot have exploded on the context: the mean of <w, x>^2 over it is at most 4 times the mean of y^2.

    Parameters
    ----------
    w : (B, d) array
        Weights.
    S : (B, D, D) array, D = d + 1
        Second moments of the context.

    Returns
    -------
    (B,) array of bool
    """
    return misfit(w, S) > 1


def guarded(model, x, y, penalties=PENALTIES):
    """The model's weight, or that of `ridge_cv` where the alarm rings.

    Parameters
    ----------
    model : LinearTransformer
        For inputs of d features.
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.
    penalties : (K,) array
        As in `ridge_cv`.

    Returns
    -------
    w : (B, d) array
        Weights.
    rings : (B,) array of bool
        The alarm.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """
    x, y = checks.context(x, y, linear_transformer(model).dim)
    S = second_moments(x, y)
    w = model.implicit_weight(S)
    rings = alarm(w, S)
    if rings.any():
        w = w.copy()
        w[rings], _ = ridge_cv(x[rings], y[rings], penalties)
    return w, rings
