"""What the changelog says of a version: `python tools/release_notes.py v0.1.0`. Fails if the tag is not the version that is released."""

import re
import sys

from address import ROOT, project


def notes(tag, changelog):
    """The changelog's section for a tag."""
    version = project()["version"]
    if tag != f"v{version}":
        raise SystemExit(f"The tag is {tag}, but pyproject.toml says {version}: raise one of them.")
    section = re.search(rf"(?ms)^## {re.escape(version)}(.*?)\n(.*?)(?=^## |\Z)", changelog)
    if section is None or "not yet released" in section[1]:
        raise SystemExit(f"CHANGELOG.md has no section for {version} with its date.")
    return section[2].strip()


if __name__ == "__main__":
    print(notes(sys.argv[1], (ROOT / "CHANGELOG.md").read_text()))
