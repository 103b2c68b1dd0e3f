"""The preconditioning lab: GD++ on a lopsided problem, layer by layer (paper, Theorem 5.1).

The problem has no noise and ten eigenvalues, evenly spaced on a logarithmic scale from 1/kappa to 1; the truth has an equal part along each
direction. The lab writes the weights of a GD++ transformer down by hand: gamma = -omega_xx of each layer from the control, and the
step -omega_yx that is best for the eigenvalues which that layer meets. It runs the transformer beside gradient descent, heavy ball
(each with the constants that are best in the long run) and Newton's iteration for the inverse of a matrix. Panels: the ellipse along which
the inputs spread, which becomes a circle; the map that one layer is for the eigenvalues, and these, layer by layer; their condition number;
and the errors of all methods.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import baselines
from ..implicit import implicit_from_moments
from ..language import Message
from ..model import LinearTransformer
from ..task import PAPER, second_moments
from ..view.panel import Axis, Curve, Guess, Guide, Panel, Points
from .base import Lab
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Slider, Toggle
from .frozen import Frozen
from .marks import log_axis

DEEPEST = 12
KAPPA, FIFTY_TIMES = 20, 50  # what the beats begin with, and how much more uneven one of them is
GOAL = 0.01  # kappa - 1 that counts as "round" in the prediction
ROUND = 1.001  # below this the words name no condition number
ROUNDING = 1e-9  # |1 - gamma s| below this counts as 0: the direction is dead
ALL_DEAD = 1e-15  # stands for the largest eigenvalue when none is left
PEAK = 1 / 3  # gamma s that a layer maps highest
CIRCLE = 1.05  # the long axis over the short one that passes for a circle
ANGLES = np.linspace(0, 2 * np.pi, 61)

CHANGES = {Message(f"preconditioning.choice.{how}"): how for how in ("rounder", "equal", "flatter")}
RACERS = {Message(f"preconditioning.choice.{who}"): who for who in ("momentum", "newton", "model")}

DECADES = dict(ticks=(1.0, 0.1, 0.01, 0.001), labels=("1", "0.1", "0.01", "0.001"))
STRONGEST, WEAKEST = Axis("strongest", -1.15, 1.15), Axis("weakest", -1.15, 1.15)
BEFORE = log_axis("before", 3e-4, 1.4, **DECADES)
AFTER = log_axis("after", 3e-4, 0.3, **DECADES)
RELATIVE = log_axis("relative", 3e-4, 2.0, **DECADES)
DEPTH = Axis("depth", 0, DEEPEST, ticks=tuple(range(0, DEEPEST + 1, 2)))
EXCESS = log_axis(
    "excess", 1e-8, 1e3, (1000.0, 1.0, 1e-4, 1e-6, 1e-8), ("1000", "1", "10⁻⁴", "10⁻⁶", "10⁻⁸"), below="floor"
)
ERROR = log_axis(
    "error", 1e-8, 10.0, (1.0, 0.01, 1e-4, 1e-6, 1e-8), ("1", "0.01", "10⁻⁴", "10⁻⁶", "10⁻⁸"), below="floor"
)

# The map falls to 0 at 1: there the curve leaves the axis, and comes back.
LEAVES, RETURNS = 0.9825, 1.0175
CURVE = np.sort(np.append(np.geomspace(BEFORE.low, BEFORE.high, 300), [LEAVES, RETURNS]))


@dataclass(frozen=True)
class PreconditioningState(Frozen):
    """L layers of GD++ on d = 10 directions. Layer 0 is the input."""

    kappa: float
    gamma: float  # gamma s_max of each layer (of the first, if the others follow none)
    position: np.ndarray  # (d,): gamma s as layer L meets it
    eigenvalues: np.ndarray  # (L+1, d), after each layer, ascending in the input
    condition: np.ndarray  # (L+1,): largest over smallest; inf once a direction is dead
    theorem: np.ndarray  # (13,): the condition numbers of Theorem 5.1
    error: np.ndarray  # (L+1,): |w - truth| / |truth|
    rivals: dict  # role -> (13,) errors

    @property
    def layers(self):
        return len(self.error) - 1


class PreconditioningLab(Lab):
    """Choose how lopsided the problem is and how strongly each layer evens it out.

    PreconditioningLab(kappa=20, gamma=0.33, layers=4)
    """

    NAME = "preconditioning"
    NO_TASK = Message("task.preconditioning")
    ROW = 230
    CONTROLS = dict(
        kappa=Choice((2, 5, 10, 20, 50, 100, 200, 500, 1000), 20, slide=True),
        gamma=Slider(0.0, 1.2, 0.01, value=0.33),
        layers=Slider(1, DEEPEST, 1, value=4),
        follow=Toggle(True),
        expected=Prediction(1, DEEPEST, 1),
        bolder_guess=Opinion(CHANGES),
        race_guess=Opinion(RACERS),
    )
    BEATS = (
        Beat(
            "circle",
            panels=("shape",),
            control="layers",
            values=dict(kappa=KAPPA, gamma=0.33, layers=1, follow=True),
            when=lambda values, state: state.condition[-1] < CIRCLE**2,
            tell=lambda state, begun: dict(
                layers=state.layers,
                before=np.sqrt(state.kappa),
                after=np.sqrt(state.condition[-1]),
                kappa=state.kappa,
                now=state.condition[-1],
            ),
        ),
        Beat(
            "depth",
            panels=("shape", "condition"),
            control="layers",
            values=dict(kappa=FIFTY_TIMES * KAPPA, gamma=0.33, layers=1, follow=True),
            ask="expected",
            when=lambda values, state: state.condition[-1] - 1 < GOAL,
            answer=lambda state, begun: (
                layers_until_round(state.condition) if state.kappa == FIFTY_TIMES * KAPPA else None
            ),
            tell=lambda state, begun: layers_more(state),
        ),
        Beat(
            "bolder",
            panels=("shape", "map"),
            control="gamma",
            values=dict(kappa=KAPPA, gamma=0.33, layers=1, follow=True),
            ask="bolder_guess",
            at=dict(gamma=0.75),
            answer=lambda state, begun: (
                change_of(begun.condition[-1], state.condition[-1])
                if (state.kappa, state.layers) == (KAPPA, 1)
                else None
            ),
            tell=lambda state, begun: dict(careful=begun.condition[-1], bold=state.condition[-1]),
        ),
        Beat(
            "race",
            panels=("shape", "error"),
            control="layers",
            values=dict(kappa=KAPPA, gamma=0.33, layers=1, follow=True),
            ask="race_guess",
            at=dict(layers=7),
            answer=lambda state, begun: min(RACERS.values(), key=finish(state).get),
            tell=lambda state, begun: (
                finish(state) | dict(informed=informed_newton(state.kappa, state.layers))
            ),
        ),
    )

    @staticmethod
    def compute(kappa, gamma, layers, follow):
        s, x, y = problem(kappa)
        model, last_gamma, eigenvalues = gd_plus_plus(s, gamma, layers, follow)
        implicit = implicit_from_moments(model, second_moments(x, y))
        return PreconditioningState(
            kappa=kappa,
            gamma=gamma,
            position=last_gamma * eigenvalues[-2],
            eigenvalues=eigenvalues,
            condition=condition_number(eigenvalues),
            theorem=theorem(kappa),
            error=error(implicit.w[0]),
            rivals=rivals(kappa),
        )

    @staticmethod
    def panels(state, ghost, guesses):
        return [
            shape_panel(state),
            map_panel(state),
            eigenvalue_panel(state),
            condition_panel(state, guesses["expected"]),
            error_panel(state),
        ]

    @staticmethod
    def words(state, ghost):
        depth = Message("layers.count", count=state.layers)
        setting = Message("preconditioning.setting", gamma=state.gamma, depth=depth)
        evenness = roundness(state).on("shape", "condition", "map", "eigenvalues")
        return [setting, evenness, errors(state).on("error")]


@lru_cache(maxsize=16)
def problem(kappa):
    """Eigenvalues s (d,), and the d examples x (1, d, d), y (1, d) that have them; the truth is (1, ..., 1) / sqrt(d)."""
    d = PAPER.dim
    s = np.geomspace(1 / kappa, 1, d)
    x = np.diag(np.sqrt(d * s))[None]
    y = x.sum(axis=2) / np.sqrt(d)
    return s, x, y


def error(w):
    """How far weights (..., d) are from the truth, whose length is 1 -> (...)"""
    return np.linalg.norm(w - 1 / np.sqrt(PAPER.dim), axis=-1)


def gd_plus_plus(s, gamma, layers, follow):
    """A GD++ model for inputs with given eigenvalues.

    Parameters
    ----------
    s : (d,) array.  The eigenvalues.
    gamma : number.  gamma times the largest eigenvalue that a layer meets, or that the first one meets.
    layers : int.
    follow : bool.  Does gamma grow as the eigenvalues shrink?

    Returns
    -------
    model : LinearTransformer
    strength : number.  gamma of the last layer.
    path : (L+1, d) array.  The eigenvalues before the first and after each layer.
    """
    first = s.max()
    weights, path = [], [s]
    for _ in range(layers):
        # The step is the best one for the extreme eigenvalues that are left.
        largest = max(s.max(), ALL_DEAD)
        strength = gamma / (largest if follow else first)
        step = 2 / max(s.min() + s.max(), ALL_DEAD)
        weights.append(
            [(-strength, -step)]
        )  # p = (p_x, p_y) of one head; with q = (1, 0) they are (omega_xx, omega_yx)

        # The layer multiplies each input by 1 - gamma s, and so each eigenvalue by its square.
        kept = 1 - strength * s  # (d,)
        kept = np.where(abs(kept) > ROUNDING, kept, 0)
        s = s * kept**2
        path.append(s)
    q = np.broadcast_to([1, 0], (layers, 1, 2))
    model = LinearTransformer.from_diagonals(weights, q, len(s))
    return model, strength, np.array(path)


def condition_number(s):
    """Largest over smallest eigenvalue, along the last axis; infinite where a direction is dead."""
    smallest = s.min(axis=-1)
    alive = smallest > 0
    return np.where(alive, s.max(axis=-1) / np.where(alive, smallest, 1), np.inf)


def theorem(kappa):
    """The condition numbers before the first and after each of 12 layers with gamma s_max = 1/3 (Theorem 5.1) -> (13,)"""
    numbers = [kappa]
    for _ in range(DEEPEST):
        numbers.append(numbers[-1] * (4 / 9) / (1 - 1 / (3 * numbers[-1])) ** 2)
    return np.array(numbers)


@lru_cache(maxsize=16)
def rivals(kappa):
    """The errors of gradient descent, heavy ball and Newton's iteration after 0 to 12 steps -> {role: (13,)}

    The constants of the first two are best in the long run (Polyak 1964); they depend on the extreme eigenvalues 1/kappa and 1.
    """
    _, x, y = problem(kappa)
    low, high = 1 / np.sqrt(kappa), 1.0  # roots of the extreme eigenvalues
    heavy_step = 4 / (high + low) ** 2
    heavy_beta = ((high - low) / (high + low)) ** 2
    methods = {
        "gradient descent": lambda steps: baselines.gradient_descent(x, y, 2 / (1 + 1 / kappa), steps),
        "momentum": lambda steps: baselines.momentum(x, y, heavy_step, heavy_beta, steps),
        "newton": lambda steps: baselines.newton(x, y, steps),
    }
    return {
        role: np.array([error(method(steps))[0] for steps in range(DEEPEST + 1)])
        for role, method in methods.items()
    }


def informed_newton(kappa, steps):
    """The error of Newton's iteration that knows the extreme eigenvalues, and starts from 2 / (1 + 1/kappa) times I -> number"""
    s, _, _ = problem(kappa)
    left = 1 - 2 / (s.min() + s.max()) * s  # (d,): of the error of each direction, before the first step
    return error((1 - left**2.0**steps) / np.sqrt(len(s)))  # a step squares what is left


