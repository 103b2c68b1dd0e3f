"""Still drawings of the small examples for the notebooks' text: `python tools/sketches.py` writes them to docs/pictures/, as SVG.

What they show is computed by the package. They hold numbers and symbols, and no words of any language.
"""

import html
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import lt_helpers as lt
from lt_helpers.implicit import effective_step_size, implicit_from_moments
from lt_helpers.labs import running_example
from lt_helpers.labs.gradient import descent_model
from lt_helpers.pretrained import ONE_FEATURE
from lt_helpers.task import second_moments
from lt_helpers.view.roles import BLUE, GREEN, GREY, INK, ORANGE, RED

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SIZE, MARGIN = 210, 34  # pixels of a plot and of the room around it

# The running example of the series: four points in one feature, in a quiet and a noisy copy; and one with two features.
X = running_example.X
QUIET, NOISY, _ = running_example.LABELS
CORNERS = np.array([[2.0, 1.0], [-2.0, 1.0], [-2.0, -1.0], [2.0, -1.0]])


@dataclass
class Plot:
    """One pair of axes.

    Parameters
    ----------
    x, y : pairs of numbers.  The ends of the axes.
    names : pair of str.  Of the axes.
    ticks : pair of tuples of numbers.
    title : str, optional.
    """

    x: tuple
    y: tuple
    names: tuple
    ticks: tuple
    title: str = ""
    parts: list = field(default_factory=list)

    def place(self, x, y):
        """Where a point of the plane stands, in pixels of the plot."""
        right = SIZE * (x - self.x[0]) / (self.x[1] - self.x[0])
        down = SIZE * (self.y[1] - y) / (self.y[1] - self.y[0])
        return round(float(right), 1), round(float(down), 1)

    def line(self, x, y, colour, dash=""):
        """A line through points."""
        path = " ".join(f"{right},{down}" for right, down in map(self.place, x, y))
        style = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        self.parts.append(f'<polyline points="{path}" fill="none" {style}/>')

    def points(self, x, y, colour, radius=5):
        for right, down in map(self.place, np.atleast_1d(x), np.atleast_1d(y)):
            self.parts.append(f'<circle cx="{right}" cy="{down}" r="{radius}" fill="{colour}"/>')

    def arrow(self, start, end, colour):
        """From one point to another."""
        (x1, y1), (x2, y2) = self.place(*start), self.place(*end)
        style = f'stroke="{colour}" stroke-width="2.5" marker-end="url(#head{colour[1:]})"'
        self.parts.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {style}/>')

    def words(self, x, y, text, colour=INK, anchor="start"):
        """Symbols or numbers beside a point."""
        right, down = self.place(x, y)
        text = html.escape(text)
        self.parts.append(
            f'<text x="{right}" y="{down}" fill="{colour}" text-anchor="{anchor}">{text}</text>'
        )

    def frame(self):
        """Axes with their ticks, and the zero lines -> list of str"""
        found = [f'<rect width="{SIZE}" height="{SIZE}" fill="none" stroke="{GREY}"/>']
        for tick in self.ticks[0]:
            right, _ = self.place(tick, self.y[0])
            found.append(
                f'<text x="{right}" y="{SIZE + 14}" text-anchor="middle" fill="{GREY}">{tick:g}</text>'
            )
        for tick in self.ticks[1]:
            _, down = self.place(self.x[0], tick)
            found.append(f'<text x="-5" y="{down + 4}" text-anchor="end" fill="{GREY}">{tick:g}</text>')
        x_name, y_name = map(html.escape, self.names)
        found.append(f'<text x="{SIZE}" y="{SIZE + 28}" text-anchor="end">{x_name}</text>')
        found.append(f'<text x="-24" y="10">{y_name}</text>')
        found.append(f'<text x="{SIZE / 2}" y="-10" text-anchor="middle">{html.escape(self.title)}</text>')
        return found

    def svg(self):
        """-> str"""
        return "\n".join([*self.frame(), *self.parts])


def draw(plots):
    """Plots side by side -> SVG, str"""
    step = SIZE + 2 * MARGIN
    heads = "".join(
        f'<marker id="head{colour[1:]}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5" markerHeight="5" orient="auto">'
        f'<path d="M0,0 L8,4 L0,8 Z" fill="{colour}"/></marker>'
        for colour in (BLUE, RED, ORANGE)
    )
    groups = [
        f'<g transform="translate({MARGIN + index * step},{MARGIN})">\n{plot.svg()}\n</g>'
        for index, plot in enumerate(plots)
    ]
    size = f'width="{step * len(plots)}" height="{step}" viewBox="0 0 {step * len(plots)} {step}"'
    font = 'font-family="system-ui, sans-serif" font-size="12"'
    ground = '<rect width="100%" height="100%" fill="white"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>\n<defs>{heads}</defs>\n{ground}\n' + (
        "\n".join(groups) + "\n</svg>\n"
    )


