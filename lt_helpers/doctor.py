"""Is what the labs need here? Each check says in one line what it found and, if something is wrong, what to do.

In a terminal: `python -m lt_helpers doctor`. In a notebook: `print(doctor.summary(doctor.check()))`, which says the same on every machine
where all is well.
"""

import os
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import numpy as np
from packaging.requirements import Requirement

from . import machine, pretrained

MB = 2**20


@dataclass(frozen=True)
class Finding:
    """subject : what was looked at.  found : what there is, in words.  remedy : what to do about it; empty if all is well."""

    subject: str
    found: str
    remedy: str = ""

    def __str__(self):
        return f"{'WRONG' if self.remedy else 'ok':5}  {self.subject}: {self.found}" + (
            f". {self.remedy}" if self.remedy else ""
        )


def check():
    """Look at everything -> list of Finding."""
    return [python(), packages(), front_end(), stored_models(), memory(), threads()]


def summary(findings):
    """One sentence if all is well, else a line for each thing that is wrong: nothing that differs between sound machines."""
    return (
        "\n".join(str(finding) for finding in findings if finding.remedy)
        or "Everything that the labs need is here."
    )


def python():
    """The version of Python."""
    found = ".".join(map(str, sys.version_info[:3]))
    remedy = (
        ""
        if sys.version_info >= (3, 11)
        else "The project needs Python 3.11 or later: make an environment with one."
    )
    return Finding("Python", found, remedy)


def packages():
    """The packages that the labs need, against the versions that pyproject.toml allows."""
    try:
        needed = [Requirement(line) for line in requires("lt_helpers")]
    except PackageNotFoundError:
        return Finding(
            "packages",
            "lt_helpers is not installed, only imported from a folder",
            "There: python -m pip install -e '.[labs]'",
        )
    needed = [
        one for one in needed if one.marker is None or one.marker.evaluate({"extra": "widgets"})
    ]  # the server may be another's
    found = {one.name: installed(one.name) for one in needed}
    bad = [
        one
        for one in needed
        if found[one.name] is None or not one.specifier.contains(found[one.name], prereleases=True)
    ]
    words = ", ".join(f"{name} {release or 'missing'}" for name, release in found.items())
    remedy = "python -m pip install " + " ".join(f"'{one.name}{one.specifier}'" for one in bad) if bad else ""
    return Finding("packages", words, remedy)


def front_end():
    """The part of ipywidgets and anywidget that runs in JupyterLab's page."""
    try:
        from jupyter_core.paths import jupyter_path
    except ModuleNotFoundError:
        return Finding(
            "widgets in the page", "Jupyter is not installed", "python -m pip install 'lt_helpers[labs]'"
        )
    parts = {"ipywidgets": "@jupyter-widgets/jupyterlab-manager", "anywidget": "anywidget"}
    missing = [
        name
        for name, part in parts.items()
        if not any(Path(folder, part).is_dir() for folder in jupyter_path("labextensions"))
    ]
    if missing:
        remedy = "If labs show as text only: install them where JupyterLab is installed, and reload the page."
        return Finding("widgets in the page", f"no front end of {' and '.join(missing)} here", remedy)
    return Finding("widgets in the page", f"the front ends of {' and '.join(parts)} are here")


def stored_models(folder=pretrained.FOLDER):
    """Every stored model is loaded."""
    remedy = "Get the files in lt_helpers/pretrained anew: git checkout lt_helpers/pretrained, or install the package again."
    try:
        there = pretrained.stored_by_id(folder)
        for which in there:
            model = pretrained.load_pretrained(which, folder=folder)
            if not (np.isfinite(model.P).all() and np.isfinite(model.Q).all()):
                return Finding("stored models", f"{which.label} is not finite", remedy)
    except (OSError, ValueError, TypeError) as error:
        return Finding("stored models", str(error).rstrip("."), remedy)
    return Finding("stored models", f"{len(there)}, all of them load", "" if there else remedy)


def memory():
    """What this process holds, and what the machine, or the container, grants."""
    held, granted, free = machine.memory()
    words = []
    if held is not None:
        words.append(f"this process holds {held / MB:.0f} MB")
    if free is not None and granted is not None:
        words.append(f"{free / MB:,.0f} of {granted / MB:,.0f} MB are free")
    remedy = ""
    if free is not None and free < 150 * MB:
        remedy = "A lab's kernel needs 150 MB: shut down kernels that you no longer use (Kernel > Shut Down All Kernels)."
    return Finding("memory", "; ".join(words) or "the system does not say how much there is", remedy)


def threads():
    """The threads that matrix products will use, against the processors that are granted."""
    there = machine.usable_processors()
    asked = [os.environ.get(name, "") for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")]
    asked = [int(number) for number in asked if number.isdecimal() and int(number)]
    used, granted = min([*asked[:1], there]), machine.processors()
    remedy = (
        f"More threads than processors make it slow: set OMP_NUM_THREADS={granted} before Python starts."
        if used > granted
        else ""
    )
    return Finding(
        "threads", f"{used} for matrix products, of {granted} processor{'s' * (granted > 1)} granted", remedy
    )


def installed(name):
    """The version of an installed package, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def add_arguments(parser):
    """doctor has no options."""


def run(args):
    """Print each finding -> 1 if something is wrong."""
    findings = check()
    print(*findings, sep="\n")
    return int(any(finding.remedy for finding in findings))
