// The tracking page after its first view: live status and position, map, full screen, QR, recent searches.
(function () {
  "use strict";
  var zaitu = window.zaitu;
  var data = null;
  var words = document.getElementById("words").dataset;
  var waybill = document.querySelector(".number-row .waybill").textContent;
  var english = document.documentElement.lang === "en";
  var map = null;
  var truck = null;
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
        var route = document.getElementById("live").dataset.route;
        document.getElementById("live").replaceWith(document.importNode(part, true));
        remember();
        if (part.dataset.route !== route) return redraw();
        place(last);
      })
      .catch(function () { /* the next event or reconnection tries again */ })
      .finally(function () {
        fetching = false;
        if (again) { again = false; refresh(); }
      });
  }

  // Another route: planned only now, another truck, or none any more.
  function redraw() {
    return fetch("/t/" + waybill + (english ? "?lang=en" : ""), { credentials: "same-origin" })
      .then(function (answer) { return answer.ok ? answer.text() : Promise.reject(new Error(answer.status)); })
      .then(function (html) {
        var slot = new DOMParser().parseFromString(html, "text/html").getElementById("map-slot");
        if (!slot) return;
        large(false);
        if (map) map.leaflet.remove();
        document.getElementById("map-slot").replaceWith(document.importNode(slot, true));
        draw();
        place(last);
      });
  }

  // Somebody has answered, perhaps: only the thread is put in, so that nothing typed is lost.
  function talked() {
    if (!document.getElementById("talk-thread")) return;
    fetch("/t/" + waybill + "?part=talk" + (english ? "&lang=en" : ""), { credentials: "same-origin" })
      .then(function (answer) { return answer.ok ? answer.text() : Promise.reject(new Error(answer.status)); })
      .then(function (html) {
        var part = new DOMParser().parseFromString(html, "text/html").getElementById("talk-thread");
        var here = document.getElementById("talk-thread");
        if (part && here) here.replaceWith(document.importNode(part, true));
      })
      .catch(function () { /* the next event or reconnection tries again */ });
  }

  // A phone's photos are made smaller before they are sent: five of them are more than a server takes at once.
  var LONGEST = 1600;
  function smaller(file) {
    return createImageBitmap(file, { imageOrientation: "from-image" }).then(function (image) {
      var scale = Math.min(1, LONGEST / Math.max(image.width, image.height));
      var canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(image.width * scale));
      canvas.height = Math.max(1, Math.round(image.height * scale));
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      return new Promise(function (done) { canvas.toBlob(done, "image/jpeg", 0.85); });
    }).then(function (blob) {
      return blob && blob.size < file.size ? new File([blob], "photo.jpg", { type: "image/jpeg" }) : file;
    }).catch(function () { return file; }); // the server says what is wrong with it
  }
  document.addEventListener("change", function (event) {
    var input = event.target;
    if (!input.matches("[data-photos]") || !window.DataTransfer || !window.createImageBitmap) return;
    var button = input.form.querySelector("[type=submit]");
    button.disabled = true;
    Promise.all(Array.from(input.files).map(smaller)).then(function (files) {
      var list = new DataTransfer();
      files.forEach(function (file) { list.items.add(file); });
      input.files = list.files;
    }).finally(function () { button.disabled = false; });
  });

  function place(position) {
    last = position;
    var about = document.getElementById("place");
    if (about) about.textContent = position ? (position.precision_m >= 1000 ? words.coarse : words.exact) : "";
    if (position) freshness(position.at);
    progress(position);
    if (map) {
      if (position && data.route.length) map.route(data.route, nearest(position).index);
      map.truck(position && {
        lat: position.lat, lon: position.lon, course: course(position), state: "moving",
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

  // The piece of the route a position lies on: the index of its end, and its direction in degrees from north.
  function nearest(position) {
    var best = { off: Infinity, angle: 0, index: 0 };
    var k = Math.cos((position.lat * Math.PI) / 180);
    for (var i = 1; i < data.route.length; i++) {
      var a = data.route[i - 1], b = data.route[i];
      var dx = (b[1] - a[1]) * k, dy = b[0] - a[0];
      var t = Math.min(1, Math.max(0, ((position.lon - a[1]) * k * dx + (position.lat - a[0]) * dy) / (dx * dx + dy * dy || 1)));
      var off = Math.hypot((a[1] - position.lon) * k + t * dx, a[0] - position.lat + t * dy);
      if (off < best.off) best = { off: off, angle: (Math.atan2(dx, dy) * 180) / Math.PI, index: t < 0.5 ? i - 1 : i };
    }
    return best;
  }

  // Strangers are not told the course: the truck points along the route instead.
  function course(position) {
    return position.course_deg === null ? nearest(position).angle : position.course_deg;
  }

  function states(list) {
    return list.map(function (stop) {
      return { lat: stop.lat, lon: stop.lon, name: stop.name, state: stop.state === "ahead" ? "ahead" : "done" };
    });
  }
  function draw() {
    data = JSON.parse(document.getElementById("route-data").textContent);
    truck = document.getElementById("sketch-truck");
    map = null;
    var box = document.getElementById("map");
    if (!box || !window.L || !zaitu.map) return;
    map = zaitu.map.create(box, zaitu.map.config());
    if (data.route.length) map.route(data.route, 0);
    map.stops(states(data.stops.filter(function (stop) { return stop.lat !== null; })));
    map.fit();
  }
  draw();

  // Full screen without the browser's own mode, which phones refuse for anything but video.
  function large(on) {
    var card = document.getElementById("map-card");
    if (!card) return;
    var button = document.getElementById("enlarge");
    card.classList.toggle("map-card--large", on);
    document.body.style.overflow = on ? "hidden" : "";
    button.setAttribute("aria-pressed", String(on));
    button.querySelector("span").textContent = on ? button.dataset.large : button.dataset.small;
    if (map) { map.leaflet.invalidateSize(); map.fit(); }
  }
  document.addEventListener("click", function (event) {
    var card = document.getElementById("map-card");
    if (event.target.closest("#enlarge")) large(!card.classList.contains("map-card--large"));
    else if (!map && event.target.closest("#map")) large(true);
  });
  document.addEventListener("keydown", function (event) { if (event.key === "Escape") large(false); });

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

  zaitu.stream("/api/v1/track/" + waybill + "/live" + (english ? "?lang=en" : ""), {
    on: {
      // The id is the document's version: what the page shows already needs no second look.
      track: function (_answer, version) {
        if (version !== document.getElementById("live").dataset.version) refresh();
      },
      position: place,
      talk: talked,
    },
    state: function (state) {
      if (state !== "live") return;
      offline.hidden = true;
      talked(); // what was said while nobody listened
    },
  });
})();
