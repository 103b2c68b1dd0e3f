"""Softmax transformers, trained in PyTorch with Adam: `python -m lt_helpers.training.softmax` makes the stored ones (notebook 14).

What is made small is what all training here makes small, the excess risk over ridge regression that is told sigma. Each context is asked
several queries at once, and each answer is compared with the oracle's.

The learning rate rises for WARM_UP steps, stays, and falls to nothing over the last FALL of the steps. A training that is broken off early
says nothing of a shorter one, whose rate would have fallen. So branches leave the trunk on the way, whose rate falls to nothing there and
then: they are what a quarter and half of the steps would have given, and stand in the record. That is how one sees how far from done a
training is. Whoever calls it with twice the steps goes on from the same trunk.
"""

import argparse
import json
import platform
import sys
import time
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from torch.nn.functional import layer_norm, relu

from .. import options, weights
from ..noise import Categorical, Uniform
from ..softmax import ATTENTION, LEAST_VARIANCE, MLP, SoftmaxId, SoftmaxTransformer, softmax_records
from ..spectrum import Spectrum
from ..task import PAPER, RegressionTask

WARM_UP = 200  # steps
FALL = 0.2  # share of the steps
PARTS = (0.25, 0.5, 1.0)  # shares of the steps at which a branch ends
MODELS, RECORDS = "models.safetensors", "records.json"
SAMPLES = 4_000  # held-out contexts for a record
WATCHED = 1_000  # held-out contexts along the way


@dataclass(frozen=True)
class Plan:
    """How a softmax transformer is trained.

    Parameters
    ----------
    steps : int.  Of Adam.
    batch : int.  Contexts a step.
    queries : int.  Of each context.
    learning_rate : float.  Its highest value.
    width, heads, hidden : int.  Of the model.
    watch : int.  Every so many steps the loss on held-out sequences is noted, and a checkpoint written.
    clip : float.  Longest gradient.
    """

    steps: int = 32_000
    batch: int = 32
    queries: int = 16
    learning_rate: float = 2e-3
    width: int = 64
    heads: int = 4
    hidden: int = 128
    watch: int = 500
    clip: float = 1.0


def random_weights(which, plan, rng, dim=PAPER.dim):
    """Weights to start from -> dict of names and float32 arrays"""
    w, m, L = plan.width, plan.hidden, which.layers

    def normal(*shape, reads=w, scale=1.0):
        return rng.normal(scale=scale / np.sqrt(reads), size=shape)

    quiet = 1 / np.sqrt(2 * L)  # what many layers add up to stays of size 1
    start = {"embed": normal(w, dim + 1, reads=dim + 1), "readout": normal(w)}
    start |= {name: normal(L, w, w, scale=quiet if name == "O" else 1.0) for name in ATTENTION}
    if which.mlp:
        start |= {name: np.ones((L, w)) for name in ("gain_1", "gain_2")}
        start |= {name: np.zeros((L, w)) for name in ("shift_1", "shift_2", "down_bias")}
        start |= {"up": normal(L, m, w, scale=np.sqrt(2)), "up_bias": np.zeros((L, m))}
        start |= {"down": normal(L, w, m, reads=m, scale=quiet)}
        start |= {"gain": np.ones(w), "shift": np.zeros(w)}
    return {name: array.astype(np.float32) for name, array in start.items()}


