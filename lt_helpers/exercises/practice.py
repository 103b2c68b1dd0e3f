"""Notebook 12: a guard on a model's answers, and a preparation that does not look at the rows it is tested on."""

import numpy as np

from ..practice import misfit, ridge_cv
from ..task import second_moments
from .base import Exercise


def contexts():
    """Weights w (B, d) of which some have exploded, contexts x (B, n, d), y (B, n), and ridge regression's weights (B, d)."""
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        x, truth = rng.normal(size=(12, 20, 4)), rng.normal(size=(12, 4))
        x[[3, 4, 7, 9]] += 2  # these have a mean, so that their residuals do not cancel
        y = (x @ truth[..., None])[..., 0] + rng.normal(size=(12, 20))
        w = 0.8 * truth
        w[0] = np.linalg.lstsq(x[0], y[0])[0]  # fits better than ridge does; the others worse
        w[1], w[3], w[4] = 40, -0.9 * truth[3], 2.25 * truth[4]

        # It leaves less than the mean square of these labels, and more than their variance.
        y[5] += 5
        w[5] *= 0.02

        # It fits one large label, and adds to what the others leave.
        x[6, 0], x[6, 1:, 0], y[6] = (10, 0, 0, 0), rng.choice([-1.0, 1.0], 19), rng.normal(size=20)
        y[6, 0], w[6] = 30, (3, 0, 0, 0)

        # Its residuals have both signs, so that the mean of them is small, and the mean of their squares is not.
        x[8, :, 0] = np.repeat((1, -1), (12, 8))
        y[8], w[8] = 2 + 0.1 * rng.normal(size=20), (3, 0, 0, 0)

        # No noise: every single example is fitted better than by 0.
        y[9] = x[9] @ truth[9]

        # Of each example a quarter of its square is left, or nine times its square.
        y[10:] = (x[10:] @ truth[10:, :, None])[..., 0]
        w[10], w[11] = 0.5 * truth[10], -2 * truth[11]
        if seed:
            w[2], w[7] = np.nan, np.inf
        yield w, x, y, ridge_cv(x, y)[0]


def fits(w, x, y):
    return misfit(w, second_moments(x, y))[:, None]


def residual_square(w, x, y):
    """Mean squared residual on the context -> (B, 1)."""
    with np.errstate(over="ignore", invalid="ignore"):
        return ((y - (x @ w[..., None])[..., 0]) ** 2).mean(axis=1, keepdims=True)


def limited(measure):
    """The model's weight where a measure of what is left is at most that of y; ridge's elsewhere."""

    def guarded(w, x, y, ridge):
        with np.errstate(over="ignore", invalid="ignore"):
            fitted = (x @ w[..., None])[..., 0]  # (B, n)
            passes = measure(y, fitted)  # (B,)
        return np.where(passes[:, None], w, ridge)

    return guarded


def numbers_put_first(w, x, y, ridge):
    """What is not finite becomes a number before anything is asked: an exploded weight passes as zeros."""
    finite = np.nan_to_num(w)
    return np.where(fits(finite, x, y) <= 1, finite, ridge)


guard = Exercise(
    name="practice.guard",
    solution=lambda w, x, y, ridge: np.where(fits(w, x, y) <= 1, w, ridge),
    cases=lambda: list(contexts()),
    mistakes={
        "two_swapped_ridge": (lambda w, x, y, ridge: np.where(fits(w, x, y) <= 1, ridge, w)),
        "give_0_where": lambda w, x, y, ridge: np.where(fits(w, x, y) <= 1, w, 0),
        "ridge_answers_everywhere": (lambda w, x, y, ridge: ridge),
        "asks_what_rings": limited(
            lambda y, fitted: ~(((y - fitted) ** 2).mean(axis=1) > (y**2).mean(axis=1))
        ),
        "every_single_example": limited(lambda y, fitted: ((y - fitted) ** 2 <= y**2).all(axis=1)),
        "mean_before_squaring": limited(
            lambda y, fitted: (y - fitted).mean(axis=1) ** 2 <= y.mean(axis=1) ** 2
        ),
        "mean_of_y_squared": limited(
            lambda y, fitted: ((y - fitted) ** 2).mean(axis=1) <= y.mean(axis=1) ** 2
        ),
        "one_scale_for_all": limited(lambda y, fitted: ((y - fitted) ** 2).mean(axis=1) <= (y**2).mean()),
        "variance_of_what_is_left": limited(
            lambda y, fitted: (y - fitted).var(axis=1) <= (y**2).mean(axis=1)
        ),
        "sum_of_y_squared": limited(lambda y, fitted: ((y - fitted) ** 2).mean(axis=1) <= (y**2).sum(axis=1)),
        "sum_of_what_is_left": limited(
            lambda y, fitted: ((y - fitted) ** 2).sum(axis=1) <= (y**2).mean(axis=1)
        ),
        "numbers_put_first": numbers_put_first,
        "residuals_cancel": limited(lambda y, fitted: (y - fitted).mean(axis=1) ** 2 <= (y**2).mean(axis=1)),
        "limit_of_the_bound": limited(
            lambda y, fitted: ((y - fitted) ** 2).mean(axis=1) <= 4 * (y**2).mean(axis=1)
        ),
        "limit_1_squared": (lambda w, x, y, ridge: np.where(residual_square(w, x, y) <= 1, w, ridge)),
        "only_finite": limited(lambda y, fitted: np.isfinite(fitted).all(axis=1)),
        "size_of_the_answer": limited(lambda y, fitted: (fitted**2).mean(axis=1) <= (y**2).mean(axis=1)),
        "size_within_the_bound": limited(
            lambda y, fitted: (fitted**2).mean(axis=1) <= 4 * (y**2).mean(axis=1)
        ),
        "variance_of_y": limited(lambda y, fitted: ((y - fitted) ** 2).mean(axis=1) <= y.var(axis=1)),
        "absolute_values": limited(lambda y, fitted: abs(y - fitted).mean(axis=1) <= abs(y).mean(axis=1)),
        "ring_wherever_ridge": (
            lambda w, x, y, ridge: np.where(fits(w, x, y) <= fits(ridge, x, y), w, ridge)
        ),
    },
    keeps=True,  # the weights are the model's: whoever wants to know what it said needs them as they were
)


