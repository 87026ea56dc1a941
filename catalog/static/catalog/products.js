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
  });
}

function numberPlaces(grid) {
  grid.querySelectorAll(".photo-position input").forEach((input, place) => { input.value = place; });
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
  document.querySelectorAll("input[name=new_photos]").forEach(acceptDrops);
  document.querySelectorAll("[data-photos]").forEach((section) => {
    if (section.querySelector(".photo-position input")) makeSortable(section);
  });
});
