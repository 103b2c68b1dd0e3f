"""Notebook 07: how long a step does a layer take, and which noise does an answer betray?"""

import numpy as np

from ..implicit import implicit_from_moments
from ..model import LinearTransformer
from ..noise import Uniform
from ..task import RegressionTask
from .base import Exercise


def labels():
    """Labels of single sequences, with omega_xy and omega_yx of two layers; in the last one the step is negative."""
    yield np.array([2.0, 4.0, -1.0, 3.0]), -0.1, -2.0
    yield np.array([0.0, -4.0, 4.0, 0.0]), -0.1, -0.5
    yield 3 * np.random.default_rng(0).normal(size=20), -0.02, -0.7
    yield np.array([0.0, -4.0, 4.0, 0.0]), -0.2, -0.5


shorter_step = Exercise(
    name="step_sizes.shorter_step",
    solution=lambda y, omega_xy, omega_yx: -omega_yx * (1 + omega_xy * (y**2).mean()),
    cases=labels,
    mistakes={
        "without_its_sign": lambda y, omega_xy, omega_yx: abs(omega_yx * (1 + omega_xy * (y**2).mean())),
        "step_uphill": lambda y, omega_xy, omega_yx: omega_yx * (1 + omega_xy * (y**2).mean()),
        "sum_of_squares": lambda y, omega_xy, omega_yx: -omega_yx * (1 + omega_xy * (y**2).sum()),
        "forgot_the_one": lambda y, omega_xy, omega_yx: -omega_yx * omega_xy * (y**2).mean(),
        "subtracted": lambda y, omega_xy, omega_yx: -omega_yx * (1 - omega_xy * (y**2).mean()),
        "square_of_the_mean": lambda y, omega_xy, omega_yx: -omega_yx * (1 + omega_xy * y.mean() ** 2),
        "weights_exchanged": lambda y, omega_xy, omega_yx: -omega_xy * (1 + omega_yx * (y**2).mean()),
        "no_bracket": lambda y, omega_xy, omega_yx: -omega_yx + omega_xy * (y**2).mean(),
        "root": lambda y, omega_xy, omega_yx: -omega_yx * (1 + omega_xy * np.sqrt((y**2).mean())),
        "length": lambda y, omega_xy, omega_yx: -omega_yx * (1 + omega_xy * np.linalg.norm(y)),
        "variance": lambda y, omega_xy, omega_yx: -omega_yx * (1 + omega_xy * y.var()),
        "spread": lambda y, omega_xy, omega_yx: -omega_yx * (1 + omega_xy * y.std()),
        "mean_label": lambda y, omega_xy, omega_yx: -omega_yx * (1 + omega_xy * y.mean()),
        "whatever_the_noise": lambda y, omega_xy, omega_yx: -omega_yx,
        "stopped_at_zero": lambda y, omega_xy, omega_yx: -omega_yx * max(0, 1 + omega_xy * (y**2).mean()),
    },
)

SHARES = [
    (0.2, 0.75, 8),
    (0.1, 0.2, 20),
    (0.9, 2.0, 50),
]  # what is kept of a direction, its eigenvalue, the number of examples; a slip with brackets takes no root of a negative number

betrayed_noise = Exercise(
    name="step_sizes.betrayed_noise",
    solution=lambda share, s, n: np.sqrt(n * s * (1 / share - 1)),
    cases=lambda: SHARES,
    mistakes={
        "variance": lambda share, s, n: n * s * (1 / share - 1),
        "forgot_n": lambda share, s, n: np.sqrt(s * (1 / share - 1)),
        "forgot_s": lambda share, s, n: np.sqrt(n * (1 / share - 1)),
        "forgot_the_one": lambda share, s, n: np.sqrt(n * s / share),
        "s_taken_away": lambda share, s, n: np.sqrt(n * (1 / share - s)),
        "one_taken_away": lambda share, s, n: np.sqrt(n * (s / share - 1)),
        "n_on_one_term": lambda share, s, n: np.sqrt(n * s / share - s),
        "brackets_missing": lambda share, s, n: np.sqrt(n * s / share - 1),
        "root_of_n_alone": lambda share, s, n: np.sqrt(n) * s * (1 / share - 1),
        "n_outside": lambda share, s, n: n * np.sqrt(s * (1 / share - 1)),
        "divided_by_n": lambda share, s, n: np.sqrt(s / n * (1 / share - 1)),
        "added_the_one": lambda share, s, n: np.sqrt(n * s * (1 / share + 1)),
        "divided_by_s": lambda share, s, n: np.sqrt(n / s * (1 / share - 1)),
        "share_turned_over": lambda share, s, n: np.sqrt(n * s * share / (1 - share)),
        "no_number": lambda share, s, n: np.nan,  # a root of a negative number
        "lost_share": lambda share, s, n: np.sqrt(n * s * (1 - share)),
    },
)


