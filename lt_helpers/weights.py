"""Files of weights: safetensors with a checksum of each tensor, written whole or not at all, and read only if they are what they say."""

from contextlib import contextmanager, suppress
from zlib import crc32

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from . import checks

SUM = "crc32 "  # what the keys of checksums begin with, among the metadata


def write(path, tensors, metadata=None):
    """Write a dictionary of NumPy arrays, and one of strings beside them, to the file `path`. OSError, and no change, if it cannot be."""
    tensors = {
        name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()
    }  # the format knows no strides
    sums = {SUM + name: checksum(tensor) for name, tensor in tensors.items()}
    with replacing(path) as partial:
        partial.write_bytes(save(tensors, (metadata or {}) | sums))


def read(path, names=None):
    """Read tensors, all or those in `names` -> dictionary of arrays, dictionary of metadata. Only what is asked for is read from disk."""
    if not checks.path(path).is_file():
        raise ValueError(f"there is no weights file {path}.")
    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in (file.keys() if names is None else names)}
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"the weights file {path} is damaged ({error}): get it anew.") from error
    except OSError as error:
        raise ValueError(f"the weights file {path} cannot be read ({error}).") from error
    for name, tensor in tensors.items():
        if metadata.get(SUM + name, checksum(tensor)) != checksum(tensor):
            raise ValueError(
                f"the weights file {path} is damaged ({name} is not what was written): get it anew."
            )
    return tensors, {key: value for key, value in metadata.items() if not key.startswith(SUM)}


@contextmanager
def replacing(path):
    """A path to write to, which then takes the place of `path`; if the writing fails, what was there stays, and nothing else is left."""
    path = checks.path(path)
    partial = path.with_name(path.name + ".partial")
    try:
        yield partial
        partial.replace(path)
    except (SafetensorError, OSError) as error:
        raise OSError(f"could not write {path} ({error}): what was there before is unchanged.") from error
    finally:
        with suppress(OSError):  # it is not there if all went well
            partial.unlink()


def checksum(tensor):
    """Of an array's type, shape and bytes."""
    return f"{crc32(tensor.tobytes(), crc32(f'{tensor.dtype.str} {tensor.shape}'.encode())):08x}"
