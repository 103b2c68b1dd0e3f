"""The table lab: the paper's Table 1 beside ours, and what a trained model knows after each of its layers.

Choose a cell of the table. Panels: its column, loss by depth at one noise, with error bars on both sides (paper, Fig. 1 and Table 1); the
differences of that column in standard errors; its row, the same depth at all ten noises; and the error after each layer of the model, which
is frozen, at a few noise levels (paper, Fig. 5 and 7).

The paper prints no standard errors. They are computed here for its way of evaluating, 100,000 sequences with one query each, from our
model of the same cell.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..baselines import on_spectrum, stored_losses
from ..evaluate import excess
from ..implicit import implicit_from_moments
from ..language import Message
from ..noise import PAPER_NOISES, Fixed, Noise, Uniform, parse_noise
from ..pretrained import origin, record
from ..spectrum import Spectrum
from ..table1 import BASELINES, deviation, paper_table
from ..task import PAPER, RegressionTask
from ..view.panel import Axis, Band, Bars, Curve, Guess, Panel, Path, Points, Ring, Ticks
from .base import Lab
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Slider
from .frozen import Frozen
from .marks import layer_axis, level, log_axis
from .material import TABLE_DEPTH, kind_label, stored_kinds, stored_model, table_depths

DEPTHS = tuple(range(1, TABLE_DEPTH + 1))
LEVELS = (0.0, 1.0, 3.0, 5.0)  # noises at which a model is followed through its layers, beside the slider's
ERROR_SEQUENCES, LAYER_SEQUENCES = 250, 200
PAPER_QUERIES = 100_000  # of the paper's evaluation, each on a sequence of its own
HUGE = 1e9  # stands for what is not finite
UNSTEADY = 0.1  # a standard error above this share of a loss rests on a few sequences
LUCK = 2.0  # standard errors
PLACES = {Message(f"table.choice.{place}"): place for place in ("lower", "luck", "higher")}
SHIFT = 0.1  # of ours to the left and of the paper's to the right, so that both are seen
ROOM = 0.5  # left and right of the depths on their axis
LOSS = log_axis("loss", 1e-3, 3.0, (0.001, 0.01, 0.1, 1), ("0.001", "0.01", "0.1", "1"))
APART = Axis("apart", -12.0, 12.0)
ERROR = log_axis("error", 1e-3, 1e2, (0.001, 0.01, 0.1, 1, 10, 100))
COLUMN = Axis("layers", DEPTHS[0] - ROOM, DEPTHS[-1] + ROOM, ticks=DEPTHS)
BESIDE = ("beside first", "beside second", "beside third", "beside fourth")  # how LEVELS look


@dataclass(frozen=True)
class TableState(Frozen):
    """Everything that the lab shows at one setting. A column has a kind's seven depths, a row one depth at the paper's ten noises."""

    kind: str
    noise: Noise
    layers: int
    sigma: float
    origin: str  # how the weights of the model came about
    ours: np.ndarray  # (7,): our losses by depth
    ours_error: np.ndarray  # (7,)
    paper: np.ndarray  # (7,)
    paper_error: np.ndarray  # (7,): of the paper's way of evaluating
    apart: np.ndarray  # (7,): ours - paper, in standard errors
    baselines_apart: np.ndarray  # (3,): the same for ConstRR, AdaRR, TunedRR
    reference: np.ndarray  # (4,): loss of ConstRR, AdaRR, TunedRR and the Bayes-optimal predictor
    row_ours: np.ndarray  # (10,)
    row_paper: np.ndarray  # (10,)
    row_bayes: np.ndarray  # (10,)
    level_errors: np.ndarray  # (4, L+1): mean error before the first and after each layer, at LEVELS
    errors: np.ndarray  # (L+1,): the same at sigma


@dataclass(frozen=True)
class Sequences(Frozen):
    """The fixed sequences of a task."""

    spectrum: Spectrum
    truth: np.ndarray  # (B, d)
    oracle: np.ndarray  # (B, d): ridge regression that is told sigma


@lru_cache(maxsize=128)
def sequences(noise, count):
    """The first `count` sequences at a noise -> Sequences"""
    moments = RegressionTask(*PAPER, noise).sample_moments(count, np.random.default_rng(0))
    spectrum = Spectrum.from_moments(moments.S, PAPER.context)
    return Sequences(spectrum, moments.w, spectrum.ridge(moments.sigma))


def one_query_error(w, oracle, truth):
    """Standard error of the paper's way of evaluating, the mean of 1/2 (<w - truth, x>^2 - <oracle - truth, x>^2) over 100,000
    sequences with one query x ~ N(0, I) each.

    w, oracle, truth : (B, d).  The query is integrated out: given a = w - truth and b = oracle - truth, the mean is
    1/2 (|a|^2 - |b|^2) and the variance 1/2 (|a|^4 + |b|^4 - 2 <a, b>^2).
    """
    a = w - truth  # (B, d)
    b = oracle - truth  # (B, d)
    aa = (a * a).sum(axis=1)  # (B,)
    bb = (b * b).sum(axis=1)
    ab = (a * b).sum(axis=1)

    # What single queries scatter is the scatter of their means, and the mean of their scatter.
    between = ((aa - bb) / 2).var()
    within = ((aa**2 + bb**2 - 2 * ab**2) / 2).mean()
    return np.sqrt((between + within) / PAPER_QUERIES)


@lru_cache(maxsize=512)
def paper_error(kind, layers, noise):
    """Standard error of the paper's entry; `layers` is None for a baseline."""
    shown = sequences(noise, ERROR_SEQUENCES)
    if layers is None:
        w = on_spectrum(noise)[kind](shown.spectrum)
    else:
        w = stored_model(kind, layers, noise.key).implicit_weight(shown.spectrum.S)
    return one_query_error(w, shown.oracle, shown.truth)


