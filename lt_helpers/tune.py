"""Tune TunedRR's two constants for each noise distribution of the paper, and store them with the losses of all baselines.

`python -m lt_helpers tune` writes both files.
"""

import itertools
import json

import numpy as np

from . import checks
from .baselines import LOSSES, TUNED, check_degrees_of_freedom, check_length, on_spectrum, tuned_constants
from .evaluate import evaluate, excess
from .noise import PAPER_NOISES, Noise
from .spectrum import Spectrum, divide
from .task import PAPER, RegressionTask


def tune(task, samples=50_000, seed=0, rounds=6):
    """The multiplier and the cap on AdaRR's estimate of sigma^2 that give the least adjusted loss.

    A grid of 9 x 9 around the best point so far, its spacing halved each round.

    Parameters
    ----------
    task : RegressionTask or Noise
        What to tune for; a noise stands for the paper's task, d = 10 and n = 20, with that noise.
    samples : int
        How many sequences it is tuned on.
    seed : int
        Seed of these sequences.
    rounds : int
        How many grids.

    Returns
    -------
    dict
        {"multiplier": float, "cap": float}, as `baselines.tuned_noise` takes them.

    Raises
    ------
    TypeError
        If the task is neither, or samples or rounds are no whole number.
    ValueError
        If the task has no more examples than features, or mixes several lengths, or there are fewer than 2 samples, or no round.
    """
    task = RegressionTask(*PAPER, task) if isinstance(task, Noise) else task
    if not isinstance(task, RegressionTask):
        raise TypeError(f"task is {checks.shown(task)}: task must be a RegressionTask, or a Noise.")
    check_length(task)
    check_degrees_of_freedom(task.context, task.dim, "TunedRR")
    samples = checks.count(samples, "samples", least=2)
    rounds = checks.count(rounds, "rounds")
    moments = task.sample_moments(samples, np.random.default_rng(seed))
    spectrum = Spectrum.from_moments(moments.S, moments.context)
    if task.no_oracle:  # the truth has the same minimum, with more noise
        target = spectrum.components(moments.w)  # (B, d)
    else:
        target = spectrum.components(spectrum.ridge(moments.sigma / task.w_scale))  # (B, d)
    estimate = spectrum.noise_estimate() ** 2  # (B,)

    def loss(point):
        multiplier, cap = np.exp(point)
        penalty = np.minimum(multiplier * estimate, cap) / task.w_scale**2  # (B,)
        strength = penalty[:, None] / moments.context  # (B, 1)
        w = divide(spectrum.alpha, spectrum.s + strength)  # (B, d), along the principal directions
        miss = w - target
        if task.covariance is not None:
            miss = (spectrum.V @ miss[..., None])[..., 0]  # as the covariance has it
        return excess(miss, task.covariance).mean()

    best = np.log([1.0, max(task.noise.mean_square, 1e-6)])
    for spacing in 0.4 / 2 ** np.arange(rounds):
        multipliers, caps = best[:, None] + spacing * np.arange(-4, 5)  # (9,), (9,)
        best = np.array(min(itertools.product(multipliers, caps), key=loss))
    multiplier, cap = np.exp(best).round(4).tolist()
    return {"multiplier": multiplier, "cap": cap}


def losses(noise, samples=200_000, seed=1):
    """The adjusted loss of each baseline on held-out sequences of the paper's task.

    Parameters
    ----------
    noise : Noise
        One of the paper's.
    samples, seed : int
        How many sequences, and their seed.

    Returns
    -------
    dict
        [loss, standard error], rounded to four digits, by the name of the baseline.
    """
    results = evaluate(
        on_spectrum(noise), RegressionTask(*PAPER, noise), samples, np.random.default_rng(seed)
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
