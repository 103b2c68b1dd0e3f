"""The baselines against independent routes: other libraries, brute force, loops."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lt_helpers import Categorical, Fixed, RegressionTask, Uniform, adjusted_loss, baselines
from lt_helpers.exercises import preconditioning
from lt_helpers.noise import PAPER_NOISES
from lt_helpers.pretrained import record
from lt_helpers.spectrum import Spectrum
from lt_helpers.tune import tune

SHAPES = [(20, 10), (7, 10), (10, 10), (1, 3), (30, 1)]


def batch_of(n, d, rng, sigma=1.5):
    return RegressionTask(d, n, Fixed(sigma)).sample(5, rng)


@pytest.mark.parametrize("n, d", SHAPES)
def test_ols_is_least_squares_of_least_norm(n, d, rng):
    batch = batch_of(n, d, rng)
    expected = [np.linalg.lstsq(x, y)[0] for x, y in zip(batch.x, batch.y)]
    np.testing.assert_allclose(baselines.ols(batch.x, batch.y), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("n, d", SHAPES)
def test_ridge_agrees_with_scikit_learn(n, d, rng):
    linear_model = pytest.importorskip("sklearn.linear_model")
    batch = batch_of(n, d, rng)
    sigma = np.array([0.5, 1, 2, 3, 4])
    ours = baselines.ridge(batch.x, batch.y, sigma)
    for x, y, s, w in zip(batch.x, batch.y, sigma, ours):
        np.testing.assert_allclose(
            w, linear_model.Ridge(alpha=s**2, fit_intercept=False).fit(x, y).coef_, rtol=1e-8, atol=1e-10
        )


def test_features_of_very_different_sizes_are_all_used(rng):
    """An income and a rate: the smaller one's eigenvalue is a rounding error of the larger one's."""
    x = rng.normal(size=(4, 50, 2)) * [1e5, 1e-2]
    y = x @ [1e-5, 100.0] + 0.1 * rng.normal(size=(4, 50))
    expected = [np.linalg.lstsq(x_i, y_i)[0] for x_i, y_i in zip(x, y)]
    np.testing.assert_allclose(baselines.ols(x, y), expected, rtol=1e-6)
    np.testing.assert_allclose(baselines.ridge(x, y, 1e-4), expected, rtol=1e-3)
    np.testing.assert_allclose(Spectrum.from_tokens(x, y).noise_estimate(), 0.1, rtol=0.5)


def test_collinear_inputs_get_a_finite_answer(rng):
    batch = batch_of(20, 4, rng)
    x = batch.x.copy()
    x[..., 3] = x[..., 2]
    for w in (
        baselines.ols(x, batch.y),
        baselines.bayes(x, batch.y, Uniform(5)),
        baselines.ada_rr(x, batch.y),
    ):
        np.testing.assert_allclose(w[:, 2], w[:, 3], rtol=1e-6)


@pytest.mark.parametrize("n, d", [(20, 10), (6, 3), (3, 6)])
@pytest.mark.parametrize("noise", [Uniform(5.0), Categorical((1.0, 3.0))], ids=lambda noise: noise.key)
def test_the_likelihood_of_sigma_is_the_gaussian_density_of_y(n, d, noise, rng):
    batch = RegressionTask(d, n, noise).sample(4, rng)
    sigmas = np.array([0.3, 1.0, 2.0, 4.5])
    ours = Spectrum.from_tokens(batch.x, batch.y).log_likelihood(sigmas)
    for x, y, row in zip(batch.x, batch.y, ours):
        covariances = [x @ x.T + s**2 * np.eye(n) for s in sigmas]
        density = np.array([-(np.linalg.slogdet(C)[1] + y @ np.linalg.solve(C, y)) / 2 for C in covariances])
        np.testing.assert_allclose(row - row[0], density - density[0], rtol=1e-8, atol=1e-8)


def test_bayes_is_the_posterior_mean_by_brute_force(rng):
    """One weight, three examples: the integral over w and sigma as a sum over a fine grid of both."""
    batch = RegressionTask(1, 3, Uniform(2.0)).sample(3, rng)
    w, sigma = np.meshgrid(np.linspace(-7, 7, 1401), np.linspace(0.001, 2, 1500), indexing="ij")
    for x, y, ours in zip(batch.x[:, :, 0], batch.y, baselines.bayes(batch.x, batch.y, Uniform(2.0))):
        log_density = -(w**2) / 2 + sum(
            -np.log(sigma) - (y_i - w * x_i) ** 2 / (2 * sigma**2) for x_i, y_i in zip(x, y)
        )
        density = np.exp(log_density - log_density.max())
        assert ours[0] == pytest.approx((w * density).sum() / density.sum(), abs=2e-3)


def test_bayes_with_one_possible_sigma_is_ridge(rng):
    batch = batch_of(20, 10, rng)
    for noise in (Fixed(0), Fixed(2), Categorical((2, 2))):
        np.testing.assert_allclose(
            baselines.bayes(batch.x, batch.y, noise),
            baselines.ridge(batch.x, batch.y, noise.sigma_max),
            rtol=1e-9,
            atol=1e-12,
        )


def test_bayes_tells_no_noise_from_some(rng):
    task = RegressionTask(3, 20, Categorical((0, 2)))
    batch = task.sample(50, rng)
    _, probabilities = Spectrum.from_tokens(batch.x, batch.y).posterior(task.noise)
    assert (probabilities.argmax(axis=1) == (batch.sigma > 0)).all()


TABLE = {
    "u1": 0.0015,
    "u2": 0.0096,
    "u3": 0.0207,
    "u4": 0.0309,
    "u5": 0.0390,
    "u6": 0.0452,
    "u7": 0.0491,
    "c13": 0.0060,
    "c135": 0.0298,
}


@pytest.mark.parametrize("noise, published", list(zip(PAPER_NOISES[1:], TABLE.values())), ids=TABLE.keys())
def test_bayes_has_its_known_excess_risk_and_nothing_beats_it(noise, published, rng):
    batch = RegressionTask(10, 20, noise).sample(20_000, rng)
    oracle = baselines.ridge(batch.x, batch.y, batch.sigma)

    def losses(w):
        return ((w - oracle[: len(w)]) ** 2).sum(axis=1) / 2

    best = losses(baselines.bayes(batch.x, batch.y, noise))
    assert abs(best.mean() - published) < 4 * best.std() / np.sqrt(20_000) + 5e-5

    # On some of these sequences the others: the differences vary far less than the losses.
    x, y = batch.x[:6_000], batch.y[:6_000]
    for other in (
        baselines.ada_rr(x, y),
        baselines.const_rr(x, y, noise),
        baselines.tuned_rr(x, y, noise),
    ):
        gap = losses(other) - best[:6_000]
        assert gap.mean() > -4 * gap.std() / np.sqrt(len(gap))


@pytest.mark.parametrize("noise", [Uniform(3.0), Categorical((1.0, 3.0))], ids=lambda noise: noise.key)
def test_const_rr_needs_no_tuning(noise, rng):
    """No other ridge strength does better than E[sigma^2], for it is the best predictor that is linear in y."""
    batch = RegressionTask(10, 20, noise).sample(20_000, rng)
    spectrum = Spectrum.from_tokens(batch.x, batch.y)  # of all of them, once
    oracle = spectrum.ridge(batch.sigma)

    def loss(w):
        return ((w - oracle) ** 2).sum(axis=1)

    best = loss(baselines.const_rr(batch.x, batch.y, noise))
    for factor in (0.7, 0.85, 1.2, 1.5):
        sigma = np.full(20_000, np.sqrt(factor * noise.mean_square))
        gap = loss(spectrum.ridge(sigma)) - best
        assert gap.mean() > -3 * gap.std() / np.sqrt(len(gap))


@pytest.mark.slow
def test_the_stored_constants_of_tuned_rr_come_from_tuning():
    noise = Uniform(4.0)
    assert tune(noise) == baselines.tuned_constants()[noise.key]
    assert set(baselines.tuned_constants()) == {noise.key for noise in PAPER_NOISES}


SIZES = np.array([25.0, 1.0, 0.04])


@pytest.mark.parametrize(
    "task",
    [
        RegressionTask(3, 8, Uniform(4.0)),
        RegressionTask(3, 8, Uniform(4.0), np.diag(SIZES)),
        RegressionTask(3, 8, Uniform(4.0), 0.5 * np.outer(SIZES**0.5, SIZES**0.5) + 0.5 * np.diag(SIZES)),
        RegressionTask(3, 8, Uniform(4.0), 0.95 * np.outer(SIZES**0.5, SIZES**0.5) + 0.05 * np.diag(SIZES)),
    ],
    ids=["white", "sizes", "skewed", "nearly one direction"],
)
def test_tuning_follows_the_task_that_it_is_given(task):
    """On the sequences that it was tuned on no constants around do better, by the error at queries with the task's covariance."""
    tuned = tune(task, samples=2_000, seed=3)
    moments = task.sample_moments(2_000, np.random.default_rng(3))
    C = np.eye(3) if task.covariance is None else task.covariance
    spectrum = Spectrum.from_moments(moments.S, 8)

    def loss(multiplier, cap):
        sigma = baselines.tuned_noise(spectrum, multiplier, cap)
        weights = [
            np.linalg.solve(
                moments.S[:, :3, :3] + one[:, None, None] ** 2 / 8 * np.eye(3), moments.S[:, :3, 3:]
            )
            for one in (sigma, moments.sigma)
        ]
        miss = (weights[0] - weights[1])[..., 0]
        return np.einsum("bi,ij,bj->b", miss, C, miss).mean()

    for multiplier in (0.9, 0.97, 1, 1.03, 1.1):
        for cap in (0.9, 0.97, 1, 1.03, 1.1):
            other = loss(multiplier * tuned["multiplier"], cap * tuned["cap"])
            assert other >= loss(**tuned) or (multiplier, cap) == (1, 1)


