"""A linear transformer (paper, section 3), in the token form that a reader can follow and in the moment form that is cheap.

A token is e = (x, y) in R^D, D = d + 1; the query token is (x_t, 0). One layer adds linear attention over the n context tokens (eq. 3):

    e <- e + sum_k P_k S Q_k e          S = (1/n) sum_i e_i e_i^T

for context and query alike: the query reads and is never read. P = W_P W_V and Q = W_K^T W_Q; no softmax, no MLP, no LayerNorm.
The prediction is minus the last coordinate of the query after L layers. All tokens of a layer go through the same matrix
T = I + U, U = sum_k P_k S Q_k, so S itself evolves on its own, S <- T S T^T, and n tokens cost no more than one.

Moments are means over the context, not sums as in the paper: the same weights then serve any n.
"""

import warnings

import numpy as np

from . import checks, weights
from .task import second_moments

KINDS = ("gd++", "diag", "full")


def layer_update(P, Q, S):
    """What one layer adds to every token: U with e' = e + U e (eq. 3). For NumPy arrays and torch tensors.

    P, Q : (H, D, D), one pair per head.    S : (B, D, D).    ->    U : (B, D, D)
    """
    return (P @ S[:, None] @ Q).sum(axis=1)  # (B, H, D, D): heads add up


def next_moments(U, S):
    """The second moments after a layer, S' = (I + U) S (I + U)^T.    U, S : (B, D, D)  ->  (B, D, D)"""
    S = S + U @ S
    return S + S @ U.mT


def layer_updates(P, Q, S):
    """U of every layer, from the second moments of the input.    P, Q : (L, H, D, D), S : (B, D, D)  ->  list of L arrays (B, D, D)"""
    updates = []
    for P_l, Q_l in zip(P, Q):
        updates.append(layer_update(P_l, Q_l, S))
        S = next_moments(updates[-1], S)
    return updates


def implicit_weight(P, Q, S):
    """w^L with prediction <w^L, x_t>: minus the last row of (I + U_L) ... (I + U_1), multiplied from the left (Theorem 4.1).

    P, Q : (L, H, D, D).    S : (B, D, D).    ->    w : (B, d)
    """
    updates = layer_updates(P, Q, S)
    row = updates[-1][:, -1:] + np.eye(S.shape[-1])[-1]  # (B, 1, D)
    for U in reversed(updates[:-1]):
        row = row + row @ U
    return -row[:, 0, :-1]


def attend(P, Q, x, y, x_query):
    """The forward pass on tokens, as attention over the context: O(n^2) a layer.

    P, Q : (L, H, D, D).    x : (B, n, d), y : (B, n), x_query : (B, d).    ->    y_hat : (B,)
    """
    B, n, d = x.shape
    context = np.concatenate([x, y[..., None]], axis=-1)  # (B, n, D)
    query = np.concatenate([x_query, np.zeros((B, 1))], axis=-1)[:, None]  # (B, 1, D)
    for P_l, Q_l in zip(P, Q):
        tokens = np.concatenate([context, query], axis=1)  # (B, n+1, D)
        update = np.zeros_like(tokens)
        for P_k, Q_k in zip(P_l, Q_l):  # heads
            scores = tokens @ Q_k.T @ context.mT  # (B, n+1, n): how much token i reads of context token j
            values = context @ P_k.T  # (B, n, D)
            update += scores @ values / n
        tokens = tokens + update
        context, query = tokens[:, :n], tokens[:, n:]
    return -query[:, 0, -1]


