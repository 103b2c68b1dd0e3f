"""The softmax lab against another route: attention by einsum, ridge regression by singular values, medians by hand."""

import json
from functools import cache
from pathlib import Path

import by_hand
import numpy as np
import pytest
from leading import done
from marks import assert_marks, assert_messages, titles, unkeyed_marks
from test_profile import bayes, noise_nodes

import lt_helpers
from lt_helpers import load_pretrained, weights
from lt_helpers.labs import SoftmaxLab
from lt_helpers.labs.softmax import size_of
from lt_helpers.noise import parse_noise
from lt_helpers.softmax import SoftmaxTransformer

PRETRAINED = Path(lt_helpers.__file__).parent / "pretrained"
LEVELS = np.array([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8])
LENGTHS = np.arange(41) / 4
AXES = {
    ("line", "axes"): (("length", 0, 12.4), ("answer", -5, 40)),
    ("bent", "axes"): (("sigma", 0, 10.4), ("bent", 1e-4, 1, "log", "floor")),
    ("profile", "axes"): (("sigma", 0, 10.4), ("excess", 1e-3, 10, "log", "gap")),
    ("meter", "axes"): (("sigma", 0, 10.4), ("sigma_read", 0, 8)),
}
SPANS = {"categorical-1-3": [(0.94, 1.06), (2.94, 3.06)], "uniform-5": [(0, 5)]}
ROLES = {
    ("line", "typical"): "range",
    ("line", "linear"): "kept part",
    ("profile", "diag"): "others",
    ("profile", "full"): "stored",
    ("meter", "diag"): "others",
}
SETTINGS = [
    dict(kind="mlp", noise="uniform-5", layers=2, sigma=1.0, length=10.0),
    dict(kind="alone", noise="categorical-1-3", layers=4, sigma=0.5, length=2.0),
]


def record(kind, noise, layers):
    """What the file of records says of a model."""
    records = json.loads((PRETRAINED / "softmax" / "records.json").read_text())
    (found,) = (
        one for one in records if (one["mlp"], one["noise"], one["layers"]) == (kind == "mlp", noise, layers)
    )
    return found


@cache
def stored(kind, noise, layers):
    """The tensors of a model, by their names."""
    prefix = f"{kind}/{layers}/{noise}/"
    tensors, _ = weights.read(PRETRAINED / "softmax" / "models.safetensors")
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}


def layer_norm(a, gain, shift):
    return (a - a.mean(-1, keepdims=True)) / np.sqrt(a.var(-1, keepdims=True) + 1e-5) * gain + shift


def answers_by_hand(which, x, y, queries):
    """A softmax transformer, each head by itself.    x (B, n, d), y (B, n), queries (B, q, d)  ->  (B, q)"""
    W = {name: array.astype(float) for name, array in stored(*which).items()}
    layers, mlp, heads = which[2], which[0] == "mlp", record(*which)["heads"]
    tokens = np.concatenate([x, y[..., None]], axis=2)
    asked = np.concatenate([queries, np.zeros_like(queries[..., :1])], axis=2)
    examples, readers = tokens @ W["embed"].T, asked @ W["embed"].T
    for layer in range(layers):
        at = {
            name: array[layer]
            for name, array in W.items()
            if name not in ("embed", "readout", "gain", "shift")
        }
        read = layer_norm(examples, at["gain_1"], at["shift_1"]) if mlp else examples
        after = []
        for streams in (examples, readers):
            seen = layer_norm(streams, at["gain_1"], at["shift_1"]) if mlp else streams
            size = len(at["Q"]) // heads
            for head in range(heads):
                rows = slice(head * size, (head + 1) * size)
                scores = np.einsum(
                    "bmi,ki,kj,bnj->bmn", seen, at["Q"][rows], at["K"][rows], read, optimize=True
                )
                shares = np.exp(scores / np.sqrt(size) - (scores / np.sqrt(size)).max(-1, keepdims=True))
                shares = shares / shares.sum(-1, keepdims=True)
                value = at["O"][:, rows] @ at["V"][rows]
                streams = streams + np.einsum("bmn,bnj,ij->bmi", shares, read, value, optimize=True)
            if mlp:
                hidden = layer_norm(streams, at["gain_2"], at["shift_2"]) @ at["up"].T + at["up_bias"]
                streams = streams + np.where(hidden > 0, hidden, 0) @ at["down"].T + at["down_bias"]
            after.append(streams)
        examples, readers = after
    if mlp:
        readers = layer_norm(readers, W["gain"], W["shift"])
    return np.einsum("bqw,w->bq", readers, W["readout"])


