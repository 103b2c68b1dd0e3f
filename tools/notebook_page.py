"""A notebook in a browser, as a test drives it: run, slide, and read what is drawn."""

import re
import time

import ipywidgets
import numpy as np
import psutil
from axe_playwright_python.sync_playwright import Axe

MB = 2**20
LATE = "[anywidget] Failed to initialize model."

# For each trace of a chart: its numbers, how many shapes stand for it on the page, and where its marks stand, back in data units.
DRAWN = """figure => {
  const layers = [...figure.querySelectorAll(".scatterlayer .trace, .hm")];
  const numbers = (values) => values ? Array.from(values, (value) => value?.length === undefined ? value : Array.from(value)) : [];
  return figure._fullData.map((trace) => {
    const node = layers.find((layer) => [layer.__data__].flat()[0]?.trace?.uid === trace.uid);
    const shapes = [...(node?.querySelectorAll("path[d], image, text") ?? [])];
    const axis = figure._fullLayout["yaxis" + trace.yaxis.slice(1)];
    const heights = shapes.filter((shape) => shape.classList.contains("point")).map((point) => point.getAttribute("transform"));
    const drawn_y = heights.map((transform) => axis.p2d(Number(transform.match(/,([^)]+)/)[1])));
    return {x: numbers(trace.x), y: numbers(trace.y), z: numbers(trace.z), drawn_y, shapes: shapes.length,
            span: Math.abs(axis.range[1] - axis.range[0])};
  });
}"""


# Each line, mark and word of the traces: shape, place, style in a fixed order, and text.
MARKS = """figure => [...figure.querySelectorAll(".scatterlayer path, .scatterlayer text")].map((mark) =>
  [mark.getAttribute("d"), mark.getAttribute("transform"), mark.style.cssText.split(/;\\s*/).sort().join("; "), mark.textContent])"""


FAULTS = """root => {
  const faults = [];
  for (const text of root.querySelectorAll(".lt-figure text")) {
    const size = parseFloat(getComputedStyle(text).fontSize);
    if (size < 12) faults.push(`${text.textContent}: ${size} px`);
  }
  if (root.scrollWidth > root.clientWidth + 1) faults.push(`the lab is ${root.scrollWidth} px wide in ${root.clientWidth}`);
  const width = root.querySelector(".lt-figure").getBoundingClientRect();
  const titles = [...root.querySelectorAll(".lt-figure .annotation")].map((title) => [title, title.getBoundingClientRect()]);
  for (const [title, box] of titles) {
    const beside = titles.filter(([, other]) => Math.abs(other.top - box.top) < 5 && other.left > box.left).map(([, other]) => other.left);
    if (box.right > Math.min(width.right, ...beside)) faults.push(`${title.textContent}: ${box.right} px, and ends at ${beside}`);
  }
  return faults;
}"""


# Numbers the controls in the order of the page; -> their names.
NUMBER = """root => [...root.querySelectorAll("button, select, input, .noUi-handle")].filter((one) => one.offsetParent).map((one, stop) => {
  one.dataset.stop = stop;
  return one.getAttribute("aria-label") || one.textContent || one.outerHTML;
})"""
# Closes all that is open, its kernels too, and keeps nothing of what has changed.
CLEAR = """async () => {
  for (const shown of [...jupyterapp.shell.widgets("main")]) {
    await shown.sessionContext?.shutdown();
    if (shown.context) shown.context.model.dirty = false;
    shown.close();
  }
}"""
LED = "(root, leads) => (root.dataset.leads ??= String(leads))"
STOP = "root => root.contains(document.activeElement) ? document.activeElement.dataset.stop ?? '' : null"
STANDS = "control => String(control.type === 'checkbox' ? control.checked : control.value)"

SLIDERS = ipywidgets.IntSlider, ipywidgets.FloatSlider, ipywidgets.SelectionSlider


def written(slider):
    """What a slider says beside its handle."""
    if isinstance(slider, ipywidgets.SelectionSlider):
        return next(label for label, value in slider.options if value == slider.value)
    return format(slider.value, slider.readout_format).replace("-", "\N{MINUS SIGN}")


