from functools import cache

import by_hand
import numpy as np
import pytest
from leading import done
from marks import assert_marks, assert_messages, titles, unkeyed_marks

from lt_helpers import (
    Categorical,
    Fixed,
    LinearTransformer,
    RegressionTask,
    Uniform,
    adjusted_loss,
    load_pretrained,
)
from lt_helpers.labs import RescalingLab
from lt_helpers.labs.rescaling import two_layers

AXES = {
    ("labels", "axes"): (("example", -0.5, 2.5), ("label", -4.6, 4.6)),
    ("shrink", "axes"): (("example", -0.5, 2.5), ("slope", -2.2, 2.3)),
    ("reads", "axes"): (("read", 0.25, 64, "log"), ("share", 0, 0.32)),
    ("told", "axes"): (("layer", 0.7, 4.3), ("right", 48, 101)),
    ("scale", "axes"): (("sigma", 0, 7.5), ("scale", -0.8, 1.1)),
    ("trained", "axes"): (("sigma", 0, 15), ("scale", -0.8, 1.1)),
    ("distance", "axes"): (("sigma", 0, 7.5), ("distance", 1e-3, 1e3, "log", "floor")),
    ("weight", "axes"): (("component", 0.4, 10.6), ("w", -4, 4)),
}
ROLES = {
    ("labels", "labels"): "beside first",
    ("labels", "left"): "noise",
    ("shrink", "fitted"): "least squares",
    ("shrink", "shrunk"): "model",
    ("reads", "quiet"): "first",
    ("reads", "noisy"): "noise",
    ("told", "right"): "model",
    ("scale", "made_for"): "truth",
    ("trained", "trained"): "model",
}
A, NOISY, B = [-1, -3, 3, 1], [0, -4, 4, 0], [1, -3, 3, -1]  # labels at the inputs -1, -1, 1, 1
CURVE, POINTS, TRAINED_CURVE = np.arange(121) / 20, np.arange(7), np.arange(49) / 4
SETTINGS = [
    dict(s1=0.5, s2=2.0, context=20, sigma=3.4, seed=7, fit=0.5, omega_yy=-0.1, layer=3),
    dict(s1=3.0, s2=1.5, context=50, sigma=7.3, seed=5, fit=1.0, omega_yy=-0.2, reads="labels"),
]


def chord(s1, s2, n=1):
    """The line in sigma^2 that meets ridge's 1 / (1 + sigma^2/n) at both levels -> its height at 0, its slope"""
    return np.linalg.solve([[1, s1**2], [1, s2**2]], [1 / (1 + s1**2 / n), 1 / (1 + s2**2 / n)])


def made_by_hand(s1, s2, n):
    """Two layers that do so: c (1 + omega_yy sigma^2) is the line, with c = -omega_yx / n."""
    height, slope = chord(s1, s2)
    first, second = np.diag([-n * height] * 10 + [0]), np.diag([0] * 10 + [slope / height])
    label = np.diag([0.0] * 10 + [1])
    return LinearTransformer([[label], [label]], [[first], [second]])


def sequences(count, n, variance, seed=0):
    """Sequences at sigma = 1 as tokens -> x, y, truth"""
    task = RegressionTask(10, n, Fixed(1.0), variance * np.eye(10))
    moments = task.sample_moments(count, np.random.default_rng(seed))
    return *by_hand.tokens_of(moments.S, n), moments.w


def run_at(levels, answer, x, y, truth):
    """At each noise, each sequence with its noise and with the opposite of it: the scale of an answer x, y, sigma -> w, and half the mean
    squared distance to ridge regression that is told sigma -> (J,), (J,), and the scale of ridge regression (J,)"""
    scales, distances, ridges = [], [], []
    for sigma in levels:
        runs = [(x, by_hand.at_noise(x, y, truth, signed)) for signed in (sigma, -sigma)]
        w = np.array([answer(*run) for run in runs])
        oracle = np.array([by_hand.ridge_many(*run, sigma**2) for run in runs])
        scales.append((w * truth).sum() / (2 * (truth**2).sum()))
        ridges.append((oracle * truth).sum() / (2 * (truth**2).sum()))
        distances.append(((w - oracle) ** 2).sum() / 2 / (2 * len(x)))
    return np.array(scales), np.array(distances), np.array(ridges)


