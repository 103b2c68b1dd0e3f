"""The plans of all families: what holds for each of them, whatever its numbers."""

from dataclasses import replace

import pytest

from lt_helpers.noise import PAPER_NOISES
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
            assert (plan.settings.rare > 1e5) == (layers == 3), (kind, layers)


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
        assert careful.settings.rare > careful.settings.pull >= 50 * plans.PULL
