// One box to name a parcel in any of three ways: scanner, camera, typing. Typed numbers are checked here, before anything is sent.

import { Camera } from "./camera.js";
import { button, fill, h, icon } from "./dom.js";
import { signal } from "./signal.js";
import { ofLink, parsed } from "./waybill.js";

const FOREIGN = /^[A-Z0-9][A-Z0-9-]{7,39}$/; // a partner's number: the server knows whether we have it
export const MISTYPED = "运单号有误，请核对后重新录入";

// {code, label} of what was scanned or typed, or null when it looks like ours and its check digit does not fit.
export function named(text, prefix) {
  const code = ofLink(text.trim());
  const ours = parsed(code, prefix);
  if (ours) return ours;
  const plain = code.normalize("NFKC").toUpperCase().replace(/\s+/g, "");
  const likeOurs = /^[0-9OIL\-_.·]+$/.test(plain) || plain.startsWith(prefix);
  return !likeOurs && FOREIGN.test(plain) ? { waybill: plain, piece: "", label: plain } : null;
}

// `onname({label, waybill}, how)`; gives {node, stop}. `hint` stands in the field.
export function scanbox(app, onname, hint = "扫描或输入运单号、标签号") {
  const prefix = app.me.prefix;
  const error = h("p", { class: "f-error", role: "alert" });
  const field = h("input", {
    class: "f-input", id: "code", name: "code", placeholder: hint, "aria-label": hint, autocomplete: "off", autocapitalize: "characters",
    spellcheck: false, enterKeyHint: "done", maxLength: 64,
  });
  const video = h("video", { class: "f-video", muted: true, playsInline: true, hidden: true });
  let camera = null;

  function take(text, how) {
    const found = named(text, prefix);
    error.textContent = found ? "" : MISTYPED;
    if (!found) return signal("wrong");
    field.value = "";
    onname(found, how);
  }

  async function toggle() {
    if (camera) return stop();
    camera = new Camera(video, (text) => take(text, "camera"));
    video.hidden = false;
    fill(eye, icon("x"), h("span", {}, "关闭摄像头"));
    try {
      await camera.start();
      error.textContent = "";
    } catch (problem) {
      stop();
      error.textContent = problem.message;
    }
  }

  function stop() {
    camera?.stop();
    camera = null;
    video.hidden = true;
    fill(eye, icon("camera"), h("span", {}, "摄像头扫码"));
  }

  const eye = button("摄像头扫码", toggle, { icon: "camera", id: "camera" });
  app.onscan = take;
  const form = h("form", {
    class: "f-scanbox", novalidate: true,
    onsubmit: (event) => {
      event.preventDefault();
      if (field.value.trim()) take(field.value, "typed");
    },
  }, field, h("button", { class: "f-button f-button--primary", type: "submit" }, "录入"));
  return { node: h("div", { class: "f-stack" }, video, form, error, eye), stop };
}
