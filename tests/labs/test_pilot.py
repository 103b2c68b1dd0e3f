from functools import cache
from types import SimpleNamespace

import by_hand
import numpy as np
import pytest
from leading import pass_beat
from marks import assert_marks, assert_messages, drawn, titles
from scipy.optimize import minimize_scalar

from lt_helpers import Uniform, load_pretrained
from lt_helpers.labs import PilotLab
from lt_helpers.labs.pilot import (
    MISMATCHES,
    how_many_found,
    how_many_ring,
    make_contexts,
    measure_error,
    pilot,
)

STRENGTHS = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
AXES = {
    ("error", "axes"): (("strength", -0.03, 1.03), ("error", 0.02, 200, "log")),
    ("share", "axes"): (("strength", -0.03, 1.03), ("percent", -4, 104)),
    ("layers", "axes"): (("layer", -0.3, 7.3), ("misfit", 0.02, 200, "log")),
    ("contexts", "axes"): (("last_misfit", 0.02, 200, "log"), ("error", 0.02, 200, "log")),
}

GROUPS = {"fine": "measured", "hit": "failed", "false alarm": "alarm", "miss": "missed"}  # names and roles
ROLES = {("contexts", name): role for name, role in GROUPS.items()}


def contexts(mismatch, t, sigma, scale, seed):
    """The hundred contexts of a mismatch, example by example -> x (B, n, d), y (B, n), truth (B, d)"""
    rng = np.random.default_rng(seed)
    shapes = (100, 20, 10), (100, 10), (100, 20), (100, 20)
    white, w, noises, loud = (rng.normal(size=shape) for shape in shapes)
    chance = rng.random((100, 20))
    root = np.linalg.cholesky(covariance(mismatch, t))
    x, y = np.zeros((100, 20, 10)), np.zeros((100, 20))
    for b in range(100):
        for i in range(20):
            row, noise, u = white[b, i], noises[b, i], loud[b, i]
            if mismatch == "correlated":
                row = root @ row
            elif mismatch == "outlying":
                row = row * np.exp(t * u) / np.exp(t**2)
            elif mismatch == "heavy-tailed":
                noise = noise * np.exp(1.5 * t * u) / np.exp(2.25 * t**2)
            elif mismatch == "outliers" and chance[b, i] < t / 5:
                noise = 10 * noise
            elif mismatch == "uneven":
                noise = noise * np.sqrt((1 - t) + t * row[0] * row[0])
            target = w[b] @ row
            if mismatch == "curved":
                target += t * np.sqrt(5) * (row[0] ** 2 - 1)
            x[b, i], y[b, i] = row, scale * (target + sigma * noise)
    return x, y, scale * w


def covariance(mismatch, t):
    between = 0.9 * t if mismatch == "correlated" else 0.0
    return np.array([[1.0 if j == k else between for k in range(10)] for j in range(10)])


def errors(w, truth, mismatch, t, scale):
    """E (<w, x> - target)^2 / E target^2, over new inputs and all truths, feature by feature -> (B,)"""
    C, curve = covariance(mismatch, t), 10 * t**2 if mismatch == "curved" else 0.0  # E 5 (x^2 - 1)^2 = 10
    found = []
    for answer, true in zip(w, truth, strict=True):
        away = (answer - true) / scale
        straight = sum(away[j] * C[j, k] * away[k] for j in range(10) for k in range(10))
        found.append((straight + curve) / (10 + curve))
    return np.array(found)


def cross_validated(x, y):
    """Ridge regression with the penalty that predicts each example best from the nineteen others -> (B, d)"""

    def fit(x, y, penalty):
        return np.linalg.solve(x.mT @ x + penalty * np.eye(10), x.mT @ y[..., None])[..., 0]

    penalties = 10 ** np.linspace(-1, 3, 25)
    left_out = np.zeros((25, len(x)))
    for k, penalty in enumerate(penalties):
        for i in range(20):
            others = np.delete(x, i, axis=1), np.delete(y, i, axis=1)
            left_out[k] += (y[:, i] - (fit(*others, penalty) * x[:, i]).sum(axis=1)) ** 2
    best = penalties[left_out.argmin(axis=0)]
    return np.array([by_hand.ridge(*one) for one in zip(x, y, best, strict=True)])


def best_for_training(x, y):
    """The mean of w given the data, by adding up 200 noise levels of U(0, 5) -> (B, d)"""
    scores, answers = [], []
    for sigma in np.arange(0.0125, 5, 0.025):
        K = x @ x.mT + sigma**2 * np.eye(20)
        by_K = np.linalg.solve(K, y[..., None])  # (B, n, 1)
        scores.append(-(np.linalg.slogdet(K)[1] + (y * by_K[..., 0]).sum(axis=1)) / 2)
        answers.append((x.mT @ by_K)[..., 0])
    chances = np.exp(np.array(scores) - np.max(scores, axis=0))
    return (chances[..., None] * np.array(answers)).sum(axis=0) / chances.sum(axis=0)[:, None]


