import ast
import threading
import time

import numpy as np
import pytest

from lt_helpers.labs import Choice, NoiseLab, Prediction, Slider
from lt_helpers.language import Message, RefusedValue


def drawn(lab, trace=0):
    return np.asarray(lab.figure.data[trace].y)


def computed(lab):
    """What compute says of the values of the controls."""
    return lab.compute(
        **{name: value for name, value in lab.values.items() if name not in ("expected", "way")}
    )


def test_moving_a_control_draws_what_compute_says(lab):
    lab.controls["frequency"].value = 2.5
    np.testing.assert_array_equal(drawn(lab), computed(lab).height)
    assert lab.words_now == "2.5 waves a second."
    assert lab.chart.get_state("state")["state"]["words"] == lab.words_now


def test_what_is_drawn_is_a_valid_figure(lab):
    lab.hold_ghost()
    names = [trace.name for trace in lab.figure.data]  # plotly checks every property
    assert names == ["wave", "held", "peak", None, None, None]  # the guess, and the arrows of two panels


def test_a_choice_follows_the_control_that_it_depends_on(lab):
    lab.controls["shape"].value = "square"
    assert lab.values["cycles"] in (1, 3) and lab.error is None
    assert [value for _, value in lab.controls["cycles"].options] == [1, 3]


def test_an_error_shows_in_the_lab_and_the_next_move_recovers(lab):
    before = drawn(lab)
    lab.controls["frequency"].value = 4.0
    state = lab.chart.get_state("state")["state"]
    assert (
        "the string breaks" in state["error"]
        and "Reset" in state["error"]
        and isinstance(lab.error, ValueError)
    )
    np.testing.assert_array_equal(drawn(lab), before)
    lab.controls["frequency"].value = 2.0
    assert lab.error is None and lab.chart.get_state("state")["state"]["error"] == ""
    assert lab.arrays.frequency == 2.0


def test_a_number_between_two_steps_goes_to_the_nearest(lab):
    """The page lets one type beside the handle."""
    lab.controls["frequency"].value = 2.3
    assert lab.controls["frequency"].value == lab.values["frequency"] == lab.arrays.frequency == 2.5


def test_a_ghost_held_in_an_error_is_what_is_drawn(lab):
    lab.controls["frequency"].value = 3.0
    lab.controls["frequency"].value = 4.0
    lab.hold_ghost()
    assert lab.ghost["frequency"] == 3.0 and isinstance(lab.error, ValueError)
    lab.controls["frequency"].value = 2.0
    assert lab.error is None and "held" in [trace.name for trace in lab.figure.data]


@pytest.mark.slow
def test_moves_on_several_threads_wait_for_each_other(lab, monkeypatch):
    compute, computing, go_on = type(lab).compute, threading.Event(), threading.Event()

    def slow(**values):
        if values["shape"] == "sine":
            computing.set()
            go_on.wait(5)
        return compute(**values)

    monkeypatch.setattr(type(lab), "compute", staticmethod(slow))
    first = move(lab, frequency=2.0)
    computing.wait(5)
    second = move(lab, shape="square")
    second.join(0.2)  # were it not for its turn, it would be done
    go_on.set()
    first.join()
    second.join()
    assert lab.values["frequency"] == 2.0 and lab.values["shape"] == "square"
    np.testing.assert_array_equal(drawn(lab), computed(lab).height)


def test_a_move_keeps_what_another_thread_moves_meanwhile(lab):
    """The options of cycles are asked for in the middle of a move: then the seed moves, on another thread, which waits for its turn."""
    others = []

    def options(shape):
        if others == [] and threading.current_thread() is not threading.main_thread():
            others.append(move(meddled, seed=7))
            while meddled.values["seed"] != 7:
                time.sleep(0.001)
        return (1, 2, 3)

    class Meddled(type(lab)):
        CONTROLS = {**type(lab).CONTROLS, "cycles": Choice(options, 2, label="Cycles")}

    meddled = Meddled(noisy=True)
    move(meddled, frequency=2.0).join()
    others[0].join()
    assert meddled.values["seed"] == 7 and meddled.values["frequency"] == 2.0
    np.testing.assert_array_equal(drawn(meddled), computed(meddled).height)


def move(lab, **values):
    """Move a control on a thread of its own -> the thread."""
    ((name, value),) = values.items()
    thread = threading.Thread(target=setattr, args=(lab.controls[name], "value", value))
    thread.start()
    return thread


def test_a_ghost_stays_while_the_present_moves(lab):
    held = drawn(lab)
    lab.hold_ghost()
    lab.controls["frequency"].value = 3.0
    np.testing.assert_array_equal(drawn(lab, 1), held)
    assert not np.array_equal(drawn(lab, 0), held)
    lab.hold_ghost(False)
    assert "held" not in [trace.name for trace in lab.figure.data]


