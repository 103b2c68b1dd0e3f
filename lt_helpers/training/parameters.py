"""What is trained: the numbers of each kind of model, and how a layer depends on them.

Each class turns parameters theta (..., L, K), K numbers a layer, into what a layer adds, U (..., B, W, W), and pulls a gradient with
respect to U back to theta and S. Leading axes of theta are restarts, trained side by side.
"""

import numpy as np
import torch

from ..gauge import balanced
from ..model import LinearTransformer
from .objective import padded, width


def times(A, B):
    """A @ B for many small matrices (..., B, W, W), at which NumPy is quicker than PyTorch. What explodes is for the caller to see."""
    with np.errstate(over="ignore", invalid="ignore"):
        return torch.from_numpy(np.matmul(A.numpy(), B.numpy()))


def times_one(A, M):
    """A @ M with one M (..., 1, W, W) for all matrices A (..., B, W, W): one large product in place of many small ones."""
    return times(A.flatten(-3, -2), M.squeeze(-3)).unflatten(-2, A.shape[-3:-1])


class Full:
    """FULL, one head: all of P and Q, K = 2 (d+1)^2."""

    kind, heads = "full", 1

    def __init__(self, layers, dim):
        self.layers, self.dim = layers, dim
        self.count = 2 * (dim + 1) ** 2

    def layer(self, theta):
        """The parameters of one layer (..., K) -> (P, Q), each (..., 1, W, W)."""
        D = self.dim + 1
        P, Q = padded(theta.reshape(*theta.shape[:-1], 2, 1, D, D)).unbind(-4)
        return P, Q

    def update(self, weights, S):
        """U = P S Q."""
        P, Q = weights
        return times(P, times_one(S, Q))

    def pull(self, weights, S, dU, total):
        """Gradient for U -> gradients for the layer's parameters (..., B, K), or their `total` (..., K), and for S."""
        P, Q = weights
        D = self.dim + 1
        Pt_dU = times(P.mT, dU)
        if total:  # one large product in place of many small ones, as S is symmetric
            S_rows = S.flatten(-3, -2)  # (..., B W, W)
            dP, dQ = times(Q, dU.mT).flatten(-3, -2).mT @ S_rows, S_rows.mT @ Pt_dU.flatten(-3, -2)
        else:
            dP, dQ = times(times_one(dU, Q.mT), S), times(S, Pt_dU)
        pair = torch.stack([dP[..., :D, :D], dQ[..., :D, :D]], dim=-3)  # (..., B, 2, D, D)
        return pair.flatten(-3), times_one(Pt_dU, Q.mT)

    def units(self, noise):
        """The size (K,) of each parameter that makes x and y count alike."""
        size = np.append(np.ones(self.dim), np.sqrt(self.dim + noise.mean_square))
        return torch.from_numpy(np.stack([size[:, None] / size, 1 / size[:, None] / size]).ravel())

    def start(self, rng, noise, scale=0.03):
        """A random start: weak gradient steps and `scale` of noise, in `units`."""
        P, Q = rng.normal(scale=scale, size=(2, self.layers, self.dim + 1, self.dim + 1))
        steps = np.append(np.full(self.dim, -0.1), -0.4), np.append(np.full(self.dim, 0.4), 0.0)
        P, Q = (matrix + np.diag(diagonal) for matrix, diagonal in zip((P, Q), steps))
        return torch.from_numpy(np.stack([P, Q], axis=1).reshape(self.layers, self.count)) * self.units(noise)

    def idle(self, theta):
        """The parameters of a layer (K,) changed so that it does nothing, and still has a gradient: P = 0."""
        return torch.cat([torch.zeros_like(theta[: self.count // 2]), theta[self.count // 2 :]])

    def read(self, model):
        """The parameters of a LinearTransformer with one head."""
        return torch.from_numpy(np.concatenate([model.P, model.Q], axis=1).reshape(self.layers, self.count))

    def model(self, theta, context):
        """The LinearTransformer with parameters theta (L, K)."""
        P, Q = theta.detach().numpy().reshape(self.layers, 2, 1, self.dim + 1, self.dim + 1).swapaxes(0, 1)
        return LinearTransformer(*balanced(P, Q), context)


class Diag:
    """DIAG, one head: K = 4, (p_x, p_y, q_x, q_y)."""

    kind, heads, count = "diag", 1, 4

    def __init__(self, layers, dim):
        self.layers, self.dim = layers, dim

    def omegas(self, theta):
        """(..., K) -> (..., 4): omega_xx, omega_xy, omega_yx, omega_yy (eq. 10)."""
        p_x, p_y, q_x, q_y = theta.unbind(-1)
        return torch.stack([p_x * q_x, p_x * q_y, p_y * q_x, p_y * q_y], dim=-1)

    def pull_omegas(self, theta, gradient):
        """Gradient for the omegas (..., B, 4) -> gradient for theta (..., B, K)."""
        p_x, p_y, q_x, q_y = theta[..., None, :].unbind(-1)
        xx, xy, yx, yy = gradient.unbind(-1)
        return torch.stack(
            [xx * q_x + xy * q_y, yx * q_x + yy * q_y, xx * p_x + yx * p_y, xy * p_x + yy * p_y], dim=-1
        )

    def layer(self, theta):
        """The parameters of one layer -> theta itself, and Omega (..., 1, W, W) with U = Omega * S elementwise."""
        d, D = self.dim, self.dim + 1
        xx, xy, yx, yy = self.omegas(theta)[..., None, None, None].unbind(-4)
        Omega = theta.new_zeros(*theta.shape[:-1], 1, width(D), width(D))
        Omega[..., :d, :d], Omega[..., :d, d:D], Omega[..., d:D, :d], Omega[..., d:D, d:D] = xx, xy, yx, yy
        return theta, Omega

    def update(self, weights, S):
        """U = Omega * S."""
        return weights[1] * S

    def pull(self, weights, S, dU, total):
        """Gradient for U -> gradients for the layer's parameters (..., B, K), or their `total` (..., K), and for S."""
        theta, Omega = weights
        d, product = self.dim, dU * S
        if total:
            product = product.sum(-3, keepdim=True)
        blocks = [
            product[..., :d, :d].sum((-2, -1)),
            product[..., :d, d].sum(-1),
            product[..., d, :d].sum(-1),
            product[..., d, d],
        ]
        gradient = self.pull_omegas(theta, torch.stack(blocks, dim=-1))
        return gradient.squeeze(-2) if total else gradient, Omega * dU

    def units(self, noise):
        """The size (K,) of each parameter that makes x and y count alike."""
        return torch.tensor([1, 1, 1, 1 / (self.dim + noise.mean_square)], dtype=torch.float64)

    def start(self, rng, noise, scale=0.1):
        """A random start: weak gradient steps and `scale` of noise, in `units`."""
        theta = scale * rng.normal(size=(self.layers, 4)) + [-0.1, -0.4, 0.4, 0.0]
        return torch.from_numpy(theta) * self.units(noise)

    def idle(self, theta):
        """The parameters of a layer (K,) changed so that it does nothing, and still has a gradient: p = 0."""
        return torch.cat([torch.zeros_like(theta[:2]), theta[2:]])

    def read(self, model):
        """The parameters of a DIAG or GD++ model with one head."""
        p, q = (matrix[:, 0][:, [0, -1], [0, -1]] for matrix in (model.P, model.Q))
        return torch.from_numpy(np.concatenate([p, q], axis=1))

    def model(self, theta, context):
        """The LinearTransformer with parameters theta (L, K)."""
        p, q = theta.detach().numpy().reshape(self.layers, 2, 1, 2).swapaxes(0, 1)
        exact = LinearTransformer.from_diagonals(p, q, self.dim)
        return LinearTransformer(*balanced(exact.P, exact.Q), context)


class Omegas(Diag):
    """DIAG with two heads, which free all four omegas: K = 4, (omega_xx, omega_xy, omega_yx, omega_yy); those in `held` stay zero."""

    heads = 2
    names = ("omega_xx", "omega_xy", "omega_yx", "omega_yy")

    def __init__(self, layers, dim, held=()):
        super().__init__(layers, dim)
        self.free = torch.tensor([name not in held for name in self.names], dtype=torch.float64)

    def omegas(self, theta):
        return theta * self.free

    def pull_omegas(self, theta, gradient):
        return gradient * self.free

    def units(self, noise):
        return Diag.omegas(self, super().units(noise))

    def start(self, rng, noise, scale=0.1):
        return Diag.omegas(self, super().start(rng, noise, scale)) * self.free

    def idle(self, theta):
        return torch.zeros_like(theta)

    def read(self, model):
        return torch.from_numpy(model.omega.reshape(self.layers, 4)) * self.free

    def model(self, theta, context):
        U, s, Vt = np.linalg.svd(self.omegas(theta).detach().numpy().reshape(self.layers, 2, 2))
        root = np.sqrt(s)[..., None]  # (L, 2, 1): Omega = sum over heads of p q^T
        exact = LinearTransformer.from_diagonals(U.mT * root, Vt * root, self.dim)
        return LinearTransformer(*balanced(exact.P, exact.Q), context)


class GDPlusPlus(Omegas):
    """GD++: q_y = 0 leaves omega_xx and omega_yx, which one head can hold."""

    kind, heads = "gd++", 1

    def __init__(self, layers, dim):
        super().__init__(layers, dim, held=("omega_xy", "omega_yy"))

    def model(self, theta, context):
        p = self.omegas(theta).detach().numpy()[:, None, [0, 2]]
        exact = LinearTransformer.from_diagonals(p, np.broadcast_to([1.0, 0.0], p.shape), self.dim)
        return LinearTransformer(*balanced(exact.P, exact.Q), context)


def family(kind, layers, dim, heads=1, held=()):
    """The parameters of a kind of model: GDPlusPlus, Diag, Omegas (two heads) or Full."""
    if (kind, heads) == ("diag", 2):
        return Omegas(layers, dim, held)
    choices = {"gd++": GDPlusPlus, "diag": Diag, "full": Full}
    if kind not in choices or heads != 1 or held:
        raise ValueError(
            f"kind={kind!r} with heads={heads}, held={held!r} cannot be trained: gd++, diag and full with one head can, and diag with "
            "two heads, with any of omega_xx, omega_xy, omega_yx, omega_yy held at zero."
        )
    return choices[kind](layers, dim)
