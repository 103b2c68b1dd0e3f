"""Whatever comes in: a right answer, or one sentence of ours that names the argument, what came and what is allowed."""

import dataclasses
import traceback
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lt_helpers as lt
from lt_helpers import baselines
from lt_helpers.evaluate import evaluate, per_variance_profile
from lt_helpers.implicit import filter_factors
from lt_helpers.noise import Noise, parse_noise
from lt_helpers.pretrained import record
from lt_helpers.spectrum import Spectrum
from lt_helpers.training.plans import NEWTON_OF_FEW, Plan, Round, Stage

PACKAGE = Path(lt.__file__).parent
DRAWN = lt.RegressionTask(3, 8, lt.Fixed(0.5)).sample(4, np.random.default_rng(0))
TASK = lt.RegressionTask(3, 8, lt.Uniform(1.0))
MODEL = lt.LinearTransformer.random("diag", 3, 2, rng=np.random.default_rng(1))
OTHER_MODEL = lt.LinearTransformer.random("full", 4, 1, rng=np.random.default_rng(1))
DATA = dict(x=DRAWN.x, y=DRAWN.y)
CONSTANTS = {"multiplier": 0.8, "cap": 2.0}
QUICK = Plan(1, (Round(1, 4, 0.01, 1),), 1, (Stage(1, 1, 4),), replace(NEWTON_OF_FEW, held_out=4), held_out=9)
STORED = dict(kind="diag", layers=4, noise=lt.Uniform(5), heads=1, variant="")


def generator():
    return np.random.default_rng(0)


# Each public function with arguments that it can take. What comes from a function is made anew for each call.
CALLS = {
    "Fixed": (lt.Fixed, dict(sigma=1.0)),
    "Uniform": (lt.Uniform, dict(sigma_max=1.0)),
    "Categorical": (lt.Categorical, dict(values=(1.0, 3.0), weights=(0.9, 0.1))),
    "parse_noise": (lambda noise: parse_noise(noise), dict(noise="uniform:5")),
    "Fixed.sample": (lt.Fixed(1).sample, dict(size=3, rng=generator)),
    "Uniform.sample": (lt.Uniform(1).sample, dict(size=3, rng=generator)),
    "Categorical.sample": (lt.Categorical((1, 3)).sample, dict(size=3, rng=generator)),
    "RegressionTask": (
        lt.RegressionTask,
        dict(dim=3, context=8, noise=lt.Fixed(1), covariance=np.eye(3), w_scale=2.0),
    ),
    "sample": (TASK.sample, dict(batch=2, rng=generator)),
    "sample_moments": (TASK.sample_moments, dict(batch=2, rng=generator)),
    "LinearTransformer": (
        lt.LinearTransformer,
        dict(P=MODEL.P, Q=MODEL.Q, context=8, noise=lt.Uniform(1), label_size=2.0, record={"loss": 0.1}),
    ),
    "random": (
        lt.LinearTransformer.random,
        dict(kind="full", dim=3, layers=2, heads=1, rng=generator, scale=0.1),
    ),
    "from_diagonals": (
        lt.LinearTransformer.from_diagonals,
        dict(p=np.ones((2, 1, 2)), q=np.ones((2, 1, 2)), dim=3, context=8),
    ),
    "from_sums": (lt.LinearTransformer.from_sums, dict(P=MODEL.P, Q=MODEL.Q, context=8)),
    "with_dim": (MODEL.with_dim, dict(dim=5)),
    "model": (MODEL, dict(**DATA, x_query=DRAWN.x_query, form="moments")),
    "implicit_regression": (lt.implicit_regression, dict(model=MODEL, **DATA)),
    "filter_factors": (filter_factors, dict(model=MODEL, x=DRAWN.x[0], sigma=1.0, draws=20, rng=generator)),
    "ols": (baselines.ols, DATA),
    "ridge": (baselines.ridge, dict(**DATA, sigma=1.0)),
    "const_rr": (baselines.const_rr, dict(**DATA, noise=lt.Uniform(1))),
    "ada_rr": (baselines.ada_rr, DATA),
    "evidence_ridge": (baselines.evidence_ridge, DATA),
    "bayes": (baselines.bayes, dict(**DATA, noise=lt.Uniform(1))),
    "tuned_rr": (baselines.tuned_rr, dict(**DATA, noise=lt.Uniform(1), constants=CONSTANTS)),
    "for_task": (baselines.for_task, dict(task=TASK, constants=CONSTANTS)),
    "train": (
        partial(lt.train, progress=False),
        dict(task=TASK, kind="diag", layers=1, heads=1, seed=0, plan=QUICK, samples=9),
    ),
    "gradient_descent": (baselines.gradient_descent, dict(**DATA, step=0.1, steps=3)),
    "momentum": (baselines.momentum, dict(**DATA, step=0.1, beta=0.5, steps=3)),
    "newton": (baselines.newton, dict(**DATA, steps=3)),
    "adjusted_loss": (lt.adjusted_loss, dict(model=MODEL, task=TASK, samples=4, rng=generator)),
    "adjusted_loss of a function": (
        lt.adjusted_loss,
        dict(model=baselines.ols, task=TASK, samples=4, rng=generator),
    ),
    "risk": (lt.risk, dict(predictor=MODEL, task=TASK, sequences=4, rng=generator)),
    "risk of a function": (
        lt.risk,
        dict(predictor=lambda x, y, x_query: x_query[:, 0], task=TASK, sequences=4, rng=generator),
    ),
    "evaluate": (
        evaluate,
        dict(predictors={"zero": lambda spectrum: 0 * spectrum.alpha}, task=TASK, samples=4, rng=generator),
    ),
    "per_variance_profile": (
        per_variance_profile,
        dict(
            predictors={"zero": lambda spectrum: 0 * spectrum.alpha},
            dim=3,
            context=8,
            sigmas=[0.5, 1],
            samples=4,
            rng=generator,
        ),
    ),
    "load_pretrained": (lt.load_pretrained, STORED | dict(folder=PACKAGE / "pretrained")),
    "record": (record, STORED),
}


