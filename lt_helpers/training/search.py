"""One model, from several starts: a single start lands in a poor minimum more often than not.

Starts are random, or warm: a shallower model with a layer that does nothing, the DIAG model for FULL, the model of a neighbouring noise.
All take a few Gauss-Newton steps on small batches, the best of them more on larger ones, and so on (successive halving).
"""

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
import torch

from ..noise import Fixed
from .gauss_newton import FEW_PARAMETERS, GaussNewton, Settings
from .gradient import forward
from .objective import draw
from .parameters import Full, Omegas


@dataclass(frozen=True)
class Stage:
    """The best `keep` of the starts take `steps` steps of `batch` sequences."""

    keep: int
    steps: int
    batch: int


@dataclass(frozen=True)
class Plan:
    """How to search.  random : number of random starts.  head_start : steps that they take before they are compared with warm ones.
    held_out : number of sequences that choose among the steps of the last stage."""

    random: int
    head_start: int
    stages: tuple
    settings: Settings
    held_out: int = 100_000


FULL = Plan(2, 100, (Stage(6, 50, 1024), Stage(2, 60, 2048), Stage(1, 140, 2048)), Settings())
FEW = Plan(6, 20, (Stage(10, 50, 512), Stage(3, 50, 1024), Stage(1, 100, 4096)), FEW_PARAMETERS)


@dataclass(frozen=True)
class Report:
    """What the callback gets after each step.  start : its name.  done, total : steps of the search.  loss, best : adjusted losses."""

    start: str
    done: int
    total: int
    loss: float
    best: float


@dataclass(frozen=True)
class Found:
    """theta : the best parameters.  loss : on held-out sequences of the search.  start : where they came from.  steps, skipped : of all
    starts.  seconds : of one core.  interrupted : was the search cut short (Ctrl-C)?"""

    theta: torch.Tensor
    loss: float
    start: str
    steps: int
    skipped: int
    seconds: float
    interrupted: bool


def search(family, task, seed, warm=None, plan=None, report=None):
    """Train from random and warm starts.

    family : of `parameters`.    task : RegressionTask.    seed : int or list of int.    warm : {name: theta (L, K)}.    plan : Plan.
    report : function of a Report, called after each step.
    -> Found.  Ctrl-C ends the search and keeps the best so far.
    """
    plan = plan or (FULL if isinstance(family, Full) else FEW)
    begin, rng = perf_counter(), np.random.default_rng(seed)
    starts = dict(warm or {}) | {f"random {i}": family.start(rng, task.noise) for i in range(plan.random)}
    runs, finalists, interrupted = {}, [], False
    first = min(len(starts), plan.stages[0].keep)
    total = plan.random * plan.head_start + sum(min(first, stage.keep) * stage.steps for stage in plan.stages)
    done = 0

    def advance(name, steps, batch):
        nonlocal done
        run = runs[name]
        run.settings = replace(run.settings, batch=batch)
        for _ in range(steps):
            progress = run.step()
            done += 1
            if report:
                report(Report(name, done, total, progress.loss, min(run.best_loss for run in runs.values())))
        run.weigh(run.average)

    try:
        for name, theta in starts.items():  # each sees the same sequences
            runs[name] = GaussNewton(family, theta, task, np.random.default_rng(seed), plan.settings)
            if name not in (warm or {}):
                advance(name, plan.head_start, plan.stages[0].batch)
        for stage in plan.stages:
            for name in ranked(runs)[: stage.keep]:
                if stage is plan.stages[-1]:
                    runs[name].hold_out(plan.held_out)
                    finalists.append(name)
                advance(name, stage.steps, stage.batch)
    except KeyboardInterrupt:
        interrupted = True
    best = min(finalists or runs, key=lambda name: runs[name].best_loss)
    steps, skipped = (sum(getattr(run, what) for run in runs.values()) for what in ("steps", "skipped"))
    return Found(runs[best].best, runs[best].best_loss, best, steps, skipped, perf_counter() - begin, interrupted)


def ranked(runs):
    """The names of runs, best first."""
    return sorted(runs, key=lambda name: runs[name].best_loss)


def deeper(family, theta):
    """Starts for `family` from a shallower model's parameters theta: idle layers in front, or at the end -> {name: theta (L, K)}."""
    missing = family.layers - len(theta)
    front, end = (family.idle(theta[i]).expand(missing, -1) for i in (0, -1))
    return {"idle layer in front": torch.cat([front, theta]), "idle layer at the end": torch.cat([theta, end])}


def jittered(theta, rng, scale=0.003):
    """theta with a little noise: a DIAG model is a saddle of FULL's loss, from which an exact start never leaves."""
    return theta + scale * torch.from_numpy(rng.normal(size=theta.shape)) * theta.abs().mean(dim=1, keepdim=True)


def one_layer(family, task, rng):
    """The best single layer, exactly: one gradient step, w = c alpha with c = E <alpha, w> / E |alpha|^2.

    For x ~ N(0, I_d) that is c = 1 / (1 + (d + 1) / n + E sigma^2 / n). What a single layer has no use for stays random.
    """
    d, n = task.dim, task.context
    c = 1 / (1 + (d + 1) / n + task.noise.mean_square / n)
    theta = family.start(rng, Fixed(0))
    if isinstance(family, Omegas):
        theta[0, 2] = -c
    elif isinstance(family, Full):
        P, Q = theta.reshape(2, d + 1, d + 1)  # views
        P[d] = 0
        P[d, d] = -np.sqrt(c)
        Q[:, :d] = 0
        Q[:d, :d] = np.sqrt(c) * torch.eye(d)
    else:
        theta[0, 1], theta[0, 2] = -np.sqrt(c), np.sqrt(c)
    return theta


def weighed(family, theta, task, samples, rng, chunk=20_000):
    """Adjusted loss on fresh sequences, none of them stretched -> mean, standard error, 99.99th percentile, how many are not finite."""
    losses = []
    for begin in range(0, samples, chunk):
        sequences = draw(task, min(chunk, samples - begin), rng, share=0)
        losses.append(sequences.losses(forward(family, theta, sequences.S).w))
    losses = torch.cat(losses).numpy()
    diverged = int((~np.isfinite(losses)).sum())
    return float(losses.mean()), float(losses.std(ddof=1) / np.sqrt(samples)), float(np.quantile(losses, 0.9999)), diverged
