"""How soon a lab of the site (`make site`) answers: thirty steps of its first slider, opened from its files with the network off."""

import re
import subprocess
import sys

import numpy as np

from tools.browsing import ROOT, chromium

SITE = ROOT / "build" / "site"
STEPS = """async (slider) => {
  const figure = slider.closest("[data-lab]").querySelector(".lt-figure"), times = [];
  for (let step = 0; step < 30; step++) {
    const drawn = new Promise((done) => ["plotly_afterplot", "plotly_transitioned"].forEach((name) => figure.once(name, done)));
    const start = performance.now();
    slider.value = (Number(slider.value) + 1) % (Number(slider.max) + 1);
    slider.dispatchEvent(new Event("input", {bubbles: true}));
    await drawn;
    times.push(performance.now() - start);
  }
  return times;
}"""


def steps(page, name):
    """The milliseconds from each step of the first slider of lab `name` to its drawing: (30,)."""
    page.wait_for_selector(f'[data-lab="{name}"] .main-svg', state="attached", timeout=60_000)
    return np.array(page.locator(f'[data-lab="{name}"] input[type=range]').first.evaluate(STEPS))


def report():
    """The labs as a Markdown table."""
    subprocess.run([sys.executable, ROOT / "tools" / "build_site.py"], check=True, capture_output=True)
    lines = ["| lab | step to drawn p50, ms | p95, ms |", "|---|---|---|"]
    with chromium() as browser:
        page = browser.new_context(viewport={"width": 1366, "height": 768}, offline=True).new_page()
        for path in sorted(SITE.glob("[0-9]*.html")):
            page.goto(f"file://{path}")
            for name in re.findall(r'data-lab="([^"]+)"', path.read_text()):
                p50, p95 = np.percentile(steps(page, name), [50, 95])
                lines.append(f"| {name} | {p50:.0f} | {p95:.0f} |")
    return "\n".join(lines)
