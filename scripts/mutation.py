"""Changes the contracts a little, once for each mutant, and asks whether a forge test notices: `scripts/mutation.py`.

Without arguments a sample, for `make test`; `--all` takes every mutant, and goes on where it was stopped: what is known
is kept in build/mutation. `--file WORD`, `--sample N` and `--seed N` choose, `--list` only counts; `--again`
asks anew about those that survived, and `--campaign` asks the invariants too, which takes a minute for each of them.

A mutant is killed when a test fails. What survives must stand in tests/mutation/survivors.toml with a reason, and what
stands there must survive. Tests know the contracts by their interfaces, so only contracts are compiled that have the
changed file: without the optimizer, by the old pipeline, seven times as fast as the new one. They take the place of
what forge built, in a copy of the project. As a control, the contracts as they are must pass.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mutants
from mutants import Mutant
from test import forge

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "build" / "mutation"
TREE = HOME / "tree"
OUT = TREE / "build" / "forge" / "out"
RESULTS = HOME / "results.json"
KNOWN = ROOT / "tests" / "mutation"
TESTS = "tests/forge"

SAMPLE, SEED = 40, 1
TEST_SECONDS = 300
CODE_SIZE = 200_000
CONTRACTS = ["PointsToken", "Programs", "ReleaseNode", "PaymentProcessor", "AnchorRegistry", "NodeRenderer"]
PICTURE = ["NodeRenderer", "NodeCard", "NodeCurve", "NodeState", "NameText", "NumberText"]
"""Whose words one forge test compares to the letter: changes of each would only try that test, and are left out."""
UNIT_TESTS = {
    "PaymentMath": ["PaymentMath"],
    "ScheduleMath": ["Schedule"],
    "PaymentHash": ["Typehashes"],
    "FecTable": ["Typehashes"],
} | {word: ["Words"] for word in ("Account", "MerchantDay", "NodeSlot", "ProgramRules")}
"""Tests that have the file in themselves."""

SETTINGS = {
    "viaIR": False,
    "evmVersion": "cancun",
    "remappings": ["@openzeppelin/=node_modules/@openzeppelin/", "solady/=node_modules/solady/src/"],
    "metadata": {"appendCBOR": False},
    "optimizer": {"enabled": False},
}
BYTECODE = ["evm.bytecode.object", "evm.deployedBytecode.object"]
KILLED, SURVIVED, EQUIVALENT, INVALID = "killed", "survived", "equivalent", "invalid"
Codes = dict[tuple[str, str], dict[str, Any]]


class MutationError(Exception):
    """What happened, and why it says nothing of the tests."""


class Solc:
    """scripts/mutation.js, which stays while there are mutants."""

    def __init__(self) -> None:
        node = shutil.which("node") or str(ROOT / ".venv" / "bin" / "node")
        command = [node, "--stack-size=4000", str(ROOT / "scripts" / "mutation.js")]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, changed: dict[str, str], outputs: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        request = {"changed": changed, "outputs": outputs, "settings": SETTINGS}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class Refused(Exception):
    """solc does not compile it."""


class Contracts:
    """Compiles contracts, changed or not, into what forge keeps of them."""

    def __init__(self, solc: Solc) -> None:
        self._solc = solc
        self.files = {name: imported(f"contracts/{name}.sol") for name in CONTRACTS}

    def compile(self, names: Iterable[str], file: str = "", text: str = "") -> Codes:
        codes: Codes = {}
        for name in names:
            target = (f"contracts/{name}.sol", name) if name in CONTRACTS else (f"{TESTS}/{name}.t.sol", "")
            codes |= self._compile(target, {file: text} if file else {})
        return codes

    def _compile(self, target: tuple[str, str], changed: dict[str, str]) -> Codes:
        source, name = target
        answer = self._solc.ask(changed, {source: {name or "*": BYTECODE}})
        if errors := [error for error in answer.get("errors", []) if error["severity"] == "error"]:
            raise Refused(errors[0]["formattedMessage"])
        return {(source, found): contract["evm"] for found, contract in answer["contracts"][source].items()}


def imported(file: str) -> set[str]:
    """The file and all of ours that it has code of: interfaces have none."""
    found, waiting = set(), [file]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for path in re.findall(r'^import .*?["\'](\.[^"\']+)["\'];', (ROOT / name).read_text(), re.MULTILINE):
            target = os.path.normpath(os.path.join(os.path.dirname(name), path))
            if "/interfaces/" not in target:
                waiting.append(target)
    return found


class Forge:
    """The copy of the project, in which contracts are replaced and tested."""

    def __init__(self, original: Codes) -> None:
        self._original = original
        self._replaced: Codes = {}
        self._binary = forge()

    def place(self, codes: Codes) -> None:
        for key in self._replaced.keys() - codes.keys():
            self._write(key, self._original[key])
        for key, code in codes.items():
            self._write(key, code)
        self._replaced = {key: code for key, code in codes.items() if code != self._original[key]}

    def _write(self, key: tuple[str, str], code: dict[str, Any]) -> None:
        file = OUT / Path(key[0]).name / f"{key[1]}.json"
        kept = json.loads(file.read_text())
        for part in ("bytecode", "deployedBytecode"):
            kept[part] |= {"object": "0x" + code[part]["object"], "sourceMap": ""}
        file.write_text(json.dumps(kept))

    def failing(self, *arguments: str) -> str:
        """The first test that fails, or nothing if all pass."""
        command = [self._binary, "test", "--fail-fast", "--json", "--code-size-limit", str(CODE_SIZE), *arguments]
        try:
            done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, timeout=TEST_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return "time"
        # Words of tests may hold other ends of lines than that of JSON.
        lines = [line for line in done.stdout.split("\n") if line.startswith("{")]
        if not lines:
            raise MutationError(f"forge said nothing: {done.stdout[-500:]}{done.stderr[-2000:]}")
        suites = json.loads(lines[-1])
        passed = 0
        for suite, results in suites.items():
            for test, result in results["test_results"].items():
                if result["status"] == "Failure":
                    return f"{suite.split(':')[-1]}.{test.split('(')[0]}"
                passed += result["status"] == "Success"
        if not passed or done.returncode:
            raise MutationError(f"forge ran no test: {done.stdout[-500:]}{done.stderr[-2000:]}")
        return ""


def make_tree() -> None:
    """A copy of the project as forge built it. It has no compiler: that nothing is compiled there is meant."""
    subprocess.run([forge(), "build", "--quiet"], cwd=ROOT, check=True)
    shutil.rmtree(TREE, ignore_errors=True)
    # Packages too: where they are links, forge takes the files behind for others than those it has compiled.
    for name in ("contracts", TESTS, "build/forge", "node_modules/@openzeppelin", "node_modules/solady"):
        shutil.copytree(ROOT / name, TREE / name)
    shutil.copy(ROOT / "foundry.toml", TREE)
    solc = next((ROOT / ".chainpoints" / "solcx").glob("solc-v*"))
    version = subprocess.run([solc, "--version"], check=True, capture_output=True, text=True).stdout
    stub = TREE / solc.relative_to(ROOT)
    stub.parent.mkdir(parents=True)
    stub.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] || exit 1\ncat <<'END'\n{version}END\n")
    stub.chmod(0o755)


LIKELY = 3
FAST = ["--fuzz-runs", "16"]


def rounds(likely: list[str], drawn: bool, campaign: bool) -> list[list[str]]:
    """forge's arguments, from those that find most in the least time to all that there is."""
    first = [[*FAST, "--match-path", f"{TESTS}/{{{','.join(likely)},-}}.t.sol"]] if likely else []
    without = ["--no-match-path", f"{TESTS}/{{campaign/*,NodeRenderer.t.sol}}"]
    picture = ["--match-path", f"{TESTS}/NodeRenderer.t.sol"]
    invariants = ["--match-path", f"{TESTS}/campaign/*"]
    order = [[*FAST, *picture], picture, without] if drawn else [[*FAST, *without], without]
    return [*first, *order, invariants] if campaign else [*first, *order]