def forward(W, heads, x, y, queries):
    """The answers of a model, as `SoftmaxTransformer.answers` has them, in torch.

    Parameters
    ----------
    W : dict of tensors.
    heads : int.
    x, y, queries : (B, n, d), (B, n), (B, q, d) tensors.

    Returns
    -------
    y_hat : (B, q) tensor.
    """
    n = x.shape[1]
    mlp, (layers, w, _) = "up" in W, W["Q"].shape
    asked = torch.nn.functional.pad(queries, (0, 1))  # (B, q, D)
    tokens = torch.cat([torch.cat([x, y[..., None]], -1), asked], 1)  # (B, n+q, D)
    streams = tokens @ W["embed"].T  # (B, n+q, w)

    def normalised(streams, gain, shift):
        return layer_norm(streams, (w,), gain, shift, LEAST_VARIANCE) if mlp else streams

    for number in range(layers):
        at = {name: W[name][number] for name in ATTENTION + (MLP if mlp else ())}
        seen = normalised(streams, at.get("gain_1"), at.get("shift_1"))
        examples = seen[:, :n]
        if number == layers - 1:  # nobody reads the examples any more
            streams, seen = streams[:, n:], seen[:, n:]
        q, k, v = (
            (tokens @ at[name].T).unflatten(-1, (heads, -1)).transpose(1, 2)  # (B, H, m, w/H)
            for name, tokens in (("Q", seen), ("K", examples), ("V", examples))
        )
        shares = torch.softmax(q @ k.mT / (w // heads) ** 0.5, -1)  # (B, H, m, n)
        got = (shares @ v).transpose(1, 2).flatten(2)  # (B, m, w)
        streams = streams + got @ at["O"].T
        if mlp:
            seen = normalised(streams, at["gain_2"], at["shift_2"])
            hidden = relu(seen @ at["up"].T + at["up_bias"])  # (B, m, hidden)
            streams = streams + hidden @ at["down"].T + at["down_bias"]
    return normalised(streams, W.get("gain"), W.get("shift")) @ W["readout"]


def draw(task, batch, queries, rng):
    """Contexts, queries and the oracle's answers -> float32 tensors x (B, n, d), y (B, n), queries (B, q, d), wanted (B, q)"""
    drawn = task.sample(batch, rng)
    asked = task.sample_inputs((batch, queries), rng)  # (B, q, d)
    oracle = Spectrum.from_tokens(drawn.x, drawn.y).ridge(drawn.sigma)  # (B, d)
    wanted = (asked @ oracle[..., None])[..., 0]  # (B, q)
    return [torch.from_numpy(array.astype(np.float32)) for array in (drawn.x, drawn.y, asked, wanted)]


def rate(step, plan, end):
    """The learning rate of a step: up, level, and down to nothing over the last part of the way to `end`."""
    rising = min(1.0, (step + 1) / WARM_UP)
    falling = min(1.0, (end - step) / (FALL * end))
    return plan.learning_rate * min(rising, falling)


class Training:
    """A training that can be stopped after any step, written down, and gone on with.

    Parameters
    ----------
    which : SoftmaxId
    plan : Plan
    seed : int.  The same arguments and versions give the same model.
    start : dict of arrays, optional.  Weights to start from; random ones by default.

    Attributes
    ----------
    steps : int.  How many are done.
    curve : list of [steps, loss].  On held-out sequences, along the way.
    seconds : float.  How long it took.
    """

    def __init__(self, which, plan, seed=0, start=None):
        self.which, self.plan, self.seed = which, plan, seed
        self.task = RegressionTask(*PAPER, which.noise)
        self.rng = np.random.default_rng([seed, crc32(which.name.encode())])
        start = start or random_weights(which, plan, self.rng)
        self.W = {name: torch.tensor(start[name], requires_grad=True) for name in sorted(start)}
        self.adam = torch.optim.Adam(self.W.values(), lr=plan.learning_rate, betas=(0.9, 0.98))
        self.steps, self.curve, self.seconds = 0, [], 0.0

    def step(self, learning_rate):
        """One step of Adam, on contexts that no other step has seen."""
        plan = self.plan
        *given, wanted = draw(self.task, plan.batch, plan.queries, self.rng)
        loss = ((forward(self.W, plan.heads, *given) - wanted) ** 2).mean() / 2
        self.adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.W.values(), plan.clip)
        for group in self.adam.param_groups:
            group["lr"] = learning_rate
        self.adam.step()
        self.steps += 1

    def run(self, stop, end, report=None):
        """Train until `stop` steps are done, at the rates of a training that ends at `end`.

        Parameters
        ----------
        stop, end : int
        report : function of this training, called each time that the loss has been noted.
        """
        began = time.monotonic() - self.seconds
        while self.steps < stop:
            self.step(rate(self.steps, self.plan, end))
            if self.steps % self.plan.watch == 0 or self.steps == stop:
                self.curve.append([self.steps, self.watch()])
                self.seconds = time.monotonic() - began
                if report:
                    report(self)

    def watch(self):
        """The loss on held-out sequences, always the same ones."""
        with torch.no_grad():
            *given, wanted = draw(
                self.task, WATCHED, self.plan.queries, np.random.default_rng([self.seed, 1])
            )
            return round(float(((forward(self.W, self.plan.heads, *given) - wanted) ** 2).mean() / 2), 5)

    def arrays(self):
        """The weights -> dict of names and float32 arrays"""
        return {name: tensor.detach().numpy().copy() for name, tensor in self.W.items()}

    def model(self, record=None):
        """The model as it is now -> SoftmaxTransformer"""
        return SoftmaxTransformer(self.arrays(), self.plan.heads, PAPER.context, self.which.noise, record)

    def save(self, path):
        """Write all that it takes to go on to a file, whole or not at all."""
        tensors = {f"weight/{name}": array for name, array in self.arrays().items()}
        for name, tensor in self.W.items():
            state = self.adam.state[tensor]
            tensors |= {
                f"adam/{name}/{part}": state[part].numpy() for part in ("step", "exp_avg", "exp_avg_sq")
            }
        known = {
            "steps": self.steps,
            "curve": self.curve,
            "seconds": self.seconds,
            "rng": self.rng.bit_generator.state,
        }
        weights.write(path, tensors, {"training": json.dumps(known)})

    def load(self, path):
        """Go on from what `save` wrote."""
        tensors, metadata = weights.read(path)
        known = json.loads(metadata["training"])
        self.steps, self.curve, self.seconds = known["steps"], known["curve"], known["seconds"]
        self.rng.bit_generator.state = known["rng"]
        with torch.no_grad():
            for name, tensor in self.W.items():
                tensor.copy_(torch.from_numpy(tensors[f"weight/{name}"]))
                parts = ("step", "exp_avg", "exp_avg_sq")
                self.adam.state[tensor] = {
                    part: torch.from_numpy(tensors[f"adam/{name}/{part}"]) for part in parts
                }
        return self


def train_one(which, plan, folder, seed=0, start=None, report=None):
    """Train one model in parts, and hand out what each part gave: a quarter and half of the steps, as branches, and all of them.

    Parameters
    ----------
    which : SoftmaxId
    plan : Plan
    folder : Path.  Where checkpoints are kept: a training that was ended goes on from there.
    seed, start, report : as in `Training`.

    Yields
    ------
    training : Training.  The part, done.
    halves : list of [steps, loss, standard error]: of the parts so far.
    """
    place = Path(folder) / which.name.replace("/", "-")
    place.mkdir(parents=True, exist_ok=True)
    trunk = Training(which, plan, seed, start)
    if (place / "trunk").is_file():
        trunk.load(place / "trunk")
    halves = []
    for share in PARTS:
        steps = round(share * plan.steps)
        fork = round((1 - FALL) * steps)  # from here on the rate falls
        forked, kept = place / f"fork-{steps}", place / f"branch-{steps}"
        if trunk.steps <= fork:
            trunk.run(fork, steps, saving(place / "trunk", report))
            trunk.save(forked)
        if not forked.is_file():
            raise ValueError(
                f"steps is {plan.steps}: in {place} is a training of other steps. Double those, or remove it."
            )
        branch = Training(which, plan, seed, start)
        branch.load(kept if kept.is_file() else forked)
        branch.run(steps, steps, saving(kept, report))
        halves.append([branch.steps, *weigh(branch)])
        yield branch, list(halves)


def saving(path, report):
    """A callback that writes a checkpoint, and then calls another."""

    def save(training):
        training.save(path)
        if report:
            report(training)

    return save


def weigh(training):
    """How good a model is on contexts that no training has seen -> loss, standard error"""
    *given, wanted = draw(
        training.task, SAMPLES, training.plan.queries, np.random.default_rng([training.seed, 2])
    )
    with torch.no_grad():
        misses = forward(training.W, training.plan.heads, *given) - wanted  # (SAMPLES, q)
    losses = (misses**2).mean(1).double().numpy() / 2  # (SAMPLES,)
    return float(losses.mean()), float(losses.std(ddof=1) / np.sqrt(SAMPLES))


def record_of(training, halves, start):
    """How a model was made and how good it is -> dict, as it stands in records.json"""
    which = training.which
    _, loss, error = halves[-1]
    return {
        "mlp": which.mlp,
        "layers": which.layers,
        "noise": which.noise.key,
        "context": PAPER.context,
        "loss": loss,
        "standard_error": error,
        "samples": SAMPLES,
        "halves": halves,
        "curve": training.curve,
        "start": start,
        **asdict(training.plan),
        "steps": training.steps,
        "seconds": round(training.seconds),
        "seed": training.seed,
        "command": "python -m lt_helpers.training.softmax",
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("numpy", "torch")},
    }


