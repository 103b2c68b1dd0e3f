"""What an exercise is: a right answer, inputs to try it on, and a table of the usual wrong answers with what to say to each."""

import inspect
import io
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np

from ..language import Message, catalogue

# What NumPy says of two matrices that do not fit: "... core dimension 0 ... (size 3 is different from 2)".
SIZES = re.compile(r"core\D+0.*size.(\d+)\D+(\d+)\)")
# What Python or NumPy says where a learner's code often stops, and what is said of it instead.
USUAL = {
    r"broadcast.*shapes \(\d+,\d+\) \(\d+,\d+\)": "exercise.entry_by_entry",
    r"matmul.*\(has 0,": "exercise.number_in_product",
    r"for \^|bitwise_xor": "exercise.power",
    r"broadcast.*shapes \((\d+),\) \(\1,\d+\)|broadcast.*shapes \((\d+),\d+\) \(\2,\)": "exercise.one_a_row",
    r"broadcast.*shapes \(\d+,\) \(\d+,\)": "exercise.vectors_entry_by_entry",
    r"be square": "exercise.not_square",
    r"1-dimensional array": "exercise.vector_for_matrix",
    r"Incompatible dimensions": "exercise.one_label_a_row",
}
WHOLE = 9  # numbers of an input that are shown; of a larger one the first three, and its shape


@dataclass(frozen=True)
class Exercise:
    """A function, or a number, that the learner writes; `check` says whether it is right and, if not, what it looks like.

    Attributes
    ----------
    solution : function.  The right answer, called as the learner's function is; without arguments where a number is asked for.
    cases : function.  () -> list of tuples of arguments to try it on; [()] where a number is asked for. The first is shown to whoever is
        wrong: a small one is easily worked out by hand.
    mistakes : dict.  The wrong function that gives an answer, by what is said to it: an entry of the exercise's in the catalogue.
    name : str.  Its section there: "ridge.strength" for [exercises.ridge.strength], whose entry `done` is said of a right answer. Without
        a name, mistakes are said as they are.
    tolerance : float.  Largest relative deviation, against the largest entry of the right answer.
    keeps : bool.  Whether right answers are refused that write into the arrays they are given; the entry `writes` is said of them.
    """

    solution: Callable
    cases: Callable = lambda: [()]
    mistakes: dict = field(default_factory=dict)
    name: str = ""
    tolerance: float = 1e-6
    keeps: bool = False

    def check(self, attempt, language=None):
        """Try the learner's function or number, and print the verdict."""
        print(self.verdict(attempt, language))

    def use(self, attempt):
        """The learner's function where it is right, else the solution: with either the cells that follow run."""
        return attempt if self.judge(attempt).id == "exercise.correct" else self.solution

    def verdict(self, attempt, language=None):
        """The verdict in words: in English it starts with "Correct", "Not yet" or "Not attempted yet"."""
        return catalogue(language).say(self.judge(attempt))

    def judge(self, attempt):
        """The verdict -> Message, "exercise.correct", "exercise.not_yet" or "exercise.not_attempted"."""
        function = attempt if callable(attempt) else lambda *arguments: attempt
        spoiled = False
        for arguments in self.cases():
            given = deepcopy(arguments)  # it may write into what it is given
            try:
                answer, printed = call(function, given)
            except NotImplementedError:
                return Message("exercise.not_attempted")
            except Exception as error:  # the learner's code: whatever it raises is shown, not thrown
                return self._not_yet(stopped(error), attempt, arguments, None)
            if answer is None or answer is Ellipsis:
                return nothing_came(attempt, printed)
            complaint = self._compare(answer, arguments)
            if complaint is not None:
                return self._not_yet(complaint, attempt, arguments, answer)
            spoiled = spoiled or differ(given, arguments)
        if self.keeps and spoiled:
            return Message("exercise.not_yet", complaint=self._entry("writes"))
        return Message("exercise.correct", done=self._entry("done") if self.name else "")

    def _entry(self, name, **values):
        """What the catalogue has for this exercise."""
        return Message(f"exercises.{self.name}.{name}", **values) if self.name else name

    def _not_yet(self, complaint, attempt, arguments, answer):
        """The verdict on a wrong answer: what is wrong with it, and with which input that was seen."""
        if not arguments:
            return Message("exercise.not_yet", complaint=complaint)
        given = ", ".join(
            f"{name} = {in_short(value)}"
            for name, value in zip(names_of(attempt, self.solution, len(arguments)), arguments, strict=True)
        )
        seen = self._first_entries(answer, arguments)
        if seen is None:
            return Message("exercise.not_yet_with", complaint=complaint, given=given)
        came, wanted = seen
        return Message("exercise.not_yet_seen", complaint=complaint, given=given, came=came, wanted=wanted)

    def _first_entries(self, answer, arguments):
        """The first entry of an answer and the one that is expected there -> two strings; None where they do not compare."""
        if answer is None:  # the code stopped
            return None
        right = self._right(arguments)
        try:
            if np.iscomplexobj(answer):
                return None
            answer = np.asarray(answer, dtype=float)
        except Exception:  # objects with an array form of their own refuse in their own ways
            return None
        if answer.shape != right.shape or not right.size:
            return None
        deviation = abs(answer - right).ravel()
        first = 0 if not deviation[0] <= self.tolerance * abs(right).max() else int(np.nanargmax(deviation))
        place = str([int(index) for index in np.unravel_index(first, right.shape)]) if right.ndim else ""
        return f"{place} {answer.flat[first]:.4g}".strip(), f"{right.flat[first]:.4g}"

    def _right(self, arguments):
        """The right answer to an input -> array"""
        return np.asarray(self.solution(*arguments), dtype=float)

    def _compare(self, answer, arguments):
        """What is wrong with an answer -> Message, or None."""
        right = self._right(arguments)
        try:
            if np.iscomplexobj(answer):
                raise TypeError
            answer = np.asarray(answer, dtype=float)
        except Exception:  # as in _first_entries
            if isinstance(answer, tuple) and len(answer) > 1:
                return Message("exercise.several", count=len(answer))
            return Message("exercise.type", kind=type(answer).__name__)
        if self._same(answer, right):
            return None
        for mistake, wrong in self.mistakes.items():  # which may have a shape of its own
            if self._same(answer, np.asarray(wrong(*arguments), dtype=float)):
                return self._entry(mistake)
        if answer.shape != right.shape:
            return Message("exercise.shape", shape=str(answer.shape), needed=str(right.shape))
        if not np.isfinite(answer).all():
            return Message("exercise.not_finite")
        if right.ndim == 2 and self._same(answer.T, right):
            return Message("exercise.transposed")
        factor = (answer * right).sum() / (right**2).sum() if right.any() else 0
        if right.size > 1 and self._same(answer, factor * right) and abs(factor) > self.tolerance:
            return Message("exercise.factor", factor=factor)
        return Message("exercise.deviation", deviation=abs(answer - right).max())

    def _same(self, a, b):
        """Are two answers the same? A usual mistake may give NaN, and NaN is then the same as NaN."""
        if a.shape != b.shape:
            return False
        largest = abs(b[np.isfinite(b)]).max(initial=0)  # an infinite entry says nothing of the others
        with np.errstate(invalid="ignore"):
            near = abs(a - b) <= self.tolerance * max(largest, 1e-12)
        return bool((near | (a == b) | (np.isnan(a) & np.isnan(b))).all())


