"""Tune TunedRR's two constants for each noise distribution of the paper, and store them with the losses of all baselines.

`python -m lt_helpers tune` writes both files.
"""

import itertools
import json

import numpy as np

from .baselines import LOSSES, TUNED, on_spectrum, tuned_constants
from .evaluate import evaluate, excess
from .noise import PAPER_NOISES
from .spectrum import Spectrum, divide
from .task import RegressionTask


def tune(noise, samples=50_000, seed=0, rounds=6):
    """The multiplier and the cap on AdaRR's estimate of sigma^2 that give the least adjusted loss, d = 10, n = 20.

    A grid of 9 x 9 around the best point so far, its spacing halved each round, on `samples` sequences.
    -> {"multiplier": float, "cap": float}
    """
    moments = RegressionTask(10, 20, noise).sample_moments(samples, np.random.default_rng(seed))
    spectrum = Spectrum.from_moments(moments.S, moments.context)
    oracle = spectrum.components(spectrum.ridge(moments.sigma))
    estimate = spectrum.noise_estimate() ** 2

    def loss(point):
        multiplier, cap = np.exp(point)
        strength = np.minimum(multiplier * estimate, cap)[:, None] / moments.context
        return excess(divide(spectrum.alpha, spectrum.s + strength) - oracle).mean()

    best = np.log([1.0, max(noise.mean_square, 1e-6)])
    for spacing in 0.4 / 2 ** np.arange(rounds):
        grid = itertools.product(*(centre + spacing * np.arange(-4, 5) for centre in best))
        best = min(grid, key=loss)
    return dict(zip(("multiplier", "cap"), np.exp(best).round(4).tolist()))


def losses(noise, samples=200_000, seed=1):
    """Adjusted loss of each baseline on held-out sequences, d = 10, n = 20 -> {name: [loss, standard error]}"""
    results = evaluate(
        on_spectrum(noise), RegressionTask(10, 20, noise), samples, np.random.default_rng(seed)
    )
    return {
        name: [float(f"{number:.4g}") for number in (result.loss, result.standard_error)]
        for name, result in results.items()
    }


def add_arguments(parser):
    """The command has no options."""


def run(args):
    """Tune for every noise of the paper, measure the baselines, and write both."""
    constants = {noise.key: tune(noise) for noise in PAPER_NOISES}
    TUNED.write_text(json.dumps(constants, indent=1) + "\n")
    tuned_constants.cache_clear()
    LOSSES.write_text(json.dumps({noise.key: losses(noise) for noise in PAPER_NOISES}, indent=1) + "\n")
    print(f"wrote {TUNED} and {LOSSES}")
