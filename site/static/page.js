// What a page does when it is there: its formulas, and what it says where it was opened as a file.

// Those of the text stand between \( and \), those in the summary of something folded between dollars.
renderMathInElement(document.querySelector("article"), {
  delimiters: [
    {left: "\\[", right: "\\]", display: true},
    {left: "\\(", right: "\\)", display: false},
    {left: "$", right: "$", display: false},
  ],
  throwOnError: false,
});

const isFile = location.protocol === "file:";
for (const note of document.querySelectorAll(".from-file")) note.hidden = !isFile;

// The page of the search: Pagefind fetches its index, which a page that is opened as a file cannot.
const search = document.getElementById("searched");
if (search && !isFile) {
  search.replaceChildren();
  const ui = new PagefindUI({element: search, showSubResults: true, showImages: false, autofocus: true});
  const asked = new URLSearchParams(location.search).get("q");
  if (asked) ui.triggerSearch(asked);
}
