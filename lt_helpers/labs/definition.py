"""What a lab is, without a page: its controls, and what it shows at any values of them.

Nothing here knows of widgets. `Lab` (base.py) makes a live figure of it; a page without a kernel is made of `picture` alone.
"""

import functools
from dataclasses import dataclass

from ..checks import shown
from ..language import Message, RefusedType
from ..view.render import render
from .controls import Prediction
from .names import strip_tags

NAMED = 3  # marks beyond an axis that are named; of others there is the number


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
        return isinstance(cls.CONTROLS[name], Prediction)

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
        another = any(cls.CONTROLS[name].hidden for name in ghost if name in cls.CONTROLS)
        kept = {name: value for name, value in values.items() if not (another and cls.CONTROLS[name].hidden)}
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
    def picture(cls, state, values, ghost, names, chosen=None):
        """What the lab shows.

        Parameters
        ----------
        state : Frozen.  What `compute`, or a process that trains, has made of `values`.
        values, ghost : dict.  Of all controls, now and of the state that is held behind; ghost None: nothing is.
        names : Names.  In the reader's language.
        chosen : tuple of str, optional.  The panels to show, of those that there are now; None for all.

        Returns
        -------
        Picture
        """
        behind = None if ghost is None else cls.state_at(ghost)
        every = {panel.name: panel for panel in cls.panels(state, behind, cls._guesses(values))}
        panels = [every[name] for name in chosen or every if name in every] or list(every.values())

        rows = -(-len(panels) // cls.COLUMNS)
        drawing = render(panels, names, cls.COLUMNS, cls.ROW * rows)
        messages = [*cls.words(state, behind), *say_beyond(drawing.beyond, names)]
        return Picture(state, panels, drawing.figure, messages)


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
