from functools import cache
from types import SimpleNamespace

import by_hand
import numpy as np
import pytest
from leading import pass_beat
from marks import assert_marks, assert_messages, drawn, titles

from lt_helpers import Fixed, LinearTransformer, RegressionTask, Uniform, load_pretrained
from lt_helpers.labs import SizesLab
from lt_helpers.labs.sizes import first_worse, nearer, tell_acts, way
from lt_helpers.pretrained import SIZES

LENGTHS, FEATURES = (15, 20, 25, 30, 40, 60, 80, 120), (2, 3, 5, 8, 10, 12, 15)
CORRELATIONS = np.arange(10) / 10
EXCESS = ("excess", 0.0003, 100, "log")
AXES = {
    ("length", "axes"): (("examples", 13.5, 135, "log"), EXCESS),
    ("acts", "axes"): (("examples", 13.5, 135, "log"), ("sigma_acts", 0, 8)),
    ("features", "axes"): (("features", 1, 16), EXCESS),
    ("inputs", "axes"): (("correlation", -0.03, 0.95), EXCESS),
}
RIVALS = ("adarr", "evidence", "bayes")


def covariance(correlation, d):
    return np.array([[float(correlation) ** abs(j - k) for k in range(d)] for j in range(d)])


@cache
def contexts(n, d, correlation):
    """The four hundred contexts of a task, as tokens -> x (B, n, d), y (B, n), oracle (B, d), C"""
    C = covariance(correlation, d)
    moments = RegressionTask(d, n, Uniform(5), C).sample_moments(400, np.random.default_rng(0))
    x, y = by_hand.tokens_of(moments.S, n)
    penalty = moments.sigma[:, None, None] ** 2 * np.eye(d)
    return x, y, np.linalg.solve(x.mT @ x + penalty, (x.mT @ y[..., None]))[..., 0], C


def mean_excess(w, n, d, correlation):
    """Half the squared error over queries, above the oracle's, feature by feature"""
    _, _, oracle, C = contexts(n, d, correlation)
    away = w - oracle
    return sum(C[j, k] * (away[:, j] * away[:, k]).mean() for j in range(d) for k in range(d)) / 2


def surprises_and_answers(x, y, sigmas):
    """-2 log p(y | X, sigma), up to a constant, and the ridge weights of each sigma, by the eigenvectors of X'X -> (B, K), (B, K, d)"""
    n, d = x.shape[1:]
    variance = sigmas[..., None] ** 2 * np.ones((len(x), 1, 1))  # (B, K, 1)
    values, vectors = np.linalg.eigh(x.mT @ x)
    along = (vectors.mT @ (x.mT @ y[..., None]))[..., 0]  # (B, d)
    spread = values[:, None] + variance  # (B, K, d)
    explained = (along[:, None] ** 2 / spread).sum(axis=2)
    left = ((y**2).sum(axis=1)[:, None] - explained) / variance[..., 0]
    size = np.log(spread).sum(axis=2) + (n - d) * np.log(variance[..., 0])
    return size + left, (along[:, None] / spread) @ vectors.mT


def by_residuals(x, y):
    """Ridge regression with the noise that least squares leaves -> (B, d)"""
    return np.array([by_hand.ada_ridge(*one) for one in zip(x, y, strict=True)])


def by_evidence(x, y):
    """Ridge regression with the most probable sigma, on finer and finer grids -> (B, d)"""
    low, high = np.full((len(x), 1), -9.0), np.full((len(x), 1), 5.0)
    for _ in range(5):
        grid = low + (high - low) * np.linspace(0, 1, 201)  # (B, K): of log sigma
        surprise, answers = surprises_and_answers(x, y, np.exp(grid))
        best = surprise.argmin(axis=1)[:, None]
        low = np.take_along_axis(grid, np.maximum(best - 1, 0), axis=1)
        high = np.take_along_axis(grid, np.minimum(best + 1, 200), axis=1)
    return np.take_along_axis(answers, best[..., None], axis=1)[:, 0]


def by_bayes(x, y):
    """The mean of w given the data, by adding up 400 noise levels of U(0, 5) -> (B, d)"""
    surprise, answers = surprises_and_answers(x, y, np.arange(0.00625, 5, 0.0125)[None])
    chances = np.exp((surprise.min(axis=1, keepdims=True) - surprise) / 2)
    return (chances[..., None] * answers).sum(axis=1) / chances.sum(axis=1, keepdims=True)


@cache
def rivals(n, d, correlation):
    """-> AdaRR's, evidence ridge's and Bayes' mean excess"""
    x, y, _, _ = contexts(n, d, correlation)
    return [mean_excess(rival(x, y), n, d, correlation) for rival in (by_residuals, by_evidence, by_bayes)]


