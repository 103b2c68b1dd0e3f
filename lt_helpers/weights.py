"""Files of weights in the safetensors format: written whole or not at all, and read only if they are what they say.

A file is the length of its header (8 bytes, little-endian), the header (JSON), and the numbers of all tensors, one after the other:

    {"__metadata__": {"context": "20"}, "P": {"dtype": "F64", "shape": [4, 1, 11, 11], "data_offsets": [0, 3872]}, ...}

Among the metadata stand checksums: "crc32:P" of the tensor P, and "crc32" of the header itself. Files of version 0.1.0 have those of
the tensors alone, as "crc32 P"; files of other programs have none. NumPy and json do it all, so that it runs in a page too.
"""

import json
import math
import os
from contextlib import contextmanager, suppress
from zlib import crc32

import numpy as np

from . import checks

METADATA = "__metadata__"
HEADER_SUM, TENSOR_SUM, OLD_TENSOR_SUM = "crc32", "crc32:", "crc32 "
LONGEST_HEADER = 100_000_000  # bytes, as in the safetensors package
# What the format calls each type that NumPy has. It has others, such as BF16.
NUMPY_NAMES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "C64": "<c8",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|b1",
}
SIZES = {name: np.dtype(numpy_name).itemsize for name, numpy_name in NUMPY_NAMES.items()}  # bytes of a number
FORMAT_NAMES = {numpy_name: name for name, numpy_name in NUMPY_NAMES.items()}


class DamagedFile(Exception):
    """What is wrong with a file, in words that follow its name."""


def write(path, tensors, metadata=None):
    """Write tensors to a file. The same tensors and metadata give the same bytes.

    Parameters
    ----------
    path : str or Path.  An existing regular file is replaced.
    tensors : dict of str to NumPy array.
    metadata : dict of str to str, optional.

    Raises
    ------
    ValueError, TypeError
        If `path` can name no file, or a tensor has a type that the format lacks.
    OSError
        If the file cannot be written. What was there before is then unchanged.
    """
    arrays = {name: in_format(tensor, name) for name, tensor in tensors.items()}
    metadata = metadata or {}
    if not is_text(metadata) or any(map(is_checksum, metadata)):
        raise ValueError(
            f"metadata is {checks.shown(metadata)}: metadata must be a dictionary of strings, "
            "none of them named as checksums are."
        )

    # Wide types first, so that no number lies across a multiple of its own size.
    header = {}
    start = 0
    for name in sorted(arrays, key=lambda name: (-arrays[name].itemsize, name)):
        stop = start + arrays[name].nbytes
        header[name] = {
            "dtype": FORMAT_NAMES[arrays[name].dtype.str],
            "shape": list(arrays[name].shape),
            "data_offsets": [start, stop],
        }
        start = stop
    data = [arrays[name].tobytes() for name in header]

    sums = {TENSOR_SUM + name: checksum(array) for name, array in arrays.items()}
    header[METADATA] = metadata | sums
    header[METADATA][HEADER_SUM] = header_checksum(header)

    text = canonical(header)
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of 8
    with replacing(path) as partial:
        partial.write_bytes(b"".join([len(text).to_bytes(8, "little"), text, *data]))


def read(path, names=None):
    """Read tensors from a file. Only those that are asked for are read from disk.

    Parameters
    ----------
    path : str or Path.
    names : list of str, optional.  All tensors by default.

    Returns
    -------
    tensors : dict of str to NumPy array.
    metadata : dict of str to str, without the checksums.

    Raises
    ------
    ValueError
        If there is no such file, if it is damaged, or if a tensor has a type that NumPy lacks.
    """
    path = checks.path(path)
    try:
        if not path.is_file():
            raise ValueError(f"there is no weights file {path}.")
        with path.open("rb") as file:
            entries, metadata, start = read_header(file)
            chosen = entries if names is None else names
            tensors = {name: read_tensor(file, start, entries, metadata, name) for name in chosen}
    except OSError as error:
        raise ValueError(f"the weights file {path} cannot be read ({error}).") from error
    except DamagedFile as error:
        raise ValueError(f"the weights file {path} is damaged ({error}): get it anew.") from error
    return tensors, {name: text for name, text in metadata.items() if not is_checksum(name)}


@contextmanager
def replacing(path):
    """A path to write to, which then takes the place of `path`.

    If the writing fails, OSError says so, what was there before stays, and nothing else is left.
    """
    path = checks.writable_file(path)
    partial = checks.writable_file(path.with_name(path.name + ".partial"))
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise OSError(f"could not write {path} ({error}): what was there before is unchanged.") from error
    finally:
        with suppress(OSError):  # it is not there if all went well
            partial.unlink()


def checksum(tensor):
    """The checksum of an array's type, shape and bytes, as eight hexadecimal digits."""
    what = f"{tensor.dtype.str} {tensor.shape}"
    return f"{crc32(tensor.tobytes(), crc32(what.encode())):08x}"


