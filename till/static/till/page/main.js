// Starts the till and puts its parts together.

import { Recognizer } from "../engine/recognizer.js";
import { Camera } from "./see/camera.js";
import { Files } from "./keep/files.js";
import { Money } from "./money.js";
import { Outbox } from "./keep/outbox.js";
import { HandScanner } from "./see/scanner.js";
import { Session } from "./keep/session.js";
import { element, part } from "./show/elements.js";
import { CodeOffer, Panel } from "./show/panel.js";
import { Search } from "./show/search.js";
import { Settings } from "./show/settings.js";
import { SlipView } from "./show/slip-view.js";
import { Status } from "./show/status.js";
import { Slip } from "./slip.js";
import { Thumbnails } from "./keep/thumbnails.js";
import { Till } from "./till.js";
import { Update } from "./keep/update.js";
import { config, engineWords, say } from "./words.js";

document.body.dataset.started = "true";

class Page {
  #model = null; // the state's, as JSON, that was loaded last

  constructor() {
    this.status = new Status();
    this.session = new Session({
      onState: (state) => this.#take(state),
      onOffline: (offline) => this.status.set({ offline }),
      onRefused: (sentence, canLogIn) => this.#stop(sentence, canLogIn),
      onShops: (shops) => this.#askShop(shops),
      version: () => this.recognizer.model?.version,
    });
    const { worker, ort, zxing } = config;
    this.recognizer = new Recognizer({ worker, ort, zxing, words: engineWords });
    this.recognizer.ready().catch((error) => this.status.fault(error.message));
  }

  async start() {
    await this.session.open();
    const { store, api } = this.session;
    this.files = new Files(api, say);
    this.thumbnails = new Thumbnails(api);
    this.settings = new Settings(store);
    await this.settings.read();
    this.outbox = new Outbox(store, api, {
      onCount: (count) => this.status.waiting(count),
      onRefused: () => this.session.poll(),
    });
    this.slip = new Slip(store, () => { if (this.money) this.slipView.show(this.money); });
    this.slipView = new SlipView(this.slip);
    this.#makeTill();
    this.#listen();
    this.camera.start();
    await this.session.start();
  }

  #makeTill() {
    const { thumbnails, recognizer, slip, outbox, status } = this;
    const panel = new Panel({
      thumbnails,
      onPick: (product, answer) => this.till.pick(product, answer),
      onMore: () => this.till.hold("more"),
    });
    const signal = (kind) => this.settings.signal(kind);
    const onPicked = (line) => { if (line.unit === "kg") this.slipView.askWeight(line); };
    this.till = new Till({ recognizer, panel, offer: new CodeOffer(), slip, outbox, status, signal, onPicked });
    this.search = new Search({
      thumbnails,
      onOpen: () => this.till.searches(),
      onClose: () => this.till.release(),
      onPick: (product) => this.till.pick(product),
    });
    this.camera = new Camera(part("video"), {
      onState: (camera) => this.#followCamera(camera),
      onFrame: (now) => { if (this.money) this.till.watch.see(now); },
    });
    this.till.watch.follow(this.camera);
  }

  #followCamera(camera) {
    this.status.set({ camera });
    if (camera !== "running") this.till.lose();
  }

  #listen() {
    const { till } = this;
    part("camera-start").addEventListener("click", () => this.camera.start());
    part("back").addEventListener("click", () => till.release());
    part("file").addEventListener("change", ({ target }) => {
      const files = [...target.files];
      target.value = "";
      if (files.length) till.lookAtFiles(files);
    });
    new HandScanner({
      onCode: (text) => {
        this.search.close();
        if (this.money) till.scanned(text);
      },
      onDigit: (number) => till.panel.choose(number),
      onEnter: () => till.panel.confirm(),
    });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") till.release(); });
  }

  // A new state; null: the server has nothing new.
  async #take(state) {
    if (state) {
      await this.#openFor(this.session.api.owner);
      this.#show(state);
    }
    this.outbox.send();
    if (this.state) this.#load(this.state);
  }

  // Each person has a slip of their own in each shop, and nothing of another's stays on the page.
  async #openFor(owner) {
    if (owner === this.slip.owner) return;
    if (this.money) this.#forget();
    await this.session.store.dropOld(owner);
    await this.slip.open(owner);
    await this.outbox.count();
  }

  #show(state) {
    this.state = state;
    this.money = new Money(state.shop.currency);
    this.till.update(state, this.money);
    this.search.update(state.products, this.money);
    this.slipView.show(this.money);
    part("shop").textContent = state.till ? `${state.shop.name} · ${state.till}` : state.shop.name;
    part("shops").hidden = true;
    this.status.noModel(state.model ? "" : state.no_model);
    this.thumbnails.prepare(state.products).catch(() => {}); // they come when they are shown
    this.update?.see(state.release);
  }

  // Load the model that the state names, if it is not the one that answers; what answers goes on meanwhile.
  async #load({ model }) {
    const told = JSON.stringify(model);
    if (told === this.#model) return;
    this.#model = told;
    try {
      if (model) await this.recognizer.load(model, (url, sha256) => this.#fetchFile(model, url, sha256));
      this.status.version = this.recognizer.model?.version;
      this.status.set({ loaded: true });
      this.status.fault(""); // of an earlier try
      this.till.watch.again();
      if (model) await Files.keepOnly([model.backbone.url, model.head.url]);
    } catch (error) {
      this.#model = null; // the next state tries again
      if (!(error.name === "Unreachable")) this.status.fault(error.message || say("model_missing"));
    }
    await this.#keepOffline();
  }

  #fetchFile(model, url, sha256) {
    const isFirst = this.recognizer.model === null && url === model.backbone.url;
    const onProgress = isFirst ? (read, total) => this.status.progress(read, total) : undefined;
    return this.files.fetch(url, sha256, onProgress);
  }

  // After the model, which is needed first.
  async #keepOffline() {
    if (this.update) return;
    this.update = new Update((milliseconds) => this.#isIdle(milliseconds));
    if (!(await this.update.keepOffline())) this.status.noOffline();
    this.update.see(this.state.release);
  }

  #isIdle(milliseconds) {
    const untouched = performance.now() - this.slip.touchedAt;
    const { age } = this.till.panel;
    const isAnswered = age !== null && age < milliseconds;
    return untouched > milliseconds && !isAnswered && !this.search.isOpen && !part("ask").open;
  }

  #askShop(shops) {
    const buttons = shops.map(({ slug, name }) => {
      const button = element("button", { type: "button", "data-shop": slug }, name);
      button.addEventListener("click", () => this.session.choose(slug));
      return button;
    });
    part("shop-list").replaceChildren(...buttons);
    part("shops").hidden = false;
  }

  // What is a shop's goes from the page, too.
  #forget() {
    const nothing = { products: [], photos: false, model: null };
    this.till.update(nothing, this.money);
    this.search.close();
    this.search.update([], this.money);
    this.till.panel.clear();
    this.till.offer.clear();
    this.slip.forget();
    this.status.waiting(0);
    this.status.version = null;
    this.money = null; // and so nothing is shown any more
    for (const name of ["shop", "total", "lines-count", "live"]) part(name).textContent = "";
  }

  #stop(sentence, canLogIn) {
    this.camera.close();
    this.recognizer.close();
    this.#forget();
    this.status.refuse(sentence, canLogIn);
  }
}

const page = new Page();
page.start().catch((error) => page.status.fault(error.message));
