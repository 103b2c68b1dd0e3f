"""The pilot lab: how far may reality be from the training task before a frozen model fails, and does the alarm ring before it does?

Panels: the error against the strength of the mismatch, beside ridge regression's; how many contexts fail, and how many of them ring the
alarm; how well the implicit weight of each layer fits its own context; and each context, by its misfit and its error. Curves are drawn as
far as the strength has been slid, so that there is something to predict.
"""

from dataclasses import dataclass

import numpy as np

from .. import figures
from ..figures import Axis, Panel
from .base import Lab
from .controls import Choice, Prediction, Seed, Slider
from .pilot_state import CONTEXTS, FAILED, MISMATCHES, MODELS, STRENGTHS, pilot

ERROR, MISFIT = (
    (0.02, 200.0),
    (0.02, 200.0),
)  # ends of the axes: what lies beyond is drawn at the edge, and said
TICKS = dict(log=True, ticks=(0.1, 1, 10, 100), labels=("0.1", "1", "10", "100"))
DEEPEST = max(int(name.split("-")[1]) for name in MODELS.values())
ROOM = (-0.03, 1.03)


@dataclass(frozen=True)
class Shown:
    """The pilots at all strengths that have been reached, the last one that of the slider; and the mismatch in words."""

    mismatch: str
    strength: float
    sigma: float
    scale: float
    reached: tuple  # of Pilot
    guess: float | None

    @property
    def now(self):
        return self.reached[-1]


class PilotLab(Lab):
    """Choose how reality differs from the training task; see the model fail, the alarm ring, and ridge regression beside it.

    PilotLab(mismatch="outlying", strength=0.4, model="full-7", sigma=2.0, scale=1.0)
    """

    CONTROLS = dict(
        strength=Slider("Strength", 0.0, 1.0, 0.2, value=0.0),
        mismatch=Choice("Mismatch", {label: name for label, (name, _) in MISMATCHES.items()}, "correlated"),
        model=Choice("Model", MODELS, "diag-4"),
        sigma=Slider("Noise σ", 0.0, 8.0, 0.5, value=2.0),
        scale=Choice("Target times", (0.25, 0.5, 1.0, 2.0, 4.0), 1.0, slide=True),
        guess=Prediction("Predict: first failure at", 0.0, 1.0, 0.2),
        seed=Seed(),
    )

    @staticmethod
    def compute(strength, mismatch, model, sigma, scale, guess, seed):
        label = next(label for label, (name, _) in MISMATCHES.items() if name == mismatch)
        reached = tuple(
            pilot(mismatch, float(t), model, sigma, scale, seed) for t in STRENGTHS[: round(5 * strength) + 1]
        )
        return Shown(label, strength, sigma, scale, reached, guess)

    @staticmethod
    def draw(state):
        return figures.figure(
            [panel(state) for panel in (error_panel, share_panel, layer_panel, context_panel)], height=440
        )

    @staticmethod
    def words(state):
        now = state.now
        return (
            f"{state.mismatch.capitalize()}, strength {state.strength:.1f}, σ = {state.sigma:.1f}, target times {state.scale:g}. "
            f"Mean error of the model {said(now.model)}, with the guard {said(now.guarded)}, of ridge CV {said(now.ridge)}, "
            f"of the predictor that is best for the training task {said(now.bayes)}. Of {CONTEXTS} contexts {now.failed.sum()} failed; "
            f"the alarm rang for {now.rings.sum()}, and for {(now.rings & now.failed).sum()} of those that failed."
        ) + (" What lies beyond an axis is drawn at its edge." if clipped(state) else "")


def said(errors):
    """A mean error in words."""
    mean, median = errors.mean(), np.median(errors)
    if mean < ERROR[1]:
        return f"{mean:.2f}"
    return (
        f"above {ERROR[1]:g} (median {median:.2f})"
        if median < ERROR[1]
        else f"above {ERROR[1]:g} (so is the median)"
    )


