"""The risk of a predictor: closed forms, what must not depend on how it answers, and what is no predictor."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lt_helpers as lt
from lt_helpers import baselines
from lt_helpers.__main__ import main
from lt_helpers.evaluate import Risk, evaluate

SKEWED = np.array([[2.0, 0.6, 0], [0.6, 1.0, -0.3], [0, -0.3, 0.5]])
TASK = lt.RegressionTask(3, 8, lt.Uniform(2.0), SKEWED)
MODEL = lt.LinearTransformer.from_diagonals(np.ones((1, 1, 2)), [[[0.0, -0.3]]], 3)
WHITE = lt.RegressionTask(10, 20, lt.Uniform(5.0))


def generator(seed=0):
    return np.random.default_rng(seed)


def nothing(x, y, x_query):
    """The answer 0."""
    return np.zeros(len(x))


def through_queries(weight):
    """A function (x, y) -> w, as a predictor that answers a query."""
    return lambda x, y, x_query: (weight(x, y) * x_query).sum(axis=1)


def oracle_for(sigma):
    return partial(baselines.ridge, sigma=sigma)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(1, 9), st.floats(0.01, 10), st.integers(0, 1000))
def test_the_excess_of_the_oracle_is_0(dim, context, sigma, seed):
    root = generator(seed).normal(size=(dim, dim))
    task = lt.RegressionTask(dim, context, lt.Fixed(sigma), root @ root.T + np.eye(dim))
    for predictor in (oracle_for(sigma), through_queries(oracle_for(sigma))):
        found = lt.risk(predictor, task, 20, generator(seed))
        assert 0 <= found.excess < 1e-20 * max(1, found.total)


@pytest.mark.parametrize("covariance", [None, SKEWED], ids=["white", "skewed"])
def test_the_total_of_the_oracle_is_half_the_spread_of_its_posterior(covariance, rng):
    """w given the data has the covariance (X'X / sigma^2 + I)^-1."""
    task = lt.RegressionTask(3, 8, lt.Fixed(1.5), covariance)
    found = lt.risk(oracle_for(1.5), task, 20_000, rng)
    C = np.eye(3) if covariance is None else covariance
    x = rng.multivariate_normal(np.zeros(3), C, size=(20_000, 8))
    posterior = np.linalg.inv(np.einsum("bni,bnj->bij", x, x) / 1.5**2 + np.eye(3))
    spread = np.einsum("ij,bji->b", C, posterior) / 2
    assert abs(found.total - spread.mean()) < 4 * np.hypot(found.total_error, spread.std() / np.sqrt(20_000))


def test_the_total_of_no_answer_is_half_the_variance_of_the_target(rng):
    """By its weight, |w|^2 / 2 varies by d / 2; by a query, <w, x>^2 / 2 by (3 d (d + 2) - d^2) / 4 with d = 10."""
    by_weight = lt.risk(lambda x, y: np.zeros((len(x), 10)), WHITE, 20_000, rng)
    by_query = lt.risk(nothing, WHITE, 20_000, rng)
    for found, variance in ((by_weight, 5.0), (by_query, 65.0)):
        assert found.total_error == pytest.approx(np.sqrt(variance / 20_000), rel=0.1)
        assert abs(found.total - 5) < 4 * found.total_error


def test_an_answer_that_is_off_by_a_constant_has_half_its_square_as_excess(rng):
    task = lt.RegressionTask(3, 8, lt.Fixed(0.7), SKEWED)
    oracle = through_queries(oracle_for(0.7))
    found = lt.risk(lambda x, y, x_query: oracle(x, y, x_query) + 0.3, task, 500, rng)
    assert found.excess == pytest.approx(0.045) and found.excess_error == pytest.approx(0, abs=1e-12)


def test_what_is_not_excess_is_the_oracles_own_error(rng):
    """The oracle errs independently of the context: total = excess + the total of the oracle, whoever answers."""
    task = lt.RegressionTask(3, 8, lt.Fixed(1.0), SKEWED)
    least = lt.risk(oracle_for(1.0), task, 20_000, rng)
    for predictor in (MODEL, nothing, baselines.ada_rr, through_queries(baselines.ols)):
        found = lt.risk(predictor, task, 20_000, rng)
        error = np.sqrt(found.total_error**2 + found.excess_error**2 + least.total_error**2)
        assert abs(found.total - found.excess - least.total) < 4 * error


@pytest.mark.parametrize("covariance", [None, SKEWED], ids=["white", "skewed"])
def test_a_weight_and_its_answers_to_queries_have_the_same_risk(covariance):
    """The model's own answers go over the tokens, its weight over the moments."""
    task = lt.RegressionTask(3, 8, lt.Uniform(2.0), covariance)
    bayes = partial(baselines.bayes, noise=task.noise)
    ways = {
        "model": (MODEL, lambda x, y, x_query: MODEL(x, y, x_query, form="tokens")),
        "AdaRR": (baselines.ada_rr, through_queries(baselines.ada_rr)),
        "Bayes": (bayes, through_queries(bayes)),
    }
    for name, (by_weight, by_query) in ways.items():
        one, two = (lt.risk(way, task, 20_000, generator()) for way in (by_weight, by_query))
        assert abs(one.excess - two.excess) < 4 * two.excess_error, name
        assert abs(one.total - two.total) < 4 * two.total_error, name
        assert one.excess_error < two.excess_error, name


def test_the_adjusted_loss_is_the_excess(rng):
    """Of a function, on the very same sequences; of a model, on moments that are drawn directly."""
    found = lt.risk(baselines.ada_rr, TASK, 6_000, generator(5))
    assert lt.adjusted_loss(baselines.ada_rr, TASK, 6_000, generator(5)) == (found.excess, found.excess_error)
    model = lt.load_pretrained("diag", layers=4, noise=lt.Uniform(5))
    found = lt.risk(model, WHITE, 20_000, rng)
    loss, error = lt.adjusted_loss(model, WHITE, 20_000, rng)
    assert abs(found.excess - loss) < 4 * np.hypot(error, found.excess_error)


def test_scaling_the_inputs_and_the_noise_scales_the_risk_by_the_square():
    """c x and c y have the same w, and so do their ridge solutions; an error of w costs c^2 times as much."""
    small = lt.RegressionTask(3, 8, lt.Fixed(0.5))
    large = lt.RegressionTask(3, 8, lt.Fixed(1.5), 9 * np.eye(3))
    for predictor in (baselines.ada_rr, baselines.ols, through_queries(baselines.ols)):
        one, two = (lt.risk(predictor, task, 50, generator()) for task in (small, large))
        np.testing.assert_allclose(
            [two.total, two.total_error, two.excess, two.excess_error],
            9 * np.array([one.total, one.total_error, one.excess, one.excess_error]),
        )


def test_a_predictor_that_writes_into_what_it_is_given_is_judged_alike():
    def tidy(x, y, x_query):
        return (baselines.ols(x, y) * x_query).sum(axis=1)

    def untidy(x, y, x_query):
        answer = tidy(x, y, x_query)
        x[:], y[:], x_query[:] = 0, 0, 0
        return answer

    assert lt.risk(untidy, TASK, 30, generator()) == lt.risk(tidy, TASK, 30, generator())


def test_every_sequence_is_asked_about_and_long_contexts_a_few_at_a_time():
    sizes = []

    def weigh(x, y):
        sizes.append(x.shape)
        return np.zeros((len(x), 2))

    lt.risk(weigh, lt.RegressionTask(2, 5, lt.Fixed(1)), 10_001, generator())
    assert sum(size[0] for size in sizes) == 10_001
    sizes.clear()
    lt.risk(weigh, lt.RegressionTask(2, 1_000_000, lt.Fixed(1)), 8, generator())
    assert sum(size[0] for size in sizes) == 8 and max(np.prod(size) for size in sizes) <= 10_000_000


def test_an_evaluation_has_the_rare_losses_of_its_sequences():
    """Sequence i misses the oracle by sqrt(2 i) in one component: the losses are 0, 1, 2, ..."""

    def predict(spectrum):
        w = spectrum.ridge(np.ones(len(spectrum.s)))
        w[:, 0] += np.sqrt(2 * np.arange(len(w)))
        return w

    found = evaluate({"one": predict}, lt.RegressionTask(3, 8, lt.Fixed(1.0)), 5_000, generator())["one"]
    assert found.loss == pytest.approx(2499.5) and found.p9999 == pytest.approx(0.9999 * 4999)
    assert found.standard_error == pytest.approx(np.arange(5_000).std(ddof=1) / np.sqrt(5_000))


def test_the_papers_way_to_evaluate_has_the_error_of_plain_sequences_and_queries(rng):
    task = lt.RegressionTask(3, 8, lt.Fixed(1.0), SKEWED)
    found = evaluate({"zero": lambda spectrum: 0 * spectrum.alpha}, task, 20_000, rng)["zero"]
    batch = task.sample(100_000, rng)
    oracle = (baselines.ridge(batch.x, batch.y, 1.0) * batch.x_query).sum(axis=1)
    losses = (batch.y_query**2 - (oracle - batch.y_query) ** 2) / 2
    assert found.one_query_error == pytest.approx(losses.std() / np.sqrt(100_000), rel=0.05)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_answers_that_are_not_finite_are_counted_and_said(bad):
    def lost(x, y, x_query):
        return np.where(np.arange(len(x)) < 3, bad, 0.0)

    with pytest.warns(
        RuntimeWarning, match="the predictor diverged on 3 of 50 sequences: its risk is infinite."
    ):
        found = lt.risk(lost, TASK, 50, generator())
    assert found == Risk(np.inf, np.inf, np.inf, np.inf, 3)


def test_answers_too_far_off_for_a_standard_error_are_said():
    def answer(x, y, x_query):
        return np.where(np.arange(len(x)) < 1, 1e91, 0.0)

    with pytest.warns(
        RuntimeWarning, match=r"the predictor explodes: .* the standard error of 5e\+178 is not"
    ):
        found = lt.risk(answer, TASK, 1_000, generator())
    assert np.isfinite(found.total) and found.total_error == np.inf and found.diverged == 0


def test_a_model_that_explodes_is_counted():
    model = lt.LinearTransformer(np.full((9, 1, 4, 4), 1e3), np.full((9, 1, 4, 4), 1e3))
    with pytest.warns(RuntimeWarning, match="the predictor diverged on 10 of 10 sequences"):
        assert lt.risk(model, TASK, 10, generator()).diverged == 10


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.float16, list])
def test_numbers_of_any_kind_are_answers(kind):
    def one(x, y, x_query):
        return [1] * len(x) if kind is list else np.ones(len(x), kind)

    exact = lt.risk(lambda x, y, x_query: np.ones(len(x)), TASK, 20, generator())
    assert lt.risk(one, TASK, 20, generator()) == exact


