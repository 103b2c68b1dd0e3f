"""How long a notebook takes, counted from its text: `python tools/minutes.py [07 ...]` prints it beside what the series states.

Reading counts 150 words a minute, a beat of a lab two minutes, an act three, and a notebook's last act, a real exercise, six. A formula
counts for several words, and so does a line of code that is not folded. Not counted is what nobody has to read: what code prints, what is
folded away, the words of a picture, and the references.
"""

import ast
import re
import sys
from dataclasses import dataclass

from all_labs import lab_call
from build_notebooks import build, texts
from series import series

WORDS_A_MINUTE = 150
BEAT, ACT, LAST_ACT = 2, 3, 6  # minutes
DISPLAYED, INLINE, CODE = (
    20,
    4,
    5,
)  # words that a displayed formula counts for, one within a line, and a line of code
STEP = 5  # stated minutes are multiples of it
NEAR = 0.25  # how far they may be from what is counted, as a share of it

SKIPPED = (
    r"(?s)<details>.*?</details>",
    r"(?s)<!--.*?-->",
    r"(?s)^## References\n.*",
    r"(?s)```.*?```",
    r"!\[[^\]]*\]\([^)]*\)",
)


@dataclass(frozen=True)
class Minutes:
    """What a notebook takes, in minutes."""

    reading: float
    beats: float
    acts: float

    @property
    def total(self):
        return self.reading + self.beats + self.acts

    @property
    def stated(self):
        """The total as it is to be stated, to the nearest multiple of STEP."""
        return max(STEP, STEP * round(self.total / STEP))

    def fits(self, stated):
        """Is a stated number of minutes honest?"""
        return stated % STEP == 0 and abs(stated - self.total) <= max(NEAR * self.total, STEP / 2)


def minutes_of(notebook):
    """Count a notebook's minutes.

    Parameters
    ----------
    notebook : nbformat.NotebookNode

    Returns
    -------
    Minutes
    """
    words = sum(count_words(cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    words += CODE * sum(map(count_lines, code))
    beats = set().union(*(beats_of(cell.source) for cell in code))
    acts = sum("exercise" in cell.metadata.get("tags", []) for cell in code)
    return Minutes(
        reading=words / WORDS_A_MINUTE,
        beats=BEAT * len(beats),
        acts=ACT * (acts - 1) + LAST_ACT if acts else 0,
    )


def count_words(text):
    """The words of a cell that a reader reads."""
    for skipped in SKIPPED:
        text = re.sub(skipped, " ", text, flags=re.MULTILINE)
    text, displayed = re.subn(r"(?s)\$\$.*?\$\$", " ", text)
    text, inline = re.subn(r"\$[^$]*\$", " ", text)
    text = re.sub(r"\]\([^)]*\)", " ", text)  # where a link leads
    return DISPLAYED * displayed + INLINE * inline + len(re.findall(r"[^\W_]+(?:[-'’.][^\W_]+)*", text))


def count_lines(cell):
    """The lines of a cell of code that a reader reads: it is not folded, and no act, which counts by itself."""
    if cell.metadata.get("jupyter", {}).get("source_hidden") or {"exercise", "check"} & set(
        cell.metadata.get("tags", [])
    ):
        return 0
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def beats_of(source):
    """The beats through which the lab leads that a cell of code shows -> set of (lab, beat)"""
    shown = lab_call(source)
    if shown is None:
        return set()
    kind, call = shown
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    names = [beat.name for beat in kind.BEATS]
    if "beat" in given:
        at = ast.literal_eval(given["beat"])
        names = names[names.index(at) :] if at in names else []
    elif "panels" in given:
        names = []
    return {(kind.__name__, name) for name in names}


def main(prefixes):
    """Print what the notebooks take whose names start with one of the prefixes, or all."""
    stated = {notebook["name"]: notebook["minutes"] for notebook in series()}
    for text in texts():
        if not prefixes or text.stem.startswith(tuple(prefixes)):
            counted = minutes_of(build(text))
            parts = f"reading {counted.reading:3.0f}, beats {counted.beats:3d}, acts {counted.acts:3d}"
            print(f"{text.stem:40} {parts}: {counted.stated:4d} (stated: {stated[text.stem]})")


if __name__ == "__main__":
    main(sys.argv[1:])
