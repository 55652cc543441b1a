// Talking to the server. The CSRF token is read at the moment of sending: a queued action outlives the token of its day.

const TIMEOUT_MS = 20000;
const BASE = "/field/api/";

export class Refused extends Error {
  // The server understood and said no; sending again changes nothing.
  constructor(status, problem) {
    super(problem.detail || problem.title || "服务器拒绝了这次操作");
    this.status = status;
    this.code = problem.code || "";
  }
}
export class SignedOut extends Error {}
export class Unreachable extends Error {
  // No network, or the server cannot take it now (restart, full disk): send again later. `broken`: it fell over on this very action.
  constructor(message, { broken = false, told = false } = {}) {
    super(message);
    this.broken = broken;
    this.told = told;
  }
}

export function token() {
  const found = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  return found ? decodeURIComponent(found[1]) : "";
}

async function once(path, { method = "GET", body = null, type = "" } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = token();
  if (type) headers["Content-Type"] = type;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), TIMEOUT_MS);
  let response;
  try {
    response = await fetch(BASE + path, { method, headers, body, credentials: "same-origin", cache: "no-store", signal: stop.signal });
  } catch {
    throw new Unreachable("没有网络");
  } finally {
    clearTimeout(timer);
  }
  if (response.status === 204) return null;
  let answer;
  try { answer = await response.json(); } catch { answer = null; } // a proxy's page instead of ours
  if (response.ok && answer) return answer;
  throw failure(response.status, answer);
}

function failure(status, problem) {
  if (status === 401) return new SignedOut("登录已过期，请重新登录");
  if (!problem || [502, 503, 504, 408, 425, 429].includes(status)) return new Unreachable(problem?.detail || "服务器暂时连不上", { told: Boolean(problem) });
  if (status === 507) return new Unreachable(problem.detail, { told: true });
  if (status >= 500) return new Unreachable(problem.detail || "服务器出错", { broken: true, told: true });
  return new Refused(status, problem);
}

export async function call(path, options) {
  try {
    return await once(path, options);
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "csrf_failed") throw error;
    await once("session"); // sets a fresh token; then once more
    return once(path, options);
  }
}

export const get = (path) => call(path);
export const post = (path, value) => call(path, { method: "POST", body: JSON.stringify(value), type: "application/json" });
export const put = (path, blob) => call(path, { method: "PUT", body: blob, type: blob.type });
