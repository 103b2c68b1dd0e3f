"""Notebook 01: scores, the bracket that moves, and a layer whose cost grows with n, not with n^2."""

import tracemalloc

import numpy as np

from ..language import Message
from .base import Exercise

MANY = 1_000  # tokens of the test for memory


TOKENS = np.array(
    [[1.0, 2.0], [3.0, -1.0]]
)  # as many as they have numbers: who exchanges rows and columns gets an answer, too
P_SMALL, Q_SMALL = np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([[1.0, 0.0], [2.0, 1.0]])


# The S of the running example, which stands in the notebook under this name: a function that forms none of its own finds that one.
S_OF_THE_NOTEBOOK = np.array([[1.0, 2.0], [2.0, 5.0]])


def readings():
    """Tokens (n, D), a matrix Q (D, D) and a query (D,)."""
    rng = np.random.default_rng(0)
    yield (
        np.array([[1.0, 2.0], [0.0, 1.0], [-1.0, 1.0]]),
        np.array([[1.0, 1.0], [0.0, 2.0]]),
        np.array([2.0, 1.0]),
    )
    yield rng.normal(size=(7, 3)), rng.normal(size=(3, 3)), rng.normal(size=3)


def softmaxed(tokens, Q, query):
    weights = np.exp(tokens @ Q @ query)
    return weights / weights.sum()


scores = Exercise(
    name="attention.scores",
    solution=lambda tokens, Q, query: tokens @ Q @ query,
    cases=readings,
    mistakes={
        "without_Q": lambda tokens, Q, query: tokens @ query,
        "changed_places": lambda tokens, Q, query: query @ Q @ tokens.T,
        "not_summed": lambda tokens, Q, query: tokens * (Q @ query),
        "over_n": lambda tokens, Q, query: tokens @ Q @ query / len(tokens),
        "softmaxed": softmaxed,
        "exponentials": lambda tokens, Q, query: np.exp(tokens @ Q @ query),
        "minus_scores": lambda tokens, Q, query: -tokens @ Q @ query,
        "over_root_D": lambda tokens, Q, query: tokens @ Q @ query / np.sqrt(len(query)),
    },
)


def moments(tokens):
    """S, the mean of e e^T -> (D, D)"""
    return tokens.T @ tokens / len(tokens)


def between(tokens):
    """What comes of `tokens @ tokens.T`, which fits only where there are as many tokens as they have numbers -> (D, D)"""
    n, D = tokens.shape
    return tokens @ tokens.T / n if n == D else np.full((D, D), np.nan)


def lent(tokens):
    """The S of the notebook, which fits only tokens of two numbers -> (D, D)"""
    D = tokens.shape[1]
    return S_OF_THE_NOTEBOOK if D == 2 else np.full((D, D), np.nan)


def contexts():
    """Tokens (n, D), P, Q (D, D) and a query (D,)."""
    rng = np.random.default_rng(0)
    yield TOKENS, P_SMALL, Q_SMALL, np.array([1.0, 2.0])
    yield rng.normal(size=(7, 3)), rng.normal(size=(3, 3)), rng.normal(size=(3, 3)), rng.normal(size=3)


class Traced(np.ndarray):
    """An array that keeps what is made of it, in the list `made` that it and its offspring share."""

    made = ()

    def __array_finalize__(self, parent):
        self.made = getattr(parent, "made", ())
        if isinstance(self.made, list):
            self.made.append(self)


class WithoutScores(Exercise):
    """An exercise whose right answer must do without the scores of the tokens."""

    def judge(self, attempt):
        verdict = super().judge(attempt)
        if verdict.id != "exercise.correct" or not holds_scores(attempt):
            return verdict
        return Message("exercise.not_yet", complaint=self._entry("by_scores"))


def holds_scores(attempt):
    """Does an attempt make one array of all scores, or of the scores over n, on its way?

    Seen is what NumPy makes of the tokens. Scores that are made one by one, in a loop or within one call of einsum, and those of a copy
    that `np.array` has made, are not: they count as none.

    Parameters
    ----------
    attempt : function of tokens (n, D), P (D, D), Q (D, D) and query (D,).

    Returns
    -------
    bool
    """
    *_, (tokens, P, Q, query) = contexts()
    right = tokens @ Q @ query  # (n,)
    traced = tokens.view(Traced)
    traced.made = []
    attempt(traced, P, Q, query)
    made = [np.asarray(each).ravel() for each in traced.made if each.size == right.size]
    return any(np.allclose(each, right) or np.allclose(each, right / len(right)) for each in made)


