"""What trains in the background: one task, which rests for others, waits for the page, stops when told, and ends by itself."""

import asyncio
import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest

from lt_helpers.labs import Prediction, Slider, live
from lt_helpers.labs.live import LiveLab
from lt_helpers.language import Message
from lt_helpers.view.chart import Chart
from lt_helpers.view.panel import Axis, Guess, Panel, Points


@dataclass
class Count:
    """A process that counts its steps by `by`."""

    by: float
    steps: int = 0
    value: float = 0.0

    @property
    def goal(self):
        return f"steps of {self.by:g}"

    def step(self):
        if self.by == 9.0:
            raise ValueError("by is 9.0: this cannot be counted.")
        time.sleep(0.001)
        if self.by == 8.0:
            self.by = 1.0
            raise KeyboardInterrupt
        self.steps += 1
        self.value += self.by

    def state(self):
        return Count(self.by, self.steps, self.value)


class CountLab(LiveLab):
    NAME = "count"
    COLUMNS = 1
    ENTRIES = {
        "panel.count": "Count",
        "axis.steps": "steps",
        "axis.value": "value",
        "mark.count": "count",
        "says": "{steps} steps, {value:g}.",
    }
    CONTROLS = dict(
        by=Slider(0.0, 9.0, 1.0, value=1.0, label="By"),
        guess=Prediction(0.0, 9.0, 1.0, label="I expect"),
    )

    @staticmethod
    def begin(values):
        return Count(values["by"])

    @staticmethod
    def follow(process, values):
        if values["by"] in (6.0, 7.0) and process.by != values["by"]:  # the first time only
            process.by = values["by"]
            raise KeyboardInterrupt
        if values["by"] == 6.0:
            raise ValueError("by is 6.0: this cannot be followed.")
        process.by = values["by"]
        return process

    @staticmethod
    def panels(state, ghost, guesses):
        marks = [Points("model", state.steps, state.value, name="count"), Guess(0, guesses["guess"])]
        return [Panel("count", Axis("steps", 0, 9), Axis("value", 0, 9), marks)]

    @staticmethod
    def words(state, ghost):
        return [Message("count.says", steps=state.steps, value=state.value)]


@pytest.fixture
def lab():
    return CountLab()


@pytest.fixture
def shown(monkeypatch):
    """The words of each drawing that asked the page to answer, and a page that answers at once unless `shown.answers` is False."""

    class Shown(list):
        answers = True

    drawings = Shown()

    def show(chart, figure, words, acknowledge=False):
        if acknowledge:
            drawings.append(words)

    async def drawn(chart):
        while not drawings.answers:
            await asyncio.sleep(0.01)

    monkeypatch.setattr(Chart, "show", show)
    monkeypatch.setattr(Chart, "drawn", drawn)
    return drawings


def steps_after(lab, seconds, then=lambda: None):
    """Start the lab, let the loop go on for a while -> its steps then. After that `then` is called, and the loop goes on once more."""

    async def for_a_while():
        lab.start()
        await asyncio.sleep(seconds)
        steps = lab.process.steps
        then()
        await asyncio.sleep(seconds)
        return steps

    return asyncio.run(for_a_while())


def test_run_takes_so_many_steps_and_draws(lab):
    lab.run(steps=7)
    assert lab.process.steps == 7 and lab.words_now == "7 steps, 7." and not lab.running


def test_the_button_beside_start_takes_a_single_step(lab):
    lab._buttons[1].click()
    assert lab.process.steps == 1 and lab.words_now == "1 steps, 1." and not lab.running


def test_it_trains_in_the_background_until_paused(lab, shown):
    steps = steps_after(lab, 0.3, lab.pause)
    assert steps > 0 and lab.process.steps == steps and not lab.running


def test_others_are_served_while_it_trains(lab, shown):
    turns = []

    async def other():
        for _ in range(5):
            await asyncio.sleep(0)
            turns.append(lab.process.steps)

    async def both():
        lab.start()
        await asyncio.sleep(0)
        await other()
        lab.pause()

    asyncio.run(both())
    assert len(turns) == 5 and turns[-1] > 0


def test_a_moved_control_steers_what_is_in_training(lab, shown):
    steps = steps_after(lab, 0.2, lambda: setattr(lab.controls["by"], "value", 0.0))
    assert lab.process.steps > steps and lab.process.by == 0.0 and lab.process.value < lab.process.steps
    assert lab._told.value.endswith("on steps of 0")


