// zaitu.stream(url, {on: {name: fn(data, id)}, state: fn("live"|"waiting"), shared: true|false}) → {close()}
// Reconnects by itself (1 s doubling to 30 s); only a visible tab holds a stream, so many open tabs do not use up the
// browser's six connections; `shared` lets all tabs of one browser use one stream (SharedWorker, where there is one).
(function () {
  "use strict";
  var zaitu = (window.zaitu = window.zaitu || {});
  var script = document.currentScript ? document.currentScript.src : "";

  zaitu.stream = function (url, options) {
    var source = null, timer = null, wait = 1000, closed = false;
    var names = Object.keys(options.on || {});

    function told(state) { if (options.state) options.state(state); }
    function handle(name, raw, id) {
      var data;
      try { data = JSON.parse(raw); } catch (error) { return; } // a cut-off event: the next one is whole
      options.on[name](data, id);
    }
    function open() {
      if (closed || source || document.visibilityState === "hidden") return;
      clearTimeout(timer);
      source = options.shared && window.SharedWorker && script ? shared() : own();
    }
    function own() {
      var events = new EventSource(url);
      events.onopen = function () { wait = 1000; told("live"); };
      events.onerror = function () { shut(); again(); };
      names.forEach(function (name) { events.addEventListener(name, function (event) { handle(name, event.data, event.lastEventId); }); });
      return { close: function () { events.close(); } };
    }
    function shared() {
      var worker = new SharedWorker(script.replace(/sse(\.[0-9a-f]+)?\.js.*$/, "sse-worker.js"), "zaitu-sse");
      worker.port.onmessage = function (message) {
        var got = message.data;
        if (got.url !== url) return;
        if (got.state) told(got.state);
        else if (names.indexOf(got.name) >= 0) handle(got.name, got.data, got.id);
      };
      worker.port.start();
      worker.port.postMessage({ open: url, names: names });
      return { close: function () { worker.port.postMessage({ close: url }); worker.port.close(); } };
    }
    function shut() { if (source) { source.close(); source = null; } }
    function again() {
      told("waiting");
      clearTimeout(timer);
      timer = setTimeout(open, wait * (0.5 + Math.random()));
      wait = Math.min(wait * 2, 30000);
    }
    function visible() {
      if (document.visibilityState === "hidden") shut();
      else { wait = 1000; open(); }
    }
    document.addEventListener("visibilitychange", visible);
    window.addEventListener("online", visible);
    window.addEventListener("pagehide", shut);
    window.addEventListener("pageshow", visible);
    open();
    return { close: function () { closed = true; shut(); clearTimeout(timer); } };
  };
})();
