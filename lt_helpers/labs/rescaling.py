"""The rescaling lab: two layers that shrink their answer by the noise, and the noise at which they turn it round (paper, Theorem 5.2).

The weights are written down for two noise levels, and the two layers are run at a finite n. Beside them stands a *trained* DIAG with two
layers. Panels: the scale of the answer against sigma, beside ridge regression's, for the one and for the other; the distance to the
oracle, beside ConstRR's; and the weight of one sequence, whose truth, inputs and noise direction stay while sigma slides. Curves are drawn
as far as the noise has been slid, so that there is something to predict.

In the theorem's model the inputs are x ~ N(0, I/n), and n grows without end. There n Sigma is the identity, n alpha is the truth plus sigma
times white noise, the mean of y^2 is sigma^2, and ridge regression keeps 1 / (1 + sigma^2) of n alpha.

The scale of an answer w is <w, truth> / <truth, truth>, over many sequences: the share of the truth that it holds.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..evaluate import excess
from ..language import Message
from ..model import LinearTransformer
from ..noise import Categorical
from ..spectrum import Spectrum
from ..task import PAPER
from ..view.panel import Axis, Band, Curve, Guess, Panel, Points, Ticks
from .base import Lab
from .controls import Choice, Prediction, Seed, Slider
from .frozen import Frozen
from .marks import COMPONENT, component_axis, level, log_axis, up_to
from .material import at_each_noise, many_sequences, stored_model, trained_spans, with_noise

LEVEL_MAX = 4.0
SIGMA_MAX, TRAINED_SIGMA_MAX = 6.0, 12.0
CURVE = np.linspace(0, SIGMA_MAX, 121)
POINTS = np.linspace(0, SIGMA_MAX, 7)  # where the two layers are run
RUNS = 60  # sequences at each of POINTS, each with its noise and with the opposite of it

TRAINED_ON = Categorical((1, 3))
TRAINED_CURVE = np.linspace(0, TRAINED_SIGMA_MAX, 49)
TRAINED_RUNS = 200

SIGMA = Axis("sigma", 0, SIGMA_MAX)
TRAINED_SIGMA = Axis("sigma", 0, TRAINED_SIGMA_MAX)
SCALE = Axis("scale", -0.8, 1.1)
DISTANCE = log_axis(
    "distance", 1e-3, 1e3, (0.001, 0.1, 10.0, 1000.0), ("0.001", "0.1", "10", "1000"), below="floor"
)
WEIGHT = Axis("w", -4.0, 4.0)


@dataclass(frozen=True)
class RescalingState(Frozen):
    """Everything that the lab shows at one setting."""

    levels: tuple  # the two noise levels that the weights are made for
    context: int
    sigma: float
    breaking: float  # sigma at which the theorem's scale is 0
    line: np.ndarray  # (121,): the theorem's scale on CURVE, n without end
    line_distance: np.ndarray  # (121,): half its squared distance to the oracle, on average
    constant: float  # ConstRR's scale for the two levels
    constant_distance: np.ndarray  # (121,)
    measured: np.ndarray  # (7,): scale of the two layers at this n, on POINTS
    measured_distance: np.ndarray  # (7,)
    trained: np.ndarray  # (49,): scale of the trained model, on TRAINED_CURVE
    trained_ridge: np.ndarray  # (49,): of ridge regression on its sequences
    truth: np.ndarray  # (d,): of one sequence
    w: np.ndarray  # (d,): the two layers' answer
    oracle: np.ndarray  # (d,)


class RescalingLab(Lab):
    """Choose two noise levels; see where two layers made for them are right, and at which noise they answer with the wrong sign.

    RescalingLab(s1=1.0, s2=3.0, context=1000, sigma=1.0)
    """

    NAME = "rescaling"
    ROW = 230
    CONTROLS = dict(
        s1=Slider(0.0, LEVEL_MAX, 0.1, value=1.0),
        s2=Slider(0.0, LEVEL_MAX, 0.1, value=3.0),
        context=Choice((20, 50, 100, 1000, 10_000), 1000, slide=True),
        sigma=Slider(0.0, TRAINED_SIGMA_MAX, 0.1, value=1.0),
        guess=Prediction(0.0, SIGMA_MAX, 0.1),
        seed=Seed(),
    )

    @staticmethod
    def compute(s1, s2, context, sigma, seed):
        # In the theorem's model everything is a formula.
        variance = CURVE**2
        line = theorem_scale(s1, s2, variance)
        constant = ridge_scale((s1**2 + s2**2) / 2)

        # One sequence, whose noise alone slides.
        one = many_sequences(1, context, 1 / context, seed)
        spectrum = Spectrum.from_moments(with_noise(one, sigma), context)

        measured, measured_distance = run(s1, s2, context)
        trained, trained_ridge = run_trained()
        return RescalingState(
            levels=(s1, s2),
            context=context,
            sigma=sigma,
            breaking=np.sqrt(1 + s1**2 + s2**2),
            line=line,
            line_distance=limit_distance(line, variance),
            constant=constant,
            constant_distance=limit_distance(constant, variance),
            measured=measured,
            measured_distance=measured_distance,
            trained=trained,
            trained_ridge=trained_ridge,
            truth=one.w[0],
            w=two_layers(s1, s2, context).implicit_weight(spectrum.S)[0],
            oracle=spectrum.ridge([sigma])[0],
        )

    @staticmethod
    def panels(state, ghost, guesses):
        return [
            scale_panel(state, guesses["guess"]),
            trained_panel(state),
            distance_panel(state),
            weight_panel(state),
        ]

    @staticmethod
    def words(state, ghost):
        return [made_for(state), *warning(state), trained_scale(state)]


def ridge_scale(variance):
    """What ridge regression keeps in the theorem's model, told the variance sigma^2 of the noise."""
    return 1 / (1 + variance)


