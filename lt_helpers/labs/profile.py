"""The profile lab: how good is a trained model, by noise, by depth and by sequence? (paper, section 6, Fig. 1, 2 and 3)

Panels: the excess risk at each noise level, with the training range shaded; the loss on the training noise, by depth; how the excess
at one noise level is spread over sequences; and on how many of them the model beats AdaRR, or explodes. Curves are drawn as far as the
noise and the depth have been slid, so that there is something to predict.
"""

import numpy as np

from .. import figures
from ..figures import Axis, Panel
from ..noise import Fixed, parse_noise
from ..pretrained import stored_layers
from ..table1 import paper_table
from .base import Lab
from .controls import Choice, Prediction
from .noise import stored_kinds, trained_on, trained_spans
from .noise_state import KINDS
from .profile_state import DEEPEST, EXPLODED, LEVELS, SEQUENCES, average, profile

SIGMA, DEPTH = (0.0, 10.3), (0.5, DEEPEST + 0.5)  # ends of the axes
EXCESS, LOSS, SPREAD, SHARE = (1e-3, EXPLODED), (1e-3, 3.0), (1e-3, 1e3), (0.5 / SEQUENCES, 1.2)
DECADES = {0.001: "0.001", 0.01: "0.01", 0.1: "0.1", 1.0: "1", 10.0: "10", 100.0: "100", 1000.0: "1000"}
LINES = {  # name: colour, dash
    "ConstRR": (figures.ORANGE, "dot"),
    "AdaRR": (figures.RED, "dash"),
    "TunedRR": (figures.GREEN, "dash"),
    "Bayes-optimal": (figures.INK, "solid"),
}
NAMED_FIRST = (
    "AdaRR",
    "Bayes-optimal",
)  # in the key of the first panel, where the model is too; the others in the second's


def mixed_noises(kind):
    """The noises for which models of a kind are stored, but those with a single sigma -> {label: key}"""
    return {
        label: key
        for label, key in trained_on(kind).items()
        if not isinstance(parse_noise(key), Fixed) and key != Fixed(0).key
    }


def depths(kind, noise):
    return [layers for layers in stored_layers(kind, parse_noise(noise)) if layers <= DEEPEST]


class ProfileLab(Lab):
    """Slide noise and depth; see where a trained model stands between AdaRR and the Bayes-optimal predictor, and where it breaks.

    ProfileLab(kind="diag", noise="uniform-5", layers=4, sigma=5.0)
    """

    CONTROLS = dict(
        kind=Choice("Model", stored_kinds, "diag"),
        noise=Choice("Trained on", mixed_noises, "uniform-5", slide=True),
        layers=Choice("Layers", depths, 1, slide=True),
        sigma=Choice("Noise σ", tuple(LEVELS.tolist()), 5.0, slide=True),
        layers_guess=Prediction("Predict: layers", 1, DEEPEST, 1),
        sigma_guess=Prediction("Predict: σ", 0.5, 10.0, 0.5),
    )

    @staticmethod
    def compute(**controls):
        return profile(**controls)

    @staticmethod
    def draw(state, ghost=None):
        return figures.figure(
            [panel(state, ghost) for panel in (noise_panel, depth_panel, spread_panel, share_panel)],
            height=450,
        )

    @staticmethod
    def words(state, ghost=None):
        loss, error = state.loss
        digits = 4 if loss >= 0.01 else 5
        here = state.risks[state.level]
        said = [
            f"{named(state)}: loss {loss:.{digits}f} ± {error:.{digits}f} there, {standing(loss, state.baselines)}. "
            f"At σ = {state.sigma:g} ({SEQUENCES} sequences) it loses {mean_said(here)}, and {number(np.median(here))} on the median one; "
            f"AdaRR loses {mean_said(state.rivals['AdaRR'][state.level])}."
        ]
        exploded = state.exploded[state.level]
        if exploded:
            explode = "explode: they lose" if exploded > 1 else "explodes: it loses"
            said += [f"{exploded} of {SEQUENCES} sequences {explode} more than {EXPLODED:g}."]
        spans = trained_spans(state.noise)
        if not spans[0][0] <= state.sigma <= spans[-1][1]:
            said += ["This noise lies outside the training range."]
        return " ".join(said + (["What lies beyond an axis is drawn at its edge."] if clipped(state) else []))


def noise_panel(state, ghost):
    traces = [figures.band(trained_spans(state.noise), *EXCESS, "trained on")]
    for name, risks in state.rivals.items():
        traces += [
            rung(LEVELS, so_far(state, within(average(risks), EXCESS)), name, named=name in NAMED_FIRST)
        ]
    traces += [] if ghost is None else [held(LEVELS, so_far(ghost, within(average(ghost.risks), EXCESS)))]
    traces += [
        figures.line(
            LEVELS,
            so_far(state, within(np.median(state.risks, axis=1), EXCESS)),
            "median",
            dash="dot",
            width=1.5,
        ),
        figures.line(LEVELS, so_far(state, within(average(state.risks), EXCESS)), "model", symbol="circle"),
    ]
    if state.sigma_guess is not None:
        height = np.interp(state.sigma_guess, LEVELS, average(state.rivals["AdaRR"]))
        traces += [figures.dots([state.sigma_guess], [height], "prediction", figures.PREDICTION, "star", 13)]
    return Panel("Excess risk by noise", Axis("σ", *SIGMA), axis("excess risk", EXCESS)), traces


