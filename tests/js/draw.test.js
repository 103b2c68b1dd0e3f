// draw.js without a browser: what it asks plotly to draw, and what it says beside it.

const assert = require("node:assert/strict");
const {before, beforeEach, describe, test} = require("node:test");
const {Element, Plotly, figure, load, nextFrame, openPage} = require("./page.js");

const LIGHT = "rgb(0, 0, 0)";
const DARK = "rgba(255, 255, 255, 0.87)"; // the ink of JupyterLab's dark theme
const HEAT = {type: "heatmap", z: [[-1, 0], [0, 1]], colorscale: [[0, "#0072B2"], [0.5, "#F7F7F7"], [1, "#D55E00"]]};

let draw, page, plotly, root, chart;

before(async () => (draw = await load(["hands.js", "draw.js"], ["ltChart", "ltPaint", "ltStack", "ltLines", "ltWrap", "ltMoved"])));

// A chart on a page.
function open(options) {
  page = openPage(options);
  plotly = new Plotly();
  root = new Element("div");
  chart = draw.ltChart(plotly, root);
}

const box = () => root.querySelector(".lt-figure");
const words = () => root.querySelector(".lt-words");
const brightness = (colour) => Math.max(...[1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16)));

describe("colours", () => {
  test("ink is the page's text, and the figure itself stays as it came", () => {
    open({ink: "rgb(10, 20, 30)"});
    const state = figure();
    chart.show(state);
    assert.equal(plotly.last().data[1].marker.color, "rgb(10, 20, 30)");
    assert.equal(plotly.last().layout.template.layout.font.color, "rgb(10, 20, 30)");
    assert.deepEqual(state, figure());
  });

  test("black in a key is ink, and black in a word stays", () => {
    const key = '<span style="color:black">●</span> blackboard';
    assert.equal(draw.ltPaint(key, {black: "white"}), '<span style="color:white">●</span> blackboard');
    assert.equal(draw.ltPaint("black", {black: "white"}), "white");
    assert.equal(draw.ltPaint("a black box", {black: "white"}), "a black box");
  });

  test("a light page keeps the palette", () => {
    open({ink: LIGHT});
    chart.show(figure({traces: [HEAT]}));
    assert.equal(plotly.last().data[0].line.color, "#0072B2");
    assert.deepEqual(plotly.last().data[2].colorscale, HEAT.colorscale);
  });

  test("a dark page gets lighter blues, greens and oranges, in keys too", () => {
    open({ink: DARK});
    for (const dull of ["#0072B2", "#009E73", "#D55E00"]) {
      chart.show(figure({key: `<span style="color:${dull}">━</span> one`, traces: [{type: "scatter", line: {color: dull}}]}));
      const bright = plotly.last().data[2].line.color;
      assert.ok(brightness(bright) > brightness(dull));
      assert.ok(plotly.last().layout.annotations[0].text.includes(`color:${bright}`));
    }
  });

  test("zero in a heat map is near-white on a light page and near-black on a dark one", () => {
    open({ink: DARK});
    chart.show(figure({traces: [HEAT]}));
    const [low, zero, high] = plotly.last().data[2].colorscale.map(([, colour]) => brightness(colour));
    assert.ok(zero < 48, `zero is drawn as bright as ${zero}`);
    assert.ok(low > 200 && high > 200);
  });

  test("a change of theme draws all anew in the new colours, and one of other classes draws nothing", () => {
    open({ink: LIGHT});
    chart.show(figure());
    page.watchers.theme();
    nextFrame();
    assert.deepEqual(plotly.names(), ["react"]);
    page.ink = DARK;
    page.watchers.theme();
    nextFrame();
    assert.deepEqual(plotly.names(), ["react", "react"]);
    assert.equal(plotly.last().data[1].marker.color, DARK);
    page.ink = LIGHT;
    page.watchers.scheme();
    assert.equal(plotly.last().data[1].marker.color, LIGHT);
  });
});