def by_residuals(x, y):
    """Ridge regression with the noise that least squares leaves, over n - d -> (B, d)"""
    answers = []
    for inputs, labels in zip(x, y, strict=True):
        left = labels - inputs @ np.linalg.lstsq(inputs, labels)[0]
        answers.append(by_hand.ridge(inputs, labels, left @ left / 10))
    return np.array(answers)


def by_evidence(x, y):
    """Ridge regression with the noise under which N(0, X X' + sigma^2 I) makes the labels most probable -> (B, d)"""

    def surprise(log_sigma, inputs, labels):
        K = inputs @ inputs.T + np.exp(2 * log_sigma) * np.eye(20)
        return np.linalg.slogdet(K)[1] + labels @ np.linalg.solve(K, labels)

    answers = []
    for inputs, labels in zip(x, y, strict=True):
        tried = np.linspace(-7, 6, 105)  # steps of an eighth; then exactly, beside the best of them
        best = min(tried, key=lambda log_sigma: surprise(log_sigma, inputs, labels))
        bounds = (best - 0.125, best + 0.125)
        fine = minimize_scalar(surprise, bounds=bounds, args=(inputs, labels), method="bounded").x
        answers.append(by_hand.ridge(inputs, labels, np.exp(2 * fine)))
    return np.array(answers)


@cache
def answered(mismatch, t, model, sigma, scale, seed):
    """The errors of all answers, and the misfit by layer -> dict"""
    kind, layers = model.split("-")
    x, y, truth = contexts(mismatch, t, sigma, scale, seed)
    path = by_hand.probe_many_layers(load_pretrained(kind, int(layers), Uniform(5)), x, y)
    left = y[:, None] - np.einsum("bld,bnd->bln", path, x)
    misfit = (left**2).sum(axis=2) / (y**2).sum(axis=1)[:, None]
    ridge = cross_validated(x, y)
    guarded = np.array([r if bad > 1 else w for r, w, bad in zip(ridge, path[:, -1], misfit[:, -1])])
    answers = dict(model=path[:, -1], guarded=guarded, ridge=ridge, bayes=best_for_training(x, y))
    answers |= dict(ada=by_residuals(x, y), evidence=by_evidence(x, y))
    return {name: errors(w, truth, mismatch, t, scale) for name, w in answers.items()} | dict(misfit=misfit)


def reached(values):
    """What was answered at all strengths up to that of the slider -> list"""
    fixed = {name: values[name] for name in ("mismatch", "model", "sigma", "scale", "seed")}
    return [answered(t=float(t), **fixed) for t in STRENGTHS if t <= values["strength"] + 1e-6]


def expected(values):
    """What belongs to each mark."""
    shown = reached(values)

    def grown(numbers):
        return STRENGTHS, [*numbers, *[np.nan] * (6 - len(numbers))]

    def percent(of):
        return grown([sum(bool(each) for each in of(one)) for one in shown])

    now = shown[-1]
    fits, misfit, error = now["misfit"], now["misfit"][:, -1], now["model"]
    layers = np.arange(fits.shape[1])
    groups = {
        "fine": (error <= 2) & (misfit <= 1),
        "hit": (error > 2) & (misfit > 1),
        "false alarm": (error <= 2) & (misfit > 1),
        "miss": (error > 2) & (misfit <= 1),
    }
    return (
        AXES
        | {
            ("error", "level"): ([-0.03, 1.03], [1, 1]),
            ("error", "bayes"): grown([one["bayes"].mean() for one in shown]),
            ("error", "ridge cv"): grown([one["ridge"].mean() for one in shown]),
            ("error", "adarr"): grown([one["ada"].mean() for one in shown]),
            ("error", "evidence"): grown([one["evidence"].mean() for one in shown]),
            ("error", "model"): grown([one["model"].mean() for one in shown]),
            ("error", "guarded"): grown([one["guarded"].mean() for one in shown]),
            ("share", "failed"): percent(lambda one: one["model"] > 2),
            ("share", "alarm"): percent(lambda one: one["misfit"][:, -1] > 1),
            ("share", "missed"): percent(lambda one: (one["model"] > 2) & (one["misfit"][:, -1] <= 1)),
            ("layers", "alarm"): ([-0.3, 7.3], [1, 1]),
            ("contexts", "level"): ([0.02, 200], [2, 2]),
            ("contexts", "upright"): ([1, 1], [0.02, 200]),
            ("layers", "median"): (layers, np.sort(fits, axis=0)[[49, 50]].mean(axis=0)),
            ("layers", "many"): (layers, np.sort(fits, axis=0)[89]),
            ("layers", "worst"): (layers, np.sort(fits, axis=0)[-1]),
        }
        | {("contexts", name): (misfit[inside], error[inside]) for name, inside in groups.items()}
    )


