"""Files that are missing, cut, edited, or cannot be written: said in one sentence, nothing half-written, nothing executed."""

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lt_helpers import LinearTransformer, Uniform, load_pretrained, weights
from lt_helpers.noise import parse_noise
from lt_helpers.pretrained import FOLDER, model_name, record, stored

MODEL = LinearTransformer.random("full", 3, 2, rng=np.random.default_rng(0))


@pytest.fixture
def saved(tmp_path):
    MODEL.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("place", range(8))
def test_no_edit_of_a_byte_goes_unnoticed(saved, place):
    """Each eighth of the file has some of its bytes changed, one at a time: in the header, the names, the shapes and the numbers."""
    whole = saved.read_bytes()
    for position in np.linspace(place * len(whole) // 8, (place + 1) * len(whole) // 8 - 1, 25).astype(int):
        saved.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        try:
            model = LinearTransformer.load(saved)
        except ValueError as error:
            assert "model.safetensors" in str(error)
        else:  # the byte was of no account, such as a space of the header
            assert np.array_equal(model.P, MODEL.P) and np.array_equal(model.Q, MODEL.Q)


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
    (tmp_path / "other.safetensors").write_bytes(weights.save({"P": MODEL.P, "Q": MODEL.Q}))
    assert np.array_equal(LinearTransformer.load(tmp_path / "other.safetensors").P, MODEL.P)


def test_the_store_has_a_checksum_for_every_model():
    with weights.safe_open(FOLDER / "models.safetensors", framework="numpy") as file:
        names = file.keys()
        assert {weights.SUM + name for name in names} <= set(file.metadata()), (
            "write the store anew: make train"
        )


@pytest.mark.parametrize("records", ["{}", "[1]", '[{"kind": "diag"}]', "null", "[[]]", '{"a": 1}', "\x00"])
def test_edited_records_are_named(tmp_path, records):
    (tmp_path / "records.json").write_text(records)
    with pytest.raises(ValueError, match="records.*records.json|no stored model"):
        load_pretrained("diag", 4, Uniform(5), folder=tmp_path)


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
        "from lt_helpers.training.sweep import Recipe, Store; Store('.').add(Recipe('full', 60, Uniform(5)), model, dict(kind='full'))",
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

    monkeypatch.setattr(weights, "safe_open", refused)
    with pytest.raises(
        ValueError, match=r"the weights file .*model.safetensors cannot be read \(.*Permission denied\)"
    ):
        LinearTransformer.load(saved)


def test_others_may_read_a_file_that_the_system_lets_them_read(saved, tmp_path):
    (tmp_path / "plain").touch()
    assert saved.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_stored_records_are_those_of_the_stored_models():
    tensors, _ = weights.read(FOLDER / "models.safetensors")
    named = {
        model_name(e["kind"], e["layers"], parse_noise(e["noise"]), e["heads"], e["variant"]): e["checksum"]
        for e in stored()
    }
    assert named == {name: weights.checksum(tensor) for name, tensor in tensors.items()}
