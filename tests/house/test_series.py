"""The series holds together: a notebook needs its text, its entry, its lab and its exercise, and whatever is missing is named.

One more notebook is added to a copy of the project here: what the tools make of it, and what the tests of the house then say.
"""

import ast
import re
import shutil

import nbformat
import pytest
from all_labs import all_labs, lab_call
from build_notebooks import NOTEBOOKS, build, texts
from series import for_home, half_day, home_line, series, way_on

pytestmark = pytest.mark.slow

LAB_PICTURE = re.compile(r"!\[([^\]]+)\]\(\.\./docs/pictures/([a-z-]+)\.png\)")
NAMES = {lab.__name__: name for name, lab in all_labs().items()}


def lab_names(notebook):
    """The labs that a notebook's cells show, in order -> names of classes."""
    shown = [lab_call(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    return [kind.__name__ for kind, _ in filter(None, shown)]


@pytest.mark.parametrize("text", texts(), ids=lambda text: text.stem)
def test_each_notebook_shows_a_lab_and_its_picture_in_words(text):
    notebook = build(text)
    shown = lab_names(notebook)
    assert shown, f"{text.name} shows no lab: a cell whose last line is SomeLab()"
    pictures = {
        name: words
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for words, name in LAB_PICTURE.findall(cell.source)
    }
    picture = NAMES.get(shown[0])
    assert picture, f"{shown[0]}, which {text.name} shows, is not in lt_helpers.labs.__all__"
    assert picture in pictures, (
        f"{text.name} has no picture ![what it shows](../docs/pictures/{picture}.png) for readers of a page where nothing is live"
    )
    assert len(pictures[picture].split()) > 20, f"{text.name}: say in words what {picture}.png shows"


@pytest.mark.parametrize("name", all_labs())
def test_each_lab_has_a_picture(name):
    assert (NOTEBOOKS.parent / "docs" / "pictures" / f"{name}.png").exists(), (
        f"run: make pictures ARGS={name}"
    )


def test_each_lab_is_shown_by_a_notebook():
    shown = {name for text in texts() for name in lab_names(build(text))}
    assert not set(NAMES) - shown, "no notebook shows these"


def test_each_lab_that_is_written_is_offered():
    """A class of the folder that nobody exports is on no page and in no test; what labs derive from is no lab itself."""
    folder = NOTEBOOKS.parent / "lt_helpers" / "labs"
    classes = [
        node
        for path in folder.glob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and re.fullmatch(r"\w+Lab", node.name)
    ]
    bases = {base.id for node in classes for base in node.bases if isinstance(base, ast.Name)}
    forgotten = {node.name for node in classes} - bases - set(NAMES)
    assert not forgotten, "add them to lt_helpers/labs/__init__.py, and to __all__ there"


def test_each_lab_has_a_table_of_marks():
    """What no table holds can lie: some file of tests/labs opens the lab and compares its marks."""
    files = [path.read_text() for path in (NOTEBOOKS.parent / "tests" / "labs").glob("test_*.py")]
    tables = [text for text in files if "assert_marks(" in text]
    without = [name for name in NAMES if not any(re.search(rf"\b{name}\b", text) for text in tables)]
    assert not without, "write its table: tests/labs/test_NAME.py, as tests/labs/test_noise.py does"


def test_texts_and_entries_are_the_same_notebooks():
    assert [text.stem for text in texts()] == [notebook["name"] for notebook in series()]
    assert set(half_day()) <= {notebook["name"] for notebook in series()}


def test_each_notebook_leads_on():
    names = [notebook["name"] for notebook in series()]
    for name, following in zip(names, [*names[1:], names[0]]):
        assert f"({following}.ipynb)" in way_on(name)
        last = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells[-1].source
        assert last.endswith(way_on(name)), "run: make readme"


NEXT = f"{len(series()):02}"  # the number of one more notebook, NN below
TEXT = """\
# %% [markdown]
# # NN  Waves
# *A notebook that is here for a test.*
#
# **Takes** 20 minutes. **Needs** the noise lab ([07](07_noise_adaptive_step_sizes.ipynb)).

# %%
from lt_helpers.exercises import waves
from lt_helpers.labs import WaveLab

print(f"{1 + 1:.1f}")

# %% [markdown]
# ![The wave lab, which draws what the noise lab draws: ten components of the weight that the model has found, as blue dots, beside those of
# the truth, and three more panels](../docs/pictures/wave-lab.png)

# %% tags=["nbval-ignore-output"]
WaveLab(sigma=2.0)

# %% tags=["exercise"]
def excess_risk(y_hat, y_oracle, y):
    ...

# %% tags=["check"]
waves.excess_risk.check(excess_risk)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def excess_risk(y_hat, y_oracle, y):
#     return ((y_hat - y) ** 2).mean() / 2 - ((y_oracle - y) ** 2).mean() / 2
# ```
#
# </details>
"""
ENTRY = """
[[act.notebook]]
name = "NN_waves"
title = "Waves"
minutes = 20
idea = "What a test adds"
question = "Is one more notebook easy?"
"""
LAB = '''\
"""The wave lab, which is here for a test."""

from .noise import NoiseLab


class WaveLab(NoiseLab):
    """The noise lab by another name."""
'''
EXERCISE = '''\
"""Notebook NN: the exercise of notebook 00 once more, which is here for a test."""

from dataclasses import replace

from . import start

excess_risk = replace(start.excess_risk, name="waves.excess_risk")
'''
TABLE = '''\
"""The wave lab draws what the noise lab draws."""

from marks import assert_marks, describe, numbers, shown_marks

from lt_helpers.labs import NoiseLab, WaveLab


def test_every_mark_is_the_noise_labs():
    lab = NoiseLab(sigma=2.0)
    marks = shown_marks(lab)
    axes = {(panel.name, "axes"): (describe(panel.x), describe(panel.y)) for panel in lab.panels_now}
    roles = {place: mark.role for place, mark in marks.items()}
    assert_marks(WaveLab(sigma=2.0), {place: numbers(mark) for place, mark in marks.items()} | axes, roles)
'''
HOUSE = [f"tests/house/test_{name}.py" for name in ("series", "notebooks", "readme", "guide")]
EXERCISES = ["tests/unit/test_notebook_solutions.py"]
SITE = """
from build_site import ROOT, contents, front_page, laid_out_notebook, notebooks, page_name
(path,) = (path for path in notebooks() if path.stem.startswith("NN"))
notebook, found = laid_out_notebook(path)
labs = {name: (kind.__name__, values) for name, (kind, values) in found.items()}
card = f'href="{page_name(path)}"' in front_page() and "wave-lab.png" in front_page()
shown = "(pictures/wave-lab.png)" in "".join(cell.source for cell in notebook.cells)
print(page_name(path), labs, card, shown, any(path.stem in table for table in contents()))
"""


def add_notebook(copy):
    """What somebody writes who adds a notebook: its text, its entry, its lab and its exercise."""
    (copy / f"notebooks/.text/{NEXT}_waves.py").write_text(TEXT.replace("NN", NEXT))
    series_file = copy / "notebooks/.text/series.toml"
    series_file.write_text(series_file.read_text() + ENTRY.replace("NN", NEXT))
    (copy / "lt_helpers/labs/waves.py").write_text(LAB)
    labs = copy / "lt_helpers/labs/__init__.py"
    labs.write_text(
        labs.read_text().replace("__all__ = [", 'from .waves import WaveLab\n\n__all__ = [\n    "WaveLab",')
    )
    (copy / "lt_helpers/exercises/waves.py").write_text(EXERCISE.replace("NN", NEXT))
    catalogue = copy / "lt_helpers/language/en.toml"
    text = catalogue.read_text()
    section = re.search(r"\[exercises\.start\.excess_risk\]\n(.+\n)+", text)[0]
    catalogue.write_text(text + "\n" + section.replace("exercises.start", "exercises.waves"))


def failures(copy, files, chosen):
    """The tests of a copy that fail -> their names, and all that they say."""
    done = copy.python(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, "-k", f"({chosen}) and not copy"
    )
    assert " passed" in done.stdout or " failed" in done.stdout, done.stdout
    return set(re.findall(r"(?m)^FAILED \S+::(\w+)", done.stdout)), done.stdout


def test_one_more_notebook_in_a_copy_is_its_text_its_entry_its_lab_and_its_exercise(copy):
    add_notebook(copy)
    # make notebooks NB=NN
    copy.check_python("tools/build_notebooks.py", NEXT)
    copy.check_python("tools/write_readme.py")
    copy.check_python("tools/build_notebooks.py", "--refresh")

    def last_cell(name):
        return nbformat.read(copy / f"notebooks/{name}.ipynb", as_version=4).cells[-1].source

    assert (
        f"| {NEXT} | [Waves](notebooks/{NEXT}_waves.ipynb) | 20 | What a test adds |"
        in (copy / "README.md").read_text()
    )
    start = (copy / "notebooks/00_start_here.ipynb").read_text()
    assert f"| {NEXT} | [Waves]({NEXT}_waves.ipynb) | 20 | Is one more notebook easy? |" in start
    assert last_cell(series()[-1]["name"]).endswith(f"Next: [{NEXT}  Waves]({NEXT}_waves.ipynb)")
    assert last_cell(f"{NEXT}_waves").endswith("The map of the series: [00  Start here](00_start_here.ipynb)")
    assert (
        f", and [{NEXT} Waves](../notebooks/{NEXT}_waves.ipynb).\n"
        in (copy / "docs/instructor-guide.md").read_text()
    )
    site = copy.check_python("-c", SITE.replace("NN", NEXT))
    assert site == f"{NEXT}_waves.html {{'{NEXT}_waves-1': ('WaveLab', {{'sigma': 2.0}})}} True True True\n"

    # Only a browser can draw the picture: it is asked for by name.
    found, said = failures(copy, HOUSE[:2], "picture or waves or marks")
    assert found == {
        "test_each_lab_has_a_picture",
        "test_links_lead_somewhere",
        "test_each_lab_has_a_table_of_marks",
    }
    assert "tests/labs/test_NAME.py" in said
    (copy / "tests/labs/test_waves.py").write_text(TABLE)
    assert "run: make pictures ARGS=wave-lab" in said
    shutil.copy(copy / "docs/pictures/noise-lab.png", copy / "docs/pictures/wave-lab.png")
    found, said = failures(
        copy,
        HOUSE + ["tests/labs/test_waves.py"] + EXERCISES,
        "series or readme or waves or guide and not every_prediction",  # the answers are for `make handouts`
    )
    assert found == set(), said


@pytest.mark.parametrize(
    "forgotten, old, new, said",
    [
        ("notebooks/.text/series.toml", ENTRY.replace("NN", NEXT), "", f"{NEXT}_waves is not in notebooks/.text/series.toml"),
        ("notebooks/.text/series.toml", 'question = "Is one more', 'why = "Is one more', "has no question"),
        ("lt_helpers/labs/__init__.py", "from .waves import WaveLab\n\n__all__ = [\n    \"WaveLab\",", "__all__ = [", "WaveLab"),
    ],
)  # fmt: skip
def test_what_is_forgotten_in_a_copy_is_named(copy, forgotten, old, new, said):
    add_notebook(copy)
    copy.edit(forgotten, old, new)
    done = copy.python("tools/build_notebooks.py", NEXT)
    assert done.returncode == 1 and said in done.stderr


def test_the_guides_line_names_what_is_for_home():
    links = re.findall(r"\(\.\./notebooks/(\w+)\.ipynb\)", home_line())
    assert links == [notebook["name"] for notebook in for_home()] != []
    assert home_line().count(", and ") == 1


def test_there_is_no_line_where_nothing_is_left_for_home(monkeypatch):
    monkeypatch.setattr("series.for_home", list)
    assert home_line() == ""
