"""Small changes of a Solidity file that a test should notice: the classical mutation operators, over solc's own tree.

Comparisons (also off by one), arithmetic, bits and logic are turned into others; conditions become always and never;
statements, events and modifiers go; literals move by one; what is assigned or returned becomes nothing; neighbours of
one type among arguments change places. What does not compile is no mutant: whoever compiles finds out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Node = dict[str, Any]

OTHERS = {
    "<": ["<=", ">"],
    "<=": ["<", ">="],
    ">": [">=", "<"],
    ">=": [">", "<="],
    "==": ["!="],
    "!=": ["=="],
    "+": ["-", "*"],
    "-": ["+"],
    "*": ["/", "+"],
    "/": ["*", "%"],
    "%": ["/", "*"],
    "**": ["*"],
    "<<": [">>"],
    ">>": ["<<"],
    "&": ["|"],
    "|": ["&"],
    "^": ["&"],
    "&&": ["||"],
    "||": ["&&"],
}
ASSIGNMENTS = {"+=": "-=", "-=": "+=", "|=": "&=", "*=": "+="}
YUL_CALLS = {"add": "sub", "sub": "add", "mul": "add", "div": "mul", "shl": "shr", "shr": "shl"}
NOTHING = "assert(true)"  # a statement that may stand wherever another stood
NOT_CODE = {"StructuredDocumentation", "ImportDirective", "PragmaDirective", "StructDefinition", "ErrorDefinition"}
NOT_CODE |= {"EventDefinition", "InheritanceSpecifier", "UsingForDirective", "OverrideSpecifier", "ParameterList"}


@dataclass(frozen=True)
class Mutant:
    file: str
    start: int  # bytes from the beginning of the file
    old: str
    new: str
    operator: str
    line: int
    code: str
    """The line as it was, without its margins."""

    def applied(self, source: bytes) -> bytes:
        end = self.start + len(self.old.encode())
        if source[self.start : end] != self.old.encode():
            raise ValueError(f"{self.file} has changed since its mutants were made")
        return source[: self.start] + self.new.encode() + source[end:]

    def name(self) -> str:
        words = (self.file, str(self.start), self.old, self.new)
        return hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        old, new = " ".join(self.old.split()), " ".join(self.new.split())
        return f"{self.file}:{self.line} {self.operator}: `{old}` -> `{new}` in `{self.code}`"


class Maker:
    """Walks one file's syntax tree."""

    def __init__(self, file: str, source: bytes, *, strings: bool) -> None:
        self.file, self.source, self.strings = file, source, strings
        self.mutants: dict[tuple[int, str, str], Mutant] = {}

    def make(self, tree: Node) -> list[Mutant]:
        self._walk(tree, None)
        return sorted(self.mutants.values(), key=lambda mutant: (mutant.start, mutant.old, mutant.new))

    def _walk(self, node: Node, parent: Node | None) -> None:
        kind = node.get("nodeType", "")
        if kind in NOT_CODE or (kind == "ContractDefinition" and node["contractKind"] == "interface"):
            return
        operator = getattr(self, f"_of_{kind}", None)
        if operator:
            operator(node, parent)
        for child in children(node):
            self._walk(child, node)

    def _add(self, at: Node, new: str, operator: str) -> None:
        start, length = span(at)
        old = self._text(at)
        key = (start, old, new)
        if old == new or key in self.mutants:
            return
        line = self.source.count(b"\n", 0, start) + 1
        code = self.source.splitlines()[line - 1].decode().strip()
        self.mutants[key] = Mutant(self.file, start, old, new, operator, line, code)

    def _text(self, node: Node) -> str:
        start, length = span(node)
        return self.source[start : start + length].decode()

    def _operand(self, node: Node) -> str:
        text = self._text(node)
        return f"({text})" if node["nodeType"] in ("BinaryOperation", "Conditional") else text

    def _of_BinaryOperation(self, node: Node, parent: Node | None) -> None:
        left, right = self._operand(node["leftExpression"]), self._operand(node["rightExpression"])
        operator = node["operator"]
        for other in OTHERS.get(operator, []):
            self._add(node, f"({left} {other} {right})", "operator")
        if operator in ("&&", "||"):
            self._add(node, left, "operand")
            self._add(node, right, "operand")

    def _of_UnaryOperation(self, node: Node, parent: Node | None) -> None:
        operator, operand = node["operator"], self._text(node["subExpression"])
        if operator in ("!", "~"):
            self._add(node, operand, "operator")
        if operator in ("++", "--"):
            other = "--" if operator == "++" else "++"
            self._add(node, other + operand if node["prefix"] else operand + other, "operator")

    def _of_Assignment(self, node: Node, parent: Node | None) -> None:
        value = node["rightHandSide"]
        if other := ASSIGNMENTS.get(node["operator"]):
            self._add(node, f"{self._text(node['leftHandSide'])} {other} {self._text(value)}", "assignment")
        elif type_of(node["leftHandSide"]).startswith("uint"):
            self._add(value, "0", "assignment")

    def _of_Return(self, node: Node, parent: Node | None) -> None:
        value = node.get("expression")
        if not value:
            return
        if type_of(value) == "bool":
            self._add(value, "true", "return")
            self._add(value, "false", "return")
        elif type_of(value).startswith("uint"):
            self._add(value, "0", "return")

    def _of_IfStatement(self, node: Node, parent: Node | None) -> None:
        self._always_and_never(node["condition"])

    def _of_Conditional(self, node: Node, parent: Node | None) -> None:
        self._always_and_never(node["condition"])

    def _always_and_never(self, condition: Node) -> None:
        self._add(condition, "true", "condition")
        self._add(condition, "false", "condition")

    def _of_FunctionCall(self, node: Node, parent: Node | None) -> None:
        if node["kind"] == "typeConversion":
            return
        values = node["arguments"]
        if node["expression"].get("name") == "require":
            self._always_and_never(values[0])
        if node.get("names"):
            return
        for first, second in zip(values, values[1:], strict=False):
            if plain_type(first) == plain_type(second):
                self._swap(first, second)

    def _swap(self, first: Node, second: Node) -> None:
        start, _ = span(first)
        at, length = span(second)
        middle = self.source[start + span(first)[1] : at].decode()
        whole = {"src": f"{start}:{at + length - start}:0"}
        self._add(whole, f"{self._text(second)}{middle}{self._text(first)}", "swap")

    def _of_ExpressionStatement(self, node: Node, parent: Node | None) -> None:
        self._add(node["expression"], NOTHING, "statement")

    def _of_EmitStatement(self, node: Node, parent: Node | None) -> None:
        self._without_semicolon(node, "event")

    def _of_RevertStatement(self, node: Node, parent: Node | None) -> None:
        # Behind a condition it is the same as the condition that is never.
        if not (parent and parent["nodeType"] == "IfStatement"):
            self._without_semicolon(node, "revert")

    def _without_semicolon(self, node: Node, operator: str) -> None:
        text = self._text(node)
        start, _ = span(node)
        self._add({"src": f"{start}:{len(text.removesuffix(';').encode())}:0"}, NOTHING, operator)

    def _of_FunctionDefinition(self, node: Node, parent: Node | None) -> None:
        for modifier in node["modifiers"]:
            if modifier.get("kind") == "modifierInvocation":
                self._add(modifier, "", "modifier")

    def _of_Literal(self, node: Node, parent: Node | None) -> None:
        text = self._text(node)
        if type_of(node).startswith("int_const"):
            self._add(node, f"({text} + 1)", "literal")
            if node["value"] != "0":
                self._add(node, f"({text} - 1)", "literal")
        elif node["kind"] == "bool":
            self._add(node, "false" if text == "true" else "true", "literal")
        elif node["kind"] == "string" and self.strings and node["value"]:
            self._add(node, '""', "literal")

    def _of_YulLiteral(self, node: Node, parent: Node | None) -> None:
        if node["kind"] == "number":
            self._add(node, hex(int(node["value"], 0) + 1), "literal")

    def _of_YulFunctionCall(self, node: Node, parent: Node | None) -> None:
        name = node["functionName"]
        if other := YUL_CALLS.get(name["name"]):
            self._add(name, other, "operator")

    def _of_YulExpressionStatement(self, node: Node, parent: Node | None) -> None:
        self._add(node, "{}", "statement")


def children(node: Node) -> Iterator[Node]:
    for value in node.values():
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, dict) and "nodeType" in child:
                yield child


def span(node: Node) -> tuple[int, int]:
    start, length, _ = node["src"].split(":")
    return int(start), int(length)


def type_of(node: Node) -> str:
    return str(node.get("typeDescriptions", {}).get("typeString", ""))


def plain_type(node: Node) -> str:
    """The type without where its value stands."""
    return " ".join(word for word in type_of(node).split() if word not in ("memory", "calldata", "storage", "ref"))
