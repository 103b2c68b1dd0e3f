"""Exercises: each knows its solution from its usual mistakes, in every notebook's file and in the notebooks themselves."""

import importlib
import pkgutil
import re

import numpy as np
import pytest
import torch

from lt_helpers import exercises
from lt_helpers.exercises.attention import S_OF_THE_NOTEBOOK, holds_scores, moments
from lt_helpers.exercises.base import Exercise, differ
from lt_helpers.labs import running_example
from lt_helpers.language import Message, catalogue

ALL = {
    f"{module.name}.{name}": exercise
    for module in pkgutil.iter_modules(exercises.__path__)
    for name, exercise in vars(importlib.import_module(f"lt_helpers.exercises.{module.name}")).items()
    if isinstance(exercise, Exercise)
}
MISTAKES = [(name, message) for name, exercise in ALL.items() for message in exercise.mistakes]
DOUBLE = Exercise(
    lambda x: 2 * x, lambda: [(np.ones(3),), (np.arange(4.0),)], {"You halved it.": lambda x: x / 2}
)


def forgets_to_return(x):
    x = np.add(x, x)


NOT_ATTEMPTED = catalogue("en").say(Message("exercise.not_attempted"))


def said(name, mistake):
    """What is said to a mistake."""
    return "Not yet. " + catalogue("en").entries[f"exercises.{name}.{mistake}"].format()


def said_when_done(name):
    """What is said to a right answer."""
    return catalogue("en").entries[f"exercises.{name}.done"].format()


def without_input(verdict):
    """A verdict, but for the input with which it was found."""
    return verdict.partition("\nTried with ")[0]


@pytest.mark.parametrize("name", ALL)
def test_a_stub_is_not_attempted(name):
    """That the solution is right, the notebook's own shows (test_notebook_solutions.py): it is written a second time there."""
    for stub in (None, ..., lambda *arguments: None, lambda *arguments: ...):
        assert ALL[name].verdict(stub) == NOT_ATTEMPTED
    assert ALL[name].mistakes, "every exercise names its usual mistakes"


@pytest.mark.parametrize("name, message", MISTAKES)
def test_each_usual_mistake_is_recognised(name, message):
    assert without_input(ALL[name].verdict(ALL[name].mistakes[message])) == said(name, message)


@pytest.mark.parametrize("name", ALL)
def test_each_exercise_has_its_own_section(name):
    """Of the catalogue, by its file and its name there: what is said of a right answer."""
    assert ALL[name].name == name
    assert ALL[name].verdict(ALL[name].solution) == f"Correct. {said_when_done(name)}"


@pytest.mark.parametrize("name", ALL)
def test_an_attempt_that_spoils_what_it_is_given_is_judged_by_what_it_returns(name):
    def spoiled(function):
        def attempt(*arguments):
            answer = np.copy(function(*arguments))
            for argument in arguments:
                if isinstance(argument, np.ndarray):
                    argument[...] = 1
            return answer

        return attempt

    right = said(name, "writes") if ALL[name].keeps else f"Correct. {said_when_done(name)}"
    assert ALL[name].verdict(spoiled(ALL[name].solution)) == right
    for message, wrong in ALL[name].mistakes.items():
        assert without_input(ALL[name].verdict(spoiled(wrong))) == said(name, message)


def test_no_two_mistakes_with_the_excess_risk_give_one_number_where_it_is_shown():
    """Else a learner who returns the oracle's error is told of something else."""
    exercise = ALL["start.excess_risk"]
    arguments = exercise.cases()
    shown = next(arguments)
    numbers = [exercise.solution(*shown)]
    numbers += [wrong(*shown) for name, wrong in exercise.mistakes.items() if name != "size_of_the_excess"]
    numbers = np.sort([number for number in numbers if np.ndim(number) == 0])
    assert np.diff(numbers).min() > 0.01
    assert min(exercise.solution(*others) for others in arguments) < 0, "a model may beat the oracle by luck"


def test_the_s_that_a_function_finds_in_the_notebook_is_that_of_the_four_examples():
    tokens = np.column_stack([running_example.X, running_example.LABELS[0]])
    np.testing.assert_array_equal(moments(tokens), S_OF_THE_NOTEBOOK)


def test_a_layer_that_writes_into_its_tokens_is_refused():
    def in_place(tokens, P, Q):
        tokens += tokens @ (P @ (tokens.T @ tokens / len(tokens)) @ Q).T
        return tokens

    assert "writes into the tokens" in ALL["attention.in_order_n"].verdict(in_place)
    assert ALL["attention.in_order_n"].use(in_place) is not in_place


