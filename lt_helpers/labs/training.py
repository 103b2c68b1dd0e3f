"""The training lab: a model in training, whose noise moves under the learner's hand, and whose weights follow.

Panels: each of the four omegas (eq. 10), a line a layer, over the last 2,000 steps; the loss, beside the Bayes-optimal predictor's and
the stored model's on the same test set; the implicit weight on one context. For FULL the omegas of the nearest DIAG, and P and Q.
PyTorch is imported when the lab opens.
"""

import numpy as np

from .. import figures
from ..figures import Axis, Panel
from ..noise import Categorical, Uniform
from .controls import Choice, Prediction, Seed, Slider
from .live import BOUND, LiveLab

COLOURS = (figures.BLUE, figures.ORANGE, figures.RED, figures.PINK, figures.GREY)  # of the layers
ENDS = ("circle", "diamond", "triangle-up", "star", "x")  # their marks, where they stand now
OMEGAS = {
    "ω<sub>xx</sub>": (-2.5, 1.5),
    "ω<sub>xy</sub>": (-0.3, 0.1),
    "ω<sub>yx</sub>": (-13.0, 1.0),
    "ω<sub>yy</sub>": (-0.1, 0.1),
}
LOSS, WEIGHT, BLOCK = (1e-3, 10.0), (-2.5, 2.5), 0.5  # ends of the other axes
SHAPES = {
    "U(0, σ_max)": lambda top: Uniform(top),
    "{⅓, 1} · σ_max": lambda top: Categorical((top / 3, top)),
    "{⅕, ⅗, 1} · σ_max": lambda top: Categorical((top / 5, 3 * top / 5, top)),
}
RATES = {
    "diag": (0.01, 0.02, 0.04, 0.06, 0.1),
    "gd++": (0.01, 0.02, 0.04, 0.06, 0.1),
    "full": (0.002, 0.005, 0.01, 0.02),
}
JUMP = {"diag": 150, "gd++": 150, "full": 50}  # steps of Gauss-Newton at most
STEPS_AGO = Axis("steps ago", -2000, 120, ticks=(-2000, -1000, 0), labels=("2000", "1000", "now"))


class TrainingLab(LiveLab):
    """Train a small model, and move the noise while it trains.

    TrainingLab(sigma_max=1.0, kind="diag", layers=3, learning_rate=0.06)
    """

    CONTROLS = dict(
        sigma_max=Slider("Noise σ_max", 0.0, 7.0, 0.5, value=1.0),
        shape=Choice("σ from", {label: label for label in SHAPES}, "U(0, σ_max)"),
        kind=Choice("Model", {"DIAG": "diag", "FULL": "full", "GD++": "gd++"}, "diag"),
        layers=Choice("Layers", (1, 2, 3, 4, 5), 3, slide=True),
        learning_rate=Choice("Learning rate", lambda kind: RATES[kind], 0.06, slide=True),
        guess=Prediction("Predict: last ω_yx", -12.0, 0.0, 0.5),
        seed=Seed("Start", 1, renew="Restart", tooltip="Begin again, from other random weights"),
    )

    @staticmethod
    def begin(values):
        try:
            from ..training.live import LiveRun
        except ImportError as error:
            raise ImportError(
                f"training needs PyTorch ({error}): pip install 'lt_helpers[train]'; the README says more."
            ) from None
        return LiveRun(
            values["kind"], values["layers"], noise_of(values), values["learning_rate"], values["seed"]
        )

    @classmethod
    def follow(cls, process, values):
        if not process.steps or (process.kind, process.layers, process.seed) != (
            values["kind"],
            values["layers"],
            values["seed"],
        ):
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
            self._left = BOUND
        self.start()

    @staticmethod
    def draw(trained, guess=None):
        panels = [omega_panel(trained, index, guess if index == 2 else None) for index in range(4)]
        panels += [loss_panel(trained), weight_panel(trained)]
        if trained.P is not None:
            panels += [matrix_panel("P", trained.P), matrix_panel("Q", trained.Q)]
        return figures.figure(panels, columns=3, height=520 if trained.P is None else 720)

    @staticmethod
    def words(trained):
        loss, bayes, stored = (values[-1] for values in (trained.loss, trained.bayes, trained.stored))
        beside = (
            f"the stored model {stored:.3g}"
            if np.isfinite(stored)
            else "and no model is stored for this noise"
        )
        said = [
            f"{trained.noise.label}, step {trained.steps:,}: loss {loss:.3g}; the Bayes-optimal predictor has {bayes:.3g}, {beside}."
        ]
        if not trained.steps:
            said += ["The weights are random and near zero. Press Start."]
        if trained.jumping:
            steps = f"{trained.jumping} step{'s' * (trained.jumping > 1)}"
            said += [f"On its way to the nearest optimum: {steps} of Gauss-Newton left at most."]
        elif trained.target_loss is not None:
            said += [f"Gauss-Newton ends at {trained.target_loss:.3g} (open marks)."]
        if trained.stalled:
            said += [
                "This is a poor minimum: the loss no longer falls, and such a model can do better. Press Restart, or move the noise."
            ]
        return " ".join(
            said + (["What lies beyond an axis is drawn at its edge."] if clipped(trained) else [])
        )

    def _more_buttons(self):
        jump = self._pressed(self.jump)
        return [
            self._button(
                "Jump to the optimum", jump, "Gauss-Newton from here: where these weights are heading"
            )
        ]


