"""Every solution that a notebook shows is run in that notebook, in place of the stub, and must satisfy the notebook's own check.

What needs no solution, and no solution needs, is left out here: nbval runs all cells.
"""

import contextlib
import io
import re
from pathlib import Path

import jupytext
import nbformat
import pytest
from cell_names import bound_and_read, needed

TEXTS = sorted((Path(__file__).parents[2] / "notebooks" / ".text").glob("[0-9]*.py"))
SOLUTION = re.compile(r"<summary>Solution</summary>\s*```python\n(.*?)```", re.DOTALL)


def tagged(cells, tag):
    return [cell for cell in cells if tag in cell.metadata.get("tags", [])]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.stem)
def test_solutions_satisfy_their_checks(text, monkeypatch):
    """Runs the cells from top to bottom as a learner who solves each exercise would."""
    monkeypatch.chdir(text.parents[1])
    cells = jupytext.read(text, fmt="py:percent").cells
    solutions = [
        match for cell in cells if cell.cell_type == "markdown" for match in SOLUTION.findall(cell.source)
    ]
    cells = [cell for cell in cells if cell.cell_type == "code"]
    stubs, checks = tagged(cells, "exercise"), tagged(cells, "check")
    assert len(solutions) == len(stubs) == len(checks) >= 1, (
        "as many stubs as checks and solutions, one at least"
    )
    for stub, solution in zip(stubs, solutions):
        stub.source = solution

    solved = {}
    for index in touched(cells, stubs, checks):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(cells[index].source, text.name, "exec"), solved)
        if cells[index] in checks:
            assert said.getvalue().startswith("Correct"), said.getvalue()


def touched(cells, stubs, checks):
    """The checks, the cells that use a solution, and all that these need -> indices, in order."""
    defined = set().union(*(bound_and_read(stub.source)[0] for stub in stubs))
    using = [index for index, cell in enumerate(cells) if bound_and_read(cell.source)[1] & defined]
    return needed([cell.source for cell in cells], [*using, *map(cells.index, checks)])


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.stem)
def test_an_untouched_stub_is_no_wrong_answer(text):
    """What a check says of its stub is stored in the notebook, which is executed and compared elsewhere."""
    notebook = nbformat.read(text.parents[1] / f"{text.stem}.ipynb", as_version=4)
    checks = tagged(notebook.cells, "check")
    assert checks and all(cell.outputs[0].text.startswith("Not attempted yet") for cell in checks)
