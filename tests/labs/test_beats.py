"""How labs lead: what is shown at each beat, predictions that are locked and answered, and what every lab's beats have to be."""

import re
from dataclasses import replace

import numpy as np
import pytest
from all_labs import all_labs

from lt_helpers.labs import NoiseLab, Opinion, PilotLab, PointsLab, Prediction, WeightsLab, surprises
from lt_helpers.labs.beats import Answer, Beat, has_come
from lt_helpers.labs.story import alike
from lt_helpers.language import catalogue

pytestmark = pytest.mark.leads


def widgets(lab):
    """The names of the controls that are on the page."""
    seen, found = [lab.widget], set()
    while seen:
        widget = seen.pop()
        found |= {name for name, control in lab.controls.items() if control is widget}
        seen += getattr(widget, "children", ())
    return found


def said(lab):
    """What the lab asks and tells -> str"""
    return re.sub("<[^>]+>", " ", lab._guide.task.value)


def test_a_lab_opens_with_one_panel_and_one_large_control(lab):
    assert lab.beat == "peak" and [panel.name for panel in lab.panels_now] == ["peak"]
    assert widgets(lab) == {"frequency"} and "lt-large" in lab.controls["frequency"]._dom_classes
    assert lab.values["shape"] == "square"  # the beat's
    assert "Where will the peak" in said(lab) and "Predict." in said(lab)


def test_a_prediction_is_locked_and_answered_once_the_control_has_come_there(lab):
    assert lab._guide.lock.disabled
    lab.controls["expected"].value = 0.4
    assert not lab._guide.lock.disabled and lab._guide.typed.value == "0.4"
    lab._guide.lock.click()
    assert lab.controls["expected"].disabled and "Slide to 3." in said(lab)
    lab.controls["frequency"].value = 2.5
    assert lab.answers == {} and "You said" not in said(lab)
    lab.controls["frequency"].value = 3.5  # past it
    assert "You said 0.4; it is 1.0, which is 0.6 more. It lies at 1.00, 1 above zero." in said(lab)
    assert lab.answers == {"expected": Answer("peak", 0.4, 1.0)}
    gap = lab.panels_now[0].mark("gap")
    assert gap.x.tolist() == [0, 0] and gap.y.tolist() == [0.4, 1.0]
    lab.controls["frequency"].value = 1.0  # what was told stays
    assert "You said 0.4" in said(lab)


@pytest.mark.parametrize(
    ("guess", "words"),
    [
        (0.7, "You said 0.7; it is 1.0, which is 0.3 more."),
        (0.3, "You said 0.3; it is 0.1, which is 0.2 less."),
    ],
)
def test_it_is_told_on_which_side_the_prediction_lay_though_by_little(lab, guess, words, monkeypatch):
    beat = replace(lab.BEATS[0], answer=lambda wave, begun: 1.0 if guess == 0.7 else 0.1)
    monkeypatch.setattr(type(lab), "BEATS", (beat, *lab.BEATS[1:]))
    lab = type(lab)()
    lab.controls["expected"].value = guess
    lab._guide.lock.click()
    lab.controls["frequency"].value = 3.0
    assert words in said(lab)


def test_who_moves_first_is_told_as_well(lab):
    lab.controls["frequency"].value = 3.0
    assert "It lies at 1.00" in said(lab) and "You said" not in said(lab)
    assert lab.answers["expected"].guess is None and lab._guide.lock.disabled


def test_a_prediction_is_right_within_half_a_step(lab):
    lab.controls["expected"].value = 1.0
    lab.lock()
    lab.controls["frequency"].value = 3.0
    assert "You said 1, and that is right." in said(lab)
    assert "Your prediction was right:" in surprises(lab).value


