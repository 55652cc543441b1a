// The road of one trip with its stops, and its truck moving on it.
(function () {
  "use strict";
  var box = document.getElementById("trip-map");
  var given = JSON.parse(document.getElementById("trip-points").textContent);
  var config = window.zaitu.map.config();
  var map = window.zaitu.map.create(box, config);
  window.zaitu.backdrop(map, box.dataset.china, config);
  if (given.points.length > 1) map.route(given.points);
  map.stops(given.stops);
  map.fit();
  if (!box.dataset.fleet || !given.vehicle) return;
  var newest = 0;
  function show(fix) {
    var at = Date.parse(fix.at);
    if (at < newest) return;
    newest = at;
    var silent = Date.now() - at > 10 * 60 * 1000;
    map.truck({ lat: fix.lat, lon: fix.lon, course: fix.course_deg, state: silent ? "silent" : fix.speed_kmh >= 5 ? "moving" : "still", title: fix.plate || "" });
  }
  fetch(box.dataset.fleet, { headers: { Accept: "application/json" } })
    .then(function (answer) { return answer.ok ? answer.json() : { vehicles: [] }; })
    .then(function (found) { found.vehicles.filter(function (one) { return one.id === given.vehicle; }).forEach(show); })
    .catch(function () {}); // the stream shows it with the next fix
  window.zaitu.stream(box.dataset.live, {
    shared: true,
    on: { fixes: function (fixes) { fixes.filter(function (fix) { return fix.id === given.vehicle; }).forEach(show); } },
  });
})();
