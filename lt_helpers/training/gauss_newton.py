"""Gauss-Newton on fresh sequences at every step: the optimiser that reaches the paper's losses in seconds to a minute.

With J the derivative of w^L with respect to the parameters, half the squared misfit has gradient J^T r and curvature close to
H = J^T J (Levenberg and Marquardt; the natural gradient of a Gaussian). Both are averaged over steps, and

    theta <- theta - (H + damping * diag H)^-1 gradient

J^T J needs no full Jacobian: for unit vectors v along r and across it, the outer products of J^T v have it as their mean. A step is
tried before it is taken: the damping falls while steps do what the quadratic model says, and rises where they do not. Batches are
noisy, so the answer is the average of the last steps, of which the best on held-out sequences is kept.
"""

import numpy as np

from . import arrays
from .gradient import backward, forward
from .objective import capped
from .run import Run

MANY = 200  # parameters from which on the curvature is summed in single precision: twice as fast, and damping hides the rounding
NORMAL = 20  # spikes of the loss in a row that are no accident any more


class GaussNewton(Run):
    """A run of Gauss-Newton, one `step` at a time; parameters and attributes as in `Run`, but for a single start (L, K).

    Attributes
    ----------
    gradient : (L K,).  Averaged over the steps since the last one that was refused.
    curvature : (L K, L K).  Averaged over all steps.
    damping : float
    """

    def __init__(self, family, theta, task, rng, settings=None):
        settings = settings or family.solver()
        self.damping = settings.damping
        self.spikes = 0
        self.curvature, self.curvatures, self.solve = None, 0, None
        super().__init__(family, theta, task, rng, settings)

    def _forget(self):
        self.gradient, self.gradients = None, 0
        self.recent = []  # losses of the last batches

    def _move(self, sequences, run, losses, loss):
        loss = loss.item()
        if self.has_exploded(loss):
            self.skipped += 1
            self.theta = self.average
            self.gradients = 0
            self.damp(2)
            return
        self.recent = self.recent[-9:] + [loss]
        self.observe(run, sequences, losses)
        self.advance(sequences, losses, loss)

    def has_exploded(self, loss):
        """Is the loss of a fresh batch half again what it was? Many times in a row, and it counts as normal."""
        spike = len(self.recent) == 10 and loss > 1.5 * np.median(self.recent)
        self.spikes = self.spikes + 1 if spike else 0
        return spike and self.spikes < NORMAL

    def observe(self, run, sequences, losses):
        """Average the gradient and the curvature of a batch into those of the steps before.

        Parameters
        ----------
        run : Pass of the batch.
        sequences : Sequences
        losses : (B,).  Adjusted losses of its sequences.
        """
        settings = self.settings
        weight = self._bounded_weight(sequences, losses)  # (B,)
        length, along = directions(sequences.misfit(run.w), losses)  # (B,), (B, d)
        J_along = flat(backward(run, along @ sequences.root.T))  # (B, L K)
        gradient = mean_gradient(J_along * (weight * length)[:, None])  # (L K,): J^T r = |r| J^T (r / |r|)

        # Curvature is smoother than the gradient: a part of the sequences gives enough of it.
        across = self.random_directions(along)[:: settings.thin]  # (B / thin, d)
        J_across = flat(backward(run.every(settings.thin), across @ sequences.root.T))
        curvature = mean_curvature(J_along[:: settings.thin], J_across, weight[:: settings.thin])

        # The first of each is taken whole, later ones move an average.
        self.gradients += 1
        self.curvatures += 1
        if self.gradients == 1:
            self.gradient = gradient
        if self.curvatures == 1:
            self.curvature = curvature
        share = max(1 - settings.momentum, 1 / self.gradients)
        self.gradient = self.gradient + (gradient - self.gradient) * share
        share = max(1 - settings.memory, 1 / self.curvatures)
        self.curvature = arrays.blend(self.curvature, curvature, share)

    def random_directions(self, along):
        """Across unit vectors `along` (B, d), one direction each, random in the d - 1 others -> (B, d), of length sqrt(d - 1).

        The mean of v v^T over such v is I - along along^T: with `along` itself it makes up the identity, and so J^T J.
        """
        B, d = along.shape
        v = arrays.like(along, self.rng.normal(size=(B, d)))  # (B, d)
        v = v - (v * along).sum(1)[:, None] * along
        return v * np.sqrt(d - 1) / arrays.library(v).linalg.vector_norm(v, axis=1, keepdims=True)

    def advance(self, sequences, losses, loss):
        """Try the damped step on the same batch; take it unless the loss rises, and adapt the damping.

        Parameters
        ----------
        sequences : Sequences
        losses : (B,).  Adjusted losses of its sequences, at theta.
        loss : float.  Their weighted mean, capped.
        """
        if self.solve is None or self.steps % self.settings.refresh == 0:
            self.solve = arrays.solver(self.damped_curvature())
        if self.solve is None:
            self.refuse()
            return

        move = -self.solve(self.gradient_like_curvature())  # (L K,)
        bend = move @ (self.curvature @ move)
        move, bend = arrays.double(move), arrays.double(bend)
        predicted = -(self.gradient @ move) - bend / 2  # by the quadratic model
        theta = self.theta + move.reshape(self.theta.shape)

        # What it gains on this batch, and how far chance moves that.
        there = sequences.losses(forward(self.family, theta, sequences.S).w)  # (B,)
        gains = sequences.weight * (capped(losses) - capped(there))
        gain = gains.mean()
        error = arrays.library(gains).std(gains, correction=1) / np.sqrt(len(gains))
        if not np.isfinite(predicted.item()) or gain < -2 * error - 0.02 * loss:
            self.gradients = 0
            self.refuse()
            return

        self._go_to(theta, 5, self.averaged + 5)  # recent steps weigh most
        if gain + error < predicted / 4:
            self.damp(1.5)
        elif gain > predicted / 2:
            self.damp(1 / 1.2)

    def damped_curvature(self):
        """H + damping * diag H, with a little of its mean for parameters that have no curvature of their own."""
        diagonal = self.curvature.diagonal()  # (L K,)
        damping = self.damping * (diagonal + 1e-3 * diagonal.mean())
        return self.curvature + arrays.library(damping).diag(damping)

    def gradient_like_curvature(self):
        """The gradient in the precision of the curvature."""
        is_single = self.curvature.dtype == arrays.single(self.gradient).dtype
        return arrays.single(self.gradient) if is_single else self.gradient

    def refuse(self):
        """Stay, and try a shorter step next time."""
        self.skipped += 1
        self.damp(4)

    def damp(self, factor):
        """Multiply the damping, within its bounds."""
        settings = self.settings
        self.damping = min(max(self.damping * factor, settings.least_damping), settings.most_damping)
        if factor > 1:
            self.solve = None


