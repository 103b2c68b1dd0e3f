"""More heads from a model with one: what they start from is never made worse, and what happens twice is the same."""

import numpy as np
import pytest

from lt_helpers import Categorical, RegressionTask
from lt_helpers.training import plans, widening
from lt_helpers.training.parameters import family
from lt_helpers.training.plans import Round
from lt_helpers.training.search import weighed

TASK = RegressionTask(3, 7, Categorical((1, 3)))
ONE, TWO = family("full", 2, 3), family("full", 2, 3, heads=2)


@pytest.fixture
def start():
    """A model with one head at its best, and another head of noise."""
    rng = np.random.default_rng(0)
    return TWO.with_heads(ONE.start(rng, TASK.noise), rng, TASK.noise)


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(plans, "WIDENING", Round(steps=100, batch=64, learning_rate=0.006, keep=1))


def loss_of(theta):
    """On sequences that are the same for all."""
    return weighed(TWO, theta, TASK, 20_000, np.random.default_rng(1))[0]


def test_it_ends_better_than_it_began_and_the_same_seed_ends_the_same(start):
    seen = []
    first = widening.solve(TWO, TASK, 3, {"one head": start}, seen.append)
    again = widening.solve(TWO, TASK, 3, {"one head": start})
    assert np.array_equal(first.theta, again.theta) and first.start == "with another head"
    assert loss_of(first.theta) < 0.8 * loss_of(start)
    assert [report.done for report in seen] == list(range(1, 101)) and seen[0].total == first.steps == 100


def test_a_second_head_that_leads_nowhere_leaves_what_it_was_given(start, monkeypatch):
    monkeypatch.setattr(plans, "WIDENING", Round(steps=1, batch=2, learning_rate=1e3, keep=1))
    found = widening.solve(TWO, TASK, 0, {"one head": start})
    assert found.start == "one head, as it came" and np.array_equal(found.theta, start)


def test_an_interrupt_keeps_the_best_so_far(start):
    def interrupt(report):
        if report.done == 60:
            raise KeyboardInterrupt

    found = widening.solve(TWO, TASK, 0, {"one head": start}, interrupt)
    assert found.interrupted and found.steps == 60 and loss_of(found.theta) < 1.01 * loss_of(start)


def test_without_a_start_it_says_so():
    with pytest.raises(ValueError, match=r"warm is \{\}: more heads need at least one start"):
        widening.solve(TWO, TASK, 0, {})
