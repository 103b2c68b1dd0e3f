"""The site's live labs, from a plain web server: they come alive, answer, train, check exercises, and say so where they cannot.

The environment variable PYODIDE names the folder of a distribution of Pyodide.
"""

import os
import re
import runpy
import shutil
import threading
import time
from functools import partial
from http.server import ThreadingHTTPServer

import numpy as np
import pytest
from browsing import plain, site_served, wait_until
from playwright.sync_api import TimeoutError
from site_engine import build_engine

from lt_helpers import read_table
from lt_helpers.labs import NoiseLab, PilotLab, SoftmaxLab, TrainingLab
from lt_helpers.language import Message

NOISE = "07_noise_adaptive_step_sizes.html"
PILOT = "12_from_pilot_to_practice.html"
TRAINING = "10_train_your_own.html"
SOFTMAX = "14_softmax_and_mlps.html"
SCREEN = {"width": 1366, "height": 768}
SETTLED = 500  # milliseconds after which the address follows a lab (engine.js)
SOON = 120_000  # milliseconds in which a lab must be live, on whatever machine
MEGABITS = 10  # a second, of a slow line
PIECE = 16_384  # bytes that it carries at a time
FORBIDDEN = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }})"
COUNTED = """() => {
  const bar = document.querySelector(".lt-engine progress");
  return [bar.value, bar.max, bar.parentElement.textContent];
}"""
FULL = "Storage.prototype.setItem = () => { throw new DOMException('no room', 'QuotaExceededError'); }"

SLOW = (
    "[anywidget] Failed to initialize model"  # after two seconds on a busy machine; compat.js makes up for it
)

pytestmark = [
    pytest.mark.skipif(
        not os.environ.get("PYODIDE"),
        reason="no lab of the site was live: PYODIDE names no folder of a distribution",
    ),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def folder(site, tmp_path_factory):
    """The site with its engine."""
    folder = tmp_path_factory.mktemp("engine") / "site"
    shutil.copytree(site, folder)
    build_engine(folder)
    return folder


@pytest.fixture(scope="module")
def address(folder):
    """The site as its own server shows it."""
    with site_served(folder, folder.parent / "log") as address:
        yield f"{address}/"


@pytest.fixture(scope="module")
def context(browser):
    """One browser for all pages: what one has loaded, the others have."""
    context = browser.new_context(viewport=SCREEN)
    yield context
    context.close()


@pytest.fixture(scope="module")
def thrown():
    """What was thrown on the pages."""
    return []


@pytest.fixture(scope="module")
def start(context, address, thrown):
    """start("index.html") -> a page; `routes` answer for files in place of the server."""

    def start(name, routes=()):
        page = context.new_page()
        page.on("pageerror", lambda error: SLOW in str(error) or thrown.append(str(error)))
        for file, answer in routes:
            page.route(f"**/{file}", answer)
        page.goto(address + name, wait_until="commit")
        return page

    return start


@pytest.fixture
def open_page(start, thrown):
    """The same for one test; afterwards, that nothing was thrown on any page."""
    pages = []
    thrown.clear()

    def open_page(*args):
        pages.append(start(*args))
        return pages[-1]

    yield open_page
    for page in pages:
        page.close()
    assert thrown == []


@pytest.fixture
def open_anew(browser, address, thrown):
    """open_anew("index.html") -> a page in a browser of its own, which has kept nothing; `prepare` has the page before it goes anywhere.

    Afterwards, that nothing was thrown on it.
    """
    contexts = []
    thrown.clear()

    def open_anew(name, prepare=lambda page: None, address=address):
        contexts.append(browser.new_context(viewport=SCREEN))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: SLOW in str(error) or thrown.append(str(error)))
        prepare(page)
        page.goto(address + name, wait_until="commit")
        return page

    yield open_anew
    for context in contexts:
        context.close()
    assert thrown == []


@pytest.fixture(scope="module")
def noise(start):
    """The page of the noise lab, which tests share."""
    page = start(NOISE)
    yield page
    page.close()


def live(page):
    """The first lab of a page, once it is live."""
    lab = page.locator(".lt-live.lt-here").first
    try:
        lab.wait_for(timeout=SOON)
    except TimeoutError:
        raise AssertionError(note(page).inner_text()) from None
    return lab


def note(page):
    return page.locator(".lab .note").first


def words(lab):
    return lab.locator(".lt-words").inner_text()


def slide(drawing):
    """Move the first slider of a lab's drawing to its end: it says something else."""
    before = words(drawing)
    drawing.locator("input[type=range]").first.press("End")
    wait_until(lambda: words(drawing) != before)


def everything(lab):
    lab.get_by_role("button", name="Everything").click()
    lab.get_by_role("button", name="Lead").wait_for()


