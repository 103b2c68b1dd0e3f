"""The implicit lab against Theorem 4.1 by other routes, and notebook 04's exercise against models."""

from dataclasses import replace

import by_hand
import numpy as np
import pytest
from marks import assert_marks, assert_messages, drawn

from lt_helpers import LinearTransformer, Uniform, implicit_regression, load_pretrained
from lt_helpers.exercises.implicit import weight_after
from lt_helpers.labs import ImplicitLab, implicit
from lt_helpers.language import catalogue
from lt_helpers.pretrained import stored

AXES = {
    ("weight", "axes"): (("component", 0.5, 10.5), ("", -0.5, 9.5)),
    ("distance", "axes"): (("layer", -0.3, 7.3), ("distance", 0, 6)),
    ("parts", "axes"): (("layer", -0.3, 7.3), ("size", 0, 2.5)),
    ("answer", "axes"): (("foretold", -8, 8), ("answer", -8, 8)),
}

ROLES = {
    ("parts", "a"): "first",
    ("parts", "u"): "second",
    ("parts", "M"): "third",
    ("answer", "queries"): "model",
}


def read(values):
    """What a lab reads, inputs (n, d), labels (n,), truth (d,) and queries (12, d), and its model."""
    rng = np.random.default_rng(values["seed"])
    x, truth, direction = rng.normal(size=(20, 10)), rng.normal(size=10), rng.normal(size=20)
    queries = rng.normal(size=(12, 10))
    kind, heads, layers = values["model"], values["heads"], values["layers"]
    if kind == "random":
        rng, scale = np.random.default_rng([layers, heads]), 0.2 / layers**0.5 / heads**0.25
        model = LinearTransformer.random("full", 10, layers, heads, rng, scale)
    else:
        model = load_pretrained(kind, layers, Uniform(5.0), heads)
    return x, x @ truth + values["sigma"] * direction, truth, queries, model


def answer(model, x, y, query):
    """The answer to a query, which is one more token that only reads."""
    token = np.append(query, 0.0)
    for P, Q, context in zip(model.P, model.Q, by_hand.tokens_by_layer(model, x, y)):
        added = np.zeros(11)
        for head_P, head_Q in zip(P, Q):
            for other in context:
                added += head_P @ other * (other @ head_Q @ token) / len(context)
        token = token + added
    return -token[-1]


def parts(model, x, y):
    """M, u and a after each layer: the linear map that takes all tokens to where they are, by least squares."""
    tokens = by_hand.tokens_by_layer(model, x, y)
    maps = [np.linalg.lstsq(tokens[0], after)[0].T for after in tokens]
    return [(Phi[:10, :10], Phi[:10, 10], Phi[10, 10]) for Phi in maps]


def expected(values):
    """What belongs to each mark, token by token."""
    x, y, truth, queries, model = read(values)
    path, oracle = by_hand.probe_layers(model, x, y), by_hand.ridge(x, y, values["sigma"] ** 2)
    layer = np.arange(model.layers + 1)
    state = parts(model, x, y)
    predictions = {("distance", "prediction"): (layer[-1], values["guess"])} if values["guess"] else {}
    return AXES | {
        ("weight", "weights"): (
            np.arange(1, 11),
            np.arange(model.layers + 3),
            [truth, oracle, *path[::-1]],  # from below
            2.5,
        ),
        ("distance", "truth"): (layer, [np.sqrt(sum((w - truth) ** 2)) for w in path]),
        ("distance", "oracle"): (layer, [np.sqrt(sum((w - oracle) ** 2)) for w in path]),
        ("parts", "a"): (layer, [abs(a) for _, _, a in state]),
        ("parts", "u"): (layer, [np.sqrt(sum(u**2)) for _, u, _ in state]),
        ("parts", "M"): (layer, [np.sqrt(np.mean(((M - np.eye(10)) ** 2).sum(axis=1))) for M, _, _ in state]),
        ("answer", "diagonal"): ([-8, 8], [-8, 8]),
        ("answer", "queries"): (
            [path[-1] @ query for query in queries],
            [answer(model, x, y, query) for query in queries],
        ),
        **predictions,
    }


