"""docs/teaching.toml, read: which keys stand in it where. What is written otherwise is refused, in one sentence with its place and key."""

import re
import tomllib
from functools import cache

from all_labs import all_labs
from series import ROOT, series

FILE = ROOT / "docs" / "teaching.toml"
LETTERS = "ABC"  # of a vote's options
ROW = ((), ("what", "notebook", "minutes", "lab", "beats", "acts", "room"))
PART = (("notebook", "minutes"), ("beats", "acts"))
KEYS = {  # of an entry of each table: those that it must have, and those that it may have beside them
    "half_day": ROW,
    "one_hour": ROW,
    "remote": ROW,
    "full_day": ROW,
    "checkpoint": (("at", "late", "go"), ("parts",)),
    "say": (("notebook", "points"), ()),
    "vote": (("question", "options", "right", "why"), ()),
    "ticket": (("question", "answer"), ()),
    "rescue": (("exercise", "mistake", "help"), ()),
    "misconception": (("hears", "say"), ()),
}
NUMBERS, LISTS = {"minutes", "acts"}, {"beats", "parts", "points", "options"}  # all others are words
KINDS = {int: "a whole number", list: "a list", str: "words in quotes"}


@cache
def teaching():
    """What docs/teaching.toml holds -> dict"""
    try:
        found = tomllib.loads(FILE.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SystemExit(f"docs/{FILE.name} cannot be read: {error}.") from None
    check(found)
    return found


def check(found):
    """SystemExit with one sentence, unless each key of docs/teaching.toml is known and names what there is.    found : dict"""
    for name in [*found, *KEYS]:
        one_of(name, KEYS, "a table")
        if not isinstance(found.get(name), list):
            refuse(f"the table {name!r} must be there, and each of its entries begin with [[{name}]]")
    for name, entries in found.items():
        for number, entry in enumerate(entries, 1):
            where = f"{name} {number}"
            check_keys(entry, where, *KEYS[name])
            if KEYS[name] == ROW:
                check_row(entry, where)
            elif name == "checkpoint":
                check_checkpoint(entry, where, found["half_day"])
            elif name == "say":
                one_of(entry["notebook"], names(), f"{where}, notebook")
            elif name == "vote":
                check_vote(entry, where)


def check_keys(entry, where, must, may):
    """That an entry is a table with the keys that it must have, no others than it may have, and the kind of value that each needs."""
    if not isinstance(entry, dict):
        refuse(f"{where} is {entry!r}: it must be a table of keys and values")
    for key in entry:
        one_of(key, (*must, *may), f"{where}, a key")
    for key in must:
        if key not in entry:
            refuse(f"{where} has no key {key!r}")
    for key, value in entry.items():
        kind = int if key in NUMBERS else list if key in LISTS else str
        if not isinstance(value, kind) or isinstance(value, bool):
            refuse(f"{where}, {key} is {value!r}: it must be {KINDS[kind]}")
        if key in LISTS - {"parts"} and not all(isinstance(one, str) for one in value):
            refuse(f"{where}, {key} is {value!r}: it must be a list of words in quotes")


def check_row(row, where):
    """That a row of a plan says what it is about and how long, and that its lab has its beats."""
    if ("what" in row) == ("notebook" in row):
        refuse(f"{where} must have one of the keys 'what' and 'notebook'")
    if "notebook" in row:
        one_of(row["notebook"], names(), f"{where}, notebook")
    elif "minutes" not in row:
        refuse(f"{where} has no key 'minutes'")
    if ("lab" in row) != ("beats" in row):
        refuse(f"{where} must have both keys 'lab' and 'beats', or none of them")
    if "lab" in row:
        kinds = {kind.__name__: kind for kind in all_labs().values()}
        one_of(row["lab"], kinds, f"{where}, lab")
        check_beats(row, where, [beat.name for beat in kinds[row["lab"]].BEATS])


def check_checkpoint(checkpoint, where, plan):
    """That a checkpoint's time is one, and that its parts are parts of the plan."""
    if not re.fullmatch(r"\d+:[0-5]\d", checkpoint["at"]):
        refuse(f"{where}, at is {checkpoint['at']!r}: it must be hours and minutes, such as '0:50'")
    planned = {row["notebook"]: row for row in plan if "notebook" in row}
    for number, part in enumerate(checkpoint.get("parts", ()), 1):
        here = f"{where}, part {number}"
        check_keys(part, here, *PART)
        one_of(part["notebook"], planned, f"{here}, notebook")
        check_beats(part, here, planned[part["notebook"]].get("beats", ()))


def check_beats(entry, where, there):
    """That the beats of an entry are among those that there are."""
    for beat in entry.get("beats", ()):
        one_of(beat, there, f"{where}, beats")


def check_vote(vote, where):
    """That a vote has as many options as letters, and that the right one is among them."""
    if len(vote["options"]) != len(LETTERS):
        refuse(f"{where}, options has {len(vote['options'])} of them: there must be {len(LETTERS)}")
    one_of(vote["right"], vote["options"], f"{where}, right")


def names():
    """The notebooks of the series, by name."""
    return [notebook["name"] for notebook in series()]


def one_of(name, there, where):
    """SystemExit, unless a name is one of those that there are."""
    if name not in there:
        refuse(f"{where} is {name!r}: it must be one of {', '.join(there)}")


def filled(text, numbers, where):
    """A text with its names in braces replaced.

    Parameters
    ----------
    text : str
    numbers : dict
        What each name stands for.
    where : str
        Where the text stands in the file, for the sentence on a name that stands for nothing.
    """
    try:
        return text.format(**numbers)
    except KeyError as error:
        refuse(f"{where} has {{{error.args[0]}}}: nothing of this name is computed")
    except (ValueError, IndexError) as error:
        refuse(f"{where} has braces that cannot be read ({error})")


def refuse(fault):
    """SystemExit with a fault of the file, in one sentence."""
    raise SystemExit(f"docs/{FILE.name}: {fault}.")