class Judge:
    def __init__(self, campaign: bool) -> None:
        self._campaign = campaign
        self._noticed: dict[str, Counter[str]] = {}  # by file: tests that noticed its mutants
        self._solc = Solc()
        self.contracts = Contracts(self._solc)
        self.all = self._make_mutants()

    def close(self) -> None:
        self._solc.close()

    def _make_mutants(self) -> list[Mutant]:
        files = sorted(set().union(*self.contracts.files.values()))
        answer = self._solc.ask({}, {file: {"": ["ast"]} for file in files})
        made: list[Mutant] = []
        for file in files:
            strings = Path(file).stem not in PICTURE
            maker = mutants.Maker(file, (ROOT / file).read_bytes(), strings=strings)
            made += maker.make(answer["sources"][file]["ast"])
        return made

    def begin(self) -> None:
        """Makes the copy, and the control: contracts that nobody changed pass, however they are compiled."""
        make_tree()
        units = sorted({test for tests in UNIT_TESTS.values() for test in tests})
        self._original = self.contracts.compile([*CONTRACTS, *units])
        self._forge = Forge(self._original)
        self._forge.place(self._original)
        if failing := self._forge.failing(*FAST, "--no-match-path", f"{TESTS}/campaign/*"):
            raise MutationError(f"the contracts as they are do not pass {failing}")

    def compile(self, mutant: Mutant) -> Codes | str:
        """The contracts that are others by it; none if all are the same. What solc says when it is no program."""
        changed = mutant.applied((ROOT / mutant.file).read_bytes()).decode()
        try:
            codes = self.contracts.compile(self._names(mutant), mutant.file, changed)
        except Refused as refusal:
            return str(refusal).splitlines()[0]
        return {key: code for key, code in codes.items() if code != self._original[key]}

    def test(self, mutant: Mutant, codes: Codes | str) -> tuple[str, str]:
        """What became of it, and the test that noticed."""
        if isinstance(codes, str):
            return INVALID, codes
        if not codes:
            return EQUIVALENT, "the same bytecode"
        self._forge.place(codes)
        noticed = self._noticed.setdefault(mutant.file, Counter())
        likely = [test for test, _ in noticed.most_common(LIKELY)]
        for arguments in rounds(likely, "NodeRenderer" in self._names(mutant), self._campaign):
            if failing := self._forge.failing(*arguments):
                noticed[failing.split("Test.")[0]] += 1
                return KILLED, failing
        return SURVIVED, ""

    def _names(self, mutant: Mutant) -> list[str]:
        names = [name for name in CONTRACTS if mutant.file in self.contracts.files[name]]
        return names + UNIT_TESTS.get(Path(mutant.file).stem, [])


