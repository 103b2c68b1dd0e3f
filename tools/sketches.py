"""Still drawings of the small examples for the notebooks' text: `python tools/sketches.py` writes them to docs/pictures/, as SVG.

What they show is computed by the package; the two about notebook 12, by the notebook, which prints it. They hold numbers and symbols, and
no words of any language, but for the turned ellipse and those two, whose rows have the names that the notebook prints.
"""

import re
from pathlib import Path

import numpy as np
from brief import lines_of, printed
from drawing import INK, PALE, Plane, arrow, dot, element, line, minus, rectangle, ring, svg, text

import lt_helpers as lt
from lt_helpers.implicit import effective_step_size, implicit_from_moments
from lt_helpers.labs import running_example
from lt_helpers.labs.gradient import descent_model
from lt_helpers.pretrained import ONE_FEATURE
from lt_helpers.task import second_moments
from lt_helpers.view.roles import BLUE, GREEN, GREY, ORANGE, PINK, RED

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SIZE, MARGIN, LETTER = 210, 34, 12  # pixels: of a plot, of the room around it, and of its letters

# The running example of the series: four points in one feature, in a quiet and a noisy copy; and one with two features.
X = running_example.X
QUIET, NOISY, _ = running_example.LABELS
CORNERS = np.array([[2.0, 1.0], [-2.0, 1.0], [-2.0, -1.0], [2.0, -1.0]])


def axes(x, y, names, ticks, title=""):
    """A plane with its frame; what is drawn in it goes behind the parts.

    Parameters
    ----------
    x, y : pairs of numbers.  The ends of the axes.
    names : pair of str.  Of the axes.
    ticks : pair of tuples of numbers.
    title : str, optional.

    Returns
    -------
    Plane, and a list of elements
    """
    plane = Plane(0, 0, SIZE, SIZE, x, y)
    parts = plane.frame(*ticks, size=LETTER, grid=False)
    parts.append(text(SIZE, SIZE + 28, names[0], LETTER, anchor="end"))
    parts.append(text(-24, 10, names[1], LETTER))
    parts.append(text(SIZE / 2, -10, title, LETTER, anchor="middle"))
    return plane, parts


def draw(plots):
    """Plots side by side, each a list of elements -> SVG, str"""
    step = SIZE + 2 * MARGIN
    groups = [
        element("g", "\n".join(parts), transform=f"translate({MARGIN + index * step} {MARGIN})")
        for index, parts in enumerate(plots)
    ]
    return svg(step * len(plots), step, [rectangle(0, 0, step * len(plots), step), *groups])


def ten_features():
    """The ten weights of one sequence, the true ones and those that least squares and DIAG-4 find, at two noises; and their distances."""
    model = lt.load_pretrained("diag", 4, lt.Uniform(5.0))
    component = np.arange(1, 11)
    plots = []
    for sigma in (1.0, 4.0):
        batch = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample(1, np.random.default_rng(1))
        truth = batch.w[0]  # (10,)
        fitted = lt.baselines.ols(batch.x, batch.y)[0]
        answered = lt.implicit_regression(model, batch.x, batch.y).w[0, -1]
        plane, parts = axes((0.2, 10.8), (-3.4, 3.4), ("", "w"), (component, (-2, 0, 2)), f"σ = {sigma:g}")
        parts.append(plane.curve(plane.x, (0, 0), GREY, "2 3", 2))
        parts += [
            line(*plane.at(k - 0.4, w), *plane.at(k + 0.4, w), INK, 3)
            for k, w in zip(component, truth, strict=True)
        ]
        parts += [ring(*plane.at(k, w), 5, RED) for k, w in zip(component, fitted, strict=True)]
        parts += plane.points(component, answered, BLUE, 4)
        for height, found, colour in ((3.0, fitted, RED), (2.5, answered, BLUE)):
            distance = np.linalg.norm(found - truth)
            parts.append(text(*plane.at(10.6, height - 0.15), f"{distance:.1f}", LETTER, colour, "end"))
        plots.append(parts)
    return draw(plots)


