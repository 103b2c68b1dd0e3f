// hands.js without a browser: where handles stand, what a hand and a key send, what lights up, and what Play draws.

const assert = require("node:assert/strict");
const {before, describe, mock, test} = require("node:test");
const {Element, Plotly, figure, load, openPage} = require("./page.js");

let scripts, plotly, root, chart, sent, answered;

before(async () => (scripts = await load(["hands.js", "draw.js"], ["ltChart", "ltNumbers", "ltPixel", "ltNumber", "ltRelated", "ltUpTo"])));

// A star at a quarter of the width and half of the height of a panel whose axes go from 0 to 1.
const STAR = {control: "guess", index: 0, panel: 1, x: 0.25, y: 0.5, along: "y", low: [0, 0], high: [1, 0.8], step: [0.1, 0.1], star: true, unset: false, name: "prediction", says: "0.5"};
const POINT = {...STAR, control: "points", along: "xy", high: [1, 1], star: false, name: "data, 1 of 20"};

function open(handles, more = {}, page = {}) {
  openPage(page);
  plotly = new Plotly();
  root = new Element("div");
  sent = [];
  answered = true;
  chart = scripts.ltChart(plotly, root, (what) => sent.push(what), () => !answered);
  chart.show({...figure(more), handles});
}

const handles = () => root.querySelectorAll(".lt-handle");
const box = () => root.querySelector(".lt-figure");

