"""JupyterLite in a browser, as tests and the benchmark drive it, and what its kernel printed beside what is stored in the notebooks."""

import re

import nbformat
from browsing import ROOT
from notebook_page import NotebookPage

IGNORED = "nbval-ignore-output"
NUMBER = re.compile(r"[-\N{MINUS SIGN}]?\d+(?:\.(\d+))?(?:e[-+]?\d+)?")
# JupyterLite may ask once more for the session of a notebook that was closed before this one.
ENDED = re.compile(r"Session [-0-9a-f]+ not found")
IDLE = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"


class LitePage(NotebookPage):
    """One notebook open in JupyterLite."""

    def wait_until_ready(self, seconds=180):
        """Until the kernel in the page is idle, which takes longer than that of a server."""
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", state="attached", timeout=1e3 * seconds)
        self.page.wait_for_function(IDLE, timeout=1e3 * seconds)

    @property
    def complaints(self):
        """What the page complained of, but for sessions that were ended."""
        return [one for one in self.failures if not ENDED.fullmatch(one)]

    def notebook(self):
        """The notebook as it stands in the page, with what its cells have given."""
        content = self.page.evaluate("() => jupyterapp.shell.currentWidget.context.model.toJSON()")
        return nbformat.from_dict(content)


def notebook_address(address, path):
    """Where JupyterLite opens a notebook."""
    return f"{address}/lab/index.html?path={path}"


def stored(name):
    """A notebook as the project has it."""
    return nbformat.read(ROOT / "notebooks" / name, as_version=4)


def printed(notebook):
    """What each cell of code printed, an error included.

    Parameters
    ----------
    notebook : nbformat.NotebookNode

    Returns
    -------
    list of (int, str)
        The number of the cell in the notebook, and its text. Of a cell whose output differs from run to run only an error is told.
    """
    found = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        text = "".join(one.text for one in cell.outputs if one.output_type == "stream")
        text += "".join(f"{one.ename}: {one.evalue}" for one in cell.outputs if one.output_type == "error")
        if IGNORED in cell.metadata.get("tags", []):
            text = text if any(one.output_type == "error" for one in cell.outputs) else ""
        found.append((number, text))
    return found


def compare(here, there):
    """Two printed texts -> "equal", "last digit" where only numbers differ, each by one in its last place at most, or "other"."""
    if here == there:
        return "equal"
    if NUMBER.sub("#", here).split() != NUMBER.sub("#", there).split():
        return "other"
    near = all(is_near(one, other) for one, other in zip(NUMBER.finditer(here), NUMBER.finditer(there)))
    return "last digit" if near else "other"


def is_near(one, other):
    """Whether two printed numbers differ by one in the last place at most; whole ones are counts, and do not."""
    places = len(one[1] or "")
    if places == 0 or len(other[1] or "") != places or "e" in one[0] + other[0]:
        return one[0] == other[0]
    values = [float(found[0].replace("\N{MINUS SIGN}", "-")) for found in (one, other)]
    return abs(values[0] - values[1]) < 1.5 * 10**-places


def apart(here, there):
    """By how many units of their last place the numbers of two printed texts differ at most; None where more than numbers differs."""
    if NUMBER.sub("#", here).split() != NUMBER.sub("#", there).split():
        return None
    gaps = [0.0]
    for one, other in zip(NUMBER.finditer(here), NUMBER.finditer(there)):
        values = [float(found[0].replace("\N{MINUS SIGN}", "-")) for found in (one, other)]
        gaps.append(abs(values[0] - values[1]) / max(last_place(one), last_place(other)))
    return round(max(gaps))


def last_place(number):
    """What a printed number's last digit counts: 0.01 for 1.23."""
    exponent = number[0].partition("e")[2]
    return 10.0 ** (int(exponent or 0) - len(number[1] or ""))


def compared(name, notebook):
    """A notebook of the project that has run elsewhere -> list of (number of the cell, stored text, text there, how they compare)"""
    pairs = zip(printed(stored(name)), printed(notebook), strict=True)
    return [
        (number, here, there, compare(here, there)) for (number, here), (_, there) in pairs if here or there
    ]
