"""Training to watch: a run whose noise and learning rate move while it trains, with a short memory of where it has been (notebook 10).

DIAG is trained in its four omegas, all free, which takes two heads: with one head, whose omegas are bound by xx yy = xy yx, every
start that follows the noise from U(0, 1) to U(0, 5) ends in a poor minimum.

A task of a learner's own is trained on in the units in which its inputs and weights have size 1: there the same starts, learning rates and
axes serve all. What is shown of the answers, the losses and the weight on one context, is in the task's own units.

All is NumPy: a page, where torch is not installed, trains as well.
"""

from collections import deque
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..model import LinearTransformer
from ..noise import Noise
from ..pretrained import load_pretrained, stored_layers
from ..spectrum import Spectrum
from ..task import PAPER, RegressionTask, at_noise, second_moments
from .adam import Adam
from .gauss_newton import GaussNewton
from .gradient import forward
from .objective import Sequences, capped, count_capped, draw
from .parameters import family
from .plans import RARE, AdamSettings
from .train import InUnits, Units

DIM, CONTEXT = PAPER
EVERY, KEPT = 20, 101  # one in so many steps is remembered, so many of them
AGO = EVERY * np.arange(1.0 - KEPT, 1)  # when that was, in steps before now, to the nearest EVERY
TEST, BATCH = 512, 64  # sequences of the test set, and of a step
NEVER = 10**9  # what is shown is where the run is now, not the best that it has met: Adam need not weigh
SIGMA = 2.0  # noise of the one context that is shown, for the paper's task
PLATEAU = 20  # remembered points without progress that count as a stall
POOR = 1.1  # losses above the stored model's, as a multiple, that count as poor
LARGER = 8  # batches of Gauss-Newton, as a multiple
GAIN = 0.99  # a jump ends where its loss falls no further than by this factor between two weighings


class Point(NamedTuple):
    """A moment of a run: the model's omegas (L, 4), and losses on the test set, of it, of the best possible and of the stored one."""

    omega: np.ndarray
    loss: float
    bayes: float
    stored: float


@dataclass(frozen=True)
class Yardstick:
    """What a run is measured with.

    Parameters
    ----------
    sequences : Sequences.  The test set, of one noise.
    bayes : float.  Adjusted loss on it of the best possible predictor; NaN for a task that has no oracle.
    stored : float.  Of the stored model; NaN where none is stored.
    """

    sequences: Sequences
    bayes: float
    stored: float


@dataclass(frozen=True)
class Trained:
    """What there is to see of a run. L layers, K remembered steps of which the last is now; NaN where there is nothing to remember yet.

    Parameters
    ----------
    kind : {"diag", "full", "gd++"}
    noise : Noise.  What is trained on now.
    own : bool.  Is the task a learner's own?
    against : str.  What the loss is above: "oracle", or "truth" for a task that has no oracle.
    units : Units.  In which omega, P and Q stand; the rest is in the task's own.
    steps : int
    ago : (K,).  When it was, in steps before now.
    omega : (L, 4, K).  omega_xx, omega_xy, omega_yx, omega_yy; NaN where an omega has no effect.
    loss, bayes, stored : (K,).  Adjusted losses on the test set: of the model, of the Bayes-optimal predictor, of the stored model.
    target, target_loss : (L, 4) and float, or None.  Where Gauss-Newton ended for this noise; or what is better by now.
    sigma : float.  The noise of the one context.
    truth, oracle, w : (d,).  Of the one context: its weights, ridge regression's that is told sigma, and the implicit weight.
    P, Q : (L, D, D) or None.  Of FULL, gauge fixed; NaN in rows that have no effect.
    jumping : int.  Gauss-Newton steps still to take.
    stalled : bool.  Whether it sits in a poor minimum.
    changed : (C,).  When the noise has changed, in steps before now: the last time, and those before that are remembered.
    capped : int.  Sequences of the test set that count for less in the loss of now than they lose, because they explode.
    """

    kind: str
    noise: Noise
    own: bool
    against: str
    units: Units
    steps: int
    ago: np.ndarray
    omega: np.ndarray
    loss: np.ndarray
    bayes: np.ndarray
    stored: np.ndarray
    target: np.ndarray | None
    target_loss: float | None
    sigma: float
    truth: np.ndarray
    oracle: np.ndarray
    w: np.ndarray
    P: np.ndarray | None
    Q: np.ndarray | None
    jumping: int
    stalled: bool
    changed: np.ndarray
    capped: int

    @property
    def steady(self):
        """Steps since the noise has changed, or since the beginning."""
        return int(-self.changed[-1]) if len(self.changed) else self.steps


