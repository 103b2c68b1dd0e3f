"""The tiny lab, by hand: a token's y becomes y - step (mean of x y) x."""

import numpy as np
import pytest
from marks import assert_marks, assert_messages

from lt_helpers.labs import TinyLab
from lt_helpers.labs.tiny import compare

AXES = {
    ("tokens", "axes"): (("x", -3.2, 3.2), ("y", -9, 6)),
    ("read", "axes"): (("number", 0.4, 3.6), ("mean", 0, 10)),
}
ROLES = {
    ("tokens", "moves"): "contour",
    ("tokens", "before"): "ghost",
    ("tokens", "after"): "example",
    ("tokens", "query"): "second",
    ("tokens", "query after"): "second",
    ("read", "read"): "model",
}
X = [-1, -1, 1, 1]
Y = {"A": [-1, -3, 3, 1], "A'": [0, -4, 4, 0], "B": [1, -3, 3, -1]}
MEANS = {"A": (1, 2, 5), "A'": (1, 2, 8), "B": (1, 1, 5)}


def expected(values, tokens=None):
    x, y = tokens or (X, Y[values["example"]])
    at = values["query"][0][1] if values["query"] else 2.0
    alpha = MEANS[values["example"]][1]
    after = [b - values["step"] * alpha * a for a, b in zip(x, y)]
    end = -values["step"] * alpha * at
    across = [[a, a, np.nan] for a in [*x, at]]
    down = [[before, then, np.nan] for before, then in zip([*y, 0], [*after, end])]
    guess = values["end_guess"]
    return AXES | {
        ("tokens", "zero"): ([-3.2, 3.2], [0, 0]),
        ("tokens", "moves"): (np.ravel(across), np.ravel(down)),
        ("tokens", "before"): (x, y),
        ("tokens", "after"): (x, after),
        ("tokens", "query"): (at, 0),
        ("tokens", "query after"): (at, end),
        ("read", "read"): ([1, 2, 3], MEANS[values["example"]]),
        **({} if guess is None else {("tokens", "prediction"): (at, guess)}),
    }


@pytest.mark.parametrize(
    "values",
    [
        dict(step=1.0),
        dict(example="A'", step=0.5, end_guess=-3.0),
        dict(example="B", step=1.25, query=((0, -1.5, 0.0),)),
    ],
    ids=["A", "A'", "B"],
)
def test_every_mark_is_what_another_route_finds(values):
    lab = TinyLab(**values)
    assert_marks(lab, expected(lab.values), ROLES)


@pytest.mark.parametrize("example", Y)
def test_two_made_up_tokens_have_the_three_means_and_the_same_answer(example):
    lab = TinyLab(example=example, step=0.75, two=True)
    tokens = lab.arrays.tokens
    assert tokens.shape == (2, 2)
    x, y = tokens.T
    np.testing.assert_allclose([np.mean(x * x), np.mean(x * y), np.mean(y * y)], MEANS[example])
    assert_marks(lab, expected(lab.values, (list(x), list(y))), ROLES)


def test_the_words_are_of_what_is_drawn():
    lab = TinyLab(example="A'", step=0.5)
    assert_messages(lab, {"tiny.goes": dict(x=2.0, y=-2.0, answer=2.0), "tiny.reads": dict(xx=1, xy=2, yy=8)})


def tell(lab):
    """What the lab says of a beat that is done."""
    assert lab.story().phase == "told" and lab.error is None
    return lab.names.say(lab.story().found)


@pytest.mark.leads
class TestBeats:
    def test_the_query_is_pushed_down_by_its_answer(self):
        lab = TinyLab(beat="shear", end_guess=-2.0)
        lab.lock()
        lab.controls["step"].value = 1.2  # past 1
        assert "You said -2; it is -4, which is 2 less." in tell(lab)
        assert "down by 4: the answer for x = 2, on a line of slope 2." in tell(lab)

    def test_a_noisier_copy_changes_the_mean_of_the_squared_labels_alone(self):
        lab = TinyLab(beat="copy", block_guess="alpha")
        lab.lock()
        lab.controls["example"].value = "A'"
        assert "it is “v, mean y²”" in tell(lab) and "from 5 to 8" in tell(lab) and "still 4" in tell(lab)

    def test_made_up_tokens_end_where_their_own_examples_do(self):
        lab = TinyLab(beat="two", two_guess="same")
        lab.lock()
        lab.controls["example"].value = "B"
        lab.controls["two"].value = True
        assert (
            "that is right" in tell(lab) and lab.drawing["handles"] == []
        )  # and no hand can move the query meanwhile

    def test_a_layer_cannot_tell_made_up_tokens_from_examples(self):
        lab = TinyLab(beat="two", two_guess="same")
        lab.lock()
        lab.controls["two"].value = True
        assert "and that is right" in tell(lab) and "the answer is 4" in tell(lab)

    def test_the_query_is_dragged_along_its_axis(self):
        lab = TinyLab(beat="copy")
        lab._grabbed("query", 0, -1.0, 3.0)
        assert lab.arrays.query.tolist() == [-1, 0] and lab.arrays.answer == pytest.approx(-2)


def test_where_a_point_ends_is_said_as_higher_lower_or_the_same():
    assert [compare(1.0, after) for after in (1.5, 0.5, 1.0, 1.0 + 1e-12)] == [
        "higher",
        "lower",
        "same",
        "same",
    ]
