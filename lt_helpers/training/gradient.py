"""The implicit weight of a model and its gradient, by hand: three times as fast as automatic differentiation, and one gradient a sequence.

Forward:   U_l = update(S_l),  T_l = I + U_l,  S_{l+1} = T_l S_l T_l^T,  and w = minus the last row of T_L ... T_1.
Backward:  the gradient of <v, w> with respect to T_l is (row l) outer (token l), where row l is the last row of T_L ... T_{l+1} and
token l is the query token (-v, 0) after l layers; and, through the layers above, 2 (dS_{l+1}) T_l S_l.
All S and their gradients dS are symmetric.
"""

from dataclasses import dataclass

import torch

from .parameters import times


@dataclass(frozen=True)
class Pass:
    """A forward pass.  w : (..., B, d) implicit weights.  weights, S, T, TS : lists over layers.  rows : L+1 tensors (..., B, 1, W)."""

    family: object
    w: torch.Tensor
    weights: list
    S: list
    T: list
    TS: list
    rows: list

    def every(self, step):
        """The same for one in `step` of the sequences."""

        def thinned(tensors):
            return [tensor[..., ::step, :, :] for tensor in tensors]

        return Pass(
            self.family,
            self.w[..., ::step, :],
            self.weights,
            thinned(self.S),
            thinned(self.T),
            thinned(self.TS),
            thinned(self.rows),
        )


def forward(family, theta, S):
    """family : of `parameters`.    theta : (..., L, K).    S : (B, W, W).    ->    Pass"""
    d, W = family.dim, S.shape[-1]
    identity = torch.eye(W, dtype=S.dtype)
    weights, moments, maps, products = [], [], [], []
    for layer in range(family.layers):
        weights.append(family.layer(theta[..., layer, :]))
        moments.append(S)
        maps.append(family.update(weights[-1], S) + identity)
        if layer < family.layers - 1:  # nothing reads the context after the last layer
            products.append(times(maps[-1], S))
            S = times(products[-1], maps[-1].mT)
    rows = [identity[d].expand(*maps[-1].shape[:-2], 1, W)]
    for T in reversed(maps):
        rows.insert(0, times(rows[0], T))
    return Pass(family, -rows[0][..., 0, :d], weights, moments, maps, products, rows)


def backward(run, v, total=False):
    """Gradients of <v, w> for each sequence.    run : Pass.    v : (..., B, d).    ->    (..., B, L, K), or their `total` (..., L, K)"""
    family, d = run.family, run.family.dim
    token = v.new_zeros(*v.shape[:-1], run.S[0].shape[-1], 1)
    token[..., :d, 0] = -v
    tokens = [token]
    for T in run.T[:-1]:
        tokens.append(times(T, tokens[-1]))
    gradients, dS_twice = [], None
    for layer in reversed(range(family.layers)):
        T = run.T[layer]
        dU = run.rows[layer + 1].mT * tokens[layer].mT
        if layer < family.layers - 1:
            dU += times(dS_twice, run.TS[layer])
        gradient, pulled = family.pull(run.weights[layer], run.S[layer], dU, total)
        gradients.append(gradient)
        if layer == 0:  # nothing lies below
            break
        through = 0 if layer == family.layers - 1 else times(T.mT, times(dS_twice, T))
        dS_twice = pulled + pulled.mT + through
    return torch.stack(gradients[::-1], dim=-2)
