"""What to compare a transformer with: each takes contexts x (B, n, d), y (B, n) and gives weights w (B, d).

`ridge` is told the true sigma: the oracle. The others are not: OLS assumes none, ConstRR (sec. 6) the same sigma^2 for all, AdaRR
estimates it for each sequence, `evidence_ridge` takes the most probable one, TunedRR estimates it with two tuned constants, and `bayes`
weighs all that are possible: it is the best possible predictor, which the paper lacks. `gradient_descent`,
`momentum`, `newton`, `gradient_steps` (with the sizes of `chebyshev_sizes` or `learned_sizes`) and `conjugate_gradients` are the algorithms
that layers are compared with. `for_task` has those that serve a task, told what it says.
"""

import json
import warnings
from functools import cache
from pathlib import Path

import numpy as np

from . import checks
from .lengths import MixedLengths
from .model import warn_if_diverged
from .noise import check_noise
from .spectrum import Spectrum, divide
from .task import PAPER, RegressionTask, second_moments

FOLDER = Path(__file__).parent / "pretrained"
TUNED, LOSSES = FOLDER / "tuned_rr.json", FOLDER / "baselines.json"
ROUNDING = 1e-12  # of the first gradient: what conjugate gradients take for 0


def ols(x, y):
    """Ordinary least squares, the w with the least |y - X w|^2; the shortest where there are many.

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.

    Returns
    -------
    (B, d) array
        Weights.

    Raises
    ------
    TypeError, ValueError
        If x or y is no such array.
    """
    x, y = checks.context(x, y)
    return Spectrum.from_tokens(x, y).ridge(np.zeros(len(x)))


def ridge(x, y, sigma):
    """Ridge regression for noise sigma, w = (Sigma + sigma^2/n I)^-1 alpha: the oracle, if sigma is the true one.

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.
    sigma : float or (B,) array
        The noise, the same for all contexts or one for each.

    Returns
    -------
    (B, d) array
        Weights.

    Raises
    ------
    TypeError, ValueError
        If x, y or sigma is no such array, or sigma is below zero.
    """
    x, y = checks.context(x, y)
    return Spectrum.from_tokens(x, y).ridge(checks.sigma(sigma, len(x)))


def const_rr(x, y, noise):
    """ConstRR: ridge regression with E[sigma^2] for every sequence, the best predictor that is linear in y (section 6).

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.
    noise : Noise
        How sigma is distributed.

    Returns
    -------
    (B, d) array
        Weights.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """
    x, y = checks.context(x, y)
    sigma = np.sqrt(check_noise(noise).mean_square)
    return Spectrum.from_tokens(x, y).ridge(np.full(len(x), sigma))


def ada_rr(x, y):
    """AdaRR: ridge regression with sigma^2 estimated from the residuals of least squares, |y - X w_ols|^2 / (n - d) (section 6).

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.

    Returns
    -------
    (B, d) array
        Weights.

    Raises
    ------
    TypeError, ValueError
        If x or y is no such array, or n is not above d.
    """
    x, y = checks.context(x, y)
    check_degrees_of_freedom(*x.shape[1:], "AdaRR")
    spectrum = Spectrum.from_tokens(x, y)
    return spectrum.ridge(spectrum.noise_estimate())


def evidence_ridge(x, y):
    """Evidence ridge: ridge regression with the sigma that makes the labels most probable, type-II maximum likelihood.

    y ~ N(0, X X^T + sigma^2 I) once w ~ N(0, I) is integrated out. It needs no prior on the noise, and serves any n and d. MacKay,
    *Bayesian interpolation* (1992), section 4.

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.

    Returns
    -------
    (B, d) array
        Weights; those of least squares where no noise is most probable.

    Raises
    ------
    TypeError, ValueError
        If x or y is no such array.
    """
    x, y = checks.context(x, y)
    spectrum = Spectrum.from_tokens(x, y)
    return spectrum.ridge(spectrum.noise_by_evidence())


