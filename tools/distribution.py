"""Pyodide, Python for a browser's page: where its files come from, and how they are laid out beside our own packages.

    python tools/distribution.py             # say where the distribution lies, after fetching it where it has to be fetched
    python tools/distribution.py FOLDER      # write pyodide.json anew, from a release of Pyodide that was unpacked into FOLDER

They come from the folder that the environment variable PYODIDE names, or from Pyodide's CDN, once, into a cache. Either way each file has
to have the checksum that pyodide.json has for it: a site is built from the release that is tested here, or not at all.
"""

import hashlib
import http.client
import json
import os
import shutil
import sys
import tempfile
import time
import zipfile
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = Path(__file__).with_name("pyodide.json")
CDN = "https://cdn.jsdelivr.net/pyodide/v{version}/full/"
CORE = ("pyodide.js", "pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip")
PACKAGES = ("scikit-learn", "ipython", "jedi", "micropip", "ssl")  # these, and what they need
INDEX = "pyodide-lock.json"  # where Pyodide looks up its packages
# What a requirement's marker is asked in a page.
IN_A_PAGE = {
    "extra": "",
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "wasm32",
    "platform_python_implementation": "CPython",
    "platform_system": "Emscripten",
    "sys_platform": "emscripten",
}
# Front ends: JupyterLab's extensions bring them, Python's side does without.
NOT_IN_A_PAGE = {"jupyterlab-widgets"}

TRIES = 3
PAUSE = 2.0  # seconds between two tries
SILENCE = 30.0  # seconds without a byte
PATIENCE = 600.0  # seconds for one file


class NoDistribution(Exception):
    """There is no distribution of Pyodide to build from; the message says in one sentence what is missing."""


class Bad(Exception):
    """A file did not come as it should; the message says how."""


def locked():
    """pyodide.json -> {"version": .., "files": {name: {"size": .., "sha256": ..}}, "index": what pyodide-lock.json holds}"""
    return json.loads(LOCK.read_text())


def lay_out(source, target, wheels):
    """Put the distribution into a folder, with more packages in its index.

    Parameters
    ----------
    source : Path
        The folder that `find` has found.
    target : Path
        The folder, made where there is none.
    wheels : list of Path
        Wheels of pure Python. They need nothing but each other and the distribution.

    Raises
    ------
    ValueError
        If a wheel needs what is not there.
    """
    lock = locked()
    target = Path(target)
    target.mkdir(parents=True, exist_ok=True)
    for name in lock["files"]:
        shutil.copyfile(source / name, target / name)
    for wheel in wheels:
        shutil.copyfile(wheel, target / Path(wheel).name)

    index = with_wheels(lock["index"], wheels)
    (target / INDEX).write_text(json.dumps(index))


def find(lock):
    """The folder with the whole distribution: the one that PYODIDE names, or the cache, which is filled where it has to be."""
    named = os.environ.get("PYODIDE")
    if named:
        folder = Path(named).resolve()
        if not folder.is_dir():
            raise NoDistribution(f"PYODIDE names {named}, where there is no folder.")
        wrong = first_fault(folder, lock["files"])
        if wrong:
            raise NoDistribution(
                f"PYODIDE names {named}, which is not Pyodide {lock['version']} as its makers released it: {wrong}."
            )
        return folder

    folder = cache() / f"pyodide-{lock['version']}"
    if not folder.is_dir() or first_fault(folder, lock["files"]):
        fetch_all(folder, lock)
    return folder


