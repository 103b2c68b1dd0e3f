"""Notebook 14: the weight that comes nearest to a model's answers, and how much of them it leaves."""

import numpy as np

from .base import Exercise


def probes():
    """Queries (q, d) and a model's answers (q,): two features that can be worked out by hand, then answers that bend."""
    yield np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]), np.array([2.0, 2.0, 4.0])
    rng = np.random.default_rng(0)
    for count, dim in ((12, 3), (40, 10)):
        queries = rng.normal(size=(count, dim))
        straight = queries @ rng.normal(size=dim)
        yield queries, straight - 0.05 * straight**3 + 0.3


def weight(queries, answers):
    return np.linalg.lstsq(queries, answers)[0]


def linear_answers(queries, answers):
    return queries @ weight(queries, answers)


def left(queries, answers):
    return answers - linear_answers(queries, answers)


def penalised(queries, answers):
    dim = queries.shape[1]
    return np.linalg.solve(queries.T @ queries + np.eye(dim), queries.T @ answers)


def with_ones(queries):
    """A constant feature beside the others -> (q, d + 1)"""
    return np.column_stack([queries, np.ones(len(queries))])


probe = Exercise(
    name="softmax.probe",
    solution=weight,
    cases=probes,
    mistakes={
        "not_solved": lambda queries, answers: queries.T @ answers / len(answers),
        "sum_not_solved": lambda queries, answers: queries.T @ answers,
        "ridge_here": penalised,
        "with_constant": lambda queries, answers: np.linalg.lstsq(with_ones(queries), answers)[0][:-1],
        "answers_of_the_weight": linear_answers,
        "what_is_left": left,
    },
)


def share(queries, answers):
    count, dim = queries.shape
    unexplained = (left(queries, answers) ** 2).sum() / (count - dim)
    return unexplained / (answers**2).mean()


def share_with_constant(queries, answers):
    count, dim = queries.shape
    wider = with_ones(queries)
    unexplained = (left(wider, answers) ** 2).sum() / (count - dim - 1)
    return unexplained / (answers**2).mean()


def biased(queries, answers):
    return (left(queries, answers) ** 2).mean() / (answers**2).mean()


def share_unsolved(queries, answers):
    """With the mean of query times answer for the weight."""
    count, dim = queries.shape
    misfit = answers - queries @ (queries.T @ answers / count)
    return (misfit**2).sum() / (count - dim) / (answers**2).mean()


def bent():
    """The probes of which more than one query is left over."""
    along = [[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    yield np.array(along), np.array([3.0, 1.0, 2.0, 1.0, 1.0, 0.0])
    yield from list(probes())[1:]


bent_share = Exercise(
    name="softmax.bent_share",
    solution=share,
    cases=bent,
    mistakes={
        "share_explained": lambda queries, answers: 1 - share(queries, answers),
        "no_freedom": biased,
        "over_the_linear": lambda queries, answers: (
            share(queries, answers) * (answers**2).mean() / (linear_answers(queries, answers) ** 2).mean()
        ),
        "of_the_variance": lambda queries, answers: (
            share(queries, answers) * (answers**2).mean() / answers.var()
        ),
        "root_of_it": lambda queries, answers: np.sqrt(share(queries, answers)),
        "with_constant": share_with_constant,
        "sum_over_mean": lambda queries, answers: share(queries, answers) * (len(answers) - queries.shape[1]),
        "weight_not_solved": share_unsolved,
        "not_divided": lambda queries, answers: share(queries, answers) * (answers**2).mean(),
        "constant_counted": lambda queries, answers: (
            share(queries, answers)
            * (len(answers) - queries.shape[1])
            / (len(answers) - queries.shape[1] - 1)
        ),
        "count_twice": lambda queries, answers: share(queries, answers) / len(answers),
        "by_d": lambda queries, answers: biased(queries, answers) * len(answers) / queries.shape[1],
    },
)
