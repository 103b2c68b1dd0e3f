// Draws one figure with its words, and follows the page's colours and width. A plain script: the widget and a page without a kernel share it.
//
//   const chart = ltChart(Plotly, element);
//   chart.show({data, layout, words, error, quiet});   // again and again: what changed is drawn anew; quiet words are not read out
//
// The figure says "black" for ink: it becomes the page's text colour. On a dark page, blues that would drown are lightened.

const LT_NARROW = 800; // pixels: below, panels do not stand side by side
const LT_POINTS = ["x", "y", "text", "customdata", "error_y"]; // of a scatter trace, what may change while all else stays
const LT_AT_ONCE = {mode: "immediate", transition: {duration: 0}, frame: {duration: 0, redraw: false}};
const LT_LIGHTENED = {"#0072B2": "#56B4E9", "#009E73": "#2CC295", "#D55E00": "#F0813A"};

function ltColours(element) {
  const ink = getComputedStyle(element).color;
  const [red, green, blue] = ink.match(/[\d.]+/g).map(Number);
  const dark = 0.3 * red + 0.6 * green + 0.1 * blue > 127; // light ink: the page is dark
  const faint = (share) => `rgba(${red}, ${green}, ${blue}, ${share})`;
  return {ink, faint, replaced: {black: ink, ...(dark ? LT_LIGHTENED : {})}};
}

// A copy in which colours are the page's; arrays, encoded as text or typed, are shared.
function ltPaint(value, replaced) {
  if (typeof value === "string") return value.replace(/^black$|#[0-9A-F]{6}|(?<=color:)black/g, (colour) => replaced[colour] ?? colour);
  if (Array.isArray(value)) return value.map((item) => ltPaint(item, replaced));
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, ltPaint(item, replaced)]));
}

function ltTheme(layout, {ink, faint}) {
  const axis = {gridcolor: faint(0.12), zerolinecolor: faint(0.3), linecolor: faint(0.4), tickcolor: faint(0.4)};
  const theme = layout.template.layout;
  Object.assign(theme, {paper_bgcolor: "rgba(0, 0, 0, 0)", plot_bgcolor: "rgba(0, 0, 0, 0)"});
  theme.font = {...theme.font, color: ink};
  theme.xaxis = {...theme.xaxis, ...axis};
  theme.yaxis = {...theme.yaxis, ...axis};
  return layout;
}

// On a narrow page the panels stand under each other, and a key that is wider than the page takes several lines.
function ltStack(layout, width) {
  const names = Object.keys(layout).filter((name) => name.startsWith("xaxis"));
  if (width >= LT_NARROW || !layout.annotations?.length) return layout;
  const {t, b} = layout.template.layout.margin;
  const [low, high] = layout.yaxis.domain;
  const panel = (high - low) * (layout.height - t - b);
  const keys = layout.annotations.slice(0, names.length).map(({text}) => ltWrap(text, width - 60));
  const title = t + 16 * Math.max(...keys.map((text) => text.split("<br>").length - 2));
  const inner = names.length * panel + (names.length - 1) * (title + b);
  names.forEach((name, index) => {
    const top = 1 - (index * (panel + title + b)) / inner;
    layout[name].domain = [0, 1];
    layout[name.replace("x", "y")].domain = [top - panel / inner, top];
    Object.assign(layout.annotations[index], {x: 0, y: top, text: keys[index]});
  });
  return {...layout, height: inner + title + b, margin: {...layout.template.layout.margin, t: title}};
}

// Breaks a title between words, and the key under it between entries, which three spaces set apart, into lines of at most `width` pixels.
function ltWrap(text, width) {
  const [title, key] = text.split("<br>");
  return [...ltLines(title, " ", width / 8), ...ltLines(key, "   ", width / 7)].join("<br>");
}

function ltLines(text, space, most) {
  const lines = [[]];
  let room = most;
  for (const entry of text.split(space)) {
    const length = entry.replace(/<[^>]+>/g, "").length + space.length;
    if (length > room) {
      lines.push([]);
      room = most;
    }
    lines.at(-1).push(entry);
    room -= length;
  }
  return lines.map((entries) => entries.join(space));
}

// Have only points of scatter traces moved? Then plotly draws the traces alone, in a quarter of the time that axes, titles and keys take
// as well. It would lose a heat map beside them, and an axis that follows its data would stay.
function ltMoved(before, after) {
  const axes = Object.keys(after.layout).filter((name) => /^[xy]axis/.test(name));
  if (!axes.every((name) => after.layout[name].range) || !after.data.every((trace) => trace.type === "scatter")) return false;
  const still = ({data, layout}) => [layout, data.map((trace) => ({...trace, ...Object.fromEntries(LT_POINTS.map((key) => [key, null]))}))];
  return ltSame(still(before), still(after));
}

// Do two values hold the same? Typed arrays do if they are one.
function ltSame(a, b) {
  if (a === b) return true;
  if ([a, b].some((value) => value === null || typeof value !== "object" || ArrayBuffer.isView(value))) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => ltSame(a[key], b[key]));
}

function ltChart(Plotly, element) {
  element.classList.add("lt-chart");
  const figure = document.createElement("div");
  figure.className = "lt-figure";
  figure.setAttribute("role", "img");
  const words = document.createElement("p");
  words.className = "lt-words";
  element.append(figure, words);
  const config = {displayModeBar: false, doubleClick: false, showTips: false};
  let spec = null;
  let drawn = null; // {data, layout}: what the figure shows

  function draw() {
    if (!spec || !figure.clientWidth) return; // hidden: drawn when it is shown
    const colours = ltColours(element);
    const {data, layout} = ltPaint({data: spec.data, layout: spec.layout}, colours.replaced);
    const width = figure.clientWidth;
    const next = {data, layout: {...ltStack(ltTheme(layout, colours), width), width}};
    const own = ltPaint(next, {}); // plotly writes into what it gets
    if (drawn && ltMoved(drawn, next)) {
      figure.data = own.data;
      const drawing = Plotly.animate(figure, {data: own.data.map(() => ({})), traces: [...own.data.keys()]}, LT_AT_ONCE);
      drawing.catch((error) => {
        if (error) throw error; // without one, a later move overtook this one before the page's next frame, and draws for both
      });
    } else Plotly.react(figure, own.data, own.layout, config);
    drawn = next;
  }

  function show(next) {
    spec = next;
    draw(); // first: it reads widths and colours, which the browser would have to work out again after the words
    words.setAttribute("aria-live", spec.quiet ? "off" : "polite");
    words.textContent = spec.error || spec.words;
    words.classList.toggle("lt-error", Boolean(spec.error));
    figure.classList.toggle("lt-stale", Boolean(spec.error));
    figure.setAttribute("aria-label", spec.words);
  }

  const width = new ResizeObserver(() => figure.clientWidth !== figure._fullLayout?.width && draw());
  width.observe(figure);
  const colours = new MutationObserver(() => requestAnimationFrame(draw));
  colours.observe(document.body, {attributes: true, attributeFilter: ["class", "data-jp-theme-name"]});
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", draw);

  function close() {
    width.disconnect();
    colours.disconnect();
    scheme.removeEventListener("change", draw);
    Plotly.purge(figure);
  }
  return {show, close};
}
