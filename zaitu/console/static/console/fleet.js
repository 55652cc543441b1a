// Live map: every vehicle beside the map and on it; one stream moves them; a click opens the drawer.
(function () {
  "use strict";
  var root = document.getElementById("fleet");
  var words = JSON.parse(document.getElementById("fleet-words").textContent);
  var config = window.zaitu.map.config();
  var map = window.zaitu.map.create(document.getElementById("fleet-canvas"), config);
  window.zaitu.backdrop(map, root.dataset.china, config);
  var SILENT_MS = 10 * 60 * 1000;
  var STILL_KMH = 5;
  var fleet = new Map();
  var shown = "";
  var openId = null;
  var framed = false;
  var list = document.getElementById("fleet-list");
  var none = document.getElementById("fleet-none");
  var box = document.getElementById("fleet-q");
  var layer = map.fleet(function (vehicle) { open(vehicle.id); });
  var trail = window.L.polyline([], { color: "#ff7a1a", weight: 3, opacity: 0.8 }).addTo(map.leaflet);

  function motionOf(one) {
    if (Date.now() - Date.parse(one.at) > SILENT_MS) return "silent";
    return one.speed_kmh >= STILL_KMH ? "moving" : "still";
  }
  function matches(one) {
    var q = box.value.trim().toLowerCase();
    return (!shown || one.motion === shown || (shown === "alert" && one.late)) && (!q || [one.plate, one.driver, one.line, one.trip].join(" ").toLowerCase().indexOf(q) >= 0);
  }
  function draw() {
    var counts = { "": 0, moving: 0, still: 0, silent: 0, alert: 0 };
    fleet.forEach(function (one) {
      one.motion = motionOf(one);
      one.state = one.late && one.motion !== "silent" ? "alert" : one.motion; // the colour; a late truck drives or stands as well
      counts[""]++;
      counts[one.motion]++;
      if (one.late) counts.alert++;
    });
    Object.keys(counts).forEach(function (state) {
      root.querySelector("[data-count='" + state + "']").textContent = counts[state];
    });
    var visible = Array.from(fleet.values()).filter(matches).sort(function (a, b) { return a.plate.localeCompare(b.plate, "zh"); });
    layer.update(visible.map(function (one) {
      return { id: one.id, lat: one.lat, lon: one.lon, course: one.course_deg, state: one.state, title: one.plate };
    }));
    rows(visible);
    none.hidden = visible.length > 0;
    none.textContent = fleet.size ? words.nothing : words.none;
  }

  // Rows are kept and changed in place, so that nothing moves under the pointer.
  var buttons = new Map();
  function rows(visible) {
    var wanted = new Set(visible.map(function (one) { return one.id; }));
    buttons.forEach(function (item, id) { if (!wanted.has(id)) { item.remove(); buttons.delete(id); } });
    var previous = null;
    visible.forEach(function (one) {
      var item = buttons.get(one.id) || row(one);
      fill(item, one);
      var place = previous ? previous.nextSibling : list.firstChild;
      if (item !== place) list.insertBefore(item, place);
      previous = item;
    });
  }
  function row(one) {
    var item = document.createElement("li");
    item.innerHTML = '<button type="button"><i class="dot"></i><b></b><span class="num muted"></span><span class="sub"></span></button>';
    item.firstChild.addEventListener("click", function () { open(one.id); look(fleet.get(one.id)); });
    buttons.set(one.id, item);
    return item;
  }
  function put(node, text) { if (node.textContent !== text) node.textContent = text; }
  function fill(item, one) {
    var button = item.firstChild;
    var parts = button.children;
    parts[0].className = "dot dot--" + one.state;
    put(parts[1], one.plate);
    put(parts[2], one.motion === "moving" ? Math.round(one.speed_kmh || 0) + " km/h" : words[one.state]);
    var late = one.late ? " · " + words.late.replace("{n}", one.late_text) : "";
    put(parts[3], (one.line ? one.line + (one.driver ? " · " + one.driver : "") : words.no_trip) + late + (one.motion === "silent" ? " · " + window.zaitu.ago(one.at) : ""));
    button.setAttribute("aria-pressed", String(one.id === openId));
  }

  // Into the middle of what the drawer leaves free.
  function look(one) {
    var zoom = Math.max(map.leaflet.getZoom(), 9);
    var room = map.leaflet.getSize().x;
    var covered = room > 800 ? 480 : 0;
    var middle = map.leaflet.project(map.at(one), zoom).add([covered / 2, 0]);
    map.leaflet.setView(map.leaflet.unproject(middle, zoom), zoom, { animate: false });
  }

  function open(id) {
    openId = id;
    window.zaitu.drawer.open(root.dataset.vehicle.replace(/0$/, id));
    fetch(root.dataset.track.replace("/0/", "/" + id + "/")).then(function (answer) { return answer.json(); })
      .then(function (found) { if (openId === id) trail.setLatLngs(found.points.map(map.at)); })
      .catch(function () { trail.setLatLngs([]); }); // the trail is an extra
    draw();
  }
  document.addEventListener("zaitu:drawer-closed", function () { openId = null; trail.setLatLngs([]); draw(); });

  function load() {
    fetch(root.dataset.fleet, { headers: { Accept: "application/json" } })
      .then(function (answer) { if (!answer.ok) throw new Error(String(answer.status)); return answer.json(); })
      .then(function (found) {
        fleet.clear();
        found.vehicles.forEach(function (one) { fleet.set(one.id, one); });
        draw();
        if (!framed && fleet.size) {
          framed = true;
          map.leaflet.fitBounds(window.L.latLngBounds(Array.from(fleet.values()).map(map.at)).pad(0.15), { maxZoom: 11, animate: false });
          var asked = Number(location.hash.slice(1));
          if (fleet.has(asked)) { look(fleet.get(asked)); open(asked); }
        }
      })
      .catch(function () { none.hidden = false; none.textContent = words.error; setTimeout(load, 10000); });
  }

  var pill = document.getElementById("live-state");
  window.zaitu.stream(root.dataset.live, {
    shared: true,
    on: {
      fixes: function (fixes) {
        var unknown = false;
        fixes.forEach(function (fix) {
          var one = fleet.get(fix.id);
          if (!one) { unknown = true; return; }
          if (Date.parse(fix.at) < Date.parse(one.at)) return; // sent afterwards from a tunnel: history, not now
          one.lat = fix.lat; one.lon = fix.lon; one.speed_kmh = fix.speed_kmh; one.course_deg = fix.course_deg; one.at = fix.at;
        });
        if (unknown) load(); else draw();
      },
    },
    state: function (state) {
      pill.className = "pill live-state pill--" + (state === "live" ? "done" : "warn");
      pill.textContent = state === "live" ? words.live : words.waiting;
    },
  });
  box.addEventListener("input", draw);
  root.querySelectorAll("[name=fleet-state]").forEach(function (radio) {
    radio.addEventListener("change", function () { shown = radio.value; draw(); });
  });
  load();
  setInterval(draw, 15000); // silence shows without news
  setInterval(load, 60000); // trips and lateness change slowly
})();
