"""A table made to look like what a model was trained on, and the way back: what earlier tasks lend to a new one.

In training x ~ N(0, I), w ~ N(0, I) and there is no intercept. Here every feature is divided by its spread, the labels by the size of a
component of w, and the intercept of a task goes before any predictor sees it.
"""

from dataclasses import dataclass

import numpy as np

from . import checks
from .noise import Noise
from .practice import PENALTIES, fit_prior_of, leave_one_out, ridge_cv
from .task import RegressionTask

FEWEST = 2  # earlier tasks
STILL = 1e-7  # of the largest value of a feature: what varies less does not vary
DEPENDENT = 1e-9  # of the largest eigenvalue of a correlation matrix, likewise


@dataclass(frozen=True)
class Preparation:
    """What earlier tasks say about new ones of the same kind.

    Attributes
    ----------
    spread : (d,) array
        The standard deviation of each feature, within tasks if each has its own intercept.
    size : float
        The standard deviation of a component of w, for standardised features, in units of the label.
    noise : Noise
        How sigma is distributed, in units of `size`.
    penalty : float
        Of ridge regression, the one that predicts left-out examples of earlier tasks best.
    pooled : (d,) array
        The weights of ridge regression on all earlier tasks at once, prepared: what would do if all obeyed one w.
    correlation : (d, d) array
        Of the features.
    context : int
        n of a prepared task: the median, where tasks differ in length.
    tasks : int
        How many earlier tasks it was learned from.
    centre : (d,) array or None
        The mean of each feature; None if each task has its own intercept.
    label_centre : float or None
        The mean of the labels, likewise.
    """

    spread: np.ndarray
    size: float
    noise: Noise
    penalty: float
    pooled: np.ndarray
    correlation: np.ndarray
    context: int
    tasks: int
    centre: np.ndarray | None = None
    label_centre: float | None = None

    @classmethod
    def learn(cls, x_earlier, y_earlier, intercept=True):
        """Learn from earlier tasks. Labels of their examples are all that it takes: no truth, and no rows that were held back.

        Parameters
        ----------
        x_earlier : (B, n, d) array, or list of (n_b, d) arrays
            The inputs of B tasks, which may differ in length. Hundreds of them tell how the noise is distributed.
        y_earlier : (B, n) array, or list of (n_b,) arrays
            Their labels.
        intercept : bool
            Has each task an intercept of its own? Then it costs each of them one example. Else one is learned for all of them.

        Returns
        -------
        Preparation

        Raises
        ------
        TypeError, ValueError
            If x_earlier and y_earlier are no tasks of one kind, or fewer than two; or a feature or the labels never vary.
        """
        x, y = read_tasks(x_earlier, y_earlier, ("x_earlier", "y_earlier"))
        largest = abs(np.concatenate(x)).max(axis=0)  # (d,)
        if len(x) < FEWEST:
            raise ValueError(f"x_earlier has {len(x)} tasks: it takes at least {FEWEST} to learn from.")

        # Without the intercept, every feature has the mean 0.
        centre = label_centre = None
        if not intercept:
            centre = np.concatenate(x).mean(axis=0)  # (d,)
            label_centre = float(np.concatenate(y).mean())
        plain = [without_intercept(*task, centre, label_centre) for task in zip(x, y, strict=True)]
        x, y = ([task[part] for task in plain] for part in range(2))
        rows = np.concatenate(x)  # (N, d)
        spread = np.sqrt((rows**2).mean(axis=0))  # (d,)
        still = np.flatnonzero(spread <= STILL * largest)
        if len(still):
            raise ValueError(
                f"feature {still[0]} of x_earlier never varies{within(intercept)}: leave it out."
            )
        if not any(map(np.any, y)):
            raise ValueError(f"y_earlier never varies{within(intercept)}: there is nothing to predict.")

        # In units of the spread, and then of a component of w.
        x = [task / spread for task in x]
        prior = fit_prior_of([(inputs, labels) for _, inputs, labels in by_length(x, y)])
        y = [task / prior.size for task in y]

        rows, labels = np.concatenate(x), np.concatenate(y)
        pooled, _ = ridge_cv(rows[None], labels[None])  # (1, d)
        return cls(
            spread=spread,
            size=prior.size,
            noise=prior.noise,
            penalty=best_penalty(x, y),
            pooled=pooled[0],
            correlation=rows.T @ rows / len(rows),
            context=int(np.median([len(task) for task in y])),
            tasks=len(y),
            centre=centre,
            label_centre=label_centre,
        )

    @property
    def dim(self):
        """d, the number of features."""
        return len(self.spread)

    @property
    def intercept(self):
        """Has each task an intercept of its own?"""
        return self.centre is None

    @property
    def task(self):
        """The task that prepared contexts are like, to train a model for: its d, its n, its noise, and how its features are correlated.

        Raises
        ------
        ValueError
            If some features are a combination of others.
        """
        least, *_, largest = np.linalg.eigvalsh(self.correlation) if self.dim > 1 else (1.0, 1.0)
        if least <= DEPENDENT * largest:
            raise ValueError(
                "some features of x_earlier are combinations of others, so that no training task has this covariance: leave one out."
            )
        return RegressionTask(self.dim, self.context, self.noise, self.correlation)

    def prepare(self, x, y):
        """A task as a model reads it.

        Parameters
        ----------
        x : (n, d) array
            Inputs of one task.
        y : (n,) array
            Its labels.

        Returns
        -------
        x : (m, d) array
            m is n, or n - 1 if each task has its own intercept.
        y : (m,) array
        """
        x, y = without_intercept(x, y, self.centre, self.label_centre)
        return x / self.spread, y / self.size

    def original(self, w, x, y):
        """A weight in the units of the table.

        Parameters
        ----------
        w : (d,) or (P, d) array
            For prepared inputs: one, or one for each of several predictors.
        x, y : (n, d) and (n,) arrays
            The task's examples, as they were given.

        Returns
        -------
        coefficients : (d,) or (P, d) array
        intercept : number or (P,) array
            An input is answered with <coefficients, x> + intercept.
        """
        coefficients = w * self.size / self.spread
        if self.intercept:
            return coefficients, y.mean() - coefficients @ x.mean(axis=0)
        return coefficients, self.label_centre - coefficients @ self.centre


