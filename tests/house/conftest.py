"""A copy of the project, for tests that change it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project_files import project_files

ROOT = Path(__file__).parents[2]


class Copy:
    """A copy of the project's own files, with nothing that the commands leave behind, and no git."""

    def __init__(self, folder):
        self.folder = folder
        for path in project_files(ROOT):
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)

    def __truediv__(self, name):
        return self.folder / name

    def edit(self, name, old, new):
        """Replace a passage, which must be there, in one of its files."""
        text = (self / name).read_text()
        assert old in text, f"{name} has no {old!r}"
        (self / name).write_text(text.replace(old, new))

    def python(self, *arguments):
        """Run Python in the copy, with its own package and tools -> subprocess.CompletedProcess."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": f"{self.folder}:{self / 'tools'}"},
            capture_output=True,
            text=True,
            timeout=170,
        )

    def check_python(self, *arguments):
        """The same, where it must succeed -> what it printed."""
        done = self.python(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def copy(tmp_path):
    """A copy of the project -> Copy"""
    return Copy(tmp_path / "copy")
