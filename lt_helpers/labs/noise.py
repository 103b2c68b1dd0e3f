"""The noise lab: a trained model, frozen, reads one sequence; the noise on its labels slides, and the model's implicit weight moves.

Panels: the implicit weight and its path through the layers (Theorem 4.1); how much of each principal direction is kept, beside ridge
regression; what each layer does, as a step along the gradient and a rescaling (sections 5.2 and 5.3); and the noise that the model acts
as if it had read, beside the truth, AdaRR's estimate and the exact posterior.
"""

import functools

import numpy as np

from .. import figures
from ..figures import Axis, Panel
from ..noise import Uniform, parse_noise
from ..pretrained import stored, stored_layers
from .base import Lab
from .controls import Choice, Prediction, Seed, Slider
from .noise_state import CURVE, DIM, GRID, KINDS, SIGMA_MAX, noise_state, read_own

WEIGHT, KEPT, STEP, METER = (
    (-3.5, 3.5),
    (-0.1, 1.2),
    (-0.5, 2.0),
    (0.0, SIGMA_MAX),
)  # the axes: what lies outside is drawn at the edge, and said
COMPONENT = np.arange(1.0, DIM + 1)


def stored_kinds():
    """The kinds that are stored -> {label: kind}."""
    kinds = {entry["kind"] for entry in stored()}
    return {label: kind for label, kind in KINDS.items() if kind in kinds}


def trained_on(kind):
    """The noises for which models of a kind are stored -> {label: key}, uniform ones first."""
    keys = {
        entry["noise"]
        for entry in stored()
        if (entry["kind"], entry["heads"], entry["variant"]) == (kind, 1, "")
    }
    ordered = sorted(
        map(parse_noise, keys), key=lambda noise: (not isinstance(noise, Uniform), noise.sigma_max, noise.key)
    )
    return {noise.label: noise.key for noise in ordered}


def model_controls(own=None, own_noise=None, own_layers=4):
    """The three controls that choose the model. The file of a learner's own, with its noise's key and its depth, is one more kind."""
    yours = {} if own is None else {"yours": own}

    def noises(kind):
        return {parse_noise(own_noise).label: own_noise} if kind == own else trained_on(kind)

    def depths(kind, noise):
        return [own_layers] if kind == own else stored_layers(kind, parse_noise(noise))

    return dict(
        kind=Choice("Model", lambda: stored_kinds() | yours, own or "diag"),
        noise=Choice("Trained on", noises, "uniform-5"),
        layers=Choice("Layers", depths, own_layers, slide=True),
    )


