// Trips and their sheets, from the server or as last known.

import * as api from "./api.js";
import { remember, remembered } from "./db.js";
import { button, fill, h, icon, when } from "./dom.js";
import { labelOf } from "./kinds.js";
import { signal } from "./signal.js";
import { TRIP } from "./waybill.js";

// The answer of the server, or the last one when it cannot be reached; null when there never was one.
export async function known(name, path) {
  try {
    const value = await api.get(path);
    await remember(name, value);
    return value;
  } catch (error) {
    if (error instanceof api.Refused) throw error;
    return (await remembered(name))?.value ?? null;
  }
}

export const tripsOf = (station) => known(`trips:${station}`, `trips?${new URLSearchParams({ station })}`);
export const sheetOf = (trip, station) =>
  known(`sheet:${trip}:${station}`, `trips/${encodeURIComponent(trip)}/sheet?${new URLSearchParams({ station })}`).catch(() => null);

// Where on its way a trip is for this person: their own station when it stops there, else the stop it is at or goes to next.
export function stopOf(trip, station, kind) {
  const mine = trip.stops.find((stop) => stop.station_code === station);
  if (mine) return mine;
  const next = trip.stops.find((stop) => !stop.departed_at) ?? trip.stops.at(-1);
  const reached = trip.stops.findLast?.((stop) => stop.arrived_at) ?? next;
  return kind === "unloaded" ? reached : next;
}

export function tripCard(trip, onclick = null, chosen = null) {
  const done = trip.expected && trip.loaded >= trip.expected;
  const body = [
    h("span", { class: "f-plate" }, trip.plate),
    h("span", { class: "f-pill", "data-state": trip.state }, trip.state_text),
    h("span", { class: "f-trip-line" }, trip.line_name),
    h("span", { class: "muted" }, `${when(trip.departs_at)} 发车 · ${trip.ref}`),
    h("span", { class: "f-trip-count" }, icon(done ? "circle-check" : "package"), `已装 ${trip.loaded}/${trip.expected} 件`),
    chosen && h("span", {}, `本站 ${chosen.name}`),
  ];
  return onclick ? h("button", { type: "button", class: "f-card f-trip", "data-trip": trip.ref, onclick }, body) : h("div", { class: "f-card f-trip" }, body);
}

// Which truck? `onpick(ref, station code)`.
export function tripPicker(main, app, kind, onpick) {
  const list = h("div", { class: "f-stack", id: "trips" }, h("p", { class: "muted" }, "正在读取车次…"));
  fill(main, h("header", { class: "f-head" }, h("h1", {}, labelOf(kind)), h("p", { class: "muted" }, "选择车次")), list);
  const load = async () => {
    const answer = await tripsOf(app.station?.code ?? "");
    const states = kind === "unloaded" ? ["running", "done"] : ["planned", "running", "missed"];
    const trips = (answer?.trips ?? []).filter((trip) => states.includes(trip.state));
    if (!trips.length) {
      return fill(list, h("div", { class: "f-empty" }, icon("truck-off"), h("h2", {}, answer ? `没有可${labelOf(kind)}的车次` : "没有网络，也没有存过车次"),
        h("p", {}, answer ? "请联系调度安排车次" : "联网后再试"), button("刷新", load, { icon: "refresh" })));
    }
    return fill(list, trips.map((trip) => {
      const stop = stopOf(trip, app.station?.code, kind);
      return tripCard(trip, () => onpick(trip.ref, stop.station_code), stop);
    }));
  };
  load();
  app.onscan = (text) => {
    const ref = text.trim().toUpperCase();
    if (!TRIP.test(ref)) return signal("wrong"); // a parcel's label: the truck comes first
    return onpick(ref, app.station?.code ?? "");
  };
}
