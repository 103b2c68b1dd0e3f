"""Adam on fresh sequences at every step, for many restarts side by side: cheap steps, each of which can be watched (notebook 10).

Most random starts end in a poor minimum, and which do shows early. So many are trained as one batch, restart x sequence, and only the
best go on (successive halving: `prune`), where it is worth it with a learning rate that falls to nothing (`anneal`). One exploding
sequence in thousands must not hide a good start: starts are ranked by their capped losses, and a gradient that one sequence blew up is
clipped, for each restart by itself.
"""

from dataclasses import replace

import numpy as np

from . import arrays
from .gradient import backward
from .plans import AdamSettings
from .run import Run


class Adam(Run):
    """A run of Adam (Kingma and Ba 2015), one `step` at a time; parameters and attributes as in `Run`."""

    def __init__(self, family, theta, task, rng, settings=None):
        xp = arrays.library(theta)
        self.gradient, self.square = xp.zeros_like(theta), xp.zeros_like(theta)
        self.usual = None  # length of the gradient of each restart
        super().__init__(family, theta, task, rng, settings or AdamSettings())

    def _move(self, sequences, run, losses, loss):
        weight = self._bounded_weight(sequences, losses)  # (..., B)
        pull = (weight[..., None] * sequences.misfit(run.w)) @ sequences.root.T  # (..., B, d)
        gradient = backward(run, pull, total=True)  # (..., L, K)
        units = arrays.like(self.theta, self.family.units(self.task.noise))  # (K,)
        self.advance(arrays.double(gradient) / self.settings.batch * units, units)

    def advance(self, gradient, units):
        """Move theta against the averaged gradient. A restart whose own is not finite goes back to its average.

        Parameters
        ----------
        gradient : (..., L, K), in units.
        units : (K,).  The size of each parameter.
        """
        settings, xp = self.settings, arrays.library(gradient)
        usable = xp.isfinite(gradient).all(-1)[..., None].all(-2)[..., None]  # (..., 1, 1)
        gradient = xp.where(usable, gradient, 0.0)
        self.skipped += int((~usable).sum())

        # One that is much longer than usual is cut to size: a single sequence has blown it up.
        length = xp.linalg.vector_norm(gradient, axis=(-2, -1), keepdims=True)  # (..., 1, 1)
        # Its usual length is 0 as long as no gradient was finite.
        usual = xp.zeros_like(length) if self.usual is None else self.usual
        risen = xp.minimum(usual + (length - usual) / 20, 2 * usual)
        self.usual = xp.where(usual > 0, risen, length)
        gradient = gradient * (settings.clip * self.usual / (length + 1e-300)).clip(None, 1)

        # Averages that begin at zero are too small at first; what they lack is known (Kingma and Ba, section 3).
        self.gradient = self.gradient + (1 - settings.momentum) * (gradient - self.gradient)
        self.square = self.square + (1 - settings.memory) * (gradient**2 - self.square)
        gradient = self.gradient / (1 - settings.momentum**self.steps)
        square = self.square / (1 - settings.memory**self.steps)
        move = -settings.learning_rate * units * gradient / (xp.sqrt(square) + 1e-12)

        theta = xp.where(usable, self.theta + move, self.average)
        self._go_to(theta, 1, min(self.averaged + 1, settings.averaging))

    def keep(self, count):
        """Go on with the best `count` restarts, best first."""
        order = self.best_loss.argsort()[:count]
        for name in ("theta", "average", "best", "best_loss", "gradient", "square", "usual"):
            setattr(self, name, getattr(self, name)[order])


def random_starts(family, task, rng, restarts, kind=np):
    """A run of Adam from random starts, to be pruned.

    Parameters
    ----------
    family, task, rng : as in `Run`.
    restarts : int
    kind : module.  numpy or torch: what it computes with.

    Returns
    -------
    Adam
    """
    theta = np.stack([family.start(rng, task.noise) for _ in range(restarts)])  # (R, L, K)
    return Adam(family, kind.asarray(theta), task, rng, AdamSettings(check=100, held_out=1_000))


def prune(run, rounds, report=None):
    """Train and prune the restarts of a run of Adam, best first.

    Parameters
    ----------
    run : Adam
    rounds : sequence of Round
    report : function of a Step, called after each.
    """
    for stage in rounds:
        run.settings = replace(run.settings, batch=stage.batch, learning_rate=stage.learning_rate)
        for _ in range(stage.steps):
            step = run.step()
            if report:
                report(step)
        run.weigh(run.average)
        run.keep(stage.keep)


def anneal(run, stage, report=None):
    """Train a run of Adam on, at a learning rate that falls to nothing as half a cosine.

    Parameters
    ----------
    run : Adam
    stage : Round or Stage, its learning rate the first.
    report : function of a Step, called after each.
    """
    run.settings = replace(run.settings, batch=stage.batch)
    for step in range(stage.steps):
        rate = stage.learning_rate * (1 + np.cos(np.pi * step / stage.steps)) / 2
        run.settings = replace(run.settings, learning_rate=rate)
        done = run.step()
        if report:
            report(done)
    run.weigh(run.average)
