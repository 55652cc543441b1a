// Scan a parcel, fill a form about it, send: what sign, recheck and report share.

import { button, fill, h, icon } from "./dom.js";
import { goodsOf } from "./goods.js";
import { labelOf } from "./kinds.js";
import { scanbox } from "./scanbox.js";
import { signal } from "./signal.js";
import { spaced } from "./waybill.js";

const ANSWER_MS = 8000;

// `body(label, goods)` gives {node, begin, collect, stop}; `collect()` gives {data, files} or throws an Error with words.
export function formScreen(main, app, { kind, purpose, whole = true, body }) {
  const station = app.station?.code;
  if (!station) return app.go(`/station?then=${encodeURIComponent(location.hash.slice(1))}`);
  let leave = () => {};

  function ask() {
    leave();
    const box = scanbox(app, ({ label, waybill }) => open(whole ? waybill : label));
    leave = box.stop;
    fill(main, h("header", { class: "f-head" }, h("h1", {}, labelOf(kind)), h("p", { class: "muted" }, "先扫描或输入运单号")), box.node);
  }

  async function open(label) {
    leave();
    leave = () => {};
    app.onscan = null;
    fill(main, h("p", { class: "muted" }, "正在读取…"));
    let goods = null;
    try {
      goods = await goodsOf(label, purpose);
    } catch (error) {
      signal("wrong");
      return done(label, { level: "wrong", message: error.message });
    }
    const form = body(label, goods);
    leave = () => form.stop?.();
    const error = h("p", { class: "f-error", role: "alert", id: "form-error" });
    const send = button(`确认${labelOf(kind)}`, () => submit(), { kind: "f-button--primary f-button--big", id: "confirm" });
    fill(main, h("header", { class: "f-head" }, h("h1", {}, labelOf(kind))), form.node, error, send);
    form.begin?.();

    async function submit() {
      error.textContent = "";
      send.disabled = true;
      try {
        const { data, files = [] } = await form.collect();
        const key = await app.queue.add({ kind, code: label, label, station, trip: "", at: app.now(), data }, files);
        const outcome = await app.queue.answer(key, ANSWER_MS);
        done(label, outcome ? outcome.result : { level: "wait", message: "" });
      } catch (problem) {
        error.textContent = problem.message;
        send.disabled = false;
        signal("wrong");
      }
    }
  }

  function done(label, result) {
    leave();
    signal(result.level === "wait" ? "ok" : result.level);
    const words = { ok: `已${labelOf(kind)}`, warn: "请注意", wrong: "没有成功", wait: "已记下，待上传" }[result.level];
    const picture = { ok: "circle-check", warn: "alert-triangle", wrong: "circle-x", wait: "upload" }[result.level];
    fill(main, h("header", { class: "f-head" }, h("h1", {}, labelOf(kind))),
      h("section", { class: "f-result", id: "result", "data-level": result.level, "data-code": label, "aria-live": "assertive" },
        h("p", { class: "f-result-word" }, icon(picture), h("span", {}, words)),
        h("p", { class: "f-code" }, spaced(label)),
        result.message && h("p", { class: "f-message" }, result.message)),
      button("下一票", ask, { kind: "f-button--primary f-button--big", icon: "scan", id: "next" }),
      button("回到首页", () => app.go("/"), { icon: "home" }));
  }

  ask();
  return () => leave();
}
