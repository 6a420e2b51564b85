// Parts of JSON by their JSON pointers, RFC 6901: where the fields of a struct stand on topics.

const keysOf = (pointer) =>
  pointer.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));

/// What stands there; undefined when nothing does.
export const pick = (json, pointer) => keysOf(pointer).reduce((inner, key) => inner?.[key], json);

/// One object of parts that are JSON already, as pairs of a pointer and a text: a whole number of 64 bits
/// would not survive being a number of JavaScript.
export function assemble(parts) {
  const root = new Map();
  for (const [pointer, json] of parts) {
    const keys = keysOf(pointer);
    const last = keys.pop();
    let inner = root;
    for (const key of keys) {
      if (!(inner.get(key) instanceof Map)) inner.set(key, new Map());
      inner = inner.get(key);
    }
    inner.set(last, json);
  }
  return written(root);
}

const written = (node) =>
  node instanceof Map
    ? `{${[...node].map(([key, inner]) => `${JSON.stringify(key)}:${written(inner)}`).join(",")}}`
    : node;
