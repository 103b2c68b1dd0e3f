"""Notebook 01: linear attention whose cost grows with n, not with n^2."""

import tracemalloc

import numpy as np

from .base import Exercise

MANY = 1_000  # tokens of the test for memory


def cases():
    """Tokens (n, D) and matrices P, Q (D, D), n above and below D."""
    rng = np.random.default_rng(0)
    for n, D in ((7, 3), (4, 6)):
        yield rng.normal(size=(n, D)), rng.normal(size=(D, D)), rng.normal(size=(D, D))


def linear_attention(tokens, P, Q):
    S = tokens.T @ tokens / len(tokens)
    return tokens + tokens @ (P @ S @ Q).T


def summed(tokens, P, Q):
    return tokens + tokens @ (P @ (tokens.T @ tokens) @ Q).T


def update_alone(tokens, P, Q):
    return linear_attention(tokens, P, Q) - tokens


def not_transposed(tokens, P, Q):
    return tokens + tokens @ (P @ (tokens.T @ tokens / len(tokens)) @ Q)


def exchanged(tokens, P, Q):
    return linear_attention(tokens, Q, P)


def softmax_kept(tokens, P, Q):
    weights = np.exp(tokens @ Q.T @ tokens.T)
    return tokens + weights / weights.sum(axis=1, keepdims=True) @ tokens @ P.T


class InLittleMemory(Exercise):
    """An exercise whose right answer must do without an array that has an entry for every pair of tokens."""

    def verdict(self, attempt):
        verdict = super().verdict(attempt)
        if not verdict.startswith("Correct") or peak(attempt) < MANY**2:
            return verdict
        return (
            f"Not yet. The numbers are right, but for {MANY} tokens your code holds {MANY} x {MANY} scores on the way: "
            "multiply the tokens with each other first, as S, before a query comes in."
        )


def peak(attempt):
    """Most bytes that a function of tokens, P and Q holds at once for MANY tokens of 4 numbers."""
    tracemalloc.start()
    try:
        attempt(np.ones((MANY, 4)), np.eye(4), np.eye(4))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


in_order_n = InLittleMemory(
    solution=linear_attention,
    cases=cases,
    mistakes={
        "You summed over the tokens: S is their mean, so divide by n.": summed,
        "That is the update alone: a layer adds it to the tokens.": update_alone,
        "P S Q acts on a token that is a column. Your tokens are rows: multiply them by its transpose.": not_transposed,
        "P and Q have changed places: Q acts on the token that reads, P on what it has read.": exchanged,
        "The softmax is still there: leave the scores as they are and divide by n.": softmax_kept,
    },
    well_done="S is all that is kept of the tokens, and no array on the way has an entry for every pair of them.",
)
