"""Arrays -> figures for plotly: one theme, one palette, panels with fixed axes.

A figure is made of panels, each with its traces; traces are the plain dictionaries that `line`, `dots`, `heatmap` and `band` make. Over
each panel stand its title and its key: the traces that have a name, each with its mark in its colour. The figure is plain data as well,
{"data": [...], "layout": {...}}, which plotly.js draws as it is; `plotly.graph_objects.Figure(figure)` makes a Python figure of it, and
checks every property, which no move of a slider waits for.

The colours are Okabe and Ito's (2008), which colour-blind people tell apart; they mean the same in every lab, and each goes with a mark
of its own. INK is the text's colour: on a dark page it is light, and the darker colours are lightened (chart/draw.js).
"""

from dataclasses import dataclass

import numpy as np

INK = "black"
BLUE, GREEN, RED, ORANGE, PINK, GREY = "#0072B2", "#009E73", "#D55E00", "#E69F00", "#CC79A7", "#8C8C8C"
TRUTH, MODEL, ORACLE, GHOST, PREDICTION = INK, BLUE, GREEN, GREY, PINK
SHADE = "rgba(140, 140, 140, 0.22)"

AXIS = dict(
    fixedrange=True,
    zeroline=False,
    showline=True,
    ticks="outside",
    ticklen=4,
    title=dict(standoff=6, font=dict(size=13)),
)
THEME = dict(
    layout=dict(
        font=dict(
            size=13, family="system-ui, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
        ),
        colorway=[BLUE, RED, GREEN, ORANGE, PINK, GREY],
        xaxis=AXIS,
        yaxis=AXIS,
        hovermode="closest",
        dragmode=False,
        showlegend=False,
        margin=dict(l=54, r=10, t=42, b=42),
    )
)
MARKS = {
    "circle": "●",
    "circle-open": "○",
    "diamond": "◆",
    "diamond-open": "◇",
    "triangle-up": "▲",
    "triangle-up-open": "△",
    "star": "★",
    "x": "✕",
    "line-ew": "━",
}
DASHES = {"solid": "━", "dash": "╍", "dot": "┉"}


@dataclass(frozen=True)
class Axis:
    """Label and fixed range of an axis. `log`: the range is still in the data's units. `ticks`: where to put them, if not by itself, and
    `labels`: what to write there, if not the number."""

    label: str
    low: float
    high: float
    log: bool = False
    ticks: tuple = None
    labels: tuple = None

    def layout(self):
        ends = [self.low, self.high]
        ticks = {} if self.ticks is None else dict(tickvals=list(self.ticks))
        ticks |= {} if self.labels is None else dict(ticktext=list(self.labels))
        if self.log:
            return dict(title=dict(text=self.label), type="log", range=np.log10(ends).tolist(), **ticks)
        return dict(title=dict(text=self.label), range=ends, **ticks)


@dataclass(frozen=True)
class Panel:
    """One plot of a figure: its title and its axes."""

    title: str
    x: Axis
    y: Axis


def figure(panels, columns=2, height=480):
    """A complete figure from `panels`, a list of pairs (Panel, traces), laid out row by row -> dict with data and layout.

    Height in pixels; the width is the page's.
    """
    rows = -(-len(panels) // columns)
    margin = THEME["layout"]["margin"]["t"] + THEME["layout"]["margin"]["b"]
    inner = height - margin
    gap_x, gap_y = 0.08, margin / inner
    wide, high = (1 - gap_x * (columns - 1)) / columns, (1 - gap_y * (rows - 1)) / rows
    layout, data = dict(template=THEME, height=height, annotations=[]), []
    for index, (panel, traces) in enumerate(panels):
        row, column = divmod(index, columns)
        left, top = column * (wide + gap_x), 1 - row * (high + gap_y)
        number = str(index + 1) if index else ""
        layout["xaxis" + number] = dict(panel.x.layout(), domain=[left, left + wide], anchor="y" + number)
        layout["yaxis" + number] = dict(
            panel.y.layout(), domain=[max(top - high, 0), top], anchor="x" + number
        )
        place = dict(
            x=left,
            y=top,
            xref="paper",
            yref="paper",
            xanchor="left",
            yanchor="bottom",
            align="left",
            showarrow=False,
        )
        layout["annotations"].append(
            dict(text=f'<b>{panel.title}</b><br><span style="font-size:12px">{key(traces)}</span>', **place)
        )
        on_axes = {"xaxis": "x" + number, "yaxis": "y" + number}
        data += [
            {name: value for name, value in {**trace, **on_axes}.items() if value is not None}
            for trace in traces
        ]
    return {"data": data, "layout": layout}


def key(traces):
    """What the named traces are: a line of text, each name after its mark in its colour. A name stands once."""
    marks = {}
    for trace in traces:
        if trace.get("name") and trace["name"] not in marks:
            marks[trace["name"]] = f'<span style="color:{colour(trace)}">{mark(trace)}</span> {trace["name"]}'
    return "   ".join(marks.values())


def colour(trace):
    return trace.get("line", trace.get("marker", {})).get("color", GREY)


def mark(trace):
    if "markers" in trace.get("mode", ""):
        return MARKS[trace["marker"]["symbol"]]
    return DASHES[trace["line"]["dash"]] if trace.get("mode") == "lines" else "■"


def line(x, y, name=None, color=MODEL, dash="solid", width=2.5, symbol=None, **more):
    """A line, with a mark at each point if `symbol` names one."""
    marks = {} if symbol is None else dict(marker=dict(symbol=symbol, size=8, color=color))
    mode = "lines" if symbol is None else "lines+markers"
    return dict(
        type="scatter",
        mode=mode,
        x=x,
        y=y,
        name=name,
        line=dict(color=color, dash=dash, width=width),
        **marks,
        **more,
    )


def dots(x, y, name=None, color=MODEL, symbol="circle", size=9, **more):
    """Single marks."""
    marker = dict(color=color, symbol=symbol, size=size, line=dict(color=color, width=2))
    return dict(type="scatter", mode="markers", x=x, y=y, name=name, marker=marker, **more)


def heatmap(z, x=None, y=None, limit=1.0, **more):
    """Signed values: blue below zero, red above, white at zero, ends at -limit and limit."""
    scale = [[0, BLUE], [0.5, "#F7F7F7"], [1, RED]]
    return dict(
        type="heatmap", z=z, x=x, y=y, zmin=-limit, zmax=limit, colorscale=scale, xgap=1, ygap=1, **more
    )


def band(spans, low, high, name=None):
    """Shaded from `low` to `high` over each (left, right) of `spans`, such as the noise that a model was trained for."""
    x = np.concatenate([[left, right, right, left, np.nan] for left, right in spans])
    y = np.tile([low, low, high, high, np.nan], len(spans))
    return dict(
        type="scatter", mode="none", x=x, y=y, fill="toself", fillcolor=SHADE, name=name, hoverinfo="skip"
    )


def clip(values, low, high):
    """`values` with what lies outside the axis at its edge, and whether any did. What is not a number stays a gap."""
    values = np.asarray(values, float)
    return np.clip(values, low, high), bool(((values < low) | (values > high)).any())
