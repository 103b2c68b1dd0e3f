"""The points lab: twenty points of the plane, and the line that a frozen transformer draws through them. Any point can be dragged.

The inputs and the direction of the noise are made so that the three means that the model reads are the same for every sequence number:
mean x^2 = 1, mean x y = 2, mean y^2 = 4 + sigma^2. Least squares then stays at 2 whatever sigma is, and only the last of the three moves.
Panels: points and lines; those three means; the slope against sigma; and the truth behind many such data sets, against least squares.
"""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from ..implicit import implicit_from_moments
from ..language import Message
from ..noise import Uniform
from ..pretrained import ONE_FEATURE, load_pretrained
from ..task import PAPER, second_moments
from ..view.panel import Axis, Curve, EachPoint, Guess, Guide, Panel, Points
from .base import Lab
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Seed, Slider, Spots
from .frozen import Frozen
from .marks import held, up_to, upright

SLOPE = 2.0  # of least squares, at any noise
SIGMA_MAX = 5.0
TRAINED = Uniform(5.0)  # the noise in the models' training
SIGMAS = np.linspace(0.0, SIGMA_MAX, 51)
ASKED = 4.0  # the noise at which the beats ask
TOP = 12.0  # how high the point in the middle is pulled
DRAWS, DRAWN = 40_000, 400  # data sets, and how many of them are drawn
BINS = np.arange(-4.125, 4.2, 0.25)  # of the least-squares slope; one of them lies about SLOPE
FEWEST = 50  # data sets in a bin whose mean is drawn
SEEN = 0.05  # a change of slope that can be seen
FAR = 1.0  # how far from its place a point has been moved, and not just touched
X = Axis("x", -3.0, 3.0)
Y = Axis("y", -10.0, 13.0)
READ = Axis("mean", 0.0, 30.0)
NUMBER = Axis(
    "number",
    0.4,
    3.6,
    ticks=(1, 2, 3),
    labels=tuple(Message(f"points.tick.{name}") for name in ("xx", "xy", "yy")),
)
NOISE = Axis("sigma", 0.0, SIGMA_MAX)
HEIGHT = Axis("slope", 0.0, 3.0)
FITTED = Axis("fitted", -4.0, 4.0)
TRUE = Axis("true", -3.0, 3.0)

WAYS = {Message(f"points.choice.{way}"): way for way in ("steeper", "flatter", "same")}
MEANS = {Message(f"points.choice.{name}"): value for name, value in (("two", 2), ("half", 1.5), ("one", 1))}


@dataclass(frozen=True)
class PointsState(Frozen):
    """Everything that the lab shows at one setting."""

    sigma: float
    x: np.ndarray  # (20,), ascending but for what was dragged
    y: np.ndarray  # (20,)
    middle: int  # the index of the point that lies at x = 0 by itself
    travel: float  # how far a hand has moved one of the others, at most
    read: np.ndarray  # (3,): means of x^2, x y and y^2
    at_rest: np.ndarray  # (3,): the same before anything was dragged
    fitted: float  # the slope of least squares
    slope: float  # of the model's line
    slope_at_rest: float  # before anything was dragged
    trail: np.ndarray  # (51,): the slope at SIGMAS, with nothing dragged
    fits: np.ndarray  # (400,): least-squares slopes of other data sets at this noise
    truths: np.ndarray  # (400,): their true slopes
    centres: np.ndarray  # (33,): of the bins
    means: np.ndarray  # (33,): the mean true slope in each bin, NaN where there are few


@lru_cache(maxsize=128)
def twenty(seed):
    """Twenty inputs, ascending, and a direction of the noise that least squares does not see.

    Parameters
    ----------
    seed : int.

    Returns
    -------
    x, xi : (20,) arrays.  Mean x^2 = 1, mean x xi = 0, mean xi^2 = 1.
    middle : int.  The index of the point with x = 0 and xi = 0.
    """
    rng = np.random.default_rng(seed)
    x = np.sort(np.append(rng.normal(size=PAPER.context - 1), 0.0))
    x /= np.sqrt((x**2).mean())  # mean x^2 = 1
    middle = int(np.flatnonzero(x == 0)[0])

    noise = rng.normal(size=PAPER.context)
    noise[middle] = 0.0
    noise -= (noise * x).mean() * x  # mean x xi = 0
    noise /= np.sqrt((noise**2).mean())  # mean xi^2 = 1
    return x, noise, middle


