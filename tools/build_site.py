"""The site: all notebooks as pages that need no kernel, no network and no server. `python tools/build_site.py [07 ...]` writes build/site.

A lab becomes native sliders over figures that are computed here, by the lab's own compute and draw (site_labs.py). The pages share
plotly.js, KaTeX, the style and the search index; all scripts are plain ones, because a page opened as a file can fetch nothing.
"""

import html
import json
import re
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from urllib.parse import unquote

import nbformat
from address import address, binder, colab, project
from all_labs import FINGERPRINT, HOW_TO_RUN, LIVE, lab_of
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from pygments.formatters import HtmlFormatter
from series import map_of_ideas
from site_api import reference
from site_engine import build_engine
from site_labs import script, site_lab

from lt_helpers.labs.live import LiveLab
from lt_helpers.view.chart import FILES

ROOT = Path(__file__).parents[1]
WEBSITE = ROOT / "tools" / "website"
SITE = ROOT / "build" / "site"
HANDOUTS = ROOT / "docs" / "handouts"
DOCUMENTS = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "CHANGELOG.md"]
REPOSITORY, VERSION = address(), project()["version"]  # no address yet: no links to it
NAME = "Linear transformers, taken apart"
HEADING = re.compile(r'<h([1-3]) id="([^"]+)">(.*?)</h\1>', re.S)


def notebooks(prefixes=()):
    """The notebooks, in order: all, or those whose names start with one of `prefixes`."""
    return [
        path
        for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
        if path.stem.startswith(tuple(prefixes) or "")
    ]


def page_name(path):
    return f"{path.stem.lower()}.html"


def anchor_of(heading):
    """The name of a heading in links, as GitHub makes it: so one link serves both."""
    return re.sub(r"[^\w-]", "", unquote(html.unescape(heading)).lower())


def rendered(text, folder):
    """Markdown as HTML. Links from `folder` to what is on the site stay on the site; the others to the repository, if it has an address."""

    def redirect(match):
        link, _, anchor = match[2].partition("#")
        if "://" in link or link == "api.html":
            return match[0]
        if not link:
            return f'{match[1]}="#{anchor_of(anchor)}"'
        path = (folder / link).resolve()
        if path in DOCUMENTS or path in notebooks():
            target = page_name(path)
        elif path.parent == HANDOUTS:
            target = f"handouts/{path.name}"
        elif path.suffix in (".png", ".svg"):
            target = f"pictures/{path.name}"
        elif REPOSITORY:
            target = f"{REPOSITORY}/blob/v{VERSION}/{path.relative_to(ROOT)}"
        else:
            return ""
        return f'{match[1]}="{target}{"#" * bool(anchor)}{anchor_of(anchor)}"'

    body = re.sub(r'\b(href|src|srcset)="([^"]*)"', redirect, markdown2html_mistune(text))
    body = re.sub(r"<a >(.*?)</a>", r"\1", body, flags=re.S)  # a link that leads nowhere is its words
    body = re.sub(r'(<h\d id=")([^"]*)', lambda match: match[1] + anchor_of(match[2]), body)
    body = body.replace("<img ", '<img loading="lazy" ')
    return re.sub(r"<table>.*?</table>", r'<div class="scroll">\g<0></div>', body, flags=re.S)


def lab_script(job):
    """(name, (class, values)) -> the script of a lab."""
    name, (kind, values) = job
    opened = kind(**values).beat
    return script(name, site_lab(kind(**{**values, "beat": None}), opened))


def output(data, live, metadata=()):
    """An output of a cell, in the richest form that a page can show."""
    if data.get("text/plain") == LIVE or FINGERPRINT in metadata:
        picture = image(data) if FINGERPRINT in metadata else ""
        return picture + f'<p class="note">This one needs a kernel: {live_notebook(live)}.</p>'
    if "text/html" in data:
        return f'<div class="scroll">{data["text/html"]}</div>'
    if "image/png" in data:
        return image(data)
    return f"<pre>{html.escape(data.get('text/plain', ''))}</pre>"


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


def notebook_page(path):
    """A notebook -> the body of its page, and its labs: {name: (class, values)}."""
    parts, found = [], {}
    live = live_address(path)
    highlight = Highlight2HTML(pygments_lexer="ipython3")
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            parts.append(rendered(cell.source.replace(HOW_TO_RUN, ""), path.parent))
            continue
        if not cell.source or "setup" in cell.metadata.get("tags", []):
            continue
        parts.append(code(cell, highlight))
        lab = lab_of(cell.source)
        if lab and not issubclass(
            lab[0], LiveLab
        ):  # one that trains is nothing that can be computed beforehand
            name = f"{path.stem}-{len(found) + 1}"
            found[name] = lab
            parts.append(lab_box(name, live))
            continue
        if lab:
            parts.append(training_box(f"{path.stem}-live", cell.outputs, live))
            continue
        for one in cell.outputs:
            parts.append(
                f'<div class="output">{output(one.get("data", {"text/plain": one.get("text", "")}), live, one.get("metadata", ()))}</div>'
            )
    if REPOSITORY:
        at_colab = colab(REPOSITORY, VERSION, f"notebooks/{path.name}")
        places = {"Binder": live, "Colab": at_colab, "at home": REPOSITORY}
        links = ", ".join(f'<a href="{link}">{place}</a>' for place, link in places.items())
        parts.insert(1, f"<p>Run it live: {links}.</p>")
    return "\n".join(parts), found


