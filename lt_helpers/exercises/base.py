"""What an exercise is: a right answer, inputs to try it on, and a table of the usual wrong answers with what to say to each."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np

from ..language import Message, catalogue


@dataclass(frozen=True)
class Exercise:
    """A function, or a number, that the learner writes; `check` says whether it is right and, if not, what it looks like.

    Attributes
    ----------
    solution : function.  The right answer, called as the learner's function is; without arguments where a number is asked for.
    cases : function.  () -> list of tuples of arguments to try it on; [()] where a number is asked for.
    mistakes : dict.  The wrong function that gives an answer, by what is said to it: an entry of the exercise's in the catalogue.
    name : str.  Its section there: "ridge.strength" for [exercises.ridge.strength], whose entry `done` is said of a right answer. Without
        a name, mistakes are said as they are.
    tolerance : float.  Largest relative deviation, against the largest entry of the right answer.
    """

    solution: Callable
    cases: Callable = lambda: [()]
    mistakes: dict = field(default_factory=dict)
    name: str = ""
    tolerance: float = 1e-6

    def check(self, attempt, language=None):
        """Try the learner's function or number, and print the verdict."""
        print(self.verdict(attempt, language))

    def verdict(self, attempt, language=None):
        """The verdict in words: in English it starts with "Correct", "Not yet" or "Not attempted yet"."""
        return catalogue(language).say(self.judge(attempt))

    def judge(self, attempt):
        """The verdict -> Message, "exercise.correct", "exercise.not_yet" or "exercise.not_attempted"."""
        function = attempt if callable(attempt) else lambda *arguments: attempt
        for arguments in self.cases():
            try:
                answer = function(*deepcopy(arguments))  # it may write into what it is given
            except NotImplementedError:
                return Message("exercise.not_attempted")
            except Exception as error:  # the learner's code: whatever it raises is shown, not thrown
                stops = Message("exercise.stops", kind=type(error).__name__, error=str(error))
                return Message("exercise.not_yet", complaint=stops)
            if answer is None or answer is Ellipsis:
                return Message("exercise.not_attempted")
            complaint = self._compare(answer, arguments)
            if complaint is not None:
                return Message("exercise.not_yet", complaint=complaint)
        return Message("exercise.correct", done=self._entry("done") if self.name else "")

    def _entry(self, name, **values):
        """What the catalogue has for this exercise."""
        return Message(f"exercises.{self.name}.{name}", **values) if self.name else name

    def _compare(self, answer, arguments):
        """What is wrong with an answer -> Message, or None."""
        right = np.asarray(self.solution(*arguments), dtype=float)
        try:
            if np.iscomplexobj(answer):
                raise TypeError
            answer = np.asarray(answer, dtype=float)
        except Exception:  # objects with an array form of their own refuse in their own ways
            return Message("exercise.type", kind=type(answer).__name__)
        if answer.shape != right.shape:
            return Message("exercise.shape", shape=str(answer.shape), needed=str(right.shape))
        if not np.isfinite(answer).all():
            return Message("exercise.not_finite")
        if self._same(answer, right):
            return None
        for mistake, wrong in self.mistakes.items():
            if self._same(answer, np.asarray(wrong(*arguments), dtype=float)):
                return self._entry(mistake)
        factor = (answer * right).sum() / (right**2).sum() if right.any() else 0
        if right.size > 1 and self._same(answer, factor * right) and abs(factor) > self.tolerance:
            return Message("exercise.factor", factor=factor)
        return Message("exercise.deviation", deviation=abs(answer - right).max())

    def _same(self, a, b):
        return a.shape == b.shape and bool(
            (abs(a - b) <= self.tolerance * max(abs(b).max(initial=0), 1e-12)).all()
        )
