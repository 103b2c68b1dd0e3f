"""The gradient lab: layers built to do gradient descent, beside trained ones, in two dimensions.

The built model has as many layers as the trained one, each with omega_yx = -step and nothing else: one step of gradient descent each. The
trained one is a stored DIAG model: its weights do not depend on d, so it runs at d = 2 although it was trained at d = 10. The sequence is
fixed: truth, inputs and the direction of the noise stay while sigma slides. Panels: the path of the implicit weight over the bowl of the
mean squared error; the error against the step size, which explodes past 2 / s_max; and the error layer by layer.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import figures
from ..figures import Axis, Panel
from ..implicit import implicit_from_moments
from ..model import LinearTransformer
from ..noise import Uniform
from ..pretrained import load_pretrained, stored_layers
from ..spectrum import Spectrum
from ..task import second_moments
from .base import Lab
from .controls import Choice, Prediction, Seed, Slider

DIM, CONTEXT = 2, 20
SIGMA_MAX, STEP_MAX = 5.0, 2.5
TRAINED_ON = Uniform(5.0)
WEIGHT, RISK = (-3.5, 3.5), (0.01, 10.0)  # ends of the axes
STEPS = np.linspace(0, STEP_MAX, 126)
RINGS = np.arange(1, 9) * 0.4  # contours of the bowl: root mean squared error above the smallest
ANGLES = np.linspace(0, 2 * np.pi, 61)
REDRAWS = 200


@dataclass(frozen=True)
class Descent:
    """Everything that the lab shows at one setting. L layers, d = 2. Errors are half squared, averaged over truths and noises."""

    sigma: float
    step: float
    truth: np.ndarray  # (d,)
    ols: np.ndarray  # (d,): the bottom of the bowl
    oracle: np.ndarray  # (d,): ridge regression that is told sigma
    rings: np.ndarray  # (8 * 62, d): contours of the mean squared error, NaN between them
    built: np.ndarray  # (L+1, d): implicit weight before the first and after each layer
    trained: np.ndarray  # (L+1, d)
    eigenvalues: np.ndarray  # (d,), ascending
    limit: float  # 2 / s_max: longer steps diverge
    risk_by_step: np.ndarray  # (126,): after L built layers, on STEPS
    built_risk: np.ndarray  # (L+1,)
    trained_risk: np.ndarray  # (L+1,)
    ols_risk: float
    oracle_risk: float
    best_step: float  # on STEPS
    guess: float | None


def descent_model(step, layers, dim=DIM):
    """A linear transformer whose every layer does one step of gradient descent: omega_yx = -step, the other omegas 0."""
    return LinearTransformer.from_diagonals([[(0, 1)]] * layers, [[(-step, 0)]] * layers, dim)


@lru_cache(maxsize=32)
def trained_model(layers):
    return load_pretrained("diag", layers, TRAINED_ON).with_dim(DIM)


@lru_cache(maxsize=32)
def sequence(seed):
    """One sequence without its noise: inputs (n, d), truth (d,) and the direction of the noise (n,)."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(CONTEXT, DIM)), rng.normal(size=DIM), rng.normal(size=CONTEXT)


def moments(seed, sigma, truth, direction):
    """Spectrum of the inputs `seed` with the labels x w + sigma xi, for truths (B, d) and noise directions (B, n)."""
    x, _, _ = sequence(seed)
    y = truth @ x.T + sigma * direction
    return Spectrum.from_moments(second_moments(np.broadcast_to(x, (len(y), *x.shape)), y), CONTEXT)


@lru_cache(maxsize=128)
def trained_excess(seed, sigma, layers):
    """Half the squared distance to the oracle after each layer of the trained model, over redraws of truth and noise -> (L+1,)."""
    rng = np.random.default_rng(seed)
    spectrum = moments(seed, sigma, rng.normal(size=(REDRAWS, DIM)), rng.normal(size=(REDRAWS, CONTEXT)))
    distance = (
        implicit_from_moments(trained_model(layers), spectrum.S).w
        - spectrum.ridge(np.full(REDRAWS, sigma))[:, None]
    )
    return (distance**2).sum(axis=-1).mean(axis=0) / 2


