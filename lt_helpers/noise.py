"""How the noise level sigma of a sequence is distributed (paper, section 2.2).

Every sequence has one sigma, the standard deviation of its label noise. *Fixed* noise gives all sequences the same sigma; *mixed*
noise draws it anew for each, uniformly from an interval or from a short list.
"""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np

from . import checks

MOST_SHOWN = 8  # noise levels that a label names
CELLS = 4096  # that an interval is cut in where sigma is drawn from a density
MEANT = {
    "values": "noise levels, such as (1.0, 3.0)",
    "weights": "numbers above zero, such as (0.9, 0.1)",
}


class Noise:
    """A distribution of sigma. Two noises are equal when their keys are, which have six digits: Uniform(0) is Fixed(0).

    One of your own, whose sigma lies in an interval, is a subclass with two things, `sigma_max` and `density`:

        class Triangle(Noise):
            sigma_max = 4.0

            def density(self, sigma):
                return sigma  # 4 is likelier than 1, as it is larger

    All else follows from these; `sample` and `nodes` may be defined too, or instead of them. Where sigma takes some values, `Categorical`
    with weights serves.

    Attributes
    ----------
    label : str
        As people write it: "U(0, 5)", "{1, 3}", "sigma = 1". By default the repr.
    key : str
        As files and commands write it: "uniform-5", "categorical-1-3", "fixed-1". By default the repr.
    sigma_max : float
        The largest sigma that can be drawn. A density has none of its own beyond: cut it off where nothing is left of it.
    mean_square : float
        E[sigma^2], the ridge strength of the best predictor that is linear in y (ConstRR).
    continuous : bool
        Whether sigma takes all values of an interval, rather than some.
    """

    sigma_max = None
    label = property(repr)
    key = property(repr)
    continuous = property(lambda self: type(self).nodes is Noise.nodes)

    @property
    def mean_square(self):
        sigmas, weights = self.nodes()
        return float(weights @ sigmas**2)

    def density(self, sigma):
        """How probable each sigma is, but for a constant.

        Parameters
        ----------
        sigma : (K,) array
            Between 0 and `sigma_max`.

        Returns
        -------
        (K,) array
            None below zero; they need not integrate to 1.
        """
        raise NotImplementedError

    def sample(self, size, rng):
        """Draw the sigma of some sequences.

        Parameters
        ----------
        size : int
            How many sequences.
        rng : numpy.random.Generator
            What draws them.

        Returns
        -------
        (size,) array

        Raises
        ------
        TypeError, ValueError
            If the size is no count, or the generator none.
        """
        checks.generator(rng)
        shares = rng.uniform(size=checks.count(size, "size", least=0))  # (size,)

        # Where so large a share lies below: the inverse of the distribution function, straight within each of many cells.
        edges = np.linspace(0, self.sigma_max, CELLS + 1)
        _, weights = self.nodes(2, edges[1:-1])  # (2 CELLS,)
        below = np.append(0, weights.reshape(CELLS, 2).sum(axis=1).cumsum())  # (CELLS + 1,)
        return np.interp(shares, below, edges)

    def nodes(self, count=64, cuts=()):
        """Quadrature over the distribution: E f(sigma) = sum weights f(sigmas). Where sigma takes some values, they are the nodes.

        Parameters
        ----------
        count : int
            How many nodes an interval gets.
        cuts : (C,) array, ascending
            Noise levels that cut an interval in pieces, of `count` nodes each.

        Returns
        -------
        sigmas, weights : (K,) arrays
            Ascending; the weights sum to 1.
        """
        points, weights = legendre(checks.count(count, "count"))  # on (-1, 1), (count,)
        edges = np.concatenate([[0.0], cuts, [self.sigma_max]])  # (pieces + 1,)
        half = np.diff(edges)[:, None] / 2  # (pieces, 1)
        sigmas = (edges[:-1, None] + half * (points + 1)).ravel()  # (pieces count,)
        shares = (half * weights).ravel() * read_density(self, sigmas)
        return sigmas, shares / shares.sum()

    def __repr__(self):
        values = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({values})"

    def __eq__(self, other):
        return isinstance(other, Noise) and self.key == other.key

    def __hash__(self):
        return hash(self.key)


@dataclass(frozen=True, eq=False)
class Fixed(Noise):
    """The same sigma for every sequence.

    Parameters
    ----------
    sigma : float
        The standard deviation of the label noise, 0 or above.

    Raises
    ------
    TypeError, ValueError
        If it is no such number.
    """

    sigma: float

    def __post_init__(self):
        object.__setattr__(self, "sigma", read_sigma(self.sigma, "sigma"))

    label = property(lambda self: f"sigma = {self.sigma:g}")
    key = property(lambda self: f"fixed-{self.sigma:g}")
    sigma_max = property(lambda self: self.sigma)
    mean_square = property(lambda self: self.sigma**2)

    def sample(self, size, rng):
        checks.generator(rng)
        return np.full(checks.count(size, "size", least=0), self.sigma)

    def nodes(self, count=64, cuts=()):
        return np.array([self.sigma]), np.array([1.0])


