// What the page knows, and who wants to hear when it changes. Whatever arrives only leaves a mark;
// once a frame the marked are drawn, so that sixty updates a second of two hundred values cost one pass.

const STEPS_MAX = 600;
const RECORDS_MAX = 100;

export const state = {
  /// As `GET /device` says it; null until it is known.
  device: null,
  /// Characteristic by its id, with the name and the UUID of its service.
  characteristics: new Map(),
  /// The newest view of each value, by id, with `received` on this page's clock.
  values: new Map(),
  /// The newest steps, oldest first.
  steps: [],
  /// How many steps have been lost on the way since the page was opened.
  missed: 0,
  health: null,
  /// `connecting`, `live`, `lost` or `locked` (a token is asked for).
  connection: { kind: "connecting", since: 0, why: "" },
  /// What is to be said above every view for a while.
  notice: { text: "", until: 0, isWell: true },
  /// The page's own virtual central: `{ id, address }`; null where there is none.
  central: null,
  /// Why there is none, where there could be one.
  centralTrouble: "",
  /// What this central has seen and done, by characteristic, newest first.
  records: new Map(),
  /// The characteristics it has subscribed to, with how.
  subscriptions: new Map(),
  /// Characteristics that were declared and are not any more, by the id of then.
  gone: new Map(),
};

const listeners = new Map();
const marked = new Set();
let frame = 0;

/// Has `draw` called in the next frame after each change of `topic`. The answer takes it back.
export function on(topic, draw) {
  if (!listeners.has(topic)) listeners.set(topic, new Set());
  listeners.get(topic).add(draw);
  return () => listeners.get(topic)?.delete(draw);
}

export function changed(topic) {
  marked.add(topic);
  frame ||= requestAnimationFrame(draw);
}

function draw() {
  frame = 0;
  const topics = [...marked];
  marked.clear();
  const due = new Set();
  for (const topic of topics) listeners.get(topic)?.forEach((it) => due.add(it));
  for (const it of due) {
    try {
      it();
    } catch (mistake) {
      // One part of the page that is wrong does not hold up the others.
      reportError(mistake);
    }
  }
}

export function setDevice(device) {
  const before = new Map(state.characteristics);
  state.device = device;
  state.characteristics.clear();
  for (const { name, uuid, characteristics } of device.services) {
    for (const characteristic of characteristics) {
      state.characteristics.set(characteristic.id, { ...characteristic, service: { name, uuid } });
    }
  }
  for (const id of state.values.keys()) {
    if (!state.characteristics.has(id)) state.values.delete(id);
  }
  for (const [id, was] of before) {
    const is = state.characteristics.get(id);
    if (!is) state.gone.set(id, { ...was, heir: [...state.characteristics.values()].find((it) =>
      !before.has(it.id) && it.uuid === was.uuid && it.service.uuid === was.service.uuid)?.id });
    else if (JSON.stringify(is.value) !== JSON.stringify(was.value)) forgetReadings(id);
  }
  for (const id of state.characteristics.keys()) state.gone.delete(id);
  changed("device");
}

/// What was read of another type says nothing about the one of now; that it was read still is so.
function forgetReadings(id) {
  for (const entry of state.records.get(id) ?? []) entry.isOver = true;
  changed(`record:${id}`);
}

/// The characteristic that one which is gone has become: of the same UUID in the same service.
export function heirOf(id) {
  const heir = state.gone.get(id)?.heir;
  return heir && (state.characteristics.get(heir) ?? heirOf(heir));
}

/// After a change of names what this central knows goes by the new ones.
export function follow() {
  for (const id of state.gone.keys()) {
    const heir = heirOf(id);
    if (!heir) continue;
    for (const known of [state.records, state.subscriptions]) {
      if (known.has(id) && !known.has(heir.id)) known.set(heir.id, known.get(id));
      known.delete(id);
    }
  }
}

export function setValues(views) {
  const received = performance.now();
  for (const view of views) {
    state.values.set(view.id, { ...view, received });
    changed(`value:${view.id}`);
  }
  changed("values");
}

/// Of what came twice (asked for, and told by the stream) the second is passed over.
export function addSteps(steps, missed = 0) {
  const last = state.steps.at(-1)?.seq ?? -1;
  const fresh = steps.filter((step) => step.seq > last);
  for (const step of fresh) {
    step.change = changeOf(step);
    state.steps.push(step);
  }
  if (state.steps.length > STEPS_MAX) state.steps.splice(0, state.steps.length - STEPS_MAX);
  state.missed += missed;
  if (fresh.length > 0 || missed > 0) changed("flow");
}

/// Which change a step belongs to: all steps with its value and version, under one configuration: what links are
/// told again after a reload is no part of the change of then. Where nothing came of it the version is 0, and it
/// belongs to the request just before it.
function changeOf({ seq, generation, value, version, link }) {
  if (version > 0) return `${value} ${version} ${generation}`;
  const before = state.steps.at(-1);
  const goesOn = before?.version === 0 && before.kind === "requested" && before.value === value && before.link === link;
  return goesOn ? before.change : `step ${seq}`;
}

export function forgetSteps() {
  state.steps = [];
  changed("flow");
}

export function setHealth(health) {
  state.health = health;
  changed("health");
}

export function setConnection(kind, why = "") {
  if (state.connection.kind === kind && state.connection.why === why) return;
  state.connection = { kind, since: performance.now(), why };
  changed("connection");
}

const NOTICE_MS = 12_000;

export function setNotice(text, isWell = true) {
  state.notice = { text, until: performance.now() + NOTICE_MS, isWell };
  changed("connection");
}

export function setCentral(central, trouble = "") {
  state.central = central;
  state.centralTrouble = trouble;
  changed("central");
}

/// Something that this page's central has seen or done: `{ at, kind, hex, shown, text }`, where kind is
/// `read`, `written`, `notified`, `indicated`, `refused`, `subscribed` or `over`.
export function record(id, entry) {
  if (!state.records.has(id)) state.records.set(id, []);
  const entries = state.records.get(id);
  entries.unshift({ at: Date.now(), ...entry });
  entries.length = Math.min(entries.length, RECORDS_MAX);
  changed(`record:${id}`);
  changed("records");
}

/// What this central knows of a value: the newest that it has read or been told.
export const known = (id) =>
  state.records.get(id)?.find((it) => it.shown !== undefined && it.kind !== "refused" && !it.isOver) ?? null;

/// How old a value is by now, in milliseconds; null while it has none.
export const ageOf = (view) =>
  view?.age_ms === null || view?.age_ms === undefined
    ? null
    : view.age_ms + (performance.now() - view.received);

/// Whether this page has a virtual central, or could have one: on a real adapter it cannot.
export const isVirtual = () => state.device?.adapter?.kind === "virtual";
