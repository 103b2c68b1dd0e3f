"""The pages for teachers: their plans add up and are the series', and every call in them opens."""

import re
from pathlib import Path

import pytest
from series import half_day, series

from lt_helpers import labs

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "instructor-guide.md").read_text()
MINUTES = {notebook["name"]: notebook["minutes"] for notebook in series()}
CALLS = sorted(
    set(re.findall(r"`(\w+Lab\([^`]*\))`", "".join(path.read_text() for path in DOCS.glob("*.md"))))
)


def plan(title):
    """The rows of the table under a heading -> list of (start in minutes, minutes, names of notebooks, the row)."""
    section = re.search(rf"(?ms)^## {title}$(.*?)^## ", GUIDE)[1]
    rows = re.findall(r"(?m)^\| (\d+):(\d\d) \| (\d+) \|(.*)$", section)
    return [
        (
            60 * int(hour) + int(minute),
            int(long),
            re.findall(r"\((?:\.\.\/)?notebooks/(\w+)\.ipynb\)", row),
            row,
        )
        for hour, minute, long, row in rows
    ]


@pytest.mark.parametrize("title", ["Half a day", "A full day"])
def test_each_part_begins_where_the_one_before_ends(title):
    rows = plan(title)
    assert rows[0][0] == 0
    for (start, long, _, _), (following, _, _, _) in zip(rows, rows[1:]):
        assert start + long == following


def test_half_a_day_is_the_path_of_the_series_and_takes_three_hours():
    rows = plan("Half a day")
    assert [name for _, _, names, _ in rows for name in names] == half_day()
    assert sum(long for _, long, _, row in rows if "break" not in row) == 180


def test_a_full_day_gives_each_notebook_its_minutes():
    rows = [row for row in plan("A full day") if row[2]]
    assert [(name, long) for _, long, names, _ in rows for name in names] == [
        (name, MINUTES[name]) for _, _, (name,), _ in rows
    ]
    at_home = re.search(r"(?m)^For home:.*$", GUIDE)[0]
    covered = {name for _, _, names, _ in rows for name in names} | set(
        re.findall(r"notebooks/(\w+)\.ipynb", at_home)
    )
    assert covered == set(MINUTES)


def test_the_path_is_told_alike_to_learners():
    numbers = [name[:2] for name in half_day()]
    start = (DOCS.parent / "notebooks" / ".text" / "00_start_here.py").read_text()
    told = re.search(r"Short of time\?(.*)half a day", start)[1]
    assert re.findall(r"\d\d", told) == numbers


@pytest.mark.parametrize("call", CALLS)
def test_each_call_in_the_pages_opens_a_lab(call):
    assert eval(call, vars(labs).copy()).error is None
