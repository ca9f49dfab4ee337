// solc that stays: it takes a request a line, {file: text} that stand for files of the project and what to put out, and
// answers each with a line of solc's standard JSON. To start it anew for each mutant would take longer than to compile.
const fs = require("fs");
const path = require("path");
const readline = require("readline");
const root = path.resolve(__dirname, "..");
const solc = require(path.join(root, "node_modules", "solc"));

const onDisk = new Map();

function contents(name) {
  if (!onDisk.has(name)) onDisk.set(name, fs.readFileSync(path.resolve(root, name), "utf8"));
  return onDisk.get(name);
}

function compile({ changed, outputs, settings }) {
  const text = (name) => changed[name] ?? contents(name);
  const sources = Object.fromEntries(Object.keys(outputs).map((name) => [name, { content: text(name) }]));
  const input = { language: "Solidity", sources, settings: { ...settings, outputSelection: outputs } };
  const found = (name) => {
    try {
      return { contents: text(name) };
    } catch (error) {
      return { error: `cannot read ${name}: ${error.code}` };
    }
  };
  return solc.compile(JSON.stringify(input), { import: found });
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  fs.writeSync(1, JSON.stringify(JSON.parse(compile(JSON.parse(line)))) + "\n");
});