def test_reset_goes_back_to_where_the_lab_was_opened(lab):
    opened, shown = lab.values, drawn(lab)
    lab.controls["shape"].value = "square"
    lab.controls["noisy"].value = True
    lab.controls["expected"].value = 0.5
    lab.hold_ghost()
    lab.reset()
    assert lab.values == opened and lab.ghost is None
    np.testing.assert_array_equal(drawn(lab), shown)


def test_reset_draws_once(lab, monkeypatch):
    lab.controls["shape"].value = "square"
    lab.controls["frequency"].value = 3.0
    shown = []
    monkeypatch.setattr(type(lab.chart), "show", lambda *arguments: shown.append(arguments))
    lab.reset()
    assert len(shown) == 1


def test_the_view_opens_the_lab_in_its_present_state(lab):
    lab.controls["frequency"].value = 3.0
    lab.hold_ghost()
    lab.controls["expected"].value = 0.5
    lab.controls["shape"].value = "square"
    call = ast.parse(lab.view().split("; ")[1]).body[0].value
    reopened = type(lab)(**{keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords})
    assert reopened.values == lab.values and reopened.ghost == lab.ghost
    assert reopened.figure == lab.figure


def test_new_sequence_draws_another(lab):
    lab.controls["noisy"].value = True
    before = drawn(lab)
    lab.controls["seed"].value += 1
    assert not np.array_equal(drawn(lab), before)


@pytest.mark.parametrize(
    "values, error, says",
    [
        (dict(frequency=9.0), ValueError, "frequency is 9.0: frequency must be from 0.5 to 5."),
        (dict(frequency=float("nan")), ValueError, "frequency must be from 0.5 to 5."),
        (dict(frequency="fast"), TypeError, "frequency must be a number from 0.5 to 5."),
        (dict(shape="saw"), ValueError, "shape must be one of 'sine', 'square'."),
        (
            dict(shape="square", cycles=2),
            ValueError,
            "cycles is 2 with shape='square': cycles must be one of 1, 3.",
        ),
        (dict(noisy=1), TypeError, "noisy must be True or False."),
        (dict(seed=-1), ValueError, "seed must be a whole number from 0 to 9999."),
        (dict(expected=2), ValueError, "expected must be from 0 to 1."),
        (dict(speed=1), TypeError, "WaveLab has no control 'speed': its controls are shape, frequency,"),
        (dict(ghost=dict(frequency=9.0)), ValueError, "frequency must be from 0.5 to 5."),
        (dict(ghost=True), TypeError, "ghost is True: ghost must be None or a dictionary of controls."),
        (
            dict(frequency=2.3),
            ValueError,
            "frequency is 2.3: frequency must be from 0.5 to 5 in steps of 0.5.",
        ),
        (dict(expected=0.25), ValueError, "expected is 0.25: expected must be from 0 to 1 in steps of 0.1."),
        (dict(cycles=True), ValueError, "cycles is True with shape='sine': cycles must be one of 1, 2, 3."),
    ],
)
def test_values_that_the_lab_cannot_take(lab, values, error, says):
    with pytest.raises(error) as raised:
        type(lab)(**values)
    assert says in str(raised.value)


def test_numpy_numbers_are_numbers(lab):
    opened = type(lab)(frequency=np.float32(2.0), seed=np.int64(3))
    assert opened.values["frequency"] == 2.0 and opened.values["seed"] == 3 and "np." not in opened.view()


def test_a_whole_number_slider_takes_whole_numbers_only():
    slider = Slider(1, 9, 1, value=3)
    assert slider.widget(3, {}, "n", str).value == 3 and slider.check("n", np.int64(4), {}) == 4
    with pytest.raises(TypeError, match="n must be a whole number from 1 to 9"):
        slider.check("n", 2.5, {})


def test_a_lab_that_depends_on_a_choice_opens_at_the_nearest_default(lab):
    assert type(lab)(shape="square").values["cycles"] in (1, 3)


def test_a_dragged_value_is_shown_before_its_widget_has_heard_of_it(lab, monkeypatch):
    """The page sends the newest value of a drag on the chart's own channel; the widget's message, later, draws nothing."""
    shown = []
    show = type(lab.chart).show
    monkeypatch.setattr(type(lab.chart), "show", lambda *arguments: shown.append(1) or show(*arguments))
    lab.chart._receive(None, {"move": {"name": "frequency", "value": 3, "number": 1}}, [])
    assert lab.arrays.frequency == 3.0 and lab.controls["frequency"].value == 1.0 and len(shown) == 1
    lab.controls["frequency"].value = 3.0
    assert lab.arrays.frequency == 3.0 and len(shown) == 1
    lab.controls["frequency"].value = 2.0
    assert lab.arrays.frequency == 2.0 and len(shown) == 2


