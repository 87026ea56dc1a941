// Reads barcodes from pictures: by the browser's own reader where it has one, else by ours.

import { prepareZXingModule, readBarcodes } from "../vendor/zxing/reader/index.js";
import { normalise } from "./codes.js";
import { reduce } from "./resize.js";

const FORMATS = { ean_13: "EAN13", ean_8: "EAN8", upc_a: "UPCA", upc_e: "UPCE" }; // the browser's name: ours
const ENOUGH = 720; // pixels of the longer side
const OPTIONS = { formats: Object.values(FORMATS), tryHarder: false, tryInvert: false, tryDownscale: false, maxNumberOfSymbols: 4 };

async function builtIn() {
  try {
    const known = await globalThis.BarcodeDetector.getSupportedFormats();
    const formats = Object.keys(FORMATS).filter((format) => known.includes(format));
    return formats.includes("ean_13") ? new globalThis.BarcodeDetector({ formats }) : null;
  } catch {
    return null; // there is none, or it only seems so
  }
}

const ours = async (image) => (await readBarcodes(image, OPTIONS)).map(({ text, format }) => ({ text, format }));

// `fetchBytes(address)` gives the content of our own reader, which is asked for only where it is needed.
export async function openReader(fetchBytes, address) {
  const prepare = async () =>
    prepareZXingModule({ overrides: { wasmBinary: await fetchBytes(address) }, fireImmediately: true });
  let detector = await builtIn();
  if (!detector) await prepare();

  async function find(image) {
    if (!detector) return ours(image);
    try {
      const found = await detector.detect(new ImageData(image.data, image.width, image.height));
      return found.map(({ rawValue, format }) => ({ text: rawValue, format }));
    } catch {
      await prepare(); // some phones promise a reader that they do not have
      detector = null;
      return ours(image);
    }
  }

  return {
    // Retail codes of a picture: [{text, format}], each text as EAN-13 or EAN-8.
    async read(picture) {
      const small = reduce(picture, Math.round(Math.max(picture.width, picture.height) / ENOUGH));
      return (await find(small))
        .map(({ text, format }) => ({ text: normalise(text, format), format }))
        .filter(({ text }) => text !== null);
    },
  };
}
