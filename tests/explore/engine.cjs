/* Reads cases from standard input as JSON, answers each with the page's own engine. */
"use strict";

const path = require("node:path");
const folder = path.join(__dirname, "..", "..", "book", "_static", "explore");
const load = (name) => require(path.join(folder, name + ".js"));

/* JSON has no word for infinity; text keeps the difference between it and a missing number. */
function plain(key, value) {
  if (typeof value !== "number" || Number.isFinite(value)) return value;
  return Number.isNaN(value) ? null : value > 0 ? "inf" : "-inf";
}

let text = "";
process.stdin.on("data", (part) => (text += part));
process.stdin.on("end", () => {
  const answers = JSON.parse(text).map((call) => {
    const started = process.hrtime.bigint();
    const value = load(call.file)[call.name](...call.args);
    return { value: value, ms: Number(process.hrtime.bigint() - started) / 1e6 };
  });
  process.stdout.write(JSON.stringify(answers, plain));
});
