"""What the pilot lab shows: a frozen model on contexts that are not what it was trained for, beside ridge regression, with an alarm.

Every context is y = scale (f(x) + sigma xi), n = 20, d = 10, with one mismatch of a strength t from 0 (the training task) to 1. Truths,
inputs and noises are drawn once: the strength, sigma and scale only reshape them. An error is the mean squared error of an answer at new
inputs, in units of the target's mean square: 1 is what answering 0 costs.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..implicit import implicit_from_moments
from ..noise import Uniform
from ..practice import misfit, ridge_cv
from ..pretrained import load_pretrained
from ..spectrum import Spectrum
from ..task import second_moments

DIM, CONTEXT, CONTEXTS = 10, 20, 100
TRAINED_ON = Uniform(5.0)
STRENGTHS = np.arange(6) / 5
FAILED = 2.0  # an error above this is a failure: twice as bad as answering 0
MODELS = {
    "DIAG, 4 layers": "diag-4",
    "DIAG, 7 layers": "diag-7",
    "FULL, 4 layers": "full-4",
    "FULL, 7 layers": "full-7",
}


@dataclass(frozen=True)
class Draws:
    """What all contexts are made from, standard normal: x (B, n, d), w (B, d), xi (B, n); and for each example u (B, n) and chance (B, n),
    uniform between 0 and 1."""

    x: np.ndarray
    w: np.ndarray
    xi: np.ndarray
    u: np.ndarray
    chance: np.ndarray


@lru_cache(maxsize=8)
def draws(seed):
    """The material of CONTEXTS contexts."""
    rng = np.random.default_rng(seed)
    x, w, xi, u = (
        rng.normal(size=(CONTEXTS, *shape)) for shape in ((CONTEXT, DIM), (DIM,), (CONTEXT,), (CONTEXT,))
    )
    return Draws(x, w, xi, u, rng.random((CONTEXTS, CONTEXT)))


def correlated(d, t):
    root = np.linalg.cholesky((1 - 0.9 * t) * np.eye(DIM) + 0.9 * t)
    return d.x @ root.T, d.xi


def outlying(d, t):
    return d.x * np.exp(t * d.u - t**2)[..., None], d.xi  # the mean square of a row stays


def heavy_tailed(d, t):
    return d.x, d.xi * np.exp(1.5 * t * d.u - (1.5 * t) ** 2)  # the mean square of the noise stays


def with_outliers(d, t):
    return d.x, np.where(d.chance < 0.2 * t, 10 * d.xi, d.xi)


def uneven(d, t):
    return d.x, d.xi * np.sqrt(1 - t + t * d.x[..., 0] ** 2)


MISMATCHES = {  # what is shown: (its name, inputs and noise of the contexts at a strength)
    "correlated inputs": ("correlated", correlated),
    "outlying rows": ("outlying", outlying),
    "heavy-tailed noise": ("heavy-tailed", heavy_tailed),
    "outliers among y": ("outliers", with_outliers),
    "noise that grows with x": ("uneven", uneven),
    "curved target": ("curved", lambda d, t: (d.x, d.xi)),
}
MAKERS = dict(MISMATCHES.values())


def contexts(mismatch, strength, sigma, scale, seed):
    """Contexts x (B, n, d), y (B, n) with their truths w (B, d), in units of y, and the covariance of x (d, d)."""
    d = draws(seed)
    x, xi = MAKERS[mismatch](d, strength)
    target = (x @ d.w[..., None])[..., 0]
    if mismatch == "curved":
        target = target + strength * np.sqrt(DIM / 2) * (
            x[..., 0] ** 2 - 1
        )  # at strength 1 as large as the straight part
    covariance = np.eye(DIM)
    if mismatch == "correlated":
        covariance = (1 - 0.9 * strength) * covariance + 0.9 * strength
    return x, scale * (target + sigma * xi), scale * d.w, covariance


def error(w, truth, covariance, bend, scale):
    """Mean squared error at new inputs over the target's mean square -> (B,). `bend` is the strength of a curve that no w can follow."""
    with np.errstate(over="ignore", invalid="ignore"):
        missed = (((w - truth) @ covariance) * (w - truth)).sum(axis=1) / scale**2
        errors = (missed / DIM + bend**2) / (1 + bend**2)
    return np.where(np.isfinite(errors), errors, np.inf)


@dataclass(frozen=True)
class Pilot:
    """CONTEXTS contexts at one strength of the mismatch: errors (B,) of the model, of the model with the guard, of ridge regression with
    cross-validation and of the training task's Bayes-optimal predictor; and the misfit after each layer (B, L+1)."""

    model: np.ndarray
    guarded: np.ndarray
    ridge: np.ndarray
    bayes: np.ndarray
    misfit: np.ndarray

    @property
    def rings(self):
        return self.misfit[:, -1] > 1

    @property
    def failed(self):
        return self.model > FAILED


@lru_cache(maxsize=8)
def model_of(name):
    kind, layers = name.split("-")
    return load_pretrained(kind, int(layers), TRAINED_ON)


@lru_cache(maxsize=512)
def pilot(mismatch, strength, model, sigma, scale, seed):
    """The contexts of one setting, answered -> Pilot."""
    x, y, truth, covariance = contexts(mismatch, strength, sigma, scale, seed)
    S = second_moments(x, y)
    state = implicit_from_moments(model_of(model), S)
    fits = misfit(state.w, S)
    ridge, _ = ridge_cv(x, y)
    w, safe = state.w[:, -1], np.where((fits[:, -1] > 1)[:, None], ridge, state.w[:, -1])
    answers = w, safe, ridge, Spectrum.from_moments(S, CONTEXT).bayes(TRAINED_ON, count=32)
    bend = strength if mismatch == "curved" else 0.0
    return Pilot(*(error(w, truth, covariance, bend, scale) for w in answers), fits)
