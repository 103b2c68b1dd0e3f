"""The task: tokens, moments drawn directly, and what it refuses."""

import numpy as np
import pytest

from lt_helpers.noise import Fixed, Uniform
from lt_helpers.task import RegressionTask, second_moments

SKEWED = np.array([[2.0, 0.6, 0], [0.6, 1.0, -0.3], [0, -0.3, 0.5]])


def test_labels_are_linear_in_the_inputs_plus_noise_of_the_stated_size(rng):
    batch = RegressionTask(3, 400, Fixed(2.0), SKEWED).sample(500, rng)
    assert batch.x.shape == (500, 400, 3) and batch.y.shape == (500, 400) and batch.x_query.shape == (500, 3)
    noise = batch.y - np.einsum("bnd,bd->bn", batch.x, batch.w)
    assert noise.std() == pytest.approx(2.0, rel=0.02)
    np.testing.assert_allclose(np.cov(batch.x.reshape(-1, 3).T), SKEWED, atol=0.05)
    np.testing.assert_allclose(batch.y_query, np.einsum("bd,bd->b", batch.x_query, batch.w))


@pytest.mark.parametrize("context", [3, 4, 9])
@pytest.mark.parametrize("covariance", [None, SKEWED], ids=["white", "skewed"])
def test_moments_drawn_directly_have_the_distribution_of_moments_of_tokens(context, covariance, rng):
    task = RegressionTask(3, context, Uniform(2.0), covariance)
    direct = task.sample_moments(60_000, rng).S
    tokens = task.sample(60_000, rng)
    through_tokens = second_moments(tokens.x, tokens.y)
    for power in (1, 2):
        a, b = direct**power, through_tokens**power
        spread = np.sqrt((a.var(axis=0) + b.var(axis=0)) / len(a))
        assert (abs(a.mean(axis=0) - b.mean(axis=0)) < 5 * spread).all()
    a, b = (
        np.linalg.slogdet(direct + 1e-3 * np.eye(4))[1],
        np.linalg.slogdet(through_tokens + 1e-3 * np.eye(4))[1],
    )
    assert abs(a.mean() - b.mean()) < 5 * np.sqrt((a.var() + b.var()) / len(a))


def test_moments_belong_to_their_truth(rng):
    moments = RegressionTask(4, 50_000, Fixed(0.0)).sample_moments(20, rng)
    np.testing.assert_allclose(
        np.linalg.solve(moments.S[:, :4, :4], moments.S[:, :4, 4:])[..., 0], moments.w, atol=1e-9
    )


def test_the_same_seed_draws_the_same_batch():
    task = RegressionTask(3, 5, Uniform(1.0))
    one, two = (task.sample(7, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one.x, two.x) and np.array_equal(one.y, two.y)


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: RegressionTask(0, 20, Fixed(1)), ValueError, "dim is 0"),
        (lambda: RegressionTask(10, 0, Fixed(1)), ValueError, "context is 0"),
        (lambda: RegressionTask(10, 2.5, Fixed(1)), TypeError, "context is 2.5"),
        (lambda: RegressionTask(10, 20, 5.0), TypeError, "noise is 5.0"),
        (lambda: RegressionTask(2, 20, Fixed(1), np.ones((2, 2))), ValueError, "eigenvalues above zero"),
        (lambda: RegressionTask(2, 20, Fixed(1), np.eye(3)), ValueError, r"covariance has shape \(3, 3\)"),
        (lambda: RegressionTask(2, 20, Fixed(1)).sample(3, 0), TypeError, "rng is 0"),
        (
            lambda: RegressionTask(2, 20, Fixed(1)).sample(-3, np.random.default_rng(0)),
            ValueError,
            "batch is -3",
        ),
    ],
)
def test_what_makes_no_task_is_refused_in_one_sentence(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_tasks_are_equal_when_dimension_context_noise_and_covariance_are():
    skewed = RegressionTask(3, 9, Uniform(2.0), SKEWED)
    assert skewed == RegressionTask(3, 9, Uniform(2.0), SKEWED.tolist())
    assert len({skewed, RegressionTask(3, 9, Uniform(2.0), SKEWED.copy())}) == 1
    others = [
        RegressionTask(3, 9, Uniform(2.0)),
        RegressionTask(3, 9, Uniform(2.0), 2 * SKEWED),
        RegressionTask(3, 8, Uniform(2.0), SKEWED),
        RegressionTask(3, 9, Uniform(3.0), SKEWED),
    ]
    assert skewed not in others and len({skewed, *others}) == 5
    assert RegressionTask(3, 9, Uniform(2.0)) == RegressionTask(3, 9, Uniform(2.0)) and skewed != "skewed"
