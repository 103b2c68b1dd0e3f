"""Notebook 03: gradient descent by hand, the matrices of one step of it, and the best length of one step."""

from dataclasses import dataclass

import numpy as np

from ..model import layer_update
from ..noise import Fixed
from ..task import RegressionTask
from .base import Exercise

CORNERS = np.array([[4, 0, 8], [0, 1, 3], [8, 3, 25]])  # S of the corners (±2, ±1) with y = 2 x_1 + 3 x_2


@dataclass(frozen=True)
class LayerExercise(Exercise):
    """Asks for P and Q of one layer, called with d first. They are judged by what the layer does, U = P S Q on two contexts: P and Q
    themselves are not unique, since P -> c P with Q -> Q / c changes nothing."""

    def _compare(self, answer, arguments):
        shape = (arguments[0] + 1,) * 2
        try:
            P, Q = (np.asarray(matrix, dtype=float) for matrix in answer)
        except Exception:  # as in Exercise
            return self._entry("two_matrices")
        if P.shape != shape or Q.shape != shape:
            return self._entry("shapes", P=str(P.shape), Q=str(Q.shape), needed=str(shape))
        by_action = Exercise(
            action(self.solution),
            mistakes={mistake: action(wrong) for mistake, wrong in self.mistakes.items()},
            name=self.name,
        )
        added = action(lambda *_: (P, Q))(*arguments)
        complaint = by_action._compare(added, arguments)
        if complaint is None or complaint.id != "exercise.deviation":
            return complaint
        return self._by_place(added, action(self.solution)(*arguments), P, Q) or complaint

    def _by_place(self, added, right, P, Q):
        """What is wrong, told from where the layer adds what it should not -> Message, or None.    added, right : (2, D, D)"""
        if not added.any():
            return self._entry("nothing_is_added")
        if added[:, :-1].any():
            return self._entry("layer_moves_x")
        if P[-1, :-1].any():
            return self._entry("rows_of_sigma")
        if Q[-1, -1] and np.allclose(added[:, -1, :-1], right[:, -1, :-1]):
            return self._entry("layer_also_rescales")
        return None

    def _first_entries(self, answer, arguments):
        """The last row of P S Q, on a context small enough to be shown: P and Q of which the entries differ may be just as right."""
        try:
            P, Q = (np.asarray(matrix, dtype=float) for matrix in answer)
            came, wanted = (action(layer)(*arguments)[0, -1] for layer in (lambda *_: (P, Q), self.solution))
        except Exception:  # as in Exercise
            return None
        if arguments[0] != 2:
            return None
        row, wanted = (str(np.round(each + 0.0, 3).tolist()) for each in (came, wanted))
        return self._entry("last_row", row=row, S=str(CORNERS.tolist())), wanted


def action(layer):
    """A function that returns P and Q -> one that returns what their layer adds to tokens, P S Q (2, D, D) of two contexts."""

    def update(dim, step):
        P, Q = layer(dim, step)
        S = RegressionTask(dim, 20, Fixed(1.0)).sample_moments(2, np.random.default_rng(0)).S
        if dim == 2:
            S[0] = CORNERS
        return layer_update(P[None], Q[None], S)

    return update


def layer(p, q):
    """A function (dim, step) -> P, Q that are diagonal, from functions of the step for p = (p_x, p_y) and q = (q_x, q_y)."""
    return lambda dim, step: tuple(np.diag(np.repeat(pair(step), [dim, 1])) for pair in (p, q))


def descend(Sigma, alpha, eta, steps):
    return descend_from(np.zeros(len(alpha)), Sigma, alpha, eta, steps)


def descend_from(w, Sigma, alpha, eta, steps):
    for _ in range(steps):
        w = w + eta * (alpha - Sigma @ w)
    return w


def along_alpha(Sigma, alpha, eta, steps):
    """Without Sigma w: each step goes along alpha, as the first one does."""
    return steps * eta * np.asarray(alpha, float)


def without_the_old_weight(Sigma, alpha, eta, steps):
    w = np.zeros(len(alpha))
    for _ in range(steps):
        w = eta * (alpha - Sigma @ w)
    return w


def without_eta_on_the_second(Sigma, alpha, eta, steps):
    w = np.zeros(len(alpha))
    for _ in range(steps):
        w = w + eta * alpha - Sigma @ w
    return w


def without_eta_on_the_first(Sigma, alpha, eta, steps):
    w = np.zeros(len(alpha))
    for _ in range(steps):
        w = w + alpha - eta * Sigma @ w
    return w


def entry_by_entry(Sigma, alpha, eta, steps):
    """With Sigma * w for Sigma @ w: after the first step w is a matrix."""
    w = np.zeros(len(alpha))
    for _ in range(steps):
        w = w + eta * (alpha - Sigma * w)
    return w


def last_direction(Sigma, alpha, eta, steps):
    return alpha - Sigma @ descend(Sigma, alpha, eta, steps - 1)


