// Proof of delivery: who took it, in what capacity, their signature, photos, and where the phone was.

import { h } from "../dom.js";
import { formScreen } from "../form.js";
import { consigneeCard, goodsCard, stepper } from "../goods.js";
import { photos } from "../photos.js";
import { where } from "../place.js";
import { signature } from "../signature.js";

const RELATIONS = [["consignee", "本人签收"], ["on_behalf", "他人代收"]];

export function sign(main, app) {
  return formScreen(main, app, { kind: "signed", purpose: "sign", body });
}

function body(label, goods) {
  const place = where();
  const name = h("input", { class: "f-input", id: "signer", autocomplete: "off", maxLength: 30, required: true });
  const relation = h("div", { class: "f-choice", role: "radiogroup", "aria-label": "签收方式" }, RELATIONS.map(([value, words], number) => [
    h("input", { type: "radio", name: "relation", id: `relation-${value}`, value, checked: number === 0, class: "visually-hidden" }),
    h("label", { htmlFor: `relation-${value}` }, words)]));
  const pieces = stepper(goods?.pieces ?? 1, { min: 1, max: goods?.pieces ?? 9999, label: "签收件数", id: "pieces" });
  const pad = signature();
  const shots = photos();
  const remarks = h("input", { class: "f-input", id: "remarks", maxLength: 100, autocomplete: "off" });
  const chosen = () => relation.querySelector("input:checked").value;
  const node = h("div", { class: "f-stack" },
    goodsCard(label, goods), consigneeCard(goods?.consignee),
    relation,
    h("label", { class: "f-field" }, "签收人姓名", name),
    goods?.pieces > 1 && h("div", { class: "f-field" }, h("span", {}, `签收件数（共 ${goods.pieces} 件）`), pieces.node),
    h("div", { class: "f-field" }, h("span", {}, "签名（签名、照片至少一样）"), pad.node),
    h("div", { class: "f-field" }, h("span", {}, "照片"), shots.node),
    h("label", { class: "f-field" }, "备注（外包装、收货地点等，可不填）", remarks));
  return {
    node,
    begin: pad.begin,
    stop: pad.stop,
    async collect() {
      if (!name.value.trim()) throw new Error("请填写签收人姓名");
      if (pad.empty() && !shots.files().length) throw new Error("请签名，或拍一张照片作为凭证");
      const data = { signer: name.value.trim(), relation: chosen(), note: remarks.value.trim(), place: await place };
      if (goods && pieces.read() < goods.pieces) data.pieces = pieces.read();
      return { data, files: [...(pad.empty() ? [] : [await pad.file()]), ...shots.files()] };
    },
  };
}