class Refuses:
    """An object that does not want to be an array."""

    def __array__(self, *arguments, **more):
        raise RuntimeError("no")


JUNK = [
    *(None, True, False, np.True_, "", "text", "1", b"1", 1j, object(), Refuses(), print, int, ..., {}, {"a": 1}, set(), {1}, range(3), []),
    *(np.nan, np.inf, -np.inf, -1, -0.5, 0, 2.5, 10**400, -(10**400), 1e300, 1e-300, np.float32(2), np.int8(2), [[]], [[1], [1, 2]]),
    *([1, "a"], (1, 2), [None], [np.nan], np.zeros(0), np.zeros((2, 2, 2, 2, 2)), np.array("a"), np.array(["a", "b"]), np.array([1 + 1j])),
    *(np.array([object()]), np.array("2020-01-01", "datetime64[D]"), np.full((4, 8, 3), np.nan), np.full((4, 8), np.inf), DRAWN.x > 0),
    *(DRAWN.x.astype(str), DRAWN.x[:2], DRAWN.x[:, :0], DRAWN.x[..., :0], DRAWN.x[..., :2], DRAWN.x[0], DRAWN.y[:, :3], DRAWN.y.T),
    *(1e200 * DRAWN.x, 1e200 * DRAWN.y, 1e-200 * DRAWN.x, 1e-200 * DRAWN.y, DRAWN.x.tolist(), DRAWN.y.astype(np.float16)),
    *(MODEL, OTHER_MODEL, TASK, lt.Fixed(1), lt.Uniform, Noise(), generator, np.random, np.random.RandomState(0), lambda x, y: x),
]  # fmt: skip


