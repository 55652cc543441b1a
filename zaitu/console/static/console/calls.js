// Who waits for a person on the telephone: the panel is fetched when the stream says that it has changed.
(function () {
  "use strict";
  var panel = document.getElementById("calls-waiting");
  if (!panel || !window.zaitu || !window.zaitu.stream) return;
  function look() { window.htmx.trigger(panel, "calls-changed"); }
  window.zaitu.stream(panel.dataset.live, { shared: true, on: { calls: look } });
})();
