"""The algorithm lab: the four terms of a DIAG layer (paper, eq. 10), each with a slider that turns it up, down or off.

The constants are those of a stored model; a slider multiplies one term in all layers, 1 as trained and 0 without it. All averages run over
the same sequences: their truths, inputs and directions of the noise stay while sigma slides. The error of a weight w is
1/2 |w - w_oracle|^2, its excess risk over ridge regression that is told sigma.

Panels: the error after each layer; the error against the noise, beside AdaRR's; the weight of one sequence; and how much of each principal
direction is kept, beside ridge regression.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import algorithm
from ..evaluate import excess
from ..implicit import filter_curve
from ..language import Message
from ..noise import Noise, parse_noise
from ..spectrum import Spectrum
from ..view.panel import Axis, Band, Curve, Guess, Panel, Path, Points, Ticks
from .base import Lab
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Seed, Slider
from .frozen import Frozen
from .marks import component_axis, components, layer_axis, log_axis, upright
from .material import (
    TABLE_DEPTH,
    depths,
    many_sequences_of,
    stored_model,
    stored_noises,
    trained_spans,
    with_noise,
)
from .own_task import PAPER_TASK, OwnTask

COUNT = 200  # sequences of an average
SIGMA_MAX = 8.0
LEVELS = np.arange(0.0, SIGMA_MAX + 1)  # noise levels of the curves
CURVE = np.linspace(0.02, 3.5, 41)  # eigenvalues
TERMS = ("ω_xx", "ω_xy", "ω_yx", "ω_yy")  # in the order of the constants of a layer
AS_TRAINED = (1.0, 1.0, 1.0, 1.0)
TOLD_OF = dict(sigma=5.0, noise="categorical-1-3-5", layers=4)  # what the beats are about
NEAR = 2.0  # an error up to this times as large is about as good
WHERE = {Message(f"algorithm.choice.{where}"): where for where in ("quiet", "loud", "nowhere")}
EXPLODED = 100.0  # of an error above this the digits mean nothing
ERROR = log_axis("error", 0.005, 50.0, (0.01, 0.1, 1, 10), below="floor")
LEVEL = Axis("sigma", -0.2, SIGMA_MAX + 0.2)
WEIGHT = Axis("w", -3.5, 3.5)
KEPT = Axis("share", -0.5, 1.5)


@dataclass(frozen=True)
class AlgorithmState(Frozen):
    """Everything that the lab shows at one setting. L layers, d = 10 directions."""

    sigma: float
    layers: int
    noise: Noise  # what the constants were trained on
    scales: tuple  # (precondition, adapt, step, rescale)
    by_layer: np.ndarray  # (L+1,): mean error before the first and after each layer, at sigma
    trained_by_layer: np.ndarray  # (L+1,): the same with the constants as trained
    adarr: float  # AdaRR's mean error at sigma
    median: float  # median error of the answer at sigma
    by_noise: np.ndarray  # (9,): mean error of the answer, on LEVELS
    trained_by_noise: np.ndarray  # (9,)
    adarr_by_noise: np.ndarray  # (9,)
    truth: np.ndarray  # (d,): of one sequence
    oracle: np.ndarray  # (d,): ridge regression that is told sigma
    w: np.ndarray  # (d,)
    trained_w: np.ndarray  # (d,)
    eigenvalues: np.ndarray  # (d,): of the inputs of that sequence, ascending
    kept: np.ndarray  # (d,): share of each of its directions that the algorithm keeps
    curve_at: np.ndarray  # (41,): CURVE, or further where inputs of a learner's own reach further
    curve: np.ndarray  # (41,): the same at any of these eigenvalues
    trained_curve: np.ndarray  # (41,)
    ridge_curve: np.ndarray  # (41,)


@dataclass(frozen=True)
class Contexts(Frozen):
    """The sequences that are averaged over, at J noise levels."""

    S: np.ndarray  # (J COUNT, D, D): second moments
    oracle: np.ndarray  # (J COUNT, d): ridge regression that is told sigma
    adarr: np.ndarray  # (J,): AdaRR's mean error


@lru_cache(maxsize=128)
def contexts(sigmas, task=None):
    """The same COUNT sequences at each of the noise levels `sigmas`, of a learner's own task or of the paper's -> Contexts"""
    at_one = many_sequences_of(task, COUNT)
    S = np.concatenate([with_noise(at_one, sigma) for sigma in sigmas])  # (J COUNT, D, D)
    spectrum = Spectrum.from_moments(S, at_one.context)
    oracle = spectrum.ridge(np.repeat(sigmas, COUNT))  # (J COUNT, d)
    ada_rr = spectrum.ridge(spectrum.noise_estimate())  # (J COUNT, d)
    return Contexts(S, oracle, mean_error(ada_rr - oracle, len(sigmas), task))


def mean_error(difference, levels, task):
    """The mean excess of weights at each noise level, or beyond all bounds where a sequence got no number.    (J COUNT, d) -> (J,)"""
    with np.errstate(over="ignore"):
        return errors_of(difference, task).reshape(levels, COUNT).mean(axis=1)


def errors_of(difference, task):
    """The excess of weights, beyond all bounds where a sequence got no number.    (B, d) -> (B,)"""
    with np.errstate(over="ignore", invalid="ignore"):
        errors = excess(difference, (task or PAPER_TASK).covariance)
    return np.where(np.isfinite(errors), errors, np.inf)


@lru_cache(maxsize=512)  # a slide of sigma asks for the same curve at each step
def error_by_noise(noise, layers, scales, task=None):
    """The mean error of the answer on LEVELS, each term of the stored constants times its scale -> (9,)"""
    shown = contexts(tuple(LEVELS), task)
    constants = scale_terms(stored_model("diag", layers, noise).omega, scales)
    answer = algorithm.answer(constants, shown.S)  # (9 COUNT, d)
    return mean_error(answer - shown.oracle, len(LEVELS), task)


def error_by_layer(constants, sigma, task):
    """The mean error before the first and after each layer, at one noise level -> (L+1,)"""
    shown = contexts((sigma,), task)
    path = algorithm.path(constants, shown.S)  # (COUNT, L+1, d)
    errors = [mean_error(w - shown.oracle, 1, task)[0] for w in np.moveaxis(path, 1, 0)]
    return np.array(errors)


def median_error(constants, sigma, task):
    """The median error of the answer at one noise level -> number"""
    shown = contexts((sigma,), task)
    answer = algorithm.answer(constants, shown.S)  # (COUNT, d)
    return np.median(errors_of(answer - shown.oracle, task))


def scale_terms(constants, scales):
    """The constants with each term of all layers times its scale -> (L, 2, 2)"""
    return constants * np.reshape(scales, (2, 2))


def shares_kept(constants, S, eigenvalues, places):
    """What the algorithm keeps of its directions, and of any other of `places` up to the largest of its eigenvalues -> (d,), (41,)"""
    model = algorithm.as_model(constants, len(eigenvalues))
    with np.errstate(over="ignore", invalid="ignore"):
        kept = filter_curve(model, S, eigenvalues)
        curve = filter_curve(model, S, places)
    reached = eigenvalues[-1] >= places
    return kept, np.where(reached, curve, np.nan)


def several_layers(noise):
    """The depths to choose from: in a single layer most terms change nothing."""
    return [layers for layers in depths("diag", noise) if layers >= 2]


class AlgorithmLab(Lab):
    """Turn the four terms of the algorithm up, down or off; see what each is worth at which noise.

    AlgorithmLab(sigma=5.0, rescale=0.0)
    AlgorithmLab(task=task)     # on sequences of your own task: its d, n and inputs; the noise slides
    """

    NAME = "algorithm"
    ROW = 220
    CONTROLS = dict(
        task=OwnTask(),
        precondition=Slider(0.0, 2.0, 0.1, value=1.0),
        adapt=Slider(0.0, 2.0, 0.1, value=1.0),
        step=Slider(0.0, 2.0, 0.1, value=1.0),
        rescale=Slider(0.0, 2.0, 0.1, value=1.0),
        sigma=Slider(0.0, SIGMA_MAX, 0.1, value=1.0),
        noise=Choice(lambda: stored_noises("diag"), "categorical-1-3-5"),
        layers=Choice(several_layers, 4, slide=True),
        guess=Prediction(0.05, 10.0, 0.05),
        layer_guess=Opinion((2, 3, 4)),
        where_guess=Opinion(WHERE),
        seed=Seed(),
    )
    BEATS = (
        Beat(
            "rescaling",
            panels=("noise",),
            control="rescale",
            values=TOLD_OF,
            ask="guess",
            at=dict(rescale=0.0),
            answer=lambda state, begun: state.by_layer[-1],
            tell=lambda state, begun: dict(
                median=state.median,
                trained=begun.by_layer[-1],
                quiet=state.by_noise[1],
                quiet_trained=begun.by_noise[1],
            ),
        ),
        Beat(
            "layer",
            panels=("noise", "layers"),
            control="rescale",
            values=TOLD_OF,
            ask="layer_guess",
            at=dict(rescale=0.0),
            answer=lambda state, begun: int((state.by_layer[1:] / begun.by_layer[1:]).argmax()) + 1,
            tell=lambda state, begun: dict(trained=begun.by_layer[-1], now=state.by_layer[-1]),
        ),
        Beat(
            "neither",
            panels=("noise",),
            control="adapt",
            others=("rescale",),
            values=TOLD_OF,
            ask="where_guess",
            at=dict(adapt=0.0, rescale=0.0),
            answer=lambda state, begun: where_as_good(state, begun),
            tell=lambda state, begun: dict(
                quiet=state.by_noise[0],
                quiet_trained=begun.by_noise[0],
                loud=state.by_layer[-1],
                loud_trained=begun.by_layer[-1],
            ),
        ),
    )

    @staticmethod
    def compute(precondition, adapt, step, rescale, sigma, noise, layers, seed, task=None):
        scales = (precondition, adapt, step, rescale)
        trained = stored_model("diag", layers, noise).omega  # (L, 2, 2)
        constants = scale_terms(trained, scales)  # (L, 2, 2)

        one = many_sequences_of(task, 1, seed)
        S = with_noise(one, sigma)  # (1, D, D)
        spectrum = Spectrum.from_moments(S, one.context)
        eigenvalues = spectrum.s[0]  # (d,)
        curve_at = CURVE * max(1.0, (task or PAPER_TASK).largest)  # (41,)

        # A direction's share does not depend on what is in it: the lab asks for any eigenvalue, and not only for the sequence's own.
        kept, curve = shares_kept(constants, S[0], eigenvalues, curve_at)
        _, trained_curve = shares_kept(trained, S[0], eigenvalues, curve_at)
        return AlgorithmState(
            sigma=sigma,
            layers=layers,
            noise=parse_noise(noise),
            scales=scales,
            by_layer=error_by_layer(constants, sigma, task),
            trained_by_layer=error_by_layer(trained, sigma, task),
            adarr=contexts((sigma,), task).adarr[0],
            median=median_error(constants, sigma, task),
            by_noise=error_by_noise(noise, layers, scales, task),
            trained_by_noise=error_by_noise(noise, layers, AS_TRAINED, task),
            adarr_by_noise=contexts(tuple(LEVELS), task).adarr,
            truth=one.w[0],
            oracle=spectrum.ridge([sigma])[0],
            w=algorithm.answer(constants, S)[0],
            trained_w=algorithm.answer(trained, S)[0],
            eigenvalues=eigenvalues,
            kept=kept,
            curve_at=curve_at,
            curve=curve,
            trained_curve=trained_curve,
            ridge_curve=curve_at / (curve_at + sigma**2 / one.context),
        )

    @staticmethod
    def panels(state, ghost, guesses):
        return [
            layer_panel(state),
            noise_panel(state, guesses["guess"]),
            weight_panel(state),
            kept_panel(state),
        ]

    @staticmethod
    def words(state, ghost):
        changes = tell_changes(state.scales)
        setting = Message(
            "algorithm.setting",
            sigma=state.sigma,
            variance=state.sigma**2,
            layers=Message("layers.count", count=state.layers),
            noise=state.noise.label,
            how=changes or Message("algorithm.as_trained"),
        )
        reading = dict(
            setting=setting,
            error=tell_size(state.by_layer[-1]),
            sequences=COUNT,
            adarr=tell_size(state.adarr),
        )
        exploding = tell_levels("algorithm.exploding", state.by_noise)
        if not changes:
            return [Message("algorithm.reading", **reading), *exploding]

        trained = tell_size(state.trained_by_layer[-1])
        trained_exploding = tell_levels("algorithm.trained_exploding", state.trained_by_noise)
        return [
            Message("algorithm.reading_beside", **reading, trained=trained),
            *exploding,
            *trained_exploding,
        ]


def where_as_good(state, begun):
    """Is the error still about that of the beginning without noise, at the noise that is shown, or at neither?"""
    if state.by_noise[0] <= NEAR * begun.by_noise[0]:
        return "quiet"
    return "loud" if state.by_layer[-1] <= NEAR * begun.by_layer[-1] else "nowhere"


def tell_changes(scales):
    """Which terms are off, and which are turned up or down -> list of Message, none if all are as trained"""
    off = [term for term, scale in zip(TERMS, scales, strict=True) if scale == 0]
    turned = [(term, scale) for term, scale in zip(TERMS, scales, strict=True) if scale not in (0, 1)]
    without = [Message("algorithm.without", terms=off)] if off else []
    return without + [Message("algorithm.times", term=term, scale=scale) for term, scale in turned]


def tell_size(error):
    """An error; on an exploding algorithm its digits mean nothing -> Message"""
    if error < EXPLODED:
        return Message("algorithm.error", error=error)
    return Message("algorithm.exploded", limit=EXPLODED)


def tell_levels(id, errors):
    """At which of LEVELS an error is beyond all bounds, if at any -> list of Message"""
    levels = LEVELS[~np.isfinite(errors)]
    if not len(levels):
        return []
    return [Message(id, levels=[Message("algorithm.level", sigma=level) for level in levels])]


def layer_panel(state):
    """The error layer by layer, averaged over the sequences at sigma."""
    layers = np.arange(state.layers + 1)
    marks = [
        Path("as trained", layers, state.trained_by_layer, keys=dict(layer=layers)),
        Path("model", layers, state.by_layer, keys=dict(layer=layers)),
        Curve("adarr", [0, TABLE_DEPTH], [state.adarr, state.adarr]),
    ]
    return Panel("layers", layer_axis(TABLE_DEPTH), ERROR, marks)


def noise_panel(state, guess):
    """The error of the answer against the noise."""
    marks = [
        Band("range", trained_spans(state.noise)),
        upright(state.sigma, ERROR),
        Path("as trained", LEVELS, state.trained_by_noise),
        Curve("adarr", LEVELS, state.adarr_by_noise),
        Path("model", LEVELS, state.by_noise),
        Guess(state.sigma, guess, grab="guess"),
    ]
    return Panel("noise", LEVEL, ERROR, marks)


def weight_panel(state):
    """The answer to one sequence, component by component."""
    component = components(len(state.truth))
    marks = [
        Ticks("truth", component, state.truth),
        Ticks("oracle", component, state.oracle),
        Points("as trained", component, state.trained_w),
        Points("model", component, state.w),
    ]
    return Panel("weight", component_axis(len(component)), WEIGHT, marks)


def kept_panel(state):
    """What is kept of each direction of that sequence, by eigenvalue."""
    marks = [
        Curve("oracle", state.curve_at, state.ridge_curve),
        Curve("as trained", state.curve_at, state.trained_curve),
        Curve("sequence", state.curve_at, state.curve, keyed=False, hover=""),
        Points("model", state.eigenvalues, state.kept),
    ]
    return Panel("kept", Axis("eigenvalue", 0, state.curve_at[-1]), KEPT, marks)
