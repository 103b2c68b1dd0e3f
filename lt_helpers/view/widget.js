// The kernel's side of a chart. Runs after draw.js and compat.js in one module.
//
// The model keeps the whole figure; the kernel sends what changed, numbered. Whoever missed a change asks for all of it.
//
//   from the kernel                               to the kernel
//   {from, version, changes, acknowledge}         {missed: version}                what has changed since that one?
//                                                 {opened: true}, with missed      a page has just come up
//                                                 {drawn: version}                 that one is on the page
//   {answer: number}, with or without changes     {move: {name, value, number}}    a control is being moved (chart.py, follow)
//                                                 {grab: {control, index, x, y, number}}    a handle of the picture is being dragged
//   {copy: text}                                  {copied: true or false}          did the clipboard take it?
//   {select: text}                                                                 it did not, and the lab shows the text by now

const LT_QUIET = 150; // milliseconds after a key or a move of the mouse in which nothing is drawn that nobody asked for
const LT_PATIENCE = 2_000; // milliseconds after which an answer that has not come is not waited for any more
const LT_SLOW = 100; // milliseconds from a move to its answer, from which on the kernel gets one move at a time

const ltWorkarounds = typeof ltCompat === "undefined" ? {} : ltCompat;

// The name of a model that another model refers to.
const ltName = (reference) => reference.replace("IPY_MODEL_", "");

// plotly.js, once a page: the library's widget holds the bundle, compressed, and every chart of the kernel names that widget.
async function ltPlotly(model) {
  const library = await model.widget_manager.get_model(ltName(model.get("library")));
  const name = Symbol.for(`lt_helpers plotly ${library.get("version")}`);
  globalThis[name] ??= ltImport(library.get("bundle"));
  return globalThis[name];
}

