"""What the project says, apart from the code that says it: messages with an id and values, and a catalogue of sentences a language.

    Message("noise.shrinks", sigma=4.0, share=0.63)      # what code says
    noise.shrinks = "With σ = {sigma:.1f} the model keeps {share:.0%} ..."      # en.toml says how
    catalogue("en").say(Message(...))                    # what a reader sees

A language is one file beside this one. Where the number of things decides the words, an entry has the forms `one` and `other`, chosen by
the value `count`. A value may itself be a message, or a list of messages, which is joined by commas (`{names:and}`: with a last "and").
"""

import os
import string
import tomllib
from functools import cache
from importlib.resources import files

FOLDER = files(__name__)
DEFAULT = "en"


class Message:
    """Something to say.

    Parameters
    ----------
    id : str.  The entry of the catalogue, such as "noise.shrinks".
    **values : numbers, strings, messages, or lists of these, by the names that the entry uses.
    """

    def __init__(self, id, /, **values):
        self.id, self.values = id, values

    def __repr__(self):
        return f"Message({', '.join([repr(self.id), *(f'{name}={value!r}' for name, value in self.values.items())])})"

    def __eq__(self, other):
        return isinstance(other, Message) and (self.id, self.values) == (other.id, other.values)

    def __hash__(self):
        return hash(self.id)


class Catalogue(string.Formatter):
    """All entries of a language.

    Attributes
    ----------
    language : str.  Its code, such as "en".
    entries : dict.  Id -> sentence, or the sentences by form, {"one": .., "other": ..}.
    """

    def __init__(self, language, entries):
        self.language, self.entries = language, entries

    def extended(self, entries):
        """This catalogue with more entries -> Catalogue"""
        return Catalogue(self.language, self.entries | entries) if entries else self

    def say(self, message):
        """A message, or several in a row, in this language -> str. A string is said as it is."""
        if isinstance(message, (list, tuple)):
            return self.entries["language.space"].join(self.say(part) for part in message)
        if not isinstance(message, Message):
            return str(message)
        entry = self.entries[message.id]
        if isinstance(entry, dict):
            entry = entry.get("one" if message.values["count"] == 1 else "other", entry["other"])
        return self.vformat(entry, (), message.values)

    def format_field(self, value, spec):
        if isinstance(value, Message):
            return self.say(value)
        if isinstance(value, (list, tuple)):
            return self.join([self.say(part) for part in value], spec)
        return super().format_field(value, spec)

    def join(self, parts, last=""):
        """Parts of a sentence as a list. `last` "and": with a word before the last one."""
        if last and len(parts) > 1:
            return self.entries[f"language.{last}"].format(first=self.join(parts[:-1]), last=parts[-1])
        return self.entries["language.comma"].join(parts)

    def find(self, scope, kind, name):
        """The id of what is called `name` in a lab: its own entry, "scope.kind.name", or else the one that all labs share, "kind.name"."""
        own, shared = f"{scope}.{kind}.{name}", f"{kind}.{name}"
        if own in self.entries:
            return own
        if shared in self.entries:
            return shared
        raise KeyError(f"no entry {own!r} or {shared!r} in the catalogue {self.language!r}.")


def flatten(tree, path=()):
    """{"noise": {"shrinks": ".."}} -> {"noise.shrinks": ".."}. A table with the form `other` is one entry."""
    entries = {}
    for key, value in tree.items():
        if isinstance(value, dict) and "other" not in value:
            entries |= flatten(value, (*path, key))
        else:
            entries[".".join((*path, key))] = value
    return entries


def languages():
    """The languages that there are -> list of codes."""
    return sorted(file.name.removesuffix(".toml") for file in FOLDER.iterdir() if file.name.endswith(".toml"))


def read_entries(language):
    """What the file of a language holds -> {id: entry}"""
    return flatten(tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8")))


@cache
def read(language):
    """The catalogue of a language. What it does not have yet, it says in the first one."""
    entries = {} if language == DEFAULT else read_entries(DEFAULT)
    return Catalogue(language, entries | read_entries(language))


def catalogue(language=None):
    """The catalogue of a language.

    Parameters
    ----------
    language : str, optional.  "en", ...; by default what the environment variable LT_LANGUAGE names, else English.

    Raises
    ------
    ValueError : there is no such language.
    """
    asked = language or os.environ.get("LT_LANGUAGE") or DEFAULT
    if asked not in languages():
        where = "LT_LANGUAGE" if language is None else "language"
        raise ValueError(f"{where} is {asked!r}: {where} must be one of {', '.join(languages())}.")
    return read(asked)


class Refusal(Exception):
    """An error whose text is a message: whoever shows it says it in the reader's language, and str() in `language`, or English."""

    def __init__(self, message, language=None):
        super().__init__(message)
        self.message, self.language = message, language

    def __str__(self):
        return read(self.language or DEFAULT).say(self.message)

    def said_in(self, language):
        """The same error in another language."""
        return type(self)(self.message, language)


class RefusedValue(Refusal, ValueError):
    """A value that is not allowed."""


class RefusedType(Refusal, TypeError):
    """Something of a kind that is not allowed."""


class RefusedAction(Refusal, RuntimeError):
    """Something that cannot be done here."""
