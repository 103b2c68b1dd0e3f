"""The training lab: a model in training, whose noise moves under the learner's hand, and whose weights follow.

Panels: each of the four omegas (eq. 10), a line a layer, over the last 2,000 steps; the loss, beside the Bayes-optimal predictor's and
the stored model's on the same test set; the implicit weight on one context. An upright line where the noise changed. For FULL the omegas
of the nearest DIAG, and P and Q.

Its beats follow one run: where one ends, the next begins, and nothing is trained twice.
"""

from time import perf_counter

import numpy as np

from ..language import Message
from ..noise import Categorical, Uniform
from ..view.panel import Axis, Curve, EachPoint, Guess, Heat, Panel, Points, Ticks
from .beats import Beat
from .controls import Choice, Opinion, Prediction, Seed, Slider
from .live import LiveLab
from .marks import component_axis, log_axis
from .own_task import OwnTask

LAYERS = ("first", "second", "third", "fourth", "fifth")  # the roles of the layers
OMEGAS = {"xx": (-2.5, 1.5), "xy": (-0.3, 0.1), "yx": (-13.0, 1.0), "yy": (-0.1, 0.1)}  # ends of their axes
MEANS = {
    "xx": "xx_means",
    "xy": "xy_means",
    "yx": "yx_means",
    "yy": "yy_means",
}  # their titles where they are block means
LAST = "yx"  # the omega that the prediction is about
SOON = 60  # where Gauss-Newton's end is marked, in steps to come
BLOCK = 0.5  # ends of the colours of P and Q
WEIGHT = Axis("", -2.5, 2.5)
LOSS = log_axis("", 1e-3, 10.0, (1e-3, 1e-2, 1e-1, 1, 10), ("0.001", "0.01", "0.1", "1", "10"))
STEPS_AGO = Axis(
    "ago", -2000, 120, ticks=(-2000, -1000, 0), labels=("2000", "1000", Message("training.tick.now"))
)
SHAPES = {
    "U(0, σ_max)": lambda top: Uniform(top),
    "{⅓, 1} · σ_max": lambda top: Categorical((top / 3, top)),
    "{⅕, ⅗, 1} · σ_max": lambda top: Categorical((top / 5, 3 * top / 5, top)),
}
OWN = "own"  # the shape that is the noise of a learner's own task
FAST, SLOW = (0.01, 0.02, 0.04, 0.06, 0.1), (0.002, 0.005, 0.01, 0.02)
RATES = {"diag": FAST, "gd++": FAST, "full": SLOW}
TOLD_OF = dict(
    shape="U(0, σ_max)", kind="diag", layers=3, learning_rate=0.06, seed=1
)  # what the beats are about
QUIET, LOUD = 1.0, 5.0  # the noises between which they go
TRAINED, SETTLED, BACK = (
    1200,
    1500,
    2000,
)  # steps that they wait: from the start, and after a change of the noise
SAME_WEIGHT, SAME_RATIO = 0.5, 1.1  # differences, and ratios, that nobody would call one
SECOND = 1  # the layer whose step answers to the noise, from 0
TOWARDS = {Message(f"training.choice.{way}"): way for way in ("towards", "stays", "away")}
NEARER = {Message(f"training.choice.{way}"): way for way in ("nearer", "same", "further")}
JUMP = {"diag": 150, "gd++": 150, "full": 50}  # steps of Gauss-Newton at most


