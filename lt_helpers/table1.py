"""The paper's Table 1, recomputed: stored models and baselines beside the paper's and the best possible (`python -m lt_helpers table1`).

The paper evaluates on 100,000 sequences with one query each; its standard errors are not printed, so they are computed here for that
way of evaluating, from our model of the same cell.
"""

import csv
import json
import signal
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from . import checks, options
from .baselines import on_spectrum
from .evaluate import evaluate
from .noise import PAPER_NOISES
from .pretrained import load_pretrained, origin, stored
from .task import PAPER, RegressionTask

PRINTED = Path(__file__).with_name("paper_table1.csv")
BASELINES = ("ConstRR", "AdaRR", "TunedRR")


@dataclass(frozen=True)
class Cell:
    """One cell of the table.

    Attributes
    ----------
    kind : str
        Of the model, or the name of a baseline.
    layers : int or None
        None for a baseline.
    noise : str
        Key of the noise.
    ours, standard_error : float
        Our adjusted loss.
    paper, paper_standard_error : float or None
        The paper's; None where it has no such cell.
    bayes : float
        The adjusted loss of the Bayes-optimal predictor.
    p9999 : float
        99.99th percentile of our adjusted loss over sequences.
    heads : int
        Of the model.
    variant : str
        Of the stored model.
    origin : str
        How its weights came about, as `pretrained.origin` says; "" for a baseline.
    """

    kind: str
    layers: int | None
    noise: str
    ours: float
    standard_error: float
    paper: float | None
    paper_standard_error: float | None
    bayes: float
    p9999: float
    heads: int = 1
    variant: str = ""
    origin: str = ""


@cache
def paper_table():
    """The paper's Table 1.

    Returns
    -------
    dict
        Adjusted losses by (kind, layers, noise key); layers is None for ConstRR, AdaRR and TunedRR.
    """
    with PRINTED.open(newline="") as file:
        rows = list(csv.DictReader(file))
    losses = {}
    for row in rows:
        layers = int(row["layers"]) if row["layers"] else None
        for name, loss in row.items():
            if name not in ("kind", "layers"):
                losses[row["kind"], layers, name] = float(loss)
    return losses


def column(noise, samples=200_000, seed=0):
    """All cells of one noise: the baselines and the stored models, on the same held-out sequences.

    Parameters
    ----------
    noise : Noise
        One of the paper's.
    samples, seed : int
        How many sequences, and their seed.

    Returns
    -------
    list of Cell
    """
    names = {name: (name, None, 1, "", "") for name in BASELINES}
    predictors = on_spectrum(noise)
    for index, entry in enumerate(stored()):
        if entry["noise"] != noise.key:
            continue
        kind, layers, heads, variant = (entry[name] for name in ("kind", "layers", "heads", "variant"))
        model = load_pretrained(kind, layers, noise, heads, variant)
        names[index] = kind, layers, heads, variant, origin(entry)
        predictors[index] = lambda spectrum, model=model: model.implicit_weight(spectrum.S)

    task = RegressionTask(*PAPER, noise)
    results = evaluate(predictors, task, samples, np.random.default_rng(seed))
    cells = []
    for key, (kind, layers, heads, variant, came_about) in names.items():
        in_paper = heads == 1 and not variant
        paper = paper_table().get((kind, layers, noise.key)) if in_paper else None
        cell = Cell(
            kind=kind,
            layers=layers,
            noise=noise.key,
            ours=results[key].loss,
            standard_error=results[key].standard_error,
            paper=paper,
            paper_standard_error=None if paper is None else results[key].one_query_error,
            bayes=results["Bayes-optimal"].loss,
            p9999=results[key].p9999,
            heads=heads,
            variant=variant,
            origin=came_about,
        )
        cells.append(cell)
    return cells


