// Cuts a picture into the views that the backbone looks at. docs/model-files.md describes them.

import { reduce, resize } from "./resize.js";

function cut(picture, view, side) {
  const margin = (1 - view.share) / 2;
  const down = view.down ?? 0;
  const { width, height } = picture;
  const left = margin * width;
  const top = (margin + down) * height;
  const box = [left, top, width - left, height - (margin - down) * height];
  const pixels = resize(picture, side, side, box);
  return view.mirrored ? mirror(pixels, side) : pixels;
}

function mirror(pixels, side) {
  const mirrored = new Uint8Array(pixels.length);
  for (let y = 0, at = 0; y < side; y++) {
    for (let x = side - 1; x >= 0; x--) {
      const source = (y * side + x) * 3;
      mirrored[at++] = pixels[source];
      mirrored[at++] = pixels[source + 1];
      mirrored[at++] = pixels[source + 2];
    }
  }
  return mirrored;
}

// A picture (ImageData, or the same from `reduce`) to (views, side, side, 3) bytes. Large ones are reduced first,
// as the server does.
export function toPixels(picture, { side, views }) {
  const enough = 2 * Math.round(side / Math.min(...views.map((view) => view.share)));
  const small = reduce(picture, Math.floor(Math.min(picture.width, picture.height) / enough));
  const pixels = new Uint8Array(views.length * side * side * 3);
  views.forEach((view, index) => {
    pixels.set(cut(small, view, side), index * side * side * 3);
  });
  return pixels;
}
