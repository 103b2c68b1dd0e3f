import numpy as np
import pytest

from lt_helpers import Fixed, LinearTransformer, RegressionTask, adjusted_loss, load_pretrained
from lt_helpers.labs import RescalingLab
from lt_helpers.labs.rescaling_state import (
    CURVE,
    POINTS,
    TRAINED_CURVE,
    TRAINED_ON,
    drawn,
    two_layers,
    with_noise,
)
from lt_helpers.task import second_moments

OPENED = dict(s1=1.0, s2=3.0, context=1000, sigma=1.0, guess=None, seed=1)


def state(**values):
    return RescalingLab.compute(**OPENED | values)


def trace(lab, name, panel):
    axis = "y" if panel == 1 else f"y{panel}"
    return next(trace for trace in lab.figure.data if trace.name == name and trace.yaxis == axis)


@pytest.mark.parametrize("s1, s2", [(1.0, 3.0), (0.5, 2.0), (3.0, 1.0)])
def test_the_weights_solve_the_two_equations_of_the_theorem(s1, s2):
    """c (1 + omega_yy s^2) = 1 / (1 + s^2) at both levels, with c = -omega_yx / n: linear in c and c omega_yy."""
    c, product = np.linalg.solve([[1, s1**2], [1, s2**2]], [1 / (1 + s1**2), 1 / (1 + s2**2)])
    first, second = two_layers(s1, s2, 500).omega
    np.testing.assert_allclose(first, [[0, 0], [-500 * c, 0]])
    np.testing.assert_allclose(second, [[0, 0], [0, product / c]])


def test_the_scale_agrees_with_ridge_at_the_two_levels_and_breaks_at_the_root_of_eleven():
    shown = state()
    np.testing.assert_allclose(np.interp([1, 3], CURVE, shown.line), [1 / 2, 1 / 10])
    np.testing.assert_allclose(shown.breaking, np.sqrt(11))
    assert (shown.line[np.sqrt(11) > CURVE] > 0).all() and (shown.line[np.sqrt(11) < CURVE] < 0).all()


def test_with_many_examples_the_two_layers_do_what_the_theorem_says():
    shown = state(context=10_000)
    sigma = POINTS[:6]
    np.testing.assert_allclose(shown.measured[:6], (11 - sigma**2) / 20, atol=0.02)
    assert shown.measured_distance[1] < 0.01 and shown.measured_distance[3] < 0.01


def test_few_examples_put_the_breaking_point_off():
    few, many = state(context=20).measured, state(context=10_000).measured
    assert few[4] > many[4] + 0.1


@pytest.mark.parametrize("context", [20, 100])
def test_the_scale_and_the_distance_are_those_of_plain_tokens(context):
    """Against other sequences, drawn as tokens and read by attention over them."""
    rng, model, shown = np.random.default_rng(5), two_layers(1.0, 3.0, context), state(context=context)
    batch = RegressionTask(10, context, Fixed(2.0), np.eye(10) / context).sample(4000, rng)
    w = np.stack(
        [model(batch.x, batch.y, np.tile(unit, (4000, 1)), form="tokens") for unit in np.eye(10)], axis=1
    )
    np.testing.assert_allclose(shown.measured[2], (w * batch.w).sum() / (batch.w**2).sum(), atol=0.05)
    strength = (batch.x.mT @ batch.x) + 4.0 * np.eye(10)
    oracle = np.linalg.solve(strength, batch.x.mT @ batch.y[..., None])[..., 0]
    np.testing.assert_allclose(
        shown.measured_distance[2], ((w - oracle) ** 2).sum(axis=1).mean() / 2, rtol=0.2
    )


def test_the_distances_of_the_limit_are_those_of_many_examples():
    task = RegressionTask(10, 5000, Fixed(2.0), np.eye(10) / 5000)
    loss, _ = adjusted_loss(two_layers(1.0, 3.0, 5000), task, 4000, np.random.default_rng(0))
    np.testing.assert_allclose(
        loss * 5000, np.interp(2.0, CURVE, state().line_distance), rtol=0.05
    )  # it weighs with I/n, the lab with I


def test_the_trained_model_is_the_stored_one():
    model, shown = load_pretrained("diag", 2, TRAINED_ON), state()
    for sigma in (1.0, 6.0):
        batch = RegressionTask(10, 20, Fixed(sigma)).sample(20_000, np.random.default_rng(3))
        w = model.implicit_weight(second_moments(batch.x, batch.y))
        np.testing.assert_allclose(
            np.interp(sigma, TRAINED_CURVE, shown.trained),
            (w * batch.w).sum() / (batch.w**2).sum(),
            atol=0.03,
        )


def test_sliding_the_noise_scales_it_and_moves_nothing_else():
    moments = drawn(50, 1 / 50, 3, 0)
    np.testing.assert_allclose(with_noise(moments, 1.0), moments.S, atol=1e-12)
    quiet, loud = (with_noise(moments, sigma) for sigma in (0.0, 2.0))
    np.testing.assert_allclose(quiet[:, :-1, :-1], loud[:, :-1, :-1])
    np.testing.assert_allclose(
        quiet[:, :-1, -1], (moments.S[:, :-1, :-1] @ moments.w[..., None])[..., 0], atol=1e-12
    )
    np.testing.assert_allclose(
        loud[:, :-1, -1] - quiet[:, :-1, -1], 2 * (moments.S[:, :-1, -1] - quiet[:, :-1, -1]), atol=1e-12
    )


def test_beyond_the_breaking_point_the_answer_is_turned_round():
    before, after = state(sigma=3.0), state(sigma=4.0)
    assert before.w @ before.oracle > 0 > after.w @ after.oracle


def test_the_curves_are_drawn_as_far_as_the_noise_has_been_slid():
    lab = RescalingLab(sigma=2.0)
    for name, panel in (("two layers", 1), ("n = 1000", 1), ("trained", 2), ("ConstRR", 3)):
        drawn_curve = trace(lab, name, panel)
        np.testing.assert_array_equal(np.isfinite(drawn_curve.y), np.asarray(drawn_curve.x) <= 2.0 + 1e-9)


def test_the_words_say_the_numbers_and_the_wrong_sign():
    lab = RescalingLab(sigma=2.0)
    assert (
        "σ = 2.0 (σ² = 4.00). Two layers made for 1.0 and 3.0: scale 0.35, where ridge has 0.20."
        in lab.words_now
    )
    assert "wrong sign" not in lab.words_now
    lab.controls["sigma"].value = 3.4
    assert "Beyond σ = 3.32 they answer with the wrong sign." in lab.words_now
    lab.controls["sigma"].value = 12.0
    assert lab.words_now.endswith("What lies beyond an axis is drawn at its edge.")


def test_weights_taken_over_from_sums_are_the_same_model():
    """The paper's weights act on sums over the context: -omega_yx = 11 / 20 and n omega_yx omega_yy = 1 / 20 for {1, 3}."""
    n = 200
    omega = np.zeros((2, 2, 2))
    omega[0, 1, 0], omega[1, 1, 1] = -11 / 20, -1 / (11 * n)
    sums = LinearTransformer.from_diagonals(np.broadcast_to(np.eye(2), (2, 2, 2)), omega, 10)
    np.testing.assert_allclose(
        LinearTransformer.from_sums(sums.P, sums.Q, n).omega, two_layers(1.0, 3.0, n).omega
    )
