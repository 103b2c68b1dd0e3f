"""The gradient lab, step by step: gradient descent by its loop, trained models by basis queries, errors by matrices W with w = W y."""

import by_hand
import numpy as np
import pytest
from marks import assert_marks, assert_messages, drawn

from lt_helpers import Uniform, load_pretrained
from lt_helpers.labs import GradientLab
from lt_helpers.labs.gradient import descent_model
from lt_helpers.language import catalogue

OPENED = dict(step=0.5, sigma=1.0, layers=4, seed=6)
STEPS = np.arange(126) / 50
RINGS = np.repeat(np.arange(1, 9) * 0.4, 61)
AXES = {
    ("bowl", "axes"): (("w_1", -3.5, 3.5), ("w_2", -3.5, 3.5)),
    ("step", "axes"): (("step", 0, 2.5), ("error", 0.01, 10, "log", "gap")),
    ("layer", "axes"): (("layer", -0.3, 12.3), ("error", 0.01, 10, "log", "gap")),
}


def state(**values):
    return GradientLab.compute(**OPENED | values)


def examples(values):
    """The inputs (n, d) and labels (n,) of a lab, and its truth (d,)."""
    rng = np.random.default_rng(values["seed"])
    x, truth, direction = rng.normal(size=(20, 2)), rng.normal(size=2), rng.normal(size=20)
    for _, *dragged in values.get("truth", ()):
        truth = np.array(dragged)
    return x, x @ truth + values["sigma"] * direction, truth


def trained(layers):
    return load_pretrained("diag", layers, Uniform(5.0)).with_dim(2)


def descent(x, y, step, layers):
    """Gradient descent on half the mean squared error, from 0 -> (L+1, d)"""
    path = [np.zeros(x.shape[1])]
    for _ in range(layers):
        path.append(path[-1] - step * x.T @ (x @ path[-1] - y) / len(x))
    return np.array(path)


def descent_matrix(x, step, layers):
    """W, by which descent answers w = W y: its answers to labels that are 1 at one example -> (d, n)"""
    return np.array([descent(x, y, step, layers)[-1] for y in np.eye(len(x))]).T


def error(W, x, sigma):
    """Half of E |W y - w|^2 over truths w ~ N(0, I) and noises: |W X - I|^2 and sigma^2 |W|^2."""
    return (((W @ x - np.eye(2)) ** 2).sum() + sigma**2 * (W**2).sum()) / 2


def oracle_matrix(x, sigma):
    return np.linalg.pinv(x.T @ x + sigma**2 * np.eye(2)) @ x.T


def excess(values):
    """Half the mean squared distance of the trained model to the oracle after each layer, over 200 redraws -> (L+1,)"""
    x, _, _ = examples(values)
    rng = np.random.default_rng(values["seed"])
    truths, noises = rng.normal(size=(200, 2)), rng.normal(size=(200, 20))
    y = np.array([x @ truth + values["sigma"] * noise for truth, noise in zip(truths, noises)])
    oracle = y @ oracle_matrix(x, values["sigma"]).T
    inputs, apart = np.broadcast_to(x, (200, 20, 2)), [(oracle**2).sum(axis=1).mean() / 2]
    for depth in range(1, values["layers"] + 1):
        model = by_hand.cut(trained(values["layers"]), depth)
        w = [model(inputs, y, np.broadcast_to(axis, (200, 2)), form="tokens") for axis in np.eye(2)]
        apart.append(((np.array(w).T - oracle) ** 2).sum(axis=1).mean() / 2)
    return np.array(apart)


def contours(lab, x, y):
    """The points that the lab draws as contours, each moved away from least squares or towards it until its error is the ring's."""
    points = np.stack([lab.panels_now[0].mark("contour").x, lab.panels_now[0].mark("contour").y], axis=1)
    least = np.linalg.lstsq(x, y)[0]
    away = points - least
    above = ((away @ x.T) ** 2).mean(axis=1) ** 0.5  # root of the mean squared error above the smallest
    wanted = np.append(RINGS.reshape(8, 61), np.full((8, 1), np.nan), axis=1).ravel()
    return (least + away * (wanted / above)[:, None]).T


