// All values in one table, kept up to date row by row; and the one that is open.

import { duration, fill, h, uid, write } from "./dom.js";
import { ageOf, on, state } from "./state.js";
import { originOf, valuePanel } from "./value.js";

export function valuesView() {
  const filterId = uid("filter");
  const filter = h("input", { id: filterId, type: "search", placeholder: "name, service or value", oninput: () => sift() });
  const body = h("tbody", {});
  const none = h("p", { class: "empty", hidden: true }, "No value is like that.");
  const columns = ["Value", "Now", "Age", "Set by", "Version", "Subscribers"];
  const table = h("table", { class: "values" }, h("caption", { class: "hidden" }, "All values"),
    h("thead", {}, h("tr", {}, columns.map((it) => h("th", { scope: "col" }, it)))), body);
  const all = h("div", { class: "all" },
    h("header", { class: "bar" }, h("h1", { tabindex: "-1" }, "Values"),
      h("label", { class: "field", for: filterId }, h("span", {}, "Filter"), filter)), table, none);
  const detail = h("div", { class: "single", hidden: true });
  const node = h("div", {}, all, detail);
  let rows = [];
  let panel = null;
  let open = null;

  function drawTable() {
    rows.forEach((row) => row.off());
    rows = [...state.characteristics.values()].map(valueRow);
    fill(body, rows.map((row) => row.node));
    sift();
  }

  function sift() {
    const wanted = filter.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.node.hidden = wanted !== "" && !row.text().includes(wanted);
      shown += Number(!row.node.hidden);
    }
    none.hidden = shown > 0;
  }

  function drawDetail() {
    panel?.leave();
    panel = null;
    all.hidden = open !== null;
    detail.hidden = open === null;
    if (open === null) return fill(detail);
    const characteristic = state.characteristics.get(open);
    panel = characteristic ? valuePanel(characteristic) : null;
    fill(detail, h("h1", { class: "hidden" }, "Values"), panel?.node ?? h("p", { class: "empty" }, "It is not declared any more. ", h("a", { href: "#/values" }, "All values")));
  }

  const offs = [
    on("device", () => {
      drawTable();
      drawDetail();
    }),
    on("second", () => !all.hidden && rows.forEach((row) => row.age())),
  ];
  drawTable();
  return {
    node,
    title: () => state.characteristics.get(open)?.name ?? "Values",
    show(id) {
      open = id;
      drawDetail();
    },
    leave() {
      panel?.leave();
      rows.forEach((row) => row.off());
      offs.forEach((off) => off());
    },
  };
}

function valueRow({ id, name, service, withheld }) {
  const cells = Object.fromEntries(["now", "age", "from", "version", "who"].map((it) => [it, h("td", { class: it })]));
  const node = h("tr", {}, h("th", { scope: "row" },
    h("a", { href: `#/values/${encodeURIComponent(id)}` }, name), h("span", { class: "muted" }, service.name)), Object.values(cells));
  const title = `${name} ${service.name}`.toLowerCase();
  const age = () => {
    const ms = ageOf(state.values.get(id));
    write(cells.age, ms === null ? "–" : duration(ms));
  };
  const draw = () => {
    const view = state.values.get(id);
    write(cells.now, withheld ? "withheld" : view?.shown ?? "unknown");
    write(cells.from, originOf(view));
    write(cells.version, String(view?.version ?? "–"));
    write(cells.who, String(view?.subscribers?.length ?? 0));
    cells.now.classList.toggle("pending", Boolean(view?.pending));
    age();
  };
  draw();
  const off = on(`value:${id}`, draw);
  return { node, age, off, text: () => `${title} ${cells.now.textContent.toLowerCase()}` };
}
