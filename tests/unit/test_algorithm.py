import warnings

import numpy as np
import pytest

from lt_helpers import Categorical, LinearTransformer, RegressionTask, Uniform, load_pretrained
from lt_helpers.algorithm import BLOCK, answer, as_model, path
from lt_helpers.implicit import implicit_from_moments
from lt_helpers.task import second_moments


def by_hand(x, y, query, constants):
    """Equation 10 on one sequence and one query, example by example; minus the query's last y."""
    n, d = x.shape
    tokens = [(x_i, y_i) for x_i, y_i in zip(x, y)] + [(query, 0.0)]
    for (xx, xy), (yx, yy) in constants:
        Sigma = sum(np.outer(x_i, x_i) for x_i, _ in tokens[:-1]) / n
        alpha = sum(y_i * x_i for x_i, y_i in tokens[:-1]) / n
        size = sum(y_i**2 for _, y_i in tokens[:-1]) / n
        tokens = [
            (x_i + xx * Sigma @ x_i + xy * y_i * alpha, y_i + yx * alpha @ x_i + yy * size * y_i)
            for x_i, y_i in tokens
        ]
    return -tokens[-1][1]


@pytest.mark.parametrize("n, d, layers", [(20, 10, 4), (7, 3, 2), (4, 1, 1)])
def test_the_answer_is_what_equation_10_does_to_a_query(rng, n, d, layers):
    x, y, constants = rng.normal(size=(2, n, d)), rng.normal(size=(2, n)), rng.normal(size=(layers, 2, 2)) / 3
    w = answer(constants, second_moments(x, y))
    for b in range(2):
        np.testing.assert_allclose(
            w[b], [by_hand(x[b], y[b], unit, constants) for unit in np.eye(d)], rtol=1e-9, atol=1e-12
        )


def test_any_constants_are_a_transformer_with_two_heads(rng):
    constants = rng.normal(size=(3, 2, 2)) / 3
    batch = RegressionTask(4, 9, Uniform(2.0)).sample(20, rng)
    model = as_model(constants, 4)
    np.testing.assert_allclose(model.omega, constants)
    assert (model.kind, model.heads) == ("diag", 2)
    predicted = (answer(constants, second_moments(batch.x, batch.y)) * batch.x_query).sum(axis=1)
    np.testing.assert_allclose(
        model(batch.x, batch.y, batch.x_query, form="tokens"), predicted, rtol=1e-9, atol=1e-12
    )


def test_the_path_is_the_implicit_weight_of_each_layer_of_a_stored_model(rng):
    model = load_pretrained("diag", 4, Categorical((1, 3)))
    S = RegressionTask(10, 20, Uniform(3.0)).sample_moments(30, rng).S
    np.testing.assert_allclose(path(model.omega, S), implicit_from_moments(model, S).w, rtol=1e-9, atol=1e-12)


def test_a_long_batch_gives_each_sequence_its_own_answer(rng):
    constants = rng.normal(size=(2, 2, 2)) / 3
    S = RegressionTask(3, 8, Uniform(3.0)).sample_moments(2 * BLOCK + 1, rng).S
    one_by_one = [answer(constants, S[b : b + 1])[0] for b in (0, BLOCK - 1, BLOCK, 2 * BLOCK)]
    np.testing.assert_array_equal(answer(constants, S)[[0, BLOCK - 1, BLOCK, 2 * BLOCK]], one_by_one)
    assert answer(constants, S[:0]).shape == (0, 3)


def test_where_it_diverges_it_says_so_in_its_numbers_and_warns_of_nothing(rng):
    S = RegressionTask(3, 8, Uniform(3.0)).sample_moments(2, rng).S
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not np.isfinite(answer(np.full((9, 2, 2), 1e3), S)).any()
        assert not np.isfinite(path(np.full((9, 2, 2), 1e3), S)[:, -1]).any()


@pytest.mark.parametrize(
    "constants, words",
    [
        (np.zeros((2, 2)), r"constants has shape \(2, 2\): constants must be"),
        (np.zeros((0, 2, 2)), "constants holds no layer"),
    ],
)
def test_bad_constants_are_named(constants, words):
    with pytest.raises(ValueError, match=words):
        answer(constants, np.eye(3)[None])
    with pytest.raises(ValueError, match=words):
        as_model(constants, 2)


def test_one_head_holds_only_constants_with_equal_products(rng):
    """What the fit of notebook 13 frees: omega_xx omega_yy = omega_xy omega_yx in each layer of one head."""
    single, double = (LinearTransformer.random("diag", 3, 5, heads, rng, scale=1.0).omega for heads in (1, 2))
    np.testing.assert_allclose(np.linalg.det(single), 0, atol=1e-12)
    assert (abs(np.linalg.det(double)) > 1e-6).all()
