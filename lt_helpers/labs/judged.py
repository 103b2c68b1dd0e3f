"""What the pilot lab shows of a model on contexts whose truth, or whose held rows, are known: which failed, and where the alarm rang."""

from dataclasses import dataclass

import numpy as np

from ..language import Message
from ..view.panel import Curve, Guide, Panel, Path, Points
from .frozen import Frozen
from .marks import layer_axis, level, log_axis, upright

FAILED = 2.0  # an error above this is a failure: twice as bad as answering 0
RINGS = 1.0  # a misfit above this rings the alarm: w fits its own context worse than answering 0 would
DEEPEST = 7
TICKS, LABELS = (0.1, 1, 10, 100), ("0.1", "1", "10", "100")
ERROR = log_axis("error", 0.02, 200.0, TICKS, LABELS)
MISFIT = log_axis("misfit", 0.02, 200.0, TICKS, LABELS)
LAST_MISFIT = log_axis("last_misfit", 0.02, 200.0, TICKS, LABELS)


@dataclass(frozen=True)
class Judged(Frozen):
    """A model on B contexts."""

    model: np.ndarray  # (B,): its error
    misfit: np.ndarray  # (B, L+1): of the weight before the first and after each layer, to its own context

    @property
    def rings(self):
        """Where the alarm rings -> (B,)"""
        return self.misfit[:, -1] > RINGS

    @property
    def failed(self):
        """Where the model fails -> (B,)"""
        return self.model > FAILED


def mean_in_words(errors):
    """A mean error; where a few explosions make it up, the median as well."""
    mean, median = errors.mean(), np.median(errors)
    if mean < ERROR.high:
        return Message("pilot.mean", mean=mean)
    if median < ERROR.high:
        return Message("pilot.above", limit=ERROR.high, median=median)
    return Message("pilot.far_above", limit=ERROR.high)


def layer_panel(judged, y=MISFIT):
    """The misfit layer by layer: of the median context, of the one that only a tenth exceeds, and of the worst."""
    fits = judged.misfit  # (B, L+1)
    x = layer_axis(DEEPEST)
    layers = np.arange(fits.shape[1])
    marks = [
        Guide("alarm", [x.low, x.high], [RINGS, RINGS], keyed=True),
        Path("median", layers, np.median(fits, axis=0), keys=dict(layer=layers)),
        Curve("many", layers, np.quantile(fits, 0.9, axis=0, method="lower")),
        Curve("worst", layers, fits.max(axis=0)),
    ]
    return Panel("layers", x, y, marks)


def context_panel(judged, x=LAST_MISFIT, y=ERROR):
    """Each context, by the misfit after the last layer and its error; the guides part failures, and alarms, from the rest."""
    groups = {
        ("measured", "fine"): ~judged.failed & ~judged.rings,
        ("failed", "hit"): judged.failed & judged.rings,
        ("alarm", "false alarm"): ~judged.failed & judged.rings,
        ("missed", "miss"): judged.failed & ~judged.rings,
    }
    marks = [level(x, FAILED), upright(RINGS, y)]
    for (role, name), inside in groups.items():
        misfits, errors = judged.misfit[inside, -1], judged.model[inside]
        marks.append(Points(role, misfits, errors, name=name, hover="point", values=dict(count=inside.sum())))
    return Panel("contexts", x, y, marks)
