"""Ours against the paper's Table 1: how far apart, and the table that the command prints."""

import subprocess
import sys

import numpy as np
import pytest

from lt_helpers import Fixed, RegressionTask
from lt_helpers.evaluate import evaluate
from lt_helpers.table1 import deviation, table


def test_a_deviation_is_the_difference_over_the_root_of_summed_variances():
    """With errors 3 and 4 and no rounding to speak of, the error of the difference is 5."""
    np.testing.assert_allclose(deviation(7.0, 3.0, 17.0, 4.0), -2.0, rtol=1e-6)
    np.testing.assert_allclose(deviation([27.0, 17.0], 3.0, 17.0, 4.0), [2.0, 0.0], rtol=1e-6)


def test_the_rounding_of_the_print_counts_as_an_error(rng):
    """Numbers drawn evenly and then rounded to three decimals differ from the print by one such error, in the root of the mean square."""
    drawn = rng.uniform(0.05, 0.95, size=20_000)
    np.testing.assert_allclose(np.mean(deviation(drawn, 0.0, np.round(drawn, 3), 0.0) ** 2), 1.0, rtol=0.03)


def test_the_number_of_jobs_is_checked():
    with pytest.raises(ValueError, match="jobs is 0: jobs must be a whole number from 1"):
        table([Fixed(0)], samples=10, jobs=0)


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
