"""What the algorithm lab shows: the algorithm of a stored DIAG model, with its four terms turned up or down.

All averages run over the same sequences, d = 10 and n = 20: their truths, inputs and directions of the noise stay while sigma slides.
The error of a weight w is 1/2 |w - w_oracle|^2, its excess risk over ridge regression that is told sigma.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import algorithm
from ..evaluate import excess
from ..implicit import filter_curve
from ..noise import parse_noise
from ..pretrained import load_pretrained
from ..spectrum import Spectrum
from .rescaling_state import DIM, drawn, with_noise

CONTEXT, COUNT = 20, 200
SIGMA_MAX = 8.0
LEVELS = np.arange(0.0, SIGMA_MAX + 1)  # noise levels of the curves
CURVE = np.linspace(0.02, 3.5, 41)  # eigenvalues


@dataclass(frozen=True)
class AlgorithmState:
    """Everything that the lab shows at one setting. L layers, d = 10 directions."""

    sigma: float
    layers: int
    noise: object  # what the constants were trained on
    scales: tuple  # (precondition, adapt, step, rescale)
    by_layer: np.ndarray  # (L+1,): mean error before the first and after each layer, at sigma
    trained_by_layer: np.ndarray  # (L+1,): the same with the constants as trained
    adarr: float  # AdaRR's mean error at sigma
    by_noise: np.ndarray  # (9,): mean error of the answer, on LEVELS
    trained_by_noise: np.ndarray  # (9,)
    adarr_by_noise: np.ndarray  # (9,)
    truth: np.ndarray  # (d,): of one sequence
    oracle: np.ndarray  # (d,): ridge regression that is told sigma
    w: np.ndarray  # (d,)
    trained_w: np.ndarray  # (d,)
    eigenvalues: np.ndarray  # (d,): of the inputs of that sequence, ascending
    kept: np.ndarray  # (d,): share of each of its directions that the algorithm keeps
    curve: np.ndarray  # (41,): the same at any eigenvalue, on CURVE
    trained_curve: np.ndarray  # (41,)
    ridge_curve: np.ndarray  # (41,)
    guess: float | None


@lru_cache(maxsize=32)
def trained_constants(noise, layers):
    """The omegas of the stored DIAG model -> (L, 2, 2)"""
    return load_pretrained("diag", layers, parse_noise(noise)).omega


@lru_cache(maxsize=128)
def sequences(sigmas):
    """The sequences at J noise levels `sigmas`: moments (J COUNT, D, D), the oracle's weights (J COUNT, d), and AdaRR's mean error (J,)."""
    S = np.concatenate([with_noise(drawn(CONTEXT, 1.0, COUNT, 0), sigma) for sigma in sigmas])
    spectrum = Spectrum.from_moments(S, CONTEXT)
    oracle = spectrum.ridge(np.repeat(sigmas, COUNT))
    return S, oracle, mean_error(spectrum.ridge(spectrum.noise_estimate()) - oracle, len(sigmas))


def mean_error(difference, levels):
    """Half the mean squared length at each noise level, or beyond all bounds where a sequence got no number.    (J COUNT, d) -> (J,)"""
    with np.errstate(over="ignore", invalid="ignore"):
        errors = excess(difference).reshape(levels, COUNT).mean(axis=1)
    return np.where(np.isfinite(errors), errors, np.inf)


@lru_cache(maxsize=512)
def error_by_noise(noise, layers, scales):
    """The mean error of the answer on LEVELS -> (9,)"""
    S, oracle, _ = sequences(tuple(LEVELS))
    return mean_error(algorithm.answer(scaled(noise, layers, scales), S) - oracle, len(LEVELS))


def error_by_layer(constants, sigma):
    """The mean error before the first and after each layer, at one noise level -> (L+1,)"""
    S, oracle, _ = sequences((sigma,))
    return np.concatenate(
        [mean_error(w - oracle, 1) for w in np.moveaxis(algorithm.path(constants, S), 1, 0)]
    )


def scaled(noise, layers, scales):
    """The trained constants, each term of all layers times its scale -> (L, 2, 2)"""
    return trained_constants(noise, layers) * np.reshape(scales, (2, 2))


def algorithm_state(sigma, noise, layers, precondition, adapt, step, rescale, guess, seed):
    """The state of the lab at one setting of its controls."""
    scales = (precondition, adapt, step, rescale)
    constants, trained = scaled(noise, layers, scales), trained_constants(noise, layers)
    one = drawn(CONTEXT, 1.0, 1, seed)
    S = with_noise(one, sigma)
    spectrum = Spectrum.from_moments(S, CONTEXT)
    at = np.concatenate([CURVE, spectrum.s[0]])
    with np.errstate(over="ignore", invalid="ignore"):
        kept, trained_kept = (
            filter_curve(algorithm.as_model(omega, DIM), S[0], at) for omega in (constants, trained)
        )
    reached = np.where(
        spectrum.s[0, -1] >= CURVE, 1, np.nan
    )  # a curve ends at the largest eigenvalue of the sequence
    _, _, adarr = sequences((sigma,))
    return AlgorithmState(
        sigma=sigma,
        layers=layers,
        noise=parse_noise(noise),
        scales=scales,
        by_layer=error_by_layer(constants, sigma),
        trained_by_layer=error_by_layer(trained, sigma),
        adarr=adarr[0],
        by_noise=error_by_noise(noise, layers, scales),
        trained_by_noise=error_by_noise(noise, layers, (1.0,) * 4),
        adarr_by_noise=sequences(tuple(LEVELS))[2],
        truth=one.w[0],
        oracle=spectrum.ridge([sigma])[0],
        w=algorithm.answer(constants, S)[0],
        trained_w=algorithm.answer(trained, S)[0],
        eigenvalues=spectrum.s[0],
        kept=kept[len(CURVE) :],
        curve=reached * kept[: len(CURVE)],
        trained_curve=reached * trained_kept[: len(CURVE)],
        ridge_curve=CURVE / (CURVE + sigma**2 / CONTEXT),
        guess=guess,
    )
