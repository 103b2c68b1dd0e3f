"""The pilot lab: how far may reality be from the training task before a frozen model fails, and does the alarm ring before it does?

Every context is y = scale (f(x) + sigma xi), with one mismatch of a strength t from 0 (the training task) to 1. Truths, inputs and noises
are drawn once: the strength, sigma and scale only reshape them. An error is the mean squared error of an answer at new inputs, in units
of the target's mean square: 1 is what answering 0 costs.

Panels: the error against the strength of the mismatch, beside those of ridge regression with its penalty from cross-validation, from the
residuals (AdaRR) and by evidence, and of the predictor that is best for the training task; how many contexts fail, and how many of them
ring the alarm; how well the implicit weight of each layer fits its own context; and each context, by its misfit and its error. Curves
are drawn as far as the strength has been slid, so that there is something to predict.

With a table of one's own in it (own_table.py) the lab tries the model on that (pilot_on_table.py).
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..implicit import implicit_from_moments
from ..language import Message, Refusal
from ..noise import Uniform
from ..practice import guarded, misfit, ridge_cv
from ..spectrum import Spectrum
from ..table_of_tasks import read_table
from ..task import PAPER, second_moments
from ..view.panel import Axis, Curve, Guess, Panel, Path
from .base import Lab, in_turn
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Seed, Slider
from .frozen import Frozen
from .judged import ERROR, Judged, context_panel, layer_panel, mean_in_words
from .marks import level
from .material import kind_label, stored_model
from .own_table import OwnTable, TableDesk
from .pilot_on_table import TableState, judge, table_panels, table_words

CONTEXTS = 100
TRAINED_ON = Uniform(5.0)
STRENGTHS = np.arange(6) / 5
TOLD_OF = dict(strength=0.0, sigma=2.0, scale=1.0)  # where the beats begin
FEW = 0.2  # a share of the contexts up to which they are few
FOUND = {Message(f"pilot.choice.{found}"): found for found in ("most", "half", "hardly")}
RINGING = {Message(f"pilot.choice.{ringing}"): ringing for ringing in ("many", "few", "none")}
MODELS = ("diag-4", "diag-7", "full-4", "full-7")  # trained on TRAINED_ON
STRENGTH = Axis("strength", -0.03, 1.03)


@dataclass(frozen=True)
class Draws(Frozen):
    """What B contexts are made from, standard normal but for the last."""

    x: np.ndarray  # (B, n, d)
    w: np.ndarray  # (B, d)
    xi: np.ndarray  # (B, n)
    u: np.ndarray  # (B, n): decides which examples are loud
    chance: np.ndarray  # (B, n), uniform between 0 and 1: decides which labels are outliers


@lru_cache(maxsize=8)
def draw(seed):
    """The material of CONTEXTS contexts -> Draws"""
    rng = np.random.default_rng(seed)
    n, d = PAPER.context, PAPER.dim
    x = rng.normal(size=(CONTEXTS, n, d))
    w = rng.normal(size=(CONTEXTS, d))
    xi = rng.normal(size=(CONTEXTS, n))
    u = rng.normal(size=(CONTEXTS, n))
    chance = rng.random((CONTEXTS, n))
    return Draws(x, w, xi, u, chance)


def covariance_of(mismatch, t):
    """The covariance of the inputs: every two of them are correlated, up to 0.9, if that is the mismatch -> (d, d)"""
    shared = 0.9 * t if mismatch == "correlated" else 0.0
    return (1 - shared) * np.eye(PAPER.dim) + shared


def correlate_inputs(draws, t):
    root = np.linalg.cholesky(covariance_of("correlated", t))  # (d, d)
    return draws.x @ root.T, draws.xi


def make_rows_outlie(draws, t):
    """Some rows are large, others small; their mean square stays."""
    size = np.exp(t * draws.u - t**2)  # (B, n)
    return draws.x * size[..., None], draws.xi


def make_tails_heavy(draws, t):
    """Some labels are far noisier than others; the mean square of the noise stays."""
    spread = 1.5 * t
    size = np.exp(spread * draws.u - spread**2)  # (B, n)
    return draws.x, draws.xi * size


def add_outliers(draws, t):
    """Up to a fifth of the labels has ten times the noise."""
    outlies = draws.chance < 0.2 * t  # (B, n)
    return draws.x, np.where(outlies, 10 * draws.xi, draws.xi)


def make_noise_uneven(draws, t):
    """The noise grows with the first input; its mean square stays."""
    size = np.sqrt(1 - t + t * draws.x[..., 0] ** 2)  # (B, n)
    return draws.x, draws.xi * size


def leave_as_drawn(draws, t):
    """A curved target has plain inputs and plain noise: `make_contexts` bends it."""
    return draws.x, draws.xi


MISMATCHES = {  # name: inputs (B, n, d) and noise (B, n) of the contexts at a strength
    "correlated": correlate_inputs,
    "outlying": make_rows_outlie,
    "heavy-tailed": make_tails_heavy,
    "outliers": add_outliers,
    "uneven": make_noise_uneven,
    "curved": leave_as_drawn,
}


def call_mismatch(mismatch):
    """What a mismatch is called -> Message"""
    return Message(f"pilot.mismatch.{mismatch}")


def call_model(model):
    """What a model such as "diag-4" is called -> Message"""
    kind, layers = model.split("-")
    return Message("pilot.model", kind=kind_label(kind), layers=Message("layers.count", count=int(layers)))


def fitting_models(table):
    """The models that can read the features of a table, None for the lab's own contexts -> {what each is called: model}

    A FULL model's weights belong to one number of features.
    """
    any_dim = table is None or table.dim == PAPER.dim
    return {call_model(model): model for model in MODELS if any_dim or not model.startswith("full")}


def make_contexts(mismatch, strength, sigma, scale, seed):
    """Contexts x (B, n, d), y (B, n), and their truths (B, d) in units of y."""
    draws = draw(seed)
    x, xi = MISMATCHES[mismatch](draws, strength)
    target = (x @ draws.w[..., None])[..., 0]  # (B, n)

    # At strength 1 the curve is as large as the straight part: its mean square is d, as that of <w, x> is.
    if mismatch == "curved":
        curve = np.sqrt(PAPER.dim / 2) * (x[..., 0] ** 2 - 1)  # (B, n)
        target = target + strength * curve
    return x, scale * (target + sigma * xi), scale * draws.w


def measure_error(w, truth, mismatch, strength, scale):
    """Mean squared error at new inputs, over the target's mean square.    w, truth : (B, d)  ->  (B,)

    No weight can follow the curve of a curved target: its mean square is missed whatever the answer.
    """
    covariance = covariance_of(mismatch, strength)
    bend = strength**2 if mismatch == "curved" else 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        missed = w - truth  # (B, d)
        straight = ((missed @ covariance) * missed).sum(axis=1) / scale**2  # (B,)
        errors = (straight / PAPER.dim + bend) / (1 + bend)
    return np.where(np.isfinite(errors), errors, np.inf)


@dataclass(frozen=True)
class Pilot(Judged):
    """B contexts at one strength of the mismatch."""

    guarded: np.ndarray  # (B,): with ridge regression in its place where the alarm rings
    ridge: np.ndarray  # (B,): of ridge regression with cross-validation
    ada: np.ndarray  # (B,): of AdaRR
    evidence: np.ndarray  # (B,): of evidence ridge
    bayes: np.ndarray  # (B,): of the predictor that is best for the training task


@lru_cache(maxsize=512)  # a slide of the strength asks again for all that it has passed
def pilot(mismatch, strength, model, sigma, scale, seed):
    """The contexts of one setting, answered.

    Parameters
    ----------
    mismatch : str.  One of MISMATCHES.
    strength : number from 0, the training task, to 1.
    model : str.  Kind and depth of a stored model, trained on U(0, 5): "diag-4".
    sigma, scale : numbers.  The noise, and the factor on the labels.
    seed : int.

    Returns
    -------
    Pilot
    """
    kind, layers = model.split("-")
    transformer = stored_model(kind, int(layers), TRAINED_ON.key)
    x, y, truth = make_contexts(mismatch, strength, sigma, scale, seed)
    S = second_moments(x, y)  # (B, D, D)

    path = implicit_from_moments(transformer, S).w  # (B, L+1, d)
    fits = misfit(path, S)  # (B, L+1)
    answer = path[:, -1]  # (B, d)
    ridge, _ = ridge_cv(x, y)  # (B, d)
    spectrum = Spectrum.from_moments(S, PAPER.context)
    ada = spectrum.ridge(spectrum.noise_estimate())  # (B, d)
    evidence = spectrum.ridge(spectrum.noise_by_evidence())  # (B, d)
    bayes = spectrum.bayes(TRAINED_ON, count=32)  # (B, d)

    # The guard knows no truth: it looks at the misfit alone.
    safe, _ = guarded(answer, S, fallback=ridge)  # (B, d)
    answers = dict(model=answer, guarded=safe, ridge=ridge, ada=ada, evidence=evidence, bayes=bayes)
    errors = {name: measure_error(w, truth, mismatch, strength, scale) for name, w in answers.items()}
    return Pilot(**errors, misfit=fits)


@dataclass(frozen=True)
class PilotState(Frozen):
    """The pilots at all strengths that have been reached, the last one that of the slider."""

    mismatch: str
    strength: float
    sigma: float
    scale: float
    reached: tuple  # of Pilot

    @property
    def now(self):
        """The pilot at the strength of the slider."""
        return self.reached[-1]

    def mean_error(self, answer):
        """The mean error of one field of Pilot at all strengths, gaps where none was reached yet -> (6,)"""
        return self.by_strength([getattr(pilot, answer).mean() for pilot in self.reached])

    def by_strength(self, values):
        """One number for each pilot, and gaps at the strengths that were not reached yet -> (6,)"""
        grown = np.full(len(STRENGTHS), np.nan)
        grown[: len(values)] = values
        return grown


class PilotLab(Lab):
    """Choose how reality differs from the training task; see the model fail, the alarm ring, and ridge regression beside it.

    PilotLab(mismatch="outlying", strength=0.4, model="full-7", sigma=2.0, scale=1.0)
    PilotLab(table=lt.read_table(open("table.csv", "rb").read()))
    """

    NAME = "pilot"
    NO_TASK = Message("task.pilot")
    ROW = 220
    CONTROLS = dict(
        table=OwnTable(),
        strength=Slider(0.0, 1.0, 0.2, value=0.0),
        mismatch=Choice({call_mismatch(mismatch): mismatch for mismatch in MISMATCHES}, "correlated"),
        model=Choice(fitting_models, "diag-4"),
        sigma=Slider(0.0, 8.0, 0.5, value=2.0),
        scale=Choice((0.25, 0.5, 1.0, 2.0, 4.0), 1.0, slide=True),
        guess=Prediction(0.0, 1.0, 0.2),
        found_guess=Opinion(FOUND),
        ring_guess=Opinion(RINGING),
        seed=Seed(),
    )
    BEATS = (
        Beat(
            "correlated",
            panels=("share",),
            control="strength",
            values=dict(mismatch="correlated", model="diag-4", seed=1, **TOLD_OF),
            ask="guess",
            at=dict(strength=1.0),
            answer=lambda state, begun: first_failure(state),
            tell=lambda state, begun: dict(
                failed=state.now.failed.sum(), hit=(state.now.failed & state.now.rings).sum()
            ),
        ),
        Beat(
            "outliers",
            panels=("share", "contexts"),
            control="strength",
            # With more noise more of them fail, so that the answer rests on nine contexts.
            values=dict(mismatch="outliers", model="full-7", seed=2, **{**TOLD_OF, "sigma": 3.0}),
            ask="found_guess",
            at=dict(strength=1.0),
            answer=lambda state, begun: how_many_found(state.now),
            tell=lambda state, begun: dict(
                failed=state.now.failed.sum(), hit=(state.now.failed & state.now.rings).sum()
            ),
        ),
        Beat(
            "curved",
            panels=("share", "error"),
            control="strength",
            values=dict(mismatch="curved", model="full-7", seed=1, **TOLD_OF),
            ask="ring_guess",
            at=dict(strength=1.0),
            answer=lambda state, begun: how_many_ring(state.now),
            tell=lambda state, begun: dict(
                before=begun.now.model.mean(), error=state.now.model.mean(), ada=state.now.ada.mean()
            ),
        ),
    )

    @staticmethod
    def compute(table, strength, mismatch, model, sigma, scale, seed):
        if table is not None:
            kind, layers = model.split("-")
            return judge(table, model.upper(), stored_model(kind, int(layers), TRAINED_ON.key), seed)
        passed = STRENGTHS[: round(5 * strength) + 1]
        return PilotState(
            mismatch=mismatch,
            strength=strength,
            sigma=sigma,
            scale=scale,
            reached=tuple(pilot(mismatch, float(t), model, sigma, scale, seed) for t in passed),
        )

    @staticmethod
    def panels(state, ghost, guesses):
        if isinstance(state, TableState):
            return table_panels(state)
        return [
            error_panel(state),
            share_panel(state, guesses["guess"]),
            layer_panel(state.now),
            context_panel(state.now),
        ]

    @staticmethod
    def words(state, ghost):
        if isinstance(state, TableState):
            return table_words(state)
        now = state.now
        return [
            Message(
                "pilot.setting",
                mismatch=call_mismatch(state.mismatch),
                strength=state.strength,
                sigma=state.sigma,
                scale=state.scale,
            ),
            Message(
                "pilot.errors",
                model=mean_in_words(now.model),
                guarded=mean_in_words(now.guarded),
                ridge=mean_in_words(now.ridge),
                ada=mean_in_words(now.ada),
                evidence=mean_in_words(now.evidence),
                bayes=mean_in_words(now.bayes),
            ).on("error"),
            Message(
                "pilot.alarms",
                contexts=CONTEXTS,
                failed=now.failed.sum(),
                rang=now.rings.sum(),
                hit=(now.rings & now.failed).sum(),
            ).on("share", "layers", "contexts"),
        ]

    def view(self):
        """The line of code that opens the lab in its present state; in place of a table that was dropped, the one that reads it again."""
        if self.values["table"] is None:
            return super().view()
        package, _, _ = __package__.partition(".")
        return f"from {package} import {read_table.__name__}; {super().view()}"

    @in_turn
    def show_table(self, table):
        """Try the model on a table, with all that there is to see; None: on the lab's own contexts again.

        Parameters
        ----------
        table : TableOfTasks or None.  What `lt.read_table` gave.
        """
        try:
            table = self.CONTROLS["table"].check("table", table, {})
        except Refusal as refusal:
            raise refusal.said_in(self.language) from None
        self._shown_panels = None
        self.go_to(None)
        self.controls["table"].value = table

    def _document(self):
        """A table does not travel, and neither do the names of its panels."""
        state = super()._document()
        return state if self.values["table"] is None else replace(state, panels=None)

    def _control_panel(self):
        panel = super()._control_panel()
        self._desk = TableDesk(self, self.show_table)
        self.controls["table"].observe(lambda change: self._set_aside(change.new), "value")
        self._set_aside(self.values["table"])
        panel.children = [*panel.children, self._desk.widget]
        return panel

    def _set_aside(self, table):
        """What makes the lab's own contexts is not on the page while a table is there."""
        for name in ("strength", "mismatch", "sigma", "scale", "guess"):
            self.controls[name].layout.display = "none" if table is not None else ""


