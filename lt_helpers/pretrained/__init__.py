"""The stored models: weights in one safetensors file, and beside it a record of how each was made (`python -m lt_helpers train`)."""

from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .. import checks, weights
from ..model import KINDS, LinearTransformer
from ..noise import Noise, check_noise, parse_noise

FOLDER = Path(__file__).parent
SPREAD = FOLDER / "spread"  # models of other seeds, each seed in a folder of its own
ONE_FEATURE = FOLDER / "one_feature"  # models for inputs of one number (tools/one_feature.py)
SIZES = FOLDER / "sizes"  # models for other lengths and other inputs (tools/sizes.py)
FOLDERS = 16  # whose records are kept in memory


@dataclass(frozen=True)
class ModelId:
    """Which model: all that tells one stored model from another.

    Parameters
    ----------
    kind : str.  "gd++", "diag" or "full".
    layers : int.
    noise : Noise.  What it was trained on.
    heads : int.
    variant : str.  "" or the name of an ablation, such as "no-omega_xy".

    Raises
    ------
    TypeError, ValueError
        If one is none of these.
    """

    kind: str
    layers: int
    noise: Noise
    heads: int = 1
    variant: str = ""

    def __post_init__(self):
        checks.one_of(self.kind, "kind", KINDS)
        object.__setattr__(self, "layers", checks.count(self.layers, "layers"))
        check_noise(self.noise)
        object.__setattr__(self, "heads", checks.count(self.heads, "heads"))
        if not isinstance(self.variant, str):
            raise TypeError(f"variant is {checks.shown(self.variant)}: variant must be a string.")
        if "/" in self.variant or self.variant.startswith("heads-"):
            raise ValueError(
                f"variant is {checks.shown(self.variant)}: variant must have no / and not begin with 'heads-', as other parts of a "
                "model's name do."
            )

    @classmethod
    def from_record(cls, record):
        """The model that a record describes.

        Parameters
        ----------
        record : dict with kind, layers, noise (its key), heads and variant.

        Returns
        -------
        which : ModelId.
        """
        noise = parse_noise(record["noise"])
        return cls(record["kind"], record["layers"], noise, record["heads"], record["variant"])

    @property
    def name(self):
        """As files write it: "diag/7/uniform-5", "diag/4/uniform-5/heads-2/no-omega_xy"."""
        parts = [self.kind, str(self.layers), self.noise.key]
        if self.heads != 1:
            parts.append(f"heads-{self.heads}")
        if self.variant:
            parts.append(self.variant)
        return "/".join(parts)

    @property
    def label(self):
        """As people write it: "DIAG-7 on U(0, 5)", "DIAG-4 on U(0, 5), 2 heads, no-omega_xy"."""
        parts = [f"{self.kind.upper()}-{self.layers} on {self.noise.label}"]
        if self.heads != 1:
            parts.append(f"{self.heads} heads")
        if self.variant:
            parts.append(self.variant)
        return ", ".join(parts)

    @property
    def family(self):
        """The same at any depth: kind, noise, heads and variant."""
        return self.kind, self.noise, self.heads, self.variant

    def __str__(self):
        more = (f", heads={self.heads}" if self.heads != 1 else "") + (
            f", variant={self.variant!r}" if self.variant else ""
        )
        return f"kind={self.kind!r}, layers={self.layers}, noise={self.noise!r}{more}"


