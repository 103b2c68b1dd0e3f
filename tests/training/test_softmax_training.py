"""Training of softmax transformers: the same forward pass as in NumPy, a rate that falls, and trainings that can be ended at any time."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lt_helpers import Categorical, Uniform
from lt_helpers.softmax import SoftmaxId, load_softmax, softmax_records
from lt_helpers.training import softmax
from lt_helpers.training.softmax import Plan, Training, forward, rate, train_one, train_set, whole_set

SMALL = Plan(steps=20, batch=8, queries=4, width=8, heads=2, hidden=8, watch=4)
KINDS = [SoftmaxId(mlp, 2, Uniform(5.0)) for mlp in (False, True)]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """One thread, and few sequences to weigh a model on."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(softmax, "WATCHED", 50)
    monkeypatch.setattr(softmax, "SAMPLES", 50)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("which", KINDS, ids=["alone", "mlp"])
def test_torch_and_numpy_agree(which):
    training = Training(which, SMALL)
    training.run(5, 20)  # gains and biases are no longer what they began as
    drawn = training.task.sample(6, np.random.default_rng(1))
    queries = np.random.default_rng(2).normal(size=(6, 3, 10))
    given = [torch.tensor(array, dtype=torch.float32) for array in (drawn.x, drawn.y, queries)]
    with torch.no_grad():
        found = forward(training.W, SMALL.heads, *given).numpy()
    np.testing.assert_allclose(found, training.model().answers(drawn.x, drawn.y, queries), atol=1e-4)


def test_the_rate_rises_stays_and_falls_to_nothing():
    plan = Plan(steps=1000, learning_rate=0.5)
    assert rate(0, plan, 1000) == pytest.approx(0.5 / 200)
    assert {rate(step, plan, 1000) for step in range(199, 800)} == {0.5}
    assert rate(900, plan, 1000) == pytest.approx(0.25)
    assert rate(999, plan, 1000) == pytest.approx(0.5 / 200)

    # A branch that ends at half the steps leaves the trunk while its rate is whole.
    assert rate(399, plan, 500) == rate(399, plan, 1000) == 0.5
    assert rate(450, plan, 500) == pytest.approx(0.25)


def test_training_makes_the_loss_smaller():
    training = Training(KINDS[1], Plan(batch=32, queries=8, width=16, heads=2, hidden=16, learning_rate=0.01))
    before = training.watch()
    training.run(120, 120)
    assert training.watch() < 0.8 * before


def test_a_training_that_goes_on_from_a_file_ends_where_an_unbroken_one_does(tmp_path):
    whole = Training(KINDS[1], SMALL)
    whole.run(8, 20)
    part = Training(KINDS[1], SMALL)
    part.run(4, 20)
    part.save(tmp_path / "checkpoint")
    resumed = Training(KINDS[1], SMALL).load(tmp_path / "checkpoint")
    resumed.run(8, 20)
    assert (resumed.steps, resumed.curve) == (8, whole.curve)
    for name, array in whole.arrays().items():
        np.testing.assert_allclose(resumed.arrays()[name], array, atol=1e-6)


class Killed(Exception):
    """The end of a process, at some step."""


def killed_after(steps):
    """A report that ends a training when so many notes have been made."""
    notes = []

    def report(training):
        notes.append(training.steps)
        if len(notes) == steps:
            raise Killed

    return report


@pytest.mark.parametrize("notes", [1, 2, 4, 6])
def test_a_training_that_is_killed_anywhere_goes_on(tmp_path, notes):
    unbroken = [part for part, _ in train_one(KINDS[0], SMALL, tmp_path / "unbroken")][-1]
    with pytest.raises(Killed):
        list(train_one(KINDS[0], SMALL, tmp_path / "killed", report=killed_after(notes)))
    parts = list(train_one(KINDS[0], SMALL, tmp_path / "killed"))
    assert [(part.steps, [steps for steps, *_ in halves]) for part, halves in parts] == [
        (5, [5]),
        (10, [5, 10]),
        (20, [5, 10, 20]),
    ]
    for name, array in unbroken.arrays().items():
        np.testing.assert_allclose(parts[-1][0].arrays()[name], array, atol=1e-6)


def test_twice_the_steps_go_on_from_the_same_trunk(tmp_path):
    once = list(train_one(KINDS[0], SMALL, tmp_path))
    begun = []
    twice = list(
        train_one(KINDS[0], replace(SMALL, steps=40), tmp_path, report=lambda one: begun.append(one.steps))
    )
    assert twice[1][1][-1] == once[2][1][-1] and min(begun) > 16
    with pytest.raises(ValueError, match="training of other steps"):
        list(train_one(KINDS[0], replace(SMALL, steps=24), tmp_path))


def test_the_set_is_stored_part_by_part_and_those_of_two_sigmas_start_from_the_others(tmp_path, monkeypatch):
    noises = (Uniform(5.0), Categorical((1.0, 3.0)))
    chosen = [SoftmaxId(True, 2, noise) for noise in noises]
    assert set(chosen) < set(whole_set()) and len(whole_set()) == 8
    monkeypatch.setattr(softmax, "whole_set", lambda: chosen)
    starts = []
    unspied = softmax.train_one

    def spied(which, plan, folder, seed, start, report):
        starts.append(start)
        return unspied(which, plan, folder, seed, start, report)

    monkeypatch.setattr(softmax, "train_one", spied)
    train_set(tmp_path, SMALL)
    first, second = softmax_records(tmp_path)
    assert (first["start"], first["steps"], second["start"], second["steps"]) == (
        "random weights", 20, "mlp/2/uniform-5 after 20 steps", 10,
    )  # fmt: skip
    assert [steps for steps, *_ in first["halves"]] == [5, 10, 20]
    stored = load_softmax(True, 2, noises[0], folder=tmp_path)
    np.testing.assert_array_equal(stored.tensors["Q"], starts[1]["Q"])
    assert stored.record == first

    # Once more: all is there, and nothing is trained again.
    with monkeypatch.context() as patch:
        patch.setattr(Training, "step", None)
        train_set(tmp_path, SMALL)
    assert softmax_records(tmp_path) == [first, second]

    # With twice the steps it goes on, and what began from another model still says so.
    train_set(tmp_path, replace(SMALL, steps=40))
    assert [(one["steps"], one["start"]) for one in softmax_records(tmp_path)] == [
        (40, first["start"]), (20, second["start"]),
    ]  # fmt: skip
    assert softmax_records(tmp_path)[0]["halves"][:2] == first["halves"][1:]
