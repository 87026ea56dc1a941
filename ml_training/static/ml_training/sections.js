// Keeps the parts of Settings > ML Model that the server renders: every `[data-ml-section]` is an element whose
// `data-url` gives its inner HTML. They are asked for again when something was decided (a run ended, another
// version serves), on Refresh, and after a form in one of them was sent. Used by ml_model.js.

const SAID = 10000; // milliseconds that an answer stays, whatever is rendered anew
const page = document.querySelector("[data-ml-page]");
const shown = { sequence: Number(page?.dataset.sequence ?? -1), version: undefined };
const said = new WeakMap(); // what a section answered last, and until when that stays
let asked = 0;

const sections = () => [...page.querySelectorAll("[data-ml-section]")];

// A status of the shop has come in: is there anything new to show?
export function hearOfSections(info) {
  const going = info.status === "queued" || info.status === "training";
  const other = shown.version !== undefined && shown.version !== info.version;
  shown.version = info.version;
  if (other || (!going && info.sequence > shown.sequence)) refreshSections(info.sequence).catch(() => {});
}

export async function refreshSections(sequence = shown.sequence) {
  const mine = ++asked;
  const answers = await Promise.all(sections().map(async (section) => {
    const response = await fetch(section.dataset.url, { headers: { Accept: "text/html" } });
    if (!response.ok || response.redirected) throw new Error(`The server answered ${response.status}.`);
    return [section, await response.text()];
  }));
  if (mine !== asked) return; // a later question is under way
  shown.sequence = Math.max(shown.sequence, sequence);
  for (const [section, html] of answers) replace(section, html);
}

// Whoever has opened something or stands on a button finds it so again.
function replace(section, html) {
  const open = [...section.querySelectorAll("details[id][open]")].map((details) => details.id);
  const focused = section.contains(document.activeElement) ? document.activeElement : null;
  section.innerHTML = html;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  const answer = said.get(section);
  if (answer && Date.now() < answer.until) show(section, answer.text);
  if (focused) {
    const again = focused.id && document.getElementById(focused.id);
    (again || section.querySelector("[tabindex]"))?.focus({ preventScroll: true });
  }
}

function show(section, text) {
  const element = section.querySelector("[data-ml-said]");
  if (element) element.textContent = text;
}

function say(section, text) {
  said.set(section, { text, until: Date.now() + SAID });
  show(section, text);
}

// A form in a section is sent without leaving the page; what the server says is shown in that section.
async function send(section, form, button) {
  const body = new FormData(form);
  if (button?.name) body.append(button.name, button.value);
  const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
  if (response.redirected || !isJson) throw new Error(`The server answered ${response.status}.`);
  say(section, (await response.json()).message);
  await refreshSections().catch(() => {}); // it was done; the next news brings the rest
}

// A link to a version that is folded away unfolds it; not every browser does that by itself.
function unfoldTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  const folded = target && target.closest("details:not([open])");
  if (!folded) return;
  folded.open = true;
  target.scrollIntoView();
}

export function watchSections() {
  unfoldTarget();
  addEventListener("hashchange", unfoldTarget);
  page.addEventListener("submit", (event) => {
    const section = event.target.closest("[data-ml-section]");
    if (!section) return;
    event.preventDefault();
    if (section.getAttribute("aria-busy")) return;
    section.setAttribute("aria-busy", "true");
    send(section, event.target, event.submitter)
      .catch((error) => {
        if (error instanceof TypeError) say(section, "The server does not answer. Try again in a moment.");
        else location.reload(); // logged out, or not allowed any more: the page shows it best
      })
      .finally(() => section.removeAttribute("aria-busy"));
  });
}
