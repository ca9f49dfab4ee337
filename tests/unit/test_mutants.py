"""What the mutation operators make of a piece of source, whose syntax tree is written out here."""

import importlib.util
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "mutants.py"
_spec = importlib.util.spec_from_file_location("mutants", SCRIPT)
assert _spec
assert _spec.loader
mutants = importlib.util.module_from_spec(_spec)
sys.modules["mutants"] = mutants  # a dataclass looks for its module
_spec.loader.exec_module(mutants)

SOURCE = "if (é < b) f(b, c);".encode()
UINT = {"typeDescriptions": {"typeString": "uint256"}}


def leaf(start: int, length: int) -> dict[str, object]:
    return {"nodeType": "Identifier", "src": f"{start}:{length}:0", **UINT}


CONDITION = {
    "nodeType": "BinaryOperation",
    "src": "4:6:0",
    "operator": "<",
    "leftExpression": leaf(4, 2),
    "rightExpression": leaf(9, 1),
}
CALL = {
    "nodeType": "FunctionCall",
    "kind": "functionCall",
    "src": "12:7:0",
    "expression": {"nodeType": "Identifier", "name": "f", "src": "12:1:0"},
    "arguments": [leaf(14, 1), leaf(17, 1)],
}
TREE = {
    "nodeType": "IfStatement",
    "src": "0:20:0",
    "condition": CONDITION,
    "trueBody": {"nodeType": "ExpressionStatement", "src": "12:7:0", "expression": CALL},
}


def test_each_change_is_made_once_and_where_it_belongs() -> None:
    made = mutants.Maker("F.sol", SOURCE, strings=True).make(TREE)

    assert [mutant.applied(SOURCE).decode() for mutant in made] == [
        "if ((é <= b)) f(b, c);",
        "if ((é > b)) f(b, c);",
        "if (false) f(b, c);",
        "if (true) f(b, c);",
        "if (é < b) assert(true);",
        "if (é < b) f(c, b);",
    ]
    assert len({mutant.name() for mutant in made}) == 6


def test_a_file_that_has_changed_is_refused() -> None:
    mutant = mutants.Maker("F.sol", SOURCE, strings=True).make(TREE)[0]

    with pytest.raises(ValueError, match="has changed"):
        mutant.applied(b" " + SOURCE)
