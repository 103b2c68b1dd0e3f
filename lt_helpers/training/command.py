"""`python -m lt_helpers train`: one model, or the whole stored set."""

import os
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from .. import options
from .sweep import Recipe, Store, alone, record_of, sweep, train_recipe, whole_set

FILTERS = ("kind", "layers", "noise")
OF_ALL = ("folder", "jobs", "scheduler", "improve")


def add_arguments(parser):
    """The options of the command."""
    parser.add_argument("--kind", choices=("gd++", "diag", "full"), help="train models of this kind")
    parser.add_argument("--layers", type=int, help="train models of this depth")
    parser.add_argument(
        "--noise", type=options.noise, help="train models for this noise: uniform:5, categorical:1,3, fixed:0"
    )
    parser.add_argument(
        "--all", action="store_true", help="train all models of the stored set that match the options above"
    )
    parser.add_argument(
        "--folder", type=Path, help="where --all keeps models and records, and resumes (models)"
    )
    parser.add_argument("--jobs", type=int, help="processes of --all (1)")
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
    """Train what the options ask for."""
    torch.set_num_threads(1)
    for name in ("out",) if args.all else OF_ALL:
        if getattr(args, name) is not None:
            raise ValueError(f"--{name} goes {'without' if args.all else 'with'} --all.")
    return train_set(args) if args.all else train_one(args)


def train_one(args):
    """A single model, into a file. It is there before it is weighed; Ctrl-C ends the search and keeps the best so far."""
    if None in (args.kind, args.layers, args.noise):
        raise ValueError(
            "train needs --kind, --layers and --noise for one model, or --all for the stored set."
        )
    out = args.out or Path("model.safetensors")
    if not os.access(out.parent, os.W_OK) or out.is_dir():
        raise ValueError(f"out is {out}: no file can be written there.")
    recipe = Recipe(args.kind, args.layers, args.noise)
    with Bar() as bar:
        model, found = train_recipe(recipe, args.seed, {}, report=bar)
    model.save(out)
    record = record_of(recipe, args.seed, found)
    so_far = " (interrupted: the best so far)" if found.interrupted else ""
    print(
        f"{out}: adjusted loss {record['loss']:.4g} +- {record['standard_error']:.1g} after {record['seconds']:.0f} s{so_far}"
    )
    return 130 if found.interrupted else 0


def train_set(args):
    """The stored set, or the part of it that the options choose."""
    wanted = {name: getattr(args, name) for name in FILTERS if getattr(args, name) is not None}
    recipes = [
        recipe
        for recipe in whole_set()
        if all(getattr(recipe, name) == value for name, value in wanted.items())
    ]
    if not recipes:
        raise ValueError(
            f"no model of the stored set has {', '.join(f'--{name} {written(value)}' for name, value in wanted.items())}."
        )
    chosen = "".join(f" --{name} {written(value)}" for name, value in wanted.items())
    command = (
        f"python -m lt_helpers train --all{chosen} --seed {args.seed}{' --improve' if args.improve else ''}"
    )
    folder = args.folder or Path("models")
    with alone(folder):
        store = Store(folder)
        todo = [recipe for recipe in recipes if args.improve or recipe not in store]
        with tqdm(total=len(todo), unit="model") as bar:
            try:
                jobs = 1 if args.jobs is None else args.jobs
                sweep(
                    recipes,
                    store,
                    args.seed,
                    jobs,
                    args.improve,
                    args.scheduler,
                    partial(show, bar),
                    command=command,
                )
            except KeyboardInterrupt:
                bar.write(
                    f"interrupted: {bar.n} of {len(todo)} are done and kept in {folder}. The same command goes on from there."
                )
                return 130
    return 0


def written(value):
    """The value of an option, as one types it."""
    return getattr(value, "key", value)


def show(bar, recipe, record):
    """A line for a model that is done."""
    bar.write(
        f"{recipe.name}: {record['loss']:.4g} +- {record['standard_error']:.1g} ({record['start']}, {record['seconds']:.0f} s)"
    )
    bar.update()


class Bar:
    """A progress bar with the loss of the step, the best so far, and the time left. It is a callback of `search`."""

    def __enter__(self):
        self.bar = tqdm(unit="step")
        return self

    def __exit__(self, *exception):
        self.bar.close()

    def __call__(self, report):
        self.bar.total = report.total
        self.bar.set_postfix(
            loss=f"{report.loss:.4g}", best=f"{report.best:.4g}", start=report.start, refresh=False
        )
        self.bar.update()