describe("width", () => {
  test("panels stand side by side on a wide page", () => {
    open({width: 800});
    chart.show(figure({panels: 2}));
    assert.deepEqual(plotly.last().layout.xaxis2.domain, [0.5, 0.95]);
    assert.equal(plotly.last().layout.width, 800);
    assert.equal(plotly.last().layout.height, 480);
  });

  test("panels stand under each other on a narrow page, each as wide as the page and as high as before", () => {
    open({width: 799});
    const state = figure({panels: 3});
    const before = 480 - 2 * 42; // pixels of a panel
    chart.show(state);
    const {layout} = plotly.last();
    const {t, b} = layout.margin;
    const inner = layout.height - t - b;
    let above = 1 + t / inner;
    for (const number of ["", "2", "3"]) {
      const [low, high] = layout[`yaxis${number}`].domain;
      assert.deepEqual(layout[`xaxis${number}`].domain, [0, 1]);
      assert.ok(Math.abs((high - low) * inner - before) < 1e-9);
      assert.ok(high < above, "a panel covers the one over it");
      above = low;
    }
    assert.ok(Math.abs(above) < 1e-9, "the last panel does not end at the bottom");
    assert.deepEqual(layout.annotations.map(({y}) => y), ["", "2", "3"].map((number) => layout[`yaxis${number}`].domain[1]));
    assert.deepEqual(state, figure({panels: 3}));
  });

  test("on a wide page a key that is wider than its panel takes a second line, and the panels keep their height", () => {
    const long = ["━ the first of them", "━ the second of them", "━ the third of them"].join("   ");
    const short = draw.ltStack(figure({panels: 3}).layout, 900);
    const {height, yaxis, annotations} = draw.ltStack(figure({panels: 3, key: long}).layout, 900);
    assert.equal(height, short.height + 16 * (annotations[0].text.split("<br>").length - 2));
    assert.ok(annotations[0].text.split("<br>").length > 2);
    assert.deepEqual([yaxis.domain[0].toFixed(9), yaxis.domain[1]], [(0).toFixed(9), 1]);
  });

  test("titles and keys of stacked panels break into lines that fit, and every panel leaves room for the longest", () => {
    open({width: 300});
    const key = ["one", "two", "three", "four", "five", "six", "seven"].map((name) => `━ the ${name}`).join("   ");
    chart.show(figure({panels: 2, key}));
    const {layout} = plotly.last();
    const lines = layout.annotations[0].text.split("<br>");
    assert.ok(lines.length > 2);
    for (const line of lines) assert.ok(line.replace(/<[^>]+>/g, "").length <= 240 / 7);
    assert.equal(layout.margin.t, 42 + 16 * (lines.length - 2));
  });

  test("no entry of a key is torn apart or lost", () => {
    const entries = ["━ the model", "● the truth", "╍ ridge regression, tuned"];
    for (const most of [5, 20, 40, 200])
      assert.deepEqual(draw.ltLines(entries.join("   "), "   ", most).flatMap((line) => line.split("   ").filter(Boolean)), entries);
  });

  test("every line of a key is filled before the next one begins", () => {
    assert.deepEqual(draw.ltLines("━ one   ━ two   ━ six   ━ ten   ━ few", "   ", 16), ["━ one   ━ two", "━ six   ━ ten", "━ few"]);
  });

  test("tags do not count as width", () => {
    const entry = '<span style="color:#0072B2">━</span> ab';
    assert.equal(draw.ltLines([entry, entry].join("   "), "   ", 14).length, 1);
    assert.equal(draw.ltLines([entry, entry].join("   "), "   ", 13).length, 2);
  });

  test("a new width draws all anew", () => {
    open({width: 1000});
    chart.show(figure({panels: 2}));
    page.watchers.size();
    assert.deepEqual(plotly.names(), ["react"]);
    page.width = 500;
    page.watchers.size();
    assert.equal(plotly.last().layout.width, 500);
    assert.deepEqual(plotly.last().layout.xaxis2.domain, [0, 1]);
  });

  test("what moved while the figure was hidden is drawn when it is shown", () => {
    open();
    const state = figure();
    chart.show(state);
    page.width = 0;
    page.watchers.size();
    state.data[1].y = [2, 2];
    chart.show(state, [["data", 1, "y"]]);
    assert.deepEqual(plotly.names(), ["react"]);
    page.width = 1000;
    page.watchers.size();
    assert.deepEqual(plotly.names(), ["react", "animate"]);
    assert.deepEqual(plotly.last().data[1].y, [2, 2]);
  });

  test("a figure that opens hidden is drawn whole when it is shown", () => {
    open({width: 0});
    chart.show(figure());
    chart.show(figure(), [["data", 0, "y"]]);
    assert.deepEqual(plotly.names(), []);
    page.width = 700;
    page.watchers.size();
    assert.deepEqual(plotly.names(), ["react"]);
  });
});

