"""docs/contracts.md has a part for each operation, with the errors that the interfaces' NatSpec names.

The part of a function is the section whose heading names it and that has its signature as code, or the rows of tables
that begin with it. Whatever the compiled contracts have in their ABIs is named: functions as code, events and errors in
lists of events and of errors. In a list of errors a contract's name carries on to the names that follow:
"Programs_Unknown, Closed" means Programs_Closed as well.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from builders import is_deployed
from chainpoints.chain.compiler import Artifact, load_artifacts, project_root

pytestmark = pytest.mark.unit

READING = ("view", "pure")
HEADING = re.compile(r"^#{2,3} (.+)$", re.MULTILINE)
ERRORS_OF_ALL = re.compile(r"\bErrors(?: of `\w+`)?: .*?(?=\n\n|\Z)", re.DOTALL)
ERROR = re.compile(r"\b(?:([A-Z]\w+)_)?([A-Z]\w+)\b")
IN_NATSPEC = re.compile(r"\b(?:[A-Z][A-Za-z]+_|ERC\d+)[A-Z]\w+\b")
CODE = re.compile(r"`(\w+)[^`]*`")
SIGNATURE = re.compile(r"`(\w+)\([^`]*`")
EVENTS_OF_ALL = re.compile(r"\bEvents: .*?(?=\bErrors\b|\n\n|\Z)", re.DOTALL)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
FULL_FORM = re.compile(
    r"### [^\n]+\n\*[^*]+\*.*?^\|[^\n]+\n\|[-|]+\|\n\|.*?\bEvents: .*?\bErrors(?: of `\w+`)?: ",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\[[^]]+\]\(#([^)]+)\)")


@pytest.fixture(scope="module")
def document() -> str:
    return (project_root() / "docs" / "contracts.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def interfaces() -> list[Artifact]:
    return [one for one in load_artifacts().values() if one.source.startswith("contracts/interfaces/")]


@pytest.fixture(scope="module")
def deployed() -> list[Artifact]:
    return [one for one in load_artifacts().values() if is_deployed(one)]


def operations(interfaces: list[Artifact]) -> dict[str, set[str]]:
    """Each function that changes state, by name, with the errors that its NatSpec names itself."""
    named: dict[str, set[str]] = {}
    for interface in interfaces:
        for entry in interface.abi:
            if entry["type"] == "function" and entry["stateMutability"] not in READING:
                named.setdefault(entry["name"], set())
        for signature, user in interface.userdoc.get("methods", {}).items():
            if (name := signature.partition("(")[0]) in named:
                named[name] |= set(IN_NATSPEC.findall(user.get("notice", "")))
    return named


def errors(interfaces: list[Artifact]) -> set[str]:
    return {entry["name"] for interface in interfaces for entry in interface.abi if entry["type"] == "error"}


def parts(document: str) -> dict[str, set[str]]:
    """Of each function that the document has a part for, the errors that stand there."""
    found: dict[str, set[str]] = defaultdict(set)
    for section in re.split(r"^(?=#{2,3} )", document, flags=re.MULTILINE):
        heading = HEADING.match(section)
        written = set(SIGNATURE.findall(section))
        for name in heading[1].split(", ") if heading else []:
            if name in written:
                found[name] |= {error for text in ERRORS_OF_ALL.findall(section) for error in spelt_out(text)}
        for first, last in rows_with(section, "errors"):
            for name in CODE.findall(first):
                found[name] |= spelt_out(last)
    return found


def in_full_form(document: str) -> set[str]:
    """The functions whose section tells a purpose, a worked table, events and errors, in this order."""
    found: set[str] = set()
    for section in re.split(r"^(?=#{2,3} )", document, flags=re.MULTILINE):
        if FULL_FORM.match(section):
            found |= set(section.partition("\n")[0].lstrip("# ").split(", ")) & set(SIGNATURE.findall(section))
    return found


def of_contracts_alone(document: str) -> set[str]:
    """The functions that only another of the contracts may call: rows of one table."""
    (section,) = re.findall(r"^## Between the contracts\n(.*?)^## ", document, re.MULTILINE | re.DOTALL)
    return {name for first, _ in rows_with(section, "errors") for name in CODE.findall(first)}


def rows_with(text: str, column: str) -> Iterator[tuple[str, str]]:
    """The first cell and that of the column in each row, of tables that have such a column."""
    for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
        if column in rows[0]:
            yield from ((row[0], row[rows[0].index(column)]) for row in rows[2:])


def told(document: str) -> dict[str, set[str]]:
    """The names that stand anywhere, by the kinds of an ABI: as code, in lists of events, in lists of errors."""
    events = EVENTS_OF_ALL.findall(document) + [cell for _, cell in rows_with(document, "events")]
    errors = ERRORS_OF_ALL.findall(document) + [cell for _, cell in rows_with(document, "errors")]
    return {
        "function": set(CODE.findall(FENCED.sub("", document))),
        "event": set(re.findall(r"\w+", " ".join(events))),
        "error": {name for text in errors for name in spelt_out(text)},
    }


def untold(document: str, deployed: list[Artifact]) -> list[str]:
    """What the contracts have and the document never names: `<contract> <kind> <name>`."""
    names = told(document)
    return [
        f"{contract.name} {entry['type']} {entry['name']}"
        for contract in deployed
        for entry in contract.abi
        if entry["type"] in names and entry["name"] not in names[entry["type"]]
    ]


def spelt_out(text: str) -> set[str]:
    """The errors of a list, by their whole names. Other words with a capital count as names: no error has theirs."""
    contract, found = "", set()
    for prefix, name in ERROR.findall(text):
        contract = prefix or contract
        is_whole = not contract or name.startswith(("ERC", "SafeCast", "Panic"))
        found.add(name if is_whole else f"{contract}_{name}")
    return found


def missing(document: str, interfaces: list[Artifact]) -> list[str]:
    """What the document leaves out: `<function>` without a part, `<function>: <error>`, `<error>` that is nowhere."""
    found = parts(document)
    gaps = [name for name in operations(interfaces) if name not in found]
    for name, named in operations(interfaces).items():
        gaps += [f"{name}: {error}" for error in sorted(named - found[name]) if name not in gaps]
    return gaps + sorted(errors(interfaces) - set().union(*found.values()))


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_each_operation_has_a_part_that_names_its_errors(document: str, interfaces: list[Artifact]) -> None:
    assert missing(document, interfaces) == []


def test_whatever_the_deployed_contracts_have_is_named(document: str, deployed: list[Artifact]) -> None:
    assert {one.name for one in deployed} >= {"PaymentProcessor", "ReleaseNode", "NodeRenderer", "AccessManager"}
    assert len(deployed) == 7

    assert untold(document, deployed) == []
    assert [name for name in operations(deployed) if name not in parts(document)] == []


def test_each_operation_of_people_has_a_section_in_the_full_form(document: str, deployed: list[Artifact]) -> None:
    full = in_full_form(document)

    assert set(operations(deployed)) - full - of_contracts_alone(document) == set()
    assert not full & of_contracts_alone(document)


@pytest.mark.parametrize("part", ["Events: OperationScheduled;", "*A call that waits.*", "### schedule, "])
def test_a_section_that_lacks_a_part_is_not_in_the_full_form(document: str, part: str) -> None:
    assert document.count(part) == 1

    assert "schedule" not in in_full_form(document.replace(part, ""))


@pytest.mark.parametrize(
    ("text", "instead", "gap"),
    [
        ("`DOMAIN_SEPARATOR`", "that", "PointsToken function DOMAIN_SEPARATOR"),
        ("AuthorityUpdated", "Updated", "AnchorRegistry event AuthorityUpdated"),
        ("AccessManagedInvalidAuthority", "Invalid", "Programs error AccessManagedInvalidAuthority"),
        ("`setTargetClosed(", "`close(", "AccessManager function setTargetClosed"),
    ],
)
def test_a_name_that_is_taken_out_is_missed(
    document: str, deployed: list[Artifact], text: str, instead: str, gap: str
) -> None:
    assert gap in untold(document.replace(text, instead), deployed)


def test_the_contents_lead_to_each_section(document: str) -> None:
    sections = [anchor(heading) for heading in HEADING.findall(document)]
    holders = {"payments", "issues", "nodes", "programs", "merchants", "points", "anchors"}

    assert len(sections) == len(set(sections))
    assert set(LINK.findall(document)) == set(sections) - holders


@pytest.mark.parametrize(
    ("told", "instead", "gaps"),
    [
        ("`takeBack(uint256 id)`", "that", ["takeBack"]),
        ("Locked, Given, NotAlike", "Locked, Given", ["merge: ReleaseNode_NotAlike", "ReleaseNode_NotAlike"]),
        ("### setBeneficiary", "### custody", ["setBeneficiary"]),
        ("NotPayer, AlreadyPaid", "AlreadyPaid", ["pay: PaymentProcessor_NotPayer", "PaymentProcessor_NotPayer"]),
        ("| `undo(", "| `redo(", ["undo"]),
        ("FewerLeaves (", "(", ["append: AnchorRegistry_FewerLeaves", "AnchorRegistry_FewerLeaves"]),
        ("| AnchorRegistry_Unknown |", "| |", ["AnchorRegistry_Unknown"]),
        ("PointsToken_NotFrozen", "Programs_NotFrozen", ["unfreeze: PointsToken_NotFrozen", "PointsToken_NotFrozen"]),
    ],
)
def test_what_a_doctored_text_leaves_out_is_found(
    document: str, interfaces: list[Artifact], told: str, instead: str, gaps: list[str]
) -> None:
    assert document.count(told) == 1

    assert missing(document.replace(told, instead), interfaces) == gaps


def test_a_link_to_nowhere_and_a_section_without_one_are_found(document: str) -> None:
    doctored = document.replace("### merge", "### join")

    with pytest.raises(AssertionError):
        test_the_contents_lead_to_each_section(doctored)


def test_what_changes_state_is_told_from_what_reads(interfaces: list[Artifact]) -> None:
    named = operations(interfaces)

    assert {"pay", "approve", "transferWithAuthorization", "append", "settle"} <= set(named)
    assert not {"nodeOf", "issueHash", "balanceOf", "tokenURI"} & set(named)
    assert named["takeBack"] == {"ReleaseNode_NotGiven", "ReleaseNode_GiftRuns"}


def test_a_contract_name_carries_on() -> None:
    text = "Errors: ReleaseNode_Unknown, Locked; ERC721InvalidReceiver; Programs_Closed."

    assert spelt_out(text.removeprefix("Errors: ")) == {
        "ReleaseNode_Unknown",
        "ReleaseNode_Locked",
        "ERC721InvalidReceiver",
        "Programs_Closed",
    }


NEVER_WRITTEN = {
    "PaymentProcessor": {"_nameFallback", "_versionFallback"},
    "ReleaseNode": {"_name", "_symbol", "_owners", "_balances", "_nameFallback", "_versionFallback"},
    "PointsToken": {"_balances", "_totalSupply", "_name", "_symbol", "_nameFallback", "_versionFallback"},
    "Programs": set(),
    "AnchorRegistry": set(),
}
"""As the document says: names and versions, and what OpenZeppelin's bases keep and ours keep elsewhere."""


@pytest.mark.parametrize("name", NEVER_WRITTEN)
def test_the_storage_diagram_has_the_slots_of_the_compiled_contract(document: str, name: str) -> None:
    """Every slot that is written after deployment, and no other, by its number."""
    (diagram,) = re.findall(rf"^{name}\n(.*?)(?:\n\n|\n```)", document, re.MULTILINE | re.DOTALL)
    drawn = {int(number) for number in re.findall(r"^ ?(\d+)  \S", diagram, re.MULTILINE)}
    layout = load_artifacts()[name].storage_layout["storage"]
    assert {entry["label"] for entry in layout} >= NEVER_WRITTEN[name]
    assert drawn == {int(entry["slot"]) for entry in layout if entry["label"] not in NEVER_WRITTEN[name]}