def labels_scaled(change, dim=lambda S: len(S) - 1):
    """An answer as a learner writes it: `change` is what is done to a copy of S."""

    def attempt(weight_of, S, n):
        tau = np.sqrt((20 - dim(S)) / (n - dim(S)))
        changed = S.copy()
        change(changed, tau)
        return weight_of(changed) / tau

    return attempt


def row(S, tau):
    S[-1] *= tau


def column(S, tau):
    S[:, -1] *= tau


def corner(S, tau):
    S[-1, -1] *= tau**2


def corner_once(S, tau):
    S[-1, -1] *= tau


def row_but_the_corner(S, tau):
    S[-1, :-1] *= tau


def column_but_the_corner(S, tau):
    S[:-1, -1] *= tau


def row_and_column_but_the_corner(S, tau):
    row_but_the_corner(S, tau)
    column_but_the_corner(S, tau)


def row_and_corner(S, tau):
    row_but_the_corner(S, tau)
    corner(S, tau)


def column_and_corner(S, tau):
    column_but_the_corner(S, tau)
    corner(S, tau)


def whole(S, tau):
    S *= tau


def both(S, tau):
    row(S, tau)
    column(S, tau)


@pytest.mark.parametrize(
    "attempt, words",
    [
        (labels_scaled(both), "Correct"),
        (labels_scaled(row), "Only the last row is changed"),
        (labels_scaled(column), "Only the last column is changed"),
        (labels_scaled(row_and_column_but_the_corner), "the corner has none"),
        (labels_scaled(corner), r"Only the corner is changed\. α"),
        (labels_scaled(corner_once), "Only the corner is changed, and by τ"),
        (labels_scaled(row_but_the_corner), "Only α in the last row"),
        (labels_scaled(column_but_the_corner), "Only α in the last column"),
        (labels_scaled(row_and_corner), "α in the last row and the corner have"),
        (labels_scaled(column_and_corner), "α in the last column and the corner have"),
        (labels_scaled(whole), "You multiplied all of S"),
        (labels_scaled(both, dim=len), "one too large"),
        (labels_scaled(both, dim=lambda S: 10), "Your d is 10"),
    ],
)
def test_an_answer_from_scaled_labels_is_called_what_it_is(attempt, words):
    assert re.match(rf"(Not yet\. )?[^\n]*{words}", ALL["sizes.answer"].verdict(attempt))


def test_scaled_labels_in_the_s_that_was_given_are_refused():
    def in_place(weight_of, S, n):
        tau = np.sqrt((21 - len(S)) / (n + 1 - len(S)))
        both(S, tau)
        return weight_of(S) / tau

    assert "writes into the S" in ALL["sizes.answer"].verdict(in_place)
    assert ALL["sizes.answer"].use(in_place) is ALL["sizes.answer"].solution


@pytest.mark.parametrize(
    "attempt, words",
    [
        (lambda Sigma: 1 / np.linalg.norm(Sigma - np.eye(len(Sigma))), "np.linalg.norm"),
        (lambda Sigma: 1 / ((Sigma - 1) ** 2).sum(), "1 off every entry"),
        (lambda Sigma: 1 / (Sigma - np.eye(len(Sigma))).sum(), "without squaring"),
    ],
)
def test_a_length_is_called_what_it_is(attempt, words):
    def scaled(Sigma):
        return len(Sigma) * (len(Sigma) + 1) * attempt(Sigma)

    assert words in ALL["sizes.length"].verdict(scaled)


def away(Sigma):
    return Sigma - np.eye(len(Sigma))


def beside(entries):
    """What is not on the diagonal."""
    return entries[~np.eye(len(entries), dtype=bool)]


