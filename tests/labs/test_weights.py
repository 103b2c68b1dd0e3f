"""The weights lab against the stored model by other routes: tokens, eigenvectors, and models that need no low-rank part."""

from functools import cache

import by_hand
import numpy as np
import pytest
from leading import pass_beat
from marks import assert_marks, assert_messages, drawn, titles, unkeyed_marks

from lt_helpers import Categorical, Fixed, LinearTransformer, RegressionTask, load_pretrained
from lt_helpers.labs import WeightsLab
from lt_helpers.labs.weights import matrices, way
from lt_helpers.noise import parse_noise

AXES = {
    **{(name, "axes"): (("column", 0.5, 11.5), ("row", 11.5, 0.5)) for name in ("P", "Q", "P_low", "Q_low")},
    ("left", "axes"): (("rank", -0.3, 12.5), ("left", 1e-6, 1, "log", "floor")),
    ("loss", "axes"): (("sigma", 0, 11.2), ("loss", 1e-3, 1e3, "log")),
}
ROLES = {
    ("left", "P"): "first",
    ("left", "Q"): "second",
    **{(name, "matrix"): "weights" for name in ("P", "Q", "P_low", "Q_low")},
}
SIGMAS = np.arange(9)
SETTINGS = [
    dict(kind="full", noise="categorical-1-3", layers=4, layer=2, rank=2, sigma=5),
    dict(kind="full", noise="uniform-5", layers=3, layer=3, rank=1, sigma=3),
]
SPANS = {"categorical-1-3": [(0.94, 1.06), (2.94, 3.06)], "uniform-5": [(0, 5)]}


@cache
def matrices_by_hand(kind, noise, layers):
    """Each layer's P and Q, of one size, the trace of Q not below 0, what never trains at 0 -> list of (P, Q)"""
    model = load_pretrained(kind, layers, parse_noise(noise))
    found = []
    for layer in range(layers):
        P, Q = model.P[layer, 0].copy(), model.Q[layer, 0].copy()
        if layer == layers - 1:
            P[:10] = 0
        factor = ((Q**2).sum() / (P**2).sum()) ** 0.25 * (-1 if sum(Q[i, i] for i in range(11)) < 0 else 1)
        found.append((P * factor, Q / factor))
    return found


def split(A, rank):
    """A diagonal part and one of each rank up to `rank`, found in turn, by eigenvectors -> list of (D, L)"""
    found, L = [], np.zeros_like(A)
    for part in range(rank + 1):
        for _ in range(30):
            rest = A - np.diag(np.diag(A - L))
            _, vectors = np.linalg.eigh(rest.T @ rest)
            most = vectors[:, 11 - part :]
            L = rest @ most @ most.T
        found.append((np.diag(np.diag(A - L)), L))
    return found


@cache
def sequences(sigma):
    """150 sequences at one noise, half of them with the opposite of the others' -> x, y"""
    moments = RegressionTask(10, 20, Fixed(1.0)).sample_moments(75, np.random.default_rng(0))
    x, y = by_hand.tokens_of(moments.S, 20)
    labels = [by_hand.at_noise(x, y, moments.w, signed) for signed in (sigma, -sigma)]
    return np.concatenate([x, x]), np.concatenate(labels)


@cache
def oracle(sigma):
    return by_hand.ridge_many(*sequences(sigma), sigma**2)


def median_losses(answer, reached):
    """Half the squared distance to the oracle of answers x, y -> w: the middle of 150, as far as the noise has come -> (9,)"""
    medians = np.full(9, np.nan)
    for sigma in range(reached + 1):
        loss = sorted(((answer(*sequences(sigma)) - oracle(sigma)) ** 2).sum(axis=1) / 2)
        medians[sigma] = (loss[74] + loss[75]) / 2
    return medians


def loss_of(pairs, reached):
    """Of the model with these P and Q."""
    model = LinearTransformer([[P] for P, _ in pairs], [[Q] for _, Q in pairs])
    return median_losses(lambda x, y: by_hand.probe_many(model, x, y), reached)