def test_a_noise_is_tuned_for_as_the_papers_task():
    assert tune(Uniform(2.0), 500) == tune(RegressionTask(10, 20, Uniform(2.0)), 500)


@pytest.mark.parametrize(
    "task, error, words",
    [
        (RegressionTask(10, 10, Uniform(1)), ValueError, "more examples than features .* n = 10 and d = 10"),
        (5.0, TypeError, "task is 5.0: task must be a RegressionTask, or a Noise"),
    ],
)
def test_what_cannot_be_tuned_for_is_refused_in_one_sentence(task, error, words):
    with pytest.raises(error, match=words):
        tune(task)


@pytest.mark.parametrize("noise", [Uniform(3.0), Categorical((1.0, 3.0))], ids=lambda noise: noise.key)
def test_the_stored_losses_are_those_of_the_baselines_on_plain_tokens(noise):
    """Against other sequences, drawn as tokens and answered by the functions of (x, y)."""
    functions = {
        "ConstRR": lambda x, y: baselines.const_rr(x, y, noise),
        "AdaRR": baselines.ada_rr,
        "TunedRR": lambda x, y: baselines.tuned_rr(x, y, noise),
        "Bayes-optimal": lambda x, y: baselines.bayes(x, y, noise),
    }
    for name, function in functions.items():
        loss, error = adjusted_loss(function, RegressionTask(10, 20, noise), 5000, np.random.default_rng(7))
        stored, stored_error = baselines.stored_losses()[noise.key][name]
        assert abs(loss - stored) < 4 * np.hypot(error, stored_error), name


