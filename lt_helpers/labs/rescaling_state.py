"""What the rescaling lab shows: two layers in the model of Theorem 5.2, and a trained DIAG with two layers.

In the theorem's model the inputs are x ~ N(0, I/n), and n grows without end. There n Sigma is the identity, n alpha is the truth plus sigma
times white noise, the mean of y^2 is sigma^2, and ridge regression keeps 1 / (1 + sigma^2) of n alpha.

The scale of an answer w is <w, truth> / <truth, truth>, over many sequences: the share of the truth that it holds.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..evaluate import excess
from ..model import LinearTransformer
from ..noise import Categorical, Fixed
from ..pretrained import load_pretrained
from ..spectrum import Spectrum
from ..task import RegressionTask

DIM = 10
TRAINED_ON, TRAINED_CONTEXT = Categorical((1, 3)), 20
SIGMA_MAX, TRAINED_SIGMA_MAX = 6.0, 12.0
CURVE = np.linspace(0, SIGMA_MAX, 121)
POINTS = np.linspace(0, SIGMA_MAX, 7)  # where the two layers are run
TRAINED_CURVE = np.linspace(0, TRAINED_SIGMA_MAX, 49)


@dataclass(frozen=True)
class Rescaling:
    """Everything that the lab shows at one setting."""

    levels: tuple  # the two noise levels that the weights are made for
    context: int
    sigma: float
    breaking: float  # sigma at which the theorem's scale is 0
    line: np.ndarray  # (121,): the theorem's scale on CURVE, n without end
    line_distance: np.ndarray  # (121,): half its squared distance to the oracle, on average
    constant: float  # ConstRR's scale for the two levels
    constant_distance: np.ndarray  # (121,)
    measured: np.ndarray  # (7,): scale of the two layers at this n, on POINTS
    measured_distance: np.ndarray  # (7,)
    trained: np.ndarray  # (49,): scale of the trained model, on TRAINED_CURVE
    trained_ridge: np.ndarray  # (49,): of ridge regression on its sequences
    truth: np.ndarray  # (d,): of one sequence
    w: np.ndarray  # (d,): the two layers' answer
    oracle: np.ndarray  # (d,)
    guess: float | None


def ridge_scale(variance):
    """What ridge regression keeps in the theorem's model, told the variance sigma^2 of the noise."""
    return 1 / (1 + variance)


def theorem_scale(s1, s2, variance):
    """The scale of Theorem 5.2: in sigma^2 the chord that meets ridge's curve at s1^2 and s2^2."""
    return (1 + s1**2 + s2**2 - variance) / ((1 + s1**2) * (1 + s2**2))


def limit_distance(scale, variance):
    """Half the squared distance to the oracle, in the theorem's model, of an answer that keeps `scale` of truth plus noise; its mean."""
    return DIM / 2 * (scale - ridge_scale(variance)) ** 2 * (1 + variance)


def two_layers(s1, s2, context):
    """The model of Theorem 5.2 for the noise levels s1, s2 and inputs x ~ N(0, I/n), n = context.

    The first layer has only omega_yx, the second only omega_yy: w = -omega_yx (1 + omega_yy mean y^2) alpha.
    """
    total = 1 + s1**2 + s2**2
    omega = np.zeros((2, 2, 2))
    omega[0, 1, 0] = -context * total / ((1 + s1**2) * (1 + s2**2))
    omega[1, 1, 1] = -1 / total
    return LinearTransformer.from_diagonals(
        np.broadcast_to(np.eye(2), (2, 2, 2)), omega, DIM
    )  # two heads: p = (1, 0) and (0, 1)


@lru_cache(maxsize=32)
def drawn(context, covariance, count, seed):
    """Sequences with sigma = 1 and inputs x ~ N(0, covariance I), as moments."""
    return RegressionTask(DIM, context, Fixed(1.0), covariance * np.eye(DIM)).sample_moments(
        count, np.random.default_rng(seed)
    )


def with_noise(moments, sigma):
    """The moments of sequences drawn at sigma = 1, had their noise been sigma times as large -> (B, D, D)"""
    change = np.tile(np.eye(DIM + 1), (len(moments.w), 1, 1))  # y = <w, x> + xi becomes <w, x> + sigma xi
    change[:, -1, :-1], change[:, -1, -1] = (1 - sigma) * moments.w, sigma
    return change @ moments.S @ change.mT


@lru_cache(maxsize=8)
def laid_out(context, covariance, sigmas, count):
    """Spectrum, truths (B, d) and noise levels (B,) of the same sequences at each of the noise levels `sigmas`, B = 2 J count.

    Each stands there with its noise and with the opposite of it, which cancels much of the scatter in a scale.
    """
    moments = drawn(context, covariance, count, 0)
    S = np.concatenate([with_noise(moments, sign * sigma) for sigma in sigmas for sign in (1, -1)])
    return (
        Spectrum.from_moments(S, context),
        np.tile(moments.w, (2 * len(sigmas), 1)),
        np.repeat(sigmas, 2 * count),
    )


def pooled(w, truth, levels):
    """The scale of answers w (B, d) at each noise level -> (J,)"""
    return (w * truth).sum(axis=1).reshape(levels, -1).sum(axis=1) / (truth**2).sum(axis=1).reshape(
        levels, -1
    ).sum(axis=1)


@lru_cache(maxsize=64)
def run(s1, s2, context):
    """Scale of the two layers on POINTS, and half their mean squared distance to the oracle, at a finite n."""
    spectrum, truth, sigma = laid_out(context, 1 / context, tuple(POINTS), 60)
    w = two_layers(s1, s2, context).implicit_weight(spectrum.S)
    return pooled(w, truth, len(POINTS)), excess(w - spectrum.ridge(sigma)).reshape(len(POINTS), -1).mean(
        axis=1
    )


@lru_cache(maxsize=1)
def trained():
    """Scale of the trained model, and of ridge regression on the same sequences, on TRAINED_CURVE."""
    spectrum, truth, sigma = laid_out(TRAINED_CONTEXT, 1.0, tuple(TRAINED_CURVE), 200)
    w = load_pretrained("diag", 2, TRAINED_ON).implicit_weight(spectrum.S)
    return [pooled(answer, truth, len(TRAINED_CURVE)) for answer in (w, spectrum.ridge(sigma))]


def rescaling(s1, s2, context, sigma, guess, seed):
    """The state of the lab at one setting of its controls."""
    variance = CURVE**2
    line, constant = theorem_scale(s1, s2, variance), ridge_scale((s1**2 + s2**2) / 2)
    measured, measured_distance = run(s1, s2, context)
    scale, ridge = trained()
    one = drawn(context, 1 / context, 1, seed)
    spectrum = Spectrum.from_moments(with_noise(one, sigma), context)
    return Rescaling(
        levels=(s1, s2),
        context=context,
        sigma=sigma,
        breaking=np.sqrt(1 + s1**2 + s2**2),
        line=line,
        line_distance=limit_distance(line, variance),
        constant=constant,
        constant_distance=limit_distance(constant, variance),
        measured=measured,
        measured_distance=measured_distance,
        trained=scale,
        trained_ridge=ridge,
        truth=one.w[0],
        w=two_layers(s1, s2, context).implicit_weight(spectrum.S)[0],
        oracle=spectrum.ridge([sigma])[0],
        guess=guess,
    )