@pytest.mark.parametrize(
    "values",
    [
        dict(model="full", layers=4, sigma=2.0, seed=5),
        dict(model="random", heads=3, layers=2, sigma=1.5, seed=8, guess=2.5),  # a turns negative
        dict(model="diag", heads=2, layers=3, sigma=3.0, seed=66),
    ],
    ids=["full", "random", "two heads"],
)
def test_every_mark_is_what_another_route_finds(values):
    lab = ImplicitLab(**values)
    assert_marks(lab, expected(lab.values), ROLES, rtol=1e-7, atol=1e-9)


def test_the_rows_have_their_names_from_below():
    lab = ImplicitLab(layers=2)
    axis = lab.drawing["layout"]["yaxis"]
    assert axis["tickvals"] == [0, 1, 2, 3, 4]
    assert axis["ticktext"] == ["truth", "oracle", "w<sup>2</sup>", "w<sup>1</sup>", "w<sup>0</sup>"]
    assert "12 other queries" in lab.drawing["layout"]["annotations"][3]["text"]


def test_the_words_are_of_what_is_drawn():
    lab = ImplicitLab(model="gd++", layers=1, sigma=1.5, seed=7)
    table = expected(lab.values)
    to_truth, to_oracle = table["distance", "truth"][1], table["distance", "oracle"][1]
    assert_messages(
        lab,
        {
            "implicit.setting": dict(sigma=1.5, squared=2.25),
            "layers.count": dict(count=1),
            "implicit.way": {},
            "implicit.distance": [dict(distance=d) for d in (to_truth[0], to_truth[1], to_oracle[1])],
            "implicit.equal": dict(count=12),
        },
    )


@pytest.mark.parametrize("model, heads", [("diag", 1), ("full", 1), ("random", 1), ("random", 3)])
def test_answers_lie_on_the_line_for_any_model_and_the_words_say_so(model, heads):
    lab = ImplicitLab(model=model, heads=heads)
    np.testing.assert_allclose(lab.arrays.answers, lab.arrays.foretold, atol=1e-9)
    assert "⟨w, x⟩ are equal." in lab.words_now


def test_a_trained_model_ends_nearer_to_the_truth_than_it_began_and_a_random_one_does_not():
    trained, random = (ImplicitLab(model=model, layers=4, sigma=0.5).arrays for model in ("diag", "random"))
    assert trained.to_truth[-1] < 0.5 * trained.to_truth[0]
    assert random.to_truth[-1] > 0.5 * random.to_truth[0]


def test_for_gd_plus_plus_u_stays_0_and_a_stays_1():
    state = ImplicitLab.compute("gd++", 1, 3, 1.0, 1)
    assert state.u_length.max() == 0
    np.testing.assert_allclose(state.a, 1)
    assert state.M_moved[-1] > 0.1


def test_stored_models_of_up_to_seven_layers_are_offered_and_random_ones():
    lab = ImplicitLab()
    there = {
        (entry["kind"], entry["heads"], entry["layers"])
        for entry in stored()
        if entry["noise"] == "uniform-5"
    }
    there |= {("random", heads, layers) for heads in (1, 2, 3) for layers in range(1, 8)}
    for model in ("diag", "full", "gd++", "random"):
        lab.controls["model"].value = model
        for _, heads in lab.controls["heads"].options:
            lab.controls["heads"].value = heads
            offered = {(model, heads, layers) for _, layers in lab.controls["layers"].options}
            assert offered == {each for each in there if each[:2] == (model, heads) and each[2] <= 7}
            there -= offered
    assert all(layers > 7 for _, _, layers in there)
    assert [label for label, _ in lab.controls["model"].options] == [
        "trained DIAG",
        "trained FULL",
        "trained GD++",
        "random FULL",
    ]


@pytest.mark.parametrize(
    "scale, seed, words", [(0.2, 4321, "more than 100 away"), (1e5, 4322, "grows beyond all numbers")]
)
def test_a_weight_without_bounds_is_said_and_drawn_at_the_edge(monkeypatch, scale, seed, words):
    wild = LinearTransformer.random("full", 10, 4, 2, np.random.default_rng(0), scale)
    monkeypatch.setattr(implicit, "model_of", lambda *arguments: wild)
    lab = ImplicitLab(model="random", heads=2, layers=4, sigma=2.0, seed=seed)  # a state of no other test
    assert words in lab.words_now and "to the truth in “How far w is”" in lab.words_now
    distances = np.asarray(drawn(lab, "distance", "truth")["y"])
    assert distances[np.isfinite(distances)].max() == 6
    colours = np.asarray(drawn(lab, "weight", "weights")["z"])
    assert (
        np.isfinite(colours[np.isfinite(lab.panels_now[0].marks[0].z)]).all() and not np.isinf(colours).any()
    )


