"""The site: opened from its files with the network off, at a desk and on a phone; and served, where it can be searched."""

import re
from functools import cache
from html import unescape
from urllib.parse import unquote

import nbformat
import numpy as np
import pytest
from browsing import site_served
from build_site import laid_out_notebook, notebooks, page_name
from notebook_page import DRAWN, FAULTS
from site_front import TOP, state

from lt_helpers.labs import NoiseLab

SCREENS = {
    "desk": dict(viewport={"width": 1366, "height": 768}),
    "phone": dict(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True),
}
FIRST, FURTHER = 6e6, 1e6  # bytes of the first page with all that it needs, and of one more
FRONT = 3e6  # of the front page, which has no lab, and a picture of each

# Text with a formula that was not rendered.
RAW = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), raw = [];
  while (walker.nextNode()) {
    const {data, parentElement} = walker.currentNode;
    if (data.includes("$") && !parentElement.closest("pre, code, script, .katex")) raw.push(data);
  }
  return raw;
}"""

# Whatever a page's own policy refuses, said aloud.
REFUSED = """document.addEventListener("securitypolicyviolation", ({violatedDirective, blockedURI, sample}) =>
  console.log("refused", violatedDirective, blockedURI, sample))"""

pytestmark = pytest.mark.timeout(900)  # the labs are computed once, before the first test that needs them


@pytest.fixture(scope="module")
def failures():
    """What failed on the pages, or was asked of the network."""
    return []


@pytest.fixture(scope="module")
def screens(browser, failures):
    """A page for each screen, in which one file after the other is opened: a browser compiles plotly.js and KaTeX once for it."""
    pages = {}
    for name, screen in SCREENS.items():
        page = pages[name] = browser.new_context(**screen, offline=True).new_page()
        page.add_init_script(REFUSED)
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda said: said.text.startswith("refused") and failures.append(said.text))
        page.on(
            "requestfailed",
            lambda request: (
                request.failure == "net::ERR_ABORTED"  # the page was left before its last picture came
                or failures.append(f"failed: {request.url}")
            ),
        )
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "data:", "blob:"))
                or failures.append(f"asked: {request.url}")
            ),
        )
    yield pages
    for page in pages.values():
        page.context.close()


@pytest.fixture
def open_page(screens, site, failures):
    """open_page("index.html", "phone") -> a page; afterwards, that nothing failed on it and nothing was asked of the network."""
    failures.clear()

    def open_page(name, screen="desk", color_scheme="light"):
        page = screens[screen]
        page.emulate_media(color_scheme=color_scheme)
        page.goto(f"file://{site / name}")
        return page

    yield open_page
    assert failures == []


@cache
def labs_of(page):
    """The labs of a notebook's page -> {name: (class, values)}"""
    (path,) = (path for path in notebooks() if page_name(path) == page)
    return laid_out_notebook(path)[1]


def first_lab():
    """The name of the first lab on the site."""
    return next(iter(labs_of(page_name(notebooks()[0]))))


def opened(open_page, name, screen="desk", **more):
    """The page of a lab, once the lab is drawn."""
    page = open_page(f"{name.rpartition('-')[0]}.html", screen, **more)
    show_everything(page, name)
    return page


def show_everything(page, name):
    """Wait for a lab, and let it stop leading."""
    lab = page.locator(f'[data-lab="{name}"]').first
    lab.locator(".main-svg").first.wait_for(state="attached", timeout=60_000)
    button = lab.get_by_role("button", name="Everything")
    if button.is_visible():
        button.click()


def sliders(page, name):
    return page.locator(f'[data-lab="{name}"] input[type=range]')


def readouts(page, name):
    return page.locator(f'[data-lab="{name}"] output').all_text_contents()


def shows_what_python_computes(page, name):
    """The figure and the words of a lab on the page are those of the lab itself, for what its sliders say."""
    kind, values = labs_of(f"{name.rpartition('-')[0]}.html")[name]
    lab = kind(**{**values, "beat": None})
    named = {
        lab.controls[key].description: key for key, control in lab.CONTROLS.items() if not control.hidden
    }
    for label, text in zip(
        page.locator(f'[data-lab="{name}"] label span').all_text_contents(), readouts(page, name)
    ):
        control = lab.controls[named[label]]
        options = dict(getattr(control, "options", ()))
        control.value = options[text] if options else type(control.value)(text)
    says = (
        "([name, words]) => document.querySelector(`[data-lab='${name}'] .lt-words`)?.textContent === words"
    )
    page.wait_for_function(says, arg=[name, lab.words_now])
    drawn = page.locator(f'[data-lab="{name}"] .lt-figure').evaluate(DRAWN)
    there, empty = drawn[: len(lab.figure.data)], drawn[len(lab.figure.data) :]
    assert len(there) == len(lab.figure.data) and sum(trace["shapes"] for trace in there) > 0
    assert not any(
        trace["x"] or trace["shapes"] for trace in empty
    )  # room for arrows that other settings need
    for trace, figured in zip(drawn, lab.figure.data):
        for key in {"x", "y", "z"} & figured.to_plotly_json().keys():
            expected = np.asarray(figured[key], float)
            np.testing.assert_allclose(
                np.array(trace[key], float), expected, rtol=2e-3, atol=1e-4, err_msg=f"{figured.name}: {key}"
            )


