"""Answers about the chain: status, programs, wallets, nodes."""

from __future__ import annotations

from pydantic import Field

from chainpoints.api.schemas.base import Address, Amount, AtQuery, Hash, NodeIdText, Ratio, ReadAt, Shape, Timestamp


class Totals(Shape):
    """Counts of what happened; what exists, is owed and was paid, as of the block; what became of relay requests."""

    read_at: ReadAt
    requests: dict[str, int] = Field(description="relay requests by state", examples=[{"mined": 6800, "refused": 12}])
    refusals: dict[str, int] = Field(
        description="refused relay requests by the contract's error",
        examples=[{"PointsToken_PersonLimitExceeded": 12}],
    )
    supply: Amount
    payments: int = Field(examples=[2112])
    refunds: int = Field(examples=[0])
    issues: int = Field(examples=[4700])
    claims: int = Field(examples=[9311])
    transfers: int = Field(examples=[16000])
    nodes: int = Field(examples=[3050])
    paid: Amount = Field(description="by all payments in points, whatever was refunded of them later")
    refunded: Amount = Field(description="by all refunds: the merchants' shares and what came out of nodes")
    issued: Amount = Field(description="for orders paid in money: points and node totals; reserves are not counted")
    diverted: Amount = Field(description="into nodes by payments, less what refunds took back")
    claimed: Amount
    committed: Amount


class IndexState(Shape):
    """How far the index has followed the chain. `checked_at` is wall-clock time; all else is chain time and numbers."""

    head: int = Field(examples=[812])
    safe: int = Field(examples=[780])
    final: int = Field(examples=[748])
    node_head: int = Field(description="the highest block that the chain's node told of", examples=[812])
    lag: int = Field(description="blocks that are still to be read", examples=[0])
    first_block: int = Field(examples=[1])
    checked_at: Timestamp
    halted: str | None = Field(description="why indexing stopped for good; null while all is well", examples=[None])
    trouble: str | None = Field(
        description="why nothing new is stored at the moment, as when two providers disagree; null while all is well",
        examples=[None],
    )


class LaneState(Shape):
    """A key of the relayer: `relayer` sends payments, refunds and claims, `issuer` issues, `registrar` merchants."""

    name: str = Field(examples=["issuer"])
    sender: Address = Field(description="the account that it sends from")
    trouble: str | None = Field(
        description="why it sends nothing at the moment and what to do; null while all is well", examples=[None]
    )


class StatusQuery(AtQuery):
    due_by: int = Field(
        2**53, ge=0, le=2**53, description="count only open requests that may be carried out at this chain time"
    )


class Status(Shape):
    read_at: ReadAt
    index: IndexState
    open_requests: int = Field(description="relay requests without an effect in the chain as it was read", examples=[0])
    lanes: list[LaneState] = Field(description="the relayer's lanes as they stand; empty until a relayer has run")
    contracts: dict[str, Address] = Field(examples=[{"PointsToken": "0x5fbdb2315678afecb367f032d93f642f64180aa3"}])


class TermsShape(Shape):
    """The rules of a program; they never change."""

    funding: str = Field(examples=["EMISSION"])
    divert_bps: int = Field(description="share of a payment that makes a node, in basis points", examples=[1000])
    multiplier: int = Field(description="a node's total for each point diverted", examples=[10])
    periods: int = Field(examples=[100])
    period_length: int = Field(description="seconds", examples=[604800])
    epoch: Timestamp
    growth: str = Field(description="each period's release to the one before", examples=["21/20"])
    min_payment: Amount
    payer_period_cap: Amount
    cap: Amount
    terms_hash: Hash
    half_released_after: int = Field(description="periods", examples=[86])
    words: list[str] = Field(examples=[["10% of a payment goes into a release node of the payer; ..."]])


class BooksShape(Shape):
    diverted: Amount
    committed: Amount
    released: Amount
    reserve: Amount


