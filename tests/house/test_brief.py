"""The decision brief says what the notebook has computed, in both languages, and what it concludes is in its numbers."""

import re

import numpy as np
import pytest
from brief import BLOCKS, BRIEF, ROWS, printed

from lt_helpers import Categorical, Uniform
from lt_helpers.baselines import stored_losses
from lt_helpers.pretrained import record

TEXT = BRIEF.read_text()
MEASURED = re.compile(r"\d+\.\d+%?")


def block(name):
    return re.search(rf"(?s)<!-- {name} -->(.*?)<!-- /{name} -->", TEXT)[1]


def row(name):
    """The numbers of a row: DIAG, FULL, ridge CV, one penalty, AdaRR, evidence ridge, Bayes."""
    return np.array([float(number.rstrip("%")) for number in printed()[name]])


def count(name):
    """A count and what it is of, such as 0 of 8."""
    return [int(number) for number in printed()[name][0].split(" of ")]


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
    """The notebook draws 5,000 sequences, the records 200,000: four standard errors of the difference, and the rounding."""
    for ours, kind in zip(row(name), ("diag", "full")):
        stored = record(kind, 7, noise)
        assert abs(ours - stored["loss"]) < 4 * np.sqrt(41) * stored["standard_error"] + 0.0005


@pytest.mark.parametrize(
    "noise, name", [(Uniform(5.0), "noise U(0, 5)"), (Categorical((1, 3)), "noise {1, 3}")]
)
def test_the_excess_of_the_baselines_is_that_of_table_1_and_bayes_is_near_the_best(noise, name):
    stored = stored_losses()[noise.key]
    one_penalty, ada, _, bayes = row(f"excess, {name}")[3:]
    assert abs(ada - stored["AdaRR"][0]) < 0.07 * stored["AdaRR"][0]  # the standard error is 2 percent
    assert 0 < one_penalty / stored["ConstRR"][0] - 0.97 < 0.2  # chosen from a grid
    assert abs(bayes - stored["Bayes-optimal"][0]) < 0.006  # its prior is fitted on 500 tasks


DIAG, FULL, RIDGE_CV, ONE_PENALTY, ADA, EVIDENCE, BAYES = range(7)
MISMATCHED = [name for name, words in ROWS.items() if words[0].startswith("Synthetic")]
UNFORESEEN = ["outliers, unforeseen", "noise 8, unforeseen"]
SETTINGS = ["excess, noise U(0, 5)", "excess, noise {1, 3}", "real table, error", *MISMATCHED]


def test_every_opponent_stands_in_every_row():
    for name in ROWS:
        assert len(row(name)) == 7


def test_no_setting_is_won_by_a_model():
    """The verdict, the gates, and that Bayes is in nearly all rows the answer."""
    assert len(SETTINGS) == count("DIAG-7, gate passed")[1] == 10
    for name in set(SETTINGS) - set(UNFORESEEN):
        errors = row(name)
        assert errors[BAYES] <= min(errors[DIAG], errors[FULL]) + 0.001
        if name != "labels times 3":
            assert errors[BAYES] <= min(errors[RIDGE_CV:]) + 0.001

    # Where the earlier contexts had smaller labels, a prior of their noise costs a little. One penalty knows no scale.
    larger = row("labels times 3")
    assert larger[ONE_PENALTY] == min(larger) < larger[BAYES] < larger[ONE_PENALTY] + 0.005
    for model in ("DIAG-7", "FULL-7", "two heads"):
        assert count(f"{model}, gate passed")[0] == 0
        assert count(f"{model}, beats Bayes")[0] == len(UNFORESEEN)
    assert 0 < count("DIAG-7, beats AdaRR")[0] <= count("FULL-7, beats AdaRR")[0] < 8


def test_in_the_mismatches_that_are_left_out_no_model_passes_either():
    assert count("left out, gate passed") == [0, 15]  # five of twelve, three models


def test_what_has_learned_its_noise_fails_where_the_noise_is_another():
    """Bayes and one penalty err more than the answer 0, whose error is 1; who looks at the context alone errs least."""
    for name in UNFORESEEN:
        errors = row(name)
        assert min(errors[[BAYES, ONE_PENALTY]]) > 1 > errors[FULL] > max(errors[[ADA, EVIDENCE]])
        assert errors[FULL] < errors[DIAG] < errors[BAYES]  # where the alarm of DIAG rings, Bayes answers


def test_evidence_ridge_errs_less_than_ada_rr_but_where_labels_are_larger():
    behind = [name for name in SETTINGS if row(name)[EVIDENCE] >= row(name)[ADA]]
    assert behind == ["labels times 3"]


def test_points_are_the_error_in_the_unit_of_the_table():
    """What it costs to predict the mean, 76 points, times the root of the error: but for the spread of the cuts."""
    points = row("real table, points")
    np.testing.assert_allclose(points, 76 * np.sqrt(row("real table, error")), rtol=0.015)
    in_context = np.delete(points, RIDGE_CV)
    assert np.ptp(in_context) < 1  # "less than a point"
    assert 4.5 < in_context.min() - float(printed()["in points"][0]) < 6.5  # "about five points"


def test_total_loss_is_excess_and_what_the_oracle_itself_misses():
    for name in ("noise U(0, 5)", "noise {1, 3}"):
        missed_by_all = row(f"total, {name}") - row(f"excess, {name}")
        np.testing.assert_allclose(missed_by_all, missed_by_all.mean(), atol=0.05)
        assert missed_by_all.mean() > 0.7 * row(f"total, {name}").max()  # "most of it nobody can avoid"


def test_the_situations_of_the_brief_are_in_its_numbers():
    table = row("real table, error")  # noise alike: one penalty
    assert np.argmin(table) == ONE_PENALTY and float(printed()["ridge, fitted once"][0]) < table.min()
    large = row("labels times 3")  # an unknown scale and no earlier contexts: ridge CV
    assert large[RIDGE_CV] < min(large[DIAG], large[FULL], large[ADA], large[EVIDENCE])
    for name in ("correlation of 0.9", "noise of 8"):
        assert max(row(name)[[ADA, BAYES]]) < min(row(name)[[DIAG, FULL]])
    for name in (
        "excess, noise U(0, 5)",
        "excess, noise {1, 3}",
    ):  # noise that differs, and no earlier contexts
        assert max(row(name)[[ADA, EVIDENCE]]) < min(row(name)[[RIDGE_CV, ONE_PENALTY]])
    assert min(row("outliers among y")) > 0.6  # all err: a robust regression


def test_the_alarm_of_the_one_model_that_failed_is_as_the_notebook_says():
    """ "The misfit rings for every explosion of DIAG with four layers, and in vain nine times", in two ways to prepare 2,000 contexts."""
    hit, failures = count("DIAG-4, alarm hit")
    in_vain, fine = count("DIAG-4, rang in vain")
    assert hit == failures > 0 and in_vain == 9
    assert failures + fine == 2 * int(printed()["bound, if independent"][0].split(" of ")[1])
    assert count("seven layers, failed")[1] == 3 * (failures + fine)


def test_the_alarm_is_not_tested_by_models_that_did_not_fail():
    assert count("seven layers, failed")[0] == 0 == row("real table, failed")[[DIAG, FULL]].max()
    assert min(count(f"{kind}-7, alarm missed")[0] for kind in ("DIAG", "FULL")) > 0
    bound, contexts = printed()["bound, if independent"][0].split(" of ")
    assert float(bound.rstrip("%")) == pytest.approx(300 / int(contexts))