descent = Exercise(
    name="gradient.descent",
    solution=descend,
    cases=lambda: [
        (np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([3.0, 1.0]), 0.1, 3),
        (np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([1.0, -1.0]), 0.3, 4),
    ],
    mistakes={
        "walks_uphill": lambda Sigma, alpha, eta, steps: descend(Sigma, alpha, -eta, steps),
        "never_looks_back": along_alpha,
        "without_sigma": lambda Sigma, alpha, eta, steps: descend(np.eye(len(alpha)), alpha, eta, steps),
        "forgets_where_it_was": without_the_old_weight,
        "one_step_only": lambda Sigma, alpha, eta, steps: descend(Sigma, alpha, eta, 1),
        "one_step_more": lambda Sigma, alpha, eta, steps: descend(Sigma, alpha, eta, steps + 1),
        "one_step_less": lambda Sigma, alpha, eta, steps: descend(Sigma, alpha, eta, steps - 1),
        "twice_as_long": lambda Sigma, alpha, eta, steps: descend(Sigma, alpha, 2 * eta, steps),
        "eta_on_alpha_only": without_eta_on_the_second,
        "eta_on_sigma_only": without_eta_on_the_first,
        "entry_by_entry": entry_by_entry,
        "w_is_a_matrix": lambda Sigma, alpha, eta, steps: descend_from(
            np.zeros(Sigma.shape), Sigma, alpha, eta, steps
        ),
        "starts_at_one": lambda Sigma, alpha, eta, steps: descend_from(
            np.ones(len(alpha)), Sigma, alpha, eta, steps
        ),
        "starts_at_alpha": lambda Sigma, alpha, eta, steps: descend_from(alpha, Sigma, alpha, eta, steps),
        "last_direction": last_direction,
        "step_of_one": lambda Sigma, alpha, eta, steps: descend(Sigma, alpha, 1, steps),
        "solved_at_once": lambda Sigma, alpha, eta, steps: np.linalg.solve(Sigma, alpha),
    },
)


def with_block(fill):
    """A function (dim, step) -> P, Q with the right P, and a Q that `fill` writes into."""

    def layer(dim, step):
        P, Q = np.zeros((2, dim + 1, dim + 1))
        P[-1, -1] = 1
        fill(Q, dim, step)
        return P, Q

    return layer


def fill_whole_block(Q, dim, step):
    Q[:dim, :dim] = -step


def fill_last_row(Q, dim, step):
    Q[-1, :dim] = -step


def fill_last_column(Q, dim, step):
    Q[:dim, -1] = -step


def fill_columns(Q, dim, step):
    Q[:, :dim] = -step


def fill_all(Q, dim, step):
    Q[:] = -step


def fill_divided(Q, dim, step):
    Q[:dim, :dim] = -step / dim * np.eye(dim)


one_step = LayerExercise(
    name="gradient.one_step",
    solution=layer(lambda step: (0.0, 1.0), lambda step: (-step, 0.0)),
    cases=lambda: [(2, 0.3), (10, 0.2)],
    mistakes={
        "layer_walks_uphill": (layer(lambda step: (0.0, 1.0), lambda step: (step, 0.0))),
        "layer_also_rescales": layer(lambda step: (0.0, 1.0), lambda step: (-step, -step)),
        "layer_moves_x": layer(lambda step: (1.0, 1.0), lambda step: (-step, 0.0)),
        "mixed_up_p": (layer(lambda step: (-step, 0.0), lambda step: (0.0, 1.0))),
        "step_stands_both": (layer(lambda step: (0.0, step), lambda step: (-step, 0.0))),
        "whole_block_filled": with_block(fill_whole_block),
        "columns_filled": with_block(fill_columns),
        "all_filled": with_block(fill_all),
        "last_row_filled": with_block(fill_last_row),
        "last_column_filled": with_block(fill_last_column),
        "step_1_whatever": layer(lambda step: (0.0, 1.0), lambda step: (-1.0, 0.0)),
        "step_1_uphill": layer(lambda step: (0.0, 1.0), lambda step: (1.0, 0.0)),
        "step_divided": with_block(fill_divided),
    },
)

best_step = Exercise(
    name="gradient.best_step",
    solution=lambda n, d, mean_square: n / (n + d + 1 + mean_square),
    cases=lambda: [(20, 10, 25 / 3), (20, 10, 0.0), (50, 5, 1.0)],
    mistakes={
        "best_step_without": lambda n, d, noise: n / (n + d + 1),
        "identity_few_examples": lambda n, d, noise: n / (n + noise),
        "almost_fluctuation_adds": lambda n, d, noise: n / (n + d + noise),
        "noise_averaged_over": lambda n, d, noise: 1 / (1 + (d + 1) / n + noise),
        "squared_once_more": lambda n, d, noise: n / (n + d + 1 + noise**2),
        "root_of_the_mean_square": lambda n, d, noise: n / (n + d + 1 + np.sqrt(noise)),
        "noise_times_features": lambda n, d, noise: n / (n + d + 1 + d * noise),
        "fraction_upside_down": lambda n, d, noise: (n + d + 1 + noise) / n,
        "n_lost": lambda n, d, noise: 1 / (n + d + 1 + noise),
        "d_left_on_top": lambda n, d, noise: d * n / (n + d + 1 + noise),
        "noise_of_one_feature": lambda n, d, noise: n / (n + d + 1 + noise / d),
        "noise_taken_off": lambda n, d, noise: n / (n + d + 1 - noise),
        "brackets_missing": lambda n, d, noise: n / n + d + 1 + noise,
        "fluctuation_averaged_over": lambda n, d, noise: 1 / (1 + (d + 1) + noise / n),
        "d_lost_on_top": lambda n, d, noise: n / (d * (n + d + 1 + noise)),
    },
)
