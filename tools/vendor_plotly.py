"""Put the plotly.js that the installed Python plotly expects into lt_helpers/chart/, with its licence and checksum. Needs npm.

    python tools/vendor_plotly.py

The cartesian bundle is a third of the whole library and has every trace type that the labs draw. Run this after moving the bound on
plotly; tests/labs/test_chart.py fails until the versions agree again.
"""

import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

from plotly.offline import get_plotlyjs_version

PACKAGE = "plotly.js-cartesian-dist-min"
CHART = Path(__file__).parents[1] / "lt_helpers" / "chart"


def main():
    version = get_plotlyjs_version()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", f"{PACKAGE}@{version}"], cwd=folder, check=True)
        with tarfile.open(Path(folder) / f"{PACKAGE}-{version}.tgz") as archive:
            script = archive.extractfile("package/plotly-cartesian.min.js").read()
            licence = archive.extractfile("package/LICENSE").read()
    (CHART / "plotly.min.js").write_bytes(script)
    (CHART / "plotly.LICENSE").write_bytes(licence)
    vendored = {"package": PACKAGE, "version": version, "sha256": hashlib.sha256(script).hexdigest()}
    (CHART / "plotly.json").write_text(json.dumps(vendored, indent=2) + "\n")
    print(f"{PACKAGE} {version}: {len(script):,} bytes in {CHART}")


if __name__ == "__main__":
    main()
