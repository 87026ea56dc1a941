// What the device keeps: one IndexedDB, with a table of single values and one of corrections.
// Where a browser has none, as in some private windows, everything lasts as long as the page.

const NAME = "till";
const VERSION = 1;
const KEPT_MILLISECONDS = 30 * 24 * 3_600_000; // of what somebody left who was logged out

export const SLIP = "slip/"; // begins the key of a slip; its owner follows

function finished(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => resolve(undefined); // another tab holds it, and lets go when it hears of it
  });
}

function open() {
  const request = indexedDB.open(NAME, VERSION);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("values");
    request.result.createObjectStore("outbox", { keyPath: "id", autoIncrement: true });
  };
  return finished(request);
}

export class Store {
  static async open() {
    const store = new Store();
    try {
      store.database = await open();
      store.database.onversionchange = () => store.database.close();
    } catch {
      store.memory = { values: new Map(), outbox: new Map(), last: 0 };
    }
    return store;
  }

  #table(name, mode = "readonly") {
    return this.database.transaction(name, mode).objectStore(name);
  }

  async get(key) {
    return this.memory ? this.memory.values.get(key) : finished(this.#table("values").get(key));
  }

  async set(key, value) {
    if (this.memory) this.memory.values.set(key, value);
    else await finished(this.#table("values", "readwrite").put(value, key));
  }

  async keys() {
    return this.memory ? [...this.memory.values.keys()] : finished(this.#table("values").getAllKeys());
  }

  async remove(key) {
    if (this.memory) this.memory.values.delete(key);
    else await finished(this.#table("values", "readwrite").delete(key));
  }

  async waiting() {
    return this.memory ? [...this.memory.outbox.values()] : finished(this.#table("outbox").getAll());
  }

  async queue(row) {
    if (!this.memory) return finished(this.#table("outbox", "readwrite").add(row));
    this.memory.last += 1;
    this.memory.outbox.set(this.memory.last, { ...row, id: this.memory.last });
    return this.memory.last;
  }

  async drop(id) {
    if (this.memory) this.memory.outbox.delete(id);
    else await finished(this.#table("outbox", "readwrite").delete(id));
  }

  // Everything goes: what other tabs hold as well, since they close when they hear of it.
  async wipe() {
    if (this.database) {
      this.database.close();
      await finished(indexedDB.deleteDatabase(NAME));
    }
    this.memory = { values: new Map(), outbox: new Map(), last: 0 };
  }

  // Everything goes but what people have not finished. Gives whether there is any; this page keeps nothing more.
  async wipeButWork() {
    const isWork = await this.#keepWork();
    if (!isWork || !this.database) {
      await this.wipe();
      return false;
    }
    this.database.close();
    this.database = null;
    this.memory = { values: new Map(), outbox: new Map(), last: 0 };
    return true;
  }

  async #keepWork() {
    let isWork = (await this.waiting()).length > 0;
    for (const key of await this.keys()) {
      const isSlip = key.startsWith(SLIP) && (await this.get(key)).lines.length > 0;
      if (!isSlip) await this.remove(key);
      isWork ||= isSlip;
    }
    return isWork;
  }

  // Forget what others left and did not come back for.
  async dropOld(owner) {
    const oldest = Date.now() - KEPT_MILLISECONDS;
    for (const key of await this.keys()) {
      const isOthers = key.startsWith(SLIP) && key !== SLIP + owner;
      if (isOthers && (await this.get(key)).at < oldest) await this.remove(key);
    }
    const old = (await this.waiting()).filter((row) => row.owner !== owner && row.at < oldest);
    for (const row of old) await this.drop(row.id);
  }
}
