"""Gauss-Newton, the search and the sweep: they find what is known, repeat themselves, and survive what happens."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from distributed import Client, LocalCluster

from lt_helpers import (
    Categorical,
    Fixed,
    LinearTransformer,
    RegressionTask,
    Uniform,
    adjusted_loss,
    load_pretrained,
    weights,
)
from lt_helpers.exercises.gradient import best_step
from lt_helpers.noise import PAPER_NOISES, parse_noise
from lt_helpers.pretrained import ModelId, record, stored, stored_layers
from lt_helpers.training import eigenvalues, levenberg
from lt_helpers.training import sweep as sweeping
from lt_helpers.training.adam import Adam
from lt_helpers.training.gauss_newton import GaussNewton
from lt_helpers.training.gradient import backward, forward
from lt_helpers.training.objective import draw
from lt_helpers.training.parameters import family
from lt_helpers.training.plans import NEWTON_OF_FEW, PLAN_OF_ONE, AdamSettings, Plan, Round, Stage, Stretch
from lt_helpers.training.search import Found, search, sequence_losses, weighed
from lt_helpers.training.sweep import (
    Store,
    alone,
    record_of,
    sources,
    spread_set,
    sweep,
    train_model,
    whole_set,
)

FEW_HELD_OUT = replace(NEWTON_OF_FEW, held_out=1_000)
QUICK = Plan(
    4, (Round(3, 16, 0.01, 2),), 2, (Stage(3, 3, 64), Stage(1, 4, 128)), FEW_HELD_OUT, held_out=1_000
)
QUICK_BY_ADAM = replace(
    QUICK,
    stages=(Stage(2, 3, 32, 0.006), Stage(1, 4, 64, 0.006)),
    settings=AdamSettings(check=2, held_out=1_000),
)
TASK = RegressionTask(10, 20, Uniform(2))


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


ANOTHER = RegressionTask(3, 7, Uniform(4))
CORRELATED = RegressionTask(3, 9, Uniform(2), np.array([[2.0, 0.8, 0.0], [0.8, 1.0, 0.1], [0.0, 0.1, 0.3]]))
ALL_FAMILIES = [("gd++", 1), ("diag", 1), ("diag", 2), ("full", 1), ("full", 2)]


def one_step(parameters, task):
    """The parameters (1, K) of a single layer that takes the best step for white inputs, w = c alpha, and does nothing else."""
    d = task.dim
    P, Q = np.zeros((2, 1, parameters.heads, d + 1, d + 1))
    P[0, 0, d, d] = -best_step.solution(task.context, d, task.noise.mean_square)
    Q[0, 0, :d, :d] = np.eye(d)
    return parameters.read(LinearTransformer(P, Q))


@pytest.mark.parametrize("task", [TASK, ANOTHER], ids=["the paper's", "another d and n"])
@pytest.mark.parametrize("kind, heads", ALL_FAMILIES)
def test_the_best_step_is_a_minimum_of_each_family(kind, heads, task, rng):
    parameters = family(kind, 1, task.dim, heads)
    theta = one_step(parameters, task)
    sequences = draw(task, 5_000, rng, stretches=())

    def loss(theta):
        return sequences.losses(forward(parameters, theta, sequences.S).w).mean()

    for _ in range(10):
        direction = 0.05 * rng.normal(size=theta.shape)
        assert loss(theta + direction) + loss(theta - direction) > 2 * loss(theta) - 1e-12
        assert min(loss(theta + direction), loss(theta - direction)) > loss(theta) - 4e-3


DIAG = family("diag", 2, 10)
WRONG = [
    (lambda: family("softmax", 2, 10), "kind is 'softmax': kind must be one of 'gd\\+\\+', 'diag', 'full'"),
    (lambda: family(None, 2, 10), "kind is None: kind must be one of"),
    (lambda: family("diag", 0, 10), "layers is 0: layers must be a whole number from 1"),
    (lambda: family("diag", None, 10), "layers is None: layers must be a whole number"),
    (lambda: family("diag", "2", 10), "layers is '2': layers must be a whole number"),
    (lambda: family("diag", 2, 0), "dim is 0: dim must be a whole number from 1"),
    (lambda: family("gd++", 2, 10, heads=2), "kind='gd\\+\\+' with heads=2"),
    (lambda: family("diag", 2, 10, heads=3), "kind='diag' with heads=3"),
    (lambda: family("full", 2, 10, 2, held=("omega_xy",)), "kind='full' with heads=2, held="),
    (
        lambda: family("diag", 2, 10, 2, held="omega_xy"),
        "held is 'omega_xy': held must be a tuple of names among",
    ),
    (
        lambda: family("diag", 2, 10, 2, held=("xy",)),
        r"held is \('xy',\): held must be a tuple of names among",
    ),
    (
        lambda: search(DIAG, RegressionTask(8, 20, Uniform(2)), 0),
        "task has dim = 8, but the family has dim = 10",
    ),
    (lambda: search(DIAG, None, 0), "task is None: task must be a RegressionTask"),
    (lambda: search(DIAG, "uniform:2", 0), "task is 'uniform:2': task must be a RegressionTask"),
    (lambda: search("diag", TASK, 0), "family is 'diag': family must come from `family"),
    (lambda: search(DIAG, TASK, None), "seed is None: seed must be a whole number, 0 or above"),
    (lambda: search(DIAG, TASK, -1), "seed is -1: seed must be a whole number, 0 or above"),
    (lambda: search(DIAG, TASK, []), r"seed is \[\]: seed must be a whole number"),
    (
        lambda: search(DIAG, TASK, 0, {"start": np.ones((3, 4))}),
        r"warm\['start'\] has shape \(3, 4\): .* must be \(2, 4\)",
    ),
    (lambda: search(DIAG, TASK, 0, [np.ones((2, 4))]), "warm is .*: warm must be a dictionary"),
    (lambda: search(DIAG, TASK, 0, plan="long"), "plan is 'long': plan must be a Plan"),
    (
        lambda: replace(QUICK, settings=AdamSettings()),
        r"stages\[0\] has learning_rate=None: Adam's stages must have one",
    ),
    (
        lambda: replace(QUICK_BY_ADAM, stages=(QUICK_BY_ADAM.stages[0], Stage(1, 4, 64))),
        r"stages\[1\] has learning_rate=None: Adam's stages must have one",
    ),
    (lambda: Adam(DIAG, np.ones((2, 4)), "task", np.random.default_rng(0)), "task is 'task': task must be"),
    (lambda: levenberg.solve(DIAG, RegressionTask(8, 20, Fixed(0)), 0, {}), "the task has dim = 8"),
    (
        lambda: levenberg.solve(DIAG, RegressionTask(10, 20, Fixed(0)), 0, {}),
        r"warm is \{\}: .* at least one start",
    ),
    (
        lambda: eigenvalues.solve(family("gd++", 2, 3), CORRELATED, 0, {}),
        "the density of an eigenvalue is known for white inputs and n >= d only",
    ),
    (
        lambda: eigenvalues.solve(family("gd++", 2, 10), RegressionTask(10, 9, Uniform(1)), 0, {}),
        "the density of an eigenvalue is known for white inputs and n >= d only",
    ),
]


@pytest.mark.parametrize("call, sentence", WRONG)
def test_what_cannot_be_trained_is_said_in_a_sentence(call, sentence):
    with pytest.raises((ValueError, TypeError), match=sentence) as said:
        call()
    assert "\n" not in str(said.value)


def test_a_search_says_how_many_losses_it_has_capped():
    """Interrupted at its first step it hands back a random start, or the one that it was given: all lose more than a low limit."""
    parameters = family("diag", 2, 10)
    plan = replace(QUICK, settings=replace(QUICK.settings, rare=2.0), held_out=4_000)
    found = search(parameters, TASK, 0, {}, plan, interrupt_at(1, []))
    sequences = draw(TASK, 50_000, np.random.default_rng(5))
    share = (sequences.losses(forward(parameters, found.theta, sequences.S).w) > 2.0).mean()
    assert share > 0.1 and found.capped == pytest.approx(4_000 * share, abs=5 * np.sqrt(4_000 * share))
    plan = replace(QUICK, settings=replace(QUICK.settings, rare=10_000.0))
    assert search(parameters, TASK, 0, plan=plan).capped == 0


def test_gauss_newton_finds_the_best_single_layer(rng):
    parameters = family("gd++", 1, 10)
    run = GaussNewton(parameters, parameters.start(rng, TASK.noise), TASK, rng)
    for _ in range(100):
        run.step()
    exact = best_step.solution(20, 10, TASK.noise.mean_square)
    np.testing.assert_allclose(-run.best[0, 2], exact, rtol=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("kind, heads", [("gd++", 1), ("diag", 2), ("full", 1), ("full", 2)])
def test_gauss_newton_takes_the_same_way_in_numpy_and_in_torch(kind, heads):
    parameters = family(kind, 2, 10, heads)
    theta = parameters.start(np.random.default_rng(0), TASK.noise)
    settings = replace(parameters.solver(), batch=256, held_out=500, check=5)
    here, there = (
        GaussNewton(parameters, start, TASK, np.random.default_rng(1), settings)
        for start in (theta, torch.tensor(theta))
    )
    for _ in range(20):
        steps = here.step(), there.step()
        rtol = 1e-3 if kind == "full" else 1e-6  # the curvature of FULL is summed in single precision
        np.testing.assert_allclose(here.theta, there.theta, rtol=rtol, atol=rtol / 10)
        np.testing.assert_allclose(*([step.loss, step.best, step.skipped] for step in steps), rtol=rtol)
    assert here.damping == there.damping and steps[0].skipped < 10


@pytest.mark.parametrize("kind", ["diag", "full"])
def test_the_curvature_is_the_mean_square_of_the_whole_jacobian(kind, rng):
    """J^T J from two directions of each sequence, over many draws of the one across, against all d of them."""
    parameters, task = family(kind, 2, 4), RegressionTask(4, 9, Uniform(1), np.diag([1.0, 2.0, 0.5, 1.0]))
    run = GaussNewton(
        parameters, parameters.start(rng, task.noise), task, rng, replace(NEWTON_OF_FEW, thin=2)
    )
    sequences = draw(task, 40, rng)
    done = forward(parameters, run.theta, sequences.S)
    losses = sequences.losses(done.w)
    curvatures = []
    for _ in range(1_500):
        run.curvatures = run.gradients = 0
        run.observe(done, sequences, losses)
        curvatures.append(run.curvature)
    J = np.stack(
        [
            backward(done, np.broadcast_to(direction, done.w.shape)).reshape(40, -1)
            for direction in sequences.root.T
        ]
    )
    weight = sequences.weight / (1 + losses / NEWTON_OF_FEW.pull)
    every = slice(None, None, 2)
    exact = np.einsum("cbi,b,cbj->ij", J[:, every], weight[every], J[:, every]) / 20
    error = np.std(curvatures, axis=0) / np.sqrt(1_500)
    assert (abs(np.mean(curvatures, axis=0) - exact) < 5 * error + 1e-9 * abs(exact).max()).all()
    gradient = np.einsum("cbi,b,bc->i", J, weight, sequences.misfit(done.w)) / 40
    np.testing.assert_allclose(run.gradient, gradient, rtol=1e-9, atol=1e-12)


def test_gd_plus_plus_comes_to_const_rr(rng):
    """From a few layers on, the best predictor that is linear in y: ridge with E sigma^2 (its loss is computed by the baseline)."""
    task = RegressionTask(3, 12, Uniform(2))
    parameters = family("gd++", 4, 3)
    plan = Plan(
        8,
        (Round(40, 64, 0.02, 2),),
        10,
        (Stage(2, 40, 512), Stage(1, 60, 2048)),
        NEWTON_OF_FEW,
        held_out=20_000,
    )
    found = search(parameters, task, 0, plan=plan)
    loss, error, _, _ = weighed(parameters, found.theta, task, 100_000, np.random.default_rng(1))
    moments = task.sample_moments(100_000, np.random.default_rng(2))
    Sigma, alpha = moments.S[:, :3, :3], moments.S[:, :3, 3:]
    const, oracle = (
        np.linalg.solve(Sigma + np.broadcast_to(square, 100_000)[:, None, None] / 12 * np.eye(3), alpha)[
            ..., 0
        ]
        for square in (4 / 3, moments.sigma**2)
    )
    excess = ((const - oracle) ** 2).sum(axis=1) / 2
    assert abs(loss - excess.mean()) < 0.05 * excess.mean() + 3 * error


@pytest.mark.parametrize("plan", [QUICK, QUICK_BY_ADAM], ids=["Gauss-Newton", "Adam"])
def test_the_same_seed_gives_the_same_model_in_as_many_steps_as_were_said(plan):
    parameters, seen = family("diag", 2, 10), []
    first, again, other = (
        search(parameters, TASK, seed, plan=plan, report=seen.append).theta for seed in (3, 3, 4)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert [report.done for report in seen] == 3 * list(range(1, seen[0].total + 1))


def interrupt_at(step, seen):
    def interrupt(report):
        seen.append(report)
        if report.done == step:
            raise KeyboardInterrupt

    return interrupt


def test_an_interrupt_keeps_the_best_so_far():
    seen = []
    found = search(family("diag", 2, 10), TASK, 0, plan=QUICK, report=interrupt_at(8, seen))
    assert found.interrupted and len(seen) == 8 and np.isfinite(found.loss)
    assert found.loss < 2 * np.nanmin([report.loss for report in seen])


@pytest.mark.parametrize("plan", [QUICK, QUICK_BY_ADAM], ids=["Gauss-Newton", "Adam"])
@pytest.mark.parametrize("step", [1, 4, 12])
def test_an_interrupt_keeps_what_the_search_was_given_if_nothing_is_better_yet(step, plan):
    parameters = family("diag", 4, 10)
    start = parameters.read(load_pretrained("diag", 4, Uniform(2)))
    found = search(parameters, TASK, 0, {"stored": start}, plan, interrupt_at(step, []))
    before, after = (
        weighed(parameters, theta, TASK, 20_000, np.random.default_rng(1)) for theta in (start, found.theta)
    )
    assert found.interrupted and after[0] < before[0] + 2 * np.hypot(before[1], after[1])


def test_a_step_that_cannot_be_taken_is_skipped_and_counted(rng):
    parameters = family("diag", 3, 10)
    run = GaussNewton(parameters, parameters.start(rng, TASK.noise), TASK, rng)
    run.step()
    run.curvature.fill(np.nan)
    before = run.theta.copy()
    progress = run.step()
    assert progress.skipped == 1 and np.array_equal(run.theta, before)


def test_a_task_can_be_changed_between_steps(rng):
    parameters = family("diag", 2, 10)
    run = GaussNewton(parameters, parameters.start(rng, TASK.noise), TASK, rng)
    for _ in range(30):
        run.step()
    run.task = RegressionTask(10, 20, Fixed(5.0))
    weighed_anew = run.best_loss
    for _ in range(50):
        run.step()
    assert run.best_loss < weighed_anew


def test_the_whole_set_is_what_the_project_stores():
    names = [which.name for which in whole_set()]
    assert len(names) == len(set(names)) == 210 + 14 + 6 + 9 + 6 + 3
    assert (
        "full/7/categorical-1-3-5" in names
        and "diag/12/uniform-5" in names
        and "diag/7/uniform-1/heads-2" in names
        and "full/7/categorical-1-3-5/heads-2" in names
        and "diag/4/uniform-5/heads-2/no-omega_xy" in names
    )


def test_no_recipe_waits_for_itself():
    wanted = whole_set()
    done = set()
    while len(done) < len(wanted):
        ready = [
            which for which in wanted if which not in done and set(sources(which, wanted).values()) <= done
        ]
        assert ready
        done |= set(ready)


MODELS = [ModelId("diag", layers, Uniform(2)) for layers in (1, 2, 3)] + [ModelId("full", 2, Uniform(2))]


QUICKLY = dict(plan=QUICK, samples=2_000)


class Killed(BaseException):
    pass


def test_a_sweep_that_is_killed_goes_on_to_the_same_set(tmp_path):
    whole, cut = Store(tmp_path / "whole"), Store(tmp_path / "cut")
    sweep(MODELS, whole, **QUICKLY)

    def kill(which, record):
        if which == MODELS[1]:
            raise Killed

    with pytest.raises(Killed):
        sweep(MODELS, cut, finished=kill, **QUICKLY)
    assert 0 < len(cut.records) < len(MODELS)
    sweep(MODELS, Store(tmp_path / "cut"), **QUICKLY)
    assert same(tmp_path / "whole", tmp_path / "cut") and set(Store(tmp_path / "cut").records) == {
        which.name for which in MODELS
    }


def test_an_interrupt_stops_a_sweep_and_stores_no_model_that_is_not_done(tmp_path, monkeypatch):
    """As when Ctrl-C falls into the search for the second model."""
    store, searched = Store(tmp_path), []

    def interrupted(parameters, *arguments):
        searched.append(parameters)
        found = search(parameters, *arguments)
        return replace(found, interrupted=len(searched) == 2)

    monkeypatch.setattr(sweeping, "search", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep(MODELS, store, **QUICKLY)
    assert len(searched) == 2 and set(Store(tmp_path).records) == {MODELS[0].name}


class Torn(type(Path())):
    """A path whose file a kill cuts off in the middle of being written."""

    def write_text(self, text):
        super().write_text(text[: len(text) // 2])
        raise Killed

    def write_bytes(self, data):
        super().write_bytes(data[: len(data) // 2])
        raise Killed


@pytest.mark.parametrize("torn", ["models.safetensors", "records.json"])
@pytest.mark.parametrize("again", [False, True])
def test_a_store_that_is_killed_while_it_writes_has_no_model_without_its_own_record(
    tmp_path, monkeypatch, torn, again
):
    """A second which is added, or the first one `again`, another model; the kill falls into one of the two files."""
    store = Store(tmp_path)
    sweep(MODELS[:1], store, **QUICKLY)
    old, record = store.model(MODELS[0]), store.records[MODELS[0].name] | {"loss": 0.5}
    whole = weights.replacing

    @contextmanager
    def killed(path):
        with whole(path) as partial:
            yield Torn(partial) if path.name == torn else partial

    monkeypatch.setattr(weights, "replacing", killed)
    which = MODELS[0] if again else MODELS[1]
    with pytest.raises(Killed):
        store.add(which, LinearTransformer(2 * old.P, old.Q), record | {"layers": which.layers})
    monkeypatch.undo()
    now = Store(tmp_path)
    for name, record in now.records.items():
        assert weights.checksum(now.tensors[name]) == record["checksum"] and record["loss"] != 0.5
    assert set(now.records) == (set() if again and torn == "records.json" else {MODELS[0].name})
    sweep(MODELS[:2], now, **QUICKLY)
    assert set(Store(tmp_path).records) == {which.name for which in MODELS[:2]}


def test_a_record_whose_model_is_gone_does_not_count(tmp_path):
    sweep(MODELS[:2], Store(tmp_path), **QUICKLY)
    tensors, _ = weights.read(tmp_path / "models.safetensors")
    weights.write(tmp_path / "models.safetensors", {MODELS[0].name: tensors[MODELS[0].name]})
    assert set(Store(tmp_path).records) == {MODELS[0].name}
    (tmp_path / "records.json").write_text('[{"kind": "di')
    with pytest.raises(ValueError, match="records.json, are damaged"):
        Store(tmp_path)


def test_a_spread_is_of_stored_models_and_each_starts_from_random_weights_alone(tmp_path):
    assert set(spread_set()) <= set(whole_set())
    store, other = Store(tmp_path / "spread"), Store(tmp_path / "warm")
    sweep(MODELS[:2], store, seed=4, warm=False, **QUICKLY)
    sweep(MODELS[:2], other, seed=4, **QUICKLY)
    alone, _ = train_model(MODELS[1], 4, {}, QUICK)
    assert np.array_equal(store.model(MODELS[1]).P, alone.P)
    steps, more = (kept.records[MODELS[1].name]["steps"] for kept in (store, other))
    assert steps < more  # those of the warm starts
    assert store.records[MODELS[1].name]["start"].startswith("random")


def test_two_trainings_do_not_share_a_folder(tmp_path):
    taken = pytest.raises(ValueError, match="models: another training is at work there")
    with alone(tmp_path / "models"), taken, alone(tmp_path / "models"):
        pass
    with alone(tmp_path / "models"):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="file: models cannot be kept there"), alone(tmp_path / "file"):
        pass


def test_where_improving_finds_nothing_better_model_and_record_stay(tmp_path, monkeypatch):
    store = Store(tmp_path)
    sweep(MODELS[:2], store, **QUICKLY)
    before = dict(store.records)

    def given_back(parameters, task, seed, warm, *more):
        return replace(
            search(parameters, task, seed, warm, *more), start="stored, as it came", theta=warm["stored"]
        )

    monkeypatch.setattr(sweeping, "search", given_back)
    sweep(MODELS[1:2], store, seed=1, improve=True, **QUICKLY)
    assert Store(tmp_path).records == before


def test_a_single_layer_is_trained_from_random_weights_also_where_it_is_to_be_improved(tmp_path, monkeypatch):
    """It is judged by the closed form: what it came from has to be nothing."""
    store, given = Store(tmp_path), []
    sweep(MODELS[:2], store, **QUICKLY)

    def watched(parameters, task, seed, warm, *more):
        given.append(set(warm))
        return search(parameters, task, seed, warm, *more)

    monkeypatch.setattr(sweeping, "search", watched)
    sweep(MODELS[:2], store, seed=1, improve=True, **QUICKLY)
    single, deeper = given
    assert single == set() and "stored" in deeper


def same(first, second):
    """Do two folders hold the same models?"""
    first, second = (weights.read(folder / "models.safetensors")[0] for folder in (first, second))
    return set(first) == set(second) and all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.slow
def test_two_processes_and_a_cluster_make_the_same_set(tmp_path):
    sweep(MODELS, Store(tmp_path / "one"), **QUICKLY)
    sweep(MODELS, Store(tmp_path / "two"), jobs=2, **QUICKLY)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local,
        Client(local) as client,
    ):
        sweep(MODELS, Store(tmp_path / "cluster"), scheduler=local.scheduler_address, **QUICKLY)
        assert (
            sum(client.run(lambda dask_worker: dask_worker.state.executed_count).values()) > 0
        )  # it is they who trained
    assert same(tmp_path / "one", tmp_path / "two") and same(tmp_path / "one", tmp_path / "cluster")


def test_a_search_never_ends_worse_than_it_began(tmp_path):
    """From the stored model of a long search, a short one may find nothing better: then it hands back what it was given."""
    parameters = family("diag", 4, 10)
    start = parameters.read(load_pretrained("diag", 4, Uniform(5)))
    task = RegressionTask(10, 20, Uniform(5))
    found = search(parameters, task, 0, {"stored": start}, QUICK)
    before, after = (
        weighed(parameters, theta, task, 20_000, np.random.default_rng(1)) for theta in (start, found.theta)
    )
    assert after[0] < before[0] + 2 * np.hypot(before[1], after[1])


def test_models_of_a_noise_are_weighed_on_the_same_sequences():
    """With one layer all kinds are the same model, but for what a single layer has no use for."""
    losses = []
    for which in (ModelId(kind, 1, Uniform(2)) for kind in ("gd++", "diag", "full")):
        theta = one_step(family(which.kind, 1, 10), TASK)
        found = Found(theta, np.nan, "random 0", 0, 0, 0.0, False)
        losses.append(record_of(which, 0, found, samples=2_000)["loss"])
    np.testing.assert_allclose(losses, losses[0], rtol=1e-9)


def test_a_model_for_inputs_of_one_number_is_weighed_on_such():
    task = RegressionTask(1, 20, Uniform(2))
    parameters = family("diag", 1, 1)
    theta = one_step(parameters, task)
    found = Found(theta, np.nan, "random 0", 0, 0, 0.0, False)
    said = record_of(ModelId("diag", 1, Uniform(2)), 0, found, samples=20_000, dim=1)
    loss, error = adjusted_loss(parameters.model(theta, 20), task, 20_000, np.random.default_rng(1))
    assert said["loss"] == pytest.approx(loss, abs=5 * np.hypot(error, said["standard_error"]))
    assert said["standard_error"] == pytest.approx(error, rel=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["diag", "full"])
@pytest.mark.parametrize(
    "noise", [Uniform(5), Uniform(6), Uniform(7), Categorical((1, 3, 5))], ids=lambda noise: noise.key
)
def test_an_explosion_in_a_stored_model_of_three_layers_is_rare(kind, noise):
    """Its probability, by importance sampling: fewer than one sequence in five million loses more than 10,000, which would rule a mean."""
    stretches = (Stretch(0.6, w=1.8, x=1.1),)
    sequences = draw(RegressionTask(10, 20, noise), 100_000, np.random.default_rng(0), stretches)
    parameters = family(kind, 3, 10)
    losses = sequences.losses(
        forward(parameters, parameters.read(load_pretrained(kind, 3, noise)), sequences.S).w
    )
    assert (sequences.weight * ~(losses < 10_000)).mean() < 0.2e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    "noise", [noise for noise in PAPER_NOISES if noise.sigma_max], ids=lambda noise: noise.key
)
def test_explosions_do_not_rule_the_mean_of_the_best_stored_models(noise):
    """FULL-7 with two heads can explode where the noise is large: counted up to a million, they add less than a hundredth to its loss."""
    stretches = (Stretch(0.25, w=1.8, x=1.1), Stretch(0.25, noise=1.4), Stretch(0.25, 1.3, 1.05, 1.25))
    sequences = draw(RegressionTask(10, 20, noise), 40_000, np.random.default_rng(1), stretches)
    parameters = family("full", 7, 10, 2)
    theta = parameters.read(load_pretrained("full", 7, noise, heads=2))
    losses = sequence_losses(parameters, theta, sequences)
    assert np.isfinite(losses).all()
    usual, all_of_them = ((sequences.weight * losses.clip(max=most)).mean() for most in (20, 1e6))
    assert all_of_them < 1.01 * usual


NOISES = [parse_noise(key) for key in sorted({entry["noise"] for entry in stored()})]


@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.key)
def test_trained_from_random_starts_a_single_layer_comes_to_the_closed_form(noise):
    """The step c of the loss' minimum, within the standard error of a fit to one batch, of which the search averages sixty, unevenly."""
    task = RegressionTask(10, 20, noise)
    S = task.sample_moments(50_000, np.random.default_rng(0)).S
    alpha = S[:, :10, 10]
    c = 1 / (1 + 11 / 20 + noise.mean_square / 20)
    oracle = draw(task, 50_000, np.random.default_rng(0), stretches=()).oracle  # of the same sequences
    scatter = ((oracle - c * alpha) * alpha).sum(axis=1).std() / (alpha**2).sum(axis=1).mean()
    error = scatter / np.sqrt(PLAN_OF_ONE.stages[-1].batch)
    assert error < 0.01 * c
    for heads, kind in ((1, "gd++"), (1, "diag"), (2, "diag")):
        if 1 in stored_layers(kind, noise, heads):
            entry = record(kind, 1, noise, heads)
            assert entry["start"].startswith("random") and entry["steps"] > 0
            step = -load_pretrained(kind, 1, noise, heads).omega[0, 1, 0]
            assert abs(step - c) < error