def expected(values):
    """What belongs to each mark."""
    layer, rank, sigma = (values[name] for name in ("layer", "rank", "sigma"))
    pairs = matrices_by_hand(values["kind"], values["noise"], values["layers"])
    parts = [[split(A, rank) for A in pair] for pair in pairs]
    kept = [[np.add(*splits[rank]) for splits in pair] for pair in parts]
    P, Q = pairs[layer - 1]
    left = [
        [((A - D - L) ** 2).sum() / (A**2).sum() for D, L in splits]
        for A, splits in zip((P, Q), parts[layer - 1])
    ]
    shown = {"P": P, "Q": Q, "P_low": parts[layer - 1][0][rank][1], "Q_low": parts[layer - 1][1][rank][1]}
    if layer == values["layers"]:
        for name in ("P", "P_low"):
            shown[name] = np.concatenate([np.full((10, 11), np.nan), shown[name][10:]])
    spans = SPANS[values["noise"]]
    place, limit = np.arange(1, 12), max(abs(A).max() for pair in pairs for A in pair)
    return AXES | {
        **{(name, "matrix"): (place, place, matrix, limit) for name, matrix in shown.items()},
        ("left", "P"): (np.arange(rank + 1), left[0]),
        ("left", "Q"): (np.arange(rank + 1), left[1]),
        ("loss", "range"): (
            np.concatenate([[start, end, end, start, np.nan] for start, end in spans]),
            [-np.inf, -np.inf, np.inf, np.inf, np.nan] * len(spans),
        ),
        ("loss", "nothing"): (SIGMAS, median_losses(lambda x, y: np.zeros((150, 10)), sigma)),
        ("loss", "model"): (SIGMAS, loss_of(pairs, sigma)),
        ("loss", "kept part"): (SIGMAS, loss_of(kept, sigma)),
    }


@pytest.mark.parametrize("values", SETTINGS, ids=["a layer between", "the last layer"])
def test_every_mark_is_what_another_route_finds(values):
    lab = WeightsLab(**values)
    assert_marks(lab, expected(lab.values), ROLES)
    said = titles(lab)
    limit = max(abs(A).max() for pair in matrices_by_hand(*list(values.values())[:3]) for A in pair)
    assert said["P"] == dict(layer=values["layer"]) and said["Q"]["layer"] == values["layer"]
    np.testing.assert_allclose(said["Q"]["limit"], limit)
    assert said["P_low"] == said["Q_low"] == dict(rank=values["rank"])


def test_the_star_stands_where_it_was_set_and_every_line_is_in_the_key():
    lab = WeightsLab(guess=4, **SETTINGS[1])
    assert_marks(lab, expected(lab.values) | {("left", "prediction"): (4, 2e-6)}, ROLES)
    maps = {(name, "matrix") for name in ("P", "Q", "P_low", "Q_low")}
    assert unkeyed_marks(lab) == {("loss", "range"), *maps}


@pytest.mark.parametrize("values", SETTINGS, ids=["a layer between", "the last layer"])
def test_the_words_are_of_what_is_drawn(values):
    lab, sigma = WeightsLab(**values), values["sigma"]
    table = expected(lab.values)
    left = [table["left", name][1][-1] for name in "PQ"]
    losses = [table["loss", name][1][sigma] for name in ("model", "kept part", "nothing")]
    said = {
        "weights.left": dict(
            kind="FULL",
            noise="{1, 3}" if "cat" in values["noise"] else "U(0, 5)",
            layer=values["layer"],
            rank=values["rank"],
        ),
        "layers.count": dict(count=values["layers"]),
        "weights.percent": [dict(percent=100 * share if share > 1e-6 else 0) for share in left],
        "weights.losses": dict(sigma=sigma, variance=sigma**2, rank=values["rank"]),
        "weights.loss": [dict(loss=loss) for loss in losses],
    }
    if values["layer"] == values["layers"]:
        said["weights.blank"] = {}
    assert_messages(lab, said)


def test_the_label_is_the_last_row_and_column():
    layout = WeightsLab().drawing["layout"]
    for name in ("xaxis", "yaxis", "xaxis5", "yaxis5"):  # of P, and of the low-rank part of Q
        assert layout[name]["ticktext"][-1] == "y" and layout[name]["tickvals"][-1] == 11


def test_a_loss_beyond_the_axis_is_drawn_at_its_edge_and_said():
    lab = WeightsLab(kind="full", noise="uniform-1", layers=5, sigma=8)
    assert "the whole model has a median loss of more than 1000, and" in lab.words_now
    assert "drawn at its edge: whole in “Loss (shaded: trained on)”" in lab.words_now
    shown = drawn(lab, "loss", "model")["y"]
    assert shown[0] == 1e-3 and shown[8] == 1e3
    assert "a median loss of 18," in WeightsLab(kind="full", noise="uniform-1", layers=5, sigma=6).words_now


