// One conversation: Ctrl/⌘ Enter sends, r goes to the answer, and the newest words are in view.
(function () {
  "use strict";
  var box = document.querySelector("[data-send]");
  if (!box) return;
  box.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    box.form.requestSubmit(box.form.querySelector("[value=answer]"));
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "r" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input,textarea,select")) return;
    event.preventDefault();
    box.focus();
  });
  // What was pressed twice is sent once.
  box.form.addEventListener("submit", function (event) {
    if (box.form.dataset.sent) event.preventDefault();
    box.form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", function () { delete box.form.dataset.sent; });
})();
