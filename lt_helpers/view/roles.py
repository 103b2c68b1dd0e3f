"""How each role looks: one table for all labs, so that a colour means the same everywhere.

The colours are Okabe and Ito's (2008), which colour-blind people tell apart; each goes with a mark or a dash of its own. INK is the text's
colour: on a dark page it is light, and the darker colours are lightened (draw.js).
"""

from dataclasses import dataclass

INK = "black"
BLUE, GREEN, RED, ORANGE, PINK, GREY = "#0072B2", "#009E73", "#D55E00", "#E69F00", "#CC79A7", "#8C8C8C"
SKY = "#56B4E9"
SHADE = "rgba(140, 140, 140, 0.22)"
GLOW = "rgba(230, 159, 0, 0.25)"  # noise that is likely


@dataclass(frozen=True)
class Style:
    """colour : as above.  symbol : of points.  dash : of lines.  fill : of bands and shapes.
    width, size, tick : of lines, points, and short level lines, in pixels."""

    colour: str
    symbol: str = "circle"
    dash: str = "solid"
    width: float = 2.5
    size: float = 8
    tick: float = 14
    fill: str = SHADE


ROLES = {
    # what the model reads
    "example": Style(INK, "circle", size=7),
    "draws": Style(GREY, "diamond", size=4),  # many data sets, a dot each
    # what is true, what answers, what is best
    "truth": Style(INK, "x", "solid", tick=24),
    "model": Style(BLUE, "circle", "solid"),
    "oracle": Style(GREEN, "diamond", "longdash"),
    "bayes": Style(INK, "line-ew", "longdash", width=2),
    "hindsight": Style(RED, "triangle-up", "solid"),  # best for this one sequence
    # other predictors
    "least squares": Style(RED, "circle-open", "dash", width=2, size=11),
    "adarr": Style(RED, "triangle-up-open", "dash", width=2, size=12),
    "evidence": Style(ORANGE, "diamond-open", "dashdot", width=2),
    "constrr": Style(ORANGE, "square-open", "dot", width=2),
    "tunedrr": Style(GREEN, "diamond-open", "dashdot", width=2),
    "ridge cv": Style(GREEN, "diamond", "solid"),
    "nothing": Style(GREY, "x", "dot", width=2),
    "gradient descent": Style(RED, "triangle-up", "dot", width=2),
    "momentum": Style(ORANGE, "diamond", "dash", width=2),
    "newton": Style(GREEN, "square-open", "dashdot", width=2),
    "baselines": Style(RED, "triangle-up", "solid"),  # all of them together
    # a second model beside the first
    "trained": Style(ORANGE, "triangle-up", "dot", width=1.5),
    "as trained": Style(GREY, "circle-open", "solid", width=1.5, size=10),
    "guarded": Style(SKY, "circle-open", "dot", width=3),
    "stored": Style(GREY, "square-open", "dot", width=2),
    "others": Style(GREY, "diamond", "solid", width=1),
    "paper": Style(INK, "circle-open", "dash", width=2, size=13),
    # parts of one thing
    "first": Style(BLUE, "circle", "solid", width=2),
    "second": Style(RED, "diamond", "dash", width=2),
    "third": Style(ORANGE, "triangle-up", "dot", width=2),
    "fourth": Style(PINK, "star", "dashdot", width=2),
    "fifth": Style(GREY, "x", "longdash", width=2),
    # the model, looked at in more ways than one
    "layers": Style(BLUE, width=1.5),
    "sequence": Style(BLUE, "circle", "dot", width=1.5),
    "median": Style(BLUE, "circle-open", "dot", width=1.5),
    "worst": Style(INK, "x", "dot", width=2),
    "many": Style(ORANGE, "diamond-open", "dash", width=1.5),
    "kept part": Style(ORANGE, "diamond", "dash"),
    "measured": Style(BLUE, "circle-open", "solid"),
    "theorem": Style(GREY, "square-open", "dash", width=2),
    "beside first": Style(GREY, "circle-open", "solid", width=1),  # at other settings
    "beside second": Style(GREY, "triangle-up-open", "solid", width=1),
    "beside third": Style(GREY, "diamond-open", "solid", width=1),
    "beside fourth": Style(GREY, "x", "solid", width=1),
    # noise, and what is made of it
    "noise": Style(ORANGE, "diamond", "solid", fill=GLOW),
    "change": Style(ORANGE, width=1),  # of the noise
    "failed": Style(INK, "triangle-up", "solid"),
    "alarm": Style(RED, "triangle-up-open", "dash"),
    "missed": Style(PINK, "x", "dot"),
    "exploded": Style(RED, "x", "solid", width=1.5),
    # around the marks
    "range": Style(GREY),
    "guide": Style(GREY, dash="dot", width=1),
    "contour": Style(GREY, width=1),
    "ring": Style(GREY, "diamond-open", size=24),
    "ghost": Style(GREY, "circle-open", "dot", width=2, size=10),
    "ghost second": Style(GREY, "diamond-open", "dash", width=2, size=10),
    "prediction": Style(PINK, "star", "dash", width=2, size=13),
    "gap": Style(PINK, dash="dot", width=2),  # from a prediction to its answer
    "weights": Style(GREY),
    "border": Style(GREY, width=2),
}
