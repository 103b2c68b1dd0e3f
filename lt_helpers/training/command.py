"""`python -m lt_helpers train`: one model, or the whole stored set."""

import signal
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from .. import checks, options
from ..model import LinearTransformer
from ..pretrained import ModelId
from ..task import PAPER, RegressionTask
from .sweep import Store, alone, cluster, record_of, spread_set, sweep, train_model, whole_set
from .train import train

FILTERS = ("kind", "layers", "noise")
OF_ONE = ("out", "dim", "context", "covariance")
OF_ALL = ("folder", "jobs", "scheduler", "improve")


def add_arguments(parser):
    """The options of the command."""
    parser.add_argument("--kind", choices=("gd++", "diag", "full"), help="train models of this kind")
    parser.add_argument("--layers", type=int, help="train models of this depth")
    parser.add_argument(
        "--noise", type=options.noise, help="train models for this noise: uniform:5, categorical:1,3, fixed:0"
    )
    options.add_sizes(parser)
    parser.add_argument(
        "--all", action="store_true", help="train all models of the stored set that match the options above"
    )
    parser.add_argument(
        "--spread",
        action="store_true",
        help="train those of which several seeds are kept, or those of them that match, each from random weights alone",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="where --all and --spread keep models and records, and resume (models; spread/seed-1 for seed 1)",
    )
    parser.add_argument("--jobs", type=int, help="processes of --all or --spread (1)")
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="let the Dask cluster at this address do the work (two cores or more)",
    )
    parser.add_argument(
        "--improve",
        action="store_true",
        default=None,
        help="train the stored ones again too, from where they stand",
    )
    parser.add_argument("--out", type=Path, help="the file of a single model (model.safetensors)")
    parser.add_argument(
        "--seed",
        type=options.seed,
        default=0,
        help="the same seed, options and versions give the same model (0)",
    )


def run(args):
    """Train what the options ask for -> exit status"""
    torch.set_num_threads(1)
    if args.all and args.spread:
        raise ValueError("--all and --spread name two sets of models: give one of them.")
    whole = args.all or args.spread
    for name in OF_ONE if whole else OF_ALL:
        if getattr(args, name) is not None:
            raise ValueError(f"--{name} goes {'without' if whole else 'with'} --all or --spread.")
    if args.spread and args.improve:
        raise ValueError("--improve goes with --all: models of a spread start from random weights alone.")
    with termination_as_interrupt():
        return train_set(args) if whole else train_one(args)


@contextmanager
def termination_as_interrupt():
    """In this context SIGTERM, by which a cluster or a machine that shuts down ends a process, does what Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():  # only there can signals be handled
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def train_one(args):
    """A single model, into a file. It is there before it is weighed; Ctrl-C ends the search and keeps the best so far."""
    if None in (args.kind, args.layers, args.noise):
        raise ValueError(
            "train needs --kind, --layers and --noise for one model, or --all for the stored set, or --spread."
        )
    out = checks.writable_file(args.out or Path("model.safetensors"), "out")
    checks.writable_file(out.with_name(out.name + ".partial"), "out")  # what it is called while it is written
    task = task_of(args)
    with Bar() as bar:
        if task == RegressionTask(*PAPER, args.noise):
            model = train_for_paper(ModelId(args.kind, args.layers, args.noise), args.seed, out, bar)
        else:
            model = train(task, args.kind, args.layers, seed=args.seed, progress=bar)
    model.save(out)

    record = model.record
    error = f" +- {record['standard_error']:.1g}" if "standard_error" in record else ""
    so_far = " (interrupted: the best so far)" if record["interrupted"] else ""
    print(f"{out}: adjusted loss {record['loss']:.4g}{error} after {record['seconds']:.0f} s{so_far}")
    return 130 if record["interrupted"] else 0


def train_for_paper(which, seed, out, report):
    """A model of the paper's task with its record, as the stored set has it; in the file `out` before it is weighed."""
    model, found = train_model(which, seed, {}, report=report)
    model.save(out)
    record = record_of(which, seed, found) | {"interrupted": found.interrupted}
    return LinearTransformer(model.P, model.Q, PAPER.context, which.noise, record=record)


def task_of(args):
    """The task of a single model, by default the paper's; its d is that of the covariance, if that is given alone."""
    dim = args.dim
    if dim is None:
        dim = PAPER.dim if args.covariance is None else len(args.covariance)
    context = PAPER.context if args.context is None else args.context
    return RegressionTask(dim, context, args.noise, args.covariance)


def train_set(args):
    """The stored set or a seed of the spread, or the part of it that the options choose."""
    chosen = {name: getattr(args, name) for name in FILTERS if getattr(args, name) is not None}
    words = "".join(f" --{name} {as_typed(value)}" for name, value in chosen.items())
    known = spread_set() if args.spread else whole_set()
    wanted = [
        which for which in known if all(getattr(which, name) == value for name, value in chosen.items())
    ]
    if not wanted:
        raise ValueError(f"no model of the {'spread' if args.spread else 'stored set'} has{words}.")
    jobs = 1 if args.jobs is None else checks.count(args.jobs, "jobs")
    options = f"{'--spread' if args.spread else '--all'}{words} --seed {args.seed}"
    command = f"python -m lt_helpers train {options}{' --improve' if args.improve else ''}"

    folder = args.folder or Path(f"spread/seed-{args.seed}" if args.spread else "models")
    with cluster(args.scheduler), alone(folder):
        store = Store(folder)
        todo = [which for which in wanted if args.improve or which not in store]
        with tqdm(total=len(todo), unit="model") as bar:
            try:
                sweep(
                    wanted,
                    store,
                    args.seed,
                    jobs,
                    args.improve,
                    warm=not args.spread,
                    finished=partial(show, bar),
                    command=command,
                )
            except KeyboardInterrupt:
                bar.write(
                    f"interrupted: {bar.n} of {len(todo)} are done and kept in {folder}. The same command goes on from there."
                )
                return 130
    return 0


def as_typed(value):
    """The value of an option, as one types it."""
    return getattr(value, "key", value)


def show(bar, which, record):
    """A line for a model that is done."""
    loss = f"{record['loss']:.4g} +- {record['standard_error']:.1g}"
    bar.write(f"{which.name}: {loss} ({record['start']}, {record['seconds']:.0f} s)")
    bar.update()


class Bar:
    """A progress bar with the capped loss of the step, the best so far, and the time left. It is a callback of `search`."""

    def __enter__(self):
        self.bar = tqdm(unit="step")
        return self

    def __exit__(self, *exception):
        self.bar.close()

    def __call__(self, report):
        self.bar.total = report.total
        said = {"capped loss": f"{report.loss:.4g}", "best": f"{report.best:.4g}", "start": report.start}
        self.bar.set_postfix(said, refresh=False)
        self.bar.update()
