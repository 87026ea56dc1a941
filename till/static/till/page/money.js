// Prices, amounts and quantities: whole numbers inside, so that a slip adds up to the last cent.

const GRAMS = 1000;
const MAX_PIECES = 9999;
const MAX_GRAMS = 999_999;

export class Money {
  constructor(currency, language = document.documentElement.lang) {
    const options = { style: "currency", currency };
    this.format = new Intl.NumberFormat(language || undefined, options);
    this.digits = this.format.resolvedOptions().maximumFractionDigits;
    this.weights = new Intl.NumberFormat(language || undefined, { maximumFractionDigits: 3 });
  }

  // "12.90" to 1290: hundredths, as the catalogue keeps prices, whatever the currency shows.
  static hundredths(price) {
    return price === null ? null : Math.round(Number(price) * 100);
  }

  show(hundredths) {
    return this.format.format(hundredths / 100);
  }

  // What a line costs, rounded as it is shown; null while its price or weight is not known.
  amount({ price, unit, quantity }) {
    if (price === null || quantity === null) return null;
    const exact = unit === "kg" ? (price * quantity) / GRAMS : price * quantity;
    const step = 10 ** (2 - Math.min(this.digits, 2));
    return Math.round(exact / step) * step;
  }

  showQuantity({ unit, quantity }) {
    if (quantity === null) return "";
    return unit === "kg" ? this.weights.format(quantity / GRAMS) : String(quantity);
  }
}

// What was typed, "3" or "0,450", as pieces or grams; null if it is neither.
export function readQuantity(text, unit) {
  const typed = text.trim().replace(",", ".");
  if (!/^\d{1,6}(\.\d{0,3})?$|^\.\d{1,3}$/.test(typed)) return null;
  const quantity = unit === "kg" ? Math.round(Number(typed) * GRAMS) : Number(typed);
  const most = unit === "kg" ? MAX_GRAMS : MAX_PIECES;
  return Number.isInteger(quantity) && quantity > 0 && quantity <= most ? quantity : null;
}
