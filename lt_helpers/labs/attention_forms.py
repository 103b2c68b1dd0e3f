"""One layer of attention in three forms, and what each costs: the softmax, the map without it, and the state first.

Tokens are rows here. The second and the third form give the same answer; only the order of their products differs.
"""

from functools import lru_cache
from time import perf_counter

import numpy as np

LENGTHS = tuple(round(2 ** (power / 2)) for power in range(2, 21))  # 2, 3, 4, 6, ... 1024 tokens
ROUNDS = 3


def softmax_attention(tokens, P, Q):
    """Each token reads a weighted mean of all: weights exp(score), made to sum to 1.    tokens (n, D), P, Q (D, D) -> (n, D)"""
    scores = tokens @ Q.T @ tokens.T  # (n, n)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return tokens + weights / weights.sum(axis=1, keepdims=True) @ (tokens @ P.T)


def map_first(tokens, P, Q):
    """Linear attention through the n x n map of scores.    tokens (n, D), P, Q (D, D) -> (n, D)"""
    return tokens + tokens @ Q.T @ tokens.T / len(tokens) @ (tokens @ P.T)


def state_first(tokens, P, Q):
    """Linear attention through the D x D state S, the mean of e e^T (eq. 3).    tokens (n, D), P, Q (D, D) -> (n, D)"""
    S = tokens.T @ tokens / len(tokens)
    return tokens + tokens @ (P @ S @ Q).T


FORMS = {"softmax": softmax_attention, "map first": map_first, "state first": state_first}


def products(n, D):
    """Multiplications of each form for n tokens of D numbers; an exponential or a division counts as one -> (3,) ints, in FORMS' order."""
    linear = 2 * n * D**2 + 2 * n**2 * D  # queries and values, then scores and mixing
    return np.array([linear + 2 * n**2, linear, 2 * n * D**2 + 2 * D**3])


@lru_cache(maxsize=64)
def microseconds(D):
    """Time of each form on this machine, now, at each of LENGTHS: the best of a few rounds, taken in turn -> (3, 19)."""
    rng = np.random.default_rng(0)
    P, Q = rng.normal(size=(2, D, D)) / D
    best = np.full((len(FORMS), len(LENGTHS)), np.inf)
    for column, n in enumerate(LENGTHS):
        tokens = rng.normal(size=(n, D))
        for _ in range(ROUNDS):
            for row, form in enumerate(FORMS.values()):
                start = perf_counter()
                form(tokens, P, Q)
                best[row, column] = min(best[row, column], 1e6 * (perf_counter() - start))
    return best