@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.key)
def test_trained_from_random_starts_a_single_full_layer_loses_no_more_than_the_closed_form(noise):
    """On the same sequences: more by what the fit of a hundred numbers to so many sequences adds, and less by chance alone."""
    entry = record("full", 1, noise)
    assert entry["start"].startswith("random") and entry["steps"] > 0
    sequences = draw(RegressionTask(10, 20, noise), 50_000, np.random.default_rng(0), stretches=())
    c = 1 / (1 + 11 / 20 + noise.mean_square / 20)
    by_step = sequences.losses(c * sequences.S[:, :10, 10])
    ours = sequences.losses(load_pretrained("full", 1, noise).implicit_weight(sequences.S[:, :11, :11]))
    more = ours - by_step
    error = more.std() / np.sqrt(len(more))
    assert -3 * error < more.mean() < 0.001 + 3 * error


def test_without_noise_an_explosion_counts_whole():
    losses, weight = torch.ones(1_000, dtype=torch.float64), torch.full((1_000,), 0.5)
    losses[0] = 1e9
    assert levenberg.plain_mean(losses, weight) == pytest.approx((999 + 1e9) / 2_000)
    losses[1] = np.nan
    assert levenberg.plain_mean(losses, weight) == np.inf


def test_a_start_that_explodes_does_not_hide_a_better_one(monkeypatch):
    """Its loss is NaN, which is smaller than nothing and larger than nothing."""
    monkeypatch.setattr(levenberg, "TRIAL", 64)
    monkeypatch.setattr(levenberg, "FINAL", 64)
    monkeypatch.setattr(levenberg, "CHOICE", 256)
    parameters, task = family("diag", 4, 10), RegressionTask(10, 20, Fixed(0))
    good = parameters.read(load_pretrained("diag", 4, Fixed(0)))
    descents = levenberg.Descents(
        parameters,
        task,
        0,
        {"explodes": torch.full(good.shape, 1e100, dtype=torch.float64), "good": torch.from_numpy(good)},
        None,
    )
    descents.starts, descents.steps = descents.warm, 1
    found = descents.run()
    assert found.start.startswith("good") and np.isfinite(found.loss)
    assert descents.tried["explodes"][1] == np.inf
