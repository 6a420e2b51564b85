// Elements, and the few texts that every view writes the same way.

/// An element: `h("a", { class: "row", href: "#/", onclick: go }, "text", another)`. What is null or
/// false is left out.
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/// Writes only what is different: an equal text costs neither layout nor a word of a screen reader.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/// What is so short that it can be seen from afar is written large.
const LARGE_MAX = 14;

export function writeLarge(element, text) {
  write(element, text);
  element.classList.toggle("long", text.length > LARGE_MAX);
}

/// A number that is unique in the page, for `id` and what refers to it.
let lastId = 0;
export const uid = (what) => `${what}-${(lastId += 1)}`;

/// A state in a word and a colour; the dot is for the eye only.
export const badge = (kind, text) => h("span", { class: `badge ${kind}` }, text);

/// Pairs of a name and a value, those without a value left out.
export function facts(pairs, more = "") {
  const rows = pairs
    .filter(([, value]) => value !== null && value !== undefined && value !== false && value !== "")
    .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
  return h("dl", { class: `facts ${more}` }, rows);
}

export function card(title, ...children) {
  const id = uid("card");
  const heading = h("h2", { id }, title);
  return h("section", { class: "card", "aria-labelledby": id }, heading, ...children);
}

const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/// 12:03:04.567, in the time zone of who looks.
export function timeOf(ms) {
  const fraction = String(Math.floor(ms) % 1000).padStart(3, "0");
  return `${clock.format(ms)}.${fraction}`;
}

/// How long, in the unit that a person would take.
export function duration(ms) {
  if (ms < 10_000) return `${(Math.max(ms, 0) / 1000).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}

/// What took so many milliseconds, as short as it can be said.
export const took = (ms) => (ms < 10 ? `${Number(ms.toFixed(1))} ms` : `${Math.round(ms)} ms`);

/// `0a1bff` as `0A 1B FF`, however it was written before.
export const bytes = (hex) => (hex.replace(/\s/g, "").match(/../g) ?? []).join(" ").toUpperCase();

/// The bytes that somebody has typed, as the program takes them: without spaces, colons or 0x. Null
/// when it is no hex.
export function hexOf(text) {
  const plain = text.replace(/0x/gi, "").replace(/[\s:,-]/g, "").toLowerCase();
  return /^([0-9a-f]{2})*$/.test(plain) ? plain : null;
}

/// Says something to who does not see it. Used for the outcome of what the user did, and for the
/// connection; never for values, which would talk without an end.
export function announce(text) {
  const region = document.getElementById("announce");
  region.textContent = "";
  // A region speaks when it changes; the same words twice would else be said once.
  requestAnimationFrame(() => (region.textContent = text));
}
