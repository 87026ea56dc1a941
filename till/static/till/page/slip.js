// The slip: what was answered, with pieces or weight, and what it costs. Stays on the device.

import { SLIP } from "./keep/store.js";
import { Money } from "./money.js";

const UNDO = 50; // steps

export class Slip {
  lines = []; // {id, product, name, price (hundredths or null), unit, quantity (pieces, grams or null)}
  #earlier = [];
  #last = 0;

  constructor(store, onChange) {
    this.store = store;
    this.onChange = onChange;
    this.touchedAt = performance.now();
  }

  // The slip of a person or till in a shop, as it was left.
  async open(owner) {
    this.owner = owner;
    this.#earlier = [];
    this.lines = (await this.store.get(SLIP + owner))?.lines ?? [];
    this.#last = Math.max(0, ...this.lines.map((line) => line.id));
    this.onChange();
  }

  get canUndo() {
    return this.#earlier.length > 0;
  }

  #change(lines) {
    this.#earlier = [...this.#earlier, this.lines].slice(-UNDO);
    this.#put(lines);
  }

  #put(lines) {
    this.lines = lines;
    this.touchedAt = performance.now();
    this.store.set(SLIP + this.owner, { lines, at: Date.now() }).catch(() => {}); // a full disk: the slip lasts as long as the page
    this.onChange();
  }

  // One piece more of a product, or a weight to be typed in. Gives the line.
  add(product) {
    const same = product.unit === "kg" ? null : this.lines.find((line) => line.product === product.id);
    const rest = this.lines.filter((line) => line !== same);
    const line = same ? { ...same, quantity: same.quantity + 1 } : this.#newLine(product);
    this.#change([...rest, line]);
    return line;
  }

  #newLine(product) {
    this.#last += 1;
    const { id, name, unit } = product;
    const quantity = unit === "kg" ? null : 1;
    return { id: this.#last, product: id, name, unit, price: Money.hundredths(product.price), quantity };
  }

  set(id, quantity) {
    this.#change(this.lines.map((line) => (line.id === id ? { ...line, quantity } : line)));
  }

  remove(id) {
    this.#change(this.lines.filter((line) => line.id !== id));
  }

  // One piece of a product less: it was another one.
  takeBack(product) {
    const line = this.lines.findLast((one) => one.product === product.id);
    if (!line) return;
    if (line.unit !== "kg" && line.quantity > 1) this.set(line.id, line.quantity - 1);
    else this.remove(line.id);
  }

  clear() {
    this.#change([]);
  }

  // On a device that may not go on: there is nothing to undo, and nothing to keep.
  forget() {
    this.#earlier = [];
    this.lines = [];
    this.onChange();
  }

  undo() {
    const earlier = this.#earlier.pop();
    if (earlier) this.#put(earlier);
  }
}
