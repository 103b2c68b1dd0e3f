"""The noise lab: a trained model, frozen, reads one sequence; the noise on its labels slides, and the model's implicit weight moves.

The sequence is fixed: the truth w, the inputs X and the direction xi of the noise stay, y = X w + sigma xi. What moves is due to sigma
alone. Panels: the implicit weight and its path through the layers (Theorem 4.1); how much of each principal direction is kept, beside
ridge regression; what each layer does, as a step along the gradient and a rescaling (sections 5.2 and 5.3); and the noise that the model
acts as if it had seen, beside the truth, AdaRR's estimate and the exact posterior.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import figures
from ..figures import Axis, Panel
from ..implicit import effective_step_size, filter_curve, filter_factors, implicit_from_moments, implied_noise
from ..noise import Uniform, parse_noise
from ..pretrained import load_pretrained, stored, stored_layers
from ..spectrum import Spectrum
from ..task import second_moments
from .base import Lab
from .controls import Choice, Prediction, Seed, Slider

SIGMA_MAX = 8.0  # the slider goes well past U(0, 5)
DIM, CONTEXT = 10, 20
KINDS = {"DIAG": "diag", "FULL": "full", "GD++": "gd++"}
WEIGHT, KEPT, STEP = (-3.5, 3.5), (-0.1, 1.2), (-0.5, 2.0)  # ends of the axes: what lies outside is drawn at the edge, and said
CURVE = np.linspace(0.02, 4.0, 40)  # eigenvalues
GRID = np.linspace(0.0, SIGMA_MAX, 81)[1:]  # noise levels of the posterior
COMPONENT = np.arange(1.0, DIM + 1)
REDRAWS = 100


@dataclass(frozen=True)
class NoiseState:
    """Everything that the lab shows at one setting. L layers, d = 10 directions."""

    sigma: float
    noise: object  # what the model was trained on
    truth: np.ndarray  # (d,)
    path: np.ndarray  # (L+1, d): the implicit weight before the first and after each layer
    oracle: np.ndarray  # (d,): ridge regression that is told sigma
    eigenvalues: np.ndarray  # (d,), ascending
    kept: np.ndarray  # (d,): the model's filter factors over redraws of truth and noise
    ridge_kept: np.ndarray  # (d,)
    fit: float  # R^2 of those filter factors: 1 if the model is a filter
    curve: np.ndarray  # (40,): the filter factor of DIAG and GD++ at any eigenvalue, on this sequence; NaN for FULL
    ridge_curve: np.ndarray  # (40,)
    step: np.ndarray  # (L,): effective step size
    cosine: np.ndarray  # (L,): of the layer's push and the gradient
    rescaling: np.ndarray  # (L,)
    implied: float  # the noise that the model acts as if it had seen
    estimate: float  # AdaRR's
    posterior: np.ndarray  # (80,): p(sigma | context) on GRID, under a flat prior; sums to 1
    kept_guess: float | None
    implied_guess: float | None


@lru_cache(maxsize=32)
def sequence(seed):
    """One sequence without its noise: inputs (n, d), truth (d,) and the direction of the noise (n,)."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(CONTEXT, DIM)), rng.normal(size=DIM), rng.normal(size=CONTEXT)


@lru_cache(maxsize=32)
def model_of(kind, layers, noise):
    return load_pretrained(kind, layers, parse_noise(noise))


def trained_on(kind):
    """The noises for which models of a kind are stored -> {label: key}."""
    noises = {parse_noise(entry["noise"]) for entry in stored() if (entry["kind"], entry["heads"], entry["variant"]) == (kind, 1, "")}
    return {
        noise.label: noise.key for noise in sorted(noises, key=lambda noise: (not isinstance(noise, Uniform), noise.sigma_max, noise.key))
    }


def trained_range(noise):
    """The smallest and the largest sigma that a noise distribution draws."""
    return (0.0 if isinstance(noise, Uniform) else noise.nodes()[0].min()), noise.sigma_max


