// The form for the token, where one is declared. The program answers with a cookie that no script sees.

import { onlyProblems, post } from "./api.js";
import { announce, fill, h, uid } from "./dom.js";
import { unlocked } from "./stream.js";

export function loginView() {
  const id = uid("token");
  const token = h("input", { id, type: "password", autocomplete: "current-password", required: true });
  const result = h("div", { class: "outcome" });
  const button = h("button", { class: "primary" }, "Log in");
  const form = h("form", { class: "card login", onsubmit: async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await post("/session", { token: token.value });
      token.value = "";
      fill(result);
      unlocked();
    } catch (problem) {
      onlyProblems(problem);
      fill(result, h("div", { class: "problem" }, h("p", { class: "reason" }, problem.message)));
      announce(problem.message);
      token.select();
    } finally {
      button.disabled = false;
    }
  } },
    h("h1", { tabindex: "-1" }, "bemo-sync console"), h("p", { class: "muted" }, "It asks for the token that stands in its configuration, at console."),
    h("label", { class: "field wide", for: id }, h("span", {}, "Token"), token), button, result);
  return { node: form, title: () => "Log in", show: () => token.focus(), leave() {} };
}