@dataclass(frozen=True)
class Column(Frozen):
    """A kind's seven depths at one noise."""

    ours: np.ndarray  # (7,)
    ours_error: np.ndarray  # (7,)
    paper: np.ndarray  # (7,)
    paper_error: np.ndarray  # (7,)


@lru_cache(maxsize=64)
def column(kind, noise):
    """Our records of a kind at one noise beside the paper's table -> Column"""
    records = [record(kind, layers, noise) for layers in DEPTHS]
    return Column(
        ours=np.array([entry["loss"] for entry in records]),
        ours_error=np.array([entry["standard_error"] for entry in records]),
        paper=np.array([paper_table()[kind, layers, noise.key] for layers in DEPTHS]),
        paper_error=np.array([paper_error(kind, layers, noise) for layers in DEPTHS]),
    )


@lru_cache(maxsize=16)
def baselines_apart(noise):
    """By how many standard errors our losses of the baselines lie above the paper's -> (3,)"""
    stored = np.array([stored_losses()[noise.key][name] for name in BASELINES])  # (3, 2)
    paper = np.array([paper_table()[name, None, noise.key] for name in BASELINES])
    error = np.array([paper_error(name, None, noise) for name in BASELINES])
    return deviation(stored[:, 0], stored[:, 1], paper, error)


@lru_cache(maxsize=256)
def layer_errors(kind, layers, noise, sigmas):
    """Half the squared distance of the implicit weight to the oracle, before the first layer and after each, for each sigma -> (J, L+1)

    The sequences differ in nothing but how strong their noise is. Where the model diverges, HUGE.
    """
    shown = [sequences(Fixed(sigma), LAYER_SEQUENCES) for sigma in sigmas]
    S = np.concatenate([each.spectrum.S for each in shown])  # (J B, D, D)
    oracle = np.concatenate([each.oracle for each in shown])  # (J B, d)
    path = implicit_from_moments(stored_model(kind, layers, noise.key), S).w  # (J B, L+1, d)

    with np.errstate(over="ignore", invalid="ignore"):
        by_layer = [excess(w - oracle) for w in np.moveaxis(path, 1, 0)]
    errors = np.stack(by_layer, axis=1)  # (J B, L+1)
    errors = np.where(errors < HUGE, errors, HUGE)
    return errors.reshape(len(sigmas), LAYER_SEQUENCES, -1).mean(axis=1)


def as_printed(noise):
    """The noise as the paper calls it, U(0, 0) and not sigma = 0 -> Noise"""
    return PAPER_NOISES[PAPER_NOISES.index(parse_noise(noise))]


