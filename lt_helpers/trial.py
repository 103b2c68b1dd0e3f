"""A pilot: frozen models beside all that they have to beat, on tasks of a table of one's own.

Every predictor gets the same prepared examples and answers the same rows that were held back. Errors are mean squared misses on those,
in the label's own unit; two predictors are compared task by task.
"""

from dataclasses import dataclass, field

import numpy as np

from . import checks
from .baselines import check_degrees_of_freedom
from .model import linear_transformer
from .practice import gate, guarded, ridge_cv
from .preparation import by_length, read_tasks
from .spectrum import Spectrum
from .task import second_moments

RARE = 0.01  # the share of alarms from which on a model meets what it was not trained for
BAYES, ADA_RR, EVIDENCE, ONE, CV, POOLED = (
    "Bayes, fitted prior",
    "AdaRR",
    "evidence ridge",
    "ridge, one penalty",
    "ridge, cross-validated",
    "ridge, fitted once",
)
GATES = (  # the first is to say beforehand which miss is a failure
    "2: ahead of AdaRR and of Bayes",
    "3: ahead of every other opponent",
    "4: alarms in fewer than 1% of tasks",
    "5: fails no more than the best opponent",
)
NEEDS = {  # what each of the opponents needs; the size of w, in the label's unit, is learned from earlier tasks
    BAYES: "earlier tasks",
    ADA_RR: "the size of w, and n > d",
    EVIDENCE: "the size of w",
    ONE: "earlier tasks of like noise",
    CV: "nothing but the examples",
    POOLED: "that all tasks obey one w",
}


WEIGH = {  # and what each makes of prepared tasks of one length: a Preparation, a Spectrum, x (B, n, d), y (B, n)  ->  w (B, d)
    BAYES: lambda preparation, spectrum, x, y: spectrum.bayes(preparation.noise),
    ADA_RR: lambda preparation, spectrum, x, y: spectrum.ridge(spectrum.noise_estimate()),
    EVIDENCE: lambda preparation, spectrum, x, y: spectrum.ridge(spectrum.noise_by_evidence()),
    ONE: lambda preparation, spectrum, x, y: spectrum.ridge(np.full(len(x), np.sqrt(preparation.penalty))),
    CV: lambda preparation, spectrum, x, y: ridge_cv(x, y)[0],
    POOLED: lambda preparation, spectrum, x, y: np.tile(preparation.pooled, (len(x), 1)),
}


def opponent(name, preparation, x, y):
    """What one of the opponents makes of prepared tasks of one length.

    Parameters
    ----------
    name : str
        One of NEEDS.
    preparation : Preparation
    x : (B, n, d) array
    y : (B, n) array

    Returns
    -------
    (B, d) array
        Weights, for prepared inputs.

    Raises
    ------
    ValueError
        If AdaRR gets no more examples than there are features.
    """
    n, d = x.shape[1:]
    if name == ADA_RR:
        check_degrees_of_freedom(n, d, "AdaRR")
    return WEIGH[name](preparation, Spectrum.from_tokens(x, y), x, y)


