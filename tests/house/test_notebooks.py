"""The notebooks are what their text form says, executed once from top to bottom, and fit the series."""

import re

import nbformat
import pytest
from build_notebooks import METADATA, NOTEBOOKS, build, notebook_of, texts
from series import series

SERIES = {notebook["name"]: notebook for notebook in series()}
SCIKIT_LEARN = {"12_from_pilot_to_practice"}

each = pytest.mark.parametrize("text", texts(), ids=lambda text: text.stem)


def content(notebook):
    """What a notebook and its text form share."""
    return [(cell.id, cell.cell_type, cell.source, dict(cell.metadata)) for cell in notebook.cells]


def test_each_notebook_has_a_text_form():
    assert texts()
    assert {notebook_of(text) for text in texts()} == set(NOTEBOOKS.glob("*.ipynb")), "run: make notebooks"


@each
def test_text_and_notebook_agree(text):
    notebook = nbformat.read(notebook_of(text), as_version=4)
    assert content(notebook) == content(build(text)), f"run: make notebooks NB={text.stem[:2]}"
    assert notebook.metadata == METADATA


@each
def test_notebook_was_executed_in_order_without_errors(text):
    cells = [
        cell
        for cell in nbformat.read(notebook_of(text), as_version=4).cells
        if cell.cell_type == "code" and cell.source
    ]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for output in (output for cell in cells for output in cell.outputs):
        assert output.output_type != "error"
        assert output.get("name") != "stderr"
        assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})


@each
def test_notebook_is_small(text):
    assert notebook_of(text).stat().st_size < 500_000


@each
def test_lines_of_code_fit_the_page(text):
    lines = [
        line for cell in build(text).cells if cell.cell_type == "code" for line in cell.source.splitlines()
    ]
    assert not [line for line in lines if len(line) > 140]


@each
def test_outputs_name_no_machine(text):
    for cell in nbformat.read(notebook_of(text), as_version=4).cells:
        for output in cell.get("outputs", []):
            assert not re.search(r"/(home|root|tmp|Users)/|0x[0-9a-f]{8,}", str(output))


@each
def test_notebook_says_what_the_series_says(text):
    entry = SERIES[text.stem]
    cells = nbformat.read(notebook_of(text), as_version=4).cells
    assert re.match(rf"# (\d\d\W+)?{re.escape(entry['title'])}$", cells[0].source, re.M)
    start = "\n".join(cell.source for cell in cells[:4] if cell.cell_type == "markdown")
    assert re.search(rf"\b{entry['minutes']} min", start), f"series.toml says {entry['minutes']} minutes"


@each
def test_links_lead_somewhere(text):
    words = "\n".join(cell.source for cell in build(text).cells if cell.cell_type == "markdown")
    for link in re.findall(r"\]\(([^)#\s]+)", words):
        assert link.startswith("https://") or (NOTEBOOKS / link).exists(), f"{text.stem} points at {link}"
    for name in re.findall(r"\]\((\d\d_\w+)\.ipynb\)", text.read_text()):
        assert name in SERIES, f"{text.stem} points at {name}, which is not in series.toml"


@each
def test_no_notebook_needs_torch_and_one_scikit_learn(text):
    source = "\n".join(cell.source for cell in build(text).cells if cell.cell_type == "code")
    for name in re.findall(
        r"(?m)^\s*(?:import|from) (torch|sklearn|lt_helpers\.training)\b(?!\.live)", source
    ):
        assert name == "sklearn" and text.stem in SCIKIT_LEARN, f"{text.stem} imports {name}"


@each
def test_no_two_cells_have_one_id(text):
    ids = [cell.id for cell in build(text).cells]
    assert len(set(ids)) == len(ids) > 1
