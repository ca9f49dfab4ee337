"""The fault campaigns in their long form: `make faults-long`.

Each is a gateway and a chain of its own, drawn from a seed: people pay, are issued points, are refunded and claim
through the API while the provider fails, blocks are reorganised and processes are killed with -9; then nothing may be
lost, doubled or stuck. They go on until there were as many reorgs and kills as were asked for (--reorgs, --kills,
--seed). What it came to stands afterwards in docs/reliability.md, between its marks. The first campaign that fails ends
it, with its seed and the ends of the logs, and leaves the whole logs in build/faults.
Before them come requests made up from the API's own description (tests/integration/api/test_fuzz.py), and a race for
many Idempotency-Keys (test_race.py beside it).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from benchmarks.postgres import Postgres, new_database, running_postgres  # noqa: E402
from builders import deploy_on, start_anvil  # noqa: E402
from chainpoints.chain.compiler import load_artifacts  # noqa: E402
from chainpoints.config import Secret  # noqa: E402
from faults.campaign import Campaign, Plan, Report  # noqa: E402
from faults.endpoint import CONNECTION, KINDS  # noqa: E402

PAGE = ROOT / "docs" / "reliability.md"
LOGS = ROOT / "build" / "faults"
"""Of a campaign that failed."""
_FUZZ_EXAMPLES, _RACED_KEYS = 100, 200
BEGIN, END = "<!-- faults-long: written by `make faults-long` -->", "<!-- end of faults-long -->"


def main() -> int:
    parser = argparse.ArgumentParser(description="Fault campaigns, until there were so many reorgs and kills.")
    parser.add_argument("--reorgs", type=int, default=500)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began, reports = time.monotonic(), list[Report]()
    requests = _passed("tests/integration/api/test_fuzz.py", FUZZ_EXAMPLES=_FUZZ_EXAMPLES)
    race = "tests/integration/api/test_race.py::test_fifty_at_once_with_each_of_many_keys_have_one_effect_each"
    if requests is None or _passed(race, CHAINPOINTS_TEST_RACE=_RACED_KEYS) is None:
        return 1
    fuzzed = re.findall(r"fuzz: (.*)", requests)
    with running_postgres("fsync=off") as server:
        try:
            for plan in _plans(asked, reports):
                reports.append(_campaign(plan, server))
                minutes = (time.monotonic() - began) / 60
                print(f"faults: {minutes:4.0f} min, seed {plan.seed}: {reports[-1]}", flush=True)
        except AssertionError as failure:
            print(f"faults: {failure}", file=sys.stderr)
            return 1
    _write(reports, fuzzed, asked.seed, (time.monotonic() - began) / 60)
    return 0


def _plans(asked: argparse.Namespace, reports: list[Report]) -> Iterator[Plan]:
    """Each kind of fault alone, then all with reorgs and kills, until `reports` have as many as were asked for."""
    for seed, kind in enumerate(KINDS, start=asked.seed):
        plan = Plan(seed, payments=40, share=0.2 if kind in CONNECTION else 0.5, kinds=(kind,), least_kinds=1)
        yield replace(plan, share=0.5, kills=25) if kind == "wrong chain" else plan  # which is asked at a start alone
        assert kind in reports[-1].faults, f"seed {seed}: the provider did not fail by {kind}"
    seed = asked.seed
    while sum(each.reorgs for each in reports) < asked.reorgs or _killed_at_work(reports).total() < asked.kills:
        share, two = 0.05 * (seed % 3), seed % 4 >= 2
        deepest = 60 if share else 64  # a provider that is two blocks ahead makes final what is not, by as much
        yield Plan(seed, payments=100, share=share, reorgs=20, deepest=deepest, kills=40, two_providers=two)
        seed += 1


def _passed(tests: str, **size: int) -> str | None:
    """What these tests told, at that size; None when one failed, which is shown."""
    command = [sys.executable, "-m", "pytest", "-p", "no:pytest-brownie", "-q", tests]
    environment = os.environ | {name: str(value) for name, value in size.items()}
    run = subprocess.run(command, cwd=ROOT, env=environment, check=False, text=True, stdout=subprocess.PIPE)
    print(run.stdout, flush=True)
    return run.stdout if run.returncode == 0 else None


def _campaign(plan: Plan, server: Postgres) -> Report:
    """On SQLite and PostgreSQL in turn; PostgreSQL is killed too."""
    with tempfile.TemporaryDirectory(prefix="chainpoints-faults-") as name:
        folder, chain = Path(name), start_anvil()
        try:
            deployment = deploy_on(chain, folder, load_artifacts())
            if plan.seed % 2:
                return Campaign(deployment, Secret(f"sqlite:///{folder / 'gateway.db'}"), folder, plan).run()
            database = Secret(new_database(server.address, f"faults_{plan.seed}"))
            return Campaign(deployment, database, folder, plan, server).run()
        except AssertionError as failure:
            shutil.copytree(folder / "logs", LOGS, dirs_exist_ok=True)
            raise AssertionError(f"{failure}\nThe whole logs: {LOGS}") from failure
        finally:
            chain.stop()


def _killed_at_work(reports: list[Report]) -> Counter[str]:
    return sum((each.killed_at_work for each in reports), Counter[str]())


def _write(reports: list[Report], fuzzed: list[str], first_seed: int, minutes: float) -> None:
    faults = sum((each.faults for each in reports), Counter[str]())
    drained = max(each.drained_seconds for each in reports)
    at_work, killed = _killed_at_work(reports), sum(each.killed.total() for each in reports)
    alone = f"{len(KINDS)} of them with one kind of fault and no other trouble"
    lines = [
        f"- {datetime.now(UTC):%Y-%m-%d}, {minutes:.0f} minutes, campaigns: {len(reports)}, {alone}, seeds "
        f"from {first_seed}: nothing lost, doubled or stuck; rows equal to a fresh index of each chain",
        f"- {sum(each.payments for each in reports)} payments, {sum(each.issues for each in reports)} issues, "
        f"{sum(each.refunds for each in reports)} refunds, {sum(each.claims for each in reports)} claims; "
        f"{sum(each.reorgs for each in reports)} reorgs, of up to {max(each.deepest for each in reports)} blocks",
        f"- the merchant was told {sum(each.told for each in reports)} messages by webhook, "
        f"{sum(each.taken_back for each in reports)} of them to take one back, of each order in order",
        f"- kill -9 of processes at work: {', '.join(f'{role} {count}' for role, count in sorted(at_work.items()))}; "
        f"of others that were starting: {killed - at_work.total()}",
        f"- faults of the provider: {', '.join(f'{kind} {count}' for kind, count in sorted(faults.items()))}",
        f"- drained within {drained:.1f} s at most",
        f"- requests made up from the API's description, none answered wrongly: {'; '.join(fuzzed)}",
        f"- {_RACED_KEYS} Idempotency-Keys, each sent 50 times at once: {_RACED_KEYS} effects, on either database",
    ]
    text = PAGE.read_text(encoding="utf-8")
    begin, end = text.index(BEGIN), text.index(END)
    PAGE.write_text(f"{text[:begin]}{BEGIN}\n" + "\n".join(lines) + f"\n{text[end:]}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
