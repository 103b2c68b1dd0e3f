"""python -m lt_helpers COMMAND: what the package does from a terminal.

A command is a module with `add_arguments(parser)` and `run(args)`, which returns the exit status (or None). It is imported only when
it is called.
"""

import argparse
import os
import sys
from importlib import import_module

from . import quiet

COMMANDS = {
    "doctor": (
        "lt_helpers.doctor",
        "check that what the labs need is here, and say what to do where it is not",
    ),
    "evaluate": ("lt_helpers.evaluate", "the adjusted loss of a model file"),
    "table1": ("lt_helpers.table1", "recompute the paper's Table 1 from the stored models and the baselines"),
    "train": ("lt_helpers.training.command", "train one model, or the whole stored set"),
    "tune": ("lt_helpers.tune", "tune the two constants of TunedRR, measure the baselines, and store both"),
}
READ_NO_FURTHER = 141  # as the shell has it for a process that a closed pipe has ended


def main(arguments):
    """Run the command that `arguments`, a list of strings, names.

    Parameters
    ----------
    arguments : list of str

    Returns
    -------
    int or None.  The exit status: 0 or None if all went well, 2 for what cannot be done, 130 for Ctrl-C, 141 where nobody reads on.
    """
    try:
        try:
            return run(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has enough, as `head` has. Python flushes once more at its end: into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READ_NO_FURTHER


def run(arguments):
    """Run a command, its errors in one sentence -> exit status"""
    parser = argparse.ArgumentParser(
        prog="python -m lt_helpers", description="Linear transformers as in-context learners."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name in arguments[:1]:
            chosen = load(module, name, command)
    args = parser.parse_args(arguments)
    quiet.listen()
    try:
        return chosen.run(args)
    except BrokenPipeError:
        raise
    except (ValueError, TypeError, OSError) as error:
        print(f"{parser.prog} {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{parser.prog} {args.command}: interrupted.", file=sys.stderr)
        return 130


def load(module, name, parser):
    """The module of a command, its arguments added to `parser`."""
    try:
        command = import_module(module)
    except ModuleNotFoundError as error:
        if error.name.startswith("lt_helpers"):
            raise
        extra = "train" if name == "train" else "labs"
        raise SystemExit(
            f"{name} needs {error.name}, which is not installed: pip install 'lt_helpers[{extra}]'"
        ) from error
    command.add_arguments(parser)
    return command


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
