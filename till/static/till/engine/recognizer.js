// The page's hold on the worker that computes.

const START_MILLISECONDS = 10_000;
const SPARE = 2; // pictures' memory that is kept: one size to look at, one to read barcodes from

export class Recognizer {
  #worker;
  #waiting = new Map();
  #last = 0;
  #started;
  #loading = Promise.resolve();
  #model = null;
  #over = null; // why nothing will answer any more
  #spare = []; // memory of pictures that the worker has given back

  // Addresses: of the worker's script, and of the WebAssembly that it runs. `words` has the sentences of errors.
  constructor({ worker, ort, zxing, words }) {
    this.words = words;
    this.#worker = new Worker(worker, { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#settle(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error(this.words.broken));
    };
    const addresses = { ort: new URL(ort, location.href).href, zxing: new URL(zxing, location.href).href };
    this.#started = this.#ask("start", { addresses }).catch((error) => {
      throw this.#over ?? new Error(this.words.broken, { cause: error });
    });
    this.#started.catch(() => {}); // `ready` tells it
  }

  // Resolves when the worker answers; rejects with a sentence if it has not within ten seconds.
  ready() {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(this.words.slow)), START_MILLISECONDS);
    });
    return Promise.race([this.#started, late]).finally(() => clearTimeout(timer));
  }

  // What answers now: `model` of the state that was loaded last, or null.
  get model() {
    return this.#model;
  }

  // Load the pair that a state names. The old one answers until the new one is whole; if that fails, it stays.
  // `fetchFile(url, sha256)` gives a file's content, checked.
  load(model, fetchFile) {
    this.#loading = this.#loading.catch(() => {}).then(() => this.#load(model, fetchFile));
    return this.#loading;
  }

  async #load(model, fetchFile) {
    const before = this.#model;
    const [backboneFile, headFile] = await Promise.all(
      ["backbone", "head"].map((part) => {
        const isThere = before?.[part].sha256 === model[part].sha256;
        return isThere ? null : fetchFile(model[part].url, model[part].sha256);
      }),
    );
    await this.#started;
    const files = [backboneFile, headFile].filter((file) => file);
    await this.#ask("load", { model, backboneFile, headFile }, files).catch((error) => {
      if (this.#over) throw error;
      throw new Error(this.words.unusable ?? error.message, { cause: error });
    });
    this.#model = model;
  }

  // A picture (ImageData): its vector, or null without a model, the hash of the backbone that made it, and the
  // barcodes on it as [{text, format}].
  look(picture, { codes = true } = {}) {
    return this.#askOf("look", picture, { codes });
  }

  // The barcodes alone, which is quick.
  codes(picture) {
    return this.#askOf("codes", picture);
  }

  // The answer for the mean vector of so many views, among the products with these ids (a Set): see answer.js, and
  // the version that gave it. Rejects if `madeBy`, the backbone of the vector, is not the one in use any more.
  answer(vector, views, activeIds, madeBy) {
    return this.#ask("answer", { vector, views, activeIds, madeBy });
  }

  close() {
    this.#worker.terminate();
    this.#fail(new Error(this.words.closed));
  }

  // Ask about a copy of a picture.
  #askOf(kind, { data, width, height }, message = {}) {
    const at = this.#spare.findIndex(({ byteLength }) => byteLength === data.byteLength);
    const memory = at < 0 ? new ArrayBuffer(data.byteLength) : this.#spare.splice(at, 1)[0];
    const copy = new Uint8ClampedArray(memory);
    copy.set(data);
    return this.#ask(kind, { picture: { data: copy, width, height }, ...message }, [memory]);
  }

  #ask(kind, message, transfer = []) {
    if (this.#over) return Promise.reject(this.#over);
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, kind, ...message }, transfer);
    });
  }

  #settle({ id, result, error, memory }) {
    if (memory) this.#spare = [memory, ...this.#spare].slice(0, SPARE);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
  }

  #fail(error) {
    this.#over ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
