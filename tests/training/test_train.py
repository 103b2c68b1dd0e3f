"""`lt.train`: any task, a record, progress, an interrupt; and what it says of a task of one's own."""

import inspect
import json
import re
from dataclasses import replace

import numpy as np
import pytest

import lt_helpers as lt
from lt_helpers import baselines
from lt_helpers.__main__ import main
from lt_helpers.noise import parse_noise
from lt_helpers.training import plans
from lt_helpers.training import train as training
from lt_helpers.training.objective import draw
from lt_helpers.training.parameters import family
from lt_helpers.training.plans import NEWTON_OF_FEW, AdamSettings, Plan, Round, Stage
from lt_helpers.training.search import steps_of
from lt_helpers.training.train import InUnits, Times, Units

QUICK = Plan(
    4,
    (Round(20, 16, 0.02, 2),),
    5,
    (Stage(2, 10, 64), Stage(1, 20, 128)),
    replace(NEWTON_OF_FEW, held_out=500),
    held_out=2_000,
)
BY_ADAM = replace(
    QUICK,
    stages=(Stage(2, 20, 32, 0.006), Stage(1, 40, 64, 0.006)),
    settings=AdamSettings(check=10, held_out=500),
)
SKEWED = np.array([[2.0, 0.6, 0], [0.6, 1.0, -0.3], [0, -0.3, 0.5]])
RARE = lt.Categorical((0.5, 4.0), weights=(0.8, 0.2))


class Triangle(lt.Noise):
    sigma_max = 3.0

    def density(self, sigma):
        return sigma


class Signs(lt.RegressionTask):
    def sample_inputs(self, shape, rng):
        return rng.choice([-1.0, 1.0], (*shape, self.dim))


class Outliers(lt.RegressionTask):
    def sample_noise(self, x, sigma, rng):
        return super().sample_noise(x, sigma, rng) * np.where(rng.random(x.shape[:2]) < 0.1, 5.0, 1.0)


TASKS = {
    "another d, n and noise": lt.RegressionTask(3, 12, Triangle()),
    "correlated inputs": lt.RegressionTask(3, 12, RARE, SKEWED),
    "fewer examples than features": lt.RegressionTask(4, 3, lt.Fixed(0.5)),
    "small weights": lt.RegressionTask(3, 12, lt.Uniform(0.5), w_scale=0.1),
    "inputs of one's own": Signs(3, 12, RARE),
    "noise of one's own": Outliers(3, 12, lt.Fixed(1.0)),
}


def quick(task, kind="diag", plan=QUICK, **more):
    return lt.train(task, kind, 2, plan=plan, progress=False, samples=2_000, **more)


def nothing(x, y):
    return np.zeros_like(x[:, 0])


@pytest.mark.filterwarnings("ignore:Outliers")
@pytest.mark.parametrize("name", TASKS)
def test_it_learns_any_task_and_its_record_says_how_well(name):
    task = TASKS[name]
    model = quick(task)
    assert (model.dim, model.context, model.noise, model.kind) == (task.dim, task.context, task.noise, "diag")
    ours, theirs = (lt.risk(w, task, 2_000, np.random.default_rng(5)) for w in (model, nothing))
    assert ours.total < 0.8 * theirs.total and ours.diverged == 0

    record = model.record
    measured, error = (
        (ours.total, ours.total_error) if record["against"] == "truth" else (ours.excess, ours.excess_error)
    )
    assert (record["against"] == "truth") == (name == "noise of one's own")
    assert abs(record["loss"] - measured) < 5 * np.hypot(error, record["standard_error"])
    y = task.sample(20_000, np.random.default_rng(6)).y
    assert model.label_size == pytest.approx(np.sqrt((y**2).mean()), rel=0.05)


@pytest.mark.parametrize("kind, heads, plan", [("gd++", 1, QUICK), ("diag", 2, QUICK), ("full", 1, BY_ADAM)])
def test_it_trains_each_kind(kind, heads, plan):
    task = TASKS["correlated inputs"]
    model = quick(task, kind, plan, heads=heads)
    assert (model.kind, model.layers, model.record["heads"]) == (kind, 2, heads)
    assert (
        lt.adjusted_loss(model, task, 2_000, np.random.default_rng(5))[0]
        < 0.7 * lt.adjusted_loss(nothing, task, 2_000, np.random.default_rng(5))[0]
    )


