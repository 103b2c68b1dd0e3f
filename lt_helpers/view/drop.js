// A place for a file. It can be chosen, or dropped: on this place, or anywhere on the lab around it. What is in it goes to the kernel as it
// is; nothing of it is put into the page, and its name and its path stay here.
//
//   to the kernel
//   {size}, and the bytes in a buffer      what is in the file; no buffer where it is larger than `most`
//   {several: count}                       more than one was dropped
//   {unreadable: true}                     it cannot be read: a folder, or a file that is gone

export default () => ({
  render({model, el}) {
    const place = document.createElement("label");
    const input = document.createElement("input");
    const words = document.createElement("span");
    place.className = "lt-drop";
    input.type = "file";
    input.setAttribute("accept", ".csv,.tsv,.txt,text/csv,text/tab-separated-values,text/plain");
    words.textContent = model.get("label");
    place.append(words, input);
    el.append(place);

    async function take(files) {
      if (files.length > 1) return model.send({several: files.length});
      const [file] = files;
      if (!file) return;
      if (file.size > model.get("most")) return model.send({size: file.size});
      try {
        model.send({size: file.size}, undefined, [await file.arrayBuffer()]);
      } catch {
        model.send({unreadable: true});
      }
    }

    input.addEventListener("change", () => {
      take([...input.files]);
      input.value = ""; // the same file may be chosen again, once it is mended
    });

    // Is it a file, and above the lab? A page that is not told otherwise leaves for the file.
    const isHere = (event) => {
      const lab = place.closest(".jp-OutputArea-output") ?? place;
      return lab.contains(event.target) && [...(event.dataTransfer?.types ?? [])].includes("Files");
    };
    const over = (event) => {
      const here = isHere(event);
      place.classList.toggle("lt-over", here);
      if (here) event.preventDefault();
    };
    const leave = () => place.classList.toggle("lt-over", false);
    const drop = (event) => {
      leave();
      if (!isHere(event)) return;
      event.preventDefault();
      event.stopPropagation();
      take([...event.dataTransfer.files]);
    };
    const heard = {dragover: over, dragleave: leave, drop};
    for (const [name, act] of Object.entries(heard)) document.addEventListener(name, act, true);
    return () => {
      for (const [name, act] of Object.entries(heard)) document.removeEventListener(name, act, true);
    };
  },
});