class NoiseLab(Lab):
    """Slide the noise; watch the implicit weight of a trained, frozen linear transformer adapt.

    NoiseLab(sigma=2.0, kind="diag", noise="uniform-5", layers=4)
    NoiseLab(model="my_model.safetensors", trained_on="uniform-5")      # a file that LinearTransformer.save wrote; d = 10

    The file is read once. Without `trained_on` it counts as trained on `noise`.
    """

    CONTROLS = dict(
        sigma=Slider("Noise σ", 0.0, SIGMA_MAX, 0.1, value=1.0),
        **model_controls(),
        kept_guess=Prediction("Predict: smallest share", 0.0, 1.0, 0.05),
        implied_guess=Prediction("Predict: σ read", 0.0, SIGMA_MAX, 0.25),
        seed=Seed(value=4),
    )

    def __init__(self, *, model=None, trained_on=None, ghost=None, **values):
        self._own = None if model is None else str(model)
        if model is not None:
            self._trained_on = parse_noise(
                trained_on or values.get("noise", self.CONTROLS["noise"].value)
            ).key
            own = read_own(model)
            self.CONTROLS = {**self.CONTROLS, **model_controls(self._own, self._trained_on, own.layers)}
            self.compute = functools.partial(noise_state, own=own)
        elif trained_on is not None:
            raise TypeError(
                f"trained_on is {trained_on!r}: it goes with model, the file of a model of your own."
            )
        super().__init__(ghost=ghost, **values)

    def __repr__(self):
        said = super().__repr__()
        if self._own is None:
            return said
        return said.replace("(", f"(model={self._own!r}, trained_on={self._trained_on!r}, ", 1).replace(
            ", )", ")"
        )

    @staticmethod
    def compute(**controls):
        return noise_state(**controls)

    @staticmethod
    def draw(state, ghost=None):
        return figures.figure(
            [panel(state, ghost) for panel in (weight_panel, kept_panel, step_panel, meter_panel)]
        )

    @staticmethod
    def words(state, ghost=None):
        level = f"σ = {state.sigma:.1f} (σ² = {state.sigma**2:.2f})"
        if not np.isfinite(state.path).all():
            return f"{level}: on this sequence the model diverges; its weight is not finite. A smaller σ or another depth brings it back."
        apart = np.linalg.norm(state.path[-1] - state.oracle)
        acts = (
            f"acts as if σ were {state.implied:.1f}"
            if np.isfinite(state.implied)
            else "explodes, and acts as for no σ at all"
        )
        said = [
            f"{level}: the model {acts}; AdaRR estimates {state.estimate:.1f}, "
            f"and the data allow {allowed(state.posterior)} (90%). Its w is {apart:.2g} away from the oracle's."
        ]
        if (np.abs(state.kept) < 10).all():
            weakest, strongest = (f"{state.kept[j]:.2f} (ridge {state.ridge_kept[j]:.2f})" for j in (0, -1))
            said += [
                f"It keeps {weakest} of the weakest direction and {strongest} of the strongest (R² = {state.fit:.2f})."
            ]
        else:
            said += ["On some redraws of the noise it explodes, so it has no shares to speak of."]
        spans = trained_spans(state.noise)
        if not spans[0][0] <= state.sigma <= spans[-1][1]:
            said += [f"This noise lies outside its training range, {state.noise.label}."]
        beyond = clipped(state) or (ghost is not None and clipped(ghost))
        return " ".join(said + (["What lies beyond an axis is drawn at its edge."] if beyond else []))


def allowed(posterior):
    """The middle 90% of a posterior on GRID in words; nothing is known below the first of it."""
    low, high = np.interp([0.05, 0.95], np.cumsum(posterior), GRID)
    return f"{low:.1f} to {high:.1f}" if low > GRID[0] else f"up to {high:.1f}"


def trained_spans(noise):
    """Where the training noise lay on the axis of sigma: an interval, or a narrow one about each value."""
    return (
        [(0, noise.sigma_max)]
        if isinstance(noise, Uniform)
        else [(value - 0.06, value + 0.06) for value in noise.nodes()[0]]
    )


def weight_panel(state, ghost):
    depth = np.linspace(
        -0.32, 0.32, len(state.path)
    )  # within a component's column: from before the first layer to after the last
    gap = np.full((1, DIM), np.nan)
    along = np.concatenate([COMPONENT + depth[:, None], gap]).T.ravel()
    path = np.concatenate([state.path, gap]).T.ravel()
    last = COMPONENT + depth[-1]
    level, read = dict(symbol="line-ew", size=24), dict(hovertemplate="%{y:.2f}")
    traces = [
        figures.dots(COMPONENT, clip(state.truth, WEIGHT), "truth", figures.TRUTH, **level, **read),
        figures.dots(COMPONENT, clip(state.oracle, WEIGHT), "oracle ridge", figures.ORACLE, **level, **read),
        *([] if ghost is None else [held(last, clip(ghost.path[-1], WEIGHT), name="ghost")]),
        figures.line(along, clip(path, WEIGHT), "layer by layer", width=1.5, **read),
        figures.dots(last, clip(state.path[-1], WEIGHT), "model", size=7, **read),
    ]
    x = Axis("component", 0.4, DIM + 0.6, ticks=tuple(range(1, DIM + 1)))
    return Panel("P and Q are frozen, w moves", x, Axis("w", *WEIGHT)), traces