@lru_cache(maxsize=512)
def noise_state(sigma, kind, noise, layers, kept_guess, implied_guess, seed):
    x, truth, direction = sequence(seed)
    model = model_of(kind, layers, noise)
    S = second_moments(x[None], (x @ truth + sigma * direction)[None])
    spectrum, state = Spectrum.from_moments(S, CONTEXT), implicit_from_moments(model, S)
    step, cosine = effective_step_size(state)
    eigenvalues, kept, fit = filter_factors(model, x, sigma, REDRAWS, np.random.default_rng(seed))
    scores = spectrum.log_likelihood(GRID)[0]
    posterior = np.exp(scores - scores.max())
    return NoiseState(
        sigma=sigma,
        noise=parse_noise(noise),
        truth=truth,
        path=state.w[0],
        oracle=spectrum.ridge([sigma])[0],
        eigenvalues=eigenvalues,
        kept=kept,
        ridge_kept=eigenvalues / (eigenvalues + sigma**2 / CONTEXT),
        fit=np.average(fit, weights=eigenvalues),
        curve=sequence_curve(model, S[0], eigenvalues[-1]),
        ridge_curve=CURVE / (CURVE + sigma**2 / CONTEXT),
        step=step[0],
        cosine=cosine[0],
        rescaling=state.rescaling[0],
        implied=implied_noise(state.w[:, -1], spectrum)[0],
        estimate=spectrum.noise_estimate()[0],
        posterior=posterior / posterior.sum(),
        kept_guess=kept_guess,
        implied_guess=implied_guess,
    )


def sequence_curve(model, S, largest):
    """`filter_curve` on CURVE, as far as this sequence reaches: up to its largest eigenvalue. FULL has none."""
    curve, reached = np.full(len(CURVE), np.nan), largest >= CURVE
    if model.kind != "full":
        curve[reached] = filter_curve(model, S, CURVE[reached])
    return curve


def weight_panel(state, ghost):
    depth = np.linspace(-0.32, 0.32, len(state.path))  # within the column of a component: from before the first layer to after the last
    gap = np.full((1, DIM), np.nan)
    along = np.concatenate([COMPONENT + depth[:, None], gap]).T.ravel()
    path = clip(np.concatenate([state.path, gap]).T.ravel(), WEIGHT)
    now, held = COMPONENT + depth[-1], absent(DIM) if ghost is None else clip(ghost.path[-1], WEIGHT)
    level = dict(symbol="line-ew", size=24, hovertemplate="%{y:.2f}")
    traces = [
        figures.dots(COMPONENT, state.truth, "truth", figures.TRUTH, **level),
        figures.dots(COMPONENT, clip(state.oracle, WEIGHT), "oracle ridge", figures.ORACLE, **level),
        figures.dots(now, held, ghost and "ghost", figures.GHOST, "circle-open", 10),
        figures.line(along, path, "layer by layer", width=1.5, hovertemplate="%{y:.2f}"),
        figures.dots(now, clip(state.path[-1], WEIGHT), "model", figures.MODEL, size=7, hovertemplate="%{y:.2f}"),
    ]
    x = Axis("component", 0.4, DIM + 0.6, ticks=tuple(range(1, DIM + 1)))
    return Panel("Implicit weight: w moves, P and Q are frozen", x, Axis("w", *WEIGHT)), traces


def kept_panel(state, ghost):
    held = absent(DIM) if ghost is None else clip(ghost.kept, KEPT)
    traces = [
        figures.line(CURVE, state.ridge_curve, "ridge", figures.ORACLE),
        figures.dots(state.eigenvalues, held, ghost and "ghost", figures.GHOST, "circle-open", 10),
        figures.line(CURVE, clip(state.curve, KEPT), "this sequence", dash="dot", width=1.5),
        figures.dots(state.eigenvalues, clip(state.kept, KEPT), "model", size=7),
        guess([state.eigenvalues[0]], [state.kept_guess]),
    ]
    return Panel("How much of each direction of X is kept", Axis("eigenvalue of X'X/n", 0, CURVE[-1]), Axis("share", *KEPT)), traces


def step_panel(state, ghost):
    layer = np.arange(1.0, len(state.step) + 1)
    deepest = max(entry["layers"] for entry in stored())
    held = (absent(1), absent(1), absent(1)) if ghost is None else (np.arange(1.0, len(ghost.step) + 1), ghost.step, ghost.rescaling)
    traces = [
        figures.line([0.5, deepest + 0.5], [1, 1], color=figures.GREY, dash="dot", width=1, hoverinfo="skip"),
        figures.dots(held[0], clip(held[1], STEP), ghost and "ghost", figures.GHOST, "circle-open", 10),
        figures.dots(held[0], clip(held[2], STEP), None, figures.GHOST, "diamond-open", 10),
        marked(figures.line(layer, clip(state.step, STEP), "step along the gradient", width=1.5), "circle"),
        marked(figures.line(layer, clip(state.rescaling, STEP), "rescaling", figures.RED, width=1.5), "diamond"),
    ]
    x = Axis("layer", 0.5, deepest + 0.5, ticks=tuple(range(1, deepest + 1)))
    return Panel("What each layer does to w", x, Axis("factor", *STEP)), traces


