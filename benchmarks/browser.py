"""How fast and how light the labs are in a real JupyterLab, beside the two usual ways to show the same figure.

A move is one press of an arrow key on a slider; it ends with the frame after the last change of the drawing. In a drag the mouse moves
every PACE seconds, however busy the page is, and what counts is how often the figure is drawn meanwhile (the aim: twenty times a second,
the last value always) and how long after letting go it is drawn for the last time. The server has the settings of `make lab`.
The variants run one after the other in one JupyterLab and one Chromium: compare them with each other, not with another machine's.
"""

import json
import tempfile
from pathlib import Path
from time import perf_counter, sleep
from urllib.request import urlopen

import numpy as np
from websocket import create_connection

from tools.all_labs import write_notebook
from tools.browsing import ROOT, chromium, free_port, jupyterlab
from tools.notebook_page import NotebookPage

MOVES = 60  # presses of a key
DRAGS = 5  # to and fro, each from the same place
DRAG, PACE = 2, 1 / 46  # seconds of a drag; seconds between two moves of the mouse in it
AWAY = 60  # pixels to either side
SETTLED = 0.3  # seconds without a change of the drawing
THERE = 8  # moves to one side before it turns back: no slider may come to its end
# The slider of each lab that is moved: its control, its label, and where it begins, so that a drag to both sides finds room.
LABS = {
    "NoiseLab": ("sigma", "Noise σ", 4.0),
    "RidgeLab": ("sigma", "Noise σ", 2.5),
    "RescalingLab": ("s1", "Made for σ₁", 2.0),
}
IMPORT = "from lt_helpers.labs import {lab}"
FIGURE = """
import ipywidgets, plotly.graph_objects as go
lab = {lab}({name}={begin})
control = lab.CONTROLS["{name}"]
slider = control.widget(lab.values["{name}"], lab.values, "{label}", lab.names.say)
def figure(value):
    drawing, _ = lab.at(**{{"{name}": control.read(value)}})
    return go.Figure(drawing, _validate=False)
"""
WIDGET = """
shown = go.FigureWidget(figure(slider.value))
def move(change):
    with shown.batch_update():
        for old, new in zip(shown.data, figure(change.new).data):
            old.x, old.y = new.x, new.y
slider.observe(move, "value")
ipywidgets.VBox([slider, shown])
"""
NAIVE = """
def show(value):
    display(figure(value))
ipywidgets.interactive(show, value=slider)
"""


def variants(lab, name, label, begin):
    """The three ways to show a lab's figure -> {way: cells of a notebook}."""
    start, same = IMPORT.format(lab=lab), FIGURE.format(lab=lab, name=name, label=label, begin=begin)
    return {
        "lab": [start, f"{lab}(beat=None, {name}={begin})"],
        "FigureWidget": [start + same, WIDGET],
        "interact": [start + same, NAIVE],
    }


WATCH = """(root) => {
  window.watched = {pressed: 0, let_go: 0, drawn: 0, frames: 0};
  document.addEventListener("mouseup", () => (watched.let_go = performance.now()), true);
  document.addEventListener("keydown", () => (watched.pressed = performance.now()), true);
  const drawing = (node) => node.closest?.("svg") ?? node.querySelector?.("svg");
  new MutationObserver((changes) => {
    if (changes.some(({target, addedNodes}) => drawing(target) || [...addedNodes].some(drawing)))
      requestAnimationFrame(() => {
        const now = performance.now();
        if (now !== watched.drawn) watched.frames += 1;
        watched.drawn = now;
      });
  }).observe(document.querySelector(root), {subtree: true, childList: true, attributes: true});
}"""
NOTEBOOK = ".jp-Notebook"


class Wire:
    """Counts the bytes that a page receives and sends over its websockets."""

    def __init__(self, page):
        self.down = self.up = 0
        page.on("websocket", self._count)

    def _count(self, socket):
        socket.on("framereceived", lambda frame: setattr(self, "down", self.down + len(frame)))
        socket.on("framesent", lambda frame: setattr(self, "up", self.up + len(frame)))


def measure(browser, port, address, label, moves=MOVES):
    """Open a notebook, run it, move the slider with this label by key and by mouse -> dict of seconds and bytes."""
    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
    wire = Wire(page)
    notebook = NotebookPage(page, address)
    before, start = wire.down, perf_counter()
    notebook.run_all()
    page.locator("svg.main-svg").first.wait_for(state="attached")
    opened = perf_counter() - start
    sleep(1)
    first = wire.down - before
    page.evaluate(WATCH, NOTEBOOK)
    handle = page.locator(f'.widget-hslider:has(> .widget-label:text-is("{label}")) .noUi-handle').first
    down, up = wire.down, wire.up
    times = presses(page, handle, ("ArrowRight", "ArrowLeft"), moves)
    down, up = (wire.down - down) / moves, (wire.up - up) / moves
    frames, after = drags(page, handle, port)
    result = dict(
        first_bytes=first,
        first_seconds=opened,
        down=down,
        up=up,
        times=times,
        frames=frames,
        after=after,
    )
    notebook.close()
    return result


