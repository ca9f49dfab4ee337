"""How many random lives are lived, which, and by how many processes."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lives", "random lives of the whole deployment, beside the twin")
    group.addoption("--scenarios", type=int, default=2_000, help="how many lives (default %(default)s)")
    group.addoption("--seed", type=int, default=0, help="the first one's seed; the next have the next numbers")
    group.addoption("--processes", type=int, default=1, help="how many processes share them (default %(default)s)")
