// Barcodes of retail: which texts are some, and which product of the shop one belongs to.

// Of a code that a scale prints: 2, what kind, and the item's number; then weight or price. As UPC-A, 02 and the number.
const ITEM_DIGITS = 7;
const SCALES = /^(2\d|02)\d{11}$/;

function isChecked(digits) {
  const sum = [...digits.slice(0, -1)]
    .reverse()
    .reduce((total, digit, index) => total + Number(digit) * (index % 2 ? 1 : 3), 0);
  return (10 - (sum % 10)) % 10 === Number(digits.at(-1));
}

// UPC-E, with its number system and check digit, as the UPC-A that it is short for.
function expand(digits) {
  const [system, ...middle] = digits.slice(0, 7);
  const last = Number(middle[5]);
  const five = middle.slice(0, 5).join("");
  let whole = `${five}0000${last}`;
  if (last <= 2) whole = `${five.slice(0, 2)}${last}0000${five.slice(2)}`;
  else if (last === 3) whole = `${five.slice(0, 3)}00000${five.slice(3)}`;
  else if (last === 4) whole = `${five.slice(0, 4)}00000${five.slice(4)}`;
  return `${system}${whole}${digits.at(-1)}`;
}

// A code as EAN-13 or EAN-8, or null if it is no whole retail code. `format` is told by a reader: UPC-E has eight
// digits, as EAN-8 has. Hand scanners tell none; what is wrong as EAN-8 may be right as UPC-E.
export function normalise(text, format = "") {
  const digits = text.trim();
  if (!/^\d+$/.test(digits)) return null;
  const mayBeShort = /^[01]\d{7}$/.test(digits);
  if (mayBeShort && (/upc[-_]?e/i.test(format) || !isChecked(digits))) return normalise(expand(digits));
  if (![8, 12, 13].includes(digits.length) || !isChecked(digits)) return null;
  return digits.length === 12 ? `0${digits}` : digits;
}

// A product's barcode as somebody typed it: whole where it is a retail code, as it is otherwise.
const stored = (barcode) => normalise(barcode) ?? barcode.trim();

function only(products) {
  return products.length === 1 ? products[0] : null;
}

// The only product that has this code, or null. Codes of scales hold weight or price behind the item's number: what
// the shop has with the same number is meant, unless one has the very code.
export function match(text, products, format = "") {
  const whole = normalise(text, format);
  for (const code of [whole ?? text.trim(), normalise(text, "UPC-E")]) {
    const same = products.filter((product) => code && product.barcode && stored(product.barcode) === code);
    if (same.length) return only(same);
  }
  if (!SCALES.test(whole)) return null;
  const item = whole.slice(0, ITEM_DIGITS);
  return only(products.filter(({ barcode }) => SCALES.test(stored(barcode)) && stored(barcode).startsWith(item)));
}
