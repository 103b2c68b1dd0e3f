"""A table prepared for frozen models, a pilot on it, and the predictor that comes out of it: against scikit-learn, and task by task."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge

from lt_helpers import Categorical, LinearTransformer, Uniform, load_pretrained
from lt_helpers.practice import fit_prior, gate
from lt_helpers.preparation import Preparation, by_length, helmert
from lt_helpers.regressor import InContextRegressor
from lt_helpers.trial import ADA_RR, BAYES, CV, NEEDS, ONE, POOLED, Pilot, pilot

D = 4
UNITS = np.array([3.0, 0.01, 200.0, 1.0])  # of the features
DIAG = load_pretrained("diag", 7, Uniform(5))


def table(tasks, lengths, seed, intercepts=300.0, one_w=False):
    """Tasks of differing length, in units of their own, each with its intercept -> x, y, x_held, y_held"""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=D)
    parts = [], [], [], []
    for _ in range(tasks):
        n = int(rng.choice(lengths))
        w = w if one_w else rng.normal(size=D)
        x = rng.normal(size=(n + 15, D))
        y = 40 * (x @ w + rng.choice([0.5, 2.0]) * rng.normal(size=n + 15)) + intercepts * rng.normal()
        x = UNITS * (x + rng.normal(size=D)) + 7
        for part, value in zip(parts, (x[:n], y[:n], x[n:], y[n:]), strict=True):
            part.append(value)
    return parts


@pytest.fixture(scope="module")
def prepared():
    x, y, _, _ = table(120, (9, 14), seed=0)
    return Preparation.learn(x, y)


@pytest.fixture(scope="module")
def found(prepared):
    return pilot(prepared, {"DIAG-7": DIAG}, *table(60, (9, 14), seed=1))


def test_a_preparation_finds_the_units_and_the_noise(prepared):
    np.testing.assert_allclose(prepared.spread, UNITS, rtol=0.1)
    assert 36 < prepared.size < 44 and prepared.tasks == 120
    levels, weights = prepared.noise.nodes()
    quiet = levels < 1
    assert 0.35 < weights[quiet].sum() < 0.65  # half of the tasks
    np.testing.assert_allclose(np.average(levels[quiet], weights=weights[quiet]), 0.5, atol=0.1)
    np.testing.assert_allclose(np.average(levels[~quiet], weights=weights[~quiet]), 2.0, atol=0.3)
    task = prepared.task
    assert (task.dim, task.context) == (D, prepared.context) and prepared.context in (8, 13)
    np.testing.assert_allclose(task.covariance, np.eye(D), atol=0.15)


def test_contrasts_forget_the_intercept_and_keep_noise_independent():
    for n in (2, 7):
        rows = helmert(n)
        np.testing.assert_allclose(rows @ rows.T, np.eye(n - 1), atol=1e-12)
        np.testing.assert_allclose(rows @ np.ones(n), 0, atol=1e-12)


@pytest.mark.parametrize("intercept", [True, False])
def test_one_penalty_is_scikit_learns_ridge_with_an_intercept_that_nothing_pulls(intercept):
    x, y, x_held, _ = table(30, (9, 14), seed=2)
    preparation = Preparation.learn(x, y, intercept=intercept)
    ours = InContextRegressor(ONE, preparation).fit(x[3], y[3])
    centre = 0 if intercept else np.concatenate(x).mean(axis=0)
    level = 0 if intercept else np.concatenate(y).mean()
    theirs = Ridge(preparation.penalty, fit_intercept=intercept)
    theirs.fit((x[3] - centre) / preparation.spread, y[3] - level)
    answers = theirs.predict((x_held[3] - centre) / preparation.spread) + level
    np.testing.assert_allclose(ours.predict(x_held[3]), answers, rtol=1e-6)
    np.testing.assert_allclose(ours.coef_ * preparation.spread, theirs.coef_, rtol=1e-6)


def test_tasks_of_one_length_give_the_prior_that_is_fitted_on_them():
    x, y, _, _ = table(40, (12,), seed=3, intercepts=0.0)
    preparation = Preparation.learn(x, y, intercept=False)
    x = (np.array(x) - preparation.centre) / preparation.spread
    prior = fit_prior(x, np.array(y) - preparation.label_centre)
    assert preparation.size == prior.size and preparation.noise == prior.noise


def test_the_order_and_the_mixture_of_lengths_change_nothing():
    x, y, _, _ = table(24, (8, 11, 16), seed=4)
    one = Preparation.learn(x, y)
    other = Preparation.learn(x[::-1], y[::-1])
    np.testing.assert_allclose(other.size, one.size)
    np.testing.assert_allclose(other.pooled, one.pooled)
    assert other.penalty == one.penalty
    for places, inputs, labels in by_length(x, y):
        for place, inputs_of_one, labels_of_one in zip(places, inputs, labels, strict=True):
            np.testing.assert_array_equal(inputs_of_one, x[place])
            np.testing.assert_array_equal(labels_of_one, y[place])


def test_other_units_change_no_answer_but_its_unit(found):
    factor, level = np.array([0.1, 5.0, 1.0, 1e4]), 1e3
    x, y, _, _ = table(120, (9, 14), seed=0)
    held = table(60, (9, 14), seed=1)
    scaled = [[factor * task for task in held[part]] for part in (0, 2)]
    labels = [[level - 8 * task for task in held[part]] for part in (1, 3)]
    preparation = Preparation.learn([factor * task for task in x], [level - 8 * task for task in y])
    other = pilot(preparation, {"DIAG-7": DIAG}, scaled[0], labels[0], scaled[1], labels[1])
    for name, errors in found.errors.items():
        np.testing.assert_allclose(other.errors[name] / 64, errors, rtol=1e-4)


def test_the_errors_of_a_pilot_are_those_of_a_regressor_task_by_task(prepared, found):
    x, y, x_held, y_held = table(60, (9, 14), seed=1)
    for model in (DIAG, *NEEDS):
        regressor = InContextRegressor(model, prepared)
        errors = [
            ((regressor.fit(*task[:2]).predict(task[2]) - task[3]) ** 2).mean()
            for task in zip(x, y, x_held, y_held, strict=True)
        ]
        name = model if isinstance(model, str) else "DIAG-7"
        np.testing.assert_allclose(found.errors[name], errors, rtol=1e-6)


def test_a_pilot_says_what_to_use(found):
    report = found.report()
    assert found.verdict == report.splitlines()[-1]
    assert found.best_opponent in found.verdict and "no model is ahead" in found.verdict and not found.passed
    root = np.sqrt(found.errors[BAYES].mean())
    assert f"{root:.4g}" in report and "nineteen times in twenty" in report
    lead = gate(found.errors["DIAG-7"], {BAYES: found.errors[BAYES]})[BAYES]
    assert f"{lead.mean / lead.standard_error:+.1f}" in report
    assert "Gates 1 and 5 were not asked" in report and "fails" not in report


def test_where_all_tasks_obey_one_w_fitting_once_is_best():
    x, y, _, _ = table(60, (8,), seed=5, one_w=True)
    preparation = Preparation.learn(x, y)
    result = pilot(preparation, {}, *table(40, (8,), seed=5, one_w=True))
    assert result.best_opponent == POOLED and result.verdict.startswith(f"Use {POOLED}")
    rows = [part - part.mean(axis=0) for part in x]
    slope = (
        LinearRegression().fit(np.concatenate(rows), np.concatenate([part - part.mean() for part in y])).coef_
    )
    np.testing.assert_allclose(
        preparation.pooled * preparation.size / preparation.spread,
        slope,
        rtol=0.02,
        atol=abs(slope).max() / 1e3,
    )


def judged(model, rings=0, rival=1.0, failed=(), rivals_failed=()):
    """A pilot of 100 tasks in which a model errs by about `model`, all opponents by about `rival`; on some tasks they miss by 11."""
    rng = np.random.default_rng(0)
    task = np.arange(100)
    errors = {name: rival + 0.1 * rng.random(100) for name in NEEDS}
    errors = {name: np.where(np.isin(task, rivals_failed), 121.0, each) for name, each in errors.items()}
    alarm = task < rings
    rivals = dict(errors)
    errors["own"] = np.where(np.isin(task, failed), 121.0, model + 0.1 * rng.random(100))
    alone = errors["own"]
    return Pilot(
        errors,
        {"own": gate(errors["own"], rivals)},
        {"own": alarm},
        50,
        {"own": alone},
        10.0 if failed or rivals_failed else None,
    )


@pytest.mark.parametrize(
    "result, words",
    [
        (judged(0.5), "Use own, guarded: it is ahead of every opponent"),
        (judged(0.5, rings=2), "own errs less, but its alarm rang in 2.0% of the tasks"),
        (
            judged(0.5, rival=20.0, failed=(7, 8), rivals_failed=(7,)),
            "own errs less, but guarded it fails in 2 tasks, ridge, fitted once in 1",
        ),
        (judged(0.5, rival=20.0, failed=(7, 8), rivals_failed=(3, 5)), "Use own, guarded"),
        (judged(1.5), "standard errors behind"),
        (judged(1.0), "no model is ahead of it by two standard errors"),
    ],
)
def test_a_model_passes_only_if_it_beats_all_hardly_rings_and_fails_no_more_than_the_best_opponent(
    result, words
):
    assert words in result.verdict
    assert bool(result.passed) == words.startswith("Use own") == all(result.gates("own").values())


def test_the_report_has_a_line_for_every_gate():
    """A model that is ahead of all but Bayes, rings in two tasks of a hundred, and fails where nobody else does."""
    result = judged(0.5, rings=2, rival=20.0, failed=(7,), rivals_failed=())
    errors = result.errors | {BAYES: result.errors["own"] + 1e-3 * np.cos(np.arange(100))}
    leads = {"own": gate(errors["own"], {name: errors[name] for name in NEEDS})}
    result = Pilot(errors, leads, result.alarms, 50, result.unguarded, 10.0)
    words = {"2": "no", "3": "yes", "4": "no", "5": "yes"}
    lines = [line for line in result.report().splitlines() if line.startswith("gate ")]
    assert {line[5]: line.split()[-1] for line in lines} == words


def test_a_failure_of_all_is_no_reason_to_take_an_opponent():
    """Where the best opponent misses the same tasks, nothing is gained by it."""
    result = judged(0.5, rival=20.0, failed=(7, 8), rivals_failed=(7, 8))
    assert result.passed == ["own"] and result.unnoticed("own") == 2
    assert [result.failures(name) for name in ("own", BAYES, CV)] == [2, 2, 2]


def test_opponents_that_are_as_good_as_the_best_are_named():
    """Two that differ by luck, one that is worse by ten standard errors, three by far."""
    rng = np.random.default_rng(0)
    base = rng.random(100)
    apart = {BAYES: 0.0, ADA_RR: 0.001, CV: 1.0}
    errors = {
        name: base + apart.get(name, 50.0) + (0.0 if name == BAYES else rng.normal(size=100))
        for name in NEEDS
    }
    result = Pilot(errors, {}, {}, 50)
    assert result.best_opponent in (BAYES, ADA_RR)
    assert result.as_good == [name for name in (BAYES, ADA_RR) if name != result.best_opponent]
    assert (
        f"As good as {result.best_opponent}, as far as 100 tasks tell: {result.as_good[0]}."
        in result.report()
    )


def test_a_failure_is_a_miss_above_what_was_said_and_the_guard_hides_none(prepared):
    """A wild model rings everywhere: Bayes answers, and what the model itself would have missed stands beside it."""
    tasks = table(30, (9, 14), seed=1)
    wild = LinearTransformer(100 * DIAG.P, DIAG.Q)
    result = pilot(prepared, {"wild": wild, "DIAG-7": DIAG}, *tasks, failure=100)
    assert result.alarms["wild"].all() and result.failed("wild").all() and not result.unnoticed("wild")
    np.testing.assert_array_equal(result.errors["wild"], result.errors[BAYES])
    free = InContextRegressor(DIAG, prepared, guard=False)
    alone = [
        ((free.fit(*task[:2]).predict(task[2]) - task[3]) ** 2).mean() for task in zip(*tasks, strict=True)
    ]
    np.testing.assert_allclose(result.unguarded["DIAG-7"], alone, rtol=1e-6)
    by_hand = np.sqrt(alone) > 100
    assert 0 < by_hand.sum() < 30 and result.unnoticed("DIAG-7") == by_hand.sum()
    lines = {line[:49].strip(): line[49:].split() for line in result.report().splitlines()}
    assert lines["fails without the guard"] == ["30", str(by_hand.sum())]
    assert lines["missed by the alarm"] == ["0", str(by_hand.sum())]
    bayes = (np.sqrt(result.errors[BAYES]) > 100).sum()
    assert result.failures("wild") == result.failures(BAYES) == bayes


def test_bayes_answers_where_the_alarm_rings(prepared):
    x, y, x_held, _ = table(1, (14,), seed=6)
    wild = LinearTransformer(100 * DIAG.P, DIAG.Q).with_dim(D)
    guarded, free = (
        InContextRegressor(wild, prepared, guard=guard).fit(x[0], y[0]) for guard in (True, False)
    )
    bayes = InContextRegressor(BAYES, prepared).fit(x[0], y[0])
    assert guarded.alarm_ and free.alarm_ and not bayes.alarm_
    np.testing.assert_array_equal(guarded.predict(x_held[0]), bayes.predict(x_held[0]))
    with np.errstate(all="ignore"):
        assert not np.allclose(free.predict(x_held[0]), bayes.predict(x_held[0]))
    assert guarded.watch(x, y)["alarms"] == 1


def test_four_numbers_tell_a_change_of_the_data(prepared):
    x, y, _, _ = table(120, (9, 14), seed=0)
    regressor = InContextRegressor(DIAG, prepared)
    usual = regressor.watch(x, y)
    assert usual["alarms"] < 0.02 and usual["unlike_numbers"] == 0
    assert (
        0.9 < usual["labels"] < 1.1 and 1 < usual["inputs"] < 2.5
    )  # few rows overstate the largest eigenvalue
    louder = regressor.watch(x, [3 * part for part in y])
    np.testing.assert_allclose(louder["labels"], 3 * usual["labels"])
    wider = regressor.watch([2 * part for part in x], y)
    np.testing.assert_allclose(wider["inputs"], 4 * usual["inputs"])


@pytest.mark.parametrize("model", [DIAG, ADA_RR])
@pytest.mark.parametrize("intercept", [True, False])
def test_one_file_keeps_all_of_it(model, intercept, tmp_path):
    x, y, x_held, _ = table(30, (9, 14), seed=2)
    regressor = InContextRegressor(model, Preparation.learn(x, y, intercept=intercept), guard=False)
    regressor.save(tmp_path / "shipped.safetensors")
    read = InContextRegressor.load(tmp_path / "shipped.safetensors")
    np.testing.assert_array_equal(
        read.fit(x[0], y[0]).predict(x_held[0]), regressor.fit(x[0], y[0]).predict(x_held[0])
    )
    assert read.guard is False and read.preparation.noise == regressor.preparation.noise
    if model is DIAG:
        ours, stored = read.model.training, DIAG.training
        assert ours == stored and ours["record"]["loss"] > 0 and ours["context"] == 20
    DIAG.save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="model.safetensors holds no InContextRegressor"):
        InContextRegressor.load(tmp_path / "model.safetensors")


def test_scikit_learn_takes_it_for_one_of_its_own(prepared):
    copied = clone(InContextRegressor(DIAG, prepared))
    x, y, x_held, _ = table(1, (14,), seed=6)
    copied.fit(x[0], y[0]).predict(x_held[0])
    assert copied.set_params(guard=False).get_params()["guard"] is False
    with pytest.raises(ValueError, match="predict was called before fit"):
        copied.predict(x_held[0])


X, Y, X_HELD, Y_HELD = table(4, (9,), seed=7)
STILL = [np.column_stack([task[:, :3], np.ones(len(task))]) for task in X]


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda p: Preparation.learn(X, Y[:3]), ValueError, "x_earlier has 4 tasks and y_earlier has 3"),
        (lambda p: Preparation.learn(X[:1], Y[:1]), ValueError, "x_earlier has 1 tasks: it takes at least 2"),
        (
            lambda p: Preparation.learn(STILL, Y),
            ValueError,
            "feature 3 of x_earlier never varies within a task",
        ),
        (lambda p: Preparation.learn(X, [0 * part for part in Y]), ValueError, "y_earlier never varies"),
        (
            lambda p: Preparation.learn([part[:1] for part in X], [part[:1] for part in Y]),
            ValueError,
            "at least 2 rows",
        ),
        (lambda p: Preparation.learn("x", Y), TypeError, "x_earlier is 'x'"),
        (
            lambda p: Preparation.learn([X[0], X[1][:, :2]], Y[:2]),
            ValueError,
            r"x_earlier\[1\] has shape \(9, 2\)",
        ),
        (lambda p: pilot(p, {"own": 3}, X, Y, X_HELD, Y_HELD), TypeError, "LinearTransformer"),
        (lambda p: pilot(p, [DIAG], X, Y, X_HELD, Y_HELD), TypeError, "models must be a dictionary"),
        (lambda p: pilot(p, {ADA_RR: DIAG}, X, Y, X_HELD, Y_HELD), ValueError, "models has the name 'AdaRR'"),
        (
            lambda p: pilot(p, {"F": load_pretrained("full", 4, Uniform(5))}, X, Y, X_HELD, Y_HELD),
            ValueError,
            "F is a FULL model for 10 features and the preparation has 4",
        ),
        (lambda p: pilot(p, {}, X, Y, X_HELD[:2], Y_HELD[:2]), ValueError, "x has 4 tasks and x_held has 2"),
        (lambda p: pilot(p, {}, [x[:, :2] for x in X], Y, X_HELD, Y_HELD), ValueError, "x has 2 features"),
        (lambda p: pilot(p, {}, X, Y, X_HELD, Y_HELD, failure=-1), ValueError, "failure is -1"),
        (lambda p: InContextRegressor("best", p), ValueError, "model"),
        (lambda p: InContextRegressor(DIAG, 3), TypeError, "preparation is 3"),
        (lambda p: InContextRegressor(DIAG, p).predict(X[0]), ValueError, "predict was called before fit"),
        (lambda p: InContextRegressor(CV, p).fit(X[0][:, :2], Y[0]), ValueError, "x has 2 features"),
        (lambda p: InContextRegressor(ADA_RR, p).fit(X[0][:4], Y[0][:4]), ValueError, "AdaRR"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(call, error, words, prepared):
    with pytest.raises(error, match=words) as raised:
        call(prepared)
    assert "\n" not in str(raised.value)


def test_features_that_are_combinations_of_others_make_no_training_task():
    x, y, _, _ = table(20, (12,), seed=8)
    twice = [np.column_stack([part, part[:, 0] + part[:, 1]]) for part in x]
    preparation = Preparation.learn(twice, y)
    with pytest.raises(ValueError, match="some features of x_earlier are combinations of others"):
        _ = preparation.task


def test_a_noise_of_many_levels_can_be_written_and_read(prepared, tmp_path):
    model = LinearTransformer(*np.zeros((2, 1, 1, 3, 3)), noise=prepared.noise)
    model.save(tmp_path / "model.safetensors")
    noise = LinearTransformer.load(tmp_path / "model.safetensors").noise
    assert isinstance(noise, Categorical) and noise == prepared.noise and "levels from" in noise.label