@cache
def line_model(kind):
    """The stored model of one feature -> LinearTransformer"""
    return load_pretrained(kind, 4, TRAINED, folder=ONE_FEATURE)


def slopes(model, S):
    """The slopes of a model's lines.    S (B, 2, 2) -> (B,)"""
    return implicit_from_moments(model, S).w[:, -1, 0]


@cache
def data_sets():
    """Truths and noises of many data sets, as standard normal numbers -> two arrays, (40000,) each"""
    return np.random.default_rng(0).normal(size=(2, DRAWS))


@lru_cache(maxsize=64)
def truths_behind(sigma):
    """Many data sets with mean x^2 = 1, whose true slopes come from N(0, 1), as in training.

    Parameters
    ----------
    sigma : number.

    Returns
    -------
    fitted, truth : (40000,) arrays.  The least-squares slopes, and the true ones.
    means : (33,) array.  The mean truth in each of BINS; NaN where there are few data sets.
    """
    truth, noise = data_sets()
    fitted = truth + sigma / np.sqrt(PAPER.context) * noise  # (40000,)
    place = np.digitize(fitted, BINS) - 1
    inside = (place >= 0) & (place < len(BINS) - 1)
    count = np.bincount(place[inside], minlength=len(BINS) - 1)  # (33,)
    total = np.bincount(place[inside], truth[inside], minlength=len(BINS) - 1)
    means = np.where(count >= FEWEST, total / np.maximum(count, 1), np.nan)
    return fitted, truth, means


