"""Notebooks from their text form: `python tools/build_notebooks.py [07 ...]` builds and executes them (all, or those that start so).

notebooks/.text/NAME.py (jupytext, py:percent) is what people write and review; notebooks/NAME.ipynb is what learners open. Building
twice gives the same file: cell ids come from the cells' text, and nothing of the machine (time, versions, widget numbers) is kept.
"""

import hashlib
import re
import sys
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
from all_labs import LIVE
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from write_readme import project

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}
SETUP = """\
# Nothing to do where lt_helpers is installed. Elsewhere, such as on Colab, this installs it.
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


def without_dead_links(words):
    """A link to a notebook that is still to come is nothing but its words."""
    there = {text.stem for text in texts()}
    return re.sub(
        r"\[([^\]]*)\]\((\d\d_\w+)\.ipynb\)", lambda link: link[0] if link[2] in there else link[1], words
    )


def setup_cell():
    """The first cell of code, the same in every notebook: it makes the notebook run where nothing is installed, and else does nothing."""
    about = project()
    source = SETUP.format(repository=about["urls"]["Repository"], version=about["version"])
    return nbformat.v4.new_code_cell(source, metadata={"tags": ["setup"]})


def build(text):
    """The notebook of a text form, not executed, with the setup cell under its title, and ids that depend on the cells' text alone."""
    notebook = jupytext.read(text, fmt="py:percent")
    notebook.cells.insert(1, setup_cell())
    notebook.metadata = nbformat.from_dict(METADATA)
    seen = Counter()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = without_dead_links(cell.source)
        seen[cell.source] += 1
        cell.id = hashlib.sha256(f"{seen[cell.source]} {cell.cell_type} {cell.source}".encode()).hexdigest()[
            :12
        ]
    return notebook


def execute(notebook):
    """Run a notebook from top to bottom, in place, and keep of its outputs what is the same on every machine."""
    client = NotebookClient(
        notebook, kernel_name="python3", timeout=300, store_widget_state=False, record_timing=False, coalesce_streams=True,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )  # fmt: skip
    try:
        client.execute()
    except CellExecutionError as error:
        raise SystemExit(str(error)) from None
    notebook.metadata = nbformat.from_dict(METADATA)
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
    return notebook


def main(prefixes):
    """Build and execute the notebooks whose names start with one of `prefixes`, or all."""
    chosen = [text for text in texts() if not prefixes or text.stem.startswith(tuple(prefixes))]
    if not chosen:
        raise SystemExit(
            f"No notebook starts with {' or '.join(prefixes)}. There are: {', '.join(text.stem for text in texts())}."
        )
    for text in chosen:
        print(text.stem, flush=True)
        nbformat.write(execute(build(text)), notebook_of(text))


if __name__ == "__main__":
    main(sys.argv[1:])
