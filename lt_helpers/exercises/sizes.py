"""Notebook 15: the penalty that falls with n, an answer from a model that was made for another n, and n read off a mean."""

import numpy as np

from .base import Exercise

MADE_FOR = 20  # m

penalty = Exercise(
    name="sizes.penalty",
    solution=lambda left, n, d: left / (n - d),
    cases=lambda: [(3.0, 20, 10), (3.0, 80, 8), (1.5, 12, 4)],
    mistakes={
        "variance": lambda left, n, d: left * n / (n - d),
        "divided_twice": lambda left, n, d: left / (n - d) / n,
        "by_n": lambda left, n, d: left / n,
        "no_n": lambda left, n, d: left,
        "tenth": lambda left, n, d: left / 10,
        "by_d": lambda left, n, d: left / d,
        "root": lambda left, n, d: np.sqrt(left / (n - d)),
    },
)


def ridge_for_twenty(S):
    """AdaRR made for m examples, whatever n is: it adds the (m - d)th part of what is left.    S (D, D)  ->  w (d,)

    It reads the last row as well as the last column: a change to one of them alone shows.
    """
    d = len(S) - 1
    Sigma, alpha, v = S[:d, :d], S[:d, d], S[d, d]
    left = v - S[d, :d] @ np.linalg.solve(Sigma, alpha)
    return np.linalg.solve(Sigma + left / (MADE_FOR - d) * np.eye(d), alpha)


def contexts():
    """A model w(S), moments S (D, D) and n; of the first, tau is 1/2."""
    yield ridge_for_twenty, np.array([[1.0, 2.0], [2.0, 9.0]]), 77
    rng = np.random.default_rng(0)
    for n in (12, 40):
        x, truth = rng.normal(size=(n, 3)), rng.normal(size=3)
        e = np.column_stack([x, x @ truth + rng.normal(size=n)])
        yield ridge_for_twenty, e.T @ e / n, n


def unit_of(S, n, d=None):
    """tau, by which the labels are multiplied; with another number of features than S has, a mistake."""
    d = d or len(S) - 1
    return np.sqrt((MADE_FOR - d) / (n - d))


def scaled(S, labels):
    """The moments of tokens whose labels are multiplied."""
    sizes = np.append(np.ones(len(S) - 1), labels)
    return sizes[:, None] * S * sizes


def powers(column, row, corner):
    """A change to S: the powers of tau by which the last column, the last row and v are multiplied; 1, 1 and 2 are right."""

    def change(S, tau):
        changed = S.copy()
        changed[:-1, -1] *= tau**column
        changed[-1, :-1] *= tau**row
        changed[-1, -1] *= tau**corner
        return changed

    return change


def by(tau, weight_of, S):
    """The answer with labels times tau."""
    return weight_of(scaled(S, tau)) / tau


def with_changed(change):
    """A mistake in what is changed: the answer to change(S, tau), divided by tau."""
    return lambda weight_of, S, n: weight_of(change(S, unit_of(S, n))) / unit_of(S, n)


answer = Exercise(
    name="sizes.answer",
    solution=lambda weight_of, S, n: by(unit_of(S, n), weight_of, S),
    cases=lambda: list(contexts()),
    keeps=True,  # the notebook runs it on contexts of its own
    mistakes={
        "untouched": lambda weight_of, S, n: weight_of(S),
        "not_back": lambda weight_of, S, n: weight_of(scaled(S, unit_of(S, n))),
        "multiplied": lambda weight_of, S, n: weight_of(scaled(S, unit_of(S, n))) * unit_of(S, n),
        "no_root": lambda weight_of, S, n: by(unit_of(S, n) ** 2, weight_of, S),
        "upside_down": lambda weight_of, S, n: by(1 / unit_of(S, n), weight_of, S),
        "no_features": lambda weight_of, S, n: by(np.sqrt(MADE_FOR / n), weight_of, S),
        "corner": with_changed(powers(0, 0, 2)),
        "corner_once": with_changed(powers(0, 0, 1)),
        "corner_not_back": lambda weight_of, S, n: weight_of(powers(0, 0, 2)(S, unit_of(S, n))),
        "square_forgotten": with_changed(powers(1, 1, 1)),
        "last_row": with_changed(powers(0, 1, 1)),
        "last_column": with_changed(powers(1, 0, 1)),
        "row_left": with_changed(powers(1, 0, 2)),
        "column_left": with_changed(powers(0, 1, 2)),
        "row_alone": with_changed(powers(0, 1, 0)),
        "column_alone": with_changed(powers(1, 0, 0)),
        "corner_left": with_changed(powers(1, 1, 0)),
        "all_changed": with_changed(lambda S, tau: tau * S),
        "column_too_many": lambda weight_of, S, n: by(unit_of(S, n, len(S)), weight_of, S),
        "ten_features": lambda weight_of, S, n: by(unit_of(S, n, 10), weight_of, S),
    },
)


