"""`python -m lt_helpers train`: one model, or the whole stored set."""

from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from ..noise import parse_noise
from .sweep import Cell, Store, sweep, train_cell, whole_set


def add_arguments(parser):
    """The options of the command."""
    parser.add_argument("--kind", choices=("gd++", "diag", "full"), help="train models of this kind")
    parser.add_argument("--layers", type=int, help="train models of this depth")
    parser.add_argument("--noise", type=parse_noise, help="train models for this noise: uniform:5, categorical:1,3, fixed:0")
    parser.add_argument("--all", action="store_true", help="train all models of the stored set that match the options above")
    parser.add_argument("--folder", type=Path, default=Path("models"), help="where --all keeps models and records, and resumes (models)")
    parser.add_argument("--jobs", type=int, default=1, help="processes of --all (1)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="let the Dask cluster at this address do the work of --all")
    parser.add_argument("--improve", action="store_true", help="train the stored ones again too, from where they stand")
    parser.add_argument("--out", type=Path, default=Path("model.safetensors"), help="the file of a single model (model.safetensors)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed and versions give the same model (0)")


def run(args):
    """Train what the options ask for."""
    torch.set_num_threads(1)
    if args.all:
        return train_set(args)
    if None in (args.kind, args.layers, args.noise):
        raise ValueError("train needs --kind, --layers and --noise for one model, or --all for the stored set.")
    with Bar() as bar:
        model, record = train_cell(Cell(args.kind, args.layers, args.noise), args.seed, {}, report=bar)
    model.save(args.out)
    print(f"{args.out}: adjusted loss {record['loss']:.4g} +- {record['standard_error']:.1g} after {record['seconds']:.0f} s")
    return 0


def train_set(args):
    """The stored set, or the part of it that the options choose."""
    wanted = {name: getattr(args, name) for name in ("kind", "layers", "noise") if getattr(args, name) is not None}
    cells = [cell for cell in whole_set() if all(getattr(cell, name) == value for name, value in wanted.items())]
    store = Store(args.folder)
    todo = [cell for cell in cells if args.improve or cell not in store]
    with tqdm(total=len(todo), unit="model") as bar:
        sweep(cells, store, args.seed, args.jobs, args.improve, args.scheduler, partial(show, bar))
    return 0


def show(bar, cell, record):
    """A line for a model that is done."""
    bar.write(f"{cell.name}: {record['loss']:.4g} +- {record['standard_error']:.1g} ({record['start']}, {record['seconds']:.0f} s)")
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
        self.bar.set_postfix(loss=f"{report.loss:.4g}", best=f"{report.best:.4g}", start=report.start, refresh=False)
        self.bar.update()