def test_answers_that_are_off_the_line_are_drawn_there_and_said():
    """As no model's are."""
    state = ImplicitLab.compute("full", 1, 4, 1.0, 1)
    off = replace(state, answers=state.foretold + 3e-4)
    queries = ImplicitLab.panels(off, None, dict(guess=None))[3].mark("queries")
    np.testing.assert_allclose(queries.y - queries.x, 3e-4)
    _, nearly = ImplicitLab.words(off, None)
    largest = max(3e-4 / max(1, abs(value)) for value in state.foretold)
    assert nearly.id == "implicit.nearly_equal"
    np.testing.assert_allclose(nearly.values["gap"], largest)


@pytest.mark.parametrize("dim, context, layers, heads", [(10, 20, 4, 2), (3, 2, 5, 3), (1, 7, 2, 1)])
def test_the_exercise_steps_through_the_layers_of_any_model(rng, dim, context, layers, heads):
    model = LinearTransformer.random("full", dim, layers, heads, rng, scale=0.3 / np.sqrt(dim))
    x, y = rng.normal(size=(1, context, dim)), rng.normal(size=(1, context))
    state, w = implicit_regression(model, x, y), np.zeros(dim)
    for layer in range(layers):
        w = weight_after(state.M[0, layer], state.u[0, layer], state.a[0, layer], w, state.U[0, layer])
    np.testing.assert_allclose(w, by_hand.probe(model, x[0], y[0]), rtol=1e-10, atol=1e-12)


def beat(name, **moves):
    """The lab at one of its beats, once these controls were moved."""
    lab = ImplicitLab(beat=name)
    for control, value in moves.items():
        lab.controls[control].value = value
    return lab


def told(lab):
    return lab.story().found[-1].values


def distances(lab):
    """How far the weight is from the truth after each layer, by queries -> (L+1,)"""
    x, y, truth, _, model = read(lab.values)
    return np.linalg.norm(by_hand.probe_layers(model, x, y) - truth, axis=1)


@pytest.mark.leads
def test_not_every_layer_brings_the_weight_nearer():
    lab = beat("rows", layers=7)
    away = distances(lab)
    worse = [layer for layer in range(1, 8) if away[layer] > away[layer - 1] - 0.01]
    slow = [layer for layer in range(1, 8) if away[layer] > away[layer - 1] - 0.1 and layer not in worse]
    none, hardly = (told(lab)["gains"].values[name].values for name in ("none", "hardly"))
    assert len(worse) == 1 and none["layers"] == [str(layer) for layer in worse]
    assert len(slow) > 0 and hardly["layers"] == [str(layer) for layer in slow]
    np.testing.assert_allclose([none["before"], none["after"]], away[worse[0] - 1 : worse[0] + 1])
    assert lab.answers["way_guess"].answer == "sometimes"
    np.testing.assert_allclose([told(lab)["start"], told(lab)["end"]], away[[0, -1]])


@pytest.mark.leads
def test_where_every_layer_brings_the_weight_nearer_that_is_said():
    lab = ImplicitLab(beat="rows", model="gd++")
    lab.controls["layers"].value = 7
    assert (np.diff(distances(lab)) < -0.01).all()
    assert lab.answers["way_guess"].answer == "always" and told(lab)["gains"].id == "implicit.all_nearer"
    assert "Each of them does. Only the last w was trained" in lab.names.say(lab.story().found)


def test_several_layers_that_bring_it_no_nearer_are_named_with_the_first_ones_distances():
    state = ImplicitLab.compute("diag", 1, 4, 0.5, 66)
    said = implicit.gains(replace(state, to_truth=np.array([3.0, 2.0, 2.5, 1.0, 1.5])))
    assert catalogue("en").say(said) == (
        "Layers 2 and 4 do not: before layer 2 w is 2.000 away, after it 2.500."
    )


