"""A lab's state as a document: what goes out comes back, what is no such document is refused in a sentence, and nothing is evaluated."""

import base64
import json

import numpy as np
import pytest

from lt_helpers import load_pretrained
from lt_helpers.labs import Lab, NoiseLab
from lt_helpers.labs.document import from_text, read_document, to_text
from lt_helpers.noise import parse_noise


def test_the_document_of_a_lab_opens_it_again(lab):
    lab.controls["frequency"].value = 3.0
    lab.hold_ghost()
    lab.controls["shape"].value = "square"
    lab.controls["expected"].value = 0.5
    document = json.loads(json.dumps(lab.state()))
    assert document == {
        "lab": "wave",
        "version": 1,
        "values": {"shape": "square", "frequency": 3.0, "cycles": 1, "noisy": False, "seed": 1},
        "predictions": {"expected": 0.5},
        "ghost": {"shape": "sine", "cycles": 2},
        "beat": None,
        "panels": None,
    }
    again = type(lab).from_state(document)
    assert again.values == lab.values and again.ghost == lab.ghost and again.figure == lab.figure


def test_missing_keys_take_their_defaults(lab):
    assert type(lab).from_state({"lab": "wave"}).values == lab.values


def test_a_beat_is_kept(lab):
    opened = type(lab).from_state({"lab": "wave", "beat": 2, "panels": ["peak"]})
    assert opened.beat == 2 and opened.state()["beat"] == 2 and opened.state()["panels"] == ["peak"]


def test_the_base_class_knows_every_lab(lab):
    assert type(Lab.from_state({"lab": "noise", "values": {"sigma": 2.0}})) is NoiseLab


def test_the_text_form_holds_what_a_link_carries_and_comes_back():
    document = {
        "lab": "noise",
        "values": {"sigma": 4.0, "noise": "categorical-1-3"},
        "panels": ["kept"],
        "é": "σ?&#/",
    }
    text = to_text(document)
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    assert from_text(text) == document


@pytest.mark.parametrize(
    "document, error, says",
    [
        ([1], TypeError, r"the state is \[1\]: it must be a dictionary"),
        ({}, ValueError, "does not say of which lab it is"),
        (
            {"lab": "noise", "colour": "red"},
            ValueError,
            "has a key 'colour': its keys are lab, version, values",
        ),
        ({"lab": "noise", "values": [1]}, TypeError, r"has values = \[1\], which is not of the kind"),
        ({"lab": "noise", "version": True}, TypeError, "has version = True"),
        ({"lab": "noise", "version": 2}, ValueError, "is of version 2: this package reads versions up to 1"),
        (
            {"lab": "noise", "panels": [1]},
            TypeError,
            r"panels is \[1\]: panels must be None, or a list of one or more",
        ),
        (
            {"lab": "noise", "panels": []},
            TypeError,
            r"panels is \[\]: panels must be None, or a list of one or more",
        ),
        ({"lab": "noise", "values": {"sigma": "x" * 5000}}, TypeError, "sigma must be a number from 0 to 8"),
        (
            {"lab": "noise", "values": {"kept_guess": 0.5}},
            ValueError,
            "has kept_guess among values: it belongs among predictions",
        ),
        (
            {"lab": "noise", "predictions": {"sigma": 2.0}},
            ValueError,
            "has sigma among predictions: it belongs among values",
        ),
        ({"lab": "pony"}, ValueError, "the state is of a lab 'pony': there are"),
        ({"lab": "noise", "values": {"speed": 1}}, TypeError, "NoiseLab has no control 'speed'"),
        (
            {"lab": "noise", "values": {"sigma": "__import__('os')"}},
            TypeError,
            "sigma must be a number from 0 to 8",
        ),
        ({"lab": "noise", "values": {"sigma": 99}}, ValueError, "sigma is 99: sigma must be from 0 to 8"),
        ({"lab": "noise", "ghost": {"sigma": 99}}, ValueError, "sigma is 99: sigma must be from 0 to 8"),
        (
            {"lab": "noise", "values": {"kind": ["diag"]}},
            ValueError,
            "kind must be one of 'diag', 'full', 'gd",
        ),
        (
            {"lab": "noise", "panels": ["nope"]},
            ValueError,
            "NoiseLab has no panel 'nope': its panels are weight",
        ),
        ("not a state", ValueError, "the state 'not a state' is damaged: copy the whole link"),
        ("A" * 9000, ValueError, "is a text of 9000 characters: at most 8000 are read"),
        (base64.urlsafe_b64encode(b"[" * 3000).decode(), ValueError, "is damaged"),
        (base64.urlsafe_b64encode(b'{"lab": NaN}').decode(), ValueError, "is damaged"),
        (base64.urlsafe_b64encode(b"\xff\xfe").decode(), ValueError, "is damaged"),
    ],
)
def test_what_is_no_such_document_is_refused_in_one_sentence(document, error, says):
    with pytest.raises(error, match=says) as refused:
        Lab.from_state(document)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 300


