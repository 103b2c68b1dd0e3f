"""The softmax lab: a trained softmax transformer on the same task, beside the Bayes-optimal predictor, DIAG and FULL.

Panels: what it answers to longer and longer queries, beside the linear function that is nearest to its answers; how much of its answers
no linear function has; its excess risk at each noise level; and the noise that its probed weight acts on. Curves are drawn as far as the
noise and the query's length have been slid, so that there is something to predict.

The same sequences stand at every noise level: truth, inputs, the direction of the noise and the queries stay, y = X w + sigma xi.
"""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from ..baselines import on_spectrum, stored_losses
from ..evaluate import excess
from ..implicit import implied_noise
from ..language import Message
from ..noise import Noise, parse_noise
from ..softmax import SoftmaxId, linear_part, load_softmax, softmax_records
from ..spectrum import Spectrum
from ..task import PAPER, second_moments
from ..view.panel import Axis, Band, Curve, Guess, Guide, Panel, Path
from .base import Lab
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Seed, Slider
from .frozen import Frozen
from .marks import log_axis, up_to
from .material import average, outside_training, sequence, stored_model, trained_spans

LEVELS = np.array([*np.arange(0, 5.5, 0.5), 6.0, 7.0, 8.0])
SEQUENCES, QUERIES = 100, 30  # at each noise level, and of each of these
PROBES = 200  # queries of the one sequence that is shown
LENGTHS = np.linspace(0.0, 10.0, 41)
TYPICAL = (1.8, 4.5)  # lengths of 95% of the queries: the root of a chi-square with d = 10 degrees of freedom

SHARES = (0.0001, 0.001, 0.01, 0.1, 1)
LENGTH = Axis("length", 0.0, 12.4, ticks=(0, 2, 4, 6, 8, 10))
ANSWER = Axis("answer", -5.0, 40.0)
SIGMA = Axis("sigma", 0.0, 10.4, ticks=(0, 2, 4, 6, 8))
EXCESS = log_axis("excess", 0.001, 10.0, (0.001, 0.01, 0.1, 1, 10), below="gap")
SHARE = log_axis("bent", 0.0001, 1.0, SHARES, tuple(f"{share:g}" for share in SHARES), below="floor")
READ = Axis("sigma_read", 0.0, 8.0, ticks=(0, 2, 4, 6, 8))

KINDS = {Message("softmax.choice.alone"): "alone", Message("softmax.choice.mlp"): "mlp"}
RIVALS = {"diag": "others", "full": "stored"}  # the roles of the linear transformers beside it
DEPTH = 7  # their layers
FAR = {Message(f"softmax.choice.{way}"): way for way in ("straight", "short", "beyond")}
BEST = {Message(f"softmax.choice.{one}"): one for one in ("softmax", "linear")}
SIZES = {Message(f"softmax.choice.{one}"): one for one in ("hundredth", "tenth", "more")}  # of a share
NEAR = 0.1  # a difference, as a share, that nobody would call one
ASKED_AT = 4.0  # the sigma for which the learner predicts what the meter will read
TOLD_OF = dict(kind="mlp", noise="uniform-5", layers=4, seed=1)  # what the beats are about


@dataclass(frozen=True)
class SoftmaxState(Frozen):
    """Everything that the lab shows at one setting. J noise levels, K sequences, T lengths."""

    kind: str
    layers: int
    noise: Noise  # what the model was trained on
    record: dict  # how it was made
    bayes: float  # the Bayes-optimal predictor's loss on the training noise
    sigma: float  # one of LEVELS: how far the curves are drawn
    length: float  # of the longest query
    answers: np.ndarray  # (T,): the model's, to queries of LENGTHS along the oracle's weight, on one sequence
    slope: float  # of the linear function that is nearest to its answers to typical queries
    oracle_slope: float
    risks: np.ndarray  # (J, K): excess risk of the model
    rivals: dict  # "bayes", "diag", "full" -> (J, K)
    bent: np.ndarray  # (J,): share of the mean square of the answers that the best linear function leaves
    implied: np.ndarray  # (J, K): the noise that the probed weight acts on
    implied_diag: np.ndarray  # (J, K)

    @property
    def level(self):
        """Where sigma stands in LEVELS."""
        return int(np.flatnonzero(self.sigma == LEVELS)[0])


@cache
def stored_softmax():
    """The records of the stored softmax transformers by (kind, noise, layers)."""
    return {chosen_by(record): record for record in softmax_records()}


def chosen_by(record):
    """The values of the three controls that choose the model of a record."""
    return "mlp" if record["mlp"] else "alone", record["noise"], record["layers"]


def noises(kind):
    """The noises for which models of a kind are stored -> {label: key}"""
    keys = dict.fromkeys(noise for known, noise, _ in stored_softmax() if known == kind)
    return {parse_noise(key).label: key for key in keys}


