"""The engine of the site's live labs without a page: its own side, run in CPython, which answers as it does in a worker."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def said():
    """What engine_side.py found, in a process of its own: the engine replaces the channels of all widgets."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("engine_side.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_opening_a_lab_sends_its_widgets(said):
    assert said["a_lab_opens"] == [True, "", True]


def test_widgets_name_only_widgets_that_the_page_knows(said):
    assert said["all_that_is_named_was_sent"] == []


def test_a_control_that_moves_in_the_page_is_answered(said):
    assert said["a_control_moves"] == [3.0, True]


def test_a_link_opens_a_lab_as_it_stood(said):
    assert said["a_link_opens_it_so"] == [True, 2.5, True, ""]


def test_a_link_that_opens_nothing_is_refused_in_a_sentence_and_the_lab_opens_as_the_notebook_does(said):
    sigma, damaged, other = said["a_damaged_link_is_refused"]
    assert sigma == 2.0
    assert damaged == "the state 'damaged' is damaged: copy the whole link."
    assert "'tiny'" in other


def test_what_was_done_with_the_drawing_is_done_in_the_lab(said):
    assert said["it_goes_on_where_the_drawing_stood"] == ["meter", 5.0, 2.0]
    assert said["everything_stays_everything"] == [None, 2]


def test_a_lab_that_is_opened_anew_trains_no_more_in_its_old_life(said):
    assert said["one_of_two_stops_training"] == [True, False]


def test_exercises_are_checked_and_errors_name_their_line(said):
    right, wrong, no_python, stops, exits = said["exercises_are_checked"]
    assert right.startswith("Correct")
    assert wrong.startswith("Not yet")
    assert no_python == "Line 1. SyntaxError: invalid syntax"
    assert stops == "1\nLine 3. ZeroDivisionError: division by zero"
    assert exits == "Line 2. SystemExit: "


def test_the_stand_in_for_ipython_has_no_shell_and_shows_nothing(said):
    assert said["there_is_no_ipython"] == [
        True, None, "there is no IPython in a page: a lab is shown by the page itself",
    ]  # fmt: skip
