"""The ridge lab, by matrices: its answer is W y with W = (X'X + lambda I)^-1 X', on sums and not means, so that lambda stands alone."""

import by_hand
import numpy as np
import pytest
from marks import assert_marks, assert_messages, drawn
from sklearn.linear_model import Ridge

from lt_helpers.labs import RidgeLab
from lt_helpers.labs.ridge import CONTEXTS, GRID, STRENGTHS

OPENED = dict(sigma=1.0, context=20, strength=1.0, seed=3)
STRENGTHS_DRAWN = 10 ** np.linspace(-2, 2, 161)
CURVE = np.linspace(0.1, 6**0.5, 80) ** 2  # eigenvalues
AXES = {
    ("weight", "axes"): (("component", 0.4, 10.6), ("w", -3.5, 3.5)),
    ("kept", "axes"): (("eigenvalue", 0, 6), ("share", -0.05, 1.1)),
    ("risk", "axes"): (("strength", 0.01, 100, "log", "floor"), ("error", 0.05, 50, "log", "gap")),
    ("best", "axes"): (("variance", 0.01, 100, "log", "gap"), ("strength", 0.01, 100, "log", "floor")),
}

ROLES = {
    ("kept", "shares"): "sequence",
    ("risk", "bias"): "third",
    ("risk", "variance"): "second",
    ("risk", "sum"): "truth",
    ("risk", "smallest"): "oracle",
    ("best", "trail"): "oracle",
}


def state(**values):
    return RidgeLab.compute(**OPENED | values)


def examples(values):
    """The inputs (n, d) and labels (n,) of a lab, and its truth (d,)."""
    rng = np.random.default_rng(values["seed"])
    x, truth, direction = rng.normal(size=(160, 10)), rng.normal(size=10), rng.normal(size=160)
    n = values["context"]
    return x[:n], x[:n] @ truth + values["sigma"] * direction[:n], truth


def solution(x, strength):
    """W, by which ridge answers w = W y -> (d, n). Without strength the shortest answer."""
    return np.linalg.pinv(x.T @ x + strength * np.eye(10), rcond=1e-11) @ x.T


def bias(x, strength):
    """Half of E |W X w - w|^2 over truths w ~ N(0, I)."""
    return ((solution(x, strength) @ x - np.eye(10)) ** 2).sum() / 2


def variance(x, strength, sigma):
    """Half of E |W xi|^2 over noises xi ~ N(0, sigma^2 I)."""
    return sigma**2 * (solution(x, strength) ** 2).sum() / 2


def expected(values):
    """What belongs to each mark."""
    x, y, truth = examples(values)
    sigma, strength = values["sigma"], values["strength"]
    s, V = np.linalg.eigh(x.T @ x / len(x))
    kept = [v @ solution(x, strength) @ x @ v for v in V.T]  # of a truth along v, without noise
    biases = np.array([bias(x, each) for each in STRENGTHS_DRAWN])
    spreads = np.array([variance(x, each, 1.0) for each in STRENGTHS_DRAWN])
    sums = biases + sigma**2 * spreads
    noises = np.arange(1, round(10 * sigma) + 1) / 10
    best = [STRENGTHS_DRAWN[np.argmin(biases + noise**2 * spreads)] for noise in noises]
    apart = [np.linalg.norm(by_hand.ridge(x, y, each) - truth) for each in STRENGTHS_DRAWN]
    predictions = {("best", "prediction"): (sigma**2, values["guess"])} if values["guess"] else {}
    component = np.arange(1, 11)
    return AXES | {
        ("weight", "truth"): (component, truth),
        ("weight", "least squares"): (component, np.linalg.lstsq(x, y)[0]),
        ("weight", "model"): (component, by_hand.ridge(x, y, strength)),
        ("kept", "oracle"): (CURVE, len(x) * CURVE / (len(x) * CURVE + sigma**2)),
        ("kept", "shares"): (CURVE, len(x) * CURVE / (len(x) * CURVE + strength)),
        ("kept", "model"): (s, kept),
        ("risk", "bias"): (STRENGTHS_DRAWN, biases),
        ("risk", "variance"): (STRENGTHS_DRAWN, sigma**2 * spreads),
        ("risk", "sum"): (STRENGTHS_DRAWN, sums),
        ("risk", "smallest"): (STRENGTHS_DRAWN[np.argmin(sums)], min(sums)),
        ("risk", "model"): (strength, bias(x, strength) + variance(x, strength, sigma)),
        ("best", "trail"): (noises**2, best),
        ("best", "hindsight"): (sigma**2, STRENGTHS_DRAWN[np.argmin(apart)]),
        ("best", "model"): (sigma**2, strength),
        **predictions,
    }


