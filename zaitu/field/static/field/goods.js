// The parcel a form is about: looked up when there is network, named by its number alone when there is none.

import * as api from "./api.js";
import { h, icon } from "./dom.js";
import { spaced } from "./waybill.js";

// What the server knows of it; null without network. Throws Refused when there is no such parcel.
export async function goodsOf(code, purpose) {
  try {
    return await api.get(`shipments/${encodeURIComponent(code)}?${new URLSearchParams({ for: purpose })}`);
  } catch (error) {
    if (error instanceof api.Refused) throw error;
    return null;
  }
}

export function goodsCard(label, goods) {
  return h("section", { class: "f-card", id: "goods" },
    h("p", { class: "f-code" }, spaced(label)),
    goods
      ? [h("p", {}, icon("package"), ` ${goods.goods} · ${goods.pieces} 件 · ${goods.status_text}`), h("p", { class: "muted" }, `${goods.from_name} → ${goods.to_name}`),
        goods.exception && h("p", { class: "f-notice", "data-level": "warn" }, icon("alert-triangle"), goods.exception)]
      : h("p", { class: "muted" }, "没有网络，照常填写，联网后上传"));
}

export function consigneeCard(person) {
  return person && h("section", { class: "f-card", id: "consignee" },
    h("p", {}, h("b", {}, person.name), " 收"),
    h("p", {}, [person.city, person.address].filter(Boolean).join(" ")),
    person.masked ? h("p", {}, person.phone) : h("a", { class: "f-button", href: `tel:${person.phone}` }, icon("phone"), h("span", {}, person.phone)));
}

// − 12 + : counting in gloves.
export function stepper(value, { min = 0, max = 9999, label = "", id = "" } = {}) {
  const shown = h("input", { class: "f-input f-step-value", type: "text", inputMode: "numeric", value: String(value), "aria-label": label, id: id || null });
  const read = () => Math.min(max, Math.max(min, Number.parseInt(shown.value, 10) || 0));
  const set = (next) => { shown.value = String(Math.min(max, Math.max(min, next))); };
  shown.addEventListener("blur", () => set(read()));
  const node = h("div", { class: "f-step" },
    h("button", { type: "button", class: "f-button", "aria-label": `${label} 减一`, onclick: () => set(read() - 1) }, "−"), shown,
    h("button", { type: "button", class: "f-button", "aria-label": `${label} 加一`, onclick: () => set(read() + 1) }, "+"));
  return { node, read, set };
}
