"""What a search is made of: its starts, how it counts its steps, and how it weighs what it finds."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from lt_helpers import LinearTransformer, RegressionTask, Uniform, adjusted_loss
from lt_helpers.pretrained import ModelId
from lt_helpers.training.gradient import forward
from lt_helpers.training.objective import draw, held_out_loss
from lt_helpers.training.parameters import family
from lt_helpers.training.plans import NEWTON_OF_FEW, Plan, Round, Stage
from lt_helpers.training.search import Search, deeper, jittered, search, steps_of, weighed
from lt_helpers.training.sweep import family_of

pytestmark = pytest.mark.slow

TASK = RegressionTask(4, 9, Uniform(2))


@pytest.mark.parametrize("kind", ["gd++", "diag", "full"])
def test_a_deeper_start_is_the_shallow_model_with_idle_layers_where_it_says(kind, rng):
    shallow, parameters = family(kind, 2, 4), family(kind, 4, 4)
    theta, few = shallow.start(rng, TASK.noise), draw(TASK, 5, rng)
    starts = deeper(parameters, theta)
    for name, ours in (("idle layer in front", slice(2, 4)), ("idle layer at the end", slice(0, 2))):
        np.testing.assert_array_equal(starts[name][ours], theta)
        w = forward(parameters, starts[name], few.S).w
        np.testing.assert_allclose(w, forward(shallow, theta, few.S).w, atol=1e-12)


def test_a_jitter_is_in_proportion_to_the_numbers_of_its_layer(rng):
    theta = np.array([[100.0], [1.0]]) * np.ones((2, 3000))
    moved = jittered(theta, rng) - theta
    np.testing.assert_allclose(moved.std(axis=1), [0.3, 0.003], rtol=0.1)


def test_warm_starts_are_counted_beforehand():
    """Three starts, of which the first stage takes two, and the last one."""
    settings = NEWTON_OF_FEW
    plan = Plan(3, (Round(2, 16, 0.01, 1),), 3, (Stage(2, 4, 32), Stage(1, 5, 32)), settings, held_out=200)
    parameters, seen = family("diag", 2, 4), []
    warm = {name: parameters.start(np.random.default_rng(seed), TASK.noise) for seed, name in enumerate("ab")}
    found = search(parameters, TASK, 0, warm, plan, seen.append)
    total = 2 + 3 + 2 * 4 + 5  # of Adam, of the head start, of either stage
    assert [report.done for report in seen] == list(range(1, total + 1))
    assert {report.total for report in seen} == {total} and found.steps == total
    alone = []
    search(parameters, TASK, 0, {}, plan, alone.append)
    assert {report.total for report in alone} == {2 + 3 + 4 + 5} and len(alone) == 14


@pytest.mark.parametrize(
    "warm, total",
    [(0, 2 + 5 + 2 * 3 + 2 * 7 + 9), (1, 2 + 5 + 2 * 3 + 3 * 7 + 9), (4, 2 + 5 + 2 * 3 + 3 * 7 + 9)],
)
def test_of_several_rounds_what_the_last_one_leaves_goes_on(warm, total):
    """Of eight random starts four, then two; each takes a head start, and the first stage takes three, warm ones among them."""
    rounds = (Round(2, 16, 0.01, 4), Round(5, 16, 0.01, 2))
    plan = Plan(8, rounds, 3, (Stage(3, 7, 32), Stage(1, 9, 32)), NEWTON_OF_FEW)
    assert steps_of(plan, warm) == total


ONE, TWO = family("full", 2, 4), family("full", 2, 4, heads=2)
SHORT_WIDENING = replace(TWO.widening(), stages=(Stage(1, 100, 64, 0.006),))


def one_head_and_noise():
    """A model with one head, and another head of noise."""
    rng = np.random.default_rng(0)
    return TWO.with_heads(ONE.start(rng, TASK.noise), rng, TASK.noise)


def test_from_one_head_alone_no_random_start_is_tried_and_two_heads_end_better():
    start, seen = one_head_and_noise(), []
    found = search(TWO, TASK, 3, {"one head": start}, SHORT_WIDENING, seen.append)
    assert {report.start for report in seen} == {"one head"} and len(seen) == found.steps == 100
    before, after = (
        weighed(TWO, theta, TASK, 20_000, np.random.default_rng(1))[0] for theta in (start, found.theta)
    )
    assert after < 0.8 * before


def test_steps_that_lead_nowhere_leave_what_a_search_was_given():
    start = one_head_and_noise()
    plan = replace(SHORT_WIDENING, stages=(Stage(1, 1, 2, 1e3),))
    found = search(TWO, TASK, 0, {"one head": start}, plan)
    assert found.start == "one head, as it came" and np.array_equal(found.theta, start)


class Racer:
    """A run that a race looks at, and does not move."""

    best = average = None

    def __init__(self, loss):
        self.best_loss, self.weighed = np.array(loss), []

    def hold_out(self, sequences, *candidates):
        self.weighed.append(len(sequences.S))


def test_a_race_is_gone_on_with_by_the_best(monkeypatch):
    """Of four the best three, then the best two of these, on as many sequences as make the last choice."""
    settings = NEWTON_OF_FEW
    plan = Plan(0, (), 0, (Stage(3, 1, 32), Stage(2, 1, 64)), settings, held_out=70)
    parameters = family("diag", 2, 4)
    race = Search(parameters, TASK, 0, {}, plan, None)
    race.runs = {name: Racer(loss) for name, loss in zip("abcd", (0.3, 0.1, 0.9, 0.2))}
    went = []

    def advance(name, stage):
        went.append((name, stage.batch))
        if name == "a":
            race.runs[name].best_loss = np.array(0.15)  # it comes up

    monkeypatch.setattr(race, "advance", advance)
    race.race()
    assert went == [("b", 32), ("d", 32), ("a", 32), ("b", 64), ("a", 64)]
    assert list(race.finalists) == ["b", "a"]
    assert {name: run.weighed for name, run in race.runs.items()} == {"a": [70], "b": [70], "c": [], "d": []}


def test_of_each_run_its_best_is_weighed_and_the_best_of_them_is_handed_back(rng):
    """Beside runs whose present parameters are nothing, the good one wins by what it has kept."""
    parameters = family("diag", 2, 4)
    theta = parameters.start(rng, TASK.noise)
    plan = replace(SHORT_WIDENING, held_out=400)
    race = Search(parameters, TASK, 0, {"warm": np.zeros((2, 4))}, plan, None)
    runs = {
        name: SimpleNamespace(best=scale * theta, average=np.zeros((2, 4)), theta=np.zeros((2, 4)))
        for name, scale in (("weak", 0.5), ("good", 1.0))
    }
    name, found, loss, capped = race.choose(runs, 2_000)
    assert name == "good" and np.array_equal(found, theta) and capped == 0
    other = draw(TASK, 20_000, np.random.default_rng(8), stretches=())
    losses = other.losses(forward(parameters, theta, other.S).w)
    assert loss == pytest.approx(losses.mean(), rel=0.15)


def test_the_last_choice_counts_each_loss_up_to_the_limit_of_its_plan(rng):
    """A limit far below all losses: each counts for next to the limit."""
    parameters = family("diag", 2, 4)
    plan = replace(SHORT_WIDENING, settings=replace(NEWTON_OF_FEW, rare=1e-3))
    theta = parameters.start(rng, TASK.noise)
    _, _, loss, capped = Search(parameters, TASK, 0, {"warm": theta}, plan, None).choose({}, 500)
    assert 0.5e-3 < loss < 1.5e-3 and capped > 450


def test_each_start_sees_the_sequences_that_the_others_see():
    """So that they differ by where they began alone."""
    parameters = family("diag", 2, 4)
    plan = replace(SHORT_WIDENING, settings=replace(NEWTON_OF_FEW, held_out=50))
    race = Search(parameters, TASK, 5, {}, plan, None)
    theta = parameters.start(np.random.default_rng(0), TASK.noise)
    for name in "ab":
        race.add(name, theta)
    first, second = ([race.runs[name].step() for _ in range(3)] for name in "ab")
    assert [(step.loss, step.best) for step in first] == [(step.loss, step.best) for step in second]


def test_with_no_start_at_all_a_search_says_so():
    with pytest.raises(ValueError, match=r"warm is \{\}: a plan without random starts needs another start"):
        search(TWO, TASK, 0, {}, SHORT_WIDENING)


def test_a_loss_is_weighed_with_its_error_and_its_rarest(rng):
    model = LinearTransformer.random("diag", 4, 2, 1, rng)
    parameters = family("diag", 2, 4)
    loss, error, p9999, diverged = weighed(parameters, parameters.read(model), TASK, 30_000, rng, chunk=7_000)
    there, error_there = adjusted_loss(model, TASK, 30_000, rng)
    assert abs(loss - there) < 5 * np.hypot(error, error_there)
    assert error == pytest.approx(error_there, rel=0.1) and diverged == 0
    sequences = draw(TASK, 30_000, rng, stretches=())
    losses = sequences.losses(forward(parameters, parameters.read(model), sequences.S).w)
    assert (losses > p9999).mean() < 5e-4 and losses.max() > 0.5 * p9999


def test_what_chooses_counts_a_rare_explosion_up_to_its_limit():
    losses, weight = np.array([1.0, 1e4, np.inf, 0.0]), np.array([1.0, 2.0, 0.5, 0.5])
    wanted = (1 / (1 + 1e-4) + 2 * 5e3 + 0.5 * 1e4) / 4  # a loss as large as the limit counts for half of it
    assert held_out_loss(losses, weight) == pytest.approx(wanted)
    assert held_out_loss(losses, weight, 1.0) == pytest.approx((0.5 + 2 * 1e4 / (1 + 1e4) + 0.5) / 4)


def test_three_layers_are_trained_with_rare_explosions_in_mind():
    """Theirs count for much more than those of other depths, and all else in the plan is the same."""
    plans = {layers: family("full", layers, 10).plan(Uniform(5)) for layers in (2, 3, 4)}
    assert plans[2] == plans[4]
    for name in ("pull", "rare"):
        assert getattr(plans[3].settings, name) > 20 * getattr(plans[4].settings, name)
    settings = replace(plans[3].settings, pull=plans[4].settings.pull, rare=plans[4].settings.rare)
    assert replace(plans[3], settings=settings) == plans[4]


def test_from_random_starts_alone_full_takes_more_steps_than_with_a_warm_one(rng):
    parameters = family("full", 2, 4)

    def planned(warm):
        seen = []

        def stop(report):
            seen.append(report.total)
            raise KeyboardInterrupt

        search(parameters, TASK, 0, warm, report=stop)
        return seen[0]

    # By the same plan a warm start would only add to the steps.
    assert planned({}) > planned({"warm": parameters.start(rng, TASK.noise)})


def test_an_ablated_model_has_no_such_omega(rng):
    which = ModelId("diag", 3, Uniform(5), 2, "no-omega_xy-no-omega_yy")
    parameters = family_of(which)
    omegas = parameters.omegas(rng.normal(size=(3, 4)))
    assert (omegas[:, [1, 3]] == 0).all() and (omegas[:, [0, 2]] != 0).all()
    assert (parameters.layers, parameters.dim, parameters.heads) == (3, 10, 2)
