from types import SimpleNamespace

import by_hand
import numpy as np
import pytest
from leading import pass_beat
from marks import assert_marks, assert_messages, drawn

from lt_helpers import load_pretrained
from lt_helpers.algorithm import as_model
from lt_helpers.labs import AlgorithmLab
from lt_helpers.labs.algorithm import where_as_good
from lt_helpers.labs.material import many_sequences
from lt_helpers.noise import parse_noise

LEVELS = np.arange(9.0)
CURVE = 0.02 + 0.087 * np.arange(41)
ORDER = "precondition", "adapt", "step", "rescale"
AXES = {
    ("layers", "axes"): (("layer", -0.3, 7.3), ("error", 0.005, 50, "log", "floor")),
    ("noise", "axes"): (("sigma", -0.2, 8.2), ("error", 0.005, 50, "log", "floor")),
    ("weight", "axes"): (("component", 0.4, 10.6), ("w", -3.5, 3.5)),
    ("kept", "axes"): (("eigenvalue", 0, 3.5), ("share", -0.5, 1.5)),
}
CHANGED = [
    dict(precondition=0.8, adapt=0.5, rescale=0.9, sigma=3.0, seed=9),
    dict(noise="uniform-5", layers=3, precondition=0.7, step=1.2, rescale=0.6, sigma=1.5, seed=5),
]


def state(**values):
    return AlgorithmLab(**values).arrays


def contexts(sigma, count=200, seed=0):
    """The sequences that are averaged over, or one of a lab -> x (B, n, d), y (B, n), truth (B, d)"""
    moments = many_sequences(count, seed=seed)
    x, y = by_hand.tokens_of(moments.S, 20)
    return x, by_hand.at_noise(x, y, moments.w, sigma), moments.w


def omega(values, trained=False):
    """The constants of each layer, xx, xy, yx, yy, each times its slider -> (L, 4)"""
    constants = load_pretrained("diag", values["layers"], parse_noise(values["noise"])).omega.reshape(-1, 4)
    return constants if trained else constants * [values[name] for name in ORDER]


def tokens_by_layer(constants, x, y):
    """The four terms, example by example and query by query (paper, eq. 10) -> list of L+1: x, y, queries, their labels"""
    n, d = x.shape[1:]
    query, answer = np.tile(np.eye(d), (len(x), 1, 1)), np.zeros((len(x), d))
    states = [(x, y, query, answer)]
    for xx, xy, yx, yy in constants:
        Sigma = sum(x[:, i, :, None] * x[:, i, None, :] for i in range(n)) / n
        alpha = sum(x[:, i] * y[:, i, None] for i in range(n)) / n
        size = sum(y[:, i] ** 2 for i in range(n)) / n
        following = []
        for rows, labels in ((x, y), (query, answer)):
            new_rows = rows + xx * rows @ Sigma + xy * labels[..., None] * alpha[:, None]
            new_labels = labels + yx * (rows * alpha[:, None]).sum(axis=2) + yy * size[:, None] * labels
            following += [new_rows, new_labels]
        x, y, query, answer = following
        states.append((x, y, query, answer))
    return states


def run(constants, x, y):
    """The weights by layer, (B, L+1, d)"""
    return np.stack([-answer for *_, answer in tokens_by_layer(constants, x, y)], axis=1)


def last_push(constants, x, y):
    """What the last layer adds to w: by inputs as queries' become, and by moves along labels -> downhill, brake, (B, d) each"""
    last_x, last_y, query, _ = tokens_by_layer(constants, x, y)[-2]
    unmoved = x @ query  # (B, n, d): a query comes in with no label to move along
    means = [(last_y[..., None] * rows).mean(axis=1) for rows in (unmoved, last_x - unmoved)]
    return [-constants[-1, 2] * (query * mean[:, None]).sum(axis=2) for mean in means]


def mean_error(w, oracle):
    return (((w - oracle) ** 2).sum(axis=-1) / 2).mean(axis=0)


def sequence_errors(sigma, constants):
    """The error of the answer to each sequence -> (B,)"""
    x, y, _ = contexts(sigma)
    oracle = by_hand.ridge_many(x, y, sigma**2)
    return ((run(constants, x, y)[:, -1] - oracle) ** 2).sum(axis=1) / 2


