// Departure and arrival of a truck: look at the count once more, then one large button.

import { ask, button, fill, h, icon } from "../dom.js";
import { labelOf } from "../kinds.js";
import { where } from "../place.js";
import { signal } from "../signal.js";
import { sheetOf, stopOf, tripCard, tripPicker, tripsOf } from "../trips.js";

const ANSWER_MS = 6000;

export function trip(main, app, [kind, ref]) {
  if (!ref) return tripPicker(main, app, kind, (picked) => app.go(`/trip/${kind}/${picked}`));
  confirming(main, app, kind, ref);
}

async function confirming(main, app, kind, ref) {
  const place = where();
  const found = (await tripsOf(app.station?.code ?? ""))?.trips.find((one) => one.ref === ref);
  if (!found) {
    return fill(main, h("div", { class: "f-empty" }, icon("truck-off"), h("h1", {}, "找不到这个车次"), button("返回", () => app.go("/"))));
  }
  const first = kind === "departed" ? found.stops.find((stop) => !stop.departed_at) : found.stops.find((stop) => !stop.arrived_at && stop.seq > 0);
  const stops = h("select", { class: "f-input", id: "stop", "aria-label": "站点", onchange: () => count() },
    found.stops.filter((stop) => kind !== "arrived" || stop.seq > 0).map((stop) => h("option", { value: stop.station_code }, stop.name)));
  stops.value = (first ?? stopOf(found, app.station?.code, kind)).station_code;
  const summary = h("div", { id: "summary" });
  const result = h("section", { class: "f-result", id: "result", "aria-live": "assertive", hidden: true });
  const go = button(`确认${labelOf(kind)}`, () => confirm(), { kind: "f-button--primary f-button--big", icon: kind === "departed" ? "player-play" : "flag", id: "confirm" });
  let sheet = null;

  async function count() {
    sheet = await sheetOf(ref, stops.value);
    const side = sheet?.[kind === "departed" ? "load" : "unload"];
    fill(summary, side && h("p", { class: "f-total", "data-short": side.short },
      h("span", {}, kind === "departed" ? "本站已装" : "本站应卸"), h("b", {}, kind === "departed" ? `${side.scanned}/${side.expected}` : String(side.expected)), h("span", {}, "件")),
    kind === "departed" && side?.short > 0 && h("p", { class: "f-notice", "data-level": "warn" }, icon("alert-triangle"), `还有 ${side.short} 件没有装车`),
    kind === "departed" && heldBack().length > 0 && h("div", { class: "f-notice", "data-level": "wrong", id: "held" }, icon("circle-x"),
      h("div", {}, h("b", {}, `${heldBack().length} 票复核不符，不随车发出：`), ...heldBack().map((row) => h("div", { class: "f-waybill" }, row.waybill)))));
  }

  // What an open recheck keeps here. A sheet kept by an older version of this page knows none.
  const heldBack = () => [...(sheet?.rows ?? []), ...(sheet?.behind ?? [])].filter((row) => row.held);

  async function confirm() {
    const short = kind === "departed" ? sheet?.load.short ?? 0 : 0;
    if (short && !(await ask("还没装齐", `还有 ${short} 件没有装车，发车后记为未随车发出。确定发车吗？`, [["继续装车", false, "f-button--primary"], ["确定发车", true]]))) return;
    go.disabled = true;
    try {
      const key = await app.queue.add({ kind, code: ref, label: ref, station: stops.value, trip: ref, at: app.now(), data: { place: await place } });
      say(await app.queue.answer(key, ANSWER_MS));
    } catch (error) {
      go.disabled = false;
      say({ result: { level: "wrong", message: error.message } });
    }
  }

  function say(outcome) {
    const level = outcome ? outcome.result.level : "wait";
    signal(level === "wait" ? "ok" : level);
    result.hidden = false;
    result.dataset.level = level;
    go.hidden = level !== "wrong";
    go.disabled = false;
    fill(result, h("p", { class: "f-result-word" }, icon({ ok: "circle-check", warn: "alert-triangle", wrong: "circle-x", wait: "upload" }[level]),
      h("span", {}, { ok: `已${labelOf(kind)}`, warn: `已${labelOf(kind)}，请注意`, wrong: "没有成功", wait: "已记下，待上传" }[level])),
    outcome?.result.message && h("p", { class: "f-message" }, outcome.result.message));
  }

  fill(main, h("header", { class: "f-head" }, h("h1", {}, labelOf(kind))), tripCard(found),
    h("label", { class: "f-field" }, "站点", stops), summary, result, go);
  await count();
}
