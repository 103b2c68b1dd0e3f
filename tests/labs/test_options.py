"""How a number becomes one of the options that a learner chooses from: on either side of each border, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from lt_helpers import Categorical, Fixed, Uniform
from lt_helpers.labs import (
    gradient,
    noise,
    pilot,
    points,
    preconditioning,
    profile,
    rescaling,
    table,
    training,
)
from lt_helpers.labs.material import outside_training, trained_spans


@pytest.mark.parametrize(
    "called, option",
    [
        (lambda: noise.way(1.0, 1.2), "rises"),
        (lambda: noise.way(1.2, 1.0), "falls"),
        (lambda: noise.way(1.0, 1.09), "stays"),
        (lambda: points.turn(2.0, 1.5), "flatter"),
        (lambda: points.turn(-1.5, -2.0), "steeper"),  # by its size
        (lambda: points.turn(2.0, -2.04), "same"),
        (lambda: gradient.nearer(1.0, 0.9), "trained"),
        (lambda: gradient.nearer(0.9, 1.0), "built"),
        (lambda: gradient.nearer(1.0, 1.04), "alike"),
        (lambda: training.way_of(-9.0, -7.0), "towards"),
        (lambda: training.way_of(-7.0, -9.0), "away"),
        (lambda: training.way_of(-7.0, -7.4), "stays"),
        (lambda: training.way_of(2.0, -1.0), "towards"),  # zero
        (lambda: training.nearness_of(1.5, 1.2), "nearer"),
        (lambda: training.nearness_of(1.2, 1.5), "further"),
        (lambda: training.nearness_of(1.2, 1.3), "same"),
        (lambda: profile.how_many(0.05), "few"),
        (lambda: profile.how_many(0.5), "half"),
        (lambda: profile.how_many(0.8), "most"),
        (lambda: table.place_of(-2.5), "lower"),
        (lambda: table.place_of(2.5), "higher"),
        (lambda: table.place_of(1.9), "luck"),
    ],
)
def test_a_number_becomes_an_option(called, option):
    assert called() == option


@pytest.mark.parametrize(
    "zero_at, option", [(5.0, "sooner"), (np.sqrt(30), "there"), (np.sqrt(30) + 0.2, "there"), (7.0, "later")]
)
def test_a_trained_model_breaks_sooner_or_later_than_the_theorem_says(zero_at, option):
    """For noise of 1 and 3, twenty examples and inputs of mean square 1: at the root of 20 + 1 + 9."""
    state = SimpleNamespace(trained=1 - rescaling.TRAINED_CURVE / zero_at)
    assert rescaling.trained_breaking(state) == pytest.approx(zero_at)
    assert rescaling.earlier_or_later(state) == option


def test_a_model_is_the_better_one_between_two_noise_levels():
    """It loses less than AdaRR at 1, 2 and 3, not at 0 and 4, and once more at 6: the first stretch counts."""
    losses = np.ones((len(profile.LEVELS), 2))
    better = np.isin(profile.LEVELS, [1.0, 1.5, 2.0, 2.5, 3.0, 6.0])
    state = SimpleNamespace(risks=np.where(better[:, None], 0.5, 2.0), rivals={"adarr": losses})
    assert profile.span_of_model(state) == (1.0, profile.LEVELS[list(profile.LEVELS).index(3.0) + 1])


def test_layers_are_counted_until_the_condition_number_is_near_one():
    assert preconditioning.layers_until_round(np.array([20.0, 4.0, 1.5, 1.009, 1.0001])) == 3


def test_two_samples_are_told_apart_where_most_are_on_their_side():
    """1, 2, 3 and 2.5, 4, 5: above 3 all are of the second, below it five of six are right."""
    border, right = rescaling.best_border(np.array([3.0, 1.0, 2.0]), np.array([5.0, 2.5, 4.0]))
    assert right == pytest.approx(5 / 6) and (2 < border < 2.5 or 3 < border < 4)


def test_the_first_strength_at_which_a_context_fails_is_found():
    state = SimpleNamespace(
        reached=[SimpleNamespace(failed=np.array(one)) for one in ([0, 0], [0, 1], [1, 1])]
    )
    assert pilot.first_failure(state) == pytest.approx(0.2)
    assert pilot.first_failure(SimpleNamespace(reached=state.reached[:1])) is None


@pytest.mark.parametrize(
    "errors, id, said",
    [
        ([0.5, 1.5], "pilot.mean", dict(mean=1.0)),
        ([0.5, 0.7, 1e6], "pilot.above", dict(median=0.7)),
        ([1e6, 1e6, 1.0], "pilot.far_above", {}),
    ],
)
def test_a_mean_that_explosions_make_up_is_said_with_its_median(errors, id, said):
    message = pilot.mean_in_words(np.array(errors))
    assert message.id == id and {name: message.values[name] for name in said} == pytest.approx(said)


@pytest.mark.parametrize(
    "distribution, spans, inside, outside",
    [
        (Uniform(5.0), [(0, 5)], (0.0, 5.0), (5.1,)),
        (Categorical((1, 3)), [(0.94, 1.06), (2.94, 3.06)], (1.0, 2.0, 3.0), (0.5, 3.5)),
        (Fixed(2.0), [(1.94, 2.06)], (2.0,), (1.0, 3.0)),
    ],
    ids=["uniform", "categorical", "fixed"],
)
def test_what_was_trained_on_is_shaded_and_what_lies_beyond_is_said(distribution, spans, inside, outside):
    np.testing.assert_allclose(trained_spans(distribution), spans)
    assert not any(outside_training(sigma, trained_spans(distribution)) for sigma in inside)
    assert all(outside_training(sigma, trained_spans(distribution)) for sigma in outside)


def test_levels_that_come_with_the_first_step_stand_before_it_too():
    known = np.array([np.nan, np.nan, 3.0, 4.0])
    np.testing.assert_array_equal(training.from_the_first(known), [3, 3, 3, 4])
    np.testing.assert_array_equal(training.from_the_first(known[:2]), known[:2])


def test_a_run_has_settled_so_many_steps_after_the_noise_has_come_there():
    def run(top, steady, changed=(-100.0,)):
        return SimpleNamespace(noise=Uniform(top), steady=steady, changed=np.array(changed))

    assert training.has_settled(run(5.0, 100), 5.0, 100)
    assert not training.has_settled(run(5.0, 99), 5.0, 100)
    assert not training.has_settled(run(1.0, 100), 5.0, 100)
    assert not training.has_settled(run(5.0, 100, ()), 5.0, 100)  # it was there from the beginning


def test_names_of_noises_at_a_tick_are_short_and_have_room():
    assert [table.call_short(one) for one in (Uniform(0), Uniform(7), Categorical((1, 3)))] == [
        "0",
        "7",
        "{1,3}",
    ]
    np.testing.assert_allclose(table.place_by_width(("0", "1", "{1,3}", "2")), [0, 1, 2.4, 3.4])
