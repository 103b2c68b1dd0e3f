"""The commands of the Makefile and of `python -m lt_helpers`: what they say, what they start, and how they fail."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import mutants
import pytest

from lt_helpers import Uniform, load_pretrained
from lt_helpers.__main__ import COMMANDS, main
from lt_helpers.pretrained import record

ROOT = Path(__file__).parents[2]


def run(*command, cwd=ROOT, **environment):
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )


NOTES = '#!/bin/sh\necho "$@" >>"$(dirname "$0")/calls"\n'  # a program that only notes how it is called
FAILS_TO_INSTALL = NOTES + '! echo "$*" | grep -q "pip install"\n'


@pytest.fixture
def project(tmp_path):
    """A folder with what tools/setup reads, and an environment whose python and uv only note how they are called."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "setup", tmp_path / "tools" / "setup")
    (tmp_path / "pyproject.toml").write_text('[project]\ntrain = ["torch>=2.6,<2.14"]\n')
    (tmp_path / "constraints.txt").write_text("numpy==2.4.6\n")
    for name in ("python", "uv"):
        write_program(tmp_path / "env" / "bin" / name, NOTES)
    return tmp_path


def write_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def bare_path(tmp_path):
    """A PATH with hardly more than a shell on it: no Python, no browser, and a user who is not root."""
    folder = tmp_path / "bare"
    folder.mkdir()
    for name in ("sh", "dirname", "cat"):
        (folder / name).symlink_to(shutil.which(name))
    (folder / "id").write_text("#!/bin/sh\necho 1000\n")
    (folder / "id").chmod(0o755)
    return str(folder)


def installs(project, environment="env"):
    """How an installer was called for the project itself, so far."""
    calls = (project / environment / "bin" / "calls").read_text().splitlines()
    return [call for call in calls if "pip install" in call and "--editable" in call]


def test_make_alone_lists_every_command():
    """Those that the Makefile has a rule for; and those that the pages for readers name."""
    listed = {line.split()[1] for line in run("make").stdout.splitlines() if line.startswith("  make ")}
    rules = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")] + list((ROOT / "docs").glob("*.md"))
    named = {name for page in pages for name in re.findall(r"(?m)(?:`|^)make ([a-z]+)", page.read_text())}
    assert listed == rules and named <= listed and len(named) > 10


