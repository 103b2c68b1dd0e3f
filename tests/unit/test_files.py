"""Files that are missing, cut, edited, or cannot be written: said in one sentence, nothing half-written, nothing executed."""

import json
import os
import re
import resource
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from lt_helpers import LinearTransformer, Uniform, load_pretrained, weights
from lt_helpers.pretrained import FOLDER, ModelId, record, stored

MODEL = LinearTransformer.random("full", 3, 2, rng=np.random.default_rng(0))


@pytest.fixture
def saved(tmp_path):
    MODEL.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("part", range(4))
def test_of_ten_thousand_edits_none_is_read_wrongly(tmp_path, edited, part):
    """In each of four parts of the file 2,500 edits, one at a time: a flipped bit, or another byte."""
    rng = np.random.default_rng(part)
    model = LinearTransformer(MODEL.P, MODEL.Q, 20, Uniform(5), 4.5, {"loss": 0.1, "start": "random 3"})
    path = tmp_path / "model.safetensors"
    model.save(path)
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    for position in rng.integers(part * len(whole) // 4, (part + 1) * len(whole) // 4, 2500):
        byte = whole[position] ^ rng.choice([1 << rng.integers(8), rng.integers(1, 256)])
        try:
            with edited(path, position, byte):
                read = LinearTransformer.load(path)
        except ValueError as error:
            assert re.fullmatch(
                r"the weights file \S*model.safetensors is damaged \(.*\): get it anew\.", str(error)
            )
        else:  # the byte was of no account, such as a space of the header
            assert np.array_equal(read.P, model.P) and np.array_equal(read.Q, model.Q)
            assert read.training == model.training


WRONG_METADATA = [
    *({"context": "twenty"}, {"context": "0"}, {"noise": "loud"}, {"label_size": "-1"}, {"label_size": "nan"}),
    *({"record": "[]"}, {"record": "{"}, {"record": "[" * 100_000}),
]  # fmt: skip


@pytest.mark.parametrize("metadata", WRONG_METADATA, ids=lambda metadata: str(metadata)[:30])
def test_metadata_that_describe_no_training_are_named(tmp_path, metadata):
    weights.write(tmp_path / "x.safetensors", {"P": MODEL.P, "Q": MODEL.Q}, metadata)
    with pytest.raises(ValueError, match=r"^\S*x.safetensors holds no model: .*"):
        LinearTransformer.load(tmp_path / "x.safetensors")


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 50, 0.3, 0.9, -1])
def test_a_cut_file_is_named(saved, keep):
    whole = saved.read_bytes()
    saved.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(ValueError, match="the weights file .*model.safetensors is damaged .*: get it anew"):
        LinearTransformer.load(saved)


def test_a_file_of_the_right_format_that_holds_no_model_is_named(tmp_path):
    weights.write(tmp_path / "table.safetensors", {"P": np.zeros((2, 3)), "Q": np.zeros((2, 3))})
    with pytest.raises(ValueError, match=r"table.safetensors holds no model: P has shape \(2, 3\)"):
        LinearTransformer.load(tmp_path / "table.safetensors")


@pytest.mark.parametrize(
    "view", [lambda A: A.mT, lambda A: A[..., ::-1], np.asfortranarray], ids=["turned", "reversed", "Fortran"]
)
def test_views_of_arrays_are_written_as_they_read(tmp_path, view):
    model = LinearTransformer(view(MODEL.P), MODEL.Q)
    model.save(tmp_path / "model.safetensors")
    assert np.array_equal(LinearTransformer.load(tmp_path / "model.safetensors").P, view(MODEL.P))


def test_a_file_without_checksums_is_read(tmp_path):
    (tmp_path / "other.safetensors").write_bytes(safetensors.numpy.save({"P": MODEL.P, "Q": MODEL.Q}))
    assert np.array_equal(LinearTransformer.load(tmp_path / "other.safetensors").P, MODEL.P)


def test_the_store_has_a_checksum_for_every_model():
    with safetensors.safe_open(FOLDER / "models.safetensors", framework="numpy") as file:
        sums = set(file.metadata())
        missing = [name for name in file.keys() if not {f"crc32 {name}", f"crc32:{name}"} & sums]  # noqa: SIM118
    assert not missing, "write the store anew: make train"


