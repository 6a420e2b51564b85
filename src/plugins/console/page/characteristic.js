// One characteristic: on a virtual adapter read, written and subscribed to as by any central; on a real
// one what the phones do, and a request of the operator.

import { Problem, at, onlyProblems, post, raw } from "./api.js";
import { Mistake, control, described, exact } from "./controls.js";
import { shortUuid } from "./device.js";
import { announce, badge, bytes, card, duration, facts, h, hexOf, timeOf, uid, write, writeLarge } from "./dom.js";
import { draft, inWords, newest, operated, outcome } from "./operate.js";
import { ageOf, isVirtual, known, on, record, state } from "./state.js";
import { subscribersOf, wayOf } from "./value.js";

const SHOWN_MAX = 30;
const PRESENTATION_FORMAT = "0x2904";

export function characteristicPanel(characteristic) {
  const { id, name, uuid, properties, value: shape, service } = characteristic;
  const offs = [];
  const keep = (topic, draw) => {
    offs.push(on(topic, draw));
    draw();
  };
  const can = (what) => properties.includes(what);
  const act = actions(id);
  const nodes = [
    h("a", { class: "back", href: "#/device" }, "‹ All characteristics"),
    h("header", { class: "head" },
      h("h2", { tabindex: "-1", class: "focus" }, name),
      h("p", { class: "uuid" }, `${service.name} › ${shortUuid(uuid)}`),
      h("p", { class: "tags" }, properties.map((it) => h("span", { class: "tag" }, it.replaceAll("_", " "))))),
  ];
  // What is done stands beside what came of it; on a phone below it.
  const left = h("div", { class: "column" });
  const right = h("div", { class: "column" });
  if (isVirtual()) {
    if (can("read") || can("notify") || can("indicate")) left.append(seen(characteristic, act, keep, can));
    if (can("write") || can("write_without_response")) left.append(written(characteristic, act, keep, can));
    right.append(protocol(id, keep));
  } else if (characteristic.settable && !characteristic.withheld) {
    left.append(operated(id, shape, keep));
  }
  right.append(everywhere(characteristic, keep));
  // Of phones there is no more than what they do.
  if (!isVirtual() && !characteristic.withheld) right.append(wayOf(id, keep));
  right.append(declared(characteristic));
  nodes.push(h("div", { class: "columns" }, left, right));
  // As soon as it can be: what is refused is among the records.
  if (isVirtual() && can("read")) keep("central", () => state.central && !known(id) && act.read().catch(onlyProblems));
  return { node: h("article", {}, nodes), leave: () => offs.forEach((off) => off()) };
}

/// What this tab's central can do with it. Each leaves a record, refused or not, and throws what was refused.
function actions(id) {
  const tell = async (path, body) => {
    if (!state.central) throw new Problem(0, "Not connected", state.centralTrouble || "This tab is no central yet.");
    return post(`/centrals/${at(state.central.id)}/${path}`, body);
  };
  const recorded = async (work, what) => {
    try {
      return await work();
    } catch (problem) {
      if (problem instanceof Problem) record(id, { kind: "refused", text: `${what}: ${inWords(problem)}` });
      throw problem;
    }
  };
  return {
    read: () => recorded(async () => {
      const { hex, value, shown } = await tell("read", { characteristic: id });
      record(id, { kind: "read", hex, value, shown });
    }, "read"),
    /// `what` is the member `hex` or `value` as JSON.
    write: (what, response, text) => recorded(async () => {
      await tell("write", raw({ characteristic: JSON.stringify(id), ...what, response: String(response) }));
      record(id, { kind: "written", text: response ? text : `${text}, without response` });
    }, `write ${text}`),
    subscribe: (how) => recorded(async () => {
      await tell("subscribe", { characteristic: id, how });
      if (how) state.subscriptions.set(id, how);
      else state.subscriptions.delete(id);
      record(id, { kind: "subscribed", text: how ? `to ${how}` : "no longer" });
    }, "subscribe"),
    secure: (level) => recorded(() => tell("secure", { level }), `secure the link (${level})`),
  };
}

