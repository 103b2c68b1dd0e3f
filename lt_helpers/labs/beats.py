"""The beats of a lab: what it asks for, one thing after the other, and what it shows meanwhile. Data, like its controls.

    Beat(
        "meter",                                        # noise.beat.meter: the task, and what is told in the end
        panels=("meter",),
        control="sigma",                                # the large one
        values=dict(sigma=1.0, seed=66),                # where the controls stand when the beat begins
        ask="implied_guess",                            # the prediction that is to be made first
        at=dict(sigma=4.0),                             # where its answer lies
        answer=lambda state, begun: state.implied,
    )

A beat has three phases. *ask*: it waits for a prediction, which is then locked. *do*: the learner moves the control. *told*: the control
has come as far as `at`, and the lab answers the prediction. A beat without a prediction begins with *do*. A learner who moves first is
told as well: nothing is shut.
"""

from dataclasses import dataclass, field
from numbers import Real

ASK, DO, TOLD = "ask", "do", "told"


@dataclass(frozen=True)
class Beat:
    """One thing to do in a lab.

    Parameters
    ----------
    name : str.  Its section of the catalogue, "lab.beat.name", with the entries `task`, `told` and, where something is predicted, `go`.
    panels : tuple of str.  The panels that are shown; the last one is new, and the others are fainter.
    control : str, optional.  The large one.
    others : tuple of str.  At most two more.
    values : dict.  Where controls stand when the beat begins; the others stand where the lab was opened.
    ask : str, optional.  The control, a Prediction or an Opinion, with which the learner predicts.
    at : dict, optional.  The values at which the answer is read. Numbers are reached from either side: whoever slides past has been there.
    when : function (values, state) -> bool, optional.  For what is no place, or where to slide past it is not enough: has the learner
        done it? Without `at` and a prediction, what is told goes on with the hand; with `at`, it is told of that place.
    answer : function (state, begun) -> number or option.  What the prediction is compared with; None where the question has no answer, at
        settings that a call has chosen. `begun` is the state at the beginning.
    tell : function (state, begun) -> dict, optional.  More values for the entry `told`.
    ready : function (state) -> bool, optional.  Can the beat begin here? Until it can, the lab says what comes first, the entry `first`.
    hands : tuple of str.  The controls of points that a hand can drag meanwhile, Spots: what is told would not hold if others moved.
    """

    name: str
    panels: tuple
    control: str = None
    others: tuple = ()
    values: dict = field(default_factory=dict)
    ask: str = None
    at: dict = field(default_factory=dict)
    when: object = None
    answer: object = None
    tell: object = None
    ready: object = None
    hands: tuple = ()

    @property
    def goes_on(self):
        """Whether what is told goes on with the learner's hand."""
        return self.when is not None and self.ask is None and not self.at

    @property
    def moving(self):
        """The names of the controls that the learner moves in this beat, and of those at which it is answered."""
        return {self.control, *self.others, *self.hands, *self.at}

    def can_begin(self, state):
        """Is there already what the beat is about?"""
        return self.ready is None or bool(self.ready(state))

    def is_reached(self, values, state, start):
        """Has the learner done what the beat asks for?    values, start : dict.  Of all controls, now and when the beat began."""
        if self.when is not None:
            return bool(self.when(values, state))
        return all(has_come(start[name], values[name], goal) for name, goal in self.at.items())


def has_come(start, value, goal):
    """Has a value come from `start` at least as far as its goal? For what has no order, is it there?"""
    numbers = all(isinstance(one, Real) and not isinstance(one, bool) for one in (start, value, goal))
    if not numbers or start == goal:
        return value == goal
    return value >= goal if goal > start else value <= goal


@dataclass(frozen=True)
class Answer:
    """How a prediction came out.

    Parameters
    ----------
    beat : str.  Its name.
    guess : number, option or None.  What was predicted, None: nothing was.
    answer : number or option.  What it is.
    """

    beat: str
    guess: object
    answer: object

    @property
    def gap(self):
        """How far the answer is from a predicted number, signed; None where nothing, or no number, was predicted."""
        if isinstance(self.guess, Real) and isinstance(self.answer, Real):
            return self.answer - self.guess
        return None
