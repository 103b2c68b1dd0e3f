"""The whole set of stored models: which they are, which start from which, and a store in which a kill at any moment leaves no model
without its own record."""

import json
import platform
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from zlib import crc32

import joblib
import numpy as np
import torch
from filelock import FileLock, Timeout

from .. import checks, weights
from ..model import LinearTransformer
from ..noise import PAPER_NOISES, Categorical, Noise, Uniform, parse_noise
from ..pretrained import model_name, read_records
from ..task import RegressionTask
from . import eigenvalues, levenberg
from .parameters import family
from .search import Found, deeper, jittered, one_layer, search, weighed

DIM, CONTEXT = 10, 20  # the paper's d and n
SAMPLES = 200_000  # held-out sequences for a record
NEIGHBOUR = {  # whose model each noise starts from
    **{Uniform(s).key: Uniform(s + 1).key for s in (4, 3, 2, 1)},
    **{Uniform(s).key: Uniform(s - 1).key for s in (6, 7)},
    Categorical((1, 3)).key: Uniform(3).key,
    Categorical((1, 3, 5)).key: Uniform(5).key,
}


@dataclass(frozen=True)
class Cell:
    """One model to train.  held : names of omegas that stay zero (two-head DIAG only)."""

    kind: str
    layers: int
    noise: Noise
    heads: int = 1
    held: tuple = ()

    @property
    def variant(self):
        """The name of the ablation: "no-omega_xy"; "" for none."""
        return "-".join(f"no-{name}" for name in self.held)

    @property
    def name(self):
        """The name of its tensor in the store."""
        return model_name(self.kind, self.layers, self.noise, self.heads, self.variant)


def whole_set():
    """All cells: the paper's Table 1, {1, 3} and U(0, 5) with two heads, deeper models, and one ablation each -> list of Cell."""
    first = (Uniform(5), Categorical((1, 3)))
    noises = [*first, *(noise for noise in reversed(PAPER_NOISES) if noise not in first)]
    cells = [
        Cell(kind, layers, noise)
        for noise in noises
        for kind in ("gd++", "diag", "full")
        for layers in range(1, 8)
    ]
    cells += [Cell("diag", layers, noise, heads=2) for noise in first for layers in range(1, 8)]
    cells += [Cell(kind, layers, Uniform(5)) for kind in ("diag", "full") for layers in (8, 10, 12)]
    return cells + [
        Cell("diag", 4, Uniform(5), 2, (omega,)) for omega in ("omega_xx", "omega_xy", "omega_yy")
    ]


def sources(cell, cells):
    """The cells among `cells` that `cell` starts from -> {role: Cell}."""
    shallower = [
        c
        for c in cells
        if (c.kind, c.noise, c.heads, c.held) == (cell.kind, cell.noise, cell.heads, cell.held)
    ]
    shallower = [c for c in shallower if c.layers < cell.layers]
    wanted = {
        "GD++": Cell("gd++", cell.layers, cell.noise)
        if cell.kind != "gd++" and not cell.noise.sigma_max
        else None,
        "DIAG": Cell("diag", cell.layers, cell.noise) if cell.kind == "full" or cell.heads == 2 else None,
        "two heads": Cell("diag", cell.layers, cell.noise, 2) if cell.held else None,
    }
    for noise in {c.noise for c in cells}:
        if noise.key == NEIGHBOUR.get(cell.noise.key):
            wanted["neighbouring noise"] = Cell(cell.kind, cell.layers, noise, cell.heads, cell.held)
    found = {role: source for role, source in wanted.items() if source in cells}
    return found | ({"shallower": max(shallower, key=lambda c: c.layers)} if shallower else {})


class Store:
    """models.safetensors and records.json in a folder. Each is replaced whole, the models first; a record has the checksum of its model,
    and one whose model is another by now, because a kill came between the two, does not count."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.records, self.tensors = {}, {}
        if (self.folder / "records.json").is_file():
            self.tensors, _ = weights.read(self.folder / "models.safetensors")
            for record in read_records(self.folder / "records.json"):
                name = tensor_name(record)
                if name in self.tensors and weights.checksum(self.tensors[name]) == record.get("checksum"):
                    self.records[name] = record

    def __contains__(self, cell):
        return cell.name in self.records

    def model(self, cell):
        """A stored model."""
        return LinearTransformer(*self.tensors[cell.name], context=CONTEXT)

    def add(self, cell, model, record):
        """Write a model and its record, a dict."""
        tensor = np.stack([model.P, model.Q])
        self.tensors[cell.name], self.records[cell.name] = (
            tensor,
            record | {"checksum": weights.checksum(tensor)},
        )
        known = {name: self.tensors[name] for name in sorted(self.records)}
        weights.write(self.folder / "models.safetensors", known)
        with weights.replacing(self.folder / "records.json") as partial:
            partial.write_text("[" + ",\n ".join(json.dumps(self.records[name]) for name in known) + "]\n")


@contextmanager
def alone(folder):
    """In this context no other process trains into `folder`, which is made if it is not there. ValueError if one does already."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        lock = FileLock(Path(folder) / "models.lock").acquire(timeout=0)
    except Timeout:
        raise ValueError(f"folder is {folder}: another training is at work there.") from None
    except OSError as error:
        raise ValueError(f"folder is {folder}: models cannot be kept there ({error}).") from error
    with lock:
        yield


def tensor_name(record):
    """The name of the tensor that a record describes."""
    return model_name(
        record["kind"], record["layers"], parse_noise(record["noise"]), record["heads"], record["variant"]
    )


