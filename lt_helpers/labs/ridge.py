"""The ridge lab: one sequence of noisy examples, and how strongly to shrink the answer.

The learner sets the strength lambda of ridge regression, w = (Sigma + lambda/n I)^-1 alpha. The sequence is fixed: truth w, inputs X and
the direction xi of the noise stay, y = X w + sigma xi, and a shorter context is the start of a longer one. Panels: the weights on this
sequence; the share of each principal direction that is kept; bias and variance, averaged over truths and noises at these inputs; and the
strength that is best.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..language import Message
from ..spectrum import Spectrum, divide
from ..view.panel import Axis, Curve, Guess, Panel, Points, Ticks
from .base import Lab
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Seed, Slider
from .frozen import Frozen
from .marks import component_axis, components, log_axis
from .material import sequence_of
from .own_task import PAPER_TASK, OwnTask

SIGMA_MAX = 5.0
CONTEXTS = (5, 10, 15, 20, 40, 80, 160)
ROOTS = (0, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 10)
STRENGTHS = tuple(round(root**2, 4) for root in ROOTS)
GRID = np.geomspace(0.01, 100, 161)  # strengths of the curves, and of the search for the best
MOST = 6.0  # the end of their axis
EIGENVALUES = np.linspace(0.1, np.sqrt(MOST), 80) ** 2  # closer where the curves bend
WEIGHT = Axis("w", -3.5, 3.5)
SHARE = Axis("share", -0.05, 1.1)
DECADES = (0.01, 0.1, 1, 10, 100)
STRENGTH = log_axis("strength", 0.01, 100.0, DECADES, below="floor")  # 0 has no place on it
VARIANCE = log_axis("variance", 0.01, 100.0, DECADES, below="gap")
ERROR = log_axis("error", 0.05, 50.0, (0.1, 1, 10), below="gap")  # below, an error of nearly nothing

NEAR = 1.01  # an error that is so near to the smallest, as a factor, is there
TOLD_OF = dict(context=20, strength=0.01, seed=3)  # what the beats are about
SHORTER = (40, 20, 10, 5)  # contexts, as the learner slides through them
PULLS = {Message(f"ridge.choice.{name}"): name for name in ("nearer", "farther", "turns")}
DIRECTIONS = {Message("ridge.choice.weakest"): "weakest", Message("ridge.choice.strongest"): "strongest"}


@dataclass(frozen=True)
class RidgeState(Frozen):
    """Everything that the lab shows at one setting."""

    sigma: float
    context: int
    strength: float
    truth: np.ndarray  # (d,)
    ols: np.ndarray  # (d,)
    ridge: np.ndarray  # (d,)
    eigenvalues: np.ndarray  # (d,), ascending
    kept: np.ndarray  # (d,): share of the least-squares answer that ridge keeps in each direction
    curve_at: np.ndarray  # (80,): EIGENVALUES, or further where inputs of a learner's own reach further
    bias: float  # half squared error from shrinking, averaged over truths and noises
    variance: float  # half squared error from the noise
    bias_curve: np.ndarray  # (161,) on GRID
    variance_curve: np.ndarray  # (161,)
    smallest: float  # bias + variance for lambda = sigma^2: no strength has less
    trail: np.ndarray  # (K, 2): sigma^2 and the best strength on GRID, for noises from 0.1 to sigma
    best_here: float  # the strength on GRID whose w is nearest to this truth
    distance: np.ndarray  # (161,): how far each of these w is from this truth
    shorter: np.ndarray  # (4,): the error at this noise and strength with each of SHORTER


def shares(eigenvalues, penalty):
    """s / (s + penalty), what ridge keeps of a direction; 0 where the inputs never go.    (d,), (...) -> (..., d)"""
    penalty = np.asarray(penalty)[..., None]
    return divide(eigenvalues + 0 * penalty, eigenvalues + penalty)


def bias_and_variance(eigenvalues, strength, sigma, context):
    """Half the squared error of ridge, averaged over w ~ N(0, I) and the noise at fixed inputs -> two arrays shaped as `strength`"""
    kept = shares(eigenvalues, np.asarray(strength) / context)  # (..., d)
    bias = (1 - kept) ** 2
    variance = divide(kept**2, eigenvalues + 0 * kept) * sigma**2 / context
    return bias.sum(axis=-1) / 2, variance.sum(axis=-1) / 2


def contexts_of(task):
    """The numbers of examples to choose from, that of a learner's own task among them -> list of int"""
    return sorted({*CONTEXTS, *([] if task is None else [task.context])})


def longest_of(task, seed):
    """The sequence of which a shorter context is the start -> Sequence"""
    return sequence_of(task, seed, max(contexts_of(task)))


@lru_cache(maxsize=64)
def principal(task, seed, context):
    """The eigenvalues of the first examples of a sequence, ascending -> (d,)"""
    x = longest_of(task, seed).x[:context]
    return Spectrum.from_tokens(x[None], np.zeros((1, context))).s[0]


