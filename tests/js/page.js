// A page for tests without a browser: just enough of the DOM, of plotly and of a widget's model for the front end to run, all of it recorded.

const fs = require("node:fs");
const path = require("node:path");

const ROOT = path.join(__dirname, "..", "..");
const VIEW = path.join(ROOT, "lt_helpers", "view");

class Element {
  constructor(tag) {
    this.tag = tag;
    this.children = [];
    this.attributes = {};
    this.dataset = {};
    this.textContent = "";
    this.parentElement = null;
    this.names = new Set();
    this.classList = {
      add: (name) => this.names.add(name),
      toggle: (name, on) => (on ? this.names.add(name) : this.names.delete(name)),
    };
  }

  get clientWidth() {
    return page.width;
  }

  set className(names) {
    this.names = new Set(names.split(" "));
  }

  get className() {
    return [...this.names].join(" ");
  }

  append(...children) {
    for (const child of children) child.parentElement = this;
    this.children.push(...children);
  }

  setAttribute(name, value) {
    this.attributes[name] = value;
  }

  closest() {
    return null;
  }

  contains(other) {
    return this === other || this.children.some((child) => child.contains(other));
  }

  // The one selector that tests need: a class.
  querySelectorAll(selector) {
    const within = this.children.flatMap((child) => [child, ...child.querySelectorAll("*")]);
    return selector === "*" ? within : within.filter(({names}) => names.has(selector.replace(".", "")));
  }

  querySelector(selector) {
    return this.querySelectorAll(selector)[0] ?? null;
  }
}

class Plotly {
  calls = [];
  ends = Promise.resolve(); // what comes of a move

  react(figure, data, layout) {
    figure.data = data;
    figure._fullLayout = {width: layout.width};
    this.calls.push({name: "react", data, layout});
  }

  animate(figure, {data, traces}, options) {
    this.calls.push({name: "animate", frame: data, traces, data: [...figure.data], options});
    return this.ends;
  }

  purge() {
    this.calls.push({name: "purge"});
  }

  names() {
    return this.calls.map(({name}) => name);
  }

  last() {
    return this.calls.at(-1);
  }
}

const page = {width: 1000, ink: "rgb(0, 0, 0)", watchers: {}, frames: []};

// A new page of this width and ink, in the place of the one before.
function openPage({width = 1000, ink = "rgb(0, 0, 0)"} = {}) {
  Object.assign(page, {width, ink, watchers: {}, frames: [], listeners: {}});
  const watcher = (name) =>
    class {
      constructor(act) {
        page.watchers[name] = act;
      }
      observe() {}
      disconnect() {
        delete page.watchers[name];
      }
    };
  const body = new Element("body");
  const globals = {
    document: {
      body,
      activeElement: body,
      createElement: (tag) => new Element(tag),
      addEventListener: (name, act) => (page.listeners[name] = act),
      querySelectorAll: (selector) => body.querySelectorAll(selector),
      hasFocus: () => true,
    },
    getComputedStyle: () => ({color: page.ink}),
    ResizeObserver: watcher("size"),
    MutationObserver: watcher("theme"),
    matchMedia: () => ({
      addEventListener: (_, act) => (page.watchers.scheme = act),
      removeEventListener: () => delete page.watchers.scheme,
    }),
    requestAnimationFrame: (act) => page.frames.push(act),
  };
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, {value, configurable: true, writable: true});
  return page;
}

// What waits for the page's next frame.
function nextFrame() {
  for (const act of page.frames.splice(0)) act();
}

// Whatever waits for a promise that is kept already.
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

// The scripts as one module, in the way in which the page gets them, with `names` from within handed out.
function load(scripts, names = []) {
  const source = scripts.map((name) => fs.readFileSync(path.resolve(VIEW, name), "utf8")).join("\n");
  const exported = names.length ? `\nexport {${names.join(", ")}};` : "";
  return import(`data:text/javascript;base64,${Buffer.from(source + exported).toString("base64")}`);
}

// A figure of panels side by side, as figures.py lays it out, with a line and marks in each.
function figure({panels = 1, title = "A panel", key = "━ one   ● two", traces = []} = {}) {
  const layout = {
    template: {layout: {margin: {l: 54, r: 10, t: 42, b: 42}, font: {size: 13}, xaxis: {ticks: "outside"}, yaxis: {}}},
    height: 480,
    annotations: [],
  };
  const data = [];
  for (let panel = 0; panel < panels; panel++) {
    const number = panel ? String(panel + 1) : "";
    layout[`xaxis${number}`] = {range: [0, 1], domain: [panel / panels, (panel + 0.9) / panels]};
    layout[`yaxis${number}`] = {range: [0, 1], domain: [0, 1]};
    layout.annotations.push({text: `<b>${title}</b><br><span style="font-size:12px">${key}</span>`, x: panel / panels, y: 1});
    const axes = {xaxis: `x${number}`, yaxis: `y${number}`};
    data.push({type: "scatter", mode: "lines", x: [0, 1], y: [0, 1], line: {color: "#0072B2"}, ...axes});
    data.push({type: "scatter", mode: "markers", x: [0, 1], y: [1, 0], marker: {color: "black"}, ...axes});
  }
  return {data: [...data, ...traces], layout, words: "What it shows.", error: "", quiet: false, version: 0};
}

module.exports = {Element, Plotly, ROOT, figure, load, nextFrame, openPage, settle};
