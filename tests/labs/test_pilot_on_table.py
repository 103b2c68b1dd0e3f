"""The pilot lab on a table of a learner's own: its numbers task by task, what it says, and where the table does not go."""

import ast
import json
import re

import by_hand
import numpy as np
import pytest
from ipywidgets import Widget
from marks import assert_marks, assert_messages, titles

from lt_helpers import Preparation, Uniform, load_pretrained, read_table
from lt_helpers import pilot as try_models
from lt_helpers.labs import Lab, NoiseLab, PilotLab
from lt_helpers.table_of_tasks import BYTES
from lt_helpers.trial import ADA_RR, BAYES, CV, EVIDENCE, ONE, POOLED

OWN = ("strength", "mismatch", "sigma", "scale", "guess")  # what makes the lab's own contexts
OPPONENTS = [BAYES, ADA_RR, EVIDENCE, ONE, CV, POOLED]


def numbers_of(tasks, rows, dim, seed=0):
    """Tasks with a w and an intercept of their own; some are loud, and labels stand in units of their own -> x (B, n, d), y (B, n)"""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(tasks, rows, dim)) * np.geomspace(0.1, 10, dim)
    w = rng.normal(size=(tasks, dim)) / np.geomspace(0.1, 10, dim)
    sigma = rng.choice([0.5, 4.0], size=tasks)
    noise = sigma[:, None] * rng.normal(size=(tasks, rows))
    y = 7 * (np.einsum("bnd,bd->bn", x, w) + noise) + 100 * rng.normal(size=(tasks, 1))
    return x.round(4), y.round(4)


def csv_of(x, y):
    """The same as a file, rows of all tasks in turn."""
    dim = x.shape[2]
    lines = [",".join(["machine", *(f"f{place}" for place in range(dim)), "wear"])]
    for row in range(x.shape[1]):
        for task in range(len(x)):
            lines.append(
                ",".join([f"m{task}", *(f"{value:.4f}" for value in x[task, row]), f"{y[task, row]:.4f}"])
            )
    return "\n".join(lines)


LARGE = numbers_of(24, 50, 10)
SMALL = numbers_of(14, 12, 3)


