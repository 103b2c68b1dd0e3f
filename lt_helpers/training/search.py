"""One model, from several starts: a single start lands in a poor minimum more often than not.

Starts are random, the best of many that Adam has pruned; or warm: a shallower model with a layer that does nothing, the DIAG model for
FULL, the model of a neighbouring noise. All take a few Gauss-Newton steps on small batches, the best of them more on larger ones, and so
on (successive halving). Gauss-Newton stays in the basin where it starts, so the best random start of a FULL model has a long run of Adam
first, longest for noise levels that lie apart, such as {1, 3}. At last the best and the warm starts, as they came, are weighed on the
same held-out sequences: what a search returns is never worse than what it was given.
"""

from dataclasses import dataclass, replace
from functools import partial
from time import process_time

import numpy as np
import torch

from ..noise import Categorical, Fixed
from .adam import Round, anneal, prune, random_starts
from .gauss_newton import FEW_PARAMETERS, GaussNewton, Settings
from .gradient import forward
from .objective import draw, held_out_loss
from .parameters import Full, Omegas


@dataclass(frozen=True)
class Stage:
    """The best `keep` of the starts take `steps` steps of `batch` sequences."""

    keep: int
    steps: int
    batch: int


@dataclass(frozen=True)
class Plan:
    """How to search.  restarts, rounds : random starts, and how Adam prunes them.  anneal : a Round of Adam for those left, or None.
    head_start : Gauss-Newton steps that they take before they are compared with warm ones.  stages : of all.  held_out : number of
    sequences that make the last choice."""

    restarts: int
    rounds: tuple
    head_start: int
    stages: tuple
    settings: Settings
    held_out: int = 100_000
    anneal: Round | None = None


FULL = Plan(
    restarts=9,
    rounds=(Round(500, 128, 0.01, 3), Round(700, 256, 0.007, 1)),
    anneal=Round(4_000, 512, 0.007, 1),
    head_start=50,
    stages=(Stage(6, 50, 1024), Stage(2, 60, 2048), Stage(1, 140, 2048)),
    settings=Settings(),
)
LONG = replace(FULL, anneal=Round(8_000, 1024, 0.005, 1))
PRUNED = (
    Round(100, 64, 0.02, 8),
    Round(100, 128, 0.01, 6),
)  # 24 starts, 8, 6: of 3 that were left, all could be poor
CAREFUL = dict(
    pull=2e4, rare=3e5
)  # three layers: else one sequence in millions can rule the mean. The others pay a few percent for it
FEW = Plan(24, PRUNED, 10, (Stage(6, 30, 512), Stage(3, 40, 1024), Stage(1, 100, 4096)), FEW_PARAMETERS)


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
    plan = plan or plan_for(family, task)
    begin, rng, warm = process_time(), np.random.default_rng(seed), warm or {}
    as_they_came = {f"{name}, as it came": theta for name, theta in warm.items()}
    left = (plan.anneal or plan.rounds[-1]).keep
    first = min(len(warm) + left, plan.stages[0].keep)
    total = sum(stage.steps for stage in (*plan.rounds, plan.anneal) if stage) + left * plan.head_start
    total += sum(min(first, stage.keep) * stage.steps for stage in plan.stages)
    adam, runs, finalists = random_starts(family, task, rng, plan.restarts), {}, {}
    interrupted, done = False, 0

    def tell(name, progress, best):
        nonlocal done
        done += 1
        if report:
            report(Report(name, done, total, progress.loss, best))

    def begin_run(name, theta):  # each sees the same sequences
        runs[name] = GaussNewton(family, theta, task, np.random.default_rng(seed), plan.settings)

    def chosen(candidates, sequences):  # the name of the best, its theta and its loss
        mean = partial(held_out_loss, limit=plan.settings.rare)
        losses = compared(family, candidates | as_they_came, draw(task, sequences, rng), mean)
        name = min(losses, key=losses.get)
        return name, (candidates | as_they_came)[name], losses[name]

    def advance(name, steps, batch):
        run = runs[name]
        run.settings = replace(run.settings, batch=batch)
        for _ in range(steps):
            tell(name, run.step(), min(run.best_loss for run in runs.values()))
        run.weigh(run.average)

    try:
        for name, theta in warm.items():
            begin_run(name, theta)
        prune(adam, plan.rounds, lambda progress: tell("random", progress, progress.best))
        if plan.anneal:
            anneal(adam, plan.anneal, lambda progress: tell("random", progress, progress.best))
        for i, theta in enumerate(adam.best):
            begin_run(f"random {i}", theta)
            advance(f"random {i}", plan.head_start, plan.stages[0].batch)
        for stage in plan.stages:
            for name in ranked(runs)[: stage.keep]:
                if stage is plan.stages[-1]:
                    finalists[name] = runs[name]
                    runs[name].hold_out(draw(task, plan.held_out, rng))
                advance(name, stage.steps, stage.batch)
        best, theta, loss = chosen({name: run.best for name, run in finalists.items()}, plan.held_out)
    except KeyboardInterrupt:
        interrupted = True
        so_far = {f"random {i}": theta for i, theta in enumerate(adam.best)} | {
            name: run.best for name, run in runs.items()
        }
        best, theta, loss = chosen(so_far, min(plan.held_out, 20_000))
    every = [adam, *runs.values()]
    return Found(
        theta,
        loss,
        best,
        steps=sum(run.steps for run in every),
        skipped=sum(run.skipped for run in every),
        seconds=process_time() - begin,
        interrupted=interrupted,
    )


def plan_for(family, task):
    """The Plan for a family and a task."""
    plan = FEW
    if isinstance(family, Full):
        plan = LONG if isinstance(task.noise, Categorical) else FULL
    return replace(plan, settings=replace(plan.settings, **CAREFUL)) if family.layers == 3 else plan


def ranked(runs):
    """The names of runs, best first."""
    return sorted(runs, key=lambda name: runs[name].best_loss)


def compared(family, candidates, sequences, mean=held_out_loss):
    """The losses of {name: theta} on the same sequences -> {name: loss}.    mean : function of losses and weights (B,)."""
    ways = {name: forward(family, theta, sequences.S).w for name, theta in candidates.items()}
    return {name: mean(sequences.losses(w), sequences.weight).item() for name, w in ways.items()}


def deeper(family, theta):
    """Starts for `family` from a shallower model's parameters theta: idle layers in front, or at the end -> {name: theta (L, K)}."""
    missing = family.layers - len(theta)
    front, end = (family.idle(theta[i]).expand(missing, -1) for i in (0, -1))
    return {
        "idle layer in front": torch.cat([front, theta]),
        "idle layer at the end": torch.cat([theta, end]),
    }


def jittered(theta, rng, scale=0.003):
    """theta with a little noise: a DIAG model is a saddle of FULL's loss, from which an exact start never leaves."""
    return theta + scale * torch.from_numpy(rng.normal(size=theta.shape)) * theta.abs().mean(
        dim=1, keepdim=True
    )


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
    return (
        float(losses.mean()),
        float(losses.std(ddof=1) / np.sqrt(samples)),
        float(np.quantile(losses, 0.9999)),
        diverged,
    )