def first_failure(state):
    """The lowest strength so far at which a context failed -> number, or None"""
    return next((float(t) for t, pilot in zip(STRENGTHS, state.reached) if pilot.failed.any()), None)


def how_many_found(pilot):
    """Does the alarm ring for most of the contexts that failed, for about half of them, or hardly for one?"""
    hit = (pilot.failed & pilot.rings).sum() / pilot.failed.sum()
    return "most" if hit > 2 / 3 else "half" if hit > 1 / 3 else "hardly"


def how_many_ring(pilot):
    """Does the alarm ring for many contexts, for few or for none?"""
    if not pilot.rings.any():
        return "none"
    return "few" if pilot.rings.mean() <= FEW else "many"


def error_panel(state):
    """The mean error against the strength."""
    marks = [
        level(STRENGTH, 1.0),
        Curve("bayes", STRENGTHS, state.mean_error("bayes")),
        Path("ridge cv", STRENGTHS, state.mean_error("ridge")),
        Curve("adarr", STRENGTHS, state.mean_error("ada")),
        Curve("evidence", STRENGTHS, state.mean_error("evidence")),
        Path("model", STRENGTHS, state.mean_error("model")),
        Curve("guarded", STRENGTHS, state.mean_error("guarded")),
    ]
    return Panel("error", STRENGTH, ERROR, marks)


def share_panel(state, guess):
    """How many contexts fail, for how many the alarm rings, and how many failures it misses, against the strength."""
    failed = [100 * pilot.failed.mean() for pilot in state.reached]
    rang = [100 * pilot.rings.mean() for pilot in state.reached]
    missed = [100 * (pilot.failed & ~pilot.rings).mean() for pilot in state.reached]
    marks = [
        Path("failed", STRENGTHS, state.by_strength(failed)),
        Path("alarm", STRENGTHS, state.by_strength(rang)),
        Path("missed", STRENGTHS, state.by_strength(missed)),
        Guess(guess, 0, grab="guess", along="x"),
    ]
    return Panel("share", STRENGTH, Axis("percent", -4, 104), marks, values=dict(contexts=CONTEXTS))