def test_a_page_that_goes_in_the_middle_of_a_drag_leaves_no_figure_behind_that_is_not_the_sliders(lab):
    version = lab.chart.get_state("state")["state"]["version"]
    lab.chart._receive(None, {"move": {"name": "frequency", "value": 3, "number": 1}}, [])
    assert lab.arrays.frequency == 3.0
    lab.chart._receive(None, {"missed": version, "opened": True}, [])
    assert lab.arrays.frequency == lab.values["frequency"] == 1.0
    assert lab.chart.get_state("state")["state"]["words"] == lab.words_now == type(lab)().words_now


def test_a_page_that_comes_up_draws_nothing_anew_where_all_stands(lab):
    lab.controls["frequency"].value = 3.0
    version = lab.chart.get_state("state")["state"]["version"]
    lab.chart._receive(None, {"missed": version, "opened": True}, [])
    assert lab.chart.get_state("state")["state"]["version"] == version


def test_a_dragged_value_that_fails_is_said_and_the_next_recovers(lab):
    lab.chart._receive(None, {"move": {"name": "frequency", "value": 4.0, "number": 1}}, [])
    assert "the string breaks" in lab.chart.get_state("state")["state"]["error"]
    lab.chart._receive(None, {"move": {"name": "frequency", "value": 4.5, "number": 2}}, [])
    assert lab.error is None and lab.arrays.frequency == 4.5


def test_what_decides_the_options_of_others_takes_the_ordinary_way(lab):
    assert set(lab.chart.controls) == {"frequency", "cycles", "expected"}


def test_copy_says_what_became_of_it(lab):
    sent = []
    lab.chart.copy = lambda text, copied: sent.append((text, copied))
    lab._copy()
    text, answer = sent[0]
    assert text == lab.view()
    answer(True)
    assert lab._copied.value.startswith("Copied:") and 'class="lt-copied"' in lab._copied.value
    answer(False)
    assert lab._copied.value.startswith("Selected, for Ctrl+C:")


def test_every_widget_says_what_it_is_also_where_its_label_is_cut(lab):
    assert all(widget.tooltip == widget.description for widget in lab.controls.values())


def test_reset_goes_back_to_the_panels_and_the_beat_it_was_opened_with(lab):
    opened = type(lab).from_state({"lab": "wave", "beat": "way"})
    opened.show("wave")
    assert opened.beat is None
    opened.reset()
    assert [panel.name for panel in opened.panels_now] == ["peak", "wave"] and opened.beat == "way"


def test_showing_other_panels_does_not_hide_an_error(lab):
    lab.controls["frequency"].value = 4.0
    lab.show("wave")
    assert "the string breaks" in lab.chart.get_state("state")["state"]["error"]
    with pytest.raises(ValueError, match="WaveLab has no panel 'tide': its panels are wave, peak."):
        lab.show("tide")
    assert [panel.name for panel in lab.panels_now] == ["wave"]


def test_what_a_drag_has_shown_does_not_come_back_after_a_reset(lab):
    """The page's own message of a drag is late: it comes after Reset was pressed."""
    lab.chart._receive(None, {"move": {"name": "frequency", "value": 3.0, "number": 1}}, [])
    lab.reset()
    lab.controls["frequency"].value = 3.0  # what ipywidgets had on its way
    assert lab.values["frequency"] == lab.arrays.frequency == 1.0
    lab.controls["frequency"].value = 3.0  # and this is a hand
    assert lab.values["frequency"] == lab.arrays.frequency == 3.0


def test_a_look_elsewhere_refuses_what_the_lab_cannot_take(lab):
    with pytest.raises(ValueError, match="shape must be one of"):
        lab.at(shape="saw")
    with pytest.raises(ValueError, match="cycles is 2 with shape='square'"):
        lab.at(shape="square", cycles=2)
    assert lab.at(shape="square")[1] == "1 wave a second."  # cycles goes to the nearest


def test_a_refusal_of_a_lab_of_ones_own_is_said_in_its_words(lab):
    WaveLab = type(lab)

    class OwnLab(WaveLab):
        ENTRIES = {**WaveLab.ENTRIES, "breaks": "It breaks at {frequency:g}."}

        @staticmethod
        def compute(frequency, **others):
            if frequency == 2.0:
                raise RefusedValue(Message("wave.breaks", frequency=frequency))
            return WaveLab.compute(frequency=frequency, **others)

    own = OwnLab()
    own.controls["frequency"].value = 2.0
    assert own.chart.get_state("state")["state"]["error"].startswith("It breaks at 2.")


def test_a_prediction_offers_the_steps_that_it_takes():
    guess = Prediction(0.25, 5.0, 0.5)
    marks = [value for _, value in guess.widget(None, {}, "", str).options][1:]
    assert marks[:3] == [0.25, 0.75, 1.25] and all(guess.check("guess", mark, {}) == mark for mark in marks)


def test_what_no_page_shows_cannot_be_moved():
    lab = NoiseLab()
    with pytest.raises(Exception, match="read-only"):
        lab.controls["model"].value = "other.safetensors"
    assert repr(lab) == "NoiseLab()"
