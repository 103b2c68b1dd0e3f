"""The first cell of code of every notebook, once the project has an address: silent where the package is installed, and else of use."""

import importlib.util
import sys
import types

import build_notebooks
import pytest
from address import project
from build_notebooks import setup_cell
from IPython.core.interactiveshell import InteractiveShell
from packaging.requirements import Requirement

ADDRESS = "https://github.com/someone/taught"


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the cell as a notebook does -> what it printed, and what it asked pip for."""
    monkeypatch.setattr(build_notebooks, "address", lambda: ADDRESS)

    def run():
        shell, asked = InteractiveShell(), []
        shell.register_magic_function(asked.append, magic_name="pip")
        shell.run_cell(setup_cell().source).raise_error()
        return capsys.readouterr().out, asked

    return run


@pytest.fixture
def not_installed(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "lt_helpers" else find(name, *more)
    )


def test_it_is_silent_where_the_package_is_installed(run):
    assert run() == ("", [])


def test_it_installs_a_missing_package_at_this_version_and_says_so(run, not_installed):
    printed, (asked,) = run()
    assert printed.startswith("Installing lt_helpers")
    requirement = Requirement(asked.removeprefix("install --quiet ").strip('"'))
    assert requirement.name == project()["name"] and requirement.extras <= set(
        project()["optional-dependencies"]
    )
    assert requirement.url == f"git+{ADDRESS}@v{project()['version']}"


def test_it_lets_widgets_run_on_colab(run, monkeypatch):
    enabled = []
    output = types.SimpleNamespace(enable_custom_widget_manager=lambda: enabled.append(True))
    colab = types.ModuleType("google.colab")
    colab.output = output
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    assert run() == ("", []) and enabled == [True]


def test_without_an_address_there_is_no_such_cell(monkeypatch):
    monkeypatch.setattr(build_notebooks, "address", lambda: "")
    assert setup_cell() is None
