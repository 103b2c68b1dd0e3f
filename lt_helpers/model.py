"""A linear transformer (paper, section 3), in the token form that a reader can follow and in the moment form that is cheap.

A token is e = (x, y) in R^D, D = d + 1; the query token is (x_t, 0). One layer adds linear attention over the n context tokens (eq. 3):

    e <- e + sum_k P_k S Q_k e          S = (1/n) sum_i e_i e_i^T

for context and query alike: the query reads and is never read. P = W_P W_V and Q = W_K^T W_Q; no softmax, no MLP, no LayerNorm.
The prediction is minus the last entry of the query token after L layers. The context enters through S alone, and all tokens go
through the same matrix T = I + U, U = sum_k P_k S Q_k, so S itself evolves on its own, S <- T S T^T, and n tokens cost no more than one.

Moments are means over the context, not sums as in the paper, so that the same formula holds for any n. Trained weights do not: they
fit the n that they were trained at. (At n = 20 a DIAG model of seven layers beats ridge regression that estimates the noise; at n = 40
its loss is fifteen times as large as ridge regression's.)
"""

import json
import warnings

import numpy as np

from . import checks, weights
from .noise import check_noise, parse_noise
from .task import second_moments

KINDS = ("gd++", "diag", "full")
FAMILIAR = (
    4  # labels at most this many times as large, or as small, as those of training are read without a warning
)


def layer_update(P, Q, S):
    """What one layer adds to every token: U with e' = e + U e (eq. 3). For NumPy arrays and torch tensors.

    Parameters
    ----------
    P, Q : (H, D, D) arrays.  One pair per head.
    S : (B, D, D) array.  Second moments of the tokens that enter the layer.

    Returns
    -------
    U : (B, D, D) array.
    """
    by_head = P @ S[:, None] @ Q  # (B, H, D, D)
    return by_head.sum(axis=1)  # (B, D, D): heads add up


def next_moments(U, S):
    """The second moments after a layer, S' = (I + U) S (I + U)^T. For NumPy arrays and torch tensors.

    Parameters
    ----------
    U, S : (B, D, D) arrays.  What the layer adds, and the moments before it.

    Returns
    -------
    S' : (B, D, D) array.
    """
    S = S + U @ S  # (I + U) S
    return S + S @ U.mT  # (I + U) S (I + U)^T


def layer_updates(P, Q, S):
    """What each layer adds to every token, from the moments of the input alone. For NumPy arrays and torch tensors.

    Parameters
    ----------
    P, Q : (L, H, D, D) arrays.
    S : (B, D, D) array.  Second moments of the context.

    Returns
    -------
    updates : list of L arrays U, (B, D, D) each.
    """
    updates = []
    for P_l, Q_l in zip(P, Q):
        U = layer_update(P_l, Q_l, S)  # (B, D, D)
        updates.append(U)
        S = next_moments(U, S)  # (B, D, D)
    return updates


def implicit_weight(P, Q, S):
    """The weight w^L that the model holds in the end: its prediction is <w^L, x_t> (Theorem 4.1).

    Minus w^L is the last row of (I + U_L) ... (I + U_1). A row is multiplied from the left, layer by layer, which costs less than the
    product of the matrices.

    Parameters
    ----------
    P, Q : (L, H, D, D) arrays.
    S : (B, D, D) array.  Second moments of the context.

    Returns
    -------
    w : (B, d) array.
    """
    *before, last = layer_updates(P, Q, S)
    row = last[:, -1:] + np.eye(S.shape[-1])[-1]  # (B, 1, D): the last row of I + U_L
    for U in reversed(before):
        row = row + row @ U  # (B, 1, D)
    return -row[:, 0, :-1]


