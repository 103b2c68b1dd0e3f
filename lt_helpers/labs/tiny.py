"""The tiny lab: four examples of one feature as points of the plane, the three means that a layer reads of them, and what it does to them.

A token is a point (x, y), and the query is (x, 0). The layer has P = diag(0, 1) and Q = diag(-step, 0), so it moves every point by
y <- y - step alpha x: it shears the cloud, and pushes the query down by its answer (eq. 3). Three contexts share their inputs. "A" and "A'"
differ in the mean of y^2 alone; "B" shares that mean with "A".
"""

from dataclasses import dataclass

import numpy as np

from ..language import Message
from ..model import layer_update
from ..view.panel import Axis, Curve, EachPoint, Guess, Guide, Panel, Points
from . import running_example
from .base import Lab
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Slider, Spots, Toggle
from .frozen import Frozen

LABELS = dict(zip(("A", "A'", "B"), running_example.LABELS, strict=True))  # A' as a keyboard has it
QUERY = 2.0
X = Axis("x", -3.2, 3.2)
Y = Axis("y", -9.0, 6.0)
MEANS = ("sigma", "alpha", "v")  # the blocks of S
NUMBER = Axis(
    "number",
    0.4,
    3.6,
    ticks=(1, 2, 3),
    labels=tuple(Message(f"tiny.tick.{name}") for name in MEANS),
)
SIZE = Axis("mean", 0.0, 10.0)
BLOCKS = {Message(f"tiny.choice.{name}"): name for name in MEANS}
WHERE = {Message(f"tiny.choice.{name}"): name for name in ("same", "higher", "lower")}


@dataclass(frozen=True)
class TinyState(Frozen):
    """Everything that the lab shows at one setting."""

    tokens: np.ndarray  # (n, 2): before the layer
    after: np.ndarray  # (n, 2)
    query: np.ndarray  # (2,)
    query_after: np.ndarray  # (2,)
    four_after: (
        np.ndarray
    )  # (2,): where it goes with the four examples, whether or not two tokens stand for them
    means: np.ndarray  # (3,): of x^2, x y and y^2

    @property
    def answer(self):
        """Minus the last coordinate of the query."""
        return 0.0 - self.query_after[1]


def made_up(tokens):
    """Two tokens with the same second moments.    tokens (n, 2) -> (2, 2)"""
    R = np.linalg.qr(tokens)[1]  # (2, 2), R^T R = the sum of e e^T
    return R * np.sqrt(len(R) / len(tokens))


class TinyLab(Lab):
    """Slide a layer's step; watch it shear four points, and push the query down by its answer.

    TinyLab(example="A'", step=0.5)
    """

    NAME = "tiny"
    NO_TASK = Message("task.tiny")
    CONTROLS = dict(
        example=Choice(tuple(LABELS), "A"),
        step=Slider(0.0, 1.5, 0.05, value=0.0),
        two=Toggle(False),
        query=Spots((-3.0, 0.0), (3.0, 0.0), 0.5),
        end_guess=Prediction(-8.0, 4.0, 0.5),
        block_guess=Opinion(BLOCKS),
        two_guess=Opinion(WHERE),
    )
    BEATS = (
        Beat(
            "shear",
            panels=("tokens",),
            control="step",
            values=dict(example="A", step=0.0, two=False),
            ask="end_guess",
            at=dict(step=1.0),
            answer=lambda state, begun: state.query_after[1],
            tell=lambda state, begun: dict(
                answers=state.answer, x=state.query[0], slope=state.means[1] / state.means[0]
            ),
        ),
        Beat(
            "copy",
            panels=("tokens", "read"),
            control="example",
            values=dict(example="A", step=1.0, two=False),
            ask="block_guess",
            at=dict(example="A'"),
            answer=lambda state, begun: MEANS[int(abs(state.means - begun.means).argmax())],
            tell=lambda state, begun: dict(before=begun.means[2], after=state.means[2], answers=state.answer),
        ),
        Beat(
            "two",
            panels=("read", "tokens"),
            control="two",
            others=("example",),
            values=dict(example="A", step=1.0, two=False),
            ask="two_guess",
            at=dict(two=True),
            answer=lambda state, begun: compare(state.four_after[1], state.query_after[1]),
            tell=lambda state, begun: dict(answers=state.answer),
        ),
    )

    @staticmethod
    def compute(example, step, two, query):
        four = np.column_stack([running_example.X, LABELS[example]])  # (4, 2)
        tokens = made_up(four) if two else four
        asked = np.array([query[0][1] if query else QUERY, 0.0])  # (2,)

        S = tokens.T @ tokens / len(tokens)  # (2, 2)
        update = update_of(tokens, step)  # (2, 2)
        return TinyState(
            tokens=tokens,
            after=tokens + tokens @ update.T,
            query=asked,
            query_after=asked + update @ asked,
            four_after=asked + update_of(four, step) @ asked,
            means=np.array([S[0, 0], S[0, 1], S[1, 1]]),
        )

    @staticmethod
    def panels(state, ghost, guesses):
        return [tokens_panel(state, guesses["end_guess"]), read_panel(state)]

    @staticmethod
    def words(state, ghost):
        x, y = state.query_after
        xx, xy, yy = state.means
        return [
            Message("tiny.goes", x=x, y=y, answer=state.answer).on("tokens"),
            Message("tiny.reads", xx=xx, xy=xy, yy=yy).on("read"),
        ]


def update_of(tokens, step):
    """What the layer adds to each token e, P S Q e -> (2, 2)"""
    S = tokens.T @ tokens / len(tokens)  # (2, 2)
    P = np.diag([0.0, 1.0])
    Q = np.diag([-step, 0.0])
    return layer_update(P[None], Q[None], S[None])[0]


def compare(before, after):
    """Where something ends, beside where it ended before, as an option of WHERE."""
    if abs(after - before) < 1e-9:
        return "same"
    return "higher" if after > before else "lower"


def links(before, after):
    """Lines from each point to where it has gone, with gaps between them -> x, y"""
    gap = np.full(len(before), np.nan)
    ends = np.stack([before, after, np.stack([gap, gap], axis=1)], axis=1)  # (n, 3, 2)
    return ends[..., 0].ravel(), ends[..., 1].ravel()


def tokens_panel(state, guess):
    """The tokens and the query, before the layer and after it."""
    x, y = links(np.vstack([state.tokens, state.query]), np.vstack([state.after, state.query_after]))
    marks = [
        Guide("zero", [X.low, X.high], [0.0, 0.0]),
        Curve("contour", x, y, name="moves", keyed=False, hover=""),
        Points("ghost", *state.tokens.T, name="before", hover="point"),
        Points("example", *state.after.T, name="after", hover="point"),
        EachPoint(
            "second",
            *state.query,
            name="query",
            roles=("second",),
            hollow=True,
            grab="query",
            along="xy",
            hover="point",
        ),
        Points("second", *state.query_after, name="query after", hover="point"),
        Guess(state.query[0], guess, grab="end_guess"),
    ]
    return Panel("tokens", X, Y, marks)


def read_panel(state):
    """The three means that the layer reads."""
    roles = ("first", "second", "noise")
    marks = [EachPoint("model", [1.0, 2.0, 3.0], state.means, name="read", keyed=False, roles=roles)]
    return Panel("read", NUMBER, SIZE, marks)
