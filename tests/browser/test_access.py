"""A lab for whoever sees little, or has no mouse: axe finds no serious fault, and keys reach and move every control."""

import pytest
from all_labs import all_labs
from notebook_page import access_faults


@pytest.fixture(scope="module")
def notebook(visit):
    """A notebook that shows every lab, each of them drawn."""
    notebook = visit("every_lab.ipynb")
    notebook.run_all()
    assert len(notebook.labs(len(all_labs()))) == len(all_labs())
    yield notebook
    notebook.clear()


@pytest.mark.parametrize("dark", [True, False])
def test_axe_finds_no_serious_fault_in_any_lab(notebook, dark):
    notebook.change_theme(dark)
    assert all(lab.wears(dark) for lab in notebook.labs(len(all_labs())))
    assert access_faults(notebook.page) == []


def test_axe_finds_a_fault_that_is_there(notebook):
    handle = notebook.page.locator(".jp-OutputArea-output:has(.lt-chart) .noUi-handle").first
    name = handle.get_attribute("aria-label")
    handle.evaluate("handle => handle.removeAttribute('aria-label')")
    assert "aria-input-field-name" in " ".join(access_faults(notebook.page))
    handle.evaluate("(handle, name) => handle.setAttribute('aria-label', name)", name)


def test_tab_reaches_every_control_of_every_lab_and_keys_move_it(notebook):
    for lab in notebook.labs(len(all_labs())):
        assert lab.passed_over() == []
        assert lab.unmoved() == []
    assert notebook.failures == []
