// What a hand does with a drawn figure: it drags handles, points at what belongs together, and plays layer after layer. A plain script, which
// runs before draw.js.

// The numbers of an array as the kernel sends them, base64 of 32-bit floats, or of one that is plain.
function ltNumbers(array) {
  if (!array?.bdata) return Array.from(array ?? []);
  const bytes = Uint8Array.from(atob(array.bdata), (character) => character.charCodeAt(0));
  return Array.from(new Float32Array(bytes.buffer));
}

// Where a number stands on an axis of a drawn figure, in pixels of the figure, and back. `axis` is plotly's own description of it.
function ltPixel(axis, number) {
  const share = ((axis.type === "log" ? Math.log10(number) : number) - axis.range[0]) / (axis.range[1] - axis.range[0]);
  return axis._offset + axis._length * (axis._id[0] === "y" ? 1 - share : share);
}

function ltNumber(axis, pixel) {
  const along = (pixel - axis._offset) / axis._length;
  const number = axis.range[0] + (axis._id[0] === "y" ? 1 - along : along) * (axis.range[1] - axis.range[0]);
  return axis.type === "log" ? 10 ** number : number;
}

// What a hand can take hold of, over a figure: one element a handle, for mouse, touch and keys. Screen readers find a slider in each.
//
//   const layer = ltHandles(figure, grab, waits);  // grab({control, index, x, y}): null for an axis along which it does not move
//   layer.place(handles);                          // after each drawing of the figure; waits(): is one of them still to be answered?
const LT_AHEAD = 400; // milliseconds after a move in which a handle is ahead of the kernel's picture

function ltHandles(figure, grab, waits) {
  const layer = document.createElement("div");
  layer.className = "lt-handles";
  const known = new Map(); // from "control index" to {element, handle}
  let held = null; // what is being dragged
  let latest = []; // the handles as the kernel has them
  let timer = 0;

  const axes = ({panel}) => {
    const number = panel > 1 ? panel : "";
    return [figure._fullLayout[`xaxis${number}`], figure._fullLayout[`yaxis${number}`]];
  };

  function place(handles) {
    latest = handles;
    const left = new Set(known.keys());
    for (const handle of handles) {
      const name = `${handle.control} ${handle.index}`;
      left.delete(name);
      if (!known.has(name)) known.set(name, make(name));
      const entry = known.get(name);
      const {x, y} = entry.ahead ? entry.handle : handle; // the next key goes on from where the last one led
      entry.handle = {...handle, x, y};
      if (held !== entry) stand(entry, x, y);
      describe(entry);
    }
    for (const name of left) {
      known.get(name).element.remove();
      known.delete(name);
    }
  }

  function stand({element, handle}, x, y) {
    const [horizontal, vertical] = axes(handle);
    if (!horizontal || !vertical) return;
    element.style.transform = `translate(${ltPixel(horizontal, x)}px, ${ltPixel(vertical, y)}px)`;
  }

  function describe({element, handle}) {
    const main = handle.along === "x" ? 0 : 1;
    element.className = `lt-handle lt-along-${handle.along}${handle.star ? " lt-star" : ""}${handle.unset ? " lt-unset" : ""}`;
    const said = {
      "aria-label": handle.name,
      "aria-valuetext": handle.says,
      "aria-valuenow": [handle.x, handle.y][main],
      "aria-valuemin": handle.low[main],
      "aria-valuemax": handle.high[main],
      "aria-orientation": handle.along === "x" ? "horizontal" : "vertical",
      title: `${handle.name}: ${handle.says}`,
    };
    for (const [name, value] of Object.entries(said)) element.setAttribute(name, value);
  }

  function make(name) {
    const element = document.createElement("div");
    element.setAttribute("role", "slider");
    element.tabIndex = 0;
    element.dataset.lmSuppressShortcuts = "true"; // the arrow keys are its own, where a notebook would take them
    layer.append(element);
    const entry = {element, handle: null, ahead: false};
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      element.focus({preventScroll: true});
      element.setPointerCapture(event.pointerId);
      held = entry;
    });
    element.addEventListener("pointermove", (event) => held === entry && drag(entry, event));
    for (const end of ["pointerup", "pointercancel"])
      element.addEventListener(end, () => {
        if (held !== entry) return;
        held = null;
        settle();
      });
    element.addEventListener("keydown", (event) => press(entry, event));
    return entry;
  }

  function drag(entry, event) {
    const box = figure.getBoundingClientRect();
    const [horizontal, vertical] = axes(entry.handle);
    move(entry, ltNumber(horizontal, event.clientX - box.left), ltNumber(vertical, event.clientY - box.top));
  }

  function press(entry, event) {
    const {handle} = entry;
    const [right, up] = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[event.key] ?? [0, 0];
    if (!right && !up) return;
    event.preventDefault();
    event.stopPropagation();
    const steps = event.shiftKey ? 10 : 1;
    const both = right + up; // where it moves along one axis alone, both pairs of keys do
    const [x, y] = {x: [both, 0], y: [0, both], xy: [right, up]}[handle.along];
    move(entry, handle.x + x * steps * handle.step[0], handle.y + y * steps * handle.step[1]);
  }

  function move(entry, x, y) {
    const {handle} = entry;
    const within = (number, axis) => Math.min(Math.max(number, handle.low[axis]), handle.high[axis]);
    const moved = {x: handle.along === "y" ? handle.x : within(x, 0), y: handle.along === "x" ? handle.y : within(y, 1)};
    Object.assign(handle, moved);
    stand(entry, moved.x, moved.y);
    entry.ahead = true;
    clearTimeout(timer);
    timer = setTimeout(settle, LT_AHEAD);
    const sent = {x: handle.along === "y" && handle.star ? null : moved.x, y: handle.along === "x" && handle.star ? null : moved.y};
    grab({control: handle.control, index: handle.index, ...sent});
  }

  // Nothing moves any more, and all is answered: handles stand where the kernel has them.
  function settle() {
    clearTimeout(timer);
    if (waits()) return void (timer = setTimeout(settle, LT_AHEAD));
    for (const entry of known.values()) entry.ahead = false;
    place(latest);
  }

  return {layer, place};
}

// Points of one layer, component or direction, in all panels: they light up together when one of them is pointed at, and *Play* draws layer
// after layer. The kernel says which point belongs to what in `meta.keys` of a trace.
const LT_BEAT = 700; // milliseconds a layer
const LT_LIT = 12; // points of a trace that light up together; more are an outline, which rings would hide

function ltKeys(data) {
  return data.map(({meta}) => Object.fromEntries(Object.entries(meta?.keys ?? {}).map(([name, array]) => [name, ltNumbers(array)])));
}

// The points that belong to what a point belongs to -> [[trace, index], ...]
function ltRelated(keys, trace, index) {
  const related = [];
  for (const [name, of] of Object.entries(keys[trace] ?? {}))
    keys.forEach((other, place) => {
      const found = (other[name] ?? []).flatMap((one, at) => (one === of[index] ? [[place, at]] : []));
      if (found.length <= LT_LIT) related.push(...found);
    });
  return related;
}

// A copy of the data that goes no further than a layer.
function ltUpTo(data, keys, last) {
  return data.map((trace, place) => {
    const layers = keys[place].layer;
    if (!layers) return trace;
    return {...trace, y: ltNumbers(trace.y).map((number, index) => (layers[index] > last || Number.isNaN(number) ? null : number))};
  });
}