class Known:
    """tests/mutation/survivors.toml."""

    def __init__(self, everything: list[Mutant]) -> None:
        self.reasons: dict[str, str] = {}
        self.problems: list[str] = []
        file = KNOWN / "survivors.toml"
        for entry in tomllib.loads(file.read_text()).get("survivor", []):
            old, new = entry["old"], entry["new"]
            found = [
                mutant
                for mutant in everything
                if (mutant.file, mutant.code, mutant.old, mutant.new) == (entry["file"], entry["code"], old, new)
            ]
            if place := entry.get("place"):  # which of those that are alike, counted from 1
                found = sorted(found, key=lambda mutant: mutant.start)[place - 1 : place]
            if not found or not entry["reason"]:
                self.problems.append(f"{file.name}: no mutant, or no reason: {entry['file']}: {old} -> {new}")
            self.reasons |= {mutant.name(): entry["reason"] for mutant in found}


def digest(*folders: str) -> str:
    total = hashlib.sha256()
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.sol")):
            total.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return total.hexdigest()[:16]


class Results:
    """What is known, by mutant, kept after each. Contracts that change make all of it void, tests only what survived:
    what a test noticed that is still there is not asked again."""

    def __init__(self, again: bool) -> None:
        self._contracts, self._tests = digest("contracts"), digest(TESTS)
        self._kept: dict[str, list[str]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        self._written = "".join(file.read_text() for file in (ROOT / TESTS).rglob("*.sol"))
        self._again = again

    def get(self, mutant: Mutant) -> tuple[str, str] | None:
        verdict, by, contracts, tests = self._kept.get(mutant.name(), ("", "", "", ""))
        if contracts != self._contracts:
            return None
        if verdict == SURVIVED and (self._again or tests != self._tests):
            return None
        if verdict == KILLED and f"function {by.split('.')[-1]}(" not in self._written:
            return None
        return verdict, by

    def put(self, mutant: Mutant, verdict: tuple[str, str]) -> None:
        self._kept[mutant.name()] = [*verdict, self._contracts, self._tests]
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(self._kept, indent=0))