def test_what_is_left_out_but_too_little_to_see_is_nothing():
    lab = WeightsLab(kind="diag", noise="uniform-5", sigma=2, layer=1)
    assert "In layer 1 the diagonal and rank 0 leave out 0% of P and 0% of Q." in lab.words_now
    assert "lab.beyond" not in [message.id for message in lab.messages]
    np.testing.assert_array_equal(drawn(lab, "left", "P")["y"], 1e-6)


def test_the_matrices_are_those_of_the_stored_model():
    """Not the entries but what they compute: P S Q of each layer, and the answers."""
    model, (P, Q) = load_pretrained("full", 4, Categorical((1, 3))), matrices("full", "categorical-1-3", 4)
    S = np.cov(np.random.default_rng(0).normal(size=(11, 40)))
    np.testing.assert_allclose(P[:-1] @ S @ Q[:-1], model.P[:-1, 0] @ S @ model.Q[:-1, 0], atol=1e-10)
    np.testing.assert_allclose(P[-1, -1] @ S @ Q[-1], model.P[-1, 0, -1] @ S @ model.Q[-1, 0], atol=1e-10)


def test_at_every_rank_no_more_is_left_out_and_at_the_last_the_model_is_whole():
    lab = WeightsLab(rank=10)
    assert (np.diff(lab.arrays.left, axis=1) <= 1e-12).all() and lab.arrays.left[:, -1].max() < 1e-3
    np.testing.assert_allclose(lab.arrays.kept[:4], lab.arrays.whole[:4], rtol=0.1)


def test_diag_needs_no_low_rank_part():
    for kind in ("diag", "gd++"):
        shown = WeightsLab(kind=kind, rank=0).arrays
        np.testing.assert_array_equal(shown.left, 0)
        np.testing.assert_allclose(shown.kept, shown.whole)
        assert not np.nan_to_num([shown.P_low, shown.Q_low]).any()


def test_the_colours_mean_the_same_in_every_layer_and_no_entry_lies_beyond_them():
    lab = WeightsLab(rank=3)
    for layer in (1, 2, 3, 4):
        lab.controls["layer"].value = layer
        maps = [drawn(lab, name, "matrix") for name in ("P", "Q", "P_low", "Q_low")]
        assert {(trace["zmin"], trace["zmax"]) for trace in maps} == {(-lab.arrays.limit, lab.arrays.limit)}
        assert max(np.nanmax(abs(trace["z"])) for trace in maps[:2]) <= lab.arrays.limit


def test_a_layer_that_the_model_lacks_is_refused():
    with pytest.raises(ValueError, match="layer is 5 with layers=4: layer must be one of 1, 2, 3, 4"):
        WeightsLab(layer=5)


@pytest.mark.leads
def test_the_beats_are_answered_by_matrices_and_losses_of_another_route():
    lab, model = WeightsLab(), ("full", "categorical-1-3", 4)
    P, _ = matrices_by_hand(*model)[2]
    left = [((P - D - L) ** 2).sum() / (P**2).sum() for D, L in split(P, 4)]
    answer, told = pass_beat(lab, "rank", 6, rank=4)
    assert left[answer] < 1e-3 < left[answer - 1] and f"leaves out {100 * left[0]:.2g}% of" in told

    def kept(rank):
        pairs = [[np.add(*split(A, rank)[rank]) for A in pair] for pair in matrices_by_hand(*model)]
        return loss_of(pairs, 3)[3]

    answer, told = pass_beat(lab, "worse", "lower", rank=1)
    before, now = kept(0), kept(1)
    assert answer == "higher" and now > 10 * before
    whole = loss_of(matrices_by_hand(*model), 3)[3]
    assert f"{before:.2g} at rank 0, {now:.2g} at rank 1, and {whole:.2g} for the whole" in told

    answer, told = pass_beat(lab, "outside", "full", sigma=6)
    full, diag = (loss_of(matrices_by_hand(kind, *model[1:]), 6)[6] for kind in ("full", "diag"))
    assert answer == "diag" and diag < full and f"DIAG has {diag:.2g} and FULL {full:.2g}" in told
    nothing = loss_of([(np.zeros((11, 11)), np.zeros((11, 11)))], 6)[6]
    assert f"answering 0 has {nothing:.2g}." in told


@pytest.mark.parametrize(
    "before, after, words", [(1.0, 1.4, "same"), (1.0, 0.6, "lower"), (1.0, 1.6, "higher")]
)
def test_a_loss_is_lower_or_higher_where_it_differs_by_half(before, after, words):
    assert way(before, after) == words
