// Without a tile layer: pale provinces from the ECharts package, drawn below everything.
// zaitu.backdrop(map, url): `map` is a zaitu.map; with tiles nothing is drawn.
(function () {
  "use strict";
  window.zaitu.backdrop = function (map, url, config) {
    if (config.tiles || !url) return;
    var L = window.L;
    var style = getComputedStyle(document.documentElement);
    fetch(url).then(function (answer) { return answer.json(); }).then(function (china) {
      var pane = map.leaflet.createPane("backdrop");
      pane.style.zIndex = 150;
      pane.style.pointerEvents = "none";
      L.geoJSON(china, {
        pane: "backdrop",
        renderer: L.svg({ pane: "backdrop", padding: 1 }), // drawn beyond the edge, or panning shows bare borders
        interactive: false,
        style: { color: style.getPropertyValue("--z-line-strong"), opacity: 0.5, weight: 1, fillColor: style.getPropertyValue("--z-surface"), fillOpacity: 1 },
      }).addTo(map.leaflet);
      names(map.leaflet, china);
    }).catch(function () {}); // the map works without its backdrop

    function names(leaflet, china) {
      var layer = L.layerGroup();
      china.features.forEach(function (province) {
        var at = province.properties.cp || centre(province.geometry);
        if (!at || !province.properties.name || /香港|澳门/.test(province.properties.name)) return; // too small: their names would cover 广东
        var label = document.createElement("span");
        label.textContent = province.properties.name;
        L.marker([at[1], at[0]], { interactive: false, keyboard: false, pane: "backdrop", icon: L.divIcon({ className: "province", html: label, iconSize: [80, 16], iconAnchor: [40, 8] }) }).addTo(layer);
      });
      function show() { leaflet.getZoom() >= 5 ? layer.addTo(leaflet) : layer.remove(); }
      leaflet.on("zoomend", show);
      show();
    }
    // Middle of the largest ring's box: good enough for a name.
    function centre(geometry) {
      var rings = (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates).map(function (polygon) { return polygon[0]; });
      var ring = rings.sort(function (a, b) { return b.length - a.length; })[0];
      if (!ring) return null;
      var box = L.latLngBounds(ring.map(function (point) { return [point[1], point[0]]; })).getCenter();
      return [box.lng, box.lat];
    }
  };
})();
