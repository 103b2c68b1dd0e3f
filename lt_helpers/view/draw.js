// Draws one figure with its words, and follows the page's colours and width. A plain script: the widget and a page without a kernel share it.
//
//   const chart = ltChart(Plotly, element, grab, waits);        // grab({control, index, x, y}) hears where a hand drags a handle; waits(): is
//                                                               // one of these still to be answered?
//   chart.show({data, layout, handles, words, error, quiet});   // a whole figure; quiet words are not read out
//   chart.show(state, [["words"], ["data", 0, "y", "bdata"]]);  // the same state, in which only what these paths name has changed
//   chart.close();
//
// The figure says "black" for ink: it becomes the page's text colour. On a dark page, blues that would drown are lightened, and the white
// at the middle of a heat map becomes dark.

const LT_NARROW = 800; // pixels: below, panels do not stand side by side
const LT_NARROWER = 560; // below, not even where there are two
const LT_WORDS = ["words", "error", "quiet", "handles"]; // what stands beside the figure, or over it
const LT_POINTS = ["x", "y", "text", "customdata", "error_y", "marker", "hovertemplate", "name", "meta"]; // of a scatter trace, what may change while all else stays
const LT_SAME = ["type", "mode", "xaxis", "yaxis", "fill", "cliponaxis", "textposition", "textfont"]; // of a trace that is another now, what must not
const LT_AT_ONCE = {mode: "immediate", transition: {duration: 0}, frame: {duration: 0, redraw: false}};
const LT_ON_DARK = {"#0072B2": "#56B4E9", "#009E73": "#2CC295", "#D55E00": "#F0813A", "#F7F7F7": "#1E2126"};

// The page's colours at an element: its ink, a fainter ink, and what the colours of a figure are replaced with.
function ltColours(element) {
  const ink = getComputedStyle(element).color;
  const [red, green, blue] = ink.match(/[\d.]+/g).map(Number);
  const brightness = 0.3 * red + 0.6 * green + 0.1 * blue;
  const dark = brightness > 127; // light ink: the page is dark
  const faint = (share) => `rgba(${red}, ${green}, ${blue}, ${share})`;
  return {ink, faint, replaced: {black: ink, ...(dark ? LT_ON_DARK : {})}};
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
  theme.paper_bgcolor = "rgba(0, 0, 0, 0)";
  theme.plot_bgcolor = "rgba(0, 0, 0, 0)";
  theme.font = {...theme.font, color: ink};
  theme.xaxis = {...theme.xaxis, ...axis};
  theme.yaxis = {...theme.yaxis, ...axis};
  return layout;
}

// Panels keep the height that they have on a wide page, in pixels. On a narrow page they stand under each other, two of them side by side as
// long as they can. A key that is wider than its panel takes several lines, and all titles get the room that the longest one takes.
function ltStack(layout, width) {
  const names = Object.keys(layout).filter((name) => name.startsWith("xaxis"));
  if (!layout.annotations?.length) return layout;

  const vertical = (name) => layout[name.replace("x", "y")];
  const {t, b, l, r} = layout.template.layout.margin;
  const [low, high] = layout.yaxis.domain;
  const panel = (high - low) * (layout.height - t - b);
  const wide = width >= LT_NARROW || (width >= LT_NARROWER && names.length === 2 && layout.meta?.columns === 2);
  const tops = wide ? [...new Set(names.map((name) => vertical(name).domain[1]))].sort((one, other) => other - one) : names;
  const rowOf = (name, index) => (wide ? tops.indexOf(vertical(name).domain[1]) : index);

  const titles = layout.annotations.slice(0, names.length).map(({text}, index) => {
    const [left, right] = wide ? layout[names[index]].domain : [0, 1];
    return ltWrap(text, (right - left) * (width - l - r));
  });
  const lines = Math.max(2, ...titles.map((text) => text.split("<br>").length));
  if (width >= LT_NARROW && lines === 2) return layout;
  const title = t + 16 * (lines - 2);

  // Domains count from the bottom, as shares of what lies inside of the margins.
  const inner = tops.length * panel + (tops.length - 1) * (title + b);
  names.forEach((name, index) => {
    const top = 1 - (rowOf(name, index) * (panel + title + b)) / inner;
    if (!wide) layout[name].domain = [0, 1];
    vertical(name).domain = [top - panel / inner, top];
    Object.assign(layout.annotations[index], {x: layout[name].domain[0], y: top, text: titles[index]});
  });
  return {...layout, height: inner + title + b, margin: {...layout.template.layout.margin, t: title}};
}

