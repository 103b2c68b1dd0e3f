import csv
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import by_hand
import numpy as np
import pytest
from leading import pass_beat
from marks import assert_marks, assert_messages, drawn, titles

import lt_helpers
from lt_helpers import Fixed, RegressionTask, Uniform, implicit_regression, load_pretrained
from lt_helpers.baselines import ridge
from lt_helpers.labs import TableLab
from lt_helpers.labs.table import layer_errors, one_query_error, paper_error, sequences, tell_error, tell_loss
from lt_helpers.noise import parse_noise
from lt_helpers.table1 import column

FOLDER = Path(lt_helpers.__file__).parent
ROW = ["fixed-0", *(f"uniform-{k}" for k in range(1, 8)), "categorical-1-3", "categorical-1-3-5"]
PLACES = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8.4, 9.8])
BASELINES = "ConstRR", "AdaRR", "TunedRR"
AXES = {
    ("column", "axes"): (("layers", 0.5, 7.5), ("loss", 0.001, 3, "log")),
    ("apart", "axes"): (("layers", 0.5, 10.7), ("apart", -12, 12)),
    ("row", "axes"): (("trained_on", -0.5, 10.5), ("loss", 0.001, 3, "log")),
    ("layers", "axes"): (("layer", -0.3, 7.3), ("error", 0.001, 100, "log")),
}
ROLES = {
    ("apart", "luck"): "range",
    ("apart", "trained"): "model",
    ("layers", "slider"): "model",
}


@cache
def read(name):
    return json.loads((FOLDER / "pretrained" / name).read_text())


@cache
def printed(kind, layers, noise):
    """The paper's entry."""
    with (FOLDER / "paper_table1.csv").open() as file:
        (row,) = (row for row in csv.DictReader(file) if (row["kind"], row["layers"]) == (kind, str(layers)))
    return float(row[noise])


def ours(kind, layers, noise):
    """Our loss of a cell and its standard error, from the records -> two numbers"""
    wanted = kind, layers, noise, 1, ""
    names = "kind", "layers", "noise", "heads", "variant"
    (entry,) = (each for each in read("records.json") if tuple(each[name] for name in names) == wanted)
    return entry["loss"], entry["standard_error"]


def drawn_sequences(noise, count):
    """-> x (B, n, d), y (B, n), truth (B, d), sigma (B,)"""
    moments = RegressionTask(10, 20, noise).sample_moments(count, np.random.default_rng(0))
    return *by_hand.tokens_of(moments.S, 20), moments.w, moments.sigma


def penalised(x, y, penalties):
    return np.array([by_hand.ridge(*one) for one in zip(x, y, penalties, strict=True)])


def scatter(w, oracle, truth):
    """Standard error of the mean of 100,000 sequences of one query, each of which counts x'Mx: its mean is tr M, its variance 2 tr M^2."""
    means, variances = [], []
    for a, b in zip(w - truth, oracle - truth, strict=True):
        M = (np.outer(a, a) - np.outer(b, b)) / 2
        means.append(np.trace(M))
        variances.append(2 * np.trace(M @ M))
    return np.sqrt((np.var(means) + np.mean(variances)) / 100_000)


@cache
def paper_scatter(kind, layers, noise):
    """The standard error of the paper's entry, from 250 sequences."""
    x, y, truth, sigma = drawn_sequences(parse_noise(noise), 250)
    oracle = penalised(x, y, sigma**2)
    if layers:
        return scatter(
            by_hand.probe_many(load_pretrained(kind, layers, parse_noise(noise)), x, y), oracle, truth
        )
    left = np.array([by_hand.noise_left(*one) for one in zip(x, y, strict=True)]) ** 2
    tuned = read("tuned_rr.json")[noise]
    numbers = [float(part) for part in noise.split("-")[1:]]
    squares = [numbers[0] ** 2 / 3] if noise.startswith("uniform") else np.square(numbers)
    penalties = {
        "ConstRR": np.full(250, np.mean(squares)),
        "AdaRR": left,
        "TunedRR": np.minimum(tuned["multiplier"] * left, tuned["cap"]),
    }
    return scatter(penalised(x, y, penalties[kind]), oracle, truth)