def tuned_rr(x, y, noise, constants=None):
    """TunedRR: AdaRR with its estimate of sigma^2 multiplied by a constant and capped by another (section 6).

    The two constants are tuned (`python -m lt_helpers tune`) for d = 10, n = 20 and the noise distributions of the paper. For others,
    `tune.tune` finds them.

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.
    noise : Noise
        One of the paper's, unless there are constants.
    constants : dict, optional
        {"multiplier": float, "cap": float}, as `tune.tune` finds them.

    Returns
    -------
    (B, d) array
        Weights.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these, or there are no constants for it.
    """
    x, y = checks.context(x, y)
    n, d = x.shape[1:]
    check_degrees_of_freedom(n, d, "TunedRR")
    check_noise(noise)
    if constants is None:
        constants = find_constants(RegressionTask(d, n, noise))
    if constants is None:
        raise ValueError(
            f"TunedRR has no constants for d = {d}, n = {n} and noise {noise.label}: "
            f"it is tuned for d = {PAPER.dim}, n = {PAPER.context} and {', '.join(tuned_constants())}. "
            "For others, tune.tune(task) finds what constants takes."
        )
    spectrum = Spectrum.from_tokens(x, y)
    return spectrum.ridge(tuned_noise(spectrum, **read_constants(constants)))


def bayes(x, y, noise):
    """The Bayes-optimal predictor: the posterior mean of w when sigma is unknown and its distribution is `noise`.

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.
    noise : Noise
        How sigma is distributed.

    Returns
    -------
    (B, d) array
        Weights.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """
    x, y = checks.context(x, y)
    return Spectrum.from_tokens(x, y).bayes(check_noise(noise))


def gradient_descent(x, y, step, steps):
    """Gradient descent on half the mean squared error from w = 0:  w <- w + step (alpha - Sigma w).

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.
    step : float
        The step size.
    steps : int
        How many steps.

    Returns
    -------
    (B, d) array
        Weights. A sequence on which it diverges gets NaN, with a RuntimeWarning that counts them.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """
    return warn_if_diverged(descend(x, y, step, 0.0, steps), "gradient descent")


def momentum(x, y, step, beta, steps):
    """Gradient descent with heavy-ball momentum:  v <- beta v + step (alpha - Sigma w),  w <- w + v.

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.
    step : float
        The step size.
    beta : float
        The share of the last step that is taken again.
    steps : int
        How many steps.

    Returns
    -------
    (B, d) array
        Weights. A sequence on which it diverges gets NaN, with a RuntimeWarning that counts them.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """
    return warn_if_diverged(descend(x, y, step, beta, steps), "gradient descent with momentum")


def descend(x, y, step, beta, steps):
    """`momentum`, whatever becomes of it."""
    x, y = checks.context(x, y)
    step = checks.number(step, "step")
    beta = checks.number(beta, "beta")
    S = second_moments(x, y)
    Sigma, alpha = S[:, :-1, :-1], S[:, :-1, -1]  # (B, d, d), (B, d)
    w = np.zeros_like(alpha)
    v = np.zeros_like(alpha)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(checks.count(steps, "steps", least=0)):
            gradient = alpha - (Sigma @ w[..., None])[..., 0]  # (B, d)
            v = beta * v + step * gradient
            w = w + v
    return w


def gradient_steps(x, y, sizes):
    """Gradient descent with a size for every step:  w <- w + sizes[k] (alpha - Sigma w), from w = 0.

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.
    sizes : (K,) or (B, K) array
        The step sizes, the same for all contexts or some for each.

    Returns
    -------
    (B, d) array
        Weights. A sequence on which it diverges gets NaN, with a RuntimeWarning that counts them.

    Raises
    ------
    TypeError, ValueError
        If an argument is no such array.
    """
    x, y = checks.context(x, y)
    for_all = np.ndim(sizes) < 2
    sizes = checks.array(sizes, "sizes", ("steps",) if for_all else (len(x), "steps"))
    S = second_moments(x, y)
    Sigma, alpha = S[:, :-1, :-1], S[:, :-1, -1]  # (B, d, d), (B, d)
    w = np.zeros_like(alpha)
    with np.errstate(over="ignore", invalid="ignore"):
        for step in np.atleast_2d(sizes).T:  # (B,), or (1,) for all
            gradient = alpha - (Sigma @ w[..., None])[..., 0]  # (B, d)
            w = w + step[:, None] * gradient
    return warn_if_diverged(w, "gradient descent")


