"""The sizes lab: a frozen model that was made for 20 examples of ten independent features reads contexts of another kind.

One thing is changed at a time: the number of examples n, the number of features d, or the correlation of neighbouring features. What a
model is given to read of n examples can be chosen as well: the means over them, the sums, or the means of labels that are scaled so that
they tell how many examples there are (lt_helpers/lengths.py). The excess is 1/2 (w - w_oracle)^T C (w - w_oracle), over ridge regression
that is told sigma: a mean over COUNT sequences with sigma from U(0, 5). The noise that answers act on is a median over COUNT sequences with
sigma = TRUE_SIGMA.

Panels: the excess against n; the noise that answers act on, against n; the excess against d, and against the correlation. Beside the
model stand AdaRR, evidence ridge and the Bayes-optimal predictor of that very task. The model's curves are drawn as far as each slider
has come, so that there is something to predict.
"""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from .. import lengths
from ..evaluate import excess
from ..implicit import implied_noise
from ..language import Message
from ..model import LinearTransformer
from ..noise import Uniform
from ..pretrained import SIZES
from ..spectrum import Spectrum
from ..task import PAPER, RegressionTask
from ..view.panel import Axis, Band, Curve, Guess, Panel, Path
from .base import Lab
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Slider
from .frozen import Frozen
from .marks import level, log_axis, up_to, upright
from .material import many_sequences, stored_model, with_noise

NOISE = Uniform(5.0)  # of the sequences, and of all trainings
COUNT = 400  # sequences of an average
NODES = 32  # of a quadrature over sigma
LENGTHS = (15, 20, 25, 30, 40, 60, 80, 120)
FEATURES = (2, 3, 5, 8, 10, 12, 15)
CORRELATIONS = tuple(round(0.1 * tenth, 1) for tenth in range(10))
ALIKE = 0.9  # the correlation of neighbours that some models were trained on
TRUE_SIGMA = 2.0  # of the sequences whose implied noise is looked at
EXPLODED = 100.0  # of an excess above this the digits mean nothing
TWICE = 2.0  # an excess up to this times as large, or as small, has stayed

MODELS = {
    Message(f"sizes.choice.{name}"): name
    for name in (
        "diag-7",
        "full-7",
        "diag-7-lengths",
        "diag-7-correlated",
        "full-7-correlated",
    )
}
READS = {Message(f"sizes.choice.{reading}"): reading for reading in lengths.READINGS}
WAYS = {Message(f"choice.{way}"): way for way in ("falls", "stays", "rises")}
NEARER = {Message(f"sizes.choice.{who}"): who for who in ("model", "evidence")}

LONG, LARGE = 80, 15  # where beats are answered: n, d
LENGTH = log_axis("examples", 13.5, 135.0, LENGTHS, tuple(map(str, LENGTHS)))
FEATURE = Axis("features", 1.0, 16.0, ticks=FEATURES)
CORRELATION = Axis("correlation", -0.03, 0.95)
EXCESS = log_axis("excess", 0.0003, 100.0, (0.001, 0.01, 0.1, 1, 10), ("0.001", "0.01", "0.1", "1", "10"))
ACTS = Axis("sigma_acts", 0.0, 8.0)


@dataclass(frozen=True)
class Sweep(Frozen):
    """The mean excess of everybody, while one thing changes in K steps."""

    model: np.ndarray  # (K,): infinite where it explodes, NaN where it cannot read
    stored: np.ndarray  # (K,): of the stored model of n = 20, which reads means
    adarr: np.ndarray  # (K,)
    evidence: np.ndarray  # (K,)
    bayes: np.ndarray  # (K,)


@dataclass(frozen=True)
class SizesState(Frozen):
    """Everything that the lab shows at one setting."""

    model: str
    reads: str
    n: int
    d: int
    correlation: float
    by_length: Sweep  # on LENGTHS
    by_features: Sweep  # on FEATURES
    by_correlation: Sweep  # on CORRELATIONS
    acts: np.ndarray  # (8,): median noise that the answers act on, on LENGTHS; NaN where most explode
    by_reading: np.ndarray  # (3,): mean excess at n, for each of lengths.READINGS

    @property
    def places(self):
        """Where n, d and correlation stand on their scales -> three indices"""
        return LENGTHS.index(self.n), FEATURES.index(self.d), CORRELATIONS.index(self.correlation)


