"""The series of notebooks as notebooks/.text/series.toml tells it, and all that is made of it alone: maps, links to neighbours, plans.

A notebook that is to join the series needs its text and its entry there. The rest follows: the README's map (`make readme`), the one in
notebook 00, the link at the end of the notebook before it (`make notebooks`), the guide's line on what is for home, the site's pages.
"""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "notebooks" / ".text" / "series.toml"
MAP = "<!-- series -->"  # where a notebook's text wants the map
KEYS = ("name", "title", "minutes", "idea", "question")


def acts():
    """The parts of the series, in order -> list of dictionaries with `title` and `notebook`, a list."""
    found = tomllib.loads(FILE.read_text())["act"]
    for notebook in (notebook for act in found for notebook in act["notebook"]):
        missing = [key for key in KEYS if key not in notebook]
        if missing:
            raise SystemExit(f"{FILE.name}: the entry {notebook.get('name', notebook)} has no {missing[0]}.")
    return found


def series():
    """All notebooks, in order -> list of dictionaries with name, title, minutes, idea, question."""
    return [notebook for act in acts() for notebook in act["notebook"]]


def half_day():
    """The names of the notebooks that fill half a day, in order."""
    return tomllib.loads(FILE.read_text())["half_day"]


def for_home():
    """The notebooks that a full day leaves for home, in order."""
    in_the_room = tomllib.loads(FILE.read_text())["full_day"]
    return [notebook for notebook in series() if notebook["name"] not in in_the_room]


def first_notebook():
    """The path of the notebook that opens first."""
    return f"notebooks/{series()[0]['name']}.ipynb"


def table(heading, row):
    """A table with a line for each act, and a row for each notebook.

    Parameters
    ----------
    heading : str
        Its first line, with four columns.
    row : function
        From a notebook of `series()` to its line.
    """
    lines = [heading, "|---|---|---|---|"]
    for act in acts():
        lines.append(f"| | ***{act['title']}*** | | |")
        lines.extend(row(notebook) for notebook in act["notebook"])
    return "\n".join(lines)


def map_of_ideas():
    """The map for whoever looks at the project: what each notebook is about. Its links go from the root."""
    return table(
        "| | notebook | minutes | what it is about |",
        lambda one: (
            f"| {one['name'][:2]} | [{one['title']}](notebooks/{one['name']}.ipynb) | {one['minutes']} | {one['idea']} |"
        ),
    )


def map_of_questions(here):
    """The map for learners: what each notebook answers. Its links go from the notebook `here`, which is not linked."""

    def row(one):
        title = one["title"] if one["name"] == here else f"[{one['title']}]({one['name']}.ipynb)"
        return f"| {one['name'][:2]} | {title} | {one['minutes']} | {one['question']} |"

    return table("| | Notebook | Minutes | It answers |", row)


def way_on(name):
    """The last line of a notebook: a link to the one after it, or from the last one to the first."""
    names = [notebook["name"] for notebook in series()]
    if name not in names:
        raise SystemExit(f"{name} is not in notebooks/.text/{FILE.name}: it needs {', '.join(KEYS)}.")
    at = names.index(name)
    last = at + 1 == len(names)
    other = series()[0 if last else at + 1]
    link = f"[{other['name'][:2]}  {other['title']}]({other['name']}.ipynb)"
    return f"This is the last notebook. The map of the series: {link}" if last else f"Next: {link}"


def home_line():
    """The guide's line on the notebooks that a full day leaves out; empty where it leaves out none."""
    links = [
        f"[{one['name'][:2]} {one['title']}](../notebooks/{one['name']}.ipynb){one.get('at_home', '')}"
        for one in for_home()
    ]
    if not links:
        return ""
    return f"For home: {', '.join(links[:-1])}{', and ' if links[1:] else ''}{links[-1]}."
