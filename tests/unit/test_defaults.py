"""What a call does that leaves out an argument: the defaults that are numbers or words, a second time by hand."""

import inspect

import numpy as np
import pytest

import lt_helpers as lt
from lt_helpers import (
    baselines,
    implicit,
    lowrank,
    practice,
    preparation,
    regressor,
    spectrum,
    table1,
    tune,
)

DEFAULTS = {
    lt.LinearTransformer.__call__: dict(form="moments"),
    lt.LinearTransformer.random: dict(heads=1, scale=0.05),
    lt.RegressionTask: dict(w_scale=1.0),
    lt.Noise.nodes: dict(count=64),
    lt.Uniform.nodes: dict(count=64),
    lt.load_pretrained: dict(heads=1, variant=""),
    spectrum.Spectrum.posterior: dict(count=64),
    spectrum.Spectrum.bayes: dict(count=64),
    implicit.effective_step_size: dict(pooled=False),
    implicit.implied_noise: dict(largest=30.0, count=601),
    lowrank.diagonal_plus_low_rank: dict(rounds=30),
    baselines.on_spectrum: dict(evidence=False),
    practice.ridge_cv: dict(penalties=10 ** np.linspace(-1, 3, 25)),
    preparation.Preparation.learn: dict(intercept=True),
    regressor.InContextRegressor: dict(guard=True),
    table1.column: dict(samples=200_000, seed=0),
    tune.tune: dict(samples=50_000, seed=0, rounds=6),
    tune.losses: dict(samples=200_000, seed=1),
}


def given(function):
    """The defaults of a call that say something: numbers, words, arrays."""
    parameters = inspect.signature(function).parameters.values()
    kinds = (bool, int, float, str, np.ndarray)
    return {one.name: one.default for one in parameters if isinstance(one.default, kinds)}


@pytest.mark.parametrize("function", DEFAULTS, ids=lambda function: function.__qualname__)
def test_what_is_left_out_is_what_it_should_be(function):
    found = given(function)
    assert list(found) == list(DEFAULTS[function])
    for name, default in found.items():
        wanted = DEFAULTS[function][name]
        assert type(default) is type(wanted), name
        if isinstance(wanted, np.ndarray):
            np.testing.assert_allclose(default, wanted)
        else:
            assert default == wanted, name
