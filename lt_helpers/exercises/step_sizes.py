"""Notebook 07: how long a step does a layer take?"""

import numpy as np

from ..implicit import implicit_from_moments
from ..model import LinearTransformer
from ..noise import Uniform
from ..task import RegressionTask
from .base import Exercise


def cases():
    """What layers of random DIAG models do on random sequences: w before and after, rescaling, gradient."""
    rng = np.random.default_rng(0)
    for dim, layer in ((10, 1), (4, 2)):
        model = LinearTransformer.random("diag", dim, layers=3, rng=rng, scale=0.4)
        state = implicit_from_moments(model, RegressionTask(dim, 20, Uniform(3.0)).sample_moments(50, rng).S)
        yield state.w[:, layer], state.w[:, layer + 1], state.rescaling[:, layer], state.gradient[:, layer]


def step_size(w_before, w_after, rescaling, gradient):
    push = w_after - rescaling[:, None] * w_before
    return (gradient * push).sum() / (gradient**2).sum()


def without_rescaling(w_before, w_after, rescaling, gradient):
    return step_size(w_before, w_after, np.ones_like(rescaling), gradient)


def whole_weight(w_before, w_after, rescaling, gradient):
    return step_size(w_before, w_after, np.zeros_like(rescaling), gradient)


def mean_of_ratios(w_before, w_after, rescaling, gradient):
    push = w_after - rescaling[:, None] * w_before
    return ((gradient * push).sum(axis=1) / (gradient**2).sum(axis=1)).mean()


def lengths_only(w_before, w_after, rescaling, gradient):
    push = w_after - rescaling[:, None] * w_before
    return np.sqrt((push**2).sum() / (gradient**2).sum())


def turned_around(w_before, w_after, rescaling, gradient):
    push = w_after - rescaling[:, None] * w_before
    return (gradient * push).sum() / (push**2).sum()


def uphill(w_before, w_after, rescaling, gradient):
    return -step_size(w_before, w_after, rescaling, gradient)


effective_step = Exercise(
    solution=step_size,
    cases=cases,
    mistakes={
        "You took w_after - w_before: that counts the rescaling as part of the step. Subtract rescaling * w_before.": without_rescaling,
        "You projected all of w_after: first take away what was there before, rescaling * w_before.": whole_weight,
        "You averaged one ratio a sequence: wild where the gradient is nearly gone. Sum above and below, then divide.": mean_of_ratios,
        "You compared lengths: a push across the gradient must not count. Use the inner product of the two.": lengths_only,
        "You turned the projection around: divide by <g, g>, not by <p, p>.": turned_around,
        "The sign is flipped: g points downhill already, so a step along it counts as positive.": uphill,
    },
    well_done="For gradient descent this is exactly its step; for a trained layer, the step that comes closest to what it does.",
)
