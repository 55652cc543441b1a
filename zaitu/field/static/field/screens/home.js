// Who I am, where I stand, today's trucks, and what I can do: large buttons in the order of a parcel's day.

import { button, fill, h, icon } from "../dom.js";
import { KINDS, allowed } from "../kinds.js";
import { tripCard, tripsOf } from "../trips.js";

const SHOWN = 6;

export function home(main, app) {
  const trips = h("div", { class: "f-stack", id: "trips" });
  const others = Number(document.body.dataset.others || 0);
  const actions = allowed(app.me);
  fill(main,
    h("header", { class: "f-head f-me" },
      h("div", {}, h("h1", {}, app.me.name), h("p", { class: "muted" }, app.me.roles.join("、"))),
      button(app.station?.name ?? "选择站点", () => app.go("/station"), { icon: "map-pin", id: "my-station" })),
    others > 0 && h("p", { class: "f-notice", "data-level": "warn" }, icon("alert-triangle"), `这台手机里还有其他人的 ${others} 条待上传，请本人登录后上传`),
    h("nav", { class: "f-grid", "aria-label": "操作" }, actions.map(([kind, { label, icon: name, screen }]) =>
      h("a", { class: "f-tile", href: `#/${screen}/${kind}`, "data-kind": kind }, icon(name), h("span", {}, label)))),
    !actions.length && h("p", { class: "f-notice", "data-level": "warn" }, icon("alert-triangle"), "您的账号没有现场操作，请联系管理员"),
    h("h2", {}, "今天的车次"), trips);
  show(trips, app);
}

async function show(place, app) {
  fill(place, h("p", { class: "muted" }, "正在读取车次…"));
  const answer = await tripsOf(app.station?.code ?? "");
  if (!answer?.trips.some((trip) => trip.state !== "done")) {
    return fill(place, h("p", { class: "muted" }, answer ? "今天没有经过本站的车次" : "没有网络，联网后显示车次"));
  }
  const shown = answer.trips.filter((trip) => trip.state !== "done");
  const open = (trip) => {
    const road = KINDS.departed.rights.some((right) => app.me.rights.includes(right));
    app.go(road && trip.state === "running" ? `/trip/arrived/${trip.ref}` : road ? `/trip/departed/${trip.ref}` : `/scan/loaded?trip=${trip.ref}`);
  };
  return fill(place, shown.slice(0, SHOWN).map((trip) => tripCard(trip, () => open(trip))));
}
