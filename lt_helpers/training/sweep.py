"""The whole set of stored models: which they are, which start from which, and a store in which a kill at any moment leaves no model
without its own record."""

import json
import platform
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
class Recipe:
    """One model to train.

    Parameters
    ----------
    kind : {"gd++", "diag", "full"}
    layers : int
    noise : Noise
    heads : int
    held : tuple of str.  Names of omegas that stay zero (two-head DIAG only).
    """

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

    @property
    def family(self):
        """Its parameters, of `parameters`."""
        return family(self.kind, self.layers, DIM, self.heads, self.held)

    @property
    def task(self):
        """What it is trained on, a RegressionTask."""
        return RegressionTask(DIM, CONTEXT, self.noise)


def whole_set():
    """The paper's Table 1, {1, 3} and U(0, 5) with two heads, deeper models, and one ablation each -> list of Recipe"""
    first = (Uniform(5), Categorical((1, 3)))
    noises = [*first, *(noise for noise in reversed(PAPER_NOISES) if noise not in first)]
    kinds, depths = ("gd++", "diag", "full"), range(1, 8)
    recipes = [Recipe(kind, layers, noise) for noise in noises for kind in kinds for layers in depths]
    recipes += [Recipe("diag", layers, noise, heads=2) for noise in first for layers in depths]
    recipes += [Recipe(kind, layers, Uniform(5)) for kind in ("diag", "full") for layers in (8, 10, 12)]
    ablated = ("omega_xx", "omega_xy", "omega_yy")
    return recipes + [Recipe("diag", 4, Uniform(5), 2, (omega,)) for omega in ablated]


