// Waybill numbers as kernel/waybills.py knows them: prefix, 12 digits, a check digit after Damm; a piece label adds -001.

const DAMM = [
  "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
  "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
];
const LABEL = /^(.*[0-9OIL])-([0-9]{3})$/;
export const TRIP = /^T[0-9]{8}-[0-9]{3}$/;

function damm(digits) {
  let state = 0;
  for (const digit of digits) state = Number(DAMM[state][Number(digit)]);
  return state;
}

// {waybill, piece, label} of what was typed or scanned; null when it cannot be one (the check digit does not fit).
export function parsed(text, prefix) {
  const plain = text.normalize("NFKC").trim().toUpperCase().replace(/[‐‑‒–—―−]/g, "-");
  const label = plain.match(LABEL);
  const number = (label ? label[1] : plain).replace(/[\s\-_.·]+/g, "");
  const letters = number.slice(0, -13).replaceAll("0", "O").replaceAll("1", "I") || prefix;
  const digits = number.slice(-13).replaceAll("O", "0").replace(/[IL]/g, "1");
  if (!/^[A-Z]{2,4}$/.test(letters) || !/^[0-9]{13}$/.test(digits) || damm(digits) !== 0) return null;
  const waybill = letters + digits;
  return { waybill, piece: label ? label[2] : "", label: label ? `${waybill}-${label[2]}` : waybill };
}

// A link in a QR code (https://…/t/ZT…) carries the number at its end.
export function ofLink(text) {
  const link = text.match(/^https?:\/\/[^/]+\/t\/([^/?#]+)/i);
  return link ? decodeURIComponent(link[1]) : text;
}

// Four at a time, as people read numbers out: ZT 0412 8837 5512 4-001.
export function spaced(label) {
  const [waybill, piece] = label.split("-");
  const found = waybill.match(/^([A-Z]*)([0-9]*)$/);
  if (!found) return label;
  return [found[1], ...(found[2].match(/.{1,4}/g) || [])].join(" ") + (piece ? ` -${piece}` : "");
}
