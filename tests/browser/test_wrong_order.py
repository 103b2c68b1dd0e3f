"""What thirty people do to a notebook: everything twice, in two tabs, halfway, or after the kernel has gone. Labs go on, or say so."""

import signal
import time

import psutil
import pytest
from all_labs import write_notebook
from browsing import free_port, jupyterlab, wait_until
from notebook_page import NotebookPage, said, steps

INTERRUPT = "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()"
RESTART = "() => jupyterapp.shell.currentWidget.sessionContext.restartKernel()"
LOOKS_TOO_LATE = """(() => {
  const wait = window.setTimeout;  // ipywidgets looks for a model every 100 ms, for two seconds
  window.setTimeout = (act, time, ...more) => wait(act, time === 100 ? 6000 : time, ...more);
})()"""
SAYS_LOST = """words => getComputedStyle(words, "::before").content.includes("Run the cell again")"""


@pytest.fixture(scope="module")
def notebook(visit):
    """A notebook with two labs, open for all tests that leave it in working order. Tests that open another one come after those."""
    notebook = visit("two_labs.ipynb")
    notebook.run_all()
    notebook.command("docmanager:save")
    return notebook


@pytest.fixture
def spoilt_page(browser):
    """A page that no other test sees, for scripts that change how a page works."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    yield context.new_page()
    context.close()


def test_two_tabs_on_one_notebook_show_the_same(notebook, address_of):
    tab = NotebookPage(notebook.page.context.new_page(), address_of("notebooks/two_labs.ipynb"))
    first, second = notebook.labs()[0], tab.labs()[0]
    for mover, follower in ((first, second), (second, first)):
        mover.page.bring_to_front()
        mover.press("Noise σ", "ArrowRight", times=5)
        mover.press("Layers", "ArrowLeft")
        follower.page.bring_to_front()
        mover.shows_what_python_computes()
        wait_until(lambda one=mover, other=follower: other.readout("Noise σ") == one.readout("Noise σ"))
        follower.shows_what_python_computes()
    assert notebook.failures == tab.failures == []
    tab.page.close()


def test_a_page_loaded_anew_in_the_middle_of_a_drag(notebook):
    lab = notebook.labs()[0]
    before = lab.readout("Noise σ")
    lab.drag("Noise σ", range(3, 60, 3), let_go=False)
    notebook.page.reload()
    notebook.page.mouse.up()
    notebook.wait_until_ready()
    lab = notebook.labs(2)[0]
    lab.shows_what_python_computes()
    assert lab.readout("Noise σ") != before
    lab.step("Noise σ")
    lab.shows_what_python_computes()


def test_a_lab_that_came_up_too_late_for_jupyterlab_is_shown_all_the_same(spoilt_page, address_of):
    notebook = NotebookPage(spoilt_page, address_of("notebooks/shared.ipynb"))
    notebook.run_all()
    said = [lab.words() for lab in notebook.labs(2)]
    notebook.page.add_init_script(LOOKS_TOO_LATE)
    notebook.reload()
    notebook.page.get_by_text("Error displaying widget: model not found").first.wait_for()
    labs = notebook.labs(2)
    assert [lab.words() for lab in labs] == said
    labs[1].step("Noise σ")
    labs[1].shows_what_python_computes()
    notebook.close()


def test_after_a_restart_a_lab_says_that_it_is_dead_until_its_cell_is_run(notebook):
    words = notebook.labs()[0].root.locator(".lt-words")
    assert not words.evaluate(SAYS_LOST)
    notebook.page.evaluate(RESTART)
    wait_until(lambda: words.evaluate(SAYS_LOST))
    notebook.wait_until_ready()
    notebook.run_last_cell()  # out of order: nothing is imported yet
    wait_until(lambda: notebook.errors() != [])
    assert "NameError: name 'NoiseLab' is not defined" in notebook.errors()[0]
    notebook.run_all()
    for lab in notebook.labs(2):
        assert not lab.root.locator(".lt-words").evaluate(SAYS_LOST)
        lab.step("Noise σ")
        lab.shows_what_python_computes()
    assert notebook.errors() == notebook.failures == []


def test_a_kernel_that_is_killed_comes_back(notebook):
    notebook.kernel().send_signal(signal.SIGKILL)
    words = notebook.labs()[0].root.locator(".lt-words")
    wait_until(lambda: words.evaluate(SAYS_LOST))
    notebook.wait_until_ready()
    notebook.page.keyboard.press("Escape")  # JupyterLab says that the kernel died
    notebook.run_all()
    lab = notebook.labs(2)[0]
    lab.step("Noise σ")
    lab.shows_what_python_computes()


def test_ten_labs_in_one_notebook_move_each_alone(open_notebook):
    notebook = open_notebook("ten_labs.ipynb")
    notebook.run_all()
    labs = notebook.labs(10)
    assert len(labs) == 10
    opened = labs[1].words()
    for lab in labs[::3]:
        lab.press("Noise σ", "ArrowRight", times=3)
        lab.shows_what_python_computes()
    for lab in labs[1::3]:
        assert lab.words() == opened
        lab.shows_what_python_computes()
    assert notebook.failures == []


def test_a_computation_that_is_interrupted_is_said_and_the_next_move_recovers(open_notebook):
    notebook = open_notebook("slow_lab.ipynb")
    notebook.run_all()
    lab = notebook.labs()[0]
    lab.press("Noise σ", "ArrowRight")  # it would take half a minute
    time.sleep(1)
    notebook.page.evaluate(INTERRUPT)
    error = lab.root.locator(".lt-error")
    error.wait_for()
    assert (
        "The kernel was interrupted before this was computed. Move a control, or press Reset."
        in error.inner_text()
    )
    lab.press("Noise σ", "ArrowRight")
    error.wait_for(state="detached")
    assert "σ = 1.2" in lab.words() and notebook.errors() == notebook.failures == []


def test_an_interrupt_leaves_training_alive_and_closing_the_notebook_ends_it(open_notebook):
    notebook = open_notebook("training.ipynb")
    notebook.run_all()
    lab = notebook.labs()[0]
    lab.button("Start").click()
    wait_until(lambda: steps(lab) > 10)
    for _ in range(3):
        notebook.page.evaluate(INTERRUPT)
        lab.press("Noise σ_max", "ArrowRight")
    wait_until(lambda: said(lab).endswith("on U(0, 2.5)"))
    before = steps(lab)
    wait_until(lambda: steps(lab) > before + 10)
    assert notebook.errors() == notebook.failures == []

    kernel = notebook.kernel()
    notebook.command("docmanager:save")
    notebook.page.evaluate("() => { jupyterapp.shell.currentWidget.close(); }")
    wait_until(lambda: not kernel.is_running())
    notebook.page.close()


def test_a_lab_that_came_up_late_moves(spoilt_page, address_of):
    """anywidget gives a model two seconds; here none at all, as on a page that is busy for longer."""
    spoilt_page.add_init_script(
        "const timeout = AbortSignal.timeout; AbortSignal.timeout = () => timeout.call(AbortSignal, 0);"
    )
    notebook = NotebookPage(spoilt_page, address_of("notebooks/late.ipynb"))
    notebook.run_all()
    lab = notebook.labs()[0]
    wait_until(lambda: notebook.late)
    lab.press("Noise σ", "ArrowRight", times=3)
    lab.shows_what_python_computes()
    assert notebook.errors() == notebook.failures == []
    notebook.close()


def test_answers_survive_a_dead_server(browser, tmp_path):
    """What was typed is in the page. It can be kept in the browser, and is saved as soon as a server answers at the same address; the
    prediction can still be read. On Binder a dead server does not come back: the next one has the notebooks as they were at first.
    """
    path, port, context = tmp_path / "answers.ipynb", free_port(), browser.new_context()
    about_binder = {
        "BINDER_REPO_URL": "https://example.org/project",
        "BINDER_REF_URL": "https://example.org/project/tree/v1",
    }
    cells = ["from lt_helpers.labs import NoiseLab\nNoiseLab()", "answer = ..."]
    write_notebook(path, cells)
    with jupyterlab(tmp_path, port, **about_binder) as address_of:
        notebook = NotebookPage(context.new_page(), address_of("answers.ipynb"))
        notebook.run_all()
        lab = notebook.labs()[0]
        lab.press("Predict: σ read where σ is 4", "ArrowRight", times=3)
        predicted = lab.readout("Predict: σ read where σ is 4")
        kill_server(notebook.page, port)
        type_at_the_end(notebook.page, "  # 42, before the server came back")
        notebook.page.get_by_role("button", name="Save to browser storage").click()
        notebook.page.get_by_role("dialog").get_by_text("saved").wait_for()
    assert "# 42" not in path.read_text()

    with jupyterlab(
        tmp_path, port, **about_binder
    ) as address_of:  # with another token, as `make lab` would have
        wait_until(
            lambda: (
                notebook.command("docmanager:save") or "# 42, before the server came back" in path.read_text()
            ),
            90,
        )
        assert lab.readout("Predict: σ read where σ is 4") == predicted
        notebook.page.close()

        write_notebook(path, cells)
        again = NotebookPage(context.new_page(), address_of("answers.ipynb"))
        kept = again.page.locator(
            ".jp-Notebook .cm-content", has_text="answer = ...  # 42, before the server came back"
        )
        assert kept.count() == 0
        again.page.get_by_role("button", name="Restore from browser storage").click()
        again.page.get_by_role("dialog").get_by_role("button", name="OK").click()
        kept.wait_for()
        again.close()


def kill_server(page, port):
    """Kill it, and close what JupyterLab says of it: a dialog that comes up later would swallow what is typed."""
    option = f"--ServerApp.port={port}"
    next(
        process for process in psutil.process_iter(["cmdline"]) if option in (process.info["cmdline"] or ())
    ).kill()
    said = page.get_by_role("dialog", name="Server Connection Error")
    said.get_by_role("button", name="Close").click(timeout=60_000)
    said.wait_for(state="detached")


def type_at_the_end(page, text):
    """Type into the last cell of the notebook."""
    page.locator(".jp-Notebook .cm-content").last.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)
