"""Theorem 4.1, Lemma 4.3 and the quantities that the labs draw, each against another route."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lt_helpers import Fixed, LinearTransformer, RegressionTask, baselines, implicit_regression
from lt_helpers.implicit import (
    effective_step_size,
    filter_curve,
    filter_factors,
    implicit_from_moments,
    implied_noise,
)
from lt_helpers.spectrum import Spectrum
from lt_helpers.task import second_moments


def gradient_descent_model(step, dim, layers):
    """Every layer is one gradient step: omega_yx = -step, all else zero (von Oswald et al. 2023)."""
    return LinearTransformer.from_diagonals([[[0, -step]]] * layers, [[[1, 0]]] * layers, dim)


@settings(max_examples=50, deadline=None)
@given(
    dim=st.integers(1, 12),
    context=st.integers(1, 25),
    layers=st.integers(1, 5),
    heads=st.integers(1, 3),
    seed=st.integers(0, 2**32),
)
def test_implicit_weights_are_what_basis_queries_reveal(dim, context, layers, heads, seed):
    """Theorem 4.1 by probing: the answer to the query e_j of a model cut after layer l is the j-th entry of w^l."""
    rng = np.random.default_rng(seed)
    model = LinearTransformer.random("full", dim, layers, heads, rng, scale=0.3 / np.sqrt(dim))
    batch = RegressionTask(dim, context, Fixed(1.0)).sample(2, rng)
    state = implicit_regression(model, batch.x, batch.y)
    for depth in range(1, layers + 1):
        cut = LinearTransformer(model.P[:depth], model.Q[:depth])
        probed = np.stack(
            [cut(batch.x, batch.y, np.tile(basis, (2, 1)), form="tokens") for basis in np.eye(dim)], axis=1
        )
        assert abs(probed - state.w[:, depth]).max() <= 1e-10 * abs(probed).max()


def test_the_recursion_of_lemma_4_3(rng):
    """M, u, a, w by the lemma's four equations, on random FULL two-head weights."""
    d = 6
    model = LinearTransformer.random("full", d, 4, 2, rng, scale=0.15)
    batch = RegressionTask(d, 8, Fixed(1.0)).sample(1, rng)
    state = implicit_regression(model, batch.x, batch.y)
    e = np.c_[batch.x[0], batch.y[0]]
    M, u, a, w = np.eye(d), np.zeros(d), 1.0, np.zeros(d)
    for layer, (P_l, Q_l) in enumerate(zip(model.P, model.Q)):
        tokens = np.c_[e[:, :d] @ M.T + np.outer(e[:, d], u), a * e[:, d] - e[:, :d] @ w]
        S = tokens.T @ tokens / 8
        block = sum(P @ S @ Q for P, Q in zip(P_l, Q_l))
        A, b, c, r = block[:d, :d], block[:d, d], block[d, :d], block[d, d]
        M, u, a, w = (
            (np.eye(d) + A) @ M - np.outer(b, w),
            (np.eye(d) + A) @ u + a * b,
            (1 + r) * a + c @ u,
            (1 + r) * w - M.T @ c,
        )
        for ours, lemma in ((state.M, M), (state.u, u), (state.a, a), (state.w, w)):
            np.testing.assert_allclose(ours[0, layer + 1], lemma, rtol=1e-10, atol=1e-12)


def test_one_layer_is_one_gradient_step(rng):
    x, y = rng.normal(size=(8, 20, 5)), rng.normal(size=(8, 20))
    by_layer = implicit_regression(gradient_descent_model(0.3, dim=5, layers=1), x, y).w[:, -1]
    by_hand = 0.3 * np.einsum("bnd,bn->bd", x, y) / 20
    np.testing.assert_allclose(by_layer, by_hand, atol=1e-12)


def test_gradient_descent_has_its_step_as_effective_step_size(rng):
    batch = RegressionTask(4, 15, Fixed(1.0)).sample(6, rng)
    state = implicit_regression(gradient_descent_model(0.2, 4, 5), batch.x, batch.y)
    for pooled in (False, True):
        eta, cosine = effective_step_size(state, pooled)
        np.testing.assert_allclose(eta, 0.2, rtol=1e-9)
        np.testing.assert_allclose(cosine, 1, rtol=1e-9)
    np.testing.assert_allclose(state.rescaling, 1)
    np.testing.assert_allclose(
        state.w[:, -1], baselines.gradient_descent(batch.x, batch.y, 0.2, 5), rtol=1e-10
    )


def test_a_vanished_gradient_leaves_a_gap(rng):
    batch = RegressionTask(1, 5, Fixed(0.0)).sample(1, rng)
    s = (batch.x**2).mean()
    eta, _ = effective_step_size(implicit_regression(gradient_descent_model(1 / s, 1, 3), batch.x, batch.y))
    assert eta[0, 0] == pytest.approx(1 / s) and np.isnan(eta[0, 1:]).all()