describe("handles", () => {
  test("stand where their numbers stand on the axes, from the bottom up", () => {
    open([STAR]);
    assert.equal(handles()[0].style.transform, "translate(150px, 250px)"); // 50 + 400 / 4, 50 + 400 (1 - 1/2)
  });

  test("a logarithmic axis counts in powers of ten, there and back", () => {
    const axis = {_id: "x", type: "log", range: [-2, 2], _offset: 10, _length: 400};
    assert.equal(scripts.ltPixel(axis, 10), 310);
    assert.ok(Math.abs(scripts.ltNumber(axis, 310) - 10) < 1e-9);
  });

  test("screen readers find a slider with its value in words", () => {
    open([STAR]);
    const {attributes} = handles()[0];
    assert.equal(attributes.role, "slider");
    assert.equal(attributes["aria-label"], "prediction");
    assert.equal(attributes["aria-valuetext"], "0.5");
    assert.deepEqual([attributes["aria-valuemin"], attributes["aria-valuenow"], attributes["aria-valuemax"]], [0, 0.5, 0.8]);
    assert.equal(attributes["aria-orientation"], "vertical");
    assert.equal(handles()[0].tabIndex, 0);
  });

  test("a drag sends numbers of the axes, and no further than it may go", () => {
    open([POINT]);
    const [hand] = handles();
    hand.fire("pointermove", {clientX: 300, clientY: 300}); // not held yet
    assert.deepEqual(sent, []);
    hand.fire("pointerdown");
    hand.fire("pointermove", {clientX: 10 + 250, clientY: 20 + 150}); // the figure begins at 10, 20
    hand.fire("pointermove", {clientX: 10 + 900, clientY: 20 - 400});
    hand.fire("pointerup");
    hand.fire("pointermove", {clientX: 300, clientY: 300}); // let go
    assert.deepEqual(sent, [
      {control: "points", index: 0, x: 0.5, y: 0.75},
      {control: "points", index: 0, x: 1, y: 1},
    ]);
  });

  test("a star that moves upright alone keeps its place on the other axis, and does not send it", () => {
    open([STAR]);
    const [hand] = handles();
    hand.fire("pointerdown");
    hand.fire("pointermove", {clientX: 10 + 450, clientY: 20 + 50});
    assert.deepEqual(sent, [{control: "guess", index: 0, x: null, y: 0.8}]);
    assert.equal(hand.style.transform, "translate(150px, 130px)");
  });

  test("the picture that comes meanwhile does not take it out of the hand", () => {
    open([POINT]);
    const [hand] = handles();
    hand.fire("pointerdown");
    hand.fire("pointermove", {clientX: 10 + 250, clientY: 20 + 150});
    chart.show({...figure(), handles: [{...POINT, x: 0.1, y: 0.1}]}, [["handles", 0, "x"]]);
    assert.equal(hand.style.transform, "translate(250px, 150px)");
    hand.fire("pointerup");
    assert.equal(hand.style.transform, "translate(90px, 410px)");
  });

  const KEYS = [
    ["ArrowUp", false, POINT, {x: 0.25, y: 0.6}],
    ["ArrowLeft", false, POINT, {x: 0.15, y: 0.5}],
    ["ArrowDown", true, POINT, {x: 0.25, y: 0}],
    ["ArrowRight", false, STAR, {x: null, y: 0.6}],
    ["ArrowLeft", false, {...STAR, along: "x"}, {x: 0.15, y: null}],
  ];
  for (const [key, shiftKey, handle, moved] of KEYS)
    test(`${shiftKey ? "Shift and " : ""}${key} moves what goes along ${handle.along} by ${shiftKey ? "ten steps" : "a step"}`, () => {
      open([{...handle}]);
      handles()[0].fire("keydown", {key, shiftKey});
      const [{x, y}] = sent;
      for (const [number, wanted] of [[x, moved.x], [y, moved.y]])
        assert.ok(number === wanted || Math.abs(number - wanted) < 1e-9, `${number} where ${wanted} belongs`);
    });

  test("keys that come faster than pictures add up, and in the end the handle stands where the kernel has it", () => {
    mock.timers.enable({apis: ["setTimeout"]});
    open([POINT]);
    const [hand] = handles();
    for (let press = 0; press < 3; press++) {
      hand.fire("keydown", {key: "ArrowUp"});
      chart.show({...figure(), handles: [{...POINT, y: 0.6}]}, [["handles", 0, "y"]]); // the answer to the first of them
    }
    assert.ok(Math.abs(sent.at(-1).y - 0.8) < 1e-9);
    mock.timers.tick(400);
    assert.equal(hand.style.transform, "translate(150px, 210px)");
    mock.timers.reset();
  });

  test("what a slow kernel has not answered yet stays where the hand put it, and keys go on from there", () => {
    mock.timers.enable({apis: ["setTimeout"]});
    open([POINT]);
    const [hand] = handles();
    answered = false;
    hand.fire("pointerdown");
    hand.fire("pointermove", {clientX: 10 + 250, clientY: 20 + 150});
    hand.fire("pointerup");
    mock.timers.tick(4_000);
    assert.equal(hand.style.transform, "translate(250px, 150px)");
    hand.fire("keydown", {key: "ArrowDown"});
    assert.ok(Math.abs(sent.at(-1).y - 0.65) < 1e-9);
    answered = true;
    mock.timers.tick(400);
    assert.equal(hand.style.transform, "translate(150px, 250px)");
    mock.timers.reset();
  });

  test("other keys are the page's", () => {
    open([STAR]);
    handles()[0].fire("keydown", {key: "Tab"});
    assert.deepEqual(sent, []);
  });

  test("what is gone from the picture loses its handle, and what stays keeps its own", () => {
    open([STAR, POINT]);
    const before = handles();
    chart.show({...figure(), handles: [POINT]}, [["handles"]]);
    assert.deepEqual(handles(), [before[1]]);
  });

  test("a change of handles alone draws nothing anew", () => {
    open([STAR]);
    chart.show({...figure(), handles: [{...STAR, y: 0.6}]}, [["handles", 0, "y"]]);
    assert.deepEqual(plotly.names(), ["react"]);
    assert.equal(handles()[0].style.transform, "translate(150px, 210px)");
  });
});

// The bits of 32-bit floats, as the kernel sends them.
const packed = (numbers) => ({dtype: "f4", bdata: Buffer.from(new Float32Array(numbers).buffer).toString("base64")});
const path = (y, layers, axes) => ({type: "scatter", x: packed([0, 0.5, 1]), y: packed(y), meta: {keys: {layer: packed(layers)}}, ...axes});