@cache
def drawn():
    """As the lab's file says: inputs, truths, the directions of the noise, queries."""
    rng = np.random.default_rng(0)
    return [rng.normal(size=size) for size in ((100, 20, 10), (100, 10), (100, 20), (100, 30, 10))]


def labels(sigma):
    x, w, xi, _ = drawn()
    return np.einsum("knd,kd->kn", x, w) + sigma * xi


def fitted(queries, answers):
    """Least squares of one context's answers on its queries, and the sum of squares that is left."""
    w = np.linalg.lstsq(queries, answers, rcond=None)[0]
    return w, ((answers - queries @ w) ** 2).sum()


def nearest_noise(w, x, y):
    """The sigma whose ridge weight is nearest to w, along singular vectors, by trying many."""
    U, s, Vt = np.linalg.svd(x, full_matrices=False)
    low, high = 0.0, 30.0
    for _ in range(4):
        sigmas = np.linspace(low, high, 301)
        ridges = s * (U.T @ y) / (s**2 + sigmas[:, None] ** 2)
        best = int(((ridges - Vt @ w) ** 2).sum(axis=1).argmin())
        low, high = sigmas[max(best - 1, 0)], sigmas[min(best + 1, 300)]
    return sigmas[best]


@cache
def measured(which, sigma):
    """A softmax transformer at one noise -> mean excess, share that no linear function has, noises that it acts on (100,)"""
    x, _, _, queries = drawn()
    y = labels(sigma)
    answers = answers_by_hand(which, x, y, queries)
    oracle = by_hand.ridge_many(x, y, sigma**2)
    risk = ((answers - np.einsum("kqd,kd->kq", queries, oracle)) ** 2).mean() / 2
    fits = [fitted(*one) for one in zip(queries, answers)]
    left = sum(sum_left for _, sum_left in fits) / 20  # 30 queries, 10 numbers
    implied = np.array([nearest_noise(w, x[k], y[k]) for k, (w, _) in enumerate(fits)])
    return risk, left / ((answers**2).sum() / 30), implied


@cache
def rivals(noise, sigma):
    """What the others lose at one noise, and the noises that DIAG acts on."""
    x, y = drawn()[0], labels(sigma)
    oracle = by_hand.ridge_many(x, y, sigma**2)
    answers = {
        kind: by_hand.probe_many(load_pretrained(kind, 7, parse_noise(noise)), x, y)
        for kind in ("diag", "full")
    }
    implied = np.array([nearest_noise(w, x[k], y[k]) for k, w in enumerate(answers["diag"])])
    answers["bayes"] = bayes(x, y, *noise_nodes(noise))
    return {name: ((w - oracle) ** 2).sum() / 200 for name, w in answers.items()}, implied


def line(which, sigma, seed):
    """One sequence: answers along the oracle's weight, the slope of the linear part, and the oracle's."""
    rng = np.random.default_rng(seed)
    x, truth, xi = rng.normal(size=(20, 10)), rng.normal(size=10), rng.normal(size=20)
    y = x @ truth + sigma * xi
    oracle = by_hand.ridge(x, y, sigma**2)
    direction = oracle / np.linalg.norm(oracle)
    probes = np.random.default_rng(0).normal(size=(200, 10))
    far = answers_by_hand(which, x[None], y[None], (LENGTHS[:, None] * direction)[None])[0]
    w, _ = fitted(probes, answers_by_hand(which, x[None], y[None], probes[None])[0])
    return far, w @ direction, np.linalg.norm(oracle)


def median(numbers):
    ordered = sorted(numbers)
    return (ordered[49] + ordered[50]) / 2


def which_of(values):
    return values["kind"], values["noise"], values["layers"]


