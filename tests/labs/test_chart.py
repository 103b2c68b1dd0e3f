import asyncio
import base64
import copy
import hashlib
import threading
import time

import ipywidgets
import numpy as np
import pytest
from plotly.offline import get_plotlyjs_version

from lt_helpers.view.chart import FILES, VENDORED, Chart, changed, encode_figure, library


@pytest.fixture
def sent(monkeypatch):
    """Whatever a chart sends to the page, in order."""
    messages = []
    monkeypatch.setattr(
        Chart, "send", lambda self, message, buffers=None: messages.append(copy.deepcopy(message))
    )
    return messages


def scatter(y, **layout):
    return {"data": [dict(type="scatter", x=np.arange(3.0), y=y)], "layout": layout}


def as_page(state, messages):
    """The state of a page that applies `messages`, as widget.js does."""
    state = copy.deepcopy(state)
    for message in messages:
        assert message["from"] in (None, state.get("version"))
        for change in message["changes"]:
            if not change["path"]:
                state = change["value"]
                continue
            *parents, last = change["path"]
            place = state
            for key in parents:
                place = place[key]
            place[last] = change["value"]
        state["version"] = message["version"]
    return state


def test_the_vendored_library_is_the_one_that_plotly_expects():
    script = (FILES / "plotly.min.js").read_bytes()
    assert VENDORED["version"] == get_plotlyjs_version()
    assert VENDORED["sha256"] == hashlib.sha256(script).hexdigest()
    assert f"v{VENDORED['version']}".encode() in script[:200]
    assert "MIT" in (FILES / "plotly.LICENSE").read_text()


def test_all_charts_share_one_library():
    first, second = Chart(scatter([1, 2, 3]), ""), Chart(scatter([1, 2, 3]), "")
    assert first.library is second.library is library()
    assert len(library().bundle) < 600_000


def test_a_move_sends_only_what_changed(sent):
    chart = Chart(scatter(np.array([1.0, 2.0, 3.0]), height=300), "before")
    chart.show(scatter(np.array([1.0, 2.0, 4.0]), height=300), "after")
    (message,) = sent
    assert [change["path"] for change in message["changes"]] == [["words"], ["data", 0, "y", "bdata"]]
    assert np.array_equal(np.frombuffer(base64.b64decode(message["changes"][1]["value"]), "f4"), [1, 2, 4])


def test_a_page_that_applies_the_changes_holds_the_last_figure(sent):
    chart = Chart(scatter(np.ones(3)), "one")
    opened = chart.get_state("state")["state"]
    traces = [dict(type="bar", y=np.arange(4.0)), dict(type="heatmap", z=np.eye(3))]
    last = {"data": traces, "layout": dict(annotations=[dict(text="b")])}
    chart.show(scatter(np.ones(3), annotations=[dict(text="a")]), "two")
    chart.fail("broken")
    chart.show(last, "three")
    page = as_page(opened, sent)
    assert page == chart.get_state("state")["state"]
    assert {key: page[key] for key in ("data", "layout", "handles")} == encode_figure(last)
    assert (page["words"], page["error"]) == ("three", "")


def test_a_page_opened_later_gets_the_figure_as_it_is_now(sent):
    chart = Chart(scatter(np.zeros(3)), "before")
    chart.show(scatter(np.ones(3)), "after")
    state = chart.get_state()["state"]
    assert state["words"] == "after" and state["version"] == 1


def test_a_page_that_missed_a_change_is_sent_everything(sent):
    chart = Chart(scatter(np.zeros(3)), "before")
    chart.show(scatter(np.ones(3)), "after")
    chart._handle_custom_msg({"missed": 0}, [])
    assert as_page({}, sent[1:]) == chart.get_state("state")["state"]
    chart._handle_custom_msg({"missed": 1}, [])
    assert len(sent) == 2


def test_drawn_waits_for_the_page(sent):
    chart = Chart(scatter(np.zeros(3)), "")

    async def answered(version):
        chart.show(scatter(np.ones(3)), "", acknowledge=True)
        asyncio.get_running_loop().call_later(0.01, chart._handle_custom_msg, {"drawn": version}, [])
        return await chart.drawn(timeout=0.1)

    async def both():
        assert await answered(version=1)
        assert not await answered(version=1)  # an answer about an older figure

    asyncio.run(both())
    assert sent[-1]["acknowledge"]


def test_drawn_waits_on_whichever_loop_the_kernel_runs(sent):
    chart = Chart(scatter(np.zeros(3)), "")
    for _ in range(2):
        assert not asyncio.run(chart.drawn(timeout=0.02))


CONTROLS = {
    "sigma": ipywidgets.FloatSlider(value=1.0, max=7.0),
    "layers": ipywidgets.IntSlider(value=4, max=12),
    "kind": ipywidgets.SelectionSlider(options=[("diag", "DIAG"), ("full", None)], value="DIAG"),
    "depth": ipywidgets.Dropdown(options=[1, 2, 3], value=1),
}


@pytest.mark.parametrize(
    "name, sent_by_page, value",
    [("sigma", 3, 3.0), ("layers", 3, 3), ("kind", 0, "DIAG"), ("kind", 1, None), ("depth", 2, 3)],
)
def test_a_move_brings_the_value_that_the_control_itself_would_have(sent, name, sent_by_page, value):
    chart, heard = Chart(scatter(np.zeros(3)), ""), []
    chart.follow(CONTROLS, lambda *move: heard.append(move))
    before = [control.value for control in CONTROLS.values()]
    chart._handle_custom_msg({"move": {"name": name, "value": sent_by_page, "number": 5}}, [])
    assert heard == [(name, value)] and type(heard[0][1]) is type(value)
    assert [control.value for control in CONTROLS.values()] == before


