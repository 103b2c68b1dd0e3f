"""The site, opened from its files with the network off: at a desk and on a phone."""


import numpy as np
import pytest
from build_site import build, notebook_page, notebooks
from notebook_page import DRAWN, FAULTS

from lt_helpers import labs

LABS = {name: lab for path in notebooks() for name, lab in notebook_page(path)[1].items()}
SCREENS = {
    "desk": dict(viewport={"width": 1366, "height": 768}),
    "phone": dict(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True),
}
FIRST_LOAD, FURTHER_PAGE, STEP = 6e6, 1e6, 60  # bytes, bytes, milliseconds

pytestmark = pytest.mark.timeout(900)  # the labs are computed once, before the first test


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    build(folder)
    return folder


@pytest.fixture
def open_page(browser, site):
    """open_page("index.html", "phone") -> a page; afterwards, that nothing failed on it and nothing was asked of the network."""
    opened, failures = [], []

    def open_page(name, screen="desk", **more):
        context = browser.new_context(**SCREENS[screen], offline=True, **more)
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("requestfailed", lambda request: failures.append(f"failed: {request.url}"))
        page.on("request", lambda request: request.url.startswith(("file:", "data:", "blob:")) or failures.append(f"asked: {request.url}"))
        page.goto(f"file://{site / name}")
        return page

    yield open_page
    for context in opened:
        context.close()
    assert failures == []


def page_of(name):
    return f"{name.rpartition('-')[0]}.html"


def slider(page, name, index=0):
    return page.locator(f'[data-lab="{name}"] input[type=range]').nth(index)


def readouts(page, name):
    return page.locator(f'[data-lab="{name}"] output').all_text_contents()


def shows_what_python_computes(page, name):
    """The figure and the words of a lab on the page are those of the lab itself, for what its sliders say."""
    cls, values = LABS[name]
    lab = getattr(labs, cls)(**values)
    names = {control.description: key for key, control in lab.controls.items()}
    shown = dict(zip(page.locator(f'[data-lab="{name}"] label span').all_text_contents(), readouts(page, name)))
    for label, text in shown.items():
        control = lab.controls[names[label]]
        options = dict(getattr(control, "options", ()))
        control.value = options[text] if options else type(control.value)(text)
    says = "([name, words]) => document.querySelector(`[data-lab='${name}'] .lt-words`)?.textContent === words"
    page.wait_for_function(says, arg=[name, lab.words_now])
    drawn = page.locator(f'[data-lab="{name}"] .lt-figure').evaluate(DRAWN)
    assert len(drawn) == len(lab.figure.data)
    for trace, figured in zip(drawn, lab.figure.data):
        for key in {"y", "z"} & figured.to_plotly_json().keys():
            expected = np.asarray(figured[key], float)
            np.testing.assert_allclose(np.array(trace[key], float), expected, rtol=2e-3, atol=1e-4, err_msg=f"{figured.name}: {key}")
    assert sum(trace["shapes"] for trace in drawn) > 0


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", LABS)
def test_every_lab_is_there_after_loading_and_slides(open_page, name, screen):
    page = open_page(page_of(name), screen)
    page.wait_for_selector(f'[data-lab="{name}"] .main-svg', state="attached", timeout=30_000)
    shows_what_python_computes(page, name)
    sliders = page.locator(f'[data-lab="{name}"] input[type=range]')
    assert sliders.count() >= 2
    for index in range(sliders.count()):
        before = readouts(page, name)
        sliders.nth(index).focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("End")
        page.keyboard.press("ArrowLeft")
        assert readouts(page, name)[index] != before[index] or len(set(before)) == 1
        shows_what_python_computes(page, name)
    assert page.locator(f'[data-lab="{name}"]').evaluate(FAULTS) == []
