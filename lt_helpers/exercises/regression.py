"""Notebook 02: how much of least squares to keep, the noise that a kept share betrays, and ridge regression."""

from dataclasses import dataclass

import numpy as np

from .base import Exercise


@dataclass(frozen=True)
class RidgeExercise(Exercise):
    """Knows components along the eigenvectors in whatever order and with whatever signs these came."""

    def _compare(self, answer, arguments):
        complaint = super()._compare(answer, arguments)
        if complaint is None or complaint.id != "exercise.deviation":
            return complaint
        components = np.sort(abs(along(*arguments)[1]))
        same = self._same(np.sort(abs(np.asarray(answer, float))), components)
        return self._entry("not_rotated_back") if same else complaint


def share(s, sigma, n):
    return s / (s + sigma**2 / n)


share_kept = Exercise(
    name="regression.share_kept",
    solution=share,
    cases=lambda: [(0.4, 3.0, 20), (1.0, 4.0, 20), (2.0, 0.0, 10)],
    mistakes={
        "sigma_not_squared": lambda s, sigma, n: s / (s + sigma / n),
        "n_left_out": lambda s, sigma, n: s / (s + sigma**2),
        "share_given_up": lambda s, sigma, n: 1 - share(s, sigma, n),
        "n_times": lambda s, sigma, n: s / (s + n * sigma**2),
        "s_left_out": lambda s, sigma, n: 1 / (1 + sigma**2 / n),
        "brackets_missing": lambda s, sigma, n: s / s + sigma**2 / n,
        "turned_over": lambda s, sigma, n: (s + sigma**2 / n) / s,
        "n_squared_too": lambda s, sigma, n: s / (s + (sigma / n) ** 2),
        "not_solved": lambda s, sigma, n: sigma**2 / (n * s),
        "k_left_out": lambda s, sigma, n: 1 - sigma**2 / (n * s),
        "s_twice": lambda s, sigma, n: s / (s + sigma**2 / (n * s)),
        "s_multiplies": lambda s, sigma, n: 1 / (1 + sigma**2 / n * s),
    },
)

noise_read = Exercise(
    name="regression.noise_read",
    solution=lambda share, n: np.sqrt(n * (1 / share - 1)),
    cases=lambda: [(0.4, 20), (0.8, 20), (0.9, 5)],
    mistakes={
        "variance": lambda share, n: n * (1 / share - 1),
        "n_left_out": lambda share, n: np.sqrt(1 / share - 1),
        "share_given_up": lambda share, n: np.sqrt(n * (1 / (1 - share) - 1)),
        "without_one": lambda share, n: np.sqrt(n / share),
        "n_divides": lambda share, n: np.sqrt((1 / share - 1) / n),
        "not_turned_over": lambda share, n: np.sqrt(n * (1 - share)),
        "brackets_missing": lambda share, n: np.sqrt(n / share - 1),
        "n_outside": lambda share, n: n * np.sqrt(1 / share - 1),
        "root_of_n_alone": lambda share, n: np.sqrt(n) * (1 / share - 1),
    },
)


def cases():
    """Inputs, labels and the noise level: a few that can be worked out by hand, more examples than features, and fewer."""
    yield np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), np.array([2.0, 3.0, 0.0]), 1.5
    rng = np.random.default_rng(0)
    for n, d, sigma in ((20, 10, 2.0), (6, 8, 0.5)):
        x = rng.normal(size=(n, d))
        yield x, x @ rng.normal(size=d) + sigma * rng.normal(size=n), sigma


def solved(x, y, penalty):
    """(Sigma + penalty I)^-1 alpha"""
    n, d = x.shape
    return np.linalg.solve(x.T @ x / n + penalty * np.eye(d), x.T @ y / n)


def right(x, y, sigma):
    return solved(x, y, sigma**2 / len(y))


def penalty_everywhere(x, y, sigma):
    n = len(y)
    return np.linalg.solve(x.T @ x / n + sigma**2 / n, x.T @ y / n)


def along(x, y, sigma):
    """The eigenvectors of Sigma, and the components of the right answer along them -> V (d, d) in columns, (d,)"""
    n = len(y)
    s, V = np.linalg.eigh(x.T @ x / n)
    return V, V.T @ right(x, y, sigma)


def shares_of_entries(x, y, sigma):
    """Each share applied to an entry of least squares, where it belongs to a direction."""
    n = len(y)
    s = np.linalg.eigvalsh(x.T @ x / n)
    return s / (s + sigma**2 / n) * np.linalg.lstsq(x, y)[0]


def shares_of_alpha(x, y, sigma):
    """The share of each direction of alpha, where it is a share of alpha / s."""
    Sigma = x.T @ x / len(y)
    return Sigma @ right(x, y, sigma)


def entry_by_entry(x, y, sigma):
    """The inverse times alpha with * for @ -> (d, d)"""
    n, d = x.shape
    return np.linalg.inv(x.T @ x / n + sigma**2 / n * np.eye(d)) * (x.T @ y / n)


def rotated_the_other_way(x, y, sigma):
    """With V and V^T in each other's place."""
    n = len(y)
    s, V = np.linalg.eigh(x.T @ x / n)
    return V.T @ (s / (s + sigma**2 / n) * (V @ np.linalg.lstsq(x, y)[0]))


ridge = RidgeExercise(
    name="regression.ridge",
    solution=right,
    cases=cases,
    mistakes={
        "least_squares_add": lambda x, y, sigma: np.linalg.lstsq(x, y)[0],
        "penalty_n_times": lambda x, y, sigma: solved(x, y, sigma**2),
        "penalty_n_times_too": (lambda x, y, sigma: solved(x, y, sigma**2 / len(y) ** 2)),
        "penalty_grows_grow": lambda x, y, sigma: solved(x, y, sigma / len(y)),
        "penalty_wrong_sign": lambda x, y, sigma: solved(x, y, -(sigma**2) / len(y)),
        "added_penalty_every": penalty_everywhere,
        "not_rotated_back": lambda x, y, sigma: along(x, y, sigma)[1],
        "shares_of_entries": shares_of_entries,
        "shares_of_alpha": shares_of_alpha,
        "rotated_the_other_way": rotated_the_other_way,
        "entry_by_entry": entry_by_entry,
        "penalty_is_sigma": lambda x, y, sigma: solved(x, y, sigma),
        "one_share_for_all": lambda x, y, sigma: np.linalg.lstsq(x, y)[0] / (1 + sigma**2 / len(y)),
        "penalty_by_features": lambda x, y, sigma: solved(x, y, sigma**2 / x.shape[1]),
        "w_n_times": lambda x, y, sigma: right(x, y, sigma) / len(y),
        "w_n_times_too": lambda x, y, sigma: right(x, y, sigma) * len(y),
    },
)
