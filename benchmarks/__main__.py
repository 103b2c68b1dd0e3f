"""`make bench`, or `python -m benchmarks [--keep] [NAME ...]`: run the measurements and print their tables.

With --keep each table is kept in benchmarks/results, with the machine and the versions that gave it.
"""

import os
import platform
import sys
from datetime import date
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

NAMES = ("kernel", "forward", "training", "browser", "live", "site", "page", "lite")
RESULTS = Path(__file__).parent / "results"


def yardstick():
    """Milliseconds of a million turns of an empty loop: how fast one core is just now, when others may be using the machine."""
    begin = perf_counter()
    for _ in range(1_000_000):
        pass
    return 1e3 * (perf_counter() - begin)


def machine():
    """What measured, in a line."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    cpu = next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "torch", "jupyterlab", "plotly"))
    return f"{date.today()}, {os.cpu_count()} cores ({cpu}), Python {platform.python_version()}, {packages}."


def main(arguments):
    names = [name for name in arguments if name != "--keep"] or NAMES
    for name in names:
        if name not in NAMES:
            raise SystemExit(f"no benchmark {name!r}: there are {', '.join(NAMES)}.")
        before = f"Before: load {os.getloadavg()[0]:.1f}, {yardstick():.0f} ms for a million turns of a Python loop."
        report = import_module(f"benchmarks.{name}").report()
        print(f"## {name}\n\n{report}\n", flush=True)
        if "--keep" in arguments:
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / f"{name}.md").write_text(f"# {name}\n\n{machine()} {before}\n\n{report}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
