"""One model, from several starts: a single start lands in a poor minimum more often than not.

Starts are random, the best of many that Adam has pruned; or warm: a shallower model with a layer that does nothing, the DIAG model for
FULL, the model of a neighbouring noise. All take a few steps on small batches, the best of them more on larger ones, and so on
(successive halving): of Gauss-Newton where a layer has few numbers, of Adam where it has hundreds (see `plans`). At last the best and the
warm starts, as they came, are weighed on the same held-out sequences: what a search returns is never worse than what it was given.
"""

from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral
from time import process_time

import numpy as np

from .. import checks
from .adam import Adam, anneal, prune, random_starts
from .gauss_newton import GaussNewton
from .gradient import implicit_weights
from .objective import count_capped, draw, held_out_loss
from .plans import AdamSettings, Plan
from .run import check_task

SOONER = 20_000  # sequences that choose after an interrupt, when somebody waits


@dataclass(frozen=True)
class Report:
    """What a callback gets after each step of a search.

    Parameters
    ----------
    start : str.  The name of the start that took it.
    done, total : int.  Steps of the search.
    loss, best : float.  Adjusted losses: of the step's batch, capped, and of the best start so far.
    """

    start: str
    done: int
    total: int
    loss: float
    best: float


@dataclass(frozen=True)
class Found:
    """What a search comes to.

    Parameters
    ----------
    theta : (L, K) array.  The best parameters.
    loss : float.  Adjusted loss, on the held-out sequences that chose it.
    start : str.  Where they came from.
    steps, skipped : int.  Of all starts.
    seconds : float.  Of one core.
    interrupted : bool.  Whether the search was cut short (Ctrl-C).
    capped : int.  Held-out sequences that count for less in `loss` than they lose, because they explode.
    """

    theta: np.ndarray
    loss: float
    start: str
    steps: int
    skipped: int
    seconds: float
    interrupted: bool
    capped: int = 0


def search(family, task, seed, warm=None, plan=None, report=None):
    """Train a model from random and warm starts.

    Parameters
    ----------
    family : of `parameters`.
    task : RegressionTask
    seed : int or sequence of int.  The same seed, starts, plan and versions give the same model.
    warm : dict, optional.  Names of starts and their parameters (L, K).
    plan : Plan, optional.  By default the family's own.
    report : function of a Report, optional.  Called after each step.

    Returns
    -------
    Found.  Ctrl-C ends the search and keeps the best so far.

    Raises
    ------
    ValueError, TypeError
        In one sentence, if there is nothing here to train.
    """
    check_task(family, task)
    check_seed(seed)
    warm = check_starts(warm or {}, family)
    if plan is None:
        plan = family.plan(task.noise, alone=not warm)
    if not isinstance(plan, Plan):
        raise TypeError(f"plan is {checks.shown(plan)}: plan must be a Plan.")
    if not warm and not plan.restarts:
        raise ValueError(f"warm is {checks.shown(warm)}: a plan without random starts needs another start.")
    return Search(family, task, seed, warm, plan, report).run()


class Search:
    """A search under way; parameters as in `search`, all given.

    Attributes
    ----------
    adam : Adam or None.  The random starts, if there are any.
    runs : dict.  Names of starts, and their runs of GaussNewton or Adam.
    finalists : dict.  Those of the last stage.
    done, total : int.  Steps.
    """

    def __init__(self, family, task, seed, warm, plan, report):
        self.family, self.task, self.seed = family, task, seed
        self.warm, self.plan, self.report = warm, plan, report
        self.began = process_time()
        self.rng = np.random.default_rng(seed)
        self.adam = random_starts(family, task, self.rng, plan.restarts) if plan.restarts else None
        self.runs, self.finalists = {}, {}
        self.done, self.total = 0, steps_of(plan, len(warm))

    def run(self):
        """All of the plan, or as much as there is time for -> Found"""
        interrupted = False
        try:
            self.begin()
            self.race()
            best, theta, loss, capped = self.choose(self.finalists, self.plan.held_out)
        except KeyboardInterrupt:
            interrupted = True
            random = self.adam.best if self.adam else ()
            best, theta, loss, capped = self.choose(self.runs, min(self.plan.held_out, SOONER), random)

        every = [self.adam, *self.runs.values()] if self.adam else list(self.runs.values())
        return Found(
            theta.copy(),
            loss,
            best,
            steps=sum(run.steps for run in every),
            skipped=sum(run.skipped for run in every),
            seconds=process_time() - self.began,
            interrupted=interrupted,
            capped=capped,
        )

    def begin(self):
        """A run for every start: the warm ones as they are, the random ones once Adam has pruned them."""
        for name, theta in self.warm.items():
            self.add(name, theta)
        if not self.adam:
            return
        prune(self.adam, self.plan.rounds, partial(self.tell, "random"))
        for i, theta in enumerate(self.adam.best):
            self.add(f"random {i}", theta)
            self.advance(f"random {i}", replace(self.plan.stages[0], steps=self.plan.head_start))

    def race(self):
        """Stage after stage, fewer runs on larger batches; the last on more held-out sequences, for rare explosions."""
        for stage in self.plan.stages[:-1]:
            for name in ranked(self.runs)[: stage.keep]:
                self.advance(name, stage)

        last = self.plan.stages[-1]
        self.finalists = {name: self.runs[name] for name in ranked(self.runs)[: last.keep]}
        held_out = draw(self.task, self.plan.held_out, self.rng, self.plan.settings.stretches)
        for name, run in self.finalists.items():
            run.hold_out(held_out, run.best, run.average)
            self.advance(name, last)

    def choose(self, runs, sequences, random=()):
        """The best of `runs`, of `random` starts without a run yet, and of the warm starts as they came.

        Returns
        -------
        name : str
        theta : (L, K) array
        loss : float.  On so many held-out `sequences`.
        capped : int.  How many of these count for less than they lose.
        """
        # The first of equals is taken: what a search has not moved counts as it came.
        candidates = {f"{name}, as it came": theta for name, theta in self.warm.items()}
        candidates |= {f"random {i}": theta for i, theta in enumerate(random)}
        candidates |= {name: run.best for name, run in runs.items()}
        held_out = draw(self.task, sequences, self.rng, self.plan.settings.stretches)
        rare = self.plan.settings.rare

        losses = compared(self.family, candidates, held_out, partial(held_out_loss, limit=rare))
        best = min(losses, key=losses.get)
        capped = count_capped(sequence_losses(self.family, candidates[best], held_out), rare)
        return best, candidates[best], losses[best], int(capped)

    def add(self, name, theta):
        """A run from a start; each sees the same sequences."""
        rng, settings = np.random.default_rng(self.seed), self.plan.settings
        optimiser = Adam if isinstance(settings, AdamSettings) else GaussNewton
        self.runs[name] = optimiser(self.family, theta, self.task, rng, settings)

    def advance(self, name, stage):
        """A stage of one run."""
        run, tell = self.runs[name], partial(self.tell, name)
        if isinstance(run, Adam):
            anneal(run, stage, tell)
            return
        run.settings = replace(run.settings, batch=stage.batch)
        for _ in range(stage.steps):
            tell(run.step())
        run.weigh(run.average)

    def tell(self, name, step):
        """Count a step, and report it."""
        self.done += 1
        best = min([step.best, *(run.best_loss.item() for run in self.runs.values())])
        if self.report:
            self.report(Report(name, self.done, self.total, step.loss, best))


