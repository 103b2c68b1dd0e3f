// drop.js without a browser: what it tells the kernel of a file, and which drops are its own.

const assert = require("node:assert/strict");
const {beforeEach, test} = require("node:test");
const {Element, load, openPage, settle} = require("./page.js");

let sent, heard, lab, place, input, close;

// A file as a page has it.
const file = (text, size = text.length) => ({size, arrayBuffer: async () => new TextEncoder().encode(text).buffer});
const text = (buffer) => new TextDecoder().decode(buffer);

// Something that the mouse brings: over an element, with these files.
function carried(target, files = [file("a,b")], types = ["Files"]) {
  const event = {target, dataTransfer: {files, types}, stopped: false, kept: false};
  event.preventDefault = () => (event.kept = true);
  event.stopPropagation = () => (event.stopped = true);
  return event;
}

beforeEach(async () => {
  openPage();
  [sent, heard] = [[], {}];
  document.addEventListener = (name, act) => (heard[name] = act);
  document.removeEventListener = (name, act) => assert.equal(heard[name], act) ?? delete heard[name];
  lab = new Element("div");
  lab.className = "jp-OutputArea-output";
  const element = new Element("div");
  lab.append(element);
  document.body.append(lab);
  const values = {label: "<b>Drop</b> it here", most: 10};
  const model = {get: (name) => values[name], send: (message, _, buffers) => sent.push([message, (buffers ?? []).map(text)])};
  const {default: widget} = await load(["drop.js"]);
  close = widget().render({model, el: element});
  place = lab.querySelector(".lt-drop");
  input = place.querySelector("input");
});

test("its label is text", () => {
  assert.equal(place.querySelector("span").textContent, "<b>Drop</b> it here");
});

test("what is chosen goes to the kernel, without its name, and can be chosen again", async () => {
  for (const content of ["a,b,c", "a,b,d"]) {
    input.files = [{...file(content), name: "secret.csv"}];
    input.value = "secret.csv";
    input.fire("change");
    await settle();
    assert.equal(input.value, "");
    assert.deepEqual(sent.splice(0), [[{size: 5}, [content]]]);
  }
  input.files = [];
  input.fire("change");
  await settle();
  assert.deepEqual(sent, []);
});

test("a drop anywhere on the lab is its own, and the page stays", async () => {
  for (const target of [lab, place, input]) {
    const over = carried(target);
    heard.dragover(over);
    assert.ok(over.kept && place.names.has("lt-over"));
    const drop = carried(target);
    heard.drop(drop);
    await settle();
    assert.ok(drop.kept && drop.stopped && !place.names.has("lt-over"));
    assert.deepEqual(sent.splice(0), [[{size: 3}, ["a,b"]]]);
  }
});

test("a drop elsewhere, and one of no file, are left alone", async () => {
  for (const event of [carried(document.body), carried(lab, [], ["text/plain"]), {target: lab}]) {
    event.preventDefault ??= () => assert.fail();
    heard.dragover(event);
    heard.drop(event);
    await settle();
    assert.ok(!event.kept && !event.stopped && !place.names.has("lt-over"));
  }
  assert.deepEqual(sent, []);
});

test("of a file that is too large the size alone is sent", async () => {
  heard.drop(carried(lab, [file("x", 11)]));
  heard.drop(carried(lab, [file("x", 10)]));
  await settle();
  assert.deepEqual(sent, [[{size: 11}, []], [{size: 10}, ["x"]]]);
});

test("several files, and a folder, are said", async () => {
  heard.drop(carried(lab, [file("a"), file("b")]));
  heard.drop(carried(lab, [{size: 4, arrayBuffer: () => Promise.reject(new Error("a folder"))}]));
  await settle();
  assert.deepEqual(sent, [[{several: 2}, []], [{unreadable: true}, []]]);
});

test("once it is gone, it hears of nothing", () => {
  close();
  assert.deepEqual(heard, {});
});
