// Keeps the app on the phone so that it opens without network. KEEP (version, shell, files) is written before this by the server.
/* global KEEP */
"use strict";

const NAME = `zaitu-field-${KEEP.version}`;
const SHELL_WAIT_MS = 3000;

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(NAME);
    await cache.addAll(KEEP.files.map((path) => new Request(path, { cache: "reload" })));
    const shell = await fetch(KEEP.shell, { cache: "reload", credentials: "same-origin" });
    if (shell.ok && !shell.redirected) await cache.put(KEEP.shell, shell); // signed out: kept at the next visit
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith("zaitu-field-") && name !== NAME);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname, origin } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && pathname === KEEP.shell) event.respondWith(page(request));
  else if (KEEP.files.includes(pathname)) event.respondWith(kept(request));
});

// The network first, for a new version or a sign-in; without an answer in time, the page as kept.
async function page(request) {
  const cache = await caches.open(NAME);
  const last = await cache.match(KEEP.shell);
  const fresh = fetch(request).then((response) => {
    if (response.ok && response.type === "basic" && !response.redirected) cache.put(KEEP.shell, response.clone());
    return response;
  });
  if (!last) return fresh;
  const late = new Promise((resolve) => { setTimeout(() => resolve(last), SHELL_WAIT_MS); });
  return Promise.race([fresh.catch(() => last), late]);
}

async function kept(request) {
  const cache = await caches.open(NAME);
  return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
}
