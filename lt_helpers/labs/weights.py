"""The weights lab: P and Q of a trained model as heat maps, split into a diagonal and a low-rank part (paper, Fig. 4).

Panels: P and Q of one layer, with the gauge fixed and without the rows that never train; under them the low-rank part that is kept; how
much of them is left out, by rank; and the loss of the model of which, in *every* layer, only those two parts are kept, beside the whole
model's. The colours have the same ends for all matrices of a model.
"""

import numpy as np

from .. import figures
from ..figures import Axis, Panel
from ..noise import Categorical, parse_noise
from ..pretrained import stored_layers
from .base import Lab
from .controls import Choice, Prediction, Slider
from .noise import stored_kinds, trained_on
from .weights_state import DIM, MOST, SIGMA_MAX, SIGMAS, weights_state

DEEPEST = 7
LEFT, LOSS = (1e-6, 1.0), (1e-3, 1e3)  # ends of the axes
NAMES = {"diag": "DIAG", "full": "FULL", "gd++": "GD++"}


def depths(kind, noise):
    """The depths that the lab offers of a family of models."""
    return [layers for layers in stored_layers(kind, parse_noise(noise)) if layers <= DEEPEST]


class WeightsLab(Lab):
    """Look at the matrices of a layer; choose how much of them to keep in every layer, and see what the rest was worth.

    WeightsLab(kind="full", noise="categorical-1-3", layers=4, layer=3, rank=0)
    """

    CONTROLS = dict(
        rank=Slider("Rank kept", 0, MOST, 1, value=0),
        sigma=Slider("Noise σ", 0, SIGMA_MAX, 1, value=1),
        kind=Choice("Model", stored_kinds, "full"),
        noise=Choice("Trained on", trained_on, "categorical-1-3"),
        layers=Choice("Layers", depths, 4, slide=True),
        layer=Choice("Show layer", lambda layers: range(1, layers + 1), 3, slide=True),
        guess=Prediction("Predict: rank", 0, MOST, 1),
    )

    @staticmethod
    def compute(**controls):
        return weights_state(**controls)

    @staticmethod
    def draw(state):
        panels = [
            heat_panel(f"P of layer {state.layer}: blue −, red +", state.P, state),
            heat_panel(f"Q of layer {state.layer}: colours ±{state.limit:.1f}", state.Q, state),
            left_panel(state),
            heat_panel(f"P: low-rank part, rank {state.rank}", state.P_low, state),
            heat_panel(f"Q: low-rank part, rank {state.rank}", state.Q_low, state),
            loss_panel(state),
        ]
        return figures.figure(panels, columns=3, height=520)

    @staticmethod
    def words(state):
        left_P, left_Q = map(percent, state.left[:, -1])
        whole, kept, nothing = (
            number(losses[SIGMAS.searchsorted(state.sigma)])
            for losses in (state.whole, state.kept, state.nothing)
        )
        said = (
            f"{NAMES[state.kind]} with {state.layers} layer{'s' * (state.layers > 1)}, trained on {state.noise.label}. "
            f"In layer {state.layer} the diagonal and rank {state.rank} leave out {left_P} of P and {left_Q} of Q. "
            f"At σ = {state.sigma} (σ² = {state.sigma**2}) the whole model has a loss of {whole}, "
            f"and {kept} if only those parts are kept in every layer; the answer 0 has {nothing}, the oracle 0. "
        )
        if state.layer == state.layers:
            said += "The rows of the last P that never train are left blank. "
        return said + ("What lies beyond an axis is drawn at its edge." if lies_outside(state) else "")


def percent(share):
    return f"{100 * share:.2g}%" if share > LEFT[0] else "0%"


def number(loss):
    return "more than 1000" if loss > LOSS[1] else f"{loss:.0f}" if loss >= 10 else f"{loss:.2g}"


def heat_panel(title, matrix, state):
    place, ticks = np.arange(1.0, DIM + 2), dict(ticks=(1, 5, 10, DIM + 1), labels=("1", "5", "10", "y"))
    hover = "row %{y}, column %{x}: %{z:.2f}<extra></extra>"
    trace = figures.heatmap(matrix, place, place, limit=state.limit, showscale=False, hovertemplate=hover)
    return Panel(title, Axis("column", 0.5, DIM + 1.5, **ticks), Axis("row", DIM + 1.5, 0.5, **ticks)), [
        trace
    ]


def left_panel(state):
    rank = np.arange(state.rank + 1)
    traces = [
        figures.line(rank, clip(state.left[0], LEFT), "P", figures.BLUE, symbol="circle"),
        figures.line(rank, clip(state.left[1], LEFT), "Q", figures.RED, "dash", symbol="diamond"),
        figures.dots(
            [state.guess],
            [2 * LEFT[0]],
            state.guess is not None and "prediction",
            figures.PREDICTION,
            "star",
            13,
        ),
    ]
    y = Axis(
        "share of squares", *LEFT, log=True, ticks=(1e-6, 1e-4, 1e-2, 1), labels=("10⁻⁶", "10⁻⁴", "10⁻²", "1")
    )
    return Panel("Left out of this layer", Axis("rank kept", -0.3, MOST + 0.3), y), traces


def loss_panel(state):
    levels = state.noise.values if isinstance(state.noise, Categorical) else ()
    spans = [(level - 0.08, level + 0.08) for level in levels] or [(0, max(state.noise.sigma_max, 0.08))]
    traces = [
        figures.band(spans, *LOSS),
        figures.line(SIGMAS, clip(so_far(state, state.nothing), LOSS), "answer 0", figures.GREY, "dot", 2),
        figures.line(SIGMAS, clip(so_far(state, state.whole), LOSS), "whole", figures.INK, symbol="circle"),
        figures.line(
            SIGMAS, clip(so_far(state, state.kept), LOSS), "kept", figures.ORANGE, "dash", symbol="diamond"
        ),
    ]
    y = Axis(
        "median, above oracle's",
        *LOSS,
        log=True,
        ticks=(0.001, 0.1, 10.0, 1000.0),
        labels=("10⁻³", "10⁻¹", "10", "10³"),
    )
    return Panel("Loss (shaded: trained on)", Axis("σ", 0, SIGMA_MAX), y), traces


def so_far(state, values):
    """`values` as far as the noise has been slid: a curve does not give away what comes."""
    return np.where(state.sigma >= SIGMAS, values, np.nan)


def clip(values, ends):
    return figures.clip(values, *ends)[0]


def lies_outside(state):
    """Whether a loss that is drawn lies beyond its axis; a share of nearly nothing that is left out does not count."""
    return any(figures.clip(so_far(state, values), *LOSS)[1] for values in (state.whole, state.kept))
