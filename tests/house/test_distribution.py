"""Where Pyodide comes from: a folder or a server, whole or not at all, whatever that server does; and how our wheels are put beside it."""

import hashlib
import json
import os
import socket
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import distribution
import pytest
from distribution import NoDistribution, find, lay_out, locked

FILES = {"first.js": b"1" * 70_000, "second.whl": b"2" * 200_000}
INDEX = {"info": {"version": "9.9", "python": "3.12.7"}, "packages": {"numpy": {"file_name": "second.whl"}}}
SMALL = {
    "version": "9.9",
    "files": {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in FILES.items()
    },
    "index": INDEX,
}


class Server(ThreadingHTTPServer):
    """It serves FILES on loopback; what `tricks` holds for a name is done instead, once for each of its entries."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.tricks, self.asked = {}, []
        self.released = threading.Event()

    def handle_error(self, *_):  # whoever was let down is gone
        pass


class Answer(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        self.server.asked.append(name)
        tricks = self.server.tricks.get(name)
        if tricks:
            tricks.pop(0)(self, FILES[name])
        else:
            self.say(FILES[name])

    def say(self, content, length=None, code=200):
        self.send_response(code)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


def lies(answer, content):
    answer.say(b"3" * len(content))


def says_too_much(answer, content):
    answer.say(content + b"more")


def breaks_off(answer, content):
    answer.say(content[:1000], len(content))


def resets(answer, content):
    breaks_off(answer, content)
    linger = b"\1\0\0\0\0\0\0\0"  # closing throws away what was not read, and says so
    answer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    answer.connection.close()


def stalls(answer, content):
    breaks_off(answer, content)
    answer.server.released.wait(20)


def never_answers(answer, content):
    answer.server.released.wait(20)


def drips(answer, content):
    answer.say(b"", len(content))
    while not answer.server.released.wait(0.05):
        answer.wfile.write(b"2")
        answer.wfile.flush()


def babbles(answer, content):
    answer.wfile.write(b"Good evening.\r\n\r\n")


def knows_nothing(answer, content):
    answer.say(b"no", code=404)


def is_ill(answer, content):
    answer.say(b"no", code=503)


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server in the CDN's place; the cache is empty, and waiting takes moments."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setattr(distribution, "CDN", f"http://127.0.0.1:{server.server_port}/v{{version}}/full/")
    monkeypatch.setattr(distribution, "PAUSE", 0.01)
    monkeypatch.setattr(distribution, "TRIES", 2)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PYODIDE", raising=False)
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def kept(tmp_path):
    """What lies in the cache."""
    return sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file())


def test_the_whole_is_fetched_once_and_kept(server, tmp_path):
    folder = find(SMALL)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    assert find(SMALL) == folder == tmp_path / "cache" / "lt_helpers" / "pyodide-9.9"
    assert server.asked == list(FILES)


@pytest.mark.parametrize(
    "trick, words",
    [
        (lies, "what came has another checksum than the lock, tools/pyodide.json"),
        (says_too_much, "more came than its 200,000 bytes"),
        (breaks_off, "it broke off after 1,000 of 200,000 bytes"),
        (resets, "the connection broke off"),
        (stalls, "nothing came for 1 seconds"),
        (never_answers, "nothing came for 1 seconds"),
        (drips, "of 200,000 bytes came in 1 seconds"),
        (babbles, "the server's answer is no HTTP"),
        (is_ill, "the server answered 503"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_server_that_fails_for_good_is_named_in_one_sentence_and_nothing_is_kept(
    server, tmp_path, monkeypatch, trick, words
):
    monkeypatch.setattr(distribution, "SILENCE", 0.9 if trick in (stalls, never_answers) else 20.0)
    monkeypatch.setattr(distribution, "PATIENCE", 0.9 if trick is drips else 20.0)
    server.tricks["second.whl"] = [trick] * distribution.TRIES
    with pytest.raises(NoDistribution) as error:
        find(SMALL)
    said = str(error.value)
    assert words in said and "second.whl" in said and distribution.CDN.format(version="9.9") in said
    assert said.endswith("PYODIDE=folder names a folder that holds Pyodide 9.9.") and "\n" not in said
    assert server.asked.count("second.whl") == distribution.TRIES and kept(tmp_path) == []


@pytest.mark.parametrize("trick", [lies, breaks_off, resets, is_ill])
def test_a_server_that_fails_once_is_asked_again(server, trick):
    server.tricks["second.whl"] = [trick]
    assert (find(SMALL) / "second.whl").read_bytes() == FILES["second.whl"]


def test_what_a_server_does_not_have_is_not_asked_for_again(server):
    server.tricks["first.js"] = [knows_nothing]
    with pytest.raises(NoDistribution, match="the server answered 404"):
        find(SMALL)
    assert server.asked == ["first.js"]


def test_without_a_network_it_says_so(server, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setattr(distribution, "CDN", f"http://127.0.0.1:{unused.getsockname()[1]}/")
        with pytest.raises(NoDistribution, match="first.js did not come from .*: the connection broke off"):
            find(SMALL)


def test_a_damaged_cache_is_fetched_anew(server):
    (find(SMALL) / "first.js").write_bytes(b"else")
    assert (find(SMALL) / "first.js").read_bytes() == FILES["first.js"]
    assert server.asked == [*FILES, *FILES]


def test_two_at_once_are_in_nobodys_way(server, tmp_path):
    folders = []
    both = [threading.Thread(target=lambda: folders.append(find(SMALL))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(folders) == 2 and kept(tmp_path) == sorted(FILES)


def test_a_cache_that_cannot_be_written_is_named(server, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(NoDistribution, match="could not be kept in .*file/lt_helpers: Not a directory. XDG"):
        find(SMALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the small distribution, which PYODIDE names."""
    folder = tmp_path / "pyodide"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    monkeypatch.setenv("PYODIDE", str(folder))
    return folder