def matrices():
    """Matrices Sigma (d, d) of independent inputs; the first is worked out by hand."""
    yield (np.array([[1.4, 0.3], [0.3, 0.9]]),)
    rng = np.random.default_rng(0)
    for n, d in ((20, 10), (60, 4)):
        x = rng.normal(size=(n, d))
        yield (x.T @ x / n,)


def scatter(Sigma):
    """(Sigma - I)^2, entry by entry."""
    return (Sigma - np.eye(len(Sigma))) ** 2


def of_pairs(entries):
    """The sum of what is not on the diagonal."""
    return entries.sum() - np.trace(entries)


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
        "root_of_the_sum": lambda Sigma: len(Sigma) * (len(Sigma) + 1) / np.sqrt(scatter(Sigma).sum()),
        "not_squared": lambda Sigma: len(Sigma) * (len(Sigma) + 1) / (Sigma - np.eye(len(Sigma))).sum(),
        "absolute": lambda Sigma: len(Sigma) * (len(Sigma) + 1) / abs(Sigma - np.eye(len(Sigma))).sum(),
        "one_everywhere": lambda Sigma: len(Sigma) * (len(Sigma) + 1) / ((Sigma - 1) ** 2).sum(),
        "matrix_product": lambda Sigma: (
            len(Sigma) * (len(Sigma) + 1) / np.linalg.matrix_power(Sigma - np.eye(len(Sigma)), 2).sum()
        ),
        "ten_features": lambda Sigma: 110 / scatter(Sigma).sum(),
        "no_diagonal": lambda Sigma: len(Sigma) * (len(Sigma) - 1) / of_pairs(scatter(Sigma)),
        "diagonal_not_added": lambda Sigma: len(Sigma) * (len(Sigma) + 1) / of_pairs(scatter(Sigma)),
        "diagonal_not_counted": lambda Sigma: len(Sigma) * (len(Sigma) - 1) / scatter(Sigma).sum(),
        "diagonal_alone": lambda Sigma: 2 * len(Sigma) / np.trace(scatter(Sigma)),
        "square_of_the_sum": lambda Sigma: (
            len(Sigma) * (len(Sigma) + 1) / (Sigma - np.eye(len(Sigma))).sum() ** 2
        ),
        "square_of_the_pairs": lambda Sigma: len(Sigma) * (len(Sigma) - 1) / of_pairs(Sigma) ** 2,
        "each_pair_once": lambda Sigma: len(Sigma) * (len(Sigma) + 1) / np.triu(scatter(Sigma)).sum(),
        "different_entries": lambda Sigma: len(Sigma) * (len(Sigma) + 1) / 2 / np.triu(scatter(Sigma)).sum(),
        "halved": lambda Sigma: len(Sigma) * (len(Sigma) + 1) / 2 / scatter(Sigma).sum(),
        "sum_alone": lambda Sigma: 1 / scatter(Sigma).sum(),
        "bracket_missing": lambda Sigma: (len(Sigma) * len(Sigma) + 1) / scatter(Sigma).sum(),
        "rounded": lambda Sigma: np.round(len(Sigma) * (len(Sigma) + 1) / scatter(Sigma).sum()),
    },
)
