// A control for a value, after its shape: what the YAML declares is what can be set, in the way that
// fits it. What is wrong is for the program to say; only what cannot even be sent is said here.
//
// A control is `{ node, json(), set(value), live }`: `json()` is the JSON of what is chosen, or throws a
// `Mistake`; `live` says that each change can be written at once, as a slider's.

import { colour } from "./colour.js";
import { h, hexOf, uid } from "./dom.js";
import { assemble, pick } from "./pointer.js";

/// With more steps than this, no hand hits the one that it wants.
const SLIDER_STEPS_MAX = 2000;

export class Mistake extends Error {}

export function control(shape, label, changed) {
  switch (shape.kind) {
    case "boolean":
      return onOff(shape, label, changed);
    case "enum":
      return choice(shape.labels, label);
    case "flags":
      return flags(shape, label);
    case "number":
      return shape.allowed?.length > 0 ? choice(shape.allowed, label) : number(shape, label, changed);
    case "text":
      return text(shape, label);
    case "bytes":
      return bytesField(shape, label);
    case "struct":
      return shape.color === "hsv" ? colour(shape, label, changed) : struct(shape, label);
    default:
      return json(shape, label);
  }
}

/// What a control is set to: a whole number that JavaScript has rounded, by the digits that are shown of it.
export const exact = (value, shown) =>
  Number.isInteger(value) && !Number.isSafeInteger(value) ? /^-?\d+/.exec(shown)?.[0] ?? value : value;

/// The shape in a few words: `u8, 0 to 255, step 5, °C`.
export function described(shape) {
  const words = [shape.type ?? shape.kind];
  // As it was written: a number of JavaScript has no 64 bits.
  if (shape.range) words.push(shape.range);
  if (has(shape.step) && shape.kind === "number" && shape.step !== 1 && !isUnscaled(shape)) words.push(`steps of ${shape.step}`);
  if (shape.unit) words.push(shape.unit);
  if (has(shape.max_length)) words.push(`at most ${shape.max_length} bytes`);
  if (shape.kind === "enum") words.push((shape.labels ?? []).join(" | "));
  return words.join(", ");
}

/// The step of one octet more or less is said by the number of decimals.
const isUnscaled = (shape) => shape.decimals > 0 && Math.abs(shape.step - 10 ** -shape.decimals) < 1e-9;

const has = (value) => value !== null && value !== undefined;

/// A boolean may have words of its own, that for false first.
function onOff({ labels }, label, changed) {
  const [no, yes] = labels?.length === 2 ? labels : [false, true];
  const input = h("input", { type: "checkbox", role: "switch", onchange: () => changed?.() });
  return {
    node: h("label", { class: "switch" }, input, h("span", {}, label)),
    json: () => JSON.stringify(input.checked ? yes : no),
    set: (value) => (input.checked = value === yes),
    live: true,
  };
}

function choice(options, label) {
  const written = options.map((it) => h("option", { value: JSON.stringify(it) }, String(it)));
  const select = h("select", {}, written);
  return {
    node: h("label", { class: "field" }, h("span", {}, label), select),
    json: () => select.value,
    set: (value) => (select.value = JSON.stringify(value)),
    live: false,
  };
}

function flags({ labels }, label) {
  const boxes = labels.map((name) => ({ name, box: h("input", { type: "checkbox" }) }));
  return {
    node: h("fieldset", {}, h("legend", {}, label),
      boxes.map(({ name, box }) => h("label", { class: "check" }, box, h("span", {}, name.replaceAll("_", " "))))),
    json: () => JSON.stringify(Object.fromEntries(boxes.map(({ name, box }) => [name, box.checked]))),
    set: (value) => boxes.forEach(({ name, box }) => (box.checked = value?.[name] === true)),
    live: false,
  };
}

