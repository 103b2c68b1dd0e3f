"""A table dropped into the pilot lab, in a real JupyterLab: it is shown, nothing of it becomes a part of the page, and it stays here."""

from urllib.parse import urlsplit

import numpy as np
import pytest
from browsing import wait_until
from notebook_page import access_faults

from lt_helpers import read_table
from lt_helpers.labs import PilotLab

EVIL = "<img src=x onerror=document.title=7>"
MARK = "314159.265"  # a number of the table, to look for

# Drops a file on an element, as the mouse does.
DROP = """(element, [name, content]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([content], name, {type: "text/csv"}));
  const events = ["dragenter", "dragover", "drop"];
  return events.map((kind) => !element.dispatchEvent(new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true})));
}"""


def table_text(evil=""):
    """Sixteen tasks of ten rows, with a name of a column that would be a picture with a script, were it HTML."""
    rng = np.random.default_rng(0)
    lines = [f"machine,{evil}load,speed,wear"]
    for task in range(16):
        w = rng.normal(size=2)
        for x in rng.normal(size=(10, 2)):
            lines.append(f"m{task},{x[0]:.3f},{x[1]:.3f},{w @ x + rng.normal():.3f}")
    return "\n".join([*lines, f"m0,{MARK},{evil},1", "m1,,0,1"])


@pytest.fixture(scope="module")
def notebook(visit):
    notebook = visit("own_table.ipynb")
    notebook.run_all()
    yield notebook
    notebook.clear()


@pytest.fixture
def lab(notebook):
    (lab,) = notebook.labs()
    yield lab
    assert notebook.failures == [] and notebook.page.title() != "7"
    lab.reset()


def shows(lab, text, **values):
    """Wait until the page says what a lab with this table says."""
    expected = PilotLab(table=read_table(text), **values)
    wait_until(lambda: lab.words() == expected.words_now, seconds=60)
    drawn = lab.drawn()
    assert len(drawn) == len(expected.figure.data)
    for trace, wanted in zip(drawn, expected.figure.data, strict=True):
        np.testing.assert_allclose(trace["y"], np.asarray(wanted.y, float), rtol=1e-5, atol=1e-6)


def choose(lab, text, name="secret.csv"):
    lab.root.locator(".lt-drop input").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": text.encode() if isinstance(text, str) else text}
    )


def said(lab):
    return lab.root.locator(".lt-noted").inner_text()


def test_a_file_that_is_chosen_is_shown_and_its_columns_can_be_changed(lab):
    text = table_text()
    choose(lab, text)
    shows(lab, text)
    assert "nothing in 'load' (line 163)" in said(lab)
    lab.root.get_by_label("Label y").select_option("speed")
    expected = PilotLab(table=read_table(text, label="speed"))
    wait_until(lambda: lab.words() == expected.words_now, seconds=60)
    assert lab.root.get_by_label("Features x").locator("option").all_inner_texts() == ["load", "wear"]
    assert not lab.root.locator('.widget-hslider:has(> .widget-label:text-is("Strength"))').is_visible()
    assert access_faults(lab.page) == []


@pytest.mark.parametrize("where", [".lt-drop", ".lt-figure", ".lt-words"])
def test_a_file_that_is_dropped_anywhere_on_the_lab_is_shown(lab, where):
    text = table_text()
    address = lab.page.url
    assert lab.root.locator(where).first.evaluate(DROP, ["secret.csv", text])[1:] == [True, True]
    shows(lab, text)
    assert lab.page.url == address


def test_a_drop_beside_the_lab_is_left_to_others(lab):
    before = lab.words()
    assert lab.page.locator("body").evaluate(DROP, ["secret.csv", table_text()]) == 3 * [False]
    lab.page.wait_for_timeout(1000)
    assert lab.words() == before


def test_names_and_cells_are_text_on_the_page(lab):
    text = table_text(EVIL)
    choose(lab, text)
    shows(lab, text)
    assert EVIL in said(lab)
    offered = lab.root.get_by_label("Features x").locator("option").first
    assert offered.inner_text().replace("\xa0", " ") == f"{EVIL}load"
    lab.button("Copy this view").click()
    wait_until(lambda: "load" in lab.root.locator("code").inner_text())
    assert lab.page.locator("img[src=x]").count() == 0


def test_a_bad_file_is_said_and_the_picture_stays(lab):
    text = table_text()
    choose(lab, text)
    shows(lab, text)
    for content, says in [
        (b"\x89PNG\x00", "The file is no text"),
        (b"a,b\n1,2", "The first line has 2 columns"),
        (b"x" * 2_000_001, "at most 2 MB are read"),
    ]:
        choose(lab, content)
        wait_until(lambda says=says: says in said(lab))
        shows(lab, text)
    choose(lab, text)
    wait_until(lambda: "at most 2 MB" not in said(lab))


def test_neither_the_table_nor_its_name_is_kept_in_the_notebook_or_goes_elsewhere(notebook, lab):
    asked = []
    notebook.page.on("request", lambda request: asked.append(request))
    choose(lab, table_text())
    shows(lab, table_text())
    notebook.command("docmanager:save")
    kept = notebook.page.evaluate(
        "() => JSON.stringify(jupyterapp.shell.currentWidget.context.model.toJSON())"
    )
    assert "PilotLab" in kept and MARK not in kept and "secret" not in kept
    home = urlsplit(notebook.page.url).netloc
    assert asked and {urlsplit(request.url).netloc for request in asked} == {home}
    assert not [request.url for request in asked if MARK in (request.post_data or "") + request.url]