def sources(recipe, recipes):
    """What a model is started from.

    Parameters
    ----------
    recipe : Recipe
    recipes : list of Recipe.  Those that there are to start from.

    Returns
    -------
    dict of roles and Recipes
    """
    kind, layers, noise = recipe.kind, recipe.layers, recipe.noise
    wanted = {}
    if kind != "gd++" and not noise.sigma_max:
        wanted["GD++"] = Recipe("gd++", layers, noise)
    if kind == "full" or recipe.heads == 2:
        wanted["DIAG"] = Recipe("diag", layers, noise)
    if recipe.held:
        wanted["two heads"] = Recipe("diag", layers, noise, 2)
    for other in {each.noise for each in recipes}:
        if other.key == NEIGHBOUR.get(noise.key):
            wanted["neighbouring noise"] = replace(recipe, noise=other)
    found = {role: source for role, source in wanted.items() if source in recipes}

    depths = [
        each.layers for each in recipes if each.layers < layers and replace(each, layers=layers) == recipe
    ]
    return found | ({"shallower": replace(recipe, layers=max(depths))} if depths else {})


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

    def __contains__(self, recipe):
        return recipe.name in self.records

    def model(self, recipe):
        """A stored model."""
        return LinearTransformer(*self.tensors[recipe.name], context=CONTEXT)

    def add(self, recipe, model, record):
        """Write a model and its record, a dict."""
        tensor = np.stack([model.P, model.Q])
        self.tensors[recipe.name], self.records[recipe.name] = (
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


def warm_starts(recipe, models, rng):
    """Starts from other models.

    Parameters
    ----------
    recipe : Recipe
    models : dict of roles (see `sources`) and LinearTransformers.
    rng : numpy.random.Generator

    Returns
    -------
    dict of names and (L, K) arrays
    """
    parameters, starts = recipe.family, {}
    for role, model in models.items():
        if role == "shallower":
            shallower = replace(recipe, layers=model.layers).family
            starts |= deeper(parameters, shallower.read(model))
        elif role == "DIAG" and recipe.kind == "full" and recipe.noise.sigma_max:
            starts[role] = jittered(parameters.read(model), rng)
        else:
            starts[role] = parameters.read(model)
    return starts


def train_recipe(recipe, seed, models, plan=None, report=None):
    """Train one model.

    Parameters
    ----------
    recipe : Recipe
    seed : int.  The same arguments and versions give the same model.
    models : dict of roles (see `sources`) and LinearTransformers: what it starts from.
    plan, report : as in `search`.

    Returns
    -------
    model : LinearTransformer
    found : Found
    """
    torch.set_num_threads(1)
    parameters, task = recipe.family, recipe.task
    key = [seed, crc32(recipe.name.encode())]  # another stream for every recipe
    rng = np.random.default_rng(key)
    if recipe.layers == 1 and not recipe.held:
        found = Found(one_layer(parameters, task, rng), np.nan, "closed form", 0, 0, 0.0, False)
    else:
        warm = warm_starts(recipe, models, rng)
        if recipe.kind == "gd++":
            found = eigenvalues.solve(parameters, task, key, warm, report)
        elif not recipe.noise.sigma_max and models:
            found = levenberg.solve(parameters, task, key, warm, report)
        else:
            found = search(parameters, task, key, warm, plan, report)
    return parameters.model(found.theta, CONTEXT), found


def record_of(recipe, seed, found, samples=SAMPLES):
    """How a model was trained and how good it is.

    Parameters
    ----------
    recipe : Recipe
    seed : int
    found : Found
    samples : int.  Held-out sequences, the same for all recipes of a noise.

    Returns
    -------
    dict, as it stands in records.json
    """
    same = np.random.default_rng([seed, crc32(recipe.noise.key.encode())])
    loss, error, p9999, diverged = weighed(recipe.family, found.theta, recipe.task, samples, same)
    versions = {name: version(name) for name in ("lt_helpers", "numpy", "scipy", "torch")}
    return {
        "kind": recipe.kind,
        "layers": recipe.layers,
        "noise": recipe.noise.key,
        "heads": recipe.heads,
        "variant": recipe.variant,
        "context": CONTEXT,
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
    recipes,
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
    """Train the models that the store lacks, each once those that it starts from are there, and store each when it is done.

    Parameters
    ----------
    recipes : list of Recipe
    store : Store
    seed : int
    jobs : int.  Processes.
    improve : bool.  Train the stored ones again too, starting from them as well: on the held-out sequences that choose, a search never
        ends worse than it began. Where it finds nothing better, model and record stay.
    scheduler : str, optional.  Address of a Dask cluster, which then does the work.
    finished : function of (recipe, record), optional.  Called when a model is done.
    plan : as in `search`.
    samples : as in `record_of`.
    command : str.  What the records say they were made by.

    Raises
    ------
    KeyboardInterrupt
        By Ctrl-C. The models that are done are in the store.
    """
    checks.count(jobs, "jobs")
    waiting = [recipe for recipe in recipes if improve or recipe not in store]
    planned = [
        recipe for recipe in dict.fromkeys(whole_set() + recipes) if recipe in recipes or recipe in store
    ]
    with cluster(scheduler):
        while waiting:
            ready = [
                recipe for recipe in waiting if not set(sources(recipe, planned).values()) & set(waiting)
            ]
            waiting = [recipe for recipe in waiting if recipe not in ready]
            calls = []
            for recipe in ready:
                models = {role: store.model(source) for role, source in sources(recipe, planned).items()}
                if improve and recipe in store and recipe.layers > 1:
                    models["stored"] = store.model(recipe)
                calls.append(joblib.delayed(train_whole)(recipe, seed, models, plan, samples))
            for recipe, model, record in joblib.Parallel(jobs, return_as="generator_unordered")(calls):
                if record["start"] != "stored, as it came":
                    store.add(recipe, model, record | {"command": command})
                if finished:
                    finished(recipe, record)


def train_whole(recipe, seed, models, plan, samples):
    """A recipe, its model and its record. A search that was interrupted is not worth keeping: the next run trains it whole."""
    model, found = train_recipe(recipe, seed, models, plan)
    if found.interrupted:
        raise KeyboardInterrupt
    return recipe, model, record_of(recipe, seed, found, samples)


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