// Breaks a title between words, and the key under it between entries, which three spaces set apart, into lines of at most `width` pixels.
function ltWrap(text, width) {
  const [title, key] = text.split("<br>");
  return [...ltLines(title, " ", width / 7.6), ...ltLines(key, "   ", width / 6.4)].join("<br>");
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

// Which traces have moved, if points of scatter traces are all that changed -> their indices; null if more of the figure has. `before` are the
// traces that are drawn: one that came anew, since its points have other properties, counts as moved where it is of the same kind.
function ltMoved({data, layout}, paths, before = data) {
  // Where traces alone are drawn, a heat map beside them is lost, and an axis that follows its data stays.
  const axes = Object.keys(layout).filter((name) => /^[xy]axis/.test(name));
  if (!axes.every((name) => layout[name].range) || !data.every((trace) => trace.type === "scatter")) return null;

  const moved = [];
  for (const [part, index, property] of paths) {
    if (LT_WORDS.includes(part)) continue;
    if (part !== "data" || index === undefined) return null;
    const points = property === undefined ? ltAlike(data[index], before[index]) : LT_POINTS.includes(property);
    if (!points) return null;
    moved.push(index);
  }
  return moved;
}

function ltAlike(one, other) {
  return LT_SAME.every((name) => JSON.stringify(one[name]) === JSON.stringify(other?.[name]));
}

function ltChart(Plotly, element, grab = () => {}, waits = () => false) {
  element.classList.add("lt-chart");
  const picture = document.createElement("div");
  picture.className = "lt-picture";
  const figure = document.createElement("div");
  figure.className = "lt-figure";
  figure.setAttribute("role", "img");
  const words = document.createElement("p");
  words.className = "lt-words";
  const hands = ltHandles(figure, grab, waits);
  const play = document.createElement("button");
  play.className = "lt-play";
  play.type = "button";
  play.hidden = true;
  play.addEventListener("click", () => (played === null || still.matches ? step() : stop()));
  picture.append(figure, hands.layer, play);
  element.append(picture, words);

  const still = matchMedia("(prefers-reduced-motion: reduce)"); // then a press of Play goes on by one layer
  let played = null; // the layer that Play has come to
  let timer = 0;

  const config = {displayModeBar: false, doubleClick: false, showTips: false};
  const due = new Set(); // the traces that have moved since they were drawn
  let whole = true; // is there more to draw than these?
  let state = null;
  let ink = null; // of the page, when all was drawn

  function draw() {
    if (!state || !figure.clientWidth) return; // hidden: drawn when it is shown
    if (whole) drawAll();
    else if (due.size) drawTraces();
  }

  function drawAll() {
    const colours = ltColours(element);
    const width = figure.clientWidth;
    const shown = played === null ? state.data : ltUpTo(state.data, ltKeys(state.data), played);
    const {data, layout} = ltPaint({data: shown, layout: state.layout}, colours.replaced); // plotly writes into what it gets
    Plotly.react(figure, data, {...ltStack(ltTheme(layout, colours), width), width}, config);
    whole = false;
    due.clear();
    ink = colours.ink;
    if (!listening) listen();
  }

  let listening = false;
  function listen() {
    listening = true;
    figure.on?.("plotly_hover", ({points}) => light(points[0]));
    figure.on?.("plotly_unhover", () => light(null));
  }

  // Rings around all points that belong to what this one belongs to.
  function light(point) {
    for (const ring of hands.layer.querySelectorAll(".lt-lit")) ring.remove();
    if (!point || !state) return;
    for (const [trace, index] of ltRelated(ltKeys(state.data), point.curveNumber, point.pointNumber)) {
      const {x, y, xaxis, yaxis} = state.data[trace];
      const [horizontal, vertical] = [figure._fullLayout[xaxis.replace("x", "xaxis")], figure._fullLayout[yaxis.replace("y", "yaxis")]];
      const [at, height] = [ltNumbers(x)[index], ltNumbers(y)[index]];
      if (!Number.isFinite(at) || !Number.isFinite(height)) continue;
      const ring = document.createElement("div");
      ring.className = "lt-lit";
      ring.style.transform = `translate(${ltPixel(horizontal, at)}px, ${ltPixel(vertical, height)}px)`;
      hands.layer.append(ring);
    }
  }

  // The deepest layer of the picture; 0 where there is nothing to play.
  const deepest = () => Math.max(0, ...ltKeys(state.data).flatMap(({layer}) => layer ?? []).filter(Number.isFinite));

  function step() {
    played = played === null ? 0 : played + 1;
    if (played > deepest()) return stop();
    drawAnew();
    label();
    if (!still.matches) timer = setTimeout(step, LT_BEAT);
  }

  function stop() {
    clearTimeout(timer);
    if (played === null) return;
    played = null;
    drawAnew();
    label();
  }

  function label() {
    const names = state.layout.meta?.play;
    play.hidden = !names || deepest() < 2;
    if (play.hidden) return;
    play.textContent = played === null ? `▶ ${names.play}` : `${still.matches ? "▶" : "■"} ${names.layer} ${played}`;
  }

  // The traces without axes, titles and keys take a quarter of the time. All of them: plotly lays those that it draws over the others.
  function drawTraces() {
    const {replaced} = ltColours(element);
    for (const index of due) figure.data[index] = ltPaint(state.data[index], replaced);
    due.clear();
    const traces = [...figure.data.keys()];
    const drawing = Plotly.animate(figure, {data: traces.map(() => ({})), traces}, LT_AT_ONCE);
    drawing.catch((error) => {
      if (error) throw error; // without one, a later move overtook this one before the page's next frame, and draws for both
    });
  }

  function drawAnew() {
    whole = true;
    draw();
    hold();
  }

  function say({words: said, error, quiet}) {
    words.setAttribute("aria-live", quiet ? "off" : "polite");
    words.textContent = error || said;
    words.classList.toggle("lt-error", Boolean(error));
    figure.classList.toggle("lt-stale", Boolean(error));
    figure.setAttribute("aria-label", said);
  }

  function show(next, paths = null) {
    state = next;
    const moved = paths && played === null && ltMoved(state, paths, figure.data);
    if (moved) moved.forEach((index) => due.add(index));
    else whole = true;
    draw(); // first: it reads widths and colours, which the browser would have to work out again after the words
    hold();
    say(state);
  }

  // Handles, rings and the button follow the figure.
  function hold() {
    if (!state || !figure._fullLayout) return;
    hands.place(state.handles ?? []);
    light(null);
    label();
  }

  function followWidth() {
    if (figure.clientWidth === figure._fullLayout?.width) draw(); // it was hidden for a while
    else if (figure.clientWidth) drawAnew();
  }

  function followColours() {
    if (ltColours(element).ink !== ink) drawAnew();
  }

  const size = new ResizeObserver(followWidth);
  size.observe(figure);
  const theme = new MutationObserver(() => requestAnimationFrame(followColours));
  theme.observe(document.body, {attributes: true, attributeFilter: ["class", "data-jp-theme-name", "data-theme"]});
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", followColours);

  function close() {
    clearTimeout(timer);
    size.disconnect();
    theme.disconnect();
    scheme.removeEventListener("change", followColours);
    Plotly.purge(figure);
  }
  return {show, close};
}