def presses(page, handle, keys, moves):
    """Press two keys on a handle, to and fro -> milliseconds from each to the drawing, infinite where none came: (moves,)"""
    handle.focus()
    times = []
    for move in range(moves):
        page.keyboard.press(keys[move // THERE % 2])
        sleep(SETTLED)
        pressed, drawn = page.evaluate("() => [watched.pressed, watched.drawn]")
        times.append(drawn - pressed if drawn > pressed else np.inf)
    return np.array(times)


class Mouse:
    """A mouse as a hand moves it: it goes on however busy the page is. (Playwright's waits for the page after each of its moves.)"""

    def __init__(self, page, port):
        with urlopen(f"http://127.0.0.1:{port}/json") as pages:
            address = next(one["webSocketDebuggerUrl"] for one in json.load(pages) if one["url"] == page.url)
        self.socket = create_connection(address, suppress_origin=True)

    def move(self, x, y):
        where = {"type": "mouseMoved", "x": x, "y": y, "button": "left", "buttons": 1}
        self.socket.send(json.dumps({"id": 1, "method": "Input.dispatchMouseEvent", "params": where}))

    def close(self):
        self.socket.close()


def drags(page, handle, port, upright=False):
    """Drag a slider, or a handle upright, DRAGS times -> drawings a second, and milliseconds from letting go to the last drawing"""
    mouse = Mouse(page, port)
    results = [drag(page, handle, mouse, upright) for _ in range(DRAGS)]
    mouse.close()
    return np.mean(results, axis=0)


def drag(page, handle, mouse, upright):
    """To and fro once a second, and at last back to where it began."""
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    before, start = page.evaluate("() => watched.frames"), perf_counter()
    moves = round(DRAG / PACE)
    for move in range(1, moves + 1):
        away = AWAY * np.sin(2 * np.pi * move * PACE) if move < moves else 0
        mouse.move(x - away * (not upright), y - away * upright)
        sleep(max(0, start + move * PACE - perf_counter()))
    frames, seconds = page.evaluate("() => watched.frames") - before, perf_counter() - start
    page.mouse.up()
    sleep(1)
    after = page.evaluate("() => Math.max(0, watched.drawn - watched.let_go)")
    return frames / seconds, after


def grab(browser, port, address, moves=MOVES):
    """A point of the picture by key and by mouse -> milliseconds from each key to the drawing, and drawings a second"""
    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
    notebook = NotebookPage(page, address)
    notebook.run_all()
    handle = page.locator(".lt-handle").first
    handle.wait_for()
    page.evaluate(WATCH, NOTEBOOK)
    times = presses(page, handle, ("ArrowUp", "ArrowDown"), moves)
    frames, _ = drags(page, handle, port, upright=True)
    notebook.close()
    return times, frames


def second_lab(browser, address):
    """The bytes that a second lab in the same notebook adds."""
    page = browser.new_page()
    wire = Wire(page)
    notebook = NotebookPage(page, address)
    sizes = []
    for _ in range(3):  # the import, the first lab, the second
        before = wire.down
        notebook.command("notebook:run-cell-and-select-next")
        notebook.wait_until_ready()
        sleep(2)
        sizes.append(wire.down - before)
    notebook.close()
    return sizes[-1]


def report(moves=MOVES):
    """The variants as a Markdown table."""
    cells, labels = {}, {}
    for lab, (name, label, begin) in LABS.items():
        for way, notebook in variants(lab, name, label, begin).items():
            cells[f"{lab}, {way}"] = notebook
            labels[f"{lab}, {way}"] = label
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, chromium(f"remote-debugging-port={port}") as browser:
        for name, notebook in cells.items():
            write_notebook(Path(folder) / f"{name}.ipynb", notebook)
        write_notebook(Path(folder) / "second.ipynb", [*cells["NoiseLab, lab"], "NoiseLab(beat=None)"])
        points = ["from lt_helpers.labs import PointsLab", "PointsLab()"]
        write_notebook(Path(folder) / "points.ipynb", points)
        with jupyterlab(folder, JUPYTER_CONFIG_PATH=str(ROOT / "binder")) as address_of:
            results = {
                name: measure(browser, port, address_of(f"{name}.ipynb"), labels[name], moves)
                for name in cells
            }
            second = second_lab(browser, address_of("second.ipynb"))
            times, frames = grab(browser, port, address_of("points.ipynb"), moves)
    lines = [
        "| | key to drawn p50, ms | p95, ms | p50 over the lab's | dragged: drawings a second | let go to drawn, ms "
        "| down a move, KB | up a move, KB | first lab, MB | first lab, s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, result in results.items():
        (p50, p95), lab = (
            np.percentile(result["times"], [50, 95]),
            np.median(results[f"{name.split(', ')[0]}, lab"]["times"]),
        )
        numbers = [
            f"{p50:.0f}",
            f"{p95:.0f}",
            f"{p50 / lab:.1f}",
            f"{result['frames']:.1f}",
            f"{result['after']:.0f}",
        ]
        numbers += [f"{result['down'] / 1e3:.1f}", f"{result['up'] / 1e3:.2f}"]
        numbers += [f"{result['first_bytes'] / 1e6:.2f}", f"{result['first_seconds']:.1f}"]
        lines.append(f"| {' | '.join([name, *numbers])} |")
    p50, p95 = np.percentile(times, [50, 95])
    grabbed = f"A data point of PointsLab: key to drawn {p50:.0f} ms, p95 {p95:.0f} ms; dragged, {frames:.1f} drawings a second."
    return "\n".join([*lines, "", f"A second lab in the same notebook adds {second / 1e3:.0f} KB. {grabbed}"])
