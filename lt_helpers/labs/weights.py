"""The weights lab: P and Q of a trained model as heat maps, split into a diagonal and a low-rank part (paper, Fig. 4).

Panels: P and Q of one layer, with the gauge fixed and without the rows that never train; under them the low-rank part that is kept; how
much of them is left out, by rank; and the loss of the model of which, in *every* layer, only those two parts are kept, beside the whole
model's. The colours have the same ends for all matrices of a model.

The loss is half the squared distance to the oracle's weight, as a *median* over 150 sequences: outside its training noise a model explodes
on single ones, and they would rule a mean. The sequences are the same at every noise level; only their noise is scaled.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..evaluate import excess
from ..gauge import canonical
from ..language import Message
from ..lowrank import diagonal_plus_low_rank, share_left
from ..model import LinearTransformer
from ..noise import Noise, parse_noise
from ..task import PAPER
from ..view.panel import Axis, Band, Curve, Guess, Heat, Panel, Path
from .base import Lab
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Slider
from .frozen import Frozen
from .marks import log_axis, up_to
from .material import (
    at_each_noise,
    kind_label,
    stored_kinds,
    stored_model,
    stored_noises,
    table_depths,
    trained_spans,
)

PAIRS = 75  # sequences at each noise level, each with its noise and with the opposite of it
SIGMA_MAX = 8
SIGMAS = np.arange(0.0, SIGMA_MAX + 1)
MOST = 10  # the largest rank that the lab keeps
TOLD_OF = dict(kind="full", noise="categorical-1-3", layers=4, layer=3)  # what the beats are about
LITTLE = 1e-3  # a share of the squares of a matrix that is next to nothing
SAME = 1.5  # losses up to this times as large are about the same
WAYS = {Message(f"weights.choice.{way}"): way for way in ("lower", "same", "higher")}
LARGE = 10  # losses from here on are said without digits after the point

ENTRY = np.arange(1.0, PAPER.dim + 2)  # rows and columns, the label's last
TICKS = dict(ticks=(1, 5, 10, PAPER.dim + 1), labels=("1", "5", "10", "y"))
COLUMN = Axis("column", 0.5, PAPER.dim + 1.5, **TICKS)
ROW = Axis("row", PAPER.dim + 1.5, 0.5, **TICKS)  # from the top
# The axes of rank and noise go on far enough for the names at the lines' ends.
RANK = Axis("rank", -0.3, MOST + 2.5, ticks=(0, 5, 10))
LEFT = log_axis("left", 1e-6, 1.0, (1e-6, 1e-4, 1e-2, 1.0), ("10⁻⁶", "10⁻⁴", "10⁻²", "1"), below="floor")
SIGMA = Axis("sigma", 0, 1.4 * SIGMA_MAX, ticks=(0, 2, 4, 6, 8))
LOSS = log_axis("loss", 1e-3, 1e3, (0.001, 0.1, 10.0, 1000.0), ("10⁻³", "10⁻¹", "10", "10³"))


@dataclass(frozen=True)
class WeightsState(Frozen):
    """Everything that the lab shows at one setting. D = d + 1 = 11."""

    kind: str
    noise: Noise  # what the model was trained on
    layers: int
    layer: int  # whose matrices are shown, from 1
    rank: int  # of what is kept beside the diagonal
    sigma: int
    P: np.ndarray  # (D, D): gauge fixed; NaN in rows that never train
    Q: np.ndarray  # (D, D)
    P_low: np.ndarray  # (D, D): the low-rank part of P
    Q_low: np.ndarray  # (D, D)
    limit: float  # the largest entry of any of the model's matrices
    left: np.ndarray  # (2, rank + 1): share of the squares of P and Q that is left out at each rank so far
    whole: np.ndarray  # (9,): median loss of the whole model at SIGMAS
    kept: np.ndarray  # (9,): of the truncated one
    nothing: np.ndarray  # (9,): of the answer 0


class WeightsLab(Lab):
    """Look at the matrices of a layer; choose how much of them to keep in every layer, and see what the rest was worth.

    WeightsLab(kind="full", noise="categorical-1-3", layers=4, layer=3, rank=0)
    """

    NAME = "weights"
    NO_TASK = Message("task.weights")
    COLUMNS, ROW = 3, 260
    CONTROLS = dict(
        rank=Slider(0, MOST, 1, value=0),
        sigma=Slider(0, SIGMA_MAX, 1, value=1),
        kind=Choice(stored_kinds, "full"),
        noise=Choice(stored_noises, "categorical-1-3"),
        layers=Choice(table_depths, 4, slide=True),
        layer=Choice(lambda layers: range(1, layers + 1), 3, slide=True),
        guess=Prediction(0, MOST, 1),
        way_guess=Opinion(WAYS),
        kind_guess=Opinion({"FULL": "full", "DIAG": "diag"}),
    )
    BEATS = (
        Beat(
            "rank",
            panels=("left",),
            control="rank",
            values=dict(rank=0, sigma=3, **TOLD_OF),
            ask="guess",
            at=dict(rank=4),
            answer=lambda state, begun: int((state.left[0] < LITTLE).argmax()),
            tell=lambda state, begun: dict(diagonal=share(begun.left[0, -1])),
        ),
        Beat(
            "worse",
            panels=("left", "loss"),
            control="rank",
            values=dict(rank=0, sigma=3, **TOLD_OF),
            ask="way_guess",
            at=dict(rank=1),
            answer=lambda state, begun: way(loss_at(begun.kept, begun), loss_at(state.kept, state)),
            tell=lambda state, begun: dict(
                before=loss_at(begun.kept, begun),
                now=loss_at(state.kept, state),
                whole=loss_at(state.whole, state),
            ),
        ),
        Beat(
            "outside",
            panels=("loss",),
            control="sigma",
            others=("kind",),
            values=dict(rank=MOST, sigma=3, **TOLD_OF),
            ask="kind_guess",
            at=dict(sigma=6),
            answer=lambda state, begun: min(("full", "diag"), key=lambda kind: loss_of_kind(kind, state)),
            tell=lambda state, begun: dict(
                full=loss_of_kind("full", state),
                diag=loss_of_kind("diag", state),
                nothing=loss_at(state.nothing, state),
            ),
        ),
    )

    @staticmethod
    def compute(kind, noise, layers, layer, rank, sigma):
        model = kind, noise, layers
        whole = matrices(*model)  # (2, L, D, D)
        _, low = parts(*model, rank)  # (2, L, D, D)
        P, Q = whole[:, layer - 1]
        P_low, Q_low = low[:, layer - 1]

        # Nobody reads the x of the last layer's tokens: the rows that write it never train.
        if layer == layers:
            P, P_low = without_dead_rows(P), without_dead_rows(P_low)

        left = [shares_left(*model, kept)[:, layer - 1] for kept in range(rank + 1)]
        return WeightsState(
            kind=kind,
            noise=parse_noise(noise),
            layers=layers,
            layer=layer,
            rank=rank,
            sigma=sigma,
            P=P,
            Q=Q,
            P_low=P_low,
            Q_low=Q_low,
            limit=abs(whole).max(),
            left=np.stack(left, axis=1),
            whole=whole_loss(*model),
            kept=truncated_loss(*model, rank),
            nothing=loss_of_nothing(),
        )

    @staticmethod
    def panels(state, ghost, guesses):
        rank = dict(rank=state.rank)
        return [
            heat_panel("P", state.P, state, dict(layer=state.layer)),
            heat_panel("Q", state.Q, state, dict(layer=state.layer, limit=state.limit)),
            left_panel(state, guesses["guess"]),
            heat_panel("P_low", state.P_low, state, rank),
            heat_panel("Q_low", state.Q_low, state, rank),
            loss_panel(state),
        ]

    @staticmethod
    def words(state, ghost):
        blank = [Message("weights.blank").on("P", "P_low")] if state.layer == state.layers else []
        matrices_shown = ("P", "Q", "P_low", "Q_low", "left")
        return [what_is_left(state).on(*matrices_shown), losses(state).on("loss"), *blank]


def way(before, after):
    """Is a loss lower than another, about the same, or higher?"""
    if max(before, after) <= SAME * min(before, after):
        return "same"
    return "lower" if after < before else "higher"


def loss_at(losses, state):
    """One of the losses (9,), at the noise that is shown."""
    return losses[int(np.flatnonzero(state.sigma == SIGMAS)[0])]


def loss_of_kind(kind, state):
    """The loss at this noise of the whole model of a kind with the same depth, trained on the same noise."""
    return loss_at(whole_loss(kind, state.noise.key, state.layers), state)


@lru_cache(maxsize=32)
def matrices(kind, noise, layers):
    """P and Q of every layer of a stored model, in its canonical form -> (2, L, D, D)"""
    model = canonical(stored_model(kind, layers, noise))
    return np.stack([model.P[:, 0], model.Q[:, 0]])


@lru_cache(maxsize=256)
def parts(kind, noise, layers, rank):
    """Diagonal and low-rank part of each of the model's matrices, found from those of the rank below -> two arrays (2, L, D, D)"""
    start = parts(kind, noise, layers, rank - 1)[1] if rank else None
    return diagonal_plus_low_rank(matrices(kind, noise, layers), rank, start)


