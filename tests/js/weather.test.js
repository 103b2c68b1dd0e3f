// JupyterLite's weather.js: what it finds in the files of the page's Python, and what it makes of modules that a cell misses.

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const {afterEach, beforeEach, describe, test} = require("node:test");
const vm = require("node:vm");
const {createHash, webcrypto} = require("node:crypto");

const SCRIPT = fs.readFileSync(path.join(__dirname, "..", "..", "lite", "weather.js"), "utf8");
const SITE = "http://lite.test/lite/";
const KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel";
const CORE = ["pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip"];
const PACKAGES = {
  "lt-helpers": {name: "lt-helpers", file_name: "lt_helpers.whl", imports: ["lt_helpers"], depends: ["numpy"]},
  numpy: {name: "numpy", file_name: "numpy.whl", imports: ["numpy"], depends: []},
  "scikit-learn": {name: "scikit-learn", file_name: "scikit_learn.whl", imports: ["sklearn"], depends: ["numpy", "scipy"]},
  scipy: {name: "scipy", file_name: "scipy.whl", imports: ["scipy"], depends: []},
};

let files; // what the server has, by the ends of addresses; a function in place of a text answers by itself
let errors; // what cells have said
let status; // the kernel's
let said, timers, asked, rejected;

const bytes = (text) => new TextEncoder().encode(text);
const answer = (text) => ({ok: true, status: 200, arrayBuffer: async () => bytes(text).buffer});
const failed = (module) => `ModuleNotFoundError: No module named '${module}'`;
const wait = () => new Promise((done) => setTimeout(done, 20));

// The page as it comes up, and what it says once all that it waits for has passed.
async function weather({secure = true} = {}) {
  const kernel = {get status() { return status; }};
  const widget = {sessionContext: {session: {kernel}}, context: {path: "notebooks/00.ipynb"}};
  const page = {
    URL, TextDecoder, Uint8Array, Array, Promise, JSON, TypeError,
    addEventListener: (kind, act) => kind === "unhandledrejection" && (rejected = (reason) => act({reason})),
    clearInterval() {},
    location: new URL(`${SITE}lab/index.html`),
    crypto: secure ? webcrypto : {},
    isSecureContext: secure,
    WebAssembly,
    navigator: {storage: {estimate: async () => ({quota: 1e9, usage: 0})}},
    indexedDB: {open() { return {set onsuccess(act) { this.result = {close() {}}; act(); }}; }},
    BroadcastChannel: class { postMessage() {} },
    document: {querySelectorAll: () => errors.map((textContent) => ({textContent}))},
    jupyterapp: {
      restored: Promise.resolve(),
      shell: {currentWidget: widget, widgets: () => [widget]},
      commands: {execute: (_, {message}) => said.push(message)},
    },
    setTimeout: (act) => timers.push(act),
    setInterval: (act) => timers.push(act),
    async fetch(address) {
      const name = address.href.replace(SITE, "");
      asked.push(name);
      const content = files[name];
      if (content === undefined) return {ok: false, status: 404};
      return typeof content === "function" ? content() : answer(content);
    },
  };
  page.window = page;
  vm.runInNewContext(SCRIPT, page);
  await wait();
  await pass();
}

// All that is due happens once.
async function pass() {
  for (const act of timers) await act();
  await wait();
}

beforeEach(() => {
  const settings = {litePluginSettings: {[KERNEL]: {loadPyodideOptions: {packages: ["lt_helpers"]}}}};
  const inside = Object.fromEntries([...CORE, ...Object.values(PACKAGES).map((one) => one.file_name)].map((name) => [name, `the ${name}`]));
  inside["pyodide-lock.json"] = JSON.stringify({packages: PACKAGES});
  const checks = Object.entries(inside).map(([name, text]) => {
    const sha256 = createHash("sha256").update(text).digest("hex");
    return [name, {bytes: bytes(text).length, sha256}];
  });
  files = Object.fromEntries(Object.entries(inside).map(([name, text]) => [`static/pyodide/${name}`, text]));
  files["weather.json"] = JSON.stringify(Object.fromEntries(checks));
  files["jupyter-lite.json"] = JSON.stringify({"jupyter-config-data": settings});
  [errors, said, timers, asked, status] = [[], [], [], [], "unknown"];
});

