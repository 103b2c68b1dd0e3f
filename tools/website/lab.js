// A lab without a kernel: native sliders over figures that were computed beforehand (tools/site_labs.py packs them). A plain script.
//
//   ltLab("07_noise_adaptive_step_sizes-1", "H4sI...");   // fills every <div data-lab="07_noise_adaptive_step_sizes-1"> of the page

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
  const {controls, shared, varying, pool} = JSON.parse(await new Response(stream).text());
  const values = pool.map(ltUnpacked);
  for (const root of document.querySelectorAll(`[data-lab="${name}"]`)) ltOpen(root, controls, structuredClone(shared), varying, values);
}

function ltOpen(root, controls, state, varying, values) {
  root.replaceChildren();
  const panel = document.createElement("div");
  panel.className = "controls";
  root.append(panel);
  const sliders = controls.map((control) => ltSlider(panel, control, move));
  const chart = ltChart(Plotly, root);
  let asked = 0;
  let before = null; // the point of the grid that is shown

  function show() {
    asked = 0;
    const point = sliders.reduce((place, slider, index) => place * controls[index].shown.length + Number(slider.value), 0);
    const moved = before === null ? varying : varying.filter(({frames}) => frames[point] !== frames[before]);
    for (const {path, frames} of moved) {
      const parent = path.slice(0, -1).reduce((item, key) => item[key], state);
      parent[path.at(-1)] = values[frames[point]];
    }
    chart.show(state, before === null ? null : moved.map(({path}) => path));
    before = point;
  }

  function move() {
    asked ||= requestAnimationFrame(show); // several moves between two frames are drawn once
  }
  show();
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