@pytest.mark.parametrize(
    "counted, added, words",
    [
        (lambda d: d * (d + 1), lambda Sigma: np.sum(away(Sigma)) ** 2, "squared the sum, in which"),
        (lambda d: d * (d + 1), lambda Sigma: np.triu(away(Sigma) ** 2).sum(), "added up one triangle"),
        (lambda d: d * (d + 1), lambda Sigma: np.tril(away(Sigma) ** 2).sum(), "added up one triangle"),
        (lambda d: d * (d + 1) // 2, lambda Sigma: np.triu(away(Sigma) ** 2).sum(), "different entries"),
        (lambda d: d * (d + 1) // 2, lambda Sigma: (away(Sigma) ** 2).sum(), "half the right one"),
        (lambda d: d * (d - 1), lambda Sigma: (away(Sigma) ** 2).sum(), "The diagonal adds"),
        (lambda d: d**2, lambda Sigma: (away(Sigma) ** 2).sum(), "The diagonal scatters twice as much"),
        (lambda d: d * (d - 1), lambda Sigma: (beside(Sigma) ** 2).sum(), "the diagonal is left out"),
        (lambda d: d * (d - 1) / 2, lambda Sigma: np.triu(Sigma**2, 1).sum(), "the diagonal is left out"),
        (lambda d: d * (d + 1), lambda Sigma: (beside(Sigma) ** 2).sum(), "left the diagonal out of the sum"),
        (lambda d: d * (d - 1), lambda Sigma: beside(Sigma).sum() ** 2, "beside the diagonal and squared"),
        (lambda d: 2 * d, lambda Sigma: (np.diag(away(Sigma)) ** 2).sum(), "only d of the d² entries"),
        (lambda d: 1, lambda Sigma: (away(Sigma) ** 2).sum(), "and not 1/n"),
        (lambda d: d * d + 1, lambda Sigma: (away(Sigma) ** 2).sum(), "put brackets"),
        (lambda d: d * (d + 1), lambda Sigma: (away(Sigma) @ away(Sigma)).sum(), "as a matrix"),
        (lambda d: d * (d + 1), lambda Sigma: np.trace(away(Sigma) @ away(Sigma)), "Correct"),
    ],
)
def test_a_length_is_told_by_what_it_counts_and_what_it_adds_up(counted, added, words):
    assert words in ALL["sizes.length"].verdict(lambda Sigma: counted(len(Sigma)) / added(Sigma))


@pytest.mark.parametrize("whole", [round, int])
def test_a_length_that_is_made_whole_is_called_so(whole):
    def attempt(Sigma):
        return whole(len(Sigma) * (len(Sigma) + 1) / (away(Sigma) ** 2).sum())

    assert "a whole number" in ALL["sizes.length"].verdict(attempt)


def wider(queries, first=False):
    """A constant feature beside the others."""
    ones = np.ones((len(queries), 1))
    return np.hstack([ones, queries] if first else [queries, ones])


@pytest.mark.parametrize(
    "attempt, words",
    [
        (lambda queries, answers: np.linalg.pinv(queries) @ answers, "Correct"),
        (lambda queries, answers: np.linalg.lstsq(queries, answers), "4 things at once"),
        (lambda queries, answers: np.linalg.lstsq(queries, answers)[1], "second thing"),
        (lambda queries, answers: np.linalg.lstsq(queries, answers)[-1], "singular values"),
        (lambda queries, answers: np.linalg.lstsq(queries, answers)[0][0], "one number of the weight"),
        (lambda queries, answers: np.linalg.lstsq(answers, queries)[0], "a vector where a matrix is wanted"),
        (lambda queries, answers: np.linalg.lstsq(answers[:, None], queries)[0][0], "queries to the answers"),
        (lambda queries, answers: np.linalg.lstsq(queries.T, answers)[0], "one label for each row"),
        (lambda queries, answers: np.linalg.solve(queries, answers), "a square matrix alone"),
        (lambda queries, answers: np.linalg.inv(queries) @ answers, "a square matrix alone"),
        (lambda queries, answers: answers[: queries.shape[1]], "returned the first d answers"),
        (lambda queries, answers: np.linalg.lstsq(wider(queries), answers)[0], "your last number"),
        (lambda queries, answers: np.linalg.lstsq(wider(queries, True), answers)[0], "your first number"),
        (lambda queries, answers: np.linalg.lstsq(queries, answers - np.mean(answers))[0], "the mean off"),
        (lambda queries, answers: answers @ queries / np.diag(queries.T @ queries), "each feature by itself"),
        (lambda queries, answers: answers @ queries / np.linalg.norm(queries) ** 2, "the sum of all squares"),
        (lambda queries, answers: queries.T @ queries @ (queries.T @ answers), "You multiplied by"),
    ],
)
def test_a_probe_is_called_what_it_is(attempt, words):
    assert words in ALL["softmax.probe"].verdict(attempt)


@pytest.mark.parametrize(
    "moments_over, products_over, penalty, words",
    [
        (lambda q: q, lambda q: q, 0, "Correct"),
        (lambda q: q, lambda q: 1, 0, "moments are a mean"),
        (lambda q: 1, lambda q: q, 0, "moments are a sum"),
        (lambda q: 1, lambda q: 1, 1, "You shrank: nothing"),
        (lambda q: q, lambda q: q, 1, "on the mean square"),
    ],
)
def test_a_probe_by_two_sides_is_told_by_what_they_are_divided_by(
    moments_over, products_over, penalty, words
):
    def attempt(queries, answers):
        q, d = queries.shape
        moments = queries.T @ queries / moments_over(q) + penalty * np.eye(d)
        return np.linalg.solve(moments, queries.T @ answers / products_over(q))

    assert words in ALL["softmax.probe"].verdict(attempt)


def test_a_probe_of_as_many_queries_as_features_is_called_so():
    def attempt(queries, answers):
        few = slice(queries.shape[1])
        return np.linalg.solve(queries[few], answers[few])

    assert "first d queries alone" in ALL["softmax.probe"].verdict(attempt)


def share_left(divided_by):
    """What a probe leaves, as a learner writes it; `divided_by` is a function of queries and answers."""

    def attempt(queries, answers):
        left = answers - queries @ np.linalg.lstsq(queries, answers)[0]
        return (left**2).sum() / divided_by(queries, answers)

    return attempt


def freedom(queries):
    return len(queries) - queries.shape[1]


@pytest.mark.parametrize(
    "divided_by, words",
    [
        (lambda queries, answers: freedom(queries), "divide by the mean square of the answers"),
        (lambda queries, answers: (answers**2).mean(), "divide what is left by q - d first"),
        (lambda queries, answers: freedom(queries) * (answers**2).sum(), "One count too many"),
        (lambda queries, answers: (freedom(queries) - 1) * (answers**2).mean(), "divided by q - d - 1"),
        (lambda queries, answers: (answers**2).sum(), "d numbers were fitted"),
    ],
)
def test_a_share_that_is_left_is_called_what_it_is(divided_by, words):
    assert words in ALL["softmax.bent_share"].verdict(share_left(divided_by))


@pytest.mark.parametrize(
    "attempt, words",
    [
        (lambda omega: np.sqrt(1 / omega[1, 1, 1]), "mind the minus"),
        (lambda omega: np.nan, "mind the minus"),
        (np.nan, "mind the minus"),
        (lambda omega: np.sqrt(-1 / omega[1, 0, 1]), "You divide by an entry that is 0"),
        (lambda omega: np.sqrt(1 / omega[0, 0, 0]), "You divide by an entry that is 0"),
        (lambda omega: np.sqrt(-1 / omega[1, 1, 0]), "You divide by an entry that is 0"),
    ],
)
@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero) encountered:RuntimeWarning")
def test_a_breaking_point_that_is_no_number_is_called_what_it_is(attempt, words):
    assert words in ALL["rescaling.breaking_point"].verdict(attempt)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda tokens, P, Q, query: P @ (tokens.T @ (tokens @ Q @ query)) / len(tokens),
        lambda tokens, P, Q, query: P @ np.dot(tokens.T, np.dot(tokens, Q @ query)) / len(tokens),
        lambda tokens, P, Q, query: (tokens @ Q @ query / len(tokens)) @ tokens @ P.T,
    ],
)
def test_a_moved_bracket_forms_no_scores(attempt):
    assert "are the scores" in ALL["attention.by_moments"].verdict(attempt)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda tokens, P, Q, query: P @ np.einsum("ni,nj->ij", tokens, tokens) @ Q @ query / len(tokens),
        lambda tokens, P, Q, query: P @ sum(np.outer(e, e) for e in tokens) @ Q @ query / len(tokens),
        lambda tokens, P, Q, query: P @ (tokens[:, :, None] * tokens[:, None]).mean(axis=0) @ Q @ query,
    ],
)
def test_a_moved_bracket_may_be_written_in_other_ways(attempt):
    assert ALL["attention.by_moments"].verdict(attempt).startswith("Correct")