def test_a_gradient_has_vanished_once_it_is_a_ten_thousandth_of_the_first(rng):
    """Each layer leaves a thousandth of it: the second layer still has a step, the third has none."""
    batch = RegressionTask(1, 5, Fixed(0.0)).sample(1, rng)
    step = 0.999 / (batch.x**2).mean()
    eta, cosine = effective_step_size(
        implicit_regression(gradient_descent_model(step, 1, 3), batch.x, batch.y)
    )
    np.testing.assert_allclose(eta[0], [step, step, np.nan], rtol=1e-6)
    np.testing.assert_allclose(cosine[0], [1, 1, np.nan], rtol=1e-6)


def test_rescaling_and_push_make_up_the_step(rng):
    model = LinearTransformer.random("full", 4, 3, 2, rng, scale=0.2)
    batch = RegressionTask(4, 9, Fixed(1.0)).sample(5, rng)
    state = implicit_regression(model, batch.x, batch.y)
    np.testing.assert_allclose(
        state.rescaling[..., None] * state.w[:, :-1] + state.push, state.w[:, 1:], rtol=1e-10, atol=1e-12
    )


def test_the_gradient_is_that_of_the_error_to_the_rescaled_labels(rng):
    """By differences: half the mean square of a y - <w, x>, where a model with a rescaling of its own has come."""
    model = LinearTransformer.random("full", 3, 3, 1, rng, scale=0.3)
    x, y = rng.normal(size=(2, 8, 3)), rng.normal(size=(2, 8))
    state = implicit_regression(model, x, y)
    assert abs(state.a[:, 1:] - 1).min() > 0.01
    for row, layer in np.ndindex(2, 3):

        def error(w, row=row, layer=layer):
            return ((state.a[row, layer] * y[row] - x[row] @ w) ** 2).mean() / 2

        w, h = state.w[row, layer], 1e-5 * np.eye(3)
        falls = [(error(w - step) - error(w + step)) / 2e-5 for step in h]
        np.testing.assert_allclose(state.gradient[row, layer], falls, rtol=1e-6, atol=1e-9)


def test_the_effective_step_is_the_one_that_leaves_least(rng):
    """Least squares of the push on the gradient, sequence by sequence and over all; the cosine is that of the angle between them."""
    model = LinearTransformer.random("full", 3, 2, 1, rng, scale=0.3)
    x, y = rng.normal(size=(5, 9, 3)), rng.normal(size=(5, 9))
    state = implicit_regression(model, x, y)
    (eta, cosine), (pooled, pooled_cosine) = (effective_step_size(state, pooled) for pooled in (False, True))
    for layer in range(2):
        g, p = state.gradient[:, layer], state.push[:, layer]
        for row in range(5):
            assert eta[row, layer] == pytest.approx(np.linalg.lstsq(g[row, :, None], p[row])[0][0])
            angle = g[row] @ p[row] / np.linalg.norm(g[row]) / np.linalg.norm(p[row])
            assert cosine[row, layer] == pytest.approx(angle)
        assert pooled[layer] == pytest.approx(np.linalg.lstsq(g.reshape(-1, 1), p.ravel())[0][0])
        assert pooled_cosine[layer] == pytest.approx(
            np.corrcoef([*g.ravel(), *-g.ravel()], [*p.ravel(), *-p.ravel()])[0, 1]
        )


@pytest.mark.parametrize("sigma", [0.0, 2.0])
def test_gradient_descent_filters_as_in_the_textbook(sigma, rng):
    x = rng.normal(size=(20, 6))
    s, factors, r_squared = filter_factors(gradient_descent_model(0.3, 6, 4), x, sigma, 50, rng)
    np.testing.assert_allclose(s, np.linalg.eigvalsh(x.T @ x / 20), rtol=1e-10)
    np.testing.assert_allclose(factors, 1 - (1 - 0.3 * s) ** 4, rtol=1e-9)
    np.testing.assert_allclose(r_squared, 1, rtol=1e-9)


def test_the_filter_curve_of_gradient_descent_holds_at_any_eigenvalue(rng):
    batch = RegressionTask(6, 20, Fixed(1.0)).sample(1, rng)
    s = np.linspace(0.01, 2, 7)
    curve = filter_curve(gradient_descent_model(0.3, 6, 4), second_moments(batch.x, batch.y)[0], s)
    np.testing.assert_allclose(curve, 1 - (1 - 0.3 * s) ** 4, rtol=1e-6)


