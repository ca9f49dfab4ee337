"""The indexer on a real chain with real contracts: the store says what the contracts say, on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode
from msgspec import structs
from sqlalchemy import Table, func, select

from builders import Deployment, deploy_on, signer, start_anvil
from chainpoints.chain.client import ChainClient, Log
from chainpoints.chain.compiler import Artifact
from chainpoints.chain.events import DECODERS, EventDecoder, topic
from chainpoints.chain.manifest import load_manifest
from chainpoints.chain.signer import role_address
from chainpoints.domain.forecast import Holding, released
from chainpoints.domain.terms import Terms
from chainpoints.errors import Conflict
from chainpoints.indexer.service import rebuild
from chainpoints.store import tables
from chainpoints.store.chain_rows import LatestStates, chain_state
from chainpoints.store.programs import programs
from chainpoints.store.session import Store
from chainpoints.store.wallets import Freeze, cancelled_at, freezes
from chainpoints.types import ZERO_ADDRESS, NodeId
from economy import FEC, INSTALMENTS, Economy
from indexing import catch_up, digests, following, fresh_digests
from log_sums import MULTIPLIERS

PIECES = ("split", "merge", "give", "take", "takeBack", "setBeneficiary", "cancelPayments")

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def lived(
    tmp_path_factory: pytest.TempPathFactory, artifacts: dict[str, Artifact]
) -> Iterator[tuple[Deployment, Economy]]:
    """A chain on which everything that makes rows has happened."""
    chain = start_anvil()
    deployment = deploy_on(chain, tmp_path_factory.mktemp("lived"), artifacts)
    economy = Economy(deployment)
    economy.set_up()
    economy.live(250)
    payout = Economy(deployment).payouts[2]
    economy.send(payout, "PaymentProcessor", "setPayout", 2, economy.people[0])
    economy.send(economy.roles["registrar"], "PaymentProcessor", "setActive", 2, False)
    economy.replace_program(INSTALMENTS)
    yield deployment, economy
    chain.stop()


@pytest.fixture
def indexed(lived: tuple[Deployment, Economy], store: Store) -> tuple[Deployment, Economy, Store]:
    with following(lived[0], store) as follower:
        catch_up(follower)
    return *lived, store


def rows(store: Store, table: Table) -> list[dict[str, Any]]:
    with store.read() as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]


def stored_programs(store: Store) -> dict[int, Terms]:
    with store.read() as connection:
        return programs(connection, 10**9)


def test_everything_happened(lived: tuple[Deployment, Economy]) -> None:
    """Without this the tests below could agree about nothing."""
    done = lived[1].notes.done
    for function in (
        "pay",
        "payBatch",
        "refund",
        "claim",
        "transfer",
        "transferFrom",
        "issue",
        "issueReserve",
        *PIECES,
    ):
        assert done[function] >= 1, f"{function} never happened: {done}"


def test_each_event_is_declared_by_its_contract(artifacts: dict[str, Artifact]) -> None:
    for contract, signature in DECODERS:
        declared = {event(entry) for entry in artifacts[contract].abi if entry["type"] == "event"}
        assert signature in declared


def test_real_logs_are_decoded_as_their_abi_says(
    lived: tuple[Deployment, Economy], artifacts: dict[str, Artifact]
) -> None:
    """Each log of the chain, decoded by this project and by the general decoder, gives the same values."""
    deployment, _ = lived
    manifest = deployment.manifest
    client = ChainClient(deployment.rpc, [contract.address for contract in manifest.contracts.values()])
    decoder = EventDecoder(manifest)
    declared = {
        (manifest.address(contract), topic(event(entry))): entry
        for contract, _ in DECODERS
        for entry in artifacts[contract].abi
        if entry["type"] == "event"
    }
    seen = set()
    for block in client.read(client.download(manifest.first_block, deployment.anvil.head())):
        for log in block.logs:
            for found in decoder.events([log]):
                entry = declared[log.address, log.topics[0]]
                expected = values_of(entry, log)
                fields = structs.astuple(found)[3:]
                assert comparable(fields) == comparable(expected)[: len(fields)]
                seen.add((log.address, log.topics[0]))
    assert len(seen) == len(DECODERS), "some events did not happen"


def values_of(entry: dict[str, Any], log: Log) -> list[Any]:
    """The event's values by eth_abi, indexed ones first, structs laid flat."""
    indexed = [parameter for parameter in entry["inputs"] if parameter["indexed"]]
    topics = [decode([p["type"]], bytes.fromhex(t[2:]))[0] for p, t in zip(indexed, log.topics[1:], strict=True)]
    kinds = [kind(parameter) for parameter in entry["inputs"] if not parameter["indexed"]]
    flat: list[Any] = []
    for value in decode(kinds, bytes.fromhex(log.data[2:])):
        flat += value if isinstance(value, tuple) else [value]
    if entry["name"] == "Transfer" and len(topics) == 3:
        topics = [topics[2], *topics[:2]]
    return topics + flat


