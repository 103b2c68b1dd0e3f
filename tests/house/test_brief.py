"""The decision brief says what the notebook has computed, in both languages, and what it concludes is in its numbers."""

import re

import numpy as np
import pytest
from brief import BLOCKS, BRIEF, ROWS, printed

from lt_helpers import Categorical, Uniform
from lt_helpers.pretrained import record

TEXT = BRIEF.read_text()
MEASURED = re.compile(r"\d+\.\d+%?")


def block(name):
    return re.search(rf"(?s)<!-- {name} -->(.*?)<!-- /{name} -->", TEXT)[1]


def row(name):
    """The numbers of a row: DIAG, FULL, cross-validated ridge, AdaRR, one penalty; NaN where there is none."""
    return np.array(
        [float(number.rstrip("%")) if number else np.nan for number in (printed()[name] + [""] * 5)[:5]]
    )


def test_what_is_measured_stands_in_the_blocks_alone():
    outside = TEXT
    for name in BLOCKS:
        outside = outside.replace(block(name), "")
    assert not MEASURED.findall(outside)


def test_both_languages_have_the_same_numbers_and_all_of_them():
    numbers = [MEASURED.findall(block(name)) for name in BLOCKS]
    assert numbers[0] == numbers[1]
    shown = [number for name in ROWS for number in printed()[name] if number]
    assert numbers[0][: len(shown)] == shown and len(shown) > 30


@pytest.mark.parametrize(
    "noise, name", [(Uniform(5.0), "excess, noise U(0, 5)"), (Categorical((1, 3)), "excess, noise {1, 3}")]
)
def test_the_models_losses_are_those_of_their_records(noise, name):
    """The notebook draws 10,000 sequences, the records 200,000: four standard errors of the difference, and the rounding."""
    for ours, kind in zip(row(name), ("diag", "full")):
        stored = record(kind, 7, noise)
        assert abs(ours - stored["loss"]) < 4 * np.sqrt(21) * stored["standard_error"] + 0.0005


def test_what_the_brief_concludes_is_in_its_numbers():
    diag, full, cross_validated, ada, one_penalty = range(5)
    for name in ("excess, noise U(0, 5)", "excess, noise {1, 3}"):  # noise that differs: DIAG, then FULL
        excess = row(name)
        assert excess[full] < excess[diag] < excess[ada] < excess[one_penalty]
    table = row("real table, error")  # one noise level: one penalty, and gate 2 fails; gate 1 passes
    assert (
        table[one_penalty] < min(table[diag], table[full])
        and max(table[diag], table[full]) < table[cross_validated]
    )
    assert float(printed()["ridge, fitted once"][0]) < table.min()
    large = row("none, target times 3")  # labels too large: ridge
    assert large[cross_validated] < min(large[diag], large[full])
    correlated = row("correlation of 0.9")  # inputs strongly correlated: FULL passes, DIAG does not
    assert correlated[full] < correlated[cross_validated] < correlated[diag]
    outliers, noisier = row("outliers among y"), row("none, noise of 8")
    assert max(outliers[diag], outliers[full]) < outliers[cross_validated]  # ridge errs more on outliers
    assert max(noisier[diag], noisier[full]) < noisier[cross_validated]  # and on noise above the training's
    assert printed()["of seven layers"] == ["0"] and all(
        int(printed()[f"{kind}-7, missed"][0].split()[0]) for kind in ("DIAG", "FULL")
    )
