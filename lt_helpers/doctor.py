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
from .language import Message, catalogue

MB = 2**20
NEEDED = 150  # MB: a lab's kernel
# No lab imports plotly, and a page's kernel fetches scikit-learn when a cell asks for it.
NOT_IN_A_PAGE = {"plotly", "scikit-learn"}


@dataclass(frozen=True)
class Finding:
    """subject : what was looked at.  found : what there is, in words.  remedy : what to do about it; empty if all is well."""

    subject: str
    found: str
    remedy: str = ""

    def __str__(self):
        line = "doctor.line_wrong" if self.remedy else "doctor.line"
        state = say("wrong") if self.remedy else say("ok")
        values = dict(subject=self.subject, found=self.found, remedy=self.remedy)
        return catalogue().say(Message(line, state=state, **values))


def say(entry, **values):
    """An entry of the doctor's, in the reader's language."""
    return catalogue().say(Message(f"doctor.{entry}", **values))


def check():
    """Look at everything -> list of Finding."""
    return [python(), packages(), front_end(), stored_models(), memory(), threads()]


def summary(findings):
    """One sentence if all is well, else a line for each thing that is wrong: nothing that differs between sound machines."""
    wrong = [str(finding) for finding in findings if finding.remedy]
    return "\n".join(wrong) or say("well")


def python():
    """The version of Python."""
    found = ".".join(map(str, sys.version_info[:3]))
    old = sys.version_info < (3, 11)
    return Finding(say("python"), found, say("python_old") if old else "")


def packages():
    """The packages that the labs need, against the versions that pyproject.toml allows."""
    try:
        needed = [Requirement(line) for line in requires("lt_helpers")]
    except PackageNotFoundError:
        return Finding(say("packages"), say("not_installed"), say("install_here"))
    in_labs = {"extra": "widgets"}  # the server may be another's
    needed = [one for one in needed if one.marker is None or one.marker.evaluate(in_labs)]
    if in_a_page():
        needed = [one for one in needed if one.name not in NOT_IN_A_PAGE]
    found = {one.name: installed(one.name) for one in needed}
    bad = [one for one in needed if not serves(one, found[one.name])]
    there = [say("package", name=name, release=release or say("missing")) for name, release in found.items()]
    names = ", ".join(there)
    if not bad:
        return Finding(say("packages"), names)
    commands = " ".join(f"'{one.name}{one.specifier}'" for one in bad)
    return Finding(say("packages"), names, say("install", packages=commands))


def in_a_page():
    """Does this Python run in a browser's page, where nothing is installed by hand?"""
    return sys.platform == "emscripten"


def serves(requirement, release):
    """Does an installed version, None where there is none, meet a requirement?"""
    return release is not None and requirement.specifier.contains(release, prereleases=True)


def front_end():
    """The part of ipywidgets and anywidget that runs in JupyterLab's page."""
    if in_a_page():
        return Finding(say("front_end"), say("front_end_of_page"))
    try:
        from jupyter_core.paths import jupyter_path
    except ModuleNotFoundError:
        return Finding(say("front_end"), say("no_jupyter"), say("install_labs"))
    parts = {"ipywidgets": "@jupyter-widgets/jupyterlab-manager", "anywidget": "anywidget"}
    folders = jupyter_path("labextensions")
    missing = [
        name for name, part in parts.items() if not any(Path(folder, part).is_dir() for folder in folders)
    ]
    if missing:
        return Finding(say("front_end"), say("no_front_end", names=missing), say("front_end_remedy"))
    return Finding(say("front_end"), say("front_ends", names=list(parts)))


def stored_models(folder=pretrained.FOLDER):
    """Every stored model is loaded."""
    remedy = say("models_remedy")
    try:
        there = pretrained.stored_by_id(folder)
        for which in there:
            model = pretrained.load_pretrained(which, folder=folder)
            if not (np.isfinite(model.P).all() and np.isfinite(model.Q).all()):
                return Finding(say("models"), say("not_finite", model=which.label), remedy)
    except (OSError, ValueError, TypeError) as error:
        return Finding(say("models"), str(error).rstrip("."), remedy)
    return Finding(say("models"), say("models_load", count=len(there)), "" if there else remedy)


def memory():
    """What this process holds, and what the machine, or the container, grants."""
    held, granted, free = machine.memory()  # None: the system does not say
    words = []
    if held is not None:
        words.append(say("memory_held", held=held / MB))
    if free is not None and granted is not None:
        words.append(say("memory_free", granted=granted / MB, free=free / MB))
    short = free is not None and free < NEEDED * MB
    return Finding(
        say("memory"), "; ".join(words) or say("memory_unknown"), say("memory_remedy") if short else ""
    )


def threads():
    """The threads that matrix products will use, against the processors that are granted."""
    there = machine.usable_processors()
    asked = [os.environ.get(name, "") for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")]
    asked = [int(number) for number in asked if number.isdecimal() and int(number)]
    used, granted = min([*asked[:1], there]), machine.processors()
    remedy = say("threads_remedy", granted=granted) if used > granted else ""
    return Finding(say("threads"), say("threads_used", used=used, count=granted), remedy)


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
