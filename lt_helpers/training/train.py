"""A model for a task of any sort, by one call: `train`, from nothing, or `fit`, from a model of another task. It is NumPy, and trains
wherever the package runs, in a page too.

The search begins with random starts of one size, so it works in units in which inputs, weights and labels have the size that they have
in the paper's task: x = x_unit x', w = w_unit w', y = x_unit w_unit y'. What it finds goes back into the units of the task.
"""

import platform
import time
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from .. import checks
from ..model import LinearTransformer, linear_transformer
from ..noise import Noise, Uniform
from ..pretrained import load_pretrained
from ..task import Moments, RegressionTask
from .parameters import family
from .plans import SHORT_FIT
from .search import search, weighed

SAMPLES = 100_000  # held-out sequences for a record
FAMILIAR = Uniform(5)  # the noise of the stored models that are named by kind and depth alone


def train(task, kind="diag", layers=3, heads=1, seed=0, plan=None, progress=True, samples=SAMPLES):
    """Train a linear transformer on a task.

    DIAG with three layers takes up to a minute of one core, deeper ones a few, FULL from four to fifteen. Each model is searched from
    many random starts, of which most end in a poor minimum (`training.search`). Ctrl-C, or *Interrupt* in a notebook, ends the search and
    keeps the best so far.

    Parameters
    ----------
    task : RegressionTask
        Of any d, n, noise, covariance and scale of w; one of your own, too.
    kind : {"diag", "full", "gd++"}
        Which weights are free.
    layers : int
        L.
    heads : int
        At most 2 for "diag", where they free all four omegas; 1 for "gd++".
    seed : int
        The same arguments, seed and versions give the same model.
    plan : training.plans.Plan, optional
        How to search. By default as it serves the kind, the depth and the noise best from random starts.
    progress : bool or function
        True for a line that tells how far it is; or a function that is called after each step with a `training.search.Report`: the name
        of the start, steps done and in total, the loss of the step and the best so far.
    samples : int
        How many held-out sequences the record's loss is measured on, at least 2.

    Returns
    -------
    LinearTransformer
        With its context, noise, size of labels, and a record: what it was trained on and how, its `loss` with `standard_error` on
        held-out sequences, and what that was measured `against`: the "oracle" (the adjusted loss), or the "truth" (the total error) for
        a task that has none.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """
    check_task(task)
    parameters = family(kind, layers, task.dim, heads)
    plan = parameters.plan(task.noise, alone=True) if plan is None else plan
    return search_for(parameters, task, seed, None, plan, progress, samples)


def fit(task, start, seed=0, progress=True, samples=SAMPLES, short=False):
    """Fit a model that was trained on one task to another, from its weights alone: where `train` takes minutes, DIAG takes seconds.

    Gauss-Newton for DIAG and GD++, Adam for FULL. It stays in the basin where it starts, as a rule; `train` may find a better one. A model
    of the same task comes back no worse than it was.

    Parameters
    ----------
    task : RegressionTask
        Of any n, noise, covariance and scale of w; one of your own, too. Of the model's d, if it is FULL.
    start : LinearTransformer or str
        What it begins with: a model, or the name of a stored one, such as "diag-7", which was trained on U(0, 5).
    seed, progress, samples
        As for `train`.
    short : bool
        A hundred steps on small batches: a few seconds for DIAG, and a little behind. Not for FULL.

    Returns
    -------
    LinearTransformer
        As from `train`. Its record tells how many of the held-out sequences `diverged`: look at that before you use it.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """
    check_task(task)
    start = stored(start) if isinstance(start, str) else linear_transformer(start)
    start = start if start.dim == task.dim else start.with_dim(task.dim)
    if short and start.kind == "full":
        raise ValueError("short is True, but start is FULL: a short fit serves DIAG and GD++.")
    parameters = family(start.kind, start.layers, task.dim, start.heads)

    # It may have been trained in the units of this task's table, or in those in which all sizes are 1.
    starts = {"as it was": parameters.read(Units.of(task).into(start))}
    if Units.of(task) != Units(1.0, 1.0):
        starts["in units of 1"] = parameters.read(start)

    # Its steps are made for inputs that spread alike in all directions. Where one is longer, they overshoot along it, and some contexts
    # explode: in units of that direction none does.
    longest = longest_direction(task) / Units.of(task).x
    if longest > 1 + 1e-9:  # more than rounding
        starts["in units of the longest direction"] = parameters.read(Units(longest, 1.0).back(start))
    plan = SHORT_FIT if short else replace(parameters.plan(task.noise), restarts=0, rounds=(), head_start=0)
    return search_for(parameters, task, seed, starts, plan, progress, samples)


