"""Every lab as a page of its own, without code: `python tools/dashboard.py` writes a notebook for each lab, and Voila serves them.

    python tools/dashboard.py [--port 8866] [--no-browser]
    python tools/dashboard.py --only-write      (for a Jupyter server that has Voila already: Binder's)

Voila runs a kernel for each visitor of a page and shows nothing but what the notebook draws. Its front page is a template of ours: all
labs, each with its picture and what it answers.
"""

import argparse
import html
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from pathlib import Path

import nbformat
from all_labs import all_labs, lab_call, write_notebook
from series import series

ROOT = Path(__file__).parents[1]
DASHBOARD = ROOT / "build" / "dashboard"
TEMPLATE = "labs"
# What a page needs of JupyterLab's extensions. Others would ask, on every page, for a server that is not there.
EXTENSIONS = ("@voila-dashboards/widgets-manager8", "@jupyter-widgets/jupyterlab-manager", "anywidget")
FRONT_PAGE = """\
{{% raw %}}<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>The labs</title>
<link rel="icon" href="data:,">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 1rem; }}
ul {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1.5rem; list-style: none; padding: 0; }}
h2 {{ font-size: 1.1rem; margin: .5rem 0 0; }}
p {{ margin: 0; }}
img {{ aspect-ratio: 2; background: white; border: 1px solid #8888; object-fit: contain; width: 100%; }}
</style>
<main>
<h1>The labs</h1>
<p>Each is live: its sliders move a model that runs here, for you alone.</p>
<ul>
{cards}
</ul>
</main>
</html>{{% endraw %}}
"""
CARD = """\
<li><a href="/voila/render/{name}.ipynb"><img src="/voila/templates/labs/static/{name}.png" alt=""><h2>{title}</h2></a>
<p>{question}</p></li>"""


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


def write_front_page(folder=DASHBOARD):
    """Voila's front page, as a template where `environment` lets Voila find it."""
    template = folder / "share" / "voila" / "templates" / TEMPLATE
    (template / "static").mkdir(parents=True, exist_ok=True)
    (template / "conf.json").write_text('{"base_template": "lab"}')
    cards = []
    for name, question in labs_in_order():
        cards.append(CARD.format(name=name, title=title_of(name), question=html.escape(question)))
        picture = ROOT / "docs" / "pictures" / f"{name}.png"
        if picture.exists():
            shutil.copy(picture, template / "static")
    (template / "tree-lab.html").write_text(FRONT_PAGE.format(cards="\n".join(cards)))


def title_of(name):
    """noise-lab -> Noise lab"""
    return name.replace("-", " ").capitalize()


def labs_in_order():
    """The labs as the series first shows them -> list of names, each with what the last notebook that shows it answers."""
    names = {kind: name for name, kind in all_labs().items()}
    questions = {}
    for notebook in series():
        cells = nbformat.read(ROOT / "notebooks" / f"{notebook['name']}.ipynb", as_version=4).cells
        for cell in cells:
            shown = lab_call(cell.source) if cell.cell_type == "code" else None
            if shown:
                questions[names[shown[0]]] = notebook["question"]
    return [*questions.items(), *((name, "") for name in names.values() if name not in questions)]


def command(port, folder=DASHBOARD):
    """How Voila is started. It asks for the token that stands in JUPYTER_TOKEN; kernels of visitors who have left end after ten minutes."""
    options = {
        "Voila.ip": "127.0.0.1",
        "Voila.port": port,
        "Voila.port_retries": 0,
        "Voila.auto_token": True,
        "Voila.open_browser": False,  # it would open a page without the token
        "Voila.log_level": "ERROR",  # it would print an address with "..." for the token
        "VoilaConfiguration.template": TEMPLATE,
        "MappingKernelManager.cull_idle_timeout": 600,
        "MappingKernelManager.cull_interval": 60,
    }
    settings = [f"--{name}={value}" for name, value in options.items()]
    settings += [f"--VoilaConfiguration.extension_allowlist={name}" for name in EXTENSIONS]
    return [sys.executable, "-m", "voila", str(folder), *settings]


def environment(token, folder=DASHBOARD):
    """What Voila's environment needs beside that of its starter -> dictionary of variables."""
    ours = {"JUPYTER_PATH": folder / "share", "JUPYTER_CONFIG_PATH": ROOT / "binder"}
    found = {
        name: os.pathsep.join(filter(None, [str(path), os.environ.get(name)])) for name, path in ours.items()
    }
    return {"JUPYTER_TOKEN": token, **found}


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
    write_front_page()
    token = secrets.token_hex(16)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    server = subprocess.Popen(command(options.port), env={**os.environ, **environment(token)})
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