@pytest.mark.parametrize(
    "guess, words, heading",
    [
        (0.9, "You said 0.9; it is 1.0, which is close enough.", "Your prediction was right:"),
        (0.8, "You said 0.8; it is 1.0, which is 0.2 more.", "Your prediction came out otherwise:"),
    ],
)
def test_a_prediction_one_step_beside_the_answer_counts_as_right(lab, guess, words, heading):
    lab.controls["expected"].value = guess
    lab.lock()
    lab.controls["frequency"].value = 3.0
    assert words in said(lab) and heading in surprises(lab).value


@pytest.mark.parametrize(
    "digits, guess, answer, shown",
    [(2, 1.5, 1.0844, ("1.08", "0.42")), (2, 1.5, 1.1, ("1.10", "0.40")), (1, -2.0, -4.0, ("-4", "2"))],
)
def test_what_is_shown_subtracts(digits, guess, answer, shown):
    came, gap = alike(digits, answer, abs(answer - guess))
    assert (came, gap) == shown
    assert abs(float(came) - guess) == pytest.approx(float(gap))


@pytest.mark.parametrize(
    "guess, words", [("up", "You said “up”; it is “down”."), ("down", "You said “down”, and that is right.")]
)
def test_an_opinion_is_answered_with_its_words(lab, guess, words):
    lab.next()
    lab.controls["way"].value = guess
    lab.lock()
    lab.controls["frequency"].value = 2.0
    assert words in said(lab) and "It went from 5 to 2." in said(lab)


def test_next_and_back_bring_panels_controls_and_values(lab):
    lab._guide.next.click()
    assert lab.beat == "way" and [panel.name for panel in lab.panels_now] == ["peak", "wave"]
    assert (
        lab.values["frequency"] == 5.0 and lab.values["shape"] == "sine"
    )  # as the lab was opened, but for the beat
    assert {"frequency", "noisy", "way"} == widgets(lab)
    faint = {trace["xaxis"] for trace in lab.drawing["data"] if trace.get("opacity")}
    assert faint == {"x"}  # the new panel stands out
    lab._guide.next.click()
    lab._guide.back.click()
    lab._guide.back.click()
    assert lab.beat == "peak" and lab._guide.back.disabled


def test_a_beat_that_is_shown_again_keeps_its_answer_to_itself_until_one_comes_there_again(lab):
    lab.controls["expected"].value = 0.4
    lab.lock()
    lab.controls["frequency"].value = 3.0
    lab.next()
    lab.back()
    assert lab.story().phase == "do" and "gap" not in [mark.name for mark in lab.panels_now[0].marks]
    lab.controls["frequency"].value = 3.0
    assert lab.story().phase == "told" and lab.panels_now[0].mark("gap").y.tolist() == [0.4, 1.0]


def test_one_panel_and_two_of_a_beat_are_one_row_which_is_higher_than_a_row_of_all():
    lab, heights = NoiseLab(), []
    for beat in ("meter", "shares", None):
        lab.go_to(beat)
        heights.append(lab.drawing["layout"]["height"])
    one, two, all_four = heights
    assert one == two > all_four / 2


def test_a_beat_without_a_prediction_is_told_when_it_is_done(lab):
    lab.go_to("look")
    assert "Do." in said(lab) and "Noisy it is." not in said(lab)
    lab.controls["noisy"].value = True
    assert "Noisy it is." in said(lab) and lab.answers == {}


def test_after_the_last_beat_comes_everything_and_back_to_the_first(lab):
    lab.go_to("look")
    lab.controls["noisy"].value = True
    lab.next()
    assert lab.beat is None and len(lab.panels_now) == 2 and lab.values["noisy"]
    assert widgets(lab) == set(lab.controls) - {"way"}  # an opinion belongs to its beat
    assert not any("lt-large" in widget._dom_classes for widget in lab.controls.values())
    lab._guide.lead.click()
    assert lab.beat == "peak"


def test_a_call_that_says_what_is_to_be_seen_shows_everything(lab):
    for chosen in (
        dict(frequency=3.0),
        dict(panels=["wave"]),
        dict(ghost={"shape": "square"}),
        dict(beat=None),
    ):
        assert type(lab)(**chosen).beat is None and type(lab)(**chosen).story() is None