def call(function, arguments):
    """What a learner's function returns, and what it prints, which appears on the page all the same -> answer, str"""
    page = io.StringIO()
    try:
        with redirect_stdout(page):
            answer = function(*arguments)
    finally:
        print(page.getvalue(), end="")
    return answer, page.getvalue()


def differ(arguments, others):
    """Do any of the arrays among some arguments differ from those among others?"""
    pairs = zip(arguments, others, strict=True)
    return any(
        isinstance(one, np.ndarray) and not np.array_equal(one, other, equal_nan=True) for one, other in pairs
    )


def stopped(error):
    """That the learner's code stops, and why -> Message"""
    sizes = SIZES.search(str(error))
    if sizes:
        return Message("exercise.sizes", left=sizes[2], right=sizes[1])
    for words, said in USUAL.items():
        if re.search(words, str(error)):
            return Message(said)
    return Message("exercise.stops", kind=type(error).__name__, error=str(error))


def nothing_came(attempt, printed):
    """The verdict on a function without an answer: untouched, or one that forgot to return it."""
    if printed:
        return Message("exercise.not_yet", complaint=Message("exercise.printed"))
    code = getattr(attempt, "__code__", None)
    if code is not None and (code.co_names or code.co_nlocals > len(inspect.signature(attempt).parameters)):
        return Message("exercise.not_yet", complaint=Message("exercise.returns_nothing"))
    return Message("exercise.not_attempted")


def names_of(attempt, solution, count):
    """What the learner calls the arguments, or else the solution -> list of `count` str"""
    for function in (attempt, solution):
        try:
            names = list(inspect.signature(function).parameters)
        except (TypeError, ValueError):
            continue
        if len(names) == count:
            return names
    return [str(number) for number in range(1, count + 1)]


def in_short(value):
    """An argument as a learner can read it -> str"""
    if inspect.isfunction(value) and value.__name__.isidentifier():
        return value.__name__
    if isinstance(value, (bool, int, str)):
        return repr(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if inspect.isfunction(value):
        return value.__name__
    try:
        array = np.asarray(value, dtype=float)
    except Exception:  # as in _first_entries
        return type(value).__name__
    if array.size <= WHOLE:
        return str(np.round(array, 3).tolist())
    first = ", ".join(f"{number:.3g}" for number in array.flat[:3])
    return f"{first}, ... {array.shape}"