def chebyshev_sizes(low, high, steps):
    """The step sizes that are best if nothing is known of the eigenvalues of Sigma but an interval.

    After K steps the share prod (1 - size_k s) of the error is left in a direction with the eigenvalue s. No K sizes make its largest
    value over the interval smaller than 1 / T_K((high + low) / (high - low)), T_K a Chebyshev polynomial; these reach it. Golub and Varga,
    *Chebyshev semi-iterative methods* (1961).

    Parameters
    ----------
    low, high : float or (B,) array
        The ends of the interval, above zero.
    steps : int
        K.

    Returns
    -------
    (K,) or (B, K) array
        Largest first.

    Raises
    ------
    TypeError, ValueError
        If steps is no number of steps, or low is not above zero, or high is below low.
    """
    low = np.asarray(low, float)[..., None]  # (1,) or (B, 1)
    high = np.asarray(high, float)[..., None]
    steps = checks.count(steps, "steps")
    if not ((low > 0) & (high >= low)).all():
        raise ValueError(
            f"low is {low.min():g} and high is {high.min():g} at the least: low must be above zero, and high at least low."
        )

    # The zeros of the polynomial: those of T_K, moved from (-1, 1) to the interval.
    angles = np.pi * (np.arange(steps) + 0.5) / steps  # (K,)
    zeros = (high + low) / 2 - (high - low) / 2 * np.cos(angles)
    return 1 / zeros


def learned_sizes(s, steps):
    """The step sizes that are best on average over given eigenvalues: one step a layer, the same for all contexts, as training finds it.

    They make the mean of prod (1 - size_k s)^2 as small as it can be. Of all polynomials of degree K that are 1 at 0, the best is the one
    that is orthogonal to those of lower degree under the weight s, so its zeros are eigenvalues of a small tridiagonal matrix (Golub and
    Welsch, *Calculation of Gauss quadrature rules*, 1969), which Lanczos' recurrence finds.

    Parameters
    ----------
    s : array
        Eigenvalues of Sigma of many contexts, of any shape. Those that are 0 play no part: no step size reaches their directions.
    steps : int
        K, at most the number of different eigenvalues above zero.

    Returns
    -------
    (K,) array
        Largest first.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """
    s = checks.array(np.ravel(s), "s", ("eigenvalues",))
    steps = checks.count(steps, "steps")
    if (s < 0).any() or steps > len(np.unique(s[s > 0])):
        raise ValueError(
            f"steps is {steps}: s must hold at least as many different eigenvalues, none below zero."
        )

    # Lanczos: orthonormal polynomials under the weight s, by their values at the eigenvalues.
    basis = [np.sqrt(s / s.sum())]  # each (N,), with the root of the weight in it
    jacobi = np.zeros((steps, steps))
    for k in range(steps):
        value = s * basis[k]  # (N,): one degree more
        jacobi[k, k] = value @ basis[k]
        if k + 1 == steps:
            break

        # Take away what lies along the lower degrees; twice, since rounding leaves a part.
        lower = np.array(basis)  # (k + 1, N)
        for _ in range(2):
            value = value - (lower @ value) @ lower
        length = np.linalg.norm(value)
        jacobi[k, k + 1] = jacobi[k + 1, k] = length
        basis.append(value / length)
    return 1 / np.linalg.eigvalsh(jacobi)


