"""The fault campaigns in their short form; `make faults-long` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.postgres import new_database, running_postgres
from builders import Deployment
from chainpoints.config import Secret
from faults.campaign import Campaign, Plan
from faults.endpoint import ANSWER, KINDS

pytestmark = pytest.mark.faults


def test_a_provider_that_fails_in_every_way(deployment: Deployment, database: Secret, tmp_path: Path) -> None:
    report = Campaign(deployment, database, tmp_path, Plan(seed=1, payments=60, share=0.4, least_kinds=14)).run()
    assert len(report.faults) >= 14, report.faults
    assert set(report.faults) <= set(KINDS)


def test_a_provider_that_lies_about_logs_alone(deployment: Deployment, database: Secret, tmp_path: Path) -> None:
    kinds = ANSWER["eth_getLogs"]
    plan = Plan(seed=5, payments=40, share=0.5, kinds=kinds, least_kinds=len(kinds))
    report = Campaign(deployment, database, tmp_path, plan).run()
    assert set(report.faults) == set(kinds), report.faults


def test_reorgs_while_people_pay(deployment: Deployment, database: Secret, tmp_path: Path) -> None:
    report = Campaign(deployment, database, tmp_path, Plan(seed=2, payments=40, share=0, reorgs=8)).run()
    assert report.reorgs >= 5


def test_processes_are_killed_while_people_pay(deployment: Deployment, database: Secret, tmp_path: Path) -> None:
    report = Campaign(deployment, database, tmp_path, Plan(seed=3, payments=40, share=0, kills=8)).run()
    assert report.killed.total() == 8
    assert report.killed_at_work.total() >= 4


def test_postgresql_is_killed_while_people_pay(deployment: Deployment, postgres: str, tmp_path: Path) -> None:
    """The gateway's processes are, too: of the six that the seed draws, two are PostgreSQL."""
    assert postgres  # where there is none to be had, this test is not run either
    with running_postgres("fsync=off") as server:
        database = Secret(new_database(server.address, "killed"))
        report = Campaign(deployment, database, tmp_path, Plan(seed=10, payments=40, share=0, kills=6), server).run()
    assert report.killed["postgresql"] == 2, report.killed
    assert report.killed_at_work.total() >= 3
    assert report.killed.total() == 6


def test_all_of_it_at_once(deployment: Deployment, database: Secret, tmp_path: Path) -> None:
    plan = Plan(seed=4, payments=40, share=0.1, reorgs=4, kills=4, two_providers=True)
    report = Campaign(deployment, database, tmp_path, plan).run()
    assert report.killed.total() == 4
    assert report.killed_at_work.total() >= 2
