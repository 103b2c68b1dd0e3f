"""The profile lab: how good is a trained model, by noise, by depth and by sequence? (paper, section 6, Fig. 1, 2 and 3)

Panels: the loss on the training noise, by depth; the excess risk at each noise level, with the training range shaded; how the excess at one
noise level is spread over sequences; on how many of them the model is nearer to the oracle than AdaRR is; and on how many it explodes.
Curves are drawn as far as the noise and the depth have been slid, so that there is something to predict.

The same sequences stand at every noise level: truth, inputs and the direction of the noise stay, y = X w + sigma xi. So a curve is
smooth, and two curves differ by their predictors alone. The losses on the training noise are stored ones, of many more sequences.
"""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from ..baselines import on_spectrum, stored_losses
from ..evaluate import evaluate, excess
from ..language import Message
from ..noise import Fixed, Noise, parse_noise
from ..pretrained import stored
from ..table1 import paper_table
from ..tune import tune
from ..view.panel import Axis, Band, Bars, Curve, Guess, Panel, Path, Points
from .base import Lab
from .beats import Beat
from .controls import Choice, Opinion, Prediction
from .frozen import Frozen
from .marks import level, log_axis, up_to
from .material import (
    KINDS,
    TABLE_DEPTH,
    at_each_noise,
    average,
    kind_label,
    kinds_for,
    outside_training,
    stored_model,
    stored_noises,
    table_depths,
    trained_spans,
)
from .own_task import PAPER_TASK, OwnTask

LEVELS = np.array([*np.arange(0, 5.5, 0.5), 6.0, 7.0, 8.0, 9.0, 10.0])
SEQUENCES = 300
JUDGED = 5_000  # sequences of a learner's own task for a loss by depth
EXPLODED = 50.0  # an excess ten times the d/2 = 5 that the answer 0 costs on average
SMALL = 0.01  # losses below this are said with a digit more

# The baselines, worst first: their roles, and what the package calls them.
RUNGS = {"constrr": "ConstRR", "adarr": "AdaRR", "tunedrr": "TunedRR", "bayes": "Bayes-optimal"}
OTHERS = ("others", "stored")  # the roles of the two kinds of models beside the one that is shown
BESIDE = ("adarr", "bayes")  # the rungs that stand beside the model at each noise


def decade_axis(name, low, high, below="edge"):
    """A logarithmic axis with a tick at each power of ten, written out."""
    powers = np.arange(np.ceil(np.log10(low)), np.floor(np.log10(high)) + 1)
    ticks = tuple(10.0**powers)
    return log_axis(name, low, high, ticks, tuple(f"{tick:g}" for tick in ticks), below)


# Each x axis goes on far enough for the names at the lines' ends.
SIGMA = Axis("sigma", 0.0, 12.4, ticks=(0, 2, 4, 6, 8, 10))
EXCESS = decade_axis("excess", 1e-3, EXPLODED, below="gap")
DEPTH = Axis("depth", 0.5, TABLE_DEPTH + 2.5, ticks=tuple(range(1, TABLE_DEPTH + 1)))
RUNG = np.array([DEPTH.low, TABLE_DEPTH])  # from where to where a baseline is drawn among the depths
LOSS = decade_axis("excess", 1e-3, 3.0, below="gap")
SPREAD = decade_axis("excess", 1e-3, 1e3, below="floor")
LOSING_MORE = decade_axis("sequences", 0.5 / SEQUENCES, 1.2)
SHARE = Axis("sequences", -0.03, 1.03)
MIDDLE = 7.5  # where the star of a noise stands before it is set


TOLD_OF = dict(kind="diag", noise="uniform-5")  # what the beats are about
HOW_MANY = {Message(f"profile.choice.{one}"): one for one in ("few", "half", "most")}


