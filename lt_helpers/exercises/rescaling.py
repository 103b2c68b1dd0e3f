"""Notebook 06: what a fit leaves over, an answer that is shrunk by it, the two weights of Theorem 5.2, and where they break."""

import numpy as np

from ..language import Message
from .base import Exercise


def sequences():
    """Inputs and labels of single sequences with one feature: three points, the running example's A and B, and a random one."""
    yield np.array([-1.0, 0.0, 2.0]), np.array([3.0, -4.0, -3.5])  # slope -2, residuals 1, -4, 0.5
    x = np.array([-1.0, -1.0, 1.0, 1.0])
    yield x, np.array([-1.0, -3.0, 3.0, 1.0])
    yield x, np.array([1.0, -3.0, 3.0, -1.0])
    rng = np.random.default_rng(0)
    x = 2 * rng.normal(size=9)
    yield x, 1.5 * x + rng.normal(size=9)


def fitted(x, y):
    """The slope of least squares."""
    return (y @ x) / (x @ x)


def means_divided(x, y):
    """The slope through the middle of the points, which is no number where the mean of x is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return y.mean() / x.mean()


def mean_left(x, y):
    """The mean square of what least squares leaves of the labels."""
    residuals = y - fitted(x, y) * x
    return (residuals**2).mean()


def with_intercept(x, y):
    """The mean square of what a line that need not pass through the origin leaves."""
    slope = ((x - x.mean()) * (y - y.mean())).mean() / x.var()
    return (y - slope * x).var()


left_over = Exercise(
    name="rescaling.left_over",
    solution=mean_left,
    cases=sequences,
    mistakes={
        "labels_not_residuals": lambda x, y: (y**2).mean(),
        "forgot_x": lambda x, y: ((y - fitted(x, y)) ** 2).mean(),
        "alpha_is_no_slope": lambda x, y: ((y - (y * x).mean() * x) ** 2).mean(),
        "summed_squares": lambda x, y: len(y) * mean_left(x, y),
        "each_residual": lambda x, y: y - fitted(x, y) * x,
        "each_square": lambda x, y: (y - fitted(x, y) * x) ** 2,
        "absolute_residuals": lambda x, y: abs(y - fitted(x, y) * x).mean(),
        "root_of_the_mean": lambda x, y: np.sqrt(mean_left(x, y)),
        "slope_alone": fitted,
        "variance": lambda x, y: (y - fitted(x, y) * x).var(),
        "line_with_intercept": with_intercept,
        "not_squared": lambda x, y: (y - fitted(x, y) * x).mean(),
        "line_added": lambda x, y: ((y + fitted(x, y) * x) ** 2).mean(),
        "slope_of_the_means": lambda x, y: ((y - means_divided(x, y) * x) ** 2).mean(),
        "slope_by_labels": lambda x, y: ((y - (y @ x) / (y @ y) * x) ** 2).mean(),
        "slope_turned_over": lambda x, y: ((y - x / fitted(x, y)) ** 2).mean(),
        "one_less": lambda x, y: len(y) * mean_left(x, y) / (len(y) - 1),
        "half": lambda x, y: mean_left(x, y) / 2,
    },
)


def with_weights():
    """Each sequence with an omega_yy that shrinks its slope; then the first with one that turns it round."""
    weights = (-0.1, -0.125, -0.125, -0.3)
    yield from ((x, y, omega_yy) for (x, y), omega_yy in zip(sequences(), weights, strict=True))
    x, y = next(sequences())
    yield x, y, -0.75


def with_factor(factor):
    """A slope that is multiplied by `factor`, a function of x, y and omega_yy."""
    return lambda x, y, omega_yy: fitted(x, y) * factor(x, y, omega_yy)


shrink = Exercise(
    name="rescaling.shrink",
    solution=with_factor(lambda x, y, omega_yy: 1 + omega_yy * mean_left(x, y)),
    cases=with_weights,
    mistakes={
        "looked_at_labels": with_factor(lambda x, y, omega_yy: 1 + omega_yy * (y**2).mean()),
        "forgot_the_one": with_factor(lambda x, y, omega_yy: omega_yy * mean_left(x, y)),
        "sign_of_the_weight": with_factor(lambda x, y, omega_yy: 1 - omega_yy * mean_left(x, y)),
        "factor_alone": lambda x, y, omega_yy: 1 + omega_yy * mean_left(x, y),
        "not_shrunk": with_factor(lambda x, y, omega_yy: 1),
        "summed_the_squares": with_factor(lambda x, y, omega_yy: 1 + omega_yy * len(y) * mean_left(x, y)),
        "brackets": lambda x, y, omega_yy: 1 + omega_yy * mean_left(x, y) * fitted(x, y),
        "took_away": lambda x, y, omega_yy: fitted(x, y) + omega_yy * mean_left(x, y),
        "alpha_is_no_slope": lambda x, y, omega_yy: (1 + omega_yy * mean_left(x, y)) * (y * x).mean(),
        "root_of_what_is_left": with_factor(lambda x, y, omega_yy: 1 + omega_yy * np.sqrt(mean_left(x, y))),
        "squared_twice": with_factor(lambda x, y, omega_yy: 1 + omega_yy * mean_left(x, y) ** 2),
        "factor_twice": with_factor(lambda x, y, omega_yy: (1 + omega_yy * mean_left(x, y)) ** 2),
        "divided": with_factor(lambda x, y, omega_yy: 1 / (1 + omega_yy * mean_left(x, y))),
        "like_ridge": with_factor(lambda x, y, omega_yy: 1 / (1 - omega_yy * mean_left(x, y))),
        "stopped_at_zero": with_factor(lambda x, y, omega_yy: max(0, 1 + omega_yy * mean_left(x, y))),
        "without_its_sign": with_factor(lambda x, y, omega_yy: abs(1 + omega_yy * mean_left(x, y))),
        "square_of_the_mean": with_factor(
            lambda x, y, omega_yy: 1 + omega_yy * (y - fitted(x, y) * x).mean() ** 2
        ),
    },
)


def answer(s1, s2, n):
    """omega_yx of the first layer and omega_yy of the second, for means over n examples."""
    total = 1 + s1**2 + s2**2
    return np.array([-n * total / ((1 + s1**2) * (1 + s2**2)), -1 / total])


def product(s1, s2, n):
    omega_yx, omega_yy = answer(s1, s2, n)
    return np.array([omega_yx, -omega_yx / n * omega_yy])


def by_line(s1, s2, n, read=np.square, kept=np.square):
    """The two weights from the two equations, with another number than sigma^2 for what layer 2 reads, or in what ridge keeps."""
    equations = [[1, read(s1)], [1, read(s2)]]
    c, slope = np.linalg.solve(equations, [1 / (1 + kept(s1)), 1 / (1 + kept(s2))])
    return np.array([-n * c, slope / c])


two_weights = Exercise(
    name="rescaling.two_weights",
    solution=answer,
    cases=lambda: [(1.0, 3.0, 100), (0.5, 2.0, 1000), (2.0, 1.0, 50)],
    mistakes={
        "sign_omega_yx_flipped": (lambda s1, s2, n: answer(s1, s2, n) * [-1, 1]),
        "weights_act_sums": (lambda s1, s2, n: answer(s1, s2, n) / n),
        "returned_c_omega_yx": lambda s1, s2, n: answer(s1, s2, n) * [-1 / n, 1],
        "second_number_c": product,
        "used_sigma_where": (lambda s1, s2, n: answer(s1**0.5, s2**0.5, n)),
        "read_sigma": lambda s1, s2, n: by_line(s1, s2, n, read=np.abs),
        "kept_by_sigma": lambda s1, s2, n: by_line(s1, s2, n, kept=np.abs),
        "ridge_over_n": lambda s1, s2, n: by_line(s1, s2, n, kept=lambda s: s**2 / n),
        "forgot_n": lambda s1, s2, n: answer(s1, s2, n) * [1 / n, 1],
        "the_two_unknowns": lambda s1, s2, n: product(s1, s2, n) * [-1 / n, 1],
        "numbers_of_1_and_3": lambda s1, s2, n: answer(1.0, 3.0, n),
        "unknowns_without_n": lambda s1, s2, n: product(s1, s2, n) * [1 / n, 1],
        "divided_by_n": lambda s1, s2, n: answer(s1, s2, n) * [1 / n**2, 1],
        "swapped": lambda s1, s2, n: answer(s1, s2, n)[::-1],
        "divided_by_omega_yx": lambda s1, s2, n: answer(s1, s2, n) * [1, -1 / n],
        "turned_over": lambda s1, s2, n: answer(s1, s2, n) ** [1, -1],
        "multiplied_by_c": lambda s1, s2, n: product(s1, s2, n) * [1, -answer(s1, s2, n)[0] / n],
        "sign_omega_yy_flipped": (lambda s1, s2, n: answer(s1, s2, n) * [1, -1]),
    },
)


def models():
    """The omegas of models with two layers: omega_yx and omega_yy in the first, only omega_yy in the second."""
    for first, second in ((-0.02, -1 / 11), (-0.5, -0.3), (-0.01, -0.05)):
        omega = np.zeros((2, 2, 2))
        omega[0, 1] = -1, first
        omega[1, 1, 1] = second
        yield (omega,)


class OneWeight(Exercise):
    """An exercise whose answer is read off one weight. Of an answer that is no number it says whether a weight that is 0 was read."""

    def judge(self, attempt):
        verdict = super().judge(attempt)
        no_numbers = self._entry("no_number"), Message("exercise.not_finite")
        if verdict.values.get("complaint") in no_numbers and callable(attempt) and reads_zero(attempt):
            return Message("exercise.not_yet", complaint=self._entry("reads_zero"))
        return verdict


def reads_zero(attempt):
    """Is an answer that was no number one where no weight of the model is 0?"""
    (omega,) = next(models())
    with np.errstate(all="ignore"):
        return any(np.isfinite(attempt(np.where(omega == 0, other, omega))) for other in (-1.0, 1.0))


breaking_point = OneWeight(
    name="rescaling.breaking_point",
    solution=lambda omega: np.sqrt(-1 / omega[1, 1, 1]),
    cases=models,
    mistakes={
        "sigma_2_breaking": lambda omega: -1 / omega[1, 1, 1],
        "turned_fraction_over": lambda omega: np.sqrt(-omega[1, 1, 1]),
        "wrong_layer": lambda omega: np.sqrt(-1 / omega[0, 1, 1]),
        "wrong_layer_squared": lambda omega: -1 / omega[0, 1, 1],
        "gradient_step_omega_yx": (lambda omega: np.sqrt(-1 / omega[0, 1, 0])),
        "no_number": lambda omega: np.nan,  # a root of a negative number, or of minus infinity
        "negative_root": lambda omega: -np.sqrt(-1 / omega[1, 1, 1]),
        "always_of_1_and_3": lambda omega: np.sqrt(11),
        "forgot_the_minus": lambda omega: 1 / omega[1, 1, 1],
        "both_layers": lambda omega: np.sqrt(-1 / (omega[0, 1, 1] + omega[1, 1, 1])),
        "weight_itself": lambda omega: omega[1, 1, 1],
    },
)
