"""The implicit lab: what every layer holds, for a trained model or for one with random weights.

The sequence is fixed: truth, inputs and the direction of the noise stay while sigma slides. Panels: the implicit weight after each layer,
row by row, down to the oracle's and the truth (Theorem 4.1); its distance to both; the other parts of the state, M, u and a; and the
model's answers to other queries, computed from tokens, against what the implicit weight says they must be.
"""

from dataclasses import dataclass

import numpy as np

from ..implicit import implicit_from_moments
from ..language import Message
from ..model import LinearTransformer, attend
from ..noise import parse_noise
from ..pretrained import stored_layers
from ..task import PAPER
from ..view.panel import Axis, Guess, Guide, Heat, Panel, Path, Points
from .base import Lab
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Seed, Slider
from .frozen import Frozen
from .marks import COMPONENT, layer_axis
from .material import KINDS, TABLE_DEPTH, depths, sequence, stored_model

QUERIES = 12
TRAINED_ON = "uniform-5"
MODELS = {Message("implicit.choice.trained", kind=label): kind for label, kind in KINDS.items()} | {
    Message("implicit.choice.random", kind="FULL"): "random"
}
WAYS = {Message("implicit.choice.always"): "always", Message("implicit.choice.sometimes"): "sometimes"}
LINES = {Message("implicit.choice.on line"): "on line", Message("implicit.choice.off line"): "off line"}
LABELS = {Message("implicit.choice.moves"): "moves", Message("implicit.choice.rests"): "rests"}
TOLD_OF = dict(model="diag", heads=1, layers=4, sigma=0.5, seed=66)  # what the beats are about
ROUNDING = 1e-9
STEADY = 0.01  # a share, or a distance, that moves by less stays
SLOW = 0.1  # a distance that moves by less hardly moves
NEAR = 0.25  # distances that differ by less are alike: a step of the prediction

LAYER = layer_axis(TABLE_DEPTH)
DISTANCE = Axis("distance", 0.0, 6.0)
SIZE = Axis("size", 0.0, 2.5)
FORETOLD, ANSWER = Axis("foretold", -8.0, 8.0), Axis("answer", -8.0, 8.0)


@dataclass(frozen=True)
class ImplicitState(Frozen):
    """Everything that the lab shows at one setting. L layers, d = 10 components, 12 queries."""

    sigma: float
    trained: bool  # or has the model random weights?
    path: np.ndarray  # (L+1, d): the implicit weight before the first and after each layer
    oracle: np.ndarray  # (d,): ridge regression that is told sigma
    truth: np.ndarray  # (d,)
    to_truth: np.ndarray  # (L+1,): distances of the implicit weight
    to_oracle: np.ndarray  # (L+1,)
    M_moved: np.ndarray  # (L+1,): |M - I| / sqrt(d), root of the mean square over rows
    u_length: np.ndarray  # (L+1,)
    a: np.ndarray  # (L+1,)
    answers: np.ndarray  # (12,): of the model, through attention over tokens
    foretold: np.ndarray  # (12,): <w^L, x>


def model_of(model, heads, layers):
    """A stored model, or one with random weights: as much in all, whatever the depth and the number of heads, and rarely too much."""
    if model != "random":
        return stored_model(model, layers, TRAINED_ON, heads)
    scale = np.sqrt(0.04 / layers / np.sqrt(heads))
    rng = np.random.default_rng([layers, heads])
    return LinearTransformer.random("full", PAPER.dim, layers, heads, rng, scale)


def heads_of(model):
    """The numbers of heads that the lab offers for a model."""
    noise = parse_noise(TRAINED_ON)
    return [heads for heads in (1, 2, 3) if model == "random" or stored_layers(model, noise, heads)]


def depths_of(model, heads):
    """The depths that the lab offers for a model."""
    return range(1, TABLE_DEPTH + 1) if model == "random" else depths(model, TRAINED_ON, heads=heads)


