// What has not reached the server, and what the server did not take: nothing is lost without a person having seen it.

import { button, fill, h, icon, when } from "../dom.js";
import { labelOf } from "../kinds.js";
import { spaced } from "../waybill.js";

export function outbox(main, app) {
  const list = h("div", { class: "f-stack", id: "outbox" });
  fill(main, h("header", { class: "f-head" }, h("h1", {}, "上传情况")), list);
  const show = async () => {
    const records = await app.queue.records();
    const mine = records.filter((record) => record.state === "queued" && record.user === app.me.id);
    const others = records.filter((record) => record.state === "queued" && record.user !== app.me.id);
    const problems = records.filter((record) => record.state === "refused" || record.state === "warned");
    fill(list,
      problems.map((record) => problem(record, app)),
      mine.length > 0 && [h("h2", {}, `待上传 ${mine.length} 条`), app.queue.message && h("p", { class: "f-notice", "data-level": "warn" }, icon("alert-triangle"), app.queue.message),
        button("马上重试", () => app.queue.kick(), { icon: "refresh", id: "retry-all" }), mine.map(line)],
      others.length > 0 && [h("h2", {}, `其他人的 ${others.length} 条`), h("p", { class: "muted" }, "请本人登录后上传")],
      !problems.length && !mine.length && h("div", { class: "f-empty" }, icon("circle-check"), h("h2", {}, "都已上传"), h("p", {}, "可以放心退出")));
  };
  app.queue.addEventListener("changed", show);
  app.queue.addEventListener("line", show);
  show();
  return () => {
    app.queue.removeEventListener("changed", show);
    app.queue.removeEventListener("line", show);
  };
}

const title = (record) => [h("b", {}, labelOf(record.kind)), " ", h("span", { class: "f-code-small" }, spaced(record.label ?? record.code)), h("span", { class: "muted" }, ` ${when(record.at)}`)];

function line(record) {
  return h("div", { class: "f-card", "data-key": record.key }, h("p", {}, title(record)),
    record.files.length > 0 && h("p", { class: "muted" }, `带 ${record.files.length} 张图片`));
}

function problem(record, app) {
  const refused = record.state === "refused";
  const reason = h("input", { class: "f-input", placeholder: "放弃的原因，例如 已改用纸单", "aria-label": "放弃的原因", maxLength: 100 });
  const error = h("p", { class: "f-error", role: "alert" });
  const giveUp = () => {
    if (!reason.value.trim()) { error.textContent = "请写明放弃的原因"; return reason.focus(); }
    return app.queue.dismiss(record, reason.value.trim());
  };
  return h("section", { class: "f-card f-problem", "data-state": record.state, "data-key": record.key },
    h("p", {}, title(record)),
    h("p", { class: "f-notice", "data-level": refused ? "wrong" : "warn" }, icon(refused ? "circle-x" : "alert-triangle"), record.message || (refused ? "服务器没有接受" : "请注意")),
    refused
      ? [button("重试", () => app.queue.retry(record), { icon: "refresh" }), h("label", { class: "f-field" }, "不再上传？请写原因", reason), error, button("放弃这一条", giveUp, { icon: "trash", kind: "f-button--danger" })]
      : button("知道了", () => app.queue.dismiss(record, ""), { kind: "f-button--primary", icon: "check" }));
}
