"""The attention lab: the map with an entry for every pair of tokens, the state that does the same work, and what both cost.

Tokens are e = (x, y) with y = <w, x>, |w| = 1, and rows here. Attention compares inputs alone: the score of a pair is sharpness
<x_i, x_j> / sqrt(d). A shorter context is the start of a longer one. Panels: the map, row by row what each token reads; the state S, on
the same scale; what one more token, the query, reads; and the cost of one layer against n, counted or measured on the machine at hand.
"""

from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter

import numpy as np

from ..language import Message
from ..task import second_moments
from ..view.panel import Axis, Curve, Guess, Heat, Panel, Path
from .base import Lab
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Seed, Slider
from .frozen import Frozen
from .marks import level, log_axis, upright
from .material import sequence

LARGEST = 32  # tokens, and numbers in a token
LENGTHS = tuple(round(2 ** (power / 2)) for power in range(2, 21))  # 2, 3, 4, 6, ... 1024 tokens
ROUNDS = 3  # of measuring
TICKS = (1, 8, 16, 24, 32)
TOKEN = Axis("token", 0, LARGEST + 1, ticks=TICKS)
READ = Axis("weight", -0.6, 1.05)
LENGTH = log_axis("n", 1, LENGTHS[-1], (1, 4, 16, 64, 256, 1024))
STAR = 1.0  # how high the predicted crossing stands, in thousand products
TOLD_OF = dict(
    n=8, d=5, sharpness=2.0, attention="softmax", cost="counted", seed=3
)  # what the beats are about
GROWTH = {
    Message(f"attention.choice.{name}"): value for name, value in (("as_many", 1), ("twice", 2), ("four", 4))
}
READERS = {Message(f"attention.choice.{name}"): name for name in ("softmax", "linear", "both")}
ALONE = 0.75  # a token with this share is read nearly alone
ROLES = {"softmax": "second", "map_first": "third", "state_first": "model"}  # of the forms of attention


def softmax(scores):
    """Weights that are positive and sum to 1 along the last axis."""
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def softmax_attention(tokens, P, Q):
    """Each token reads a weighted mean of all.

    Parameters
    ----------
    tokens : (n, D) array.
    P, Q : (D, D) arrays.

    Returns
    -------
    (n, D) array.  The tokens after one layer.
    """
    scores = tokens @ Q.T @ tokens.T  # (n, n)
    weights = softmax(scores)  # (n, n)
    values = tokens @ P.T  # (n, D)
    return tokens + weights @ values


def map_first(tokens, P, Q):
    """Linear attention through the map of scores: as `softmax_attention`, with the scores themselves, over n, for weights."""
    scores = tokens @ Q.T @ tokens.T  # (n, n)
    values = tokens @ P.T  # (n, D)
    return tokens + scores / len(tokens) @ values


def state_first(tokens, P, Q):
    """The answer of `map_first` through the state S, the mean of e e^T (eq. 3): only the order of the products differs."""
    S = tokens.T @ tokens / len(tokens)  # (D, D)
    update = P @ S @ Q  # (D, D)
    return tokens + tokens @ update.T


FORMS = {"softmax": softmax_attention, "map_first": map_first, "state_first": state_first}


def products(n, D):
    """Multiplications of each form for n tokens of D numbers; an exponential or a division counts as one -> (3,) ints, in FORMS' order."""
    queries_and_values = 2 * n * D**2
    scores_and_mixing = 2 * n**2 * D
    normalising = 2 * n**2
    with_map = queries_and_values + scores_and_mixing
    with_state = 2 * n * D**2 + 2 * D**3  # S and its product with the tokens; P S and its product with Q
    return np.array([with_map + normalising, with_map, with_state])


@lru_cache(maxsize=64)
def microseconds(D):
    """Time of each form on this machine, now, at each of LENGTHS: the best of a few rounds, taken in turn -> (3, 19)"""
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


def thousand_products(D):
    """The count of each form, in thousands, at each of LENGTHS -> (3, 19)"""
    return np.stack([products(n, D) for n in LENGTHS], axis=1) / 1e3


