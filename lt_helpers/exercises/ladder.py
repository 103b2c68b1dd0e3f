"""Notebook 08: an estimate of the noise, and two rungs of the ladder, the Bayes-optimal predictor and AdaRR."""

import numpy as np

from .. import baselines
from ..noise import Uniform
from ..spectrum import Spectrum
from .base import Exercise
from .regression import solved


def contexts():
    """Inputs (n, d) and noisy labels (n,) of single sequences: six points in two features, and random ones."""
    corners = np.array([[2.0, 1.0], [2.0, -1.0], [-2.0, 1.0], [-2.0, -1.0], [0.0, 0.0], [0.0, 0.0]])
    yield corners, np.array([3.0, 1.0, -1.0, -3.0, 2.0, 2.0])  # w = (1, 1), residuals 0, 0, 0, 0, 2, 2
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


variance = Exercise(
    name="ladder.variance",
    solution=estimate,
    cases=contexts,
    mistakes={
        "divided_by_n": lambda x, y: squares(x, y) / len(y),
        "divided_by_n_less_one": lambda x, y: squares(x, y) / (len(y) - 1),
        "sum_alone": squares,
        "took_the_root": lambda x, y: np.sqrt(estimate(x, y)),
        "labels_not_residuals": lambda x, y: (y @ y) / (len(y) - x.shape[1]),
        "mean_of_labels": lambda x, y: (y**2).mean(),
        "divided_by_d": lambda x, y: squares(x, y) / x.shape[1],
        "one_too_few": lambda x, y: squares(x, y) / (len(y) - x.shape[1] - 1),
        "length_not_square": lambda x, y: np.sqrt(squares(x, y)) / (len(y) - x.shape[1]),
        "variance_of_labels": lambda x, y: y.var(),
    },
)


def every_entry(x, y):
    """AdaRR with the penalty in every entry of Sigma."""
    n = len(y)
    return np.linalg.lstsq(x.T @ x / n + estimate(x, y) / n, x.T @ y / n)[0]


def one_factor(x, y):
    """Least squares, multiplied by the factor for a direction with the eigenvalue 1."""
    return np.linalg.lstsq(x, y)[0] / (1 + estimate(x, y) / len(y))


ada_rr = Exercise(
    name="ladder.ada_rr",
    solution=lambda x, y: baselines.ada_rr(x[None], y[None])[0],
    cases=contexts,
    mistakes={
        "divided_squared_residuals": (shrunk(lambda x, y: squares(x, y) / len(y))),
        "divided_squared_residuals_n": (shrunk(lambda x, y: squares(x, y) / (len(y) - 1))),
        "sum_squared_residuals": shrunk(squares),
        "penalty_n_times": (shrunk(estimate, per_example=False)),
        "used_estimate_penalty": shrunk(lambda x, y: np.sqrt(estimate(x, y))),
        "squared_twice_estimate": shrunk(lambda x, y: estimate(x, y) ** 2),
        "y_where_residuals": shrunk(lambda x, y: (y @ y) / (len(y) - x.shape[1])),
        "divided_by_d": lambda x, y: solved(x, y, estimate(x, y) / x.shape[1]),
        "sums_and_means": lambda x, y: solved(x, y, estimate(x, y) / len(y) ** 2),
        "no_identity": every_entry,
        "one_factor": one_factor,
        "labels_of_the_penalty": shrunk(lambda x, y: (y**2).mean()),
        "least_squares_use": shrunk(lambda x, y: 0.0),
    },
)


def posteriors():
    """Single sequences with a posterior over the noise: sigmas (K,) and their probabilities (K,)."""
    (x, y), *others = contexts()
    yield x, y, np.array([1.0, 2.0]), np.array([0.25, 0.75])
    for x, y in others:
        sigmas, probabilities = Spectrum.from_tokens(x[None], y[None]).posterior(Uniform(5.0), 16)
        yield x, y, sigmas, probabilities[0]


def ridges(x, y, sigmas):
    """Ridge regression for each of several noise levels -> (K, d)"""
    return np.array([solved(x, y, sigma**2 / len(y)) for sigma in sigmas])


def without_n(x, y, sigmas, probabilities):
    return probabilities @ np.array([solved(x, y, sigma**2) for sigma in sigmas])


posterior_mean = Exercise(
    name="ladder.posterior_mean",
    solution=lambda x, y, sigmas, probabilities: probabilities @ ridges(x, y, sigmas),
    cases=posteriors,
    mistakes={
        "averaged_shrank_once": (
            lambda x, y, sigmas, probabilities: ridges(x, y, [probabilities @ sigmas])[0]
        ),
        "averaged_shrank_once_average": (
            lambda x, y, sigmas, probabilities: ridges(x, y, [np.sqrt(probabilities @ sigmas**2)])[0]
        ),
        "most_probable_alone": (
            lambda x, y, sigmas, probabilities: ridges(x, y, sigmas)[probabilities.argmax()]
        ),
        "gave_every_same": (lambda x, y, sigmas, probabilities: ridges(x, y, sigmas).mean(axis=0)),
        "divided_weighted_sum": (
            lambda x, y, sigmas, probabilities: probabilities @ ridges(x, y, sigmas) / len(sigmas)
        ),
        "penalties_n_times": without_n,
        "squared_sigma": lambda x, y, sigmas, probabilities: probabilities @ ridges(x, y, sigmas**2),
        "not_squared": lambda x, y, sigmas, probabilities: probabilities @ ridges(x, y, np.sqrt(sigmas)),
        "weighed_by_sigma": lambda x, y, sigmas, probabilities: sigmas / sigmas.sum() @ ridges(x, y, sigmas),
    },
)
