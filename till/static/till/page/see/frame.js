// One picture of the camera, without a canvas as long as only its brightness is needed: drawing each picture of a
// video costs a browser without a GPU hundreds of megabytes.

import { middleSquare } from "./pictures.js";

const GREY_SIDE = 16;
const STEP = 3; // pixels between those that are averaged
const WITH_BRIGHTNESS_FIRST = /^(I4|NV)/; // formats whose first plane is the brightness

// Used again for each picture, since there are seven a second.
let buffer = new ArrayBuffer(0);
let picture = null;

function even(number) {
  return 2 * Math.floor(number / 2);
}

export class Frame {
  #video;
  #picture = null;

  // What a <video> shows now. `close` it: cameras have few.
  constructor(video) {
    this.#video = video;
    try {
      this.#picture = new VideoFrame(video);
    } catch {
      // A browser that knows no VideoFrame, or a video without pictures of its own: it is drawn.
    }
  }

  close() {
    this.#picture?.close();
    this.#picture = null;
  }

  // The middle square as a canvas, no larger than `most`.
  square(most) {
    const source = this.#picture ?? this.#video;
    const [width, height] = this.#picture
      ? [source.displayWidth, source.displayHeight]
      : [source.videoWidth, source.videoHeight];
    return middleSquare(source, width, height, most);
  }

  // The brightness of the middle square, row by row: {levels, side, stride, step}, good until the next is asked for.
  async brightness() {
    return (this.#picture && (await this.#copied().catch(() => null))) ?? this.#drawn();
  }

  async #copied() {
    const { format, visibleRect } = this.#picture;
    const side = even(Math.min(visibleRect.width, visibleRect.height));
    const from = (start, length) => start + even((length - side) / 2);
    const [x, y] = [from(visibleRect.x, visibleRect.width), from(visibleRect.y, visibleRect.height)];
    const options = { rect: { x, y, width: side, height: side } };
    const size = this.#picture.allocationSize(options);
    if (buffer.byteLength < size) buffer = new ArrayBuffer(size);
    const [{ offset, stride }] = await this.#picture.copyTo(buffer, options);
    if (WITH_BRIGHTNESS_FIRST.test(format)) return { levels: new Uint8Array(buffer, offset), side, stride, step: 1 };
    return { levels: new Uint8Array(buffer, offset + 1), side, stride, step: 4 }; // green, nearly the same
  }

  #drawn() {
    const side = Math.min(this.#video.videoWidth, this.#video.videoHeight);
    const canvas = this.square(side);
    const { data } = canvas.getContext("2d").getImageData(0, 0, side, side);
    return { levels: data.subarray(1), side, stride: 4 * side, step: 4 };
  }
}

// 16 × 16 levels of grey: enough to tell whether a picture has changed.
export function toGrey({ levels, side, stride, step }) {
  const grey = new Float32Array(GREY_SIDE * GREY_SIDE);
  const block = side / GREY_SIDE;
  for (let row = 0; row < GREY_SIDE; row += 1) {
    for (let column = 0; column < GREY_SIDE; column += 1) {
      let [sum, count] = [0, 0];
      const [bottom, right] = [Math.floor((row + 1) * block), Math.floor((column + 1) * block)];
      for (let y = Math.floor(row * block); y < bottom; y += STEP) {
        for (let x = Math.floor(column * block); x < right; x += STEP) {
          sum += levels[y * stride + x * step];
          count += 1;
        }
      }
      grey[row * GREY_SIDE + column] = sum / count;
    }
  }
  return grey;
}

// The same brightness as a picture (ImageData) of at most so many pixels a side, for whoever reads barcodes; good
// until the next is asked for.
export function toPicture({ levels, side, stride, step }, most) {
  const every = Math.ceil(side / most);
  const out = Math.floor(side / every);
  if (picture?.width !== out) picture = new ImageData(out, out);
  const words = new Uint32Array(picture.data.buffer);
  for (let y = 0, at = 0; y < out; y += 1) {
    let source = y * every * stride;
    for (let x = 0; x < out; x += 1, source += every * step) words[at++] = levels[source] * 0x10101 + 0xff000000;
  }
  return picture;
}
