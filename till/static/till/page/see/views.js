// Views of one product, taken together: another side is worth a lot, more pictures of the same side nothing.
//
// Measured with 2,640 photos of 81 groceries (cosines of Lite2's vectors): of two photos of one product 9 in 100
// are below 0.65, of two products 79 in 100. A view lost to that limit costs one more turn; a foreign one that is
// taken for a side makes the mean worthless.

const SAME_SIDE = 0.88; // cosine to the mean at or above which a view shows nothing new
const OTHER_THING = 0.65; // below: this is another product
const MOST = 5;
const LASTS_MILLISECONDS = 20_000; // who turns a product does so at once

function cosine(one, other) {
  let [dot, left, right] = [0, 0, 0];
  for (let index = 0; index < one.length; index += 1) {
    dot += one[index] * other[index];
    left += one[index] ** 2;
    right += other[index] ** 2;
  }
  return dot / Math.sqrt(left * right || 1);
}

export class Views {
  #vectors = [];
  #madeBy = null;
  #at = 0;

  get count() {
    return this.#vectors.length;
  }

  get madeBy() {
    return this.#madeBy;
  }

  // (D,) float32: the mean of all views.
  get mean() {
    const sum = new Float32Array(this.#vectors[0].length);
    for (const vector of this.#vectors) vector.forEach((value, index) => { sum[index] += value; });
    return sum.map((value) => value / this.#vectors.length);
  }

  // Take a view in. `isSameProduct`: somebody says so, as who chooses several files at once.
  add(vector, madeBy, { isSameProduct = false, now = performance.now() } = {}) {
    if (madeBy !== this.#madeBy || (!isSameProduct && now - this.#at > LASTS_MILLISECONDS)) this.reset();
    const near = this.count ? cosine(vector, this.mean) : 0;
    if (!isSameProduct && near < OTHER_THING) this.reset();
    this.#madeBy = madeBy;
    this.#at = now;
    if (!this.count || (near < SAME_SIDE && this.count < MOST)) this.#vectors.push(vector);
  }

  reset() {
    this.#vectors = [];
  }
}