@cache
def run_trained():
    """The trained model's scale and ridge regression's -> (49,), (49,)"""
    model = load_pretrained("diag", 2, Categorical((1, 3)))
    scale, _, ridge = run_at(
        TRAINED_CURVE, lambda x, y: by_hand.probe_many(model, x, y), *sequences(200, 20, 1.0)
    )
    return scale, ridge


@cache
def read_by_layer(layer):
    """The mean of y^2 before a layer of the trained reader, its tokens written down -> (2000,) at sigma = 1, (2000,) at sigma = 3"""
    model = load_pretrained("diag", 4, Uniform(5.0))
    x, y, truth = sequences(2000, 20, 1.0)
    found = []
    for sigma in (1, 3):
        tokens = np.concatenate([x, by_hand.at_noise(x, y, truth, sigma)[..., None]], axis=-1)
        for P, Q in zip(model.P[: layer - 1], model.Q[: layer - 1], strict=True):
            read = sum(tokens @ q.T @ tokens.mT @ tokens @ p.T for p, q in zip(P, Q, strict=True))
            tokens = tokens + read / 20
        found.append((tokens[..., -1] ** 2).mean(axis=1))
    return found


def right_with(border, layer):
    """How often "above the border it is 3, below it is 1" is right, in percent."""
    quiet, noisy = read_by_layer(layer)
    return 50 * ((quiet <= border).mean() + (noisy > border).mean())


@cache
def best_right(layer):
    """The same with the best border."""
    return max(right_with(border, layer) for border in np.concatenate(read_by_layer(layer)))


def expected_example(values, border):
    """What belongs to the running example and to the trained reader."""
    inputs = np.array([-1, -1, 1, 1])
    fits = [np.polyfit(inputs, labels, 1)[0] for labels in (A, NOISY, B)]
    looked_at = [5, 8, 5] if values["reads"] == "labels" else [1, 4, 4]  # mean squares
    columns, labels, left = [], [], []
    for column, (sequence, slope) in enumerate(zip((A, NOISY, B), fits, strict=True)):
        for place, index in zip((-0.24, -0.08, 0.08, 0.24), np.argsort(sequence), strict=True):
            columns.append(column + place)
            labels.append(sequence[index])
            left.append(sequence[index] - values["fit"] * slope * inputs[index])
    layer = values["layer"]
    edges = 2.0 ** np.arange(-2, 6.1, 0.25)
    heights = [
        [((one >= low) & (one < high)).mean() for low, high in zip(edges, edges[1:])]
        for one in read_by_layer(layer)
    ]
    outlines = [(np.repeat(edges, 2), [0, *np.repeat(height, 2), 0]) for height in heights]
    return {
        ("labels", "level"): ([-0.5, 2.5], [0, 0]),
        ("labels", "labels"): (columns, labels),
        ("labels", "left"): (columns, left),
        ("shrink", "level"): ([-0.5, 2.5], [0, 0]),
        ("shrink", "fitted"): ([0, 1, 2], fits),
        ("shrink", "oracle"): ([0, 1, 2], [1.6, 1.0, 0.5]),
        ("shrink", "shrunk"): (
            [0, 1, 2],
            [
                slope * (1 + values["omega_yy"] * square)
                for slope, square in zip(fits, looked_at, strict=True)
            ],
        ),
        ("reads", "quiet"): outlines[0],
        ("reads", "noisy"): outlines[1],
        ("reads", "border"): ([border, border], [0, 0.32]),
        ("told", "right"): (
            [1, 2, 3, 4],
            [best_right(one) if one <= layer else np.nan for one in (1, 2, 3, 4)],
        ),
    }


