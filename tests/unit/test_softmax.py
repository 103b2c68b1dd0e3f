"""The softmax transformer in NumPy: against loops over tokens, and what its two choices (the query is never read, no order) imply."""

import math

import numpy as np
import pytest

from lt_helpers import RegressionTask, Uniform, risk
from lt_helpers.baselines import stored_losses
from lt_helpers.noise import parse_noise
from lt_helpers.softmax import SoftmaxId, SoftmaxTransformer, linear_part, load_softmax, softmax_records

DIM, WIDTH, HEADS, HIDDEN, LAYERS = 3, 6, 2, 5, 2
SHAPES = {
    "embed": (WIDTH, DIM + 1),
    "readout": (WIDTH,),
    **dict.fromkeys("QKVO", (LAYERS, WIDTH, WIDTH)),
}
MORE = {
    **dict.fromkeys(("gain_1", "shift_1", "gain_2", "shift_2", "down_bias"), (LAYERS, WIDTH)),
    "up": (LAYERS, HIDDEN, WIDTH),
    "up_bias": (LAYERS, HIDDEN),
    "down": (LAYERS, WIDTH, HIDDEN),
    "gain": (WIDTH,),
    "shift": (WIDTH,),
}


def model(mlp):
    rng = np.random.default_rng(3)
    shapes = SHAPES | MORE if mlp else SHAPES
    return SoftmaxTransformer({name: rng.normal(size=shape) / 2 for name, shape in shapes.items()}, HEADS)


def sequences(batch=2, n=4, queries=3):
    rng = np.random.default_rng(5)
    return (
        rng.normal(size=(batch, n, DIM)),
        rng.normal(size=(batch, n)),
        rng.normal(size=(batch, queries, DIM)),
    )


def layer_norm(a, gain, shift):
    mean = sum(a) / len(a)
    variance = sum((entry - mean) ** 2 for entry in a) / len(a)
    return np.array([(entry - mean) / math.sqrt(variance + 1e-5) for entry in a]) * gain + shift


def by_loops(W, x, y, query):
    """One context, one query, token by token, head by head."""
    tokens = [W["embed"] @ [*x_i, y_i] for x_i, y_i in zip(x, y)] + [W["embed"] @ [*query, 0.0]]
    mlp = "up" in W
    for layer in range(LAYERS):
        at = {
            name: array[layer]
            for name, array in W.items()
            if name not in ("embed", "readout", "gain", "shift")
        }
        seen = [layer_norm(a, at["gain_1"], at["shift_1"]) if mlp else a for a in tokens]
        after = []
        for a, reader in zip(tokens, seen):
            a = a.copy()
            for head in range(HEADS):
                rows = slice(3 * head, 3 * head + 3)
                scores = [
                    at["Q"][rows] @ reader @ (at["K"][rows] @ example) / math.sqrt(3) for example in seen[:-1]
                ]
                shares = [math.exp(score) / sum(map(math.exp, scores)) for score in scores]
                got = sum(share * (at["V"][rows] @ example) for share, example in zip(shares, seen[:-1]))
                a += at["O"][:, rows] @ got
            if mlp:
                inner = layer_norm(a, at["gain_2"], at["shift_2"])
                hidden = [max(unit, 0.0) for unit in at["up"] @ inner + at["up_bias"]]
                a += at["down"] @ hidden + at["down_bias"]
            after.append(a)
        tokens = after
    last = layer_norm(tokens[-1], W["gain"], W["shift"]) if mlp else tokens[-1]
    return W["readout"] @ last


@pytest.mark.parametrize("mlp", [False, True], ids=["alone", "mlp"])
def test_the_forward_pass_is_what_loops_over_tokens_find(mlp):
    one, (x, y, queries) = model(mlp), sequences()
    found = one.answers(x, y, queries)
    wanted = [[by_loops(one.tensors, x[b], y[b], query) for query in queries[b]] for b in range(len(x))]
    np.testing.assert_allclose(found, wanted, rtol=1e-10)
    np.testing.assert_allclose(one(x, y, queries[:, 1]), found[:, 1], rtol=1e-10)