def expected(values):
    """What belongs to each mark."""
    which, noise, sigma = which_of(values), values["noise"], values["sigma"]
    reached = LEVELS[sigma >= LEVELS]
    found = [measured(which, level) for level in reached]
    others = [rivals(noise, level) for level in reached]
    spans = SPANS[noise]
    band = (
        np.concatenate([[left, right, right, left, np.nan] for left, right in spans]),
        [-np.inf, -np.inf, np.inf, np.inf, np.nan] * len(spans),
    )

    def so_far(numbers):
        return LEVELS, [*numbers, *[np.nan] * (14 - len(reached))]

    answers, slope, oracle = line(which, sigma, values["seed"])
    shown = np.where(values["length"] >= LENGTHS, answers, np.nan)
    return AXES | {
        ("line", "typical"): ([1.8, 4.5, 4.5, 1.8, np.nan], [-np.inf, -np.inf, np.inf, np.inf, np.nan]),
        ("line", "oracle"): (LENGTHS, oracle * LENGTHS),
        ("line", "linear"): (LENGTHS, slope * LENGTHS),
        ("line", "model"): (LENGTHS, shown),
        ("bent", "range"): band,
        ("bent", "model"): so_far([share for _, share, _ in found]),
        ("profile", "range"): band,
        **{
            ("profile", name): so_far([lost[name] for lost, _ in others])
            for name in ("bayes", "diag", "full")
        },
        ("profile", "model"): so_far([risk for risk, _, _ in found]),
        ("meter", "range"): band,
        ("meter", "diagonal"): ([0, 8], [0, 8]),
        ("meter", "diag"): so_far([median(implied) for _, implied in others]),
        ("meter", "model"): so_far([median(implied) for _, _, implied in found]),
    }


@pytest.mark.parametrize("values", SETTINGS, ids=["mlp", "alone"])
def test_every_mark_is_what_another_route_finds(values):
    lab = SoftmaxLab(**values)
    assert_marks(lab, expected(lab.values), ROLES, rtol=2e-4, atol=2e-4)
    assert titles(lab) == dict(line=dict(sigma=values["sigma"]))


def test_the_ghost_is_the_state_that_was_held_and_the_star_stands_at_4():
    lab = SoftmaxLab(**SETTINGS[0], ghost=dict(sigma=0.5, length=2.0), implied_guess=3.5)
    before = expected({**lab.values, "sigma": 0.5, "length": 2.0})
    table = expected(lab.values) | {
        (panel, "ghost"): before[panel, "model"] for panel in ("line", "bent", "profile", "meter")
    }
    table["meter", "prediction"] = (4.0, 3.5)
    assert_marks(lab, table, ROLES, rtol=2e-4, atol=2e-4)


def test_each_line_has_its_name_at_its_end():
    lab = SoftmaxLab(**SETTINGS[0], ghost=dict(sigma=0.5))
    assert unkeyed_marks(lab) == {("meter", "diagonal")}
    named = [trace for trace in lab.drawing["data"] if trace.get("mode") == "text"]
    assert [[text.strip() for text in trace["text"]] for trace in named] == [
        ["oracle ridge", "linear part", "ghost", "model"],
        ["ghost", "model"],
        ["Bayes", "DIAG", "FULL", "ghost", "model"],
        ["DIAG", "ghost", "model"],
    ]


