"""The table lab: the paper's Table 1 beside ours, and what a trained model knows after each of its layers.

Choose a cell of the table. Panels: its column, loss by depth at one noise, with error bars on both sides (paper, Fig. 1 and Table 1); the
differences of that column in standard errors; its row, the same depth at all ten noises; and the error after each layer of the model, which
is frozen, at a few noise levels (paper, Fig. 5 and 7).
"""

import numpy as np

from .. import figures
from ..figures import Axis, Panel
from ..noise import PAPER_NOISES, Uniform
from ..pretrained import stored_layers
from ..table1 import BASELINES
from .base import Lab
from .controls import Choice, Prediction, Slider
from .noise import stored_kinds
from .reproduce_state import DEPTHS, LEVELS, table_state

LOSS, APART, ERROR = (1e-3, 3.0), (-12.0, 12.0), (1e-3, 1e2)  # ends of the axes
NOISES = {noise.label: noise.key for noise in PAPER_NOISES}
LINES = {  # name: colour, dash
    "ConstRR": (figures.ORANGE, "dot"),
    "AdaRR": (figures.RED, "dash"),
    "TunedRR": (figures.GREEN, "dash"),
    "Bayes-optimal": (figures.INK, "solid"),
}
LEVEL_MARKS = dict(zip(LEVELS, ("circle-open", "triangle-up-open", "diamond-open", "x"), strict=True))


class TableLab(Lab):
    """Choose a cell of Table 1; see ours beside the paper's, whether they differ by more than luck, and the model layer by layer.

    TableLab(kind="full", noise="uniform-5", layers=7, sigma=2.0)
    """

    CONTROLS = dict(
        kind=Choice("Model", stored_kinds, "diag"),
        noise=Choice("Trained on", NOISES, "uniform-5", slide=True),
        layers=Choice("Layers", lambda kind, noise: paper_depths(kind, noise), 4, slide=True),
        sigma=Slider("Noise σ", 0.0, 7.0, 0.1, value=2.0),
        guess=Prediction("Predict: difference", -10.0, 10.0, 0.5),
    )

    @staticmethod
    def compute(**controls):
        return table_state(**controls)

    @staticmethod
    def draw(state):
        return figures.figure(
            [panel(state) for panel in (column_panel, apart_panel, row_panel, layer_panel)], height=480
        )

    @staticmethod
    def words(state):
        cell = state.layers - 1
        ours, error, paper, paper_error = (
            values[cell] for values in (state.ours, state.ours_error, state.paper, state.paper_error)
        )
        apart, depth = state.apart[cell], f"{state.layers} layer{'s' * (state.layers > 1)}"
        said = f"{state.kind.upper()}, {depth}, {state.noise.label}: ours {written(ours)} ± {short(error)}, the paper's "
        if not np.isfinite(apart):
            said += f"{written(paper)}: so small that a few hard sequences make it up. "
        elif error > 0.1 * ours:
            said += f"{paper:.3f}. Ours rests on a few sequences on which the model nearly explodes: the two cannot be compared. "
        else:
            luck = "luck suffices" if abs(apart) < 2 else "luck alone seldom does that"
            side = "below" if apart < 0 else "above"
            away = (
                f"{abs(apart):.1f} standard errors {side}"
                if abs(apart) >= 0.05
                else "within 0.1 standard errors of"
            )
            said += f"{paper:.3f} ± {short(paper_error)}; ours is {away} it ({luck}). "
        said += f"The Bayes-optimal predictor has {written(state.reference[-1])}. "
        best = state.errors.argmin()
        start, least, end = (written(state.errors[layer]) for layer in (0, best, -1))
        said += f"At σ = {state.sigma:.1f} (σ² = {state.sigma**2:.2f}) the error goes from {start} to {end} through the layers"
        less = (
            f"; after layer {best} it is less, {least}." if best else "; no layer brings it below the start."
        )
        said += "." if best == state.layers else less
        return said + (" What lies beyond an axis is drawn at its edge." if clipped(state) else "")


def paper_depths(kind, noise):
    """The depths of Table 1 that are stored for a kind and the key of a noise."""
    (noise,) = (known for known in PAPER_NOISES if known.key == noise)
    return [layers for layers in stored_layers(kind, noise) if layers in DEPTHS]


def column_panel(state):
    depths = np.array(DEPTHS, float)
    ends = [DEPTHS[0] - 0.5, DEPTHS[-1] + 0.5]
    traces = [
        figures.line(ends, on_axis([value] * 2), name, color, dash, 1.5, hovertemplate="%{y:.3g}")
        for (name, (color, dash)), value in zip(LINES.items(), state.reference, strict=True)
    ]
    for shift, name, values, error, color, symbol in (
        (0.1, "paper", state.paper, state.paper_error, figures.INK, "circle-open"),
        (-0.1, "ours", state.ours, state.ours_error, figures.MODEL, "circle"),
    ):
        traces += [
            whiskers(depths + shift, values - 2 * error, values + 2 * error, LOSS, color),
            figures.dots(
                depths + shift, clip(values, LOSS), name, color, symbol, 7, hovertemplate="%{y:.3g}"
            ),
        ]
    title = f"{state.kind.upper()}, {state.noise.label}: loss by depth"
    return Panel(title, depth_axis(), loss_axis()), [
        *traces,
        ring(state.layers, state.ours[state.layers - 1], LOSS),
    ]


