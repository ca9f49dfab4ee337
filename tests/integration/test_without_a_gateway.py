"""docs/without-a-gateway.md: its blocks, one after the other, by a person with points against a real deployment."""

from __future__ import annotations

import re
from typing import Any

import pytest
from eth_utils.crypto import keccak

from builders import ROOT, Deployment, private_key
from chainpoints.types import ONE_POINT
from economy import FEC, INSTALMENTS, WEEK, Economy

pytestmark = pytest.mark.integration

_PAGE = ROOT / "docs/without-a-gateway.md"
_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
_HEADINGS = re.compile(r"^## ", re.MULTILINE)


def run(text: str, page: dict[str, Any]) -> None:
    """The blocks of a part of the page, as written."""
    for number, block in enumerate(_BLOCK.findall(text), start=1):
        exec(compile(block, f"{_PAGE.name}, block {number} of its part", "exec"), page)


def test_every_block_does_what_the_page_says(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    economy = Economy(deployment, people=2)
    economy.set_up()
    person, other = economy.people
    economy.send(other, "PaymentProcessor", "pay", (1, INSTALMENTS, 50 * ONE_POINT, other, keccak(b"another order")))
    monkeypatch.setenv("RPC_URL", deployment.anvil.url)
    manifest = deployment.settings.deployments / f"{deployment.manifest.chain_id}.json"
    monkeypatch.setenv("DEPLOYMENT", str(manifest))
    monkeypatch.setenv("KEY", "0x" + private_key("person 0").hex())
    monkeypatch.setenv("ORDER", "0x" + keccak(b"an order of merchant 1").hex())
    start, person_part, anyone, merchant, auditor = _HEADINGS.split(_PAGE.read_text())
    page: dict[str, Any] = {}

    run(start + person_part, page)
    assert page["points"] == 800 * ONE_POINT
    assert economy.balance(person) == 700 * ONE_POINT
    (node,) = page["ids"]
    assert economy.node(node)[:5] == (person.lower(), FEC, 1, 100 * ONE_POINT, 0)  # type: ignore[index]

    run(anyone, page)
    assert page["due"] == []

    deployment.anvil.move_to(economy.now() + 2 * WEEK)
    economy.send(person, "ReleaseNode", "split", node, [10 * ONE_POINT])
    run(person_part[person_part.index("The nodes") :], page)
    (piece,) = set(page["ids"]) - {node}
    economy.send(person, "ReleaseNode", "merge", node, [piece])  # so one of the ids is no more
    before = economy.balance(person)

    deployment.anvil.move_to(economy.now() + WEEK)
    run(anyone, page)
    assert page["due"] == [node]
    assert set(page["nodes"]) == {node}
    assert economy.balance(person) == before + page["nodes"][node][5] > before
    assert economy.node(node)[5] == 0  # type: ignore[index]

    run(merchant, page | {"PRICE": 100 * ONE_POINT, "PROGRAM": FEC, "order": keccak(b"of nobody")})
    page |= {"PRICE": 100 * ONE_POINT, "PROGRAM": FEC}
    run(merchant, page)
    assert page["is_paid"]
    assert (page["program"], page["start"], page["amount"], page["left"]) == (FEC, 1, 100 * ONE_POINT, 100 * ONE_POINT)

    run(auditor, page)
    assert page["count"] == 2
    assert page["supply"] == economy.read("PointsToken", "totalSupply")
    assert page["reserves"] > 20_000 * ONE_POINT
