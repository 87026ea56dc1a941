// Whether what the camera sees stands still, and whether it is still what was answered.
// Pictures are 16 × 16 levels of grey, 0 to 255.

const SAMPLE_MILLISECONDS = 100; // between pictures that are compared to tell stillness
const STILL = 5; // mean difference below which two of them are the same; a hand trembles by 1 to 3
const STILL_SAMPLES = 3; // in a row
const CHANGED = 8; // mean difference to the answered picture that makes it another scene
const CELL_CHANGED = 32; // or so much in some cells:
const CELLS = 20; // a small product that was taken away leaves most of the picture as it was
const FLAT = 5; // standard deviation of a picture that shows nothing but a surface

function difference(one, other) {
  let [sum, cells] = [0, 0];
  for (let index = 0; index < one.length; index += 1) {
    const distance = Math.abs(one[index] - other[index]);
    sum += distance;
    if (distance > CELL_CHANGED) cells += 1;
  }
  return { mean: sum / one.length, cells };
}

export function isFlat(grey) {
  const mean = grey.reduce((sum, level) => sum + level, 0) / grey.length;
  const variance = grey.reduce((sum, level) => sum + (level - mean) ** 2, 0) / grey.length;
  return Math.sqrt(variance) < FLAT;
}

export class Scene {
  #last = null;
  #sampledAt = Number.NEGATIVE_INFINITY;
  #still = 0;
  #held = null;

  // Take note of a picture: whether it differs from the one that is held, and whether all stands still.
  see(grey, now) {
    if (now - this.#sampledAt >= SAMPLE_MILLISECONDS) {
      const moved = this.#last ? difference(grey, this.#last).mean : Number.POSITIVE_INFINITY;
      this.#still = moved < STILL ? this.#still + 1 : 0;
      this.#last = grey;
      this.#sampledAt = now;
    }
    const changed = this.#held !== null && this.differs(grey);
    if (changed) this.forget();
    return { changed, still: this.#still >= STILL_SAMPLES };
  }

  differs(grey) {
    const { mean, cells } = difference(grey, this.#held);
    return mean > CHANGED || cells > CELLS;
  }

  // This is the picture that is answered now.
  hold(grey) {
    this.#held = grey;
  }

  get isHeld() {
    return this.#held !== null;
  }

  forget() {
    this.#held = null;
    this.#still = 0;
  }
}