def steps_of(plan, warm):
    """How many steps a Plan takes with so many warm starts."""
    left = plan.rounds[-1].keep if plan.restarts else 0
    starts = min(warm + left, plan.stages[0].keep)
    steps = sum(stage.steps for stage in plan.rounds) + left * plan.head_start
    return steps + sum(min(starts, stage.keep) * stage.steps for stage in plan.stages)


def ranked(runs):
    """The names of runs, best first."""
    return sorted(runs, key=lambda name: runs[name].best_loss.item())


def sequence_losses(family, theta, sequences):
    """Adjusted losses (B,) of a model on Sequences."""
    return sequences.losses(implicit_weights(family, theta, sequences.S))


def compared(family, candidates, sequences, mean):
    """The losses of {name: theta} on the same sequences -> {name: loss}.    mean : function of losses and weights (B,)."""
    losses = {name: sequence_losses(family, theta, sequences) for name, theta in candidates.items()}
    return {name: mean(each, sequences.weight).item() for name, each in losses.items()}


def check_seed(seed):
    """`seed`, if a NumPy Generator can be made of it: a whole number from 0, or several."""
    several = isinstance(seed, (list, tuple)) and len(seed) > 0
    for number in seed if several else [seed]:
        if isinstance(number, bool) or not isinstance(number, Integral) or number < 0:
            raise ValueError(
                f"seed is {checks.shown(seed)}: seed must be a whole number, 0 or above, or a list of such numbers."
            )
    return seed


def check_starts(warm, family):
    """Warm starts {name: theta} as arrays in double precision, or one sentence on what is wrong with them."""
    if not isinstance(warm, dict):
        raise TypeError(f"warm is {checks.shown(warm)}: warm must be a dictionary of names and parameters.")
    shape = (family.layers, family.count)
    return {name: checks.array(theta, f"warm[{name!r}]", shape) for name, theta in warm.items()}


def deeper(family, theta):
    """Starts from a shallower model: idle layers in front, or at the end.

    Parameters
    ----------
    family : of the deeper model.
    theta : (l, K) array, l < L.  Parameters of the shallower one.

    Returns
    -------
    dict of names and (L, K) arrays
    """
    missing = family.layers - len(theta)
    front = np.tile(family.idle(theta[0]), (missing, 1))  # (L - l, K)
    end = np.tile(family.idle(theta[-1]), (missing, 1))
    return {
        "idle layer in front": np.concatenate([front, theta]),
        "idle layer at the end": np.concatenate([theta, end]),
    }


def jittered(theta, rng, scale=0.003):
    """theta (L, K) with a little noise: a DIAG model is a saddle of FULL's loss, from which an exact start never leaves."""
    usual = abs(theta).mean(axis=1, keepdims=True)  # (L, 1)
    return theta + scale * rng.normal(size=theta.shape) * usual


def weighed(family, theta, task, samples, rng, chunk=20_000):
    """Adjusted loss on fresh sequences, none of them stretched, and no loss capped.

    Parameters
    ----------
    family, theta, task : as in `search`; theta (L, K).
    samples : int.  How many sequences.
    rng : numpy.random.Generator
    chunk : int.  How many at a time.

    Returns
    -------
    loss, standard_error : float
    p9999 : float.  99.99th percentile over the sequences.
    diverged : int.  How many losses are not finite.
    """
    losses = []
    for begin in range(0, samples, chunk):
        sequences = draw(task, min(chunk, samples - begin), rng, stretches=())
        losses.append(sequence_losses(family, theta, sequences))
    losses = np.concatenate(losses)  # (samples,)
    diverged = int((~np.isfinite(losses)).sum())
    error = losses.std(ddof=1) / np.sqrt(samples)
    return float(losses.mean()), float(error), float(np.quantile(losses, 0.9999)), diverged
