"""A table of tasks from a file: what is read, what is left out and said, and what is refused."""

import csv
import io
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import lt_helpers as lt
from lt_helpers.table_of_tasks import read_sheet, read_table

ROWS = [
    (name, float(place), float(place**2 % 7), 2.0 * place + shift)
    for name, shift in zip("abcde", range(5))
    for place in range(6)
]
HEADER = ["patient", "dose", "age", "score"]


def text_of(rows, header=HEADER, separator=",", decimal=".", end="\n"):
    """A table as a file has it, joined by hand."""
    lines = [separator.join(map(str, row)).replace(".", decimal) for row in rows]
    return end.join([separator.join(header), *lines]) + end


PLAIN = text_of(ROWS)


def same_as_rows(table, rows=ROWS):
    """Does a table hold these rows, task by task?"""
    names = list(dict.fromkeys(row[0] for row in rows))
    assert list(table.names) == names
    for name, x, y in zip(names, table.x, table.y, strict=True):
        mine = [row for row in rows if row[0] == name]
        np.testing.assert_array_equal(x, [row[1:-1] for row in mine])
        np.testing.assert_array_equal(y, [row[-1] for row in mine])


def said(table):
    """What was left out, a line each -> list of str"""
    return table.report().splitlines()[1:]


def test_a_plain_table_is_read_task_by_task():
    table = lt.read_table(PLAIN)
    same_as_rows(table)
    assert (table.task, table.label, table.features) == ("patient", "score", ("dose", "age"))
    assert table.left_out == () and table.report() == "5 tasks with 30 rows of 2 features."


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_separators_line_ends_and_encodings(separator, end, encoding):
    header = ["Größe", "dose", "age", "score"]
    table = read_table(text_of(ROWS, header, separator, end=end).encode(encoding))
    assert table.task == "Größe" and table.left_out == ()
    same_as_rows(table)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas_are_read_where_no_number_has_a_point(separator):
    table = read_table(text_of(ROWS, separator=separator, decimal=","))
    same_as_rows(table)
    assert said(table) == ["Decimal commas were read as such."]
    mixed = text_of(ROWS, separator=separator) + separator.join(["a", "1,5", "2.0", "3.0"]) + "\n"
    table = read_table(mixed)
    same_as_rows(table)
    assert said(table) == [
        "Left out: one row with '1,5' in 'dose', which is no number to compute with (line 32)."
    ]


def test_between_commas_a_quoted_comma_is_no_decimal_sign():
    table = read_table(PLAIN + 'a,"1,234",2,3\n')
    same_as_rows(table)
    assert "'1,234' in 'dose'" in said(table)[0]


def test_the_columns_can_be_named():
    table = read_table(PLAIN, task="patient", label="age", features=["score", "dose"])
    np.testing.assert_array_equal(table.x[0][:, 0], [row[3] for row in ROWS[:6]])
    np.testing.assert_array_equal(table.x[0][:, 1], [row[1] for row in ROWS[:6]])
    np.testing.assert_array_equal(table.y[0], [row[2] for row in ROWS[:6]])


def test_the_columns_are_guessed():
    header = ["id", "y", "ward", "dose", "note"]
    rows = [(f"{place}", 0.5 + row[1] ** 2, row[0], row[2], "fine") for place, row in enumerate(ROWS)]
    table = read_table(text_of(rows, header))
    assert (table.task, table.label, table.features) == ("ward", "y", ("id", "dose"))


@pytest.mark.parametrize("word", ["", "NA", "n/a", "NaN", "null", "None", "-", "?", "  "])
def test_a_row_with_nothing_in_it_is_left_out_with_its_line(word):
    table = read_table(PLAIN + f"a,1,{word},3\n")
    same_as_rows(table)
    assert said(table) == ["Left out: one row with nothing in 'age' (line 32)."]


@pytest.mark.parametrize(
    "cell",
    ["=cmd|' /C calc'!A0", "=1+1", "<script>alert(1)</script>", "__import__('os')", "1e999", "-1e101", "inf"]
    + ["-Infinity", "1_000", "0x10", "1 2", "١٢", "12%", "1e", ".", "true"],
)
def test_what_is_no_number_is_shown_and_not_evaluated(cell):
    table = read_table(PLAIN + f'a,1,"{cell}",3\n')
    same_as_rows(table)
    assert said(table) == [
        f"Left out: one row with {cell!r} in 'age', which is no number to compute with (line 32)."
    ]


@pytest.mark.parametrize("cell", ["7", "+7", "7.", "70e-1", "0.7E1", "  7 ", '"7"'])
def test_ways_to_write_a_number(cell):
    same_as_rows(read_table(PLAIN + f"a,1,{cell},3\n"), [*ROWS[:6], ("a", 1.0, 7.0, 3.0), *ROWS[6:]])


def test_a_cell_of_endless_digits_takes_no_time():
    digits = "1" * 100_000
    begin = perf_counter()
    table = read_table(PLAIN + f"a,{digits},2,3\na,{digits}x,2,3\n")
    assert (
        perf_counter() - begin < 5 and "2 rows with '111" in said(table)[0]
    )  # a second look at each digit takes minutes