def load_pretrained(kind, layers=None, noise=None, heads=1, variant="", folder=FOLDER):
    """A stored model, for d = 10 and trained at n = 20.

    Parameters
    ----------
    kind : str, or ModelId
        "gd++", "diag" or "full"; a ModelId says the other four at once, and none of them may stand beside it.
    layers : int.
    noise : Noise.  What it was trained on.
    heads : int.
    variant : str.  "" or the name of an ablation, such as "no-omega_xy".
    folder : str or Path, optional.  Where models.safetensors and records.json lie.

    Returns
    -------
    model : LinearTransformer
        With its noise and its record. Without noise a "diag" or "full" model may be a GD++ model, where nothing better was found:
        `origin(model.record)` says so.

    Raises
    ------
    ValueError, TypeError
        With a list of the models that are stored, if this one is not; or if a file is damaged.
    """
    which = model_id(kind, layers, noise, heads, variant)
    entry = find_record(which, folder)
    path = checks.path(folder, "folder") / "models.safetensors"
    tensors, _ = weights.read(path, [which.name])
    tensor = tensors[which.name]  # (2, L, H, D, D): P and Q
    if tensor.ndim != 5 or len(tensor) != 2:
        raise ValueError(
            f"the weights file {path} is damaged ({which.name} has shape {tensor.shape}): get it anew."
        )
    P, Q = tensor
    return LinearTransformer(P, Q, context=entry["context"], noise=which.noise, record=entry)


def spread(kind, layers=None, noise=None, heads=1, variant="", folder=SPREAD):
    """A stored model and those that the same search leads to from other seeds: what they all show is no accident of one training.

    Parameters
    ----------
    kind, layers, noise, heads, variant : as in `load_pretrained`.
    folder : str or Path, optional
        Where a folder for each seed, seed-1, seed-2, ..., holds models.safetensors and records.json. One whose name ends otherwise, such
        as seed-1-old, is none of a seed.

    Returns
    -------
    models : list of LinearTransformer
        The stored one first, then one for each seed that there is, in order, each with its record: `model.record["seed"]`,
        `model.record["loss"]` on sequences of that seed. Those of the seeds started from random weights alone
        (`python -m lt_helpers train --spread --seed 1`), the stored one from other models as well.

    Raises
    ------
    ValueError, TypeError
        As `load_pretrained` does, and if there is no such folder.
    """
    which = model_id(kind, layers, noise, heads, variant)
    models = [load_pretrained(which)]
    for seed_folder in seed_folders(folder):
        if which in stored_by_id(seed_folder):
            models.append(load_pretrained(which, folder=seed_folder))
    return models


def seed_folders(folder):
    """The folders seed-1, seed-2, ... in a folder -> list of Path, by their numbers; or a ValueError, if there is no such folder."""
    place = checks.path(folder, "folder")
    if not place.is_dir():
        raise ValueError(f"folder is {place}: there is no such folder.")
    seeds = {path: path.name.removeprefix("seed-") for path in place.glob("seed-*")}
    return sorted(
        (path for path, seed in seeds.items() if seed.isdecimal()), key=lambda path: int(seeds[path])
    )


def record(kind, layers=None, noise=None, heads=1, variant="", folder=FOLDER):
    """How a stored model was made and how good it is.

    Parameters
    ----------
    kind, layers, noise, heads, variant, folder : as in `load_pretrained`.

    Returns
    -------
    record : dict
        kind, layers, noise (its key), heads, variant, context, loss, standard_error, p9999, start, steps, seed, seconds, versions, ...
    """
    return find_record(model_id(kind, layers, noise, heads, variant), folder)


def model_id(kind, layers, noise, heads, variant):
    """The ModelId that the arguments of `load_pretrained` name."""
    if not isinstance(kind, ModelId):
        return ModelId(kind, layers, noise, heads, variant)
    if (layers, noise, heads, variant) != (None, None, 1, ""):
        raise TypeError(
            f"kind is the ModelId of {kind.label}, which says everything: layers, noise, heads and variant must not stand beside it."
        )
    return kind


def find_record(which, folder=FOLDER):
    """The record of a ModelId, or a ValueError with the models that are stored."""
    found = stored_by_id(checks.path(folder, "folder"))
    if which not in found:
        raise ValueError(f"no stored model {which}. {what_is_stored(which.noise, folder)}")
    return deepcopy(found[which])


def origin(record):
    """How the weights of a model came about.

    Parameters
    ----------
    record : dict.  Its "start" says what the search began with, and whether that was better than all that it found.

    Returns
    -------
    origin : str
        "trained"; "copied from GD++" or "copied from DIAG", where the weights of that model (DIAG's with a noise of 0.3%, that FULL
        starts with) were better than all that `steps` steps of search found; "unknown".
    """
    start = record.get("start")
    if not isinstance(start, str):
        return "unknown"
    source, comma, _ = start.partition(", as it came")
    return f"copied from {source}" if comma else "trained"