def test_what_the_call_says_goes_before_the_beat_that_it_names(lab):
    opened = type(lab)(beat="peak", shape="sine", seed=7)
    assert opened.values["shape"] == "sine"
    opened.next()
    assert opened.values["seed"] == 7


def test_what_the_beat_wants_and_the_call_rules_out_goes_to_the_nearest():
    """The first beat of the weights lab looks at layer 3, which a model of two layers does not have."""
    assert WeightsLab(beat=WeightsLab.BEATS[0].name, layers=2).values["layer"] == 2


def test_a_beat_begins_where_it_does_on_the_sequence_that_the_call_names():
    lab = NoiseLab(beat="shares", seed=5, direction_guess="weakest")
    before = NoiseLab(seed=5, layers=4).arrays.kept[0]
    lab.lock()
    lab.controls["sigma"].value = 4.0
    assert f"where it kept {before:.2f}" in said(lab)


def test_a_hand_moves_what_the_beat_is_about_and_under_everything_all():
    lab = PointsLab(beat="pull")
    assert {handle["control"] for handle in lab.drawing["handles"]} == {"lifted"}
    lab.go_to("noise")
    assert {handle["control"] for handle in lab.drawing["handles"]} == {"slope_guess"}
    lab.go_to(None)
    assert {"lifted", "moved"} <= {handle["control"] for handle in lab.drawing["handles"]}


def test_a_prediction_that_is_free_again_can_be_moved(lab):
    lab.controls["frequency"].value = 3.0  # told without a prediction
    assert lab.controls["expected"].disabled
    lab.go_to(None)
    assert not lab.controls["expected"].disabled
    opened = type(lab)(beat=None)
    opened.go_to("peak")
    opened.controls["expected"].value = 0.4
    opened.lock()
    opened.reset()
    assert not opened.controls["expected"].disabled


def test_reset_brings_back_what_a_link_had_locked(lab):
    lab.controls["expected"].value = 0.4
    lab.lock()
    lab.controls["frequency"].value = 3.0
    opened = type(lab).from_state(lab.link())
    opened.controls["frequency"].value = 1.0
    opened.reset()
    assert "You said 0.4" in said(opened) and opened.controls["expected"].disabled


def test_a_question_without_an_answer_is_said_to_have_none():
    lab = PilotLab(beat="correlated", model="full-7", guess=0.4)
    lab.lock()
    lab.controls["strength"].value = 1.0
    assert lab.error is None and "the question has no answer" in said(lab) and "You said" not in said(lab)
    assert "You have locked no prediction" in surprises(lab).value
    with pytest.raises(TypeError, match=r"surprises got \[.*it takes labs, one after the other"):
        surprises([lab])


def test_reset_forgets_predictions_and_goes_to_where_it_was_opened(lab):
    lab.controls["expected"].value = 0.4
    lab.lock()
    lab.next()
    lab.reset()
    assert lab.beat == "peak" and lab.values["expected"] is None and not lab.controls["expected"].disabled
    assert "Where will the peak" in said(lab) and repr(lab) == repr(type(lab)())


def test_the_call_and_the_document_hold_the_beat(lab):
    lab.next()
    assert "beat='way'" in repr(lab) and eval(repr(lab), {"WaveLab": type(lab)}).beat == "way"
    assert type(lab).from_state(lab.link()).beat == "way"
    lab.go_to(None)
    assert (
        "beat" not in repr(lab) and eval(repr(lab), {"WaveLab": type(lab)}).beat is None
    )  # its values say enough
    lab.controls["frequency"].value = 1.0
    assert repr(lab) == "WaveLab(beat=None)"


def test_next_and_back_go_as_far_as_there_are_beats(lab):
    lab.back()
    assert lab.beat == "peak"
    lab.go_to("look")
    lab.next()
    assert lab.beat is None
    lab.next()
    assert lab.beat == "peak"


