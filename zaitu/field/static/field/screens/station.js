// Where do I work now? Drivers change stations all day; warehouse people are offered their own ones only.

import { fill, h, icon } from "../dom.js";
import { known } from "../trips.js";

export function station(main, app, _rest, query) {
  const then = query.get("then") || "/";
  const list = h("div", { class: "f-stack", id: "stations" }, h("p", { class: "muted" }, "正在读取站点…"));
  const words = h("input", { class: "f-input", type: "search", placeholder: "站点名、城市或编码", "aria-label": "查找站点", autocomplete: "off" });
  let timer = 0;
  const load = async () => {
    const text = words.value.trim();
    const answer = await known(`stations:${text}`, `stations?${new URLSearchParams({ text })}`);
    if (words.value.trim() !== text) return; // a later question is being answered
    fill(list, (answer?.stations ?? []).map((one) => h("button", {
      type: "button", class: "f-card f-station", "data-station": one.code,
      onclick: async () => { await app.keepStation({ code: one.code, name: one.name }); app.go(then); },
    }, icon("building-warehouse"), h("span", {}, h("b", {}, one.name), h("span", { class: "muted" }, `${one.city} · ${one.code}`)))),
    !answer?.stations.length && h("p", { class: "muted" }, answer ? "没有找到，换站点名、城市或编码再试" : "没有网络，联网后再选"));
  };
  words.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(load, 250); });
  fill(main, h("header", { class: "f-head" }, h("h1", {}, "选择站点"), query.get("then") && h("p", { class: "muted" }, "先选您现在所在的站点，选好后接着操作")), words, list);
  load();
}
