// How things stand, in `data-state` and in sentences that say what to do.

import { say } from "../words.js";
import { part } from "./elements.js";

export class Status {
  #facts = { revoked: false, loaded: false, offline: false, camera: "starting" };

  constructor() {
    part("fault-close").addEventListener("click", () => this.fault(""));
  }

  // Facts that make the state: revoked, loaded, offline, camera (see camera.js).
  set(facts) {
    Object.assign(this.#facts, facts);
    const { revoked, loaded, offline, camera } = this.#facts;
    const works = ["running", "starting", "off"].includes(camera);
    let state = works ? "ready" : "no-camera";
    if (offline) state = "offline";
    if (!loaded) state = "loading";
    if (revoked) state = "revoked";
    document.body.dataset.state = state;
    part("offline").hidden = !offline || revoked;
    this.#showCamera(camera);
  }

  #showCamera(camera) {
    document.body.dataset.camera = camera;
    part("camera-words").textContent = ["running", "off", "closed"].includes(camera) ? "" : say(`camera_${camera}`);
    part("camera-start").hidden = !["refused", "none", "gone", "busy", "black"].includes(camera);
  }

  set version(number) {
    document.body.dataset.version = number ?? "";
    part("version").textContent = number ? say("version", { number }) : "";
  }

  // A sentence about what went wrong, until it is closed or something else is said.
  fault(sentence) {
    part("fault-words").textContent = sentence;
    part("fault").hidden = !sentence;
  }

  // What to do now: hold | looking | turn | added | "".
  hint(kind, values = {}) {
    part("turn").hidden = kind !== "turn";
    part("stage-hint").textContent = kind && kind !== "turn" ? say(`hint_${kind}`, values) : "";
    document.body.dataset.hint = kind;
  }

  // Why the camera waits: more | file | "".
  held(mode) {
    document.body.dataset.held = mode;
    part("back").hidden = mode === "";
    part("back").textContent = say(this.#facts.camera === "running" ? "back" : "close");
  }

  progress(read, total) {
    part("progress-row").hidden = read >= total;
    part("progress").max = total;
    part("progress").value = read;
    const asMegabytes = (bytes) => (bytes / 1e6).toFixed(1);
    part("progress-words").textContent = say("fetching", { read: asMegabytes(read), total: asMegabytes(total) });
  }

  waiting(count) {
    part("waiting").textContent = String(count);
    part("waiting-row").hidden = count === 0;
  }

  noModel(sentence) {
    part("no-model").textContent = sentence;
    part("no-model").hidden = !sentence;
  }

  noOffline() {
    part("insecure").hidden = false;
  }

  // This device may not go on: a sentence, and a link for staff.
  refuse(sentence, canLogIn) {
    this.set({ revoked: true });
    part("refused-words").textContent = sentence;
    part("log-in").hidden = !canLogIn;
    part("refused").hidden = false;
  }
}