describe("what is drawn again", () => {
  let state;

  beforeEach(() => {
    open({ink: DARK});
    state = figure({panels: 2});
    chart.show(state);
  });

  test("where only points moved, the traces are drawn without axes, titles and keys, and those that moved are copied anew", () => {
    const {data} = plotly.last();
    const still = [...data];
    state.data[2].y = {dtype: "f4", bdata: "AACAPw=="};
    state.data[2].x = {dtype: "f4", bdata: "AACAPw=="};
    chart.show(state, [["data", 2, "y", "bdata"], ["data", 2, "x"], ["words"]]);
    assert.deepEqual(plotly.names(), ["react", "animate"]);
    assert.deepEqual(plotly.last().traces, [0, 1, 2, 3]);
    assert.deepEqual(plotly.last().frame, [{}, {}, {}, {}]);
    assert.deepEqual(plotly.last().options.transition, {duration: 0});
    assert.equal(plotly.last().options.frame.redraw, false);
    assert.deepEqual(plotly.last().data.map((trace, index) => trace === still[index]), [true, true, false, true]);
    assert.deepEqual(plotly.last().data[2].y, state.data[2].y);
    assert.equal(plotly.last().data[2].line.color, "#56B4E9");
  });

  test("a trace that came anew has moved where it is of the same kind, and takes a whole drawing where it is not", () => {
    state.data[1] = {...state.data[1], text: ["far away"], marker: {...state.data[1].marker, symbol: "star"}};
    chart.show(state, [["data", 1]]);
    assert.deepEqual(plotly.names(), ["react", "animate"]);
    assert.deepEqual(plotly.last().data[1].text, ["far away"]);
    state.data[1] = {...state.data[1], mode: "lines+markers+text"};
    chart.show(state, [["data", 1]]);
    assert.deepEqual(plotly.names(), ["react", "animate", "react"]);
  });

  test("a mark that changes its shape, or to what it belongs, has moved", () => {
    chart.show(state, [["data", 1, "marker", "symbol"], ["data", 0, "meta", "keys"]]);
    assert.deepEqual(plotly.names(), ["react", "animate"]);
  });

  test("plotly never gets hold of the state", () => {
    state.data[0].y = {dtype: "f4", bdata: "AACAPw=="};
    chart.show(state, [["data", 0, "y"]]);
    assert.notEqual(box().data[0], state.data[0]);
    assert.notEqual(box().data[0].y, state.data[0].y);
  });

  for (const [what, path] of [
    ["a colour", ["data", 0, "line", "color"]],
    ["the kind of a trace", ["data", 0, "type"]],
    ["the list of traces", ["data"]],
    ["an axis", ["layout", "yaxis", "range", 1]],
    ["a title", ["layout", "annotations", 0, "text"]],
    ["everything", []],
  ])
    test(`${what} takes a whole drawing, even beside points`, () => {
      chart.show(state, [["data", 0, "y"], path, ["words"]]);
      assert.deepEqual(plotly.names(), ["react", "react"]);
    });

  test("a figure without paths is drawn whole", () => {
    chart.show(state);
    assert.deepEqual(plotly.names(), ["react", "react"]);
  });

  test("points beside a heat map, and points on an axis that follows them, take a whole drawing", () => {
    assert.equal(draw.ltMoved(figure({traces: [HEAT]}), [["data", 0, "y"]]), null);
    const free = figure();
    delete free.layout.yaxis.range;
    assert.equal(draw.ltMoved(free, [["data", 0, "y"]]), null);
    assert.deepEqual(draw.ltMoved(figure(), [["data", 0, "y"]]), [0]);
  });

  test("words alone draw nothing", () => {
    state.words = "Other words.";
    chart.show(state, [["words"], ["quiet"], ["error"]]);
    assert.deepEqual(plotly.names(), ["react"]);
    assert.equal(words().textContent, "Other words.");
    chart.show(state, []);
    assert.deepEqual(plotly.names(), ["react"]);
  });

  test("a move that a later one overtakes is no error, and what plotly fails at is", () => {
    let fail;
    plotly.ends = {catch: (handler) => (fail = handler)};
    chart.show(state, [["data", 0, "y"]]);
    assert.doesNotThrow(() => fail());
    assert.throws(() => fail(new Error("no such trace")), /no such trace/);
  });

  test("a whole drawing settles all moves before it", () => {
    page.width = 0;
    chart.show(state, [["data", 0, "y"]]);
    page.width = 1000;
    chart.show(state);
    const [first, ...others] = plotly.last().data;
    chart.show(state, [["data", 3, "y"]]);
    assert.deepEqual(plotly.names(), ["react", "react", "animate"]);
    assert.equal(plotly.last().data[0], first);
    assert.notEqual(plotly.last().data[3], others[2]);
  });
});

describe("words", () => {
  beforeEach(() => open());

  test("the figure is a picture whose name is its words", () => {
    chart.show(figure());
    assert.equal(box().attributes.role, "img");
    assert.equal(box().attributes["aria-label"], "What it shows.");
    assert.equal(words().textContent, "What it shows.");
    assert.equal(words().tag, "p");
  });

  test("what somebody asked for is read out, and what comes by itself is not", () => {
    chart.show(figure());
    assert.equal(words().attributes["aria-live"], "polite");
    chart.show({...figure(), quiet: true}, [["quiet"]]);
    assert.equal(words().attributes["aria-live"], "off");
    chart.show({...figure(), quiet: false}, [["quiet"]]);
    assert.equal(words().attributes["aria-live"], "polite");
  });

  test("an error stands in the place of the words, over a faded figure, until the next move", () => {
    chart.show(figure());
    chart.show({...figure(), error: "ValueError: too loud."}, [["error"]]);
    assert.equal(words().textContent, "ValueError: too loud.");
    assert.equal(words().className, "lt-words lt-error");
    assert.equal(box().className, "lt-figure lt-stale");
    assert.equal(box().attributes["aria-label"], "What it shows.");
    chart.show(figure(), [["error"]]);
    assert.equal(words().textContent, "What it shows.");
    assert.equal(words().className, "lt-words");
    assert.equal(box().className, "lt-figure");
    assert.deepEqual(plotly.names(), ["react"]);
  });
});

test("a closed chart watches nothing and lets go of plotly's part", () => {
  open();
  chart.show(figure());
  chart.close();
  assert.deepEqual(page.watchers, {});
  assert.equal(plotly.last().name, "purge");
});
