import csv
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import by_hand
import numpy as np
import pytest
from leading import done
from marks import assert_marks, assert_messages, drawn, titles, unkeyed_marks

import lt_helpers
from lt_helpers import Fixed, RegressionTask, adjusted_loss, load_pretrained
from lt_helpers.labs import ProfileLab
from lt_helpers.labs.profile import risks_of, standing
from lt_helpers.language import Message, catalogue
from lt_helpers.noise import parse_noise

PACKAGE = Path(lt_helpers.__file__).parent
AXES = {
    ("noise", "axes"): (("sigma", 0, 12.4), ("excess", 1e-3, 50, "log", "gap")),
    ("depth", "axes"): (("depth", 0.5, 9.5), ("excess", 1e-3, 3, "log", "gap")),
    ("spread", "axes"): (("excess", 1e-3, 1e3, "log", "floor"), ("sequences", 0.5 / 300, 1.2, "log")),
    ("nearer", "axes"): (("sigma", 0, 12.4), ("sequences", -0.03, 1.03)),
    ("exploded", "axes"): (("sigma", 0, 12.4), ("sequences", -0.03, 1.03)),
}
LEVELS = np.array([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10])
SETTINGS = [
    dict(kind="diag", noise="categorical-1-3", layers=7, sigma=4.5),
    dict(kind="full", noise="uniform-3", layers=4, sigma=1.5),
]
SPANS = {"categorical-1-3": [(0.94, 1.06), (2.94, 3.06)], "uniform-3": [(0, 3)]}
ROLES = {
    ("spread", "exploded"): "range",
    ("noise", "mean"): "model",
    ("exploded", "model"): "exploded",
    ("noise", "ghost"): "ghost second",
}
BASELINES = {"ConstRR": "constrr", "AdaRR": "adarr", "TunedRR": "tunedrr", "Bayes-optimal": "bayes"}
WILD = dict(kind="full", noise="categorical-1-3", layers=7, sigma=10.0)


def stored_json(name):
    return json.loads((PACKAGE / "pretrained" / name).read_text())


def record(kind, layers, noise):
    """What stands in the file of records about a model with one head."""
    wanted = dict(kind=kind, layers=layers, noise=noise, heads=1, variant="")
    found = [entry for entry in stored_json("records.json") if wanted.items() <= entry.items()]
    return found[0] if found else None


@cache
def sequences():
    """Tokens of 300 sequences at sigma = 1 -> x, y, truth"""
    moments = RegressionTask(10, 20, Fixed(1.0)).sample_moments(300, np.random.default_rng(0))
    return *by_hand.tokens_of(moments.S, 20), moments.w


def bayes(x, y, sigmas, weights):
    """Ridge regression at each sigma, averaged over how probable that is, sequence by sequence.    sigmas, weights (K,)  ->  (B, d)"""
    scores, answers = [], []
    for sigma, weight in zip(sigmas, weights, strict=True):
        covariance = x @ x.mT + sigma**2 * np.eye(20)
        explained = np.linalg.solve(covariance, y[..., None])[..., 0]
        scores.append(np.log(weight) - (np.linalg.slogdet(covariance)[1] + (y * explained).sum(axis=1)) / 2)
        answers.append((x.mT @ explained[..., None])[..., 0])  # X' (X X' + sigma^2 I)^-1 y
    scores = np.array(scores)
    likely = np.exp(scores - scores.max(axis=0))
    return (likely[..., None] * answers).sum(axis=0) / likely.sum(axis=0)[:, None]


def noise_nodes(noise):
    """Noise levels that stand for a distribution, with their weights."""
    if noise.startswith("categorical"):
        values = [float(value) for value in noise.split("-")[1:]]
        return values, [1 / len(values)] * len(values)
    points, weights = np.polynomial.legendre.leggauss(64)
    return float(noise.split("-")[1]) * (points + 1) / 2, weights / 2


@cache
def labels_and_oracle(sigma):
    """The sequences at one noise -> y, and ridge regression that is told sigma"""
    x, y, truth = sequences()
    y = by_hand.at_noise(x, y, truth, sigma)
    return y, by_hand.ridge_many(x, y, sigma**2)


def lose(w, sigma):
    """What answers (300, d) lose on each sequence beside ridge regression that is told sigma -> (300,)"""
    return ((w - labels_and_oracle(sigma)[1]) ** 2).sum(axis=1) / 2


