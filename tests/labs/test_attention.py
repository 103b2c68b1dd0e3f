"""The attention lab and notebook 01's exercise, each against a loop over tokens or pairs."""

import numpy as np
import pytest

from lt_helpers.exercises.attention import in_order_n, linear_attention
from lt_helpers.labs import AttentionLab
from lt_helpers.labs.attention import sequence
from lt_helpers.labs.attention_forms import (
    FORMS,
    LENGTHS,
    map_first,
    microseconds,
    products,
    softmax_attention,
    state_first,
)
from lt_helpers.model import attend


def one_by_one(tokens, P, Q, softmax):
    """Attention as its definition says it: token by token, score by score."""
    after = []
    for e in tokens:
        scores = np.array([other @ Q @ e for other in tokens])
        weights = np.exp(scores) / np.exp(scores).sum() if softmax else scores / len(tokens)
        after.append(e + sum(weight * P @ other for weight, other in zip(weights, tokens)))
    return np.array(after)


@pytest.mark.parametrize("n, D", [(9, 4), (3, 7), (1, 1)])
def test_each_form_is_attention_token_by_token(rng, n, D):
    tokens, P, Q = rng.normal(size=(n, D)), *rng.normal(size=(2, D, D))
    for form, softmax in ((softmax_attention, True), (map_first, False), (state_first, False)):
        np.testing.assert_allclose(
            form(tokens, P, Q), one_by_one(tokens, P, Q, softmax), rtol=1e-9, atol=1e-9
        )


def test_products_are_counted_as_the_matrices_are_multiplied(rng):
    """Every matrix product that a form does, by its shapes; the products of the two orders cross where n = D."""
    n, D = 12, 5

    def matrices(*shapes):
        return sum(rows * inner * columns for rows, inner, columns in shapes)

    mapped = matrices((n, D, D), (n, D, n), (n, D, D), (n, n, D))  # E Q^T, scores, E P^T, mixing
    stated = matrices((D, n, D), (D, D, D), (D, D, D), (n, D, D))  # S, P S, (P S) Q, and its product with E
    assert list(products(n, D)) == [mapped + 2 * n * n, mapped, stated]
    assert products(D, D)[1] == products(D, D)[2] and products(D + 1, D)[1] > products(D + 1, D)[2]


def test_the_map_is_what_the_tokens_read_of_each_other():
    lab = AttentionLab(n=7, d=3, sharpness=1.5, attention="softmax", seed=2)
    x = sequence(2)[0][:7, :3]
    for i, weights in enumerate(lab.arrays.weights):
        expected = [np.exp(1.5 * x[i] @ other / np.sqrt(3)) for other in x]
        np.testing.assert_allclose(weights, np.array(expected) / sum(expected))
    lab.controls["attention"].value = "linear"
    np.testing.assert_allclose(lab.arrays.weights[2, 5], 1.5 * x[2] @ x[5] / np.sqrt(3) / 7)
    np.testing.assert_allclose(lab.figure.data[0].z, 7 * lab.arrays.weights)


def test_the_linear_weights_answer_as_the_package_does():
    lab = AttentionLab(n=12, d=4, sharpness=0.5, seed=5)
    inputs, truth, query = sequence(5)
    x, query, labels = (
        inputs[None, :12, :4],
        query[None, :4],
        inputs[:12, :4] @ truth[:4] / np.linalg.norm(truth[:4]),
    )
    P, Q = np.diag([0, 0, 0, 0, 1.0]), np.diag([0.25] * 4 + [0])  # 0.25 = sharpness / sqrt(d)
    np.testing.assert_allclose(
        lab.arrays.by_score @ labels, -attend(P[None, None], Q[None, None], x, labels[None], query)[0]
    )
    np.testing.assert_allclose(lab.arrays.state[-1, -1], (labels**2).mean())


def test_more_tokens_only_lengthen_the_context():
    short, long = AttentionLab(n=10, attention="linear").arrays, AttentionLab(n=30, attention="linear").arrays
    np.testing.assert_allclose(10 * short.weights, 30 * long.weights[:10, :10])
    assert short.state.shape == long.state.shape


def test_a_sharp_softmax_reads_one_token():
    sharp = AttentionLab(sharpness=8.0, d=31, seed=1).arrays
    flat = AttentionLab(sharpness=0.0).arrays
    assert sharp.by_softmax.max() > 0.9
    np.testing.assert_allclose(flat.by_softmax, 1 / 16)
    assert not flat.by_score.any()


def test_costs_are_counted_at_first_and_measured_on_request():
    lab = AttentionLab(n=20, d=10)
    assert "softmax 14,440, map first 13,640, state first 7,502" in lab.words_now
    lab.controls["cost"].value = "measured"
    assert lab.error is None and "On this machine 1024 such tokens" in lab.words_now
    assert lab.arrays.cost.shape == (len(FORMS), len(LENGTHS)) and (lab.arrays.cost > 0).all()
    assert lab.arrays.cost is microseconds(11), "measured once for each D"


def test_what_lies_beyond_an_axis_is_said():
    assert "beyond" not in AttentionLab(n=16, sharpness=1.0).words_now
    lab = AttentionLab(n=2, sharpness=8.0)
    assert "drawn at its edge" in lab.words_now and abs(lab.arrays.by_score).max() > 1.05


def test_the_exercise_wants_no_array_of_all_pairs():
    assert in_order_n.verdict(linear_attention).startswith("Correct")
    assert "1000 x 1000" in in_order_n.verdict(map_first)
    assert (
        in_order_n.verdict(
            lambda tokens, P, Q: np.stack(
                [e + P @ (tokens.T @ (tokens @ (Q @ e))) / len(tokens) for e in tokens]
            )
        )[:7]
        == "Correct"
    )
