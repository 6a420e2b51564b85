// Reads AsyncAPI documents with the official parser, and says what it finds wrong with them.
//
//   node validate.mjs FOLDER_WITH_THE_PARSER DOCUMENT...

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const ERROR = 0;

const [folder, ...documents] = process.argv.slice(2);
const require = createRequire(join(resolve(folder), "package.json"));
const { Parser } = require("@asyncapi/parser");

let wrong = 0;
for (const path of documents) {
  const { document, diagnostics } = await new Parser().parse(readFileSync(path, "utf8"));
  const errors = diagnostics.filter((it) => it.severity === ERROR);
  for (const { message, path: place } of errors) {
    console.log(`${path}: ${place.join(".")}: ${message}`);
  }
  if (document === undefined && errors.length === 0) {
    console.log(`${path}: the parser makes nothing of it`);
  }
  if (document === undefined || errors.length > 0) {
    wrong += 1;
    continue;
  }
  console.log(`${path}: ${document.operations().length} operations`);
}
process.exitCode = wrong > 0 ? 1 : 0;