def comparable(values: Sequence[Any]) -> list[str]:
    """Values as texts: bytes as the store has them, booleans and enum members as numbers."""
    plain = [int(value) if isinstance(value, bool) else value for value in values]
    return ["0x" + value.hex() if isinstance(value, bytes) else str(value) for value in plain]


def kind(parameter: dict[str, Any]) -> str:
    inner = ",".join(kind(component) for component in parameter.get("components", []))
    return str(parameter["type"]).replace("tuple", f"({inner})")


def event(entry: dict[str, Any]) -> str:
    return f"{entry['name']}({','.join(kind(parameter) for parameter in entry['inputs'])})"


def test_balances_are_those_of_the_token(indexed: tuple[Deployment, Economy, Store]) -> None:
    deployment, economy, store = indexed
    accounts = {row["account"] for row in rows(store, tables.balances)}
    assert set(economy.people) < accounts
    with store.read() as connection:
        found = LatestStates(connection).balances(accounts)
    assert found.pop(ZERO_ADDRESS) == -economy.read("PointsToken", "totalSupply")
    assert found == {account: economy.balance(account) for account in accounts - {ZERO_ADDRESS}}


def test_books_are_those_of_the_programs(indexed: tuple[Deployment, Economy, Store]) -> None:
    _, economy, store = indexed
    with store.read() as connection:
        found = LatestStates(connection).books([FEC, INSTALMENTS])
    for program in (FEC, INSTALMENTS):
        assert found[program] == (
            program == INSTALMENTS,
            MULTIPLIERS[program],
            *economy.read("ReleaseNode", "books", program),
        )
        assert found[program][3] > 0, "nothing is committed"


def test_programs_have_the_terms_on_chain(indexed: tuple[Deployment, Economy, Store]) -> None:
    _, economy, store = indexed
    for row in rows(store, tables.programs):
        assert row.pop("name") == economy.read("Programs", "programName", row["program"])
        funding, *terms, terms_hash = economy.read("Programs", "terms", row.pop("program"))
        assert row.pop("block_number") > 0
        assert (row.pop("funding"), row.pop("terms_hash")) == (("EMISSION", "FUNDED")[funding], "0x" + terms_hash.hex())
        shape, amounts, growth = terms[:5], terms[5:8], terms[8:]
        assert list(row.values()) == [*shape, *growth, *amounts]


def test_nodes_are_those_of_the_contract(indexed: tuple[Deployment, Economy, Store]) -> None:
    _, economy, store = indexed
    ids = {row["node"] for row in rows(store, tables.nodes)}
    with store.read() as connection:
        found = LatestStates(connection).nodes(ids)
    assert {int(node) for node in ids} == set(economy.notes.nodes)
    ended = 0
    now = economy.now()
    grids = {number: terms.grid for number, terms in stored_programs(store).items()}
    for node, (program, start, owner, total, claimed, claimed_periods, beneficiary, given_until) in found.items():
        on_chain = economy.node(int(node))
        if on_chain is None:
            ended += 1
            assert (owner, total, claimed, claimed_periods) == (ZERO_ADDRESS, 0, 0, 0)
            assert (beneficiary, given_until) == (None, None)
        else:
            assert on_chain[:5] == (owner, program, start, total, claimed)
            assert on_chain[5:] == (
                Holding(program, grids[program], start, total, claimed).claimable(now),
                claimed_periods,
            )
            assert economy.read("ReleaseNode", "beneficiaryOf", int(node)) == (beneficiary or ZERO_ADDRESS)
            assert economy.read("ReleaseNode", "giftOf", int(node))[1] == (given_until or 0)
            assert NodeId.from_token_id(int(node)).program == program
    assert 0 < ended < len(ids), "some nodes were undone, some stand"
    grid_of = {row["node"]: grids[row["program"]] for row in rows(store, tables.nodes)}
    assert any(
        row["claimed"] > released(grid_of[row["node"]].schedule, row["total"], row["claimed_periods"])
        for row in rows(store, tables.nodes)
    ), "no split paid a node ahead of its schedule"