def test_what_comes_on_another_thread_waits_for_the_step(lab, shown, monkeypatch):
    step, follow, stepping, torn = Count.step, CountLab.follow, [], []

    def watched_step(process):
        stepping.append(True)
        step(process)
        stepping.pop()

    def watched_follow(process, values):
        torn.append(bool(stepping))
        return follow(process, values)

    monkeypatch.setattr(Count, "step", watched_step)
    monkeypatch.setattr(CountLab, "follow", staticmethod(watched_follow))

    def move():
        for by in (2.0, 3.0, 4.0, 5.0):
            lab.controls["by"].value = by
        lab.pause()

    other = threading.Thread(target=move)
    steps_after(lab, 0.2, other.start)
    assert torn == [False] * 4 and lab.process.by == 5.0 and not lab.running


def test_it_starts_again_after_the_loop_that_it_trained_on_has_ended(lab, shown):
    shown.answers = False

    async def start():
        lab.start()
        await asyncio.sleep(0.1)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(start())
    steps = lab.process.steps
    assert steps > 0 and len(shown) == 1 and not lab.running
    shown.answers = True
    assert steps_after(lab, 0.2) > steps and len(shown) > 1
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def test_no_drawing_is_sent_before_the_last_was_drawn(lab, shown):
    shown.answers = False
    steps_after(lab, 0.4)
    assert len(shown) == 1 and lab.process.steps > 0


def test_drawings_are_spaced(lab, shown):
    steps_after(lab, 0.5, lab.pause)
    assert 2 <= len(shown) <= 1 + 0.5 * live.FRAMES


def test_left_alone_it_stops_and_says_so_and_a_touch_resumes_it(lab, shown, monkeypatch):
    monkeypatch.setattr(live, "PATIENCE", 0.1)
    stopped = []

    def touch():
        stopped.append((lab.running, lab._told.value))
        monkeypatch.setattr(live, "PATIENCE", 60)
        lab.controls["by"].value = 2.0

    steps = steps_after(lab, 0.4, touch)
    assert stopped[0][0] is False and "stopped after" in stopped[0][1]
    assert lab.process.steps > steps and "a second" in lab._told.value


def test_a_touch_on_another_thread_resumes_it_too(lab, shown, monkeypatch):
    monkeypatch.setattr(live, "PATIENCE", 0.1)

    def touch():
        monkeypatch.setattr(live, "PATIENCE", 60)
        thread = threading.Thread(target=setattr, args=(lab.controls["by"], "value", 2.0))
        thread.start()
        thread.join()

    steps = steps_after(lab, 0.4, touch)
    assert lab.error is None and lab.process.steps > steps


def test_what_is_asked_for_without_a_control_is_a_touch_as_well(lab, shown, monkeypatch):
    monkeypatch.setattr(live, "PATIENCE", 0.1)

    def touch():
        assert not lab.running
        monkeypatch.setattr(live, "PATIENCE", 60)
        lab.show("count")

    steps = steps_after(lab, 0.4, touch)
    assert lab.error is None and lab.process.steps > steps


def test_after_a_drawing_the_browser_has_half_as_long_for_other_things(lab, shown, monkeypatch):
    async def drawn(chart):
        await asyncio.sleep(0.1)

    monkeypatch.setattr(Chart, "drawn", drawn)
    steps_after(lab, 0.8, lab.pause)
    assert 3 <= len(shown) <= 1 + 0.8 / 0.15


def test_a_paused_lab_is_not_resumed_by_a_touch(lab, shown):
    lab.pause()
    steps = steps_after(lab, 0.1, lab.pause)
    lab.controls["by"].value = 3.0
    assert not lab.running and lab.process.steps >= steps and "paused" in lab._told.value


def test_a_second_lab_stops_the_first(lab, shown):
    later = CountLab()
    steps = steps_after(lab, 0.2, later._repr_mimebundle_)
    assert (
        lab.process.steps == steps
        and not lab.running
        and "opened again" in lab.chart.get_state("state")["state"]["error"]
    )
    assert steps_after(later, 0.1, later.pause) > 0
    lab.start()
    assert not lab.running


def test_a_lab_that_is_shown_again_is_back(lab, shown):
    later = CountLab()
    lab._repr_mimebundle_()
    later._repr_mimebundle_()
    lab.controls["by"].value = 2.0
    assert (
        lab._toggle.disabled and "opened again" in lab.chart.get_state("state")["state"]["error"]
    )  # still, after a move
    lab._repr_mimebundle_()
    assert not lab._toggle.disabled and later._toggle.disabled
    assert steps_after(lab, 0.1, lab.pause) > 0