def descent_risk(eigenvalues, step, layers, sigma):
    """Half the squared error after `layers` steps from w = 0, averaged over truths and noises.    step, layers : (K,) -> (K,)"""
    kept = 1 - (1 - np.asarray(step)[..., None] * eigenvalues) ** np.asarray(layers)[..., None]
    return risk_of(kept, eigenvalues, sigma)


def risk_of(kept, eigenvalues, sigma):
    """Bias and variance of a filter that keeps the share `kept` (..., d) of each principal direction -> (...)"""
    return ((1 - kept) ** 2 + kept**2 * sigma**2 / (CONTEXT * eigenvalues)).sum(axis=-1) / 2


class GradientLab(Lab):
    """Slide the step size, the noise and the number of layers; watch the implicit weight walk down the bowl, or out of it.

    GradientLab(step=0.5, sigma=1.0, layers=4)
    """

    CONTROLS = dict(
        step=Slider("Step size η", 0.0, STEP_MAX, 0.05, value=0.5),
        sigma=Slider("Noise σ", 0.0, SIGMA_MAX, 0.1, value=1.0),
        layers=Choice("Layers", lambda: stored_layers("diag", TRAINED_ON), 4, slide=True),
        guess=Prediction("Predict: best η", 0.05, STEP_MAX, 0.05),
        seed=Seed(value=6),
    )

    @staticmethod
    def compute(step, sigma, layers, guess, seed):
        _, truth, direction = sequence(seed)
        spectrum = moments(seed, sigma, truth[None], direction[None])
        s, ols = spectrum.s[0], spectrum.ridge([0.0])[0]
        circles = RINGS[:, None, None] * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=-1)  # (8, 61, d)
        rings = ols + circles / np.sqrt(s) @ spectrum.V[0].T
        oracle_risk = risk_of(s / (s + sigma**2 / CONTEXT), s, sigma)
        risk_by_step = descent_risk(s, STEPS, layers, sigma)
        return Descent(
            sigma=sigma,
            step=step,
            truth=truth,
            ols=ols,
            oracle=spectrum.ridge([sigma])[0],
            rings=np.concatenate([rings, np.full((len(RINGS), 1, DIM), np.nan)], axis=1).reshape(-1, DIM),
            built=implicit_from_moments(descent_model(step, layers), spectrum.S).w[0],
            trained=implicit_from_moments(trained_model(layers), spectrum.S).w[0],
            eigenvalues=s,
            limit=2 / s[-1],
            risk_by_step=risk_by_step,
            built_risk=descent_risk(s, step, np.arange(layers + 1), sigma),
            trained_risk=oracle_risk + trained_excess(seed, sigma, layers),
            ols_risk=risk_of(np.ones(DIM), s, sigma),
            oracle_risk=oracle_risk,
            best_step=STEPS[risk_by_step.argmin()],
            guess=guess,
        )

    @staticmethod
    def draw(state):
        figure = figures.figure(
            [panel(state) for panel in (bowl_panel, step_panel, layer_panel)], columns=3, height=380
        )
        layout = figure[
            "layout"
        ]  # both directions of w at one scale: gradients look perpendicular to the contours
        layout["xaxis"].update(constrain="domain", constraintoward="left")
        layout["yaxis"].update(constrain="domain", constraintoward="top", scaleanchor="x")
        return figure

    @staticmethod
    def words(state):
        layers = len(state.built) - 1
        built, trained = state.built_risk[-1], state.trained_risk[-1]
        said = (
            f"η = {state.step:.2f}, σ = {state.sigma:.1f} (σ² = {state.sigma**2:.2f}), {layers} layer{'s' * (layers > 1)}: "
            f"averaged over truths and noises, half the squared error is {amount(built)} built and {amount(trained)} trained, "
            f"{amount(state.oracle_risk)} for the oracle and {amount(state.ols_risk)} for least squares. "
            f"The best η for this depth is about {state.best_step:.2f}. "
        )
        if state.step > state.limit:
            said += f"η is past 2/s_max = {state.limit:.2f}: the built model diverges, each layer overshoots by more. "
        return said + ("What lies beyond an axis is drawn at its edge." if clipped(state) else "")