def test_the_stored_losses_cover_the_papers_noises_and_form_a_ladder():
    assert set(baselines.stored_losses()) == {noise.key for noise in PAPER_NOISES}
    for key, losses in baselines.stored_losses().items():
        rungs = [loss for loss, _ in losses.values()]
        assert list(losses) == ["ConstRR", "AdaRR", "TunedRR", "Bayes-optimal"]
        assert rungs == sorted(rungs, reverse=True) or key == "fixed-0"


ESTIMATORS = {
    "OLS": baselines.ols,
    "ridge": partial(baselines.ridge, sigma=0.8),
    "ConstRR": partial(baselines.const_rr, noise=Uniform(2.0)),
    "AdaRR": baselines.ada_rr,
    "evidence": baselines.evidence_ridge,
    "Bayes": partial(baselines.bayes, noise=Uniform(2.0)),
    "gradient descent": partial(baselines.gradient_descent, step=0.1, steps=3),
    "momentum": partial(baselines.momentum, step=0.1, beta=0.4, steps=3),
    "Newton": partial(baselines.newton, steps=4),
    "gradient steps": partial(baselines.gradient_steps, sizes=[0.3, 0.1]),
    "conjugate gradients": partial(baselines.conjugate_gradients, steps=4),
}


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(list(ESTIMATORS)), st.integers(1, 4), st.integers(0, 1000))
def test_a_weight_turns_with_the_inputs_and_the_labels_sign_and_knows_no_order(name, d, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(3, d + 4, d)), rng.normal(size=(3, d + 4))
    estimate = ESTIMATORS[name]
    w = estimate(x, y)
    turn, order = np.linalg.qr(rng.normal(size=(d, d)))[0], rng.permutation(d + 4)
    np.testing.assert_allclose(estimate(x @ turn, y), w @ turn, atol=1e-5)
    np.testing.assert_allclose(estimate(x, -y), -w, atol=1e-5)
    np.testing.assert_allclose(estimate(x[:, order], y[:, order]), w, atol=1e-5)