def warm_starts(cell, parameters, models, rng):
    """Starts from other models.    parameters : of `cell`.    models : {role: LinearTransformer}.    ->  {name: theta (L, K)}"""
    starts = {}
    for role, model in models.items():
        if role == "shallower":
            starts |= deeper(
                parameters, family(cell.kind, model.layers, DIM, cell.heads, cell.held).read(model)
            )
        elif role == "DIAG" and cell.kind == "full" and cell.noise.sigma_max:
            starts[role] = jittered(parameters.read(model), rng)
        else:
            starts[role] = parameters.read(model)
    return starts


def train_cell(cell, seed, models, plan=None, report=None):
    """Train one cell.

    seed : int.    models : {role: LinearTransformer} that it starts from.    plan, report : as in `search`.
    -> LinearTransformer, Found.  The same arguments and versions give the same model.
    """
    torch.set_num_threads(1)
    checks.count(cell.layers, "layers")
    key = [seed, crc32(cell.name.encode())]  # another stream for every cell
    rng = np.random.default_rng(key)
    parameters, task = (
        family(cell.kind, cell.layers, DIM, cell.heads, cell.held),
        RegressionTask(DIM, CONTEXT, cell.noise),
    )
    if cell.layers == 1 and not cell.held:
        found = Found(one_layer(parameters, task, rng), np.nan, "closed form", 0, 0, 0.0, False)
    elif cell.kind == "gd++":
        found = eigenvalues.solve(parameters, task, key, warm_starts(cell, parameters, models, rng), report)
    elif not cell.noise.sigma_max and models:
        found = levenberg.solve(parameters, task, key, warm_starts(cell, parameters, models, rng), report)
    else:
        found = search(parameters, task, key, warm_starts(cell, parameters, models, rng), plan, report)
    return parameters.model(found.theta, CONTEXT), found


def record_of(cell, seed, found, samples=SAMPLES):
    """How a cell was trained and how good it is, on `samples` held-out sequences, the same for all cells of a noise -> dict."""
    parameters, task = (
        family(cell.kind, cell.layers, DIM, cell.heads, cell.held),
        RegressionTask(DIM, CONTEXT, cell.noise),
    )
    same = np.random.default_rng([seed, crc32(cell.noise.key.encode())])
    loss, error, p9999, diverged = weighed(parameters, found.theta, task, samples, same)
    record = {
        "kind": cell.kind,
        "layers": cell.layers,
        "noise": cell.noise.key,
        "heads": cell.heads,
        "variant": cell.variant,
    }
    record |= {
        "context": CONTEXT,
        "loss": loss,
        "standard_error": error,
        "p9999": p9999,
        "diverged": diverged,
        "samples": samples,
    }
    record |= {
        "start": found.start,
        "steps": found.steps,
        "skipped": found.skipped,
        "seconds": round(found.seconds, 1),
        "seed": seed,
    }
    versions = {name: version(name) for name in ("lt_helpers", "numpy", "scipy", "torch")}
    return record | {"versions": {"python": platform.python_version(), **versions}}


def sweep(
    cells,
    store,
    seed=0,
    jobs=1,
    improve=False,
    scheduler=None,
    finished=None,
    plan=None,
    samples=SAMPLES,
    command="",
):
    """Train the cells that the store lacks, each once those that it starts from are there, and store each when it is done.

    cells : list of Cell.    store : Store.    jobs : processes.    improve : train the stored ones again too, starting from
    them as well: on the held-out sequences that choose, a search never ends worse than it began. Where it finds nothing better, model
    and record stay.    scheduler : address of a Dask cluster, which then does the work.    finished : function of (cell, record), called
    when a cell is done.    plan : as in `search`.    samples : as in `record_of`.    command : what the records say they were made by.
    Ctrl-C stops it (KeyboardInterrupt); the cells that are done are in the store.
    """
    checks.count(jobs, "jobs")
    waiting = [cell for cell in cells if improve or cell not in store]
    planned = [cell for cell in dict.fromkeys(whole_set() + cells) if cell in cells or cell in store]
    with cluster(scheduler):
        while waiting:
            ready = [cell for cell in waiting if not set(sources(cell, planned).values()) & set(waiting)]
            waiting = [cell for cell in waiting if cell not in ready]
            calls = []
            for cell in ready:
                models = {role: store.model(source) for role, source in sources(cell, planned).items()}
                if improve and cell in store and cell.layers > 1:
                    models["stored"] = store.model(cell)
                calls.append(joblib.delayed(trained)(cell, seed, models, plan, samples))
            for cell, model, record in joblib.Parallel(jobs, return_as="generator_unordered")(calls):
                if record["start"] != "stored, as it came":
                    store.add(cell, model, record | {"command": command})
                if finished:
                    finished(cell, record)


def trained(cell, seed, models, plan, samples):
    """A cell, its model and its record. One that was interrupted is not worth keeping: the next run trains it whole."""
    model, found = train_cell(cell, seed, models, plan)
    if found.interrupted:
        raise KeyboardInterrupt
    return cell, model, record_of(cell, seed, found, samples)


@contextmanager
def cluster(scheduler):
    """Where joblib works in this context: on this machine, or on the Dask cluster at the address `scheduler`."""
    if scheduler is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError:
        raise ValueError("scheduler needs Dask: pip install distributed, here and on the cluster.") from None

    try:
        client = Client(scheduler)
    except (OSError, ValueError) as error:
        raise ValueError(f"scheduler is {scheduler!r}: no Dask cluster answers there ({error}).") from error
    with client, joblib.parallel_config(backend="dask"):
        yield
