"""A frozen model in use: what to hold against it, an alarm for contexts on which it explodes, and a fallback.

What it has to beat: ridge regression by cross-validation, AdaRR, and the Bayes-optimal predictor with a prior that is fitted on earlier
tasks (`fit_prior`); `gate` compares them context by context.

A layer is cubic in its tokens, so the implicit weight w^L is a polynomial of high degree in the context (Theorem 4.1). Far from what
the model was trained on it can explode. Its weight shows that before any query is answered: it no longer fits the very examples that it
was made from.
"""

from dataclasses import dataclass

import numpy as np

from . import checks
from .noise import Categorical
from .spectrum import Spectrum

PENALTIES = np.geomspace(0.1, 1000, 25)
LEVELS = 40  # noise levels of a fitted prior
ROUNDS = 200  # of expectation and maximisation
RINGS = 1.0  # a misfit above this rings the alarm: w fits its own context worse than answering 0 would
NEGLIGIBLE = 1e-9  # probability of a level that is left out
HALVINGS = 5  # sizes of w that are tried at first: the largest, and as many halves of it
FINER = 6  # how often the mesh of sizes is halved thereafter, down to one percent


def leave_one_out(x, y, penalties):
    """How well ridge regression predicts each example when it is fitted on the others, for every penalty.

    w = (X'X + penalty I)^-1 X'y, with no intercept. One singular value decomposition serves the n fits of a context: the residual on a
    left-out example is r_i / (1 - h_i), h the diagonal of the hat matrix.

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.
    penalties : (K,) array
        Above zero.

    Returns
    -------
    errors : (B, K) array
        Mean squared error on the examples that were left out.
    weights : (B, K, d) array
        Fitted on all of them.
    """
    n, d = x.shape[1:]
    left, singular, right = np.linalg.svd(x, full_matrices=False)  # (B, n, r), (B, r), (B, r, d)
    along = (left * y[..., None]).sum(axis=1)[:, None]  # (B, 1, r): y along the left singular vectors
    damped = singular[:, None] ** 2 + penalties[:, None]  # (B, K, r)
    lost = penalties[:, None] / damped  # (B, K, r): the share of each direction of y that ridge does not fit

    # With n > d examples y has a part that no w explains. Else what is left there is rounding.
    unexplained = y[:, None] - along @ left.mT if n > d else 0.0  # (B, 1, n)
    residual = unexplained + (lost * along) @ left.mT  # (B, K, n)
    leverage = left**2  # (B, n, r)
    unfitted = 1 - leverage.sum(axis=-1)[:, None] if n > d else 0.0  # (B, 1, n)
    free = unfitted + lost @ leverage.mT  # (B, K, n): 1 - h

    errors = ((residual / free) ** 2).mean(axis=-1)  # (B, K)
    weights = (along * singular[:, None] / damped) @ right  # (B, K, d)
    return errors, weights


def ridge_cv(x, y, penalties=PENALTIES):
    """Ridge regression whose penalty is chosen on each context by leave-one-out cross-validation: the plain alternative to a model.

    Parameters
    ----------
    x : (B, n, d) array
        Inputs.
    y : (B, n) array
        Labels.
    penalties : (K,) array
        Those to choose from, each sigma^2 in (Sigma + sigma^2/n I)^-1 alpha.

    Returns
    -------
    w : (B, d) array
        Weights.
    penalty : (B,) array
        The one that was chosen.

    Raises
    ------
    TypeError, ValueError
        If an argument is no such array, or a penalty is not above zero.
    """
    x, y = checks.context(x, y)
    penalties = checks.array(penalties, "penalties", ("penalties",))
    if not len(penalties) or (penalties <= 0).any():
        raise ValueError("penalties must be one or more numbers above zero.")
    errors, weights = leave_one_out(x, y, penalties)
    best = errors.argmin(axis=1)  # (B,)
    return weights[np.arange(len(x)), best], penalties[best]


