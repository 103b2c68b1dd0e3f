"""A task of a learner's own in a lab: what a lab draws sequences of, or judges by, instead of the paper's task.

A lab that can take one declares it as its first control, `task=OwnTask()`, and gets it in `compute`: a Given, or None for the paper's. All
others refuse it, and say why (`NO_TASK` in definition.py).

The stored models, the sliders and the axes are made for inputs and weights of size 1. So a lab works in units in which the task has that
size, x = x_unit x' and w = w_unit w', and says so. In them w ~ N(0, I), whatever the task's w_scale.
"""

import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..checks import shown
from ..language import Message, RefusedType, RefusedValue
from ..lengths import MixedLengths
from ..noise import Fixed, Uniform
from ..task import PAPER, RegressionTask
from ..training.train import InUnits, Units
from .controls import Hidden

OWN = "own"  # the kind of a learner's own model


class Given:
    """The task that a call named. Two are equal if it is the same object: what is defined anew under its old name is another task.

    Attributes
    ----------
    task : RegressionTask.  As it was given.
    units : Units.  Those in which inputs and weights have size 1.
    dim, context : int.  d and n.
    covariance : (d, d) array or None.  Of the inputs, in these units.
    largest : float.  Its largest eigenvalue: 1 for the paper's inputs.
    """

    def __init__(self, task):
        self.task, self.units = task, Units.of(task)
        self.dim, self.context = task.dim, task.context

    def __eq__(self, other):
        return isinstance(other, Given) and self.task is other.task

    def __hash__(self):
        return id(self.task)

    def __repr__(self):
        return "task"  # as it is called in the code that opens the lab

    @cached_property
    def in_units(self):
        """The task in these units -> RegressionTask"""
        return InUnits.of(self.task, self.units)

    @property
    def covariance(self):
        return self.in_units.covariance

    @cached_property
    def largest(self):
        return 1.0 if self.covariance is None else float(np.linalg.eigvalsh(self.covariance)[-1])

    def sample_inputs(self, context, rng):
        """The inputs of one context, in these units -> (n, d)"""
        return self.task.sample_inputs((1, context), rng)[0] / self.units.x

    def sample_w(self, rng):
        """The weights of one sequence, in these units -> (d,)"""
        return self.task.sample_w(1, rng)[0] / self.units.w

    def sample_moments(self, count, rng):
        """Sequences at sigma = 1, in these units -> Moments"""
        return InUnits.of(at_noise(self.task, Fixed(self.units.y)), self.units).sample_moments(count, rng)


@dataclass(frozen=True)
class OwnTask(Hidden):
    """The control `task`. It never stands in a document: what a learner has defined is code.

    Parameters
    ----------
    without_oracle : bool.  Does the lab take tasks for which ridge regression that is told sigma is not the best answer?
    short : bool.  Does it take contexts with no more examples than features, in which AdaRR has nothing to estimate the noise from?
    in_units : bool.  Does it show all in the units in which inputs and weights have size 1, or the weights of a model alone?
    """

    without_oracle: bool = False
    short: bool = False
    in_units: bool = True

    a_file = False
    no_beats = "refused.task_beat"

    def check(self, name, value, others):
        if value is None or isinstance(value, Given):
            return value
        if not isinstance(value, RegressionTask):
            raise RefusedType(Message("refused.task_kind", value=shown(value)))
        if isinstance(value, MixedLengths):
            raise RefusedValue(Message("refused.task_lengths"))
        if value.no_oracle and not self.without_oracle:
            raise RefusedValue(Message("refused.task_oracle", reason=value.no_oracle))
        if value.context <= value.dim and not self.short:
            raise RefusedValue(Message("refused.task_short", context=value.context, dim=value.dim))
        return Given(value)

    def said(self, values):
        """What stands in the words of a lab that shows a task of a learner's own, given the values of its controls -> list of Message"""
        given = values["task"]
        if given is None:
            return []
        said = [Message("lab.task", dim=given.dim, context=given.context, noise=given.task.noise.label)]
        units = dict(x=given.units.x, w=given.units.w, y=given.units.y)
        if set(units.values()) != {1.0}:
            said.append(Message("lab.units", **units) if self.in_units else Message("lab.own_units", **units))
        if given.context != PAPER.context and "noise" in values and values.get("kind") != OWN:
            said.append(Message("lab.other_length", context=PAPER.context))
        return said

    def to_json(self, value):
        return True

    def from_json(self, value):
        return None, Message("state.task")


PAPER_TASK = Given(RegressionTask(*PAPER, Uniform(5.0)))  # what labs work with where no other is named


def at_noise(task, noise):
    """The same task with another noise -> of the same class. It is copied as it is: a class of a learner's own may be made in any way."""
    changed = copy.copy(task)
    object.__setattr__(changed, "noise", noise)
    return changed
