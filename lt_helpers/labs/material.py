"""What several labs share: sequences, at any noise; the stored models, and the choices among them.

A sequence is fixed: the truth w, the inputs X and the direction xi of the noise stay, y = X w + sigma xi. What moves with sigma is due to
sigma alone.
"""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from .. import checks
from ..language import Message, RefusedType, RefusedValue
from ..model import LinearTransformer
from ..noise import Fixed, Noise, Uniform, parse_noise
from ..pretrained import load_pretrained, stored, stored_layers
from ..spectrum import Spectrum
from ..task import PAPER, RegressionTask, second_moments
from .frozen import Frozen
from .own_task import OWN, PAPER_TASK

KINDS = {"DIAG": "diag", "FULL": "full", "GD++": "gd++"}
TABLE_DEPTH = 7  # the deepest models of Table 1


@dataclass(frozen=True)
class Sequence(Frozen):
    """One sequence without its noise: n examples of d features, and q queries."""

    x: np.ndarray  # (n, d)
    truth: np.ndarray  # (d,)
    direction: np.ndarray  # (n,): of the noise
    queries: np.ndarray  # (q, d)

    def labels(self, sigma):
        """y = X w + sigma xi -> (n,)"""
        return self.x @ self.truth + sigma * self.direction

    def moments(self, sigma):
        """The second moments of the sequence at this noise -> (1, D, D)"""
        return second_moments(self.x[None], self.labels(sigma)[None])

    def spectrum(self, sigma):
        """The sequence along the principal directions of its inputs -> Spectrum"""
        return Spectrum.from_moments(self.moments(sigma), len(self.x))


@lru_cache(maxsize=128)
def sequence(seed, dim=PAPER.dim, context=PAPER.context, queries=0, noise=True):
    """The random sequence with this number -> Sequence. The first examples of a longer one are no shorter one.

    noise : bool.  Without it no direction of the noise is drawn: it is 0.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(context, dim))
    truth = rng.normal(size=dim)
    direction = rng.normal(size=context) if noise else np.zeros(context)
    return Sequence(x, truth, direction, rng.normal(size=(queries, dim)))


@lru_cache(maxsize=128)
def sequence_of(task, seed, context=None):
    """The sequence with this number, of a learner's own task; of the paper's, as `sequence` has it, where `task` is None -> Sequence"""
    task = task or PAPER_TASK
    context = context or task.context
    rng = np.random.default_rng(seed)
    x = task.sample_inputs(context, rng)
    truth = task.sample_w(rng)
    return Sequence(x, truth, rng.normal(size=context), np.empty((0, task.dim)))


@lru_cache(maxsize=32)
def many_sequences_of(task, count, seed=0):
    """Sequences at sigma = 1 of a learner's own task, or of the paper's, as second moments -> Moments"""
    return (task or PAPER_TASK).sample_moments(count, np.random.default_rng(seed))


@lru_cache(maxsize=32)
def many_sequences(count, context=PAPER.context, variance=1.0, seed=0):
    """Sequences at sigma = 1, with inputs x ~ N(0, variance I), as second moments -> Moments"""
    task = RegressionTask(PAPER.dim, context, Fixed(1.0), variance * np.eye(PAPER.dim))
    return task.sample_moments(count, np.random.default_rng(seed))


def with_noise(moments, sigma):
    """The second moments of sequences drawn at sigma = 1, had their noise been sigma times as large -> (B, D, D)"""
    change = np.tile(np.eye(moments.S.shape[-1]), (len(moments.w), 1, 1))  # (B, D, D)
    change[:, -1, :-1] = (1 - sigma) * moments.w  # y = <w, x> + xi becomes <w, x> + sigma xi
    change[:, -1, -1] = sigma
    return change @ moments.S @ change.mT


@lru_cache(maxsize=8)
def at_each_noise(sigmas, count, context=PAPER.context, variance=1.0, signs=(1, -1), task=None):
    """The same sequences at each of J noise levels, with their noise and with the opposite of it, which cancels much of the scatter.

    Parameters
    ----------
    sigmas : tuple of J numbers.
    count, context, variance : of the sequences, as in `many_sequences`.
    signs : tuple.  Of the noise; (1,) leaves the opposite out.
    task : Given, optional.  A learner's own, which says all but the noise.

    Returns
    -------
    spectrum : Spectrum of B = J len(signs) count contexts, level by level.
    truth : (B, d) array.
    sigma : (B,) array.
    """
    moments = many_sequences(count, context, variance) if task is None else many_sequences_of(task, count)
    S = np.concatenate([with_noise(moments, sign * sigma) for sigma in sigmas for sign in signs])
    truth = np.tile(moments.w, (len(sigmas) * len(signs), 1))
    sigma = np.repeat(sigmas, len(signs) * count)
    return Spectrum.from_moments(S, moments.context), truth, sigma


@lru_cache(maxsize=32)
def stored_model(kind, layers, noise, heads=1, dim=PAPER.dim):
    """A stored model, by the key of its noise -> LinearTransformer"""
    model = load_pretrained(kind, layers, parse_noise(noise), heads)
    return model if dim == model.dim else model.with_dim(dim)


@cache
def stored_kinds():
    """The kinds that are stored -> {label: kind}"""
    kinds = {entry["kind"] for entry in stored()}
    return {label: kind for label, kind in KINDS.items() if kind in kinds}


def kinds_for(task):
    """The kinds that are stored and serve a task: FULL belongs to one dimension -> {label: kind}"""
    other = task is not None and task.dim != PAPER.dim
    return {label: kind for label, kind in stored_kinds().items() if not (other and kind == "full")}


def kind_label(kind):
    """What a kind is called: "DIAG"."""
    return next(label for label, known in KINDS.items() if known == kind)


@cache
def stored_noises(kind):
    """The noises for which models of a kind are stored -> {label: key}, uniform ones first"""
    keys = {
        entry["noise"]
        for entry in stored()
        if (entry["kind"], entry["heads"], entry["variant"]) == (kind, 1, "")
    }
    noises = map(parse_noise, keys)
    ordered = sorted(noises, key=lambda noise: (not isinstance(noise, Uniform), noise.sigma_max, noise.key))
    return {noise.label: noise.key for noise in ordered}


def depths(kind, noise, deepest=TABLE_DEPTH, heads=1):
    """The depths that are stored for a kind and the key of a noise, down to the deepest one -> list of int"""
    return [layers for layers in stored_layers(kind, parse_noise(noise), heads) if layers <= deepest]


def table_depths(kind, noise):
    """The depths of Table 1 that are stored for a kind and the key of a noise: for a lab's control -> list of int"""
    return depths(kind, noise)


