"""What a lab is, without a page: its controls, and what it shows at any values of them.

Nothing here knows of widgets. `Lab` (base.py) makes a live figure of it; a page without a kernel is made of `picture` alone.
"""

import functools
from dataclasses import dataclass, field, replace

from ..checks import shown
from ..language import Message, RefusedType
from ..view.panel import Curve, Guess
from ..view.render import render
from .controls import Opinion, Prediction
from .handles import handles_of
from .names import strip_tags
from .own_task import OwnTask

NAMED = 3  # marks beyond an axis that are named; of others there is the number
# Pixels of a row of panels while the lab leads: of a single one, and of each of several.
GUIDED_ROW, GUIDED_ROWS = 300, 224


@dataclass(frozen=True)
class Scene:
    """What decides, beside the controls, on what a lab shows.

    beat : Beat, optional.  Where its story stands; None: everything is shown.
    panels : tuple of str, optional.  The panels that were asked for; None for those of the beat, or for all.
    locked : frozenset of str.  The predictions that are not to be changed any more.
    answers : dict.  The predictions that are answered, and with what: {control: number or option}.
    """

    beat: object = None
    panels: tuple = None
    locked: frozenset = frozenset()
    answers: dict = field(default_factory=dict)

    @property
    def shown(self):
        """The panels to show, None for all."""
        return self.panels or (self.beat and self.beat.panels)


EVERYTHING = Scene()


@dataclass(frozen=True)
class Picture:
    """What a lab shows at one setting.

    state : Frozen.  The arrays that it is made of.
    panels : list of Panel, those that are shown.
    figure : dict.  For plotly.js: data and layout.
    messages : list of Message.  What the panels show, and what lay beyond their axes.
    """

    state: object
    panels: list
    figure: dict
    messages: list


