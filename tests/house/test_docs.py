"""The code of pages for engineers runs as it stands, from the top of the page to its end, and does what the words around it say; the API
page has every public name."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from site_api import names_tables

import lt_helpers as lt
from lt_helpers import labs

DOCS = Path(__file__).parents[2] / "docs"


def run(page, folder, monkeypatch):
    """Run all Python of a page in a folder of its own -> what it has named"""
    monkeypatch.chdir(folder)
    blocks = re.findall(r"(?s)```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"))
    assert blocks
    names = {}
    for block in blocks:
        exec(block, names)
    return names


@pytest.mark.slow
@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")  # other tests leave sockets to be collected
def test_a_pilot_on_a_table_of_ones_own(tmp_path, monkeypatch, capsys):
    names = run("pilot.md", tmp_path, monkeypatch)
    printed = capsys.readouterr().out
    result, page = names["result"], (DOCS / "pilot.md").read_text(encoding="utf-8")
    assert result.verdict in printed and result.verdict.startswith("Use ")
    rows = set(re.findall(r"(?m)^\| ([^|]+?) \|", page)) - {"the name"}
    assert rows == set(result.errors) - set(names["models"])
    assert len(names["table"].x) == len(names["x_all"]) and names["table"].report() in printed
    assert names["table"].left_out == () and names["from_file"].verdict in printed
    assert len(names["answers"]) == len(names["x_held"][0]) and (tmp_path / "shipped.safetensors").is_file()
    assert set(re.findall(r"`(\w+)`", page.split("Watch four numbers")[1])) == set(
        names["regressor"].watch(names["x"], names["y"])
    )


def test_the_api_page_says_a_line_of_every_public_name_and_leads_to_the_rest():
    rows = re.findall(r"\| \{py:(obj|mod)\}`(\w+) <([^>]+)>` \| (.+) \|", names_tables())
    assert {name for _, name, _, _ in rows} >= {*lt.__all__, *labs.__all__, "ada_rr", "bayes", "for_task"}
    for _, name, place, line in rows:
        module, _, member = place.rpartition(".")
        assert member == name and hasattr(import_module(module), name), place
        assert len(line) > 7 and line.endswith("."), name
