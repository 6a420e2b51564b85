// The console of bemo-sync: which view is open, and what stands above it.

import { badge, duration, fill, h, write } from "./dom.js";
import { deviceView } from "./device.js";
import { flowView } from "./flow.js";
import { healthView } from "./health.js";
import { loginView } from "./login.js";
import { changed, isVirtual, on, state } from "./state.js";
import { stayConnected } from "./stream.js";
import { valuesView } from "./values.js";

const VIEWS = { device: deviceView, values: valuesView, flow: flowView, health: healthView };

const main = document.getElementById("main");
const views = document.getElementById("views");
const status = document.getElementById("status");
const notice = document.getElementById("notice");

let view = null;
let name = "";

/// `#/values/some%20id`: a view, and what is open in it.
function route() {
  const [, wanted, id] = location.hash.split("/");
  return { wanted: Object.hasOwn(VIEWS, wanted ?? "") ? wanted : "device", id: id ? decoded(id) : null };
}

/// What somebody has typed need not be what an address may be: then it is taken as it is.
function decoded(id) {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

function show(event) {
  const { kind } = state.connection;
  // Nothing to show before the device is known.
  if (kind !== "locked" && state.device === null) return;
  const { wanted, id } = kind === "locked" ? { wanted: "login", id: null } : route();
  if (name !== wanted) {
    view?.leave();
    name = wanted;
    view = (wanted === "login" ? loginView : VIEWS[wanted])();
    fill(main, view.node);
  }
  view.show(id);
  views.hidden = wanted === "login";
  for (const link of views.children) {
    if (link.hash === `#/${wanted}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${view.title()} – ${state.device?.name ?? "bemo-sync"}`;
  // Who has gone somewhere is there with the keyboard too.
  if (event?.type === "hashchange") {
    (main.querySelector(".focus") ?? main.querySelector("h1"))?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

function drawTop() {
  const { device, connection } = state;
  write(document.getElementById("device-name"), device?.name ?? "bemo-sync");
  const [tone, words] = {
    connecting: ["in", "connecting"], live: ["done", "live"], lost: ["bad", "not connected"], locked: ["warn", "locked"],
  }[connection.kind];
  const adapter = device && connection.kind !== "locked" &&
    h("span", { class: "tag adapter" }, isVirtual() ? "virtual adapter" : device.adapter?.kind === "bluez" ? device.adapter.name ?? "on the air" : "no adapter");
  const readOnly = device?.read_only && h("span", { class: "tag" }, "read-only");
  fill(status, adapter, readOnly, badge(tone, words));
}

function drawNotice() {
  const { kind, why, since } = state.connection;
  const isLost = kind === "lost";
  notice.hidden = !isLost && performance.now() > state.notice.until;
  notice.classList.toggle("well", !isLost && state.notice.isWell);
  if (isLost) {
    write(notice, `${why} It is tried again and again; what is shown is ${duration(performance.now() - since)} old.`);
  } else {
    write(notice, state.notice.text);
  }
}

addEventListener("hashchange", show);
// The address says which view is open, so who skips what stands above it goes there without it.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
on("device", () => {
  drawTop();
  if (name === "" || name === "login") show();
});
on("connection", () => {
  drawTop();
  drawNotice();
  const isLocked = state.connection.kind === "locked";
  if (isLocked !== (name === "login") || name === "") show();
});
on("second", drawNotice);
setInterval(() => changed("second"), 1000);
stayConnected();
