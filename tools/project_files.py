"""The project's own files: those that git knows or, where there is no git to ask, all but what the commands leave behind."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEFT_BEHIND = (ROOT / ".gitignore").read_text().replace("/", "").split()


def project_files(root=ROOT):
    """-> list of Path"""
    try:
        listed = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
        names = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True).stdout.split(
            "\0"
        )
        return [root / name for name in names if (root / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        return [path for path in walked(root) if path.is_file()]


def walked(folder):
    """Everything under a folder that is no leftover and not git's."""
    for path in folder.iterdir():
        if path.name != ".git" and not any(path.match(pattern) for pattern in LEFT_BEHIND):
            yield path
            if path.is_dir():
                yield from walked(path)
