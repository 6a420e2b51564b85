// The connection to the program: one stream of events, a virtual central of the page's own where there
// can be one, and both anew, by itself, whenever the program comes back.

import { Problem, ask, at, get, onlyProblems, post } from "./api.js";
import { announce } from "./dom.js";
import {
  addSteps, changed, follow, forgetSteps, isVirtual, record, setCentral, setConnection, setDevice, setHealth,
  setNotice, setValues, state,
} from "./state.js";

const PAUSES_MS = [200, 400, 800, 1500, 3000];
const HISTORY = 500;
/// How often a page that is locked looks whether it still has to be.
const LOOK_MS = 2000;
/// Times that are told twice differ by less.
const SAME_MS = 50;
/// Why a stream ends that is opened again at once, and nothing is wrong.
const RENEWED = "renewed";

let unlock = () => {};

/// Keeps the page in step with the program for as long as it is open.
export async function stayConnected() {
  let tries = 0;
  for (;;) {
    let lost = "";
    try {
      const stream = await open();
      if (tries > 0) welcome(stream);
      setConnection("live");
      tries = 0;
      lost = await stream.over;
      if (lost === RENEWED) continue;
    } catch (problem) {
      onlyProblems(problem);
      if (problem.status === 401) {
        await login();
        continue;
      }
      lost = problem.message;
    }
    if (state.connection.kind === "live") announce("The connection to the program is lost.");
    setConnection("lost", lost);
    await pause(PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]);
    tries += 1;
  }
}

/// Says that the connection is there again, and what became of the page's part in it.
function welcome({ isRestarted, isNew }) {
  const count = state.subscriptions.size;
  const words = [isRestarted ? "The program was restarted." : "The connection is there again."];
  if (isNew) words.push("This tab is a new central.");
  if (isNew && count > 0) words.push(`It has subscribed again to ${count} ${count === 1 ? "characteristic" : "characteristics"}.`);
  setNotice(words.join(" "));
  announce(words.join(" "));
}

/// After a token was accepted.
export const unlocked = () => unlock();

/// Until a token was accepted, here or in another tab, or none is asked for any more.
async function login() {
  setConnection("locked");
  let looking = 0;
  await new Promise((resolve) => {
    unlock = resolve;
    looking = setInterval(async () => {
      // Who does not answer now is asked again.
      const session = await get("/session").catch(onlyProblems);
      if (session?.open) resolve();
    }, LOOK_MS);
  });
  clearInterval(looking);
}

/// Not longer than until the tab is looked at again.
function pause(ms) {
  return new Promise((resolve) => {
    const look = () => document.visibilityState === "visible" && end();
    const end = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    const timer = setTimeout(end, ms);
    document.addEventListener("visibilitychange", look);
  });
}

async function open() {
  setDevice(await get("/device"));
  const hadCentral = state.central;
  const began = state.health?.began;
  let stream = hadCentral && (await connect(hadCentral).catch(() => null));
  if (!stream) {
    await openCentral();
    stream = await connect(state.central);
  }
  try {
    const [values, flow, health] = await Promise.all([
      get("/values"),
      get(`/flow?limit=${HISTORY}`),
      get("/health"),
    ]);
    // What the stream has told meanwhile is newer than what was asked for.
    setValues(listOf(values, "values").filter((view) => !stream.told.has(view.id)));
    const steps = listOf(flow, "steps");
    if ((steps.at(-1)?.seq ?? 0) < (state.steps.at(-1)?.seq ?? 0)) forgetSteps();
    addSteps(steps);
    stream.isRestarted = began !== undefined && began !== health.began;
    stream.isNew = state.central !== null && state.central !== hadCentral;
    hearHealth(health);
    if (stream.isNew) await subscribeAgain([...state.subscriptions]);
    else await compareSubscriptions();
  } catch (problem) {
    stream.close("");
    throw problem;
  }
  return stream;
}

const listOf = (answer, name) => (Array.isArray(answer) ? answer : answer[name]);