class LiveRun:
    """One model in training, one `step` at a time; `follow` changes what it is trained on, `jump` sends it to the nearest optimum.

    Parameters
    ----------
    kind : {"diag", "full", "gd++"}
    layers : int
    noise : Noise.  To train on at first.
    learning_rate : float
    seed : int.  Of the start and all draws: the same seed and moves give the same run.
    task : RegressionTask, optional.  Of a learner's own, whose noise gives way to `noise`; the paper's by default.

    Attributes
    ----------
    steps : int.  Of Adam and of Gauss-Newton.
    jumping : int.  Steps of Gauss-Newton still to take.
    memory : deque of Point.  One in EVERY steps, the last KEPT of them.
    """

    def __init__(self, kind, layers, noise, learning_rate, seed, task=None):
        self.kind, self.layers, self.seed = kind, layers, seed
        self.own, self.base = task is not None, RegressionTask(DIM, CONTEXT, noise) if task is None else task
        self.units = Units.of(self.base)
        self.family = family(kind, layers, self.base.dim, heads=2 if kind == "diag" else 1)
        self.noise, self.yardsticks = noise, {}
        rng = np.random.default_rng(seed)
        settings = AdamSettings(
            batch=BATCH, learning_rate=learning_rate, check=NEVER, held_out=1, single=False
        )
        task = self.unit_task(noise)
        start = self.family.start(rng, task.noise)
        self.adam = Adam(self.family, start, task, rng, settings)
        self.newton, self.jumping = None, 0
        self.steps, self.memory, self.changes = 0, deque(maxlen=KEPT), []
        self.forget()
        self.remember()

    def unit_task(self, noise):
        """The task with a noise, in the units of training -> RegressionTask"""
        task = at_noise(self.base, noise)
        return InUnits.of(task, self.units) if self.own else task

    @property
    def goal(self):
        """What it is trained on, in a few characters."""
        return self.noise.label

    def follow(self, noise, learning_rate):
        """Train on with this noise and this learning rate."""
        self.adam.settings = replace(self.adam.settings, learning_rate=learning_rate)
        if noise != self.noise:
            self.adam.theta = self.adam.average.copy()  # on from what is shown
            remembered = self.steps + AGO[0]
            self.changes = [step for step in self.changes if step >= remembered] + [self.steps]
            self.newton, self.jumping = None, 0
            self.forget()
            self.adam.task = self.unit_task(noise)
            self.noise = noise  # the last, so that a call that was interrupted can be repeated

    def forget(self):
        """Drop what was known of the noise before."""
        self.target, self.target_loss, self.since = None, None, self.steps

    def jump(self, steps):
        """Take at most `steps` steps by Gauss-Newton, on larger batches, until it improves no more."""
        settings = replace(self.family.solver(), batch=LARGER * BATCH, held_out=1_000)
        self.begin = self.adam.average.copy()
        self.newton = GaussNewton(self.family, self.begin, self.adam.task, self.adam.rng, settings)
        self.jumping, self.reached = steps, np.inf

    def step(self):
        """One step, of Gauss-Newton during a jump and of Adam else. One that is not finite is skipped, and counted with the others."""
        self.steps += 1
        if self.jumping:
            self.newton.step()
            self.jumping -= 1
            self.go_to(self.newton.average)
            if self.newton.steps % self.newton.settings.check == 0:
                loss = self.newton.best_loss.item()
                if loss > GAIN * self.reached:
                    self.jumping = 0
                self.reached = loss
            if not self.jumping:
                self.land()
        else:
            self.adam.step()
        if self.steps % EVERY == 0:
            self.remember()

    def land(self):
        """The end of a jump: Adam goes on from the best that Gauss-Newton has found, unless that is worse than where it began."""
        self.newton.weigh(self.newton.average)
        found = self.newton.best
        self.go_to(found if self.loss(found) < self.loss(self.begin) else self.begin)
        self.target, self.target_loss, self.newton = self.omegas(), self.loss(), None

    def go_to(self, theta):
        """Let Adam go on from these parameters."""
        self.adam.theta, self.adam.average = theta.copy(), theta.copy()

    def remember(self):
        """Keep the omegas and the losses of this step."""
        self.memory.append(self.point())

    def point(self):
        """The omegas and the losses of now -> Point"""
        test = self.yardstick()
        omega, loss = self.omegas(), self.loss()
        if self.target is not None and loss < self.target_loss:
            self.target, self.target_loss = omega, loss  # Adam has found better since
        return Point(omega, loss, test.bayes, test.stored)

    def yardstick(self):
        """What the run is measured with now, in the units of training -> Yardstick"""
        if not self.own:
            return yardstick(self.noise, self.kind, self.layers)
        if self.noise not in self.yardsticks:
            self.yardsticks[self.noise] = own_yardstick(self.unit_task(self.noise))
        return self.yardsticks[self.noise]

    def sequence_losses(self, theta):
        """Adjusted losses (B,) of the test set."""
        test = self.yardstick().sequences
        return test.losses(forward(self.family, theta, test.S).w)

    def loss(self, theta=None):
        """Adjusted loss on the test set, of parameters theta or, by default, of the model as it is now."""
        losses = self.sequence_losses(self.adam.average if theta is None else theta)
        return capped(losses, RARE).mean().item()

    def model(self):
        """The model as it is now, averaged over the last steps, a LinearTransformer."""
        if not self.own:
            return self.unit_model()
        found = self.units.back(self.unit_model())
        label_size = np.sqrt(self.base.dim * self.units.y**2 + self.noise.mean_square)
        return LinearTransformer(found.P, found.Q, self.base.context, self.noise, label_size)

    def unit_model(self):
        """The same in the units of training."""
        return self.family.model(self.adam.average, self.base.context, None if self.own else self.noise)

    def omegas(self):
        """(L, 4), NaN where one has no effect; for FULL those of the nearest DIAG, from the mean diagonals of the blocks of P and Q."""
        if self.kind == "full":
            model = self.unit_model()
            p, q = block_means(model.P[:, 0]), block_means(model.Q[:, 0])  # (L, 2)
            omega = (p[:, :, None] * q[:, None]).reshape(self.layers, 4)
        else:
            omega = self.family.omegas(self.adam.average).copy()
        omega[-1, :2] = np.nan  # nothing reads the x of the last layer
        if self.layers == 1:
            omega[0, 3] = np.nan  # and the y of the query is zero before it
        return omega

    def has_stalled(self, losses):
        """Has the loss stopped falling, above what is known to be possible?    losses : (K,), the last is now's"""
        stored = self.yardstick().stored
        if self.target is not None:
            return bool(min(self.target_loss, losses[-1]) > POOR * stored)
        if self.steps - self.since < EVERY * PLATEAU:
            return False
        before = np.median(losses[-PLATEAU : -PLATEAU // 2])  # one that exploded must not count for all
        after = np.median(losses[-PLATEAU // 2 :])
        return bool(after > 0.98 * before and min(after, losses[-1]) > POOR * stored)

    def points(self):
        """The remembered Points, and now's as the last; never more than KEPT."""
        before = list(self.memory)
        if self.steps % EVERY == 0:
            before.pop()  # it is of now, or of the noise until now
        return [*before, self.point()][-KEPT:]

    def state(self):
        """What there is to see now -> Trained"""
        points = self.points()
        omega = np.full((self.layers, 4, KEPT), np.nan)
        losses = np.full((3, KEPT), np.nan)
        for place, (omega_then, *losses_then) in enumerate(points, start=KEPT - len(points)):
            omega[..., place] = omega_then
            losses[:, place] = losses_then
        loss, bayes, stored = self.units.loss * losses

        P = Q = None
        if self.kind == "full":
            unit_model = self.unit_model()
            P, Q = unit_model.P[:, 0].copy(), unit_model.Q[:, 0].copy()
            P[-1, :-1] = np.nan
        x, truth, y, sigma = own_context(self.base) if self.own else (*context(), SIGMA)
        S = second_moments(x[None], y[None])
        return Trained(
            kind=self.kind,
            noise=self.noise,
            own=self.own,
            against="truth" if self.base.no_oracle else "oracle",
            units=self.units,
            steps=self.steps,
            ago=AGO,
            omega=omega,
            loss=loss,
            bayes=bayes,
            stored=stored,
            target=self.target,
            target_loss=None if self.target_loss is None else self.units.loss * self.target_loss,
            sigma=sigma,
            truth=truth,
            oracle=Spectrum.from_moments(S, self.base.context).ridge([sigma / self.base.w_scale])[0],
            w=self.model().implicit_weight(S)[0],
            P=P,
            Q=Q,
            jumping=self.jumping,
            stalled=self.has_stalled(np.array([point[1] for point in points])),
            changed=np.unique(self.changes) - float(self.steps),
            capped=int(count_capped(self.sequence_losses(self.adam.average), RARE)),
        )


def block_means(matrices):
    """(L, D, D) -> (L, 2): the mean diagonal of the x block, and the y entry."""
    diagonal = np.diagonal(matrices, axis1=1, axis2=2)  # (L, D)
    return np.stack([diagonal[:, :-1].mean(axis=1), diagonal[:, -1]], axis=1)


@lru_cache(maxsize=1)
def context():
    """The one context that is shown -> x (n, d), truth (d,), y (n,)."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(CONTEXT, DIM))
    truth = rng.normal(size=DIM)
    direction = rng.normal(size=CONTEXT)
    return x, truth, x @ truth + SIGMA * direction


def own_context(task):
    """The same for a task of a learner's own, at the root of its mean sigma^2 -> x (n, d), truth (d,), y (n,), sigma."""
    rng = np.random.default_rng(4)
    sigma = np.sqrt(task.noise.mean_square)
    x = task.sample_inputs((1, task.context), rng)  # (1, n, d)
    truth = task.sample_w(1, rng)[0]  # (d,)
    xi = task.sample_noise(x, np.array([sigma]), rng)[0]  # (n,)
    return x[0], truth, x[0] @ truth + xi, sigma


@lru_cache(maxsize=16)
def sequences_of(noise):
    """The test set of a noise, none of it stretched -> Sequences"""
    return draw(RegressionTask(DIM, CONTEXT, noise), TEST, np.random.default_rng(0), stretches=())


@lru_cache(maxsize=16)
def yardstick(noise, kind, layers):
    """The test set of a noise, with the losses that a model of this kind and depth is compared with -> Yardstick"""
    sequences = sequences_of(noise)
    S = sequences.S[:, : DIM + 1, : DIM + 1]
    bayes = Spectrum.from_moments(S, CONTEXT).bayes(noise)  # (B, d)
    stored = np.nan
    if layers in stored_layers(kind, noise):
        w = load_pretrained(kind, layers, noise).implicit_weight(S)
        stored = capped(sequences.losses(w), RARE).mean().item()
    return Yardstick(sequences, capped(sequences.losses(bayes), RARE).mean().item(), stored)


def own_yardstick(task):
    """The test set of a learner's own task, in the units of training: no model is stored for it -> Yardstick"""
    sequences = draw(task, TEST, np.random.default_rng(0), stretches=())
    bayes = np.nan
    if not task.no_oracle:
        S = sequences.S[:, : task.dim + 1, : task.dim + 1]
        w = Spectrum.from_moments(S, task.context).bayes(task.noise)  # (B, d)
        bayes = capped(sequences.losses(w), RARE).mean().item()
    return Yardstick(sequences, bayes, np.nan)
