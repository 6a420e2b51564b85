// What every operation on a value needs, of a central or of the operator: its outcome, and its pace.

import { Problem, ask, at, attCode, raw } from "./api.js";
import { Mistake, control, exact } from "./controls.js";
import { announce, card, fill, h } from "./dom.js";
import { state } from "./state.js";

/// A request of the operator: what a real adapter's page writes with.
export function operated(id, shape, keep) {
  const result = outcome();
  const attempt = async () => {
    try {
      const json = chosen.json();
      await ask("PUT", `/values/${at(id)}`, raw({ value: json }));
      typed.end();
      result.well(`Asked for: ${json}`);
    } catch (problem) {
      result.wrong(problem);
    }
  };
  const live = newest(attempt);
  const chosen = control(shape, "Value", () => live());
  const form = h("form", { onsubmit: (event) => (event.preventDefault(), attempt()) }, chosen.node,
    h("button", { class: "primary" }, "Request"));
  const follow = () => {
    const view = state.values.get(id);
    if (view && !typed.isKept()) chosen.set(view.desired ?? exact(view.value, view.shown));
  };
  const typed = draft(form, follow);
  keep(`value:${id}`, follow);
  return card("Ask for another value", h("p", { class: "muted" }, "As the operator: it is checked as any write is."), form, result.node);
}

/// What is being typed into a form, or was and is not sent: nothing that arrives is written over it. Escape gives it up.
export function draft(form, follow) {
  let isTyped = false;
  const end = () => (isTyped = false);
  form.addEventListener("input", ({ target }) => (isTyped = !["range", "checkbox"].includes(target.type)));
  form.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !isTyped) return;
    end();
    document.activeElement.blur();
    follow();
  });
  const isAt = ({ type }) => !["checkbox", "submit"].includes(type);
  const isThere = () => form.contains(document.activeElement) && isAt(document.activeElement);
  return { isKept: () => isTyped || isThere(), end };
}

export const inWords = ({ att, detail, title }) =>
  (att ? `${attCode(att.code)} ${att.name}` : title) + (detail ? `: ${detail}` : "");

/// Where the outcome of what was done is shown, and said.
export function outcome() {
  const node = h("div", { class: "outcome" });
  return {
    node,
    clear: () => fill(node),
    well(text) {
      fill(node, h("p", { class: "well" }, text));
      announce(text);
    },
    wrong(problem) {
      if (!(problem instanceof Problem || problem instanceof Mistake)) throw problem;
      const { att, title, message } = problem;
      const code = att && h("p", {}, h("code", {}, attCode(att.code)), " ", h("strong", {}, att.name));
      const head = code ?? (title && title !== message && h("p", {}, h("strong", {}, title)));
      fill(node, h("div", { class: "problem" }, head, message !== title || !code ? h("p", { class: "reason" }, message) : null));
      announce(`Refused. ${problem instanceof Problem ? inWords(problem) : message}`);
    },
  };
}

/// One at a time, and after it the newest: a slider that is dragged asks for as much as is answered. When it
/// rests, `after` is done.
export function newest(work, after = () => {}) {
  let busy = false;
  let again = false;
  return async () => {
    again = true;
    if (busy) return;
    busy = true;
    while (again) {
      again = false;
      await work();
      if (!again) await after();
    }
    busy = false;
  };
}