// JupyterLab cuts the rest of a notification off.
afterEach(() => said.forEach((message) => assert.ok(message.length <= 140, message)));

describe("Python that does not start", () => {
  for (const name of [...CORE, "lt_helpers.whl", "numpy.whl"])
    test(`because a byte of ${name} is another one`, async () => {
      files[`static/pyodide/${name}`] = files[`static/pyodide/${name}`].replace("the", "thy");
      await weather();
      assert.deepEqual(said, [`Python did not start. ${name} is damaged. Tell whoever runs this site.`]);
    });

  test("because a file breaks off while it comes", async () => {
    files["static/pyodide/pyodide.asm.wasm"] = () => ({ok: true, status: 200, arrayBuffer: () => Promise.reject(new TypeError("network error"))});
    await weather();
    assert.deepEqual(said, ["Python did not start. pyodide.asm.wasm cannot be fetched. Tell whoever runs this site."]);
  });

  for (const name of ["weather.json", "jupyter-lite.json", "static/pyodide/pyodide-lock.json"])
    test(`and ${name} is missing, or no JSON`, async () => {
      const short = name.split("/").at(-1);
      delete files[name];
      await weather();
      files[name] = "{";
      await pass();
      const faults = [`${short} is missing (404).`, `${short} is damaged.`];
      assert.deepEqual(said, faults.map((fault) => `Python did not start. ${fault} Tell whoever runs this site.`));
    });

  test("though every file is whole: it may be slow", async () => {
    await weather();
    assert.deepEqual(said, ["Python has not started yet. Its files came whole: this machine or its line may be slow."]);
  });

  test("by plain http, where a length is all that can be compared", async () => {
    await weather({secure: false});
    assert.match(said.at(-1), /^Python has not started yet. Its files came at their full lengths: /);
    files["static/pyodide/pyodide.asm.js"] = "the pyodide.asm";
    await pass();
    assert.match(said.at(-1), /^Python did not start. pyodide.asm.js is damaged. /);
  });
});

describe("storage that another tab tore away", () => {
  beforeEach(() => (status = "idle"));

  for (const words of ["Cannot set properties of null (setting 'db')", 'can\'t access property "db", e is null'])
    test(`is named, with what helps: ${words}`, async () => {
      await weather();
      rejected(new TypeError(words));
      await pass();
      assert.match(said.at(-1), /^Another tab of this site opened at the same moment, .* Reload this page.$/);
    });

  test("and nothing else that goes wrong in a page is taken for it", async () => {
    await weather();
    rejected(undefined);
    rejected(new TypeError("Cannot read properties of null (reading 'debt')"));
    rejected(new Error("no db"));
    await pass();
    assert.deepEqual(said, []);
  });
});

describe("a module that a cell misses", () => {
  beforeEach(() => (status = "idle"));

  test("is not looked for where nobody has it, and the watch goes on", async () => {
    errors = [failed("nmpy")];
    await weather();
    await pass();
    assert.deepEqual([said, asked.filter((name) => name.endsWith(".whl"))], [[], []]);
    delete files["static/pyodide/scipy.whl"];
    errors.push(failed("sklearn"));
    await pass();
    await pass();
    assert.deepEqual(said, ["sklearn is not here. scipy.whl is missing (404). Tell whoever runs this site."]);
  });

  test("is of the learner's own making where its files are whole", async () => {
    errors = [failed("sklearn"), failed("sklearn")];
    await weather();
    await pass();
    assert.deepEqual(said, []);
    assert.equal(asked.filter((name) => name.endsWith("scikit_learn.whl")).length, 1);
  });
});
