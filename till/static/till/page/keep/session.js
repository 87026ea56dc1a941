// Who this device is, and what the server tells it: asked again and again, and kept for when there is no network.

import { Api, Refused, Unreachable } from "./api.js";
import { closeCaches, dropCaches } from "./caches.js";
import { Store } from "./store.js";
import { Update } from "./update.js";
import { say } from "../words.js";

const POLL_MILLISECONDS = 15_000;
const TOKEN = /^#token=(.+)$/;

// The token of the address, if it brings one; out of the address at once, so that nobody reads or shares it.
function takeToken() {
  const token = location.hash.match(TOKEN)?.[1];
  if (token) history.replaceState(null, "", location.pathname + location.search);
  return token ? decodeURIComponent(token) : null;
}

export class Session {
  #asking = null;
  #isOver = false;

  // onState(state), onOffline(isOffline), onRefused(sentence, canLogIn), onShops(shops), version()
  constructor(handlers) {
    Object.assign(this, handlers);
    addEventListener("hashchange", () => { if (TOKEN.test(location.hash)) location.reload(); });
  }

  // Find out who this is; what was kept is told at once.
  async open() {
    const brought = takeToken();
    this.store = await Store.open();
    const kept = await this.store.get("token");
    if (brought && brought !== kept) {
      await this.store.wipe(); // of another shop, perhaps
      await dropCaches();
      this.store = await Store.open();
      await this.store.set("token", brought);
    }
    const asked = new URLSearchParams(location.search).get("shop");
    this.api = new Api(brought ?? kept ?? null, asked ?? (await this.store.get("shop")) ?? null);
    navigator.storage?.persist?.().catch(() => {});
  }

  async start() {
    const state = await this.store.get("state");
    const isMine = (await this.store.get("login")) === this.api.login; // another person sees nothing of it
    if (state && isMine && (!this.api.shop || state.shop.slug === this.api.shop)) await this.#tell(state);
    setInterval(() => { if (!document.hidden) this.poll(); }, POLL_MILLISECONDS);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.poll(); });
    addEventListener("online", () => this.poll());
    addEventListener("offline", () => this.onOffline(true));
    await this.poll();
  }

  // Ask for the state; one question at a time.
  poll() {
    if (this.#isOver) return Promise.resolve();
    this.#asking ??= this.#ask().finally(() => { this.#asking = null; });
    return this.#asking;
  }

  async #ask() {
    try {
      const state = await this.api.state(this.version());
      if (state) await this.#keep(state).catch(() => {});
      this.onOffline(false);
      await this.#tell(state);
    } catch (error) {
      if (error instanceof Unreachable) this.onOffline(true);
      else if (error instanceof Refused) await this.#refused(error);
      else throw error;
    }
  }

  async #keep(state) {
    await this.store.set("state", state);
    await this.store.set("login", this.api.login);
  }

  async #tell(state) {
    if (state) this.api.follow(state);
    await this.onState(state);
  }

  async #refused(error) {
    if (error.body?.shops) return this.onShops(error.body.shops);
    if (error.status === 404 && this.api.shop) return this.choose(null);
    if (error.status === 401) return this.revoke();
    if (error.status === 403) return this.onRefused(error.message || say("not_allowed"), false);
    this.onOffline(true); // too many questions, or a server that is busy: later
  }

  async choose(slug) {
    Object.assign(this.api, { shop: slug, etag: null, owner: null });
    await this.store.set("shop", slug ?? undefined);
    history.replaceState(null, "", location.pathname);
    await this.#ask();
  }

  // The token or the session is not valid any more: nothing of the shop stays on the device. What staff have not
  // finished waits for them to log in again.
  async revoke() {
    if (this.#isOver) return;
    this.#isOver = true;
    const isStaff = !this.api.token;
    await Update.forget();
    const isWork = isStaff && (await this.store.wipeButWork());
    if (!isStaff) await this.store.wipe();
    await closeCaches();
    const staffWords = isWork ? "logged_out_kept" : "logged_out";
    this.onRefused(say(isStaff ? staffWords : "revoked"), isStaff);
  }
}