GOOD = {"kind": "diag", "layers": 4, "noise": "uniform-5", "heads": 1, "variant": "", "context": 20}
WRONG = {
    "kind": ["dense", None, ["diag"], {}],
    "layers": ["4", 0, -1, 4.0, True, None, [], 10**30],
    "noise": ["loud", 5, None, ["uniform-5"], "uniform--1", "uniform-nan"],
    "heads": ["1", 0, None],
    "variant": [None, 1, ["no-omega_xy"]],
    "context": ["20", 0, None, 20.5],
}
BROKEN = [
    "{}",
    "[1]",
    '[{"kind": "diag"}]',
    "null",
    "[[]]",
    '{"a": 1}',
    "\x00",
    "",
    "7",
    '"text"',
    "\ufeff[]",
]
BROKEN += [
    "[" * 100_000,
    '[{"kind": ' * 100_000,
    '[{"kind": ' + "[" * 900 + "]" * 900 + "}]",
    "[" + "9" * 10_000 + "]",
]
BROKEN += [json.dumps([GOOD, GOOD | {name: value}]) for name, values in WRONG.items() for value in values]
BROKEN += [
    json.dumps([GOOD | {"noise": deep}]).replace('"DEEP"', "[" * 900 + "]" * 900) for deep in ("DEEP",)
]


@pytest.mark.parametrize(
    "records", BROKEN, ids=lambda text: text[-40:] if text.startswith('[{"kind": "diag"') else text[:20]
)
def test_edited_records_are_named_in_one_sentence(tmp_path, records):
    (tmp_path / "records.json").write_text(records)
    with pytest.raises(
        ValueError,
        match=r"^the records of stored models, .*records.json, are damaged .*: get the file anew\.$",
    ) as said:
        load_pretrained("diag", 4, Uniform(5), folder=tmp_path)
    assert len(str(said.value)) < 400 and "\n" not in str(said.value)


def test_records_of_nothing_are_records(tmp_path):
    (tmp_path / "records.json").write_text("[]")
    with pytest.raises(ValueError, match="no stored model"):
        load_pretrained("diag", 4, Uniform(5), folder=tmp_path)


