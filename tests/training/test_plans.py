"""The plans of all families: what holds for each of them, whatever its numbers."""

from dataclasses import replace

import pytest

from lt_helpers.noise import PAPER_NOISES, Categorical, Uniform
from lt_helpers.training import plans
from lt_helpers.training.parameters import family
from lt_helpers.training.plans import AdamSettings, NewtonSettings

KINDS = [("gd++", 1), ("diag", 1), ("diag", 2), ("full", 1), ("full", 2)]
PLANS = [
    family(kind, layers, 10, heads).plan(noise, alone)
    for kind, heads in KINDS
    for layers in range(1, 8)
    for noise in PAPER_NOISES
    for alone in (False, True)
]
EVERY = [*{id(plan): plan for plan in [*PLANS, plans.WIDENING]}.values()]
SETTINGS = [*(plan.settings for plan in EVERY), AdamSettings(), plans.NEWTON_OF_FEW, plans.NEWTON_OF_MANY]


def test_fewer_go_on_by_larger_batches_and_shorter_steps():
    for plan in EVERY:
        left = [plan.restarts, *(one.keep for one in plan.rounds)]
        assert left == sorted(left, reverse=True) and all(left) == bool(plan.rounds)
        stages = [one.keep for one in plan.stages]
        assert stages == sorted(stages, reverse=True) and stages[-1] >= 1
        for steps in (plan.rounds, plan.stages):
            batches = [one.batch for one in steps]
            assert batches == sorted(batches) and min(batches, default=64) >= 64
            rates = [one.learning_rate for one in steps if one.learning_rate]
            assert rates == sorted(rates, reverse=True)


def test_adam_alone_has_a_learning_rate():
    for plan in EVERY:
        by_adam = isinstance(plan.settings, AdamSettings)
        assert all((stage.learning_rate is not None) == by_adam for stage in plan.stages)
        assert not (by_adam and plan.head_start)


def test_what_chooses_sees_more_of_an_explosion_and_more_sequences_than_what_trains():
    for plan in EVERY:
        settings = plan.settings
        assert settings.rare >= settings.pull > plans.LIMIT
        assert plan.held_out > settings.held_out > max(stage.batch for stage in plan.stages) / 2


def test_averages_are_of_several_steps_and_of_the_square_of_more():
    for settings in SETTINGS:
        assert 0 < settings.momentum < settings.memory < 1
        if isinstance(settings, NewtonSettings):
            assert settings.least_damping < settings.damping < settings.most_damping
            assert settings.batch >= settings.thin >= 1
        else:
            assert settings.clip > 1 and settings.averaging >= 50 and settings.check % 25 == 0


def test_three_layers_alone_are_careful():
    for kind, heads in KINDS:
        for layers in range(2, 8):
            plan = family(kind, layers, 10, heads).plan(PAPER_NOISES[5])
            assert (plan.settings.rare == plans.RARE) == (layers == 3), (kind, layers)


@pytest.mark.parametrize("kind", ["gd++", "diag", "full"])
def test_a_single_layer_needs_no_race(kind):
    """It has one minimum: one start is left, and averages over many sequences."""
    plan = family(kind, 1, 10).plan(PAPER_NOISES[5])
    (stage,) = plan.stages
    assert plan.rounds[-1].keep == stage.keep == 1 and stage.batch > 4_000


def test_a_careful_plan_differs_in_what_an_explosion_counts_for_alone():
    for plan in EVERY:
        careful = plans.careful(plan)
        same = replace(careful.settings, pull=plan.settings.pull, rare=plan.settings.rare)
        assert replace(careful, settings=same) == plan
        assert careful.settings.rare >= careful.settings.pull >= 30 * plans.PULL


# The numbers by which a whole sweep trains: who changes one sweeps anew (benchmarks/results/sweep.md). Random starts; rounds of steps,
# batch, rate and how many are left; head start; stages of how many go on, steps, batch and Adam's rate.
OF_FEW = (24, [(100, 64, 0.02, 8), (100, 128, 0.01, 6)], 10, [(6, 25, 256), (4, 40, 512), (2, 100, 2048)])
OF_THREE = (
    96,
    [(200, 64, 0.05, 24), (200, 128, 0.02, 16)],
    10,
    [(16, 25, 256), (6, 40, 512), (3, 100, 2048)],
)
OF_ONE = (2, [(100, 128, 0.02, 1)], 20, [(1, 60, 8192)])
OF_MANY = [(400, 64, 0.01, 8), (400, 128, 0.01, 4)]
SHORT = (24, OF_MANY, 0, [(8, 800, 128, 0.006), (3, 1200, 256, 0.006), (1, 4000, 256, 0.006)])
LONG = (24, OF_MANY, 0, [(8, 1000, 256, 0.006), (2, 6000, 256, 0.006)])


def numbers(plan):
    """The numbers of a plan -> tuple, as above"""
    rounds = [(one.steps, one.batch, one.learning_rate, one.keep) for one in plan.rounds]
    stages = [
        (one.keep, one.steps, one.batch, *([one.learning_rate] if one.learning_rate else []))
        for one in plan.stages
    ]
    return plan.restarts, rounds, plan.head_start, stages


@pytest.mark.parametrize(
    "kind, layers, noise, wanted",
    [
        ("diag", 1, Uniform(5), OF_ONE),
        ("diag", 2, Uniform(5), OF_FEW),
        ("diag", 3, Uniform(5), OF_THREE),
        ("gd++", 7, Categorical((1, 3)), OF_FEW),
        ("full", 4, Uniform(5), SHORT),
        ("full", 4, Categorical((1, 3)), LONG),
    ],
)
def test_each_model_is_searched_for_as_the_sweep_did(kind, layers, noise, wanted):
    plan = family(kind, layers, 10).plan(noise)
    assert numbers(plan) == wanted and plan.held_out == (200_000 if wanted == OF_THREE else 100_000)


def test_the_optimisers_take_the_steps_that_they_took():
    adam, many, few = AdamSettings(), plans.NEWTON_OF_MANY, plans.NEWTON_OF_FEW
    assert (adam.batch, adam.learning_rate, adam.momentum, adam.memory) == (512, 0.01, 0.9, 0.99)
    assert (adam.clip, adam.averaging, adam.check, adam.held_out) == (3, 50, 25, 5000)
    assert (many.batch, many.thin, many.memory, many.momentum) == (2048, 8, 0.97, 0.9)
    assert (many.damping, many.least_damping, many.most_damping, many.refresh) == (1, 0.3, 30, 4)
    assert (few.batch, few.thin, few.memory, few.momentum) == (2048, 1, 0.95, 0.7)
    assert (few.least_damping, few.refresh, few.check, few.held_out) == (1e-3, 1, 25, 10_000)
    assert adam.pull == many.pull == few.pull == 300 and adam.rare == many.rare == 1e4 and few.rare == 300