@dataclass(frozen=True)
class ProfileState(Frozen):
    """Everything that the lab shows at one setting. J noise levels, K sequences."""

    kind: str
    layers: int
    noise: Noise  # what the model was trained on
    sigma: float  # one of LEVELS: how far the curves are drawn
    risks: np.ndarray  # (J, K): excess risk of the model; inf where it has no finite answer
    rivals: dict  # role of a baseline -> (J, K)
    own: bool  # is the task a learner's own?
    families: dict  # kind -> (3, L): depths from 1 to `layers`, loss on the training noise or on the learner's task, standard error
    baselines: dict  # role of a baseline -> loss there

    @property
    def level(self):
        """Where sigma stands in LEVELS."""
        return int(np.flatnonzero(self.sigma == LEVELS)[0])

    @property
    def exploded(self):
        """How many sequences lose more than EXPLODED at each level -> (J,)"""
        return (self.risks > EXPLODED).sum(axis=1)

    @property
    def nearer(self):
        """Share of sequences on which the model is nearer to the oracle than AdaRR is -> (J,)"""
        return (self.risks < self.rivals["adarr"]).mean(axis=1)


@cache
def mixed_noises(kind):
    """The noises for which models of a kind are stored, but those with a single sigma -> {label: key}"""
    noises = {label: parse_noise(key) for label, key in stored_noises(kind).items()}
    return {
        label: noise.key
        for label, noise in noises.items()
        if not isinstance(noise, Fixed) and noise != Fixed(0)
    }


class ProfileLab(Lab):
    """Slide noise and depth; see where a trained model stands between AdaRR and the Bayes-optimal predictor, and where it breaks.

    ProfileLab(kind="diag", noise="uniform-5", layers=4, sigma=5.0)
    ProfileLab(task=task)       # the stored models on a task of your own, beside its own Bayes-optimal predictor
    """

    NAME = "profile"
    GHOST = True
    ROW = 225
    CONTROLS = dict(
        task=OwnTask(),
        kind=Choice(kinds_for, "diag"),
        noise=Choice(mixed_noises, "uniform-5", slide=True),
        layers=Choice(table_depths, 1, slide=True),
        sigma=Choice(tuple(LEVELS.tolist()), 5.0, slide=True),
        layers_guess=Prediction(1, TABLE_DEPTH, 1),
        sigma_guess=Prediction(5.0, 10.0, 0.5),
        exploded_guess=Opinion(HOW_MANY),
    )
    BEATS = (
        Beat(
            "depth",
            panels=("depth",),
            control="layers",
            values=dict(layers=1, **TOLD_OF),
            ask="layers_guess",
            at=dict(layers=TABLE_DEPTH),
            answer=lambda state, begun: layers_below(state, "adarr"),
            tell=lambda state, begun: tell_depths(state),
        ),
        Beat(
            "range",
            panels=("noise",),
            control="sigma",
            values=dict(layers=TABLE_DEPTH, sigma=5.0, **TOLD_OF),
            ask="sigma_guess",
            at=dict(sigma=7.0),
            answer=lambda state, begun: span_of_model(state)[1],
            tell=lambda state, begun: tell_levels(state),
        ),
        Beat(
            "explode",
            panels=("noise", "spread"),
            control="sigma",
            values=dict(layers=TABLE_DEPTH, sigma=7.0, **TOLD_OF),
            ask="exploded_guess",
            at=dict(sigma=8.0),
            answer=lambda state, begun: how_many(state.exploded[state.level] / SEQUENCES),
            tell=lambda state, begun: tell_explosions(state),
        ),
    )

    @staticmethod
    def compute(kind, noise, layers, sigma, task=None):
        families, losses = stored_table(noise) if task is None else measured_table(noise, task)
        return ProfileState(
            kind=kind,
            layers=layers,
            noise=parse_noise(noise),
            sigma=sigma,
            risks=model_risks(kind, layers, noise, task),
            rivals=rivals(noise, task),
            own=task is not None,
            families={family: table[:, table[0] <= layers] for family, table in families.items()},
            baselines={role: losses[name][0] for role, name in RUNGS.items()},
        )

    @staticmethod
    def panels(state, ghost, guesses):
        return [
            depth_panel(state, guesses["layers_guess"]),
            noise_panel(state, ghost, guesses["sigma_guess"]),
            spread_panel(state, ghost),
            nearer_panel(state, ghost),
            exploded_panel(state, ghost),
        ]

    @staticmethod
    def words(state, ghost):
        return [
            place_on_ladder(state).on("depth"),
            risks_here(state).on("noise", "spread", "nearer"),
            *(each.on("noise", "spread", "exploded") for each in explosions(state)),
            *(each.on("noise", "spread", "nearer", "exploded") for each in warning(state)),
        ]


