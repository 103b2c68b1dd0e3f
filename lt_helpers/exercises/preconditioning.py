"""Notebook 05: what a layer makes of an eigenvalue, which gamma, and how many layers?"""

import io
import math
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, replace

import numpy as np

from ..language import Message
from .base import Exercise

LONGEST = (
    500_000  # steps of Python's that a learner's loop may take; the longest right one takes a few hundred
)
AT_ONE = 1e-3  # how near to 1 a condition number is that has come down


after_layer = Exercise(
    name="preconditioning.after_layer",
    solution=lambda s, gamma: s * (1 - gamma * s) ** 2,
    cases=lambda: [(np.array([4.0, 1.0]), 1 / 12), (np.array([0.2, 1.3, 0.7]), 0.4)],
    mistakes={
        "square_missing": lambda s, gamma: s * (1 - gamma * s),
        "eigenvalue_squared": lambda s, gamma: (s * (1 - gamma * s)) ** 2,
        "square_inside": lambda s, gamma: s * (1 - gamma * s**2),
        "eigenvalue_missing": lambda s, gamma: (1 - gamma * s) ** 2,
        "grows_instead": lambda s, gamma: s * (1 + gamma * s) ** 2,
        "shrinks_all_alike": lambda s, gamma: s * (1 - gamma) ** 2,
        "removed_alone": lambda s, gamma: s - gamma * s,
        "factor_unsquared": lambda s, gamma: 1 - gamma * s,
        "product_squared": lambda s, gamma: s * (1 - (gamma * s) ** 2),
        "gamma_too": lambda s, gamma: gamma * s * (1 - gamma * s) ** 2,
        "wrong_one_squared": lambda s, gamma: s**2 * (1 - gamma * s),
    },
)


def spectra():
    """Eigenvalues in any order, the largest neither first nor last, and a number of layers: a few by hand, then those of contexts."""
    yield np.array([2.0, 0.5, 4.0, 3.0]), 3
    rng = np.random.default_rng(0)
    for dim, context, layers in ((10, 20, 4), (5, 40, 6)):
        x = rng.normal(size=(context, dim))
        yield rng.permutation(np.linalg.eigvalsh(x.T @ x / context)), layers


def gammas_for(largest, layers, growth=9 / 4):
    return growth ** np.arange(layers) / (3 * largest)


def layer_by_layer(s, layers, choose):
    """The gammas of a loop: `choose` finds each from the eigenvalues that its layer meets -> (layers,)"""
    chosen = []
    for _ in range(layers):
        gamma = choose(s)
        s = after_layer.solution(s, gamma)
        chosen.append(gamma)
    return np.array(chosen)


gammas = Exercise(
    name="preconditioning.gammas",
    solution=lambda s, layers: gammas_for(s.max(), layers),
    cases=spectra,
    mistakes={
        "kept_same_gamma": (lambda s, layers: gammas_for(s.max(), layers, growth=1)),
        "gamma_times_largest": (lambda s, layers: 3 * gammas_for(s.max(), layers)),
        "same_gamma_times_largest": lambda s, layers: 3 * gammas_for(s.max(), layers, growth=1),
        "loop_gamma_times_largest": lambda s, layers: layer_by_layer(s, layers, lambda s: 1 / s.max()),
        "first_gamma_times_largest": lambda s, layers: 1 / s.max(),
        "gamma_shrinks_from": (lambda s, layers: gammas_for(s.max(), layers, growth=4 / 9)),
        "gamma_grows_3": (lambda s, layers: gammas_for(s.max(), layers, growth=3 / 2)),
        "fitted_gamma_smallest": (lambda s, layers: gammas_for(s.min(), layers)),
        "first_alone": lambda s, layers: 1 / (3 * s.max()),
        "starts_late": lambda s, layers: 9 / 4 * gammas_for(s.max(), layers),
        "takes_first": lambda s, layers: gammas_for(s[0], layers),
        "takes_last": lambda s, layers: gammas_for(s[-1], layers),
        "takes_mean": lambda s, layers: gammas_for(s.mean(), layers),
        "largest_left_out": lambda s, layers: gammas_for(1, layers),
        "turned_over": lambda s, layers: 9 * s.max() ** 2 * gammas_for(s.max(), layers),
        "best_step_size": (lambda s, layers: np.full(layers, 2 / (s.min() + s.max()))),
        "brackets_missing": lambda s, layers: s.max() ** 2 * gammas_for(s.max(), layers),
        "loop_turned_over": lambda s, layers: layer_by_layer(s, layers, lambda s: s.max() / 3),
        "same_turned_over": lambda s, layers: np.full(layers, s.max() / 3),
        "third_of_the_eigenvalue": lambda s, layers: s.max() / 3 * (4 / 9) ** np.arange(layers),
        "third_alone": lambda s, layers: np.full(layers, 1 / 3),
        "one_each_eigenvalue": lambda s, layers: 1 / (3 * s),
        "grows_by_steps": lambda s, layers: gammas_for(s.max(), layers, growth=1) * 9 / 4 * np.arange(layers),
    },
)


