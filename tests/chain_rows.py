"""Rows as the indexer writes them, by hand: for tests of the API that need no chain. Blocks are a day apart."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, insert

from chainpoints.chain.local import GENESIS_TIMESTAMP
from chainpoints.chain.manifest import CompilerSettings, DeployedContract, DeployedProgram, Manifest
from chainpoints.store import tables
from chainpoints.types import ONE_POINT, ZERO_ADDRESS, Address, Hash32, NodeId

DAY = 86_400
EPOCH = GENESIS_TIMESTAMP // DAY * DAY
FEC, INSTALMENTS = 1, 2
BLOCKS, SAFE, FINAL = 40, 30, 20

NAMES = {FEC: "FEC", INSTALMENTS: "Instalments"}

_ZERO_HASH = Hash32("0x" + "00" * 32)

MANIFEST = Manifest(
    chain_id=31337,
    first_block=1,
    first_nonce=0,
    deployer=Address("0x" + "d0" * 20),
    contracts={
        name: DeployedContract(Address(f"0x{number:040x}"), _ZERO_HASH, 1)
        for number, name in enumerate(("PointsToken", "Programs", "PaymentProcessor", "ReleaseNode"), start=0xC0)
    },
    compiler=CompilerSettings("0.8.37", 200, True, "cancun"),
    roles={},
    programs=[FEC, INSTALMENTS],
    terms={str(number): DeployedProgram(name, "terms.md", _ZERO_HASH) for number, name in NAMES.items()},
)


def block_hash(number: int, branch: int = 0) -> str:
    return f"0x{branch:032x}{number:032x}"


def timestamp(number: int) -> int:
    return EPOCH + number * DAY


@dataclass
class ChainRows:
    """Writes chain-derived rows in one transaction. `supply` is what was minted so far."""

    connection: Connection
    supply: int = 0
    places: dict[int, int] = field(default_factory=dict)

    def blocks(self, first: int = 1, last: int = BLOCKS, branch: int = 0) -> None:
        for number in range(first, last + 1):
            self._add(
                tables.blocks,
                number=number,
                hash=block_hash(number, branch),
                parent_hash=block_hash(number - 1, branch),
                timestamp=timestamp(number),
            )

    def state(self, *, head: int = BLOCKS, safe: int = SAFE, final: int = FINAL, halted: str | None = None) -> None:
        self._add(
            tables.chain_state,
            chain_id=31337,
            genesis_hash=block_hash(0),
            first_block=1,
            node_head=head,
            safe=safe,
            final=final,
            checked_at=int(time.time()),
            halted=halted,
        )

    def program(self, program: int, *, funding: str = "EMISSION", block: int = 1, **terms: Any) -> None:
        growth = (21, 20) if funding == "EMISSION" else (1, 1)
        self._add(
            tables.programs,
            **{
                "program": program,
                "block_number": block,
                "funding": funding,
                "divert_bps": 1_000,
                "multiplier": 10 if funding == "EMISSION" else 2,
                "periods": 100 if funding == "EMISSION" else 60,
                "period_length": 7 * DAY if funding == "EMISSION" else DAY,
                "epoch": EPOCH,
                "growth_numerator": growth[0],
                "growth_denominator": growth[1],
                "min_payment": ONE_POINT,
                "payer_period_cap": 10_000 * ONE_POINT,
                "cap": 10**8 * ONE_POINT,
                "terms_hash": _ZERO_HASH,
                "name": NAMES[program],
                **terms,
            },
        )

    def merchant(self, merchant: int, payout: str, *, active: bool = True, block: int = 1) -> None:
        self._add(
            tables.merchants,
            merchant=merchant,
            block_number=block,
            payout=payout,
            name=f"Merchant {merchant}",
            active=active,
            paid_per_day=10**5 * ONE_POINT,
            issued_per_day=10**5 * ONE_POINT,
            quota=10**5 * ONE_POINT,
        )

    def balance(self, account: str, amount: int, *, block: int = 2) -> None:
        """What the account holds after the block; points that it did not hold before are minted."""
        self.supply += amount
        self._add(tables.balances, account=account, block_number=block, amount=amount)

    def minted(self, *, block: int = 2) -> None:
        self._add(tables.balances, account=ZERO_ADDRESS, block_number=block, amount=-self.supply)

    def books(self, program: int, *, block: int = 3, **amounts: int) -> None:
        zero = {"diverted": 0, "committed": 0, "released": 0, "reserve": 0}
        self._add(tables.books, program=program, block_number=block, **zero | amounts)

    def node(self, origin: str, start: int, total: int, *, program: int = FEC, block: int = 3, **state: Any) -> str:
        """A node as it stands after the block, of whom it was made for unless `owner` says otherwise; its id."""
        node_id = str(NodeId.of_payment(program, start, Address(origin)))
        values = {"claimed": 0, "claimed_periods": 0, "owner": origin} | state
        self._add(tables.nodes, node=node_id, block_number=block, program=program, start=start, total=total, **values)
        return node_id

    def event(self, table: Table, block: int, **columns: Any) -> None:
        """An event in the next free place of the block."""
        place = self.places[block] = self.places.get(block, -1) + 1
        self._add(
            table,
            block_number=block,
            log_index=place,
            transaction_hash=f"0x{block:060x}{place:04x}",
            **columns,
        )

    def transfer(self, block: int, sender: str, receiver: str, amount: int) -> None:
        self.event(tables.transfers, block, sender=sender, receiver=receiver, amount=amount)

    def payment(
        self, block: int, order_hash: str, payer: str, amount: int, *, merchant: int = 1, start: int = 4
    ) -> None:
        diverted = amount // 10
        self.event(
            tables.payments,
            block,
            merchant=merchant,
            order_hash=order_hash,
            payer=payer,
            program=FEC,
            start=start,
            amount=amount,
            diverted=diverted,
            total=diverted * 10,
        )

    def _add(self, table: Table, **columns: Any) -> None:
        self.connection.execute(insert(table).values(columns))