@cache
def model_of(name, reads):
    """A model, by its name in MODELS -> LinearTransformer"""
    kind, layers, *how = name.split("-")
    if not how:
        return stored_model(kind, int(layers), NOISE.key)
    trained_on = reads if how == ["lengths"] else how[0]
    return LinearTransformer.load(SIZES / f"{kind}-{layers}-{trained_on}.safetensors")


@lru_cache(maxsize=64)
def sequences(n, d, correlation):
    """COUNT sequences of a task -> Spectrum, the oracle's weights (B, d), the covariance of the inputs (d, d)"""
    task = RegressionTask(d, n, NOISE, lengths.correlated(correlation, d))
    moments = task.sample_moments(COUNT, np.random.default_rng(0))
    spectrum = Spectrum.from_moments(moments.S, n)
    return spectrum, spectrum.ridge(moments.sigma), task.covariance


def mean_excess(w, n, d, correlation):
    """The mean excess of answers (B, d) to the sequences of a task; infinite where one of them is no number"""
    _, oracle, covariance = sequences(n, d, correlation)
    with np.errstate(over="ignore", invalid="ignore"):
        found = excess(w - oracle, covariance).mean()
    return found if np.isfinite(found) else np.inf


@lru_cache(maxsize=64)
def rivals(n, d, correlation):
    """The mean excess of AdaRR, evidence ridge and Bayes -> (3,)"""
    spectrum, _, _ = sequences(n, d, correlation)
    answers = (
        spectrum.ridge(spectrum.noise_estimate()),
        spectrum.ridge(spectrum.noise_by_evidence()),
        spectrum.bayes(NOISE, NODES),
    )
    return np.array([mean_excess(w, n, d, correlation) for w in answers])


@lru_cache(maxsize=1024)
def model_excess(name, reads, n, d, correlation):
    """The mean excess of a model, NaN where it cannot read d features."""
    model = model_of(name, reads)
    if d != model.dim:
        if model.kind == "full":
            return np.nan
        model = model.with_dim(d)
    spectrum, _, _ = sequences(n, d, correlation)
    return mean_excess(lengths.answer(model, spectrum.S, n, reads), n, d, correlation)


def sweep(name, reads, tasks):
    """The mean excess of everybody on each of K tasks (n, d, correlation) -> Sweep"""
    stored = "-".join(name.split("-")[:2])
    beside = np.array([rivals(*task) for task in tasks])  # (K, 3)
    return Sweep(
        model=np.array([model_excess(name, reads, *task) for task in tasks]),
        stored=np.array([model_excess(stored, "means", *task) for task in tasks]),
        adarr=beside[:, 0],
        evidence=beside[:, 1],
        bayes=beside[:, 2],
    )


@lru_cache(maxsize=256)
def acts_on(name, reads, n):
    """The median noise that answers act on, over sequences of n examples with TRUE_SIGMA; NaN where most explode"""
    S = with_noise(many_sequences(COUNT, n), TRUE_SIGMA)  # (B, D, D)
    w = lengths.answer(model_of(name, reads), S, n, reads)  # (B, d)
    sigmas = implied_noise(w, Spectrum.from_moments(S, n))  # (B,)
    return np.nan if np.isnan(sigmas).mean() > 0.5 else np.nanmedian(sigmas)


