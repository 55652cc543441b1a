// Recheck: count pieces and items against the order. The server compares; a mismatch stops loading.

import { h, icon } from "../dom.js";
import { formScreen } from "../form.js";
import { goodsCard, stepper } from "../goods.js";

export function recheck(main, app) {
  return formScreen(main, app, { kind: "rechecked", purpose: "recheck", body });
}

function body(label, goods) {
  const pieces = stepper(0, { label: "实点件数", id: "pieces" });
  const items = (goods?.items ?? []).map(({ sku, name }) => ({ sku, name, count: stepper(0, { label: `${name} 实点数量` }) }));
  const node = h("div", { class: "f-stack" },
    goodsCard(label, goods),
    !goods && h("p", { class: "f-notice", "data-level": "warn" }, icon("alert-triangle"), "看不到货品明细；有明细的运单须联网后逐项清点"),
    h("div", { class: "f-field" }, h("span", {}, "实点件数"), pieces.node),
    items.map(({ sku, name, count }) => h("div", { class: "f-field", "data-sku": sku }, h("span", {}, `${name}（${sku}）`), count.node)));
  return {
    node,
    collect() {
      if (!pieces.read()) throw new Error("请先点数再填写件数");
      const data = { pieces: pieces.read() };
      if (items.length) data.items = Object.fromEntries(items.map(({ sku, count }) => [sku, count.read()]));
      return { data };
    },
  };
}
