// Barcodes that come by camera or by a hand scanner, each of them once.

const AGREE = 2; // pictures in a row that must show the same code
const GONE_MILLISECONDS = 1_000; // not seen for so long, and in several pictures: it has left
const GONE_PICTURES = 3;

export class SeenCodes {
  #known = new Map(); // text to {hits, misses, at, isCounted}

  // Take note of the codes of one picture; gives those that count now.
  see(texts, now) {
    for (const [text, known] of this.#known) {
      if (texts.includes(text)) continue;
      known.misses += 1;
      if (!known.isCounted) this.#known.delete(text);
      else if (known.misses >= GONE_PICTURES && now - known.at > GONE_MILLISECONDS) this.#known.delete(text);
    }
    return texts.filter((text) => this.#count(text, now));
  }

  // Whether this code has counted and has been in view since.
  has(text) {
    return this.#known.get(text)?.isCounted ?? false;
  }

  #count(text, now) {
    const known = this.#known.get(text) ?? { hits: 0, isCounted: false };
    Object.assign(known, { hits: known.hits + 1, misses: 0, at: now });
    this.#known.set(text, known);
    if (known.isCounted || known.hits < AGREE) return false;
    known.isCounted = true;
    return true;
  }
}

const QUICK = 80; // milliseconds between the keys of a scanner, most of them; nobody types so fast
const PAUSE = 250; // between two keys that do not belong together
const LEAST_KEYS = 4;
const CODE_KEY = /^[0-9A-Za-z-]$/;

function median(numbers) {
  return [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)];
}

// A scanner types a code and Enter, wherever the focus is. A single digit of a person chooses a tile.
export class HandScanner {
  #burst = "";
  #gaps = [];
  #at = 0;
  #field = null; // the input that has got the keys, and what was in it before
  #timer;

  // onCode(text), onDigit(number), onEnter(): the last two only where no field or button has the focus.
  constructor({ onCode, onDigit, onEnter }) {
    Object.assign(this, { onCode, onDigit, onEnter });
    document.addEventListener("keydown", (event) => this.#hear(event), { capture: true });
  }

  #hear(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const gap = event.timeStamp - this.#at;
    this.#at = event.timeStamp;
    if (gap > PAUSE) this.#begin(event.target);
    else this.#gaps.push(gap);
    clearTimeout(this.#timer);
    if (event.key === "Enter") return this.#end(event);
    if (!CODE_KEY.test(event.key)) return;
    this.#burst += event.key;
    const isFree = !event.target.closest("input, textarea, select, dialog");
    if (isFree && /^[1-9]$/.test(this.#burst)) {
      this.#timer = setTimeout(() => this.onDigit(Number(event.key)), PAUSE);
    }
  }

  #begin(target) {
    this.#burst = "";
    this.#gaps = [];
    this.#field = target.matches("input") ? { input: target, value: target.value } : null;
  }

  get #isScanned() {
    return this.#burst.length >= LEAST_KEYS && median(this.#gaps) <= QUICK;
  }

  #end(event) {
    const text = this.#isScanned ? this.#burst : "";
    this.#at = Number.NEGATIVE_INFINITY; // what follows is another burst
    if (text) {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (this.#field) this.#field.input.value = this.#field.value;
      this.#field?.input.dispatchEvent(new Event("input", { bubbles: true }));
      this.onCode(text);
    } else if (!event.target.closest("input, textarea, select, button, a, summary, dialog")) this.onEnter();
  }
}
