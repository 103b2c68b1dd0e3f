"""The minutes that a notebook states are those that its text, its acts and the beats of its labs take."""

import nbformat
import pytest
from build_notebooks import build, texts
from minutes import BEAT, Minutes, beats_of, count_words, minutes_of
from series import series
from symbols import strip_of

from lt_helpers.labs import NoiseLab

STATED = {notebook["name"]: notebook["minutes"] for notebook in series()}


@pytest.mark.parametrize("text", [text for text in texts() if strip_of(text)], ids=lambda text: text.stem)
def test_stated_minutes_are_honest(text):
    counted = minutes_of(build(text))
    assert counted.fits(STATED[text.stem]), f"{text.stem} takes {counted.stated} minutes: {counted}"


@pytest.mark.parametrize(
    "text, words",
    [
        ("Slide the noise up.", 4),
        ("GD++ doesn't read it: 0.25 at (once).", 7),
        ("The [map](01_linear_attention.ipynb) of $x \\leftarrow x + 1$, **twice**", 8),
        ("Then $$w = 1$$ holds", 22),
        ("A<details><summary>Hint</summary>\n\nten more words</details> B", 2),
        ("![a picture in words](../docs/pictures/noise-lab.png)", 0),
        ("Last.\n\n## References\n- Somebody: *A paper*.", 1),
        ("```sh\nmake lab\n```", 0),
        ("x <!-- series --> y", 2),
    ],
)
def test_what_is_read_is_counted(text, words):
    assert count_words(text) == words


@pytest.mark.parametrize(
    "source, count",
    [
        ("NoiseLab(sigma=2.0)", 5),
        ("lab = NoiseLab()\nlab", 5),
        ("lab = 3\nlab", 0),
        ("%pip list\nNoiseLab()", 5),
        ("lab = NoiseLab()", 0),
        ("NoiseLab(beat='steps')", 2),
        ("NoiseLab(beat=None)", 0),
        ("NoiseLab(panels=['kept'])", 0),
        ("print(NoiseLab())", 0),
        ("", 0),
    ],
)
def test_beats_that_a_cell_leads_through(source, count):
    assert len(NoiseLab.BEATS) == 5
    assert len(beats_of(source)) == count


def test_a_notebook_is_the_sum_of_its_parts():
    markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    exercise = [code("...", metadata={"tags": ["exercise"]}) for _ in range(3)]
    folded = code("x = 1\ny = 2", metadata={"jupyter": {"source_hidden": True}})
    check = code("check(x)", metadata={"tags": ["check"]})
    read = [
        code("x = 1\n\ny = 2\n" * 14),
        code("NoiseLab()"),
        code("NoiseLab(sigma=1.0)"),
    ]  # 30 lines, of 5 words each
    cells = [markdown("word " * 150), *read, folded, check, *exercise]
    assert minutes_of(nbformat.v4.new_notebook(cells=cells)) == Minutes(reading=2, beats=5 * BEAT, acts=12)


@pytest.mark.parametrize(
    "total, stated, fits",
    [
        (20, 20, True),
        (20, 25, True),
        (20, 30, False),
        (41, 30, False),
        (41, 32, False),
        (6, 5, True),
        (2, 5, False),
    ],
)
def test_stated_minutes_lie_within_a_quarter(total, stated, fits):
    assert Minutes(total, 0, 0).fits(stated) == fits