def kept_panel(state, ghost):
    traces = [
        figures.line(CURVE, state.ridge_curve, "ridge", figures.ORACLE),
        *([] if ghost is None else [held(ghost.eigenvalues, clip(ghost.kept, KEPT))]),
        figures.line(CURVE, clip(state.curve, KEPT), "this sequence", dash="dot", width=1.5),
        figures.dots(state.eigenvalues, clip(state.kept, KEPT), "model", size=7),
        *guess(state.eigenvalues[0], state.kept_guess),
    ]
    return Panel(
        "How much of each direction is kept", Axis("eigenvalue of X'X/n", 0, CURVE[-1]), Axis("share", *KEPT)
    ), traces


def step_panel(state, ghost):
    deepest = max(entry["layers"] for entry in stored())
    ends = (0.5, deepest + 0.5)
    traces = [figures.line(ends, [1, 1], color=figures.GREY, dash="dot", width=1, hoverinfo="skip")]
    if ghost is not None:
        traces += [
            held(layers(ghost), clip(ghost.step, STEP), name="ghost"),
            held(layers(ghost), clip(ghost.rescaling, STEP), "diamond-open"),
        ]
    cosine = dict(
        customdata=state.cosine, hovertemplate="step %{y:.2f}<br>cosine with the gradient %{customdata:.2f}"
    )
    traces += [
        figures.line(
            layers(state),
            clip(state.step, STEP),
            "step along the gradient",
            width=1.5,
            symbol="circle",
            **cosine,
        ),
        figures.line(
            layers(state), clip(state.rescaling, STEP), "rescaling", figures.RED, width=1.5, symbol="diamond"
        ),
    ]
    return Panel(
        "What each layer does to w",
        Axis("layer", *ends, ticks=tuple(range(1, deepest + 1))),
        Axis("factor", *STEP),
    ), traces


def meter_panel(state, ghost):
    bell = state.posterior / state.posterior.max()
    likely = (bell > 0.01) & (GRID <= SIGMA_MAX)
    filled = dict(fill="toself", fillcolor="rgba(230, 159, 0, 0.25)", hoverinfo="skip")
    traces = [
        figures.band(trained_spans(state.noise), *METER, "trained on"),
        figures.line(METER, METER, color=figures.GREY, dash="dot", width=1, hoverinfo="skip"),
        figures.line(state.sigma + 0.9 * bell[likely], GRID[likely], "posterior", figures.ORANGE, **filled),
        figures.dots(
            [state.sigma], clip([state.estimate], METER), "AdaRR", figures.RED, "triangle-up-open", 14
        ),
        *([] if ghost is None else [held([ghost.sigma], clip([ghost.implied], METER))]),
        figures.dots([state.sigma], clip([state.implied], METER), "model"),
        *guess(state.sigma, state.implied_guess),
    ]
    return Panel(
        "Noise meter: the σ it acts on",
        Axis("true σ", 0, SIGMA_MAX + 1, ticks=tuple(range(0, int(SIGMA_MAX) + 1, 2))),
        Axis("σ read", *METER),
    ), traces


def held(x, y, symbol="circle-open", name=None):
    return figures.dots(x, y, name, figures.GHOST, symbol, 10)


def guess(x, y):
    return [] if y is None else [figures.dots([x], [y], "prediction", figures.PREDICTION, "star", 13)]


def layers(state):
    return np.arange(1.0, len(state.step) + 1)


def clip(values, ends):
    return figures.clip(values, *ends)[0]


def clipped(state):
    """Whether anything lies outside its axis."""
    shown = [(w, WEIGHT) for w in (state.path, state.truth, state.oracle)] + [
        (state.kept, KEPT),
        (state.curve, KEPT),
    ]
    shown += [(state.step, STEP), (state.rescaling, STEP)]
    return any(
        figures.clip(values, *ends)[1] for values, ends in [*shown, ([state.implied, state.estimate], METER)]
    )