@cache
def rivals_at(noise, sigma):
    """What the baselines for a noise lose at one sigma -> {role: (300,)}"""
    x, (y, _) = sequences()[0], labels_and_oracle(sigma)
    sigmas, weights = noise_nodes(noise)
    tuned = stored_json("tuned_rr.json")[noise]
    left = np.array([by_hand.noise_left(*one) for one in zip(x, y)]) ** 2
    mean_square = (np.square(sigmas) * weights).sum()
    penalties = {
        "constrr": np.full(300, mean_square),
        "adarr": left,
        "tunedrr": np.minimum(tuned["multiplier"] * left, tuned["cap"]),
    }
    answers = {
        role: np.array([by_hand.ridge(*one) for one in zip(x, y, penalty)])
        for role, penalty in penalties.items()
    }
    answers["bayes"] = bayes(x, y, sigmas, weights)
    return {role: lose(w, sigma) for role, w in answers.items()}


def rivals_by_hand(noise, levels):
    """-> {role: (levels, 300)}"""
    by_level = [rivals_at(noise, sigma) for sigma in LEVELS[:levels]]
    return {role: np.array([lost[role] for lost in by_level]) for role in by_level[0]}


@cache
def model_by_hand(kind, layers, noise, levels):
    """-> (levels, 300)"""
    model, (x, _, _) = load_pretrained(kind, layers, parse_noise(noise)), sequences()
    return np.array(
        [lose(by_hand.probe_many(model, x, labels_and_oracle(sigma)[0]), sigma) for sigma in LEVELS[:levels]]
    )


def expected(values):
    """What belongs to each mark: tokens for what the lab computes, files for what is stored."""
    kind, noise, layers, sigma = (values[name] for name in ("kind", "noise", "layers", "sigma"))
    reached = int((sigma >= LEVELS).sum())
    risks, rivals = model_by_hand(kind, layers, noise, reached), rivals_by_hand(noise, reached)
    spans = SPANS[noise]
    band = (
        np.concatenate([[left, right, right, left, np.nan] for left, right in spans]),
        [-np.inf, -np.inf, np.inf, np.inf, np.nan] * len(spans),
    )

    def so_far(numbers):
        return LEVELS, [*numbers, *[np.nan] * (16 - reached)]

    def spread(lost):
        lost = np.array(sorted(lost))
        return lost, [(lost >= one).mean() for one in lost]

    baselines = stored_json("baselines.json")[noise]
    rung = {role: ((0.5, 7), [baselines[name][0]] * 2) for name, role in BASELINES.items()}
    depth = np.arange(1, layers + 1)
    own = [record(kind, layer, noise) for layer in depth]
    loss, error = (np.array([entry[name] for entry in own]) for name in ("loss", "standard_error"))
    others = {
        other: [record(other, layer, noise)["loss"] for layer in depth]
        for other in ("diag", "full", "gd++")
        if other != kind
    }
    with (PACKAGE / "paper_table1.csv").open() as file:
        paper = {
            int(row["layers"] or 0): float(row[noise]) for row in csv.DictReader(file) if row["kind"] == kind
        }
    return AXES | {
        ("noise", "range"): band,
        ("noise", "mean"): so_far([lost.sum() / 300 for lost in risks]),
        ("noise", "median"): so_far([(sorted(lost)[149] + sorted(lost)[150]) / 2 for lost in risks]),
        **{("noise", role): so_far(rivals[role].sum(axis=1) / 300) for role in ("adarr", "bayes")},
        **{("depth", role): line for role, line in rung.items()},
        **{("depth", other): (depth, losses) for other, losses in others.items()},
        ("depth", kind): (depth, loss, loss - 2 * error, loss + 2 * error),
        ("depth", "paper"): (depth, [paper.get(layer, np.nan) for layer in depth]),
        ("spread", "exploded"): ([50, 1000, 1000, 50, np.nan], [-np.inf, -np.inf, np.inf, np.inf, np.nan]),
        ("spread", "adarr"): spread(rivals["adarr"][-1]),
        ("spread", "bayes"): spread(rivals["bayes"][-1]),
        ("spread", "model"): spread(risks[-1]),
        ("nearer", "range"): band,
        ("nearer", "level"): ([0, 12.4], [0.5, 0.5]),
        ("nearer", "model"): so_far((risks < rivals["adarr"]).sum(axis=1) / 300),
        ("exploded", "range"): band,
        ("exploded", "model"): so_far((risks > 50).sum(axis=1) / 300),
    }


@pytest.mark.parametrize("values", SETTINGS, ids=["diag", "full"])
def test_every_mark_is_what_another_route_finds(values):
    lab = ProfileLab(**values)
    assert_marks(lab, expected(lab.values), roles_of(lab), rtol=1e-5)
    assert titles(lab) == dict(
        depth=dict(where=Message("profile.on_training_noise")),
        spread=dict(sigma=values["sigma"]),
        exploded=dict(limit=50),
    )


