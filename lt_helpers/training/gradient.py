"""The implicit weight of a model and its gradient, by hand: three times as fast as automatic differentiation, and one gradient a sequence.

Forward:   U_l = update(S_l),  T_l = I + U_l,  S_{l+1} = T_l S_l T_l^T,  and w = minus the last row of T_L ... T_1.
Backward:  the gradient of <v, w> with respect to T_l is (row l) outer (token l), where row l is the last row of T_L ... T_{l+1} and
token l is the query token (-v, 0) after l layers; and, through the layers above, 2 (dS_{l+1}) T_l S_l.
All S and their gradients dS are symmetric.

Written once, for NumPy arrays and torch tensors alike. Leading axes (...) are restarts, trained side by side.
"""

from dataclasses import dataclass

from .arrays import library, times


@dataclass(frozen=True)
class Pass:
    """A forward pass, as `backward` needs it.

    Parameters
    ----------
    family : of `parameters`.
    w : (..., B, d).  Implicit weights.
    weights : list over layers.  What `family.layer` makes of their parameters.
    S, T : lists over layers, (B, W, W) or (..., B, W, W).  Moments before a layer, and its map.
    TS : list over layers but the last, (..., B, W, W).  T S.
    rows : list of L + 1, (..., B, 1, W).  The last row of the product of the maps from a layer on.
    """

    family: object
    w: object
    weights: list
    S: list
    T: list
    TS: list
    rows: list

    def every(self, step):
        """The same for one in `step` of the sequences."""
        return Pass(
            self.family,
            self.w[..., ::step, :],
            self.weights,
            [S[..., ::step, :, :] for S in self.S],
            [T[..., ::step, :, :] for T in self.T],
            [TS[..., ::step, :, :] for TS in self.TS],
            [row[..., ::step, :, :] for row in self.rows],
        )


def forward(family, theta, S):
    """The implicit weights of a model, and what their gradient needs (Theorem 4.1 and eq. 3).

    Parameters
    ----------
    family : of `parameters`.
    theta : (..., L, K) array or tensor.  Its parameters.
    S : (B, W, W), of the same kind.  Second moments of the contexts, padded.

    Returns
    -------
    Pass
    """
    d, W = family.dim, S.shape[-1]
    xp = library(S)
    identity = xp.eye(W, dtype=S.dtype)

    weights, moments, maps, products = [], [], [], []
    for layer in range(family.layers):
        weights.append(family.layer(theta[..., layer, :]))
        moments.append(S)
        maps.append(family.update(weights[-1], S) + identity)  # (..., B, W, W)
        if layer < family.layers - 1:  # nothing reads the context after the last layer
            products.append(times(maps[-1], S))
            S = times(products[-1], maps[-1].mT)

    # The product from above: one row for each sequence, not one matrix.
    rows = [xp.broadcast_to(identity[d], (*maps[-1].shape[:-2], 1, W))]
    for T in reversed(maps):
        rows.insert(0, times(rows[0], T))
    return Pass(family, -rows[0][..., 0, :d], weights, moments, maps, products, rows)


def implicit_weights(family, theta, S, chunk=2_000):
    """The implicit weights alone, of many contexts: `chunk` at a time, so that what they need stays in the processor's cache.

    Parameters
    ----------
    family, theta, S : as in `forward`.
    chunk : int.  How many contexts at a time.

    Returns
    -------
    (..., B, d) array or tensor
    """
    parts = [forward(family, theta, S[begin : begin + chunk]).w for begin in range(0, len(S), chunk)]
    return library(S).concatenate(parts, -2)


def backward(run, v, total=False):
    """Gradients of <v, w>.

    Parameters
    ----------
    run : Pass
    v : (..., B, d), of the same kind.
    total : bool.  Whether only their sum over the sequences is wanted.

    Returns
    -------
    (..., B, L, K), one gradient a sequence; or their `total`, (..., L, K).
    """
    family, d = run.family, run.family.dim
    xp = library(v)

    # The query token (-v, 0) on its way up.
    token = xp.zeros((*v.shape[:-1], run.S[0].shape[-1], 1), dtype=v.dtype)
    token[..., :d, 0] = -v
    tokens = [token]
    for T in run.T[:-1]:
        tokens.append(times(T, tokens[-1]))

    gradients, dS_twice = [], None
    for layer in reversed(range(family.layers)):
        is_last = layer == family.layers - 1
        T = run.T[layer]
        dU = run.rows[layer + 1].mT * tokens[layer].mT  # (..., B, W, W)
        if not is_last:
            dU = dU + times(dS_twice, run.TS[layer])
        gradient, pulled = family.pull(run.weights[layer], run.S[layer], dU, total)
        gradients.append(gradient)
        if layer == 0:  # nothing lies below
            break

        # S is read by this layer's update, and handed on by its map.
        dS_twice_below = pulled + pulled.mT
        if not is_last:
            dS_twice_below = dS_twice_below + times(T.mT, times(dS_twice, T))
        dS_twice = dS_twice_below
    return xp.stack(gradients[::-1], -2)