def theorem_scale(s1, s2, variance):
    """The scale of Theorem 5.2: in sigma^2 the chord that meets ridge's curve at s1^2 and s2^2."""
    return (1 + s1**2 + s2**2 - variance) / ((1 + s1**2) * (1 + s2**2))


def limit_distance(scale, variance):
    """Half the squared distance to the oracle, in the theorem's model, of an answer that keeps `scale` of truth plus noise; its mean."""
    mean_square = 1 + variance  # of a component of truth plus noise
    return PAPER.dim / 2 * (scale - ridge_scale(variance)) ** 2 * mean_square


def two_layers(s1, s2, context):
    """The model of Theorem 5.2 for the noise levels s1, s2 and inputs x ~ N(0, I/n), n = context.

    The first layer has only omega_yx, the second only omega_yy: w = -omega_yx (1 + omega_yy mean y^2) alpha.
    """
    total = 1 + s1**2 + s2**2
    omega = np.zeros((2, 2, 2))
    omega[0, 1, 0] = -context * total / ((1 + s1**2) * (1 + s2**2))
    omega[1, 1, 1] = -1 / total
    p = np.broadcast_to(np.eye(2), (2, 2, 2))  # two heads: (1, 0) and (0, 1), so that q is omega
    return LinearTransformer.from_diagonals(p, omega, PAPER.dim)


def scale_by_level(w, truth, levels):
    """The scale of answers at each of J noise levels.    w, truth : (B, d), level by level  ->  (J,)"""
    held = (w * truth).sum(axis=1).reshape(levels, -1)  # (J, B/J)
    size = (truth**2).sum(axis=1).reshape(levels, -1)  # (J, B/J)
    return held.sum(axis=1) / size.sum(axis=1)


@lru_cache(maxsize=64)
def run(s1, s2, context):
    """Scale of the two layers on POINTS, and half their mean squared distance to the oracle, at a finite n -> (7,), (7,)"""
    spectrum, truth, sigma = at_each_noise(tuple(POINTS), RUNS, context, 1 / context)
    w = two_layers(s1, s2, context).implicit_weight(spectrum.S)  # (B, d)
    distance = excess(w - spectrum.ridge(sigma))  # (B,)
    by_level = distance.reshape(len(POINTS), -1)
    return scale_by_level(w, truth, len(POINTS)), by_level.mean(axis=1)


