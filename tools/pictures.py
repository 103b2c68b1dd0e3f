"""Draw each lab, as it is after a fresh start or as STATES says, to docs/pictures/: what readers see where nothing is live.

    python tools/pictures.py [NAME ...]        # such as noise-lab; all of them without a name

It draws with the labs' own compute and draw and the charts' own draw.js, and prints the words of each lab, to write its alt text from.
"""

import sys

from all_labs import all_labs
from browsing import ROOT, chromium
from chart_page import chart_page, picture_of

PICTURES = ROOT / "docs" / "pictures"
WIDTH, HEIGHT, SCALE, PADDING = 960, 700, 1.5, 8  # pixels, and of the screen to each
STYLE = ".lt-handles { display: none }"  # nothing of a prediction that nobody has set
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
    "sizes-lab": dict(n=80, d=15, correlation=0.8, reads="scaled"),
    "softmax-lab": dict(sigma=5.0, length=10.0, ghost={"kind": "alone"}),
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


def main(names):
    found = all_labs()
    unknown = set(names) - set(found)
    if unknown:
        raise SystemExit(f"no lab {', '.join(sorted(unknown))}: there are {', '.join(found)}.")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        page = chart_page(browser, WIDTH, HEIGHT, SCALE, PADDING, style=STYLE)
        for name in names or found:
            lab = found[name](beat=None, **STATES.get(name, {}))
            AFTER.get(name, lambda lab: None)(lab)
            (PICTURES / f"{name}.png").write_bytes(picture_of(page, lab))
            print(f"docs/pictures/{name}.png: {lab.words_now}")


if __name__ == "__main__":
    main(sys.argv[1:])
