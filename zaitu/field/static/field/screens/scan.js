// Scanning piece by piece: collect, inbound, sort, load, unload, inspect, out for delivery. Every scan shows where the count stands.

import { button, fill, h, icon, when } from "../dom.js";
import { KINDS, labelOf } from "../kinds.js";
import { UNDO_MS } from "../queue.js";
import { scanbox } from "../scanbox.js";
import { sheetOf, tripPicker } from "../trips.js";
import { signal } from "../signal.js";
import { spaced } from "../waybill.js";

const ANSWER_MS = 4000;
const WORDS = { ok: "成功", warn: "请注意", wrong: "有误", wait: "已记下，待上传" };
const ICONS = { ok: "circle-check", warn: "alert-triangle", wrong: "circle-x", wait: "upload" };

export function scan(main, app, [kind], query) {
  const about = KINDS[kind];
  if (!about) return app.go("/");
  const trip = query.get("trip") || "";
  if (about.trip && !trip) return tripPicker(main, app, kind, (ref, station) => app.go(`/scan/${kind}?trip=${ref}&station=${station}`));
  const station = query.get("station") || app.station?.code || "";
  if (!station) return app.go(`/station?then=${encodeURIComponent(location.hash.slice(1))}`);
  return new Scanning(main, app, { kind, about, trip, station }).start();
}

class Scanning {
  constructor(main, app, job) {
    Object.assign(this, { main, app, ...job, sheet: null, tail: Promise.resolve(), shown: "" });
    this.where = h("p", { class: "muted", id: "where" }, this.trip ? `车次 ${this.trip}` : this.app.station?.name ?? "");
    this.total = h("div", { class: "f-total", id: "total" });
    this.panel = h("section", { class: "f-result", id: "result", "aria-live": "assertive" });
    this.recent = h("ul", { class: "f-list", id: "recent" });
    this.undoButton = button("撤销上一次", () => this.undo(), { icon: "arrow-back-up", id: "undo", disabled: true });
  }

  start() {
    this.box = scanbox(this.app, (found) => this.take(found));
    fill(this.main,
      h("header", { class: "f-head" },
        h("h1", {}, labelOf(this.kind)), this.where),
      this.total, this.panel, this.box.node, this.undoButton, this.recent);
    this.idle();
    this.listener = () => this.list();
    this.settled = ({ detail: { record } }) => this.trip && record.kind === "undo" && this.load();
    this.app.queue.addEventListener("changed", this.listener);
    this.app.queue.addEventListener("settled", this.settled);
    this.list();
    if (this.trip) this.load();
    return () => {
      this.box.stop();
      this.app.queue.removeEventListener("changed", this.listener);
      this.app.queue.removeEventListener("settled", this.settled);
    };
  }

  async load() {
    this.sheet = await sheetOf(this.trip, this.station);
    if (!this.sheet) return;
    this.where.textContent = `${this.sheet.plate} · ${this.sheet.station_name}`;
    this.count();
  }

  idle() {
    this.panel.dataset.level = "idle";
    fill(this.panel, icon("scan"), h("p", {}, "等待扫描"));
  }

  // Saved in the order scanned, answered as the network allows: the next box need not wait.
  take(found) {
    this.tail = this.tail.then(() => this.keep(found)).catch((error) => this.show("wrong", found.label, error.message));
    return this.tail;
  }

  async keep({ label, waybill }) {
    const { kind, station, trip } = this;
    const key = await this.app.queue.add({ kind, code: label, label, station, trip, at: this.app.now(), data: {} });
    this.last = key;
    this.app.queue.answer(key, ANSWER_MS).then((outcome) => {
      if (outcome) this.answered(label, outcome.result);
      else this.waiting(key, label, waybill);
    });
  }

  answered(label, result) {
    this.show(result.level, label, result.message, result);
    if (result.level === "wrong") return;
    const row = this.row(result.waybill);
    if (this.sheet && !row) this.load(); // it was put on this truck just now
    if (row && result.counts) row.pieces_scanned = result.counts.scanned;
    this.count();
  }

