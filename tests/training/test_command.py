"""`python -m lt_helpers train`: what it trains, what it refuses in a sentence, and what Ctrl-C leaves."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lt_helpers import LinearTransformer, RegressionTask, Uniform, adjusted_loss
from lt_helpers.__main__ import main

ONE = ["--kind", "diag", "--layers", "4", "--noise", "uniform:5"]


@pytest.mark.parametrize(
    "options, sentence",
    [
        (
            ["--kind", "diag"],
            "train needs --kind, --layers and --noise for one model, or --all for the stored set",
        ),
        ([*ONE, "--layers", "0"], "layers is 0: layers must be a whole number from 1"),
        (
            [*ONE, "--out", "nowhere/model.safetensors"],
            "out is nowhere/model.safetensors: no file can be written there",
        ),
        ([*ONE, "--out", "."], r"out is \.: no file can be written there"),
        ([*ONE, "--jobs", "0"], "--jobs goes with --all"),
        ([*ONE, "--improve"], "--improve goes with --all"),
        (["--all", "--out", "model.safetensors"], "--out goes without --all"),
        (["--all", "--noise", "uniform:2.5"], "no model of the stored set has --noise uniform-2.5"),
        (["--all", "--folder", "file"], r"folder is file: models cannot be kept there \(.*exists"),
        (["--all", "--jobs", "0"], "jobs is 0: jobs must be a whole number from 1"),
    ],
)
def test_what_it_cannot_do_is_said_before_it_begins(options, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert main(["train", *options]) == 2
    assert re.search(f"train: {sentence}", capsys.readouterr().err)


@pytest.mark.parametrize(
    "option, sentence",
    [
        ("--noise=foo", "noise is 'foo': noise must look like"),
        ("--seed=-1", "seed is '-1': seed must be a whole"),
    ],
)
def test_a_word_that_is_no_value_is_answered_with_what_is(option, sentence, capsys):
    with pytest.raises(SystemExit):
        main(["train", *ONE, option])
    assert sentence in capsys.readouterr().err


def test_a_part_of_the_set_is_trained_and_its_records_say_how(tmp_path):
    options = ["--all", "--kind", "full", "--layers", "1", "--noise", "uniform:5", "--seed", "3"]
    assert main(["train", *options, "--folder", str(tmp_path)]) == 0
    (record,) = json.loads((tmp_path / "records.json").read_text())
    assert (
        record["command"]
        == "python -m lt_helpers train --all --kind full --layers 1 --noise uniform-5 --seed 3"
    )


def interrupted(folder, *options):
    """Ctrl-C once the search has taken some steps -> exit status, what was said."""
    command = [sys.executable, "-m", "lt_helpers", "train", *options]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1", "PATH": ""}
    with open(folder / "said", "w+") as said:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
        while process.poll() is None and not (folder / "said").read_text().count("/"):
            time.sleep(0.1)
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        status = process.wait(60)
        return status, (folder / "said").read_text()


def test_ctrl_c_keeps_the_best_so_far_of_a_single_model(tmp_path):
    status, said = interrupted(tmp_path, *ONE)
    assert status == 130 and "(interrupted: the best so far)" in said and "Traceback" not in said
    model = LinearTransformer.load(tmp_path / "model.safetensors")
    assert (
        adjusted_loss(model, RegressionTask(10, 20, Uniform(5)), 10_000, np.random.default_rng(0))[0] < 0.9
    )  # one layer's


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_stops_a_sweep_which_then_goes_on(tmp_path, jobs):
    status, said = interrupted(tmp_path, "--all", *ONE, "--jobs", jobs)
    assert (
        status == 130
        and "interrupted: 0 of 5 are done and kept in models" in said
        and "Traceback" not in said
    )
    assert not (tmp_path / "models" / "records.json").exists()
