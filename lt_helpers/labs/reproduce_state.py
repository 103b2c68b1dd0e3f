"""What the table lab shows: a column and a row of the paper's Table 1, ours beside the paper's, and one trained model layer by layer.

The paper prints no standard errors. They are computed here for its way of evaluating, 100,000 sequences with one query each, from our
model of the same cell.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..baselines import on_spectrum, stored_losses
from ..evaluate import excess
from ..implicit import implicit_from_moments
from ..noise import PAPER_NOISES, Fixed, Noise, parse_noise
from ..pretrained import load_pretrained, record
from ..spectrum import Spectrum
from ..table1 import BASELINES, deviation, paper_table
from ..task import RegressionTask

DIM, CONTEXT = 10, 20
DEPTHS = tuple(range(1, 8))  # the paper's
LEVELS = (0.0, 1.0, 3.0, 5.0)  # noises at which a model is followed through its layers, beside the slider's
ERROR_SEQUENCES, LAYER_SEQUENCES = 250, 200
HUGE = 1e9  # stands for what is not finite


@dataclass(frozen=True)
class TableState:
    """Everything that the lab shows at one setting. A column has a kind's seven depths, a row one depth at the paper's ten noises."""

    kind: str
    noise: Noise
    layers: int
    sigma: float
    ours: np.ndarray  # (7,): our losses by depth
    ours_error: np.ndarray  # (7,)
    paper: np.ndarray  # (7,)
    paper_error: np.ndarray  # (7,): of the paper's way of evaluating
    apart: np.ndarray  # (7,): ours - paper, in standard errors
    baselines_apart: np.ndarray  # (3,): the same for ConstRR, AdaRR, TunedRR
    reference: np.ndarray  # (4,): loss of ConstRR, AdaRR, TunedRR and the Bayes-optimal predictor
    row_ours: np.ndarray  # (10,)
    row_paper: np.ndarray  # (10,)
    row_bayes: np.ndarray  # (10,)
    level_errors: (
        np.ndarray
    )  # (4, L+1): half the squared distance to the oracle before the first and after each layer, at LEVELS
    errors: np.ndarray  # (L+1,): the same at sigma
    guess: float | None


@lru_cache(maxsize=128)
def sequences(noise, count):
    """Fixed sequences of a task -> Moments, Spectrum and the oracle's weights."""
    moments = RegressionTask(DIM, CONTEXT, noise).sample_moments(count, np.random.default_rng(0))
    spectrum = Spectrum.from_moments(moments.S, CONTEXT)
    return moments, spectrum, spectrum.ridge(moments.sigma)


def one_query_error(w, oracle, truth):
    """Standard error of the paper's way of evaluating, the mean of 1/2 (<w - truth, x>^2 - <oracle - truth, x>^2) over 100,000
    sequences with one query x ~ N(0, I) each.

    w, oracle, truth : (B, d).  The query is integrated out: given a = w - truth and b = oracle - truth, the mean is
    1/2 (|a|^2 - |b|^2) and the variance 1/2 (|a|^4 + |b|^4 - 2 <a, b>^2).
    """
    a, b = w - truth, oracle - truth
    aa, bb, ab = ((u * v).sum(axis=1) for u, v in ((a, a), (b, b), (a, b)))
    return np.sqrt((((aa - bb) / 2).var() + ((aa**2 + bb**2 - 2 * ab**2) / 2).mean()) / 100_000)


@lru_cache(maxsize=256)
def model_of(kind, layers, noise):
    return load_pretrained(kind, layers, noise)


@lru_cache(maxsize=512)
def paper_error(kind, layers, noise):
    """Standard error of the paper's entry; `layers` is None for a baseline."""
    moments, spectrum, oracle = sequences(noise, ERROR_SEQUENCES)
    w = (
        on_spectrum(noise)[kind](spectrum)
        if layers is None
        else model_of(kind, layers, noise).implicit_weight(spectrum.S)
    )
    return one_query_error(w, oracle, moments.w)


@lru_cache(maxsize=64)
def column(kind, noise):
    """A kind's seven depths at one noise -> ours, its standard error, paper, its standard error; and the baselines' differences."""
    records = [record(kind, layers, noise) for layers in DEPTHS]
    ours, ours_error = (np.array([entry[name] for entry in records]) for name in ("loss", "standard_error"))
    paper = np.array([paper_table()[kind, layers, noise.key] for layers in DEPTHS])
    error = np.array([paper_error(kind, layers, noise) for layers in DEPTHS])
    trained = ours, ours_error, paper, error
    printed = np.array([paper_table()[name, None, noise.key] for name in BASELINES])
    printed_error = np.array([paper_error(name, None, noise) for name in BASELINES])
    ours, ours_error = np.array([stored_losses()[noise.key][name] for name in BASELINES]).T
    return *trained, deviation(ours, ours_error, printed, printed_error)


@lru_cache(maxsize=256)
def layer_errors(kind, layers, noise, sigmas):
    """Half the squared distance of the implicit weight to the oracle, before the first layer and after each, for each sigma -> (J, L+1)

    The sequences differ in nothing but how strong their noise is. Where the model diverges, HUGE.
    """
    drawn = [sequences(Fixed(sigma), LAYER_SEQUENCES) for sigma in sigmas]
    S = np.concatenate([moments.S for moments, _, _ in drawn])
    oracle = np.concatenate([weights for _, _, weights in drawn])
    state = implicit_from_moments(model_of(kind, layers, noise), S)
    with np.errstate(over="ignore", invalid="ignore"):
        errors = np.stack([excess(state.w[:, layer] - oracle) for layer in range(layers + 1)], axis=1)
    errors = np.where(errors < HUGE, errors, HUGE)
    return errors.reshape(len(sigmas), LAYER_SEQUENCES, -1).mean(axis=1)


def table_state(kind, noise, layers, sigma, guess):
    """The state of the lab at one setting of its controls."""
    noise = PAPER_NOISES[
        PAPER_NOISES.index(parse_noise(noise))
    ]  # as the paper calls it: U(0, 0), not sigma = 0
    ours, ours_error, paper, error, baselines_apart = column(kind, noise)
    return TableState(
        kind=kind,
        noise=noise,
        layers=layers,
        sigma=sigma,
        ours=ours,
        ours_error=ours_error,
        paper=paper,
        paper_error=error,
        apart=deviation(ours, ours_error, paper, error),
        baselines_apart=baselines_apart,
        reference=np.array([loss for loss, _ in stored_losses()[noise.key].values()]),
        row_ours=np.array([record(kind, layers, other)["loss"] for other in PAPER_NOISES]),
        row_paper=np.array([paper_table()[kind, layers, other.key] for other in PAPER_NOISES]),
        row_bayes=np.array([stored_losses()[other.key]["Bayes-optimal"][0] for other in PAPER_NOISES]),
        level_errors=layer_errors(kind, layers, noise, LEVELS),
        errors=layer_errors(kind, layers, noise, (sigma,))[0],
        guess=guess,
    )
