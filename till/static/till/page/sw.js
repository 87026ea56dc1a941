// Keeps the page for when there is no network. The server writes RELEASE, SHELL and PAGES in front of this.
//
// It never touches what is a shop's: state, model files, thumbnails and corrections have caches of their own or none.

const NAME = "till-shell-";
const shell = NAME + RELEASE;
const paths = new Set(SHELL.map((address) => new URL(address, self.location.href).pathname));

// Past what the browser has kept, which may be of an earlier release; but what is named by its content cannot be.
function asked(address) {
  return new Request(address, { cache: /\/vendor\/[0-9a-f]{16}\//.test(address) ? "default" : "reload" });
}

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(shell).then((cache) => cache.addAll([...SHELL, ...PAGES].map(asked))));
});

async function takeOver() {
  const old = (await caches.keys()).filter((name) => name.startsWith(NAME) && name !== shell);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

self.addEventListener("activate", (event) => event.waitUntil(takeOver()));

// The page says when nobody is in the middle of something.
self.addEventListener("message", ({ data }) => {
  if (data === "take over") self.skipWaiting();
});

async function answer(request) {
  // Not by `open`, which would make the cache anew on a device that was turned away.
  const kept = await caches.match(request, { cacheName: shell, ignoreSearch: true, ignoreVary: true });
  return kept ?? fetch(request);
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  const isPage = event.request.mode === "navigate" && PAGES.includes(url.pathname);
  if (isPage || paths.has(url.pathname)) event.respondWith(answer(event.request));
});
