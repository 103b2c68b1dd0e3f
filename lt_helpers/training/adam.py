"""Adam on fresh sequences at every step, for many restarts side by side: cheap steps, each of which can be watched (notebook 10).

Most random starts end in a poor minimum, and which do shows early. So many are trained as one batch, restart x sequence, and only the
best go on (successive halving: `prune`), where it is worth it with a learning rate that falls to nothing (`anneal`). One exploding
sequence in thousands must not hide a good start: starts are ranked by their capped losses, and a gradient that one sequence blew up is
clipped, for each restart by itself.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from .gradient import backward, forward
from .objective import PULL, capped, draw, held_out_loss


@dataclass(frozen=True)
class Settings:
    """batch : sequences a step.  learning_rate : in units in which x and y have the same size.  momentum, memory : of the averages of
    the gradient and of its square.  clip : longest gradient, as a multiple of its usual length.  averaging : over how many steps theta
    is averaged.  check, held_out : every `check` steps that average is weighed on `held_out` sequences."""

    batch: int = 512
    learning_rate: float = 0.01
    momentum: float = 0.9
    memory: float = 0.99
    clip: float = 3.0
    averaging: int = 50
    check: int = 25
    held_out: int = 5_000


@dataclass(frozen=True)
class Progress:
    """What a step reports: `loss` on its batch, before it; `best` on held-out sequences so far, both of the best restart; restarts
    whose gradient was not finite, so far (`skipped`)."""

    step: int
    loss: float
    best: float
    skipped: int


class Adam:
    """A run of Adam, one `step` at a time.

    family : of `parameters`.    theta : (L, K) start, or (R, L, K) for R restarts.    task : RegressionTask; may be replaced between
    steps, then the best is forgotten.    rng : numpy.random.Generator.    settings : Settings; may be replaced between steps.
    """

    def __init__(self, family, theta, task, rng, settings=None):
        self.family, self.rng = family, rng
        self.settings = settings or Settings()
        self.theta = theta.clone()
        self.steps = self.skipped = 0
        self.gradient, self.square = torch.zeros_like(theta), torch.zeros_like(theta)
        self.usual = None  # length of the gradient of each restart
        self.task = task

    @property
    def task(self):
        """The task that is trained on."""
        return self._task

    @task.setter
    def task(self, task):
        self._task = task
        self.units = self.family.units(task.noise)
        self.average, self.averaged = self.theta.clone(), 0
        self.hold_out(draw(task, self.settings.held_out, self.rng))

    def hold_out(self, sequences):
        """Choose the best anew, from here on and on other held-out `sequences`."""
        self.held_out = sequences.float()
        self.best, self.best_loss = self.average.clone(), torch.full(self.theta.shape[:-2], np.inf)
        self.weigh()

    def model(self):
        """The best model so far, a LinearTransformer; of several restarts the best."""
        best = self.best.reshape(-1, *self.best.shape[-2:])[self.best_loss.argmin()]
        return self.family.model(best, self.task.context)

    def weigh(self):
        """For each restart: keep the average of the last steps if no other was better on the held-out sequences."""
        losses = self.held_out.losses(
            forward(self.family, self.average.float(), self.held_out.S).w
        )  # (..., B)
        loss = held_out_loss(losses, self.held_out.weight)
        better = loss < self.best_loss
        self.best = torch.where(better[..., None, None], self.average, self.best)
        self.best_loss = torch.where(better, loss, self.best_loss)

    def step(self):
        """One step of every restart on the same fresh batch -> Progress."""
        self.steps += 1
        sequences = draw(self.task, self.settings.batch, self.rng).float()
        run = forward(self.family, self.theta.float(), sequences.S)
        losses = sequences.losses(run.w)
        weight = sequences.weight / (1 + losses / PULL)  # of the logarithm that bounds the pull of a sequence
        pull = (weight[..., None] * sequences.misfit(run.w)) @ sequences.root.T
        self.advance(backward(run, pull, total=True).double() / self.settings.batch * self.units)
        if self.steps % self.settings.check == 0:
            self.weigh()
        loss = (sequences.weight * capped(losses)).mean(-1).min().item()
        return Progress(self.steps, loss, self.best_loss.min().item(), self.skipped)

    def advance(self, gradient):
        """Move theta against the averaged gradient.    gradient : (..., L, K), in units. A restart whose own is not finite goes back."""
        settings = self.settings
        usable = torch.isfinite(gradient).all(-1, keepdim=True).all(-2, keepdim=True)
        gradient = torch.where(usable, gradient, 0.0)
        self.skipped += int((~usable).sum())
        length = torch.linalg.vector_norm(gradient, dim=(-2, -1), keepdim=True)
        usual = (
            torch.zeros_like(length) if self.usual is None else self.usual
        )  # 0: no gradient so far was finite
        self.usual = torch.where(usual > 0, torch.minimum(usual + (length - usual) / 20, 2 * usual), length)
        gradient = gradient * torch.clamp(settings.clip * self.usual / (length + 1e-300), max=1)
        self.gradient = self.gradient + (1 - settings.momentum) * (gradient - self.gradient)
        self.square = self.square + (1 - settings.memory) * (gradient**2 - self.square)
        gradient = self.gradient / (1 - settings.momentum**self.steps)
        square = self.square / (1 - settings.memory**self.steps)
        move = -settings.learning_rate * self.units * gradient / (torch.sqrt(square) + 1e-12)
        self.theta = torch.where(usable, self.theta + move, self.average)
        self.averaged += 1
        self.average = self.average + (self.theta - self.average) / min(self.averaged, settings.averaging)

    def keep(self, count):
        """Go on with the best `count` restarts, best first."""
        order = self.best_loss.argsort()[:count]
        for name in ("theta", "average", "best", "best_loss", "gradient", "square", "usual"):
            setattr(self, name, getattr(self, name)[order])


@dataclass(frozen=True)
class Round:
    """All restarts take `steps` steps of `batch` sequences at this learning rate, then the best `keep` go on."""

    steps: int
    batch: int
    learning_rate: float
    keep: int


def random_starts(family, task, rng, restarts):
    """A run of Adam from `restarts` random starts, to be pruned -> Adam."""
    theta = torch.stack([family.start(rng, task.noise) for _ in range(restarts)])
    return Adam(family, theta, task, rng, Settings(check=100, held_out=1_000))


def prune(run, rounds, report=None):
    """Train and prune the restarts of an Adam `run`, best first.    rounds : of Round.    report : function of a Progress."""
    for stage in rounds:
        run.settings = replace(run.settings, batch=stage.batch, learning_rate=stage.learning_rate)
        for _ in range(stage.steps):
            progress = run.step()
            if report:
                report(progress)
        run.weigh()
        run.keep(stage.keep)


def anneal(run, stage, report=None):
    """Train the restarts of an Adam `run` on, at a learning rate that falls to nothing as half a cosine, and keep the best.

    stage : Round, its learning rate the first.    report : function of a Progress.
    """
    run.settings = replace(run.settings, batch=stage.batch, averaging=200)
    run.hold_out(draw(run.task, 20_000, run.rng))
    for step in range(stage.steps):
        rate = stage.learning_rate * (1 + np.cos(np.pi * step / stage.steps)) / 2
        run.settings = replace(run.settings, learning_rate=rate)
        progress = run.step()
        if report:
            report(progress)
    run.weigh()
    run.keep(stage.keep)
