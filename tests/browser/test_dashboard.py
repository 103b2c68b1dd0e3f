"""Every lab as a page of its own: Voila runs it and shows it, without code."""

import secrets

import nbformat
import pytest
from all_labs import all_labs, write_notebook
from browsing import free_port, jupyterlab, served
from dashboard import command, environment, write_front_page, write_pages
from notebook_page import Lab, access_faults

from lt_helpers.labs.live import LiveLab

LABS = ".jp-OutputArea-output:has(.lt-chart)"


@pytest.fixture(scope="module")
def page_of(browser, tmp_path_factory):
    """page_of("noise-lab") -> the page of that lab, opened as its address says; "every-lab" has all of them."""
    folder, port, token = tmp_path_factory.mktemp("dashboard"), free_port(), secrets.token_hex(16)
    write_pages(folder)
    write_front_page(folder)
    write_notebook(
        folder / "every-lab.ipynb",
        ["from lt_helpers import labs", *(f"labs.{lab.__name__}()" for lab in all_labs().values())],
    )
    pages = []

    def open_page(name, theme="light"):
        pages.append(browser.new_page(viewport={"width": 1366, "height": 768}))
        pages[-1].on("pageerror", lambda error: failures.append(f"{name}: {error}"))
        path = f"voila/render/{name}.ipynb" if name else ""
        pages[-1].goto(f"http://127.0.0.1:{port}/{path}?token={token}&theme={theme}")
        return pages[-1]

    failures = []
    front = f"http://127.0.0.1:{port}/?token={token}"
    with served(command(port, folder), front, folder / "log", **environment(token, folder)):
        yield open_page
        for page in pages:
            page.close()
    assert failures == []
    assert (
        "token=" not in (folder / "log").read_text()
    )  # Voila's own address has "..." for it, and leads nowhere


@pytest.fixture(scope="module")
def every_lab(page_of):
    """A page with all labs, each of them drawn -> the page, {name: Lab}"""
    page = page_of("every-lab")
    roots = page.locator(LABS)
    roots.nth(len(all_labs()) - 1).wait_for(state="attached", timeout=60_000)
    return page, {name: Lab(page, root) for name, root in zip(all_labs(), roots.all(), strict=True)}


@pytest.mark.parametrize("name", all_labs())
def test_every_lab_draws_and_moves(every_lab, name):
    lab = every_lab[1][name]
    assert sum(trace["shapes"] for trace in lab.drawn()) > 0
    if not issubclass(all_labs()[name], LiveLab):  # those train while one looks
        lab.shows_what_python_computes()
        lab.step(lab.sliders()[0])
        lab.shows_what_python_computes()
    assert lab.layout_faults() == []
    assert lab.ink() < 128


def test_axe_finds_no_serious_fault_in_any_lab(every_lab):
    assert access_faults(every_lab[0]) == []


def test_axe_finds_none_on_a_dark_page(page_of):
    page = page_of("every-lab", "dark")
    labs = page.locator(LABS)
    labs.nth(len(all_labs()) - 1).wait_for(state="attached", timeout=60_000)
    assert Lab(page, labs.last).ink() > 128
    assert access_faults(page) == []


def test_the_front_page_shows_every_lab_and_leads_to_it(page_of):
    page = page_of("")
    links = page.locator("li a")
    assert sorted(links.all_text_contents()) == sorted(
        name.replace("-", " ").capitalize() for name in all_labs()
    )
    widths = page.locator("li img").evaluate_all(
        "pictures => pictures.map((picture) => picture.naturalWidth)"
    )
    assert len(widths) == len(all_labs()) and min(widths) > 500
    assert all(page.locator("li p").all_text_contents())
    assert access_faults(page, "main") == []
    page.get_by_role("link", name="Noise lab").click()
    assert_shows_a_lab_without_code(page)
    assert page.url.endswith("/voila/render/noise-lab.ipynb")


def test_a_lab_that_trains_has_a_page_of_its_own_too(page_of):
    assert_shows_a_lab_without_code(page_of("training-lab"))


def assert_shows_a_lab_without_code(page):
    page.wait_for_selector(".lt-chart", state="attached", timeout=60_000)
    assert sum(trace["shapes"] for trace in Lab(page, page.locator(LABS)).drawn()) > 0
    assert page.locator(".jp-InputArea-editor").count() == 0


def test_there_is_a_page_for_every_lab(tmp_path):
    opened = {path.stem: nbformat.read(path, as_version=4).cells[0].source for path in write_pages(tmp_path)}
    for name, lab in all_labs().items():
        shown = {}
        exec(opened[name].rsplit("\n", 1)[0], shown)
        assert eval(opened[name].rsplit("\n", 1)[1].removesuffix("()"), shown) is lab


def test_a_jupyter_server_shows_the_noise_lab_alone(browser, tmp_path):
    """As the badge opens it on Binder, whose server has Voila in it."""
    write_pages(tmp_path)
    with jupyterlab(tmp_path) as address_of:
        server, _, token = address_of("").partition("?")
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(f"{server.partition('/lab')[0]}/voila/render/noise-lab.ipynb?{token}")
        page.wait_for_selector(".lt-chart", state="attached", timeout=60_000)
        lab = Lab(page, page.locator(LABS))
        lab.step(lab.sliders()[0])
        lab.shows_what_python_computes()
        assert page.locator(".jp-InputArea-editor").count() == 0
        page.close()


def test_whoever_has_no_token_sees_no_lab(browser, page_of):
    server = page_of("").url.partition("?")[0]
    stranger = browser.new_page()
    for name in ("noise-lab", "every-lab"):
        stranger.goto(f"{server}voila/render/{name}.ipynb")
        assert "/login" in stranger.url
    stranger.close()
