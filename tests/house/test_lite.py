"""What JupyterLite is built from, without building it: the same widgets on both sides, an environment of its own, words on failure."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import build_lite
import nbformat
import pytest
from distribution import locked
from lite_page import apart, compare, printed
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LITE = ROOT / "lite"
STUBS = {"piplite", "ipykernel", "pyodide-kernel", "widgetsnbextension"}  # of the kernel's own
OWN = {"lt-helpers"}


def lines(name):
    """The lines of a file of requirements, without comments."""
    return [line for line in (LITE / name).read_text().splitlines() if not line.startswith("#")]


def versions(name):
    """A file of pinned versions -> {name: version}, for this machine"""
    pinned = [Requirement(line.partition(" --hash")[0]) for line in lines(name)]
    there = [one for one in pinned if one.marker is None or one.marker.evaluate()]
    return {canonicalize_name(one.name): next(iter(one.specifier)).version for one in there}


def test_the_page_and_the_front_end_have_the_same_widgets():
    page, built = versions("page.txt"), versions("constraints.txt")
    assert {"ipywidgets", "anywidget"} <= set(page)
    assert {name: built[name] for name in page} == page


def test_the_lock_has_what_is_wanted():
    built = versions("constraints.txt")
    wanted = [Requirement(line) for line in lines("requirements.txt")]
    assert len(wanted) >= 5
    for one in wanted:
        assert one.specifier.contains(built[canonicalize_name(one.name)]), f"{one}: make lock"


def test_a_wheel_of_the_page_is_one_very_file():
    assert all(re.fullmatch(r"[\w-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}", line) for line in lines("page.txt"))


def test_every_package_that_the_kernel_starts_with_is_brought():
    settings = json.loads((LITE / "jupyter-lite.json").read_text())["jupyter-config-data"]
    kernel = settings["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"]
    wanted = {canonicalize_name(name) for name in kernel["loadPyodideOptions"]["packages"]}
    brought = set(locked()["index"]["packages"]) | set(versions("page.txt")) | STUBS | OWN
    assert OWN.issubset(wanted) and wanted <= brought
    assert kernel["disablePyPIFallback"]  # nothing is asked of another host


def test_without_pyodide_the_site_is_built_and_one_sentence_says_what_is_left_out():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "build_lite.py"],
        env={**os.environ, "PYODIDE": "/nowhere/at/all"},
        capture_output=True,
        text=True,
    )
    said = "JupyterLite is left out of the site: PYODIDE names /nowhere/at/all, where there is no folder.\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


def test_without_a_registry_too(monkeypatch, capsys):
    failed = subprocess.CompletedProcess([], 1, stdout="")
    monkeypatch.setattr(build_lite, "find", lambda lock: None)
    monkeypatch.setattr(build_lite.subprocess, "run", lambda *command, **options: failed)
    build_lite.main()
    said = "its environment, .venv-lite, could not be made (the words are above)."
    assert capsys.readouterr().out == f"JupyterLite is left out of the site: {said}\n"


def test_the_environment_is_made_from_lite_alone_and_anew_when_that_changes(tmp_path):
    """A Python and a uv that only note how they are called."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "setup", tmp_path / "tools")
    shutil.copytree(LITE, tmp_path / "lite")
    for name in ("python", "uv"):
        program = tmp_path / ".venv-lite" / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text('#!/bin/sh\necho "$@" >>"$(dirname "$0")/calls"\n')
        program.chmod(0o755)

    def set_up():
        setup = [tmp_path / "tools" / "setup", "lite", ".venv-lite"]
        subprocess.run(setup, check=True, capture_output=True, env={**os.environ, "LOCK": "no"})
        calls = (tmp_path / ".venv-lite" / "bin" / "calls").read_text().splitlines()
        return [call for call in calls if "--requirement" in call]

    first = set_up()
    assert len(first) == 1
    assert first[0].endswith("--constraint lite/constraints.txt --requirement lite/requirements.txt")
    assert set_up() == first
    with (tmp_path / "lite" / "requirements.txt").open("a") as wanted:
        wanted.write("more\n")
    assert len(set_up()) == 2


@pytest.mark.parametrize(
    "here, there, how",
    [
        ("w = 1.23\nn 20\n", "w = 1.23\nn 20\n", "equal"),
        ("w = 1.23", "w = 1.24", "last digit"),
        ("w = 1.23", "w = 1.25", "other"),
        ("w = 1.23", "w = 1.2", "other"),
        ("w = -0.01", "w = 0.00", "last digit"),
        ("w = \N{MINUS SIGN}0.01", "w = 0.01", "other"),
        ("3 of 20 rows", "4 of 20 rows", "other"),
        ("loss 1.2e-05", "loss 1.3e-05", "other"),
        ("[ 1.0  10.0]", "[ 1.0   9.9]", "last digit"),
        ("found: yes", "found: no", "other"),
        ("1.23 and 4.56", "1.23", "other"),
        ("x", "", "other"),
    ],
)
def test_what_counts_as_the_same_number(here, there, how):
    assert compare(here, there) == how


@pytest.mark.parametrize(
    "here, there, units",
    [
        ("w = 1.23", "w = 1.23", 0),
        ("w = 1.23, 4.5", "w = 1.25, 4.6", 2),
        ("w = 1.23", "w = 1.2", 0),
        ("w = \N{MINUS SIGN}0.01", "w = 0.01", 2),
        ("3 of 20 rows", "7 of 20 rows", 4),
        ("loss 1.2e-05", "loss 1.5e-05", 3),
        ("found: yes", "found: no", None),
    ],
)
def test_by_how_much_two_texts_differ(here, there, units):
    assert apart(here, there) == units


def test_what_a_notebook_printed():
    """All of a cell that prints; of one that differs from run to run, an error alone."""
    new = nbformat.v4
    lines = [new.new_output("stream", text="a 1\n"), new.new_output("stream", text="b 2\n")]
    error = new.new_output("error", ename="ValueError", evalue="no")
    ignored = {"tags": ["nbval-ignore-output"]}
    notebook = new.new_notebook(
        cells=[
            new.new_markdown_cell("# Words"),
            new.new_code_cell("", outputs=lines),
            new.new_code_cell("", outputs=lines, metadata=ignored),
            new.new_code_cell("", outputs=[lines[0], error], metadata=ignored),
        ]
    )
    assert printed(notebook) == [(1, "a 1\nb 2\n"), (2, ""), (3, "a 1\nValueError: no")]
