"""The running example in numbers and in panels: what poster, worksheet and slides show of A, A' and B.

All numbers are computed by the package: moments, slopes, and the state of the stored model of one feature after each of its layers.
"""

from dataclasses import dataclass

import numpy as np
from drawing import INK, NOISE, Plane, line, rectangle, ring, text

from lt_helpers.implicit import implicit_from_moments
from lt_helpers.labs import running_example
from lt_helpers.labs.points import line_model
from lt_helpers.task import second_moments
from lt_helpers.view.roles import BLUE, GREEN, RED

STEP = 0.5  # eta of the worksheet's gradient steps
SHRINK = -1 / 8  # omega_yy of its second layer: Theorem 5.2 for sigma in {0, 2}
BLOCKS = {"Σ": BLUE, "α": GREEN, "v": NOISE}  # the colour of each block of S
SLOPES = np.linspace(-0.6, 4.0, 93)


@dataclass(frozen=True)
class Sequence:
    """One row of the running example: four points in one feature."""

    name: str
    y: np.ndarray  # (4,)
    S: np.ndarray  # (2, 2): the means of x^2, x y and y^2
    slope: float  # of least squares
    left: np.ndarray  # (4,): what that line leaves of the labels
    noise: float  # the mean square of what is left
    ridge: float  # slope of ridge regression that is told sigma
    walk: np.ndarray  # (4,): the slope before the first and after each of three gradient steps
    shrunk: float  # what a second layer with omega_yy = SHRINK makes of the fitted slope
    path: np.ndarray  # (5,): the slope before the first and after each layer of the trained model
    read: np.ndarray  # (4,): the mean of y^2 that each of its layers reads

    @property
    def kept(self):
        """The share of the least-squares slope that the trained model answers with."""
        return self.path[-1] / self.slope

    def bowl(self, slope):
        """The mean square of what a line with this slope leaves."""
        return self.noise + self.S[0, 0] * (slope - self.slope) ** 2


def sequences():
    """A, A' and B -> list of Sequence"""
    x = np.broadcast_to(running_example.X[:, None], (3, 4, 1))
    S = second_moments(x, running_example.LABELS)  # (3, 2, 2)
    state = implicit_from_moments(line_model("diag"), S)
    slopes = running_example.slopes()  # (3,)
    left = running_example.left_over(slopes)  # (3, 4)
    noise = (left**2).mean(axis=1)  # (3,)
    return [
        Sequence(
            name=name,
            y=running_example.LABELS[row],
            S=S[row],
            slope=slopes[row],
            left=left[row],
            noise=noise[row],
            ridge=running_example.ridge_slopes()[row],
            walk=gradient_walk(S[row]),
            shrunk=(1 + SHRINK * noise[row]) * slopes[row],
            path=state.w[row, :, 0],
            read=squares_read(state)[row],
        )
        for row, name in enumerate(running_example.NAMES)
    ]


def gradient_walk(S, steps=3):
    """Slopes of gradient descent with step size STEP from 0 -> (steps + 1,)"""
    walk = [0.0]
    for _ in range(steps):
        gradient = S[0, 1] - S[0, 0] * walk[-1]  # alpha - Sigma w
        walk.append(walk[-1] + STEP * gradient)
    return np.array(walk)


def squares_read(state):
    """The mean of y^2 of the tokens that come into each layer -> (B, L)

    The label of a token is a y - w x by then (Theorem 4.1), so its mean square needs the first S alone.
    """
    a, w = state.a[:, :-1], state.w[:, :-1, 0]  # (B, L)
    xx, xy, yy = (state.S[:, None, i, j] for i, j in ((0, 0), (0, 1), (1, 1)))  # (B, 1)
    return a**2 * yy - 2 * a * w * xy + w**2 * xx


def scatter(one, left, top, width, height, size=13, lines=True):
    """The four points; the line of least squares, and how far each point lies from it -> list of elements"""
    plane = Plane(left, top, width, height, (-1.9, 1.9), (-5.0, 5.0))
    parts = plane.frame((-1, 0, 1), (-4, -2, 0, 2, 4), "x", "y", size)
    if lines:
        parts.append(plane.line(one.slope, RED, "7 5"))
        for x, y in zip(running_example.X, one.y):
            # Two points of one column lie one above the other: what is left is drawn a little beside them.
            beside = 4 if y > one.slope * x else -4
            start, end = plane.at(x, one.slope * x), plane.at(x, y)
            parts.append(line(start[0] + beside, start[1], end[0] + beside, end[1], NOISE, 4))
    return parts + plane.points(running_example.X, one.y, radius=6)


def blocks(one, left, top, side, size=22, numbers=True):
    """S as four blocks, each in the colour of what it holds -> list of elements"""
    half = side / 2
    places = {(0, 0): "Σ", (0, 1): "α", (1, 0): "α", (1, 1): "v"}
    parts = []
    for (row, column), name in places.items():
        x, y = left + column * half, top + row * half
        parts.append(rectangle(x, y, half, half, BLOCKS[name] + "33", BLOCKS[name], 2))
        parts.append(text(x + 8, y + 1.2 * 0.7 * size, name, 0.7 * size, INK))
        if numbers:
            value = f"{one.S[row, column]:g}"
            parts.append(
                text(x + half / 2, y + half / 2 + 0.5 * size, value, 1.3 * size, INK, "middle", "bold")
            )
    return parts


def bowl(one, left, top, width, height, size=13, walk=()):
    """What each slope leaves; its lowest point, and how high it lies -> list of elements"""
    plane = Plane(left, top, width, height, (SLOPES[0], SLOPES[-1]), (0.0, 9.0))
    parts = plane.frame((0, 1, 2, 3, 4), (0, 2, 4, 6, 8), "slope w", "mean r²: what the line leaves", size)
    height_of = one.bowl(SLOPES)
    inside = height_of <= plane.y[1]
    parts.append(plane.curve(SLOPES[inside], height_of[inside], INK))
    floor, bottom = plane.at(one.slope, one.noise), plane.at(one.slope, 0)
    parts.append(line(*floor, *bottom, NOISE, 6))
    parts.append(
        text(bottom[0] + 9, (floor[1] + bottom[1]) / 2 + 5, f"{one.noise:g}", 1.3 * size, INK, weight="bold")
    )
    parts.append(ring(*floor, 7, RED))
    return parts + plane.points(walk, map(one.bowl, walk), BLUE)


def by_layer(one, left, top, width, height, size=13):
    """The slope that the trained model holds before the first and after each layer -> list of elements"""
    layers = np.arange(len(one.path))
    plane = Plane(left, top, width, height, (-0.3, layers[-1] + 0.9), (0.0, 2.5))
    parts = plane.frame(layers, (0, 0.5, 1, 1.5, 2), "after layer", "slope w", size)
    level = [plane.at(layer, one.slope) for layer in (plane.x[0], layers[-1] + 0.2)]
    parts.append(line(*level[0], *level[1], RED, 2, "7 5"))
    parts.append(plane.curve(layers, one.path, BLUE))
    parts += plane.points(layers, one.path, BLUE)
    x, y = plane.at(layers[-1], one.path[-1])
    parts.append(text(x + 9, y + 16, f"{one.path[-1]:.2f}", 1.15 * size, BLUE, weight="bold"))
    return parts