@pytest.mark.parametrize(
    "attempt, seen",
    [
        (lambda tokens, P, Q, query: tokens @ Q @ query, True),
        (lambda tokens, P, Q, query: (Q @ query) @ tokens.T / len(tokens), True),
        (lambda tokens, P, Q, query: 2 * tokens @ Q @ query, False),
        (lambda tokens, P, Q, query: sum(e * (e @ Q @ query) for e in tokens), False),
        (lambda tokens, P, Q, query: np.einsum("ni,nj,jk,k->i", tokens, tokens, Q, query), False),
        (lambda tokens, P, Q, query: np.array(tokens) @ Q @ query, False),
    ],
    ids=["scores", "over n", "twice the scores", "one by one", "within einsum", "of a copy"],
)
def test_scores_are_seen_in_one_array_that_is_made_of_the_tokens(attempt, seen):
    assert holds_scores(attempt) == seen


def test_the_guard_is_not_passed_by_writing_into_the_weights():
    def overwritten(w, x, y, ridge):
        w[:] = ridge
        return w

    assert ALL["practice.guard"].verdict(overwritten).startswith("Not yet")


def test_the_guard_leaves_the_weights_that_it_is_given_as_they_are():
    def in_place(w, x, y, ridge):
        with np.errstate(over="ignore", invalid="ignore"):
            left = y - (x @ w[..., None])[..., 0]
            passes = (left**2).mean(axis=1) <= (y**2).mean(axis=1)
        w[~passes] = ridge[~passes]
        return w

    assert ALL["practice.guard"].verdict(in_place) == said("practice.guard", "writes")


