"""What makes the labs of the site live: Python for pages, with the package, and what the pages need to talk to it.

`build_engine(site)` lays it into a site that has been built, as site/engine, and names its scripts on every page that shows a lab or an
exercise. Pyodide comes from where distribution.py finds it; where it finds none the pages stay as they are.
"""

import json
import os
import re
import shutil
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import nbformat
from all_labs import placed
from cell_names import needed
from distribution import find, locked, measured
from project_files import project_files

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "tools" / "website" / "engine"
DISTRIBUTION = ("pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
# What the worker loads of it, in bytes that are counted and checked.
LOADED = ("pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
FOR_PAGES = ("engine.js", "worker.js", "widgets.js", "editor.js")
STYLES = ("widgets.css", "engine.css")  # as one
# For widgets, all of it plain Python, from the environment that builds the site.
WIDGETS = ("anywidget", "comm", "ipywidgets", "packaging", "psygnal", "traitlets", "typing_extensions")
HEAVY = ("plotly.min.js",)  # the page has it already
# What is heavy and few pages need: the kind of lab for which a page loads it, and the folder, which is an archive of its own.
APART = {"SoftmaxLab": "lt_helpers/pretrained/softmax"}


def build_engine(site):
    """Lay the engine into the folder `site`, and name it on its pages.

    Raises
    ------
    NoDistribution
        If Pyodide can neither be found nor fetched, or one of its files is damaged.
    """
    source = find(locked())
    engine = site / "engine"
    (engine / "pages").mkdir(parents=True)
    lay_out(engine / "pyodide", source)
    write_packages(engine / "packages.zip")
    apart = {kind: write_apart(folder, engine) for kind, folder in APART.items()}
    for name in FOR_PAGES:
        shutil.copy(SOURCES / name, engine / name)
    (engine / "engine.css").write_text("\n".join((SOURCES / name).read_text() for name in STYLES))

    wheel = next((engine / "pyodide").glob("numpy-*.whl"))
    loaded = [*(engine / "pyodide" / name for name in LOADED), wheel, engine / "packages.zip"]
    files = {path.relative_to(engine).as_posix(): measured(path) for path in loaded}
    found = {path.stem: contents(path) for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))}
    labs = {name: lab for one in found.values() for name, lab in one["labs"].items()}
    exercises = {stem.lower(): one["exercises"] for stem, one in found.items()}
    for page in site.rglob("*.html"):
        name_scripts(page, engine, files, apart, labs, exercises.get(page.stem, []))


def lay_out(target, folder):
    """Copy what the labs need of a distribution of Pyodide: the interpreter, NumPy, and a lock file that names nothing else."""
    target.mkdir(parents=True)
    for name in DISTRIBUTION:
        shutil.copy(folder / name, target / name)
    lock = json.loads((folder / "pyodide-lock.json").read_text())
    lock["packages"] = {"numpy": lock["packages"]["numpy"]}
    (target / "pyodide-lock.json").write_text(json.dumps(lock))
    shutil.copy(folder / lock["packages"]["numpy"]["file_name"], target)


def write_packages(path):
    """Zip the package as it stands, what it needs for widgets, and the engine's own side."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in project_files():
            if is_in_package(file) and not any(file.is_relative_to(ROOT / one) for one in APART.values()):
                archive.write(file, file.relative_to(ROOT))
        for name in WIDGETS:
            for file in distribution(name).files:
                is_code = file.suffix == ".py" and not {"..", "tests"} & set(file.parts)
                if is_code or file.name == "METADATA":
                    archive.write(file.locate(), file)
        for file in sorted(SOURCES.rglob("*.py")):
            archive.write(file, file.relative_to(SOURCES))


def is_in_package(file):
    """Is a file of the project one that the package needs in a page?"""
    return file.is_relative_to(ROOT / "lt_helpers") and file.name not in HEAVY


def write_apart(folder, engine):
    """Zip a folder of the package by itself -> what a page needs to load it, {name: {bytes, sha256}}"""
    path = engine / f"{Path(folder).name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in project_files():
            if is_in_package(file) and file.is_relative_to(ROOT / folder):
                archive.write(file, file.relative_to(ROOT))
    return {path.name: measured(path)}


def contents(path):
    """The labs of a notebook, by the names of their places, and its exercises."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    labs = {
        name: {"kind": kind.__name__, "values": values}
        for name, kind, values in placed(path.stem, [cell.source for cell in cells]).values()
    }
    return {"labs": labs, "exercises": exercises_of(cells)}


def exercises_of(cells):
    """What a page needs to check each exercise of a notebook: the cell that is written, the one that checks, and those that these need."""
    sources = [cell.source for cell in cells]
    tags = [cell.metadata.get("tags", []) for cell in cells]
    found = []
    for index, tagged in enumerate(tags):
        if "check" not in tagged:
            continue
        attempt = max(earlier for earlier in range(index) if "exercise" in tags[earlier])
        chosen = [
            one for one in needed(sources[: index + 1], [attempt, index]) if "exercise" not in tags[one]
        ]
        found.append(
            {
                "attempt": sources[attempt],
                "cells": [sources[one] for one in chosen if one != index],
                "verdict": sources[index],
            }
        )
    return found


def name_scripts(page, engine, files, apart, labs, exercises):
    """Put the engine's scripts on a page that has something for it to do."""
    text = page.read_text()
    here = {name: labs[name] for name in re.findall(r'data-(?:lab|live)="([^"]+)"', text) if name in labs}
    if not here and not exercises:
        return
    script = engine / "pages" / f"{page.stem}.js"
    kinds = {lab["kind"] for lab in here.values()}
    more = {name: file for kind in kinds & set(apart) for name, file in apart[kind].items()}
    content = {"files": files | more, "labs": here, "exercises": exercises}
    script.write_text(f"globalThis.ltPageNow = {json.dumps(content, ensure_ascii=False)};\n")
    way = os.path.relpath(engine, page.parent)
    names = "\n".join(
        f'<script defer src="{way}/{source}"></script>' for source in (f"pages/{page.stem}.js", "engine.js")
    )
    page.write_text(text.replace("</body>", f"{names}\n</body>"))