def in_format(tensor, name):
    """A tensor as the format stores it: rows one after the other, lowest byte of each number first."""
    array = np.asarray(tensor, order="C")
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    if not isinstance(name, str) or name == METADATA:
        raise ValueError(f"a tensor is named {checks.shown(name)}: its name must be another string.")
    if array.dtype.str not in FORMAT_NAMES:
        raise TypeError(
            f"{name} has dtype {array.dtype}: {name} must have one of {', '.join(sorted(NUMPY_NAMES))}."
        )
    return array


def canonical(header):
    """The one text of a header, whatever order it was filled in -> bytes."""
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()


def header_checksum(header):
    """The checksum of a header, of all but this checksum itself."""
    others = {name: text for name, text in header[METADATA].items() if name != HEADER_SUM}
    return f"{crc32(canonical(header | {METADATA: others})):08x}"


def is_checksum(name):
    """Whether an entry of the metadata is one of ours."""
    return name == HEADER_SUM or name.startswith((TENSOR_SUM, OLD_TENSOR_SUM))


def read_header(file):
    """The header of an open file, looked over -> entries of the tensors, metadata, where the numbers begin."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > min(size - 8, LONGEST_HEADER):
        raise DamagedFile(f"it has {size:,} bytes, and its header would have {length:,}")
    try:
        header = checks.parse_json(file.read(length).decode(), object_pairs_hook=without_repetition)
    except ValueError as error:
        raise DamagedFile(f"its header is no JSON: {error}") from error
    if not isinstance(header, dict):
        raise DamagedFile("its header names no tensors")

    metadata = {} if header.get(METADATA) is None else header[METADATA]
    if not is_text(metadata):
        raise DamagedFile("its metadata are not all text")
    entries = {name: entry for name, entry in header.items() if name != METADATA}
    check_layout(entries, size - 8 - length)

    # Whoever wrote checksums in the present form wrote one of the header too.
    if any(name == HEADER_SUM or name.startswith(TENSOR_SUM) for name in metadata) and (
        metadata.get(HEADER_SUM) != header_checksum(header)
    ):
        raise DamagedFile("its header is not what was written")
    return entries, metadata, 8 + length


def without_repetition(pairs):
    """A JSON object as a dictionary. json would silently keep the last of two entries of one name."""
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("a name stands twice in it")
    return entries


def check_layout(entries, size):
    """DamagedFile, unless the entries describe tensors that fill `size` bytes: none left over, none shared."""
    for name, entry in entries.items():
        if not is_entry(entry):
            raise DamagedFile(f"{checks.shown(name)} is not described by dtype, shape and data_offsets")

    end = 0
    for name in sorted(entries, key=lambda name: entries[name]["data_offsets"]):
        start, stop = entries[name]["data_offsets"]
        if start != end or stop < start:
            raise DamagedFile(f"the bytes of {checks.shown(name)} do not follow those before them")
        kind, shape = entries[name]["dtype"], entries[name]["shape"]
        if kind in NUMPY_NAMES and stop - start != math.prod(shape) * SIZES[kind]:
            raise DamagedFile(
                f"{checks.shown(name)} has {stop - start:,} bytes, which are not {checks.shown(shape)} of {kind}"
            )
        end = stop
    if end != size:
        raise DamagedFile(f"it holds {size:,} bytes of numbers, where its header describes {end:,}")


def is_text(metadata):
    """Whether metadata are a dictionary of strings."""
    return isinstance(metadata, dict) and all(
        isinstance(text, str) for pair in metadata.items() for text in pair
    )


def is_entry(entry):
    """Whether part of a header has the form of a tensor's entry."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        return False
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not (isinstance(kind, str) and isinstance(shape, list) and isinstance(offsets, list)):
        return False
    numbers = shape + offsets
    whole = all(type(number) is int for number in numbers)  # true and 8.0 are none
    return whole and all(0 <= number < 2**63 for number in numbers) and len(shape) <= 32 and len(offsets) == 2


def read_tensor(file, start, entries, metadata, name):
    """One tensor of an open file whose numbers begin at `start`, if it is what was written."""
    if name not in entries:
        raise DamagedFile(f"it holds no tensor {checks.shown(name)}")
    entry = entries[name]
    if entry["dtype"] not in NUMPY_NAMES:
        raise ValueError(
            f"the weights file {file.name} holds {name} as {checks.shown(entry['dtype'])}, which NumPy lacks: "
            "save it as F32 or F64."
        )

    first, stop = entry["data_offsets"]
    file.seek(start + first)
    try:
        numbers = np.frombuffer(file.read(stop - first), NUMPY_NAMES[entry["dtype"]])
        tensor = numbers.reshape(entry["shape"]).copy()  # what lies in a file's bytes cannot be written to
    except (ValueError, OverflowError) as error:
        raise DamagedFile(f"{checks.shown(name)} cannot be an array: {error}") from error

    summed = any(is_checksum(key) for key in metadata)
    prefix = TENSOR_SUM if HEADER_SUM in metadata else OLD_TENSOR_SUM
    if summed and metadata.get(prefix + name) != checksum(tensor):
        raise DamagedFile(f"{checks.shown(name)} is not what was written")
    return tensor