def test_a_lab_comes_alive_in_the_place_of_its_drawing(noise):
    noise.locator("[data-lab] .main-svg").first.wait_for(state="attached", timeout=SOON)  # drawn before
    lab = live(noise)
    assert noise.locator("[data-lab]").first.is_hidden()
    assert note(noise).inner_text().startswith("Live")
    assert words(lab) == NoiseLab().words_now


def test_the_softmax_models_are_loaded_where_their_lab_is_and_nowhere_else(open_page, folder):
    lab = live(open_page(SOFTMAX))
    assert words(lab) == SoftmaxLab().words_now
    pages = (folder / "engine" / "pages").glob("*.js")
    assert [f"{page.stem}.html" for page in pages if "softmax.zip" in page.read_text()] == [SOFTMAX]


def test_a_prediction_is_locked_and_answered(noise):
    lab = live(noise)
    field = lab.locator(".widget-text input").first
    field.fill("3")
    field.press("Enter")
    lab.get_by_role("button", name="Lock").click()
    lab.locator(".lt-large .noUi-handle").first.press("End")
    lab.locator(".lt-told:not(:empty)").first.wait_for()
    assert "3" in lab.locator(".lt-told").first.inner_text()


def test_all_controls_are_there_and_a_key_moves_the_lab(noise):
    lab = live(noise)
    lab.get_by_role("button", name="Everything").click()
    lab.get_by_role("button", name="Reset").wait_for()
    labels = [one.strip() for one in lab.locator(".widget-label").all_inner_texts()]
    shown = NoiseLab()
    shown.go_to(None)
    assert {shown.controls[name].description for name in ("sigma", "kind", "noise", "layers", "seed")} <= set(
        labels
    )

    handle = lab.locator(".noUi-handle").first
    before = words(lab)
    handle.press("ArrowLeft")
    wait_until(lambda: words(lab) != before)
    shown.controls["sigma"].value = float(handle.get_attribute("aria-valuenow"))
    assert words(lab) == shown.words_now


def test_the_address_opens_the_lab_as_it_stood(noise):
    lab = live(noise)
    noise.wait_for_function("() => location.hash.includes('=')")
    noise.wait_for_timeout(2 * SETTLED)
    link, stood = noise.evaluate("location.hash"), words(lab)
    lab.locator(".noUi-handle").first.press("Home")
    wait_until(lambda: words(lab) != stood)
    noise.wait_for_function("link => location.hash !== link", arg=link)
    noise.evaluate("link => (location.hash = link)", link)
    wait_until(lambda: words(live(noise)) == stood)


def test_a_link_that_was_cut_off_says_so_and_the_lab_is_there(noise):
    noise.evaluate("location.hash = location.hash.slice(0, -9)")
    wait_until(lambda: "copy the whole link" in note(noise).inner_text())
    assert words(live(noise)) == NoiseLab().words_now


def editor_of(page):
    exercise = page.locator(".lt-exercise").first
    exercise.get_by_role("button", name="Write it here").click()
    exercise.locator(".cm-content").wait_for()
    return exercise


def write(page, exercise, text):
    exercise.locator(".cm-content").focus()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    exercise.get_by_role("button", name="Check").click()


def test_every_exercise_has_its_editor(noise):
    assert noise.locator(".lt-exercise").count() == noise.evaluate("ltPageNow.exercises.length") > 0


def test_an_exercise_is_checked_and_one_that_never_ends_is_ended(noise):
    lab = live(noise)
    lab.locator(".noUi-handle").first.press("ArrowRight")
    wait_until(lambda: words(lab) != NoiseLab().words_now)
    stood = words(lab)
    exercise = editor_of(noise)
    said = exercise.locator(".lt-verdict")
    signature = re.search(r"def .*:", exercise.locator(".cm-content").inner_text())[0]

    write(noise, exercise, f"{signature} return 0")
    wait_until(lambda: said.inner_text().startswith("Not yet"), seconds=SOON / 1000)

    write(noise, exercise, "while True: pass")
    wait_until(lambda: said.inner_text().startswith("Stopped"), seconds=SOON / 1000)
    wait_until(lambda: note(noise).inner_text().startswith("Live"), seconds=SOON / 1000)
    assert words(live(noise)) == stood
    write(noise, exercise, "1 / 0")
    wait_until(lambda: "ZeroDivisionError" in said.inner_text(), seconds=SOON / 1000)


def test_the_lab_goes_on_where_the_reader_was(open_page):
    routes = []
    page = open_page(NOISE, [("packages.zip", lambda route: routes.append(route))])
    drawing = page.locator("[data-lab]").first
    drawing.get_by_role("button", name="Next").click()
    place = drawing.locator(".steps span").inner_text()
    drawing.locator("input[type=range]").first.press("End")
    wait_until(lambda: routes, seconds=SOON / 1000)
    routes[0].continue_()
    lab = live(page)
    assert lab.locator(".lt-steps .widget-html").inner_text().split()[0] == place.split()[0]
    handle = lab.locator(".noUi-handle").first
    assert handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")


