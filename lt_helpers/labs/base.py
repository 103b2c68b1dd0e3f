"""What every lab is: declared controls, `compute`, `panels` and `words`. This class makes the live widget of them.

A lab is a pure function of its controls. It declares them, and writes three functions and no update code:

    class WaveLab(Lab):
        NAME = "wave"                                    # its section in the catalogue of sentences (language/en.toml)
        CONTROLS = dict(frequency=Slider(0.5, 5.0, 0.1, value=1.0), guess=Prediction(0.0, 1.0, 0.1))

        @staticmethod
        def compute(frequency): ...                      # controls, but for predictions -> Frozen: arrays that nobody can write into
        @staticmethod
        def panels(state, ghost, guesses): ...           # -> list of Panel: marks as data (view/panel.py)
        @staticmethod
        def words(state, ghost): ...                     # -> list of Message: what the panels show now

and BEATS, what it asks for, one thing after the other (beats.py): a lab that has some leads, with one panel and one large control at first,
until *Everything* is pressed.

`ghost` is the state that is held behind the present one, or None; `guesses` the predictions by name, None where there is none yet. The
renderer draws the panels and reports what lay beyond an axis, which the lab then says by itself.
"""

import functools
import html
import threading
from types import MappingProxyType

import ipywidgets

from ..checks import shown
from ..language import Message, Refusal, RefusedAction, RefusedType, RefusedValue, catalogue
from ..view.chart import Chart
from .beats import Answer
from .controls import Choice, Opinion, Prediction, Seed, Spots
from .definition import Definition, Scene
from .document import LabState, read_document
from .names import Names
from .story import Guide, tell_story

ROW = ipywidgets.Layout(display="flex", flex_flow="row wrap", align_items="center", width="100%")
WHOLE = ipywidgets.Layout(width="100%")
FITTING = ipywidgets.Layout(width="auto")


def in_turn(method):
    """Methods of a lab that change it wait for each other: a kernel may receive the messages of a page, or of two, on several threads."""

    @functools.wraps(method)
    def wait_and_run(lab, *args, **kwargs):
        with lab._turn:
            return method(lab, *args, **kwargs)

    return wait_and_run


