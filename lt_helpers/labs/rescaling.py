"""The rescaling lab: two layers that shrink their answer by the noise, and the noise at which they turn it round (paper, Theorem 5.2).

The weights are written down for two noise levels, and the two layers are run at a finite n. Beside them stands a *trained* DIAG with two
layers. Panels: the scale of the answer against sigma, beside ridge regression's, for the one and for the other; the distance to the
oracle, beside ConstRR's; and the weight of one sequence, whose truth, inputs and noise direction stay while sigma slides. Curves are drawn
as far as the noise has been slid, so that there is something to predict.
"""

import numpy as np

from .. import figures
from ..figures import Axis, Panel
from .base import Lab
from .controls import Choice, Prediction, Seed, Slider
from .rescaling_state import (
    CURVE,
    DIM,
    POINTS,
    SIGMA_MAX,
    TRAINED_CONTEXT,
    TRAINED_CURVE,
    TRAINED_ON,
    TRAINED_SIGMA_MAX,
    rescaling,
    ridge_scale,
    theorem_scale,
)

LEVEL_MAX = 4.0
SCALE, DISTANCE, WEIGHT = (-0.8, 1.1), (1e-3, 1e3), (-4.0, 4.0)  # ends of the axes


class RescalingLab(Lab):
    """Choose two noise levels; see where two layers made for them are right, and at which noise they answer with the wrong sign.

    RescalingLab(s1=1.0, s2=3.0, context=1000, sigma=1.0)
    """

    CONTROLS = dict(
        s1=Slider("Made for σ₁", 0.0, LEVEL_MAX, 0.1, value=1.0),
        s2=Slider("Made for σ₂", 0.0, LEVEL_MAX, 0.1, value=3.0),
        context=Choice("Examples n", (20, 50, 100, 1000, 10_000), 1000, slide=True),
        sigma=Slider("Noise σ", 0.0, TRAINED_SIGMA_MAX, 0.1, value=1.0),
        guess=Prediction("Predict: scale 0 at σ", 0.0, SIGMA_MAX, 0.1),
        seed=Seed(),
    )

    @staticmethod
    def compute(**controls):
        return rescaling(**controls)

    @staticmethod
    def draw(state):
        return figures.figure(
            [panel(state) for panel in (scale_panel, trained_panel, distance_panel, weight_panel)], height=460
        )

    @staticmethod
    def words(state):
        variance, (s1, s2) = state.sigma**2, state.levels
        said = (
            f"σ = {state.sigma:.1f} (σ² = {variance:.2f}). Two layers made for {s1:.1f} and {s2:.1f}: "
            f"scale {round(theorem_scale(s1, s2, variance), 2) + 0.0:.2f}, where ridge has {ridge_scale(variance):.2f}. "
        )
        if state.sigma > state.breaking:
            said += f"Beyond σ = {state.breaking:.2f} they answer with the wrong sign. "
        scale, ridge = (
            np.interp(state.sigma, TRAINED_CURVE, curve) for curve in (state.trained, state.trained_ridge)
        )
        said += f"The trained model: scale {round(scale, 2) + 0.0:.2f}, where ridge has {ridge:.2f}."
        return said + (" What lies beyond an axis is drawn at its edge." if clipped(state) else "")


def scale_panel(state):
    levels = np.array(state.levels)
    traces = [
        zero(SIGMA_MAX),
        figures.line(CURVE, so_far(state, CURVE, ridge_scale(CURVE**2)), "ridge", figures.ORACLE),
        figures.line(
            CURVE,
            so_far(state, CURVE, np.full(len(CURVE), state.constant)),
            "ConstRR",
            figures.ORANGE,
            "dash",
            2,
        ),
        figures.line(CURVE, clip(so_far(state, CURVE, state.line), SCALE), "two layers"),
        run_dots(state, state.measured, SCALE),
        figures.dots(levels, ridge_scale(levels**2), "made for", figures.TRUTH, "x", 8),
        figures.dots(
            [state.guess], [0], state.guess is not None and "prediction", figures.PREDICTION, "star", 13
        ),
    ]
    return Panel("Theorem 5.2: scale of the answer", Axis("σ", 0, SIGMA_MAX), Axis("scale", *SCALE)), traces