def steps(lab):
    """How many steps a lab that trains says that it has taken."""
    return int(re.search(r"step ([\d,]+)", lab.locator(".lt-above").inner_text())[1].replace(",", ""))


def test_a_link_opens_the_training_lab_and_it_trains_until_a_press_and_closed_in_training_opens_fresh(
    open_page,
):
    linked = TrainingLab(beat=None, layers=2)
    page = open_page(f"{TRAINING}#10_train_your_own-live={linked.link()}")
    page.locator(".lt-elsewhere").first.wait_for()
    lab = live(page)
    assert not any(remark.is_visible() for remark in page.locator(".lt-elsewhere").all())
    lab.get_by_role("button", name="Start", exact=True).click()
    wait_until(lambda: steps(lab) > 100, seconds=SOON / 1000)
    lab.get_by_role("button", name="Pause").click()
    lab.get_by_role("button", name="Start", exact=True).wait_for()
    stands = steps(lab)
    page.wait_for_timeout(500)
    assert steps(lab) == stands

    lab.get_by_role("button", name="Start", exact=True).click()
    wait_until(lambda: steps(lab) > stands)
    page.close()
    again = open_page(TRAINING)
    assert steps(live(again)) == 0
    assert note(again).inner_text().startswith("Live")


class Line:
    """A line to the reader of so many megabits a second, None: of as many as there are."""

    def __init__(self, megabits):
        self.megabits = megabits
        self.alone = threading.Lock()  # one line for all files

    def carry(self, size):
        with self.alone:
            if self.megabits:
                time.sleep(size * 8e-6 / self.megabits)


@pytest.fixture
def slow_line(folder):
    """The site's own server behind a slow line -> its address and the line.

    Chromium can slow a page down by itself, but now and then lets nothing through for more than a minute at first.
    """
    line = Line(MEGABITS)

    class Pages(runpy.run_path(folder / "serve.py")["Pages"]):
        def copyfile(self, source, outputfile):
            while piece := source.read(PIECE):
                line.carry(len(piece))
                outputfile.write(piece)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", line
    line.megabits = None
    server.shutdown()
    server.server_close()


def test_on_a_slow_line_the_page_is_read_and_slid_while_its_megabytes_are_counted(open_anew, slow_line):
    address, line = slow_line
    page = open_anew(NOISE, address=address)
    drawing = page.locator("[data-lab]").first
    drawing.locator(".main-svg").first.wait_for(state="attached", timeout=SOON)
    assert page.get_by_role("heading", level=1).is_visible()
    page.get_by_role("progressbar").first.wait_for(timeout=SOON)

    def counted():
        """Megabytes that have come, by the bar: the words say the same."""
        come, all_of_it, said = page.evaluate(COUNTED)
        told = [float(number) for number in re.search(r"([\d.]+) of ([\d.]+) MB", said).groups()]
        assert told == pytest.approx([come / 1e6, all_of_it / 1e6], abs=0.051)
        assert told[0] < told[1]
        return told[0]

    first, began = counted(), time.monotonic()
    slide(drawing)
    wait_until(lambda: counted() >= first + 1, seconds=SOON / 1000)
    assert time.monotonic() - began > 0.5 * 8 / MEGABITS  # a megabyte took its time
    line.megabits = None
    live(page)


def test_by_plain_http_the_lab_is_live_and_what_is_to_be_copied_is_selected(open_anew, address):
    page = open_anew(NOISE, address=plain(address))
    lab = live(page)
    assert page.evaluate("[isSecureContext, 'clipboard' in navigator, 'serviceWorker' in navigator]") == [
        False,
        False,
        False,
    ]
    everything(lab)
    lab.get_by_role("button", name="Copy this view").click()
    lab.get_by_text(NoiseLab().names.say(Message("lab.copy_selected"))).wait_for()
    shown = NoiseLab()
    shown.go_to(None)
    wait_until(lambda: page.evaluate("String(getSelection())") == shown.view())