class Lab(Definition):
    """A live figure with its controls. As the last line of a cell it shows itself.

    Parameters
    ----------
    ghost : dict, optional.  Values of controls whose state is drawn behind the present one.
    panels : list of str, optional.  The panels to show, in this order; by default those of the beat, or all of them.
    beat : str, optional.  The beat at which it opens, by its name. None shows everything. By default the first one, or everything where the
        call names panels, a ghost or values: they choose what is to be seen.
    language : str, optional.  "en", ...; by default what the environment variable LT_LANGUAGE names, else English.
    **values : where the controls stand at first; the others stand where the lab declares them. `task=`, a RegressionTask of your own, goes
        with labs that draw sequences of a task or judge by one; the others refuse it. With it a lab leads nowhere: what its beats tell
        holds for the paper's task.

    Attributes
    ----------
    controls : dict of widgets by name; `lab.controls["sigma"].value = 3.0` moves one.
    values, ghost : what the controls say now, and the values that are held (or None).
    arrays : what was last computed, read-only.
    beat : the name of the beat that it is at, None where everything is shown.
    answers : how the predictions came out so far, by control: dict of Answer.
    panels_now, messages : what was last shown, as data: list of Panel, list of Message.
    drawing, words_now : the same, drawn and said.
    figure : the drawing as a plotly.graph_objects.Figure, to show or export elsewhere.
    error : the exception of the last move, None if it went well.
    """

    LEADS = True  # does it open at its first beat, where the call names none?

    def __init__(self, *, ghost=None, panels=None, beat=..., language=None, **values):
        self._turn = threading.RLock()
        self.names = Names(language, self.NAME, self.ENTRIES)
        self.language = self.names.catalogue.language
        try:
            self._open(ghost, panels, beat, values)
        except Refusal as refusal:
            raise refusal.said_in(self.language) from None
        self.chart = Chart(self.drawing, self.words_now)
        self.controls = {
            name: control.widget(
                self._opened[name], self._opened, self.names.control(name, control), self.names.say
            )
            for name, control in self.CONTROLS.items()
        }
        for widget in self.controls.values():
            widget.observe(self._moved, "value")
        self.chart.follow(self._free_controls(), self._dragged, self._settle, self._grabbed)
        self._everything = self._control_panel()
        self._guide = Guide(self) if self.BEATS else None
        self._above = ipywidgets.VBox(layout=WHOLE)
        self._above.add_class("lt-above")
        self._row = ipywidgets.HBox(layout=ROW)
        self._row.add_class("lt-controls")
        self.widget = ipywidgets.VBox([self._above, self._row, self.chart], layout=WHOLE)
        self._set_stage()

    def _open(self, ghost, panels, beat, values):
        """Check what the lab was called with, and compute what it shows first."""
        if ghost is not None and not self.GHOST:
            raise RefusedType(Message("refused.no_ghost_now", value=shown(ghost), lab=type(self).__name__))
        if not (ghost is None or isinstance(ghost, dict)):
            raise RefusedType(Message("refused.ghost", value=shown(ghost)))
        given = [control.no_beats for name, control in self.CONTROLS.items() if values.get(name) is not None]
        self._no_beats = next(filter(None, given), None)
        if self._no_beats:
            self.BEATS = ()
        chosen = panels is not None or ghost is not None or values
        self._beat = (
            self._first_beat()
            if beat is ... and not chosen
            else self._named_beat(None if beat is ... else beat)
        )
        self._given, self._locked, self._opened_locked, self.answers = values, frozenset(), frozenset(), {}
        self._begun, self._is_told = None, False
        self._opened = self._computed = self._checked(
            values, None if self._beat is None else self._beat.values
        )
        self._begin_story()
        self._opened_ghost = self.ghost = None if ghost is None else self._behind(ghost, self._opened)
        self._resting, self._notice, self._late, self._dropped = False, [], {}, {}
        self.error = self._shown_panels = None
        self._compute(self._opened)
        if panels is not None:
            self._shown_panels = self._checked_panels(panels)
            self._compute(self._opened)
        self._opened_panels, self._opened_beat = self._shown_panels, self._beat

    def _first_beat(self):
        """The beat at which the lab opens by itself -> Beat or None"""
        return self.BEATS[0] if self.BEATS and self.LEADS else None

    def _begin_story(self):
        """A lab that is opened in the middle of a beat, by its call or by a link: the beat itself began where beats do."""
        if self._beat is not None:
            moved = {name: value for name, value in self._beat.values.items() if name in self._beat.moving}
            moved |= dict.fromkeys(self._beat.hands, ())
            start = self._checked(moved, self._opened)
            self._begun, self._start = self.state_at(start), start

    def _named_beat(self, name):
        """-> Beat, or None for everything"""
        if name is None:
            return None
        if not isinstance(name, str) or name not in [beat.name for beat in self.BEATS]:
            there = dict(lab=type(self).__name__, value=shown(name), beats=[beat.name for beat in self.BEATS])
            if self._no_beats:
                raise RefusedValue(Message(self._no_beats, **there))
            raise RefusedValue(Message("refused.beat" if self.BEATS else "refused.no_beats", **there))
        return next(beat for beat in self.BEATS if beat.name == name)

    @property
    def beat(self):
        return self._beat and self._beat.name

    def _checked_panels(self, names):
        """The names of panels that there are now -> tuple of str"""
        if (
            not isinstance(names, (list, tuple))
            or not names
            or not all(isinstance(name, str) for name in names)
        ):
            raise RefusedType(Message("refused.panels", value=shown(names)))
        there = [panel.name for panel in self.panels(self.arrays, None, self._guesses(self._opened))]
        for name in names:
            if name not in there:
                absent = dict(lab=type(self).__name__, name=shown(name), panels=there)
                raise RefusedValue(Message("refused.panel", **absent))
        return tuple(names)

    @property
    def values(self):
        return {name: control.read(self.controls[name].value) for name, control in self.CONTROLS.items()}

    @property
    def figure(self):
        import plotly.graph_objects as go  # here alone: the page draws without it, and it takes time and memory

        return go.Figure(data=self.drawing["data"], layout=self.drawing["layout"])

    def view(self):
        """The line of code that opens the lab in its present state."""
        return f"from {__package__} import {type(self).__name__}; {self!r}"

    def state(self):
        """The present state as a document, which JSON holds, a link carries and `Lab.from_state` opens -> dict (document.py)."""
        return self._document().document

    def link(self):
        """The same in letters that an address carries as they are -> str."""
        return self._document().text

    @classmethod
    def from_state(cls, document, *, task=None, language=None):
        """The lab that a document, or its text form, describes. Every value goes through its control; nothing is evaluated.

        Parameters
        ----------
        document : dict or str.  What `state` or `link` gave.
        task : RegressionTask, optional.  The task of your own with which the lab was opened: it does not stand in the document, and without
            it the lab opens on the paper's, and says so.
        language : str, optional.  As for a lab.

        Raises
        ------
        ValueError, TypeError : in one sentence, if it is no such document, or is of another lab.
        """
        try:
            state = read_document(document)
            kinds = {kind.NAME: kind for kind in reversed(cls.every()) if kind.NAME}
            if state.lab not in kinds:
                raise RefusedValue(Message("state.lab", value=shown(state.lab), labs=sorted(kinds)))
            kind = kinds[state.lab]
            values, notices = kind._read_sections(state, task)
            if not all(isinstance(name, str) and name in state.predictions for name in state.locked):
                raise RefusedValue(Message("state.locked", value=shown(state.locked)))
            ghost, more = (None, []) if state.ghost is None else kind._from_json(state.ghost)
        except Refusal as refusal:
            raise refusal.said_in(catalogue(language).language) from None
        beat = state.beat if task is None else None
        lab = kind(ghost=ghost, panels=state.panels, beat=beat, language=language, **values)
        lab._notice = list(dict.fromkeys([*notices, *more]))
        lab._locked = lab._opened_locked = frozenset(state.locked)
        if lab._notice or lab._locked:
            lab._is_told, lab.answers = False, {}  # what was told before did not know what was locked
            lab._show_again()
        return lab

    @classmethod
    def _read_sections(cls, state, task):
        """The values and the predictions of a document, each in its section, and the task -> values for the constructor, notices"""
        sections = {"values": state.values, "predictions": state.predictions}
        for section, other in (("values", "predictions"), ("predictions", "values")):
            for name in sections[section]:
                if name in cls.CONTROLS and cls._is_guess(name) != (section == "predictions"):
                    raise RefusedValue(Message("state.section", name=name, section=section, other=other))
        return cls._from_json({**state.values, **state.predictions}, {} if task is None else {"task": task})

    @in_turn
    def show(self, *panels):
        """Show these panels alone, by name; without a name, all. The lab does not lead any more."""
        try:
            self._shown_panels = self._checked_panels(panels) if panels else None
        except Refusal as refusal:
            raise refusal.said_in(self.language) from None
        self._beat = None
        self._show_again()

    @in_turn
    def go_to(self, beat):
        """Begin a beat, by its name: its panels, its controls, and these where it wants them. None: everything, as it stands."""
        try:
            beat = self._named_beat(beat)
        except Refusal as refusal:
            raise refusal.said_in(self.language) from None
        self._shown_panels, self._begun, self._is_told = None, None, False
        self._beat = beat
        self._forget_drags()
        if beat is None:
            self._show_again()
        else:
            self._set(self._values_at(beat), None)
            self._set_stage()

    def _values_at(self, beat):
        """Where the controls stand when a beat begins; predictions stay as they are."""
        given = {name: value for name, value in self._given.items() if not self._is_guess(name)}
        begun = self._checked({**given, **beat.values})
        return {**begun, **self._guesses(self.values)}

    @in_turn
    def next(self):
        """The next beat; after the last one, everything; from there, the first."""
        left = self.BEATS[self._place() + 1 :]
        self.go_to(left[0].name if left else None)

    @in_turn
    def back(self):
        """The beat before, as far as there is one."""
        self.go_to(self.BEATS[max(self._place() - 1, 0)].name if self.BEATS else None)

    def _place(self):
        """Where among the beats it is; -1 where everything is shown."""
        return -1 if self._beat is None else self.BEATS.index(self._beat)

    @in_turn
    def lock(self):
        """Make the prediction of this beat final: from now on the lab waits for the move that answers it."""
        if self._beat is None or self._beat.ask is None:
            raise RefusedAction(Message("refused.nothing_to_lock"), self.language)
        if self.values[self._beat.ask] is None:
            chosen = isinstance(self.CONTROLS[self._beat.ask], Opinion)
            missing = Message("refused.no_choice" if chosen else "refused.no_prediction")
            raise RefusedAction(missing, self.language)
        self._locked |= {self._beat.ask}
        self._show_again()

    def _show_again(self):
        """Draw the same state once more, and say once more what is wrong, if something is."""
        self._draw_state(self.arrays, self._computed)
        self.chart.show(self.drawing, self.words_now)
        self._set_stage()
        if self.error is not None:
            self._fail(self.error)

    @in_turn
    def reset(self):
        """Back to where the lab was opened."""
        self._shown_panels, self._beat = self._opened_panels, self._opened_beat
        self._begun, self._is_told, self._locked, self.answers = None, False, self._opened_locked, {}
        self._begin_story()
        self._forget_drags()
        self._set(self._opened, self._opened_ghost)
        self._set_stage()

    @in_turn
    def hold_ghost(self, hold=True):
        """Keep what is drawn behind the next states, or let go of it."""
        if hold and not self.GHOST:
            raise RefusedType(Message("refused.no_ghost", lab=type(self).__name__), self.language)
        self._set(None, self._held(self._computed) if hold else None)

    def at(self, **values):
        """What the lab would show with these values and the other controls as they stand -> drawing, words. Nothing moves.

        The pages without a kernel are made of it. A choice that the values rule out goes to the nearest that they allow.
        """
        try:
            values = self._checked(values, self.values)
        except Refusal as refusal:
            raise refusal.said_in(self.language) from None
        picture = self._picture(self.state_at(values), values)
        return picture.figure, self.names.say(picture.messages)

    def __repr__(self):
        values = self.values
        parts = self._differing(values)
        if self.ghost is not None:
            held = self._held(values)
            parts["ghost"] = {name: value for name, value in self.ghost.items() if value != held[name]}
        if self._shown_panels is not None:
            parts["panels"] = list(self._shown_panels)
        elif self._beat != (None if parts else self._first_beat()):
            parts["beat"] = self.beat
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in parts.items())})"

    def _repr_mimebundle_(self, **kwargs):
        return self.widget._repr_mimebundle_(**kwargs)

    def _document(self):
        values, set_apart = self.values, self._differing(self.values)
        given = {
            name: control.to_json(values[name])
            for name, control in self.CONTROLS.items()
            if name in set_apart or not (control.hidden or self._is_guess(name))
        }
        predictions = {name: given.pop(name) for name in list(given) if self._is_guess(name)}
        ghost = None
        if self.ghost is not None:
            held = self._held(values)
            changed = {name: value for name, value in self.ghost.items() if value != held[name]}
            ghost = {name: self.CONTROLS[name].to_json(value) for name, value in changed.items()}
        panels = None if self._shown_panels is None else list(self._shown_panels)
        return LabState(
            self.NAME,
            values=given,
            predictions=predictions,
            locked=sorted(self._locked & set(predictions)),
            ghost=ghost,
            beat=self.beat,
            panels=panels,
        )

    @classmethod
    def _from_json(cls, values, brought=MappingProxyType({})):
        """Values of a document -> values for the constructor, and messages about those that did not travel, and were not brought again.

        What was chosen because of a file, or of a task, takes its default without it.
        """
        notices, given, lost = [], dict(brought), set()
        for name, value in values.items():
            if name in brought:
                continue
            if name not in cls.CONTROLS:
                given[name] = value  # the constructor says so
                continue
            given[name], notice = cls.CONTROLS[name].from_json(value)
            if notice is not None:
                lost.add(name)
                notices.append(notice)
        gone = cls._dependents(lost) if lost else set()
        return {name: value for name, value in given.items() if name not in gone}, notices

    def _picture(self, state, values):
        """What the lab shows of a state, in its language."""
        return self.picture(state, values, self.ghost, self.names, self._scene())

    def _scene(self):
        """Where its story stands -> Scene"""
        told = self._beat is not None and self._is_told and self._beat.ask in self.answers
        answers = {self._beat.ask: self.answers[self._beat.ask].answer} if told else {}
        return Scene(self._beat, self._shown_panels, self._locked, answers)

    def _compute(self, values):
        self._draw_state(self.state_at(values), values)

    def _draw_state(self, state, values):
        self._follow_story(state, values)
        picture = self._picture(state, values)
        self.arrays, self.drawing, self.panels_now = picture.state, picture.figure, picture.panels
        self.messages = [*self._notice, *picture.messages]
        self.words_now = self.names.say(self.messages)

    def _follow_story(self, state, values):
        """Has the learner come to where the beat's answer lies? Then what was predicted is answered."""
        beat = self._beat
        if beat is None:
            return
        if self._begun is None or not beat.can_begin(self._begun):
            self._begun, self._start = state, values
        if not beat.can_begin(self._begun):
            return
        if self._is_told:
            if beat.goes_on:
                self._found = state  # what is told goes on with the hand
            return
        if not beat.is_reached(values, state, self._start):
            return
        self._is_told, self._found = True, state
        if beat.at:
            self._found = self.state_at(self._checked(beat.at, values))
        if beat.ask is not None:
            guess = values[beat.ask] if beat.ask in self._locked else None
            answer = self.CONTROLS[beat.ask].known(beat.answer(self._found, self._begun))
            self.answers[beat.ask] = Answer(beat.name, guess, answer)

    def story(self):
        """What the lab asks for now, and what it tells -> Told; None where everything is shown."""
        if self._beat is None:
            return None
        return tell_story(
            type(self),
            self._beat,
            self._computed,
            self._is_told and self._found,
            self._begun,
            self._locked,
            self.answers,
        )

    def _set_stage(self):
        """The controls that are there now: those of the beat, or all."""
        above, row = ([], [self._everything]) if self._guide is None else self._guide.stage(self._everything)
        self._above.children = [*above, *self._always()]
        self._row.children = row

    def _always(self):
        """What stands above the controls, whether the lab leads or not -> list of widgets"""
        return []

    def _free_controls(self):
        """The widgets that slide, and on whose values no other control's options depend."""
        deciding = {name for control in self.CONTROLS.values() for name in control.depends()}
        return {
            name: self.controls[name]
            for name, control in self.CONTROLS.items()
            if control.slides and name not in deciding
        }

    @in_turn
    def _dragged(self, name, value):
        """Show the newest value of a control under the hand. The control itself follows a little later, and finds all as it is."""
        self._late[name] = value
        try:
            values = {**self.values, name: self.CONTROLS[name].read(value)}
            self._notice = []
            self._answer(values)
            self._computed, self.error = values, None
        except Exception as error:  # as in _set
            self._fail(error)
        except KeyboardInterrupt:
            self._interrupted()

    def _forget_drags(self):
        """What a drag has shown and its control has not heard of yet will come: it is not to undo what was asked for since."""
        self._dropped, self._late = self._late, {}

    @in_turn
    def _settle(self):
        """Show what the controls say, where a page that is gone was ahead of them."""
        if self.error is None and not self._stands():
            self._set(None, self.ghost)

    @in_turn
    def _moved(self, change):
        if self._resting:
            return
        name = next(name for name, widget in self.controls.items() if widget is change.owner)
        self._late.pop(name, None)
        if name in self._dropped and self._dropped.pop(name) == change.new:
            self._set(self._computed, self.ghost)
            self.controls[name].send_state()  # the page's slider goes back as well
        elif not self._stands():
            self._set(None, self.ghost)

    def _stands(self):
        """Is what the controls say drawn already?"""
        values = self.values
        return (
            self.error is None
            and values == self._computed
            and all(
                control.stands(self.controls[name].value, values[name])
                for name, control in self.CONTROLS.items()
            )
        )

    def _set(self, values, ghost):
        """Bring all controls to `values` (None: as they stand) and draw once."""
        self._notice = []
        try:
            values = self._brought(values, ghost)
            self._answer(values)
            self._computed, self.error = values, None
        except Exception as error:  # a lab says what went wrong; it stays usable
            self._fail(error)
        except KeyboardInterrupt:
            self._interrupted()

    def _brought(self, values, ghost):
        """Bring all controls to `values` -> the values, with choices that the others rule out at the nearest that they allow.

        What stands where it should is not touched: another thread may just have moved it, and waits for its turn to draw.
        """
        shown = {name: self.controls[name].value for name in self.CONTROLS}
        if values is None:
            values = {name: control.read(shown[name]) for name, control in self.CONTROLS.items()}
        self._resting = True
        try:
            for name, control in self.CONTROLS.items():
                widget = self.controls[name]
                if isinstance(control, Choice) and callable(control.options):
                    values = {**values, name: control.nearest(values[name], values)}
                    options = tuple(control.entries(values, self.names.say))
                    if tuple(widget.options) != options:
                        widget.options = options
                        shown[name] = widget.value
                if not control.stands(shown[name], values[name]):
                    widget.value = control.write(values[name])
        finally:
            self._resting = False
        self.ghost = ghost
        self._hold.value = ghost is not None
        return values

    def _answer(self, values):
        self._compute(values)
        self.chart.show(self.drawing, self.words_now)
        self._tell_story()

    def _tell_story(self):
        """Bring the task, and what is told, to where the story stands."""
        if self._guide is not None:
            self._guide.follow()

    @in_turn
    def _grabbed(self, name, index, x, y):
        """A point of the picture was dragged to x, y (None for an axis along which it does not move)."""
        control = self.CONTROLS.get(name)
        if name in self._locked or not isinstance(control, (Prediction, Spots)):
            return
        try:
            value = control.check(name, control.grabbed(self.values[name], index, x, y), {})
            self.controls[name].value = control.write(value)
        except Exception as error:  # as in _set
            self._fail(error)

    def _interrupted(self):
        self._fail(RefusedValue(Message("lab.interrupted")))

    @in_turn
    def _fail(self, error):
        self.error = error
        said = error.message if isinstance(error, Refusal) else str(error)
        self.chart.fail(self.names.say(Message("lab.error", error=said)))

    def _control_panel(self):
        """The controls, and under them the buttons."""
        rows = [[], []]
        for name, control in self.CONTROLS.items():
            if control.hidden or isinstance(control, Opinion):  # beats alone ask for opinions
                continue
            row = rows[isinstance(control, (Prediction, Seed))]
            row.append(self.controls[name])
            if isinstance(control, Seed):
                row.append(self._button(control.renew, lambda _, seed=self.controls[name]: self._next(seed)))
        self._hold = ipywidgets.ToggleButton(value=self.ghost is not None, **self._labelled("hold_ghost"))
        self._hold.observe(
            lambda change: change.new != (self.ghost is not None) and self.hold_ghost(change.new), "value"
        )
        if self.GHOST:
            rows[1].append(self._hold)
        self._copied = ipywidgets.HTML(tooltip="")
        rows[1].append(self._button("copy", lambda _: self._copy()))
        rows[1].append(self._button("reset", lambda _: self.reset()))
        rows[1].append(self._copied)
        return ipywidgets.VBox([ipywidgets.HBox(row, layout=ROW) for row in rows if row])

    @in_turn
    def _next(self, seed):
        seed.value = (seed.value + 1) % (Seed.most + 1)

    @in_turn
    def _copy(self):
        """Show the call that opens the lab so, and put it on the clipboard, or else leave it selected."""
        self._say_copied(None)
        self.chart.copy(self.view(), self._say_copied)

    def _say_copied(self, copied):
        """copied : is it on the clipboard? None: not known yet."""
        entry = {None: "lab.copy_shown", True: "lab.copy_done", False: "lab.copy_selected"}[copied]
        call = f'<code class="lt-copied" style="user-select: all">{html.escape(self.view())}</code>'
        self._copied.value = f"{self.names.say(Message(entry))} {call}"

    def _button(self, name, press):
        button = ipywidgets.Button(**self._labelled(name))
        button.on_click(press)
        return button

    def _labelled(self, name):
        """A button's label and tooltip, in the reader's language."""
        label, tip = self.names.find("button", name), self.names.find("button", f"{name}_tip")
        return dict(description=label, tooltip=tip, layout=FITTING)