@pytest.mark.parametrize(
    "values",
    [
        dict(strength=0.4, mismatch="outlying", model="full-7", sigma=1.5, seed=3),
        dict(strength=0.2, mismatch="curved", model="diag-7", sigma=3.0, scale=2.0, seed=5),
        dict(strength=0.6, mismatch="correlated", model="full-4", sigma=4.0, scale=0.5, seed=2),
    ],
    ids=["outlying rows", "curved", "correlated"],
)
def test_every_mark_is_what_another_route_finds(values):
    lab = PilotLab(guess=0.8, **values)
    table = expected(lab.values) | {("share", "prediction"): (0.8, 0.0)}
    assert_marks(lab, table, ROLES, rtol=1e-3)
    assert titles(lab) == dict(share=dict(contexts=100))


def test_the_words_count_failures_and_alarms():
    lab = PilotLab(strength=0.6, model="full-4", sigma=4.0, scale=0.5, seed=2)
    now = reached(lab.values)[-1]
    failed, rang = now["model"] > 2, now["misfit"][:, -1] > 1
    assert 0 < sum(failed & rang) < sum(failed)
    title, misfits = "Mean error (1: answering 0)", "Misfit of w, layer by layer"
    assert_messages(
        lab,
        {
            "pilot.setting": dict(strength=0.6, sigma=4.0, scale=0.5),
            "pilot.mismatch.correlated": {},
            "pilot.errors": {},
            "pilot.above": dict(limit=200, median=np.median(now["model"])),
            "pilot.mean": [
                dict(mean=now[answer].mean()) for answer in ("guarded", "ridge", "ada", "evidence", "bayes")
            ],
            "pilot.alarms": dict(contexts=100, failed=sum(failed), rang=sum(rang), hit=sum(failed & rang)),
            "lab.beyond": {},
            "lab.beyond_mark": [
                dict(mark="model", panel=title),
                dict(mark="90%", panel=misfits),
                dict(mark="worst", panel=misfits),
            ],
            "lab.beyond_more": dict(count=1),
        },
        rtol=1e-3,
    )
    assert lab.words_now.startswith(
        "Mismatch: correlated inputs; strength 0.6, σ = 4.0, target times 0.5. Mean error of the model above 200 (median"
    )


@pytest.mark.parametrize(
    "strength, scale, words",
    [
        (0.8, 1.0, "the model above 200 (median 0.76), with"),
        (1.0, 1.0, "the model above 200 (so is the median), with"),
    ],
)
def test_an_explosion_has_no_digits_and_is_drawn_at_the_edge(strength, scale, words):
    lab = PilotLab(strength=strength, scale=scale)
    assert words in lab.words_now and "drawn at its edge: model in “Mean error" in lab.words_now
    assert drawn(lab, "error", "model")["y"][4] == 200
    lab.controls["strength"].value = 0.0
    assert "edge" not in lab.words_now


def test_groups_are_named_with_their_counts():
    lab = PilotLab(strength=1.0, mismatch="outlying", model="diag-4")
    (panel,) = (panel for panel in lab.panels_now if panel.name == "contexts")
    counts = [len(panel.mark(name).x) for name in GROUPS]
    assert sum(counts) == 100 and min(counts[:2]) > 0
    called = [lab.names.mark(panel, panel.mark(name)) for name in GROUPS]
    assert called == [
        f"{name} {count}" for name, count in zip(("fine", "hit", "false alarm", "missed"), counts)
    ]


@pytest.mark.parametrize("mismatch", MISMATCHES)
@pytest.mark.parametrize("t", [0.0, 0.7])
def test_contexts_are_made_as_they_are_described(mismatch, t):
    for made, wanted in zip(make_contexts(mismatch, t, 2.0, 3.0, 4), contexts(mismatch, t, 2.0, 3.0, 4)):
        np.testing.assert_allclose(made, wanted, rtol=1e-9, atol=1e-12)


def test_at_strength_0_every_mismatch_is_the_training_task():
    x, y, w = make_contexts("correlated", 0.0, 2.0, 1.0, 3)
    for mismatch in MISMATCHES:
        for ours, theirs in zip(make_contexts(mismatch, 0.0, 2.0, 1.0, 3), (x, y, w)):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)
    residual = y - (x @ w[..., None])[..., 0]
    np.testing.assert_allclose([x.std(), residual.std(), w.std()], [1, 2, 1], rtol=0.05)


