"""`python -m lt_helpers train`: what it trains, what it refuses in a sentence, and what Ctrl-C leaves."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from lt_helpers import Categorical, LinearTransformer, RegressionTask, Uniform, adjusted_loss
from lt_helpers.__main__ import main
from lt_helpers.training import command

pytestmark = pytest.mark.slow

WORKED = 3  # seconds of a processor, of which the imports take two
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
            r"could not write nowhere/model.safetensors \(there is no folder nowhere\)",
        ),
        ([*ONE, "--out", "."], r"out is PosixPath\('\.'\): out must name a file"),
        ([*ONE, "--jobs", "0"], "--jobs goes with --all"),
        ([*ONE, "--improve"], "--improve goes with --all"),
        (["--all", "--out", "model.safetensors"], "--out goes without --all"),
        (["--all", "--spread"], "--all and --spread name two sets of models"),
        (["--spread", "--improve"], "--improve goes with --all"),
        (["--spread", "--layers", "5"], "no model of the spread has --layers 5"),
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


@pytest.mark.parametrize("options", [["--jobs", "0"], ["--jobs=-1"], ["--out", "here"]])
def test_what_is_refused_leaves_no_folder_behind(options, tmp_path, capsys):
    assert main(["train", "--all", *ONE, *options, "--folder", str(tmp_path / "models")]) == 2
    assert "Traceback" not in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def make_link(path):
    path.symlink_to("elsewhere")


def make_read_only(path):
    path.write_text("kept")
    path.chmod(0o444)


OBSTACLES = {"a link": make_link, "a pipe": os.mkfifo, "a folder": Path.mkdir, "read-only": make_read_only}


@pytest.fixture
def untrained(monkeypatch):
    """A training that would fail if it began."""
    for module, name in ((command, "train_model"), (command, "sweep")):
        monkeypatch.setattr(module, name, lambda *arguments, **more: pytest.fail("it has begun"))


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_place_where_no_file_can_be_written_is_refused_before_it_trains(
    obstacle, tmp_path, untrained, capsys
):
    place = tmp_path / "model.safetensors"
    OBSTACLES[obstacle](place)
    before = place.lstat()
    assert main(["train", *ONE, "--out", str(place)]) == 2
    assert re.search(r"could not write .*model.safetensors \(.+\): what was there", capsys.readouterr().err)
    assert place.lstat() == before


@pytest.mark.parametrize("name", ["models.safetensors", "records.json", "models.lock"])
@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_folder_where_models_cannot_be_kept_is_refused_before_it_trains(
    name, obstacle, tmp_path, untrained, capsys
):
    OBSTACLES[obstacle](tmp_path / name)
    assert main(["train", "--all", *ONE, "--folder", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert re.search(rf"folder is .*: models cannot be kept there \(could not write .*{name} \(", said)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_name_that_is_too_long_while_it_is_written_is_refused_before_it_trains(tmp_path, untrained, capsys):
    assert main(["train", *ONE, "--out", str(tmp_path / (250 * "m"))]) == 2
    assert "File name too long" in capsys.readouterr().err


def test_a_single_model_keeps_its_noise_and_its_record(tmp_path):
    place = tmp_path / "model.safetensors"
    assert (
        main(["train", "--kind", "diag", "--layers", "1", "--noise", "categorical:1,3", "--out", str(place)])
        == 0
    )
    model = LinearTransformer.load(place)
    assert (
        model.noise == Categorical((1, 3))
        and model.context == 20
        and model.record["start"].startswith("random")
    )
    task = RegressionTask(10, 20, Categorical((1, 3)))
    loss, error = adjusted_loss(model, task, 20_000, np.random.default_rng(0))
    assert model.record["loss"] == pytest.approx(loss, abs=5 * error)


def hear_ctrl_c():
    """A process that is started in the background, as by `make test &`, ignores Ctrl-C, and so would what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def started(folder, said, *options):
    """`python -m lt_helpers train` in a process of its own, which ends with this context at the latest."""
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1", "PATH": ""}
    words = [sys.executable, "-m", "lt_helpers", "train", *options]
    with subprocess.Popen(
        words, cwd=folder, env=environment, stdout=said, stderr=said, preexec_fn=hear_ctrl_c
    ) as process:
        yield process
        process.kill()


def interrupted(folder, number, jobs, *options):
    """A signal once the search is under way -> exit status, what was said."""
    with open(folder / "said", "w+") as said, started(folder, said, *options) as process:
        while process.poll() is None and not is_under_way(process, jobs, (folder / "said").read_text()):
            time.sleep(0.1)
        process.send_signal(number)
        status = process.wait(60)
        return status, (folder / "said").read_text()


def is_under_way(process, jobs, said):
    """Whether it has said how far it is, and has computed for longer than the imports take, by itself or in a worker."""
    itself = psutil.Process(process.pid)
    workers = itself.children(recursive=True) if jobs > 1 else [itself]
    return "/" in said and any(worker.cpu_times().user > WORKED for worker in workers)


SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])


@SIGNALS
def test_what_ends_it_keeps_the_best_so_far_of_a_single_model(tmp_path, number):
    status, said = interrupted(tmp_path, number, 1, *ONE)
    assert status == 130 and "(interrupted: the best so far)" in said and "Traceback" not in said
    model = LinearTransformer.load(tmp_path / "model.safetensors")
    task = RegressionTask(10, 20, Uniform(5))
    assert adjusted_loss(model, task, 10_000, np.random.default_rng(0))[0] < 0.9  # one layer's


@SIGNALS
@pytest.mark.parametrize("jobs", [1, 2])
def test_what_ends_a_sweep_lets_it_go_on(tmp_path, jobs, number):
    status, said = interrupted(tmp_path, number, jobs, "--all", *ONE, "--jobs", str(jobs))
    assert status == 130 and "interrupted: 0 of 5 are done and kept in models" in said
    assert "Traceback" not in said and not (tmp_path / "models" / "records.json").exists()


@pytest.mark.skipif(
    not Path("/proc/self/maps").exists(), reason="what a process has imported is told by Linux"
)
@pytest.mark.parametrize("library", ["_multiarray_umath", "libtorch_cpu"])
def test_ctrl_c_during_the_imports_ends_it_without_a_word(tmp_path, library):
    with open(tmp_path / "said", "w+") as said, started(tmp_path, said, *ONE) as process:
        while library not in Path(f"/proc/{process.pid}/maps").read_text():
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in (
            -signal.SIGINT,
            130,
        )  # by the signal, or by the command that had it just then
    assert "Traceback" not in (tmp_path / "said").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["said"]


@pytest.mark.parametrize("words", [["train", "--help"], ["doctor"]])
def test_where_nobody_reads_on_it_ends_without_a_word(tmp_path, words):
    """As in `... | head`: the other end of the pipe is closed before it is written to."""
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-m", "lt_helpers", *words]
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert (
        done.returncode in (0, 141) and done.stderr == ""
    )  # argparse lets it pass where nothing is buffered