def pilot(preparation, models, x, y, x_held, y_held, failure=None):
    """Hold frozen models against ridge regression in all its forms, on tasks whose held rows nobody has seen.

    A model is guarded: where its alarm rings, Bayes answers.

    Parameters
    ----------
    preparation : Preparation
        What earlier tasks, which are none of these, have lent.
    models : dict of LinearTransformers, by name
        For d features; DIAG and GD++ of another d are brought to it.
    x : (B, n, d) array, or list of (n_b, d) arrays
        The examples of at least two new tasks.
    y : (B, n) array, or list of (n_b,) arrays
        Their labels.
    x_held : (B, m, d) array, or list of (m_b, d) arrays
        More rows of the same tasks, which the predictors answer.
    y_held : (B, m) array, or list of (m_b,) arrays
        Their labels: the answers are judged by them.
    failure : float, optional
        A predictor fails on a task if it misses the held rows by more than this, root mean square, in the label's unit. Without it
        nobody asks how often a model fails.

    Returns
    -------
    Pilot

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """
    models = read_models(models, preparation.dim)
    if failure is not None:
        failure = checks.number(failure, "failure", low=0)
    x, y = read_tasks(x, y, ("x", "y"))
    x_held, y_held = read_tasks(x_held, y_held, ("x_held", "y_held"), least=1)
    for name, tasks in (("x", x), ("x_held", x_held)):
        if tasks and tasks[0].shape[1] != preparation.dim:
            raise ValueError(
                f"{name} has {tasks[0].shape[1]} features: it must have those of the preparation, {preparation.dim}."
            )
    if len(x) != len(x_held) or len(x) < 2:
        raise ValueError(
            f"x has {len(x)} tasks and x_held has {len(x_held)}: they must be the same tasks, two or more."
        )

    prepared = [preparation.prepare(*task) for task in zip(x, y, strict=True)]
    is_long = min(len(labels) for _, labels in prepared) > preparation.dim
    names = [name for name in NEEDS if is_long or name != ADA_RR]
    weights = {name: np.empty((len(x), preparation.dim)) for name in (*names, *models)}
    alone = {name: np.empty((len(x), preparation.dim)) for name in models}  # without the guard
    rings = {name: np.empty(len(x), bool) for name in models}
    for places, inputs, labels in by_length(*map(list, zip(*prepared, strict=True))):
        spectrum = Spectrum.from_tokens(inputs, labels)
        S = second_moments(inputs, labels)
        for name in names:
            weights[name][places] = WEIGH[name](preparation, spectrum, inputs, labels)
        for name, model in models.items():
            w = model.implicit_weight(S)  # (B, d)
            alone[name][places] = w
            weights[name][places], rings[name][places] = guarded(w, S, weights[BAYES][places])

    tasks = list(zip(x, y, x_held, y_held, strict=True))
    tried = np.stack([*weights.values(), *alone.values()])  # (P, B, d)
    found = held_errors(preparation, tried, tasks)  # (P, B)
    errors = dict(zip(weights, found))
    unguarded = dict(zip(alone, found[len(weights) :]))
    rivals = {name: errors[name] for name in names}
    leads = {name: gate(errors[name], rivals) for name in models}
    return Pilot(errors, leads, rings, preparation.tasks, unguarded, failure)


def held_errors(preparation, w, tasks):
    """The mean squared miss of several predictors' weights on the held rows of each task.

    Parameters
    ----------
    preparation : Preparation
    w : (P, B, d) array
        For prepared inputs.
    tasks : list of (x, y, x_held, y_held)

    Returns
    -------
    (P, B) array
        Infinite where the weights have exploded.
    """
    errors = np.empty(w.shape[:2])
    with np.errstate(over="ignore", invalid="ignore"):
        for place, (x, y, x_held, y_held) in enumerate(tasks):
            coefficients, intercept = preparation.original(w[:, place], x, y)  # (P, d), (P,)
            missed = coefficients @ x_held.T + intercept[:, None] - y_held  # (P, m)
            errors[:, place] = (missed**2).mean(axis=1)
    return np.where(np.isfinite(errors), errors, np.inf)