@pytest.mark.parametrize("mismatch, index", [("outlying", 0), ("heavy-tailed", 1), ("uneven", 1)])
def test_the_mean_square_of_what_is_made_uneven_stays(mismatch, index):
    """Over many seeds; heavy tails make such a mean converge slowly, so at a mild strength."""
    squares = []
    for seed in range(20):
        x, y, w = make_contexts(mismatch, 0.4, 2.0, 1.0, seed)
        squares.append((np.square(x).mean(), np.square(y - (x @ w[..., None])[..., 0]).mean())[index])
    np.testing.assert_allclose(np.mean(squares), (1, 4)[index], rtol=0.06)


@pytest.mark.parametrize("mismatch", ["correlated", "curved"])
def test_the_error_is_that_of_answers_to_new_inputs(mismatch):
    _, _, truth = make_contexts(mismatch, 0.6, 2.0, 2.0, 5)
    rng = np.random.default_rng(0)
    w = truth + rng.normal(size=truth.shape)
    x = rng.multivariate_normal(np.zeros(10), covariance(mismatch, 0.6), size=40_000)
    bend = 0.6 if mismatch == "curved" else 0.0
    target = truth[:5] @ x.T + 2.0 * bend * np.sqrt(5) * (x[:, 0] ** 2 - 1)
    unit = 2.0**2 * (10 + 10 * bend**2)  # the target's mean square, averaged over truths
    missed = ((w[:5] @ x.T - target) ** 2).mean(axis=1) / unit
    np.testing.assert_allclose(measure_error(w, truth, mismatch, 0.6, 2.0)[:5], missed, rtol=0.05)


def test_the_scale_of_the_target_moves_the_model_and_not_ridge():
    plain, large = (pilot("correlated", 0.0, "diag-4", 2.0, scale, 1) for scale in (1.0, 4.0))
    np.testing.assert_allclose(plain.ridge, large.ridge)
    assert large.model.mean() > 1.5 * plain.model.mean()


def test_an_unknown_mismatch_is_answered_with_those_that_are_there():
    with pytest.raises(
        ValueError, match="mismatch is 'fog': mismatch must be one of 'correlated', 'outlying'"
    ):
        PilotLab(mismatch="fog")


@pytest.mark.leads
def test_the_beats_are_answered_context_by_context():
    lab = PilotLab()

    def failed_and_rang(mismatch, model, seed, t, sigma=2.0):
        x, y, truth = contexts(mismatch, t, sigma, 1.0, seed)
        kind, layers = model.split("-")
        w = by_hand.probe_many(load_pretrained(kind, int(layers), Uniform(5)), x, y)
        left = y - np.einsum("bd,bnd->bn", w, x)
        error = errors(w, truth, mismatch, t, 1.0)
        return error > 2, (left**2).sum(axis=1) > (y**2).sum(axis=1), error

    answer, told = pass_beat(lab, "correlated", 0.8, strength=1.0)
    counts = [failed_and_rang("correlated", "diag-4", 1, t)[0].sum() for t in (0.0, 0.2, 0.4)]
    failed, rang, _ = failed_and_rang("correlated", "diag-4", 1, 1.0)
    assert counts[:2] == [0, 0] and counts[2] > 0 and answer == pytest.approx(0.4)
    assert f"it is {failed.sum()} of 100" in told and f"rang for {(failed & rang).sum()} of" in told

    answer, told = pass_beat(lab, "outliers", "most", strength=1.0)
    failed, rang, _ = failed_and_rang("outliers", "full-7", 2, 1.0, sigma=3.0)
    assert answer == "hardly" and failed.sum() > 5 and (failed & rang).sum() / failed.sum() < 1 / 3
    assert f"For {(failed & rang).sum()} of {failed.sum()}" in told

    answer, told = pass_beat(lab, "curved", "many", strength=1.0)
    before, after = (failed_and_rang("curved", "full-7", 1, t)[2].mean() for t in (0.0, 1.0))
    assert answer == "none" and not failed_and_rang("curved", "full-7", 1, 1.0)[1].any()
    x, y, truth = contexts("curved", 1.0, 2.0, 1.0, 1)
    ada = errors(by_residuals(x, y), truth, "curved", 1.0, 1.0).mean()
    assert f"from {before:.2f} to {after:.2f}; AdaRR has {ada:.2f}." in told


def test_alarms_are_counted_in_words():
    def pilot_of(failed, rings):
        return SimpleNamespace(failed=np.arange(100) < failed, rings=np.arange(100) < rings)

    assert [how_many_found(pilot_of(10, rings)) for rings in (0, 3, 5, 7, 90)] == [
        "hardly",
        "hardly",
        "half",
        "most",
        "most",
    ]
    assert [how_many_ring(pilot_of(10, rings)) for rings in (0, 1, 20, 21)] == ["none", "few", "few", "many"]