def assert_fits(page):
    """A page is no wider than its screen, and its formulas are rendered -> how many those are."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".katex-error").count() == 0
    assert page.evaluate(RAW) == []
    return page.locator(".katex").count()


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_every_notebook_fits_its_screen_and_its_labs_are_drawn_after_loading_and_move_by_key_at_a_desk(
    open_page, path, screen
):
    page = open_page(page_name(path), screen)
    assert assert_fits(page) > 0
    for name in labs_of(page_name(path)):
        show_everything(page, name)
        shows_what_python_computes(page, name)
        if screen == "desk":  # a phone has no keys
            moves_by_key(page, name)
            shows_what_python_computes(page, name)
        assert page.locator(f'.lab:has([data-lab="{name}"])').evaluate(FAULTS) == []


def moves_by_key(page, name):
    """Every slider of a lab follows the keys, and says where it stands."""
    handles = sliders(page, name)
    assert handles.count() >= 2
    for index in range(handles.count()):
        before = readouts(page, name)
        handles.nth(index).press("End")
        handles.nth(index).press("ArrowLeft")
        assert handles.nth(index).get_attribute("aria-valuetext") == readouts(page, name)[index]
        if readouts(page, name) == before:
            handles.nth(index).press("End")  # it stood one before the last
        assert readouts(page, name) != before


def noise_lab():
    """The noise lab of the site -> its name, and the values with which its notebook opens it."""
    found = [item for path in notebooks() for item in labs_of(page_name(path)).items()]
    return next((name, values) for name, (kind, values) in found if kind is NoiseLab)


def test_a_lab_leads_asks_and_answers_as_in_a_notebook(open_page):
    """Every beat of the noise lab: the task, a prediction that is locked, and what is found, in the words of the lab in a notebook."""
    name, values = noise_lab()
    page, lab = open_page(f"{name.rpartition('-')[0]}.html"), NoiseLab(**values)
    box = page.locator(f'[data-lab="{name}"]')
    box.locator(".main-svg").first.wait_for(state="attached", timeout=60_000)
    for beat in NoiseLab.BEATS:
        lab.go_to(beat.name)
        assert sliders(page, name).count() == 1 + len(beat.others)
        assert lab.names.say(lab.story().task) in box.locator(".lt-task").inner_text()
        lock = box.get_by_role("button", name="Lock")
        assert lock.is_disabled()
        if box.locator(".asked input").count():
            lab.controls[beat.ask].value = 2.0
            box.locator(".asked input").fill("2.1")  # the nearest step
            box.locator(".asked input").press("Tab")
        else:
            label, value = lab.controls[beat.ask].options[1]
            lab.controls[beat.ask].value = value
            box.locator(".asked select").select_option(label)
        lock.click()
        lab.lock()
        sliders(page, name).first.press("End")
        for key, value in beat.at.items():
            lab.controls[key].value = value
        found = lab.names.say(lab.story().found)
        page.wait_for_function(
            "([box, words]) => box.querySelector('.lt-told').textContent === words",
            arg=[box.element_handle(), found],
        )
        titles = [panel.name for panel in lab.panels_now]
        assert box.locator(".lt-figure .infolayer .annotation").count() == len(titles) == len(beat.panels)
        box.get_by_role("button", name="Next").click()
    assert box.get_by_role("button", name="Lead me").is_visible()


def test_a_lab_opens_at_the_beat_at_which_its_notebook_opens_it(open_page):
    named = [
        (name, kind, values)
        for path in notebooks()
        for name, (kind, values) in labs_of(page_name(path)).items()
        if values.get("beat")
    ]
    assert named
    for name, kind, values in named:
        page, lab = open_page(f"{name.rpartition('-')[0]}.html"), kind(**values)
        box = page.locator(f'[data-lab="{name}"]')
        box.locator(".main-svg").first.wait_for(state="attached", timeout=60_000)
        assert lab.names.say(lab.story().task) in box.locator(".lt-task").inner_text()
        assert not box.get_by_role("button", name="Back").is_disabled()


def test_a_star_is_dragged_on_a_page_without_a_kernel(open_page):
    name, _ = noise_lab()
    page = open_page(f"{name.rpartition('-')[0]}.html")
    star = page.locator(f'[data-lab="{name}"] .lt-handle').first
    star.press("ArrowUp")
    assert star.get_attribute("aria-valuetext") == "3.25"
    star.scroll_into_view_if_needed()
    box = star.bounding_box()
    page.mouse.move(box["x"] + 15, box["y"] + 15)
    page.mouse.down()
    page.mouse.move(box["x"] + 15, box["y"] + 95, steps=5)
    page.mouse.up()
    said = float(star.get_attribute("aria-valuetext"))
    assert said < 3 and page.locator(f'[data-lab="{name}"] .asked input').input_value() == f"{said:g}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_lab_follows_the_mouse_and_the_colours_of_the_page(open_page, scheme):
    name = first_lab()
    page = opened(open_page, name, color_scheme=scheme)
    sliders(page, name).first.scroll_into_view_if_needed()
    box, before = sliders(page, name).first.bounding_box(), readouts(page, name)
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    for share in (0.4, 0.9, 0.7):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    page.mouse.up()
    assert readouts(page, name)[0] != before[0]
    shows_what_python_computes(page, name)
    words = page.locator(f'[data-lab="{name}"] text.xtitle').first
    ink = words.evaluate("text => getComputedStyle(text).fill.match(/[0-9]+/g).slice(0, 3).map(Number)")
    assert (np.mean(ink) > 128) == (scheme == "dark")


def test_a_lab_follows_a_finger(open_page):
    name = first_lab()
    page = opened(open_page, name, "phone")
    sliders(page, name).first.scroll_into_view_if_needed()
    box, before = sliders(page, name).first.bounding_box(), readouts(page, name)
    page.touchscreen.tap(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    assert readouts(page, name)[0] != before[0]
    shows_what_python_computes(page, name)
    figure = page.locator(f'[data-lab="{name}"] .lt-figure')
    assert (
        figure.evaluate("figure => getComputedStyle(figure).pointerEvents") == "none"
    )  # a finger on the plot scrolls the page


@pytest.mark.parametrize("screen", SCREENS)
def test_every_other_page_fits_its_screen_too(open_page, site, screen):
    others = {path.name for path in site.glob("*.html")} - {page_name(path) for path in notebooks()}
    assert {"index.html", "api.html"} <= others
    for name in sorted(others):
        assert_fits(open_page(name, screen))


def article(path):
    """What a page says, without the sidebar."""
    return path.read_text().partition("<article")[2].partition("</article>")[0]


def test_a_page_asks_for_nothing_that_needs_a_kernel_and_folds_what_the_notebook_folds(site):
    for path in notebooks():
        body = article(site / page_name(path))
        assert "Shift+Enter" not in body
        folded = sum(
            1
            for cell in nbformat.read(path, as_version=4).cells
            if cell.metadata.get("jupyter", {}).get("source_hidden") and cell.source
        )
        assert folded > 0 and len(re.findall('<details class="admonition hide above-input">', body)) == folded


def needed(page):
    """The files that a page needs, itself among them."""
    names = re.findall(
        r'(?:src|<link rel="stylesheet"[^>]* href)="(?!data:|https:)([^"?]+)', page.read_text()
    )
    return {page, *(page.parent / name for name in names)}


def size(paths):
    return sum(path.stat().st_size for path in paths)


def test_sizes(site):
    every_page = set((site / "_static").rglob("*.*"))
    shared = every_page | {site / "static" / "lab.js"}
    front = site / "index.html"
    assert size(needed(front) | every_page) < FRONT
    for page in set(site.glob("*.html")) - {front}:
        assert size(needed(page) | shared) < FIRST, page.name
        assert size(needed(page) - shared) < FURTHER, page.name


def test_a_picture_lies_on_the_site_once(site):
    files = [path.read_bytes() for path in site.rglob("*") if path.suffix in {".gif", ".png", ".svg"}]
    assert len(files) > 20 and len(set(files)) == len(files)


def test_every_link_leads_somewhere(site):
    texts = {path: path.read_text() for path in site.glob("*.html")}
    named = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in texts.items()}
    for page, text in texts.items():
        for link in set(re.findall(r'(?:href|src|srcset)="([^"]+)"', text)):
            target, _, anchor = unescape(link).partition("#")
            target = target.partition("?")[0]  # Sphinx's checksums
            if target.startswith(("https:", "data:")):
                continue
            path = site / target if target else page
            assert path.exists(), f"{page.name} points at {link}"
            assert not anchor or {anchor, unquote(anchor)} & named.get(path, set()), f"{page.name}: {link}"


def test_a_page_may_run_what_lies_beside_it_and_ask_where_it_came_from(site):
    """`file:` is the folder of a page that is opened as a file, and the last one lets Pagefind's and Pyodide's WebAssembly compile."""
    for page in site.glob("*.html"):
        (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page.read_text())
        assert policy == "script-src 'self' file: blob: 'wasm-unsafe-eval'; connect-src 'self'"


@pytest.fixture(scope="module")
def address(site, tmp_path_factory):
    """The site as its own server shows it -> its address"""
    with site_served(site, tmp_path_factory.mktemp("served") / "log") as address:
        yield f"{address}/"


def test_the_search_finds_words_on_other_pages_english_and_japanese(browser, address):
    page = browser.new_context(viewport=SCREENS["desk"]["viewport"]).new_page()
    failures, asked = [], []
    page.add_init_script(REFUSED)
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda said: said.text.startswith("refused") and failures.append(said.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.get_by_role("searchbox").first.fill("heavy-ball momentum")
    page.keyboard.press("Enter")
    found = page.locator(".pagefind-ui__result-link")
    found.first.wait_for()
    assert "momentum" in page.locator("#searched").inner_text().lower()
    page.locator(".pagefind-ui__result-nested .pagefind-ui__result-link").first.click()
    page.wait_for_url(re.compile(r"html#.+"))
    assert page.evaluate("document.getElementById(decodeURIComponent(location.hash.slice(1))) !== null")
    # Pagefind falls back to the beginning of a word: letters that stand on no page.
    for term, there in (("重みベクトル", True), ("щщщ", False)):
        page.goto(f"{address}search.html?q={term}")
        page.wait_for_function(
            "() => document.querySelector('.pagefind-ui__message')?.textContent.includes('result')"
        )
        assert (found.count() > 0) == there
    assert failures == [] and {
        url.partition("://")[2].partition("/")[0] for url in asked if url.startswith("http")
    } == {address.split("/")[2]}
    page.context.close()


def test_a_page_that_is_opened_as_a_file_says_how_to_get_the_search(open_page):
    page = open_page("search.html")
    assert "python3 serve.py" in page.locator("#searched").inner_text()
    assert page.locator(".from-file").is_visible()


@pytest.mark.parametrize("screen", SCREENS)
def test_the_front_pages_point_follows_keys_and_a_hand(open_page, screen):
    page = open_page("index.html", screen)
    hand, read = page.locator("#pull-hand"), lambda name: float(page.locator(f"#pull-{name}").text_content())
    assert (read("yy"), read("model"), page.locator("#pull-me").text_content()) == (5.0, 1.85, "pull me up")
    hand.press("End")
    means, slopes = state(TOP)
    assert read("yy") == round(means["yy"], 1)
    assert [read(name) for name in ("fit", "other", "model")] == [
        round(slopes[name], 2) for name in ("fit", "other", "model")
    ]
    hand.press("Home")
    hand.scroll_into_view_if_needed()
    box = hand.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] - 60, steps=4)
    page.mouse.up()
    height = float(hand.get_attribute("aria-valuenow"))
    assert 2 < height < TOP and read("model") == round(state(height)[1]["model"], 2)


def test_without_javascript_the_front_page_shows_the_point_pulled_up(browser, site):
    page = browser.new_context(**SCREENS["phone"], java_script_enabled=False, offline=True).new_page()
    page.goto(f"file://{site}/index.html")
    assert page.locator("#pull-me").text_content() == "pulled up"
    assert page.locator("#pull-line-model").is_visible() and page.locator(".pull .before").is_visible()
    page.get_by_role("link", name="Start", exact=True).click()
    assert page.get_by_role("heading", level=1).text_content().startswith("00")
    page.context.close()


def test_a_screen_reader_finds_names(open_page):
    name = first_lab()
    page = opened(open_page, name)
    for label in page.locator(f'[data-lab="{name}"] label span').all_text_contents():
        assert page.get_by_role("slider", name=label, exact=True).count() == 1
    assert page.locator(f'[data-lab="{name}"] .lt-words').get_attribute("aria-live") == "polite"
    assert (
        page.get_by_role("main").count()
        == page.get_by_role("searchbox").count()
        == page.get_by_role("heading", level=1).count()
        == 1
    )
    assert page.locator("img:not([alt])").count() == 0


def test_the_reference_says_what_the_package_offers(site):
    for page, name in (
        ("lt_helpers", "lt_helpers.model.LinearTransformer"),
        ("lt_helpers", "lt_helpers.implicit.implicit_regression"),
        ("lt_helpers.labs", "lt_helpers.labs.noise.NoiseLab"),
        ("lt_helpers.training", "lt_helpers.training.train.train"),
    ):
        assert f'id="{name}"' in (site / f"{page}.html").read_text()
