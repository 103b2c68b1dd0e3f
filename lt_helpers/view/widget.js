// The kernel's side of a chart. Runs after draw.js in one module.
//
// The model keeps the whole figure; the kernel sends what changed, numbered. Whoever missed a change asks for all of it.

// plotly.js, once a page: the library's widget holds the bundle, compressed, and every chart of the kernel names that widget.
async function ltPlotly(model) {
  const library = await model.widget_manager.get_model(model.get("library").replace("IPY_MODEL_", ""));
  const name = Symbol.for(`lt_helpers plotly ${library.get("version")}`);
  globalThis[name] ??= (async () => {
    const unpacked = new Blob([library.get("bundle")]).stream().pipeThrough(new DecompressionStream("gzip"));
    const module = {exports: {}};
    new Function("module", await new Response(unpacked).text())(module);
    return module.exports;
  })();
  return globalThis[name];
}

// When a key or the mouse last asked for something, once a page. A drawing that nobody asked for waits until that has been answered.
const ltAnswer = 150; // milliseconds
const ltAsked = (globalThis[Symbol.for("lt_helpers asked")] ??= (() => {
  const asked = {at: -ltAnswer};
  const note = (event) => event.buttons === 0 || (asked.at = performance.now());
  for (const name of ["keydown", "pointerdown", "pointermove"]) document.addEventListener(name, note, {capture: true, passive: true});
  return asked;
})());

// ipywidgets gives the handles of its sliders no name for screen readers; their labels stand beside them. JupyterLab takes the keys that a
// list needs for shortcuts of its own (the arrows leave for another cell, "d" twice deletes this one), unless the list says no.
function ltHelpKeys(lab) {
  for (const list of lab?.querySelectorAll("select") ?? []) list.dataset.lmSuppressShortcuts = "true";
  for (const slider of lab?.querySelectorAll(".widget-slider") ?? [])
    slider.querySelector(".noUi-handle")?.setAttribute("aria-label", slider.querySelector(".widget-label").textContent);
}

// anywidget drops every message to a model that a busy page took more than two seconds to bring up, for as long as the page lives. When this
// runs the model is up, however long that took: from here on the comm's messages go past that gate, to what all widgets do with them.
async function ltListen(model) {
  const own = await model.widget_manager.get_model(model.get("name"));
  const handle = Object.getPrototypeOf(Object.getPrototypeOf(own))._handle_comm_msg;
  if (handle) own.comm?.on_msg((message) => handle.call(own, message));
}

// JupyterLab waits two seconds for the model of an output. If that comes up in the last moment, as after a reload on a busy machine, the page
// can say "model not found" for good (ipywidgets, issue 4026). Then every output whose model is there and has no view is shown once more.
function ltShowAgain(manager) {
  const said = [...document.querySelectorAll(".jp-OutputArea-output")].map((output) => output.textContent);
  if (!said.includes("Error displaying widget: model not found")) return;
  for (const {outputs} of manager.context?.model.cells ?? [])
    for (let index = 0; index < (outputs?.length ?? 0); index++) {
      const output = outputs.get(index).toJSON();
      const name = output.data?.["application/vnd.jupyter.widget-view+json"]?.model_id;
      if (manager.has_model(name))
        manager.get_model(name).then((model) => Object.keys(model.views).length > 0 || outputs.set(index, output));
    }
}

export default () => {
  let state; // {version, data, layout, words, error}
  const views = new Set();

  function change({path, value}) {
    if (path.length === 0) return void (state = value);
    const parent = path.slice(0, -1).reduce((item, key) => item[key], state);
    parent[path.at(-1)] = value;
  }

  function initialize({model}) {
    state = model.get("state");
    function show(message) {
      const paths = message.changes.map(({path}) => path);
      views.forEach((view) => view.show(state, paths));
      if (message.acknowledge) requestAnimationFrame(() => model.send({drawn: message.version}));
    }
    model.on("msg:custom", (message) => {
      if (message.from !== null && message.from !== state.version) return model.send({missed: state.version});
      message.changes.forEach(change);
      state.version = message.version;
      const wait = message.acknowledge ? ltAnswer - (performance.now() - ltAsked.at) : 0;
      wait > 0 ? setTimeout(show, wait, message) : show(message);
    });
    // In case the figure moved on between the state's sending and now.
    ltListen(model).finally(() => model.send({missed: state.version}));
    for (const wait of [500, 3_000, 10_000]) setTimeout(ltShowAgain, wait, model.widget_manager);
  }

  async function render({model, el}) {
    try {
      const view = ltChart(await ltPlotly(model), el);
      views.add(view);
      view.show(state);
      model.send({drawn: state.version});
      requestAnimationFrame(() => ltHelpKeys(el.closest(".jp-OutputArea-output")));
      return () => (views.delete(view), view.close());
    } catch (error) {
      el.textContent = `The chart could not be drawn (${error.message}). Reload the page; if that does not help, restart the kernel.`;
      throw error;
    }
  }
  return {initialize, render};
};