@pytest.mark.parametrize(
    "answer",
    [
        np.zeros((4, 1)),
        np.zeros(3),
        np.zeros((4, 3)),
        0.0,
        None,
        "zero",
        [[1], [1, 2], [3], [4]],
        np.zeros(4, complex),
    ],
)
def test_answers_of_another_shape_are_refused_in_one_sentence(answer):
    with pytest.raises(
        ValueError, match=r"the predictor answers .*: answers must be numbers \(batch,\) = \(4,\)\.$"
    ):
        lt.risk(lambda x, y, x_query: answer, TASK, 4, generator())


@pytest.mark.parametrize("answer", [np.zeros(4), np.zeros((4, 2)), (np.zeros((4, 3)), np.zeros(4))])
def test_weights_of_another_shape_are_refused_in_one_sentence(answer):
    with pytest.raises(
        ValueError, match=r"the predictor answers .*: weights must be numbers \(batch, dim\) = \(4, 3\)\.$"
    ):
        lt.risk(lambda x, y: answer, TASK, 4, generator())


@pytest.mark.parametrize(
    "predictor, words",
    [
        (3, "predictor is 3: predictor must be a LinearTransformer, or a function"),
        (lambda spectrum: spectrum, r"predictor takes \(spectrum\): predictor must be"),
        (lambda x, y, *, x_query: y, r"predictor takes \(x, y, \*, x_query\): predictor must be"),
        (lambda x, y, *, x_query=None: y, r"predictor takes \(x, y, \*, x_query\): predictor must be"),
        (lambda *contexts, noise: contexts, r"predictor takes \(\*, noise\): predictor must be"),
        (lambda x, y, x_query, w: w, r"predictor takes \(x, y, x_query, w\)"),
        (baselines.bayes, r"predictor takes \(x, y, noise\): .* functools.partial"),
        (baselines.ridge, r"predictor takes \(x, y, sigma\): .* functools.partial"),
        (baselines.gradient_descent, r"predictor takes \(x, y, step, steps\): .* functools.partial"),
    ],
)
def test_what_is_no_predictor_is_refused_in_one_sentence(predictor, words):
    with pytest.raises(TypeError, match=words):
        lt.risk(predictor, TASK, 4, generator())