def expected(lab):
    """What belongs to each mark."""
    values = lab.values
    step, sigma, layers = values["step"], values["sigma"], values["layers"]
    x, y, truth = examples(values)
    by_layer = np.array([error(descent_matrix(x, step, depth), x, sigma) for depth in range(layers + 1)])
    by_step = [error(descent_matrix(x, each, layers), x, sigma) for each in STEPS]
    least, best = error(np.linalg.pinv(x), x, sigma), error(oracle_matrix(x, sigma), x, sigma)
    optional = {("step", "prediction"): (values["guess"], 1.0)} if values["guess"] else {}
    limit = 2 / np.linalg.norm(x / 20**0.5, 2) ** 2
    if step >= limit:
        optional["step", "limit"] = ([limit] * 2, [0.01, 10])
    if values["trained"]:
        optional["bowl", "trained"] = by_hand.probe_layers(trained(layers), x, y).T
        optional["layer", "trained"] = (np.arange(layers + 1), best + excess(values))
    reached = step + 0.01 > STEPS
    return AXES | {
        ("bowl", "contour"): contours(lab, x, y),
        ("bowl", "truth"): truth,
        ("bowl", "least squares"): np.linalg.lstsq(x, y)[0],
        ("bowl", "oracle"): by_hand.ridge(x, y, sigma**2),
        ("bowl", "model"): descent(x, y, step, layers).T,
        ("step", "oracle"): ([0, 2.5], [best, best]),
        ("step", "curve"): (STEPS, np.where(reached, by_step, np.nan)),
        ("step", "model"): (step, by_layer[-1]),
        ("layer", "oracle"): ([-0.3, 12.3], [best, best]),
        ("layer", "least squares"): ([-0.3, 12.3], [least, least]),
        ("layer", "model"): (np.arange(layers + 1), by_layer),
        **optional,
    }


@pytest.mark.parametrize(
    "values",
    [
        dict(step=1.25, sigma=2.0),
        dict(step=0.3, sigma=0.0, layers=7, seed=9, guess=0.75),
        dict(step=2.1, sigma=4.5, layers=2, seed=66),
        dict(step=0.9, layers=3, trained=False, truth=[(0, 1.5, -2.5)]),
    ],
    ids=["four", "quiet", "diverging", "dragged"],
)
def test_every_mark_is_what_another_route_finds(values):
    lab = GradientLab(**values)
    assert_marks(lab, expected(lab), {("step", "curve"): "model"}, rtol=1e-7, atol=1e-10)


def test_a_contour_goes_round_once_and_closes():
    contour = GradientLab(sigma=2.0).panels_now[0].mark("contour")
    for ring in np.stack([contour.x, contour.y], axis=1).reshape(8, 62, 2):
        assert np.isnan(ring[-1]).all()
        np.testing.assert_allclose(ring[0], ring[-2])
        away = ring[:-1] - ring[:-2].mean(axis=0)
        turned = np.diff(np.unwrap(np.arctan2(away[:, 1], away[:, 0])))
        assert (turned > 0).all() or (turned < 0).all()
        np.testing.assert_allclose(abs(turned.sum()), 2 * np.pi)


def test_the_words_are_of_what_is_drawn():
    lab = GradientLab(step=2.0, sigma=2.0, layers=7)
    table = expected(lab)
    by_step, large = table["step", "curve"][1], table["step", "model"][1]
    assert large > 1000
    gap = np.linalg.norm(np.array(table["bowl", "model"])[:, -1] - table["bowl", "least squares"])
    assert_messages(
        lab,
        {
            "gradient.setting": dict(step=2.0, sigma=2.0, squared=4.0),
            "gradient.walk": {},
            "gradient.errors_of_both": {},
            "layers.count": dict(count=7),
            "gradient.large_error": dict(error=large),
            "gradient.error": [
                dict(error=gap),
                *(
                    dict(error=table[place][1][-1])
                    for place in (("layer", "trained"), ("layer", "oracle"), ("layer", "least squares"))
                ),
            ],
            "gradient.best": dict(step=STEPS[np.nanargmin(by_step)]),
            "gradient.diverges": dict(limit=lab.panels_now[1].mark("limit").x[0]),
            "lab.beyond": {},
            "lab.beyond_mark": [
                dict(mark="built", panel=panel)
                for panel in ("w, layer by layer", "Error against η", "Error by layer")
            ],
        },
    )


def test_a_layer_of_the_built_model_is_a_step(rng):
    x, y = rng.normal(size=(9, 3)), rng.normal(size=9)
    np.testing.assert_allclose(
        by_hand.probe_layers(descent_model(0.3, 5, dim=3), x, y), descent(x, y, 0.3, 5), atol=1e-12
    )


