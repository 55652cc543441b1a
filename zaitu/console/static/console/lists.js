// Lists: columns and views remembered on this computer, and what is done with several rows at once. No inline handlers anywhere.
(function () {
  "use strict";
  var doc = document;
  var english = doc.documentElement.lang === "en";

  function kept(key, otherwise) {
    try { return JSON.parse(localStorage.getItem(key)) || otherwise; } catch (error) { return otherwise; } // forbidden or foreign
  }
  function keep(key, value) {
    try { localStorage.setItem(key, JSON.stringify(value)); } catch (error) { return; } // lasts as long as the page
  }

  // Columns: <div data-columns="name"> with check boxes; cells carry data-col inside <… data-list="name">. A sheet of our own does the hiding,
  // so that rows fetched later are right at once.
  doc.querySelectorAll("[data-columns]").forEach(function (box) {
    var name = box.dataset.columns;
    var key = "zaitu.columns." + name;
    var sheet = new CSSStyleSheet();
    doc.adoptedStyleSheets = doc.adoptedStyleSheets.concat(sheet);
    var boxes = Array.prototype.slice.call(box.querySelectorAll("input"));
    var chosen = kept(key, null);
    if (chosen) boxes.forEach(function (one) { one.checked = chosen.indexOf(one.value) >= 0; });
    function apply() {
      sheet.replaceSync(boxes.map(function (one) {
        return "[data-list='" + name + "'] [data-col='" + one.value + "'] { display: " + (one.checked ? "table-cell" : "none") + "; }";
      }).join("\n"));
    }
    box.addEventListener("change", function (event) {
      event.stopPropagation();
      keep(key, boxes.filter(function (one) { return one.checked; }).map(function (one) { return one.value; }));
      apply();
    });
    apply();
  });

  // Exports take the filters as they are now: HTMX has changed the address since the page was made.
  doc.addEventListener("click", function (event) {
    var link = event.target.closest("[data-with-query]");
    if (link) link.search = location.search;
  }, true);

  // Views: the filters in the address under a name.
  doc.querySelectorAll("[data-views]").forEach(function (box) {
    var key = "zaitu.views." + box.dataset.views;
    var list = box.querySelector("ul");
    var input = box.querySelector("input");
    function draw() {
      var views = kept(key, []);
      box.querySelector("[data-no-views]").hidden = views.length > 0;
      list.textContent = "";
      views.forEach(function (view) {
        var item = doc.createElement("li");
        var link = doc.createElement("a");
        var remove = doc.createElement("button");
        link.href = location.pathname + view.query;
        link.textContent = view.name;
        remove.type = "button";
        remove.className = "icon-button";
        remove.setAttribute("aria-label", list.dataset.remove + " " + view.name);
        remove.textContent = "×";
        remove.addEventListener("click", function () {
          keep(key, kept(key, []).filter(function (one) { return one.name !== view.name; }));
          draw();
        });
        item.append(link, remove);
        list.append(item);
      });
    }
    function save() {
      var name = input.value.trim();
      if (!name) { input.focus(); return; }
      var query = new URLSearchParams(location.search);
      query.delete("page");
      keep(key, kept(key, []).filter(function (one) { return one.name !== name; }).concat({ name: name, query: "?" + query }));
      input.value = "";
      draw();
    }
    box.querySelector("[data-save-view]").addEventListener("click", save);
    input.addEventListener("keydown", function (event) { if (event.key === "Enter") { event.preventDefault(); save(); } });
    // The box lies in the form of the filters, which hears of every change.
    ["input", "change"].forEach(function (kind) { box.addEventListener(kind, function (event) { event.stopPropagation(); }); });
    draw();
  });

  // Several rows at once: the bar shows while something is ticked.
  function ticked() { return Array.prototype.slice.call(doc.querySelectorAll("tbody input[name=waybill]:checked")); }
  function bulk() {
    var bar = doc.querySelector("[data-bulk]");
    if (!bar) return;
    var count = ticked().length;
    bar.hidden = !count;
    bar.querySelector("[data-bulk-count]").textContent = count;
    var all = doc.querySelector("[data-tick-all]");
    if (!count && all) all.checked = false;
  }
  doc.addEventListener("change", function (event) { if (event.target.type === "checkbox") setTimeout(bulk, 0); });
  doc.body.addEventListener("htmx:afterSwap", bulk);
  doc.addEventListener("click", function (event) {
    if (event.target.closest("[data-bulk-none]")) { ticked().forEach(function (box) { box.checked = false; }); bulk(); }
    if (event.target.closest("[data-bulk-copy]")) {
      var text = ticked().map(function (box) { return box.value; }).join("\n");
      window.zaitu.copy(text, english ? "Waybill numbers copied" : "运单号已复制");
    }
  });
  doc.addEventListener("keydown", function (event) {
    if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    var box = doc.querySelector("tr[aria-selected=true] input[name=waybill]");
    if (box) { box.checked = !box.checked; bulk(); }
  });
  bulk();
})();
