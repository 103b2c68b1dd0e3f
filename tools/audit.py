"""Known vulnerabilities of what is installed beside this Python, as PyPI lists them: `make audit`, or `python tools/audit.py`.

pip-audit passes over a package that PyPI does not know, and behind a mirror without advisories that is every package: no success, here.
"""

import json
import subprocess
import sys

COMMAND = [
    sys.executable,
    "-m",
    "pip_audit",
    "--local",
    "--skip-editable",
    "--progress-spinner=off",
    "--format=json",
]


def verdict(output, complaints):
    """What pip-audit printed, and what it complained of -> words, and whether all is well."""
    try:
        packages = json.loads(output)["dependencies"]
    except ValueError:
        return (
            f"Nothing was audited: pip-audit could not ask the advisory service.\n{complaints[-1000:]}",
            False,
        )
    audited = [package for package in packages if "vulns" in package]
    if not audited:
        return (
            f"Nothing was audited: the advisory service knows none of {len(packages)} packages (is the index a mirror?).",
            False,
        )
    lines = [
        f"{package['name']} {package['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'no release yet'}"
        for package in audited
        for fault in package["vulns"]
    ]
    left = [package["name"] for package in packages if "vulns" not in package]
    lines += [f"Not audited: {', '.join(left)}."] * bool(left)
    found = sum(len(package["vulns"]) for package in audited)
    return "\n".join([*lines, f"{len(audited)} packages audited, {found} known vulnerabilities."]), not found


def main():
    done = subprocess.run(COMMAND, capture_output=True, text=True)
    words, well = verdict(done.stdout, done.stderr)
    print(words)
    return int(not well)


if __name__ == "__main__":
    sys.exit(main())