def cache():
    """Where what was fetched is kept: in XDG_CACHE_HOME, or in ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lt_helpers"


def first_fault(folder, files):
    """What is the matter with the files in a folder -> words, empty where all is well."""
    for name, about in files.items():
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            return f"{name} is missing" if isinstance(error, FileNotFoundError) else f"{name} cannot be read"
        if hashlib.sha256(content).hexdigest() != about["sha256"]:
            return f"{name} has another checksum than the lock, tools/{LOCK.name}"
    return ""


def fetch_all(folder, lock):
    """Fetch the whole distribution into `folder`, or leave nothing behind."""
    address = CDN.format(version=lock["version"])
    megabytes = sum(about["size"] for about in lock["files"].values()) / 1e6
    print(f"Fetching Pyodide {lock['version']} from {address} ({megabytes:.0f} MB, once).", flush=True)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as private:
            whole = Path(private) / "whole"
            whole.mkdir()
            for name, about in lock["files"].items():
                (whole / name).write_bytes(fetch(address, name, about, lock["version"]))
            shutil.rmtree(folder, ignore_errors=True)
            whole.rename(folder)
    except OSError as error:
        if folder.is_dir() and not first_fault(folder, lock["files"]):
            return  # somebody else was faster
        raise NoDistribution(
            f"Pyodide could not be kept in {folder.parent}: {error.strerror or error}. XDG_CACHE_HOME names another place."
        ) from None


def fetch(address, name, about, version):
    """One file from the CDN, tried again where that may help -> bytes"""
    for left in reversed(range(TRIES)):
        try:
            return fetch_once(address + name, about)
        except (Bad, HTTPError, OSError, http.client.HTTPException) as error:
            hopeless = isinstance(error, HTTPError) and error.code < 500 and error.code != 429
            if hopeless or not left:
                raise NoDistribution(
                    f"Pyodide's {name} did not come from {address}: {in_words(error)}. "
                    f"PYODIDE=folder names a folder that holds Pyodide {version}."
                ) from None
            time.sleep(PAUSE)
    return None


def fetch_once(address, about):
    """What lies at an address -> bytes of the right size and checksum. It says Bad otherwise."""
    latest = time.monotonic() + PATIENCE
    parts, count = [], 0
    with urlopen(address, timeout=SILENCE) as answer:
        while part := answer.read1(1 << 16):
            parts.append(part)
            count += len(part)
            if count > about["size"]:
                raise Bad(f"more came than its {about['size']:,} bytes")
            if time.monotonic() > latest:
                raise Bad(f"{count:,} of {about['size']:,} bytes came in {PATIENCE:.0f} seconds")
    if count < about["size"]:
        raise Bad(f"it broke off after {count:,} of {about['size']:,} bytes")
    content = b"".join(parts)
    if hashlib.sha256(content).hexdigest() != about["sha256"]:
        raise Bad(f"what came has another checksum than the lock, tools/{LOCK.name}")
    return content


def in_words(error):
    """Why a file did not come, for the end of a sentence."""
    if isinstance(error, HTTPError):
        return f"the server answered {error.code}"
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return f"nothing came for {SILENCE:.0f} seconds"
    if isinstance(reason, ConnectionError):
        return "the connection broke off"
    if isinstance(reason, http.client.HTTPException):
        return "the server's answer is no HTTP"
    return str(getattr(reason, "strerror", None) or reason)


def with_wheels(index, wheels):
    """The index of a distribution with entries for wheels -> a new one"""
    entries = [describe(Path(wheel)) for wheel in wheels]
    packages = {**index["packages"], **{entry["name"]: entry for entry in entries}}
    for entry in entries:
        missing = [name for name in entry["depends"] if name not in packages]
        if missing:
            raise ValueError(
                f"{entry['file_name']} needs {', '.join(missing)}, which neither the distribution nor another wheel holds."
            )
    return {**index, "packages": dict(sorted(packages.items()))}


def describe(wheel):
    """A wheel's entry in the index: its name, what it needs, what it can be imported as, and its checksum."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        about = HeaderParser().parsestr(archive.read(metadata).decode())
        paths = [PurePosixPath(name) for name in archive.namelist()]
    needed = map(Requirement, about.get_all("Requires-Dist", []))
    imports = {path.parts[0].removesuffix(".py") for path in paths if path.suffix == ".py"}
    return {
        "name": canonicalize_name(about["Name"]),
        "version": about["Version"],
        "file_name": wheel.name,
        "install_dir": "site",
        "package_type": "package",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "imports": sorted(imports),
        "depends": sorted({canonicalize_name(one.name) for one in needed if in_a_page(one)} - NOT_IN_A_PAGE),
    }


def in_a_page(requirement):
    """Whether a requirement holds in a page."""
    python = {"python_version": "3.12", "python_full_version": locked()["index"]["info"]["python"]}
    return requirement.marker is None or requirement.marker.evaluate({**IN_A_PAGE, **python})


def measured(path):
    """The length and the checksum of a file, by which a page finds what came damaged."""
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def lock_of(folder):
    """What pyodide.json says, from the folder of a release: the checksums of what the notebooks need of it."""
    index = json.loads((folder / INDEX).read_text())
    wanted, packages = list(PACKAGES), {}
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name not in packages:
            packages[name] = index["packages"][name]
            wanted += packages[name]["depends"]
    index["packages"] = dict(sorted(packages.items()))

    files = {}
    for name in (*CORE, *(about["file_name"] for about in index["packages"].values())):
        content = (folder / name).read_bytes()
        files[name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return {"version": index["info"]["version"], "files": files, "index": index}


def main(arguments):
    try:
        if arguments:
            LOCK.write_text(json.dumps(lock_of(Path(arguments[0])), indent=1) + "\n")
        print(f"Pyodide {locked()['version']}: {find(locked())}")
    except NoDistribution as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(sys.argv[1:])
