"""What a lab is, without a page: its controls, and what it shows at any values of them.

Nothing here knows of widgets. `Lab` (base.py) makes a live figure of it; a page without a kernel is made of `picture` alone.
"""

import functools
from dataclasses import dataclass

from ..language import Message, RefusedType, RefusedValue
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
    COLUMNS, HEIGHT = 2, 480  # of the figure: panels side by side, pixels

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
    def _unknown(cls, name):
        return RefusedType(
            Message("refused.control", lab=cls.__name__, name=repr(name), controls=list(cls.CONTROLS))
        )

    @classmethod
    def _filled(cls, values):
        """A value for every control, not checked: the others where they stand by themselves."""
        filled = {}
        for name, control in cls.CONTROLS.items():
            filled[name] = values[name] if name in values else control.default(filled)
        return filled

    @classmethod
    def _checked(cls, values):
        """A value for every control, each one allowed."""
        for name in values:
            if name not in cls.CONTROLS:
                raise cls._unknown(name)
        checked = {}
        for name, control in cls.CONTROLS.items():
            value = values[name] if name in values else control.default(checked)
            checked[name] = control.check(name, value, checked)
        return checked

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
        chosen : tuple of str, optional.  The panels to show; None for all.

        Returns
        -------
        Picture

        Raises
        ------
        RefusedValue : there is no panel of a name that was chosen.
        """
        behind = None if ghost is None else cls.state_at(ghost)
        guesses = {name: value for name, value in values.items() if cls._is_guess(name)}
        every = cls.panels(state, behind, guesses)
        panels = every if chosen is None else cls.choose(every, chosen)

        rows, all_rows = -(-len(panels) // cls.COLUMNS), -(-len(every) // cls.COLUMNS)
        drawing = render(panels, names, cls.COLUMNS, cls.HEIGHT * rows / all_rows)
        messages = [*cls.words(state, behind), *say_beyond(drawing.beyond, panels, names)]
        return Picture(state, panels, drawing.figure, messages)

    @classmethod
    def choose(cls, panels, names):
        """The panels of these names, in this order -> list of Panel"""
        by_name = {panel.name: panel for panel in panels}
        for name in names:
            if name not in by_name:
                there = dict(lab=cls.__name__, name=repr(name), panels=list(by_name))
                raise RefusedValue(Message("refused.panel", **there))
        return [by_name[name] for name in names]


def say_beyond(beyond, panels, names):
    """What lay beyond an axis and is drawn at its edge, in words -> list of Message, none or one"""
    if not beyond:
        return []
    by_name = {panel.name: panel for panel in panels}
    marks = []
    for each in beyond[:NAMED]:
        panel = by_name[each.panel]
        mark = strip_tags(names.mark(panel, panel.mark(each.mark)))
        marks.append(Message("lab.beyond_mark", mark=mark, panel=strip_tags(names.panel(panel))))
    if len(beyond) > NAMED:
        marks.append(Message("lab.beyond_more", count=len(beyond) - NAMED))
    return [Message("lab.beyond", marks=marks)]
