// Runs the claim button's script without a browser: the few elements that it uses, and a real network that may lose an
// answer. Arguments: the script, the gateway's address, the wallet, then one word for each press of the button:
// `press`, or `lose` for a press whose answer gets lost on its way back. Prints each claim that was sent, and in the
// end what stands beside the button, as JSON lines.
"use strict";
const fs = require("node:fs");

const [script, base, wallet, ...presses] = process.argv.slice(2);
const say = (value) => console.log(JSON.stringify(value));
const button = { disabled: false };
const state = { textContent: "" };
let submit;
let losesAnswer;
const form = {
  dataset: { wallet },
  querySelector: () => button,
  addEventListener: (_, handler) => {
    submit = handler;
  },
};
globalThis.document = { getElementById: (id) => (id === "claim" ? form : state) };
globalThis.location = { reload: () => {} };
const realFetch = globalThis.fetch;
globalThis.fetch = async (path, options) => {
  const answer = await realFetch(base + path, options);
  if (options) {
    const replayed = answer.headers.get("idempotent-replayed") === "true";
    say({ key: options.headers["idempotency-key"], status: answer.status, replayed });
    if (losesAnswer) throw new TypeError("Failed to fetch");
  }
  return answer;
};
(0, eval)(fs.readFileSync(script, "utf8"));

const main = async () => {
  for (const press of presses) {
    losesAnswer = press === "lose";
    submit({ preventDefault: () => {} });
    const isOver = () => !button.disabled || state.textContent.startsWith("Accepted");
    while (!isOver()) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  say({ shown: state.textContent });
  process.exit(0);
};
main();
