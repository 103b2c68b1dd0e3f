"""The symbols of the series: the glossary's table of them, and the strip with which a notebook opens."""

import re
from pathlib import Path

import jupytext

GLOSSARY = (Path(__file__).parents[1] / "docs" / "glossary.md").read_text(encoding="utf-8")
OPENING = "**Symbols:**"
ENTRY = re.compile(r"\$([^$]+)\$ (.+)", re.DOTALL)


def symbols():
    """The glossary's symbols -> {symbol: (meaning, number of the notebook that explains it)}"""
    section = GLOSSARY.split("## Symbols")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in section.splitlines()]
    return {row[0].strip("$"): (row[2], row[3]) for row in rows if len(row) == 4 and row[0].startswith("$")}


def strip_of(text):
    """The symbols with which a notebook opens -> {symbol: meaning}, empty where it has no strip"""
    cells = [
        cell.source for cell in jupytext.read(text, fmt="py:percent").cells if cell.cell_type == "markdown"
    ]
    strips = [cell for cell in cells[1:] if cell.startswith(OPENING)]
    if not strips:
        return {}
    words = " ".join(strips[0].removeprefix(OPENING).split("\n\n")[0].split())
    entries = [ENTRY.fullmatch(entry.strip()) for entry in words.rstrip(".").split(";")]
    assert all(entries), f"{text.name}: an entry of the strip is `$symbol$ words`, and a semicolon ends it"
    return {entry[1]: entry[2] for entry in entries}
