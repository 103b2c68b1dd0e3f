"""What is trained: the numbers of each family of models, how a layer depends on them, and how each family is best trained.

Each class turns parameters theta (..., L, K), K numbers a layer, into what a layer adds, U (..., B, W, W), and pulls a gradient with
respect to U back to theta and S: for NumPy arrays and torch tensors alike. Leading axes of theta are restarts, trained side by side.
What a family makes by itself, a start or the parameters of a model, is a NumPy array.
"""

import numpy as np

from .. import checks
from ..gauge import balanced
from ..model import KINDS, LinearTransformer
from ..noise import Categorical
from . import plans
from .arrays import library, like, padded, times, times_one, width

OMEGAS = ("omega_xx", "omega_xy", "omega_yx", "omega_yy")


class Family:
    """What all families have in common.

    Parameters
    ----------
    layers : int.  L.
    dim : int.  d.

    Attributes
    ----------
    kind : str.  "gd++", "diag" or "full".
    heads : int.
    count : int.  K, the numbers of a layer.
    """

    kind, heads, count = None, 1, None

    def __init__(self, layers, dim):
        self.layers, self.dim = layers, dim

    def plan(self, noise, alone=False):
        """How to search for the best model for a noise -> Plan.    alone : bool.  Whether from random starts alone."""
        if self.layers == 1:
            return plans.PLAN_OF_ONE
        plan = self._plan(noise, alone)
        return plans.careful(plan) if self.layers == 3 else plan

    def _plan(self, noise, alone):
        return plans.PLAN_OF_THREE if self.layers == 3 else plans.PLAN_OF_FEW

    def solver(self):
        """How Gauss-Newton trains this family -> NewtonSettings."""
        return plans.NEWTON_OF_FEW

    def descent(self):
        """How to descend on a fixed set of sequences -> Descent."""
        return plans.DESCENT_OF_FEW