  // Without an answer the phone says what it knows itself: scanned before, or not on the truck's list.
  async waiting(key, label, waybill) {
    const again = (await this.mine()).some((record) => record.label === label && record.key !== key && record.state !== "refused");
    const missing = this.sheet && !this.row(waybill);
    if (again) this.show("warn", label, "这件已经扫过了");
    else if (missing) this.show("warn", label, "不在本车清单里；联网后再核对");
    else this.show("wait", label, "");
    this.count();
  }

  async mine() {
    return (await this.app.queue.records()).filter(({ kind, trip }) => kind === this.kind && trip === this.trip);
  }

  row(waybill) {
    return this.sheet?.rows.find((row) => row.task === this.about.trip && row.waybill === waybill);
  }

  show(level, label, message, result = null) {
    signal(level === "wait" ? "ok" : level);
    const counts = result?.counts;
    this.panel.dataset.level = level;
    this.panel.dataset.code = label;
    fill(this.panel,
      h("p", { class: "f-result-word" }, icon(ICONS[level]), h("span", {}, level === "ok" ? `已${labelOf(this.kind)}` : WORDS[level])),
      h("p", { class: "f-code" }, spaced(label)),
      counts && h("p", { class: "f-count" }, h("b", {}, `${counts.scanned}/${counts.expected}`), " 件",
        counts.short > 0 && h("span", {}, ` · 还差 ${counts.short} 件`), counts.over > 0 && h("span", { class: "f-over" }, ` · 多出 ${counts.over} 件`)),
      message && !(counts && level === "ok") && h("p", { class: "f-message" }, message));
  }

  // The whole truck here: what the server counted, and what still waits on the phone.
  async count() {
    if (!this.sheet) return;
    const rows = this.sheet.rows.filter((row) => row.task === this.about.trip);
    const waiting = new Set((await this.mine()).filter(({ state }) => state === "queued").map(({ label }) => label)).size;
    const expected = rows.reduce((sum, row) => sum + row.pieces_expected, 0);
    const scanned = rows.reduce((sum, row) => sum + row.pieces_scanned, 0) + waiting;
    const over = rows.reduce((sum, row) => sum + Math.max(0, row.pieces_scanned - row.pieces_expected), 0);
    const short = Math.max(0, expected - scanned + over);
    this.total.dataset.short = short;
    this.total.dataset.over = over;
    fill(this.total, h("span", {}, "全车"), h("b", {}, `${scanned}/${expected}`),
      h("span", {}, short ? `还差 ${short} 件` : over ? `多出 ${over} 件` : expected ? "齐了" : "没有要扫的货"));
  }

  async list() {
    const records = (await this.mine()).reverse();
    const last = records.find((record) => record.state !== "refused" && record.level !== "wrong" && Date.now() - new Date(record.at) < UNDO_MS);
    this.undoable = last ?? null;
    this.undoButton.disabled = !last;
    fill(this.recent, records.slice(0, 12).map(shown));
  }

  async undo() {
    const record = this.undoable;
    if (!record) return;
    this.undoButton.disabled = true;
    const outcome = await this.app.queue.undo(record.key);
    if (outcome === "voided") {
      record.state = "done";
      await this.app.queue.remove(record);
    }
    const row = this.row(record.result?.waybill);
    if (row) row.pieces_scanned = Math.max(0, row.pieces_scanned - 1);
    signal("ok");
    this.panel.dataset.level = "idle";
    fill(this.panel, icon("arrow-back-up"), h("p", {}, "已撤销"), h("p", { class: "f-code" }, spaced(record.label)));
    this.count();
    this.list();
  }
}

// How a record of the list stands: ok, warn, wrong, or still waiting.
function shown(record) {
  const level = { queued: "wait", refused: "wrong", warned: "warn" }[record.state] ?? record.level ?? "ok";
  const words = { wait: "待上传", wrong: "未成功", warn: "请注意", ok: when(record.at) }[level];
  return h("li", { class: "f-row", "data-level": level }, icon(ICONS[level]), h("span", { class: "f-code-small" }, spaced(record.label)), h("span", { class: "muted" }, words));
}
