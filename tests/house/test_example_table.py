"""The table that learners can drop into the pilot lab is what its tool makes, and the lab says of it what the tool put into it."""

import re

import numpy as np
import pytest
from example_table import BROKEN, PLACE, example_table

from lt_helpers import read_table
from lt_helpers.labs import PilotLab


@pytest.fixture(scope="module")
def table():
    return read_table(PLACE.read_bytes())


def test_the_file_is_what_the_tool_makes():
    made, kept = example_table().splitlines(), PLACE.read_text(encoding="utf-8").splitlines()
    assert len(PLACE.read_bytes()) <= 40_000 and len(made) == len(kept) and made[0] == kept[0]
    for ours, theirs in zip(made[1:], kept[1:], strict=True):
        (name, *cells), (kept_name, *kept_cells) = ours.split(","), theirs.split(",")
        assert name == kept_name
        for cell, kept_cell in zip(cells, kept_cells, strict=True):
            is_number = re.fullmatch(r"[\d.-]+", cell)
            assert cell == kept_cell or (
                is_number and float(cell) == pytest.approx(float(kept_cell), abs=0.11)
            )


def test_what_is_broken_in_it_is_said(table):
    assert (table.task, table.label) == ("machine", "wear")
    assert table.features == ("speed", "pressure", "temperature") and len(table.x) == 90
    said = table.report()
    for row, cell in BROKEN.items():
        assert f"line {row + 2})" in said or str(row + 2) in said
        assert cell in ("", "n/a") or repr(cell) in said
    assert len(table.left_out) == 2  # nothing there, and no number


def test_a_linear_relation_of_its_own_holds_in_each_machine(table):
    """So a ridge that reads one machine's rows beats the one that is fitted once, and the lab says so."""
    lab = PilotLab(table=table)
    assert lab.error is None and lab.arrays.tasks == 90
    by_name = dict(zip(lab.arrays.opponents, lab.arrays.errors.mean(axis=1), strict=True))
    assert by_name["Bayes, fitted prior"] < 0.8 * by_name["ridge, fitted once"]
    residuals = [
        np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), y)[1][0] / (len(y) - 4)
        for x, y in zip(table.x, table.y, strict=True)
    ]
    assert np.percentile(residuals, 80) > 8 * np.percentile(residuals, 20)  # quiet ones and noisy ones
