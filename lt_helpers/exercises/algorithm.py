"""Notebook 13: what a layer of the algorithm makes of the weight, and of the tokens of a sequence and its query."""

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


def query_x_left(x, y, omega):
    """The query's label goes through the layer, its x stays."""
    tokens = layer(x, y, omega)
    tokens[-1, :-1] = x[-1]
    return tokens


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


def query_label_is_0(x, y, omega):
    """The query's y is taken for 0, as it is before the first layer."""
    return layer(x, np.append(y[:-1], 0), omega)


def query_not_rescaled(x, y, omega):
    """The query's y is 0 for the rescaling alone."""
    tokens = layer(x, y, omega)
    tokens[-1, -1] -= omega[1, 1] * means(x[:-1], y[:-1])[2] * y[-1]
    return tokens


def query_not_adapted(x, y, omega):
    """The query's y is 0 for the move of its x alone."""
    tokens = layer(x, y, omega)
    tokens[-1, :-1] -= omega[0, 1] * y[-1] * means(x[:-1], y[:-1])[1]
    return tokens


def label_itself(x, y, omega):
    Sigma, alpha, _ = means(x[:-1], y[:-1])
    return moved(x, y, omega, Sigma, alpha, y[:-1].mean() ** 2)


def own_square(x, y, omega):
    """Each label is rescaled by its own square, in the place of v."""
    Sigma, alpha, _ = means(x[:-1], y[:-1])
    return moved(x, y, omega, Sigma, alpha, y**2)


def divided_by_all(x, y, omega):
    """Sums over the examples, divided by their number and one."""
    share = (len(x) - 1) / len(x)
    return moved(x, y, omega, *(share * mean for mean in means(x[:-1], y[:-1])))


one_layer = Exercise(
    name="algorithm.one_layer",
    solution=layer,
    cases=cases,
    mistakes={
        "means_run_over": (query_is_read),
        "sums_over_examples": sums,
        "divided_by_all": divided_by_all,
        "label_for_v": own_square,
        "swapped_omega_xy_omega_yx": (lambda x, y, omega: layer(x, y, omega.T)),
        "query_did_move": query_left_out,
        "query_x_left": query_x_left,
        "query_label_is_0": query_label_is_0,
        "query_not_rescaled": query_not_rescaled,
        "query_not_adapted": query_not_adapted,
        "returned_layer_adds": only_the_update,
        "y_read_new": x_first,
        "y_read_new_x": x_first_and_its_means,
        "x_read_new": y_first,
        "lambda_square_mean": label_itself,
        "sign_flipped_layer": (lambda x, y, omega: layer(x, y, -omega)),
    },
)


def states():
    """The state before a layer, what the layer reads, and two of its numbers."""
    rng = np.random.default_rng(1)
    for d in (2, 4):
        w, M, alpha = rng.normal(size=d), rng.normal(size=(d, d)), rng.normal(size=d)
        yield w, M, alpha, *rng.normal(size=3) ** 2 + 0.5


def weight_after(w, M, alpha, v, yx, yy):
    return w - yx * M.T @ alpha + yy * v * w


new_weight = Exercise(
    name="algorithm.new_weight",
    solution=weight_after,
    cases=states,
    mistakes={
        "m_not_transposed": lambda w, M, alpha, v, yx, yy: weight_after(w, M.T, alpha, v, yx, yy),
        "m_left_out": lambda w, M, alpha, v, yx, yy: weight_after(w, np.eye(len(w)), alpha, v, yx, yy),
        "v_left_out": lambda w, M, alpha, v, yx, yy: weight_after(w, M, alpha, 1.0, yx, yy),
        "sign_of_the_step": lambda w, M, alpha, v, yx, yy: weight_after(w, M, alpha, v, -yx, yy),
        "old_weight_left_out": lambda w, M, alpha, v, yx, yy: weight_after(w, M, alpha, v, yx, yy) - w,
        "sign_of_the_rescaling": lambda w, M, alpha, v, yx, yy: weight_after(w, M, alpha, v, yx, -yy),
        "rescaling_left_out": lambda w, M, alpha, v, yx, yy: weight_after(w, M, alpha, v, yx, 0.0),
        "step_rescaled": lambda w, M, alpha, v, yx, yy: (w - yx * M.T @ alpha) * (1 + yy * v),
        "w_left_out": lambda w, M, alpha, v, yx, yy: w - yx * M.T @ alpha + yy * v,
        "swapped_yx_yy": lambda w, M, alpha, v, yx, yy: weight_after(w, M, alpha, v, yy, yx),
    },
)