def meter_panel(state, ghost):
    ends = (0, SIGMA_MAX)
    trained = [(0, state.noise.sigma_max)] if isinstance(state.noise, Uniform) else [(s - 0.06, s + 0.06) for s in state.noise.nodes()[0]]
    held = (None, None) if ghost is None else (ghost.sigma, ghost.implied)
    bell = state.posterior / state.posterior.max()
    likely = bell > 0.01
    traces = [
        figures.band(trained, *ends, "trained on"),
        figures.line(ends, ends, color=figures.GREY, dash="dot", width=1, hoverinfo="skip"),
        figures.line(
            state.sigma + 0.9 * bell[likely],
            GRID[likely],
            "posterior",
            figures.ORANGE,
            width=2,
            fill="toself",
            fillcolor="rgba(230, 159, 0, 0.25)",
            hoverinfo="skip",
        ),
        figures.dots([state.sigma], clip([state.estimate], ends), "AdaRR", figures.RED, "triangle-up"),
        figures.dots([held[0]], clip([held[1]], ends), ghost and "ghost", figures.GHOST, "circle-open", 12),
        figures.dots([state.sigma], clip([state.implied], ends), "model", size=10),
        guess([state.sigma], [state.implied_guess]),
    ]
    return Panel("Noise meter: the σ that it acts as if it had read", Axis("true σ", 0, SIGMA_MAX + 1), Axis("σ read", *ends)), traces


def guess(x, y):
    return figures.dots(x, y, None if y == [None] else "prediction", figures.PREDICTION, "star", 13)


def marked(trace, symbol):
    """A line with a mark at each of its points."""
    return {**trace, "mode": "lines+markers", "marker": dict(symbol=symbol, size=8, color=trace["line"]["color"])}


def absent(count):
    return np.full(count, np.nan)


def clip(values, ends):
    return figures.clip(values, *ends)[0]


def clipped(state):
    """Whether anything lies outside its axis."""
    shown = [(state.path, WEIGHT), (state.kept, KEPT), (state.curve, KEPT), (state.step, STEP), (state.rescaling, STEP)]
    return any(figures.clip(values, *ends)[1] for values, ends in shown)


class NoiseLab(Lab):
    """Slide the noise; watch the implicit weight of a trained, frozen linear transformer adapt.

    NoiseLab(sigma=2.0, kind="diag", noise="uniform-5", layers=4)
    """

    CONTROLS = dict(
        sigma=Slider("Noise σ", 0.0, SIGMA_MAX, 0.1, value=1.0),
        kind=Choice("Model", KINDS, "diag"),
        noise=Choice("Trained on", lambda kind: trained_on(kind), "uniform-5"),
        layers=Choice("Layers", lambda kind, noise: stored_layers(kind, parse_noise(noise)), 4, slide=True),
        kept_guess=Prediction("Predict: smallest share", 0.0, 1.0, 0.05),
        implied_guess=Prediction("Predict: σ read", 0.0, SIGMA_MAX, 0.25),
        seed=Seed(value=4),
    )

    @staticmethod
    def compute(**controls):
        return noise_state(**controls)

    @staticmethod
    def draw(state, ghost=None):
        return figures.figure([panel(state, ghost) for panel in (weight_panel, kept_panel, step_panel, meter_panel)])

    @staticmethod
    def words(state, ghost=None):
        level = f"σ = {state.sigma:.1f} (σ² = {state.sigma**2:.2f})"
        if not np.isfinite(state.path).all():
            return (
                f"{level}: on this sequence the model diverges, and its weight is not finite. A smaller σ or another depth brings it back."
            )
        low, high = np.interp([0.05, 0.95], np.cumsum(state.posterior), GRID)
        said = (
            f"{level}: the model acts as if σ were {state.implied:.1f}; AdaRR estimates {state.estimate:.1f}, "
            f"and the data allow {low:.1f} to {high:.1f} (90%). "
            f"It keeps {state.kept[0]:.2f} of the weakest direction (ridge {state.ridge_kept[0]:.2f}) "
            f"and {state.kept[-1]:.2f} of the strongest (ridge {state.ridge_kept[-1]:.2f}); "
            f"its w is {np.linalg.norm(state.path[-1] - state.oracle):.2f} away from the oracle's."
        )
        low, high = trained_range(state.noise)
        if not low <= state.sigma <= high:
            said += f" This noise lies outside the training range, {state.noise.label}."
        if state.fit < 0.9:
            said += f" Over redraws it is hardly a filter: the shares explain {state.fit:.0%} of its answers."
        return said + (" What lies beyond an axis is drawn at its edge." if clipped(state) else "")