def weights(labels, step, layers):
    """The implicit weight of a model that was built to do gradient descent, by layer, on the running example -> (layers+1,)"""
    model = descent_model(step, layers, dim=1)
    return lt.implicit_regression(model, X[None, :, None], labels[None]).w[0, :, 0]


def layers_on_four_points():
    """The tokens of the quiet copy before the first and after each of two layers, with a query at x = 2 that falls by its answer."""
    w = weights(QUIET, 0.5, 2)  # (3,)
    plots = []
    for layer, slope in enumerate(w):
        plot = Plot(
            (-2.4, 2.6), (-3.8, 3.8), ("x", "y"), ((-2, -1, 0, 1, 2), (-3, 0, 3)), f"w = {slope + 0.0:g}"
        )
        left = QUIET - slope * X
        plot.line([-2.4, 2.6], [0, 0], GREY, "2 3")
        plot.points(X, left, BLUE)
        if layer:
            plot.arrow((2, -2 * w[layer - 1]), (2, -2 * slope + 0.12), RED)
        plot.points(2, -2 * slope, RED)
        plot.words(1.85, -2 * slope + 0.1, f"{-2 * slope:g}" if slope else "0", RED, "end")
        plots.append(plot)
    return draw(plots)


def bowl_of_four_points():
    """The mean of the squared residuals against w, for the quiet and the noisy copy, and the walk of three layers."""
    plot = Plot((-0.4, 4.4), (0, 10.5), ("w", "r²"), ((0, 1, 2, 3, 4), (0, 1, 4, 8)))
    grid = np.linspace(-0.4, 4.4, 60)
    for labels, colour, name in ((QUIET, BLUE, "A"), (NOISY, ORANGE, "A′")):
        height = ((labels - grid[:, None] * X) ** 2).mean(axis=1)  # (60,)
        plot.line(grid, np.minimum(height, 10.5), colour)
        plot.words(2, height.min() - 0.7, name, colour, "middle")
    walk = weights(QUIET, 0.5, 3)  # (4,)
    plot.points(walk, ((QUIET - walk[:, None] * X) ** 2).mean(axis=1), BLUE)
    return draw([plot])


def arrows_of_a_layer():
    """Where a layer with P = I and Q = diag(-1/2, -1/20) takes the two unit tokens, on the quiet copy."""
    model = lt.LinearTransformer(np.eye(2)[None, None], np.diag([-0.5, -0.05])[None, None])
    state = lt.implicit_regression(model, X[None, :, None], QUIET[None])
    M, u, a, w = state.M[0, :, 0, 0], state.u[0, :, 0], state.a[0], state.w[0, :, 0]  # (2,) each
    plots = []
    for layer in (0, 1):
        plot = Plot((-1.2, 1.6), (-1.3, 1.3), ("x", "y"), ((-1, 0, 1), (-1, 0, 1)))
        plot.line([-1.2, 1.6], [0, 0], GREY, "2 3")
        plot.line([0, 0], [-1.3, 1.3], GREY, "2 3")
        plot.arrow((0, 0), (M[layer], -w[layer]), BLUE)
        plot.arrow((0, 0), (u[layer], a[layer]), ORANGE)
        first, second = f"({M[layer]:g}, {-w[layer] + 0.0:g})", f"({u[layer] + 0.0:g}, {a[layer]:g})"
        plot.words(M[layer] + 0.08, -w[layer] + 0.12, first, BLUE)
        plot.words(u[layer] + 0.1, a[layer] + 0.1, second, ORANGE)
        plots.append(plot)
    return draw(plots)


def rectangle_to_square():
    """Four inputs with two features before and after one preconditioning layer with gamma = 1/7."""
    Sigma = CORNERS.T @ CORNERS / 4
    after = CORNERS @ (np.eye(2) - Sigma / 7)  # (4, 2)
    plot = Plot((-2.4, 2.4), (-2.4, 2.4), ("x₁", "x₂"), ((-2, -1, 0, 1, 2), (-2, -1, 0, 1, 2)))
    for corners, colour, dash in ((CORNERS, GREY, "5 4"), (after, BLUE, "")):
        closed = np.vstack([corners, corners[:1]])  # (5, 2)
        plot.line(*closed.T, colour, dash)
        plot.points(*corners.T, colour)
    plot.arrow((1.9, 0.95), (after[0, 0] + 0.12, after[0, 1] + 0.01), RED)
    return draw([plot])


