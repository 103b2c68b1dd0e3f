"""What training costs: a step against the token form of public code and against torch, the time to the paper's losses, an evaluation.

All on one core.
"""

from functools import partial
from time import perf_counter

import numpy as np
import torch

from lt_helpers import Fixed, RegressionTask, Uniform
from lt_helpers.table1 import paper_table
from lt_helpers.training.adam import Adam
from lt_helpers.training.gauss_newton import GaussNewton
from lt_helpers.training.live import BATCH, NEVER
from lt_helpers.training.parameters import family
from lt_helpers.training.plans import AdamSettings
from lt_helpers.training.search import search, weighed

LENGTHS = (20, 200, 2_000)
TARGETS = (("diag", 4), ("diag", 7), ("full", 7))
SECONDS = 2.0  # for which a step is repeated at least


def masked(scores, values):
    """(B, n+1, n+1), (B, n+1, D) -> (B, n+1, D). As public code keeps the query from being read: by a product with a mask."""
    mask = torch.eye(scores.shape[-1])
    mask[-1, -1] = 0
    return scores @ mask @ values


def sliced(scores, values):
    """The same without the mask: the query is left out."""
    return scores[..., :-1] @ values[:, :-1]


def token_step(attend, P, Q, optimiser, task, batch, rng):
    """One Adam step on tokens: linear attention over the n + 1 tokens of each sequence, one query, the squared error."""
    drawn = task.sample(batch, rng)
    n = task.context
    context = np.concatenate([drawn.x, drawn.y[..., None]], axis=-1)
    query = np.concatenate([drawn.x_query, np.zeros((batch, 1))], axis=-1)[:, None]
    tokens = torch.from_numpy(np.concatenate([context, query], axis=1)).float()  # (B, n+1, D)
    for P_l, Q_l in zip(P, Q):
        scores = (tokens @ Q_l.T) @ tokens.mT  # (B, n+1, n+1)
        tokens = tokens + attend(scores, tokens @ P_l.T) / n
    loss = ((tokens[:, n, -1] + torch.from_numpy(drawn.y_query).float()) ** 2).mean() / 2
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def fastest(function, batch):
    """Milliseconds a sequence, the least of several rounds: other work on the machine only ever adds."""
    times = []
    while sum(times) < SECONDS:
        begin = perf_counter()
        function()
        times.append(perf_counter() - begin)
    return 1e3 * min(times) / batch


def steps(layers=7, batch=2_048):
    """A training step of FULL, for each n -> rows (n, Adam on tokens with a mask, without, on moments, Gauss-Newton), ms a sequence."""
    rng, rows = np.random.default_rng(0), []
    parameters = family("full", layers, 10)
    theta = torch.from_numpy(parameters.start(rng, Fixed(1.0)))
    P, Q = (0.03 * torch.randn(layers, 11, 11, generator=torch.Generator().manual_seed(0)) for _ in range(2))
    for matrix in (P, Q):
        matrix.requires_grad_()
    optimiser = torch.optim.Adam([P, Q], lr=1e-4)
    for n in LENGTHS:
        task = RegressionTask(10, n, Fixed(1.0))
        few = 10_000 // n  # a batch that fits
        tokens = [partial(token_step, attend, P, Q, optimiser, task, few, rng) for attend in (masked, sliced)]
        ours = (
            Adam(parameters, theta, task, rng, AdamSettings(batch=batch, check=NEVER)),
            GaussNewton(parameters, theta, task, rng),
        )
        rows.append(
            (n, *(fastest(step, few) for step in tokens), *(fastest(run.step, batch) for run in ours))
        )
    return rows


def live_steps(layers=3):
    """Steps a second of what the training lab trains, undrawn -> rows (kind, in NumPy, in torch)."""
    rows = []
    for kind, heads in (("diag", 2), ("full", 1), ("gd++", 1)):
        parameters, task = family(kind, layers, 10, heads), RegressionTask(10, 20, Uniform(1))
        theta = parameters.start(np.random.default_rng(0), task.noise)
        settings = AdamSettings(batch=BATCH, check=NEVER, held_out=1, single=False)
        runs = [
            Adam(parameters, start, task, np.random.default_rng(0), settings)
            for start in (theta, torch.from_numpy(theta))
        ]
        rows.append((kind, *(1e3 / fastest(run.step, 1) for run in runs)))
    return rows


def times_to_paper():
    """The search for three models on U(0, 5), ended where held-out sequences show the paper's loss -> rows of text."""
    rows = []
    for kind, layers in TARGETS:
        paper = paper_table()[kind, layers, "uniform-5"]

        def stop_there(report, paper=paper):
            if report.best <= paper:
                raise KeyboardInterrupt

        found = search(family(kind, layers, 10), RegressionTask(10, 20, Uniform(5)), 0, report=stop_there)
        after = (
            f"{found.seconds:.0f}"
            if found.interrupted
            else f"not reached: {found.loss:.4f} at the end, after {found.seconds:.0f}"
        )
        rows.append((f"{kind.upper()}, {layers} layers", f"{paper}", after))
    return rows


def evaluation(samples=100_000):
    """Seconds for the adjusted loss of a FULL model of 7 layers on `samples` sequences."""
    parameters, rng = family("full", 7, 10), np.random.default_rng(0)
    theta = parameters.start(rng, Uniform(5))
    begin = perf_counter()
    weighed(parameters, theta, RegressionTask(10, 20, Uniform(5)), samples, rng)
    return perf_counter() - begin


def report():
    """The measurements as Markdown tables."""
    torch.set_num_threads(1)
    lines = [
        "FULL, 7 layers, ms a sequence and step, one core. On tokens there is one query, hidden by a mask, as in public code, or left"
    ]
    lines += ["out. On moments all queries count. Ratios are over Adam on moments.", ""]
    lines += [
        "| n | Adam on tokens, mask | Adam on tokens | Adam on moments | mask, ratio | tokens, ratio | Gauss-Newton on moments |"
    ]
    lines += ["|---|---|---|---|---|---|---|"]
    lines += [
        f"| {n} | {a:.3g} | {b:.3g} | {c:.3g} | {a / c:.3g} | {b / c:.3g} | {d:.3g} |"
        for n, a, b, c, d in steps()
    ]
    lines += ["", f"The training lab's steps, three layers, {BATCH} sequences, undrawn:", ""]
    lines += ["| | steps a second, NumPy | torch | ratio |", "|---|---|---|---|"]
    lines += [
        f"| {kind.upper()} | {ours:.0f} | {theirs:.0f} | {ours / theirs:.2f} |"
        for kind, ours, theirs in live_steps()
    ]
    lines += ["", "| U(0, 5) | the paper's loss | reached after, s of one core |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in times_to_paper()]
    return "\n".join(
        [*lines, "", f"Adjusted loss of FULL, 7 layers, on 100,000 sequences: {evaluation():.1f} s"]
    )
