"""One set of packages in each place that lists them: pyproject.toml, environment.yml, Binder, and what the suite runs with.

The versions of constraints.txt: test_lock.py.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import lt_helpers

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONDA_NAMES = {"torch": "pytorch-cpu"}
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
SHARED = [
    *PROJECT["dependencies"],
    *(line for extra in ("widgets", "labs", "train", "dashboard") for line in EXTRAS[extra]),
]
NEEDED = [Requirement(line) for line in SHARED if not line.startswith("lt_helpers")]
ALL = [*NEEDED, *(Requirement(line) for line in EXTRAS["test"])]


def conda_ranges():
    """The packages of environment.yml -> dictionary of names and ranges."""
    split = (re.fullmatch(r"([\w.-]+)\s*(.*)", line) for line in CONDA["dependencies"])
    return {match[1]: match[2] for match in split}


def test_environment_yml_lists_what_pyproject_lists():
    expected = {CONDA_NAMES.get(one.name, one.name): one.specifier for one in NEEDED}
    ranges = conda_ranges()
    assert (ranges.pop("python"), ranges.pop("pip")) == (
        "=3.11",
        "",
    )  # repo2docker reads the version of Python only from "="
    assert {name: SpecifierSet(text) for name, text in ranges.items()} == expected
    assert CONDA["channels"] == ["conda-forge"]


@pytest.mark.parametrize("one", [one for one in ALL if one.name != "lt_helpers"], ids=lambda one: one.name)
def test_ranges_cover_what_the_suite_runs_with(one):
    assert one.specifier.contains(version(one.name))


@pytest.mark.parametrize("one", [one for one in NEEDED if one.name != "packaging"], ids=lambda one: one.name)
def test_ranges_have_two_ends(one):
    assert {specifier.operator for specifier in one.specifier} == {">=", "<"}


def test_this_python_is_allowed():
    assert SpecifierSet(PROJECT["requires-python"]).contains(".".join(map(str, sys.version_info[:3])))


def test_versions_agree():
    assert lt_helpers.__version__ == PROJECT["version"]
    assert (
        yaml.safe_load((ROOT / "hub" / "values.yaml").read_text())["singleuser"]["image"]["tag"]
        == PROJECT["version"]
    )
    assert set(re.findall(r"lt-helpers:(\S+)", (ROOT / "docs" / "workshop.md").read_text())) == {
        PROJECT["version"]
    }
    assert version("lt_helpers") == PROJECT["version"], "install the project again: make test"


def test_each_data_file_of_the_package_is_shipped():
    """The patterns hold for every folder, also for one without code, such as pretrained/spread/seed-1: it is found as a namespace."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert setuptools["packages"]["find"].get("namespaces", True)
    shipped = setuptools["package-data"]["*"]
    files = [path for path in (ROOT / "lt_helpers").rglob("[!.]*.*") if path.suffix not in {".py", ".pyc"}]
    assert files
    assert not [path.name for path in files if not any(path.match(pattern) for pattern in shipped)]


def test_torch_comes_with_training_only():
    names = {
        Requirement(line).name
        for line in [*PROJECT["dependencies"], *EXTRAS["widgets"], *EXTRAS["labs"], *EXTRAS["dashboard"]]
    }
    assert not names & {"torch", "joblib"}