by_moments = WithoutScores(
    name="attention.by_moments",
    solution=lambda tokens, P, Q, query: P @ moments(tokens) @ Q @ query,
    cases=contexts,
    mistakes={
        "summed_over_tokens": lambda tokens, P, Q, query: P @ tokens.T @ tokens @ Q @ query,
        "between_tokens": lambda tokens, P, Q, query: P @ between(tokens) @ Q @ query,
        "query_added": lambda tokens, P, Q, query: query + P @ moments(tokens) @ Q @ query,
        "p_q_changed": lambda tokens, P, Q, query: Q @ moments(tokens) @ P @ query,
        "entry_by_entry": lambda tokens, P, Q, query: P * moments(tokens) * Q @ query,
        "without_S": lambda tokens, P, Q, query: P @ Q @ query,
        "without_Q": lambda tokens, P, Q, query: P @ moments(tokens) @ query,
        "without_query": lambda tokens, P, Q, query: P @ moments(tokens) @ Q,
        "minus_update": lambda tokens, P, Q, query: -P @ moments(tokens) @ Q @ query,
        "S_of_the_notebook": lambda tokens, P, Q, query: P @ lent(tokens) @ Q @ query,
        "without_P": lambda tokens, P, Q, query: moments(tokens) @ Q @ query,
        "Q_turned": lambda tokens, P, Q, query: P @ moments(tokens) @ Q.T @ query,
        "P_turned": lambda tokens, P, Q, query: P.T @ moments(tokens) @ Q @ query,
        "row_form": lambda tokens, P, Q, query: query @ P @ moments(tokens) @ Q,
        "query_in_S": lambda tokens, P, Q, query: P @ moments(np.vstack([tokens, query])) @ Q @ query,
        "centred": lambda tokens, P, Q, query: P @ np.cov(tokens.T) @ Q @ query,
        "means_multiplied": lambda tokens, P, Q, query: (
            P @ np.outer(tokens.mean(axis=0), tokens.mean(axis=0)) @ Q @ query
        ),
        "over_D": lambda tokens, P, Q, query: P @ (tokens.T @ tokens / len(query)) @ Q @ query,
    },
)


def cases():
    """Tokens (n, D) and matrices P, Q (D, D), n above and below D."""
    yield TOKENS, P_SMALL, Q_SMALL
    rng = np.random.default_rng(0)
    for n, D in ((7, 3), (4, 6)):
        yield rng.normal(size=(n, D)), rng.normal(size=(D, D)), rng.normal(size=(D, D))


def linear_attention(tokens, P, Q):
    return tokens + tokens @ (P @ moments(tokens) @ Q).T


def summed(tokens, P, Q):
    return tokens + tokens @ (P @ (tokens.T @ tokens) @ Q).T


def update_alone(tokens, P, Q):
    return linear_attention(tokens, P, Q) - tokens


def not_transposed(tokens, P, Q):
    return tokens + tokens @ (P @ moments(tokens) @ Q)


def where_it_fits(wrong):
    """A wrong layer, of the tokens and P S Q, that has their shape only where there are as many of them as they have numbers."""

    def layer(tokens, P, Q):
        n, D = tokens.shape
        return wrong(tokens, P @ moments(tokens) @ Q) if n == D else np.full((n, D), np.nan)

    return layer


def exchanged(tokens, P, Q):
    return linear_attention(tokens, Q, P)


def softmax_kept(tokens, P, Q):
    weights = np.exp(tokens @ Q.T @ tokens.T)
    return tokens + weights / weights.sum(axis=1, keepdims=True) @ tokens @ P.T


class InLittleMemory(Exercise):
    """An exercise whose right answer holds no array with an entry for every pair of tokens."""

    def judge(self, attempt):
        verdict = super().judge(attempt)
        if verdict.id != "exercise.correct":
            return verdict
        if peak(attempt) < MANY**2:
            return verdict
        return Message("exercise.not_yet", complaint=self._entry("scores_held", many=MANY))


def peak(attempt):
    """Most bytes that a function of tokens, P and Q holds at once for MANY tokens of 4 numbers."""
    tracemalloc.start()
    try:
        attempt(np.ones((MANY, 4)), np.eye(4), np.eye(4))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


in_order_n = InLittleMemory(
    name="attention.in_order_n",
    keeps=True,  # later cells run it on the notebook's own tokens
    solution=linear_attention,
    cases=cases,
    mistakes={
        "summed_over_tokens": summed,
        "update_alone_layer": update_alone,
        "p_s_q": not_transposed,
        "p_s_q_alone": lambda tokens, P, Q: tokens @ P @ moments(tokens) @ Q,
        "tokens_as_columns": where_it_fits(lambda tokens, U: tokens + U @ tokens),
        "tokens_as_columns_alone": where_it_fits(lambda tokens, U: U @ tokens),
        "not_turned_back": where_it_fits(lambda tokens, U: tokens + U @ tokens.T),
        "not_turned_back_alone": where_it_fits(lambda tokens, U: U @ tokens.T),
        "without_tokens": lambda tokens, P, Q: P @ moments(tokens) @ Q,
        "S_of_the_notebook": lambda tokens, P, Q: tokens + tokens @ (P @ lent(tokens) @ Q).T,
        "between_tokens": lambda tokens, P, Q: tokens + tokens @ (P @ between(tokens) @ Q).T,
        "p_q_changed": exchanged,
        "softmax_still_there": softmax_kept,
        "subtracted": lambda tokens, P, Q: 2 * tokens - linear_attention(tokens, P, Q),
    },
)
