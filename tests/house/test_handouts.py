"""What a room gets on paper: its numbers are those of the tokens, worked out one by one, and the files are made anew identically."""

import re
import xml.etree.ElementTree as xml

import hand
import handouts
import numpy as np
import pytest
from example import sequences
from poster import captions, solutions

from lt_helpers import Uniform, load_pretrained
from lt_helpers.labs import PointsLab
from lt_helpers.pretrained import ONE_FEATURE

LABELS = {"A": (-1, -3, 3, 1), "A′": (0, -4, 4, 0), "B": (1, -3, 3, -1)}
X = (-1, -1, 1, 1)
TEXTS = handouts.compose()


def through_layers(labels):
    """The answer to the query x = 1 before the first and after each layer, and the mean of y^2 before each, token by token."""
    model = load_pretrained("diag", 4, Uniform(5.0), folder=ONE_FEATURE)
    tokens = np.array([*zip(X, labels), (1, 0)], float)  # (5, 2); the query is last
    answers, squares = [-tokens[-1, 1]], []
    for P, Q in zip(model.P[:, 0], model.Q[:, 0]):
        squares.append(np.mean([y * y for _, y in tokens[:4]]))
        S = sum(np.outer(token, token) for token in tokens[:4]) / 4
        tokens = np.array([token + P @ S @ Q @ token for token in tokens])
        answers.append(-tokens[-1, 1])
    return np.array(answers), np.array(squares)


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_stored_is_what_is_made(name):
    assert (handouts.FOLDER / name).read_text(encoding="utf-8") == TEXTS[name], "run: make handouts"


@pytest.mark.parametrize("one", sequences(), ids=lambda one: one.name)
def test_the_poster_says_what_the_tokens_do(one):
    labels = LABELS[one.name]
    answers, squares = through_layers(labels)
    slope = sum(x * y for x, y in zip(X, labels)) / 4
    left = [y - slope * x for x, y in zip(X, labels)]
    np.testing.assert_allclose(one.path, answers, atol=1e-12)
    np.testing.assert_allclose(one.read, squares, atol=1e-12)
    np.testing.assert_allclose(one.left, left)
    said = " ".join(captions(*sequences())[one.name])
    assert f"Ends at {answers[-1]:.2f}: keeps {100 * answers[-1] / slope:.0f}%" in said
    assert f"Layer 3 reads v = {squares[2]:.2f}" in said
    assert f"floor is at {np.mean(np.square(left)):g}" in said


def test_the_poster_claims_what_holds():
    """One slope and two noises in A and A'; one v and two noises in A and B; more left over, less kept."""
    a, noisy, twin = sequences()
    assert a.slope == noisy.slope and a.noise < noisy.noise
    assert a.S[1, 1] == twin.S[1, 1] and a.noise < twin.noise
    assert noisy.noise == twin.noise and abs(noisy.kept - twin.kept) < 0.01 < a.kept - noisy.kept
    assert a.path[2] == pytest.approx(a.slope, rel=0.01)  # it fits first, and shrinks then
    changed = {(i, j) for i in (0, 1) for j in (0, 1) if a.S[i, j] != noisy.S[i, j]}
    assert changed == {(1, 1)}


def test_the_worksheet_comes_out_as_by_hand():
    assert solutions() == [
        ("1, 2, 5", "1, 2, 8", "1, 1, 5"),
        ("2", "2", "1"),
        ("1, −1, 1, −1", "2, −2, 2, −2", "2, −2, 2, −2"),
        ("1", "4", "4"),
        ("1, 1.5", "1, 1.5", "0.5, 0.75"),
        ("1.75", "1", "0.5"),
        ("0.75", "0", "0.375"),
        ("3.5", "2", "1"),
    ]


@pytest.mark.parametrize("name", ["poster", "worksheet"])
def test_words_stay_on_the_page(name):
    drawing = xml.fromstring(TEXTS[f"{name}.svg"])
    _, _, width, height = map(float, drawing.get("viewBox").split())
    for words in drawing.iter("{http://www.w3.org/2000/svg}text"):
        size = float(words.get("font-size"))
        long = 0.47 * size * len(words.text)  # as wide as letters are in the middle
        start = (
            float(words.get("x")) - {"start": 0, "middle": long / 2, "end": long}[words.get("text-anchor")]
        )
        assert start >= 0 and start + long <= width and size <= float(words.get("y")) <= height, words.text