class TableLab(Lab):
    """Choose a cell of Table 1; see ours beside the paper's, whether they differ by more than luck, and the model layer by layer.

    TableLab(kind="full", noise="uniform-5", layers=7, sigma=2.0)
    """

    NAME = "table"
    NO_TASK = Message("task.table")
    CONTROLS = dict(
        kind=Choice(stored_kinds, "diag"),
        noise=Choice({noise.label: noise.key for noise in PAPER_NOISES}, "uniform-5", slide=True),
        layers=Choice(table_depths, 4, slide=True),
        sigma=Slider(0.0, 7.0, 0.1, value=2.0),
        guess=Prediction(-10.0, 10.0, 0.5),
        low_guess=Opinion(PLACES),
        high_guess=Opinion(PLACES),
        layer_guess=Opinion((2, 4, 7)),
    )
    BEATS = (
        Beat(
            "lower",
            panels=("apart",),
            control="noise",
            values=dict(kind="gd++", noise="uniform-7", layers=2),
            ask="low_guess",
            at=dict(noise="uniform-1"),
            answer=lambda state, begun: place_of(apart_now(state)),
            tell=lambda state, begun: dict(
                apart=abs(apart_now(state)),
                ours=state.ours[state.layers - 1],
                paper=state.paper[state.layers - 1],
            ),
        ),
        Beat(
            "bound",
            panels=("apart", "column"),
            control="noise",
            values=dict(kind="gd++", noise="uniform-1", layers=7),
            ask="high_guess",
            at=dict(noise="uniform-5"),
            answer=lambda state, begun: place_of(apart_now(state)),
            tell=lambda state, begun: dict(
                apart=abs(apart_now(state)),
                ours=state.ours[state.layers - 1],
                paper=state.paper[state.layers - 1],
                bound=state.reference[0],
            ),
        ),
        Beat(
            "layers",
            panels=("layers",),
            control="kind",
            others=("layers",),
            values=dict(kind="diag", noise="uniform-5", layers=4, sigma=5.0),
            ask="layer_guess",
            at=dict(kind="full", layers=7),
            answer=lambda state, begun: int(state.errors.argmin()),
            tell=lambda state, begun: dict(least=state.errors.min(), end=state.errors[-1]),
        ),
    )

    @staticmethod
    def compute(kind, noise, layers, sigma):
        noise = as_printed(noise)
        shown = column(kind, noise)
        reference = stored_losses()[noise.key]  # {name: (loss, standard error)}
        return TableState(
            kind=kind,
            noise=noise,
            layers=layers,
            sigma=sigma,
            origin=origin(record(kind, layers, noise)),
            ours=shown.ours,
            ours_error=shown.ours_error,
            paper=shown.paper,
            paper_error=shown.paper_error,
            apart=deviation(shown.ours, shown.ours_error, shown.paper, shown.paper_error),
            baselines_apart=baselines_apart(noise),
            reference=np.array([reference[name][0] for name in (*BASELINES, "Bayes-optimal")]),
            row_ours=np.array([record(kind, layers, other)["loss"] for other in PAPER_NOISES]),
            row_paper=np.array([paper_table()[kind, layers, other.key] for other in PAPER_NOISES]),
            row_bayes=np.array([stored_losses()[other.key]["Bayes-optimal"][0] for other in PAPER_NOISES]),
            level_errors=layer_errors(kind, layers, noise, LEVELS),
            errors=layer_errors(kind, layers, noise, (sigma,))[0],
        )

    @staticmethod
    def panels(state, ghost, guesses):
        return [
            column_panel(state),
            apart_panel(state, guesses["guess"]),
            row_panel(state),
            layer_panel(state),
        ]

    @staticmethod
    def words(state, ghost):
        best = Message("table.bayes", loss=tell_loss(state.reference[-1]))
        return [
            tell_difference(state).on("apart", "column", "row"),
            *(origin.on("apart", "column", "row") for origin in tell_origin(state)),
            best.on("column", "row"),
            tell_layers(state).on("layers"),
        ]


def apart_now(state):
    """By how many standard errors ours lies above the paper's in the cell that is chosen."""
    return state.apart[state.layers - 1]


def place_of(apart):
    """Is ours lower than the paper's, higher, or would luck do?"""
    if abs(apart) < LUCK:
        return "luck"
    return "lower" if apart < 0 else "higher"


def tell_difference(state):
    """Ours beside the paper's, and whether luck would do -> Message"""
    cell = state.layers - 1
    ours, error, apart = state.ours[cell], state.ours_error[cell], state.apart[cell]
    paper = state.paper[cell]
    reading = dict(
        kind=kind_label(state.kind),
        layers=Message("layers.count", count=state.layers),
        noise=state.noise.label,
        ours=tell_loss(ours),
        error=tell_error(error),
    )
    if not np.isfinite(apart):
        return Message("table.tiny", **reading, paper=tell_loss(paper))
    if error > UNSTEADY * ours:
        return Message("table.unsteady", **reading, paper=paper)
    return Message(
        "table.compared",
        **reading,
        paper=paper,
        paper_error=tell_error(state.paper_error[cell]),
        where=tell_place(apart),
        luck=Message("table.luck" if abs(apart) < LUCK else "table.no_luck"),
    )


def tell_origin(state):
    """Whose weights these are, where the search found no better ones of its own -> list of Message"""
    source = state.origin.removeprefix("copied from ")
    if source == state.origin:
        return []
    return [Message("table.copied", kind=kind_label(state.kind), source=source)]


def tell_place(apart):
    """Where ours lies, `apart` standard errors above the paper's -> Message"""
    if abs(apart) < 0.05:
        return Message("table.at")
    return Message("table.below" if apart < 0 else "table.above", apart=abs(apart))


