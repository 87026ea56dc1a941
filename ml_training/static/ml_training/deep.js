// The deep training on Settings > ML Model: it goes on beside everything else. Called by ml_model.js.

import { left } from "./time.js";

const box = document.querySelector('[data-ml="deep"]');
const part = (name) => box.querySelector(`[data-ml="deep-${name}"]`);
const shown = { run: null, step: -1, at: 0, progress: 0 };

export function isGoing() { return Boolean(box) && !box.hidden; }

export function showDeep(deep) {
  if (!box) return;
  box.hidden = !deep;
  if (!deep) return;
  if (deep.run_id !== shown.run) Object.assign(shown, { run: deep.run_id, step: -1, at: 0 });
  part("phase").textContent = deep.phase;
  part("words").textContent = deep.words;
  part("time-left").textContent = left(deep.seconds_left);
  const bar = part("progress");
  bar.hidden = deep.status !== "training";
  bar.value = 100 * deep.progress;
}

export function hearDeepProgress(event) {
  if (!isGoing() || event.run_id !== shown.run || event.step <= shown.step) return;
  shown.step = event.step;
  part("phase").textContent = event.phase;
  part("progress").value = 100 * event.progress;
  if (!shown.at) Object.assign(shown, { at: Date.now(), progress: event.progress });
  const done = event.progress - shown.progress;
  if (done > 0.02) part("time-left").textContent = left(((Date.now() - shown.at) / 1000) * ((1 - event.progress) / done));
}

export function onCancel(handle) {
  part("cancel")?.form.addEventListener("submit", (event) => {
    event.preventDefault();
    handle(part("cancel"), event.target);
  });
}
