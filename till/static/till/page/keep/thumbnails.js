// Small pictures of products: fetched when they are shown, or all at once in a small shop, and kept.

import { openCache } from "./caches.js";

const CACHE = "till-thumbnails";
const ALL_AT_ONCE = 60; // products of a shop so small that all pictures are fetched ahead
const AHEAD = "200px"; // so far below the screen they are fetched, too
const IN_MEMORY = 300;

function asDataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

export class Thumbnails {
  #shown = new Map(); // address to a promise of a data: address
  #wanted = new WeakMap(); // <img> to its address, until it comes into sight
  #sight = new IntersectionObserver((entries) => this.#fill(entries), { rootMargin: AHEAD });

  constructor(api) {
    this.api = api;
  }

  // An <img> that fills itself when it comes into sight; it stays empty where no picture is to be had.
  picture(product) {
    const image = document.createElement("img");
    image.alt = "";
    image.className = "till-thumbnail";
    if (product.thumbnail) {
      this.#wanted.set(image, product.thumbnail);
      this.#sight.observe(image);
    }
    return image;
  }

  #fill(entries) {
    for (const { target } of entries.filter(({ isIntersecting }) => isIntersecting)) {
      this.#sight.unobserve(target);
      this.#load(this.#wanted.get(target)).then((source) => { if (source) target.src = source; });
    }
  }

  #load(url) {
    if (!this.#shown.has(url)) {
      if (this.#shown.size >= IN_MEMORY) this.#shown.delete(this.#shown.keys().next().value);
      this.#shown.set(url, this.#read(url).then(asDataUrl).catch(() => { this.#shown.delete(url); }));
    }
    return this.#shown.get(url);
  }

  async #read(url) {
    const cache = await openCache(CACHE);
    const kept = await cache?.match(url);
    if (kept) return kept.blob();
    const blob = await (await this.api.fetch(url, { cache: "no-store" })).blob();
    await cache?.put(url, new Response(blob)).catch(() => {});
    return blob;
  }

  // Fetch what a small shop has, one after the other, and forget what no product has any more.
  async prepare(products) {
    const urls = products.map((product) => product.thumbnail).filter(Boolean);
    const cache = await openCache(CACHE);
    for (const request of (await cache?.keys()) ?? []) {
      if (!urls.includes(new URL(request.url).pathname)) await cache.delete(request);
    }
    for (const url of products.length <= ALL_AT_ONCE ? urls : []) await this.#load(url);
  }
}
