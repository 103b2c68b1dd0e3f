// What ipywidgets, anywidget and JupyterLab lack or get wrong, made up for with parts of them that are private: their class names in the page,
// methods and fields that no documentation names. The chart works without this file, less robustly (widget.js asks whether it is there). To do
// without it, delete it and its name in chart.py. Each part says what it is for, and which change elsewhere would make it superfluous.

const ltCompat = {
  // anywidget drops every message to a model that a busy page took more than two seconds to bring up, for as long as the page lives: its gate,
  // made for anywidget's issue 803 (pull request 804), is closed for good then. This runs once the model is up, however long that took: from
  // here on the comm's messages go past the gate, to what all widgets do with them. Superfluous once the gate opens late as well; no issue known.
  async listen(model) {
    const own = await model.widget_manager.get_model(model.get("name"));
    const handle = Object.getPrototypeOf(Object.getPrototypeOf(own))._handle_comm_msg;
    if (handle) own.comm?.on_msg((message) => handle.call(own, message));
  },

  // Has the user changed a control in this page, rather than the kernel, or another page by way of it? Backbone, under ipywidgets, hands on
  // the options of the call that set a value, and the controls' own views set theirs with this one. No issue known.
  byHand(options) {
    return options?.updated_view !== undefined;
  },

  // JupyterLab waits two seconds for the model of an output. If that comes up in the last moment, as after a reload on a busy machine, the
  // page can say "model not found" for good (ipywidgets, issue 4026). Then every output whose model is there and has no view is shown again.
  showAgain(manager) {
    const look = () => {
      const said = [...document.querySelectorAll(".jp-OutputArea-output")].map((output) => output.textContent);
      if (!said.includes("Error displaying widget: model not found")) return;
      for (const {outputs} of manager.context?.model.cells ?? [])
        for (let index = 0; index < (outputs?.length ?? 0); index++) {
          const output = outputs.get(index).toJSON();
          const name = output.data?.["application/vnd.jupyter.widget-view+json"]?.model_id;
          if (manager.has_model(name))
            manager.get_model(name).then((model) => Object.keys(model.views).length > 0 || outputs.set(index, output));
        }
    };
    for (const wait of [500, 3_000, 10_000]) setTimeout(look, wait);
  },

  // What the controls of a lab lack, now and whenever others take their place.
  helpKeys(element) {
    const lab = element.closest(".jp-OutputArea-output");
    const places = lab?.querySelectorAll(".lt-above, .lt-controls") ?? [];
    const observer = new MutationObserver(() => this.help(lab));
    for (const place of places) observer.observe(place, {childList: true, subtree: true});
    this.help(lab);
  },

  help(lab) {
    // JupyterLab takes the keys that a list or a slider needs for shortcuts of its own (the arrows leave for another cell, "d" twice deletes
    // this one), unless the element says no. ipywidgets could say so for all its controls; no issue known.
    for (const control of lab?.querySelectorAll("select, .noUi-handle") ?? []) control.dataset.lmSuppressShortcuts = "true";

    // A widget of text has no way to say that screen readers are to read out what changes in it. No issue known.
    for (const story of lab?.querySelectorAll(".lt-story, .lt-noted") ?? []) story.setAttribute("aria-live", "polite");

    // ipywidgets gives the handles of its sliders no name for screen readers; their labels stand beside them. The library of its sliders can
    // do it (noUiSlider, issues 1019 and 1223: `handleAttributes`); ipywidgets does not ask it to, and no issue of its own is known.
    for (const slider of lab?.querySelectorAll(".widget-slider") ?? [])
      slider.querySelector(".noUi-handle")?.setAttribute("aria-label", slider.querySelector(".widget-label").textContent);
  },
};
