"""The models of one feature that the points lab and the running example read: `python tools/one_feature.py` trains them, in a minute.

They are what `python -m lt_helpers train` makes, DIAG and GD++ with four layers on U(0, 5), but for inputs of one number: a line through
points. Models and records go into lt_helpers/pretrained/one_feature, where `load_pretrained(..., folder=ONE_FEATURE)` finds them.
"""

import platform
from importlib.metadata import version

import numpy as np
import torch

from lt_helpers.noise import Uniform
from lt_helpers.pretrained import ONE_FEATURE, ModelId
from lt_helpers.task import PAPER, RegressionTask
from lt_helpers.training import eigenvalues
from lt_helpers.training.parameters import family
from lt_helpers.training.search import search, weighed
from lt_helpers.training.sweep import SAMPLES, Store

NOISE, LAYERS, SEED = Uniform(5.0), 4, 0


def train(kind):
    """One model, into the store.    kind : "diag" or "gd++" """
    task = RegressionTask(1, PAPER.context, NOISE)
    parameters = family(kind, LAYERS, task.dim)
    if kind == "gd++":
        found = eigenvalues.solve(parameters, task, SEED, {}, None)
    else:
        found = search(parameters, task, SEED)

    held_out = np.random.default_rng([SEED, 1])
    loss, error, p9999, diverged = weighed(parameters, found.theta, task, SAMPLES, held_out)
    which = ModelId(kind, LAYERS, NOISE)
    record = {
        "kind": kind,
        "layers": LAYERS,
        "noise": NOISE.key,
        "heads": 1,
        "variant": "",
        "context": task.context,
        "dim": task.dim,
        "loss": loss,
        "standard_error": error,
        "p9999": p9999,
        "diverged": diverged,
        "samples": SAMPLES,
        "start": found.start,
        "steps": found.steps,
        "skipped": found.skipped,
        "seconds": round(found.seconds, 1),
        "seed": SEED,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("lt_helpers", "numpy", "torch")},
        },
        "command": "python tools/one_feature.py",
    }
    Store(ONE_FEATURE).add(which, parameters.model(found.theta, task.context, NOISE), record)
    print(f"{which.label}: adjusted loss {loss:.5f} +- {error:.5f}, {record['seconds']} s")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for kind in ("gd++", "diag"):
        train(kind)