def test_a_query_may_be_optional():
    def answer(x, y, x_query=None):
        return baselines.ols(x, y) if x_query is None else through_queries(baselines.ols)(x, y, x_query)

    asked = lt.risk(through_queries(baselines.ols), TASK, 50, generator())
    assert lt.risk(answer, TASK, 50, generator()) == asked


def test_each_baseline_is_a_predictor_once_it_is_told_the_rest():
    told = dict(ridge=dict(sigma=1.0), const_rr=dict(noise=lt.Uniform(5)), tuned_rr=dict(noise=lt.Uniform(5)))
    told |= dict(bayes=dict(noise=lt.Uniform(5)), newton=dict(steps=3))
    told |= dict(gradient_descent=dict(step=0.1, steps=3), momentum=dict(step=0.1, beta=0.1, steps=3))
    for name in ("ols", "ada_rr", *told):
        found = lt.risk(partial(getattr(baselines, name), **told.get(name, {})), WHITE, 20, generator())
        assert 0 < found.excess < np.inf and found.diverged == 0, name


@pytest.mark.parametrize("judge", [lt.risk, lt.adjusted_loss])
def test_a_model_that_is_weighed_at_another_n_says_so_once(judge, recwarn):
    model = lt.load_pretrained("diag", 4, lt.Uniform(5))
    judge(model, WHITE, 4, generator())
    assert not recwarn.list
    for _ in range(2):
        judge(model, lt.RegressionTask(10, 15, lt.Uniform(5)), 4, generator())
    (said,) = recwarn.list
    assert "trained at n = 20 examples a context and reads 15" in str(said.message)
    assert said.filename == __file__


@pytest.mark.parametrize(
    "kind, d, options",
    [("diag", 10, []), ("full", 10, []), ("full", 10, ["--dim", "10"]), ("diag", 4, ["--dim", "4"])],
)
def test_the_command_weighs_a_model_at_its_own_dim_or_at_the_one_it_is_told(
    kind, d, options, tmp_path, capsys
):
    """DIAG serves any d; FULL serves its own."""
    model = lt.load_pretrained(kind, 2, lt.Uniform(2))
    model.save(tmp_path / "model.safetensors")
    main(
        [
            "evaluate",
            str(tmp_path / "model.safetensors"),
            "--noise",
            "uniform:2",
            "--samples",
            "300",
            *options,
        ]
    )
    shown, loss = capsys.readouterr().out.splitlines()[0].split(": adjusted loss ")
    weighed = model if kind == "full" else model.with_dim(d)
    expected, _ = lt.adjusted_loss(weighed, lt.RegressionTask(d, 20, lt.Uniform(2)), 300, generator())
    assert shown == str(weighed) and loss.split()[0] == f"{expected:.4g}"
