"""Plant bugs and see whether a test finds them: `make mutants`; ARGS="--minutes 2 --only labs/noise --keep".

Cosmic Ray changes one operator, one comparison or one number of the code. A sample of them, drawn by lot with the seed, is tried for
as many minutes as are given, on two processes, each in a copy of the project. A mutant is found when a test fails, or takes more time of
the processor than all of them together should. Before that the tests run once on the project as it is: where they fail, every mutant would
count as found. Texts are never changed, and no browser is started. With --keep the score and the list of
what survived go to benchmarks/results/mutants.md.

A number that only says where something stands on the page, and how large it is (LAYOUT), is tried by nobody but a reader's eye: such
mutants are counted in a row of their own.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from time import monotonic

import numpy as np
from cosmic_ray.ast import get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from project_files import project_files

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lt_helpers"
RESULTS = ROOT / "benchmarks" / "results" / "mutants.md"
GROUPS = {
    "labs": sorted((PACKAGE / "labs").glob("*.py")),
    "view": [PACKAGE / "view" / f"{name}.py" for name in ("panel", "render", "ends")],
    "core": [
        PACKAGE / f"{name}.py"
        for name in ("noise", "task", "spectrum", "model", "algorithm", "implicit", "baselines", "evaluate")
    ],
    "training": sorted((PACKAGE / "training").glob("*.py")),
}
TESTS = {
    "labs": ["tests/labs"],
    "view": ["tests/labs/test_render.py", "tests/labs"],
    "core": ["tests/unit"],
    "training": ["tests/training"],
}
# The tests of a module that has no file of its own among them: the quick ones, before all the others are run.
NEAR = {
    "labs/controls": ["tests/labs/test_base.py", "tests/labs/test_all_labs.py"],
    "labs/marks": ["tests/labs/test_noise.py", "tests/labs/test_rescaling.py", "tests/labs/test_implicit.py"],
    "labs/material": [
        "tests/labs/test_noise.py",
        "tests/labs/test_algorithm.py",
        "tests/labs/test_profile.py",
    ],
    "labs/live": ["tests/labs/test_live.py"],
    "labs/story": ["tests/labs/test_beats.py"],
    "labs/handles": ["tests/labs/test_beats.py", "tests/labs/test_points.py", "tests/labs/test_gradient.py"],
    "labs/definition": ["tests/labs/test_beats.py", "tests/labs/test_base.py"],
    "labs/running_example": ["tests/labs/test_rescaling.py"],
    "core/evaluate": ["tests/unit/test_risk.py"],
    "core/gauge": ["tests/unit/test_lowrank.py"],
    "core/tune": ["tests/unit/test_baselines.py"],
    "training/live": ["tests/labs/test_training.py"],
    "training/run": ["tests/training/test_adam.py", "tests/training/test_gauss_newton.py"],
    "training/sweep": ["tests/training/test_recipes.py"],
}
ROOMS = {"labs": "tests/labs", "view": "tests/labs", "core": "tests/unit", "training": "tests/training"}
QUICK = {
    "labs": ["tests/labs/test_base.py"],
    "view": ["tests/labs/test_render.py"],
    "core": ["tests/unit/test_baselines.py"],
    "training": [f"tests/training/test_{name}.py" for name in ("gradient", "objective", "adam")],
}
LAYOUT = re.compile(
    r"\b(?:ROW|COLUMNS|LIFT|THIN|GAP|WIDE|NARROW|FITTING)\b|\b(?:margin|font|standoff|ticklen|thickness|width)="
)
ARITHMETIC = {"Add", "Sub", "Mul", "Div", "Pow"}
ORDER = {"Eq", "NotEq", "Lt", "LtE", "Gt", "GtE"}
OTHERS = {
    "core/NumberReplacer",
    "core/AddNot",
    "core/ReplaceAndWithOr",
    "core/ReplaceOrWithAnd",
    "core/ReplaceTrueWithFalse",
    "core/ReplaceFalseWithTrue",
    "core/ReplaceUnaryOperator_Delete_USub",
    "core/ReplaceUnaryOperator_Delete_Not",
    "core/ReplaceBreakWithContinue",
    "core/ZeroIterationForLoop",
}
WHAT_SURVIVES = """\
What survived is listed below, line by line."""
SLOWEST = 300  # seconds of a processor that the tests of one mutant may take: all of them together take a third of it


def bugs():
    """The operators of Cosmic Ray that make a bug that one could have written -> list of names"""
    chosen = []
    for name in operator_names():
        kind, _, pair = name.partition("Operator_")
        before, _, after = pair.partition("_")
        arithmetic = kind.endswith("Binary") and {before, after} <= ARITHMETIC
        order = kind.endswith("Comparison") and {before, after} <= ORDER
        if arithmetic or order or name in OTHERS:
            chosen.append(name)
    return chosen


def mutants(only):
    """All changes of all modules -> list of (group, path in the project, operator, occurrence), group by group"""
    found = []
    for group, paths in GROUPS.items():
        for path in paths:
            place = str(path.relative_to(ROOT))
            if path.name == "__init__.py" or only not in place:
                continue
            tree = get_ast(path.read_text())
            for name in bugs():
                operator = get_operator(name)()
                places = sum(len(list(operator.mutation_positions(node))) for node in nodes(tree))
                found += [(group, place, name, occurrence) for occurrence in range(places)]
    return found


def nodes(tree):
    """A syntax tree and all that is under it."""
    yield tree
    for child in getattr(tree, "children", []):
        yield from nodes(child)


def tests_of(group, place):
    """The tests that judge a module: first those that know it best, then all of the room."""
    stem = Path(place).stem
    own = Path(ROOMS[group]) / f"test_{stem}.py"
    known = NEAR.get(f"{group}/{stem}") or ([str(own)] if (ROOT / own).is_file() else QUICK[group])
    others = [f"--ignore={path}" for path in known]
    return [known, [*TESTS[group], *others]]


def copy_project(folder):
    """A copy of the project's files, to be spoiled."""
    for path in project_files():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def is_found(folder, mutant):
    """Does a test fail where the mutant is planted?"""
    group, place, name, occurrence = mutant
    path = folder / place
    whole = path.read_text()
    changed = mutate_code(whole, get_operator(name)(), occurrence)
    if changed is None or changed == whole:
        return None
    path.write_text(changed)
    try:
        return any(tried(folder, tests).returncode for tests in tests_of(group, place))
    finally:
        path.write_text(whole)