def directions(misfit, losses):
    """Misfits (B, d), whose half squared lengths are the losses (B,) -> their lengths (B,), and unit vectors along them (B, d)."""
    length = arrays.library(losses).sqrt(2 * losses) + 1e-300
    return length, misfit / length[:, None]


def mean_gradient(gradients):
    """Gradients of single sequences (B, K) -> their mean (K,), one that is not finite counted as zero."""
    xp = arrays.library(gradients)
    usable = xp.isfinite(gradients).all(1)[:, None]  # (B, 1)
    return xp.where(usable, gradients, 0.0).mean(0)


def mean_curvature(J_along, J_across, weight):
    """J^T J, from J^T v for two directions v of each sequence, along its misfit and across it.

    Parameters
    ----------
    J_along, J_across : (B, K)
    weight : (B,).  Of the sequences.

    Returns
    -------
    (K, K).  The weighted mean; what is not finite is left out.
    """
    xp = arrays.library(weight)
    root = xp.sqrt(weight)  # (B,)
    rows = xp.concat([J_along, J_across]) * xp.concat([root, root])[:, None]  # (2 B, K)
    rows = rows[xp.isfinite(rows).all(1)]
    if rows.shape[1] > MANY:
        rows = arrays.single(rows)
    return rows.T @ rows / len(weight)


def flat(gradients):
    """Gradients (B, L, K) -> (B, L K)"""
    return gradients.reshape(len(gradients), -1)