def table(noises=PAPER_NOISES, samples=200_000, seed=0, jobs=1):
    """All cells of several noises.

    Parameters
    ----------
    noises : sequence of Noise
        Some of the paper's.
    samples, seed : int
        How many sequences a column, and their seed.
    jobs : int
        How many columns are computed at a time, each by a process of its own.

    Returns
    -------
    list of Cell
    """
    compute = partial(column, samples=samples, seed=seed)
    if checks.count(jobs, "jobs") == 1:
        return [cell for noise in noises for cell in compute(noise)]

    # A page has no processes, and cannot even import them.
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    # Ctrl-C reaches every process, and ends those of the pool: as an exception it would be taken for a column's result, and the next begun.
    own_way = dict(initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_DFL))
    try:
        with ProcessPoolExecutor(jobs, **own_way) as pool:
            columns = [pool.submit(compute, noise) for noise in noises]
            workers = multiprocessing.active_children()
            return [cell for cells in columns for cell in cells.result()]
    except BrokenProcessPool:
        # It came to them first. Only when the pool has closed is it known of all how they ended.
        if any(worker.exitcode == -signal.SIGINT for worker in workers):
            raise KeyboardInterrupt from None
        raise


def deviation(ours, standard_error, paper, paper_error):
    """How far `ours` lies above the paper's entry, in standard errors of the difference.

    The paper prints three decimals, which adds 0.001 / sqrt(12) to its standard error.

    Parameters
    ----------
    ours, standard_error, paper, paper_error : numbers or arrays
        Adjusted losses and their standard errors.

    Returns
    -------
    number or array
        NaN for entries below 0.001: there a few hard sequences make up either mean, and a standard error says little.
    """
    error = np.sqrt(np.square(standard_error) + np.square(paper_error) + 0.001**2 / 12)
    return np.where(np.asarray(paper) < 0.001, np.nan, (np.asarray(ours) - paper) / error)


def format_table(cells):
    """The table as text: ours, its standard error, and the paper's, with the ratio of ours to the Bayes-optimal predictor's.

    A model whose weights are another's, because its own training found none better, says so at the end of its line.
    """
    lines = [
        f"{'noise':18} {'model':22} {'ours':>9} {'(s.e.)':>10} {'paper':>9} {'(s.e.)':>10} {'Bayes':>9} {'/ Bayes':>8} {'p99.99':>9}"
    ]
    for cell in cells:
        model = cell.kind if cell.layers is None else f"{cell.kind} {cell.layers}"
        model += f" heads={cell.heads}" if cell.heads != 1 else ""
        model += f" {cell.variant}" if cell.variant else ""
        ours = f"{cell.ours:9.4g} {f'({cell.standard_error:.1g})':>10}"
        paper = f"{'':9} {'':10}"
        if cell.paper is not None:
            paper = f"{cell.paper:9.4g} {f'({cell.paper_standard_error:.1g})':>10}"
        ratio = f"{cell.ours / cell.bayes:8.3f}" if cell.bayes > 1e-12 else f"{'':8}"
        line = f"{cell.noise:18} {model:22} {ours} {paper} {cell.bayes:9.4g} {ratio} {cell.p9999:9.4g}"
        lines.append(line if cell.origin in ("", "trained") else f"{line}  {cell.origin}")
    return "\n".join(lines)


def add_arguments(parser):
    """Options of `python -m lt_helpers table1`."""
    parser.add_argument(
        "--noise",
        action="append",
        type=options.noise,
        help="only this noise, such as uniform:5 (may be given again)",
    )
    parser.add_argument(
        "--samples", type=int, default=200_000, help="held-out sequences a cell (default: 200000)"
    )
    parser.add_argument("--seed", type=options.seed, default=0, help="seed of the held-out sequences")
    parser.add_argument("--jobs", type=int, default=1, help="noises computed at the same time")
    parser.add_argument("--json", action="store_true", help="print a JSON list of cells instead of a table")


def run(args):
    """Print the table."""
    cells = table(args.noise or PAPER_NOISES, args.samples, args.seed, args.jobs)
    print(json.dumps([asdict(cell) for cell in cells], indent=1) if args.json else format_table(cells))
