"""Files of weights: safetensors, written whole or not at all, and read only if they are what they say."""

from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file


def write(path, tensors, metadata=None):
    """Write a dictionary of NumPy arrays, and one of strings beside them, to the file `path`."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    save_file(tensors, partial, metadata)
    partial.replace(path)


def read(path, names=None):
    """Read tensors, all or those in `names` -> dictionary of arrays, dictionary of metadata. Only what is asked for is read from disk."""
    if not Path(path).is_file():
        raise ValueError(f"there is no weights file {path}.")
    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in (file.keys() if names is None else names)}
            return tensors, file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"the weights file {path} is damaged ({error}): get it anew.") from error
