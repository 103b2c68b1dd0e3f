"""The ridge lab: one sequence of noisy examples, and how strongly to shrink the answer.

The learner sets the strength lambda of ridge regression, w = (Sigma + lambda/n I)^-1 alpha. The sequence is fixed: truth w, inputs X and
the direction xi of the noise stay, y = X w + sigma xi, and a shorter context is the start of a longer one. Panels: the weights on this
sequence; the share of each principal direction that is kept; bias and variance, averaged over truths and noises at these inputs; and the
strength that is best.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import figures
from ..figures import Axis, Panel
from ..spectrum import Spectrum, divide
from .base import Lab
from .controls import Choice, Prediction, Seed, Slider

DIM, LONGEST = 10, 160
SIGMA_MAX = 5.0
CONTEXTS = (5, 10, 15, 20, 40, 80, 160)
STRENGTHS = tuple(
    round(root**2, 4) for root in (0, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 10)
)
GRID = np.geomspace(0.01, 100, 161)  # strengths of the curves, and of the search for the best
WEIGHT, RISK, STRENGTH, EIGENVALUE = (-3.5, 3.5), (0.05, 20.0), (0.01, 100.0), (0.0, 6.0)  # ends of the axes
EIGENVALUES = np.linspace(0.1, np.sqrt(EIGENVALUE[1]), 80) ** 2  # closer where the curves bend
COMPONENT = np.arange(1.0, DIM + 1)


@dataclass(frozen=True)
class Regression:
    """Everything that the lab shows at one setting, d = 10."""

    sigma: float
    context: int
    strength: float
    truth: np.ndarray  # (d,)
    ols: np.ndarray  # (d,)
    ridge: np.ndarray  # (d,)
    eigenvalues: np.ndarray  # (d,), ascending
    kept: np.ndarray  # (d,): share of the least-squares answer that ridge keeps in each direction
    right_kept: np.ndarray  # (d,): the same for lambda = sigma^2
    bias: float  # half squared error from shrinking, averaged over truths and noises
    variance: float  # half squared error from the noise
    bias_curve: np.ndarray  # (161,) on GRID
    variance_curve: np.ndarray  # (161,)
    smallest: float  # bias + variance for lambda = sigma^2: no strength has less
    trail: np.ndarray  # (K, 2): sigma^2 and the best strength on GRID, for noises from 0.1 to sigma
    best_here: float  # the strength on GRID whose w is nearest to this truth
    guess: float | None


@lru_cache(maxsize=32)
def sequence(seed):
    """The longest sequence without its noise: inputs (160, d), truth (d,) and the direction of the noise (160,)."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(LONGEST, DIM)), rng.normal(size=DIM), rng.normal(size=LONGEST)


def shares(eigenvalues, penalty):
    """s / (s + penalty), what ridge keeps of a direction; 0 where the inputs never go.    (d,), (...) -> (..., d)"""
    penalty = np.asarray(penalty)[..., None]
    return divide(eigenvalues + 0 * penalty, eigenvalues + penalty)


def bias_and_variance(eigenvalues, strength, sigma, context):
    """Half the squared error of ridge, averaged over w ~ N(0, I) and the noise at fixed inputs -> two arrays shaped as `strength`."""
    kept = shares(eigenvalues, np.asarray(strength) / context)
    noise = divide(kept**2, eigenvalues + 0 * kept) * sigma**2 / context
    return ((1 - kept) ** 2).sum(axis=-1) / 2, noise.sum(axis=-1) / 2


@lru_cache(maxsize=64)
def best_strengths(seed, context):
    """The strength on GRID with the least error on average, for sigma = 0.1, 0.2, ... -> (50, 2): sigma^2 and strength."""
    x, _, _ = sequence(seed)
    eigenvalues = Spectrum.from_tokens(x[None, :context], np.zeros((1, context))).s[0]
    sigmas = np.arange(1, 10 * SIGMA_MAX + 1) / 10
    best = [GRID[sum(bias_and_variance(eigenvalues, GRID, sigma, context)).argmin()] for sigma in sigmas]
    return np.stack([sigmas**2, best], axis=1)