def error_panel(state):
    def curve(of, **look):
        means = [getattr(pilot, of).mean() for pilot in state.reached]
        return figures.line(STRENGTHS, grown(clip(means, ERROR)), **look)

    traces = [
        level(ROOM, 1.0),
        curve("bayes", name="Bayes-optimal", color=figures.ORANGE, dash="dot", width=2),
        curve("ridge", name="ridge CV", color=figures.ORACLE, symbol="diamond"),
        curve("model", name="model", symbol="circle"),
        curve("guarded", name="with guard", color=figures.RED, dash="dash", width=2),
        figures.dots(
            [state.guess], [FAILED], state.guess is not None and "prediction", figures.PREDICTION, "star", 13
        ),
    ]
    return Panel(
        "Mean error (1: answering 0)", Axis("strength of the mismatch", *ROOM), Axis("error", *ERROR, **TICKS)
    ), traces


def share_panel(state):
    def curve(shares, **look):
        return figures.line(STRENGTHS, grown([100 * share for share in shares]), **look)

    traces = [
        curve(
            [pilot.failed.mean() for pilot in state.reached],
            name="failed",
            color=figures.TRUTH,
            symbol="circle",
        ),
        curve(
            [pilot.rings.mean() for pilot in state.reached],
            name="alarm",
            color=figures.RED,
            dash="dash",
            symbol="triangle-up-open",
        ),
        curve(
            [(pilot.failed & ~pilot.rings).mean() for pilot in state.reached],
            name="missed",
            color=figures.PINK,
            symbol="x",
        ),
    ]
    return Panel(
        f"Of {CONTEXTS} contexts", Axis("strength of the mismatch", *ROOM), Axis("percent", -4, 104)
    ), traces


def layer_panel(state):
    fits = state.now.misfit
    layers = np.arange(float(fits.shape[1]))
    traces = [
        level((-0.3, DEEPEST + 0.3), 1.0, "alarm"),
        figures.line(layers, clip(np.median(fits, axis=0), MISFIT), "median", symbol="circle", width=1.5),
        figures.line(
            layers,
            clip(np.quantile(fits, 0.9, axis=0, method="lower"), MISFIT),
            "90%",
            figures.ORANGE,
            "dash",
            1.5,
        ),
        figures.line(layers, clip(fits.max(axis=0), MISFIT), "worst", figures.TRUTH, "dot", 2),
    ]
    x = Axis("layer", -0.3, DEEPEST + 0.3, ticks=tuple(range(DEEPEST + 1)))
    return Panel("Misfit of w, layer by layer", x, Axis("misfit", *MISFIT, **TICKS)), traces


def context_panel(state):
    now = state.now
    groups = {
        "fine": (~now.failed & ~now.rings, figures.BLUE, "circle-open"),
        "hit": (now.failed & now.rings, figures.RED, "triangle-up"),
        "false alarm": (~now.failed & now.rings, figures.ORANGE, "diamond"),
        "missed": (now.failed & ~now.rings, figures.PINK, "x"),
    }
    x, y = clip(now.misfit[:, -1], MISFIT), clip(now.model, ERROR)
    traces = [
        level(MISFIT, FAILED),
        figures.line([1, 1], ERROR, color=figures.GREY, dash="dot", width=1, hoverinfo="skip"),
    ]
    for name, (where, color, symbol) in groups.items():
        traces.append(
            figures.dots(
                np.where(where, x, np.nan),
                np.where(where, y, np.nan),
                f"{name} {where.sum()}",
                color,
                symbol,
                7,
            )
        )
    return Panel(
        "Each context", Axis("misfit after the last layer", *MISFIT, **TICKS), Axis("error", *ERROR, **TICKS)
    ), traces


def level(ends, height, name=None):
    return figures.line(list(ends), [height, height], name, figures.GREY, "dot", 1, hoverinfo="skip")


def grown(values):
    """`values` at the strengths reached so far, gaps after them."""
    return np.concatenate([values, np.full(len(STRENGTHS) - len(values), np.nan)])


def clip(values, ends):
    return figures.clip(values, 1.1 * ends[0], ends[1] / 1.2)[
        0
    ]  # a little inside the edge, so that marks there are seen whole


def clipped(state):
    """Whether anything that is drawn lies beyond its axis."""
    means = [
        getattr(pilot, name).mean()
        for pilot in state.reached
        for name in ("model", "guarded", "ridge", "bayes")
    ]
    return any(
        figures.clip(values, *ends)[1]
        for values, ends in ((means, ERROR), (state.now.model, ERROR), (state.now.misfit, MISFIT))
    )
