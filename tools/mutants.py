"""Plant bugs and see whether a test finds them: `make mutants`; ARGS="--minutes 2 --only labs/noise --keep".

Cosmic Ray changes one operator, one comparison or one number of the code. A sample of them, drawn by lot with the seed, is tried for
as many minutes as are given, on two processes, each in a copy of the project. A mutant is found when a test fails, or does not end.
Before that the tests run once on the project as it is: where they fail, each mutant would count as found.
Texts are never changed, and no browser is started. With --keep the score goes to benchmarks/results/mutants.md.
"""

import argparse
import os
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
    "view": [PACKAGE / "view" / "panel.py", PACKAGE / "view" / "render.py"],
    "core": [
        PACKAGE / f"{name}.py"
        for name in ("noise", "task", "spectrum", "model", "algorithm", "implicit", "baselines", "evaluate")
    ],
}
TESTS = {"labs": ["tests/labs"], "view": ["tests/labs/test_render.py", "tests/labs"], "core": ["tests/unit"]}
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
SLOWEST = 1_800  # seconds that the tests of a group may take where no bug is planted
PATIENCE = 3  # times as long they may take with a bug: after that they would never end


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
    """All changes of all modules -> list of (group, path in the project, operator, occurrence)"""
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
    """The tests that judge a module: first its own file, then the room's."""
    own = Path("tests") / ("labs" if group != "core" else "unit") / f"test_{Path(place).stem}.py"
    first = [str(own)] if (ROOT / own).is_file() else []
    return [first, TESTS[group]] if first else [TESTS[group]]


def copy_project(folder):
    """A copy of the project's files, to be spoiled."""
    for path in project_files():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def is_found(folder, mutant, limit):
    """Does a test fail where the mutant is planted, or not end within `limit` seconds?"""
    group, place, name, occurrence = mutant
    path = folder / place
    whole = path.read_text()
    changed = mutate_code(whole, get_operator(name)(), occurrence)
    if changed is None or changed == whole:
        return None
    path.write_text(changed)
    try:
        return any(fails(folder, tests, limit) for tests in tests_of(group, place))
    finally:
        path.write_text(whole)


def fails(folder, tests, limit):
    """Does one of these tests fail, or not end within `limit` seconds?"""
    options = ["-x", "-q", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "pytest", *options, *tests]
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def time_tests(groups):
    """How long the tests of some groups take on the project as it is -> {group: seconds}. Where they fail, it stops."""
    seconds = {}
    with tempfile.TemporaryDirectory() as name:
        copy_project(Path(name))
        for group in groups:
            began = monotonic()
            if fails(Path(name), TESTS[group], SLOWEST):
                raise SystemExit(
                    f"{' '.join(TESTS[group])} fails on the project as it is, or takes more than {SLOWEST} seconds: mend that first."
                )
            seconds[group] = monotonic() - began
    return seconds


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
        raise SystemExit(f"only is {args.only!r}: no module of labs, view and core has that in its path.")
    seconds = time_tests(sorted({group for group, *_ in everything}))
    order = np.random.default_rng(args.seed).permutation(len(everything))
    queue = iter([everything[index] for index in order])
    end, verdicts = monotonic() + 60 * args.minutes, []

    def work(_):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            copy_project(folder)
            while monotonic() < end and (mutant := next(queue, None)) is not None:
                found = is_found(folder, mutant, PATIENCE * seconds[mutant[0]])
                if found is None:
                    continue
                verdicts.append((mutant, found))
                if not found:
                    print("survived  " + line_of(mutant), flush=True)

    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(work, range(args.jobs)))
    table = score(verdicts)
    print(table)
    if args.keep:
        RESULTS.write_text(report(args, len(everything), table))


def score(verdicts):
    """-> a table of how many were found, group by group"""
    tried = Counter(mutant[0] for mutant, _ in verdicts)
    found = Counter(mutant[0] for mutant, caught in verdicts if caught)
    rows = [
        f"| {group} | {tried[group]} | {found[group]} | {found[group] / tried[group]:.0%} |"
        for group in GROUPS
        if tried[group]
    ]
    rows.append(f"| all | {tried.total()} | {found.total()} | {found.total() / max(tried.total(), 1):.0%} |")
    return "\n".join(["| | planted | found | share |", "|---|---|---|---|", *rows])


def report(args, count, table):
    """The page that is kept."""
    how = (
        f"{date.today()}, `make mutants` with seed {args.seed}, {args.minutes:g} minutes on two cores: a sample of the {count:,} one-place "
        "changes that Cosmic Ray makes in labs, renderer and core, and how many of them a test without a browser finds."
    )
    return f"# mutants\n\n{how}\n\n{table}\n"


if __name__ == "__main__":
    main()
