"""What a forward pass costs against the context length n, as attention over tokens and from second moments."""

from time import perf_counter

import numpy as np

from lt_helpers import Fixed, LinearTransformer, RegressionTask

LENGTHS = (20, 200, 2_000)
ROUNDS = 7


def forward():
    """Time both forms of a FULL model of 7 layers, d = 10, in turn at each n -> list of rows (n, tokens ms, moments ms, ratio) a sequence.

    The minimum of several rounds, for both run on the same machine: noise only ever adds.
    """
    rng = np.random.default_rng(0)
    model = LinearTransformer.random("full", 10, 7, 1, rng)
    rows = []
    for n in LENGTHS:
        batch = RegressionTask(10, n, Fixed(1.0)).sample(max(1, 4_000 // n), rng)
        best = {"tokens": np.inf, "moments": np.inf}
        for _ in range(ROUNDS):
            for form in best:
                start = perf_counter()
                model(batch.x, batch.y, batch.x_query, form=form)
                best[form] = min(best[form], perf_counter() - start)
        tokens, moments = (1e3 * best[form] / len(batch.x) for form in ("tokens", "moments"))
        rows.append((n, tokens, moments, tokens / moments))
    return rows


def report():
    """The rows as a Markdown table."""
    lines = ["| n | tokens, ms a sequence | moments, ms a sequence | tokens / moments |", "|---|---|---|---|"]
    return "\n".join(
        lines
        + [f"| {n} | {tokens:.3g} | {moments:.3g} | {ratio:.3g} |" for n, tokens, moments, ratio in forward()]
    )