def test_a_guard_with_a_loop_that_asks_what_rings_is_told_of_nan():
    def by_loop(w, x, y, ridge):
        answer = w.copy()
        for b in range(len(w)):
            if np.mean((y[b] - x[b] @ w[b]) ** 2) / np.mean(y[b] ** 2) > 1:
                answer[b] = ridge[b]
        return answer

    with np.errstate(over="ignore", invalid="ignore"):
        verdict = ALL["practice.guard"].verdict(by_loop)
    assert without_input(verdict) == said("practice.guard", "asks_what_rings")


def test_arguments_with_nan_that_nobody_has_written_into_do_not_differ():
    given = (np.array([1.0, np.nan]), 3)
    assert not differ(given, (np.array([1.0, np.nan]), 3))
    assert differ(given, (np.array([1.0, 2.0]), 3))


@pytest.mark.parametrize(
    "attempt, words",
    [
        (lambda x: 2 * x, "Correct."),
        (lambda x: x / 2, "Not yet. You halved it."),
        (lambda x: 6 * x, "3 times the right one"),
        (lambda x: 2 * x + np.arange(len(x)), "largest deviation from the right answer is 2"),
        (lambda x: x / 2, r"\nTried with x = \[1\.0, 1\.0, 1\.0\]: you return \[0\] 0\.5, expected 2\.$"),
        (lambda x: np.append(2 * x[:-1], 5), r"you return \[2\] 5, expected 2\.$"),  # the first two are right
        (lambda x: print(2 * x), "prints its answer and returns nothing"),
        (forgets_to_return, "computes something and returns nothing"),
        (lambda x: x[:2], r"shape \(2,\)"),
        (lambda x: x * np.nan, "NaN"),
        (lambda x: np.ones((3, 2)) * np.ones((2, 2)), "Did you mean @, the product of matrices"),
        (lambda x: "two", "type str"),
        (lambda x: 2 * x + 1j, "type ndarray"),
        (lambda x: torch.tensor(2 * x, requires_grad=True), "type Tensor"),
        (lambda x: torch.tensor(2 * x), "Correct"),
        (lambda x: np.ones((2, 2)) @ x, "left side has 2 columns, its right side 3 rows"),
        (lambda x: np.ones((2, 2)) @ 0, "One side of your @ is a single number"),
        (lambda x: 0 @ x, "One side of your @ is a single number"),
        (lambda x: np.ones((3, 2)) * x, "Make a column of them"),
        (lambda x: x * np.ones((3, 2)), "Make a column of them"),
        (lambda x: np.ones((4, 2)) * x, "stops with ValueError"),
        (lambda x: np.ones(2) * x, r"is a\[:, None\] \* b\."),
        (lambda x: x + np.ones(5), "Two of your vectors have different lengths"),
        (lambda x: x ^ 2, "a power is written with two stars"),
        (lambda x: 1.5 ^ 2, "a power is written with two stars"),
        (lambda x: (2 * x, "of x"), r"2 things at once.*\[0\]"),
        (lambda x: ("two",), "type tuple"),
        (lambda x: np.linalg.inv(np.ones((2, 3))), "another number of rows than of columns"),
        (lambda x: np.linalg.solve(x, np.eye(3)), "a vector where a matrix is wanted"),
        (lambda x: np.linalg.lstsq(np.ones((2, 3)), x), "one label for each row"),
        (lambda x: 1 / 0, "stops with ZeroDivisionError"),
        (lambda: 3, "stops with TypeError"),
        (2.0, "shape"),
    ],
)
def test_a_verdict_says_what_it_sees(attempt, words):
    assert re.search(words, DOUBLE.verdict(attempt))