def attend(P, Q, x, y, x_query):
    """The forward pass on tokens, as attention over the context: O(n^2) a layer.

    Parameters
    ----------
    P, Q : (L, H, D, D) arrays.
    x : (B, n, d) array.
    y : (B, n) array.
    x_query : (B, d) array.

    Returns
    -------
    y_hat : (B,) array.
    """
    B, n, d = x.shape
    context = np.concatenate([x, y[..., None]], axis=-1)  # (B, n, D)
    query = np.concatenate([x_query, np.zeros((B, 1))], axis=-1)  # (B, D)
    tokens = np.concatenate([context, query[:, None]], axis=1)  # (B, n+1, D)
    for P_l, Q_l in zip(P, Q):
        context = tokens[:, :n]  # (B, n, D): the query is never read
        update = np.zeros_like(tokens)  # (B, n+1, D)
        for P_k, Q_k in zip(P_l, Q_l):  # heads
            scores = tokens @ Q_k.T @ context.mT  # (B, n+1, n): how much token i reads of context token j
            values = context @ P_k.T  # (B, n, D)
            update += scores @ values / n
        tokens = tokens + update
    return -tokens[:, -1, -1]


class LinearTransformer:
    """A linear transformer, given by its matrices, and what is known of their training.

    Parameters
    ----------
    P, Q : (L, H, D, D) arrays
        Layers, heads, and D = d + 1. Kept as float64; the forward pass follows eq. 3.
    context : int, optional
        The number of examples n that the weights were trained at. They serve there.
    noise : Noise, optional
        The noise of the labels that they were trained on.
    label_size : float, optional
        The root mean square of those labels. By default what the noise implies for x ~ N(0, I_d) and w ~ N(0, I_d):
        sqrt(d + E sigma^2), None without a noise.
    record : dict, optional
        How the weights came about and how good they are, such as the records of the stored models: what JSON can hold.

    Attributes
    ----------
    layers, heads, dim : int
        L, H and d.
    kind : str
        "gd++" or "diag", where P = diag(p_x, .., p_x, p_y) and Q alike (gd++: q_y = 0), else "full".
    context, noise, label_size, record
        As above, None where it is not known. Files keep them. A model that is called, taken apart (`implicit_regression`) or weighed
        (`risk`, `adjusted_loss`) at another n says so, and so does one that reads labels of another size: once a model.
    """

    def __init__(self, P, Q, context=None, noise=None, label_size=None, record=None):
        self.P = checks.array(P, "P", ("layers", "heads", "dim + 1", "dim + 1"))
        if 0 in self.P.shape[:2] or self.P.shape[2] != self.P.shape[3] or self.P.shape[3] < 2:
            raise ValueError(
                f"P has shape {self.P.shape}: P must be (layers, heads, dim + 1, dim + 1), none of them zero."
            )
        self.Q = checks.array(Q, "Q", self.P.shape)
        self.layers, self.heads, D, _ = self.P.shape
        self.dim = D - 1

        self.context = None if context is None else checks.count(context, "context")
        self.noise = None if noise is None else check_noise(noise)
        if label_size is None and noise is not None:
            label_size = np.sqrt(self.dim + noise.mean_square)
        if label_size is not None:
            label_size = checks.number(label_size, "label_size", checks.SMALLEST, checks.LARGEST)
        self.label_size = label_size
        self.record = None if record is None else checks.document(record, "record")
        self._has_warned = False

    @classmethod
    def random(cls, kind, dim, layers, heads=1, rng=None, scale=0.05):
        """A model near the identity: nothing explodes and nothing is learned yet.

        Parameters
        ----------
        kind : str.  "gd++", "diag" or "full".
        dim, layers, heads : int.
        rng : numpy.random.Generator.
        scale : float.  The standard deviation of all weights, which are normal.

        Returns
        -------
        model : LinearTransformer.
        """
        checks.one_of(kind, "kind", KINDS)
        dim = checks.count(dim, "dim")
        layers = checks.count(layers, "layers")
        heads = checks.count(heads, "heads")
        checks.generator(rng)
        scale = checks.number(scale, "scale", 0, checks.LARGEST)
        if kind == "full":
            P, Q = rng.normal(scale=scale, size=(2, layers, heads, dim + 1, dim + 1))
            return cls(P, Q)
        p, q = rng.normal(scale=scale, size=(2, layers, heads, 2))
        if kind == "gd++":
            q = q * [1, 0]
        return cls.from_diagonals(p, q, dim)

    @classmethod
    def from_diagonals(cls, p, q, dim, context=None, noise=None, label_size=None, record=None):
        """A DIAG model from the two numbers of each matrix: P = diag(p_x, .., p_x, p_y), and Q alike.

        Parameters
        ----------
        p, q : (L, H, 2) arrays.  (p_x, p_y) and (q_x, q_y) of every layer and head.
        dim : int.  d.
        context, noise, label_size, record : as in LinearTransformer.

        Returns
        -------
        model : LinearTransformer.
        """
        p = checks.array(p, "p", ("layers", "heads", 2))
        q = checks.array(q, "q", p.shape)
        dim = checks.count(dim, "dim")
        return cls(fill_diagonals(p, dim), fill_diagonals(q, dim), context, noise, label_size, record)

    @classmethod
    def from_sums(cls, P, Q, context):
        """Take over weights of code that sums over the context where this package takes means.

        Parameters
        ----------
        P, Q : (L, H, D, D) arrays.
        context : int.  The number of examples n that they were trained at.

        Returns
        -------
        model : LinearTransformer.
        """
        P = checks.array(P, "P", ("layers", "heads", "dim + 1", "dim + 1"))
        return cls(P * checks.count(context, "context"), Q, context)

    @property
    def kind(self):
        """The smallest family that the matrices belong to: "gd++", "diag" or "full"."""
        p, q = self._diagonals()  # (L, H, 2) both
        same_P = np.array_equal(fill_diagonals(p, self.dim), self.P)
        same_Q = np.array_equal(fill_diagonals(q, self.dim), self.Q)
        if not (same_P and same_Q):
            return "full"
        return "diag" if q[..., 1].any() else "gd++"

    @property
    def omega(self):
        """The numbers that count in each layer of a GD++ or DIAG model (eq. 10), heads added up.

        An array (L, 2, 2): [[omega_xx, omega_xy], [omega_yx, omega_yy]] of every layer.
        """
        if self.kind == "full":
            raise ValueError("omega is defined for kinds 'gd++' and 'diag', but this model is 'full'.")
        p, q = self._diagonals()  # (L, H, 2) both
        return np.einsum("lhi,lhj->lij", p, q)

    @property
    def training(self):
        """What is known of the training: a dictionary of the arguments that a model with other matrices takes over."""
        return {
            "context": self.context,
            "noise": self.noise,
            "label_size": self.label_size,
            "record": self.record,
        }

    def with_dim(self, dim):
        """The same GD++ or DIAG model for inputs of another dimension: its weights do not depend on d.

        Parameters
        ----------
        dim : int.

        Returns
        -------
        model : LinearTransformer.  What is known of the training stays with it.

        Raises
        ------
        ValueError
            If the model is FULL.
        """
        if self.kind == "full":
            raise ValueError(
                "with_dim serves kinds 'gd++' and 'diag', but this model is 'full': its weights belong to one dimension."
            )
        p, q = self._diagonals()  # (L, H, 2) both
        return LinearTransformer.from_diagonals(p, q, dim, **self.training)

    def __call__(self, x, y, x_query, form="moments"):
        """The prediction for one query per context.

        Parameters
        ----------
        x : (B, n, d) array.
        y : (B, n) array.
        x_query : (B, d) array.
        form : str
            "moments", or "tokens" for attention over the tokens; equal to rounding.

        Returns
        -------
        y_hat : (B,) array
            A sequence on which the model diverges gets NaN, with a RuntimeWarning that counts them.

        Raises
        ------
        ValueError, TypeError
            In one sentence, where an argument cannot be read.
        """
        x, y = self.read_contexts(x, y)
        x_query = self._read_queries(x_query, len(x))
        checks.one_of(form, "form", ("moments", "tokens"))
        self.warn_if_unfamiliar(x, y)
        with np.errstate(over="ignore", invalid="ignore"):
            if form == "tokens":
                y_hat = attend(self.P, self.Q, x, y, x_query)
            else:
                w = implicit_weight(self.P, self.Q, second_moments(x, y))  # (B, d)
                y_hat = (w * x_query).sum(axis=1)
        return warn_if_diverged(y_hat, "the model")

    def implicit_weight(self, S):
        """The weight w^L that the model holds in the end, for contexts given by their second moments. Nothing is checked.

        Parameters
        ----------
        S : (B, D, D) array.

        Returns
        -------
        w : (B, d) array.  Not finite where the model diverges.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return implicit_weight(self.P, self.Q, S)

    def read_contexts(self, x, y):
        """The examples as float64 arrays, if this model can read them; else one sentence on the way.

        Parameters
        ----------
        x : (B, n, d) array.
        y : (B, n) array.

        Returns
        -------
        x, y : arrays of the same shapes.
        """
        shape = checks.shape_of(x)
        if shape is not None and len(shape) == 3 and shape[2] not in (0, self.dim):
            raise ValueError(
                f"x has shape {shape}: x must be (batch, context, {self.dim}). {self._way_to_dim(shape[2])}"
            )
        return checks.context(x, y, self.dim)

    def warn_if_unfamiliar(self, x, y):
        """Say that contexts are not of the sort that the model was trained on: another n, or labels of another size.

        It is a RuntimeWarning with what to do, and comes once a model. What is not known of the training is not compared.

        Parameters
        ----------
        x : (B, n, d) array.
        y : (B, n) array.
        """
        self._warn_once([*self._other_length(x.shape[1]), *self._other_labels(y)])

    def warn_if_other_length(self, n):
        """The same of contexts of n examples, before any of them is there.    n : int"""
        self._warn_once(self._other_length(n))

    def _warn_once(self, said):
        """A RuntimeWarning of what was said, where the user called what called a `warn_if_`; the first time only."""
        if said and not self._has_warned:
            self._has_warned = True
            warnings.warn(f"the model leaves its range: {'; and '.join(said)}.", RuntimeWarning, stacklevel=4)

    def _other_length(self, n):
        """What to say of contexts of n examples -> list of str, empty where the model was trained on such, or nobody knows."""
        if self.context in (None, n):
            return []
        return [
            f"it was trained at n = {self.context} examples a context and reads {n}, so its answers may be far off: "
            f"give it {self.context} of them, or train one at n = {n}"
        ]

    def _other_labels(self, y):
        """What to say of labels (B, n), which can be brought to the size that the model knows, and its answers back -> list of str"""
        size = np.sqrt(np.mean(y**2)) if y.any() else None
        if not size or not self.label_size or 1 / FAMILIAR <= size / self.label_size <= FAMILIAR:
            return []
        factor = self.label_size / size
        return [
            f"it was trained on labels of root mean square {self.label_size:.2g} and reads some of {size:.2g}: "
            f"multiply y by {factor:.2g}, and divide the answers by it"
        ]

    def save(self, path):
        """Write the model, and what is known of its training, to a file (safetensors), whole or not at all.

        Parameters
        ----------
        path : str or Path.  An ordinary file there is replaced.

        Raises
        ------
        ValueError, TypeError
            If `path` can name no file, or the noise is of a sort that a file cannot keep.
        OSError
            If the file cannot be written, or is no ordinary one: a link, a device. What was there is then unchanged.
        """
        weights.write(path, {"P": self.P, "Q": self.Q}, self.metadata())

    def metadata(self):
        """What is known of the training, as a file keeps it -> dict of str"""
        metadata = {}
        if self.context is not None:
            metadata["context"] = str(self.context)
        if self.noise is not None:
            metadata["noise"] = self._noise_to_keep()
        if self.label_size is not None:
            metadata["label_size"] = repr(self.label_size)
        if self.record is not None:
            metadata["record"] = json.dumps(self.record, sort_keys=True)
        return metadata

    def _noise_to_keep(self):
        """The key of the noise, if it can be read back."""
        try:
            parse_noise(self.noise.key)
        except ValueError:
            raise ValueError(
                f"the model's noise is {self.noise.label}, which a file cannot keep: it must be Fixed, Uniform or Categorical, or "
                "None, as in LinearTransformer(model.P, model.Q, model.context, label_size=model.label_size, record=model.record)."
            ) from None
        return self.noise.key

    @classmethod
    def load(cls, path):
        """Read a model that `save` wrote.

        Parameters
        ----------
        path : str or Path.

        Returns
        -------
        model : LinearTransformer.

        Raises
        ------
        ValueError
            If there is no such file, if it is damaged, or if it holds something else.
        """
        tensors, metadata = weights.read(path)
        if set(tensors) != {"P", "Q"}:
            raise ValueError(f"{path} holds the tensors {sorted(tensors)}: a model file holds P and Q.")
        try:
            return cls.restored(tensors, metadata)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} holds no model: {error}") from error

    @classmethod
    def restored(cls, tensors, metadata):
        """The model of matrices P and Q, and of what `metadata` made of the rest.

        Parameters
        ----------
        tensors : dict of arrays
        metadata : dict of str

        Returns
        -------
        model : LinearTransformer.
        """
        readers = {"context": int, "noise": parse_noise, "label_size": float, "record": checks.parse_json}
        training = {name: read(metadata[name]) for name, read in readers.items() if name in metadata}
        return cls(tensors["P"], tensors["Q"], **training)

    def __repr__(self):
        return (
            f"LinearTransformer(kind={self.kind!r}, layers={self.layers}, heads={self.heads}, dim={self.dim})"
        )

    def _diagonals(self):
        """The x and the y entry of the diagonals of P and Q -> (L, H, 2) both."""
        p = self.P[..., [0, -1], [0, -1]]
        q = self.Q[..., [0, -1], [0, -1]]
        return p, q

    def _way_to_dim(self, dim):
        """What to do about inputs of another dimension, as a sentence."""
        if self.kind == "full":
            return (
                f"A FULL model's weights belong to one dimension: take a GD++ or DIAG model, whose with_dim({dim}) serves, "
                f"or train one for d = {dim}."
            )
        return f"For d = {dim} take model.with_dim({dim})."

    def _read_queries(self, x_query, batch):
        """One query a context, as a float64 array (B, d); else one sentence on the way."""
        shape = checks.shape_of(x_query)
        if shape is not None and len(shape) == 3:
            raise ValueError(
                f"x_query has shape {shape}: x_query must be (batch, dim) = {(batch, self.dim)}, one query a context. "
                "For several take the weight once, w = lt.implicit_regression(model, x, y).w[:, -1], "
                "and answer with (x_query @ w[..., None])[..., 0]."
            )
        return checks.sized(checks.array(x_query, "x_query", (batch, self.dim)), "x_query")


def fill_diagonals(entries, dim):
    """Diagonal matrices from their x and y entry: (..., 2) -> (..., D, D) with the first d times on the diagonal, then the second."""
    diagonal = np.repeat(entries, [dim, 1], axis=-1)  # (..., D)
    return diagonal[..., None] * np.eye(dim + 1)  # (..., D, D)


def warn_if_diverged(values, who):
    """Answers with NaN for the sequences where they are not finite, and a RuntimeWarning that counts those.

    Parameters
    ----------
    values : (B,) or (B, d) array.
    who : str.  What diverged, in words.

    Returns
    -------
    values : array of the same shape.
    """
    finite = np.isfinite(values)
    if values.ndim == 2:
        finite = finite.all(axis=1, keepdims=True)  # (B, 1): a weight is lost as a whole
    lost = int((~finite).sum())
    if lost:
        warnings.warn(
            f"{who} diverged on {lost} of {len(values)} sequences: their answers are NaN.",
            RuntimeWarning,
            stacklevel=3,
        )
    return np.where(finite, values, np.nan)


def linear_transformer(model):
    """`model`, if it is one."""
    if not isinstance(model, LinearTransformer):
        raise TypeError(f"model is {checks.shown(model)}: model must be a LinearTransformer.")
    return model
