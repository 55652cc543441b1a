// Before the first paint: light or dark, normal or large type. The reader's choice stays on this device.
(function () {
  "use strict";
  var root = document.documentElement;
  function stored(key) {
    try { return localStorage.getItem(key); } catch (error) { return null; } // storage may be forbidden: system defaults
  }
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  function apply() {
    var theme = stored("zaitu.theme") || "auto";
    root.setAttribute("data-bs-theme", theme === "auto" ? (dark.matches ? "dark" : "light") : theme);
    root.setAttribute("data-size", stored("zaitu.size") === "large" ? "large" : "normal");
  }
  apply();
  dark.addEventListener("change", apply);
  window.zaituTheme = { apply: apply };
})();
