// Elements are built here and nowhere else, and text only ever becomes text: no markup from data, no inline handlers.

export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name in node && name !== "list") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  append(node, children);
  return node;
}

export function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

export function fill(node, ...children) {
  node.replaceChildren();
  return append(node, children);
}

// An icon of the vendored set, in the colour of the text around it.
export function icon(name, label = "") {
  const node = h("span", { class: "f-icon", role: label ? "img" : null, "aria-label": label || null });
  if (!label) node.setAttribute("aria-hidden", "true");
  node.style.setProperty("--icon", `url(${new URL(`../vendor/icons/${name}.svg`, import.meta.url).pathname})`);
  return node;
}

export function button(label, onclick, { kind = "", icon: name = "", ...props } = {}) {
  return h("button", { type: "button", class: `f-button ${kind}`, onclick, ...props }, name && icon(name), h("span", {}, label));
}

// A question over the page; resolves to what the pressed button says, or null when it is put away.
export function ask(title, text, buttons) {
  return new Promise((resolve) => {
    const done = (value) => { dialog.close(); dialog.remove(); resolve(value); };
    const dialog = h("dialog", { class: "f-dialog", oncancel: () => done(null) },
      h("h2", {}, title),
      h("p", {}, text),
      h("div", { class: "f-stack" }, buttons.map(([label, value, kind]) => button(label, () => done(value), { kind }))));
    document.body.append(dialog);
    dialog.showModal();
  });
}

// 22 日 15:04 without a library: Beijing time, whatever the phone is set to.
const clock = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", month: "numeric", day: "numeric" });

export function when(iso, now = new Date()) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const days = { [day.format(now)]: "今天", [day.format(now - 864e5)]: "昨天", [day.format(+now + 864e5)]: "明天" };
  return `${days[day.format(at)] ?? day.format(at).replace("/", "月") + "日"} ${clock.format(at)}`;
}
