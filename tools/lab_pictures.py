"""Pictures of labs for the notebooks: what a lab shows when it opens, as PNG and in words, so that it is there before anything runs.

A picture is drawn by the charts' own draw.js. Beside it the notebook keeps a fingerprint of what is drawn: while that stays the same, the
picture stays as well, to the last byte.
"""

import base64
import hashlib
import json

import numpy as np
from all_labs import FINGERPRINT
from browsing import chromium
from chart_page import chart_page, picture_of

WIDTH, HEIGHT, SCALE = 860, 900, 1.25  # pixels, and of the screen to each


def fingerprint(lab):
    """What a lab draws, in a few letters: numbers count to three digits, as far as an eye tells them apart -> str"""
    plain = json.dumps(rounded(lab.drawing), sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def rounded(value):
    """A drawing with three digits of each number."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    if isinstance(value, np.ndarray):
        return rounded(value.tolist())
    if isinstance(value, (float, np.floating)):
        return "0" if abs(value) <= 1e-6 else f"{value:.2e}"  # a gap is not a zero
    return value.item() if isinstance(value, np.generic) else value


def in_words(lab):
    """What a picture of the lab shows, for who does not see it: what it asks for, and what its panels show -> str"""
    story = lab.story()
    task = [lab.names.say(story.task)] if story else []
    return " ".join([*task, lab.words_now])


def draw(found):
    """Labs -> their pictures, PNG as bytes, in the same order."""
    if not found:
        return []
    with chromium() as browser:
        page = chart_page(browser, WIDTH, HEIGHT, SCALE)
        return [picture_of(page, lab) for lab in found]


def outputs_of(labs, before):
    """What notebooks store in the place of labs.

    Parameters
    ----------
    labs : list of Lab.
    before : dict.  Fingerprint -> PNG in base64: the pictures that there are already.

    Returns
    -------
    list of (data, metadata) of an output
    """
    prints = [fingerprint(lab) for lab in labs]
    missing = [place for place, one in enumerate(prints) if one not in before]
    drawn = draw([labs[place] for place in missing])
    pictures = {**before, **{prints[place]: encode(png) for place, png in zip(missing, drawn, strict=True)}}
    return [
        ({"image/png": pictures[one], "text/plain": in_words(lab)}, {FINGERPRINT: one})
        for lab, one in zip(labs, prints, strict=True)
    ]


def encode(png):
    return base64.b64encode(png).decode()


def stored(notebook):
    """The pictures of labs in a notebook -> {fingerprint: PNG in base64}"""
    return {
        output.metadata[FINGERPRINT]: output.data["image/png"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if FINGERPRINT in output.get("metadata", {})
    }
