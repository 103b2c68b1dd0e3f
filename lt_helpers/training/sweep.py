"""The whole set of stored models: which they are, which start from which, and a store in which a kill at any moment leaves no model
without its own record."""

import json
import platform
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from zlib import crc32

import joblib
import numpy as np
import torch
from filelock import FileLock, Timeout

from .. import checks, weights
from ..model import LinearTransformer
from ..noise import PAPER_NOISES, Categorical, Uniform
from ..pretrained import ModelId, read_records
from ..task import PAPER, RegressionTask
from . import eigenvalues, levenberg
from .parameters import family
from .search import deeper, jittered, search, weighed

MODELS, RECORDS, LOCK = "models.safetensors", "records.json", "models.lock"
SAMPLES = 200_000  # held-out sequences for a record
NEIGHBOUR = {  # whose model each noise starts from
    **{Uniform(s).key: Uniform(s + 1).key for s in (2, 1)},
    **{Uniform(s).key: Uniform(s - 1).key for s in (4, 5, 6, 7)},
    Categorical((1, 3)).key: Uniform(3).key,
    Categorical((1, 3, 5)).key: Uniform(5).key,
}
# FULL with three layers: what random starts find on {1, 3}, they do not find on U(0, 3), where it is the best too.
NEIGHBOUR_OF_THREE = {
    **{noise: other for noise, other in NEIGHBOUR.items() if noise != Categorical((1, 3)).key},
    Uniform(3).key: Categorical((1, 3)).key,
}


def held(which):
    """The names of the omegas that stay zero in a model, by its variant: "no-omega_xy" holds omega_xy.    which : ModelId"""
    return tuple(which.variant.removeprefix("no-").split("-no-")) if which.variant else ()


def family_of(which, dim=PAPER.dim):
    """The parameters of the model that a ModelId names, for inputs of `dim` numbers, of `parameters`."""
    return family(which.kind, which.layers, dim, which.heads, held(which))


def task_of(which, dim=PAPER.dim):
    """What the model that a ModelId names is trained on, for inputs of `dim` numbers, a RegressionTask."""
    return RegressionTask(dim, PAPER.context, which.noise)


def whole_set():
    """The paper's Table 1; with two heads DIAG on {1, 3} and U(0, 5), and seven layers elsewhere; deeper models, and ablations.

    Returns
    -------
    list of ModelId
    """
    first = (Uniform(5), Categorical((1, 3)))
    noises = [*first, *(noise for noise in reversed(PAPER_NOISES) if noise not in first)]
    kinds, depths = ("gd++", "diag", "full"), range(1, 8)
    wanted = [ModelId(kind, layers, noise) for noise in noises for kind in kinds for layers in depths]
    wanted += [ModelId("diag", layers, noise, heads=2) for noise in first for layers in depths]
    wanted += [
        ModelId("diag", 7, noise, heads=2)
        for noise in noises[2:]
        if isinstance(noise, Uniform) and noise.sigma_max
    ]
    wanted += [ModelId("full", 7, noise, heads=2) for noise in noises if noise.sigma_max]
    wanted += [ModelId(kind, layers, Uniform(5)) for kind in ("diag", "full") for layers in (8, 10, 12)]
    ablated = ("omega_xx", "omega_xy", "omega_yy")
    return wanted + [ModelId("diag", 4, Uniform(5), 2, f"no-{omega}") for omega in ablated]


def spread_set():
    """What the texts argue from, of which models of several seeds are kept: DIAG and FULL of four and seven layers, and the ablations.

    Returns
    -------
    list of ModelId
    """
    noises = (Uniform(5), Categorical((1, 3)))
    families = [
        ("diag", 4, 1),
        ("diag", 4, 2),
        ("full", 4, 1),
        ("diag", 7, 1),
        ("diag", 7, 2),
        ("full", 7, 1),
    ]
    wanted = [ModelId(kind, layers, noise, heads) for kind, layers, heads in families for noise in noises]
    return wanted + [which for which in whole_set() if which.variant]


