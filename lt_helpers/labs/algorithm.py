"""The algorithm lab: the four terms of a DIAG layer (paper, eq. 10), each with a slider that turns it up, down or off.

The constants are those of a stored model; a slider multiplies one term in all layers, 1 as trained and 0 without it. Panels: the error
after each layer; the error against the noise, beside AdaRR's; the weight of one sequence; and how much of each principal direction is
kept, beside ridge regression.
"""

import numpy as np

from .. import figures
from ..figures import Axis, Panel
from ..noise import parse_noise
from ..pretrained import stored_layers
from .algorithm_state import COUNT, CURVE, DIM, LEVELS, SIGMA_MAX, algorithm_state
from .base import Lab
from .controls import Choice, Prediction, Seed, Slider
from .noise import trained_on, trained_spans

DEEPEST = 7
TERMS = ("ω_xx", "ω_xy", "ω_yx", "ω_yy")
ERROR, WEIGHT, KEPT = (0.005, 50.0), (-3.5, 3.5), (-0.5, 1.5)  # ends of the axes
ERROR_AXIS = Axis("½ |w − oracle|², mean", *ERROR, log=True, ticks=(0.01, 0.1, 1, 10))
READ = dict(hovertemplate="%{y:.3g}")


class AlgorithmLab(Lab):
    """Turn the four terms of the algorithm up, down or off; see what each is worth at which noise.

    AlgorithmLab(sigma=5.0, rescale=0.0)
    """

    CONTROLS = dict(
        precondition=Slider("Precondition ω_xx", 0.0, 2.0, 0.1, value=1.0),
        adapt=Slider("Adapt ω_xy", 0.0, 2.0, 0.1, value=1.0),
        step=Slider("Gradient ω_yx", 0.0, 2.0, 0.1, value=1.0),
        rescale=Slider("Rescale ω_yy", 0.0, 2.0, 0.1, value=1.0),
        sigma=Slider("Noise σ", 0.0, SIGMA_MAX, 0.1, value=1.0),
        noise=Choice("Trained on", lambda: trained_on("diag"), "categorical-1-3-5"),
        layers=Choice(
            "Layers",
            lambda noise: [n for n in stored_layers("diag", parse_noise(noise)) if 2 <= n <= DEEPEST],
            4,
            slide=True,
        ),
        guess=Prediction("Predict: error", 0.05, 10.0, 0.05),
        seed=Seed(),
    )

    @staticmethod
    def compute(**controls):
        return algorithm_state(**controls)

    @staticmethod
    def draw(state):
        return figures.figure(
            [panel(state) for panel in (layer_panel, noise_panel, weight_panel, kept_panel)], height=440
        )

    @staticmethod
    def words(state):
        off = [term for term, scale in zip(TERMS, state.scales) if scale == 0]
        changed = [f"{term} × {scale:g}" for term, scale in zip(TERMS, state.scales) if scale not in (0, 1)]
        how = ", ".join((["without " + " and ".join(off)] if off else []) + changed) or "as trained"
        said = (
            f"σ = {state.sigma:.1f} (σ² = {state.sigma**2:.2f}); constants of {state.layers} layers trained on {state.noise.label}, {how}: "
            f"the error is {size(state.by_layer[-1])}, averaged over {COUNT} sequences; AdaRR's is {size(state.adarr)}"
        )
        curves = {"it explodes": state.by_noise}
        if how == "as trained":
            said += "."
        else:
            said += f", as trained {size(state.trained_by_layer[-1])}."
            curves["what was trained explodes"] = state.trained_by_noise
        for which, errors in curves.items():
            if not np.isfinite(errors).all():
                said += (
                    f" At σ = {', '.join(f'{level:g}' for level in LEVELS[~np.isfinite(errors)])} {which}."
                )
        return said + (" What lies beyond an axis is drawn at its edge." if clipped(state) else "")


def size(error):
    """An error in words; on an exploding algorithm its digits mean nothing."""
    return f"{error:.2g}" if error < 100 else "above 100 (it explodes)"


