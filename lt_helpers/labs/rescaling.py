"""The rescaling lab: how frozen weights sense the noise, how two layers shrink their answer by it, and the noise at which they turn it
round (paper, section 5.2 and Theorem 5.2).

First the running example. *labels*: the labels of three sequences, and what a fit leaves of them; *shrink*: the slope that a layer with
only omega_yy makes of the fitted one. Then a trained DIAG. *reads*: the mean of y^2 that each of its layers reads, on sequences with
sigma = 1 and with sigma = 3; *told*: how often that number tells the two apart.

Then Theorem 5.2. The weights are written down for two noise levels, and the two layers are run at a finite n; beside them stands a
*trained* DIAG with two layers. Panels: the scale of the answer against sigma, beside ridge regression's, for the one and for the other; the
distance to the oracle, beside ConstRR's; and the weight of one sequence, whose truth, inputs and noise direction stay while sigma slides.
Curves are drawn as far as the noise has been slid, so that there is something to predict.

In the theorem's model the inputs are x ~ N(0, I/n), and n grows without end. There n Sigma is the identity, n alpha is the truth plus sigma
times white noise, the mean of y^2 is sigma^2, and ridge regression keeps 1 / (1 + sigma^2) of n alpha.

The scale of an answer w is <w, truth> / <truth, truth>, over many sequences: the share of the truth that it holds.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..evaluate import excess
from ..implicit import implicit_from_moments
from ..language import Message
from ..model import LinearTransformer
from ..noise import Categorical
from ..spectrum import Spectrum
from ..task import PAPER
from ..view.panel import Axis, Band, Curve, Guess, Panel, Path, Points, Shape, Ticks
from . import running_example
from .base import Lab
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Seed, Slider
from .frozen import Frozen
from .marks import COMPONENT, component_axis, layer_axis, level, log_axis, up_to, upright
from .material import at_each_noise, many_sequences, stored_model, trained_spans, with_noise

LEVEL_MAX = 4.0
SIGMA_MAX, TRAINED_SIGMA_MAX = 6.0, 12.0
CURVE = np.linspace(0, SIGMA_MAX, 121)
POINTS = np.linspace(0, SIGMA_MAX, 7)  # where the two layers are run
RUNS = 60  # sequences at each of POINTS, each with its noise and with the opposite of it

TRAINED_ON = Categorical((1, 3))
TRAINED_CURVE = np.linspace(0, TRAINED_SIGMA_MAX, 49)
TRAINED_RUNS = 200

READER = dict(kind="diag", layers=4, noise="uniform-5")  # the trained model whose layers are looked into
READ_AT = (1.0, 3.0)  # the two noise levels that it is to tell apart
READ_RUNS = 2000  # sequences at each of the two
READ_BINS = np.geomspace(0.25, 64, 33)  # edges of a histogram, four for each factor of 2

SEQUENCES = np.arange(3.0)  # A, A', B side by side
SPREAD = np.array([-0.24, -0.08, 0.08, 0.24])  # of four labels within their column

COLUMNS = Axis("example", -0.5, 2.5, ticks=tuple(SEQUENCES), labels=running_example.NAMES)
LABEL = Axis("label", -4.6, 4.6)
SLOPE = Axis("slope", -2.2, 2.3)
READ = log_axis("read", READ_BINS[0], READ_BINS[-1], (0.25, 1, 4, 16, 64), ("0.25", "1", "4", "16", "64"))
SHARE = Axis("share", 0.0, 0.32)
READ_LAYER = layer_axis(READER["layers"], first=1)
RIGHT = Axis("right", 48.0, 101.0)
# The axes of sigma go on far enough for the names at the lines' ends.
SIGMA = Axis("sigma", 0, 1.25 * SIGMA_MAX, ticks=tuple(range(7)))
TRAINED_SIGMA = Axis("sigma", 0, 1.25 * TRAINED_SIGMA_MAX, ticks=tuple(range(0, 13, 2)))
SCALE = Axis("scale", -0.8, 1.1)
DISTANCE = log_axis(
    "distance", 1e-3, 1e3, (0.001, 0.1, 10.0, 1000.0), ("0.001", "0.1", "10", "1000"), below="floor"
)
WEIGHT = Axis("w", -4.0, 4.0)
NEARLY = 0.3  # two noise levels that nobody would tell apart in the picture


NOISIER = {"A": "a", "B": "b", Message("rescaling.choice.alike"): "alike"}
READS = {Message("rescaling.choice.left"): "left", Message("rescaling.choice.labels"): "labels"}
WHEN = {Message(f"rescaling.choice.{one}"): one for one in ("sooner", "there", "later")}


@dataclass(frozen=True)
class RescalingState(Frozen):
    """Everything that the lab shows at one setting."""

    fit: float  # the share of the line that is taken off
    left: np.ndarray  # (3, 4): what is left of the labels of A, A' and B
    read_square: np.ndarray  # (3,): the mean square that the second layer reads
    shrunk: np.ndarray  # (3,): the slope that it makes of the fitted one
    layer: int  # of the trained model, from 1
    read: np.ndarray  # (2, 32): share of sequences in READ_BINS, at the two levels of READ_AT, at this layer
    border: float  # the number that tells the two apart best
    right: np.ndarray  # (4,): how often it does, layer by layer, in percent
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
    """See how a layer senses the noise; then at which noise two layers that shrink by it answer with the wrong sign.

    RescalingLab()                                                      # leads
    RescalingLab(beat=None, s1=1.0, s2=3.0, context=1000, sigma=1.0)    # everything at once
    """

    NAME = "rescaling"
    NO_TASK = Message("task.rescaling")
    ROW = 230
    CONTROLS = dict(
        fit=Slider(0.0, 1.0, 0.05, value=0.0),
        omega_yy=Slider(-0.25, 0.0, 0.025, value=-0.05),
        reads=Choice(READS, "left"),
        layer=Slider(1, READER["layers"], 1, value=1),
        s1=Slider(0.0, LEVEL_MAX, 0.1, value=1.0),
        s2=Slider(0.0, LEVEL_MAX, 0.1, value=3.0),
        context=Choice((20, 50, 100, 1000, 10_000), 1000, slide=True),
        sigma=Slider(0.0, TRAINED_SIGMA_MAX, 0.1, value=1.0),
        noisier_guess=Opinion(NOISIER),
        right_guess=Prediction(50, 100, 1),
        guess=Prediction(0.0, SIGMA_MAX, 0.1),
        when_guess=Opinion(WHEN),
        seed=Seed(),
    )
    BEATS = (
        Beat(
            "labels",
            panels=("labels",),
            control="fit",
            values=dict(fit=0.0),
            ask="noisier_guess",
            at=dict(fit=1.0),
            answer=lambda state, begun: noisier(begun),
            tell=lambda state, begun: dict(
                before=mean_squares(begun)[0], a=mean_squares(state)[0], b=mean_squares(state)[2]
            ),
        ),
        Beat(
            "shrink",
            panels=("labels", "shrink"),
            control="omega_yy",
            others=("reads",),
            values=dict(fit=1.0, omega_yy=0.0, reads="left"),
            at=dict(omega_yy=-0.125, reads="left"),
            when=lambda values, state: lies_on_ridge(state),  # whoever slides past has not seen it
            tell=lambda state, begun: tell_slopes(state),
        ),
        Beat(
            "reads",
            panels=("reads", "told"),
            control="layer",
            values=dict(layer=1),
            ask="right_guess",
            at=dict(layer=3),
            answer=lambda state, begun: state.right[2],
            tell=lambda state, begun: dict(first=state.right[0], second=state.right[1]),
        ),
        Beat(
            "breaks",
            panels=("scale",),
            control="sigma",
            values=dict(s1=1.0, s2=3.0, context=1000, sigma=0.0),
            ask="guess",
            at=dict(sigma=3.4),
            answer=lambda state, begun: state.breaking,
            tell=lambda state, begun: dict(square=state.breaking**2),
        ),
        Beat(
            "trained",
            panels=("trained",),
            control="sigma",
            values=dict(sigma=3.0),
            ask="when_guess",
            at=dict(sigma=11.0),
            answer=lambda state, begun: earlier_or_later(state),
            tell=lambda state, begun: tell_trained(state),
        ),
    )

    @staticmethod
    def compute(fit, omega_yy, reads, layer, s1, s2, context, sigma, seed):
        # The running example: a first layer has fitted each sequence, a second one shrinks the slope.
        left = running_example.left_over(fit * running_example.slopes())  # (3, 4)
        looked_at = (
            running_example.LABELS
            if reads == "labels"
            else running_example.left_over(running_example.slopes())
        )
        read_square = (looked_at**2).mean(axis=1)  # (3,)
        shrunk = (1 + omega_yy * read_square) * running_example.slopes()  # (3,)

        # What a trained model reads at this layer.
        read, border, right = read_by_layer()

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
            fit=fit,
            left=left,
            read_square=read_square,
            shrunk=shrunk,
            layer=layer,
            read=read[layer - 1],
            border=border[layer - 1],
            right=right,
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
            labels_panel(state),
            shrink_panel(state),
            reads_panel(state),
            told_panel(state, guesses["right_guess"]),
            scale_panel(state, guesses["guess"]),
            trained_panel(state),
            distance_panel(state),
            weight_panel(state),
        ]

    @staticmethod
    def words(state, ghost):
        return [
            squares_left(state).on("labels"),
            shrinks(state).on("shrink"),
            tells_apart(state).on("reads", "told"),
            made_for(state).on("scale", "distance", "weight"),
            *warning(state),
            trained_scale(state).on("trained"),
        ]


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


@lru_cache(maxsize=1)
def read_by_layer():
    """What each layer of the trained model reads, at the two noise levels of READ_AT.

    Returns
    -------
    read : (4, 2, 32) array.  Layer by layer, the share of sequences in READ_BINS at each of the two levels.
    border : (4,) array.  The number that tells the two levels apart best: what is above counts as the higher one.
    right : (4,) array.  How often that is so, in percent.
    """
    model = stored_model(**READER)
    moments = many_sequences(READ_RUNS)
    quiet, noisy = (labels_squared(model, with_noise(moments, sigma)) for sigma in READ_AT)  # (B, 4)
    read, border, right = [], [], []
    for layer in range(READER["layers"]):
        both = quiet[:, layer], noisy[:, layer]
        read.append(
            [
                np.histogram(np.clip(one, READ_BINS[0], READ_BINS[-1]), READ_BINS)[0] / READ_RUNS
                for one in both
            ]
        )
        best, share = best_border(*both)
        border.append(best)
        right.append(100 * share)
    return np.array(read), np.array(border), np.array(right)


def labels_squared(model, S):
    """The mean of y^2 before each layer.    S : (B, D, D)  ->  (B, L)"""
    state = implicit_from_moments(model, S)
    labels = np.concatenate([-state.w, state.a[..., None]], axis=-1)[:, :-1]  # (B, L, D): y^l = a y - <w, x>
    return np.einsum("bld,bde,ble->bl", labels, S, labels)


def best_border(low, high):
    """The number that tells two samples of one size apart best.    low, high : (B,)  ->  number, share that is on its side"""
    numbers = np.concatenate([low, high])  # (2B,)
    ascending = numbers.argsort()
    is_low = ascending < len(low)

    # With the border above the k lowest, right are the low ones among those, and the high ones among the others.
    below = is_low.cumsum()  # (2B,)
    above = (~is_low).sum() - (~is_low).cumsum()  # (2B,)
    best = (below + above)[:-1].argmax()
    on_either_side = numbers[ascending][best : best + 2]
    return on_either_side.mean(), (below + above)[best] / len(numbers)


def mean_squares(state):
    """The mean square of what is left of each sequence of the running example -> (3,)"""
    return (state.left**2).mean(axis=1)


def noisier(state):
    """Which of A and B looks noisier, by the size of what the panel shows of them."""
    a, _, b = mean_squares(state)
    if a == b:
        return "alike"
    return "a" if a > b else "b"


def slopes_by_name(slopes):
    """The slopes of A, A' and B -> dict"""
    return dict(zip(("a", "noisy", "b"), slopes, strict=True))