def search_for(parameters, task, seed, starts, plan, progress, samples):
    """What `train` and `fit` share: the search in units of 1, the record, and the way back.

    Parameters
    ----------
    parameters : of `parameters`
    task, seed, plan, progress, samples
        As for `train`.
    starts : dict of (L, K) arrays, or None
        In units of 1.

    Returns
    -------
    LinearTransformer
    """
    if not isinstance(progress, bool) and not callable(progress):
        raise TypeError(
            f"progress is {checks.shown(progress)}: progress must be True, False or a function of a Report."
        )
    samples = checks.count(samples, "samples", least=2)
    line = Line(f"{parameters.kind.upper()}-{parameters.layers}") if progress is True else None
    report = line or progress or None

    units = Units.of(task)
    unit_task = InUnits.of(task, units)
    found = search(parameters, unit_task, seed, starts, plan, report and in_units_of(report, units))
    model = units.back(parameters.model(found.theta, task.context))
    record = describe(task, parameters, found, seed) | {"loss": units.loss * found.loss}
    with suppress(KeyboardInterrupt):  # it need not wait to be weighed
        record |= weigh(parameters, found, unit_task, units, samples, seed)

    y = task.sample_moments(10_000, np.random.default_rng(seed)).S[:, -1, -1]  # (10_000,): mean squares
    model = LinearTransformer(model.P, model.Q, task.context, task.noise, np.sqrt(y.mean()), record)
    if line:
        line.end(record)
    return model


def longest_direction(task):
    """The root mean square of the inputs along the direction in which they spread most."""
    return 1.0 if task.covariance is None else np.sqrt(np.linalg.eigvalsh(task.covariance)[-1])


def check_task(task):
    """One sentence, if a task is none."""
    if not isinstance(task, RegressionTask):
        raise TypeError(f"task is {checks.shown(task)}: task must be a RegressionTask.")


def stored(name):
    """The stored model of a name such as "diag-7", trained on U(0, 5)."""
    kind, _, layers = name.rpartition("-")
    if not layers.isdecimal():
        raise ValueError(
            f"start is {checks.shown(name)}: start must be a model, or a kind and a number of layers, such as 'diag-7'."
        )
    return load_pretrained(kind, int(layers), FAMILIAR)


@dataclass(frozen=True)
class Units:
    """The sizes of a task's inputs and weights: x = x_unit x', w = w_unit w', and so y = x_unit w_unit y'."""

    x: float
    w: float

    @classmethod
    def of(cls, task):
        """Those in which a component of the inputs has mean square 1, on average over components, and one of w too."""
        mean_square = 1.0 if task.covariance is None else np.trace(task.covariance) / task.dim
        return cls(np.sqrt(mean_square), task.w_scale)

    @property
    def y(self):
        """The unit of labels."""
        return self.x * self.w

    @property
    def loss(self):
        """The unit of losses, which are squares of answers."""
        return self.y**2

    def token(self, dim):
        """The unit of each entry of a token (D,)."""
        return np.append(np.full(dim, self.x), self.y)

    def into(self, model):
        """A model of the task's units as one that reads and answers in these: the way back, backwards."""
        return Units(1 / self.x, 1 / self.w).back(model)

    def back(self, model):
        """A model in these units as one that reads and answers in the task's: e' = e / unit, so P = unit P' / unit and Q = Q' / unit^2."""
        unit = self.token(model.dim)  # (D,)
        P = unit[:, None] * model.P / unit
        Q = model.Q / unit[:, None] / unit
        return LinearTransformer(P, Q)


