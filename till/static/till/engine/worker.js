// Computes beside the page, so that it never stands still: opens a pair of backbone and head, and answers.
// A message is {id, kind, ...}; the reply {id, result} or {id, error} with a sentence.

import * as ort from "../vendor/ort/ort.wasm.bundle.min.mjs";
import { decide } from "./answer.js";
import { openReader } from "./barcodes.js";
import { toPixels } from "./preprocess.js";

const OPTIONS = { executionProviders: ["wasm"] };
let opening; // of the barcode reader: once, whoever asks first
let addresses;
let backbone; // {sha256, session, preprocessing}
let head; // session
let loaded; // the state's `model` that both belong to

async function fetchBytes(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.arrayBuffer();
}

function openOnce() {
  opening ??= openReader(fetchBytes, addresses.zxing).catch((error) => {
    opening = undefined;
    throw error;
  });
  return opening;
}

async function open(content) {
  const session = await ort.InferenceSession.create(new Uint8Array(content), OPTIONS);
  ort.env.wasm.wasmBinary = undefined; // it runs now: 13 MB less
  return session;
}

const kinds = {
  async start(message) {
    addresses = message.addresses;
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "error";
    ort.env.wasm.wasmBinary = await fetchBytes(addresses.ort);
  },

  // Both or neither: what answered before goes on if the new pair cannot be opened.
  async load({ model, backboneFile, headFile }) {
    const newBackbone = backboneFile && (await open(backboneFile));
    let newHead;
    try {
      newHead = headFile && (await open(headFile));
    } catch (error) {
      await newBackbone?.release();
      throw error;
    }
    const gone = [newBackbone && backbone?.session, newHead && head];
    if (newBackbone) {
      const { sha256, preprocessing } = model.backbone;
      backbone = { sha256, preprocessing, session: newBackbone };
    }
    head = newHead || head;
    loaded = model;
    for (const session of gone) await session?.release();
  },

  async look({ picture, codes }) {
    const began = performance.now();
    const found = codes ? await kinds.codes({ picture }) : [];
    const [vector, looked] = backbone ? await embed(picture) : [null, 0];
    const milliseconds = performance.now() - began;
    return { vector, codes: found, backbone: backbone?.sha256, backboneMilliseconds: looked, milliseconds };
  },

  async codes({ picture }) {
    const reader = await openOnce();
    return reader.read(picture);
  },

  async answer({ vector, views, activeIds, madeBy }) {
    if (!head) throw new Error("No model has been loaded yet.");
    if (madeBy && madeBy !== backbone.sha256) throw new Error("This vector was made by another backbone.");
    const vectors = new ort.Tensor("float32", vector, [1, vector.length]);
    const { logits, score } = await head.run({ vectors });
    const found = decide({ logits: logits.data, score: score.data[0], model: loaded, activeIds, views });
    return { ...found, version: loaded.version };
  },
};

async function embed(picture) {
  const { preprocessing, session } = backbone;
  const { side, views } = preprocessing;
  const pixels = new ort.Tensor("uint8", toPixels(picture, preprocessing), [1, views.length, side, side, 3]);
  const began = performance.now();
  const { vectors } = await session.run({ pixels }, ["vectors"]);
  return [Float32Array.from(vectors.data), performance.now() - began];
}

// One after the other: a pair is never swapped in the middle of an answer. A picture's memory goes back with the
// reply, to be used again: seven pictures a second would be many before a browser collects them.
let last = Promise.resolve();
self.onmessage = ({ data: { id, kind, ...message } }) => {
  last = last.then(async () => {
    const reply = { id, memory: message.picture?.data.buffer };
    try {
      reply.result = await kinds[kind](message);
    } catch (error) {
      reply.error = String(error?.message ?? error);
    }
    self.postMessage(reply, reply.memory ? [reply.memory] : []);
  });
};
