"""The attention lab and notebook 01's exercise, each against a loop over tokens or pairs."""

from types import SimpleNamespace

import numpy as np
import pytest
from marks import assert_marks, assert_messages

from lt_helpers.exercises.attention import in_order_n, linear_attention
from lt_helpers.labs import AttentionLab, attention
from lt_helpers.labs.attention import (
    FORMS,
    map_first,
    microseconds,
    products,
    softmax_attention,
    state_first,
)
from lt_helpers.model import attend

LENGTHS = [2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512, 724, 1024]
AXES = {
    ("map", "axes"): (("token_j", 0.5, 32.5), ("token_i", 32.5, 0.5)),  # rows from the top
    ("state", "axes"): (("column", 0.5, 32.5), ("row", 32.5, 0.5)),
    ("query", "axes"): (("token", 0, 33), ("weight", -0.6, 1.05)),
    ("cost", "axes"): (("n", 1, 1024, "log"), ("products", 0.1, 1e5, "log")),
}

ROLES = {
    ("map", "map"): "weights",
    ("state", "state"): "weights",
    ("state", "border_right"): "border",
    ("state", "border_below"): "border",
    ("query", "softmax"): "second",
    ("query", "linear"): "model",  # linear attention has the model's colour in both panels
    ("cost", "softmax"): "second",
    ("cost", "map_first"): "third",
    ("cost", "state_first"): "model",
}


def draw(values):
    """The tokens of a lab: inputs (n, d), labels (n,) and the input of the query (d,)."""
    rng = np.random.default_rng(values["seed"])
    inputs, truth, query = rng.normal(size=(32, 31)), rng.normal(size=31), rng.normal(size=31)
    n, d = values["n"], values["d"]
    w = truth[:d] / np.sqrt(sum(truth[:d] ** 2))
    return inputs[:n, :d], np.array([w @ x for x in inputs[:n, :d]]), query[:d]


def read(reader, x, sharpness, softmax):
    """How much one token reads of each, score by score -> (n,)"""
    scores = [sharpness * sum(reader * other) / len(reader) ** 0.5 for other in x]
    if not softmax:
        return np.array([score / len(x) for score in scores])
    return np.array([np.exp(score) / sum(np.exp(scores)) for score in scores])


def count(n, D):
    """Multiplications, by the shapes of the matrices that each form multiplies -> (3,)"""

    def multiply(*shapes):
        return sum(rows * inner * columns for rows, inner, columns in shapes)

    mapped = multiply((n, D, D), (n, D, n), (n, D, D), (n, n, D))  # E Q^T, scores, E P^T, mixing
    stated = multiply((D, n, D), (D, D, D), (D, D, D), (n, D, D))  # S, P S, (P S) Q, and its product with E
    return [mapped + n * n + n * n, mapped, stated]  # an exponential and a division for each pair


def expected(values):
    """What belongs to each mark, token by token."""
    x, y, query = draw(values)
    n, D = len(x), x.shape[1] + 1
    tokens = [np.append(*pair) for pair in zip(x, y)]
    state = sum(np.outer(token, token) for token in tokens) / n
    softmax = values["attention"] == "softmax"
    rows = [read(reader, x, values["sharpness"], softmax) for reader in x]
    token, number = np.arange(1, n + 1), np.arange(1, D + 1)
    costs = {
        ("cost", form): (LENGTHS, [count(length, D)[row] / 1000 for length in LENGTHS])
        for row, form in enumerate(["softmax", "map_first", "state_first"])
    }
    if values["guess"] is not None:
        costs["cost", "prediction"] = (values["guess"], 1.0)
    return AXES | {
        ("map", "map"): (token, token, n * np.array(rows), 3),
        ("state", "state"): (number, number, state, 1.5),
        ("state", "border_right"): ([D - 0.5, D - 0.5], [0.5, D + 0.5]),
        ("state", "border_below"): ([0.5, D + 0.5], [D - 0.5, D - 0.5]),
        ("query", "level"): ([0, 33], [0, 0]),
        ("query", "softmax"): (token, read(query, x, values["sharpness"], True)),
        ("query", "linear"): (token, read(query, x, values["sharpness"], False)),
        ("cost", "n_now"): ([n, n], [0.1, 1e5]),
        **costs,
    }


