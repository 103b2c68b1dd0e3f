// The worker of a page with live labs: Python for pages (Pyodide), with the package in it. engine.py answers what engine.js asks.
//
//   from the page                                to the page
//   {begin: files}                               {loaded: bytes}, ...; {ready: true} or {failed: {kind, file}}
//   {comm: message, buffers, number}             {comm: message, buffers}, ...; {idle: number}
//   {ask: name, with: [...], number}             {begun: number}; {answer: value, number} or {wrong: words, number}
//
// `files` are those that are loaded: {"pyodide/pyodide.asm.wasm": {bytes, sha256}, ...}, by their addresses from here.

const HERE = new URL(".", self.location.href).href;
const fetched = self.fetch.bind(self);
let files = {};
let loaded = 0;

class Failure extends Error {
  constructor(kind, file) {
    super(`${file}: ${kind}`);
    Object.assign(this, {kind, file});
  }
}

// One of the files: counted while it comes, and checked where it has come.
async function load(file) {
  let response;
  try {
    response = await fetched(HERE + file);
  } catch {
    throw new Failure("unreachable", file);
  }
  if (!response.ok) throw new Failure("missing", file);
  const parts = [];
  const reader = response.body.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      count(part.value.length);
    }
  } catch {
    throw new Failure("unreachable", file);
  }
  const content = await new Blob(parts).arrayBuffer();
  if (!(await isWhole(content, files[file]))) throw new Failure("damaged", file);
  return content;
}

async function isWhole(content, {bytes, sha256}) {
  if (content.byteLength !== bytes) return false;
  if (!self.crypto.subtle) return true; // over plain http there is nothing to compute it with
  const digest = new Uint8Array(await self.crypto.subtle.digest("SHA-256", content));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}

function count(bytes) {
  loaded += bytes;
  self.postMessage({loaded});
}

const TYPES = {wasm: "application/wasm", json: "application/json", js: "text/javascript"};

async function begin(all) {
  files = all;
  const coming = Object.fromEntries(Object.keys(files).map((file) => [file, load(file)]));
  const first = new Promise((_, fail) => Object.values(coming).forEach((content) => content.catch(fail)));
  // What Pyodide asks for is on its way already.
  self.fetch = async (address, options) => {
    const file = String(address.url ?? address).replace(HERE, "");
    if (!(file in coming)) return fetched(address, options);
    return new Response(await coming[file], {headers: {"Content-Type": TYPES[file.split(".").at(-1)] ?? "application/octet-stream"}});
  };
  const started = start(coming);
  started.catch(() => {}); // where a file did not come, that is what is told
  await Promise.race([first, started]);
}

let python; // engine.py
let PythonError;

async function start(coming) {
  importScripts(HERE + "pyodide/pyodide.js");
  const pyodide = await loadPyodide({indexURL: `${HERE}pyodide/`, packages: ["numpy"], stdout: () => {}});
  const archives = Object.keys(files).filter((file) => /^[^/]+\.zip$/.test(file)); // Pyodide's own lie in its folder
  for (const file of archives) pyodide.unpackArchive(await coming[file], "zip", {extractDir: "/packages"});
  pyodide.runPython("import sys; sys.path.insert(0, '/packages')");
  PythonError = pyodide.ffi.PythonError;
  pyodide.registerJsModule("page", {post: (message, buffers) => self.postMessage({comm: message, buffers})});
  python = pyodide.pyimport("engine");
}

const tasks = {
  async begin({begin: all}) {
    try {
      await begin(all);
      self.postMessage({ready: true});
    } catch (error) {
      self.postMessage({failed: error instanceof Failure ? {kind: error.kind, file: error.file} : {kind: "stopped", file: String(error.message ?? error)}});
    }
  },
  comm({comm, buffers, number}) {
    python.receive(comm, buffers);
    self.postMessage({idle: number});
  },
  ask({ask, with: values, number}) {
    self.postMessage({begun: number});
    try {
      self.postMessage({answer: python[ask](...values), number});
    } catch (error) {
      if (!(error instanceof PythonError)) throw error; // Python itself has broken down: the page hears of it
      self.postMessage({wrong: String(error.message ?? error).trim().split("\n").at(-1), number});
    }
  },
};

// Pyodide asks for some files on the side: of one that did not come, the page has heard already.
self.addEventListener("unhandledrejection", (event) => event.reason instanceof Failure && event.preventDefault());
self.addEventListener("message", ({data}) => tasks[["begin", "comm", "ask"].find((name) => name in data)](data));