def test_a_link_to_an_answered_prediction_tells_it_again_from_where_the_beat_began(lab):
    lab.next()
    lab.controls["way"].value = "up"
    lab.lock()
    lab.controls["frequency"].value = 2.0
    opened = type(lab).from_state(lab.link())
    assert said(opened) == said(lab) and "You said “up”; it is “down”. It went from 5 to 2." in said(opened)
    assert opened.answers == lab.answers
    again = type(lab)(beat="way", frequency=3.5)
    again.controls["frequency"].value = 2.0
    assert "It went from 5 to 2." in said(again)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda lab: lab.go_to("encore"), "WaveLab has no beat 'encore': its beats are peak, way, look"),
        (lambda lab: type(lab)(beat=2), "WaveLab has no beat 2"),
        (lambda lab: lab.lock(), "set your prediction first: drag the star, or type a number"),
        (lambda lab: (lab.go_to("way"), lab.lock()), "choose first: press the button"),
        (lambda lab: (lab.go_to("look"), lab.lock()), "nothing is to be predicted now"),
    ],
)
def test_what_cannot_be_is_said(lab, wrong, message):
    with pytest.raises((ValueError, RuntimeError), match=message):
        wrong(lab)


def test_a_number_is_typed(lab):
    for typed, value in (("0.33", 0.3), ("0,8", 0.8), ("7", 1.0), ("a lot", 1.0)):
        lab._guide.typed.value = typed
        assert lab.values["expected"] == pytest.approx(value)
    assert lab._guide.typed.value == "1"


def test_a_star_is_dragged(lab):
    (handle,) = lab.drawing["handles"]
    assert (handle["control"], handle["panel"], handle["along"], handle["unset"]) == (
        "expected",
        1,
        "y",
        True,
    )
    assert handle["says"] == "not set" and handle["y"] == 0.5
    lab._grabbed("expected", 0, None, 0.72)
    (handle,) = lab.drawing["handles"]
    assert lab.values["expected"] == 0.7 and handle["y"] == pytest.approx(0.7) and handle["says"] == "0.7"
    lab.lock()
    lab._grabbed("expected", 0, None, 0.2)
    assert lab.values["expected"] == 0.7 and lab.drawing["handles"] == []


def test_a_star_that_is_not_asked_for_is_not_there(lab):
    lab.controls["expected"].value = 0.4
    lab.next()
    assert lab.drawing["handles"] == []
    assert not any(mark.role == "prediction" for panel in lab.panels_now for mark in panel.marks)
    lab.go_to(None)
    assert [handle["control"] for handle in lab.drawing["handles"]] == ["expected"]


def listed(html):
    """What stands under each heading of the surprises -> {heading: list of str}"""
    return {
        heading: re.findall("<li>(.*?)</li>", items)
        for heading, items in re.findall("<p>(.*?)</p><ul>(.*?)</ul>", html)
    }


def test_what_surprised_is_said_first(lab):
    assert "You have locked no prediction" in surprises(lab).value and surprises().value
    lab.controls["expected"].value = 1.0
    lab.lock()
    lab.controls["frequency"].value = 3.0
    lab.next()
    lab.controls["way"].value = "up"
    lab.lock()
    lab.controls["frequency"].value = 2.0
    assert list(listed(surprises(lab).value).items()) == [
        ("One of your 2 predictions came out otherwise:", ["I expect it: You said “up”; it is “down”."]),
        ("One was right:", ["I expect a peak of: You said 1, and that is right."]),
    ]


def predicted(kind, *peaks):
    """Labs in each of which the peak was predicted, and is 1."""
    labs = [kind() for _ in peaks]
    for each, peak in zip(labs, peaks, strict=True):
        each.controls["expected"].value = peak
        each.lock()
        each.controls["frequency"].value = 3.0
    return labs


