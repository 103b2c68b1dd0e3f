"""The exercises of notebook 05: what a layer makes of eigenvalues, and a loop that may not end."""

import math
import sys
import time

import numpy as np
import pytest

from lt_helpers.exercises.preconditioning import after_layer, condition_after, gammas, layers_needed


@pytest.mark.parametrize("gamma", [0.0, 1 / 7, 0.4])
def test_an_eigenvalue_after_a_layer_is_that_of_the_moved_inputs(gamma, rng):
    x = rng.normal(size=(30, 4))
    Sigma = x.T @ x / 30
    moved = x - gamma * x @ Sigma
    after = np.linalg.eigvalsh(moved.T @ moved / 30)
    np.testing.assert_allclose(np.sort(after_layer.solution(np.linalg.eigvalsh(Sigma), gamma)), after)


def compares_kappa_itself(kappa, eps):
    layers = 0
    while kappa >= eps:
        kappa, layers = kappa * (4 / 9) / (1 - 1 / (3 * kappa)) ** 2, layers + 1
    return layers


def in_one_line():
    """A loop that never comes to another line, which a formatter would not leave."""
    names = {}
    exec("def loop(kappa, eps):\n    while True: pass", names)
    return names["loop"]


def catches_all(kappa, eps):
    while kappa >= eps:
        try:
            kappa = kappa * (4 / 9) / (1 - 1 / (3 * kappa)) ** 2
        except Exception:
            kappa = 2.0


def loses_a_three(kappa, eps):
    layers = 0
    while kappa - 1 >= eps:  # it stops falling at 3
        kappa, layers = kappa * (4 / 9) / (1 - 1 / kappa) ** 2, layers + 1
    return layers


def loses_four_ninths(kappa, eps):
    layers = 0
    while kappa - 1 >= eps:
        kappa, layers = kappa / (1 - 1 / (3 * kappa)) ** 2, layers + 1
    return layers


def keeps_kappa(kappa, eps):
    layers = 0
    while kappa - 1 >= eps:
        new = kappa * (4 / 9) / (1 - 1 / (3 * kappa)) ** 2
        layers += new > 0
    return layers


@pytest.mark.parametrize(
    "endless, reason",
    [
        (compares_kappa_itself, "κ is never below 1"),
        (catches_all, "κ is never below 1"),
        (in_one_line(), "stays as it was"),
        (keeps_kappa, "stays as it was"),
        (lambda kappa, eps: keeps_kappa(kappa, eps), "stays as it was"),
        (loses_a_three, "Compare your formula"),
        (loses_four_ninths, "Compare your formula"),
    ],
)
def test_a_loop_that_never_ends_is_told_so_with_its_reason_and_nobody_waits(endless, reason):
    start = time.perf_counter()
    verdict = layers_needed.verdict(endless)
    assert verdict.startswith("Not yet. Your loop does not end") and reason in verdict
    assert time.perf_counter() - start < 10


def bounded(goes_on, after, bound):
    """A loop that counts, with a bound of its own."""

    def loop(kappa, eps):
        layers = 0
        while goes_on(kappa, eps) and layers < bound:
            kappa, layers = after(kappa), layers + 1
        return layers

    return loop


def breaks_off(kappa, eps):
    for layers in range(1000):
        if kappa < eps:
            return layers
        kappa = condition_after(kappa)
    return layers


@pytest.mark.parametrize(
    "attempt, count, reason",
    [
        (bounded(lambda kappa, eps: kappa >= eps, condition_after, 20), 20, "κ is never below 1"),
        (bounded(lambda kappa, eps: kappa >= eps, condition_after, 1000), 1000, "κ is never below 1"),
        (breaks_off, 999, "κ is never below 1"),
        (bounded(lambda kappa, eps: kappa - 1 >= eps, lambda kappa: kappa, 100), 100, "stays as it was"),
        (
            bounded(
                lambda kappa, eps: kappa - 1 >= eps, lambda kappa: kappa * 4 / 9 / (1 - 1 / kappa) ** 2, 100
            ),
            100,
            "Compare your formula",
        ),
    ],
)
def test_a_loop_that_only_its_own_bound_ends_is_told_so_with_its_reason(attempt, count, reason):
    verdict = layers_needed.verdict(attempt)
    assert f"until your own bound ends it: it gives {count} for every input" in verdict and reason in verdict


@pytest.mark.parametrize(
    "attempt", [lambda kappa, eps: 50, lambda kappa, eps: True, lambda kappa, eps: float("inf")]
)
def test_what_is_returned_without_a_loop_is_not_said_to_have_a_bound(attempt):
    assert "bound" not in layers_needed.verdict(attempt)


def test_a_bound_that_is_never_reached_does_no_harm():
    assert layers_needed.verdict(
        bounded(lambda kappa, eps: kappa - 1 >= eps, condition_after, 100)
    ).startswith("Correct")


def in_a_loop(choose):
    """The gammas of a loop over the layers, each from the eigenvalues that are left."""

    def attempt(s, layers):
        found = []
        for _ in range(layers):
            found.append(choose(s))
            s = s * (1 - found[-1] * s) ** 2
        return found

    return attempt


@pytest.mark.parametrize(
    "choose, words",
    [
        (lambda s: 1 / s.max(), "You left the 3 out"),
        (lambda s: s.max() / 3, "a third of the largest eigenvalue"),
        (lambda s: 1 / 3 * s.max(), "with brackets"),
        (lambda s: 1 / (3 * s.max()), "Correct"),
    ],
)
def test_gammas_that_a_loop_finds_are_judged_as_well_as_powers(choose, words):
    assert words in gammas.verdict(in_a_loop(choose))


def test_who_traces_goes_on_after_a_loop_was_watched():
    def tracer(frame, event, argument):
        return None

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        layers_needed.verdict(compares_kappa_itself)
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("rounding", [round, math.ceil, math.floor])
def test_how_the_number_grows_is_not_taken_for_another_mistake_that_gives_as_many(rounding):
    """log 10 + log log 10^6 is 4.9: rounded down that is what comes of a lost square."""
    verdict = layers_needed.verdict(lambda kappa, eps: rounding(np.log(kappa) + np.log(np.log(1 / eps))))
    assert "That is log κ + log log 1/ε, rounded" in verdict


def test_a_number_that_one_mistake_gives_by_chance_is_not_given_its_name():
    assert "deviation" in layers_needed.verdict(lambda kappa, eps: 6)


@pytest.mark.parametrize(
    "attempt, words",
    [
        (lambda kappa, eps: [][0], "stops with IndexError"),
        (7, "deviation"),
        (lambda kappa, eps: "seven", "type str"),
    ],
)
def test_what_stops_or_is_nonsense_is_said(attempt, words):
    assert words in layers_needed.verdict(attempt)


def test_what_a_loop_prints_appears_once(capsys):
    layers_needed.verdict(lambda kappa, eps: print("here"))
    assert capsys.readouterr().out.count("here") == 1
