// What every page does: formulas, and a search over all pages. A plain script: from a file, modules and fetch are blocked.

renderMathInElement(document.body, {
  delimiters: [{left: "$$", right: "$$", display: true}, {left: "$", right: "$", display: false}],
  throwOnError: false,
});

if (matchMedia("(max-width: 60em)").matches) document.querySelector("aside details")?.removeAttribute("open");

{
  const field = document.getElementById("search"), found = document.getElementById("found");
  let sections = null; // [[page, anchor, title, text], ...]

  globalThis.ltSearchIndex = (index) => ((sections = index), search());

  function load() {
    if (document.getElementById("index")) return;
    const script = document.createElement("script");
    Object.assign(script, {id: "index", src: "static/search.js"});
    document.head.append(script);
  }

  function search() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    found.hidden = words.length === 0 || sections === null;
    if (found.hidden) return;
    const hits = sections
      .map((section) => ({section, rank: rank(section, words)}))
      .filter(({rank}) => rank > 0)
      .sort((one, other) => other.rank - one.rank);
    const count = document.createElement("p");
    count.textContent = hits.length === 0 ? "Nothing found." : `${hits.length} section${hits.length > 1 ? "s" : ""} found.`;
    found.replaceChildren(count, ...hits.slice(0, 20).map(({section}) => entry(section, words[0])));
  }

  // Every word must be there; in a title it counts more.
  function rank([, , title, text], words) {
    const [head, rest] = [title.toLowerCase(), text.toLowerCase()];
    if (!words.every((word) => head.includes(word) || rest.includes(word))) return 0;
    return words.reduce((sum, word) => sum + (head.includes(word) ? 10 : 1), 0);
  }

  function entry([page, anchor, title, text], word) {
    const line = document.createElement("p"), link = document.createElement("a"), around = document.createElement("small");
    link.href = `${page}#${anchor}`;
    link.textContent = title;
    const at = Math.max(0, text.toLowerCase().indexOf(word) - 60);
    around.textContent = `${at ? "… " : ""}${text.slice(at, at + 160)} …`;
    line.append(link, around);
    return line;
  }

  field.addEventListener("focus", load);
  field.addEventListener("input", () => (load(), search()));
  field.form.addEventListener("submit", (event) => (event.preventDefault(), found.querySelector("a")?.focus()));
  field.addEventListener("keydown", (event) => event.key === "Escape" && ((field.value = ""), search()));
  found.addEventListener("click", (event) => event.target.closest("a") && (found.hidden = true));
}
