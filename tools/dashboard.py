"""Every lab as a page of its own, without code: `python tools/dashboard.py` writes a notebook for each lab, and Voila serves them.

    python tools/dashboard.py [--port 8866] [--no-browser]
    python tools/dashboard.py --only-write      (for a Jupyter server that has Voila already: Binder's)

Voila runs a kernel for each visitor of a page and shows nothing but what the notebook draws.
"""

import argparse
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from pathlib import Path

from all_labs import all_labs, write_notebook

DASHBOARD = Path(__file__).parents[1] / "build" / "dashboard"


def page_path(name, folder=DASHBOARD):
    """Where the page of a lab stands."""
    return folder / f"{name}.ipynb"


def write_pages(folder=DASHBOARD):
    """A notebook for each lab, which opens as the lab declares -> their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {page_path(name, folder): lab.__name__ for name, lab in all_labs().items()}
    for path, lab in pages.items():
        write_notebook(path, [f"from lt_helpers.labs import {lab}\n\n{lab}()"])
    return list(pages)


def command(port, folder=DASHBOARD):
    """How Voila is started. It asks for the token that stands in JUPYTER_TOKEN; kernels of visitors who have left end after ten minutes."""
    options = {
        "Voila.ip": "127.0.0.1",
        "Voila.port": port,
        "Voila.port_retries": 0,
        "Voila.auto_token": True,
        "Voila.open_browser": False,  # it would open a page without the token
        "MappingKernelManager.cull_idle_timeout": 600,
        "MappingKernelManager.cull_interval": 60,
    }
    return [
        sys.executable,
        "-m",
        "voila",
        str(folder),
        *(f"--{name}={value}" for name, value in options.items()),
    ]


def main():
    parser = argparse.ArgumentParser(description="Serve every lab as a page of its own.")
    parser.add_argument("--port", type=int, default=8866)
    parser.add_argument("--no-browser", action="store_true", help="only say the address")
    parser.add_argument("--only-write", action="store_true", help="write the notebooks, and serve nothing")
    options = parser.parse_args()
    if options.only_write:
        write_pages()
        return
    if answers(options.port):
        raise SystemExit(
            f"Port {options.port} is taken: choose another with --port (make dashboard PORT=9000)."
        )
    write_pages()
    token = secrets.token_hex(16)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    server = subprocess.Popen(command(options.port), env={**os.environ, "JUPYTER_TOKEN": token})
    try:
        while not answers(options.port):
            if server.poll() is not None:
                raise SystemExit("Voila did not start; its words are above.")
            time.sleep(0.2)
        address = f"http://127.0.0.1:{options.port}/?token={token}"
        print(f"The labs: {address} (Ctrl+C ends it)", flush=True)
        if not options.no_browser:
            webbrowser.open(address)
        server.wait()
    except KeyboardInterrupt:
        pass
    finally:  # after Ctrl-C Voila ends as well; whoever stops this script alone would leave it there
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    main()
