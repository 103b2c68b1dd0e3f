"""Gauge and the split into a diagonal and a low-rank part."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lt_helpers import Categorical, LinearTransformer, load_pretrained
from lt_helpers.gauge import canonical
from lt_helpers.lowrank import best_of_rank, diagonal_plus_low_rank, share_left

seeds = st.integers(0, 10_000)


@given(seeds)
def test_a_diagonal_plus_rank_one_is_found_exactly(seed):
    """By two signs, u v^T is incoherent with the diagonal: no entry of it stands out."""
    rng = np.random.default_rng(seed)
    D, L = np.diag(rng.normal(size=11)), np.outer(rng.choice([-1, 1], 11), rng.choice([-1, 1], 11))
    found_D, found_L = diagonal_plus_low_rank(D + L, 1, rounds=100)
    np.testing.assert_allclose(found_D, D, atol=1e-8)
    np.testing.assert_allclose(found_L, L, atol=1e-8)


def test_of_a_matrix_that_is_zero_nothing_is_left_out():
    A = np.stack([np.zeros((3, 3)), np.diag([2.0, 1.0, 0.0])])
    np.testing.assert_allclose(share_left(A, np.zeros((2, 3, 3))), [0, 1])


def test_a_diagonal_plus_rank_two_is_found_exactly_for_a_stack_of_matrices(rng):
    D = np.eye(11) * rng.normal(size=(5, 1, 11))
    L = np.linalg.qr(rng.normal(size=(5, 11, 2)))[0] @ np.linalg.qr(rng.normal(size=(5, 11, 2)))[0].mT
    found_D, found_L = diagonal_plus_low_rank(D + L, 2, rounds=2000)
    np.testing.assert_allclose(found_D, D, atol=1e-8)
    np.testing.assert_allclose(found_L, L, atol=1e-8)


@given(seeds)
def test_no_more_is_left_out_at_a_higher_rank_or_after_more_rounds(seed):
    A = np.random.default_rng(seed).normal(size=(6, 6))
    left, L = [], None
    for rank in range(7):
        for _ in range(3):
            D, L = diagonal_plus_low_rank(A, rank, L, rounds=2)
            left.append(share_left(A, D + L))
    assert (np.diff(left) <= 1e-12).all() and left[-1] < 1e-20


@given(seeds, st.integers(0, 5))
def test_the_parts_are_what_they_are_called(seed, rank):
    A = np.random.default_rng(seed).normal(size=(5, 5))
    D, L = diagonal_plus_low_rank(A, rank)
    assert np.count_nonzero(D - np.diag(np.diag(D))) == 0 and np.linalg.matrix_rank(L) == rank
    np.testing.assert_allclose(np.diag(D + L), np.diag(A), atol=1e-12)


def test_no_matrix_of_that_rank_is_nearer(rng):
    A = rng.normal(size=(6, 6))
    nearest = np.linalg.norm(A - best_of_rank(A, 2))
    np.testing.assert_allclose(nearest**2, (np.linalg.eigvalsh(A @ A.T)[:4]).sum())
    for _ in range(200):
        other = best_of_rank(A, 2) + 0.1 * rng.normal(size=(6, 6))
        assert np.linalg.norm(A - best_of_rank(other, 2)) >= nearest


@pytest.mark.parametrize(
    "rank, error, words",
    [
        (12, ValueError, "rank must be from 0 to 11"),
        (1.5, TypeError, "rank is 1.5"),
        (-1, ValueError, "rank is -1"),
    ],
)
def test_a_rank_that_cannot_be_is_refused(rank, error, words):
    with pytest.raises(error, match=words):
        diagonal_plus_low_rank(np.eye(11), rank)


@given(seeds, st.floats(0.1, 10), st.booleans())
def test_any_gauge_of_a_model_has_the_same_canonical_form_and_answers(seed, size, negative):
    rng = np.random.default_rng(seed)
    model = LinearTransformer.random("full", 3, layers=2, heads=2, rng=rng, scale=0.2)
    c = -size if negative else size
    P = model.P * c
    P[-1, :, :-1] = rng.normal(size=(2, 3, 4))
    one, other = canonical(model), canonical(LinearTransformer(P, model.Q / c))
    np.testing.assert_allclose(other.P, one.P, atol=1e-9)
    np.testing.assert_allclose(other.Q, one.Q, atol=1e-9)
    x, y, query = rng.normal(size=(4, 6, 3)), rng.normal(size=(4, 6)), rng.normal(size=(4, 3))
    np.testing.assert_allclose(one(x, y, query, form="tokens"), model(x, y, query, form="tokens"), atol=1e-9)


def test_the_canonical_form_keeps_kind_and_omegas_but_for_the_two_that_do_nothing():
    model = load_pretrained("diag", 4, Categorical((1, 3)))
    omega = model.omega
    omega[-1, 0] = 0
    np.testing.assert_allclose(canonical(model).omega, omega, atol=1e-12)
    assert canonical(model).kind == "diag" and canonical(model).context == model.context
