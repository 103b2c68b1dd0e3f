"""What the pilot lab shows once a table of a learner's own is in it: a frozen model on tasks of that table, beside every ridge.

Half of the tasks prepare, the others are judged by rows that were held back (`TableOfTasks.cut`, `lt.pilot`). An error is the mean squared
miss on those, in units of the variance that the labels of earlier tasks have within a task.

Panels: the mean error of each predictor; how far the model, guarded, is ahead of each opponent; and as in the lab without a table, how
well the weight of each layer fits its own task, and each task by its misfit and its error.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..implicit import implicit_from_moments
from ..language import Message
from ..practice import misfit
from ..preparation import Preparation, by_length
from ..task import PAPER, second_moments
from ..trial import ADA_RR, BAYES, CV, EVIDENCE, NEEDS, ONE, POOLED, in_errors, pilot
from ..view.panel import Axis, Panel, Points
from .frozen import Frozen
from .judged import ERROR, FAILED, LAST_MISFIT, MISFIT, Judged, context_panel, layer_panel, mean_in_words
from .marks import level

FEW_TASKS = 30  # up to so many that are judged, a lead says little
CALLED = {  # the places of opponents along an axis
    BAYES: Message("pilot.tick.bayes"),
    ADA_RR: Message("pilot.tick.adarr"),
    EVIDENCE: Message("pilot.tick.evidence"),
    ONE: Message("pilot.tick.one"),
    CV: Message("pilot.tick.cv"),
    POOLED: Message("pilot.tick.pooled"),
}
STANDARD_ERRORS = Axis("standard_errors", -10.0, 10.0)
# On a table a relation may hold nearly without noise: what is below an axis is as good as nothing.
LOW_ERROR, LOW_MISFIT, LOW_LAST_MISFIT = (
    replace(axis, below="floor") for axis in (ERROR, MISFIT, LAST_MISFIT)
)


@dataclass(frozen=True)
class TableState(Frozen):
    """A model on the tasks of a table."""

    tasks: int
    dim: int
    rows: tuple  # the fewest and the most that are read of a task
    now: Judged  # the model without the guard, on the tasks that are judged
    guarded: np.ndarray  # (B,): its error with the guard
    opponents: tuple  # of str, those that could be asked
    errors: np.ndarray  # (K, B): theirs
    leads: np.ndarray  # (K,): of the model over each, in standard errors
    limit: float  # the root mean square miss, in the label's unit, from which on a task counts as failed
    verdict: str


@lru_cache(maxsize=4)
def prepare(table, seed):
    """What the earlier tasks of a table lend -> Parts, Preparation, and the variance of a label within them"""
    parts = table.cut(seed)
    preparation = Preparation.learn(parts.x_earlier, parts.y_earlier)
    squares = sum(((labels - labels.mean()) ** 2).sum() for labels in parts.y_earlier)
    free = sum(len(labels) - 1 for labels in parts.y_earlier)
    return parts, preparation, squares / free


def judge(table, called, model, seed):
    """Try a model on a table.

    Parameters
    ----------
    table : TableOfTasks.
    called : str.  What the verdict calls the model.
    model : LinearTransformer.
    seed : int.  Of the lot that says which tasks prepare.

    Returns
    -------
    TableState
    """
    parts, preparation, variance = prepare(table, seed)
    limit = np.sqrt(FAILED * variance)
    new = (parts.x, parts.y, parts.x_held, parts.y_held)
    result = pilot(preparation, {called: model}, *new, failure=limit)
    opponents = [name for name in NEEDS if name in result.errors]
    read = [len(labels) for labels in parts.y]
    return TableState(
        tasks=len(table.x),
        dim=table.dim,
        rows=(min(read), max(read)),
        now=Judged(
            model=result.unguarded[called] / variance, misfit=misfit_by_layer(preparation, model, parts)
        ),
        guarded=result.errors[called] / variance,
        opponents=opponents,
        errors=np.array([result.errors[name] for name in opponents]) / variance,
        leads=np.array([in_errors(result.leads[called][name]) for name in opponents]),
        limit=float(limit),
        verdict=result.verdict,
    )


def misfit_by_layer(preparation, model, parts):
    """How badly the weight of each layer fits the rows that were read -> (B, L+1)"""
    if model.dim != preparation.dim:
        model = model.with_dim(preparation.dim)
    prepared = [preparation.prepare(*task) for task in zip(parts.x, parts.y, strict=True)]
    found = np.empty((len(prepared), model.layers + 1))
    for places, x, y in by_length(*map(list, zip(*prepared, strict=True))):
        S = second_moments(x, y)
        found[places] = misfit(implicit_from_moments(model, S).w, S)
    return found


def table_panels(state):
    """-> list of Panel"""
    return [
        predictor_panel(state),
        lead_panel(state),
        layer_panel(state.now, LOW_MISFIT),
        context_panel(state.now, LOW_LAST_MISFIT, LOW_ERROR),
    ]


def predictor_panel(state):
    """The mean error of each predictor."""
    places = np.arange(1.0, len(state.opponents) + 1)
    model = len(places) + 1
    labels = (*(CALLED[name] for name in state.opponents), Message("pilot.tick.model"))
    x = Axis("", 0.4, model + 0.6, ticks=(*places, model), labels=labels)
    marks = [
        level(x, 1.0),
        Points("baselines", places, state.errors.mean(axis=1)),
        Points("model", model, state.now.model.mean()),
        Points("guarded", model, state.guarded.mean()),
    ]
    return Panel("predictors", x, LOW_ERROR, marks, values=dict(contexts=len(state.guarded)))


def lead_panel(state):
    """How far the model, guarded, is ahead of each opponent; at the upper guide the opponent is beaten, at the lower one the model."""
    places = np.arange(1.0, len(state.opponents) + 1)
    labels = tuple(CALLED[name] for name in state.opponents)
    x = Axis("", 0.4, len(places) + 0.6, ticks=tuple(places), labels=labels)
    marks = [
        level(x, 2.0, "beats"),
        level(x, 0.0, "zero"),
        level(x, -2.0, "is beaten"),
        Points("guarded", places, state.leads),
    ]
    return Panel("lead", x, STANDARD_ERRORS, marks)


def table_words(state):
    """-> list of Message"""
    now, judged = state.now, len(state.guarded)
    low, high = state.rows
    best = state.errors.mean(axis=1).argmin()
    said = [
        Message("pilot.table", tasks=state.tasks, dim=state.dim, earlier=state.tasks - judged, judged=judged),
        Message("pilot.rows" if low < high else "pilot.same_rows", low=low, high=high),
    ]
    if (low, high, state.dim) != (PAPER.context + 1, PAPER.context + 1, PAPER.dim):
        said.append(Message("pilot.made_for", context=PAPER.context, dim=PAPER.dim))
    if judged <= FEW_TASKS:
        said.append(Message("pilot.few_tasks", count=judged))
    return [
        *said,
        Message(
            "pilot.table_errors",
            model=mean_in_words(now.model),
            guarded=mean_in_words(state.guarded),
            best=state.opponents[best],
            error=mean_in_words(state.errors[best]),
        ).on("predictors"),
        Message(
            "pilot.table_alarms",
            tasks=judged,
            limit=state.limit,
            failed=now.failed.sum(),
            rang=now.rings.sum(),
            hit=(now.rings & now.failed).sum(),
        ).on("layers", "contexts"),
        Message("pilot.verdict", verdict=state.verdict),
    ]
