// zaitu.map: Leaflet with the right datum, oriented trucks, route, stops and a clustered fleet.
// Everything given to it is WGS-84; only here, at the map's edge, may coordinates be shifted for the tile layer.
//   var map = zaitu.map.create(element, config)      config: zaitu.map.config() reads <script id="map-config"> ({% map_config %})
//   map.route([[lat, lon], …], doneIndex?) · map.stops([{lat, lon, name, state: "done|next|ahead"}]) · map.fit()
//   map.truck({lat, lon, course, state: "moving|still|silent|alert", title, radius_m}) · map.fleet(onOpen).update([{id, lat, lon, …}])
//   map.leaflet is Leaflet's own map.
(function () {
  "use strict";
  var zaitu = (window.zaitu = window.zaitu || {});
  var A = 6378245.0; // GCJ-02 is defined on the Krasovsky 1940 ellipsoid
  var EE = 0.00669342162296594323;

  function within(lat, lon, ring) {
    var inside = false;
    for (var i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      var a = ring[i], b = ring[j];
      if (a[0] > lat !== b[0] > lat && lon < ((b[1] - a[1]) * (lat - a[0])) / (b[0] - a[0]) + a[1]) inside = !inside;
    }
    return inside;
  }

  // border: {inside: [ring, …], outside: [ring, …]}, each ring [[lat, lon], …]. The usual rectangle would shift Seoul and Hanoi.
  function inChina(lat, lon, border) {
    function hit(ring) { return within(lat, lon, ring); }
    return border.inside.some(hit) && !(border.outside || []).some(hit);
  }

  function wave(x) {
    return ((20 * Math.sin(6 * x * Math.PI) + 20 * Math.sin(2 * x * Math.PI)) * 2) / 3;
  }

  function toGcj(lat, lon, border) {
    if (!inChina(lat, lon, border)) return [lat, lon];
    var x = lon - 105, y = lat - 35;
    var dLat = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x)) + wave(x) +
      ((20 * Math.sin(y * Math.PI) + 40 * Math.sin((y / 3) * Math.PI)) * 2) / 3 +
      ((160 * Math.sin((y / 12) * Math.PI) + 320 * Math.sin((y * Math.PI) / 30)) * 2) / 3;
    var dLon = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x)) + wave(x) +
      ((20 * Math.sin(x * Math.PI) + 40 * Math.sin((x / 3) * Math.PI)) * 2) / 3 +
      ((150 * Math.sin((x / 12) * Math.PI) + 300 * Math.sin((x / 30) * Math.PI)) * 2) / 3;
    var rad = (lat * Math.PI) / 180;
    var magic = 1 - EE * Math.sin(rad) * Math.sin(rad);
    var root = Math.sqrt(magic);
    return [
      lat + (dLat * 180) / (((A * (1 - EE)) / (magic * root)) * Math.PI),
      lon + (dLon * 180) / ((A / root) * Math.cos(rad) * Math.PI),
    ];
  }

  function fromGcj(lat, lon, border) {
    var guess = [lat, lon];
    for (var step = 0; step < 4; step++) {
      var there = toGcj(guess[0], guess[1], border);
      guess = [guess[0] + lat - there[0], guess[1] + lon - there[1]];
    }
    return guess;
  }

  zaitu.datum = { toGcj: toGcj, fromGcj: fromGcj, inChina: inChina };

  // A lorry from above, nose to the north: turned by its course.
  function truckIcon(vehicle) {
    var element = document.createElement("div");
    element.className = "z-truck z-truck--" + (vehicle.state || "moving");
    element.innerHTML = '<svg viewBox="0 0 24 24" width="30" height="30" aria-hidden="true"><path fill="currentColor" stroke="#fff" stroke-width="1.5" stroke-linejoin="round" d="M12 1.5 17 6v16H7V6z"/><path fill="#fff" d="M9 8h6v2.5H9z"/></svg>';
    element.firstChild.style.transform = "rotate(" + (Number(vehicle.course) || 0) + "deg)";
    return window.L.divIcon({ className: "", html: element, iconSize: [30, 30], iconAnchor: [15, 15] });
  }

  function text(value) { // Leaflet's tooltips take HTML: give them a text node instead
    var node = document.createElement("span");
    node.textContent = value || "";
    return node;
  }

  function create(element, config) {
    var L = window.L;
    var shift = config.datum === "gcj02" && config.border;
    function at(point) {
      var lat = Number(point.lat !== undefined ? point.lat : point[0]);
      var lon = Number(point.lon !== undefined ? point.lon : point[1]);
      return shift ? toGcj(lat, lon, config.border) : [lat, lon];
    }
    var leaflet = L.map(element, {
      zoomControl: config.zoomControl !== false, attributionControl: true, maxZoom: 18,
      zoomSnap: config.tiles ? 1 : 0.25, // pictures are made for whole levels only
    });
    leaflet.attributionControl.setPrefix(false);
    leaflet.createPane("truck").style.zIndex = 660; // above the names of stops
    leaflet.setView(at([31, 112]), 5);
    if (config.tiles) {
      L.tileLayer(config.tiles, { maxZoom: 18, subdomains: config.subdomains || "abc" })
        .on("tileerror", function () { element.classList.add("z-map--tiles-missing"); })
        .addTo(leaflet);
    }
    if (config.attribution) leaflet.attributionControl.addAttribution(text(config.attribution).outerHTML);
    var routeLayer = L.layerGroup().addTo(leaflet);
    var stopLayer = L.layerGroup().addTo(leaflet);
    var bounds = null;
    var truck = null, circle = null;
    var named = [];
    leaflet.on("zoomend moveend resize", function () { names(leaflet, named); });

    function extend(points) {
      points.forEach(function (point) { bounds = bounds ? bounds.extend(point) : L.latLngBounds(point, point); });
    }

    return {
      leaflet: leaflet,
      at: at,
      route: function (points, doneIndex) {
        var shown = points.map(at);
        routeLayer.clearLayers();
        L.polyline(shown, { color: "#1463ff", weight: 4, opacity: 0.45, dashArray: "2 8" }).addTo(routeLayer);
        if (doneIndex > 0) L.polyline(shown.slice(0, doneIndex + 1), { color: "#1463ff", weight: 5, opacity: 0.95 }).addTo(routeLayer);
        extend(shown);
      },
      stops: function (stops) {
        stopLayer.clearLayers();
        named = stops.map(function (stop) {
          var icon = L.divIcon({ className: "z-stop z-stop--" + stop.state, iconSize: [12, 12], iconAnchor: [6, 6] });
          return L.marker(at(stop), { icon: icon, keyboard: false })
            .bindTooltip(text(stop.name), { permanent: true, direction: "right", className: "z-stop-name" })
            .addTo(stopLayer);
        });
        extend(stops.map(at));
        names(leaflet, named);
      },
      truck: function (vehicle) {
        if (!vehicle) {
          if (truck) truck.remove();
          if (circle) circle.remove();
          truck = circle = null;
          return;
        }
        var point = at(vehicle);
        if (!truck) truck = L.marker(point, { icon: truckIcon(vehicle), pane: "truck", title: vehicle.title || "", alt: vehicle.title || "" }).addTo(leaflet);
        truck.setLatLng(point).setIcon(truckIcon(vehicle));
        if (vehicle.radius_m) {
          if (!circle) circle = L.circle(point, { radius: vehicle.radius_m, weight: 1, color: "#ff7a1a", fillOpacity: 0.12, interactive: false }).addTo(leaflet);
          circle.setLatLng(point).setRadius(vehicle.radius_m);
        } else if (circle) { circle.remove(); circle = null; }
        extend([point]);
      },
      fit: function () { if (bounds) leaflet.fitBounds(bounds, { padding: [28, 28], maxZoom: 14 }); },
      fleet: function (onOpen) { return fleet(leaflet, at, onOpen); },
    };
  }

  // Names of stops beside their marks, the ends first: each on the first side where it covers nothing; without room it is not shown.
  var SIDES = [
    { direction: "right", offset: [8, 0], left: 14, top: -0.5 },
    { direction: "left", offset: [-8, 0], left: -14, top: -0.5, wide: -1 },
    { direction: "top", offset: [0, -8], left: 0, top: -1, wide: -0.5, above: -14 },
    { direction: "bottom", offset: [0, 8], left: 0, top: 0, wide: -0.5, above: 14 },
  ];
  function names(leaflet, markers) {
    var size = leaflet.getSize();
    var taken = markers.map(function (marker) {
      var at = leaflet.latLngToContainerPoint(marker.getLatLng());
      return [at.x - 8, at.y - 8, at.x + 8, at.y + 8];
    });
    function free(box) {
      if (box[0] < 0 || box[1] < 0 || box[2] > size.x || box[3] > size.y) return false;
      return !taken.some(function (other) { return box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1]; });
    }
    markers.slice(-1).concat(markers.slice(0, -1)).forEach(function (marker) {
      var name = marker.getTooltip();
      var node = name.getElement();
      if (!node) return;
      var at = leaflet.latLngToContainerPoint(marker.getLatLng());
      var wide = node.offsetWidth, high = node.offsetHeight;
      function box(side) {
        var x = at.x + side.left + wide * (side.wide || 0), y = at.y + (side.above || 0) + high * side.top;
        return [x, y, x + wide, y + high];
      }
      var side = SIDES.filter(function (one) { return free(box(one)); })[0];
      node.style.visibility = side ? "" : "hidden";
      if (!side) return;
      taken.push(box(side));
      name.options.direction = side.direction;
      name.options.offset = window.L.point(side.offset);
      name.update();
    });
  }

  // Many vehicles: one marker each from zoom 9, grouped by screen cells of 56 px below it.
  function fleet(leaflet, at, onOpen) {
    var L = window.L;
    var layer = L.layerGroup().addTo(leaflet);
    var vehicles = [];
    var markers = {};
    function draw() {
      var cells = {};
      var grouped = leaflet.getZoom() < 9;
      vehicles.forEach(function (vehicle) {
        var pixel = leaflet.project(at(vehicle));
        var key = grouped ? Math.floor(pixel.x / 56) + ":" + Math.floor(pixel.y / 56) : "v" + vehicle.id;
        (cells[key] = cells[key] || []).push(vehicle);
      });
      var kept = {};
      Object.keys(cells).forEach(function (key) {
        var members = cells[key];
        var id = members.length === 1 ? "v" + members[0].id : "c" + key;
        kept[id] = markers[id] || L.marker(at(members[0]), { icon: truckIcon(members[0]) }).addTo(layer);
        show(kept[id], members);
      });
      Object.keys(markers).forEach(function (id) { if (!kept[id]) markers[id].remove(); });
      markers = kept;
    }
    function show(marker, members) {
      var first = members[0];
      marker.setLatLng(at(first)).off("click");
      marker.unbindTooltip();
      if (members.length === 1) {
        marker.setIcon(truckIcon(first)).bindTooltip(text(first.title), { direction: "top", offset: [0, -14] });
        marker.on("click", function () { onOpen(first); });
        return;
      }
      var alert = members.some(function (vehicle) { return vehicle.state === "alert"; });
      var bubble = document.createElement("div");
      bubble.className = "pill pill--" + (alert ? "danger" : "now");
      bubble.textContent = String(members.length);
      marker.setIcon(L.divIcon({ className: "", html: bubble, iconSize: [32, 24], iconAnchor: [16, 12] }));
      marker.on("click", function () { leaflet.fitBounds(L.latLngBounds(members.map(at)).pad(0.3), { maxZoom: 12 }); });
    }
    leaflet.on("zoomend", draw);
    return { update: function (list) { vehicles = list; draw(); } };
  }

  zaitu.map = {
    create: create,
    config: function () {
      var node = document.getElementById("map-config");
      return node ? JSON.parse(node.textContent) : {};
    },
  };
})();
