// Renews the page when a new release is there: only while nobody is in the middle of something.

import { config } from "../words.js";

const LOOK_MILLISECONDS = 5_000;
const IDLE_MILLISECONDS = 60_000;

export class Update {
  #isWanted = false;

  // isIdle(milliseconds): whether nothing has happened for so long.
  constructor(isIdle) {
    this.isIdle = isIdle;
    this.registration = null;
  }

  // Keep the page on the device. Without https a browser does not.
  async keepOffline() {
    if (!navigator.serviceWorker) return false;
    let isKept = Boolean(navigator.serviceWorker.controller);
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      if (isKept) location.reload();
      isKept = true;
    });
    try {
      const options = { scope: new URL("./", location.href).pathname, updateViaCache: "none" };
      this.registration = await navigator.serviceWorker.register(config.sw, options);
    } catch {
      return false;
    }
    setInterval(() => this.#whenIdle(), LOOK_MILLISECONDS);
    return true;
  }

  // The server tells its release with each state.
  async see(release) {
    this.#isWanted = release !== config.release;
    if (this.#isWanted) await this.registration?.update().catch(() => {});
  }

  #whenIdle() {
    if (!this.isIdle(IDLE_MILLISECONDS)) return;
    this.registration.waiting?.postMessage("take over");
  }

  // A device that was turned away keeps nothing.
  static async forget() {
    const all = (await navigator.serviceWorker?.getRegistrations?.()) ?? [];
    const mine = all.filter(({ scope }) => new URL(scope).pathname === new URL("./", location.href).pathname);
    await Promise.all(mine.map((one) => one.unregister()));
  }
}
