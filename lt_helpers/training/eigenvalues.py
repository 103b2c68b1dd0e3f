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

from dataclasses import dataclass
from functools import lru_cache
from time import process_time

import numpy as np
from scipy.optimize import least_squares

from ..noise import Fixed
from ..task import RegressionTask
from .run import check_task
from .search import Found, Report, check_seed, check_starts

DRAWS, BINS = 400_000, 4_000
STRETCH = (1.0, 1.25)  # half of the contexts each are drawn with eigenvalues so much larger
EDGE = 3e-5  # the share of small eigenvalues that is not drawn but follows from the density's power at zero
STARTS = 60
PRECISE = {"method": "trf", "x_scale": "jac", "ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, "max_nfev": 300}
NEAR = 1e-4  # of ConstRR's loss: so near to it no further start is tried
BOUND = 1e100  # of what a start that explodes may count for


@dataclass(frozen=True)
class Grid:
    """The loss of GD++ as least squares over a grid of eigenvalues.

    Parameters
    ----------
    s, probability : (K,) arrays.  Eigenvalues of Sigma, and how often they come.
    task : RegressionTask
    layers : int
    """

    s: np.ndarray
    probability: np.ndarray
    task: object
    layers: int

    @property
    def e(self):
        """m / n, the noise of a direction."""
        return self.task.noise.mean_square / self.task.context

    @property
    def root(self):
        """(K,): what a residual share weighs."""
        return np.sqrt(self.task.dim / 2 * self.probability * (1 + self.e / self.s))

    def misfit(self, flat):
        """The weighted misfits (K,) for omegas (2 L,)."""
        left, _ = residual_share(flat.reshape(self.layers, 2), self.s)
        aim = self.e / (self.s + self.e)
        return bounded(np.nan_to_num(self.root * (left - aim), nan=BOUND))

    def jacobian(self, flat):
        """Their derivatives (K, 2 L)."""
        _, d_left = residual_share(flat.reshape(self.layers, 2), self.s)
        return bounded(np.nan_to_num(self.root * d_left)).T

    def const_rr(self):
        """What ConstRR loses, which no GD++ can better."""
        n, s = self.task.context, self.s
        sigmas, weights = self.task.noise.nodes(64)
        kept = (s[:, None] / (s[:, None] + sigmas**2 / n)) @ weights  # (K,): by the oracle, on average
        return self.task.dim / 2 * self.probability @ (kept - s / (s + self.e))


def bounded(values):
    """Values cut off where a start explodes."""
    return np.clip(values, -BOUND, BOUND)


def eigenvalues(task, rng):
    """Where the eigenvalues of Sigma lie.

    Parameters
    ----------
    task : RegressionTask with C = I, n >= d.
    rng : numpy.random.Generator

    Returns
    -------
    s, probability : (K,) arrays
    """
    d, n, stretch = task.dim, task.context, np.array(STRETCH)

    # Draws, each with the density of the task over that of the mixture of stretched and plain ones.
    s = np.linalg.eigvalsh(task.sample_moments(DRAWS, rng).S[:, :d, :d])  # (B, d)
    s *= np.resize(stretch, DRAWS)[:, None]
    log_ratio = -n * d / 2 * np.log(stretch) + n / 2 * s.sum(1)[:, None] * (1 - 1 / stretch)  # (B, 2)
    weight = np.repeat(1 / np.exp(log_ratio).mean(1), d)  # (B d,)

    # The mean and the mass of each bin.
    edges = np.geomspace(s.min() * (1 - 1e-9), s.max() * (1 + 1e-9), BINS + 1)
    place = np.digitize(s.ravel(), edges) - 1
    mass = np.bincount(place, weight, BINS)
    moment = np.bincount(place, weight * s.ravel(), BINS)
    filled = mass > 0
    s = moment[filled] / mass[filled]
    mass = mass[filled] / mass.sum()

    # Below the edge too few are drawn: there the density goes like s^((n-d-1)/2).
    drawn = mass.cumsum() > EDGE
    edge, below = s[drawn][0], 1 - mass[drawn].sum()
    tail = edge * np.geomspace(0.01, 1, 101)
    small = below * np.diff((tail / edge) ** ((n - d + 1) / 2), prepend=0)
    return np.concatenate([tail, s[drawn]]), np.concatenate([small, mass[drawn]])


@lru_cache(4)
def same_eigenvalues(dim, context):
    """`eigenvalues` of white inputs, whatever the noise: drawn once, and the same for all models and seeds.    dim, context : int"""
    return eigenvalues(RegressionTask(dim, context, Fixed(0)), np.random.default_rng(0))


def residual_share(omega, s):
    """left(s), and its derivatives.

    Parameters
    ----------
    omega : (L, 2) array.  omega_xx and omega_yx.
    s : (K,) array.  Eigenvalues.

    Returns
    -------
    left : (K,) array
    derivatives : (2 L, K) array
    """
    left = np.ones_like(s)
    d_left = np.zeros((omega.size, len(s)))
    d_s = np.zeros((omega.size, len(s)))
    for layer, (xx, yx) in enumerate(omega):
        factor = 1 + yx * s
        growth = 1 + xx * s

        d_left = d_left * factor + left * yx * d_s
        d_left[2 * layer + 1] += left * s
        d_s = d_s * (growth**2 + 2 * s * xx * growth)
        d_s[2 * layer] += 2 * s**2 * growth

        left = left * factor
        s = s * growth**2
    return left, d_left


def solve(family, task, seed, warm, report=None):
    """Train GD++ from random and warm starts.

    Parameters
    ----------
    family : GDPlusPlus
    task : RegressionTask with C = I, n >= d.
    seed, warm, report : as in `search`.

    Returns
    -------
    Found, as `search` does.

    Raises
    ------
    ValueError, TypeError
        In one sentence, if the task is another one.
    """
    check_task(family, task)
    check_seed(seed)
    warm = check_starts(warm, family)
    if task.covariance is not None or task.context < task.dim or task.w_scale != 1 or task.own:
        raise ValueError(
            "the density of an eigenvalue is known for white inputs and n >= d only, and here for w of scale 1: use `search`."
        )
    began, rng = process_time(), np.random.default_rng(seed)
    grid = Grid(*same_eigenvalues(task.dim, task.context), task, family.layers)
    const_rr = grid.const_rr()
    starts = all_starts({name: theta[:, [0, 2]] for name, theta in warm.items()}, family.layers, rng)

    fits, interrupted = {}, False
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            for name, start in starts.items():
                fits[name] = least_squares(grid.misfit, start.ravel(), grid.jacobian, **PRECISE)
                if report:
                    losses = [const_rr + 2 * fit.cost for fit in fits.values()]
                    report(Report(name, len(fits), len(starts), losses[-1], min(losses)))
                if 2 * fits[name].cost < NEAR * const_rr:
                    break
    except KeyboardInterrupt:
        interrupted = True

    candidates = {name: (2 * fit.cost, fit.x.reshape(-1, 2)) for name, fit in fits.items()}
    for name in warm:
        candidates[f"{name}, as it came"] = np.sum(grid.misfit(starts[name].ravel()) ** 2), starts[name]
    if not candidates:  # interrupted before the first fit
        candidates = {"random 0": (np.nan, starts["random 0"])}
    best = min(candidates, key=lambda name: candidates[name][0])
    excess, omega = candidates[best]

    theta = np.zeros((family.layers, 4))
    theta[:, [0, 2]] = omega
    theta[-1, 0] = 0  # nothing reads the context after the last layer
    steps = sum(fit.nfev for fit in fits.values())
    return Found(theta, float(excess + const_rr), best, steps, 0, process_time() - began, interrupted)


def all_starts(warm, layers, rng):
    """The warm starts, and random ones, every other of them near a warm one -> {name: omega (L, 2)}"""
    starts, names = dict(warm), list(warm)
    for i in range(STARTS):
        near = warm[names[i // 2 % len(names)]] if i % 2 and names else None
        starts[f"random {i}"] = random_start(layers, rng, near)
    return starts


def random_start(layers, rng, near=None):
    """A random start for GD++.

    Parameters
    ----------
    layers : int
    rng : numpy.random.Generator
    near : (L, 2) array, optional.  Where to start instead; only its idle layers are set going.

    Returns
    -------
    (L, 2) array, omega_xx and omega_yx: steps of random size that grow with depth, as the eigenvalues that are left shrink.
    """
    growing = [-0.25, -0.35] * 4.0 ** np.arange(layers)[:, None]  # (L, 2)
    steps = growing * np.exp(rng.normal(scale=0.3, size=(layers, 2)))
    if near is not None:
        around = near * np.exp(rng.normal(scale=0.1, size=(layers, 2)))
        steps = np.where(near.any(axis=1, keepdims=True), around, steps)
    return steps
