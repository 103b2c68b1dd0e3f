"""The implicit lab: what every layer holds, for a trained model or for one with random weights.

The sequence is fixed: truth, inputs and the direction of the noise stay while sigma slides. Panels: the implicit weight after each layer,
row by row, down to the oracle's and the truth (Theorem 4.1); its distance to both; the other parts of the state, M, u and a; and the
model's answers to other queries, computed from tokens, against what the implicit weight says they must be.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import figures
from ..figures import Axis, Panel
from ..implicit import implicit_from_moments
from ..model import LinearTransformer, attend
from ..noise import Uniform
from ..pretrained import load_pretrained, stored_layers
from ..spectrum import Spectrum
from ..task import second_moments
from .base import Lab
from .controls import Choice, Prediction, Seed, Slider

DIM, CONTEXT, QUERIES = 10, 20, 12
TRAINED_ON = Uniform(5.0)
DEEPEST = 7
MODELS = {"trained DIAG": "diag", "trained FULL": "full", "trained GD++": "gd++", "random FULL": "random"}
DISTANCE, PARTS, ANSWER = (0.0, 6.0), (0.0, 2.5), (-8.0, 8.0)  # ends of the axes


@dataclass(frozen=True)
class ImplicitState:
    """Everything that the lab shows at one setting. L layers, d = 10 components, 12 queries."""

    sigma: float
    path: np.ndarray  # (L+1, d): the implicit weight before the first and after each layer
    oracle: np.ndarray  # (d,): ridge regression that is told sigma
    truth: np.ndarray  # (d,)
    to_truth: np.ndarray  # (L+1,): distances of the implicit weight
    to_oracle: np.ndarray  # (L+1,)
    M_moved: np.ndarray  # (L+1,): |M - I| / sqrt(d), root of the mean square over rows
    u_length: np.ndarray  # (L+1,)
    a: np.ndarray  # (L+1,)
    answers: np.ndarray  # (12,): of the model, through attention over tokens
    foretold: np.ndarray  # (12,): <w^L, x>
    guess: float | None


@lru_cache(maxsize=32)
def sequence(seed):
    """One sequence without its noise: inputs (n, d), truth (d,), the direction of the noise (n,), and other queries (12, d)."""
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(CONTEXT, DIM)),
        rng.normal(size=DIM),
        rng.normal(size=CONTEXT),
        rng.normal(size=(QUERIES, DIM)),
    )


@lru_cache(maxsize=64)
def model_of(model, heads, layers):
    """A stored model, or one with random weights: as much in all, whatever the depth and the number of heads, and rarely too much."""
    if model != "random":
        return load_pretrained(model, layers, TRAINED_ON, heads)
    scale = np.sqrt(0.04 / layers / np.sqrt(heads))
    return LinearTransformer.random("full", DIM, layers, heads, np.random.default_rng([layers, heads]), scale)


def heads_of(model):
    """The numbers of heads that the lab offers for a model."""
    return [heads for heads in (1, 2, 3) if model == "random" or stored_layers(model, TRAINED_ON, heads)]


def depths(model, heads):
    """The depths that the lab offers for a model."""
    return (
        range(1, DEEPEST + 1)
        if model == "random"
        else [L for L in stored_layers(model, TRAINED_ON, heads) if L <= DEEPEST]
    )


class ImplicitLab(Lab):
    """Choose a model, slide depth and noise, and watch the weight that each layer keeps go from 0 to the truth, or elsewhere.

    ImplicitLab(model="diag", layers=4, sigma=1.0)
    """

    CONTROLS = dict(
        model=Choice("Model", MODELS, "diag"),
        heads=Choice("Heads", heads_of, 1),
        layers=Choice("Layers", depths, 4, slide=True),
        sigma=Slider("Noise σ", 0.0, 5.0, 0.1, value=0.5),
        guess=Prediction("Predict: distance", 0.0, 6.0, 0.25),
        seed=Seed(),
    )

    @staticmethod
    @np.errstate(over="ignore", invalid="ignore")
    def compute(model, heads, layers, sigma, guess, seed):
        x, truth, direction, queries = sequence(seed)
        y = x @ truth + sigma * direction
        S = second_moments(x[None], y[None])
        transformer = model_of(model, heads, layers)
        state = implicit_from_moments(transformer, S)
        w, oracle = state.w[0], Spectrum.from_moments(S, CONTEXT).ridge([sigma])[0]
        repeated = np.broadcast_to(x, (QUERIES, *x.shape)), np.broadcast_to(y, (QUERIES, CONTEXT))
        return ImplicitState(
            sigma=sigma,
            path=w,
            oracle=oracle,
            truth=truth,
            to_truth=np.linalg.norm(w - truth, axis=1),
            to_oracle=np.linalg.norm(w - oracle, axis=1),
            M_moved=np.linalg.norm(state.M[0] - np.eye(DIM), axis=(1, 2)) / np.sqrt(DIM),
            u_length=np.linalg.norm(state.u[0], axis=1),
            a=state.a[0],
            answers=attend(transformer.P, transformer.Q, *repeated, queries),
            foretold=queries @ w[-1],
            guess=guess,
        )

    @staticmethod
    def draw(state):
        panels = [panel(state) for panel in (weight_panel, distance_panel, parts_panel, answer_panel)]
        return figures.figure(panels, columns=2, height=460)

    @staticmethod
    def words(state):
        depth = len(state.path) - 1
        said = f"σ = {state.sigma:.1f} (σ² = {state.sigma**2:.2f}), {depth} layer{'s' * (depth > 1)}: the weight "
        if not np.isfinite([state.to_truth[-1], *state.answers]).all():
            return said + "grows beyond all numbers. A smaller σ or another model brings it back."
        gap = (abs(state.answers - state.foretold) / np.maximum(1, abs(state.foretold))).max()
        start, end, apart = (
            distance(value) for value in (state.to_truth[0], state.to_truth[-1], state.to_oracle[-1])
        )
        same = "equal" if gap < 1e-9 else f"equal to within {gap:.1g}"
        said += (
            f"goes from {start} away from the truth to {end} away, and is then {apart} from the oracle's. "
        )
        said += f"Answers to 12 queries and ⟨w, x⟩ are {same}."
        return said + (" What lies beyond an axis is drawn at its edge." if lies_outside(state) else "")


def distance(value):
    return f"{value:.2f}" if value < 100 else "more than 100"


def weight_panel(state):
    rows = np.vstack([state.truth, state.oracle, np.clip(state.path, -10, 10)[::-1]])  # from below
    names = ["truth", "oracle", *(f"w<sup>{layer}</sup>" for layer in reversed(range(len(state.path))))]
    row = np.arange(float(len(rows)))
    trace = figures.heatmap(
        rows,
        np.arange(1.0, DIM + 1),
        row,
        limit=2.5,
        showscale=False,
        hovertemplate="%{z:.2f}<extra></extra>",
    )
    panel = Panel(
        "w after each layer: blue −, red +",
        Axis("component", 0.5, DIM + 0.5, ticks=tuple(range(1, DIM + 1))),
        Axis("", -0.5, DEEPEST + 2.5, ticks=tuple(row), labels=tuple(names)),
    )
    return panel, [trace]


def distance_panel(state):
    layer = np.arange(len(state.path))
    traces = [
        figures.line(layer, inside(state.to_truth, DISTANCE), "to the truth", figures.TRUTH, symbol="circle"),
        figures.line(
            layer,
            inside(state.to_oracle, DISTANCE),
            "to the oracle",
            figures.ORACLE,
            "dash",
            symbol="diamond",
        ),
    ]
    if state.guess is not None:
        traces += [
            figures.dots([len(layer) - 1], [state.guess], "prediction", figures.PREDICTION, "star", 13)
        ]
    return Panel("How far w is", layers_axis(), Axis("distance", *DISTANCE)), traces


def parts_panel(state):
    layer = np.arange(len(state.path))
    traces = [
        figures.line(layer, inside(abs(state.a), PARTS), "|a|", figures.BLUE, symbol="circle"),
        figures.line(layer, inside(state.u_length, PARTS), "|u|", figures.RED, "dash", symbol="diamond"),
        figures.line(
            layer, inside(state.M_moved, PARTS), "|M − I|/√d", figures.ORANGE, "dot", symbol="triangle-up"
        ),
    ]
    return Panel("The rest of the state", layers_axis(), Axis("size", *PARTS)), traces


def answer_panel(state):
    traces = [
        figures.line(list(ANSWER), list(ANSWER), None, figures.GREY, "dash", 1.5, hoverinfo="skip"),
        figures.dots(
            inside(state.foretold, ANSWER), inside(state.answers, ANSWER), "12 other queries", figures.MODEL
        ),
    ]
    return Panel("Answers, from tokens", Axis("⟨w, x⟩", *ANSWER), Axis("answer", *ANSWER)), traces


def layers_axis():
    return Axis("layer", -0.3, DEEPEST + 0.3, ticks=tuple(range(DEEPEST + 1)))


def inside(values, ends):
    return figures.clip(values, *ends)[0]


def lies_outside(state):
    drawn = [
        (state.to_truth, DISTANCE),
        (state.to_oracle, DISTANCE),
        (abs(state.a), PARTS),
        (state.u_length, PARTS),
    ]
    drawn += [(state.M_moved, PARTS), (state.answers, ANSWER), (state.foretold, ANSWER)]
    return any(figures.clip(values, *ends)[1] for values, ends in drawn)
