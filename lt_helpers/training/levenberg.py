"""Levenberg-Marquardt on a fixed set of sequences: for the task without noise, where the loss falls to 1e-12.

Without noise the best answer is exact, so the misfit can be made as small as depth allows, and the few sequences with the smallest
eigenvalues rule the mean: fresh batches would be too different to compare. A fixed set gives a smooth descent, with the full Jacobian.
GD++ has all that it takes (sec. 5.1: Newton's iteration for the inverse), so DIAG and FULL start from it.
"""

from functools import partial
from time import process_time

import numpy as np
import torch

from .. import checks
from . import arrays
from .gradient import backward, forward
from .objective import draw
from .run import check_task
from .search import Found, Report, check_seed, check_starts, compared

TRIAL, FINAL = 1_024, 8_192  # sequences to compare starts on, and to finish on
CHOICE = 100_000  # sequences to choose on: the start may be safer
TRIES = 12  # of longer damping, before a descent is at its end


def descend(family, theta, sequences, steps, report=None):
    """Levenberg-Marquardt; it ends when no step lowers the weighted mean loss.

    Parameters
    ----------
    family : of `parameters`.
    theta : (L, K) tensor.  The start.
    sequences : Sequences
    steps : int.  At most.
    report : function of the step's number and the loss, optional.

    Returns
    -------
    theta : (L, K) tensor
    loss : float
    taken : int.  Steps.
    """
    damping = 1e-2
    run, loss = look(family, theta, sequences)
    for step in range(steps):
        gradient, curvature = normal_equations(family, run, sequences)
        diagonal = curvature.diagonal()
        for _ in range(TRIES):
            solve = arrays.solver(curvature + torch.diag(damping * (diagonal + 1e-9 * diagonal.mean())))
            if solve:
                there = theta - solve(gradient).reshape(theta.shape)
                run_there, loss_there = look(family, there, sequences)
                if loss_there < loss:
                    break
            damping *= 4
        else:
            return theta, loss, step
        theta, run, loss = there, run_there, loss_there
        damping = max(damping / 5, 1e-14)
        if report:
            report(step + 1, loss)
    return theta, loss, steps


def look(family, theta, sequences):
    """The Pass of a model over sequences, and their weighted mean loss: infinite, never NaN, where the model explodes."""
    run = forward(family, theta, sequences.S)
    return run, plain_mean(sequences.losses(run.w), sequences.weight).item()


def normal_equations(family, run, sequences):
    """Gradient and curvature of the mean loss, from the Jacobian J of the misfit r.

    Parameters
    ----------
    family : of `parameters`.
    run : Pass over the sequences.
    sequences : Sequences, B of them.

    Returns
    -------
    gradient : (L K,).  The mean of J^T r.
    curvature : (L K, L K).  The mean of J^T J.
    """
    misfit, weight = sequences.misfit(run.w), sequences.weight[:, None]  # (B, d), (B, 1)
    gradient = curvature = 0
    for direction, r in zip(sequences.root.T, misfit.T):
        J = backward(run, direction.expand_as(misfit)).flatten(1)  # (B, L K): one component of the misfit
        gradient = gradient + J.T @ (weight[:, 0] * r) / len(J)
        curvature = curvature + J.T @ (weight * J) / len(J)
    return gradient, curvature


def plain_mean(losses, weight):
    """The weighted mean of losses (B,), none of them capped: without noise, what explodes once in 100,000 contexts is worse than GD++."""
    return torch.nan_to_num(weight * losses, nan=np.inf).mean()


def solve(family, task, seed, warm, report=None):
    """Train for the task without noise, from warm starts, jittered or not.

    Parameters
    ----------
    family, task, seed, warm, report : as in `search`; at least one warm start.

    Returns
    -------
    Found, as `search` does.
    """
    check_task(family, task)
    check_seed(seed)
    if not warm:
        raise ValueError(f"warm is {checks.shown(warm)}: a descent needs at least one start.")
    warm = {name: torch.from_numpy(theta) for name, theta in check_starts(warm, family).items()}
    return Descents(family, task, seed, warm, report).run()


class Descents:
    """Descents from several starts under way; parameters as in `solve`, all given.

    Attributes
    ----------
    tried : dict.  Names of starts, and what `descend` made of them on a few sequences.
    done, total : int.  Steps that were given to the starts so far, and to all.
    best : float.  The least loss that a step met.
    """

    def __init__(self, family, task, seed, warm, report):
        self.family, self.task, self.warm, self.report = family, task, warm, report
        self.began = process_time()
        self.rng = np.random.default_rng(seed)
        self.steps = family.descent().steps
        self.starts = self.warm | self.jittered(family.descent().jitter)
        self.tried, self.done, self.best = {}, 0, np.inf
        self.total = self.steps * (len(self.starts) + 1)

    def jittered(self, scales):
        """Each warm start with noise, so many shares of its numbers."""
        starts = {}
        for name, theta in self.warm.items():
            for scale in scales:
                noise = torch.from_numpy(self.rng.normal(size=theta.shape))
                starts[f"{name}, {scale:.0%} of noise"] = theta + scale * theta.abs() * noise
        return starts

    def run(self):
        """All starts on a few sequences, the best on more; it and the warm starts are weighed on many -> Found"""
        trial = self.draw(TRIAL)
        final = self.draw(FINAL)
        candidates = {f"{name}, as it came": theta for name, theta in self.warm.items()}
        interrupted, taken = False, 0
        try:
            for name, theta in self.starts.items():
                self.tried[name] = descend(self.family, theta, trial, self.steps, partial(self.tell, name))
                self.done += self.steps
            name = min(self.tried, key=lambda name: self.tried[name][1])
            theta, _, taken = descend(
                self.family, self.tried[name][0], final, self.steps, partial(self.tell, name)
            )
            candidates[name] = theta
        except KeyboardInterrupt:
            interrupted = True
            candidates |= {name: theta for name, (theta, _, _) in self.tried.items()}

        losses = compared(self.family, candidates, self.draw(CHOICE), plain_mean)
        name = min(losses, key=losses.get)
        taken += sum(steps for _, _, steps in self.tried.values())
        seconds = process_time() - self.began
        return Found(candidates[name].numpy().copy(), losses[name], name, taken, 0, seconds, interrupted)

    def draw(self, batch):
        """So many sequences -> Sequences of tensors"""
        return draw(self.task, batch, self.rng).of(torch.from_numpy)

    def tell(self, name, step, loss):
        """Report a step of the start `name`."""
        self.best = min(self.best, loss)
        if self.report:
            self.report(Report(name, self.done + step, self.total, loss, self.best))