def test_a_table_of_ones_own_is_shown_in_the_page_and_stays_in_it(open_page):
    evil, mark = "<img src=x onerror=document.title=7>", "314159.265"
    rng = np.random.default_rng(0)
    lines = [f"machine,{evil}load,speed,wear"]
    for task in range(16):
        lines += [f"m{task},{a:.3f},{b:.3f},{a - task * b:.3f}" for a, b in rng.normal(size=(10, 2))]
    text = "\n".join([*lines, f"m0,{mark},{evil},1"])
    expected = PilotLab(table=read_table(text))

    page = open_page(PILOT)
    lab = live(page)
    everything(lab)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    file = {"name": "secret.csv", "mimeType": "text/csv", "buffer": text.encode()}
    lab.locator(".lt-drop input").set_input_files(file)
    wait_until(lambda: words(lab) == expected.words_now, seconds=SOON / 1000)
    assert f"one row with '{evil}' in 'speed'" in lab.locator(".lt-noted").inner_text()
    assert page.title() != "7" and page.locator("img[src=x]").count() == 0

    lab.get_by_role("button", name="New sequence").click()
    expected.controls["seed"].value = 2
    wait_until(lambda: words(lab) == expected.words_now, seconds=SOON / 1000)
    page.wait_for_function("() => location.hash.includes('=')")
    page.wait_for_timeout(2 * SETTLED)
    _, _, link = page.evaluate("location.hash").partition("=")
    again = PilotLab.from_state(link)
    assert again.values["table"] is None and again.values["seed"] == 2
    assert "machine" not in repr(again.state()) and asked == []


def refuse(route):
    route.fulfill(status=404, body="")


def abort(route):
    route.abort()


def damage(route):
    body = bytearray(route.fetch().body())
    body[len(body) // 2] ^= 1
    route.fulfill(status=200, body=bytes(body))


@pytest.mark.parametrize(
    ("file", "answer", "expected"),
    [
        ("python_stdlib.zip", refuse, "the server has no pyodide/python_stdlib.zip"),
        ("python_stdlib.zip", damage, "pyodide/python_stdlib.zip came damaged"),
        ("packages.zip", abort, "the connection broke off at packages.zip"),
        ("widgets.js", abort, "the connection broke off at widgets.js"),
        ("worker.js", refuse, "the server has no worker.js"),
    ],
)
def test_what_does_not_come_is_named_and_the_drawing_stays(open_page, file, answer, expected):
    page = open_page(NOISE, [(file, answer)])
    wait_until(lambda: expected in note(page).inner_text(), seconds=SOON / 1000)
    assert note(page).get_by_role("button", name="Try again").is_visible()
    slide(page.locator("[data-lab]").first)


@pytest.mark.parametrize("script", [FORBIDDEN, FULL], ids=["forbidden", "full"])
def test_a_browser_that_keeps_nothing_says_so_where_code_is_written_and_the_drawing_slides(open_anew, script):
    def prepare(page):
        page.add_init_script(script)
        page.route("**/worker.js", refuse)

    page = open_anew(NOISE, prepare)
    drawing = page.locator("[data-lab]").first
    drawing.locator(".main-svg").first.wait_for(state="attached", timeout=SOON)
    slide(drawing)
    exercise = editor_of(page)
    warning = exercise.get_by_text("does not keep what you write here")
    assert not warning.is_visible()
    exercise.locator(".cm-content").press_sequentially("# mine")
    warning.wait_for()
    assert "# mine" in exercise.locator(".cm-content").inner_text()


def test_an_exercise_in_two_tabs_says_which_code_is_kept(open_page):
    pages = [open_page(NOISE, [("worker.js", refuse)]) for _ in range(2)]
    exercises = [editor_of(page) for page in pages]
    warnings = [exercise.get_by_text("open in another tab as well") for exercise in exercises]
    exercises[1].locator(".cm-content").press_sequentially("# later")
    warnings[0].wait_for()
    assert not warnings[1].is_visible()
    pages[0].reload(wait_until="commit")
    assert "# later" in editor_of(pages[0]).locator(".cm-content").inner_text()


def test_once_the_connection_is_back_another_try_brings_the_lab(open_page):
    page = open_page(NOISE, [("packages.zip", abort)])
    again = note(page).get_by_role("button", name="Try again")
    again.wait_for(timeout=SOON)
    page.unroute("**/packages.zip")
    again.click()
    live(page)


def test_a_browser_without_webassembly_keeps_the_drawing_and_says_why(context, address):
    page = context.new_page()
    page.add_init_script("delete globalThis.WebAssembly")
    page.goto(address + NOISE, wait_until="commit")
    wait_until(lambda: "no WebAssembly" in note(page).inner_text())
    page.locator("[data-lab] .main-svg").first.wait_for(state="attached", timeout=SOON)
    page.close()


def test_a_page_that_is_opened_as_a_file_says_what_it_lacks(context, folder):
    page = context.new_page()
    page.goto(f"file://{folder / NOISE}", wait_until="commit")
    wait_until(lambda: "opened as a file" in note(page).inner_text())
    page.locator("[data-lab] .main-svg").first.wait_for(state="attached", timeout=SOON)
    page.close()