@pytest.mark.parametrize("name, size", [("poster", (1190, 842)), ("worksheet", (595, 842))])
def test_a_pdf_is_one_page_of_the_present_drawing(name, size):
    pdf = (handouts.FOLDER / f"{name}.pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert (round(float(box[1])), round(float(box[2]))) == pytest.approx(size, abs=2)
    assert handouts.title_of(name, TEXTS[f"{name}.svg"]).encode() in pdf, "run: make handouts"


def test_eight_slides_need_nothing_else():
    page = TEXTS["slides.html"]
    assert page.count("<section ") == page.count("<h2>") == 8
    assert not re.search(r"(?:src|href)=|@import|url\(", page)
    assert set(re.findall(r"https?://[^\"' ]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert "Exit ticket" in page and "Five votes" in page


def slide(number):
    """The words of a slide's picture, from left to right as they are written -> list of str, with a plain minus"""
    section = TEXTS["slides.html"].split("<section ")[number]
    return [words.replace("−", "-") for words in re.findall(r"<text [^>]*>([^<]*)</text>", section)]


def test_the_slide_of_the_pulled_point_has_both_slopes_and_what_told_it():
    """Twenty points, one of them at x = 0: least squares stays at 2, the mean of y^2 goes from 5 to 5 + 12^2 / 20."""
    lab = PointsLab.compute(sigma=1.0, kind="diag", moved=(), lifted=(), seed=11)
    model = load_pretrained("diag", 4, Uniform(5.0), folder=ONE_FEATURE)
    lifted = np.where(lab.x == 0, 12.0, lab.y)
    slopes = [
        model(lab.x[None, :, None], y[None], np.ones((1, 1)), form="tokens")[0] for y in (lab.y, lifted)
    ]
    said = slide(1)
    pairs = dict(zip(said[-6::2], said[-5::2], strict=True))
    assert pairs == {
        "least squares": "2.00 → 2.00",
        "the model's line": f"{slopes[0]:.2f} → {slopes[1]:.2f}",
        "mean of y²": "5.00 → 12.20",
    }
    assert slopes[0] > slopes[1] > 0


def test_the_slide_of_the_frozen_numbers_has_each_in_its_row_and_column():
    """What head after head writes to x and to y, times what it reads of them: omega_xx, xy, yx, yy."""
    model = load_pretrained("diag", 4, Uniform(5.0), folder=ONE_FEATURE)
    said = slide(2)
    assert said[1:5] == ["ω_xx", "ω_xy", "ω_yx", "ω_yy"]
    for layer in range(4):
        start = said.index(f"layer {layer + 1}")
        p, q = np.diagonal(model.P[layer, 0]), np.diagonal(model.Q[layer, 0])
        wanted = [p[0] * q[0], p[0] * q[1], p[1] * q[0], p[1] * q[1]]
        np.testing.assert_allclose([float(one) for one in said[start + 1 : start + 5]], wanted, atol=0.0051)


def test_the_slides_of_the_four_points_say_what_comes_out_by_hand():
    walk = [one for one in slide(4) if one.startswith("w = ")]
    assert walk == ["w = 0", "w = 1", "w = 1.5", "w = 1.75"]
    assert [one for one in slide(5) if ":  y" in one] == ["A:  y = -1, -3, 3, 1", "B:  y = 1, -3, 3, -1"]
    left = [one for one in slide(6) if "left over" in one]
    for words, (name, floor, slope) in zip(left, (("A", 1, 2), ("B", 4, 1)), strict=True):
        kept = through_layers(LABELS[name])[0][-1] / slope
        assert words == f"{name}:  left over {floor}, keeps {100 * kept:.0f}%"


def test_the_hand_pulls_the_point_up_by_half_steps_without_a_halt():
    heights = hand.heights()
    assert heights[0] == 0 and heights[-1] == 12 and (np.diff(heights) >= 0.5).all()
    assert (np.mod(heights, 0.5) == 0).all()
    moves = np.diff(heights)
    assert moves[0] == moves[-1] < moves[len(moves) // 2]  # slowly at either end
    for lab, height in zip(hand.frames(), heights, strict=True):
        assert lab.arrays.y[lab.arrays.middle] == height


def test_the_moving_picture_is_small_and_shows_the_present_lab():
    moving = hand.MOVING.read_bytes()
    assert len(moving) <= 1_000_000
    assert hand.marked(moving) == hand.summary(hand.frames()), "run: make handouts"
    kinds = [kind for kind, _ in hand.chunks(moving)]
    assert kinds.count(b"fcTL") > 20 and kinds[-1] == b"IEND"
    assert hand.STILL.read_bytes().startswith(hand.SIGNATURE)


def test_frames_become_one_picture_that_can_be_taken_apart_again():
    import struct
    import zlib

    def png(grey):
        header = struct.pack(">IIBBBBB", 2, 1, 8, 0, 0, 0, 0)
        pixels = zlib.compress(bytes([0, grey, grey]))
        parts = (hand.chunk(b"IHDR", header), hand.chunk(b"IDAT", pixels), hand.chunk(b"IEND", b""))
        return hand.SIGNATURE + b"".join(parts)

    moving = hand.animate([png(10), png(20), png(30)], [90, 90, 1800], "mark")
    parts = hand.chunks(moving)
    assert hand.marked(moving) == "mark"
    assert struct.unpack(">II", dict(parts)[b"acTL"]) == (3, 0)
    controls = [struct.unpack(">IIIIIHHBB", content) for kind, content in parts if kind == b"fcTL"]
    assert [control[5] for control in controls] == [90, 90, 1800]
    shown = [zlib.decompress(content)[1] for kind, content in parts if kind == b"IDAT"]
    shown += [zlib.decompress(content[4:])[1] for kind, content in parts if kind == b"fdAT"]
    assert shown == [10, 20, 30]
    numbers = [struct.unpack(">I", content[:4])[0] for kind, content in parts if kind in (b"fcTL", b"fdAT")]
    assert numbers == list(range(5))
    with pytest.raises(ValueError, match="one size"):
        hand.animate([png(10), png(10).replace(b"\0\0\0\2\0\0\0\1", b"\0\0\0\1\0\0\0\1")], [1, 1], "")


def test_the_readme_says_what_its_moving_picture_shows():
    readme = (handouts.ROOT / "README.md").read_text(encoding="utf-8")
    words = re.search(r'<img src="docs/pictures/hand.png"[^>]* alt="([^"]+)"', readme)[1]
    still = re.search(r'media="\(prefers-reduced-motion: reduce\)" srcset="([^"]+)"', readme)[1]
    assert handouts.ROOT / still == hand.STILL
    before, after = (hand.frames()[place].arrays for place in (0, -1))
    assert f"from slope {before.slope:.2f} to {after.slope:.2f}" in words
    assert f"its slope of {after.fitted:.2f}" in words and before.fitted == pytest.approx(after.fitted)
    assert f"from {before.read[2]:.1f} to {after.read[2]:.1f}" in words
    assert isinstance(hand.frames()[0], PointsLab)
