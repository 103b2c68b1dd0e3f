"""Messages and catalogues: what is said exists, what exists is said, and no sentence is left in a lab."""

import ast
import re
from pathlib import Path

import pytest

from lt_helpers.labs import NoiseLab
from lt_helpers.language import Catalogue, Message, RefusedValue, catalogue, flatten, languages, read_entries

PACKAGE = Path(__file__).parents[2] / "lt_helpers"
SPEAKING = [PACKAGE / "labs", PACKAGE / "exercises", PACKAGE / "doctor.py"]
# Kinds of entries that are looked up by a name.
FOUND_BY_NAME = {
    "panel",
    "axis",
    "mark",
    "hover",
    "control",
    "button",
    "tick",
    "choice",
    "mismatch",
    "story",
    "handle",
}


def sources():
    for place in SPEAKING:
        yield from sorted(place.rglob("*.py")) if place.is_dir() else [place]


def constants(path):
    """The strings of a module that are no docstrings -> list of (line, text)"""
    tree = ast.parse(path.read_text())
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    nodes = (
        node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return [(node.lineno, node.value) for node in nodes if id(node) not in docs]


def keywords(path):
    """The names of arguments with which a module calls: controls are declared so -> set"""
    return {node.arg for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.keyword)}


def messages(path):
    """The ids with which a module makes messages -> set"""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    made = [call for call in calls if getattr(call.func, "id", getattr(call.func, "attr", "")) == "Message"]
    return {call.args[0].value for call in made if isinstance(call.args[0], ast.Constant)}


def test_every_message_has_an_entry():
    entries = catalogue("en").entries
    for path in PACKAGE.rglob("*.py"):
        missing = [id for id in messages(path) if id not in entries]
        assert not missing, f"{path.name} says {missing}, which no entry of en.toml does"


def test_every_entry_is_said_by_somebody():
    texts = {text for path in PACKAGE.rglob("*.py") for _, text in constants(path)}
    texts |= {name for path in (PACKAGE / "labs").glob("*.py") for name in keywords(path)}
    unused = []
    for id in catalogue("en").entries:
        parts = id.split(".")
        by_name = len(parts) > 1 and parts[-2] in FOUND_BY_NAME
        names = {parts[-1], parts[-1].removesuffix("_tip"), parts[-1].rstrip("0123456789")}
        by_name |= parts[0] in {"doctor", "exercises"} or (
            len(parts) == 4 and parts[1] == "beat"
        )  # held by test_beats
        if not (id in texts or (by_name and (names & texts or "beat" in parts)) or parts[0] == "language"):
            unused.append(id)
    assert not unused


def test_no_sentence_is_left_in_a_lab():
    """Three words in a row that are no id and no formula: they belong into the catalogue."""
    left = []
    for path in sources():
        for line, text in constants(path):
            if re.search(r"[A-Za-z]{2,}[,:;]? [a-z]{2,}[,:;]? [a-z]{2,}", text):
                left.append(f"{path.name}:{line}: {text!r}")
    assert not left, "\n".join(left)


def test_every_sentence_calls_evidence_ridge_by_its_name():
    """As the glossary and the tables do; a legend or a tick may shorten it."""
    named = 0
    for id, entry in catalogue("en").entries.items():
        for sentence in entry.values() if isinstance(entry, dict) else [entry]:
            words = re.sub(r"\{.*?\}", "", sentence)
            if " " not in words:
                continue
            assert "evidence" not in words.lower().replace("evidence ridge", ""), id
            named += "evidence ridge" in words.lower()
    assert named


def test_plurals_follow_the_count():
    said = Catalogue("en", flatten({"a": {"layers": {"one": "{count} layer", "other": "{count} layers"}}}))
    assert [said.say(Message("a.layers", count=count)) for count in (0, 1, 2)] == [
        "0 layers",
        "1 layer",
        "2 layers",
    ]


def test_a_value_may_be_a_message_or_a_list_of_them():
    entries = {"a.all": "All: {parts}.", "a.both": "{parts:and}", "a.part": "<{name}>"}
    said = catalogue("en").extended(entries)
    parts = [Message("a.part", name=name) for name in "xyz"]
    assert said.say(Message("a.all", parts=parts)) == "All: <x>, <y>, <z>."
    assert said.say(Message("a.both", parts=parts)) == "<x>, <y> and <z>"
    assert said.say(Message("a.both", parts=parts[:1])) == "<x>"
    assert said.say([Message("a.part", name="x"), "as it is"]) == "<x> as it is"


def test_a_labs_own_entry_goes_before_the_one_that_all_share():
    english = catalogue("en")
    assert english.find("noise", "panel", "kept") == "noise.panel.kept"
    assert english.find("noise", "mark", "truth") == "mark.truth"
    with pytest.raises(KeyError, match=r"no entry 'noise.mark.pony' or 'mark.pony'"):
        english.find("noise", "mark", "pony")


def test_the_language_is_that_of_the_environment_or_of_the_lab(monkeypatch):
    assert catalogue().language == "en" and languages() == ["en"]
    monkeypatch.setenv("LT_LANGUAGE", "xx")
    with pytest.raises(ValueError, match="LT_LANGUAGE is 'xx': LT_LANGUAGE must be one of en"):
        catalogue()
    with pytest.raises(ValueError, match="language is 'yy': language must be one of en"):
        NoiseLab(language="yy")
    assert NoiseLab(language="en").language == "en"


@pytest.fixture
def another_language(tmp_path, monkeypatch):
    """A second language in one more file: the first one's, in capitals."""
    import lt_helpers.language as language

    text = (PACKAGE / "language" / "en.toml").read_text()
    loud = re.sub(
        r'(refused|range|level|kept) = "([^"]*)"', lambda found: f'{found[1]} = "¡{found[2]}!"', text
    )
    (tmp_path / "en.toml").write_text(text)
    (tmp_path / "xx.toml").write_text(loud)
    monkeypatch.setattr(language, "FOLDER", tmp_path)
    language.read.cache_clear()
    yield
    language.read.cache_clear()


def test_one_more_file_is_one_more_language(another_language):
    """Titles, sentences and refusals of a lab are in its language; another lab beside it keeps its own."""
    lab, english = NoiseLab(language="xx"), NoiseLab()
    assert languages() == ["en", "xx"]
    assert "<b>¡Share kept of each direction!</b>" in lab.drawing["layout"]["annotations"][1]["text"]
    assert lab.words_now.startswith("¡σ = 1.0") and english.words_now.startswith("σ = 1.0")
    with pytest.raises(ValueError, match="^¡sigma is 99: sigma must be from 0 to 8.!$"):
        NoiseLab(language="xx", sigma=99)
    with pytest.raises(RefusedValue, match="^sigma is 99: sigma must be from 0 to 8.$"):
        NoiseLab(sigma=99)


def test_what_a_language_does_not_say_yet_is_said_in_the_first(another_language):
    import lt_helpers.language as language

    short = language.FOLDER / "xx.toml"
    short.write_text('[noise.panel]\nkept = "¡kept!"\n')
    language.read.cache_clear()
    titles = [note["text"] for note in NoiseLab(language="xx").drawing["layout"]["annotations"]]
    assert "¡kept!" in titles[1] and "P and Q are frozen" in titles[0]


def test_each_language_has_the_entries_of_the_first():
    first = read_entries("en")
    fields = re.compile(r"{(\w+)")
    for language in languages():
        entries = read_entries(language)
        assert set(entries) == set(first), language
        for id, entry in entries.items():
            names = [set(fields.findall(str(one))) for one in (entry, first[id])]
            assert names[0] == names[1], f"{language}: {id} does not say the same values"
