"""The doctor sees each thing that it looks at go wrong, and says what to do."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import numpy as np
import psutil
import pytest

from lt_helpers import doctor, machine, pretrained, weights

MB = 2**20


@pytest.fixture
def one_model(tmp_path):
    """A folder of stored models with one good model in it."""
    entry = {
        "kind": "diag",
        "layers": 2,
        "noise": "uniform-5",
        "heads": 1,
        "variant": "",
        "context": 20,
        "loss": 0.1,
    }
    (tmp_path / "records.json").write_text(json.dumps([entry]))
    weights.write(tmp_path / "models.safetensors", {"diag/2/uniform-5": np.zeros((2, 2, 1, 11, 11))})
    return tmp_path


def test_all_is_well_here():
    assert doctor.summary(doctor.check()) == "Everything that the labs need is here."


def test_terminal_says_it_and_exits_accordingly():
    done = subprocess.run([sys.executable, "-m", "lt_helpers", "doctor"], capture_output=True, text=True)
    assert done.returncode == 0
    assert [line[:2] for line in done.stdout.splitlines()] == ["ok"] * 6


def test_exit_status_is_1_if_something_is_wrong(monkeypatch, capsys):
    monkeypatch.setattr(
        doctor,
        "check",
        lambda: [doctor.Finding("memory", "none", "Buy some."), doctor.Finding("Python", "3.11")],
    )
    assert doctor.run(None) == 1
    assert capsys.readouterr().out == "WRONG  memory: none. Buy some.\nok     Python: 3.11\n"


def test_stored_models_load(one_model):
    assert doctor.stored_models(one_model) == doctor.Finding("stored models", "1, all of them load")


@pytest.mark.parametrize(
    "spoil", ["cut", "edit", "remove weights", "remove records", "cut records", "not finite"]
)
def test_a_spoiled_file_of_models_is_found(one_model, spoil):
    path = one_model / "models.safetensors"
    whole = path.read_bytes()
    {
        "cut": lambda: path.write_bytes(whole[:-100]),
        "edit": lambda: path.write_bytes(b"\x00" * 16 + whole[16:]),
        "remove weights": path.unlink,
        "remove records": (one_model / "records.json").unlink,
        "cut records": lambda: (one_model / "records.json").write_text("[{"),
        "not finite": lambda: weights.write(path, {"diag/2/uniform-5": np.full((2, 2, 1, 11, 11), np.nan)}),
    }[spoil]()
    finding = doctor.stored_models(one_model)
    assert finding.remedy.startswith("Get the files in lt_helpers/pretrained anew")
    assert "\n" not in str(finding)


def test_an_old_package_is_named_with_the_command_that_mends_it(monkeypatch):
    here = doctor.version
    monkeypatch.setattr(doctor, "version", lambda name: "7.8.1" if name == "ipywidgets" else here(name))
    finding = doctor.packages()
    assert "ipywidgets 7.8.1" in finding.found
    assert (
        finding.remedy.startswith("python -m pip install 'ipywidgets") and "jupyterlab" not in finding.remedy
    )


def test_a_missing_package_is_named(monkeypatch):
    def version(name):
        if name == "anywidget":
            raise PackageNotFoundError(name)
        return here(name)

    here = doctor.version
    monkeypatch.setattr(doctor, "version", version)
    assert "anywidget missing" in doctor.packages().found
    assert "'anywidget" in doctor.packages().remedy


def test_a_missing_front_end_is_found(monkeypatch, tmp_path):
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *_: [str(tmp_path)])
    assert "ipywidgets and anywidget" in doctor.front_end().found
    (tmp_path / "anywidget").mkdir()
    assert "anywidget" not in doctor.front_end().found
    (tmp_path / "@jupyter-widgets" / "jupyterlab-manager").mkdir(parents=True)
    assert doctor.front_end().remedy == ""


def test_more_threads_than_processors_is_found(monkeypatch):
    monkeypatch.setattr(machine, "processors", lambda: 2)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(16)), raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert "OMP_NUM_THREADS=2" in doctor.threads().remedy
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert doctor.threads().remedy == ""
    for text in ("0", "²", "many"):
        monkeypatch.setenv("OMP_NUM_THREADS", text)
        assert doctor.threads().found.startswith("16 ")


def test_threads_are_no_more_than_the_processors_that_the_process_may_run_on(monkeypatch):
    monkeypatch.setattr(machine, "processors", lambda: 1)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {3}, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert doctor.threads().remedy == "" and doctor.threads().found.startswith("1 ")


def test_short_memory_is_found(monkeypatch):
    monkeypatch.setattr(machine, "memory", lambda: (100 * MB, 2000 * MB, 20 * MB))
    assert "20 of 2,000 MB are free" in doctor.memory().found
    assert "shut down kernels" in doctor.memory().remedy


def group(folder, **files):
    """A cgroup's folder, with these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(text)


