// The last ten minutes of a value as a line, drawn by uPlot, which the page loads as a script.

/* global uPlot */
import { h, timeOf, write } from "./dom.js";

const TEN_MINUTES_S = 600;
const SPAN_MIN_S = 20;
const HEIGHT = 220;
/// How far the lines of the grid are apart where there is nothing between whole numbers.
const WHOLE = Array.from({ length: 13 }, (_, at) => [1, 2, 5].map((it) => it * 10 ** at)).flat();
const POINTS_MAX = 2000;

/// `{ node, load(points), push(ms, number), leave() }`; points are `[ms, last, lowest, highest]` of a second
/// or of one change, oldest first.
export function plot(name, shape) {
  const box = h("div", { class: "plot" });
  const summary = h("p", { class: "muted small" });
  const windows = [[60, "1 min"], [TEN_MINUTES_S, "10 min"]];
  let span = TEN_MINUTES_S;
  let points = [];
  let chart = null;
  let due = 0;
  const buttons = windows.map(([seconds, text]) =>
    h("button", { "aria-pressed": String(seconds === span), onclick: () => {
      span = seconds;
      buttons.forEach((it, index) => it.setAttribute("aria-pressed", String(windows[index][0] === span)));
      draw();
    } }, text));
  const node = h("div", {},
    h("div", { class: "segments", role: "group", "aria-label": "How long the plot shows" }, buttons), box, summary);

  function build() {
    chart?.destroy();
    const style = getComputedStyle(document.documentElement);
    const colour = (variable) => style.getPropertyValue(variable).trim();
    const axis = {
      stroke: colour("--muted"), font: "12px system-ui, sans-serif",
      grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 },
    };
    const whole = shape.decimals === 0 || shape.kind === "boolean" ? { incrs: WHOLE } : {};
    const stepped = uPlot.paths.stepped({ align: 1 });
    const line = { label: name, stroke: colour("--accent"), width: 2, paths: stepped, points: { show: false } };
    chart = new uPlot({
      width: Math.max(box.clientWidth, 200), height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: true, range: stretch }, y: { range: reach } },
      axes: [{ ...axis, values: (_, splits) => splits.map(clock), space: 80 }, { ...axis, size: 56, ...whole }],
      series: [{}, line, { ...line, width: 0 }, { ...line, width: 0 }],
      bands: [{ series: [3, 2], fill: colour("--accent-soft") }],
    }, data(), box);
    chart.root.setAttribute("role", "img");
    chart.root.setAttribute("aria-label", `Plot of ${name}`);
  }

  /// Not longer than there is something to see.
  function stretch() {
    const now = Date.now() / 1000;
    const first = (points[0]?.[0] ?? 0) / 1000;
    return [Math.max(now - span, Math.min(first, now - SPAN_MIN_S)), now];
  }

  /// What is seen with some room around it; a line that is flat is in the middle.
  function reach(_, low, high) {
    if (low === null || high === null) return [shape.min ?? 0, shape.max ?? 1];
    const room = (high - low) * 0.08 || Math.max(Math.abs(high) * 0.1, 1);
    return [low - room, high + room];
  }

  /// A value holds until it changes: the line goes on until now.
  function data() {
    const from = Date.now() / 1000 - TEN_MINUTES_S;
    const first = Math.max(points.findLastIndex(([ms]) => ms / 1000 < from), 0);
    points = points.slice(first);
    const shown = points.length > 0 ? [...points, point(Date.now(), points.at(-1)[1])] : [];
    return [0, 1, 2, 3].map((column) => shown.map((it) => (column === 0 ? it[0] / 1000 : it[column])));
  }

  function draw() {
    due = 0;
    if (!box.isConnected) return;
    if (!chart) build();
    chart.setData(data());
    const from = Date.now() - span * 1000;
    const seen = points.filter(([ms]) => ms >= from);
    const words = seen.length === 0
      ? points.length === 0 ? "Nothing has been seen of it yet." : "It has not changed in this time."
      : `lowest ${round(Math.min(...seen.map((it) => it[2])))}, highest ${round(Math.max(...seen.map((it) => it[3])))}, newest ${round(points.at(-1)[1])} at ${timeOf(points.at(-1)[0])}`;
    write(summary, words);
    chart.root.setAttribute("aria-label", `Plot of ${name}, last ${span / 60} minutes: ${words}`);
  }

  const soon = () => (due ||= requestAnimationFrame(draw));
  const rebuild = () => {
    chart?.destroy();
    chart = null;
    soon();
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", rebuild);
  const resized = new ResizeObserver(() => chart?.setSize({ width: Math.max(box.clientWidth, 200), height: HEIGHT }));
  resized.observe(box);
  const ticking = setInterval(soon, 1000);

  return {
    node,
    load(loaded) {
      points = loaded.concat(points.filter(([ms]) => ms > (loaded.at(-1)?.[0] ?? 0)));
      soon();
    },
    push(ms, number) {
      if (ms <= (points.at(-1)?.[0] ?? 0)) return;
      points.push(point(ms, number));
      if (points.length > POINTS_MAX) points = thinned(points);
      soon();
    },
    leave() {
      clearInterval(ticking);
      dark.removeEventListener("change", rebuild);
      resized.disconnect();
      chart?.destroy();
    },
  };
}

const point = (ms, number) => [ms, number, number, number];

/// The older half with every second point left out.
const thinned = (points) => points.filter((_, index) => index > points.length / 2 || index % 2 === 0);

const round = (number) => String(Number(number.toPrecision(6)));

const short = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const clock = (seconds) => short.format(seconds * 1000);