@dataclass(frozen=True, eq=False)
class Uniform(Noise):
    """sigma ~ U(0, sigma_max).

    Parameters
    ----------
    sigma_max : float
        The largest standard deviation of the label noise, 0 or above.

    Raises
    ------
    TypeError, ValueError
        If it is no such number.
    """

    sigma_max: float

    def __post_init__(self):
        object.__setattr__(self, "sigma_max", read_sigma(self.sigma_max, "sigma_max"))

    label = property(lambda self: f"U(0, {self.sigma_max:g})")
    key = property(lambda self: f"uniform-{self.sigma_max:g}" if self.sigma_max else Fixed(0).key)
    mean_square = property(lambda self: self.sigma_max**2 / 3)
    continuous = property(lambda self: self.sigma_max > 0)

    def density(self, sigma):
        return np.ones_like(sigma)

    def sample(self, size, rng):
        checks.generator(rng)
        return rng.uniform(0, self.sigma_max, checks.count(size, "size", least=0))

    def nodes(self, count=64, cuts=()):
        if self.sigma_max < checks.SMALLEST:  # parts of it are no numbers any more, and it is as good as none
            return Fixed(0).nodes()
        return super().nodes(count, cuts)


@cache
def legendre(count):
    """Gauss and Legendre's quadrature on (-1, 1) -> points, weights (count,), which nobody can write into."""
    points, weights = np.polynomial.legendre.leggauss(count)
    points.flags.writeable = False
    weights.flags.writeable = False
    return points, weights


@dataclass(frozen=True, eq=False)
class Categorical(Noise):
    """sigma drawn from a short list.

    Parameters
    ----------
    values : iterable of float
        The standard deviations of the label noise, 0 or above; one that comes twice is twice as likely.
    weights : iterable of float, optional
        How likely each of them is, above 0; they are brought to the sum 1. By default each is equally likely.

    Raises
    ------
    TypeError, ValueError
        If there is none, or one is no such number, or there is not a weight for each.
    """

    values: tuple
    weights: tuple | None = None

    def __post_init__(self):
        values = [read_sigma(value, "each of values") for value in several(self.values, "values")]
        weights = [1.0] * len(values) if self.weights is None else several(self.weights, "weights")
        if len(weights) != len(values):
            raise ValueError(
                f"weights is {checks.shown(self.weights)} and values is {checks.shown(self.values)}: there must be as many of both."
            )
        weights = checks.array(weights, "weights", (len(values),))
        if (weights <= 0).any() or (weights > checks.LARGEST).any():
            raise ValueError(
                f"weights is {checks.shown(self.weights)}: each of weights must be above zero, and at most {checks.LARGEST:g}."
            )

        order = np.argsort(values, kind="stable")
        weights = weights[order]  # (K,)
        if abs(weights.sum() - 1) > 1e-5:  # shares with the six digits of a key stay as they are
            weights = weights / weights.sum()
        equal = np.ptp(weights) < 1e-12
        object.__setattr__(self, "values", tuple(values[place] for place in order))
        object.__setattr__(self, "weights", None if equal else tuple(weights.tolist()))

    sigma_max = property(lambda self: self.values[-1])
    mean_square = property(lambda self: float(np.average(np.square(self.values), weights=self.weights)))

    @property
    def shares(self):
        """How likely each value is (K,), of sum 1."""
        weights = np.array(self.weights or np.ones(len(self.values)))
        return weights / weights.sum()

    @property
    def label(self):
        if len(self.values) > MOST_SHOWN:
            return f"{{{len(self.values)} levels from {self.values[0]:.3g} to {self.values[-1]:.3g}}}"
        values = [f"{value:g}" for value in self.values]
        if self.weights:
            values = [f"{value} ({weight:.3g})" for value, weight in zip(values, self.weights)]
        return "{" + ", ".join(values) + "}"

    @property
    def key(self):
        if len(set(self.values)) == 1:
            return Fixed(self.values[0]).key
        values = [f"{value:g}" for value in self.values]
        if self.weights:
            values = [f"{value}@{weight:g}" for value, weight in zip(values, self.weights)]
        return "categorical-" + "-".join(values)

    def sample(self, size, rng):
        checks.generator(rng)
        return rng.choice(
            self.values, checks.count(size, "size", least=0), p=self.shares if self.weights else None
        )

    def nodes(self, count=64, cuts=()):
        return np.array(self.values), self.shares

    def __repr__(self):
        weights = f", weights={self.weights!r}" if self.weights else ""
        return f"Categorical(values={self.values!r}{weights})"


