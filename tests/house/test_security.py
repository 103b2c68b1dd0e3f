"""Nothing in the project opens a server to strangers, turns off trust, or lets a failed audit pass. Workflows: test_environment.py."""

import json
import re
from pathlib import Path

import pytest
from audit import verdict
from project_files import project_files

ROOT = Path(__file__).parents[2]
OPENS = re.compile(
    r"""(token|password)\s*=\s*(''|"")|--[\w.]*(token|password)=(\s|$)      # a server without its token
    |disable_check_xsrf|allow_unauthenticated|allow_origin|allow_remote_access|allow_all\b|0\.0\.0\.0|\bip\s*=\s*["']?(\*|["']["'])
    |jupyter[ -]trust|trust_xheaders|trusted-host|verify\s*=\s*False|CERT_NONE|sslVerify|--insecure|curl\s.*-\w*k\b|PYTHONHTTPSVERIFY
    |shell\s*=\s*True|os\.system""",
    re.X,
)
OPENED = {
    "tools/classroom.py: c.Authenticator.allow_all = True"
}  # whoever knows the password, which is drawn anew; on loopback
STARTS = re.compile(r"-m jupyterlab|\"-m\",\s*\"(jupyterlab|voila|jupyterhub)\"")  # a server of ours
HERE = ("--ServerApp.ip=127.0.0.1", '"--ip=127.0.0.1"', '"Voila.ip": "127.0.0.1"', "http://127.0.0.1:")


def texts():
    """The project's own text files, but for tests."""
    for path in project_files():
        if path.is_relative_to(ROOT / "tests") or path.name == "plotly.min.js":
            continue
        if path.suffix in {"", ".py", ".md", ".yml", ".yaml", ".json", ".toml", ".js", ".html", ".ipynb"}:
            yield path, path.read_text(errors="ignore")


def test_nothing_turns_off_authentication_or_trust():
    found = {
        f"{path.relative_to(ROOT)}: {line.strip()[:120]}"
        for path, text in texts()
        for line in text.splitlines()
        if OPENS.search(line)
    }
    assert found == OPENED


@pytest.mark.parametrize(
    "line",
    [
        *(
            "jupyter lab --IdentityProvider.token=",
            "c.ServerApp.token = ''",
            "ServerApp.password=''",
            "lab --ip=0.0.0.0",
            'c.ip = "*"',
        ),
        *(
            "c.ServerApp.disable_check_xsrf = True",
            "jupyter trust notebooks/*.ipynb",
            "pip install --trusted-host x y",
            "curl -sk https://x",
        ),
        *(
            "requests.get(url, verify=False)",
            "c.Authenticator.allow_all = True",
            "subprocess.run(command, shell=True)",
        ),
    ],
)
def test_such_a_line_would_be_found(line):
    assert OPENS.search(line)


def test_each_server_that_we_start_listens_on_loopback():
    starters = [(path, text) for path, text in texts() if path.suffix in {"", ".py"} and STARTS.search(text)]
    assert {path.name for path, _ in starters} >= {"Makefile", "browsing.py", "dashboard.py"}
    assert not [path.name for path, text in starters if not any(here in text for here in HERE)]


def answer(*packages):
    return json.dumps({"dependencies": packages})


CLEAN = {"name": "numpy", "version": "2.1", "vulns": []}
FAULTY = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
SKIPPED = {"name": "ours", "skip_reason": "Dependency not found on PyPI and could not be audited"}


@pytest.mark.parametrize(
    "output, words, well",
    [
        (answer(CLEAN), "1 packages audited, 0 known vulnerabilities.", True),
        (answer(CLEAN, SKIPPED), "Not audited: ours.", True),
        (answer(CLEAN, FAULTY), "old 1.0: PYSEC-1, mended in 1.1", False),
        (answer(SKIPPED), "Nothing was audited: the advisory service knows none of 1 packages", False),
        ("", "Nothing was audited: pip-audit could not ask the advisory service.\nno route to host", False),
    ],
)
def test_an_audit_that_could_not_be_made_is_no_success(output, words, well):
    said, good = verdict(output, "no route to host")
    assert words in said and good is well


def test_the_projects_files_are_found_without_git_too(tmp_path, monkeypatch):
    """As in an archive of the project, or in a folder of another owner."""
    with_git = set(project_files())
    monkeypatch.setenv("PATH", str(tmp_path))
    without = set(project_files())
    assert with_git <= without and not any(".venv" in path.parts or path.suffix == ".pyc" for path in without)
