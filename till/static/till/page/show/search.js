// Finds products by name, SKU or barcode; the picture that was answered waits meanwhile.

import { say, sayCount } from "../words.js";
import { part } from "./elements.js";
import { Tiles } from "./tiles.js";

const MOST = 30;

const plain = (text) => text.toLocaleLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

// Products with all words in their name, or whose SKU or barcode holds the text; those that begin so first.
export function find(text, products) {
  const wanted = plain(text.trim());
  const words = wanted.split(/\s+/);
  const found = products.filter((product) => {
    const name = plain(product.name);
    const hasNumber = plain(product.sku).includes(wanted) || product.barcode.includes(wanted);
    return hasNumber || words.every((word) => name.includes(word));
  });
  const begins = (product) => Number(plain(product.name).startsWith(wanted) || plain(product.sku) === wanted);
  return found.sort((one, other) => begins(other) - begins(one)).slice(0, MOST);
}

export class Search {
  products = [];

  // onOpen(), onClose(), onPick(product)
  constructor({ thumbnails, onOpen, onClose, onPick }) {
    Object.assign(this, { onOpen, onClose });
    this.input = part("search");
    const choose = (product) => {
      onPick(product);
      this.close();
    };
    this.tiles = new Tiles(part("found"), { thumbnails, hasKeys: false, onPick: choose });
    this.input.addEventListener("input", () => this.#look());
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
      if (event.key === "Enter" && this.tiles.products.length) this.tiles.onPick(this.tiles.products[0]);
    });
    part("search-close").addEventListener("click", () => this.close());
    this.close();
  }

  get isOpen() {
    return this.input.value.trim() !== "";
  }

  update(products, money) {
    Object.assign(this, { products, money });
    if (this.isOpen) this.#look();
  }

  #look() {
    if (!this.isOpen) return this.close();
    const found = find(this.input.value, this.products);
    this.#toggle(true);
    this.tiles.show(found, this.money);
    part("found-words").textContent = found.length ? sayCount("found", found.length) : say("found_none");
    this.onOpen();
  }

  #toggle(isOpen) {
    part("results").hidden = !isOpen;
    part("search-close").hidden = !isOpen;
    document.body.dataset.searching = String(isOpen);
  }

  close() {
    this.input.value = "";
    this.#toggle(false);
    this.tiles.clear();
    this.onClose();
  }
}