def depths(kind, noise):
    """The depths that are stored -> list of int"""
    return sorted(layers for known, key, layers in stored_softmax() if (known, key) == (kind, noise))


class SoftmaxLab(Lab):
    """Slide noise and query; see how a trained softmax transformer answers, beside the Bayes-optimal predictor, DIAG and FULL.

    SoftmaxLab(kind="mlp", noise="uniform-5", layers=4, sigma=5.0)
    """

    NAME = "softmax"
    GHOST = True
    CONTROLS = dict(
        kind=Choice(KINDS, "mlp"),
        noise=Choice(noises, "uniform-5"),
        layers=Choice(depths, 4, slide=True),
        sigma=Choice(tuple(LEVELS.tolist()), 1.0, slide=True),
        length=Slider(1.0, 10.0, 0.5, value=3.0),
        far_guess=Opinion(FAR),
        bent_guess=Opinion(SIZES),
        best_guess=Opinion(BEST),
        implied_guess=Prediction(0.0, 8.0, 0.25),
        seed=Seed(1),
    )
    BEATS = (
        Beat(
            "far",
            panels=("line",),
            control="length",
            values=dict(sigma=1.0, length=3.0, **TOLD_OF),
            ask="far_guess",
            at=dict(length=10.0),
            answer=lambda state, begun: way_on(state),
            tell=lambda state, begun: ends_of_line(state) | ends_before(begun),
        ),
        Beat(
            "bent",
            panels=("line", "bent"),
            control="sigma",
            values=dict(sigma=0.0, length=10.0, **TOLD_OF),
            ask="bent_guess",
            at=dict(sigma=5.0),
            answer=lambda state, begun: size_of(state.bent[state.level]),
            tell=lambda state, begun: dict(first=begun.bent[begun.level], last=state.bent[state.level]),
        ),
        Beat(
            "best",
            panels=("profile",),
            control="sigma",
            values=dict(sigma=0.0, **TOLD_OF),
            ask="best_guess",
            at=dict(sigma=5.0),
            answer=lambda state, begun: loses_least(here(state)),
            tell=lambda state, begun: here(state) | dict(bayes=average(state.rivals["bayes"])[state.level]),
        ),
        Beat(
            "meter",
            panels=("meter",),
            control="sigma",
            values=dict(sigma=1.0, **TOLD_OF),
            ask="implied_guess",
            at=dict(sigma=ASKED_AT),
            answer=lambda state, begun: float(middle(state.implied)[state.level]),
            tell=lambda state, begun: dict(diag=middle(state.implied_diag)[state.level]),
        ),
    )

    @staticmethod
    def compute(kind, noise, layers, sigma, length, seed):
        record = stored_softmax()[kind, noise, layers]
        answers, slope, oracle_slope = along_the_oracle(kind, noise, layers, seed, sigma)
        risks, bent, implied = measured(kind, noise, layers)
        lost = rivals(noise)
        return SoftmaxState(
            kind=kind,
            layers=layers,
            noise=parse_noise(noise),
            record=record,
            bayes=stored_losses()[noise]["Bayes-optimal"][0],
            sigma=sigma,
            length=length,
            answers=answers,
            slope=slope,
            oracle_slope=oracle_slope,
            risks=risks,
            rivals=lost,
            bent=bent,
            implied=implied,
            implied_diag=implied_by_diag(noise),
        )

    @staticmethod
    def panels(state, ghost, guesses):
        return [
            line_panel(state, ghost),
            bent_panel(state, ghost),
            profile_panel(state, ghost),
            meter_panel(state, ghost, guesses["implied_guess"]),
        ]

    @staticmethod
    def words(state, ghost):
        return [
            made(state).on("profile"),
            losses(state).on("profile"),
            Message("softmax.bent", sigma=state.sigma, share=state.bent[state.level]).on("bent"),
            Message("softmax.line", length=state.length, **ends_of_line(state)).on("line"),
            reading(state).on("meter"),
            *warning(state),
        ]


def read_softmax(kind, noise, layers):
    """The stored model -> SoftmaxTransformer"""
    which = SoftmaxId.from_record(stored_softmax()[kind, noise, layers])
    return load_softmax(which.mlp, which.layers, which.noise)


@cache
def drawn():
    """The sequences without their noise, and the queries -> x (K, n, d), w (K, d), xi (K, n), queries (K, q, d)"""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(SEQUENCES, *PAPER[::-1]))
    w = rng.normal(size=(SEQUENCES, PAPER.dim))
    xi = rng.normal(size=(SEQUENCES, PAPER.context))
    return x, w, xi, rng.normal(size=(SEQUENCES, QUERIES, PAPER.dim))