def layers_below(state, role):
    """How many layers the model needs for a smaller loss on its training noise than a baseline's; None where no depth has one."""
    depth, loss, _ = state.families[state.kind]
    below = depth[loss < state.baselines[role]]
    return int(below[0]) if len(below) else None


def tell_depths(state):
    """How many layers beat TunedRR, and how near to the best possible the deepest model comes -> dict"""
    loss = state.families[state.kind][1, -1]
    return dict(tuned=layers_below(state, "tunedrr"), loss=loss, best=state.baselines["bayes"])


def span_of_model(state):
    """From which noise level on the model loses less than AdaRR on average, and from which on no more."""
    better = average(state.risks) < average(state.rivals["adarr"])
    first = int(better.argmax())
    return LEVELS[first], LEVELS[first + int((~better[first:]).argmax())]


def tell_levels(state):
    """Where the model is the better one, and what the Bayes-optimal predictor and AdaRR lose at the noise that is shown -> dict"""
    bayes, adarr = (average(state.rivals[role])[state.level] for role in ("bayes", "adarr"))
    return dict(first=span_of_model(state)[0], sigma=state.sigma, bayes=bayes, adarr=adarr)


def how_many(share):
    """A share in words."""
    if share < 0.1:
        return "few"
    return "half" if share < 0.75 else "most"


def tell_explosions(state):
    """How many sequences explode, and what the median one loses -> dict"""
    risks = state.risks[state.level]
    return dict(
        count=int(state.exploded[state.level]), sequences=SEQUENCES, limit=EXPLODED, median=np.median(risks)
    )


def risks_of(predict, task=None):
    """Excess risks of a function Spectrum -> w (B, d) on the sequences -> (J, K)"""
    spectrum, _, sigma = at_each_noise(tuple(LEVELS), SEQUENCES, signs=(1,), task=task)
    oracle = spectrum.ridge(sigma)  # (J K, d)
    with np.errstate(over="ignore", invalid="ignore"):
        risks = excess(predict(spectrum) - oracle, (task or PAPER_TASK).covariance)  # (J K,)
    risks = np.where(np.isfinite(risks), risks, np.inf)
    return risks.reshape(len(LEVELS), SEQUENCES)


@lru_cache(maxsize=16)
def rivals(noise, task):
    """The baselines for a noise, or for a learner's own task -> {role: (J, K)}"""
    predictors = on_spectrum(parse_noise(noise)) if task is None else own_baselines(task)
    return {role: risks_of(predictors[name], task) for role, name in RUNGS.items()}


@lru_cache(maxsize=8)
def own_baselines(task):
    """The baselines of a learner's own task, TunedRR among them, in the lab's units -> {name: function, Spectrum -> w}"""
    return on_spectrum(task.in_units, constants=tune(task.in_units, JUDGED))


@lru_cache(maxsize=256)
def model_risks(kind, layers, noise, task=None):
    """The stored model -> (J, K)"""
    model = stored_model(kind, layers, noise, dim=(task or PAPER_TASK).dim)
    return risks_of(lambda spectrum: model.implicit_weight(spectrum.S), task)


def stored_table(noise):
    """Losses on the training noise, as stored -> {kind: as `stored_family` has it}, {name of a baseline: [loss, standard error]}"""
    return {kind: stored_family(kind, noise) for kind in KINDS.values()}, stored_losses()[noise]