def weights(labels, step, layers):
    """The implicit weight of a model that was built to do gradient descent, by layer, on the running example -> (layers+1,)"""
    model = descent_model(step, layers, dim=1)
    return lt.implicit_regression(model, X[None, :, None], labels[None]).w[0, :, 0]


def layers_on_four_points():
    """The tokens of the quiet copy before the first and after each of two layers, with a query at x = 2 that falls by its answer."""
    w = weights(QUIET, 0.5, 2)  # (3,)
    plots = []
    for layer, slope in enumerate(w):
        plane, parts = axes(
            (-2.4, 2.6), (-3.8, 3.8), ("x", "y"), ((-2, -1, 0, 1, 2), (-3, 0, 3)), f"w = {slope + 0.0:g}"
        )
        parts.append(plane.curve(plane.x, (0, 0), GREY, "2 3", 2))
        parts += plane.points(X, QUIET - slope * X, BLUE)
        if layer:
            parts.append(arrow(*plane.at(2, -2 * w[layer - 1]), *plane.at(2, -2 * slope + 0.12), RED))
        parts += plane.points([2], [-2 * slope], RED)
        parts.append(text(*plane.at(1.85, -2 * slope + 0.1), minus(0 - 2 * slope), LETTER, RED, "end"))
        plots.append(parts)
    return draw(plots)


def bowl_of_four_points():
    """The mean of the squared residuals against w, for the quiet and the noisy copy, and the walk of three layers."""
    plane, parts = axes((-0.4, 4.4), (0, 10.5), ("w", "r²"), ((0, 1, 2, 3, 4), (0, 1, 4, 8)))
    grid = np.linspace(*plane.x, 60)
    for labels, colour, name in ((QUIET, BLUE, "A"), (NOISY, ORANGE, "A′")):
        height = ((labels - grid[:, None] * X) ** 2).mean(axis=1)  # (60,)
        parts.append(plane.curve(grid, np.minimum(height, 10.5), colour, thick=2))
        parts.append(text(*plane.at(2, height.min() - 0.7), name, LETTER, colour, "middle"))
    walk = weights(QUIET, 0.5, 3)  # (4,)
    return draw([parts + plane.points(walk, ((QUIET - walk[:, None] * X) ** 2).mean(axis=1), BLUE)])


def arrows_of_a_layer():
    """Where a layer with P = I and Q = diag(-1/2, -1/20) takes the two unit tokens, on the quiet copy."""
    model = lt.LinearTransformer(np.eye(2)[None, None], np.diag([-0.5, -0.05])[None, None])
    state = lt.implicit_regression(model, X[None, :, None], QUIET[None])
    M, u, a, w = state.M[0, :, 0, 0], state.u[0, :, 0], state.a[0], state.w[0, :, 0]  # (2,) each
    plots = []
    for layer in (0, 1):
        plane, parts = axes((-1.2, 1.6), (-1.3, 1.3), ("x", "y"), ((-1, 0, 1), (-1, 0, 1)))
        parts.append(plane.curve(plane.x, (0, 0), GREY, "2 3", 2))
        parts.append(plane.curve((0, 0), plane.y, GREY, "2 3", 2))
        for x, y, colour, right in (
            (M[layer], -w[layer] + 0.0, BLUE, 0.08),
            (u[layer] + 0.0, a[layer], ORANGE, 0.1),
        ):
            parts.append(arrow(*plane.at(0, 0), *plane.at(x, y), colour))
            parts.append(text(*plane.at(x + right, y + 0.12), f"({minus(x)}, {minus(y)})", LETTER, colour))
        plots.append(parts)
    return draw(plots)


