import by_hand
import numpy as np
import pytest
from marks import assert_marks, assert_messages, drawn, unkeyed_marks

from lt_helpers import LinearTransformer
from lt_helpers.labs import PreconditioningLab
from lt_helpers.labs.preconditioning import CURVE, change_of
from lt_helpers.language import catalogue

AXES = {
    ("shape", "axes"): (("strongest", -1.15, 1.15), ("weakest", -1.15, 1.15)),
    ("map", "axes"): (("before", 3e-4, 1.4, "log"), ("after", 3e-4, 0.3, "log")),
    ("eigenvalues", "axes"): (("depth", 0, 12), ("relative", 3e-4, 2, "log")),
    ("condition", "axes"): (("depth", 0, 12), ("excess", 1e-8, 1e3, "log", "floor")),
    ("error", "axes"): (("depth", 0, 12), ("error", 1e-8, 10, "log", "floor")),
}

ROLES = {
    ("shape", "before"): "contour",
    ("shape", "ellipse"): "model",
    ("map", "map"): "truth",
    ("map", "directions"): "model",
    ("eigenvalues", "eigenvalues"): "layers",
}


def problem(kappa):
    """Ten examples, one along each direction, and a truth with an equal part along each -> eigenvalues, x, y"""
    s = np.array([kappa ** (k / 9 - 1) for k in range(10)])
    x = np.diag(np.sqrt(10 * s))
    return s, x, x @ np.full(10, 10**-0.5)


def run_tokens(kappa, gamma, layers, follow):
    """GD++ token by token: each layer's weights are written down for the tokens that it meets.

    -> gamma of the last layer, eigenvalues (L+1, d), errors of w (L+1,)
    """
    first, x, y = problem(kappa)
    tokens, path, P, Q = (x, y), [first], [], []
    for _ in range(layers):
        s = path[-1]
        strength = gamma / s.max() if follow else gamma / first.max()
        P.append([np.diag([-strength] * 10 + [-2 / (s.min() + s.max())])])
        Q.append([np.diag([1.0] * 10 + [0.0])])
        after = by_hand.tokens_by_layer(LinearTransformer(P[-1:], Q[-1:]), *tokens)[-1]
        tokens = after[:, :-1], after[:, -1]
        path.append(np.diag(tokens[0]) ** 2 / 10)
    w = by_hand.probe_layers(LinearTransformer(P, Q), x, y)
    return strength, np.array(path), np.sqrt(((w - 10**-0.5) ** 2).sum(axis=1))


def expected(values):
    """What belongs to each mark, by tokens for GD++ and direction by direction for the others."""
    kappa, layers = values["kappa"], values["layers"]
    strength, path, error = run_tokens(kappa, values["gamma"], layers, values["follow"])
    _, thirds, _ = run_tokens(kappa, 1 / 3, layers, follow=True)
    s, depth, steps = path[0], np.arange(layers + 1), np.arange(13)
    lines = [np.append(path[:, direction] / path.max(axis=1), np.nan) for direction in range(10)]
    descent = (1 - 2 / (1 + 1 / kappa) * s) ** steps[:, None]
    newton = (1 - s**2 / (s**2).sum()) ** 2.0 ** steps[:, None]
    heavy, step = [np.ones(10), 1 - 4 / (1 + kappa**-0.5) ** 2 * s], 4 / (1 + kappa**-0.5) ** 2
    beta = ((kappa**0.5 - 1) / (kappa**0.5 + 1)) ** 2
    while len(heavy) < 13:
        heavy.append((1 + beta - step * s) * heavy[-1] - beta * heavy[-2])
    rms = {
        name: np.sqrt((np.array(left) ** 2).mean(axis=1))
        for name, left in {"gradient descent": descent, "momentum": heavy, "newton": newton}.items()
    }
    turn = np.arange(61) * np.pi / 30
    ratio = np.sqrt(path.min(axis=1) / path.max(axis=1))  # (L+1,)
    rings = [(np.append(np.cos(turn), np.nan), np.append(r * np.sin(turn), np.nan)) for r in ratio]
    return AXES | {
        ("shape", "before"): tuple(np.concatenate(axis) for axis in zip(*rings[:-1])),
        ("shape", "ellipse"): (np.cos(turn), ratio[-1] * np.sin(turn)),
        ("map", "map"): (CURVE, CURVE - 2 * CURVE**2 + CURVE**3),
        ("map", "peak"): ([1 / 3, 1 / 3], [3e-4, 0.3]),
        ("map", "directions"): (strength * path[-2], strength * path[-1]),
        ("eigenvalues", "eigenvalues"): (np.tile([*depth, np.nan], 10), np.concatenate(lines)),
        ("condition", "model"): (depth, path.max(axis=1) / path.min(axis=1) - 1),
        ("condition", "theorem"): (depth, thirds.max(axis=1) / thirds.min(axis=1) - 1),
        ("error", "gradient descent"): (depth, rms["gradient descent"][: layers + 1]),
        ("error", "momentum"): (depth, rms["momentum"][: layers + 1]),
        ("error", "newton"): (depth, rms["newton"][: layers + 1]),
        ("error", "model"): (depth, error),
    }


