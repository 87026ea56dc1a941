// The page at /graphql/: sends what is written there, and lists what the server offers.

import { element } from "./elements.js";

const page = document.querySelector(".console");
const form = page.querySelector("form");
const answer = page.querySelector("[data-answer]");
const stopButton = page.querySelector("[data-stop]");
let stop = () => {};

const INTROSPECTION = `{ __schema { types { name kind description
  fields { name description type { ...t } args { name description type { ...t } } }
  inputFields { name description type { ...t } } enumValues { name description } } } }
fragment t on __Type { name kind ofType { name kind ofType { name kind ofType { name kind } } } }`;

async function post(body) {
  const headers = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
  if (!(body instanceof FormData)) headers["Content-Type"] = "application/json";
  const response = await fetch(location.pathname, { method: "POST", headers, body });
  return response.json();
}

function asMultipart(operation, file) {
  const body = new FormData();
  operation.variables = { ...operation.variables, image: null };
  body.append("operations", JSON.stringify(operation));
  body.append("map", JSON.stringify({ 0: ["variables.image"] }));
  body.append("0", file);
  return body;
}

const show = (value) => { answer.textContent = JSON.stringify(value, null, 2); };

async function subscribe(operation) {
  const { createClient } = await import(page.dataset.client);
  const url = new URL("ws/", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const client = createClient({ url: url.href, retryAttempts: 2 });
  answer.textContent = "";
  stopButton.hidden = false;
  const end = client.subscribe(operation, {
    next: (value) => { answer.textContent += `${JSON.stringify(value, null, 2)}\n`; answer.scrollTop = answer.scrollHeight; },
    error: (error) => { answer.textContent += error.reason || error.message || JSON.stringify(error, null, 2); stop(); },
    complete: () => { stopButton.hidden = true; },
  });
  stop = () => { stop = () => {}; end(); client.dispose(); stopButton.hidden = true; };
}

async function run() {
  stop();
  try {
    const operation = { query: form.elements.query.value, variables: JSON.parse(form.elements.variables.value || "{}") };
    const file = form.elements.file.files[0];
    if (/^\s*subscription\b/m.test(operation.query)) await subscribe(operation);
    else show(await post(file ? asMultipart(operation, file) : JSON.stringify(operation)));
  } catch (error) {
    answer.textContent = String(error);
  }
}

const typeName = (type) => type.kind === "NON_NULL" ? `${typeName(type.ofType)}!` : type.kind === "LIST" ? `[${typeName(type.ofType)}]` : type.name;

function describeField(field) {
  const args = (field.args || []).map((arg) => `${arg.name}: ${typeName(arg.type)}`).join(", ");
  const line = `${field.name}${args ? `(${args})` : ""}${field.type ? `: ${typeName(field.type)}` : ""}`;
  return element("li", {}, element("code", {}, line), ` ${field.description || ""}`);
}

function describeType(type) {
  const fields = type.fields || type.inputFields || type.enumValues || [];
  const details = element("details", {}, element("summary", {}, type.name), element("p", {}, type.description || ""), element("ul", {}, ...fields.map(describeField)));
  details.open = ["Query", "Mutation", "Subscription"].includes(type.name);
  return details;
}

async function listSchema() {
  const place = page.querySelector("[data-schema]");
  const { data, errors } = await post(JSON.stringify({ query: INTROSPECTION }));
  if (errors) { place.textContent = `The server does not say (${errors[0].message}). schema.graphql lists it.`; return; }
  const order = { Query: 0, Mutation: 1, Subscription: 2 };
  const types = data.__schema.types.filter((type) => !type.name.startsWith("__") && type.kind !== "SCALAR");
  types.sort((a, b) => (order[a.name] ?? 3) - (order[b.name] ?? 3) || a.name.localeCompare(b.name));
  place.replaceChildren(...types.map(describeType));
}

function filterSchema(event) {
  const text = event.target.value.toLowerCase();
  for (const item of page.querySelectorAll("[data-schema] details")) {
    item.hidden = Boolean(text) && !item.textContent.toLowerCase().includes(text);
  }
}

form.addEventListener("submit", (event) => { event.preventDefault(); run(); });
form.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(); } });
stopButton.addEventListener("click", () => stop());
page.querySelector("[data-filter]").addEventListener("input", filterSchema);
listSchema();
