"""The points lab under a hand, in motion, for the top of the README: an animated PNG of frames that Chromium draws, and a still of it.

The point in the middle is pulled up, and the model's line sinks. The frames are the lab's own drawings; between them nothing is made up.
Every browser plays an animated PNG, and what cannot shows its first frame.
"""

import hashlib
import struct
import zlib

import numpy as np
from chart_page import chart_page, state_of
from lab_pictures import fingerprint
from series import ROOT

from lt_helpers.labs import PointsLab
from lt_helpers.labs.points import TOP

MOVING, STILL = ROOT / "docs" / "pictures" / "hand.png", ROOT / "docs" / "pictures" / "hand-still.png"
PANELS = ["scatter", "read"]
WIDTH, HEIGHT = 760, 300  # pixels
UP = (
    np.round(2 * TOP * (1 - np.cos(np.linspace(0, np.pi, 19))) / 2) / 2
)  # (19,): heights, in the lab's steps of 0.5
FRAME, PAUSE = 90, 1800  # milliseconds: of a frame in motion, and of the first and the last
KEY = b"lt_fingerprint"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
PAGE = """<!doctype html><meta charset="utf-8">
<style>{css} body {{ margin: 0; background: white; font: 15px Helvetica, Arial, sans-serif }}
#lab {{ width: {width}px; position: relative }} .lt-play {{ display: none }}
#hand {{ position: absolute; width: 26px; pointer-events: none; z-index: 9 }}</style>
<div id="frame" style="position: relative; width: {width}px"><div id="lab"></div>
<svg id="hand" viewBox="0 0 24 30" fill="#111" stroke="#fff" stroke-width="2">
<path d="M2 1 L2 23 L8 18 L12 28 L16 26 L12 17 L20 17 Z"/></svg></div>
<script>{plotly}</script><script>{scripts}</script>"""
SHOW = """([state, x, y]) => {
  const root = document.querySelector("#lab");
  root.replaceChildren();
  ltChart(Plotly, root).show(state);
  const plot = root.querySelector(".js-plotly-plot"), layout = plot._fullLayout;
  const box = plot.getBoundingClientRect(), frame = document.querySelector("#frame").getBoundingClientRect();
  const hand = document.querySelector("#hand");
  hand.style.left = `${box.left - frame.left + layout.xaxis._offset + layout.xaxis.l2p(x)}px`;
  hand.style.top = `${box.top - frame.top + layout.yaxis._offset + layout.yaxis.l2p(y)}px`;
}"""


def heights():
    """How high the point stands, frame by frame -> list of numbers: no two that follow each other are alike"""
    kept = [float(UP[0])]
    kept += [float(after) for before, after in zip(UP, UP[1:]) if after != before]
    return kept


def frames():
    """The lab with the point at each height -> list of PointsLab"""
    return [PointsLab(panels=PANELS, lifted=((0, 0.0, height),) if height else ()) for height in heights()]


def summary(labs):
    """What the frames draw, in a few letters -> str"""
    drawn = [PAGE, SHOW, f"{WIDTH} x {HEIGHT}", *map(fingerprint, labs)]
    return hashlib.sha256("".join(drawn).encode()).hexdigest()[:16]


def draw(browser):
    """Write the animation and its still, unless what they show has not changed."""
    labs = frames()
    mark = summary(labs)
    if MOVING.exists() and STILL.exists() and marked(MOVING.read_bytes()) == mark:
        return
    page = chart_page(browser, WIDTH, HEIGHT, template=PAGE)
    shots = []
    for lab, height in zip(labs, heights(), strict=True):
        page.evaluate(SHOW, [state_of(lab), 0, height])
        shots.append(page.screenshot())
    there_and_back = [*shots, *shots[-2:0:-3]]  # down again in fewer frames
    waits = [PAUSE if shot in (shots[0], shots[-1]) else FRAME for shot in there_and_back]
    MOVING.write_bytes(animate(there_and_back, waits, mark))
    STILL.write_bytes(shots[-1])


def chunks(png):
    """The parts of a PNG -> list of (kind, content), bytes both"""
    parts, at = [], len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        parts.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += 12 + length
    return parts


def chunk(kind, content):
    """A part of a PNG: its length, its kind, what it holds, and a checksum -> bytes"""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def animate(shots, waits, mark):
    """Many PNG of one size as one that moves, for ever.

    Parameters
    ----------
    shots : list of bytes.  The frames, of which the first is what a program shows that knows no animation.
    waits : list of int.  How long each stays, in milliseconds.
    mark : str.  What the file remembers of what it shows.

    Returns
    -------
    bytes
    """
    header = dict(chunks(shots[0]))[b"IHDR"]
    size = header[:8]  # width and height
    if any(dict(chunks(shot))[b"IHDR"] != header for shot in shots):
        raise ValueError("the frames must be of one size and one kind of colour.")
    parts = [chunk(b"IHDR", header), chunk(b"tEXt", KEY + b"\0" + mark.encode())]
    parts.append(chunk(b"acTL", struct.pack(">II", len(shots), 0)))
    number = 0  # of the control and data chunks of the animation, in one row
    for place, (shot, wait) in enumerate(zip(shots, waits, strict=True)):
        parts.append(
            chunk(b"fcTL", struct.pack(">I", number) + size + struct.pack(">IIHHBB", 0, 0, wait, 1000, 0, 0))
        )
        number += 1
        pixels = b"".join(content for kind, content in chunks(shot) if kind == b"IDAT")
        if place == 0:
            parts.append(chunk(b"IDAT", pixels))
        else:
            parts.append(chunk(b"fdAT", struct.pack(">I", number) + pixels))
            number += 1
    return SIGNATURE + b"".join([*parts, chunk(b"IEND", b"")])


def marked(png):
    """What a file remembers of what it shows -> str, or None"""
    found = [content for kind, content in chunks(png) if kind == b"tEXt" and content.startswith(KEY + b"\0")]
    return found[0].split(b"\0")[1].decode() if found else None