def sources(which, others):
    """What a model is started from.

    Parameters
    ----------
    which : ModelId
    others : list of ModelId.  Those that there are to start from.

    Returns
    -------
    dict of roles and ModelIds.  Empty for a single layer, which finds its optimum from random starts.
    """
    kind, layers, noise = which.kind, which.layers, which.noise
    if layers == 1:
        return {}
    if kind == "full" and which.heads > 1:
        one_head = replace(which, heads=1)
        return {"one head": one_head} if one_head in others else {}

    roles = {}
    if kind != "gd++" and not noise.sigma_max:
        roles["GD++"] = ModelId("gd++", layers, noise)
    if kind == "full" or which.heads == 2:
        roles["DIAG"] = ModelId("diag", layers, noise)
    if which.variant:
        roles["two heads"] = ModelId("diag", layers, noise, 2)
    neighbour = NEIGHBOUR_OF_THREE if kind == "full" and layers == 3 else NEIGHBOUR
    for other in {each.noise for each in others}:
        if other.key == neighbour.get(noise.key):
            roles["neighbouring noise"] = replace(which, noise=other)
    found = {role: source for role, source in roles.items() if source in others}
    if (
        "GD++" in found
    ):  # without noise it is nearly all there is to find, and a descent from a shallower one ends above it
        return found

    depths = [each.layers for each in others if each.family == which.family and each.layers < layers]
    return found | ({"shallower": replace(which, layers=max(depths))} if depths else {})


class Store:
    """Models and their records in a folder, models.safetensors and records.json.

    Each file is replaced whole, the models first; a record has the checksum of its model, and one whose model is another by now, because
    a kill came between the two, does not count.

    Parameters
    ----------
    folder : str or Path.  Made if it is not there.

    Attributes
    ----------
    records : dict of names and dicts
    tensors : dict of names and (2, L, H, D, D) arrays: P and Q.

    Raises
    ------
    ValueError
        In one sentence, if the files are damaged.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.records, self.tensors = {}, {}
        if (self.folder / RECORDS).is_file():
            self.tensors, _ = weights.read(self.folder / MODELS)
            for record in read_records(self.folder / RECORDS):
                name = ModelId.from_record(record).name
                if name in self.tensors and weights.checksum(self.tensors[name]) == record.get("checksum"):
                    self.records[name] = record

    def __contains__(self, which):
        return which.name in self.records

    def model(self, which):
        """A stored model.    which : ModelId  ->  LinearTransformer"""
        P, Q = self.tensors[which.name]
        return LinearTransformer(P, Q, PAPER.context, which.noise)

    def add(self, which, model, record):
        """Write a model and its record.

        Parameters
        ----------
        which : ModelId
        model : LinearTransformer
        record : dict
        """
        tensor = np.stack([model.P, model.Q])
        self.tensors[which.name] = tensor
        self.records[which.name] = record | {"checksum": weights.checksum(tensor)}
        known = {name: self.tensors[name] for name in sorted(self.records)}
        weights.write(self.folder / MODELS, known)
        with weights.replacing(self.folder / RECORDS) as partial:
            lines = ",\n ".join(json.dumps(self.records[name]) for name in known)
            partial.write_text(f"[{lines}]\n")


@contextmanager
def alone(folder):
    """In this context no other process trains into `folder`, which is made if it is not there.

    Raises
    ------
    ValueError
        In one sentence, if one does already, or if models cannot be kept there.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for name in (MODELS, RECORDS, LOCK):
            checks.writable_file(Path(folder) / name)
        lock = FileLock(Path(folder) / LOCK).acquire(timeout=0)
    except Timeout:
        raise ValueError(f"folder is {folder}: another training is at work there.") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"folder is {folder}: models cannot be kept there ({error}).") from error
    with lock:
        yield


def warm_starts(which, models, rng):
    """Starts from other models.

    Parameters
    ----------
    which : ModelId
    models : dict of roles (see `sources`) and LinearTransformers.
    rng : numpy.random.Generator

    Returns
    -------
    dict of names and (L, K) arrays
    """
    parameters, starts = family_of(which), {}
    for role, model in models.items():
        if role == "shallower":
            shallower = family_of(replace(which, layers=model.layers))
            starts |= deeper(parameters, shallower.read(model))
            # Each start of FULL costs much, and of these two one ends best far more often.
            if which.kind == "full":
                del starts["idle layer at the end"]
        elif role == "one head":
            one_head = family_of(replace(which, heads=1))
            starts[role] = parameters.with_heads(one_head.read(model), rng, which.noise)
        elif role == "DIAG" and which.kind == "full" and which.noise.sigma_max:
            starts[role] = jittered(parameters.read(model), rng)
        else:
            starts[role] = parameters.read(model)
    return starts


