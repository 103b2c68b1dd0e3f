// Runs a Python script in Pyodide: node run.mjs FOLDER ARCHIVE SCRIPT. The distribution in FOLDER, with the zip file ARCHIVE on Python's path.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, archive, script] = process.argv.slice(2);
try {
  const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`));
  const pyodide = await loadPyodide({ indexURL: `${folder}/` });

  // ipython and traitlets are what ipywidgets needs of the distribution.
  await pyodide.loadPackage(["numpy", "packaging", "ipython", "traitlets"], { messageCallback: () => {} });
  pyodide.unpackArchive(new Uint8Array(readFileSync(archive)), "zip", { extractDir: "/packages" });
  pyodide.FS.writeFile("/script.py", new Uint8Array(readFileSync(script)));
  pyodide.runPython(`
import runpy, sys
sys.path.insert(0, "/packages")
runpy.run_path("/script.py", run_name="__main__")
`);
} catch (error) {
  console.error(String(error.message ?? error)); // not the line of minified code that it comes from
  process.exit(1);
}
