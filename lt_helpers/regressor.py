"""A predictor to ship: what was decided in a pilot, in one object and one file."""

import json

import numpy as np

from . import checks, weights
from .model import LinearTransformer
from .noise import Categorical
from .practice import alarm
from .preparation import Preparation, read_tasks
from .task import second_moments
from .trial import BAYES, NEEDS, opponent, read_models

ARRAYS = ("spread", "pooled", "correlation", "centre")  # the parts of a preparation, beside its noise
NUMBERS = ("size", "penalty", "context", "tasks", "label_centre")


class InContextRegressor:
    """Regression on one small task at a time, by what earlier tasks have lent; used as scikit-learn's regressors are.

    Parameters
    ----------
    model : LinearTransformer, or str
        A frozen model for d features, or the name of one of a pilot's opponents, such as "Bayes, fitted prior".
    preparation : Preparation
        What earlier tasks have lent.
    guard : bool
        Does Bayes answer where the alarm of a frozen model rings?

    Attributes
    ----------
    coef_ : (d,) array
        Of the task that was fitted last, in the units of the table.
    intercept_ : float
    alarm_ : bool
        Do the weights fit the task's own examples worse than the answer 0 would?

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """

    def __init__(self, model, preparation, guard=True):
        if not isinstance(preparation, Preparation):
            raise TypeError(
                f"preparation is {checks.shown(preparation)}: preparation must come from Preparation.learn."
            )
        self.model, self.preparation, self.guard = model, preparation, guard
        if isinstance(model, str):
            checks.one_of(model, "model", tuple(NEEDS))
            self._frozen = None
        else:
            (self._frozen,) = read_models({"model": model}, preparation.dim).values()

    def get_params(self, deep=True):
        """The arguments by name, as scikit-learn asks for them."""
        return {"model": self.model, "preparation": self.preparation, "guard": self.guard}

    def set_params(self, **parameters):
        """The same with other arguments; what was fitted is forgotten."""
        self.__init__(**self.get_params() | parameters)
        for fitted in ("coef_", "intercept_", "alarm_"):
            vars(self).pop(fitted, None)
        return self

    def fit(self, x, y):
        """Read the examples of a task: one forward pass, no training.

        Parameters
        ----------
        x : (n, d) array
        y : (n,) array

        Returns
        -------
        self
        """
        (x,), (y,) = read_tasks([x], [y], ("x", "y"))
        self._check_features(x)
        inputs, labels = (part[None] for part in self.preparation.prepare(x, y))
        w = self._unguarded(inputs, labels)
        self.alarm_ = bool(alarm(w, second_moments(inputs, labels))[0])
        if self.alarm_ and self.guard and self._frozen is not None:
            w = opponent(BAYES, self.preparation, inputs, labels)
        self.coef_, intercept = self.preparation.original(w[0], x, y)
        self.intercept_ = float(intercept)
        return self

    def predict(self, x):
        """Answers for more rows of the task.

        Parameters
        ----------
        x : (m, d) array

        Returns
        -------
        (m,) array
        """
        if not hasattr(self, "coef_"):
            raise ValueError("predict was called before fit: give fit the examples of a task first.")
        return checks.array(x, "x", ("rows", self.preparation.dim)) @ self.coef_ + self.intercept_

    def watch(self, x, y):
        """Four numbers of a batch of tasks, to look at from time to time.

        Parameters
        ----------
        x : (B, n, d) array, or list of (n_b, d) arrays
        y : (B, n) array, or list of (n_b,) arrays

        Returns
        -------
        dict
            alarms : the share of tasks on which the alarm rings; nearly 0 in the pilot, or the model was not chosen.
            labels : the size of labels, as a multiple of that of the earlier tasks.
            inputs : the largest eigenvalue of a task's inputs on average, as a multiple of that of the earlier tasks' correlation.
            unlike_numbers : the share of tasks whose weights are not finite.
        """
        x, y = read_tasks(x, y, ("x", "y"))
        self._check_features(x[0])
        rings, finite, squares, largest = [], [], [], []
        for task in zip(x, y, strict=True):
            inputs, labels = self.preparation.prepare(*task)
            S = second_moments(inputs[None], labels[None])
            w = self._unguarded(inputs[None], labels[None])
            rings.append(alarm(w, S)[0])
            finite.append(np.isfinite(w).all())
            squares.append((labels**2).mean())
            largest.append(np.linalg.eigvalsh(S[0, :-1, :-1])[-1])
        before = self.preparation
        size = np.trace(before.correlation) + before.noise.mean_square  # of a label, squared
        return {
            "alarms": float(np.mean(rings)),
            "labels": float(np.sqrt(np.mean(squares) / size)),
            "inputs": float(np.mean(largest) / np.linalg.eigvalsh(before.correlation)[-1]),
            "unlike_numbers": float(1 - np.mean(finite)),
        }

    def save(self, path):
        """Write all of it to one file (safetensors), whole or not at all: weights and how they came about, preparation, noise, guard.

        Parameters
        ----------
        path : str or Path.  An ordinary file there is replaced.

        Raises
        ------
        ValueError, TypeError, OSError
            As for a model.
        """
        tensors = {f"preparation.{name}": getattr(self.preparation, name) for name in ARRAYS}
        numbers = {name: getattr(self.preparation, name) for name in NUMBERS}
        numbers["noise"] = [list(part) for part in zip(*self.preparation.noise.nodes(), strict=True)]
        metadata = {"preparation": json.dumps(numbers), "guard": json.dumps(self.guard)}
        if self._frozen is None:
            metadata["model"] = self.model
        else:
            tensors |= {"P": self._frozen.P, "Q": self._frozen.Q}
            metadata |= self._frozen.metadata()
        weights.write(
            path, {name: tensor for name, tensor in tensors.items() if tensor is not None}, metadata
        )

    @classmethod
    def load(cls, path):
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or Path.

        Returns
        -------
        InContextRegressor

        Raises
        ------
        ValueError
            If there is no such file, if it is damaged, or if it holds something else.
        """
        tensors, metadata = weights.read(path)
        try:
            numbers = checks.parse_json(metadata["preparation"])
            values, probabilities = zip(*numbers.pop("noise"), strict=True)
            arrays = {name: tensors.get(f"preparation.{name}") for name in ARRAYS}
            preparation = Preparation(noise=Categorical(values, probabilities), **arrays, **numbers)
            model = metadata.get("model") or LinearTransformer.restored(tensors, metadata)
            return cls(model, preparation, checks.parse_json(metadata["guard"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} holds no InContextRegressor: {error}") from error

    def _unguarded(self, x, y):
        """The weights of prepared tasks of one length -> (B, d)"""
        if self._frozen is None:
            return opponent(self.model, self.preparation, x, y)
        return self._frozen.implicit_weight(second_moments(x, y))

    def _check_features(self, x):
        if x.shape[1] != self.preparation.dim:
            raise ValueError(
                f"x has {x.shape[1]} features: it must have those of the preparation, {self.preparation.dim}."
            )