def train_model(which, seed, models, plan=None, report=None):
    """Train one model.

    Parameters
    ----------
    which : ModelId
    seed : int.  The same arguments and versions give the same model.
    models : dict of roles (see `sources`) and LinearTransformers: what it starts from.
    plan, report : as in `search`.

    Returns
    -------
    model : LinearTransformer
    found : Found
    """
    torch.set_num_threads(1)
    parameters, task = family_of(which), task_of(which)
    key = [seed, crc32(which.name.encode())]  # another stream for every model
    rng = np.random.default_rng(key)
    warm = warm_starts(which, models, rng)
    if which.kind == "gd++":
        found = eigenvalues.solve(parameters, task, key, warm, report)
    elif not which.noise.sigma_max and warm:
        found = levenberg.solve(parameters, task, key, warm, report)
    else:
        if "one head" in warm:
            plan = plan or parameters.widening()
        found = search(parameters, task, key, warm, plan, report)
    return parameters.model(found.theta, PAPER.context, which.noise), found


def record_of(which, seed, found, samples=SAMPLES, dim=PAPER.dim):
    """How a model was trained and how good it is.

    Parameters
    ----------
    which : ModelId
    seed : int
    found : Found
    samples : int.  Held-out sequences, the same for all models of a noise.
    dim : int.  d, of the inputs.

    Returns
    -------
    dict, as it stands in records.json
    """
    same = np.random.default_rng([seed, crc32(which.noise.key.encode())])
    parameters, task = family_of(which, dim), task_of(which, dim)
    loss, error, p9999, diverged = weighed(parameters, found.theta, task, samples, same)
    versions = {name: version(name) for name in ("lt_helpers", "numpy", "scipy", "torch")}
    return {
        "kind": which.kind,
        "layers": which.layers,
        "noise": which.noise.key,
        "heads": which.heads,
        "variant": which.variant,
        "context": PAPER.context,
        "loss": loss,
        "standard_error": error,
        "p9999": p9999,
        "diverged": diverged,
        "samples": samples,
        "start": found.start,
        "steps": found.steps,
        "skipped": found.skipped,
        "seconds": round(found.seconds, 1),
        "seed": seed,
        "versions": {"python": platform.python_version(), **versions},
    }


def sweep(
    wanted,
    store,
    seed=0,
    jobs=1,
    improve=False,
    warm=True,
    scheduler=None,
    finished=None,
    plan=None,
    samples=SAMPLES,
    command="",
):
    """Train the models that the store lacks, each once those that it starts from are there, and store each when it is done.

    Parameters
    ----------
    wanted : list of ModelId
    store : Store
    seed : int
    jobs : int.  Processes.
    improve : bool.  Train the stored ones again too, starting from them as well: on the held-out sequences that choose, a search never
        ends worse than it began. Where it finds nothing better, model and record stay.
    warm : bool.  False: each starts from random weights alone, so that models of different seeds are independent.
    scheduler : str, optional.  Address of a Dask cluster, which then does the work.
    finished : function of (ModelId, record), optional.  Called when a model is done.
    plan : as in `search`.
    samples : as in `record_of`.
    command : str.  What the records say they were made by.

    Raises
    ------
    KeyboardInterrupt
        By Ctrl-C. The models that are done are in the store.
    """
    checks.count(jobs, "jobs")
    waiting = [which for which in wanted if improve or which not in store]
    known = dict.fromkeys(whole_set() + wanted) if warm else ()
    planned = [which for which in known if which in wanted or which in store]
    with cluster(scheduler):
        while waiting:
            ready = [which for which in waiting if not set(sources(which, planned).values()) & set(waiting)]
            waiting = [which for which in waiting if which not in ready]
            calls = []
            for which in ready:
                models = {role: store.model(source) for role, source in sources(which, planned).items()}
                if improve and which in store and which.layers > 1:
                    models["stored"] = store.model(which)
                calls.append(joblib.delayed(train_whole)(which, seed, models, plan, samples))
            for which, model, record in joblib.Parallel(jobs, return_as="generator_unordered")(calls):
                if record["start"] != "stored, as it came":
                    store.add(which, model, record | {"command": command})
                if finished:
                    finished(which, record)


def train_whole(which, seed, models, plan, samples):
    """A ModelId, its model and its record. A search that was interrupted is not worth keeping: the next run trains it whole."""
    model, found = train_model(which, seed, models, plan)
    if found.interrupted:
        raise KeyboardInterrupt
    return which, model, record_of(which, seed, found, samples)


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