@lru_cache(maxsize=1)
def run_trained():
    """Scale of the trained model, and of ridge regression on the same sequences, on TRAINED_CURVE -> (49,), (49,)"""
    spectrum, truth, sigma = at_each_noise(tuple(TRAINED_CURVE), TRAINED_RUNS)
    model = stored_model("diag", 2, TRAINED_ON.key)
    answers = model.implicit_weight(spectrum.S), spectrum.ridge(sigma)
    return tuple(scale_by_level(w, truth, len(TRAINED_CURVE)) for w in answers)


def theorem_for_trained():
    """The line of Theorem 5.2 for the trained model's task, where sigma^2/n plays the part of sigma^2 -> (49,) on TRAINED_CURVE"""
    s1, s2 = np.array(TRAINED_ON.values) / np.sqrt(PAPER.context)
    return theorem_scale(s1, s2, TRAINED_CURVE**2 / PAPER.context)


def made_for(state):
    """The scale that the two layers were made for, beside ridge regression's."""
    s1, s2 = state.levels
    variance = state.sigma**2
    return Message(
        "rescaling.made_for",
        sigma=state.sigma,
        variance=variance,
        s1=s1,
        s2=s2,
        scale=theorem_scale(s1, s2, variance),
        ridge=ridge_scale(variance),
    )


def warning(state):
    """That the answer is turned round, if so."""
    return [Message("rescaling.wrong_sign", breaking=state.breaking)] if state.sigma > state.breaking else []


def trained_scale(state):
    """The scale of the trained model at this noise, beside ridge regression's."""
    scale = np.interp(state.sigma, TRAINED_CURVE, state.trained)
    ridge = np.interp(state.sigma, TRAINED_CURVE, state.trained_ridge)
    return Message("rescaling.trained", scale=scale, ridge=ridge)


def scale_panel(state, guess):
    """The theorem's chord on ridge's curve, as far as the noise has come, and the two layers at this n."""
    levels = np.array(state.levels)
    constant = np.full(len(CURVE), state.constant)
    marks = [
        level(SIGMA, 0.0),
        Curve("oracle", CURVE, up_to(state.sigma, CURVE, ridge_scale(CURVE**2))),
        Curve("constrr", CURVE, up_to(state.sigma, CURVE, constant)),
        Curve("model", CURVE, up_to(state.sigma, CURVE, state.line)),
        points_of_runs(state, state.measured),
        Points("truth", levels, ridge_scale(levels**2), name="made_for"),
        Guess(guess, 0.0),
    ]
    return Panel("scale", SIGMA, SCALE, marks)


def trained_panel(state):
    """The same of a model that was trained, and what the theorem would give it."""
    marks = [
        Band("range", trained_spans(TRAINED_ON)),
        level(TRAINED_SIGMA, 0.0),
        Curve("oracle", TRAINED_CURVE, up_to(state.sigma, TRAINED_CURVE, state.trained_ridge)),
        Curve("theorem", TRAINED_CURVE, up_to(state.sigma, TRAINED_CURVE, theorem_for_trained())),
        Curve("model", TRAINED_CURVE, up_to(state.sigma, TRAINED_CURVE, state.trained), name="trained"),
    ]
    values = dict(noise=TRAINED_ON.label, context=PAPER.context)
    return Panel("trained", TRAINED_SIGMA, SCALE, marks, values)


def distance_panel(state):
    """Half the squared distance to the oracle: 0 where the scale is ridge's."""
    marks = [
        Curve("constrr", CURVE, up_to(state.sigma, CURVE, state.constant_distance)),
        Curve("model", CURVE, up_to(state.sigma, CURVE, state.line_distance)),
        points_of_runs(state, state.measured_distance),
    ]
    return Panel("distance", SIGMA, DISTANCE, marks)


def weight_panel(state):
    """One sequence, component by component."""
    marks = [
        Ticks("truth", COMPONENT, state.truth),
        Ticks("oracle", COMPONENT, state.oracle),
        Points("model", COMPONENT, state.w),
    ]
    return Panel("weight", component_axis(), WEIGHT, marks)


def points_of_runs(state, values):
    """What the two layers do when they are run at this n."""
    shown = up_to(state.sigma, POINTS, values)
    return Points("measured", POINTS, shown, values=dict(count=state.context))