def rectangle_to_square():
    """Four inputs with two features before and after one preconditioning layer with gamma = 1/7."""
    Sigma = CORNERS.T @ CORNERS / 4
    after = CORNERS @ (np.eye(2) - Sigma / 7)  # (4, 2)
    plane, parts = axes((-2.4, 2.4), (-2.4, 2.4), ("x₁", "x₂"), ((-2, -1, 0, 1, 2), (-2, -1, 0, 1, 2)))
    for corners, colour, dash in ((CORNERS, GREY, "5 4"), (after, BLUE, None)):
        closed = np.vstack([corners, corners[:1]])  # (5, 2)
        parts.append(plane.curve(*closed.T, colour, dash, 2))
        parts += plane.points(*corners.T, colour)
    parts.append(arrow(*plane.at(1.9, 0.95), *plane.at(after[0, 0] + 0.12, after[0, 1] + 0.01), RED))
    return draw([parts])


def turned_ellipse(count=80, turn=0.6, spread=(2.0, 0.7)):
    """Inputs of two features, as they come and along the eigenvectors of Sigma, with an ellipse of two standard deviations.

    Parameters
    ----------
    count : int.  Points.
    turn : number.  Of the long axis, in radians.
    spread : pair of numbers.  Roots of the two eigenvalues.
    """
    white = np.random.default_rng(2).normal(size=(count, 2))
    white -= white.mean(axis=0)
    white = white @ np.linalg.inv(np.linalg.cholesky(white.T @ white / count)).T  # mean x x^T = I
    along = white * spread  # (count, 2): already along the eigenvectors
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    radii = 2 * np.array(spread)
    plots = []
    for angle, V, names, title in (
        (turn, rotation, ("x₁", "x₂"), "as they come"),
        (0, np.eye(2), ("v₁", "v₂"), "along the eigenvectors"),
    ):
        plane = Plane(0, 0, SIZE, SIZE, (-5, 5), (-5, 5))
        parts = [plane.curve(plane.x, (0, 0), GREY, thick=1), plane.curve((0, 0), plane.y, GREY, thick=1)]
        parts.append(text(*plane.at(4.3, -0.7), names[0], LETTER))
        parts.append(text(*plane.at(0.25, 4.5), names[1], LETTER))
        parts.append(text(0, -5, title, LETTER, weight="bold"))
        parts += plane.points(*(along @ V.T).T, GREY, 2)
        place = f"translate({SIZE / 2} {SIZE / 2}) rotate({-np.degrees(angle):.1f})"
        rx, ry = radii * SIZE / 10
        parts.append(element("ellipse", rx=rx, ry=ry, transform=place, fill="none", stroke=INK))
        for end, colour, name in zip((V * radii).T, (BLUE, RED), ("large s", "small s"), strict=True):
            parts.append(line(*plane.at(0, 0), *plane.at(*end), colour, 3))
            parts.append(text(*plane.at(*end + 0.15), name, LETTER, colour))
        plots.append(parts)
    return draw(plots)


def fit_then_shrink():
    """The slope of a trained model with one feature, by layer, on the quiet and the noisy copy and on the twin: it rises, and is shrunk."""
    model = lt.load_pretrained("diag", 4, lt.Uniform(5.0), folder=ONE_FEATURE)
    plane, parts = axes((-0.2, 5.6), (0, 2.3), ("l", "w"), ((0, 1, 2, 3, 4), (0, 1, 2)))
    sequences = zip(running_example.NAMES, running_example.LABELS, (BLUE, ORANGE, RED), strict=True)
    for name, labels, colour in sequences:
        S = second_moments(running_example.X[None, :, None], labels[None])
        w = implicit_from_moments(model, S).w[0, :, 0]  # (5,)
        parts.append(plane.curve(range(5), w, colour, thick=2))
        parts += plane.points(range(5), w, colour, 4)
        parts.append(text(*plane.at(4.2, w[-1] - 0.05), f"{name} {w[-1]:.2f}", LETTER, colour))
    return draw([parts])