def test_many_lines_are_counted():
    table = read_table(PLAIN + "a,1,x,3\n" * 8 + "a,1\n" * 7 + ",1,2,3\n")
    same_as_rows(table)
    assert said(table) == [
        "Left out: 7 rows that have not 4 cells (lines 40, 41, 42, 43, 44, 2 more).",
        "Left out: one row without a task in 'patient' (line 47).",
        "Left out: 8 rows with 'x' or the like in 'age', which is no number to compute with (lines 32, 33, 34, 35, 36, 3 more).",
    ]


def test_a_row_is_left_out_once_and_one_whose_other_columns_are_bad_stays():
    text = text_of([(*row, "x") for row in ROWS], [*HEADER, "note"])
    table = read_table(text + "a,?,?,?,x\n")
    same_as_rows(table)
    assert said(table) == ["Left out: one row with nothing in 'score' (line 32)."]


def test_lines_are_those_of_the_file_whatever_stands_between():
    text = '"patient",dose,age,score\n\n' + PLAIN.split("\n", 1)[1] + ',,,\n"a\nb",1,x,2\na,1,x,2\n'
    assert "(lines 34, 36)" in said(read_table(text))[0]


def test_short_tasks_and_still_features_are_left_out():
    text = text_of([(row[0], *row[1:3], "abcde".index(row[0]), row[3]) for row in ROWS])
    header = "patient,dose,age,ward,score\n"
    table = read_table(header + text.split("\n", 1)[1] + "f,1,2,3,4\nf,2,2,3,4\nf,3,2,3,4\ng,1,2,3,4\n")
    same_as_rows(table)
    assert said(table) == [
        "Left out: 2 tasks with fewer than 4 rows ('f', 'g').",
        "Left out: the feature 'ward', which never varies within a task.",
    ]


@pytest.mark.parametrize(
    "content, says",
    [
        (b"", "The file is empty."),
        ("\n \n,,\n", "The file is empty."),
        ("a,b,c\n", "The file has one line: the names of the columns, and no row."),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "The file is no text: save the table as CSV."),
        (b"\xff\xfea", "The file is no text"),
        (bytes(range(256)), "The file is no text"),
        (b"PK\x03\x04\x14\x00", "The file is a workbook or an archive, no text"),
        ("a\n1\n", "The first line has one column: a table of tasks has three or more"),
        ("a b,c\n1,2\n", "The first line has 2 columns"),
        (",".join(f"c{place}" for place in range(101)) + "\n", "The table has 101 columns: at most 100"),
        ("1,2,3\n4,5,6\n", "The first line has the number '1': it must have the names"),
        ("a,0.5,b\n4,5,6\n", "The first line has the number '0.5'"),
        ("a,b,b\n1,2,3\n", "Two columns are called 'b': each must have a name of its own."),
        ("a,b,c\n1;2;3\n", "The first line names 3 columns, and the row after it has one cell"),
        ('a,b,c\n1,2,3\n1,"2,3\n', "The row that begins in line 3 has a quotation mark"),
        ('a,b,c\n1,"2"2,3\n', "The row that begins in line 2 has a quotation mark"),
        ("a,b,c\n" + "1,2,3\n" * 20_001, "The file has more than 20,000 rows"),
        ("a,b,c\n" + "1" * 2_000_000, "The file has 2.0 MB: at most 2 MB are read."),
        (
            "a,b,c\nq,1,2\nq,2,3\n",
            "0 tasks in 'a' have 4 whole rows or more: it takes 4, half of them to prepare and half to judge. "
            "Left out: one task with fewer than 4 rows ('q').",
        ),
        (PLAIN.replace("score", "<img src=x onerror=alert(1)>").replace(",", "\t"), None),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(content, says):
    if says is None:  # a name may be anything
        assert read_table(content).label == "<img src=x onerror=alert(1)>"
        return
    with pytest.raises(ValueError) as refused:
        read_table(content)
    assert str(refused.value).startswith(says) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "asked, says",
    [
        (dict(task="ward"), "There is no column 'ward': the columns are 'patient', 'dose', 'age', 'score'."),
        (dict(task="patient", features=["patient"]), "The column 'patient' is asked for twice"),
        (dict(task="age", label="age"), "The column 'age' is asked for twice"),
        (dict(features=["dose", "dose"]), "The column 'dose' is asked for twice"),
        (dict(label="patient", task="age"), "0 tasks in 'age' have 4 whole rows or more"),
    ],
)
def test_columns_that_cannot_be_are_refused(asked, says):
    with pytest.raises(ValueError, match="^" + says.replace("(", "\\(")):
        read_table(PLAIN, **asked)


@pytest.mark.parametrize("features", ["dose", 3, {"dose": 1}])
def test_features_are_a_list(features):
    with pytest.raises(TypeError, match="features must be a list of columns"):
        read_table(PLAIN, features=features)
    with pytest.raises(TypeError, match="content is 5"):
        read_table(5)


