"""The site's live labs (`make site`), from Python's plain web server: how soon they are there, what they fetch, how they answer.

Cold is a browser that has kept nothing, warm the same one a second time. The first table is of the first notebook's page; its bytes are
those of the files that the server was asked for, as they are and gzipped at level 9, as a host with compression sends them. Memory is what
Chromium's processes for pages have to themselves (USS).
"""

import gzip
import re
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep
from urllib.parse import unquote

import numpy as np
import psutil

from tools.browsing import ROOT, chromium, free_port, served

from .browser import MOVES, WATCH, presses

sys.path.insert(0, str(ROOT / "tools"))  # the tools know each other by their bare names
from lite_page import LitePage, notebook_address  # noqa: E402

SITE = ROOT / "build" / "site"
SCREEN = {"width": 1366, "height": 768}
FIRST, NOISE, TRAINING = (next(SITE.glob(f"{number}_*.html"), None) for number in ("00", "07", "10"))
LIVE = ".lt-live.lt-here"
# When a lab is drawn, in seconds of the page's own clock, which begins with the visit.
DRAWN = """new MutationObserver((changes, observer) => {
  if (!document.querySelector("[data-lab] .main-svg")) return;
  observer.disconnect();
  requestAnimationFrame(() => (window.drawn = performance.now() / 1000));
}).observe(document, {subtree: true, childList: true});"""
PATIENCE = 180_000  # milliseconds
SECONDS = 20  # of training


@contextmanager
def plain_server():
    """The site on a server without any settings -> its address, and a function: which files was it asked for since the last call?"""
    port = free_port()
    options = ("--bind", "127.0.0.1", "--directory", str(SITE), str(port))
    told = 0
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "log"

        def asked():
            nonlocal told
            lines = log.read_text().splitlines()
            told, new = len(lines), lines[told:]
            names = {unquote(found[1]) for found in map(re.compile(r'"GET /([^ ?"]*)').search, new) if found}
            return [SITE / name for name in sorted(names) if (SITE / name).is_file()]

        address = f"http://127.0.0.1:{port}"
        with served([sys.executable, "-u", "-m", "http.server", *options], f"{address}/", log):
            yield address, asked


def visit(context, address):
    """Open the page of a lab -> the page, seconds to the drawing of its first lab, and until that is live"""
    page, began = context.new_page(), perf_counter()
    page.add_init_script(DRAWN)
    page.goto(address, wait_until="commit")
    page.locator(LIVE).first.wait_for(timeout=PATIENCE)
    return page, page.evaluate("window.drawn"), perf_counter() - began


def megabytes(paths):
    """Files -> how many, their megabytes, and those once they are gzipped"""
    contents = [path.read_bytes() for path in paths]
    return (
        len(contents),
        sum(map(len, contents)) / 1e6,
        sum(len(gzip.compress(one, 9)) for one in contents) / 1e6,
    )


def memory(browser):
    """Megabytes (2^20 bytes) that the pages of a browser hold."""
    about = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    pids = [one["id"] for one in about if one["type"] == "renderer"]
    return sum(psutil.Process(pid).memory_full_info().uss for pid in pids) / 2**20


def arrivals(address, asked):
    """The first page, cold and warm -> rows of the table, and its files"""
    rows = []
    with chromium() as browser:
        context = browser.new_context(viewport=SCREEN)
        for how in ("cold", "warm"):
            asked()
            page, drawn, live = visit(context, f"{address}/{FIRST.name}")
            if how == "cold":
                files = asked()
            rows.append((how, drawn, live))
            page.close()
    return rows, files


def lite(address, asked):
    """JupyterLite's first lab, cold -> seconds, its files, megabytes of memory"""
    with chromium() as browser:
        asked()
        began = perf_counter()
        page = browser.new_context(viewport=SCREEN).new_page()
        name = f"notebooks/{FIRST.stem}.ipynb"
        notebook = LitePage(page, notebook_address(f"{address}/lite", name))
        for _ in range(2):
            notebook.command("notebook:run-cell-and-select-next")
        page.locator(".lt-figure .main-svg").first.wait_for(state="attached", timeout=PATIENCE)
        return perf_counter() - began, asked(), memory(browser)


def noise(address):
    """The noise lab -> milliseconds from a key to the drawing, (moves,), and megabytes of its page"""
    with chromium() as browser:
        page, _, _ = visit(browser.new_context(viewport=SCREEN), f"{address}/{NOISE.name}")
        lab = page.locator(LIVE).first
        lab.get_by_role("button", name="Everything").click()
        lab.get_by_role("button", name="Lead").wait_for()
        page.evaluate(WATCH, LIVE)
        times = presses(page, lab.locator(".noUi-handle").first, ("ArrowLeft", "ArrowRight"), MOVES)
        return times, memory(browser)


def training(address):
    """The training lab -> steps and drawings a second"""
    with chromium() as browser:
        page = browser.new_context(viewport=SCREEN).new_page()
        page.goto(f"{address}/{TRAINING.name}", wait_until="commit")
        lab = page.locator(LIVE).first
        lab.wait_for(timeout=PATIENCE)
        page.evaluate(WATCH, LIVE)

        def stands():
            said = re.search(r"step ([\d,]+)", lab.locator(".lt-above").inner_text())[1]
            return np.array([int(said.replace(",", "")), page.evaluate("watched.frames")])

        lab.get_by_role("button", name="Start", exact=True).click()
        sleep(2)
        before, began = stands(), perf_counter()
        sleep(SECONDS)
        return (stands() - before) / (perf_counter() - began)


def report():
    """The measurements as Markdown tables."""
    if not (SITE / "engine").is_dir() or not (SITE / "lite").is_dir():
        raise SystemExit("there is no build/site/engine, or no build/site/lite: make site writes them.")
    with plain_server() as (address, asked):
        rows, files = arrivals(address, asked)
        seconds, lite_files, lite_memory = lite(address, asked)
        times, page_memory = noise(address)
        steps, drawings = training(address)
    p50, p95 = np.percentile(times, [50, 95])
    lines = ["| first page | lab drawn, s | lab live, s |", "|---|---|---|"]
    lines += [f"| {how} | {drawn:.2f} | {live:.1f} |" for how, drawn, live in rows]
    lines += [
        "",
        "| until its first lab | s | files | MB | gzip -9, MB | memory, MB |",
        "|---|---|---|---|---|---|",
    ]
    for name, took, paths, held in (
        ("a page, live", rows[0][2], files, page_memory),
        ("JupyterLite", seconds, lite_files, lite_memory),
    ):
        count, whole, packed = megabytes(paths)
        lines.append(f"| {name} | {took:.1f} | {count} | {whole:.1f} | {packed:.1f} | {held:.0f} |")
    lines += [
        "",
        f"The noise lab, key to drawn: {p50:.0f} ms, p95 {p95:.0f} ms. The training lab: {steps:.0f} steps and {drawings:.1f} drawings "
        "a second.",
        "The memory of a page is the noise lab's, after its moves.",
    ]
    return "\n".join(lines)
