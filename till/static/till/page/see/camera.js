// The rear camera: starts it, says in one word how it is, and hands out frames. Only the middle square counts.

import { Frame } from "./frame.js";

const IDEAL = { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } };
const BLACK = 4; // mean of a picture that shows nothing
const BLACK_MILLISECONDS = 3_000;
const FRAME_MILLISECONDS = 110; // where a browser cannot tell of each frame
const FAULTS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "none",
  OverconstrainedError: "none",
};

export class Camera {
  state = "off"; // off | starting | running | refused | none | gone | busy | insecure | black | closed
  #stream = null;
  #darkSince = null;
  #restarted = false;
  #lock;

  // onState(state), onFrame(now): of each picture, before it is painted where the browser can.
  constructor(video, { onState, onFrame }) {
    Object.assign(this, { video, onState, onFrame });
    document.addEventListener("visibilitychange", () => this.#follow());
    navigator.mediaDevices?.addEventListener("devicechange", () => {
      if (["none", "gone", "busy"].includes(this.state)) this.start();
    });
    this.#listen();
  }

  #become(state) {
    this.state = state;
    this.onState(state);
  }

  async start() {
    if (this.state === "starting" || this.state === "running") return;
    if (!navigator.mediaDevices?.getUserMedia) return this.#become(isSecureContext ? "none" : "insecure");
    this.#become("starting");
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ video: IDEAL, audio: false });
    } catch (error) {
      return this.#become(FAULTS[error.name] ?? "busy");
    }
    if (document.hidden) return this.stop();
    const [track] = this.#stream.getVideoTracks();
    track.addEventListener("ended", () => { if (this.#stream) this.#end("gone"); });
    this.video.srcObject = this.#stream;
    await this.video.play().catch(() => {}); // a phone that saves power starts it with the first touch
    this.#darkSince = null;
    this.#become("running");
    this.#lock = await navigator.wakeLock?.request("screen").catch(() => null);
  }

  stop() {
    this.#end("off");
  }

  // For good.
  close() {
    this.#end("closed");
  }

  #end(state) {
    const stream = this.#stream;
    this.#stream = null;
    for (const track of stream?.getTracks() ?? []) track.stop();
    this.video.srcObject = null;
    this.#lock?.release();
    this.#become(state);
  }

  // A camera that was left running in the background is black on some phones when one comes back.
  #follow() {
    if (document.hidden && this.state === "running") this.stop();
    else if (!document.hidden && ["off", "gone", "busy", "black"].includes(this.state)) this.start();
  }

  #listen() {
    const tell = (now) => { if (this.isSeeing) this.onFrame(now); };
    if ("requestVideoFrameCallback" in this.video) {
      const next = (now) => {
        this.video.requestVideoFrameCallback(next);
        tell(now);
      };
      this.video.requestVideoFrameCallback(next);
    } else setInterval(() => tell(performance.now()), FRAME_MILLISECONDS);
  }

  get isSeeing() {
    return this.state === "running" && this.video.videoWidth > 0;
  }

  // What is seen now; to be closed.
  frame() {
    return new Frame(this.video);
  }

  // Start anew, once, if nothing but black is seen.
  watchForBlack(grey, now) {
    const mean = grey.reduce((sum, level) => sum + level, 0) / grey.length;
    if (mean >= BLACK) {
      this.#darkSince = null;
      this.#restarted = false;
      return;
    }
    this.#darkSince ??= now;
    if (now - this.#darkSince < BLACK_MILLISECONDS) return;
    this.#end("black");
    if (!this.#restarted) {
      this.#restarted = true;
      this.start();
    }
  }
}
