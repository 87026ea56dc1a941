// The caches of the page, which a device that was turned away has no more: opening one would make it anew.

const ONCE_MORE_MILLISECONDS = 1_000;

let isOver = false;

// The cache of a name; nothing without https, and nothing once the device was turned away.
export async function openCache(name) {
  return isOver ? undefined : globalThis.caches?.open(name);
}

export async function dropCaches() {
  const names = (await globalThis.caches?.keys()) ?? [];
  await Promise.all(names.map((name) => globalThis.caches.delete(name)));
}

// For good: once more a moment later, since something may have been on its way.
export async function closeCaches() {
  isOver = true;
  await dropCaches();
  setTimeout(dropCaches, ONCE_MORE_MILLISECONDS);
}