class ImplicitLab(Lab):
    """Choose a model, slide depth and noise, and watch the weight that each layer keeps go from 0 to the truth, or elsewhere.

    ImplicitLab(model="diag", layers=4, sigma=1.0)
    """

    NAME = "implicit"
    NO_TASK = Message("task.implicit")
    ROW = 230
    CONTROLS = dict(
        model=Choice(MODELS, "diag"),
        heads=Choice(heads_of, 1),
        layers=Choice(depths_of, 4, slide=True),
        sigma=Slider(0.0, 5.0, 0.1, value=0.5),
        guess=Prediction(0.0, 6.0, 0.25),
        way_guess=Opinion(WAYS),
        line_guess=Opinion(LINES),
        label_guess=Opinion(LABELS),
        seed=Seed(),
    )
    BEATS = (
        Beat(
            "rows",
            panels=("weight",),
            control="layers",
            values=TOLD_OF,
            ask="way_guess",
            at=dict(layers=7),
            answer=lambda state, begun: whether_all(state) if begun.trained else None,
            tell=lambda state, begun: dict(
                gains=gains(state), start=state.to_truth[0], end=state.to_truth[-1]
            ),
        ),
        Beat(
            "noise",
            panels=("weight", "distance"),
            control="sigma",
            values=TOLD_OF,
            ask="guess",
            at=dict(sigma=4.0),
            answer=lambda state, begun: within(DISTANCE, state.to_truth[-1]),
            tell=lambda state, begun: dict(before=begun.to_truth[-1], oracle=beside_oracle(state)),
        ),
        Beat(
            "random",
            panels=("distance", "answer"),
            control="model",
            values=TOLD_OF,
            ask="line_guess",
            at=dict(model="random"),
            answer=lambda state, begun: on_line(state),
            tell=lambda state, begun: dict(gap=max(gaps(state).max(), 1e-16), end=state.to_truth[-1]),
        ),
        Beat(
            "label",
            panels=("distance", "parts"),
            control="model",
            values=TOLD_OF,
            ask="label_guess",
            at=dict(model="gd++"),
            answer=lambda state, begun: share(state) if share(begun) == "moves" else None,
            tell=lambda state, begun: dict(a=state.a[-1], u=state.u_length.max()),
        ),
    )

    @staticmethod
    @np.errstate(over="ignore", invalid="ignore")  # a model with random weights may grow beyond all numbers
    def compute(model, heads, layers, sigma, seed):
        shown = sequence(seed, queries=QUERIES)
        transformer = model_of(model, heads, layers)
        state = implicit_from_moments(transformer, shown.moments(sigma))
        w = state.w[0]  # (L+1, d)
        moved = state.M[0] - np.eye(PAPER.dim)  # (L+1, d, d)
        oracle = shown.spectrum(sigma).ridge([sigma])[0]  # (d,)

        # Attention reads the context once for each query.
        x = np.broadcast_to(shown.x, (QUERIES, *shown.x.shape))  # (12, n, d)
        y = np.broadcast_to(shown.labels(sigma), (QUERIES, PAPER.context))  # (12, n)
        return ImplicitState(
            sigma=sigma,
            trained=model != "random",
            path=w,
            oracle=oracle,
            truth=shown.truth,
            to_truth=np.linalg.norm(w - shown.truth, axis=1),
            to_oracle=np.linalg.norm(w - oracle, axis=1),
            M_moved=np.linalg.norm(moved, axis=(1, 2)) / np.sqrt(PAPER.dim),
            u_length=np.linalg.norm(state.u[0], axis=1),
            a=state.a[0],
            answers=attend(transformer.P, transformer.Q, x, y, shown.queries),
            foretold=shown.queries @ w[-1],
        )

    @staticmethod
    def panels(state, ghost, guesses):
        return [
            weight_panel(state),
            distance_panel(state, guesses["guess"]),
            parts_panel(state),
            answer_panel(state),
        ]

    @staticmethod
    def words(state, ghost):
        setting = Message(
            "implicit.setting",
            sigma=state.sigma,
            squared=state.sigma**2,
            layers=Message("layers.count", count=len(state.path) - 1),
        )
        if not np.isfinite([state.to_truth[-1], *state.answers]).all():
            return [Message("implicit.unbounded", setting=setting)]
        return [way(state, setting).on("weight", "distance"), agreement(state).on("answer")]


def no_nearer(state, gain=STEADY):
    """The layers after which the weight is not nearer to the truth than before, by so much that a learner sees it -> list of int"""
    gained = -np.diff(state.to_truth)  # (L,)
    return [int(layer) for layer in np.flatnonzero(gained < gain) + 1]


def whether_all(state):
    """Does every layer bring the weight nearer? -> an option of WAYS"""
    return "sometimes" if no_nearer(state) else "always"


