// What JupyterLite keeps to itself when it fails: said in words, as JupyterLab's own notifications. The page works without this file.
"use strict";

const LT_SLOW = 90_000; // milliseconds that a kernel may take before somebody looks why
const LT_ROOM = 20e6; // bytes that a learner's notebooks may need
const LT_OFTEN = 3_000; // milliseconds between two looks at the outputs, or at other tabs

// At most 140 characters: JupyterLab cuts the rest off.
const ltSay = (message, type = "warning") =>
  jupyterapp.commands.execute("apputils:notify", {message, type, options: {autoClose: false}});

// The files of the page's Python, from which they are fetched.
const ltFolder = new URL("../static/pyodide/", location.href);
const LT_CORE = ["pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"];

class LtFault extends Error {} // what is the matter with a file, in words

async function ltFetch(address) {
  const name = address.pathname.split("/").at(-1);
  let answer;
  try {
    answer = await fetch(address);
    if (answer.ok) return await answer.arrayBuffer();
  } catch {
    throw new LtFault(`${name} cannot be fetched.`);
  }
  throw new LtFault(`${name} is missing (${answer.status}).`);
}

async function ltRead(address) {
  const text = new TextDecoder().decode(await ltFetch(address));
  try {
    return JSON.parse(text);
  } catch {
    throw new LtFault(`${address.pathname.split("/").at(-1)} is damaged.`);
  }
}

// Does a file have its length, and its checksum? By plain http a browser computes none.
async function ltCheck(name, {bytes, sha256}) {
  const content = await ltFetch(new URL(name, ltFolder));
  if (content.byteLength === bytes && (!crypto.subtle || (await ltDigest(content)) === sha256)) return;
  throw new LtFault(`${name} is damaged.`);
}

async function ltDigest(content) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// The packages that are wanted, and what these need.
function ltNeeded(packages, wanted) {
  const found = new Map();
  const queue = [...wanted];
  while (queue.length) {
    const name = queue.pop().toLowerCase().replace(/[-_.]+/g, "-");
    if (found.has(name) || !packages[name]) continue;
    found.set(name, packages[name]);
    queue.push(...packages[name].depends);
  }
  return [...found.values()];
}

// Why Python is not there, or a module that a cell asks for -> words; empty where all of its files are as they should be, or there are none.
async function ltWhyMissing(module = null) {
  try {
    const files = await ltRead(new URL("../weather.json", location.href)); // build_lite.py: {name: {bytes, sha256}}
    const {packages} = await ltRead(new URL("pyodide-lock.json", ltFolder));
    const asked = module === null ? await ltStart() : Object.values(packages).filter(({imports}) => imports.includes(module)).map(({name}) => name);
    const wanted = ltNeeded(packages, asked).map(({file_name}) => file_name);
    for (const name of [...(module === null ? LT_CORE : []), ...wanted]) await ltCheck(name, files[name]);
    return "";
  } catch (fault) {
    if (fault instanceof LtFault) return fault.message;
    throw fault;
  }
}

// The packages that the kernel starts with.
async function ltStart() {
  const settings = await ltRead(new URL("../jupyter-lite.json", location.href));
  return settings["jupyter-config-data"].litePluginSettings["@jupyterlite/pyodide-kernel-extension:kernel"].loadPyodideOptions.packages;
}

const LT_ASK = "Tell whoever runs this site.";

// A kernel that cannot load what it starts with stays "unknown" for ever. What a cell brings later is missed by that cell.
function ltWatchKernel() {
  const kernel = () => jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel;
  const stuck = () => ["unknown", "starting", "dead", "connecting"].includes(kernel()?.status);
  setTimeout(async () => {
    if (!kernel() || !stuck()) return;
    const why = await ltWhyMissing();
    if (!stuck()) return;
    if (why) return ltSay(`Python did not start. ${why} ${LT_ASK}`, "error");
    const came = crypto.subtle ? "came whole" : "came at their full lengths";
    ltSay(`Python has not started yet. Its files ${came}: this machine or its line may be slow.`);
  }, LT_SLOW);

  const known = new Set(); // modules whose files were looked at; a name that was mistyped has none
  setInterval(async () => {
    for (const error of document.querySelectorAll('[data-mime-type="application/vnd.jupyter.error"]')) {
      const [, module] = error.textContent.match(/ModuleNotFoundError: (?:No module named|The module) '(\w+)/) ?? [];
      if (!module || known.has(module)) continue;
      known.add(module);
      const why = await ltWhyMissing(module);
      if (why) ltSay(`${module} is not here. ${why} ${LT_ASK}`, "error");
    }
  }, LT_OFTEN);
}

// Whether this browser lets the page keep anything.
function ltStorage() {
  return new Promise((answer) => {
    try {
      const asked = indexedDB.open("lt_helpers");
      asked.onsuccess = () => {
        asked.result.close();
        answer(true);
      };
      asked.onerror = () => answer(false);
    } catch {
      answer(false);
    }
  });
}

async function ltWatchStorage() {
  const keep = "Keep them by File, Download.";
  if (!(await ltStorage())) {
    ltSay(`This browser forbids the page to keep anything: your changes are gone when it is closed. ${keep}`);
    return;
  }
  const {quota, usage} = (await navigator.storage?.estimate()) ?? {};
  if (quota - usage < LT_ROOM) ltSay(`This browser has hardly any room left for the page: your changes may not be saved. ${keep}`);
}

// The same notebook in two tabs: each has a kernel of its own, and a file is as whoever saved last left it.
function ltWatchTabs() {
  const channel = new BroadcastChannel(`lt_helpers ${location.pathname.replace(/[^/]*$/, "")}`);
  const said = new Set();
  const open = () => [...jupyterapp.shell.widgets("main")].map((widget) => widget.context?.path).filter(Boolean);
  setInterval(() => channel.postMessage(open()), LT_OFTEN);
  channel.onmessage = ({data}) => {
    for (const path of open().filter((one) => data.includes(one) && !said.has(one))) {
      said.add(path);
      ltSay(`${path} is open in another tab as well. Save in one only: the last one overwrites the other.`);
    }
  };
}

// Two tabs that open this site's storage for the first time at the same moment: the library that keeps it (localforage) loses one's connection.
let ltTorn = false;
addEventListener("unhandledrejection", ({reason}) => {
  ltTorn ||= reason instanceof TypeError && /\bdb\b/.test(reason.message);
});

function ltWatchBegin() {
  const watch = setInterval(() => {
    if (!ltTorn) return;
    clearInterval(watch);
    ltSay("Another tab of this site opened at the same moment, and this one did not get at what is kept. Reload this page.", "error");
  }, LT_OFTEN);
}

async function ltWatch() {
  while (!window.jupyterapp) await new Promise((done) => setTimeout(done, 200));
  await jupyterapp.restored;
  if (!window.WebAssembly) {
    ltSay("This browser has no WebAssembly, so no Python can run in the page. The site's other pages work without.", "error");
    return;
  }
  if (!isSecureContext)
    ltSay("This page came by plain http. The notebooks run, but there is no clipboard, and cells cannot open files beside them.", "info");
  ltWatchKernel();
  ltWatchStorage();
  ltWatchTabs();
  ltWatchBegin();
}

ltWatch();
