"""What can be changed in P and Q without changing a single answer, and a form of each model that is free of it.

- Only P S Q counts (eq. 3): in each head P -> c P, Q -> Q / c changes nothing. That freedom is a gauge.
- The last layer's x is read by nobody. So only the last row of its P counts; the d rows above it are dead, and never train.
"""

import numpy as np

from .model import LinearTransformer


def balanced(P, Q):
    """The gauge fixed in each head: P and Q of the same norm, and Q with a trace >= 0.    P, Q : (L, H, D, D)  ->  P, Q"""
    norm_P, norm_Q = (np.linalg.norm(matrix, axis=(-2, -1), keepdims=True) for matrix in (P, Q))
    scale = np.sqrt(np.divide(norm_Q, norm_P, out=np.ones_like(norm_P), where=(norm_P > 0) & (norm_Q > 0)))
    scale = scale * np.where(np.trace(Q, axis1=-2, axis2=-1) < 0, -1, 1)[..., None, None]
    return P * scale, Q / scale


def canonical(model):
    """The same model with the dead rows of its last P at 0 and its gauge fixed -> LinearTransformer.

    Two models whose heads compute the same come out alike, whatever c they were stored with. (The order of the heads stays free.)
    """
    P = model.P.copy()
    P[-1, :, :-1] = 0
    return LinearTransformer(*balanced(P, model.Q), model.context)
