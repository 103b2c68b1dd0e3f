"""The models of one feature that the points lab and the running example read: `python tools/one_feature.py` trains them, in a minute.

They are what `python -m lt_helpers train` makes, DIAG and GD++ with four layers on U(0, 5), but for inputs of one number: a line through
points. Models and records go into lt_helpers/pretrained/one_feature, where `load_pretrained(..., folder=ONE_FEATURE)` finds them.
"""

import torch

from lt_helpers.noise import Uniform
from lt_helpers.pretrained import ONE_FEATURE, ModelId
from lt_helpers.training import eigenvalues
from lt_helpers.training.search import search
from lt_helpers.training.sweep import Store, family_of, record_of, task_of

DIM, LAYERS, NOISE, SEED = 1, 4, Uniform(5.0), 0


def train(kind):
    """One model and its record, into the store.    kind : "diag" or "gd++" """
    which = ModelId(kind, LAYERS, NOISE)
    parameters, task = family_of(which, DIM), task_of(which, DIM)
    if kind == "gd++":
        found = eigenvalues.solve(parameters, task, SEED, {}, None)
    else:
        found = search(parameters, task, SEED)

    record = record_of(which, SEED, found, dim=DIM) | {"dim": DIM, "command": "python tools/one_feature.py"}
    Store(ONE_FEATURE).add(which, parameters.model(found.theta, task.context, NOISE), record)
    loss, error = record["loss"], record["standard_error"]
    print(f"{which.label}: adjusted loss {loss:.5f} +- {error:.5f}, {record['seconds']} s")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for kind in ("gd++", "diag"):
        train(kind)
