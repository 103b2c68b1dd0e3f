// widget.js without a browser: what it tells the kernel, and what it does with what the kernel sends; all of it with compat.js and without.

const assert = require("node:assert/strict");
const {afterEach, beforeEach, describe, mock, test} = require("node:test");
const {Element, Model, Plotly, figure, load, nextFrame, openPage, settle} = require("./page.js");

const HAND = {}; // a view in which the user moves a slider
const LIBRARY = new Model({version: "1"});

let clock, page, plotly, cell, chart, model, told, sigma, kind;

// A chart in a lab with a slider and a list, in the output of a cell, as the kernel left it.
async function open(scripts, {state = figure(), controls = {sigma: "value", kind: "index"}} = {}) {
  mock.reset();
  page = openPage();
  mock.timers.enable({apis: ["setTimeout"]});
  mock.method(performance, "now", () => clock);
  clock = 1_000_000;
  plotly = new Plotly();
  globalThis[Symbol.for("lt_helpers plotly 1")] = plotly;
  delete globalThis[Symbol.for("lt_helpers asked")];

  const models = {library: LIBRARY};
  const manager = {get_model: async (name) => models[name], has_model: (name) => name in models};
  sigma = models.sigma = new Model({value: 1});
  kind = models.kind = new Model({index: 0});
  const followed = Object.entries(controls).map(([name, trait]) => [name, {control: `IPY_MODEL_${name}`, trait}]);
  model = models.own = new Model(
    {name: "own", library: "IPY_MODEL_library", state, controls: Object.fromEntries(followed)},
    manager,
  );

  cell = new Element("div");
  cell.className = "jp-OutputArea-output";
  const element = new Element("div");
  document.body.append(cell);
  cell.append(element);

  const {default: widget} = await load(scripts);
  chart = widget();
  chart.initialize({model});
  await chart.render({model, el: element});
  await settle();
  told = model.sent.splice(0);
}

const words = () => cell.querySelector(".lt-words").textContent;
const changes = (...pairs) => pairs.map(([path, value]) => ({path, value}));
const moves = () => model.sent.filter(({move}) => move).map(({move}) => [move.name, move.value]);
const numbers = () => model.sent.filter(({move}) => move).map(({move}) => move.number);

afterEach(() => mock.reset());