def test_who_is_frozen_and_why(indexed: tuple[Deployment, Economy, Store]) -> None:
    """Of every two strangers the second is free again (economy)."""
    deployment, economy, store = indexed
    strangers = [signer(f"stranger {number}").address for number in range(economy.notes.frozen)]
    assert len(strangers) >= 2
    with store.read() as connection:
        found = freezes(connection, strangers, 10**9, now=1)
    for each in strangers[::2]:
        until = economy.read("PointsToken", "frozenUntil", each)
        guardian = role_address(deployment.settings, "guardian")
        assert found.pop(each) == Freeze(until, guardian, "stolen key – 被盗")
    assert found == {}


def test_who_took_payments_back_and_which_program_is_replaced(indexed: tuple[Deployment, Economy, Store]) -> None:
    _, economy, store = indexed
    with store.read() as connection:
        cancelled = cancelled_at(connection, list(economy.people), 10**9)
    on_chain = {each: economy.read("PointsToken", "paymentsCancelledAt", each) for each in economy.people}
    assert cancelled == {each: at for each, at in on_chain.items() if at}
    assert cancelled
    (row,) = rows(store, tables.replacements)
    by, closes_at = economy.read("Programs", "replacementOf", INSTALMENTS)
    assert (row["program"], row["replaced_by"], row["closes_at"]) == (INSTALMENTS, by, closes_at)


def test_merchants_are_those_of_the_registry(indexed: tuple[Deployment, Economy, Store]) -> None:
    _, economy, store = indexed
    with store.read() as connection:
        found = LatestStates(connection).merchants([1, 2])
    for merchant in (1, 2):
        payout, active, paid, issued, quota, _, _ = economy.read("PaymentProcessor", "merchantOf", merchant)
        # A limit above what a column holds can never bind: it is kept as the largest number.
        name = f"Merchant {merchant} – 商店"
        assert found[merchant] == (payout, name, active, paid, min(issued, 2**63 - 1), quota)
    assert not found[2][2]


def test_payments_less_refunds_are_what_the_processor_keeps(indexed: tuple[Deployment, Economy, Store]) -> None:
    _, economy, store = indexed
    refunds = rows(store, tables.refunds)
    assert refunds
    for row in rows(store, tables.payments):
        order = bytes.fromhex(row["order_hash"][2:])
        _, refunded, _ = economy.read("PaymentProcessor", "orderOf", row["merchant"], order)
        of_order = [refund["amount"] for refund in refunds if refund["order_hash"] == row["order_hash"]]
        assert sum(of_order) == refunded <= row["amount"]


def test_every_block_is_stored_with_its_parent(indexed: tuple[Deployment, Economy, Store]) -> None:
    deployment, _, store = indexed
    stored = sorted(rows(store, tables.blocks), key=lambda row: row["number"])
    assert [row["number"] for row in stored] == list(
        range(deployment.manifest.first_block, deployment.anvil.head() + 1)
    )
    assert all(child["parent_hash"] == parent["hash"] for parent, child in zip(stored, stored[1:], strict=False))


def test_the_state_of_the_chain(indexed: tuple[Deployment, Economy, Store]) -> None:
    deployment, _, store = indexed
    head = deployment.anvil.head()
    with store.read() as connection:
        state = chain_state(connection, deployment.manifest.chain_id)
    assert state is not None
    assert (state.node_head, state.safe, state.final, state.halted) == (head, head - 32, head - 64, None)


def test_both_databases_and_a_rebuild_give_the_same_rows(
    indexed: tuple[Deployment, Economy, Store], tmp_path: Path
) -> None:
    deployment, _, store = indexed
    before = digests(store)
    assert before == fresh_digests(deployment, tmp_path)
    told: list[int] = []
    manifest = load_manifest(deployment.settings.manifest)
    rebuild(deployment.settings, manifest, store, lambda done, total, where: told.append(done * 100 // total))
    assert digests(store) == before
    assert told == sorted(told)
    assert told[-1] == 100


def test_no_rebuild_while_an_indexer_runs(lived: tuple[Deployment, Economy], store: Store) -> None:
    with store.leader("index"), pytest.raises(Conflict, match="index"):
        rebuild(lived[0].settings, lived[0].manifest, store, lambda *_: None)


def test_block_by_block_gives_the_same_rows_as_ranges(
    artifacts: dict[str, Artifact], store: Store, tmp_path: Path
) -> None:
    chain = start_anvil()
    try:
        deployment = deploy_on(chain, tmp_path, artifacts)
        economy = Economy(deployment, seed=7)
        economy.set_up()
        with following(deployment, store) as follower:
            for _ in range(25):
                economy.live(1)
                follower.step()
        with store.read() as connection:
            assert connection.scalar(select(func.max(tables.blocks.c.number))) == chain.head()
        assert digests(store) == fresh_digests(deployment, tmp_path)
    finally:
        chain.stop()
