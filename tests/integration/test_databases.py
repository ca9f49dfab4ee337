"""Without PostgreSQL the tests that want it say so: skipped with the reason shown, failed where CI is set."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from builders import ROOT

pytestmark = pytest.mark.integration

TEST = "tests/integration/test_migrate.py"


def run_without_postgres(**environment: str) -> subprocess.CompletedProcess[str]:
    """Tests that use both databases, where the server that they are told of does not answer."""
    variables = {name: value for name, value in os.environ.items() if name != "CI" and "PYTEST" not in name}
    variables |= {"CHAINPOINTS_TEST_POSTGRES": "postgresql://nobody:pass@127.0.0.1:1"} | environment
    command = [sys.executable, "-m", "pytest", "-p", "no:pytest-brownie", "-q", TEST]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=variables, timeout=300)


def test_a_skip_says_that_and_why_there_is_no_postgresql() -> None:
    result = run_without_postgres()
    assert result.returncode == 0, result.stdout
    assert "SKIPPED" in result.stdout
    assert "not tried on PostgreSQL: the server of CHAINPOINTS_TEST_POSTGRES does not answer" in result.stdout


def test_where_ci_is_set_it_fails() -> None:
    result = run_without_postgres(CI="true")
    assert result.returncode == 1, result.stdout
    assert "not tried on PostgreSQL" in result.stdout