class TrainingLab(LiveLab):
    """Train a small model, and move the noise while it trains.

    TrainingLab(sigma_max=1.0, kind="diag", layers=3, learning_rate=0.06)
    TrainingLab(task=task)      # any RegressionTask: with a noise, inputs or label noise of your own, of any d and n
    """

    NAME = "training"
    COLUMNS, ROW = 3, 260
    CONTROLS = dict(
        task=OwnTask(without_oracle=True, short=True, in_units=False),
        sigma_max=Slider(0.0, 7.0, 0.5, value=1.0),
        shape=Choice(lambda task: shapes_of(task), lambda task: "U(0, σ_max)" if task is None else OWN),
        kind=Choice({"DIAG": "diag", "FULL": "full", "GD++": "gd++"}, "diag"),
        layers=Choice((1, 2, 3, 4, 5), 3, slide=True),
        learning_rate=Choice(lambda kind: RATES[kind], 0.06, slide=True),
        guess=Prediction(-12.0, 0.0, 0.5),
        way_guess=Opinion(TOWARDS),
        ratio_guess=Opinion(NEARER),
        seed=Seed(1, renew="restart"),
    )
    BEATS = (
        Beat(
            "start",
            panels=("loss",),
            values=dict(sigma_max=QUIET, **TOLD_OF),
            when=lambda values, trained: trained.steady >= TRAINED,
            tell=lambda trained, begun: dict(
                steps=trained.steps, loss=trained.loss[-1], stored=trained.stored[-1], ratio=to_bayes(trained)
            ),
        ),
        Beat(
            "shorter",
            panels=("yx",),
            control="sigma_max",
            values=dict(sigma_max=QUIET, **TOLD_OF),
            ask="way_guess",
            ready=lambda trained: has_trained(trained, QUIET),
            when=lambda values, trained: has_settled(trained, LOUD, SETTLED),
            answer=lambda trained, begun: way_of(last_step(begun), last_step(trained)),
            tell=lambda trained, begun: dict(before=last_step(begun), now=last_step(trained)),
        ),
        Beat(
            "back",
            panels=("yx",),
            control="sigma_max",
            values=dict(sigma_max=LOUD, **TOLD_OF),
            ask="guess",
            ready=lambda trained: has_trained(trained, LOUD),
            when=lambda values, trained: has_settled(trained, QUIET, BACK),
            answer=lambda trained, begun: last_step(trained),
            tell=lambda trained, begun: dict(loss=trained.loss[-1]),
        ),
        Beat(
            "again",
            panels=("xy", "loss"),
            control="sigma_max",
            values=dict(sigma_max=QUIET, **TOLD_OF),
            ask="ratio_guess",
            ready=lambda trained: has_trained(trained, QUIET),
            when=lambda values, trained: has_settled(trained, LOUD, SETTLED),
            answer=lambda trained, begun: nearness_of(to_bayes(begun), to_bayes(trained)),
            tell=lambda trained, begun: dict(
                before=to_bayes(begun),
                ratio=to_bayes(trained),
                adapted=begun.omega[SECOND, 1, -1],
                adapts=trained.omega[SECOND, 1, -1],
            ),
        ),
    )

    @staticmethod
    def begin(values):
        from ..training.live import (
            LiveRun,
        )  # here alone: it takes time and memory, which the other labs need not

        task = values["task"] and values["task"].task
        return LiveRun(
            values["kind"], values["layers"], noise_of(values), values["learning_rate"], values["seed"], task
        )

    @classmethod
    def follow(cls, process, values):
        same = (process.kind, process.layers, process.seed) == (
            values["kind"],
            values["layers"],
            values["seed"],
        )
        if not process.steps or not same:
            return cls.begin(values)
        process.follow(noise_of(values), values["learning_rate"])
        return process

    def model(self):
        """The model as it is now, a LinearTransformer: to save, or to look at in the noise lab."""
        return self.process.model()

    def jump(self):
        """Go to the nearest optimum for this noise, by Gauss-Newton."""
        with self._turn:
            self.process.jump(JUMP[self.process.kind])
            self._touched = perf_counter()
        self.start()

    @staticmethod
    def panels(trained, ghost, guesses):
        panels = [omega_panel(trained, index, guesses["guess"]) for index in range(len(OMEGAS))]
        panels += [loss_panel(trained), weight_panel(trained)]
        if trained.P is not None:
            panels += [matrix_panel("P", trained.P), matrix_panel("Q", trained.Q)]
        return panels

    @staticmethod
    def words(trained, ghost):
        loss, bayes, stored = trained.loss[-1], trained.bayes[-1], trained.stored[-1]
        now = dict(noise=trained.noise.label, steps=trained.steps, loss=loss)
        if trained.against == "truth":
            messages = [Message("training.to_truth", **now).on("loss")]
        elif trained.own:
            messages = [Message("training.own", bayes=bayes, **now).on("loss")]
        else:
            known = np.isfinite(stored)
            beside = Message("training.beside", stored=stored) if known else Message("training.none_stored")
            messages = [Message("training.state", bayes=bayes, beside=beside, **now).on("loss")]
        if not trained.steps:
            messages.append(Message("training.begin"))
        if trained.jumping:
            messages.append(Message("training.jumping", count=trained.jumping))
        elif trained.target_loss is not None:
            messages.append(Message("training.jumped", loss=trained.target_loss))
        if trained.stalled:
            messages.append(Message("training.stalled"))
        return messages

    def _more_buttons(self):
        return [self._button("jump", self._pressed(self.jump))]


def has_trained(trained, top):
    """Has it been trained long enough to have something to change, and is its noise that of this σ_max?"""
    return trained.steps >= TRAINED and trained.noise.sigma_max == top


def has_settled(trained, top, steps):
    """Has the noise come to this σ_max in the middle of the run, so many steps ago?"""
    has_changed = len(trained.changed) > 0
    return has_changed and trained.noise.sigma_max == top and trained.steady >= steps


def last_step(trained):
    """omega_yx of the last layer: the step that is always taken."""
    return trained.omega[-1, list(OMEGAS).index(LAST), -1]


def to_bayes(trained):
    """The loss, as a multiple of the Bayes-optimal predictor's."""
    return trained.loss[-1] / trained.bayes[-1]


def way_of(before, after):
    """Has an omega gone towards zero or away from it?"""
    if abs(after - before) < SAME_WEIGHT:
        return "stays"
    return "towards" if abs(after) < abs(before) else "away"


def nearness_of(before, after):
    """Has a multiple of the best possible loss come nearer to 1?"""
    if max(before, after) < SAME_RATIO * min(before, after):
        return "same"
    return "nearer" if after < before else "further"


def shapes_of(task):
    """The shapes of the noise to choose from, that of a learner's own task first -> {what is shown: shape}"""
    own = {} if task is None else {Message("training.own_shape"): OWN}
    return own | {label: label for label in SHAPES}


