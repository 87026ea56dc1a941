// Keeps Settings > ML Model true without a reload: the server renders its sections, pushes move badge and bars.
//
// News comes as events on `document` (notifications/socket.js). During a run the page asks for nothing; once something
// was decided, it asks for its sections in one request. It polls only while pushes do not come through.

import { hearProgress, isGoing, part, say, showNow, showProgress } from "./live.js";
import { busy, renderAgain, unfoldTarget, watchForms } from "./sections.js";
import { inWords } from "./time.js";

const POLL = 3000; // milliseconds between questions while pushes do not come through
const SILENCE = 15000; // milliseconds without news of a run, after which the socket is asked how it is
const IDLE = 30000; // the same where nothing runs: the shop may be gone, or this person may not see it any more
const ENDS = ["completed", "failed", "changed"];

const page = document.querySelector("[data-ml-page]");
let latest = { sequence: -1 }; // the newest state that was pushed
let askedFor = -1; // its sequence when the sections were last asked for
let heardAt = Date.now();
let live = true;
let refused = false;

const rendered = () => document.getElementById("ml-status").dataset; // its sequence and its active version, as strings

function hear(now, isEnd = false) {
  heardAt = Date.now();
  if (now.sequence < Math.max(rendered().sequence, latest.sequence)) return; // an older state that arrived late
  latest = now;
  if (isGoing(part("status").dataset) && !isGoing(now)) part("note").textContent = "";
  showNow(now);
  const isDecided = isEnd || !isGoing(now) || String(now.version ?? "") !== rendered().active;
  if (!isDecided || now.sequence <= Math.max(rendered().sequence, askedFor)) return;
  askedFor = now.sequence;
  refresh().catch(() => { askedFor = -1; }); // the server is away: pushes are, too, and the page polls
}

function tellGone() {
  refused = true;
  part("progress").hidden = part("deep-progress").hidden = true;
  part("phase").textContent = part("time-left").textContent = "";
  say("offline", "This shop is not there any more, or you may not see it any more. What stands here is old.");
}

async function refresh() {
  if (!(await renderAgain())) return;
  if (latest.sequence > rendered().sequence) showNow(latest);
  showProgress();
  tellTimes();
}

function tellTimes() {
  page.querySelectorAll("time").forEach((item) => { item.textContent = inWords(item.dateTime); });
}

async function keepWatch() {
  while (!refused) {
    await new Promise((resume) => setTimeout(resume, POLL));
    if (document.hidden || refused) continue;
    const waits = isGoing(part("status").dataset) || !part("deep-progress").hidden;
    if (!live) await refresh().catch(() => {}); // the server is away; the next try will come
    else if (Date.now() - heardAt > (waits ? SILENCE : IDLE)) {
      heardAt = Date.now();
      document.dispatchEvent(new CustomEvent("shelfsight:ask", { detail: { type: "snapshot" } }));
    }
  }
}

function listen() {
  const mine = (handler) => ({ detail }) => { if (String(detail.shop_id) === page.dataset.shop) handler(detail); };
  document.addEventListener("shelfsight:status", mine(({ kind, now }) => hear(now, ENDS.includes(kind))));
  document.addEventListener("shelfsight:progress", mine((event) => {
    heardAt = Date.now();
    hearProgress(event);
  }));
  document.addEventListener("shelfsight:snapshot", ({ detail }) => {
    const info = detail.shops.find((item) => String(item.shop_id) === page.dataset.shop);
    if (info) hear(info);
    else tellGone();
  });
  document.addEventListener("shelfsight:live", ({ detail }) => {
    live = detail.live;
    say("offline", live ? "" : "Live updates are off at the moment; this page asks again every few seconds.");
  });
  document.addEventListener("shelfsight:refused", () => {
    refused = true;
    say("offline", "You are no longer logged in, or may not see this shop any more. Reload the page.");
  });
}

function start() {
  listen();
  watchForms(() => refresh().catch(() => {})); // it was done; the next news brings the rest
  page.addEventListener("click", (event) => {
    const button = event.target.closest('[data-ml="refresh"]');
    if (!button) return;
    event.preventDefault();
    busy(button, button.closest("[data-ml-section]"), refresh);
  });
  page.addEventListener("keydown", (event) => {
    if (event.key !== " " || !event.target.matches('[data-ml="refresh"]')) return;
    event.preventDefault();
    event.target.click(); // as a button does
  });
  unfoldTarget();
  addEventListener("hashchange", unfoldTarget);
  tellTimes();
  setInterval(tellTimes, 20000);
  keepWatch();
}

if (page) start();