def condition_by_layer(kappa, gamma):
    """The condition numbers before the first and after each of 12 layers -> (13,)"""
    s, _, _ = problem(kappa)
    _, _, eigenvalues = gd_plus_plus(s, gamma, DEEPEST, follow=True)
    return condition_number(eigenvalues)


def layers_until_round(condition):
    """How many layers it takes until the condition number, (L+1,) by layer, is near 1."""
    return int((condition - 1 < GOAL).argmax())


def layers_more(state):
    """How many layers it takes at the smaller condition number, how many more here, and what these divide by -> dict"""
    few = layers_until_round(condition_by_layer(KAPPA, state.gamma))
    more = layers_until_round(state.condition) - few
    return dict(few=few, more=more, divided=(9 / 4) ** more)


def change_of(before, after):
    """What has become of a condition number."""
    if np.isclose(before, after, rtol=0.05):
        return "equal"
    return "rounder" if after < before else "flatter"


def finish(state):
    """The errors after as many steps, or layers -> dict by who has them"""
    descent, momentum, newton = (
        state.rivals[role][state.layers] for role in ("gradient descent", "momentum", "newton")
    )
    return dict(descent=descent, momentum=momentum, newton=newton, model=state.error[-1])


def roundness(state):
    """How lopsided the problem still is, or how many directions are lost."""
    dead = int((state.eigenvalues[-1] == 0).sum())
    if dead:
        return Message("preconditioning.dead", count=dead, dim=PAPER.dim)
    before, after = state.kappa, state.condition[-1]
    if after < ROUND:
        return Message("preconditioning.round", before=before, limit=ROUND)
    return Message("preconditioning.condition", before=before, after=after)