def roles_of(lab):
    """The roles of the marks that are not called by theirs: the families of models by their kinds."""
    beside = iter(("others", "stored"))
    kinds = {
        kind: "model" if kind == lab.values["kind"] else next(beside) for kind in ("diag", "full", "gd++")
    }
    return ROLES | {("depth", kind): role for kind, role in kinds.items()}


def test_each_line_has_its_name_at_its_end():
    lab = ProfileLab(layers=7, sigma=8.0, ghost=dict(kind="full"))
    assert unkeyed_marks(lab) == {("nearer", "level")}
    named = [trace for trace in lab.drawing["data"] if trace.get("mode") == "text"]
    assert [[text.strip() for text in trace["text"]] for trace in named] == [
        ["ConstRR", "AdaRR", "TunedRR", "Bayes", "FULL", "GD++", "DIAG"],
        ["AdaRR", "Bayes", "ghost", "its median", "model"],
        ["AdaRR", "Bayes", "ghost", "model"],
        ["ghost", "model"],
        ["ghost", "model"],
    ]
    keys = [note["text"] for note in lab.drawing["layout"]["annotations"]]
    assert not any("AdaRR" in key.split("<br>")[1] or "model" in key.split("<br>")[1] for key in keys)


def test_the_ghost_is_the_state_that_was_held_and_the_stars_stand_on_adarr():
    """The ghost's curves go as far as its own noise had come; its spread is the one at the present noise."""
    lab = ProfileLab(**SETTINGS[0], ghost=dict(kind="gd++", sigma=3.0), layers_guess=2.0, sigma_guess=6.0)
    now = expected(lab.values)
    before = expected({**lab.values, "kind": "gd++", "sigma": 3.0})
    there = expected({**lab.values, "kind": "gd++"})
    _, rung = now["depth", "adarr"]
    table = now | {
        ("noise", "ghost"): before["noise", "mean"],
        ("spread", "ghost"): there["spread", "model"],
        ("nearer", "ghost"): before["nearer", "model"],
        ("exploded", "ghost"): before["exploded", "model"],
        ("noise", "prediction"): (6.0, rivals_at("categorical-1-3", 6.0)["adarr"].mean()),
        ("depth", "prediction"): (2, rung[0]),
    }
    assert_marks(lab, table, roles_of(lab), rtol=1e-5)


@pytest.mark.parametrize(
    "values, label, beaten, ahead, more",
    [
        (SETTINGS[0], "{1, 3}", "TunedRR", "Bayes-optimal", {"profile.explode", "profile.outside"}),
        (SETTINGS[1], "U(0, 3)", "AdaRR", "TunedRR", set()),
    ],
    ids=["diag", "full"],
)
def test_the_words_are_of_what_is_drawn(values, label, beaten, ahead, more):
    lab = ProfileLab(**values)
    kind, noise, layers = (values[name] for name in ("kind", "noise", "layers"))
    levels = int((values["sigma"] >= LEVELS).sum())
    risks, adarr = model_by_hand(kind, layers, noise, levels)[-1], rivals_by_hand(noise, levels)["adarr"][-1]
    own, ladder = record(kind, layers, noise), stored_json("baselines.json")[noise]
    median = (sorted(risks)[149] + sorted(risks)[150]) / 2
    errors = [((lost - lost.sum() / 300) ** 2).sum() ** 0.5 / (299 * 300) ** 0.5 for lost in (risks, adarr)]
    table = {
        "profile.model": dict(kind=kind.upper(), noise=label),
        "layers.count": dict(count=layers),
        "profile.loss": dict(loss=own["loss"], error=own["standard_error"]),
        "profile.between": {},
        "profile.rung": [dict(loss=ladder[name][0]) for name in (beaten, ahead)],
        **{f"mark.{BASELINES[name]}": {} for name in (beaten, ahead)},
        "profile.here": dict(sigma=values["sigma"], sequences=300),
        "profile.mean": [dict(error=error) for error in errors],
        "profile.risk": [dict(risk=value) for value in (risks.sum() / 300, median, adarr.sum() / 300)],
        **{id: {} for id in more},
    }
    if "profile.explode" in more:
        table["profile.explode"] = dict(count=(risks > 50).sum(), sequences=300, limit=50)
    assert_messages(lab, table, rtol=1e-4)
    assert f"between {beaten} ({ladder[beaten][0]:.4f}) and {ahead} ({ladder[ahead][0]:.4f})" in lab.words_now


def test_what_explodes_is_counted_said_and_drawn_at_the_edge():
    lab = ProfileLab(**WILD)
    count = (~(lab.arrays.risks[-1] <= 50)).sum()
    assert f"{count} of 300 sequences explode: they lose more than 50." in lab.words_now
    assert (
        "it loses more than 50 on average" in lab.words_now and "outside the training range" in lab.words_now
    )
    assert "model in “Excess risk by noise”, model in “Losing more, at σ = 10”." in lab.words_now
    assert drawn(lab, "noise", "mean")["y"][-1] == 50 and drawn(lab, "spread", "model")["x"][-1] == 1000
    lab.controls["kind"].value, lab.controls["sigma"].value = "gd++", 3.0
    assert "explode" not in lab.words_now and "outside" not in lab.words_now and "edge" not in lab.words_now