class PointsLab(Lab):
    """Drag points; watch the line of a frozen transformer move.

    PointsLab(sigma=2.0, kind="gd++")
    """

    NAME = "points"
    NO_TASK = Message("task.points")
    GHOST = True
    CONTROLS = dict(
        sigma=Slider(0.0, SIGMA_MAX, 0.1, value=1.0),
        kind=Choice({"DIAG": "diag", "GD++": "gd++"}, "diag"),
        moved=Spots((X.low, Y.low), (X.high, Y.high), 0.5, count=PAPER.context - 1),
        lifted=Spots((0.0, Y.low), (0.0, TOP), 0.5),
        pull_guess=Opinion(WAYS),
        slope_guess=Prediction(0.0, 3.0, 0.05),
        truth_guess=Opinion(MEANS),
        other_guess=Opinion(WAYS),
        seed=Seed(11),
    )
    BEATS = (
        Beat(
            "drag",
            panels=("scatter",),
            hands=("moved",),
            when=lambda values, state: state.travel >= FAR,
            tell=lambda state, begun: dict(line=followed(begun, state)),
        ),
        Beat(
            "pull",
            panels=("scatter", "read"),
            ask="pull_guess",
            hands=("lifted",),
            values=dict(sigma=1.0, kind="diag", seed=11),
            when=lambda values, state: state.y[state.middle] >= TOP - 0.5,
            answer=lambda state, begun: turn(begun.slope, state.slope),
            tell=lambda state, begun: dict(
                before=begun.slope,
                after=state.slope,
                fitted=state.fitted,
                low=begun.read[2],
                high=state.read[2],
            ),
        ),
        Beat(
            "noise",
            panels=("scatter", "slope"),
            control="sigma",
            values=dict(sigma=1.0, kind="diag", seed=11),
            ask="slope_guess",
            at=dict(sigma=ASKED),
            answer=lambda state, begun: state.slope,
            tell=lambda state, begun: dict(fitted=state.fitted),
        ),
        Beat(
            "wise",
            panels=("many",),
            control="sigma",
            values=dict(sigma=1.0, kind="diag", seed=11),
            ask="truth_guess",
            at=dict(sigma=ASKED),
            answer=lambda state, begun: min(MEANS.values(), key=lambda mean: abs(mean - mean_truth(state))),
            tell=lambda state, begun: dict(mean=mean_truth(state), slope=state.slope),
        ),
        Beat(
            "gdpp",
            panels=("scatter", "slope"),
            control="sigma",
            values=dict(sigma=1.0, kind="gd++", seed=11),
            ask="other_guess",
            at=dict(sigma=ASKED),
            answer=lambda state, begun: turn(begun.slope, state.slope),
            tell=lambda state, begun: dict(slope=state.slope, mean=np.sqrt(TRAINED.mean_square)),
        ),
    )

    @staticmethod
    def compute(sigma, kind, moved, lifted, seed):
        x, noise, middle = twenty(seed)
        y = SLOPE * x + sigma * noise  # (20,)
        at_rest = second_moments(x[None, :, None], y[None])  # (1, 2, 2)

        rest = np.stack([x, y])  # (2, 20)
        x, y = dragged(x, y, middle, moved, lifted)
        S = second_moments(x[None, :, None], y[None])  # (1, 2, 2)
        model = line_model(kind)
        fits, truths, means = truths_behind(sigma)
        return PointsState(
            sigma=sigma,
            x=x,
            y=y,
            middle=middle,
            travel=abs(np.delete(rest - [x, y], middle, axis=1)).max(),
            read=three(S[0]),
            at_rest=three(at_rest[0]),
            fitted=S[0, 0, 1] / S[0, 0, 0] if S[0, 0, 0] else 0.0,
            slope=slopes(model, S)[0],
            slope_at_rest=slopes(model, at_rest)[0],
            trail=slopes(model, moments_at(SIGMAS)),
            fits=fits[:DRAWN],
            truths=truths[:DRAWN],
            centres=(BINS[1:] + BINS[:-1]) / 2,
            means=means,
        )

    @staticmethod
    def panels(state, ghost, guesses):
        return [
            scatter_panel(state, ghost),
            read_panel(state),
            slope_panel(state, guesses["slope_guess"]),
            many_panel(state),
        ]

    @staticmethod
    def words(state, ghost):
        return [lines(state), reading(state), behind(state)]


def dragged(x, y, middle, moved, lifted):
    """The points where a hand has put them.

    Parameters
    ----------
    x, y : (20,) arrays.
    middle : int.  The index of the point in the middle.
    moved : tuple of (index, x, y).  The index is that among the other points.
    lifted : tuple of (0, 0, y), at most one.  Of the point in the middle.

    Returns
    -------
    x, y : (20,) arrays.
    """
    x, y = x.copy(), y.copy()
    others = np.delete(np.arange(len(x)), middle)  # (19,)
    for index, at_x, at_y in moved:
        x[others[index]], y[others[index]] = at_x, at_y
    for _, _, at_y in lifted:
        y[middle] = at_y
    return x, y


def three(S):
    """The three numbers of a matrix of moments: means of x^2, x y and y^2."""
    return np.array([S[0, 0], S[0, 1], S[1, 1]])


def moments_at(sigma):
    """The moments of the twenty points before any is dragged.    sigma (B,) -> (B, 2, 2)"""
    S = np.empty((len(sigma), 2, 2))
    S[:, 0, 0] = 1.0
    S[:, 0, 1] = S[:, 1, 0] = SLOPE
    S[:, 1, 1] = SLOPE**2 + sigma**2
    return S


def turn(before, after):
    """How a line has turned, as an option of WAYS."""
    if abs(abs(after) - abs(before)) < SEEN:
        return "same"
    return "flatter" if abs(after) < abs(before) else "steeper"