def test_setup_installs_once_and_again_when_the_project_changes(project):
    assert run("tools/setup", "labs", "env", cwd=project).returncode == 0
    assert [call.split()[-1] for call in installs(project)] == [".[labs]"]
    assert run("tools/setup", "labs", "env", cwd=project).stdout == ""
    assert len(installs(project)) == 1
    (project / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    run("tools/setup", "labs", "env", cwd=project)
    assert len(installs(project)) == 2
    moved = project.rename(project.with_name("moved"))
    run("tools/setup", "labs", "env", cwd=moved)
    assert len(installs(moved)) == 3


def test_setup_for_the_tests_serves_the_labs_and_the_training(project):
    for extra in ("test", "labs", "train"):
        run("tools/setup", extra, "env", cwd=project)
    assert [call.split()[-1] for call in installs(project)] == [".[test]"]


@pytest.mark.parametrize(
    "first, second",
    [
        *(("dashboard", "labs"), ("classroom", "labs"), ("site", "labs"), ("test", "site")),
        *(("audit", "test"), ("audit", "train"), ("audit", "site")),
    ],
)
def test_setup_for_one_thing_serves_what_it_holds(project, first, second):
    for extra in (first, second):
        run("tools/setup", extra, "env", cwd=project)
    assert [call.split()[-1] for call in installs(project)] == [f".[{first}]"]


def test_our_environment_takes_the_known_versions_and_one_of_your_own_keeps_its(project):
    shutil.copytree(project / "env", project / ".venv")
    run("tools/setup", "labs", cwd=project)
    run("tools/setup", "labs", "env", cwd=project)
    (ours,), (own,) = installs(project, ".venv"), installs(project)
    assert ours.endswith("--constraint constraints.txt --editable .[labs]")
    assert "--constraint" not in own and "--upgrade" not in ours + own


def test_the_newest_versions_can_be_asked_for(project):
    (project / "env").rename(project / ".venv")
    run("tools/setup", "labs", cwd=project, LOCK="no")
    run("tools/setup", "labs", cwd=project)
    assert ["--constraint" in call for call in installs(project, ".venv")] == [False, True]
    assert ["--upgrade-package numpy" in call for call in installs(project, ".venv")] == [True, False]


def test_new_versions_are_installed(project):
    (project / "env").rename(project / ".venv")
    for versions in ("numpy==2.4.6\n", "numpy==2.4.7\n", "numpy==2.4.7\n"):
        (project / "constraints.txt").write_text(versions)
        run("tools/setup", "labs", cwd=project)
    assert len(installs(project, ".venv")) == 2


@pytest.mark.parametrize("extra, with_torch", [("labs", False), ("dashboard", False), ("train", True)])
def test_pytorch_is_pips_and_comes_with_training_alone(project, extra, with_torch):
    run("tools/setup", extra, "env", cwd=project)
    calls = (project / "env" / "bin" / "calls").read_text().splitlines()
    asked = [call for call in calls if "torch" in call]
    assert asked == (["-m pip install -qq torch>=2.6,<2.14"] if with_torch else [])


def test_where_uv_does_not_come_through_pip_installs(project):
    write_program(
        project / "env" / "bin" / "python", NOTES + '! echo "$*" | grep -q "run_uv.py pip install"\n'
    )
    done = run("tools/setup", "labs", "env", cwd=project)
    assert done.returncode == 0
    assert [call.split(" install")[0] for call in installs(project)] == ["tools/run_uv.py pip", "-m pip"]


def test_pip_brings_uv_where_the_machine_has_none(project, bare_path):
    for name in ("sed", "grep"):
        (Path(bare_path) / name).symlink_to(shutil.which(name))
    (project / "env" / "bin" / "uv").unlink()
    run("tools/setup", "labs", "env", cwd=project, PATH=bare_path)
    calls = (project / "env" / "bin" / "calls").read_text()
    assert calls.index("pip install -qqq uv>=") < calls.index("--editable")


def test_an_environment_without_pip_is_made_anew(project):
    """As Ctrl-C leaves it, or a first run without a network."""
    (project / "env").rename(project / ".venv")
    python, base = project / ".venv" / "bin" / "python", project / "base"
    python.write_text('#!/bin/sh\n[ "$2" != pip ]\n')
    write_program(base, '#!/bin/sh\n[ "$2" = venv ] && echo "#!/bin/sh" >.venv/bin/python\nexit 0\n')
    done = run("tools/setup", "labs", cwd=project, PYTHON=str(base))
    assert done.returncode == 0 and "Making .venv" in done.stdout
    assert run("tools/setup", "labs", cwd=project).stdout == ""


def test_without_a_network_the_labs_are_offered_without_torch(project):
    run("tools/setup", "labs", "env", cwd=project)
    write_program(project / "env" / "bin" / "python", FAILS_TO_INSTALL)
    done = run("tools/setup", "train", "env", cwd=project)
    assert done.returncode == 1 and "could not install PyTorch" in done.stderr
    assert "the labs work without" in done.stderr
    assert run("tools/setup", "labs", "env", cwd=project).returncode == 0


def test_the_labs_bring_pytorch_only_where_it_is_asked_for():
    plain, with_torch = (run("make", "--dry-run", "lab", *more).stdout for more in ([], ["TORCH=yes"]))
    assert "tools/setup train" not in plain and 'tools/setup train ".venv"' in with_torch


def test_an_empty_or_spaced_environment_is_one_word():
    assert 'tools/setup labs ".venv"' in run("make", "--dry-run", "lab", "VENV=").stdout
    spaced = run("make", "--dry-run", "lab", "VENV=/my env").stdout
    assert 'tools/setup labs "/my env"' in spaced and '"/my env/bin/python" -m jupyterlab' in spaced


def test_the_doctor_says_where_there_is_nothing_to_examine(tmp_path):
    done = run("make", "doctor", f"VENV={tmp_path}/none")
    assert done.returncode == 2 and "make lab makes it" in done.stderr


def test_setup_that_fails_is_tried_again(project):
    write_program(project / "env" / "bin" / "python", FAILS_TO_INSTALL)
    done = run("tools/setup", "labs", "env", cwd=project)
    assert done.returncode == 1
    assert "make: pip could not install the packages" in done.stderr
    assert run("tools/setup", "labs", "env", cwd=project).returncode == 1


def test_a_registry_that_lacks_a_version_is_no_dead_end(project):
    (project / "env").rename(project / ".venv")
    write_program(project / ".venv" / "bin" / "python", FAILS_TO_INSTALL)
    done = run("tools/setup", "labs", cwd=project)
    assert done.returncode == 1 and "make lab LOCK=no" in done.stderr


def test_without_python_setup_says_what_to_install(project, bare_path):
    done = run("tools/setup", "labs", cwd=project, PATH=bare_path)
    assert done.returncode == 1
    assert "no Python of version 3.11 to 3.14" in done.stderr and "python3-venv" in done.stderr


def test_a_folder_where_no_environment_can_be_is_named(project):
    folder = project / "a:b"
    folder.mkdir()
    for name in ("tools", "pyproject.toml", "constraints.txt"):
        (project / name).rename(folder / name)
    done = run("tools/setup", "labs", cwd=folder)
    assert done.returncode == 1 and f"{folder}/.venv has a : in its name" in done.stderr
    assert done.stderr.count("\n") == 1 and not (folder / ".venv").exists()


def test_no_bug_is_planted_where_the_tests_fail_before(monkeypatch):
    """Else each would count as found."""
    monkeypatch.setattr("mutants.copy_project", lambda folder: None)  # no test is there: pytest fails
    monkeypatch.setattr("sys.argv", ["mutants.py"])
    monkeypatch.setattr("mutants.mutants", lambda only: [("core", "lt_helpers/task.py", "core/AddNot", 0)])
    monkeypatch.setattr("mutants.is_found", lambda *mutant: pytest.fail("a bug was planted"))
    with pytest.raises(SystemExit, match="tests/unit fails on the project as it is"):
        mutants.main()


def test_cleaning_says_what_it_removes_and_leaves_an_environment_of_your_own():
    plain, own = (run("make", "--dry-run", "clean", *more) for more in ((), ("VENV=/my env",)))
    assert "rm -rf .venv .venv-lite build" in plain.stdout and "remove .venv" in run("make").stdout
    assert own.returncode == 2 and "clean removes .venv" in own.stderr and "rm -rf" not in own.stdout


def test_without_a_browser_setup_says_what_to_install(project, bare_path):
    done = run("tools/setup", "chromium", cwd=project, PATH=bare_path)
    assert done.returncode == 1
    assert "Chromium" in done.stderr


def test_a_folder_that_is_no_environment_is_left_alone(project):
    (project / "mine").mkdir()
    (project / "mine" / "letter.txt").write_text("Dear")
    done = run("tools/setup", "labs", "mine", cwd=project)
    assert done.returncode == 1 and "mine has no bin/python" in done.stderr
    assert (project / "mine" / "letter.txt").exists()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """`make lab` in this environment -> what the running server says of itself: url, token, hostname, ..."""
    folder = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    private = {
        name: str(folder) for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR")
    }
    command = ["make", "--old-file=lab-environment", "lab", f"VENV={sys.prefix}", f"PORT={port}", "OPEN=no"]
    server = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **private}, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        about = None
        for _ in range(300):
            assert server.poll() is None, server.stderr.read().decode()
            about = about or next(folder.glob("jpserver-*.json"), None)
            if about and answers(port):
                break
            time.sleep(0.1)
        yield json.loads(about.read_text())
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        server.stderr.close()


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask(lab, path, token=True):
    headers = {"Authorization": f"token {lab['token']}"} if token else {}
    return urlopen(Request(lab["url"] + path, headers=headers))


