// Photos of a form: taken with the phone's own camera, made small, shown, removable.

import { fill, h, icon } from "./dom.js";
import { shrunk } from "./photo.js";

const MOST = 6;

export function photos() {
  const blobs = [];
  const strip = h("div", { class: "f-photos", id: "photos" });
  const error = h("p", { class: "f-error", role: "alert" });
  const input = h("input", { type: "file", accept: "image/*", capture: "environment", multiple: true, id: "photo-input", class: "visually-hidden", onchange: add });
  const pick = h("label", { class: "f-button", htmlFor: "photo-input" }, icon("camera"), h("span", {}, "拍照"));

  async function add() {
    error.textContent = "";
    for (const file of [...input.files]) {
      if (blobs.length >= MOST) { error.textContent = `最多 ${MOST} 张`; break; }
      try {
        blobs.push(await shrunk(file));
      } catch (problem) {
        error.textContent = problem.message;
      }
    }
    input.value = "";
    show();
  }

  function show() {
    strip.querySelectorAll("img").forEach((picture) => URL.revokeObjectURL(picture.src));
    fill(strip, blobs.map((blob, number) => h("button", {
      type: "button", class: "f-photo", "aria-label": `删除第 ${number + 1} 张照片`,
      onclick: () => { blobs.splice(number, 1); show(); },
    }, h("img", { src: URL.createObjectURL(blob), alt: `第 ${number + 1} 张照片` }), icon("x"))));
  }

  return {
    node: h("div", { class: "f-stack" }, input, pick, error, strip),
    files: () => blobs.map((blob) => ({ field: "photos", kind: "photo", blob })),
  };
}
