"""How the noise level sigma of a sequence is distributed (paper, section 2.2).

Every sequence has one sigma, the standard deviation of its label noise. *Fixed* noise gives all sequences the same sigma; *mixed*
noise draws it anew for each, uniformly from an interval or from a short list.
"""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np

from . import checks


class Noise:
    """A distribution of sigma. Two noises are equal when their keys are, which have six digits: Uniform(0) is Fixed(0).

    Attributes
    ----------
    label : str
        As people write it: "U(0, 5)", "{1, 3}", "sigma = 1".
    key : str
        As files and commands write it: "uniform-5", "categorical-1-3", "fixed-1".
    sigma_max : float
        The largest sigma that can be drawn.
    mean_square : float
        E[sigma^2], the ridge strength of the best predictor that is linear in y (ConstRR).
    continuous : bool
        Whether sigma takes all values of an interval, rather than some.
    """

    continuous = False

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
        raise NotImplementedError

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
        raise NotImplementedError

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

    def sample(self, size, rng):
        checks.generator(rng)
        return rng.uniform(0, self.sigma_max, checks.count(size, "size", least=0))

    def nodes(self, count=64, cuts=()):
        if not self.sigma_max:
            return Fixed(0).nodes()
        points, weights = legendre(checks.count(count, "count"))  # on (-1, 1), (count,)
        edges = np.concatenate([[0.0], cuts, [self.sigma_max]])  # (pieces + 1,)
        half = np.diff(edges)[:, None] / 2  # (pieces, 1)
        sigmas = edges[:-1, None] + half * (points + 1)  # (pieces, count)
        shares = half / self.sigma_max * weights
        return sigmas.ravel(), shares.ravel()


@cache
def legendre(count):
    """Gauss and Legendre's quadrature on (-1, 1) -> points, weights (count,), which nobody can write into."""
    points, weights = np.polynomial.legendre.leggauss(count)
    points.flags.writeable = False
    weights.flags.writeable = False
    return points, weights


@dataclass(frozen=True, eq=False)
class Categorical(Noise):
    """sigma drawn from a short list, each value equally likely.

    Parameters
    ----------
    values : iterable of float
        The standard deviations of the label noise, 0 or above; one that comes twice is twice as likely.

    Raises
    ------
    TypeError, ValueError
        If there is none, or one is no such number.
    """

    values: tuple

    def __post_init__(self):
        several = np.iterable(self.values) and not isinstance(self.values, str)
        values = tuple(self.values) if several else ()
        if not values:
            raise ValueError(
                f"values is {checks.shown(self.values)}: values must be one or more noise levels, such as (1.0, 3.0)."
            )
        values = sorted(read_sigma(value, "each of values") for value in values)
        object.__setattr__(self, "values", tuple(values))

    label = property(lambda self: "{" + ", ".join(f"{value:g}" for value in self.values) + "}")
    sigma_max = property(lambda self: self.values[-1])
    mean_square = property(lambda self: float(np.mean(np.square(self.values))))

    @property
    def key(self):
        if len(set(self.values)) == 1:
            return Fixed(self.values[0]).key
        return "categorical-" + "-".join(f"{value:g}" for value in self.values)

    def sample(self, size, rng):
        checks.generator(rng)
        return rng.choice(self.values, checks.count(size, "size", least=0))

    def nodes(self, count=64, cuts=()):
        return np.array(self.values), np.full(len(self.values), 1 / len(self.values))


def parse_noise(text):
    """Read a noise from its key or its written form: "uniform-5", "uniform:5", "categorical:1,3", "fixed:0".

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
        values = [float(part) for part in re.split(r",|(?<!e)-", match[2])]
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


def check_noise(noise):
    """`noise`, if it is a noise distribution; a TypeError if not."""
    if not isinstance(noise, Noise) or type(noise) is Noise:
        raise TypeError(
            f"noise is {checks.shown(noise)}: noise must be Fixed(...), Uniform(...) or Categorical(...)."
        )
    return noise


PAPER_NOISES = (*map(Uniform, range(8)), Categorical((1, 3)), Categorical((1, 3, 5)))
"""The ten noise distributions of the paper's Table 1."""