function number(shape, label, changed) {
  const hint = described(shape);
  const id = uid("hint");
  const input = h("input", {
    type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", "aria-describedby": id,
  });
  const line = h("div", { class: "number" }, h("label", { class: "field" }, h("span", {}, label), input));
  const step = shape.step || (has(shape.decimals) ? 10 ** -shape.decimals : 0);
  const steps = step > 0 && has(shape.min) && has(shape.max) ? (shape.max - shape.min) / step : Infinity;
  let slider = null;
  if (steps <= SLIDER_STEPS_MAX) {
    slider = h("input", {
      type: "range", min: shape.min, max: shape.max, step, "aria-label": `${label}, slider`,
      oninput: () => {
        input.value = slider.value;
        changed?.();
      },
    });
    input.addEventListener("input", () => (slider.value = input.value));
    const ends = h("span", { class: "ends", "aria-hidden": "true" },
      h("span", {}, String(shape.min)), h("span", {}, String(shape.max)));
    line.append(h("div", { class: "slider" }, slider, ends));
  }
  return {
    node: h("div", {}, line, h("p", { class: "hint", id }, hint)),
    json() {
      const typed = input.value.trim();
      if (shape.nullable && typed === "") return "null";
      if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(typed)) {
        throw new Mistake(typed === "" ? `Type a number for ${label}.` : `“${typed}” is no number.`);
      }
      // JSON knows neither +1 nor .5 nor 007.
      return /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i.test(typed) ? typed : String(Number(typed));
    },
    set(value) {
      if (!has(value)) return;
      input.value = String(value);
      if (slider) slider.value = String(value);
    },
    /// The slider writes as it moves, the field does not.
    live: slider !== null,
  };
}

function text(shape, label) {
  const id = uid("hint");
  const input = h("input", { type: "text", autocomplete: "off", spellcheck: "false", "aria-describedby": id });
  return {
    node: h("div", {}, h("label", { class: "field wide" }, h("span", {}, label), input),
      h("p", { class: "hint", id }, described(shape))),
    json: () => JSON.stringify(input.value),
    set: (value) => has(value) && (input.value = String(value)),
    live: false,
  };
}

function bytesField(shape, label) {
  const id = uid("hint");
  const input = h("input", {
    type: "text", class: "mono", autocomplete: "off", spellcheck: "false", "aria-describedby": id,
  });
  return {
    node: h("div", {}, h("label", { class: "field wide" }, h("span", {}, label), input),
      h("p", { class: "hint", id }, `${described(shape)}; hex, as in 0A FF`)),
    json() {
      const hex = hexOf(input.value);
      if (hex === null) throw new Mistake(`“${input.value}” is no hex: two digits for each byte.`);
      return JSON.stringify(hex);
    },
    set: (value) => has(value) && (input.value = String(value)),
    live: false,
  };
}

/// A control for each field; constants are not asked for, and a field that need not be there is left out
/// where nothing is typed.
function struct(shape, label) {
  const fields = (shape.fields ?? [])
    .filter((field) => !field.constant)
    .map((field) => ({ field, part: control(field, field.name.replaceAll("_", " ")) }));
  return {
    node: h("fieldset", {}, h("legend", {}, label), fields.map(({ part }) => part.node)),
    json() {
      const parts = fields.map(({ field, part }) => {
        try {
          return [field.at, part.json()];
        } catch (mistake) {
          if (field.optional && mistake instanceof Mistake) return null;
          throw mistake;
        }
      });
      return assemble(parts.filter((it) => it !== null));
    },
    set(value) {
      for (const { field, part } of fields) part.set(pick(value, field.at));
    },
    live: false,
  };
}

/// Arrays and free JSON: as text.
function json(shape, label) {
  const id = uid("hint");
  const area = h("textarea", { rows: 3, class: "mono", spellcheck: "false", "aria-describedby": id });
  return {
    node: h("div", {}, h("label", { class: "field wide" }, h("span", {}, label), area),
      h("p", { class: "hint", id }, `${described(shape)}; as JSON`)),
    json() {
      try {
        JSON.parse(area.value);
      } catch (problem) {
        throw new Mistake(`This is no JSON: ${problem.message}.`);
      }
      return area.value;
    },
    set: (value) => has(value) && (area.value = JSON.stringify(value)),
    live: false,
  };
}