@cache
def at_each_level():
    """The sequences at each noise level, level by level -> x (J K, n, d), y (J K, n), queries (J K, q, d), sigma (J K,), Spectrum"""
    x, w, xi, queries = drawn()
    clean = (x @ w[..., None])[..., 0]  # (K, n)
    y = (clean + LEVELS[:, None, None] * xi).reshape(-1, PAPER.context)  # (J K, n)
    J = len(LEVELS)
    x, queries = np.tile(x, (J, 1, 1)), np.tile(queries, (J, 1, 1))
    return x, y, queries, np.repeat(LEVELS, SEQUENCES), Spectrum.from_tokens(x, y)


@lru_cache(maxsize=8)
def measured(kind, noise, layers):
    """A softmax transformer on the sequences -> risks (J, K), share that is not linear (J,), implied noise (J, K)"""
    x, y, queries, sigma, spectrum = at_each_level()
    answers = read_softmax(kind, noise, layers).answers(x, y, queries)  # (J K, q)
    oracle = spectrum.ridge(sigma)  # (J K, d)
    wanted = (queries @ oracle[..., None])[..., 0]  # (J K, q)
    risks = ((answers - wanted) ** 2).mean(axis=1) / 2  # (J K,)

    w, left = linear_part(answers, queries)  # (J K, d), (J K,)
    square = (answers**2).mean(axis=1)  # (J K,)
    bent = by_level(left).mean(axis=1) / by_level(square).mean(axis=1)  # (J,)
    return by_level(risks), bent, by_level(implied_noise(w, spectrum))


@lru_cache(maxsize=4)
def rivals(noise):
    """The linear transformers and the Bayes-optimal predictor for a noise, on the sequences -> {name: (J, K)}"""
    x, y, _, sigma, spectrum = at_each_level()
    oracle = spectrum.ridge(sigma)  # (J K, d)
    S = second_moments(x, y)  # (J K, D, D)
    lost = {"bayes": excess(on_spectrum(parse_noise(noise))["Bayes-optimal"](spectrum) - oracle)}
    for kind in RIVALS:
        with np.errstate(over="ignore", invalid="ignore"):
            lost[kind] = excess(stored_model(kind, DEPTH, noise).implicit_weight(S) - oracle)
    return {name: by_level(np.where(np.isfinite(risks), risks, np.inf)) for name, risks in lost.items()}


@lru_cache(maxsize=4)
def implied_by_diag(noise):
    """The noise that DIAG acts on, on the sequences -> (J, K)"""
    x, y, _, _, spectrum = at_each_level()
    w = stored_model("diag", DEPTH, noise).implicit_weight(second_moments(x, y))  # (J K, d)
    return by_level(implied_noise(w, spectrum))


def by_level(numbers):
    """(J K,)  ->  (J, K)"""
    return numbers.reshape(len(LEVELS), SEQUENCES)


@lru_cache(maxsize=64)
def along_the_oracle(kind, noise, layers, seed, sigma):
    """What a softmax transformer answers on one sequence to queries of LENGTHS in the direction of the oracle's weight.

    Returns
    -------
    answers : (T,) array
    slope : float.  Of the linear function that is nearest to its answers to typical queries.
    oracle_slope : float
    """
    model, shown = read_softmax(kind, noise, layers), sequence(seed)
    y = shown.labels(sigma)  # (n,)
    oracle = shown.spectrum(sigma).ridge([sigma])[0]  # (d,)
    direction = oracle / np.linalg.norm(oracle)  # (d,)
    probes = np.random.default_rng(0).normal(size=(PROBES, PAPER.dim))
    queries = np.concatenate([LENGTHS[:, None] * direction, probes])  # (T + probes, d)
    answers = model.answers(shown.x[None], y[None], queries)  # (1, T + probes)
    w, _ = linear_part(answers[:, len(LENGTHS) :], probes)  # (1, d)
    return answers[0, : len(LENGTHS)], float(w[0] @ direction), float(oracle @ direction)


def middle(implied):
    """Median over the sequences, (J, K) -> (J,); a weight that has exploded acts on no noise at all, and counts as beyond."""
    return np.median(np.where(np.isfinite(implied), implied, np.inf), axis=1)


def here(state):
    """What the model and its rivals lose at the noise that is shown -> dict"""
    lost = {kind: average(state.rivals[kind])[state.level] for kind in RIVALS}
    return dict(softmax=average(state.risks)[state.level]) | lost


def loses_least(lost):
    """Does the softmax transformer lose least, or a linear one? Which of the two linear ones, too few sequences are drawn to say."""
    return "softmax" if lost["softmax"] < min(lost["diag"], lost["full"]) else "linear"


def ends_of_line(state):
    """The answer to the longest query, and what the two linear functions say there -> dict"""
    return dict(
        reached=np.interp(state.length, LENGTHS, state.answers),
        line=state.slope * state.length,
        oracle=state.oracle_slope * state.length,
    )


