"""JupyterLite: every notebook run by a kernel in the page prints what CPython printed; nothing is asked of any other place; changes stay.

The environment variable PYODIDE names the folder of a distribution of Pyodide. Half of the notebooks are run here; the table of all is kept
by `make bench ARGS="lite --keep"`.
"""

import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from all_labs import lab_call
from browsing import plain, site_served, wait_until
from build_lite import build
from lite_page import LitePage, compared, notebook_address, stored
from notebook_page import Lab

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
FIRST = NOTEBOOKS[0]
# Half of them, for the suite's time: the doctor is in 00, and 10 trains.
IN_THE_SUITE = [name for name in NOTEBOOKS if name[:2] in {"00", "01", "04", "05", "06", "08", "10"}]
SCREEN = {"width": 1366, "height": 768}
SOURCE = "() => jupyterapp.shell.currentWidget.context.model.cells.get(0).sharedModel.getSource()"
REWRITE = "text => jupyterapp.shell.currentWidget.context.model.cells.get(0).sharedModel.setSource(text)"
NO_STORAGE = (
    "Object.defineProperty(window, 'indexedDB', {get() { throw new DOMException('no', 'SecurityError'); }})"
)

pytestmark = [
    pytest.mark.skipif(
        not os.environ.get("PYODIDE"),
        reason="JupyterLite was not tried: PYODIDE names no folder of a distribution",
    ),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site with JupyterLite in a folder of its own, as `make site` leaves it."""
    folder = tmp_path_factory.mktemp("site")
    build(folder / "lite")
    shutil.copy(ROOT / "site" / "serve.py", folder)
    return folder


@pytest.fixture(scope="module")
def address(site):
    with site_served(site, site.parent / "log") as address:
        yield f"{address}/lite"


@pytest.fixture(scope="module")
def elsewhere():
    """What was asked of other places, by any page of these tests."""
    return []


@pytest.fixture(scope="module")
def new_context(browser, address, elsewhere):
    """new_context(...) -> a browser that has kept nothing; what it asks for of other places is noted."""
    contexts = []
    origin = address.removesuffix("lite")

    def note(request):
        if not request.url.startswith((origin, plain(origin), "data:", "blob:")):
            elsewhere.append(request.url)

    def new_context(**options):
        context = browser.new_context(viewport=SCREEN, **options)
        contexts.append(context)
        context.on("request", note)
        return context

    yield new_context
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def visit(new_context, address):
    """visit("00_start_here.ipynb") -> LitePage, the same for all tests: JupyterLite comes up once, its kernel for each notebook."""
    pages = []

    def visit(name):
        if pages:
            pages[0].start_again(f"notebooks/{name}")
        else:
            page = new_context().new_page()
            pages.append(LitePage(page, notebook_address(address, f"notebooks/{name}")))
        return pages[0]

    return visit


@pytest.fixture
def open_anew(new_context, address):
    """open_anew("00_start_here.ipynb") -> LitePage in a browser of its own, which has kept nothing."""

    def open_anew(name, address=address):
        page = new_context(accept_downloads=True).new_page()
        return LitePage(page, notebook_address(address, f"notebooks/{name}"))

    return open_anew


@pytest.fixture
def look(new_context, address):
    """look(prepare) -> a page of JupyterLite, without waiting for its kernel; `prepare` has had its browser before.

    No service worker: it would fetch what the tests want to spoil.
    """
    contexts = []

    def look(prepare=lambda context: None):
        context = new_context(service_workers="block")
        contexts.append(context)
        prepare(context)
        page = context.new_page()
        page.goto(notebook_address(address, f"notebooks/{FIRST}"))
        return page

    yield look
    for context in contexts:
        context.close()


def says(page, words, seconds=120):
    """Wait until a notification of JupyterLab's says so."""
    page.locator(".Toastify__toast", has_text=words).wait_for(timeout=1e3 * seconds)


@pytest.mark.parametrize("name", IN_THE_SUITE)
def test_a_notebook_prints_in_the_page_what_cpython_printed(visit, elsewhere, name):
    page = visit(name)
    page.run_all()
    found = compared(name, page.notebook())
    assert len(found) >= 4
    assert [(number, here, there) for number, here, there, how in found if how == "other"] == []
    assert page.complaints == [] and elsewhere == []


def test_a_lab_moves_by_key_and_by_mouse(visit):
    name = NOTEBOOKS[2]
    cells = [cell.source if cell.cell_type == "code" else "" for cell in stored(name).cells]
    number = next(index for index, source in enumerate(cells) if source and lab_call(source))
    page = visit(name)
    for _ in range(number + 1):
        page.command("notebook:run-cell-and-select-next")
    lab = Lab(page.page, page.output(number))
    for label in lab.sliders():
        lab.step(label)
    lab.shows_what_python_computes()
    lab.drag(lab.sliders()[0], [20, 40])
    lab.shows_what_python_computes()


def test_pictures_and_pages_beside_the_notebooks_are_there(visit):
    page = visit(FIRST).page
    page.evaluate(
        "document.querySelectorAll('.jp-RenderedMarkdown details').forEach((one) => (one.open = true))"
    )
    pictures = page.locator(".jp-RenderedMarkdown img")
    pictures.first.wait_for(state="attached")
    for picture in pictures.all():
        wait_until(lambda picture=picture: picture.evaluate("picture => picture.naturalWidth") > 0)
    page.locator(".jp-RenderedMarkdown a", has_text="glossary").first.click()
    page.wait_for_function("() => jupyterapp.shell.currentWidget?.context?.path === 'docs/glossary.md'")


def test_changes_survive_a_reload_and_can_be_downloaded_and_brought_back(open_anew, address, tmp_path):
    page = open_anew(FIRST)
    page.page.evaluate(REWRITE, "Mine.")
    page.command("docmanager:save")
    page.page.goto(notebook_address(address, f"notebooks/{FIRST}"))
    page.wait_until_ready()
    assert page.page.evaluate(SOURCE) == "Mine."

    with page.page.expect_download() as download:
        page.command("docmanager:download")
    download.value.save_as(tmp_path / "mine.ipynb")
    page.page.context.close()
    assert nbformat.read(tmp_path / "mine.ipynb", as_version=4).cells[0].source == "Mine."

    other = open_anew(FIRST)
    assert other.page.evaluate(SOURCE) == stored(FIRST).cells[0].source
    with other.page.expect_file_chooser() as chooser:
        other.page.get_by_role("button", name=re.compile("Upload Files")).first.click()
    chooser.value.set_files(tmp_path / "mine.ipynb")
    other.page.locator(".jp-DirListing-item", has_text="mine.ipynb").wait_for()
    other.command("docmanager:open", path="notebooks/mine.ipynb", factory="Notebook")
    other.page.wait_for_function(f"() => ({SOURCE})() === 'Mine.'")
    other.page.context.close()


@pytest.mark.parametrize(
    "file, spoilt, words",
    [
        (
            "**/python_stdlib.zip",
            dict(status=404),
            "Python did not start. python_stdlib.zip is missing (404).",
        ),
        (
            "**/lt_helpers-*.whl",
            dict(body=b"something else"),
            re.compile(r"Python did not start. lt_helpers-\S*.whl is damaged."),
        ),
    ],
    ids=["missing", "damaged"],
)
def test_a_file_without_which_python_cannot_start_is_named(look, file, spoilt, words):
    hasty = (ROOT / "lite" / "weather.js").read_text().replace("LT_SLOW = 90_000", "LT_SLOW = 9_000")

    def spoil(context):
        context.route(file, lambda route: route.fulfill(**spoilt))
        context.route(
            "**/weather.js", lambda route: route.fulfill(body=hasty, content_type="text/javascript")
        )

    says(look(spoil), words)


def test_a_browser_that_keeps_nothing_says_so(look):
    says(look(lambda context: context.add_init_script(NO_STORAGE)), "forbids the page to keep anything")


def test_a_browser_that_is_full_says_so(look):
    def fill(context):
        context.add_init_script("navigator.storage.estimate = async () => ({quota: 5e6, usage: 4e6})")

    says(look(fill), "hardly any room left for the page")


def test_a_browser_without_webassembly_says_so(look):
    page = look(lambda context: context.add_init_script("delete window.WebAssembly"))
    says(page, "This browser has no WebAssembly, so no Python can run in the page.")


def test_the_same_notebook_in_a_second_tab_is_named(look, address):
    page = look()
    page.wait_for_selector(".jp-Notebook .jp-Cell", state="attached")
    second = page.context.new_page()
    second.goto(notebook_address(address, f"notebooks/{FIRST}"))
    for one in (page, second):
        says(one, f"notebooks/{FIRST} is open in another tab as well.")


def test_by_plain_http_it_says_what_is_missing_and_the_first_lab_comes(open_anew, address):
    notebook = open_anew(FIRST, plain(address))
    page = notebook.page
    says(page, "This page came by plain http.")
    assert not page.evaluate("isSecureContext || 'clipboard' in navigator || 'serviceWorker' in navigator")
    notebook.command("notebook:run-cell-and-select-next")
    notebook.command("notebook:run-cell-and-select-next")
    page.locator(".lt-figure .main-svg").first.wait_for(state="attached", timeout=60_000)
    page.context.close()


def test_nothing_was_asked_of_any_other_place(elsewhere):
    assert elsewhere == []
