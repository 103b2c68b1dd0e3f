"""JupyterLite: all notebooks, run by a kernel in the page. `python tools/build_lite.py` writes build/site/lite.

Its sources are in lite/: which packages build it (requirements.txt, in an environment of its own, .venv-lite), which the page's kernel has
beside Pyodide (page.txt), and how it is set. The project's own wheel is made from the tree as it stands, so that the notebooks find the
package installed. Where there is no Pyodide to build from, or no registry, one sentence says so, and nothing is built.
"""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from distribution import NoDistribution, find, lay_out, locked, measured
from project_files import project_files

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "lite"
OUTPUT = ROOT / "build" / "site" / "lite"
ENVIRONMENT = ".venv-lite"
# What a learner opens, where its links expect it: notebooks/, and docs/ beside it.
CONTENTS = ("notebooks/*.ipynb", "docs/*.md", "docs/pictures/*")
STUBS = "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension/static/pypi"
PYODIDE = "static/pyodide"
APPS = ("lab", "notebooks")
WEATHER = "weather.js"
FILES = "weather.json"  # what it compares the files of the page's Python with
OLD_STUB = "widgetsnbextension-3"  # for ipywidgets 7


class LeftOut(Exception):
    """What JupyterLite is built from cannot be had here; the message says what."""


class NotBuilt(Exception):
    """JupyterLite could not be built though all was there; the message says why."""


def run(*command, cwd=ROOT, what, fault=NotBuilt):
    """Run a command quietly; its words are shown if it fails."""
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise fault(f"{what}:\n{done.stdout[-3000:]}")


def own_wheel(python, folder):
    """The project's wheel, made from its own files alone: what lies in build/ from earlier does not get into it."""
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "tree"
        for path in project_files():
            name = path.relative_to(ROOT)
            if name.parts[0] in {"lt_helpers", "pyproject.toml", "README.md", "LICENSE"}:
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, tree / name)
        options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder))
        run(python, "-m", "pip", "wheel", *options, str(tree), what="the project's wheel could not be made")


def wheels(python, folder):
    """All wheels that the page's kernel has beside Pyodide -> list of Path"""
    folder.mkdir()
    pure = ("--only-binary", ":all:", "--platform", "any", "--implementation", "py", "--abi", "none")
    options = ("--quiet", "--no-deps", "--require-hashes", *pure, "--python-version", "3.12")
    run(
        *(python, "-m", "pip", "download", *options, "--dest", str(folder)),
        *("--requirement", str(SOURCES / "page.txt")),
        what="the wheels of lite/page.txt could not be fetched",
        fault=LeftOut,
    )
    own_wheel(python, folder)
    for stub in (ROOT / ENVIRONMENT / STUBS).glob("*.whl"):
        if not stub.name.startswith(OLD_STUB):
            shutil.copyfile(stub, folder / stub.name)
    return sorted(folder.glob("*.whl"))


def write_contents(folder):
    """Copy what learners open."""
    for path in project_files():
        name = path.relative_to(ROOT)
        if any(name.match(pattern) for pattern in CONTENTS):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / name)


def add_weather(made):
    """Let the pages of JupyterLite say what goes wrong (lite/weather.js)."""
    shutil.copyfile(SOURCES / WEATHER, made / WEATHER)
    files = {path.name: measured(path) for path in sorted((made / PYODIDE).iterdir())}
    (made / FILES).write_text(json.dumps(files))
    for page in (made / app / "index.html" for app in APPS):
        text = page.read_text()
        if text.count("</head>") != 1:
            raise NotBuilt(f"{page.relative_to(made)} has no head, or several, to put {WEATHER} into.")
        page.write_text(text.replace("</head>", f'  <script src="../{WEATHER}" defer></script>\n  </head>'))


def build(output=OUTPUT):
    """Write JupyterLite into a folder, anew.

    Raises
    ------
    NoDistribution
        If there is no Pyodide to build from.
    LeftOut
        If the environment cannot be made, or wheels cannot be fetched.
    NotBuilt
        If a step of the build fails.
    """
    distribution = find(locked())  # before an environment is made for nothing
    if subprocess.run([ROOT / "tools" / "setup", "lite", ENVIRONMENT]).returncode:
        raise LeftOut(f"its environment, {ENVIRONMENT}, could not be made (the words are above).")
    python = str(ROOT / ENVIRONMENT / "bin" / "python")

    with tempfile.TemporaryDirectory() as place:
        sources = Path(place) / "lite"
        shutil.copytree(SOURCES, sources)
        (sources / WEATHER).unlink()
        write_contents(sources / "contents")
        lay_out(distribution, sources / PYODIDE, wheels(python, Path(place) / "wheels"))
        made = Path(place) / "made"
        run(
            *(python, "-m", "jupyterlite_core", "build", "--lite-dir", str(sources)),
            *("--output-dir", str(made)),
            cwd=sources,
            what="it could not be built",
        )
        add_weather(made)
        shutil.rmtree(output, ignore_errors=True)
        shutil.copytree(made, output)


def main():
    try:
        build()
    except (NoDistribution, LeftOut) as error:
        print(f"JupyterLite is left out of the site: {error}")
    except NotBuilt as error:
        raise SystemExit(f"JupyterLite: {error}") from None
    else:
        size = sum(path.stat().st_size for path in OUTPUT.rglob("*") if path.is_file())
        print(f"{OUTPUT}: {size / 1e6:.0f} MB. It wants a server: `make serve`.")


if __name__ == "__main__":
    main()