def test_lab_listens_on_loopback_and_asks_for_its_token(lab):
    assert lab["hostname"] == "127.0.0.1"
    assert len(lab["token"]) > 20
    with pytest.raises(HTTPError, match="403"):
        ask(lab, "api/contents", token=False)
    assert ask(lab, "api/contents").status == 200


def test_lab_opens_the_first_notebook(lab):
    assert "/lab/tree/notebooks/00_start_here.ipynb" in ask(lab, "").url
    assert json.load(ask(lab, "api/contents/notebooks/00_start_here.ipynb?content=0"))["type"] == "notebook"


def test_closing_a_notebook_shuts_its_kernel_down(lab):
    settings = json.load(ask(lab, "lab/api/settings/@jupyterlab/notebook-extension:tracker"))
    assert settings["schema"]["properties"]["kernelShutdown"]["default"] is True


def test_lab_does_not_ask_about_news(lab):
    settings = json.load(ask(lab, "lab/api/settings/@jupyterlab/apputils-extension:notification"))
    assert settings["schema"]["properties"]["fetchNews"]["default"] == "false"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as done:
        main([name, "--help"])
    assert done.value.code == 0
    assert f"python -m lt_helpers {name}" in capsys.readouterr().out


def test_an_unknown_command_is_answered_with_those_that_are_there(capsys):
    with pytest.raises(SystemExit) as done:
        main(["dance"])
    assert done.value.code == 2
    said = capsys.readouterr().err
    assert "dance" in said and all(name in said for name in COMMANDS)


def test_training_without_torch_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("lt_helpers.training")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        SystemExit, match=r"train needs torch, which is not installed: pip install 'lt_helpers\[train\]'"
    ):
        main(["train", "--help"])


def test_evaluate_weighs_a_model_file(tmp_path, capsys):
    path = tmp_path / "model.safetensors"
    load_pretrained("diag", 2, Uniform(5)).save(path)
    main(["evaluate", str(path), "--noise", "uniform:5", "--samples", "20000", "--seed", "3"])
    said = dict(line.split(": adjusted loss ") for line in capsys.readouterr().out.splitlines())
    (model, loss), (bayes, least) = said.items()
    assert model == "LinearTransformer(kind='diag', layers=2, heads=1, dim=10)" and bayes == "bayes"
    expected = record("diag", 2, Uniform(5))
    assert abs(float(loss.split()[0]) - expected["loss"]) < 0.02 and float(least.split()[0]) < float(
        loss.split()[0]
    )
    assert main(["evaluate", str(tmp_path / "none"), "--noise", "uniform:5"]) == 2
    assert "there is no weights file" in capsys.readouterr().err
