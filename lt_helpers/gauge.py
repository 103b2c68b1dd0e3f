"""What can be changed in P and Q without changing a single answer, and a form of each model that is free of it.

- Only P S Q counts (eq. 3): in each head P -> c P, Q -> Q / c changes nothing. That freedom is a gauge.
- The last layer's x is read by nobody. So only the last row of its P counts; the d rows above it are dead, and never train.
"""

import numpy as np

from .model import LinearTransformer


def balanced(P, Q):
    """The same heads with their gauge fixed: P and Q of the same norm, and Q with a trace of 0 or above.

    Parameters
    ----------
    P, Q : (L, H, D, D) arrays.

    Returns
    -------
    P, Q : (L, H, D, D) arrays.
    """
    norm_P = np.linalg.norm(P, axis=(-2, -1), keepdims=True)  # (L, H, 1, 1)
    norm_Q = np.linalg.norm(Q, axis=(-2, -1), keepdims=True)  # (L, H, 1, 1)

    # A head of which one matrix is zero does nothing: it stays as it is.
    both = (norm_P > 0) & (norm_Q > 0)
    ratio = np.divide(norm_Q, norm_P, out=np.ones_like(norm_P), where=both)  # (L, H, 1, 1)

    trace = np.trace(Q, axis1=-2, axis2=-1)[..., None, None]  # (L, H, 1, 1)
    sign = np.where(trace < 0, -1, 1)
    c = sign * np.sqrt(ratio)
    return c * P, Q / c


def canonical(model):
    """The same model with the dead rows of its last P at 0 and its gauge fixed.

    Two models whose heads compute the same come out alike, whatever c they were stored with. (The order of the heads stays free.)

    Parameters
    ----------
    model : LinearTransformer.

    Returns
    -------
    model : LinearTransformer.  What is known of the training stays with it.
    """
    P = model.P.copy()
    P[-1, :, :-1] = 0
    P, Q = balanced(P, model.Q)
    return LinearTransformer(P, Q, **model.training)