@lru_cache(maxsize=32)
def measured_table(noise, task):
    """The same on a learner's own task, in the lab's units, measured -> as from `stored_table`"""
    models = {
        (kind, layers): stored_model(kind, layers, noise, dim=task.dim)
        for kind in kinds_for(task).values()
        for layers in table_depths(kind, noise)
    }
    answers = {
        key: lambda spectrum, model=model: model.implicit_weight(spectrum.S) for key, model in models.items()
    }
    found = evaluate(answers | own_baselines(task), task.in_units, JUDGED, np.random.default_rng(1))
    rows = {key: (result.loss, result.standard_error) for key, result in found.items()}
    families = {
        kind: np.array([(layers, *rows[family, layers]) for family, layers in models if family == kind]).T
        for kind in kinds_for(task).values()
    }
    return families, {name: rows[name] for name in RUNGS.values()}


def stored_family(kind, noise):
    """Depth, loss and standard error of the stored models of one kind, down to those of Table 1 -> (3, L)"""
    family = [
        entry
        for entry in stored()
        if (entry["kind"], entry["noise"], entry["heads"], entry["variant"]) == (kind, noise, 1, "")
    ]
    rows = [
        (entry["layers"], entry["loss"], entry["standard_error"])
        for entry in family
        if entry["layers"] <= TABLE_DEPTH
    ]
    return np.array(sorted(rows), float).T


def place_on_ladder(state):
    """The model, its loss on its training noise, and the baselines on either side."""
    _, loss, error = state.families[state.kind][:, -1]
    if loss < SMALL:
        measured = Message("profile.small_loss", loss=loss, error=error)
    else:
        measured = Message("profile.loss", loss=loss, error=error)
    return Message(
        "profile.model_own" if state.own else "profile.model",
        kind=kind_label(state.kind),
        depth=Message("layers.count", count=state.layers),
        noise=state.noise.label,
        loss=measured,
        standing=standing(loss, state.baselines),
    )


def standing(loss, baselines):
    """Between which rungs of the ladder, ordered from the worst, a loss stands."""
    beaten = [role for role, rung in baselines.items() if loss <= rung]
    ahead = [role for role, rung in baselines.items() if loss > rung]
    rung = {
        role: Message("profile.rung", name=Message(f"mark.{role}"), loss=baselines[role])
        for role in baselines
    }
    if not beaten:
        return Message("profile.behind", ahead=rung[ahead[0]])
    if not ahead:
        return Message("profile.no_worse", beaten=rung[beaten[-1]])
    return Message("profile.between", beaten=rung[beaten[-1]], ahead=rung[ahead[0]])


def risks_here(state):
    """What model and AdaRR lose at this noise."""
    risks = state.risks[state.level]
    return Message(
        "profile.here",
        sigma=state.sigma,
        sequences=SEQUENCES,
        mean=mean_risk(risks),
        median=risk(np.median(risks)),
        adarr=mean_risk(state.rivals["adarr"][state.level]),
    )


def mean_risk(risks):
    """A mean, with its standard error where the axis of the excess risk reaches it."""
    mean = average(risks)
    if not EXCESS.low <= mean <= EXCESS.high:
        return Message("profile.mean_beyond", mean=risk(mean))
    error = risks.std(ddof=1) / np.sqrt(len(risks))
    return Message("profile.mean", mean=risk(mean), error=error)


def risk(value):
    """A number, as far as the axis of the excess risk reaches."""
    if value > EXCESS.high:
        return Message("profile.more", limit=EXCESS.high)
    if value < EXCESS.low:
        return Message("profile.less", limit=EXCESS.low)
    return Message("profile.risk", risk=value)


def explosions(state):
    """On how many sequences the model explodes, if on any."""
    count = int(state.exploded[state.level])
    if not count:
        return []
    return [Message("profile.explode", count=count, sequences=SEQUENCES, limit=EXPLODED)]


def warning(state):
    """That the model was not made for this noise, if so."""
    outside = outside_training(state.sigma, trained_spans(state.noise))
    return [Message("profile.outside")] if outside else []


