"""The preconditioning lab: GD++ on a lopsided problem, layer by layer (paper, Theorem 5.1).

The problem has no noise and ten eigenvalues, evenly spaced on a logarithmic scale from 1/kappa to 1; the truth has an equal part along each
direction. The lab writes the weights of a GD++ transformer down by hand: gamma = -omega_xx of each layer from the control, and the
step -omega_yx that is best for the eigenvalues which that layer meets. It runs the transformer beside gradient descent, heavy ball
(each with the constants that are best in the long run) and Newton's iteration.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import baselines, figures
from ..figures import Axis, Panel
from ..implicit import implicit_from_moments
from ..model import LinearTransformer
from ..task import second_moments
from .base import Lab
from .controls import Choice, Prediction, Slider, Toggle

DIM, DEEPEST = 10, 12
DEPTHS = np.arange(DEEPEST + 1.0)
GOAL = 0.01  # kappa - 1 that counts as "round" in the prediction
ROUNDING = 1e-9  # |1 - gamma s| below this counts as 0: the direction is dead
ALL_DEAD = 1e-15  # stands for the largest eigenvalue when none is left
POSITION, MAPPED, RELATIVE, EXCESS, ERROR = (
    (3e-4, 1.4),
    (3e-4, 0.3),
    (3e-4, 2.0),
    (1e-8, 1e3),
    (1e-8, 10.0),
)  # ends of the axes
CURVE = np.geomspace(*POSITION, 300)
TICKS = {
    1000.0: "1000",
    1.0: "1",
    0.1: "0.1",
    0.01: "0.01",
    0.001: "0.001",
    1e-4: "10⁻⁴",
    1e-6: "10⁻⁶",
    1e-8: "10⁻⁸",
}


@dataclass(frozen=True)
class Preconditioning:
    """L layers of GD++ on d = 10 directions. Layer 0 is the input."""

    kappa: float
    gamma: float  # gamma s_max of each layer (of the first, if the others follow none)
    position: np.ndarray  # (d,): gamma s as layer L meets it
    eigenvalues: np.ndarray  # (L+1, d), after each layer, ascending in the input
    condition: np.ndarray  # (L+1,): largest over smallest; inf once a direction is dead
    theorem: np.ndarray  # (13,): the condition numbers of Theorem 5.1
    error: np.ndarray  # (L+1,): |w - truth| / |truth|
    rivals: dict  # name -> (13,) errors
    expected: int | None


@lru_cache(maxsize=16)
def problem(kappa):
    """Eigenvalues (d,) and the tokens x (1, d, d), y (1, d) that have them; the truth is (1, ..., 1) / sqrt(d)."""
    s = np.geomspace(1 / kappa, 1, DIM)
    x = np.diag(np.sqrt(DIM * s))[None]
    return s, x, x.sum(axis=2) / np.sqrt(DIM)


def error(w):
    return np.linalg.norm(w - 1 / np.sqrt(DIM), axis=-1)


@lru_cache(maxsize=16)
def rivals(kappa):
    """The errors of gradient descent, heavy ball and Newton's iteration after 0 to 12 steps.

    The constants of the first two are best in the long run (Polyak 1964); they depend on the extreme eigenvalues 1/kappa and 1.
    """
    _, x, y = problem(kappa)
    low, high = 1 / np.sqrt(kappa), 1.0  # roots of the extreme eigenvalues
    beta = ((high - low) / (high + low)) ** 2
    methods = {
        "gradient descent": lambda steps: baselines.gradient_descent(x, y, 2 / (1 + 1 / kappa), steps),
        "heavy ball": lambda steps: baselines.momentum(x, y, 4 / (high + low) ** 2, beta, steps),
        "Newton": lambda steps: baselines.newton(x, y, steps),
    }
    return {
        name: np.array([error(method(steps))[0] for steps in range(DEEPEST + 1)])
        for name, method in methods.items()
    }


def condition_number(s):
    """Largest over smallest eigenvalue, along the last axis; infinite where a direction is dead."""
    smallest = s.min(axis=-1)
    return np.where(smallest > 0, s.max(axis=-1) / np.where(smallest > 0, smallest, 1), np.inf)


def theorem(kappa):
    """The condition numbers before the first and after each of 12 layers with gamma s_max = 1/3 (Theorem 5.1)."""
    numbers = [kappa]
    for _ in range(DEEPEST):
        numbers.append(numbers[-1] * (4 / 9) / (1 - 1 / (3 * numbers[-1])) ** 2)
    return np.array(numbers)


def gd_plus_plus(s, gamma, layers, follow):
    """A GD++ model for inputs with eigenvalues s (d,): gamma times the largest eigenvalue that a layer meets, or that the first one meets.

    -> LinearTransformer, gamma of the last layer, and the eigenvalues (L+1, d) before the first and after each layer.
    """
    weights, path = [], [s]
    for _ in range(layers):
        strength = gamma / (max(s.max(), ALL_DEAD) if follow else path[0].max())
        weights.append(
            [(-strength, -2 / max(s.min() + s.max(), ALL_DEAD))]
        )  # (p_x, p_y); with q = (1, 0) they are (omega_xx, omega_yx)
        kept = 1 - strength * s
        s = s * np.where(abs(kept) > ROUNDING, kept, 0) ** 2
        path.append(s)
    return (
        LinearTransformer.from_diagonals(weights, np.broadcast_to([1, 0], (layers, 1, 2)), len(s)),
        strength,
        np.array(path),
    )


class PreconditioningLab(Lab):
    """Choose how lopsided the problem is and how strongly each layer evens it out.

    PreconditioningLab(kappa=20, gamma=0.33, layers=4)
    """

    CONTROLS = dict(
        kappa=Choice("Condition number κ", (2, 5, 10, 20, 50, 100, 200, 500, 1000), 20, slide=True),
        gamma=Slider("γ × largest s", 0.0, 1.2, 0.01, value=0.33),
        layers=Slider("Layers", 1, DEEPEST, 1, value=4),
        follow=Toggle("γ grows as the eigenvalues shrink", True),
        expected=Prediction("Predict: layers", 1, DEEPEST, 1),
    )

    @staticmethod
    def compute(kappa, gamma, layers, follow, expected):
        s, x, y = problem(kappa)
        model, last_gamma, eigenvalues = gd_plus_plus(s, gamma, layers, follow)
        state = implicit_from_moments(model, second_moments(x, y))
        return Preconditioning(
            kappa=kappa,
            gamma=gamma,
            position=last_gamma * eigenvalues[-2],
            eigenvalues=eigenvalues,
            condition=condition_number(eigenvalues),
            theorem=theorem(kappa),
            error=error(state.w[0]),
            rivals=rivals(kappa),
            expected=expected,
        )

    @staticmethod
    def draw(shown):
        return figures.figure(
            [panel(shown) for panel in (map_panel, eigenvalue_panel, condition_panel, error_panel)],
            height=460,
        )

    @staticmethod
    def words(shown):
        layers = len(shown.error) - 1
        said = f"γ × largest s = {shown.gamma:.2f}, {layers} layer{'s' * (layers > 1)}: "
        dead = (shown.eigenvalues[-1] == 0).sum()
        if dead:
            are, them, their = ("are", "them", "their") if dead > 1 else ("is", "it", "its")
            said += f"{dead} of {DIM} directions met γs = 1 and {are} dead: no later layer sees {them}, and {their} error stays. "
        else:
            last = shown.condition[-1]
            said += f"the condition number goes from {shown.kappa} to " + (
                "below 1.001. " if last < 1.001 else f"{last:.3f}. "
            )
        errors = {"GD++": shown.error[-1], **{name: path[layers] for name, path in shown.rivals.items()}}
        said += "Error of w: " + ", ".join(f"{name} {value:.2g}" for name, value in errors.items()) + "."
        return said + (" What lies beyond an axis is drawn at its edge." if clipped(shown) else "")


def map_panel(shown):
    peak = [1 / 3, 1 / 3]
    traces = [
        figures.line(
            CURVE, clip(mapped(CURVE), MAPPED), "γs(1 − γs)²", figures.TRUTH, width=1.5, hoverinfo="skip"
        ),
        figures.line(peak, MAPPED, "γs = 1/3", figures.GREY, "dot", 1.5, hoverinfo="skip"),
        figures.dots(
            clip(shown.position, POSITION),
            clip(mapped(shown.position), MAPPED),
            "ten directions, in the last layer",
        ),
    ]
    return Panel(
        "The map of one layer", log_axis("γs before", POSITION), log_axis("γs after", MAPPED)
    ), traces


def eigenvalue_panel(shown):
    relative = clip(
        shown.eigenvalues / np.maximum(shown.eigenvalues.max(axis=1, keepdims=True), ALL_DEAD), RELATIVE
    )
    layer = np.append(DEPTHS[: len(relative)], np.nan)
    paths = np.append(relative, np.full((1, DIM), np.nan), axis=0)
    traces = [figures.line(np.tile(layer, DIM), paths.T.ravel(), "ten eigenvalues", width=1.5)]
    return Panel("Eigenvalues, the largest at 1", depth_axis(), log_axis("s / largest s", RELATIVE)), traces


def condition_panel(shown):
    layers = DEPTHS[: len(shown.condition)]
    traces = [
        figures.line(layers, clip(shown.condition - 1, EXCESS), "GD++"),
        figures.line(
            layers,
            clip(shown.theorem[: len(layers)] - 1, EXCESS),
            "Theorem 5.1, γs = 1/3 at the top",
            figures.GREY,
            "dash",
            2,
        ),
        figures.dots(
            [shown.expected], [GOAL], shown.expected and "prediction", figures.PREDICTION, "star", 13
        ),
    ]
    return Panel(
        "Condition number", depth_axis(), log_axis("κ − 1", EXCESS, (1000.0, 1.0, 1e-4, 1e-6, 1e-8))
    ), traces


def error_panel(shown):
    styles = {
        "gradient descent": (figures.RED, "dot"),
        "heavy ball": (figures.ORANGE, "dash"),
        "Newton": (figures.GREEN, "dash"),
    }
    traces = [
        figures.line(DEPTHS, clip(path, ERROR), name, *styles[name], 2) for name, path in shown.rivals.items()
    ]
    traces.append(figures.line(DEPTHS[: len(shown.error)], clip(shown.error, ERROR), "GD++"))
    return Panel(
        "Error of w", depth_axis(), log_axis("|w − truth| / |truth|", ERROR, (1.0, 0.01, 1e-4, 1e-6, 1e-8))
    ), traces


def log_axis(label, ends, ticks=(1.0, 0.1, 0.01, 0.001)):
    return Axis(label, *ends, log=True, ticks=ticks, labels=tuple(TICKS[tick] for tick in ticks))


def depth_axis():
    return Axis("layers, or steps", 0, DEEPEST, ticks=tuple(range(0, DEEPEST + 1, 2)))


def mapped(t):
    return t * (1 - t) ** 2


def clip(values, ends):
    return figures.clip(values, *ends)[0]


def clipped(shown):
    """Whether anything of GD++ lies outside its axis, other than what has become too small to see."""
    return bool(
        (shown.position < POSITION[0]).any()
        or (mapped(shown.position) < MAPPED[0]).any()
        or (shown.eigenvalues < RELATIVE[0] * shown.eigenvalues.max(axis=1, keepdims=True)).any()
        or (shown.condition - 1 > EXCESS[1]).any()
    )
