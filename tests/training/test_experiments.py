"""The experiments of docs/experiments.md run as they stand there, with a short training; and what it says of tasks and names holds."""

import inspect
import re
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

import lt_helpers as lt
from lt_helpers import labs
from lt_helpers.training.plans import NEWTON_OF_FEW, Plan, Round, Stage

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs" / "experiments.md").read_text()
QUICK = Plan(2, (Round(10, 16, 0.02, 1),), 2, (Stage(1, 10, 64),), NEWTON_OF_FEW, held_out=1_000)
FOUND = r"(\S+) +([\d.]+) \+- ([\d.]+)"


def code(name):
    """The lines of an experiment."""
    return re.search(rf"<!-- {name} -->\n```python\n(.*?)```", PAGE, re.S)[1]


def printed(name):
    """What the page says that an experiment printed -> {predictor: excess}"""
    block = re.search(rf"<!-- {name} -->.*?\n\n```\n(.*?)```", PAGE, re.S)[1]
    return {who: float(excess) for who, excess, _ in re.findall(FOUND, block)}


def run(text):
    """What lines of the page print -> {predictor: excess}"""
    said = StringIO()
    with redirect_stdout(said):
        exec(compile(text, "docs/experiments.md", "exec"), {})
    return {who: float(excess) for who, excess, _ in re.findall(FOUND, said.getvalue())}


@pytest.mark.parametrize("name", ["own-noise", "softmax"])
def test_an_experiment_has_thirty_lines_at_most(name):
    assert len(code(name).splitlines()) <= 30


def test_the_experiment_with_a_noise_of_ones_own_runs(monkeypatch):
    monkeypatch.setattr(lt, "train", partial(lt.train, plan=QUICK, samples=1_000))
    found = run(code("own-noise"))
    assert list(found) == list(printed("own-noise"))
    for name, excess in found.items():
        if name != "DIAG-3":
            assert excess == pytest.approx(printed("own-noise")[name], rel=0.05)  # no training changes them
    assert min(found, key=found.get) == "Bayes-optimal" and 0.02 < found["DIAG-3"] < 1


def test_the_experiment_with_softmax_runs():
    short, changed = re.subn(r"steps, rng = [\d_]+,", "steps, rng = 40,", code("softmax"))
    found = run(short)
    assert changed == 1 and list(found) == list(printed("softmax"))
    assert min(found, key=found.get) == "Bayes-optimal" and found["softmax"] > printed("softmax")["softmax"]


@pytest.mark.filterwarnings("ignore:Outliers has a sample_noise")
def test_the_tasks_of_ones_own_are_as_the_table_says(rng):
    """The table's row of each: whether the excess is known, and Bayes among the baselines."""
    names = {"lt": lt, "np": np}
    exec(re.search(r"```python\n(class Signs.*?)```", PAGE, re.S)[1], names)
    rows = dict(re.findall(r"(?m)^\| (nothing|`sample_\w+`.*?) \| (.*?) \|$", PAGE))
    assert list(rows) == ["nothing", "`sample_inputs`", "`sample_noise`, `sample_w`"]
    for row, kind in zip(rows.values(), (lt.RegressionTask, names["Signs"], names["Outliers"])):
        task = kind(3, 9, lt.Uniform(2))
        found = lt.risk(lt.baselines.ada_rr, task, 50, rng)
        assert np.isnan(found.excess) == ("NaN" in row) == bool(task.no_oracle)
        assert ("Bayes-optimal" in lt.baselines.for_task(task)) == ("left out" not in row)
        record = lt.train(task, plan=QUICK, progress=False, samples=100).record
        assert row.endswith(f"learns the {record['against']}")


def test_the_names_of_the_page_are_there():
    for name in set(re.findall(r"\blt\.([\w.]+\w)", PAGE)):
        owner = lt
        for part in name.split("."):
            assert hasattr(owner, part), name
            owner = getattr(owner, part)
    assert set(lt.__all__) >= {"Noise", "train"}
    written = re.search(r"`lt.train\((.*?)\)`", PAGE)[1].replace("100_000", "100000")
    assert written == ", ".join(map(str, inspect.signature(lt.train).parameters.values())).replace("'", '"')


def test_tied_layers_are_one_layer_again_and_again(rng):
    names, omega = {"lt": lt, "np": np}, np.array([[-0.2, 0.01], [-0.8, -0.01]])
    exec(code("tied"), names)
    task = lt.RegressionTask(3, 9, lt.Uniform(2))
    model = names["tied"](omega, 4, task)
    np.testing.assert_allclose(model.omega, np.broadcast_to(omega, (4, 2, 2)))

    # One layer at a time, token by token: x gains omega_xx Sigma x + omega_xy y alpha, y gains omega_yx <alpha, x> + omega_yy lambda y.
    batch = task.sample(5, rng)
    tokens = np.concatenate([batch.x, batch.y[..., None]], axis=2)  # (5, 9, 4)
    query = np.concatenate([batch.x_query, np.zeros((5, 1))], axis=1)[:, None]  # (5, 1, 4)
    (xx, xy), (yx, yy) = omega
    for _ in range(4):
        S = tokens.mT @ tokens / 9  # (5, 4, 4)
        weights = np.block(
            [[np.full((3, 3), xx), np.full((3, 1), xy)], [np.full((1, 3), yx), np.full((1, 1), yy)]]
        )
        change = weights * S  # (5, 4, 4)
        tokens, query = tokens + tokens @ change.mT, query + query @ change.mT
    np.testing.assert_allclose(model(batch.x, batch.y, batch.x_query), -query[:, 0, -1])
    assert 0 < lt.risk(model, task, 100, rng).excess < 10


def test_the_labs_of_the_page_open_on_a_task_of_ones_own():
    covariance = 0.6 ** abs(np.subtract.outer(np.arange(5), np.arange(5)))
    task = lt.RegressionTask(5, 15, lt.Uniform(4), covariance)
    names = dict(task=task, model=lt.load_pretrained("diag", 3, lt.Uniform(5)).with_dim(5))
    exec(code("labs"), names)
    for line in re.findall(r"(?m)^\w+Lab\(.*?\)", code("labs")):
        assert "On your task: d = 5, n = 15, noise U(0, 4)." in eval(line, names).words_now


def test_the_page_says_which_labs_take_a_task():
    there = {name: lab for name, lab in vars(labs).items() if name.endswith("Lab") and name != "Lab"}
    takers = {name for name, lab in there.items() if "task" in lab.CONTROLS}
    rows = re.findall(r"(?m)^\| (`\w+Lab`.*?) \|", PAGE)
    assert set(re.findall(r"\w+Lab", " ".join(rows))) == takers
    others = set(re.findall(r"\w+Lab", re.search(r"The other labs refuse a task.*", PAGE)[0]))
    assert others == set(there) - takers