@dataclass(frozen=True)
class FittedPrior:
    """What earlier tasks say beforehand about a new one: w ~ N(0, size^2 I), and how its noise is distributed.

    Attributes
    ----------
    size : float
        The standard deviation of a component of w, in units of the labels.
    noise : Categorical
        The distribution of sigma, some levels with a weight each, in units of `size`: sigma^2 is the penalty of ridge regression.
    """

    size: float
    noise: Categorical

    def bayes(self, x, y):
        """The Bayes-optimal predictor for tasks with this prior.

        Parameters
        ----------
        x : (B, n, d) array
            Inputs.
        y : (B, n) array
            Labels.

        Returns
        -------
        (B, d) array
            The posterior mean of w.

        Raises
        ------
        TypeError, ValueError
            If x or y is no such array.
        """
        x, y = checks.context(x, y)
        return self.size * Spectrum.from_tokens(x, y / self.size).bayes(self.noise)


def fit_prior(x, y):
    """The prior under which the labels of earlier tasks are most probable: the size of w, and how sigma is distributed.

    Type-II maximum likelihood, over all contexts together. No truth and no query is needed: a label is what the contexts hold anyway.
    The distribution of sigma is free: its levels are quantiles of the sigmas that single contexts find most probable, and expectation
    and maximisation finds the probability of each (Laird, *Nonparametric maximum likelihood estimation of a mixing distribution*, 1978).
    The size is found to one percent.

    Parameters
    ----------
    x : (B, n, d) array
        Inputs of the earlier tasks. Hundreds of contexts tell a distribution.
    y : (B, n) array
        Their labels, not all zero.

    Returns
    -------
    FittedPrior

    Raises
    ------
    TypeError, ValueError
        If x or y is no such array, or all inputs or all labels are 0.
    """
    return fit_prior_of([checks.context(x, y)])


def fit_prior_of(groups):
    """`fit_prior` for tasks that differ in length.

    Parameters
    ----------
    groups : list of (x, y)
        Tasks of one length each, (B, n, d) and (B, n) arrays.

    Returns
    -------
    FittedPrior
    """
    inputs = np.concatenate([x.reshape(-1, x.shape[-1]) for x, _ in groups])  # (N, d)
    labels = np.concatenate([y.ravel() for _, y in groups])  # (N,)
    if not inputs.any() or not labels.any():
        raise ValueError("x and y must not be zero throughout: a prior cannot be fitted on that.")

    spectra = [Spectrum.from_tokens(x, y) for x, y in groups]

    # If there were no noise at all, the mean of y^2 would be size^2 times that of |x|^2. So the size is at most about this.
    largest = np.sqrt((labels**2).mean() / (inputs**2).sum(axis=-1).mean())
    tried = {}
    for halvings in range(HALVINGS + 1):
        size = largest / 2**halvings
        tried[size] = fit_noise(spectra, size)

    # Then between the best one and its neighbours.
    for halving in range(1, FINER + 1):
        step = 2 ** (0.5**halving)
        best = most_probable(tried)
        for size in (best / step, best * step):
            tried[size] = fit_noise(spectra, size)
    size = most_probable(tried)
    noise, _ = tried[size]
    return FittedPrior(float(size), noise)


def most_probable(tried):
    """The size with the largest log likelihood.    tried : {size: (Categorical, log likelihood)}"""
    return max(tried, key=lambda size: tried[size][1])


def fit_noise(spectra, size):
    """The distribution of sigma under which labels are most probable, if the size of w is known.

    Parameters
    ----------
    spectra : list of Spectrum
        Of tasks of one length each.
    size : float
        The standard deviation of a component of w.

    Returns
    -------
    noise : Categorical
        In units of `size`.
    score : float
        The log likelihood of all labels, up to a constant.
    """
    spectra = [spectrum.with_inputs_times(size) for spectrum in spectra]  # there w has a component of size 1
    single = np.concatenate([spectrum.noise_by_evidence() for spectrum in spectra])  # (B,)
    levels = np.unique(np.quantile(single, np.linspace(0, 1, LEVELS)))  # (K,)

    # Only ratios of likelihoods matter, so that of the best level of each context is taken for 1.
    scores = np.concatenate([spectrum.log_likelihood(levels) for spectrum in spectra])  # (B, K)
    highest = scores.max(axis=1, keepdims=True)  # (B, 1)
    likelihood = np.exp(scores - highest)  # (B, K)

    # Expectation: how probable is each level for each context? Maximisation: the mean of that over contexts.
    probabilities = np.full(len(levels), 1 / len(levels))
    for _ in range(ROUNDS):
        mixed = likelihood @ probabilities  # (B,)
        probabilities *= (1 / mixed) @ likelihood / len(mixed)  # (K,)
    score = (np.log(likelihood @ probabilities) + highest[:, 0]).sum()

    # Some levels have lost all their share.
    kept = probabilities > NEGLIGIBLE
    return Categorical(levels[kept] / size, probabilities[kept]), float(score)


