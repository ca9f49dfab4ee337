// Proves one assertion of a contract by solc's own model checker: `node scripts/prove.js FILE CONTRACT NTH [OLD NEW]`, where
// NEW, a planted bug, stands for OLD in what is read. Prints safe, refuted or unknown. No timeout is set: solc's crashes, so
// whoever calls ends this.
const fs = require("fs");
const path = require("path");
const root = path.resolve(__dirname, "..");
const solc = require(path.join(root, "node_modules", "solc"));
const [file, contract, nth, old, planted] = process.argv.slice(2);

// One at a time: solc does not come to an end with all of them.
function onlyNth(text) {
  const start = text.indexOf(`contract ${contract} {`);
  let seen = 0;
  const rest = text.slice(start).replace(/^ *assert\(.*$/gm, (line) => (seen++ === Number(nth) ? line : ""));
  return text.slice(0, start) + rest;
}

let found = 0;
function read(name) {
  const text = fs.readFileSync(path.join(root, name), "utf8");
  if (!old || !text.includes(old)) return { contents: text };
  found += text.split(old).length - 1;
  return { contents: text.replace(old, planted) };
}

const modelChecker = {
  engine: "chc", solvers: ["z3"], targets: ["assert"], contracts: { [file]: [contract] },
  showProvedSafe: true, showUnproved: true,
};
const settings = { modelChecker, outputSelection: { "*": { "*": [] } } };
const content = onlyNth(fs.readFileSync(path.join(root, file), "utf8"));
const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources: { [file]: { content } }, settings }),
  { import: read }));
const errors = (output.errors ?? []).filter((error) => error.severity === "error");
if (errors.length || (old && found !== 1)) throw new Error(errors[0]?.formattedMessage ?? `not once in the sources: ${old}`);
const said = output.errors.map((error) => error.message).filter((message) => message.startsWith("CHC: Assertion"));
const verdicts = said.map((message) => (message.includes("check is safe") ? "safe" : message.includes("happens here") ? "refuted" : "unknown"));
console.log(verdicts.length === 1 ? verdicts[0] : "unknown");