def noise_of(values):
    """The noise distribution that the controls name."""
    return SHAPES[values["shape"]](values["sigma_max"])


def omega_panel(trained, index, guess):
    """One omega of all layers over the last steps; where they stand now; where Gauss-Newton ended."""
    (name, ends), L = list(OMEGAS.items())[index], len(trained.omega)
    traces = [
        figures.line(
            trained.ago, clip(omega, ends), f"{layer + 1}" if index == 0 else None, COLOURS[layer], width=2,
            hovertemplate=f"layer {layer + 1}: %{{y:.3f}}<extra></extra>",
        )
        for layer, omega in enumerate(trained.omega[:, index])
    ]  # fmt: skip
    now = figures.dots(
        np.zeros(L),
        clip(trained.omega[:, index, -1], ends),
        color=list(COLOURS[:L]),
        size=8,
        hoverinfo="skip",
    )
    now["marker"]["symbol"] = list(ENDS[:L])
    traces.append(now)
    if trained.target is not None:
        there = figures.dots(
            np.full(L, 60),
            clip(trained.target[:, index], ends),
            color=list(COLOURS[:L]),
            symbol="circle-open",
            size=10,
        )
        traces.append(there)
    if guess is not None:
        traces.append(figures.dots([0], [guess], "prediction", figures.PREDICTION, "star", 13))
    title = (name if trained.kind != "full" else f"{name}, block means") + (
        ", by layer" if index == 0 else ""
    )
    return Panel(title, STEPS_AGO, Axis("", *ends)), traces


def loss_panel(trained):
    traces = [
        figures.line(
            trained.ago,
            clip(trained.bayes, LOSS),
            "Bayes-optimal",
            figures.ORANGE,
            "dash",
            2,
            hovertemplate="%{y:.3f}",
        ),
        figures.line(
            trained.ago,
            clip(trained.stored, LOSS),
            "stored",
            figures.GREY,
            "dot",
            2,
            hovertemplate="%{y:.3f}",
        ),
        figures.line(trained.ago, clip(trained.loss, LOSS), "in training", width=2, hovertemplate="%{y:.3f}"),
    ]
    if trained.target_loss is not None:
        traces.append(
            figures.dots([60], clip([trained.target_loss], LOSS), None, symbol="circle-open", size=10)
        )
    y = Axis("", *LOSS, log=True, ticks=(1e-3, 1e-2, 1e-1, 1, 10), labels=("0.001", "0.01", "0.1", "1", "10"))
    return Panel("Loss above the oracle's", STEPS_AGO, y), traces


def weight_panel(trained):
    component, level = (
        np.arange(1.0, len(trained.w) + 1),
        dict(symbol="line-ew", size=16, hovertemplate="%{y:.2f}"),
    )
    traces = [
        figures.dots(component, clip(trained.truth, WEIGHT), "truth", figures.TRUTH, **level),
        figures.dots(component, clip(trained.oracle, WEIGHT), "oracle", figures.ORACLE, **level),
        figures.dots(component, clip(trained.w, WEIGHT), "in training", size=7, hovertemplate="%{y:.2f}"),
    ]
    x = Axis("component", 0.4, len(component) + 0.6, ticks=tuple(range(1, len(component) + 1)))
    return Panel("w on one context, σ = 2", x, Axis("", *WEIGHT)), traces


def matrix_panel(name, matrices):
    """The matrices of all layers side by side, with a gap between; rows that have no effect are gaps as well."""
    L, D, _ = matrices.shape
    beside = np.concatenate([matrices, np.full((L, D, 1), np.nan)], axis=2)  # (L, D, D+1)
    z = beside.swapaxes(0, 1).reshape(D, L * (D + 1))
    centres = (D + 1) * np.arange(L) + (D - 1) / 2
    labels = tuple(f"layer {layer}" if L < 4 else str(layer) for layer in range(1, L + 1))
    x = Axis("" if L < 4 else "layer", -1, L * (D + 1) - 1, ticks=tuple(centres), labels=labels)
    y = Axis("", D - 0.5, -0.5, ticks=((D - 2) / 2, D - 1), labels=("x", "y"))
    trace = figures.heatmap(
        clip(z, (-BLOCK, BLOCK)), limit=BLOCK, hovertemplate="%{z:.2f}<extra></extra>", showscale=False
    )
    return Panel(f"{name}: blue below zero, red above", x, y), [trace]


def clip(values, ends):
    return figures.clip(values, *ends)[0]


def clipped(trained):
    """Whether anything lies outside its axis."""
    shown = [(trained.omega[:, index], ends) for index, ends in enumerate(OMEGAS.values())]
    if trained.target is not None:
        shown += [(trained.target[:, index], ends) for index, ends in enumerate(OMEGAS.values())]
        shown += [([trained.target_loss], LOSS)]
    shown += [(values, LOSS) for values in (trained.loss, trained.bayes, trained.stored)]
    shown += [(w, WEIGHT) for w in (trained.truth, trained.oracle, trained.w)]
    shown += [(matrix, (-BLOCK, BLOCK)) for matrix in (trained.P, trained.Q) if matrix is not None]
    return any(figures.clip(values, *ends)[1] for values, ends in shown)
