"""The stored models: weights in one safetensors file, and beside it a record of how each was made (`python -m lt_helpers train`)."""

import json
from functools import cache
from itertools import groupby
from pathlib import Path

from .. import checks, weights
from ..model import KINDS, LinearTransformer
from ..noise import known

FOLDER = Path(__file__).parent


def load_pretrained(kind, layers, noise, heads=1, variant="", folder=FOLDER):
    """A stored model, for d = 10 and trained at n = 20.

    kind : "gd++", "diag" or "full".    layers : int.    noise : Noise it was trained on.    heads : int.
    variant : str.  "" or the name of an ablation, such as "no-omega_xy".  Without noise a "diag" or "full" model may be a GD++ model:
    where nothing better was found.
    -> LinearTransformer.  ValueError, with a list of those that are stored, if this one is not, or if the file is damaged.
    """
    entry = record(kind, layers, noise, heads, variant, folder)
    name, path = model_name(kind, layers, noise, heads, variant), Path(folder) / "models.safetensors"
    tensors, _ = weights.read(path, [name])
    if tensors[name].ndim != 5 or len(tensors[name]) != 2:
        raise ValueError(
            f"the weights file {path} is damaged ({name} has shape {tensors[name].shape}): get it anew."
        )
    return LinearTransformer(*tensors[name], context=entry["context"])


def record(kind, layers, noise, heads=1, variant="", folder=FOLDER):
    """How a stored model was made and how good it is -> dict: loss, standard_error, p9999, steps, seed, seconds, versions, ..."""
    checks.one_of(kind, "kind", KINDS)
    checks.count(layers, "layers")
    checks.count(heads, "heads")
    known(noise)
    if not isinstance(variant, str):
        raise TypeError(f"variant is {checks.shown(variant)}: variant must be a string.")
    for entry in stored(checks.path(folder, "folder")):
        if (entry["kind"], entry["layers"], entry["noise"], entry["heads"], entry["variant"]) == (
            kind,
            layers,
            noise.key,
            heads,
            variant,
        ):
            return entry
    more = (f", heads={heads}" if heads != 1 else "") + (f", variant={variant!r}" if variant else "")
    raise ValueError(
        f"no stored model kind={kind!r}, layers={layers}, noise={noise!r}{more}. {what_is_stored(noise, folder)}"
    )


@cache
def stored(folder=FOLDER):
    """The records of all stored models -> tuple of dicts with kind, layers, noise (its key), heads, variant, loss, ..."""
    return read_records(Path(folder) / "records.json")


def read_records(path):
    """The records in a file, as it is now -> tuple of dicts."""
    try:
        entries = tuple(json.loads(path.read_text()))
        for entry in entries:
            if missing := {"kind", "layers", "noise", "heads", "variant", "context"} - set(entry):
                raise ValueError(f"a record has no {min(missing)!r}")
        return entries
    except FileNotFoundError:
        raise ValueError(f"there are no records of stored models, {path}: get the file anew.") from None
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"the records of stored models, {path}, are damaged ({error}): get the file anew."
        ) from error


def stored_layers(kind, noise, heads=1, variant="", folder=FOLDER):
    """The depths that are stored for a family of models -> list of int, ascending."""
    family = (kind, noise.key, heads, variant)
    return sorted(
        e["layers"] for e in stored(folder) if (e["kind"], e["noise"], e["heads"], e["variant"]) == family
    )


def model_name(kind, layers, noise, heads=1, variant=""):
    """The name of a model's tensor, (2, L, H, D, D) with P and Q, in the weights file: "diag/7/uniform-5", "diag/4/uniform-5/heads-2"."""
    return (
        f"{kind}/{layers}/{noise.key}"
        + (f"/heads-{heads}" if heads != 1 else "")
        + (f"/{variant}" if variant else "")
    )


def what_is_stored(noise, folder=FOLDER):
    """One sentence on the models that are stored for a noise, or on the noises, if there are none for this one."""
    entries = [entry for entry in stored(folder) if entry["noise"] == noise.key]
    if not entries:
        return f"Stored are models for the noises {', '.join(sorted({entry['noise'] for entry in stored(folder)}))}."
    families = {}
    for entry in entries:
        more = [f"heads={entry['heads']}"] * (entry["heads"] != 1) + [entry["variant"]] * bool(
            entry["variant"]
        )
        name = entry["kind"] + (f" ({', '.join(more)})" if more else "")
        families.setdefault(name, []).append(entry["layers"])
    return (
        f"Stored for {noise!r}: "
        + "; ".join(f"{name} {spans(layers)}" for name, layers in sorted(families.items()))
        + "."
    )


def spans(numbers):
    """[1, 2, 3, 5] -> "1-3, 5"."""
    runs = [
        [n for _, n in run] for _, run in groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])
    ]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