/// Opens the stream; `over` tells when and why it has ended, `told` the values that it has brought.
function connect(central) {
  const source = new EventSource(`/api/v1/events${central ? `?central=${at(central.id)}` : ""}`);
  const told = new Set();
  let end = () => {};
  const over = new Promise((ended) => (end = ended));
  const close = (why) => {
    source.close();
    end(why);
  };
  const hear = (name, take) => source.addEventListener(name, (event) => take(JSON.parse(event.data)));
  hear("values", (changes) => {
    const views = listOf(changes, "values");
    for (const view of views) told.add(view.id);
    setValues(views);
  });
  hear("flow", (flow) => addSteps(listOf(flow, "steps"), flow.missed ?? 0));
  hear("health", hearHealth);
  hear("device", () => refetch(close));
  hear("central", (news) => hearCentral(news, close));
  return new Promise((resolve, reject) => {
    source.onopen = () => resolve({ told, over, close });
    source.onerror = () => {
      reject(new Problem(0, "No stream", "The program does not tell what happens."));
      close("The program does not answer: is it running?");
    };
  });
}

/// The configuration may have changed under the page, or the adapter.
async function refetch(close) {
  try {
    const device = await get("/device");
    const isSame = JSON.stringify(device) === JSON.stringify(state.device);
    const isReloaded = device.generation !== state.device.generation;
    if (isSame) return;
    setDevice(device);
    setValues(listOf(await get("/values"), "values"));
    if (isReloaded) {
      announce(`The configuration is a new one: generation ${device.generation}.`);
      await compareSubscriptions();
    }
    // Only a stream that is opened anew can be bound to a central.
    if (isVirtual() !== (state.central !== null) && state.centralTrouble === "") close(RENEWED);
  } catch (problem) {
    onlyProblems(problem);
    // The stream tells when there is nobody to ask any more.
  }
}

async function openCentral() {
  setCentral(null);
  if (!isVirtual()) return;
  try {
    setCentral(await post("/centrals"));
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.status === 0 || problem.status === 401) throw problem;
    setCentral(null, problem.message);
  }
}

/// After a reload: where the services have changed, the program has ended subscriptions. They are over here too,
/// and made again as any phone would that has looked at the services anew.
async function compareSubscriptions() {
  follow();
  if (!state.central || state.subscriptions.size === 0) return;
  const { centrals } = await get("/health");
  const mine = centrals.find(({ address }) => address === state.central?.address);
  if (!mine) return;
  const there = new Set(mine.subscribed.map(({ characteristic }) => characteristic));
  const told = (id) => state.characteristics.get(id)?.answer?.id ?? id;
  const over = [...state.subscriptions].filter(([id]) => !there.has(told(id)));
  for (const [id] of over) {
    state.subscriptions.delete(id);
    record(id, { kind: "over", text: "subscription over: the services have changed" });
  }
  await subscribeAgain(over.filter(([id]) => state.characteristics.has(id)));
}

/// A central that comes anew is a stranger: what was subscribed to has to be again.
async function subscribeAgain(all) {
  for (const [id, how] of all) {
    try {
      await post(`/centrals/${at(state.central.id)}/subscribe`, { characteristic: id, how });
      state.subscriptions.set(id, how);
      record(id, { kind: "subscribed", text: `again to ${how}` });
    } catch (problem) {
      onlyProblems(problem);
      state.subscriptions.delete(id);
      record(id, { kind: "refused", text: `not subscribed again: ${problem.message}` });
    }
  }
  changed("records");
}

/// A configuration that somebody else had read and that was refused is said, wherever one looks.
function hearHealth(health) {
  const [before, last] = [state.health?.reload, health.reload];
  const isNew = state.health && last && !(before && before.outcome === last.outcome && Math.abs(before.at - last.at) < SAME_MS);
  setHealth(health);
  if (!isNew || last.by === "console" || !["refused", "rolled_back"].includes(last.outcome)) return;
  const text = "The configuration was read again and is not applied: Health says why.";
  setNotice(text, false);
  announce(text);
}

function hearCentral({ notification, disconnected }, close) {
  if (notification) {
    const { characteristic, hex, shown, value, how, at: when } = notification;
    record(characteristic, { kind: how === "indications" ? "indicated" : "notified", at: when, hex, shown, value });
  } else if (disconnected) {
    // The adapter has gone, or a real one has taken its place.
    state.central = null;
    close(RENEWED);
  }
}

/// A tab that is closed takes its central with it at once.
addEventListener("pagehide", (event) => {
  if (event.persisted || !state.central) return;
  ask("DELETE", `/centrals/${at(state.central.id)}`, undefined, { keepalive: true }).catch(() => {});
});