def test_what_is_too_small_for_its_axis_is_a_gap_that_nobody_is_told_of():
    """Without noise AdaRR is the oracle."""
    lab = ProfileLab(sigma=0.0)
    assert np.isnan(drawn(lab, "noise", "adarr")["y"][0]) and "lab.beyond" not in str(lab.messages)
    assert lab.arrays.rivals["adarr"][0].max() < 1e-12 and lab.arrays.nearer[0] == 0
    assert "AdaRR loses less than 0.001 on average" in lab.words_now


def test_an_answer_that_is_not_finite_counts_as_exploded():
    broken = risks_of(lambda spectrum: np.full((len(spectrum.s), 10), np.nan))
    shown = replace(ProfileLab().arrays, risks=broken)
    (exploded,) = (one for one in ProfileLab.words(shown, None) if one.id == "profile.explode")
    assert exploded.values["count"] == 300 and shown.nearer.max() == 0


def test_the_profile_is_the_adjusted_loss_at_fixed_noise():
    """Against other sequences, 20,000 of them."""
    shown = ProfileLab(layers=4).arrays.risks[8]
    model = load_pretrained("diag", 4, parse_noise("uniform-5"))
    loss, error = adjusted_loss(model, RegressionTask(10, 20, Fixed(4.0)), 20_000, np.random.default_rng(9))
    assert abs(shown.mean() - loss) < 4 * np.hypot(shown.std() / np.sqrt(300), error)


@pytest.mark.leads
def test_the_beats_tell_what_another_route_finds():
    lab = ProfileLab()
    told = {beat.name: done(lab, beat) for beat in lab.BEATS}
    ladder = {name: loss for name, (loss, *_) in stored_json("baselines.json")["uniform-5"].items()}
    losses = [record("diag", layers, "uniform-5")["loss"] for layers in range(1, 8)]

    answer, values = told["depth"]
    assert losses[answer - 1] < ladder["AdaRR"] <= min(losses[: answer - 1])
    assert losses[values["tuned"] - 1] < ladder["TunedRR"] <= min(losses[: values["tuned"] - 1])
    assert (values["loss"], values["best"]) == (losses[6], ladder["Bayes-optimal"])

    answer, values = told["range"]
    rivals = rivals_by_hand("uniform-5", 14)
    model, adarr, bayes = (
        lost.mean(axis=1)
        for lost in (model_by_hand("diag", 7, "uniform-5", 14), rivals["adarr"], rivals["bayes"])
    )
    better = (values["first"] <= LEVELS[:14]) & (answer > LEVELS[:14])
    assert answer > 5 and ((model < adarr) == better).all()
    assert (values["bayes"], values["adarr"]) == pytest.approx((bayes[12], adarr[12])) and values[
        "sigma"
    ] == LEVELS[12]

    answer, values = told["explode"]
    lost = model_by_hand("diag", 7, "uniform-5", 14)
    assert f"{lost[12].mean():.1f}" == "0.3" and lost[13].mean() > 50  # what the task says of sigma = 7 and 8
    assert answer == "few" and values["count"] == (lost[13] > 50).sum() < 30
    assert values["median"] == pytest.approx(np.mean(sorted(lost[13])[149:151]))


@pytest.mark.parametrize(
    "loss, words",
    [
        (0.9, "behind ConstRR (0.4000)"),
        (0.1, "between ConstRR (0.4000) and AdaRR (0.0700)"),
        (0.06, "between AdaRR (0.0700) and Bayes-optimal (0.0400)"),
        (0.03, "no worse than Bayes-optimal (0.0400)"),
    ],
)
def test_the_words_name_the_rungs_on_either_side(loss, words):
    assert catalogue("en").say(standing(loss, {"constrr": 0.4, "adarr": 0.07, "bayes": 0.04})) == words


def test_small_losses_are_said_with_a_digit_more():
    lab = ProfileLab(kind="full", noise="uniform-1", layers=7, sigma=1.0)
    entry = record("full", 7, "uniform-1")
    assert f"loss {entry['loss']:.5f} ± {entry['standard_error']:.5f} there" in lab.words_now


def test_fixed_noise_is_no_choice():
    with pytest.raises(
        ValueError, match="noise is 'fixed-0' with kind='diag': noise must be one of 'uniform-1'"
    ):
        ProfileLab(noise="fixed-0")