def test_the_filter_curve_is_the_response_to_a_faint_direction(rng):
    """A DIAG model on a real context of one more feature, which hardly correlates with y: w_j / alpha_j there, times s."""
    model = LinearTransformer.random("diag", 5, 3, 2, rng, scale=0.4)
    x, y = rng.normal(size=(40, 6)), rng.normal(size=40)
    x = np.linalg.qr(x)[0] * np.sqrt(40 * np.array([0.5, 0.8, 1, 1.2, 1.5, 0.7]))
    y = y - x[:, 5] * (x[:, 5] @ y) / (x[:, 5] @ x[:, 5]) + 1e-4 * x[:, 5]
    S = second_moments(x[None], y[None])[0]
    w = model.with_dim(6).implicit_weight(S[None])[0]
    assert filter_curve(model, np.delete(np.delete(S, 5, 0), 5, 1), [0.7])[0] == pytest.approx(
        0.7 * w[5] / S[5, 6], rel=1e-4
    )


@pytest.mark.parametrize("sigma", [0.0, 0.3, 1.0, 4.0, 9.0])
def test_ridge_is_seen_to_imply_its_own_noise(sigma, rng):
    batch = RegressionTask(10, 20, Fixed(sigma)).sample(50, rng)
    spectrum = Spectrum.from_tokens(batch.x, batch.y)
    np.testing.assert_allclose(
        implied_noise(spectrum.ridge(batch.sigma), spectrum), sigma, atol=3e-3 + 2e-3 * sigma
    )


def test_no_answer_implies_the_most_noise_that_is_tried_and_least_squares_none(rng):
    batch = RegressionTask(4, 12, Fixed(1.0)).sample(3, rng)
    spectrum = Spectrum.from_tokens(batch.x, batch.y)
    np.testing.assert_allclose(implied_noise(np.zeros((3, 4)), spectrum), 30)
    np.testing.assert_allclose(implied_noise(np.zeros((3, 4)), spectrum, largest=8.0, count=101), 8)
    np.testing.assert_allclose(implied_noise(baselines.ols(batch.x, batch.y), spectrum), 0, atol=3e-3)


@pytest.mark.parametrize(
    "case", ["fewer examples than features", "a feature that never varies", "labels that are all 0"]
)
def test_the_implied_noise_where_some_direction_is_empty(case, rng):
    batch = RegressionTask(10, 6 if case.startswith("fewer") else 20, Fixed(2.0)).sample(5, rng)
    x, y = batch.x.copy(), batch.y * (not case.startswith("labels"))
    x[..., 3] *= not case.startswith("a feature")
    spectrum = Spectrum.from_tokens(x, y)
    implied = implied_noise(spectrum.ridge(batch.sigma), spectrum)
    if y.any():
        np.testing.assert_allclose(implied, 2.0, atol=2e-3)
    else:  # any noise fits
        assert np.isnan(implied).all()


def test_the_filter_curve_needs_no_covariance_with_y(rng):
    model = LinearTransformer.random("diag", 4, 3, rng=rng, scale=0.1)
    assert np.isfinite(filter_curve(model, np.eye(5), np.array([0.5, 1.0]))).all()


@pytest.mark.parametrize("unit", [1e-90, 1e90])
def test_the_cosine_of_gradient_descent_is_1_in_any_unit_of_the_labels(unit, rng):
    omega = np.zeros((3, 2, 2))
    omega[:, 1, 0] = -0.3
    descent = LinearTransformer.from_diagonals(np.broadcast_to(np.eye(2), (3, 2, 2)), omega, 10)
    batch = RegressionTask(10, 20, Fixed(1.0)).sample(3, rng)
    _, cosine = effective_step_size(implicit_regression(descent, batch.x, unit * batch.y))
    np.testing.assert_allclose(cosine, 1, rtol=1e-9)


def test_divergence_becomes_nan_and_is_said(rng):
    model = LinearTransformer.random("full", 3, 6, 1, rng, scale=0.5)
    batch = RegressionTask(3, 9, Fixed(1.0)).sample(2, rng)
    with pytest.warns(RuntimeWarning, match="diverged on 1 of 2"):
        state = implicit_regression(model, batch.x, batch.y * [[1e80], [1]])
    assert np.isfinite(state.w[1]).all()
    assert np.isnan(implied_noise(state.w[:, -1], Spectrum.from_moments(state.S, 9))[0])


def test_moments_and_tokens_give_the_same_state(rng):
    model = LinearTransformer.random("full", 3, 2, 1, rng, scale=0.3)
    batch = RegressionTask(3, 2, Fixed(1.0)).sample(4, rng)
    one = implicit_regression(model, batch.x, batch.y)
    two = implicit_from_moments(model, second_moments(batch.x, batch.y))
    assert np.array_equal(one.w, two.w) and np.array_equal(one.M, two.M)