def test_a_record_is_whole_and_the_same_call_gives_the_same_model(tmp_path):
    task = TASKS["correlated inputs"]
    model, again, other = (quick(task, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(model.P, again.P)
    assert not np.array_equal(model.P, other.P)
    record = json.loads(json.dumps(model.record))
    assert (record["dim"], record["context"], record["layers"], record["seed"]) == (3, 12, 2, 3)
    assert parse_noise(record["noise"]) == RARE and record["covariance"] == SKEWED.tolist()
    assert (
        record["steps"] == 20 + 2 * 5 + 2 * 10 + 20
        and not record["interrupted"]
        and record["samples"] == 2_000
    )
    model.save(tmp_path / "model.safetensors")
    assert lt.LinearTransformer.load(tmp_path / "model.safetensors").record == record


def test_a_model_of_ones_own_noise_is_saved_in_the_way_that_the_error_names(tmp_path):
    model = quick(TASKS["another d, n and noise"])
    with pytest.raises(ValueError, match=r"noise is Triangle\(\), which a file cannot keep") as refused:
        model.save(tmp_path / "model.safetensors")
    call = str(refused.value).partition("as in ")[2].rstrip(".")
    eval(call, {"LinearTransformer": lt.LinearTransformer, "model": model}).save(
        tmp_path / "model.safetensors"
    )
    again = lt.LinearTransformer.load(tmp_path / "model.safetensors")
    assert again.record["noise"] == "Triangle()" and again.label_size == model.label_size


def test_units_change_nothing_but_numbers(rng):
    """Labels of a task in its units and in others belong together, and so do the answers of a model and its losses."""
    task = lt.RegressionTask(3, 12, RARE, 50 * SKEWED, w_scale=0.2)
    units = Units.of(task)
    assert (units.x, units.w) == (pytest.approx(np.sqrt(50 * 3.5 / 3)), 0.2)
    inside = InUnits.of(task, units)
    ours, theirs = (t.sample_moments(50, np.random.default_rng(0)) for t in (task, inside))
    np.testing.assert_allclose(ours.S[:, 3, 3], theirs.S[:, 3, 3] * units.y**2)
    np.testing.assert_allclose(ours.w, theirs.w * 0.2)
    model = lt.LinearTransformer.random("full", 3, 2, 2, rng)
    w = units.back(model).implicit_weight(ours.S)
    np.testing.assert_allclose(w, units.w * model.implicit_weight(theirs.S))

    one, other = (draw(t, 50, np.random.default_rng(0), stretches=()) for t in (task, inside))
    np.testing.assert_allclose(one.losses(w), units.loss * other.losses(w / units.w))
    assert inside.noise.mean_square * units.y**2 == pytest.approx(RARE.mean_square)
    sigmas, weights = InUnits.of(TASKS["another d, n and noise"], Units(1.0, 2.0)).noise.nodes(8, [0.5, 1.0])
    assert len(sigmas) == 24 and sigmas.max() < 1.5 and weights[:8].sum() == pytest.approx(1 / 9)


def test_sequences_are_weighed_for_their_scale(rng):
    """Stretched or not, weighted means are those of the task; of inputs of one's own, none is stretched."""
    task = lt.RegressionTask(3, 12, RARE, SKEWED, w_scale=0.3)
    sequences = draw(task, 200_000, rng)
    yy = sequences.weight * sequences.S[:, 3, 3]
    expected = 0.09 * np.trace(SKEWED) + RARE.mean_square
    assert abs(yy.mean() - expected) < 5 * yy.std() / np.sqrt(len(yy))
    own = TASKS["inputs of one's own"]
    assert sequences.weight.std() > 0.1 and (draw(own, 50, rng).weight == 1).all()
    assert (draw(InUnits.of(own, Units.of(own)), 50, rng).weight == 1).all()  # in no units either


@pytest.mark.parametrize("name", ["small weights", "inputs of one's own"])
def test_the_target_is_ridge_regression_that_is_told_sigma(name):
    task = TASKS[name]
    moments = task.sample_moments(20, np.random.default_rng(0))
    target = draw(task, 20, np.random.default_rng(0), stretches=()).oracle
    for S, sigma, w in zip(moments.S, moments.sigma, target):
        X = np.linalg.cholesky(S[:3, :3]).T  # any with the same X'X
        penalty = sigma**2 / task.w_scale**2 / 12
        rows = np.linalg.lstsq(
            np.vstack([X, np.sqrt(penalty) * np.eye(3)]),
            np.append(np.linalg.solve(X.T, S[:3, 3]), np.zeros(3)),
        )
        np.testing.assert_allclose(w, rows[0], rtol=1e-6, atol=1e-9)
    own = TASKS["noise of one's own"]
    np.testing.assert_array_equal(
        draw(own, 9, np.random.default_rng(0)).oracle, own.sample_moments(9, np.random.default_rng(0)).w
    )


def test_progress_goes_to_a_function_or_to_a_line(capsys, monkeypatch):
    seen = []
    model = lt.train(TASKS["small weights"], layers=2, plan=QUICK, progress=seen.append, samples=500)
    assert [report.done for report in seen] == list(range(1, model.record["steps"] + 1))
    assert seen[-1].total == len(seen) and seen[-1].best == pytest.approx(model.record["loss"], rel=0.5)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(
        training.time, "monotonic", iter(range(10_000)).__next__
    )  # each look at the clock a second later
    lt.train(TASKS["small weights"], layers=2, plan=QUICK, samples=500)
    said = [line.strip() for line in capsys.readouterr().out.split("\r")]
    assert len(said) == len(seen) + 2 and said[-2].startswith("DIAG-2: 100%, best so far")
    assert said[-1].startswith("DIAG-2: loss ") and said[-1].endswith(" s")


@pytest.mark.parametrize("steps", [3, 25, 45])
def test_an_interrupt_keeps_the_best_so_far(steps, capsys):
    """Among the random starts, in their head start, and in the first stage."""

    def stop(report):
        if report.done == steps:
            raise KeyboardInterrupt

    model = lt.train(TASKS["another d, n and noise"], layers=2, plan=QUICK, progress=stop, samples=500)
    assert model.record["interrupted"] and model.record["steps"] == steps
    assert np.isfinite(model.record["loss"]) and model.record["samples"] == 500


def test_an_interrupt_while_it_is_weighed_leaves_the_loss_that_chose_it(monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "weighed", stop)
    record = quick(TASKS["another d, n and noise"]).record
    assert np.isfinite(record["loss"]) and "standard_error" not in record and not record["interrupted"]


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        (dict(task=lt.Uniform(5)), TypeError, "task must be a RegressionTask"),
        (dict(kind="dense"), ValueError, "kind is 'dense'"),
        (dict(layers=0), ValueError, "layers is 0"),
        (dict(heads=3), ValueError, "cannot be trained: gd"),
        (dict(seed=-1), ValueError, "seed is -1"),
        (dict(plan=3), TypeError, "plan is 3: plan must be a Plan"),
        (dict(progress="bar"), TypeError, "progress is 'bar': progress must be True, False or a function"),
        (dict(samples=1), ValueError, "samples is 1"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_sentence(arguments, error, words):
    with pytest.raises(error, match=words):
        lt.train(**{"task": TASKS["small weights"], "progress": False, **arguments})


def test_its_defaults_are_diag_of_three_layers_and_the_plan_of_random_starts():
    defaults = {name: one.default for name, one in inspect.signature(lt.train).parameters.items()}
    assert (defaults["kind"], defaults["layers"], defaults["heads"], defaults["seed"]) == ("diag", 3, 1, 0)

    def stop(report):
        raise LookupError(report.total)

    with pytest.raises(LookupError) as stopped:
        lt.train(lt.RegressionTask(3, 12, lt.Uniform(1)), progress=stop)
    plan = family("diag", 3, 3).plan(lt.Uniform(1), alone=True)
    assert stopped.value.args == (steps_of(plan, 0),)


# The commands


def test_a_model_is_trained_and_weighed_at_other_sizes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plans, "PLAN_OF_ONE", QUICK)
    np.savetxt("C.csv", SKEWED, delimiter=",")
    task = ["--noise", "categorical:1@0.8,3@0.2", "--covariance", "C.csv", "--context", "12"]
    assert main(["train", "--kind", "diag", "--layers", "1", *task]) == 0
    model = lt.LinearTransformer.load("model.safetensors")
    noise = lt.Categorical((1, 3), (4, 1))
    assert (model.dim, model.context, model.noise, model.layers) == (3, 12, noise, 1)
    assert model.record["covariance"] == SKEWED.tolist()
    assert f"adjusted loss {model.record['loss']:.4g}" in capsys.readouterr().out

    assert main(["evaluate", "model.safetensors", *task, "--samples", "4000", "--seed", "1"]) is None
    ours, bayes = (
        float(line.split("adjusted loss ")[1].split()[0]) for line in capsys.readouterr().out.splitlines()
    )
    assert ours == pytest.approx(model.record["loss"], rel=0.15)
    whole = lt.RegressionTask(3, 12, noise, SKEWED)
    known = lt.risk(baselines.for_task(whole)["Bayes-optimal"], whole, 4_000, np.random.default_rng(2))
    assert bayes == pytest.approx(known.excess, rel=0.25)


def test_a_diag_model_is_weighed_at_another_d_and_a_full_one_says_why_not(tmp_path, capsys):
    path = str(tmp_path / "model.safetensors")
    lt.load_pretrained("diag", 2, lt.Uniform(5)).save(path)
    options = ["--noise", "uniform:5", "--dim", "4", "--samples", "50"]
    assert main(["evaluate", path, *options]) is None and "dim=4" in capsys.readouterr().out
    lt.load_pretrained("full", 2, lt.Uniform(5)).save(path)
    assert main(["evaluate", path, *options]) == 2 and "belong to one dimension" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options, sentence",
    [
        (
            ["--covariance", "2,loud"],
            "covariance is '2,loud': covariance must be a variance for each feature",
        ),
        (["--covariance", "2,-1"], "covariance is not a covariance"),
        (
            ["--covariance", "2,1", "--dim", "3"],
            r"covariance has shape \(2, 2\): covariance must be \(3, 3\)",
        ),
        (["--context", "0"], "context is 0"),
        (["--all", "--dim", "3"], "--dim goes without --all or --spread"),
    ],
)
def test_sizes_that_cannot_be_are_refused_in_a_sentence(options, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        raise SystemExit(main(["train", "--kind", "diag", "--layers", "1", "--noise", "uniform:2", *options]))
    assert left.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert re.search(sentence, said)


@pytest.mark.parametrize("noise", [lt.Uniform(5), lt.Categorical((1.0, 3.0))])
def test_the_noise_in_other_units_is_drawn_and_integrated_in_them(noise):
    in_units = Times(noise, 0.25)
    draws, whole = (one.sample(1_000, np.random.default_rng(0)) for one in (in_units, noise))
    assert draws == pytest.approx(whole / 4)
    (sigmas, weights), (whole, same) = in_units.nodes(8, cuts=(0.5,)), noise.nodes(8, cuts=(2.0,))
    assert sigmas == pytest.approx(whole / 4) and weights == pytest.approx(same)


class TestFit:
    """`lt.fit`: from a model of another task."""

    TASK = lt.RegressionTask(3, 12, lt.Categorical((0.5, 2.0)), SKEWED)

    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch):
        monkeypatch.setattr(plans, "PLAN_OF_FEW", QUICK)
        monkeypatch.setattr(plans, "PLAN_OF_MANY", BY_ADAM)
        monkeypatch.setattr(plans, "LONG_PLAN_OF_MANY", BY_ADAM)

    def test_a_stored_model_becomes_better_on_another_task_and_keeps_its_kind(self):
        model = lt.fit(self.TASK, "diag-4", progress=False, samples=2_000)
        assert (model.kind, model.layers, model.heads, model.dim) == ("diag", 4, 1, 3)
        before = lt.load_pretrained("diag", 4, lt.Uniform(5)).with_dim(3)
        losses = [
            lt.risk(each, self.TASK, 5_000, np.random.default_rng(1)).excess for each in (model, before)
        ]
        assert losses[0] < 0.8 * losses[1]
        assert model.noise == self.TASK.noise and model.context == 12
        assert model.record["start"] in ("as it was", "in units of 1")
        assert {"diverged", "seed", "loss"} <= set(model.record)

    def test_what_it_came_with_is_never_lost(self):
        """On its own task a model is at its optimum: a few steps on small batches make it no better."""
        task = lt.RegressionTask(10, 20, lt.Uniform(5))
        stored = lt.load_pretrained("diag", 4, lt.Uniform(5))
        again = lt.fit(task, stored, progress=False, samples=2_000)
        assert again.record["start"] == "as it was, as it came"
        S = task.sample_moments(5, np.random.default_rng(0)).S
        np.testing.assert_allclose(again.implicit_weight(S), stored.implicit_weight(S))

    def test_a_short_fit_takes_a_hundred_steps_from_the_start_and_is_not_for_full(self):
        model = lt.fit(self.TASK, "diag-4", progress=False, samples=2_000, short=True)
        assert model.record["steps"] == 100
        before = lt.load_pretrained("diag", 4, lt.Uniform(5)).with_dim(3)
        losses = [
            lt.risk(each, self.TASK, 2_000, np.random.default_rng(1)).excess for each in (model, before)
        ]
        assert losses[0] < 0.5 * losses[1]
        with pytest.raises(ValueError, match="start is FULL: a short fit serves DIAG"):
            lt.fit(lt.RegressionTask(10, 12, lt.Fixed(1.0)), "full-4", short=True)

    def test_a_direction_along_which_the_inputs_spread_further_makes_no_context_explode(self):
        """As it is, the stored model loses some 1e20 on one context in thousands, and a few steps do not mend that."""
        task = lt.RegressionTask(4, 12, lt.Uniform(4), np.diag([8.0, 2.0, 1.0, 0.5]))
        model = lt.fit(task, "diag-4", progress=False, samples=10_000)
        assert model.record["start"].startswith("in units of the longest direction")
        assert (
            model.record["loss"] < 11.5 / 2 and model.record["p9999"] < 100
        )  # the answer 0 loses half the trace, or less

    @pytest.mark.parametrize("x, w", [(100.0, 1.0), (0.01, 1e4)])
    def test_units_of_the_task_change_numbers_alone(self, x, w):
        """A model of the units of 1, fitted to the same task in other units, and from there fitted again."""
        scaled = lt.RegressionTask(
            3, 12, lt.Categorical((0.5 * x * w, 2.0 * x * w)), x**2 * SKEWED, w_scale=w
        )
        plain, other = (lt.fit(task, "diag-4", progress=False, samples=500) for task in (self.TASK, scaled))
        assert other.record["start"] == "in units of 1"
        np.testing.assert_allclose(other.record["loss"] / (x * w) ** 2, plain.record["loss"], rtol=1e-6)
        third = lt.fit(scaled, other, progress=False, samples=500)
        assert third.record["start"].startswith("as it was")
        assert third.record["loss"] <= 1.05 * other.record["loss"]

    def test_full_starts_from_full_of_the_same_d(self):
        start = lt.train(self.TASK, "full", 2, plan=BY_ADAM, progress=False, samples=500)
        fitted = lt.fit(lt.RegressionTask(3, 12, lt.Fixed(1.0)), start, progress=False, samples=500)
        assert fitted.kind == "full"
        with pytest.raises(ValueError, match="one dimension"):
            lt.fit(lt.RegressionTask(4, 12, lt.Fixed(1.0)), start)

    @pytest.mark.parametrize(
        "task, start, error, words",
        [
            (3, "diag-4", TypeError, "task is 3"),
            (TASK, "diag", ValueError, "start is 'diag': start must be a model, or a kind and a number"),
            (TASK, "diag-99", ValueError, "99"),
            (TASK, 4, TypeError, "LinearTransformer"),
        ],
    )
    def test_what_cannot_be_fitted_is_refused_in_one_sentence(self, task, start, error, words):
        with pytest.raises(error, match=words) as raised:
            lt.fit(task, start)
        assert "\n" not in str(raised.value)
