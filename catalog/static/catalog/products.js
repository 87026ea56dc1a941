// Product form: drop photos on "Add photos", drag photo cards into another order.
// Without this script the file input and the "Place" numbers do the same work.

function acceptDrops(input) {
  const area = input.closest(".form-row") ?? input.parentElement;
  const mark = (over) => area.classList.toggle("is-over", over);
  area.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    mark(true);
  });
  area.addEventListener("dragleave", () => mark(false));
  area.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    mark(false);
    const all = new DataTransfer();
    for (const file of [...input.files, ...event.dataTransfer.files]) all.items.add(file);
    input.files = all.files;
    input.dispatchEvent(new Event("change"));
  });
}

// More files than the server takes in one request would lose the whole form.
function limitNumber(input) {
  const most = Number(input.dataset.most);
  input.addEventListener("change", () => {
    const tooMany = input.files.length > most;
    input.setCustomValidity(tooMany ? `Choose at most ${most} photos at once, not ${input.files.length}.` : "");
    input.reportValidity();
  });
  input.form.addEventListener("submit", (event) => {
    if (!input.reportValidity()) event.preventDefault();
  });
}

function numberPlaces(grid) {
  grid.querySelectorAll(".photo-position input:not([type=hidden])").forEach((input, place) => { input.value = place; });
}

function makeSortable(section) {
  const grid = section.querySelector(".photo-grid");
  let dragged = null;
  section.dataset.draggable = "";
  for (const card of grid.querySelectorAll("[data-photo]")) {
    card.draggable = true;
    card.addEventListener("dragstart", () => { dragged = card; card.classList.add("is-dragged"); });
    card.addEventListener("dragend", () => { card.classList.remove("is-dragged"); dragged = null; });
    card.addEventListener("dragover", (event) => {
      if (!dragged || dragged === card) return;
      event.preventDefault();
      const box = card.getBoundingClientRect();
      const after = event.clientX > box.left + box.width / 2;
      card[after ? "after" : "before"](dragged);
      numberPlaces(grid);
    });
  }
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("input[name=new_photos]").forEach((input) => {
    acceptDrops(input);
    limitNumber(input);
  });
  document.querySelectorAll("[data-photos]").forEach((section) => {
    if (section.querySelector(".photo-position input:not([type=hidden])")) makeSortable(section);
  });
});