def several(values, name):
    """One or more of something, as a tuple."""
    given = tuple(values) if np.iterable(values) and not isinstance(values, str) else ()
    if not given:
        raise ValueError(f"{name} is {checks.shown(values)}: {name} must be one or more {MEANT[name]}.")
    return given


def parse_noise(text):
    """Read a noise from its key or its written form: "uniform-5", "uniform:5", "categorical:1,3", "fixed:0".

    Weights stand behind the values: "categorical:1@0.9,3@0.1".

    Parameters
    ----------
    text : str

    Returns
    -------
    Noise

    Raises
    ------
    ValueError
        If it is neither.
    """
    match = re.fullmatch(r"(fixed|uniform|categorical)[-:](.+)", str(text).strip().lower())
    try:
        parts = re.split(r",|(?<!e)-", match[2])
        if match[1] == "categorical" and "@" in match[2]:
            pairs = [part.split("@") for part in parts]
            return Categorical([float(value) for value, _ in pairs], [float(weight) for _, weight in pairs])
        values = [float(part) for part in parts]
        if match[1] == "categorical":
            return Categorical(tuple(values))
        (value,) = values
        return {"fixed": Fixed, "uniform": Uniform}[match[1]](value)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"noise is {checks.shown(text)}: noise must look like 'uniform:5', 'categorical:1,3' or 'fixed:1'."
        ) from error


def read_sigma(value, name):
    """A noise level as a float, or one sentence on why it is none."""
    return checks.number(value, name, 0, checks.LARGEST) + 0.0  # no minus before a zero


def read_density(noise, sigmas):
    """The density of a noise at some sigmas (K,), or one sentence on what is wrong with it."""
    name = f"density of {type(noise).__name__}"
    density = np.asarray(noise.density(sigmas))
    if density.dtype == bool:
        density = density.astype(float)
    if density.ndim == 0:  # the same everywhere
        density = np.full(sigmas.shape, density)
    density = checks.array(density, name, sigmas.shape)
    if density.min() < 0 or not density.any():
        raise ValueError(
            f"{name} is {density.min():g} at the least: it must be zero or above, and not zero everywhere."
        )
    return density


def check_noise(noise):
    """`noise`, if it is a noise distribution; one sentence on what is wrong, or still missing, if not."""
    if not isinstance(noise, Noise) or type(noise) is Noise:
        raise TypeError(
            f"noise is {checks.shown(noise)}: noise must be Fixed(...), Uniform(...), Categorical(...) or of a subclass of Noise."
        )
    if type(noise) not in (Fixed, Uniform, Categorical):  # these are checked when they are made
        check_own_noise(noise)
    return noise


def check_own_noise(noise):
    """One sentence, if a noise of a learner's own lacks something."""
    kind = type(noise)
    needs_density = Noise.nodes is kind.nodes or Noise.sample is kind.sample
    if needs_density and kind.density is Noise.density:
        raise TypeError(
            f"{kind.__name__} has no density(sigma): a noise of your own defines sigma_max and density, or sample and nodes."
        )
    if needs_density:
        checks.number(noise.sigma_max, f"sigma_max of {kind.__name__}", checks.SMALLEST, checks.LARGEST)

    sigmas, weights = noise.nodes()
    sigmas = checks.array(sigmas, f"sigmas of {kind.__name__}.nodes", ("nodes",))
    weights = checks.array(weights, f"weights of {kind.__name__}.nodes", sigmas.shape)
    if (
        (sigmas < 0).any()
        or (np.diff(sigmas) < 0).any()
        or (weights < 0).any()
        or abs(weights.sum() - 1) > 1e-6
    ):
        raise ValueError(
            f"{kind.__name__}.nodes gives sigmas {checks.shown(sigmas)} and weights of sum {weights.sum():g}: "
            "sigmas must be ascending, 0 or above, and weights 0 or above, of sum 1."
        )
    drawn = checks.array(noise.sample(2, np.random.default_rng(0)), f"{kind.__name__}.sample(2, rng)", (2,))
    if (drawn < 0).any():
        raise ValueError(f"{kind.__name__}.sample draws {drawn.min():g}: sigma must be 0 or above.")


PAPER_NOISES = (*map(Uniform, range(8)), Categorical((1, 3)), Categorical((1, 3, 5)))
"""The ten noise distributions of the paper's Table 1."""