def bowl_panel(state):
    hover = dict(hovertemplate="(%{x:.2f}, %{y:.2f})")
    paths = [edged(path, WEIGHT).T for path in (state.built, state.trained)]
    traces = [
        figures.line(*state.rings.T, None, figures.GREY, width=1, hoverinfo="skip"),
        figures.dots(*point(state.truth), "truth", figures.TRUTH, "x", 9, **hover),
        figures.dots(*point(state.ols), "OLS", figures.RED, "circle-open", 9, **hover),
        figures.dots(*point(state.oracle), "ridge", figures.ORACLE, "diamond", 9, **hover),
        figures.line(*paths[1], None, figures.ORANGE, "dot", 1.5, hoverinfo="skip"),
        figures.dots(*paths[1], "trained", figures.ORANGE, "triangle-up", 7, **hover),
        figures.line(*paths[0], None, width=1.5, hoverinfo="skip"),
        figures.dots(*paths[0], "built", size=7, **hover),
    ]
    return Panel("w, layer by layer", Axis("w<sub>1</sub>", *WEIGHT), Axis("w<sub>2</sub>", *WEIGHT)), traces


def step_panel(state):
    limit = state.limit if state.limit <= STEP_MAX else np.nan
    traces = [
        figures.line(
            [0, STEP_MAX], within(np.full(2, state.oracle_risk)), "ridge", figures.ORACLE, hoverinfo="skip"
        ),
        figures.line([limit] * 2, RISK, "2/s_max", figures.GREY, "dot", 1.5, hoverinfo="skip"),
        figures.line(STEPS, np.where(state.risk_by_step > RISK[1], np.nan, within(state.risk_by_step))),
        figures.dots([state.step], within(state.built_risk[-1:]), "built"),
        figures.dots(
            [state.guess],
            [None if state.guess is None else 1.0],
            state.guess and "prediction",
            figures.PREDICTION,
            "star",
            13,
        ),
    ]
    return Panel("Error against η", Axis("step size η", 0, STEP_MAX), risk_axis()), traces


def layer_panel(state):
    deepest = max(stored_layers("diag", TRAINED_ON))
    layer = np.arange(len(state.built))
    ends = [-0.3, deepest + 0.3]
    traces = [
        figures.line(ends, within(np.full(2, state.oracle_risk)), "ridge", figures.ORACLE, hoverinfo="skip"),
        figures.line(
            ends, within(np.full(2, state.ols_risk)), "OLS", figures.RED, "dash", 1.5, hoverinfo="skip"
        ),
        figures.dots(layer, within(state.trained_risk), "trained", figures.ORANGE, "triangle-up", 8),
        figures.dots(layer, within(state.built_risk), "built", size=8),
    ]
    return Panel("Error by layer", Axis("layer", *ends, ticks=tuple(range(deepest + 1))), risk_axis()), traces


def risk_axis():
    return Axis("half squared error", *RISK, log=True, ticks=(0.01, 0.1, 1, 10))


def point(w):
    """A weight (d,) as x and y of one mark, at the edge if it lies outside."""
    return [[value] for value in edged(w, WEIGHT)]


def edged(values, ends):
    return figures.clip(values, *ends)[0]


def within(risk):
    """On the axis of the error: at its edge where it is above, a gap where it is below."""
    return np.where(risk < RISK[0], np.nan, edged(risk, RISK))


def amount(risk):
    """An error in words."""
    return f"{risk:.2f}" if risk < 1000 else f"{risk:.0e}"


def clipped(state):
    """Whether a weight lies outside its axes, or an error above them."""
    weights = np.concatenate([state.built, state.trained, [state.truth, state.ols, state.oracle]])
    risks = np.concatenate([state.built_risk, state.trained_risk, [state.ols_risk]])
    return bool(abs(weights).max() > WEIGHT[1] or risks.max() > RISK[1])