def stored(folder=FOLDER):
    """The records of all stored models -> tuple of dicts with kind, layers, noise (its key), heads, variant, loss, ..."""
    return records_at(*file_and_state(folder))


def stored_by_id(folder=FOLDER):
    """The records of all stored models -> dict of ModelId to dict."""
    return models_at(*file_and_state(folder))


def depths_by_family(folder=FOLDER):
    """The depths of all stored families -> dict of (kind, noise, heads, variant) to a list of int, ascending."""
    return depths_at(*file_and_state(folder))


def file_and_state(folder):
    """The file of a folder's records, and what changes with it: it is read again only then.

    Returns
    -------
    path : Path
    state : tuple, or None where there is no such file.
    """
    path = Path(folder) / "records.json"
    try:
        found = path.stat()
    except OSError:  # reading says what is wrong
        return path, None
    return path, (found.st_mtime_ns, found.st_size, found.st_ino)


@lru_cache(FOLDERS)
def records_at(path, state):
    """`stored`, of a file in some state."""
    return read_records(path)


@lru_cache(FOLDERS)
def models_at(path, state):
    """`stored_by_id`, of a file in some state."""
    return {ModelId.from_record(entry): entry for entry in records_at(path, state)}


@lru_cache(FOLDERS)
def depths_at(path, state):
    """`depths_by_family`, of a file in some state."""
    depths = {}
    for which in sorted(models_at(path, state), key=lambda which: which.layers):
        depths.setdefault(which.family, []).append(which.layers)
    return depths


def read_records(path):
    """The records in a file, as it is now.

    Parameters
    ----------
    path : Path.

    Returns
    -------
    records : tuple of dicts.

    Raises
    ------
    ValueError
        If there is no such file, or if it does not describe models.
    """
    try:
        entries = checks.parse_json(path.read_text(encoding="utf-8"))
        if not isinstance(entries, list):
            raise ValueError("they are no list")
        for entry in entries:
            check_record(entry)
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"there are no records of stored models, {path}: get the file anew.") from None
    except OSError as error:
        raise ValueError(f"the records of stored models, {path}, cannot be read ({error}).") from error
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"the records of stored models, {path}, are damaged ({error}): get the file anew."
        ) from error
    return tuple(entries)


def check_record(entry):
    """ValueError or TypeError, unless a record says which model it is of."""
    if not isinstance(entry, dict):
        raise ValueError("a record is no dictionary")
    missing = {"kind", "layers", "noise", "heads", "variant", "context"} - set(entry)
    if missing:
        raise ValueError(f"a record has no {min(missing)!r}")
    ModelId.from_record(entry)
    checks.count(entry["context"], "context")


def stored_layers(kind, noise, heads=1, variant="", folder=FOLDER):
    """The depths that are stored for a family of models -> list of int, ascending."""
    return list(depths_by_family(folder).get((kind, noise, heads, variant), []))


def what_is_stored(noise, folder=FOLDER):
    """One sentence on the models that are stored for a noise, or on the noises, if there are none for this one."""
    families = depths_by_family(checks.path(folder, "folder"))
    listed = []
    for kind, stored_noise, heads, variant in sorted(families, key=str):
        if stored_noise == noise:
            more = [f"heads={heads}"] if heads != 1 else []
            if variant:
                more.append(variant)
            name = kind + (f" ({', '.join(more)})" if more else "")
            listed.append(f"{name} {spans(families[kind, noise, heads, variant])}")
    if not listed:
        noises = sorted({noise.key for _, noise, _, _ in families})
        return f"Stored are models for the noises {', '.join(noises)}."
    return f"Stored for {noise!r}: {'; '.join(listed)}."


def spans(numbers):
    """Whole numbers as text: [1, 2, 3, 5] -> "1-3, 5"."""
    runs = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
