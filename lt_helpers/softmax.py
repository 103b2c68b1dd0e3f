"""A softmax transformer on the paper's task: the attention that everybody uses, with or without MLP and LayerNorm (notebook 14).

A token e = (x, y) becomes a vector of `width` numbers, its stream. A layer adds to each stream what its heads read in the examples:

    a <- a + sum_k O_k sum_j softmax_j(<Q_k a, K_k a_j> / sqrt(width / H)) V_k a_j

and, in a model with an MLP, what one hidden layer makes of the stream by itself. Such a model has a LayerNorm before either part and
before the answer. The answer is a linear function of the query's stream, after L layers.

Two choices are as in `model`. The query token is (x, 0), and it reads and is never read: so the answers to many queries of one context
are computed at once, and none depends on another. There is no mask among the examples, and no position: their order does not matter.

The forward pass is NumPy, in double precision. Training is in `training.softmax`, in PyTorch.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from . import checks, weights
from .noise import Noise, check_noise, parse_noise
from .pretrained import FOLDER as STORED

FOLDER = STORED / "softmax"  # models.safetensors and records.json
ATTENTION = ("Q", "K", "V", "O")
MLP = ("gain_1", "shift_1", "gain_2", "shift_2", "up", "up_bias", "down", "down_bias")
LEAST_VARIANCE = 1e-5  # added to a stream's variance by a LayerNorm
CHUNK_NUMBERS = 4_000_000  # numbers in the streams of the contexts that are computed at once


@dataclass(frozen=True)
class SoftmaxId:
    """Which stored softmax transformer: all that tells one from another.

    Parameters
    ----------
    mlp : bool.  With MLP and LayerNorm, or softmax attention alone.
    layers : int.
    noise : Noise.  What it was trained on.
    """

    mlp: bool
    layers: int
    noise: Noise

    def __post_init__(self):
        if not isinstance(self.mlp, bool):
            raise TypeError(f"mlp is {checks.shown(self.mlp)}: mlp must be True or False.")
        object.__setattr__(self, "layers", checks.count(self.layers, "layers"))
        check_noise(self.noise)

    @classmethod
    def from_record(cls, record):
        """The model that a record describes -> SoftmaxId"""
        return cls(record["mlp"], record["layers"], parse_noise(record["noise"]))

    @property
    def name(self):
        """As files write it: "alone/2/uniform-5", "mlp/4/categorical-1-3"."""
        return f"{'mlp' if self.mlp else 'alone'}/{self.layers}/{self.noise.key}"


class SoftmaxTransformer:
    """A softmax transformer, given by its weights.

    Parameters
    ----------
    tensors : dict of str to array
        embed (w, D), D = d + 1; Q, K, V, O (L, w, w), the heads one below the other, in O beside each other; readout (w,). With an MLP
        also gain_1, shift_1, gain_2, shift_2 (L, w), of the LayerNorm before attention and before the MLP; up (L, m, w), up_bias
        (L, m), down (L, w, m), down_bias (L, w); gain, shift (w,), of the LayerNorm before the answer.
    heads : int
        H, which divides w.
    context : int, optional
        The number of examples that it was trained at.
    noise : Noise, optional
        What it was trained on.
    record : dict, optional
        How it was made and how good it is.

    Attributes
    ----------
    layers, dim, width : int
        L, d and w.
    mlp : bool
        Whether it has an MLP.

    Raises
    ------
    ValueError, TypeError
        If the arrays do not fit each other.
    """

    def __init__(self, tensors, heads, context=None, noise=None, record=None):
        check_tensors(tensors)
        self.tensors = {name: np.asarray(tensor, float) for name, tensor in tensors.items()}
        self.width, D = self.tensors["embed"].shape
        self.layers = len(self.tensors["Q"])
        self.dim = D - 1
        self.heads = checks.count(heads, "heads")
        if self.width % self.heads:
            raise ValueError(f"heads is {heads}: heads must divide the width, {self.width}.")
        self.mlp = "up" in self.tensors
        self.context, self.noise, self.record = context, noise, record

    def __call__(self, x, y, x_query):
        """The prediction for one query per context.

        Parameters
        ----------
        x : (B, n, d) array.
        y : (B, n) array.
        x_query : (B, d) array.

        Returns
        -------
        y_hat : (B,) array.
        """
        x, y = checks.context(x, y, self.dim)
        x_query = checks.array(x_query, "x_query", (len(x), self.dim))
        return self.answers(x, y, x_query[:, None])[:, 0]

    def answers(self, x, y, queries):
        """The predictions for q queries per context, each as if it were alone.

        Parameters
        ----------
        x : (B, n, d) array.
        y : (B, n) array.
        queries : (B, q, d) array; or (q, d), the same for every context.

        Returns
        -------
        y_hat : (B, q) array.
        """
        x, y = checks.context(x, y, self.dim)
        if np.ndim(queries) == 2:
            queries = np.broadcast_to(queries, (len(x), *np.shape(queries)))
        queries = checks.array(queries, "queries", (len(x), "queries", self.dim))
        tokens = x.shape[1] + queries.shape[1]
        size = max(1, CHUNK_NUMBERS // (tokens * self.width))
        parts = [slice(start, start + size) for start in range(0, len(x), size)]
        done = [self._forward(x[part], y[part], queries[part]) for part in parts]
        return np.concatenate(done) if done else np.zeros(queries.shape[:2])

    def _forward(self, x, y, queries):
        """x (B, n, d), y (B, n), queries (B, q, d)  ->  (B, q)"""
        n = x.shape[1]
        W = self.tensors
        examples = np.concatenate([x, y[..., None]], axis=-1)  # (B, n, D)
        asked = np.concatenate([queries, np.zeros((*queries.shape[:2], 1))], axis=-1)  # (B, q, D)
        tokens = np.concatenate([examples, asked], axis=1)  # (B, n+q, D)
        streams = tokens @ W["embed"].T  # (B, n+q, w)
        for number in range(self.layers):
            layer = {name: W[name][number] for name in ATTENTION + (MLP if self.mlp else ())}
            streams = one_layer(streams, n, layer, self.heads)
        last = streams[:, n:]  # (B, q, w)
        if self.mlp:
            last = normalise(last, W["gain"], W["shift"])
        return last @ W["readout"]


def one_layer(streams, n, W, heads):
    """One layer: attention to the examples, then the MLP, where there is one.

    Parameters
    ----------
    streams : (B, m, w) array.  The first n are the examples'.
    n : int.
    W : dict of arrays.  The layer's weights, by their names in `SoftmaxTransformer`.
    heads : int.

    Returns
    -------
    streams : (B, m, w) array.
    """
    mlp = "up" in W
    seen = normalise(streams, W["gain_1"], W["shift_1"]) if mlp else streams
    streams = streams + attention(seen, seen[:, :n], W, heads)
    if not mlp:
        return streams

    seen = normalise(streams, W["gain_2"], W["shift_2"])
    hidden = seen @ W["up"].T + W["up_bias"]  # (B, m, hidden)
    hidden = np.maximum(hidden, 0)
    return streams + hidden @ W["down"].T + W["down_bias"]


def attention(readers, examples, W, heads):
    """What each reader gets from the examples.

    Parameters
    ----------
    readers : (B, m, w) array.
    examples : (B, n, w) array.
    W : dict of arrays.  Q, K, V and O, (w, w) each.
    heads : int.

    Returns
    -------
    update : (B, m, w) array.
    """
    q = split(readers @ W["Q"].T, heads)  # (B, H, m, w/H)
    k = split(examples @ W["K"].T, heads)  # (B, H, n, w/H)
    v = split(examples @ W["V"].T, heads)  # (B, H, n, w/H)
    scores = q @ k.mT / np.sqrt(q.shape[-1])  # (B, H, m, n)
    got = softmax(scores) @ v  # (B, H, m, w/H)
    joined = got.swapaxes(1, 2).reshape(readers.shape)  # (B, m, w)
    return joined @ W["O"].T


def split(streams, heads):
    """Streams as the parts that each head has.    (B, m, w)  ->  (B, H, m, w/H)"""
    B, m, w = streams.shape
    return streams.reshape(B, m, heads, w // heads).swapaxes(1, 2)


def softmax(scores):
    """Shares that sum to 1 over the last axis."""
    scores = scores - scores.max(axis=-1, keepdims=True)  # changes nothing, and no exponential overflows
    shares = np.exp(scores)
    return shares / shares.sum(axis=-1, keepdims=True)


def normalise(streams, gain, shift):
    """LayerNorm: each stream with mean 0 and variance 1, then stretched and moved."""
    centred = streams - streams.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + LEAST_VARIANCE) * gain + shift


def check_tensors(tensors):
    """A ValueError or TypeError, unless the weights of a model are all there and fit each other."""
    if not isinstance(tensors, dict):
        raise TypeError(f"tensors is {checks.shown(tensors)}: tensors must be a dict of arrays.")
    names = {"embed", "readout", *ATTENTION}
    if "up" in tensors:
        names |= {"gain", "shift", *MLP}
    if set(tensors) != names:
        raise ValueError(
            f"the tensors are {sorted(map(str, tensors))}: a softmax transformer has {sorted(names)}."
        )
    width, _ = checks.array(tensors["embed"], "embed", ("width", "dim + 1")).shape
    layers = len(checks.array(tensors["Q"], "Q", ("layers", width, width)))
    hidden = checks.array(tensors["up"], "up", (layers, "hidden", width)).shape[1] if "up" in tensors else 0
    shapes = {"readout": (width,), "gain": (width,), "shift": (width,)}
    shapes |= dict.fromkeys(ATTENTION, (layers, width, width))
    shapes |= {"up": (layers, hidden, width), "up_bias": (layers, hidden), "down": (layers, width, hidden)}
    for name in sorted(names - {"embed"}):
        checks.array(tensors[name], name, shapes.get(name, (layers, width)))


def linear_part(answers, queries):
    """The linear function of the query that is nearest to a model's answers, and what it leaves.

    A linear transformer answers <w, x> and leaves nothing. For another model w is its probed weight.

    Parameters
    ----------
    answers : (B, q) array.
        To q queries each, q > d.
    queries : (q, d) or (B, q, d) array.

    Returns
    -------
    w : (B, d) array
        Least squares over the queries.
    left : (B,) array
        The mean square that is left, per degree of freedom: sum of squares / (q - d).
    """
    count, dim = queries.shape[-2:]
    if count <= dim:
        raise ValueError(
            f"there are {count} queries of {dim} numbers: a probe needs more queries than numbers."
        )
    w = (np.linalg.pinv(queries) @ answers[..., None])[..., 0]  # (B, d)
    misfit = answers - (queries @ w[..., None])[..., 0]  # (B, q)
    left = (misfit**2).sum(axis=1) / (count - dim)  # (B,)
    return w, left


def load_softmax(mlp, layers, noise, folder=FOLDER):
    """A stored softmax transformer, for d = 10 and trained at n = 20.

    Parameters
    ----------
    mlp : bool.  With MLP and LayerNorm, or softmax attention alone.
    layers : int.  2 or 4.
    noise : Noise.  What it was trained on: Uniform(5) or Categorical((1, 3)).
    folder : str or Path, optional.  Where models.safetensors and records.json lie.

    Returns
    -------
    model : SoftmaxTransformer.  With its record.

    Raises
    ------
    ValueError, TypeError
        With a list of the models that are stored, if this one is not; or if a file is damaged.
    """
    return read_model(SoftmaxId(mlp, layers, noise), checks.path(folder, "folder"))


@lru_cache(maxsize=16)
def read_model(which, folder):
    """The stored model of a SoftmaxId in a folder -> SoftmaxTransformer"""
    found = {SoftmaxId.from_record(record): record for record in softmax_records(folder)}
    if which not in found:
        names = ", ".join(sorted(one.name for one in found))
        raise ValueError(f"no stored softmax transformer {which.name}. Stored are {names}.")
    record = found[which]
    tensors, _ = weights.read(Path(folder) / "models.safetensors")
    own = {
        key.removeprefix(which.name + "/"): tensor
        for key, tensor in tensors.items()
        if key.startswith(which.name + "/")
    }
    return SoftmaxTransformer(own, record["heads"], record["context"], which.noise, record)


def softmax_records(folder=FOLDER):
    """How the stored softmax transformers were made and how good they are.

    Parameters
    ----------
    folder : str or Path, optional.  Where records.json lies.

    Returns
    -------
    records : list of dicts
        mlp, layers, noise (its key), loss, standard_error, halves ([steps, loss, standard error] after a quarter, half and all of
        the steps), ...

    Raises
    ------
    ValueError
        If there is no such file, or if it is damaged.
    """
    path = checks.path(folder, "folder") / "records.json"
    try:
        records = checks.parse_json(path.read_text(encoding="utf-8"))
        for record in records:
            SoftmaxId.from_record(record)
    except OSError as error:
        raise ValueError(f"the records of softmax transformers, {path}, cannot be read ({error}).") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"the records of softmax transformers, {path}, are damaged ({error}).") from error
    return records