def tell_layers(state):
    """How the error moves through the layers, and whether one of them was nearer than the last -> Message"""
    best = state.errors.argmin()
    moving = dict(
        sigma=state.sigma,
        variance=state.sigma**2,
        start=tell_loss(state.errors[0]),
        end=tell_loss(state.errors[-1]),
    )
    if best == state.layers:
        return Message("table.falls", **moving)
    if best == 0:
        return Message("table.never_falls", **moving)
    return Message("table.rises_again", **moving, best=best, least=tell_loss(state.errors[best]))


def tell_loss(loss):
    """Three digits -> Message"""
    if loss >= 1000:
        return Message("table.loss_above", limit=1000)
    if loss == 0 or loss >= 99.95:
        return Message("table.loss_whole", loss=loss)
    return Message("table.loss", loss=loss)


def tell_error(error):
    """One digit, without an exponent down to a millionth -> Message"""
    if error < 1e-6:
        return Message("table.error_tiny", error=error)
    exponent = int(f"{error:.0e}".split("e")[1])  # after rounding
    return Message("table.error", error=error, digits=max(0, -exponent))


def column_panel(state):
    """The losses by depth, with two standard errors each way; those of the baselines, which have no depth, as lines."""
    depth = np.array(DEPTHS, float)
    constrr, adarr, tunedrr, bayes = state.reference
    marks = [
        across_column("constrr", constrr),
        across_column("adarr", adarr),
        across_column("tunedrr", tunedrr),
        across_column("bayes", bayes),
        with_bars("paper", depth + SHIFT, state.paper, state.paper_error),
        with_bars("model", depth - SHIFT, state.ours, state.ours_error),
        Ring(state.layers, state.ours[state.layers - 1]),
    ]
    values = dict(kind=kind_label(state.kind), noise=state.noise.label)
    return Panel("column", COLUMN, LOSS, marks, values=values)


def across_column(role, loss):
    """A curve of one height, and none where it lies below the axis."""
    return Curve(role, [COLUMN.low, COLUMN.high], [loss, loss], beyond="gap")


def with_bars(role, x, loss, error):
    """Losses with as many standard errors each way as luck explains."""
    reach = LUCK * error
    return Bars(role, x, loss, low=loss - reach, high=loss + reach)


def apart_panel(state, guess):
    """How far ours lies from the paper's at each depth, and to the right the baselines: there only luck differs."""
    places = DEPTHS[-1] + np.arange(1.0, len(BASELINES) + 1)  # (3,)
    labels = (*map(str, DEPTHS), *(name.removesuffix("RR") for name in BASELINES))
    x = Axis("layers", COLUMN.low, places[-1] + 0.7, ticks=(*DEPTHS, *places), labels=labels)
    marks = [
        Band("range", [(x.low, x.high)], -LUCK, LUCK, name="luck"),
        level(x, 0.0),
        Points("model", DEPTHS, state.apart, name="trained", hover="apart"),
        Points("baselines", places, state.baselines_apart, hover="apart"),
        Ring(state.layers, state.apart[state.layers - 1]),
        Guess(state.layers, guess, grab="guess"),
    ]
    return Panel("apart", x, APART, marks)


def row_panel(state):
    """The losses of one depth at all noises of the table."""
    labels = tuple(call_short(noise) for noise in PAPER_NOISES)
    places = place_by_width(labels)  # (10,)
    x = Axis("trained_on", -0.5, places[-1] + 0.7, ticks=tuple(places), labels=labels)
    marks = [
        Ticks("bayes", places, state.row_bayes, beyond="gap"),
        Points("paper", places + SHIFT, state.row_paper),
        Points("model", places - SHIFT, state.row_ours),
        Ring(places[PAPER_NOISES.index(state.noise)], state.ours[state.layers - 1]),
    ]
    values = dict(kind=kind_label(state.kind), layers=Message("layers.count", count=state.layers))
    return Panel("row", x, LOSS, marks, values=values)


def call_short(noise):
    """A noise at a tick: how far it goes, or the values that it takes -> str"""
    return f"{noise.sigma_max:g}" if isinstance(noise, Uniform) else noise.label.replace(" ", "")


def place_by_width(labels):
    """Where labels stand side by side, the long ones further apart -> (K,)"""
    widths = [1.0 if len(label) == 1 else 1.4 for label in labels[1:]]
    return np.cumsum([0.0, *widths])


def layer_panel(state):
    """The error layer by layer, at a few noises and at the slider's."""
    layers = np.arange(state.layers + 1)
    at_levels = zip(BESIDE, LEVELS, state.level_errors, strict=True)
    marks = [
        *(
            Path(role, layers, errors, values=dict(sigma=sigma), keys=dict(layer=layers))
            for role, sigma, errors in at_levels
        ),
        Path(
            "model",
            layers,
            state.errors,
            name="slider",
            values=dict(sigma=state.sigma),
            keys=dict(layer=layers),
        ),
    ]
    return Panel("layers", layer_axis(DEPTHS[-1]), ERROR, marks)