def lies_on_ridge(state):
    """Do the shrunk slopes of A' and B lie on ridge regression's?"""
    return np.allclose(state.shrunk[1:], running_example.ridge_slopes()[1:])


def tell_slopes(state):
    """The slopes beside ridge regression's, and the factor that A and B would get if the layer read the labels -> dict"""
    ridge = running_example.ridge_slopes()
    omega_yy = (state.shrunk / running_example.slopes() - 1)[0] / state.read_square[0]
    fooled = 1 + omega_yy * (running_example.LABELS**2).mean(axis=1)  # (3,)
    return dict(ridge=ridge[0], fooled=fooled[0], omega_yy=omega_yy, **slopes_by_name(state.shrunk))


def trained_breaking(state):
    """The noise at which the trained model's scale is zero."""
    first = int((state.trained < 0).argmax())  # the first below zero
    around = slice(first - 1, first + 1)
    return np.interp(0, state.trained[around][::-1], TRAINED_CURVE[around][::-1])


def theorem_breaking():
    """The noise at which the theorem's is, for the trained model's task: there sigma^2/n plays the part of sigma^2."""
    return np.sqrt(PAPER.context + np.square(TRAINED_ON.values).sum())


def earlier_or_later(state):
    """Does the trained model break sooner than the theorem says, there, or later?"""
    apart = trained_breaking(state) - theorem_breaking()
    if abs(apart) < NEARLY:
        return "there"
    return "sooner" if apart < 0 else "later"


