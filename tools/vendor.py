"""Fetch the JavaScript that the project carries along, with its licences and checksums. Needs npm.

    python tools/vendor.py        # after moving the bound on plotly; a test fails until the versions agree again

plotly.js, the very version that the installed Python plotly expects, goes into lt_helpers/view/: the cartesian bundle, a third of the
whole, has every trace type that the labs draw. KaTeX, for the site's formulas, goes into site/katex/, its fonts within its
style sheet: some browsers load no font from beside a page that is opened as a file. The front end of ipywidgets, and the editor for
exercises, are bundled into tools/website/engine/, from the packages that bundles/package-lock.json there pins.
"""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from plotly.offline import get_plotlyjs_version

ROOT = Path(__file__).parents[1]
KATEX = "0.19.1"
ENGINE = ROOT / "tools" / "website" / "engine"
BUNDLES = ("widgets", "editor")


def package(name, version):
    """The files of an npm package -> a function from a path in it to its bytes."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=folder, check=True)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            files = {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}
    return lambda path: files[f"package/{path}"]


def write(folder, name, version, files):
    """The files of a package and, as NAME.json, where they come from; its checksum is of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        (folder / path).write_bytes(data)
    checksum = hashlib.sha256(next(iter(files.values()))).hexdigest()
    about = {"package": name, "version": version, "sha256": checksum}
    (folder / f"{name.partition('.')[0]}.json").write_text(json.dumps(about, indent=2) + "\n")
    print(f"{name} {version}: {sum(map(len, files.values())):,} bytes in {folder.relative_to(ROOT)}")


def vendor_plotly():
    name, version = "plotly.js-cartesian-dist-min", get_plotlyjs_version()
    file = package(name, version)
    write(
        ROOT / "lt_helpers" / "view", name, version,
        {"plotly.min.js": file("plotly-cartesian.min.js"), "plotly.LICENSE": file("LICENSE")},
    )  # fmt: skip


def vendor_katex():
    file = package("katex", KATEX)

    def inlined(match):
        return f'url(data:font/woff2;base64,{base64.b64encode(file("dist/" + match[1])).decode()}) format("woff2")'

    sources = r'url\((fonts/[\w-]+\.woff2)\) format\("woff2"\)(,url\([^)]*\) format\("\w+"\))*'
    files = {
        "katex.js": file("dist/katex.min.js") + b"\n" + file("dist/contrib/auto-render.min.js"),
        "katex.css": re.sub(sources, inlined, file("dist/katex.min.css").decode()).encode(),
        "LICENSE": file("LICENSE"),
    }
    write(ROOT / "site" / "katex", "katex", KATEX, files)


def vendor_engine():
    with tempfile.TemporaryDirectory() as made:
        folder = Path(shutil.copytree(ENGINE / "bundles", Path(made) / "bundles"))
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
        inputs = set()
        for name in BUNDLES:
            bundle = [
                folder / "node_modules" / ".bin" / "esbuild",
                f"{name}.entry.js",
                "--bundle",
                "--minify",
            ]
            form = ["--format=iife", "--target=es2022", "--define:define=ltDefine", "--legal-comments=none"]
            files = [f"--outfile={name}.js", f"--metafile={name}.json", "--log-level=error"]
            subprocess.run([*bundle, *form, *files], cwd=folder, check=True)
            inputs |= set(json.loads((folder / f"{name}.json").read_text())["inputs"])
        found = {
            path.name: path.read_bytes() for path in (*folder.glob("widgets.[jc]s*"), folder / "editor.js")
        }
        found.pop("widgets.json")
        found["LICENSES"] = licences(folder, inputs).encode()
    for name, data in found.items():
        (ENGINE / name).write_bytes(data)
        print(f"{name}: {len(data):,} bytes in {ENGINE.relative_to(ROOT)}")
    checksums = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(found.items())}
    (ENGINE / "bundles" / "checksums.json").write_text(json.dumps(checksums, indent=2) + "\n")


def licences(folder, inputs):
    """The packages from which files were bundled, each with its licence -> str"""
    found = {match[0] for path in inputs if (match := re.match(r"node_modules/(@[^/]+/)?[^/]+", path))}
    parts = []
    for place in sorted(found):
        about = json.loads((folder / place / "package.json").read_text())
        texts = [
            path.read_text().strip() for path in sorted((folder / place).glob("[Ll][Ii][Cc][Ee][Nn][SsCc]*"))
        ]
        parts.append("\n\n".join([f"{about['name']} {about['version']}: {about.get('license')}", *texts]))
    return f"\n\n{'-' * 80}\n\n".join(parts) + "\n"


if __name__ == "__main__":
    vendor_plotly()
    vendor_katex()
    vendor_engine()
