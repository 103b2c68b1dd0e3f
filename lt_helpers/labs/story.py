"""How a lab leads: its task, what it tells, and the row of buttons that goes from beat to beat.

`tell_story` says what there is to say, as messages; `Guide` is the part of the page that shows it.
"""

import html
from dataclasses import dataclass

import ipywidgets

from ..checks import shown
from ..language import Message, RefusedType, catalogue
from .beats import ASK, DO, TOLD
from .controls import Opinion

ROW = ipywidgets.Layout(display="flex", flex_flow="row wrap", align_items="center", width="100%")
LARGE = ipywidgets.Layout(width="auto", flex="1 1 200px", min_width="0", margin="2px 12px 2px 2px")


@dataclass(frozen=True)
class Told:
    """Where the story of a lab stands.

    phase : "ask", "do" or "told".
    task : Message.  What the learner is asked to do.
    found : list of Message.  How the prediction came out, and what was found; none before the beat is done.
    """

    phase: str
    task: Message
    found: list


def tell_story(lab, beat, values, found, begun, locked, answers):
    """What a lab asks for, and what it tells.

    Parameters
    ----------
    lab : a class that is a Definition.
    beat : Beat.
    values : dict.  Of all controls.
    found : Frozen or False.  The state at which the beat was answered, False: it was not yet.
    begun : Frozen.  The state at which it began.
    locked : set of str.  The predictions that are final.
    answers : dict of Answer, by control.

    Returns
    -------
    Told
    """
    entry = f"{lab.NAME}.beat.{beat.name}"
    if not beat.can_begin(begun):
        return Told(DO, Message(f"{entry}.first"), [])
    if not found:
        waits = beat.ask is not None and beat.ask not in locked
        return Told(ASK, Message(f"{entry}.task"), []) if waits else Told(DO, go_on(entry, beat), [])
    task = go_on(entry, beat) if beat.ask in locked else Message(f"{entry}.task")
    if beat.ask is not None and answers[beat.ask].answer is None:
        return Told(TOLD, task, [Message("story.no_answer")])

    more = {} if beat.tell is None else beat.tell(found, begun)
    if beat.ask is None:
        return Told(TOLD, task, [Message(f"{entry}.told", **more)])
    answer = answers[beat.ask]
    told = Message(f"{entry}.told", answer=label_of(lab, beat.ask, answer.answer), **more)
    return Told(TOLD, task, [*compare(lab, beat.ask, answer), told])


def go_on(entry, beat):
    """What to do once nothing is left to predict."""
    return Message(f"{entry}.task" if beat.ask is None else f"{entry}.go")


def label_of(lab, name, value):
    """A number as it is, an option as the page shows it."""
    control = lab.CONTROLS[name]
    if isinstance(control, Opinion):
        return next(label for label, option in control.choices({}).items() if option == value)
    return value


def compare(lab, name, answer):
    """What was predicted, beside what it is -> list of Message, none where nothing was predicted"""
    if answer.guess is None:
        return []
    control = lab.CONTROLS[name]
    if isinstance(control, Opinion):
        both = dict(guess=label_of(lab, name, answer.guess), answer=label_of(lab, name, answer.answer))
        return [Message("story.right" if answer.guess == answer.answer else "story.wrong", **both)]
    gap = abs(answer.gap)
    came, missing = alike(control.scale.digits, answer.answer, gap)
    if gap <= control.step / 2:
        return [Message("story.hit", guess=answer.guess)]
    if gap <= control.step * (1 + 1e-9):
        return [Message("story.near", guess=answer.guess, answer=came)]
    way = "above" if answer.gap < 0 else "below"
    return [Message(f"story.{way}", guess=answer.guess, answer=came, gap=missing)]


def alike(digits, *numbers):
    """Numbers with the same decimals, `digits`, or none where all are whole -> list of str"""
    rounded = [round(float(number), digits) + 0.0 for number in numbers]  # + 0.0: no "-0"
    places = 0 if all(number.is_integer() for number in rounded) else digits
    return [f"{number:.{places}f}" for number in rounded]