def trained_panel(state):
    n = TRAINED_CONTEXT
    spans = [(level - 0.08, level + 0.08) for level in TRAINED_ON.values]
    traces = [
        figures.band(spans, *SCALE, "trained on"),
        zero(TRAINED_SIGMA_MAX),
        figures.line(
            TRAINED_CURVE, so_far(state, TRAINED_CURVE, state.trained_ridge), "ridge", figures.ORACLE
        ),
        figures.line(
            TRAINED_CURVE,
            clip(so_far(state, TRAINED_CURVE, theorem_for_trained()), SCALE),
            "theorem",
            figures.GREY,
            "dash",
            2,
        ),
        figures.line(TRAINED_CURVE, clip(so_far(state, TRAINED_CURVE, state.trained), SCALE), "trained"),
    ]
    return Panel(
        f"A trained DIAG: 2 layers, {TRAINED_ON.label}, n = {n}",
        Axis("σ", 0, TRAINED_SIGMA_MAX),
        Axis("scale", *SCALE),
    ), traces


def theorem_for_trained():
    """The line of Theorem 5.2 for the trained model's task, where sigma^2/n plays the part of sigma^2 -> (K,) on TRAINED_CURVE"""
    n, (s1, s2) = TRAINED_CONTEXT, TRAINED_ON.values
    return theorem_scale(s1 / np.sqrt(n), s2 / np.sqrt(n), TRAINED_CURVE**2 / n)


def distance_panel(state):
    traces = [
        figures.line(
            CURVE,
            clip(so_far(state, CURVE, state.constant_distance), DISTANCE),
            "ConstRR",
            figures.ORANGE,
            "dash",
            2,
        ),
        figures.line(CURVE, clip(so_far(state, CURVE, state.line_distance), DISTANCE), "two layers"),
        run_dots(state, state.measured_distance, DISTANCE),
    ]
    y = Axis(
        "½ |w − oracle|²",
        *DISTANCE,
        log=True,
        ticks=(0.001, 0.1, 10.0, 1000.0),
        labels=("0.001", "0.1", "10", "1000"),
    )
    return Panel("How far from the oracle", Axis("σ", 0, SIGMA_MAX), y), traces


def weight_panel(state):
    component = np.arange(1.0, DIM + 1)
    level = dict(symbol="line-ew", size=24)
    traces = [
        figures.dots(component, clip(state.truth, WEIGHT), "truth", figures.TRUTH, **level),
        figures.dots(component, clip(state.oracle, WEIGHT), "ridge", figures.ORACLE, **level),
        figures.dots(component, clip(state.w, WEIGHT), "two layers", size=7),
    ]
    x = Axis("component", 0.4, DIM + 0.6, ticks=tuple(range(1, DIM + 1)))
    return Panel("One sequence: w moves, P and Q are frozen", x, Axis("w", *WEIGHT)), traces


def run_dots(state, values, ends):
    """What the two layers do when they are run at this n."""
    shown = clip(so_far(state, POINTS, values), ends)
    return figures.dots(POINTS, shown, f"n = {state.context}", symbol="circle-open", size=7)


def zero(end):
    return figures.line([0, end], [0, 0], color=figures.GREY, dash="dot", width=1, hoverinfo="skip")


def so_far(state, sigma, values):
    """`values` as far as the noise has been slid: a curve does not give away what comes."""
    return np.where(sigma <= state.sigma + 1e-9, values, np.nan)


def clip(values, ends):
    return figures.clip(values, *ends)[0]


def clipped(state):
    """Whether anything that is drawn lies beyond its axis; a distance of nearly nothing does not count."""
    scales = [
        (CURVE, state.line),
        (POINTS, state.measured),
        (TRAINED_CURVE, state.trained),
        (TRAINED_CURVE, theorem_for_trained()),
    ]
    distances = [
        (CURVE, state.constant_distance),
        (CURVE, state.line_distance),
        (POINTS, state.measured_distance),
    ]
    return bool(
        any(figures.clip(so_far(state, sigma, values), *SCALE)[1] for sigma, values in scales)
        or any((so_far(state, sigma, values) > DISTANCE[1]).any() for sigma, values in distances)
        or any(figures.clip(w, *WEIGHT)[1] for w in (state.w, state.oracle, state.truth))
    )