def model_named(name, reads):
    kind, layers, *how = name.split("-")
    if not how:
        return load_pretrained(kind, int(layers), Uniform(5))
    return LinearTransformer.load(
        SIZES / f"{kind}-7-{reads if how == ['lengths'] else 'correlated'}.safetensors"
    )


def read_by(model, x, y, reads):
    """The weight of a model that reads tokens: larger ones for sums, with smaller labels where they are scaled -> (B, d)"""
    n, d = x.shape[1:]
    if d != model.dim:
        model = model.with_dim(d)
    if reads == "sums":
        return by_hand.probe_many(model, np.sqrt(n / 20) * x, np.sqrt(n / 20) * y)
    factor = np.sqrt((20 - d) / (n - d)) if reads == "scaled" else 1.0
    return by_hand.probe_many(model, x, factor * y) / factor


@cache
def model_excess(name, reads, n, d, correlation):
    model = model_named(name, reads)
    if model.kind == "full" and d != 10:
        return np.nan
    x, y, _, _ = contexts(n, d, correlation)
    with np.errstate(over="ignore", invalid="ignore"):
        found = mean_excess(read_by(model, x, y, reads), n, d, correlation)
    return found if np.isfinite(found) else np.inf


@cache
def acts_on(name, reads, n):
    """The median over contexts of the sigma whose ridge weight is nearest, by trying 3,001"""
    moments = RegressionTask(10, n, Fixed(1)).sample_moments(400, np.random.default_rng(0))
    x, y = by_hand.tokens_of(moments.S, n)
    y = by_hand.at_noise(x, y, moments.w, 2.0)
    w = read_by(model_named(name, reads), x, y, reads)
    tried = np.linspace(0.004, 12.004, 3_001)
    nearest = []
    for one in range(400):
        _, answers = surprises_and_answers(x[one : one + 1], y[one : one + 1], tried[None])
        nearest.append(tried[np.linalg.norm(answers[0] - w[one], axis=1).argmin()])
    return np.median(nearest)


def reached(scale, place, values):
    """The values up to a place of the scale, gaps after."""
    return scale, [value if at <= place + 1e-9 else np.nan for at, value in zip(scale, values, strict=True)]


def expected(values):
    """What belongs to each mark."""
    name, reads = values["model"], values["reads"]
    stored = "-".join(name.split("-")[:2])
    sweeps = {
        "length": (LENGTHS, values["n"], [(n, 10, 0.0) for n in LENGTHS]),
        "features": (FEATURES, values["d"], [(20, d, 0.0) for d in FEATURES]),
        "inputs": (CORRELATIONS, values["correlation"], [(20, 10, c) for c in CORRELATIONS.tolist()]),
    }
    table = dict(AXES)
    for panel, (scale, place, tasks) in sweeps.items():
        by_rival = np.transpose([rivals(*task) for task in tasks])
        table |= {(panel, rival): (scale, found) for rival, found in zip(RIVALS, by_rival, strict=True)}
        found = [model_excess(name, reads, *task) for task in tasks]
        table[panel, "model"] = reached(scale, place, found)
        table[panel, "upright"] = ([place, place], [0.0003, 100])
        if (name, reads) != (stored, "means"):
            found = [model_excess(stored, "means", *task) for task in tasks]
            table[panel, "stored"] = reached(scale, place, found)
    low, high = (15, 80) if name.endswith("lengths") else (20 / 1.02, 20 * 1.02)
    table["length", "range"] = ([low, high, high, low, np.nan], [-np.inf, -np.inf, np.inf, np.inf, np.nan])
    table["acts", "truth"] = ([13.5, 135], [2, 2])
    table["acts", "upright"] = ([values["n"]] * 2, [0, 8])
    table["acts", "model"] = reached(LENGTHS, values["n"], [acts_on(name, reads, n) for n in LENGTHS])
    return table


@pytest.mark.slow
@pytest.mark.parametrize(
    "values",
    [
        dict(n=40, d=12, correlation=0.3, model="diag-7", reads="means"),
        dict(n=120, d=5, correlation=0.6, model="full-7", reads="scaled"),
        dict(n=30, d=8, correlation=0.2, model="diag-7-lengths", reads="sums"),
        dict(n=25, d=10, correlation=0.9, model="full-7-correlated", reads="means"),
    ],
    ids=["stored", "scaled labels", "six lengths, sums", "alike"],
)
def test_every_mark_is_what_another_route_finds(values):
    lab = SizesLab(guess=5.0, alike_guess=0.4, **values)
    table = expected(lab.values)
    table |= {("acts", "prediction"): (80, 5), ("inputs", "prediction"): (0.4, 0.0003)}
    assert_marks(lab, table, rtol=3e-3)
    assert titles(lab) == dict(acts=dict(sigma=2))


