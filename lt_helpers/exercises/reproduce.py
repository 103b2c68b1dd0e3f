"""Notebook 09: how sure a printed number is, and whether a difference is luck."""

import numpy as np

from .base import Exercise


def sequences():
    """Answers, oracle's answers, truths and queries: (B, d) each."""
    for seed, count in ((0, 400), (1, 900)):
        rng = np.random.default_rng(seed)
        truth = rng.normal(size=(count, 5))
        oracle = truth + 0.6 * rng.normal(size=(count, 5))
        yield oracle + 0.2 * rng.normal(size=(count, 5)), oracle, truth, rng.normal(size=(count, 5))


def exact(w, oracle):
    return ((w - oracle) ** 2).sum(axis=1) / 2


def squares(w, truth, x_query):
    return ((w - truth) * x_query).sum(axis=1) ** 2 / 2


def standard_error(values):
    return values.std() / np.sqrt(len(values))


def answer(w, oracle, truth, x_query):
    """Standard error of the mean of 1/2 |w - oracle|^2, and of the excess over the oracle on one query each."""
    excess = squares(w, truth, x_query) - squares(oracle, truth, x_query)
    return np.array([standard_error(exact(w, oracle)), standard_error(excess)])


def raw(w, oracle, truth, x_query):
    return np.array([standard_error(exact(w, oracle)), standard_error(squares(w, truth, x_query))])


def against_the_truth(w, oracle, truth, x_query):
    return np.array([standard_error(exact(w, truth)), answer(w, oracle, truth, x_query)[1]])


def of_the_difference(w, oracle, truth, x_query):
    return np.array([standard_error(exact(w, oracle)), standard_error(squares(w, oracle, x_query))])


def one_by_one(w, oracle, truth, x_query):
    excess = (((w - truth) * x_query) ** 2 - ((oracle - truth) * x_query) ** 2).sum(axis=1) / 2
    return np.array([standard_error(exact(w, oracle)), standard_error(excess)])


def means(w, oracle, truth, x_query):
    excess = squares(w, truth, x_query) - squares(oracle, truth, x_query)
    return np.array([exact(w, oracle).mean(), excess.mean()])


two_errors = Exercise(
    name="reproduce.two_errors",
    solution=answer,
    cases=lambda: list(sequences()),
    mistakes={
        "scatter_one_sequence": (lambda w, *more: answer(w, *more) * np.sqrt(len(w))),
        "divided_b_mean": lambda w, *more: answer(w, *more) / np.sqrt(len(w)),
        "factor_1_2": lambda *given: 2 * answer(*given),
        "second_oracle_squared": raw,
        "first_compare_w": against_the_truth,
        "second_compare_each": of_the_difference,
        "two_wrong_way": lambda *given: answer(*given)[::-1],
        "half_in_one_alone": lambda *given: answer(*given) * (1, 2),
        "half_in_other_alone": lambda *given: answer(*given) * (2, 1),
        "mean_over_features": lambda w, *more: answer(w, *more) / (w.shape[1], 1),
        "features_squared_one_by_one": one_by_one,
        "variance_for_deviation": lambda w, *more: answer(w, *more) ** 2 * np.sqrt(len(w)),
        "the_means": means,
    },
    tolerance=0.01,
)


def samples():
    """Adjusted losses of single sequences, a printed loss and its standard error."""
    rng = np.random.default_rng(2)
    yield rng.exponential(0.50, size=200), 0.44, 0.008
    yield rng.exponential(0.40, size=5000), 0.43, 0.01


def deviation(losses, printed, printed_error):
    return (losses.mean() - printed) / np.hypot(standard_error(losses), printed_error)


luck = Exercise(
    name="reproduce.luck",
    solution=deviation,
    cases=lambda: list(samples()),
    mistakes={
        "dropped_sign": lambda *given: abs(deviation(*given)),
        "sign_turned_round": lambda *given: -deviation(*given),
        "divided_standard_error": (lambda losses, printed, error: (losses.mean() - printed) / error),
        "divided_our_standard": (
            lambda losses, printed, error: (losses.mean() - printed) / standard_error(losses)
        ),
        "standard_errors_independent": (
            lambda losses, printed, error: (losses.mean() - printed) / (standard_error(losses) + error)
        ),
        "own_error_scatter": (
            lambda losses, printed, error: (losses.mean() - printed) / np.hypot(losses.std(), error)
        ),
        "difference_divide_standard": lambda losses, printed, error: losses.mean() - printed,
        "divided_by_number": (
            lambda losses, printed, error: (
                (losses.mean() - printed) / np.hypot(losses.std() / len(losses), error)
            )
        ),
        "variance_of_losses": (
            lambda losses, printed, error: (
                (losses.mean() - printed) / np.hypot(losses.var() / np.sqrt(len(losses)), error)
            )
        ),
        "sum_of_losses": (
            lambda losses, printed, error: (losses.sum() - printed) / np.hypot(standard_error(losses), error)
        ),
        "median_of_losses": (
            lambda losses, printed, error: (
                (np.median(losses) - printed) / np.hypot(standard_error(losses), error)
            )
        ),
        "divided_variance_difference": (
            lambda losses, printed, error: (
                (losses.mean() - printed) / (standard_error(losses) ** 2 + error**2)
            )
        ),
    },
    tolerance=0.01,
)