@dataclass(frozen=True)
class AttentionState(Frozen):
    """Everything that the lab shows at one setting: n tokens of D = d + 1 numbers."""

    weights: np.ndarray  # (n, n): how much token i (row) reads of token j, by softmax or linear
    state: np.ndarray  # (D, D)
    by_softmax: np.ndarray  # (n,): how much the query reads of each token
    by_score: np.ndarray  # (n,): the same, linear
    measured: bool
    cost: np.ndarray  # (3, 19): of each form at LENGTHS: thousand multiplications, or microseconds


def choose(first, second):
    """A choice of two, the first by default."""
    return Choice({Message(f"attention.choice.{value}"): value for value in (first, second)}, first)


class AttentionLab(Lab):
    """Slide the number of tokens and of features; compare the attention map with the state, and their costs.

    AttentionLab(n=16, d=4, attention="softmax")
    """

    NAME = "attention"
    NO_TASK = Message("task.attention")
    CONTROLS = dict(
        n=Slider(2, LARGEST, 1, value=16),
        d=Slider(1, LARGEST - 1, 1, value=5),
        sharpness=Slider(0.0, 8.0, 0.25, value=2.0),
        attention=choose("softmax", "linear"),
        cost=choose("counted", "measured"),
        map_guess=Opinion(GROWTH),
        state_guess=Opinion(GROWTH),
        guess=Prediction(2, 64, 1),
        alone_guess=Opinion(READERS),
        seed=Seed(3),
    )
    BEATS = (
        Beat(
            "map",
            panels=("map",),
            control="n",
            values=TOLD_OF,
            ask="map_guess",
            at=dict(n=16),
            answer=lambda state, begun: state.weights.size // begun.weights.size,
            tell=lambda state, begun: dict(before=begun.weights.size, after=state.weights.size),
        ),
        Beat(
            "state",
            panels=("map", "state"),
            control="n",
            values=TOLD_OF,
            ask="state_guess",
            at=dict(n=16),
            answer=lambda state, begun: state.state.size // begun.state.size,
            tell=lambda state, begun: dict(size=state.state.size, map=state.weights.size),
        ),
        Beat(
            "cost",
            panels=("cost",),
            control="d",
            values=TOLD_OF,
            ask="guess",
            at=dict(d=15),
            answer=lambda state, begun: crossing(len(state.state)),
        ),
        Beat(
            "sharp",
            panels=("query",),
            control="sharpness",
            values={**TOLD_OF, "n": 16},
            ask="alone_guess",
            at=dict(sharpness=6.0),
            answer=lambda state, begun: alone(state),
            tell=lambda state, begun: dict(
                share=state.by_softmax.max(),
                growth=state.by_score.max() / begun.by_score.max(),
                before=begun.by_score.max(),
                after=state.by_score.max(),
                part=shares(state)[1].max(),
            ),
        ),
    )

    @staticmethod
    def compute(n, d, sharpness, attention, cost, seed):
        # The first n tokens and d features of the longest sequence; |w| = 1, so that y has one size at any d.
        longest = sequence(seed, dim=LARGEST - 1, context=LARGEST, queries=1, noise=False)
        x = longest.x[:n, :d]  # (n, d)
        query = longest.queries[0, :d]  # (d,)
        w = longest.truth[:d] / np.linalg.norm(longest.truth[:d])  # (d,)
        y = x @ w  # (n,)

        # Products of d features grow as sqrt(d), which the scores do not show.
        scale = sharpness / np.sqrt(d)
        scores = scale * x @ x.T  # (n, n)
        query_scores = scale * x @ query  # (n,)
        return AttentionState(
            weights=softmax(scores) if attention == "softmax" else scores / n,
            state=second_moments(x[None], y[None])[0],
            by_softmax=softmax(query_scores),
            by_score=query_scores / n,
            measured=cost == "measured",
            cost=microseconds(d + 1) if cost == "measured" else thousand_products(d + 1),
        )

    @staticmethod
    def panels(state, ghost, guesses):
        return [map_panel(state), state_panel(state), query_panel(state), cost_panel(state, guesses["guess"])]

    @staticmethod
    def words(state, ghost):
        return [
            sizes(state).on("map", "state"),
            reading(state).on("query"),
            costs(state).on("cost"),
        ]