def expected(x, y, kind, layers, seed):
    """What the panels show, its errors in units of the variance within tasks -> dict"""
    order = np.random.default_rng(seed).permutation(len(x))
    half = len(x) // 2
    earlier, new = order[:half], order[half:]
    read = min(x.shape[1] // 2, 21)
    preparation = Preparation.learn(x[earlier], y[earlier])
    model = load_pretrained(kind, layers, Uniform(5))
    model = model if kind == "full" else model.with_dim(x.shape[2])
    variance = np.mean([np.var(y[task], ddof=1) for task in earlier])
    alone, misfits = [], []
    for task in new:
        inputs, labels = preparation.prepare(x[task, :read], y[task, :read])
        path = by_hand.probe_layers(model, inputs, labels)
        misfits.append([np.sum((labels - inputs @ w) ** 2) / np.sum(labels**2) for w in path])
        slopes = path[-1] * preparation.size / preparation.spread
        centre, level = x[task, :read].mean(axis=0), y[task, :read].mean()
        answers = [level + slopes @ (row - centre) for row in x[task, read:]]
        alone.append(np.mean((y[task, read:] - answers) ** 2) / variance)
    result = try_models(
        preparation,
        {f"{kind.upper()}-{layers}": model},
        *(part[new, :read] for part in (x, y)),
        *(part[new, read:] for part in (x, y)),
        failure=np.sqrt(2 * variance),
    )
    rivals = np.array([result.errors[name] for name in OPPONENTS if name in result.errors]) / variance
    alone, misfits = np.array(alone), np.array(misfits)
    rings = misfits[:, -1] > 1
    guarded = np.where(rings, rivals[0], alone)  # Bayes answers where the alarm rings
    ahead = rivals - guarded
    leads = ahead.mean(axis=1) / (ahead.std(axis=1, ddof=1) / np.sqrt(len(new)))
    return dict(
        alone=alone, misfits=misfits, rings=rings, guarded=guarded, rivals=rivals, leads=leads, result=result
    ) | dict(limit=np.sqrt(2 * variance))


def table_of_marks(found, layers):
    """What belongs to each mark, and the roles of those that are not called by theirs."""
    misfits, error = found["misfits"], found["alone"]
    places, failed, rings = np.arange(1, len(found["rivals"]) + 1), error > 2, found["rings"]
    last = len(places) + 1
    low_error, low_misfit = ("error", 0.02, 200, "log", "floor"), ("misfit", 0.02, 200, "log", "floor")
    groups = {
        "fine": ~failed & ~rings,
        "hit": failed & rings,
        "false alarm": ~failed & rings,
        "miss": failed & ~rings,
    }
    middle = np.sort(misfits, axis=0)
    half = len(misfits) // 2
    median = middle[half] if len(misfits) % 2 else middle[[half - 1, half]].mean(axis=0)
    ranks = (len(misfits) - 1) * 9 // 10
    marks = {
        ("predictors", "axes"): (("", 0.4, last + 0.6), low_error),
        ("predictors", "level"): ([0.4, last + 0.6], [1, 1]),
        ("predictors", "baselines"): (places, found["rivals"].mean(axis=1)),
        ("predictors", "model"): (last, error.mean()),
        ("predictors", "guarded"): (last, found["guarded"].mean()),
        ("lead", "axes"): (("", 0.4, last - 0.4), ("standard_errors", -10, 10)),
        ("lead", "beats"): ([0.4, last - 0.4], [2, 2]),
        ("lead", "zero"): ([0.4, last - 0.4], [0, 0]),
        ("lead", "is beaten"): ([0.4, last - 0.4], [-2, -2]),
        ("lead", "guarded"): (places, found["leads"]),
        ("layers", "axes"): (("layer", -0.3, 7.3), low_misfit),
        ("layers", "alarm"): ([-0.3, 7.3], [1, 1]),
        ("layers", "median"): (np.arange(layers + 1), median),
        ("layers", "many"): (np.arange(layers + 1), middle[ranks]),
        ("layers", "worst"): (np.arange(layers + 1), middle[-1]),
        ("contexts", "axes"): (("last_misfit", *low_misfit[1:]), low_error),
        ("contexts", "level"): ([0.02, 200], [2, 2]),
        ("contexts", "upright"): ([1, 1], [0.02, 200]),
    }
    marks |= {("contexts", name): (misfits[inside, -1], error[inside]) for name, inside in groups.items()}
    roles = {"fine": "measured", "hit": "failed", "false alarm": "alarm", "miss": "missed"}
    return marks, {("contexts", name): role for name, role in roles.items()}


@pytest.mark.parametrize(
    "numbers, kind, layers, seed",
    [(LARGE, "full", 4, 2), (LARGE, "diag", 4, 5), (SMALL, "diag", 7, 1)],
    ids=["ten features, FULL", "ten features, DIAG", "three features, short tasks"],
)
def test_every_mark_is_what_another_route_finds(numbers, kind, layers, seed):
    lab = PilotLab(table=read_table(csv_of(*numbers)), model=f"{kind}-{layers}", seed=seed)
    found = expected(*numbers, kind, layers, seed)
    marks, roles = table_of_marks(found, layers)
    assert_marks(lab, marks, roles, rtol=1e-6)
    assert titles(lab) == dict(predictors=dict(contexts=len(found["alone"])))
    assert found["result"].verdict in lab.words_now


def test_the_words_count_what_the_panels_show():
    lab = PilotLab(table=read_table(csv_of(*SMALL)), seed=1)
    found = expected(*SMALL, "diag", 4, 1)
    failed, rings = found["alone"] > 2, found["rings"]
    best = found["rivals"].mean(axis=1).argmin()
    assert_messages(
        lab,
        {
            "pilot.table": dict(tasks=14, dim=3, earlier=7, judged=7),
            "pilot.same_rows": dict(low=6),
            "pilot.made_for": dict(context=20, dim=10),
            "pilot.few_tasks": dict(count=7),
            "pilot.table_errors": dict(best=OPPONENTS[best]),
            "pilot.mean": [
                dict(mean=errors.mean())
                for errors in (found["alone"], found["guarded"], found["rivals"][best])
            ],
            "pilot.table_alarms": dict(
                tasks=7, limit=found["limit"], failed=sum(failed), rang=sum(rings), hit=sum(failed & rings)
            ),
            "pilot.verdict": dict(verdict=found["result"].verdict),
        },
    )
    on = {message.id: list(message.panels) for message in lab.messages if message.panels}
    assert on == {"pilot.table_errors": ["predictors"], "pilot.table_alarms": ["layers", "contexts"]}


def test_rows_of_differing_tasks_and_sizes_that_the_models_were_made_for_are_told_apart():
    x, y = numbers_of(8, 42, 10)
    words = PilotLab(table=read_table(csv_of(x, y))).words_now
    assert "the first 21 rows are read" in words and "were made for" not in words
    short = csv_of(x, y).splitlines()
    words = PilotLab(table=read_table("\n".join(short[:-4]))).words_now  # some tasks have a row less
    assert "the first 20 to 21 rows are read" in words and "were made for 20 rows" in words


def test_full_models_serve_ten_features_alone():
    lab = PilotLab(model="full-7")
    lab.show_table(read_table(csv_of(*SMALL)))
    assert lab.error is None and lab.values["model"] == "diag-4"
    assert [value for _, value in lab.controls["model"].options] == ["diag-4", "diag-7"]
    lab.show_table(read_table(csv_of(*LARGE)))
    assert [value for _, value in lab.controls["model"].options] == ["diag-4", "diag-7", "full-4", "full-7"]
    with pytest.raises(ValueError, match="model is 'full-7' with table=read_table"):
        PilotLab(model="full-7", table=read_table(csv_of(*SMALL)))


def test_what_is_no_table_is_refused():
    with pytest.raises(TypeError, match=r"table is 'a,b,c': table must be what lt.read_table gave"):
        PilotLab(table="a,b,c")
    lab = PilotLab()
    with pytest.raises(TypeError, match="table must be what"):
        lab.show_table(5)
    assert lab.values["table"] is None


@pytest.mark.leads
def test_a_lab_that_opens_with_a_table_leads_nowhere():
    table = read_table(csv_of(*SMALL))
    assert PilotLab(table=table).beat is None
    with pytest.raises(ValueError, match="with a table of your own PilotLab has no beats"):
        PilotLab(table=table, beat="correlated")


def drop(lab, content, **message):
    """What the page sends when a file is dropped."""
    content = content.encode() if isinstance(content, str) else content
    lab._desk.place._handle_msg(
        {
            "content": {"data": {"method": "custom", "content": message or {"size": len(content)}}},
            "buffers": [] if content is None else [memoryview(content)],
        }
    )


def told(lab):
    """What stands under the place for a file, as it is on the page: tags of our own, and text."""
    return lab._desk.said.value


def test_a_dropped_file_is_shown_and_its_columns_can_be_chosen():
    lab, (x, y) = PilotLab(), SMALL
    drop(lab, csv_of(x, y))
    desk = lab._desk
    assert lab.error is None and lab.values["table"].features == ("f0", "f1", "f2")
    assert (desk.task.value, desk.label.value, desk.features.value) == ("machine", "wear", ("f0", "f1", "f2"))
    assert desk.task.options == ("machine", "f0", "f1", "f2", "wear")
    desk.features.value = ("f2", "f0")
    np.testing.assert_array_equal(lab.values["table"].x[3], x[3][:, [2, 0]])
    desk.label.value = "f1"
    assert lab.values["table"].label == "f1" and desk.features.value == ("f0", "f2", "wear")
    np.testing.assert_array_equal(lab.values["table"].y[3], x[3][:, 1])
    before = lab.drawing
    desk.task.value = "f1"  # the label as well; and no task has two rows
    assert "have 4 whole rows or more" in told(lab) and lab.drawing is before and lab.error is None
    lab.show_table(
        read_table(csv_of(*LARGE))
    )  # by a call: of what was dropped nothing is to be chosen any more
    assert desk.columns not in desk.widget.children and desk.away in desk.widget.children
    drop(lab, csv_of(x, y))
    desk.task.value = "f1"
    desk.task.value = "machine"
    assert lab.values["table"].task == "machine" and "whole rows" not in told(lab)


def test_a_bad_file_is_said_and_the_picture_stays():
    lab = PilotLab()
    drop(lab, csv_of(*SMALL))
    table, drawing, words = lab.values["table"], lab.drawing, lab.words_now
    for content, message, says in [
        ("no table", {}, "The first line has one column"),
        (b"\x00", {}, "The file is no text"),
        (None, dict(size=BYTES + 1), "The file has 2.0 MB"),
        (None, dict(several=3), "3 files were dropped: drop one."),
        (None, dict(unreadable=True), "The file could not be read"),
    ]:
        drop(lab, content, **message)
        assert says in told(lab) and "lt-error" in told(lab)
        assert lab.values["table"] is table and lab.drawing is drawing and lab.words_now == words
    drop(lab, csv_of(*LARGE))
    assert "lt-error" not in told(lab) and lab.values["table"].dim == 10


def test_a_table_on_which_nothing_can_be_computed_leaves_the_lab_usable():
    x, y = SMALL
    lab = PilotLab()
    earlier = np.random.default_rng(1).permutation(len(x))[:7]
    x = x.copy()
    x[earlier, :, 0] = 3.0  # a feature that varies in the other half alone
    drop(lab, csv_of(x, y))
    assert "feature 0 of x_earlier never varies" in str(lab.error)
    lab._desk.features.value = ("f1", "f2")
    assert lab.error is None and lab.values["table"].dim == 2
    drop(lab, csv_of(x, y))
    lab.reset()
    assert lab.error is None and lab.values["table"] is None


def test_names_and_cells_are_text():
    evil = "<img src=x onerror=alert(1)>"
    text = csv_of(*SMALL).replace("f0", f"{evil}f").replace("m3", f"{evil}m")
    lab = PilotLab()
    drop(lab, text + f"\nm1,{evil},1,1,1\nm1,=cmd(),1,1,1\n{evil}short,1,1,1,1\n")
    assert f"{evil}f" in lab.values["table"].features and f"{evil}m" in lab.values["table"].names
    assert re.findall(r"<[^>]*>", told(lab)) == re.findall(r"</?div[^>]*>", told(lab))
    assert told(lab).count("&lt;img") == 3  # a cell, its column, a task
    lab._copy()
    assert evil not in lab._copied.value and "&lt;img" in lab._copied.value
    assert evil not in lab.words_now and evil not in repr(lab.drawing)


def test_the_table_is_in_no_link_and_in_no_widget_that_a_notebook_may_store():
    x, y = SMALL
    lab = PilotLab()
    drop(lab, csv_of(x, y))
    lab.show("lead")
    assert lab.state()["values"]["table"] is True and lab.state()["panels"] is None
    assert "machine" not in repr(lab.state()) and "wear" not in repr(lab.state())
    again = Lab.from_state(lab.link())
    assert again.values["table"] is None and "does not travel with it" in again.words_now
    assert [panel.name for panel in again.panels_now] == ["error", "share", "layers", "contexts"]
    again.controls["seed"].value = 3
    assert "does not travel" not in again.words_now

    number = f"{x[3, 5, 1]:.4f}"
    assert number in csv_of(x, y) and number not in json.dumps(Widget.get_manager_state())


def test_a_document_cannot_bring_a_table():
    state = PilotLab().state()
    for table in ("table.csv", ["a"], {"x": 1}, True):
        state["values"]["table"] = table
        lab = Lab.from_state(state)
        assert lab.values["table"] is None and "does not travel" in lab.words_now


def test_the_copied_view_reads_the_table_again(tmp_path, monkeypatch):
    lab = PilotLab()
    drop(lab, csv_of(*SMALL))
    lab._desk.features.value = ("f2", "f0")
    lab.controls["seed"].value = 7
    (tmp_path / "table.csv").write_text(csv_of(*SMALL))
    monkeypatch.chdir(tmp_path)
    *imports, call = ast.parse(lab.view()).body
    names = {}
    exec(compile(ast.Module(imports, []), "view", "exec"), names)
    again = eval(compile(ast.Expression(call.value), "view", "eval"), names)
    assert again.figure == lab.figure and again.words_now == lab.words_now
    assert again.values["seed"] == 7 and again.values["table"].features == ("f2", "f0")


@pytest.mark.leads
def test_what_makes_the_labs_own_contexts_goes_and_comes_back():
    lab = PilotLab()

    def gone():
        return [name for name in OWN if lab.controls[name].layout.display == "none"]

    assert gone() == [] and lab.beat == "correlated"
    drop(lab, csv_of(*SMALL))
    assert gone() == list(OWN) and lab.beat is None and len(lab.panels_now) == 4
    lab.go_to("outliers")
    assert gone() == [] and lab.values["table"] is None and lab.error is None
    assert (
        lab._desk.widget.children == [lab._desk.place, lab._desk.said] or len(lab._desk.widget.children) == 2
    )
    drop(lab, csv_of(*SMALL))
    lab._desk.away.click()
    assert gone() == [] and lab.values["table"] is None and lab._desk.sheet is None
    assert [panel.name for panel in lab.panels_now] == ["error", "share", "layers", "contexts"]
    assert NoiseLab().controls["sigma"].layout.display is None  # no other lab has its layout


def test_controls_move_a_lab_with_a_table():
    lab = PilotLab(table=read_table(csv_of(*LARGE)))
    for name, value in (("model", "full-7"), ("seed", 2)):
        before = lab.words_now, lab.figure.to_json()
        lab.controls[name].value = value
        assert lab.error is None and lab.words_now != before[0] and lab.figure.to_json() != before[1]
    for panel in list(lab.panels_now):
        lab.show(panel.name)
        assert [one.name for one in lab.panels_now] == [panel.name]
