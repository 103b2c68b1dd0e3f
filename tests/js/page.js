// A page for tests without a browser: just enough of the DOM, of plotly and of a widget's model for the front end to run, all of it recorded.

const fs = require("node:fs");
const path = require("node:path");

const VIEW = path.join(__dirname, "..", "..", "lt_helpers", "view");

class Element {
  constructor(tag) {
    this.tag = tag;
    this.children = [];
    this.attributes = {};
    this.style = {};
    this.dataset = {};
    this.textContent = "";
    this.parentElement = null;
    this.names = new Set();
    this.listeners = {};
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

  addEventListener(name, act) {
    this.listeners[name] = act;
  }

  // What a mouse, a finger or a key does to it.
  fire(name, event = {}) {
    this.listeners[name]?.({button: 0, pointerId: 1, preventDefault() {}, stopPropagation() {}, ...event});
  }

  setPointerCapture() {}

  getBoundingClientRect() {
    return {left: 10, top: 20};
  }

  // Of a figure: plotly's own events.
  on(name, act) {
    this.listeners[name] = act;
  }

  remove() {
    const {children} = this.parentElement;
    children.splice(children.indexOf(this), 1);
  }

  closest(selector) {
    return this.matches(selector) ? this : (this.parentElement?.closest(selector) ?? null);
  }

  focus() {
    globalThis.document.activeElement = this;
  }

  contains(other) {
    return this === other || this.children.some((child) => child.contains(other));
  }

  // The selectors that the scripts use: tags and classes, with commas between them.
  matches(selector) {
    return selector.split(", ").some((one) => (one.startsWith(".") ? this.names.has(one.slice(1)) : this.tag === one));
  }

  within() {
    return this.children.flatMap((child) => [child, ...child.within()]);
  }

  querySelectorAll(selector) {
    return this.within().filter((element) => element.matches(selector));
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
    for (const [name, axis] of Object.entries(layout))
      if (/^[xy]axis/.test(name)) figure._fullLayout[name] = {...axis, _id: name[0], _offset: 50, _length: 400};
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

// The model of a widget: its values, what was sent to the kernel, and what comes from there.
class Model {
  constructor(values, manager) {
    this.values = values;
    this.widget_manager = manager;
    this.handlers = {};
    this.sent = [];
  }

  get(name) {
    return this.values[name];
  }

  on(name, handler) {
    (this.handlers[name] ??= []).push(handler);
  }

  send(message) {
    this.sent.push(structuredClone(message));
  }

  receive(message) {
    this.trigger("msg:custom", message);
  }

  // As ipywidgets sets a value: `by` is the view in which the user did it.
  set(name, value, by) {
    this.values[name] = value;
    this.trigger(`change:${name}`, this, value, by ? {updated_view: by} : {});
  }

  trigger(name, ...more) {
    for (const handler of this.handlers[name] ?? []) handler(...more);
  }
}

const page = {width: 1000, ink: "rgb(0, 0, 0)", watchers: {}, frames: []};

// A new page of this width and ink, in the place of the one before.
function openPage({width = 1000, ink = "rgb(0, 0, 0)", still = false} = {}) {
  Object.assign(page, {width, ink, still, watchers: {}, frames: [], listeners: {}, focused: true, selected: null});
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
      hasFocus: () => page.focused,
      getSelection: () => ({selectAllChildren: (element) => (page.selected = element)}),
    },
    navigator: {},
    getComputedStyle: () => ({color: page.ink}),
    ResizeObserver: watcher("size"),
    MutationObserver: watcher("theme"),
    matchMedia: (query) => ({
      matches: query.includes("motion") && page.still,
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
const settle = () => new Promise((resolve) => setImmediate(resolve));

let loaded = 0;

// The scripts as one new module, in the way in which the page gets them, with `names` from within handed out.
function load(scripts, names = []) {
  const source = scripts.map((name) => fs.readFileSync(path.resolve(VIEW, name), "utf8")).join("\n");
  const exported = names.length ? `\nexport {${names.join(", ")}};` : "";
  const module = `${source}${exported}\n// ${loaded++}`;
  return import(`data:text/javascript;base64,${Buffer.from(module).toString("base64")}`);
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

module.exports = {Element, Model, Plotly, figure, load, nextFrame, openPage, settle};
