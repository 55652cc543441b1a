// Shared by every page: zaitu.toast, zaitu.copy, zaitu.csrf, relative times, theme and type-size switches. No inline handlers anywhere.
(function () {
  "use strict";
  var zaitu = (window.zaitu = window.zaitu || {});
  var english = document.documentElement.lang === "en";

  zaitu.csrf = function () {
    var found = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
    var field = document.querySelector("[name=csrfmiddlewaretoken]");
    return found ? decodeURIComponent(found[1]) : field ? field.value : "";
  };

  zaitu.toast = function (text) {
    var box = document.getElementById("toasts");
    if (!box) return;
    var line = document.createElement("div");
    line.className = "toast-line";
    line.textContent = text;
    box.appendChild(line);
    setTimeout(function () { line.remove(); }, 4000);
  };

  zaitu.ago = function (iso, now) {
    var minutes = Math.floor(((now || Date.now()) - Date.parse(iso)) / 60000);
    if (isNaN(minutes)) return "";
    if (minutes < 1) return english ? "just now" : "刚刚";
    if (minutes < 60) return english ? minutes + " min ago" : minutes + " 分钟前";
    if (minutes < 1440) return Math.floor(minutes / 60) + (english ? " h ago" : " 小时前");
    return Math.floor(minutes / 1440) + (english ? " d ago" : " 天前");
  };

  // <time data-ago datetime="…"> stays true while the page is open.
  function tick() {
    document.querySelectorAll("[data-ago][datetime]").forEach(function (node) {
      var text = zaitu.ago(node.getAttribute("datetime"));
      if (text && node.textContent !== text) node.textContent = text;
    });
    document.querySelectorAll("[data-due]").forEach(countdown);
  }

  // Countdown chip: data-due (ISO), data-from (ISO, start of the clock) → 剩 12 分 / 超时 3 分; neutral, warn below half, danger past due.
  function countdown(node) {
    var due = Date.parse(node.dataset.due);
    var from = Date.parse(node.dataset.from || "");
    var left = due - Date.now();
    var minutes = Math.ceil(Math.abs(left) / 60000);
    var span = minutes >= 60 ? Math.floor(minutes / 60) + (english ? " h " : " 小时 ") + (minutes % 60) : String(minutes);
    var words = left >= 0 ? (english ? span + " min left" : "剩 " + span + " 分") : english ? span + " min over" : "超时 " + span + " 分";
    var tone = left < 0 ? "danger" : !isNaN(from) && left < (due - from) / 2 ? "warn" : "neutral";
    node.className = "pill countdown pill--" + tone;
    if (node.textContent !== words) node.textContent = words;
  }

  function keep(key, value) {
    try { localStorage.setItem(key, value); } catch (error) { return; } // not kept when storage is forbidden
    window.zaituTheme.apply();
  }

  // Buttons: data-switch="theme" (light ↔ dark), data-switch="size" (normal ↔ large), data-share (Web Share, else copy the address).
  document.addEventListener("click", function (event) {
    var node = event.target.closest("[data-switch],[data-share],[data-copy]");
    if (!node) return;
    var root = document.documentElement;
    if (node.dataset.switch === "theme") keep("zaitu.theme", root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark");
    if (node.dataset.switch === "size") {
      keep("zaitu.size", root.dataset.size === "large" ? "normal" : "large");
      node.setAttribute("aria-pressed", String(root.dataset.size === "large"));
    }
    if (node.dataset.copy) copy(node.dataset.copy, node.dataset.done);
    if (node.dataset.share !== undefined) {
      var link = new URL(node.dataset.share || location.href, location.origin).href;
      if (navigator.share) navigator.share({ title: document.title, url: link }).catch(function () {}); // closing the sheet is no error
      else copy(link, node.dataset.done);
    }
  });

  function copy(text, done) {
    function fallback() {
      var area = document.createElement("textarea");
      area.value = text;
      area.style.position = "fixed";
      area.style.opacity = "0";
      document.body.appendChild(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      zaitu.toast(done || (english ? "Copied" : "已复制"));
    }
    if (!navigator.clipboard) return fallback(); // plain HTTP
    navigator.clipboard.writeText(text).then(function () { zaitu.toast(done || (english ? "Copied" : "已复制")); }, fallback);
  }

  zaitu.copy = copy;

  document.querySelectorAll("[data-switch=size]").forEach(function (node) {
    node.setAttribute("aria-pressed", String(document.documentElement.dataset.size === "large"));
  });
  tick();
  setInterval(tick, 15000);
})();