def numbers(result):
    """All numbers in what a function gave back."""
    if isinstance(result, lt.LinearTransformer):
        return numbers([result.P, result.Q])
    if dataclasses.is_dataclass(result):
        return numbers(list(vars(result).values()))
    if isinstance(result, dict):
        return numbers(list(result.values()))
    if isinstance(result, (list, tuple)):
        return [number for part in result for number in numbers(part)]
    return np.ravel(result).tolist() if isinstance(result, (np.ndarray, float, int)) else []


def answers_or_says(function, arguments, names):
    """Call; -> what it gave back, finite or said to have diverged, or None after one sentence of ours on one of `names`."""
    arguments = {
        name: value() if value is generator and name not in names else value
        for name, value in arguments.items()
    }
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            result = function(**arguments)
    except (ValueError, TypeError) as error:
        words = str(error)
        assert Path(traceback.extract_tb(error.__traceback__)[-1].filename).is_relative_to(PACKAGE), (
            f"not ours: {error!r}"
        )
        assert "\n" not in words and words.endswith(".") and 15 < len(words) < 700, words
        assert any(name in words for name in names), f"{words} does not name {' or '.join(names)}"
        return None
    diverged = [str(warning.message) for warning in said if "diverged" in str(warning.message)]
    assert [str(warning.message) for warning in said] == diverged, (
        "an answer of ours comes without NumPy's warnings"
    )
    assert np.isfinite(np.array(numbers(result), float)).all() or diverged, result
    return result


@pytest.mark.parametrize("name", CALLS)
def test_the_calls_that_are_tried_are_good_ones(name):
    function, arguments = CALLS[name]
    assert answers_or_says(function, arguments, ()) is not None


# What an argument may be called in the sentence, where it is judged together with another.
ALSO = {
    "Q": "P",
    "y": "x",
    "values": "value",
    "model": "x has|predictor|the model",
    "predictor": "predictor|the model",
    "predictors": "predictor",
    "sigmas": "sigma",
}
ALSO |= {"dim": "covariance", "folder": "records"}


def words_for(argument):
    return (argument, *ALSO.get(argument, argument).split("|"))


def foreign(argument, value):
    """Whether the value is a function of somebody else that would be called as a predictor: what that raises is its own."""
    return (
        argument in ("model", "predictor") and callable(value) and not isinstance(value, lt.LinearTransformer)
    )


@pytest.mark.parametrize("name", CALLS)
def test_junk_in_any_argument_is_named(name):
    function, arguments = CALLS[name]
    for changed in arguments:
        for junk in JUNK:
            if not foreign(changed, junk):
                answers_or_says(function, {**arguments, changed: junk}, words_for(changed))


def test_predictors_are_looked_at_even_if_there_is_no_level_to_try_them_at():
    function, arguments = CALLS["per_variance_profile"]
    for junk in (None, 3, {"ridge": 3}):
        answers_or_says(function, {**arguments, "predictors": junk, "sigmas": []}, ["predictors"])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_junk_in_several_arguments_is_named(data):
    function, arguments = CALLS[data.draw(st.sampled_from(list(CALLS)))]
    changed = data.draw(st.lists(st.sampled_from(list(arguments)), min_size=1, unique=True))
    junk = {name: JUNK[data.draw(st.integers(0, len(JUNK) - 1))] for name in changed}
    if not any(foreign(name, value) for name, value in junk.items()):
        answers_or_says(
            function, {**arguments, **junk}, [word for name in changed for word in words_for(name)]
        )