def tell_trained(state):
    """Where the trained model breaks, and what it and ridge regression keep at the two noise levels that it was trained on -> dict"""
    first, second = np.interp(TRAINED_ON.values, TRAINED_CURVE, state.trained)
    ridge, ridge_second = np.interp(TRAINED_ON.values, TRAINED_CURVE, state.trained_ridge)
    breaking = trained_breaking(state)
    return dict(breaking=breaking, first=first, second=second, ridge=ridge, ridge_second=ridge_second)


def squares_left(state):
    """The mean square of what is left of the three sequences, once something is taken off."""
    if state.fit == 0:
        return Message("rescaling.bare")
    return Message("rescaling.left", **slopes_by_name(mean_squares(state)))


def shrinks(state):
    """The factors by which the slopes of the three sequences are shrunk."""
    return Message("rescaling.shrinks", **slopes_by_name(state.shrunk / running_example.slopes()))


def tells_apart(state):
    """How often what this layer reads tells the two noise levels apart."""
    low, high = READ_AT
    return Message(
        "rescaling.tells",
        layer=state.layer,
        low=low,
        high=high,
        right=state.right[state.layer - 1],
        border=state.border,
    )


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
    if state.sigma <= state.breaking:
        return []
    return [Message("rescaling.wrong_sign", breaking=state.breaking).on("scale", "distance", "weight")]