def condition_after(kappa):
    """The condition number after a layer of GD++ with gamma s_max = 1/3, from that before it (Theorem 5.1).

    Parameters
    ----------
    kappa : number, or array.

    Returns
    -------
    number, or array
    """
    return kappa * (4 / 9) / (1 - 1 / (3 * kappa)) ** 2


def layers_until(kappa, eps, after=condition_after):
    """How many layers it takes until the condition number is within `eps` of 1 (Theorem 5.1).

    Parameters
    ----------
    kappa : number.  The condition number before the first layer.
    eps : number.
    after : function.  From the condition number before a layer to the one after it.

    Returns
    -------
    int
    """
    layers = 0
    while kappa - 1 >= eps:
        kappa, layers = after(kappa), layers + 1
    return layers


def until_ratio(kappa, eps, factor):
    """Layers if each one multiplied kappa - 1 by the same factor."""
    return math.ceil(math.log(eps / (kappa - 1)) / math.log(factor))


def by_logarithms(kappa, eps):
    """How the number of layers grows (Theorem 5.1), up to constants."""
    return math.log(kappa) + math.log(math.log(1 / eps))


class TooLong(BaseException):
    """A learner's function has taken too many steps. No Exception: the learner's own `except Exception` would hold it."""


@dataclass(frozen=True)
class Run:
    """A learner's function, run for LONGEST steps at most."""

    answer: object  # what it returned; None where it raised, or was stopped
    ended: bool  # by itself
    steps: int
    held: dict  # what its variables held at the end, or where it was stopped


def watched(function, arguments):
    """Run a learner's function for LONGEST steps at most. What it prints, or raises, is left to who calls it next -> Run"""
    steps, held = 0, {}

    def count(frame, event, argument):
        nonlocal steps
        frame.f_trace_opcodes = True  # a loop in one line may never come to another one
        steps += 1
        if steps > LONGEST:
            held.update(variables(function, frame))
            raise TooLong
        if event == "return":
            held.update(variables(function, frame))
        return count

    answer, ended = None, True
    before = sys.gettrace()
    with redirect_stdout(io.StringIO()):
        sys.settrace(count)
        try:
            answer = function(*arguments)
        except TooLong:
            ended = False
        except Exception:  # the learner's code: it is run again, and then it is said
            pass
        finally:
            sys.settrace(before)
    return Run(answer, ended, steps, held)


def variables(function, frame):
    """What the variables of a function hold that has come to a frame, or to what this calls -> dict"""
    code = getattr(function, "__code__", None)
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return {} if frame is None else frame.f_locals


