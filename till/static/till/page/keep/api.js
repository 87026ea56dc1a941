// Asks the server: with the device's token, or with the session of staff.

import { config } from "../words.js";

// The server said no. `status` is that of HTTP, `message` its sentence, `body` its answer.
export class Refused extends Error {
  constructor(status, body) {
    super(body?.errors?.[0]?.message ?? "");
    this.status = status;
    this.body = body;
  }
}

// Nothing came back: no network, or a server that is down.
export class Unreachable extends Error {
  name = "Unreachable";
}

function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

export class Api {
  constructor(token, shop) {
    this.token = token;
    this.shop = shop;
    this.etag = null;
    this.owner = null; // of slip and corrections: the person, or the till, and the shop
  }

  // What tells one login from the next: the cookie is made anew with each.
  get login() {
    return this.token ?? csrfToken();
  }

  // Know from a state whose the work on this device is.
  follow(state) {
    this.owner = `${state.person ?? "till"}/${state.shop.id}`;
  }

  #address(path) {
    const url = new URL(path, location.href);
    if (this.shop) url.searchParams.set("shop", this.shop);
    return url;
  }

  // Resolves with a response that is fine or says "not modified".
  async fetch(path, { headers = {}, ...options } = {}) {
    const login = this.token ? { Authorization: `Bearer ${this.token}` } : {};
    const credentials = this.token ? "omit" : "same-origin";
    const asked = { ...options, credentials, headers: { Accept: "application/json", ...headers, ...login } };
    let response;
    try {
      response = await fetch(this.#address(path), asked);
    } catch (error) {
      throw new Unreachable(error.message);
    }
    if (response.ok || response.status === 304) return response;
    if (response.status >= 500) throw new Unreachable(`${response.status}`);
    throw new Refused(response.status, await response.json().catch(() => null));
  }

  // The state if it has changed since the last time, else null. `version`: of the model that answers now.
  async state(version) {
    const headers = version ? { "X-Till-Version": String(version) } : {};
    if (this.etag) headers["If-None-Match"] = this.etag;
    const response = await this.fetch(config.state, { headers, cache: "no-store" });
    if (response.status === 304) return null;
    const state = await response.json();
    this.etag = response.headers.get("ETag");
    return state;
  }

  // Send one correction, which the server refuses if another person has logged in meanwhile. A page that came from
  // the cache may not have the cookie that a session needs.
  async correct(form, person) {
    if (!this.token && !csrfToken()) await fetch(location.pathname, { cache: "no-store" });
    const headers = this.token ? {} : { "X-CSRFToken": csrfToken(), "X-Till-Person": person };
    await this.fetch(config.corrections, { method: "POST", body: form, headers });
  }
}
