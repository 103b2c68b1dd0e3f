"""The noise lab: a trained model, frozen, reads one sequence; the noise on its labels slides, and the model's implicit weight moves.

Panels: the implicit weight and its path through the layers (Theorem 4.1); how much of each principal direction is kept, beside ridge
regression; what each layer does, as a step downhill and a rescaling (sections 5.2 and 5.3); and the noise that the model acts
as if it had read, beside the truth, AdaRR's estimate and the likelihood of each.
"""

from dataclasses import dataclass

import numpy as np

from ..implicit import (
    effective_step_size,
    filter_curve,
    filter_factors,
    implicit_from_moments,
    implied_noise,
)
from ..language import Message
from ..noise import Noise, parse_noise
from ..pretrained import stored, stored_layers
from ..view.panel import Axis, Band, Curve, Guess, Guide, Panel, Path, Points, Shape, Ticks
from .base import Lab
from .beats import Beat
from .controls import Choice, Hidden, Opinion, Prediction, Seed, Slider
from .frozen import Frozen
from .marks import component_axis, components, held, level
from .material import (
    OWN,
    noise_of,
    outside_training,
    own_noise,
    own_or_stored_kinds,
    own_or_stored_noises,
    read_own_model,
    read_own_noise,
    sequence_of,
    stored_model,
    trained_spans,
)
from .own_task import PAPER_TASK, OwnTask

SIGMA_MAX = 8.0  # the slider goes well past U(0, 5)
CURVE = np.linspace(0.02, 4.5, 45)  # eigenvalues
GRID = np.linspace(0.0, 2 * SIGMA_MAX, 161)[1:]  # noise levels of the likelihood
REDRAWS = 100
WEIGHT = Axis("w", -3.5, 3.5)
KEPT = Axis("share", -0.1, 1.2)
STEP = Axis("factor", -0.5, 2.0)
READ = Axis("sigma_read", 0.0, SIGMA_MAX)


TOLD_OF = dict(kind="diag", noise="uniform-5", layers=4, seed=66)  # what the beats are about
WAYS = {Message(f"choice.{way}"): way for way in ("rises", "stays", "falls")}
DIRECTIONS = {Message("noise.choice.weakest"): "weakest", Message("noise.choice.strongest"): "strongest"}
BEYOND = {
    Message("noise.choice.five"): "five",
    Message("noise.choice.between"): "between",
    Message("noise.choice.eight"): "eight",
}
ASKED_AT = 4.0  # the sigma for which the learner predicts what the meter will read
SAME = 0.1  # a difference that nobody would call one


@dataclass(frozen=True)
class NoiseState(Frozen):
    """Everything that the lab shows at one setting. L layers, d = 10 directions."""

    sigma: float
    noise: Noise  # what the model was trained on
    spans: tuple  # where that lies on the axis of sigma
    truth: np.ndarray  # (d,)
    path: np.ndarray  # (L+1, d): the implicit weight before the first and after each layer
    oracle: np.ndarray  # (d,): ridge regression that is told sigma
    eigenvalues: np.ndarray  # (d,), ascending
    kept: np.ndarray  # (d,): the model's filter factors over redraws of truth and noise
    ridge_kept: np.ndarray  # (d,)
    fit: float  # R^2 of those filter factors: 1 if the model is a filter
    curve_at: np.ndarray  # (45,): CURVE, or further where inputs of a learner's own reach further
    curve: (
        np.ndarray
    )  # (45,): the filter factor of DIAG and GD++ at any eigenvalue, on this sequence; NaN for FULL
    ridge_curve: np.ndarray  # (45,)
    step: np.ndarray  # (L,): effective step size
    cosine: np.ndarray  # (L,): of the layer's push and the downhill direction
    rescaling: np.ndarray  # (L,)
    implied: float  # the noise that the model acts as if it had seen
    estimate: float  # AdaRR's
    likelihood: (
        np.ndarray
    )  # (160,): how probable each sigma of GRID makes the labels, whatever the training range; sums to 1


def depths(kind, noise, model):
    """The depths of the models to choose from."""
    return [model.model.layers] if kind == OWN else stored_layers(kind, parse_noise(noise))


