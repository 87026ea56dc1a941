// From what is seen to an answer, and from a tap to the slip and a correction.

import { match, normalise } from "../engine/codes.js";
import { asJpeg, decode, LOOK_SIDE, middleSquare, pixelsOf } from "./see/pictures.js";
import { Views } from "./see/views.js";
import { readCodes, Watch } from "./see/watch.js";
import { say } from "./words.js";

const OFFER_MILLISECONDS = 30_000; // how long a code that nobody has waits for its product

export class Till {
  products = [];
  isPhotoKept = false;
  hasModel = false;
  money = null;
  #ids = new Set();
  #byId = new Map();
  #views = new Views();
  #isSure = false;
  #settled = null; // id of the product that was put on the slip for this scene
  #exchanged = null; // the code whose product was not the right one, while it is in view
  #context = null; // the answer that waits while somebody searches
  #offerTimer;

  // recognizer, panel, offer, slip, outbox, signal(kind), status
  constructor(parts) {
    Object.assign(this, parts);
    this.watch = new Watch(this.recognizer, {
      onLeave: () => this.#leave(),
      onEmpty: () => this.#startAnew(),
      onStill: (frame, epoch) => this.#lookAt(frame, epoch),
      onCode: (code, frame, isNew) => this.#seeCode(code, frame, isNew),
      onFault: (error) => this.status.fault(error.message),
    });
  }

  update(state, money) {
    Object.assign(this, { products: state.products, isPhotoKept: state.photos, hasModel: state.model !== null, money });
    this.watch.products = state.products;
    this.#byId = new Map(state.products.map((product) => [product.id, product]));
    this.#ids = new Set(this.#byId.keys());
  }

  // --- what is seen ---

  #leave() {
    this.#settled = null;
    this.panel.clear();
    this.offer.forgetKnown();
    if (this.#isSure) this.#startAnew();
    this.#hint();
  }

  // The camera sees nothing any more: neither may an answer of it stand.
  lose() {
    if (this.watch.isPaused) return;
    this.watch.again();
    this.#leave();
    this.#startAnew();
  }