def test_a_large_input_is_shown_in_short_and_a_number_that_is_asked_for_is_not_given_away():
    large = Exercise(lambda x, n: x.sum(), lambda: [(np.arange(12.0).reshape(3, 4), 3)])
    assert "x = 0, 1, 2, ... (3, 4), n = 3: you return 1, expected 66." in large.verdict(lambda x, n: 1.0)
    assert (
        Exercise(lambda: 7.25).verdict(3.0) == "Not yet. The largest deviation from the right answer is 4.25."
    )


def test_a_matrix_on_its_side_is_called_so():
    square = Exercise(lambda x: x, lambda: [(np.arange(4.0).reshape(2, 2),)])
    assert "transposed" in square.verdict(lambda x: x.T)


def test_what_a_learner_prints_appears_all_the_same(capsys):
    def loud(x):
        print("here I am")
        return 2 * x

    assert DOUBLE.verdict(loud) == "Correct. "
    assert capsys.readouterr().out == "here I am\nhere I am\n"


def test_what_follows_runs_with_a_right_function_and_else_with_the_solution():
    def mine(x):
        return x + x

    assert DOUBLE.use(mine) is mine
    for wrong in (lambda x: x, lambda x: None, lambda x: 1 / 0):
        assert DOUBLE.use(wrong) is DOUBLE.solution


def test_a_function_that_was_tried_is_called_by_its_name():
    verdict = ALL["implicit.linear_gap"].verdict(lambda f, a, b: f(a + b))
    assert verdict.endswith("Tried with f = square, a = 1, b = 2: you return 9, expected 4.")


def test_code_that_stops_where_a_number_is_expected_has_returned_nothing():
    assert "you return" not in ALL["regression.share_kept"].verdict(lambda s, sigma, n: 1 / 0)


@pytest.mark.parametrize(
    "attempt, words",
    [
        (lambda s, sigma, n: s / (s + sigma**2 / (2 * n)), "deviation"),
        (lambda s, sigma, n: s**2 / (s**2 + sigma**2 / n), "counts twice"),
    ],
)
def test_a_share_is_called_what_it_is(attempt, words):
    assert re.match(f"Not yet.*{words}", ALL["regression.share_kept"].verdict(attempt))


@pytest.mark.parametrize("attempt", [lambda share, n: 1 / share, lambda share, n: np.sqrt(n / share) - 1])
def test_a_meter_is_not_called_what_it_is_not(attempt):
    assert ALL["regression.noise_read"].verdict(attempt).startswith("Not yet. The largest deviation")


def components(x, y, sigma, decompose):
    """Shares applied along the eigenvectors, and not rotated back."""
    Sigma = x.T @ x / len(y)
    s, V = decompose(Sigma)
    w = np.linalg.pinv(Sigma) @ (x.T @ y / len(y))
    return s / (s + sigma**2 / len(y)) * (V.T @ w)


def turned(Sigma):
    """Eigenvectors the other way round, in the other order."""
    s, V = np.linalg.eigh(Sigma)
    return s[::-1], -V[:, ::-1]


@pytest.mark.parametrize(
    "decompose",
    [np.linalg.eigh, np.linalg.eig, lambda Sigma: np.linalg.svd(Sigma)[1::-1], turned],
)
def test_shares_that_are_not_rotated_back_are_called_so_whatever_found_the_eigenvectors(decompose):
    verdict = ALL["regression.ridge"].verdict(lambda x, y, sigma: components(x, y, sigma, decompose))
    assert "rotate them back" in verdict


@pytest.mark.parametrize(
    "penalty, words",
    [
        (lambda n, d, sigma: sigma, "Your penalty is σ:"),
        (lambda n, d, sigma: sigma**2 / d, "divided the penalty by d"),
        (lambda n, d, sigma: sigma / d, "deviation"),
        (lambda n, d, sigma: 1 / n, "deviation"),
    ],
)
def test_a_penalty_is_called_what_it_is(penalty, words):
    def attempt(x, y, sigma):
        n, d = x.shape
        return np.linalg.solve(x.T @ x / n + penalty(n, d, sigma) * np.eye(d), x.T @ y / n)

    assert re.match(f"Not yet.*{words}", ALL["regression.ridge"].verdict(attempt))
