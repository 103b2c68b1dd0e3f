"""Notebook 01: linear attention whose cost grows with n, not with n^2."""

import tracemalloc

import numpy as np

from ..language import Message
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

    def judge(self, attempt):
        verdict = super().judge(attempt)
        if verdict.id != "exercise.correct" or peak(attempt) < MANY**2:
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
    solution=linear_attention,
    cases=cases,
    mistakes={
        "summed_over_tokens": summed,
        "update_alone_layer": update_alone,
        "p_s_q": not_transposed,
        "p_q_changed": exchanged,
        "softmax_still_there": softmax_kept,
    },
)