def cases():
    """w before and after a layer, rescaling, downhill: of three sequences by hand, and of layers of random DIAG models.

    By hand the pushes are (2, -2), (3, 1) and (1.5, 2): much of each goes across its downhill direction, and those differ in length.
    """
    w_before = np.array([[2.0, 2.0], [0.0, 4.0], [2.0, -2.0]])
    w_after = np.array([[3.0, -1.0], [3.0, 4.0], [2.0, 1.5]])
    rescaling = np.array([0.5, 0.75, 0.25])
    downhill = np.array([[3.0, 1.0], [1.0, -1.0], [-1.0, 2.0]])
    yield w_before, w_after, rescaling, downhill

    rng = np.random.default_rng(0)
    for dim, layer in ((10, 1), (4, 2)):
        model = LinearTransformer.random("diag", dim, layers=3, rng=rng, scale=0.4)
        state = implicit_from_moments(model, RegressionTask(dim, 20, Uniform(3.0)).sample_moments(50, rng).S)
        yield state.w[:, layer], state.w[:, layer + 1], state.rescaling[:, layer], state.gradient[:, layer]


def step_size(w_before, w_after, rescaling, downhill):
    push = w_after - rescaling[:, None] * w_before
    return (downhill * push).sum() / (downhill**2).sum()


def without_rescaling(w_before, w_after, rescaling, downhill):
    return step_size(w_before, w_after, np.ones_like(rescaling), downhill)


def one_and_rescaling(w_before, w_after, rescaling, downhill):
    return step_size(w_before, w_after, 1 + rescaling, downhill)


def rescaling_alike(w_before, w_after, rescaling, downhill):
    return step_size(w_before, w_after, np.full_like(rescaling, rescaling.mean()), downhill)


def whole_weight(w_before, w_after, rescaling, downhill):
    return step_size(w_before, w_after, np.zeros_like(rescaling), downhill)


def mean_of_ratios(w_before, w_after, rescaling, downhill):
    push = w_after - rescaling[:, None] * w_before
    return ((downhill * push).sum(axis=1) / (downhill**2).sum(axis=1)).mean()


def lengths_only(w_before, w_after, rescaling, downhill):
    push = w_after - rescaling[:, None] * w_before
    return np.sqrt((push**2).sum() / (downhill**2).sum())


def mean_of_length_ratios(w_before, w_after, rescaling, downhill):
    push = w_after - rescaling[:, None] * w_before
    return (np.linalg.norm(push, axis=1) / np.linalg.norm(downhill, axis=1)).mean()


def ratio_of_mean_lengths(w_before, w_after, rescaling, downhill):
    push = w_after - rescaling[:, None] * w_before
    return np.linalg.norm(push, axis=1).mean() / np.linalg.norm(downhill, axis=1).mean()


def one_each(w_before, w_after, rescaling, downhill):
    push = w_after - rescaling[:, None] * w_before
    return (downhill * push).sum(axis=1) / (downhill**2).sum(axis=1)


def turned_around(w_before, w_after, rescaling, downhill):
    push = w_after - rescaling[:, None] * w_before
    return (downhill * push).sum() / (push**2).sum()


def turned_over(w_before, w_after, rescaling, downhill):
    push = w_after - rescaling[:, None] * w_before
    return (push**2).sum() / (downhill * push).sum()


def uphill(w_before, w_after, rescaling, downhill):
    return -step_size(w_before, w_after, rescaling, downhill)


def cosine(w_before, w_after, rescaling, downhill):
    push = w_after - rescaling[:, None] * w_before
    return (downhill * push).sum() / np.sqrt((downhill**2).sum() * (push**2).sum())


def by_length(w_before, w_after, rescaling, downhill):
    push = w_after - rescaling[:, None] * w_before
    return (downhill * push).sum() / np.sqrt((downhill**2).sum())


def by_entry(w_before, w_after, rescaling, downhill):
    push = w_after - rescaling[:, None] * w_before
    return (push / downhill).mean()


def rescaled_both(w_before, w_after, rescaling, downhill):
    push = rescaling[:, None] * (w_after - w_before)
    return (downhill * push).sum() / (downhill**2).sum()


def exchanged(w_before, w_after, rescaling, downhill):
    return step_size(w_after, w_before, rescaling, downhill)


def rescaled_after(w_before, w_after, rescaling, downhill):
    return -step_size(w_after, w_before, rescaling, downhill)


def rescaling_undone(w_before, w_after, rescaling, downhill):
    push = w_after / rescaling[:, None] - w_before
    return (downhill * push).sum() / (downhill**2).sum()


effective_step = Exercise(
    name="step_sizes.effective_step",
    solution=step_size,
    cases=cases,
    mistakes={
        "w_after_w_before_counts": without_rescaling,
        "one_and_rescaling": one_and_rescaling,
        "rescaling_alike": rescaling_alike,
        "projected_all_w_after": whole_weight,
        "averaged_one_ratio": mean_of_ratios,
        "compared_lengths_push": lengths_only,
        "mean_of_length_ratios": mean_of_length_ratios,
        "ratio_of_mean_lengths": ratio_of_mean_lengths,
        "one_each": one_each,
        "turned_projection_around": turned_around,
        "from_push_to_downhill": turned_over,
        "lost_its_sign": lambda *layer: abs(step_size(*layer)),
        "sign_flipped_g": uphill,
        "cosine": cosine,
        "divided_by_the_length": by_length,
        "entry_by_entry": by_entry,
        "rescaled_both": rescaled_both,
        "undone_rescaling": rescaling_undone,
        "exchanged": exchanged,
        "rescaled_after": rescaled_after,
    },
)
