"""Notebooks from their text form: `python tools/build_notebooks.py [07 ...]` builds and executes them (all, or those that start so).

notebooks/.text/NAME.py (jupytext, py:percent) is what people write and review; notebooks/NAME.ipynb is what learners open. Building
twice gives the same file: cell ids come from the cells' text, and nothing of the machine (time, versions, widget numbers) is kept.
`--refresh` builds without executing: where no code has changed, the outputs that are there stay.
"""

import hashlib
import sys
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
from address import address, project
from all_labs import LIVE, lab_of
from lab_pictures import outputs_of, stored
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from series import MAP, map_of_questions, way_on

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}
SETUP = """\
# Nothing to do where lt_helpers is installed. Elsewhere, such as on Colab, run this cell first: it installs it.
import importlib.util
import sys

if importlib.util.find_spec("lt_helpers") is None:
    print("Installing lt_helpers: a minute or so.")
    %pip install --quiet "lt_helpers[widgets] @ git+{repository}@v{version}"
if "google.colab" in sys.modules:
    from google.colab import output

    output.enable_custom_widget_manager()"""


def texts():
    """The text forms, in the order of the series."""
    return sorted((NOTEBOOKS / ".text").glob("[0-9]*.py"))


def notebook_of(text):
    """The path of the notebook that belongs to a text form."""
    return NOTEBOOKS / f"{text.stem}.ipynb"


def setup_cell():
    """The first cell of code: it makes a notebook run where nothing is installed, and else does nothing.

    Returns
    -------
    nbformat.NotebookNode or None
        None while the project has no public address, from which it could be installed.
    """
    repository = address()
    if not repository:
        return None
    source = SETUP.format(repository=repository, version=project()["version"])
    return nbformat.v4.new_code_cell(source, metadata={"tags": ["setup"]})


def build(text):
    """The notebook of a text form, not executed, with ids that depend on the cells' text alone.

    It has what the text leaves to the series: the setup cell under its title, the map where it is wanted, and the way on at its end.
    """
    notebook = jupytext.read(text, fmt="py:percent")
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace(MAP, map_of_questions(text.stem))
    notebook.cells[-1].source += f"\n\n{way_on(text.stem)}"
    setup = setup_cell()
    if setup:
        notebook.cells.insert(1, setup)
    notebook.metadata = nbformat.from_dict(METADATA)
    seen = Counter()
    for cell in notebook.cells:
        seen[cell.source] += 1
        named = f"{seen[cell.source]} {cell.cell_type} {cell.source}"
        cell.id = hashlib.sha256(named.encode()).hexdigest()[:12]
    return notebook


def refresh(text):
    """The notebook of a text form with the outputs that it has, where nothing but words and the setup cell has changed.

    Raises
    ------
    SystemExit
        Code has changed, or the notebook has never run: only a run can say what it gives.
    """
    notebook = build(text)
    if not notebook_of(text).exists():
        raise SystemExit(f"{text.stem} has not been run yet: make notebooks NB={text.stem[:2]}")
    executed = nbformat.read(notebook_of(text), as_version=4)
    before, after = code_cells(executed), code_cells(notebook)
    if [cell.source for cell in before] != [cell.source for cell in after]:
        raise SystemExit(f"The code of {text.stem} has changed: make notebooks NB={text.stem[:2]}")
    for old, new in zip(before, after):
        new.outputs = old.outputs
    count = 0
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source:
            count += 1
            cell.execution_count = count
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = count
    return notebook


def code_cells(notebook):
    """The cells of code but for the setup cell, which gives no output."""
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and "setup" not in cell.metadata.get("tags", [])
    ]


def execute(notebook, before=None):
    """Run a notebook from top to bottom, in place, and keep of its outputs what is the same on every machine.

    In the place of a lab it has the lab's picture and words; `before`, the notebook as it was, has those that need not be drawn again.
    """
    client = NotebookClient(
        notebook, kernel_name="python3", timeout=300, store_widget_state=False, record_timing=False, coalesce_streams=True,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )  # fmt: skip
    try:
        client.execute()
    except CellExecutionError as error:
        raise SystemExit(str(error)) from None
    notebook.metadata = nbformat.from_dict(METADATA)
    shown = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise SystemExit(
                    f"A cell writes to stderr, which a learner would read as an error:\n\n{cell.source}\n\n{output.text}"
                )
            data = output.get("data", {})
            if data.pop(
                "application/vnd.jupyter.widget-view+json", None
            ):  # a widget lives in its kernel: the file can only name it
                data["text/plain"] = LIVE
                if lab_of(cell.source):
                    shown.append((output, *lab_of(cell.source)))
    labs = [kind(**values) for _, kind, values in shown]
    pictures = outputs_of(labs, stored(before) if before else {})
    for (output, *_), (data, metadata) in zip(shown, pictures, strict=True):
        output.data, output.metadata = nbformat.from_dict(data), nbformat.from_dict(metadata)
    return notebook


def main(arguments):
    """Build the notebooks whose names start with one of the prefixes, or all; execute them, unless they are only refreshed."""
    prefixes = [argument for argument in arguments if argument != "--refresh"]
    chosen = [text for text in texts() if not prefixes or text.stem.startswith(tuple(prefixes))]
    if not chosen:
        raise SystemExit(
            f"No notebook starts with {' or '.join(prefixes)}. There are: {', '.join(text.stem for text in texts())}."
        )
    for text in chosen:
        if "--refresh" in arguments:
            nbformat.write(refresh(text), notebook_of(text))
        else:
            print(text.stem, flush=True)
            there = notebook_of(text)
            before = nbformat.read(there, as_version=4) if there.exists() else None
            nbformat.write(execute(build(text), before), there)


if __name__ == "__main__":
    main(sys.argv[1:])