@lru_cache(maxsize=256)
def shares_left(kind, noise, layers, rank):
    """The share of the squares that is left out of each matrix -> (2, L)"""
    diagonal, low = parts(kind, noise, layers, rank)
    return share_left(matrices(kind, noise, layers), diagonal + low)


def without_dead_rows(P):
    """P of the last layer, with all rows but the label's blank -> (D, D)"""
    alive = np.full_like(P, np.nan)
    alive[-1] = P[-1]
    return alive


def median_loss(answer):
    """Median loss of answers to the sequences at each of SIGMAS.    answer : function, Spectrum -> w (B, d)  ->  (9,)"""
    spectrum, _, sigma = at_each_noise(tuple(SIGMAS), PAIRS)
    with np.errstate(over="ignore", invalid="ignore"):
        loss = excess(answer(spectrum) - spectrum.ridge(sigma))  # (B,)
    loss = np.where(np.isfinite(loss), loss, np.inf)
    return np.median(loss.reshape(len(SIGMAS), -1), axis=1)


def loss_of_matrices(P, Q):
    """Median loss at SIGMAS of the model with these matrices.    P, Q : (L, D, D)  ->  (9,)"""
    model = LinearTransformer(P[:, None], Q[:, None], PAPER.context)
    return median_loss(lambda spectrum: model.implicit_weight(spectrum.S))


