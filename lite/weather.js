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
const LT_CORE = ["pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip"];

// What is the matter with a file -> words, empty where all is well.
async function ltFault(name, checksum) {
  let answer;
  try {
    answer = await fetch(new URL(name, ltFolder));
  } catch {
    return `${name} cannot be fetched.`;
  }
  if (!answer.ok) return `${name} is missing (${answer.status}).`;
  const content = await answer.arrayBuffer();
  if (!checksum || !crypto.subtle) return "";
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return found === checksum ? "" : `${name} is damaged.`;
}

// The packages that the kernel starts with, and what these need.
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

// Why Python, or a module that a cell asks for, is not there -> words, empty where all of its files are as they should be.
async function ltWhyMissing(module = "") {
  const settings = await (await fetch(new URL("../jupyter-lite.json", location.href))).json();
  const kernel = settings["jupyter-config-data"].litePluginSettings["@jupyterlite/pyodide-kernel-extension:kernel"];
  const missing = await ltFault("pyodide-lock.json");
  if (missing) return missing;
  const {packages} = await (await fetch(new URL("pyodide-lock.json", ltFolder))).json();
  const asked = Object.values(packages).filter(({imports}) => imports.includes(module));

  const files = LT_CORE.map((name) => [name]);
  for (const one of ltNeeded(packages, [...kernel.loadPyodideOptions.packages, ...asked.map(({name}) => name)]))
    files.push([one.file_name, one.sha256]);
  for (const [name, checksum] of files) {
    const fault = await ltFault(name, checksum);
    if (fault) return fault;
  }
  return "";
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
    if (why) ltSay(`Python did not start. ${why} ${LT_ASK}`, "error");
    else ltSay("Python has not started yet. Its files are there: this machine or its line may be slow.");
  }, LT_SLOW);

  const looking = setInterval(async () => {
    for (const error of document.querySelectorAll('[data-mime-type="application/vnd.jupyter.error"]')) {
      const found = error.textContent.match(/ModuleNotFoundError: (?:No module named|The module) '(\w+)/);
      if (!found) continue;
      clearInterval(looking);
      const why = await ltWhyMissing(found[1]);
      if (why) ltSay(`${found[1]} is not here. ${why} ${LT_ASK}`, "error");
      return;
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

async function ltWatch() {
  while (!window.jupyterapp) await new Promise((done) => setTimeout(done, 200));
  await jupyterapp.restored;
  if (!window.WebAssembly) {
    ltSay("This browser has no WebAssembly, so no Python can run in the page. The site's other pages work without.", "error");
    return;
  }
  if (!isSecureContext)
    ltSay("This page came by plain http. Everything runs, but the browser lends such a page no clipboard: copy by hand.", "info");
  ltWatchKernel();
  ltWatchStorage();
  ltWatchTabs();
}

ltWatch();
