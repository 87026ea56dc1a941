// Keeps Settings > ML Model true without a reload. The server has rendered the page; this only changes it.
//
// News comes as events on `document` (notifications/socket.js). A push is a hint: after a lost connection, and
// while pushes do not come through, the page asks for its rows again.

import { hearDeepProgress, isGoing, onCancel, showDeep } from "./deep.js";
import { hearOfSections, refreshSections, watchSections } from "./sections.js";
import { inWords, left } from "./time.js";

const POLL = 3000; // milliseconds between questions while pushes do not come through
const SAFETY_POLL = 15000; // while a run is going, even if they do

const page = document.querySelector("[data-ml-page]");
const part = (name) => page.querySelector(`[data-ml="${name}"]`);
const shown = { sequence: -1, run: null, step: -1, status: "" };
let live = true;
let refused = false;

function show(element, visible) { element.hidden = !visible; }

function time(iso) {
  const element = document.createElement("time");
  element.dateTime = iso;
  element.title = new Date(iso).toLocaleString();
  element.textContent = inWords(iso);
  return element;
}

function showInfo(info) {
  if (info.sequence < shown.sequence) return false; // an older state that arrived late
  if (info.run_id !== shown.run || info.status !== "training") shown.step = -1;
  Object.assign(shown, { sequence: info.sequence, run: info.run_id, status: info.status });
  const badge = part("status");
  badge.dataset.status = info.status;
  if (badge.textContent !== info.label) badge.textContent = info.label;
  part("phase").textContent = info.phase;
  showProgress(info.status === "training", info.progress, info.seconds_left);
  say("error", info.error);
  say("message", info.message);
  show(part("held-back"), info.held_back); // a section: what stands in it is asked for
  if (info.status !== "queued" && info.status !== "training") say("note", "");
  part("products").textContent = info.products;
  part("photos").textContent = info.photos;
  part("accuracy").textContent = info.accuracy || "not known yet";
  part("coverage").textContent = info.coverage || "not known yet";
  show(part("coverage-missing"), !info.coverage);
  show(part("coverage-nothing"), info.coverage === "0 %");
  part("last-trained").replaceChildren(info.last_trained_at ? time(info.last_trained_at) : "never");
  showDeep(info.deep);
  say("last-deep", info.deep ? "" : info.last_deep);
  showSetAside(info.set_aside);
  showFiles(info);
  hearOfSections(info);
  return true;
}

function showAll({ info, history }) { if (showInfo(info)) showHistory(history); }

function showProgress(training, progress, secondsLeft) {
  const bar = part("progress");
  show(bar, training);
  bar.value = training ? Math.max(100 * progress, shown.run === bar.run ? bar.value : 0) : 0;
  bar.run = shown.run;
  part("time-left").textContent = training ? left(secondsLeft) : "";
}

function showSetAside(photos) {
  const element = part("set-aside");
  show(element, photos.length);
  part("set-aside-count").textContent = photos.length;
  element.querySelector("ul").replaceChildren(...photos.slice(0, 50).map((photo) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = page.dataset.productUrl.replace("/0/", `/${photo.product}/`);
    link.textContent = photo.sku;
    item.append(link, `: ${photo.filename}. ${photo.reason}`);
    return item;
  }));
}

function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  const [amount, unit] = bytes < 1024 ** 2 ? [bytes / 1024, "KB"] : [bytes / 1024 ** 2, "MB"];
  return `${amount.toFixed(1)} ${unit}`;
}

function showFiles(info) {
  part("files-present").textContent = `${info.files_present} of ${info.files.length}`;
  part("files-progress").value = info.files_present;
  part("version").textContent = info.version ? `, version ${info.version}` : "";
  for (const file of info.files) {
    const row = part(`asset-${file.slug}`);
    row.dataset.present = file.present;
    show(row.querySelector(".ml-file-link"), file.present);
    row.querySelector(".ml-file-link").href = file.url;
    show(row.querySelector(".ml-file-missing"), !file.present);
    const facts = row.querySelector(".ml-file-facts");
    facts.textContent = file.present ? `${size(file.bytes)} · ${file.sha256.slice(0, 12)}` : "";
    facts.title = file.present ? `SHA-256 ${file.sha256}` : "";
  }
}