// What a compressed script gives to `module.exports`. It is imported like any module, as widgets themselves are: a page may forbid to
// evaluate text.
async function ltImport(bundle) {
  const unpacked = new Blob([bundle]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = await new Response(unpacked).text();
  const source = `const module = {exports: {}};\n${script}\nexport default module.exports;`;
  const address = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  try {
    return (await import(address)).default;
  } finally {
    URL.revokeObjectURL(address);
  }
}

// When a key or the mouse last asked for something, once a page. A drawing that nobody asked for waits until that has been answered.
const ltAsked = (globalThis[Symbol.for("lt_helpers asked")] ??= (() => {
  const asked = {at: -LT_QUIET};
  const note = (event) => event.buttons === 0 || (asked.at = performance.now());
  for (const name of ["keydown", "pointerdown", "pointermove"]) document.addEventListener(name, note, {capture: true, passive: true});
  return asked;
})());

// Moves of controls that come faster than they are drawn. ipywidgets sends the first of them at once, but the next only when the kernel has
// said that it is idle again. The newest one goes here, as soon as an earlier one is answered: two are on their way at a time, one to the
// kernel while it computes the other, or one alone where that takes long.
function ltMoves(send) {
  const out = new Map(); // the moves on their way: from their numbers to when they were sent
  let number = Math.floor(Math.random() * 1e12); // of the last one; other pages of this notebook hear of the answers to it, too
  let newest = null; // {move: {name, value}} or {grab: {control, index, x, y}}, not sent yet
  let took = 0; // milliseconds from the last move that was answered to its answer
  let busy = false; // is a move still to be drawn, whichever way it went?

  function move(name, value) {
    if (busy) {
      newest = {move: {name, value}};
      sendNewest();
    }
    busy = true;
  }

  // A handle was dragged. No control tells the kernel of it: all of these go this way.
  function grab(what) {
    newest = {grab: what};
    sendNewest();
    busy = true;
  }

  function forgetLost() {
    const now = performance.now();
    for (const [lost, at] of out) if (now - at > LT_PATIENCE) out.delete(lost);
  }

  // Is one still to be answered?
  function waits() {
    forgetLost();
    return out.size > 0;
  }

  function sendNewest() {
    forgetLost();
    const room = took > LT_SLOW ? 1 : 2;
    if (newest === null || out.size >= room) return;
    number++;
    out.set(number, performance.now());
    const [[kind, what]] = Object.entries(newest);
    send({[kind]: {...what, number}});
    newest = null;
  }

  function answer(which) {
    if (!out.has(which)) return;
    took = performance.now() - out.get(which);
    out.delete(which);
    sendNewest();
    rest();
  }

  // Something was drawn.
  function rest() {
    busy = out.size > 0;
  }

  return {move, grab, answer, rest, waits};
}

// Selects the text that a lab shows for copying by hand. What has the keyboard keeps it.
function ltSelect(text, elements) {
  const labs = elements.map((element) => ltAround(element, text)).filter(Boolean);
  const focused = document.activeElement;
  const lab = labs.find((one) => one.contains(focused)) ?? labs[0];
  if (!lab) return;
  document.getSelection().selectAllChildren(ltShown(lab, text));
  if (document.activeElement !== focused) focused.focus({preventScroll: true});
}

// The smallest part of the page around a chart in which the text is shown.
function ltAround(element, text) {
  let lab = element;
  while (lab && !ltShown(lab, text)) lab = lab.parentElement;
  return lab;
}

function ltShown(lab, text) {
  return [...lab.querySelectorAll(".lt-copied")].find((shown) => shown.textContent.includes(text));
}

export default () => {
  let state; // {version, data, layout, words, error, quiet}
  let moves;
  const views = new Map(); // from their elements
  const followed = new Set();

  function change({path, value}) {
    if (path.length === 0) return void (state = value);
    const parent = path.slice(0, -1).reduce((item, key) => item[key], state);
    parent[path.at(-1)] = value;
  }

  function initialize({model}) {
    state = model.get("state");
    moves = ltMoves((message) => model.send(message));

    function show({version, changes, acknowledge}) {
      const paths = changes.map(({path}) => path);
      views.forEach((view) => view.show(state, paths));
      moves.rest();
      if (acknowledge) requestAnimationFrame(() => model.send({drawn: version}));
    }

    function take(message) {
      if (message.from !== null && message.from !== state.version) return model.send({missed: state.version});
      message.changes.forEach(change);
      state.version = message.version;
      const wait = message.acknowledge ? LT_QUIET - (performance.now() - ltAsked.at) : 0;
      wait > 0 ? setTimeout(show, wait, message) : show(message);
    }

    async function copy(text) {
      if (!document.hasFocus()) return; // this notebook is open in another page as well, where the button was pressed
      try {
        await navigator.clipboard.writeText(text);
        model.send({copied: true});
      } catch {
        model.send({copied: false});
      }
    }

    function select(text) {
      if (document.hasFocus()) requestAnimationFrame(() => ltSelect(text, [...views.keys()]));
    }

    model.on("msg:custom", (message) => {
      if ("answer" in message) moves.answer(message.answer); // first: the kernel computes the next figure while the page draws this one
      if ("changes" in message) take(message);
      if ("copy" in message) copy(message.copy);
      if ("select" in message) select(message.select);
    });
    model.on("change:controls", () => views.size && follow(model));

    // In case the figure moved on between the state's sending and now.
    Promise.resolve(ltWorkarounds.listen?.(model)).finally(() => model.send({missed: state.version, opened: true}));
    ltWorkarounds.showAgain?.(model.widget_manager);
  }

  // From now on, hear of every move of the controls.
  function follow(model) {
    for (const [name, {control, trait}] of Object.entries(model.get("controls"))) {
      if (followed.has(control)) continue;
      followed.add(control);
      model.widget_manager.get_model(ltName(control)).then((one) =>
        one.on(`change:${trait}`, (_, value, options) => {
          if (ltWorkarounds.byHand?.(options) ?? true) moves.move(name, value);
        }),
      );
    }
  }

  async function render({model, el}) {
    try {
      const view = ltChart(await ltPlotly(model), el, moves.grab, moves.waits);
      views.set(el, view);
      view.show(state);
      model.send({drawn: state.version});
      follow(model);
      requestAnimationFrame(() => ltWorkarounds.helpKeys?.(el));
      return () => {
        views.delete(el);
        view.close();
      };
    } catch (error) {
      el.textContent = `The chart could not be drawn (${error.message}). Reload the page; if that does not help, restart the kernel.`;
      throw error;
    }
  }
  return {initialize, render};
};
