// The gateways' numbers as curves and tables: asked every two seconds, kept in this page for fifteen minutes.
(function () {
  "use strict";
  var doc = document;
  var box = doc.getElementById("gateway");
  var charts = JSON.parse(doc.getElementById("gateway-charts").textContent);
  var words = JSON.parse(doc.getElementById("gateway-words").textContent);
  var state = doc.getElementById("gateway-state");
  var every = Number(box.dataset.every) * 1000;
  var most = Math.ceil(Number(box.dataset.kept) * 1000 / every);
  var samples = []; // [{at, values: {key: number}}], rates already made
  var before = null;
  var asking = false;

  function color(name) { return getComputedStyle(doc.documentElement).getPropertyValue("--z-" + name).trim(); }

  // A counter that has become smaller began anew with its process: what it counts now came since.
  function grown(now, then) { return now >= then ? now - then : now; }

  // Seconds below which a share of the answers of this interval lie: linear within its bucket, as Prometheus does.
  function quantile(share, now, then) {
    var counts = now.map(function (one, index) { return grown(one[1], then[index] ? then[index][1] : 0); });
    var all = counts[counts.length - 1];
    if (!all) return null;
    var low = 0, under = 0;
    for (var index = 0; index < counts.length; index += 1) {
      if (counts[index] >= share * all) {
        if (now[index][0] === null) return low;
        return low + (now[index][0] - low) * (share * all - under) / Math.max(counts[index] - under, 1);
      }
      low = now[index][0];
      under = counts[index];
    }
    return low;
  }

  function take(told) {
    var at = Date.now();
    var values = Object.assign({}, told.levels);
    if (before) {
      var seconds = Math.max((at - before.at) / 1000, 0.1);
      Object.keys(told.counters).forEach(function (key) {
        values[key] = grown(told.counters[key], before.counters[key] || 0) / seconds;
      });
      [["p50", 0.5], ["p99", 0.99]].forEach(function (one) {
        var found = quantile(one[1], told.ack, before.ack);
        values[one[0]] = found === null ? null : found * 1000;
      });
      samples.push({ at: at, values: values });
      if (samples.length > most) samples.shift();
    }
    before = { at: at, counters: told.counters, ack: told.ack };
    doc.getElementById("gateway-empty").hidden = told.levels.connections > 0 || (told.counters.frames || 0) > 0;
    state.textContent = words.live;
    state.className = "pill pill--done";
    draw();
  }

  function series(chart) {
    if (!chart.family) return chart.series;
    var keys = {};
    samples.forEach(function (sample) {
      Object.keys(sample.values).forEach(function (key) { if (key.indexOf(chart.family) === 0 && sample.values[key] > 0) keys[key] = true; });
    });
    return Object.keys(keys).sort().map(function (key) { return [key, words[key] || key.slice(chart.family.length)]; });
  }

  function shown(value) {
    if (value === null || value === undefined) return "—";
    return value.toLocaleString(doc.documentElement.lang, { maximumFractionDigits: value < 10 ? 2 : 0 });
  }

  function cell(row, text, kind, end) {
    var one = doc.createElement(kind);
    one.textContent = text;
    if (kind === "th") one.scope = "row";
    if (end) one.className = "end num";
    row.appendChild(one);
  }

  function table(chart, lines) {
    var body = doc.getElementById("t-" + chart.id);
    body.textContent = "";
    lines.forEach(function (line) {
      var row = doc.createElement("tr");
      var numbers = samples.map(function (sample) { return sample.values[line[0]]; }).filter(function (one) { return typeof one === "number"; });
      cell(row, line[1], "td");
      cell(row, numbers.length ? shown(samples[samples.length - 1].values[line[0]]) : "—", "td", true);
      cell(row, numbers.length ? shown(numbers.reduce(function (sum, one) { return sum + one; }, 0) / numbers.length) : "—", "td", true);
      cell(row, numbers.length ? shown(Math.max.apply(null, numbers)) : "—", "td", true);
      body.appendChild(row);
    });
    if (!lines.length) {
      var none = doc.createElement("tr");
      cell(none, words.none, "td");
      none.firstChild.colSpan = 4;
      none.firstChild.className = "muted";
      body.appendChild(none);
    }
  }

  var tones = ["primary", "now", "done", "danger", "warn", "line-strong"];
  function draw() {
    charts.forEach(function (chart) {
      var lines = series(chart);
      var place = doc.getElementById("c-" + chart.id);
      place.hidden = !lines.length;
      table(chart, lines);
      if (!lines.length) return;
      chart.view = chart.view || window.echarts.init(place);
      chart.view.setOption({
        animation: false,
        color: tones.map(color),
        grid: { left: 56, right: 12, top: 32, bottom: 24 },
        legend: { type: "scroll", top: 0, textStyle: { color: color("muted") }, itemHeight: 8 },
        tooltip: { trigger: "axis", valueFormatter: shown },
        xAxis: { type: "time", axisLabel: { color: color("muted"), hideOverlap: true }, axisLine: { lineStyle: { color: color("line") } } },
        yAxis: { type: "value", min: 0, minInterval: chart.rate ? 0 : 1, axisLabel: { color: color("muted") }, splitLine: { lineStyle: { color: color("line") } } },
        series: lines.map(function (line) {
          return {
            name: line[1],
            type: "line",
            showSymbol: samples.length < 3,
            data: samples.map(function (sample) {
              var value = sample.values[line[0]];
              return [sample.at, value === undefined ? null : value];
            }),
          };
        }),
      }, { replaceMerge: ["series"] });
    });
  }

  function ask() {
    if (asking || doc.hidden) return;
    asking = true;
    fetch(box.dataset.numbers, { headers: { Accept: "application/json" } })
      .then(function (answer) {
        if (!answer.ok) throw new Error(String(answer.status));
        return answer.json();
      })
      .then(take)
      .catch(function () {
        state.textContent = words.lost;
        state.className = "pill pill--warn";
      })
      .finally(function () { asking = false; });
  }

  // Nobody looks: nothing is asked. What came meanwhile is one long interval, and says so by its straight line.
  doc.addEventListener("visibilitychange", function () { if (!doc.hidden) ask(); });
  window.addEventListener("resize", function () {
    charts.forEach(function (chart) { if (chart.view) chart.view.resize(); });
  });
  window.setInterval(ask, every);
  ask();
})();