function seen({ id, security }, act, keep, can) {
  const shown = h("p", { class: "big" });
  const hex = h("p", { class: "hex" });
  const when = h("p", { class: "muted" });
  const result = outcome();
  const run = (work, well) => async () => {
    try {
      result.clear();
      await work();
      if (well) announce(well());
    } catch (problem) {
      result.wrong(problem);
      draw();
    }
  };
  const buttons = [];
  if (can("read")) {
    buttons.push(h("button", { class: "primary", onclick: run(act.read, () => `Read: ${known(id)?.shown}`) }, "Read"));
  }
  const toggles = ["notifications", "indications"]
    .filter((how) => can(how === "notifications" ? "notify" : "indicate"))
    .map((how) => {
      const set = () => act.subscribe(state.subscriptions.get(id) === how ? null : how);
      const done = run(set, () => (state.subscriptions.has(id) ? `Subscribed to ${how}.` : "Unsubscribed."));
      const input = h("input", { type: "checkbox", role: "switch", onchange: () => done().then(draw) });
      const label = h("label", { class: "switch", title: `Subscribe: each change is told by ${how}` }, input,
        h("span", {}, "Follow ", h("span", { class: "muted" }, `by ${how}`)));
      return { how, input, label };
    });
  buttons.push(...toggles.map(({ label }) => label));
  const levels = new Set(Object.values(security ?? {}).filter((it) => it && it !== "open"));
  for (const level of levels) {
    buttons.push(h("button", { onclick: run(() => act.secure(level), () => `The link is ${level}.`) }, `Make the link ${level}`));
  }
  const draw = () => {
    const last = known(id);
    writeLarge(shown, last?.shown ?? "–");
    write(hex, typeof last?.hex !== "string" ? "" : bytes(last.hex) || "no bytes");
    const heard = last ? `${last.kind} ${duration(Date.now() - last.at)} ago` : can("read") ? "not read yet" : "nothing heard yet";
    const hint = toggles.length > 0 && !state.subscriptions.has(id) ? ", press Follow to hear each change" : "";
    write(when, heard + hint);
    for (const { how, input } of toggles) input.checked = state.subscriptions.get(id) === how;
  };
  keep(`record:${id}`, draw);
  keep("second", draw);
  return card("As this central sees it", shown, hex, when, h("div", { class: "buttons" }, buttons), result.node);
}

function written({ id, value: shape, withheld }, act, keep, can) {
  if (state.device.read_only) return card("Write", h("p", { class: "muted" }, "The console is read-only: nothing is written from here."));
  const result = outcome();
  // Never both: BlueZ would acknowledge a wrong value before anybody has seen it.
  const response = can("write");
  const attempt = async (what) => {
    try {
      const [member, text] = what();
      await act.write(member, response, text);
      typed.end();
      result.well(response ? `Written: ${text}` : `Sent: ${text}. There is no response to it.`);
      return true;
    } catch (problem) {
      result.wrong(problem);
      return false;
    }
  };
  const byValue = () => {
    const json = chosen.json();
    return [{ value: json }, json];
  };
  // Whoever has written is not told what came of it, be it wrapped or clamped: it is read.
  const readBack = () => can("read") && act.read().catch(onlyProblems);
  const live = newest(() => attempt(byValue), readBack);
  // The words and parts of what is withheld are not known here: it is typed.
  const isTyped = withheld && ["enum", "flags", "struct", "array"].includes(shape?.kind);
  const chosen = control(isTyped ? { ...shape, kind: "json" } : shape ?? { kind: "bytes" }, "Value", () => live());
  const once = async (event, what) => {
    event.preventDefault();
    if (await attempt(what)) await readBack();
  };
  const form = h("form", { onsubmit: (event) => once(event, byValue) }, chosen.node,
    h("button", { class: "primary" }, "Write"));
  const hexId = uid("hex");
  const octets = h("input", { id: hexId, class: "mono", type: "text", autocomplete: "off", spellcheck: "false", placeholder: "0A FF" });
  const byHex = () => {
    const hex = hexOf(octets.value);
    if (hex === null) throw new Mistake(`“${octets.value}” is no hex: two digits for each byte.`);
    return [{ hex: JSON.stringify(hex) }, bytes(hex) || "no bytes"];
  };
  const hexForm = h("form", { class: "line", onsubmit: (event) => once(event, byHex) }, h("label", { class: "field", for: hexId }, h("span", {}, "Bytes, in hex")), octets, h("button", {}, "Write bytes"));
  const follow = () => {
    const last = known(id);
    if (last && !typed.isKept()) chosen.set(exact(last.value, last.shown));
  };
  const typed = draft(form, follow);
  keep(`record:${id}`, follow);
  return card("Write", form, result.node, hexForm);
}