def test_records_that_are_no_text_are_named(tmp_path):
    (tmp_path / "records.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="records.json, are damaged"):
        load_pretrained("diag", 4, Uniform(5), folder=tmp_path)


@pytest.mark.parametrize("folder", ["a file", "nothing", "x" * 300, "", "a\0b", 3, None])
def test_a_folder_of_models_that_is_none_gets_one_sentence(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a file").touch()
    for call in (load_pretrained, record):
        with pytest.raises(
            (ValueError, TypeError), match=r"^(there are no records|the records|folder is) .*\.$"
        ) as said:
            call("diag", 4, Uniform(5), folder=folder)
        assert "\n" not in str(said.value)


def test_a_stored_tensor_of_another_shape_is_named(tmp_path):
    (tmp_path / "records.json").write_text(json.dumps([record("diag", 4, Uniform(5))]))
    weights.write(tmp_path / "models.safetensors", {"diag/4/uniform-5": np.zeros((3, 11))})
    with pytest.raises(
        ValueError, match=r"models.safetensors is damaged \(diag/4/uniform-5 has shape \(3, 11\)\)"
    ):
        load_pretrained("diag", 4, Uniform(5), folder=tmp_path)


def test_a_folder_that_is_not_there_or_is_a_file_is_said(tmp_path, saved):
    for path in (tmp_path / "nowhere" / "model.safetensors", saved / "model.safetensors"):
        with pytest.raises(OSError, match="could not write .*model.safetensors .* unchanged"):
            MODEL.save(path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_read_only_folder_is_said(tmp_path, monkeypatch):
    """Root may write anywhere, so the refusal of the system is played."""

    def refused(*arguments, **more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refused)
    with pytest.raises(
        OSError,
        match=r"could not write .*model.safetensors \(.*Permission denied\): what was there before is unchanged",
    ):
        MODEL.save(tmp_path / "model.safetensors")


@pytest.fixture(
    params=["a folder", "a link", "a link to nothing", "a pipe", "a device", "a file that may only be read"]
)
def obstacle(request, tmp_path, saved, monkeypatch):
    """Something that stands where a model is to be saved. The device is played: as root a real one would be replaced."""
    path = tmp_path / "here"
    if request.param == "a folder":
        path.mkdir()
    elif request.param == "a link":
        path.symlink_to(saved)
    elif request.param == "a link to nothing":
        path.symlink_to(tmp_path / "nothing")
    elif request.param == "a pipe":
        os.mkfifo(path)
    else:
        path.write_text("keep me")
    if request.param == "a device":
        mode = stat.S_IFBLK | 0o660
        monkeypatch.setattr(Path, "lstat", lambda self: os.stat_result([mode] + 9 * [0]))
    elif request.param == "a file that may only be read":
        path.chmod(0o444)
    return path


def picture(folder):
    """All that is in a folder -> dict of names to kind, mode, and where a link leads or what a file holds."""
    return {
        path.name: (
            os.lstat(path).st_mode,
            os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None,
        )
        for path in folder.iterdir()
    }


def test_what_is_no_ordinary_file_is_never_replaced(obstacle, tmp_path):
    before = picture(tmp_path)
    with pytest.raises(
        OSError, match=r"^could not write \S*here \(.*\): what was there before is unchanged\.$"
    ):
        MODEL.save(obstacle)
    assert picture(tmp_path) == before


def test_the_file_beside_that_is_written_first_follows_no_link(tmp_path, saved):
    (tmp_path / "new.safetensors.partial").symlink_to(saved)
    before = picture(tmp_path)
    with pytest.raises(OSError, match="could not write .*new.safetensors.partial .it is a link"):
        MODEL.save(tmp_path / "new.safetensors")
    assert picture(tmp_path) == before


@pytest.mark.parametrize(
    "path", ["", "/", ".", "..", "a\0b", "\0", "x" * 300, "x" * 250, "\ud800", b"x", 3, None]
)
def test_a_path_that_can_name_no_file_gets_one_sentence(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((OSError, ValueError, TypeError), match=r"^(path is|could not write) .*\.$") as said:
        MODEL.save(path)
    assert "\n" not in str(said.value) and list(tmp_path.iterdir()) == []
    with pytest.raises(
        (ValueError, TypeError), match=r"^(path is|there is no weights file|the weights file) .*\.$"
    ):
        LinearTransformer.load(path)


WRITES = """
import resource, sys
import numpy as np
from lt_helpers import LinearTransformer, Uniform
model = LinearTransformer.random("full", 10, 60, rng=np.random.default_rng(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # as a disk with 20,000 bytes left
try:
    {write}
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(
    not hasattr(resource, "RLIMIT_FSIZE"), reason="the system has no limit on the size of files"
)
@pytest.mark.parametrize(
    "write",
    [
        "model.save('model.safetensors')",
        "from lt_helpers.pretrained import ModelId; from lt_helpers.training.sweep import Store; "
        "Store('.').add(ModelId('full', 60, Uniform(5)), model, dict(kind='full'))",
    ],
    ids=["a model", "a checkpoint"],
)
def test_a_full_disk_leaves_what_was_there(tmp_path, write):
    """(-B: Python would cut its own compiled files short as well, without a word.)"""
    MODEL.save(tmp_path / "model.safetensors")
    weights.write(tmp_path / "models.safetensors", {})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    command = [sys.executable, "-B", "-c", WRITES.format(write=write)]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1", "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert re.search(r"could not write models?.safetensors .* unchanged", done.stdout), done.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_that_may_not_be_read_is_not_called_damaged(saved, monkeypatch):
    def refused(*arguments, **more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(
        ValueError, match=r"the weights file .*model.safetensors cannot be read \(.*Permission denied\)"
    ):
        LinearTransformer.load(saved)


def test_others_may_read_a_file_that_the_system_lets_them_read(saved, tmp_path):
    (tmp_path / "plain").touch()
    assert saved.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_stored_records_are_those_of_the_stored_models():
    tensors, _ = weights.read(FOLDER / "models.safetensors")
    named = {ModelId.from_record(entry).name: entry["checksum"] for entry in stored()}
    assert named == {name: weights.checksum(tensor) for name, tensor in tensors.items()}
