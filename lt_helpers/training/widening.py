"""More heads, from a model with one: a long run of Adam alone.

The second head begins with noise and does next to nothing. Gauss-Newton is of little help: it takes many large batches to learn the
curvature of thousands of parameters, and stays near where it starts. Adam on small batches, at a rate that falls to nothing, goes further
in a fraction of the time.
"""

from time import process_time

import numpy as np
import torch

from .. import checks
from .adam import Adam, anneal
from .objective import draw, held_out_loss
from .plans import AdamSettings
from .run import check_task
from .search import Found, Report, check_seed, check_starts, compared

CHOICE = 100_000  # sequences that choose between what was found and the starts


def solve(family, task, seed, warm, report=None):
    """Train from warm starts, side by side.

    Parameters
    ----------
    family, task, seed, warm, report : as in `search`; at least one warm start.

    Returns
    -------
    Found, as `search` does.
    """
    check_task(family, task)
    check_seed(seed)
    if not warm:
        raise ValueError(f"warm is {checks.shown(warm)}: more heads need at least one start.")
    return Widening(family, task, seed, check_starts(warm, family), report).run()


class Widening:
    """A run of Adam under way; parameters as in `solve`, all given.

    Attributes
    ----------
    adam : Adam.  The warm starts, side by side.
    """

    def __init__(self, family, task, seed, warm, report):
        self.family, self.task, self.warm, self.report = family, task, warm, report
        self.began = process_time()
        self.rng = np.random.default_rng(seed)
        self.stage = family.widening()
        starts = torch.stack(list(warm.values()))  # (R, L, K)
        self.adam = Adam(family, starts, task, self.rng, AdamSettings(check=250))

    def run(self):
        """The best that Adam finds; it and the warm starts are weighed on many sequences -> Found"""
        interrupted = False
        try:
            anneal(self.adam, self.stage, self.tell)
        except KeyboardInterrupt:
            interrupted = True

        candidates = {f"{name}, as it came": theta for name, theta in self.warm.items()}
        candidates["with another head"] = self.adam.best[self.adam.best_loss.argmin()]
        held_out = draw(self.task, CHOICE, self.rng).of(torch.from_numpy)
        losses = compared(self.family, candidates, held_out, held_out_loss)
        name = min(losses, key=losses.get)
        return Found(
            candidates[name].numpy().copy(),
            losses[name],
            name,
            self.adam.steps,
            self.adam.skipped,
            process_time() - self.began,
            interrupted,
        )

    def tell(self, step):
        """Report a step."""
        if self.report:
            self.report(Report("with another head", step.number, self.stage.steps, step.loss, step.best))