function everywhere({ id }, keep) {
  const shown = h("dd", {});
  const from = h("dd", {});
  const who = h("dd", {});
  const row = (name, dd) => h("div", {}, h("dt", {}, name), dd);
  const draw = () => {
    const view = state.values.get(id);
    write(shown, view?.shown ?? "unknown");
    const age = ageOf(view);
    write(from, view?.origin ? `${view.origin.by ?? view.origin.link}, ${age === null ? "" : `${duration(age)} ago`}` : "–");
    write(who, subscribersOf(view));
  };
  keep(`value:${id}`, draw);
  keep("second", draw);
  const path = encodeURIComponent(id);
  return card("As everything sees it", h("dl", { class: "facts" }, row("Value", shown), row("Set by", from), row("Subscribers", who)),
    h("p", { class: "links" }, h("a", { href: `#/values/${path}` }, "Value and plot"), h("a", { href: `#/flow/${path}` }, "Its way in the flow")));
}

/// What this central has read, heard, written and been refused.
function protocol(id, keep) {
  const list = h("ol", { class: "records", tabindex: "0", "aria-label": "What this central has done, newest first" });
  let newestOfAll = null;
  keep(`record:${id}`, () => {
    const entries = state.records.get(id) ?? [];
    const fresh = entries.indexOf(newestOfAll);
    const added = entries.slice(0, fresh < 0 ? SHOWN_MAX : fresh);
    newestOfAll = entries[0] ?? null;
    list.prepend(...added.map(entryRow));
    while (list.childElementCount > SHOWN_MAX) list.lastChild.remove();
  });
  return card("What this central has done", list);
}

const entryRow = ({ at: when, kind, hex, shown, text }) =>
  h("li", { class: kind }, h("time", {}, timeOf(when)), badge(kind, kind),
    h("span", { class: "what" }, text ?? shown, typeof hex === "string" && h("code", {}, bytes(hex))));

function declared({ properties, uuid, handle, value_handle, descriptors, value: shape, owner, ack, delivery, topics, security }) {
  const rows = (descriptors ?? []).map((it) =>
    h("tr", {}, h("td", {}, it.name), h("td", { class: "mono" }, shortUuid(it.uuid)), h("td", { class: "mono" }, hexHandle(it.handle)),
      h("td", { class: "mono" }, it.hex !== null ? bytes(it.hex) : it.uuid === PRESENTATION_FORMAT ? "withheld" : "each central's own")));
  const paths = (topics ?? []).map((it) =>
    h("div", {}, h("code", {}, it.topic), ` ${it.role ?? it.direction}, QoS ${it.qos}${it.retain ? ", retained" : ""}`));
  const secured = Object.entries(security ?? {}).filter(([, level]) => level && level !== "open");
  return card("Declared",
    facts([
      ["UUID", h("code", {}, uuid)],
      ["Handles", handle !== null && `${hexHandle(handle)}, value ${hexHandle(value_handle)}`],
      ["Type", shape && described(shape)],
      ["Truth", TRUTHS[owner] ?? owner],
      ["A response promises", properties.includes("write") && (PROMISES[ack] ?? ack)], ["Delivery", DELIVERIES[delivery] ?? delivery],
      ["Security", secured.map(([what, level]) => `${what}: ${level}`).join(", ")],
      ["Topics", paths.length > 0 && h("div", {}, paths)],
    ]),
    rows.length > 0 && h("table", { class: "descriptors" }, h("caption", {}, "Descriptors"),
      h("thead", {}, h("tr", {}, ["Name", "UUID", "Handle", "Bytes"].map((it) => h("th", { scope: "col" }, it)))), h("tbody", {}, rows)));
}

/// What the words of the configuration mean.
const TRUTHS = {
  here: "in this program: what it holds counts", remote: "with the owner behind MQTT: what it reports counts, and a write is a request to it",
};
const PROMISES = {
  accepted: "accepted: the value is a right one", journaled: "journaled: it outlives a loss of power",
  published: "published: the broker has it", confirmed: "confirmed: its owner has done it",
};
const DELIVERIES = { latest: "latest: of quick changes the newest", every: "every: each change is an event" };

const hexHandle = (handle) => (handle === null || handle === undefined ? "–" : `0x${handle.toString(16).toUpperCase().padStart(4, "0")}`);