def errors_at(sigma, constants):
    """The mean error before the first and after each layer, and AdaRR's -> (L+1,), number"""
    x, y, _ = contexts(sigma)
    oracle = by_hand.ridge_many(x, y, sigma**2)
    ada_rr = np.array([by_hand.ada_ridge(*one) for one in zip(x, y, strict=True)])
    return mean_error(run(constants, x, y), oracle[:, None]), mean_error(ada_rr, oracle)


def expected(values):
    """What belongs to each mark, token by token and sequence by sequence."""
    sigma, penalty = values["sigma"], values["sigma"] ** 2
    now, trained = omega(values), omega(values, trained=True)
    by_layer, adarr = errors_at(sigma, now)
    trained_by_layer, _ = errors_at(sigma, trained)
    by_noise = [errors_at(level, now)[0][-1] for level in LEVELS]
    trained_by_noise = [errors_at(level, trained)[0][-1] for level in LEVELS]
    adarr_by_noise = [errors_at(level, now)[1] for level in LEVELS]

    (x,), (y,), (truth,) = contexts(sigma, 1, values["seed"])
    w, trained_w = (run(constants, x[None], y[None])[0, -1] for constants in (now, trained))
    s, V = by_hand.principal(x)
    least_squares = np.linalg.lstsq(x, y, rcond=None)[0]
    reached = s[-1] >= CURVE
    curve, trained_curve = np.full((2, 41), np.nan)
    for target, constants in ((curve, now), (trained_curve, trained)):
        model = as_model(constants.reshape(-1, 2, 2), 10)
        target[reached] = by_hand.kept_of_one_more(model, x, y, CURVE[reached])

    layers, components = np.arange(values["layers"] + 1), np.arange(1, 11)
    nodes = [(float(part) - 0.06, float(part) + 0.06) for part in values["noise"].split("-")[1:]]
    spans = [(0, 5)] if values["noise"] == "uniform-5" else nodes
    bands = np.concatenate([[left, right, right, left, np.nan] for left, right in spans])
    return AXES | {
        ("layers", "as trained"): (layers, trained_by_layer),
        ("layers", "model"): (layers, by_layer),
        ("layers", "adarr"): ([0, 7], [adarr, adarr]),
        ("noise", "range"): (bands, np.tile([-np.inf, -np.inf, np.inf, np.inf, np.nan], len(spans))),
        ("noise", "upright"): ([sigma, sigma], [0.005, 50]),
        ("noise", "as trained"): (LEVELS, trained_by_noise),
        ("noise", "adarr"): (LEVELS, adarr_by_noise),
        ("noise", "model"): (LEVELS, by_noise),
        ("weight", "truth"): (components, truth),
        ("weight", "oracle"): (components, by_hand.ridge(x, y, penalty)),
        ("weight", "as trained"): (components, trained_w),
        ("weight", "model"): (components, w),
        ("kept", "oracle"): (CURVE, CURVE / (CURVE + penalty / 20)),
        ("kept", "as trained"): (CURVE, trained_curve),
        ("kept", "sequence"): (CURVE, curve),
        ("kept", "model"): (s, (V.T @ w) / (V.T @ least_squares)),
    }


@pytest.mark.parametrize("values", CHANGED, ids=["{1, 3, 5}", "U(0, 5)"])
def test_every_mark_is_what_another_route_finds(values):
    lab = AlgorithmLab(guess=2.0, **values)
    table = expected(lab.values) | {("noise", "prediction"): (values["sigma"], 2.0)}
    assert_marks(lab, table, rtol=1e-4, atol=1e-7)


def test_as_trained_it_is_the_stored_model():
    lab = AlgorithmLab(sigma=3.0)
    x, y, _ = contexts(3.0)
    model = load_pretrained("diag", 4, parse_noise("categorical-1-3-5"))
    oracle = by_hand.ridge_many(x, y, 9.0)
    errors = mean_error(by_hand.probe_many_layers(model, x, y), oracle[:, None])
    np.testing.assert_allclose(lab.arrays.by_layer, errors, rtol=1e-9)
    np.testing.assert_array_equal(lab.arrays.trained_by_layer, lab.arrays.by_layer)


