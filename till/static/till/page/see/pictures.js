// Pictures as canvases: the middle square of a frame, a photo by file, and what they are turned into.

import { say } from "../words.js";

export const LOOK_SIDE = 640; // pixels of the square that is recognized, and sent with a correction
const FILE_SIDE = 2048; // pixels: larger photos bring nothing but time
const QUALITY = 0.9;

// A canvas of this size, by the pen that draws on it.
export function penOf(width, height) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.imageSmoothingQuality = "high";
  return pen;
}

// Draw the middle square of a picture, and never larger than it is. Gives a canvas.
export function middleSquare(source, width, height, most) {
  const side = Math.min(width, height);
  const out = Math.min(side, most);
  const pen = penOf(out, out);
  pen.drawImage(source, (width - side) / 2, (height - side) / 2, side, side, 0, 0, out, out);
  return pen.canvas;
}

export function pixelsOf(canvas) {
  const { width, height } = canvas;
  return canvas.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, width, height);
}

// A photo upright, on white where it is transparent, and not larger than anybody needs. Gives a canvas.
export async function decode(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Error(say("file_unreadable", { name: file.name }));
  }
  const shrink = Math.min(1, FILE_SIDE / Math.max(bitmap.width, bitmap.height));
  const pen = penOf(Math.round(bitmap.width * shrink), Math.round(bitmap.height * shrink));
  pen.fillStyle = "white";
  pen.fillRect(0, 0, pen.canvas.width, pen.canvas.height);
  pen.drawImage(bitmap, 0, 0, pen.canvas.width, pen.canvas.height);
  bitmap.close();
  return pen.canvas;
}

// The bytes of a JPEG; null where the browser cannot make one.
export async function asJpeg(canvas) {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  return blob ? blob.arrayBuffer() : null;
}
