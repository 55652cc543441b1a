// One EventSource per address for all tabs of this browser; closed when the last tab leaves.
"use strict";
const streams = new Map(); // url → {source, names: Set, ports: Set, wait}

function tell(stream, message) {
  for (const port of stream.ports) port.postMessage(message);
}

function listen(url, stream, name) {
  stream.source.addEventListener(name, (event) => tell(stream, { url, name, data: event.data, id: event.lastEventId }));
}

function start(url, stream) {
  stream.source = new EventSource(url);
  stream.source.onopen = () => { stream.wait = 1000; tell(stream, { url, state: "live" }); };
  stream.source.onerror = () => {
    stream.source.close();
    tell(stream, { url, state: "waiting" });
    setTimeout(() => { if (streams.get(url) === stream) start(url, stream); }, stream.wait * (0.5 + Math.random()));
    stream.wait = Math.min(stream.wait * 2, 30000);
  };
  for (const name of stream.names) listen(url, stream, name);
}

function join(port, url, names) {
  let stream = streams.get(url);
  const fresh = !stream;
  if (fresh) streams.set(url, (stream = { source: null, names: new Set(), ports: new Set(), wait: 1000 }));
  stream.ports.add(port);
  for (const name of names) {
    if (stream.names.has(name)) continue;
    stream.names.add(name);
    if (!fresh) listen(url, stream, name);
  }
  if (fresh) start(url, stream);
  else if (stream.source.readyState === EventSource.OPEN) port.postMessage({ url, state: "live" });
}

function leave(port, url) {
  const stream = streams.get(url);
  if (!stream) return;
  stream.ports.delete(port);
  if (stream.ports.size) return;
  stream.source.close();
  streams.delete(url);
}

self.onconnect = (event) => {
  const port = event.ports[0];
  port.onmessage = (message) => {
    if (message.data.open) join(port, message.data.open, message.data.names);
    if (message.data.close) leave(port, message.data.close);
  };
};
