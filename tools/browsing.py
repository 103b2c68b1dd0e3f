"""A real JupyterLab on loopback, and a Chromium to look at it: for the browser tests, the pictures and the benchmark."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")  # as in tools/setup
# A host that is not this machine, as far as Chromium knows: it gets a page from there by plain http, without what it lends to its own.
PLAIN = "plain.test"
OPTIONS = "no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-component-update disable-sync"


@contextmanager
def chromium(*options):
    """A headless Chromium, the one that the variable CHROMIUM names or the first on the PATH, with these options too."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise FileNotFoundError(
            "no Chromium or Chrome on the PATH: `tools/setup chromium` installs one, the variable CHROMIUM names another."
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found,
            args=[
                *(f"--{option}" for option in (*OPTIONS.split(), *options)),
                f"--host-resolver-rules=MAP {PLAIN} 127.0.0.1",
            ],
        )
        yield browser
        browser.close()


@contextmanager
def jupyterlab(folder, port=None, **environment):
    """JupyterLab with `folder` as its root, settings of its own and a free port -> a function from a path in it to its address."""
    private = Path(folder) / ".jupyter"
    quiet = private / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True, exist_ok=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    places = (
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "IPYTHONDIR",
        "JUPYTERLAB_WORKSPACES_DIR",
    )
    private_places = {name: str(private / name) for name in places} | {
        "JUPYTERLAB_SETTINGS_DIR": str(private / "settings")
    }

    port, token = port or free_port(), secrets.token_hex(16)
    options = {
        "IdentityProvider.token": token,
        "ServerApp.port": port,
        "ServerApp.root_dir": folder,
        "LabApp.expose_app_in_browser": True,  # its commands can be run as its menus do
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--{name}={value}" for name, value in options.items()]
    with served(
        command,
        f"http://127.0.0.1:{port}/api?token={token}",
        private / "log",
        **private_places,
        **environment,
    ):
        # A workspace of its own for each address: in a shared one JupyterLab opens the notebooks of earlier visits as well.
        yield (
            lambda path: (
                f"http://127.0.0.1:{port}/lab/workspaces/{secrets.token_hex(4)}/tree/{path}?token={token}"
            )
        )


@contextmanager
def site_served(folder, log):
    """The site that lies in `folder`, shown by its own server -> the address, without a slash at its end."""
    address = f"http://127.0.0.1:{free_port()}"
    with served([sys.executable, folder / "serve.py", address.rpartition(":")[2]], f"{address}/", log):
        yield address


def plain(address):
    """The same server by a name that is not this machine's: what a page gets that came by plain http."""
    return address.replace("127.0.0.1", PLAIN)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def served(command, address, log, **environment):
    """A server that `command` starts, from when it answers at `address` on. What it says goes into the file `log`."""
    everything = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **environment}
    with open(log, "w") as said:
        server = subprocess.Popen(command, env=everything, stdout=said, stderr=subprocess.STDOUT)
        try:
            wait_for(address, server, log)
            yield
        finally:
            server.terminate()
            try:
                server.wait(20)
            except (
                subprocess.TimeoutExpired
            ):  # a Jupyter server now and then waits for ever when a kernel ended just before
                server.kill()
                server.wait()


def wait_for(address, server, log, seconds=60):
    for _ in range(seconds * 5):
        if server.poll() is not None:
            break
        try:
            return urlopen(address)
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"{Path(server.args[2]).name} did not start:\n{log.read_text()[-2000:]}")


def wait_until(true, seconds=30):
    """Ask `true()` until it is."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