class NoiseLab(Lab):
    """Slide the noise; watch the implicit weight of a trained, frozen linear transformer adapt.

    NoiseLab(sigma=2.0, kind="diag", noise="uniform-5", layers=4)
    NoiseLab(model="my_model.safetensors", trained_on="uniform-5")      # a file that LinearTransformer.save wrote; d = 10
    NoiseLab(task=task, model=model)                                    # on your own inputs, with the model that lt.train made for them

    The file is read once. Without `trained_on` it counts as trained on `noise` or, without that too, on the noise that its file names. Of
    a task the lab takes d, n and the inputs; the noise slides.
    """

    NAME = "noise"
    GHOST = True
    CONTROLS = dict(
        task=OwnTask(),
        model=Hidden(verify=read_own_model, travels=False),
        trained_on=Hidden(own_noise, read_own_noise, travels=False),
        sigma=Slider(0.0, SIGMA_MAX, 0.1, value=1.0),
        kind=Choice(own_or_stored_kinds, lambda model: "diag" if model is None else OWN),
        noise=Choice(own_or_stored_noises, lambda trained_on: trained_on or "uniform-5"),
        layers=Choice(depths, 4, slide=True),
        kept_guess=Prediction(0.0, 1.0, 0.05),
        implied_guess=Prediction(0.0, 6.0, 0.25),  # its star waits at 3, off the diagonal
        gd_guess=Opinion(WAYS),
        direction_guess=Opinion(DIRECTIONS),
        layer_guess=Opinion((1, 2, 3, 4)),
        beyond_guess=Opinion(BEYOND),
        seed=Seed(4),
    )
    BEATS = (
        Beat(
            "meter",
            panels=("meter",),
            control="sigma",
            values=dict(sigma=1.0, **TOLD_OF),
            ask="implied_guess",
            at=dict(sigma=ASKED_AT),
            answer=lambda state, begun: state.implied,
        ),
        Beat(
            "gdpp",
            panels=("meter",),
            control="sigma",
            values=dict(sigma=1.0, **{**TOLD_OF, "kind": "gd++"}),
            ask="gd_guess",
            at=dict(sigma=4.0),
            answer=lambda state, begun: way(begun.implied, state.implied),
            tell=lambda state, begun: dict(implied=state.implied),
        ),
        Beat(
            "shares",
            panels=("meter", "kept"),
            control="sigma",
            values=dict(sigma=1.0, **TOLD_OF),
            ask="direction_guess",
            at=dict(sigma=4.0),
            answer=lambda state, begun: (
                "weakest" if losses(state, begun)[0] > losses(state, begun)[-1] else "strongest"
            ),
            tell=lambda state, begun: shares(state, begun),
        ),
        Beat(
            "steps",
            panels=("kept", "step"),
            control="sigma",
            values=dict(sigma=1.0, **TOLD_OF),
            ask="layer_guess",
            at=dict(sigma=4.0),
            answer=lambda state, begun: int(abs(state.step - begun.step).argmax()) + 1,
            tell=lambda state, begun: dict(first=state.step[0], before=begun.step[-1], last=state.step[-1]),
        ),
        Beat(
            "beyond",
            panels=("meter",),
            control="sigma",
            values=dict(sigma=5.0, **TOLD_OF),
            ask="beyond_guess",
            at=dict(sigma=8.0),
            answer=lambda state, begun: (
                "between" if 5.5 < state.implied < 7.5 else "eight" if state.implied >= 7.5 else "five"
            ),
            tell=lambda state, begun: dict(implied=state.implied, estimate=state.estimate),
        ),
    )

    def __init__(self, *, model=None, trained_on=None, **values):
        if model is not None and values.get("kind", OWN) == OWN:
            trained_on = trained_on or values.get("noise")
        given = dict(model=model, trained_on=trained_on)
        super().__init__(**{name: value for name, value in given.items() if value is not None}, **values)

    @staticmethod
    def compute(model, trained_on, sigma, kind, noise, layers, seed, task=None):
        given = task or PAPER_TASK
        if kind == OWN:
            transformer, unit = given.units.into(model.model), given.units.y
        else:
            transformer, unit = stored_model(kind, layers, noise, dim=given.dim), 1.0
        spans = trained_spans(noise_of(noise))
        shown = sequence_of(task, seed)
        S = shown.moments(sigma)  # (1, D, D)
        spectrum = shown.spectrum(sigma)
        implicit = implicit_from_moments(transformer, S)
        step, cosine = effective_step_size(implicit)

        # What the model keeps of a direction is a slope over redraws of truth and noise at these inputs.
        rng = np.random.default_rng(seed)
        eigenvalues, kept, fit = filter_factors(transformer, shown.x, sigma, REDRAWS, rng)
        penalty = sigma**2 / given.context
        curve_at = CURVE * max(1.0, given.largest)  # (45,)

        scores = spectrum.log_likelihood(GRID)[0]
        likelihood = np.exp(scores - scores.max())
        return NoiseState(
            sigma=sigma,
            noise=noise_of(noise),
            spans=tuple((low / unit, high / unit) for low, high in spans),
            truth=shown.truth,
            path=implicit.w[0],
            oracle=spectrum.ridge([sigma])[0],
            eigenvalues=eigenvalues,
            kept=kept,
            ridge_kept=eigenvalues / (eigenvalues + penalty),
            fit=np.average(fit, weights=eigenvalues),
            curve_at=curve_at,
            curve=sequence_curve(transformer, S[0], eigenvalues[-1], curve_at),
            ridge_curve=curve_at / (curve_at + penalty),
            step=step[0],
            cosine=cosine[0],
            rescaling=implicit.rescaling[0],
            implied=implied_noise(implicit.w[:, -1], spectrum)[0],
            estimate=spectrum.noise_estimate()[0],
            likelihood=likelihood / likelihood.sum(),
        )

    @staticmethod
    def panels(state, ghost, guesses):
        return [
            weight_panel(state, ghost),
            kept_panel(state, ghost, guesses["kept_guess"]),
            step_panel(state, ghost),
            meter_panel(state, ghost, guesses["implied_guess"]),
        ]

    @staticmethod
    def words(state, ghost):
        level = Message("noise.level", sigma=state.sigma, variance=state.sigma**2)
        if not np.isfinite(state.path).all():
            return [Message("noise.diverges", level=level)]
        return [
            reading(state, level).on("weight", "meter"),
            keeping(state).on("kept"),
            stepping(state).on("step"),
            *warning(state),
        ]


