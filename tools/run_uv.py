"""Run uv as this machine's pip is set up: `python tools/run_uv.py pip install ...`.

uv is many times as fast as pip, but reads none of pip's configuration. So what pip is told here, in its files or by PIP_... variables,
such as a mirror or a folder of wheels, is told to uv by its own variables. One that is set already stays.
"""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

# An option of pip -> the variable of uv that means the same.
VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "constraint": "UV_CONSTRAINT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}
SEPARATORS = {"UV_FIND_LINKS": ","}  # between several values; the others take a space, as pip does
SECTIONS = ("global", "install", ":env:")  # of several that set the same option, pip heeds the last


def as_uv_says_it(listed):
    """pip's configuration as variables of uv.

    Parameters
    ----------
    listed : str
        What `pip config list` prints: lines such as `global.find-links='/srv/wheels'`.

    Returns
    -------
    dict of str to str
        Names of variables, and their values.
    """
    options = {section: {} for section in SECTIONS}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in options:
            options[section][option] = ast.literal_eval(value)

    # pip asks all of its indexes and takes the newest that fits; uv would take the first index that has the name.
    variables = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    for section in SECTIONS:
        for option, value in options[section].items():
            if option in VARIABLES:
                variable = VARIABLES[option]
                variables[variable] = SEPARATORS.get(variable, " ").join(value.split())
    return variables


def find_uv():
    """The uv beside this Python, or the one on the PATH.

    Raises
    ------
    SystemExit
        There is none.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which("uv", path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    if found is None:
        raise SystemExit("there is no uv: python -m pip install uv")
    return found


def environment():
    """The environment in which uv does as this machine's pip would -> dictionary of variables."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {**as_uv_says_it(listed), **os.environ}


def main(arguments):
    return subprocess.run([find_uv(), *arguments], env=environment()).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
