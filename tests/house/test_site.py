"""The site without building it: one name for each lab, whoever counts, and what a text says of controls holds before and after."""

import re

import nbformat
import pytest
from build_site import laid_out_notebook, notebooks
from site_engine import contents
from site_labs import names_anywhere, names_here, names_live

from lt_helpers import labs as lt_labs
from lt_helpers.labs import NoiseLab, TrainingLab

PLACE = re.compile(r'data-(?:lab|live)="([^"]+)"')
REMARK = re.compile(
    r'\*([^*]+)\*<span class="lt-elsewhere" data-labs="([^"]*)"> \(in the live notebook\)</span>'
)


def places(notebook):
    """The names of the labs' places, as they stand on a page."""
    outputs = [one for cell in notebook.cells if cell.cell_type == "code" for one in cell.outputs]
    return PLACE.findall("".join(str(one.get("data", {}).get("text/html", "")) for one in outputs))


def written(folder, *cells):
    """A notebook of these cells: markdown where a text begins with a star, else code -> its path"""
    new = nbformat.v4
    made = [new.new_markdown_cell(one) if one[0] == "*" else new.new_code_cell(one) for one in cells]
    path = folder / "99_mixed.ipynb"
    nbformat.write(new.new_notebook(cells=made), path)
    return path


def test_labs_that_train_and_others_are_counted_alike_by_the_page_and_by_its_engine(tmp_path):
    path = written(
        tmp_path, "TrainingLab()", "* Words.", "NoiseLab(sigma=2.0)", "TrainingLab(layers=2)", "NoiseLab()"
    )
    notebook, found = laid_out_notebook(path)
    labs = contents(path)["labs"]
    assert places(notebook) == list(labs) == ["99_mixed-live", "99_mixed-1", "99_mixed-live-2", "99_mixed-2"]
    assert [labs[name]["values"] for name in labs] == [{}, {"sigma": 2.0}, {"layers": 2}, {}]
    assert found == {"99_mixed-1": (NoiseLab, {"sigma": 2.0}), "99_mixed-2": (NoiseLab, {})}


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_every_place_of_a_page_has_its_lab_in_the_engine(path):
    assert places(laid_out_notebook(path)[0]) == list(contents(path)["labs"])


def test_a_remark_goes_with_the_lab_that_has_the_control_and_stays_where_none_has(tmp_path):
    text = "*Everything*, *Copy this view*, *Step*, *Start*; *Restart* and *measured here*."
    notebook, _ = laid_out_notebook(written(tmp_path, text, "NoiseLab()", "TrainingLab()"))
    remarks = dict(REMARK.findall(notebook.cells[0].source))
    both, trains = "99_mixed-1 99_mixed-live", "99_mixed-live"
    assert remarks == {"Copy this view": both, "Step": trains, "measured here": ""}


def test_a_live_lab_is_asked_for_what_it_has():
    names = names_live(NoiseLab())
    assert {"Everything", "Lead me", "Lock", "Copy this view", "Noise σ"} <= names
    assert "Start" not in names and "Start" in names_live(TrainingLab())


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_prompt_names_only_controls_that_are_there_or_says_where_they_are_before_the_labs_are_live_and_after(
    path,
):
    notebook, found = laid_out_notebook(path)
    here = set().union(*(names_here(kind(**values)) for kind, values in found.values()))
    labs = {
        name: names_live(getattr(lt_labs, lab["kind"])(**lab["values"]))
        for name, lab in contents(path)["labs"].items()
    }
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    for part in "\n\n".join(texts).split("\n\n"):
        absent = set(re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", part)) & names_anywhere() - here
        remarks = {tuple(names.split()) for _, names in REMARK.findall(part)}
        needed = {tuple(name for name, has in labs.items() if control in has) for control in absent}
        assert remarks == needed, part