def whole_set():
    """The stored softmax transformers, in the order of their training -> list of SoftmaxId"""
    kinds = [(False, 2), (True, 2), (True, 4), (False, 4)]
    return [SoftmaxId(*kind, noise) for noise in (Uniform(5.0), Categorical((1.0, 3.0))) for kind in kinds]


def store(folder, which, tensors, record):
    """Add a model and its record to the files of a folder, each written whole."""
    folder = Path(folder)
    models, records = {}, []
    if (folder / RECORDS).is_file():
        models, _ = weights.read(folder / MODELS)
        records = [one for one in softmax_records(folder) if SoftmaxId.from_record(one) != which]
    models |= {f"{which.name}/{name}": array for name, array in tensors.items()}
    weights.write(folder / MODELS, models)
    with weights.replacing(folder / RECORDS) as partial:
        lines = ",\n ".join(json.dumps(one) for one in [*records, record])
        partial.write_text(f"[{lines}]\n", encoding="utf-8")


def train_set(folder, plan, seed=0):
    """Train all that the folder lacks. Each part that is done is stored, with a record that says how many steps it took.

    Those on {1, 3} start from those on U(0, 5), and take half of the steps. Called with twice the steps, it goes on from where it was.

    Parameters
    ----------
    folder : str or Path.  For models and records, and, in checkpoints/, for what is under way.
    plan : Plan
    seed : int
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for which in whole_set():
        own, start, origin = plan, None, "random weights"
        if isinstance(which.noise, Categorical):
            source = replace(which, noise=Uniform(5.0))
            own = replace(plan, steps=plan.steps // 2)
            start = stored_weights(folder, source)
            origin = f"{source.name} after {steps_stored(folder, source):,} steps"
        if steps_stored(folder, which):  # what goes on began where it began
            origin = stored_record(folder, which)["start"]
        if steps_stored(folder, which) >= own.steps:
            continue
        for training, halves in train_one(which, own, folder / "checkpoints", seed, start, Line()):
            record = record_of(training, halves, origin)
            if training.steps > steps_stored(folder, which):
                store(folder, which, training.arrays(), record)
            print(
                f"\r{which.name}: {training.steps:,} steps, excess {record['loss']:.4f} +- {record['standard_error']:.4f}"
            )


def stored_weights(folder, which):
    """The weights of a model in a folder -> dict of names and arrays"""
    models, _ = weights.read(Path(folder) / MODELS)
    own = {name: array for name, array in models.items() if name.startswith(which.name + "/")}
    return {name.removeprefix(which.name + "/"): array for name, array in own.items()}


def stored_record(folder, which):
    """The record of a model in a folder -> dict, empty where there is none."""
    known = softmax_records(folder) if (Path(folder) / RECORDS).is_file() else []
    return next((record for record in known if SoftmaxId.from_record(record) == which), {})


def steps_stored(folder, which):
    """How many steps the stored model of a folder has taken, 0 where there is none."""
    return stored_record(folder, which).get("steps", 0)


class Line:
    """A line that tells how far a training is."""

    def __call__(self, training):
        steps, loss = training.curve[-1]
        pace = 1000 * training.seconds / steps
        print(
            f"\r{training.which.name}: {steps:,} steps, {loss:.4f}, {pace:.1f} ms a step ", end="", flush=True
        )


def main(arguments=None):
    """Train the stored set; the same command goes on where it was ended."""
    parser = argparse.ArgumentParser(prog="python -m lt_helpers.training.softmax", description=main.__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path("softmax"), help="for models, records and checkpoints"
    )
    parser.add_argument(
        "--steps", type=int, default=Plan.steps, help=f"of each model on U(0, 5) ({Plan.steps:,})"
    )
    parser.add_argument("--seed", type=options.seed, default=0)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        train_set(given.folder, replace(Plan(), steps=given.steps), given.seed)
    except KeyboardInterrupt:
        print("\ninterrupted: the same command goes on from the last checkpoint.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
