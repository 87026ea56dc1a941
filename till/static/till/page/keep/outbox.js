// Corrections on their way to the server: kept until it has them, sent in order of age.

import { Refused } from "./api.js";

const MOST = 100;
const FIRST_WAIT = 5_000; // milliseconds, doubled with each failed try
const LONGEST_WAIT = 300_000;
const TRY_AGAIN = new Set([401, 408, 429]);

// A random UUID; `crypto.randomUUID` is there with https only.
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function asForm({ fields, photo }) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value ?? "");
  if (photo) form.append("photo", new Blob([photo], { type: "image/jpeg" }), "photo.jpg");
  return form;
}

export class Outbox {
  #sending = null;
  #wait = FIRST_WAIT;
  #timer;

  // onCount(n): so many are waiting. onRefused(): the token or session is not valid any more, or is another person's.
  constructor(store, api, { onCount, onRefused }) {
    Object.assign(this, { store, api, onCount, onRefused });
  }

  // Keep a correction, and try to send it; the oldest goes where there are too many.
  async add(fields, photo) {
    const told = { key: newKey(), made_at: new Date().toISOString(), ...fields };
    await this.store.queue({ owner: this.api.owner, at: Date.now(), fields: told, photo });
    const rows = await this.#mine();
    for (const row of rows.slice(0, Math.max(0, rows.length - MOST))) await this.store.drop(row.id);
    await this.count();
    this.send();
  }

  async count() {
    this.onCount((await this.#mine()).length);
  }

  // Try now; one try at a time.
  send() {
    clearTimeout(this.#timer);
    this.#sending ??= this.#sendAll().finally(() => { this.#sending = null; });
    return this.#sending;
  }

  async #sendAll() {
    for (let [row] = await this.#mine(); row; [row] = await this.#mine()) {
      try {
        await this.api.correct(asForm(row), row.owner.split("/")[0]);
        this.#wait = FIRST_WAIT;
      } catch (error) {
        if (error instanceof Refused && error.status === 401) return this.onRefused();
        if (!(error instanceof Refused) || TRY_AGAIN.has(error.status)) return this.#later();
      }
      await this.store.drop(row.id); // it is there, or will never be taken
      await this.count();
    }
  }

  // Those of the person and the shop that is open: others' are sent when they come back.
  async #mine() {
    return (await this.store.waiting()).filter((row) => row.owner === this.api.owner);
  }

  #later() {
    this.#timer = setTimeout(() => this.send(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
  }
}