def followed(begun, state):
    """How far a dragged point has moved both lines, and why the model's has less of the best fit, where it has -> Message"""
    if not np.isfinite(state.slope):
        return Message("points.explodes", fitted=state.fitted)
    slopes = dict(
        fitted_before=begun.fitted, fitted=state.fitted, model_before=begun.slope, model=state.slope
    )
    before, now = kept(begun), kept(state)
    if 0 < now < before - SEEN and left_over(state) > left_over(begun):
        return Message("points.line_doubts", **slopes, kept_before=before, kept=now)
    if max(abs(state.slope - begun.slope), abs(state.fitted - begun.fitted)) < SEEN:
        return Message("points.line_is_back", **slopes)
    return Message("points.line_followed", **slopes)


def kept(state):
    """The share of the least-squares slope that the model's line has; NaN where that slope is nearly 0."""
    return state.slope / state.fitted if abs(state.fitted) >= SEEN else np.nan


def left_over(state):
    """The mean square of what the best-fitting line leaves of the labels."""
    _, xy, yy = state.read
    return yy - state.fitted * xy


def mean_truth(state):
    """The mean truth of the data sets for which least squares says SLOPE."""
    return state.means[abs(state.centres - SLOPE).argmin()]


def lines(state):
    """The two slopes."""
    if not np.isfinite(state.slope):
        return Message("points.explodes", fitted=state.fitted).on("scatter", "slope")
    return Message("points.lines", fitted=state.fitted, slope=state.slope).on("scatter", "slope")


def reading(state):
    """What the model reads."""
    xx, xy, yy = state.read
    return Message("points.reads", xx=xx, xy=xy, yy=yy).on("read")


def behind(state):
    """What the truth is where least squares says 2."""
    return Message("points.behind", sigma=state.sigma, mean=mean_truth(state), fitted=SLOPE).on("many")


def line(role, slope, name=None, keyed=True):
    """A line through the origin, as far as it stays in the picture."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.clip(np.array([Y.low, Y.high]) / slope, X.low, X.high) if slope else (X.low, X.high)
    left, right = sorted(ends)
    return Curve(role, [left, right], [slope * left, slope * right], name=name, keyed=keyed, hover="")


def scatter_panel(state, ghost):
    """The points, and the lines through them."""
    others = np.delete(np.arange(len(state.x)), state.middle)
    marks = [
        Guide("zero", [X.low, X.high], [0.0, 0.0]),
        *([] if ghost is None else [line("ghost", ghost.slope)]),
        line("least squares", state.fitted),
        line("model", state.slope),
        Points("example", state.x[others], state.y[others], grab="moved", along="xy", hover="point"),
        Points(
            "third",
            state.x[state.middle],
            state.y[state.middle],
            name="middle",
            grab="lifted",
            along="xy",
            hover="point",
        ),
    ]
    return Panel("scatter", X, Y, marks)


def read_panel(state):
    """The three numbers that the model reads, and what they were before anything was dragged."""
    place = np.array([1.0, 2.0, 3.0])
    marks = [
        held(place, state.at_rest, name="at rest", keyed=True),
        EachPoint("model", place, state.read, name="read", roles=("first", "first", "noise")),
    ]
    return Panel("read", NUMBER, READ, marks)


def slope_panel(state, guess):
    """The slope of both lines against the noise, as far as it has been slid."""
    reached = up_to(state.sigma, SIGMAS, state.trail)
    level = up_to(state.sigma, SIGMAS, np.full(len(SIGMAS), SLOPE))
    marks = [
        Curve("least squares", SIGMAS, level, name="fits"),
        Curve("sequence", SIGMAS, reached, name="trail", keyed=False),
        Points("model", state.sigma, state.slope),
        Guess(ASKED, guess, grab="slope_guess"),
    ]
    return Panel("slope", NOISE, HEIGHT, marks)


def many_panel(state):
    """The truths of many data sets against what least squares makes of them, and the model's line among them."""
    marks = [
        Guide("diagonal", [TRUE.low, TRUE.high], [TRUE.low, TRUE.high]),
        upright(SLOPE, TRUE, "two"),
        Points("draws", state.fits, state.truths, name="sets", beyond="gap", hover=""),
        Curve("oracle", state.centres, state.means, name="means"),
        Points("model", state.fitted, state.slope),
    ]
    return Panel("many", FITTED, TRUE, marks)