@pytest.mark.parametrize(
    "values",
    [
        dict(sigma=2.0, context=20, strength=9.0, seed=5),
        dict(sigma=3.5, context=5, strength=0.25, seed=9, guess=12.0),
        dict(sigma=0.5, context=160, strength=100.0, seed=66),
    ],
    ids=["paper", "short", "long"],
)
def test_every_mark_is_what_another_route_finds(values):
    lab = RidgeLab(**values)
    assert_marks(lab, expected(lab.values), ROLES)


def test_the_words_are_of_what_is_drawn():
    lab = RidgeLab(sigma=1.5, context=5, strength=4.0, seed=9)
    table = expected(lab.values)
    x, _, _ = examples(lab.values)
    assert_messages(
        lab,
        {
            "ridge.errors": dict(
                sigma=1.5,
                squared=2.25,
                context=5,
                strength=4.0,
                error=table["risk", "model"][1],
                bias=bias(x, 4.0),
                variance=variance(x, 4.0, 1.5),
            ),
            "ridge.best": dict(
                strength=table["best", "trail"][1][-1], error=bias(x, 2.25) + variance(x, 2.25, 1.5)
            ),
            "ridge.strength": dict(strength=table["best", "hindsight"][1]),
            "ridge.distances": dict(
                ridge=np.linalg.norm(table["weight", "model"][1] - table["weight", "truth"][1]),
                ols=np.linalg.norm(table["weight", "least squares"][1] - table["weight", "truth"][1]),
            ),
            "ridge.keeps": dict(
                weakest=table["kept", "model"][1][0], strongest=table["kept", "model"][1][-1]
            ),
            "ridge.unseen": dict(count=5, dim=10),
        },
    )


def test_with_as_many_examples_as_features_no_direction_is_missing():
    for context, missing in ((5, ["5 of 10"]), (10, []), (15, [])):
        said = [message for message in RidgeLab(context=context).messages if message.id == "ridge.unseen"]
        assert ["{count} of {dim}".format(**message.values) for message in said] == missing


def test_without_noise_least_squares_finds_the_truth_and_the_best_strength_is_none():
    lab = RidgeLab(sigma=0.0, strength=0.0, guess=3.0)
    np.testing.assert_allclose(lab.arrays.ols, lab.arrays.truth)
    np.testing.assert_allclose(lab.arrays.ridge, lab.arrays.truth)
    assert_messages(
        lab,
        {
            "ridge.errors": dict(error=0.0, strength=0.0),
            "ridge.no_noise": dict(error=0.0),
            "ridge.distances": {},
            "ridge.keeps": dict(weakest=1.0, strongest=1.0),
        },
        atol=1e-20,
    )
    for mark in ("hindsight", "model", "prediction"):  # there is no place for them on a logarithmic axis
        assert np.isnan(drawn(lab, "best", mark)["y"]).all()
    assert "Beyond" not in lab.words_now


def test_a_strength_of_none_stands_at_the_edge_and_nobody_needs_to_be_told():
    lab = RidgeLab(sigma=2.0, strength=0.0)
    assert drawn(lab, "risk", "model")["x"] == drawn(lab, "best", "model")["y"] == 0.01
    assert "Beyond" not in lab.words_now


def test_an_error_above_its_axis_is_said_and_one_below_is_left_out():
    lab = RidgeLab(sigma=5.0, context=10, strength=0.01)
    assert "least squares in “Weights on this sequence”" in lab.words_now
    assert drawn(lab, "risk", "model")["y"] == 50.0
    biases = np.asarray(drawn(lab, "risk", "bias")["y"])
    assert np.isnan(biases[0]) and biases[np.isfinite(biases)].min() >= 0.05


@pytest.mark.parametrize("seed, id, words", [(8, "or_less", "0.01 or less"), (2, "or_more", "100 or more")])
def test_at_an_end_of_the_search_the_best_is_only_known_to_lie_beyond(seed, id, words):
    lab = RidgeLab(sigma=3.0, seed=seed)
    x, y, truth = examples(lab.values)
    end = 0.01 if id == "or_less" else 100.0
    apart = [np.linalg.norm(by_hand.ridge(x, y, end * factor) - truth) for factor in (0.5, 1.0, 2.0)]
    assert sorted(apart) == (apart if id == "or_less" else apart[::-1])  # the further beyond, the nearer
    assert [message.values["here"].id for message in lab.messages if "here" in message.values] == [
        f"ridge.{id}"
    ]
    assert words in lab.words_now


@pytest.mark.parametrize("context", [5, 20, 160])
@pytest.mark.parametrize("strength", [0.01, 4.0, 100.0])
def test_the_drawn_weights_are_scikit_learns(context, strength):
    lab = RidgeLab(sigma=2.0, context=context, strength=strength)
    x, y, _ = examples(lab.values)
    w = Ridge(alpha=strength, fit_intercept=False).fit(x, y).coef_  # it sums over examples: alpha is lambda
    np.testing.assert_allclose(drawn(lab, "weight", "model")["y"], np.clip(w, -3.5, 3.5), rtol=1e-8)