def test_a_label_or_features_that_never_vary_are_refused():
    flat = text_of([(*row[:3], "abcde".index(row[0])) for row in ROWS])
    with pytest.raises(ValueError, match="The label 'score' never varies within a task"):
        read_table(flat)
    with pytest.raises(ValueError, match="There is nothing to predict from"):
        read_table(flat, label="dose", features=["score"])
    words = text_of([(row[0], "x", "y", row[3]) for row in ROWS])
    with pytest.raises(ValueError, match="There is nothing to predict from"):
        read_table(words)


def test_there_are_thirty_features_at_most():
    rng = np.random.default_rng(0)
    header = ["patient", *(f"f{place}" for place in range(32)), "y"]
    text = text_of([(row[0], *rng.normal(size=33)) for row in ROWS], header)
    assert read_table(text).features == tuple(header[1:31])
    with pytest.raises(ValueError, match="There are 32 features: at most 30 are taken"):
        read_table(text, features=header[1:33])


def test_nobody_can_write_into_a_table():
    table = read_table(PLAIN)
    for array in (*table.x, *table.y):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_the_line_that_reads_a_table_again_is_its_repr(tmp_path, monkeypatch):
    odd = PLAIN.replace("dose", "do'se").replace("score", '"sc, ""ore"""')
    table = read_table(odd)
    (tmp_path / "table.csv").write_text(odd)
    monkeypatch.chdir(tmp_path)
    again = eval(repr(table), {"read_table": read_table})
    assert again.features == table.features == ("do'se", "age") and again.label == 'sc, "ore"'
    same_as_rows(again)


def test_a_cut_has_each_row_once_and_new_tasks_are_no_earlier_ones():
    rng = np.random.default_rng(0)
    sizes = [4, 5, 9, 41, 42, 60, 7]
    rows = [
        (f"t{task}", float(task), *rng.normal(size=2)) for task, size in enumerate(sizes) for _ in range(size)
    ]
    table = read_table(text_of(rows), features=["dose", "age"])
    assert table.features == ("age",)  # the number of the task does not vary within it
    table = read_table(text_of(rows), label="age", features=["score"])
    parts = table.cut(seed=3)
    order = np.random.default_rng(3).permutation(7)
    for place, x, y in zip(order[:3], parts.x_earlier, parts.y_earlier, strict=True):
        np.testing.assert_array_equal(x, [[row[3]] for row in rows if row[0] == f"t{place}"])
        np.testing.assert_array_equal(y, [row[2] for row in rows if row[0] == f"t{place}"])
    new = zip(order[3:], parts.x, parts.y, parts.x_held, parts.y_held, strict=True)
    for place, x, y, x_held, y_held in new:
        mine = [row for row in rows if row[0] == f"t{place}"]
        read = min(len(mine) // 2, 21)
        assert len(x) == len(y) == read and len(x_held) == len(y_held) == len(mine) - read
        np.testing.assert_array_equal(np.concatenate([x, x_held]), [[row[3]] for row in mine])
        np.testing.assert_array_equal(np.concatenate([y, y_held]), [row[2] for row in mine])
    with pytest.raises(ValueError, match="seed"):
        table.cut(seed=-1)


def test_of_a_long_task_five_hundred_rows_prepare():
    rng = np.random.default_rng(0)
    rows = [(f"t{task}", *rng.normal(size=3)) for task in range(4) for _ in range(600)]
    parts = read_table(text_of(rows)).cut()
    first, *_ = np.random.default_rng(0).permutation(4)
    np.testing.assert_array_equal(
        parts.x_earlier[0], [row[1:3] for row in rows if row[0] == f"t{first}"][:500]
    )
    assert [len(y) for y in parts.y_earlier] == [500, 500] and [len(y) for y in parts.y_held] == [579, 579]


LETTERS = some.text(some.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip).filter(bool)
NAMES = LETTERS.filter(lambda name: not name[0].isdigit() and name[0] not in "+-.")
NUMBERS = some.floats(-1e99, 1e99, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(data=some.data(), separator=some.sampled_from([",", ";", "\t"]), bom=some.booleans())
def test_what_a_csv_writer_writes_comes_back(data, separator, bom):
    header = data.draw(some.lists(NAMES, min_size=3, max_size=6, unique=True))
    rows = data.draw(
        some.lists(some.tuples(LETTERS, *[NUMBERS] * (len(header) - 1)), min_size=1, max_size=12)
    )
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerows([header, *rows])
    sheet = read_sheet(file.getvalue().encode("utf-8-sig" if bom else "utf-8"))
    assert sheet.left_out == () and list(sheet.names) == header
    assert [row[0] for row in sheet.rows] == [row[0] for row in rows]
    np.testing.assert_array_equal(sheet.numbers[:, 1:], [row[1:] for row in rows])


@settings(max_examples=150, deadline=None)
@given(content=some.one_of(some.binary(max_size=300), some.text(max_size=300), some.text(',;\t"\n\r1.5ab=')))
def test_whatever_is_in_a_file_the_answer_is_a_table_or_a_sentence(content):
    try:
        table = read_table(content)
    except ValueError as refused:
        assert "\n" not in str(refused)
    else:
        assert all(np.isfinite(x).all() for x in table.x)
