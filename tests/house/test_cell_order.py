"""The cells of a notebook in another order than ours: each says in one line what it misses, and afterwards all is well."""

from collections import Counter
from pathlib import Path

import nbformat
import pytest
from cell_names import bound_and_read, needed
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
FORGET = """
import sys

for name in [name for name in sys.modules if name.partition(".")[0] == "lt_helpers"]:
    del sys.modules[name]
%reset -f"""
QUICK = ("00", "01", "04")  # also run in order, twice; nbval runs all of them once


@pytest.fixture(scope="module")
def client():
    """One kernel for all notebooks, each of which finds it without a name."""
    client = NotebookClient(
        nbformat.v4.new_notebook(),
        allow_errors=True,
        timeout=120,
        resources={"metadata": {"path": NOTEBOOKS[0].parent}},
    )
    with client.setup_kernel():
        yield client


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_backwards_each_cell_names_what_it_misses(client, path):
    client.nb = nbformat.read(path, as_version=4)
    cells = [(index, cell) for index, cell in enumerate(client.nb.cells) if cell.cell_type == "code"]
    forget(client)
    missed = [error for index, cell in reversed(cells) for error in errors(client.execute_cell(cell, index))]
    assert missed
    for error in missed:
        assert error.ename == "NameError" and error.evalue.endswith("is not defined")
        assert not any("lt_helpers/" in line for line in error.traceback)
    for index, cell in 2 * cells if path.stem.startswith(QUICK) else []:
        assert errors(client.execute_cell(cell, index)) == []


def forget(client):
    """Remove all names from the kernel, and the package, as if it had just started."""
    client.nb.cells.append(nbformat.v4.new_code_cell(FORGET))
    assert errors(client.execute_cell(client.nb.cells[-1], len(client.nb.cells) - 1)) == []


def errors(cell):
    return [output for output in cell.outputs if output.output_type == "error"]


def reused_names(cells):
    """Names that a cell takes from others, and that two of them bind: which one, depends on what was run last -> list"""
    parts = [bound_and_read(source) for source in cells]
    binders = Counter(name for bound, _ in parts for name in bound)
    return sorted({name for _, read in parts for name in read if binders[name] > 1})


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_cell_can_be_run_again_whatever_was_run_since(path):
    cells = nbformat.read(path, as_version=4).cells
    assert (
        reused_names(
            [
                cell.source
                for cell in cells
                if cell.cell_type == "code" and "setup" not in cell.metadata.get("tags", [])
            ]
        )
        == []
    )


def test_a_name_for_two_things_would_be_found():
    assert reused_names(["state = 1", "print(state)", "state = [2]", "print(state[0])"]) == ["state"]
    assert reused_names(["x = 1", "f = lambda x: x", "for y in range(2):\n    x = y\nprint(x)"]) == []
    assert reused_names(["x = 1", "x = 2", "def f():\n    return x"]) == ["x"]


def test_what_a_cell_needs_are_the_cells_that_bind_what_it_reads():
    cells = [
        "import numpy",
        "x = 1",
        "y = x",
        "print(y)",
        "def f():\n    return numpy.ones(y)",
        "z = f()",
        "z",
    ]
    assert needed(cells, [3]) == [1, 2, 3]
    assert needed(cells, [5]) == [0, 1, 2, 4, 5]
    assert needed(cells, [1, 6]) == [0, 1, 2, 4, 5, 6]
