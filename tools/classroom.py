"""A room of learners on one JupyterHub, without their browsers: `make classroom USERS=8`, or `python tools/classroom.py 8`.

A real Hub with configurable-http-proxy starts on loopback, with hub/jupyterhub_config.py. Then, all learners at once: (1) each starts a
server, opens notebook 00 and runs it; (2) each goes through the half-day path, closing each notebook before the next; (3) again, leaving
all of them open. Everything goes through REST and the kernels' websockets, as from JupyterLab's page. It prints the time from pressing
Start to the first lab's arrival, and memory as each learner's share of what is mapped (PSS): server and kernels, hub and proxy apart.
"""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import nbformat
import psutil
import requests
from address import ROOT
from websocket import create_connection
from write_readme import half_day

MB = 1e6
PATIENCE = 600  # seconds that anything may take on a busy machine
LAB = "application/vnd.jupyter.widget-view+json"
CONFIG = """
load_subconfig({shared!r})
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = {token!r}
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + "/{{username}}"
c.Spawner.environment["JUPYTER_CONFIG_PATH"] = {binder!r}
c.Spawner.args = ["--allow-root"]
c.JupyterHub.services = [dict(name="room", api_token={token!r})]
c.JupyterHub.load_roles = [dict(name="room", services=["room"], scopes=["admin:users", "admin:servers", "access:servers"])]
"""


def free_ports(count):
    """Ports on loopback that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Hub:
    """A JupyterHub on loopback, in a folder of its own, for as long as the `with` block lasts."""

    def __init__(self, folder, proxy):
        self.folder, self.token = Path(folder), secrets.token_hex(16)
        port, hub_port, proxy_port = free_ports(3)
        self.url = f"http://127.0.0.1:{port}"
        places = dict(
            shared=str(ROOT / "hub" / "jupyterhub_config.py"),
            binder=str(ROOT / "binder"),
            homes=str(self.folder / "homes"),
        )
        settings = CONFIG.format(
            port=port, hub_port=hub_port, proxy_port=proxy_port, proxy=proxy, token=self.token, **places
        )
        (self.folder / "config.py").write_text(settings)

    def __enter__(self):
        path = os.pathsep.join(
            [str(Path(sys.executable).parent), os.environ["PATH"]]
        )  # its node, its jupyterhub-singleuser
        with (self.folder / "log").open("w") as log:
            command = [sys.executable, "-m", "jupyterhub", "--config", "config.py"]
            self.process = subprocess.Popen(
                command, cwd=self.folder, env={**os.environ, "PATH": path}, stdout=log, stderr=log
            )
        try:
            self.until(lambda: self.ask("GET", "/hub/api/", expected=(200, 404, 503)), "the Hub to start")
        except BaseException as error:
            self.__exit__(type(error))
            raise
        return self

    def __exit__(self, error, *_):
        """Stop the Hub, and all that it has started; after an error, show how its log ends."""
        started = (
            psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        )
        self.process.terminate()
        try:
            self.process.wait(20)
        finally:  # whatever interrupts the wait: nothing stays behind
            self.process.kill()
            for process in started:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        if error:
            print(f"The Hub's log ends with:\n{(self.folder / 'log').read_text()[-5000:]}", file=sys.stderr)

    def ask(self, method, path, expected=(200, 201, 202, 204), **more):
        """One request -> the response; None while nobody answers."""
        try:
            response = requests.request(
                method,
                self.url + path,
                headers={"Authorization": f"token {self.token}"},
                timeout=PATIENCE,
                **more,
            )
        except requests.ConnectionError:
            return None
        if response.status_code not in expected:
            raise RuntimeError(f"{method} {path}: {response.status_code} {response.text[:300]}")
        return response

    def until(self, answered, what):
        """Ask again and again until there is an answer -> it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            if answer := answered():
                return answer
            time.sleep(0.2)
        raise RuntimeError(f"waited in vain for {what}.")

    def memory(self):
        """Megabytes by who holds them: {"hub": .., "proxy": .., name of a learner: ..}"""
        hub = psutil.Process(self.process.pid)
        held = {"hub": share(hub)}
        for child in hub.children():
            with suppress(psutil.Error):  # it has just ended
                is_proxy = "configurable-http-proxy" in " ".join(child.cmdline())
                who = "proxy" if is_proxy else child.environ().get("JUPYTERHUB_USER", "hub")
                held[who] = held.get(who, 0) + sum(map(share, [child, *child.children(recursive=True)]))
        return held


def share(process):
    """A process's proportional share of the memory that it maps, in megabytes (what only it maps, where the system knows no shares)."""
    try:
        info = process.memory_full_info()
    except psutil.Error:
        return 0.0
    return getattr(info, "pss", info.uss) / MB


