"""Gauss-Newton on fresh sequences at every step: the optimiser that reaches the paper's losses in seconds to a minute.

With J the derivative of w^L with respect to the parameters, half the squared misfit has gradient J^T r and curvature close to
H = J^T J (Levenberg and Marquardt; the natural gradient of a Gaussian). Both are averaged over steps, and

    theta <- theta - (H + damping * diag H)^-1 gradient

J^T J needs no full Jacobian: for unit vectors v along r and across it, the outer products of J^T v have it as their mean. A step is
tried before it is taken: the damping falls while steps do what the quadratic model says, and rises where they do not. Batches are
noisy, so the answer is the average of the last steps, of which the best on held-out sequences is kept.
"""

from dataclasses import dataclass

import numpy as np
import torch

from .gradient import backward, forward
from .objective import PULL, RARE, capped, draw, held_out_loss


@dataclass(frozen=True)
class Progress:
    """What a step reports: `loss` on its batch, before it; `best` on held-out sequences so far; `damping`; steps not taken (`skipped`)."""

    step: int
    loss: float
    best: float
    damping: float
    skipped: int


@dataclass(frozen=True)
class Settings:
    """batch : sequences a step.  thin : one in so many gives curvature.  memory, momentum : of the averages of H and of the gradient.
    damping : at first; least_damping, most_damping : its bounds.  refresh : steps between factorisations.
    check, held_out : every `check` steps the average is weighed on `held_out` sequences.    pull, rare : what an exploding sequence counts
    for, in the gradient and where models are weighed (see `objective`)."""

    batch: int = 2048
    thin: int = 8
    memory: float = 0.97
    momentum: float = 0.9
    damping: float = 1.0
    least_damping: float = 0.3
    most_damping: float = 30.0
    refresh: int = 4
    check: int = 25
    held_out: int = 20_000
    pull: float = PULL
    rare: float = RARE


FEW_PARAMETERS = Settings(
    thin=1, memory=0.9, momentum=0.7, least_damping=1e-3, refresh=1
)  # DIAG and GD++: a few numbers a layer


