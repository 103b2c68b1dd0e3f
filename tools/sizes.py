"""The models of notebook 15: `python tools/sizes.py` trains them, in five minutes of one core; with names, those alone.

DIAG and FULL with seven layers on U(0, 5), each from the stored model of n = 20: on sequences of six lengths, read in several ways
(lt_helpers/lengths.py), and on inputs whose neighbours are alike. Each goes into a file of its own, with its record, in
lt_helpers/pretrained/sizes, where `LinearTransformer.load(SIZES / "diag-7-means.safetensors")` finds it. They are no part of Table 1.
"""

import sys
from dataclasses import replace

import lt_helpers as lt
from lt_helpers.lengths import LENGTHS, READINGS, MixedLengths, correlated
from lt_helpers.pretrained import SIZES
from lt_helpers.task import PAPER
from lt_helpers.training.parameters import family
from lt_helpers.training.plans import Stage
from lt_helpers.training.train import search_for

NOISE, LAYERS = lt.Uniform(5.0), 7
HOWS = dict.fromkeys(("diag", "full"), (*READINGS, "correlated"))
ALIKE = 0.9  # the correlation of neighbours
SHORTER = 0.25  # of the steps at the start, where moments are larger: sums of 80 examples, and inputs with eigenvalues up to 7
FEW_STEPS = (Stage(1, 1_000, 256, 0.006),)  # for FULL, which begins near a minimum


def names():
    """All that are stored: "diag-7-means", ..."""
    return [f"{kind}-{LAYERS}-{how}" for kind, hows in HOWS.items() for how in hows]


def start(kind, how):
    """The stored model of n = 20, with shorter steps where DIAG would explode."""
    model = lt.load_pretrained(kind, LAYERS, NOISE)
    if kind == "diag" and how in ("sums", "correlated"):
        return lt.LinearTransformer(SHORTER * model.P, model.Q)
    return model


def fit(task, model):
    """A model fitted to a task, from where it stands: DIAG as `lt.fit` does it, FULL in fewer steps."""
    if model.kind == "diag":
        return lt.fit(task, model)
    parameters = family(model.kind, LAYERS, PAPER.dim)
    plan = replace(parameters.plan(NOISE), restarts=0, rounds=(), head_start=0, stages=FEW_STEPS)
    return search_for(parameters, task, 0, {"stored": parameters.read(model)}, plan, True, 100_000)


def train(name):
    """One model and its record, into its file."""
    kind, _, how = name.split("-")
    if how == "correlated":
        task, told = lt.RegressionTask(*PAPER, NOISE, correlated(ALIKE)), {}
    else:
        task, told = MixedLengths(*PAPER, NOISE, reading=how), dict(lengths=list(LENGTHS), reading=how)
    found = fit(task, start(kind, how))

    record = found.record | told | dict(command=f"python tools/sizes.py {name}")
    context = None if told else PAPER.context
    model = lt.LinearTransformer(found.P, found.Q, context, NOISE, found.label_size, record)
    SIZES.mkdir(exist_ok=True)
    model.save(SIZES / f"{name}.safetensors")
    print(f"{name}: {record['loss']:.4f} +- {record['standard_error']:.4f}, {record['seconds']} s")


if __name__ == "__main__":
    wanted = sys.argv[1:] or names()
    if set(wanted) - set(names()):
        raise SystemExit(
            f"no model {', '.join(sorted(set(wanted) - set(names())))}: there are {', '.join(names())}."
        )
    for name in wanted:
        train(name)