class RidgeLab(Lab):
    """Slide the noise, the number of examples and the strength of ridge regression; watch bias, variance and their balance.

    RidgeLab(sigma=2.0, context=20, strength=4.0)
    """

    CONTROLS = dict(
        sigma=Slider("Noise σ", 0.0, SIGMA_MAX, 0.1, value=1.0),
        context=Choice("Examples n", CONTEXTS, 20, slide=True),
        strength=Choice(
            "Ridge strength λ", {f"{strength:g}": strength for strength in STRENGTHS}, 0.01, slide=True
        ),
        guess=Prediction("Predict: best λ", 0.5, 20.0, 0.5),
        seed=Seed(value=3),
    )

    @staticmethod
    def compute(sigma, context, strength, guess, seed):
        x, truth, direction = sequence(seed)
        x, y = x[:context], x[:context] @ truth + sigma * direction[:context]
        spectrum = Spectrum.from_tokens(x[None], y[None])
        s, w_truth = spectrum.s[0], spectrum.components(truth[None])[0]
        bias_curve, variance_curve = bias_and_variance(s, GRID, sigma, context)
        bias, variance = bias_and_variance(s, strength, sigma, context)
        here = divide(
            spectrum.alpha, s + GRID[:, None] / context
        )  # (161, d): ridge along the principal directions
        trail = best_strengths(seed, context)
        return Regression(
            sigma=sigma,
            context=context,
            strength=strength,
            truth=truth,
            ols=spectrum.ridge([0.0])[0],
            ridge=spectrum.ridge([np.sqrt(strength)])[0],
            eigenvalues=s,
            kept=shares(s, strength / context),
            right_kept=shares(s, sigma**2 / context),
            bias=float(bias),
            variance=float(variance),
            bias_curve=bias_curve,
            variance_curve=variance_curve,
            smallest=float(sum(bias_and_variance(s, sigma**2, sigma, context))),
            trail=trail[trail[:, 0] <= sigma**2 + 1e-9],
            best_here=GRID[((here - w_truth) ** 2).sum(axis=1).argmin()],
            guess=guess,
        )

    @staticmethod
    def draw(state):
        return figures.figure([panel(state) for panel in (weight_panel, kept_panel, risk_panel, best_panel)])

    @staticmethod
    def words(state):
        risk = state.bias + state.variance
        said = (
            f"σ = {state.sigma:.1f} (σ² = {state.sigma**2:.2f}), n = {state.context}, λ = {state.strength:g}: averaged over truths and "
            f"noises, half the squared error is {risk:.2f} (bias {state.bias:.2f}, variance {state.variance:.2f}). "
        )
        if state.sigma == 0:
            said += f"Without noise the best λ is 0, with {state.smallest:.2f}. "
        else:
            said += (
                f"The best λ is about {state.trail[-1, 1]:.2g}, with {state.smallest:.2f}; "
                f"for this one truth and noise it would be {ends_said(state.best_here)}. "
            )
        if state.context < DIM:
            said += f"{DIM - state.context} of {DIM} directions never occur in the inputs: no λ helps there. "
        return said + ("What lies beyond an axis is drawn at its edge." if clipped(state) else "")


def weight_panel(state):
    level = dict(symbol="line-ew", size=24, hovertemplate="%{y:.2f}")
    traces = [
        figures.dots(COMPONENT, edged(state.truth, WEIGHT), "truth", figures.TRUTH, **level),
        figures.dots(
            COMPONENT,
            edged(state.ols, WEIGHT),
            "least squares",
            figures.RED,
            "circle-open",
            hovertemplate="%{y:.2f}",
        ),
        figures.dots(COMPONENT, edged(state.ridge, WEIGHT), "ridge λ", size=7, hovertemplate="%{y:.2f}"),
    ]
    x = Axis("component", 0.4, DIM + 0.6, ticks=tuple(range(1, DIM + 1)))
    return Panel("Weights on this sequence", x, Axis("w", *WEIGHT)), traces


