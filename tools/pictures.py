"""Draw each lab, as it is after a fresh start or as STATES says, to docs/pictures/: what readers see where nothing is live.

    python tools/pictures.py [NAME ...]        # such as noise-lab; all of them without a name

It draws with the labs' own compute and draw and the charts' own draw.js, and prints the words of each lab, to write its alt text from.
"""

import sys

from all_labs import all_labs
from browsing import ROOT, chromium

from lt_helpers.view.chart import FILES

PICTURES = ROOT / "docs" / "pictures"
STATES = {
    "algorithm-lab": dict(rescale=0.0, sigma=5.0),
    "gradient-lab": dict(step=1.25, sigma=2.0),
    "noise-lab": dict(sigma=4.0, ghost={"sigma": 1.0}),
    "pilot-lab": dict(strength=0.8),
    "points-lab": dict(sigma=4.0),
    "preconditioning-lab": dict(layers=7),
    "profile-lab": dict(kind="diag", layers=7, sigma=9.0, ghost={"kind": "full"}),
    "rescaling-lab": dict(sigma=12.0),
    "ridge-lab": dict(sigma=3.0, strength=1.0),
    "table-lab": dict(kind="full", layers=7, sigma=3.0),
    "tiny-lab": dict(step=1.0),
    "weights-lab": dict(rank=2, sigma=8),
}


def train(lab):
    """What the training lab shows 600 steps after its noise has changed."""
    lab.run(steps=1200)
    lab.controls["sigma_max"].value = 5.0
    lab.run(steps=600)


AFTER = {"training-lab": train}
SCALE = 1.5
PAGE = """<!doctype html><meta charset="utf-8"><title>{name}</title>
<style>body {{ margin: 0; background: white }} #lab {{ width: {width}px; padding: 8px }} .lt-words, .lt-play {{ display: none }}</style>
<div id="lab"></div><script>{plotly}</script><script>{draw}</script>"""


def main(names):
    found = all_labs()
    unknown = set(names) - set(found)
    if unknown:
        raise SystemExit(f"no lab {', '.join(sorted(unknown))}: there are {', '.join(found)}.")
    PICTURES.mkdir(parents=True, exist_ok=True)
    plotly, hands, draw = ((FILES / name).read_text() for name in ("plotly.min.js", "hands.js", "draw.js"))
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1000, "height": 700}, device_scale_factor=1.5)
        for name in names or found:
            lab = found[name](beat=None, **STATES.get(name, {}))
            AFTER.get(name, lambda lab: None)(lab)
            page.set_content(PAGE.format(name=name, width=960, plotly=plotly, draw=hands + draw))
            page.evaluate(
                "state => ltChart(Plotly, document.querySelector('#lab')).show(state)",
                lab.chart.get_state("state")["state"],
            )
            page.locator("#lab").screenshot(path=PICTURES / f"{name}.png")
            print(f"docs/pictures/{name}.png: {lab.words_now}")


if __name__ == "__main__":
    main(sys.argv[1:])
