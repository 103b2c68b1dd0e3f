"""How the code is laid out: which room may know which, and what is nowhere."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "lt_helpers"
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks" / ".text").glob("*.py"))

# A room imports only from rooms before it.
ROOMS = [
    *("language", "quiet", "checks", "weights", "noise", "options", "task", "lengths", "spectrum", "model"),
    *("algorithm", "implicit", "pretrained", "baselines", "evaluate", "tune", "table1", "gauge", "lowrank"),
    *("softmax", "practice", "preparation", "trial", "regressor", "table_of_tasks"),
    *("training", "view", "labs", "exercises", "machine", "doctor", "__main__"),
]
MAY_IMPORT = {
    "torch": {"training"},
    "filelock": {"training"},
    "joblib": {"training"},
    "tqdm": {"training"},
    "plotly": {"labs"},
    "anywidget": {"view"},
    "ipywidgets": {"view", "labs"},
    "sklearn": set(),
}


def room(path):
    """The room that a module belongs to: its file, or its folder, directly in the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    """All that a module imports, anywhere in it -> dictionary of names in the module and what they stand for, as absolute dotted names."""
    package = path.parent.relative_to(ROOT).parts
    names = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            names |= {alias.asname or alias.name: f"{base}.{alias.name}" for alias in node.names}
    return names


def uses(path):
    """What a module takes from others by name -> set of dotted names, such as lt_helpers.figures.line."""
    names = imports(path)
    attributes = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute))
    pairs = {(getattr(node.value, "id", None), node.attr) for node in attributes}
    return set(names.values()) | {f"{names[owner]}.{name}" for owner, name in pairs if owner in names}


@functools.cache
def used_elsewhere():
    """What is taken from one module of the package by another, or by a notebook."""
    return set().union(*map(uses, [*MODULES, *NOTEBOOKS]))


def definitions(path):
    """Functions and classes at the top of a module."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node for node in ast.parse(path.read_text()).body if isinstance(node, kinds)]


def named(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(ROOT)))


@named([path for path in MODULES if path != PACKAGE / "__init__.py"])
def test_imports_go_one_way(path):
    assert room(path) in ROOMS, f"put the new room {room(path)!r} into ROOMS, where it belongs in the order"
    for name in imports(path).values():
        top, *rest = name.split(".")
        if top == "lt_helpers" and rest and rest[0] in ROOMS and rest[0] != room(path):
            assert ROOMS.index(rest[0]) < ROOMS.index(room(path)), (
                f"{path.name} imports {name}, which comes after it"
            )
        assert room(path) in MAY_IMPORT.get(top, {room(path)}), f"only {MAY_IMPORT.get(top)} may import {top}"


def test_the_import_check_sees_each_form(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    module = tmp_path / "lt_helpers" / "labs" / "noise.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        "import torch.nn\nfrom .. import task\nfrom ..view.chart import Chart\nfrom .base import Lab\nif 1:\n    import plotly\n"
    )
    found = {
        "torch.nn",
        "lt_helpers.task",
        "lt_helpers.view.chart.Chart",
        "lt_helpers.labs.base.Lab",
        "plotly",
    }
    assert set(imports(module).values()) == found


@named(MODULES)
def test_what_holds_data_cannot_be_written_into(path):
    for node in ast.walk(ast.parse(path.read_text())):
        for decorator in getattr(node, "decorator_list", []):
            name, *arguments = ast.unparse(decorator).partition("(")
            if name == "dataclass":
                assert "frozen=True" in "".join(arguments), (
                    f"{node.name} of {path.name} is no frozen dataclass"
                )


LABS = [
    path for path in (PACKAGE / "labs").glob("*.py") if re.search(r"^    NAME = \"", path.read_text(), re.M)
]


@named(LABS)
def test_no_lab_knows_another(path):
    """What several labs share stands in material.py and marks.py."""
    others = {f"lt_helpers.labs.{other.stem}" for other in LABS}
    assert len(others) >= 13
    assert not [
        name for name in imports(path).values() if name.rpartition(".")[0] in others or name in others
    ]


@pytest.mark.parametrize(
    "module, absent",
    [
        ("lt_helpers", "torch plotly ipywidgets"),
        ("lt_helpers.labs", "torch sklearn scipy plotly"),
        ("lt_helpers.training.live", "torch scipy plotly"),
    ],
)
def test_importing_it_brings_nothing_heavy(module, absent):
    code = f"import sys, {module}; print(*set({absent.split()}) & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@named(MODULES)
def test_data_files_cannot_run_code(path):
    assert not {name.split(".")[0] for name in imports(path).values()} & {
        "pickle",
        "dill",
        "cloudpickle",
        "shelve",
        "marshal",
    }
    assert "allow_pickle" not in path.read_text()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr == "load" and isinstance(node.value, ast.Name):
            assert node.value.id not in {"torch", "joblib"}, (
                f"line {node.lineno}: this can run code from the file"
            )


@named(MODULES)
def test_what_others_use_has_a_docstring(path):
    assert ast.get_docstring(ast.parse(path.read_text())), "the module says what it is"
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    public = [node for node in definitions(path) if f"{module}.{node.name}" in used_elsewhere()]
    assert not [node.name for node in public if not ast.get_docstring(node)]


def test_the_code_is_formatted():
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", "."], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_ruff_finds_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--output-format=concise", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


READERS = ["answers", "chart_page", "guide", "sketches", "symbols", "teaching"]


@pytest.mark.parametrize("name", READERS)
def test_what_holds_greek_letters_is_read_and_written_as_utf_8(name):
    """Windows would take its own letters, unless it is told which."""
    tree = ast.parse((ROOT / "tools" / f"{name}.py").read_text(encoding="utf-8"))
    called = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    calls = [call for call in called if getattr(call.func, "attr", "") in ("read_text", "write_text")]
    assert calls
    for call in calls:
        assert "encoding" in {keyword.arg for keyword in call.keywords}, f"line {call.lineno}"
