"""Training to watch: a run whose noise and learning rate move while it trains, with a short memory of where it has been (notebook 10).

DIAG is trained in its four omegas, all free, which takes two heads: with one head, whose omegas are bound by xx yy = xy yx, every
start that follows the noise from U(0, 1) to U(0, 5) ends in a poor minimum.
"""

from collections import deque
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch

from ..noise import Noise
from ..pretrained import load_pretrained, stored_layers
from ..spectrum import Spectrum
from ..task import RegressionTask, second_moments
from .adam import Adam
from .adam import Settings as Steps
from .gauss_newton import FEW_PARAMETERS, GaussNewton, Settings
from .gradient import forward
from .objective import RARE, Sequences, capped, draw
from .parameters import family

DIM, CONTEXT = 10, 20
EVERY, KEPT = 20, 101  # one in so many steps is remembered, so many of them
AGO = EVERY * np.arange(1.0 - KEPT, 1)  # when that was, in steps before now
TEST, BATCH = 512, 64  # sequences of the test set, and of a step
NEVER = 10**9  # what is shown is where the run is now, not the best that it has met: Adam need not weigh
SIGMA = 2.0  # noise of the one context that is shown
PLATEAU, POOR = (
    20,
    1.1,
)  # remembered points without progress that count as a stall; losses above the known one that count as poor


@dataclass(frozen=True)
class Yardstick:
    """A fixed set of sequences of one noise, with the adjusted losses on it of the best possible predictor and of the stored model."""

    sequences: Sequences
    bayes: float
    stored: float  # NaN where none is stored


@dataclass(frozen=True)
class Trained:
    """What there is to see of a run. L layers, K remembered steps, NaN where there is nothing to remember yet."""

    kind: str
    noise: Noise
    steps: int
    ago: np.ndarray  # (K,): when it was, in steps before now
    omega: np.ndarray  # (L, 4, K): omega_xx, omega_xy, omega_yx, omega_yy; NaN where an omega has no effect
    loss: np.ndarray  # (K,): adjusted loss on the test set
    bayes: np.ndarray  # (K,): of the Bayes-optimal predictor
    stored: np.ndarray  # (K,): of the stored model
    target: np.ndarray | None  # (L, 4): the omegas that Gauss-Newton found for this noise
    target_loss: float | None
    truth: np.ndarray  # (d,): of the one context
    oracle: np.ndarray  # (d,)
    w: np.ndarray  # (d,): implicit weight
    P: np.ndarray | None  # (L, D, D), of FULL, gauge fixed; NaN in rows that have no effect
    Q: np.ndarray | None
    jumping: int  # Gauss-Newton steps still to take
    stalled: bool  # in a poor minimum


