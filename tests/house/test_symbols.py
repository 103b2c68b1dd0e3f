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


@with_strip
def test_each_symbol_of_the_strip_is_used(text):
    words = "\n".join(cell.source for cell in build(text).cells if not cell.source.startswith(OPENING))
    for symbol in strip_of(text):
        for letter in symbol.split(", "):
            assert letter in words, f"{text.stem} never uses ${letter}$"


def test_every_symbol_has_one_row():
    rows = re.findall(r"(?m)^\| \$([^$|]+)\$ \|", GLOSSARY)
    assert len(rows) == len(set(rows)) == len(symbols()) > 20


def test_every_notebook_opens_with_a_strip():
    assert all(strip_of(text) for text in texts())
