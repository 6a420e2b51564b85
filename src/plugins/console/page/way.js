// The way of a change: all steps with the same value and version, from who asked to who has heard of it.

import { badge, h, timeOf, took } from "./dom.js";
import { state } from "./state.js";

/// What a step is, for the eye: one of the classes of the style sheet.
const TONES = {
  requested: "in", reported: "in",
  accepted: "set", unchanged: "set", taken_back: "set", answered: "set",
  handed_out: "out", published: "out", notified: "out", indicated: "out", noted: "out",
  arrived: "done", acknowledged: "done", written: "done", confirmed: "done", link_up: "done",
  refused: "bad", not_kept: "bad", silent: "bad", expired: "bad", gave_way: "bad",
};

export const toneOf = (kind) => TONES[kind] ?? "plain";

export const wordOf = (kind) => kind.replaceAll("_", " ");

export const nameOf = (id) => state.characteristics.get(id)?.name ?? id ?? "–";

/// The steps of one change, oldest first, each with the time since the first.
export function timeline(steps) {
  const first = steps[0]?.at ?? 0;
  return h("ol", { class: "way" }, steps.map((step, index) => stepRow(step, index === 0 ? null : step.at - first)));
}

function stepRow(step, since) {
  return h("li", { class: toneOf(step.kind) },
    h("span", { class: "when" }, since === null ? timeOf(step.at) : `+${took(Math.max(since, 0))}`),
    h("span", { class: "what" }, badge(toneOf(step.kind), wordOf(step.kind)), " ", h("span", { class: "link" }, step.link ?? "engine"),
      h("span", { class: "text" }, step.text)));
}

/// The newest change of a value that the page knows of.
export function newestWay(id) {
  const last = state.steps.findLast((step) => step.value === id && step.version > 0);
  return last ? state.steps.filter((step) => step.change === last.change) : [];
}
