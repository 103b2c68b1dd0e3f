"""Levenberg-Marquardt on a fixed set of sequences: for the task without noise, where the loss falls to 1e-12.

Without noise the best answer is exact, so the misfit can be made as small as depth allows, and the few sequences with the smallest
eigenvalues rule the mean: fresh batches would be too different to compare. A fixed set gives a smooth descent, with the full Jacobian.
GD++ has all that it takes (sec. 5.1: Newton's iteration for the inverse), so DIAG and FULL start from it.
"""

from time import process_time

import numpy as np
import torch

from .gradient import backward, forward
from .objective import draw
from .search import Found, Report, compared

TRIAL, FINAL, CHOICE = (
    1_024,
    8_192,
    100_000,
)  # sequences to compare starts on, to finish on, and to choose on: the start may be safer


def descend(family, theta, sequences, steps, report=None):
    """At most `steps` Levenberg-Marquardt steps; they end when none lowers the weighted mean loss -> theta (L, K), loss, steps taken."""

    def look(theta):
        run = forward(family, theta, sequences.S)
        return run, (sequences.weight * sequences.losses(run.w)).mean().item()

    damping, (run, loss) = 1e-2, look(theta)
    for step in range(steps):
        gradient, curvature = normal_equations(family, run, sequences)
        for _ in range(12):
            diagonal = curvature.diagonal()
            factor, failed = torch.linalg.cholesky_ex(
                curvature + torch.diag(damping * (diagonal + 1e-9 * diagonal.mean()))
            )
            moved = theta - torch.cholesky_solve(gradient[:, None], factor)[:, 0].reshape(theta.shape)
            run_there, loss_there = look(moved)
            if not failed and loss_there < loss:
                break
            damping *= 4
        else:
            return theta, loss, step
        theta, run, loss, damping = moved, run_there, loss_there, max(damping / 5, 1e-14)
        if report:
            report(step + 1, loss)
    return theta, loss, steps


def normal_equations(family, run, sequences):
    """J^T r and J^T J over the sequences, J the derivative of the misfit r: gradient (L K,), curvature (L K, L K)."""
    misfit, weight = sequences.misfit(run.w), sequences.weight[:, None]
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
    """Train for the task without noise, from the warm starts {name: theta}, jittered or not -> Found, as `search` does."""
    begin, rng = process_time(), np.random.default_rng(seed)
    steps = 40 if family.count == 4 else 4  # FULL adds next to nothing to GD++ here
    starts = dict(warm)
    for name, theta in warm.items() if family.count == 4 else ():
        for scale in (0.01, 0.1):
            starts[f"{name}, {scale:.0%} of noise"] = theta + scale * theta.abs() * torch.from_numpy(
                rng.normal(size=theta.shape)
            )
    total, done, best, candidates = (
        steps * (len(starts) + 1),
        0,
        np.inf,
        {f"{name}, as it came": theta for name, theta in warm.items()},
    )

    def tell(name):
        def on_step(step, loss):
            nonlocal best
            best = min(best, loss)
            if report:
                report(Report(name, done + step, total, loss, best))

        return on_step

    trial, final = draw(task, TRIAL, rng), draw(task, FINAL, rng)
    tried, interrupted, taken = {}, False, 0
    try:
        for name, theta in starts.items():
            tried[name] = descend(family, theta, trial, steps, tell(name))
            done += steps
        name = min(tried, key=lambda name: tried[name][1])
        candidates[name], _, taken = descend(family, tried[name][0], final, steps, tell(name))
    except KeyboardInterrupt:
        interrupted = True
        candidates |= {name: theta for name, (theta, _, _) in tried.items()}
    losses = compared(family, candidates, draw(task, CHOICE, rng), plain_mean)
    name = min(losses, key=losses.get)
    taken += sum(run[2] for run in tried.values())
    return Found(candidates[name], losses[name], name, taken, 0, process_time() - begin, interrupted)
