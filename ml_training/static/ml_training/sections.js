// The sections of Settings > ML Model. The server renders them; those on the page come again in one answer.

import { patch } from "./patch.js";

const SAID = 10000; // milliseconds that an answer stays, whatever is rendered anew
const page = document.querySelector("[data-ml-page]");
let asked = 0;

const sections = () => [...page.querySelectorAll("[data-ml-section]")];

// Returns whether the page shows what was asked for: not if it was asked for once more meanwhile.
export async function renderAgain() {
  const mine = ++asked;
  const url = new URL(page.dataset.url, location.href);
  for (const section of sections()) url.searchParams.append("section", section.dataset.mlSection);
  const response = await fetch(url, { headers: { Accept: "text/html" } });
  if (!response.ok || response.redirected) throw new Error(`The server answered ${response.status}.`);
  const answer = new DOMParser().parseFromString(await response.text(), "text/html");
  if (mine !== asked) return false;
  for (const section of sections()) {
    const fresh = answer.getElementById(section.id);
    if (fresh) replace(section, fresh);
    else section.remove(); // this person may not see it any more
  }
  return true;
}

// Whoever stands on a button that is gone stands in its section.
function replace(section, fresh) {
  const focused = section.contains(document.activeElement) ? document.activeElement : null;
  patch(section, fresh);
  if (focused && document.activeElement !== focused) {
    (focused.isConnected ? focused : section.querySelector("[tabindex]"))?.focus({ preventScroll: true });
  }
}

export function say(section, text) {
  const element = section.querySelector("[data-ml-said]") ?? page.querySelector('[data-ml="note"]');
  element.textContent = text;
  element.dataset.mlSaid = Date.now() + SAID;
}

// What fetch throws when nobody answers is a TypeError; everything else the server itself shows best.
export async function busy(element, section, work) {
  if (element.getAttribute("aria-busy")) return;
  element.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    if (error instanceof TypeError) say(section, "The server does not answer. Try again in a moment.");
    else location.reload();
  } finally {
    element.removeAttribute("aria-busy");
  }
}

async function send(section, form, button) {
  const body = new FormData(form);
  if (button?.name) body.append(button.name, button.value);
  const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
  if (response.redirected || !isJson) throw new Error(`The server answered ${response.status}.`);
  say(section, (await response.json()).message);
}

// A form in a section is sent without leaving the page; what the server says is shown in that section.
export function watchForms(afterwards) {
  page.addEventListener("submit", (event) => {
    const section = event.target.closest("[data-ml-section]");
    if (!section) return;
    event.preventDefault();
    busy(section, section, () => send(section, event.target, event.submitter).then(afterwards));
  });
}

// A link to a version that is folded away unfolds it; not every browser does that by itself.
export function unfoldTarget() {
  const target = document.getElementById(location.hash.slice(1));
  const folded = target?.closest("details:not([open])");
  if (!folded) return;
  folded.open = true;
  target.scrollIntoView();
}