def expected(values):
    """What belongs to each mark: closed forms for n without end, tokens for everything that is run."""
    s1, s2, n, sigma = (values[name] for name in ("s1", "s2", "context", "sigma"))
    height, slope = chord(s1, s2)
    line, ridge, constant = height + slope * CURVE**2, 1 / (1 + CURVE**2), 1 / (1 + (s1**2 + s2**2) / 2)
    size = 10 * (1 + CURVE**2)  # the mean square of the truth plus sigma times white noise
    model = made_by_hand(s1, s2, n)
    measured, distances, _ = run_at(
        POINTS, lambda x, y: by_hand.probe_many(model, x, y), *sequences(60, n, 1 / n)
    )
    trained, trained_ridge = run_trained()
    trained_height, trained_slope = chord(1, 3, 20)
    x, y, truth = sequences(1, n, 1 / n, values["seed"])
    y = by_hand.at_noise(x, y, truth, sigma)

    def so_far(x, values):
        return x, [value if at < sigma + 1e-6 else np.nan for at, value in zip(x, values, strict=True)]

    return AXES | {
        ("scale", "level"): ([0, 7.5], [0, 0]),
        ("scale", "oracle"): so_far(CURVE, ridge),
        ("scale", "constrr"): so_far(CURVE, np.full(121, constant)),
        ("scale", "model"): so_far(CURVE, line),
        ("scale", "measured"): so_far(POINTS, measured),
        ("scale", "made_for"): ([s1, s2], [1 / (1 + s1**2), 1 / (1 + s2**2)]),
        ("trained", "range"): (
            [0.94, 1.06, 1.06, 0.94, np.nan, 2.94, 3.06, 3.06, 2.94, np.nan],
            [-np.inf, -np.inf, np.inf, np.inf, np.nan] * 2,
        ),
        ("trained", "level"): ([0, 15], [0, 0]),
        ("trained", "oracle"): so_far(TRAINED_CURVE, trained_ridge),
        ("trained", "theorem"): so_far(TRAINED_CURVE, trained_height + trained_slope * TRAINED_CURVE**2),
        ("trained", "trained"): so_far(TRAINED_CURVE, trained),
        ("distance", "constrr"): so_far(CURVE, (constant - ridge) ** 2 * size / 2),
        ("distance", "model"): so_far(CURVE, (line - ridge) ** 2 * size / 2),
        ("distance", "measured"): so_far(POINTS, distances),
        ("weight", "truth"): (np.arange(1, 11), truth[0]),
        ("weight", "oracle"): (np.arange(1, 11), by_hand.ridge(x[0], y[0], sigma**2)),
        ("weight", "model"): (np.arange(1, 11), by_hand.probe_many(model, x, y)[0]),
    }


@pytest.mark.parametrize("values", SETTINGS, ids=["n = 20", "n = 50"])
def test_every_mark_is_what_another_route_finds(values):
    lab = RescalingLab(**values)
    border = lab.arrays.border
    assert_marks(lab, expected(lab.values) | expected_example(lab.values, border), ROLES)
    layer = lab.values["layer"]
    assert right_with(border, layer) == best_right(layer)  # more than one border is best
    assert titles(lab) == dict(trained=dict(noise="{1, 3}", context=20), reads=dict(layer=layer))
    by_name = {panel.name: panel for panel in lab.panels_now}
    for name in ("scale", "distance"):
        assert by_name[name].mark("measured").values == dict(count=values["context"])
    assert [by_name["reads"].mark(name).values["sigma"] for name in ("quiet", "noisy")] == [1, 3]


def test_the_star_stands_where_it_was_set_and_every_other_mark_is_in_the_key():
    lab = RescalingLab(guess=2.5, right_guess=80, context=50)
    stars = {("scale", "prediction"): (2.5, 0), ("told", "prediction"): (3, 80)}
    assert_marks(lab, expected(lab.values) | expected_example(lab.values, lab.arrays.border) | stars, ROLES)
    assert unkeyed_marks(lab) == {(panel, "level") for panel in ("labels", "shrink", "scale", "trained")}