@pytest.mark.parametrize("context", [5, 20])
@pytest.mark.parametrize("strength", [0.25, 9.0])
def test_bias_and_variance_are_those_of_many_truths_and_noises(context, strength, rng):
    shown = state(sigma=2.0, context=context, strength=strength)
    x, _, _ = examples(OPENED | dict(context=context))
    solve = solution(x, strength)
    misses, noises = [], []
    for _ in range(4000):
        truth, noise = rng.normal(size=10), 2.0 * rng.normal(size=context)
        misses.append(((solve @ (x @ truth) - truth) ** 2).sum() / 2)
        noises.append(((solve @ noise) ** 2).sum() / 2)
    for value, draws in ((shown.bias, misses), (shown.variance, noises)):
        np.testing.assert_allclose(value, np.mean(draws), atol=4 * np.std(draws) / 4000**0.5)


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("seed", [0, 3])
def test_the_best_strength_is_sigma_squared_at_any_number_of_examples(context, seed):
    trail = state(sigma=5.0, context=context, seed=seed).trail
    assert len(trail) == 50
    assert (abs(np.log(trail[:, 1] / trail[:, 0])) < np.log(GRID[1] / GRID[0])).all()


def test_sliding_the_noise_moves_neither_truth_nor_inputs_nor_bias():
    quiet, noisy = state(sigma=0.5), state(sigma=4.0)
    for name in ("truth", "eigenvalues", "kept", "bias", "bias_curve"):
        np.testing.assert_array_equal(getattr(quiet, name), getattr(noisy, name))
    np.testing.assert_allclose(noisy.variance, 64 * quiet.variance)


def test_the_strengths_hold_the_squares_that_the_notebook_asks_for():
    assert {1.0, 4.0, 9.0, 16.0, 25.0} <= set(STRENGTHS)
    assert (np.diff(STRENGTHS) > 0).all()


def tell(lab):
    """What the lab says of a beat that is done."""
    assert lab.story().phase == "told" and lab.error is None
    return lab.names.say(lab.story().found)


@pytest.mark.leads
class TestBeats:
    def test_shrinking_brings_the_answer_nearer_to_the_truth_and_then_farther(self):
        lab = RidgeLab(beat="pull", pull_guess="nearer")
        lab.lock()
        lab.controls["strength"].value = 100.0
        x, y, truth = examples(lab.values)
        apart = [np.linalg.norm(by_hand.ridge(x, y, each) - truth) for each in STRENGTHS_DRAWN]
        least = int(np.argmin(apart))
        assert 0 < least < 160 and "it is “nearer, then farther”" in tell(lab)
        assert (
            f"{apart[0]:.2f} at first, {apart[least]:.2f} at λ = {STRENGTHS_DRAWN[least]:.2g}, where it is smallest"
            in tell(lab)
        )
        assert f"{apart[-1]:.2f} at λ = 100" in tell(lab)

    def test_the_weak_direction_loses_more(self):
        lab = RidgeLab(beat="share", direction_guess="strongest")
        lab.lock()
        lab.controls["strength"].value = 16.0
        table = expected(lab.values)
        s, kept = table["kept", "model"]
        assert kept[0] < kept[-1] and "it is “the weakest direction”" in tell(lab)
        assert f"s = {s[0]:.2f}, ridge keeps {kept[0]:.2f}" in tell(lab)
        assert f"s = {s[-1]:.2f}, it keeps {kept[-1]:.2f}" in tell(lab)

    def test_the_bottom_of_the_valley_is_found_at_sigma_squared_alone(self):
        lab = RidgeLab(beat="valley")
        for strength in (0.25, 1.0, 9.0, 1.96):
            lab.controls["strength"].value = strength
            assert lab.story().phase == "do", strength
        lab.controls["strength"].value = 4.0
        now, before = (expected({**lab.values, "strength": one})["risk", "model"][1] for one in (4.0, 0.01))
        assert f"At λ = 4 the error is {now:.2f}; it was {before:.2f}." in tell(lab)

    def test_three_times_the_noise_asks_for_nine_times_the_penalty(self):
        lab = RidgeLab(beat="noise", guess=3.0)
        lab.lock()
        lab.controls["sigma"].value = 3.5
        assert lab.answers["guess"].answer == pytest.approx(9, rel=0.03)
        assert "You said 3; it is 8.9" in tell(lab)

    def test_the_error_is_largest_where_there_are_as_many_examples_as_features(self):
        lab = RidgeLab(beat="fewer", context_guess=5)
        lab.lock()
        lab.controls["context"].value = 5
        x = np.random.default_rng(3).normal(size=(160, 10))
        errors = [bias(x[:n], 0.01) + variance(x[:n], 0.01, 2.0) for n in (40, 20, 10, 5)]
        assert errors.index(max(errors)) == 2 and "it is “10”" in tell(lab)
        assert ", ".join(f"{error:.2g}" for error in errors) in tell(lab)
