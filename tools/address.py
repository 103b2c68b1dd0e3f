"""The project's public address, and the places that open it by that address. While it has none, nothing may point to one.

It stands in pyproject.toml. Where that holds the placeholder, a clone of a repository on GitHub knows its address all the same.
"""

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
GITHUB = "https://github.com/"
PLACEHOLDER = f"{GITHUB}OWNER/NAME"


def project():
    """The [project] table of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def address():
    """The project's public address.

    Returns
    -------
    str
        Such as https://github.com/someone/lt_helpers; empty where pyproject.toml holds the placeholder, and the clone comes from nowhere on
        GitHub.

    Raises
    ------
    SystemExit
        If pyproject.toml holds something else than a repository on GitHub.
    """
    stated = project()["urls"]["Repository"]
    if stated == PLACEHOLDER:
        return github_address(origin())
    found = github_address(stated)
    if not found:
        raise SystemExit(
            f"pyproject.toml states the Repository {stated!r}: it must be {PLACEHOLDER}, "
            "with the owner and the name of a repository on GitHub."
        )
    return found


def origin():
    """Where this clone comes from, as git says it; empty where there is no git, or no remote."""
    command = ["git", "-c", "safe.directory=*", "remote", "get-url", "origin"]
    try:
        # The project may lie in a folder of somebody else's repository, whose remote is not ours.
        if not (ROOT / ".git").exists():
            return ""
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def github_address(remote):
    """The page of a repository on GitHub -> str, empty where the remote is another place: a folder, or another host."""
    found = re.fullmatch(
        r"(?:https://(?:[^@/]*@)?|git@|ssh://git@)github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?", remote
    )
    return f"{GITHUB}{found[1]}" if found else ""


def binder(repository, version, notebook):
    """Where Binder opens a notebook, as it is at the version's tag."""
    return (
        f"https://mybinder.org/v2/gh/{repository.removeprefix(GITHUB)}/v{version}?urlpath=lab/tree/{notebook}"
    )


def binder_page(repository, version, page):
    """Where Binder shows a page of the dashboard and nothing else: Voila, on what binder/postBuild writes."""
    return (
        f"https://mybinder.org/v2/gh/{repository.removeprefix(GITHUB)}/v{version}?urlpath=voila/render/{page}"
    )


def colab(repository, version, notebook):
    """Where Colab opens a notebook."""
    return f"https://colab.research.google.com/github/{repository.removeprefix(GITHUB)}/blob/v{version}/{notebook}"


def lite(repository, notebook):
    """Where GitHub Pages opens a notebook in JupyterLite, which is a part of the site."""
    return f"{pages(repository)}lite/lab/index.html?path={notebook}"


def pages(repository):
    """Where GitHub Pages shows the site."""
    owner, name = repository.removeprefix(GITHUB).split("/")
    return f"https://{owner.lower()}.github.io/{name}/"
