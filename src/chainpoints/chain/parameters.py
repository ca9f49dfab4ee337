"""What a deployment is made with: the accounts of the roles, their delays, and the first programs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from chainpoints.chain.signer import Signer, local_key, role_address
from chainpoints.config import CHAINS, Settings
from chainpoints.domain.schedule import FEC, Schedule
from chainpoints.errors import InvalidInput
from chainpoints.types import DAY_SECONDS, ONE_POINT, Address, Hash32, Points

WEEK_SECONDS = 7 * DAY_SECONDS

PUBLIC_EPOCH = 1_767_571_200
"""Monday 2026-01-05 00:00 UTC. On public chains weeks begin on Mondays; that it is fixed lets a deployment resume."""

GRANTED = ("admin", "registrar", "issuer", "program_manager", "guardian", "anchorer", "approver")
"""The roles that an account is given on chain. Deployer and relayer get none: the one ends, the other only pays gas."""


class Funding(IntEnum):
    """As in IPrograms: where released points come from."""

    EMISSION = 0
    FUNDED = 1


@dataclass(frozen=True, slots=True)
class Program:
    """One program's rules. Amounts are base units, times unix seconds."""

    name: str
    terms_file: str
    funding: Funding
    divert_bps: int
    multiplier: int
    schedule: Schedule
    period_seconds: int
    epoch: int
    min_payment: Points
    payer_period_cap: Points
    cap: Points

    @property
    def terms_hash(self) -> Hash32:
        """keccak256 of the terms as a person reads them."""
        return Hash32("0x" + keccak(terms_text(self.terms_file)).hex())

    def terms(self) -> dict[str, Any]:
        """The fields of IPrograms.Terms, in its order."""
        return {
            "funding": int(self.funding),
            "divertBps": self.divert_bps,
            "multiplier": self.multiplier,
            "periods": self.schedule.periods,
            "periodLength": self.period_seconds,
            "epoch": self.epoch,
            "minPayment": self.min_payment,
            "payerPeriodCap": self.payer_period_cap,
            "cap": self.cap,
            "growthNumerator": self.schedule.numerator,
            "growthDenominator": self.schedule.denominator,
            "termsHash": bytes.fromhex(self.terms_hash[2:]),
        }


@dataclass(frozen=True, slots=True)
class Parameters:
    """`accounts` and `delays` (seconds from a call's scheduling to its execution) are by role, for each of GRANTED."""

    chain_id: int
    accounts: dict[str, Address]
    delays: dict[str, int]
    programs: tuple[Program, ...]

    def __post_init__(self) -> None:
        for what, given in (("account", self.accounts), ("delay", self.delays)):
            missing = [role for role in GRANTED if role not in given]
            if missing or len(given) != len(GRANTED):
                raise InvalidInput(f"each of {', '.join(GRANTED)} needs one {what}; given: {', '.join(given)}")
        if self.accounts["issuer"] == self.accounts["approver"]:
            raise InvalidInput(
                f"{self.accounts['issuer']} is issuer and approver; a large issue needs two people: name two accounts"
            )
        for program in self.programs:
            if program.epoch % DAY_SECONDS:
                raise InvalidInput(
                    f"epoch {program.epoch} of {program.name} is not a midnight UTC; give a multiple of 86400"
                )


def terms_text(terms_file: str) -> bytes:
    """The human-readable terms that a program's hash commits to, as committed in this package."""
    return (Path(__file__).with_name("terms") / terms_file).read_bytes()


def first_programs(epoch: int) -> tuple[Program, ...]:
    """FEC as published, and Instalments, a funded program. `epoch` is the midnight UTC at which both grids begin."""
    fec = Program(
        name="FEC",
        terms_file="fec.md",
        funding=Funding.EMISSION,
        divert_bps=1_000,
        multiplier=10,
        schedule=FEC,
        period_seconds=WEEK_SECONDS,
        epoch=epoch,
        min_payment=ONE_POINT,
        payer_period_cap=Points(10_000 * ONE_POINT),
        cap=Points(100_000_000 * ONE_POINT),
    )
    instalments = Program(
        name="Instalments",
        terms_file="instalments.md",
        funding=Funding.FUNDED,
        divert_bps=1_000,
        multiplier=2,
        schedule=Schedule(periods=60),
        period_seconds=DAY_SECONDS,
        epoch=epoch,
        min_payment=ONE_POINT,
        payer_period_cap=Points(1_000 * ONE_POINT),
        cap=Points(10_000_000 * ONE_POINT),
    )
    return (fec, instalments)


def local_parameters(epoch: int, chain_id: int = CHAINS["local"].chain_id) -> Parameters:
    """For a local chain: the public development accounts, no delays."""
    return Parameters(
        chain_id=chain_id,
        accounts={role: Signer(local_key(role)).address for role in GRANTED},
        delays=dict.fromkeys(GRANTED, 0),
        programs=first_programs(epoch),
    )


def public_parameters(settings: Settings, epoch: int = PUBLIC_EPOCH) -> Parameters:
    """For a public chain: the accounts that CHAINPOINTS_KEYS names, with delays that leave time to object.

    What the admin does takes effect after two days (a freeze that it confirms lasts seven by itself), a new program
    after one. The other roles act at once: the gateway works by them, and limits on chain bound them.
    """
    return Parameters(
        chain_id=settings.chain.chain_id,
        accounts={role: role_address(settings, role) for role in GRANTED},
        delays=dict.fromkeys(GRANTED, 0) | {"admin": 2 * DAY_SECONDS, "program_manager": DAY_SECONDS},
        programs=first_programs(epoch),
    )
