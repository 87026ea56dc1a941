// The model's files: kept on the device where the browser can, and checked each time they are used.

import { openCache } from "./caches.js";

const CACHE = "till-files";

function hex(buffer) {
  return [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Without https there is no way to compute it, and nothing is kept that could be damaged.
async function isWhole(content, sha256) {
  return !crypto.subtle || hex(await crypto.subtle.digest("SHA-256", content)) === sha256;
}

async function readWithProgress(response, onProgress) {
  const total = Number(response.headers.get("Content-Length"));
  const parts = [];
  let read = 0;
  const reader = response.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    parts.push(next.value);
    read += next.value.length;
    if (total) onProgress(read, total);
  }
  return new Blob(parts).arrayBuffer();
}

export class Files {
  constructor(api, say) {
    this.api = api;
    this.say = say;
  }

  static #cache() {
    return openCache(CACHE);
  }

  // A file's content; fetched where it is not kept, or where what is kept is damaged.
  async fetch(url, sha256, onProgress = () => {}) {
    const cache = await Files.#cache();
    const kept = await cache?.match(url);
    if (kept) {
      const content = await kept.arrayBuffer();
      if (await isWhole(content, sha256)) return content;
      await cache.delete(url);
    }
    const content = await readWithProgress(await this.api.fetch(url, { cache: "no-store" }), onProgress);
    if (!(await isWhole(content, sha256))) throw new Error(this.say("file_damaged"));
    // A full disk costs the file the next time, and nothing now.
    await cache?.put(url, new Response(content.slice(0))).catch(() => {});
    return content;
  }

  // Remove what the state does not name any more.
  static async keepOnly(urls) {
    const cache = await Files.#cache();
    for (const request of (await cache?.keys()) ?? []) {
      if (!urls.includes(new URL(request.url).pathname)) await cache.delete(request);
    }
  }
}
