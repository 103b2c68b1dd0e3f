"""How good a predictor is: its total error, and its excess over ridge regression that is told sigma (paper, section 6).

The mean of w given the data and sigma is the oracle ridge weight, and a query is independent of both. So the expected excess of half
the squared error over the oracle's is half the squared distance between the two answers: the paper's adjusted loss, without the noise
that both have in common.

A predictor that is linear in its query has a weight, y_hat = <w, x_t>. Then the mean over queries x_t ~ N(0, C) is known,

    E (<w, x_t> - <w_oracle, x_t>)^2 = (w - w_oracle)^T C (w - w_oracle),

and no query need be drawn: the standard error is several times smaller than with one query a sequence.
"""

import inspect
import warnings
from dataclasses import dataclass, replace

import numpy as np

from . import baselines, checks, options
from .model import LinearTransformer
from .noise import Fixed
from .spectrum import Spectrum
from .task import PAPER, RegressionTask, second_moments

CHUNK = 5_000  # sequences at a time: bounds the memory
CHUNK_NUMBERS = 10_000_000  # numbers in the tokens of a chunk, where contexts are long


@dataclass(frozen=True)
class Risk:
    """What a predictor loses on a task, in mean half squared errors.

    Attributes
    ----------
    total : float
        Against the truth, 1/2 E (y_hat - <w, x_t>)^2.
    total_error : float
        Standard error of `total`.
    excess : float
        Against the oracle, 1/2 E (y_hat - <w_oracle, x_t>)^2: the paper's adjusted loss. 0 for ridge regression that is told sigma. NaN
        for a task where that is not the best answer (`RegressionTask.no_oracle`).
    excess_error : float
        Standard error of `excess`.
    diverged : int
        How many sequences got no finite answer. If any, the four numbers above are infinite.
    """

    total: float
    total_error: float
    excess: float
    excess_error: float
    diverged: int


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` finds for one predictor.

    Attributes
    ----------
    loss : float
        Mean adjusted loss.
    standard_error : float
        Its own.
    p9999 : float
        99.99th percentile of the adjusted loss over sequences.
    diverged : int
        How many sequences got no finite answer. If any, the loss is infinite.
    one_query_error : float
        Standard error of the paper's way to evaluate: 100,000 sequences of one query each.
    """

    loss: float
    standard_error: float
    p9999: float
    diverged: int
    one_query_error: float


def risk(predictor, task, sequences, rng):
    """Total error and excess of any predictor, on sequences of a task.

    The same seed draws the same sequences for every predictor, so that two of them can be compared pair by pair.

    Parameters
    ----------
    predictor : callable
        ``(x, y, x_query) -> y_hat`` for batches: x (B, n, d), y (B, n), x_query (B, d), y_hat (B,). It answers one query a sequence.
        An optional third argument is taken for the query if its name is x_query.
        A `LinearTransformer` is judged by its implicit weight, and so is a function of the context alone, ``(x, y) -> w`` (B, d), such
        as `baselines.ada_rr`: their mean over all queries is exact. A model that was trained at another n than the task has says so,
        once. What a baseline is told besides comes first, as in
        ``functools.partial(baselines.bayes, noise=task.noise)``; `baselines.for_task` has them all, told what the task says.
    task : RegressionTask
        What the sequences are drawn from.
    sequences : int
        How many are drawn, at least 2.
    rng : numpy.random.Generator
        What draws them.

    Returns
    -------
    Risk
        `total` and `excess`, each with its standard error. All are infinite if a sequence got no finite answer, with a RuntimeWarning
        that counts those. A standard error is infinite alone, with a RuntimeWarning, if answers are finite but far off. The excess is
        NaN, with a RuntimeWarning that says why, where the task has no oracle.

    Raises
    ------
    TypeError
        If the predictor, the task or the generator is none.
    ValueError
        If an answer has another shape, or the model another dimension than the task.
    """
    check_arguments(task, sequences, rng, "sequences")
    if isinstance(predictor, LinearTransformer):
        predictor.warn_if_other_length(task.context)
    result = judge(predictor, task, sequences, rng, "predictor")
    errors = [result.total_error, result.excess_error]
    if task.no_oracle:
        lost = f"{task.no_oracle}: the total error is judged, and the excess is NaN."
        warnings.warn(lost, RuntimeWarning, stacklevel=2)
        result = replace(result, excess=np.nan, excess_error=np.nan)
        errors = [result.total_error]
    if result.diverged:
        lost = f"the predictor diverged on {result.diverged} of {sequences} sequences: its risk is infinite."
        warnings.warn(lost, RuntimeWarning, stacklevel=2)
    elif not np.isfinite(errors).all():
        lost = f"the predictor explodes: its answers are finite, but so far off that the standard error of {result.total:.2g} is not."
        warnings.warn(lost, RuntimeWarning, stacklevel=2)
    return result


def adjusted_loss(model, task, samples, rng):
    """The paper's adjusted loss: half the squared error above the oracle's, averaged over sequences.

    Parameters
    ----------
    model : LinearTransformer or callable
        A model, whose sequences are drawn as second moments, or a function that `risk` takes, such as `baselines.ada_rr`.
    task : RegressionTask
        What the sequences are drawn from.
    samples : int
        How many sequences, at least 2.
    rng : numpy.random.Generator
        What draws them.

    Returns
    -------
    loss, standard_error : float
        Both are infinite if some sequence gets no finite answer.

    Raises
    ------
    TypeError, ValueError
        As `risk` does; and if the task has no oracle.
    """
    check_arguments(task, samples, rng, "samples")
    check_oracle(task)
    if isinstance(model, LinearTransformer):
        check_dimension(model, task)
        model.warn_if_other_length(task.context)
        results = evaluate({"model": lambda spectrum: model.implicit_weight(spectrum.S)}, task, samples, rng)
        return results["model"].loss, results["model"].standard_error
    result = judge(model, task, samples, rng, "model")
    return result.excess, result.excess_error


def evaluate(predictors, task, samples, rng):
    """The adjusted losses of several predictors on the same sequences, drawn as second moments: the cost does not grow with n.

    Parameters
    ----------
    predictors : dict
        Functions Spectrum -> w (B, d), by name.
    task : RegressionTask
        What the sequences are drawn from.
    samples : int
        How many sequences, at least 2.
    rng : numpy.random.Generator
        What draws them.

    Returns
    -------
    dict of Evaluation
        By the same names.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these, an answer has another shape, or the task has no oracle.
    """
    check_arguments(task, samples, rng, "samples")
    check_oracle(task)
    check_predictors(predictors)
    risks = {name: [] for name in predictors}
    one_query = {name: [] for name in predictors}
    for size in split(samples, CHUNK):
        moments = task.sample_moments(size, rng)
        x_query = task.sample_queries(size, rng)  # (B, d)
        spectrum = Spectrum.from_moments(moments.S, moments.context)
        oracle = spectrum.ridge(moments.sigma / task.w_scale)  # (B, d)
        oracle_loss = half_square(((oracle - moments.w) * x_query).sum(axis=1))  # (B,)
        for name, predict in predictors.items():
            w = read_answer(predict(spectrum), oracle.shape, "weights must be numbers (batch, dim)")

            # A model that explodes is counted, and NumPy need not warn of it.
            with np.errstate(over="ignore", invalid="ignore"):
                loss = half_square(((w - moments.w) * x_query).sum(axis=1))  # (B,)
                risks[name].append(excess(w - oracle, task.covariance))
                one_query[name].append(loss - oracle_loss)
    return {
        name: summarise(np.concatenate(risks[name]), np.concatenate(one_query[name])) for name in predictors
    }


def per_variance_profile(predictors, dim, context, sigmas, samples, rng):
    """Adjusted loss at each of several fixed noise levels (paper, Fig. 2 and 3).

    Parameters
    ----------
    predictors : dict
        Functions Spectrum -> w (B, d), by name.
    dim, context : int
        d and n of the sequences.
    sigmas : sequence of J numbers
        The noise levels.
    samples : int
        How many sequences a level, at least 2.
    rng : numpy.random.Generator
        What draws them.

    Returns
    -------
    dict of (J, 2) arrays
        Loss and standard error at each level, by the same names.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
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


def excess(difference, covariance=None):
    """Half the squared distance of two weights, averaged over queries: 1/2 (w - w')^T C (w - w').

    Parameters
    ----------
    difference : (B, d) array
        w - w'.
    covariance : (d, d) array, optional
        C, the covariance of the queries; the identity by default.

    Returns
    -------
    (B,) array
    """
    weighted = difference if covariance is None else difference @ covariance  # (B, d)
    return (weighted * difference).sum(axis=1) / 2


def judge(predictor, task, sequences, rng, name):
    """The Risk of a predictor on sequences that are drawn as tokens. `name` is what an error calls it."""
    judge_batch = judge_weights if answers_by_weight(predictor, task, name) else judge_answers
    most = max(1, CHUNK_NUMBERS // (task.context * (task.dim + 1)))
    totals = []
    excesses = []
    for size in split(sequences, min(CHUNK, most)):
        batch = task.sample(size, rng)
        oracle = Spectrum.from_tokens(batch.x, batch.y).ridge(batch.sigma / task.w_scale)  # (B, d)

        # A predictor that explodes is counted, and NumPy need not warn of it.
        with np.errstate(over="ignore", invalid="ignore"):
            total, over_oracle = judge_batch(predictor, batch, oracle, task.covariance)
        totals.append(total)
        excesses.append(over_oracle)
    total = np.concatenate(totals)  # (sequences,)
    over_oracle = np.concatenate(excesses)  # (sequences,)
    diverged = int((~(np.isfinite(total) & np.isfinite(over_oracle))).sum())
    if diverged:
        return Risk(np.inf, np.inf, np.inf, np.inf, diverged)
    return Risk(*mean_and_error(total), *mean_and_error(over_oracle), 0)


def judge_weights(predictor, batch, oracle, covariance):
    """Half squared errors of a predictor that has a weight, over all queries: to the truth (B,), and to the oracle (B,)."""
    if isinstance(predictor, LinearTransformer):
        w = predictor.implicit_weight(second_moments(batch.x, batch.y))
    else:
        w = predictor(batch.x, batch.y)
    w = read_answer(w, oracle.shape, "weights must be numbers (batch, dim)")
    return excess(w - batch.w, covariance), excess(w - oracle, covariance)


def judge_answers(predictor, batch, oracle, covariance):
    """Half squared errors of any predictor, at one query a sequence: to the truth (B,), and to the oracle (B,)."""
    best = (oracle * batch.x_query).sum(axis=1)  # (B,), before anybody can write into the query
    y_hat = predictor(batch.x, batch.y, batch.x_query)
    y_hat = read_answer(y_hat, best.shape, "answers must be numbers (batch,)")
    return half_square(y_hat - batch.y_query), half_square(y_hat - best)


def answers_by_weight(predictor, task, name):
    """Whether a predictor is judged by a weight, or by its answers; an error if it is no predictor for this task."""
    if isinstance(predictor, LinearTransformer):
        check_dimension(predictor, task)
        return True
    wanted = f"{name} must be a LinearTransformer, or a function (x, y, x_query) -> y_hat or (x, y) -> w."
    if not callable(predictor):
        raise TypeError(f"{name} is {checks.shown(predictor)}: {wanted}")
    try:
        parameters = inspect.signature(predictor).parameters.values()
    except (TypeError, ValueError):  # some functions that are written in C do not say what they take
        return False
    given = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    required = [one.name for one in given if one.default is one.empty]

    # What is called by position never learns of a keyword.
    keywords = [one for one in parameters if one.kind is one.KEYWORD_ONLY]
    unheard = [one.name for one in keywords if one.default is one.empty or one.name == "x_query"]
    if unheard:
        raise TypeError(f"{name} takes ({', '.join([*required, '*', *unheard])}): {wanted}")
    if any(one.kind is one.VAR_POSITIONAL for one in parameters) and len(required) <= 3:
        return False

    # `bayes(x, y, noise)` would take the query for its noise.
    told = getattr(baselines, getattr(predictor, "__name__", ""), None) is predictor and len(required) > 2
    if told or len(required) not in (2, 3):
        raise TypeError(
            f"{name} takes ({', '.join(required)}): {wanted} "
            "What it is told besides comes first, as in functools.partial(baselines.bayes, noise=noise)."
        )
    takes_query = len(given) > 2 and given[2].name == "x_query"
    return len(required) == 2 and not takes_query


def check_dimension(model, task):
    """A ValueError, unless the model reads inputs of the task's dimension."""
    if model.dim != task.dim:
        raise ValueError(
            f"the model has dim = {model.dim}, but the task has dim = {task.dim}: they must agree."
        )


def check_predictors(predictors):
    """A TypeError, unless it is a dictionary of functions."""
    if not isinstance(predictors, dict) or not all(map(callable, predictors.values())):
        raise TypeError(
            f"predictors is {checks.shown(predictors)}: predictors must be a dictionary of functions, Spectrum -> w."
        )


def check_arguments(task, samples, rng, name):
    """An error, unless there is a task, a number of sequences (called `name`) and a generator."""
    checks.count(samples, name, least=2)
    checks.generator(rng)
    if not isinstance(task, RegressionTask):
        raise TypeError(f"task is {checks.shown(task)}: task must be a RegressionTask.")


def check_oracle(task):
    """A ValueError, if losses above the oracle's mean nothing for the task."""
    if task.no_oracle:
        raise ValueError(f"{task.no_oracle}: lt.risk has the total error.")


def read_answer(answer, shape, wanted):
    """What a predictor answered, as an array of `shape`. Its numbers need not be finite."""
    try:
        answer = np.asarray(answer)
    except Exception as error:  # rows of different lengths, and objects with an array form of their own
        raise ValueError(
            f"the predictor answers {checks.shown(answer)}, which is no array: {wanted} = {shape}."
        ) from error
    if answer.shape != shape or answer.dtype.kind not in "iuf":
        raise ValueError(f"the predictor answers {answer.dtype} of shape {answer.shape}: {wanted} = {shape}.")
    return answer


def half_square(miss):
    """1/2 miss^2, of each sequence."""
    return miss**2 / 2


def summarise(risks, one_query):
    """Adjusted losses of all sequences (B,), and their noisier one-query twins (B,) -> Evaluation."""
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


def split(samples, most):
    """`samples` as a list of sizes, each of at most `most`."""
    return [min(most, samples - start) for start in range(0, samples, most)]


def add_arguments(parser):
    """Options of `python -m lt_helpers evaluate`."""
    parser.add_argument("model", help="a model file, as LinearTransformer.save and `train` write it")
    parser.add_argument(
        "--noise",
        type=options.noise,
        required=True,
        help="the noise to weigh it on: uniform:5, categorical:1,3, fixed:0",
    )
    options.add_sizes(parser)
    parser.add_argument("--samples", type=int, default=100_000, help="held-out sequences (default: 100000)")
    parser.add_argument("--seed", type=options.seed, default=0, help="seed of the held-out sequences")


def run(args):
    """Weigh a model file beside the best possible predictor."""
    model = LinearTransformer.load(args.model)
    dim = model.dim if args.dim is None else args.dim
    context = (model.context or PAPER.context) if args.context is None else args.context
    task = RegressionTask(dim, context, args.noise, args.covariance)
    if dim != model.dim:
        model = model.with_dim(dim)
    model.warn_if_other_length(context)
    predictors = {
        str(model): lambda spectrum: model.implicit_weight(spectrum.S),
        "bayes": lambda spectrum: spectrum.bayes(args.noise),
    }
    for name, result in evaluate(predictors, task, args.samples, np.random.default_rng(args.seed)).items():
        print(f"{name}: adjusted loss {result.loss:.4g} +- {result.standard_error:.1g} on {args.noise.label}")