class Learner:
    """Someone at a page of the Hub."""

    def __init__(self, hub, name):
        self.hub, self.name, self.sessions = hub, name, []
        shutil.copytree(
            ROOT / "notebooks", hub.folder / "homes" / name / "notebooks", ignore=shutil.ignore_patterns(".*")
        )

    def ask(self, method, path, **more):
        return self.hub.ask(method, f"/user/{self.name}{path}", **more)

    def begin(self):
        """Press Start, load JupyterLab's page, open notebook 00 and run it -> seconds until its first lab has arrived."""
        start = time.monotonic()
        self.hub.ask("POST", f"/hub/api/users/{self.name}")
        self.hub.ask("POST", f"/hub/api/users/{self.name}/server")
        with self.hub.ask(
            "GET", f"/hub/api/users/{self.name}/server/progress", stream=True
        ) as progress:  # as the Hub's page follows it
            events = [json.loads(row[5:]) for row in progress.iter_lines() if row.startswith(b"data:")]
        if not events[-1].get("ready"):
            raise RuntimeError(f"the server of {self.name} did not start: {events[-1]}")
        page = self.ask("GET", "/lab").text
        for script in re.findall(r'<script[^>]* src="([^"]+)"', page):
            self.hub.ask("GET", script)
        return self.open(half_day()[0]) - start

    def open(self, name):
        """Open a notebook and run all of its cells -> the moment at which its first lab arrived."""
        path = f"notebooks/{name}.ipynb"
        notebook = nbformat.from_dict(self.ask("GET", f"/api/contents/{path}").json()["content"])
        wanted = dict(path=path, name=name, type="notebook", kernel=dict(name="python3"))
        session = self.ask("POST", "/api/sessions", json=wanted).json()
        self.sessions.append(session["id"])
        address = f"{self.hub.url.replace('http', 'ws')}/user/{self.name}/api/kernels/{session['kernel']['id']}/channels"
        channel = create_connection(
            address, header=[f"Authorization: token {self.hub.token}"], timeout=PATIENCE
        )
        try:
            seen = [
                moment
                for cell in notebook.cells
                if cell.cell_type == "code"
                for moment in run(channel, cell.source, name)
            ]
        finally:
            channel.close()
        return seen[0]

    def close(self):
        """Close all notebooks; JupyterLab shuts their kernels down (binder/labconfig)."""
        while self.sessions:
            self.ask("DELETE", f"/api/sessions/{self.sessions.pop()}")


def run(channel, source, name):
    """Run one cell over the websocket of its kernel -> the moments at which labs arrived."""
    header = dict(
        msg_id=uuid.uuid4().hex, session="room", username="", msg_type="execute_request", version="5.3"
    )
    content = dict(
        code=source,
        silent=False,
        store_history=True,
        user_expressions={},
        allow_stdin=False,
        stop_on_error=True,
    )
    channel.send(
        json.dumps(dict(header=header, parent_header={}, metadata={}, content=content, channel="shell"))
    )
    labs, replied, idle = [], False, False
    while not (replied and idle):
        message = parsed(channel.recv())
        if message["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "error":
            raise RuntimeError(f"{name}: {content['ename']}: {content['evalue']}")
        labs += [time.monotonic()] * (LAB in content.get("data", {}))
        replied, idle = (
            replied or kind == "execute_reply",
            idle or (kind, content.get("execution_state")) == ("status", "idle"),
        )
    return labs


def parsed(frame):
    """A message from a kernel. One with buffers is binary: how many parts, where each begins, and the first of them is the text."""
    if isinstance(frame, bytes):
        start, end = (int.from_bytes(frame[place : place + 4]) for place in (4, 8))
        frame = frame[start:end]
    return json.loads(frame)


class Peak:
    """The largest memory of each, looked at every second while the `with` block lasts."""

    def __init__(self, hub):
        self.hub, self.most, self.ended = hub, {}, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self.most

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def _watch(self):
        while True:
            last = self.ended.is_set()
            held = self.hub.memory()
            held["all"] = sum(held.values())
            self.most |= {who: max(amount, self.most.get(who, 0)) for who, amount in held.items()}
            if last:
                return
            self.ended.wait(1)


def measured(hub, learners, pool, what):
    """All learners do `what` at once -> what each gave back, seconds, peaks in megabytes."""
    start = time.monotonic()
    with Peak(hub) as most:
        results = list(pool.map(what, learners))
    return results, time.monotonic() - start, most


def through(learner, close):
    """The half-day path."""
    for name in half_day():
        if (ROOT / "notebooks" / f"{name}.ipynb").exists():
            learner.open(name)
            if close:
                learner.close()


def report(users, proxy):
    """Run the three parts and print a line for each."""
    print(
        f"{users} learners at once, {psutil.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before the start",
        flush=True,
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        Hub(folder, proxy) as hub,
        ThreadPoolExecutor(users) as pool,
    ):
        learners = [Learner(hub, f"learner-{number}") for number in range(users)]
        first, seconds, _ = measured(hub, learners, pool, Learner.begin)
        print(
            f"first lab: one after {min(first):.1f} s, all after {max(first):.1f} s; notebook 00 run by all after {seconds:.1f} s"
        )
        line("one notebook open", hub.memory(), learners)
        list(pool.map(Learner.close, learners))
        for close in (True, False):
            _, seconds, most = measured(
                hub, learners, pool, lambda learner, close=close: through(learner, close)
            )
            line(
                f"half-day path, {'closed as one goes' if close else 'left open'} ({seconds:.0f} s to run), at most",
                most,
                learners,
            )


def line(what, held, learners):
    """One line on memory."""
    each = [held[learner.name] for learner in learners]
    total = held.get("all", sum(held.values()))
    print(
        f"{what}: {max(each):.0f} MB a learner (mean {sum(each) / len(each):.0f}), hub {held['hub']:.0f} MB, proxy {held['proxy']:.0f} MB, "
        f"all together {total:,.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    beside = Path(sys.prefix) / "proxy" / "node_modules" / ".bin" / "configurable-http-proxy"
    found = str(beside) if beside.exists() else shutil.which("configurable-http-proxy")
    if found is None:
        sys.exit(
            "there is no configurable-http-proxy: `make classroom` brings it, or npm install --global configurable-http-proxy."
        )
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit("stopped")
    )  # through the `with` blocks, so that nothing stays behind
    report(int(sys.argv[1]) if len(sys.argv) > 1 else 8, found)