@dataclass(frozen=True)
class LoopExercise(Exercise):
    """Asks for a loop that counts. It may go on for ever: then the verdict says so, instead of waiting.

    A whole number is easily met by chance, so a mistake is named only where it gives the learner's answer to every input.
    """

    def judge(self, attempt):
        if not callable(attempt):
            return super().judge(attempt)
        runs = []
        for arguments in self.cases():
            run = watched(attempt, arguments)
            if not run.ended:
                return self._endless("never_ends", run, arguments[0])
            runs.append(run)
        if self._stops_at_a_bound(runs):
            return self._endless("ends_at_bound", run, arguments[0], count=run.answer)
        answers = [run.answer for run in runs]
        made = {name: wrong for name, wrong in self.mistakes.items() if self._gives(wrong, answers)}
        return Exercise.judge(replace(self, mistakes=made), attempt)

    def _endless(self, name, run, kappa, **values):
        """The verdict on a loop whose condition is never met, with what its variables show of the reason."""
        why = self._entry(why_endless(run.held, kappa))
        return Message("exercise.not_yet", complaint=self._entry(name, why=why, **values))

    def _stops_at_a_bound(self, runs):
        """Has a loop gone on to a bound of the learner's own? Then all inputs give one count, above every right one."""
        count = runs[0].answer
        if not isinstance(count, (int, np.integer)) or any(run.steps < count for run in runs):
            return False
        same = all(type(run.answer) is type(count) and run.answer == count for run in runs)
        return same and count > max(self.solution(*arguments) for arguments in self.cases())

    def _gives(self, wrong, answers):
        """Does a usual mistake give these answers to all inputs?"""
        try:
            return all(
                self._same(np.asarray(answer, dtype=float), np.asarray(wrong(*arguments), dtype=float))
                for answer, arguments in zip(answers, self.cases(), strict=True)
            )
        except Exception:  # answers that are no numbers
            return False


def why_endless(held, kappa):
    """Why a loop does not end whose variables hold this: where is the condition number that began as kappa? -> entry of the catalogue"""
    numbers = [value for value in held.values() if isinstance(value, float)]
    if any(abs(number - 1) < AT_ONE for number in numbers):
        return "never_below_one"
    return "never_moves" if kappa in numbers else "never_comes_down"


layers_needed = LoopExercise(
    name="preconditioning.layers_needed",
    solution=layers_until,
    cases=lambda: [(10.0, 1e-6), (2.0, 1e-6), (1000.0, 1e-6), (100.0, 1e-12)],
    mistakes={
        "one_too_many": lambda kappa, eps: layers_until(kappa, eps) + 1,
        "one_too_few": lambda kappa, eps: layers_until(kappa, eps) - 1,
        "kept_factor_4": (lambda kappa, eps: until_ratio(kappa, eps, 4 / 9)),
        "gradient_descent_error": (
            lambda kappa, eps: math.ceil(math.log(eps) / math.log((kappa - 1) / (kappa + 1)))
        ),
        "theorem_as_it_stands": by_logarithms,
        "theorem_rounded": lambda kappa, eps: round(by_logarithms(kappa, eps)),
        "theorem_rounded_up": lambda kappa, eps: math.ceil(by_logarithms(kappa, eps)),
        "theorem_rounded_down": lambda kappa, eps: math.floor(by_logarithms(kappa, eps)),
        "theorem_in_twos": lambda kappa, eps: math.log2(kappa) + math.log2(math.log2(1 / eps)),
        "theorem_in_tens": lambda kappa, eps: math.log10(kappa) + math.log10(math.log10(1 / eps)),
        "second_logarithm_missing": lambda kappa, eps: math.log(kappa) + math.log(1 / eps),
        "never_starts": lambda kappa, eps: 0,
        "counts_to_one": lambda kappa, eps: 1,
        "falls_below_one": lambda kappa, eps: layers_until(kappa, eps, lambda kappa: kappa * 4 / 9),
        "brackets_missing": (
            lambda kappa, eps: layers_until(
                kappa, eps, lambda kappa: kappa * (4 / 9) / (1 - 1 / 3 * kappa) ** 2
            )
        ),
        "lost_square_below": (
            lambda kappa, eps: layers_until(kappa, eps, lambda kappa: kappa * (4 / 9) / (1 - 1 / (3 * kappa)))
        ),
    },
)
