"""Notebook 13: one layer of the algorithm, on the tokens of a sequence and its query."""

import numpy as np

from .base import Exercise


def cases():
    """Tokens as a later layer finds them, where the query's y is no longer 0, and the layer's four numbers."""
    rng = np.random.default_rng(0)
    for n, d in ((6, 3), (5, 1)):
        yield rng.normal(size=(n + 1, d)), rng.normal(size=n + 1), rng.normal(size=(2, 2))


def moved(x, y, omega, Sigma, alpha, size):
    """The tokens after the layer, given the means that it reads."""
    (xx, xy), (yx, yy) = omega
    return np.column_stack([x + xx * x @ Sigma + xy * y[:, None] * alpha, y + yx * x @ alpha + yy * size * y])


def means(x, y):
    return x.T @ x / len(x), y @ x / len(x), y @ y / len(x)


def layer(x, y, omega):
    return moved(x, y, omega, *means(x[:-1], y[:-1]))


def query_is_read(x, y, omega):
    return moved(x, y, omega, *means(x, y))


def sums(x, y, omega):
    return moved(x, y, omega, *(len(x[:-1]) * mean for mean in means(x[:-1], y[:-1])))


def query_left_out(x, y, omega):
    return np.vstack([layer(x, y, omega)[:-1], np.append(x[-1], y[-1])])


def only_the_update(x, y, omega):
    return layer(x, y, omega) - np.column_stack([x, y])


def x_first(x, y, omega):
    return np.column_stack(
        [
            layer(x, y, omega)[:, :-1],
            moved(layer(x, y, omega)[:, :-1], y, omega, *means(x[:-1], y[:-1]))[:, -1],
        ]
    )


def x_first_and_its_means(x, y, omega):
    new = layer(x, y, omega)[:, :-1]
    return np.column_stack([new, layer(new, y, omega)[:, -1]])


def y_first(x, y, omega):
    new = layer(x, y, omega)[:, -1]
    return np.column_stack([moved(x, new, omega, *means(x[:-1], y[:-1]))[:, :-1], new])


def label_itself(x, y, omega):
    Sigma, alpha, _ = means(x[:-1], y[:-1])
    return moved(x, y, omega, Sigma, alpha, y[:-1].mean() ** 2)


one_layer = Exercise(
    solution=layer,
    cases=cases,
    mistakes={
        "Your means run over the query too: it reads the examples and is never read. Leave the last row out of Sigma, alpha, lambda.": (
            query_is_read
        ),
        "You took sums over the examples: these constants are made for means, so divide by n.": sums,
        "You swapped omega_xy and omega_yx: the first index is what is written, and omega = [[xx, xy], [yx, yy]].": (
            lambda x, y, omega: layer(x, y, omega.T)
        ),
        "The query did not move: it goes through the same layer as the examples.": query_left_out,
        "You returned what the layer adds: add it to the tokens that came in.": only_the_update,
        "Your y read the new x: both lines of the layer take the tokens as they came in.": x_first,
        "Your y read the new x and its new means: work out both lines from what came in, then replace.": x_first_and_its_means,
        "Your x read the new y: both lines of the layer take the tokens as they came in.": y_first,
        "Your lambda is the square of the mean of y: it is the mean of y^2.": label_itself,
        "The sign is flipped: the layer adds its four terms, and the constants carry the sign.": (
            lambda x, y, omega: layer(x, y, -omega)
        ),
    },
    well_done="Feed it the omegas of each layer in turn and read minus the query's y: that is a DIAG model, with no attention in sight.",
)