class SizesLab(Lab):
    """Change the number of examples, of features, or how alike the features are; see a frozen model fail or hold beside its rivals.

    SizesLab(n=80, model="full-7", reads="scaled")
    """

    NAME = "sizes"
    ROW = 230
    CONTROLS = dict(
        n=Choice(LENGTHS, PAPER.context, slide=True),
        d=Choice(FEATURES, PAPER.dim, slide=True),
        correlation=Slider(0.0, CORRELATIONS[-1], 0.1, value=0.0),
        model=Choice(MODELS, "diag-7"),
        reads=Choice(READS, "means"),
        longer_guess=Opinion(WAYS),
        guess=Prediction(0.0, 8.0, 0.5),
        reads_guess=Opinion(READS),
        nearer_guess=Opinion(NEARER),
        alike_guess=Prediction(0.0, 0.9, 0.1),
    )
    BEATS = (
        Beat(
            "longer",
            panels=("length",),
            control="n",
            values=dict(n=20, model="diag-7", reads="means"),
            ask="longer_guess",
            at=dict(n=LONG),
            answer=lambda state, begun: way(excess_now(begun), excess_now(state)),
            tell=lambda state, begun: dict(
                before=excess_now(begun), now=excess_now(state), **beside_at(state.by_length, state.places[0])
            ),
        ),
        Beat(
            "acts",
            panels=("length", "acts"),
            control="n",
            values=dict(n=20, model="diag-7", reads="means"),
            ask="guess",
            at=dict(n=LONG),
            answer=lambda state, begun: state.acts[state.places[0]],
            tell=lambda state, begun: dict(before=begun.acts[begun.places[0]]),
        ),
        Beat(
            "reads",
            panels=("length",),
            control="reads",
            values=dict(n=LONG, model="diag-7", reads="means"),
            ask="reads_guess",
            at=dict(reads="scaled"),
            answer=lambda state, begun: lengths.READINGS[int(state.by_reading.argmin())],
            tell=lambda state, begun: dict(
                zip(lengths.READINGS, map(tell_size, state.by_reading), strict=True),
                adarr=state.by_length.adarr[state.places[0]],
            ),
        ),
        Beat(
            "features",
            panels=("features",),
            control="d",
            values=dict(n=20, d=10, model="diag-7", reads="means"),
            ask="nearer_guess",
            at=dict(d=LARGE),
            answer=lambda state, begun: nearer(state.by_features, state.places[1]),
            tell=lambda state, begun: dict(
                model=state.by_features.model[state.places[1]],
                **beside_at(state.by_features, state.places[1]),
            ),
        ),
        Beat(
            "inputs",
            panels=("inputs",),
            control="correlation",
            values=dict(n=20, d=10, correlation=0.0, model="diag-7", reads="means"),
            ask="alike_guess",
            at=dict(correlation=ALIKE),
            answer=lambda state, begun: first_worse(state.by_correlation),
            tell=lambda state, begun: dict(
                adarr=state.by_correlation.adarr[-1],
                diag=tell_size(state.by_correlation.model[-1]),
                full=alike_excess("full-7"),
                trained=alike_excess("diag-7-correlated"),
                full_trained=alike_excess("full-7-correlated"),
            ),
        ),
    )

    @staticmethod
    def compute(n, d, correlation, model, reads):
        by_reading = [model_excess(model, reading, n, PAPER.dim, 0.0) for reading in lengths.READINGS]
        return SizesState(
            model=model,
            reads=reads,
            n=n,
            d=d,
            correlation=correlation,
            by_length=sweep(model, reads, [(each, PAPER.dim, 0.0) for each in LENGTHS]),
            by_features=sweep(model, reads, [(PAPER.context, each, 0.0) for each in FEATURES]),
            by_correlation=sweep(model, reads, [(PAPER.context, PAPER.dim, each) for each in CORRELATIONS]),
            acts=np.array([acts_on(model, reads, each) for each in LENGTHS]),
            by_reading=np.array(by_reading),
        )

    @staticmethod
    def panels(state, ghost, guesses):
        return [
            length_panel(state),
            acts_panel(state, guesses["guess"]),
            features_panel(state),
            inputs_panel(state, guesses["alike_guess"]),
        ]

    @staticmethod
    def words(state, ghost):
        length, features, correlation = state.places
        return [
            Message(
                "sizes.setting",
                model=Message(f"sizes.choice.{state.model}"),
                reads=Message(f"sizes.choice.{state.reads}"),
                count=COUNT,
            ),
            Message("sizes.length", n=state.n, **tell_all(state.by_length, length)).on("length"),
            tell_acts(state).on("acts"),
            tell_features(state, features).on("features"),
            Message(
                "sizes.inputs", correlation=state.correlation, **tell_all(state.by_correlation, correlation)
            ).on("inputs"),
            *tell_explosions(state),
        ]


def excess_now(state):
    """The model's excess at the n of the slider."""
    return state.by_length.model[state.places[0]]


def alike_excess(name):
    """The excess of a model where neighbours are as alike as they were in the trainings on correlated inputs -> Message"""
    return tell_size(model_excess(name, "means", PAPER.context, PAPER.dim, ALIKE))


def way(before, now):
    """Has an excess fallen, stayed or risen?"""
    if now > TWICE * before:
        return "rises"
    return "falls" if now < before / TWICE else "stays"


def nearer(found, place):
    """Who has the smaller excess, the model or evidence ridge?"""
    return "model" if found.model[place] < found.evidence[place] else "evidence"


def first_worse(found):
    """The lowest correlation at which the model has a larger excess than AdaRR -> number, or None"""
    worse = np.flatnonzero(found.model > found.adarr)
    return CORRELATIONS[worse[0]] if len(worse) else None


def beside_at(found, place):
    """The rivals' excess at one place of a sweep -> dict"""
    return dict(adarr=found.adarr[place], evidence=found.evidence[place], bayes=found.bayes[place])


