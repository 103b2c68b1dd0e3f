"""One symbol, one meaning: the strip with which a notebook opens says what the glossary's table says."""

import re

import pytest
from build_notebooks import build, texts
from symbols import GLOSSARY, OPENING, strip_of, symbols

MOST_NEW = 6

with_strip = pytest.mark.parametrize(
    "text", [text for text in texts() if strip_of(text)], ids=lambda text: text.stem
)


@with_strip
def test_the_strip_says_what_the_glossary_says(text):
    known = symbols()
    for symbol, words in strip_of(text).items():
        assert symbol in known, f"docs/glossary.md has no ${symbol}$ among its symbols"
        assert words == known[symbol][0], f"${symbol}$ in {text.stem}"


@with_strip
def test_a_notebook_opens_with_the_symbols_that_it_explains_and_they_are_few(text):
    new = {symbol for symbol, (_, number) in symbols().items() if number == text.stem[:2]}
    assert new <= set(strip_of(text)) and len(new) <= MOST_NEW


@with_strip
def test_no_symbol_is_used_before_the_notebook_that_explains_it(text):
    assert all(symbols()[symbol][1] <= text.stem[:2] for symbol in strip_of(text))


def formulas(words):
    """What stands between dollars -> list of str"""
    return [displayed or inline for displayed, inline in re.findall(r"\$\$([^$]+)\$\$|\$([^$]+)\$", words)]


def is_used(symbol, words):
    """Does a formula hold one of the letters of an entry as a letter of its own? A family such as M, u, a is shown whole."""
    alone = [rf"(?<![A-Za-z\\]){re.escape(letter)}(?![A-Za-z])" for letter in symbol.split(", ")]
    return any(re.search(letter, formula) for letter in alone for formula in formulas(words))


@with_strip
def test_each_symbol_of_the_strip_is_used(text):
    words = "\n".join(
        cell.source
        for cell in build(text).cells
        if cell.cell_type == "markdown" and not cell.source.startswith(OPENING)
    )
    assert [symbol for symbol in strip_of(text) if not is_used(symbol, words)] == []


@pytest.mark.parametrize(
    "symbol, words, used",
    [
        ("w", "with $w$ as well", True),
        ("w", "$$y = w^T x$$", True),
        ("w", "with $x$, and what is drawn", False),
        ("\\eta", "$w + \\eta g$", True),
        ("\\eta", "$\\beta + \\theta$, eta", False),
        ("a", "a step, a layer, $\\alpha$ and $\\max$", False),
        ("M, u, a", "$M x$", True),
        ("d", "$n/d$", True),
        ("d", "$\\bar{y}$, and d", False),
    ],
)
def test_a_symbol_is_used_where_a_formula_has_it_as_a_letter_of_its_own(symbol, words, used):
    assert is_used(symbol, words) == used


def test_every_symbol_has_one_row():
    rows = re.findall(r"(?m)^\| \$([^$|]+)\$ \|", GLOSSARY)
    assert len(rows) == len(set(rows)) == len(symbols()) > 20


def test_every_notebook_opens_with_a_strip():
    assert all(strip_of(text) for text in texts())
