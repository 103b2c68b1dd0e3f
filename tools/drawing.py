"""Plain drawings as text: the few shapes of SVG that sketches, posters, worksheets and slides need, in the colours of the labs.

A drawing is a list of elements, each a string. Numbers are written with one digit, so that the same drawing is the same text everywhere.
"""

from html import escape
from math import atan2, degrees

from lt_helpers.view.roles import GREY, ORANGE

INK, PALE, PAPER = "#1a1a1a", "#dddddd", "#ffffff"
NOISE = ORANGE  # one colour for noise everywhere
FONT = "Helvetica, Arial, sans-serif"


def number(value):
    """A coordinate as text."""
    return f"{value:.1f}".removesuffix(".0")


def minus(value):
    """A tick's number, with a minus that is one."""
    return f"{value:g}".replace("-", "−")


def element(name, content="", /, **attributes):
    """One element of SVG; `_` in the name of an attribute stands for `-`."""
    given = {
        key.replace("_", "-").rstrip("-"): value for key, value in attributes.items() if value is not None
    }
    written = "".join(
        f' {key}="{value if isinstance(value, str) else number(value)}"' for key, value in given.items()
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text(x, y, words, size=16, colour=INK, anchor="start", weight=None):
    """One line of text, of which x, y is the end of its base line that `anchor` names: start, middle or end."""
    return element(
        "text",
        escape(words, quote=False),
        x=x,
        y=y,
        font_size=size,
        fill=colour,
        text_anchor=anchor,
        font_weight=weight,
    )


def paragraph(x, y, words, width, size=16, colour=INK, weight=None):
    """Words in lines of about `width` pixels.

    Returns
    -------
    list of elements, and the y below the last line
    """
    most = int(width / (0.47 * size))  # letters a line: a letter is nearly half as wide as it is high
    lines = [""]
    for word in words.split():
        if len(lines[-1]) + len(word) + 1 > most and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    step = 1.3 * size
    written = [
        text(x, y + step * place, line, size, colour, weight=weight) for place, line in enumerate(lines)
    ]
    return written, y + step * len(lines)


def rectangle(x, y, width, height, colour=PAPER, edge=None, thick=1.0, corner=None):
    """A rectangle from its upper left corner."""
    return element(
        "rect",
        x=x,
        y=y,
        width=width,
        height=height,
        fill=colour,
        stroke=edge,
        stroke_width=thick if edge else None,
        rx=corner,
    )


def line(x1, y1, x2, y2, colour=INK, thick=1.5, dash=None):
    """A straight line."""
    return element(
        "line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_width=thick, stroke_dasharray=dash
    )


def path(points, colour=INK, thick=2.5, dash=None):
    """A line through points, a list of (x, y)."""
    steps = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return element(
        "polyline", points=steps, fill="none", stroke=colour, stroke_width=thick, stroke_dasharray=dash
    )


def arrow(x1, y1, x2, y2, colour=INK, thick=2.5):
    """A straight line with a head at its second end."""
    turn = number(degrees(atan2(y2 - y1, x2 - x1)))
    place = f"translate({number(x2)} {number(y2)}) rotate({turn}) scale({number(thick)})"
    head = element("path", d="M0.6,0 L-4.4,-2.5 V2.5 Z", fill=colour, transform=place)
    return line(x1, y1, x2, y2, colour, thick) + head


def dot(x, y, radius=5.0, colour=INK, edge=None):
    """A filled circle."""
    return element("circle", cx=x, cy=y, r=radius, fill=colour, stroke=edge, stroke_width=2 if edge else None)


def ring(x, y, radius=6.0, colour=INK):
    """An open circle."""
    return element("circle", cx=x, cy=y, r=radius, fill="none", stroke=colour, stroke_width=2)


def svg(width, height, parts, title="", size=None):
    """A whole drawing.

    Parameters
    ----------
    width, height : numbers.  In pixels.
    parts : list of elements.
    title : str, optional.  What it shows, for who does not see it; a picture in a text has its alt text for that.
    size : str, optional.  Its width on paper, such as "420mm"; by default that many pixels.
    """
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}" width="{size or number(width)}" '
        f'role="img" font-family="{FONT}">'
    )
    named = [element("title", escape(title, quote=False))] if title else []
    return "\n".join([head, *named, *parts, "</svg>"]) + "\n"


class Plane:
    """A panel with two axes.

    Parameters
    ----------
    left, top, width, height : numbers.  Where it stands, in pixels.
    x, y : pairs of numbers.  The ends of its axes.
    """

    def __init__(self, left, top, width, height, x, y):
        self.left, self.top, self.width, self.height = left, top, width, height
        self.x, self.y = x, y

    def at(self, x, y):
        """Where a point of the plane is drawn -> x, y in pixels"""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return self.left + across * self.width, self.top + (1 - up) * self.height

    def frame(self, x_ticks=(), y_ticks=(), x_name="", y_name="", size=13, grid=True):
        """Its edge, ticks with their numbers and, with `grid`, their lines, and the names of its axes -> list of elements"""
        bottom = self.top + self.height
        parts = [rectangle(self.left, self.top, self.width, self.height, edge=PALE if grid else GREY)]
        for tick in x_ticks:
            x, _ = self.at(tick, self.y[0])
            if grid:
                parts.append(line(x, self.top, x, bottom, PALE, 1))
            parts.append(text(x, bottom + 1.2 * size, minus(tick), size, GREY, "middle"))
        for tick in y_ticks:
            _, y = self.at(self.x[0], tick)
            if grid:
                parts.append(line(self.left, y, self.left + self.width, y, PALE, 1))
            parts.append(text(self.left - 5, y + 0.35 * size, minus(tick), size, GREY, "end"))
        if x_name:
            parts.append(text(self.left + self.width / 2, bottom + 2.4 * size, x_name, size, GREY, "middle"))
        if y_name:
            parts.append(text(self.left, self.top - 0.5 * size, y_name, size, GREY))
        return parts

    def line(self, slope, colour, dash=None, thick=2.5):
        """The part inside of a line through the origin -> element"""
        low, high = self.x
        most = min(self.y[1], -self.y[0]) / abs(slope) if slope else high
        ends = max(low, -most), min(high, most)
        return path([self.at(x, slope * x) for x in ends], colour, thick, dash)

    def curve(self, xs, ys, colour, dash=None, thick=2.5):
        """A line through points of the plane -> element"""
        return path([self.at(x, y) for x, y in zip(xs, ys)], colour, thick, dash)

    def points(self, xs, ys, colour=INK, radius=5.0):
        """Dots at points of the plane -> list of elements"""
        return [dot(*self.at(x, y), radius, colour) for x, y in zip(xs, ys)]
