// Scales pictures as Pillow's BILINEAR does, to the last bit: the model learned from pixels that were made so.
// Two passes, each with whole-number weights; when a picture shrinks, the triangle grows with it.

const BITS = 22; // Pillow's PRECISION_BITS for pictures of 8 bits
const HALF = 1 << (BITS - 1);

// For each place of the result: where its weights begin, how many there are, and the weights.
function weigh(size, from, to, out) {
  const scale = (to - from) / out;
  const support = Math.max(scale, 1);
  const room = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(out);
  const counts = new Int32Array(out);
  const weights = new Int32Array(out * room);
  const row = new Float64Array(room);
  for (let place = 0; place < out; place++) {
    const centre = from + (place + 0.5) * scale;
    const start = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), size);
    let sum = 0;
    for (let at = start; at < end; at++) {
      const away = Math.abs((at - centre + 0.5) / support);
      row[at - start] = away < 1 ? 1 - away : 0;
      sum += row[at - start];
    }
    for (let index = 0; index < end - start; index++) {
      weights[place * room + index] = Math.trunc(0.5 + (row[index] / sum) * (1 << BITS));
    }
    starts[place] = start;
    counts[place] = end - start;
  }
  return { starts, counts, weights, room };
}

const clip = (sum) => Math.min(Math.max(sum >> BITS, 0), 255);

// Scales the rows that the second pass needs, from RGBA to RGB.
function acrossRows(picture, columns, first, last, width) {
  const { data, width: across } = picture;
  const rows = new Uint8Array((last - first) * width * 3);
  const { starts, counts, weights, room } = columns;
  for (let y = first, at = 0; y < last; y++) {
    for (let x = 0; x < width; x++) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let source = (y * across + starts[x]) * 4;
      const end = x * room + counts[x];
      for (let index = x * room; index < end; index++, source += 4) {
        const weight = weights[index];
        red += data[source] * weight;
        green += data[source + 1] * weight;
        blue += data[source + 2] * weight;
      }
      rows[at++] = clip(red);
      rows[at++] = clip(green);
      rows[at++] = clip(blue);
    }
  }
  return rows;
}

function downColumns(rows, lines, first, width, height) {
  const result = new Uint8Array(height * width * 3);
  const stride = width * 3;
  for (let y = 0; y < height; y++) {
    const start = (lines.starts[y] - first) * stride;
    const weights = lines.weights.subarray(y * lines.room, y * lines.room + lines.counts[y]);
    for (let x = 0; x < stride; x++) {
      let sum = HALF;
      for (let index = 0, source = start + x; index < weights.length; index++, source += stride) {
        sum += rows[source] * weights[index];
      }
      result[y * stride + x] = clip(sum);
    }
  }
  return result;
}

// A window of an RGBA picture, opaque, scaled to `width` x `height`: RGB, row by row. The window's sides may lie
// between pixels.
export function resize(picture, width, height, [left, top, right, bottom]) {
  const columns = weigh(picture.width, left, right, width);
  const lines = weigh(picture.height, top, bottom, height);
  const first = lines.starts[0];
  const last = lines.starts[height - 1] + lines.counts[height - 1];
  const rows = acrossRows(picture, columns, first, last, width);
  return downColumns(rows, lines, first, width, height);
}

// Averages squares of `factor` x `factor` pixels, as Pillow's `reduce`; what is left at the edges counts too.
export function reduce(picture, factor) {
  if (factor < 2) return picture;
  const width = Math.ceil(picture.width / factor);
  const height = Math.ceil(picture.height / factor);
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0, at = 0; y < height; y++) {
    const bottom = Math.min((y + 1) * factor, picture.height);
    for (let x = 0; x < width; x++, at += 4) {
      const right = Math.min((x + 1) * factor, picture.width);
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let row = y * factor; row < bottom; row++) {
        let source = (row * picture.width + x * factor) * 4;
        for (let column = x * factor; column < right; column++, source += 4) {
          red += picture.data[source];
          green += picture.data[source + 1];
          blue += picture.data[source + 2];
        }
      }
      const count = (bottom - y * factor) * (right - x * factor);
      data[at] = Math.floor(red / count + 0.5);
      data[at + 1] = Math.floor(green / count + 0.5);
      data[at + 2] = Math.floor(blue / count + 0.5);
      data[at + 3] = 255;
    }
  }
  return { data, width, height };
}
