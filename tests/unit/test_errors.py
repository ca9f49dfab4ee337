"""The tree of errors is the one that its documentation draws."""

import importlib
import pkgutil
import re

import pytest

import chainpoints
from chainpoints import errors
from chainpoints.errors import ChainpointsError

pytestmark = pytest.mark.unit

LINE = re.compile(r"(?P<branch>[│├└─ ]*)(?P<name>[A-Z]\w+)(?:  .*)?")


def drawn() -> dict[str, str | None]:
    """Each error of the docstring's tree with the one that it hangs from."""
    found: dict[str, str | None] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines()[2:]:
        match = LINE.fullmatch(line)
        assert match, line
        depth = len(match["branch"]) // 4
        found[match["name"]] = above[depth - 1] if depth else None
        above[depth:] = [match["name"]]
    return found


def real(error: type[Exception] = ChainpointsError, parent: str | None = None) -> dict[str, str | None]:
    found = {error.__name__: parent}
    for child in error.__subclasses__():
        if child.__module__.startswith("chainpoints."):
            found |= real(child, error.__name__)
    return found


def test_the_documented_tree_is_the_real_one() -> None:
    for module in pkgutil.walk_packages(chainpoints.__path__, "chainpoints."):
        if not module.name.startswith(("chainpoints.store.migrations", "chainpoints.__main__")):
            importlib.import_module(module.name)
    assert drawn() == real()
