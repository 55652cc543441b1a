// PDA scanners type: a burst of keys faster than any hand, then Enter or Tab, wherever the focus happens to be.

const PAUSE_MS = 400; // longer between two keys: another word begins
const MEAN_MS = 90; // wedges type 1–30 ms apart, on a busy phone up to 80 on average; people 100 and more
const CODE = /^(?=(?:.*\d){6})[\x21-\x7e]{8,}$/; // what a label holds: no spaces, six digits at least; not a name or a remark

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
    this.first = 0;
    this.last = 0;
    this.field = null;
    this.before = "";
  }

  key(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const now = event.timeStamp;
    if (now - this.last > PAUSE_MS) this.reset();
    this.last = now;
    if (event.key === "Enter" || event.key === "Tab") {
      const fast = (now - this.first) / this.text.length <= MEAN_MS;
      if (fast && CODE.test(this.text)) this.took(event);
      this.reset();
    } else if (event.key.length === 1) {
      if (!this.text) this.begin(now, document.activeElement);
      this.text += event.key;
    }
  }

  // A burst that went into a field (a name, a remark) is taken out of it again.
  begin(now, field) {
    this.first = now;
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
