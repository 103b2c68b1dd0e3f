"""Carry what has one home into the files that repeat it: `python tools/write_readme.py`.

The repository's address and the version come from pyproject.toml, the map of the series from notebooks/.text/series.toml. They go into
README.md, between comments such as <!-- map --> and <!-- /map -->, and into CITATION.cff. The numbers of docs/decision-brief.md come from
what notebook 12 prints (brief.py).
"""

import re
import tomllib
from pathlib import Path

import brief
from dashboard import page_path

ROOT = Path(__file__).parent.parent


def project():
    """The [project] table of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def series():
    """The acts of notebooks/.text/series.toml, each with its notebooks."""
    return tomllib.loads((ROOT / "notebooks" / ".text" / "series.toml").read_text())["act"]


def half_day():
    """The names of the notebooks that fill half a day, in order."""
    return tomllib.loads((ROOT / "notebooks" / ".text" / "series.toml").read_text())["half_day"]


def first_notebook():
    return f"notebooks/{series()[0]['notebook'][0]['name']}.ipynb"


def binder(repository, version, notebook):
    """Where Binder opens a notebook, as it is at the version's tag."""
    return f"https://mybinder.org/v2/gh/{repository.removeprefix('https://github.com/')}/v{version}?urlpath=lab/tree/{notebook}"


def noise_lab_alone(repository, version):
    """Where Binder shows the noise lab and nothing else: Voila, on the page that binder/postBuild writes."""
    page = page_path("noise-lab").relative_to(ROOT).as_posix()
    return f"https://mybinder.org/v2/gh/{repository.removeprefix('https://github.com/')}/v{version}?urlpath=voila/render/{page}"


def colab(repository, version, notebook):
    """Where Colab opens it."""
    return f"https://colab.research.google.com/github/{repository.removeprefix('https://github.com/')}/blob/v{version}/{notebook}"


def pages(repository):
    """Where GitHub Pages shows the site."""
    owner, name = repository.removeprefix("https://github.com/").split("/")
    return f"https://{owner.lower()}.github.io/{name}/"


def badges(repository, version):
    first = first_notebook()
    return (
        f"[![Tests]({repository}/actions/workflows/tests.yml/badge.svg)]({repository}/actions/workflows/tests.yml)\n"
        f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({binder(repository, version, first)})\n"
        f"[![The noise lab alone](https://img.shields.io/badge/launch-noise_lab-579aca)]({noise_lab_alone(repository, version)})\n"
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab(repository, version, first)})"
    )


def trying(repository, version):
    return f"**[Try it now]({pages(repository)})**: all notebooks as pages, with labs that slide in any browser and nothing to install."


def clone(repository, version):
    return f"```sh\ngit clone {repository} lt_helpers\ncd lt_helpers\nmake lab\n```"


def citation(repository, version):
    return f"The notebooks and the code: the lt_helpers authors, *lt_helpers* {version}, {repository} ([CITATION.cff](CITATION.cff))."


def series_map(repository, version):
    """The map as a table: a row for each notebook, linked if it is there."""
    rows = ["| | notebook | minutes | what it is about |", "|---|---|---|---|"]
    for act in series():
        rows.append(f"| | ***{act['title']}*** | | |")
        for notebook in act["notebook"]:
            number, path = notebook["name"][:2], f"notebooks/{notebook['name']}.ipynb"
            title = (
                f"[{notebook['title']}]({path})"
                if (ROOT / path).exists()
                else f"{notebook['title']} (to come)"
            )
            rows.append(f"| {number} | {title} | {notebook['minutes']} | {notebook['idea']} |")
    return "\n".join(rows)


BLOCKS = {"badges": badges, "try": trying, "clone": clone, "map": series_map, "citation": citation}


def written():
    """What the files should hold -> dictionary of paths and texts."""
    about = project()
    repository, version = about["urls"]["Repository"], about["version"]
    readme = filled(ROOT / "README.md", {name: block(repository, version) for name, block in BLOCKS.items()})
    cff = (ROOT / "CITATION.cff").read_text()
    cff = re.sub(r"(?m)^version: .*", f"version: {version}", cff)
    cff = re.sub(r"(?m)^repository-code: .*", f'repository-code: "{repository}"', cff)
    numbers = filled(brief.BRIEF, {name: brief.block(language) for name, language in brief.BLOCKS.items()})
    return {ROOT / "README.md": readme, ROOT / "CITATION.cff": cff, brief.BRIEF: numbers}


def filled(path, blocks):
    """The text of a page with its blocks replaced."""
    text = path.read_text()
    for name, block in blocks.items():
        text, found = re.subn(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)",
            lambda m, b=block: f"{m[1]}{b}\n{m[2]}",
            text,
            flags=re.S,
        )
        if found != 1:
            raise SystemExit(
                f"{path.name} has {found} blocks <!-- {name} --> ... <!-- /{name} -->: it must have one."
            )
    return text


if __name__ == "__main__":
    for path, text in written().items():
        path.write_text(text)
