"""Ours against the paper's Table 1: how far apart, and the table that the command prints."""

import os
import signal
import subprocess
import sys
from time import monotonic, sleep

import numpy as np
import psutil
import pytest

from lt_helpers import Fixed, RegressionTask, Uniform, load_pretrained, table1
from lt_helpers.baselines import on_spectrum
from lt_helpers.evaluate import evaluate
from lt_helpers.pretrained import stored
from lt_helpers.table1 import Cell, deviation, format_table, paper_table, table


def test_a_deviation_is_the_difference_over_the_root_of_summed_variances():
    """With errors 3 and 4 and no rounding to speak of, the error of the difference is 5."""
    np.testing.assert_allclose(deviation(7.0, 3.0, 17.0, 4.0), -2.0, rtol=1e-6)
    np.testing.assert_allclose(deviation([27.0, 17.0], 3.0, 17.0, 4.0), [2.0, 0.0], rtol=1e-6)


def test_the_rounding_of_the_print_counts_as_an_error(rng):
    """Numbers drawn evenly and then rounded to three decimals differ from the print by one such error, in the root of the mean square."""
    drawn = rng.uniform(0.05, 0.95, size=20_000)
    np.testing.assert_allclose(np.mean(deviation(drawn, 0.0, np.round(drawn, 3), 0.0) ** 2), 1.0, rtol=0.03)


def test_a_column_sets_each_model_beside_the_papers_cell_and_the_best_possible(monkeypatch):
    """Two stored models, one of which the paper does not have, on the sequences that `evaluate` draws from the same seed."""
    noise = Uniform(5.0)
    entries = [entry for entry in stored() if entry["noise"] == noise.key and entry["kind"] == "diag"]
    entries = [next(one for one in entries if one["heads"] == heads) for heads in (1, 2)]
    monkeypatch.setattr(table1, "stored", lambda: entries)
    cells = table([noise], samples=500, seed=4)
    assert [cell.kind for cell in cells] == ["ConstRR", "AdaRR", "TunedRR", "diag", "diag"]

    predictors = {cell.kind: on_spectrum(noise)[cell.kind] for cell in cells[:3]}
    predictors["Bayes"] = lambda spectrum: spectrum.bayes(noise)
    for entry in entries:
        model = load_pretrained("diag", entry["layers"], noise, entry["heads"], entry["variant"])
        predictors[entry["heads"]] = lambda spectrum, model=model: model.implicit_weight(spectrum.S)
    results = evaluate(predictors, RegressionTask(10, 20, noise), 500, np.random.default_rng(4))
    best = results.pop("Bayes").loss
    for cell, result in zip(cells, [results[key] for key in ("ConstRR", "AdaRR", "TunedRR", 1, 2)]):
        assert (cell.ours, cell.standard_error, cell.p9999) == (
            result.loss,
            result.standard_error,
            result.p9999,
        )
        assert cell.bayes == best
        if cell.heads == 1:
            assert cell.paper == paper_table()[cell.kind, cell.layers, noise.key]
            assert cell.paper_standard_error == result.one_query_error
    assert cells[-1].heads == 2 and cells[-1].paper is None and cells[-1].paper_standard_error is None


def test_the_table_as_text_has_ours_the_papers_and_ours_over_the_best():
    cells = [
        Cell("diag", 4, "uniform-5", 0.06, 0.001, 0.059, 0.002, 0.04, 0.9),
        Cell("full", 7, "fixed-0", 0.0012, 0.0001, None, None, 0.0, 0.5, heads=2, variant="wide"),
        Cell("full", 4, "uniform-5", 0.06, 0.001, 0.059, 0.002, 0.04, 0.9, origin="copied from DIAG"),
        Cell("full", 4, "uniform-5", 0.06, 0.001, 0.059, 0.002, 0.04, 0.9, origin="trained"),
    ]
    _, first, second, copied, trained = format_table(cells).splitlines()
    assert " ".join(first.split()) == "uniform-5 diag 4 0.06 (0.001) 0.059 (0.002) 0.04 1.500 0.9"
    assert " ".join(second.split()) == "fixed-0 full 7 heads=2 wide 0.0012 (0.0001) 0 0.5"
    assert copied.endswith(" 0.9  copied from DIAG") and trained.endswith(" 0.9")


def test_a_column_says_which_models_are_another_kinds():
    """Without noise DIAG of three layers is GD++: the same loss to the last digit, and so it says; GD++ was trained itself."""
    cells = {(cell.kind, cell.layers): cell for cell in table([Fixed(0)], samples=200)}
    assert cells["diag", 3].origin == "copied from GD++" and cells["gd++", 3].origin == "trained"
    assert cells["diag", 3].ours == pytest.approx(cells["gd++", 3].ours, rel=1e-9)
    assert cells["AdaRR", None].origin == ""


def test_the_number_of_jobs_is_checked():
    with pytest.raises(ValueError, match="jobs is 0: jobs must be a whole number from 1"):
        table([Fixed(0)], samples=10, jobs=0)


def test_an_interrupt_ends_all_processes_of_the_command():
    command = [sys.executable, "-m", "lt_helpers", "table1", "--jobs", "2", "--samples", "5000000"]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE)
    try:
        # The pool's processes take the signal in their own way as soon as they work.
        end = monotonic() + 60
        while busy_children(process.pid) < 2 and monotonic() < end:
            sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=20)
        assert process.returncode != 0 and b"Traceback" not in said
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def busy_children(pid):
    """How many children of a process have computed for half a second."""
    times = [child.cpu_times() for child in psutil.Process(pid).children()]
    return sum(each.user + each.system > 0.5 for each in times)


def test_it_is_imported_where_there_are_no_processes():
    """In a page, in Pyodide: what would start them cannot be imported."""
    lacking = "import sys; sys.modules['concurrent.futures.process'] = sys.modules['multiprocessing'] = None"
    subprocess.run(
        [sys.executable, "-c", f"{lacking}; import lt_helpers.table1, lt_helpers.tune"], check=True
    )


def test_no_deviation_is_given_for_tiny_entries():
    np.testing.assert_array_equal(
        np.isnan(deviation(0.001, 1e-4, np.array([0.0, 9.9e-5, 0.001]), 1e-4)), [True, True, False]
    )


def test_a_predictor_that_explodes_is_weighed_without_a_warning(recwarn):
    """Its loss is finite, the scatter of its loss is not."""
    predictors = {"huge": lambda spectrum: np.full_like(spectrum.alpha, 1e90)}
    result = evaluate(predictors, RegressionTask(10, 20, Fixed(1.0)), 100, np.random.default_rng(0))["huge"]
    assert 1e180 < result.loss < np.inf and result.one_query_error == np.inf
    assert not recwarn.list