@pytest.mark.leads
@pytest.mark.parametrize(
    "name, moves, call",
    [
        ("rows", dict(layers=7), dict(model="random")),  # nobody trained its last weight to be near
        (
            "label",
            dict(model="gd++"),
            dict(heads=2, layers=1),
        ),  # nothing to go on: the share rests in DIAG as well
    ],
)
def test_a_question_that_is_not_about_these_settings_has_no_answer(name, moves, call):
    lab = ImplicitLab(beat=name, **call)
    for control, value in moves.items():
        lab.controls[control].value = value
    assert lab.error is None and [one.id for one in lab.story().found] == ["story.no_answer"]


def test_what_grows_beyond_all_numbers_answers_no_question():
    state = ImplicitLab.compute("random", 1, 4, 0.5, 66)
    wild = replace(state, answers=np.full(12, np.inf), foretold=np.full(12, np.nan))
    assert implicit.on_line(wild) is None and implicit.on_line(state) == "on line"
    assert [implicit.within(implicit.DISTANCE, value) for value in (np.nan, np.inf, 6.5, 6.0)] == [
        None,
        None,
        None,
        6.0,
    ]


@pytest.mark.leads
def test_the_oracle_is_said_to_be_as_far_only_where_it_is():
    lab = ImplicitLab(beat="noise", model="random", layers=1)
    lab.controls["sigma"].value = 4.0
    x, y, truth, _, _ = read(lab.values)
    ridge = np.linalg.norm(by_hand.ridge(x, y, 16.0) - truth)
    assert abs(distances(lab)[-1] - ridge) > 0.5
    assert told(lab)["oracle"].id == "implicit.oracle_alone"
    np.testing.assert_allclose(told(lab)["oracle"].values["ridge"], ridge)


def test_a_layer_that_gains_less_than_one_can_see_brings_the_weight_no_nearer_to_the_truth():
    state = ImplicitLab.compute("diag", 1, 4, 0.5, 66)
    away = replace(state, to_truth=np.array([3.0, 2.0, 1.995, 2.5, 0.5]), to_oracle=np.arange(5.0)[::-1])
    assert implicit.no_nearer(away) == [2, 3]


@pytest.mark.leads
def test_with_noise_the_model_ends_about_as_far_from_the_truth_as_ridge_that_is_told_the_noise():
    lab = beat("noise", sigma=4.0)
    x, y, truth, _, _ = read(lab.values)
    ridge = np.linalg.norm(by_hand.ridge(x, y, 16.0) - truth)
    np.testing.assert_allclose(lab.answers["guess"].answer, distances(lab)[-1])
    np.testing.assert_allclose(told(lab)["before"], distances(beat("noise"))[-1])
    np.testing.assert_allclose(told(lab)["oracle"].values["ridge"], ridge)
    assert told(lab)["oracle"].id == "implicit.oracle_too"
    assert abs(lab.answers["guess"].answer - ridge) < 0.1 < ridge - told(lab)["before"]


@pytest.mark.leads
def test_answers_of_random_weights_stay_on_the_line():
    lab = beat("random", model="random")
    x, y, _, queries, model = read(lab.values)
    w = by_hand.probe(model, x, y)
    by_attention = np.array([answer(model, x, y, query) for query in queries])
    assert abs(by_attention - queries @ w).max() < 1e-10 and lab.answers["line_guess"].answer == "on line"
    np.testing.assert_allclose(told(lab)["end"], distances(lab)[-1])
    assert told(lab)["end"] > distances(beat("random"))[-1]
    assert 0 < told(lab)["gap"] < 1e-10  # of rounding: nothing else is between them


@pytest.mark.leads
def test_in_gd_plus_plus_the_share_of_the_own_label_stays_and_in_diag_it_moves():
    lab = beat("label", model="gd++")
    for model, moves in (("gd++", False), ("diag", True)):
        x, y, _, _, weights = read({**lab.values, "model": model})
        shares = np.array([a for _, _, a in parts(weights, x, y)])
        assert (abs(shares - 1).max() > 0.05) == moves
    assert lab.answers["label_guess"].answer == "rests" and told(lab)["u"] == 0
    np.testing.assert_allclose(told(lab)["a"], 1)