def noise_of(values):
    """The noise distribution that the controls name."""
    if values["shape"] == OWN:
        return values["task"].task.noise
    return SHAPES[values["shape"]](values["sigma_max"])


def omega_panel(trained, index, guess):
    """One omega of all layers over the last steps; where they stand now; where Gauss-Newton ended."""
    name = list(OMEGAS)[index]
    omega = trained.omega[:, index]  # (L, K)
    roles = LAYERS[: len(omega)]
    axis = Axis("", *OMEGAS[name])
    marks = where_the_noise_changed(trained, axis)
    marks += [
        Curve(role, trained.ago, path, name=f"layer {layer}", hover="omega")
        for layer, (role, path) in enumerate(zip(roles, omega, strict=True), 1)
    ]
    marks.append(
        EachPoint("first", np.zeros(len(omega)), omega[:, -1], name="now", roles=roles, keyed=False, hover="")
    )
    if trained.target is not None:
        there = np.full(len(omega), SOON)
        marks.append(
            EachPoint(
                "first", there, trained.target[:, index], name="target", roles=roles, hollow=True, keyed=False
            )
        )
    if name == LAST:
        marks.append(Guess(0, guess, grab="guess"))
    title = MEANS[name] if trained.kind == "full" else name
    return Panel(title, STEPS_AGO, axis, marks)


def where_the_noise_changed(trained, axis):
    """An upright line at each change of the noise, from the bottom of the panel to its top -> list of marks, none or one"""
    if not len(trained.changed):
        return []
    x = np.column_stack([trained.changed, trained.changed, np.full(len(trained.changed), np.nan)])  # (C, 3)
    y = np.tile([axis.low, axis.high, np.nan], len(trained.changed))  # (3 C,)
    return [Curve("change", x.ravel(), y, beyond="gap", hover="")]


def loss_panel(trained):
    """The loss over the last steps, beside the best there is and the stored model's."""
    axis = loss_axis(trained.units.loss) if trained.own else LOSS
    marks = [
        *where_the_noise_changed(trained, axis),
        Curve("bayes", trained.ago, from_the_first(trained.bayes)),
        Curve("stored", trained.ago, from_the_first(trained.stored)),
        Curve("model", trained.ago, trained.loss),
        Points("model", 0, trained.loss[-1], name="loss now", keyed=False, hover=""),
    ]
    if trained.target_loss is not None:
        marks.append(Points("measured", SOON, trained.target_loss, name="target loss", keyed=False))
    measure = Message("training.loss_to_truth" if trained.against == "truth" else "training.loss_above")
    return Panel("loss", STEPS_AGO, axis, marks, dict(measure=measure))


def loss_axis(unit):
    """The axis of a loss that is measured in other units."""
    low, high = np.log10([LOSS.low * unit, LOSS.high * unit])
    ticks = 10.0 ** np.arange(np.ceil(low - 1e-9), np.floor(high + 1e-9) + 1)
    return log_axis("", LOSS.low * unit, LOSS.high * unit, tuple(ticks), tuple(f"{tick:g}" for tick in ticks))


def from_the_first(levels):
    """What there is to compare with was there before the run began: the first that is known stands before it as well.    (K,) -> (K,)"""
    known = np.flatnonzero(np.isfinite(levels))
    return (
        levels
        if not len(known)
        else np.concatenate([np.full(known[0], levels[known[0]]), levels[known[0] :]])
    )


def weight_panel(trained):
    """The implicit weight on one context."""
    component = np.arange(1.0, len(trained.w) + 1)
    marks = [
        Ticks("truth", component, trained.truth),
        Ticks("oracle", component, trained.oracle),
        Points("model", component, trained.w),
    ]
    scale = trained.units.w
    axis = Axis("", WEIGHT.low * scale, WEIGHT.high * scale) if trained.own else WEIGHT
    return Panel("weight", component_axis(len(component)), axis, marks, dict(sigma=trained.sigma))


def matrix_panel(name, matrices):
    """The matrices of all layers side by side, with a gap between; rows that have no effect are gaps as well."""
    L, D, _ = matrices.shape
    gap = np.full((L, D, 1), np.nan)
    beside = np.concatenate([matrices, gap], axis=2)  # (L, D, D+1)
    z = beside.swapaxes(0, 1).reshape(D, L * (D + 1))  # layer after layer, row by row
    centres = (D + 1) * np.arange(L) + (D - 1) / 2
    few = L < 4  # else there is room for a number only
    labels = [Message("training.tick.layer", layer=layer) if few else str(layer) for layer in range(1, L + 1)]
    x = Axis("" if few else "layer", -1, L * (D + 1) - 1, ticks=tuple(centres), labels=tuple(labels))
    y = Axis("", D - 0.5, -0.5, ticks=((D - 2) / 2, D - 1), labels=("x", "y"))
    heat = Heat("weights", np.arange(L * (D + 1)), np.arange(D), name=name, z=z, limit=BLOCK)
    return Panel(name, x, y, [heat])
