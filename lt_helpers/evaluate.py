"""How good a predictor is: its adjusted loss, the excess risk over ridge regression that is told sigma (paper, section 6).

The mean of w given the data and sigma is the oracle ridge weight, and a query is independent of both, so the expected excess of half
the squared error is exactly 1/2 E (w - w_ridge)^T C (w - w_ridge): no query and no target need be drawn, and the standard error is
several times smaller than with them.
"""

from dataclasses import dataclass

import numpy as np

from . import checks, options
from .model import LinearTransformer
from .noise import Fixed
from .spectrum import Spectrum
from .task import RegressionTask

CHUNK = 5_000  # sequences at a time: bounds the memory


@dataclass(frozen=True)
class Evaluation:
    """loss : mean adjusted loss.  standard_error : its own.  p9999 : 99.99th percentile over sequences.  diverged : how many sequences
    got no finite answer; if any, loss is infinite.  one_query_error : standard error of the paper's way, 100,000 sequences of one query."""

    loss: float
    standard_error: float
    p9999: float
    diverged: int
    one_query_error: float


def adjusted_loss(model, task, samples, rng):
    """Half the squared error above the oracle's, averaged over sequences.

    model : LinearTransformer, or a function (x, y) -> w such as `baselines.ada_rr`.    task : RegressionTask.    samples : int.
    rng : numpy.random.Generator.
    -> loss, standard error.  Both are infinite if some sequence gets no finite answer.
    """
    checked(task, samples, rng)
    if isinstance(model, LinearTransformer):
        if model.dim != task.dim:
            raise ValueError(
                f"the model has dim = {model.dim}, but the task has dim = {task.dim}: they must agree."
            )
        result = evaluate({"model": lambda spectrum: model.implicit_weight(spectrum.S)}, task, samples, rng)[
            "model"
        ]
        return result.loss, result.standard_error
    if not callable(model):
        raise TypeError(
            f"model is {checks.shown(model)}: model must be a LinearTransformer, or a function (x, y) -> w."
        )
    risks = []
    for size in chunks(samples):
        batch = task.sample(size, rng)
        oracle = Spectrum.from_tokens(batch.x, batch.y).ridge(batch.sigma)
        with np.errstate(over="ignore", invalid="ignore"):
            risks.append(excess(weights_of(model(batch.x, batch.y), oracle.shape) - oracle, task.covariance))
    result = summary(np.concatenate(risks), np.zeros(samples))
    return result.loss, result.standard_error


def evaluate(predictors, task, samples, rng):
    """Several predictors on the same sequences.

    predictors : dict of functions, Spectrum -> w (B, d).    task, samples, rng : as in `adjusted_loss`.
    -> dict of Evaluation.
    """
    checked(task, samples, rng)
    check_predictors(predictors)
    risks, one_query = {name: [] for name in predictors}, {name: [] for name in predictors}
    for size in chunks(samples):
        moments = task.sample_moments(size, rng)
        x_query = task.sample_queries(size, rng)
        spectrum = Spectrum.from_moments(moments.S, moments.context)
        oracle = spectrum.ridge(moments.sigma)
        oracle_miss = ((oracle - moments.w) * x_query).sum(axis=1)
        for name, predict in predictors.items():
            w = weights_of(predict(spectrum), oracle.shape)
            with np.errstate(over="ignore", invalid="ignore"):
                risks[name].append(excess(w - oracle, task.covariance))
                one_query[name].append((((w - moments.w) * x_query).sum(axis=1) ** 2 - oracle_miss**2) / 2)
    return {
        name: summary(np.concatenate(risks[name]), np.concatenate(one_query[name])) for name in predictors
    }


def per_variance_profile(predictors, dim, context, sigmas, samples, rng):
    """Adjusted loss at each of several fixed noise levels (paper, Fig. 2 and 3).

    predictors : as in `evaluate`.    sigmas : sequence of J numbers.    samples : int, per level.
    -> dict of arrays (J, 2): loss and standard error.
    """
    if not np.iterable(sigmas) or isinstance(sigmas, str):
        raise TypeError(f"sigmas is {checks.shown(sigmas)}: sigmas must be a sequence of numbers.")
    check_predictors(predictors)  # with no level at all, nothing else would look at them
    levels = [
        evaluate(predictors, RegressionTask(dim, context, Fixed(sigma)), samples, rng) for sigma in sigmas
    ]
    return {
        name: np.array([(level[name].loss, level[name].standard_error) for level in levels])
        for name in predictors
    }


def check_predictors(predictors):
    """A TypeError, unless it is a dictionary of functions."""
    if not isinstance(predictors, dict) or not all(map(callable, predictors.values())):
        raise TypeError(
            f"predictors is {checks.shown(predictors)}: predictors must be a dictionary of functions, Spectrum -> w."
        )


def checked(task, samples, rng):
    """What every evaluation is given, or one sentence on what is wrong with it."""
    checks.count(samples, "samples", least=2), checks.generator(rng)
    if not isinstance(task, RegressionTask):
        raise TypeError(f"task is {checks.shown(task)}: task must be a RegressionTask.")


def weights_of(answer, shape):
    """What a predictor answered, if it can be weights; they need not be finite."""
    answer = np.asarray(answer)
    if answer.shape != shape or answer.dtype.kind not in "iuf":
        raise ValueError(
            f"the predictor answers {answer.dtype} of shape {answer.shape}: weights must be numbers (batch, dim) = {shape}."
        )
    return answer


def excess(difference, covariance=None):
    """1/2 (w - w_oracle)^T C (w - w_oracle).    difference : (B, d)  ->  (B,)"""
    weighted = difference if covariance is None else difference @ covariance
    return (weighted * difference).sum(axis=1) / 2


def summary(risks, one_query):
    """Per-sequence adjusted losses (B,), and their noisier one-query twins (B,) -> Evaluation."""
    diverged = int((~np.isfinite(risks)).sum())
    if diverged:
        return Evaluation(np.inf, np.inf, np.inf, diverged, np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        one_query_error = float(one_query.std() / np.sqrt(100_000))
    return Evaluation(*mean_and_error(risks), float(np.quantile(risks, 0.9999)), 0, one_query_error)


def mean_and_error(values):
    """The mean of independent draws, and its standard error."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def chunks(samples):
    """`samples` as sizes of at most CHUNK."""
    return [min(CHUNK, samples - start) for start in range(0, samples, CHUNK)]


def add_arguments(parser):
    """Options of `python -m lt_helpers evaluate`."""
    parser.add_argument("model", help="a model file, as LinearTransformer.save and `train` write it")
    parser.add_argument(
        "--noise",
        type=options.noise,
        required=True,
        help="the noise to weigh it on: uniform:5, categorical:1,3, fixed:0",
    )
    parser.add_argument("--samples", type=int, default=100_000, help="held-out sequences (default: 100000)")
    parser.add_argument("--seed", type=options.seed, default=0, help="seed of the held-out sequences")


def run(args):
    """Weigh a model file beside the best possible predictor."""
    model = LinearTransformer.load(args.model)
    predictors = {
        str(model): lambda spectrum: model.implicit_weight(spectrum.S),
        "bayes": lambda spectrum: spectrum.bayes(args.noise),
    }
    task = RegressionTask(model.dim, model.context or 20, args.noise)
    for name, result in evaluate(predictors, task, args.samples, np.random.default_rng(args.seed)).items():
        print(f"{name}: adjusted loss {result.loss:.4g} +- {result.standard_error:.1g} on {args.noise.label}")