SETTINGS = [
    dict(kappa=50, gamma=0.9, layers=6),
    dict(kappa=5, gamma=0.45, layers=3, follow=False),
    dict(kappa=200, gamma=1.2, layers=9, follow=False),
]


@pytest.mark.parametrize("values", SETTINGS, ids=str)
def test_every_mark_is_what_another_route_finds(values):
    lab = PreconditioningLab(**values)
    assert_marks(lab, expected(lab.values), ROLES)


def test_the_star_stands_where_it_was_set_and_every_mark_but_the_earlier_ellipses_is_in_the_key():
    lab = PreconditioningLab(expected=7)
    assert_marks(lab, expected(lab.values) | {("condition", "prediction"): (7, 0.01)}, ROLES)
    assert unkeyed_marks(lab) == {("shape", "before")}


@pytest.mark.parametrize(
    "values, id",
    [(dict(layers=3, gamma=0.6), "preconditioning.condition"), (dict(layers=12), "preconditioning.round")],
    ids=["still lopsided", "round"],
)
def test_the_words_are_of_what_is_drawn(values, id):
    """Nothing is said of what is too small to see, as the errors after twelve layers are."""
    lab = PreconditioningLab(**values)
    table = expected(lab.values)
    condition = dict(before=20)
    if id == "preconditioning.condition":
        condition["after"] = table["condition", "model"][1][-1] + 1
    errors = {
        name: table["error", role][1][lab.values["layers"]]
        for name, role in dict(
            model="model", descent="gradient descent", momentum="momentum", newton="newton"
        ).items()
    }
    assert_messages(
        lab,
        {
            "preconditioning.setting": dict(gamma=lab.values["gamma"]),
            "layers.count": dict(count=lab.values["layers"]),
            id: condition,
            "preconditioning.errors": errors,
        },
    )


def test_without_preconditioning_it_is_gradient_descent():
    shown = PreconditioningLab(gamma=0.0, layers=12).arrays
    np.testing.assert_allclose(shown.error, shown.rivals["gradient descent"], rtol=1e-9)
    np.testing.assert_allclose(shown.condition, 20)


def test_gamma_times_s_of_one_kills_a_direction_for_ever():
    lab = PreconditioningLab(gamma=1.0, follow=False, layers=6)
    assert (lab.arrays.eigenvalues[1:, -1] == 0).all() and (lab.arrays.eigenvalues[:, :-1] > 0).all()
    assert (
        np.isinf(lab.arrays.condition[1:]).all() and "1 of 10 directions met γs = 1 and is" in lab.words_now
    )
    (dead,) = (message for message in lab.messages if message.id == "preconditioning.dead")
    assert (dead.values["count"], dead.values["dim"]) == (1, 10)
    np.testing.assert_array_equal(drawn(lab, "condition", "model")["y"][1:], 1e3)


def test_what_lies_beyond_its_axis_is_said():
    lab = PreconditioningLab(kappa=1000, gamma=0.05)
    (beyond,) = (message for message in lab.messages if message.id == "lab.beyond")
    (mark,) = beyond.values["marks"]
    assert mark.values == dict(mark="ten directions (last layer)", panel="The map of one layer")
    assert np.asarray(drawn(lab, "map", "directions")["x"]).min() == 3e-4


def test_the_map_leaves_the_axis_at_its_zero_and_is_not_drawn_there():
    shown = drawn(PreconditioningLab(), "map", "map")
    below = np.isnan(shown["y"])
    np.testing.assert_array_equal(below, CURVE * (1 - CURVE) ** 2 < 3e-4)
    assert CURVE[below][1:].min() > 0.98 and CURVE[below].max() < 1.02


def beat(name, **moves):
    """The lab at one of its beats, once these controls were moved."""
    lab = PreconditioningLab(beat=name)
    for control, value in moves.items():
        lab.controls[control].value = value
    return lab


def told(lab):
    return lab.story().found[-1].values