def conjugate_gradients(x, y, steps):
    """Conjugate gradients for Sigma w = alpha, from w = 0 (Hestenes and Stiefel 1952).

    After K steps no w in the span of alpha, Sigma alpha, .., Sigma^(K-1) alpha has a smaller mean squared error on the context: no
    sequence of K step sizes does better there. After d steps it is least squares, but for rounding.

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.
    steps : int
        How many steps.

    Returns
    -------
    (B, d) array
        Weights.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """
    x, y = checks.context(x, y)
    S = second_moments(x, y)
    Sigma, alpha = S[:, :-1, :-1], S[:, :-1, -1]  # (B, d, d), (B, d)

    # In units of their own, so that no square is too large or too small for a number.
    largest = np.linalg.eigvalsh(Sigma)[:, -1:]  # (B, 1)
    longest = abs(alpha).max(axis=1, keepdims=True)  # (B, 1)
    Sigma = divide(Sigma, largest[..., None])  # (B, d, d)
    gradient = divide(alpha, longest)  # (B, d): what is left, alpha - Sigma w
    direction = gradient  # (B, d)
    w = np.zeros_like(alpha)
    square = (gradient**2).sum(axis=1, keepdims=True)  # (B, 1)
    arrived = ROUNDING**2 * square  # (B, 1)
    for _ in range(checks.count(steps, "steps", least=0)):
        curved = (Sigma @ direction[..., None])[..., 0]  # (B, d)
        size = divide(
            square, (direction * curved).sum(axis=1, keepdims=True)
        )  # (B, 1); 0 where it has arrived
        w = w + size * direction
        gradient = gradient - size * curved

        # What is left at the end is rounding. With n < d it may lie where the inputs never are, and a step there would have no end.
        before = square
        square = (gradient**2).sum(axis=1, keepdims=True)  # (B, 1)
        gradient = np.where(square > arrived, gradient, 0)
        square = np.where(square > arrived, square, 0)

        # The next direction is conjugate to those before.
        direction = gradient + divide(square, before) * direction
    return w * divide(longest, largest)


def newton(x, y, steps):
    """Newton's iteration for the inverse, X <- X (2 I - Sigma X) from X = Sigma / |Sigma|_F^2, then w = X alpha.

    X is a function of Sigma, so each of its eigenvalues has an iteration of its own; one that the inputs never take stays 0.

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.
    steps : int
        How many steps.

    Returns
    -------
    (B, d) array
        Weights.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """
    x, y = checks.context(x, y)
    spectrum = Spectrum.from_tokens(x, y)

    # In units of the largest eigenvalue, so that no square is too large or too small for a number.
    largest = spectrum.s[:, -1:]  # (B, 1)
    s = divide(spectrum.s, largest)  # (B, d)
    alpha = divide(spectrum.alpha, largest)  # (B, d)
    inverse = divide(s, (s**2).sum(axis=1, keepdims=True))  # (B, d): eigenvalues of X
    for _ in range(checks.count(steps, "steps", least=0)):
        inverse = inverse * (2 - s * inverse)
    w = inverse * alpha  # (B, d), along the principal directions
    return (spectrum.V @ w[..., None])[..., 0]


def tuned_noise(spectrum, multiplier, cap):
    """TunedRR's sigma for each sequence: the root of min(multiplier * estimate^2, cap).

    Parameters
    ----------
    spectrum : Spectrum
        Of B contexts with n > d.
    multiplier, cap : float
        The constants, as `tune.tune` finds them.

    Returns
    -------
    (B,) array
    """
    return np.sqrt(np.minimum(multiplier * spectrum.noise_estimate() ** 2, cap))


@cache
def tuned_constants():
    """TunedRR's constants as stored -> {noise key: {"multiplier": .., "cap": ..}}."""
    return json.loads(TUNED.read_text())


@cache
def stored_losses():
    """Adjusted losses of the baselines of `on_spectrum` for d = 10, n = 20, as stored -> {noise key: {name: [loss, standard error]}}."""
    return json.loads(LOSSES.read_text())


def find_constants(task):
    """TunedRR's constants for a task, as stored; None for all but the paper's."""
    of_paper = RegressionTask(*PAPER, task.noise) == task
    return tuned_constants().get(task.noise.key) if of_paper else None


def read_constants(constants):
    """TunedRR's two constants, or one sentence on what they must be."""
    try:
        return {name: checks.number(constants[name], name, 0) for name in ("multiplier", "cap")}
    except (TypeError, KeyError, IndexError) as error:
        raise ValueError(
            f'constants is {checks.shown(constants)}: constants must be {{"multiplier": .., "cap": ..}}, as tune.tune(task) finds them.'
        ) from error


