"""The training lab in a real JupyterLab: start, move, pause; the page loaded anew, or closed and opened again, while it trains."""

import time

from browsing import wait_until
from notebook_page import said, steps


def curves(lab):
    """How many lines are drawn, and the last finite number of each."""
    return [trace["y"][-1] for trace in lab.drawn() if trace["shapes"] and len(trace["y"]) > 50]


def test_it_starts_follows_the_noise_and_pauses_while_other_cells_run(open_notebook):
    notebook = open_notebook("training.ipynb")
    notebook.run_all()
    lab = notebook.labs()[0]
    opened = curves(lab)
    lab.button("Start").click()
    wait_until(lambda: steps(lab) > 60)
    wait_until(lambda: curves(lab) != opened)

    lab.press("Noise σ_max", "ArrowRight", times=8)
    wait_until(lambda: said(lab).endswith("on U(0, 5)") and "U(0, 5)" in lab.words())
    moved = steps(lab)
    wait_until(lambda: steps(lab) > moved + 30)

    notebook.run_last_cell()  # it is answered while the lab trains
    wait_until(
        lambda: (
            notebook.page.locator(".jp-OutputArea-output pre").last.inner_text().strip()
            not in ("", "steps 0")
        )
    )
    assert "Pause" in lab.root.inner_text()

    lab.button("Pause").click()
    wait_until(lambda: "paused" in said(lab))
    stopped = steps(lab)
    time.sleep(1)
    assert steps(lab) == stopped and notebook.errors() == [] and notebook.failures == []
    assert lab.layout_faults() == []

    lab.button("Step").click()
    wait_until(lambda: steps(lab) == stopped + 1)
    lab.reset()
    wait_until(lambda: steps(lab) == 0 and "U(0, 1), step 0" in lab.words())
    assert curves(lab) == opened


def test_after_a_reload_and_in_a_page_opened_anew_it_is_drawn_and_goes_on(open_notebook):
    notebook = open_notebook("training.ipynb")
    notebook.run_all()
    lab = notebook.labs()[0]
    lab.button("Start").click()
    wait_until(lambda: steps(lab) > 30)
    before = steps(lab)
    notebook.reload()
    lab = notebook.labs()[0]
    wait_until(lambda: steps(lab) > before + 30)
    assert curves(lab)
    notebook.command("docmanager:save")
    notebook.page.close()

    again = open_notebook("training.ipynb")
    lab = again.labs()[0]
    wait_until(lambda: steps(lab) > before + 60)
    assert curves(lab)
    lab.button("Pause").click()
    wait_until(lambda: "paused" in said(lab))
    assert again.failures == []


def test_a_second_run_of_the_cell_stops_the_first_lab(open_notebook):
    notebook = open_notebook("training.ipynb")
    notebook.run_all()
    lab = notebook.labs()[0]
    lab.button("Start").click()
    wait_until(lambda: steps(lab) > 10)
    notebook.run_all()
    lab = notebook.labs()[0]
    wait_until(lambda: said(lab).startswith("step 0, paused"))
    time.sleep(1)
    assert steps(lab) == 0 and len(notebook.labs()) == 1
