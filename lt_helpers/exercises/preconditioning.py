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
    name="preconditioning.gammas",
    solution=lambda s, layers: gammas_for(s.max(), layers),
    cases=spectra,
    mistakes={
        "kept_same_gamma": (lambda s, layers: gammas_for(s.max(), layers, growth=1)),
        "gamma_times_largest": (lambda s, layers: 3 * gammas_for(s.max(), layers)),
        "gamma_shrinks_from": (lambda s, layers: gammas_for(s.max(), layers, growth=4 / 9)),
        "gamma_grows_3": (lambda s, layers: gammas_for(s.max(), layers, growth=3 / 2)),
        "fitted_gamma_smallest": (lambda s, layers: gammas_for(s.min(), layers)),
        "best_step_size": (lambda s, layers: np.full(layers, 2 / (s.min() + s.max()))),
    },
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
    name="preconditioning.layers_needed",
    solution=layers_until,
    cases=lambda: [(2.0, 1e-6), (10.0, 1e-6), (1000.0, 1e-6), (100.0, 1e-12)],
    mistakes={
        "one_too_many": lambda kappa, eps: layers_until(kappa, eps) + 1,
        "one_too_few": lambda kappa, eps: layers_until(kappa, eps) - 1,
        "kept_factor_4": (lambda kappa, eps: until_ratio(kappa, eps, 4 / 9)),
        "gradient_descent_error": (
            lambda kappa, eps: math.ceil(math.log(eps) / math.log((kappa - 1) / (kappa + 1)))
        ),
        "lost_square_below": (
            lambda kappa, eps: layers_until(kappa, eps, lambda kappa: kappa * (4 / 9) / (1 - 1 / (3 * kappa)))
        ),
    },
)