def apart(loss, error, paper, paper_error):
    """The difference in standard errors; the paper's three decimals round by up to 0.0005. None where the entry is too small."""
    return np.nan if paper < 0.001 else (loss - paper) / np.sqrt(error**2 + paper_error**2 + 0.0005**2 / 3)


def by_layer(kind, layers, noise, sigma):
    """The mean error before the first and after each layer, over 200 sequences whose noise alone depends on sigma -> (L+1,)"""
    x, y, truth, _ = drawn_sequences(Fixed(1), 200)
    y = by_hand.at_noise(x, y, truth, sigma)
    path = by_hand.probe_many_layers(load_pretrained(kind, layers, parse_noise(noise)), x, y)
    oracle = by_hand.ridge_many(x, y, sigma**2)
    return (((path - oracle[:, None]) ** 2).sum(axis=2) / 2).mean(axis=0)


def expected(values):
    """What belongs to each mark, from the files of the package and token by token."""
    kind, noise, layers = values["kind"], values["noise"], values["layers"]
    depths, losses = np.arange(1, 8), read("baselines.json")
    loss, error = np.transpose([ours(kind, depth, noise) for depth in depths])
    paper = np.array([printed(kind, depth, noise) for depth in depths])
    paper_error = np.array([paper_scatter(kind, depth, noise) for depth in depths])
    trained = [apart(*cell) for cell in zip(loss, error, paper, paper_error, strict=True)]
    untrained = [
        apart(*losses[noise][name], printed(name, "", noise), paper_scatter(name, None, noise))
        for name in BASELINES
    ]
    lines = {
        ("column", role): ([0.5, 7.5], [losses[noise][name][0]] * 2)
        for role, name in zip(("constrr", "adarr", "tunedrr", "bayes"), (*BASELINES, "Bayes-optimal"))
    }
    levels = {
        ("layers", f"beside {name}"): (np.arange(layers + 1), by_layer(kind, layers, noise, sigma))
        for name, sigma in zip(("first", "second", "third", "fourth"), (0.0, 1.0, 3.0, 5.0))
    }
    return (
        AXES
        | lines
        | levels
        | {
            ("column", "paper"): (depths + 0.1, paper, paper - 2 * paper_error, paper + 2 * paper_error),
            ("column", "model"): (depths - 0.1, loss, loss - 2 * error, loss + 2 * error),
            ("column", "ring"): (layers, loss[layers - 1]),
            ("apart", "luck"): ([0.5, 10.7, 10.7, 0.5, np.nan], [-2, -2, 2, 2, np.nan]),
            ("apart", "level"): ([0.5, 10.7], [0, 0]),
            ("apart", "trained"): (depths, trained),
            ("apart", "baselines"): ([8, 9, 10], untrained),
            ("apart", "ring"): (layers, trained[layers - 1]),
            ("row", "bayes"): (PLACES, [losses[other]["Bayes-optimal"][0] for other in ROW]),
            ("row", "paper"): (PLACES + 0.1, [printed(kind, layers, other) for other in ROW]),
            ("row", "model"): (PLACES - 0.1, [ours(kind, layers, other)[0] for other in ROW]),
            ("row", "ring"): (PLACES[ROW.index(noise)], loss[layers - 1]),
            ("layers", "slider"): (
                np.arange(layers + 1),
                by_layer(kind, layers, noise, values["sigma"]),
            ),
        }
    )


@pytest.mark.parametrize(
    "values",
    [
        dict(kind="full", noise="categorical-1-3-5", layers=4, sigma=3.3),
        dict(kind="gd++", noise="uniform-3", layers=2, sigma=0.4),
    ],
    ids=["FULL", "GD++"],
)
def test_every_mark_is_what_another_route_finds(values):
    lab = TableLab(guess=-2.0, **values)
    table = expected(lab.values) | {("apart", "prediction"): (values["layers"], -2.0)}
    assert_marks(lab, table, ROLES, rtol=1e-5, atol=1e-8)
    kind, noise = ("FULL", "{1, 3, 5}") if values["kind"] == "full" else ("GD++", "U(0, 3)")
    said = titles(lab)
    assert said["column"] == dict(kind=kind, noise=noise) and said["row"]["kind"] == kind
    assert said["row"]["layers"].values == dict(count=values["layers"])
    called = [lab.names.mark(lab.panels_now[3], mark) for mark in lab.panels_now[3].marks]
    assert called == ["σ = 0", "σ = 1", "σ = 3", "σ = 5", f"σ = {values['sigma']}"]