def test_binder_builds_from_our_environment():
    """repo2docker ignores, without a word, a link that leads nowhere: so look at what it would build."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(ROOT)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    dockerfile = done.stdout + done.stderr
    assert "Building conda environment for python=3.11" in dockerfile
    assert '--file "binder/environment.yml"' in dockerfile
    assert "RUN ./binder/postBuild" in dockerfile
    assert 'R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in dockerfile


def test_binder_installs_the_known_versions_and_the_python_of_the_conda_way():
    binder = ROOT / "binder"
    for name in ("postBuild", "start"):
        assert os.access(binder / name, os.X_OK)
        assert "set -e" in (binder / name).read_text().splitlines()
    assert '--constraint constraints.txt --editable ".[dashboard]"' in (binder / "postBuild").read_text()
    # Packages of conda beside those of pip would stand in each other's way.
    brought = yaml.safe_load((binder / "environment.yml").read_text())["dependencies"]
    assert brought == CONDA["dependencies"][:2] == ["python=3.11", "pip"]


def test_binder_start_hands_over_with_our_settings(tmp_path):
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    (tmp_path / "config").mkdir()
    done = subprocess.run(
        [ROOT / "binder" / "start", sys.executable, "-c", show],
        cwd=tmp_path, env={"PATH": os.environ["PATH"], "JUPYTER_CONFIG_PATH": "/other"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    environment = json.loads(done.stdout)
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["JUPYTER_CONFIG_PATH"] == f"{ROOT / 'binder'}:/other"


MORE = {
    "publish": {"pages": "write", "id-token": "write"},
    "release": {"contents": "write"},
}  # what single jobs may do beside reading
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_pinned_and_may_do_no_more_than_they_need(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert "timeout-minutes" in job
        assert job.get("permissions") == MORE.get(name)
        for step in job["steps"]:
            assert re.search(r"@[0-9a-f]{40}$", step.get("uses", "@" + "0" * 40))
            assert "python3 tools/" not in step.get(
                "run", ""
            )  # which lacks what they import; .venv/bin/python has it


@pytest.mark.parametrize("there", [True, False])
def test_continuous_integration_is_make_test_and_finds_pyodide(tmp_path, there):
    (tmp_path / "project" / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", tmp_path / "project" / ".ci" / "run")
    (tmp_path / "project" / "Makefile").write_text("test:\n\t@echo tested with '$(PYODIDE)'\n")
    beside = tmp_path / "shared" / "pyodide"
    if there:
        beside.mkdir(parents=True)
    outer = {"PYODIDE", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}  # of the make that runs this suite
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    done = subprocess.run(
        [tmp_path / "project" / ".ci" / "run"], env=environment, capture_output=True, text=True, check=True
    )
    (found,) = re.fullmatch("tested with (.*)\n", done.stdout).groups()
    assert (Path(found).resolve() == beside.resolve()) if there else found == ""


def test_other_systems_run_the_very_commands_of_the_readme():
    """Those without make: in platforms.yml, with the path that Python has there."""
    blocks = re.findall(
        r"(?s)```sh\n(.*?)```",
        (ROOT / "README.md").read_text().partition("Without make")[2].partition("\n## ")[0],
    )
    commands = [
        line.replace(".venv/bin/python", "${{ matrix.python }}")
        for block in blocks
        for line in block.splitlines()
    ]
    assert len(commands) >= 7
    workflow = (ROOT / ".github" / "workflows" / "platforms.yml").read_text()
    assert not [command for command in commands if command not in workflow]


UNINSTALLED = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
sys.path.insert(0, "tools")
import {tool}
"""


def brought(lines):
    """What requirements bring along, they themselves and what they ask for in turn -> names of packages"""
    seen, left = set(), [Requirement(line) for line in lines if not line.startswith("lt_helpers")]
    while left:
        one = left.pop()
        extras = frozenset(one.extras) | {""}
        if (one.name, extras) in seen:
            continue
        seen.add((one.name, extras))
        try:
            asked = [Requirement(line) for line in requires(one.name) or []]
        except PackageNotFoundError:  # of another system
            continue
        left += [
            each
            for each in asked
            if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras)
        ]
    return {canonicalize_name(name) for name, _ in seen}


@pytest.mark.parametrize(
    "tool, extras",
    [
        ("build_site", ["widgets", "labs", "site"]),
        ("build_lite", ["widgets", "labs"]),
        ("dashboard", ["widgets", "labs", "dashboard"]),
    ],
)
def test_what_is_made_without_the_tests_packages_asks_for_none_of_them(tool, extras):
    """`make site` and `make dashboard` set up environments of their own: what the suite runs with hides what is missing there."""
    there = brought([*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])])
    modules = packages_distributions()
    absent = {module for module, names in modules.items() if not there & set(map(canonicalize_name, names))}
    absent -= {"lt_helpers", "_distutils_hack", "pip", "setuptools", "pkg_resources"}
    assert {"playwright", "jupytext", "torch"} <= absent
    run = [sys.executable, "-c", UNINSTALLED.format(absent=absent, tool=tool)]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
