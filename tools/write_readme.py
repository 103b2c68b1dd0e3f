"""Carry what has one home into the files that repeat it: `python tools/write_readme.py`.

The version comes from pyproject.toml, the project's address from there or from the clone (address.py), the maps and lists of notebooks from
notebooks/.text/series.toml (series.py). They go into README.md and the instructor guide, between comments such as <!-- map --> and
<!-- /map -->, and into CITATION.cff. Without an address what would point to it is left out. The numbers of docs/decision-brief.md come from
what notebook 12 prints (brief.py), and the tables of the guide from docs/teaching.toml and from what is computed (guide.py).
"""

import re

import brief
import guide
from address import ROOT, address, binder, binder_page, colab, lite, pages, project
from dashboard import page_path
from series import first_notebook, home_line, map_of_ideas


def badges(repository, version):
    if not repository:
        return ""
    first = first_notebook()
    noise_lab = page_path("noise-lab").relative_to(ROOT).as_posix()
    return (
        f"[![Try it in the browser](https://img.shields.io/badge/try_it-in_the_browser-2a9d8f)]({pages(repository)})\n"
        f"[![Tests]({repository}/actions/workflows/tests.yml/badge.svg)]({repository}/actions/workflows/tests.yml)\n"
        f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({binder(repository, version, first)})\n"
        f"[![The noise lab alone](https://img.shields.io/badge/launch-noise_lab-579aca)]({binder_page(repository, version, noise_lab)})\n"
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab(repository, version, first)})"
    )


def trying(repository, version):
    if not repository:
        return ""
    here = lite(repository, first_notebook())
    return (
        f"**[Try it now]({pages(repository)})**: all notebooks as pages, with labs that slide in any browser and nothing to install.\n"
        f"[Run them there]({here}) as well: Python comes into the page, and what you change stays in your browser."
    )


def clone(repository, version):
    """How to get the project and start it; who has it already stands in its folder, which has one of the same name in it."""
    fetch = f"git clone {repository} lt_helpers\ncd lt_helpers\n" if repository else ""
    where = "" if repository else "In the folder of the project:\n\n"
    return f"{where}```sh\n{fetch}make lab\n```"


def room(repository, version):
    if not repository:
        return ""
    return "With nothing installed at all, the Binder badge above opens the series."


def citation(repository, version):
    where = f", {repository}" if repository else ""
    return f"The notebooks and the code: the lt_helpers authors, *lt_helpers* {version}{where} ([CITATION.cff](CITATION.cff))."


BLOCKS = {
    "badges": badges,
    "try": trying,
    "clone": clone,
    "map": lambda repository, version: map_of_ideas(),
    "room": room,
    "citation": citation,
}


def compose():
    """What the files should hold -> dictionary of paths and texts."""
    repository, version = address(), project()["version"]
    blocks = {name: block(repository, version) for name, block in BLOCKS.items()}
    numbers = {name: brief.block(language) for name, language in brief.BLOCKS.items()}
    return {
        ROOT / "README.md": fill(ROOT / "README.md", blocks),
        ROOT / "CITATION.cff": cite(repository, version),
        guide.GUIDE: fill(guide.GUIDE, {"home": home_line(), **guide.blocks()}),
        brief.BRIEF: fill(brief.BRIEF, numbers),
    }


def cite(repository, version):
    """The text of CITATION.cff."""
    text = (ROOT / "CITATION.cff").read_text()
    text = re.sub(r"(?m)^version: .*", f"version: {version}", text)
    text = re.sub(r"(?m)^repository-code: .*\n", "", text)
    where = f'\nrepository-code: "{repository}"' if repository else ""
    return re.sub(r"(?m)^license: .*", rf"\g<0>{where}", text)


def fill(path, blocks):
    """The text of a page with its blocks replaced."""
    text = path.read_text()
    for name, block in blocks.items():
        content = f"{block}\n" if block else ""
        text, found = re.subn(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)",
            lambda match, content=content: f"{match[1]}{content}{match[2]}",
            text,
            flags=re.S,
        )
        if found != 1:
            raise SystemExit(
                f"{path.name} has {found} blocks <!-- {name} --> ... <!-- /{name} -->: it must have one."
            )
    return text


if __name__ == "__main__":
    for path, text in compose().items():
        path.write_text(text)