def main() -> int:
    parser = argparse.ArgumentParser(description="How many small changes of the contracts the tests notice.")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--campaign", action="store_true")
    parser.add_argument("--file", action="append", default=[])
    parser.add_argument("--sample", type=int, default=SAMPLE)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    judge = Judge(arguments.campaign)
    try:
        chosen = [m for m in judge.all if not arguments.file or any(word in m.file for word in arguments.file)]
        if arguments.list:
            for file, count in sorted(Counter(mutant.file for mutant in chosen).items()):
                print(f"{count:5} {file}")
            print(f"{len(chosen):5} in all")
            return 0
        random.Random(arguments.seed).shuffle(chosen)
        return run(judge, chosen if arguments.all else sample(chosen, arguments.sample), arguments.again)
    except MutationError as error:
        print(f"mutation: {error}", file=sys.stderr)
        return 1
    finally:
        judge.close()


def sample(chosen: list[Mutant], size: int) -> list[Mutant]:
    """A fifth at most are of the picture, which takes five times as long and moves no points."""
    picture = [mutant for mutant in chosen if Path(mutant.file).stem in PICTURE][: size // 5]
    others = [mutant for mutant in chosen if Path(mutant.file).stem not in PICTURE]
    return others[: size - len(picture)] + picture


def run(judge: Judge, chosen: list[Mutant], again: bool) -> int:
    known, results = Known(judge.all), Results(again)
    judge.begin()
    verdicts: list[tuple[Mutant, str]] = []
    began = time.monotonic()
    for mutant, verdict in judged(judge, chosen, results):
        if verdict[0] == INVALID:
            continue
        verdicts.append((mutant, verdict[0]))
        spent = time.monotonic() - began
        done = f"{spent:5.0f} s {len(verdicts):4}/{len(chosen)}"
        print(f"mutation: {done} {verdict[0]:10} {mutant}  {verdict[1]}", flush=True)
    return report(verdicts, known)


def judged(judge: Judge, chosen: list[Mutant], results: Results) -> Iterator[tuple[Mutant, tuple[str, str]]]:
    """Each mutant and what became of it; while forge tests one, solc compiles the next that is not known."""
    unknown = iter([mutant for mutant in chosen if not results.get(mutant)])
    with ThreadPoolExecutor(1) as compiler:
        ahead = next(unknown, None)
        waiting = compiler.submit(judge.compile, ahead) if ahead else None
        for mutant in chosen:
            verdict = results.get(mutant)
            if not verdict:
                assert waiting
                codes = waiting.result()
                ahead = next(unknown, None)
                waiting = compiler.submit(judge.compile, ahead) if ahead else None
                verdict = judge.test(mutant, codes)
                results.put(mutant, verdict)
            yield mutant, verdict


def report(verdicts: list[tuple[Mutant, str]], known: Known) -> int:
    problems = list(known.problems)
    counts: dict[str, Counter[str]] = {}
    for mutant, verdict in verdicts:
        if verdict == SURVIVED and mutant.name() in known.reasons:
            verdict = "listed"
        elif mutant.name() in known.reasons:
            problems.append(f"survivors.toml lists what is {verdict}: {mutant}")
        elif verdict == SURVIVED:
            problems.append(f"no test notices, and survivors.toml says no reason: {mutant}")
        counts.setdefault(mutant.file, Counter())[verdict] += 1
    for file, count in [*sorted(counts.items()), ("in all", sum(counts.values(), Counter()))]:
        tried = count[KILLED] + count[SURVIVED]
        score = 100 * count[KILLED] / tried if tried else 100.0
        same = count[EQUIVALENT] + count["listed"]
        print(
            f"mutation: {file}: {count.total()} mutants, {count[KILLED]} killed, {count[SURVIVED]} survived, "
            f"{same} equivalent ({count['listed']} listed): {score:.1f}%"
        )
    for problem in problems:
        print(f"mutation: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
