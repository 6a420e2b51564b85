// A colour of hue, saturation and, where it is declared, value: a field to drag in, and a slider for
// each of them for the keyboard and for who wants it exact.

import { h } from "./dom.js";
import { assemble, pick as inJson } from "./pointer.js";

const WHOLE_TURN = 360;

/// A control as those of controls.js. The fields have any range: what is lowest is none of it.
export function colour(shape, label, changed) {
  const parts = ["hue", "saturation", "value"].map((name) => {
    const field = shape.fields.find((it) => it.name === name);
    return { name, field, isAsked: Boolean(field) && !field.constant, share: name === "hue" ? 0 : 1 };
  });
  const [hue, saturation, value] = parts;
  const swatch = h("span", { class: "swatch", "aria-hidden": "true" });
  const knob = h("span", { class: "knob" });
  const plane = h("div", { class: "plane", "aria-hidden": "true" }, knob);

  const pick = (event) => {
    const box = plane.getBoundingClientRect();
    hue.share = clamp((event.clientX - box.left) / box.width);
    saturation.share = 1 - clamp((event.clientY - box.top) / box.height);
    show();
    changed?.();
  };
  plane.addEventListener("pointerdown", (event) => {
    plane.setPointerCapture(event.pointerId);
    pick(event);
  });
  plane.addEventListener("pointermove", (event) => plane.hasPointerCapture(event.pointerId) && pick(event));

  const asked = parts.filter((it) => it.isAsked);
  const sliders = asked.map((part) => {
    const { min, max } = rangeOf(part.field);
    part.output = h("output", {});
    part.slider = h("input", {
      type: "range", min, max, step: stepOf(part.field), class: part.name,
      oninput: () => {
        part.share = (Number(part.slider.value) - min) / (max - min || 1);
        show();
        changed?.();
      },
    });
    return h("label", { class: "field wide" }, h("span", {}, part.field.name), part.slider, part.output);
  });

  function show() {
    for (const part of asked) {
      part.slider.value = String(scaled(part));
      part.output.textContent = part.slider.value;
    }
    const shown = css(hue.share, saturation.share, value.share);
    swatch.style.setProperty("background-color", shown);
    knob.style.setProperty("left", `${hue.share * 100}%`);
    knob.style.setProperty("top", `${(1 - saturation.share) * 100}%`);
    knob.style.setProperty("background-color", shown);
  }
  show();

  return {
    node: h("fieldset", { class: "colour" }, h("legend", {}, label),
      h("div", { class: "pick" }, plane, swatch), sliders),
    json: () => assemble(asked.map((it) => [it.field.at, String(scaled(it))])),
    set(all) {
      for (const it of asked) {
        const { min, max } = rangeOf(it.field);
        const number = inJson(all, it.field.at);
        if (typeof number === "number") it.share = clamp((number - min) / (max - min || 1));
      }
      show();
    },
    live: true,
  };
}

const clamp = (share) => Math.min(1, Math.max(0, share));

const rangeOf = (field) => ({ min: field.min ?? 0, max: field.max ?? 255 });

const stepOf = (field) => field.step || (field.decimals ? 10 ** -field.decimals : rangeOf(field).max <= 1 ? 0.01 : 1);

function scaled({ field, share }) {
  const { min, max } = rangeOf(field);
  const step = stepOf(field);
  const value = min + Math.round((share * (max - min)) / step) * step;
  return Number(value.toFixed(6));
}

/// HSV as CSS has it: HSL.
function css(hue, saturation, value) {
  const lightness = value * (1 - saturation / 2);
  const edge = Math.min(lightness, 1 - lightness);
  const strength = edge === 0 ? 0 : (value - lightness) / edge;
  return `hsl(${hue * WHOLE_TURN} ${strength * 100}% ${lightness * 100}%)`;
}
