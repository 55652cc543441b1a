{% load static %}// Without a network a tracking page says so instead of the browser's own error. Nothing of any shipment is kept.
"use strict";
const NAME = "zaitu-offline-{% static 'portal/portal.css' %}-{% static 'ui/app.css' %}";
const PAGE = "/offline";
const FILES = ["{% static 'ui/tokens.css' %}", "{% static 'ui/app.css' %}", "{% static 'ui/theme.js' %}", "{% static 'ui/app.js' %}", "{% static 'ui/logo.svg' %}"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll([PAGE, ...FILES])).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("zaitu-offline-") && name !== NAME;
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const request = event.request;
  if (request.mode === "navigate") event.respondWith(fetch(request).catch(() => caches.match(PAGE)));
  else if (FILES.includes(new URL(request.url).pathname)) event.respondWith(fetch(request).catch(() => caches.match(request.url)));
});
