"""JupyterLite (`make site`): how soon its kernel and its first lab are there, what it fetches, and all that the notebooks print in it."""

import gzip
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from tools.browsing import ROOT, chromium, site_served

sys.path.insert(0, str(ROOT / "tools"))  # the tools know each other by their bare names
from lite_page import LitePage, apart, compared, notebook_address  # noqa: E402

SITE = ROOT / "build" / "site"
SCREEN = {"width": 1366, "height": 768}
NAMES = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))


def starts(browser, address):
    """Seconds to an idle kernel and to the first lab, the first time and the next; and the files that were asked for."""
    context = browser.new_context(viewport=SCREEN)
    asked, rows = [], []
    context.on("request", lambda request: asked.append(request.url))
    for visit in ("first", "next"):
        began = time.perf_counter()
        page = LitePage(context.new_page(), notebook_address(address, f"notebooks/{NAMES[0]}"))
        ready = time.perf_counter() - began
        page.command("notebook:run-cell-and-select-next")
        page.command("notebook:run-cell-and-select-next")
        page.page.locator(".lt-figure .main-svg").first.wait_for(state="attached", timeout=60_000)
        rows.append((visit, ready, time.perf_counter() - began))
        page.page.close()
        if visit == "first":
            files = {url.partition("?")[0] for url in asked}
    context.close()
    return rows, files


def weights(files, address):
    """Megabytes of the files as they are and gzipped, as plain hosts send them."""
    paths = {
        SITE / url2pathname(urlsplit(file).path).lstrip("/") for file in files if file.startswith(address)
    }
    contents = [path.read_bytes() for path in paths if path.is_file()]
    return [sum(map(len, some)) / 1e6 for some in (contents, map(gzip.compress, contents))]


def cells(browser, address):
    """Every notebook run whole -> rows of the table, and what differs, in words."""
    rows, differing = [], []
    for name in NAMES:
        context = browser.new_context(viewport=SCREEN)
        page = LitePage(context.new_page(), notebook_address(address, f"notebooks/{name}"))
        began = time.perf_counter()
        page.run_all()
        took = time.perf_counter() - began
        found = compared(name, page.notebook())
        context.close()
        hows = [how for *_, how in found]
        counts = [hows.count(how) for how in ("equal", "last digit", "other")]
        rows.append((name, len(found), *counts, farthest(found), took))
        for number, here, there, how in found:
            if how != "equal":
                differing += [f"### {name}, cell {number} ({how})", "", *difference(here, there), ""]
    return rows, differing


def farthest(found):
    """By how much the cells of a notebook differ at most, in units of a number's last place, or that it is the words."""
    gaps = [apart(here, there) for _, here, there, _ in found]
    return "words" if None in gaps else max(gaps, default=0)


def difference(here, there):
    """The lines that differ, stored and in the page, as a block of Markdown."""
    lines = [(one, other) for one, other in zip(here.splitlines(), there.splitlines()) if one != other]
    return ["```diff", *(line for one, other in lines for line in (f"- {one}", f"+ {other}")), "```"]


def report():
    """The tables, as Markdown."""
    if not (SITE / "lite").is_dir():
        raise SystemExit("there is no build/site/lite: make site writes it.")
    with tempfile.TemporaryDirectory() as place, site_served(SITE, Path(place) / "log") as site:
        address = f"{site}/lite"
        with chromium() as browser:
            visits, files = starts(browser, address)
            plain, gzipped = weights(files, address)
        with chromium() as browser:
            rows, differing = cells(browser, address)

    lines = ["| visit | kernel ready, s | first lab, s |", "|---|---|---|"]
    lines += [f"| {visit} | {ready:.1f} | {lab:.1f} |" for visit, ready, lab in visits]
    lines += [
        "",
        f"Up to the first lab it fetches {len(files)} files, {plain:.1f} MB, gzipped {gzipped:.1f} MB.",
        "",
    ]
    lines += ["Each cell that prints, beside what CPython printed (it is stored in the notebook):", ""]
    lines += ["| notebook | cells | equal | last digit | other | at most, last places | ran, s |"]
    lines += ["|---|---|---|---|---|---|---|"]
    lines += [f"| {' | '.join(map(str, row[:6]))} | {row[6]:.0f} |" for row in rows]
    sums = [sum(row[place] for row in rows) for place in range(1, 5)]
    lines += [f"| all | {' | '.join(map(str, sums))} | | {sum(row[6] for row in rows):.0f} |", "", *differing]
    return "\n".join(lines).rstrip()