class LinearTransformer:
    """A linear transformer, given by its matrices.

    Parameters
    ----------
    P, Q : (L, H, D, D) arrays: layers, heads, and D = d + 1. Kept as float64; the forward pass follows eq. 3.
    context : int, optional.  The context length n that the weights were trained at; they run at any.

    Attributes
    ----------
    layers, heads, dim : int.  L, H and d.
    kind : str.  "gd++" or "diag", where P = diag(p_x, .., p_x, p_y) and Q alike (gd++: q_y = 0), else "full".
    """

    def __init__(self, P, Q, context=None):
        self.P = checks.array(P, "P", ("layers", "heads", "dim + 1", "dim + 1"))
        if 0 in self.P.shape[:2] or self.P.shape[2] != self.P.shape[3] or self.P.shape[3] < 2:
            raise ValueError(
                f"P has shape {self.P.shape}: P must be (layers, heads, dim + 1, dim + 1), none of them zero."
            )
        self.Q = checks.array(Q, "Q", self.P.shape)
        self.context = None if context is None else checks.count(context, "context")
        self.layers, self.heads, D, _ = self.P.shape
        self.dim = D - 1

    @classmethod
    def random(cls, kind, dim, layers, heads=1, rng=None, scale=0.05):
        """A model near the identity, all weights normal with standard deviation `scale`: nothing explodes and nothing is learned yet.

        kind : "gd++", "diag" or "full".    rng : numpy.random.Generator.
        """
        checks.one_of(kind, "kind", KINDS)
        dim, layers, heads = (
            checks.count(value, name) for value, name in ((dim, "dim"), (layers, "layers"), (heads, "heads"))
        )
        checks.generator(rng)
        scale = checks.number(scale, "scale", 0, checks.LARGEST)
        if kind == "full":
            return cls(*rng.normal(scale=scale, size=(2, layers, heads, dim + 1, dim + 1)))
        p, q = rng.normal(scale=scale, size=(2, layers, heads, 2))
        return cls.from_diagonals(p, q * [1, 0] if kind == "gd++" else q, dim)

    @classmethod
    def from_diagonals(cls, p, q, dim, context=None):
        """A DIAG model from p = (p_x, p_y) and q = (q_x, q_y) of every layer and head: (L, H, 2) arrays."""
        p = checks.array(p, "p", ("layers", "heads", 2))
        q, dim = checks.array(q, "q", p.shape), checks.count(dim, "dim")
        return cls(
            *(np.eye(dim + 1) * np.repeat(v, [dim, 1], axis=-1)[..., None] for v in (p, q)), context=context
        )

    @classmethod
    def from_sums(cls, P, Q, context):
        """Take over weights of code that sums over the context of `context` tokens where this package takes means."""
        return cls(
            checks.array(P, "P", ("layers", "heads", "dim + 1", "dim + 1"))
            * checks.count(context, "context"),
            Q,
            context,
        )

    @property
    def kind(self):
        (p_x, p_y), (q_x, q_y) = (np.moveaxis(self._corners(matrix), -1, 0) for matrix in (self.P, self.Q))
        rebuilt = LinearTransformer.from_diagonals(
            np.stack([p_x, p_y], -1), np.stack([q_x, q_y], -1), self.dim
        )
        if not (np.array_equal(rebuilt.P, self.P) and np.array_equal(rebuilt.Q, self.Q)):
            return "full"
        return "diag" if q_y.any() else "gd++"

    @property
    def omega(self):
        """[[omega_xx, omega_xy], [omega_yx, omega_yy]] of every layer (eq. 10), heads added up -> (L, 2, 2). For GD++ and DIAG."""
        if self.kind == "full":
            raise ValueError("omega is defined for kinds 'gd++' and 'diag', but this model is 'full'.")
        return np.einsum("lhi,lhj->lij", self._corners(self.P), self._corners(self.Q))

    def with_dim(self, dim):
        """The same GD++ or DIAG model for inputs of another dimension: its weights do not depend on d."""
        if self.kind == "full":
            raise ValueError(
                "with_dim serves kinds 'gd++' and 'diag', but this model is 'full': its weights belong to one dimension."
            )
        return LinearTransformer.from_diagonals(
            self._corners(self.P), self._corners(self.Q), dim, self.context
        )

    def __call__(self, x, y, x_query, form="moments"):
        """The prediction for one query per sequence.

        x : (B, n, d), y : (B, n), x_query : (B, d).    form : "moments", or "tokens" for attention over the tokens; equal to rounding.
        -> y_hat : (B,).  A sequence on which the model diverges gets NaN, with a RuntimeWarning that counts them.
        """
        x, y = checks.context(x, y, self.dim)
        x_query = checks.sized(checks.array(x_query, "x_query", (x.shape[0], self.dim)), "x_query")
        checks.one_of(form, "form", ("moments", "tokens"))
        with np.errstate(over="ignore", invalid="ignore"):
            if form == "tokens":
                y_hat = attend(self.P, self.Q, x, y, x_query)
            else:
                w = implicit_weight(self.P, self.Q, second_moments(x, y))  # (B, d)
                y_hat = (w * x_query).sum(axis=1)
        return said_if_diverged(y_hat, "the model")

    def implicit_weight(self, S):
        """w^L for contexts given by their second moments S (B, D, D) -> (B, d); not finite where the model diverges."""
        with np.errstate(over="ignore", invalid="ignore"):
            return implicit_weight(self.P, self.Q, S)

    def save(self, path):
        """Write the model to the file `path` (safetensors), whole or not at all."""
        metadata = {} if self.context is None else {"context": str(self.context)}
        weights.write(path, {"P": self.P, "Q": self.Q}, metadata)

    @classmethod
    def load(cls, path):
        """Read a model that `save` wrote. ValueError if the file is damaged or holds something else."""
        tensors, metadata = weights.read(path)
        if set(tensors) != {"P", "Q"}:
            raise ValueError(f"{path} holds the tensors {sorted(tensors)}: a model file holds P and Q.")
        try:
            return cls(
                tensors["P"], tensors["Q"], int(metadata["context"]) if "context" in metadata else None
            )
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} holds no model: {error}") from error

    def __repr__(self):
        return (
            f"LinearTransformer(kind={self.kind!r}, layers={self.layers}, heads={self.heads}, dim={self.dim})"
        )

    def _corners(self, matrix):
        """The x and the y entry of a diagonal matrix: (L, H, D, D) -> (L, H, 2)."""
        return matrix[..., [0, -1], [0, -1]]


def said_if_diverged(values, who):
    """`values`, (B,) or (B, d), with NaN for the sequences where they are not finite, and a RuntimeWarning that counts those."""
    finite = np.isfinite(values) if values.ndim == 1 else np.isfinite(values).all(axis=1)
    if not finite.all():
        lost = f"{who} diverged on {(~finite).sum()} of {len(values)} sequences: their answers are NaN."
        warnings.warn(lost, RuntimeWarning, stacklevel=3)
    return np.where(finite if values.ndim == 1 else finite[:, None], values, np.nan)


def linear_transformer(model):
    """`model`, if it is one."""
    if not isinstance(model, LinearTransformer):
        raise TypeError(f"model is {checks.shown(model)}: model must be a LinearTransformer.")
    return model