describe("points that belong together", () => {
  const two = {panels: 2, traces: [path([0, 0.5, 1], [0, 1, 2], {xaxis: "x", yaxis: "y"}), path([1, 0.5, NaN], [0, 1, 2], {xaxis: "x2", yaxis: "y2"})]};

  test("light up in all panels when one is pointed at, and go out again", () => {
    open([], two);
    box().fire("plotly_hover", {points: [{curveNumber: 4, pointNumber: 1}]});
    const rings = root.querySelectorAll(".lt-lit").map(({style}) => style.transform);
    assert.deepEqual(rings, ["translate(250px, 250px)", "translate(250px, 250px)"]);
    box().fire("plotly_unhover");
    assert.deepEqual(root.querySelectorAll(".lt-lit"), []);
  });

  test("a gap has nothing to light up", () => {
    open([], two);
    box().fire("plotly_hover", {points: [{curveNumber: 4, pointNumber: 2}]});
    assert.equal(root.querySelectorAll(".lt-lit").length, 1);
  });

  test("an outline of which all points belong to one layer is not hidden under rings", () => {
    const keys = (layers) => ({layer: layers});
    const outline = Array(61).fill(3);
    assert.deepEqual(scripts.ltRelated([keys([2, 3]), keys(outline), keys([3, 3])], 0, 1), [[0, 1], [2, 0], [2, 1]]);
    assert.equal(scripts.ltRelated([keys([3]), keys(Array(12).fill(3))], 0, 0).length, 13);
  });

  test("a point that belongs to nothing lights up nothing", () => {
    open([], two);
    box().fire("plotly_hover", {points: [{curveNumber: 0, pointNumber: 1}]});
    assert.deepEqual(root.querySelectorAll(".lt-lit"), []);
  });
});

describe("Play", () => {
  const traces = [path([0.1, 0.2, 0.3], [0, 1, 2], {xaxis: "x", yaxis: "y"})];
  const names = {play: "Play", layer: "layer"};
  const button = () => root.querySelector(".lt-play");
  const drawn = () => plotly.last().data[2].y;

  function openWith(page) {
    openPage(page);
    plotly = new Plotly();
    root = new Element("div");
    chart = scripts.ltChart(plotly, root);
    const state = figure({traces});
    state.layout.meta = {play: names};
    chart.show(state);
  }

  test("draws layer after layer, then all of it", () => {
    mock.timers.enable({apis: ["setTimeout"]});
    openWith();
    assert.equal(button().hidden, false);
    assert.equal(button().textContent, "▶ Play");
    button().fire("click");
    assert.deepEqual(drawn().slice(1), [null, null]);
    mock.timers.tick(700);
    assert.equal(button().textContent, "■ layer 1");
    assert.ok(Math.abs(drawn()[1] - 0.2) < 1e-6 && drawn()[2] === null);
    for (let beat = 0; beat < 2; beat++) mock.timers.tick(700);
    assert.deepEqual(drawn(), traces[0].y);
    assert.equal(button().textContent, "▶ Play");
    mock.timers.reset();
  });

  test("a second press ends it", () => {
    mock.timers.enable({apis: ["setTimeout"]});
    openWith();
    button().fire("click");
    button().fire("click");
    assert.deepEqual(drawn(), traces[0].y);
    mock.timers.reset();
  });

  test("for who asked for less motion a press goes on by one layer", () => {
    openWith({still: true});
    for (const label of ["▶ layer 0", "▶ layer 1", "▶ layer 2", "▶ Play"]) {
      button().fire("click");
      assert.equal(button().textContent, label);
    }
  });

  test("where nothing goes by layers there is no button", () => {
    open([]);
    assert.equal(button().hidden, true);
  });

  test("numbers that come meanwhile are drawn up to the same layer", () => {
    openWith({still: true});
    button().fire("click");
    const state = figure({traces: [path([0.5, 0.6, 0.7], [0, 1, 2], {xaxis: "x", yaxis: "y"})]});
    state.layout.meta = {play: names};
    chart.show(state, [["data", 2, "y", "bdata"]]);
    assert.deepEqual(drawn(), [0.5, null, null]);
  });
});
