"""The lock, constraints.txt: it fits pyproject.toml and the suite, names no machine, and uv finds what pip would find."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from run_uv import as_uv_says_it

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LINES = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
LOCKED = [Requirement(line) for line in LINES]
WANTED = [
    one
    for line in [*PROJECT["dependencies"], *sum(PROJECT["optional-dependencies"].values(), [])]
    if (one := Requirement(line)).name not in {"lt_helpers", "torch"}
]
PYTHONS = ["3.11.0", "3.11.9", "3.12.1", "3.13.0", "3.14.0"]
SYSTEMS = {
    "Linux": dict(sys_platform="linux", os_name="posix", platform_system="Linux"),
    "macOS": dict(sys_platform="darwin", os_name="posix", platform_system="Darwin"),
    "Windows": dict(sys_platform="win32", os_name="nt", platform_system="Windows"),
}


def versions_on(python, system):
    """The versions for a Python on a system -> dictionary of names and lists of versions."""
    there = {
        **default_environment(),
        **SYSTEMS[system],
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
    }
    found = {}
    for one in LOCKED:
        if one.marker is None or one.marker.evaluate(there):
            (pin,) = one.specifier
            found.setdefault(canonicalize_name(one.name), []).append(pin.version)
    return found


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_each_package_has_one_version_that_its_range_allows(python, system):
    found = versions_on(python, system)
    assert [name for name, versions in found.items() if len(versions) > 1] == []
    for one in WANTED:
        (locked,) = found[canonicalize_name(one.name)]
        assert one.specifier.contains(locked), f"{one} allows no {locked}: make lock"


@pytest.mark.parametrize("line", LINES)
def test_a_version_is_one_that_everybody_finds(line):
    """No local version (`+cpu`), no file, no address."""
    assert re.fullmatch(r"[a-z0-9-]+==[\d.]+(\.?(post|rc|b|a)\d+)?( ; [^/]+)?", line)


def test_pytorch_and_its_cuda_stay_out():
    assert not re.search(r"(?m)^(torch|nvidia|triton|cuda|sympy)", "\n".join(LINES))


@pytest.mark.skipif(
    Path(sys.prefix) != ROOT / ".venv" or os.environ.get("LOCK") == "no",
    reason="this environment is not one that the project made from its lock",
)
def test_the_suite_runs_with_the_locked_versions():
    here = default_environment()["python_full_version"]
    system = next(name for name, one in SYSTEMS.items() if one["sys_platform"] == sys.platform)
    for name, (locked,) in versions_on(here, system).items():
        try:
            found = version(name)
        except PackageNotFoundError:  # of an extra that the tests do not need
            continue
        assert name == "pip" or found == locked, (
            f"{name} {found}, and constraints.txt says {locked}: make test"
        )


PIP_SAYS = """\
:env:.find-links='/srv/wheels /srv/more wheels'
global.extra-index-url='\\nhttps://one.example/simple\\nhttps://two.example/simple'
global.find-links='/elsewhere'
global.index-url='https://mirror.example/simple'
install.index-url='https://nearer.example/simple'
install.no-index='true'
global.cert='/etc/ours.pem'
download.dest='wheels'
user.color='never'
"""


def test_uv_is_told_what_pip_is_told():
    assert as_uv_says_it(PIP_SAYS) == {
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_DEFAULT_INDEX": "https://nearer.example/simple",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "UV_FIND_LINKS": "/srv/wheels,/srv/more,wheels",
        "UV_NO_INDEX": "true",
        "SSL_CERT_FILE": "/etc/ours.pem",
    }


def test_a_pip_without_configuration_leaves_uv_as_it_is():
    assert as_uv_says_it("") == {"UV_INDEX_STRATEGY": "unsafe-best-match"}


def test_a_variable_of_uv_that_is_set_stays(tmp_path):
    """And what pip reads from a file of its own arrives: pip itself is asked here, and a uv that prints its environment."""
    (tmp_path / "pip.conf").write_text(
        "[global]\nfind-links = /srv/wheels\nindex-url = https://mirror.example/simple\n"
    )
    fake = tmp_path / "uv"
    fake.write_text(
        f"#!{sys.executable}\nimport json, os, sys\nprint(json.dumps([sys.argv[1:], dict(os.environ)]))\n"
    )
    fake.chmod(0o755)
    code = f"import run_uv; run_uv.find_uv = lambda: {str(fake)!r}; run_uv.main(['pip', 'list'])"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "tools"),
            "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"),
            "UV_DEFAULT_INDEX": "https://chosen.example/simple",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    arguments, environment = json.loads(said.stdout)
    assert arguments == ["pip", "list"]
    assert environment["UV_DEFAULT_INDEX"] == "https://chosen.example/simple"
    assert environment["UV_FIND_LINKS"] == "/srv/wheels"
