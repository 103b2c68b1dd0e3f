"""Notebook 05: which gamma, and how many layers?"""

import math

import numpy as np

from .base import Exercise


def spectra():
    """Eigenvalues of contexts, in any order, and a number of layers."""
    rng = np.random.default_rng(0)
    for dim, context, layers in ((10, 20, 4), (5, 40, 6)):
        x = rng.normal(size=(context, dim))
        yield rng.permutation(np.linalg.eigvalsh(x.T @ x / context)), layers


def gammas_for(largest, layers, growth=9 / 4):
    return growth ** np.arange(layers) / (3 * largest)


gammas = Exercise(
    solution=lambda s, layers: gammas_for(s.max(), layers),
    cases=spectra,
    mistakes={
        "You kept the same gamma in every layer: the eigenvalues shrink, so gamma has to grow with each layer.": (
            lambda s, layers: gammas_for(s.max(), layers, growth=1)
        ),
        "Your gamma times the largest eigenvalue is 1: that kills the strongest direction. The peak of t (1 - t)^2 is at t = 1/3.": (
            lambda s, layers: 3 * gammas_for(s.max(), layers)
        ),
        "Your gamma shrinks from layer to layer: the largest eigenvalue becomes 4/9 of what it was, so gamma grows by 9/4.": (
            lambda s, layers: gammas_for(s.max(), layers, growth=4 / 9)
        ),
        "Your gamma grows by 3/2: the inputs shrink by 2/3, but the eigenvalues by its square, 4/9.": (
            lambda s, layers: gammas_for(s.max(), layers, growth=3 / 2)
        ),
        "You fitted gamma to the smallest eigenvalue: the larger ones then lie beyond 1/3, or beyond 1. Use the largest.": (
            lambda s, layers: gammas_for(s.min(), layers)
        ),
        "That is the best step size of gradient descent: gamma is to bring the largest eigenvalue to the peak, 1/3.": (
            lambda s, layers: np.full(layers, 2 / (s.min() + s.max()))
        ),
    },
    well_done="With these gammas the order of the eigenvalues stays as it is, and no direction dies.",
)


def condition_after(kappa):
    return kappa * (4 / 9) / (1 - 1 / (3 * kappa)) ** 2


def layers_until(kappa, eps, after=condition_after):
    layers = 0
    while kappa - 1 >= eps:
        kappa, layers = after(kappa), layers + 1
    return layers


def until_ratio(kappa, eps, factor):
    """Layers if each one multiplied kappa - 1 by the same factor."""
    return math.ceil(math.log(eps / (kappa - 1)) / math.log(factor))


layers_needed = Exercise(
    solution=layers_until,
    cases=lambda: [(2.0, 1e-6), (10.0, 1e-6), (1000.0, 1e-6), (100.0, 1e-12)],
    mistakes={
        "One too many: count the layers until kappa - 1 first falls below eps.": lambda kappa, eps: (
            layers_until(kappa, eps) + 1
        ),
        "One too few: the last layer, which brings kappa - 1 below eps, counts too.": lambda kappa, eps: (
            layers_until(kappa, eps) - 1
        ),
        "You kept the factor 4/9 to the end: near kappa = 1 a layer squares what is left. Iterate the whole formula.": (
            lambda kappa, eps: until_ratio(kappa, eps, 4 / 9)
        ),
        "That is gradient descent: its error shrinks by (kappa - 1) / (kappa + 1) a step. Iterate kappa instead.": (
            lambda kappa, eps: math.ceil(math.log(eps) / math.log((kappa - 1) / (kappa + 1)))
        ),
        "You lost the square below the fraction: divide by (1 - 1/(3 kappa))^2.": (
            lambda kappa, eps: layers_until(kappa, eps, lambda kappa: kappa * (4 / 9) / (1 - 1 / (3 * kappa)))
        ),
    },
    well_done="From kappa = 10 to 1000 it takes 6 layers more; from eps = 1e-6 to 1e-12 only one: log kappa + log log 1/eps.",
)