@dataclass(frozen=True)
class Pilot:
    """What came out of a pilot.

    Attributes
    ----------
    errors : dict of (B,) arrays
        The mean squared error of each predictor on the held rows of each task, in the label's unit squared.
    leads : dict of dicts of Lead
        How far each model, guarded, is ahead of each opponent.
    alarms : dict of (B,) arrays of bool
        Where the alarm of each model rang.
    earlier : int
        How many earlier tasks prepared it.
    unguarded : dict of (B,) arrays
        What the errors of each model are without the guard; infinite where it explodes.
    failure : float or None
        The root mean square miss above which a task counts as failed.
    """

    errors: dict
    leads: dict
    alarms: dict
    earlier: int
    unguarded: dict = field(default_factory=dict)
    failure: float | None = None

    @property
    def best_opponent(self):
        """The opponent with the smallest mean error."""
        return min((name for name in NEEDS if name in self.errors), key=lambda name: self.errors[name].mean())

    @property
    def as_good(self):
        """The opponents that the best one is not ahead of by two standard errors -> list of names"""
        best = self.best_opponent
        others = {name: self.errors[name] for name in NEEDS if name in self.errors and name != best}
        return [name for name, lead in gate(self.errors[best], others).items() if not lead.beaten]

    def failed(self, name):
        """Where a predictor fails, a model without the guard -> (B,) array of bool"""
        return self.unguarded.get(name, self.errors[name]) > self.failure**2

    def unnoticed(self, name):
        """How many failures of a model its alarm missed."""
        return int((self.failed(name) & ~self.alarms[name]).sum())

    def failures(self, name):
        """In how many tasks a predictor fails as it would be used, a model with the guard."""
        return int((self.errors[name] > self.failure**2).sum())

    def gates(self, name):
        """Whether a model passes each gate -> {gate: bool}, without the last one where nobody said what a failure is"""
        beaten = {rival: lead.beaten for rival, lead in self.leads[name].items()}
        first = {rival for rival in (ADA_RR, BAYES) if rival in beaten}
        found = [
            all(beaten[rival] for rival in first),
            all(beaten[rival] for rival in beaten.keys() - first),
            bool(self.alarms[name].mean() < RARE),
        ]
        if self.failure is not None:
            found.append(self.failures(name) <= self.failures(self.best_opponent))
        return dict(zip(GATES, found, strict=False))

    @property
    def passed(self):
        """The models that pass every gate -> list of names, the best first

        They are ahead of every opponent by two standard errors, their alarm is rare, and guarded they fail no more often than the best
        opponent.
        """
        good = [name for name in self.leads if all(self.gates(name).values())]
        return sorted(good, key=lambda name: self.errors[name].mean())

    @property
    def verdict(self):
        """What to use, in one sentence."""
        if self.passed:
            name = self.passed[0]
            return (
                f"Use {name}, guarded: it is ahead of every opponent by more than two standard errors, and its alarm rang in "
                f"{self.alarms[name].mean():.1%} of {len(self.alarms[name])} tasks."
            )
        best = self.best_opponent
        if not self.leads:
            return f"Use {best}: of what needs no model, it errs least."
        nearest = max(self.leads, key=lambda name: self.leads[name][best].mean)
        lead = self.leads[nearest][best]
        if lead.beaten:
            return f"Use {best}: {nearest} errs less, but {self.reason(nearest)}."
        behind = in_errors(lead)
        way = f"{abs(behind):.1f} standard errors {'behind' if behind < 0 else 'ahead'}"
        return f"Use {best}: no model is ahead of it by two standard errors ({nearest} is {way})."

    def reason(self, name):
        """Why a model has not passed, in words."""
        share = self.alarms[name].mean()
        unbeaten = [rival for rival, lead in self.leads[name].items() if not lead.beaten]
        if unbeaten:
            return f"is not ahead of {', '.join(unbeaten)} by two standard errors"
        if share >= RARE:
            return f"its alarm rang in {share:.1%} of the tasks, where less than {RARE:.0%} is asked for"
        best = self.best_opponent
        return f"guarded it fails in {self.failures(name)} tasks, {best} in {self.failures(best)}"

    def report(self):
        """All of it as text: errors, leads in standard errors, failures, alarms, gates, and the verdict.

        Returns
        -------
        str
        """
        best, judged = self.best_opponent, self.failure is not None
        tasks = len(self.errors[best])
        lines = [
            f"{tasks} tasks, prepared by {self.earlier} earlier ones. Error: root mean square on the held rows."
            + (f" Fails: in how many tasks it is above {self.failure:g}." if judged else ""),
            "Under a model: how far ahead of the opponent it is, in standard errors of the lead. Above 2 the opponent is beaten.",
            "",
            f"{'':32}{'error':>10}{'  fails' if judged else ''}{in_columns(self.leads)}   needs",
        ]

        # Opponents, the best first; then the models, as they would be used.
        rivals = [name for name in NEEDS if name in self.errors]
        for name in sorted(rivals, key=lambda name: self.errors[name].mean()):
            leads = in_columns(f"{in_errors(self.leads[model][name]):+.1f}" for model in self.leads)
            lines.append(f"{self.tell_errors(name, name)}{leads}   {NEEDS[name]}")
        lines += [self.tell_errors(name, f"{name}, guarded") for name in self.leads]

        if self.leads:
            lines += ["", *self.tell_gates()]
        if self.as_good:
            lines.append(f"As good as {best}, as far as {tasks} tasks tell: {'; '.join(self.as_good)}.")
        return "\n".join([*lines, self.verdict])

    def tell_errors(self, name, label):
        """The error of a predictor, and in how many tasks it fails, in one line."""
        failures = "" if self.failure is None else f"{self.failures(name):>7}"
        return f"{label:32}{root_mean(self.errors[name]):>10.4g}{failures}"

    def tell_gates(self):
        """Alarms, failures and gates of the models, a column for each -> list of lines"""
        rows = {"alarms": [rings.sum() for rings in self.alarms.values()]}
        if self.failure is not None:
            rows["fails without the guard"] = [self.failed(name).sum() for name in self.leads]
            rows["  missed by the alarm"] = [self.unnoticed(name) for name in self.leads]
        passes = [self.gates(name) for name in self.leads]
        rows |= {f"gate {gate}": ["yes" if each[gate] else "no" for each in passes] for gate in passes[0]}
        width = 42 if self.failure is None else 49
        lines = [f"{'':{width}}{in_columns(self.leads)}"]
        lines += [f"{label:{width}}{in_columns(values)}" for label, values in rows.items()]

        if self.failure is None:
            lines.append("Gates 1 and 5 were not asked: failure= says which miss is a failure.")
        silent = [name for name, rings in self.alarms.items() if not rings.any()]
        if silent:
            lines.append(f"No alarm of {', '.join(silent)}: {bound(len(self.alarms[silent[0]]))}.")
        return lines


