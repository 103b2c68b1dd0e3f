"""The file format, against the safetensors package and against files that lie."""

import itertools
import json
import os
import tracemalloc

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lt_helpers import checks, weights
from lt_helpers.pretrained import FOLDER

KINDS = [
    np.dtype(letters)
    for letters in ["f8", "f4", "f2", "c8", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"]
]
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
TENSORS = st.dictionaries(
    NAMES,
    st.sampled_from(KINDS).flatmap(
        lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    ),
    max_size=4,
)
METADATA = st.dictionaries(
    NAMES.filter(lambda name: not name.startswith("crc32")), st.text('aé"\n', max_size=5), min_size=1
)  # at least one: of nothing at all safetensors 0.8 makes a file that it cannot read itself


def same(ours, theirs):
    """Whether two dictionaries hold the same arrays, bit by bit (NaN included)."""
    return ours.keys() == theirs.keys() and all(
        (ours[name].dtype, ours[name].shape, ours[name].tobytes())
        == (theirs[name].dtype, theirs[name].shape, theirs[name].tobytes())
        for name in ours
    )


@settings(max_examples=100, deadline=None)
@given(TENSORS, METADATA)
def test_safetensors_reads_what_we_write(tmp_path_factory, tensors, metadata):
    path = tmp_path_factory.mktemp("ours") / "x.safetensors"
    weights.write(path, tensors, metadata)
    assert same(safetensors.numpy.load_file(path), tensors)
    with safetensors.safe_open(path, framework="numpy") as file:
        assert metadata.items() <= file.metadata().items()
    read, text = weights.read(path)
    assert same(read, tensors) and text == metadata


@settings(max_examples=100, deadline=None)
@given(TENSORS, METADATA)
def test_we_read_what_safetensors_writes(tmp_path_factory, tensors, metadata):
    path = tmp_path_factory.mktemp("theirs") / "x.safetensors"
    safetensors.numpy.save_file(tensors, path, metadata)
    read, text = weights.read(path)
    assert same(read, tensors) and text == metadata


def test_the_same_content_gives_the_same_bytes_in_any_order(tmp_path, rng):
    tensors = {name: rng.normal(size=3).astype(kind) for name, kind in zip("abc", ("f4", "f8", "f4"))}
    metadata = {"one": "1", "two": "2", "three": "3"}
    files = set()
    for i, (names, keys) in enumerate(
        itertools.product(itertools.permutations(tensors), itertools.permutations(metadata))
    ):
        path = tmp_path / f"{i}.safetensors"
        weights.write(path, {name: tensors[name] for name in names}, {key: metadata[key] for key in keys})
        files.add(path.read_bytes())
    assert len(files) == 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_of_either_byte_order_are_written(tmp_path, order, rng):
    numbers = rng.normal(size=(3, 4))
    weights.write(tmp_path / "x.safetensors", {"a": numbers.astype(f"{order}f8")})
    assert same(safetensors.numpy.load_file(tmp_path / "x.safetensors"), {"a": numbers})


@pytest.mark.parametrize("name", ["P", "Pq", "a longer name", "a name that is longer by far"])
def test_the_numbers_begin_at_a_multiple_of_eight(tmp_path, name):
    """Whatever the header's length, and with the widest first: what maps a file into memory finds each at a multiple of its size."""
    path = tmp_path / "file.safetensors"
    weights.write(
        path, {"byte": np.ones(3, np.int8), name: np.array([np.pi]), "half": np.ones(1, np.float16)}
    )
    written = path.read_bytes()
    start = 8 + int.from_bytes(written[:8], "little")
    assert start % 8 == 0 and written[start : start + 8] == np.array([np.pi]).tobytes()
    assert len(written) == start + 8 + 2 + 3


def test_what_the_format_cannot_hold_is_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "x.safetensors"
    for tensor in (np.array(["a"]), np.array([None]), np.array([1j]), np.zeros(2, np.longdouble)):
        with pytest.raises(TypeError, match=r"^P has dtype .*: P must have one of BOOL, C64, F16, .*\.$"):
            weights.write(path, {"P": tensor})
    with pytest.raises(ValueError, match="a tensor is named '__metadata__'"):
        weights.write(path, {"__metadata__": np.zeros(2)})
    for metadata in ({"context": 20}, {20: "context"}, ["context"], {"crc32": "0"}, {"crc32:P": "0"}):
        with pytest.raises(
            ValueError, match="metadata must be a dictionary of strings, none of them named as checksums are"
        ):
            weights.write(path, {"P": np.zeros(2)}, metadata)
    assert list(tmp_path.iterdir()) == []


def test_one_tensor_is_read_without_the_others(tmp_path):
    """Beside it lies a tensor of a gigabyte, of which the disk holds nothing."""
    header = {
        "small": {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]},
        "large": {"dtype": "U8", "shape": [2**30], "data_offsets": [16, 16 + 2**30]},
    }
    path = lying_file(tmp_path, header, np.array([1.0, 2.0]).tobytes())
    os.truncate(path, path.stat().st_size + 2**30)
    tracemalloc.start()
    tensors, _ = weights.read(path, ["small"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert same(tensors, {"small": np.array([1.0, 2.0])}) and peak < 1_000_000


@pytest.mark.parametrize("kind, size", [("BF16", 2), ("F8_E4M3", 1), ("F8_E5M2", 1)])
def test_types_that_numpy_lacks_are_named_and_refused(tmp_path, kind, size):
    path = lying_file(
        tmp_path,
        {"P": entry(0, 3 * size, [3], kind), "Q": entry(3 * size, 3 * size + 8)},
        bytes(3 * size + 8),
    )
    with safetensors.safe_open(path, framework="numpy") as file:
        assert file.get_slice("P").get_dtype() == kind
    with pytest.raises(
        ValueError,
        match=f"^the weights file .* holds P as '{kind}', which NumPy lacks: save it as F32 or F64.$",
    ):
        weights.read(path)
    assert same(weights.read(path, ["Q"])[0], {"Q": np.zeros(1)})


def test_every_flipped_bit_is_seen_or_of_no_account(tmp_path, edited):
    """Each bit of a whole small file: length, names, shapes, metadata, checksums and numbers."""
    path = tmp_path / "x.safetensors"
    tensors, metadata = {"P": np.array([1.0, -2.0]), "Q": np.array([[3]], np.int8)}, {"context": "20"}
    weights.write(path, tensors, metadata)
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    seen = 0
    for place, bit in itertools.product(range(len(whole)), range(8)):
        try:
            with edited(path, place, whole[place] ^ (1 << bit)):
                read, text = weights.read(path)
        except ValueError as error:
            assert str(error).endswith(".") and "\n" not in str(error)
            seen += 1
        else:
            assert same(read, tensors) and text == metadata
    assert seen > 0.9 * 8 * len(whole)


def old_file(path, tensors, metadata):
    """A file as version 0.1.0 wrote it."""
    sums = {f"crc32 {name}": weights.checksum(tensor) for name, tensor in tensors.items()}
    safetensors.numpy.save_file(tensors, path, metadata | sums)


def test_files_of_the_first_version_are_read_and_their_damage_is_seen(tmp_path, rng):
    path = tmp_path / "x.safetensors"
    tensors = {"P": rng.normal(size=(2, 3)), "Q": rng.normal(size=4)}
    old_file(path, tensors, {"context": "20"})
    read, text = weights.read(path)
    assert same(read, tensors) and text == {"context": "20"}
    whole = path.read_bytes()
    path.write_bytes(whole[:-3] + bytes([whole[-3] ^ 4]) + whole[-2:])
    with pytest.raises(ValueError, match="damaged .'Q' is not what was written.: get it anew"):
        weights.read(path)
    path.write_bytes(whole.replace(b"crc32 P", b"crc32 p"))
    with pytest.raises(ValueError, match="damaged .'P' is not what was written"):
        weights.read(path)


def test_the_store_reads_as_safetensors_reads_it():
    ours, _ = weights.read(FOLDER / "models.safetensors")
    assert same(ours, safetensors.numpy.load_file(FOLDER / "models.safetensors"))


def lying_file(folder, header, numbers=b"", length=None):
    """A file made by hand.    header : what becomes JSON, or the bytes themselves."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    length = len(text) if length is None else length
    path = folder / "lies.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + text + numbers)
    return path


def entry(start, stop, shape=(1,), dtype="F64"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


LIES = {
    "tensors that overlap": ({"P": entry(0, 8), "Q": entry(4, 12)}, bytes(12)),
    "tensors that share all": ({"P": entry(0, 8), "Q": entry(0, 8)}, bytes(8)),
    "a gap": ({"P": entry(0, 8), "Q": entry(16, 24)}, bytes(24)),
    "numbers beyond the end": ({"P": entry(0, 8), "Q": entry(8, 16)}, bytes(12)),
    "bytes after the end": ({"P": entry(0, 8)}, bytes(9)),
    "offsets turned round": ({"P": entry(8, 0)}, bytes(8)),
    "an offset below zero": ({"P": entry(-8, 0)}, bytes(8)),
    "an offset that is no whole number": ({"P": entry(0, 8.0)}, bytes(8)),
    "an offset that is true": ({"P": entry(0, True, dtype="U8")}, bytes(1)),
    "three offsets": ({"P": {**entry(0, 8), "data_offsets": [0, 4, 8]}}, bytes(8)),
    "another shape": ({"P": entry(0, 8, [2])}, bytes(8)),
    "a length below zero": ({"P": entry(0, 8, [-1, -1])}, bytes(8)),
    "an empty array of a huge shape": ({"P": entry(0, 0, [0, 2**70])}, b""),
    "offsets of a thousand digits": ({"P": entry(0, 10**1000, dtype="BF16")}, bytes(8)),
    "dimensions of a thousand digits": ({"P": entry(0, 0, [10**1000] * 30 + [0])}, b""),
    "a hundred dimensions": ({"P": entry(0, 8, [1] * 100)}, bytes(8)),
    "a type that is a number": ({"P": entry(0, 8, dtype=8)}, bytes(8)),
    "a type that nobody has": ({"P": entry(0, 8, dtype="D64")}, bytes(8)),
    "no shape": ({"P": {"dtype": "F64", "data_offsets": [0, 8]}}, bytes(8)),
    "more than an entry has": ({"P": {**entry(0, 8), "file": "/etc/passwd"}}, bytes(8)),
    "an entry that is text": ({"P": "F64"}, bytes(8)),
    "a header that is a list": ([["P", entry(0, 8)]], bytes(8)),
    "a header that is a number": (b"7", b""),
    "metadata that are no text": ({"__metadata__": {"context": 20}}, b""),
    "metadata that are a list": ({"__metadata__": ["context"]}, b""),
    "a name twice": (b'{"P": {}, "P": {}}', b""),
    "an offset twice": (
        b'{"P": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8], "data_offsets": [0, 8]}}',
        bytes(8),
    ),
    "no JSON": (b"P is nothing", b""),
    "no text": (b'{"\xff": 1}', b""),
    "text in another code": (json.dumps({"P": entry(0, 8)}).encode("utf-16"), bytes(8)),
    "lists in lists": (b"[" * 100_000, b""),
    "objects in objects": (b'{"P":' * 100_000, b""),
    "lists in lists that do end": (b'{"P":' + b"[" * 900 + b"]" * 900 + b"}", b""),
    "a number of many digits": (b'{"P": ' + b"9" * 10_000 + b"}", b""),
    "nothing": (b"", b""),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_lies_gets_one_sentence(tmp_path, lie):
    path = lying_file(tmp_path, *LIES[lie])
    with pytest.raises(
        ValueError, match=r"^the weights file \S*lies.safetensors (is damaged|holds P as) .*\.$"
    ) as said:
        weights.read(path)
    assert len(str(said.value)) < 400 + len(str(path)) and "\n" not in str(said.value)


NESTED = st.recursive(
    st.none() | st.integers() | st.text('ab"\\\\[]{}', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('a"\\\\[{', max_size=4), inner, max_size=3)
    ),
)


def depth(value):
    """How many lists and objects lie in each other at most."""
    if not isinstance(value, (list, dict)):
        return 0
    return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)


@settings(max_examples=300, deadline=None)
@given(NESTED, st.integers(0, 6), st.sampled_from([None, 1]))
def test_json_is_read_down_to_a_depth(value, deepest, indent):
    text = json.dumps(value, indent=indent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "DEEPEST", deepest)
        if depth(value) <= deepest:
            assert checks.parse_json(text) == value
        else:
            with pytest.raises(ValueError, match="nests deeper"):
                checks.parse_json(text)


@pytest.mark.parametrize("length", [1, 3, 10**6, 2**31, 2**63, 2**64 - 1])
def test_a_header_of_another_length_gets_one_sentence(tmp_path, length):
    with pytest.raises(ValueError, match="lies.safetensors is damaged .*: get it anew"):
        weights.read(lying_file(tmp_path, {"P": entry(0, 8)}, bytes(8), length))
