// The colours that the reader chose on another page, before anything is drawn. A script of its own, since a page allows none within it.
try {
  document.body.dataset.theme = localStorage.getItem("theme") ?? "auto";
} catch {
  document.body.dataset.theme = "auto"; // a browser may keep nothing
}
