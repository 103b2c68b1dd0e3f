"""The labs that the package offers, and notebooks that open one."""

import re

import nbformat

from lt_helpers import labs

LIVE = "Live once the notebook has run: Run > Run All Cells."  # what an executed notebook shows in place of a widget


def all_labs():
    """-> {"noise-lab": NoiseLab, ...}"""
    names = [name for name in labs.__all__ if name.endswith("Lab") and name != "Lab"]
    return {re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower(): getattr(labs, name) for name in names}


def write_notebook(path, cells):
    """An unexecuted notebook of code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, path)