class Solvency(Shape):
    """How what the program owes is covered, and what paying it does to everyone's points."""

    covered: bool = Field(description="FUNDED: reserve >= committed; EMISSION: released + committed <= cap")
    reserve_to_committed: Ratio = Field(examples=["1.250000"])
    cap_use: Ratio = Field(description="(released + committed) / cap", examples=["0.012300"])
    dilution: Ratio = Field(
        description="EMISSION: what is owed and will be newly minted, to the supply; FUNDED mints nothing: 0",
        examples=["0.310000"],
    )


class ReplacementShape(Shape):
    program: int = Field(description="the program that replaces this one", examples=[3])
    closes_at: Timestamp = Field(description="until then this one takes payments; its nodes go on as they are")


class ProgramShape(Shape):
    program: int = Field(examples=[1])
    name: str = Field(examples=["FEC"])
    replacement: ReplacementShape | None = Field(description="null while nothing replaces it")
    terms: TermsShape
    books: BooksShape
    solvency: Solvency


class ProgramAnswer(ProgramShape):
    read_at: ReadAt


class ProgramList(Shape):
    read_at: ReadAt
    items: list[ProgramShape]


class NextRelease(Shape):
    at: Timestamp
    amount: Amount


class Frozen(Shape):
    """The wallet can receive and claim, and sends nothing."""

    until: int | None = Field(description="unix seconds; null: until it is lifted", examples=[852_163_200])
    reason: str = Field(description="in the words of who froze it", examples=["stolen key, reported by its holder"])
    by: Address


class Wallet(Shape):
    """`claimable` can be claimed now; `committed` is all that nodes still owe the wallet, claimable included: those
    that it owns and that name no beneficiary, and those that name it as theirs. `nodes` counts what it owns."""

    read_at: ReadAt
    address: Address
    account: str = Field(description="CAIP-10", examples=["eip155:31337:0x70997970c51812dc3a010c7d01b50e0d17dc79c8"])
    balance: Amount
    claimable: Amount
    committed: Amount
    nodes: int = Field(examples=[3])
    next_release: NextRelease | None
    frozen: Frozen | None = Field(examples=[None])


class NodeShape(Shape):
    """`released` = `claimed` + `claimable`. A locked node has released nothing yet: refundable, not transferable.

    A split may have paid a node a few units ahead of its schedule, which the next releases make up for.
    """

    id: NodeIdText
    program: int = Field(examples=[1])
    owner: Address
    beneficiary: Address | None = Field(description="who is paid what it releases; null: its owner", examples=[None])
    given_until: int | None = Field(
        description="whoever has its link may take it until then, unix seconds, inclusive; it cannot be transferred, "
        "split or merged until it is taken or taken back. null: it is not given",
        examples=[None],
    )
    start: int = Field(description="the period that it starts with", examples=[12])
    starts_at: Timestamp
    unlocks_at: Timestamp = Field(description="its first release, in unix seconds")
    ends_at: Timestamp
    locked: bool
    elapsed_periods: int = Field(examples=[3])
    periods: int = Field(examples=[100])
    total: Amount
    released: Amount
    claimed: Amount
    claimable: Amount


class WalletNodes(Shape):
    read_at: ReadAt
    items: list[NodeShape]


class ScheduleStep(Shape):
    period: int = Field(description="full periods since the node's start", examples=[1])
    at: Timestamp
    released: Amount = Field(description="cumulative")
    amount: Amount = Field(description="released at this step")


class NodeAnswer(NodeShape):
    read_at: ReadAt
    schedule: list[ScheduleStep]


class ForecastStep(Shape):
    at: Timestamp
    program: int = Field(examples=[1])
    period: int = Field(description="of the program's grid", examples=[15])
    amount: Amount
    cumulative: Amount = Field(description="of all releases ahead up to this one")


class Forecast(Shape):
    """Every release ahead to the wallet, summed over nodes. What is claimable now is not part of it."""

    read_at: ReadAt
    claimable: Amount
    items: list[ForecastStep]
