"""Notebook 08: two rungs of the ladder, AdaRR and the Bayes-optimal predictor."""

import numpy as np

from .. import baselines
from ..noise import Uniform
from ..spectrum import Spectrum
from .base import Exercise
from .regression import solved


def contexts():
    """Inputs (n, d) and noisy labels (n,) of single sequences."""
    rng = np.random.default_rng(0)
    for n, d, sigma in ((20, 10, 2.0), (30, 4, 0.7)):
        x = rng.normal(size=(n, d))
        yield x, x @ rng.normal(size=d) + sigma * rng.normal(size=n)


def squares(x, y):
    """Sum of the squared residuals of least squares."""
    return np.linalg.lstsq(x, y)[1].item()


def shrunk(variance, per_example=True):
    """A predictor: ridge regression with the penalty `variance(x, y)`, divided by n or not."""
    return lambda x, y: solved(x, y, variance(x, y) / (len(y) if per_example else 1))


def estimate(x, y):
    n, d = x.shape
    return squares(x, y) / (n - d)


ada_rr = Exercise(
    solution=lambda x, y: baselines.ada_rr(x[None], y[None])[0],
    cases=contexts,
    mistakes={
        "You divided the squared residuals by n: least squares has fitted d directions of the noise, so n - d are left.": (
            shrunk(lambda x, y: squares(x, y) / len(y))
        ),
        "You divided the squared residuals by n - 1: least squares has fitted d directions, not one, so n - d are left.": (
            shrunk(lambda x, y: squares(x, y) / (len(y) - 1))
        ),
        "You took the sum of the squared residuals: divide it by n - d, then by n for the penalty.": shrunk(
            squares
        ),
        "Your penalty is n times too strong: with Σ a mean over n examples it is the estimate of σ² divided by n.": (
            shrunk(estimate, per_example=False)
        ),
        "You used the estimate of σ: the penalty takes σ², so leave the root out.": shrunk(
            lambda x, y: np.sqrt(estimate(x, y))
        ),
        "You squared twice: what you have is an estimate of σ² already.": shrunk(
            lambda x, y: estimate(x, y) ** 2
        ),
        "You took y where the residuals y - X w_ols belong: y holds the signal too.": shrunk(
            lambda x, y: (y @ y) / (len(y) - x.shape[1])
        ),
        "That is least squares: use it for the residuals only, and answer with ridge regression.": shrunk(
            lambda x, y: 0.0
        ),
    },
    well_done="Two regressions: the first says how noisy the sequence is, the second answers.",
)


def posteriors():
    """Single sequences with a posterior over the noise: sigmas (K,) and their probabilities (K,)."""
    for x, y in contexts():
        sigmas, probabilities = Spectrum.from_tokens(x[None], y[None]).posterior(Uniform(5.0), 16)
        yield x, y, sigmas, probabilities[0]


def ridges(x, y, sigmas):
    """Ridge regression for each of several noise levels -> (K, d)"""
    return np.array([solved(x, y, sigma**2 / len(y)) for sigma in sigmas])


def without_n(x, y, sigmas, probabilities):
    return probabilities @ np.array([solved(x, y, sigma**2) for sigma in sigmas])


posterior_mean = Exercise(
    solution=lambda x, y, sigmas, probabilities: probabilities @ ridges(x, y, sigmas),
    cases=posteriors,
    mistakes={
        "You averaged σ and shrank once: average the ridge solutions themselves.": (
            lambda x, y, sigmas, probabilities: ridges(x, y, [probabilities @ sigmas])[0]
        ),
        "You averaged σ² and shrank once: average the ridge solutions themselves.": (
            lambda x, y, sigmas, probabilities: ridges(x, y, [np.sqrt(probabilities @ sigmas**2)])[0]
        ),
        "You took the most probable σ alone: the others count too, each with its probability.": (
            lambda x, y, sigmas, probabilities: ridges(x, y, sigmas)[probabilities.argmax()]
        ),
        "You gave every σ the same weight: weigh each solution by its probability.": (
            lambda x, y, sigmas, probabilities: ridges(x, y, sigmas).mean(axis=0)
        ),
        "You divided the weighted sum by the number of noise levels: the probabilities add up to 1 already.": (
            lambda x, y, sigmas, probabilities: probabilities @ ridges(x, y, sigmas) / len(sigmas)
        ),
        "Your penalties are n times too strong: with Σ a mean over n examples the penalty is σ²/n.": without_n,
    },
    well_done="No function of the context has a smaller expected squared error, if σ is drawn as assumed.",
)
