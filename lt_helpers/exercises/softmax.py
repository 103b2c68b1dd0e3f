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


def both_sides(queries, answers):
    """What least squares solves: second moments w = the sum of query times answer -> (d, d), (d,)"""
    return queries.T @ queries, queries.T @ answers


def linear_answers(queries, answers):
    return queries @ weight(queries, answers)


def left(queries, answers):
    return answers - linear_answers(queries, answers)


def penalised(queries, answers, penalty):
    moments, products = both_sides(queries, answers)
    return np.linalg.solve(moments + penalty * np.eye(len(products)), products)


def multiplied(queries, answers):
    moments, products = both_sides(queries, answers)
    return moments @ products


def of_the_first(queries, answers):
    """The weight that gives the first d answers."""
    dim = queries.shape[1]
    return np.linalg.solve(queries[:dim], answers[:dim])


def with_ones(queries):
    """A constant feature after the others -> (q, d + 1)"""
    return np.column_stack([queries, np.ones(len(queries))])


probe = Exercise(
    name="softmax.probe",
    solution=weight,
    cases=probes,
    mistakes={
        "not_solved": lambda queries, answers: queries.T @ answers / len(answers),
        "sum_not_solved": lambda queries, answers: queries.T @ answers,
        "moments_are_means": lambda queries, answers: len(answers) * weight(queries, answers),
        "moments_are_sums": lambda queries, answers: weight(queries, answers) / len(answers),
        "multiplied": multiplied,
        "one_feature_at_a_time": lambda queries, answers: queries.T @ answers / (queries**2).sum(axis=0),
        "over_all_squares": lambda queries, answers: queries.T @ answers / (queries**2).sum(),
        "ridge_here": lambda queries, answers: penalised(queries, answers, 1),
        "ridge_of_means": lambda queries, answers: penalised(queries, answers, len(answers)),
        "first_answers": lambda queries, answers: answers[: queries.shape[1]],
        "first_queries": of_the_first,
        "queries_from_answers": lambda queries, answers: answers @ queries / (answers**2).sum(),
        "with_constant": lambda queries, answers: weight(with_ones(queries), answers)[:-1],
        "constant_kept": lambda queries, answers: weight(with_ones(queries), answers),
        "constant_first": lambda queries, answers: np.roll(weight(with_ones(queries), answers), 1),
        "answers_centred": lambda queries, answers: weight(queries, answers - answers.mean()),
        "first_number": lambda queries, answers: weight(queries, answers)[0],
        "sum_of_squares": lambda queries, answers: np.array([(left(queries, answers) ** 2).sum()]),
        "singular_values": lambda queries, answers: np.linalg.svd(queries, compute_uv=False),
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