def test_each_prediction_stands_under_the_heading_that_it_belongs_to(lab):
    found = listed(surprises(*predicted(type(lab), 0.2, 1.0, 0.3, 0.9, 0.4)).value)
    assert list(found) == ["3 of your 5 predictions came out otherwise:", "2 were right:"]
    wrong, right = found.values()
    assert [re.search("You said ([^,;]*)", line)[1] for line in wrong] == ["0.2", "0.3", "0.4"]
    assert [re.search("You said ([^,;]*)", line)[1] for line in right] == ["1", "0.9"]


def test_where_all_surprised_that_is_said(lab):
    found = listed(surprises(*predicted(type(lab), 0.2, 0.3)).value)
    assert {heading: len(lines) for heading, lines in found.items()} == {
        "All 2 of your predictions came out otherwise:": 2
    }


def test_where_nothing_surprised_all_is_said_to_be_right(lab):
    found = listed(surprises(*predicted(type(lab), 1.0, 1.0)).value)
    assert {heading: len(lines) for heading, lines in found.items()} == {
        "All 2 of your predictions were right:": 2
    }


@pytest.mark.parametrize(
    "start, value, goal, there",
    [
        (1, 4, 4, True),
        (1, 3.9, 4, False),
        (1, 8, 4, True),
        (5, 2, 3, True),
        (5, 4, 3, False),
        (None, 3, 3, True),
        ("a", "b", "b", True),
        (3, 4, 3, False),
    ],
)
def test_a_place_is_reached_from_the_side_where_one_began(start, value, goal, there):
    assert has_come(start, value, goal) == there


def test_what_moves_in_a_beat_is_all_that_its_page_and_its_answer_name():
    beat = Beat(
        "way", ("p",), "large", ("small",), hands=("point",), at=dict(large=1, other=2), values=dict(rest=3)
    )
    assert beat.moving == {"large", "small", "point", "other"}


def labs_that_lead():
    return [kind for kind in all_labs().values() if kind.BEATS]


BY_SIGHT = {("rescaling", "shrink")}  # until two points lie on others, which its lab's own test holds
ON_THE_WAY = {
    ("rescaling", "breaks"): 4,
    ("rescaling", "trained"): 12,
}  # answered before the number that the words name: it would tell


