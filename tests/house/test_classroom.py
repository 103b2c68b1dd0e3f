"""The driver of `make classroom` goes on where a connection is lost, and says so; without a Hub, on a kernel that is played here."""

import json
from types import SimpleNamespace

import classroom
import pytest
from classroom import Channel, Learner, measure, run, say_losses
from websocket import WebSocketConnectionClosedException, WebSocketTimeoutException

LOST = WebSocketConnectionClosedException("Connection to remote host was lost.")
CLOSED = ""  # what the client hands out when the server closes in good order


class Kernel:
    """A kernel at the other end of a websocket. `script` says, for each connection, what it gives: kinds of messages, or what is raised."""

    def __init__(self, *script):
        self.script, self.connections, self.asked = list(script), [], {}

    def connect(self, address, header, timeout):
        self.connections.append(address)
        answers = self.script.pop(0)
        if isinstance(answers, Exception):
            raise answers
        return Socket(self, list(answers))


class Socket:
    def __init__(self, kernel, answers):
        self.kernel, self.answers = kernel, answers

    def send(self, text):
        header = json.loads(text)["header"]
        self.kernel.asked[header["msg_type"]] = header["msg_id"]

    def recv(self):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if answer == CLOSED:
            return CLOSED
        asked = "kernel_info_request" if answer == "kernel_info_reply" else "execute_request"
        content = {"execution_state": "idle"} if answer == "status" else {}
        if answer == "display_data":
            content = {"data": {classroom.LAB: {}}}
        return json.dumps(
            {"parent_header": {"msg_id": self.kernel.asked[asked]}, "msg_type": answer, "content": content}
        )

    def close(self):
        pass


@pytest.fixture
def learner(monkeypatch):
    monkeypatch.setattr(classroom, "PAUSES", (0, 0, 0))
    learner = Learner.__new__(Learner)
    learner.hub = SimpleNamespace(url="http://127.0.0.1:1", token="secret", memory=lambda: {"hub": 1.0})
    learner.name, learner.losses, learner.gave_up = "learner-0", [], None
    return learner


def run_cell(learner, monkeypatch, *script):
    """Run one cell on such a kernel -> how many labs arrived, the kernel."""
    kernel = Kernel(*script)
    monkeypatch.setattr(classroom, "create_connection", kernel.connect)
    with Channel(learner, "k", "03_name") as channel:
        return len(run(channel, "1", "03_name")), kernel


def test_a_cell_is_through_when_its_kernel_has_replied_and_is_idle(learner, monkeypatch):
    labs, _ = run_cell(learner, monkeypatch, ["display_data", "execute_reply", "status"])
    assert (labs, learner.losses) == (1, [])


@pytest.mark.parametrize("how", [LOST, CLOSED, ConnectionResetError("reset")])
def test_what_the_kernel_said_meanwhile_is_handed_out_after_a_loss(learner, monkeypatch, how):
    labs, kernel = run_cell(learner, monkeypatch, ["display_data", how], ["execute_reply", "status"])
    assert labs == 1 and len(learner.losses) == 1 and "notebook 03" in learner.losses[0]
    assert len(set(kernel.connections)) == 1, "under the same session, or nothing would be handed out"


def test_an_answer_that_was_lost_too_is_not_waited_for(learner, monkeypatch):
    labs, _ = run_cell(learner, monkeypatch, ["display_data", LOST], ["kernel_info_reply"])
    assert labs == 1 and len(learner.losses) == 1


def test_a_server_that_needs_a_while_is_found_again(learner, monkeypatch):
    refused = ConnectionRefusedError("refused")
    labs, kernel = run_cell(learner, monkeypatch, [LOST], refused, refused, ["execute_reply", "status"])
    assert labs == 0 and len(learner.losses) == 1 and len(kernel.connections) == 4


def test_a_learner_whose_kernel_is_gone_gives_up_and_the_others_go_on(learner, monkeypatch, capsys):
    other = Learner.__new__(Learner)
    other.hub, other.name, other.losses, other.gave_up = learner.hub, "learner-1", [], None
    refused = ConnectionRefusedError("refused")

    def walk(one):
        return run_cell(one, monkeypatch, [LOST], refused, refused, refused) if one is learner else 7

    pool = SimpleNamespace(map=map)
    results, _, _ = measure(learner.hub, [learner, other], pool, walk)
    assert results == [7] and "cannot be reached any more (refused)" in learner.gave_up
    assert measure(learner.hub, [learner, other], pool, lambda one: one.name)[0] == ["learner-1"]
    assert say_losses([learner, other]) is False
    printed = capsys.readouterr().out
    assert "connections that were lost: 1," in printed and "learner-0 gave up" in printed


def test_a_kernel_that_says_nothing_is_no_lost_connection(learner, monkeypatch):
    with pytest.raises(WebSocketTimeoutException):
        run_cell(learner, monkeypatch, [WebSocketTimeoutException("timed out")])
    assert learner.losses == []


def test_a_room_that_came_through_says_nothing_more(learner, capsys):
    assert say_losses([learner]) is True and capsys.readouterr().out == ""
