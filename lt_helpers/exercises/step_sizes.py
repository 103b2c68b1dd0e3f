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
    name="step_sizes.effective_step",
    solution=step_size,
    cases=cases,
    mistakes={
        "w_after_w_before_counts": without_rescaling,
        "projected_all_w_after": whole_weight,
        "averaged_one_ratio": mean_of_ratios,
        "compared_lengths_push": lengths_only,
        "turned_projection_around": turned_around,
        "sign_flipped_g": uphill,
    },
)
