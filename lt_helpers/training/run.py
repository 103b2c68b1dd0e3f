"""What Adam and Gauss-Newton have in common: fresh sequences at every step, an average of the last steps, and the best that it was.

One step on fresh sequences is noisy. So the answer is the average of the last ones, weighed now and then on held-out sequences, and the
best of these averages is kept. An optimiser adds `_move`: how theta goes on from a batch.
"""

from dataclasses import dataclass

import numpy as np

from .. import checks
from ..task import RegressionTask
from . import arrays
from .gradient import forward, implicit_weights
from .objective import capped, draw, held_out_loss
from .parameters import Family


@dataclass(frozen=True)
class Step:
    """What a step of a run reports.

    Parameters
    ----------
    number : int.  Which step this was, from 1.
    loss : float.  On its batch, before it, capped; of several restarts the best.
    best : float.  On held-out sequences so far; of several restarts the best.
    skipped : int.  Steps that were not taken, so far, for want of a finite gradient or of any gain.
    """

    number: int
    loss: float
    best: float
    skipped: int


class Run:
    """A run of an optimiser, one `step` at a time.

    Parameters
    ----------
    family : of `parameters`.
    theta : (L, K) or (R, L, K) NumPy array or torch tensor.  The start, or R restarts side by side. All is computed in its kind.
    task : RegressionTask.  May be replaced between steps, then the best is forgotten.
    rng : numpy.random.Generator
    settings : AdamSettings or NewtonSettings.  May be replaced between steps.

    Attributes
    ----------
    theta, average, best : like the start.  Parameters now, averaged over the last steps, and the best of these averages.
    best_loss : (R,) or a number.  Of the best, on the held-out sequences.
    steps, skipped : int
    """

    def __init__(self, family, theta, task, rng, settings):
        self.family, self.rng, self.settings = family, rng, settings
        self.theta = copy(theta)
        self.steps = self.skipped = 0
        self.task = task

    @property
    def task(self):
        """The task that is trained on."""
        return self._task

    @task.setter
    def task(self, task):
        check_task(self.family, task)
        self._task = task
        self._forget()
        self.average, self.averaged = copy(self.theta), 0
        settings = self.settings
        self.hold_out(draw(task, settings.held_out, self.rng, settings.stretches), self.average)

    def hold_out(self, sequences, *candidates):
        """Choose the best anew, among `candidates` and from here on, on other held-out Sequences."""
        self.held_out = self._prepared(sequences)
        self.best = copy(candidates[0])
        self.best_loss = arrays.library(self.best).zeros(self.best.shape[:-2]) + np.inf
        for theta in candidates:
            self.weigh(theta)

    def weigh(self, theta):
        """For each restart: keep `theta` if no other was better on the held-out sequences."""
        w = implicit_weights(self.family, self._precise(theta), self.held_out.S)  # (..., B, d)
        loss = held_out_loss(self.held_out.losses(w), self.held_out.weight, self.settings.rare)  # (...,)
        xp = arrays.library(theta)
        better = loss < self.best_loss
        self.best = xp.where(better[..., None, None], theta, self.best)
        self.best_loss = xp.where(better, loss, self.best_loss)

    def model(self):
        """The best model so far, a LinearTransformer; of several restarts the best."""
        best = self.best.reshape(-1, *self.best.shape[-2:])[self.best_loss.argmin()]
        return self.family.model(best, self.task.context, self.task.noise)

    def step(self):
        """One step, of every restart on the same fresh batch -> Step"""
        self.steps += 1
        sequences = self._prepared(draw(self.task, self.settings.batch, self.rng, self.settings.stretches))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what explodes is skipped
            run = forward(self.family, self._precise(self.theta), sequences.S)
            losses = sequences.losses(run.w)  # (..., B)
            loss = (sequences.weight * capped(losses)).mean(-1)  # (...,)
            self._move(sequences, run, losses, loss)
            if self.steps % self.settings.check == 0:
                self.weigh(self.average)
        return Step(self.steps, loss.min().item(), self.best_loss.min().item(), self.skipped)

    def _forget(self):
        """Drop what was known of the task before."""

    def _move(self, sequences, run, losses, loss):
        """Change `theta` and `average` after a batch of Sequences.

        Parameters
        ----------
        run : Pass of the batch.
        losses : (..., B).  Of its sequences.
        loss : (...,).  Their weighted mean, capped.
        """
        raise NotImplementedError

    def _bounded_weight(self, sequences, losses):
        """What sequences of these losses weigh in the gradient of pull * log(1 + loss / pull): none pulls without bound."""
        return sequences.weight / (1 + losses / self.settings.pull)

    def _go_to(self, theta, weight, count):
        """Take `theta`, and move the average by weight / count towards it."""
        self.theta = theta
        self.averaged += 1
        self.average = self.average + (theta - self.average) * weight / count

    def _prepared(self, sequences):
        """Sequences of NumPy arrays in the kind and precision that the run computes with."""
        sequences = sequences.of(lambda values: arrays.like(self.theta, values))
        return sequences.of(arrays.single) if self.settings.single else sequences

    def _precise(self, theta):
        """theta in the precision that the run computes with."""
        return arrays.single(theta) if self.settings.single else theta


def copy(theta):
    """A copy of an array or a tensor."""
    return arrays.library(theta).asarray(theta, copy=True)


def check_task(family, task):
    """Whether a family can be trained on a task, or one sentence on what is wrong with them."""
    if not isinstance(family, Family):
        raise TypeError(
            f"family is {checks.shown(family)}: family must come from `family(kind, layers, dim)`."
        )
    if not isinstance(task, RegressionTask):
        raise TypeError(f"task is {checks.shown(task)}: task must be a RegressionTask.")
    if task.dim != family.dim:
        raise ValueError(
            f"the task has dim = {task.dim}, but the family has dim = {family.dim}: they must agree."
        )