def reading(state, level):
    """Which noise the model acts on, and how far its answer is from the oracle's."""
    if np.isfinite(state.implied):
        acts = Message("noise.acts", implied=state.implied)
    else:
        acts = Message("noise.explodes")
    low, high = np.interp([0.05, 0.95], np.cumsum(state.likelihood), GRID)
    if low > GRID[0]:
        allowed = Message("noise.allowed", low=low, high=high)
    else:
        allowed = Message("noise.allowed_to", high=high)  # nothing is known below the first of the grid
    distance = np.linalg.norm(state.path[-1] - state.oracle)
    return Message(
        "noise.reading", level=level, acts=acts, estimate=state.estimate, allowed=allowed, distance=distance
    )


def keeping(state):
    """How much of the weakest and of the strongest direction is kept."""
    if (abs(state.kept) >= 10).any():
        return Message("noise.no_shares")
    weakest, strongest = (
        Message("noise.share", share=state.kept[direction], ridge=state.ridge_kept[direction])
        for direction in (0, -1)
    )
    return Message("noise.keeps", weakest=weakest, strongest=strongest, fit=state.fit)


def stepping(state):
    """How long a step each layer takes."""
    return Message("noise.steps", steps=", ".join(f"{round(step, 2) + 0.0:.2f}" for step in state.step))


def warning(state):
    """That the model was not made for this noise, if so."""
    outside = outside_training(state.sigma, state.spans)
    return [Message("noise.outside", noise=state.noise.label)] if outside else []


def way(before, after):
    """Does a number rise, stay or fall?"""
    if abs(after - before) < SAME:
        return "stays"
    return "rises" if after > before else "falls"


def losses(state, begun):
    """How much less of each direction is kept than at the beginning of a beat -> (d,)"""
    return begun.kept - state.kept


