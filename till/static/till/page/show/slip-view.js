// The slip as it is seen: lines with their quantity, the total, Undo and Clear.

import { readQuantity } from "../money.js";
import { say, sayCount } from "../words.js";
import { element, part } from "./elements.js";

export class SlipView {
  #focusNext = null;

  constructor(slip) {
    this.slip = slip;
    part("undo").addEventListener("click", () => slip.undo());
    part("clear").addEventListener("click", () => part("ask").showModal());
    part("ask").addEventListener("close", () => { if (part("ask").returnValue === "clear") slip.clear(); });
    part("slip-toggle").addEventListener("click", () => this.#toggle());
  }

  #toggle(isOpen = document.body.dataset.slip !== "open") {
    document.body.dataset.slip = isOpen ? "open" : "closed";
    part("slip-toggle").setAttribute("aria-expanded", String(isOpen));
  }

  show(money) {
    this.money = money;
    const { lines } = this.slip;
    const focused = document.activeElement?.dataset.line;
    if (!this.#isTyping(lines)) {
      part("lines").replaceChildren(...lines.map((line) => this.#row(line)).reverse());
      if (focused) part("lines").querySelector(`input[data-line="${focused}"]`)?.focus({ preventScroll: true });
    }
    this.#focusWeight();
    part("total").textContent = money.show(lines.reduce((sum, line) => sum + (money.amount(line) ?? 0), 0));
    const open = lines.filter((line) => money.amount(line) === null).length;
    part("open").textContent = open ? sayCount("lines_open", open) : "";
    part("lines-count").textContent = sayCount("lines", lines.length);
    part("empty").hidden = lines.length > 0;
    part("undo").disabled = !this.slip.canUndo;
    part("clear").disabled = lines.length === 0;
  }

  // Whether somebody is in the middle of a number: news from the server must not take it away.
  #isTyping(lines) {
    const input = document.activeElement;
    const line = lines.find(({ id }) => String(id) === input?.dataset.line);
    return line !== undefined && input.tagName === "INPUT" && readQuantity(input.value, line.unit) !== line.quantity;
  }

  #row(line) {
    const amount = this.money.amount(line);
    const price = line.price === null ? say("no_price") : this.money.show(line.price);
    const each = line.unit === "kg" ? say("price_a_kilogram", { price }) : say("price_each", { price });
    const told = { type: "button", class: "till-icon", "aria-label": say("remove", { name: line.name }) };
    const remove = element("button", told, "×");
    remove.addEventListener("click", () => this.slip.remove(line.id));
    return element(
      "li",
      { "data-line-of": line.product },
      element("span", { class: "till-line-name" }, line.name),
      element("span", { class: "till-line-each" }, each),
      element("label", { class: "till-quantity" }, this.#field(line), say(line.unit === "kg" ? "kg" : "pieces")),
      element("span", { class: "till-line-amount" }, amount === null ? "—" : this.money.show(amount)),
      remove,
    );
  }

  #field(line) {
    const name = say(line.unit === "kg" ? "weight_of" : "pieces_of", { name: line.name });
    const input = element("input", {
      type: "text",
      inputmode: line.unit === "kg" ? "decimal" : "numeric",
      autocomplete: "off",
      size: 5,
      "aria-label": name,
      "data-line": line.id,
      placeholder: line.unit === "kg" ? "0.000" : "1",
    });
    input.value = this.money.showQuantity(line);
    const take = () => this.#take(input, line);
    input.addEventListener("change", take);
    input.addEventListener("focus", () => input.select());
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") input.blur(); });
    return input;
  }

  #take(input, line) {
    const quantity = readQuantity(input.value, line.unit);
    input.setAttribute("aria-invalid", String(quantity === null));
    if (quantity === null) part("live").textContent = say(line.unit === "kg" ? "weight_wrong" : "pieces_wrong");
    else if (quantity !== line.quantity) this.slip.set(line.id, quantity);
  }

  // What is sold by weight asks for it at once, where there is a keyboard: on a phone it would cover the picture.
  askWeight(line) {
    this.#focusNext = matchMedia("(pointer: fine)").matches ? line.id : null;
    this.#focusWeight();
  }

  #focusWeight() {
    const input = this.#focusNext && part("lines").querySelector(`input[data-line="${this.#focusNext}"]`);
    if (input) {
      input.focus({ preventScroll: true });
      this.#focusNext = null;
    }
  }
}