@pytest.mark.parametrize("sigma", [0.0, 2.0])
def test_the_errors_are_those_of_many_truths_and_noises(sigma, rng):
    shown = state(sigma=sigma)
    x, _, _ = examples(OPENED)
    misses = {"built": [], "ols": [], "oracle": []}
    for _ in range(3000):
        truth = rng.normal(size=2)
        y = x @ truth + sigma * rng.normal(size=20)
        found = descent(x, y, 0.5, 4)[-1], np.linalg.lstsq(x, y)[0], by_hand.ridge(x, y, sigma**2)
        for name, w in zip(misses, found):
            misses[name].append(((w - truth) ** 2).sum() / 2)
    for risk, miss in zip((shown.built_risk[-1], shown.ols_risk, shown.oracle_risk), misses.values()):
        np.testing.assert_allclose(risk, np.mean(miss), atol=4 * np.std(miss) / 3000**0.5 + 1e-12)


def test_the_trained_error_is_near_that_of_many_more_truths_and_never_below_the_oracles(rng):
    shown = state(sigma=3.0)
    x, _, _ = examples(OPENED)
    truths, noises = rng.normal(size=(40_000, 2)), rng.normal(size=(40_000, 20))
    inputs, y, model = np.broadcast_to(x, (40_000, 20, 2)), truths @ x.T + 3.0 * noises, trained(4)
    w = np.array([model(inputs, y, np.broadcast_to(axis, (40_000, 2))) for axis in np.eye(2)]).T
    np.testing.assert_allclose(shown.trained_risk[-1], ((w - truths) ** 2).sum(axis=1).mean() / 2, rtol=0.05)
    for sigma in (0.0, 1.0, 5.0):
        assert (state(sigma=sigma).trained_risk >= state(sigma=sigma).oracle_risk).all()


@pytest.mark.parametrize("sigma", [0.0, 1.0, 5.0])
def test_the_best_single_step_is_that_of_the_closed_form(sigma):
    shown = state(sigma=sigma, layers=1)
    s = shown.eigenvalues
    best = s.sum() / (s**2 + s * sigma**2 / 20).sum()
    assert abs(shown.best_step - best) <= 0.01 + 1e-9  # half the distance of the grid


def test_past_the_limit_it_diverges_and_is_drawn_at_the_edge():
    x, _, _ = examples(OPENED)
    limit = 2 / np.linalg.eigvalsh(x.T @ x / 20)[-1]
    below, above = (GradientLab(step=0.05 * np.floor(step / 0.05), layers=7) for step in (limit, limit + 1.0))
    assert "diverges" not in below.words_now
    assert f"past 2/s_max = {limit:.2f}" in above.words_now
    assert np.abs(drawn(above, "bowl", "model")["y"]).max() == 3.5
    assert drawn(above, "step", "model")["y"] == drawn(above, "layer", "model")["y"][-1] == 10.0
    curve = np.asarray(
        drawn(above, "step", "curve")["y"]
    )  # it leaves the picture, and does not run along its edge
    assert np.isnan(curve[-1]) and np.nanmax(curve) < 10.0


def test_an_error_of_nearly_nothing_is_left_out_and_nobody_needs_to_be_told():
    lab = GradientLab(sigma=0.0)
    for mark in (("step", "oracle"), ("layer", "oracle"), ("layer", "least squares")):
        assert np.isnan(drawn(lab, *mark)["y"]).all()
    assert "Beyond" not in lab.words_now


def test_the_step_panel_gives_away_nothing_that_the_slider_has_not_passed():
    lab = GradientLab(step=0.5)
    assert "limit" not in [mark.name for mark in lab.panels_now[1].marks]
    assert "2/s_max" not in lab.drawing["layout"]["annotations"][1]["text"]
    assert "The best η" not in lab.words_now
    curve = lab.panels_now[1].mark("curve")
    assert curve.x[np.isfinite(curve.y)].max() == 0.5


def test_both_axes_of_the_bowl_have_one_scale():
    layout = GradientLab().drawing["layout"]
    assert layout["yaxis"]["scaleanchor"] == "x" and layout["xaxis"]["range"] == layout["yaxis"]["range"]


def beat(name, **moves):
    """The lab at one of its beats, once these controls were moved."""
    lab = GradientLab(beat=name)
    for control, value in moves.items():
        lab.controls[control].value = GradientLab.CONTROLS[control].write(value)
    return lab


def end_of(lab):
    """How far from least squares descent ends at the values of a lab, by its loop."""
    x, y, _ = examples(lab.values)
    w = descent(x, y, lab.values["step"], lab.values["layers"])[-1]
    return np.linalg.norm(w - np.linalg.lstsq(x, y)[0])


