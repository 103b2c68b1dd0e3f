// A lab without a kernel: native sliders over figures that were computed beforehand (tools/site_labs.py packs them). A plain script.
//
//   ltLab("07_noise_adaptive_step_sizes-1", "H4sI...");   // fills every <div data-lab="07_noise_adaptive_step_sizes-1"> of the page
//   element.ltState();   // what the reader has done with one: {beat, values, guess}; null where nothing (engine.js goes on from there)
//   element.ltClose();   // its chart draws no more

function ltHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction);
}

// Arrays of half precision become typed arrays, row by row where there are two dimensions; plotly.js reads the others by itself.
function ltUnpacked(value) {
  if (Array.isArray(value)) return value.map(ltUnpacked);
  if (value === null || typeof value !== "object") return value;
  if (value.dtype !== "f2") return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, ltUnpacked(item)]));
  const bytes = Uint8Array.from(atob(value.bdata), (character) => character.charCodeAt(0));
  const numbers = Float32Array.from(new Uint16Array(bytes.buffer), ltHalf);
  if (!value.shape) return numbers;
  const [rows, columns] = value.shape.split(",").map(Number);
  return Array.from({length: rows}, (_, row) => numbers.subarray(row * columns, (row + 1) * columns));
}

async function ltLab(name, packed) {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const content = JSON.parse(await new Response(stream).text());
  for (const root of document.querySelectorAll(`[data-lab="${name}"]`)) ltOpen(root, content);
}

// An element of a kind, with these properties, in a parent.
function ltElement(parent, kind, properties = {}) {
  const element = Object.assign(document.createElement(kind), properties);
  parent.append(element);
  return element;
}

function ltOpen(root, {beats, start, everything, names}) {
  root.replaceChildren();
  const steps = ltElement(root, "div", {className: "steps"});
  const buttons = Object.fromEntries(
    ["back", "next", "everything", "lead"].map((name) => [name, ltElement(steps, "button", {type: "button", textContent: names[name]})]),
  );
  const place = ltElement(steps, "span");
  const task = ltElement(root, "div", {className: "lt-story"});
  task.setAttribute("aria-live", "polite");
  const asked = ltElement(root, "div", {className: "asked"});
  const panel = ltElement(root, "div", {className: "controls"});
  const chart = ltChart(Plotly, root, (what) => guess?.drag(what));
  let at = start; // the beat; null for everything
  let guess = null; // of the present beat: what was predicted, and whether it is locked
  const made = new Map(); // predictions of beats that were left
  let touched = false;
  let controls = () => []; // those that slide now: [name, value] each
  for (const kind of ["click", "input", "change", "pointerdown"]) root.addEventListener(kind, () => (touched = true), {capture: true, passive: true});

  function go(to) {
    at = to === null || to < 0 || to >= beats.length ? null : to;
    const part = at === null ? everything : beats[at];
    if (!made.has(at)) made.set(at, part.ask ? {value: null, locked: false} : null);
    guess = made.get(at);
    let told = false;
    panel.replaceChildren();
    asked.replaceChildren();
    const show = ltFrames(part, chart, (point) => guess && !guess.locked && !told && star(part.ask, point));
    const sliders = part.controls.map((control) => ltSlider(panel, control, move));
    controls = () => part.controls.map(({name, values}, index) => [name, values[sliders[index].value]]);
    const point = () => sliders.reduce((sum, slider, index) => sum * part.controls[index].shown.length + Number(slider.value), 0);
    let due = 0;

    function move() {
      due ||= requestAnimationFrame(() => {
        due = 0;
        follow();
      }); // several moves between two frames are drawn once
    }

    function follow() {
      told ||= at !== null && part.reached[point()];
      show(point());
      tell();
    }

    // The task, and once it is done, what was found.
    function tell() {
      if (at === null) return void (task.textContent = "");
      const waits = guess && !guess.locked;
      const phase = told ? "told" : waits ? "ask" : "do";
      const found = !told ? "" : guess?.locked ? part.ask.said[guess.value] : ltTold(part.told, point());
      const lines = document.createElement("div");
      const first = ltElement(lines, "div", {className: "lt-task"});
      ltElement(first, "b", {className: "lt-phase", textContent: names[phase]});
      first.append(` ${waits ? part.task : part.go}`);
      ltElement(lines, "div", {className: "lt-told", textContent: found});
      if (task.innerHTML !== lines.innerHTML) task.replaceChildren(...lines.childNodes);
      if (guess) guess.say(told);
    }

    // The handle of the prediction, where it stands now.
    function star({numbers}, handles) {
      if (!numbers || guess.value === null) return handles;
      return handles.map((handle) => ({...handle, [handle.along]: numbers[guess.value], unset: false, says: part.ask.shown[guess.value]}));
    }

    if (guess) ltAsk(asked, part.ask, guess, names.lock, follow);
    for (const name of ["back", "next", "everything"]) buttons[name].hidden = at === null;
    buttons.back.disabled = at === 0;
    buttons.lead.hidden = at !== null || beats.length === 0;
    place.textContent = at === null ? "" : `${at + 1} / ${beats.length}`;
    steps.hidden = beats.length === 0;
    task.hidden = at === null;
    follow();
  }

  root.ltClose = chart.close;
  root.ltState = () => {
    if (!touched) return null;
    const ask = at === null ? null : beats[at].ask;
    const predicted = ask && guess.value !== null;
    return {
      beat: at === null ? null : beats[at].name,
      values: Object.fromEntries(controls()),
      guess: predicted ? {name: ask.name, value: ask.values[guess.value], locked: guess.locked} : null,
    };
  };

  buttons.back.addEventListener("click", () => go(at - 1));
  buttons.next.addEventListener("click", () => go(at + 1));
  buttons.everything.addEventListener("click", () => go(null));
  buttons.lead.addEventListener("click", () => go(0));
  go(at);
}