  #startAnew() {
    this.#views.reset();
    this.#isSure = false;
    this.#hint();
  }

  // "Turn it" stands from an unsure answer until the next one; else what to do first.
  #hint() {
    const isUnsure = this.#views.count > 0 && !this.#isSure && !this.watch.isPaused;
    this.status.hint(isUnsure ? "turn" : this.panel.answer || this.watch.isPaused ? "" : "hold");
  }

  async #lookAt(frame, epoch) {
    if (!this.hasModel || !this.recognizer.model) return;
    this.status.hint("looking");
    const seen = await this.recognizer.look(pixelsOf(frame), { codes: false });
    if (epoch !== this.watch.epoch || !seen.vector) return;
    this.#views.add(seen.vector, seen.backbone);
    const answer = await this.#answer(frame);
    if (answer && epoch === this.watch.epoch) this.#show(answer);
  }

  // The answer for all views so far; null where the model was exchanged meanwhile: the next picture is looked at anew.
  async #answer(frame) {
    const views = this.#views.count;
    const { madeBy, mean } = this.#views;
    let found;
    try {
      found = await this.recognizer.answer(mean, views, this.#ids, madeBy);
    } catch (error) {
      if (this.recognizer.model.backbone.sha256 === madeBy) throw error;
      this.#startAnew();
      this.watch.again();
      return null;
    }
    const products = (list) => list.map(({ id }) => this.#byId.get(id)).filter(Boolean);
    const { answer: kind, confidence, version } = found;
    const candidates = products(found.candidates);
    const picture = { answer: kind, said: candidates[0]?.id, confidence: confidence.toFixed(4), version, views };
    return { kind, candidates, ranking: products(found.ranking), frame, picture };
  }

  #show(answer) {
    const shown = this.panel.answer;
    if (shown?.code) return this.#compare(shown, answer);
    this.#isSure = answer.kind === "NAMED";
    this.panel.show(answer, this.money);
    this.#hint();
    this.signal(this.#isSure ? "sure" : "unsure");
  }

  // The barcode wins over the picture; where a sure picture says otherwise, both are shown.
  #compare(shown, { kind, candidates, ranking, frame, picture }) {
    this.#isSure = true;
    this.#hint();
    if (kind !== "NAMED" || candidates[0].id === shown.candidates[0].id) return;
    const epoch = this.watch.epoch;
    const both = { ...shown, frame, picture, ranking, other: candidates[0] };
    const show = () => {
      if (epoch !== this.watch.epoch || this.panel.answer !== shown) return;
      this.panel.show(both, this.money, { isNew: false });
    };
    setTimeout(show, this.panel.freshFor);
  }

  // --- barcodes ---

  // Gives whether the code is what is answered now.
  #seeCode({ text, product }, frame, isNew) {
    if (!product) {
      if (isNew) this.#offerCode(text);
      return false;
    }
    if (isNew) this.#take(product, text, frame);
    else if (!this.panel.answer && this.#exchanged !== text) this.#showCode(product, text, frame, false);
    return this.panel.answer?.code === text;
  }

  #take(product, text, frame) {
    this.offer.clear();
    if (this.#settled !== product.id) {
      this.slip.add(product);
      this.signal("added");
    }
    this.#settled = product.id;
    this.#exchanged = null;
    this.#views.reset();
    this.#isSure = true;
    this.#showCode(product, text, frame, true);
  }

  #showCode(product, text, frame, isNew) {
    const answer = { kind: "NAMED", candidates: [product], ranking: [product], frame, code: text, isOnSlip: true };
    this.panel.show(answer, this.money, { isNew });
    this.offer.show(text, true);
    this.#hint();
  }

  #offerCode(text) {
    this.offer.show(text, false);
    this.signal("fault");
    clearTimeout(this.#offerTimer);
    this.#offerTimer = setTimeout(() => this.offer.clear(), OFFER_MILLISECONDS);
  }

  // A hand scanner read something, or a code was typed.
  scanned(text) {
    this.release();
    const product = match(text, this.products);
    this.watch.holdScene();
    this.#settled = null;
    if (product) return this.#take(product, normalise(text) ?? text, null);
    this.panel.clear();
    this.#offerCode(text);
  }

  // --- photos by file ---

  // Several files are several sides of one product.
  async lookAtFiles(files) {
    this.hold();
    this.#startAnew();
    this.panel.clear();
    const { epoch } = this.watch;
    this.status.hint("looking");
    try {
      const answer = await this.#answerFiles(files, epoch);
      if (answer && epoch === this.watch.epoch) this.#show(answer);
    } catch (error) {
      this.status.fault(error.message);
    }
    this.status.held(epoch === this.watch.epoch ? "file" : "");
  }

  async #answerFiles(files, epoch) {
    let frame;
    for (const file of files) {
      const picture = await decode(file);
      frame = middleSquare(picture, picture.width, picture.height, LOOK_SIDE);
      const seen = await this.recognizer.look(pixelsOf(picture));
      if (epoch !== this.watch.epoch) return null;
      const [code] = readCodes(seen.codes, this.products);
      if (code?.product) {
        this.#take(code.product, code.text, frame);
        return null;
      }
      if (code) this.#offerCode(code.text);
      if (seen.vector) this.#views.add(seen.vector, seen.backbone, { isSameProduct: true });
    }
    if (!this.#views.count) throw new Error(say("no_model_yet"));
    return this.#answer(frame);
  }

  // --- what a person does ---

  // The camera waits: somebody searches, reads a long list, or shows a photo.
  hold(mode = "") {
    this.watch.pause();
    this.status.held(mode);
    this.status.hint("");
  }

  searches() {
    const { answer } = this.panel;
    if (answer && !answer.isOnSlip) this.#context = answer; // what is on the slip already stays there
    if (!this.watch.isPaused) this.hold();
    this.panel.clear();
  }

  // Back to the camera.
  release() {
    if (!this.watch.isPaused) return;
    this.#context = null;
    this.watch.resume();
    this.status.held("");
    this.panel.clear();
    this.#startAnew();
  }

  async pick(product, answer = this.#context) {
    if (answer?.isOnSlip && product.id === answer.candidates[0].id) return;
    if (answer?.isOnSlip) {
      this.slip.takeBack(answer.candidates[0]);
      this.#exchanged = answer.code;
    }
    const line = this.slip.add(product);
    const code = this.offer.wanted;
    this.offer.clear();
    this.#views.reset();
    this.release();
    this.watch.holdScene();
    this.#settled = product.id;
    this.#isSure = true;
    this.panel.clear(say("added", { name: product.name }));
    this.status.hint("added", { name: product.name });
    this.signal("added");
    this.onPicked(line);
    if (answer?.picture || code) await this.#correct(product, answer, code);
  }

  async #correct(product, answer, code) {
    const photo = this.isPhotoKept && answer?.frame ? await asJpeg(answer.frame) : null;
    await this.outbox.add({ ...answer?.picture, chosen: product.id, code }, photo);
  }
}
