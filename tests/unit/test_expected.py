"""Forge tests expect every error by which a contract reverts, with all that it says, and every event."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = "".join(file.read_text() for file in sorted((ROOT / "contracts").rglob("*.sol")))
TESTS = "".join(file.read_text() for file in sorted((ROOT / "tests" / "forge").glob("*.sol")))
DECLARED = dict(re.findall(r"\berror (\w+)\(([^)]*)\);", CONTRACTS))
EVENTS = set(re.findall(r"\bevent (\w+)\(", CONTRACTS))
RAISED = set(re.findall(r"\brevert (?:\w+\.)?(\w+)\(", CONTRACTS))


def arguments_of(call: str) -> int:
    """How many arguments the call has that begins here, after its parenthesis."""
    depth, commas = 0, 0
    for character in call:
        depth += (character in "([{") - (character in ")]}")
        commas += character == "," and depth == 0
        if depth < 0:
            return commas + 1
    raise ValueError("the call has no end")


def expected(error: str) -> set[int]:
    """How many arguments of the error tests wrote down, wherever they expect it."""
    calls = re.finditer(rf"encodeWithSelector\(\s*(?=(?:\w+\.)*{error}\.selector\b)", TESTS)
    return {arguments_of(TESTS[call.end() :]) - 1 for call in calls}


@pytest.mark.parametrize("error", sorted(DECLARED))
def test_a_declared_error_is_expected_with_its_arguments(error: str) -> None:
    parameters = DECLARED[error].split(",") if DECLARED[error].strip() else []

    assert expected(error) == {len(parameters)}


@pytest.mark.parametrize("error", sorted(RAISED - set(DECLARED)))
def test_an_error_of_a_library_that_we_raise_is_expected(error: str) -> None:
    assert expected(error)


def test_what_is_declared_is_raised() -> None:
    required = set(re.findall(r"require\(.*?(?:\w+\.)?(\w+)\(", CONTRACTS))

    assert set(DECLARED) <= RAISED | required


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_an_event_is_expected(event: str) -> None:
    assert re.search(rf"expectEmit\([^)]*\);\s*emit (?:\w+\.)?{event}\(", TESTS)
