"""The cells of a notebook in another order than ours: each says in one line what it misses, and afterwards all is well."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
QUICK = ("00", "01", "04")  # also run in order, twice; nbval runs all of them once


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_backwards_each_cell_names_what_it_misses(path):
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, allow_errors=True, timeout=120, resources={"metadata": {"path": path.parent}}
    )
    cells = [(index, cell) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    with client.setup_kernel():
        missed = [
            error for index, cell in reversed(cells) for error in errors(client.execute_cell(cell, index))
        ]
        assert missed
        for error in missed:
            assert error.ename == "NameError" and error.evalue.endswith("is not defined")
            assert not any("lt_helpers/" in line for line in error.traceback)
        for index, cell in 2 * cells if path.stem.startswith(QUICK) else []:
            assert errors(client.execute_cell(cell, index)) == []


def errors(cell):
    return [output for output in cell.outputs if output.output_type == "error"]
