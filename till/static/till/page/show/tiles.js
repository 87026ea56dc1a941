// Tiles of products: picture, name, price. A tap on one chooses it.

import { say } from "../words.js";
import { element } from "./elements.js";

const FEW = 2; // so many are shown larger
const WITH_KEYS = 9; // the first tiles can be chosen by a number key

export class Tiles {
  // onPick(product)
  constructor(box, { thumbnails, onPick, hasKeys = true }) {
    Object.assign(this, { box, thumbnails, onPick, hasKeys });
    this.products = [];
  }

  show(products, money) {
    this.products = products;
    this.box.replaceChildren(...products.map((product, index) => this.#tile(product, index, money)));
    if (products.length <= FEW) this.box.dataset.few = String(products.length);
    else delete this.box.dataset.few;
    this.box.hidden = products.length === 0;
  }

  clear() {
    this.products = [];
    this.box.replaceChildren();
    this.box.hidden = true;
  }

  #tile(product, index, money) {
    const key = this.hasKeys && index < WITH_KEYS ? String(index + 1) : null;
    const tile = element(
      "button",
      { type: "button", class: "till-tile", "data-till": "candidate", "data-sku": product.sku },
      element("span", { class: "till-picture" }, this.thumbnails.picture(product)),
      element("span", { class: "till-tile-name" }, product.name),
      element("span", { class: "till-tile-price" }, priceOf(product, money)),
    );
    if (key) {
      tile.setAttribute("aria-keyshortcuts", key);
      tile.append(element("kbd", { "aria-hidden": "true" }, key));
    }
    tile.addEventListener("click", () => this.onPick(product));
    return tile;
  }
}

// "€12.90", or "€24.90 / kg"
export function priceOf(product, money) {
  if (product.price === null) return say("no_price");
  const price = money.show(Math.round(Number(product.price) * 100));
  return product.unit === "kg" ? say("price_a_kilogram", { price }) : price;
}