def errors(state):
    """How far everyone's w is from the truth after as many layers, or steps."""
    return Message("preconditioning.errors", **finish(state))


def apply_map(t):
    """What a layer makes of t = gamma s."""
    return t * (1 - t) ** 2


def shape_panel(state):
    """How far the inputs spread along their strongest and their weakest direction: one ellipse a layer, its long axis at 1."""
    short = 1 / np.sqrt(state.condition)  # (L+1,): spreads are roots of eigenvalues
    axes = np.stack([np.ones_like(short), short], axis=-1)  # (L+1, 2)
    circle = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=-1)  # (61, 2)
    ellipses = axes[:, None] * circle  # (L+1, 61, 2)

    # All ellipses but the last are one curve, with a gap after each.
    gap = np.full((state.layers, 1, 2), np.nan)
    before = np.append(ellipses[:-1], gap, axis=1).reshape(-1, 2)
    layer = np.repeat(np.arange(state.layers), len(ANGLES) + 1)
    last = np.full(len(ANGLES), state.layers)
    marks = [
        Curve("contour", *before.T, name="before", keyed=False, hover="", keys=dict(layer=layer)),
        Curve("model", *ellipses[-1].T, name="ellipse", hover="", keys=dict(layer=last)),
    ]
    return Panel("shape", STRONGEST, WEAKEST, marks, square=True)