@dataclass(frozen=True, eq=False)
class InUnits(RegressionTask):
    """A task as it is in other units."""

    whole: RegressionTask | None = None
    units: Units | None = None

    @classmethod
    def of(cls, task, units):
        """The task in these units."""
        covariance = None if task.covariance is None else task.covariance / units.x**2
        return cls(
            task.dim,
            task.context,
            Times(task.noise, 1 / units.y),
            covariance,
            task.w_scale / units.w,
            task,
            units,
        )

    @property
    def own(self):
        return self.whole.own

    @property
    def no_oracle(self):
        return self.whole.no_oracle

    def sample_moments(self, batch, rng):
        moments = self.whole.sample_moments(batch, rng)
        unit = self.units.token(self.dim)  # (D,)
        S = moments.S / unit[:, None] / unit
        return Moments(S, moments.w / self.units.w, moments.sigma / self.units.y, moments.context)


class Times(Noise):
    """The sigma of another noise, times a factor."""

    def __init__(self, noise, factor):
        self.noise, self.factor = noise, factor

    continuous = property(lambda self: self.noise.continuous)

    def sample(self, size, rng):
        return self.factor * self.noise.sample(size, rng)

    def nodes(self, count=64, cuts=()):
        sigmas, weights = self.noise.nodes(count, np.asarray(cuts) / self.factor)
        return self.factor * sigmas, weights


class Line:
    """A line that tells how far a training is, written anew once a second.

    Parameters
    ----------
    name : str.  What is trained.
    """

    def __init__(self, name):
        self.name, self.began, self.told = name, time.monotonic(), 0.0

    def __call__(self, report):
        now = time.monotonic()
        if now - self.told >= 1:
            self.told = now
            self.say(f"{report.done / report.total:.0%}, best so far {report.best:.4g}")

    def end(self, record):
        """The last words: how good it is."""
        so_far = " (interrupted: the best so far)" if record["interrupted"] else ""
        self.say(f"loss {record['loss']:.4g} after {time.monotonic() - self.began:.0f} s{so_far}", end="\n")

    def say(self, text, end=""):
        """Write the line anew, over what stood there."""
        print(f"\r{f'{self.name}: {text}':<60}", end=end, flush=True)


def in_units_of(report, units):
    """A callback of losses in the task's units, as one of losses in other units."""
    return lambda step: report(replace(step, loss=units.loss * step.loss, best=units.loss * step.best))


def describe(task, parameters, found, seed):
    """What is known of a model before it is weighed -> dict that JSON can hold"""
    from .. import __version__

    return {
        "kind": parameters.kind,
        "layers": int(parameters.layers),
        "heads": int(parameters.heads),
        "task": type(task).__name__,
        "dim": int(task.dim),
        "context": int(task.context),
        "noise": task.noise.key,
        "covariance": None if task.covariance is None else task.covariance.tolist(),
        "w_scale": task.w_scale,
        "against": "truth" if task.no_oracle else "oracle",
        "start": found.start,
        "steps": found.steps,
        "skipped": found.skipped,
        "seconds": round(found.seconds, 1),
        "interrupted": found.interrupted,
        "seed": [int(part) for part in seed] if isinstance(seed, (list, tuple)) else int(seed),
        "versions": {"python": platform.python_version(), "lt_helpers": __version__, "numpy": np.__version__},
    }


def weigh(parameters, found, unit_task, units, samples, seed):
    """How good what was found is on sequences that no search has seen -> dict"""
    rng = np.random.default_rng([seed, samples])
    loss, error, p9999, diverged = weighed(parameters, found.theta, unit_task, samples, rng)
    return {
        "loss": units.loss * loss,
        "standard_error": units.loss * error,
        "p9999": units.loss * p9999,
        "diverged": diverged,
        "samples": samples,
    }