def fit_then_shrink():
    """The slope of a trained model with one feature, by layer, on the quiet and the noisy copy and on the twin: it rises, and is shrunk."""
    model = lt.load_pretrained("diag", 4, lt.Uniform(5.0), folder=ONE_FEATURE)
    plot = Plot((-0.2, 5.6), (0, 2.3), ("l", "w"), ((0, 1, 2, 3, 4), (0, 1, 2)))
    sequences = zip(running_example.NAMES, running_example.LABELS, (BLUE, ORANGE, RED), strict=True)
    for name, labels, colour in sequences:
        S = second_moments(running_example.X[None, :, None], labels[None])
        w = implicit_from_moments(model, S).w[0, :, 0]  # (5,)
        plot.line(range(5), w, colour)
        plot.points(range(5), w, colour, 4)
        plot.words(4.2, w[-1] - 0.05, f"{name} {w[-1]:.2f}", colour)
    return draw([plot])


def at_noise(model, sigma):
    """What the layers of a model do on many sequences with ten features -> ImplicitRegression"""
    moments = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample_moments(4000, np.random.default_rng(0))
    return implicit_from_moments(model, moments.S)


def steps_by_noise():
    """Of each layer of DIAG-4 against the noise: effective step, cosine with the gradient, and the factor on what was there."""
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
        plot = Plot((0, 5.7), ends, ("σ", ""), ((0, 1, 2, 3, 4, 5), ticks), title)
        for layer, colour in enumerate((BLUE, GREEN, ORANGE, RED)):
            plot.line(sigmas, rows[:, layer], colour)
            plot.points(sigmas, rows[:, layer], colour, 3)
            plot.words(5.2, rows[-1, layer] - 0.01, str(layer + 1), colour)
        plots.append(plot)
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
        plot = Plot((0.6, 8.7), (-1.6, 2.1), ("l", ""), (range(1, 8), (-1, 0, 1, 2)), title)
        plot.line([0.6, 8.7], [0, 0], GREY, "2 3")
        for sigma, colour in ((1, BLUE), (3, ORANGE)):
            step, _ = effective_step_size(at_noise(model, sigma), pooled=True)  # (L,)
            plot.line(layers, step, colour)
            plot.points(layers, step, colour, 4)
            plot.words(layers[-1] + 0.15, step[-1], f"σ={sigma}", colour)
        plots.append(plot)
    return draw(plots)


def brakes():
    """The momentum's share of the step in units of the gradient's, in the last two layers of eight models that descend."""
    plots = []
    for noise in (lt.Uniform(5.0), lt.Categorical((1, 3))):
        plot = Plot((0.4, 8.6), (-2.3, 0), ("", ""), ((), (-2, -1, 0)), noise.label)
        plot.line([0.4, 8.6], [-1, -1], GREY, "2 3")
        for place, (layers, heads) in enumerate(((4, 1), (4, 2), (7, 1), (7, 2))):
            model = lt.load_pretrained("diag", layers, noise, heads=heads)
            late = np.flatnonzero(model.omega[:, 1, 0] < 0)[-2:]  # their gradient's share is positive
            shares = np.array([braking(model, at_noise(model, sigma))[late] for sigma in (1, 3)])  # (2, 2)
            for column, (quiet, noisy) in enumerate(shares.T, start=1 + 2 * place):
                plot.line([column, column], [quiet, noisy], GREY)
                plot.points(column, quiet, BLUE)
                plot.points(column, noisy, ORANGE)
            plot.words(
                1.5 + 2 * place, -2.22, f"{layers}" if heads == 1 else f"{layers} × {heads}", GREY, "middle"
            )
        plots.append(plot)
    return draw(plots)


def braking(model, state):
    """What momentum gives to the effective step of each layer of a DIAG model, in units of what the gradient gives -> (L,)"""
    g, M = state.gradient, state.M[:, :-1]  # (B, L, d), (B, L, d, d): before each layer
    Mg = (M @ g[..., None])[..., 0]  # (B, L, d)
    by_gradient = -model.omega[:, 1, 0] * (Mg**2).sum(axis=(0, 2)) / (g**2).sum(axis=(0, 2))
    step, _ = effective_step_size(state, pooled=True)
    return step / by_gradient - 1


SKETCHES = {
    "layers-on-four-points": layers_on_four_points,
    "bowl-of-four-points": bowl_of_four_points,
    "arrows-of-a-layer": arrows_of_a_layer,
    "rectangle-to-square": rectangle_to_square,
    "fit-then-shrink": fit_then_shrink,
    "steps-by-noise": steps_by_noise,
    "steps-of-relatives": steps_of_relatives,
    "brakes": brakes,
}


def main():
    for name, sketch in SKETCHES.items():
        (PICTURES / f"{name}.svg").write_text(sketch())


if __name__ == "__main__":
    main()
