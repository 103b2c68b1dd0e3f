// Live labs and exercises on a page of the site. A lab is drawn at once from what was computed beforehand (lab.js). When the reader comes near,
// a worker starts the package itself (worker.js, engine.py), and the lab of the notebook, with all its controls, takes the drawing's place. If
// that cannot be, the page stays as it was and says why. A plain script, after the page's own `ltPageNow = {files, labs, exercises}`.

(() => {
  const BASE = new URL(".", document.currentScript.src).href;
  const {files, labs, exercises} = globalThis.ltPageNow;
  const NEAR = "800px"; // how far below the window a lab is when its page wakes the worker
  const FIRST = 3_000; // milliseconds that the worker leaves to a drawing that was computed beforehand, which is to come first
  const SETTLED = 500; // milliseconds after the last touch of a lab when the address follows it
  const LONGEST = 10_000; // milliseconds that an exercise may run
  const WORDS = {
    drawn: "Computed beforehand, for these controls.",
    picture: "A picture of the lab.",
    waiting: (still) => `${still} All controls come with the lab's engine.`,
    thrifty: (still, all) => `${still} All controls come with the lab's engine, ${all} MB.`,
    loading: (still, now, all) => `${still} All controls are on their way: ${now} of ${all} MB.`,
    starting: (still) => `${still} All controls are here in a few seconds.`,
    again: "The lab's engine starts again. The lab comes back as it is.",
    live: "Live: it computes in this page. Once you have moved something, the page's address opens it as it stands.",
    failed: (why, still) => `${still} All controls could not be brought here: ${why}`,
    lost: (why) => `The lab's engine has stopped: ${why}`,
    unreachable: (file) => `the connection broke off at ${file}.`,
    missing: (file) => `the server has no ${file}.`,
    damaged: (file) => `${file} came damaged.`,
    stopped: (said) => `it stopped with “${said}”.`,
    file: "this page was opened as a file. Served by a web server (python3 serve.py, beside it), its labs are live.",
    old: "this browser has no WebAssembly, which they need.",
    load: "Load it",
    retry: "Try again",
    link: (said) => `What the address says of this lab does not open it: ${said}`,
    bar: "What has come of the lab's engine",
    write: "Write it here",
    check: "Check",
    anew: "Begin anew",
    editor: "Your code. Escape, then Tab, leaves the editor.",
    checking: "Trying it …",
    bringing: (now, all) => `Python is on its way: ${now} of ${all} MB.`,
    unable: (why) => `It could not be checked: ${why}`,
    endless: "Stopped: it ran for more than ten seconds. Does a loop in it never end? Python starts again; your code stays.",
    nothing: "Nothing was printed.",
    forgotten: "This browser does not keep what you write here: copy it before you close the page.",
    twice: "This exercise is open in another tab as well. What is kept is what was written last.",
  };
  const ALL = Object.values(files).reduce((sum, {bytes}) => sum + bytes, 0);
  const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

  class Failure extends Error {
    constructor(kind, what = "") {
      super(typeof WORDS[kind] === "string" ? WORDS[kind] : WORDS[kind](what));
    }
  }

  // An element of a kind, with these properties, in a parent.
  function element(parent, kind, properties = {}) {
    const made = Object.assign(document.createElement(kind), properties);
    parent.append(made);
    return made;
  }

  const scripts = new Map();
  function script(address) {
    if (!scripts.has(address))
      scripts.set(address, new Promise((resolve, reject) => {
        const lost = () => (scripts.delete(address), reject(new Failure("unreachable", address.split("/").at(-1))));
        element(document.head, "script", {src: address, onload: resolve, onerror: lost});
      }));
    return scripts.get(address);
  }

  async function frontEnd() {
    if (!document.querySelector(`link[href="${BASE}engine.css"]`)) {
      const style = Object.assign(document.createElement("link"), {rel: "stylesheet", href: `${BASE}engine.css`});
      document.head.prepend(style); // the site's own style sheet has the last word
    }
    await Promise.all([script(`${BASE}widgets.js`), globalThis.Plotly ?? script(`${BASE}../static/lab.js`)]);
    globalThis[Symbol.for(`lt_helpers plotly ${Plotly.version}`)] ??= Plotly; // what widget.js looks for
  }

  // The page's end of the channel of one widget, as the front end of ipywidgets wants it.
  class Comm {
    constructor(id, post) {
      Object.assign(this, {comm_id: id, target_name: "jupyter.widget", post, early: []});
    }
    send(data, callbacks, metadata, buffers = []) {
      return this.post({comm_id: this.comm_id, data}, buffers, callbacks);
    }
    open() {}
    close() {}
    on_msg(callback) {
      this.hear = callback;
      this.early.splice(0).forEach(callback);
    }
    on_close(callback) {
      this.end = callback;
    }
    receive(message) {
      this.hear ? this.hear(message) : this.early.push(message);
    }
  }

  // The models and views of the widgets of one life of the worker.
  function managerOf({base, controls, anywidget, ManagerBase}) {
    const modules = {"@jupyter-widgets/base": base, "@jupyter-widgets/controls": controls, anywidget};
    class Manager extends ManagerBase {
      async loadClass(name, module) {
        if (!modules[module]?.[name]) throw new Error(`there is no ${name} in ${module}`);
        return modules[module][name];
      }
      async _create_comm() {
        throw new Error("a page opens no channels");
      }
      async _get_comm_info() {
        return {};
      }
    }
    return new Manager();
  }

  // One life of the worker: `ready`, a promise of the manager; `ask`, a function of engine.py called there; `end`. `progress` hears of the bytes
  // that have come, and `gone` of an end that nobody asked for.
  function begin(progress, gone) {
    const worker = new Worker(`${BASE}worker.js`);
    const [asked, sent, comms] = [new Map(), new Map(), new Map()];
    const early = []; // messages of widgets that came before there was a manager
    let number = 0;
    let manager, start;

    const started = new Promise((resolve, reject) => (start = {resolve, reject}));

    function lost(failure) {
      worker.terminate();
      start.reject(failure);
      for (const {reject} of asked.values()) reject(failure);
      asked.clear();
      gone(failure);
    }

    worker.addEventListener("error", ({message}) => lost(message ? new Failure("stopped", message) : new Failure("missing", "worker.js")));
    const ready = Promise.all([started, frontEnd()]).then(() => {
      manager = managerOf(globalThis.ltWidgets);
      early.splice(0).forEach(take);
      return manager;
    });
    ready.catch(lost);

    function post(content, buffers, callbacks) {
      sent.set(++number, callbacks);
      worker.postMessage({comm: JSON.stringify({content}), buffers, number});
      return String(number);
    }

    function take(sent) {
      if (!manager) return early.push(sent);
      const {comm, buffers} = sent;
      const message = {...JSON.parse(comm), buffers: buffers.map(({buffer, byteOffset, length}) => new DataView(buffer, byteOffset, length))};
      const id = message.content.comm_id;
      const kind = message.header.msg_type;
      if (kind === "comm_open") {
        comms.set(id, new Comm(id, post));
        manager.handle_comm_open(comms.get(id), message);
      } else if (kind === "comm_close") {
        comms.get(id)?.end?.(message);
        comms.delete(id);
      } else comms.get(id)?.receive(message);
    }

    // ipywidgets sends the next value of a control once it hears that the last one has been dealt with.
    function rest(which) {
      const callbacks = sent.get(which);
      sent.delete(which);
      callbacks?.iopub?.status?.({content: {execution_state: "idle"}});
    }

    worker.addEventListener("message", ({data}) => {
      if (data.ready) start.resolve();
      if (data.failed) lost(new Failure(data.failed.kind, data.failed.file));
      if ("loaded" in data) progress(data.loaded);
      if ("comm" in data) take(data);
      if ("idle" in data) rest(data.idle);
      if ("begun" in data) asked.get(data.begun)?.begun?.();
      if ("answer" in data) asked.get(data.number)?.resolve(data.answer);
      if ("wrong" in data) asked.get(data.number)?.reject(new Failure("stopped", data.wrong));
      if ("answer" in data || "wrong" in data) asked.delete(data.number);
    });

    async function ask(name, values, begun) {
      await ready;
      return new Promise((resolve, reject) => {
        asked.set(++number, {resolve, reject, begun});
        worker.postMessage({ask: name, with: values, number});
      });
    }

    function end() {
      worker.terminate();
      for (const {reject} of asked.values()) reject(new Failure("stopped", "it was ended"));
      asked.clear();
    }

    worker.postMessage({begin: files});
    return {ready, ask, end};
  }

  let kernel = null; // the present life of the worker; one for the page
  let loaded = 0;
  const places = []; // of the labs
  const listeners = new Set(); // who says how far the loading is

  function wake() {
    if (kernel) return kernel;
    loaded = 0;
    const mine = begin(
      (bytes) => {
        loaded = bytes;
        for (const listen of listeners) listen();
      },
      (failure) => {
        if (kernel !== mine) return;
        kernel = null;
        for (const place of places) place.lose(failure);
      },
    );
    return (kernel = mine);
  }

  // Why no worker can start here; null where one can.
  function hindrance() {
    if (location.protocol === "file:") return new Failure("file");
    if (typeof WebAssembly !== "object") return new Failure("old");
    return null;
  }

  // The place of one lab on the page.
  function placeOf(root, name, {kind, values}) {
    const still = "live" in root.dataset ? WORDS.picture : WORDS.drawn;
    const note = root.parentElement.querySelector(":scope > .note") ?? element(root.parentElement, "p", {className: "note"});
    note.classList.add("lt-engine");
    let shown = null; // what is on the page of it: the box, its view, and the life of the worker to which they belong
    let opening = null; // the life of the worker in which it is open, or opens

    function say(words, button, press) {
      note.textContent = words;
      if (!button) return;
      note.append(" ");
      element(note, "button", {type: "button", textContent: button}).addEventListener("click", press);
    }

    // How far it is.
    function tell() {
      if (opening === null || shown?.kernel === opening) return;
      if (shown) say(WORDS.again);
      else if (loaded < ALL) {
        say(WORDS.loading(still, megabytes(loaded), megabytes(ALL)));
        element(note, "progress", {max: ALL, value: loaded, ariaLabel: WORDS.bar});
      } else say(WORDS.starting(still));
    }

    async function open() {
      const mine = wake();
      if (opening === mine) return;
      opening = mine;
      if (shown) shown.box.inert = true;
      tell();
      try {
        const manager = await mine.ready;
        const moved = root.ltState?.() ?? null;
        const asked = [name, kind, JSON.stringify(values), place.link, JSON.stringify(moved)];
        const {model, refused} = JSON.parse(await mine.ask("open_lab", asked));
        await show(await manager.create_view(await manager.get_model(model)), mine);
        say(refused ? WORDS.link(refused) : WORDS.live);
      } catch (error) {
        if (opening === mine) lose(error);
      }
    }

    // It will not come, or has gone.
    function lose(error) {
      if (opening === null) return;
      opening = null;
      if (shown) shown.box.inert = true;
      say(shown ? WORDS.lost(error.message) : WORDS.failed(error.message, still), WORDS.retry, open);
    }

    // It is drawn unseen, and then takes the place of what was there.
    async function show(view, mine) {
      const box = document.createElement("div");
      box.className = "lt-live jp-OutputArea-output"; // compat.js finds a lab by the second one
      box.inert = true;
      const before = shown?.box ?? root;
      before.after(box);
      globalThis.ltWidgets.attach(view.luminoWidget, box);
      await drawn(box);
      if (opening !== mine) return box.remove();

      const focused = before.contains(document.activeElement);
      if (shown) {
        shown.view.remove();
        before.remove();
      } else {
        root.hidden = true;
        root.ltClose?.();
        root.replaceChildren();
      }
      box.inert = false;
      box.classList.add("lt-here");
      for (const remark of document.querySelectorAll(".lt-elsewhere")) remark.hidden ||= remark.dataset.labs.split(" ").includes(name);
      shown = {box, view, kernel: mine};
      if (focused) box.querySelector(".noUi-handle, button:not(:disabled), select")?.focus({preventScroll: true});
      for (const kind of ["pointerup", "keyup", "change"]) box.addEventListener(kind, touch, {capture: true, passive: true});
    }

    function touch() {
      place.touched = true;
      follow();
    }

    const place = {
      name, root, open, say, lose, still,
      link: "", // its state, as the address has it, where it is no more as the notebook opens it
      touched: false,
      isOpen: () => opening !== null,
      again() {
        opening = null;
        return open();
      },
    };
    listeners.add(tell);
    return place;
  }

  const passed = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  // When the drawing in a lab's place is there; where there is a picture, at once.
  const isDrawn = (root) => ("lab" in root.dataset ? drawn(root) : Promise.resolve());

  // When a lab is drawn: its chart has come, and the browser has shown it once.
  function drawn(box) {
    return new Promise((resolve) => {
      const look = () => box.querySelector(".main-svg") && (watch.disconnect(), requestAnimationFrame(() => resolve()));
      const watch = new MutationObserver(look);
      watch.observe(box, {childList: true, subtree: true});
      look();
    });
  }

  // An exercise: the cell in which it stands becomes an editor, with a button that checks what is written.
  function exerciseOf(shown, {attempt, cells, verdict}, number) {
    const key = `lt_helpers ${location.pathname} ${number}`;
    const box = document.createElement("div");
    box.className = "lt-exercise";
    shown.after(box);
    const row = element(box, "div", {className: "lt-row"});
    const said = element(box, "pre", {className: "lt-verdict", hidden: true});
    said.setAttribute("role", "status");
    const keeping = element(box, "p", {className: "note", hidden: true}); // what becomes of the code, where that is not as expected
    keeping.setAttribute("role", "status");
    let editor = null;
    let checking = false;

    function button(name, press) {
      const made = element(row, "button", {type: "button", textContent: name});
      made.addEventListener("click", press);
      return made;
    }

    function say(words) {
      said.hidden = words === "";
      said.textContent = words;
    }

    function warn(words) {
      keeping.hidden = words === "";
      keeping.textContent = words;
    }

    addEventListener("storage", ({key: written}) => written === key && editor && warn(WORDS.twice));

    const write = button(WORDS.write, async () => {
      try {
        await script(`${BASE}editor.js`);
      } catch (failure) {
        return say(WORDS.unable(failure.message));
      }
      shown.hidden = true;
      write.remove();
      const {EditorView, keymap, indentWithTab, extensions, oneDark} = globalThis.ltEditor;
      const keys = keymap.of([{key: "Mod-Enter", run: () => (check(), true)}, indentWithTab]);
      const changed = EditorView.updateListener.of(({docChanged, state}) => docChanged && warn(keep(key, state.doc.toString()) ? "" : WORDS.forgotten));
      const {theme} = document.body.dataset; // what the reader chose on the site: light, dark, or as the system has it
      const dark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
      const colours = dark ? [oneDark] : [];
      editor = new EditorView({
        doc: kept(key) ?? attempt,
        extensions: [keys, ...extensions, ...colours, changed, EditorView.contentAttributes.of({"aria-label": WORDS.editor})],
      });
      box.prepend(editor.dom);
      button(WORDS.check, check);
      button(WORDS.anew, () => {
        editor.dispatch({changes: {from: 0, to: editor.state.doc.length, insert: attempt}});
        say("");
      });
      editor.focus();
    });

    async function check() {
      if (checking) return;
      checking = true;
      const mine = wake();
      const tell = () => say(WORDS.bringing(megabytes(loaded), megabytes(ALL)));
      listeners.add(tell);
      let timer = 0;
      let endless = false;
      try {
        tell();
        await mine.ready;
        listeners.delete(tell);
        say(WORDS.checking);
        await readLinks(); // should this be the end of the worker, the labs come back as they are now
        const begun = () => (timer = setTimeout(() => ((endless = true), restart(mine)), LONGEST));
        const answer = await mine.ask("check", [JSON.stringify(cells), editor.state.doc.toString(), verdict], begun);
        say(answer.trim() || WORDS.nothing);
      } catch (failure) {
        say(endless ? WORDS.endless : WORDS.unable(failure.message));
      } finally {
        clearTimeout(timer);
        listeners.delete(tell);
        checking = false;
      }
    }
  }

  // What was written, over a reload of the page. A browser may keep nothing, or have no room for more.
  function kept(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  }

  function keep(key, text) {
    try {
      localStorage.setItem(key, text);
      return true;
    } catch {
      return false;
    }
  }

  // The worker anew, and in it the labs as they were.
  function restart(mine) {
    if (kernel !== mine) return;
    kernel = null;
    mine.end();
    for (const place of places) if (place.isOpen()) place.again();
  }

  // The address follows the labs that were touched.
  let due = 0;
  function follow() {
    clearTimeout(due);
    due = setTimeout(async () => {
      await readLinks().catch(() => {});
      const pairs = places.filter((place) => place.touched && place.link).map(({name, link}) => `${name}=${link}`);
      if (pairs.length) history.replaceState(history.state, "", `#${pairs.join("&")}`);
    }, SETTLED);
  }

  async function readLinks() {
    if (!kernel) return;
    const links = JSON.parse(await kernel.ask("links", []));
    for (const place of places) if (links[place.name]) place.link = links[place.name];
  }

  // The labs of which the address speaks take their states from it.
  function obey() {
    const said = new Map(location.hash.slice(1).split("&").map((pair) => pair.split("=")).filter((pair) => pair.length === 2));
    const meant = places.filter(({name}) => said.has(name));
    for (const place of meant) {
      place.link = said.get(place.name);
      place.touched = true;
      place.again();
    }
    meant.at(-1)?.root.parentElement.scrollIntoView();
  }

  for (const [name, lab] of Object.entries(labs))
    for (const root of document.querySelectorAll(`[data-lab="${name}"], [data-live="${name}"]`)) places.push(placeOf(root, name, lab));

  const hindered = hindrance();
  const code = [...document.querySelectorAll(".highlight")];
  exercises.forEach((exercise, number) => {
    const shown = code.find(({textContent}) => textContent.trim() === exercise.attempt.trim());
    if (shown && !hindered) exerciseOf(shown, exercise, number);
  });
  if (hindered) for (const place of places) place.say(WORDS.failed(hindered.message, place.still));
  else {
    const near = new IntersectionObserver((entries) => {
      for (const {isIntersecting, target} of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        const place = places.find(({root}) => root.parentElement === target);
        if (navigator.connection?.saveData && !place.isOpen()) place.say(WORDS.thrifty(place.still, megabytes(ALL)), WORDS.load, place.open);
        else Promise.race([isDrawn(place.root), passed(FIRST)]).then(place.open);
      }
    }, {rootMargin: NEAR});
    for (const place of places) {
      place.say(WORDS.waiting(place.still));
      near.observe(place.root.parentElement);
    }
    obey();
    addEventListener("hashchange", obey);
  }
})();