def test_the_places_of_both_rows_are_called_by_what_stands_there():
    """Each noise at its place in the row; after seven depths, the baselines that are set beside the paper's."""
    layout = TableLab().drawing["layout"]
    row, apart = layout["xaxis3"], layout["xaxis2"]
    assert row["ticktext"] == ["0", "1", "2", "3", "4", "5", "6", "7", "{1,3}", "{1,3,5}"]
    np.testing.assert_allclose(row["tickvals"], PLACES)
    assert apart["ticktext"] == ["1", "2", "3", "4", "5", "6", "7", "Const", "Ada", "Tuned"]
    np.testing.assert_allclose(apart["tickvals"], np.arange(1, 11))


def test_the_words_are_of_the_chosen_cell():
    lab = TableLab(kind="full", noise="uniform-5", layers=7, sigma=3.0)
    cell = "full", 7, "uniform-5"
    (loss, error), paper, paper_error = ours(*cell), printed(*cell), paper_scatter(*cell)
    errors, best = by_layer(*cell, 3.0), read("baselines.json")["uniform-5"]["Bayes-optimal"][0]
    assert errors.argmin() == 7
    row = "FULL, 7 layers: all noises"
    assert_messages(
        lab,
        {
            "table.compared": dict(kind="FULL", noise="U(0, 5)", paper=paper),
            "layers.count": dict(count=7),
            "table.loss": [dict(loss=value) for value in (loss, best, errors[0], errors[-1])],
            "table.error": [dict(error=error), dict(error=paper_error)],
            "table.below": dict(apart=-apart(loss, error, paper, paper_error)),
            "table.no_luck": {},
            "table.bayes": {},
            "table.falls": dict(sigma=3.0, variance=9.0),
            "lab.beyond": {},
            "lab.beyond_mark": [dict(mark=mark, panel=row) for mark in ("paper", "ours")],
        },
        rtol=1e-5,
    )


@pytest.fixture(scope="module")
def lab():
    return TableLab(kind="diag", noise="uniform-5", layers=4, sigma=2.0)


def say(lab, **changes):
    """What the lab would say with another state."""
    return lab.names.say(TableLab.words(replace(lab.arrays, **changes), None))


def test_the_words_weigh_the_difference_against_luck(lab):
    loss = np.where(np.arange(7) == 3, 0.04, lab.arrays.ours)
    lower = dict(ours=loss, ours_error=np.full(7, 2e-4))
    assert "ours 0.0400 ± 0.0002, the paper's 0.059 ± 0.002; ours is" in say(lab, **lower)
    for apart, words in (
        (-3.3, "3.3 standard errors below it (luck alone seldom does that)"),
        (0.4, "0.4 standard errors above it (luck suffices)"),
        (-0.01, "within 0.1 standard errors of it (luck suffices)"),
    ):
        assert f"ours is {words}." in say(lab, **lower, apart=np.full(7, apart))


def test_the_words_do_not_compare_what_a_few_sequences_make_up(lab):
    shaky = say(lab, ours_error=np.full(7, 0.02))
    assert "nearly explodes: the two cannot be compared" in shaky and "luck" not in shaky
    tiny = TableLab(noise="fixed-0", layers=6).words_now
    assert (
        "U(0, 0): ours" in tiny
        and "the paper's 2.57e-10: so small that a few hard sequences make it up" in tiny
    )


@pytest.mark.parametrize(
    "cell, words",
    [
        (
            dict(kind="diag", noise="fixed-0", layers=3),
            "Its weights are those of GD++: the search for DIAG found",
        ),
        (
            dict(kind="full", noise="uniform-1", layers=3),
            "Its weights are those of DIAG: the search for FULL found",
        ),
        (dict(kind="diag", noise="uniform-5", layers=4), None),
        (dict(kind="gd++", noise="fixed-0", layers=3), None),
    ],
)
def test_the_words_say_whose_weights_are_another_kinds(cell, words):
    said = TableLab(**cell).words_now
    assert words in said if words else "Its weights" not in said