def error_at(task, seed, context, strength, sigma):
    """Half the squared error of ridge with so many examples of a sequence, averaged as in `bias_and_variance`."""
    bias, variance = bias_and_variance(principal(task, seed, context), strength, sigma, context)
    return float(bias + variance)


@lru_cache(maxsize=64)
def best_strengths(task, seed, context):
    """The strength on GRID with the least error on average, for sigma = 0.1, 0.2, ... -> (50, 2): sigma^2 and strength"""
    eigenvalues = principal(task, seed, context)
    sigmas = np.arange(1, 10 * SIGMA_MAX + 1) / 10
    best = []
    for sigma in sigmas:
        bias, variance = bias_and_variance(eigenvalues, GRID, sigma, context)
        best.append(GRID[(bias + variance).argmin()])
    return np.stack([sigmas**2, best], axis=1)


class RidgeLab(Lab):
    """Slide the noise, the number of examples and the strength of ridge regression; watch bias, variance and their balance.

    RidgeLab(sigma=2.0, context=20, strength=4.0)
    RidgeLab(task=task)     # on inputs of your own, of any d; the noise slides
    """

    NAME = "ridge"
    CONTROLS = dict(
        task=OwnTask(short=True),
        sigma=Slider(0.0, SIGMA_MAX, 0.1, value=1.0),
        context=Choice(contexts_of, lambda task: 20 if task is None else task.context, slide=True),
        strength=Choice({f"{strength:g}": strength for strength in STRENGTHS}, 0.01, slide=True),
        pull_guess=Opinion(PULLS),
        direction_guess=Opinion(DIRECTIONS),
        guess=Prediction(0.5, 20.0, 0.5),
        context_guess=Opinion(SHORTER),
        seed=Seed(3),
    )
    BEATS = (
        Beat(
            "pull",
            panels=("weight",),
            control="strength",
            values=dict(sigma=3.0, **TOLD_OF),
            ask="pull_guess",
            at=dict(strength=100.0),
            answer=lambda state, begun: way_of(state.distance),
            tell=lambda state, begun: dict(
                first=state.distance[0],
                least=state.distance.min(),
                strength=state.best_here,
                last=state.distance[-1],
            ),
        ),
        Beat(
            "share",
            panels=("kept",),
            control="strength",
            values=dict(sigma=1.0, **TOLD_OF),
            ask="direction_guess",
            at=dict(strength=16.0),
            answer=lambda state, begun: ("weakest", "strongest")[
                int((begun.kept - state.kept)[[0, -1]].argmax())
            ],
            tell=lambda state, begun: dict(
                weak=state.eigenvalues[0],
                strong=state.eigenvalues[-1],
                weakest=state.kept[0],
                strongest=state.kept[-1],
            ),
        ),
        Beat(
            "valley",
            panels=("kept", "risk"),
            control="strength",
            values=dict(sigma=2.0, **TOLD_OF),
            when=lambda values, state: state.bias + state.variance <= NEAR * state.smallest,
            tell=lambda state, begun: dict(
                strength=state.strength, error=state.bias + state.variance, before=begun.bias + begun.variance
            ),
        ),
        Beat(
            "noise",
            panels=("best",),
            control="sigma",
            values=dict(sigma=1.0, **{**TOLD_OF, "strength": 1.0}),
            ask="guess",
            at=dict(sigma=3.0),
            answer=lambda state, begun: state.trail[-1, 1],
        ),
        Beat(
            "fewer",
            panels=("risk",),
            control="context",
            values=dict(sigma=2.0, **{**TOLD_OF, "context": 40}),
            ask="context_guess",
            at=dict(context=5),
            answer=lambda state, begun: SHORTER[int(state.shorter.argmax())],
            tell=lambda state, begun: dict(zip(("first", "second", "third", "last"), state.shorter)),
        ),
    )

    @staticmethod
    def compute(sigma, context, strength, seed, task=None):
        # The first examples of the longest sequence. Where n < d, X'X would lose its zero eigenvalues to rounding, X does not.
        longest = longest_of(task, seed)
        x = longest.x[:context]  # (n, d)
        y = longest.labels(sigma)[:context]  # (n,)
        spectrum = Spectrum.from_tokens(x[None], y[None])
        s = spectrum.s[0]  # (d,)

        # On average over truths and noises no strength is better than sigma^2.
        bias, variance = bias_and_variance(s, strength, sigma, context)
        bias_curve, variance_curve = bias_and_variance(s, GRID, sigma, context)
        least_bias, least_variance = bias_and_variance(s, sigma**2, sigma, context)
        trail = best_strengths(task, seed, context)

        # For one truth and noise another may be, which only who knows the truth can tell.
        answers = divide(spectrum.alpha, s + GRID[:, None] / context)  # (161, d), by principal direction
        truth = spectrum.components(longest.truth[None])  # (1, d), by principal direction
        distance = np.linalg.norm(answers - truth, axis=1)  # (161,)
        return RidgeState(
            sigma=sigma,
            context=context,
            strength=strength,
            truth=longest.truth,
            ols=spectrum.ridge([0.0])[0],
            ridge=spectrum.ridge([np.sqrt(strength)])[0],
            eigenvalues=s,
            kept=shares(s, strength / context),
            curve_at=EIGENVALUES * max(1.0, (task or PAPER_TASK).largest),
            bias=float(bias),
            variance=float(variance),
            bias_curve=bias_curve,
            variance_curve=variance_curve,
            smallest=float(least_bias + least_variance),
            trail=trail[trail[:, 0] <= sigma**2 + 1e-9],
            best_here=GRID[distance.argmin()],
            distance=distance,
            shorter=np.array([error_at(task, seed, n, strength, sigma) for n in SHORTER]),
        )

    @staticmethod
    def panels(state, ghost, guesses):
        return [
            weight_panel(state),
            kept_panel(state),
            risk_panel(state),
            best_panel(state, guesses["guess"]),
        ]

    @staticmethod
    def words(state, ghost):
        return [
            errors(state).on("risk"),
            best(state).on("best"),
            distances(state).on("weight"),
            keeping(state).on("kept"),
            *unseen(state),
        ]


