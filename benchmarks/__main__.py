"""`make bench`, or `python -m benchmarks [NAME ...]`: run the measurements and print their tables."""

import sys
from importlib import import_module

NAMES = ("kernel", "forward", "training", "browser", "live")


def main(names):
    for name in names or NAMES:
        if name not in NAMES:
            raise SystemExit(f"no benchmark {name!r}: there are {', '.join(NAMES)}.")
        print(f"## {name}\n\n{import_module(f'benchmarks.{name}').report()}\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
