"""The implicit lab against Theorem 4.1 by other routes, and notebook 04's exercise against models."""

import numpy as np
import pytest

from lt_helpers import LinearTransformer, Uniform, implicit_regression, load_pretrained
from lt_helpers.exercises.implicit import weight_after
from lt_helpers.labs import ImplicitLab, implicit
from lt_helpers.labs.implicit import model_of, sequence


@pytest.mark.parametrize(
    "model, heads, layers", [("diag", 1, 7), ("full", 1, 4), ("gd++", 1, 3), ("random", 3, 5)]
)
def test_the_path_is_what_models_cut_after_each_layer_answer(model, heads, layers):
    lab = ImplicitLab(model=model, heads=heads, layers=layers, sigma=1.5, seed=3)
    whole = model_of(model, heads, layers)
    x, truth, direction, _ = sequence(3)
    y = x @ truth + 1.5 * direction
    for depth in range(1, layers + 1):
        cut = type(whole)(whole.P[:depth], whole.Q[:depth])
        probed = [cut(x[None], y[None], basis[None], form="tokens")[0] for basis in np.eye(10)]
        np.testing.assert_allclose(lab.arrays.path[depth], probed, rtol=1e-9, atol=1e-10)


def test_answers_lie_on_the_line_for_any_model_and_the_words_say_so():
    lab = ImplicitLab()
    for model, heads in (("diag", 1), ("full", 1), ("random", 1), ("random", 3)):
        lab.controls["model"].value, lab.controls["heads"].value = model, heads
        np.testing.assert_allclose(lab.arrays.answers, lab.arrays.foretold, atol=1e-9)
        assert "⟨w, x⟩ are equal." in lab.words_now and lab.error is None


def test_a_trained_model_ends_nearer_to_the_truth_than_it_began_and_a_random_one_does_not():
    trained, random = (ImplicitLab(model=model, layers=4, sigma=0.5).arrays for model in ("diag", "random"))
    assert trained.to_truth[-1] < 0.5 * trained.to_truth[0]
    assert random.to_truth[-1] > 0.5 * random.to_truth[0]


def test_the_lab_shows_the_stored_model_of_that_depth():
    lab = ImplicitLab(model="full", layers=7, sigma=2.0, seed=5)
    x, truth, direction, _ = sequence(5)
    y = x @ truth + 2.0 * direction
    queries = np.eye(10)
    model = load_pretrained("full", 7, Uniform(5.0))
    answers = model(np.broadcast_to(x, (10, 20, 10)), np.broadcast_to(y, (10, 20)), queries)
    np.testing.assert_allclose(lab.arrays.path[-1], answers, rtol=1e-9, atol=1e-10)
    assert ImplicitLab.compute("gd++", 1, 3, 1.0, None, 1).u_length.max() == 0


def test_a_weight_without_bounds_is_said_and_drawn_at_the_edge(monkeypatch):
    for scale, words in ((0.2, "more than 100 away"), (1e5, "grows beyond all numbers")):
        wild = LinearTransformer.random("full", 10, 4, 2, np.random.default_rng(0), scale)
        monkeypatch.setattr(implicit, "model_of", lambda *arguments, wild=wild: wild)
        lab = ImplicitLab(model="random", heads=2, layers=4, sigma=2.0)
        assert words in lab.words_now and lab.error is None
        distances = np.asarray(next(trace for trace in lab.figure.data if trace.name == "to the truth").y)
        assert distances[np.isfinite(distances)].max() <= 6


def test_the_prediction_is_marked_at_the_last_layer():
    lab = ImplicitLab(layers=3)
    lab.controls["guess"].value = 2.5
    mark = next(trace for trace in lab.figure.data if trace.name == "prediction")
    assert list(mark.x) == [3] and list(mark.y) == [2.5]


@pytest.mark.parametrize("dim, context, layers, heads", [(10, 20, 4, 2), (3, 2, 5, 3), (1, 7, 2, 1)])
def test_the_exercise_steps_through_the_layers_of_any_model(rng, dim, context, layers, heads):
    model = LinearTransformer.random("full", dim, layers, heads, rng, scale=0.3 / np.sqrt(dim))
    x, y = rng.normal(size=(1, context, dim)), rng.normal(size=(1, context))
    state, w = implicit_regression(model, x, y), np.zeros(dim)
    for layer in range(layers):
        w = weight_after(state.M[0, layer], state.u[0, layer], state.a[0, layer], w, state.U[0, layer])
    probed = [model(x, y, basis[None], form="tokens")[0] for basis in np.eye(dim)]
    np.testing.assert_allclose(w, probed, rtol=1e-10, atol=1e-12)