def on_spectrum(task, evidence=False, constants=None):
    """The baselines that are not told sigma, as `evaluate.evaluate` takes them, worst first.

    Parameters
    ----------
    task : RegressionTask or Noise
        What they are told of; a noise stands for the paper's task, d = 10 and n = 20, with that noise.
    evidence : bool
        Whether evidence ridge is among them, as "EvidenceRR". The paper's Table 1 lacks it.
    constants : dict, optional
        TunedRR's, as `tune.tune(task)` finds them; by default those that are stored for the paper's noises.

    Returns
    -------
    dict
        Functions Spectrum -> w (B, d), by name.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these, a noise none of the paper's, or a task mixes contexts of several lengths.
    """
    check_length(task)
    if not isinstance(task, RegressionTask):
        if check_noise(task).key not in tuned_constants():
            raise ValueError(f"noise is {task!r}: TunedRR is tuned for {', '.join(tuned_constants())}.")
        task = RegressionTask(*PAPER, task)
    constants = find_constants(task) if constants is None else read_constants(constants)
    noise, has_degrees = task.noise, task.context > task.dim

    rivals = {
        "ConstRR": lambda spectrum: spectrum.ridge(np.full(len(spectrum.s), np.sqrt(noise.mean_square)))
    }
    if has_degrees:
        rivals["AdaRR"] = lambda spectrum: spectrum.ridge(spectrum.noise_estimate())
    if evidence:
        rivals["EvidenceRR"] = lambda spectrum: spectrum.ridge(spectrum.noise_by_evidence())
    if has_degrees and constants:
        rivals["TunedRR"] = lambda spectrum: spectrum.ridge(tuned_noise(spectrum, **constants))
    if not task.no_oracle:
        rivals["Bayes-optimal"] = lambda spectrum: spectrum.bayes(noise)
    return {name: scaled(predict, task.w_scale) for name, predict in rivals.items()}


def scaled(predict, w_scale):
    """A function Spectrum -> w that is made for w ~ N(0, I), made for w ~ N(0, w_scale^2 I)."""
    if w_scale == 1:
        return predict
    return lambda spectrum: w_scale * predict(spectrum.with_inputs_times(w_scale))


def for_task(task, constants=None):
    """The baselines of a task that are not told sigma, as `lt.risk` takes them, worst first.

    All know how large w is. ConstRR, TunedRR and Bayes also know how sigma is distributed.

    Parameters
    ----------
    task : RegressionTask
        Of any d, n, noise, covariance and scale of w; one of your own, too.
    constants : dict, optional
        TunedRR's, as `tune.tune(task)` finds them; by default those that are stored for the paper's tasks, and else TunedRR is missing.

    Returns
    -------
    dict
        Functions (x, y) -> w (B, d), by name: "ConstRR", "AdaRR", "EvidenceRR", "TunedRR", "Bayes-optimal". AdaRR and TunedRR, which
        estimate the noise from what n exceeds d by, are missing with n <= d. Bayes is missing, with a RuntimeWarning that says why,
        where ridge regression is not the best answer even when told sigma: with noise or weights of your own.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these, or the task mixes contexts of several lengths.
    """
    if not isinstance(task, RegressionTask):
        raise TypeError(f"task is {checks.shown(task)}: task must be a RegressionTask.")
    if task.no_oracle:
        lost = f"{task.no_oracle}: Bayes, which averages ridge regressions, is not among the baselines."
        warnings.warn(lost, RuntimeWarning, stacklevel=2)
    return {name: of_tokens(predict) for name, predict in on_spectrum(task, True, constants).items()}


def of_tokens(predict):
    """A function Spectrum -> w as a function (x, y) -> w."""
    return lambda x, y: predict(Spectrum.from_tokens(*checks.context(x, y)))


def check_length(task):
    """A ValueError for a task of several lengths: how noisy a context looks, and what is left over in it, depend on its own n."""
    if isinstance(task, MixedLengths):
        raise ValueError(
            f"task mixes contexts of {', '.join(map(str, task.lengths))} examples, and a baseline must know n: "
            "take a RegressionTask of one length at a time."
        )


def check_degrees_of_freedom(n, d, name):
    """A ValueError, unless n examples leave some over d weights: from these the noise is estimated."""
    if n <= d:
        raise ValueError(
            f"{name} needs more examples than features to estimate the noise: it got n = {n} and d = {d}."
        )