def test_a_folder_is_taken_as_it_is_if_it_is_whole(folder):
    (folder / "beside.whl").touch()
    assert find(SMALL) == folder


def test_a_folder_that_is_not_whole_is_named(folder, monkeypatch):
    (folder / "first.js").write_bytes(b"else")
    with pytest.raises(
        NoDistribution, match="not Pyodide 9.9 .*: first.js has another checksum than the lock"
    ):
        find(SMALL)
    (folder / "first.js").unlink()
    with pytest.raises(NoDistribution, match="first.js is missing"):
        find(SMALL)
    monkeypatch.setenv("PYODIDE", str(folder / "nowhere"))
    with pytest.raises(NoDistribution, match="where there is no folder"):
        find(SMALL)


def wheel(folder, name, version, *needed):
    """A wheel of pure Python with one package and one module."""
    title = name.replace("-", "_")
    path = folder / f"{title}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{title}/__init__.py", "")
        archive.writestr(f"{title}_more.py", "")
        archive.writestr(f"{title}-{version}.data/data/share/theirs.json", "")
        lines = [
            f"Name: {title}",
            f"Version: {version}",
            *(f"Requires-Dist: {requirement}" for requirement in needed),
        ]
        archive.writestr(f"{title}-{version}.dist-info/METADATA", "\n".join(lines) + "\n\nNumpy is needed.\n")
    return path


def test_wheels_are_put_into_the_index(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(distribution, "locked", lambda: SMALL)
    needed = [
        "numpy>=2",
        "Other.Part",
        'colorama; sys_platform == "win32"',
        'pytest; extra == "test"',
        "jupyterlab_widgets~=3.0",
    ]
    wheels = [wheel(tmp_path, "our-own", "1.2", *needed), wheel(tmp_path, "other-part", "3.0")]
    lay_out(folder, tmp_path / "made" / "here", wheels)

    target = tmp_path / "made" / "here"
    index = json.loads((target / "pyodide-lock.json").read_text())
    assert index["info"] == INDEX["info"]
    assert list(index["packages"]) == ["numpy", "other-part", "our-own"]
    assert index["packages"]["our-own"] == {
        "name": "our-own",
        "version": "1.2",
        "file_name": wheels[0].name,
        "install_dir": "site",
        "package_type": "package",
        "sha256": hashlib.sha256(wheels[0].read_bytes()).hexdigest(),
        "imports": ["our_own", "our_own_more"],
        "depends": ["numpy", "other-part"],
    }
    names = {path.name for path in target.iterdir()}
    assert names == {*FILES, "pyodide-lock.json", *(path.name for path in wheels)}


def test_a_wheel_that_needs_what_is_not_there_is_named(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(distribution, "locked", lambda: SMALL)
    with pytest.raises(ValueError, match="our_own-1.2-py3-none-any.whl needs scipy, which neither"):
        lay_out(folder, tmp_path / "made", [wheel(tmp_path, "our-own", "1.2", "scipy")])


def test_the_lock_agrees_with_itself_and_holds_what_every_package_needs():
    """Each package's file has the checksum that Pyodide's makers gave for it, and its size."""
    lock = locked()
    packages = lock["index"]["packages"]
    assert lock["index"]["info"]["version"] == lock["version"]
    for about in packages.values():
        assert lock["files"][about["file_name"]]["sha256"] == about["sha256"]
        assert {name.lower().replace("_", "-") for name in about["depends"]} <= set(packages)
    assert set(lock["files"]) == {*distribution.CORE, *(about["file_name"] for about in packages.values())}


@pytest.mark.skipif(not os.environ.get("PYODIDE"), reason="PYODIDE names no folder of a distribution")
def test_the_distribution_at_hand_is_the_one_of_the_lock():
    assert find(locked()) == Path(os.environ["PYODIDE"]).resolve()