def at_noise(model, sigma):
    """What the layers of a model do on many sequences with ten features -> ImplicitRegression"""
    moments = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample_moments(4000, np.random.default_rng(0))
    return implicit_from_moments(model, moments.S)


def apart(heights, least):
    """Heights of names, in pixels, moved up until none is nearer than `least` to the one below it."""
    moved = np.array(heights, dtype=float)
    downwards = moved.argsort()[::-1]  # the lowest on the page first
    for below, above in zip(downwards[:-1], downwards[1:], strict=True):
        moved[above] = min(moved[above], moved[below] - least)
    return moved


def steps_by_noise():
    """Of each layer of DIAG-4 against the noise: effective step, cosine with the downhill direction, and the factor on what was there."""
    model = lt.load_pretrained("diag", 4, lt.Uniform(5.0))
    sigmas = np.array([0.5, 1, 2, 3, 4, 5])
    states = [at_noise(model, sigma) for sigma in sigmas]
    steps, cosines = np.array([effective_step_size(state, pooled=True) for state in states]).transpose(
        1, 0, 2
    )  # (6, 4)
    factors = np.array([np.median(state.rescaling, axis=0) for state in states])  # (6, 4)
    plots = []
    for title, rows, ends, ticks in (
        ("η", steps, (-0.1, 1.8), (0, 0.5, 1, 1.5)),
        ("cos", cosines, (-0.1, 1.1), (0, 0.5, 1)),
        ("ρ", factors, (0.6, 1.4), (0.6, 0.8, 1, 1.2, 1.4)),
    ):
        plane, parts = axes((0, 5.7), ends, ("σ", ""), ((0, 1, 2, 3, 4, 5), ticks), title)
        _, heights = plane.at(5.2, rows[-1] - 0.01)  # (4,)
        heights = apart(heights, LETTER)
        for layer, colour in enumerate((BLUE, GREEN, ORANGE, RED)):
            parts.append(plane.curve(sigmas, rows[:, layer], colour, thick=2))
            parts += plane.points(sigmas, rows[:, layer], colour, 3)
            parts.append(text(plane.at(5.2, 0)[0], heights[layer], str(layer + 1), LETTER, colour))
        plots.append(parts)
    return draw(plots)


def moved_inputs(omega_xy=-0.1):
    """What a layer with only omega_xy does to the four points, in the quiet and the noisy copy: it moves each by its label."""
    plots = []
    for name, labels in zip(running_example.NAMES, (QUIET, NOISY), strict=False):
        plane, parts = axes((-1.4, 1.4), (-4.6, 4.6), ("x", "y"), ((-1, 0, 1), (-4, -2, 0, 2, 4)), name)
        parts.append(plane.curve((0, 0), plane.y, GREY, "2 3", 2))
        moved = X + omega_xy * labels * (labels * X).mean()  # (4,)
        for x, new, y in zip(X, moved, labels, strict=True):
            if new != x:
                parts.append(arrow(*plane.at(x, y), *plane.at(new, y), BLUE, 1.5))
        parts += plane.points(X, labels, GREY, 4)
        plots.append(parts)
    return draw(plots)


def steps_of_relatives():
    """Layer by layer the effective steps of four models, at sigma = 1 and at sigma = 3."""
    noise = lt.Uniform(5.0)
    models = {
        "DIAG-4 × 2": lt.load_pretrained("diag", 4, noise, heads=2),
        "DIAG-4 × 2, ω_xy = 0": lt.load_pretrained("diag", 4, noise, heads=2, variant="no-omega_xy"),
        "DIAG-7": lt.load_pretrained("diag", 7, noise),
        "FULL-7": lt.load_pretrained("full", 7, noise),
    }
    plots = []
    for title, model in models.items():
        layers = np.arange(1, model.layers + 1)
        plane, parts = axes((0.6, 8.7), (-1.6, 2.1), ("l", ""), (range(1, 8), (-1, 0, 1, 2)), title)
        parts.append(plane.curve(plane.x, (0, 0), GREY, "2 3", 2))
        for sigma, colour in ((1, BLUE), (3, ORANGE)):
            step, _ = effective_step_size(at_noise(model, sigma), pooled=True)  # (L,)
            parts.append(plane.curve(layers, step, colour, thick=2))
            parts += plane.points(layers, step, colour, 4)
            parts.append(text(*plane.at(layers[-1] + 0.15, step[-1]), f"σ={sigma}", LETTER, colour))
        plots.append(parts)
    return draw(plots)


