// The answer: the frame that was answered, a name and a price or a question, and tiles below.

import { say, sayCount } from "../words.js";
import { part } from "./elements.js";
import { priceOf, Tiles } from "./tiles.js";

const LIST = 6; // tiles before *More*
const CLICK_MILLISECONDS = 300; // after a finger was lifted its click has come, or none comes
const HOLD_MILLISECONDS = 2_000; // what has just appeared stays where it is: a finger may be on its way

export class Panel {
  #count = 0;
  #shownAt = Number.NEGATIVE_INFINITY;
  #isTouched = false;
  #afterTouch = null;
  answer = null; // what is shown: {kind, candidates, ranking, frame, code, ...}, or null

  // onPick(product, answer), onMore()
  constructor({ thumbnails, onPick, onMore }) {
    this.box = part("answer");
    this.onPick = (product) => { if (this.answer) onPick(product, this.answer); };
    this.tiles = new Tiles(part("tiles"), { thumbnails, onPick: this.onPick });
    part("confirm").addEventListener("click", () => this.confirm());
    part("more").addEventListener("click", () => { this.#showAll(); onMore(); });
    this.#followFingers();
    this.clear();
  }

  // While a finger is down nothing below it may change.
  #followFingers() {
    this.box.addEventListener("pointerdown", () => { this.#isTouched = true; });
    const release = () => {
      this.#isTouched = false;
      const next = this.#afterTouch;
      this.#afterTouch = null;
      next?.();
    };
    document.addEventListener("click", () => setTimeout(release));
    for (const kind of ["pointerup", "pointercancel"]) {
      document.addEventListener(kind, () => setTimeout(release, CLICK_MILLISECONDS));
    }
  }

  // Do it now, or when the finger is up.
  #change(action) {
    if (this.#isTouched) this.#afterTouch = action;
    else action();
  }

  // Milliseconds for which what is shown may not be exchanged; the scene may still take it away.
  get freshFor() {
    return this.answer ? Math.max(0, this.#shownAt + HOLD_MILLISECONDS - performance.now()) : 0;
  }

  // How long an answer has been open; null without one.
  get age() {
    return this.answer ? performance.now() - this.#shownAt : null;
  }

  show(answer, money, { isNew = true } = {}) {
    this.#change(() => this.#show(answer, money, isNew));
  }

  #show(answer, money, isNew) {
    this.answer = answer;
    this.money = money;
    this.#shownAt = performance.now();
    if (isNew) this.#count += 1;
    const isNamed = answer.kind === "NAMED";
    const [first] = answer.candidates;
    this.#describe(answer.kind, isNamed ? first.sku : "", answer.picture?.views);
    part("said").hidden = false;
    this.#showFrame(answer.frame);
    this.#showName(isNamed ? first : null, answer);
    part("question").textContent = this.#question(answer);
    const others = isNamed ? [...answer.ranking].filter((product) => product !== first) : answer.candidates;
    this.tiles.show(others.slice(0, this.#length(answer)), money);
    part("more").hidden = answer.ranking.length <= this.tiles.products.length + (isNamed ? 1 : 0);
    part("live").textContent = this.#inWords(answer, first);
  }

  #length({ kind, other }) {
    if (other) return 1;
    return kind === "NAMED" ? LIST / 2 : LIST;
  }

  #describe(kind, sku, views = "") {
    Object.assign(this.box.dataset, { answer: kind, sku, views: String(views), count: String(this.#count) });
  }

  #showFrame(frame) {
    part("frame").replaceChildren(...(frame ? [frame] : []));
    part("frame").hidden = !frame;
  }

  #showName(product, answer) {
    part("confirm").hidden = product === null;
    part("name").textContent = product?.name ?? "";
    part("price").textContent = product ? priceOf(product, this.money) : "";
    part("hint").textContent = say(answer.isOnSlip ? "on_slip" : "tap_to_add");
    part("confirm").dataset.added = String(Boolean(answer.isOnSlip));
  }

  #question({ kind, other, candidates, ranking }) {
    if (other) return say("code_and_picture_differ", { name: other.name });
    if (kind === "NAMED") return ranking.length > 1 ? say("not_this") : "";
    if (!candidates.length) return say("nothing_known");
    if (kind === "CHOOSE") return say(candidates.length === 1 ? "is_it_this" : "which_one");
    return say("unknown");
  }

  #inWords(answer, first) {
    const { kind, isOnSlip, candidates } = answer;
    if (kind !== "NAMED") return `${this.#question(answer)} ${sayCount("choices", candidates.length)}`;
    const told = { name: first.name, price: priceOf(first, this.money) };
    return say(isOnSlip ? "live_added" : "live_named", told);
  }

  // All products that may be meant, best first.
  #showAll() {
    if (!this.answer) return;
    this.#showName(null, this.answer);
    part("more").hidden = true;
    part("question").textContent = say("all_products");
    this.tiles.show(this.answer.ranking, this.money);
    this.tiles.box.querySelector("button")?.focus();
  }

  // Take the answer away at once; while a finger is down, when it is up.
  clear(told = "") {
    this.#change(() => {
      this.answer = null;
      this.#describe("", "");
      part("said").hidden = true;
      part("confirm").hidden = true;
      for (const name of ["name", "price", "question"]) part(name).textContent = "";
      this.#showFrame(null);
      this.tiles.clear();
      part("more").hidden = true;
      part("live").textContent = told;
    });
  }

  // "Yes": the first answer is right.
  confirm() {
    if (this.answer?.kind === "NAMED" && !this.answer.isOnSlip) this.onPick(this.answer.candidates[0]);
  }

  choose(number) {
    const product = this.tiles.products[number - 1];
    if (product) this.onPick(product);
  }
}

// A code that nobody has, with the offer to store it.
export class CodeOffer {
  constructor() {
    this.box = part("code");
    this.row = part("offer");
    part("offer-close").addEventListener("click", () => this.clear());
    this.clear();
  }

  show(text, isKnown) {
    this.row.hidden = false;
    this.row.dataset.known = String(isKnown);
    this.box.textContent = text;
    part("store").checked = !isKnown;
    part("offer-words").textContent = say(isKnown ? "code_of" : "code_unknown");
  }

  // A code that has told its product goes with the answer; one that nobody has waits for its product.
  forgetKnown() {
    if (this.row.dataset.known === "true") this.clear();
  }

  // The code to be stored with what is picked now, if that is wanted.
  get wanted() {
    return !this.row.hidden && part("store").checked ? this.box.textContent : "";
  }

  clear() {
    this.row.hidden = true;
    this.box.textContent = "";
    part("store").checked = false;
  }
}