function showHistory(runs) {
  if (!runs.length) return;
  part("history").replaceChildren(...runs.map((run) => {
    const row = document.createElement("tr");
    row.dataset.run = run.run_id;
    row.dataset.status = run.status;
    const cells = [time(run.created_at), run.trigger, run.photos || "", run.seconds === null ? "" : `${run.seconds.toFixed(1)} s`];
    for (const content of cells) {
      const cell = document.createElement("td");
      cell.append(content);
      row.append(cell);
    }
    const dot = document.createElement("span");
    dot.className = "ml-dot";
    const result = document.createElement("span");
    result.className = "ml-quiet ml-result";
    result.textContent = run.result;
    const cell = document.createElement("td");
    cell.append(dot, run.label, result);
    row.append(cell);
    return row;
  }));
}

function hearProgress(event) {
  hearDeepProgress(event);
  if (event.run_id !== shown.run || shown.status !== "training" || event.step <= shown.step) return;
  shown.step = event.step;
  part("phase").textContent = event.phase;
  const inHistory = part("history").querySelector(`[data-run="${event.run_id}"] .ml-result`);
  if (inHistory) inHistory.textContent = event.phase;
  const began = shown.began ??= { run: event.run_id, at: Date.now(), progress: event.progress };
  if (began.run !== event.run_id) Object.assign(began, { run: event.run_id, at: Date.now(), progress: event.progress });
  const done = event.progress - began.progress;
  const seconds = done > 0.03 ? ((Date.now() - began.at) / 1000) * ((1 - event.progress) / done) : null;
  showProgress(true, event.progress, seconds);
}

async function refresh() {
  const response = await fetch(page.dataset.url, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  showAll(await response.json());
}

function sayWhetherLive(isLive) {
  live = isLive;
  say("offline", live ? "" : "Live updates are off at the moment; this page asks again every few seconds.");
}

function sayRefused() {
  refused = true;
  say("offline", "You are no longer logged in, or may not see this shop any more. Reload the page.");
}

function say(name, text) {
  part(name).textContent = text;
  show(part(name), text);
}

async function keepAsking() {
  for (;;) {
    const going = isGoing() || shown.status === "training" || shown.status === "queued";
    const wait = live ? SAFETY_POLL : POLL;
    await new Promise((resume) => setTimeout(resume, wait));
    if (refused) return;
    if (document.hidden || (live && !going)) continue;
    await refresh().catch(() => {}); // the server is away; the socket says so, and the next try will come
  }
}

function busy(button, work) {
  button.setAttribute("aria-busy", "true");
  return work().finally(() => button.removeAttribute("aria-busy"));
}

async function send(form) {
  const response = await fetch(form.action, {
    method: "POST", body: new FormData(form), headers: { Accept: "application/json" },
  });
  if (!response.ok || response.redirected) throw new Error(`The server answered ${response.status}.`);
  say("note", (await response.json()).message);
  await refresh().catch(() => {}); // it was taken; the page asks again by itself
}

// What fetch throws when nobody answers is a TypeError; everything else the server itself can show best.
const orSay = (otherwise) => (error) => {
  if (error instanceof TypeError) say("note", "The server does not answer. Try again in a moment.");
  else otherwise();
};

function start() {
  const mine = (handler) => ({ detail }) => { if (String(detail.shop_id) === page.dataset.shop) handler(detail); };
  document.addEventListener("shelfsight:status", mine(showAll));
  document.addEventListener("shelfsight:progress", mine(hearProgress));
  document.addEventListener("shelfsight:snapshot", ({ detail }) => {
    const info = detail.shops.find((item) => String(item.shop_id) === page.dataset.shop);
    if (info) showInfo(info);
    refresh().catch(() => {});
  });
  document.addEventListener("shelfsight:live", ({ detail }) => sayWhetherLive(detail.live));
  document.addEventListener("shelfsight:refused", sayRefused);
  part("refresh").addEventListener("click", (event) => {
    event.preventDefault();
    busy(event.currentTarget, () => Promise.all([refresh(), refreshSections()])).catch(orSay(() => location.reload()));
  });
  part("refresh").addEventListener("keydown", (event) => {
    if (event.key === " ") { event.preventDefault(); event.currentTarget.click(); } // as a button does
  });
  part("prepare")?.form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(part("prepare"), () => send(event.target)).catch(orSay(() => event.target.submit()));
  });
  onCancel((button, form) => {
    busy(button, () => send(form)).catch(orSay(() => form.submit()));
  });
  setInterval(() => page.querySelectorAll("time").forEach((item) => { item.textContent = inWords(item.dateTime); }), 20000);
  watchSections();
  keepAsking();
}

if (page) start();
