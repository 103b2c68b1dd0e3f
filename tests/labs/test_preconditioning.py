import numpy as np
import pytest

from lt_helpers.labs import PreconditioningLab
from lt_helpers.labs.preconditioning import gd_plus_plus, problem

OPENED = dict(kappa=20, gamma=0.33, layers=4, follow=True, expected=None)


def state(**values):
    return PreconditioningLab.compute(**OPENED | values)


@pytest.mark.parametrize(
    "gamma, follow", [(0.0, True), (0.33, True), (0.9, True), (1.2, False), (0.5, False), (1.0, False)]
)
def test_the_transformer_does_to_each_direction_what_the_formulas_say(gamma, follow):
    shown = state(kappa=50, gamma=gamma, follow=follow, layers=6)
    s, left = np.geomspace(1 / 50, 1, 10), np.ones(10)
    for layer in range(6):
        np.testing.assert_allclose(shown.eigenvalues[layer], s)
        np.testing.assert_allclose(shown.error[layer], np.linalg.norm(left) / np.sqrt(10), rtol=1e-9)
        strength = gamma / (s.max() if follow else 1)
        left = left * (1 - 2 / (s.min() + s.max()) * s)
        s = s * (1 - strength * s) ** 2
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(shown.condition[6], s.max() / s.min())
    np.testing.assert_allclose(shown.error[6], np.linalg.norm(left) / np.sqrt(10), rtol=1e-9)


def test_the_eigenvalues_are_those_of_the_tokens():
    s, x, y = problem(20)
    model, _, eigenvalues = gd_plus_plus(s, 0.6, 3, follow=True)
    tokens = np.concatenate([x[0], y[0][:, None]], axis=1)
    for layer in range(3):
        tokens = tokens + tokens @ model.Q[layer, 0].T @ tokens.T @ tokens @ model.P[layer, 0].T / len(tokens)
        inputs = tokens[:, :-1]
        np.testing.assert_allclose(
            np.linalg.eigvalsh(inputs.T @ inputs / len(inputs)), np.sort(eigenvalues[layer + 1]), atol=1e-12
        )


@pytest.mark.parametrize("kappa", [2, 20, 1000])
def test_a_third_follows_the_theorem(kappa):
    shown = state(kappa=kappa, gamma=1 / 3, layers=12)
    np.testing.assert_allclose(shown.condition, shown.theorem, rtol=1e-9)


def test_without_preconditioning_it_is_gradient_descent():
    shown = state(gamma=0.0, layers=12)
    np.testing.assert_allclose(shown.error, shown.rivals["gradient descent"], rtol=1e-9)
    np.testing.assert_allclose(shown.condition, 20)


def test_the_rivals_in_closed_form():
    shown, s, steps = state(kappa=20), np.geomspace(1 / 20, 1, 10), np.arange(13)[:, None]
    descent = (1 - 2 / (1 + 1 / 20) * s) ** steps
    newton = (1 - s**2 / (s**2).sum()) ** 2.0**steps
    np.testing.assert_allclose(
        shown.rivals["gradient descent"], np.linalg.norm(descent, axis=1) / np.sqrt(10)
    )
    np.testing.assert_allclose(
        shown.rivals["Newton"], np.linalg.norm(newton, axis=1) / np.sqrt(10), rtol=1e-9
    )
    step, beta = 4 / (1 + 20**-0.5) ** 2, ((20**0.5 - 1) / (20**0.5 + 1)) ** 2
    before = left = np.ones(10)
    for k in range(13):
        np.testing.assert_allclose(shown.rivals["heavy ball"][k], np.linalg.norm(left) / np.sqrt(10))
        before, left = left, (1 + beta - step * s) * left - beta * before


def test_gamma_times_s_of_one_kills_a_direction_for_ever():
    lab = PreconditioningLab(gamma=1.0, follow=False, layers=6)
    assert (lab.arrays.eigenvalues[1:, -1] == 0).all() and (lab.arrays.eigenvalues[:, :-1] > 0).all()
    assert np.isinf(lab.arrays.condition[1:]).all() and "1 of 10 directions met γs = 1" in lab.words_now


def test_the_words_say_what_is_drawn():
    lab = PreconditioningLab(layers=12)
    assert lab.words_now.startswith(
        "γ × largest s = 0.33, 12 layers: the condition number goes from 20 to below 1.001."
    )
    assert (
        f"GD++ {lab.arrays.error[-1]:.2g}, gradient descent {lab.arrays.rivals['gradient descent'][12]:.2g}"
        in lab.words_now
    )
    drawn = next(trace for trace in lab.figure.data if trace.name == "GD++" and trace.yaxis == "y4")
    np.testing.assert_array_equal(drawn.y, np.clip(lab.arrays.error, 1e-8, 10))
    lab.controls["kappa"].value = 1000
    lab.controls["gamma"].value = 0.05
    assert lab.words_now.endswith("What lies beyond an axis is drawn at its edge.")


def test_the_drawing_does_not_give_the_answer_away():
    """Nothing of GD++ or of the theorem is drawn beyond the layers that the learner has chosen."""
    figure = PreconditioningLab(layers=2).figure
    assert {len(trace.y) for trace in figure.data if trace.yaxis == "y3" and trace.name} == {3}


def test_a_prediction_is_marked():
    lab = PreconditioningLab(expected=7)
    star = next(trace for trace in lab.figure.data if trace.name == "prediction")
    assert list(star.x) == [7] and list(star.y) == [0.01]
