// PDA scanners type: a burst of keys faster than any hand, then Enter or Tab, wherever the focus happens to be.

const GAP_MS = 60; // people type 100 ms apart and slower; wedges 1–30
const SHORTEST = 8;

export class Wedge {
  // `onscan(text)` is called for a burst; keys typed by hand are left alone.
  constructor(onscan) {
    this.onscan = onscan;
    this.reset();
    this.listener = (event) => this.key(event);
    document.addEventListener("keydown", this.listener, true);
  }

  stop() {
    document.removeEventListener("keydown", this.listener, true);
  }

  reset() {
    this.text = "";
    this.last = 0;
    this.field = null;
    this.before = "";
  }

  key(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const now = event.timeStamp;
    if (now - this.last > GAP_MS) this.reset();
    this.last = now;
    if (event.key === "Enter" || event.key === "Tab") {
      if (this.text.length >= SHORTEST) this.took(event);
      this.reset();
    } else if (event.key.length === 1) {
      if (!this.text) this.remember(document.activeElement);
      this.text += event.key;
    }
  }

  // A burst that went into a field (a name, a remark) is taken out of it again.
  remember(field) {
    this.field = field && "value" in field && "selectionStart" in field ? field : null;
    this.before = this.field ? this.field.value : "";
  }

  took(event) {
    event.preventDefault();
    event.stopPropagation();
    if (this.field) {
      this.field.value = this.before;
      this.field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const text = this.text;
    this.reset();
    this.onscan(text);
  }
}
