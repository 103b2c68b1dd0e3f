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


two_errors = Exercise(
    solution=answer,
    cases=lambda: list(sequences()),
    mistakes={
        "That is the scatter of one sequence: a mean of B of them has it divided by the root of B.": (
            lambda w, *more: answer(w, *more) * np.sqrt(len(w))
        ),
        "You divided by B. A mean of B draws scatters less by the root of B only.": lambda w, *more: (
            answer(w, *more) / np.sqrt(len(w))
        ),
        "The factor 1/2 is missing: the loss is half the squared error.": lambda *given: 2 * answer(*given),
        "In the second, the oracle's squared error on the same query must be taken off: the adjusted loss is the excess over it.": raw,
        "In the first, compare w with the oracle: its error against the truth is not excess.": against_the_truth,
        "In the second, compare each prediction with the truth, square, and only then subtract.": of_the_difference,
        "The two are the wrong way round: first without a query, then with one.": lambda *given: answer(
            *given
        )[::-1],
    },
    well_done="The query and the truth bring most of the scatter, and neither is needed.",
    tolerance=0.01,
)


def samples():
    """Adjusted losses of single sequences, a printed loss and its standard error."""
    rng = np.random.default_rng(2)
    yield rng.exponential(0.05, size=2000), 0.044, 0.002
    yield rng.exponential(0.40, size=5000), 0.43, 0.01


def deviation(losses, printed, printed_error):
    return (losses.mean() - printed) / np.hypot(standard_error(losses), printed_error)


luck = Exercise(
    solution=deviation,
    cases=lambda: list(samples()),
    mistakes={
        "You dropped the sign.": lambda *given: abs(deviation(*given)),
        "The sign is turned round: ours minus the printed one, so that below zero means ours is lower.": lambda *given: (
            -deviation(*given)
        ),
        "You divided by the standard error of the print alone: ours scatters too.": (
            lambda losses, printed, error: (losses.mean() - printed) / error
        ),
        "You divided by our standard error alone: the printed number scatters too.": (
            lambda losses, printed, error: (losses.mean() - printed) / standard_error(losses)
        ),
        "Standard errors of independent numbers add as squares: sqrt(a^2 + b^2).": (
            lambda losses, printed, error: (losses.mean() - printed) / (standard_error(losses) + error)
        ),
        "Your own error is the scatter of one sequence: divide it by the root of their number.": (
            lambda losses, printed, error: (losses.mean() - printed) / np.hypot(losses.std(), error)
        ),
        "That is the difference: divide it by its standard error.": lambda losses, printed, error: (
            losses.mean() - printed
        ),
        "You divided by the variance of the difference: take its root.": (
            lambda losses, printed, error: (
                (losses.mean() - printed) / (standard_error(losses) ** 2 + error**2)
            )
        ),
    },
    well_done="Beyond 2 in one case of twenty, by luck alone; beyond 3 in one of 370. With 240 numbers in a table, some will be beyond 2.",
    tolerance=0.01,
)
