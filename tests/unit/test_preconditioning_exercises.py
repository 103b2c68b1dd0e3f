"""The exercises of notebook 05: what a layer makes of eigenvalues, and a loop that may not end."""

import time

import numpy as np
import pytest

from lt_helpers.exercises.preconditioning import after_layer, layers_needed


@pytest.mark.parametrize("gamma", [0.0, 1 / 7, 0.4])
def test_an_eigenvalue_after_a_layer_is_that_of_the_moved_inputs(gamma, rng):
    x = rng.normal(size=(30, 4))
    Sigma = x.T @ x / 30
    moved = x - gamma * x @ Sigma
    after = np.linalg.eigvalsh(moved.T @ moved / 30)
    np.testing.assert_allclose(np.sort(after_layer.solution(np.linalg.eigvalsh(Sigma), gamma)), after)


def endless(kappa, eps):
    layers = 0
    while kappa >= eps:
        kappa, layers = kappa * (4 / 9) / (1 - 1 / (3 * kappa)) ** 2, layers + 1
    return layers


def test_a_loop_that_never_ends_is_told_so_and_nobody_waits():
    start = time.perf_counter()
    assert layers_needed.verdict(endless).startswith("Not yet. Your loop does not end.")
    assert time.perf_counter() - start < 10


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
