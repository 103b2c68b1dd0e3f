"""A JupyterLab with a copy of the notebooks for all tests, and a function that opens one of them."""

import fcntl
import shutil

import nbformat
import pytest
from all_labs import all_labs, lab_call, write_notebook
from browsing import ROOT, chromium, jupyterlab
from build_site import build
from cell_names import needed
from notebook_page import NotebookPage

SCREEN = {"width": 1366, "height": 768}
TRAINING = [
    "from lt_helpers.labs import TrainingLab",
    "lab = TrainingLab()\nlab",
    "print('steps', lab.process.steps)",
]
TEN_LABS = ["from lt_helpers.labs import NoiseLab", *10 * ["NoiseLab()"]]
EVERY_LAB = ["from lt_helpers import labs", *(f"labs.{lab.__name__}()" for lab in all_labs().values())]
TWO_LABS = ["from lt_helpers.labs import NoiseLab", "NoiseLab()", "NoiseLab(sigma=3.0, ghost={'sigma': 1.0})"]

FRAGILE_LAB = """from lt_helpers.labs import NoiseLab

class FragileLab(NoiseLab):
    @staticmethod
    def compute(**controls):
        if controls["sigma"] == 1.1:
            raise ValueError("sigma is 1.1: this lab cannot bear it.")
        return NoiseLab.compute(**controls)

FragileLab()"""

SLOW_LAB = """import time
from lt_helpers.labs import NoiseLab

class SlowLab(NoiseLab):
    @staticmethod
    def compute(**controls):
        time.sleep(30 if controls["sigma"] == 1.1 else 0)
        return NoiseLab.compute(**controls)

SlowLab(beat=None)"""

# A chart without what makes up for the notebook's own parts.
UNAIDED = """from lt_helpers.view.chart import FILES, Chart
Chart._esm = "\\n".join((FILES / name).read_text() for name in ("hands.js", "draw.js", "widget.js"))"""

# A slider and a chart that follows it, without a lab around them: four panels with five lines each.
FOLLOWING = """import ipywidgets
import numpy as np
from lt_helpers.view.chart import Chart

X = np.linspace(0, 1, 11)

def axis(number, letter):
    start = [0, 0.55][number % 2 if letter == "x" else number // 2]
    return dict(range=[0, 1] if letter == "x" else [0, 10], domain=[start, start + 0.45], anchor="yx"[letter == "y"] + str(number + 1))

def figure(level):
    lines = [
        dict(type="scatter", mode="lines+markers", x=X, y=level * X ** (1 + line), xaxis=f"x{number + 1}", yaxis=f"y{number + 1}")
        for number in range(4) for line in range(5)
    ]
    axes = {f"{letter}axis{number + 1}": axis(number, letter) for number in range(4) for letter in "xy"}
    return dict(data=lines, layout=dict(template=dict(layout={}), height=480, annotations=[], showlegend=False, **axes))

def show(level):
    chart.show(figure(level), f"drawn {level:.1f}, the slider's {slider.value:.1f}, {len(ahead)} ahead of it")

def follow(name, level):
    ahead.append(level)
    show(level)

ahead = []  # the values that came on the chart's own channel

slider = ipywidgets.FloatSlider(description="Level", value=5.0, max=10.0, step=0.1, readout_format=".1f")
chart = Chart(figure(slider.value), "")
slider.observe(lambda change: show(change.new), "value")
chart.follow({"level": slider}, follow)
ipywidgets.VBox([slider, chart])"""

# A beat after its prediction and its answer, when its words are longest. A lab that trains would take minutes: there the prediction alone.
ALL_TOLD = f"""import sys
sys.path.append({str(ROOT / "tools")!r})
from answers import finish
from lt_helpers import labs
from lt_helpers.labs.live import LiveLab

def told(kind, place):
    beat = kind.BEATS[place]
    lab = kind(beat=beat.name)
    if beat.ask:
        *_, (_, lab.controls[beat.ask].value) = lab.controls[beat.ask].options
        lab.lock()
    if not isinstance(lab, LiveLab):
        finish(lab, beat)
    return lab"""

NOTEBOOKS = {  # a notebook has one kernel, in however many pages it is open: those that tests share have two names
    "two_labs": TWO_LABS,
    "shared": TWO_LABS,
    "late": TWO_LABS,
    "leading": TWO_LABS[:2],
    "ten_labs": TEN_LABS,
    "every_lab": EVERY_LAB,
    "fragile_lab": [FRAGILE_LAB],
    "slow_lab": [SLOW_LAB],
    "training": TRAINING,
    "following": [FOLLOWING],
    "unaided": [UNAIDED, *TWO_LABS],
    "own_table": ["from lt_helpers.labs import PilotLab", "PilotLab()"],
}


def lab_cells(path):
    """The cells of a notebook that show a lab, and those that these need: nbval runs all, and test_memory.py those of half a day."""
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    labs = [index for index, source in enumerate(cells) if lab_call(source)]
    assert labs, f"{path.name} shows no lab"
    return [cells[index] for index in needed(cells, labs)]


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """The site, built once for all processes of the suite: which reads it writes nothing into it."""
    mine = tmp_path_factory.getbasetemp()
    shared = mine if worker_id == "master" else mine.parent
    folder, whole = shared / "site", shared / "site is whole"
    with open(shared / "site.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            build(folder)
            whole.touch()
    return folder


@pytest.fixture(scope="package")  # an event loop runs as long as it does: tests elsewhere need their own
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def address_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jupyter")
    shutil.copytree(
        ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints")
    )
    for name, cells in NOTEBOOKS.items():
        write_notebook(folder / "notebooks" / f"{name}.ipynb", cells)
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        write_notebook(folder / "notebooks" / f"labs_of_{path.name}", lab_cells(path))
    for kind in all_labs().values():
        cells = [f"told(labs.{kind.__name__}, {place})" for place in range(len(kind.BEATS))]
        write_notebook(folder / "notebooks" / f"beats_of_{kind.__name__}.ipynb", [ALL_TOLD, *cells])
    with jupyterlab(
        folder, JUPYTER_CONFIG_PATH=str(ROOT / "binder")
    ) as address_of:  # the settings of `make lab`
        yield address_of


@pytest.fixture(scope="package")
def visit(browser, address_of):
    """visit("two_labs.ipynb") -> NotebookPage; the page is the one of the visit before, unless that has been closed.

    JupyterLab takes four times as long to come up as to open one more notebook.
    """
    pages = []

    def visit(name):
        if pages and not pages[-1].page.is_closed():
            pages[-1].start_again(f"notebooks/{name}")
        else:
            page = browser.new_context(viewport=SCREEN).new_page()
            pages.append(NotebookPage(page, address_of(f"notebooks/{name}")))
        return pages[-1]

    yield visit
    for page in pages:
        page.close()


@pytest.fixture
def open_notebook(visit):
    """open_notebook("two_labs.ipynb") -> NotebookPage; after the test nothing is open in it, and its kernel is shut down."""
    opened = []

    def open_notebook(name):
        opened.append(visit(name))
        return opened[-1]

    yield open_notebook
    if opened and not opened[-1].page.is_closed():
        opened[-1].clear()