def within(intercept):
    """What an error adds where a mean of each task's own is taken away."""
    return " within a task" if intercept else ""


def by_length(x, y):
    """Tasks of one length at a time.

    Parameters
    ----------
    x, y : lists of (n_b, d) and (n_b,) arrays

    Returns
    -------
    list of (places, x, y)
        Where they stand in the lists, (B,), and what stands there, (B, n, d) and (B, n) arrays.
    """
    lengths = np.array([len(task) for task in y])
    groups = []
    for length in np.unique(lengths):
        places = np.flatnonzero(lengths == length)  # (B,)
        groups.append((places, *(np.stack([part[place] for place in places]) for part in (x, y))))
    return groups


def read_tasks(x, y, names, least=2):
    """Tasks that may differ in length, as lists of (n_b, d) and (n_b,) arrays.

    Parameters
    ----------
    x : (B, n, d) array, or list of (n_b, d) arrays
    y : (B, n) array, or list of (n_b,) arrays
    names : (str, str)
        What the user calls them.
    least : int
        How many rows a task must have.

    Raises
    ------
    TypeError, ValueError
        In one sentence, if they are no tasks of one number of features with as many labels as rows.
    """
    for tasks, name in zip((x, y), names, strict=True):
        if isinstance(tasks, (str, dict)) or not hasattr(tasks, "__len__"):
            raise TypeError(f"{name} is {checks.shown(tasks)}: {name} must be an array, or a list of arrays.")
    if len(x) != len(y):
        raise ValueError(
            f"{names[0]} has {len(x)} tasks and {names[1]} has {len(y)}: they must have as many."
        )
    inputs, labels = [], []
    for place, (each_x, each_y) in enumerate(zip(x, y, strict=True)):
        of_x, of_y = (f"{name}[{place}]" for name in names)
        rows = checks.array(each_x, of_x, ("rows", inputs[0].shape[1] if inputs else "dim"))
        if len(rows) < least or not rows.shape[1]:
            raise ValueError(
                f"{of_x} has shape {rows.shape}: a task must have at least {least} row{'s'[: least - 1]}, of one feature or more."
            )
        inputs.append(rows)
        labels.append(checks.array(each_y, of_y, (len(rows),)))
    return inputs, labels


def without_intercept(x, y, centre, label_centre):
    """The examples of a task, as if it had none -> x (m, d), y (m,)

    With one intercept for all, the centres are taken away. With one for each task, its rows are replaced by n - 1 contrasts of them
    (Helmert's): directions at right angles to each other and to the intercept, so that noise that was independent still is.
    """
    if centre is not None:
        return x - centre, y - label_centre
    contrasts = helmert(len(x))  # (n - 1, n)
    return contrasts @ x, contrasts @ y


def helmert(n):
    """Row k compares example k + 1 with the mean of those before it -> (n - 1, n) array, its rows of length 1."""
    k = np.arange(1, n)[:, None]  # (n - 1, 1)
    column = np.arange(n)  # (n,)
    rows = np.where(column < k, 1.0, np.where(column == k, -k, 0.0))
    return rows / np.sqrt(k * (k + 1))


def best_penalty(x, y):
    """The penalty that predicts left-out examples of earlier tasks best, of PENALTIES.    x, y : lists of (n_b, d) and (n_b,) arrays"""
    errors = [leave_one_out(inputs, labels, PENALTIES)[0] for _, inputs, labels in by_length(x, y)]
    return float(PENALTIES[np.concatenate(errors).mean(axis=0).argmin()])
