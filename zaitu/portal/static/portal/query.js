// The start page: help with the check digit while typing, and recent searches that never leave this phone.
(function () {
  "use strict";
  var form = document.getElementById("query");
  var input = document.getElementById("q");
  var help = document.getElementById("q-help");
  var plain = help.textContent;
  var warned = "";
  // Damm's table (zaitu/kernel/waybills.py): a number is whole when its thirteen digits lead back to 0.
  var DAMM = ["0317598642", "7092154863", "4206871359", "1750983426", "6123045978", "3674209581", "5869720134", "8945362017", "9438617205", "2581436790"];
  var KEY = "zaitu.recent";

  function digits(text) {
    return text.toUpperCase().replace(/[\s\-–—_.·]/g, "").replace(/^[A-Z]{2,4}(?=[0-9OIL])/, "").replace(/O/g, "0").replace(/[IL]/g, "1");
  }
  function whole(number) {
    var state = 0;
    for (var i = 0; i < number.length; i++) state = Number(DAMM[state][Number(number[i])]);
    return state === 0;
  }
  function fault() {
    // Three digits more are a piece's: its label's number stands for the waybill.
    var number = digits(input.value.normalize("NFKC"));
    if (/^[0-9]{13}([0-9]{3})?$/.test(number)) return whole(number.slice(0, 13)) ? "" : form.dataset.wrong;
    return /^[0-9]{0,12}$/.test(number) ? form.dataset.short : form.dataset.wrong;
  }
  // A partner's number has another company's letters: the server asks for the phone's last digits then.
  function foreign() {
    var number = input.value.normalize("NFKC").toUpperCase().replace(/[\s\-–—_.·]/g, "");
    return /^(?=(?:[A-Z]*[0-9]){6})(?=.*[A-Z])[A-Z0-9]{8,40}$/.test(number) && !number.startsWith(form.dataset.prefix);
  }
  function show(text) {
    help.textContent = text || plain;
    help.className = text ? "field-error" : "muted";
    input.setAttribute("aria-invalid", String(Boolean(text)));
  }
  input.addEventListener("input", function () {
    // Say nothing while somebody is still typing; a full number that cannot be right is said at once.
    var length = digits(input.value).length;
    show((length === 13 || length > 15) && !foreign() ? fault() : "");
  });
  form.addEventListener("submit", function (event) {
    var text = foreign() ? "" : fault();
    if (!text || input.value === warned) return; // who sends it again means it
    warned = input.value;
    event.preventDefault();
    show(text);
    input.focus();
  });

  function recent() {
    try { return JSON.parse(localStorage.getItem(KEY)) || []; } catch (error) { return []; } // forbidden or foreign: none
  }
  function draw() {
    var list = document.getElementById("recent-list");
    list.textContent = "";
    recent().forEach(function (entry) {
      if (!/^[A-Z]{2,4}[0-9]{13}$/.test(entry.waybill)) return;
      var item = document.createElement("li");
      var link = document.createElement("a");
      var number = document.createElement("span");
      var status = document.createElement("span");
      link.href = "/t/" + entry.waybill;
      number.className = "waybill num";
      number.textContent = entry.waybill;
      status.className = "muted small";
      status.textContent = entry.text || "";
      link.append(number, status);
      item.append(link);
      list.append(item);
    });
    document.getElementById("recent").hidden = !list.children.length;
  }
  document.getElementById("forget").addEventListener("click", function () {
    try { localStorage.removeItem(KEY); } catch (error) { return; } // nothing was kept
    draw();
  });
  window.addEventListener("pageshow", draw);
  draw();
})();
