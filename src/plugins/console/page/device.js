// The device as a central sees it: services, their characteristics, and beside them the one that is open.

import { append, fill, h, write } from "./dom.js";
import { characteristicPanel } from "./characteristic.js";
import { heirOf, isVirtual, known, on, state } from "./state.js";

const BASE_UUID = /^0000([0-9a-f]{4})-0000-1000-8000-00805f9b34fb$/i;

/// As short as it is unique: 0x180A of an assigned number.
export function shortUuid(uuid) {
  const assigned = /^[0-9a-f]{4}$/i.test(uuid) ? uuid : BASE_UUID.exec(uuid)?.[1];
  return assigned ? `0x${assigned.toUpperCase().replace(/^0X/, "")}` : uuid;
}

const LETTERS = {
  read: ["R", "read"], write: ["W", "write, and be told what came of it"],
  write_without_response: ["C", "write without a response, as a command"],
  notify: ["N", "notify: whoever follows is told of each change"],
  indicate: ["I", "indicate: the same, and each is confirmed"],
};

/// What a central may do, as letters that are read out as words.
const letters = (properties) =>
  h("span", { class: "letters" }, properties.filter((it) => LETTERS[it]).map((it) =>
    h("abbr", { title: LETTERS[it][1] }, LETTERS[it][0])));

const legend = () => h("p", { class: "muted legend" }, Object.entries(LETTERS).map(([property, [letter, words]], index) =>
  [index > 0 && " · ", h("abbr", { title: words }, letter), ` ${property.replaceAll("_", " ")}`]));

const CENTRAL = "who connects to a device over Bluetooth, as a phone does";
const ATT = "the Attribute Protocol, by which Bluetooth Low Energy reads, writes and notifies";

/// Wide enough to have a characteristic beside the list.
const desk = matchMedia("(min-width: 861px)");

export function deviceView() {
  const intro = h("header", { class: "intro" });
  const list = h("nav", { class: "tree", "aria-label": "Services and characteristics" });
  const side = h("div", { class: "side" }, intro, list);
  const detail = h("div", { class: "detail" });
  const node = h("div", { class: "panes" }, side, detail);
  let open = null;
  let panel = null;
  let drawn = "";
  let rows = [];

  function drawIntro() {
    const { device, central, centralTrouble } = state;
    const who = !isVirtual()
      ? h("p", {}, adapterWords(device.adapter))
      : central
        ? [h("p", {}, "This page plays the phone: it reads, writes and subscribes; nothing is sent by radio."),
            h("p", { class: "muted small" }, "This tab is a ", h("abbr", { title: CENTRAL }, "central"), ", ", h("code", { class: "me" }, central.address),
              "; what it does are ", h("abbr", { title: ATT }, "ATT"), " operations.")]
        : h("p", {}, centralTrouble
            ? `This tab could not become a central: ${centralTrouble}`
            : "This tab becomes a central…");
    fill(intro, h("h1", { tabindex: "-1" }, device.name),
      h("p", { class: "muted" },
        `${count(device.services.length, "service")}, ${count(state.characteristics.size, "characteristic")}`),
      who);
  }

  function drawList() {
    rows.forEach((row) => row.off());
    rows = [];
    fill(list);
    for (const service of state.device.services) {
      const items = service.characteristics.map((characteristic) => {
        const row = drawRow(characteristic);
        rows.push(row);
        return h("li", {}, row.link);
      });
      append(list, [h("section", { class: "service" },
        h("h2", {}, service.name, service.advertised && h("span", { class: "tag" }, "advertised")),
        h("p", { class: "uuid" }, shortUuid(service.uuid)),
        h("ul", {}, items))]);
    }
    append(list, [legend()]);
    mark();
  }

  function drawRow({ id, name, uuid, properties }) {
    const value = h("span", { class: "now" });
    const bell = h("span", { class: "tag live", hidden: true }, "subscribed");
    const link = h("a", { class: "row", href: `#/device/${encodeURIComponent(id)}` },
      h("span", { class: "name" }, name, bell), value,
      h("span", { class: "uuid" }, shortUuid(uuid)), letters(properties));
    const draw = () => {
      const seen = isVirtual() ? known(id)?.shown : state.values.get(id)?.shown;
      write(value, seen ?? "–");
      bell.hidden = !isVirtual() || !state.subscriptions.has(id);
    };
    draw();
    const offs = [on(`record:${id}`, draw), on(`value:${id}`, draw)];
    return { id, link, off: () => offs.forEach((off) => off()) };
  }

  /// What is open; where nothing was chosen and there is room for it, the first.
  function shownId() {
    return open ?? (desk.matches ? rows[0]?.id ?? null : null);
  }

  function mark() {
    for (const { id, link } of rows) {
      if (id === shownId()) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    node.classList.toggle("opened", open !== null);
  }

  /// Anew only if it is declared otherwise: somebody may be typing in it.
  function drawDetail() {
    const shown = shownId();
    const characteristic = state.characteristics.get(shown);
    const declared = JSON.stringify([characteristic, state.device.adapter.kind, state.device.read_only]);
    if (panel !== null && declared === drawn) return;
    drawn = declared;
    panel?.leave();
    panel = null;
    if (!characteristic) {
      fill(detail, h("p", { class: "empty" },
        open === null ? "Choose a characteristic to read, write and subscribe to it." : gone(open)));
      return;
    }
    panel = characteristicPanel(characteristic);
    fill(detail, panel.node);
  }

  /// Up and down go through the rows, as in any list.
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const here = rows.findIndex(({ link }) => link === document.activeElement);
    if (!step || here < 0) return;
    event.preventDefault();
    rows[here + step]?.link.focus();
  });

  const drawAll = () => {
    drawIntro();
    drawList();
    drawDetail();
  };
  drawIntro();
  drawList();
  const onWidth = () => (mark(), drawDetail());
  desk.addEventListener("change", onWidth);
  const offs = [on("device", drawAll), on("central", drawIntro), on("health", () => !isVirtual() && drawIntro()), () => desk.removeEventListener("change", onWidth)];

  return {
    node,
    title: () => state.characteristics.get(open)?.name ?? state.device.name,
    show(id) {
      open = id;
      mark();
      drawDetail();
    },
    leave() {
      panel?.leave();
      rows.forEach((row) => row.off());
      offs.forEach((off) => off());
    },
  };
}

/// Of one that is not declared any more: what it was called, and what it has become.
function gone(id) {
  const was = state.gone.get(id)?.name;
  const heir = heirOf(id);
  return [`${was ? `“${was}”` : "It"} is not declared any more. `,
    heir && [`Of the same UUID is now `, h("a", { href: `#/device/${encodeURIComponent(heir.id)}` }, heir.name), ". "],
    h("a", { class: "back", href: "#/device" }, "All characteristics")];
}

const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

function adapterWords(adapter) {
  const link = state.health?.links.find((it) => it.link === "ble");
  if (adapter?.kind === "bluez" && link && link.state !== "up") {
    return `The adapter is waited for${link.why ? `: ${link.why}` : ""}. Nothing is on the air until then.`;
  }
  if (adapter?.kind !== "bluez") {
    return "Nothing is served over Bluetooth: the values are here, and what you set is a request of the operator.";
  }
  return `On the air through ${adapter.name ?? "an adapter"}${adapter.address ? ` (${adapter.address})` : ""}. ` +
    "Here is what the phones do; what you set is a request of the operator, not a write of a central.";
}