def test_the_words_say_what_is_changed_and_what_came_of_it():
    lab = AlgorithmLab(adapt=0.0, rescale=0.0, step=0.5, sigma=1.5)
    by_layer, adarr = errors_at(1.5, omega(lab.values))
    trained_by_layer, _ = errors_at(1.5, omega(lab.values, trained=True))
    sizes = [dict(error=error) for error in (by_layer[-1], adarr, trained_by_layer[-1])]
    assert_messages(
        lab,
        {
            "algorithm.reading_beside": dict(sequences=200),
            "algorithm.setting": dict(sigma=1.5, variance=2.25, noise="{1, 3, 5}"),
            "layers.count": dict(count=4),
            "algorithm.without": {},
            "algorithm.times": dict(term="ω_yx", scale=0.5),
            "algorithm.error": sizes,
        },
        rtol=1e-6,
    )
    assert "trained on {1, 3, 5}, without ω_xy and ω_yy, ω_yx × 0.5: the error is" in lab.words_now
    lab = AlgorithmLab()
    assert "constants of 4 layers trained on {1, 3, 5}, as trained: the error is 0.037, " in lab.words_now
    assert "AdaRR's is 0.013." in lab.words_now and "edge" not in lab.words_now


def test_an_explosion_is_drawn_at_the_edge_and_said():
    lab = AlgorithmLab(sigma=8.0, rescale=0.0, precondition=2.0, layers=7, noise="uniform-5")
    assert not lab.arrays.by_layer[-1] < 100
    assert "the error is above 100 (it explodes), averaged" in lab.words_now
    assert "drawn at its edge: as trained in “Error after each layer”, algorithm in" in lab.words_now
    assert drawn(lab, "layers", "model")["y"][-1] == 50


def test_an_explosion_of_what_was_trained_is_said_once():
    trained, changed = (
        AlgorithmLab(noise="uniform-1", layers=7, **terms).words_now for terms in ({}, {"step": 0.0})
    )
    assert "At σ = 8 it explodes." in trained and "what was trained" not in trained
    assert "At σ = 8 what was trained explodes." in changed and "it explodes" not in changed


def test_a_direction_beyond_the_axis_is_drawn_at_its_edge_and_said():
    """Sequence 144 has an eigenvalue above 3.5."""
    lab = AlgorithmLab(seed=144)
    assert lab.arrays.eigenvalues[-1] > 3.5
    assert drawn(lab, "kept", "model")["x"][-1] == 3.5
    assert lab.words_now.endswith(
        "Beyond its axis, and drawn at its edge: algorithm in “Share it keeps of each direction”."
    )


def test_an_error_of_nearly_nothing_is_drawn_at_the_edge_and_needs_no_words():
    lab = AlgorithmLab(sigma=0.0)
    assert lab.arrays.adarr < 1e-6 and "edge" not in lab.words_now
    assert list(drawn(lab, "layers", "adarr")["y"]) == [0.005, 0.005]


def test_without_the_gradient_step_nothing_is_learned():
    np.testing.assert_array_equal(state(step=0.0, sigma=2.0).w, 0)


def test_without_the_two_readers_of_the_noise_it_answers_in_proportion_to_the_labels():
    """As GD++ does: twice the labels, twice the weight."""
    x, y, _ = contexts(2.0)
    constants = omega(AlgorithmLab().values)
    once, twice = (run(constants * [1, 0, 1, 0], x, factor * y)[:, -1] for factor in (1, 2))
    np.testing.assert_allclose(twice, 2 * once)
    oracle = by_hand.ridge_many(x, y, 4.0)
    np.testing.assert_allclose(
        state(adapt=0.0, rescale=0.0, sigma=2.0).by_layer[-1], mean_error(once, oracle)
    )


def test_the_readers_of_the_noise_matter_where_it_is_noisy_and_the_preconditioner_everywhere():
    for name in ("adapt", "rescale"):
        shown = state(**{name: 0.0})
        ratio = shown.by_noise / shown.trained_by_noise
        assert ratio[5] > 10 * ratio[0]
    shown = state(precondition=0.0)
    assert (shown.by_noise > 10 * shown.trained_by_noise).all()


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