def code(cell, highlight):
    """A cell's code; folded away where the notebook folds it."""
    shown = highlight(cell.source)
    if not cell.metadata.get("jupyter", {}).get("source_hidden"):
        return shown
    return f"<details><summary>Code</summary>{shown}</details>"


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


def front_page():
    """The README's first words, the first lab, and the map of the series."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    words = re.search(r"(?s)</picture>\n(.*?)<!-- try -->", readme)[1]
    first = notebooks()[0]
    beside = "\n".join(f"- [{title_of(path)}]({path.relative_to(ROOT)})" for path in DOCUMENTS)
    return "\n".join(
        [
            rendered(f"# {NAME}\n\n{words}", ROOT),
            lab_box(f"{first.stem}-1", live_address(first)),
            rendered(f"## The series\n\n{map_of_ideas()}", ROOT),
            rendered(f"## Beside the notebooks\n\n{beside}\n- [API of the package](api.html)", ROOT),
        ]
    )


def title_of(path):
    """The first heading of a Markdown file."""
    return re.search(r"(?m)^# (.*)$", path.read_text())[1]


def plain(fragment):
    """HTML as the words that a reader sees."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", fragment))).replace("¶", "").strip()


def sections(name, body):
    """What the search looks through: [page, anchor, title, text] for each heading."""
    starts = list(HEADING.finditer(body))
    ends = [start.start() for start in starts[1:]] + [len(body)]
    title = plain(starts[0][3])
    return [
        [
            name,
            start[2],
            title if start is starts[0] else f"{title}: {plain(start[3])}",
            plain(body[start.end() : end]),
        ]
        for start, end in zip(starts, ends)
    ]


def contents(body):
    """The headings of the second level, as links."""
    second = [start for start in HEADING.finditer(body) if start[1] == "2"]
    entries = "".join(
        f'<li><a href="#{start[2]}">{html.escape(plain(start[3]))}</a></li>' for start in second
    )
    return f"<details open><summary>On this page</summary><ul>{entries}</ul></details>" if entries else ""


def turn(pages, name):
    """Links to the notebook before and the one after."""
    order = [page_name(path) for path in notebooks() if page_name(path) in pages]
    if name not in order:
        return ""
    at = order.index(name)
    around = [(order[at - 1], "← ") if at else None, (order[at + 1], "→ ") if at + 1 < len(order) else None]
    titles = [one and html.escape(one[1] + plain(HEADING.search(pages[one[0]])[3])) for one in around]
    links = [
        f'<a href="{one[0]}">{title}</a>' if one else "<span></span>" for one, title in zip(around, titles)
    ]
    return f'<nav class="turn" aria-label="Notebooks">{"".join(links)}</nav>'


def style():
    """The site's style sheet: the charts', the pages', and the colours of code, light and dark."""
    light, dark = (
        HtmlFormatter(style=name).get_style_defs(".highlight") for name in ("default", "github-dark")
    )
    code = f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"
    return "\n".join([code, (FILES / "chart.css").read_text(), (WEBSITE / "site.css").read_text()])


def build(site=SITE, prefixes=()):
    """Write the site into the folder `site`, anew."""
    pages, found = {"index.html": front_page()}, {}
    for path in notebooks(prefixes):
        pages[page_name(path)], here = notebook_page(path)
        found |= here
    pages |= {page_name(path): rendered(path.read_text(), path.parent) for path in DOCUMENTS}
    pages["api.html"] = reference()

    shutil.rmtree(site, ignore_errors=True)
    for folder in ("static", "labs", "pictures"):
        (site / folder).mkdir(parents=True)
    with ProcessPoolExecutor() as processes:
        for name, text in zip(found, processes.map(lab_script, found.items())):
            (site / "labs" / f"{name}.js").write_text(text)
    template = (WEBSITE / "page.html").read_text()
    if not REPOSITORY:
        template = template.replace('<a href="{repository}">Source</a>', "")
    for name, body in pages.items():
        used = re.findall(r'data-lab="([^"]+)"', body)
        scripts = ["static/lab.js", *(f"labs/{lab}.js" for lab in used)] if used else []
        (site / name).write_text(
            template.format(
                title=html.escape(plain(HEADING.search(body)[3])) + (f" · {NAME}" if name != "index.html" else ""),
                site=NAME, repository=REPOSITORY, contents=contents(body), body=body + turn(pages, name), footer=f"lt_helpers {VERSION}",
                scripts="\n".join(f'<script defer src="{source}"></script>' for source in scripts),
            )
        )  # fmt: skip
    index = json.dumps(
        [section for name, body in pages.items() for section in sections(name, body)], ensure_ascii=False
    )
    static = {
        "lab.js": "\n".join((FILES / name).read_text() for name in ("plotly.min.js", "hands.js", "draw.js"))
        + (WEBSITE / "lab.js").read_text(),
        "katex.js": (WEBSITE / "katex" / "katex.js").read_text(),
        "katex.css": (WEBSITE / "katex" / "katex.css").read_text(),
        "site.js": (WEBSITE / "site.js").read_text(),
        "site.css": style(),
        "search.js": f"ltSearchIndex({index});\n",
    }
    for name, text in static.items():
        (site / "static" / name).write_text(text)
    for picture in (ROOT / "docs" / "pictures").glob("*.*"):
        shutil.copy(picture, site / "pictures")
    shutil.copytree(HANDOUTS, site / "handouts")
    build_engine(site)


if __name__ == "__main__":
    build(prefixes=sys.argv[1:])
    print(
        f"{SITE / 'index.html'}: {sum(path.stat().st_size for path in SITE.rglob('*.*')) / 1e6:.1f} MB in all. Open it in a browser."
    )