def layer_panel(state):
    layer = np.arange(state.layers + 1.0)
    traces = [
        figures.line(
            layer,
            clip(state.trained_by_layer, ERROR),
            "as trained",
            figures.GHOST,
            width=1.5,
            symbol="circle-open",
            **READ,
        ),
        figures.line(layer, clip(state.by_layer, ERROR), "algorithm", symbol="circle", **READ),
        figures.line([0, DEEPEST], clip([state.adarr] * 2, ERROR), "AdaRR", figures.RED, "dash", 1.5, **READ),
    ]
    return Panel(
        "Error after each layer",
        Axis("layer", -0.3, DEEPEST + 0.3, ticks=tuple(range(DEEPEST + 1))),
        ERROR_AXIS,
    ), traces


def noise_panel(state):
    traces = [
        figures.band(trained_spans(state.noise), *ERROR, "trained on"),
        figures.line([state.sigma] * 2, ERROR, color=figures.GREY, dash="dot", width=1, hoverinfo="skip"),
        figures.line(
            LEVELS,
            clip(state.trained_by_noise, ERROR),
            "as trained",
            figures.GHOST,
            width=1.5,
            symbol="circle-open",
            **READ,
        ),
        figures.line(LEVELS, clip(state.adarr_by_noise, ERROR), "AdaRR", figures.RED, "dash", 1.5, **READ),
        figures.line(LEVELS, clip(state.by_noise, ERROR), "algorithm", symbol="circle", **READ),
        figures.dots(
            [state.sigma],
            [state.guess],
            state.guess is not None and "prediction",
            figures.PREDICTION,
            "star",
            13,
        ),
    ]
    return Panel("Error against the noise", Axis("σ", -0.2, SIGMA_MAX + 0.2), ERROR_AXIS), traces


def weight_panel(state):
    component = np.arange(1.0, DIM + 1)
    level = dict(symbol="line-ew", size=24, hovertemplate="%{y:.2f}")
    traces = [
        figures.dots(component, clip(state.truth, WEIGHT), "truth", figures.TRUTH, **level),
        figures.dots(component, clip(state.oracle, WEIGHT), "oracle ridge", figures.ORACLE, **level),
        figures.dots(
            component, clip(state.trained_w, WEIGHT), "as trained", figures.GHOST, "circle-open", 10, **READ
        ),
        figures.dots(component, clip(state.w, WEIGHT), "algorithm", size=7, **READ),
    ]
    x = Axis("component", 0.4, DIM + 0.6, ticks=tuple(range(1, DIM + 1)))
    return Panel("One sequence: its answer", x, Axis("w", *WEIGHT)), traces


def kept_panel(state):
    traces = [
        figures.line(CURVE, state.ridge_curve, "oracle ridge", figures.ORACLE),
        figures.line(CURVE, clip(state.trained_curve, KEPT), "as trained", figures.GHOST, width=1.5),
        figures.line(CURVE, clip(state.curve, KEPT), width=1.5, hoverinfo="skip"),
        figures.dots(state.eigenvalues, clip(state.kept, KEPT), "algorithm", size=7, **READ),
    ]
    return Panel(
        "Share it keeps of each direction", Axis("eigenvalue of X'X/n", 0, CURVE[-1]), Axis("share", *KEPT)
    ), traces


def clip(values, ends):
    return figures.clip(values, *ends)[0]


def clipped(state):
    """Whether anything lies beyond its axis; an error of nearly nothing does not count."""
    errors = np.concatenate([state.by_layer, state.by_noise, state.trained_by_layer, state.trained_by_noise])
    shown = [(w, WEIGHT) for w in (state.w, state.trained_w, state.oracle, state.truth)]
    shown += [(state.curve, KEPT), (state.trained_curve, KEPT), (state.kept, KEPT)]
    return not (errors <= ERROR[1]).all() or any(figures.clip(values, *ends)[1] for values, ends in shown)