def crossing(D):
    """The smallest number of tokens at which to build S first costs no more than the map, counted in products."""
    n = 1
    while products(n, D)[1] < products(n, D)[2]:
        n += 1
    return n


def shares(state):
    """How much of all that the query reads is each token's, by size: with the softmax, and linear -> (2, n)"""
    sizes = abs(np.stack([state.by_softmax, state.by_score]))  # (2, n)
    return sizes / sizes.sum(axis=1, keepdims=True)


def alone(state):
    """Which of the two reads nearly one token alone, as an option of READERS; "" for neither."""
    softmax, linear = shares(state).max(axis=1) >= ALONE
    return "both" if softmax and linear else "softmax" if softmax else "linear" if linear else ""


def sizes(state):
    """How large the map is, and the state."""
    n, D = len(state.weights), len(state.state)
    return Message("attention.sizes", tokens=n, numbers=D, map=n * n, state=D * D)


def reading(state):
    """Of which token the query reads most."""
    if not state.by_score.any():
        return Message("attention.reads_alike", share=1 / len(state.by_softmax))
    most = state.by_softmax.argmax()
    return Message(
        "attention.reads_most", token=most + 1, softmax=state.by_softmax[most], linear=state.by_score[most]
    )


def costs(state):
    """What one layer costs: in products at this n, or in time at the largest, where the clock can tell."""
    names = [Message(f"attention.mark.{form}") for form in FORMS]
    if state.measured:
        milliseconds = state.cost[:, -1] / 1e3  # (3,)
        times = [Message("attention.time", form=form, time=time) for form, time in zip(names, milliseconds)]
        return Message("attention.measured", tokens=LENGTHS[-1], times=times)
    numbers = products(len(state.weights), len(state.state))  # (3,)
    counts = [Message("attention.products", form=form, number=number) for form, number in zip(names, numbers)]
    return Message("attention.counted", counts=counts)


def heat(name, values, limit):
    """A heat map with one cell an entry, rows from the top."""
    rows, columns = (np.arange(1.0, size + 1) for size in values.shape)
    return Heat("weights", columns, rows, name=name, z=values, limit=limit)


def matrix_axes(column, row):
    """The columns of a matrix of up to 32 x 32, and its rows from the top."""
    return Axis(column, 0.5, LARGEST + 0.5, ticks=TICKS), Axis(row, LARGEST + 0.5, 0.5, ticks=TICKS)


def map_panel(state):
    """n times the weights: 1 where a token reads all alike."""
    n = len(state.weights)
    return Panel("map", *matrix_axes("token_j", "token_i"), [heat("map", n * state.weights, 3.0)])


def state_panel(state):
    """The state, with the borders between x and y."""
    D = len(state.state)
    border, end = D - 0.5, D + 0.5
    marks = [
        heat("state", state.state, 1.5),
        Curve("border", [border, border], [0.5, end], name="border_right", keyed=False, hover=""),
        Curve("border", [0.5, end], [border, border], name="border_below", keyed=False, hover=""),
    ]
    return Panel("state", *matrix_axes("column", "row"), marks)


def query_panel(state):
    """What one more token reads of each, with the softmax and without."""
    token = np.arange(1, len(state.by_softmax) + 1)
    marks = [
        level(TOKEN, 0.0),
        Path(ROLES["softmax"], token, state.by_softmax, name="softmax"),
        Path(ROLES["state_first"], token, state.by_score, name="linear"),
    ]
    return Panel("query", TOKEN, READ, marks)


def cost_panel(state, guess):
    """The cost of each form against n."""
    n = len(state.weights)
    y = Axis("microseconds" if state.measured else "products", 0.1, 1e5, log=True)
    marks = [upright(n, y, "n_now", keyed=True)]
    for form, cost in zip(FORMS, state.cost):
        marks.append(Curve(ROLES[form], LENGTHS, cost, name=form))
    marks.append(Guess(guess, STAR, grab="guess", along="x"))
    return Panel("cost", LENGTH, y, marks)
