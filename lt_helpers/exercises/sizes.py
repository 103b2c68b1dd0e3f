"""Notebook 15: the penalty that falls with n, an answer from a model that was made for another n, and n read off a mean."""

import numpy as np

from .base import Exercise

MADE_FOR = 20  # m

penalty = Exercise(
    name="sizes.penalty",
    solution=lambda left, n, d: left / (n - d),
    cases=lambda: [(3.0, 20, 10), (3.0, 80, 10), (1.5, 12, 4)],
    mistakes={
        "variance": lambda left, n, d: left * n / (n - d),
        "divided_twice": lambda left, n, d: left / (n - d) / n,
        "by_n": lambda left, n, d: left / n,
        "no_n": lambda left, n, d: left,
        "tenth": lambda left, n, d: left / 10,
    },
)


def ridge_for_twenty(S):
    """AdaRR made for m examples, whatever n is: it adds the (m - d)th part of what is left.    S (D, D)  ->  w (d,)"""
    d = len(S) - 1
    Sigma, alpha, v = S[:d, :d], S[:d, d], S[d, d]
    left = v - alpha @ np.linalg.solve(Sigma, alpha)
    return np.linalg.solve(Sigma + left / (MADE_FOR - d) * np.eye(d), alpha)


def contexts():
    """A model w(S), moments S (D, D) and n; of the first, tau is 1/2."""
    yield ridge_for_twenty, np.array([[1.0, 2.0], [2.0, 8.0]]), 77
    rng = np.random.default_rng(0)
    for n in (12, 40):
        x, truth = rng.normal(size=(n, 3)), rng.normal(size=3)
        e = np.column_stack([x, x @ truth + rng.normal(size=n)])
        yield ridge_for_twenty, e.T @ e / n, n


def unit_of(S, n):
    """tau, by which the labels are multiplied."""
    d = len(S) - 1
    return np.sqrt((MADE_FOR - d) / (n - d))


def scaled(S, labels):
    """The moments of tokens whose labels are multiplied."""
    sizes = np.append(np.ones(len(S) - 1), labels)
    return sizes[:, None] * S * sizes


def corner(S, tau):
    """Only v is changed."""
    changed = S.copy()
    changed[-1, -1] *= tau**2
    return changed


def square_forgotten(S, tau):
    """v gets the factor once, as alpha does."""
    changed = scaled(S, tau)
    changed[-1, -1] /= tau
    return changed


def by(tau, weight_of, S):
    """The answer with labels times tau."""
    return weight_of(scaled(S, tau)) / tau


answer = Exercise(
    name="sizes.answer",
    solution=lambda weight_of, S, n: by(unit_of(S, n), weight_of, S),
    cases=lambda: list(contexts()),
    mistakes={
        "untouched": lambda weight_of, S, n: weight_of(S),
        "not_back": lambda weight_of, S, n: weight_of(scaled(S, unit_of(S, n))),
        "multiplied": lambda weight_of, S, n: weight_of(scaled(S, unit_of(S, n))) * unit_of(S, n),
        "no_root": lambda weight_of, S, n: by(unit_of(S, n) ** 2, weight_of, S),
        "upside_down": lambda weight_of, S, n: by(1 / unit_of(S, n), weight_of, S),
        "no_features": lambda weight_of, S, n: by(np.sqrt(MADE_FOR / n), weight_of, S),
        "corner": lambda weight_of, S, n: weight_of(corner(S, unit_of(S, n))),
        "square_forgotten": lambda weight_of, S, n: (
            weight_of(square_forgotten(S, unit_of(S, n))) / unit_of(S, n)
        ),
    },
)


def matrices():
    """Matrices Sigma (d, d) of independent inputs; the first is worked out by hand."""
    yield (np.array([[1.4, 0.2], [0.2, 0.8]]),)
    rng = np.random.default_rng(0)
    for n, d in ((20, 10), (60, 4)):
        x = rng.normal(size=(n, d))
        yield (x.T @ x / n,)


def scatter(Sigma):
    """(Sigma - I)^2, entry by entry."""
    return (Sigma - np.eye(len(Sigma))) ** 2


length = Exercise(
    name="sizes.length",
    solution=lambda Sigma: len(Sigma) * (len(Sigma) + 1) / scatter(Sigma).sum(),
    cases=lambda: list(matrices()),
    mistakes={
        "identity_missing": lambda Sigma: len(Sigma) * (len(Sigma) + 1) / (Sigma**2).sum(),
        "one_variance": lambda Sigma: len(Sigma) ** 2 / scatter(Sigma).sum(),
        "two_everywhere": lambda Sigma: 2 * len(Sigma) ** 2 / scatter(Sigma).sum(),
        "mean": lambda Sigma: len(Sigma) * (len(Sigma) + 1) / scatter(Sigma).mean(),
        "upside_down": lambda Sigma: scatter(Sigma).sum() / (len(Sigma) * (len(Sigma) + 1)),
        "trace_of_matrix": lambda Sigma: len(Sigma) * (len(Sigma) + 1) / np.trace(scatter(Sigma)),
        "no_diagonal": lambda Sigma: (
            len(Sigma) * (len(Sigma) - 1) / (scatter(Sigma).sum() - np.trace(scatter(Sigma)))
        ),
    },
)
