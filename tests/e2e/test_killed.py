"""kill -9 of the whole process group in mid-replay, started again: the same totals as undisturbed (T24, T28, T32)."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from chainpoints.config import Secret
from gateway_run import TOTALS, GatewayRun

pytestmark = pytest.mark.e2e

UNTIL = "1997-01-26"
SEED = 20261122
KILLS = 3


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    run = GatewayRun.in_folder(tmp_path_factory.mktemp("undisturbed"))
    run.start("--until", UNTIL, "--exit-after-replay")
    try:
        return run.report()
    finally:
        run.stop()


def test_killed_in_mid_replay_it_ends_in_the_same_totals(
    tmp_path: Path, database: Secret, undisturbed: dict[str, Any]
) -> None:
    run = GatewayRun.in_folder(tmp_path, database)
    dice = random.Random(SEED)
    done = undisturbed["paid_in_points"] + undisturbed["issued_for_money"]
    try:
        for kill in range(1, KILLS + 1):
            run.start("--until", UNTIL, "--exit-after-replay")
            aim = done * kill // (KILLS + 1)
            run.wait_until(lambda totals, aim=aim: totals["payments"] + totals["issues"] >= aim)
            time.sleep(dice.random() * 0.5)
            run.kill_group()
        run.start("--until", UNTIL, "--exit-after-replay")
        report = run.report()
    finally:
        run.stop()
    assert {name: report[name] for name in TOTALS} == {name: undisturbed[name] for name in TOTALS}
    assert report["chain_agrees"] is True