for (const scripts of [
  ["hands.js", "draw.js", "compat.js", "widget.js"],
  ["hands.js", "draw.js", "widget.js"],
]) {
  describe(`with ${scripts.join(", ")}`, () => {
    beforeEach(() => open(scripts));

    test("a chart shows the state that it opens with", () => {
      assert.equal(words(), "What it shows.");
      assert.deepEqual(plotly.names(), ["react"]);
    });

    test("a page asks, once it listens, for what it has missed, and tells what it has drawn", async () => {
      await open(scripts, {state: {...figure(), version: 7}});
      assert.deepEqual(told, [{missed: 7, opened: true}, {drawn: 7}]);
    });

    test("what changed is put in its place and drawn", () => {
      model.receive({from: 0, version: 1, changes: changes([["data", 1, "y"], [5, 6]], [["words"], "Now."])});
      assert.deepEqual(plotly.names(), ["react", "animate"]);
      assert.deepEqual(plotly.last().data[1].y, [5, 6]);
      assert.equal(words(), "Now.");
      nextFrame();
      assert.deepEqual(model.sent, []);
    });

    test("a page that missed a change takes nothing in and asks, and takes everything when it comes", () => {
      model.receive({from: 3, version: 4, changes: changes([["words"], "Now."])});
      assert.equal(words(), "What it shows.");
      assert.deepEqual(model.sent, [{missed: 0}]);
      model.receive({from: null, version: 4, changes: changes([[], {...figure(), version: 4, words: "All."}])});
      assert.equal(words(), "All.");
      assert.deepEqual(plotly.names(), ["react", "react"]);
      model.receive({from: 4, version: 5, changes: changes([["words"], "Next."])});
      assert.equal(words(), "Next.");
    });

    test("every view of a chart shows it, and a closed one no more", async () => {
      const second = new Element("div");
      cell.append(second);
      const close = await chart.render({model, el: second});
      model.receive({from: 0, version: 1, changes: changes([["words"], "Both."])});
      assert.deepEqual(cell.querySelectorAll(".lt-words").map(({textContent}) => textContent), ["Both.", "Both."]);
      close();
      model.receive({from: 1, version: 2, changes: changes([["words"], "One."])});
      assert.deepEqual(cell.querySelectorAll(".lt-words").map(({textContent}) => textContent), ["One.", "Both."]);
    });

    test("a drawing that is to be acknowledged waits for what the user asks for, and is answered a frame after it is drawn", () => {
      page.listeners.keydown({});
      clock += 100;
      nextFrame();
      model.receive({from: 0, version: 1, changes: changes([["words"], "Trained."]), acknowledge: true});
      assert.equal(words(), "What it shows.");
      clock += 50;
      mock.timers.tick(50);
      assert.equal(words(), "Trained.");
      assert.deepEqual(model.sent, []);
      nextFrame();
      assert.deepEqual(model.sent, [{drawn: 1}]);
    });

    test("a mouse that only passes by holds nothing up", () => {
      page.listeners.pointermove({buttons: 0});
      model.receive({from: 0, version: 1, changes: changes([["words"], "Trained."]), acknowledge: true});
      assert.equal(words(), "Trained.");
    });

    test("a chart that cannot be drawn says so", async () => {
      const element = new Element("div");
      mock.method(plotly, "react", () => {
        throw new Error("no canvas");
      });
      await assert.rejects(chart.render({model, el: element}), /no canvas/);
      assert.match(element.textContent, /could not be drawn \(no canvas\)/);
    });
  });

  describe(`moves of a control, with ${scripts.join(", ")}`, () => {
    beforeEach(() => open(scripts));

    test("a move alone is left to ipywidgets", () => {
      sigma.set("value", 2, HAND);
      model.receive({from: 0, version: 1, changes: changes([["words"], "Two."])});
      sigma.set("value", 3, HAND);
      assert.deepEqual(model.sent, []);
    });

    test("a move that comes before the last one is drawn is sent at once, and then the newest with each answer", () => {
      for (const value of [2, 3, 4, 5, 6]) sigma.set("value", value, HAND);
      assert.deepEqual(moves(), [["sigma", 3], ["sigma", 4]]);
      model.receive({from: 0, version: 1, changes: changes([["words"], "Three."]), answer: numbers()[0]});
      assert.equal(words(), "Three.");
      assert.deepEqual(moves(), [["sigma", 3], ["sigma", 4], ["sigma", 6]]);
      model.receive({answer: numbers()[1]});
      model.receive({answer: numbers()[2]});
      assert.equal(moves().length, 3);
    });

    test("where the kernel takes long, one move at a time is on its way", () => {
      for (const value of [2, 3]) sigma.set("value", value, HAND);
      clock += 101;
      model.receive({answer: numbers()[0]});
      model.receive({answer: 0}); // another page's
      for (const value of [4, 5, 6]) sigma.set("value", value, HAND);
      assert.deepEqual(moves(), [["sigma", 3], ["sigma", 5]]);
      clock += 101;
      model.receive({answer: numbers()[1]});
      assert.deepEqual(moves(), [["sigma", 3], ["sigma", 5], ["sigma", 6]]);
    });

    test("an answer that comes twice counts once", () => {
      for (const value of [2, 3, 4, 5, 6]) sigma.set("value", value, HAND);
      model.receive({answer: numbers()[0]});
      sigma.set("value", 7, HAND);
      model.receive({answer: numbers()[0]});
      assert.deepEqual(moves(), [["sigma", 3], ["sigma", 4], ["sigma", 6]]);
    });

    test("the last of many moves always leaves, and none of them twice", () => {
      for (let value = 2; value < 50; value++) {
        sigma.set("value", value, HAND);
        if (value % 7 === 0) model.receive({answer: numbers().at(-2)});
        if (value % 7 === 3 && value > 5) model.receive({answer: numbers().at(-1)});
      }
      for (const number of numbers()) model.receive({answer: number});
      assert.deepEqual(moves().at(-1), ["sigma", 49]);
      assert.equal(new Set(moves().map(([, value]) => value)).size, moves().length);
    });

    test("what the kernel draws in between answers no move", () => {
      for (const value of [2, 3, 4, 5]) sigma.set("value", value, HAND);
      model.receive({from: 0, version: 1, changes: changes([["words"], "Two."])});
      assert.deepEqual(moves(), [["sigma", 3], ["sigma", 4]]);
      sigma.set("value", 6, HAND);
      model.receive({answer: numbers()[0]});
      assert.deepEqual(moves(), [["sigma", 3], ["sigma", 4], ["sigma", 6]]);
    });

    test("the answer to another page's move answers none of this one's", () => {
      for (const value of [2, 3, 4, 5]) sigma.set("value", value, HAND);
      model.receive({answer: numbers()[0] - 1});
      model.receive({answer: numbers()[1] + 1});
      assert.deepEqual(moves(), [["sigma", 3], ["sigma", 4]]);
    });

    test("an answer that was lost is not waited for", () => {
      for (const value of [2, 3, 4]) sigma.set("value", value, HAND);
      clock += 1_900;
      sigma.set("value", 5, HAND);
      assert.deepEqual(moves(), [["sigma", 3], ["sigma", 4]]);
      clock += 200;
      sigma.set("value", 6, HAND);
      assert.deepEqual(moves(), [["sigma", 3], ["sigma", 4], ["sigma", 6]]);
    });

    test("a handle stays where the hand put it until the kernel has answered, or the answer is lost", async () => {
      const star = {control: "guess", index: 0, panel: 1, x: 0.25, y: 0.5, along: "y", low: [0, 0], high: [1, 1], step: [0.1, 0.1], star: true, unset: false, name: "prediction", says: "0.5"};
      const grabs = () => model.sent.flatMap(({grab}) => (grab ? [grab] : []));
      await open(scripts, {state: {...figure(), handles: [star]}});
      const handle = cell.querySelector(".lt-handle");
      for (const lost of [false, true]) {
        handle.fire("keydown", {key: "ArrowUp"});
        clock += 1_600;
        mock.timers.tick(1_600);
        assert.equal(handle.style.transform, "translate(150px, 210px)"); // y is 0.6 by now
        if (!lost) model.receive({answer: grabs().at(-1).number}); // without a change, as if it were refused
        clock += 800;
        mock.timers.tick(800);
        assert.equal(handle.style.transform, "translate(150px, 250px)");
      }
    });

    test("a list sends the place of what was chosen", () => {
      kind.set("index", 1, HAND);
      kind.set("index", 2, HAND);
      assert.deepEqual(moves(), [["kind", 2]]);
    });

    test("controls that come later are followed too", async () => {
      await open(scripts, {controls: {}});
      model.set("controls", {sigma: {control: "IPY_MODEL_sigma", trait: "value"}});
      await settle();
      sigma.set("value", 2, HAND);
      sigma.set("value", 3, HAND);
      assert.deepEqual(moves(), [["sigma", 3]]);
    });

    test("a control is followed once, however many views there are", async () => {
      await chart.render({model, el: new Element("div")});
      await settle();
      sigma.set("value", 2, HAND);
      assert.deepEqual(moves(), []);
    });
  });

  describe(`copying, with ${scripts.join(", ")}`, () => {
    let shown, button;

    beforeEach(async () => {
      await open(scripts);
      shown = new Element("code");
      shown.className = "lt-copied";
      shown.textContent = "NoiseLab(sigma=2.0)";
      button = new Element("button");
      const elsewhere = new Element("code");
      elsewhere.className = "lt-copied";
      elsewhere.textContent = shown.textContent;
      const before = new Element("div");
      before.append(elsewhere);
      document.body.children.unshift(before);
      cell.append(shown, button);
      button.focus();
    });

    test("the clipboard takes the text, and the kernel hears of it", async () => {
      const taken = [];
      navigator.clipboard = {writeText: async (text) => taken.push(text)};
      model.receive({copy: "NoiseLab(sigma=2.0)"});
      await settle();
      nextFrame();
      assert.deepEqual(taken, ["NoiseLab(sigma=2.0)"]);
      assert.deepEqual(model.sent, [{copied: true}]);
      assert.equal(page.selected, null);
    });

    for (const [what, clipboard] of [
      ["no clipboard", undefined],
      ["a clipboard that refuses", {writeText: () => Promise.reject(new Error("not allowed"))}],
    ])
      test(`a page with ${what} says so`, async () => {
        navigator.clipboard = clipboard;
        model.receive({copy: "NoiseLab(sigma=2.0)"});
        await settle();
        nextFrame();
        assert.deepEqual(model.sent, [{copied: false}]);
        assert.equal(page.selected, null);
      });

    test("the text is selected in the lab itself, and the keyboard stays where it is", () => {
      mock.method(document, "getSelection", () => ({
        selectAllChildren(element) {
          page.selected = element;
          document.activeElement = document.body; // as some browsers do
        },
      }));
      model.receive({select: "NoiseLab(sigma=2.0)"});
      nextFrame();
      assert.equal(page.selected, shown);
      assert.equal(document.activeElement, button);
    });

    test("of two views the text is selected in the one that was clicked, or in the first", async () => {
      const second = new Element("div");
      const element = new Element("div");
      const other = new Element("code");
      const press = new Element("button");
      other.className = "lt-copied";
      other.textContent = shown.textContent;
      second.append(element, other, press);
      document.body.append(second);
      await chart.render({model, el: element});
      for (const [focused, selected] of [
        [press, other],
        [button, shown],
        [document.body, shown],
      ]) {
        page.selected = null;
        focused.focus();
        model.receive({select: "NoiseLab(sigma=2.0)"});
        nextFrame();
        assert.equal(page.selected, selected);
      }
    });

    test("nothing is selected where the lab shows another text", () => {
      model.receive({select: "NoiseLab(sigma=3.0)"});
      nextFrame();
      assert.equal(page.selected, null);
    });

    test("a page that is not looked at leaves it to the one that is", async () => {
      page.focused = false;
      model.receive({copy: "NoiseLab(sigma=2.0)"});
      model.receive({select: "NoiseLab(sigma=2.0)"});
      await settle();
      nextFrame();
      assert.deepEqual(model.sent, []);
      assert.equal(page.selected, null);
    });
  });
}

