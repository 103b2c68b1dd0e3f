"""A real JupyterLab on loopback, and a Chromium that opens notebooks in it."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import nbformat
import pytest
from playwright.sync_api import sync_playwright

from .page import NotebookPage

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TWO_LABS = ["from lt_helpers.labs import NoiseLab", "NoiseLab()", "NoiseLab(sigma=3.0, ghost={'sigma': 1.0})"]
QUIET = "no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-component-update disable-sync"


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory):
    """A running JupyterLab with a copy of the notebooks: a function from a notebook's name to its address."""
    folder = tmp_path_factory.mktemp("jupyter")
    notebooks = folder / "notebooks"
    shutil.copytree(ROOT / "notebooks", notebooks, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    write_notebook(notebooks / "two_labs.ipynb", TWO_LABS)
    quiet = folder / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    options = {
        "IdentityProvider.token": token,
        "ServerApp.port": port,
        "ServerApp.root_dir": folder,
        "LabApp.expose_app_in_browser": True,  # the tests run commands as the menus do
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--{name}={value}" for name, value in options.items()]
    private = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    private |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces")}
    environment = {**os.environ, **private, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}

    with open(folder / "jupyter.log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, folder / "jupyter.log")
            yield lambda name: f"http://127.0.0.1:{port}/lab/tree/notebooks/{name}?token={token}"
        finally:
            server.terminate()
            server.wait(20)


def write_notebook(path, cells):
    """An unexecuted notebook of code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, path)


def wait_for(address, server, log, seconds=60):
    for _ in range(seconds * 5):
        if server.poll() is not None:
            break
        try:
            return urlopen(address)
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.fail("No Chromium found: install it, or name it in the environment variable CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[f"--{option}" for option in QUIET.split()])
        yield browser
        browser.close()


@pytest.fixture
def open_notebook(browser, jupyter):
    """open_notebook("07_x.ipynb", width=1366, height=768, dark=False) -> NotebookPage; closed again after the test."""
    contexts = []

    def open_notebook(path, width=1366, height=768, dark=False):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
        contexts.append(context)
        return NotebookPage(context.new_page(), jupyter(path), dark)

    yield open_notebook
    for context in contexts:
        context.close()