def shares(state, begun):
    """The shares of the weakest and the strongest direction, before and now -> dict"""
    return dict(weak=begun.kept[0], weaker=state.kept[0], strong=begun.kept[-1], less=state.kept[-1])


def sequence_curve(model, S, largest, places):
    """What the model keeps at each of some eigenvalues, as far as this sequence reaches: up to its largest. FULL has no such curve."""
    curve = np.full(len(places), np.nan)
    reached = largest >= places
    if model.kind != "full":
        curve[reached] = filter_curve(model, S, places[reached])
    return curve


def weight_panel(state, ghost):
    """The weight component by component; within a component's column its path, from before the first layer to after the last."""
    within = np.linspace(-0.32, 0.32, len(state.path))  # (L+1,)
    component = components(len(state.truth))  # (d,)
    along = component + within[:, None]  # (L+1, d)
    gap = np.full((1, len(component)), np.nan)  # ends the path of one component
    layers = np.append(np.arange(len(state.path)), np.nan)  # (L+2,)
    column = dict(component=component)
    marks = [
        Ticks("truth", component, state.truth, keys=column),
        Ticks("oracle", component, state.oracle, keys=column),
        *([] if ghost is None else [held(along[-1], ghost.path[-1], keyed=True)]),
        Curve(
            "layers",
            np.append(along, gap, axis=0).T.ravel(),
            np.append(state.path, gap, axis=0).T.ravel(),
            keys=dict(layer=np.tile(layers, len(component))),
        ),
        Points("model", along[-1], state.path[-1], keys=column),
    ]
    return Panel("weight", component_axis(len(component)), WEIGHT, marks)


def kept_panel(state, ghost, guess):
    """Filter factors by eigenvalue, beside ridge regression's."""
    direction = np.arange(1, len(state.kept) + 1)  # (d,)
    marks = [
        Curve("oracle", state.curve_at, state.ridge_curve, name="ridge"),
        *([] if ghost is None else [held(ghost.eigenvalues, ghost.kept)]),
        Curve("sequence", state.curve_at, state.curve),
        Points("model", state.eigenvalues, state.kept, keys=dict(direction=direction)),
        Guess(state.eigenvalues[0], guess, grab="kept_guess"),
    ]
    return Panel("kept", Axis("eigenvalue", 0, state.curve_at[-1]), KEPT, marks)


def step_panel(state, ghost):
    """Layer by layer: the step downhill, and the factor on what was there."""
    deepest = max(entry["layers"] for entry in stored())
    x = Axis("layer", 0.5, deepest + 0.5, ticks=tuple(range(1, deepest + 1)))
    marks = [level(x, 1.0)]
    if ghost is not None:
        layers = np.arange(1, len(ghost.step) + 1)
        marks += [
            held(layers, ghost.step, keyed=True),
            held(layers, ghost.rescaling, "ghost second", "ghost rescaling"),
        ]
    layers = np.arange(1, len(state.step) + 1)
    marks += [
        Path(
            "first", layers, state.step, name="step", hover="step", data=state.cosine, keys=dict(layer=layers)
        ),
        Path("second", layers, state.rescaling, name="rescaling", keys=dict(layer=layers)),
    ]
    return Panel("step", x, STEP, marks)


def meter_panel(state, ghost, guess):
    """The noise that the model acts on, against the true one; the likelihood stands upright beside it."""
    bell = state.likelihood / state.likelihood.max()
    likely = (bell > 0.01) & (GRID <= SIGMA_MAX)
    x = Axis("sigma_true", 0, SIGMA_MAX + 1, ticks=(0, 2, 4, 6, 8))
    marks = [
        Band("range", state.spans),
        Guide("diagonal", [0, SIGMA_MAX], [0, SIGMA_MAX]),
        Shape("noise", state.sigma + 0.9 * bell[likely], GRID[likely], name="likelihood", hover=""),
        Points("adarr", state.sigma, state.estimate),
        *([] if ghost is None else [held(ghost.sigma, ghost.implied)]),
        Points("model", state.sigma, state.implied),
        Guess(ASKED_AT, guess, grab="implied_guess"),
    ]
    return Panel("meter", x, READ, marks)
