// Frame of the console: menu, search (Ctrl/⌘ K), drawer, keyboard in lists, pick lists. No inline handlers anywhere.
(function () {
  "use strict";
  var doc = document;
  var drawer = doc.getElementById("drawer");
  var palette = doc.getElementById("palette");
  var side = doc.getElementById("side");
  var mac = /Mac|iPhone|iPad/.test(navigator.platform || "");

  doc.querySelectorAll("[data-shortcut]").forEach(function (node) { if (mac) node.textContent = "⌘ K"; });

  function typing(event) {
    return /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
  }

  // Menu on small screens
  function menu(open) {
    side.toggleAttribute("data-open", open);
    doc.querySelector("[data-toggle-menu]").setAttribute("aria-expanded", String(open));
  }

  // Search
  function openSearch() {
    if (palette.open) return;
    palette.showModal();
    var box = palette.querySelector("input");
    box.select();
    window.htmx.trigger(box, "palette-open");
  }
  function choose(step) {
    var links = Array.prototype.slice.call(palette.querySelectorAll("#found a"));
    if (!links.length) return;
    var at = links.findIndex(function (link) { return link.getAttribute("aria-selected") === "true"; });
    var next = links[(at + step + links.length) % links.length];
    links.forEach(function (link) { link.setAttribute("aria-selected", String(link === next)); });
    next.scrollIntoView({ block: "nearest" });
  }
  palette.addEventListener("keydown", function (event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); choose(event.key === "ArrowDown" ? 1 : -1); }
    if (event.key === "Enter" && event.target.tagName === "INPUT") {
      event.preventDefault();
      var link = palette.querySelector("#found a[aria-selected=true]") || palette.querySelector("#found a");
      if (link) link.click();
    }
  });
  palette.addEventListener("click", function (event) { if (event.target === palette) palette.close(); });

  // Drawer: opened by a row, keeps the place in the list
  var opener = null;
  function openRow(row) {
    select(row);
    opener = row;
    var inside = row.dataset.drawer;
    if (!inside) { location.assign(row.dataset.open); return; }
    window.htmx.ajax("GET", inside, { target: "#drawer", swap: "innerHTML" });
  }
  function closeDrawer() {
    if (!drawer || drawer.hidden) return false;
    drawer.hidden = true;
    drawer.replaceChildren();
    doc.dispatchEvent(new CustomEvent("zaitu:drawer-closed"));
    if (opener && doc.contains(opener)) opener.focus({ preventScroll: true });
    return true;
  }
  window.zaitu.drawer = {
    open: function (address) { window.htmx.ajax("GET", address, { target: "#drawer", swap: "innerHTML" }); },
    close: closeDrawer,
  };
  doc.body.addEventListener("htmx:afterSwap", function (event) {
    if (event.target.id === "found") choose(1); // Enter opens the first
    if (event.target === drawer) { drawer.hidden = false; drawer.scrollTop = 0; }
  });
  // An error answer is a message for the place that asked: show it there.
  doc.body.addEventListener("htmx:beforeSwap", function (event) {
    var status = event.detail.xhr.status;
    if (status >= 400 && status < 600 && event.detail.xhr.responseText.indexOf("<") >= 0) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  doc.body.addEventListener("htmx:sendError", function () {
    window.zaitu.toast(doc.documentElement.lang === "en" ? "No answer from the server. Nothing was lost; try again." : "服务器没有响应，内容没有丢失，请重试。");
  });

  // Rows: click, j/k, Enter opens, o opens the page
  function rows() { return Array.prototype.slice.call(doc.querySelectorAll("main tr[data-open]")); }
  function selected() { return doc.querySelector("main tr[data-open][aria-selected=true]"); }
  function select(row) {
    rows().forEach(function (one) { one.setAttribute("aria-selected", String(one === row)); one.tabIndex = one === row ? 0 : -1; });
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
  function move(step) {
    var all = rows();
    if (!all.length) return;
    var at = all.indexOf(selected());
    var next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + step))];
    select(next);
    if (!drawer.hidden && next.dataset.drawer) openRow(next);
  }

  doc.addEventListener("click", function (event) {
    var node = event.target;
    if (node.closest("[data-open-search]")) return openSearch();
    if (node.closest("[data-toggle-menu]")) return menu(!side.hasAttribute("data-open"));
    if (side.hasAttribute("data-open") && !node.closest("#side")) menu(false);
    if (node.closest("[data-close-drawer]")) { closeDrawer(); return; }
    if (node.closest("[data-print]")) { window.print(); return; }
    var opened = doc.querySelector("details[data-menu][open]");
    if (opened && !opened.contains(node)) opened.open = false;
    var row = node.closest("tr[data-open]");
    var control = node.closest("a,button,input,select,label,form,summary");
    if (row && !(control && row.contains(control))) openRow(row);
  });

  doc.addEventListener("keydown", function (event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); openSearch(); return; }
    if (palette.open) return;
    if (event.key === "Escape") { if (closeDrawer()) event.preventDefault(); menu(false); return; }
    if (typing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    var row = selected();
    if (event.key === "j" || event.key === "k") { event.preventDefault(); move(event.key === "j" ? 1 : -1); }
    else if (event.key === "Enter" && row && doc.activeElement === row) { event.preventDefault(); openRow(row); }
    else if (event.key === "o" && row) location.assign(row.dataset.open);
    else if (event.key === "/") {
      var box = doc.querySelector("main input[type=search]");
      if (box) { event.preventDefault(); box.focus(); box.select(); }
    }
  });

  // Lists that fit: their head may stay in sight (console.css).
  var sizes = new ResizeObserver(function (changed) {
    changed.forEach(function (one) {
      var box = one.target.closest(".list-box");
      box.classList.remove("list-box--fits");
      box.classList.toggle("list-box--fits", box.scrollWidth <= box.clientWidth);
    });
  });
  function watch() { doc.querySelectorAll(".list-box > table").forEach(function (table) { sizes.observe(table); }); }
  doc.body.addEventListener("htmx:afterSettle", watch);
  window.addEventListener("resize", function () { sizes.disconnect(); watch(); });
  watch();

  // A question before what cannot be taken back: <form data-ask="…">
  doc.addEventListener("submit", function (event) {
    var words = event.target.dataset.ask;
    if (words && !window.confirm(words)) { event.preventDefault(); event.stopImmediatePropagation(); return; }
    // Twice pressed is once sent; a file answer leaves the page where it is.
    var button = event.submitter;
    if (button && event.target.method === "post" && !event.target.hasAttribute("hx-post")) {
      setTimeout(function () { button.disabled = true; }, 0);
      setTimeout(function () { button.disabled = false; }, 8000);
    }
  }, true);

  // What has to be corrected first is where the writing goes on.
  var wrong = doc.querySelector("main form [aria-invalid=true]");
  if (wrong) wrong.focus();

  // Pick lists: <input data-pick="/console/pick/stations"> answered by [{value, text, more}]. People see the text; the form sends the value.
  function pickList(input) {
    var list = null, timer = null, chosen = -1, asked = 0;
    function read(text) {
      return fetch(input.dataset.pick + "?q=" + encodeURIComponent(text), { credentials: "same-origin", headers: { Accept: "application/json" } })
        .then(function (answer) { return answer.ok ? answer.json() : []; });
    }
    function name(value, text) { input.dataset.value = value; input.value = text; }
    if (input.form) input.form.addEventListener("formdata", function (event) {
      if (input.dataset.value && input.name) event.formData.set(input.name, input.dataset.value);
    });
    if (input.value) {
      read(input.value).then(function (found) {
        var same = found.filter(function (one) { return one.value === input.value; })[0];
        if (same) name(same.value, same.text);
      }).catch(function () {}); // the code stays, and is as good
    }
    function close() { if (list) list.remove(); list = null; chosen = -1; input.setAttribute("aria-expanded", "false"); }
    function take(item) { name(item.dataset.value, item.firstChild.textContent.trim()); close(); input.dispatchEvent(new Event("change", { bubbles: true })); }
    function draw(found) {
      close();
      if (!found.length || doc.activeElement !== input) return;
      list = doc.createElement("ul");
      list.className = "picks";
      list.setAttribute("role", "listbox");
      found.forEach(function (one) {
        var item = doc.createElement("li");
        item.setAttribute("role", "option");
        item.dataset.value = one.value;
        item.textContent = one.text + " ";
        var more = doc.createElement("small");
        more.textContent = one.more || "";
        item.appendChild(more);
        item.addEventListener("mousedown", function (event) { event.preventDefault(); take(item); });
        list.appendChild(item);
      });
      input.parentElement.appendChild(list);
      input.setAttribute("aria-expanded", "true");
    }
    function ask() {
      var mine = ++asked;
      // Somebody who comes back to a chosen one wants to see the others.
      read(input.dataset.value ? "" : input.value)
        .then(function (found) { if (mine === asked) draw(found); })
        .catch(function () { close(); }); // typing goes on without suggestions
    }
    input.addEventListener("input", function () { delete input.dataset.value; clearTimeout(timer); timer = setTimeout(ask, 150); });
    input.addEventListener("focus", ask);
    input.addEventListener("blur", function () { asked++; close(); });
    input.addEventListener("keydown", function (event) {
      if (!list) return;
      var items = list.children;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        chosen = (chosen + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length;
        Array.prototype.forEach.call(items, function (item, at) { item.setAttribute("aria-selected", String(at === chosen)); });
        items[chosen].scrollIntoView({ block: "nearest" });
      } else if (event.key === "Enter" && chosen >= 0) { event.preventDefault(); take(items[chosen]); }
      else if (event.key === "Escape") { event.stopPropagation(); close(); }
    });
  }
  doc.querySelectorAll("input[data-pick]").forEach(pickList);

  // Rows of a form: <fieldset data-rows> with a <template> of one, whose names hold __n__
  doc.querySelectorAll("[data-rows]").forEach(function (box) {
    var made = 1000; // above every number the page came with
    box.querySelector("[data-add-row]").addEventListener("click", function (event) {
      var holder = doc.createElement("div");
      holder.innerHTML = box.querySelector("template").innerHTML.replace(/__n__/g, String(made++));
      var row = holder.firstElementChild;
      event.currentTarget.parentElement.before(row);
      row.querySelectorAll("input[data-pick]").forEach(pickList);
      row.querySelector("input").focus();
    });
    box.addEventListener("click", function (event) {
      var row = event.target.closest("[data-remove-row]") && event.target.closest("[data-row]");
      if (row) row.remove();
    });
  });

  // A file: chosen, or dropped on the place for it.
  doc.querySelectorAll("[data-drop]").forEach(function (place) {
    var input = place.querySelector("input");
    var name = place.querySelector("[data-file-name]");
    var empty = name.textContent;
    function show() { name.textContent = input.files.length ? input.files[0].name : empty; }
    input.addEventListener("change", show);
    ["dragover", "dragleave", "drop"].forEach(function (kind) {
      place.addEventListener(kind, function (event) { event.preventDefault(); place.classList.toggle("file--over", kind === "dragover"); });
    });
    place.addEventListener("drop", function (event) {
      if (!event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      show();
    });
  });

  // Fields shown only for a choice: <div data-when="name=value">
  function conditions() {
    doc.querySelectorAll("[data-when]").forEach(function (box) {
      var parts = box.dataset.when.split("=");
      var source = doc.querySelector("[name='" + parts[0] + "']");
      var option = source && source.selectedOptions && source.selectedOptions[0];
      var value = option ? (option.dataset.is || option.value) : source ? source.value : "";
      box.hidden = parts[1].split("|").indexOf(value) < 0;
    });
  }
  doc.addEventListener("change", function (event) {
    var node = event.target;
    if (node.dataset.submit !== undefined) node.form.requestSubmit();
    if (node.dataset.tickAll) {
      doc.querySelectorAll("input[name='" + node.dataset.tickAll + "']").forEach(function (box) { box.checked = node.checked; });
    }
    conditions();
  });
  conditions();
})();