class NotebookPage:
    """One notebook open in JupyterLab."""

    def __init__(self, page, address, dark=False):
        self.page, self.viewport = page, page.viewport_size
        self.failures = []  # what the page itself complained of
        self.late = []  # anywidget's complaints about a busy page, whose charts move all the same (test_wrong_order.py)
        page.on(
            "pageerror", lambda error: (self.late if LATE in str(error) else self.failures).append(str(error))
        )
        page.goto(address)
        self.wait_until_ready()
        self.change_theme(dark)

    def change_theme(self, dark):
        """JupyterLab's dark theme or its light one, and wait until it is there: of two changes under way the first may come last."""
        self.command("apputils:change-theme", theme="JupyterLab Dark" if dark else "JupyterLab Light")
        self.page.wait_for_function(
            "light => document.body.dataset.jpThemeLight === light", arg="false" if dark else "true"
        )

    def wait_until_ready(self):
        """Until the kernel of the notebook is idle."""
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
            timeout=60_000,
        )

    def command(self, name, **arguments):
        """Run one of JupyterLab's commands, as its menus do, and wait for its end."""
        return self.page.evaluate(
            "async ([name, args]) => { await jupyterapp.commands.execute(name, args); }", [name, arguments]
        )

    def run_all(self):
        self.command("notebook:run-all-cells")
        self.wait_until_ready()

    def run_last_cell(self):
        """Run the last cell again, whichever was clicked into."""
        for _ in range(self.page.locator(".jp-Notebook .jp-Cell").count()):
            self.command("notebook:move-cursor-down")
        self.command("notebook:run-cell")

    def reload(self):
        """Save, and load the page anew with the same kernel."""
        self.command("docmanager:save")
        self.page.reload()
        self.wait_until_ready()

    def clear(self):
        """Close whatever is open, without saving it, and shut the kernels down."""
        self.page.evaluate(CLEAR)

    def start_again(self, path):
        """Open a notebook as in a page that has just come up: nothing else is open, in the light theme, and nothing was complained of."""
        self.clear()
        self.page.set_viewport_size(self.viewport)
        self.change_theme(dark=False)
        self.failures, self.late = [], []
        self.command("docmanager:open", path=path, factory="Notebook")
        self.wait_until_ready()

    def kernel(self):
        """The process of the notebook's kernel."""
        name = self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.id")
        return next(
            process
            for process in psutil.process_iter(["cmdline"])
            if name in " ".join(process.info["cmdline"] or ())
        )

    def memory(self):
        """Megabytes of its own that the kernel holds, and the page once it has collected its garbage.

        Files that are mapped, libraries above all, are left out: they count as the kernel's own (`uss`) from the moment on when the last
        other process that has them open ends.
        """
        devtools = self.page.context.new_cdp_session(self.page)
        devtools.send("HeapProfiler.collectGarbage")
        page = devtools.send("Runtime.getHeapUsage")["usedSize"]
        devtools.detach()
        kernel = self.kernel().memory_full_info()
        own = kernel.rss - kernel.shared if hasattr(kernel, "shared") else kernel.uss
        return np.array([own, page]) / MB

    def close(self):
        """Shut its kernels down and close the page; a page that is closed already leaves them to others."""
        if not self.page.is_closed():
            self.clear()
        self.page.context.close()

    def labs(self, count=1):
        """All labs of the notebook, at least `count`, each scrolled into view once so that it is drawn.

        After a reload JupyterLab renders what is far down only once one comes near.
        """
        deadline = time.monotonic() + 60
        while self.page.locator(".lt-chart").count() < count and time.monotonic() < deadline:
            self.command("notebook:move-cursor-down")
            self.page.wait_for_timeout(300)
        self.page.wait_for_selector(".lt-chart", state="attached", timeout=60_000)
        return [
            Lab(self.page, chart) for chart in self.page.locator(".jp-OutputArea-output:has(.lt-chart)").all()
        ]

    def output(self, number):
        """What a lab's cell shows, drawn and at the top of the view: JupyterLab renders what is far off only once one comes near.

        number : int.  Of the cell, from 0.
        """
        self.page.evaluate(
            "number => jupyterapp.shell.currentWidget.content.scrollToItem(number, 'start')", number
        )
        cell = self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{number}"]')
        root = cell.locator(".jp-OutputArea-output:has(.lt-chart)")
        root.locator(".lt-figure .main-svg").first.wait_for(state="attached", timeout=60_000)
        return root

    def errors(self):
        """Tracebacks and warnings in the outputs."""
        selector = '[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"]'
        return [output.inner_text() for output in self.page.locator(selector).all()]