def map_panel(state):
    """The map, and where on it the last layer meets the directions."""
    after = apply_map(state.position)  # (d,)
    marks = [
        Curve("truth", CURVE, apply_map(CURVE), name="map", beyond="gap", hover=""),
        Guide("peak", [PEAK, PEAK], [AFTER.low, AFTER.high], keyed=True),
        Points(
            "model",
            state.position,
            after,
            name="directions",
            hover="point",
            keys=dict(direction=np.arange(PAPER.dim)),
        ),
    ]
    return Panel("map", BEFORE, AFTER, marks)


def eigenvalue_panel(state):
    """One line a direction, layer by layer, in units of the largest eigenvalue."""
    largest = state.eigenvalues.max(axis=1, keepdims=True)  # (L+1, 1)
    relative = state.eigenvalues / np.maximum(largest, ALL_DEAD)  # (L+1, d)

    # All lines are one curve, with a gap after each.
    gap = np.full((1, PAPER.dim), np.nan)
    heights = np.append(relative, gap, axis=0).T.ravel()
    layers = np.tile(np.append(np.arange(state.layers + 1.0), np.nan), PAPER.dim)
    direction = np.repeat(np.arange(PAPER.dim), state.layers + 2)  # of each point, the gaps among them
    keys = dict(layer=layers, direction=direction)
    marks = [Curve("layers", layers, heights, name="eigenvalues", keys=keys)]
    return Panel("eigenvalues", DEPTH, RELATIVE, marks)


def condition_panel(state, guess):
    """Condition numbers as far as the layers have come: the theorem does not give away what follows."""
    layers = np.arange(state.layers + 1.0)
    marks = [
        Curve("model", layers, state.condition - 1, keys=dict(layer=layers)),
        Curve("theorem", layers, state.theorem[: len(layers)] - 1, keys=dict(layer=layers)),
        Guess(guess, GOAL, grab="expected", along="x"),
    ]
    return Panel("condition", DEPTH, EXCESS, marks)


def error_panel(state):
    """Errors by layer, beside those of the algorithms after as many steps."""
    layers = np.arange(state.layers + 1.0)
    by_layer = dict(layer=layers)
    marks = [
        *(Curve(role, layers, path[: len(layers)], keys=by_layer) for role, path in state.rivals.items()),
        Curve("model", layers, state.error, keys=by_layer),
    ]
    return Panel("error", DEPTH, ERROR, marks)
