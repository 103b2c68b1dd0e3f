"""The attention lab: the map with an entry for every pair of tokens, the state that does the same work, and what both cost.

Tokens are e = (x, y) with y = <w, x>, |w| = 1. Attention compares inputs alone: the score of a pair is sharpness <x_i, x_j> / sqrt(d). A
shorter context is the start of a longer one. Panels: the map, row by row what each token reads; the state S, on the same scale; what one
more token, the query, reads; and the cost of one layer against n, counted or measured on the machine at hand.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import figures
from ..figures import Axis, Panel
from ..task import second_moments
from .attention_forms import FORMS, LENGTHS, microseconds, products
from .base import Lab
from .controls import Choice, Prediction, Seed, Slider

LARGEST = 32  # tokens, and numbers in a token
READ, COST = (-0.6, 1.05), (0.1, 1e5)  # ends of the axes
STYLES = {
    "softmax": (figures.RED, "solid"),
    "map first": (figures.ORANGE, "dash"),
    "state first": (figures.BLUE, "solid"),
}


@dataclass(frozen=True)
class Attention:
    """Everything that the lab shows at one setting: n tokens of D = d + 1 numbers."""

    weights: np.ndarray  # (n, n): how much token i (row) reads of token j, by softmax or linear
    state: np.ndarray  # (D, D)
    by_softmax: np.ndarray  # (n,): how much the query reads of each token
    by_score: np.ndarray  # (n,): the same, linear
    measured: bool
    cost: np.ndarray  # (3, 19): of each form at LENGTHS: thousand multiplications, or microseconds
    guess: int | None


@lru_cache(maxsize=32)
def sequence(seed):
    """The longest inputs (32, 31), a truth (31,) and the input of a query (31,)."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(LARGEST, LARGEST - 1)), rng.normal(size=LARGEST - 1), rng.normal(size=LARGEST - 1)


def softmax(scores):
    """Weights that are positive and sum to 1 along the last axis."""
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


class AttentionLab(Lab):
    """Slide the number of tokens and of features; compare the attention map with the state, and their costs.

    AttentionLab(n=16, d=4, attention="softmax")
    """

    CONTROLS = dict(
        n=Slider("Tokens n", 2, LARGEST, 1, value=16),
        d=Slider("Features d", 1, LARGEST - 1, 1, value=5),
        sharpness=Slider("Sharpness", 0.0, 8.0, 0.25, value=2.0),
        attention=Choice("Map", ("softmax", "linear"), "softmax"),
        cost=Choice("Cost", {"counted": "counted", "measured here": "measured"}, "counted"),
        guess=Prediction("Predict: cross at n", 2, 64, 1),
        seed=Seed(value=3),
    )

    @staticmethod
    def compute(n, d, sharpness, attention, cost, guess, seed):
        inputs, truth, query = sequence(seed)
        x, w, query = inputs[:n, :d], truth[:d] / np.linalg.norm(truth[:d]), query[:d]
        scores, of_query = sharpness * x @ x.T / np.sqrt(d), sharpness * x @ query / np.sqrt(d)
        return Attention(
            weights=softmax(scores) if attention == "softmax" else scores / n,
            state=second_moments(x[None], (x @ w)[None])[0],
            by_softmax=softmax(of_query),
            by_score=of_query / n,
            measured=cost == "measured",
            cost=microseconds(d + 1)
            if cost == "measured"
            else np.stack([products(n, d + 1) for n in LENGTHS], axis=1) / 1e3,
            guess=guess,
        )

    @staticmethod
    def draw(state):
        return figures.figure([panel(state) for panel in (map_panel, state_panel, query_panel, cost_panel)])

    @staticmethod
    def words(state):
        n, D = len(state.weights), len(state.state)
        most = state.by_softmax.argmax()
        reads = f"reads most of token {most + 1}: {state.by_softmax[most]:.2f} with the softmax, {state.by_score[most]:.2f} without"
        if not state.by_score.any():
            reads = f"reads all tokens alike: {1 / n:.2g} of each with the softmax, nothing without"
        said = [f"{n} tokens of {D} numbers: the map has {n * n} entries, S has {D * D}. The query {reads}."]
        if state.measured:
            times = ", ".join(f"{form} {time / 1e3:.2g} ms" for form, time in zip(FORMS, state.cost[:, -1]))
            said += [f"On this machine {LENGTHS[-1]} such tokens took: {times}."]
        else:
            counts = ", ".join(f"{form} {count:,}" for form, count in zip(FORMS, products(n, D)))
            said += [f"Multiplications of one layer: {counts}."]
        return " ".join(said + ["What lies beyond an axis is drawn at its edge."] * lies_outside(state))


def matrix(values, limit):
    """A heat map with one cell an entry, rows from the top."""
    rows, columns = (np.arange(1.0, size + 1) for size in values.shape)
    return figures.heatmap(
        values,
        columns,
        rows,
        limit=limit,
        showscale=False,
        hovertemplate="%{y}, %{x}: %{z:.2f}<extra></extra>",
    )


def matrix_axes(row, column):
    ticks = (1, 8, 16, 24, 32)
    return Axis(column, 0.5, LARGEST + 0.5, ticks=ticks), Axis(row, LARGEST + 0.5, 0.5, ticks=ticks)


def map_panel(state):
    n = len(state.weights)
    return Panel("The map: row i reads column j", *matrix_axes("token i", "token j")), [
        matrix(n * state.weights, 3.0)
    ]


def state_panel(state):
    edge, end = len(state.state) - 0.5, len(state.state) + 0.5  # where x ends and y begins, and where y ends
    borders = ([edge, edge], [0.5, end]), ([0.5, end], [edge, edge])
    lines = [figures.line(*border, None, figures.GREY, width=2, hoverinfo="skip") for border in borders]
    return Panel("The state S: mean of e eᵀ", *matrix_axes("row", "column")), [
        matrix(state.state, 1.5),
        *lines,
    ]


def query_panel(state):
    token = np.arange(1.0, len(state.by_softmax) + 1)
    traces = [
        figures.line([0, LARGEST + 1], [0, 0], None, figures.GREY, "dot", 1, hoverinfo="skip"),
        figures.line(token, state.by_softmax, "softmax", figures.RED, width=1.5, symbol="circle"),
        figures.line(
            token, within(state.by_score, READ), "linear", figures.BLUE, "dash", 1.5, symbol="diamond"
        ),
    ]
    return Panel(
        "What the query reads", Axis("token", 0, LARGEST + 1, ticks=(1, 8, 16, 24, 32)), Axis("weight", *READ)
    ), traces


def cost_panel(state):
    n = len(state.weights)
    traces = [figures.line([n, n], COST, "n now", figures.GREY, "dot", 1.5, hoverinfo="skip")]
    traces += [
        figures.line(LENGTHS, within(cost, COST), form, *STYLES[form])
        for form, cost in zip(FORMS, state.cost)
    ]
    if state.guess is not None:
        traces += [
            figures.line(
                [state.guess, state.guess],
                COST,
                "prediction",
                figures.PREDICTION,
                "dash",
                2,
                hoverinfo="skip",
            )
        ]
    unit = "microseconds" if state.measured else "1,000 products"
    return Panel(
        "Cost of one layer",
        Axis("n", 1, LENGTHS[-1], log=True, ticks=(1, 4, 16, 64, 256, 1024)),
        Axis(unit, *COST, log=True),
    ), traces


def within(values, ends):
    return figures.clip(values, *ends)[0]


def lies_outside(state):
    return figures.clip(state.by_score, *READ)[1] or figures.clip(state.cost, *COST)[1]
