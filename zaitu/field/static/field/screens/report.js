// Refusals and problems: what it is, in a few words, with photos.

import { h } from "../dom.js";
import { formScreen } from "../form.js";
import { goodsCard } from "../goods.js";
import { PROBLEMS } from "../kinds.js";
import { photos } from "../photos.js";
import { where } from "../place.js";

export function report(main, app, [kind]) {
  if (kind !== "refused" && kind !== "problem") return app.go("/");
  return formScreen(main, app, { kind, purpose: "report", body: (label, goods) => body(kind, label, goods) });
}

function body(kind, label, goods) {
  const place = where();
  const reason = h("select", { class: "f-input", id: "reason" },
    h("option", { value: "" }, "请选择"), Object.entries(PROBLEMS).map(([code, words]) => h("option", { value: code }, words)));
  const note = h("textarea", { class: "f-input", id: "note", rows: 3, maxLength: 200 });
  const shots = photos();
  const node = h("div", { class: "f-stack" },
    goodsCard(label, goods),
    kind === "problem" && h("label", { class: "f-field" }, "异常类型", reason),
    h("label", { class: "f-field" }, kind === "refused" ? "拒收原因" : "说明", note),
    h("div", { class: "f-field" }, h("span", {}, "照片"), shots.node));
  return {
    node,
    async collect() {
      if (kind === "problem" && !reason.value) throw new Error("请选择异常类型");
      if (kind === "refused" && !note.value.trim()) throw new Error("请填写拒收原因");
      const data = { note: note.value.trim(), place: await place };
      if (kind === "problem") data.reason = reason.value;
      return { data, files: shots.files() };
    },
  };
}
