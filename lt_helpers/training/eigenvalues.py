"""GD++, where the loss is an integral over a single number.

GD++ treats each principal direction of Sigma by itself. Of what a direction with eigenvalue s still asks for, alpha - s w, a layer leaves
1 + omega_yx s, and the next layer meets the eigenvalue s (1 + omega_xx s)^2 (sec. 5.1: Newton's iteration for the inverse is a special
case). After L layers the share

    left(s) = prod_l (1 + omega_yx,l s_l),    s_1 = s,    s_{l+1} = s_l (1 + omega_xx,l s_l)^2,

is left and w = (1 - left) alpha / s. The noise of a context is not seen, only its mean square m counts: with e = m / n

    1/2 E |w - w_ridge|^2 = d/2 E_s (1 + e / s) (left(s) - e / (s + e))^2 + what ConstRR loses, whose share left is e / (s + e).

Least squares on a fine grid of eigenvalues takes that as low as the depth allows. A batch of contexts would not: without noise one in a
million has an eigenvalue so large that its loss rules the mean. The grid has those too, with the weight that they deserve.
"""

from time import process_time

import numpy as np
import torch
from scipy.optimize import least_squares

from .search import Found, Report

DRAWS, BINS = 400_000, 4_000
STRETCH = (1.0, 1.25)  # half of the contexts each are drawn with eigenvalues so much larger
EDGE = 3e-5  # the share of small eigenvalues that is not drawn but follows from the density's power at zero
STARTS = 60
PRECISE = {"method": "trf", "x_scale": "jac", "ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, "max_nfev": 300}
NEAR = 1e-4  # of ConstRR's loss: so near to it no further start is tried
BOUND = 1e100  # of what a start that explodes may count for


def eigenvalues(task, rng):
    """Where the eigenvalues of Sigma lie.    task : RegressionTask with C = I, n >= d.    ->    s (K,), probabilities (K,)"""
    d, n, stretch = task.dim, task.context, np.array(STRETCH)
    s = np.linalg.eigvalsh(task.sample_moments(DRAWS, rng).S[:, :d, :d])  # (B, d)
    s *= np.resize(stretch, DRAWS)[:, None]
    log_ratio = -n * d / 2 * np.log(stretch) + n / 2 * s.sum(1)[:, None] * (
        1 - 1 / stretch
    )  # densities of X, stretched to plain
    weight = np.repeat(1 / np.exp(log_ratio).mean(1), d)
    edges = np.geomspace(s.min() * (1 - 1e-9), s.max() * (1 + 1e-9), BINS + 1)
    place = np.digitize(s.ravel(), edges) - 1
    mass, moment = (np.bincount(place, values, BINS) for values in (weight, weight * s.ravel()))
    filled = mass > 0
    s, mass = moment[filled] / mass[filled], mass[filled] / mass.sum()
    drawn = mass.cumsum() > EDGE
    edge, below = s[drawn][0], 1 - mass[drawn].sum()
    tail = edge * np.geomspace(0.01, 1, 101)
    small = below * np.diff(
        (tail / edge) ** ((n - d + 1) / 2), prepend=0
    )  # the density goes like s^((n-d-1)/2)
    return np.concatenate([tail, s[drawn]]), np.concatenate([small, mass[drawn]])


def residual_share(omega, s):
    """left(s), and its derivatives.

    omega : (L, 2), omega_xx and omega_yx.    s : (K,)    ->    left (K,), derivatives (2L, K)
    """
    left, d_left, d_s = np.ones_like(s), np.zeros((omega.size, len(s))), np.zeros((omega.size, len(s)))
    for layer, (xx, yx) in enumerate(omega):
        factor, growth = 1 + yx * s, 1 + xx * s
        d_left = d_left * factor + left * yx * d_s
        d_left[2 * layer + 1] += left * s
        d_s = d_s * (growth**2 + 2 * s * xx * growth)
        d_s[2 * layer] += 2 * s**2 * growth
        left, s = left * factor, s * growth**2
    return left, d_left


def solve(family, task, seed, warm, report=None):
    """Train GD++ from random starts and the warm ones {name: theta (L, 4)} -> Found, as `search` does. The task has C = I, n >= d."""
    begin, rng = process_time(), np.random.default_rng(seed)
    s, probability = eigenvalues(task, rng)
    e, shape = task.noise.mean_square / task.context, (family.layers, 2)
    root, aim = np.sqrt(task.dim / 2 * probability * (1 + e / s)), e / (s + e)
    starts = {name: theta[:, [0, 2]].numpy() for name, theta in warm.items()}
    for i in range(STARTS):
        near = list(warm)[i // 2 % len(warm)] if i % 2 and warm else None
        starts[f"random {i}"] = random_start(family.layers, rng, starts.get(near))

    def misfit(flat):
        return np.clip(
            np.nan_to_num(root * (residual_share(flat.reshape(shape), s)[0] - aim), nan=BOUND), -BOUND, BOUND
        )

    def jacobian(flat):
        return np.clip(np.nan_to_num(root * residual_share(flat.reshape(shape), s)[1]), -BOUND, BOUND).T

    sigmas, weights = task.noise.nodes(64)
    const_rr = (
        task.dim
        / 2
        * probability
        @ ((s[:, None] / (s[:, None] + sigmas**2 / task.context)) @ weights - s / (s + e))
    )
    fits, interrupted = {}, False
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            for name, start in starts.items():
                fits[name] = least_squares(misfit, start.ravel(), jacobian, **PRECISE)
                if report:
                    losses = [const_rr + 2 * fit.cost for fit in fits.values()]
                    report(Report(name, len(fits), len(starts), losses[-1], min(losses)))
                if 2 * fits[name].cost < NEAR * const_rr:
                    break
    except KeyboardInterrupt:
        interrupted = True
    losses = {name: (2 * fit.cost, fit.x.reshape(shape)) for name, fit in fits.items()}
    losses |= {
        f"{name}, as it came": (np.sum(misfit(starts[name].ravel()) ** 2), starts[name]) for name in warm
    }
    if not losses:  # interrupted before the first fit
        losses = {"random 0": (np.nan, starts["random 0"])}
    best = min(losses, key=lambda name: losses[name][0])
    theta = torch.zeros(family.layers, 4, dtype=torch.float64)
    theta[:, [0, 2]] = torch.from_numpy(losses[best][1])
    theta[-1, 0] = 0  # nothing reads the context after the last layer
    steps = sum(fit.nfev for fit in fits.values())
    return Found(
        theta, float(losses[best][0] + const_rr), best, steps, 0, process_time() - begin, interrupted
    )


def random_start(layers, rng, near=None):
    """Steps of random size that grow with depth, as the eigenvalues that are left shrink; near a start, if one is given, with its idle
    layers set going.    ->    (layers, 2), omega_xx and omega_yx"""
    steps = (
        [-0.25, -0.35] * 4.0 ** np.arange(layers)[:, None] * np.exp(rng.normal(scale=0.3, size=(layers, 2)))
    )
    if near is not None:
        steps = np.where(
            near.any(axis=1, keepdims=True), near * np.exp(rng.normal(scale=0.1, size=(layers, 2))), steps
        )
    return steps
