// Actions leave the phone in order and are applied once: each is on disk before anything is sent, carries a key of its own
// that the server knows again, and stays until the server has said what became of it.

import * as api from "./api.js";
import { actionByKey, all, change, one } from "./db.js";

const RETRY_MS = [2000, 4000, 8000, 15000, 30000];
const BROKEN_TRIES = 5; // a server that falls over on one action five times: set it aside, let the others through
const KEPT_DONE = 30;
export const UNDO_MS = 10 * 60 * 1000;

// Only secure contexts have randomUUID; a warehouse on plain HTTP has not.
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export class Queue extends EventTarget {
  constructor(user, now) {
    super();
    this.user = user; // id of who is signed in: actions of somebody else wait for them
    this.now = now; // the time to write on an action
    this.line = "idle"; // idle | sending | offline | signed-out | trouble
    this.message = "";
    this.tries = 0;
    this.timer = 0;
    this.waiting = new Map(); // key → resolve of somebody looking at the screen
    this.running = null;
    this.again = false;
    addEventListener("online", () => this.kick());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.kick());
  }

  // Write an action and its photos down, then send. Resolves to its key when it is safe; throws when the phone is full.
  async add(action, files = []) {
    const key = action.key || uuid();
    const named = files.map((file) => ({ ...file, id: uuid() }));
    const record = {
      ...action, key, user: this.user, state: "queued", tries: 0, message: "",
      files: named.map(({ id, field, kind }) => ({ id, field, kind })),
    };
    try {
      await change(["actions", "files"], (stores) => {
        for (const { id, blob } of named) stores.files.add({ id, blob });
        stores.actions.add(record);
      });
    } catch (error) {
      throw new Error(error?.name === "QuotaExceededError" ? "手机存储已满，这一条没有记下；请先联网上传，再清理手机空间" : "手机没能记下这一条，请重试");
    }
    await this.changed();
    this.kick();
    return key;
  }

  // The server's answer to an action when it comes within `ms`; null when it is still waiting then.
  answer(key, ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => { this.waiting.delete(key); resolve(null); }, ms);
      this.waiting.set(key, (outcome) => { clearTimeout(timer); this.waiting.delete(key); resolve(outcome); });
      if (!navigator.onLine) this.waiting.get(key)(null);
    });
  }

  async records() {
    return (await all("actions")).sort((one, other) => one.seq - other.seq);
  }

  async counts() {
    const records = await this.records();
    const of = (...states) => records.filter((record) => states.includes(record.state));
    return {
      queued: of("queued").filter((record) => record.user === this.user).length,
      refused: of("refused", "warned").length,
      others: of("queued").filter((record) => record.user !== this.user).length,
    };
  }

  // Take back an action: one that never left the phone is simply removed, one that did is voided by another action.
  async undo(key) {
    const record = await actionByKey(key);
    if (!record) return "gone";
    if (await this.takeBack(record)) {
      await this.changed();
      return "removed";
    }
    await this.add({ kind: "undo", code: record.code, label: record.label, station: "", trip: "", at: this.now(), data: { key } });
    return "voided";
  }

  // Both look and write in one transaction: an action is either taken back or sent, never both.
  takeBack(record) {
    return change(["actions", "files"], async (stores, asked) => {
      const now = await asked(stores.actions.get(record.seq));
      if (!now || now.state !== "queued" || now.sent) return false;
      stores.actions.delete(now.seq);
      for (const { id } of now.files) stores.files.delete(id);
      return true;
    });
  }

  claim(record) {
    return change(["actions"], async (stores, asked) => {
      const now = await asked(stores.actions.get(record.seq));
      if (!now || now.state !== "queued") return false;
      stores.actions.put(Object.assign(record, now, { sent: true }));
      return true;
    });
  }

  // Put away what the server refused; why is sent as well, for the record.
  async dismiss(record, reason) {
    const { kind, code, key, message } = record;
    if (record.state === "refused") {
      await this.add({ kind: "dismiss", code, label: record.label, station: record.station, trip: "", at: this.now(), data: { key, kind, message, reason } });
    }
    await this.remove(record);
  }

  // Under a new key: what the server refused under the old one was not done, and it would only repeat its answer.
  async retry(record) {
    await this.update(record, { key: uuid(), state: "queued", sent: false, tries: 0, message: "" });
    this.kick();
  }

  kick() {
    clearTimeout(this.timer);
    this.again = true;
    if (this.running) return;
    const send = async () => {
      while (this.again) {
        this.again = false;
        await this.drain();
      }
    };
    // One tab sends at a time, where the browser can say so; the server's keys hold in any case.
    this.running = (navigator.locks ? navigator.locks.request("zaitu-field-send", send) : send()).finally(() => { this.running = null; });
  }

  async drain() {
    for (;;) {
      const next = (await this.records()).find((record) => record.state === "queued" && record.user === this.user);
      if (!next) return this.say("idle");
      if (!navigator.onLine) return this.say("offline"); // the "online" event comes back here; nothing has left the phone
      if (this.line !== "offline" && this.line !== "trouble") this.say("sending");
      try {
        await this.send(next);
        this.tries = 0;
        this.say("sending");
      } catch (error) {
        if (!(await this.failed(next, error))) return;
      }
    }
  }

  async send(record) {
    if (!(await this.claim(record))) return;
    for (const { id, kind } of record.files) {
      const file = await one("files", id);
      if (file) await api.put(`files/${id}?${new URLSearchParams({ code: record.code, kind })}`, file.blob);
    }
    const { key, kind, code, station, trip, at } = record;
    const answer = await api.post("actions", { key, kind, code, station, trip, at, data: withFiles(record) });
    await this.settle(record, answer.result);
  }

  // What the server said, on screen if somebody waits for it, else kept until seen.
  async settle(record, result) {
    const seen = this.waiting.has(record.key);
    const state = result.level === "wrong" ? "refused" : result.level === "warn" ? "warned" : "done";
    const quiet = record.kind === "undo" || record.kind === "dismiss";
    if (quiet && state === "done") await this.remove(record);
    else await this.update(record, { state: seen || quiet ? "done" : state, level: result.level, message: result.message, result, settled: Date.now() });
    await this.forget(record.files);
    this.waiting.get(record.key)?.({ record, result });
    this.dispatchEvent(new CustomEvent("settled", { detail: { record, result, seen } }));
    await this.prune();
    await this.changed();
  }

  // False: stop sending for now. True: this one is set aside, go on with the next.
  async failed(record, error) {
    if (error instanceof api.Refused || (error instanceof api.Unreachable && error.broken && record.tries + 1 >= BROKEN_TRIES)) {
      const result = { level: "wrong", message: error.message, waybill: null, counts: null };
      const seen = this.waiting.has(record.key);
      await this.update(record, { state: "refused", message: error.message, refusal: error.code || "" });
      this.waiting.get(record.key)?.({ record, result });
      this.dispatchEvent(new CustomEvent("settled", { detail: { record, result, seen } }));
      await this.changed();
      return true;
    }
    if (error instanceof api.SignedOut) {
      this.say("signed-out", error.message);
    } else if (error instanceof api.Unreachable) {
      if (error.broken) await this.update(record, { tries: record.tries + 1 });
      this.say(error.told ? "trouble" : "offline", error.told ? error.message : "");
      this.timer = setTimeout(() => this.kick(), RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)]);
    } else {
      this.say("trouble", "手机读不出待上传的内容，请不要清除浏览器数据，并联系管理员");
      console.error(error);
    }
    this.waiting.get(record.key)?.(null);
    return false;
  }

  say(line, message = "") {
    this.line = line;
    this.message = message;
    this.dispatchEvent(new Event("line"));
  }

  async changed() {
    this.dispatchEvent(new CustomEvent("changed", { detail: await this.counts() }));
  }

  update(record, fields) {
    Object.assign(record, fields);
    return change(["actions"], (stores) => { stores.actions.put(record); });
  }

  async remove(record) {
    await change(["actions", "files"], (stores) => {
      stores.actions.delete(record.seq);
      for (const { id } of record.files) stores.files.delete(id);
    });
    await this.changed();
  }

  forget(files) {
    return files.length ? change(["files"], (stores) => { for (const { id } of files) stores.files.delete(id); }) : null;
  }

  // Done ones stay a while, for the list on the screen and for undo.
  async prune() {
    const done = (await this.records()).filter((record) => record.state === "done");
    const old = done.slice(0, -KEPT_DONE);
    if (old.length) await change(["actions"], (stores) => { for (const { seq } of old) stores.actions.delete(seq); });
  }
}

// The action's data with the ids of its photos in the fields they belong to: `signature` one, `photos` many.
function withFiles(record) {
  const data = { ...record.data };
  for (const { id, field } of record.files) {
    if (field === "photos") data.photos = [...(data.photos || []), id];
    else data[field] = id;
  }
  return data;
}