@pytest.mark.parametrize("kind", labs_that_lead(), ids=lambda kind: kind.__name__)
class TestEveryLab:
    def test_begins_with_one_panel_and_at_most_three_controls(self, kind):
        first = kind.BEATS[0]
        assert len(first.panels) == 1
        for beat in kind.BEATS:
            count = (beat.control is not None) + len(beat.others) + (beat.ask is not None)
            assert len(beat.others) <= 2 and count <= 3 and len(beat.panels) <= 2, beat.name

    def test_names_what_there_is(self, kind):
        lab, entries = kind(), catalogue("en").entries
        names = [beat.name for beat in kind.BEATS]
        assert len(set(names)) == len(names)
        for beat in kind.BEATS:
            asks, waits = ["go"] if beat.ask else [], ["first"] if beat.ready else []
            assert {"task", "told", *asks, *waits} == {
                id.split(".")[-1] for id in entries if id.startswith(f"{kind.NAME}.beat.{beat.name}.")
            }, beat.name
            lab.go_to(beat.name)
            assert [panel.name for panel in lab.panels_now] == list(beat.panels)
            if beat.ask:
                assert isinstance(kind.CONTROLS[beat.ask], (Prediction, Opinion))
            if beat.ask and isinstance(kind.CONTROLS[beat.ask], Prediction):
                assert beat.ask in [handle["control"] for handle in lab.drawing["handles"]], beat.name
            if beat.ask:
                starred = isinstance(kind.CONTROLS[beat.ask], Prediction)
                with pytest.raises(RuntimeError, match="drag the star" if starred else "press the button"):
                    lab.lock()
        sections = {id.split(".")[2] for id in entries if id.startswith(f"{kind.NAME}.beat.")}
        assert sections == set(names)

    def test_holds_a_star_that_is_not_set_in_the_middle_of_where_it_can_go(self, kind):
        """As one sees it: on a logarithmic axis in the middle of the decades."""
        lab = kind()
        for beat in kind.BEATS:
            lab.go_to(beat.name)
            for handle in lab.drawing["handles"]:
                if not handle["unset"]:
                    continue
                control = kind.CONTROLS[handle["control"]]
                for reach, end in (("low", control.low), ("high", control.high), ("step", control.step)):
                    assert handle[reach] == pytest.approx([end, end]), (beat.name, reach)
                letter, number = handle["along"], handle["panel"]
                axis = lab.drawing["layout"][f"{letter}axis{number if number > 1 else ''}"]
                seen = np.log10 if axis.get("type") == "log" else float
                place = "xy".index(letter)
                ends = [seen(handle[end][place]) for end in ("low", "high")]
                low, high = np.clip(ends, *sorted(axis["range"]))
                assert seen(handle[letter]) == pytest.approx((low + high) / 2, abs=1e-5), beat.name

    def test_wants_its_control_where_the_words_say(self, kind):
        lab, entries = kind(), catalogue("en").entries
        for beat in kind.BEATS:
            id = f"{kind.NAME}.beat.{beat.name}"
            words = entries.get(f"{id}.go", entries[f"{id}.task"])
            for name, value in beat.at.items():
                if (kind.NAME, beat.name) in BY_SIGHT:
                    continue
                if (kind.NAME, beat.name) in ON_THE_WAY:
                    end = ON_THE_WAY[kind.NAME, beat.name]
                    assert lab.values[name] < value < end, id
                    value = end
                if "all the way up" in words:
                    assert value == list(lab.controls[name].options)[-1][1], id
                elif isinstance(value, bool):
                    assert value == ("Tick" in words), id
                elif isinstance(value, (int, float)):
                    assert re.search(rf"(?<![\d.]){value:g}(?![\d.]*\d)", words), (id, value)
                else:
                    labels = [label for label, option in lab.controls[name].options if option == value]
                    assert any(called in words for called in (value, *labels)), (id, value)

    def test_is_not_answered_before_the_learner_has_done_anything(self, kind):
        lab = kind()
        for beat in kind.BEATS:
            lab.go_to(beat.name)
            assert lab.story().phase != "told", beat.name

    def test_answers_every_prediction_at_its_place(self, kind):
        lab = kind()
        for beat in kind.BEATS:
            if beat.when is not None or not beat.at:
                continue  # its lab's own tests do what it asks for
            lab.go_to(beat.name)
            if beat.ask:
                control = kind.CONTROLS[beat.ask]
                first = (
                    control.low
                    if isinstance(control, Prediction)
                    else next(iter(control.choices({}).values()))
                )
                lab.controls[beat.ask].value = control.write(first)
                lab.lock()
            for name, value in beat.at.items():
                lab.controls[name].value = kind.CONTROLS[name].write(value)
            assert lab.error is None and lab.story().phase == "told", beat.name
            words = lab.names.say(lab.story().found)
            assert "nan" not in words and "{" not in words
            if beat.ask:
                answer = lab.answers[beat.ask].answer
                assert "You said" in words
                if isinstance(control, Opinion):
                    assert answer in control.choices({}).values()
                else:
                    assert np.isfinite(answer) and control.low <= answer <= control.high


def test_points_that_are_no_points_are_refused():
    for moved in (
        [(float("inf"), 1, 2)],
        [(0, 10**400, 2)],
        [(0.7, 1, 2)],
        {0: (1, 2)},
        [(0, 1, 2), (0, 1, 3)],
    ):
        with pytest.raises(ValueError, match=r"moved must be a list of \(index, x, y\)"):
            PointsLab(moved=moved)
