// The tracking page after its first view: live status and position, map, full screen, QR, recent searches.
(function () {
  "use strict";
  var zaitu = window.zaitu;
  var data = JSON.parse(document.getElementById("route-data").textContent);
  var words = document.getElementById("words").dataset;
  var waybill = document.querySelector(".number-row .waybill").textContent;
  var english = document.documentElement.lang === "en";
  var map = null;
  var truck = document.getElementById("sketch-truck");
  var last = null;

  // What changes is rendered by the server in one place; this only puts it in.
  var fetching = false, again = false;
  function refresh() {
    if (fetching) { again = true; return; }
    fetching = true;
    fetch("/t/" + waybill + "?part=live" + (english ? "&lang=en" : ""), { credentials: "same-origin" })
      .then(function (answer) { return answer.ok ? answer.text() : Promise.reject(new Error(answer.status)); })
      .then(function (html) {
        var part = new DOMParser().parseFromString(html, "text/html").getElementById("live");
        if (!part) return;
        document.getElementById("live").replaceWith(document.importNode(part, true));
        remember();
        if (last) place(last);
      })
      .catch(function () { /* the next event or reconnection tries again */ })
      .finally(function () {
        fetching = false;
        if (again) { again = false; refresh(); }
      });
  }

  function place(position) {
    last = position;
    var about = document.getElementById("place");
    if (about) about.textContent = position ? (position.precision_m >= 1000 ? words.coarse : words.exact) : "";
    if (position) freshness(position.at);
    progress(position);
    if (map) {
      map.truck(position && {
        lat: position.lat, lon: position.lon, course: position.course_deg, state: "moving",
        title: about.textContent, radius_m: position.precision_m >= 1000 ? position.precision_m : 0,
      });
    }
    if (truck) sketch(position);
  }

  function freshness(at) {
    var fresh = document.getElementById("fresh");
    if (!fresh || (fresh.dataset.at && Date.parse(fresh.dataset.at) > Date.parse(at))) return;
    fresh.dataset.at = at;
    var time = fresh.querySelector("time");
    time.setAttribute("datetime", at);
    time.textContent = zaitu.ago(at);
  }

  function progress(position) {
    var line = document.querySelector(".strip-line");
    if (!line || !position || position.along_m === null || !data.leg) return;
    var from = data.leg[0], to = data.leg[1];
    var share = Math.min(1, Math.max(0, (position.along_m - from) / (to - from)));
    line.querySelector(".strip-done").style.width = share * 100 + "%";
    line.querySelector(".strip-truck").style.left = share * 100 + "%";
    var done = document.querySelector(".sketch-done");
    var start = (100 * from) / data.length_m;
    if (done) done.setAttribute("stroke-dasharray", "0 " + start + " " + Math.max(0, (100 * position.along_m) / data.length_m - start) + " 100");
    var left = document.getElementById("left");
    left.textContent = words.left.replace("{n}", Math.max(0, Math.round((to - position.along_m) / 1000)));
    left.hidden = false;
  }

  function sketch(position) {
    var p = data.projection;
    truck.toggleAttribute("hidden", !position || !p);
    if (!position || !p) return;
    var x = (position.lon - p.lon0) * p.kx + p.x0;
    var y = (p.lat0 - position.lat) * p.ky + p.y0;
    truck.setAttribute("transform", "translate(" + x.toFixed(1) + " " + y.toFixed(1) + ")");
    document.getElementById("sketch-nose").setAttribute("transform", "rotate(" + course(position) + ")");
    truck.querySelector("circle").setAttribute("r", position.precision_m >= 1000 ? 26 : 0);
  }

  // Strangers are not told the course: the truck points along the route instead.
  function course(position) {
    if (position.course_deg !== null) return position.course_deg;
    var best = Infinity, angle = 0;
    for (var i = 1; i < data.route.length; i++) {
      var a = data.route[i - 1], b = data.route[i];
      var k = Math.cos((position.lat * Math.PI) / 180);
      var dx = (b[1] - a[1]) * k, dy = b[0] - a[0];
      var t = Math.min(1, Math.max(0, ((position.lon - a[1]) * k * dx + (position.lat - a[0]) * dy) / (dx * dx + dy * dy || 1)));
      var off = Math.hypot((a[1] - position.lon) * k + t * dx, a[0] - position.lat + t * dy);
      if (off < best) { best = off; angle = (Math.atan2(dx, dy) * 180) / Math.PI; }
    }
    return angle;
  }

  function states(list) {
    return list.map(function (stop) {
      return { lat: stop.lat, lon: stop.lon, name: stop.city || stop.name, state: stop.state === "ahead" ? "ahead" : "done" };
    });
  }
  if (window.L && zaitu.map) {
    var config = zaitu.map.config();
    map = zaitu.map.create(document.getElementById("map"), config);
    var placed = data.stops.filter(function (stop) { return stop.lat !== null; });
    if (data.route.length) map.route(data.route, 0);
    map.stops(states(placed));
    map.fit();
  }

  // Full screen without the browser's own mode, which phones refuse for anything but video.
  var enlarge = document.getElementById("enlarge");
  function large(on) {
    document.getElementById("map-card").classList.toggle("map-card--large", on);
    document.body.style.overflow = on ? "hidden" : "";
    enlarge.setAttribute("aria-pressed", String(on));
    enlarge.querySelector("span").textContent = on ? enlarge.dataset.large : enlarge.dataset.small;
    if (map) { map.leaflet.invalidateSize(); map.fit(); }
  }
  if (enlarge) {
    enlarge.addEventListener("click", function () { large(enlarge.getAttribute("aria-pressed") !== "true"); });
    document.addEventListener("keydown", function (event) { if (event.key === "Escape") large(false); });
    if (!map) document.getElementById("map").addEventListener("click", function () { large(true); });
  }

  var qrOpen = document.getElementById("qr-open");
  qrOpen.addEventListener("click", function (event) {
    event.preventDefault();
    var box = document.getElementById("qr");
    box.querySelector("img").src = qrOpen.href;
    box.hidden = !box.hidden;
    qrOpen.setAttribute("aria-expanded", String(!box.hidden));
  });

  function remember() {
    var live = document.getElementById("live");
    var pill = live.querySelector(".status .pill");
    try {
      var kept = (JSON.parse(localStorage.getItem("zaitu.recent")) || []).filter(function (entry) { return entry.waybill !== waybill; });
      kept.unshift({ waybill: waybill, text: pill ? pill.textContent.trim() : "" });
      localStorage.setItem("zaitu.recent", JSON.stringify(kept.slice(0, 8)));
    } catch (error) { return; } // storage is full or forbidden: searches are then not kept
  }
  remember();

  var offline = document.getElementById("offline");
  function online() { offline.hidden = navigator.onLine; }
  window.addEventListener("online", online);
  window.addEventListener("offline", online);
  online();

  if (navigator.serviceWorker) navigator.serviceWorker.register("/t/sw.js", { scope: "/t/" }).catch(function () {}); // plain HTTP: none

  var known = null;
  zaitu.stream("/api/v1/track/" + waybill + "/live" + (english ? "?lang=en" : ""), {
    on: {
      track: function (answer) {
        var text = JSON.stringify([answer.status, answer.detail, answer.eta, answer.eta_from, answer.eta_to, answer.exception, answer.nodes]);
        var first = known === null;
        var same = known === text;
        known = text;
        // The first answer is what the page shows already, unless something happened while it was on its way.
        var shown = document.querySelectorAll(".nodes .node").length;
        if ((first && (answer.status !== document.getElementById("live").dataset.status || answer.nodes.length !== shown)) || (!first && !same)) refresh();
      },
      position: place,
    },
    state: function (state) { if (state === "live") offline.hidden = true; },
  });
})();