def test_a_step_while_it_trains_does_not_keep_the_next_drawings_waiting(lab, monkeypatch):
    """A page that answers 20 ms after each drawing that asks for it; the step comes before the answer to the last."""
    drawn = []

    def send(chart, message, buffers=None):
        if message["acknowledge"]:
            drawn.append(time.monotonic())
            asyncio.get_running_loop().call_later(
                0.02, chart._receive, None, {"drawn": message["version"]}, None
            )
            if len(drawn) == 3:
                asyncio.get_running_loop().call_soon(lab.run, 1)

    monkeypatch.setattr(Chart, "send", send)
    steps_after(lab, 1.0, lab.pause)
    assert len(drawn) > 4 and np.diff(drawn).max() < 1.5


def test_where_it_cannot_begin_again_it_goes_on_as_it_was(lab, monkeypatch):
    lab.run(steps=3)
    monkeypatch.setattr(CountLab, "begin", staticmethod(lambda values: 1 / 0))
    lab.reset()
    assert isinstance(lab.error, ZeroDivisionError) and lab.process.steps == 3
    monkeypatch.undo()
    lab.reset()
    assert lab.error is None and lab.process.steps == 0


def test_what_it_would_show_is_not_known_beforehand(lab):
    with pytest.raises(TypeError, match="CountLab trains: it shows nothing beforehand"):
        lab.at(by=2.0)


def test_a_screen_reader_is_left_in_peace_by_drawings_that_nobody_asked_for(lab):
    said = []

    async def watch():
        lab.start()
        await asyncio.sleep(0.05)
        said.append(lab.chart.get_state("state")["state"]["quiet"])
        lab.pause()
        said.append(lab.chart.get_state("state")["state"]["quiet"])

    asyncio.run(watch())
    assert said == [True, False]


def test_a_lab_that_is_only_computed_with_stops_none(lab, shown):
    lab._repr_mimebundle_()
    steps = steps_after(lab, 0.2, lambda: CountLab().run(steps=2))
    assert lab.process.steps > steps and lab.error is None


def test_an_error_in_training_shows_in_the_lab_and_stops_it(lab, shown):
    steps_after(lab, 0.1, lambda: setattr(lab.controls["by"], "value", 9.0))
    assert isinstance(lab.error, ValueError) and not lab.running
    assert "this cannot be counted" in lab.chart.get_state("state")["state"]["error"]
    assert lab._toggle.description == "Start"


def test_an_interrupt_in_the_middle_of_a_step_does_not_end_the_loop(lab, shown):
    steps = steps_after(lab, 0.1, lambda: setattr(lab.process, "by", 8.0))
    assert lab.process.by == 1.0 and lab.process.steps > steps and lab.error is None


def test_an_interrupt_in_the_middle_of_a_move_does_not_end_the_training(lab, shown):
    steps = steps_after(lab, 0.1, lambda: setattr(lab.controls["by"], "value", 7.0))
    assert lab.process.steps > steps and lab.error is None
    assert lab._told.value.endswith("on steps of 7")


def test_an_error_after_such_an_interrupt_shows_in_the_lab(lab, shown):
    steps_after(lab, 0.1, lambda: setattr(lab.controls["by"], "value", 6.0))
    assert "this cannot be followed" in lab.chart.get_state("state")["state"]["error"] and not lab.running


def test_reset_pauses_and_begins_again(lab, shown):
    steps_after(lab, 0.1, lab.reset)
    assert lab.process.steps == 0 and not lab.running and lab.words_now == "0 steps, 0."


def test_the_prediction_is_drawn(lab):
    lab.controls["guess"].value = 4.0
    assert lab.figure.data[1].y[0] == 4.0


def test_the_button_says_what_it_will_do(lab, shown):
    said = []

    async def press():
        said.append(lab._toggle.description)
        lab._toggle.click()
        said.append(lab._toggle.description)
        lab._toggle.click()
        said.append(lab._toggle.description)

    asyncio.run(press())
    assert said == ["Start", "Pause", "Start"]


def test_outside_of_a_notebook_start_says_what_to_do(lab):
    with pytest.raises(RuntimeError, match=r"call run\(steps=100\)"):
        lab.start()
    lab._toggle.click()
    assert "call run" in lab.chart.get_state("state")["state"]["error"]
