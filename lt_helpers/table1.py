"""The paper's Table 1, recomputed: stored models and baselines beside the paper's and the best possible (`python -m lt_helpers table1`).

The paper evaluates on 100,000 sequences with one query each; its standard errors are not printed, so they are computed here for that
way of evaluating, from our model of the same cell.
"""

import csv
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from . import checks, options
from .baselines import on_spectrum
from .evaluate import evaluate
from .noise import PAPER_NOISES
from .pretrained import load_pretrained, stored
from .task import RegressionTask

PAPER = Path(__file__).with_name("paper_table1.csv")
BASELINES = ("ConstRR", "AdaRR", "TunedRR")


@dataclass(frozen=True)
class Cell:
    """One cell of the table: `ours` with its standard error, the `paper`'s with its own (None where it has no such cell), the adjusted
    loss of the Bayes-optimal predictor (`bayes`), and the 99.99th percentile of ours over sequences. layers is None for a baseline."""

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


@cache
def paper_table():
    """The paper's Table 1 -> {(kind, layers, noise key): adjusted loss}; layers is None for ConstRR, AdaRR and TunedRR."""
    with PAPER.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        (row["kind"], int(row["layers"]) if row["layers"] else None, noise): float(row[noise])
        for row in rows
        for noise in row
        if noise not in ("kind", "layers")
    }


def column(noise, samples=200_000, seed=0):
    """All cells of one noise: the baselines and the stored models, on the same `samples` held-out sequences -> list of Cell."""
    models = [entry for entry in stored() if entry["noise"] == noise.key]
    loaded = [load_pretrained(e["kind"], e["layers"], noise, e["heads"], e["variant"]) for e in models]
    predictors = {
        **on_spectrum(noise),
        **{
            index: lambda spectrum, model=model: model.implicit_weight(spectrum.S)
            for index, model in enumerate(loaded)
        },
    }
    results = evaluate(predictors, RegressionTask(10, 20, noise), samples, np.random.default_rng(seed))
    names = {name: (name, None, 1, "") for name in BASELINES}
    names |= {index: (e["kind"], e["layers"], e["heads"], e["variant"]) for index, e in enumerate(models)}
    cells = []
    for key, (kind, layers, heads, variant) in names.items():
        result = results[key]
        paper = paper_table().get((kind, layers, noise.key)) if heads == 1 and not variant else None
        error, best = None if paper is None else result.one_query_error, results["Bayes-optimal"].loss
        cells.append(
            Cell(
                kind,
                layers,
                noise.key,
                result.loss,
                result.standard_error,
                paper,
                error,
                best,
                result.p9999,
                heads,
                variant,
            )
        )
    return cells


def table(noises=PAPER_NOISES, samples=200_000, seed=0, jobs=1):
    """All cells of several noises, `jobs` of them at a time -> list of Cell."""
    compute = partial(column, samples=samples, seed=seed)
    if checks.count(jobs, "jobs") == 1:
        return [cell for noise in noises for cell in compute(noise)]
    with ProcessPoolExecutor(jobs) as pool:
        return [cell for cells in pool.map(compute, noises) for cell in cells]


def deviation(ours, standard_error, paper, paper_error):
    """How far `ours` lies above the paper's entry, in standard errors of the difference. Numbers or arrays.

    The paper prints three decimals, which adds 0.001 / sqrt(12) to its standard error. NaN for entries below 0.001: there a few hard
    sequences make up either mean, and a standard error says little.
    """
    error = np.sqrt(np.square(standard_error) + np.square(paper_error) + 0.001**2 / 12)
    return np.where(np.asarray(paper) < 0.001, np.nan, (np.asarray(ours) - paper) / error)


def written(cells):
    """The table as text: ours, its standard error, and the paper's, with the ratio of ours to the Bayes-optimal predictor's."""
    lines = [
        f"{'noise':18} {'model':22} {'ours':>9} {'(s.e.)':>10} {'paper':>9} {'(s.e.)':>10} {'Bayes':>9} {'/ Bayes':>8} {'p99.99':>9}"
    ]
    for c in cells:
        model = c.kind if c.layers is None else f"{c.kind} {c.layers}"
        model += (f" heads={c.heads}" if c.heads != 1 else "") + (f" {c.variant}" if c.variant else "")
        paper = (
            f"{'':9} {'':10}"
            if c.paper is None
            else f"{c.paper:9.4g} {f'({c.paper_standard_error:.1g})':>10}"
        )
        ratio = f"{c.ours / c.bayes:8.3f}" if c.bayes > 1e-12 else f"{'':8}"
        ours = f"{c.ours:9.4g} {f'({c.standard_error:.1g})':>10}"
        lines.append(f"{c.noise:18} {model:22} {ours} {paper} {c.bayes:9.4g} {ratio} {c.p9999:9.4g}")
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
    print(json.dumps([asdict(cell) for cell in cells], indent=1) if args.json else written(cells))
