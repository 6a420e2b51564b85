// The JSON API of the program, under /api/v1, and the words for what went wrong.

const BASE = "/api/v1";

/// What the program refused, or that it does not answer.
export class Problem extends Error {
  constructor(status, title, detail, more = {}) {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.detail = detail;
    /// `{ code, name }` of an ATT error.
    this.att = more.att ? { ...more.att, name: spaced(more.att.name) } : null;
    this.more = more;
  }
}

/// Lets a refusal pass, which somebody else shows or has shown; a mistake in the page goes on.
export function onlyProblems(problem) {
  if (!(problem instanceof Problem)) throw problem;
}

/// `InvalidHandle` as Invalid Handle.
const spaced = (name) => name.replace(/([a-z])([A-Z])/g, "$1 $2");

export const at = (id) => encodeURIComponent(id);

/// Asks the program; a body that is a text is sent as it is.
export async function ask(method, path, body, options = {}) {
  const isText = typeof body === "string";
  let response;
  try {
    response = await fetch(BASE + path, {
      method,
      body: body === undefined || isText ? body : JSON.stringify(body),
      // What changes anything has to be JSON, also when there is nothing to say.
      headers: method === "GET" ? {} : { "content-type": "application/json" },
      cache: "no-store",
      ...options,
    });
  } catch {
    throw new Problem(0, "No answer", "The program does not answer: is it running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const title = answer.title ?? `HTTP ${response.status}`;
  throw new Problem(response.status, title, answer.detail ?? "", answer);
}

export const get = (path) => ask("GET", path);
export const post = (path, body = {}) => ask("POST", path, body);

/// A JSON object of members that are JSON already. Whole numbers of 64 bits do not survive being a
/// number of JavaScript, so they are never made one.
export function raw(members) {
  const written = Object.entries(members).filter(([, json]) => json !== undefined);
  return `{${written.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(",")}}`;
}

/// 3 as 0x03: how ATT errors are known by.
export const attCode = (code) => `0x${Number(code).toString(16).toUpperCase().padStart(2, "0")}`;