def gains(state):
    """Which layers bring the weight no nearer to the truth, and which hardly -> Message"""
    none = no_nearer(state)
    hardly = [layer for layer in no_nearer(state, SLOW) if layer not in none]
    if not none:
        return Message("implicit.all_nearer")
    before, after = state.to_truth[none[0] - 1 : none[0] + 1]
    said = Message(
        "implicit.no_nearer",
        layers=list(map(str, none)),
        count=len(none),
        first=none[0],
        before=before,
        after=after,
    )
    if not hardly:
        return said
    more = Message("implicit.hardly", layers=list(map(str, hardly)), count=len(hardly), slow=SLOW)
    return Message("implicit.no_nearer_or_hardly", none=said, hardly=more)


def beside_oracle(state):
    """How far the oracle is from the truth, where the weight has ended -> Message"""
    ridge = np.linalg.norm(state.oracle - state.truth)
    is_alike = abs(ridge - state.to_truth[-1]) < NEAR
    return Message("implicit.oracle_too" if is_alike else "implicit.oracle_alone", ridge=ridge)


def within(axis, value):
    """A value that can be predicted; None: it lies beyond the axis, or is no number."""
    return value if axis.low <= value <= axis.high else None


def on_line(state):
    """Are the answers those that the weight foretells? -> an option of LINES; None where they grow beyond all numbers"""
    largest = gaps(state).max()
    if not np.isfinite(largest):
        return None
    return "on line" if largest < ROUNDING else "off line"


def share(state):
    """Does the share of the own label move? -> an option of LABELS"""
    return "moves" if abs(state.a - 1).max() > STEADY else "rests"


def gaps(state):
    """How far the answers are from what the weight foretells, in units of them where they are large -> (12,)"""
    return abs(state.answers - state.foretold) / np.maximum(1, abs(state.foretold))


def way(state, setting):
    """From where to where the weight goes."""
    start, end, apart = map(distance, (state.to_truth[0], state.to_truth[-1], state.to_oracle[-1]))
    return Message("implicit.way", setting=setting, start=start, end=end, apart=apart)


def distance(value):
    """A distance as a number, as long as it says more than that it is large."""
    return Message("implicit.distance", distance=value) if value < 100 else Message("implicit.far")


def agreement(state):
    """How far the answers are from what the implicit weight foretells."""
    count, largest = len(state.answers), gaps(state).max()
    if largest < ROUNDING:
        return Message("implicit.equal", count=count)
    return Message("implicit.nearly_equal", count=count, gap=largest)


def weight_panel(state):
    """The weight after each layer as a row, from the top, then the oracle's and the truth."""
    rows = np.vstack([state.truth, state.oracle, state.path[::-1]])  # from below
    row = np.arange(float(len(rows)))
    names = [f"w<sup>{layer}</sup>" for layer in reversed(range(len(state.path)))]
    labels = (Message("implicit.row.truth"), Message("implicit.row.oracle"), *names)
    x = Axis("component", 0.5, PAPER.dim + 0.5, ticks=tuple(range(1, PAPER.dim + 1)))
    y = Axis("", -0.5, TABLE_DEPTH + 2.5, ticks=tuple(row), labels=labels)
    return Panel("weight", x, y, [Heat("weights", COMPONENT, row, z=rows, limit=2.5, hover="weight")])


def distance_panel(state, guess):
    """How far the weight is from truth and oracle, layer by layer."""
    layer = np.arange(len(state.path))
    marks = [
        Path("truth", layer, state.to_truth, keys=dict(layer=layer)),
        Path("oracle", layer, state.to_oracle, keys=dict(layer=layer)),
        Guess(layer[-1], guess, grab="guess"),
    ]
    return Panel("distance", LAYER, DISTANCE, marks)


def parts_panel(state):
    """The other parts of the state, layer by layer."""
    layer = np.arange(len(state.path))
    marks = [
        Path("first", layer, abs(state.a), name="a", keys=dict(layer=layer)),
        Path("second", layer, state.u_length, name="u", keys=dict(layer=layer)),
        Path("third", layer, state.M_moved, name="M", keys=dict(layer=layer)),
    ]
    return Panel("parts", LAYER, SIZE, marks)


def answer_panel(state):
    """The answers from tokens against those that the weight foretells."""
    marks = [
        Guide("diagonal", [FORETOLD.low, FORETOLD.high], [ANSWER.low, ANSWER.high]),
        Points("model", state.foretold, state.answers, name="queries", values=dict(count=len(state.answers))),
    ]
    return Panel("answer", FORETOLD, ANSWER, marks)
