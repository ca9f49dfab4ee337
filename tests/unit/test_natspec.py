"""NatSpec is complete: what solc knows of each contract (userdoc, devdoc) is held against its ABI.

An interface says all of what it declares; who implements it says the same, by @inheritdoc. What a contract declares
itself it documents itself. What comes from packages is theirs to document. Internal functions are in neither output of
solc: those of libraries and of user-defined types are looked up in the sources.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest

from chainpoints.chain.compiler import Artifact, load_artifacts, project_root

pytestmark = pytest.mark.unit

CONTRACTS = project_root() / "contracts"
KINDS = {"function": "methods", "event": "events", "error": "errors"}
COMMENT_OR_STRING = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", re.DOTALL)
DECLARATION = re.compile(r"\b(function|event|error)\s+(\w+)\s*\(([^()]*)\)([^;{]*)")
VARIABLE = re.compile(r"^ {4}(?!function)(\S[^;{]*?)\bpublic(?: constant| immutable)? (\w+)\s*[=;]", re.MULTILINE)

Entry = dict[str, Any]
"""Of an ABI."""
Declaration = tuple[str, str, int]
"""Kind, name and how many parameters: what tells ours from what packages declare."""
Documents = dict[tuple[str, str], tuple[str, dict[str, Any]]]
"""The notice, and the parameters and return values, by kind and signature."""


@pytest.fixture(scope="module")
def artifacts() -> dict[str, Artifact]:
    return {name: artifact for name, artifact in load_artifacts().items() if artifact.source.startswith("contracts/")}


@pytest.fixture(scope="module")
def ours() -> set[Declaration]:
    return declared_in("\n".join(path.read_text(encoding="utf-8") for path in sorted(CONTRACTS.rglob("*.sol"))))


def declared_in(source: str) -> set[Declaration]:
    """What is declared for the first time: an override is of what a package, or another file of ours, declares."""
    code = COMMENT_OR_STRING.sub("", source)
    declared = {
        (kind, name, params.count(",") + 1 if params.strip() else 0)
        for kind, name, params, rest in DECLARATION.findall(code)
        if not re.search(r"\boverride\b", rest)
    }
    return declared | {("variable", name, kind.count("=>")) for kind, name in VARIABLE.findall(code)}


def signature(entry: dict[str, Any]) -> str:
    def canonical(parameter: dict[str, Any]) -> str:
        kind: str = parameter["type"]
        if not kind.startswith("tuple"):
            return kind
        return f"({','.join(map(canonical, parameter['components']))}){kind.removeprefix('tuple')}"

    return f"{entry['name']}({','.join(map(canonical, entry['inputs']))})"


def entries(artifact: Artifact) -> list[Entry]:
    return [entry for entry in artifact.abi if entry["type"] in KINDS]


def documents_of(artifact: Artifact) -> Documents:
    """What solc knows of each entry of the ABI. Of errors it has lists, since two may have one signature."""
    documents: Documents = {}
    for entry in entries(artifact):
        kind, text = KINDS[entry["type"]], signature(entry)
        user, dev = (doc.get(kind, {}).get(text, {}) for doc in (artifact.userdoc, artifact.devdoc))
        user, dev = (found[0] if isinstance(found, list) else found for found in (user, dev))
        documents[entry["type"], text] = user.get("notice", ""), dev
    return documents


def missing(artifact: Artifact, ours: set[Declaration], inherited: Documents) -> Iterator[str]:
    """Each piece that a contract leaves unsaid, as `<contract>.<name>: <tag>`. `inherited` is what interfaces say."""
    if not artifact.devdoc.get("title"):
        yield f"{artifact.name}: @title"
    documents = documents_of(artifact)
    for entry in entries(artifact):
        kind, name, count = entry["type"], entry["name"], len(entry["inputs"])
        is_declared, is_variable = (kind, name, count) in ours, ("variable", name, count) in ours
        key = kind, signature(entry)
        notice, dev = documents[key]
        if not (is_declared or is_variable):
            continue
        if not notice:
            yield f"{artifact.name}.{name}: @notice"
        elif key in inherited and inherited[key][0] != notice:
            yield f"{artifact.name}.{name}: @inheritdoc"
        # An implementation may call a parameter otherwise; of a variable that no interface has, the notice is enough.
        if is_interface(artifact) or (is_declared and key not in inherited):
            yield from (f"{artifact.name}.{name}: {tag}" for tag in missing_tags(entry, notice, dev))


def missing_tags(entry: Entry, notice: str, dev: dict[str, Any]) -> Iterator[str]:
    for name in (parameter["name"] for parameter in entry["inputs"]):
        if not dev.get("params", {}).get(name) and not (entry["type"] == "error" and f"`{name}`" in notice):
            yield f"@param {name}"
    for position, output in enumerate(entry.get("outputs", [])):
        if not dev.get("returns", {}).get(output["name"] or f"_{position}"):
            yield f"@return {output['name'] or position}"


def is_interface(artifact: Artifact) -> bool:
    return artifact.source.startswith("contracts/interfaces/")


def interfaces_of(artifacts: dict[str, Artifact]) -> Documents:
    interfaces = filter(is_interface, artifacts.values())
    return {key: said for artifact in interfaces for key, said in documents_of(artifact).items()}


def undocumented(source: str) -> list[str]:
    """The functions above which no NatSpec stands."""
    lines = source.splitlines()
    functions = [(re.match(r"\s*function (\w+)", line), lines[max(i - 1, 0)]) for i, line in enumerate(lines)]
    return [found[1] for found, above in functions if found and not above.lstrip().startswith("///")]


def test_whatever_is_declared_is_documented(artifacts: dict[str, Artifact], ours: set[Declaration]) -> None:
    inherited = interfaces_of(artifacts)

    assert [piece for artifact in artifacts.values() for piece in missing(artifact, ours, inherited)] == []


@pytest.mark.parametrize("folder", ["libraries", "types"])
def test_each_function_of_libraries_and_types_says_what_it_is(folder: str) -> None:
    files = sorted((CONTRACTS / folder).glob("*.sol"))

    assert files
    assert {path.name: names for path in files if (names := undocumented(path.read_text(encoding="utf-8")))} == {}


@pytest.mark.parametrize(
    ("name", "path", "piece"),
    [
        ("IReleaseNode", "devdoc methods split(uint256,uint64[]) params totals", "IReleaseNode.split: @param totals"),
        ("IReleaseNode", "devdoc methods nodeOf(uint256) returns _0", "IReleaseNode.nodeOf: @return 0"),
        ("IReleaseNode", "devdoc methods giftOf(uint256) returns expiry", "IReleaseNode.giftOf: @return expiry"),
        ("IReleaseNode", "userdoc methods takeBack(uint256) notice", "IReleaseNode.takeBack: @notice"),
        ("IReleaseNode", "devdoc events TakenBack(uint256,address) params id", "IReleaseNode.TakenBack: @param id"),
        ("IPointsToken", "userdoc methods SUPPLY_CAP() notice", "IPointsToken.SUPPLY_CAP: @notice"),
        ("ReleaseNode", "userdoc methods RENDERER() notice", "ReleaseNode.RENDERER: @notice"),
        ("ReleaseNode", "userdoc methods giftOf(uint256) notice", "ReleaseNode.giftOf: @notice"),
        ("ScheduleMath", "devdoc title", "ScheduleMath: @title"),
    ],
)
def test_a_piece_that_is_taken_away_is_named(
    artifacts: dict[str, Artifact], ours: set[Declaration], name: str, path: str, piece: str
) -> None:
    artifact = copy.deepcopy(artifacts[name])
    document, *keys, last = path.split(" ")
    place = getattr(artifact, document)
    for key in keys:
        place = place[key]
    del place[last]

    assert list(missing(artifact, ours, interfaces_of(artifacts))) == [piece]


def test_a_parameter_of_an_error_is_named_in_its_notice_or_has_words_of_its_own(
    artifacts: dict[str, Artifact], ours: set[Declaration]
) -> None:
    artifact = copy.deepcopy(artifacts["IReleaseNode"])
    error = "ReleaseNode_NotGiven(uint256)"
    artifact.userdoc["errors"][error] = [{"notice": "The node is not given."}]

    assert list(missing(artifact, ours, {})) == ["IReleaseNode.ReleaseNode_NotGiven: @param id"]

    artifact.devdoc.setdefault("errors", {})[error] = [{"params": {"id": "The node's id."}}]
    assert list(missing(artifact, ours, {})) == []


def test_an_implementation_says_what_its_interface_says(artifacts: dict[str, Artifact], ours: set[Declaration]) -> None:
    artifact = copy.deepcopy(artifacts["ReleaseNode"])
    artifact.userdoc["methods"]["takeBack(uint256)"] = {"notice": "Something else."}

    assert list(missing(artifact, ours, interfaces_of(artifacts))) == ["ReleaseNode.takeBack: @inheritdoc"]


def test_what_packages_declare_is_not_ours(ours: set[Declaration]) -> None:
    source = """
    // function commented(uint256 a) external;
    string constant TEXT = "function quoted() external;";
    error Failed(uint256 a, address b);
    mapping(address owner => mapping(uint256 id => bool)) public seen;
    uint256 public immutable LIMIT;
    uint256 private hidden;
    function first(
        uint256 a,
        bytes calldata b
    ) external;
    function second() public override(Here, There) {}
    """

    assert declared_in(source) == {
        ("error", "Failed", 2),
        ("variable", "seen", 2),
        ("variable", "LIMIT", 0),
        ("function", "first", 2),
    }
    # The token's permit with bytes is ours, the one of EIP-2612 is not.
    assert ("function", "permit", 5) in ours
    assert ("function", "permit", 7) not in ours
    assert ("function", "transferFrom", 3) not in ours
    assert {("variable", "TOKEN", 0), ("variable", "claimAllowance", 3), ("variable", "programCount", 0)} <= ours


def test_a_function_without_a_line_above_it_is_found() -> None:
    source = "/// @notice Says.\nfunction said() internal {}\n\n// Not NatSpec.\nfunction unsaid() internal {}\n"

    assert undocumented(source) == ["unsaid"]
