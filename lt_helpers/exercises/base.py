"""What an exercise is: a right answer, inputs to try it on, and a table of the usual wrong answers with what to say to each."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np

NOT_ATTEMPTED = "Not attempted yet: replace the dots, return your answer, and run this cell again."


@dataclass(frozen=True)
class Exercise:
    """A function, or a number, that the learner writes; `check` says whether it is right and, if not, what it looks like.

    Attributes
    ----------
    solution : function.  The right answer, called as the learner's function is; without arguments where a number is asked for.
    cases : function.  () -> list of tuples of arguments to try it on; [()] where a number is asked for.
    mistakes : dict.  What to say -> the wrong function that gives this answer.
    well_done : str.  What to say of a right answer: a fact worth knowing now.
    tolerance : float.  Largest relative deviation, against the largest entry of the right answer.
    """

    solution: Callable
    cases: Callable = lambda: [()]
    mistakes: dict = field(default_factory=dict)
    well_done: str = ""
    tolerance: float = 1e-6

    def check(self, attempt):
        """Try the learner's function or number, and print the verdict."""
        print(self.verdict(attempt))

    def verdict(self, attempt):
        """The verdict in words: it starts with "Correct", "Not yet" or "Not attempted yet"."""
        function = attempt if callable(attempt) else lambda *arguments: attempt
        for arguments in self.cases():
            try:
                answer = function(*deepcopy(arguments))  # it may write into what it is given
            except NotImplementedError:
                return NOT_ATTEMPTED
            except Exception as error:  # the learner's code: whatever it raises is shown, not thrown
                return f"Not yet. Your code stops with {type(error).__name__}: {error}"
            if answer is None or answer is Ellipsis:
                return NOT_ATTEMPTED
            complaint = self._compare(answer, arguments)
            if complaint:
                return f"Not yet. {complaint}"
        return f"Correct. {self.well_done}".strip()

    def _compare(self, answer, arguments):
        """What is wrong with an answer, or None."""
        right = np.asarray(self.solution(*arguments), dtype=float)
        try:
            if np.iscomplexobj(answer):
                raise TypeError
            answer = np.asarray(answer, dtype=float)
        except Exception:  # objects with an array form of their own refuse in their own ways
            return (
                f"Your answer is of type {type(answer).__name__}: it must be a number or an array of numbers."
            )
        if answer.shape != right.shape:
            return f"Your answer has shape {answer.shape}: it must have shape {right.shape}."
        if not np.isfinite(answer).all():
            return "Your answer holds NaN or infinite values."
        if self._same(answer, right):
            return None
        for message, wrong in self.mistakes.items():
            if self._same(answer, np.asarray(wrong(*arguments), dtype=float)):
                return message
        factor = (answer * right).sum() / (right**2).sum() if right.any() else 0
        if right.size > 1 and self._same(answer, factor * right) and abs(factor) > self.tolerance:
            return f"Your answer is {factor:.4g} times the right one in every entry."
        return f"The largest deviation from the right answer is {abs(answer - right).max():.3g}."

    def _same(self, a, b):
        return a.shape == b.shape and bool(
            (abs(a - b) <= self.tolerance * max(abs(b).max(initial=0), 1e-12)).all()
        )