def test_another_labs_document_is_refused(lab):
    with pytest.raises(ValueError, match="the state is of a lab 'noise': there are wave"):
        type(lab).from_state({"lab": "noise"})


def test_what_a_document_holds_cannot_be_changed_into_the_lab_later(lab):
    document = lab.state()
    document["values"]["frequency"] = 99
    assert lab.state()["values"]["frequency"] == 1.0


def test_a_files_path_never_travels(tmp_path):
    path = tmp_path / "secret-name.safetensors"
    load_pretrained("full", 3, parse_noise("uniform-5")).save(path)
    lab = NoiseLab(model=path, trained_on="uniform-5", sigma=3.0, ghost={"kind": "diag"})
    lab.hold_ghost()
    plain = json.dumps(lab.state())
    assert (
        "secret-name" not in plain and "secret-name" not in base64.b64decode(lab.link() + "==", "-_").decode()
    )
    opened = Lab.from_state(json.loads(plain))
    assert (
        opened.values["model"] is None and opened.values["kind"] == "diag" and opened.values["sigma"] == 3.0
    )
    assert "model in a file, which does not travel" in opened.words_now
    opened.controls["sigma"].value = 2.0
    assert "file" not in opened.words_now  # said once


def test_a_path_in_a_document_is_not_read(tmp_path):
    path = tmp_path / "model.safetensors"
    load_pretrained("full", 3, parse_noise("uniform-5")).save(path)
    opened = Lab.from_state({"lab": "noise", "values": {"model": str(path), "sigma": 3.0}})
    assert opened.values["model"] is None and "names a file, which is not read" in opened.words_now


def test_what_was_chosen_because_of_a_file_takes_its_default_without_it(tmp_path):
    """A ghost that was a learner's model, and documents that somebody has tampered with."""
    path = tmp_path / "model.safetensors"
    load_pretrained("full", 3, parse_noise("uniform-2")).save(path)
    lab = NoiseLab(sigma=3.0, ghost={"model": path, "kind": "own", "noise": "uniform-2", "layers": 3})
    opened = Lab.from_state(lab.state())
    assert (
        opened.ghost["kind"] == "diag"
        and opened.values["sigma"] == 3.0
        and "does not travel" in opened.words_now
    )
    for values in (
        {"model": True, "kind": "nope"},
        {"model": True, "layers": "x"},
        {"model": True, "kind": "own"},
    ):
        opened = Lab.from_state({"lab": "noise", "values": values})
        assert opened.values == NoiseLab().values


def test_a_lab_that_derives_from_another_opens_its_own_documents():
    class MyLab(NoiseLab):
        pass

    assert type(MyLab.from_state(MyLab(sigma=2.0).state())) is MyLab
    assert type(Lab.from_state(MyLab(sigma=2.0).state())) is NoiseLab


def test_random_documents_open_or_are_refused():
    """Any JSON: a lab, or a ValueError or TypeError with one sentence."""
    rng = np.random.default_rng(0)
    pieces = [
        None,
        True,
        0,
        -1,
        1e308,
        "",
        "diag",
        "noise",
        [],
        {},
        ["kept"],
        {"sigma": 1.0},
        {"sigma": None},
        2**70,
    ]
    keys = ["lab", "version", "values", "predictions", "ghost", "beat", "panels", "x"]
    opened = 0
    for _ in range(300):
        document = {key: pieces[rng.integers(len(pieces))] for key in keys if rng.random() < 0.4} | {
            "lab": "noise"
        }
        try:
            Lab.from_state(document)
            opened += 1
        except (ValueError, TypeError) as refused:
            assert "\n" not in str(refused)
    assert opened > 5
    assert read_document({"lab": "noise"}).version == 1