class Full(Family):
    """FULL: all of P and Q of each head, K = 2 H (d+1)^2."""

    kind = "full"

    def __init__(self, layers, dim, heads=1):
        super().__init__(layers, dim)
        self.heads = heads
        self.count = 2 * heads * (dim + 1) ** 2

    def _plan(self, noise, alone):
        return plans.LONG_PLAN_OF_MANY if alone or isinstance(noise, Categorical) else plans.PLAN_OF_MANY

    def solver(self):
        return plans.NEWTON_OF_MANY

    def descent(self):
        return plans.DESCENT_OF_MANY

    def widening(self):
        """How to search from a model with fewer heads -> Plan."""
        return plans.WIDENING

    def pairs(self, theta):
        """Parameters (..., K) as they stand in P and Q of each head (..., 2, H, D, D)."""
        D = self.dim + 1
        return theta.reshape(*theta.shape[:-1], 2, self.heads, D, D)

    def layer(self, theta):
        """The parameters of one layer (..., K) -> P, Q, each (..., H, 1, W, W)."""
        pair = padded(self.pairs(theta))[..., None, :, :]  # (..., 2, H, 1, W, W)
        return pair[..., 0, :, :, :, :], pair[..., 1, :, :, :, :]

    def update(self, weights, S):
        """U = sum over heads of P S Q (eq. 3)."""
        P, Q = weights
        S = S[..., None, :, :, :]  # (..., 1, B, W, W): the same for every head
        each = times(P, times_one(S, Q))  # (..., H, B, W, W)
        return each.sum(-4)

    def pull(self, weights, S, dU, total):
        """Gradient for U -> gradients for the layer's parameters (..., B, K), or their `total` (..., K), and for S (..., B, W, W)."""
        P, Q = weights
        D = self.dim + 1
        S = S[..., None, :, :, :]  # (..., 1, B, W, W)
        dU = dU[..., None, :, :, :]  # (..., 1, B, W, W): heads add up, so each gets all of it
        Pt_dU = times(P.mT, dU)  # (..., H, B, W, W)
        dS = times_one(Pt_dU, Q.mT).sum(-4)  # (..., B, W, W)

        if total:  # one large product in place of many small ones, as S is symmetric
            S_rows = stacked(S)  # (..., 1, B W, W)
            dP = stacked(times(Q, dU.mT)).mT @ S_rows  # (..., H, W, W)
            dQ = S_rows.mT @ stacked(Pt_dU)  # (..., H, W, W)
        else:
            dP = times(times_one(dU, Q.mT), S).swapaxes(-4, -3)  # (..., B, H, W, W)
            dQ = times(S, Pt_dU).swapaxes(-4, -3)  # (..., B, H, W, W)
        pair = library(dP).stack([dP[..., :D, :D], dQ[..., :D, :D]], -4)  # (..., 2, H, D, D)
        return pair.reshape(*pair.shape[:-4], self.count), dS

    def units(self, noise):
        """The size (K,) of each parameter that makes x and y count alike."""
        size = np.append(np.ones(self.dim), np.sqrt(self.dim + noise.mean_square))
        P, Q = size[:, None] / size, 1 / size[:, None] / size  # (D, D)
        return np.stack([np.tile(P, (self.heads, 1, 1)), np.tile(Q, (self.heads, 1, 1))]).ravel()

    def start(self, rng, noise, scale=0.03):
        """A random start (L, K): weak gradient steps of the first head, and `scale` of noise, in `units`."""
        D = self.dim + 1
        P, Q = rng.normal(scale=scale, size=(2, self.layers, self.heads, D, D))
        P[:, 0] += np.diag(np.append(np.full(self.dim, -0.1), -0.4))
        Q[:, 0] += np.diag(np.append(np.full(self.dim, 0.4), 0.0))
        return np.stack([P, Q], axis=1).reshape(self.layers, self.count) * self.units(noise)

    def with_heads(self, theta, rng, noise, scale=0.03):
        """A start from fewer heads, balanced, and others of noise: what they do is small, of order scale^2, and their gradient is not.

        Parameters
        ----------
        theta : (L, K') array.  The parameters of a model with one head.
        rng : numpy.random.Generator
        noise : Noise.  Of the task, for the `units`.
        scale : float.  Of the noise.

        Returns
        -------
        (L, K) array
        """
        D = self.dim + 1
        one = theta.reshape(self.layers, 2, 1, D, D)
        P, Q = balanced(one[:, 0], one[:, 1])  # (L, 1, D, D)
        others = rng.normal(scale=scale, size=(self.layers, self.count)) * self.units(noise)
        start = self.pairs(others)  # (L, 2, H, D, D)
        start[:, 0, :1] = P
        start[:, 1, :1] = Q
        return start.reshape(self.layers, self.count)

    def idle(self, theta):
        """The parameters of a layer (K,) changed so that it does nothing, and still has a gradient: P = 0."""
        idle = theta.copy()
        idle[: self.count // 2] = 0
        return idle

    def read(self, model):
        """The parameters (L, K) of a LinearTransformer with as many heads."""
        return np.stack([model.P, model.Q], axis=1).reshape(self.layers, self.count)

    def model(self, theta, context, noise=None):
        """The LinearTransformer with parameters theta (L, K), trained on contexts of that length and on that Noise."""
        pairs = self.pairs(np.asarray(theta, float))  # (L, 2, H, D, D)
        return LinearTransformer(*balanced(pairs[:, 0], pairs[:, 1]), context, noise)


class Diag(Family):
    """DIAG, one head: K = 4, (p_x, p_y, q_x, q_y)."""

    kind, count = "diag", 4

    def omegas(self, theta):
        """(..., K) -> (..., 4): omega_xx, omega_xy, omega_yx, omega_yy (eq. 10)."""
        p_x, p_y = theta[..., 0], theta[..., 1]
        q_x, q_y = theta[..., 2], theta[..., 3]
        return library(theta).stack([p_x * q_x, p_x * q_y, p_y * q_x, p_y * q_y], -1)

    def pull_omegas(self, theta, gradient):
        """Gradient for the omegas (..., B, 4) -> gradient for theta (..., B, K)."""
        theta = theta[..., None, :]  # (..., 1, K)
        p_x, p_y = theta[..., 0], theta[..., 1]
        q_x, q_y = theta[..., 2], theta[..., 3]
        xx, xy = gradient[..., 0], gradient[..., 1]
        yx, yy = gradient[..., 2], gradient[..., 3]
        parts = [xx * q_x + xy * q_y, yx * q_x + yy * q_y, xx * p_x + yx * p_y, xy * p_x + yy * p_y]
        return library(gradient).stack(parts, -1)

    def layer(self, theta):
        """The parameters of one layer -> theta itself, and Omega (..., 1, W, W) with U = Omega * S elementwise."""
        d, D = self.dim, self.dim + 1
        omegas = self.omegas(theta)[..., None, None, None, :]  # (..., 1, 1, 1, 4)
        Omega = library(theta).zeros((*theta.shape[:-1], 1, width(D), width(D)), dtype=theta.dtype)
        Omega[..., :d, :d] = omegas[..., 0]
        Omega[..., :d, d:D] = omegas[..., 1]
        Omega[..., d:D, :d] = omegas[..., 2]
        Omega[..., d:D, d:D] = omegas[..., 3]
        return theta, Omega

    def update(self, weights, S):
        """U = Omega * S (eq. 10)."""
        return weights[1] * S

    def pull(self, weights, S, dU, total):
        """Gradient for U -> gradients for the layer's parameters (..., B, K), or their `total` (..., K), and for S (..., B, W, W)."""
        theta, Omega = weights
        d = self.dim
        product = dU * S  # (..., B, W, W)
        if total:
            product = product.sum(-3)[..., None, :, :]  # (..., 1, W, W)
        blocks = [
            product[..., :d, :d].sum((-2, -1)),
            product[..., :d, d].sum(-1),
            product[..., d, :d].sum(-1),
            product[..., d, d],
        ]
        gradient = self.pull_omegas(theta, library(product).stack(blocks, -1))  # (..., B or 1, K)
        return gradient[..., 0, :] if total else gradient, Omega * dU

    def units(self, noise):
        """The size (K,) of each parameter that makes x and y count alike."""
        return np.array([1, 1, 1, 1 / (self.dim + noise.mean_square)])

    def start(self, rng, noise, scale=0.1):
        """A random start (L, K): weak gradient steps and `scale` of noise, in `units`."""
        theta = scale * rng.normal(size=(self.layers, 4)) + [-0.1, -0.4, 0.4, 0.0]
        return theta * self.units(noise)

    def idle(self, theta):
        """The parameters of a layer (K,) changed so that it does nothing, and still has a gradient: p = 0."""
        idle = theta.copy()
        idle[:2] = 0
        return idle

    def read(self, model):
        """The parameters (L, K) of a DIAG or GD++ model with one head."""
        p, q = (matrix[:, 0][:, [0, -1], [0, -1]] for matrix in (model.P, model.Q))
        return np.concatenate([p, q], axis=1)

    def model(self, theta, context, noise=None):
        """The LinearTransformer with parameters theta (L, K), trained on contexts of that length and on that Noise."""
        pairs = np.asarray(theta, float).reshape(self.layers, 2, 1, 2)
        p, q = pairs[:, 0], pairs[:, 1]  # (L, 1, 2)
        return balanced_diagonals(p, q, self.dim, context, noise)


class Omegas(Diag):
    """DIAG with two heads, which free all four omegas: K = 4, (omega_xx, omega_xy, omega_yx, omega_yy); those in `held` stay zero."""

    heads = 2

    def __init__(self, layers, dim, held=()):
        super().__init__(layers, dim)
        self.free = np.array([float(name not in held) for name in OMEGAS])

    def omegas(self, theta):
        return theta * like(theta, self.free)

    def pull_omegas(self, theta, gradient):
        return gradient * like(gradient, self.free)

    def units(self, noise):
        return super().omegas(super().units(noise))

    def start(self, rng, noise, scale=0.1):
        return super().omegas(super().start(rng, noise, scale)) * self.free

    def idle(self, theta):
        return np.zeros_like(theta)

    def read(self, model):
        return model.omega.reshape(self.layers, 4) * self.free

    def model(self, theta, context, noise=None):
        Omega = np.asarray(self.omegas(theta), float).reshape(self.layers, 2, 2)
        U, s, Vt = np.linalg.svd(Omega)
        root = np.sqrt(s)[..., None]  # (L, 2, 1): Omega = sum over heads of p q^T
        return balanced_diagonals(U.mT * root, Vt * root, self.dim, context, noise)


class GDPlusPlus(Omegas):
    """GD++: q_y = 0 leaves omega_xx and omega_yx, which one head can hold."""

    kind, heads = "gd++", 1

    def __init__(self, layers, dim):
        super().__init__(layers, dim, held=("omega_xy", "omega_yy"))

    def model(self, theta, context, noise=None):
        p = np.asarray(self.omegas(theta), float)[:, None, [0, 2]]  # (L, 1, 2)
        q = np.broadcast_to([1.0, 0.0], p.shape)
        return balanced_diagonals(p, q, self.dim, context, noise)


def stacked(matrices):
    """Matrices (..., B, W, W) on top of each other -> (..., B W, W)"""
    *leading, B, W, _ = matrices.shape
    return matrices.reshape(*leading, B * W, W)


def balanced_diagonals(p, q, dim, context, noise):
    """The DIAG model with p, q (L, H, 2), its gauge fixed -> LinearTransformer."""
    exact = LinearTransformer.from_diagonals(p, q, dim)
    return LinearTransformer(*balanced(exact.P, exact.Q), context, noise)


def family(kind, layers, dim, heads=1, held=()):
    """The parameters of a kind of model.

    Parameters
    ----------
    kind : {"gd++", "diag", "full"}
    layers, dim : int.  L and d.
    heads : int.  At most 2 for "diag", where they free all four omegas; 1 for "gd++".
    held : tuple of str.  Which of omega_xx, omega_xy, omega_yx, omega_yy stay zero; for "diag" with two heads only.

    Returns
    -------
    GDPlusPlus, Diag, Omegas (DIAG with two heads) or Full

    Raises
    ------
    ValueError, TypeError
        In one sentence, if no such model can be trained.
    """
    checks.one_of(kind, "kind", KINDS)
    checks.count(layers, "layers")
    checks.count(dim, "dim")
    checks.count(heads, "heads")
    if isinstance(held, str) or not all(name in OMEGAS for name in held):
        raise ValueError(
            f"held is {checks.shown(held)}: held must be a tuple of names among {', '.join(OMEGAS)}."
        )
    if kind == "full" and not held:
        return Full(layers, dim, heads)
    if (kind, heads) == ("diag", 2):
        return Omegas(layers, dim, held)
    if heads != 1 or held:
        raise ValueError(
            f"kind={kind!r} with heads={heads}, held={held!r} cannot be trained: gd++ and diag with one head can, full with any number of "
            "them, and diag with two heads, with any of omega_xx, omega_xy, omega_yx, omega_yy held at zero."
        )
    return {"gd++": GDPlusPlus, "diag": Diag}[kind](layers, dim)