@pytest.mark.parametrize("name", ["OLS", "AdaRR", "evidence", "Newton"])
def test_what_is_told_no_size_has_one_weight_in_any_unit_of_inputs_and_labels(name, rng):
    x, y = rng.normal(size=(3, 12, 4)), rng.normal(size=(3, 12))
    np.testing.assert_allclose(ESTIMATORS[name](1e6 * x, 1e6 * y), ESTIMATORS[name](x, y), rtol=1e-5)


def test_gradient_descent_and_momentum_are_their_loops(rng):
    batch = batch_of(20, 4, rng)
    for x, y, plain, heavy in zip(
        batch.x,
        batch.y,
        baselines.gradient_descent(batch.x, batch.y, 0.2, 3),
        baselines.momentum(batch.x, batch.y, 0.2, 0.5, 3),
    ):
        w, v, z = np.zeros(4), np.zeros(4), np.zeros(4)
        for _ in range(3):
            w = w + 0.2 * x.T @ (y - x @ w) / 20
            v = 0.5 * v + 0.2 * x.T @ (y - x @ z) / 20
            z = z + v
        np.testing.assert_allclose(plain, w)
        np.testing.assert_allclose(heavy, z)


def test_newton_reaches_least_squares_at_a_doubling_rate(rng):
    batch = batch_of(40, 4, rng)
    errors = [
        abs(baselines.newton(batch.x, batch.y, k) - baselines.ols(batch.x, batch.y)).max()
        for k in (4, 6, 8, 10)
    ]
    assert errors[-1] < 1e-9 and (np.diff(np.log(errors)) < 0).all()


X, Y = np.ones((2, 20, 10)), np.ones((2, 20))


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: baselines.ridge(X, Y, -1), ValueError, "sigma is -1"),
        (lambda: baselines.ridge(X, Y, np.nan), ValueError, "sigma holds NaN"),
        (lambda: baselines.ridge(X, Y, [1.0, 2.0, 3.0]), ValueError, r"sigma must be \(2,\)"),
        (lambda: baselines.ridge(X, Y, "loud"), TypeError, "real numbers"),
        (lambda: baselines.ada_rr(X[:, :10], Y[:, :10]), ValueError, "n = 10 and d = 10"),
        (
            lambda: baselines.tuned_rr(X, Y, Uniform(2.5)),
            ValueError,
            "tuned for d = 10, n = 20 and fixed-0, uniform-1",
        ),
        (lambda: baselines.tuned_rr(X[:, :15], Y[:, :15], Uniform(5)), ValueError, "n = 15"),
        (lambda: baselines.bayes(X, Y, 5.0), TypeError, "noise is 5.0"),
        (
            lambda: baselines.on_spectrum(Uniform(2.5)),
            ValueError,
            r"Uniform\(sigma_max=2.5\): TunedRR is tuned for fixed-0, uniform-1",
        ),
        (lambda: baselines.on_spectrum(5.0), TypeError, "noise is 5.0"),
        (lambda: baselines.const_rr(X, Y, "uniform"), TypeError, "noise is 'uniform'"),
        (lambda: baselines.ols(X, Y[:1]), ValueError, r"y has shape \(1, 20\)"),
    ],
)
def test_bad_input_gets_one_sentence(call, error, words):
    with pytest.raises(error, match=words):
        call()