def trained_spans(noise):
    """Where the training noise lay on the axis of sigma: an interval, or a narrow one about each value."""
    if isinstance(noise, Uniform) or noise.continuous:
        return [(0, noise.sigma_max)]
    return [(value - 0.06, value + 0.06) for value in noise.nodes()[0]]


def outside_training(sigma, spans):
    """Is this noise beyond all that was trained on?    spans : as from `trained_spans`"""
    return not spans[0][0] <= sigma <= spans[-1][1]


def average(risks):
    """Mean over the sequences, (..., K) -> (...); inf where it exceeds what a float can hold."""
    with np.errstate(over="ignore"):
        return risks.mean(axis=-1)


@dataclass(frozen=True)
class OwnModel:
    """A learner's model: that in a file, as it was when it was read, or one without a path, which code calls `model`."""

    path: str | None
    model: LinearTransformer

    def __repr__(self):
        return "model" if self.path is None else repr(self.path)


def read_own_model(name, value, others):
    """The model, or that in the file, that a control names -> OwnModel"""
    if isinstance(value, OwnModel):
        return value
    in_file = not isinstance(value, LinearTransformer)
    model = LinearTransformer.load(checks.path(value, name)) if in_file else value
    needed = (others["task"] or PAPER_TASK).dim
    if model.dim != needed:
        refused = dict(dim=model.dim, needed=needed)
        raise RefusedValue(
            Message("refused.own_dim", path=str(value), **refused)
            if in_file
            else Message("refused.own_dim_here", **refused)
        )
    return OwnModel(str(value) if in_file else None, model)


def read_own_noise(name, value, others):
    """The noise on which a learner's own model was trained -> its key"""
    if others["model"] is None:
        raise RefusedType(Message("refused.own_noise", name=name, value=repr(value)))
    return key_of(noise_of(value))


def own_noise(model, task):
    """The noise that a learner's own model counts as trained on, if the call does not say: its own, or else the task's -> as `key_of`"""
    if model is None:
        return None
    noise = model.model.noise or (task or PAPER_TASK).task.noise
    return key_of(noise)


def key_of(noise):
    """What a control calls a noise: by its key, if that can be read back; one of a learner's own is itself -> str or Noise"""
    try:
        parse_noise(noise.key)
    except ValueError:
        return noise
    return noise.key


def noise_of(key):
    """The way back -> Noise"""
    return key if isinstance(key, Noise) else parse_noise(key)


def own_or_stored_kinds(task, model):
    """The kinds to choose from, that of the learner's model among them where there is one -> {label: kind}"""
    return kinds_for(task) if model is None else kinds_for(task) | {Message("choice.own"): OWN}


def own_or_stored_noises(kind, trained_on):
    """The noises that a kind is there for -> {label: key}"""
    return {noise_of(trained_on).label: trained_on} if kind == OWN else stored_noises(kind)