def errors(state):
    """Where the controls stand, and the error there."""
    return Message(
        "ridge.errors",
        sigma=state.sigma,
        squared=state.sigma**2,
        context=state.context,
        strength=state.strength,
        error=state.bias + state.variance,
        bias=state.bias,
        variance=state.variance,
    )


def best(state):
    """The best strength, on average and for this sequence; at an end of GRID the latter is only known to lie beyond."""
    if state.sigma == 0:
        return Message("ridge.no_noise", error=state.smallest)
    if state.best_here == GRID[0]:
        here = Message("ridge.or_less", strength=state.best_here)
    elif state.best_here == GRID[-1]:
        here = Message("ridge.or_more", strength=state.best_here)
    else:
        here = Message("ridge.strength", strength=state.best_here)
    return Message("ridge.best", strength=state.trail[-1, 1], error=state.smallest, here=here)


def distances(state):
    """How far from the truth the two answers on this sequence are."""
    ridge, ols = (np.linalg.norm(w - state.truth) for w in (state.ridge, state.ols))
    return Message("ridge.distances", ridge=ridge, ols=ols)


def keeping(state):
    """How much of the weakest and of the strongest direction is kept."""
    return Message("ridge.keeps", weakest=state.kept[0], strongest=state.kept[-1])


def way_of(distance):
    """How a distance goes along a slider, as an option of PULLS."""
    least = distance.argmin()
    if least == len(distance) - 1:
        return "nearer"
    return "farther" if least == 0 else "turns"


def unseen(state):
    """That some directions never occur in the inputs, if so."""
    dim = len(state.truth)
    missing = dim - state.context
    return [Message("ridge.unseen", count=missing, dim=dim)] if missing > 0 else []


def weight_panel(state):
    """The truth, and what least squares and ridge make of this sequence."""
    component = components(len(state.truth))
    marks = [
        Ticks("truth", component, state.truth),
        Points("least squares", component, state.ols),
        Points("model", component, state.ridge),
    ]
    return Panel("weight", component_axis(len(component)), WEIGHT, marks)


def kept_panel(state):
    """The share that is kept against the eigenvalue, for this strength and for sigma^2."""
    kept = shares(state.curve_at, state.strength / state.context)  # (80,)
    right = shares(state.curve_at, state.sigma**2 / state.context)  # (80,)
    marks = [
        Curve("oracle", state.curve_at, right),
        Curve("sequence", state.curve_at, kept, name="shares", keyed=False),
        Points("model", state.eigenvalues, state.kept),
    ]
    return Panel("kept", Axis("eigenvalue", 0.0, MOST * state.curve_at[-1] / EIGENVALUES[-1]), SHARE, marks)


def risk_panel(state):
    """Bias, variance and their sum against the strength."""
    total = state.bias_curve + state.variance_curve
    least = total.argmin()
    marks = [
        Curve("third", GRID, state.bias_curve, name="bias"),
        Curve("second", GRID, state.variance_curve, name="variance"),
        Curve("truth", GRID, total, name="sum"),
        Points("oracle", GRID[least], total[least], name="smallest"),
        Points("model", state.strength, state.bias + state.variance),
    ]
    return Panel("risk", STRENGTH, ERROR, marks)


def best_panel(state, guess):
    """The best strength against the square of the noise, which leaves a trail as it grows."""
    square = state.sigma**2
    marks = [
        Curve("oracle", state.trail[:, 0], state.trail[:, 1], name="trail"),
        Points("hindsight", square, state.best_here),
        Points("model", square, state.strength),
        Guess(square, guess, grab="guess"),
    ]
    return Panel("best", VARIANCE, STRENGTH, marks)