@pytest.mark.leads
def test_the_walk_has_arrived_as_soon_as_it_ends_near_the_ring():
    lab = beat("land")
    steps = np.arange(6, 20) / 20
    arrived = [lab.story().phase == "told" for lab in (beat("land", step=float(step)) for step in steps)]
    near = [end_of(GradientLab(beat="land", step=float(step))) < 0.2 for step in steps]
    assert arrived == near and 0 < sum(near) < len(near)
    assert "less than 0.2 from the ring" in lab.names.say(lab.story().task)
    assert f"ends {end_of(lab):.2f} from least squares" in lab.words_now

    begun = end_of(lab)
    lab.controls["step"].value = 0.8
    told = lab.story().found[-1].values
    np.testing.assert_allclose(
        [told[name] for name in ("step", "gap", "began", "before")], [0.8, end_of(lab), 0.3, begun]
    )


@pytest.mark.leads
def test_the_path_leaves_past_two_over_the_largest_eigenvalue():
    assert beat("leave", step=1.3).story().phase == "ask"  # it has not left yet
    lab = beat("leave", step=1.5)
    x, _, _ = examples(lab.values)
    flattest, steepest = np.linalg.eigvalsh(x.T @ x / 20)
    np.testing.assert_allclose(lab.answers["guess"].answer, 2 / steepest)
    task = catalogue("en").entries["gradient.beat.leave.task"]
    assert f"{steepest:.2f}" in task and f"{flattest:.2f}" in task

    told = lab.story().found[-1].values
    ends = {step: end_of(beat("leave", step=step)) for step in (0.5, told["stays"], told["leaves"])}
    names = ("steep", "near", "far")
    np.testing.assert_allclose([told[name] for name in names], [steepest, ends[1.3], ends[1.5]])
    start = np.linalg.norm(np.linalg.lstsq(*examples(lab.values)[:2])[0])
    assert ends[1.3] < start < ends[1.5]


@pytest.mark.leads
def test_the_truth_is_dragged_and_the_answer_follows():
    lab = beat("drag")
    (handle,) = lab.drawing["handles"]
    assert (handle["control"], handle["along"]) == ("truth", "xy")
    before, weights = lab.arrays.built[-1], descent_model(0.85, 4, dim=2)
    lab._grabbed("truth", 0, 2.0, 9.0)  # beyond where it can go
    assert lab.values["truth"] == ((0, 2.0, 3.0),) and lab.story().phase == "told"
    np.testing.assert_allclose(
        lab.arrays.built[-1] - before,
        by_hand.probe(weights, examples(lab.values)[0], examples(lab.values)[1])
        - by_hand.probe(weights, *examples(dict(seed=6, sigma=1.0))[:2]),
        atol=1e-10,
    )
    assert lab.answers["moves_guess"].answer == "bowl"
    assert GradientLab.from_state(lab.link()).values["truth"] == ((0, 2.0, 3.0),)


@pytest.mark.leads
def test_with_noise_an_early_layer_is_best(rng):
    lab = beat("stop", sigma=4.0)
    x, _, _ = examples(lab.values)
    misses = np.zeros(8)
    for _ in range(2000):
        truth = rng.normal(size=2)
        path = descent(x, x @ truth + 4.0 * rng.normal(size=20), 0.5, 7)
        misses += ((path - truth) ** 2).sum(axis=1) / 2 / 2000
    assert lab.answers["layer_guess"].answer == misses.argmin() == 1
    told, oracle = lab.story().found[-1].values, error(oracle_matrix(x, 4.0), x, 4.0)
    wanted = [misses.min(), misses[7], oracle]
    np.testing.assert_allclose([told[name] for name in ("least", "last", "oracle")], wanted, rtol=0.1)
    assert told["oracle"] == pytest.approx(oracle)
    quiet = [error(descent_matrix(x, 0.5, layers), x, 0.0) for layers in range(8)]
    assert (np.diff(quiet) < 0).all()  # as the task says of no noise


@pytest.mark.leads
def test_the_trained_model_has_the_smaller_error_at_more_noise_and_at_less_none_has():
    lab = beat("rival", sigma=4.0)
    x, _, _ = examples(lab.values)
    built = error(descent_matrix(x, 0.85, 4), x, 4.0)
    oracle = error(oracle_matrix(x, 4.0), x, 4.0)
    by_model = oracle + excess(lab.values)[-1]
    assert lab.answers["walker_guess"].answer == "trained" and by_model < 0.6 * built
    told = lab.story().found[-1].values
    np.testing.assert_allclose([told["built"], told["trained"], told["oracle"]], [built, by_model, oracle])
    np.testing.assert_allclose(told["built_before"], told["trained_before"], atol=0.005)