def test_the_words_say_the_excess_of_everybody():
    lab = SizesLab(n=40, d=12, correlation=0.3, model="diag-7", reads="means")
    tasks = [(40, 10, 0.0), (20, 12, 0.0), (20, 10, 0.3)]
    rows = [dict(zip(RIVALS, rivals(*task), strict=True)) for task in tasks]
    assert_messages(
        lab,
        {
            "sizes.setting": dict(count=400),
            "sizes.choice.diag-7": {},
            "sizes.choice.means": {},
            "sizes.length": rows[0] | dict(n=40),
            "sizes.features": rows[1] | dict(d=12),
            "sizes.inputs": rows[2] | dict(correlation=0.3),
            "sizes.excess": [dict(excess=model_excess("diag-7", "means", *task)) for task in tasks],
            "sizes.acts": dict(n=40, sigma=2, acts=acts_on("diag-7", "means", 40)),
        },
        rtol=3e-3,
    )


def test_an_explosion_has_no_digits_and_is_drawn_at_the_edge():
    lab = SizesLab(n=120, reads="sums")
    assert "n = 120: the excess of the model is above 100 (it explodes), of AdaRR" in lab.words_now
    assert "At n = 80, 120 the model explodes." in lab.words_now
    assert drawn(lab, "length", "model")["y"][-1] == 100


def test_an_explosion_is_not_told_before_the_slider_has_come_there():
    lab = SizesLab()
    lab.go_to("inputs")
    for correlation, told in ((0.0, False), (0.8, False), (0.9, True)):
        lab.controls["correlation"].value = correlation
        assert ("At correlation 0.9 the model explodes." in lab.words_now) == told


def test_full_reads_ten_features_alone():
    lab = SizesLab(d=5, model="full-7")
    assert "FULL reads 10 features and no other number of them" in lab.words_now
    (panel,) = (panel for panel in lab.panels_now if panel.name == "features")
    assert np.isnan(panel.mark("model").y).all()


@pytest.mark.leads
def test_the_beats_are_answered_context_by_context():
    lab = SizesLab()

    answer, told = pass_beat(lab, "longer", "falls", n=80)
    before, now = (model_excess("diag-7", "means", n, 10, 0.0) for n in (20, 80))
    ada, _, bayes = rivals(80, 10, 0.0)
    assert answer == "rises" and now > 2 * before
    assert f"From {before:.3f} to {now:.2f}" in told and f"AdaRR has {ada:.4f} there" in told
    assert f"Bayes {bayes:.4f}" in told

    answer, told = pass_beat(lab, "acts", 2.0, n=80)
    assert answer == pytest.approx(acts_on("diag-7", "means", 80), abs=0.02)
    assert f"At 20 examples it acted on {acts_on('diag-7', 'means', 20):.1f}" in told

    answer, told = pass_beat(lab, "reads", "sums", reads="scaled")
    by_reading = [model_excess("diag-7", reads, 80, 10, 0.0) for reads in ("means", "sums", "scaled")]
    assert answer == "scaled" and int(np.argmin(by_reading)) == 2 and by_reading[1] > 100
    assert f"with scaled labels {by_reading[2]:.2g}" in told

    answer, told = pass_beat(lab, "features", "model", d=15)
    ada, evidence, bayes = rivals(20, 15, 0.0)
    found = model_excess("diag-7", "means", 20, 15, 0.0)
    assert answer == "evidence" and evidence < found < ada
    assert f"the model has {found:.2f}, evidence ridge {evidence:.2f}, AdaRR {ada:.2f}" in told

    answer, told = pass_beat(lab, "inputs", 0.9, correlation=0.9)
    worse = [model_excess("diag-7", "means", 20, 10, c) > rivals(20, 10, c)[0] for c in CORRELATIONS.tolist()]
    assert answer == pytest.approx(CORRELATIONS[worse.index(True)])
    full, trained = (model_excess(name, "means", 20, 10, 0.9) for name in ("full-7", "diag-7-correlated"))
    assert f"has {full:.2g}; trained on this correlation DIAG has {trained:.2g}" in told


def test_what_beats_answer_in_words():
    assert [way(1.0, now) for now in (0.4, 0.6, 1.9, 2.1, np.inf)] == [
        "falls",
        "stays",
        "stays",
        "rises",
        "rises",
    ]
    found = SimpleNamespace(
        model=np.array([1.0, 2.0, 5.0]), evidence=np.array([2.0, 1.0, 1.0]), adarr=np.array([2.0, 3.0, 4.0])
    )
    assert [nearer(found, place) for place in (0, 1)] == ["model", "evidence"]
    assert first_worse(found) == 0.2
    assert first_worse(SimpleNamespace(model=found.evidence, adarr=found.adarr)) is None


def test_where_most_answers_explode_no_noise_is_named():
    state = SimpleNamespace(acts=np.full(8, np.nan), places=(6, 0, 0), n=80)
    assert tell_acts(state).id == "sizes.acts_blank"