@st.composite
def contexts(draw, least_scale=-60, largest_scale=60):
    """x (B, n, d), y (B, n) of every awkward kind: no sequence, one token, n < d, repeated and collinear rows, constant y, all scales."""
    B, n, d = draw(st.integers(0, 3)), draw(st.integers(1, 7)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = {
        "normal": lambda: rng.normal(size=(B, n, d)),
        "repeated rows": lambda: np.repeat(rng.normal(size=(B, 1, d)), n, axis=1),
        "collinear": lambda: rng.normal(size=(B, n, 1)) * rng.normal(size=(B, 1, d)),
        "repeated columns": lambda: np.repeat(rng.normal(size=(B, n, 1)), d, axis=2),
        "whole numbers": lambda: rng.integers(-2, 3, size=(B, n, d)),
        "zeros": lambda: np.zeros((B, n, d)),
    }[
        draw(
            st.sampled_from(
                ["normal", "repeated rows", "collinear", "repeated columns", "whole numbers", "zeros"]
            )
        )
    ]()
    y = draw(st.sampled_from([rng.normal(size=(B, n)), np.zeros((B, n)), np.ones((B, n)), x.sum(axis=2)]))
    scale_x, scale_y = (10.0 ** draw(st.integers(least_scale, largest_scale)) for _ in range(2))
    return scale_x * x, scale_y * y, scale_x, scale_y


def close(ours, theirs, scale):
    return np.allclose(ours / scale, theirs / scale, rtol=1e-6, atol=1e-7)


@settings(max_examples=150, deadline=None)
@given(contexts())
def test_least_squares_is_numpys_shortest_solution(drawn):
    x, y, a, b = drawn
    expected = [np.linalg.lstsq(x_i / a, y_i / b, rcond=1e-6)[0] * (b / a) for x_i, y_i in zip(x, y)]
    for answer in (baselines.ols(x, y), baselines.newton(x, y, steps=200)):
        assert answer.shape == (len(x), x.shape[2])
        assert close(answer, np.reshape(expected, answer.shape), b / a)


@settings(max_examples=150, deadline=None)
@given(contexts(), st.floats(0.01, 100))
def test_ridge_is_least_squares_with_more_rows(drawn, strength):
    x, y, a, b = drawn
    sigma, d = strength * a, x.shape[2]
    expected = [
        np.linalg.lstsq(np.vstack([x_i / a, strength * np.eye(d)]), np.append(y_i / b, np.zeros(d)))[0]
        * (b / a)
        for x_i, y_i in zip(x, y)
    ]
    for answer in (baselines.ridge(x, y, sigma), baselines.const_rr(x, y, lt.Fixed(sigma))):
        assert close(answer, np.reshape(expected, answer.shape), b / a)


@settings(max_examples=150, deadline=None)
@given(contexts(), st.floats(0, 1e50))
def test_the_bayes_optimal_answer_lies_between_nothing_and_least_squares(drawn, sigma_max):
    x, y, a, b = drawn
    spectrum = Spectrum.from_tokens(x, y)
    share, whole = (
        spectrum.components(w) * (a / b)
        for w in (baselines.bayes(x, y, lt.Uniform(sigma_max)), baselines.ols(x, y))
    )
    assert (abs(share) <= abs(whole) * (1 + 1e-6) + 1e-7).all() and (share * whole >= -1e-9).all()


@pytest.mark.parametrize("sigma_max", [0.0, 5e-324, 1e-310, 1e-101])
def test_noise_that_is_nearly_nothing_is_as_good_as_none(sigma_max):
    x, y = generator().normal(size=(2, 5, 3)), generator().normal(size=(2, 5))
    np.testing.assert_allclose(baselines.bayes(x, y, lt.Uniform(sigma_max)), baselines.ols(x, y), rtol=1e-9)


@settings(max_examples=100, deadline=None)
@given(contexts(), st.floats(0, 2.5), st.floats(0, 1), st.integers(0, 30))
def test_descent_is_a_loop_or_says_that_it_diverged(drawn, pace, beta, steps):
    x, y, a, b = drawn
    step = pace / a**2
    answer = answers_or_says(baselines.momentum, dict(x=x, y=y, step=step, beta=beta, steps=steps), ("step",))
    w, v = np.zeros((2, len(x), x.shape[2]))
    for _ in range(steps):
        r = y / b - np.einsum("bnd,bd->bn", x / a, w)
        v = beta * v + pace * np.einsum("bn,bnd->bd", r, x / a) / x.shape[1]
        w = w + v
    size = max(1, abs(w).max(initial=0))
    assert answer is not None and close(answer / size, w * (b / a) / size, b / a)


def test_descent_that_diverges_says_on_how_many_sequences():
    x = DRAWN.x * np.array([1, 1, 1, 30])[:, None, None]
    with pytest.warns(
        RuntimeWarning, match="gradient descent diverged on 1 of 4 sequences: their answers are NaN"
    ):
        w = baselines.gradient_descent(x, DRAWN.y, step=0.2, steps=800)
    assert np.isnan(w[3]).all() and np.isfinite(w[:3]).all()


@settings(max_examples=100, deadline=None)
@given(contexts(-2, 2), st.sampled_from(["gd++", "diag", "full"]), st.integers(1, 4), st.integers(0, 99))
def test_a_model_answers_alike_in_both_forms_or_says_that_it_diverged(drawn, kind, layers, seed):
    x, y, _, _ = drawn
    rng = np.random.default_rng(seed)
    model = lt.LinearTransformer.random(kind, x.shape[2], layers, rng=rng, scale=0.2)
    query = rng.normal(size=(len(x), x.shape[2]))
    by_tokens, by_moments = (
        answers_or_says(model, dict(x=x, y=y, x_query=query, form=form), ("form",))
        for form in ("tokens", "moments")
    )
    state = answers_or_says(lt.implicit_regression, dict(model=model, x=x, y=y), ("model",))
    by_weight = (state.w[:, -1] * query).sum(axis=1)
    for answer in (by_tokens, by_weight):
        both = np.isfinite(answer) & np.isfinite(by_moments)
        size = 1 + abs(query).max(initial=0) * abs(state.w[:, -1]).max(axis=1, initial=0)[both]
        assert (abs(answer - by_moments)[both] <= 1e-6 * size).all()


@pytest.mark.parametrize("scale", [1e-200, 1e-110, 1e110, 1e200])
@pytest.mark.parametrize("which", ["x", "y"])
def test_sizes_whose_squares_are_no_numbers_are_refused(scale, which):
    with pytest.raises(
        ValueError, match=f"{which} has a sequence whose largest value is .* Change its unit."
    ):
        baselines.ols(**{**DATA, which: scale * DATA[which]})


def test_estimating_the_noise_needs_more_examples_than_features():
    for n in (1, 2, 3):
        with pytest.raises(ValueError, match=rf"needs more examples than features .* n = {n} and d = 3"):
            baselines.ada_rr(DRAWN.x[:, :n], DRAWN.y[:, :n])


def test_a_predictor_that_is_not_finite_has_an_infinite_loss():
    assert lt.adjusted_loss(lambda x, y: np.full((len(x), 3), np.nan), TASK, 4, generator()) == (
        np.inf,
        np.inf,
    )
    assert (
        evaluate({"bad": lambda spectrum: spectrum.alpha * np.nan}, TASK, 4, generator())["bad"].diverged == 4
    )


@pytest.mark.parametrize("answer", [np.zeros((4, 2)), np.zeros(4), 0.0, "zero", None])
def test_a_predictor_of_another_shape_is_refused(answer):
    with pytest.raises(ValueError, match=r"weights must be numbers \(batch, dim\) = \(4, 3\)"):
        lt.adjusted_loss(lambda x, y: answer, TASK, 4, generator())


def test_a_model_for_other_inputs_is_refused():
    with pytest.raises(ValueError, match=r"x has shape \(4, 8, 3\): x must be \(batch, context, 4\)"):
        lt.implicit_regression(OTHER_MODEL, **DATA)
    with pytest.raises(ValueError, match="the model has dim = 4, but the task has dim = 3"):
        lt.adjusted_loss(OTHER_MODEL, TASK, 4, generator())


def test_a_covariance_is_judged_at_its_own_scale():
    with pytest.raises(ValueError, match="symmetric"):
        lt.RegressionTask(2, 5, lt.Fixed(1), 1e-12 * np.array([[1, 0.5], [0, 1]]))
    assert np.isfinite(
        lt.RegressionTask(2, 5, lt.Fixed(1), 1e-12 * np.eye(2)).sample_moments(3, generator()).S
    ).all()