def brakes():
    """The brake's part of the step in units of the downhill part's, in the last two layers of eight models that descend.

    The quiet points are larger: where a noisy one lies on it, both are seen.
    """
    plots = []
    for noise in (lt.Uniform(5.0), lt.Categorical((1, 3))):
        plane, parts = axes((0.4, 8.6), (-2.3, 0), ("", ""), ((), (-2, -1, 0)), noise.label)
        parts.append(plane.curve(plane.x, (-1, -1), GREY, "2 3", 2))
        for place, (layers, heads) in enumerate(((4, 1), (4, 2), (7, 1), (7, 2))):
            model = lt.load_pretrained("diag", layers, noise, heads=heads)
            late = np.flatnonzero(model.omega[:, 1, 0] < 0)[-2:]  # their downhill part is positive
            shares = np.array([braking(model, at_noise(model, sigma))[late] for sigma in (1, 3)])  # (2, 2)
            for column, (quiet, noisy) in enumerate(shares.T, start=1 + 2 * place):
                parts.append(plane.curve([column, column], [quiet, noisy], GREY, thick=2))
                parts += plane.points([column], [quiet], BLUE, 7) + plane.points([column], [noisy], ORANGE, 4)
            name = f"{layers}" if heads == 1 else f"{layers} × {heads}"
            parts.append(text(*plane.at(1.5 + 2 * place, -2.22), name, LETTER, GREY, "middle"))
        plots.append(parts)
    return draw(plots)


def braking(model, state):
    """What momentum gives to the effective step of each layer of a DIAG model, in units of what the downhill part gives -> (L,)"""
    g, M = state.gradient, state.M[:, :-1]  # (B, L, d), (B, L, d, d): before each layer
    Mg = (M @ g[..., None])[..., 0]  # (B, L, d)
    by_downhill = -model.omega[:, 1, 0] * (Mg**2).sum(axis=(0, 2)) / (g**2).sum(axis=(0, 2))
    step, _ = effective_step_size(state, pooled=True)
    return step / by_downhill - 1


def rows_of_dots(planes, rows, ticks, marks):
    """Plots side by side that share their rows, each row with its name on the left.

    Parameters
    ----------
    planes : list of Plane.  Row 0 is drawn at y = 0, and so on.
    rows : list of str.
    ticks : dict.  Label: where it stands on the horizontal axis.
    marks : list of lists of (x, row, mark).  Of each plane; a mark is a function of a place in pixels.

    Returns
    -------
    list of elements
    """
    parts = []
    for plane, points in zip(planes, marks, strict=True):
        bottom = plane.top + plane.height
        for label, tick in ticks.items():
            x, _ = plane.at(tick, 0)
            parts.append(line(x, plane.top, x, bottom, PALE, 1))
            parts.append(text(x, bottom + 16, label, LETTER, GREY, "middle"))
        for row in range(len(rows)):
            _, y = plane.at(plane.x[0], row)
            parts.append(line(plane.left, y, plane.left + plane.width, y, PALE, 1))
        parts += [mark(*plane.at(x, row)) for x, row, mark in points]
    for row, name in enumerate(rows):
        _, y = planes[0].at(planes[0].x[0], row)
        parts.append(text(planes[0].left - 10, y + 4, name, LETTER, anchor="end"))
    return parts


def filled(colour):
    """A mark of a model."""
    return lambda x, y: dot(x, y, 4.5, colour)


def open_ring(colour):
    """A mark of an opponent."""
    return lambda x, y: ring(x, y, 5, colour)