def root(rows):
    """The inverse of the symmetric root of the covariance of rows (N, d)."""
    s, V = np.linalg.eigh(np.cov(rows.T, bias=True))
    return V / np.sqrt(s) @ V.T


def turned_root(rows):
    """An inverse root that leaves out the last rotation: along the eigenvectors."""
    s, V = np.linalg.eigh(np.cov(rows.T, bias=True))
    return V / np.sqrt(s)


def divided_by_rows(rows):
    """A root in which the rows of V are divided, not its columns."""
    s, V = np.linalg.eigh(np.cov(rows.T, bias=True))
    return V / np.sqrt(s)[:, None] @ V.T


def triangular_root(rows):
    """An inverse root by Cholesky."""
    return np.linalg.inv(np.linalg.cholesky(np.cov(rows.T, bias=True))).T


def other_triangular_root(rows):
    """An inverse root by Cholesky, of the inverse."""
    return np.linalg.cholesky(np.linalg.inv(np.cov(rows.T, bias=True)))


def root_itself(rows):
    """The symmetric root, which is not the inverse of it."""
    s, V = np.linalg.eigh(np.cov(rows.T, bias=True))
    return V * np.sqrt(s) @ V.T


def entry_by_entry(rows):
    """One over the root of each entry; where an entry is negative, it is not a number."""
    with np.errstate(invalid="ignore"):
        return np.cov(rows.T, bias=True) ** -0.5


def uncentred_root(rows):
    """The inverse of the symmetric root of the mean of x x^T."""
    s, V = np.linalg.eigh(rows.T @ rows / len(rows))
    return V / np.sqrt(s) @ V.T


def exchanged_root(rows):
    """V^T and V have changed places."""
    s, V = np.linalg.eigh(np.cov(rows.T, bias=True))
    return V.T / np.sqrt(s) @ V


def tables():
    """Rows to learn from (N, d) and rows to whiten (m, d)."""
    rng = np.random.default_rng(0)
    for size, queries in ((50, 6), (30, 5)):
        mixing = rng.normal(size=(3, 3)) + 2 * np.eye(3)
        yield rng.normal(size=(size, 3)) @ mixing + 5, rng.normal(size=(queries, 3)) @ mixing + 5


def both(rows, queries):
    return np.concatenate([rows, queries])


whitening = Exercise(
    name="practice.whitening",
    solution=lambda rows, queries: (queries - rows.mean(axis=0)) @ root(rows),
    cases=lambda: list(tables()),
    mistakes={
        "learned_from_queries": (
            lambda rows, queries: (queries - both(rows, queries).mean(axis=0)) @ root(both(rows, queries))
        ),
        "whitened_by_queries": lambda rows, queries: (queries - queries.mean(axis=0)) @ root(queries),
        "used_queries_own": (lambda rows, queries: (queries - queries.mean(axis=0)) @ root(rows)),
        "subtract_mean_rows": lambda rows, queries: queries @ root(rows),
        "nothing_centred": lambda rows, queries: queries @ uncentred_root(rows),
        "one_mean_for_all": lambda rows, queries: (queries - rows.mean()) @ root(rows),
        "centred_by_one_mean": lambda rows, queries: (
            (queries - rows.mean()) @ uncentred_root(rows - rows.mean())
        ),
        "covariance_not_centred": lambda rows, queries: (queries - rows.mean(axis=0)) @ uncentred_root(rows),
        "eigenvectors_in_rows": lambda rows, queries: (queries - rows.mean(axis=0)) @ exchanged_root(rows),
        "multiplied_inverse_covariance": (
            lambda rows, queries: (queries - rows.mean(axis=0)) @ root(rows) @ root(rows)
        ),
        "root_not_inverted": lambda rows, queries: (queries - rows.mean(axis=0)) @ root_itself(rows),
        "rows_of_v_divided": lambda rows, queries: (queries - rows.mean(axis=0)) @ divided_by_rows(rows),
        "root_of_each_entry": lambda rows, queries: (queries - rows.mean(axis=0)) @ entry_by_entry(rows),
        "only_standardised_features": lambda rows, queries: (queries - rows.mean(axis=0)) / rows.std(axis=0),
        "left_rotated": lambda rows, queries: (queries - rows.mean(axis=0)) @ turned_root(rows),
        "root_triangular": lambda rows, queries: (queries - rows.mean(axis=0)) @ triangular_root(rows),
        "root_triangular_of_inverse": (
            lambda rows, queries: (queries - rows.mean(axis=0)) @ other_triangular_root(rows)
        ),
        "divided_one_less": (
            lambda rows, queries: (queries - rows.mean(axis=0)) @ root(rows) * np.sqrt(1 - 1 / len(rows))
        ),
        "own_mean_and_one_less": (
            lambda rows, queries: (queries - queries.mean(axis=0)) @ root(rows) * np.sqrt(1 - 1 / len(rows))
        ),
        "correlations": (lambda rows, queries: (queries - rows.mean(axis=0)) @ root(rows / rows.std(axis=0))),
        "standardised_before": (
            lambda rows, queries: (queries - rows.mean(axis=0)) / rows.std(axis=0) @ root(rows)
        ),
    },
)