def noise_panel(state, ghost, guess):
    """Excess risks by noise level, as far as the noise has come."""
    marks = [Band("range", trained_spans(state.noise))]
    for role in BESIDE:
        marks.append(Curve(role, LEVELS, up_to(state.sigma, LEVELS, average(state.rivals[role]))))
    if ghost is not None:
        there = up_to(ghost.sigma, LEVELS, average(ghost.risks))
        marks.append(
            Path("ghost second", LEVELS, there, name="ghost")
        )  # the median has the other ghost's sign
    median = np.median(state.risks, axis=1)
    marks += [
        Path("median", LEVELS, up_to(state.sigma, LEVELS, median)),
        Path("model", LEVELS, up_to(state.sigma, LEVELS, average(state.risks)), name="mean"),
    ]

    # The guess is where the model comes to lose more than AdaRR: on AdaRR's curve.
    adarr = average(state.rivals["adarr"])
    marks.append(
        Guess(
            guess, np.interp(MIDDLE if guess is None else guess, LEVELS, adarr), grab="sigma_guess", along="x"
        )
    )
    return Panel("noise", SIGMA, EXCESS, marks, ends=True)


def depth_panel(state, guess):
    """Stored losses by depth, the paper's beside them, between the baselines'."""
    table = paper_table()
    depth, loss, error = state.families[state.kind]
    paper = [table.get((state.kind, int(layers), state.noise.key), np.nan) for layers in depth]
    paper = np.full(len(depth), np.nan) if state.own else np.array(paper)
    marks = [Curve(role, RUNG, np.full(2, rung)) for role, rung in state.baselines.items()]
    others = [kind for kind in state.families if kind != state.kind]
    for role, kind in zip(OTHERS, others, strict=False):
        layers, losses, _ = state.families[kind]
        marks.append(Path(role, layers, losses, name=kind, keys=dict(layer=layers)))
    marks += [
        Bars(
            "model",
            depth,
            loss,
            low=loss - 2 * error,
            high=loss + 2 * error,
            joined=True,
            name=state.kind,
            keys=dict(layer=depth),
        ),
        Points("paper", depth, paper),
        Guess(guess, state.baselines["adarr"], grab="layers_guess", along="x"),
    ]
    where = Message("profile.on_task" if state.own else "profile.on_training_noise")
    return Panel("depth", DEPTH, LOSS, marks, dict(where=where), ends=True)


def spread_panel(state, ghost):
    """How many sequences lose more than a given excess at this noise."""
    losing_more = 1 - np.arange(SEQUENCES) / SEQUENCES
    marks = [Band("range", [(EXPLODED, SPREAD.high)], name="exploded")]
    marks += [Curve(role, np.sort(state.rivals[role][state.level]), losing_more) for role in BESIDE]
    if ghost is not None:
        marks.append(Curve("ghost", np.sort(ghost.risks[state.level]), losing_more))
    marks.append(Curve("model", np.sort(state.risks[state.level]), losing_more))
    return Panel("spread", SPREAD, LOSING_MORE, marks, dict(sigma=state.sigma), ends=True)


def nearer_panel(state, ghost):
    """On how many sequences the model is nearer to the oracle than AdaRR is."""
    marks = [Band("range", trained_spans(state.noise)), level(SIGMA, 0.5)]
    if ghost is not None:
        marks.append(Path("ghost", LEVELS, up_to(ghost.sigma, LEVELS, ghost.nearer)))
    marks.append(Path("model", LEVELS, up_to(state.sigma, LEVELS, state.nearer)))
    return Panel("nearer", SIGMA, SHARE, marks, ends=True)


def exploded_panel(state, ghost):
    """On how many sequences it explodes."""
    marks = [Band("range", trained_spans(state.noise))]
    if ghost is not None:
        marks.append(Path("ghost", LEVELS, up_to(ghost.sigma, LEVELS, ghost.exploded / SEQUENCES)))
    marks.append(
        Path("exploded", LEVELS, up_to(state.sigma, LEVELS, state.exploded / SEQUENCES), name="model")
    )
    return Panel("exploded", SIGMA, SHARE, marks, dict(limit=EXPLODED), ends=True)