def errors_by_mismatch():
    """The errors that notebook 12 prints for its synthetic settings, a row for each: models filled, opponents open."""
    marks = [filled(colour) for colour in (BLUE, ORANGE)]
    marks += [open_ring(colour) for colour in (GREEN, PINK, RED, GREY, INK)]
    (heading, names), *settings = printed("mismatches").items()
    assert not heading
    height = 24 * len(settings)
    plane = Plane(180, 50, 500, height, np.log10((0.075, 2.8)), (len(settings) - 0.4, -0.6))
    points = []
    for row, (_, errors) in enumerate(settings):
        points += [(np.log10(float(error)), row, mark) for error, mark in zip(errors, marks, strict=True)]
    ticks = {f"{tick:g}": np.log10(tick) for tick in (0.1, 0.2, 0.5, 1, 2)}
    parts = rows_of_dots([plane], [name for name, _ in settings], ticks, [points])
    for place, (name, mark) in enumerate(zip(names, marks, strict=True)):
        parts += [mark(40 + 94 * place, 24), text(50 + 94 * place, 28, name, LETTER)]
    return svg(700, height + 84, [rectangle(0, 0, 700, height + 84), *parts])


def leads():
    """The leads that notebook 12 prints, in standard errors: a plot for each opponent, a row for each setting, a dot for each model."""
    opponents, rows = {}, []
    for told in lines_of("leads"):
        if told.startswith("over "):
            opponent, *models = re.split(r"\s{2,}", told.removeprefix("over "))
            opponents[opponent] = []
        else:
            name, *_ = re.split(r"\s{2,}", told.strip())
            in_errors = [float(number) for number in re.findall(r"\(\s*([-+.\d]+)\)", told)]
            opponents[opponent].append(in_errors)
            rows += [name] if name not in rows else []
    colours = BLUE, ORANGE, GREEN
    height, width = 24 * len(rows), 180
    planes, marks, parts = [], [], []
    for place, (opponent, errors) in enumerate(opponents.items()):
        plane = Plane(150 + place * (width + 16), 72, width, height, (-40, 50), (len(rows) - 0.4, -0.6))
        planes.append(plane)
        left, right = plane.at(-2, 0)[0], plane.at(2, 0)[0]
        parts.append(rectangle(left, plane.top, right - left, height, PALE))
        parts.append(text(plane.left + width / 2, 62, f"over {opponent}", LETTER, anchor="middle"))
        marks.append(
            [
                (lead, row, filled(colour))
                for row, found in enumerate(errors)
                for lead, colour in zip(found, colours, strict=True)
            ]
        )
    parts += rows_of_dots(planes, rows, {minus(tick): tick for tick in (-40, -20, 0, 20, 40)}, marks)
    for place, (model, colour) in enumerate(zip(models, colours, strict=True)):
        parts += [filled(colour)(160 + 110 * place, 24), text(170 + 110 * place, 28, model, LETTER)]
    whole = 150 + 3 * (width + 16)
    return svg(whole, height + 106, [rectangle(0, 0, whole, height + 106), *parts])


SKETCHES = {
    "ten-features": ten_features,
    "layers-on-four-points": layers_on_four_points,
    "bowl-of-four-points": bowl_of_four_points,
    "arrows-of-a-layer": arrows_of_a_layer,
    "rectangle-to-square": rectangle_to_square,
    "turned-ellipse": turned_ellipse,
    "fit-then-shrink": fit_then_shrink,
    "steps-by-noise": steps_by_noise,
    "moved-inputs": moved_inputs,
    "steps-of-relatives": steps_of_relatives,
    "brakes": brakes,
    "errors-by-mismatch": errors_by_mismatch,
    "leads": leads,
}


def main():
    for name, sketch in SKETCHES.items():
        (PICTURES / f"{name}.svg").write_text(sketch(), encoding="utf-8")


if __name__ == "__main__":
    main()
