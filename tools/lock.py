"""Renew constraints.txt, the versions that are known to work together: `python tools/lock.py`, or `make lock`.

It holds the newest versions that pyproject.toml's ranges allow, of everything that any extra brings, for each Python and system that the
project supports. `make lab`, `make test` and Binder install these; the ranges stay open for everybody else. PyTorch and what it alone
brings stay out: which build of it a machine takes (a CPU's, or gigabytes for CUDA) is its pip's affair. lite/constraints.txt is the same
for what builds JupyterLite.
"""

import re
import subprocess
import tempfile
import tomllib
from pathlib import Path

from run_uv import environment, find_uv

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "constraints.txt"
HEADER = """\
# Versions that are known to work together, made by `make lock` from pyproject.toml: not to be edited. Ranges stand in pyproject.toml.
# PyTorch is not among them: pip chooses its build.
"""
OF_LITE = """\
# Versions that are known to work together, made by `make lock` from requirements.txt beside it: not to be edited.
"""
LOCKS = (
    (LOCK, HEADER, "pyproject.toml"),
    (ROOT / "lite" / "constraints.txt", OF_LITE, "lite/requirements.txt"),
)
# What may stand on this machine alone is not asked: a lock holds what everybody finds.
ONLY_HERE = ("UV_INDEX", "UV_FIND_LINKS", "UV_NO_INDEX", "UV_CONSTRAINT")


def lowest_python():
    """The lowest version of Python that pyproject.toml allows, such as 3.11."""
    about = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return re.search(r">=([\d.]+)", about["requires-python"])[1]


def lock(wanted="pyproject.toml"):
    """The text of a lock, from what the package registry has now."""
    asked = {name: value for name, value in environment().items() if name not in ONLY_HERE}

    with tempfile.TemporaryDirectory() as folder:
        left_out = Path(folder) / "left_out.txt"
        left_out.write_text("torch\n")
        made = Path(folder) / "made.txt"
        compile_all = [
            *(find_uv(), "pip", "compile", "--quiet", "--universal", "--python-version", lowest_python()),
            *("--excludes", str(left_out), "--no-header", "--no-annotate"),
            *(["--all-extras"] if wanted == "pyproject.toml" else []),
            *("--output-file", str(made), wanted),
        ]
        if subprocess.run(compile_all, cwd=ROOT, env=asked, stdout=subprocess.DEVNULL).returncode:
            raise SystemExit("uv could not find versions that fit together (its words are above).")
        return made.read_text()


if __name__ == "__main__":
    for path, header, wanted in LOCKS:
        text = lock(wanted)
        path.write_text(header + text)
        print(f"{path.relative_to(ROOT)}: {len(text.splitlines())} versions.")
