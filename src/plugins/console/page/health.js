// Whether everything is there: links, adapter, broker, centrals, counters; and the configuration, which
// can be read again from here.

import { get, onlyProblems, post } from "./api.js";
import { announce, badge, card, duration, facts, fill, h, timeOf } from "./dom.js";
import { on, setHealth, state } from "./state.js";
import { nameOf } from "./way.js";

const COUNT_MS = 2000;

const TONES = { up: "done", starting: "in", waiting: "warn", down: "bad" };

export function healthView() {
  const offs = [];
  const keep = (topics, draw) => {
    offs.push(...topics.map((topic) => on(topic, draw)));
    draw();
  };
  const part = (title, topics, content, ...more) => {
    const box = h("div", {});
    keep(topics, () => fill(box, content()));
    return card(title, box, ...more);
  };
  const links = part("Links", ["health", "second"], () =>
    h("div", { class: "links-of" }, (state.health?.links ?? []).map(linkRow)));
  const node = h("div", {}, h("header", { class: "bar" }, h("h1", { tabindex: "-1" }, "Health")),
    links,
    h("div", { class: "masonry" },
      part("Configuration", ["device", "health"], configuration, reload(keep)),
      part("Adapter", ["device"], adapter),
      part("Broker", ["device"], broker),
      part("Centrals", ["health", "central", "second"], centrals),
      part("Counters", ["health"], counters)));
  // The stream tells of what happens to links and centrals; what is only counted is asked for.
  const count = () => get("/health").then(setHealth, onlyProblems);
  const counting = setInterval(count, COUNT_MS);
  count();
  offs.push(() => clearInterval(counting));
  return { node, title: () => "Health", show() {}, leave: () => offs.forEach((off) => off()) };
}

const nothing = (words) => h("p", { class: "muted" }, words);

const configuration = () => facts([
  ["Device", state.device.name],
  ["Program", `bemo-sync ${state.device.version}, started ${state.health ? timeOf(state.health.began) : ""}`],
  ["Generation", String(state.device.generation)],
  ["Writing", state.device.read_only ? "the console is read-only" : "allowed"],
]);

function linkRow({ link, name, state: kind, why, again_in_ms, since, failures, details }) {
  const again = again_in_ms === null ? "" : `; it is run again after ${duration(again_in_ms)}`;
  return h("div", { class: "link-of" },
    h("p", {}, badge(TONES[kind], kind), " ", h("strong", {}, link), name !== link && h("span", { class: "muted" }, ` (${name})`),
      h("span", { class: "muted" }, ` for ${duration(Date.now() - since)}`)),
    why && h("p", { class: "reason" }, why + again),
    facts([...Object.entries(details).map(([name, it]) => [name.replaceAll("_", " "), it]), ["failures", failures > 0 && String(failures)]]));
}

function adapter() {
  const { kind, name, address } = state.device.adapter;
  const kinds = { virtual: "virtual: nothing is on the air", bluez: "BlueZ", none: "none" };
  return facts([["Kind", kinds[kind]], ["Name", name], ["Address", address]]);
}

function broker() {
  if (!state.device.broker) return nothing("No broker is declared.");
  const { address, encrypted, client_id, username } = state.device.broker;
  return facts([["Address", address], ["Encrypted", encrypted ? "yes" : "no"], ["Client id", client_id], ["User", username]]);
}

function centrals() {
  const all = (state.health?.centrals ?? []).map(({ address, since, subscribed }) => {
    const names = subscribed.map(({ characteristic, how }) => `${nameOf(characteristic)}${how ? ` (${how})` : ""}`);
    return h("li", {}, h("code", {}, address), address === state.central?.address && h("span", { class: "tag live" }, "this tab"),
      h("span", { class: "muted" }, ` for ${duration(Date.now() - since)}`),
      h("div", { class: "muted" }, names.length > 0 ? `subscribed to ${names.join(", ")}` : "subscribed to nothing"));
  });
  return all.length > 0 ? h("ul", { class: "plain" }, all) : nothing("No central is connected.");
}

const COUNTERS = {
  values: "Values", changed: "Changes", unchanged: "Came in and changed nothing", refused: "Refused", delivered: "Delivered",
  confirmed: "Confirmed by an owner", taken_back: "Taken back", streams: "Pages open",
};

const counters = () => facts(Object.entries(COUNTERS).map(([key, words]) => [words, state.health?.counters[key]?.toLocaleString("en")]), "numbers");

const OUTCOMES = {
  applied: "Applied.", unchanged: "Nothing has changed.", refused: "Refused: everything stays as it was.",
  rolled_back: "Rolled back: everything is as it was.",
  failed: "Neither this nor what was there before can be had: it is asked for again and again.",
};

const ASKERS = { console: "from the console", signal: "by SIGHUP", file: "because the file was written" };

/// Reads the configuration again; and what came of the last time, whoever asked.
function reload(keep) {
  const result = h("div", { class: "outcome" });
  let drawn = "";
  const draw = () => {
    const last = state.health?.reload;
    const key = last ? `${last.outcome} ${last.by} ${last.message} ${last.changes.join()} ${timeOf(last.at).slice(0, -4)}` : "";
    if (key === drawn) return;
    drawn = key;
    if (!last) return fill(result);
    const { outcome, message, changes, by, at } = last;
    const isWell = outcome === "applied" || outcome === "unchanged";
    fill(result, h("div", { class: isWell ? "well" : "problem" }, h("p", {}, h("strong", {}, OUTCOMES[outcome] ?? outcome)),
      h("p", { class: "small reason" }, `Read again at ${timeOf(at).slice(0, -4)} ${ASKERS[by] ?? by}.`),
      message && h("pre", {}, message), (changes ?? []).length > 0 && h("ul", {}, changes.map((it) => h("li", {}, it)))));
  };
  keep(["health"], draw);
  const button = h("button", { onclick: async () => {
    button.disabled = true;
    try {
      const { outcome } = await post("/reload");
      announce(`Configuration: ${OUTCOMES[outcome] ?? outcome}`);
      setHealth(await get("/health"));
    } catch (problem) {
      onlyProblems(problem);
      drawn = null;
      fill(result, h("div", { class: "problem" }, h("p", {}, h("strong", {}, problem.title)), h("pre", { class: "reason" }, problem.detail)));
      announce(`Configuration: ${problem.message}`);
    } finally {
      button.disabled = false;
    }
  } }, "Reload the configuration");
  return h("div", {}, h("div", { class: "buttons" }, button), result);
}