def test_a_container_grants_what_its_group_says(tmp_path):
    group(
        tmp_path,
        memory_max=f"{2000 * MB}\n",
        memory_current=f"{1500 * MB}\n",
        memory_stat=f"anon 5\ninactive_file {200 * MB}\n",
    )
    held, granted, free = machine.memory(tmp_path)
    assert granted == 2000 * MB
    assert free <= 700 * MB
    assert 10 * MB < held < 2000 * MB


def test_a_container_without_limits_grants_the_machine(tmp_path):
    group(tmp_path, memory_max="max\n", cpu_max="max 100000\n")
    assert machine.memory(tmp_path)[1] == psutil.virtual_memory().total
    assert machine.processors(tmp_path) == machine.processors(tmp_path / "nowhere") >= 1


@pytest.mark.parametrize("quota, processors", [("100000 100000", 1), ("50000 100000", 1)])
def test_a_quota_of_time_is_a_number_of_processors(tmp_path, quota, processors):
    group(tmp_path, cpu_max=quota)
    assert machine.processors(tmp_path) == processors


def test_version_1_of_cgroups_is_read_too(tmp_path):
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text(str(1000 * MB))
    (tmp_path / "memory" / "memory.usage_in_bytes").write_text(str(400 * MB))
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("100000")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert machine.memory(tmp_path)[1:] == (1000 * MB, 600 * MB)
    assert machine.processors(tmp_path) == 1


@pytest.mark.skipif(not machine.PROC.joinpath("meminfo").exists(), reason="only Linux says it in files")
def test_without_psutil_the_system_says_the_same(monkeypatch, tmp_path):
    by_psutil = machine.memory(tmp_path)
    monkeypatch.setitem(sys.modules, "psutil", None)
    held, granted, free = machine.memory(tmp_path)
    assert granted == by_psutil[1]
    assert abs(held - by_psutil[0]) < 20 * MB
    assert abs(free - by_psutil[2]) < 0.2 * granted  # others work on this machine too


def test_where_nothing_is_known_the_doctor_says_so(monkeypatch, tmp_path):
    """As in a page: no psutil, no /proc, no count of processors."""
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert machine.memory(tmp_path, tmp_path) == (None, None, None)
    monkeypatch.setattr(machine, "memory", lambda: (None, None, None))
    assert doctor.memory() == doctor.Finding("memory", "the system does not say how much there is")
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert machine.processors(tmp_path) == 1
    assert doctor.threads().found == "1 for matrix products, of 1 processor granted"


def test_a_limit_counts_where_the_machine_says_nothing(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "psutil", None)
    group(tmp_path, memory_max=f"{2000 * MB}\n", memory_current=f"{1500 * MB}\n")
    assert machine.memory(tmp_path, tmp_path / "nowhere") == (None, 2000 * MB, 500 * MB)


def test_without_jupyter_the_doctor_still_speaks(tmp_path):
    """What it needs itself is in the package's own requirements."""
    shutil.copytree(
        pretrained.FOLDER.parent, tmp_path / "lt_helpers", ignore=shutil.ignore_patterns("__pycache__")
    )
    code = """if True:
        import sys
        sys.modules["jupyter_core"] = sys.modules["jupyter_core.paths"] = None
        from lt_helpers import doctor
        print(doctor.front_end())
    """
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.stdout.startswith("WRONG  widgets in the page: Jupyter is not installed"), done.stderr


@pytest.mark.parametrize("said", ["", "nothing", "100000"])
def test_a_limit_that_cannot_be_read_is_none(tmp_path, said):
    """An empty file, a word, a quota without its period."""
    group(tmp_path, memory_max=said.removeprefix("100000"), cpu_max=said)
    assert machine.memory(tmp_path)[1] == psutil.virtual_memory().total
    assert machine.processors(tmp_path) == machine.processors(tmp_path / "nowhere")


def test_the_limits_are_those_of_the_group_that_the_system_names(tmp_path):
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "cgroup").write_text("0::/own\n")
    (tmp_path / "own").mkdir()
    group(tmp_path / "own", memory_max=str(700 * MB), cpu_max="100000 100000")
    assert machine.memory(tmp_path, tmp_path)[1] == 700 * MB
    assert machine.processors(tmp_path, tmp_path) == 1


def test_in_a_page_it_asks_for_nothing_that_a_page_does_without(monkeypatch):
    """There Python brings neither plotly nor scikit-learn, and no folders of Jupyter; what it does need is still looked at."""
    here = doctor.version

    def version(name):
        if name in {"plotly", "scikit-learn", missing}:
            raise PackageNotFoundError(name)
        return here(name)

    monkeypatch.setattr(doctor, "version", version)
    monkeypatch.setitem(sys.modules, "jupyter_core.paths", None)
    missing = ""
    assert doctor.packages().remedy and doctor.front_end().remedy
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert doctor.summary(doctor.check()) == "Everything that the labs need is here."
    missing = "anywidget"
    assert "anywidget missing" in doctor.packages().found and "plotly" not in doctor.packages().remedy
