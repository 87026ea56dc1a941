// Watches the camera: clears an answer with its scene, looks where all stands still, reads barcodes all the time.

import { match, normalise } from "../../engine/codes.js";
import { SeenCodes } from "./scanner.js";
import { toGrey, toPicture } from "./frame.js";
import { LOOK_SIDE } from "./pictures.js";
import { isFlat, Scene } from "./scene.js";

const CODE_SIDE = 720;
const SEE_MILLISECONDS = 100; // between pictures that are compared while nothing is answered
const SCAN_MILLISECONDS = 150;
const FAULT_MILLISECONDS = 10_000; // until barcodes are tried again where they cannot be read
const SCANS_FIRST = 2; // pictures of a scene that are searched for barcodes before one is looked at: they win

// The codes of a picture that are some, each with the only product that has it, or null.
export function readCodes(codes, products) {
  return codes
    .map(({ text, format }) => ({ text: normalise(text, format), product: match(text, products, format) }))
    .filter(({ text }) => text !== null);
}

export class Watch {
  epoch = 0; // counts scenes: what comes back for an earlier one is dropped
  isPaused = false;
  #scene = new Scene();
  #seenCodes = new SeenCodes();
  #seenAt = 0;
  #scannedAt = 0;
  #isScanning = false;
  #isSeeing = false;
  #grey = null; // of the newest picture
  #isLooking = false;
  #scans = 0; // of this scene
  #isLooked = false; // at this scene, or nobody wants that any more

  // onLeave(), onEmpty(), onStill(frame): resolves when looked at, onCode(code, frame, isNew), onFault(error)
  constructor(recognizer, handlers) {
    this.recognizer = recognizer;
    Object.assign(this, handlers);
    this.products = [];
  }

  follow(camera) {
    this.camera = camera;
  }

  pause() {
    this.isPaused = true;
    this.#next();
  }

  resume() {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.#next();
  }

  // Look anew at what is there.
  again() {
    this.#next();
  }

  // What is answered now belongs to what is seen now: no other answer is looked for until that changes.
  holdScene() {
    this.#next();
    this.#isLooked = true;
    if (this.camera.isSeeing && this.#grey) this.#scene.hold(this.#grey);
  }

  #next() {
    this.epoch += 1;
    this.#scans = 0;
    this.#isLooked = false;
    this.#scene.forget();
  }

  // Look at what the camera sees now. A picture whose brightness is at hand is judged before it is painted.
  async see(now) {
    const isEarly = !this.#scene.isHeld && now - this.#seenAt < SEE_MILLISECONDS;
    if (this.isPaused || this.#isSeeing || isEarly) return;
    this.#isSeeing = true;
    this.#seenAt = now;
    const [frame, epoch] = [this.camera.frame(), this.epoch];
    let isKept = false;
    try {
      const brightness = await frame.brightness();
      isKept = epoch === this.epoch && !this.isPaused && this.#judge(frame, brightness, now);
    } finally {
      if (!isKept) frame.close();
      this.#isSeeing = false;
    }
  }

  // Gives whether the frame is still needed.
  #judge(frame, brightness, now) {
    const grey = toGrey(brightness);
    this.#grey = grey;
    this.camera.watchForBlack(grey, now);
    const { changed, still } = this.#scene.see(grey, now);
    if (changed) {
      this.#next();
      this.onLeave();
    }
    if (!this.camera.isSeeing || this.#isScanning || this.#isLooking) return false;
    if (still && !this.#isLooked && this.#scans >= SCANS_FIRST) this.#look(frame, grey);
    else if (now - this.#scannedAt >= SCAN_MILLISECONDS) {
      this.#scan(frame, toPicture(brightness, CODE_SIDE), grey, now);
      return true;
    }
    return false;
  }

  async #look(frame, grey) {
    this.#isLooked = true;
    this.#scene.hold(grey);
    if (isFlat(grey)) return this.onEmpty();
    this.#isLooking = true;
    try {
      await this.onStill(frame.square(LOOK_SIDE), this.epoch);
    } catch (error) {
      this.onFault(error);
    } finally {
      this.#isLooking = false;
    }
  }

  async #scan(frame, picture, grey, now) {
    this.#isScanning = true;
    this.#scannedAt = now;
    const epoch = this.epoch;
    try {
      const found = readCodes(await this.recognizer.codes(picture), this.products);
      if (epoch === this.epoch && !this.isPaused) this.#tell(found, frame, grey, now);
    } catch (error) {
      this.#scannedAt = now + FAULT_MILLISECONDS;
      this.onFault(error);
    } finally {
      frame.close();
      this.#scans += 1;
      this.#isScanning = false;
    }
  }

  #tell(found, frame, grey, now) {
    const texts = found.map(({ text }) => text);
    const counted = this.#seenCodes.see(texts, now);
    const picture = found.length ? frame.square(LOOK_SIDE) : null;
    for (const code of found.filter(({ text }) => this.#seenCodes.has(text))) {
      const isNew = counted.includes(code.text);
      if (this.onCode(code, picture, isNew)) this.#scene.hold(grey); // it is still the same thing, wherever it moves
    }
  }
}
