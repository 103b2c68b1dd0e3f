"""Noise distributions: sampling, quadrature, equality, reading."""

import numpy as np
import pytest

from lt_helpers.noise import Categorical, Fixed, Uniform, parse_noise

NOISES = [
    Fixed(0),
    Fixed(1.5),
    Uniform(0),
    Uniform(5),
    Categorical((1, 3)),
    Categorical((1, 3, 5)),
    Categorical((0, 2.5)),
    Categorical((0.5, 2, 4), weights=(0.123456, 0.3, 0.576544)),
]
SMALL = [Uniform(1e-5), Categorical((1e-5, 2e-7))]


@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.key)
def test_quadrature_agrees_with_sampling(noise, rng):
    sigmas, weights = noise.nodes()
    drawn = noise.sample(200_000, rng)
    assert weights.sum() == pytest.approx(1)
    for f in (np.square, np.cos):
        spread = f(drawn).std() / np.sqrt(len(drawn))
        assert abs(weights @ f(sigmas) - f(drawn).mean()) <= 5 * spread + 1e-12
    assert noise.mean_square == pytest.approx(weights @ sigmas**2)
    assert drawn.max() <= noise.sigma_max


@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.key)
def test_an_interval_that_is_cut_keeps_its_integral(noise):
    """Each piece integrates a polynomial exactly; where sigma takes some values there is nothing to cut."""
    whole, weights = noise.nodes(8)
    sigmas, shares = noise.nodes(4, np.array([0.1, 0.2, 1.7]))
    assert len(sigmas) == (16 if noise.continuous else len(whole))
    assert (np.diff(sigmas) > 0).all() and shares.sum() == pytest.approx(1)
    assert shares @ sigmas**7 == pytest.approx(weights @ whole**7)
    if noise.continuous:
        assert shares[:4].sum() == pytest.approx(0.1 / noise.sigma_max)


@pytest.mark.parametrize("noise", NOISES + SMALL, ids=lambda noise: noise.key)
def test_a_noise_is_read_back_from_its_key(noise):
    again = parse_noise(noise.key)
    assert again == noise
    np.testing.assert_allclose(again.nodes(), noise.nodes(), rtol=1e-5)
    assert hash(parse_noise(noise.key)) == hash(noise)


def test_no_noise_is_the_same_noise_however_it_is_written():
    assert Uniform(0) == Fixed(0) == Categorical((0,)) == parse_noise("uniform:0")
    assert Uniform(1) != Fixed(1) and Fixed(-0.0) == Fixed(0)
    assert Categorical((3, 1)) == Categorical((1.0, 3.0)) == parse_noise("categorical:1,3")


def test_each_share_stays_with_its_value_in_whatever_order_they_come():
    rising, falling = (
        Categorical((1, 2, 5), weights=(6, 3, 1)),
        Categorical((5, 2, 1), weights=(0.1, 0.3, 0.6)),
    )
    assert rising.values == falling.values == (1, 2, 5)
    np.testing.assert_allclose([rising.shares, falling.shares], 2 * [[0.6, 0.3, 0.1]])


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: Fixed(-1), ValueError, "sigma is -1"),
        (lambda: Uniform(float("nan")), ValueError, "sigma_max is nan"),
        (lambda: Uniform(float("inf")), ValueError, "finite"),
        (lambda: Fixed("1"), TypeError, "sigma is '1'"),
        (lambda: Fixed(True), TypeError, "must be a number"),
        (lambda: Categorical(()), ValueError, "one or more"),
        (lambda: Categorical("13"), ValueError, "one or more"),
        (lambda: Categorical((1, -3)), ValueError, "each of values is -3"),
        (lambda: parse_noise("loud"), ValueError, "uniform:5"),
        (lambda: parse_noise("uniform:1,2"), ValueError, "uniform:5"),
        (lambda: parse_noise("uniform:-2"), ValueError, "uniform:5"),
    ],
)
def test_what_is_not_a_noise_is_refused_in_one_sentence(make, error, words):
    with pytest.raises(error, match=words):
        make()
