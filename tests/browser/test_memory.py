"""The half-day path in a real JupyterLab: left open it fits a machine of two gigabytes, and a closed notebook takes its kernel with it."""

import os

import psutil
import pytest
from browsing import wait_until
from series import half_day

MB = 2**20
NOTEBOOKS = half_day()

IDLE = """name => {
  const shown = window.jupyterapp?.shell.currentWidget;
  return shown?.title.label === name && shown.sessionContext?.session?.kernel?.status === "idle";
}"""


def server():
    """The process of the JupyterLab that the tests have started."""
    children = psutil.Process(os.getpid()).children()
    return next(child for child in children if "jupyterlab" in child.cmdline())


def family():
    """The server, its kernels, and whatever those have started -> dictionaries of what each is; one that has just ended has no memory."""
    processes = [server(), *server().children(recursive=True)]
    return [
        process.as_dict(["cmdline", "memory_full_info"], ad_value=None)
        for process in processes
        if process.is_running()
    ]


def kernels():
    return [about for about in family() if "ipykernel_launcher" in " ".join(about["cmdline"] or ())]


def held():
    """Megabytes of the server and its kernels together, shared pages counted once."""
    memory = [about["memory_full_info"] for about in family() if about["memory_full_info"]]
    return sum(getattr(info, "pss", info.uss) for info in memory) / MB


@pytest.mark.timeout(600)
def test_half_a_day_left_open_fits_two_gigabytes_and_closing_gives_it_back(open_notebook):
    before, rest = len(kernels()), held()
    page = open_notebook(f"{NOTEBOOKS[0]}.ipynb")
    page.run_all()
    most = held()
    for name in NOTEBOOKS[1:]:
        page.command("docmanager:open", path=f"notebooks/{name}.ipynb", factory="Notebook")
        page.page.wait_for_function(IDLE, arg=f"{name}.ipynb", timeout=60_000)
        page.command("notebook:run-all-cells")
        page.page.wait_for_function(IDLE, arg=f"{name}.ipynb", timeout=60_000)
        most = max(most, held())
    print(f"{len(NOTEBOOKS)} notebooks left open: {most:.0f} MB at most, {rest:.0f} MB before")
    assert len(kernels()) == before + len(NOTEBOOKS)
    assert most < 1500

    for _ in NOTEBOOKS[1:]:  # the first stays: it is closed with the page
        page.command("docmanager:save")
        page.page.evaluate("() => { jupyterapp.shell.currentWidget.close(); }")
        page.page.wait_for_timeout(500)
    wait_until(lambda: len(kernels()) == before + 1)
    assert held() < rest + 300
