// One value as everything sees it: what it is, what it was, where it came from, who hears of it.

import { at, get, onlyProblems } from "./api.js";
import { bytes, card, duration, fill, h, timeOf, write, writeLarge } from "./dom.js";
import { operated } from "./operate.js";
import { plot } from "./plot.js";
import { ageOf, on, state } from "./state.js";
import { newestWay, timeline } from "./way.js";

export function subscribersOf(view) {
  const all = view?.subscribers ?? [];
  return all.length === 0 ? "none" : all.map(({ central, how }) => `${central} (${how})`).join(", ");
}

/// Who has set it, in words.
export function originOf(view) {
  if (!view?.origin) return "–";
  const { link, by } = view.origin;
  return by ? `${link}: ${by}` : link;
}

/// A number to draw, of a value that has one: a boolean is 0 or 1.
function numberOf(value, { kind, labels }) {
  if (kind === "boolean") return labels?.length === 2 ? labels.indexOf(value) : Number(value);
  return typeof value === "number" ? value : null;
}

export function valuePanel(characteristic) {
  const { id, name, value: shape, service } = characteristic;
  const offs = [];
  const keep = (topic, draw) => {
    offs.push(on(topic, draw));
    draw();
  };
  const path = encodeURIComponent(id);
  const nodes = [
    h("a", { class: "back", href: "#/values" }, "‹ All values"),
    h("header", { class: "head" }, h("h2", { tabindex: "-1", class: "focus" }, name),
      h("p", { class: "uuid" }, service.name),
      h("p", { class: "links" }, h("a", { href: `#/device/${path}` }, "As a central sees it"), h("a", { href: `#/flow/${path}` }, "Its way in the flow"))),
  ];
  if (characteristic.withheld) {
    nodes.push(h("p", { class: "empty" }, "It is withheld: neither the value nor what is sent of it is ever shown."));
    return { node: h("article", {}, nodes), leave: () => offs.forEach((off) => off()) };
  }
  const drawn = ["number", "boolean"].includes(shape.kind);
  const left = h("div", { class: "column" }, current(id, keep), characteristic.settable && operated(id, shape, keep));
  const right = h("div", { class: "column" }, drawn && past(characteristic, offs), wayOf(id, keep));
  nodes.push(h("div", { class: "columns value" }, left, right));
  return { node: h("article", {}, nodes), leave: () => offs.forEach((off) => off()) };
}

function current(id, keep) {
  const shown = h("p", { class: "big" });
  const hex = h("p", { class: "hex" });
  const cells = {};
  const row = (name) => h("div", {}, h("dt", {}, name), (cells[name] = h("dd", {})));
  const rows = h("dl", { class: "facts" }, ["Set by", "Age", "Version", "Reported", "Desired", "Subscribers"].map(row));
  const refusal = h("div", {});
  let refusedAt = null;
  const draw = () => {
    const view = state.values.get(id);
    const age = ageOf(view);
    writeLarge(shown, view?.shown ?? "unknown");
    write(hex, view?.hex ? bytes(view.hex) : "");
    write(cells["Set by"], originOf(view));
    write(cells.Age, age === null ? "–" : `${duration(age)}, since ${timeOf(view.changed_at)}`);
    write(cells.Version, view?.version === undefined ? "–" : String(view.version));
    const isRemote = state.characteristics.get(id)?.owner === "remote";
    for (const [cell, json] of [["Reported", view?.reported], ["Desired", view?.desired]]) {
      const waits = cell === "Desired" && view?.pending;
      cells[cell].parentElement.hidden = !isRemote && !waits;
      write(cells[cell], `${json === null || json === undefined ? "nothing" : JSON.stringify(json)}${waits ? ", not confirmed yet" : ""}`);
    }
    write(cells.Subscribers, subscribersOf(view));
    const rejected = view?.rejected ?? null;
    if ((rejected?.at ?? null) !== refusedAt) {
      refusedAt = rejected?.at ?? null;
      fill(refusal, rejected && h("div", { class: "problem" },
        h("p", {}, h("strong", {}, "Last refused"), ` ${timeOf(rejected.at)}, from ${rejected.by ?? "nobody in particular"}`),
        h("p", { class: "reason" }, rejected.reason ?? rejected.cause)));
    }
  };
  keep(`value:${id}`, draw);
  keep("second", draw);
  return card("Now", shown, hex, rows, refusal);
}

function past({ id, name, value: shape }, offs) {
  const chart = plot(name, shape);
  get(`/values/${at(id)}/history`).then(({ points }) => chart.load(points), onlyProblems);
  let version = null;
  const draw = () => {
    const view = state.values.get(id);
    if (!view || view.version === version) return;
    version = view.version;
    const number = numberOf(view.value, shape);
    if (number !== null) chart.push(view.changed_at ?? Date.now(), number);
  };
  offs.push(on(`value:${id}`, draw), chart.leave);
  draw();
  return card("Last ten minutes", chart.node);
}

/// The steps of the newest change.
export function wayOf(id, keep) {
  const box = h("div", {});
  let drawn = "";
  keep("flow", () => {
    const steps = newestWay(id);
    const key = `${steps[0]?.seq} ${steps.at(-1)?.seq}`;
    if (key === drawn && box.hasChildNodes()) return;
    drawn = key;
    fill(box, steps.length > 0 ? timeline(steps) : h("p", { class: "muted" }, "No change has been followed yet. That is done from the moment that somebody looks."));
  });
  return card("The way of its newest change", box);
}

