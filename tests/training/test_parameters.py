"""The numbers of each family: their sizes, and where a search begins."""

import numpy as np
import pytest

from lt_helpers import Fixed, RegressionTask, Uniform, load_pretrained
from lt_helpers.training.gradient import forward
from lt_helpers.training.objective import draw
from lt_helpers.training.parameters import family

KINDS = [("gd++", 1), ("diag", 1), ("diag", 2), ("full", 1), ("full", 2)]


def sizes(noise):
    """The root mean square of the inputs and of the labels, as they are drawn."""
    batch = RegressionTask(4, 9, noise).sample(20_000, np.random.default_rng(0))
    return np.sqrt((batch.x**2).mean()), np.sqrt((batch.y**2).mean())


@pytest.mark.parametrize("noise", [Fixed(3.0), Uniform(6.0)], ids=lambda noise: noise.key)
def test_a_unit_is_what_a_number_writes_over_what_it_reads(noise):
    """P and Q of FULL turn a token's x and y, S among them, into x and y again; an omega writes one of them, and reads one."""
    of_x, of_y = sizes(noise)
    P, Q = family("full", 1, 4).units(noise).reshape(2, 5, 5)
    np.testing.assert_allclose(P[4, 0], of_y / of_x, rtol=0.02)
    np.testing.assert_allclose(P[0, 4], of_x / of_y, rtol=0.02)
    np.testing.assert_allclose(np.diag(P), 1)
    np.testing.assert_allclose(
        [Q[0, 0], Q[0, 4], Q[4, 0], Q[4, 4]], [1, 1 / of_y, 1 / of_y, 1 / of_y**2], rtol=0.03
    )
    for heads in (1, 2):
        units = family("diag", 1, 4, heads).units(noise)
        products = units if heads == 2 else np.outer(units[:2], units[2:]).ravel()
        np.testing.assert_allclose(products, [1, 1 / of_y**2, 1, 1 / of_y**2], rtol=0.03)


@pytest.mark.parametrize("kind, heads", [("diag", 1), ("full", 1), ("full", 2)])
def test_a_start_takes_weak_gradient_steps_whatever_the_noise(kind, heads):
    """Many of one layer: on average w is about 0.16 alpha, far from any answer, and on its side of 0."""
    parameters = family(kind, 1, 4, heads)
    for noise in (Fixed(0.0), Fixed(5.0)):
        sequences = draw(RegressionTask(4, 9, noise), 200, np.random.default_rng(1), stretches=())
        alpha = sequences.S[:, :4, 4]
        steps = []
        for seed in range(60):
            w = forward(parameters, parameters.start(np.random.default_rng(seed), noise), sequences.S).w
            steps.append((w * alpha).sum() / (alpha**2).sum())
        assert np.mean(steps) == pytest.approx(0.16, abs=0.04) and min(steps) > 0


@pytest.mark.parametrize("kind, heads", KINDS)
def test_an_idle_layer_does_nothing_and_is_not_lost(kind, heads, rng):
    """Its answer is 0 whatever it reads. GD++ and two heads are linear in their numbers: theirs are all 0, and have a gradient."""
    parameters = family(kind, 1, 4, heads)
    theta = parameters.start(rng, Uniform(2))
    idle = parameters.idle(theta[0])[None]
    sequences = draw(RegressionTask(4, 9, Uniform(2)), 3, rng)
    np.testing.assert_array_equal(forward(parameters, idle, sequences.S).w, 0)
    moved = forward(parameters, idle + 1e-3 * theta, sequences.S).w
    assert abs(moved).max() > 1e-5


@pytest.mark.parametrize("kind, heads", KINDS)
def test_a_model_answers_as_its_numbers_do_in_a_gauge_that_is_fixed_and_is_read_back(kind, heads, rng):
    """P and Q of each head have one norm, and Q no negative trace."""
    parameters, noise = family(kind, 2, 4, heads), Uniform(2)
    theta, sequences = parameters.start(rng, noise), draw(RegressionTask(4, 9, noise), 5, rng)
    model = parameters.model(theta, 9, noise)
    w = forward(parameters, theta, sequences.S).w
    np.testing.assert_allclose(model.implicit_weight(sequences.S[:, :5, :5]), w, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(model.P, axis=(2, 3)), np.linalg.norm(model.Q, axis=(2, 3)))
    assert (np.einsum("lhii->lh", model.Q) >= 0).all() and model.P.shape == (2, heads, 5, 5)
    assert (model.context, model.noise) == (9, noise)
    np.testing.assert_allclose(forward(parameters, parameters.read(model), sequences.S).w, w, atol=1e-12)


def test_what_is_held_is_zero_whatever_model_it_starts_from():
    model = load_pretrained("diag", 4, Uniform(5), heads=2)
    p, q = (matrix[..., [0, -1], [0, -1]] for matrix in (model.P, model.Q))  # (L, 2, 2) both
    omegas = np.einsum("lhi,lhj->lij", p, q).reshape(4, 4)
    for held, free in (((), [1, 1, 1, 1]), (("omega_xy", "omega_yy"), [1, 0, 1, 0])):
        theta = family("diag", 4, 10, 2, held).read(model)
        np.testing.assert_allclose(theta, omegas * free, rtol=1e-9)
