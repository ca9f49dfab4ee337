"""The fault campaigns in their short form; `make faults-long` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders import Deployment
from chainpoints.config import Secret
from faults.campaign import Campaign, Plan
from faults.endpoint import KINDS

pytestmark = pytest.mark.faults


def test_a_provider_that_fails_in_every_way(deployment: Deployment, database: Secret, tmp_path: Path) -> None:
    report = Campaign(deployment, database, tmp_path, Plan(seed=1, payments=60, share=0.4, least_kinds=14)).run()
    assert len(report.faults) >= 14, report.faults
    assert set(report.faults) <= set(KINDS)


def test_reorgs_while_people_pay(deployment: Deployment, database: Secret, tmp_path: Path) -> None:
    report = Campaign(deployment, database, tmp_path, Plan(seed=2, payments=40, share=0, reorgs=8)).run()
    assert report.reorgs >= 5


def test_processes_are_killed_while_people_pay(deployment: Deployment, database: Secret, tmp_path: Path) -> None:
    report = Campaign(deployment, database, tmp_path, Plan(seed=3, payments=40, share=0, kills=8)).run()
    assert report.killed.total() == 8


def test_all_of_it_at_once(deployment: Deployment, database: Secret, tmp_path: Path) -> None:
    plan = Plan(seed=4, payments=40, share=0.1, reorgs=4, kills=4)
    assert Campaign(deployment, database, tmp_path, plan).run().killed.total() == 4
