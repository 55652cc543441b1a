// The signature pad: signature_pad over a canvas of the screen's own pixels.
/* global SignaturePad */

import { blobOf } from "./photo.js";
import { button, h } from "./dom.js";

export function signature() {
  const canvas = h("canvas", { class: "f-pad", id: "pad", "aria-label": "签名处" });
  let pad = null;

  // A canvas has pixels only once it is on the page; turning the phone would clear it, so what was written is put back.
  function fit() {
    const strokes = pad?.toData() ?? [];
    const scale = Math.max(1, window.devicePixelRatio || 1);
    canvas.width = canvas.offsetWidth * scale;
    canvas.height = canvas.offsetHeight * scale;
    canvas.getContext("2d").scale(scale, scale);
    pad ??= new SignaturePad(canvas, { minWidth: 1.2, maxWidth: 3.2, penColor: "#17202e" });
    pad.clear();
    pad.fromData(strokes);
  }

  addEventListener("resize", fit);
  return {
    node: h("div", { class: "f-stack" }, canvas, button("重签", () => pad?.clear(), { icon: "refresh", id: "pad-clear" })),
    begin: fit,
    stop: () => { removeEventListener("resize", fit); pad?.off(); },
    empty: () => !pad || pad.isEmpty(),
    file: async () => ({ field: "signature", kind: "signature", blob: await blobOf(canvas, "image/png") }),
  };
}