def left_over(sizes, s):
    """The share of the error that is left in directions with the eigenvalues s, step by step."""
    left = np.ones_like(s)
    for size in sizes:
        left = left * (1 - size * s)
    return left


def test_steps_of_given_sizes_leave_a_product_in_every_direction(rng):
    batch = RegressionTask(4, 9, Fixed(0)).sample(3, rng)
    s, V = np.linalg.eigh(batch.x.mT @ batch.x / 9)
    truth = (V.mT @ batch.w[..., None])[..., 0]
    for sizes in (np.array([0.5, 0.2, 0.9]), rng.uniform(0.1, 0.9, size=(3, 4))):
        w = baselines.gradient_steps(batch.x, batch.y, sizes)
        each = np.broadcast_to(sizes, (3, sizes.shape[-1]))
        left = np.array([left_over(one, eigenvalues) for one, eigenvalues in zip(each, s)])
        np.testing.assert_allclose((V.mT @ (batch.w - w)[..., None])[..., 0], left * truth, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 5, 9])
def test_chebyshev_sizes_leave_what_chebyshevs_polynomial_says(steps):
    """T_K((b + a - 2 s) / (b - a)) / T_K((b + a) / (b - a)); with one step the best constant size, 2 / (a + b)."""
    low, high = 0.2, 3.0
    s = np.linspace(low, high, 57)
    T = np.polynomial.chebyshev.Chebyshev.basis(steps)
    left = T((high + low - 2 * s) / (high - low)) / T((high + low) / (high - low))
    sizes = baselines.chebyshev_sizes(low, high, steps)
    np.testing.assert_allclose(left_over(sizes, s), left, atol=1e-12)
    each = baselines.chebyshev_sizes(np.array([low, 1.0]), np.array([high, 2.0]), steps)
    np.testing.assert_allclose(each, [sizes, baselines.chebyshev_sizes(1.0, 2.0, steps)])


@pytest.mark.parametrize("steps", [1, 3, 6])
def test_learned_sizes_are_where_no_other_polynomial_does_better(steps, rng):
    """Least squares over the coefficients c_1 .. c_K of 1 + c_1 s + .. finds the same shares."""
    s = rng.uniform(0.1, 2.5, size=(40, 5))
    powers = s.ravel()[:, None] ** np.arange(1, steps + 1)
    coefficients = np.linalg.lstsq(powers, -np.ones(200))[0]
    sizes = baselines.learned_sizes(s, steps)
    np.testing.assert_allclose(left_over(sizes, s.ravel()), 1 + powers @ coefficients, atol=1e-9)


def test_one_learned_size_is_the_mean_of_s_over_that_of_its_square():
    np.testing.assert_allclose(baselines.learned_sizes([1.0, 2.0, 0.0], 1), [3 / 5])
    np.testing.assert_allclose(baselines.learned_sizes([1.0, 2.0, 4.0], 3), [1, 1 / 2, 1 / 4])


def test_as_many_learned_sizes_as_eigenvalues_are_their_inverses_however_these_lie():
    """Thirty close together and one far away: what is taken away once alone leaves a part to rounding, which grows."""
    s = np.append(1e-3, np.linspace(1, 1.01, 30))
    np.testing.assert_allclose(np.sort(1 / baselines.learned_sizes(s, 31)), s, rtol=1e-9)


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_conjugate_gradients_fit_the_context_best_of_all_in_the_krylov_space(steps, rng):
    batch = RegressionTask(5, 12, Fixed(1)).sample(4, rng)
    ours = baselines.conjugate_gradients(batch.x, batch.y, steps)
    for x, y, w in zip(batch.x, batch.y, ours):
        Sigma, alpha = x.T @ x / 12, x.T @ y / 12
        krylov, _ = np.linalg.qr(np.array([np.linalg.matrix_power(Sigma, k) @ alpha for k in range(steps)]).T)
        best = krylov @ np.linalg.lstsq(x @ krylov, y)[0]
        np.testing.assert_allclose(w, best, atol=1e-7)