class GaussNewton:
    """A run of Gauss-Newton, one `step` at a time.

    family : of `parameters`.    theta : (L, K) start.    task : RegressionTask; may be replaced between steps, then the best is forgotten.
    rng : numpy.random.Generator.    settings : Settings.
    """

    def __init__(self, family, theta, task, rng, settings=None):
        self.family, self.rng = family, rng
        self.settings = settings or (Settings() if theta.numel() > 200 else FEW_PARAMETERS)
        self.theta = theta.clone()
        self.damping = self.settings.damping
        self.steps = self.skipped = self.spikes = 0
        self.recent = []  # losses of the last batches
        self.curvature, self.curvatures, self.factor = None, 0, None
        self.task = task

    @property
    def task(self):
        """The task that is trained on."""
        return self._task

    @task.setter
    def task(self, task):
        self._task = task
        self.held_out = draw(task, self.settings.held_out, self.rng)
        self.average, self.averaged = self.theta.clone(), 0
        self.best, self.best_loss = self.theta.clone(), np.inf
        self.gradient, self.gradients = None, 0
        self.recent.clear()
        self.weigh(self.theta)

    def hold_out(self, sequences):
        """Choose the best anew, on other held-out `sequences`: more of them show rarer explosions."""
        self.held_out = sequences
        best, self.best_loss = self.best, np.inf
        self.weigh(best)
        self.weigh(self.average)

    def model(self):
        """The best model so far, a LinearTransformer."""
        return self.family.model(self.best, self.task.context)

    def weigh(self, theta):
        """Keep `theta` if no other was better on the held-out sequences."""
        losses = self.held_out.losses(forward(self.family, theta, self.held_out.S).w)
        loss = held_out_loss(losses, self.held_out.weight, self.settings.rare).item()
        if loss < self.best_loss:
            self.best, self.best_loss = theta.clone(), loss

    def step(self):
        """One step on a fresh batch -> Progress."""
        self.steps += 1
        sequences = draw(self.task, self.settings.batch, self.rng)
        run = forward(self.family, self.theta, sequences.S)
        losses = sequences.losses(run.w)
        loss = (sequences.weight * capped(losses)).mean().item()
        if self.has_exploded(loss):
            self.skipped += 1
            self.theta, self.gradients = self.average.clone(), 0
            self.damp(2)
        else:
            self.recent = self.recent[-9:] + [loss]
            self.observe(run, sequences, losses)
            self.advance(sequences, losses, loss)
        if self.steps % self.settings.check == 0:
            self.weigh(self.average)
        return Progress(self.steps, loss, self.best_loss, self.damping, self.skipped)

    def has_exploded(self, loss):
        """Is the loss of a fresh batch half again what it was? Twenty times in a row, and it counts as normal."""
        spike = len(self.recent) == 10 and loss > 1.5 * np.median(self.recent)
        self.spikes = self.spikes + 1 if spike else 0
        return spike and self.spikes < 20

    def observe(self, run, sequences, losses):
        """Average the gradient and the curvature of this batch into those of the steps before."""
        misfit, root = sequences.misfit(run.w), sequences.root
        B, d = misfit.shape
        length = torch.sqrt(2 * losses) + 1e-300
        along = misfit / length[:, None]
        weight = sequences.weight / (
            1 + losses / self.settings.pull
        )  # of the logarithm that bounds the pull of a sequence
        J_along = backward(run, along @ root.T).flatten(1)  # (B, parameters)
        thin = slice(None, None, self.settings.thin)
        across = torch.from_numpy(self.rng.normal(size=(B, d)))[thin]
        across = across - (across * along[thin]).sum(1, keepdim=True) * along[thin]
        across = across * np.sqrt(d - 1) / across.norm(dim=1, keepdim=True)
        J_across = backward(run.every(self.settings.thin), across @ root.T).flatten(1)

        pull = J_along * (weight * length)[:, None]
        gradient = torch.where(torch.isfinite(pull).all(1, keepdim=True), pull, 0.0).mean(0)
        rows = torch.cat([J_along[thin], J_across]) * weight[thin].sqrt().repeat(2)[:, None]
        rows = rows[torch.isfinite(rows).all(1)]
        if rows.shape[1] > 200 and self.settings.least_damping > 1e-6:
            rows = rows.float()  # twice as fast, and damping hides the rounding
        curvature = rows.T @ rows / len(across)

        self.gradients += 1
        self.curvatures += 1
        if self.gradients == 1:
            self.gradient = gradient
        self.gradient = self.gradient + (gradient - self.gradient) * max(
            1 - self.settings.momentum, 1 / self.gradients
        )
        if self.curvature is None:
            self.curvature = curvature
        self.curvature.lerp_(curvature, max(1 - self.settings.memory, 1 / self.curvatures))

    def advance(self, sequences, losses, loss):
        """Try the damped step on the same batch; take it unless the loss rises, and adapt the damping."""
        if self.factor is None or self.steps % self.settings.refresh == 0:
            diagonal = self.curvature.diagonal()
            damping = self.damping * (diagonal + 1e-3 * diagonal.mean())
            self.factor, failed = torch.linalg.cholesky_ex(self.curvature + torch.diag(damping))
            if failed or not torch.isfinite(self.factor).all():
                self.skipped += 1
                self.damp(4)
                return
        move = -torch.cholesky_solve(self.gradient[:, None].to(self.factor.dtype), self.factor)[:, 0]
        predicted = -(self.gradient @ move.double()) - (move @ (self.curvature @ move)).double() / 2
        theta = self.theta + move.double().reshape(self.theta.shape)
        gains = sequences.weight * (
            capped(losses) - capped(sequences.losses(forward(self.family, theta, sequences.S).w))
        )
        gain, error = gains.mean(), gains.std() / np.sqrt(len(gains))
        if not torch.isfinite(predicted) or gain < -2 * error - 0.02 * loss:
            self.skipped += 1
            self.gradients = 0
            self.damp(4)
            return
        self.theta = theta
        self.averaged += 1
        self.average = self.average + (self.theta - self.average) * 5 / (
            self.averaged + 4
        )  # recent steps weigh most
        if gain + error < predicted / 4:
            self.damp(1.5)
        elif gain > predicted / 2:
            self.damp(1 / 1.2)

    def damp(self, factor):
        """Multiply the damping, within its bounds."""
        self.damping = min(
            max(self.damping * factor, self.settings.least_damping), self.settings.most_damping
        )
        if factor > 1:
            self.factor = None