def conditions(**values):
    """Condition numbers by layer, from tokens -> (L+1,)"""
    _, path, _ = run_tokens(**dict(kappa=20, gamma=0.33, layers=12, follow=True) | values)
    return path.max(axis=1) / path.min(axis=1)


@pytest.mark.leads
def test_the_ellipse_is_a_circle_once_its_axes_differ_by_less_than_a_twentieth():
    ratio = np.sqrt(conditions())
    arrived = [beat("circle", layers=layers).story().phase == "told" for layers in range(2, 13)]
    assert arrived == [ratio[layers] < 1.05 for layers in range(2, 13)] and not arrived[0]
    first = 2 + arrived.index(True)
    values = told(beat("circle", layers=first))
    assert values["layers"] == first and values["kappa"] == 20
    np.testing.assert_allclose(
        [values["before"], values["after"], values["now"]], [ratio[0], ratio[first], ratio[first] ** 2]
    )


@pytest.mark.leads
def test_a_condition_number_that_is_fifty_times_larger_costs_a_few_layers_more():
    few, many = (int((conditions(kappa=kappa) - 1 < 0.01).argmax()) for kappa in (20, 1000))
    lab = beat("depth", layers=many - 1)
    assert lab.story().phase == "ask"
    lab.controls["layers"].value = 12  # who goes on is told of the first layer all the same
    assert lab.answers["expected"].answer == many and told(lab)["few"] == few
    assert told(lab)["more"] == many - few
    np.testing.assert_allclose(np.log(told(lab)["divided"]), (many - few) * np.log(2.25))
    assert 40 < told(lab)["divided"] < 60
    slow, fast = (np.log(0.01) / np.log((kappa - 1) / (kappa + 1)) for kappa in (1000, 20))
    np.testing.assert_allclose(slow / fast, 50, rtol=0.01)  # of gradient descent
    assert f"κ = 20 takes {few} layers" in catalogue("en").entries["preconditioning.beat.depth.task"]


@pytest.mark.leads
def test_a_bolder_layer_makes_rounder():
    lab = beat("bolder", gamma=0.75)
    careful, bold = (conditions(gamma=gamma, layers=1)[-1] for gamma in (0.33, 0.75))
    assert bold < 0.5 * careful and lab.answers["bolder_guess"].answer == "rounder"
    np.testing.assert_allclose([told(lab)["careful"], told(lab)["bold"]], [careful, bold])


@pytest.mark.leads
@pytest.mark.parametrize(
    "name, moves, call",
    [
        ("depth", dict(layers=12), dict(kappa=100)),
        ("bolder", dict(gamma=0.75), dict(layers=4)),
        ("bolder", dict(gamma=0.75), dict(kappa=2)),
    ],
)
def test_a_question_about_other_settings_has_no_answer(name, moves, call):
    lab = PreconditioningLab(beat=name, **call)
    for control, value in moves.items():
        lab.controls[control].value = value
    assert lab.error is None and [one.id for one in lab.story().found] == ["story.no_answer"]


@pytest.mark.leads
def test_gd_plus_plus_wins_the_race():
    lab = beat("race", layers=7)
    table = expected(lab.values)
    names = {"descent": "gradient descent", "momentum": "momentum", "newton": "newton", "model": "model"}
    after = {name: table["error", mark][1][-1] for name, mark in names.items()}
    assert lab.answers["race_guess"].answer == min(after, key=after.get) == "model"
    for name, error in after.items():
        np.testing.assert_allclose(told(lab)[name], error, rtol=1e-6)


@pytest.mark.leads
def test_newton_that_is_told_two_eigenvalues_keeps_up():
    """By matrices: X <- X (2 I - Sigma X)."""
    Sigma, truth = np.diag(np.geomspace(1 / 20, 1, 10)), np.full(10, 10**-0.5)
    X = 2 / (1 + 1 / 20) * np.eye(10)
    for _ in range(7):
        X = X @ (2 * np.eye(10) - Sigma @ X)
    informed = told(beat("race", layers=7))["informed"]
    np.testing.assert_allclose(informed, np.linalg.norm(X @ Sigma @ truth - truth), rtol=1e-6)
    assert informed < told(beat("race", layers=7))["model"]


@pytest.mark.parametrize(
    "before, after, change",
    [
        (20, 4, "rounder"),
        (20, 21, "equal"),
        (20, 19.5, "equal"),
        (20, np.inf, "flatter"),
        (20, 30, "flatter"),
    ],
)
def test_a_condition_number_that_hardly_changes_is_equal(before, after, change):
    assert change_of(before, after) == change