@pytest.mark.parametrize(
    "values",
    [
        dict(n=7, d=3, sharpness=1.5, seed=2),
        dict(n=20, d=6, sharpness=3.25, seed=9, attention="linear", guess=17),
        dict(n=32, d=31, sharpness=0.5, seed=66),
    ],
    ids=["softmax", "linear", "large"],
)
def test_every_mark_is_what_another_route_finds(values):
    lab = AttentionLab(**values)
    assert_marks(lab, expected(lab.values), ROLES)


def test_the_words_are_of_what_is_drawn():
    lab = AttentionLab(n=20, d=6, sharpness=3.25, seed=9)
    table = expected(lab.values)
    softmax, linear = table["query", "softmax"][1], table["query", "linear"][1]
    most = max(range(20), key=lambda token: softmax[token])
    assert_messages(
        lab,
        {
            "attention.sizes": dict(tokens=20, numbers=7, map=400, state=49),
            "attention.reads_most": dict(token=most + 1, softmax=softmax[most], linear=linear[most]),
            "attention.counted": {},
            "attention.products": [dict(number=number) for number in count(20, 7)],
            **{f"attention.mark.{form}": {} for form in FORMS},
        },
    )
    assert "softmax 8,360, map first 7,560, S first 2,646" in lab.words_now


def one_by_one(tokens, P, Q, softmax):
    """Attention as its definition says it: token by token, score by score."""
    after = []
    for e in tokens:
        scores = np.array([other @ Q @ e for other in tokens])
        weights = np.exp(scores) / np.exp(scores).sum() if softmax else scores / len(tokens)
        after.append(e + sum(weight * P @ other for weight, other in zip(weights, tokens)))
    return np.array(after)


@pytest.mark.parametrize("n, D", [(9, 4), (3, 7), (1, 1)])
def test_each_form_is_attention_token_by_token(rng, n, D):
    tokens, P, Q = rng.normal(size=(n, D)), *rng.normal(size=(2, D, D))
    for form, softmax in ((softmax_attention, True), (map_first, False), (state_first, False)):
        np.testing.assert_allclose(
            form(tokens, P, Q), one_by_one(tokens, P, Q, softmax), rtol=1e-9, atol=1e-9
        )


def test_the_two_orders_of_products_cost_the_same_where_n_is_D():
    for D in (2, 11, 32):
        below, at, above = (products(n, D)[1] - products(n, D)[2] for n in (D - 1, D, D + 1))
        assert below < 0 and at == 0 and above > 0


def test_the_linear_weights_answer_as_the_package_does():
    lab = AttentionLab(n=12, d=4, sharpness=0.5, seed=5)
    x, y, query = draw(lab.values)
    P, Q = np.diag([0, 0, 0, 0, 1.0]), np.diag([0.25] * 4 + [0])  # 0.25 = sharpness / sqrt(d)
    np.testing.assert_allclose(
        lab.arrays.by_score @ y, -attend(P[None, None], Q[None, None], x[None], y[None], query[None])[0]
    )


def test_a_sharp_softmax_reads_one_token_and_a_flat_one_all_alike():
    assert AttentionLab(sharpness=8.0, d=31, seed=1).arrays.by_softmax.max() > 0.9
    flat = AttentionLab(sharpness=0.0)
    np.testing.assert_allclose(flat.arrays.by_softmax, 1 / 16)
    assert "reads all tokens alike: 0.062 of each" in flat.words_now


def test_measuring_takes_the_best_of_three_rounds_in_microseconds(monkeypatch):
    clock = FakeClock(rounds=[(5.0, 1.0, 2.0), (4.0, 3.0, 2.5), (6.0, 2.0, 0.5)])
    monkeypatch.setattr(attention, "perf_counter", clock)
    measured = microseconds.__wrapped__(4)  # past the cache, which would keep it for the other tests
    np.testing.assert_allclose(measured, np.tile([[4e6], [1e6], [0.5e6]], 19))


