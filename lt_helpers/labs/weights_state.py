"""What the weights lab shows: the matrices of one layer, their diagonal and low-rank parts, and what the model is worth without the rest.

The truncated model keeps, in every layer, the diagonal and a low-rank part of P and of Q. Its loss is half the squared distance to
the oracle's weight, as a *median* over 150 sequences: outside its training noise a model explodes on single ones, and they would rule a
mean. The sequences are the same at every noise level; only their noise is scaled.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..evaluate import excess
from ..gauge import canonical
from ..lowrank import diagonal_plus_low_rank, share_left
from ..model import LinearTransformer
from ..noise import parse_noise
from ..pretrained import load_pretrained
from .rescaling_state import laid_out

DIM, CONTEXT, PAIRS = (
    10,
    20,
    75,
)  # PAIRS: sequences at each noise level, each with its noise and with the opposite of it
SIGMA_MAX = 8
SIGMAS = np.arange(0.0, SIGMA_MAX + 1)
MOST = 10  # the largest rank that the lab keeps


@dataclass(frozen=True)
class WeightsState:
    """Everything that the lab shows at one setting. D = d + 1 = 11."""

    kind: str
    noise: object  # what the model was trained on
    layers: int
    layer: int  # whose matrices are shown, from 1
    rank: int  # of what is kept beside the diagonal
    sigma: int
    P: np.ndarray  # (D, D): gauge fixed; NaN in rows that never train
    Q: np.ndarray  # (D, D)
    P_low: np.ndarray  # (D, D): the low-rank part of P
    Q_low: np.ndarray  # (D, D)
    limit: float  # the largest entry of any of the model's matrices
    left: np.ndarray  # (2, rank + 1): share of the squares of P and Q that is left out at each rank so far
    whole: np.ndarray  # (9,): median loss of the whole model at SIGMAS
    kept: np.ndarray  # (9,): of the truncated one
    nothing: np.ndarray  # (9,): of the answer 0
    guess: int | None


@lru_cache(maxsize=32)
def matrices(kind, noise, layers):
    """P and Q of every layer of a stored model, in its canonical form -> (2, L, D, D)"""
    model = canonical(load_pretrained(kind, layers, parse_noise(noise)))
    return np.stack([model.P[:, 0], model.Q[:, 0]])


@lru_cache(maxsize=256)
def parts(kind, noise, layers, rank):
    """Diagonal and low-rank part of each of the model's matrices, found from those of the rank below -> D, L (2, L, D, D)"""
    below = parts(kind, noise, layers, rank - 1)[1] if rank else None
    return diagonal_plus_low_rank(matrices(kind, noise, layers), rank, below)


@lru_cache(maxsize=256)
def shares_left(kind, noise, layers, rank):
    """The share of the squares that is left out of each matrix -> (2, L)"""
    return share_left(matrices(kind, noise, layers), np.add(*parts(kind, noise, layers, rank)))


def median_loss(answer):
    """Median loss at each of SIGMAS of answers to the sequences.    answer : function, Spectrum -> w (B, d)  ->  (9,)"""
    spectrum, _, sigma = laid_out(CONTEXT, 1.0, tuple(SIGMAS), PAIRS)
    with np.errstate(over="ignore", invalid="ignore"):
        loss = excess(answer(spectrum) - spectrum.ridge(sigma))
    return np.median(np.where(np.isfinite(loss), loss, np.inf).reshape(len(SIGMAS), -1), axis=1)


@lru_cache(maxsize=256)
def truncated_loss(kind, noise, layers, rank):
    """Median loss at SIGMAS of the model of which only the diagonals and parts of this rank are kept; None: of the whole model."""
    P, Q = matrices(kind, noise, layers) if rank is None else np.add(*parts(kind, noise, layers, rank))
    model = LinearTransformer(P[:, None], Q[:, None], CONTEXT)
    return median_loss(lambda spectrum: model.implicit_weight(spectrum.S))


@lru_cache(maxsize=1)
def loss_of_nothing():
    """Median loss at SIGMAS of the answer 0."""
    return median_loss(lambda spectrum: np.zeros_like(spectrum.alpha))


def weights_state(kind, noise, layers, layer, rank, sigma, guess):
    """The state of the lab at one setting of its controls."""
    name = kind, noise, layers
    whole, low = matrices(*name), parts(*name, rank)[1]
    dead = layer == layers
    P, P_low = whole[0, layer - 1].copy(), low[0, layer - 1].copy()
    P[:-1][dead] = P_low[:-1][dead] = np.nan
    return WeightsState(
        kind=kind,
        noise=parse_noise(noise),
        layers=layers,
        layer=layer,
        rank=rank,
        sigma=sigma,
        P=P,
        Q=whole[1, layer - 1],
        P_low=P_low,
        Q_low=low[1, layer - 1],
        limit=abs(whole).max(),
        left=np.stack([shares_left(*name, kept)[:, layer - 1] for kept in range(rank + 1)], axis=1),
        whole=truncated_loss(*name, None),
        kept=truncated_loss(*name, rank),
        nothing=loss_of_nothing(),
        guess=guess,
    )