class Guide:
    """The part of a lab's page that leads.

    Parameters
    ----------
    lab : Lab, with BEATS.
    """

    def __init__(self, lab):
        self.lab = lab
        self.back = lab._button("back", lambda _: lab.back())
        self.next = lab._button("next", lambda _: lab.next())
        self.everything = lab._button("everything", lambda _: lab.go_to(None))
        self.lead = lab._button("lead", lambda _: lab.go_to(lab.BEATS[0].name))
        self.lock = lab._button("lock", lambda _: lab.lock())
        self.place = ipywidgets.HTML(tooltip="")
        self.task = ipywidgets.HTML(tooltip="", layout=ipywidgets.Layout(width="100%"))
        self.task.add_class("lt-story")
        self.typed = ipywidgets.Text(
            continuous_update=False, tooltip="", layout=ipywidgets.Layout(width="110px")
        )
        self.typed.observe(self._type, "value")
        self._follows = False
        self.small = {}  # the layouts of controls that are large now

    def stage(self, everything):
        """The widgets that belong on the page now.

        Parameters
        ----------
        everything : widget.  All controls.

        Returns
        -------
        list of widgets above the controls; list of widgets, the controls
        """
        self.follow()
        beat, controls = self.lab._beat, self.lab.controls
        self._enlarge(beat and beat.control)
        if beat is None:
            return [ipywidgets.HBox([self.lead], layout=ROW)], [everything]
        steps = ipywidgets.HBox([self.back, self.next, self.place, self.everything], layout=ROW)
        steps.add_class("lt-steps")
        above = [steps, self.task, *([self._ask_row(beat.ask)] if beat.ask else [])]
        return above, [controls[name] for name in (beat.control, *beat.others) if name is not None]

    def _ask_row(self, name):
        """Where the prediction is made."""
        control, widget = self.lab.CONTROLS[name], self.lab.controls[name]
        if isinstance(control, Opinion):
            row = ipywidgets.HBox([widget, self.lock], layout=ROW)
            row.add_class("lt-opinion")
            return row
        self.typed.description = self.lab.names.control(name, control)
        self.typed.style = dict(description_width="initial")
        self.typed.layout.width = "max-content"
        return ipywidgets.HBox([self.typed, self.lock], layout=ROW)

    def _enlarge(self, name):
        """The control of this name spans the lab, and no other one does."""
        for other, widget in self.lab.controls.items():
            if not isinstance(widget, ipywidgets.DOMWidget) or (other == name) == (other in self.small):
                continue
            if other == name:
                self.small[other], widget.layout = widget.layout, LARGE
                widget.add_class("lt-large")
            else:
                widget.layout = self.small.pop(other)
                widget.remove_class("lt-large")

    def follow(self):
        """Say where the story stands."""
        lab, beat = self.lab, self.lab._beat
        final = {*lab._locked, *lab._scene().answers}
        for name in lab.CONTROLS:
            if lab._is_guess(name):
                lab.controls[name].disabled = name in final
        if beat is None:
            return
        place = lab.BEATS.index(beat)
        self.back.disabled = place == 0
        story = lab.story()
        self.place.value = lab.names.say(Message("story.place", number=place + 1, count=len(lab.BEATS)))
        self.task.value = self._html(story)
        if beat.ask is None:
            return
        value = lab.values[beat.ask]
        closed = beat.ask in lab._locked or story.phase == TOLD
        self.lock.disabled = closed or value is None
        self.lock.button_style = "primary" if not self.lock.disabled else ""
        self.typed.disabled = closed
        if not isinstance(lab.CONTROLS[beat.ask], Opinion):
            self._follows = True
            self.typed.value = "" if value is None else f"{value:g}"
            self._follows = False

    def _html(self, story):
        """The task, and under it what is told."""
        say = self.lab.names.say
        task = html.escape(say(story.task), quote=False)
        kind = html.escape(say(Message(f"story.{story.phase}")), quote=False)
        found = html.escape(say(story.found), quote=False)
        return (
            f'<div class="lt-task"><b class="lt-phase">{kind}</b> {task}</div>'
            f'<div class="lt-told">{found}</div>'
        )

    def _type(self, change):
        """A number that was typed: the prediction goes to the nearest step. What is no number goes away."""
        if self._follows:
            return
        name = self.lab._beat and self.lab._beat.ask
        if name is None:
            return
        try:
            number = float(change.new.replace(",", "."))
        except ValueError:
            number = float("nan")
        if number == number:
            self.lab._grabbed(name, 0, None, number)
        self.follow()


def surprises(*labs):
    """What was predicted in labs, beside what it is: what came out otherwise, and after it what was right.

    Parameters
    ----------
    *labs : Lab.

    Returns
    -------
    ipywidgets.HTML, which shows a list of each, with its heading; one sentence where nothing was predicted.
    """
    for lab in labs:
        if not hasattr(lab, "answers"):
            raise RefusedType(Message("refused.labs", value=shown(lab)))
    lines = [
        (is_right(lab, name), line_of(lab, name))
        for lab in labs
        for name in lab.answers
        if None not in (lab.answers[name].guess, lab.answers[name].answer)
    ]
    say = labs[0].names.say if labs else catalogue().say
    if not lines:
        return ipywidgets.HTML(f"<p>{html.escape(say(Message('story.no_predictions')))}</p>", tooltip="")
    wrong = [line for right, line in lines if not right]
    right = [line for right, line in lines if right]
    if len(lines) == 1:
        parts = [(Message("story.surprise", count=len(wrong)), [*wrong, *right])]
    elif not wrong:
        parts = [(Message("story.all_right", total=len(lines)), right)]
    elif not right:
        parts = [(Message("story.all_otherwise", total=len(lines)), wrong)]
    else:
        parts = [
            (Message("story.surprises", count=len(wrong), total=len(lines)), wrong),
            (Message("story.others_right", count=len(right)), right),
        ]
    return ipywidgets.HTML("".join(listed(say(heading), some) for heading, some in parts), tooltip="")


def listed(heading, lines):
    """A heading and, under it, a list -> str, HTML"""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<p>{html.escape(heading)}</p><ul>{items}</ul>"


def is_right(lab, name):
    """Was a prediction right? A number is so within one step of its control."""
    return compare(type(lab), name, lab.answers[name])[0].id in ("story.hit", "story.near", "story.right")


def line_of(lab, name):
    """A prediction and its answer, in a line."""
    label = lab.names.control(name, lab.CONTROLS[name])
    said = compare(type(lab), name, lab.answers[name])
    return lab.names.say(Message("story.line", label=label, said=said))
