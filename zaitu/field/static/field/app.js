// Starts the app: who is signed in, the bar that never lies about the network, and which screen is shown.

import * as api from "./api.js";
import { remember, remembered } from "./db.js";
import { ask, button, fill, h, icon } from "./dom.js";
import { Queue } from "./queue.js";
import { signal, wake } from "./signal.js";
import { home } from "./screens/home.js";
import { outbox } from "./screens/outbox.js";
import { recheck } from "./screens/recheck.js";
import { report } from "./screens/report.js";
import { scan } from "./screens/scan.js";
import { sign } from "./screens/sign.js";
import { station } from "./screens/station.js";
import { trip } from "./screens/trip.js";
import { Wedge } from "./wedge.js";

const SCREENS = { "": home, scan, trip, recheck, sign, report, outbox, station };
const SKEW_MS = 30000; // less is the network's delay
const main = document.getElementById("main");
const bar = document.getElementById("bar");

// What every screen is given.
const app = {
  me: null,
  queue: null,
  onscan: null, // the screen that takes scans, if any
  go: (path) => { location.hash = path; },
  station: null, // {code, name} where the person works now
  skew: 0, // milliseconds our clock is behind the server's: phones in a warehouse are often hours off
  now: () => new Date(Date.now() + app.skew).toISOString(),
};

async function whoami() {
  try {
    const me = await api.get("me");
    me.skew = Date.parse(me.now) - Date.now();
    await remember("me", me);
    return me;
  } catch (error) {
    const known = await remembered("me");
    if (error instanceof api.SignedOut || !known) {
      if (navigator.onLine && !(error instanceof api.Unreachable)) location.replace("/field/sign-in");
      else fill(main, h("div", { class: "f-empty" }, icon("wifi-off"), h("h1", {}, "还没有登录过"), h("p", {}, "第一次使用需要联网登录一次")));
      return null;
    }
    return known.value;
  }
}

function show() {
  app.leave?.();
  app.leave = app.onscan = null;
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map(decodeURIComponent);
  const screen = SCREENS[name] ?? home;
  fill(main);
  main.dataset.screen = name || "home";
  app.leave = screen(main, app, rest, new URLSearchParams(query)) ?? null;
  document.getElementById("back").hidden = !name;
  scrollTo(0, 0);
}

async function line() {
  const { queued, refused, others } = await app.queue.counts();
  const words = {
    offline: "没有网络，照常操作",
    "signed-out": app.queue.message,
    trouble: app.queue.message,
  }[navigator.onLine ? app.queue.line : "offline"];
  const strip = document.getElementById("line");
  strip.hidden = !words;
  strip.dataset.line = app.queue.line;
  fill(strip, icon(app.queue.line === "trouble" ? "alert-triangle" : "wifi-off"), h("span", {}, words || ""),
    app.queue.line === "signed-out" && h("a", { class: "f-button f-button--small", href: "/field/sign-in" }, "重新登录"));
  const badge = document.getElementById("badge");
  badge.dataset.queued = queued;
  badge.classList.toggle("f-badge--wait", queued > 0);
  badge.classList.toggle("f-badge--bad", refused > 0);
  fill(badge, icon(refused ? "alert-triangle" : queued ? "upload" : "circle-check"),
    h("span", {}, refused ? `${refused} 条要处理` : queued ? `待上传 ${queued}` : "已全部上传"));
  document.body.dataset.others = others;
}

async function signOut() {
  const { queued } = await app.queue.counts();
  if (queued) {
    const sure = await ask("还有没上传的记录", `待上传 ${queued} 条会留在这台手机里，等您本人再次登录后继续上传。现在退出吗？`,
      [["继续上传，不退出", false, "f-button--primary"], ["仍要退出", true]]);
    if (!sure) return;
  }
  const form = document.getElementById("sign-out");
  fill(form, h("input", { type: "hidden", name: "csrfmiddlewaretoken", value: api.token() })); // the page is kept, its token would be old
  form.submit();
}

function settled({ detail: { record, result, seen } }) {
  if (seen || result.level === "ok" || record.kind === "undo" || record.kind === "dismiss") return;
  signal(result.level); // something sent later was refused: say so wherever the person is now
}

async function start() {
  app.me = await whoami();
  if (!app.me) return;
  app.skew = Math.abs(app.me.skew) > SKEW_MS ? app.me.skew : 0;
  const kept = (await remembered(`station:${app.me.id}`))?.value;
  const own = app.me.own_stations ?? []; // who works at one station stays there, whatever was chosen before
  app.station = kept && (!own.length || own.includes(kept.code)) ? kept : app.me.station;
  app.keepStation = async (chosen) => {
    app.station = chosen;
    await remember(`station:${app.me.id}`, chosen);
  };
  app.queue = new Queue(app.me.id, app.now);
  app.queue.addEventListener("line", line);
  app.queue.addEventListener("changed", line);
  app.queue.addEventListener("settled", settled);
  addEventListener("offline", line);
  addEventListener("online", line);
  addEventListener("pointerdown", wake, { once: true });
  addEventListener("hashchange", show);
  document.getElementById("sign-out-button").addEventListener("click", signOut);
  document.getElementById("badge").addEventListener("click", () => app.go("/outbox"));
  document.getElementById("back").addEventListener("click", () => history.length > 1 ? history.back() : app.go("/"));
  new Wedge((text) => app.onscan?.(text, "wedge"));
  navigator.storage?.persist?.(); // asks that a full phone does not throw our records away
  bar.hidden = false;
  await line();
  show();
  app.queue.kick();
  document.body.dataset.ready = "1";
}

function install() {
  if (!navigator.serviceWorker) return; // plain HTTP: everything works except opening the page without network
  navigator.serviceWorker.register("/field/sw.js", { scope: "/field/" }).catch((error) => console.warn("service worker:", error));
}

start().catch((error) => {
  console.error(error);
  fill(main, h("div", { class: "f-empty" }, icon("alert-triangle"), h("h1", {}, "打不开"), h("p", {}, "请刷新；待上传的记录仍在手机里"),
    button("刷新", () => location.reload(), { kind: "f-button--primary" })));
});
install();