def test_the_order_of_the_examples_does_not_matter():
    one, (x, y, queries) = model(True), sequences()
    order = [2, 0, 3, 1]
    np.testing.assert_allclose(
        one.answers(x[:, order], y[:, order], queries), one.answers(x, y, queries), rtol=1e-10
    )


def test_contexts_that_do_not_fit_at_once_are_answered_alike(monkeypatch):
    one, (x, y, queries) = model(True), sequences(batch=7)
    whole = one.answers(x, y, queries)
    monkeypatch.setattr("lt_helpers.softmax.CHUNK_NUMBERS", 100)
    np.testing.assert_allclose(one.answers(x, y, queries), whole, rtol=1e-10)
    assert one.answers(x[:0], y[:0], queries[:0]).shape == (0, 3)


def test_risk_judges_it_by_its_answers():
    task, one = RegressionTask(DIM, 8, Uniform(2.0)), model(False)
    judged = risk(one, task, 50, np.random.default_rng(0))
    drawn = task.sample(50, np.random.default_rng(0))
    misses = one(drawn.x, drawn.y, drawn.x_query) - drawn.y_query
    assert judged.total == pytest.approx((misses**2).mean() / 2)


def test_the_linear_part_is_all_of_a_linear_answer_and_leaves_what_is_not():
    rng = np.random.default_rng(1)
    queries, w = rng.normal(size=(400, 3)), rng.normal(size=(2, 3))
    found, left = linear_part(w @ queries.T, queries)
    np.testing.assert_allclose(found, w, atol=1e-10)
    np.testing.assert_allclose(left, 0, atol=1e-20)

    # What is added is independent of the queries: its mean square, 0.25, is left.
    bent = w @ queries.T + 0.5 * rng.choice([-1.0, 1.0], (2, 400))
    found, left = linear_part(bent, queries)
    np.testing.assert_allclose(found, w, atol=0.15)
    np.testing.assert_allclose(left, 0.25, rtol=0.05)
    with pytest.raises(ValueError, match="more queries than numbers"):
        linear_part(np.zeros((1, 3)), np.eye(3))


def test_each_context_may_have_its_own_queries():
    rng = np.random.default_rng(2)
    queries, w = rng.normal(size=(5, 7, 3)), rng.normal(size=(5, 3))
    found, _ = linear_part((queries * w[:, None]).sum(axis=-1), queries)
    np.testing.assert_allclose(found, w, atol=1e-10)


@pytest.mark.parametrize(
    "change, said",
    [
        (dict(readout=np.zeros(WIDTH + 1)), "readout has shape"),
        (dict(Q=np.zeros((LAYERS, WIDTH, WIDTH - 1))), "Q has shape"),
        (dict(more=np.zeros(1)), "the tensors are"),
        (dict(V=np.full((LAYERS, WIDTH, WIDTH), np.nan)), "V holds NaN"),
    ],
)
def test_weights_that_do_not_fit_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        SoftmaxTransformer(model(False).tensors | change, HEADS)


@pytest.mark.parametrize(
    "change, error, said",
    [
        (dict(Q=3.0), ValueError, r"Q has shape \(\): Q must be \(layers, 6, 6\)\."),
        (dict(Q=np.zeros(LAYERS)), ValueError, r"Q has shape \(2,\): Q must be \(layers, 6, 6\)\."),
        (dict(up=np.zeros(LAYERS)), ValueError, r"up has shape \(2,\): up must be \(2, hidden, 6\)\."),
        (dict(up=1.0), ValueError, r"up has shape \(\): up must be \(2, hidden, 6\)\."),
        (dict(up=None), TypeError, "up has dtype object: up must hold real numbers"),
        (
            dict(embed=np.zeros(WIDTH)),
            ValueError,
            r"embed has shape \(6,\): embed must be \(width, dim \+ 1\)",
        ),
        ({1: 0}, ValueError, "the tensors are"),
    ],
)
def test_a_weight_without_the_axes_of_its_kind_is_refused_in_one_sentence(change, error, said):
    with pytest.raises(error, match=said):
        SoftmaxTransformer(model(True).tensors | change, HEADS)