class LiveRun:
    """One model in training, one `step` at a time; `follow` changes what it is trained on, `jump` sends it to the nearest optimum.

    kind : "diag", "full" or "gd++".    layers : int.    noise : Noise.    learning_rate : float.    seed : of the start and all draws.
    """

    def __init__(self, kind, layers, noise, learning_rate, seed):
        torch.set_num_threads(1)
        self.kind, self.layers, self.seed, rng = kind, layers, seed, np.random.default_rng(seed)
        self.family = family(kind, layers, DIM, heads=2 if kind == "diag" else 1)
        settings = Steps(batch=BATCH, learning_rate=learning_rate, check=NEVER, held_out=1)
        self.adam = Adam(
            self.family, self.family.start(rng, noise), RegressionTask(DIM, CONTEXT, noise), rng, settings
        )
        self.newton, self.jumping = None, 0
        self.steps, self.memory = 0, deque(maxlen=KEPT)
        self.forget()
        self.remember()

    @property
    def noise(self):
        """The noise that is trained on."""
        return self.adam.task.noise

    @property
    def goal(self):
        """What it is trained on, in a few characters."""
        return self.noise.label

    def follow(self, noise, learning_rate):
        """Train on with this noise and this learning rate."""
        self.adam.settings = replace(self.adam.settings, learning_rate=learning_rate)
        if noise != self.noise:
            self.adam.theta = self.adam.average.clone()  # on from what is shown
            self.newton, self.jumping = None, 0
            self.forget()
            self.adam.task = RegressionTask(
                DIM, CONTEXT, noise
            )  # the last, so that a call that was interrupted can be repeated

    def forget(self):
        """What was known of the noise before."""
        self.target, self.target_loss, self.since, self.weighed = None, None, self.steps, False

    def jump(self, steps):
        """Take at most `steps` steps by Gauss-Newton, on larger batches, until it improves no more."""
        few = FEW_PARAMETERS if self.family.count == 4 else Settings()
        settings = replace(few, batch=8 * BATCH, held_out=1_000)
        self.newton = GaussNewton(self.family, self.adam.average, self.adam.task, self.adam.rng, settings)
        self.jumping, self.reached = steps, np.inf

    def step(self):
        """One step, of Gauss-Newton during a jump and of Adam else."""
        self.steps += 1
        if self.jumping:
            self.newton.step()
            self.jumping -= 1
            self.adam.theta, self.adam.average = self.newton.average.clone(), self.newton.average.clone()
            if self.newton.steps % self.newton.settings.check == 0:
                if self.newton.best_loss > 0.99 * self.reached:
                    self.jumping = 0
                self.reached = self.newton.best_loss
            if not self.jumping:
                self.land()
        else:
            self.adam.step()
        if self.steps % EVERY == 0:
            self.remember()

    def land(self):
        """The end of a jump: Adam goes on from the best that Gauss-Newton has found."""
        self.newton.weigh(self.newton.average)
        self.adam.theta, self.adam.average = self.newton.best.clone(), self.newton.best.clone()
        self.target, self.target_loss, self.newton = self.omegas(), self.loss(), None

    def remember(self):
        """Keep the omegas and the losses of this step."""
        test = yardstick(self.noise, self.kind, self.layers)
        self.memory.append((self.omegas(), self.loss(), test.bayes, test.stored))
        self.weighed = True

    def loss(self):
        """Adjusted loss on the test set."""
        test = yardstick(self.noise, self.kind, self.layers).sequences
        w = forward(self.family, self.adam.average.float(), test.S).w
        return capped(test.losses(w), RARE).mean().item()

    def model(self):
        """The model as it is now, averaged over the last steps, a LinearTransformer."""
        return self.family.model(self.adam.average, CONTEXT)

    def omegas(self):
        """(L, 4), NaN where one has no effect; for FULL those of the nearest DIAG, from the mean diagonals of the blocks of P and Q."""
        if self.kind == "full":
            model = self.model()
            p, q = (block_means(matrix[:, 0]) for matrix in (model.P, model.Q))
            omega = (p[:, :, None] * q[:, None]).reshape(self.layers, 4)
        else:
            omega = self.family.omegas(self.adam.average).numpy().copy()
        omega[-1, :2] = np.nan  # nothing reads the x of the last layer
        if self.layers == 1:
            omega[0, 3] = np.nan  # and the y of the query is zero before it
        return omega

    def stalled(self):
        """Has the loss stopped falling, above what is known to be possible?"""
        losses = np.array([loss for _, loss, _, _ in self.memory])[-PLATEAU:]
        stored = yardstick(self.noise, self.kind, self.layers).stored
        if self.target is not None:
            return bool(min(self.target_loss, losses[-1] if len(losses) else np.inf) > POOR * stored)
        if self.steps - self.since < EVERY * PLATEAU:
            return False
        before, after = losses[: PLATEAU // 2].mean(), losses[PLATEAU // 2 :].mean()
        return bool(after > 0.98 * before and after > POOR * stored)

    def state(self):
        """What there is to see now -> Trained."""
        if not self.weighed:  # the noise has just changed: the last point is of the one before
            self.memory.pop()
            self.remember()
        omega, losses = np.full((self.layers, 4, KEPT), np.nan), np.full((3, KEPT), np.nan)
        for place, (omegas, *three) in enumerate(self.memory, start=KEPT - len(self.memory)):
            omega[..., place], losses[:, place] = omegas, three
        model, (x, truth, y) = self.model(), context()
        P = Q = None
        if self.kind == "full":
            P, Q = model.P[:, 0].copy(), model.Q[:, 0].copy()
            P[-1, :-1] = np.nan
        S = second_moments(x[None], y[None])
        return Trained(
            kind=self.kind,
            noise=self.noise,
            steps=self.steps,
            ago=AGO,
            omega=omega,
            loss=losses[0],
            bayes=losses[1],
            stored=losses[2],
            target=self.target,
            target_loss=self.target_loss,
            truth=truth,
            oracle=Spectrum.from_moments(S, CONTEXT).ridge([SIGMA])[0],
            w=model.implicit_weight(S)[0],
            P=P,
            Q=Q,
            jumping=self.jumping,
            stalled=self.stalled(),
        )


def block_means(matrices):
    """(L, D, D) -> (L, 2): the mean diagonal of the x block, and the y entry."""
    diagonal = np.diagonal(matrices, axis1=1, axis2=2)
    return np.stack([diagonal[:, :-1].mean(axis=1), diagonal[:, -1]], axis=1)


@lru_cache(maxsize=1)
def context():
    """The one context that is shown -> x (n, d), truth (d,), y (n,)."""
    rng = np.random.default_rng(4)
    x, truth, direction = rng.normal(size=(CONTEXT, DIM)), rng.normal(size=DIM), rng.normal(size=CONTEXT)
    return x, truth, x @ truth + SIGMA * direction


@lru_cache(maxsize=64)
def yardstick(noise, kind, layers):
    """The test set of a noise, with the losses that a model of this kind and depth is compared with -> Yardstick."""
    sequences = draw(RegressionTask(DIM, CONTEXT, noise), TEST, np.random.default_rng(0), share=0)
    S = sequences.S[:, : DIM + 1, : DIM + 1].numpy()

    def weighed(w):
        return capped(sequences.losses(torch.from_numpy(w)), RARE).mean().item()

    stored = np.nan
    if layers in stored_layers(kind, noise):
        stored = weighed(load_pretrained(kind, layers, noise).implicit_weight(S))
    return Yardstick(sequences.float(), weighed(Spectrum.from_moments(S, CONTEXT).bayes(noise)), stored)