@pytest.mark.parametrize("values", SETTINGS, ids=["mlp", "alone"])
def test_the_words_are_of_what_is_drawn(values):
    lab = SoftmaxLab(**values)
    which, noise, sigma = which_of(values), values["noise"], values["sigma"]
    risk, share, implied = measured(which, sigma)
    lost, _ = rivals(noise, sigma)
    own = record(*which)
    answers, slope, oracle = line(which, sigma, lab.values["seed"])
    ladder = json.loads((PRETRAINED / "baselines.json").read_text())[noise]
    ordered = sorted(implied)
    quarters = [
        ordered[int(place)] + (place % 1) * (ordered[int(place) + 1] - ordered[int(place)])
        for place in (24.75, 74.25)
    ]
    table = {
        "softmax.made": dict(
            noise={"uniform-5": "U(0, 5)", "categorical-1-3": "{1, 3}"}[noise],
            steps=own["steps"],
            loss=own["loss"],
            error=own["standard_error"],
            half=own["halves"][-2][1],
            bayes=ladder["Bayes-optimal"][0],
        ),
        f"softmax.choice.{values['kind']}": {},
        "layers.count": dict(count=values["layers"]),
        "softmax.here": dict(sigma=sigma, sequences=100),
        "softmax.amount": [dict(value=value) for value in (risk, lost["diag"], lost["full"], lost["bayes"])],
        "softmax.bent": dict(sigma=sigma, share=share),
        "softmax.line": dict(
            length=values["length"],
            reached=answers[values["length"] == LENGTHS][0],
            line=slope * values["length"],
            oracle=oracle * values["length"],
        ),
        "softmax.reads": dict(
            sigma=sigma, median=median(implied), low=quarters[0], high=quarters[1], sequences=100
        ),
    }
    if noise != "uniform-5":  # 0.5 lies below 1
        table["softmax.outside"] = {}
    assert_messages(lab, table, rtol=2e-3, atol=2e-4)


def test_what_explodes_is_said_to_be_more_than_its_axis_has():
    lab = SoftmaxLab(sigma=8.0)
    assert lab.arrays.rivals["diag"][-1].mean() > 10 and "DIAG loses more than 10" in lab.words_now


def test_what_is_below_the_axis_of_the_excess_has_no_digits():
    lab = SoftmaxLab(sigma=0.0)
    assert lab.arrays.rivals["bayes"][0].mean() < 1e-10 and "Bayes less than 0.001" in lab.words_now


@pytest.mark.leads
def test_the_beats_tell_what_another_route_finds():
    lab = SoftmaxLab()
    told = {beat.name: done(lab, beat) for beat in lab.BEATS}
    which = ("mlp", "uniform-5", 4)

    answer, values = told["far"]
    answers, slope, _ = line(which, 1.0, lab.BEATS[0].values["seed"])
    assert answer == "short" and answers[-1] < 0.9 * 10 * slope
    assert (values["reached"], values["line"]) == pytest.approx((answers[-1], 10 * slope), rel=1e-3)
    assert (values["first"], values["first_line"]) == pytest.approx((answers[12], 3 * slope), rel=1e-3)
    assert values["first_length"] == LENGTHS[12] and abs(answers[12] / (3 * slope) - 1) < 0.1

    answer, values = told["bent"]
    first, last = measured(which, 0.0)[1], measured(which, 5.0)[1]
    assert (values["first"], values["last"]) == pytest.approx((first, last), rel=1e-3)
    assert first < 0.01, "the task says so"
    assert last < 0.01 and answer == "hundredth", "next to nothing, it is said"

    answer, values = told["best"]
    lost = dict(rivals("uniform-5", 5.0)[0], softmax=measured(which, 5.0)[0])
    for name, value in lost.items():
        assert values[name] == pytest.approx(value, rel=1e-3)
    del lost["bayes"]
    assert answer == ("softmax" if min(lost, key=lost.get) == "softmax" else "linear")

    answer, values = told["meter"]
    assert answer == pytest.approx(median(measured(which, 4.0)[2]), abs=1e-3)
    assert values["diag"] == pytest.approx(median(rivals("uniform-5", 4.0)[1]), abs=1e-3)


def test_how_large_a_share_is():
    sizes = [size_of(share) for share in (0.0, 0.0099, 0.01, 0.099, 0.1, 1.0)]
    assert sizes == ["hundredth", "hundredth", "tenth", "tenth", "more", "more"]


def test_to_slide_the_length_asks_the_model_nothing_new(monkeypatch):
    lab, asked = SoftmaxLab(**SETTINGS[0], seed=7), []
    answers = SoftmaxTransformer.answers
    monkeypatch.setattr(
        SoftmaxTransformer, "answers", lambda self, *tokens: asked.append(1) or answers(self, *tokens)
    )
    lab.controls["length"].value = 4.0
    assert lab.arrays.length == 4 and not asked
    lab.controls["sigma"].value = lab.CONTROLS["sigma"].write(3.0)
    assert len(asked) == 1