def kept_panel(state):
    traces = [
        figures.line(
            EIGENVALUES, shares(EIGENVALUES, state.sigma**2 / state.context), "λ = σ²", figures.ORACLE
        ),
        figures.line(EIGENVALUES, shares(EIGENVALUES, state.strength / state.context), width=1.5),
        figures.dots(
            edged(state.eigenvalues, EIGENVALUE), state.kept, "ridge λ", size=7, hovertemplate="%{y:.2f}"
        ),
    ]
    return Panel(
        "Share kept of each direction of X",
        Axis("eigenvalue of X'X/n", *EIGENVALUE),
        Axis("share", -0.05, 1.1),
    ), traces


def risk_panel(state):
    total = state.bias_curve + state.variance_curve
    traces = [
        figures.line(GRID, within(state.bias_curve), "bias", figures.ORANGE, "dash"),
        figures.line(GRID, within(state.variance_curve), "variance", figures.RED, "dot"),
        figures.line(GRID, within(total), "sum", figures.TRUTH),
        figures.dots(
            [GRID[total.argmin()]], within(total[[total.argmin()]]), "smallest", figures.ORACLE, "diamond", 10
        ),
        figures.dots(
            edged([state.strength], STRENGTH), within(np.array([state.bias + state.variance])), "ridge λ"
        ),
    ]
    x = Axis("λ", *STRENGTH, log=True, ticks=(0.01, 0.1, 1, 10, 100))
    return Panel(
        "Error, averaged over truths and noises",
        x,
        Axis("half squared error", *RISK, log=True, ticks=(0.1, 1, 10)),
    ), traces


def best_panel(state):
    square = [
        state.sigma**2 if state.sigma**2 >= STRENGTH[0] else np.nan
    ]  # without noise there is no place for it on the axis
    marks = [
        [value] if np.isfinite(square) else [None]
        for value in (state.best_here, edged(state.strength, STRENGTH), state.guess)
    ]
    traces = [
        figures.line(*grown(state.trail), "best on average", figures.ORACLE),
        figures.dots(square, marks[0], "best for this one", figures.RED, "triangle-up"),
        figures.dots(square, marks[1], "ridge λ"),
        figures.dots(
            square, marks[2], None if state.guess is None else "prediction", figures.PREDICTION, "star", 13
        ),
    ]
    ticks = (0.01, 0.1, 1, 10, 100)
    x, y = Axis("σ²", *STRENGTH, log=True, ticks=ticks), Axis("λ", *STRENGTH, log=True, ticks=ticks)
    return Panel("The best λ", x, y), traces


def grown(trail):
    """The trail as x and y of constant length: NaN where the noise has not been yet."""
    padded = np.full((round(10 * SIGMA_MAX), 2), np.nan)
    padded[: len(trail)] = trail
    return padded.T


def edged(values, ends):
    return figures.clip(values, *ends)[0]


def within(risk):
    """On the axis of the error: at its edge where it is above, a gap where it is below."""
    return np.where(risk < RISK[0], np.nan, edged(risk, RISK))


def clipped(state):
    """Whether anything lies beyond its axis; an error of nearly nothing does not count."""
    weights, errors = (
        np.concatenate([state.truth, state.ols, state.ridge]),
        state.bias_curve + state.variance_curve,
    )
    here = state.bias + state.variance
    return bool(
        abs(weights).max() > WEIGHT[1]
        or state.eigenvalues[-1] > EIGENVALUE[1]
        or max(here, errors.max()) > RISK[1]
    )


def ends_said(strength):
    """A strength in words: at an end of GRID it is only known to lie beyond."""
    if strength == GRID[0]:
        return f"{strength:g} or less"
    return f"{strength:g} or more" if strength == GRID[-1] else f"{strength:.2g}"