def ends_before(begun):
    """The same, where a beat began -> dict"""
    ends = ends_of_line(begun)
    return dict(first=ends["reached"], first_line=ends["line"], first_length=begun.length)


def way_on(state):
    """Does the answer to the longest query stay on the line through the typical answers?"""
    ends = ends_of_line(state)
    share = ends["reached"] / ends["line"]
    if abs(share - 1) <= NEAR:
        return "straight"
    return "short" if share < 1 else "beyond"


def size_of(share):
    """How large is a share?"""
    if share < 0.01:
        return "hundredth"
    return "tenth" if share < 0.1 else "more"


def made(state):
    """How the model was made, and how far from done it is."""
    record = state.record
    return Message(
        "softmax.made",
        kind=Message(f"softmax.choice.{state.kind}"),
        depth=Message("layers.count", count=state.layers),
        noise=state.noise.label,
        steps=record["steps"],
        loss=record["loss"],
        error=record["standard_error"],
        half=record["halves"][-2][1],
        bayes=state.bayes,
    )


def losses(state):
    """What it loses at this noise, beside the others."""
    bayes = average(state.rivals["bayes"])[state.level]
    said = {name: amount(value) for name, value in (here(state) | dict(bayes=bayes)).items()}
    return Message("softmax.here", sigma=state.sigma, sequences=SEQUENCES, **said)


def amount(value):
    """An excess risk, as far as its axis reaches."""
    if value > EXCESS.high:
        return Message("softmax.more", limit=EXCESS.high)
    if value < EXCESS.low:
        return Message("softmax.less", limit=EXCESS.low)
    return Message("softmax.amount", value=value)


def reading(state):
    """The noise that its probed weight acts on, on half of the sequences more and on half less."""
    low, median, high = np.quantile(state.implied[state.level], [0.25, 0.5, 0.75])
    return Message("softmax.reads", sigma=state.sigma, median=median, low=low, high=high, sequences=SEQUENCES)


def warning(state):
    """That the model was not made for this noise, if so."""
    outside = outside_training(state.sigma, trained_spans(state.noise))
    return [Message("softmax.outside").on("bent", "profile", "meter")] if outside else []


def line_panel(state, ghost):
    """Answers to longer and longer queries, beside two linear functions."""
    marks = [
        Band("range", [TYPICAL], name="typical"),
        Curve("oracle", LENGTHS, state.oracle_slope * LENGTHS),
        Curve("kept part", LENGTHS, state.slope * LENGTHS, name="linear"),
    ]
    if ghost is not None:
        marks.append(Curve("ghost", LENGTHS, up_to(ghost.length, LENGTHS, ghost.answers)))
    marks.append(Curve("model", LENGTHS, up_to(state.length, LENGTHS, state.answers)))
    return Panel("line", LENGTH, ANSWER, marks, dict(sigma=state.sigma), ends=True)


def bent_panel(state, ghost):
    """How much of its answers is not linear in the query, by noise level."""
    marks = [Band("range", trained_spans(state.noise))]
    if ghost is not None:
        marks.append(Path("ghost", LEVELS, up_to(ghost.sigma, LEVELS, ghost.bent)))
    marks.append(Path("model", LEVELS, up_to(state.sigma, LEVELS, state.bent)))
    return Panel("bent", SIGMA, SHARE, marks, ends=True)


def profile_panel(state, ghost):
    """Excess risks by noise level."""
    marks = [Band("range", trained_spans(state.noise))]
    marks.append(Curve("bayes", LEVELS, up_to(state.sigma, LEVELS, average(state.rivals["bayes"]))))
    for kind, role in RIVALS.items():
        marks.append(Path(role, LEVELS, up_to(state.sigma, LEVELS, average(state.rivals[kind])), name=kind))
    if ghost is not None:
        marks.append(Path("ghost", LEVELS, up_to(ghost.sigma, LEVELS, average(ghost.risks))))
    marks.append(Path("model", LEVELS, up_to(state.sigma, LEVELS, average(state.risks))))
    return Panel("profile", SIGMA, EXCESS, marks, ends=True)


def meter_panel(state, ghost, guess):
    """The noise that the probed weight acts on, against the true one: medians over the sequences."""
    marks = [
        Band("range", trained_spans(state.noise)),
        Guide("diagonal", [0, READ.high], [0, READ.high]),
        Path("others", LEVELS, up_to(state.sigma, LEVELS, middle(state.implied_diag)), name="diag"),
    ]
    if ghost is not None:
        marks.append(Path("ghost", LEVELS, up_to(ghost.sigma, LEVELS, middle(ghost.implied))))
    marks += [
        Path("model", LEVELS, up_to(state.sigma, LEVELS, middle(state.implied))),
        Guess(ASKED_AT, guess, grab="implied_guess"),
    ]
    return Panel("meter", SIGMA, READ, marks, ends=True)