def test_lists_of_numbers_serve_as_weights_and_what_is_no_dict_does_not():
    one = model(True)
    listed = SoftmaxTransformer({name: tensor.tolist() for name, tensor in one.tensors.items()}, HEADS)
    x, y, queries = sequences()
    np.testing.assert_array_equal(listed.answers(x, y, queries), one.answers(x, y, queries))
    with pytest.raises(TypeError, match="tensors is None: tensors must be a dict of arrays"):
        SoftmaxTransformer(None, HEADS)


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="heads must divide the width, 6"):
        SoftmaxTransformer(model(False).tensors, 4)


def test_a_file_without_a_model_says_so(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        load_softmax(True, 2, Uniform(5.0), folder=tmp_path)
    (tmp_path / "records.json").write_text('[{"mlp": 1}]')
    with pytest.raises(ValueError, match="are damaged"):
        softmax_records(tmp_path)
    (tmp_path / "records.json").write_text("[]")
    with pytest.raises(ValueError, match="no stored softmax transformer mlp/3/uniform-4"):
        load_softmax(True, 3, Uniform(4.0), folder=tmp_path)
    with pytest.raises(TypeError, match="mlp must be True or False"):
        SoftmaxId("mlp", 2, Uniform(5.0))


RECORDS = softmax_records()
each_stored = pytest.mark.parametrize(
    "record", RECORDS, ids=lambda record: SoftmaxId.from_record(record).name
)


def test_the_stored_ones_are_both_kinds_of_both_depths_on_both_noises():
    stored = {(record["mlp"], record["layers"], record["noise"]) for record in RECORDS}
    wanted = {
        (mlp, layers, noise)
        for mlp in (False, True)
        for layers in (2, 4)
        for noise in ("uniform-5", "categorical-1-3")
    }
    assert stored == wanted and len(RECORDS) == len(wanted)


@each_stored
def test_a_stored_model_loses_what_its_record_says(record):
    noise = parse_noise(record["noise"])
    one = load_softmax(record["mlp"], record["layers"], noise)
    assert (one.mlp, one.layers, one.dim, one.context) == (record["mlp"], record["layers"], 10, 20)
    judged = risk(one, RegressionTask(10, 20, noise), 2_000, np.random.default_rng(77))
    assert abs(judged.excess - record["loss"]) < 4 * np.hypot(judged.excess_error, record["standard_error"])
    bayes, error = stored_losses()[record["noise"]]["Bayes-optimal"]
    assert record["loss"] > bayes - 4 * np.hypot(error, record["standard_error"])


@each_stored
def test_a_record_says_what_fewer_steps_would_have_given(record):
    steps, losses, _ = zip(*record["halves"])
    assert len(steps) == 3 and [2 * before for before in steps[:-1]] == list(steps[1:])
    assert (steps[-1], losses[-1]) == (record["steps"], record["loss"])
    assert sorted(losses, reverse=True) == list(losses), "each part is better than the one before"
    assert record["curve"][-1][0] == record["steps"]


def test_the_last_doubling_took_off_what_notebook_14_says():
    said = {(True, 4): 1 / 3, (True, 2): 1 / 6, (False, 4): 1 / 9, (False, 2): 1 / 16}
    for record in RECORDS:
        if record["noise"] == "uniform-5":
            *_, (_, half, _), (_, whole, _) = record["halves"]
            assert abs(1 - whole / half - said[record["mlp"], record["layers"]]) < 0.02