@lru_cache(maxsize=64)
def whole_loss(kind, noise, layers):
    """Median loss at SIGMAS of the whole model -> (9,)"""
    return loss_of_matrices(*matrices(kind, noise, layers))


@lru_cache(maxsize=256)
def truncated_loss(kind, noise, layers, rank):
    """Median loss at SIGMAS of the model of which only the diagonals and parts of this rank are kept -> (9,)"""
    diagonal, low = parts(kind, noise, layers, rank)
    return loss_of_matrices(*(diagonal + low))


@lru_cache(maxsize=1)
def loss_of_nothing():
    """Median loss at SIGMAS of the answer 0 -> (9,)"""
    return median_loss(lambda spectrum: np.zeros_like(spectrum.alpha))


def what_is_left(state):
    """How much of the layer's matrices is left out."""
    left_P, left_Q = state.left[:, -1]
    return Message(
        "weights.left",
        kind=kind_label(state.kind),
        depth=Message("layers.count", count=state.layers),
        noise=state.noise.label,
        layer=state.layer,
        rank=state.rank,
        P=share(left_P),
        Q=share(left_Q),
    )


def losses(state):
    """The losses of the whole model, of what is kept of it, and of the answer 0, at this noise."""
    return Message(
        "weights.losses",
        sigma=state.sigma,
        variance=state.sigma**2,
        rank=state.rank,
        whole=loss_in_words(loss_at(state.whole, state)),
        kept=loss_in_words(loss_at(state.kept, state)),
        nothing=loss_in_words(loss_at(state.nothing, state)),
    )


def share(left):
    """A share in percent, as far as its axis reaches."""
    return Message("weights.percent", percent=100 * left if left > LEFT.low else 0)


def loss_in_words(loss):
    """A loss, as far as its axis reaches."""
    if loss > LOSS.high:
        return Message("weights.more", limit=LOSS.high)
    return Message("weights.large" if loss >= LARGE else "weights.loss", loss=loss)


def heat_panel(name, matrix, state, values):
    """A matrix as colours, its first row at the top; the ends of the colours are the same for all of a model."""
    heat = Heat("weights", ENTRY, ENTRY, name="matrix", z=matrix, limit=state.limit)
    return Panel(name, COLUMN, ROW, [heat], values)


def left_panel(state, guess):
    """The share of the squares of P and Q that is left out, as far as the rank has come."""
    rank = np.arange(state.rank + 1)
    marks = [
        Path("first", rank, state.left[0], name="P"),
        Path("second", rank, state.left[1], name="Q"),
        Guess(guess, 2 * LEFT.low, grab="guess", along="x"),
    ]
    return Panel("left", RANK, LEFT, marks, ends=True)


def loss_panel(state):
    """Losses by noise level, as far as the noise has come."""
    marks = [
        Band("range", trained_spans(state.noise), keyed=False),
        Curve("nothing", SIGMAS, up_to(state.sigma, SIGMAS, state.nothing)),
        Path("model", SIGMAS, up_to(state.sigma, SIGMAS, state.whole)),
        Path("kept part", SIGMAS, up_to(state.sigma, SIGMAS, state.kept)),
    ]
    return Panel("loss", SIGMA, LOSS, marks, ends=True)
