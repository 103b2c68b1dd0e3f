"""The gradient lab: layers built to do gradient descent, beside trained ones, in two dimensions.

The built model has as many layers as the trained one, each with omega_yx = -step and nothing else: one step of gradient descent each. The
trained one is a stored DIAG model: its weights do not depend on d, so it runs at d = 2 although it was trained at d = 10. The sequence is
fixed: inputs and the direction of the noise stay while sigma slides, and the truth stays where it is dragged to. Panels: the path of the
implicit weight over the bowl of the mean squared error; the error against the step size, as far as the slider has come, which explodes past
2 / s_max; and the error layer by layer.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..implicit import implicit_from_moments
from ..language import Message
from ..model import LinearTransformer
from ..noise import parse_noise
from ..pretrained import stored_layers
from ..spectrum import Spectrum
from ..task import PAPER, second_moments
from ..view.panel import Axis, Curve, Guess, Panel, Path, Points
from .base import Lab
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Seed, Slider, Spots, Toggle
from .frozen import Frozen
from .marks import across, layer_axis, log_axis, up_to, upright
from .material import sequence, stored_model

DIM = 2
TRAINED_ON = "uniform-5"
SIGMA_MAX, STEP_MAX = 5.0, 2.5
STEPS = np.linspace(0, STEP_MAX, 126)
RINGS = np.arange(1, 9) * 0.4  # contours of the bowl: root mean squared error above the smallest
ANGLES = np.linspace(0, 2 * np.pi, 61)
REDRAWS = 200
FIRST, SECOND = Axis("w_1", -3.5, 3.5), Axis("w_2", -3.5, 3.5)
STEP = Axis("step", 0, STEP_MAX)
ERROR = log_axis("error", 0.01, 10.0, (0.01, 0.1, 1, 10), below="gap")  # below, an error of nearly nothing

NEAR = 0.2  # distance to the bottom of the bowl at which the walk has arrived
STAYS, LEAVES = 1.3, 1.5  # step sizes to either side of 2 / s_max of sequence 6
CANDIDATES = (1, 4, 7)  # layers, one of which is the best where there is noise
MOVES = {Message(f"gradient.choice.{what}"): what for what in ("weights", "bowl", "nothing")}
WALKERS = {Message(f"gradient.choice.{who}"): who for who in ("built", "trained", "alike")}
ALIKE = 0.05  # a difference of errors that nobody would call one


@dataclass(frozen=True)
class GradientState(Frozen):
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
    along: np.ndarray  # (d,): least squares along the principal directions
    shows_trained: bool


def descent_model(step, layers, dim=DIM):
    """A linear transformer whose every layer does one step of gradient descent: omega_yx = -step, the other omegas 0."""
    return LinearTransformer.from_diagonals([[(0, 1)]] * layers, [[(-step, 0)]] * layers, dim)


def trained_model(layers):
    """The stored DIAG model of this depth, at d = 2 -> LinearTransformer"""
    return stored_model("diag", layers, TRAINED_ON).with_dim(DIM)


def trained_depths():
    """The depths of the trained models to choose from -> list of int"""
    return stored_layers("diag", parse_noise(TRAINED_ON))


@lru_cache(maxsize=128)
def trained_excess(seed, sigma, layers):
    """Half the squared distance to the oracle after each layer of the trained model, over redraws of truth and noise -> (L+1,)"""
    x = sequence(seed, dim=DIM).x
    rng = np.random.default_rng(seed)
    truths = rng.normal(size=(REDRAWS, DIM))
    noises = rng.normal(size=(REDRAWS, len(x)))
    y = truths @ x.T + sigma * noises  # (B, n)
    S = second_moments(np.broadcast_to(x, (REDRAWS, *x.shape)), y)  # (B, D, D)

    oracle = Spectrum.from_moments(S, len(x)).ridge(np.full(REDRAWS, sigma))  # (B, d)
    distance = implicit_from_moments(trained_model(layers), S).w - oracle[:, None]  # (B, L+1, d)
    return (distance**2).sum(axis=-1).mean(axis=0) / 2


def descent_risk(eigenvalues, step, layers, sigma):
    """Half the squared error after `layers` steps from w = 0, averaged over truths and noises.    step, layers : (K,) -> (K,)"""
    left = (1 - np.asarray(step)[..., None] * eigenvalues) ** np.asarray(layers)[..., None]  # (K, d)
    return risk_of(1 - left, eigenvalues, sigma)


def risk_of(kept, eigenvalues, sigma):
    """Bias and variance of a filter that keeps the share `kept` (..., d) of each principal direction -> (...)"""
    bias = (1 - kept) ** 2
    variance = kept**2 * sigma**2 / (PAPER.context * eigenvalues)
    return (bias + variance).sum(axis=-1) / 2


def contours(spectrum):
    """Where the mean squared error is above the smallest by the squares of RINGS: ellipses around least squares -> (8 * 62, d)"""
    circle = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=-1)  # (61, d)
    circles = RINGS[:, None, None] * circle  # (8, 61, d)
    ellipses = circles / np.sqrt(spectrum.s[0])  # (8, 61, d), along the principal directions
    rings = spectrum.ridge([0.0]) + ellipses @ spectrum.V[0].T  # (8, 61, d)
    gaps = np.full((len(RINGS), 1, DIM), np.nan)
    return np.concatenate([rings, gaps], axis=1).reshape(-1, DIM)


class GradientLab(Lab):
    """Slide the step size, the noise and the number of layers; watch the implicit weight walk down the bowl, or out of it.

    GradientLab(step=0.5, sigma=1.0, layers=4)
    """

    NAME = "gradient"
    NO_TASK = Message("task.gradient")
    ROW = 300
    CONTROLS = dict(
        step=Slider(0.0, STEP_MAX, 0.05, value=0.5),
        sigma=Slider(0.0, SIGMA_MAX, 0.1, value=1.0),
        layers=Choice(trained_depths, 4, slide=True),
        trained=Toggle(True),
        truth=Spots((-3.0, -3.0), (3.0, 3.0), 0.1),
        guess=Prediction(0.05, STEP_MAX, 0.05),
        moves_guess=Opinion(MOVES),
        layer_guess=Opinion(CANDIDATES),
        walker_guess=Opinion(WALKERS),
        seed=Seed(6),
    )
    BEATS = (
        Beat(
            "land",
            panels=("bowl",),
            control="step",
            values=dict(step=0.3, sigma=1.0, layers=4, trained=False, seed=6),
            when=lambda values, state: to_bottom(state, state.step) < NEAR,
            tell=lambda state, begun: dict(
                step=state.step,
                gap=to_bottom(state, state.step),
                began=begun.step,
                before=to_bottom(begun, begun.step),
            ),
        ),
        Beat(
            "leave",
            panels=("bowl", "step"),
            control="step",
            values=dict(step=0.5, sigma=1.0, layers=7, trained=False, seed=6),
            ask="guess",
            at=dict(step=LEAVES),
            answer=lambda state, begun: state.limit,
            tell=lambda state, begun: dict(
                steep=state.eigenvalues[-1],
                stays=STAYS,
                near=to_bottom(state, STAYS),
                leaves=LEAVES,
                far=to_bottom(state, LEAVES),
            ),
        ),
        Beat(
            "drag",
            panels=("bowl",),
            values=dict(step=0.85, sigma=1.0, layers=4, trained=False, truth=(), seed=6),
            ask="moves_guess",
            hands=("truth",),
            when=lambda values, state: values["truth"] != (),
            answer=lambda state, begun: "bowl",
        ),
        Beat(
            "stop",
            panels=("bowl", "layer"),
            control="sigma",
            values=dict(step=0.5, sigma=0.0, layers=7, trained=False, seed=6),
            ask="layer_guess",
            at=dict(sigma=4.0),
            answer=lambda state, begun: min(CANDIDATES, key=lambda layer: state.built_risk[layer]),
            tell=lambda state, begun: dict(
                least=min(state.built_risk), last=state.built_risk[-1], oracle=state.oracle_risk
            ),
        ),
        Beat(
            "rival",
            panels=("bowl", "layer"),
            control="sigma",
            values=dict(step=0.85, sigma=1.0, layers=4, trained=True, seed=6),
            ask="walker_guess",
            at=dict(sigma=4.0),
            answer=lambda state, begun: nearer(state.built_risk[-1], state.trained_risk[-1]),
            tell=lambda state, begun: dict(
                built_before=begun.built_risk[-1],
                built=state.built_risk[-1],
                trained_before=begun.trained_risk[-1],
                trained=state.trained_risk[-1],
                oracle=state.oracle_risk,
            ),
        ),
    )

    @staticmethod
    def compute(step, sigma, layers, seed, trained=True, truth=()):
        shown = with_truth(sequence(seed, dim=DIM), truth)
        S = shown.moments(sigma)  # (1, D, D)
        spectrum = shown.spectrum(sigma)
        s = spectrum.s[0]  # (d,)

        # Descent and ridge are filters: their errors have closed forms. The trained model's is measured, as what it adds to the oracle's.
        oracle_risk = risk_of(s / (s + sigma**2 / PAPER.context), s, sigma)
        risk_by_step = descent_risk(s, STEPS, layers, sigma)
        return GradientState(
            sigma=sigma,
            step=step,
            truth=shown.truth,
            ols=spectrum.ridge([0.0])[0],
            oracle=spectrum.ridge([sigma])[0],
            rings=contours(spectrum),
            built=implicit_from_moments(descent_model(step, layers), S).w[0],
            trained=implicit_from_moments(trained_model(layers), S).w[0],
            eigenvalues=s,
            limit=2 / s[-1],
            risk_by_step=risk_by_step,
            built_risk=descent_risk(s, step, np.arange(layers + 1), sigma),
            trained_risk=oracle_risk + trained_excess(seed, sigma, layers),
            ols_risk=risk_of(np.ones(DIM), s, sigma),
            oracle_risk=oracle_risk,
            best_step=STEPS[risk_by_step.argmin()],
            along=spectrum.components(spectrum.ridge([0.0]))[0],
            shows_trained=trained,
        )

    @staticmethod
    def panels(state, ghost, guesses):
        return [bowl_panel(state), step_panel(state, guesses["guess"]), layer_panel(state)]

    @staticmethod
    def words(state, ghost):
        return [
            setting(state),
            walk(state).on("bowl"),
            errors(state).on("step", "layer"),
            *best(state),
            *warning(state),
        ]


def with_truth(shown, spots):
    """The same inputs and noise, with the truth where it was dragged to.    spots : the value of the control -> Sequence"""
    if not spots:
        return shown
    _, *place = spots[0]
    return replace(shown, truth=np.array(place))


def to_bottom(state, step):
    """How far from the bottom of the bowl the built model would end with this step size."""
    layers = len(state.built) - 1
    missing = (1 - step * state.eigenvalues) ** layers * state.along  # (d,)
    return np.linalg.norm(missing)


def nearer(built, trained):
    """Whose error is smaller?"""
    if abs(built - trained) < ALIKE:
        return "alike"
    return "built" if built < trained else "trained"


def setting(state):
    """Where the controls stand."""
    layers = Message("layers.count", count=len(state.built) - 1)
    return Message(
        "gradient.setting", step=state.step, sigma=state.sigma, squared=state.sigma**2, layers=layers
    )


def walk(state):
    """Where the built model ends."""
    return Message("gradient.walk", gap=amount(np.linalg.norm(state.built[-1] - state.ols)))


def errors(state):
    """The errors, averaged over truths and noises."""
    trained = dict(trained=amount(state.trained_risk[-1])) if state.shows_trained else {}
    return Message(
        "gradient.errors_of_both" if trained else "gradient.errors",
        built=amount(state.built_risk[-1]),
        **trained,
        oracle=amount(state.oracle_risk),
        ols=amount(state.ols_risk),
    )


def amount(error):
    """An error as a number, of which only the size matters where it is large."""
    return Message("gradient.error" if error < 1000 else "gradient.large_error", error=error)


def best(state):
    """The best step size, once the slider has passed it -> list of Message"""
    if state.step < state.best_step:
        return []
    return [Message("gradient.best", step=state.best_step).on("step")]


def warning(state):
    """That the step is too long, if so."""
    return [Message("gradient.diverges", limit=state.limit)] if state.step > state.limit else []


def bowl_panel(state):
    """The paths of both models over the contours of the mean squared error."""
    by_layer = dict(layer=np.arange(len(state.built)))
    marks = [
        Curve("contour", *state.rings.T, keyed=False, beyond="free", hover=""),
        Points("truth", *state.truth, hover="point", grab="truth", along="xy"),
        Points("least squares", *state.ols, hover="point"),
        Points("oracle", *state.oracle, hover="point"),
        *([Path("trained", *state.trained.T, hover="point", keys=by_layer)] if state.shows_trained else []),
        Path("model", *state.built.T, hover="point", keys=by_layer),
    ]
    return Panel("bowl", FIRST, SECOND, marks, square=True)


def step_panel(state, guess):
    """The error of the built model against the step size. What lies beyond the slider is not given away."""
    passed = [upright(state.limit, ERROR, "limit", keyed=True)] if state.limit <= state.step else []
    risk = up_to(state.step, STEPS, state.risk_by_step)  # (126,)
    marks = [
        across("oracle", STEP, state.oracle_risk),
        *passed,
        Curve("model", STEPS, risk, name="curve", keyed=False, beyond="gap"),
        Points("model", state.step, state.built_risk[-1]),
        Guess(guess, 1.0, grab="guess", along="x"),
    ]
    return Panel("step", STEP, ERROR, marks)


def layer_panel(state):
    """The errors of both models layer by layer."""
    x = layer_axis(max(trained_depths()))
    layer = np.arange(len(state.built))
    by_layer = dict(layer=layer)
    marks = [
        across("oracle", x, state.oracle_risk),
        across("least squares", x, state.ols_risk),
        *([Points("trained", layer, state.trained_risk, keys=by_layer)] if state.shows_trained else []),
        Points("model", layer, state.built_risk, keys=by_layer),
    ]
    return Panel("layer", x, ERROR, marks)