class FakeClock:
    """A clock by which each form takes so many seconds, round by round, at every length."""

    def __init__(self, rounds):
        self.times = [seconds for forms in rounds for seconds in forms]
        self.calls, self.now = 0, 0.0

    def __call__(self):
        if self.calls % 2:  # the end of a measurement
            self.now += self.times[self.calls // 2 % len(self.times)]
        self.calls += 1
        return self.now


def test_costs_are_counted_at_first_and_measured_on_request(monkeypatch):
    measured = np.geomspace(1.0, 3e4, 57).reshape(3, 19)
    monkeypatch.setattr(attention, "microseconds", lambda D: measured * D / 11)
    lab = AttentionLab(n=20, d=10, seed=4321)  # of which no other test finds the state
    table = expected(lab.values)
    assert_marks(lab, table, ROLES)
    lab.controls["cost"].value = "measured"
    assert lab.error is None
    table["cost", "axes"] = (AXES["cost", "axes"][0], ("microseconds", 0.1, 1e5, "log"))
    for row, form in enumerate(FORMS):
        table["cost", form] = (LENGTHS, measured[row])
    assert_marks(lab, table, ROLES)
    assert_messages(
        lab,
        {
            "attention.sizes": {},
            "attention.reads_most": {},
            "attention.measured": dict(tokens=1024),
            "attention.time": [dict(time=measured[row, -1] / 1000) for row in range(3)],
            **{f"attention.mark.{form}": {} for form in FORMS},
        },
    )
    assert lab.words_now.endswith("took: softmax 0.027 ms, map first 0.91 ms, S first 30 ms.")


def test_the_exercise_wants_no_array_of_all_pairs():
    assert in_order_n.verdict(linear_attention).startswith("Correct")
    assert "1000 x 1000" in in_order_n.verdict(map_first)
    assert (
        in_order_n.verdict(
            lambda tokens, P, Q: np.stack(
                [e + P @ (tokens.T @ (tokens @ (Q @ e))) / len(tokens) for e in tokens]
            )
        )[:7]
        == "Correct"
    )


def tell(lab):
    """What the lab says of a beat that is done."""
    assert lab.story().phase == "told" and lab.error is None
    return lab.names.say(lab.story().found)


@pytest.mark.leads
class TestBeats:
    def test_twice_the_tokens_are_four_times_the_cells_of_the_map_and_none_of_S(self):
        lab = AttentionLab(beat="map", map_guess=2, state_guess=1)
        for wrong, words in (
            ("it is “four times as many”", "256, where it had 64"),
            ("right", "36, as before, and the map has 256"),
        ):
            lab.lock()
            lab.controls["n"].value = 16
            assert wrong in tell(lab) and words in tell(lab)
            lab.next()

    @pytest.mark.parametrize("d", [2, 5, 15, 31])
    def test_the_two_orders_cross_where_the_map_is_as_large_as_S(self, d):
        n = attention.crossing(d + 1)
        assert count(n, d + 1)[1] >= count(n, d + 1)[2] and count(n - 1, d + 1)[1] < count(n - 1, d + 1)[2]

    def test_a_crossing_that_is_predicted_is_answered_along_the_axis_of_n(self):
        lab = AttentionLab(beat="cost", guess=30)
        (handle,) = lab.drawing["handles"]
        assert (handle["control"], handle["along"], handle["x"]) == ("guess", "x", 30)
        lab.lock()
        lab.controls["d"].value = 15
        assert "You said 30; it is 16, which is 14 less." in tell(lab)
        gap = lab.panels_now[0].mark("gap")
        assert gap.x.tolist() == [30, 16] and gap.y.tolist() == [1, 1]

    def test_the_softmax_picks_and_the_linear_weights_only_grow(self):
        lab = AttentionLab(beat="sharp", alone_guess="linear")
        lab.lock()
        lab.controls["sharpness"].value = 6.0
        x, _, query = draw(lab.values)
        softmax, linear = read(query, x, 6.0, True), read(query, x, 6.0, False)
        assert softmax.max() > 0.75 > abs(linear).max() / abs(linear).sum()
        growth = linear / read(query, x, 2.0, False)
        np.testing.assert_allclose(growth, 3)
        assert "it is “softmax”" in tell(lab) and f"{softmax.max():.2f}" in tell(lab)
        largest = [read(query, x, sharpness, False).max() for sharpness in (2.0, 6.0)]
        assert f"the largest went from {largest[0]:.2f} to {largest[1]:.2f}" in tell(lab)
        assert f"that is {linear.max() / abs(linear).sum():.0%} of all their sizes" in tell(lab)
        assert "3 times as large" in tell(lab) and "Beyond" not in lab.words_now


@pytest.mark.parametrize(
    "softmax, linear, said",
    [
        ([9, 0, 0], [0, 9, 0], "both"),
        ([9, 0, 0], [1, 1, 1], "softmax"),
        ([1, 1, 1], [0, 9, 0], "linear"),
        ([1, 1, 1], [1, -1, 1], ""),
    ],
)
def test_who_reads_one_token_alone(softmax, linear, said):
    assert attention.alone(SimpleNamespace(by_softmax=np.array(softmax), by_score=np.array(linear))) == said