def apart_panel(state):
    places = np.arange(DEPTHS[-1] + 1.0, DEPTHS[-1] + 1 + len(BASELINES))
    ends = (DEPTHS[0] - 0.5, places[-1] + 0.7)
    traces = [
        figures.band([ends], -2, 2, "luck"),
        figures.line(ends, [0, 0], color=figures.GREY, dash="dot", width=1, hoverinfo="skip"),
        figures.dots(
            np.array(DEPTHS, float),
            clip(state.apart, APART),
            "trained",
            figures.MODEL,
            "circle",
            8,
            hovertemplate="%{y:.1f}",
        ),
        figures.dots(
            places,
            clip(state.baselines_apart, APART),
            "no training",
            figures.RED,
            "triangle-up",
            8,
            hovertemplate="%{y:.1f}",
        ),
        ring(state.layers, state.apart[state.layers - 1], APART),
        figures.dots(
            [state.layers],
            [state.guess],
            state.guess is not None and "prediction",
            figures.PREDICTION,
            "star",
            13,
        ),
    ]
    ticks, labels = (*DEPTHS, *places), (*map(str, DEPTHS), *(name.removesuffix("RR") for name in BASELINES))
    x = Axis("layers", *ends, ticks=ticks, labels=labels)
    return Panel("Ours − paper, in standard errors", x, Axis("standard errors", *APART)), traces


def row_panel(state):
    labels = tuple(
        f"{noise.sigma_max:g}" if isinstance(noise, Uniform) else noise.label.replace(" ", "")
        for noise in PAPER_NOISES
    )
    places = np.cumsum(
        [0, *(1.0 if len(label) == 1 else 1.4 for label in labels[1:])]
    )  # room for the long labels
    traces = [
        figures.dots(
            places,
            on_axis(state.row_bayes),
            "Bayes-optimal",
            figures.INK,
            "line-ew",
            18,
            hovertemplate="%{y:.3g}",
        ),
        figures.dots(
            places + 0.1,
            clip(state.row_paper, LOSS),
            "paper",
            figures.INK,
            "circle-open",
            7,
            hovertemplate="%{y:.3g}",
        ),
        figures.dots(
            places - 0.1,
            clip(state.row_ours, LOSS),
            "ours",
            figures.MODEL,
            "circle",
            7,
            hovertemplate="%{y:.3g}",
        ),
        ring(places[PAPER_NOISES.index(state.noise)], state.ours[state.layers - 1], LOSS),
    ]
    x = Axis("trained on σ up to, or in", -0.5, places[-1] + 0.7, ticks=tuple(places), labels=labels)
    return Panel(
        f"{state.kind.upper()}, {state.layers} layer{'s' * (state.layers > 1)}: all noises", x, loss_axis()
    ), traces


def layer_panel(state):
    layer = np.arange(state.layers + 1.0)
    traces = [
        figures.line(
            layer,
            clip(errors, ERROR),
            f"σ = {sigma:g}",
            figures.GREY,
            width=1,
            symbol=mark,
            hovertemplate="%{y:.3g}",
        )
        for (sigma, mark), errors in zip(LEVEL_MARKS.items(), state.level_errors, strict=True)
    ]
    traces += [
        figures.line(
            layer,
            clip(state.errors, ERROR),
            f"σ = {state.sigma:.1f}",
            symbol="circle",
            hovertemplate="%{y:.3g}",
        )
    ]
    x = Axis("layer", -0.3, DEPTHS[-1] + 0.3, ticks=(0, *DEPTHS))
    y = Axis("½ |w − oracle|²", *ERROR, log=True, ticks=(0.001, 0.01, 0.1, 1, 10, 100))
    return Panel("After each layer: only w moves", x, y), traces


def depth_axis():
    return Axis("layers", DEPTHS[0] - 0.5, DEPTHS[-1] + 0.5, ticks=DEPTHS)


def loss_axis():
    return Axis(
        "adjusted loss", *LOSS, log=True, ticks=(0.001, 0.01, 0.1, 1), labels=("0.001", "0.01", "0.1", "1")
    )


def ring(x, y, ends):
    """Around the chosen cell."""
    return figures.dots([x], clip([y], ends), None, figures.GREY, "diamond-open", 24, hoverinfo="skip")


def whiskers(x, low, high, ends, color):
    """A vertical line from `low` to `high` at each x."""
    gap = np.full(len(x), np.nan)
    along, up = (
        np.stack([x, x, gap], axis=1).ravel(),
        np.stack([*clip([low, high], ends), gap], axis=1).ravel(),
    )
    return figures.line(along, up, None, color, width=1.5, hoverinfo="skip")


def on_axis(losses):
    """Losses of predictors that are not trained: a gap where they are below the axis."""
    return np.where(np.asarray(losses) < LOSS[0], np.nan, losses)


def clip(values, ends):
    return figures.clip(values, *ends)[0]


def clipped(state):
    """Whether anything lies outside its axis."""
    shown = [
        (state.ours, LOSS),
        (state.paper, LOSS),
        (state.row_ours, LOSS),
        (state.row_paper, LOSS),
        (state.apart, APART),
    ]
    shown += [(state.baselines_apart, APART), (state.level_errors, ERROR), (state.errors, ERROR)]
    return any(figures.clip(values, *ends)[1] for values, ends in shown)


def written(loss):
    """Three digits."""
    return "more than 1000" if loss >= 1000 else f"{loss:#.3g}".rstrip(".") if loss else "0"


def short(error):
    """One digit."""
    return (
        np.format_float_positional(error, 1, fractional=False, trim="-") if error >= 1e-6 else f"{error:.0e}"
    )