@pytest.mark.parametrize("sigma", [2.0, 3.4])
def test_the_words_are_of_what_is_drawn(sigma):
    height, slope = chord(1, 3)
    scale, ridge = run_trained()
    before = int(sigma * 4)  # sigma lies between this point of the curve and the next
    share = sigma * 4 - before
    table = {
        "rescaling.left": dict(a=1, noisy=4, b=4),
        "rescaling.shrinks": dict(a=0.8, noisy=0.2, b=0.2),
        "rescaling.tells": dict(layer=2, low=1, high=3, right=best_right(2)),
        "rescaling.made_for": dict(
            sigma=sigma,
            variance=sigma**2,
            s1=1,
            s2=3,
            scale=height + slope * sigma**2,
            ridge=1 / (1 + sigma**2),
        ),
        "rescaling.trained": dict(
            scale=(1 - share) * scale[before] + share * scale[before + 1],
            ridge=(1 - share) * ridge[before] + share * ridge[before + 1],
        ),
    }
    if sigma > 11**0.5:
        table["rescaling.wrong_sign"] = dict(breaking=11**0.5)
    assert_messages(RescalingLab(sigma=sigma, fit=1.0, omega_yy=-0.2, layer=2), table)


def test_before_a_line_is_taken_off_the_words_do_not_say_what_the_labels_are_to_show():
    assert_messages(RescalingLab(panels=("labels",)), {"rescaling.bare": {}})


@pytest.mark.leads
def test_the_beats_tell_what_another_route_finds():
    lab = RescalingLab()
    told = {beat.name: done(lab, beat) for beat in lab.BEATS}

    answer, values = told["labels"]
    assert sorted(A) == sorted(B) and answer == "alike"
    assert (values["before"], values["a"], values["b"]) == (5, 1, 4)

    # ridge regression of one feature: sum y x / (sum x^2 + sigma^2)
    _, values = told["shrink"]
    assert values["omega_yy"] == -1 / 8 and values["fooled"] == 1 - 5 / 8
    assert (values["a"], values["noisy"], values["b"]) == (2 - 2 / 8, 8 / (4 + 2**2), 4 / (4 + 2**2))
    assert values["ridge"] == 8 / (4 + 1**2)

    answer, values = told["reads"]
    assert answer == pytest.approx(best_right(3))
    assert (values["first"], values["second"]) == pytest.approx((best_right(1), best_right(2)))

    answer, values = told["breaks"]
    height, slope = chord(1, 3)
    assert answer == pytest.approx((-height / slope) ** 0.5) and values["square"] == pytest.approx(11)

    answer, values = told["trained"]
    scale, ridge = run_trained()
    below = int((scale < 0).argmax())
    assert answer == "later" and TRAINED_CURVE[below - 1] < values["breaking"] < TRAINED_CURVE[below]
    assert (values["first"], values["second"]) == pytest.approx((scale[4], scale[12]))
    assert (values["ridge"], values["ridge_second"]) == pytest.approx((ridge[4], ridge[12]))


@pytest.mark.leads
def test_whoever_slides_past_the_best_slopes_has_not_found_them():
    lab = RescalingLab()
    lab.go_to("shrink")
    for omega_yy in (-0.25, -0.15, -0.1):
        lab.controls["omega_yy"].value = omega_yy
        assert lab.story().phase == "do"
    lab.controls["omega_yy"].value = -0.125
    told = lab.names.say(lab.story().found)
    assert lab.story().phase == "told" and "At -0.125 they do, at 1.0 and 0.5" in told.replace("−", "-")

    # It stays told, of that place, while the hand goes on.
    lab.controls["omega_yy"].value = -0.25
    assert lab.names.say(lab.story().found) == told


