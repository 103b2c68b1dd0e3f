"""The site: all notebooks as pages that need no kernel. `python tools/build_site.py` writes build/site.

Here the pages are laid out, and the labs computed; Sphinx makes the pages (site/conf.py), and Pagefind the index of the search. A lab
becomes native sliders over figures that the lab's own compute and draw give beforehand (site_labs.py). All of that is plain scripts: a page
that is opened as a file can fetch nothing.
"""

import html
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
from address import address, binder, colab, project
from all_labs import FINGERPRINT, HOW_TO_RUN, LIVE, placed
from distribution import NoDistribution
from series import acts
from site_api import names_tables
from site_engine import build_engine
from site_front import front_page
from site_labs import names_anywhere, names_here, names_live, script, site_lab

from lt_helpers.labs.live import LiveLab
from lt_helpers.view.chart import FILES

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "site"
SITE = ROOT / "build" / "site"
PACKAGE = ROOT / "lt_helpers"
HANDOUTS = ROOT / "docs" / "handouts"
PICTURES = ROOT / "docs" / "pictures"
DOCUMENTS = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "CHANGELOG.md"]
REPOSITORY, VERSION = address(), project()["version"]  # no address yet: no links to it
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
CODE = re.compile(r"(?ms)(^```.*?^```$|(?<!\[)`[^`\n]*`(?!\]))")


def notebooks():
    """The notebooks, in order."""
    return sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


def page_name(path):
    return f"{path.stem.lower()}.html"


# What Sphinx reads


def laid_out(text, folder):
    """Markdown from `folder` as it stands on the site, where all pages lie side by side.

    Links to what is no page go to the repository, if it has an address; else the words stay.
    """

    def redirect(match):
        words, link = match.groups()
        target, hash_, anchor = link.partition("#")
        path = (folder / target).resolve()
        if "://" in link or not target or not path.exists():
            return match[0]
        if path in DOCUMENTS or path in notebooks():
            return f"[{words}]({path.stem.lower()}{path.suffix}{hash_}{anchor})"
        if path.parent == HANDOUTS:
            return f'<a href="handouts/{path.name}">{words}</a>'
        if REPOSITORY:
            return f"[{words}]({REPOSITORY}/blob/v{VERSION}/{path.relative_to(ROOT)}{hash_}{anchor})"
        return words

    parts = CODE.split(text)
    parts[::2] = [LINK.sub(redirect, part) for part in parts[::2]]
    return re.sub(r"(\]\(|srcset=\"|src=\")(\.\./)?(docs/)?pictures/", r"\1pictures/", "".join(parts))


def laid_out_notebook(path):
    """A notebook as Sphinx reads it, and the labs of its page that are computed beforehand: {name: (class, values)}."""
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.source and "setup" not in cell.metadata.get("tags", [])]
    live = live_address(path)
    labs = placed(path.stem, [cell.source if cell.cell_type == "code" else "" for cell in cells])
    found = {name: (kind, values) for name, kind, values in labs.values() if not issubclass(kind, LiveLab)}
    for index, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            cell.source = laid_out(cell.source.replace(HOW_TO_RUN, ""), path.parent)
            continue
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
        if index in labs:
            name = labs[index][0]
            if name in found:
                first = name == next(iter(found))
                cell.outputs = [shown(lab_box(name, live) + lab_scripts(name, first))]
            else:
                cell.outputs = [shown(training_box(name, cell.outputs, live))]
            continue
        for one in cell.outputs:
            show_without_kernel(cell, one, live)
    if REPOSITORY:
        places = {
            "Binder": live,
            "Colab": colab(REPOSITORY, VERSION, f"notebooks/{path.name}"),
            "at home": REPOSITORY,
        }
        links = ", ".join(f"[{place}]({link})" for place, link in places.items())
        cells.insert(1, nbformat.v4.new_markdown_cell(f"Run it live: {links}."))
    here = set().union(*(names_here(kind(**values)) for kind, values in found.values()))
    named = re.compile(rf"(?<!\*)\*({'|'.join(map(re.escape, sorted(names_anywhere() - here)))})\*(?!\*)")
    naming = [cell for cell in cells if cell.cell_type == "markdown" and named.search(cell.source)]
    if naming:
        there = {name: names_live(kind(**values)) for name, kind, values in labs.values()}
        for cell in naming:
            cell.source = say_where(cell.source, named, there)
    notebook.cells = cells
    return notebook, found


def say_where(text, named, there):
    """A paragraph that names a control which is not on the page says where that is.

    Parameters
    ----------
    text : str.  Markdown.
    named : re.Pattern.  What names a control that the page's labs lack, as they are computed beforehand; its first group is the name.
    there : dict.  {name of a lab's place: names of controls that the lab has once it is live}

    Returns
    -------
    str
        The text with one remark in each paragraph for each of the labs' sets: the page takes it away (engine.js) once such a lab is live.
    """

    def remark(part):
        said = set()

        def add(match):
            labs = tuple(lab for lab, names in there.items() if match[1] in names)
            if labs in said:
                return match[0]
            said.add(labs)
            return f'{match[0]}<span class="lt-elsewhere" data-labs="{" ".join(labs)}"> (in the live notebook)</span>'

        return named.sub(add, part)

    return "\n\n".join(map(remark, text.split("\n\n")))


def show_without_kernel(cell, output, live):
    """Turn an output into what a page can show: a widget becomes words, and a stored picture keeps its own for who does not see it."""
    data = output.get("data", {})
    is_lab = FINGERPRINT in output.get("metadata", {})
    words = data.get("text/plain")
    if words == LIVE or is_lab:
        picture = image(data) if is_lab else ""
        output.data = {
            "text/html": f'{picture}<p class="note">This one needs a kernel: {live_notebook(live)}.</p>'
        }
    elif "image/png" in data:
        output.data = {"text/html": image(data)}


