"""Notebook 03: the matrices of one gradient step, and the best length of it."""

from dataclasses import dataclass

import numpy as np

from ..model import layer_update
from ..noise import Fixed
from ..task import RegressionTask
from .base import Exercise


@dataclass(frozen=True)
class LayerExercise(Exercise):
    """Asks for P and Q of one layer, called with d first. They are judged by what the layer does, U = P S Q on two contexts: P and Q
    themselves are not unique, since P -> c P with Q -> Q / c changes nothing."""

    def _compare(self, answer, arguments):
        shape = (arguments[0] + 1,) * 2
        try:
            P, Q = (np.asarray(matrix, dtype=float) for matrix in answer)
        except Exception:  # as in Exercise
            return "Return two arrays of numbers, P and Q."
        if P.shape != shape or Q.shape != shape:
            return f"P has shape {P.shape} and Q {Q.shape}: both must be {shape}."
        by_action = Exercise(
            action(self.solution),
            mistakes={message: action(wrong) for message, wrong in self.mistakes.items()},
        )
        return by_action._compare(action(lambda *_: (P, Q))(*arguments), arguments)


def action(layer):
    """A function that returns P and Q -> one that returns what their layer adds to tokens, U (2, D, D) of two contexts."""

    def update(dim, step):
        P, Q = layer(dim, step)
        S = RegressionTask(dim, 20, Fixed(1.0)).sample_moments(2, np.random.default_rng(0)).S
        return layer_update(P[None], Q[None], S)

    return update


def layer(p, q):
    """A function (dim, step) -> P, Q that are diagonal, from functions of the step for p = (p_x, p_y) and q = (q_x, q_y)."""
    return lambda dim, step: tuple(np.diag(np.repeat(pair(step), [dim, 1])) for pair in (p, q))


one_step = LayerExercise(
    solution=layer(lambda step: (0.0, 1.0), lambda step: (-step, 0.0)),
    cases=lambda: [(2, 0.5), (10, 0.1)],
    mistakes={
        "Your layer walks uphill: the prediction is minus the last coordinate, so the step needs a minus too.": (
            layer(lambda step: (0.0, 1.0), lambda step: (step, 0.0))
        ),
        "Your layer also rescales y: the last entry of Q must be 0.": layer(
            lambda step: (0.0, 1.0), lambda step: (-step, -step)
        ),
        "Your layer moves x as well: P must be zero but for its last entry.": layer(
            lambda step: (1.0, 1.0), lambda step: (-step, 0.0)
        ),
        "You mixed up P and Q: Q picks what is read, the inputs; P picks what is written, the label.": (
            layer(lambda step: (-step, 0.0), lambda step: (0.0, 1.0))
        ),
        "The step stands in both matrices, so it counts twice: leave it in one.": (
            layer(lambda step: (0.0, step), lambda step: (-step, 0.0))
        ),
        "Your step is 1 whatever is asked for.": layer(lambda step: (0.0, 1.0), lambda step: (-1.0, 0.0)),
    },
    well_done="Any c P with Q / c is just as right: only their product acts.",
)

best_step = Exercise(
    solution=lambda n, d, mean_square: n / (n + d + 1 + mean_square),
    cases=lambda: [(20, 10, 25 / 3), (20, 10, 0.0), (50, 5, 1.0)],
    mistakes={
        "That is the best step without noise: noise adds d σ²/n to the mean of |α|².": lambda n, d, noise: (
            n / (n + d + 1)
        ),
        "You took Σ for the identity: on few examples it fluctuates, and E tr Σ² = d (1 + (d + 1)/n).": lambda n, d, noise: (
            n / (n + noise)
        ),
        "Almost: the fluctuation of Σ adds (d + 1)/n, not d/n.": lambda n, d, noise: n / (n + d + noise),
        "The noise is averaged over n examples: it adds σ²/n, not σ².": lambda n, d, noise: (
            1 / (1 + (d + 1) / n + noise)
        ),
        "The fraction is upside down: η is E⟨α, w⟩ divided by E|α|².": lambda n, d, noise: (
            (n + d + 1 + noise) / n
        ),
    },
    well_done="It shrinks with the noise and with d/n. A trained layer has exactly this step.",
)
