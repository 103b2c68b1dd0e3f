"""A room of learners on one JupyterHub, without their browsers: `make classroom USERS=8`, or `python tools/classroom.py 8`.

A real Hub with configurable-http-proxy starts on loopback, with hub/jupyterhub_config.py. Then, all learners at once: (1) each starts a
server, opens notebook 00 and runs it; (2) each goes through the half-day path, closing each notebook before the next; (3) again, leaving
all of them open. Everything goes through REST and the kernels' websockets, as from JupyterLab's page. It prints the time from pressing
Start to the first lab's arrival, and memory as each learner's share of what is mapped (PSS): server and kernels, hub and proxy apart.

A connection that is lost is taken up again, as JupyterLab's page does it, and counted. A learner whose server or kernel is gone gives up,
and the others go on: what was measured is printed all the same, with what was lost.
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
from series import half_day
from websocket import WebSocketException, WebSocketTimeoutException, create_connection

MB = 1e6
PATIENCE = 600  # seconds that anything may take on a busy machine
PAUSES = (0.5, 1, 2, 5, 10, 20, 30)  # seconds before each attempt to take up a lost connection
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
    """Someone at a page of the Hub.

    Attributes
    ----------
    losses : list of str
        The connections that were lost and taken up again, in words.
    gave_up : str or None
        Why this learner could not go on.
    """

    def __init__(self, hub, name):
        self.hub, self.name, self.sessions = hub, name, []
        self.losses, self.gave_up = [], None
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
        with Channel(self, session["kernel"]["id"], name) as channel:
            seen = [
                moment
                for cell in notebook.cells
                if cell.cell_type == "code"
                for moment in run(channel, cell.source, name)
            ]
        return seen[0] if seen else time.monotonic()

    def close(self):
        """Close all notebooks; JupyterLab shuts their kernels down (binder/labconfig)."""
        while self.sessions:
            self.ask("DELETE", f"/api/sessions/{self.sessions.pop()}")


class Channel:
    """The websocket of a kernel, for as long as the `with` block lasts. Where it is lost it is taken up again, as JupyterLab's page does.

    Under the same session the server hands out what the kernel has said meanwhile.
    """

    def __init__(self, learner, kernel, name):
        self.learner, self.name = learner, name
        where = learner.hub.url.replace("http", "ws", 1)
        self.address = (
            f"{where}/user/{learner.name}/api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
        )
        self.connect()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def connect(self):
        headers = [f"Authorization: token {self.learner.hub.token}"]
        self.socket = create_connection(self.address, header=headers, timeout=PATIENCE)
        self.since = time.monotonic()

    def send(self, kind, **content):
        """Send a request to the kernel -> the name by which its answers call it."""
        header = dict(msg_id=uuid.uuid4().hex, session="room", username="", msg_type=kind, version="5.3")
        message = dict(header=header, parent_header={}, metadata={}, content=content, channel="shell")
        try:
            self.socket.send(json.dumps(message))
        except (WebSocketException, OSError) as error:
            self.take_up_again(error)
            self.socket.send(json.dumps(message))
        return header["msg_id"]

    def receive(self):
        """The kernel's next message; None where the connection was lost and has been taken up again."""
        try:
            frame = self.socket.recv()
        except (
            WebSocketTimeoutException
        ):  # the kernel said nothing for too long: another connection would not help
            raise
        except (WebSocketException, OSError) as error:
            self.take_up_again(error)
            return None
        if not frame:
            self.take_up_again("closed by the server")
            return None
        return parsed(frame)

    def take_up_again(self, why):
        """Connect to the kernel once more, and note what was lost."""
        self.learner.losses.append(
            f"{self.learner.name}, notebook {self.name[:2]}, after {time.monotonic() - self.since:.0f} s: {why}"
        )
        self.socket.close()
        for pause in PAUSES:
            time.sleep(pause)
            try:
                return self.connect()
            except (WebSocketException, OSError) as error:
                why = error
        raise RuntimeError(f"notebook {self.name[:2]}: its kernel cannot be reached any more ({why})")


def run(channel, source, name):
    """Run one cell over the websocket of its kernel -> the moments at which labs arrived."""
    asked = channel.send(
        "execute_request",
        code=source,
        silent=False,
        store_history=True,
        user_expressions={},
        allow_stdin=False,
        stop_on_error=True,
    )
    labs, replied, idle, through = [], False, False, None
    while not (replied and idle):
        message = channel.receive()
        if message is None:
            # The answer may be lost. A kernel takes one request after the other: when it answers this one, it is through with the cell.
            through = channel.send("kernel_info_request")
            continue
        parent, kind, content = (
            message["parent_header"].get("msg_id"),
            message["msg_type"],
            message["content"],
        )
        if parent == through and kind == "kernel_info_reply":
            break
        if parent != asked:
            continue
        if kind == "error":
            raise RuntimeError(f"{name}: {content['ename']}: {content['evalue']}")
        labs += [time.monotonic()] * (LAB in content.get("data", {}))
        replied = replied or kind == "execute_reply"
        idle = idle or (kind == "status" and content.get("execution_state") == "idle")
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


def measure(hub, learners, pool, what):
    """All learners who are still there do `what` at once -> what each gave back, seconds, peaks in megabytes."""

    def attempt(learner):
        try:
            return what(learner)
        except (RuntimeError, WebSocketException, OSError) as error:
            learner.gave_up = f"{type(error).__name__}: {error}"
            return None

    there = [learner for learner in learners if learner.gave_up is None]
    start = time.monotonic()
    with Peak(hub) as most:
        results = list(pool.map(attempt, there))
    return [result for result in results if result is not None], time.monotonic() - start, most


def walk_through(learner, close):
    """The half-day path."""
    for name in half_day():
        learner.open(name)
        if close:
            learner.close()


def report(users, proxy):
    """Run the three parts and print a line for each, and what was lost -> whether every learner came through."""
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
        first, seconds, _ = measure(hub, learners, pool, Learner.begin)
        if first:
            print(
                f"first lab: one after {min(first):.1f} s, all after {max(first):.1f} s; notebook 00 run by all after {seconds:.1f} s"
            )
        line("one notebook open", hub.memory(), learners)
        measure(hub, learners, pool, Learner.close)
        for close in (True, False):
            _, seconds, most = measure(
                hub, learners, pool, lambda learner, close=close: walk_through(learner, close)
            )
            line(
                f"half-day path, {'closed as one goes' if close else 'left open'} ({seconds:.0f} s to run), at most",
                most,
                learners,
            )
        return say_losses(learners)


def say_losses(learners):
    """Print which connections were lost, and who gave up -> whether nobody did."""
    losses = [loss for learner in learners for loss in learner.losses]
    if losses:
        print(f"connections that were lost: {len(losses)}, each taken up again unless the learner gave up")
        print("\n".join(f"  {loss}" for loss in losses))
    given_up = [learner for learner in learners if learner.gave_up is not None]
    for learner in given_up:
        print(f"{learner.name} gave up and is missing from what was measured after that: {learner.gave_up}")
    return not given_up


def line(what, held, learners):
    """One line on memory."""
    each = [held[learner.name] for learner in learners if learner.gave_up is None and learner.name in held]
    if not each:
        print(f"{what}: nobody is there any more.", flush=True)
        return
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
    sys.exit(not report(int(sys.argv[1]) if len(sys.argv) > 1 else 8, found))