@pytest.mark.parametrize(
    "errors, words",
    [
        (
            [3.0, 0.5, 0.04, 0.2, 0.08],
            "from 3.00 to 0.0800 through the layers; after layer 2 it is less, 0.0400.",
        ),
        ([3.0, 0.5, 0.4, 0.2, 0.08], "from 3.00 to 0.0800 through the layers."),
        (
            [1.0, 5.0, 4.0, 2.0, 1.5],
            "from 1.00 to 1.50 through the layers; no layer brings it below the start.",
        ),
        (
            [123.4, 99.96, 1e4, 0.0, 1e9],
            "from 123 to more than 1000 through the layers; after layer 3 it is less, 0.",
        ),
    ],
)
def test_the_words_name_a_layer_that_was_nearer_than_the_last(lab, errors, words):
    assert f"the error goes {words}" in say(lab, errors=np.array(errors))


@pytest.mark.parametrize(
    "error, words",
    [
        (0.00021, "± 0.0002,"),
        (0.00096, "± 0.001,"),
        (1.3e-5, "± 0.00001,"),
        (0.3, "± 0.3,"),
        (4.4e-9, "± 4e-09,"),
    ],
)
def test_a_standard_error_has_one_digit(lab, error, words):
    assert f"ours 10.0 {words} the paper's" in say(lab, ours=np.full(7, 10.0), ours_error=np.full(7, error))


def test_what_explodes_is_drawn_at_the_edge_and_said():
    lab = TableLab(noise="uniform-1", layers=7, sigma=7.0)
    assert lab.arrays.errors[-1] > 1000 and "to more than 1000 through the layers" in lab.words_now
    assert "drawn at its edge: " in lab.words_now
    np.testing.assert_array_equal(drawn(lab, "layers", "slider")["y"][-1], 100)


def test_what_is_too_small_for_the_axis_is_left_out_or_at_its_edge():
    lab = TableLab(noise="fixed-0", kind="gd++", layers=7)
    assert drawn(lab, "column", "model")["y"][-1] == 0.001
    assert np.isnan(np.asarray(drawn(lab, "column", "bayes")["y"], float)).all()
    assert np.isnan(drawn(lab, "row", "bayes")["y"][0]) and "Bayes" not in lab.words_now.split("Beyond")[1]


def test_a_bar_ends_at_the_axis():
    lab = TableLab(noise="fixed-0", layers=5)
    bars, low = drawn(lab, "column", "paper"), lab.arrays.paper - 2 * lab.arrays.paper_error
    assert low.min() < 0.001 < low.max()
    np.testing.assert_allclose(bars["y"] - bars["error_y"]["arrayminus"], np.maximum(low, 0.001))


def test_the_error_of_the_papers_way_is_the_scatter_of_single_queries(rng):
    """Against queries that are drawn, on other sequences."""
    batch = RegressionTask(10, 20, Uniform(5)).sample(20_000, rng)
    oracle, w = ridge(batch.x, batch.y, batch.sigma), ridge(batch.x, batch.y, 2.0)
    miss, oracle_miss = (((answer - batch.w) * batch.x_query).sum(axis=1) for answer in (w, oracle))
    single = ((miss**2 - oracle_miss**2) / 2).std() / np.sqrt(100_000)
    np.testing.assert_allclose(one_query_error(w, oracle, batch.w), single, rtol=0.05)


@pytest.mark.parametrize("kind, layers", [("diag", 4), ("AdaRR", None)])
def test_few_sequences_give_the_papers_error_bar_well_enough(kind, layers):
    cell = next(
        cell
        for cell in column(Uniform(5), samples=4000)
        if (cell.kind, cell.layers, cell.heads) == (kind, layers, 1)
    )
    np.testing.assert_allclose(paper_error(kind, layers, Uniform(5)), cell.paper_standard_error, rtol=0.3)