class Lab:
    """One lab on the page, with everything that it has."""

    def __init__(self, page, root):
        self.page, self.root = page, root
        root.scroll_into_view_if_needed()
        root.locator(".lt-figure .main-svg").first.wait_for(state="attached", timeout=60_000)
        led = root.evaluate(
            LED, self.button("Everything").is_visible()
        )  # as it was opened: on the page, for the next one who asks
        self.leads = led == "true"
        self.show_everything()

    def show_everything(self):
        """A lab that leads stops leading."""
        if self.button("Everything").is_visible():
            self.button("Everything").click()
            self.button("Copy this view").wait_for()

    def reset(self):
        """Back to where it was opened, and there to everything."""
        self.button("Reset").click()
        if self.leads:
            self.button("Everything").wait_for()
            self.show_everything()

    def drawn(self):
        """Every trace that the chart has, with what is on the page for it."""
        traces = self.root.locator(".lt-figure").evaluate(DRAWN)
        for trace in traces:
            for key in ("x", "y", "z", "drawn_y"):
                trace[key] = np.array(trace[key], float)
        return traces

    def marks(self):
        """Every line, mark and word of the traces, as it stands on the page."""
        return self.root.locator(".lt-figure").evaluate(MARKS)

    def expected(self):
        """The lab that the copied view opens, in this process: what the page should show."""
        self.show_everything()
        self.button("Copy this view").click()
        code = self.root.locator("code").text_content()
        statement, call = code.split("; ", 1)
        names = {}
        exec(statement, names)
        return eval(call, names)

    def shows_what_python_computes(self, seconds=30):
        """Wait until every number, every mark and the words on the page are those that Python computes for the controls."""
        deadline, attempts = time.monotonic() + seconds, 0
        while True:
            try:
                return self._compare(self.expected())
            except AssertionError:
                attempts += 1
                if (
                    time.monotonic() > deadline and attempts > 5
                ):  # a page that is busy can take all the time for one
                    raise
                time.sleep(0.1)

    def _compare(self, expected):
        for (
            widget
        ) in expected.controls.values():  # what the kernel has computed is what the sliders say by now
            if isinstance(widget, SLIDERS):
                shown, meant = self.readout(widget.description), written(widget)
                assert shown == meant, f"{widget.description} says {shown}, and the kernel has {meant}"
        words = self.words()
        assert words == expected.words_now, f"the page says: {words}\nPython says: {expected.words_now}"
        drawn = self.drawn()
        assert len(drawn) == len(expected.figure.data) > 0
        for trace, figured in zip(drawn, expected.figure.data, strict=True):
            wanted = figured.to_plotly_json()
            for key in {"x", "y", "z"} & wanted.keys():
                np.testing.assert_allclose(
                    trace[key],
                    np.asarray(wanted[key], float),
                    rtol=1e-5,
                    atol=1e-6,
                    err_msg=f"{figured.name}: {key}",
                )
            numbers = np.asarray(wanted.get("z", wanted["y"]), float)
            there = np.isfinite(numbers)
            if "z" not in wanted:  # a mark whose place is not set yet, such as a prediction, is not there
                there &= np.isfinite(np.asarray(wanted["x"], float))
            numbers = numbers[there]
            assert (trace["shapes"] > 0) == (numbers.size > 0), (
                f"{figured.name}: {trace['shapes']} shapes on the page for {numbers.size} numbers"
            )
            if "markers" in wanted.get("mode", ""):  # where the marks stand, in pixels turned back into data
                np.testing.assert_allclose(
                    np.sort(trace["drawn_y"]),
                    np.sort(numbers),
                    atol=0.01 * trace["span"],
                    err_msg=figured.name,
                )

    def words(self):
        return self.root.locator(".lt-words").text_content()

    def button(self, label):
        return self.root.get_by_role("button", name=label, exact=True)

    def sliders(self):
        """The labels of all sliders that can move: one with a single value, such as the depth of one's own model, cannot."""
        labels = self.root.locator(".widget-hslider > .widget-label").all_text_contents()
        ends = ("aria-valuemin", "aria-valuemax")
        return [
            label for label in labels if len({self.handle(label).get_attribute(end) for end in ends}) == 2
        ]

    def handle(self, label):
        """The handle of the slider with this label."""
        return self._slider(label).locator(".noUi-handle")

    def readout(self, label):
        return self._slider(label).locator(".widget-readout").text_content()

    def press(self, label, key, times=1):
        self.handle(label).focus()
        for _ in range(times):
            self.page.keyboard.press(key)

    def step(self, label):
        """One step by key, to the right if there is room.

        A list that gets other options is built anew: a key that was pressed in that moment is pressed again.
        """
        before = self.readout(label)
        for key in 5 * ("ArrowRight", "ArrowLeft"):
            self.press(label, key)
            if self.readout(label) != before:
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{label} stays at {before}, whatever key is pressed")

    def drag(self, label, offsets, let_go=True):
        """Take the handle and move it by each of `offsets` (pixels from where it was), then let go."""
        self.handle(label).scroll_into_view_if_needed()
        box = self.handle(label).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        for offset in offsets:
            self.page.mouse.move(x + offset, y)
        if let_go:
            self.page.mouse.up()

    def _slider(self, label):
        return self.root.locator(f'.widget-hslider:has(> .widget-label:text-is("{label}"))')

    def passed_over(self):
        """What Tab does not reach, on its way from the first control to beyond the last -> their names."""
        names = self.root.evaluate(NUMBER)
        self.root.locator("[data-stop='0']").focus()
        reached = []
        while (stop := self.root.evaluate(STOP)) is not None and len(reached) < 4 * len(
            names
        ):  # a slider's number is a stop as well
            reached.append(stop)
            self.page.keyboard.press("Tab")
        return [name for stop, name in enumerate(names) if str(stop) not in reached]

    def unmoved(self):
        """The lists, boxes and numbers that stay as they are when the keys of such a control are pressed -> their names.

        A place for a file is none of them: its key opens a window of the system's.
        """
        still = []
        for control in self.root.locator("select, input:visible:not([type=file])").element_handles():
            if control.evaluate("control => control.options?.length === 1"):
                continue
            before = control.evaluate(STANDS)
            for key in (
                ("Space",) if control.get_attribute("type") == "checkbox" else ("ArrowDown", "ArrowUp")
            ):
                if control.evaluate(STANDS) == before:
                    control.press(key)
            if control.evaluate(STANDS) == before:
                still.append(
                    control.get_attribute("aria-label") or control.evaluate("control => control.outerHTML")
                )
        return still

    def colour(self, locator, name):
        """A colour of an element: red, green, blue, each 0 to 255."""
        for _ in range(50):  # it is empty while the element is drawn anew
            if text := locator.evaluate(f"element => getComputedStyle(element)['{name}']"):
                break
            self.page.wait_for_timeout(100)
        return [float(part) for part in text[text.index("(") + 1 : -1].split(",")[:3]]

    def ink(self):
        """How bright the text of the drawing is, 0 to 255."""
        return np.mean(self.colour(self.root.locator(".lt-figure text.xtitle").first, "fill"))

    def wears(self, dark, seconds=30):
        """Is it drawn in the colours of this theme, or within some seconds?"""
        deadline = time.monotonic() + seconds
        while (self.ink() > 128) != dark and time.monotonic() < deadline:
            self.page.wait_for_timeout(100)
        return (self.ink() > 128) == dark

    def layout_faults(self):
        """What a learner would trip over: text under 12 pixels, a lab wider than its cell, words over a panel that leave its width."""
        return self.root.evaluate(FAULTS)


def access_faults(page, where=".jp-OutputArea-output:has(.lt-chart)"):
    """What axe finds serious or critical in the labs of a page, or in another part of it."""
    found = Axe().run(page, where).response
    bad = [fault for fault in found["violations"] if fault["impact"] in ("serious", "critical")]
    return [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}"
        for fault in bad
        for node in fault["nodes"]
    ]


def said(lab):
    """What a lab that trains says of its steps."""
    return next(
        text
        for text in lab.root.locator(".widget-html-content").all_inner_texts()
        if text.startswith("step ")
    )


def steps(lab):
    """How many steps it says it has taken."""
    return int(re.search(r"step ([\d,]+)", said(lab))[1].replace(",", ""))