describe("compat.js", () => {
  const SCRIPTS = ["hands.js", "draw.js", "compat.js", "widget.js"];

  test("what the kernel or another page moves is not sent back", async () => {
    await open(SCRIPTS);
    sigma.set("value", 2, HAND);
    sigma.set("value", 3);
    sigma.set("value", 4);
    assert.deepEqual(model.sent, []);
  });

  test("keys in lists and on sliders are theirs, and sliders have names", async () => {
    const slider = new Element("div");
    slider.className = "widget-slider";
    const label = new Element("label");
    label.className = "widget-label";
    label.textContent = "Noise σ";
    const handle = new Element("div");
    handle.className = "noUi-handle";
    slider.append(label, handle);
    const list = new Element("select");
    const elsewhere = new Element("select");
    await open(SCRIPTS);
    cell.append(slider, list);
    document.body.append(elsewhere);
    nextFrame();
    assert.equal(handle.attributes["aria-label"], "Noise σ");
    assert.equal(handle.dataset.lmSuppressShortcuts, "true");
    assert.equal(list.dataset.lmSuppressShortcuts, "true");
    assert.deepEqual(elsewhere.dataset, {});
  });

  test("controls that take the place of others are helped as well", async () => {
    await open(SCRIPTS);
    const place = new Element("div");
    place.className = "lt-controls";
    cell.append(place);
    nextFrame();
    const late = new Element("select");
    place.append(late);
    page.watchers.theme(); // the newest observer of changes
    assert.equal(late.dataset.lmSuppressShortcuts, "true");
  });

  test("an output whose model came up too late is shown once more, and no other", async () => {
    await open(SCRIPTS);
    cell.textContent = "Error displaying widget: model not found";
    const outputs = ["own", "gone", undefined].map((model_id) => ({
      toJSON: () => ({data: {"application/vnd.jupyter.widget-view+json": {model_id}}}),
    }));
    const shown = [];
    const list = {length: 3, get: (index) => outputs[index], set: (index) => shown.push(index)};
    model.views = {};
    model.widget_manager.context = {model: {cells: [{outputs: list}, {}]}};
    mock.timers.tick(500);
    await settle();
    assert.deepEqual(shown, [0]);
    model.views = {one: {}};
    mock.timers.tick(10_000);
    await settle();
    assert.deepEqual(shown, [0]);
  });

  test("messages go past the gate of a model that came up late", async () => {
    const heard = [];
    class Widget {
      _handle_comm_msg(message) {
        heard.push(message);
      }
    }
    class Gated extends Widget {
      _handle_comm_msg() {}
    }
    const own = new Gated();
    own.comm = {on_msg: (handler) => (own.comm.handler = handler)};
    const {ltCompat} = await load(["compat.js"], ["ltCompat"]);
    await ltCompat.listen({widget_manager: {get_model: async () => own}, get: () => "own"});
    own.comm.handler("news");
    assert.deepEqual(heard, ["news"]);
  });
});