def test_the_page_learns_which_models_to_follow_and_what_of_them_moves(sent):
    chart = Chart(scatter(np.zeros(3)), "")
    chart.follow(CONTROLS, print)
    assert chart.get_state("controls")["controls"] == {
        "sigma": {"control": f"IPY_MODEL_{CONTROLS['sigma'].model_id}", "trait": "value"},
        "layers": {"control": f"IPY_MODEL_{CONTROLS['layers'].model_id}", "trait": "value"},
        "kind": {"control": f"IPY_MODEL_{CONTROLS['kind'].model_id}", "trait": "index"},
        "depth": {"control": f"IPY_MODEL_{CONTROLS['depth'].model_id}", "trait": "index"},
    }


def test_the_figure_that_a_move_asks_for_answers_it(sent):
    chart = Chart(scatter(np.zeros(3)), "before")
    chart.follow(CONTROLS, lambda name, value: chart.show(scatter(np.full(3, value)), "after"))
    chart._handle_custom_msg({"move": {"name": "sigma", "value": 2, "number": 5}}, [])
    (message,) = sent
    assert message["answer"] == 5 and message["version"] == 1
    chart.show(scatter(np.zeros(3)), "later")
    assert "answer" not in sent[-1]


def test_a_move_that_shows_nothing_is_answered_too(sent):
    chart = Chart(scatter(np.zeros(3)), "")
    chart.follow(CONTROLS, lambda name, value: None)
    chart._handle_custom_msg({"move": {"name": "sigma", "value": 2, "number": 5}}, [])
    assert sent == [{"answer": 5}]


def test_a_move_that_fails_or_is_interrupted_is_answered_too(sent):
    chart = Chart(scatter(np.zeros(3)), "")

    def interrupted(name, value):
        raise KeyboardInterrupt

    chart.follow(CONTROLS, interrupted)
    with pytest.raises(KeyboardInterrupt):
        chart._handle_custom_msg({"move": {"name": "sigma", "value": 2, "number": 5}}, [])
    assert sent == [{"answer": 5}]


def test_copying_tells_once_whether_the_page_did(sent):
    chart, told = Chart(scatter(np.zeros(3)), ""), []
    chart.copy("NoiseLab()", told.append)
    assert sent == [{"copy": "NoiseLab()"}] and told == []
    for copied in (True, False):  # two pages: the first one counts
        chart._handle_custom_msg({"copied": copied}, [])
    assert told == [True] and len(sent) == 1


def test_what_could_not_be_copied_is_selected_once_the_lab_has_said_so(sent):
    chart = Chart(scatter(np.zeros(3)), "")
    chart.copy("NoiseLab()", lambda copied: sent.append(f"told {copied}"))
    chart._handle_custom_msg({"copied": False}, [])
    assert sent == [{"copy": "NoiseLab()"}, "told False", {"select": "NoiseLab()"}]


def test_infinite_values_never_reach_the_page():
    with pytest.raises(ValueError, match="infinite"):
        Chart(scatter(np.array([1.0, np.inf, 2.0])), "")
    with pytest.raises(ValueError, match="infinite"):
        Chart(scatter(np.array([1.0, 1e300, 2.0])), "")


def test_gaps_and_words_survive_encoding():
    bars = dict(type="bar", x=["a", "b"], y=np.array([1.0, np.nan]), text=[None, "b"])
    (trace,) = encode_figure({"data": [bars], "layout": {}})["data"]
    assert list(trace["x"]) == ["a", "b"] and trace["text"] == [None, "b"]
    assert np.isnan(np.frombuffer(base64.b64decode(trace["y"]["bdata"]), "f4")[1])
    (heat,) = encode_figure({"data": [dict(type="heatmap", z=np.arange(6.0).reshape(2, 3))], "layout": {}})[
        "data"
    ]
    assert heat["z"]["shape"] == "2, 3"  # rows first, as the numbers come
    (handle,) = encode_figure(
        {"data": [], "layout": {}, "handles": [dict(x=float("nan"), y=np.float64(2.0))]}
    )["handles"]
    assert handle == dict(x=None, y=2.0)  # JSON has no NaN


def test_changed_names_the_smallest_differing_part():
    before = {"a": [1, {"b": 2}], "c": {"d": 1}}
    after = {"a": [1, {"b": 3}], "c": {"e": 1}}
    assert list(changed(before, after)) == [(["a", 1, "b"], 3), (["c"], {"e": 1})]
    assert list(changed(before, before)) == []


def test_moves_on_two_threads_are_each_answered_with_their_own_figure(sent):
    """The second comes while the first is being computed, and waits for its turn, as a lab's moves do."""
    figure = scatter(np.zeros(3))
    chart, turn, computing = Chart(figure, ""), threading.Lock(), threading.Event()

    def move(name, value):
        with turn:
            computing.set()
            time.sleep(0.05)
            chart.show(figure, f"at {value}")

    chart.follow({"sigma": ipywidgets.FloatSlider()}, move)
    threads = []
    for number in (1, 2):
        message = {"move": {"name": "sigma", "value": float(number), "number": number}}
        threads.append(threading.Thread(target=chart._receive, args=(None, message, [])))
        threads[-1].start()
        computing.wait(5)
    for thread in threads:
        thread.join()
    words = {message["answer"]: message["changes"][0]["value"] for message in sent if "answer" in message}
    assert words == {1: "at 1.0", 2: "at 2.0"}