def test_conjugate_gradients_have_arrived_after_d_steps_and_stay(rng):
    batch = RegressionTask(5, 12, Fixed(1)).sample(4, rng)
    for steps in (5, 20):
        w = baselines.conjugate_gradients(batch.x, batch.y, steps)
        np.testing.assert_allclose(w, baselines.ols(batch.x, batch.y), atol=1e-7)
    np.testing.assert_array_equal(baselines.conjugate_gradients(batch.x, 0 * batch.y, 3), 0)


@pytest.mark.parametrize(
    "sizes, words",
    [
        (lambda: baselines.chebyshev_sizes(0.0, 1.0, 3), "low must be above zero"),
        (lambda: baselines.chebyshev_sizes(2.0, 1.0, 3), "high at least low"),
        (lambda: baselines.learned_sizes([1.0, 1.0, 2.0], 3), "at least as many different eigenvalues"),
        (lambda: baselines.learned_sizes([1.0, -2.0], 1), "none below zero"),
    ],
)
def test_sizes_need_eigenvalues_above_zero(sizes, words):
    with pytest.raises(ValueError, match=words):
        sizes()


def test_two_layers_of_gd_plus_plus_do_what_four_learned_steps_do():
    """Notebook 05: the degree of a polynomial in Sigma is 1, 4, 13 after 1, 2, 3 layers. None beats the best polynomial of its degree."""
    x = np.random.default_rng(0).normal(size=(20_000, 20, 10))
    s = np.linalg.eigvalsh(x.mT @ x / 20)
    for layers, degree, tolerance in ((1, 1, 1e-2), (2, 4, 2e-2)):
        left = left_over(baselines.learned_sizes(s, degree), s)
        best = (left**2).sum(axis=1).mean() / 2
        stored = record("gd++", layers, Fixed(0))["loss"]
        assert best * (1 - tolerance) < stored < best * (1 + 2 * tolerance)


def test_from_a_condition_number_of_100_on_gd_plus_plus_takes_more_than_ten_layers():
    """Notebook 05: its layers until kappa - 1 is below 1e-6, and one for the gradient step. Conjugate gradients take d = 10 steps."""
    layers = [
        preconditioning.layers_needed.solution(kappa, 1e-6) + 1 for kappa in (10, 50, 100, 1000, 10_000)
    ]
    assert layers == sorted(layers) and layers[1] <= 10 < layers[2]


@pytest.mark.parametrize("n", [2, 4])
def test_conjugate_gradients_stay_where_they_arrive_also_with_fewer_examples_than_features(n, rng):
    """After n steps the gradient is rounding, and some of that lies where no input is: a step along it goes anywhere."""
    x, y = rng.normal(size=(500, n, 10)), rng.normal(size=(500, n))
    for steps in (n, n + 2, 10, 30):
        np.testing.assert_allclose(
            baselines.conjugate_gradients(x, y, steps), baselines.ols(x, y), rtol=1e-7, atol=1e-9
        )


@pytest.mark.parametrize("of_x, of_y", [(1e99, 1), (1, 1e99), (1e-98, 1), (1e-98, 1e98), (1e98, 1e-98)])
def test_conjugate_gradients_are_the_same_in_any_unit(of_x, of_y, rng):
    x, y = rng.normal(size=(5, 20, 10)), rng.normal(size=(5, 20))
    w = baselines.conjugate_gradients(of_x * x, of_y * y, 10) / of_y * of_x
    np.testing.assert_allclose(w, baselines.conjugate_gradients(x, y, 10), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "argument, value", [("samples", 1), ("samples", 2.5), ("rounds", 0), ("rounds", "six")]
)
def test_what_is_no_number_of_samples_or_rounds_is_refused(argument, value):
    with pytest.raises((TypeError, ValueError), match=f"{argument} is .*: {argument} must be a whole number"):
        tune(Uniform(5), **{argument: value})