def test_what_differs_between_noise_levels_is_the_noise_alone():
    quiet, loud = sequences(Fixed(1.0), 50), sequences(Fixed(3.0), 50)
    np.testing.assert_array_equal(quiet.truth, loud.truth)
    quiet_S, loud_S = quiet.spectrum.S, loud.spectrum.S
    np.testing.assert_array_equal(quiet_S[:, :-1, :-1], loud_S[:, :-1, :-1])
    without = (quiet_S[:, :-1, :-1] @ quiet.truth[..., None])[..., 0]  # mean y x, had there been no noise
    np.testing.assert_allclose(loud_S[:, :-1, -1] - without, 3 * (quiet_S[:, :-1, -1] - without), atol=1e-12)


@pytest.mark.parametrize("sigma", [0.0, 3.0])
def test_few_sequences_give_the_error_after_each_layer_well_enough(sigma, rng):
    """Against more and other sequences, drawn as tokens."""
    model = load_pretrained("diag", 4, Uniform(5))
    batch = RegressionTask(10, 20, Fixed(sigma)).sample(4000, rng)
    distance = implicit_regression(model, batch.x, batch.y).w - ridge(batch.x, batch.y, sigma)[:, None]
    errors = (distance**2).sum(axis=2).mean(axis=0) / 2
    np.testing.assert_allclose(layer_errors("diag", 4, Uniform(5), (sigma,))[0], errors, rtol=0.3)


def test_only_the_papers_depths_are_offered():
    with pytest.raises(
        ValueError,
        match="layers is 8 with kind='diag', noise='uniform-5': layers must be one of 1, 2, 3, 4, 5, 6, 7",
    ):
        TableLab(layers=8)


@pytest.mark.leads
def test_the_beats_are_answered_from_the_files_and_token_by_token():
    lab = TableLab()

    def distance(kind, layers, noise):
        cell = kind, layers, noise
        return apart(*ours(*cell), printed(*cell), paper_scatter(*cell))

    answer, told = pass_beat(lab, "lower", "luck", noise="uniform-1")
    far = distance("gd++", 2, "uniform-1")
    assert answer == "lower" and far < -10
    pair = f"ours {ours('gd++', 2, 'uniform-1')[0]:.4f}, the paper's {printed('gd++', 2, 'uniform-1'):.3f}."
    assert f"{-far:.0f} standard errors lower: {pair}" in told

    answer, told = pass_beat(lab, "bound", "lower", noise="uniform-5")
    far = distance("gd++", 7, "uniform-5")
    assert answer == "higher" and far > 2 and f"by {far:.1f} standard errors" in told
    bound, error = read("baselines.json")["uniform-5"]["ConstRR"]
    loss, its_error = ours("gd++", 7, "uniform-5")
    pair = f"ours {loss:.3f}, the paper's {printed('gd++', 7, 'uniform-5'):.3f}."
    assert f"standard errors: {pair} ConstRR" in told
    assert printed("gd++", 7, "uniform-5") < bound - 3 * error  # nothing of its kind is lower
    assert abs(loss - bound) < 2 * np.hypot(error, its_error) and f"ConstRR has {bound:.3f}" in told

    answer, told = pass_beat(lab, "layers", 7, kind="full", layers=7)
    errors = by_layer("full", 7, "uniform-5", 5.0)
    assert answer == errors.argmin() != 7
    assert f"After layer {answer}: {errors.min():.3f}, and {errors[-1]:.3f} after the last" in told


@pytest.mark.parametrize(
    "loss, said",
    [
        (0.0, "0"),
        (0.00012345, "0.000123"),
        (0.04, "0.0400"),
        (1.0, "1.00"),
        (99.94, "99.9"),
        (99.95, "100"),  # with three digits it would have a point and nothing behind it
        (999.4, "999"),
        (1000.0, "more than 1000"),
    ],
)
def test_a_loss_has_three_digits(loss, said):
    assert TableLab().names.say(tell_loss(loss)) == said


@pytest.mark.parametrize(
    "error, said", [(3.0, "3"), (0.26, "0.3"), (0.096, "0.1"), (0.00042, "0.0004"), (4.2e-7, "4e-07")]
)
def test_an_error_has_one_digit(error, said):
    assert TableLab().names.say(tell_error(error)) == said
