"""Pictures of labs that notebooks store: they are there, small, of what the lab shows, and drawn anew only when that has changed."""

import base64

import lab_pictures as pictures
import nbformat
import numpy as np
import pytest
from all_labs import lab_call, lab_of
from build_notebooks import NOTEBOOKS

from lt_helpers.labs import NoiseLab

LARGEST = 80_000  # bytes
PATHS = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem[:2])
def test_a_notebook_shows_its_labs_before_anything_runs(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    found = [(cell, lab_of(cell.source)) for cell in cells if lab_of(cell.source)]
    assert found, "no cell of this notebook shows a lab"
    for cell, (kind, values) in found:
        (output,) = [one for one in cell.outputs if "image/png" in one.get("data", {})]
        png = base64.b64decode(output.data["image/png"])
        assert png.startswith(b"\x89PNG") and len(png) <= LARGEST
        lab = kind(**values)
        assert output.data["text/plain"] == pictures.in_words(lab), "make notebooks"
        assert output.metadata[pictures.FINGERPRINT] == pictures.fingerprint(lab), "make notebooks"
        assert not any("widget" in key for key in output.data)


def test_a_picture_is_drawn_anew_only_when_what_it_shows_has_changed(monkeypatch):
    drawn = []
    monkeypatch.setattr(pictures, "draw", lambda labs: drawn.extend(labs) or [b"png"] * len(labs))
    quiet, noisy = NoiseLab(sigma=1.0), NoiseLab(sigma=3.0)
    first = pictures.outputs_of([quiet, noisy], {})
    assert drawn == [quiet, noisy] and first[0][0]["image/png"] == base64.b64encode(b"png").decode()
    kept = {metadata[pictures.FINGERPRINT]: data["image/png"] for data, metadata in first}
    again = pictures.outputs_of([NoiseLab(sigma=1.0), NoiseLab(sigma=3.1)], kept)
    assert len(drawn) == 3 and again[0] == first[0] and again[1][1] != first[1][1]


def test_a_fingerprint_sees_what_an_eye_sees():
    def of(y):
        lab = NoiseLab.__new__(NoiseLab)
        lab.drawing = {"data": [{"y": np.array(y)}]}
        return pictures.fingerprint(lab)

    assert of([1.0, 2.0]) == of([1.0 + 1e-9, 2.0]) != of([1.1, 2.0])
    assert len({of([number, 2.0]) for number in (0.0, np.nan, 1e-3, -1e-3)}) == 4
    assert of([0.0, 2.0]) == of([1e-17, 2.0]) != of([2.0, 0.0])


@pytest.mark.parametrize(
    "source, values",
    [
        ("NoiseLab(sigma=2.0)", {"sigma": 2.0}),
        ("x = 1\nlab = NoiseLab()\nlab", {}),
        ("lab = NoiseLab(sigma=1.0)\nlab = NoiseLab(sigma=2.0)\nlab", {"sigma": 2.0}),
        ("lab = NoiseLab()", None),
        ("NoiseLab(sigma=x)", None),
        ("lab", None),
        ("print(1)", None),
        ("NoiseLab(", None),
    ],
)
def test_the_lab_of_a_cell_is_found_by_its_call(source, values):
    assert lab_of(source) == (None if values is None else (NoiseLab, values))


@pytest.mark.parametrize(
    "source, shown",
    [
        ("%matplotlib inline\nNoiseLab(sigma=x)", True),
        ("with quiet():\n    %time pass\nlab = NoiseLab(sigma=x)\nlab", True),
        ("lab = other = NoiseLab()\nother", True),
        ("lab = NoiseLab()\nlab.values", False),
        ("lab = NoiseLab()", False),
        ("SomeLab()", False),
        ("Lab = 1\nPrediction()", False),
        ("", False),
    ],
)
def test_a_cell_shows_a_lab_whatever_its_values(source, shown):
    found = lab_call(source)
    assert (found is not None) == shown
    assert not shown or found[0] is NoiseLab and found[1].func.id == "NoiseLab"


def test_one_tool_makes_the_page_on_which_labs_are_drawn():
    tools = {
        path.name: path.read_text(encoding="utf-8") for path in (NOTEBOOKS.parent / "tools").glob("*.py")
    }
    making = {name for name, text in tools.items() if "draw.js" in text and ".set_content(" in text}
    assert making == {"chart_page.py"}
