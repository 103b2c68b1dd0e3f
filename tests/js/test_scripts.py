"""The labs' scripts, tested in Node: every *.test.js beside this file, by Node's own test runner."""

import inspect
import shutil
import subprocess
from pathlib import Path

import playwright
import pytest

HERE = Path(__file__).parent
TESTS = sorted(HERE.glob("*.test.js"))


def node():
    """Where Node is: the one that playwright brings along, or the one on the PATH."""
    brought = Path(inspect.getfile(playwright)).parent / "driver" / "node"
    return shutil.which(brought) or shutil.which("node")


def test_node_is_at_hand():
    assert node(), (
        "no Node: playwright's package brings one along, but not from source; install Node and put it on the PATH."
    )


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_scripts_pass_their_tests_in_node(path):
    run = subprocess.run(
        [node(), "--test", "--test-reporter=spec", path], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "fail 0" in run.stdout and "pass 0" not in run.stdout
