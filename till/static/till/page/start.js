// Says so if the page does not start: a classic script, which works where the modules do not.

const SECONDS = 10;

setTimeout(() => {
  const body = document.body;
  if (body.dataset.started === "true") return;
  const words = JSON.parse(document.getElementById("till-words").textContent);
  document.querySelector("[data-till-fault-words]").textContent = words.not_started;
  document.querySelector("[data-till-fault]").hidden = false;
}, SECONDS * 1000);