@pytest.mark.leads
def test_the_task_of_the_breaking_point_says_how_high_the_crosses_are():
    lab = RescalingLab(beat="breaks")
    assert "crosses, at 0.5 and 0.1" in lab.names.say(lab.story().task)
    assert list(lab.panels_now[0].mark("made_for").y) == [1 / 2, 1 / 10]


@pytest.mark.leads
def test_the_task_of_the_last_beat_says_where_the_theorem_has_the_scale_vanish():
    lab = RescalingLab(beat="trained")
    height, slope = chord(1, 3, 20)
    assert f"at σ = {(-height / slope) ** 0.5:.1f}." in lab.names.say(lab.story().task)


@pytest.mark.leads
def test_the_star_of_the_breaking_point_is_dragged_sideways():
    lab = RescalingLab(beat="breaks")
    lab._grabbed("guess", 0, 2.04, None)
    assert lab.values["guess"] == 2.0 and lab.panels_now[0].mark("prediction").x == 2.0
    lab.lock()
    lab.controls["sigma"].value = 3.4
    gap = lab.panels_now[0].mark("gap")
    np.testing.assert_allclose((gap.x, gap.y), ([2.0, 11**0.5], [0, 0]))


def test_a_scale_of_nearly_nothing_has_no_sign():
    """(1 + 16 + 16 - 5.8^2) / 17^2 = -0.002"""
    assert "Two layers made for 4.0 and 4.0: scale 0.00," in RescalingLab(s1=4.0, s2=4.0, sigma=5.8).words_now


def test_what_is_too_near_the_oracle_to_be_seen_is_no_point_beyond_the_axis():
    """At the two levels the line has distance 0; far beyond them it leaves the axes."""
    assert "lab.beyond" not in [message.id for message in RescalingLab(sigma=4.0).messages]
    (beyond,) = (message for message in RescalingLab(sigma=12.0).messages if message.id == "lab.beyond")
    assert beyond.values["marks"][1].values == dict(mark="n = 1000", panel="Theorem 5.2: scale of the answer")


def test_with_many_examples_the_two_layers_do_what_the_theorem_says():
    shown = RescalingLab(context=10_000).arrays
    sigma = POINTS[:6]
    np.testing.assert_allclose(shown.measured[:6], (11 - sigma**2) / 20, atol=0.02)
    assert shown.measured_distance[1] < 0.01 and shown.measured_distance[3] < 0.01


def test_few_examples_put_the_breaking_point_off():
    few, many = (RescalingLab(context=context).arrays.measured for context in (20, 10_000))
    assert few[4] > many[4] + 0.1


def test_the_distances_of_the_limit_are_those_of_many_examples():
    task = RegressionTask(10, 5000, Fixed(2.0), np.eye(10) / 5000)
    loss, _ = adjusted_loss(two_layers(1.0, 3.0, 5000), task, 4000, np.random.default_rng(0))
    shown = RescalingLab().arrays.line_distance
    np.testing.assert_allclose(loss * 5000, shown[40], rtol=0.05)  # it weighs with I/n, the lab with I


def test_beyond_the_breaking_point_the_answer_is_turned_round():
    before, after = (RescalingLab(sigma=sigma).arrays for sigma in (3.0, 4.0))
    assert before.w @ before.oracle > 0 > after.w @ after.oracle


def test_weights_taken_over_from_sums_are_the_same_model():
    """The paper's weights act on sums over the context: -omega_yx = 11 / 20 and n omega_yx omega_yy = 1 / 20 for {1, 3}."""
    n = 200
    omega = np.zeros((2, 2, 2))
    omega[0, 1, 0], omega[1, 1, 1] = -11 / 20, -1 / (11 * n)
    sums = LinearTransformer.from_diagonals(np.broadcast_to(np.eye(2), (2, 2, 2)), omega, 10)
    np.testing.assert_allclose(
        LinearTransformer.from_sums(sums.P, sums.Q, n).omega, two_layers(1.0, 3.0, n).omega
    )
