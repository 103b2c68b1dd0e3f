import numpy as np
import pytest

from lt_helpers import load_pretrained
from lt_helpers.algorithm import as_model
from lt_helpers.implicit import implicit_from_moments
from lt_helpers.labs import AlgorithmLab
from lt_helpers.labs.algorithm_state import COUNT, LEVELS, scaled
from lt_helpers.labs.rescaling_state import drawn, with_noise
from lt_helpers.noise import parse_noise
from lt_helpers.spectrum import Spectrum

FAMILY = dict(noise="categorical-1-3-5", layers=4)
OPENED = dict(sigma=1.0, precondition=1.0, adapt=1.0, step=1.0, rescale=1.0, guess=None, seed=1, **FAMILY)


def state(**values):
    return AlgorithmLab.compute(**OPENED | values)


def trace(lab, name, panel):
    axis = "y" if panel == 1 else f"y{panel}"
    return next(trace for trace in lab.figure.data if trace.name == name and trace.yaxis == axis)


def ridge(S, variance):
    """Ridge regression for one context, from its moments."""
    return np.linalg.solve(S[:-1, :-1] + variance / 20 * np.eye(10), S[:-1, -1])


def contexts(sigma):
    return with_noise(drawn(20, 1.0, COUNT, 0), sigma)


@pytest.mark.parametrize("noise, layers", [("categorical-1-3-5", 4), ("uniform-5", 7)])
def test_as_trained_the_errors_are_those_of_the_stored_model(noise, layers):
    shown, model = (
        state(noise=noise, layers=layers, sigma=3.0),
        load_pretrained("diag", layers, parse_noise(noise)),
    )
    S = contexts(3.0)
    oracle = np.array([ridge(one, 9.0) for one in S])
    w = implicit_from_moments(model, S).w
    np.testing.assert_allclose(
        shown.by_layer, ((w - oracle[:, None]) ** 2).sum(axis=-1).mean(axis=0) / 2, rtol=1e-9
    )
    np.testing.assert_allclose(shown.by_noise[LEVELS == 3.0], shown.by_layer[-1])
    np.testing.assert_array_equal(shown.trained_by_layer, shown.by_layer)


def test_adarr_is_ridge_with_the_variance_of_the_residuals():
    shown, errors = state(sigma=2.0), []
    for S in contexts(2.0):
        residual = S[-1, -1] - S[:-1, -1] @ np.linalg.solve(
            S[:-1, :-1], S[:-1, -1]
        )  # a mean over 20, with 10 degrees of freedom
        errors.append(((ridge(S, residual * 20 / 10) - ridge(S, 4.0)) ** 2).sum() / 2)
    np.testing.assert_allclose(shown.adarr, np.mean(errors))
    np.testing.assert_allclose(shown.adarr_by_noise[2], np.mean(errors))


def test_a_slider_multiplies_its_term_in_all_layers():
    trained = load_pretrained("diag", 4, parse_noise("categorical-1-3-5")).omega
    for name, (row, column) in dict(precondition=(0, 0), adapt=(0, 1), step=(1, 0), rescale=(1, 1)).items():
        omega = trained.copy()
        omega[:, row, column] *= 0.4
        S = with_noise(drawn(20, 1.0, 1, 1), 2.0)
        np.testing.assert_allclose(
            state(sigma=2.0, **{name: 0.4}).w, as_model(omega, 10).implicit_weight(S)[0]
        )


def test_without_the_gradient_step_nothing_is_learned():
    shown = state(step=0.0, sigma=2.0)
    np.testing.assert_array_equal(shown.w, 0)
    np.testing.assert_allclose(
        shown.by_layer, np.mean([(ridge(S, 4.0) ** 2).sum() / 2 for S in contexts(2.0)])
    )


def test_without_the_two_readers_of_the_noise_it_is_gd_plus_plus():
    model = as_model(scaled("categorical-1-3-5", 4, (1.0, 0.0, 1.0, 0.0)), 10)
    S, labels_doubled = contexts(2.0), np.diag([1.0] * 10 + [2.0])
    doubled = labels_doubled @ S @ labels_doubled
    np.testing.assert_allclose(model.implicit_weight(doubled), 2 * model.implicit_weight(S))
    assert not np.allclose(
        as_model(scaled("categorical-1-3-5", 4, (1.0,) * 4), 10).implicit_weight(doubled),
        2 * model.implicit_weight(S),
    )


def test_each_direction_of_the_answer_is_the_share_of_least_squares_that_is_drawn():
    shown = state(sigma=2.0, rescale=0.8)
    spectrum = Spectrum.from_moments(with_noise(drawn(20, 1.0, 1, 1), 2.0), 20)
    least_squares = spectrum.alpha[0] / spectrum.s[0]
    np.testing.assert_allclose(
        shown.kept, spectrum.components(shown.w[None])[0] / least_squares, rtol=1e-4, atol=1e-6
    )


def test_the_readers_of_the_noise_matter_where_it_is_noisy_and_the_preconditioner_everywhere():
    for name in ("adapt", "rescale"):
        shown = state(**{name: 0.0})
        ratio = shown.by_noise / shown.trained_by_noise
        assert ratio[LEVELS == 5.0] > 10 * ratio[LEVELS == 0.0]
    shown = state(precondition=0.0)
    assert (shown.by_noise > 10 * shown.trained_by_noise).all()


def test_the_words_say_what_is_changed_and_what_came_of_it():
    lab = AlgorithmLab()
    assert "trained on {1, 3, 5}, as trained: the error is" in lab.words_now
    lab.controls["rescale"].value = 0.0
    lab.controls["adapt"].value = 0.5
    assert "without ω_yy, ω_xy × 0.5: the error is" in lab.words_now
    assert f"as trained {lab.arrays.trained_by_layer[-1]:.2g}." in lab.words_now


def test_an_explosion_is_drawn_at_the_edge_and_said():
    lab = AlgorithmLab(sigma=8.0, rescale=0.0, precondition=2.0, layers=7, noise="uniform-5")
    assert not lab.arrays.by_layer[-1] < 100
    assert "above 100 (it explodes)" in lab.words_now and lab.words_now.endswith(
        "What lies beyond an axis is drawn at its edge."
    )
    np.testing.assert_allclose(trace(lab, "algorithm", 1).y[-1], 50)


def test_an_explosion_of_what_was_trained_is_said_once():
    trained, changed = (
        AlgorithmLab(noise="uniform-1", layers=7, **terms).words_now for terms in ({}, {"step": 0.0})
    )
    assert "At σ = 8 it explodes." in trained and "what was trained" not in trained
    assert "At σ = 8 what was trained explodes." in changed and "it explodes" not in changed


def test_a_prediction_is_marked_at_the_noise():
    lab = AlgorithmLab(sigma=5.0, guess=2.0)
    marker = trace(lab, "prediction", 2)
    assert (list(marker.x), list(marker.y)) == ([5.0], [2.0])


@pytest.mark.parametrize(
    "values, words",
    [
        (dict(rescale=3.0), "rescale must be from 0 to 2"),
        (dict(layers=1), "layers must be one of 2, 3, 4"),
        (dict(noise="u5"), "noise is 'u5'"),
    ],
)
def test_a_bad_value_is_named(values, words):
    with pytest.raises(ValueError, match=words):
        AlgorithmLab(**values)