def tried(folder, tests):
    """These tests up to the first that fails, as a CompletedProcess; its returncode is not 0 if one does, or if they take too long."""
    options = ["-x", "-q", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    # The processor's time, and not that of the clock: on a busy machine tests that pass take long as well.
    limited = ["sh", "-c", f'ulimit -t {SLOWEST} && exec "$@"', "sh"]
    command = [*limited, sys.executable, "-m", "pytest", *options, *tests]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def check_tests(groups):
    """Stop where the tests of some groups fail on the project as it is."""
    with tempfile.TemporaryDirectory() as name:
        copy_project(Path(name))
        for group in groups:
            done = tried(Path(name), TESTS[group])
            if done.returncode:
                raise SystemExit(
                    f"{done.stdout[-2000:]}\n{' '.join(TESTS[group])} fails on the project as it is: mend that first."
                )


def line_of(mutant):
    """Where the mutant stands and what it changes, in one line."""
    group, place, name, occurrence = mutant
    before = (ROOT / place).read_text()
    after = mutate_code(before, get_operator(name)(), occurrence)
    pairs = zip(before.splitlines(), after.splitlines(), strict=False)
    number, was, now = next((i, a, b) for i, (a, b) in enumerate(pairs, 1) if a != b)
    return f"{place}:{number}: {was.strip()}  ->  {now.strip()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a part of the module's path")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help=f"write the score to {RESULTS.relative_to(ROOT)}")
    args = parser.parse_args()

    everything = mutants(args.only)
    if not everything:
        raise SystemExit(
            f"only is {args.only!r}: no module of labs, view, core and training has that in its path."
        )
    check_tests(sorted({group for group, *_ in everything}))
    order = np.random.default_rng(args.seed).permutation(len(everything))
    queue = iter([everything[index] for index in order])
    end, verdicts = monotonic() + 60 * args.minutes, []

    def work(_):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            copy_project(folder)
            while monotonic() < end and (mutant := next(queue, None)) is not None:
                found = is_found(folder, mutant)
                if found is None:
                    continue
                verdicts.append((mutant, found))
                if not found:
                    print("survived  " + line_of(mutant), flush=True)

    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(work, range(args.jobs)))
    print(score(verdicts))
    if args.keep:
        RESULTS.write_text(report(args, len(everything), verdicts))


def row_of(mutant):
    """The row of the table in which a mutant is counted: its group's, or that of what only places something on the page."""
    group, place, _, _ = mutant
    on_the_page = group in ("labs", "view") and "NumberReplacer" in mutant[2] and is_layout(mutant)
    return "layout" if on_the_page else group


def is_layout(mutant):
    """Does it change a line that says how large something is, or where it stands?"""
    return bool(LAYOUT.search(line_of(mutant).split(": ", 1)[1].split("  ->  ")[0]))


def score(verdicts):
    """-> a table of how many were found, group by group; what only places something on the page does not count in the sum"""
    tried = Counter(row_of(mutant) for mutant, _ in verdicts)
    found = Counter(row_of(mutant) for mutant, caught in verdicts if caught)
    rows = [
        f"| {group} | {tried[group]} | {found[group]} | {found[group] / tried[group]:.0%} |"
        for group in (*GROUPS, "layout")
        if tried[group]
    ]
    del tried["layout"], found["layout"]
    rows.append(f"| all | {tried.total()} | {found.total()} | {found.total() / max(tried.total(), 1):.0%} |")
    return "\n".join(["| | planted | found | share |", "|---|---|---|---|", *rows])


def report(args, count, verdicts):
    """The page that is kept."""
    how = (
        f"{date.today()}, `make mutants` with seed {args.seed}, {args.minutes:g} minutes, {args.jobs} at a time: a sample of the "
        f"{count:,} one-place changes that Cosmic Ray makes in labs, renderer, core and training, and how many of them a test without a "
        "browser finds. *layout* are numbers that only say where something stands on the page, or how large it is: an eye judges them, and "
        "they are in no sum."
    )
    survivors = [f"- `{line_of(mutant)}`" for mutant, caught in verdicts if not caught]
    return (
        f"# mutants\n\n{how}\n\n{score(verdicts)}\n\n{WHAT_SURVIVES}\n\n"
        + "\n".join(sorted(survivors))
        + "\n"
    )


if __name__ == "__main__":
    main()