def tell_size(found):
    """An excess; of one that explodes the digits mean nothing -> Message"""
    if found < EXPLODED:
        return Message("sizes.excess", excess=found)
    return Message("sizes.exploded", limit=EXPLODED)


def tell_all(found, place):
    """The excess of everybody at one place of a sweep -> dict"""
    return dict(model=tell_size(found.model[place]), **beside_at(found, place))


def tell_features(state, place):
    """The excess of everybody at the d of the slider; FULL cannot read any other than its own -> Message"""
    if np.isnan(state.by_features.model[place]):
        return Message(
            "sizes.features_blank", d=state.d, own=PAPER.dim, **beside_at(state.by_features, place)
        )
    return Message("sizes.features", d=state.d, **tell_all(state.by_features, place))


def tell_acts(state):
    """The noise that the answers act on -> Message"""
    acts = state.acts[state.places[0]]
    if np.isnan(acts):
        return Message("sizes.acts_blank", n=state.n, sigma=TRUE_SIGMA)
    return Message("sizes.acts", n=state.n, sigma=TRUE_SIGMA, acts=acts)


def tell_explosions(state):
    """Where the model explodes, and the stored one beside it, as far as their curves are drawn -> list of Message"""
    who = {"model": Message("sizes.choice.model")}
    if not is_stored(state):
        who["stored"] = Message("sizes.choice.stored")
    sweeps = (
        ("sizes.explodes_length", "length", LENGTHS, state.by_length),
        ("sizes.explodes_features", "features", FEATURES, state.by_features),
        ("sizes.explodes_inputs", "inputs", CORRELATIONS, state.by_correlation),
    )
    said = []
    for (id, panel, scale, found), place in zip(sweeps, state.places, strict=True):
        for name, called in who.items():
            drawn = up_to(scale[place], np.array(scale), getattr(found, name))
            lost = [f"{value:g}" for value, one in zip(scale, drawn, strict=True) if one > EXPLODED]
            if lost:
                said.append(Message(id, who=called, values=lost).on(panel))
    return said


def trained_lengths(state):
    """The lengths that the model was trained on, as spans of the axis."""
    if state.model.endswith("lengths"):
        return [(lengths.LENGTHS[0], lengths.LENGTHS[-1])]
    return [(PAPER.context / 1.02, PAPER.context * 1.02)]


def marks_of(scale, found, place, shows_stored):
    """The curves of a sweep: rivals in full, the model as far as the slider has come."""
    reached = up_to(scale[place], scale, found.model)
    stored = [Path("stored", scale, up_to(scale[place], scale, found.stored))] if shows_stored else []
    return [
        Curve("adarr", scale, found.adarr),
        Curve("evidence", scale, found.evidence),
        Curve("bayes", scale, found.bayes),
        *stored,
        Path("model", scale, reached),
    ]


def is_stored(state):
    """Is the model the stored one, on means?"""
    return state.model.count("-") == 1 and state.reads == "means"


def length_panel(state):
    """The excess against the number of examples."""
    scale, place = np.array(LENGTHS), state.places[0]
    marks = marks_of(scale, state.by_length, place, not is_stored(state))
    band = Band("range", trained_lengths(state))
    return Panel("length", LENGTH, EXCESS, [band, upright(state.n, EXCESS), *marks])


def acts_panel(state, guess):
    """The noise that answers act on, against the number of examples."""
    marks = [
        level(LENGTH, TRUE_SIGMA, name="truth"),
        upright(state.n, ACTS),
        Path("model", LENGTHS, up_to(state.n, np.array(LENGTHS), state.acts)),
        Guess(LONG, guess, grab="guess"),
    ]
    return Panel("acts", LENGTH, ACTS, marks, values=dict(sigma=TRUE_SIGMA))


def features_panel(state):
    """The excess against the number of features."""
    marks = marks_of(np.array(FEATURES), state.by_features, state.places[1], not is_stored(state))
    return Panel("features", FEATURE, EXCESS, [upright(state.d, EXCESS), *marks])


def inputs_panel(state, guess):
    """The excess against the correlation of neighbours."""
    marks = marks_of(np.array(CORRELATIONS), state.by_correlation, state.places[2], not is_stored(state))
    star = Guess(guess, EXCESS.low, grab="alike_guess", along="x")
    return Panel("inputs", CORRELATION, EXCESS, [upright(state.correlation, EXCESS), *marks, star])
