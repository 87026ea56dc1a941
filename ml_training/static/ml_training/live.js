// What pushes change on Settings > ML Model between two renderings: the badge, and the bars of both kinds of runs.

import { left } from "./time.js";

const page = document.querySelector("[data-ml-page]");
const heard = new Map(); // by run: its newest progress, and since when and from where this page has followed it

export const part = (name) => page.querySelector(`[data-ml="${name}"]`);

// A live region is read again when it is written again, even if it is the same.
function write(element, text) { if (element.textContent !== String(text)) element.textContent = text; }

export function say(name, text) {
  write(part(name), text);
  part(name).hidden = !text;
}

export const isGoing = ({ status }) => status === "queued" || status === "training";

export function showNow(now) {
  const [badge, bar] = [part("status"), part("progress")];
  badge.dataset.status = now.status;
  write(badge, now.label);
  write(part("phase"), now.phase);
  bar.hidden = now.status !== "training";
  if (bar.hidden) heard.delete(now.run_id);
  bar.dataset.run = now.run_id ?? "";
  bar.value = 100 * now.progress;
  write(part("time-left"), bar.hidden ? "" : left(now.seconds_left));
  if (isGoing(now)) showGoing(now);
  if (now.deep) {
    write(part("deep-words"), now.deep.words);
    write(part("deep-time-left"), left(now.deep.seconds_left));
  }
  showProgress();
}

function showGoing(now) {
  say("message", now.message);
  part("error").hidden = part("held-back").hidden = true; // they are of the run before
  write(part("products"), now.products);
  write(part("photos"), now.photos);
  const row = part("history").querySelector(`[data-run="${now.run_id}"]`);
  if (!row) return;
  row.dataset.status = now.status;
  write(row.querySelector(".ml-label"), now.label);
  write(row.querySelector(".ml-result"), now.phase);
}

export function hearProgress(event) {
  const before = heard.get(event.run_id);
  const goesOn = before?.sequence === event.sequence; // it does not if the run was begun anew
  if (before && (goesOn ? event.step <= before.step : event.sequence < before.sequence)) return;
  heard.set(event.run_id, { ...event, began: goesOn ? before.began : { at: Date.now(), progress: event.progress } });
  showProgress();
}

export function showProgress() {
  for (const kind of ["", "deep-"]) {
    const bar = part(`${kind}progress`);
    const event = heard.get(Number(bar.dataset.run));
    if (!event || bar.hidden || bar.value > 100 * event.progress) continue;
    bar.value = 100 * event.progress;
    write(part(`${kind}phase`), event.phase);
    const result = part("history").querySelector(`[data-run="${event.run_id}"] .ml-result`);
    if (result) write(result, event.phase);
    const done = event.progress - event.began.progress;
    const seconds = ((Date.now() - event.began.at) / 1000) * ((1 - event.progress) / done);
    if (done > 0.03) write(part(`${kind}time-left`), left(seconds));
    if (kind && event.message) write(part("deep-words"), event.message);
  }
}