def depth_panel(state, ghost):
    traces = [
        rung(DEPTH, [loss, loss], name, named=name not in NAMED_FIRST)
        for name, (loss, _) in state.baselines.items()
    ]
    others = [rows for kind, rows in state.families.items() if kind != state.kind]
    traces += [
        figures.line(depth, within(loss, LOSS), "others", figures.GREY, width=1, symbol="diamond")
        for depth, loss, _ in others
    ]
    depth, loss, error = state.families[state.kind]
    bars = dict(error_y=dict(type="data", array=2 * error, thickness=1, width=3))
    traces += [figures.line(depth, within(loss, LOSS), symbol="circle", **bars)]
    paper = np.array(
        [paper_table().get((state.kind, int(layers), state.noise.key), np.nan) for layers in depth]
    )
    traces += [figures.dots(depth, within(paper, LOSS), "paper", figures.TRUTH, "circle-open", 13)]
    if state.layers_guess is not None:
        height = state.baselines["AdaRR"][0]
        traces += [figures.dots([state.layers_guess], [height], "prediction", figures.PREDICTION, "star", 13)]
    x = Axis("layers", *DEPTH, ticks=tuple(range(1, DEEPEST + 1)))
    return Panel("Loss on the training noise by depth", x, axis("excess risk", LOSS)), traces


def spread_panel(state, ghost):
    losing_more = 1 - np.arange(SEQUENCES) / SEQUENCES
    traces = [figures.band([(EXPLODED, SPREAD[1])], *SHARE, "exploded")]
    traces += [
        rung(ordered(state.rivals[name][state.level]), losing_more, name, named=True) for name in NAMED_FIRST
    ]
    traces += [] if ghost is None else [held(ordered(ghost.risks[state.level]), losing_more, "ghost")]
    traces += [figures.line(ordered(state.risks[state.level]), losing_more, "model")]
    x, y = axis("excess risk", SPREAD), axis("share of sequences", SHARE)
    return Panel(f"Sequences that lose more, at σ = {state.sigma:g}", x, y), traces


def share_panel(state, ghost):
    traces = [
        figures.band(trained_spans(state.noise), 0, 1, "trained on"),
        figures.line(SIGMA, [0.5, 0.5], color=figures.GREY, dash="dot", width=1, hoverinfo="skip"),
        *([] if ghost is None else [held(LEVELS, so_far(ghost, ghost.nearer))]),
        figures.line(LEVELS, so_far(state, state.nearer), "nearer to the oracle than AdaRR", symbol="circle"),
        figures.line(
            LEVELS, so_far(state, state.exploded / SEQUENCES), "exploded", figures.RED, width=1.5, symbol="x"
        ),
    ]
    return Panel("Sequence by sequence", Axis("σ", *SIGMA), Axis("share of sequences", -0.03, 1.03)), traces


def rung(x, y, name, named):
    """The line of a baseline; its name stands in the key of one of the two upper panels."""
    colour, dash = LINES[name]
    return figures.line(x, y, name if named else None, colour, dash, 2)


def held(x, y, name=None):
    return figures.line(x, y, name, figures.GHOST, width=2)


def axis(text, ends):
    """A logarithmic axis with a tick at each power of ten."""
    ticks = {value: shown for value, shown in DECADES.items() if ends[0] <= value <= ends[1]}
    return Axis(text, *ends, log=True, ticks=tuple(ticks), labels=tuple(ticks.values()))


def so_far(state, values):
    """`values` as far as the noise has been slid: a curve does not give away what comes."""
    return np.where(state.sigma >= LEVELS, values, np.nan)


def within(values, ends):
    """On a logarithmic axis: at its edge where it is above, a gap where it is below."""
    return np.where(values < ends[0], np.nan, figures.clip(values, *ends)[0])


def ordered(risks):
    return figures.clip(np.sort(risks), *SPREAD)[0]


def clipped(state):
    """Whether anything lies above its axis."""
    means = so_far(state, average(state.risks))
    return (
        (means > EXCESS[1]).any()
        or (state.risks[state.level] > SPREAD[1]).any()
        or (state.families[state.kind][1] > LOSS[1]).any()
    )


def named(state):
    return (
        f"{label(state.kind)}, {state.layers} layer{'s' * (state.layers > 1)}, trained on {state.noise.label}"
    )


def label(kind):
    return next(shown for shown, value in KINDS.items() if value == kind)


def standing(loss, baselines):
    """Between which rungs of the ladder, ordered from the worst, a loss stands."""
    rungs = [(f"{name} ({rung:.4f})", rung) for name, (rung, _) in baselines.items()]
    beaten = [name for name, rung in rungs if loss <= rung]
    ahead = [name for name, rung in rungs if loss > rung]
    if not beaten:
        return f"behind {ahead[0]}"
    return f"between {beaten[-1]} and {ahead[0]}" if ahead else f"no worse than {beaten[-1]}"


def mean_said(risks):
    """A mean with its standard error, in words."""
    mean = average(risks)
    error = f" ± {risks.std(ddof=1) / np.sqrt(len(risks)):.1g}" if EXCESS[0] <= mean <= EXPLODED else ""
    return f"{number(mean)}{error} on average"


def number(value):
    """A number, as far as the axis of the excess risk reaches."""
    if value > EXPLODED:
        return f"more than {EXPLODED:g}"
    return f"{value:.2g}" if value >= EXCESS[0] else f"less than {EXCESS[0]:g}"