class Definition:
    """A lab's declarations, which it fills in (base.py shows how), and what follows from them."""

    NAME = None
    ENTRIES = {}  # what a lab that is not in the catalogue says: {"panel.wave": "A wave", ...}
    CONTROLS = {}
    BEATS = ()  # what it asks for, one after the other (beats.py)
    # Why it takes no task of a learner's own, if it has no control for one (own_task.py).
    NO_TASK = Message("task.of_its_own")
    GHOST = False  # can it draw a state behind the present one?
    COLUMNS, ROW = 2, 240  # panels side by side; pixels of a row of them

    @staticmethod
    def compute(**controls):
        """Controls, but for predictions -> Frozen."""
        raise NotImplementedError

    @staticmethod
    def panels(state, ghost, guesses):
        """-> list of Panel"""
        raise NotImplementedError

    @staticmethod
    def words(state, ghost):
        """-> list of Message"""
        raise NotImplementedError

    @classmethod
    def every(cls):
        """This class and all labs that derive from it -> list of classes."""
        return [cls, *(kind for child in cls.__subclasses__() for kind in child.every())]

    @classmethod
    def _is_guess(cls, name):
        return isinstance(cls.CONTROLS[name], (Prediction, Opinion))

    @classmethod
    def _takes_task(cls):
        return isinstance(cls.CONTROLS.get("task"), OwnTask)

    @classmethod
    def _guesses(cls, values):
        """The predictions among the values of all controls -> dict"""
        return {name: value for name, value in values.items() if cls._is_guess(name)}

    @classmethod
    def _checked(cls, given, near=None):
        """A value for every control.

        Parameters
        ----------
        given : dict.  Values that must be allowed as they are.
        near : dict, optional.  Where the other controls stand; a choice that the given ones rule out goes to the nearest that they allow. A
            control without a value stands where it does by itself.

        Raises
        ------
        RefusedValue, RefusedType : a value is not allowed, or there is no such control.
        """
        for name in given:
            if name == "task" and name not in cls.CONTROLS:
                takers = sorted({kind.__name__ for kind in Definition.every() if kind._takes_task()})
                raise RefusedType(Message("refused.task", lab=cls.__name__, why=cls.NO_TASK, labs=takers))
            if name not in cls.CONTROLS:
                unknown = dict(lab=cls.__name__, name=shown(name), controls=list(cls.CONTROLS))
                raise RefusedType(Message("refused.control", **unknown))
        checked = {}
        for name, control in cls.CONTROLS.items():
            if name in given:
                checked[name] = control.check(name, given[name], checked)
            elif near is not None and name in near:
                checked[name] = control.keep(near[name], checked)
            else:
                checked[name] = control.default(checked)
        return checked

    @classmethod
    def _behind(cls, ghost, values):
        """The values of a state that is held behind: those of `ghost`, the others as in `values`. Another file brings its own noise."""
        if "task" in ghost and cls._takes_task():
            raise RefusedType(Message("refused.task_ghost"))
        another = any(cls.CONTROLS[name].a_file for name in ghost if name in cls.CONTROLS)
        kept = {name: value for name, value in values.items() if not (another and cls.CONTROLS[name].a_file)}
        return cls._held(cls._checked(ghost, kept))

    @classmethod
    def _dependents(cls, names):
        """The controls whose options depend on these, and on those in turn -> set of names"""
        found = set(names)
        for name, control in cls.CONTROLS.items():  # a control depends on earlier ones
            if found & set(control.depends()):
                found.add(name)
        return found

    @classmethod
    def state_at(cls, values):
        """What `compute` makes of the values of all controls but predictions. It is kept for a while: nobody can write into it."""
        return cls._kept_state(
            tuple((name, value) for name, value in values.items() if not cls._is_guess(name))
        )

    @classmethod
    @functools.lru_cache(maxsize=256)
    def _kept_state(cls, items):
        return cls.compute(**dict(items))

    @classmethod
    def _differing(cls, values):
        """The values that are not where the lab opens by itself, given those before them."""
        return {name: value for name, value in values.items() if value != cls.CONTROLS[name].default(values)}

    @classmethod
    def _held(cls, values):
        """What a ghost keeps: all but the predictions, which stay marked once."""
        return {name: None if cls._is_guess(name) else value for name, value in values.items()}

    @classmethod
    def picture(cls, state, values, ghost, names, scene=EVERYTHING):
        """What the lab shows.

        Parameters
        ----------
        state : Frozen.  What `compute`, or a process that trains, has made of `values`.
        values, ghost : dict.  Of all controls, now and of the state that is held behind; ghost None: nothing is.
        names : Names.  In the reader's language.
        scene : Scene.  Where the lab's story stands, and which panels were asked for.

        Returns
        -------
        Picture
        """
        behind = None if ghost is None else cls.state_at(ghost)
        every = {panel.name: panel for panel in cls.panels(state, behind, cls._guesses(values))}
        panels = [every[name] for name in scene.shown or every if name in every] or list(every.values())
        panels = [with_gaps(without_other_guesses(panel, scene.beat), scene.answers) for panel in panels]

        columns, height, faint = cls._arranged(panels, scene)
        drawing = render(panels, names, columns, height, faint)
        figure = {**drawing.figure, "handles": handles_of(panels, cls.CONTROLS, values, names, scene)}

        if any("layer" in mark.keys for panel in panels for mark in panel.marks):
            play = {"play": names.find("button", "play"), "layer": names.find("axis", "layer")}
            figure["layout"]["meta"]["play"] = play

        there = {panel.name for panel in panels}
        said = [one for one in cls.words(state, behind) if not one.panels or there & set(one.panels)]
        own = cls.CONTROLS["task"].said(values) if cls._takes_task() else []
        return Picture(state, panels, figure, [*own, *said, *say_beyond(drawing.beyond, names)])

    @classmethod
    def _arranged(cls, panels, scene):
        """How the panels stand -> how many side by side, the height of the figure in pixels, which are fainter."""
        if scene.beat is None:
            return cls.COLUMNS, cls.ROW * -(-len(panels) // cls.COLUMNS), ()
        columns = min(len(panels), max(cls.COLUMNS, 2))
        rows = -(-len(panels) // columns)
        height = GUIDED_ROW if rows == 1 else GUIDED_ROWS * rows
        return columns, height, tuple(panel.name for panel in panels[:-1])


def without_other_guesses(panel, beat):
    """A panel in which no star of another beat stands."""
    if beat is None:
        return panel
    marks = tuple(mark for mark in panel.marks if not isinstance(mark, Guess) or mark.grab == beat.ask)
    return replace(panel, marks=marks)


def with_gaps(panel, answers):
    """A panel in which every prediction that is answered has a line from its star to the answer."""
    gaps = []
    for mark in panel.marks:
        answer = answers.get(mark.grab)
        if not isinstance(mark, Guess) or None in mark.place or isinstance(answer, (str, type(None))):
            continue
        x, y = mark.place
        end = (answer, y) if mark.along == "x" else (x, answer)
        name = "gap" if mark.name == "prediction" else f"gap {mark.name}"
        gaps.append(Curve("gap", [x, end[0]], [y, end[1]], name=name, keyed=False, hover=""))
    return replace(panel, marks=(*panel.marks, *gaps)) if gaps else panel


def say_beyond(beyond, names):
    """What lay beyond an axis and is drawn at its edge, in words -> list of Message, none or one"""
    if not beyond:
        return []
    marks = []
    for each in beyond[:NAMED]:
        mark, panel = names.mark(each.panel, each.mark), names.panel(each.panel)
        marks.append(Message("lab.beyond_mark", mark=strip_tags(mark), panel=strip_tags(panel)))
    if len(beyond) > NAMED:
        marks.append(Message("lab.beyond_more", count=len(beyond) - NAMED))
    return [Message("lab.beyond", marks=marks)]