@dataclass(frozen=True)
class Lead:
    """How far a model is ahead of an opponent, on the same contexts.

    Attributes
    ----------
    mean : float
        The mean of the opponent's error minus the model's: above 0, the model is better.
    standard_error : float
        Of that mean.
    """

    mean: float
    standard_error: float

    @property
    def beaten(self):
        """Whether the model is ahead by more than two standard errors."""
        return self.mean > 2 * self.standard_error


def gate(errors, opponents):
    """How far a model is ahead of each opponent. It may be used if it beats them all; else use the opponent.

    Parameters
    ----------
    errors : (B,) array
        The model's error on each context. Where contexts share rows, give the mean of each independent group instead: a standard error
        takes its numbers for independent.
    opponents : dict
        The errors (B,) of each opponent on the same contexts, by name.

    Returns
    -------
    dict of Lead
        By the same names.

    Raises
    ------
    TypeError, ValueError
        If errors are no such arrays, or fewer than two.
    """
    errors = read_errors(errors, "errors")
    leads = {}
    for name, theirs in opponents.items():
        theirs = read_errors(theirs, f"opponents[{name!r}]")
        if theirs.shape != errors.shape:
            raise ValueError(
                f"opponents[{name!r}] has shape {theirs.shape}, but errors has shape {errors.shape}: they must agree."
            )
        ahead = theirs - errors  # (B,)
        leads[name] = Lead(float(ahead.mean()), float(ahead.std(ddof=1) / np.sqrt(len(ahead))))
    return leads


def read_errors(errors, name):
    """Errors of two contexts or more, as an array."""
    errors = checks.array(errors, name, ("contexts",))
    if len(errors) < 2:
        raise ValueError(
            f"{name} has {len(errors)} numbers: it must have one for each of at least 2 contexts."
        )
    return errors


def misfit(w, S):
    """How badly a weight fits its own context: mean (y - <w, x>)^2 over mean y^2. 0 for a perfect fit, 1 for w = 0.

    Parameters
    ----------
    w : (B, d) or (B, L+1, d) array
        A weight, or the weight after each layer.
    S : (B, D, D) array, D = d + 1
        Second moments of the context.

    Returns
    -------
    (B,) or (B, L+1) array
        Infinite where w is not finite.
    """
    layers = w[:, None] if w.ndim == 2 else w  # (B, K, d)
    Sigma = S[:, :-1, :-1]  # (B, d, d)
    alpha = S[:, None, :-1, -1]  # (B, 1, d)
    square = S[:, None, -1, -1]  # (B, 1): mean y^2

    # mean (y - <w, x>)^2 = mean y^2 - 2 <w, alpha> + <w, Sigma w>
    with np.errstate(over="ignore", invalid="ignore"):
        linear = (layers * alpha).sum(axis=-1)  # (B, K)
        quadratic = ((layers @ Sigma) * layers).sum(axis=-1)  # (B, K)
        error = square - 2 * linear + quadratic
        error = np.where(np.isfinite(error), np.maximum(error, 0), np.inf)
        ratio = error / np.maximum(square, np.finfo(float).tiny)
    return ratio[:, 0] if w.ndim == 2 else ratio


def alarm(w, S):
    """Whether w fits its own context worse than the answer 0 would: misfit above 1, which is RINGS.

    What passes cannot have exploded on the context: the mean of <w, x>^2 over it is at most 4 times the mean of y^2.

    Parameters
    ----------
    w : (B, d) array
        Weights.
    S : (B, D, D) array, D = d + 1
        Second moments of the context.

    Returns
    -------
    (B,) array of bool
    """
    return misfit(w, S) > RINGS


def guarded(w, S, fallback):
    """The weights of a model, and others in their place where the alarm rings.

    Parameters
    ----------
    w : (B, d) array
        Weights of the model.
    S : (B, D, D) array, D = d + 1
        Second moments of the contexts.
    fallback : (B, d) array
        The others: of the Bayes-optimal predictor with a fitted prior, or of `ridge_cv`, which needs no earlier task.

    Returns
    -------
    w : (B, d) array
    rings : (B,) array of bool
        The alarm.
    """
    rings = alarm(w, S)
    return np.where(rings[:, None], fallback, w), rings
