// The live log: what came in, what came of it, what went out and whether it arrived. The steps of one
// change stand together; newest on top.

import { append, fill, h, timeOf, took, uid, write } from "./dom.js";
import { on, state } from "./state.js";
import { nameOf, timeline, toneOf } from "./way.js";

const GROUPS_MAX = 150;
/// Faster than this, nobody can read.
const PACE_MS = 200;

const TONES = { "": "Everything", in: "Coming in", set: "Changes", out: "Going out", done: "Arrived", bad: "Refused or failed" };

export function flowView() {
  const ids = { text: uid("filter"), value: uid("value"), tone: uid("tone") };
  const text = h("input", { id: ids.text, type: "search", placeholder: "topic, central, words", oninput: () => redraw() });
  const values = h("select", { id: ids.value, onchange: () => (location.hash = values.value ? `#/flow/${encodeURIComponent(values.value)}` : "#/flow") });
  const tone = h("select", { id: ids.tone, onchange: () => redraw() },
    Object.entries(TONES).map(([value, words]) => h("option", { value }, words)));
  const hold = h("button", { "aria-pressed": "false", onclick: () => pause(!paused) }, "Pause");
  const note = h("p", { class: "muted note" });
  const list = h("div", { class: "changes" });
  const node = h("div", {}, h("header", { class: "bar" }, h("h1", { tabindex: "-1" }, "Flow"),
    h("label", { class: "field", for: ids.text }, h("span", {}, "Filter"), text),
    h("label", { class: "field", for: ids.value }, h("span", {}, "Value"), values),
    h("label", { class: "field", for: ids.tone }, h("span", {}, "Steps"), tone), hold), note, list);
  let groups = new Map();
  let drawnTo = -1;
  let paused = false;
  let only = null;
  let timer = null;

  const fits = (step) => {
    if (only !== null && step.value !== only) return false;
    if (tone.value && toneOf(step.kind) !== tone.value) return false;
    const wanted = text.value.trim().toLowerCase();
    return wanted === "" || `${step.text} ${step.kind} ${step.link} ${nameOf(step.value)} ${step.topic ?? ""} ${step.central ?? ""}`.toLowerCase().includes(wanted);
  };

  /// What is filtered by a word or a kind is whole changes: a way with holes says little.
  const add = (steps) => {
    for (const step of steps) {
      const key = step.change;
      let group = groups.get(key);
      if (!group) {
        group = { steps: [], fits: false, row: null };
        groups.set(key, group);
      }
      group.steps.push(step);
      group.fits ||= fits(step);
      group.due = true;
    }
  };

  function draw() {
    timer = null;
    const newest = state.steps.at(-1)?.seq ?? -1;
    if (newest < drawnTo) return redraw();
    const fresh = state.steps.filter((step) => step.seq > drawnTo);
    if (paused) {
      write(note, fresh.length === 0 ? "Paused." : `Paused; ${fresh.length} steps wait.`);
      return;
    }
    drawnTo = newest;
    add(fresh);
    const added = [];
    for (const group of groups.values()) {
      if (!group.due || !group.fits) continue;
      group.due = false;
      if (!group.row) added.unshift((group.row = changeRow()).node);
      group.row.draw(group.steps);
    }
    list.prepend(...added);
    forget();
    const opened = only !== null && groups.size > 0 && !list.querySelector("details[open]");
    if (opened && list.firstElementChild) list.firstElementChild.open = true;
    const lost = state.missed > 0 ? `; ${state.missed} were too many to be told` : "";
    write(note, list.childElementCount === 0 ? "No step like that has been seen yet. Steps are followed from the moment that somebody opens this page, and for an hour after." : `The last ${list.childElementCount} changes and events, newest first${lost}.`);
  }

  /// What has been pushed out at the end is gone for good.
  function forget() {
    let over = groups.size - GROUPS_MAX;
    for (const [key, group] of groups) {
      if (over <= 0) break;
      over -= 1;
      group.row?.node.remove();
      groups.delete(key);
    }
  }

  function redraw() {
    groups = new Map();
    drawnTo = -1;
    fill(list);
    draw();
  }

  function pause(on) {
    paused = on;
    hold.setAttribute("aria-pressed", String(paused));
    write(hold, paused ? "Resume" : "Pause");
    draw();
  }

  function drawValues() {
    fill(values, h("option", { value: "" }, "All values"));
    append(values, [...state.characteristics.values()].map(({ id, name, service }) =>
      h("option", { value: id }, `${name} (${service.name})`)));
    values.value = only ?? "";
  }

  const offs = [on("flow", () => (timer ??= setTimeout(draw, PACE_MS))), on("device", drawValues)];
  drawValues();
  return {
    node,
    title: () => (only === null ? "Flow" : `Flow of ${nameOf(only)}`),
    show(id) {
      only = id;
      values.value = only ?? "";
      redraw();
    },
    leave() {
      clearTimeout(timer);
      offs.forEach((off) => off());
    },
  };
}

/// One change: a line that says where it went, and its steps when it is opened.
function changeRow() {
  const when = h("time", {});
  const name = h("span", { class: "name" });
  const what = h("span", { class: "what" });
  const chain = h("span", { class: "chain" });
  const total = h("span", { class: "took" });
  const steps_ = h("div", {});
  let steps = [];
  const node = h("details", { class: "change", ontoggle: () => node.open && fill(steps_, timeline(steps)) },
    h("summary", {}, when, name, what, chain, total), steps_);
  return {
    node,
    draw(all) {
      steps = all;
      const [first] = all;
      write(when, timeOf(first.at));
      write(name, nameOf(first.value));
      const told = all.find((step) => toneOf(step.kind) === "bad") ?? all.find((step) => toneOf(step.kind) === "set") ?? first;
      write(what, told.text ?? "");
      // How far it has come at each link.
      const reached = new Map(all.map((step) => [step.link ?? "engine", toneOf(step.kind)]));
      fill(chain, [...reached].map(([link, tone]) => h("span", { class: `dot ${tone}` }, link)));
      const last = all.at(-1).at - first.at;
      write(total, last > 0 ? took(last) : "");
      if (node.open) fill(steps_, timeline(steps));
    },
  };
}