def trained_scale(state):
    """The scale of the trained model at this noise, beside ridge regression's."""
    scale = np.interp(state.sigma, TRAINED_CURVE, state.trained)
    ridge = np.interp(state.sigma, TRAINED_CURVE, state.trained_ridge)
    return Message("rescaling.trained", scale=scale, ridge=ridge)


def labels_panel(state):
    """The labels of the three sequences, from the lowest to the highest, and what is left of each."""
    order = running_example.LABELS.argsort(axis=1)  # (3, 4)
    at = (SEQUENCES[:, None] + SPREAD).ravel()  # (12,)
    labels = np.take_along_axis(running_example.LABELS, order, axis=1).ravel()  # (12,)
    left = np.take_along_axis(state.left, order, axis=1).ravel()  # (12,)
    marks = [
        level(COLUMNS, 0.0),
        Points("beside first", at, labels, name="labels"),
        Points("noise", at, left, name="left"),
    ]
    return Panel("labels", COLUMNS, LABEL, marks)


def shrink_panel(state):
    """The fitted slopes, what the second layer makes of them, and ridge regression's."""
    marks = [
        level(COLUMNS, 0.0),
        Points("least squares", SEQUENCES, running_example.slopes(), name="fitted"),
        Ticks("oracle", SEQUENCES, running_example.ridge_slopes()),
        Points("model", SEQUENCES, state.shrunk, name="shrunk"),
    ]
    return Panel("shrink", COLUMNS, SLOPE, marks)


def reads_panel(state):
    """What the layer reads, over many sequences at either noise."""
    marks = [
        outline("first", state.read[0], name="quiet"),
        outline("noise", state.read[1], name="noisy"),
        upright(state.border, SHARE, name="border", keyed=True),
    ]
    values = dict(layer=state.layer)
    return Panel("reads", READ, SHARE, marks, values)


def outline(role, shares, name):
    """A histogram over READ_BINS."""
    edges = np.repeat(READ_BINS, 2)  # (66,)
    heights = np.concatenate([[0], np.repeat(shares, 2), [0]])  # (66,)
    values = dict(sigma=READ_AT[0 if name == "quiet" else 1])
    return Shape(role, edges, heights, name=name, hover="", values=values)


def told_panel(state, guess):
    """How often the two noise levels are told apart, as far as the layer has come."""
    layers = np.arange(1.0, len(state.right) + 1)
    marks = [
        Path("model", layers, up_to(state.layer, layers, state.right), name="right", keys=dict(layer=layers)),
        Guess(3, guess, grab="right_guess"),
    ]
    return Panel("told", READ_LAYER, RIGHT, marks)


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
        Guess(guess, 0.0, grab="guess", along="x"),
    ]
    return Panel("scale", SIGMA, SCALE, marks, ends=True)


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
    return Panel("trained", TRAINED_SIGMA, SCALE, marks, values, ends=True)


def distance_panel(state):
    """Half the squared distance to the oracle: 0 where the scale is ridge's."""
    marks = [
        Curve("constrr", CURVE, up_to(state.sigma, CURVE, state.constant_distance)),
        Curve("model", CURVE, up_to(state.sigma, CURVE, state.line_distance)),
        points_of_runs(state, state.measured_distance),
    ]
    return Panel("distance", SIGMA, DISTANCE, marks, ends=True)


def weight_panel(state):
    """One sequence, component by component."""
    marks = [
        Ticks("truth", COMPONENT, state.truth, keys=dict(component=COMPONENT)),
        Ticks("oracle", COMPONENT, state.oracle, keys=dict(component=COMPONENT)),
        Points("model", COMPONENT, state.w, keys=dict(component=COMPONENT)),
    ]
    return Panel("weight", component_axis(), WEIGHT, marks)


def points_of_runs(state, values):
    """What the two layers do when they are run at this n."""
    shown = up_to(state.sigma, POINTS, values)
    return Points("measured", POINTS, shown, values=dict(count=state.context))