def test_without_rescaling_the_brake_of_the_last_layer_prevails():
    """As trained it all but cancels the downhill part. And it is the rescaling of the layers before that it misses."""
    values = AlgorithmLab().values
    x, y, _ = contexts(5.0)
    trained, off = omega(values), omega(values | {"rescale": 0.0})

    downhill, brake = last_push(trained, x, y)
    assert median_length(downhill + brake) < 0.1 * median_length(downhill)  # "all but cancel"

    longer_downhill, longer_brake = last_push(off, x, y)
    left = longer_downhill + longer_brake
    path = run(off, x, y)
    np.testing.assert_allclose(left, path[:, -1] - path[:, -2], atol=1e-9)
    assert median_length(longer_downhill) > 2 * median_length(downhill)
    assert median_length(longer_brake) > 2.5 * median_length(brake)
    lengths = [np.linalg.norm(part, axis=1) for part in (longer_brake, longer_downhill)]
    assert (lengths[0] > lengths[1]).mean() > 0.9
    assert ((longer_brake * left).sum(axis=1) > 0).mean() > 0.9  # "it prevails"

    before, last = trained.copy(), trained.copy()
    before[:-1, 3], last[-1, 3] = 0, 0
    as_trained, without_before, without_last = (
        sequence_errors(5.0, constants).mean() for constants in (trained, before, last)
    )
    assert without_before > 100 * as_trained and without_last < 5 * as_trained


def median_length(pushes):
    return np.median(np.linalg.norm(pushes, axis=1))


@pytest.mark.leads
def test_the_beats_are_answered_by_the_four_terms_example_by_example():
    lab = AlgorithmLab()
    values = dict(noise="categorical-1-3-5", layers=4)
    off = dict.fromkeys(ORDER, 1.0) | values | {"rescale": 0.0}
    trained, _ = errors_at(5.0, omega(values, trained=True))
    without, _ = errors_at(5.0, omega(off))
    neither, _ = errors_at(5.0, omega(off | {"adapt": 0.0}))
    quiet_trained, _ = errors_at(0.0, omega(values, trained=True))
    quiet_neither, _ = errors_at(0.0, omega(off | {"adapt": 0.0}))
    at_one = [errors_at(1.0, constants)[0][-1] for constants in (omega(off), omega(values, trained=True))]

    answer, told = pass_beat(lab, "rescaling", 0.5, rescale=0.0)
    np.testing.assert_allclose(answer, without[-1], rtol=1e-3)
    median = np.median(sequence_errors(5.0, omega(off)))
    assert f"{without[-1]:.1f} on average (the median is {median:.1f}), instead" in told
    assert (
        f"instead of {trained[-1]:.2f}. At σ = 1 it is {at_one[0]:.2f}, instead of {at_one[1]:.2f}:" in told
    )
    assert f"{trained[-1]:.2f}" == "0.04"  # what the task says

    answer, told = pass_beat(lab, "layer", 2, rescale=0.0)
    assert answer == 1 + np.argmax(without[1:] / trained[1:]) == 4
    assert f"ends at {without[-1]:.1f}, instead of {trained[-1]:.2f}." in told

    answer, told = pass_beat(lab, "neither", "nowhere", adapt=0.0, rescale=0.0)
    assert answer == "quiet" and quiet_neither[-1] < 2 * quiet_trained[-1] and neither[-1] > 2 * trained[-1]
    assert f"Without noise it is {quiet_neither[-1]:.2f}, as trained {quiet_trained[-1]:.2f};" in told
    assert f"at σ = 5 it is {neither[-1]:.1f}, as trained {trained[-1]:.2f}" in told


@pytest.mark.parametrize(
    "by_noise, by_layer, where",
    [
        ((0.19, 9.0), (5.0, 9.0), "quiet"),
        ((0.5, 9.0), (5.0, 1.9), "loud"),
        ((0.5, 9.0), (1.0, 5.0), "nowhere"),
    ],
)
def test_as_good_is_up_to_twice_the_error_without_noise_or_behind_the_last_layer(by_noise, by_layer, where):
    begun = SimpleNamespace(by_noise=np.array([0.1, 2.0]), by_layer=np.array([5.0, 1.0]))
    assert where_as_good(SimpleNamespace(by_noise=by_noise, by_layer=by_layer), begun) == where