// What is told: in some beats it goes on with the hand, and stays as it is where a hand goes back.
function ltTold(told, point) {
  return Array.isArray(told) ? (told[point] ?? told.find(Boolean)) : told;
}

// Shows the figures of a part of a lab: a function from a point of its grid. `star` may change the handles.
function ltFrames({shared, varying, pool}, chart, star) {
  const values = pool.map(ltUnpacked);
  const state = structuredClone(shared);
  let before = null; // the point of the grid that is shown
  return (point) => {
    const moved = before === null ? varying : varying.filter(({frames}) => frames[point] !== frames[before]);
    for (const {path, frames} of moved) {
      const parent = path.slice(0, -1).reduce((item, key) => item[key], state);
      parent[path.at(-1)] = values[frames[point]];
    }
    const handles = star(state.handles) || [];
    chart.show({...state, handles}, before === null ? null : [...moved.map(({path}) => path), ["handles"]]);
    before = point;
  };
}

// Where a prediction is made: a list of words, or a number, and the button that locks it. `follow` hears of every change.
function ltAsk(row, {label, shown, numbers}, guess, lock, follow) {
  const name = ltElement(row, "label", {textContent: `${label} `});
  const field = ltElement(name, numbers ? "input" : "select");
  if (numbers) Object.assign(field, {type: "number", min: numbers[0], max: numbers.at(-1), step: numbers[1] - numbers[0]});
  else ["", ...shown].forEach((word, index) => ltElement(field, "option", {value: index - 1, textContent: word}));
  const button = ltElement(row, "button", {type: "button", textContent: lock});

  const nearest = (number) => numbers.reduce((best, one, index) => (Math.abs(one - number) < Math.abs(numbers[best] - number) ? index : best), 0);
  field.addEventListener("change", () => {
    if (numbers) guess.value = field.value === "" ? null : nearest(Number(field.value));
    else guess.value = field.value === "-1" ? null : Number(field.value);
    follow();
  });
  button.addEventListener("click", () => {
    guess.locked = true;
    follow();
  });
  guess.drag = ({x, y}) => {
    guess.value = nearest(x ?? y);
    follow();
  };
  guess.say = (told) => {
    field.value = guess.value === null ? (numbers ? "" : -1) : numbers ? numbers[guess.value] : guess.value;
    field.disabled = guess.locked || told;
    button.disabled = guess.locked || told || guess.value === null;
  };
}

function ltSlider(panel, {label, shown, start}, move) {
  const row = document.createElement("label");
  const name = document.createElement("span");
  name.textContent = label;
  const slider = document.createElement("input");
  Object.assign(slider, {type: "range", min: 0, max: shown.length - 1, step: 1, value: start, autocomplete: "off"});
  const readout = document.createElement("output");
  const say = () => {
    readout.textContent = shown[slider.value];
    slider.setAttribute("aria-valuetext", shown[slider.value]);
  };
  slider.setAttribute("aria-label", label);
  slider.addEventListener("input", () => (say(), move()));
  row.append(name, slider, readout);
  panel.append(row);
  say();
  return slider;
}