def in_columns(values):
    """Something for each model, in columns of one width."""
    return "".join(f"{value!s:>16}" for value in values)


def in_errors(lead):
    """A lead in its standard errors."""
    return lead.mean / lead.standard_error if lead.standard_error else 0.0


def root_mean(errors):
    """The root of a mean of squares."""
    return np.sqrt(errors.mean())


def bound(tasks):
    """What it says of a rate that something has not occurred in so many tasks, in words."""
    return f"a rate of {3 / tasks:.2%} or more would have shown itself nineteen times in twenty, if tasks are independent"


def read_models(models, dim):
    """The models of a pilot, for d features.

    Raises
    ------
    TypeError, ValueError
        If they are no dictionary of LinearTransformers, or FULL of another d.
    """
    if not isinstance(models, dict):
        raise TypeError(
            f"models is {checks.shown(models)}: models must be a dictionary of names and LinearTransformers."
        )
    for name in models:
        if not isinstance(name, str) or name in NEEDS:
            raise ValueError(
                f"models has the name {checks.shown(name)}: a name must be a text, and none of {', '.join(NEEDS)}."
            )
    read = {name: linear_transformer(model) for name, model in models.items()}
    for name, model in read.items():
        if model.kind == "full" and model.dim != dim:
            raise ValueError(
                f"{name} is a FULL model for {model.dim} features and the preparation has {dim}: its weights belong to one number of "
                'features, so take a DIAG model, or train one by lt.train(preparation.task, "full").'
            )
    return {name: model if model.dim == dim else model.with_dim(dim) for name, model in read.items()}