def shown(fragment):
    """An output that shows some HTML."""
    return nbformat.v4.new_output("display_data", {"text/html": fragment})


def image(data):
    """A stored picture, with its words for who does not see it."""
    words = html.escape(data.get("text/plain", "figure"))
    return f'<img src="data:image/png;base64,{data["image/png"].strip()}" alt="{words}">'


def live_notebook(live):
    """The words for a notebook with a kernel, linked where it can be opened."""
    return f'<a href="{live}">the live notebook</a>' if live else "the live notebook"


def live_address(path):
    """Where a notebook opens with a kernel; empty while the project has no address."""
    return binder(REPOSITORY, VERSION, f"notebooks/{path.name}") if REPOSITORY else ""


def lab_box(name, live):
    """The place of a lab, filled by its script."""
    note = f"Computed beforehand, for these controls. All controls, and new sequences: {live_notebook(live)}."
    return f'<div class="lab"><div data-lab="{name}">This lab needs JavaScript.</div><p class="note">{note}</p></div>'


def training_box(name, outputs, live):
    """The place of a lab that trains: its picture, until the site's engine (site_engine.py) takes its place."""
    pictures = [image(one.data) for one in outputs if FINGERPRINT in one.get("metadata", ())]
    note = f"This one needs a kernel: {live_notebook(live)}."
    return (
        f'<div class="lab"><div data-live="{name}">{"".join(pictures)}</div><p class="note">{note}</p></div>'
    )


def lab_scripts(name, first):
    """What fills a lab's place; the first one of a page brings what all of them need."""
    scripts = [*(["static/lab.js"] if first else []), f"labs/{name}.js"]
    return "".join(f'<script defer src="{source}"></script>' for source in scripts)


def contents():
    """The tables that the sidebar shows: the series by its acts, and what stands beside it."""
    tables = [(act["title"], [one["name"] for one in act["notebook"]]) for act in acts()]
    tables.append(("Beside the notebooks", [*(path.stem.lower() for path in DOCUMENTS), "api", "search"]))
    return [
        "\n".join(["```{toctree}", ":hidden:", f":caption: {title}", "", *names, "```"])
        for title, names in tables
    ]


def reference():
    """The pages of the package's reference, one for each of its folders -> {name: text}"""
    pages = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        folder = ".".join(path.parent.relative_to(ROOT).parts)
        if not path.stem.startswith("__main"):
            pages.setdefault(folder, [f"# {folder}"]).append(
                f"## {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n   :ignore-module-all:\n```"
            )
    index = (
        f"# API of the package\n\n{names_tables()}\n\n## All modules\n\n```{{toctree}}\n:maxdepth: 2\n\n"
        + "\n".join(pages)
        + "\n```\n"
    )
    return {"api": index} | {name: "\n\n".join(parts) for name, parts in pages.items()}


def lay_out(folder):
    """Write what Sphinx reads into `folder` -> the labs of all pages, {name: (class, values)}"""
    found = {}
    for path in notebooks():
        notebook, here = laid_out_notebook(path)
        nbformat.write(notebook, folder / path.name)
        found |= here
    pages = {path.stem.lower(): laid_out(path.read_text(encoding="utf-8"), path.parent) for path in DOCUMENTS}
    pages["index"] = "\n\n".join([laid_out(front_page(), ROOT), *contents()])
    pages["search"] = (SOURCE / "search.md").read_text(encoding="utf-8")
    for name, text in {**pages, **reference()}.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    shutil.copytree(PICTURES, folder / "pictures")
    return found


# What comes of it


def lab_script(job):
    """(name, (class, values)) -> the script of a lab."""
    name, (kind, values) = job
    opened = kind(**values).beat
    return script(name, site_lab(kind(**{**values, "beat": None}), opened))


def build(site=SITE):
    """Write the site into the folder `site`, anew."""
    shutil.rmtree(site, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        pages, made = Path(folder) / "pages", Path(folder) / "made"
        pages.mkdir()
        found = lay_out(pages)
        sphinx = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-j", "auto"]
        subprocess.run([*sphinx, "-c", SOURCE, "-d", made, pages, site], check=True)

    (site / "labs").mkdir()
    with ProcessPoolExecutor() as processes:
        for name, text in zip(found, processes.map(lab_script, found.items())):
            (site / "labs" / f"{name}.js").write_text(text)
    (site / "static").mkdir()
    drawing = [FILES / name for name in ("plotly.min.js", "hands.js", "draw.js")] + [SOURCE / "lab.js"]
    (site / "static" / "lab.js").write_text("\n".join(path.read_text() for path in drawing))
    shutil.copytree(HANDOUTS, site / "handouts")
    (site / "_images").rename(
        site / "pictures"
    )  # Sphinx's name for it; its pages have the other one (conf.py)
    shutil.copytree(PICTURES, site / "pictures", dirs_exist_ok=True)
    shutil.copy(SOURCE / "serve.py", site)
    pagefind = [sys.executable, "-m", "pagefind", "--silent", "--site", site, "--root-selector", "article"]
    subprocess.run([*pagefind, "--exclude-selectors", ".headerlink, .lab, .pull, .cards"], check=True)


if __name__ == "__main__":
    build()
    try:
        build_engine(SITE)
    except NoDistribution as error:
        print(f"The labs of the site slide, and are not live: {error}", file=sys.stderr)
    size = sum(path.stat().st_size for path in SITE.rglob("*.*")) / 1e6
    print(
        f"{SITE / 'index.html'}: {size:.1f} MB in all. Open it in a browser, or see all of it with `make serve`."
    )
